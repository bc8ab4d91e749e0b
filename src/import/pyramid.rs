//! Cuts a picture into the tiles of its pyramid while its rows go by.
//!
//! Each level holds the rows of one row of tiles and their gutter, so memory depends on the
//! picture's width alone: 258 rows of every level, about 2 KiB for each pixel of width. A level
//! is made from the finer one by averaging 2 × 2 pixels in linear light, weighted by alpha. The
//! same rows always give the same bytes.
//!
//! Must not know files, compression or GPU. Called by [`crate::library`] with rows from
//! [`super::picture`].

use std::sync::OnceLock;

use crate::geom::pyramid::{
    PictureSizeError, PyramidLayout, TILE_CONTENT_PX, TILE_STORED_BYTES, TILE_STORED_PX,
    TileAddress,
};

/// Why a pyramid could not be built; `E` is the sink's error.
#[derive(Debug, thiserror::Error)]
pub enum PyramidError<E> {
    /// The sink refused a tile.
    #[error(transparent)]
    Sink(E),
    /// A row of the wrong length, or one too many, or the end before the last: a mistake of the
    /// caller, or a picture that was not read to its end.
    #[error("the picture has {expected} rows of pixels, but row {got} came or its length is wrong")]
    Rows {
        /// Rows that the picture has.
        expected: u32,
        /// Rows that were fed before the mistake.
        got: u32,
    },
}

/// Feed it rows, top to bottom; it gives tiles of all levels to its sink, each one time, as
/// [`TILE_STORED_BYTES`] bytes of straight-alpha RGBA.
pub struct PyramidBuilder {
    layout: PyramidLayout,
    levels: Vec<Level>,
    tile: Vec<u8>,
    rows_fed: u32,
}

/// The rows of one level that are still needed.
struct Level {
    width: u32,
    height: u32,
    /// [`TILE_STORED_PX`] rows: gutter above, content, gutter below.
    strip: Vec<u8>,
    rows: u32,
    tile_row: u32,
    /// An even row that waits for the odd one below it, to be averaged.
    waiting: Option<Vec<u8>>,
    /// A spare buffer for `waiting`.
    spare: Vec<u8>,
}

impl Level {
    fn new([width, height]: [u32; 2]) -> Self {
        // A low picture does not need the whole strip.
        let rows = TILE_STORED_PX.min(height + 2) as usize;
        Self {
            width,
            height,
            strip: vec![0; stride(width) * rows],
            rows: 0,
            tile_row: 0,
            waiting: None,
            spare: Vec::new(),
        }
    }

    fn copy_slot(&mut self, from: u32, to: u32) {
        let stride = stride(self.width);
        let from = stride * from as usize;
        self.strip
            .copy_within(from..from + stride, stride * to as usize);
    }

    /// Gives the tiles of the strip, whose first `content_rows` rows past the gutter are content.
    fn emit<E>(
        &self,
        level: u8,
        content_rows: u32,
        tile: &mut [u8],
        sink: &mut impl FnMut(TileAddress, &[u8]) -> Result<(), E>,
    ) -> Result<(), PyramidError<E>> {
        for x in 0..self.width.div_ceil(TILE_CONTENT_PX) {
            self.cut(x, content_rows, tile);
            let y = self.tile_row;
            sink(TileAddress { level, x, y }, tile).map_err(PyramidError::Sink)?;
        }
        Ok(())
    }

    /// Copies one stored tile out of the strip; what lies beyond the picture repeats its border.
    fn cut(&self, column: u32, content_rows: u32, tile: &mut [u8]) {
        let corner = column * TILE_CONTENT_PX;
        // Level pixels of the stored tile's columns: from one left of the corner on.
        let left = corner.saturating_sub(1);
        let right = (corner + TILE_CONTENT_PX + 1).min(self.width);
        let repeated_left = usize::from(corner == 0);
        for (slot, out) in (0..).zip(tile.chunks_exact_mut(stride(TILE_STORED_PX))) {
            let at = stride(self.width) * slot.min(content_rows as usize + 1);
            let row = self.strip.get(at..).unwrap_or_default();
            let middle = row.get(stride(left)..stride(right)).unwrap_or_default();
            let (before, rest) = out.split_at_mut(4 * repeated_left);
            let (inside, beyond) = rest.split_at_mut(middle.len().min(rest.len()));
            inside.copy_from_slice(middle);
            before.copy_from_slice(&inside[..before.len()]);
            let border = inside.last_chunk::<4>().copied().unwrap_or_default();
            for pixel in beyond.chunks_exact_mut(4) {
                pixel.copy_from_slice(&border);
            }
        }
    }
}

