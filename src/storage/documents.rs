//! Reads a document's snapshot and log back, checking every byte.
//!
//! A snapshot that does not agree with its checksum is never used; the one before and the log,
//! which is kept since then, hold the same. Where the log itself has a hole, what can be read is
//! given with a word that it is not all: such a document must not be written.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::database::checksum;
use super::writer::Generation;

/// A document as it lies on disk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoadedDocument {
    /// The newest readable snapshot.
    pub snapshot: Option<Vec<u8>>,
    /// The updates since, in the order of their writing.
    pub updates: Vec<Vec<u8>>,
    /// What was found unreadable, a sentence each.
    pub problems: Vec<String>,
    /// Something that was acknowledged could not be read: open it read-only, never save over it.
    pub incomplete: bool,
    /// Snapshots (by their generation) that were found unreadable and are to be set aside.
    pub unreadable_snapshots: Vec<Generation>,
}

impl LoadedDocument {
    /// Nothing was ever stored for it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.snapshot.is_none() && self.updates.is_empty() && self.problems.is_empty()
    }

    /// The snapshot and the updates, in order.
    pub fn parts(&self) -> impl Iterator<Item = &[u8]> {
        self.snapshot.iter().chain(&self.updates).map(Vec::as_slice)
    }
}

/// The keys of all documents that begin like this, in order.
///
/// # Errors
/// SQLite's.
pub fn keys_from(connection: &Connection, prefix: &str) -> rusqlite::Result<Vec<String>> {
    let sql = "SELECT key FROM documents WHERE substr(key, 1, length(?1)) = ?1 ORDER BY key";
    let mut statement = connection.prepare(sql)?;
    let keys = statement.query_map([prefix], |row| row.get(0))?;
    keys.collect()
}

/// Reads a document by its key.
///
/// # Errors
/// SQLite's. A store error must never be taken for "no such document".
pub fn load(connection: &Connection, key: &str) -> rusqlite::Result<LoadedDocument> {
    let mut loaded = LoadedDocument::default();
    let id: Option<i64> = connection
        .query_row("SELECT id FROM documents WHERE key = ?1", [key], |row| {
            row.get(0)
        })
        .optional()?;
    let Some(id) = id else {
        return Ok(loaded);
    };
    // One read transaction, so that a snapshot written meanwhile cannot cut the log from under us.
    let transaction = connection.unchecked_transaction()?;
    let upto = load_snapshot(&transaction, id, &mut loaded)?;
    load_updates(&transaction, id, upto, &mut loaded)?;
    Ok(loaded)
}

/// The generation of the snapshot that is used, 0 without one.
fn load_snapshot(
    connection: &Connection,
    id: i64,
    loaded: &mut LoadedDocument,
) -> rusqlite::Result<i64> {
    let mut query = connection.prepare(
        "SELECT upto_seq, bytes, checksum FROM doc_snapshots WHERE doc = ?1
         ORDER BY upto_seq DESC",
    )?;
    let mut rows = query.query([id])?;
    let mut oldest_unreadable = None;
    while let Some(row) = rows.next()? {
        let upto: i64 = row.get(0)?;
        let bytes: Vec<u8> = row.get(1)?;
        let expected: Vec<u8> = row.get(2)?;
        if checksum(&bytes) == expected.as_slice() {
            loaded.snapshot = Some(bytes);
            if !loaded.unreadable_snapshots.is_empty() {
                loaded.problems.push(
                    "the newest saved state of a document was damaged; it was set aside and the \
                     document rebuilt from the state before it and the changes since, so nothing \
                     is lost"
                        .into(),
                );
            }
            return Ok(upto);
        }
        oldest_unreadable = Some(upto);
        loaded
            .unreadable_snapshots
            .push(Generation(upto.unsigned_abs()));
    }
    if oldest_unreadable.is_some() {
        // The log reaches back to the snapshot before the newest: with a single one, to the start.
        // A snapshot at 0 is what the document began with.
        let alone = loaded.unreadable_snapshots.len() == 1 && oldest_unreadable != Some(0);
        let whole = alone && log_reaches_back(connection, id)?;
        loaded.incomplete = !whole;
        loaded.problems.push(if whole {
            "the saved state of a document was damaged; it was set aside and the document rebuilt \
             from its changes, so nothing is lost"
                .into()
        } else {
            "the saved states of a document are damaged, so it is shown as far as its latest \
             changes tell and cannot be edited; restore a backup to work on it"
                .into()
        });
    }
    Ok(0)
}

/// Whether the log holds everything since the document began: nothing was ever compacted while
/// at most one snapshot was made.
fn log_reaches_back(connection: &Connection, id: i64) -> rusqlite::Result<bool> {
    connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM doc_updates WHERE doc = ?1)
            AND NOT EXISTS (SELECT 1 FROM set_aside WHERE doc = ?1)",
        [id],
        |row| row.get(0),
    )
}

fn load_updates(
    connection: &Connection,
    id: i64,
    after: i64,
    loaded: &mut LoadedDocument,
) -> rusqlite::Result<()> {
    let mut query = connection.prepare(
        "SELECT bytes, checksum FROM doc_updates WHERE doc = ?1 AND seq > ?2 ORDER BY seq",
    )?;
    let mut rows = query.query([id, after])?;
    let mut damaged = 0;
    while let Some(row) = rows.next()? {
        let bytes: Vec<u8> = row.get(0)?;
        let expected: Vec<u8> = row.get(1)?;
        if checksum(&bytes) == expected.as_slice() {
            loaded.updates.push(bytes);
        } else {
            damaged += 1;
        }
    }
    if damaged > 0 {
        loaded.incomplete = true;
        loaded.problems.push(format!(
            "{damaged} saved changes of a document are damaged, so it is shown without them and \
             cannot be edited; restore a backup to work on it"
        ));
    }
    Ok(())
}

/// Moves unreadable snapshots out of the way, for somebody to look at.
///
/// # Errors
/// SQLite's.
pub fn set_aside(
    connection: &Connection,
    key: &str,
    unreadable: &[Generation],
    now_unix_ms: i64,
) -> rusqlite::Result<()> {
    for generation in unreadable {
        let at = params![key, generation.0 as i64, now_unix_ms];
        connection.execute(
            "INSERT INTO set_aside (doc, upto_seq, found_ms, bytes, checksum)
             SELECT doc, upto_seq, ?3, bytes, checksum FROM doc_snapshots
             WHERE doc = (SELECT id FROM documents WHERE key = ?1) AND upto_seq = ?2",
            at,
        )?;
        connection.execute(
            "DELETE FROM doc_snapshots
             WHERE doc = (SELECT id FROM documents WHERE key = ?1) AND upto_seq = ?2",
            params![key, generation.0 as i64],
        )?;
    }
    Ok(())
}
