//! The layout of a tile pyramid: which tiles a picture has, and what each of them covers.
//!
//! Level 0 is the picture itself; every further level has half the pixels per side, rounded
//! up, until one tile holds all of it. Pixel `i` of level `n` stands for the picture pixels
//! `i * 2^n .. (i + 1) * 2^n`, cut at the picture's border: scale is exactly `2^n`, and the
//! last pixel of an odd side stands for fewer of them.
//!
//! A tile holds at most [`TILE_CONTENT_PX`] pixels a side of its level and is stored with
//! [`TILE_GUTTER_PX`] pixels of its neighbours around it, so that bilinear filtering is seamless
//! and every stored tile has the same size. Where there is no neighbour (the picture's border,
//! and all that lies beyond it in a tile that the picture does not fill), the nearest pixel of
//! the picture is repeated.
//!
//! Layout only: no pixels, no files, no GPU. The library cuts and stores by it, the renderer
//! asks and draws by it.

use glam::{DAffine2, DVec2};

use super::rect::{DRect, IRect};

/// Content of a full tile, pixels a side.
pub const TILE_CONTENT_PX: u32 = 256;
/// Pixels of the neighbours on every side of a stored tile.
pub const TILE_GUTTER_PX: u32 = 1;
/// A stored tile: content and gutter, pixels a side, whatever part of it the picture fills.
pub const TILE_STORED_PX: u32 = TILE_CONTENT_PX + 2 * TILE_GUTTER_PX;
/// Bytes of a stored tile, RGBA with 8 bits a channel.
pub const TILE_STORED_BYTES: usize = (TILE_STORED_PX * TILE_STORED_PX * 4) as usize;
/// The longest side of a picture.
pub const PICTURE_MAX_SIDE: u32 = 32_768;

/// The picture has no pixels, or a side beyond [`PICTURE_MAX_SIDE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a picture of {width} × {height} pixels cannot be used: each side must be 1 to {PICTURE_MAX_SIDE}"
)]
pub struct PictureSizeError {
    /// The width that was asked for.
    pub width: u32,
    /// The height that was asked for.
    pub height: u32,
}

/// One tile: its level (0 = full size) and its column and row there, from the top left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileAddress {
    /// 0 is the picture itself, each further level half of it.
    pub level: u8,
    /// Column, from the left.
    pub x: u32,
    /// Row, from the top.
    pub y: u32,
}

/// Which levels and tiles a picture of one size has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PyramidLayout {
    size_px: [u32; 2],
    level_count: u8,
}

impl PyramidLayout {
    /// The layout for a picture of this size.
    ///
    /// # Errors
    /// When a side is 0 or beyond [`PICTURE_MAX_SIDE`].
    pub const fn new(width: u32, height: u32) -> Result<Self, PictureSizeError> {
        if width == 0 || height == 0 || width > PICTURE_MAX_SIDE || height > PICTURE_MAX_SIDE {
            return Err(PictureSizeError { width, height });
        }
        let longest = if width > height { width } else { height };
        let mut level_count = 1;
        while longest.div_ceil(1 << (level_count - 1)) > TILE_CONTENT_PX {
            level_count += 1;
        }
        Ok(Self {
            size_px: [width, height],
            level_count,
        })
    }

    /// The picture's width and height.
    #[must_use]
    pub const fn size_px(&self) -> [u32; 2] {
        self.size_px
    }

    /// Number of levels, 1 to 8. The last one is a single tile.
    #[must_use]
    pub const fn level_count(&self) -> u8 {
        self.level_count
    }

    /// The coarsest level: one tile with the whole picture.
    #[must_use]
    pub const fn coarsest_level(&self) -> u8 {
        self.level_count - 1
    }

    /// Picture pixels per pixel of a level, per axis. Levels past the coarsest count as it.
    #[must_use]
    pub const fn picture_px_per_level_px(&self, level: u8) -> u32 {
        let level = if level >= self.level_count {
            self.level_count - 1
        } else {
            level
        };
        1 << level
    }

    /// Width and height of a level in its own pixels.
    #[must_use]
    pub const fn level_size_px(&self, level: u8) -> [u32; 2] {
        let scale = self.picture_px_per_level_px(level);
        [
            self.size_px[0].div_ceil(scale),
            self.size_px[1].div_ceil(scale),
        ]
    }

