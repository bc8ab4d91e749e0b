//! What each scene of a game was when this library and the game's room last held the same: the rows
//! that tell afterwards what changed on which side.
//!
//! What the digests are is [`crate::doc`]'s. Every function takes a connection, as in
//! [`super::catalogue`].

use rusqlite::{Connection, Result, params};

/// A scene as both had it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgreedRow {
    /// The scene's id.
    pub scene: String,
    /// Its name.
    pub name: String,
    /// What it held.
    pub digest: u64,
    /// When, milliseconds since 1970 UTC.
    pub agreed_ms: i64,
    /// When it was changed here last without the room.
    pub changed_ms: Option<i64>,
}

/// The scenes of a game; none when it never was in a room.
///
/// # Errors
/// SQLite's.
pub fn list(connection: &Connection, game: &str) -> Result<Vec<AgreedRow>> {
    connection
        .prepare(
            "SELECT scene, name, digest, agreed_ms, changed_ms FROM agreed_scenes
             WHERE game = ?1 ORDER BY scene",
        )?
        .query_map([game], |row| {
            Ok(AgreedRow {
                scene: row.get(0)?,
                name: row.get(1)?,
                digest: row.get::<_, i64>(2)?.cast_unsigned(),
                agreed_ms: row.get(3)?,
                changed_ms: row.get(4)?,
            })
        })?
        .collect()
}

/// Writes rows of a game and removes others.
///
/// # Errors
/// SQLite's.
pub fn update(
    connection: &Connection,
    game: &str,
    rows: &[AgreedRow],
    removed: &[String],
) -> Result<()> {
    let mut put = connection.prepare(
        "INSERT OR REPLACE INTO agreed_scenes (game, scene, name, digest, agreed_ms, changed_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for row in rows {
        put.execute(params![
            game,
            row.scene,
            row.name,
            row.digest.cast_signed(),
            row.agreed_ms,
            row.changed_ms,
        ])?;
    }
    let mut remove =
        connection.prepare("DELETE FROM agreed_scenes WHERE game = ?1 AND scene = ?2")?;
    for scene in removed {
        remove.execute([game, scene])?;
    }
    Ok(())
}

/// Puts a row of a game back that was written before; one that is there and was agreed later stays.
///
/// # Errors
/// SQLite's.
pub fn put_back(connection: &Connection, game: &str, row: &AgreedRow) -> Result<()> {
    let later: bool = connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM agreed_scenes
             WHERE game = ?1 AND scene = ?2 AND agreed_ms > ?3)",
        params![game, row.scene, row.agreed_ms],
        |row| row.get(0),
    )?;
    if later {
        return Ok(());
    }
    update(connection, game, std::slice::from_ref(row), &[])
}
