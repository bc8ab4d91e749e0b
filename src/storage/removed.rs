//! Scenes that were deleted, as they were: the rows behind "Bring back a scene…".
//!
//! Bounded in age, number and bytes; a scene that is deleted again replaces its own row. What the
//! bytes are is [`crate::library`]'s. Every function takes a connection, as in [`super::catalogue`].

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, Result, params};

use super::database::checksum;

/// How long a deleted scene is kept.
pub const KEPT_FOR: Duration = Duration::from_secs(30 * 24 * 3600);
/// How many are kept in a library.
pub const MOST_KEPT: u32 = 200;
/// What all of them may take together; the newest stays whatever it takes.
pub const MOST_BYTES: u64 = 256 << 20;

/// What a list shows of a deleted scene.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemovedRow {
    /// The scene's id.
    pub scene: String,
    /// Its name when it went.
    pub name: String,
    /// When it went here, milliseconds since 1970 UTC.
    pub removed_ms: i64,
    /// Somebody else in a room deleted it.
    pub by_other: bool,
    /// Its thumbnail, PNG bytes.
    pub thumbnail: Option<Vec<u8>>,
}

/// A scene that is to be kept.
#[derive(Debug, Clone)]
pub struct Going {
    /// The game session's id.
    pub game: String,
    /// The scene's id.
    pub scene: String,
    /// Its name.
    pub name: String,
    /// Somebody else in a room deletes it.
    pub by_other: bool,
    /// What it was.
    pub bytes: Vec<u8>,
}

/// Keeps a scene and forgets what is too old or too much by now.
///
/// # Errors
/// SQLite's.
pub fn keep(connection: &Connection, going: &Going, now_unix_ms: i64) -> Result<()> {
    connection.execute(
        "INSERT OR REPLACE INTO removed_scenes
             (game, scene, name, removed_ms, by_other, bytes, checksum)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            going.game,
            going.scene,
            going.name,
            now_unix_ms,
            going.by_other,
            going.bytes,
            checksum(&going.bytes),
        ],
    )?;
    forget(connection, now_unix_ms, MOST_BYTES)
}

/// Puts rows back that were kept before, each with when it went: where the same scene is kept, the later
/// one stays. Forgets what is too old or too much by now.
///
/// # Errors
/// SQLite's.
pub fn put_back(connection: &Connection, kept: &[(Going, i64)], now_unix_ms: i64) -> Result<()> {
    let mut put = connection.prepare(
        "INSERT INTO removed_scenes
             (game, scene, name, removed_ms, by_other, bytes, checksum)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (game, scene) DO UPDATE SET
             name = excluded.name, removed_ms = excluded.removed_ms,
             by_other = excluded.by_other, bytes = excluded.bytes, checksum = excluded.checksum
         WHERE excluded.removed_ms > removed_ms",
    )?;
    for (going, removed_ms) in kept {
        put.execute(params![
            going.game,
            going.scene,
            going.name,
            removed_ms,
            going.by_other,
            going.bytes,
            checksum(&going.bytes),
        ])?;
    }
    forget(connection, now_unix_ms, MOST_BYTES)
}

/// Forgets what is too old or too much.
fn forget(connection: &Connection, now_unix_ms: i64, most_bytes: u64) -> Result<()> {
    connection.execute(
        "DELETE FROM removed_scenes WHERE removed_ms < ?1",
        [oldest_kept(now_unix_ms)],
    )?;
    connection.execute(
        "DELETE FROM removed_scenes WHERE id IN (
             SELECT id FROM (
                 SELECT id,
                        row_number() OVER newest AS place,
                        sum(length(bytes)) OVER newest AS total
                 FROM removed_scenes
                 WINDOW newest AS (ORDER BY removed_ms DESC, id DESC)
             )
             WHERE place > ?1 OR (total > ?2 AND place > 1)
         )",
        params![MOST_KEPT, most_bytes as i64],
    )?;
    Ok(())
}

fn oldest_kept(now_unix_ms: i64) -> i64 {
    let kept_for = i64::try_from(KEPT_FOR.as_millis()).unwrap_or(i64::MAX);
    now_unix_ms.saturating_sub(kept_for)
}

