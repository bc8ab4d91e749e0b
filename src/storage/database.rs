//! A library's SQLite database: opening it, with everything that can be wrong with it.
//!
//! Durability: WAL with `synchronous = FULL`, so that a commit has reached the disk (on macOS
//! with `fullfsync`, where a plain fsync stops at the drive's cache). A database that is damaged,
//! foreign, locked or newer is never written: each is an error of its own.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use sha2::{Digest, Sha256};

use super::error::StorageError;
use super::schema::{APPLICATION_ID, MIGRATIONS};

/// How long a statement waits for another process's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// What a connection may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Create, migrate, write.
    Write,
    /// Read what is there.
    Read,
}

/// An open library database.
pub struct Database {
    path: PathBuf,
    connection: Connection,
    schema_version: i64,
    /// Holds the copy that is read when the folder cannot hold SQLite's own side files.
    _copy: Option<tempfile::TempDir>,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// Called with the path of a database whose schema is about to change, before it does.
pub type BeforeMigration<'a> = &'a dyn Fn(&Connection) -> Result<(), StorageError>;

impl Database {
    /// Opens the database for writing; makes it when there is none; brings an older schema up to
    /// date after `before_migration` was called.
    ///
    /// # Errors
    /// [`StorageError::Newer`], [`StorageError::Damaged`] and the others; the file is unchanged.
    pub fn open_to_write(
        path: &Path,
        before_migration: BeforeMigration<'_>,
    ) -> Result<Self, StorageError> {
        Self::open_to_write_with(path, before_migration, MIGRATIONS)
    }

