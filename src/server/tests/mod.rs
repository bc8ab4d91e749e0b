//! What people in a room are promised, with a clock that the test turns and no socket.

mod local;
mod players;
mod schedules;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;

use super::ConnectionId;
use super::access::Role;
use super::metrics::Metrics;
use super::outbox::{Close, Next, Outbox};
use super::room::{Beginning, Join, KEEP_ALIVE, MERGE, PRESENCE_STEP, Room, User};
use super::store::RoomLog;
use crate::doc::replica::{Replica, text_as_update};
use crate::doc::{GameDoc, Origin};
use crate::model::edit::{Edit, RowRef};
use crate::model::id::{GameSessionId, SceneId};
use crate::sync::protocol::{AwarenessEntry, Message, SyncMessage, awareness_frame};

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// A disk that the test drives: what is appended is durable when it says so.
#[derive(Clone, Default)]
struct TestLog(Arc<Mutex<TestDisk>>);

#[derive(Default)]
struct TestDisk {
    /// Updates and snapshots, by number; a snapshot holds everything before it.
    records: Vec<Vec<u8>>,
    durable: usize,
    refuses: bool,
    players: Option<Vec<u8>>,
    snapshots: usize,
    /// Commits at once.
    eager: bool,
}

impl RoomLog for TestLog {
    fn append(&mut self, update: &[u8]) -> Option<u64> {
        let mut disk = self.0.lock();
        if disk.refuses {
            return None;
        }
        disk.records.push(update.to_vec());
        if disk.eager {
            disk.durable = disk.records.len();
        }
        Some(disk.records.len() as u64)
    }

    fn keep_players(&mut self, bytes: Vec<u8>) {
        self.0.lock().players = Some(bytes);
    }

    fn snapshot(&mut self, _bytes: Vec<u8>) -> bool {
        let mut disk = self.0.lock();
        disk.snapshots += 1;
        !disk.refuses
    }

    fn durable(&self) -> u64 {
        self.0.lock().durable as u64
    }
}

impl TestLog {
    fn commit(&self) {
        let mut disk = self.0.lock();
        disk.durable = disk.records.len();
    }

    /// What a crash leaves.
    fn after_crash(&self) -> Vec<Vec<u8>> {
        let mut disk = self.0.lock();
        let durable = disk.durable;
        disk.records.truncate(durable);
        disk.records.clone()
    }
}

struct Table {
    room: Room,
    log: TestLog,
    metrics: Arc<Metrics>,
    now: Duration,
    next: u64,
}

impl Table {
    fn new() -> Self {
        Self::with(Vec::new(), false)
    }

    fn with(parts: Vec<Vec<u8>>, read_only: bool) -> Self {
        let log = TestLog::default();
        log.0.lock().records = parts.clone();
        log.commit();
        let metrics = Arc::new(Metrics::default());
        let beginning = Beginning {
            has_record: !parts.is_empty(),
            parts,
            read_only,
            players: None,
        };
        let room = Room::open(&beginning, Box::new(log.clone()), Arc::clone(&metrics)).unwrap();
        Self {
            room,
            log,
            metrics,
            now: ms(1000),
            next: 1,
        }
    }

    /// The server ends and starts again.
    fn restart(&mut self) {
        self.room.rest(self.now);
        let mut disk = self.log.0.lock();
        let beginning = Beginning {
            has_record: true,
            parts: disk.records.clone(),
            read_only: false,
            players: disk.players.take(),
        };
        drop(disk);
        let metrics = Arc::clone(&self.metrics);
        self.room = Room::open(&beginning, Box::new(self.log.clone()), metrics).unwrap();
    }

    fn guest(&mut self, role: Role) -> Guest {
        self.guest_with(role, |_| {})
    }

    fn guest_with(&mut self, role: Role, change: impl FnOnce(&mut Join)) -> Guest {
        let connection = ConnectionId(self.next);
        self.next += 1;
        let outbox = Arc::new(Outbox::default());
        let mut join = Join {
            connection,
            role,
            user: None,
            takes_text: true,
            wants_durable: false,
            text_first: false,
            outbox: Arc::clone(&outbox),
        };
        change(&mut join);
        self.room.join(self.now, 0, join);
        Guest { connection, outbox }
    }

