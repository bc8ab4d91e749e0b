//! The rows of a library: parties, game sessions, pictures, thumbnails, settings. Plain text and
//! numbers; what they mean is [`crate::library`]'s.
//!
//! Every function takes a connection: a reader's, or the storage thread's inside
//! [`super::writer::Store::run`].

use rusqlite::{Connection, OptionalExtension as _, Result, Row, params};

/// A party's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartyRow {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its defaults as JSON.
    pub defaults: String,
}

/// A game session's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GameRow {
    /// Its id.
    pub id: String,
    /// Its party's id.
    pub party: String,
    /// Its name.
    pub name: String,
}

/// A picture's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssetRow {
    /// Lower-case hex SHA-256 of its file.
    pub hash: String,
    /// `png`, `jpeg`, …
    pub format: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Size of its file.
    pub bytes: u64,
    /// The name of the file that it came from.
    pub name: String,
}

/// Parties that are not in the bin, the oldest first.
///
/// # Errors
/// SQLite's, as with all functions here.
pub fn parties(connection: &Connection) -> Result<Vec<PartyRow>> {
    connection
        .prepare(
            "SELECT id, name, defaults FROM parties WHERE deleted_ms IS NULL
             ORDER BY created_ms, id",
        )?
        .query_map([], |row| {
            Ok(PartyRow {
                id: row.get(0)?,
                name: row.get(1)?,
                defaults: row.get(2)?,
            })
        })?
        .collect()
}

/// Game sessions that are not in the bin, the last used first.
///
/// # Errors
/// SQLite's.
pub fn games(connection: &Connection) -> Result<Vec<GameRow>> {
    connection
        .prepare(
            "SELECT game_sessions.id, party, game_sessions.name FROM game_sessions
             JOIN parties ON parties.id = party
             WHERE game_sessions.deleted_ms IS NULL AND parties.deleted_ms IS NULL
             ORDER BY last_used DESC, game_sessions.created_ms, game_sessions.id",
        )?
        .query_map([], |row| {
            Ok(GameRow {
                id: row.get(0)?,
                party: row.get(1)?,
                name: row.get(2)?,
            })
        })?
        .collect()
}

/// Whether an id was ever given to a party, the bin included.
///
/// # Errors
/// SQLite's.
pub fn party_exists(connection: &Connection, id: &str) -> Result<bool> {
    connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM parties WHERE id = ?1)",
        [id],
        |row| row.get(0),
    )
}

/// Whether an id was ever given to a game session, the bin included.
///
/// # Errors
/// SQLite's.
pub fn game_exists(connection: &Connection, id: &str) -> Result<bool> {
    connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM game_sessions WHERE id = ?1)",
        [id],
        |row| row.get(0),
    )
}

/// Adds a party.
///
/// # Errors
/// SQLite's.
pub fn add_party(connection: &Connection, party: &PartyRow, now_unix_ms: i64) -> Result<()> {
    connection.execute(
        "INSERT INTO parties (id, name, defaults, created_ms) VALUES (?1, ?2, ?3, ?4)",
        params![party.id, party.name, party.defaults, now_unix_ms],
    )?;
    Ok(())
}

/// Adds a game session as the last used one.
///
/// # Errors
/// SQLite's, also when there is no such party.
pub fn add_game(connection: &Connection, game: &GameRow, now_unix_ms: i64) -> Result<()> {
    connection.execute(
        "INSERT INTO game_sessions (id, party, name, created_ms, last_used)
         VALUES (?1, ?2, ?3, ?4, (SELECT coalesce(max(last_used), 0) + 1 FROM game_sessions))",
        params![game.id, game.party, game.name, now_unix_ms],
    )?;
    Ok(())
}

/// Renames a party; false when there is none.
///
/// # Errors
/// SQLite's.
pub fn rename_party(connection: &Connection, id: &str, name: &str) -> Result<bool> {
    let changed = connection.execute("UPDATE parties SET name = ?2 WHERE id = ?1", [id, name])?;
    Ok(changed > 0)
}

/// Renames a game session; false when there is none.
///
/// # Errors
/// SQLite's.
pub fn rename_game(connection: &Connection, id: &str, name: &str) -> Result<bool> {
    let changed = connection.execute(
        "UPDATE game_sessions SET name = ?2 WHERE id = ?1",
        [id, name],
    )?;
    Ok(changed > 0)
}

/// Sets a party's defaults; false when there is none.
///
/// # Errors
/// SQLite's.
pub fn set_defaults(connection: &Connection, id: &str, json: &str) -> Result<bool> {
    let changed =
        connection.execute("UPDATE parties SET defaults = ?2 WHERE id = ?1", [id, json])?;
    Ok(changed > 0)
}

/// Puts a party into the bin (with a time) or takes it back (without).
///
/// # Errors
/// SQLite's.
pub fn bin_party(connection: &Connection, id: &str, at_unix_ms: Option<i64>) -> Result<bool> {
    let changed = connection.execute(
        "UPDATE parties SET deleted_ms = ?2 WHERE id = ?1",
        params![id, at_unix_ms],
    )?;
    Ok(changed > 0)
}

/// Puts a game session into the bin (with a time) or takes it back (without).
///
/// # Errors
/// SQLite's.
pub fn bin_game(connection: &Connection, id: &str, at_unix_ms: Option<i64>) -> Result<bool> {
    let changed = connection.execute(
        "UPDATE game_sessions SET deleted_ms = ?2 WHERE id = ?1",
        params![id, at_unix_ms],
    )?;
    Ok(changed > 0)
}

