//! One suite for the rooms of every server that we know: ours (`tableglow serve` and a game that is
//! hosted in this process), `partykit dev` with y-partykit, `@y/websocket-server`, and our worker under
//! `wrangler dev`; with our client and a real web client in them.
//!
//! Needs Node 20 and the packages of `tests/interop/rooms` (`npm ci` there); `TABLEGLOW_ROOMS` names
//! that folder. Without it these tests say so and do nothing. `partykit dev` listens on every
//! interface, so it runs only where there is none but loopback (`unshare -rn`, as `.ci/run` does).
//! The worker also needs the packages of `packaging/cloudflare` (`npm ci` there), which
//! `TABLEGLOW_WORKER` names.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Sender, TryRecvError, bounded};
use glam::DVec2;
use serde_json::{Value as Json, json};

use tableglow::doc::GameDoc;
use tableglow::model::color::Rgb;
use tableglow::model::presence::{Measurement, Presence, TemporaryLayer};
use tableglow::model::property::RowKind;
use tableglow::model::stroke::MaskTarget;
use tableglow::server::host::Host;
use tableglow::server::listener::{Config, RoomsOf, Server};
use tableglow::server::name::RoomName;
use tableglow::storage::blobs::Blobs;
use tableglow::sync::client::Event;
use tableglow::sync::dialect::{Dialect, RoomAddress};
use tableglow::sync::memory::{MemoryTransport, Weather, pair};
use tableglow::sync::protocol::{AwarenessEntry, awareness_frame};
use tableglow::sync::state::{Closed, ConnectionState, RefusalKind};
use tableglow::sync::websocket::Net;
use tableglow::util::clock::{Clock, SystemClock};
use tokio_tungstenite::tungstenite;

use crate::client::{PATIENCE, Us, cave, labelled, session};
use crate::serving::Serve;
use crate::web::{Provider, Web};

const LARGE: usize = 3_000_000;

fn folder() -> Option<PathBuf> {
    named_folder("TABLEGLOW_ROOMS")
}

fn named_folder(variable: &str) -> Option<PathBuf> {
    let folder = std::env::var_os(variable).map(PathBuf::from);
    if folder.is_none() {
        eprintln!("{variable} is not set: this real room is not joined here");
    }
    folder
}

/// Whether what listens on every interface is seen by this machine's programs alone.
fn is_alone() -> bool {
    std::fs::read_dir("/sys/class/net").is_ok_and(|interfaces| {
        interfaces
            .filter_map(Result::ok)
            .all(|interface| interface.file_name() == "lo")
    })
}

/// A process that is ended with its owner.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // `partykit` ends its own children on SIGTERM, and leaves them behind on SIGKILL.
        let ended = Command::new("kill").arg(self.0.id().to_string()).status();
        let end = Instant::now() + Duration::from_secs(5);
        while ended.is_ok() && Instant::now() < end && matches!(self.0.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(20));
        }
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn wait_for_port(port: u16) {
    let end = Instant::now() + PATIENCE;
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < end, "the server does not come up");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn address(dialect: Dialect, port: u16) -> RoomAddress {
    let host = format!("127.0.0.1:{port}");
    let room = format!("room-{}", std::process::id());
    RoomAddress::new(dialect, &host, "game_session", &room)
}

/// A game with one scene and one marker, as a web client begins it.
fn begin(web: &mut Web) {
    web.set(&["meta", "schemaVersion"], &json!(2));
    web.set(
        &["scenes", "cave", "settings", "name"],
        &json!("Höhle 日本 🐉"),
    );
    web.set(&["scenes", "cave", "markers", "m1", "label"], &json!("Ö🐉"));
    for kind in ["lights", "annotations"] {
        web.set(&["scenes", "cave", kind, "x", "id"], &json!("x"));
    }
}

/// What somebody shows who measures, and draws what fades.
fn what_we_show() -> Presence {
    let (start, end) = (DVec2::new(-12.5, 3.0), DVec2::new(110.0, 3.0));
    Presence {
        measurement: Some(Measurement {
            shape: 4,
            ..Measurement::new("us", start, end, 1_782_900_000_000)
        }),
        temporary_layers: vec![TemporaryLayer {
            id: "ink".into(),
            made_unix_ms: 1_782_900_000_000,
            expires_unix_ms: 1_782_900_010_000,
            color: Rgb::WHITE,
            mask_base64: "BAAAAAIAAAABAQc=".into(),
            creator: "us".into(),
        }],
        ..Presence::default()
    }
}

