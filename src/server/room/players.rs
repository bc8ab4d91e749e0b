//! What players and displays of a room get: a document of its own, in which what the DM hid is not.
//!
//! The real document is read, cut down by the one audience declaration ([`crate::model::audience`],
//! [`PlayerScene`]) and written into a [`PlayersDoc`]. What guests write goes into that document
//! alone: a move that they are allowed is carried over into the real one, everything else is written
//! back to what it was. Presence goes through the same declaration both ways.
//!
//! A scene is in the document while the party has it on the table ([`OnTable`]); one that comes onto
//! the table during a pause comes with its end. When something has left the document, those who have
//! it keep their epoch; whoever comes fresh begins a new one, whose history knows nothing of it.

mod pictures;
mod presence;
mod view;
mod writes;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use self::pictures::Pictures;
pub use self::pictures::{CutFile, CutWanted};
use self::view::{SceneView, name_by_content, named};
use self::writes::Written;
use super::{Member, Room, durable_frame, sync_frame};
use crate::doc::PartyDoc;
use crate::doc::dirty::{Dirty, SceneDirty};
use crate::doc::opened::{Layout, Opened};
use crate::doc::players::{PlayersDoc, Shown};
use crate::model::audience;
use crate::model::id::{RowId, SceneId};
use crate::model::presence::{Dragging, TablePart};
use crate::model::row::Row;
use crate::model::{marker, party};
use crate::scene::picture::{PictureIndex as _, PictureInfo};
use crate::server::ConnectionId;
use crate::server::access::Role;
use crate::server::outbox::Close;
use crate::sync::protocol::SyncMessage;
use crate::util::id::fresh_uuid;

/// Epochs that are kept for those who have them; past it the oldest begin anew.
const MOST_EPOCHS: usize = 4;
/// What a party has on the table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OnTable {
    /// The scene.
    pub scene: Option<SceneId>,
    /// The game that it is in, where the party says so.
    pub game: Option<Arc<str>>,
    /// The table shows the pause screen.
    pub is_paused: bool,
}

impl OnTable {
    /// What a party's document says.
    #[must_use]
    pub fn of(party: &PartyDoc) -> Self {
        let state = party.state();
        let text = |text: Option<Arc<str>>| text.filter(|text| !text.is_empty());
        Self {
            scene: text(state.get(party::ACTIVE_SCENE_ID)).map(|scene| SceneId::new(&scene)),
            game: text(state.get(party::ACTIVE_GAME_ID)),
            is_paused: state.get(party::IS_PAUSED),
        }
    }
}

/// What only guests have: see [`Role::sees_all`].
#[derive(Debug, Default)]
pub(super) struct Guest {
    /// Its epoch, once it has said what it has.
    epoch: Option<u64>,
    /// It has told what the server lacked; what it sent before that is in there.
    has_answered: bool,
    refused: u32,
}

impl Guest {
    /// What guests are told of what is on disk: their own document's state.
    pub(super) fn durable_frame(&self, players: Option<&Players>, messages: u64) -> Bytes {
        let epoch = self.epoch.and_then(|number| players?.epoch(number));
        match epoch {
            Some(epoch) => durable_frame(messages, &epoch.state_vector),
            None => durable_frame(messages, &[0]),
        }
    }
}

struct Epoch {
    number: u64,
    doc: PlayersDoc,
    state_vector: Arc<[u8]>,
    /// The state before writes of guests that are not settled yet.
    unsettled: Option<Arc<[u8]>>,
}

/// The players' side of a room; made for the first guest.
pub(super) struct Players {
    layout: Layout,
    shown: Shown,
    views: BTreeMap<SceneId, SceneView>,
    tables: Vec<OnTable>,
    pictures: Pictures,
    /// What a party shows during a pause.
    pause_picture: Option<Arc<str>>,
    hovered: BTreeSet<RowId>,
    dragged: Vec<Dragging>,
    presence_seen: u64,
    epochs: Vec<Epoch>,
    next_epoch: u64,
    inbox: Vec<Written>,
    inbox_bytes: usize,
    /// An epoch of before, not opened yet.
    kept: Option<Vec<u8>>,
}

