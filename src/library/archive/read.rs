//! Reads a campaign archive that may have been made by anybody.

use std::collections::HashSet;
use std::io::{self, Read, Seek, SeekFrom};

use zip::read::ZipFile;
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use super::{
    ArchiveError, FORMAT, FORMAT_VERSION, Limits, MANIFEST, Manifest, document_entry, picture_entry,
};
use crate::storage::blobs::{hash_of, is_hash};

/// Below this an entry may be packed as tightly as it likes.
const RATIO_FREE_BYTES: u64 = 1 << 20;
/// The longest id, and the longest name, in characters.
const MOST_TEXT: usize = 1000;
const END_OF_DIRECTORY: [u8; 4] = *b"PK\x05\x06";
const END_OF_DIRECTORY_64: [u8; 4] = *b"PK\x06\x07";

/// An open archive whose directory and manifest are sound.
pub struct Archive<R> {
    zip: ZipArchive<R>,
    manifest: Manifest,
    limits: Limits,
    unpacked_bytes: u64,
    strangers: Vec<String>,
}

impl<R: Read + Seek> Archive<R> {
    /// Reads directory and manifest, and checks both.
    ///
    /// # Errors
    /// [`ArchiveError`]; nothing was unpacked but the manifest.
    pub fn open(mut source: R, limits: Limits) -> Result<Self, ArchiveError> {
        check_end(&mut source, &limits)?;
        source.seek(SeekFrom::Start(0))?;
        let mut zip = ZipArchive::new(source).map_err(not_an_archive)?;
        let strangers = check_directory(&mut zip, &limits)?;
        let mut archive = Self {
            zip,
            manifest: Manifest {
                format: String::new(),
                format_version: 0,
                written_by: String::new(),
                parties: Vec::new(),
                pictures: Vec::new(),
            },
            limits,
            unpacked_bytes: 0,
            strangers,
        };
        archive.manifest = archive.read_manifest()?;
        archive.check_manifest()?;
        Ok(archive)
    }

    /// What the archive says that it holds.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Entries that do not belong into a campaign archive; they are never read.
    #[must_use]
    pub fn strangers(&self) -> &[String] {
        &self.strangers
    }

    /// A document by its hash.
    ///
    /// # Errors
    /// When it is not there, too large or not what its hash says.
    pub fn document(&mut self, hash: &str) -> Result<Vec<u8>, ArchiveError> {
        let limit = self.limits.document_bytes;
        let bytes = self.read_entry(&document_entry(hash), limit)?;
        if hash_of(&bytes) == hash {
            Ok(bytes)
        } else {
            Err(ArchiveError::Damaged(
                "a document is not what its name says".into(),
            ))
        }
    }

    /// Reads a picture's file from beginning to end through `take`. That its bytes have this hash
    /// is for `take` to check, which sees all of them.
    ///
    /// # Errors
    /// When it is not there or above a limit, and those of `take`.
    pub fn picture<T, E: From<ArchiveError>>(
        &mut self,
        hash: &str,
        take: impl FnOnce(&mut dyn Read) -> Result<T, E>,
    ) -> Result<T, E> {
        let room = self.limits.total_bytes.saturating_sub(self.unpacked_bytes);
        let ratio = self.limits.ratio;
        let entry = self.zip.by_name(&picture_entry(hash)).map_err(damaged)?;
        let mut reader = Guarded::new(entry, room, ratio);
        let result = take(&mut reader);
        let (read, refused) = (reader.read, reader.refused);
        self.unpacked_bytes += read;
        match refused {
            // The limit is the reason, whatever `take` makes of it.
            Some(why) => Err(ArchiveError::TooMuch(why).into()),
            None => result,
        }
    }

