//! What nobody should send, and a disk that is full.
//!
//! `TABLEGLOW_MALFORMED_FRAMES=1000000` makes the flood as long as that.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};

use tableglow::doc::{GameDoc, Origin};
use tableglow::model::edit::{Edit, RowRef};
use tableglow::model::id::SceneId;
use tableglow::sync::batch::Frame;
use tableglow::sync::dialect::{Dialect, RoomAddress};
use tableglow::sync::protocol::{AwarenessEntry, Message, SyncMessage, awareness_frame};
use tableglow::sync::state::RefusalKind;
use tableglow::sync::websocket::Net;
use tokio_tungstenite::tungstenite::{self, WebSocket};

use crate::client::{PATIENCE, Us, labelled, session};
use crate::serving::Serve;

/// Makes frames that are next to something: messages with a few bytes changed, overlong numbers,
/// noise, wrong text, batches that do not add up.
struct Malformer {
    rng: StdRng,
    good: Vec<Vec<u8>>,
}

impl Malformer {
    fn new(seed: u64) -> Self {
        // Of a scene that nobody else has, so that what happens to be understood harms nobody.
        let mut doc = GameDoc::create(&session());
        doc.replica_mut().take_updates();
        let row = RowRef::Scene(SceneId::new("elsewhere"));
        let values = Vec::new();
        doc.apply(&[Edit::Create { row, values }], Origin::Local(1));
        let entry = AwarenessEntry {
            client: 77,
            clock: 3,
            json: r#"{"cursor":{"x":1.5},"who":"nobody"}"#,
        };
        let state_vector = doc.replica().state_vector();
        let mut good = vec![
            Message::Sync(SyncMessage::Step1(&state_vector)).encode(),
            awareness_frame([entry]),
            Message::Durable {
                messages: 3,
                state_vector: &state_vector,
            }
            .encode(),
            Message::QueryAwareness.encode(),
        ];
        for update in doc.replica_mut().take_updates() {
            good.push(Message::Sync(SyncMessage::Update(&update.bytes)).encode());
            good.push(Message::Sync(SyncMessage::Step2(&update.bytes)).encode());
        }
        Self {
            rng: StdRng::seed_from_u64(seed),
            good,
        }
    }

    fn next(&mut self) -> Frame {
        let rng = &mut self.rng;
        let bytes = match rng.random_range(0..20) {
            0 => vec![],
            1 => vec![0, 2, 0xff, 0xff, 0xff, 0xff, 0x7f],
            2 => vec![
                1, 9, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f,
            ],
            3 => vec![0, rng.random_range(0..5), 4, 1, 1, 2, 0],
            4 => (0..rng.random_range(0..60)).map(|_| rng.random()).collect(),
            5 => return Frame::Text("{not json".repeat(rng.random_range(1..9))),
            6 if rng.random_ratio(1, 20) => {
                let kind = if rng.random() { "start" } else { "end" };
                let (size, count): (u64, u8) = (rng.random_range(0..1 << 40), rng.random());
                return Frame::Text(format!(
                    r#"y-pk-batch#{{"id":"x","type":"{kind}","size":{size},"count":{count}}}"#
                ));
            }
            _ => {
                let mut bytes = self.good.choose(rng).unwrap().clone();
                for _ in 0..rng.random_range(1..6) {
                    damage(rng, &mut bytes);
                }
                bytes
            }
        };
        Frame::Binary(bytes.into())
    }
}

fn damage(rng: &mut StdRng, bytes: &mut Vec<u8>) {
    if bytes.is_empty() {
        return bytes.push(rng.random());
    }
    let at = rng.random_range(0..bytes.len());
    match rng.random_range(0..6) {
        0 => bytes[at] ^= 1 << rng.random_range(0..8),
        1 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][rng.random_range(0..5)],
        2 => bytes.truncate(at),
        3 => bytes.insert(at, rng.random()),
        4 => drop(bytes.remove(at)),
        _ => {
            let end = (at + rng.random_range(1..9)).min(bytes.len());
            let again = bytes[at..end].to_vec();
            bytes.splice(at..at, again);
        }
    }
}

fn address(server: &Serve) -> RoomAddress {
    let host = server.address.to_string();
    RoomAddress::new(Dialect::YPartyKit, &host, "game_session", "cellar")
}

