//! Writes a campaign archive from parts that lie in memory or in files.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, System, ZipWriter};

use super::{
    ArchiveError, FORMAT, FORMAT_VERSION, GameRecord, MANIFEST, Manifest, PartyRecord,
    PictureRecord, document_entry, picture_entry,
};
use crate::import::picture::{self, PictureReader};
use crate::model::id::{GameSessionId, PartyId};
use crate::model::party::PartyDefaults;
use crate::storage::atomic;
use crate::storage::blobs::{hash_of, hex};

/// A party to be archived.
#[derive(Debug, Clone, PartialEq)]
pub struct PartyContents {
    /// Its id.
    pub id: PartyId,
    /// Its name.
    pub name: String,
    /// What new scenes start with.
    pub defaults: PartyDefaults,
    /// A Y update (version 1) that makes its document.
    pub document: Option<Vec<u8>>,
    /// Its game sessions, the last used first.
    pub games: Vec<GameContents>,
}

/// A game session to be archived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GameContents {
    /// Its id.
    pub id: GameSessionId,
    /// Its name.
    pub name: String,
    /// A Y update (version 1) that makes its document.
    pub document: Option<Vec<u8>>,
    /// How many scenes it has.
    pub scenes: u32,
}

/// Where a picture's file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PictureFile {
    /// In memory.
    Bytes(Vec<u8>),
    /// In a file.
    Path(PathBuf),
}

impl PictureFile {
    fn open(&self) -> io::Result<Box<dyn ReadSeek + '_>> {
        Ok(match self {
            Self::Bytes(bytes) => Box::new(io::Cursor::new(bytes.as_slice())),
            Self::Path(path) => Box::new(File::open(path)?),
        })
    }
}

trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}

/// What goes into an archive.
#[derive(Debug, Default)]
pub struct Contents {
    parties: Vec<PartyRecord>,
    documents: BTreeMap<String, Vec<u8>>,
    pictures: BTreeMap<String, (PictureRecord, PictureFile)>,
}

impl Contents {
    /// Adds a party with its game sessions.
    pub fn add_party(&mut self, party: PartyContents) {
        let games = party
            .games
            .into_iter()
            .map(|game| GameRecord {
                id: game.id.to_string(),
                name: game.name,
                document: game.document.map(|bytes| self.add_document(bytes)),
                scenes: game.scenes,
            })
            .collect();
        let document = party.document.map(|bytes| self.add_document(bytes));
        self.parties.push(PartyRecord {
            id: party.id.to_string(),
            name: party.name,
            defaults: party.defaults,
            document,
            games,
        });
    }

    fn add_document(&mut self, bytes: Vec<u8>) -> String {
        let hash = hash_of(&bytes);
        self.documents.entry(hash.clone()).or_insert(bytes);
        hash
    }

    /// Adds a picture that documents know as `location` (see
    /// [`PictureUse::location`](crate::library::pictures::PictureUse::location) for what new ones
    /// are called); its hash. Adding it again adds the location.
    ///
    /// # Errors
    /// When it cannot be read, or its head is no picture's.
    pub fn add_picture(
        &mut self,
        location: impl FnOnce(&str, &picture::PictureInfo) -> String,
        name: &str,
        file: PictureFile,
    ) -> Result<String, ArchiveError> {
        let (hash, bytes) = hash_file(&mut *file.open()?)?;
        let head =
            PictureReader::open(file.open()?, &picture::Limits::default()).map_err(|error| {
                ArchiveError::Picture {
                    name: name.to_owned(),
                    error,
                }
            })?;
        let info = *head.info();
        drop(head);
        let location = location(&hash, &info);
        let (record, _) = self.pictures.entry(hash.clone()).or_insert_with(|| {
            let record = PictureRecord {
                hash: hash.clone(),
                format: info.format.id().to_owned(),
                width: info.width,
                height: info.height,
                bytes,
                name: name.to_owned(),
                locations: Vec::new(),
            };
            (record, file)
        });
        if let Err(at) = record.locations.binary_search(&location) {
            record.locations.insert(at, location);
        }
        Ok(hash)
    }

