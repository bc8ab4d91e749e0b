//! `tableglow serve` as it is used: a process of its own, real sockets, killed and started again.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

#[path = "harness/serving.rs"]
mod serving;

use std::collections::BTreeSet;
#[cfg(unix)]
use std::io::Read as _;
use std::net::TcpStream;
#[cfg(unix)]
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tableglow::doc::{GameDoc, Origin, PartyDoc};
use tableglow::geom::mask::Mask;
use tableglow::geom::rect::IRect;
use tableglow::model::edit::{Assignment, Edit, RowRef};
use tableglow::model::id::{GameSessionId, PartyId, RowId, SceneId};
use tableglow::model::property::RowKind;
use tableglow::model::stroke::{MaskTarget, NewStroke, StrokeMode, StrokeShape};
use tableglow::model::{marker, party, scene};
use tableglow::scene::tiled::TiledPicture;
use tableglow::storage::blobs::hash_of;
use tableglow::sync::protocol::{AwarenessEntry, Message, SyncMessage, awareness_frame};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::handshake::HandshakeError;
use tokio_tungstenite::tungstenite::{self, WebSocket};

use serving::{PATIENCE, Serve, command};

const ROOM: &str = "/parties/game_session/cellar";

impl Serve {
    fn connect(&self, path: &str, headers: &[(&'static str, &str)]) -> Result<Peer, u16> {
        let mut request = format!("ws://{}{path}", self.address)
            .into_client_request()
            .unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        match tungstenite::client(request, stream) {
            Ok((socket, _)) => Ok(Peer {
                socket,
                doc: GameDoc::create(&GameSessionId::new("cellar")),
                durable: 0,
                sent: 0,
                texts: Vec::new(),
                shown: Vec::new(),
                heard: Vec::new(),
            }),
            Err(HandshakeError::Failure(tungstenite::Error::Http(response))) => {
                Err(response.status().as_u16())
            }
            Err(error) => panic!("{error}"),
        }
    }

    fn guest(&self) -> Peer {
        let mut peer = self
            .connect(&format!("{ROOM}?_pk=x&tableglow=1"), &[])
            .unwrap();
        peer.sync();
        peer
    }

    /// Ends it as the system would.
    #[cfg(unix)]
    fn terminate(mut self) -> (Option<i32>, String) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .unwrap()
                .success()
        );
        let status = self.child.wait().unwrap();
        let mut said = String::new();
        self.stderr.read_to_string(&mut said).unwrap();
        (status.code(), said)
    }
}

/// A client of one room.
struct Peer {
    socket: WebSocket<TcpStream>,
    doc: GameDoc,
    durable: u64,
    sent: u64,
    texts: Vec<String>,
    shown: Vec<(u64, String)>,
    /// Every byte that it was sent.
    heard: Vec<Vec<u8>>,
}

impl Peer {
    fn send(&mut self, message: &Message<'_>) {
        if matches!(
            message,
            Message::Sync(SyncMessage::Step2(_) | SyncMessage::Update(_))
        ) {
            self.sent += 1;
        }
        self.socket
            .send(tungstenite::Message::binary(message.encode()))
            .unwrap();
    }

    /// The first words of both sides.
    fn sync(&mut self) {
        let has = self.doc.replica().state_vector();
        self.doc.replica_mut().take_updates();
        self.send(&Message::Sync(SyncMessage::Step1(&has)));
        while !self.hear_one() {}
        let before = self.sent;
        self.wait_until(|peer| peer.sent > before || peer.sent > 0);
    }