    /// Columns and rows of tiles in a level.
    #[must_use]
    pub const fn tile_grid(&self, level: u8) -> [u32; 2] {
        let [width, height] = self.level_size_px(level);
        [
            width.div_ceil(TILE_CONTENT_PX),
            height.div_ceil(TILE_CONTENT_PX),
        ]
    }

    /// Number of tiles of one level.
    #[must_use]
    pub const fn tile_count_in(&self, level: u8) -> usize {
        let [columns, rows] = self.tile_grid(level);
        columns as usize * rows as usize
    }

    /// Number of tiles of all levels.
    #[must_use]
    pub fn tile_count(&self) -> usize {
        (0..self.level_count).map(|l| self.tile_count_in(l)).sum()
    }

    /// Whether the picture has this tile.
    #[must_use]
    pub const fn contains(&self, tile: TileAddress) -> bool {
        if tile.level >= self.level_count {
            return false;
        }
        let [columns, rows] = self.tile_grid(tile.level);
        tile.x < columns && tile.y < rows
    }

    /// The tile's place in the order of [`PyramidLayout::tiles`], for tables and offsets.
    #[must_use]
    pub fn index_of(&self, tile: TileAddress) -> Option<usize> {
        if !self.contains(tile) {
            return None;
        }
        let before: usize = (0..tile.level).map(|l| self.tile_count_in(l)).sum();
        let [columns, _] = self.tile_grid(tile.level);
        Some(before + tile.y as usize * columns as usize + tile.x as usize)
    }

    /// The tile at a place in that order.
    #[must_use]
    pub fn tile_at(&self, index: usize) -> Option<TileAddress> {
        let mut rest = index;
        for level in 0..self.level_count {
            let count = self.tile_count_in(level);
            if rest < count {
                let columns = self.tile_grid(level)[0] as usize;
                return Some(TileAddress {
                    level,
                    x: (rest % columns) as u32,
                    y: (rest / columns) as u32,
                });
            }
            rest -= count;
        }
        None
    }

    /// All tiles: level 0 first, each level row by row from the top left.
    pub fn tiles(&self) -> impl Iterator<Item = TileAddress> + use<> {
        let layout = *self;
        (0..layout.level_count).flat_map(move |level| {
            let [columns, rows] = layout.tile_grid(level);
            grid_tiles(level, 0..columns, 0..rows)
        })
    }

    /// The tile of the next coarser level that covers this one; `None` at the coarsest.
    #[must_use]
    pub fn parent(&self, tile: TileAddress) -> Option<TileAddress> {
        (tile.level < self.coarsest_level()).then(|| TileAddress {
            level: tile.level + 1,
            x: tile.x / 2,
            y: tile.y / 2,
        })
    }

    /// The (up to four) tiles of the next finer level that this one covers.
    pub fn children(&self, tile: TileAddress) -> impl Iterator<Item = TileAddress> + use<> {
        let layout = *self;
        let [columns, rows] = match tile.level.checked_sub(1) {
            Some(finer) => layout.tile_grid(finer),
            None => [0, 0],
        };
        let pair = |i: u32, count: u32| {
            let first = i.saturating_mul(2);
            first..first.saturating_add(2).min(count)
        };
        grid_tiles(
            tile.level.saturating_sub(1),
            pair(tile.x, columns),
            pair(tile.y, rows),
        )
    }

    /// The tile's content, without gutter, in pixels of its level from the top left.
    #[must_use]
    pub fn content_level_px(&self, tile: TileAddress) -> IRect {
        let corner = [tile.x, tile.y].map(|i| i.saturating_mul(TILE_CONTENT_PX));
        let [width, height] = self.level_size_px(tile.level);
        let end = [
            corner[0].saturating_add(TILE_CONTENT_PX).min(width),
            corner[1].saturating_add(TILE_CONTENT_PX).min(height),
        ];
        let whole = |v: u32| i32::try_from(v).unwrap_or(i32::MAX);
        let rect = IRect::new(corner.map(whole), end.map(whole));
        if rect.is_empty() { IRect::EMPTY } else { rect }
    }