    fn send(&mut self, from: &Guest, frame: &[u8]) {
        let frame = Bytes::copy_from_slice(frame);
        self.room.receive(self.now, from.connection, &frame);
    }

    fn update(&mut self, from: &Guest, update: &[u8]) {
        let frame = Message::Sync(SyncMessage::Update(update)).encode();
        self.send(from, &frame);
    }

    fn show(&mut self, from: &Guest, client: u64, clock: u64, json: &str) {
        let entry = AwarenessEntry {
            client,
            clock,
            json,
        };
        let frame = awareness_frame([entry]);
        self.send(from, &frame);
    }

    fn wait(&mut self, time: Duration) {
        self.now += time;
        self.room.poll(self.now);
    }

    fn poll(&mut self) {
        self.wait(Duration::ZERO);
    }

    fn leave(&mut self, guest: &Guest) {
        self.room.leave(self.now, 0, guest.connection);
    }

    /// Everything that a guest is sent, as it reads.
    fn read(&mut self, guest: &Guest) -> Vec<Got> {
        let mut got = Vec::new();
        loop {
            match guest.outbox.next() {
                Next::Binary(frame) => got.push(Got::of(&frame)),
                Next::Text(text) => got.push(Got::Text(String::from_utf8(text.to_vec()).unwrap())),
                Next::CatchUp => {
                    got.push(Got::CaughtUp);
                    self.room.catch_up(self.now, guest.connection);
                }
                Next::Close(close) => {
                    got.push(Got::Closed(close));
                    return got;
                }
                Next::Wait => return got,
            }
        }
    }
}

struct Guest {
    connection: ConnectionId,
    outbox: Arc<Outbox>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Got {
    Step1(Vec<u8>),
    Step2(Vec<u8>),
    Update(Vec<u8>),
    Presence(Vec<(u64, u64, String)>),
    Durable(u64, Vec<u8>),
    Text(String),
    CaughtUp,
    Closed(Close),
}

impl Got {
    fn of(frame: &[u8]) -> Self {
        match Message::decode(frame).unwrap() {
            Message::Sync(SyncMessage::Step1(run)) => Self::Step1(run.to_vec()),
            Message::Sync(SyncMessage::Step2(run)) => Self::Step2(run.to_vec()),
            Message::Sync(SyncMessage::Update(run)) => Self::Update(run.to_vec()),
            Message::Awareness(update) => Self::Presence(
                update
                    .entries()
                    .map(|entry| (entry.client, entry.clock, entry.json.to_owned()))
                    .collect(),
            ),
            Message::Durable {
                messages,
                state_vector,
            } => Self::Durable(messages, state_vector.to_vec()),
            other => panic!("a server does not send {other:?}"),
        }
    }

    fn update(&self) -> Option<&[u8]> {
        match self {
            Self::Step2(update) | Self::Update(update) => Some(update),
            _ => None,
        }
    }
}

fn updates(got: &[Got]) -> Vec<&[u8]> {
    got.iter().filter_map(Got::update).collect()
}

/// What a document made of these updates knows: clocks by client.
fn holds(parts: &[&[u8]]) -> BTreeMap<u64, u64> {
    let replica = Replica::open_unread(parts.iter().copied()).unwrap();
    clocks(&replica.state_vector())
}

fn clocks(state_vector: &[u8]) -> BTreeMap<u64, u64> {
    let mut numbers = Vec::new();
    let (mut number, mut shift) = (0, 0);
    for byte in state_vector {
        number |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            numbers.push(number);
            (number, shift) = (0, 0);
        }
    }
    numbers[1..]
        .chunks(2)
        .map(|pair| (pair[0], pair[1]))
        .collect()
}

fn words(n: usize) -> Vec<u8> {
    text_as_update(&format!("root{n}"), &format!("words {n}"))
}

const NOTHING: &[u8] = &[0, 0, 1, 0];

