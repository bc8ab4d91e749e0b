//! The HTTP side: the door that every request goes through, and the room's URL.
//!
//! Each request is checked before anything else happens: the host that it asks for, the origin that
//! it names, the token. A refusal is a status and one sentence; neither it nor the log repeats a
//! token.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, AUTHORIZATION, CONNECTION, CONTENT_TYPE,
    HOST, ORIGIN, RETRY_AFTER, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION,
    UPGRADE, VARY, WWW_AUTHENTICATE,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get};
use bytes::Bytes;
use hyper_util::rt::TokioIo;
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::access::{Denied, Doors, Role, Tokens};
use super::assets;
use super::code;
use super::host::{Host, Unavailable};
use super::listener::Seat;
use super::name::RoomName;
use super::room::User;
use super::seed;
use super::socket::{self, Visitor};
use super::tries::Tries;
use crate::sync::protocol::DURABLE_QUERY;

/// The longest event.
const MOST_EVENT_BYTES: usize = 64 << 10;
/// The longest seed.
const MOST_SEED_BYTES: usize = 64 << 20;
/// The longest name that a user may give itself.
const MOST_NAME_BYTES: usize = 256;

/// A header of answers to `GET /rooms`, refusals too: with it a client tells a wrong code from a
/// server of another kind.
pub const KIND_HEADER: &str = "x-tableglow";
/// The version of what is answered.
pub const KIND_VALUE: &str = "1";

/// What all handlers share.
#[derive(Debug)]
pub struct Service {
    /// The rooms.
    pub host: Arc<Host>,
    /// Tokens; `None`: open to whoever may connect.
    pub tokens: Option<Arc<Tokens>>,
    /// Wrong codes.
    pub tries: Tries,
    /// Origins and names.
    pub doors: Doors,
    /// Parties whose rooms are plain JSON.
    pub text_parties: Vec<String>,
    /// Connections that one room takes.
    pub most_connections: usize,
}

type Shared = State<Arc<Service>>;

/// The address that a request came from.
#[derive(Debug, Clone, Copy)]
pub struct From(pub IpAddr);

/// All routes behind the door.
pub fn router(service: Service) -> Router {
    let service = Arc::new(service);
    Router::new()
        .route("/parties/{*rest}", any(room))
        .route("/party/{*rest}", any(room))
        .route("/rooms", get(rooms))
        .route("/tokens/{*rest}", get(tokens))
        .route("/assets/{hash}", get(get_asset).put(put_asset))
        .route("/assets/{hash}/tiles", get(get_tiles))
        .route("/assets/{hash}/coarse", get(get_coarse))
        .route("/health", get(health))
        .route("/metrics", get(metrics))
        .route("/", get(|| async { "Tableglow room server\n" }))
        .fallback(|| async { refuse(StatusCode::NOT_FOUND, "Not found") })
        .layer(middleware::from_fn_with_state(Arc::clone(&service), door))
        .with_state(service)
}

