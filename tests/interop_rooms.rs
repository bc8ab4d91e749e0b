//! Our client in rooms of real servers, together with a real web client: `partykit dev` with
//! y-partykit, `@y/websocket-server`, and our worker under `wrangler dev`.
//!
//! Needs Node 20 and the packages of `tests/interop/rooms` (`npm ci` there); `TABLEGLOW_ROOMS` names
//! that folder. Without it these tests say so and do nothing. `partykit dev` listens on every
//! interface, so it runs only where there is none but loopback (`unshare -rn`, as `.ci/run` does).
//! The worker also needs the packages of `packaging/cloudflare` (`npm ci` there), which
//! `TABLEGLOW_WORKER` names.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests"
)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use crossbeam_channel::{Receiver, bounded};
use serde_json::{Value as Json, json};

use tableglow::doc::{GameDoc, Origin};
use tableglow::model::edit::{Assignment, Edit, RowRef};
use tableglow::model::id::{GameSessionId, RowId, SceneId};
use tableglow::model::marker;
use tableglow::model::property::RowKind;
use tableglow::model::stroke::MaskTarget;
use tableglow::sync::client::Event;
use tableglow::sync::dialect::{Dialect, RoomAddress};
use tableglow::sync::link::RoomLink;
use tableglow::sync::state::{ConnectionState, RefusalKind};
use tableglow::sync::websocket::Net;
use tableglow::util::clock::{Clock, SystemClock};

const PATIENCE: Duration = Duration::from_secs(60);
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

