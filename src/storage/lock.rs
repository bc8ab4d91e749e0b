//! One writing process per library folder, by a lock that the system takes back when the process
//! ends, however it ends.

use std::fs::{File, TryLockError};
use std::path::Path;

use super::error::StorageError;

/// Held for as long as this process may write the library.
#[derive(Debug)]
pub struct WriterLock {
    _file: File,
}

impl WriterLock {
    /// Takes the lock of a library folder.
    ///
    /// # Errors
    /// [`StorageError::Locked`] when another process holds it, [`StorageError::NotWritable`] when
    /// the folder cannot be written.
    pub fn take(folder: &Path) -> Result<Self, StorageError> {
        let path = folder.join("library.lock");
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|e| StorageError::from_io(folder, &e))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StorageError::Locked {
                path: folder.to_owned(),
            }),
            Err(TryLockError::Error(error)) => Err(StorageError::from_io(folder, &error)),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_writer_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let first = WriterLock::take(folder.path()).unwrap();
        let second = WriterLock::take(folder.path());
        assert!(matches!(second, Err(StorageError::Locked { .. })));
        drop(first);
        WriterLock::take(folder.path()).unwrap();
    }
}
