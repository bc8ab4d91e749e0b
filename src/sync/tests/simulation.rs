//! Many clients, one room, bad weather: whatever happens on the way, everybody ends with the same
//! document, and nothing is lost that the room has said is on disk.
//!
//! Everything is decided by a seed, which a failure prints: `TABLEGLOW_SIM_SEED=… cargo test
//! sync::tests::simulation` runs that schedule alone, `TABLEGLOW_SIM_SCHEDULES=10000` more of them.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::super::client::Event;
use super::super::state::ConnectionState;
use super::*;
use crate::doc::json::game_json;
use crate::doc::undo::History;
use crate::model::property::RowKind;
use crate::model::stroke::{MaskTarget, NewStroke, StrokeMode, StrokeShape};
use crate::util::id::seeded;

/// Schedules of a normal run.
const SCHEDULES: u64 = 24;
/// Schedules that once ended badly: updates that waited for others were not given to a room that had
/// forgotten them in a crash.
const FOUND: [u64; 1] = [608];
/// Steps of a schedule in which things happen.
const STEPS: usize = 250;

struct Player {
    peer: Peer,
    history: History,
    gestures: u64,
    /// Markers that this player made, by the generation after which they were in the document.
    made: BTreeMap<u64, Vec<String>>,
    /// What the player's disk has; the rest goes in a crash of the player's machine.
    saved: Vec<Vec<u8>>,
    unsaved: Vec<Vec<u8>>,
}

#[derive(Debug, Default)]
struct Sums {
    edits: u64,
    handled: u64,
    acknowledged: u64,
    cuts: u64,
    crashes: u64,
}

struct World {
    seed: u64,
    rng: StdRng,
    table: Table,
    players: Vec<Player>,
    /// Markers that the room has said are on disk.
    promised: Vec<String>,
    names: u64,
    sums: Sums,
}

impl World {
    fn new(seed: u64) -> Self {
        drop(seed_update());
        seeded::set(Some(seed));
        let mut rng = StdRng::seed_from_u64(seed);
        let table = Table::new();
        {
            let mut room = table.room.lock();
            room.echoes = rng.random();
        }
        table.way.lock().weather = Weather {
            longest_delay: Duration::from_millis(rng.random_range(0..400)),
            duplicates: if rng.random() { 0.1 } else { 0.0 },
            seed,
        };
        let players = (0..rng.random_range(2..=8))
            .map(|n| Player::new(&table, Vec::new(), seed ^ n))
            .collect();
        Self {
            seed,
            rng,
            table,
            players,
            promised: Vec::new(),
            names: 0,
            sums: Sums::default(),
        }
    }

    fn step(&mut self) {
        self.table
            .hands
            .advance(Duration::from_millis(self.rng.random_range(1..60)));
        let who = self.rng.random_range(0..self.players.len());
        match self.rng.random_range(0..100) {
            0..50 => self.act(who),
            50..56 => {
                // A short cut for one, or for everybody.
                let all = self.rng.random_ratio(1, 5);
                let count = self.table.room.lock().member_count();
                let which = (!all && count > 0).then(|| self.rng.random_range(0..count));
                self.table.room.lock().cut(which);
                self.sums.cuts += 1;
            }
            56..58 => self.table.room.lock().restart(),
            58..60 => {
                self.table.room.lock().crash();
                self.sums.crashes += 1;
            }
            60..75 => self.table.room.lock().write(),
            75..77 => self.crash_player(who),
            77..79 => self.players[who].peer.link.leave(),
            79..84 => self.players[who].peer.link.connect(),
            84..88 => {
                let player = &mut self.players[who];
                player.save();
            }
            88..92 => {
                let json = format!("{{\"n\":{}}}", self.names);
                self.players[who]
                    .peer
                    .link
                    .set_awareness(Some(&json))
                    .unwrap();
            }
            _ => {}
        }
        self.turn();
    }

    /// Everybody does what is due.
    fn turn(&mut self) {
        for player in &mut self.players {
            for event in player.pump() {
                match event {
                    Event::Acknowledged(generation) => {
                        self.sums.acknowledged += 1;
                        let later = player.made.split_off(&(generation + 1));
                        let kept = std::mem::replace(&mut player.made, later);
                        self.promised.extend(kept.into_values().flatten());
                    }
                    Event::Damaged(error) => panic!("seed {}: {error}", self.seed),
                    _ => {}
                }
            }
        }
        self.table.room.lock().step();
    }

    fn act(&mut self, who: usize) {
        self.sums.edits += 1;
        let shared = format!("shared{}", self.rng.random_range(0..4));
        let x = f64::from(self.rng.random_range(-100..100));
        let player = &mut self.players[who];
        // Nobody edits a room that they have never seen.
        if !player.peer.doc.has_scene(&cave()) {
            return;
        }
        let edit = match self.rng.random_range(0..12) {
            0..4 => {
                self.names += 1;
                let name = format!("kept{}", self.names);
                let generation = player.peer.generation + 1;
                player
                    .made
                    .entry(generation)
                    .or_default()
                    .push(name.clone());
                add_marker(&name, x)
            }
            4..7 => move_marker(&shared, x),
            7 => add_marker(&shared, x),
            8 => Edit::Delete {
                row: marker_row(&shared),
            },
            9 => Edit::Stroke {
                scene: cave(),
                target: MaskTarget::Fog,
                stroke: NewStroke {
                    shape: StrokeShape::Rectangle,
                    mode: if x > 0.0 {
                        StrokeMode::Add
                    } else {
                        StrokeMode::Erase
                    },
                    points: vec![[0, 0], [x as i32, 50]],
                },
            },
            10 => {
                // Only changes of others' things are taken back, so that what is kept is kept.
                player.history.undo(&mut player.peer.doc);
                player.give_updates();
                return;
            }
            _ => {
                player.history.redo(&mut player.peer.doc);
                player.give_updates();
                return;
            }
        };
        let is_kept = matches!(&edit, Edit::Create { row: RowRef::InScene { id, .. }, .. }
            if id.as_str().starts_with("kept"));
        let done = player
            .peer
            .doc
            .apply(&[edit], Origin::Local(player.gestures));
        if !is_kept {
            player.gestures += 1;
            player.history.record(player.gestures, "step", done);
        }
        player.give_updates();
    }

