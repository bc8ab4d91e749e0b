//! The coordinate spaces and the transforms between them.
//!
//! | space | unit | origin | y |
//! | --- | --- | --- | --- |
//! | **world** | pixel of the display (the TV) | middle of the display rectangle | up |
//! | **map px** | pixel of the map picture | middle of the picture | up |
//! | **picture px** | pixel of the map picture | top left corner | down |
//! | **mask px** | pixel of a mask | top left corner | down |
//! | **screen** | point of a window's viewport | top left corner | down |
//! | **cells** | cell of the grid | see [`super::grid`] | – |
//!
//! A transform is named `b_from_a`: `world_from_map.transform_point2(p_map)` is a world
//! position. Angles are degrees, counter-clockwise in spaces with y up; turns by whole quarters
//! are exact.

mod camera;
mod file_name;

use glam::{DAffine2, DMat2, DVec2};

use super::rect::DRect;

pub use camera::{CAMERA_ZOOM_MAX, CAMERA_ZOOM_MIN, Camera};
pub use file_name::cell_counts_in_file_name;

/// Largest side of a still picture as Table Slayer's clients see it; their map pixels are those
/// after the scale-down ([`scaled_down_size`]).
pub const SCALE_DOWN_SIDE: u32 = 3000;

/// Counter-clockwise rotation (y up), exact for quarter turns. No rotation when the angle is
/// not a number.
#[must_use]
pub fn rotation(degrees: f64) -> DMat2 {
    let turn = degrees.rem_euclid(360.0);
    let (sin, cos) = if turn == 0.0 || !turn.is_finite() {
        (0.0, 1.0)
    } else if turn == 90.0 {
        (1.0, 0.0)
    } else if turn == 180.0 {
        (0.0, -1.0)
    } else if turn == 270.0 {
        (-1.0, 0.0)
    } else {
        turn.to_radians().sin_cos()
    };
    DMat2::from_cols(DVec2::new(cos, sin), DVec2::new(-sin, cos))
}

/// A picture's size as Table Slayer's clients see it: still pictures are scaled down to at most
/// [`SCALE_DOWN_SIDE`] a side, moving ones are not. Their map zoom, offset and masks refer to
/// this size.
#[must_use]
pub fn scaled_down_size(size_px: [u32; 2], still: bool) -> [u32; 2] {
    let [w, h] = size_px.map(f64::from);
    let limit = f64::from(SCALE_DOWN_SIDE);
    let scale = (limit / w).min(limit / h).min(1.0);
    if still && scale < 1.0 {
        [w, h].map(|side| ((side * scale).round() as u32).max(1))
    } else {
        size_px
    }
}

/// From picture px to map px: same pixels, other origin and direction.
#[must_use]
pub fn map_from_picture(size_px: [u32; 2]) -> DAffine2 {
    let half = DVec2::from(size_px.map(f64::from)) * 0.5;
    DAffine2::from_cols(DVec2::X, DVec2::NEG_Y, DVec2::new(-half.x, half.y))
}

/// From map px to picture px.
#[must_use]
pub fn picture_from_map(size_px: [u32; 2]) -> DAffine2 {
    let half = DVec2::from(size_px.map(f64::from)) * 0.5;
    DAffine2::from_cols(DVec2::X, DVec2::NEG_Y, half)
}

/// From picture px to the pixels of a mask that is stretched over the picture.
#[must_use]
pub fn mask_from_picture(mask_size_px: [u32; 2], size_px: [u32; 2]) -> DAffine2 {
    let mask = DVec2::from(mask_size_px.map(f64::from));
    let picture = DVec2::from(size_px.map(|s| f64::from(s.max(1))));
    DAffine2::from_scale(mask / picture)
}

/// From world to the pixels of a mask that covers the display rectangle: drawings of scenes
/// whose layers are not anchored to the map.
#[must_use]
pub fn display_mask_from_world(mask_size_px: [u32; 2], resolution_px: [u32; 2]) -> DAffine2 {
    let mask = DVec2::from(mask_size_px.map(f64::from));
    let scale = mask / DVec2::from(resolution_px.map(|s| f64::from(s.max(1))));
    DAffine2::from_cols(
        DVec2::new(scale.x, 0.0),
        DVec2::new(0.0, -scale.y),
        mask * 0.5,
    )
}

/// The display rectangle in world coordinates.
#[must_use]
pub fn display_rect_world(resolution_px: [u32; 2]) -> DRect {
    DRect::from_center_size(DVec2::ZERO, DVec2::from(resolution_px.map(f64::from)))
}

