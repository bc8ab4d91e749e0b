//! Coming into rooms and leaving them: which room a document belongs to, and the connection there.
//!
//! Each open document has a connection of its own ([`DocLink`]): to the room server of this process
//! while the game is hosted, else to the room that the library says it belongs to. Must not know what
//! comes over it: see [`super::rooms`].

use std::sync::Arc;

use crate::doc::replica::Replica;
use crate::library::DocumentId;
use crate::library::catalog::PartyEntry;
use crate::model::id::{GameSessionId, PartyId};
use crate::server::name::RoomName;
use crate::session::api::Severity;
use crate::session::room::{Invitation, Place};
use crate::sync::dialect::Dialect;
use crate::sync::link::Transport;

use super::Workspace;
use super::attachment::{Attachment, room_of, words};
use super::doc_link::DocLink;
use super::hosted::Hosting;

impl Workspace {
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
        // Whoever joins again need not say again what was said.
        let had_code = before.as_ref().is_some_and(|before| before.has_code);
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
            has_code: had_code || invitation.token.is_some(),
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
            && let Some(token) = attachment.code(&of_party, &*network.secrets)
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
        if self.go_back_from_nothing() {
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
                if let Some(network) = &self.rooms.network
                    && attachment.has_code
                {
                    let secrets = &network.secrets;
                    secrets.forget(&attachment.server, &words(&document));
                }
                self.set_attachment(&document, None);
            }
        }
        self.detach_open_documents();
        self.attach_open_documents();
        // A document that the room never sent is ours from now on.
        if let Some(game) = self.game.as_mut().filter(|game| game.is_empty()) {
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

    /// Leaves a game that was only ever waited for: it goes out of the list, its party too where
    /// nothing else is in it, and the game that was used before is opened. `false` when something of
    /// it is here, or when it is all there is.
    fn go_back_from_nothing(&mut self) -> bool {
        let waited_for = self.game.as_ref().filter(|game| {
            let link = game.link.as_ref();
            link.is_some_and(|link| !link.is_hydrated) && game.is_empty()
        });
        let Some(game) = waited_for.map(|game| game.id.clone()) else {
            return false;
        };
        let Ok(view) = self.library.view() else {
            return false;
        };
        let others = |entry: &PartyEntry| entry.games.iter().filter(|it| it.id != game).count();
        if view.parties.iter().map(others).sum::<usize>() == 0 {
            return false;
        }
        let open_party = self.party.as_ref().map(|party| party.id.clone());
        let emptied = view.parties.iter().find(|entry| {
            others(entry) == 0 && open_party.as_ref().is_some_and(|open| *open == entry.id)
        });
        let emptied = emptied.map(|entry| entry.id.clone());
        let of_party = open_party.map(DocumentId::Party);
        let of_game = DocumentId::Game(game.clone());
        for document in of_party.into_iter().chain([of_game]) {
            let Some(mut attachment) = self.attachment(&document) else {
                continue;
            };
            if let Some(network) = &self.rooms.network
                && std::mem::take(&mut attachment.has_code)
            {
                let secrets = &network.secrets;
                secrets.forget(&attachment.server, &words(&document));
            }
            // What goes out of the list stays attached: who joins again waits for the room again.
            let stays = matches!(document, DocumentId::Game(_)) || emptied.is_some();
            self.set_attachment(&document, stays.then_some(&attachment));
        }
        self.detach_open_documents();
        self.game = None;
        self.editing = None;
        self.told(|it| {
            it.library.bin_game(&game, true)?;
            match &emptied {
                Some(party) => it.library.bin_party(party, true),
                None => Ok(()),
            }
        });
        self.view.everything_changed();
        self.told(Self::open_last_used);
        self.rooms.has_news = true;
        true
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
        self.leave_picture_servers();
        self.show_presence();
    }

    fn connect(&mut self, document: &DocumentId) -> Option<DocLink> {
        let network = self.rooms.network.clone()?;
        if let Some(hosting) = &self.rooms.hosting {
            let Hosting::Running(hosted) = hosting else {
                return None;
            };
            let (party, room) = room_of(document);
            let name = RoomName::new(party, room).ok()?;
            let snapshot = self.replica_of(document)?.encode_snapshot();
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
        let attachment = self.attachment(document)?;
        let token = attachment.code(document, &*network.secrets);
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
        let clock = Arc::clone(&self.clock);
        let replica = self.replica_of(document)?;
        Some(DocLink::new(dialect, replica, transport, clock))
    }

    fn replica_of(&self, document: &DocumentId) -> Option<&Replica> {
        match document {
            DocumentId::Game(id) => {
                let mut games = self.open_games();
                games
                    .find(|game| game.id == *id)
                    .map(|game| game.doc.replica())
            }
            DocumentId::Party(_) => self.party.as_ref().map(|party| party.doc.replica()),
        }
    }
}