#[test]
fn a_guest_is_told_what_the_server_has_and_who_is_here() {
    let stored = words(1);
    let mut table = Table::with(vec![stored.clone()], false);
    let first = table.guest(Role::Dm);
    assert!(matches!(table.read(&first)[..], [Got::Step1(_)]));
    table.show(&first, 7, 1, r#"{"cursor":1}"#);
    table.poll();
    let second = table.guest(Role::Dm);
    table.send(&second, NOTHING);
    let got = table.read(&second);
    let [Got::Step1(vector), Got::Presence(shown), Got::Step2(all)] = &got[..] else {
        panic!("{got:?}");
    };
    assert_eq!(shown, &[(7, 1, r#"{"cursor":1}"#.to_owned())]);
    assert_eq!(holds(&[all]), holds(&[&stored]));
    assert_eq!(clocks(vector), holds(&[&stored]));
    // Somebody who has everything gets next to nothing.
    let resumed = Message::Sync(SyncMessage::Step1(vector)).encode();
    table.send(&second, &resumed);
    let got = table.read(&second);
    assert!(matches!(&got[..], [Got::Step2(update)] if update.len() < 10));
}

#[test]
fn an_update_leaves_at_once_and_those_close_behind_it_leave_together() {
    let mut table = Table::new();
    let guests: Vec<_> = (0..90).map(|_| table.guest(Role::Dm)).collect();
    assert_eq!(table.room.merges_within(), MERGE);
    for guest in &guests {
        table.read(guest);
    }
    table.update(&guests[0], &words(0));
    table.poll();
    // Not back to its only sender.
    assert_eq!(table.read(&guests[0]), []);
    for guest in &guests[1..] {
        assert_eq!(updates(&table.read(guest)).len(), 1);
    }
    let later: Vec<_> = (1..5).map(words).collect();
    for (guest, update) in guests.iter().zip(&later) {
        table.update(guest, update);
    }
    table.wait(ms(5));
    assert_eq!(table.read(&guests[4]), []);
    assert_eq!(table.room.next_deadline(), Some(ms(1000) + MERGE));
    table.wait(MERGE);
    let parts: Vec<_> = later.iter().map(Vec::as_slice).collect();
    for guest in &guests {
        let got = table.read(guest);
        assert_eq!(updates(&got).len(), 1, "{got:?}");
        assert_eq!(holds(&updates(&got)), holds(&parts));
    }
    assert_eq!(table.log.0.lock().records.len(), 2);
    // What is known already is neither stored nor sent again.
    table.wait(MERGE);
    table.update(&guests[0], &later[0]);
    table.poll();
    assert_eq!(table.read(&guests[1]), []);
    assert_eq!(table.log.0.lock().records.len(), 2);
}

#[test]
fn presence_leaves_at_once_and_then_the_latest_of_each_in_one_frame() {
    let mut table = Table::new();
    let (a, b) = (table.guest(Role::Dm), table.guest(Role::Viewer));
    table.read(&a);
    table.read(&b);
    table.show(&a, 1, 1, "{}");
    table.poll();
    assert_eq!(table.read(&b), [Got::Presence(vec![(1, 1, "{}".into())])]);
    // A lone web client lives on the echo of its own renewal.
    assert_eq!(table.read(&a), [Got::Presence(vec![(1, 1, "{}".into())])]);
    for clock in 2..20 {
        table.show(&a, 1, clock, &format!("{{\"x\":{clock}}}"));
        table.show(&b, 2, clock, "{}");
        table.wait(ms(1));
    }
    assert_eq!(table.read(&b), []);
    table.wait(PRESENCE_STEP);
    let latest = vec![(1, 19, "{\"x\":19}".to_owned()), (2, 19, "{}".to_owned())];
    assert_eq!(table.read(&b), [Got::Presence(latest)]);
    table.leave(&a);
    table.wait(PRESENCE_STEP);
    assert_eq!(
        table.read(&b),
        [Got::Presence(vec![(1, 19, "null".into())])]
    );
    // Nothing of it is in the document.
    assert_eq!(table.log.0.lock().records.len(), 0);
    // Web clients send back what they receive: it costs nothing and is not passed on.
    table.show(&b, 1, 19, "{\"x\":19}");
    table.wait(PRESENCE_STEP);
    assert_eq!(table.read(&b), []);
    assert_eq!(table.metrics.presence_stale.load(Ordering::Relaxed), 1);
}

#[test]
fn a_quiet_connection_is_sent_something_before_it_takes_the_server_for_dead() {
    let mut table = Table::new();
    let quiet = table.guest(Role::Dm);
    table.read(&quiet);
    assert!(table.room.next_deadline().unwrap() <= table.now + KEEP_ALIVE);
    table.wait(KEEP_ALIVE);
    assert_eq!(table.read(&quiet), [Got::Presence(vec![])]);
}

#[test]
fn a_viewer_reads_and_shows_itself_and_changes_nothing() {
    let mut table = Table::new();
    let (dm, viewer) = (table.guest(Role::Dm), table.guest(Role::Viewer));
    table.read(&dm);
    table.update(&viewer, &words(1));
    let step2 = Message::Sync(SyncMessage::Step2(&words(2))).encode();
    table.send(&viewer, &step2);
    table
        .room
        .receive_text(viewer.connection, &Bytes::from_static(b"{\"type\":\"X\"}"));
    table.show(&viewer, 9, 1, "{}");
    table.wait(MERGE);
    assert_eq!(table.read(&dm), [Got::Presence(vec![(9, 1, "{}".into())])]);
    assert_eq!(table.log.0.lock().records.len(), 0);
    assert_eq!(table.metrics.updates_refused.load(Ordering::Relaxed), 2);
}

#[test]
fn of_a_damaged_record_what_is_left_can_be_read_and_not_written() {
    let stored = words(1);
    let mut table = Table::with(vec![stored.clone()], true);
    let dm = table.guest(Role::Dm);
    table.update(&dm, &words(2));
    table.wait(MERGE);
    table.send(&dm, NOTHING);
    let got = table.read(&dm);
    assert_eq!(holds(&updates(&got)), holds(&[&stored]));
    assert_eq!(table.log.0.lock().records.len(), 1);
}

#[test]
fn a_stalled_guest_is_caught_up_by_one_difference_and_loses_nothing() {
    let mut table = Table::new();
    let (writer, stalled) = (table.guest(Role::Dm), table.guest(Role::Dm));
    table.read(&stalled);
    let first = text_as_update("first", "first");
    table.update(&writer, &first);
    table.poll();
    let before = table.read(&stalled);
    let mut all = vec![first];
    for n in 0..60 {
        let update = text_as_update(&format!("root{n}"), &"x".repeat(60 << 10));
        table.update(&writer, &update);
        table.show(&writer, 5, n + 1, "{}");
        all.push(update);
        table.wait(PRESENCE_STEP);
        assert!(stalled.outbox.waiting_bytes() < 1200 << 10);
    }
    let got = table.read(&stalled);
    assert!(got.contains(&Got::CaughtUp));
    assert_eq!(updates(&got).len(), 1);
    let mut held = updates(&before);
    held.extend(updates(&got));
    let all: Vec<_> = all.iter().map(Vec::as_slice).collect();
    assert_eq!(holds(&held), holds(&all));
    assert!(got.contains(&Got::Presence(vec![(5, 60, "{}".into())])));
}

#[test]
fn what_is_no_message_is_counted_and_passed_over_until_it_is_too_much() {
    let mut table = Table::new();
    let (bad, good) = (table.guest(Role::Dm), table.guest(Role::Dm));
    table.read(&bad);
    table.read(&good);
    let frames: [&[u8]; 8] = [
        &[],
        &[4],
        &[0],
        &[0, 7, 0],
        &[0, 2, 5, 1, 1],
        &[0, 2, 3, 0xff, 0xff, 0xff],
        &[0, 0, 2, 0xff, 0xff],
        &[1, 5, 1, 7, 1, 1, b'{'],
    ];
    for frame in frames {
        table.send(&bad, frame);
    }
    table.update(&bad, &words(1));
    table.poll();
    assert_eq!(updates(&table.read(&good)).len(), 1);
    assert_eq!(table.read(&bad), []);
    assert_eq!(table.metrics.malformed.load(Ordering::Relaxed), 8);
    for _ in 0..1000 {
        table.send(&bad, &[4]);
    }
    assert_eq!(table.read(&bad), [Got::Closed(Close::Hostile)]);
    assert_eq!(table.read(&good), []);
}

#[test]
fn who_asks_is_told_what_is_on_disk_and_deletions_count() {
    let mut table = Table::new();
    let asks = table.guest_with(Role::Dm, |join| join.wants_durable = true);
    let other = table.guest(Role::Dm);
    assert!(table.read(&asks).contains(&Got::Durable(0, vec![0])));
    let scene = SceneId::new("cave");
    let mut doc = GameDoc::create(&GameSessionId::new("game"));
    let edits = [
        Edit::Create {
            row: RowRef::Scene(scene.clone()),
            values: vec![],
        },
        Edit::Delete {
            row: RowRef::Scene(scene),
        },
    ];
    for edit in edits {
        doc.apply(&[edit], Origin::Local(1));
    }
    let sent = doc.replica_mut().take_updates();
    for update in &sent {
        table.update(&asks, &update.bytes);
        table.update(&other, &words(3));
    }
    table.wait(MERGE);
    assert!(
        !table
            .read(&asks)
            .iter()
            .any(|got| matches!(got, Got::Durable(..)))
    );
    table.log.commit();
    table.poll();
    let got = table.read(&asks);
    let [Got::Durable(messages, vector)] = &got[got.len() - 1..] else {
        panic!("{got:?}");
    };
    assert_eq!(*messages, sent.len() as u64);
    assert!(vector.len() > 2);
    assert!(
        !table
            .read(&other)
            .iter()
            .any(|got| matches!(got, Got::Durable(..)))
    );

    // What says nothing, and what is known, is as durable as what it says.
    table.update(&asks, &[0, 0]);
    table.update(&asks, &sent[0].bytes);
    table.wait(MERGE);
    assert!(matches!(&table.read(&asks)[..], [Got::Durable(n, _)] if *n == *messages + 2));
    // Behind a message that was refused nothing is promised.
    table.update(&asks, &[0xff; 9]);
    table.update(&asks, &words(4));
    table.wait(MERGE);
    table.log.commit();
    table.poll();
    assert!(matches!(&table.read(&asks)[..], [Got::Durable(n, _)] if *n == *messages + 2));
}

#[test]
fn while_the_disk_refuses_nothing_is_lost_and_nothing_is_promised() {
    let mut table = Table::new();
    let asks = table.guest_with(Role::Dm, |join| join.wants_durable = true);
    table.read(&asks);
    table.log.0.lock().refuses = true;
    let all: Vec<_> = (0..20).map(words).collect();
    for update in &all {
        table.update(&asks, update);
        table.wait(ms(300));
    }
    assert!(!table.room.is_saved());
    assert_eq!(table.read(&asks), []);
    table.log.0.lock().refuses = false;
    table.wait(ms(1000));
    // All of it as one update.
    table.log.commit();
    table.wait(MERGE);
    let parts: Vec<_> = all.iter().map(Vec::as_slice).collect();
    let records = table.log.0.lock().records.clone();
    assert_eq!(records.len(), 1);
    assert_eq!(holds(&[&records[0]]), holds(&parts));
    assert!(matches!(&table.read(&asks)[..], [Got::Durable(20, _)]));
    assert!(table.room.is_saved());
}

#[test]
fn a_log_that_grows_gets_a_snapshot_and_so_does_the_last_leave() {
    let mut table = Table::new();
    let dm = table.guest(Role::Dm);
    for n in 0..20 {
        let update = text_as_update(&format!("root{n}"), &"x".repeat(100 << 10));
        table.update(&dm, &update);
        table.wait(MERGE);
        table.read(&dm);
    }
    assert_eq!(table.log.0.lock().snapshots, 1);
    table.leave(&dm);
    table.room.rest(table.now);
    assert_eq!(table.log.0.lock().snapshots, 2);
    table.room.rest(table.now);
    assert_eq!(
        table.log.0.lock().snapshots,
        2,
        "nothing new, nothing written"
    );
}

#[test]
fn a_seed_fills_a_room_that_was_never_used_and_no_other() {
    let mut table = Table::new();
    let dm = table.guest(Role::Dm);
    table.read(&dm);
    assert!(table.room.seed(table.now, &words(1)));
    assert_eq!(updates(&table.read(&dm)).len(), 1);
    assert!(!table.room.seed(table.now, &words(2)));
    let mut used = Table::with(vec![vec![0, 0]], false);
    assert!(!used.room.seed(used.now, &words(2)));
}

fn named(id: &str) -> impl FnOnce(&mut Join) {
    let user = User {
        id: id.into(),
        name: Some(format!("{id} the brave").into()),
    };
    move |join| join.user = Some(user)
}

fn texts(got: Vec<Got>) -> Vec<String> {
    let text = |got| match got {
        Got::Text(text) => Some(text),
        _ => None,
    };
    got.into_iter().filter_map(text).collect()
}

#[test]
fn people_come_and_go_and_events_reach_who_can_read_them() {
    let mut table = Table::new();
    let watcher = table.guest(Role::Dm);
    // A plain y-protocols client takes every message for one of its own.
    let plain = table.guest_with(Role::Dm, |join| join.takes_text = false);
    table.send(&plain, NOTHING);
    table.read(&plain);
    let first = table.guest_with(Role::Dm, named("ada"));
    let again = table.guest_with(Role::Viewer, named("ada"));
    let joined = texts(table.read(&watcher));
    let expected = r#"{"type":"USER_JOINED","payload":{"userId":"ada","userName":"ada the brave"},"timestamp":0}"#;
    assert_eq!(joined, [expected]);
    let info = table.room.info(true);
    assert_eq!(info.connections, 4);
    assert_eq!(info.users.len(), 1);

    let event = Bytes::from_static(br#"{"requestId":1,"body":"x","name":"y"}"#);
    assert_eq!(table.room.send_event(&event, None, false), 3);
    assert_eq!(table.room.send_event(&event, Some("ada"), false), 1);
    assert_eq!(texts(table.read(&watcher)).len(), 2);
    assert_eq!(texts(table.read(&first)).len(), 1);

    table.leave(&first);
    assert_eq!(texts(table.read(&watcher)), [""; 0]);
    table.leave(&again);
    assert!(texts(table.read(&watcher))[0].contains("USER_LEFT"));
    assert_eq!(texts(table.read(&plain)), [""; 0]);
}

#[test]
fn sizes_that_are_told_are_those_of_the_document_now() {
    let mut table = Table::new();
    let dm = table.guest(Role::Dm);
    assert_eq!(table.room.seats().taken, 1);
    let mut copy = Replica::open_unread([]).unwrap();
    for n in 1..5 {
        let update = words(n);
        copy.apply_update(&update, Origin::Remote(1)).unwrap();
        table.update(&dm, &update);
        table.wait(MERGE);
        let told = table.room.info(true);
        let now = copy.encode_snapshot().len();
        assert_eq!(told.document_bytes, Some(now), "after {n} changes");
        assert_eq!(told.state_vector_bytes, copy.state_vector().len());
    }
}

#[test]
fn a_plain_json_room_sends_nothing_binary_first() {
    let mut table = Table::new();
    let text_first = |join: &mut Join| join.text_first = true;
    let (a, b) = (
        table.guest_with(Role::Dm, text_first),
        table.guest_with(Role::Dm, text_first),
    );
    let said = Bytes::from_static(br#"{"type":"hello"}"#);
    table.room.receive_text(a.connection, &said);
    table
        .room
        .receive_text(a.connection, &Bytes::from_static(b"ping"));
    table.wait(KEEP_ALIVE);
    assert_eq!(table.read(&b), [Got::Text(r#"{"type":"hello"}"#.into())]);
    assert_eq!(table.read(&a), []);
}

#[test]
fn an_edit_that_overtakes_what_it_follows_on_waits_for_it() {
    let mut table = Table::new();
    let (early, other) = (
        table.guest_with(Role::Dm, |join| join.wants_durable = true),
        table.guest(Role::Dm),
    );
    table.read(&early);
    table.read(&other);
    table.log.0.lock().eager = true;
    let mut doc = GameDoc::create(&GameSessionId::new("game"));
    let before = doc.replica_mut().take_updates();
    let scene = RowRef::Scene(SceneId::new("cave"));
    let create = Edit::Create {
        row: scene,
        values: vec![],
    };
    doc.apply(&[create], Origin::Local(1));
    let edit = doc.replica_mut().take_updates();
    table.update(&early, &edit[0].bytes);
    table.wait(MERGE);
    assert_eq!(table.read(&other), []);
    assert!(
        !table
            .read(&early)
            .iter()
            .any(|got| matches!(got, Got::Durable(1, _)))
    );
    table.update(&early, &before[0].bytes);
    table.wait(MERGE);
    let got = table.read(&other);
    let held: Vec<_> = before.iter().chain(&edit).map(|u| &u.bytes[..]).collect();
    assert_eq!(holds(&updates(&got)), holds(&held));
    assert!(
        table
            .read(&early)
            .iter()
            .any(|got| matches!(got, Got::Durable(2, _)))
    );
}