/// The deleted scenes of a game that are still kept, the newest first.
///
/// # Errors
/// SQLite's.
pub fn list(connection: &Connection, game: &str, now_unix_ms: i64) -> Result<Vec<RemovedRow>> {
    connection
        .prepare(
            "SELECT removed_scenes.scene, name, removed_ms, by_other, png
             FROM removed_scenes
             LEFT JOIN thumbnails ON thumbnails.game = removed_scenes.game
                 AND thumbnails.scene = removed_scenes.scene
             WHERE removed_scenes.game = ?1 AND removed_ms >= ?2
             ORDER BY removed_ms DESC, id DESC",
        )?
        .query_map(params![game, oldest_kept(now_unix_ms)], |row| {
            Ok(RemovedRow {
                scene: row.get(0)?,
                name: row.get(1)?,
                removed_ms: row.get(2)?,
                by_other: row.get(3)?,
                thumbnail: row.get(4)?,
            })
        })?
        .collect()
}

/// What a deleted scene was; `None` when it is not kept, or its bytes no longer agree with their
/// checksum.
///
/// # Errors
/// SQLite's.
pub fn load(connection: &Connection, game: &str, scene: &str) -> Result<Option<Vec<u8>>> {
    let found: Option<(Vec<u8>, Vec<u8>)> = connection
        .query_row(
            "SELECT bytes, checksum FROM removed_scenes WHERE game = ?1 AND scene = ?2",
            [game, scene],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    Ok(found
        .and_then(|(bytes, expected)| (checksum(&bytes) == expected.as_slice()).then_some(bytes)))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::database::Database;
    use super::*;

    const DAY_MS: i64 = 86_400_000;

    fn library(folder: &tempfile::TempDir) -> Database {
        Database::open_to_write(&folder.path().join("library.sqlite"), &|_| Ok(())).unwrap()
    }

    fn going(scene: &str, bytes: usize) -> Going {
        Going {
            game: "g".into(),
            scene: scene.into(),
            name: scene.to_uppercase(),
            by_other: true,
            bytes: vec![7; bytes],
        }
    }

    fn scenes(database: &Database, now: i64) -> Vec<String> {
        let rows = list(database.connection(), "g", now).unwrap();
        rows.into_iter().map(|row| row.scene).collect()
    }

    #[test]
    fn a_month_s_deletes_are_kept_the_newest_first_and_each_scene_once() {
        let folder = tempfile::tempdir().unwrap();
        let database = library(&folder);
        let connection = database.connection();
        let start = 1_780_000_000_000;
        for (day, scene) in [(0, "a"), (10, "b"), (20, "a"), (25, "c")] {
            keep(connection, &going(scene, 10), start + day * DAY_MS).unwrap();
        }
        assert_eq!(scenes(&database, start + 26 * DAY_MS), ["c", "a", "b"]);
        assert_eq!(scenes(&database, start + 41 * DAY_MS), ["c", "a"]);
        assert!(list(connection, "other", start).unwrap().is_empty());
        keep(connection, &going("d", 10), start + 54 * DAY_MS).unwrap();
        assert_eq!(load(connection, "g", "a").unwrap(), None, "it is forgotten");
        assert_eq!(load(connection, "g", "c").unwrap(), Some(vec![7; 10]));
        connection
            .execute("UPDATE removed_scenes SET bytes = x'00'", [])
            .unwrap();
        assert_eq!(load(connection, "g", "c").unwrap(), None, "damaged");
    }

    #[test]
    fn what_is_kept_is_bounded_in_number_and_bytes_but_the_newest_always_stays() {
        let folder = tempfile::tempdir().unwrap();
        let database = library(&folder);
        let connection = database.connection();
        for n in 0..=i64::from(MOST_KEPT) {
            keep(connection, &going(&format!("{n}"), 1), 1000 + n).unwrap();
        }
        let kept = scenes(&database, 2000);
        assert_eq!(kept.len(), MOST_KEPT as usize);
        assert!(!kept.contains(&"0".to_owned()));
        for n in 0..3 {
            keep(connection, &going(&format!("big{n}"), 400), 5000 + n).unwrap();
        }
        forget(connection, 6000, 1000).unwrap();
        assert_eq!(scenes(&database, 6000), ["big2", "big1"]);
        forget(connection, 6000, 10).unwrap();
        assert_eq!(scenes(&database, 6000), ["big2"]);
    }
}