    /// The tile's content in picture pixels from the top left. The contents of a level's tiles
    /// cover the picture exactly, without overlap.
    #[must_use]
    pub fn content_picture_px(&self, tile: TileAddress) -> IRect {
        let scale = self.picture_px_per_level_px(tile.level);
        // A level has at most 32768 pixels over all, so times its scale this fits easily.
        let factor = i32::try_from(scale).unwrap_or(i32::MAX);
        let level_px = self.content_level_px(tile);
        IRect::new(
            level_px.min.map(|v| v.saturating_mul(factor)),
            level_px.max.map(|v| v.saturating_mul(factor)),
        )
        .intersection(&IRect::of_size(self.size_px))
    }

    /// From picture pixels to pixels of the stored tile (gutter included, top left, 0 to
    /// [`TILE_STORED_PX`]): divide by that size for texture coordinates.
    #[must_use]
    pub fn stored_from_picture(&self, tile: TileAddress) -> DAffine2 {
        let scale = f64::from(self.picture_px_per_level_px(tile.level));
        let corner = DVec2::new(f64::from(tile.x), f64::from(tile.y)) * f64::from(TILE_CONTENT_PX);
        DAffine2::from_scale_angle_translation(
            DVec2::splat(1.0 / scale),
            0.0,
            DVec2::splat(f64::from(TILE_GUTTER_PX)) - corner,
        )
    }

    /// The coarsest level that still has at least one of its pixels per screen pixel, when
    /// `texels_per_screen_px` picture pixels fall on one screen pixel. At 1 or less it is
    /// level 0; what is not a number counts as that.
    #[must_use]
    pub fn level_for(&self, texels_per_screen_px: f64) -> u8 {
        let mut level = 0;
        let mut texels = texels_per_screen_px;
        while level < self.coarsest_level() && texels >= 2.0 {
            texels *= 0.5;
            level += 1;
        }
        level
    }

    /// The tiles of a level whose content touches a rectangle in picture pixels, row by row.
    /// A level past the coarsest has none.
    pub fn tiles_in(
        &self,
        level: u8,
        picture_px: DRect,
    ) -> impl Iterator<Item = TileAddress> + use<> {
        let whole: DRect = IRect::of_size(self.size_px).into();
        let inside = if level < self.level_count {
            picture_px.intersection(&whole)
        } else {
            DRect::default()
        };
        let [columns, rows] = self.tile_grid(level);
        let tile_side = f64::from(TILE_CONTENT_PX * self.picture_px_per_level_px(level));
        let range = |min: f64, max: f64, count: u32| {
            if inside.is_empty() {
                0..0
            } else {
                (min / tile_side).floor() as u32..((max / tile_side).ceil() as u32).min(count)
            }
        };
        grid_tiles(
            level,
            range(inside.min.x, inside.max.x, columns),
            range(inside.min.y, inside.max.y, rows),
        )
    }
}

