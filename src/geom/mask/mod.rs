//! [`Mask`]: one bit per pixel, for fog of war and drawings.
//!
//! Row 0 is the top, column 0 the left; set means fog (or ink) is present. Rows start on a word:
//! bit `i` of word `w` of a row is column `64 * w + i`. Bits past the width are always clear, so
//! that counting, comparing and encoding need no masks.
//!
//! The codec of the shared documents is in [`rle`], drawing in [`super::raster`].

pub mod rle;

use std::fmt;

use glam::{DAffine2, DVec2};

use super::rect::IRect;

/// The longest side of a mask, in pixels. The shared format has this limit.
pub const MASK_MAX_SIDE: u32 = 8192;

/// Why a mask could not be made, read or combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MaskError {
    /// A side is 0 or beyond [`MASK_MAX_SIDE`].
    #[error(
        "a mask of {width} × {height} pixels cannot be used: each side must be 1 to {MASK_MAX_SIDE}"
    )]
    Size {
        /// The width that was asked for.
        width: u32,
        /// The height that was asked for.
        height: u32,
    },
    /// Two masks that should be combined differ in size.
    #[error("masks of different sizes ({a:?} and {b:?} pixels) cannot be combined")]
    SizesDiffer {
        /// The first mask's width and height.
        a: [u32; 2],
        /// The second mask's width and height.
        b: [u32; 2],
    },
    /// A run in encoded data is longer than 32 bits.
    #[error("the mask's data is damaged: a run at byte {at} is longer than any mask")]
    RunTooLong {
        /// Where the run begins.
        at: usize,
    },
    /// Encoded data ends inside a run.
    #[error("the mask's data is damaged: it ends in the middle of a run")]
    Truncated,
}

/// A picture of one bit per pixel. See the module for its layout.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Mask {
    width: u32,
    height: u32,
    words_per_row: usize,
    words: Vec<u64>,
}

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mask")
            .field("width", &self.width)
            .field("height", &self.height)
            .field("set", &self.count())
            .finish()
    }
}

impl Mask {
    /// A clear mask.
    ///
    /// # Errors
    /// [`MaskError::Size`] when a side is 0 or beyond [`MASK_MAX_SIDE`].
    pub fn new(width: u32, height: u32) -> Result<Self, MaskError> {
        let sides = 1..=MASK_MAX_SIDE;
        if !sides.contains(&width) || !sides.contains(&height) {
            return Err(MaskError::Size { width, height });
        }
        let words_per_row = width.div_ceil(64) as usize;
        Ok(Self {
            width,
            height,
            words_per_row,
            words: vec![0; words_per_row * height as usize],
        })
    }

    /// A mask with every pixel set.
    ///
    /// # Errors
    /// As [`Mask::new`].
    pub fn new_filled(width: u32, height: u32) -> Result<Self, MaskError> {
        let mut mask = Self::new(width, height)?;
        mask.fill(true);
        Ok(mask)
    }

    /// From one byte per pixel, rows from the top; above 127 is set, missing bytes are clear.
    ///
    /// # Errors
    /// As [`Mask::new`].
    pub fn from_r8(width: u32, height: u32, pixels: &[u8]) -> Result<Self, MaskError> {
        let mut mask = Self::new(width, height)?;
        for (row, bytes) in mask
            .words
            .chunks_mut(mask.words_per_row)
            .zip(pixels.chunks(width as usize))
        {
            for (word, bytes) in row.iter_mut().zip(bytes.chunks(64)) {
                *word = bytes
                    .iter()
                    .rev()
                    .fold(0, |bits, &b| bits << 1 | u64::from(b > 127));
            }
        }
        Ok(mask)
    }

    /// Pixels per row.
    #[must_use]
    pub const fn width(&self) -> u32 {
        self.width
    }

    /// Rows.
    #[must_use]
    pub const fn height(&self) -> u32 {
        self.height
    }

    /// Width and height.
    #[must_use]
    pub const fn size_px(&self) -> [u32; 2] {
        [self.width, self.height]
    }

    /// All of it as a rectangle.
    #[must_use]
    pub fn rect(&self) -> IRect {
        IRect::of_size(self.size_px())
    }

    /// The words of one row; empty below the mask.
    #[must_use]
    pub fn row_words(&self, y: u32) -> &[u64] {
        let start = y as usize * self.words_per_row;
        self.words
            .get(start..start + self.words_per_row)
            .unwrap_or_default()
    }

    /// The bits of the last word of a row that are pixels.
    const fn last_word_bits(&self) -> u64 {
        match self.width % 64 {
            0 => u64::MAX,
            used => (1 << used) - 1,
        }
    }