type Raw = WebSocket<TcpStream>;

/// Somebody who says what they like.
fn anybody(address: &RoomAddress) -> Raw {
    let stream = TcpStream::connect(&address.host).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let url = address.url("anybody").unwrap();
    tungstenite::client(url, stream).unwrap().0
}

/// The code and reason of the server's farewell.
fn farewell(raw: &mut Raw) -> (u16, String) {
    loop {
        match raw.read() {
            Ok(tungstenite::Message::Close(Some(close))) => {
                return (close.code.into(), close.reason.to_string());
            }
            Ok(_) => {}
            Err(error) => panic!("gone without a word: {error}"),
        }
    }
}

/// Asks, and waits for the answer; `false` when it was sent away.
fn is_heard(raw: &mut Raw) -> bool {
    let question = Message::Sync(SyncMessage::Step1(&[0])).encode();
    if raw.send(tungstenite::Message::binary(question)).is_err() {
        return false;
    }
    loop {
        match raw.read() {
            Ok(tungstenite::Message::Binary(frame)) if frame.starts_with(&[0, 1]) => return true,
            Ok(tungstenite::Message::Close(_)) | Err(_) => return false,
            Ok(_) => {}
        }
    }
}

#[test]
fn a_flood_of_what_is_no_message_leaves_the_others_alone() {
    let data = tempfile::tempdir().unwrap();
    let server = Serve::start(data.path(), &["--open"]);
    let address = address(&server);
    let net = Net::start().unwrap();
    let mut ada = Us::begin(&net, address.clone());
    let mut bob = Us::join(&net, address.clone());
    let asked = std::env::var("TABLEGLOW_MALFORMED_FRAMES").ok();
    let frames: u64 = asked.and_then(|text| text.parse().ok()).unwrap_or(6000);
    let mut malformer = Malformer::new(frames);
    let mut bad = anybody(&address);
    let mut times_sent_away = 0;
    for n in 0..frames {
        let message = match malformer.next() {
            Frame::Binary(bytes) => tungstenite::Message::Binary(bytes),
            Frame::Text(text) => tungstenite::Message::text(text),
        };
        // Taken for hostile sooner or later, it comes again.
        while bad.send(message.clone()).is_err() {
            bad = anybody(&address);
            times_sent_away += 1;
        }
        // Not faster than it is read: what waits behind a farewell is never seen.
        if n % 500 == 0 && !is_heard(&mut bad) {
            bad = anybody(&address);
            times_sent_away += 1;
        }
        if n % 1000 == 0 {
            ada.edit(labelled(&format!("m{n}"), "traffic"));
            bob.until("the others' traffic", |bob| {
                ada.pump();
                bob.label(&format!("m{n}")).is_some()
            });
        }
    }
    let generation = ada.edit(labelled("last", "traffic"));
    ada.until_kept(generation);
    bob.until("the last change", |bob| bob.label("last").is_some());
    let figures = server.request("GET", "/metrics", "", b"").2;
    let figures = String::from_utf8(figures).unwrap();
    let counted = figures
        .lines()
        .find_map(|line| line.strip_prefix("tableglow_malformed_total "))
        .unwrap();
    eprintln!("{frames} frames, {counted} malformed, sent away {times_sent_away} times");
    assert!(counted.parse::<u64>().unwrap() > frames / 20, "{counted}");
}

