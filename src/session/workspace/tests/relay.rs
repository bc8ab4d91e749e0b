//! Several workspaces in a room that keeps nothing, over real frames and on one clock.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::{Table, ms};
use crate::doc::masks::MaskSpace;
use crate::doc::replica::Replica;
use crate::doc::{GameDoc, Origin};
use crate::library::Library;
use crate::model::color::Rgb;
use crate::model::edit::{Assignment, Edit, RowRef};
use crate::model::id::{GameSessionId, PartyId, RowId, SceneId};
use crate::model::presence::TablePart;
use crate::model::property::RowKind;
use crate::model::stroke::{MaskTarget, NewStroke, StrokeMode, StrokeShape};
use crate::model::{annotation, scene};
use crate::session::api::Request;
use crate::session::room::Identity;
use crate::session::workspace::Workspace;
use crate::session::workspace::doc_link::DocLink;
use crate::sync::batch::Frame;
use crate::sync::dialect::Dialect;
use crate::sync::memory::{End, MemoryTransport, Received, Weather, pair};
use crate::sync::protocol::{Message, SyncMessage};
use crate::util::clock::{Clock, ManualClock};

/// A room that passes messages on and keeps the document in memory. It never finds out by itself that
/// somebody has gone.
pub(super) struct Relay {
    doc: Replica,
    ends: Vec<End>,
    /// Who has just come.
    seats: Arc<Mutex<Vec<End>>>,
    /// Everything that was ever shown.
    shown: Vec<Vec<u8>>,
}

impl Relay {
    fn new() -> Self {
        Self {
            doc: Replica::open_unread([]).unwrap(),
            ends: Vec::new(),
            seats: Arc::default(),
            shown: Vec::new(),
        }
    }

    fn pump(&mut self) {
        for end in std::mem::take(&mut *self.seats.lock()) {
            let state = self.doc.state_vector();
            say(&end, &Message::Sync(SyncMessage::Step1(&state)));
            for frame in &self.shown {
                end.send(Frame::Binary(frame.clone().into()));
            }
            self.ends.push(end);
        }
        for from in 0..self.ends.len() {
            while let Received::Frame(frame) = self.ends[from].receive() {
                if let Frame::Binary(bytes) = frame {
                    self.take(from, &bytes);
                }
            }
        }
    }

    fn take(&mut self, from: usize, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (message, rest) = Message::decode_first(bytes).unwrap();
            let one = &bytes[..bytes.len() - rest.len()];
            match message {
                Message::Sync(SyncMessage::Step1(state)) => {
                    let missing = self.doc.encode_missing(state).unwrap();
                    say(
                        &self.ends[from],
                        &Message::Sync(SyncMessage::Step2(&missing)),
                    );
                }
                Message::Sync(SyncMessage::Step2(update) | SyncMessage::Update(update)) => {
                    self.doc.apply_update(update, Origin::Remote(1)).unwrap();
                    for update in self.doc.take_updates() {
                        self.tell_others(
                            from,
                            &Message::Sync(SyncMessage::Update(&update.bytes)).encode(),
                        );
                    }
                }
                Message::Awareness(_) => {
                    self.shown.push(one.to_owned());
                    self.tell_others(from, one);
                }
                _ => {}
            }
            bytes = rest;
        }
    }

    fn tell_others(&self, from: usize, frame: &[u8]) {
        for (to, end) in self.ends.iter().enumerate() {
            if to != from {
                end.send(Frame::Binary(frame.to_owned().into()));
            }
        }
    }
}

fn say(end: &End, message: &Message<'_>) {
    end.send(Frame::Binary(message.encode().into()));
}

/// Three DMs in such a room.
pub(super) struct Room {
    pub(super) relay: Relay,
    pub(super) clock: ManualClock,
    pub(super) tables: Vec<Table>,
    pub(super) scene: SceneId,
    strokes: i32,
}

impl Room {
    pub(super) fn new() -> Self {
        let clock = ManualClock::starting_at(1_780_000_000_000);
        let first = dm(&clock, None);
        let (party, game) = (
            first.workspace.party().cloned().unwrap(),
            first.workspace.game().cloned().unwrap(),
        );
        let scene = first.scene.clone();
        let mut tables = vec![first];
        tables.extend((0..2).map(|_| dm(&clock, Some((&party, &game, &scene)))));
        let layer = Edit::Create {
            row: layer_row(&scene),
            values: vec![Assignment::new(annotation::NAME, "Chalk")],
        };
        tables[0].workspace.edit_once("Layer", &[layer]);
        let mut room = Self {
            relay: Relay::new(),
            clock,
            tables,
            scene,
            strokes: 0,
        };
        for table in &mut room.tables {
            join(&room.relay, &room.clock, table);
        }
        room
    }