impl Players {
    fn new(tables: Vec<OnTable>) -> Self {
        Self {
            layout: Layout::Empty,
            shown: Shown::default(),
            views: BTreeMap::new(),
            tables,
            pictures: Pictures::default(),
            pause_picture: None,
            hovered: BTreeSet::new(),
            dragged: Vec::new(),
            presence_seen: 0,
            epochs: Vec::new(),
            next_epoch: 1,
            inbox: Vec::new(),
            inbox_bytes: 0,
            kept: None,
        }
    }

    fn epoch(&self, number: u64) -> Option<&Epoch> {
        self.epochs.iter().find(|epoch| epoch.number == number)
    }

    fn epoch_mut(&mut self, number: u64) -> Option<&mut Epoch> {
        self.epochs.iter_mut().find(|epoch| epoch.number == number)
    }

    /// The scenes that are on the table now. During a pause no further one comes onto it.
    fn on_table(&self) -> BTreeSet<SceneId> {
        let named = self.tables.iter().filter_map(|table| {
            let scene = table.scene.clone()?;
            (!table.is_paused || self.shown.scenes.contains_key(&scene)).then_some(scene)
        });
        named.collect()
    }

    /// What of the real document players may see now.
    fn look(&mut self, document: &Opened, dirty: &Dirty) -> Shown {
        let mut shown = Shown::default();
        match document {
            Opened::Game(doc) => {
                shown.schema = doc.schema_version();
                let wanted = self.on_table();
                self.views.retain(|scene, _| wanted.contains(scene));
                for scene in wanted {
                    let is_new = !self.views.contains_key(&scene);
                    let view = self
                        .views
                        .entry(scene.clone())
                        .or_insert_with(|| SceneView::new(scene.clone()));
                    let dirty = if is_new {
                        SceneDirty::whole()
                    } else {
                        dirty.scene(&scene).unwrap_or_default()
                    };
                    if let Some(seen) = view.look(doc, &dirty, &self.hovered, &self.pictures) {
                        shown.scenes.insert(scene, seen);
                    }
                }
            }
            Opened::Party(doc) => {
                shown.schema = doc.schema_version();
                shown.party = Some(self.party_state(doc));
            }
            Opened::Unread(_) => {}
        }
        shown
    }

    /// A party's state, its pause picture named by what it holds.
    fn party_state(&mut self, doc: &PartyDoc) -> Row {
        let state = doc.state().for_players(&party::TABLE);
        let location = state.get(party::PAUSE_PICTURE);
        let picture = location
            .as_deref()
            .filter(|location| !location.is_empty())
            .and_then(|location| Some((self.pictures.find(location)?, location)));
        let name = picture
            .as_ref()
            .map(|(picture, location)| name_by_content("pause", picture, location));
        self.pause_picture = picture.map(|(picture, _)| picture.hash.as_str().into());
        named(&state, party::PAUSE_PICTURE.property(), name)
    }

    /// Takes up the epoch that was kept, for those who have it.
    fn reopen(&mut self, kept: &[u8]) {
        // One that cannot be read is made anew.
        let Ok(mut doc) = PlayersDoc::open(self.layout, kept) else {
            return;
        };
        doc.show_all(&self.shown);
        let number = self.next_epoch;
        self.next_epoch += 1;
        let epoch = Epoch {
            number,
            state_vector: doc.replica().state_vector().into(),
            doc,
            unsettled: None,
        };
        self.epochs.insert(0, epoch);
    }

    fn fresh_epoch(&mut self) -> u64 {
        let number = self.next_epoch;
        self.next_epoch += 1;
        let doc = PlayersDoc::new(self.layout, &fresh_uuid(), &self.shown);
        let state_vector = doc.replica().state_vector().into();
        self.epochs.push(Epoch {
            number,
            doc,
            state_vector,
            unsettled: None,
        });
        number
    }

    /// Whether a guest may put a marker somewhere else.
    fn may_move(&self, part: TablePart, scene: &SceneId, id: &RowId) -> bool {
        let row = self
            .shown
            .scenes
            .get(scene)
            .and_then(|scene| scene.markers.get(id));
        let is_dragged = self
            .dragged
            .iter()
            .any(|drag| drag.scene == *scene && drag.markers().any(|marker| marker == id));
        row.is_some_and(|row| {
            [marker::POSITION_X, marker::POSITION_Y]
                .iter()
                .all(|position| audience::may_change(part, row, position.property()))
        }) && !is_dragged
    }
}

impl Role {
    const fn part(self) -> TablePart {
        match self {
            Self::Dm | Self::Viewer => TablePart::Dm,
            Self::Player => TablePart::Player,
            Self::Display => TablePart::Display,
        }
    }
}

