//! Documents as a [`Library`] keeps them: a log of updates and snapshots, by name.

use std::sync::Arc;

use super::error::LibraryError;
use super::open::Library;
use crate::model::id::{GameSessionId, PartyId};
use crate::storage::documents;
pub use crate::storage::documents::LoadedDocument;
use crate::storage::error::StorageError;
use crate::storage::writer::Refused;
pub use crate::storage::writer::{Generation, StoreEvent};

/// Names one of a library's documents.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DocumentId {
    /// A party's.
    Party(PartyId),
    /// A game session's.
    Game(GameSessionId),
}

impl DocumentId {
    /// The key in the database.
    #[must_use]
    pub fn key(&self) -> Arc<str> {
        match self {
            Self::Party(id) => format!("party/{id}").into(),
            Self::Game(id) => format!("game/{id}").into(),
        }
    }
}

impl Library {
    /// Reads a document. An unreadable snapshot is set aside and the one before it or the log
    /// used; [`LoadedDocument::problems`] says so. With [`LoadedDocument::incomplete`] the document
    /// must not be written.
    ///
    /// # Errors
    /// When the library cannot be read: that is not the same as an empty document.
    pub fn load_document(&self, document: &DocumentId) -> Result<LoadedDocument, LibraryError> {
        let key = document.key();
        let loaded = self.read(|rows| documents::load(rows, &key))?;
        if !loaded.unreadable_snapshots.is_empty() && !loaded.incomplete && self.is_writable() {
            let unreadable = loaded.unreadable_snapshots.clone();
            let now = self.clock.unix_ms();
            self.write(move |rows| documents::set_aside(rows, &key, &unreadable, now))?;
        }
        Ok(loaded)
    }

    /// Queues an update of a document; never waits. It is on disk when [`Self::durable`] has
    /// reached the generation that is returned.
    ///
    /// # Errors
    /// [`Refused`] gives the bytes back: the disk refuses and the queue is full, or the library is
    /// open for reading only. Whoever appends has to come back with them, or with a snapshot.
    pub fn append(&self, document: &DocumentId, update: Vec<u8>) -> Result<Generation, Refused> {
        match self.store() {
            Ok(store) => store.append(&document.key(), update),
            Err(error) => Err(Refused {
                error,
                bytes: update,
            }),
        }
    }

    /// Queues a snapshot that holds everything up to `upto`, which was read from
    /// [`Self::appended`] before encoding began. The log is cut behind the snapshot before it.
    ///
    /// # Errors
    /// When the library is open for reading only or closed.
    pub fn put_snapshot(
        &self,
        document: &DocumentId,
        upto: Generation,
        snapshot: Vec<u8>,
    ) -> Result<(), StorageError> {
        self.store()?.put_snapshot(&document.key(), upto, snapshot)
    }

    /// The last generation that was queued.
    #[must_use]
    pub fn appended(&self) -> Generation {
        self.store()
            .map(|store| store.appended())
            .unwrap_or_default()
    }

    /// Everything up to this generation is on disk.
    #[must_use]
    pub fn durable(&self) -> Generation {
        self.store()
            .map(|store| store.durable())
            .unwrap_or_default()
    }

    /// Sets who is told, on the storage thread, when something is on disk and when writing fails.
    pub fn set_store_listener(&self, listener: impl Fn(&StoreEvent) + Send + Sync + 'static) {
        if let Ok(store) = self.store() {
            store.set_listener(Box::new(listener));
        }
    }
}
