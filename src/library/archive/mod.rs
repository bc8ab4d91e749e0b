//! The one-file campaign archive (`.tableglow`): a ZIP of a manifest, documents and pictures.
//!
//! ```text
//! manifest.json              what there is, and what belongs together (see [`Manifest`])
//! documents/<sha256>.bin     a Y update (version 1) that makes the document
//! pictures/<sha256>          a picture's file, as it was added
//! ```
//!
//! Everything but the manifest is named by the SHA-256 of its bytes, and equal bytes are one
//! entry. The same contents give the same archive, byte for byte: entries are sorted, times fixed.
//!
//! An archive comes from a stranger: entries are read into memory or the picture store, never by
//! their names into folders; sizes are counted while reading and not taken from headers; every
//! hash is checked. [`Limits`] says what is too much.
//!
//! [`write`] and [`read`] know no library: the sample campaign is made with the one, and
//! `inspect` reads with the other. [`super::exchange`] connects them with a library.

pub mod read;
pub mod write;

use serde::{Deserialize, Serialize};

use crate::model::party::PartyDefaults;

/// What the manifest's `format` says.
pub const FORMAT: &str = "tableglow-campaign";
/// The version of the format that is written; greater ones are not read.
pub const FORMAT_VERSION: u32 = 1;
const MANIFEST: &str = "manifest.json";

/// The manifest of an archive. Keys that are not known are ignored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: String,
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The program that wrote it, with its version.
    pub written_by: String,
    /// The parties, in order.
    pub parties: Vec<PartyRecord>,
    /// The pictures, by hash.
    pub pictures: Vec<PictureRecord>,
}

/// A party in the manifest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PartyRecord {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What new scenes start with.
    #[serde(default)]
    pub defaults: PartyDefaults,
    /// Hash of its document, if it has one.
    #[serde(default)]
    pub document: Option<String>,
    /// Its game sessions, the last used first.
    #[serde(default)]
    pub games: Vec<GameRecord>,
}

/// A game session in the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GameRecord {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Hash of its document, if it has one.
    #[serde(default)]
    pub document: Option<String>,
    /// How many scenes it has; for lists only.
    #[serde(default)]
    pub scenes: u32,
}

/// A picture in the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PictureRecord {
    /// Its hash.
    pub hash: String,
    /// `png`, `jpeg`, …
    pub format: String,
    /// Width in pixels, orientation applied.
    pub width: u32,
    /// Height in pixels, orientation applied.
    pub height: u32,
    /// Size of its file.
    pub bytes: u64,
    /// The name of the file that it came from.
    pub name: String,
    /// The keys by which documents know it, sorted.
    pub locations: Vec<String>,
}

/// What an archive may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Entries of any kind.
    pub entries: usize,
    /// Bytes of all entries, unpacked, and of the archive itself.
    pub total_bytes: u64,
    /// Bytes of the manifest.
    pub manifest_bytes: u64,
    /// Bytes of one document.
    pub document_bytes: u64,
    /// Unpacked bytes per packed byte, for entries above a megabyte.
    pub ratio: u64,
}

impl Default for Limits {
    /// 10,000 entries, 2 GiB in all, 16 MiB of manifest, 256 MiB for a document, 200 to 1.
    fn default() -> Self {
        Self {
            entries: 10_000,
            total_bytes: 2 << 30,
            manifest_bytes: 16 << 20,
            document_bytes: 256 << 20,
            ratio: 200,
        }
    }
}

/// Why an archive was not read or written: one sentence for the user.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// Not a ZIP file, or one that is cut off.
    #[error(
        "this is no campaign archive, or a part of one that was cut off ({0}); nothing was taken from it; get the file again"
    )]
    NotAnArchive(String),
    /// A ZIP file of something else.
    #[error("this ZIP file holds no Tableglow campaign ({0}); nothing was taken from it")]
    NotACampaign(String),
    /// Written by a newer version.
    #[error(
        "this campaign archive was written by a newer Tableglow (format {found}, this one reads {FORMAT_VERSION}); nothing was taken from it; update Tableglow to open it"
    )]
    Newer {
        /// Its format.
        found: u32,
    },
    /// Above a limit.
    #[error("this campaign archive is refused because {0}; nothing was taken from it")]
    TooMuch(String),
    /// Bytes that are not what their name says.
    #[error(
        "this campaign archive is damaged or was tampered with ({0}); nothing was taken from it; get the file again"
    )]
    Damaged(String),
    /// A picture that is none.
    #[error("the picture {name} cannot be archived: {error}")]
    Picture {
        /// Its name.
        name: String,
        /// What is wrong.
        error: crate::import::picture::PictureError,
    },
    /// The file system.
    #[error("the campaign archive could not be read or written: {0}; nothing else was changed")]
    Io(#[from] std::io::Error),
}

/// The entry that holds a document.
fn document_entry(hash: &str) -> String {
    format!("documents/{hash}.bin")
}

/// The entry that holds a picture.
fn picture_entry(hash: &str) -> String {
    format!("pictures/{hash}")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
