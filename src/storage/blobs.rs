//! Content-addressed files: `blobs/ab/abcdef…`, named by the SHA-256 of what they hold.
//!
//! A file is there whole or not at all; equal content is one file. Nothing is ever deleted except
//! by [`Blobs::sweep`], which is told what to keep and leaves young files alone.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use super::atomic;

/// A folder of content-addressed files.
#[derive(Debug, Clone)]
pub struct Blobs {
    folder: PathBuf,
}

/// A file that is written and not yet named: dropped, it leaves nothing behind.
#[derive(Debug)]
pub struct PendingBlob {
    file: NamedTempFile,
    /// Lower-case hex SHA-256 of the content.
    pub hash: String,
    /// Its size.
    pub bytes: u64,
}

impl PendingBlob {
    /// The content, from its beginning.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn reopen(&self) -> io::Result<File> {
        self.file.reopen()
    }
}

impl Blobs {
    /// The blobs below `folder`; it is made when something is put in.
    #[must_use]
    pub const fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Where the blob of a hash lies, if there is one. `None` too for what is no hash.
    #[must_use]
    pub fn path(&self, hash: &str) -> Option<PathBuf> {
        is_hash(hash).then(|| self.folder.join(&hash[..2]).join(hash))
    }

    /// Whether a blob is there.
    #[must_use]
    pub fn contains(&self, hash: &str) -> bool {
        self.path(hash).is_some_and(|path| path.is_file())
    }

    /// Opens a blob.
    ///
    /// # Errors
    /// `NotFound`, and those of the file system.
    pub fn open(&self, hash: &str) -> io::Result<File> {
        let path = self.path(hash).ok_or(io::ErrorKind::NotFound)?;
        File::open(path)
    }

    /// Copies a source of at most `most_bytes` into a nameless file, hashing it on the way.
    ///
    /// # Errors
    /// `FileTooLarge` above the limit, and those of the source and the file system.
    pub fn receive(&self, source: &mut dyn Read, most_bytes: u64) -> io::Result<PendingBlob> {
        std::fs::create_dir_all(&self.folder)?;
        let mut file = NamedTempFile::new_in(&self.folder)?;
        let mut hasher = Sha256::new();
        let bytes = copy_hashing(source, &mut hasher, most_bytes, |chunk| {
            file.write_all(chunk)
        })?;
        Ok(PendingBlob {
            file,
            hash: hex(&hasher.finalize()),
            bytes,
        })
    }

    /// Gives a received file its name, durably; one that is there already stays.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn keep(&self, pending: PendingBlob) -> io::Result<()> {
        let path = self
            .path(&pending.hash)
            .ok_or(io::ErrorKind::InvalidFilename)?;
        if path.is_file() && path.metadata()?.len() == pending.bytes {
            return Ok(());
        }
        if let Some(parent) = path.parent()
            && !parent.is_dir()
        {
            std::fs::create_dir_all(parent)?;
            atomic::sync_folder(&self.folder)?;
        }
        atomic::put_in_place(pending.file, &path)
    }

    /// Whether a blob still holds what its name says.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn verify(&self, hash: &str) -> io::Result<bool> {
        let mut hasher = Sha256::new();
        copy_hashing(&mut self.open(hash)?, &mut hasher, u64::MAX, |_| Ok(()))?;
        Ok(hex(&hasher.finalize()) == hash)
    }

    /// Deletes blobs that are neither in `keep` nor younger than `grace`; returns how many. Only
    /// call it with a list that was read without any error: what is not in it is deleted.
    ///
    /// # Errors
    /// Those of the file system; what was deleted until then stays deleted.
    pub fn sweep(&self, keep: &HashSet<String>, grace: Duration) -> io::Result<usize> {
        let mut deleted = 0;
        let now = SystemTime::now();
        for file in files_below(&self.folder)? {
            let name = file
                .file_name()
                .and_then(|n| n.to_str())
                .unwrap_or_default();
            let is_old = file
                .metadata()?
                .modified()
                .ok()
                .and_then(|at| now.duration_since(at).ok())
                .is_some_and(|age| age >= grace);
            if is_old && !keep.contains(name) {
                std::fs::remove_file(&file)?;
                deleted += 1;
            }
        }
        Ok(deleted)
    }
}

