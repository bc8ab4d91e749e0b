//! The workspace: an open library with its open documents, and everything that can be done to
//! them, one call at a time.
//!
//! Synchronous and without a thread of its own. The actor ([`super::actor`]) calls it in an
//! application, a command of the command line calls it directly. The only place, beside the room
//! server, that opens write transactions. Must not know: egui, wgpu.

mod attachment;
mod batching;
mod counting;
mod doc_link;
mod dragging;
mod edits;
mod games;
mod hosted;
mod imports;
mod joining;
mod notices;
mod pause_picture;
mod people;
mod pictures;
mod removed;
mod room_view;
mod rooms;
mod saving;
mod scripted;
mod view;
mod web;

use std::sync::Arc;
use std::time::Duration;

use crate::broadcast::Broadcaster;
use crate::broadcast::drags::OwnDrag;
use crate::library::{DocumentId, Library, LibraryError};
use crate::model::id::{GameSessionId, PartyId, SceneId};
use crate::model::party::PartyDefaults;
use crate::util::clock::Clock;
use crate::util::text::sentence;

use super::api::{Request, Severity, Work};
use super::diagnostics::Diagnoser;
use games::{OpenGame, OpenParty};
use notices::Notices;
use saving::Saver;

pub use rooms::Network;

pub use imports::{ImportFailure, Prepared, prepare_file, prepare_pixels};

/// Games that stay open in a room after they left the editor, so that the way back is quick and their
/// guests stay.
const WARM_GAMES: usize = 4;
/// The name of a party that nobody has named yet.
const FIRST_PARTY: &str = "My table";
/// The name of a game session that nobody has named yet.
const FIRST_GAME: &str = "First session";

/// An open library with its open documents.
pub struct Workspace {
    library: Arc<Library>,
    clock: Arc<dyn Clock>,
    saver: Saver,
    /// What the open game's user changed and what is not written yet.
    broadcaster: Broadcaster,
    /// The drag of markers that goes on here.
    drag: OwnDrag,
    /// The gesture that was told that somebody else holds its marker.
    told_of_holder: Option<u64>,
    diagnoser: Diagnoser,
    party: Option<OpenParty>,
    /// The game in the editor.
    game: Option<OpenGame>,
    /// Other games of the party: the one whose scene is on the table, and in a room those used last.
    others: Vec<OpenGame>,
    /// A scene on the table that is in no game of this library, so that it is not looked for again.
    sought: Option<SceneId>,
    editing: Option<SceneId>,
    /// A scene that is published for a thumbnail.
    peeked: Option<SceneId>,
    notices: Notices,
    work: Option<Work>,
    view: view::ViewCache,
    rooms: rooms::Rooms,
}

impl Workspace {
    /// Opens the game session that was used last; a library without one gets a first party and
    /// game session when it can be written.
    ///
    /// # Errors
    /// When the library cannot be read, or a first party not written.
    pub fn open(library: Arc<Library>, clock: Arc<dyn Clock>) -> Result<Self, LibraryError> {
        let mut workspace = Self {
            saver: Saver::new(Arc::clone(&library)),
            library,
            diagnoser: Diagnoser::new(clock.now()),
            clock,
            broadcaster: Broadcaster::default(),
            drag: OwnDrag::default(),
            told_of_holder: None,
            party: None,
            game: None,
            others: Vec::new(),
            sought: None,
            editing: None,
            peeked: None,
            notices: Notices::default(),
            work: None,
            view: view::ViewCache::default(),
            rooms: rooms::Rooms::default(),
        };
        for notice in workspace.library.notices() {
            workspace.notices.add(Severity::Warning, sentence(notice));
        }
        workspace.open_last_used()?;
        Ok(workspace)
    }