    /// The manifest that this gives.
    #[must_use]
    pub fn manifest(&self) -> Manifest {
        Manifest {
            format: FORMAT.to_owned(),
            format_version: FORMAT_VERSION,
            written_by: concat!("tableglow ", env!("CARGO_PKG_VERSION")).to_owned(),
            parties: self.parties.clone(),
            pictures: self.pictures.values().map(|(r, _)| r.clone()).collect(),
        }
    }

    /// Writes the archive into a file, whole or not at all; its size.
    ///
    /// # Errors
    /// Those of the file system, and pictures that changed since they were added.
    pub fn write_file(&self, to: &Path) -> Result<u64, ArchiveError> {
        let mut failed = None;
        let written = atomic::write_file(to, |file| {
            self.write_to(file).map_err(|error| match error {
                ArchiveError::Io(error) => error,
                other => {
                    failed = Some(other);
                    io::ErrorKind::InvalidData.into()
                }
            })
        });
        match (written, failed) {
            (_, Some(error)) => Err(error),
            (Err(error), None) => Err(error.into()),
            (Ok(()), None) => Ok(std::fs::metadata(to)?.len()),
        }
    }

    /// Writes the archive.
    ///
    /// # Errors
    /// As [`Self::write_file`].
    pub fn write_to(&self, target: &mut (impl Write + Seek)) -> Result<(), ArchiveError> {
        target.seek(SeekFrom::Start(0))?;
        let mut zip = ZipWriter::new(target);
        let manifest = serde_json::to_vec_pretty(&self.manifest())
            .map_err(|e| ArchiveError::Io(io::Error::other(e)))?;
        start(&mut zip, MANIFEST, CompressionMethod::Deflated)?;
        zip.write_all(&manifest)?;
        for (hash, bytes) in &self.documents {
            start(&mut zip, &document_entry(hash), CompressionMethod::Deflated)?;
            zip.write_all(bytes)?;
        }
        for (hash, (record, file)) in &self.pictures {
            // Picture files are compressed already.
            start(&mut zip, &picture_entry(hash), CompressionMethod::Stored)?;
            let mut hasher = Sha256::new();
            let mut source = file.open()?;
            copy(&mut *source, |chunk| {
                hasher.update(chunk);
                zip.write_all(chunk)
            })?;
            if hex(&hasher.finalize()) != *hash {
                return Err(ArchiveError::Damaged(format!(
                    "the picture {} is no longer what it was when it was added",
                    record.name
                )));
            }
        }
        zip.finish().map_err(zip_error)?;
        Ok(())
    }
}

fn start<W: Write + Seek>(
    zip: &mut ZipWriter<W>,
    name: &str,
    method: CompressionMethod,
) -> Result<(), ArchiveError> {
    let options = SimpleFileOptions::default()
        .compression_method(method)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644)
        .system(System::Unix);
    zip.start_file(name, options).map_err(zip_error)
}

fn zip_error(error: zip::result::ZipError) -> ArchiveError {
    match error {
        zip::result::ZipError::Io(error) => ArchiveError::Io(error),
        other => ArchiveError::Io(io::Error::other(other.to_string())),
    }
}

fn hash_file(source: &mut dyn ReadSeek) -> io::Result<(String, u64)> {
    let mut hasher = Sha256::new();
    let bytes = copy(source, |chunk| {
        hasher.update(chunk);
        Ok(())
    })?;
    Ok((hex(&hasher.finalize()), bytes))
}

fn copy(
    source: &mut dyn ReadSeek,
    mut sink: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<u64> {
    let mut buffer = vec![0; 256 << 10];
    let mut total = 0;
    loop {
        match source.read(&mut buffer) {
            Ok(0) => return Ok(total),
            Ok(read) => {
                total += read as u64;
                sink(buffer.get(..read).unwrap_or_default())?;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}