    /// Whether a pixel is set. Outside the mask nothing is.
    #[must_use]
    pub fn get(&self, x: u32, y: u32) -> bool {
        x < self.width
            && self
                .row_words(y)
                .get(x as usize / 64)
                .is_some_and(|word| word >> (x % 64) & 1 == 1)
    }

    /// Sets or clears a pixel. Outside the mask nothing happens.
    pub fn set(&mut self, x: u32, y: u32, value: bool) {
        if x < self.width && y < self.height {
            self.fill_span(y, x, x + 1, value);
        }
    }

    /// Sets or clears all of it. Returns what changed.
    pub fn fill(&mut self, value: bool) -> IRect {
        self.fill_rect(self.rect(), value)
    }

    /// Sets or clears a rectangle. Returns what changed.
    pub fn fill_rect(&mut self, rect: IRect, value: bool) -> IRect {
        let inside = rect.intersection(&self.rect());
        let mut changed = ChangeBounds::default();
        for y in inside.min[1].unsigned_abs()..inside.max[1].unsigned_abs() {
            let span = self.fill_span(
                y,
                inside.min[0].unsigned_abs(),
                inside.max[0].unsigned_abs(),
                value,
            );
            changed.add(y, span);
        }
        changed.rect()
    }

    /// Sets or clears the columns `x0..x1` (cut at the width) of a row. Returns the first and
    /// the last column that changed.
    pub(super) fn fill_span(
        &mut self,
        y: u32,
        x0: u32,
        x1: u32,
        value: bool,
    ) -> Option<(u32, u32)> {
        let x1 = x1.min(self.width);
        if x0 >= x1 || y >= self.height {
            return None;
        }
        let (first, last) = (x0 as usize / 64, (x1 - 1) as usize / 64);
        let start = y as usize * self.words_per_row;
        let words = self.words.get_mut(start + first..=start + last)?;
        let first_bits = u64::MAX << (x0 % 64);
        let last_bits = u64::MAX >> (63 - (x1 - 1) % 64);
        let mut span = None;
        let mut draw = |word: &mut u64, index: usize, bits: u64| {
            let new = if value { *word | bits } else { *word & !bits };
            let diff = *word ^ new;
            *word = new;
            if diff != 0 {
                widen(&mut span, index, diff);
            }
        };
        match words {
            [only] => draw(only, first, first_bits & last_bits),
            [left, whole @ .., right] => {
                draw(left, first, first_bits);
                // The words between change whole: only the outermost changes matter.
                let full = if value { u64::MAX } else { 0 };
                let changes = |word: &u64| *word != full;
                if let Some(low) = whole.iter().position(changes) {
                    let high = whole.iter().rposition(changes).unwrap_or(low);
                    draw(&mut whole[low], first + 1 + low, u64::MAX);
                    draw(&mut whole[high], first + 1 + high, u64::MAX);
                    whole[low..high].fill(full);
                }
                draw(right, last, last_bits);
            }
            [] => {}
        }
        span
    }

    /// Sets or clears the pixels of a row whose bits are set in `bits` (words as in
    /// [`Mask::row_words`], bits past the width ignored). Returns the first and the last column
    /// that changed.
    pub(super) fn combine_row(&mut self, y: u32, bits: &[u64], value: bool) -> Option<(u32, u32)> {
        let last_bits = self.last_word_bits();
        let start = y as usize * self.words_per_row;
        let row = self.words.get_mut(start..start + self.words_per_row)?;
        let last = row.len() - 1;
        let mut span = None;
        for (i, (word, &bits)) in row.iter_mut().zip(bits).enumerate() {
            let bits = if i == last { bits & last_bits } else { bits };
            let new = if value { *word | bits } else { *word & !bits };
            let diff = *word ^ new;
            *word = new;
            if diff != 0 {
                widen(&mut span, i, diff);
            }
        }
        span
    }

