//! Files that are there whole or not at all, whatever happens while they are written.
//!
//! Temporary file in the same folder, flushed to the disk, renamed over the target, folder
//! flushed.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use tempfile::NamedTempFile;

/// A file that somebody reads is tried again this many times, after pauses that grow twofold from
/// [`FIRST_PAUSE`]: 1.3 seconds in all.
const MOST_TRIES: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(5);

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
    give_name(temporary, path)?;
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
    give_name(temporary, path)?;
    sync_folder(folder_of(path))
}

/// Windows replaces no file that another program reads at this moment, be it a virus scanner or
/// whoever shows the picture: such a one is waited for.
fn give_name(temporary: NamedTempFile, path: &Path) -> io::Result<()> {
    persevere(temporary, is_in_use, |temporary| {
        temporary
            .persist(path)
            .map(drop)
            .map_err(|refused| (refused.error, refused.file))
    })
}

/// Does a step until it is done, it fails for good, or time is up. A step that fails gives back what
/// it was given.
fn persevere<T>(
    mut thing: T,
    may_pass: impl Fn(&io::Error) -> bool,
    mut step: impl FnMut(T) -> Result<(), (io::Error, T)>,
) -> io::Result<()> {
    let mut pause = FIRST_PAUSE;
    for _ in 0..MOST_TRIES {
        match step(thing) {
            Ok(()) => return Ok(()),
            Err((error, given_back)) if may_pass(&error) => thing = given_back,
            Err((error, _)) => return Err(error),
        }
        std::thread::sleep(pause);
        pause *= 2;
    }
    step(thing).map_err(|(error, _)| error)
}

/// What Windows says of a file that somebody has open: access denied, a sharing violation or a lock.
fn is_in_use(error: &io::Error) -> bool {
    cfg!(windows) && matches!(error.raw_os_error(), Some(5 | 32 | 33))
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

    #[test]
    fn what_may_pass_is_tried_again_and_nothing_else_is() {
        let busy = || io::Error::from(io::ErrorKind::ResourceBusy);
        let may_pass = |error: &io::Error| error.kind() == io::ErrorKind::ResourceBusy;
        let mut tries = 0;
        persevere("it", may_pass, |thing| {
            tries += 1;
            if tries < 4 {
                Err((busy(), thing))
            } else {
                Ok(())
            }
        })
        .unwrap();
        assert_eq!(tries, 4);

        let mut tries = 0;
        let gone = persevere("it", may_pass, |thing| {
            tries += 1;
            Err((io::ErrorKind::StorageFull.into(), thing))
        });
        assert_eq!(gone.unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(tries, 1);

        let for_ever = persevere("it", may_pass, |thing| Err((busy(), thing)));
        assert_eq!(for_ever.unwrap_err().kind(), io::ErrorKind::ResourceBusy);
    }

    #[cfg(windows)]
    #[test]
    fn a_file_that_a_program_reads_is_replaced_as_soon_as_it_is_let_go() {
        use std::os::windows::fs::OpenOptionsExt as _;
        // As most programs open files: others may read, and neither write nor delete.
        const SHARE_READ: u32 = 1;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.png");
        write_file(&path, |file| file.write_all(b"old")).unwrap();
        let open = || {
            let mut options = File::options();
            options.read(true).share_mode(SHARE_READ);
            options.open(&path).unwrap()
        };
        let held = open();
        let refused = write_file(&path, |file| file.write_all(b"new"));
        assert!(refused.is_err(), "held for longer than anybody waits");
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        drop(held);
        let (read, is_read) = crossbeam_channel::bounded(1);
        std::thread::scope(|scope| {
            let held = open();
            scope.spawn(move || {
                is_read.recv().unwrap();
                drop(held);
            });
            write_file(&path, |file| {
                file.write_all(b"new")?;
                read.send(()).unwrap();
                Ok(())
            })
            .unwrap();
        });
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