impl Room {
    /// Players can be let in: what would have to be hidden is known.
    #[must_use]
    pub fn can_take_guests(&self) -> bool {
        self.document.layout() != Layout::Other
    }

    /// Guests were here since the room was opened.
    #[must_use]
    pub const fn has_guests(&self) -> bool {
        self.players.is_some()
    }

    /// What the party has on the table; `None` in a room that is no party's.
    #[must_use]
    pub fn table(&self) -> Option<OnTable> {
        let Opened::Party(doc) = &self.document else {
            return None;
        };
        Some(OnTable::of(doc))
    }

    /// The parties have this on the table now.
    pub fn set_tables(&mut self, now: Duration, tables: Vec<OnTable>) {
        if self.tables == tables {
            return;
        }
        if let Some(players) = &mut self.players {
            players.tables.clone_from(&tables);
            self.show_players(now);
        }
        self.tables = tables;
    }

    /// Pictures by their locations in the document, whose sizes have to be known: answered with
    /// [`Self::found_picture`].
    pub fn take_wanted_pictures(&mut self) -> Vec<String> {
        let players = self.players.as_ref();
        players.map_or_else(Vec::new, |players| players.pictures.take_wanted())
    }

    /// What is behind a location; `None`: nothing that can be shown.
    pub fn found_picture(&mut self, now: Duration, location: &str, found: Option<PictureInfo>) {
        let Some(players) = &mut self.players else {
            return;
        };
        if players.pictures.learn(location, found) {
            for view in players.views.values_mut() {
                view.look_again();
            }
            self.show_players(now);
        }
    }

    /// Pictures have come: perhaps some that were wanted.
    pub fn ask_for_pictures_again(&mut self, now: Duration) {
        if let Some(players) = &mut self.players {
            players.pictures.forget_missing();
            for view in players.views.values_mut() {
                view.look_again();
            }
            self.show_players(now);
        }
    }

    /// A map that has to be cut out: answered with [`Self::cut_made`].
    pub fn take_wanted_cut(&mut self) -> Option<CutWanted> {
        let players = self.players.as_mut()?;
        let mut views = players.views.values_mut();
        views.find_map(SceneView::take_wanted_cut)
    }

    /// The file of a map that was cut out; `None`: it could not be made.
    pub fn cut_made(&mut self, now: Duration, wanted: &CutWanted, file: Option<CutFile>) {
        let Some(players) = &mut self.players else {
            return;
        };
        if let Some(view) = players.views.get_mut(&wanted.scene) {
            view.cut_made(wanted, file);
            self.show_players(now);
        }
    }

    /// The pictures that guests may fetch, by hash.
    #[must_use]
    pub fn guests_pictures(&self) -> BTreeSet<Arc<str>> {
        let Some(players) = &self.players else {
            return BTreeSet::new();
        };
        let views = players.views.values();
        views
            .flat_map(SceneView::pictures)
            .chain(players.pause_picture.clone())
            .collect()
    }

    /// Lets a guest in; false when there is nothing that can be shown to one.
    pub(super) fn welcome_guests(&mut self, now: Duration) -> bool {
        if !self.can_take_guests() {
            return false;
        }
        if self.players.is_none() {
            let mut players = Players::new(self.tables.clone());
            players.kept = self.kept_players.take();
            self.players = Some(players);
        }
        self.show(now);
        self.players.is_some()
    }

    /// Brings the players' document up to what is shown of the real one now, if anybody is here for
    /// it; else that waits for the next guest.
    pub(super) fn show_players(&mut self, now: Duration) {
        if self.members.values().any(|member| member.guest.is_some()) {
            self.show(now);
        }
    }

    fn show(&mut self, now: Duration) {
        let Some(players) = &mut self.players else {
            return;
        };
        if players.layout == Layout::Empty || self.document.layout() == Layout::Other {
            players.layout = self.document.layout();
            match players.layout {
                Layout::Other => return self.send_guests_away(),
                layout => self.document.read_as(layout),
            }
        }
        let dirty = self.document.take_dirty();
        let shown = players.look(&self.document, &dirty);
        let before = std::mem::replace(&mut players.shown, shown);
        if players.layout != Layout::Empty
            && let Some(kept) = players.kept.take()
        {
            players.reopen(&kept);
        }
        if before == players.shown {
            return;
        }
        for epoch in &mut players.epochs {
            let Some(update) = epoch.doc.show(&before, &players.shown) else {
                continue;
            };
            if epoch.unsettled.is_some() {
                continue;
            }
            let frame = sync_frame(SyncMessage::Update(&update));
            let had = std::mem::replace(
                &mut epoch.state_vector,
                epoch.doc.replica().state_vector().into(),
            );
            for member in self.members.values_mut() {
                if member.is_in_epoch(epoch.number) {
                    member.outbox.update(&frame, &had);
                    member.last_binary = now;
                }
            }
        }
    }