const fn stride(width: u32) -> usize {
    width as usize * 4
}

impl PyramidBuilder {
    /// A builder for a picture of this size.
    ///
    /// # Errors
    /// When a side is 0 or above the longest side of a picture.
    pub fn new(width: u32, height: u32) -> Result<Self, PictureSizeError> {
        let layout = PyramidLayout::new(width, height)?;
        let levels = (0..layout.level_count())
            .map(|level| Level::new(layout.level_size_px(level)))
            .collect();
        Ok(Self {
            layout,
            levels,
            tile: vec![0; TILE_STORED_BYTES],
            rows_fed: 0,
        })
    }

    /// The layout that the tiles follow.
    #[must_use]
    pub const fn layout(&self) -> &PyramidLayout {
        &self.layout
    }

    /// Takes one or more whole rows (width × 4 bytes each) and gives the tiles that they finish.
    ///
    /// # Errors
    /// The sink's, or rows that the picture does not have.
    pub fn push_rows<E>(
        &mut self,
        rgba: &[u8],
        mut sink: impl FnMut(TileAddress, &[u8]) -> Result<(), E>,
    ) -> Result<(), PyramidError<E>> {
        let [width, height] = self.layout.size_px();
        let rows = rgba.chunks_exact(stride(width));
        let fits = rows.len() as u64 <= u64::from(height - self.rows_fed);
        if !rows.remainder().is_empty() || !fits {
            return Err(PyramidError::Rows {
                expected: height,
                got: self.rows_fed,
            });
        }
        for row in rows {
            self.rows_fed += 1;
            self.push(0, row, &mut sink)?;
        }
        Ok(())
    }

    /// Says that all rows were fed; all tiles were given by then.
    ///
    /// # Errors
    /// When rows are missing.
    pub fn finish<E>(self) -> Result<PyramidLayout, PyramidError<E>> {
        let [_, height] = self.layout.size_px();
        if self.rows_fed == height {
            Ok(self.layout)
        } else {
            Err(PyramidError::Rows {
                expected: height,
                got: self.rows_fed,
            })
        }
    }

    fn push<E>(
        &mut self,
        level_index: u8,
        row: &[u8],
        sink: &mut impl FnMut(TileAddress, &[u8]) -> Result<(), E>,
    ) -> Result<(), PyramidError<E>> {
        let Some(level) = self.levels.get_mut(usize::from(level_index)) else {
            return Ok(());
        };
        let mut slot = level.rows - level.tile_row * TILE_CONTENT_PX + 1;
        let at = stride(level.width) * slot as usize;
        if let Some(place) = level.strip.get_mut(at..at + row.len()) {
            place.copy_from_slice(row);
        }
        level.rows += 1;
        let last = level.rows == level.height;
        if level.rows == 1 {
            // Above the picture its first row is repeated.
            level.copy_slot(1, 0);
        }
        if slot > TILE_CONTENT_PX {
            // The gutter below has come, which is the next strip's first row.
            level.emit(level_index, TILE_CONTENT_PX, &mut self.tile, sink)?;
            level.copy_slot(TILE_CONTENT_PX, 0);
            level.copy_slot(TILE_CONTENT_PX + 1, 1);
            level.tile_row += 1;
            slot = 1;
        }
        if last {
            // Below the picture its last row is repeated.
            level.copy_slot(slot, slot + 1);
            level.emit(level_index, slot, &mut self.tile, sink)?;
        }
        self.halve(level_index, row, last, sink)
    }

    /// Makes a row of the coarser level of every two rows.
    fn halve<E>(
        &mut self,
        level_index: u8,
        row: &[u8],
        last: bool,
        sink: &mut impl FnMut(TileAddress, &[u8]) -> Result<(), E>,
    ) -> Result<(), PyramidError<E>> {
        if level_index >= self.layout.coarsest_level() {
            return Ok(());
        }
        let Some(level) = self.levels.get_mut(usize::from(level_index)) else {
            return Ok(());
        };
        let above = match level.waiting.take() {
            Some(above) => above,
            None if last => row.to_vec(),
            None => {
                let mut waiting = std::mem::take(&mut level.spare);
                waiting.clear();
                waiting.extend_from_slice(row);
                level.waiting = Some(waiting);
                return Ok(());
            }
        };
        let half = average_rows(&above, row);
        level.spare = above;
        self.push(level_index + 1, &half, sink)
    }
}