    fn open_to_write_with(
        path: &Path,
        before_migration: BeforeMigration<'_>,
        migrations: &[&str],
    ) -> Result<Self, StorageError> {
        let failed = |e: rusqlite::Error| sqlite_error_for_write(path, &e);
        // Looked through by a reader first: closing a writer may fold the log into the file, and
        // a file that is refused stays as it was.
        let found = match Self::read_in_place(path, path) {
            Ok(existing) => Found {
                version: existing.schema_version,
                empty: false,
            },
            Err(error @ (StorageError::Damaged { .. } | StorageError::NotALibrary { .. })) => {
                return Err(error);
            }
            Err(_) => Found {
                version: 0,
                empty: true,
            },
        };
        let known = migrations.len() as i64;
        if found.version > known {
            return Err(StorageError::Newer {
                path: folder_of(path),
                found: found.version,
                known,
            });
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
        let found = if found.empty {
            check(&connection, path)?
        } else {
            found
        };
        set_up_writer(&connection).map_err(failed)?;
        if found.version < known {
            if !found.empty {
                before_migration(&connection)?;
            }
            migrate(&mut connection, found.version, migrations).map_err(failed)?;
        }
        Ok(Self {
            path: path.to_owned(),
            connection,
            schema_version: known,
            _copy: None,
        })
    }

    /// Opens the database for reading, also one of a newer version, on a read-only disk, or while
    /// another process writes it.
    ///
    /// # Errors
    /// [`StorageError::Missing`], [`StorageError::Damaged`] and the others.
    pub fn open_to_read(path: &Path) -> Result<Self, StorageError> {
        if !path.is_file() {
            return Err(StorageError::Missing {
                path: folder_of(path),
            });
        }
        match Self::read_in_place(path, path) {
            // A WAL database wants side files next to it. Where they cannot be made, a copy in
            // the temporary folder is read.
            Err(
                StorageError::Io { .. }
                | StorageError::NotWritable { .. }
                | StorageError::Missing { .. },
            ) => Self::read_copy(path),
            other => other,
        }
    }

    /// Opens a database for reading without looking through it: one that was just checked, or a
    /// backup that only has to tell what it holds.
    ///
    /// # Errors
    /// When it is plainly no library.
    pub fn open_to_list(path: &Path) -> Result<Self, StorageError> {
        Self::read_with(path, path, identify)
    }

    fn read_in_place(path: &Path, shown_as: &Path) -> Result<Self, StorageError> {
        Self::read_with(path, shown_as, check)
    }

    fn read_with(
        path: &Path,
        shown_as: &Path,
        check: fn(&Connection, &Path) -> Result<Found, StorageError>,
    ) -> Result<Self, StorageError> {
        let failed = |e: rusqlite::Error| StorageError::from_sqlite(shown_as, &e);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
        let found = check(&connection, shown_as)?;
        if found.empty {
            return Err(StorageError::Missing {
                path: folder_of(shown_as),
            });
        }
        Ok(Self {
            path: shown_as.to_owned(),
            connection,
            schema_version: found.version,
            _copy: None,
        })
    }

    fn read_copy(path: &Path) -> Result<Self, StorageError> {
        let io = |e: std::io::Error| StorageError::from_io(path, &e);
        let copy = tempfile::tempdir().map_err(io)?;
        let target = copy.path().join("library.sqlite");
        std::fs::copy(path, &target).map_err(io)?;
        let wal = side_file(path, "-wal");
        if wal.exists() {
            std::fs::copy(&wal, side_file(&target, "-wal")).map_err(io)?;
        }
        let mut database = Self::read_in_place(&target, path)?;
        database._copy = Some(copy);
        Ok(database)
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The schema's version, which may be newer than this program's.
    #[must_use]
    pub const fn schema_version(&self) -> i64 {
        self.schema_version
    }

    /// Whether the schema is one that this program does not know.
    #[must_use]
    pub const fn is_newer(&self) -> bool {
        self.schema_version > MIGRATIONS.len() as i64
    }

    /// The connection.
    #[must_use]
    pub const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The connection, for transactions.
    pub const fn connection_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }

    /// Brings a database that was just restored from an older backup up to date.
    ///
    /// # Errors
    /// As in opening it.
    pub fn migrate(&mut self) -> Result<(), StorageError> {
        let path = self.path.clone();
        let found = check(&self.connection, &path)?;
        migrate(&mut self.connection, found.version, MIGRATIONS)
            .map_err(|e| StorageError::from_sqlite(&path, &e))
    }
}

/// The folder that a database lies in: what a user calls the library.
#[must_use]
pub fn folder_of(path: &Path) -> PathBuf {
    path.parent().unwrap_or(path).to_owned()
}

/// The first 8 bytes of the SHA-256: tells bytes that were changed by a disk from those that were
/// written.
#[must_use]
pub fn checksum(bytes: &[u8]) -> [u8; 8] {
    let mut prefix = [0; 8];
    let digest = Sha256::digest(bytes);
    for (to, from) in prefix.iter_mut().zip(digest.iter()) {
        *to = *from;
    }
    prefix
}

/// SQLite's files beside a database.
#[must_use]
pub fn side_file(database: &Path, suffix: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

struct Found {
    version: i64,
    empty: bool,
}

/// Reads what the file says of itself.
fn identify(connection: &Connection, path: &Path) -> Result<Found, StorageError> {
    let failed = |e: rusqlite::Error| StorageError::from_sqlite(path, &e);
    let number = |pragma: &str| {
        connection
            .pragma_query_value(None, pragma, |row| row.get::<_, i64>(0))
            .map_err(failed)
    };
    let (application, version) = (number("application_id")?, number("user_version")?);
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(failed)?;
    let empty = tables == 0 && version == 0 && application == 0;
    if !empty && application != APPLICATION_ID {
        return Err(StorageError::NotALibrary {
            path: path.to_owned(),
        });
    }
    Ok(Found { version, empty })
}

/// Reads what the file says of itself and has SQLite look through it.
fn check(connection: &Connection, path: &Path) -> Result<Found, StorageError> {
    let failed = |e: rusqlite::Error| StorageError::from_sqlite(path, &e);
    let found = identify(connection, path)?;
    let verdict: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(failed)?;
    if verdict != "ok" {
        return Err(StorageError::Damaged {
            path: path.to_owned(),
            detail: verdict,
        });
    }
    Ok(found)
}

fn set_up_writer(connection: &Connection) -> rusqlite::Result<()> {
    connection
        .pragma_update_and_check(None, "journal_mode", "wal", |row| row.get::<_, String>(0))?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    connection.pragma_update(None, "foreign_keys", true)
}

fn migrate(connection: &mut Connection, from: i64, scripts: &[&str]) -> rusqlite::Result<()> {
    let from = usize::try_from(from).unwrap_or(0);
    let pending = scripts.get(from..).unwrap_or_default();
    if pending.is_empty() {
        return Ok(());
    }
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    for script in pending {
        transaction.execute_batch(script)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", scripts.len() as i64)?;
    transaction.commit()
}

/// "Cannot open" while writing means that the folder does not let us.
fn sqlite_error_for_write(path: &Path, error: &rusqlite::Error) -> StorageError {
    if error.sqlite_error_code() == Some(rusqlite::ErrorCode::CannotOpen) {
        return StorageError::NotWritable {
            path: path.to_owned(),
        };
    }
    StorageError::from_sqlite(path, error)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn no_migration(_: &Connection) -> Result<(), StorageError> {
        Ok(())
    }

    fn made(folder: &tempfile::TempDir) -> PathBuf {
        let path = folder.path().join("library.sqlite");
        drop(Database::open_to_write(&path, &no_migration).unwrap());
        path
    }

    #[test]
    fn a_new_database_is_durable_by_its_settings() {
        let folder = tempfile::tempdir().unwrap();
        let path = made(&folder);
        let db = Database::open_to_write(&path, &no_migration).unwrap();
        let pragma = |name: &str| {
            db.connection()
                .pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0))
                .unwrap()
        };
        assert_eq!(pragma("journal_mode"), "wal".to_owned().into());
        assert_eq!(pragma("synchronous"), 2.into());
        assert_eq!(pragma("foreign_keys"), 1.into());
        assert_eq!(pragma("application_id"), APPLICATION_ID.into());
    }

    #[test]
    fn a_newer_database_is_read_and_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = made(&folder);
        Connection::open(&path)
            .unwrap()
            .pragma_update(None, "user_version", 99)
            .unwrap();
        let error = Database::open_to_write(&path, &no_migration).unwrap_err();
        assert!(
            matches!(error, StorageError::Newer { found: 99, .. }),
            "{error}"
        );
        let db = Database::open_to_read(&path).unwrap();
        assert!(db.is_newer());
    }

