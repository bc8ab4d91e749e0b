//! Backups of a library's database: whole copies in `backups/`, a bounded number of each kind.
//!
//! A copy is made from a reader's view (`VACUUM INTO`), so that work goes on meanwhile, flushed and
//! then named. Restoring goes through SQLite as one transaction of the live database: killed in
//! the middle, the library is the one before. Pictures are not in a backup: blobs are never
//! deleted while a backup names them.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::atomic;
use super::catalogue::{self, AssetRow};
use super::database::Database;
use super::error::StorageError;
use crate::util::date::{file_stamp, parse_file_stamp};

const DAY_MS: i64 = 24 * 3600 * 1000;

/// Why a backup was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Every day that the library is used.
    Daily,
    /// Every week that the library is used.
    Weekly,
    /// Before its schema changed.
    BeforeSchema,
    /// Before an older backup was restored.
    BeforeRestore,
    /// Somebody asked for it.
    Asked,
}

impl Reason {
    const ALL: [Self; 5] = [
        Self::Daily,
        Self::Weekly,
        Self::BeforeSchema,
        Self::BeforeRestore,
        Self::Asked,
    ];

    const fn id(self) -> &'static str {
        match self {
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::BeforeSchema => "before-update",
            Self::BeforeRestore => "before-restore",
            Self::Asked => "asked",
        }
    }

    /// How many of a kind are kept.
    const fn keep(self) -> usize {
        match self {
            Self::Daily => 7,
            Self::Weekly => 4,
            Self::BeforeSchema | Self::BeforeRestore => 5,
            Self::Asked => 10,
        }
    }
}

/// A backup file, by its name alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupFile {
    /// Its file name.
    pub name: String,
    /// When it was made, milliseconds since 1970 UTC.
    pub made_unix_ms: i64,
    /// Why.
    pub reason: Reason,
    /// Its size.
    pub bytes: u64,
}

/// What a backup holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holds {
    /// Parties.
    pub parties: u64,
    /// Game sessions.
    pub games: u64,
    /// Scenes.
    pub scenes: u64,
}

impl std::fmt::Display for Holds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let part =
            |n: u64, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
        write!(
            f,
            "{}, {}, {}",
            part(self.parties, "party", "parties"),
            part(self.games, "game", "games"),
            part(self.scenes, "scene", "scenes")
        )
    }
}

/// The backups of a library.
#[derive(Debug, Clone)]
pub struct Backups {
    folder: PathBuf,
}