/// Reads a source to its end, hashing it and handing it on; its size.
fn copy_hashing(
    source: &mut dyn Read,
    hasher: &mut Sha256,
    most_bytes: u64,
    mut sink: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<u64> {
    let mut buffer = vec![0; 256 << 10];
    let mut bytes: u64 = 0;
    loop {
        let read = match source.read(&mut buffer) {
            Ok(0) => return Ok(bytes),
            Ok(read) => read,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        bytes += read as u64;
        if bytes > most_bytes {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let chunk = buffer.get(..read).unwrap_or_default();
        hasher.update(chunk);
        sink(chunk)?;
    }
}

/// Whether a text is a lower-case hex SHA-256.
#[must_use]
pub fn is_hash(text: &str) -> bool {
    text.len() == 64
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// The lower-case hex SHA-256 of bytes.
#[must_use]
pub fn hash_of(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Lower-case hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
    ];
    bytes
        .iter()
        .flat_map(|b| [b >> 4, b & 15])
        .map(|nibble| DIGITS.get(usize::from(nibble)).copied().unwrap_or('0'))
        .collect()
}

fn files_below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    if !folder.is_dir() {
        return Ok(files);
    }
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            for inner in std::fs::read_dir(&path)? {
                files.push(inner?.path());
            }
        } else {
            files.push(path);
        }
    }
    Ok(files)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn equal_content_is_one_file_and_verifies() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::new(folder.path().join("blobs"));
        let content = b"a picture, say".repeat(100_000);
        for _ in 0..2 {
            let pending = blobs.receive(&mut content.as_slice(), 1 << 30).unwrap();
            assert_eq!(pending.hash, hash_of(&content));
            blobs.keep(pending).unwrap();
        }
        let hash = hash_of(&content);
        assert_eq!(files_below(&folder.path().join("blobs")).unwrap().len(), 1);
        assert!(blobs.verify(&hash).unwrap());
        std::fs::write(blobs.path(&hash).unwrap(), b"rot").unwrap();
        assert!(!blobs.verify(&hash).unwrap());
    }

    #[test]
    fn a_source_that_fails_or_is_too_long_leaves_nothing() {
        struct Fails;
        impl Read for Fails {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::ConnectionReset.into())
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::new(folder.path().to_owned());
        assert!(blobs.receive(&mut b"abc".chain(Fails), 100).is_err());
        assert!(blobs.receive(&mut [0; 101].as_slice(), 100).is_err());
        assert_eq!(files_below(folder.path()).unwrap().len(), 0);
    }

    #[test]
    fn names_that_are_no_hash_lead_nowhere() {
        let blobs = Blobs::new("blobs".into());
        for name in [
            "",
            "..",
            "../../etc/passwd",
            &"g".repeat(64),
            &"A".repeat(64),
        ] {
            assert_eq!(blobs.path(name), None);
        }
    }

    #[test]
    fn a_sweep_keeps_the_listed_and_the_young() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::new(folder.path().to_owned());
        for content in [b"a", b"b"] {
            let pending = blobs.receive(&mut content.as_slice(), 10).unwrap();
            blobs.keep(pending).unwrap();
        }
        let keep = HashSet::from([hash_of(b"a")]);
        assert_eq!(blobs.sweep(&keep, Duration::from_secs(3600)).unwrap(), 0);
        assert_eq!(blobs.sweep(&keep, Duration::ZERO).unwrap(), 1);
        assert!(blobs.contains(&hash_of(b"a")));
        assert!(!blobs.contains(&hash_of(b"b")));
    }
}