/// sRGB transfer tables. Source: IEC 61966-2-1.
struct Transfer {
    /// Light, 0 to 65535, of each of the 256 values.
    light: [u16; 256],
    /// The value nearest to each light, in the encoded space.
    value: Vec<u8>,
}

fn transfer() -> &'static Transfer {
    static TABLES: OnceLock<Transfer> = OnceLock::new();
    TABLES.get_or_init(|| {
        let light_of = |encoded: f64| {
            let v = encoded / 255.0;
            let linear = if v <= 0.040_45 {
                v / 12.92
            } else {
                ((v + 0.055) / 1.055).powf(2.4)
            };
            (linear * 65_535.0).round() as u16
        };
        let mut light = [0; 256];
        let mut value = vec![0; 65_536];
        for (i, place) in light.iter_mut().enumerate() {
            *place = light_of(i as f64);
            // Every value holds the lights from half a step below it on.
            if i > 0 {
                let from = usize::from(light_of(i as f64 - 0.5));
                value.get_mut(from..).unwrap_or_default().fill(i as u8);
            }
        }
        Transfer { light, value }
    })
}

/// One row of the coarser level from two of the finer one (twice the same where there is only
/// one). The last pixel of an odd width stands for one column.
pub(super) fn average_rows(above: &[u8], below: &[u8]) -> Vec<u8> {
    let tables = transfer();
    let mut half = Vec::with_capacity(above.len().div_ceil(8) * 4);
    for (a, b) in above.chunks(8).zip(below.chunks(8)) {
        half.extend_from_slice(&match (a, b) {
            (&[r0, g0, b0, 255, r1, g1, b1, 255], &[r2, g2, b2, 255, r3, g3, b3, 255]) => {
                let mix = |values: [u8; 4]| {
                    let sum: u32 = values
                        .iter()
                        .map(|v| u32::from(tables.light[usize::from(*v)]))
                        .sum();
                    tables.value[((sum + 2) / 4) as usize]
                };
                [
                    mix([r0, r1, r2, r3]),
                    mix([g0, g1, g2, g3]),
                    mix([b0, b1, b2, b3]),
                    255,
                ]
            }
            _ => average_pixels(tables, a.chunks_exact(4).chain(b.chunks_exact(4))),
        });
    }
    half
}