/// What every room has to do with us in it.
fn suite(folder: &Path, provider: Provider, address: &RoomAddress) {
    let net = Net::start().unwrap();
    let mut web = Web::join(folder, provider, address);

    // What was there: nested maps, text of any script, bytes.
    begin(&mut web);
    web.set(
        &["scenes", "cave", "fogMask"],
        &json!({ "$base64": "AQID/w==" }),
    );
    let mut us = Us::join(&net, address.clone());
    us.until("the first sync", |us| us.is_live());
    // It may still be on its way from them when the room has sent us all that it has.
    us.until("what was there", |us| {
        let mask = us.doc.shared_mask(&cave(), &MaskTarget::Fog);
        us.label("m1").as_deref() == Some("Ö🐉") && mask.as_deref() == Some(&[1, 2, 3, 255])
    });

    // Both ways, live.
    us.edit(labelled("ours", "von uns 🎲"));
    us.until("our marker over there", |_| {
        web.scenes()["cave"]["markers"]["ours"]["label"] == "von uns 🎲"
    });
    web.set(
        &["scenes", "cave", "markers", "ours", "label"],
        &json!("by them"),
    );
    us.until("their change", |us| {
        us.label("ours").as_deref() == Some("by them")
    });

    // Three megabytes, both ways.
    web.set(
        &["scenes", "cave", "markers", "m1", "label"],
        &json!({ "$long": LARGE }),
    );
    us.until("their large text", |us| {
        us.label("m1").is_some_and(|label| label.len() == LARGE)
    });
    us.edit(labelled("large", &"x".repeat(LARGE)));
    us.until("our large text", |_| {
        web.scenes()["cave"]["markers"]["large"]["label"]["$long"] == LARGE
    });

    // Presence: set, changed, null, gone without a word, back again.
    let ours = what_we_show();
    us.link.set_awareness(Some(&ours.write())).unwrap();
    us.until("our state over there", |_| {
        web.others()
            .as_object()
            .unwrap()
            .values()
            .any(|state| Presence::read(&state.to_string()) == ours)
    });
    us.link.set_awareness(Some("{\"who\":\"wir\"}")).unwrap();
    us.until("our next state over there", |_| {
        web.others()
            .as_object()
            .unwrap()
            .values()
            .any(|state| *state == json!({ "who": "wir" }))
    });
    let measured = json!({
        "measurement": {
            "userId": "web", "startPoint": { "x": 0, "y": 0 }, "endPoint": { "x": 165.2, "y": 55.07 },
            "type": 3, "timestamp": 1_782_900_000_000_i64, "showDistance": true, "coneAngle": 60,
        },
    });
    let shown = Presence::read(&measured.to_string()).measurement.unwrap();
    assert_eq!((shown.shape, shown.cone_angle_deg), (3, Some(60.0)));
    for state in [
        json!({ "cursor": { "x": 1.5 } }),
        measured,
        json!({ "cursor": null, "measurement": null }),
    ] {
        web.ask(&json!({ "do": "awareness", "state": state }));
        us.until("their state", |us| us.shown().contains(&state));
    }
    web.ask(&json!({ "do": "awareness", "state": null }));
    us.until("their null", |us| us.shown().is_empty());
    let mut second = Web::join(folder, provider, address);
    second.ask(&json!({ "do": "awareness", "state": { "second": true } }));
    us.until("a second client", |us| {
        us.shown().contains(&json!({ "second": true }))
    });
    second.ask(&json!({ "do": "vanish" }));
    us.until("its end", |us| us.shown().is_empty());

    // A resume without news, under a kilobyte; our state is seen again at once.
    let before = us.link.counters();
    us.link.leave();
    us.until("our farewell", |us| {
        us.link.state() == ConnectionState::Disconnected
    });
    us.until("our absence over there", |_| {
        web.others().as_object().unwrap().is_empty()
    });
    us.link.connect();
    us.until("our return", |us| us.is_live());
    us.until("our state over there again", |_| {
        !web.others().as_object().unwrap().is_empty()
    });
    let after = us.link.counters();
    let cost = after.bytes_in + after.bytes_out - before.bytes_in - before.bytes_out;
    assert!(cost < 1024, "{cost} bytes for a resume");

    // Apart, and together again.
    us.link.leave();
    us.until("our farewell", |us| {
        us.link.state() == ConnectionState::Disconnected
    });
    us.edit(labelled("apart", "ours"));
    web.set(
        &["scenes", "cave", "markers", "theirs", "label"],
        &json!("theirs"),
    );
    us.link.connect();
    us.until("their change from meanwhile", |us| {
        us.label("theirs").as_deref() == Some("theirs")
    });
    us.until("ours over there", |_| {
        web.scenes()["cave"]["markers"]["apart"]["label"] == "ours"
    });
    // Who comes late sees it all.
    let mut late = Us::join(&net, address.clone());
    late.until("a late joiner", |late| late.is_live());
    assert_eq!(
        late.doc.count(&cave(), RowKind::Marker),
        us.doc.count(&cave(), RowKind::Marker)
    );
    assert!(!late.is_damaged() && !us.is_damaged());
    web.ask(&json!({ "do": "leave" }));
}