/// How a map picture lies in the world: scaled, then turned about its middle, then moved.
///
/// Values that make no sense (a zoom that is not positive, anything not finite) count as their
/// neutral value in every transform, so that a transform always has an inverse.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MapPlacement {
    /// Width and height of the picture in map pixels.
    pub size_px: [u32; 2],
    /// Counter-clockwise rotation in degrees.
    pub rotation_deg: f64,
    /// Middle of the map in world coordinates.
    pub offset_world: DVec2,
    /// World units (display pixels) per map pixel.
    pub zoom: f64,
}

impl MapPlacement {
    /// The map's pixels on the display's, in the middle, upright.
    #[must_use]
    pub const fn unscaled(size_px: [u32; 2]) -> Self {
        Self {
            size_px,
            rotation_deg: 0.0,
            offset_world: DVec2::ZERO,
            zoom: 1.0,
        }
    }

    /// The whole map in the display rectangle, as large as it goes, keeping its rotation when
    /// that is a whole number of quarter turns.
    #[must_use]
    pub fn fit(size_px: [u32; 2], resolution_px: [u32; 2], rotation_deg: f64) -> Self {
        let mut placement = Self {
            rotation_deg,
            ..Self::unscaled(size_px)
        };
        let footprint = placement.world_rect().size();
        let [width, height] = resolution_px.map(f64::from);
        let zoom = (width / footprint.x).min(height / footprint.y);
        if zoom.is_finite() && zoom > 0.0 {
            placement.zoom = zoom;
        }
        placement
    }

    /// As [`MapPlacement::fit`], upright or turned by 90°, whichever shows it larger: for a new
    /// map that names no grid.
    #[must_use]
    pub fn fit_turned(size_px: [u32; 2], resolution_px: [u32; 2]) -> Self {
        let upright = Self::fit(size_px, resolution_px, 0.0);
        let turned = Self::fit(size_px, resolution_px, 90.0);
        if turned.zoom > upright.zoom {
            turned
        } else {
            upright
        }
    }

    /// For a map that defines the grid, with its locked zoom: turned by 90° when map and display
    /// are not both wide or both tall; on each axis in the middle when it fits, else from the
    /// left or the top.
    #[must_use]
    pub fn aligned(size_px: [u32; 2], resolution_px: [u32; 2], zoom: f64) -> Self {
        let wide = |[w, h]: [u32; 2]| w.cmp(&h);
        let opposite = wide(size_px).reverse() == wide(resolution_px) && wide(size_px).is_ne();
        let mut placement = Self {
            size_px,
            rotation_deg: if opposite { 90.0 } else { 0.0 },
            offset_world: DVec2::ZERO,
            zoom,
        };
        let over = placement.world_rect().size() - DVec2::from(resolution_px.map(f64::from));
        placement.offset_world = DVec2::new(over.x.max(0.0) * 0.5, over.y.max(0.0) * -0.5);
        placement
    }

    /// For a map whose file name tells its cell counts, on a grid in display space: one map cell
    /// becomes one grid cell (mean of both axes), the map's top left corner comes to
    /// `grid_top_left_world`, and the map is turned by 90° when that makes its cells more
    /// nearly square. `cells` are counted along the turned map's x and y axes.
    #[must_use]
    pub fn from_cell_counts(
        size_px: [u32; 2],
        cells: [u32; 2],
        spacing_px: DVec2,
        grid_top_left_world: DVec2,
    ) -> Self {
        let [w, h] = size_px.map(|s| f64::from(s.max(1)));
        let cells = DVec2::from(cells.map(|n| f64::from(n.max(1))));
        let upright = DVec2::new(w, h) / cells;
        let turned = DVec2::new(h, w) / cells;
        let squareness = |cell: DVec2| cell.min_element() / cell.max_element();
        let (cell_map_px, rotation_deg) = if squareness(turned) > squareness(upright) {
            (turned, 90.0)
        } else {
            (upright, 0.0)
        };
        let per_axis = spacing_px / cell_map_px;
        let mut placement = Self {
            size_px,
            rotation_deg,
            offset_world: DVec2::ZERO,
            zoom: (per_axis.x + per_axis.y) * 0.5,
        };
        let footprint = placement.world_rect().size();
        placement.offset_world =
            grid_top_left_world + DVec2::new(footprint.x * 0.5, footprint.y * -0.5);
        placement
    }

    /// The zoom that the transforms use: positive and finite.
    #[must_use]
    pub fn effective_zoom(&self) -> f64 {
        if self.zoom.is_finite() && self.zoom > 0.0 {
            self.zoom.clamp(1e-6, 1e6)
        } else {
            1.0
        }
    }

    fn effective_offset(&self) -> DVec2 {
        if self.offset_world.is_finite() {
            self.offset_world
        } else {
            DVec2::ZERO
        }
    }