    fn open_last_used(&mut self) -> Result<(), LibraryError> {
        let game = match self.library.last_used_game()? {
            Some((_, game)) => Some(game),
            None if self.library.is_writable() => {
                let party = match self.library.view()?.parties.first() {
                    Some(party) => party.id.clone(),
                    None => self
                        .library
                        .create_party(FIRST_PARTY, &PartyDefaults::default())?,
                };
                Some(self.library.create_game(&party, FIRST_GAME)?)
            }
            None => None,
        };
        match game {
            Some(game) => self.open_game(&game),
            None => Ok(()),
        }
    }

    /// The library.
    #[must_use]
    pub fn library(&self) -> &Arc<Library> {
        &self.library
    }

    /// The game in the editor.
    #[must_use]
    pub fn game(&self) -> Option<&GameSessionId> {
        self.game.as_ref().map(|game| &game.id)
    }

    /// The open party.
    #[must_use]
    pub fn party(&self) -> Option<&PartyId> {
        self.party.as_ref().map(|party| &party.id)
    }

    /// Does what a request asks for, but for what takes long: those requests are the actor's.
    pub fn handle(&mut self, request: Request) {
        match request {
            Request::Edit {
                gesture,
                label,
                edits,
                last,
            } => self.edit(gesture, label, &edits, last),
            Request::FocusLost => self.focus_lost(),
            Request::Trace(on) => self.diagnoser.set_trace(on),
            Request::Undo => self.undo(),
            Request::Redo => self.redo(),
            Request::EditScene(scene) => self.edit_scene(Some(scene)),
            Request::ShowOnTable(scene) => self.show_on_table(scene.as_ref()),
            Request::Pause(paused) => self.pause(paused),
            Request::CreateScene { name } => {
                self.create_scene(&name);
            }
            Request::MoveScene { scene, before } => self.move_scene(&scene, before.as_ref()),
            Request::Peek(scene) => self.peeked = scene,
            Request::SetThumbnail { scene, shows, png } => self.set_thumbnail(&scene, shows, png),
            Request::OpenGame(game) => self.told(|it| it.open_game(&game)),
            Request::CreateParty { name } => self.told(|it| it.create_party(&name)),
            Request::CreateGame { party, name } => self.told(|it| it.create_game(&party, &name)),
            Request::RenameParty { party, name } => {
                self.told(|it| it.library.rename_party(&party, &name));
                self.view.library_changed();
            }
            Request::RenameGame { game, name } => {
                self.told(|it| it.library.rename_game(&game, &name));
                self.view.library_changed();
            }
            Request::SetPartyDefaults { party, defaults } => {
                self.set_party_defaults(&party, &defaults);
            }
            Request::Restore { backup } => self.restore(&backup),
            Request::BringBack(scene) => self.bring_back(&scene),
            Request::Dismiss(id) => self.notices.dismiss(id),
            Request::Host { scope, port } => self.host(scope, port),
            Request::Join(invitation) => self.join(&invitation),
            Request::LeaveRoom => self.leave_room(),
            Request::Reconnect => self.reconnect(),
            Request::Introduce(identity) => self.introduce(identity),
            Request::Show(presence) => self.show(*presence),
            // The actor's: they read or write files, which takes time.
            Request::Import { .. }
            | Request::ImportPixels { .. }
            | Request::SetMarkerPicture { .. }
            | Request::ExportArchive { .. }
            | Request::ExportUniversalVtt { .. }
            | Request::ImportArchive(_)
            | Request::Backup
            | Request::Close => {}
        }
    }

    /// Runs something and tells the user when it fails.
    fn told<E: std::fmt::Display>(&mut self, run: impl FnOnce(&mut Self) -> Result<(), E>) {
        if let Err(error) = run(self) {
            self.notices.error(&error);
        }
    }

    /// A message to the user.
    pub fn tell(&mut self, severity: Severity, text: &str) {
        self.notices.add(severity, sentence(text));
    }

    /// A message to the user with lines to unfold.
    pub fn tell_with(&mut self, severity: Severity, text: &str, details: Vec<Arc<str>>) {
        self.notices
            .add_with(severity, sentence(text), details, false);
    }

