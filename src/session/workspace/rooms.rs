//! What comes from the rooms that the open documents are in, and goes there.
//!
//! What a room sends is stored and shown like any other change. How documents get into rooms:
//! [`super::joining`], [`super::hosted`].

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use crate::doc::document::SCHEMA_VERSION;
use crate::library::DocumentId;
use crate::model::id::{GameSessionId, RowId, SceneId};
use crate::model::party;
use crate::model::presence::Presence;
use crate::session::apart::ApartReport;
use crate::session::api::{Lack, Severity, Work};
use crate::session::courier::{Courier, News};
use crate::session::hosting::Running;
use crate::session::room::{Identity, Person, RoomEvent, Secrets};
use crate::sync::client::Event;
use crate::sync::link::Wake;
use crate::sync::state::ConnectionState;
use crate::sync::websocket::Net;

use super::Workspace;
use super::doc_link::DocLink;
use super::games::{OpenGame, OpenParty};
use super::hosted::Hosting;

/// Events of rooms that are kept.
const MOST_EVENTS: usize = 32;
/// Characters of an event that are kept.
const MOST_EVENT_CHARS: usize = 4096;

/// What the session thread gives to whatever runs on the network.
#[derive(Clone)]
pub struct Network {
    /// Wakes it: there is something to pump.
    pub wake: Wake,
    /// Hands it a server that was started, or the sentence why not.
    pub hosted: Arc<dyn Fn(Result<Running, String>) + Send + Sync>,
    /// Hands it what the courier tells.
    pub courier: Arc<dyn Fn(News) + Send + Sync>,
    /// Where codes are kept.
    pub secrets: Arc<dyn Secrets>,
}

/// The workspace's side of rooms.
#[derive(Default)]
pub(super) struct Rooms {
    pub(super) network: Option<Network>,
    /// Before the network, which it ends on.
    pub(super) hosting: Option<Hosting>,
    /// Its thread starts when it is first needed.
    pub(super) net: Option<Net>,
    pub(super) identity: Option<Identity>,
    /// The markers that were pointed out at the last look.
    pub(super) pointed_out: BTreeSet<RowId>,
    /// What the window shows of itself.
    pub(super) shown: Presence,
    pub(super) people: HashMap<(GameSessionId, u64), Person>,
    pub(super) people_changed: bool,
    /// Fetches pictures; started when there is a room.
    pub(super) courier: Option<Courier>,
    /// When documents are looked through for pictures next.
    pub(super) pictures_due: Option<Duration>,
    /// What the courier is at.
    pub(super) picture_work: Option<Work>,
    /// What it cannot get.
    pub(super) lacking: Arc<BTreeMap<String, Lack>>,
    /// Something that is published has changed.
    pub(super) has_news: bool,
    pub(super) events: Vec<RoomEvent>,
    pub(super) event_count: u64,
}

impl Rooms {
    /// What rooms have sent as text, the newest last.
    pub(super) fn events(&self) -> &[RoomEvent] {
        &self.events
    }
}

impl Workspace {
    /// Gives the workspace a network; without one it hosts and joins nothing. Documents that are
    /// open are attached to their rooms.
    pub fn set_network(&mut self, network: Network) {
        self.rooms.network = Some(network);
        self.attach_open_documents();
    }

    pub(super) fn net(&mut self) -> Option<&Net> {
        if self.rooms.net.is_none() {
            match Net::start() {
                Ok(net) => self.rooms.net = Some(net),
                Err(error) => self.notices.add(
                    Severity::Error,
                    format!(
                        "The system gives no thread for the network ({error}); everything is safe \
                         here; close other programs and try again."
                    ),
                ),
            }
        }
        self.rooms.net.as_ref()
    }

    /// Takes in what rooms have sent and sends what is due.
    pub(super) fn pump_rooms(&mut self) {
        let active = self.active_scene();
        let mut happened: Vec<(DocumentId, Event)> = Vec::new();
        let (now, unix_ms) = (self.clock.now(), self.clock.unix_ms());
        let mut met = Vec::new();
        for game in self.game.iter_mut().chain(&mut self.others) {
            let (events, report) = game.pump(now, unix_ms);
            self.saver.note_agreed(game);
            met.extend(report);
            let id = DocumentId::Game(game.id.clone());
            happened.extend(events.into_iter().map(|event| (id.clone(), event)));
        }
        if let Some(party) = self.party.as_mut()
            && let Some(link) = &mut party.link
        {
            let events = link.pump(party.doc.replica_mut());
            let id = DocumentId::Party(party.id.clone());
            happened.extend(events.into_iter().map(|event| (id.clone(), event)));
        }
        self.keep_removed_scenes(true);
        self.tell_of_meetings(&met);
        if self.save_open_documents() {
            self.look_for_pictures_soon();
            self.rooms.has_news = true;
            self.after_remote_change();
            self.open_filled_rooms();
            self.follow_pause_picture();
            self.adopt_web_masks();
        }
        for (document, event) in happened {
            self.on_event(&document, event);
        }
        if self.active_scene() != active {
            self.find_table_game();
        }
        self.rooms.has_news |= self.gives_up_missing();
    }

