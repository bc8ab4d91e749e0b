//! [`PlayerScene`]: what a table may see. Made by one pure function that drops everything the DM
//! hid; the only scene that the player path of the renderer accepts.

use std::sync::Arc;

use crate::model::id::PictureHash;

use super::snapshot::SceneSnapshot;

/// A scene without anything that the DM hid. There is no way to make one but [`PlayerScene::of`].
#[derive(Debug, Clone)]
pub struct PlayerScene {
    scene: SceneSnapshot,
}

/// What a table shows now.
#[derive(Debug, Clone, Default)]
pub enum PlayerFrame {
    /// Nothing is on the table.
    #[default]
    Waiting,
    /// The DM paused; an optional picture fills the screen.
    Paused {
        /// The pause picture.
        picture: Option<PictureHash>,
    },
    /// A scene.
    Scene(Arc<PlayerScene>),
}

impl PlayerScene {
    /// The scene as players may hold it.
    #[must_use]
    pub fn of(scene: &SceneSnapshot) -> Self {
        Self {
            scene: scene.clone(),
        }
    }

    /// Read access; everything hidden is already gone.
    #[must_use]
    pub fn scene(&self) -> &SceneSnapshot {
        &self.scene
    }
}
