//! What each scene of a game was when this library and the game's room last held the same.

use super::error::LibraryError;
use super::open::Library;
use crate::doc::digest::SceneMark;
use crate::model::id::{GameSessionId, SceneId};
use crate::storage::agreed::{self, AgreedRow};
use crate::storage::error::StorageError;

/// A scene as both had it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgreedScene {
    /// The scene.
    pub id: SceneId,
    /// What it held.
    pub mark: SceneMark,
    /// When, milliseconds since 1970 UTC.
    pub agreed_unix_ms: i64,
    /// When it was changed here last without the room.
    pub changed_unix_ms: Option<i64>,
}

impl Library {
    /// The scenes of a game as both had them; none when it never was in a room, and in a library
    /// that is open for reading, which is in no room.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn agreed_scenes(&self, game: &GameSessionId) -> Result<Vec<AgreedScene>, LibraryError> {
        if !self.is_writable() {
            return Ok(Vec::new());
        }
        let rows = self.read(|rows| agreed::list(rows, game.as_str()))?;
        let scenes = rows.into_iter().map(|row| AgreedScene {
            id: SceneId::new(&row.scene),
            mark: SceneMark {
                digest: row.digest,
                name: row.name.into(),
            },
            agreed_unix_ms: row.agreed_ms,
            changed_unix_ms: row.changed_ms,
        });
        Ok(scenes.collect())
    }

    /// Queues rows of a game, and which are to be removed; never waits for the disk.
    ///
    /// # Errors
    /// When the library is open for reading only, closed, or its queue is full.
    pub fn note_agreed_scenes(
        &self,
        game: &GameSessionId,
        scenes: Vec<AgreedScene>,
        removed: &[SceneId],
    ) -> Result<(), StorageError> {
        let game = game.to_string();
        let rows: Vec<AgreedRow> = scenes
            .into_iter()
            .map(|scene| AgreedRow {
                scene: scene.id.to_string(),
                name: scene.mark.name.to_string(),
                digest: scene.mark.digest,
                agreed_ms: scene.agreed_unix_ms,
                changed_ms: scene.changed_unix_ms,
            })
            .collect();
        let removed: Vec<String> = removed.iter().map(SceneId::to_string).collect();
        self.store()?
            .run_unawaited(move |rows_of| agreed::update(rows_of, &game, &rows, &removed))
    }
}