/// The average of some pixels: light weighted by alpha, so that what is transparent has no say
/// in the colour.
fn average_pixels<'a>(tables: &Transfer, pixels: impl Iterator<Item = &'a [u8]>) -> [u8; 4] {
    let (mut light, mut alpha, mut count) = ([0u64; 3], 0u64, 0u64);
    for pixel in pixels {
        let [channels @ .., weight] = pixel else {
            continue;
        };
        for (sum, value) in light.iter_mut().zip(channels) {
            *sum += u64::from(tables.light[usize::from(*value)]) * u64::from(*weight);
        }
        alpha += u64::from(*weight);
        count += 1;
    }
    if alpha == 0 {
        return [0; 4];
    }
    let [r, g, b] = light.map(|sum| tables.value[((sum + alpha / 2) / alpha) as usize]);
    [r, g, b, ((alpha + count / 2) / count) as u8]
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::collections::BTreeMap;
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;

    fn picture(width: u32, height: u32, seed: u32) -> Vec<u8> {
        let mut state = seed | 1;
        (0..width * height)
            .flat_map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let [r, g, b, a] = state.to_be_bytes();
                [r, g, b, if a < 200 { 255 } else { a }]
            })
            .collect()
    }

    fn build(width: u32, height: u32, rgba: &[u8], band: u32) -> BTreeMap<TileAddress, Vec<u8>> {
        let mut builder = PyramidBuilder::new(width, height).unwrap();
        let mut tiles = BTreeMap::new();
        for rows in rgba.chunks(stride(width) * band as usize) {
            builder
                .push_rows::<Infallible>(rows, |address, pixels| {
                    let earlier = tiles.insert(address, pixels.to_vec());
                    assert!(earlier.is_none(), "{address:?} came twice");
                    Ok(())
                })
                .unwrap();
        }
        builder.finish::<Infallible>().unwrap();
        tiles
    }

    /// The level as one picture, made the slow way.
    fn halved(width: u32, height: u32, rgba: &[u8]) -> (u32, u32, Vec<u8>) {
        let rows: Vec<&[u8]> = rgba.chunks_exact(stride(width)).collect();
        let half = rows
            .chunks(2)
            .flat_map(|pair| average_rows(pair[0], pair[pair.len() - 1]))
            .collect();
        (width.div_ceil(2), height.div_ceil(2), half)
    }

    #[test]
    fn a_flat_colour_stays_itself_on_every_level() {
        for colour in [[0, 0, 0, 255], [1, 2, 3, 255], [255; 4], [200, 100, 50, 7]] {
            let rgba = colour.repeat(600 * 300);
            for (tile, pixels) in build(600, 300, &rgba, 7) {
                assert!(pixels.chunks_exact(4).all(|p| p == colour), "{tile:?}");
            }
        }
    }

    #[test]
    fn black_and_white_average_to_the_grey_of_half_the_light() {
        let row = [0, 0, 0, 255, 255, 255, 255, 255];
        assert_eq!(average_rows(&row, &row), [188, 188, 188, 255]);
    }

    #[test]
    fn what_is_transparent_has_no_say_in_the_colour() {
        let row = [255, 0, 0, 255, 0, 255, 0, 0];
        assert_eq!(average_rows(&row, &row), [255, 0, 0, 128]);
    }

    #[test]
    fn every_value_comes_back_from_its_light() {
        for v in 0..=255u8 {
            let light = usize::from(transfer().light[usize::from(v)]);
            assert_eq!(transfer().value[light], v);
        }
    }

    #[test]
    fn missing_and_surplus_rows_are_told() {
        let none = |_: TileAddress, _: &[u8]| Ok::<_, Infallible>(());
        let mut builder = PyramidBuilder::new(4, 2).unwrap();
        builder.push_rows(&[0; 16], none).unwrap();
        assert!(builder.push_rows(&[0; 15], none).is_err());
        assert!(builder.push_rows(&[0; 48], none).is_err());
        assert!(builder.finish::<Infallible>().is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn tiles_hold_their_level_with_the_gutter_of_their_neighbours(
            width in prop_oneof![1u32..6, 250u32..262, 510u32..516, 300u32..700],
            height in prop_oneof![1u32..6, 250u32..262, 510u32..516, 300u32..400],
            band in 1u32..300,
            seed in any::<u32>(),
        ) {
            let rgba = picture(width, height, seed);
            let tiles = build(width, height, &rgba, band);
            let layout = PyramidLayout::new(width, height).unwrap();
            let expected: Vec<_> = layout.tiles().collect();
            let mut got: Vec<_> = tiles.keys().copied().collect();
            got.sort_by_key(|t| layout.index_of(*t));
            prop_assert_eq!(got, expected);

            let mut level = (width, height, rgba);
            for n in 0..layout.level_count() {
                let (w, h, pixels) = &level;
                for y in 0..layout.tile_grid(n)[1] {
                    for x in 0..layout.tile_grid(n)[0] {
                        let tile = &tiles[&TileAddress { level: n, x, y }];
                        for ty in [0, 1, 2, 100, 255, 256, 257] {
                            for tx in [0, 1, 2, 77, 255, 256, 257] {
                                let clamped = |tile: u32, i: u32, side: u32| {
                                    (tile * 256 + i).saturating_sub(1).min(side - 1) as usize
                                };
                                let at = (clamped(y, ty, *h) * *w as usize
                                    + clamped(x, tx, *w)) * 4;
                                let stored = ((ty * TILE_STORED_PX + tx) * 4) as usize;
                                prop_assert_eq!(
                                    &tile[stored..stored + 4],
                                    &pixels[at..at + 4],
                                    "level {} tile {},{} pixel {},{}", n, x, y, tx, ty
                                );
                            }
                        }
                    }
                }
                level = halved(*w, *h, pixels);
            }
        }
    }
}
