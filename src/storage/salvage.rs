//! Reads what can still be read out of a damaged database.
//!
//! Row by row, stepping over what SQLite cannot give; documents' bytes only where they agree with
//! their checksums. Works on a copy: the damaged file stays as it was found.

use std::collections::HashMap;
use std::path::Path;

use rusqlite::{Connection, OpenFlags, Row};

use super::agreed::AgreedRow;
use super::catalogue::{AssetRow, GameRow, PartyRow};
use super::database::{checksum, side_file};
use super::removed::Going;

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
    /// Deleted scenes that were kept, and when each went, milliseconds since 1970 UTC.
    pub removed: Vec<(Going, i64)>,
    /// Scenes as both sides had them, with their games' ids.
    pub agreed: Vec<(String, AgreedRow)>,
    /// Rows that were there and could not be decoded, or do not agree with their checksums.
    pub skipped: usize,
    /// There were places that SQLite could not read; how many rows were there is unknown.
    pub has_gaps: bool,
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
    read_removed(&connection, &mut found);
    read_agreed(&connection, &mut found);
    found
}

fn read_lists(connection: &Connection, found: &mut Salvaged) {
    each_row(
        connection,
        found,
        "parties",
        "id, name, defaults, deleted_ms",
        |row, found| {
            let party = PartyRow {
                id: row.get(1)?,
                name: row.get(2)?,
                defaults: row.get(3)?,
            };
            found
                .parties
                .push((party, row.get::<_, Option<i64>>(4)?.is_some()));
            Ok(true)
        },
    );
    each_row(
        connection,
        found,
        "game_sessions",
        "id, party, name, deleted_ms",
        |row, found| {
            let game = GameRow {
                id: row.get(1)?,
                party: row.get(2)?,
                name: row.get(3)?,
            };
            found
                .games
                .push((game, row.get::<_, Option<i64>>(4)?.is_some()));
            Ok(true)
        },
    );
    let mut assets = HashMap::new();
    each_row(
        connection,
        found,
        "assets",
        "hash, format, width, height, bytes, name",
        |row, _| {
            let asset = AssetRow {
                hash: row.get(1)?,
                format: row.get(2)?,
                width: row.get(3)?,
                height: row.get(4)?,
                bytes: row.get::<_, i64>(5)?.max(0).unsigned_abs(),
                name: row.get(6)?,
            };
            assets.insert(asset.hash.clone(), asset);
            Ok(true)
        },
    );
    let columns = "location, hash";
    each_row(
        connection,
        found,
        "asset_locations",
        columns,
        |row, found| {
            let asset = assets.get(&row.get::<_, String>(2)?);
            if let Some(asset) = asset {
                found.assets.push((row.get(1)?, asset.clone()));
            }
            Ok(asset.is_some())
        },
    );
}

fn read_documents(connection: &Connection, found: &mut Salvaged) {
    let mut keys = HashMap::new();
    each_row(connection, found, "documents", "id, key", |row, _| {
        keys.insert(row.get::<_, i64>(1)?, row.get::<_, String>(2)?);
        Ok(true)
    });
    for table in ["doc_snapshots", "doc_updates"] {
        let columns = "doc, bytes, checksum";
        each_row(connection, found, table, columns, |row, found| {
            let bytes: Vec<u8> = row.get(2)?;
            let expected: Vec<u8> = row.get(3)?;
            let is_sound = checksum(&bytes) == expected.as_slice();
            let key = keys.get(&row.get::<_, i64>(1)?).filter(|_| is_sound);
            if let Some(key) = key {
                found.records.push((key.clone(), bytes));
            }
            Ok(key.is_some())
        });
    }
}

fn read_removed(connection: &Connection, found: &mut Salvaged) {
    let columns = "game, scene, name, by_other, bytes, removed_ms, checksum";
    each_row(
        connection,
        found,
        "removed_scenes",
        columns,
        |row, found| {
            let going = Going {
                game: row.get(1)?,
                scene: row.get(2)?,
                name: row.get(3)?,
                by_other: row.get(4)?,
                bytes: row.get(5)?,
            };
            let removed_ms = row.get(6)?;
            let is_sound = checksum(&going.bytes) == row.get::<_, Vec<u8>>(7)?.as_slice();
            if is_sound {
                found.removed.push((going, removed_ms));
            }
            Ok(is_sound)
        },
    );
}

fn read_agreed(connection: &Connection, found: &mut Salvaged) {
    let columns = "game, scene, name, digest, agreed_ms, changed_ms";
    each_row(connection, found, "agreed_scenes", columns, |row, found| {
        let agreed = AgreedRow {
            scene: row.get(2)?,
            name: row.get(3)?,
            digest: row.get::<_, i64>(4)?.cast_unsigned(),
            agreed_ms: row.get(5)?,
            changed_ms: row.get(6)?,
        };
        found.agreed.push((row.get(1)?, agreed));
        Ok(true)
    });
}

/// Hands out the rows of a table that can be read, column 0 being the row's number; `take` says
/// whether one is of use. After an unreadable place it goes on behind it, in ever longer steps. A table
/// that is not there, as in an older library, has no rows.
fn each_row(
    connection: &Connection,
    found: &mut Salvaged,
    table: &str,
    columns: &str,
    mut take: impl FnMut(&Row<'_>, &mut Salvaged) -> rusqlite::Result<bool>,
) {
    let sql = format!("SELECT rowid, {columns} FROM {table} WHERE rowid > ?1 ORDER BY rowid");
    if let Err(error) = connection.prepare_cached(&sql) {
        let is_older = error.to_string().contains("no such table");
        found.has_gaps |= !is_older;
        return;
    }
    let mut last = 0_i64;
    let mut step = 1_i64;
    for _ in 0..PATIENCE {
        let whole = read_after(connection, &sql, &mut last, &mut step, &mut |row| {
            // A row whose columns are not what they should be is left out.
            let is_of_use = take(row, found).unwrap_or_else(|error| {
                tracing::warn!(target: "storage", %error, table, "a row cannot be decoded");
                false
            });
            found.skipped += usize::from(!is_of_use);
        });
        if whole.is_ok() {
            return;
        }
        found.has_gaps = true;
        last = last.saturating_add(step);
        step = step.saturating_mul(2);
    }
}

fn read_after(
    connection: &Connection,
    sql: &str,
    last: &mut i64,
    step: &mut i64,
    take: &mut impl FnMut(&Row<'_>),
) -> rusqlite::Result<()> {
    let mut query = connection.prepare_cached(sql)?;
    let mut rows = query.query([*last])?;
    while let Some(row) = rows.next()? {
        *last = row.get(0)?;
        *step = 1;
        take(row);
    }
    Ok(())
}