    /// Says what changed on which side, where that is worth a word.
    fn tell_of_meetings(&mut self, met: &[Arc<ApartReport>]) {
        for report in met {
            self.rooms.has_news = true;
            if report.is_told {
                let sentences = report.scenes.iter().map(|scene| scene.sentence().into());
                self.notices.add_with(
                    Severity::Info,
                    "This game was changed here and in its room while they were apart; it holds \
                     both now. People and connection shows what changed where.",
                    sentences.collect(),
                    false,
                );
            }
        }
    }

    fn on_event(&mut self, document: &DocumentId, event: Event) {
        match event {
            Event::State(state) => {
                self.rooms.has_news = true;
                self.trace_connection(document, &state);
                let is_open_game =
                    matches!(document, DocumentId::Game(id) if self.game() == Some(id));
                if is_open_game && state != ConnectionState::Live {
                    self.end_drag();
                }
                if let ConnectionState::Refused(refusal) = state {
                    self.tell(Severity::Error, &refusal.to_string());
                }
            }
            Event::Synced => self.on_synced(document),
            Event::Awareness(_) => {
                if let DocumentId::Game(id) = document {
                    self.note_people(&id.clone());
                    self.adopt_web_masks();
                }
            }
            Event::Acknowledged(_) => self.rooms.has_news = true,
            Event::Denied(reason) => self.tell(
                Severity::Warning,
                &format!(
                    "the room does not take changes from here ({reason}); what you change stays in \
                     this library; ask the host for a DM's code"
                ),
            ),
            Event::Text(text) => {
                self.rooms.event_count += 1;
                if self.rooms.events.len() >= MOST_EVENTS {
                    self.rooms.events.remove(0);
                }
                self.rooms.events.push(RoomEvent {
                    number: self.rooms.event_count,
                    text: text
                        .chars()
                        .take(MOST_EVENT_CHARS)
                        .collect::<String>()
                        .into(),
                });
                self.rooms.has_news = true;
            }
            Event::Damaged(error) => self.tell(
                Severity::Error,
                &format!(
                    "the room sent what does not belong to this game ({error}); your work is safe \
                     here; check the address, or leave the room"
                ),
            ),
        }
    }

    /// The room's document is here: all that it had.
    fn on_synced(&mut self, document: &DocumentId) {
        self.rooms.has_news = true;
        match document {
            DocumentId::Game(id) => {
                let mut games = self.game.iter_mut().chain(&mut self.others);
                if let Some(game) = games.find(|game| game.id == *id)
                    && let Some(link) = &game.link
                    && !link.is_hydrated
                    && game.is_empty()
                {
                    if link.may_initialise {
                        game.doc.initialise();
                    } else {
                        self.notices.add(
                            Severity::Warning,
                            "Nobody has put a game into this room yet, so it is shown as it is and \
                             not changed; join again with \u{201c}Fill the room if it is empty\u{201d} if that \
                             is what you want.",
                        );
                    }
                }
            }
            DocumentId::Party(_) => {
                if let Some(party) = self.party.as_mut()
                    && party.doc.schema_version().is_none()
                    && let Some(link) = &party.link
                    && !link.is_hydrated
                    && link.may_initialise
                {
                    party.doc.initialise();
                }
            }
        }
        self.save_open_documents();
        self.open_filled_rooms();
        self.after_remote_change();
        self.find_table_game();
    }

