//! Reads what can still be read out of a damaged database.
//!
//! Row by row, stepping over what SQLite cannot give; documents' bytes only where they agree with
//! their checksums. Works on a copy: the damaged file stays as it was found.

use std::collections::HashMap;
use std::path::Path;

use rusqlite::{Connection, OpenFlags, Row};

use super::catalogue::{AssetRow, GameRow, PartyRow};
use super::database::{checksum, side_file};

/// How many unreadable places are stepped over in one table.
const PATIENCE: u32 = 64;

/// What was readable.
#[derive(Debug, Default)]
pub struct Salvaged {
    /// Parties; whether each was in the bin.
    pub parties: Vec<(PartyRow, bool)>,
    /// Game sessions; whether each was in the bin.
    pub games: Vec<(GameRow, bool)>,
    /// Pictures by location key.
    pub assets: Vec<(String, AssetRow)>,
    /// Snapshots and then updates of documents, by their keys, in the order of their writing.
    pub records: Vec<(String, Vec<u8>)>,
}

/// Reads a damaged database. Nothing readable is an empty answer, not an error.
#[must_use]
pub fn read(damaged: &Path) -> Salvaged {
    let mut found = Salvaged::default();
    let Ok(folder) = tempfile::tempdir() else {
        return found;
    };
    let copy = folder.path().join("copy.sqlite");
    if std::fs::copy(damaged, &copy).is_err() {
        return found;
    }
    let wal = side_file(damaged, "-wal");
    if wal.exists() && std::fs::copy(&wal, side_file(&copy, "-wal")).is_err() {
        return found;
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let Ok(connection) = Connection::open_with_flags(&copy, flags) else {
        return found;
    };
    read_lists(&connection, &mut found);
    read_documents(&connection, &mut found);
    found
}

fn read_lists(connection: &Connection, found: &mut Salvaged) {
    each_row(
        connection,
        "parties",
        "id, name, defaults, deleted_ms",
        |row| {
            let party = PartyRow {
                id: row.get(1)?,
                name: row.get(2)?,
                defaults: row.get(3)?,
            };
            found
                .parties
                .push((party, row.get::<_, Option<i64>>(4)?.is_some()));
            Ok(())
        },
    );
    each_row(
        connection,
        "game_sessions",
        "id, party, name, deleted_ms",
        |row| {
            let game = GameRow {
                id: row.get(1)?,
                party: row.get(2)?,
                name: row.get(3)?,
            };
            found
                .games
                .push((game, row.get::<_, Option<i64>>(4)?.is_some()));
            Ok(())
        },
    );
    let mut assets = HashMap::new();
    each_row(
        connection,
        "assets",
        "hash, format, width, height, bytes, name",
        |row| {
            let asset = AssetRow {
                hash: row.get(1)?,
                format: row.get(2)?,
                width: row.get(3)?,
                height: row.get(4)?,
                bytes: row.get::<_, i64>(5)?.max(0).unsigned_abs(),
                name: row.get(6)?,
            };
            assets.insert(asset.hash.clone(), asset);
            Ok(())
        },
    );
    each_row(connection, "asset_locations", "location, hash", |row| {
        if let Some(asset) = assets.get(&row.get::<_, String>(2)?) {
            found.assets.push((row.get(1)?, asset.clone()));
        }
        Ok(())
    });
}

fn read_documents(connection: &Connection, found: &mut Salvaged) {
    let mut keys = HashMap::new();
    each_row(connection, "documents", "id, key", |row| {
        keys.insert(row.get::<_, i64>(1)?, row.get::<_, String>(2)?);
        Ok(())
    });
    for table in ["doc_snapshots", "doc_updates"] {
        each_row(connection, table, "doc, bytes, checksum", |row| {
            let bytes: Vec<u8> = row.get(2)?;
            let expected: Vec<u8> = row.get(3)?;
            if let Some(key) = keys.get(&row.get::<_, i64>(1)?)
                && checksum(&bytes) == expected.as_slice()
            {
                found.records.push((key.clone(), bytes));
            }
            Ok(())
        });
    }
}

/// Hands out the rows of a table that can be read, column 0 being the row's number. After an
/// unreadable place it goes on behind it, in ever longer steps.
fn each_row(
    connection: &Connection,
    table: &str,
    columns: &str,
    mut take: impl FnMut(&Row<'_>) -> rusqlite::Result<()>,
) {
    let sql = format!("SELECT rowid, {columns} FROM {table} WHERE rowid > ?1 ORDER BY rowid");
    let mut last = 0_i64;
    let mut step = 1_i64;
    for _ in 0..PATIENCE {
        let whole = read_after(connection, &sql, &mut last, &mut step, &mut take);
        if whole.is_ok() {
            return;
        }
        last = last.saturating_add(step);
        step = step.saturating_mul(2);
    }
}

fn read_after(
    connection: &Connection,
    sql: &str,
    last: &mut i64,
    step: &mut i64,
    take: &mut impl FnMut(&Row<'_>) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let mut query = connection.prepare_cached(sql)?;
    let mut rows = query.query([*last])?;
    while let Some(row) = rows.next()? {
        *last = row.get(0)?;
        *step = 1;
        // A row whose columns are not what they should be is left out.
        if let Err(error) = take(row) {
            tracing::warn!(target: "storage", %error, "a row of a damaged library is left out");
        }
    }
    Ok(())
}