    fn read_manifest(&mut self) -> Result<Manifest, ArchiveError> {
        if self.zip.index_for_name(MANIFEST).is_none() {
            return Err(ArchiveError::NotACampaign("it has no manifest".into()));
        }
        let bytes = self.read_entry(MANIFEST, self.limits.manifest_bytes)?;
        /// Read first, so that a newer manifest is told as one however it looks.
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Head {
            format: String,
            format_version: u32,
        }
        let no_campaign = |e: serde_json::Error| ArchiveError::NotACampaign(e.to_string());
        let head: Head = serde_json::from_slice(&bytes).map_err(no_campaign)?;
        if head.format != FORMAT {
            return Err(ArchiveError::NotACampaign("it is of another kind".into()));
        }
        if head.format_version > FORMAT_VERSION {
            return Err(ArchiveError::Newer {
                found: head.format_version,
            });
        }
        serde_json::from_slice(&bytes).map_err(no_campaign)
    }

    /// Ids are unique, names bearable, and what is named is there.
    fn check_manifest(&self) -> Result<(), ArchiveError> {
        let wrong = |what: &str| Err(ArchiveError::Damaged(what.to_owned()));
        let mut ids = HashSet::new();
        let mut documents = Vec::new();
        for party in &self.manifest.parties {
            documents.extend(&party.document);
            let mut named = vec![(&party.id, &party.name)];
            for game in &party.games {
                documents.extend(&game.document);
                named.push((&game.id, &game.name));
            }
            for (id, name) in named {
                if id.is_empty() || id.len() > MOST_TEXT || name.len() > 4 * MOST_TEXT {
                    return wrong("an id or a name is empty or too long");
                }
                if !ids.insert(id) {
                    return wrong("an id occurs twice");
                }
            }
        }
        for hash in documents {
            if !is_hash(hash) || self.zip.index_for_name(&document_entry(hash)).is_none() {
                return wrong("a document is missing");
            }
        }
        let mut hashes = HashSet::new();
        for picture in &self.manifest.pictures {
            let hash = &picture.hash;
            if !is_hash(hash) || self.zip.index_for_name(&picture_entry(hash)).is_none() {
                return wrong("a picture is missing");
            }
            if !hashes.insert(hash) {
                return wrong("a picture is listed twice");
            }
            if picture
                .locations
                .iter()
                .any(|l| l.is_empty() || l.len() > MOST_TEXT)
            {
                return wrong("a picture's key is empty or too long");
            }
        }
        Ok(())
    }

    fn read_entry(&mut self, name: &str, most_bytes: u64) -> Result<Vec<u8>, ArchiveError> {
        let room = self.limits.total_bytes.saturating_sub(self.unpacked_bytes);
        let ratio = self.limits.ratio;
        let entry = self.zip.by_name(name).map_err(damaged)?;
        let mut reader = Guarded::new(entry, room.min(most_bytes), ratio);
        let mut bytes = Vec::new();
        let result = reader.read_to_end(&mut bytes);
        self.unpacked_bytes += reader.read;
        match (reader.refused, result) {
            (Some(why), _) => Err(ArchiveError::TooMuch(why)),
            (None, Ok(_)) => Ok(bytes),
            (None, Err(error)) => Err(ArchiveError::Damaged(error.to_string())),
        }
    }
}

/// Reads an entry and stops at a limit, whatever the headers say.
struct Guarded<'a, R: Read> {
    entry: ZipFile<'a, R>,
    packed: u64,
    most_bytes: u64,
    ratio: u64,
    read: u64,
    refused: Option<String>,
}

impl<'a, R: Read> Guarded<'a, R> {
    fn new(entry: ZipFile<'a, R>, most_bytes: u64, ratio: u64) -> Self {
        Self {
            packed: entry.compressed_size(),
            entry,
            most_bytes,
            ratio,
            read: 0,
            refused: None,
        }
    }
}

impl<R: Read> Read for Guarded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.entry.read(buffer)?;
        self.read += read as u64;
        if self.read > self.most_bytes {
            self.refused = Some(format!("it holds more than {} MiB", self.most_bytes >> 20));
        } else if self.read > RATIO_FREE_BYTES && self.read / self.ratio.max(1) > self.packed {
            self.refused = Some(format!(
                "it unpacks to more than {} times its size",
                self.ratio
            ));
        }
        if self.refused.is_some() {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(read)
    }
}

