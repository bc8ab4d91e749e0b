//! Parties, game sessions, settings, thumbnails and backups of a [`Library`].

use std::sync::Arc;

use super::catalog::{BackupEntry, GameEntry, LibraryView, PartyEntry};
use super::error::LibraryError;
use super::open::Library;
use crate::model::id::{GameSessionId, PartyId, SceneId};
use crate::model::party::PartyDefaults;
use crate::storage::backup::Reason;
use crate::storage::catalogue::{self, GameRow, PartyRow};

impl Library {
    /// Everything that a list shows.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn view(&self) -> Result<LibraryView, LibraryError> {
        let (parties, games) =
            self.read(|rows| Ok((catalogue::parties(rows)?, catalogue::games(rows)?)))?;
        let parties = parties
            .into_iter()
            .map(|party| PartyEntry {
                games: games
                    .iter()
                    .filter(|game| game.party == party.id)
                    .map(|game| GameEntry {
                        id: GameSessionId::new(&game.id),
                        name: game.name.clone(),
                    })
                    .collect(),
                id: PartyId::new(&party.id),
                name: party.name,
                defaults: serde_json::from_str(&party.defaults).unwrap_or_default(),
            })
            .collect();
        Ok(LibraryView {
            folder: self.folder().to_owned(),
            writable: self.is_writable(),
            parties,
            backups: self.backup_list()?,
        })
    }

    /// The game session that was used last, and its party.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn last_used_game(&self) -> Result<Option<(PartyId, GameSessionId)>, LibraryError> {
        let games = self.read(catalogue::games)?;
        Ok(games
            .first()
            .map(|game| (PartyId::new(&game.party), GameSessionId::new(&game.id))))
    }

    /// The party of a game session that is in the list.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn party_of(&self, game: &GameSessionId) -> Result<Option<PartyId>, LibraryError> {
        let games = self.read(catalogue::games)?;
        Ok(games
            .iter()
            .find(|row| row.id == game.as_str())
            .map(|row| PartyId::new(&row.party)))
    }

    /// Adds a party without game sessions.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn create_party(
        &self,
        name: &str,
        defaults: &PartyDefaults,
    ) -> Result<PartyId, LibraryError> {
        let id = PartyId::fresh();
        let row = PartyRow {
            id: id.as_str().to_owned(),
            name: name.to_owned(),
            defaults: json_of(defaults),
        };
        let now = self.clock.unix_ms();
        self.write(move |rows| catalogue::add_party(rows, &row, now))?;
        Ok(id)
    }

    /// Adds a game session to a party, as the one that was used last.
    ///
    /// # Errors
    /// [`LibraryError::NoSuchParty`], or when it cannot be written.
    pub fn create_game(&self, party: &PartyId, name: &str) -> Result<GameSessionId, LibraryError> {
        let id = GameSessionId::fresh();
        let row = GameRow {
            id: id.as_str().to_owned(),
            party: party.as_str().to_owned(),
            name: name.to_owned(),
        };
        let now = self.clock.unix_ms();
        let added = self.write(move |rows| {
            let known = catalogue::party_exists(rows, &row.party)?;
            if known {
                catalogue::add_game(rows, &row, now)?;
            }
            Ok(known)
        })?;
        if added {
            Ok(id)
        } else {
            Err(LibraryError::NoSuchParty)
        }
    }

    /// Adds a game session of a room under the ids that it has there, its party too, where they are
    /// not here yet; takes them out of the bin where they are.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn adopt_game(
        &self,
        party: &PartyId,
        game: &GameSessionId,
        title: &str,
    ) -> Result<(), LibraryError> {
        let party = PartyRow {
            id: party.as_str().to_owned(),
            name: title.to_owned(),
            defaults: json_of(&PartyDefaults::default()),
        };
        let game = GameRow {
            id: game.as_str().to_owned(),
            party: party.id.clone(),
            name: title.to_owned(),
        };
        let now = self.clock.unix_ms();
        self.write(move |rows| {
            if !catalogue::bin_party(rows, &party.id, None)? {
                catalogue::add_party(rows, &party, now)?;
            }
            if catalogue::bin_game(rows, &game.id, None)? {
                // The party that it was in may be in the bin.
                catalogue::move_game(rows, &game)?;
            } else {
                catalogue::add_game(rows, &game, now)?;
            }
            Ok(())
        })
    }

    /// Renames a party.
    ///
    /// # Errors
    /// [`LibraryError::NoSuchParty`], or when it cannot be written.
    pub fn rename_party(&self, party: &PartyId, name: &str) -> Result<(), LibraryError> {
        let (id, name) = (party.to_string(), name.to_owned());
        let found = self.write(move |rows| catalogue::rename_party(rows, &id, &name))?;
        found.then_some(()).ok_or(LibraryError::NoSuchParty)
    }

    /// Renames a game session.
    ///
    /// # Errors
    /// [`LibraryError::NoSuchGame`], or when it cannot be written.
    pub fn rename_game(&self, game: &GameSessionId, name: &str) -> Result<(), LibraryError> {
        let (id, name) = (game.to_string(), name.to_owned());
        let found = self.write(move |rows| catalogue::rename_game(rows, &id, &name))?;
        found.then_some(()).ok_or(LibraryError::NoSuchGame)
    }

    /// Puts a party with its game sessions into the bin (`true`) or takes it back. Nothing is
    /// deleted from the disk.
    ///
    /// # Errors
    /// [`LibraryError::NoSuchParty`], or when it cannot be written.
    pub fn bin_party(&self, party: &PartyId, binned: bool) -> Result<(), LibraryError> {
        let (id, at) = (party.to_string(), binned.then(|| self.clock.unix_ms()));
        let found = self.write(move |rows| catalogue::bin_party(rows, &id, at))?;
        found.then_some(()).ok_or(LibraryError::NoSuchParty)
    }

    /// Puts a game session into the bin (`true`) or takes it back. Nothing is deleted from the
    /// disk.
    ///
    /// # Errors
    /// [`LibraryError::NoSuchGame`], or when it cannot be written.
    pub fn bin_game(&self, game: &GameSessionId, binned: bool) -> Result<(), LibraryError> {
        let (id, at) = (game.to_string(), binned.then(|| self.clock.unix_ms()));
        let found = self.write(move |rows| catalogue::bin_game(rows, &id, at))?;
        found.then_some(()).ok_or(LibraryError::NoSuchGame)
    }

    /// Makes a game session the last used one.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn touch_game(&self, game: &GameSessionId) -> Result<(), LibraryError> {
        let id = game.to_string();
        self.write(move |rows| catalogue::touch_game(rows, &id))
    }

    /// Says how many scenes a game session has, for lists and backups.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn set_scene_count(&self, game: &GameSessionId, scenes: usize) -> Result<(), LibraryError> {
        let id = game.to_string();
        self.write(move |rows| catalogue::set_scene_count(rows, &id, scenes))
    }

    /// Sets what new scenes of a party start with.
    ///
    /// # Errors
    /// [`LibraryError::NoSuchParty`], or when it cannot be written.
    pub fn set_party_defaults(
        &self,
        party: &PartyId,
        defaults: &PartyDefaults,
    ) -> Result<(), LibraryError> {
        let (id, json) = (party.to_string(), json_of(defaults));
        let found = self.write(move |rows| catalogue::set_defaults(rows, &id, &json))?;
        found.then_some(()).ok_or(LibraryError::NoSuchParty)
    }

    /// A setting of this machine; `None` when it was never set or is of another type now.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn setting<T: serde::de::DeserializeOwned>(
        &self,
        key: &str,
    ) -> Result<Option<T>, LibraryError> {
        let json = self.read(|rows| catalogue::setting(rows, key))?;
        Ok(json.and_then(|json| serde_json::from_str(&json).ok()))
    }

    /// Sets a setting of this machine.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn set_setting(
        &self,
        key: &str,
        value: &impl serde::Serialize,
    ) -> Result<(), LibraryError> {
        let (key, json) = (key.to_owned(), json_of(value));
        self.write(move |rows| catalogue::set_setting(rows, &key, &json))
    }

    /// A scene's thumbnail: PNG bytes.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn thumbnail(
        &self,
        game: &GameSessionId,
        scene: &SceneId,
    ) -> Result<Option<Arc<[u8]>>, LibraryError> {
        let png = self.read(|rows| catalogue::thumbnail(rows, game.as_str(), scene.as_str()))?;
        Ok(png.map(Into::into))
    }

    /// Stores a scene's thumbnail: PNG bytes.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn set_thumbnail(
        &self,
        game: &GameSessionId,
        scene: &SceneId,
        png: Vec<u8>,
    ) -> Result<(), LibraryError> {
        let (game, scene) = (game.to_string(), scene.to_string());
        self.write(move |rows| catalogue::set_thumbnail(rows, &game, &scene, &png))
    }

    /// The backups with what they hold, the newest first.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn backup_list(&self) -> Result<Vec<BackupEntry>, LibraryError> {
        let files = self.backups.list()?;
        let mut known = self.backup_contents.lock();
        Ok(files
            .into_iter()
            .map(|file| {
                let holds = known.entry(file.name.clone()).or_insert_with(|| {
                    self.backups
                        .holds(&file.name)
                        .map_or_else(|_| "damaged".to_owned(), |holds| holds.to_string())
                });
                BackupEntry {
                    holds: holds.clone(),
                    name: file.name,
                    made_unix_ms: file.made_unix_ms,
                    bytes: file.bytes,
                }
            })
            .collect())
    }

    /// Makes a backup now; its name.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn backup_now(&self) -> Result<String, LibraryError> {
        self.make_backup(Reason::Asked)
    }

    /// Makes the daily or weekly backup if its time has come; its name, if so. To be called after
    /// opening and now and then, not by a thread that paints.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn backup_if_due(&self) -> Result<Option<String>, LibraryError> {
        self.store()?;
        let now = self.clock.unix_ms();
        // Its own connection: copying takes a while, and readers must not wait for it.
        let source = self.another_reader()?;
        Ok(self.backups.make_if_due(source.connection(), now)?)
    }

    fn make_backup(&self, reason: Reason) -> Result<String, LibraryError> {
        self.store()?;
        let source = self.another_reader()?;
        let now = self.clock.unix_ms();
        Ok(self.backups.make(source.connection(), reason, now)?)
    }

    fn another_reader(&self) -> Result<crate::storage::database::Database, LibraryError> {
        let path = self.reader.lock().path().to_owned();
        Ok(crate::storage::database::Database::open_to_read(&path)?)
    }

    /// Replaces what the library holds by a backup, after a backup of today's state; that one's
    /// name. Documents that are open have to be loaded again, and nothing of their old state may
    /// be appended afterwards. Thumbnails, settings and picture records are the backup's too;
    /// pictures stay.
    ///
    /// # Errors
    /// When the backup is damaged or newer, or today's state cannot be backed up: nothing changed.
    pub fn restore(&self, backup: &str) -> Result<String, LibraryError> {
        let store = self.store()?;
        // What waits in the queue belongs to today's state.
        store.run(|_| Ok(()))?;
        let saved = self.make_backup(Reason::BeforeRestore)?;
        let (backups, name) = (self.backups.clone(), backup.to_owned());
        store.run_alone(move |live| backups.restore(&name, live))?;
        self.reload_pictures()?;
        Ok(saved)
    }
}

fn json_of(value: &impl serde::Serialize) -> String {
    // Plain structs with text keys: there is nothing in them that JSON cannot say.
    serde_json::to_string(value).unwrap_or_else(|_| "null".into())
}
