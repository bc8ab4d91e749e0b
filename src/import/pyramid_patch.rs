//! Brings the pyramid of a picture up to date of which some parts have changed, tile by tile: the
//! result is what [`super::pyramid`] would make of the whole picture, byte for byte.
//!
//! Touched are the tiles of the changed parts on every level and, for their gutters, those around
//! them. Memory: the changed parts, and about as much again. Must not know files or compression.
//! Called by [`crate::library`].

use std::collections::{BTreeMap, BTreeSet};

use super::pyramid::average_rows;
use crate::geom::pyramid::{
    PyramidLayout, TILE_CONTENT_PX, TILE_GUTTER_PX, TILE_STORED_BYTES, TILE_STORED_PX, TileAddress,
};
use crate::geom::rect::IRect;

/// A part of a picture. Its corners lie on those of tiles, or at the picture's end.
#[derive(Debug)]
pub struct Part {
    /// Where it lies, in picture pixels.
    pub rect: IRect,
    /// Its pixels: straight-alpha RGBA without padding.
    pub rgba: Vec<u8>,
}

/// Where a pyramid's tiles lie, as they are stored: with their gutter.
pub trait Shelf {
    /// Why a tile cannot be had or kept.
    type Error;

    /// A tile of before.
    ///
    /// # Errors
    /// When it cannot be read.
    fn get(&mut self, tile: TileAddress) -> Result<Vec<u8>, Self::Error>;

    /// A tile in place of the one before.
    ///
    /// # Errors
    /// When it cannot be kept.
    fn put(&mut self, tile: TileAddress, rgba: &[u8]) -> Result<(), Self::Error>;
}

/// Puts changed parts into a pyramid.
///
/// # Errors
/// Those of the shelf, whose pyramid is of no use then.
pub fn patch<S: Shelf>(
    layout: &PyramidLayout,
    parts: &[Part],
    shelf: &mut S,
) -> Result<(), S::Error> {
    let mut fresh: BTreeMap<TileAddress, Content> = parts
        .iter()
        .flat_map(|part| tiles_of(layout, part))
        .collect();
    for level in 0..layout.level_count() {
        let mut level = Level {
            layout,
            level,
            contents: fresh,
            shelf,
        };
        let changed: Vec<TileAddress> = level.contents.keys().copied().collect();
        let touched: BTreeSet<TileAddress> = changed
            .iter()
            .flat_map(|tile| around(layout, *tile))
            .collect();
        for tile in touched {
            let stored = level.stored(tile)?;
            level.shelf.put(tile, &stored)?;
        }
        let parents: BTreeSet<TileAddress> = changed
            .iter()
            .filter_map(|tile| layout.parent(*tile))
            .collect();
        let mut coarser = BTreeMap::new();
        for parent in parents {
            coarser.insert(parent, level.halved(parent)?);
        }
        fresh = coarser;
    }
    Ok(())
}

/// A tile without its gutter.
#[derive(Debug)]
struct Content {
    width: usize,
    rgba: Vec<u8>,
}

impl Content {
    fn row(&self, y: usize) -> &[u8] {
        let stride = self.width * 4;
        self.rgba
            .get(y * stride..(y + 1) * stride)
            .unwrap_or_default()
    }
}

/// The finest tiles that a part holds.
fn tiles_of<'p>(
    layout: &'p PyramidLayout,
    part: &'p Part,
) -> impl Iterator<Item = (TileAddress, Content)> + 'p {
    let tiles = layout.tiles_in(0, part.rect.into());
    tiles.map(|tile| {
        let content = layout.content_picture_px(tile);
        let pixels = |n: i32| usize::try_from(n).unwrap_or(0);
        let stride = pixels(part.rect.max[0] - part.rect.min[0]) * 4;
        let [left, top] = [0, 1].map(|axis| pixels(content.min[axis] - part.rect.min[axis]));
        let width = content.width() as usize;
        let rows = (top..top + content.height() as usize).map(|y| {
            let at = y * stride + left * 4;
            part.rgba.get(at..at + width * 4).unwrap_or_default()
        });
        let rgba = rows.collect::<Vec<_>>().concat();
        (tile, Content { width, rgba })
    })
}