/// Checks where a request comes from and what it asks for; answers preflights.
async fn door(State(service): Shared, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let origin = text(headers, ORIGIN.as_str()).map(ToOwned::to_owned);
    // A request line may carry the host itself.
    let host = request
        .uri()
        .authority()
        .map(axum::http::uri::Authority::as_str)
        .or_else(|| text(headers, HOST.as_str()));
    let checked = service
        .doors
        .check_host(host)
        .and_then(|()| service.doors.check_origin(origin.as_deref()));
    if let Err(denied) = checked {
        return denied_response(&service, denied);
    }
    let mut response = if request.method() == Method::OPTIONS {
        axum_json(StatusCode::OK, &json!({"ok": true}))
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.insert(VARY, HeaderValue::from_static("origin"));
    if let Some(Ok(origin)) = origin.map(HeaderValue::try_from) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        let fixed = [
            (
                ACCESS_CONTROL_ALLOW_METHODS,
                "GET, HEAD, POST, PUT, OPTIONS",
            ),
            (
                ACCESS_CONTROL_ALLOW_HEADERS,
                "authorization, content-type, range, x-exclude-user",
            ),
            (
                ACCESS_CONTROL_EXPOSE_HEADERS,
                "accept-ranges, content-length, content-range, etag",
            ),
            (ACCESS_CONTROL_MAX_AGE, "600"),
        ];
        for (name, value) in fixed {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    response
}

async fn room(State(service): Shared, mut request: Request) -> Response {
    let Ok(name) = RoomName::from_path(request.uri().path()) else {
        return refuse(StatusCode::NOT_FOUND, "Not found");
    };
    let role = match service.role_in(&name, &request) {
        Ok(role) => role,
        Err(denied) => return denied_response(&service, denied),
    };
    let may_come = service.host.may_come(&name);
    if !service.host.has_room(&name) {
        if may_come {
            return unavailable();
        }
        return refuse(StatusCode::NOT_FOUND, "this game is not hosted here now");
    }
    let is_upgrade = text(request.headers(), UPGRADE.as_str())
        .is_some_and(|value| value.eq_ignore_ascii_case("websocket"));
    let method = request.method().clone();
    if method == Method::GET && is_upgrade {
        return upgrade(&service, name, role, &mut request).await;
    }
    if method == Method::GET || method == Method::HEAD {
        return info(&service, &name, role).await;
    }
    if method != Method::POST && method != Method::PUT {
        return refuse(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed");
    }
    if !role.may_write() {
        let only = "only a DM's token may do this";
        service.count_refusal();
        return refuse(StatusCode::FORBIDDEN, only);
    }
    if method == Method::POST {
        event(&service, &name, request).await
    } else {
        put_seed(&service, &name, request).await
    }
}

async fn upgrade(
    service: &Arc<Service>,
    room: RoomName,
    role: Role,
    request: &mut Request,
) -> Response {
    let headers = request.headers();
    let is_current = text(headers, SEC_WEBSOCKET_VERSION.as_str()) == Some("13");
    let wants_upgrade = text(headers, CONNECTION.as_str()).is_some_and(|value| {
        value
            .split(',')
            .any(|word| word.trim().eq_ignore_ascii_case("upgrade"))
    });
    let key = headers.get(SEC_WEBSOCKET_KEY).cloned();
    let Some(key) = key.filter(|_| is_current && wants_upgrade) else {
        return refuse(StatusCode::BAD_REQUEST, "not a WebSocket handshake");
    };
    let query = Query::of(request.uri());
    let visitor = Visitor {
        role,
        user: query.user(),
        takes_text: query.has("_pk") || query.has("userId") || query.has("userName"),
        wants_durable: query.any(&[DURABLE_QUERY.0]).as_deref() == Some(DURABLE_QUERY.1),
        text_first: service
            .text_parties
            .iter()
            .any(|party| party == room.party()),
        room,
    };
    let Ok(seats) = service.host.open(&visitor.room).await else {
        return unavailable();
    };
    if !role.sees_all() && (visitor.text_first || !seats.for_guests) {
        return denied_response(service, Denied::NoProjection);
    }
    if seats.taken >= service.most_connections {
        let full = "the room is full: its server takes no more connections";
        return refuse(StatusCode::SERVICE_UNAVAILABLE, full);
    }
    let seat = request.extensions().get::<Seat>().cloned();
    let upgrade = hyper::upgrade::on(request);
    let host = Arc::clone(&service.host);
    host.metrics.joins.fetch_add(1, Ordering::Relaxed);
    tokio::spawn(async move {
        // A peer that goes away in the middle of the handshake was never here.
        if let Ok(upgraded) = upgrade.await {
            socket::serve(TokioIo::new(upgraded), host, visitor).await;
        }
        drop(seat);
    });
    let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
    let headers = response.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    if let Ok(accept) = HeaderValue::try_from(derive_accept_key(key.as_bytes())) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    response
}

async fn info(service: &Service, name: &RoomName, role: Role) -> Response {
    let Ok(info) = service.host.info(name, role.sees_all()).await else {
        return unavailable();
    };
    let users: Vec<Value> = info
        .users
        .iter()
        .map(|(user, role)| json!({"id": &*user.id, "name": user.name.as_deref(), "role": role.word()}))
        .collect();
    let document = json!({
        "bytes": info.document_bytes.unwrap_or(info.stored_bytes),
        "stateVectorBytes": info.state_vector_bytes,
        "storedBytes": info.stored_bytes,
    });
    let body = json!({"users": users, "connections": info.connections, "document": document});
    axum_json(StatusCode::OK, &body)
}

async fn event(service: &Service, name: &RoomName, request: Request) -> Response {
    let audience = Query::of(request.uri()).any(&["audience"]);
    let exclude = Query::of(request.uri())
        .any(&["exclude", "excludeUser", "excludeUserId"])
        .or_else(|| text(request.headers(), "x-exclude-user").map(ToOwned::to_owned));
    let Ok(body) = axum::body::to_bytes(request.into_body(), MOST_EVENT_BYTES).await else {
        let too_large = "an event may have 64 KiB at most";
        return refuse(StatusCode::PAYLOAD_TOO_LARGE, too_large);
    };
    if serde_json::from_slice::<IgnoredAny>(&body).is_err() {
        return refuse(StatusCode::BAD_REQUEST, "an event is one JSON value");
    }
    if let Some(ping) = ping(&body) {
        let pong = json!({
            "type": "pong",
            "timestamp": ping,
            "serverTimestamp": service.host.unix_ms(),
            "roomId": name.room(),
        });
        return axum_json(StatusCode::OK, &pong);
    }
    let for_players = audience.as_deref() == Some("everyone");
    let sent = service
        .host
        .send_event(name, body, exclude, for_players)
        .await;
    axum_json(StatusCode::OK, &json!({"sent": sent}))
}

/// The timestamp of a ping, if the event is one.
fn ping(body: &[u8]) -> Option<Value> {
    #[derive(serde::Deserialize)]
    struct Ping {
        r#type: String,
        #[serde(default)]
        timestamp: Value,
    }
    let ping: Ping = serde_json::from_slice(body).ok()?;
    (ping.r#type == "ping").then_some(ping.timestamp)
}

async fn put_seed(service: &Arc<Service>, name: &RoomName, request: Request) -> Response {
    let query = Query::of(request.uri());
    let Ok(body) = axum::body::to_bytes(request.into_body(), MOST_SEED_BYTES).await else {
        return refuse(
            StatusCode::PAYLOAD_TOO_LARGE,
            "a seed may have 64 MiB at most",
        );
    };
    let root = query.any(&["text"]);
    let Some(update) = seed::update_of(&body, root.as_deref().unwrap_or(seed::TEXT_ROOT)) else {
        let neither = "a seed is a Yjs update, raw or as base64, or text";
        return refuse(StatusCode::BAD_REQUEST, neither);
    };
    match service.host.seed(name, update).await {
        Ok(true) => axum_json(StatusCode::CREATED, &json!({"ok": true})),
        Ok(false) => refuse(
            StatusCode::CONFLICT,
            "the room was used before, so its content stays; seeds are for new rooms",
        ),
        Err(Unavailable) => unavailable(),
    }
}

/// What a token opens: with it, an address and a code are enough to join.
async fn rooms(State(service): Shared, request: Request) -> Response {
    let found = service
        .look_up(&request, Tokens::rooms_of)
        .unwrap_or_else(|| Ok((Role::Dm, service.host.open_rooms())));
    let mut response = match found {
        Ok((role, rooms)) => {
            let is_here = |room: &&RoomName| service.host.has_room(room);
            let rooms: Vec<Value> = rooms
                .iter()
                .filter(is_here)
                .map(|name| json!({"party": name.party(), "room": name.room()}))
                .collect();
            let body = json!({
                "title": &*service.host.title(),
                "role": role.word(),
                "rooms": rooms,
            });
            axum_json(StatusCode::OK, &body)
        }
        Err(denied) => {
            let mut response = denied_response(&service, denied);
            if denied == Denied::Wrong {
                *response.status_mut() = StatusCode::UNAUTHORIZED;
            }
            response
        }
    };
    let kind = HeaderValue::from_static(KIND_VALUE);
    response.headers_mut().insert(KIND_HEADER, kind);
    response
}

async fn tokens(State(service): Shared, request: Request) -> Response {
    let path = request.uri().path().replacen("/tokens/", "/parties/", 1);
    let Ok(name) = RoomName::from_path(&path) else {
        return refuse(StatusCode::NOT_FOUND, "Not found");
    };
    let Some(tokens) = &service.tokens else {
        return refuse(
            StatusCode::NOT_FOUND,
            "this server is open: it has no tokens",
        );
    };
    let token = presented(request.headers(), request.uri());
    if !tokens.is_server(token.as_deref()) {
        let denied = token.map_or(Denied::Missing, |_| Denied::Wrong);
        return denied_response(&service, denied);
    }
    match tokens.of_room(&name) {
        Ok(tokens) => axum_json(StatusCode::OK, &json!(tokens)),
        Err(error) => refuse(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
    }
}

async fn get_asset(State(service): Shared, request: Request) -> Response {
    match service.role_anywhere(&request) {
        Ok(role) if role.sees_all() => assets::get(service.host.blobs(), request).await,
        Ok(_) => {
            let rooms = service.rooms_of_guest(&request);
            assets::get_for_guest(service.host.showing(), &rooms, request).await
        }
        Err(denied) => denied_response(&service, denied),
    }
}

async fn get_tiles(State(service): Shared, Path(hash): Path<String>, request: Request) -> Response {
    match service.role_anywhere(&request) {
        Ok(_) => {
            let rooms = service.rooms_of_guest(&request);
            assets::tiles(service.host.showing(), &rooms, &hash)
        }
        Err(denied) => denied_response(&service, denied),
    }
}

async fn get_coarse(
    State(service): Shared,
    Path(hash): Path<String>,
    request: Request,
) -> Response {
    match service.role_anywhere(&request) {
        Ok(role) => {
            let rooms = (!role.sees_all()).then(|| service.rooms_of_guest(&request));
            assets::coarse(service.host.showing(), rooms.as_deref(), &hash, request).await
        }
        Err(denied) => denied_response(&service, denied),
    }
}

async fn put_asset(State(service): Shared, request: Request) -> Response {
    match service.role_anywhere(&request) {
        Ok(role) if role.may_write() => {
            let response = assets::put(&service.host, request).await;
            service.host.showing().note_arrival();
            response
        }
        Ok(_) => refuse(StatusCode::FORBIDDEN, "only a DM's token may do this"),
        Err(denied) => denied_response(&service, denied),
    }
}

async fn health(State(service): Shared) -> Response {
    match service.host.failing() {
        None => axum_json(StatusCode::OK, &json!({"ok": true})),
        Some(_) => axum_json(
            StatusCode::SERVICE_UNAVAILABLE,
            &json!({"ok": false, "problem": "rooms cannot be saved at the moment"}),
        ),
    }
}

async fn metrics(State(service): Shared, request: Request) -> Response {
    let is_local = request
        .extensions()
        .get::<From>()
        .is_some_and(|from| from.0.is_loopback());
    if let Some(tokens) = &service.tokens {
        let token = presented(request.headers(), request.uri());
        // On this machine figures are free, but not for somebody who is known to be a guest.
        let is_free = is_local && token.is_none();
        if !is_free && !tokens.is_server(token.as_deref()) {
            let denied = token.map_or(Denied::Missing, |_| Denied::Wrong);
            return denied_response(&service, denied);
        }
    }
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(CONTENT_TYPE, kind)], service.host.metrics.to_text()).into_response()
}

impl Service {
    fn role_in(&self, name: &RoomName, request: &Request) -> Result<Role, Denied> {
        self.look_up(request, |tokens, token| tokens.role_in(name, token))
            .unwrap_or(Ok(Role::Dm))
    }

    fn role_anywhere(&self, request: &Request) -> Result<Role, Denied> {
        self.look_up(request, Tokens::role_anywhere)
            .unwrap_or(Ok(Role::Dm))
    }

    /// Looks a request's token up; `None` when this server has no tokens. A code that could be
    /// guessed is only looked at so many times.
    fn look_up<T>(
        &self,
        request: &Request,
        look: impl FnOnce(&Tokens, Option<&str>) -> Result<T, Denied>,
    ) -> Option<Result<T, Denied>> {
        let tokens = self.tokens.as_ref()?;
        let token = presented(request.headers(), request.uri());
        if !token.as_deref().is_some_and(code::is_code) {
            return Some(look(tokens, token.as_deref()));
        }
        let from = request.extensions().get::<From>();
        let from = from.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |from| from.0);
        let now = self.host.now();
        if !self.tries.may_try(from, now) {
            return Some(Err(Denied::TooMany));
        }
        let found = look(tokens, token.as_deref());
        if matches!(found, Err(Denied::Wrong)) {
            self.tries.failed(from, now);
        }
        Some(found)
    }

    fn rooms_of_guest(&self, request: &Request) -> Vec<RoomName> {
        let token = presented(request.headers(), request.uri());
        let tokens = self.tokens.as_ref();
        tokens.map_or_else(Vec::new, |tokens| tokens.rooms_of_guest(token.as_deref()))
    }

    fn count_refusal(&self) {
        self.host.metrics.refusals.fetch_add(1, Ordering::Relaxed);
    }
}

/// The token of a request.
fn presented(headers: &HeaderMap, uri: &Uri) -> Option<String> {
    text(headers, AUTHORIZATION.as_str())
        .and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme
                .eq_ignore_ascii_case("bearer")
                .then(|| token.trim().to_owned())
        })
        .or_else(|| Query::of(uri).any(&["token"]))
}