    /// A room that was waited for, and whose document is here now, can be written to from now on,
    /// unless it is of a schema that we do not know.
    fn open_filled_rooms(&mut self) {
        let newest = self
            .open_games()
            .filter_map(|game| game.doc.schema_version())
            .max();
        if newest.is_some_and(|version| version > SCHEMA_VERSION) {
            self.notices.add(
                Severity::Warning,
                "This room was made by a newer program, so it is shown and not changed here; update \
                 Tableglow to edit it.",
            );
        }
        let mut opened = Vec::new();
        let filled = |link: &mut Option<DocLink>, is_filled: bool| {
            let link = link
                .as_mut()
                .filter(|link| is_filled && !link.is_hydrated && link.has_synced());
            link.map(|link| link.is_hydrated = true).is_some()
        };
        for game in self.game.iter_mut().chain(&mut self.others) {
            let is_known = |version| version <= SCHEMA_VERSION;
            let is_filled = !game.is_empty() && game.doc.schema_version().is_none_or(is_known);
            if filled(&mut game.link, is_filled) {
                opened.push(DocumentId::Game(game.id.clone()));
            }
        }
        if let Some(party) = self.party.as_mut() {
            let is_filled = party.doc.schema_version().is_some();
            if filled(&mut party.link, is_filled) {
                opened.push(DocumentId::Party(party.id.clone()));
            }
        }
        for document in opened {
            if let Some(mut attachment) = self.attachment(&document) {
                attachment.is_hydrated = true;
                self.set_attachment(&document, Some(&attachment));
            }
        }
    }

    /// Others changed documents: what is open may be gone, or be there for the first time.
    fn after_remote_change(&mut self) {
        let (game, others) = (&self.game, &self.others);
        let is_back = |scene: &SceneId| {
            let mut games = game.iter().chain(others);
            games.any(|game| game.doc.has_scene(scene))
        };
        self.notices.withdraw_bring_back(is_back);
        if self
            .editing
            .as_ref()
            .is_none_or(|scene| !self.has_scene(scene))
        {
            self.editing = None;
            self.edit_first_scene();
        }
        self.view.list_changed();
    }

    /// Something of rooms that is published has changed since the last call.
    pub fn take_room_news(&mut self) -> bool {
        std::mem::take(&mut self.rooms.has_news)
    }

    /// When rooms have something to do at the latest.
    pub(super) fn rooms_deadline(&self) -> Option<Duration> {
        let games = self.open_games().filter_map(|game| game.link.as_ref());
        let party = self.party.as_ref().and_then(|party| party.link.as_ref());
        let links = games.chain(party).filter_map(DocLink::next_deadline);
        let notes = self
            .open_games()
            .filter_map(|game| game.apart.next_deadline());
        links.chain(notes).min()
    }

    /// Some document of this workspace is in a room.
    pub(super) fn is_in_room(&self) -> bool {
        self.open_games().any(|game| game.link.is_some())
            || self
                .party
                .as_ref()
                .is_some_and(|party| party.link.is_some())
    }

    /// The game session that the table's scene is in, as the party says.
    pub(super) fn active_game(&self) -> Option<GameSessionId> {
        let state = self.party.as_ref()?.doc.state();
        state
            .get(party::ACTIVE_GAME_ID)
            .filter(|id| !id.is_empty())
            .map(|id| GameSessionId::new(&id))
    }
}

impl OpenGame {
    /// There is nothing in its document, not even what says that it is a game.
    pub(super) fn is_empty(&self) -> bool {
        self.doc.schema_version().is_none() && self.doc.scene_ids().is_empty()
    }

    /// Takes in what the room has sent and sends what is due: what happened, and what changed on
    /// which side when both have just met.
    fn pump(&mut self, now: Duration, unix_ms: i64) -> (Vec<Event>, Option<Arc<ApartReport>>) {
        self.note_changes(false, unix_ms);
        let Some(link) = &mut self.link else {
            return (Vec::new(), None);
        };
        // The room of this process holds what the document here does.
        let is_elsewhere = !link.is_hosted_here;
        if is_elsewhere && link.may_receive() {
            self.apart.listen(&self.doc);
        }
        let events = link.pump(self.doc.replica_mut());
        let contact = link.contact();
        self.note_changes(true, unix_ms);
        let report = is_elsewhere
            .then(|| self.apart.follow(&self.doc, contact, now, unix_ms))
            .flatten();
        (events, report)
    }

    /// Ends the connection.
    pub(super) fn leave_room(&mut self, now: Duration, unix_ms: i64) {
        if self.link.take().is_some() {
            self.note_changes(false, unix_ms);
            self.apart.leave(&self.doc, now, unix_ms);
        }
    }

    /// Nothing can be written before the room's document was here, nor into one of a newer schema.
    pub(super) fn waits_for_room(&self) -> bool {
        let is_newer = |version| version > SCHEMA_VERSION;
        self.link.as_ref().is_some_and(|link| !link.is_hydrated)
            || self.doc.schema_version().is_some_and(is_newer)
    }
}

impl OpenParty {
    /// As [`OpenGame::waits_for_room`].
    pub(super) fn waits_for_room(&self) -> bool {
        self.link.as_ref().is_some_and(|link| !link.is_hydrated)
    }
}