    /// From map px to world.
    #[must_use]
    pub fn world_from_map(&self) -> DAffine2 {
        DAffine2 {
            matrix2: rotation(self.rotation_deg) * self.effective_zoom(),
            translation: self.effective_offset(),
        }
    }

    /// From world to map px: turned back after the offset is taken off, then scaled.
    #[must_use]
    pub fn map_from_world(&self) -> DAffine2 {
        let matrix2 = rotation(self.rotation_deg).transpose() * self.effective_zoom().recip();
        DAffine2 {
            matrix2,
            translation: matrix2 * -self.effective_offset(),
        }
    }

    /// From map px to picture px.
    #[must_use]
    pub fn picture_from_map(&self) -> DAffine2 {
        picture_from_map(self.size_px)
    }

    /// From picture px to map px.
    #[must_use]
    pub fn map_from_picture(&self) -> DAffine2 {
        map_from_picture(self.size_px)
    }

    /// From picture px to world.
    #[must_use]
    pub fn world_from_picture(&self) -> DAffine2 {
        self.world_from_map() * self.map_from_picture()
    }

    /// From world to picture px.
    #[must_use]
    pub fn picture_from_world(&self) -> DAffine2 {
        self.picture_from_map() * self.map_from_world()
    }

    /// From world to the pixels of a mask stretched over the map.
    #[must_use]
    pub fn mask_from_world(&self, mask_size_px: [u32; 2]) -> DAffine2 {
        mask_from_picture(mask_size_px, self.size_px) * self.picture_from_world()
    }

    /// The map's own rectangle in map px.
    #[must_use]
    pub fn map_rect(&self) -> DRect {
        DRect::from_center_size(DVec2::ZERO, DVec2::from(self.size_px.map(f64::from)))
    }

    /// The upright rectangle around the map in world coordinates.
    #[must_use]
    pub fn world_rect(&self) -> DRect {
        self.map_rect().transformed(&self.world_from_map())
    }
}

/// What opening a scene of coordinate version 0, whose map defines the grid, as version 1 means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CoordUpgrade {
    /// Applied to the position of every marker and light.
    pub map_from_world: DAffine2,
    /// The cell counts to store instead, when the stored ones are wrong.
    pub new_map_cells: Option<[u32; 2]>,
}

impl CoordUpgrade {
    /// From the stored placement, the size of a cell in display pixels and the stored counts.
    ///
    /// Positions become map px with the placement as it is. The stored counts are kept unless
    /// those that the map shows (map size × zoom / cell) differ by 2 or more on an axis.
    #[must_use]
    pub fn new(placement: &MapPlacement, cell_px: f64, map_cells: [u32; 2]) -> Self {
        let zoom = placement.effective_zoom();
        let shown = placement.size_px.map(|side| {
            // The cast saturates; a cell that is no length gives 0 and becomes 1.
            ((f64::from(side) * zoom / cell_px + 0.5).floor() as u32).max(1)
        });
        let differs = shown
            .iter()
            .zip(map_cells)
            .any(|(&shown, stored)| shown.abs_diff(stored) >= 2);
        Self {
            map_from_world: placement.map_from_world(),
            new_map_cells: differs.then_some(shown),
        }
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "quarter turns and fits are exact")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn close(a: DVec2, b: DVec2) -> bool {
        a.distance(b) <= 1e-6 * (1.0 + a.length().max(b.length()))
    }

    #[test]
    fn quarter_turns_are_exact() {
        for (deg, x_axis) in [
            (0.0, DVec2::X),
            (90.0, DVec2::Y),
            (-270.0, DVec2::Y),
            (180.0, DVec2::NEG_X),
            (630.0, DVec2::NEG_Y),
            (f64::NAN, DVec2::X),
        ] {
            assert_eq!(rotation(deg) * DVec2::X, x_axis, "{deg}");
        }
    }

    #[test]
    fn web_clients_see_at_most_3000_pixels() {
        assert_eq!(scaled_down_size([6000, 3000], true), [3000, 1500]);
        assert_eq!(scaled_down_size([4000, 6001], true), [2000, 3000]);
        assert_eq!(scaled_down_size([3000, 2999], true), [3000, 2999]);
        assert_eq!(scaled_down_size([6000, 3000], false), [6000, 3000]);
        assert_eq!(scaled_down_size([32_768, 1], true), [3000, 1]);
    }

