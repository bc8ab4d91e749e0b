//! Scenes that were deleted, as a [`Library`] keeps them for a while: to be brought back.

use std::sync::Arc;

use super::error::LibraryError;
use super::open::Library;
use crate::model::id::{GameSessionId, SceneId};
use crate::storage::removed;
pub use crate::storage::removed::KEPT_FOR;

/// A deleted scene that can be brought back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemovedScene {
    /// Its id.
    pub id: SceneId,
    /// Its name when it went.
    pub name: Arc<str>,
    /// When it went here, milliseconds since 1970 UTC.
    pub removed_unix_ms: i64,
    /// Somebody else in a room deleted it.
    pub by_other: bool,
    /// Its thumbnail: PNG bytes.
    pub thumbnail: Option<Arc<[u8]>>,
}

impl Library {
    /// Keeps a scene that is deleted from a game for [`KEPT_FOR`]; `document` is a game document that
    /// holds nothing else. The oldest ones go when it becomes too much.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep_removed_scene(
        &self,
        game: &GameSessionId,
        (scene, name): (&SceneId, &str),
        by_other: bool,
        document: Vec<u8>,
    ) -> Result<(), LibraryError> {
        let going = removed::Going {
            game: game.to_string(),
            scene: scene.to_string(),
            name: name.to_owned(),
            by_other,
            bytes: document,
        };
        let now = self.clock.unix_ms();
        self.write(move |rows| removed::keep(rows, &going, now))
    }

    /// The deleted scenes of a game, the newest first; those that are back are among them. None in a
    /// library that is open for reading: nothing can be brought back there.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn removed_scenes(&self, game: &GameSessionId) -> Result<Vec<RemovedScene>, LibraryError> {
        if !self.is_writable() {
            return Ok(Vec::new());
        }
        let now = self.clock.unix_ms();
        let rows = self.read(|rows| removed::list(rows, game.as_str(), now))?;
        let scenes = rows.into_iter().map(|row| RemovedScene {
            id: SceneId::new(&row.scene),
            name: row.name.into(),
            removed_unix_ms: row.removed_ms,
            by_other: row.by_other,
            thumbnail: row.thumbnail.map(Into::into),
        });
        Ok(scenes.collect())
    }

    /// The document that holds a deleted scene; `None` when it is not kept any more.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn removed_scene(
        &self,
        game: &GameSessionId,
        scene: &SceneId,
    ) -> Result<Option<Vec<u8>>, LibraryError> {
        if !self.is_writable() {
            return Ok(None);
        }
        self.read(|rows| removed::load(rows, game.as_str(), scene.as_str()))
    }
}