    /// Reads a message; whether it was the answer to what this side has.
    fn hear_one(&mut self) -> bool {
        let message = self.socket.read().unwrap();
        self.heard.push(message.clone().into_data().to_vec());
        match message {
            tungstenite::Message::Binary(frame) => match Message::decode(&frame).unwrap() {
                Message::Sync(SyncMessage::Step1(has)) => {
                    let missing = self.doc.replica().encode_missing(has).unwrap();
                    self.send(&Message::Sync(SyncMessage::Step2(&missing)));
                }
                Message::Sync(
                    message @ (SyncMessage::Step2(update) | SyncMessage::Update(update)),
                ) => {
                    self.doc
                        .replica_mut()
                        .apply_update(update, Origin::Remote(1))
                        .unwrap();
                    self.doc.replica_mut().take_updates();
                    return matches!(message, SyncMessage::Step2(_));
                }
                Message::Durable { messages, .. } => self.durable = messages,
                Message::Awareness(update) => {
                    for entry in update.entries() {
                        self.shown.push((entry.client, entry.json.to_owned()));
                    }
                }
                other => panic!("{other:?}"),
            },
            tungstenite::Message::Text(text) => self.texts.push(text.to_string()),
            tungstenite::Message::Close(_) => panic!("closed"),
            _ => {}
        }
        false
    }

    fn wait_until(&mut self, done: impl Fn(&Self) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !done(self) {
            assert!(Instant::now() < end, "it never came");
            self.hear_one();
        }
    }

    fn create(&mut self, scene: &str) {
        let create = Edit::Create {
            row: RowRef::Scene(SceneId::new(scene)),
            values: vec![],
        };
        self.doc.apply(&[create], Origin::Local(1));
        for update in self.doc.replica_mut().take_updates() {
            self.send(&Message::Sync(SyncMessage::Update(&update.bytes)));
        }
    }