impl Backups {
    /// The backups in `folder`; it is made with the first one.
    #[must_use]
    pub const fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The backups, the newest first. Other files in the folder are not looked at.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn list(&self) -> Result<Vec<BackupFile>, StorageError> {
        let io = |e: io::Error| StorageError::from_io(&self.folder, &e);
        if !self.folder.is_dir() {
            return Ok(Vec::new());
        }
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&self.folder).map_err(io)? {
            let entry = entry.map_err(io)?;
            let name = entry.file_name();
            let Some((made_unix_ms, reason)) = name.to_str().and_then(parse_name) else {
                continue;
            };
            files.push(BackupFile {
                name: name.to_string_lossy().into_owned(),
                made_unix_ms,
                reason,
                bytes: entry.metadata().map_err(io)?.len(),
            });
        }
        files.sort_by(|a, b| {
            b.made_unix_ms
                .cmp(&a.made_unix_ms)
                .then(b.name.cmp(&a.name))
        });
        Ok(files)
    }

    /// Where a listed backup lies; `None` for every other name.
    #[must_use]
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        parse_name(name)?;
        Some(self.folder.join(name)).filter(|path| path.is_file())
    }

    /// Counts what a backup holds.
    ///
    /// # Errors
    /// When it is damaged or gone.
    pub fn holds(&self, name: &str) -> Result<Holds, StorageError> {
        let [parties, games, scenes] = self.read(name, catalogue::counts)?;
        Ok(Holds {
            parties,
            games,
            scenes,
        })
    }

    /// The pictures that a backup names, by location key.
    ///
    /// # Errors
    /// When it is damaged or gone.
    pub fn assets(&self, name: &str) -> Result<Vec<(String, AssetRow)>, StorageError> {
        self.read(name, catalogue::assets)
    }

    fn read<T>(
        &self,
        name: &str,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StorageError> {
        let path = self.path(name).ok_or_else(|| StorageError::Missing {
            path: self.folder.join(name),
        })?;
        let database = Database::open_to_list(&path)?;
        read(database.connection()).map_err(|e| StorageError::from_sqlite(&path, &e))
    }

    /// Makes a backup of what `connection` sees and forgets the oldest ones of its kind.
    ///
    /// # Errors
    /// When it cannot be written; older backups are all there then.
    pub fn make(
        &self,
        connection: &Connection,
        reason: Reason,
        now_unix_ms: i64,
    ) -> Result<String, StorageError> {
        let io = |e: io::Error| StorageError::from_io(&self.folder, &e);
        std::fs::create_dir_all(&self.folder).map_err(io)?;
        // Two backups within a millisecond would share a name.
        let taken = |ms: i64| self.folder.join(name_of(ms, reason)).exists();
        let made = (now_unix_ms..)
            .find(|ms| !taken(*ms))
            .unwrap_or(now_unix_ms);
        let name = name_of(made, reason);
        let workshop = tempfile::tempdir_in(&self.folder).map_err(io)?;
        let copy = workshop.path().join("copy.sqlite");
        let target = copy.to_string_lossy();
        connection
            .execute("VACUUM INTO ?1", [&target])
            .map_err(|e| StorageError::from_sqlite(&self.folder, &e))?;
        let file = std::fs::File::options()
            .read(true)
            .write(true)
            .open(&copy)
            .map_err(io)?;
        file.sync_all().map_err(io)?;
        drop(file);
        std::fs::rename(&copy, self.folder.join(&name)).map_err(io)?;
        atomic::sync_folder(&self.folder).map_err(io)?;
        self.rotate(reason)?;
        Ok(name)
    }

    /// Makes the daily or weekly backup when its time has come; the name, if so.
    ///
    /// # Errors
    /// As [`Self::make`].
    pub fn make_if_due(
        &self,
        connection: &Connection,
        now_unix_ms: i64,
    ) -> Result<Option<String>, StorageError> {
        let files = self.list()?;
        let newest = |of: &[Reason]| {
            files
                .iter()
                .find(|file| of.contains(&file.reason))
                .map(|file| file.made_unix_ms)
        };
        // A clock that went back counts as due: better one backup too many.
        let due = |at: Option<i64>, every: i64| {
            at.is_none_or(|at| !(0..every).contains(&now_unix_ms.saturating_sub(at)))
        };
        if !due(newest(&[Reason::Daily, Reason::Weekly]), DAY_MS) {
            return Ok(None);
        }
        let is_first = files.is_empty();
        let weekly = !is_first && due(newest(&[Reason::Weekly]), 7 * DAY_MS);
        let reason = if weekly {
            Reason::Weekly
        } else {
            Reason::Daily
        };
        self.make(connection, reason, now_unix_ms).map(Some)
    }

    fn rotate(&self, reason: Reason) -> Result<(), StorageError> {
        let files = self.list()?;
        let surplus = files
            .iter()
            .filter(|file| file.reason == reason)
            .skip(reason.keep());
        for file in surplus {
            std::fs::remove_file(self.folder.join(&file.name))
                .map_err(|e| StorageError::from_io(&self.folder, &e))?;
        }
        Ok(())
    }

    /// Replaces what `live` holds by a backup, as one transaction. Today's state has to be backed
    /// up by the caller before.
    ///
    /// # Errors
    /// When the backup is damaged or newer, or the disk refuses; `live` is unchanged then.
    pub fn restore(&self, name: &str, live: &mut Database) -> Result<(), StorageError> {
        let path = self.path(name).ok_or_else(|| StorageError::Missing {
            path: self.folder.join(name),
        })?;
        let source = Database::open_to_read(&path)?;
        if source.is_newer() {
            return Err(StorageError::Newer {
                path,
                found: source.schema_version(),
                known: live.schema_version(),
            });
        }
        let live_path = live.path().to_owned();
        let failed = |e: rusqlite::Error| StorageError::from_sqlite(&live_path, &e);
        {
            let copy = Backup::new(source.connection(), live.connection_mut()).map_err(failed)?;
            match copy.step(-1).map_err(failed)? {
                StepResult::Done => {}
                _ => return Err(StorageError::Locked { path: live_path }),
            }
        }
        live.migrate()
    }
}

fn name_of(unix_ms: i64, reason: Reason) -> String {
    format!("{}-{}.sqlite", file_stamp(unix_ms), reason.id())
}

