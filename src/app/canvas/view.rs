//! How the canvas looks at a scene: fitting, panning, zooming, and the way between screen and world.

use eframe::egui;
use glam::{DAffine2, DVec2};

use crate::geom::rect::DRect;
use crate::geom::space::Camera;
use crate::scene::snapshot::SceneSnapshot;

/// Least zoom of the canvas, screen points per world unit.
pub const ZOOM_MIN: f64 = 0.05;
/// Greatest zoom of the canvas.
pub const ZOOM_MAX: f64 = 20.0;

/// Room that a fit leaves around, points.
const MARGIN: f64 = 24.0;

/// A canvas on the screen and what it shows.
#[derive(Debug, Clone, Copy)]
pub struct View {
    /// Its rectangle, points of the window.
    pub rect: egui::Rect,
    /// How it looks at the world.
    pub camera: Camera,
}

impl View {
    /// Its size in points.
    #[must_use]
    pub fn size(&self) -> DVec2 {
        size_of(self.rect)
    }

    /// A world position on the screen.
    #[must_use]
    pub fn screen(&self, world: DVec2) -> egui::Pos2 {
        let p = self
            .camera
            .screen_from_world(self.size())
            .transform_point2(world);
        self.rect.min + to_vec2(p)
    }

    /// A position on the screen in the world.
    #[must_use]
    pub fn world(&self, screen: egui::Pos2) -> DVec2 {
        let p = screen - self.rect.min;
        self.camera
            .world_from_screen(self.size())
            .transform_point2(DVec2::new(f64::from(p.x), f64::from(p.y)))
    }

    /// The corners of a rectangle of some space, on the screen, counter-clockwise.
    #[must_use]
    pub fn corners(&self, rect: DRect, world_from_space: &DAffine2) -> Vec<egui::Pos2> {
        rect.corners()
            .map(|corner| self.screen(world_from_space.transform_point2(corner)))
            .to_vec()
    }
}

/// A rectangle's size.
#[must_use]
pub fn size_of(rect: egui::Rect) -> DVec2 {
    DVec2::new(f64::from(rect.width()), f64::from(rect.height()))
}

/// A vector in egui's type.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "screen points")]
pub fn to_vec2(p: DVec2) -> egui::Vec2 {
    egui::vec2(p.x as f32, p.y as f32)
}

/// The display rectangle of a scene, world units.
#[must_use]
pub fn display_rect(scene: &SceneSnapshot) -> DRect {
    DRect::from_center_size(DVec2::ZERO, scene.display_size_world())
}

/// The upright rectangle around a scene's map, or the display's without a map.
#[must_use]
pub fn map_rect(scene: &SceneSnapshot) -> DRect {
    scene
        .map
        .as_ref()
        .map_or_else(|| display_rect(scene), |map| map.placement.world_rect())
}

/// Shows a rectangle with a margin.
#[must_use]
pub fn fit(rect_world: DRect, canvas: DVec2) -> Camera {
    let room = (canvas - DVec2::splat(2.0 * MARGIN)).max(DVec2::splat(16.0));
    let mut camera = Camera::fit(rect_world, room, 0.0);
    let zoom = camera.zoom.clamp(ZOOM_MIN, ZOOM_MAX);
    camera.offset = rect_world.center() * -zoom;
    camera.zoom = zoom;
    camera
}

/// Shows the table's rectangle.
#[must_use]
pub fn fit_display(scene: &SceneSnapshot, canvas: DVec2) -> Camera {
    fit(display_rect(scene), canvas)
}

/// Another zoom with the place under a pointer (points from the canvas's corner) kept there.
#[must_use]
pub fn zoomed(camera: Camera, pointer: DVec2, zoom: f64, canvas: DVec2) -> Camera {
    if !zoom.is_finite() {
        return camera;
    }
    let zoom = zoom.clamp(ZOOM_MIN, ZOOM_MAX);
    let under = camera.world_from_screen(canvas).transform_point2(pointer);
    Camera {
        zoom,
        offset: camera.offset + under * (camera.zoom - zoom),
        ..camera
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zooming_keeps_what_is_under_the_pointer() {
        let canvas = DVec2::new(900.0, 600.0);
        let camera = fit(
            DRect::from_center_size(DVec2::new(30.0, -70.0), DVec2::new(1920.0, 1080.0)),
            canvas,
        );
        let pointer = DVec2::new(123.0, 456.0);
        let world = camera.world_from_screen(canvas).transform_point2(pointer);
        for zoom in [0.001, 0.05, 0.7, 20.0, 900.0, f64::NAN] {
            let after = zoomed(camera, pointer, zoom, canvas);
            assert!((ZOOM_MIN..=ZOOM_MAX).contains(&after.zoom));
            let there = after.screen_from_world(canvas).transform_point2(world);
            assert!(there.distance(pointer) < 1e-6, "{zoom}: {there}");
        }
    }

    #[test]
    fn a_fit_shows_everything() {
        let canvas = DVec2::new(700.0, 900.0);
        let rect = DRect::from_center_size(DVec2::ZERO, DVec2::new(1920.0, 1080.0));
        let seen = fit(rect, canvas).visible_world(canvas);
        assert!(seen.min.x <= rect.min.x && seen.max.x >= rect.max.x);
        assert!(seen.min.y <= rect.min.y && seen.max.y >= rect.max.y);
    }
}