    /// Keeps the newest epoch, so that those who have it go on with it after a restart.
    pub(super) fn keep_players(&mut self) {
        if self.read_only {
            return;
        }
        if let Some(doc) = self.guests_document() {
            let bytes = doc.replica().encode_snapshot();
            self.log.keep_players(bytes);
        }
    }

    /// The document has become one of which it is not known what would have to be hidden.
    fn send_guests_away(&mut self) {
        for member in self.members.values().filter(|m| m.guest.is_some()) {
            member.outbox.close(Close::NotForPlayers);
        }
        self.players = None;
    }

    /// Answers a guest's "this is what I have" with what it lacks, in its epoch.
    pub(super) fn answer_guest(&mut self, to: ConnectionId, has: &[u8]) {
        let (Some(players), Some(member)) = (&mut self.players, self.members.get_mut(&to)) else {
            return;
        };
        let Some(guest) = &mut member.guest else {
            return;
        };
        let is_first = guest.epoch.is_none();
        let number = match guest.epoch {
            Some(number) => number,
            None => {
                let known = players
                    .epochs
                    .iter()
                    .rev()
                    .find(|epoch| epoch.doc.is_known_to(has))
                    .map(|epoch| epoch.number);
                let newest = players
                    .epochs
                    .last()
                    .filter(|epoch| !epoch.doc.has_remains() && epoch.unsettled.is_none())
                    .map(|epoch| epoch.number);
                known.or(newest).unwrap_or_else(|| players.fresh_epoch())
            }
        };
        guest.epoch = Some(number);
        let Some(epoch) = players.epoch(number) else {
            return member.outbox.close(Close::TryLater);
        };
        match epoch.doc.replica().encode_missing(has) {
            Ok(update) => {
                let answer = sync_frame(SyncMessage::Step2(&update));
                if !member.outbox.answer(answer) {
                    member.outbox.answer_later(has.into());
                }
                if is_first {
                    let question = sync_frame(SyncMessage::Step1(&epoch.state_vector));
                    if !member.outbox.answer(question) {
                        // It began with a flood.
                        member.outbox.close(Close::Hostile);
                    }
                }
            }
            Err(_) => self.note_malformed(to),
        }
        self.drop_epochs();
    }

    /// Epochs that nobody has any more go, but for the newest; too many at once end for those who
    /// have the oldest.
    fn drop_epochs(&mut self) {
        let Some(players) = &mut self.players else {
            return;
        };
        let newest = players.epochs.last().map(|epoch| epoch.number);
        let members = &self.members;
        players.epochs.retain(|epoch| {
            Some(epoch.number) == newest
                || members
                    .values()
                    .any(|member| member.is_in_epoch(epoch.number))
        });
        while players.epochs.len() > MOST_EPOCHS {
            let oldest = players.epochs.remove(0).number;
            for member in members.values().filter(|m| m.is_in_epoch(oldest)) {
                member.outbox.close(Close::TryLater);
            }
        }
    }

    /// What a guest that had fallen behind missed.
    pub(super) fn missed_by_guest(&self, member: &Member, has: &[u8]) -> Option<Bytes> {
        let number = member.guest.as_ref()?.epoch?;
        let epoch = self.players.as_ref()?.epoch(number)?;
        let update = epoch.doc.replica().encode_missing(has).ok()?;
        Some(sync_frame(SyncMessage::Step2(&update)))
    }

    /// The document that guests get, for its sizes.
    pub(super) fn guests_document(&self) -> Option<&PlayersDoc> {
        let players = self.players.as_ref()?;
        players.epochs.last().map(|epoch| &epoch.doc)
    }
}

impl Member {
    pub(super) fn is_in_epoch(&self, number: u64) -> bool {
        let guest = self.guest.as_ref();
        guest.is_some_and(|guest| guest.epoch == Some(number))
    }
}