fn grid_tiles(
    level: u8,
    columns: std::ops::Range<u32>,
    rows: std::ops::Range<u32>,
) -> impl Iterator<Item = TileAddress> {
    rows.flat_map(move |y| columns.clone().map(move |x| TileAddress { level, x, y }))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes_that_are_none_are_refused_in_words() {
        for (w, h) in [(0, 5), (5, 0), (32_769, 1), (1, u32::MAX)] {
            let error = PyramidLayout::new(w, h).unwrap_err();
            assert!(error.to_string().contains("32768"), "{error}");
        }
    }

    #[test]
    fn levels_halve_rounding_up_until_one_tile() {
        let small = PyramidLayout::new(256, 200).unwrap();
        assert_eq!((small.level_count(), small.tile_count()), (1, 1));

        let odd = PyramidLayout::new(257, 100).unwrap();
        assert_eq!(odd.level_count(), 2);
        assert_eq!(odd.tile_grid(0), [2, 1]);
        assert_eq!(odd.level_size_px(1), [129, 50]);

        let big = PyramidLayout::new(32_768, 1).unwrap();
        assert_eq!(big.level_count(), 8);
        assert_eq!(big.level_size_px(7), [256, 1]);

        let map = PyramidLayout::new(3840, 2160).unwrap();
        assert_eq!(map.level_count(), 5);
        assert_eq!(map.tile_grid(0), [15, 9]);
        assert_eq!(map.level_size_px(4), [240, 135]);
    }

    #[test]
    fn the_level_follows_the_zoom() {
        let map = PyramidLayout::new(4096, 4096).unwrap();
        let expected = [
            (0.1, 0),
            (1.0, 0),
            (1.99, 0),
            (2.0, 1),
            (3.9, 1),
            (4.0, 2),
            (1e9, 4),
            (f64::INFINITY, 4),
            (f64::NAN, 0),
        ];
        for (texels, level) in expected {
            assert_eq!(map.level_for(texels), level, "{texels}");
        }
    }

    #[test]
    fn a_view_asks_for_the_tiles_it_touches() {
        let map = PyramidLayout::new(1000, 600).unwrap();
        let view = DRect::new(DVec2::new(255.5, -40.0), DVec2::new(512.0, 256.5));
        let tiles: Vec<_> = map.tiles_in(0, view).map(|t| (t.x, t.y)).collect();
        assert_eq!(tiles, [(0, 0), (1, 0), (0, 1), (1, 1)]);
        let all: Vec<_> = map
            .tiles_in(1, DRect::new(DVec2::splat(-1e9), DVec2::splat(1e9)))
            .collect();
        assert_eq!(all.len(), map.tile_count_in(1));
        assert_eq!(map.tiles_in(9, view).count(), 0);
        let outside = DRect::new(DVec2::new(1000.0, 0.0), DVec2::new(1100.0, 5.0));
        assert_eq!(map.tiles_in(0, outside).count(), 0);
    }

    #[test]
    fn a_stored_tile_begins_with_its_gutter() {
        let map = PyramidLayout::new(1000, 600).unwrap();
        let tile = TileAddress {
            level: 1,
            x: 1,
            y: 0,
        };
        let stored = map.stored_from_picture(tile);
        assert_eq!(
            stored.transform_point2(DVec2::new(512.0, 0.0)),
            DVec2::new(1.0, 1.0)
        );
        assert_eq!(
            stored.transform_point2(DVec2::new(514.0, 2.0)),
            DVec2::new(2.0, 2.0)
        );
    }

    proptest! {
        #[test]
        fn tiles_cover_each_level_exactly(w in 1u32..=5000, h in 1u32..=5000) {
            let layout = PyramidLayout::new(w, h).unwrap();
            for level in 0..layout.level_count() {
                let [columns, rows] = layout.tile_grid(level);
                let (mut level_area, mut picture_area) = (0, 0);
                for y in 0..rows {
                    for x in 0..columns {
                        let tile = TileAddress { level, x, y };
                        prop_assert!(!layout.content_level_px(tile).is_empty());
                        level_area += layout.content_level_px(tile).area();
                        picture_area += layout.content_picture_px(tile).area();
                    }
                }
                let [lw, lh] = layout.level_size_px(level);
                prop_assert_eq!(level_area, u64::from(lw) * u64::from(lh));
                prop_assert_eq!(picture_area, u64::from(w) * u64::from(h));
            }
            prop_assert_eq!(layout.tile_count_in(layout.coarsest_level()), 1);
        }

        #[test]
        fn order_and_family_agree(w in 1u32..=3000, h in 1u32..=3000) {
            let layout = PyramidLayout::new(w, h).unwrap();
            for (i, tile) in layout.tiles().enumerate() {
                prop_assert_eq!(layout.index_of(tile), Some(i));
                prop_assert_eq!(layout.tile_at(i), Some(tile));
                for child in layout.children(tile) {
                    prop_assert!(layout.contains(child));
                    prop_assert_eq!(layout.parent(child), Some(tile));
                }
                match layout.parent(tile) {
                    Some(parent) => {
                        prop_assert!(layout.children(parent).any(|c| c == tile));
                        let cover = layout.content_picture_px(parent);
                        let own = layout.content_picture_px(tile);
                        prop_assert_eq!(cover.intersection(&own), own);
                    }
                    None => prop_assert_eq!(tile.level, layout.coarsest_level()),
                }
            }
            prop_assert_eq!(layout.tile_at(layout.tile_count()), None);
        }
    }
}