    /// A player's machine goes down and comes back with what was on its disk.
    fn crash_player(&mut self, who: usize) {
        let seed = self.rng.random();
        let saved = std::mem::take(&mut self.players[who].saved);
        self.players[who] = Player::new(&self.table, saved, seed);
        self.sums.crashes += 1;
    }

    /// Good weather until everybody has everything.
    fn settle(&mut self) {
        for player in &mut self.players {
            player.peer.link.connect();
        }
        for round in 0..4000 {
            self.table.hands.advance(Duration::from_millis(50));
            self.turn();
            if round % 20 == 0 {
                self.table.room.lock().write();
            }
            let is_quiet = round % 20 == 19
                && self.players.iter().all(|player| {
                    player.peer.link.state() == ConnectionState::Live
                        && player.peer.link.has_sent_all()
                });
            if is_quiet && self.have_met() {
                return;
            }
        }
        let room = self.table.room.lock();
        let all = game_json(room.doc());
        let players: Vec<_> = self
            .players
            .iter()
            .map(|player| {
                let doc = player.peer.doc.replica();
                let holds_all = game_json(&player.peer.doc) == all;
                let link = &player.peer.link;
                (
                    link.state(),
                    link.has_sent_all(),
                    doc.waits_for_updates(),
                    holds_all,
                )
            })
            .collect();
        panic!("seed {}: they never come to rest: {players:?}", self.seed);
    }

    fn have_met(&self) -> bool {
        let room = self.table.room.lock();
        let state = room.doc().replica().state_vector();
        let all = game_json(room.doc());
        self.players.iter().all(|player| {
            let doc = &player.peer.doc;
            doc.replica().state_vector().len() == state.len() && game_json(doc) == all
        })
    }

    fn check(&mut self) {
        let seed = self.seed;
        let room = self.table.room.lock();
        let names: std::collections::BTreeSet<String> = room
            .on_disk()
            .rows(&cave(), RowKind::Marker)
            .into_iter()
            .map(|(id, _)| id.as_str().to_owned())
            .collect();
        for promised in &self.promised {
            assert!(
                names.contains(promised),
                "seed {seed}: {promised} was promised"
            );
        }
        // What still waits follows on something that nobody has any more: its author and the room
        // lost it in crashes, and it was promised to nobody.
        for player in &mut self.players {
            let doc = &mut player.peer.doc;
            let before = game_json(doc);
            doc.replica_mut().apply_updates([], Origin::Load).unwrap();
            assert_eq!(game_json(doc), before, "seed {seed}: it waited for nothing");
        }
        self.sums.handled = room.handled;
    }
}

impl Player {
    fn new(table: &Table, saved: Vec<Vec<u8>>, seed: u64) -> Self {
        let updates = saved.iter().map(|update| &**update);
        let doc = GameDoc::open(&session(), updates).unwrap();
        let mut peer = Peer::with_document(doc, &table.clock, &table.room, &table.way, seed);
        peer.link.connect();
        Self {
            peer,
            history: History::default(),
            gestures: 0,
            made: BTreeMap::new(),
            saved,
            unsaved: Vec::new(),
        }
    }

    fn pump(&mut self) -> Vec<Event> {
        let events = self.peer.link.pump(self.peer.doc.replica_mut());
        self.give_updates();
        events
    }

    /// [`Peer::give_updates`], and what there is goes into the player's log too.
    fn give_updates(&mut self) {
        let updates = self.peer.give_updates();
        self.unsaved
            .extend(updates.into_iter().map(|update| update.bytes));
    }

    fn save(&mut self) {
        self.saved.append(&mut self.unsaved);
    }
}

fn run(seed: u64) -> Sums {
    let mut world = World::new(seed);
    for _ in 0..STEPS {
        world.step();
    }
    world.settle();
    world.check();
    seeded::set(None);
    world.sums
}

#[test]
fn everybody_ends_with_the_same_and_nothing_promised_is_lost() {
    let seeds: Vec<u64> = match number_from("TABLEGLOW_SIM_SEED") {
        Some(seed) => vec![seed],
        None => (1..=number_from("TABLEGLOW_SIM_SCHEDULES").unwrap_or(SCHEDULES))
            .chain(FOUND)
            .collect(),
    };
    let mut total = Sums::default();
    for seed in seeds {
        let sums = run(seed);
        assert!(
            sums.handled > 0,
            "seed {seed}: no message was exchanged: {sums:?}"
        );
        total.edits += sums.edits;
        total.handled += sums.handled;
        total.acknowledged += sums.acknowledged;
        total.cuts += sums.cuts;
        total.crashes += sums.crashes;
    }
    assert!(
        total.edits > 0 && total.handled > 0 && total.acknowledged > 0 && total.cuts > 0,
        "the simulation did nothing: {total:?}"
    );
}