    /// Says what takes time just now.
    pub fn set_work(&mut self, work: Option<Work>) {
        self.work = work;
    }

    /// Opens a game session in the editor. The scene on the table stays there, if it is of the
    /// same party.
    ///
    /// # Errors
    /// When the library cannot be read; what was open stays open.
    pub fn open_game(&mut self, id: &GameSessionId) -> Result<(), LibraryError> {
        if self.game().is_some_and(|open| open == id) {
            return Ok(());
        }
        self.flush();
        self.end_drag();
        let party = self.library.party_of(id)?.ok_or(LibraryError::NoSuchGame)?;
        if self.party.as_ref().is_some_and(|open| open.id != party) {
            self.stop_hosting();
        }
        let open = self.others.iter().position(|game| game.id == *id);
        let (game, problems) = match open {
            Some(at) => (self.others.remove(at), Vec::new()),
            None => self.read_game(id)?,
        };
        for problem in problems {
            self.notices.add(Severity::Warning, problem);
        }
        if let Some(previous) = self.game.take() {
            self.put_aside(previous);
        }
        self.open_party(&party)?;
        self.game = Some(game);
        self.editing = None;
        if self.library.is_writable() {
            self.library.touch_game(id)?;
            self.told(|it| it.library.backup_if_due().map(|_| ()));
        }
        self.save_open_documents();
        self.sought = None;
        self.attach_open_documents();
        self.name_pause_picture();
        self.find_table_game();
        self.edit_first_scene();
        self.view.everything_changed();
        Ok(())
    }

    /// Reads a game of the library.
    fn read_game(&self, id: &GameSessionId) -> Result<(OpenGame, games::Problems), LibraryError> {
        let is_of_room = self.is_of_room(&DocumentId::Game(id.clone()));
        games::open_game(&self.library, id, is_of_room)
    }

    /// Takes a game out of the editor; it stays open for a while where that is of use.
    fn put_aside(&mut self, mut game: OpenGame) {
        edits::snapshot_game(&mut self.saver, &mut game);
        self.others.insert(0, game);
    }

    /// Every open game, the editor's first.
    fn open_games(&self) -> impl Iterator<Item = &OpenGame> {
        self.game.iter().chain(&self.others)
    }

    fn open_party(&mut self, id: &PartyId) -> Result<(), LibraryError> {
        if self.party.as_ref().is_some_and(|open| open.id == *id) {
            return Ok(());
        }
        let is_of_room = self.is_of_room(&DocumentId::Party(id.clone()));
        let (party, problems) = games::open_party(&self.library, id, is_of_room)?;
        for problem in problems {
            self.notices.add(Severity::Warning, problem);
        }
        if let Some(previous) = &self.party {
            edits::snapshot_party(&mut self.saver, previous);
        }
        self.party = Some(party);
        self.others.clear();
        Ok(())
    }

    /// Makes sure that the game which holds the active scene is open, and of the others no more than
    /// are of use.
    fn find_table_game(&mut self) {
        let active = self.active_scene();
        if let Some(active) = &active
            && !self.open_games().any(|game| game.doc.has_scene(active))
            && self.sought.as_ref() != Some(active)
        {
            self.open_game_with(active);
            self.attach_open_documents();
        }
        let named = self.active_game();
        let kept = if self.is_in_room() { WARM_GAMES } else { 0 };
        let mut spare = 0;
        let (now, unix_ms) = (self.clock.now(), self.clock.unix_ms());
        let saver = &mut self.saver;
        self.others.retain_mut(|game| {
            let is_on_table = active.as_ref().is_some_and(|it| game.doc.has_scene(it));
            if is_on_table || named.as_ref() == Some(&game.id) {
                return true;
            }
            spare += 1;
            let stays = spare <= kept;
            if !stays {
                game.leave_room(now, unix_ms);
                edits::snapshot_game(saver, game);
            }
            stays
        });
    }

