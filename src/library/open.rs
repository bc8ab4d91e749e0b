//! A library folder: opening, making and recovering it.
//!
//! ```text
//! library.sqlite        parties, games, documents, settings, picture records
//! library.lock          held by the one process that writes
//! blobs/ab/abcd…        picture files by SHA-256
//! tiles/abcd….sqlite    tile pyramids, rebuilt from blobs whenever missing
//! backups/              copies of the database
//! damaged/              databases that were set aside
//! ```

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::error::LibraryError;
use super::pictures::PictureRecords;
use super::tiles::TileStore;
use crate::storage::backup::{Backups, Reason};
use crate::storage::blobs::Blobs;
use crate::storage::database::Database;
use crate::storage::error::StorageError;
use crate::storage::lock::WriterLock;
use crate::storage::writer::Store;
use crate::util::clock::{Clock, SystemClock};

/// What a library is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// To work on it. Where that is impossible (a newer version, a read-only or full disk) it is
    /// opened for reading, and [`Library::why_read_only`] says why.
    Write,
    /// To read it, also while another process writes it.
    ReadOnly,
}

/// An open library. All of it can be used from any thread; writing calls wait for the disk.
pub struct Library {
    folder: PathBuf,
    pub(super) reader: Mutex<Database>,
    store: Option<Store>,
    why_read_only: Option<StorageError>,
    notices: Vec<String>,
    pub(super) blobs: Blobs,
    pub(super) backups: Backups,
    pub(super) clock: Arc<dyn Clock>,
    /// What backups hold, by name: they never change.
    pub(super) backup_contents: Mutex<std::collections::HashMap<String, String>>,
    pub(super) records: Arc<PictureRecords>,
    pub(super) tiles: Arc<TileStore>,
    /// Released last: another writer must not start while this one's thread still writes.
    _lock: Option<WriterLock>,
}

impl std::fmt::Debug for Library {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Library")
            .field("folder", &self.folder)
            .field("writable", &self.is_writable())
            .finish_non_exhaustive()
    }
}

impl Library {
    /// The folder of the user's own library, as the system names it.
    ///
    /// # Errors
    /// When the system names none.
    pub fn default_folder() -> Result<PathBuf, LibraryError> {
        directories::ProjectDirs::from("", "", "Tableglow")
            .map(|dirs| dirs.data_dir().join("library"))
            .ok_or(LibraryError::NoHome)
    }

    /// Whether a folder holds a library.
    #[must_use]
    pub fn exists(folder: &Path) -> bool {
        database_path(folder).is_file()
    }

    /// Opens a library with the system's clock.
    ///
    /// # Errors
    /// [`StorageError::Missing`], [`StorageError::Damaged`], [`StorageError::Locked`] when another
    /// process works on it, and the others.
    pub fn open(folder: &Path, mode: Mode) -> Result<Self, LibraryError> {
        Self::open_with(folder, mode, Arc::new(SystemClock::default()))
    }

    /// Opens a library.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_with(
        folder: &Path,
        mode: Mode,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, LibraryError> {
        if !Self::exists(folder) {
            return Err(StorageError::Missing {
                path: folder.to_owned(),
            }
            .into());
        }
        match mode {
            Mode::ReadOnly => Self::open_to_read(folder, clock, None),
            Mode::Write => match Self::open_to_write(folder, Arc::clone(&clock)) {
                Err(LibraryError::Storage(
                    why @ (StorageError::Newer { .. }
                    | StorageError::NotWritable { .. }
                    | StorageError::DiskFull { .. }),
                )) => Self::open_to_read(folder, clock, Some(why)),
                result => result,
            },
        }
    }

    /// Makes a library without anything in it and opens it.
    ///
    /// # Errors
    /// [`LibraryError::Exists`], and those of the file system.
    pub fn create_empty(folder: &Path) -> Result<Self, LibraryError> {
        Self::create_empty_with(folder, Arc::new(SystemClock::default()))
    }

    /// Makes a library without anything in it and opens it.
    ///
    /// # Errors
    /// As [`Self::create_empty`].
    pub fn create_empty_with(folder: &Path, clock: Arc<dyn Clock>) -> Result<Self, LibraryError> {
        std::fs::create_dir_all(folder).map_err(|e| StorageError::from_io(folder, &e))?;
        if Self::exists(folder) {
            return Err(LibraryError::Exists(folder.to_owned()));
        }
        Self::open_to_write(folder, clock)
    }

