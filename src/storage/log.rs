//! The statements of the storage thread: a document's log and snapshots.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::database::checksum;
use super::writer::Generation;

/// The greatest generation that a database knows, in its log or in a snapshot.
///
/// # Errors
/// SQLite's.
pub(super) fn last_generation(connection: &Connection) -> rusqlite::Result<u64> {
    let last: i64 = connection.query_row(
        "SELECT max(coalesce((SELECT max(seq) FROM doc_updates), 0),
                    coalesce((SELECT max(upto_seq) FROM doc_snapshots), 0))",
        [],
        |row| row.get(0),
    )?;
    Ok(last.max(0).unsigned_abs())
}

/// Runs a write so that its error undoes it and nothing else of the transaction.
pub(super) fn in_savepoint<T>(
    connection: &Connection,
    write: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    connection.execute_batch("SAVEPOINT one")?;
    let result = write(connection);
    let end = if result.is_ok() {
        "RELEASE one"
    } else {
        "ROLLBACK TO one; RELEASE one"
    };
    // A full disk has rolled everything back already, and then there is no savepoint.
    match (result, connection.execute_batch(end)) {
        (Ok(_), Err(error)) | (Err(error), _) => Err(error),
        (Ok(value), Ok(())) => Ok(value),
    }
}

/// Stores a snapshot, keeps the one before it, and cuts the log behind that one.
pub(super) fn put_snapshot(
    connection: &Connection,
    document: i64,
    upto: Generation,
    bytes: &[u8],
    now_unix_ms: i64,
) -> rusqlite::Result<()> {
    let upto = upto.0 as i64;
    let previous: Option<i64> = connection
        .query_row(
            "SELECT max(upto_seq) FROM doc_snapshots WHERE doc = ?1 AND upto_seq < ?2",
            [document, upto],
            |row| row.get(0),
        )
        .optional()?
        .flatten();
    connection.execute(
        "INSERT OR REPLACE INTO doc_snapshots (doc, upto_seq, made_ms, bytes, checksum)
         VALUES (?1, ?2, ?3, ?4, ?5)",
        params![document, upto, now_unix_ms, bytes, checksum(bytes)],
    )?;
    if let Some(previous) = previous {
        connection.execute(
            "DELETE FROM doc_updates WHERE doc = ?1 AND seq <= ?2",
            [document, previous],
        )?;
        connection.execute(
            "DELETE FROM doc_snapshots WHERE doc = ?1 AND upto_seq < ?2",
            [document, previous],
        )?;
    }
    Ok(())
}

/// The row of a document, made when there is none.
pub(super) fn document_id(
    connection: &Connection,
    known: &mut HashMap<Arc<str>, i64>,
    document: &Arc<str>,
) -> rusqlite::Result<i64> {
    if let Some(id) = known.get(document) {
        return Ok(*id);
    }
    connection.execute(
        "INSERT OR IGNORE INTO documents (key) VALUES (?1)",
        [&**document],
    )?;
    let id = connection.query_row(
        "SELECT id FROM documents WHERE key = ?1",
        [&**document],
        |row| row.get(0),
    )?;
    known.insert(Arc::clone(document), id);
    Ok(id)
}