    #[test]
    fn the_corners_of_a_map_lie_where_they_should() {
        let placement = MapPlacement {
            size_px: [100, 50],
            rotation_deg: 90.0,
            offset_world: DVec2::new(10.0, 20.0),
            zoom: 2.0,
        };
        let world = placement.world_from_picture();
        // The top left corner turns to the bottom left.
        assert_eq!(
            world.transform_point2(DVec2::ZERO),
            DVec2::new(-40.0, -80.0)
        );
        assert_eq!(
            world.transform_point2(DVec2::new(100.0, 50.0)),
            DVec2::new(60.0, 120.0)
        );
        assert_eq!(placement.world_rect().size(), DVec2::new(100.0, 200.0));
        let mask = placement.mask_from_world([200, 200]);
        assert_eq!(
            mask.transform_point2(DVec2::new(10.0, 20.0)),
            DVec2::splat(100.0)
        );
    }

    #[test]
    fn drawings_cover_the_display() {
        let mask = display_mask_from_world([960, 540], [1920, 1080]);
        assert_eq!(
            mask.transform_point2(DVec2::new(-960.0, 540.0)),
            DVec2::ZERO
        );
        assert_eq!(
            mask.transform_point2(DVec2::new(-959.0, 539.0)),
            DVec2::splat(0.5)
        );
    }

    #[test]
    fn a_map_fits_upright_or_turned() {
        let fit = MapPlacement::fit([1000, 1000], [1920, 1080], 0.0);
        assert_eq!((fit.zoom, fit.offset_world), (1.08, DVec2::ZERO));
        let tall = MapPlacement::fit_turned([500, 1000], [1920, 1080]);
        assert_eq!((tall.zoom, tall.rotation_deg), (1.92, 90.0));
        let wide = MapPlacement::fit_turned([1000, 500], [1920, 1080]);
        assert_eq!((wide.zoom, wide.rotation_deg), (1.92, 0.0));
    }

    #[test]
    fn a_map_with_its_own_grid_is_aligned() {
        let inside = MapPlacement::aligned([800, 600], [1920, 1080], 1.0);
        assert_eq!(
            (inside.rotation_deg, inside.offset_world),
            (0.0, DVec2::ZERO)
        );
        // Tall map, wide display: turned, and then 2000 wide on 1920.
        let turned = MapPlacement::aligned([600, 1000], [1920, 1080], 2.0);
        assert_eq!(turned.rotation_deg, 90.0);
        assert_eq!(turned.offset_world, DVec2::new(40.0, -60.0));
        assert_eq!(turned.world_rect().min.x, -960.0);
        assert_eq!(turned.world_rect().max.y, 540.0);
        let square = MapPlacement::aligned([600, 600], [1920, 1080], 1.0);
        assert_eq!(square.rotation_deg, 0.0);
    }

    #[test]
    fn a_map_with_counts_lands_on_the_grid() {
        let corner = DVec2::new(-900.0, 500.0);
        let upright =
            MapPlacement::from_cell_counts([3000, 2200], [30, 22], DVec2::splat(50.0), corner);
        assert_eq!((upright.zoom, upright.rotation_deg), (0.5, 0.0));
        assert_eq!(upright.world_rect().min.x, -900.0);
        assert_eq!(upright.world_rect().max.y, 500.0);
        let turned =
            MapPlacement::from_cell_counts([2200, 3000], [30, 22], DVec2::splat(50.0), corner);
        assert_eq!((turned.zoom, turned.rotation_deg), (0.5, 90.0));
        assert_eq!(turned.world_rect().min.x, -900.0);
    }

    #[test]
    fn cell_counts_are_corrected_only_when_clearly_wrong() {
        let placement = MapPlacement {
            zoom: 0.5,
            ..MapPlacement::unscaled([3000, 2200])
        };
        let upgrade = |cells| CoordUpgrade::new(&placement, 50.0, cells).new_map_cells;
        assert_eq!(upgrade([30, 22]), None);
        assert_eq!(upgrade([29, 23]), None);
        assert_eq!(upgrade([24, 17]), Some([30, 22]));
        assert_eq!(upgrade([30, 20]), Some([30, 22]));
    }

    proptest! {
        #[test]
        fn placements_have_inverses(
            size in (1u32..9000, 1u32..9000),
            rotation_deg in -720.0..720.0f64,
            offset in (-5e3..5e3f64, -5e3..5e3f64),
            zoom in prop_oneof![0.01..20.0f64, Just(0.0), Just(f64::NAN), Just(-3.0)],
            p in (-9e3..9e3f64, -9e3..9e3f64),
        ) {
            let placement = MapPlacement {
                size_px: [size.0, size.1],
                rotation_deg,
                offset_world: offset.into(),
                zoom,
            };
            let p = DVec2::from(p);
            let world = placement.world_from_map().transform_point2(p);
            prop_assert!(close(placement.map_from_world().transform_point2(world), p));
            let world = placement.world_from_picture().transform_point2(p);
            prop_assert!(close(placement.picture_from_world().transform_point2(world), p));
        }

    }
}