/// Looks at the end of the file before the ZIP reader does: that one would list any number of
/// entries. Archives of this format never need the 64-bit form.
fn check_end(source: &mut (impl Read + Seek), limits: &Limits) -> Result<(), ArchiveError> {
    let size = source.seek(SeekFrom::End(0))?;
    if size > limits.total_bytes {
        return Err(ArchiveError::TooMuch(format!(
            "it is larger than {} MiB",
            limits.total_bytes >> 20
        )));
    }
    // The record has 22 bytes and a comment of up to 65535 behind it, the 64-bit locator 20
    // before it.
    let tail_bytes = size.min(22 + 65_535 + 20);
    source.seek(SeekFrom::Start(size - tail_bytes))?;
    let mut tail = Vec::new();
    source.take(tail_bytes).read_to_end(&mut tail)?;
    let mut ends = 0;
    for (at, window) in tail.windows(22).enumerate() {
        if !window.starts_with(&END_OF_DIRECTORY) {
            continue;
        }
        ends += 1;
        let entries = match window {
            [_, _, _, _, _, _, _, _, _, _, low, high, ..] => u16::from_le_bytes([*low, *high]),
            _ => 0,
        };
        let before = at.checked_sub(20).and_then(|from| tail.get(from..));
        if before.is_some_and(|before| before.starts_with(&END_OF_DIRECTORY_64))
            || usize::from(entries) > limits.entries
        {
            return Err(ArchiveError::TooMuch(format!(
                "it has more than {} entries",
                limits.entries
            )));
        }
    }
    if ends == 0 {
        return Err(ArchiveError::NotAnArchive("its end is missing".into()));
    }
    Ok(())
}

/// Checks the directory; the names of entries that do not belong here.
fn check_directory<R: Read + Seek>(
    zip: &mut ZipArchive<R>,
    limits: &Limits,
) -> Result<Vec<String>, ArchiveError> {
    let wrong = |what: &str| Err(ArchiveError::Damaged(what.to_owned()));
    if zip.len() > limits.entries {
        return Err(ArchiveError::TooMuch(format!(
            "it has more than {} entries",
            limits.entries
        )));
    }
    if zip.has_duplicate_names() {
        return wrong("a name occurs twice");
    }
    if zip.has_overlapping_entries().map_err(not_an_archive)? {
        return wrong("entries overlap");
    }
    let mut strangers = Vec::new();
    let mut claimed: u64 = 0;
    for index in 0..zip.len() {
        let entry = zip.by_index_raw(index).map_err(not_an_archive)?;
        let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
        claimed = claimed.saturating_add(entry.size());
        if !belongs(&name) {
            strangers.push(name.chars().take(200).collect());
            continue;
        }
        if entry.encrypted() || entry.is_symlink() || entry.is_dir() {
            return wrong("an entry is encrypted or no plain file");
        }
        if !matches!(
            entry.compression(),
            CompressionMethod::Stored | CompressionMethod::Deflated
        ) {
            return wrong("an entry is packed in an unknown way");
        }
    }
    if claimed > limits.total_bytes {
        return Err(ArchiveError::TooMuch(format!(
            "it holds more than {} MiB",
            limits.total_bytes >> 20
        )));
    }
    Ok(strangers)
}

/// Whether an entry of this name is one of ours: no other name is ever read.
fn belongs(name: &str) -> bool {
    let document = name
        .strip_prefix("documents/")
        .and_then(|rest| rest.strip_suffix(".bin"));
    name == MANIFEST
        || document
            .or_else(|| name.strip_prefix("pictures/"))
            .is_some_and(is_hash)
}

fn not_an_archive(error: ZipError) -> ArchiveError {
    match error {
        ZipError::Io(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
            ArchiveError::Io(error)
        }
        other => ArchiveError::NotAnArchive(other.to_string()),
    }
}

fn damaged(error: ZipError) -> ArchiveError {
    match error {
        ZipError::FileNotFound => ArchiveError::Damaged("an entry is missing".into()),
        other => not_an_archive(other),
    }
}