    pub(super) fn wait(&mut self, time: Duration) {
        let end = self.clock.now() + time;
        while self.clock.now() < end {
            self.clock.advance(ms(50));
            self.relay.pump();
            for table in &mut self.tables {
                table.workspace.upkeep();
            }
            self.relay.pump();
        }
    }

    pub(super) fn holders(&self) -> Vec<usize> {
        let holds = |table: &Table| {
            let game = table.workspace.game.as_ref().unwrap();
            game.web.lease().is_some()
        };
        let all = self.tables.iter().enumerate();
        all.filter(|(_, table)| holds(table))
            .map(|(at, _)| at)
            .collect()
    }

    pub(super) fn draw(&mut self, table: usize) {
        self.strokes += 1;
        let stroke = NewStroke {
            shape: StrokeShape::Brush { radius: 400 },
            mode: StrokeMode::Add,
            points: vec![[self.strokes * 1600, 800]],
        };
        let edit = Edit::Stroke {
            scene: self.scene.clone(),
            target: chalk(),
            stroke,
        };
        self.tables[table].workspace.edit_once("Draw", &[edit]);
    }

    /// The room's document as a web client reads it: the picture of the drawing, and the picture that
    /// all strokes in it make.
    pub(super) fn drawn(&self) -> (Option<Arc<[u8]>>, Vec<u8>, usize) {
        let bytes = self.relay.doc.encode_snapshot();
        let game = self.tables[0].workspace.game().unwrap();
        let doc = GameDoc::open(game, [bytes.as_slice()]).unwrap();
        let row = doc.scene_row(&self.scene).unwrap();
        let side = |value: f64| value as u32;
        let space = MaskSpace::covering([
            side(row.get(scene::DISPLAY_RESOLUTION_X)),
            side(row.get(scene::DISPLAY_RESOLUTION_Y)),
        ]);
        let shared = doc.shared_mask(&self.scene, &chalk());
        let picture = doc.mask(&self.scene, &chalk(), space).unwrap();
        let strokes = doc.strokes(&self.scene, &chalk()).strokes.len();
        (shared, picture.encode_rle(), strokes)
    }
}

pub(super) fn chalk() -> MaskTarget {
    MaskTarget::Annotation(RowId::new("chalk"))
}

fn layer_row(scene: &SceneId) -> RowRef {
    RowRef::InScene {
        scene: scene.clone(),
        kind: RowKind::Annotation,
        id: RowId::new("chalk"),
    }
}

pub(super) fn dm(clock: &ManualClock, of: Option<(&PartyId, &GameSessionId, &SceneId)>) -> Table {
    let folder = tempfile::tempdir().unwrap();
    let library = Arc::new(Library::create_empty(&folder.path().join("library")).unwrap());
    if let Some((party, game, _)) = of {
        library.adopt_game(party, game, "Joined").unwrap();
    }
    let mut workspace = Workspace::open(library, Arc::new(clock.clone())).unwrap();
    let scene = match of {
        Some((_, game, scene)) => {
            workspace.open_game(game).unwrap();
            scene.clone()
        }
        None => workspace.create_scene("Cave").unwrap(),
    };
    workspace.handle(Request::Introduce(Identity {
        name: "Mira".into(),
        color: Rgb::WHITE,
        part: TablePart::Dm,
        shares_view: false,
    }));
    Table {
        workspace,
        clock: clock.clone(),
        scene,
        _folder: folder,
    }
}

pub(super) fn join(relay: &Relay, clock: &ManualClock, table: &mut Table) {
    let clock: Arc<dyn Clock> = Arc::new(clock.clone());
    let (seats, now) = (Arc::clone(&relay.seats), Arc::clone(&clock));
    let dial = move || {
        let (ours, theirs) = pair(&now, Weather::default());
        seats.lock().push(theirs);
        Ok(ours)
    };
    let transport = MemoryTransport::new(Box::new(dial), Arc::new(|| {}));
    let game = table.workspace.game.as_mut().unwrap();
    let doc = game.doc.replica();
    let mut link = DocLink::new(Dialect::YPartyKit, doc, Box::new(transport), clock);
    link.is_hydrated = true;
    game.link = Some(link);
    table.workspace.show_presence();
}
