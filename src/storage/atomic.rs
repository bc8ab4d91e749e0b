//! Files that are there whole or not at all, whatever happens while they are written.
//!
//! Temporary file in the same folder, flushed to the disk, renamed over the target, folder
//! flushed.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use tempfile::NamedTempFile;

/// Writes `path` whole through `write`, or leaves it as it was.
///
/// # Errors
/// Those of `write` and of the file system.
pub fn write_file(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let folder = folder_of(path);
    let mut temporary = NamedTempFile::new_in(folder)?;
    write(temporary.as_file_mut())?;
    temporary.as_file_mut().flush()?;
    put_in_place(temporary, path)
}

/// As [`write_file`], but readable by its owner alone, as far as the system knows such a thing: for
/// secrets.
///
/// # Errors
/// Those of `write` and of the file system.
pub fn write_private_file(
    path: &Path,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    let folder = folder_of(path);
    // Temporary files are made for their owner alone, and this one stays so.
    let mut temporary = NamedTempFile::new_in(folder)?;
    write(temporary.as_file_mut())?;
    temporary.as_file().sync_all()?;
    temporary.persist(path).map_err(|e| e.error)?;
    sync_folder(folder)
}

/// Flushes a finished temporary file and gives it its name, replacing what had it.
///
/// # Errors
/// Those of the file system; the temporary file is gone then.
pub fn put_in_place(temporary: NamedTempFile, path: &Path) -> io::Result<()> {
    // `sync_all` is a full flush on macOS too.
    temporary.as_file().sync_all()?;
    give_usual_permissions(temporary.as_file())?;
    temporary.persist(path).map_err(|e| e.error)?;
    sync_folder(folder_of(path))
}

/// Flushes a folder, so that a rename in it is durable. Windows has no such thing and needs none.
///
/// # Errors
/// Those of the file system.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Temporary files are made for their owner alone; finished ones may be read as others are.
fn give_usual_permissions(file: &File) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        file.set_permissions(std::fs::Permissions::from_mode(0o644))?;
    }
    #[cfg(not(unix))]
    let _ = file;
    Ok(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        write_file(&path, |file| file.write_all(b"old")).unwrap();
        let failed = write_file(&path, |file| {
            file.write_all(b"new but torn")?;
            Err(io::ErrorKind::StorageFull.into())
        });
        assert!(failed.is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        write_file(&path, |file| file.write_all(b"new")).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
    }
}
