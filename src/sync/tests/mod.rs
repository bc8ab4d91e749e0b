//! What a user is promised of rooms: clients against a model of a room, on a clock that is turned by
//! hand, and the network's transport against a real socket.

mod client;
mod room;
mod simulation;
mod websocket;

use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use super::dialect::Dialect;
use super::link::{RoomLink, Wake};
use super::memory::{MemoryTransport, Weather, pair};
use super::state::Closed;
use crate::doc::replica::Update;
use crate::doc::{GameDoc, Origin};
use crate::model::edit::{Assignment, Edit, RowRef};
use crate::model::id::{GameSessionId, RowId, SceneId};
use crate::model::marker;
use crate::util::clock::{Clock, ManualClock};
use crate::util::id::seeded;
use room::Room;

const FROM_ROOM: Origin = Origin::Remote(1);

fn session() -> GameSessionId {
    GameSessionId::new("session")
}

fn cave() -> SceneId {
    SceneId::new("cave")
}

fn marker_row(name: &str) -> RowRef {
    RowRef::marker(&cave(), &RowId::new(name))
}

fn add_marker(name: &str, x: f64) -> Edit {
    Edit::Create {
        row: marker_row(name),
        values: vec![Assignment::new(marker::POSITION_X, x)],
    }
}

fn move_marker(name: &str, x: f64) -> Edit {
    Edit::Set {
        row: marker_row(name),
        values: vec![Assignment::new(marker::POSITION_X, x)],
    }
}

/// The first update of every document here: a scene without anything in it. Always the same, or two
/// documents would each have a scene of that name.
fn seed_update() -> Vec<u8> {
    static SEED: OnceLock<Vec<u8>> = OnceLock::new();
    let make = || {
        seeded::set(Some(0));
        let mut doc = GameDoc::create(&session());
        let row = RowRef::Scene(cave());
        let values = Vec::new();
        doc.apply(&[Edit::Create { row, values }], Origin::Upkeep);
        seeded::set(None);
        doc.replica().encode_snapshot()
    };
    SEED.get_or_init(make).clone()
}

/// What a variable asks for.
fn number_from(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// A client with its document, over memory to a room.
struct Peer {
    doc: GameDoc,
    link: RoomLink,
    generation: u64,
}

/// How the way to the room is at the moment.
#[derive(Clone, Default)]
struct Way {
    weather: Weather,
    /// No connection comes about, and this is why.
    refusal: Option<Closed>,
    /// Connections that were asked for.
    dialled: u32,
}

impl Peer {
    fn new(
        clock: &Arc<dyn Clock>,
        room: &Arc<Mutex<Room>>,
        way: &Arc<Mutex<Way>>,
        seed: u64,
    ) -> Self {
        let doc = GameDoc::open(&session(), std::iter::empty()).unwrap();
        Self::with_document(doc, clock, room, way, seed)
    }

    fn with_document(
        doc: GameDoc,
        clock: &Arc<dyn Clock>,
        room: &Arc<Mutex<Room>>,
        way: &Arc<Mutex<Way>>,
        seed: u64,
    ) -> Self {
        let (room, way) = (Arc::clone(room), Arc::clone(way));
        let wake: Wake = Arc::new(|| {});
        let dial_clock = Arc::clone(clock);
        let dial = move || {
            let mut way = way.lock();
            way.dialled += 1;
            if let Some(refusal) = &way.refusal {
                return Err(refusal.clone());
            }
            way.weather.seed = way.weather.seed.wrapping_add(1);
            let (ours, theirs) = pair(&dial_clock, way.weather);
            room.lock().join(theirs);
            Ok(ours)
        };
        let transport = MemoryTransport::new(Box::new(dial), wake);
        let id = doc.replica().client_id();
        let link = RoomLink::new(
            Dialect::YPartyKit,
            FROM_ROOM,
            id,
            seed,
            Box::new(transport),
            Arc::clone(clock),
        );
        Self {
            doc,
            link,
            generation: 0,
        }
    }

    fn edit(&mut self, edit: Edit) {
        self.doc.apply(&[edit], Origin::Local(1));
        self.give_updates();
    }

    /// Hands the document's own changes to the link; all of them, for a log.
    fn give_updates(&mut self) -> Vec<Update> {
        let updates = self.doc.replica_mut().take_updates();
        let doc = self.doc.replica();
        if self.link.share(doc, self.generation + 1, &updates) {
            self.generation += 1;
        }
        updates
    }

    fn pump(&mut self) -> Vec<super::client::Event> {
        let events = self.link.pump(self.doc.replica_mut());
        self.give_updates();
        events
    }
}

/// A clock, its hands, a room and the way there.
struct Table {
    hands: ManualClock,
    clock: Arc<dyn Clock>,
    room: Arc<Mutex<Room>>,
    way: Arc<Mutex<Way>>,
}

impl Table {
    fn new() -> Self {
        let hands = ManualClock::starting_at(1_700_000_000_000);
        Self {
            clock: Arc::new(hands.clone()),
            hands,
            room: Arc::new(Mutex::new(Room::new(&seed_update()))),
            way: Arc::default(),
        }
    }

    fn peer(&self, seed: u64) -> Peer {
        Peer::new(&self.clock, &self.room, &self.way, seed)
    }
}