/// Puts a game session into the party that its row names.
///
/// # Errors
/// SQLite's.
pub fn move_game(connection: &Connection, game: &GameRow) -> Result<()> {
    connection.execute(
        "UPDATE game_sessions SET party = ?2 WHERE id = ?1",
        params![game.id, game.party],
    )?;
    Ok(())
}

/// Makes a game session the last used one. A counter and not a time: clocks jump.
///
/// # Errors
/// SQLite's.
pub fn touch_game(connection: &Connection, id: &str) -> Result<()> {
    connection.execute(
        "UPDATE game_sessions SET last_used =
             (SELECT coalesce(max(last_used), 0) + 1 FROM game_sessions)
         WHERE id = ?1",
        [id],
    )?;
    Ok(())
}

/// Says how many scenes a game session has: only for lists, and for telling what a backup holds.
///
/// # Errors
/// SQLite's.
pub fn set_scene_count(connection: &Connection, game: &str, scenes: usize) -> Result<()> {
    connection.execute(
        "UPDATE game_sessions SET scene_count = ?2 WHERE id = ?1",
        params![game, scenes as i64],
    )?;
    Ok(())
}

/// Parties, game sessions and scenes outside the bin.
///
/// # Errors
/// SQLite's.
pub fn counts(connection: &Connection) -> Result<[u64; 3]> {
    connection.query_row(
        "SELECT (SELECT count(*) FROM parties WHERE deleted_ms IS NULL), count(*),
                coalesce(sum(scene_count), 0)
         FROM game_sessions JOIN parties ON parties.id = party
         WHERE game_sessions.deleted_ms IS NULL AND parties.deleted_ms IS NULL",
        [],
        |row| {
            let number = |i| row.get::<_, i64>(i).map(|n| n.max(0).unsigned_abs());
            Ok([number(0)?, number(1)?, number(2)?])
        },
    )
}

/// A setting's JSON.
///
/// # Errors
/// SQLite's.
pub fn setting(connection: &Connection, key: &str) -> Result<Option<String>> {
    connection
        .query_row("SELECT json FROM settings WHERE key = ?1", [key], |row| {
            row.get(0)
        })
        .optional()
}

/// Sets a setting.
///
/// # Errors
/// SQLite's.
pub fn set_setting(connection: &Connection, key: &str, json: &str) -> Result<()> {
    connection.execute(
        "INSERT OR REPLACE INTO settings (key, json) VALUES (?1, ?2)",
        [key, json],
    )?;
    Ok(())
}

/// Adds a picture's record, or leaves the one that is there, and gives it a location key. A key
/// that is taken by another picture is given to this one.
///
/// # Errors
/// SQLite's.
pub fn add_asset(
    connection: &Connection,
    asset: &AssetRow,
    location: &str,
    now_unix_ms: i64,
) -> Result<()> {
    connection.execute(
        "INSERT OR IGNORE INTO assets (hash, format, width, height, bytes, name, added_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            asset.hash,
            asset.format,
            asset.width,
            asset.height,
            asset.bytes as i64,
            asset.name,
            now_unix_ms
        ],
    )?;
    connection.execute(
        "INSERT OR REPLACE INTO asset_locations (location, hash) VALUES (?1, ?2)",
        [location, &asset.hash],
    )?;
    Ok(())
}

/// All pictures with their location keys, by key.
///
/// # Errors
/// SQLite's.
pub fn assets(connection: &Connection) -> Result<Vec<(String, AssetRow)>> {
    connection
        .prepare(
            "SELECT location, hash, format, width, height, bytes, name
             FROM asset_locations JOIN assets USING (hash) ORDER BY location",
        )?
        .query_map([], |row| Ok((row.get(0)?, asset_from(row)?)))?
        .collect()
}

fn asset_from(row: &Row<'_>) -> Result<AssetRow> {
    Ok(AssetRow {
        hash: row.get(1)?,
        format: row.get(2)?,
        width: row.get(3)?,
        height: row.get(4)?,
        bytes: row.get::<_, i64>(5)?.max(0).unsigned_abs(),
        name: row.get(6)?,
    })
}

/// A scene's thumbnail.
///
/// # Errors
/// SQLite's.
pub fn thumbnail(connection: &Connection, game: &str, scene: &str) -> Result<Option<Vec<u8>>> {
    connection
        .query_row(
            "SELECT png FROM thumbnails WHERE game = ?1 AND scene = ?2",
            [game, scene],
            |row| row.get(0),
        )
        .optional()
}

/// Sets a scene's thumbnail.
///
/// # Errors
/// SQLite's.
pub fn set_thumbnail(connection: &Connection, game: &str, scene: &str, png: &[u8]) -> Result<()> {
    connection.execute(
        "INSERT OR REPLACE INTO thumbnails (game, scene, png) VALUES (?1, ?2, ?3)",
        params![game, scene, png],
    )?;
    Ok(())
}

/// Appends an update to a document's log inside somebody else's transaction, with the next free
/// sequence number. Only for documents that nobody has open: the storage thread's own numbers do
/// not know of it until the library is opened again.
///
/// # Errors
/// SQLite's.
pub fn seed_document(connection: &Connection, key: &str, bytes: &[u8]) -> Result<()> {
    connection.execute("INSERT OR IGNORE INTO documents (key) VALUES (?1)", [key])?;
    connection.execute(
        "INSERT INTO doc_snapshots (doc, upto_seq, made_ms, bytes, checksum)
         SELECT id, 0, 0, ?2, ?3 FROM documents WHERE key = ?1",
        params![key, bytes, super::database::checksum(bytes)],
    )?;
    Ok(())
}
