//! What people in a room are promised, with a clock that the test turns and no socket.

mod local;
mod passing_on;
mod people;
mod players;
mod record;
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