    #[test]
    fn a_damaged_or_foreign_file_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = made(&folder);
        let good = std::fs::read(&path).unwrap();
        let mut torn = good.clone();
        for byte in torn.iter_mut().skip(4096).step_by(7) {
            *byte ^= 0x5a;
        }
        let text =
            b"this is a shopping list, not a database; it is long enough to be read".repeat(20);
        for (bytes, name) in [
            (torn, "torn"),
            (text, "text"),
            (good[..5000].to_vec(), "cut"),
        ] {
            std::fs::write(&path, &bytes).unwrap();
            for error in [
                Database::open_to_write(&path, &no_migration).unwrap_err(),
                Database::open_to_read(&path).unwrap_err(),
            ] {
                assert!(
                    matches!(error, StorageError::Damaged { .. }),
                    "{name}: {error}"
                );
            }
            assert_eq!(std::fs::read(&path).unwrap(), bytes, "{name}");
        }
        std::fs::remove_file(&path).unwrap();
        Connection::open(&path)
            .unwrap()
            .execute_batch("CREATE TABLE recipes (id)")
            .unwrap();
        let error = Database::open_to_write(&path, &no_migration).unwrap_err();
        assert!(matches!(error, StorageError::NotALibrary { .. }), "{error}");
    }

    #[test]
    fn a_change_of_schema_calls_for_a_backup_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = made(&folder);
        let next: Vec<&str> = MIGRATIONS
            .iter()
            .copied()
            .chain(["CREATE TABLE later (id INTEGER PRIMARY KEY)"])
            .collect();
        let asked = std::cell::Cell::new(0);
        let before = |connection: &Connection| {
            let version: i64 = connection
                .pragma_query_value(None, "user_version", |row| row.get(0))
                .unwrap();
            asked.set(version);
            Ok(())
        };
        let db = Database::open_to_write_with(&path, &before, &next).unwrap();
        assert_eq!(asked.get(), MIGRATIONS.len() as i64);
        assert_eq!(db.schema_version(), MIGRATIONS.len() as i64 + 1);
        drop(db);

        let refused = |_: &Connection| Err(StorageError::DiskFull { path: path.clone() });
        let more: Vec<&str> = next
            .iter()
            .copied()
            .chain(["CREATE TABLE z (id)"])
            .collect();
        assert!(Database::open_to_write_with(&path, &refused, &more).is_err());
        let still = Connection::open(&path)
            .unwrap()
            .pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))
            .unwrap();
        assert_eq!(still, MIGRATIONS.len() as i64 + 1);
    }

    #[test]
    fn what_is_not_there_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let error = Database::open_to_read(&folder.path().join("library.sqlite")).unwrap_err();
        assert!(matches!(error, StorageError::Missing { .. }));
    }
}