    pub(super) fn notice(&mut self, sentence: String) {
        self.notices.push(sentence);
    }

    /// Opens a folder that may have no database yet.
    pub(super) fn open_to_write(
        folder: &Path,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, LibraryError> {
        let lock = WriterLock::take(folder)?;
        let path = database_path(folder);
        let backups = Backups::new(folder.join("backups"));
        let now = clock.unix_ms();
        let before_migration = |connection: &rusqlite::Connection| {
            backups
                .make(connection, Reason::BeforeSchema, now)
                .map(|_| ())
        };
        let database = Database::open_to_write(&path, &before_migration)?;
        // The writer has just looked through it.
        let reader = Database::open_to_list(&path)?;
        let store = Store::start(database, Arc::clone(&clock))?;
        Self::assemble(folder, clock, reader, Some(store), None, Some(lock))
    }

    fn open_to_read(
        folder: &Path,
        clock: Arc<dyn Clock>,
        why: Option<StorageError>,
    ) -> Result<Self, LibraryError> {
        let reader = Database::open_to_read(&database_path(folder))?;
        Self::assemble(folder, clock, reader, None, why, None)
    }

    fn assemble(
        folder: &Path,
        clock: Arc<dyn Clock>,
        reader: Database,
        store: Option<Store>,
        why_read_only: Option<StorageError>,
        lock: Option<WriterLock>,
    ) -> Result<Self, LibraryError> {
        let blobs = Blobs::new(folder.join("blobs"));
        let records = Arc::new(PictureRecords::default());
        let tiles = TileStore::start(
            folder.join("tiles"),
            store.is_some(),
            blobs.clone(),
            Arc::clone(&records),
        )
        .map_err(|e| StorageError::from_io(folder, &e))?;
        let library = Self {
            folder: folder.to_owned(),
            reader: Mutex::new(reader),
            store,
            notices: why_read_only.iter().map(ToString::to_string).collect(),
            why_read_only,
            blobs,
            backups: Backups::new(folder.join("backups")),
            clock,
            backup_contents: Mutex::default(),
            records,
            tiles: Arc::new(tiles),
            _lock: lock,
        };
        library.reload_pictures()?;
        Ok(library)
    }

    /// The picture files, for a server that serves them.
    #[must_use]
    pub const fn blobs(&self) -> &Blobs {
        &self.blobs
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether it can be written.
    #[must_use]
    pub const fn is_writable(&self) -> bool {
        self.store.is_some()
    }

    /// Why a library that was to be written is open for reading only.
    #[must_use]
    pub const fn why_read_only(&self) -> Option<&StorageError> {
        self.why_read_only.as_ref()
    }

    /// What was found while opening it, a sentence each.
    #[must_use]
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// The storage thread.
    ///
    /// # Errors
    /// In a library that is open for reading: why it is.
    pub fn store(&self) -> Result<&Store, StorageError> {
        self.store
            .as_ref()
            .ok_or_else(|| match &self.why_read_only {
                Some(why) => why.clone(),
                None => StorageError::ReadOnly {
                    path: self.folder.clone(),
                },
            })
    }

    /// Writes everything that waits and ends the storage thread; later writes are refused.
    ///
    /// # Errors
    /// When something could not be saved.
    pub fn close(&self) -> Result<(), LibraryError> {
        match &self.store {
            Some(store) => Ok(store.close()?),
            None => Ok(()),
        }
    }

    /// Reads rows.
    pub(super) fn read<T>(
        &self,
        read: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<T>,
    ) -> Result<T, LibraryError> {
        let reader = self.reader.lock();
        read(reader.connection()).map_err(|e| StorageError::from_sqlite(reader.path(), &e).into())
    }

    /// Writes rows and waits until they are on disk.
    pub(super) fn write<T: Send + 'static>(
        &self,
        write: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, LibraryError> {
        Ok(self.store()?.run(write)?)
    }
}

pub(super) fn database_path(folder: &Path) -> PathBuf {
    folder.join("library.sqlite")
}
