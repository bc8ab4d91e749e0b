//! Pictures over HTTP, named by the SHA-256 of what they hold.
//!
//! What is under a name never changes, so it may be cached for ever. A `PUT` whose content is not
//! what its name says is refused; nothing of it stays. `HEAD` says whether a picture is here. Only a map
//! that was cut out for players has another name: that of the list of its tiles, as nobody knows what
//! the whole of it hashes to before somebody asks for it.
//!
//! Whoever sees a room as its DM does (DM and viewer) fetches any picture by its name, whichever room
//! it belongs to, also where the pictures are a whole library's. That is no list of them: nothing
//! here tells names, and a name is 256 bits made of the picture itself, so whoever knows one has seen
//! a document that holds it, or has the picture. Which pictures belong to which room, only documents
//! know, and those are not read here. Only a DM's token adds pictures. Players and
//! displays get what their own document names and nothing else.

use std::io::{self, Read};
use std::path::PathBuf;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use tokio::sync::mpsc;
use tower::ServiceExt as _;
use tower_http::services::ServeFile;

use super::host::Host;
use super::http::{axum_json, refuse};
use super::name::RoomName;
use super::showing::{ForGuests, Showing};
use crate::storage::blobs::{Blobs, is_hash};

/// The largest picture: a library takes no larger one either.
const MOST_BYTES: u64 = 1 << 30;
/// The size of the picture that a coarse one stands for: `8192x4096`.
const TRUE_SIZE: HeaderName = HeaderName::from_static("x-picture-size");
const NO_PICTURE: &str = "there is no such picture here";
/// Parts of a picture that wait for the disk.
const PARTS: usize = 16;

/// `GET /assets/HASH`, also of a range.
pub(super) async fn get(blobs: &Blobs, request: Request) -> Response {
    let hash = hash_of(&request);
    match blobs.path(&hash) {
        Some(path) => give(path, &hash, request).await,
        None => absent(),
    }
}

/// The same for a picture that is not there and one that may not be seen: which there are is hidden.
fn absent() -> Response {
    refuse(StatusCode::NOT_FOUND, NO_PICTURE)
}

async fn give(path: PathBuf, tag: &str, request: Request) -> Response {
    if !path.is_file() {
        return absent();
    }
    // A name without an ending is served as plain bytes: nothing here is a page.
    let response = match ServeFile::new(path).oneshot(request).await {
        Ok(response) => response.map(Body::new),
        Err(never) => match never {},
    };
    for_ever(response, tag)
}

