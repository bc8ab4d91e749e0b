//! A whole picture in small, put together from the lowest level of its pyramid that is large
//! enough and averaged down from there: at most a factor of two.

use crate::geom::pyramid::{
    PyramidLayout, TILE_CONTENT_PX, TILE_GUTTER_PX, TILE_STORED_PX, TileAddress,
};

/// The largest side that [`assemble`] gives.
pub(super) const MOST_SIDE_PX: u32 = 512;

/// The size of a picture scaled down so that its longest side is at most `max_side`.
#[must_use]
pub(super) fn fitted([width, height]: [u32; 2], max_side: u32) -> [u32; 2] {
    let longest = width.max(height).max(1);
    if longest <= max_side {
        return [width, height];
    }
    let scaled = |side: u32| {
        let exact = u64::from(side) * u64::from(max_side);
        let rounded = (exact + u64::from(longest) / 2) / u64::from(longest);
        u32::try_from(rounded).unwrap_or(max_side).max(1)
    };
    [scaled(width), scaled(height)]
}

/// The picture, scaled down to at most `max_side` (itself at most [`MOST_SIDE_PX`]): size and
/// straight-alpha RGBA. `None` when a tile is missing.
pub(super) fn assemble(
    layout: &PyramidLayout,
    max_side: u32,
    mut tile: impl FnMut(TileAddress) -> Option<Vec<u8>>,
) -> Option<([u32; 2], Vec<u8>)> {
    let target = fitted(layout.size_px(), max_side.clamp(1, MOST_SIDE_PX));
    let is_enough = |level: &u8| {
        let size = layout.level_size_px(*level);
        size[0] >= target[0] && size[1] >= target[1]
    };
    let level = (0..layout.level_count()).rev().find(is_enough)?;
    let size = layout.level_size_px(level);
    let stride = size[0] as usize * 4;
    let mut level_rgba = vec![0; stride * size[1] as usize];
    let [columns, rows] = layout.tile_grid(level);
    for (x, y) in (0..rows).flat_map(|y| (0..columns).map(move |x| (x, y))) {
        let rgba = tile(TileAddress { level, x, y })?;
        let left = (x * TILE_CONTENT_PX) as usize * 4;
        let wide = (size[0] - x * TILE_CONTENT_PX).min(TILE_CONTENT_PX) as usize * 4;
        let high = (size[1] - y * TILE_CONTENT_PX).min(TILE_CONTENT_PX);
        for row in 0..high {
            let from = ((row + TILE_GUTTER_PX) * TILE_STORED_PX + TILE_GUTTER_PX) as usize * 4;
            let to = (y * TILE_CONTENT_PX + row) as usize * stride + left;
            let (from, to) = (
                rgba.get(from..from + wide)?,
                level_rgba.get_mut(to..to + wide)?,
            );
            to.copy_from_slice(from);
        }
    }
    if size == target {
        return Some((size, level_rgba));
    }
    Some((target, shrink(&level_rgba, size, target)))
}

/// Averages areas in linear light, weighted by alpha: what the pyramid does, for any factor.
fn shrink(rgba: &[u8], from: [u32; 2], to: [u32; 2]) -> Vec<u8> {
    let mut out = Vec::with_capacity(to[0] as usize * to[1] as usize * 4);
    let columns: Vec<_> = (0..to[0]).map(|x| cover(x, from[0], to[0])).collect();
    for y in 0..to[1] {
        let rows = cover(y, from[1], to[1]);
        for column in &columns {
            let mut sum = [0.0_f32; 4];
            let mut weight = 0.0;
            for &(row, row_share) in &rows {
                for &(column, column_share) in column {
                    let at = (row * from[0] as usize + column) * 4;
                    let Some(&[r, g, b, a]) = rgba.get(at..at + 4) else {
                        continue;
                    };
                    let share = row_share * column_share;
                    let alpha = share * f32::from(a) / 255.0;
                    for (sum, c) in sum.iter_mut().zip([r, g, b]) {
                        *sum += alpha * linear(c);
                    }
                    sum[3] += alpha;
                    weight += share;
                }
            }
            let alpha = sum[3].max(f32::MIN_POSITIVE);
            out.extend([
                encoded(sum[0] / alpha),
                encoded(sum[1] / alpha),
                encoded(sum[2] / alpha),
                (sum[3] / weight.max(f32::MIN_POSITIVE) * 255.0).round() as u8,
            ]);
        }
    }
    out
}

/// The source pixels that a target pixel covers, with their shares.
fn cover(i: u32, from: u32, to: u32) -> Vec<(usize, f32)> {
    let factor = f64::from(from) / f64::from(to);
    let (start, end) = (f64::from(i) * factor, f64::from(i + 1) * factor);
    let last = (end.ceil() as usize).min(from as usize);
    (start.floor() as usize..last)
        .map(|p| {
            let share = (p as f64 + 1.0).min(end) - (p as f64).max(start);
            (p, share as f32)
        })
        .filter(|(_, share)| *share > 0.0)
        .collect()
}

fn linear(value: u8) -> f32 {
    let v = f32::from(value) / 255.0;
    if v <= 0.040_45 {
        v / 12.92
    } else {
        ((v + 0.055) / 1.055).powf(2.4)
    }
}

fn encoded(value: f32) -> u8 {
    let v = value.clamp(0.0, 1.0);
    let v = if v <= 0.003_130_8 {
        v * 12.92
    } else {
        1.055 * v.powf(1.0 / 2.4) - 0.055
    };
    (v * 255.0).round() as u8
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn small_pictures_stay_and_large_ones_fit() {
        assert_eq!(fitted([100, 50], 512), [100, 50]);
        assert_eq!(fitted([4000, 2000], 256), [256, 128]);
        assert_eq!(fitted([32_768, 1], 64), [64, 1]);
    }

    #[test]
    fn a_flat_colour_stays_itself_at_any_size() {
        let colour = [200, 100, 50, 255];
        let rgba = colour.repeat(31 * 17);
        for to in [[30, 17], [16, 9], [31, 16]] {
            let out = shrink(&rgba, [31, 17], to);
            assert_eq!(out, colour.repeat((to[0] * to[1]) as usize));
        }
    }

    #[test]
    fn clear_pixels_do_not_bleed() {
        let rgba = [[255, 0, 0, 255], [0, 255, 0, 0]].concat();
        let out = shrink(&rgba, [2, 1], [1, 1]);
        assert_eq!(out, [255, 0, 0, 128]);
    }

    #[test]
    fn it_is_assembled_from_the_level_that_is_just_enough() {
        let layout = PyramidLayout::new(1000, 500).unwrap();
        let mut asked = Vec::new();
        let (size, _) = assemble(&layout, 400, |tile| {
            asked.push(tile);
            Some(vec![7; crate::geom::pyramid::TILE_STORED_BYTES])
        })
        .unwrap();
        assert_eq!(size, [400, 200]);
        assert!(asked.iter().all(|tile| tile.level == 1));
        assert!(assemble(&layout, 400, |_| None).is_none());
    }
}
