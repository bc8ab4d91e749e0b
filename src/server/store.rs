//! Where rooms are kept: one SQLite file in the server's data folder, pictures beside it.
//!
//! ```text
//! rooms.sqlite   every update of every room, snapshots (the library's tables)
//! blobs/         pictures by their hash
//! backups/       the file as it was before its format changed
//! cuts/          maps as players get them; made anew at need
//! tokens.json    see `access`
//! ```
//!
//! A room's record is its newest readable snapshot and the updates since; of a snapshot that has
//! rotted, the one before and the log, which reaches back to it, hold the same. No record and a
//! record that cannot be read are never the same thing.
//!
//! Called by [`super::host`] and, through [`RoomLog`], by [`super::room`].

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::ServerError;
use super::name::RoomName;
use crate::storage::backup::{Backups, Reason};
use crate::storage::blobs::Blobs;
use crate::storage::database::Database;
use crate::storage::documents::{self, LoadedDocument};
use crate::storage::error::StorageError;
use crate::storage::lock::WriterLock;
use crate::storage::writer::{Generation, Store, StoreEvent};
use crate::util::clock::Clock;

/// A room's log as the room sees it. Nothing here waits.
pub trait RoomLog: Send {
    /// Appends an update. `None`: not now, the disk refuses; the room keeps what it has and tries
    /// again with all that is missing.
    fn append(&mut self, update: &[u8]) -> Option<u64>;
    /// Stores a snapshot that holds everything appended until now; whether it was taken.
    fn snapshot(&mut self, bytes: Vec<u8>) -> bool;
    /// Everything appended up to this number is on disk.
    fn durable(&self) -> u64;
    /// Keeps the players' document in place of the one that was kept before. It can be made anew: when
    /// this is refused, those who had it begin again.
    fn keep_players(&mut self, _bytes: Vec<u8>) {}
    /// What it says is on disk may be told to people.
    fn promises(&self) -> bool {
        true
    }
}

/// The data folder of a server.
#[derive(Debug)]
pub struct RoomStore {
    path: PathBuf,
    store: Arc<Store>,
    durable: watch::Receiver<u64>,
    trouble: watch::Receiver<Option<StorageError>>,
    blobs: Blobs,
    _lock: WriterLock,
}

impl RoomStore {
    /// Opens a data folder; makes it when there is none.
    ///
    /// # Errors
    /// When another server uses it, or its file is damaged, newer, or not to be written.
    pub fn open(folder: &Path, clock: Arc<dyn Clock>) -> Result<Self, ServerError> {
        let failed = |cause: StorageError| ServerError::Data {
            folder: folder.to_owned(),
            cause,
        };
        std::fs::create_dir_all(folder)
            .map_err(|error| failed(StorageError::from_io(folder, &error)))?;
        let lock = WriterLock::take(folder).map_err(|error| match error {
            StorageError::Locked { .. } => ServerError::InUse {
                folder: folder.to_owned(),
            },
            other => failed(other),
        })?;
        let path = folder.join("rooms.sqlite");
        let backups = Backups::new(folder.join("backups"));
        let now = clock.unix_ms();
        let database = Database::open_to_write(&path, &|connection| {
            backups
                .make(connection, Reason::BeforeSchema, now)
                .map(|_| ())
        })
        .map_err(failed)?;
        let store = Store::start(database, clock).map_err(failed)?;
        let (sender, durable) = watch::channel(store.durable().0);
        let (troubled, trouble) = watch::channel(None);
        store.set_listener(Box::new(move |event| match event {
            StoreEvent::Durable(generation) => {
                sender.send_replace(generation.0);
            }
            StoreEvent::Failing(error) => {
                tracing::error!(target: "server", %error, "rooms cannot be saved at the moment");
                troubled.send_replace(Some(error.clone()));
            }
            StoreEvent::Recovered => {
                tracing::info!(target: "server", "rooms are saved again");
                troubled.send_replace(None);
            }
        }));
        Ok(Self {
            path,
            store: Arc::new(store),
            durable,
            trouble,
            blobs: Blobs::new(folder.join("blobs")),
            _lock: lock,
        })
    }

    /// Reads a room's record. Takes as long as the disk does.
    ///
    /// # Errors
    /// When it cannot be read: that is not the same as no record.
    pub fn load(&self, room: &RoomName) -> Result<LoadedDocument, StorageError> {
        let database = Database::open_to_list(&self.path)?;
        documents::load(database.connection(), &room.key())
            .map_err(|error| StorageError::from_sqlite(&self.path, &error))
    }