/// A tile and those that share an edge or a corner with it.
fn around(layout: &PyramidLayout, tile: TileAddress) -> impl Iterator<Item = TileAddress> + use<> {
    let [columns, rows] = layout.tile_grid(tile.level);
    let near = |n: u32, count: u32| n.saturating_sub(1)..n.saturating_add(2).min(count);
    near(tile.y, rows).flat_map(move |y| {
        near(tile.x, columns).map(move |x| TileAddress {
            level: tile.level,
            x,
            y,
        })
    })
}

/// A level that is brought up to date: what has changed of it and what was looked up.
struct Level<'l, S> {
    layout: &'l PyramidLayout,
    level: u8,
    contents: BTreeMap<TileAddress, Content>,
    shelf: &'l mut S,
}

impl<S: Shelf> Level<'_, S> {
    /// Sees to it that a tile's content is known.
    fn look_up(&mut self, tile: TileAddress) -> Result<(), S::Error> {
        if self.contents.contains_key(&tile) {
            return Ok(());
        }
        let stored = self.shelf.get(tile)?;
        let rect = self.layout.content_level_px(tile);
        let width = rect.width() as usize;
        let gutter = TILE_GUTTER_PX as usize;
        let rows = (gutter..gutter + rect.height() as usize).map(|y| {
            let at = (y * TILE_STORED_PX as usize + gutter) * 4;
            stored.get(at..at + width * 4).unwrap_or_default()
        });
        let rgba = rows.collect::<Vec<_>>().concat();
        self.contents.insert(tile, Content { width, rgba });
        Ok(())
    }

    fn row(&self, x: u32, y: u32) -> &[u8] {
        let tile = TileAddress {
            level: self.level,
            x: x / TILE_CONTENT_PX,
            y: y / TILE_CONTENT_PX,
        };
        let content = self.contents.get(&tile);
        content.map_or(&[], |content| content.row((y % TILE_CONTENT_PX) as usize))
    }

    fn pixel(&self, x: u32, y: u32) -> [u8; 4] {
        let at = (x % TILE_CONTENT_PX) as usize * 4;
        let pixel = self.row(x, y).get(at..).and_then(<[u8]>::first_chunk);
        pixel.copied().unwrap_or_default()
    }

    /// A tile with its gutter; what lies beyond the picture repeats its border.
    fn stored(&mut self, tile: TileAddress) -> Result<Vec<u8>, S::Error> {
        for near in around(self.layout, tile) {
            self.look_up(near)?;
        }
        let [last_x, last_y] = self.layout.level_size_px(self.level).map(|side| side - 1);
        let [left, top] = [tile.x, tile.y].map(|n| n * TILE_CONTENT_PX);
        let mut stored = Vec::with_capacity(TILE_STORED_BYTES);
        for y in 0..TILE_STORED_PX {
            let y = (top + y).saturating_sub(1).min(last_y);
            let inside = self.row(left, y);
            let right = (left + TILE_CONTENT_PX).min(last_x);
            let beyond = TILE_STORED_PX as usize - 1 - inside.len() / 4;
            stored.extend_from_slice(&self.pixel(left.saturating_sub(1), y));
            stored.extend_from_slice(inside);
            for _ in 0..beyond {
                stored.extend_from_slice(&self.pixel(right, y));
            }
        }
        Ok(stored)
    }

    /// The content of a tile of the next coarser level.
    fn halved(&mut self, parent: TileAddress) -> Result<Content, S::Error> {
        let children: Vec<TileAddress> = self.layout.children(parent).collect();
        for child in &children {
            self.look_up(*child)?;
        }
        let rect = self.layout.content_level_px(parent);
        let [_, height] = self.layout.level_size_px(self.level);
        let pixels = |n: i32| u32::try_from(n).unwrap_or(0);
        let left = pixels(rect.min[0]) * 2;
        let full_row = |y: u32| {
            let mut row = self.row(left, y).to_vec();
            if children.iter().any(|child| child.x > parent.x * 2) {
                row.extend_from_slice(self.row(left + TILE_CONTENT_PX, y));
            }
            row
        };
        let mut rgba = Vec::with_capacity(rect.area() as usize * 4);
        for y in pixels(rect.min[1])..pixels(rect.max[1]) {
            let above = full_row(y * 2);
            // The last row of an odd height stands for two.
            let below = full_row((y * 2 + 1).min(height - 1));
            rgba.extend_from_slice(&average_rows(&above, &below));
        }
        let width = rect.width() as usize;
        Ok(Content { width, rgba })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::collections::HashMap;
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;
    use crate::import::pyramid::PyramidBuilder;

    #[derive(Debug, PartialEq)]
    struct Memory(HashMap<TileAddress, Vec<u8>>);

    impl Shelf for Memory {
        type Error = Infallible;

        fn get(&mut self, tile: TileAddress) -> Result<Vec<u8>, Infallible> {
            Ok(self.0[&tile].clone())
        }

        fn put(&mut self, tile: TileAddress, rgba: &[u8]) -> Result<(), Infallible> {
            assert_eq!(rgba.len(), TILE_STORED_BYTES);
            self.0.insert(tile, rgba.to_vec());
            Ok(())
        }
    }

    fn built([width, height]: [u32; 2], rgba: &[u8]) -> Memory {
        let mut tiles = HashMap::new();
        let mut builder = PyramidBuilder::new(width, height).unwrap();
        let mut keep = |tile, rgba: &[u8]| {
            tiles.insert(tile, rgba.to_vec());
            Ok::<(), Infallible>(())
        };
        builder.push_rows(rgba, &mut keep).unwrap();
        builder.finish::<Infallible>().unwrap();
        Memory(tiles)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(6))]

        #[test]
        fn a_patched_pyramid_is_the_one_of_the_whole_picture(
            width in 1u32..900,
            height in 1u32..600,
            seed in any::<u32>(),
            changed in any::<u32>(),
        ) {
            let size = [width, height];
            let pixel = |n: u32, seed: u32| {
                let v = n.wrapping_add(seed).wrapping_mul(2_654_435_761);
                [v as u8, (v >> 8) as u8, (v >> 16) as u8, if seed.is_multiple_of(3) { (v >> 24) as u8 } else { 255 }]
            };
            let mut rgba: Vec<u8> = (0..width * height).flat_map(|n| pixel(n, seed)).collect();
            let layout = PyramidLayout::new(width, height).unwrap();
            let mut shelf = built(size, &rgba);
            let finest = layout.tiles().filter(|tile| tile.level == 0);
            let parts: Vec<Part> = finest
                .enumerate()
                .filter(|(n, _)| changed >> n & 1 == 1)
                .map(|(_, tile)| layout.content_picture_px(tile))
                .map(|rect| {
                    let stride = width as usize * 4;
                    let mut own = Vec::new();
                    for y in rect.min[1]..rect.max[1] {
                        for x in rect.min[0]..rect.max[0] {
                            let pixel = pixel((x * 7 + y) as u32, seed ^ 0x55);
                            let at = y as usize * stride + x as usize * 4;
                            rgba[at..at + 4].copy_from_slice(&pixel);
                            own.extend_from_slice(&pixel);
                        }
                    }
                    Part { rect, rgba: own }
                })
                .collect();
            patch(&layout, &parts, &mut shelf).unwrap();
            prop_assert!(shelf == built(size, &rgba));
        }
    }
}