    /// Number of set pixels.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.words.iter().map(|w| u64::from(w.count_ones())).sum()
    }

    /// Whether no pixel is set.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        self.words.iter().all(|&w| w == 0)
    }

    /// The smallest rectangle around the set pixels.
    #[must_use]
    pub fn bounds(&self) -> IRect {
        let mut set = ChangeBounds::default();
        for (y, row) in (0..).zip(self.words.chunks(self.words_per_row)) {
            let mut span = None;
            for (i, &word) in row.iter().enumerate() {
                if word != 0 {
                    widen(&mut span, i, word);
                }
            }
            set.add(y, span);
        }
        set.rect()
    }

    /// The words of a rectangle, already cut to the mask, with only its own bits left in them.
    fn words_in(&self, inside: IRect) -> impl Iterator<Item = (u64, u64)> + '_ {
        let [x0, y0] = inside.min.map(i32::unsigned_abs);
        let [x1, y1] = inside.max.map(i32::unsigned_abs);
        let rows = if inside.is_empty() { 0..0 } else { y0..y1 };
        rows.flat_map(move |y| {
            let (first, last) = (x0 as usize / 64, (x1 - 1) as usize / 64);
            self.row_words(y)
                .iter()
                .enumerate()
                .take(last + 1)
                .skip(first)
                .map(move |(i, &word)| {
                    let mut bits = u64::MAX;
                    if i == first {
                        bits &= u64::MAX << (x0 % 64);
                    }
                    if i == last {
                        bits &= u64::MAX >> (63 - (x1 - 1) % 64);
                    }
                    (word & bits, bits)
                })
        })
    }

    /// Whether any pixel of the rectangle is set. Outside the mask nothing is.
    #[must_use]
    pub fn any_set_in(&self, rect: IRect) -> bool {
        self.words_in(rect.intersection(&self.rect()))
            .any(|(word, _)| word != 0)
    }

    /// Whether every pixel of the rectangle is set. What lies outside the mask is not set, so a
    /// rectangle that reaches out of it is never all set; an empty one always is.
    #[must_use]
    pub fn all_set_in(&self, rect: IRect) -> bool {
        if rect.is_empty() {
            return true;
        }
        let inside = rect.intersection(&self.rect());
        inside == rect && self.words_in(inside).all(|(word, bits)| word == bits)
    }

    /// Number of set pixels in the rectangle.
    #[must_use]
    pub fn count_in(&self, rect: IRect) -> u64 {
        self.words_in(rect.intersection(&self.rect()))
            .map(|(word, _)| u64::from(word.count_ones()))
            .sum()
    }

    /// Sets what is set in `other`. Returns what changed.
    ///
    /// # Errors
    /// [`MaskError::SizesDiffer`]
    pub fn or(&mut self, other: &Self) -> Result<IRect, MaskError> {
        self.combine(other, |a, b| a | b)
    }

    /// Clears what is set in `other`. Returns what changed.
    ///
    /// # Errors
    /// [`MaskError::SizesDiffer`]
    pub fn and_not(&mut self, other: &Self) -> Result<IRect, MaskError> {
        self.combine(other, |a, b| a & !b)
    }

    /// Flips what is set in `other`. Returns what changed.
    ///
    /// # Errors
    /// [`MaskError::SizesDiffer`]
    pub fn xor(&mut self, other: &Self) -> Result<IRect, MaskError> {
        self.combine(other, |a, b| a ^ b)
    }

    fn combine(&mut self, other: &Self, op: impl Fn(u64, u64) -> u64) -> Result<IRect, MaskError> {
        if self.size_px() != other.size_px() {
            return Err(MaskError::SizesDiffer {
                a: self.size_px(),
                b: other.size_px(),
            });
        }
        let mut changed = ChangeBounds::default();
        let rows = self
            .words
            .chunks_mut(self.words_per_row)
            .zip(other.words.chunks(self.words_per_row));
        for (y, (row, other)) in (0..).zip(rows) {
            let mut span = None;
            for (i, (word, &other)) in row.iter_mut().zip(other).enumerate() {
                let new = op(*word, other);
                let diff = *word ^ new;
                *word = new;
                if diff != 0 {
                    widen(&mut span, i, diff);
                }
            }
            changed.add(y, span);
        }
        Ok(changed.rect())
    }

    /// The smallest rectangle around the pixels in which two masks differ.
    ///
    /// # Errors
    /// [`MaskError::SizesDiffer`]
    pub fn difference_bounds(&self, other: &Self) -> Result<IRect, MaskError> {
        let mut difference = self.clone();
        difference.xor(other)?;
        Ok(difference.bounds())
    }

    /// Writes a rectangle as one byte per pixel (255 set, 0 clear, rows without padding) for an
    /// upload. `out` is emptied first. Returns the rectangle that was written: the part of
    /// `rect` inside the mask.
    pub fn to_r8(&self, rect: IRect, out: &mut Vec<u8>) -> IRect {
        let inside = rect.intersection(&self.rect());
        out.clear();
        out.reserve(usize::try_from(inside.area()).unwrap_or(0));
        let [x0, y0] = inside.min.map(i32::unsigned_abs);
        let [x1, y1] = inside.max.map(i32::unsigned_abs);
        for y in y0..y1 {
            let row = self.row_words(y);
            let mut x = x0;
            while x < x1 {
                let bit = x % 64;
                let bits = row.get(x as usize / 64).map_or(0, |word| word >> bit);
                let take = (64 - bit).min(x1 - x);
                let mut bytes = [0; 64];
                for (eight, byte) in bytes.chunks_exact_mut(8).zip(bits.to_le_bytes()) {
                    eight.copy_from_slice(&EXPANDED[byte as usize]);
                }
                out.extend_from_slice(&bytes[..take as usize]);
                x += take;
            }
        }
        inside
    }

    /// The picture seen through a transform: each pixel of the new mask from the old one that its
    /// middle lies on; clear where there is none. Both in mask pixels, y down.
    ///
    /// # Errors
    /// As [`Mask::new`].
    pub fn transformed(
        &self,
        size_px: [u32; 2],
        old_from_new: DAffine2,
    ) -> Result<Self, MaskError> {
        let [width, height] = size_px;
        let mut new = Self::new(width, height)?;
        let inside = |at: f64, side: u32| (0.0..f64::from(side)).contains(&at);
        for y in 0..height {
            for x in 0..width {
                let middle = DVec2::new(f64::from(x) + 0.5, f64::from(y) + 0.5);
                let at = old_from_new.transform_point2(middle);
                if inside(at.x, self.width)
                    && inside(at.y, self.height)
                    && self.get(at.x as u32, at.y as u32)
                {
                    new.set(x, y, true);
                }
            }
        }
        Ok(new)
    }

    /// The same picture in another size, each pixel from the nearest of the old ones.
    ///
    /// # Errors
    /// As [`Mask::new`].
    pub fn resampled(&self, width: u32, height: u32) -> Result<Self, MaskError> {
        if self.size_px() == [width, height] {
            return Ok(self.clone());
        }
        let mut new = Self::new(width, height)?;
        // The old pixel below the middle of the new one, in whole numbers: the same everywhere.
        let nearest = |i: u32, new_side: u32, old_side: u32| {
            ((2 * u64::from(i) + 1) * u64::from(old_side) / (2 * u64::from(new_side))) as u32
        };
        let columns: Vec<u32> = (0..width).map(|x| nearest(x, width, self.width)).collect();
        let mut previous: Option<u32> = None;
        for y in 0..height {
            let old_y = nearest(y, height, self.height);
            let start = y as usize * new.words_per_row;
            if previous == Some(old_y) {
                new.words
                    .copy_within(start - new.words_per_row..start, start);
                continue;
            }
            previous = Some(old_y);
            let old_row = self.row_words(old_y);
            let row = new.words.iter_mut().skip(start);
            for (word, columns) in row.zip(columns.chunks(64)) {
                *word = columns.iter().rev().fold(0, |bits, &x| {
                    let old = old_row.get(x as usize / 64).map_or(0, |w| w >> (x % 64));
                    bits << 1 | (old & 1)
                });
            }
        }
        Ok(new)
    }
}