    fn scenes(&self) -> BTreeSet<String> {
        self.doc
            .scene_ids()
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    fn show(&mut self, client: u64, clock: u64, json: &str) {
        let entry = AwarenessEntry {
            client,
            clock,
            json,
        };
        let frame = awareness_frame([entry]);
        self.socket
            .send(tungstenite::Message::binary(frame))
            .unwrap();
    }
}

#[test]
fn two_people_share_a_room_and_a_killed_server_loses_nothing_it_acknowledged() {
    let data = tempfile::tempdir().unwrap();
    let mut server = Serve::start(data.path(), &["--open"]);
    let (mut ada, mut bob) = (server.guest(), server.guest());
    ada.create("cave");
    bob.wait_until(|peer| peer.scenes().contains("cave"));
    bob.create("tower");
    ada.wait_until(|peer| peer.scenes().len() == 2);
    ada.wait_until(|peer| peer.durable == peer.sent);
    bob.wait_until(|peer| peer.durable == peer.sent);
    server.kill();

    let server = Serve::start(data.path(), &["--open"]);
    let late = server.guest();
    assert_eq!(late.scenes(), ada.scenes());
    // A cursor, and its end when its owner is cut off.
    let mut watcher = server.guest();
    let mut cut = server.guest();
    cut.show(7, 1, r#"{"cursor":{}}"#);
    watcher.wait_until(|peer| peer.shown.contains(&(7, r#"{"cursor":{}}"#.into())));
    drop(cut);
    watcher.wait_until(|peer| peer.shown.contains(&(7, "null".into())));
}

#[cfg(unix)]
#[test]
fn a_server_that_is_told_to_stop_saves_everything_first() {
    let data = tempfile::tempdir().unwrap();
    let server = Serve::start(data.path(), &["--open"]);
    let mut ada = server.guest();
    for n in 0..20 {
        ada.create(&format!("scene{n}"));
    }
    // The server has read them all when it has answered what came after them.
    let has = ada.doc.replica().state_vector();
    ada.send(&Message::Sync(SyncMessage::Step1(&has)));
    while !ada.hear_one() {}
    let (code, _) = server.terminate();
    assert_eq!(code, Some(0));
    let server = Serve::start(data.path(), &["--open"]);
    assert_eq!(server.guest().scenes().len(), 20);
}

#[test]
fn nobody_comes_in_without_the_right_token_from_the_right_place() {
    let data = tempfile::tempdir().unwrap();
    let server = Serve::start(data.path(), &["--room", "game_session/cellar"]);
    let file = std::fs::read(data.path().join("tokens.json")).unwrap();
    let file: Value = serde_json::from_slice(&file).unwrap();
    let token = |role: &str| {
        file["rooms"]["game_session/cellar"][role]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let own = file["server"].as_str().unwrap().to_owned();
    let with = |token: &str| format!("{ROOM}?_pk=1&token={token}");

    assert_eq!(server.connect(ROOM, &[]).err(), Some(401));
    assert_eq!(server.connect(&with("guess"), &[]).err(), Some(403));
    let other = format!("/parties/game_session/attic?token={}", token("dm"));
    assert_eq!(server.connect(&other, &[]).err(), Some(403));
    // Of a room that is no game it is not known what players must not see: they are not let in.
    let text = with(&token("dm")).replace("?", "?text=notes&");
    assert_eq!(server.request("PUT", &text, "", b"some text").0, 201);
    for role in ["player", "display"] {
        assert_eq!(server.connect(&with(&token(role)), &[]).err(), Some(403));
    }
    let dm = format!("Bearer {}", token("dm"));
    let evil = [
        ("authorization", dm.as_str()),
        ("origin", "https://evil.example"),
    ];
    assert_eq!(server.connect(ROOM, &evil).err(), Some(403));
    let (status, _, _) = server.request("GET", "/health", "host: evil.example\r\n", b"");
    assert_eq!(status, 421);
    for (method, path) in [
        ("GET", ROOM),
        ("POST", ROOM),
        ("PUT", ROOM),
        ("GET", "/tokens/p/r"),
    ] {
        assert_eq!(
            server.request(method, path, "", b"{}").0,
            401,
            "{method} {path}"
        );
        let wrong = "authorization: Bearer guess\r\n";
        assert_eq!(
            server.request(method, path, wrong, b"{}").0,
            403,
            "{method} {path}"
        );
    }
    assert_eq!(
        server
            .request("GET", &format!("/assets/{}", "0".repeat(64)), "", b"")
            .0,
        401
    );

    let mut ada = server.connect(ROOM, &[("authorization", &dm)]).unwrap();
    ada.sync();
    // A viewer reads along; what it writes changes nothing.
    let mut viewer = server.connect(&with(&token("viewer")), &[]).unwrap();
    viewer.sync();
    viewer.create("forged");
    ada.create("cave");
    viewer.wait_until(|peer| peer.scenes().contains("cave"));
    let mut late = server.connect(&with(&own), &[]).unwrap();
    late.sync();
    assert_eq!(late.scenes(), BTreeSet::from(["cave".to_owned()]));
    let header = format!("authorization: Bearer {}\r\n", token("viewer"));
    assert_eq!(server.request("POST", ROOM, &header, b"{}").0, 403);

    // An invitation made beside the running server, and one made by it.
    let invited = command(data.path(), &["--invite", "game_session/attic"])
        .output()
        .unwrap();
    let invited: Value = serde_json::from_slice(&invited.stdout).unwrap();
    let attic = invited["tokens"]["dm"].as_str().unwrap();
    let attic = format!("/parties/game_session/attic?token={attic}");
    assert!(server.connect(&attic, &[]).is_ok());
    let header = format!("authorization: Bearer {own}\r\n");
    let asked = server.json("GET", "/tokens/game_session/attic", &header, b"");
    assert_eq!(asked, invited["tokens"]);

    #[cfg(unix)]
    {
        let (_, said) = server.terminate();
        for secret in [own, token("dm"), token("viewer"), token("player")] {
            assert!(!said.contains(&secret), "a token in {said}");
        }
    }
}

#[test]
fn the_http_side_does_what_it_promises() {
    let data = tempfile::tempdir().unwrap();
    let server = Serve::start(data.path(), &["--open"]);
    let with_name = format!("{ROOM}?_pk=1&userId=ada&userName=Ada%20L");
    let mut ada = server.connect(&with_name, &[]).unwrap();
    ada.sync();
    let mut bob = server
        .connect(&format!("{ROOM}?_pk=2&userId=bob"), &[])
        .unwrap();
    bob.sync();
    ada.wait_until(|peer| peer.texts.iter().any(|text| text.contains("USER_JOINED")));

    let room = server.json("GET", ROOM, "", b"");
    let ada_here = json!({"id": "ada", "name": "Ada L", "role": "dm"});
    assert!(
        room["users"].as_array().unwrap().contains(&ada_here),
        "{room}"
    );
    assert!(room["document"]["bytes"].is_u64());

    let event = br#"{"requestId": 7,  "body":"as it is","name":"x"}"#;
    assert_eq!(server.json("POST", ROOM, "", event), json!({"sent": 2}));
    let unread = String::from_utf8(event.to_vec()).unwrap();
    ada.wait_until(|peer| peer.texts.contains(&unread));
    bob.wait_until(|peer| peer.texts.contains(&unread));
    let but_ada = format!("{ROOM}?exclude=ada");
    assert_eq!(
        server.json("POST", &but_ada, "", b"[1]"),
        json!({"sent": 1})
    );
    let pong = server.json("POST", ROOM, "", br#"{"type":"ping","timestamp":5}"#);
    assert_eq!(
        (&pong["type"], &pong["timestamp"]),
        (&json!("pong"), &json!(5))
    );
    assert_eq!(server.request("POST", ROOM, "", b"{no").0, 400);
    assert_eq!(server.request("POST", ROOM, "", &[b' '; 70_000]).0, 413);
    drop(bob);
    ada.wait_until(|peer| peer.texts.iter().any(|text| text.contains("USER_LEFT")));

    let origin = "origin: http://localhost:5173\r\n";
    let (status, head, body) = server.request("OPTIONS", ROOM, origin, b"");
    assert_eq!((status, &body[..]), (200, &br#"{"ok":true}"#[..]));
    assert!(
        head.contains("access-control-allow-origin: http://localhost:5173"),
        "{head}"
    );
    assert!(head.contains("post"));

    for (path, status) in [
        ("/", 200),
        ("/health", 200),
        ("/nothing", 404),
        ("/parties/p", 404),
    ] {
        assert_eq!(server.request("GET", path, "", b"").0, status, "{path}");
    }
    let (_, _, figures) = server.request("GET", "/metrics", "", b"");
    let figures = String::from_utf8(figures).unwrap();
    assert!(figures.contains("tableglow_connections"), "{figures}");
    assert!(!figures.contains("cellar") && !figures.contains("ada"));

    // A beginning is for rooms that were never used.
    let seeded = "/parties/notes/first?text=body";
    assert_eq!(
        server.request("PUT", seeded, "", b"Once upon a time").0,
        201
    );
    assert_eq!(server.request("PUT", seeded, "", b"Another").0, 409);
    assert!(
        server.json("GET", "/parties/notes/first", "", b"")["document"]["bytes"].as_u64()
            > Some(16)
    );

    let picture: Vec<u8> = (0..100_000_u32).map(|n| (n % 251) as u8).collect();
    let path = format!("/assets/{}", hash_of(&picture));
    assert_eq!(server.request("GET", &path, "", b"").0, 404);
    assert_eq!(server.request("PUT", &path, "", b"something else").0, 422);
    assert_eq!(server.request("PUT", &path, "", &picture).0, 201);
    assert_eq!(server.request("PUT", &path, "", &picture).0, 200);
    assert_eq!(server.request("GET", &path, "", b"").2, picture);
    let (status, head, part) = server.request("GET", &path, "range: bytes=1000-1999\r\n", b"");
    assert_eq!((status, &part[..]), (206, &picture[1000..2000]));
    assert!(
        head.contains("content-range: bytes 1000-1999/100000"),
        "{head}"
    );
}

#[test]
fn what_cannot_be_served_is_told_in_a_sentence() {
    let data = tempfile::tempdir().unwrap();
    let _server = Serve::start(data.path(), &["--open"]);
    let fails = |arguments: &[&str], with: &str| {
        let output = command(data.path(), arguments).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.contains(with) && said.trim().lines().count() == 1,
            "{said}"
        );
    };
    fails(
        &["--listen", "127.0.0.1:0", "--open"],
        "another server is running",
    );
    fails(&["--listen", "0.0.0.0:0", "--open"], "this machine only");
    fails(
        &["--listen", "127.0.0.1:0", "--seed", "p/r=/nowhere"],
        "/nowhere",
    );
    let usage = command(data.path(), &["--seed", "nonsense"])
        .output()
        .unwrap();
    assert_eq!(usage.status.code(), Some(2));
}

/// A picture of one colour, and its name.
fn picture(color: [u8; 3], size: [u32; 2]) -> (Vec<u8>, String) {
    let mut file = std::io::Cursor::new(Vec::new());
    image::RgbImage::from_pixel(size[0], size[1], image::Rgb(color))
        .write_to(&mut file, image::ImageFormat::Png)
        .unwrap();
    let bytes = file.into_inner();
    let hash = hash_of(&bytes);
    (bytes, hash)
}

/// The game of [`players_and_displays_get_what_is_shown_and_nothing_else`]: a map under half a fog.
fn half_hidden_game(map: &str, token: &str) -> GameDoc {
    let market = SceneId::new("market");
    let mut game = GameDoc::create(&GameSessionId::new("cellar"));
    let mut fog = Mask::new(64, 32).unwrap();
    fog.fill_rect(IRect::new([0, 0], [32, 32]), true);
    let create = |row, values| Edit::Create { row, values };
    let marker = |name: &str, visibility: i64, x: f64| {
        create(
            RowRef::marker(&market, &RowId::new(name)),
            vec![
                Assignment::new(marker::TITLE, "CANARY"),
                Assignment::new(marker::IMAGE_LOCATION, Some(token)),
                Assignment::new(marker::VISIBILITY, visibility),
                Assignment::new(marker::PLAYERS_MAY_MOVE, true),
                Assignment::new(marker::POSITION_X, x),
            ],
        )
    };
    let edits = [
        create(
            RowRef::Scene(market.clone()),
            vec![
                Assignment::new(scene::NAME, "CANARY"),
                Assignment::new(scene::MAP_LOCATION, Some(map)),
                Assignment::new(scene::MAP_COORD_VERSION, 0i64),
            ],
        ),
        create(
            RowRef::Scene(SceneId::new("CANARY")),
            vec![Assignment::new(scene::NAME, "CANARY")],
        ),
        Edit::Stroke {
            scene: market.clone(),
            target: MaskTarget::Fog,
            stroke: NewStroke {
                shape: StrokeShape::Replace(fog.encode_rle().into()),
                mode: StrokeMode::Add,
                points: Vec::new(),
            },
        },
        marker("hero", marker::VISIBLE_TO_EVERYONE, 20.0),
        marker("CANARY", marker::VISIBLE_TO_DM, 20.0),
    ];
    let done = game.apply(&edits, Origin::Local(1));
    assert_eq!(done.dropped, []);
    game
}

#[test]
fn players_and_displays_get_what_is_shown_and_nothing_else() {
    const SECRET: [u8; 3] = [200, 30, 90];
    let data = tempfile::tempdir().unwrap();
    let rooms = ["--room", "game_session/cellar", "--room", "party/p"];
    let server = Serve::start(data.path(), &rooms);
    let file = std::fs::read(data.path().join("tokens.json")).unwrap();
    let file: Value = serde_json::from_slice(&file).unwrap();
    let bearer = |room: &str, role: &str| {
        let token = file["rooms"][room][role].as_str().unwrap();
        format!("authorization: Bearer {token}\r\n")
    };
    let path = |room: &str, role: &str| {
        let token = file["rooms"][room][role].as_str().unwrap();
        format!("/parties/{room}?_pk=1&tableglow=1&token={token}")
    };
    let (game_room, party_room) = ("game_session/cellar", "party/p");
    let dm = bearer(game_room, "dm");
    let (map, map_hash) = picture(SECRET, [64, 32]);
    let (token, token_hash) = picture([1, 2, 3], [8, 8]);
    for (bytes, hash) in [(&map, &map_hash), (&token, &token_hash)] {
        let put = server.request("PUT", &format!("/assets/{hash}"), &dm, bytes);
        assert_eq!(put.0, 201);
    }
    let game = half_hidden_game(
        &format!("map/{map_hash}.png"),
        &format!("token/{token_hash}.png"),
    );
    let seed = game.replica().encode_snapshot();
    assert_eq!(server.request("PUT", ROOM, &dm, &seed).0, 201);
    let mut party = PartyDoc::create(&PartyId::new("p"));
    let active = Edit::Set {
        row: RowRef::Party,
        values: vec![Assignment::new(party::ACTIVE_SCENE_ID, Some("market"))],
    };
    party.apply(&[active], Origin::Local(1));
    let seed = party.replica().encode_snapshot();
    let dm_of_party = bearer(party_room, "dm");
    let put = server.request("PUT", "/parties/party/p", &dm_of_party, &seed);
    assert_eq!(put.0, 201);
    drop(server);

    // Started again, so that nobody is in the party's room.
    let server = Serve::start(data.path(), &[]);
    let as_dm = format!("{}&userName=CANARY", path(game_room, "dm"));
    let mut ada = server.connect(&as_dm, &[]).unwrap();
    ada.sync();
    let market = SceneId::new("market");
    let location = |peer: &Peer| -> String {
        let row = peer.doc.scene_row(&SceneId::new("market"));
        let location = row.and_then(|row| row.get(scene::MAP_LOCATION));
        location.map_or_else(String::new, |location| location.to_string())
    };
    for role in ["player", "display"] {
        let mut guest = server.connect(&path(game_room, role), &[]).unwrap();
        guest.sync();
        guest.wait_until(|peer| location(peer).ends_with(".png"));
        let markers = guest.doc.rows(&market, RowKind::Marker);
        let ids: Vec<_> = markers.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(ids, ["hero"]);
        // The map: black where fog is. Neither the whole one nor anything else that is not named.
        let as_guest = bearer(game_room, role);
        let get = |hash: &str| server.request("GET", &format!("/assets/{hash}"), &as_guest, b"");
        let cut = location(&guest)[4..68].to_owned();
        assert_ne!(cut, map_hash);
        let (status, _, bytes) = get(&cut);
        assert_eq!(status, 200);
        let seen = image::load_from_memory(&bytes).unwrap().to_rgb8();
        assert_eq!(seen.dimensions(), (64, 32));
        for (x, _, pixel) in seen.enumerate_pixels() {
            assert_eq!(pixel.0, if x < 32 { [0; 3] } else { SECRET });
        }
        assert_eq!(get(&token_hash).0, 200);
        assert_eq!(get(&map_hash).0, 404);
        // The same in tiles, each of which may be fetched as long as it is in the list.
        let (status, _, list) = get(&format!("{cut}/tiles"));
        assert_eq!((status, hash_of(&list)), (200, cut.clone()));
        let list = TiledPicture::decode(&list).unwrap();
        assert_eq!((list.size_px, list.tiles.len()), ([64, 32], 1));
        let tile = list.tiles[0].clone().unwrap();
        let (status, _, bytes) = get(tile.as_str());
        assert_eq!((status, hash_of(&bytes)), (200, tile.to_string()));
        let tile_pixels = image::load_from_memory(&bytes).unwrap().to_rgb8();
        assert!(tile_pixels == seen);
        for forged in [
            format!("{map_hash}/tiles"),
            format!("{map_hash}/coarse"),
            format!("{tile}/tiles"),
            format!("{tile}/coarse"),
            format!("{}/tiles", "0".repeat(64)),
            format!("..%2f{tile}"),
            hash_of(b"a tile of another map"),
        ] {
            assert_eq!(get(&forged).0, 404, "{forged}");
        }
        for path in [format!("/assets/{cut}/tiles"), format!("/assets/{tile}")] {
            assert_eq!(server.request("GET", &path, "", b"").0, 401);
            let stranger = bearer(party_room, role);
            assert_eq!(server.request("GET", &path, &stranger, b"").0, 404);
        }
        assert_eq!(
            server
                .request("PUT", &format!("/assets/{map_hash}"), &as_guest, &map)
                .0,
            403
        );
        // What is told over HTTP.
        let info = server.json("GET", ROOM, &as_guest, b"").to_string();
        assert!(
            !info.contains("CANARY") && info.contains(r#""connections":1"#),
            "{info}"
        );
        assert_eq!(server.request("POST", ROOM, &as_guest, b"{}").0, 403);
        assert_eq!(server.request("GET", "/metrics", &as_guest, b"").0, 403);
        assert_eq!(
            server
                .request("GET", "/tokens/game_session/cellar", &as_guest, b"")
                .0,
            403
        );
        // What the DM shows and says.
        ada.show(
            70,
            1,
            r#"{"cursor":{"worldPosition":{"x":1,"y":2}},"selection":"CANARY"}"#,
        );
        ada.show(
            71,
            1,
            r#"{"hoveredMarker":{"id":"CANARY","position":{"x":1,"y":2}}}"#,
        );
        let event = br#"{"type":"CANARY"}"#;
        server.request("POST", ROOM, &dm, event);
        guest.wait_until(|peer| peer.shown.iter().any(|(client, _)| *client == 70));
        // The map is cut anew when more of it is revealed.
        if role == "display" {
            let mut clear = Mask::new(64, 32).unwrap();
            clear.fill_rect(IRect::new([0, 0], [16, 32]), true);
            let reveal = Edit::Stroke {
                scene: market.clone(),
                target: MaskTarget::Fog,
                stroke: NewStroke {
                    shape: StrokeShape::Replace(clear.encode_rle().into()),
                    mode: StrokeMode::Add,
                    points: Vec::new(),
                },
            };
            ada.doc.apply(&[reveal], Origin::Local(1));
            for update in ada.doc.replica_mut().take_updates() {
                ada.send(&Message::Sync(SyncMessage::Update(&update.bytes)));
            }
            guest.wait_until(|peer| {
                location(peer).starts_with("cut/") && location(peer)[4..] != format!("{cut}.png")
            });
            // What was replaced is not given any more, also where it is still on the disk.
            let until = Instant::now() + PATIENCE;
            while get(tile.as_str()).0 != 404 || get(&format!("{cut}/tiles")).0 != 404 {
                assert!(Instant::now() < until, "an old map is given");
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        // A move that is allowed, and a write that is not.
        if role == "player" {
            let hero = RowRef::marker(&market, &RowId::new("hero"));
            let values = vec![
                Assignment::new(marker::POSITION_X, 25.0),
                Assignment::new(marker::LABEL, Some("forged")),
            ];
            guest.doc.apply(
                &[Edit::Set {
                    row: hero.clone(),
                    values,
                }],
                Origin::Local(1),
            );
            for update in guest.doc.replica_mut().take_updates() {
                guest.send(&Message::Sync(SyncMessage::Update(&update.bytes)));
            }
            let is_moved = |peer: &Peer| {
                let row = peer.doc.row(&hero).unwrap();
                row.get(marker::POSITION_X).to_bits() == 25f64.to_bits()
            };
            ada.wait_until(is_moved);
            let label = |peer: &Peer| peer.doc.row(&hero).unwrap().get(marker::LABEL);
            guest.wait_until(|peer| label(peer).is_none());
            assert_eq!(label(&ada), None);
        }
        let hidden = [b"CANARY".as_slice(), map_hash.as_bytes()];
        for frame in &guest.heard {
            for word in hidden {
                let is_in = frame.windows(word.len()).any(|window| window == word);
                assert!(!is_in, "{:?}", String::from_utf8_lossy(frame));
            }
        }
    }
    // The party's room tells them what is on the table.
    let mut guest = server.connect(&path(party_room, "player"), &[]).unwrap();
    guest.sync();
    let state = guest.doc.replica().encode_snapshot();
    let state = PartyDoc::open([state.as_slice()]).unwrap().state();
    assert_eq!(state.get(party::ACTIVE_SCENE_ID).as_deref(), Some("market"));
    // A token opens its own room only.
    let other = path(party_room, "player").replace("party/p", game_room);
    assert_eq!(server.connect(&other, &[]).err(), Some(403));
}