    /// Opens the game that holds a scene: the one that the party names, else each of the library's.
    fn open_game_with(&mut self, scene: &SceneId) {
        let named = self
            .active_game()
            .filter(|id| !self.open_games().any(|game| game.id == *id));
        if let Some(id) = named {
            let is_here = self
                .library
                .party_of(&id)
                .is_ok_and(|party| party.is_some());
            if (is_here || self.adopt_sibling(&id))
                && let Ok((game, _)) = self.read_game(&id)
            {
                let is_it = game.doc.has_scene(scene) || game.doc.schema_version().is_none();
                self.others.insert(0, game);
                if is_it {
                    return;
                }
            }
        }
        let (Some(party), Ok(view)) = (&self.party, self.library.view()) else {
            return;
        };
        let games = view
            .parties
            .into_iter()
            .find(|entry| entry.id == party.id)
            .map(|entry| entry.games)
            .unwrap_or_default();
        for entry in games {
            if self.open_games().any(|open| open.id == entry.id) {
                continue;
            }
            if let Ok((game, _)) = self.read_game(&entry.id)
                && game.doc.has_scene(scene)
            {
                self.others.insert(0, game);
                return;
            }
        }
        self.sought = Some(scene.clone());
    }

    fn create_party(&mut self, name: &str) -> Result<(), LibraryError> {
        let party = self.library.create_party(name, &PartyDefaults::default())?;
        self.create_game(&party, FIRST_GAME)
    }

    fn create_game(&mut self, party: &PartyId, name: &str) -> Result<(), LibraryError> {
        let game = self.library.create_game(party, name)?;
        self.open_game(&game)
    }

    fn restore(&mut self, backup: &str) {
        self.save_everything();
        self.stop_hosting();
        self.game = None;
        self.others.clear();
        self.party = None;
        self.editing = None;
        match self.library.restore(backup) {
            Ok(saved) => {
                self.saver = Saver::new(Arc::clone(&self.library));
                self.notices.add(
                    Severity::Info,
                    format!("The backup was restored; what was here before is the backup {saved}."),
                );
            }
            Err(error) => self.notices.error(&error),
        }
        self.view.everything_changed();
        self.told(Self::open_last_used);
    }

    /// The defaults of the open party.
    #[must_use]
    pub fn party_defaults(&self) -> PartyDefaults {
        let (Some(party), Ok(view)) = (&self.party, self.library.view()) else {
            return PartyDefaults::default();
        };
        view.parties
            .into_iter()
            .find(|entry| entry.id == party.id)
            .map(|entry| entry.defaults)
            .unwrap_or_default()
    }

    /// Does what is due: edits that waited, snapshots, tries of writes that could not be queued.
    pub fn upkeep(&mut self) {
        self.flush_due();
        self.pump_rooms();
        self.elect_savers();
        self.write_web_masks();
        self.exchange_pictures();
        self.saver.flush();
        let now = self.clock.now();
        for document in self.saver.due(now) {
            self.snapshot_of(&document);
        }
    }

    /// When [`Self::upkeep`] has something to do.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Duration> {
        let saver = self.saver.next_deadline(self.clock.now());
        let broadcast = self.broadcaster.next_deadline();
        [
            saver,
            broadcast,
            self.rooms_deadline(),
            self.missing_deadline(),
            self.web_masks_deadline(),
            self.pictures_deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Stores snapshots of all that changed.
    pub fn save_everything(&mut self) {
        self.flush();
        for game in self.game.iter_mut().chain(&mut self.others) {
            edits::snapshot_game(&mut self.saver, game);
        }
        if let Some(party) = &self.party {
            edits::snapshot_party(&mut self.saver, party);
        }
        self.saver.flush();
    }

    /// Saves everything and ends the storage thread.
    ///
    /// # Errors
    /// When something could not be saved.
    pub fn close(mut self) -> Result<(), LibraryError> {
        self.save_everything();
        // Says good-bye.
        self.detach_open_documents();
        self.rooms.hosting = None;
        self.library.close()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
