//! The rooms that the open documents are in: hosting, joining, what comes and what is shown.
//!
//! Each open document has a connection of its own ([`DocLink`]), to the room server of this process
//! while the game is hosted, else to the room that the library says it belongs to. What a room sends is
//! stored and shown like any other change.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use crate::doc::GameDoc;
use crate::doc::document::SCHEMA_VERSION;
use crate::library::DocumentId;
use crate::model::id::{GameSessionId, PartyId, RowId, SceneId};
use crate::model::party;
use crate::model::presence::Presence;
use crate::server::name::RoomName;
use crate::session::apart::ApartReport;
use crate::session::api::{Severity, Work};
use crate::session::courier::{Courier, News};
use crate::session::hosting::Running;
use crate::session::room::{
    Connection, Identity, Invitation, Person, Place, RoomEvent, RoomView, Secrets,
};
use crate::sync::client::Event;
use crate::sync::dialect::Dialect;
use crate::sync::link::{Transport, Wake};
use crate::sync::state::ConnectionState;
use crate::sync::websocket::Net;

use super::Workspace;
use super::attachment::{Attachment, room_of, words};
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

    /// Joins a room: its game and party come into the library.
    pub(super) fn join(&mut self, invitation: &Invitation) {
        if self.rooms.network.is_none() {
            return;
        }
        if !self.library.is_writable() {
            self.notices.add(
                Severity::Error,
                "This library can only be read, so nothing was joined; close the other program that \
                 has it open.",
            );
            return;
        }
        if self.rooms.hosting.is_some() {
            self.stop_hosting();
        }
        let title = match invitation.title.trim() {
            "" => "Joined game",
            title => title,
        };
        let known_party = self.library.party_of(&invitation.game).ok().flatten();
        let party = known_party
            .or_else(|| invitation.party.clone())
            .unwrap_or_else(PartyId::fresh);
        let game = DocumentId::Game(invitation.game.clone());
        let before = self.attachment(&game);
        // Whoever joins again need not say again where its pictures are.
        let pictures = match &invitation.pictures {
            Some(address) => Some(address.as_str().to_owned()),
            None => before.and_then(|before| before.pictures),
        };
        let attachment = |is_hydrated| Attachment {
            dialect: invitation.dialect,
            server: invitation.server.clone(),
            title: title.to_owned(),
            pictures: pictures.clone(),
            may_initialise: invitation.may_initialise,
            is_hydrated,
        };
        if attachment(false).address(&game, None).is_none() {
            self.notices.add(
                Severity::Error,
                "The room's address cannot be used; nothing was changed; check it and join again.",
            );
            return;
        }
        let adopted = self.library.adopt_game(&party, &invitation.game, title);
        if let Err(error) = adopted {
            self.notices.error(&error);
            return;
        }
        let mut documents = vec![game];
        if invitation.party.as_ref() == Some(&party) {
            documents.push(DocumentId::Party(party));
        }
        for document in &documents {
            // What is here already may be edited at once, and merges; a game that was only ever
            // waited for is waited for again.
            let is_hydrated = match self.attachment(document) {
                Some(before) => before.is_hydrated,
                None => self.is_stored(document),
            };
            self.set_attachment(document, Some(&attachment(is_hydrated)));
            if let (Some(network), Some(token)) = (&self.rooms.network, &invitation.token) {
                let secrets = &network.secrets;
                secrets.set(&invitation.server, &words(document), token);
            }
        }
        self.detach_open_documents();
        self.view.library_changed();
        self.told(|it| it.open_game(&invitation.game));
        self.attach_open_documents();
        self.rooms.has_news = true;
    }

    /// Something of a document is in the library.
    fn is_stored(&self, document: &DocumentId) -> bool {
        let open = match document {
            DocumentId::Game(id) => self.open_games().any(|game| game.id == *id),
            DocumentId::Party(id) => self.party.as_ref().is_some_and(|party| party.id == *id),
        };
        open || self
            .library
            .load_document(document)
            .is_ok_and(|loaded| !loaded.is_empty())
    }

    /// A game of the same party that the table needs and this library does not have: it is in the
    /// same place as the party.
    pub(super) fn adopt_sibling(&mut self, game: &GameSessionId) -> bool {
        let Some(party) = self.party.as_ref().map(|party| party.id.clone()) else {
            return false;
        };
        let of_party = DocumentId::Party(party.clone());
        let Some(mut attachment) = self.attachment(&of_party) else {
            return false;
        };
        let document = DocumentId::Game(game.clone());
        attachment.is_hydrated = false;
        attachment.may_initialise = false;
        if let Err(error) = self.library.adopt_game(&party, game, &attachment.title) {
            self.notices.error(&error);
            return false;
        }
        self.set_attachment(&document, Some(&attachment));
        if let Some(network) = &self.rooms.network
            && let Some(token) = network.secrets.get(&attachment.server, &words(&of_party))
        {
            let secrets = &network.secrets;
            secrets.set(&attachment.server, &words(&document), &token);
        }
        self.view.library_changed();
        true
    }

    /// Ends hosting, or detaches the open game and its party from their room.
    pub(super) fn leave_room(&mut self) {
        if self.rooms.hosting.is_some() {
            self.stop_hosting();
            return;
        }
        let game = self
            .game
            .as_ref()
            .map(|game| DocumentId::Game(game.id.clone()));
        let party = self
            .party
            .as_ref()
            .map(|party| DocumentId::Party(party.id.clone()));
        for document in [game, party].into_iter().flatten() {
            if let Some(attachment) = self.attachment(&document) {
                if let Some(network) = &self.rooms.network {
                    let secrets = &network.secrets;
                    secrets.forget(&attachment.server, &words(&document));
                }
                self.set_attachment(&document, None);
            }
        }
        self.detach_open_documents();
        self.attach_open_documents();
        // A document that the room never sent is ours from now on.
        if let Some(game) = self.game.as_mut().filter(|game| is_empty(&game.doc)) {
            game.doc.initialise();
        }
        if let Some(party) = self.party.as_mut()
            && party.doc.schema_version().is_none()
        {
            party.doc.initialise();
        }
        self.after_change();
        self.rooms.has_news = true;
    }

    pub(super) fn reconnect(&mut self) {
        for game in self.game.iter_mut().chain(&mut self.others) {
            if let Some(link) = &mut game.link {
                link.reconnect();
            }
        }
        if let Some(link) = self.party.as_mut().and_then(|party| party.link.as_mut()) {
            link.reconnect();
        }
        self.rooms.has_news = true;
    }

    pub(super) fn detach_open_documents(&mut self) {
        let (now, unix_ms) = (self.clock.now(), self.clock.unix_ms());
        for game in self.game.iter_mut().chain(&mut self.others) {
            game.leave_room(now, unix_ms);
            self.saver.note_agreed(game);
        }
        if let Some(party) = self.party.as_mut() {
            party.link = None;
        }
        self.rooms.people.clear();
        self.rooms.people_changed = true;
        self.drag.end();
    }

    /// Connects every open document that belongs to a room and is not connected.
    pub(super) fn attach_open_documents(&mut self) {
        if self.rooms.network.is_none() {
            return;
        }
        let games: Vec<GameSessionId> = self
            .open_games()
            .filter(|game| game.link.is_none())
            .map(|game| game.id.clone())
            .collect();
        for id in games {
            let link = self.connect(&DocumentId::Game(id.clone()));
            let mut games = self.game.iter_mut().chain(&mut self.others);
            if let Some(game) = games.find(|game| game.id == id) {
                game.link = link;
            }
        }
        if let Some(id) = self
            .party
            .as_ref()
            .filter(|party| party.link.is_none())
            .map(|party| party.id.clone())
        {
            let link = self.connect(&DocumentId::Party(id));
            if let Some(party) = self.party.as_mut() {
                party.link = link;
            }
        }
        self.describe_hosted();
        self.look_for_pictures_soon();
        self.show_presence();
    }

    fn connect(&mut self, document: &DocumentId) -> Option<DocLink> {
        let network = self.rooms.network.clone()?;
        let attachment = self.attachment(document);
        if let Some(hosting) = &self.rooms.hosting {
            let Hosting::Running(hosted) = hosting else {
                return None;
            };
            let (party, room) = room_of(document);
            let name = RoomName::new(party, room).ok()?;
            let replica = match document {
                DocumentId::Game(id) => {
                    self.open_games().find(|game| game.id == *id)?.doc.replica()
                }
                DocumentId::Party(_) => self.party.as_ref()?.doc.replica(),
            };
            let snapshot = replica.encode_snapshot();
            if let Err(error) = hosted.running.admit(&name, &hosted.codes) {
                let told = error.to_string();
                self.tell(Severity::Error, &told);
                return None;
            }
            let (clock, wake) = (&self.clock, &network.wake);
            let transport = hosted.running.transport(&name, snapshot, clock, wake)?;
            let mut link = self.link(document, Dialect::YPartyKit, transport)?;
            link.is_hydrated = true;
            link.is_hosted_here = true;
            return Some(link);
        }
        let attachment = attachment?;
        let token = network.secrets.get(&attachment.server, &words(document));
        let address = attachment.address(document, token)?;
        let transport = self.net()?.websocket(address, network.wake)?;
        let mut link = self.link(document, attachment.dialect, Box::new(transport))?;
        link.is_hydrated = attachment.is_hydrated;
        link.may_initialise = attachment.may_initialise;
        link.place = Some(Place::Joined {
            server: attachment.server.into(),
            title: attachment.title.into(),
        });
        Some(link)
    }

    fn link(
        &self,
        document: &DocumentId,
        dialect: Dialect,
        transport: Box<dyn Transport>,
    ) -> Option<DocLink> {
        let replica = match document {
            DocumentId::Game(id) => self.open_games().find(|game| game.id == *id)?.doc.replica(),
            DocumentId::Party(_) => self.party.as_ref()?.doc.replica(),
        };
        let clock = Arc::clone(&self.clock);
        Some(DocLink::new(dialect, replica, transport, clock))
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
                    && is_empty(&game.doc)
                {
                    if link.may_initialise {
                        game.doc.initialise();
                    } else {
                        self.notices.add(
                            Severity::Warning,
                            "Nobody has put a game into this room yet, so it is shown as it is and \
                             not changed; join again with \u{201c}Start a game there\u{201d} if that \
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
            let is_filled = !is_empty(&game.doc) && game.doc.schema_version().is_none_or(is_known);
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
            let first = self
                .active_scene()
                .filter(|scene| self.has_scene(scene))
                .or_else(|| self.scene_ids().into_iter().next());
            self.editing = None;
            self.edit_scene(first);
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

    pub(super) fn room_view(&self) -> Option<RoomView> {
        let game = self.game.as_ref();
        let place = match &self.rooms.hosting {
            Some(Hosting::Running(hosted)) => hosted.place.clone()?,
            Some(Hosting::Opening) => Place::Hosted {
                addresses: Vec::new(),
                codes: Vec::new(),
                links: Vec::new(),
                is_announced: false,
            },
            None => {
                let of_party = self.party.as_ref().and_then(|party| party.link.as_ref());
                let link = game.and_then(|game| game.link.as_ref()).or(of_party)?;
                link.place.clone()?
            }
        };
        let view_of = |name: &str, link: Option<&DocLink>| link.map(|link| link.view(name));
        let documents: Vec<_> = game
            .and_then(|game| view_of("Game", game.link.as_ref()))
            .into_iter()
            .chain(
                self.party
                    .as_ref()
                    .and_then(|party| view_of("Table", party.link.as_ref())),
            )
            .chain(
                self.others
                    .iter()
                    .filter_map(|game| view_of("Another game", game.link.as_ref())),
            )
            .collect();
        let connection = documents
            .iter()
            .map(|document| document.connection.clone())
            .min_by_key(goodness)
            .unwrap_or_default();
        Some(RoomView {
            place,
            connection,
            documents,
            waits_for_room: game.is_some_and(OpenGame::waits_for_room),
            apart: game.and_then(|game| game.apart.report()),
            events: self.rooms.events.as_slice().into(),
        })
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

/// The worst connection is the one that is shown for all.
const fn goodness(connection: &Connection) -> u8 {
    match connection {
        Connection::Refused(_) => 0,
        Connection::Disconnected => 1,
        Connection::Connecting { .. } => 2,
        Connection::Syncing => 3,
        Connection::Live => 4,
    }
}

fn is_empty(doc: &GameDoc) -> bool {
    doc.schema_version().is_none() && doc.scene_ids().is_empty()
}

impl OpenGame {
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