/// A web client.
struct Web {
    process: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Web {
    fn join(folder: &Path, address: &RoomAddress) -> Self {
        let mut process = Command::new("node")
            .arg("peer.mjs")
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let to = process.stdin.take().unwrap();
        let from = BufReader::new(process.stdout.take().unwrap());
        let mut web = Self { process, to, from };
        let kind = if address.dialect == Dialect::YWebsocket {
            "y-websocket"
        } else {
            "partykit"
        };
        let RoomAddress {
            host, room, token, ..
        } = address;
        let params = token.as_ref().map(|token| json!({ "token": token }));
        web.ask(
            &json!({ "do": "join", "kind": kind, "host": host, "room": room, "params": params }),
        );
        web
    }

    fn ask(&mut self, command: &Json) -> Json {
        writeln!(self.to, "{command}").unwrap();
        self.to.flush().unwrap();
        let mut line = String::new();
        self.from.read_line(&mut line).unwrap();
        let answer: Json =
            serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        assert!(answer.get("error").is_none(), "{command}: {answer}");
        answer
    }

    fn set(&mut self, path: &[&str], value: &Json) {
        self.ask(&json!({ "do": "set", "path": path, "value": value }));
    }

    fn others(&mut self) -> Json {
        self.ask(&json!({ "do": "others" }))["states"].take()
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Our client.
struct Us {
    doc: GameDoc,
    link: RoomLink,
    woken: Receiver<()>,
    clock: Arc<dyn Clock>,
    events: Vec<Event>,
    generation: u64,
}

const FROM_ROOM: Origin = Origin::Remote(1);

impl Us {
    fn join(net: &Net, address: RoomAddress) -> Self {
        let doc = GameDoc::open(&GameSessionId::new("s"), std::iter::empty()).unwrap();
        let (tell, woken) = bounded(1);
        let wake = Arc::new(move || _ = tell.try_send(()));
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let dialect = address.dialect;
        let transport = net.websocket(address, wake).unwrap();
        let mut link = RoomLink::new(
            dialect,
            FROM_ROOM,
            doc.replica().client_id(),
            7,
            Box::new(transport),
            Arc::clone(&clock),
        );
        link.connect();
        Self {
            doc,
            link,
            woken,
            clock,
            events: Vec::new(),
            generation: 0,
        }
    }

    fn pump(&mut self) {
        self.events.extend(self.link.pump(self.doc.replica_mut()));
        let updates = self.doc.replica_mut().take_updates();
        let own: Vec<&[u8]> = updates
            .iter()
            .filter(|update| update.origin != FROM_ROOM)
            .map(|update| &*update.bytes)
            .collect();
        if !own.is_empty() {
            self.generation += 1;
            self.link
                .local_updates(self.doc.replica(), self.generation, own);
        }
    }

    /// Runs until `done` holds.
    fn until(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) {
        let end = Instant::now() + PATIENCE;
        loop {
            self.pump();
            if done(self) {
                return;
            }
            assert!(
                Instant::now() < end,
                "{what} does not happen; {:?}, {:?}",
                self.link.state(),
                self.link.counters()
            );
            let now = self.clock.now();
            let wait = self
                .link
                .next_deadline()
                .map_or(Duration::from_secs(1), |due| due.saturating_sub(now))
                .min(Duration::from_millis(100));
            let _ = self.woken.recv_timeout(wait);
        }
    }

    fn edit(&mut self, edit: Edit) {
        self.doc.apply(&[edit], Origin::Local(1));
        self.pump();
    }

    fn label(&self, marker: &str) -> Option<Arc<str>> {
        let row = self.doc.row(&marker_row(marker))?;
        row.get(marker::LABEL)
    }

    fn is_live(&self) -> bool {
        self.link.state() == ConnectionState::Live
    }

    /// The states that others show, as JSON.
    fn shown(&self) -> Vec<Json> {
        self.link
            .awareness()
            .states()
            .map(|(_, state)| serde_json::from_str(state).unwrap())
            .collect()
    }
}

fn cave() -> SceneId {
    SceneId::new("cave")
}

fn marker_row(name: &str) -> RowRef {
    RowRef::marker(&cave(), &RowId::new(name))
}

fn labelled(name: &str, label: &str) -> Edit {
    Edit::Create {
        row: marker_row(name),
        values: vec![Assignment::new(marker::LABEL, label)],
    }
}

fn address(dialect: Dialect, port: u16) -> RoomAddress {
    let host = format!("127.0.0.1:{port}");
    let room = format!("room-{}", std::process::id());
    RoomAddress::new(dialect, &host, "game_session", &room)
}

/// What every room has to do with us in it.
fn suite(folder: &Path, address: &RoomAddress) {
    let net = Net::start().unwrap();
    let mut web = Web::join(folder, address);

    // What was there: nested maps, text of any script, bytes.
    web.set(&["meta", "schemaVersion"], &json!(2));
    web.set(
        &["scenes", "cave", "settings", "name"],
        &json!("Höhle 日本 🐉"),
    );
    web.set(&["scenes", "cave", "markers", "m1", "label"], &json!("Ö🐉"));
    for kind in ["lights", "annotations"] {
        web.set(&["scenes", "cave", kind, "x", "id"], &json!("x"));
    }
    web.set(
        &["scenes", "cave", "fogMask"],
        &json!({ "$base64": "AQID/w==" }),
    );
    let mut us = Us::join(&net, address.clone());
    us.until("the first sync", |us| us.is_live());
    us.until("what was there", |us| {
        us.label("m1").as_deref() == Some("Ö🐉")
    });
    let mask = us.doc.shared_mask(&cave(), &MaskTarget::Fog).unwrap();
    let expected = base64::engine::general_purpose::STANDARD
        .decode("AQID/w==")
        .unwrap();
    assert_eq!(&*mask, &*expected);

    // Both ways, live.
    us.edit(labelled("ours", "von uns 🎲"));
    us.until("our marker over there", |_| {
        let scenes = web.ask(&json!({ "do": "read", "root": "scenes" }));
        scenes["value"]["cave"]["markers"]["ours"]["label"] == "von uns 🎲"
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
        let scenes = web.ask(&json!({ "do": "read", "root": "scenes" }));
        scenes["value"]["cave"]["markers"]["large"]["label"]["$long"] == LARGE
    });

    // Presence: set, changed, null, gone without a word, back again.
    us.link.set_awareness(Some("{\"who\":\"wir\"}")).unwrap();
    us.until("our state over there", |_| {
        web.others()
            .as_object()
            .unwrap()
            .values()
            .any(|state| *state == json!({ "who": "wir" }))
    });
    for state in [json!({ "cursor": { "x": 1.5 } }), json!({ "cursor": null })] {
        web.ask(&json!({ "do": "awareness", "state": state }));
        us.until("their state", |us| us.shown().contains(&state));
    }
    web.ask(&json!({ "do": "awareness", "state": null }));
    us.until("their null", |us| us.shown().is_empty());
    let mut second = Web::join(folder, address);
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
        let scenes = web.ask(&json!({ "do": "read", "root": "scenes" }));
        scenes["value"]["cave"]["markers"]["apart"]["label"] == "ours"
    });
    // Who comes late sees it all.
    let mut late = Us::join(&net, address.clone());
    late.until("a late joiner", |late| late.is_live());
    assert_eq!(
        late.doc.count(&cave(), RowKind::Marker),
        us.doc.count(&cave(), RowKind::Marker)
    );
    assert!(!late.doc.replica().waits_for_updates());
    assert!(
        !us.events
            .iter()
            .any(|event| matches!(event, Event::Damaged(_)))
    );
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
    suite(&folder, &address(Dialect::YWebsocket, port));
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
    suite(&folder, &address(Dialect::YPartyKit, port));

    // The door.
    let net = Net::start().unwrap();
    let host = format!("127.0.0.1:{port}");
    let mut address = RoomAddress::new(Dialect::YPartyKit, &host, "game_session", "locked-1");
    let mut us = Us::join(&net, address.clone());
    us.until("a refusal", |us| {
        matches!(us.link.state(), ConnectionState::Refused(_))
    });
    let ConnectionState::Refused(refusal) = us.link.state() else {
        panic!("{:?}", us.link.state());
    };
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
    suite(&folder, &all);

    // What is on disk there is said.
    let net = Net::start().unwrap();
    all.asks_durable = true;
    let mut us = Us::join(&net, all);
    us.until("the first sync", |us| us.is_live());
    us.edit(labelled("kept", "x"));
    let generation = us.generation;
    us.until("word that it is stored", |us| {
        us.events
            .iter()
            .any(|event| matches!(event, Event::Acknowledged(kept) if *kept >= generation))
    });

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
        us.until("a refusal", |us| {
            matches!(us.link.state(), ConnectionState::Refused(_))
        });
        let ConnectionState::Refused(refusal) = us.link.state() else {
            panic!("{:?}", us.link.state());
        };
        assert!(refusal.said.contains(words), "{refusal:?}");
    }
    drop(server);
}
