//! What can go wrong with a library's files, each as one sentence for the user: what happened,
//! what it means for the data, what to do.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Why files of a library could not be read or written. Cheap to clone: the storage thread
/// reports the same failure to several listeners.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StorageError {
    /// There is no library there.
    #[error("there is no library in {}; nothing was changed; check the folder's name", .path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A database, but another program's.
    #[error(
        "{} belongs to another program and is not a Tableglow library; nothing in it was changed; \
         choose another folder",
        .path.display()
    )]
    NotALibrary {
        /// The file.
        path: PathBuf,
    },
    /// The bytes are not what was written.
    #[error(
        "{} is damaged ({detail}); nothing in it was changed; open the library in the app to set \
         the file aside and go on from the newest backup",
        .path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What the check says.
        detail: String,
    },
    /// Written by a newer version.
    #[error(
        "the library in {} was written by a newer Tableglow (format {found}, this one knows \
         {known}); it can be read and not changed here; update Tableglow to work on it",
        .path.display()
    )]
    Newer {
        /// The library.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The newest format that is understood.
        known: i64,
    },
    /// Another process writes it.
    #[error(
        "the library in {} is being changed by another running program; nothing was changed; \
         close that program, or try again in a moment",
        .path.display()
    )]
    Locked {
        /// The library.
        path: PathBuf,
    },
    /// No room.
    #[error(
        "the disk that holds {} is full; what was saved before is safe; make room on it and try \
         again",
        .path.display()
    )]
    DiskFull {
        /// What was written.
        path: PathBuf,
    },
    /// A read-only disk, or no permission.
    #[error(
        "{} cannot be written: the disk is read-only or the permission is missing; what was saved \
         before is safe; choose a folder that you may write",
        .path.display()
    )]
    NotWritable {
        /// What was to be written.
        path: PathBuf,
    },
    /// The library was opened for reading.
    #[error(
        "the library in {} is open for reading only, so this was not done; nothing was changed",
        .path.display()
    )]
    ReadOnly {
        /// The library.
        path: PathBuf,
    },
    /// Anything else the system says.
    #[error("{} could not be used: {detail}; what was saved before is safe; try again", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        detail: String,
    },
    /// The storage thread has ended.
    #[error("the library is closed, so this was not saved; open it again")]
    Closed,
    /// More than one record can hold.
    #[error(
        "a change of {mib} MiB is more than a library takes at once, so it was not saved; split it up"
    )]
    TooLarge {
        /// Its size in MiB.
        mib: usize,
    },
}

impl StorageError {
    /// What an error of the file system means for `path`.
    #[must_use]
    pub fn from_io(path: &Path, error: &io::Error) -> Self {
        let path = path.to_owned();
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path },
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
                Self::NotWritable { path }
            }
            _ => Self::Io {
                path,
                detail: error.to_string(),
            },
        }
    }

    /// What an error of SQLite means for the database `path`.
    #[must_use]
    pub fn from_sqlite(path: &Path, error: &rusqlite::Error) -> Self {
        let owned = path.to_owned();
        let detail = || error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged {
                path: owned,
                detail: detail(),
            },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Self::Locked { path: owned }
            }
            Some(ErrorCode::DiskFull) => Self::DiskFull { path: owned },
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
                Self::NotWritable { path: owned }
            }
            Some(ErrorCode::TooBig) => Self::TooLarge { mib: 1000 },
            _ => Self::Io {
                path: owned,
                detail: detail(),
            },
        }
    }

    /// Whether trying again later may help.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Locked { .. }
                | Self::DiskFull { .. }
                | Self::NotWritable { .. }
                | Self::Io { .. }
        )
    }
}