#[test]
fn what_is_too_large_is_refused_in_a_sentence() {
    const HUGE: u64 = 500 << 20;
    let data = tempfile::tempdir().unwrap();
    let server = Serve::start(data.path(), &["--open"]);
    let address = address(&server);
    let net = Net::start().unwrap();
    let mut ada = Us::begin(&net, address.clone());

    // One frame; its sender is still at it when the answer comes.
    let mut raw = anybody(&address);
    let mut head = vec![0x82, 0xff];
    head.extend(HUGE.to_be_bytes());
    head.extend([0; 4]);
    let stream = raw.get_mut();
    stream.write_all(&head).unwrap();
    for _ in 0..64 {
        if stream.write_all(&[0; 64 << 10]).is_err() {
            break;
        }
    }
    let too_large = (
        1009,
        "the message is larger than this room takes".to_owned(),
    );
    assert_eq!(farewell(&mut raw), too_large);

    // Slices of a web client.
    let mut raw = anybody(&address);
    let marker = format!(
        r#"y-pk-batch#{{"id":"x","type":"start","size":{HUGE},"count":{}}}"#,
        HUGE.div_ceil(1_000_000)
    );
    raw.send(tungstenite::Message::text(marker)).unwrap();
    assert_eq!(farewell(&mut raw), too_large);

    // A seed.
    let seed = vec![b'x'; 65 << 20];
    let (status, _, said) = server.request("PUT", "/parties/notes/huge", "", &seed);
    assert_eq!(status, 413);
    assert_eq!(said, b"a seed may have 64 MiB at most\n");

    // Our own client does not even try, and says so.
    ada.edit(labelled("huge", &"x".repeat(70 << 20)));
    let refusal = ada.until_refused();
    assert_eq!(refusal.kind, RefusalKind::TooLarge);
    let mut bob = Us::join(&net, address);
    bob.until("a live room", |bob| bob.is_live());
    assert!(bob.label("huge").is_none());
}

/// The server's data folder in a file system of its own of four megabytes, where this system lets a
/// user make one.
#[cfg(target_os = "linux")]
fn serve_in_little_room(data: &std::path::Path) -> Option<Serve> {
    use std::process::{Command, Stdio};

    let allowed = Command::new("unshare")
        .args(["-rm", "mount", "-t", "tmpfs", "tmpfs"])
        .arg(data)
        .stderr(Stdio::null())
        .status();
    if !allowed.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: this system lets nobody mount a small disk (unshare -rm)");
        return None;
    }
    let mut command = Command::new("unshare");
    let mount = r#"mount -t tmpfs -o size=4m tmpfs "$1" && exec "$2" serve --open --data "$1" --listen 127.0.0.1:0"#;
    command
        .args(["-rm", "sh", "-c", mount, "sh"])
        .arg(data)
        .arg(env!("CARGO_BIN_EXE_tableglow"))
        .env("HOME", data.join("home"))
        .env("XDG_STATE_HOME", data.join("home"));
    Some(Serve::spawn(command))
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_and_nothing_is_lost() {
    use std::io::BufRead as _;

    let data = tempfile::tempdir().unwrap();
    let Some(mut server) = serve_in_little_room(data.path()) else {
        return;
    };
    let address = address(&server);
    let net = Net::start().unwrap();
    let mut ada = Us::begin(&net, address.clone());
    let generation = ada.edit(labelled("before", "x"));
    ada.until_kept(generation);

    // Everything that is left is taken by somebody else.
    let pid = server.child.id();
    let inside = format!("/proc/{pid}/root{}", data.path().display());
    let filler = std::path::Path::new(&inside).join("filler");
    let mut file = std::fs::File::create(&filler).unwrap();
    for size in [64 << 10, 4096, 512, 1] {
        while file.write_all(&vec![7; size]).is_ok() {}
    }
    drop(file);
    let mut kept = 0;
    for n in 0..40 {
        kept = ada.edit(labelled(&format!("full{n}"), &"y".repeat(20_000)));
    }
    let end = std::time::Instant::now() + PATIENCE;
    while server.request("GET", "/health", "", b"").0 != 503 {
        assert!(std::time::Instant::now() < end, "it is not noticed");
        ada.pump();
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(ada.is_live());
    assert!(ada.link.acknowledged() < Some(kept));
    // Nobody begins new work in a room that cannot be kept.
    let (status, _, said) = server.request("GET", "/health", "", b"");
    let said = String::from_utf8(said).unwrap();
    assert_eq!(status, 503, "{said}");
    assert!(said.contains("rooms cannot be saved"), "{said}");
    let mut line = String::new();
    server.stderr.read_line(&mut line).unwrap();
    assert!(
        line.starts_with("rooms cannot be saved")
            && line.contains("is full; what was saved before"),
        "{line}"
    );

    std::fs::remove_file(&filler).unwrap();
    ada.until_kept(kept);
    assert_eq!(server.request("GET", "/health", "", b"").0, 200);
    line.clear();
    server.stderr.read_line(&mut line).unwrap();
    assert!(line.starts_with("rooms are saved again"), "{line}");
    let mut bob = Us::join(&net, address);
    bob.until("everything", |bob| bob.label("full39").is_some());
}