/// The query of a URL.
struct Query(Vec<(String, String)>);

impl Query {
    fn of(uri: &Uri) -> Self {
        let query = uri.query().unwrap_or_default();
        Self(
            form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
        )
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }

    /// The first value of the first of these names that is there and not empty.
    fn any(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| {
            self.0
                .iter()
                .find(|(key, value)| key == name && !value.is_empty())
                .map(|(_, value)| value.clone())
        })
    }

    fn user(&self) -> Option<User> {
        let fits = |text: &String| text.len() <= MOST_NAME_BYTES;
        let name = self.any(&["userName"]).filter(fits);
        let id = self
            .any(&["userId"])
            .filter(fits)
            .or_else(|| name.clone())?;
        Some(User {
            id: id.into(),
            name: name.map(Into::into),
        })
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

pub(super) fn axum_json(status: StatusCode, body: &Value) -> Response {
    let kind = "application/json";
    (status, [(CONTENT_TYPE, kind)], body.to_string()).into_response()
}

/// A status and one sentence.
pub(super) fn refuse(status: StatusCode, sentence: &str) -> Response {
    let body = Body::from(Bytes::from(format!("{sentence}\n")));
    let kind = "text/plain; charset=utf-8";
    (status, [(CONTENT_TYPE, kind)], body).into_response()
}

fn unavailable() -> Response {
    let mut response = refuse(StatusCode::SERVICE_UNAVAILABLE, &Unavailable.to_string());
    let seconds = HeaderValue::from_static("5");
    response.headers_mut().insert(RETRY_AFTER, seconds);
    response
}

fn denied_response(service: &Service, denied: Denied) -> Response {
    service.count_refusal();
    let status = match denied {
        Denied::Missing => StatusCode::UNAUTHORIZED,
        Denied::Wrong | Denied::NoProjection | Denied::Origin => StatusCode::FORBIDDEN,
        Denied::Host => StatusCode::MISDIRECTED_REQUEST,
        Denied::TooMany => StatusCode::TOO_MANY_REQUESTS,
    };
    let mut response = refuse(status, &denied.to_string());
    if denied == Denied::Missing {
        let scheme = HeaderValue::from_static("Bearer");
        response.headers_mut().insert(WWW_AUTHENTICATE, scheme);
    }
    response
}
