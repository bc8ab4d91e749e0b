//! Autosave: every update goes to the store at once, snapshots follow when things calm down.
//!
//! What the store's queue cannot take is kept here, in order, and tried again; an update is never
//! dropped. Knows bytes and documents' names, nothing of their meaning.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::library::saved::Generation;
use crate::library::{DocumentId, Library};
use crate::session::api::Saved;
use crate::storage::writer::Store;

use super::games::OpenGame;

/// A snapshot follows the last change by this much,
const SNAPSHOT_AFTER: Duration = Duration::from_secs(10);
/// and the first one by no more than this.
const SNAPSHOT_AT_LEAST: Duration = Duration::from_secs(30);
/// How soon a full queue is tried again.
const RETRY: Duration = Duration::from_millis(50);

#[derive(Debug, Clone, Copy)]
struct Changes {
    first: Duration,
    last: Duration,
}

/// Saves the updates of all open documents.
pub(super) struct Saver {
    library: Arc<Library>,
    waiting: VecDeque<(DocumentId, Vec<u8>)>,
    appended: Generation,
    changed: HashMap<DocumentId, Changes>,
}

impl Saver {
    pub(super) fn new(library: Arc<Library>) -> Self {
        Self {
            appended: library.appended(),
            library,
            waiting: VecDeque::new(),
            changed: HashMap::new(),
        }
    }

    /// Saves an update of a document.
    pub(super) fn save(&mut self, document: &DocumentId, update: Vec<u8>, now: Duration) {
        self.changed
            .entry(document.clone())
            .and_modify(|changes| changes.last = now)
            .or_insert(Changes {
                first: now,
                last: now,
            });
        self.waiting.push_back((document.clone(), update));
        self.flush();
    }

    /// Hands the store what it could not take before.
    pub(super) fn flush(&mut self) {
        while let Some((document, update)) = self.waiting.pop_front() {
            match self.library.append(&document, update) {
                Ok(generation) => self.appended = generation,
                Err(refused) => {
                    self.waiting.push_front((document, refused.bytes));
                    break;
                }
            }
        }
    }

    /// Everything that was handed in is on disk, or why not.
    pub(super) fn saved(&self) -> Saved {
        let failing = self.library.store().ok().and_then(Store::failing);
        if let Some(error) = failing {
            // The error says what became of older data; this, what becomes of the newest.
            return Saved::Failed(
                format!("{error}; the latest changes are kept in memory and tried again").into(),
            );
        }
        if self.waiting.is_empty() && self.library.durable() >= self.appended {
            Saved::Yes
        } else {
            Saved::Writing
        }
    }

    /// The documents whose snapshot is due.
    pub(super) fn due(&self, now: Duration) -> Vec<DocumentId> {
        self.changed
            .iter()
            .filter(|(_, changes)| Self::deadline(**changes) <= now)
            .map(|(document, _)| document.clone())
            .collect()
    }

    /// Whether a document changed since its last snapshot.
    pub(super) fn has_changed(&self, document: &DocumentId) -> bool {
        self.changed.contains_key(document)
    }

    /// Stores a snapshot; `encode` runs after the generation that it holds was read.
    pub(super) fn put_snapshot(&mut self, document: &DocumentId, encode: impl FnOnce() -> Vec<u8>) {
        // A snapshot says that it holds all up to a generation, so nothing may be waiting here.
        self.flush();
        if !self.waiting.is_empty() {
            return;
        }
        let upto = self.library.appended();
        match self.library.put_snapshot(document, upto, encode()) {
            Ok(()) => {
                self.changed.remove(document);
            }
            Err(error) => {
                // The log holds everything; only the next opening is slower.
                tracing::warn!("no snapshot of {document:?}: {error}");
                if let Some(changes) = self.changed.get_mut(document) {
                    changes.first = changes.last;
                }
            }
        }
    }

    /// Stores what a game and its room agree upon.
    pub(super) fn note_agreed(&self, game: &mut OpenGame) {
        if game.read_only || !self.library.is_writable() {
            return;
        }
        let Some((scenes, removed)) = game.apart.take_unstored() else {
            return;
        };
        let noted = self.library.note_agreed_scenes(&game.id, scenes, &removed);
        if let Err(error) = noted {
            // What changed on which side is told less exactly the next time.
            tracing::warn!(target: "session", %error, "what a room has too");
        }
    }

    /// When something is to be done here next.
    pub(super) fn next_deadline(&self, now: Duration) -> Option<Duration> {
        let retry = (!self.waiting.is_empty()).then_some(now + RETRY);
        let snapshot = self.changed.values().map(|c| Self::deadline(*c)).min();
        match (retry, snapshot) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    fn deadline(changes: Changes) -> Duration {
        (changes.last + SNAPSHOT_AFTER).min(changes.first + SNAPSHOT_AT_LEAST)
    }
}
