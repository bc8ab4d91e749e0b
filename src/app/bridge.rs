//! The small bridge between egui and the renderer.
//!
//! A window asks for a picture of a scene in a rectangle; a paint callback has the renderer prepare
//! it into a view of its own and blits that view into egui's pass. Must not know tools or panels.

use eframe::egui;
use egui::Ui;

use super::canvas::view::View;
use super::layers::LayerSet;
use crate::model::id::PictureHash;
use crate::scene::player::PlayerScene;
use crate::scene::snapshot::SceneSnapshot;

/// A handle of the renderer for windows; cheap to clone.
#[derive(Clone, Default)]
pub struct Bridge {}

impl Bridge {
    /// Without a graphics device: nothing is drawn.
    #[must_use]
    pub fn blank() -> Self {
        Self::default()
    }

    /// Draws the editor's picture.
    pub fn paint_editor(&self, _ui: &Ui, _view: &View, _scene: &SceneSnapshot, _layers: LayerSet) {}

    /// Draws the players' picture.
    pub fn paint_player(&self, _ui: &Ui, _rect: egui::Rect, _scene: &PlayerScene, _animate: bool) {}

    /// Draws a picture, contained. `false` when it can not be drawn.
    #[must_use]
    pub fn paint_picture(&self, _ui: &Ui, _rect: egui::Rect, _picture: &PictureHash) -> bool {
        false
    }
}