/// What never changes.
fn for_ever(mut response: Response, tag: &str) -> Response {
    let headers = response.headers_mut();
    let fixed = [
        (CACHE_CONTROL, "private, max-age=31536000, immutable"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(tag) = HeaderValue::try_from(format!("\"{tag}\"")) {
        headers.insert(ETAG, tag);
    }
    response
}

/// `GET /assets/HASH` of somebody who gets what players may see: what the document of one of these
/// rooms names for players now, and nothing else. A map comes as one picture, black under the fog, to
/// those who do not ask for its tiles.
pub(super) async fn get_for_guest(
    showing: &Showing,
    rooms: &[RoomName],
    request: Request,
) -> Response {
    let hash = hash_of(&request);
    let path = match showing.for_guests(rooms, &hash) {
        Some(ForGuests::Picture) => showing.blobs().path(&hash),
        Some(ForGuests::Map(made)) => showing.cuts().whole(made).await,
        Some(ForGuests::Tile(path)) => Some(path),
        None => None,
    };
    match path {
        Some(path) => give(path, &hash, request).await,
        None => absent(),
    }
}

/// `GET /assets/HASH/tiles`: the list of the tiles of a map that was cut out for players, for those
/// who may fetch it. What it hashes to is its name.
pub(super) fn tiles(showing: &Showing, rooms: &[RoomName], hash: &str) -> Response {
    let Some(ForGuests::Map(made)) = showing.for_guests(rooms, hash) else {
        return absent();
    };
    let json = (CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for_ever(([json], made.list.clone()).into_response(), hash)
}

/// `GET /assets/HASH/coarse`: a large picture in small, to be shown until it is there itself. `rooms`
/// are those whose guests' pictures may be fetched; `None`: any may.
pub(super) async fn coarse(
    showing: &Showing,
    rooms: Option<&[RoomName]>,
    hash: &str,
    request: Request,
) -> Response {
    let made = match rooms.map(|rooms| showing.for_guests(rooms, hash)) {
        None if is_hash(hash) => None,
        Some(Some(ForGuests::Picture)) => None,
        Some(Some(ForGuests::Map(made))) => Some(made),
        _ => return absent(),
    };
    let Some((path, [width, height])) = showing.cuts().coarse(hash, made).await else {
        return absent();
    };
    let mut response = give(path, &format!("coarse-{hash}"), request).await;
    if let Ok(size) = HeaderValue::try_from(format!("{width}x{height}")) {
        response.headers_mut().insert(TRUE_SIZE, size);
    }
    response
}

/// `PUT /assets/HASH`.
pub(super) async fn put(host: &Host, request: Request) -> Response {
    let blobs = host.blobs();
    let hash = hash_of(&request);
    if !is_hash(&hash) {
        let name = "a picture's name is the SHA-256 of its file in lower-case hex";
        return refuse(StatusCode::BAD_REQUEST, name);
    }
    if blobs.contains(&hash) {
        return axum_json(StatusCode::OK, &serde_json::json!({"ok": true}));
    }
    let (parts, received) = mpsc::channel(PARTS);
    let (blobs, expected) = (blobs.clone(), hash.clone());
    let kept = tokio::task::spawn_blocking(move || -> io::Result<bool> {
        let pending = blobs.receive(&mut Parts::new(received), MOST_BYTES)?;
        if pending.hash != expected {
            return Ok(false);
        }
        blobs.keep(pending).map(|()| true)
    });
    let mut body = request.into_body();
    while let Some(frame) = body.frame().await {
        let part = match frame.map(hyper::body::Frame::into_data) {
            Ok(Ok(data)) => Ok(data),
            // Trailers are of no interest.
            Ok(Err(_)) => continue,
            Err(error) => Err(io::Error::other(error)),
        };
        // The receiver has had enough.
        if parts.send(part).await.is_err() {
            break;
        }
    }
    drop(parts);
    match kept.await {
        Ok(Ok(true)) => {
            host.picture_came(&hash);
            axum_json(StatusCode::CREATED, &serde_json::json!({"ok": true}))
        }
        Ok(Ok(false)) => refuse(
            StatusCode::UNPROCESSABLE_ENTITY,
            "the content is not what its name says; it was not kept",
        ),
        Ok(Err(error)) if error.kind() == io::ErrorKind::FileTooLarge => refuse(
            StatusCode::PAYLOAD_TOO_LARGE,
            "a picture may have 1 GiB at most",
        ),
        Ok(Err(error)) => {
            tracing::warn!(target: "server", %error, "a picture was not kept");
            let full = "the picture could not be kept: the server's disk refuses; try again later";
            refuse(StatusCode::INSUFFICIENT_STORAGE, full)
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn hash_of(request: &Request) -> String {
    let path = request.uri().path();
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

/// The body of a request, as a reader for a thread that may wait.
struct Parts {
    received: mpsc::Receiver<io::Result<Bytes>>,
    current: Bytes,
}

impl Parts {
    const fn new(received: mpsc::Receiver<io::Result<Bytes>>) -> Self {
        Self {
            received,
            current: Bytes::new(),
        }
    }
}

impl Read for Parts {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.received.blocking_recv() {
                Some(part) => self.current = part?,
                None => return Ok(0),
            }
        }
        let count = self.current.len().min(buffer.len());
        let part = self.current.split_to(count);
        if let Some(target) = buffer.get_mut(..count) {
            target.copy_from_slice(&part);
        }
        Ok(count)
    }
}