/// One byte per bit, 255 where it is set, for each value of eight bits.
static EXPANDED: [[u8; 8]; 256] = {
    let mut table = [[0; 8]; 256];
    let mut value = 0;
    while value < 256 {
        let mut bit = 0;
        while bit < 8 {
            if value >> bit & 1 == 1 {
                table[value][bit] = 255;
            }
            bit += 1;
        }
        value += 1;
    }
    table
};

/// Widens a span of columns by the set bits of a word that is not 0.
fn widen(span: &mut Option<(u32, u32)>, word_index: usize, bits: u64) {
    let base = word_index as u32 * 64;
    let (low, high) = (
        base + bits.trailing_zeros(),
        base + 63 - bits.leading_zeros(),
    );
    *span = Some(match *span {
        None => (low, high),
        Some((first, last)) => (first.min(low), last.max(high)),
    });
}

/// Collects the spans that changed, row by row, into one rectangle.
#[derive(Default)]
pub(super) struct ChangeBounds {
    around: Option<([u32; 2], [u32; 2])>,
}

impl ChangeBounds {
    /// Adds the first and the last changed column of a row.
    pub(super) fn add(&mut self, y: u32, span: Option<(u32, u32)>) {
        let Some((first, last)) = span else { return };
        self.around = Some(match self.around {
            None => ([first, y], [last, y]),
            Some((low, high)) => (
                [low[0].min(first), low[1].min(y)],
                [high[0].max(last), high[1].max(y)],
            ),
        });
    }

    /// The rectangle around everything that was added.
    pub(super) fn rect(&self) -> IRect {
        let whole = |v: u32| i32::try_from(v).unwrap_or(i32::MAX);
        self.around.map_or(IRect::EMPTY, |(low, high)| {
            IRect::new(low.map(whole), high.map(|v| whole(v) + 1))
        })
    }
}

#[cfg(test)]
mod tests;
