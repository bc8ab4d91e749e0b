//! The library as a list: parties, game sessions, backups. Plain values for panels and reports.

use std::path::PathBuf;

use crate::model::id::{GameSessionId, PartyId};
use crate::model::party::PartyDefaults;

/// The library as a list.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LibraryView {
    /// Its folder.
    pub folder: PathBuf,
    /// It can be written; a library of a newer version or on a read-only disk cannot.
    pub writable: bool,
    /// Its parties.
    pub parties: Vec<PartyEntry>,
    /// Its backups, the newest first.
    pub backups: Vec<BackupEntry>,
}

/// A party.
#[derive(Debug, Clone, PartialEq)]
pub struct PartyEntry {
    /// Its id.
    pub id: PartyId,
    /// Its name.
    pub name: String,
    /// What new scenes start with.
    pub defaults: PartyDefaults,
    /// Its game sessions, the last used first.
    pub games: Vec<GameEntry>,
}

/// A game session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GameEntry {
    /// Its id.
    pub id: GameSessionId,
    /// Its name.
    pub name: String,
}

/// A backup, and what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupEntry {
    /// Its file name.
    pub name: String,
    /// When it was made, milliseconds since 1970 UTC.
    pub made_unix_ms: i64,
    /// Its size in bytes.
    pub bytes: u64,
    /// What it holds, in words: "2 parties, 3 games, 14 scenes".
    pub holds: String,
}
