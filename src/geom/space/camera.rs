//! The view: how a window looks at the world, and how it moves.

use glam::{DAffine2, DMat2, DVec2};

use super::super::rect::DRect;
use super::{display_rect_world, rotation};

/// Smallest zoom of a view that a user can choose.
pub const CAMERA_ZOOM_MIN: f64 = 0.1;
/// Largest zoom of a view that a user can choose.
pub const CAMERA_ZOOM_MAX: f64 = 10.0;

/// How a window looks at the world. The camera turns counter-clockwise, so the picture turns
/// clockwise. Never part of a document.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Camera {
    /// Screen points per world unit.
    pub zoom: f64,
    /// Moves the picture, in screen points with y up, before it is turned.
    pub offset: DVec2,
    /// Rotation of the camera in degrees, counter-clockwise.
    pub rotation_deg: f64,
}

impl Default for Camera {
    fn default() -> Self {
        Self {
            zoom: 1.0,
            offset: DVec2::ZERO,
            rotation_deg: 0.0,
        }
    }
}

impl Camera {
    /// Shows a rectangle of the world whole and in the middle of the viewport, with nothing to
    /// spare on one axis.
    #[must_use]
    pub fn fit(rect_world: DRect, viewport: DVec2, rotation_deg: f64) -> Self {
        let turned =
            rect_world.transformed(&DAffine2::from_mat2(rotation(rotation_deg).transpose()));
        let per_axis = viewport / turned.size();
        let zoom = per_axis.min_element();
        let zoom = if zoom.is_finite() && zoom > 0.0 {
            zoom
        } else {
            1.0
        };
        Self {
            zoom,
            offset: rect_world.center() * -zoom,
            rotation_deg,
        }
    }

    /// Shows the display rectangle: the player's view, and the editor's to begin with.
    #[must_use]
    pub fn fit_display(resolution_px: [u32; 2], viewport: DVec2, rotation_deg: f64) -> Self {
        Self::fit(display_rect_world(resolution_px), viewport, rotation_deg)
    }

    /// From world to points of a viewport of this size.
    #[must_use]
    pub fn screen_from_world(&self, viewport: DVec2) -> DAffine2 {
        let turn = rotation(self.rotation_deg).transpose();
        let flip_y = DMat2::from_diagonal(DVec2::new(1.0, -1.0));
        DAffine2 {
            matrix2: flip_y * turn * self.zoom,
            translation: viewport * 0.5 + flip_y * turn * self.offset,
        }
    }

    /// From points of a viewport of this size to world.
    #[must_use]
    pub fn world_from_screen(&self, viewport: DVec2) -> DAffine2 {
        let flip_y = DMat2::from_diagonal(DVec2::new(1.0, -1.0));
        let turned_back = rotation(self.rotation_deg) * flip_y;
        DAffine2 {
            matrix2: turned_back * self.zoom.recip(),
            translation: (turned_back * (viewport * -0.5) - self.offset) * self.zoom.recip(),
        }
    }

    /// The upright rectangle of the world around what the viewport shows.
    #[must_use]
    pub fn visible_world(&self, viewport: DVec2) -> DRect {
        DRect::new(DVec2::ZERO, viewport).transformed(&self.world_from_screen(viewport))
    }

    /// Another zoom, cut to the limits, with the world position under the pointer kept there.
    #[must_use]
    pub fn zoomed_at(&self, pointer_screen: DVec2, zoom: f64, viewport: DVec2) -> Self {
        let zoom = if zoom.is_finite() {
            zoom.clamp(CAMERA_ZOOM_MIN, CAMERA_ZOOM_MAX)
        } else {
            self.zoom
        };
        let under = self
            .world_from_screen(viewport)
            .transform_point2(pointer_screen);
        Self {
            zoom,
            offset: self.offset + under * (self.zoom - zoom),
            ..*self
        }
    }

    /// Moved so that the picture follows a drag on the screen (points, y down).
    #[must_use]
    pub fn panned(&self, delta_screen: DVec2) -> Self {
        let delta_up = DVec2::new(delta_screen.x, -delta_screen.y);
        Self {
            offset: self.offset + rotation(self.rotation_deg) * delta_up,
            ..*self
        }
    }

    /// Turned about the middle of the viewport.
    #[must_use]
    pub fn rotated_to(&self, rotation_deg: f64) -> Self {
        Self {
            rotation_deg,
            ..*self
        }
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "fits are exact")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn close(a: DVec2, b: DVec2) -> bool {
        a.distance(b) <= 1e-6 * (1.0 + a.length().max(b.length()))
    }

    #[test]
    fn the_display_fits_turned_and_not() {
        let viewport = DVec2::new(960.0, 540.0);
        let camera = Camera::fit_display([1920, 1080], viewport, 0.0);
        let screen = camera.screen_from_world(viewport);
        assert_eq!(
            screen.transform_point2(DVec2::new(-960.0, 540.0)),
            DVec2::ZERO
        );
        assert_eq!(screen.transform_point2(DVec2::new(960.0, -540.0)), viewport);
        let turned = Camera::fit_display([1920, 1080], viewport, 90.0);
        assert_eq!(turned.zoom, 540.0 / 1920.0);
        // The camera turns counter-clockwise: what was up is to the right.
        let up = turned
            .screen_from_world(viewport)
            .transform_vector2(DVec2::Y);
        assert!(up.x > 0.0 && up.y == 0.0);
    }

    proptest! {
        #[test]
        fn cameras_have_inverses_and_zoom_to_the_pointer(
            zoom in 0.1..10.0f64,
            new_zoom in 0.01..20.0f64,
            offset in (-2e3..2e3f64, -2e3..2e3f64),
            rotation_deg in -360.0..360.0f64,
            p in (0.0..1920.0f64, 0.0..1080.0f64),
        ) {
            let viewport = DVec2::new(1920.0, 1080.0);
            let camera = Camera { zoom, offset: offset.into(), rotation_deg };
            let p = DVec2::from(p);
            let world = camera.world_from_screen(viewport).transform_point2(p);
            prop_assert!(close(camera.screen_from_world(viewport).transform_point2(world), p));

            let zoomed = camera.zoomed_at(p, new_zoom, viewport);
            prop_assert!((CAMERA_ZOOM_MIN..=CAMERA_ZOOM_MAX).contains(&zoomed.zoom));
            prop_assert!(close(zoomed.screen_from_world(viewport).transform_point2(world), p));

            let delta = DVec2::new(13.0, -7.0);
            let panned = camera.panned(delta).screen_from_world(viewport);
            prop_assert!(close(panned.transform_point2(world), p + delta));
        }
    }
}