    /// The players' document of a room as it was kept last; `None` where it has to be made anew.
    #[must_use]
    pub fn load_players(&self, room: &RoomName) -> Option<Vec<u8>> {
        let database = Database::open_to_list(&self.path).ok()?;
        let loaded = documents::load(database.connection(), &room.players_key()).ok()?;
        loaded.snapshot
    }

    /// The rooms of a party name that something is stored for.
    ///
    /// # Errors
    /// When the list cannot be read.
    pub fn rooms_of(&self, party: &str) -> Result<Vec<RoomName>, StorageError> {
        let database = Database::open_to_list(&self.path)?;
        let prefix = format!("room/{party}/");
        let keys = documents::keys_from(database.connection(), &prefix)
            .map_err(|error| StorageError::from_sqlite(&self.path, &error))?;
        let names = keys.iter().filter_map(|key| key.strip_prefix(&prefix));
        Ok(names
            .filter_map(|room| RoomName::new(party, room).ok())
            .collect())
    }

    /// A room's log.
    #[must_use]
    pub fn log(&self, room: &RoomName) -> StoreLog {
        StoreLog {
            key: room.key(),
            players_key: room.players_key(),
            store: Arc::clone(&self.store),
        }
    }

    /// Told of every commit, with the number up to which everything is on disk.
    #[must_use]
    pub fn durable(&self) -> watch::Receiver<u64> {
        self.durable.clone()
    }

    /// Told when saving begins to fail, with the reason, and when it works again.
    #[must_use]
    pub fn trouble(&self) -> watch::Receiver<Option<StorageError>> {
        self.trouble.clone()
    }

    /// Why saving fails at the moment, if it does.
    #[must_use]
    pub fn failing(&self) -> Option<StorageError> {
        self.store.failing()
    }

    /// Waits until all that was appended is on disk; whether it is.
    #[must_use]
    pub fn wait_until_durable(&self, at_most: Duration) -> bool {
        self.store
            .wait_until_durable(self.store.appended(), at_most)
    }

    /// The pictures.
    #[must_use]
    pub const fn blobs(&self) -> &Blobs {
        &self.blobs
    }

    /// Where maps are kept that were made for players.
    #[must_use]
    pub(super) fn cuts_folder(&self) -> PathBuf {
        self.path.with_file_name("cuts")
    }

    /// Writes what waits and ends the storage thread.
    ///
    /// # Errors
    /// When something could not be saved.
    pub fn close(&self) -> Result<(), StorageError> {
        self.store.close()
    }
}

/// A room's part of the store.
#[derive(Debug)]
pub struct StoreLog {
    key: Arc<str>,
    players_key: Arc<str>,
    store: Arc<Store>,
}

impl RoomLog for StoreLog {
    fn append(&mut self, update: &[u8]) -> Option<u64> {
        match self.store.append(&self.key, update.to_vec()) {
            Ok(generation) => Some(generation.0),
            Err(refused) => {
                tracing::warn!(target: "server", error = %refused.error, "an update waits to be saved");
                None
            }
        }
    }

    fn snapshot(&mut self, bytes: Vec<u8>) -> bool {
        // Only this room appends under its key, so all of its updates so far are in the snapshot.
        let upto: Generation = self.store.appended();
        self.store.put_snapshot(&self.key, upto, bytes).is_ok()
    }

    fn keep_players(&mut self, bytes: Vec<u8>) {
        let upto = self.store.appended();
        if let Err(error) = self.store.put_snapshot(&self.players_key, upto, bytes) {
            tracing::debug!(target: "server", %error, "what players had is not kept");
        }
    }

    fn durable(&self) -> u64 {
        self.store.durable().0
    }
}

/// The log of a room whose document is kept by somebody else.
#[derive(Debug, Default)]
pub struct NoLog {
    appended: u64,
}

impl RoomLog for NoLog {
    fn append(&mut self, _update: &[u8]) -> Option<u64> {
        self.appended += 1;
        Some(self.appended)
    }

    fn snapshot(&mut self, _bytes: Vec<u8>) -> bool {
        true
    }

    fn durable(&self) -> u64 {
        self.appended
    }

    fn promises(&self) -> bool {
        false
    }
}