#[test]
fn a_real_y_websocket_room() {
    let Some(folder) = folder() else { return };
    let port = free_port();
    let server = Command::new("node")
        .arg("node_modules/@y/websocket-server/src/server.js")
        .current_dir(&folder)
        .env("HOST", "127.0.0.1")
        .env("PORT", port.to_string())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let server = Running(server);
    wait_for_port(port);
    suite(
        &folder,
        Provider::Websocket,
        &address(Dialect::YWebsocket, port),
    );
    drop(server);
}

#[test]
fn a_real_partykit_room() {
    let Some(folder) = folder() else { return };
    if !is_alone() {
        eprintln!("partykit dev listens on every interface: run this within `unshare -rn`");
        return;
    }
    let port = free_port();
    let state = tempfile::tempdir().unwrap();
    let server = Command::new("node")
        .args(["node_modules/.bin/partykit", "dev", "--no-hotkeys"])
        .args(["--disable-request-cf-fetch", "--port"])
        .arg(port.to_string())
        .arg("--persist")
        .arg(state.path())
        .current_dir(&folder)
        .env("CI", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let server = Running(server);
    wait_for_port(port);
    suite(
        &folder,
        Provider::PartyKit,
        &address(Dialect::YPartyKit, port),
    );

    // The door.
    let net = Net::start().unwrap();
    let host = format!("127.0.0.1:{port}");
    let mut address = RoomAddress::new(Dialect::YPartyKit, &host, "game_session", "locked-1");
    let mut us = Us::join(&net, address.clone());
    let refusal = us.until_refused();
    assert_eq!(
        (refusal.kind, &*refusal.said),
        (RefusalKind::Forbidden, "wrong code")
    );
    address.token = Some("open sesame".to_owned());
    let mut us = Us::join(&net, address);
    us.until("a way in", |us| us.is_live());
    drop(server);
}

#[test]
fn a_room_of_our_worker() {
    const OPENS_ALL: &str = "a-token-of-every-room";
    let (Some(folder), Some(worker)) = (folder(), named_folder("TABLEGLOW_WORKER")) else {
        return;
    };
    let port = free_port();
    let state = tempfile::tempdir().unwrap();
    let secrets = state.path().join("secrets.env");
    let tokens = json!({ "server": OPENS_ALL, "rooms": { "game_session/seen": { "player": "a-token-of-a-player" } } });
    std::fs::write(&secrets, format!("ROOM_TOKENS='{tokens}'\n")).unwrap();
    let server = Command::new("node")
        .args(["node_modules/wrangler/bin/wrangler.js", "dev", "--env="])
        .args(["--local", "--ip", "127.0.0.1", "--port"])
        .arg(port.to_string())
        .arg("--inspector-port")
        .arg(free_port().to_string())
        .arg("--persist-to")
        .arg(state.path().join("state"))
        .arg("--env-file")
        .arg(&secrets)
        .arg("--show-interactive-dev-session=false")
        .current_dir(&worker)
        .env("CI", "1")
        .env("XDG_CONFIG_HOME", state.path())
        .env("WRANGLER_LOG_PATH", state.path().join("logs"))
        .env("WRANGLER_REGISTRY_PATH", state.path().join("registry"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let server = Running(server);
    wait_for_port(port);
    let mut all = address(Dialect::YPartyServer, port);
    all.token = Some(OPENS_ALL.to_owned());
    suite(&folder, Provider::PartyServer, &all);

    // What is on disk there is said.
    let net = Net::start().unwrap();
    all.asks_durable = true;
    let mut us = Us::join(&net, all);
    us.until("the first sync", |us| us.is_live());
    let generation = us.edit(labelled("kept", "x"));
    us.until_kept(generation);

    // The door.
    let mut seen = RoomAddress::new(
        Dialect::YPartyServer,
        &format!("127.0.0.1:{port}"),
        "game_session",
        "seen",
    );
    for (token, words) in [
        (None, "needs a token"),
        (Some("nonsense"), "not one of this room"),
        (Some("a-token-of-a-player"), "takes game masters only"),
    ] {
        seen.token = token.map(ToOwned::to_owned);
        let mut us = Us::join(&net, seen.clone());
        let refusal = us.until_refused();
        assert!(refusal.said.contains(words), "{refusal:?}");
    }
    drop(server);
}

/// A room of ours, and a folder of its own.
fn served(arguments: &[&str]) -> (Serve, tempfile::TempDir) {
    let data = tempfile::tempdir().unwrap();
    let server = Serve::start(data.path(), arguments);
    (server, data)
}

#[test]
fn a_room_of_our_server() {
    let Some(folder) = folder() else { return };
    let (server, _data) = served(&["--open"]);
    let mut address = address(Dialect::YPartyKit, server.address.port());
    suite(&folder, Provider::PartyKit, &address);
    // Web clients of other servers are welcome, and so is the short form of the URL.
    address.room = "another".to_owned();
    suite(&folder, Provider::PartyServer, &address);
    address.party = "main".to_owned();
    suite(&folder, Provider::Websocket, &address);
}

#[test]
fn what_our_server_has_acknowledged_outlives_it_and_everybody_comes_back_by_themselves() {
    let Some(folder) = folder() else { return };
    let (mut server, data) = served(&["--open"]);
    let address = address(Dialect::YPartyKit, server.address.port());
    let net = Net::start().unwrap();
    let mut web = Web::join(&folder, Provider::PartyKit, &address);
    begin(&mut web);
    let mut us = Us::join(&net, address.clone());
    us.until("the first sync", |us| {
        us.is_live() && us.label("m1").is_some()
    });
    // The log is in order: with ours, theirs is kept.
    let generation = us.edit(labelled("ours", "before"));
    us.until_kept(generation);
    server.kill();
    us.until("the end", |us| !us.is_live());
    us.edit(labelled("ours-meanwhile", "x"));
    let label = ["scenes", "cave", "markers", "theirs-meanwhile", "label"];
    web.set(&label, &json!("x"));

    let server = Serve::start_at(&address.host, data.path(), &["--open"]);
    us.until("everything", |us| {
        us.is_live() && us.label("theirs-meanwhile").is_some()
    });
    us.until("everything over there", |_| {
        let markers = web.scenes()["cave"]["markers"].take();
        let names = ["m1", "ours", "theirs-meanwhile", "ours-meanwhile"];
        web.is_synced() && names.iter().all(|name| markers[name].is_object())
    });
    let mut late = Us::join(&net, address);
    late.until("a late joiner", |late| late.is_live());
    assert_eq!(late.doc.count(&cave(), RowKind::Marker), 4);
    drop(server);
}

#[test]
fn our_server_says_who_may_come_in_and_carries_events() {
    let Some(folder) = folder() else { return };
    let (server, data) = served(&["--room", "game_session/seen"]);
    let tokens = std::fs::read(data.path().join("tokens.json")).unwrap();
    let tokens: Json = serde_json::from_slice(&tokens).unwrap();
    let token = |role: &str| tokens["rooms"]["game_session/seen"][role].as_str().unwrap();
    let net = Net::start().unwrap();
    let host = server.address.to_string();
    let mut seen = RoomAddress::new(Dialect::YPartyKit, &host, "game_session", "seen");
    for (token, kind, words) in [
        (None, RefusalKind::Code, "needs a token"),
        (
            Some("nonsense"),
            RefusalKind::Forbidden,
            "not one of this room",
        ),
    ] {
        seen.token = token.map(ToOwned::to_owned);
        let refusal = Us::join(&net, seen.clone()).until_refused();
        assert_eq!(refusal.kind, kind);
        assert!(refusal.said.contains(words), "{refusal:?}");
    }
    let mut nowhere = seen.clone();
    nowhere.room = "x".repeat(600);
    let refusal = Us::join(&net, nowhere).until_refused();
    assert_eq!(refusal.kind, RefusalKind::NoRoom);

    seen.token = Some(token("dm").to_owned());
    let mut web = Web::join(&folder, Provider::PartyKit, &seen);
    let mut us = Us::join(&net, seen);
    us.until("a way in", |us| us.is_live());
    let event = r#"{"requestId":7,  "name":"dragon","body":"roars"}"#;
    let header = format!("authorization: Bearer {}\r\n", token("dm"));
    let path = "/parties/game_session/seen";
    let answer = server.json("POST", path, &header, event.as_bytes());
    assert_eq!(answer, json!({ "sent": 2 }));
    let heard = Event::Text(event.to_owned());
    us.until("the event", |us| us.events.contains(&heard));
    us.until("the event over there", |_| {
        web.texts().iter().any(|text| text == event)
    });
}

/// The owner of a hosted game: a thread with the document, until told to stop.
fn own(net: &Net, host: Arc<Host>, name: RoomName) -> (Sender<()>, JoinHandle<GameDoc>) {
    let (stop, stopped) = bounded::<()>(0);
    let handle = net.handle().unwrap().clone();
    let own = move || {
        let doc = GameDoc::create(&session());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let document = doc.replica().encode_snapshot();
        let dial = move || {
            let (ours, theirs) = pair(&clock, Weather::default());
            handle
                .block_on(host.offer(&name, document.clone(), theirs))
                .map_err(|error| Closed::Lost {
                    why: error.to_string(),
                })?;
            Ok(ours)
        };
        let mut owner = Us::over(Dialect::YPartyKit, doc, |wake| {
            Box::new(MemoryTransport::new(Box::new(dial), wake))
        });
        while stopped.try_recv() == Err(TryRecvError::Empty) {
            owner.pump();
            owner.wait();
        }
        owner.doc
    };
    let owner = std::thread::Builder::new()
        .name("owner".to_owned())
        .spawn(own)
        .unwrap();
    (stop, owner)
}

#[test]
fn a_game_that_is_hosted_in_this_process() {
    let Some(folder) = folder() else { return };
    let data = tempfile::tempdir().unwrap();
    let net = Net::start().unwrap();
    let rooms_of = RoomsOf::Owner {
        tokens: data.path().to_owned(),
        blobs: Blobs::new(data.path().join("blobs")),
    };
    let config = Config {
        open: true,
        ..Config::on_loopback(rooms_of)
    };
    let handle = net.handle().unwrap();
    let clock = Arc::new(SystemClock::default());
    let server = handle.block_on(Server::start(config, clock)).unwrap();
    let address = address(Dialect::YPartyKit, server.address().port());
    let name: RoomName = format!("{}/{}", address.party, address.room)
        .parse()
        .unwrap();
    let (stop, owner) = own(&net, Arc::clone(server.host()), name.clone());
    let end = Instant::now() + PATIENCE;
    while !server.host().has_room(&name) {
        assert!(Instant::now() < end, "the game is not offered");
        std::thread::sleep(Duration::from_millis(5));
    }
    server.host().set_settled(true);
    suite(&folder, Provider::PartyKit, &address);

    let mut us = Us::join(&net, address.clone());
    us.until("the first sync", |us| us.is_live());
    drop(stop);
    let doc = owner.join().unwrap();
    assert_eq!(
        doc.count(&cave(), RowKind::Marker),
        us.doc.count(&cave(), RowKind::Marker)
    );
    // Without its owner there is no game, and that is said once.
    let refusal = us.until_refused();
    assert_eq!(refusal.kind, RefusalKind::NoRoom);
    handle.block_on(server.stop()).unwrap();
}

#[test]
fn who_renews_is_seen_and_who_falls_silent_goes() {
    let Some(folder) = folder() else { return };
    let (server, _data) = served(&["--open"]);
    let address = address(Dialect::YPartyKit, server.address.port());
    let net = Net::start().unwrap();
    let mut us = Us::join(&net, address.clone());
    us.link.set_awareness(Some("{\"who\":\"wir\"}")).unwrap();
    us.until("the first sync", |us| us.is_live());
    let mut web = Web::join(&folder, Provider::PartyKit, &address);
    web.ask(&json!({ "do": "awareness", "state": { "who": "they" } }));

    let url = address.url("silent").unwrap();
    let stream = std::net::TcpStream::connect(server.address).unwrap();
    let (mut silent, _) = tungstenite::client(url, stream).unwrap();
    let entry = AwarenessEntry {
        client: 77,
        clock: 1,
        json: "{\"who\":\"silent\"}",
    };
    let frame = tungstenite::Message::binary(awareness_frame([entry]));
    silent.send(frame).unwrap();
    let gone = json!({ "who": "silent" });
    us.until("a state", |us| us.shown().contains(&gone));
    us.until("its end", |us| !us.shown().contains(&gone));
    us.until("its end over there", |_| {
        web.others()
            .as_object()
            .unwrap()
            .values()
            .all(|state| *state != gone)
    });
    assert_eq!(us.shown(), [json!({ "who": "they" })]);
    assert_eq!(
        web.others()
            .as_object()
            .unwrap()
            .values()
            .collect::<Vec<_>>(),
        [&json!({ "who": "wir" })]
    );
    assert!(us.is_live() && web.is_synced());
}