fn parse_name(name: &str) -> Option<(i64, Reason)> {
    let (time, reason) = name.strip_suffix(".sqlite")?.split_once('-')?;
    let reason = Reason::ALL.into_iter().find(|r| r.id() == reason)?;
    Some((parse_file_stamp(time)?, reason))
}

/// Sets a damaged database and its side files aside into `folder`; where it lies now.
///
/// # Errors
/// Those of the file system.
pub fn set_damaged_aside(
    database: &Path,
    folder: &Path,
    now_unix_ms: i64,
) -> Result<PathBuf, StorageError> {
    let io = |e: io::Error| StorageError::from_io(folder, &e);
    std::fs::create_dir_all(folder).map_err(io)?;
    let place = folder.join(format!("{}.sqlite", file_stamp(now_unix_ms)));
    // The log first: a log beside a new database would be taken for its own.
    for suffix in ["-wal", "-shm", ""] {
        let from = super::database::side_file(database, suffix);
        if from.exists() {
            std::fs::rename(&from, super::database::side_file(&place, suffix)).map_err(io)?;
        }
    }
    atomic::sync_folder(folder).map_err(io)?;
    Ok(place)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn library(folder: &Path) -> Database {
        Database::open_to_write(&folder.join("library.sqlite"), &|_| Ok(())).unwrap()
    }

    fn add_party(database: &Database, id: &str) {
        let row = catalogue::PartyRow {
            id: id.into(),
            name: id.into(),
            defaults: "{}".into(),
        };
        catalogue::add_party(database.connection(), &row, 0).unwrap();
    }

    #[test]
    fn names_tell_time_and_reason_and_come_back() {
        for ms in [0, 951_782_400_123, 1_763_690_400_000, 4_102_444_799_999] {
            for reason in Reason::ALL {
                assert_eq!(parse_name(&name_of(ms, reason)), Some((ms, reason)));
            }
        }
        for other in [
            "",
            "a.sqlite",
            "../20000229T000000000Z-daily.sqlite",
            "2000-daily.sqlite",
        ] {
            assert_eq!(parse_name(other), None);
        }
    }

    #[test]
    fn a_restore_brings_back_what_the_backup_holds() {
        let folder = tempfile::tempdir().unwrap();
        let mut live = library(folder.path());
        let backups = Backups::new(folder.path().join("backups"));
        add_party(&live, "first");
        let name = backups
            .make(live.connection(), Reason::Asked, 1000)
            .unwrap();
        assert_eq!(
            backups.holds(&name).unwrap().to_string(),
            "1 party, 0 games, 0 scenes"
        );
        add_party(&live, "second");
        backups.restore(&name, &mut live).unwrap();
        let names: Vec<_> = catalogue::parties(live.connection())
            .unwrap()
            .into_iter()
            .map(|p| p.name)
            .collect();
        assert_eq!(names, ["first"]);
        drop(live);
        let again = library(folder.path());
        assert_eq!(catalogue::parties(again.connection()).unwrap().len(), 1);
    }

    #[test]
    fn a_damaged_backup_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut live = library(folder.path());
        add_party(&live, "first");
        let backups = Backups::new(folder.path().join("backups"));
        let name = backups
            .make(live.connection(), Reason::Asked, 1000)
            .unwrap();
        std::fs::write(backups.path(&name).unwrap(), b"rotten".repeat(2000)).unwrap();
        let error = backups.restore(&name, &mut live).unwrap_err();
        assert!(matches!(error, StorageError::Damaged { .. }), "{error}");
        assert_eq!(catalogue::parties(live.connection()).unwrap().len(), 1);
        assert!(backups.restore("../library.sqlite", &mut live).is_err());
    }

    #[test]
    fn a_year_of_use_keeps_a_bounded_number() {
        let folder = tempfile::tempdir().unwrap();
        let live = library(folder.path());
        let backups = Backups::new(folder.path().join("backups"));
        for hour in (0..24 * 60).step_by(8) {
            backups
                .make_if_due(live.connection(), hour * 3_600_000)
                .unwrap();
        }
        let files = backups.list().unwrap();
        let count = |reason| files.iter().filter(|f| f.reason == reason).count();
        assert_eq!((count(Reason::Daily), count(Reason::Weekly)), (7, 4));
        assert_eq!(files.len(), 11);
        assert!(files.is_sorted_by(|a, b| a.made_unix_ms >= b.made_unix_ms));
        assert!(files.last().unwrap().made_unix_ms > 30 * DAY_MS);
    }
}
