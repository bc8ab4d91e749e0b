//! The mask format of the shared documents: run lengths behind a small header.
//!
//! ```text
//! 0..4   width, u32 little endian
//! 4..8   height, u32 little endian
//! 8      0: the first run is clear; anything else: it is set
//! 9..    run lengths, unsigned LEB128, clear and set in turn
//! ```
//!
//! Pixels run row by row from the top left and runs cross row ends. The last run is written even
//! when it is clear; no run is 0 long. Old data has no header and is 1024 × 1024: a header is
//! one when there are more than 8 bytes and both sides are 1 to [`MASK_MAX_SIDE`], so no data
//! can ask for more memory than a mask of that size.

use super::{MASK_MAX_SIDE, Mask, MaskError};

/// Width and height of old data without a header.
pub const HEADERLESS_SIDE: u32 = 1024;

impl Mask {
    /// Encodes the mask, header included.
    #[must_use]
    pub fn encode_rle(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(1024);
        out.extend_from_slice(&self.width.to_le_bytes());
        out.extend_from_slice(&self.height.to_le_bytes());
        let starts_set = self.get(0, 0);
        out.push(u8::from(starts_set));

        // `flip` is all ones while a set run goes on: a word of it, flipped, is 0.
        let mut flip = if starts_set { u64::MAX } else { 0 };
        let mut run: u32 = 0;
        let last_bits = self.last_word_bits();
        let last_used = 64 - last_bits.leading_zeros();
        for row in self.words.chunks(self.words_per_row) {
            let Some((&last, full)) = row.split_last() else {
                continue;
            };
            for &word in full {
                if word == flip {
                    run += 64;
                } else {
                    encode_word(word, 64, &mut flip, &mut run, &mut out);
                }
            }
            if last == flip & last_bits {
                run += last_used;
            } else {
                encode_word(last, last_used, &mut flip, &mut run, &mut out);
            }
        }
        push_run(run, &mut out);
        out
    }

    /// Decodes what [`Mask::encode_rle`] and Table Slayer write, and old data without a header.
    /// Pixels that the data does not reach are clear, what goes past the last pixel is ignored,
    /// and empty data is a clear mask.
    ///
    /// # Errors
    /// [`MaskError::RunTooLong`] for a run beyond 32 bits and [`MaskError::Truncated`] for data
    /// that ends inside a run. A mask that may hide something must then count as full, not as
    /// clear.
    pub fn decode_rle(bytes: &[u8]) -> Result<Self, MaskError> {
        let (width, height, body_at) = header(bytes);
        let mut mask = Self::new(width, height)?;
        let Some((&start, runs)) = bytes.get(body_at..).and_then(|b| b.split_first()) else {
            return Ok(mask);
        };
        let mut writer = BitWriter {
            words: &mut mask.words,
            at: 0,
            word: 0,
            bit: 0,
            row_left: width,
            width,
            left: u64::from(width) * u64::from(height),
        };
        let mut value = if start == 0 { 0 } else { u64::MAX };
        let mut rest = runs;
        loop {
            // Short runs inside the word and the row: by far the most of a noisy mask.
            (rest, value) = writer.short_runs(rest, value);
            let Some((&first, mut tail)) = rest.split_first() else {
                break;
            };
            let mut run = u32::from(first);
            if first & 0x80 != 0 {
                (run, tail) = long_run(rest, bytes.len() - rest.len())?;
            }
            rest = tail;
            if !writer.run(run, value) {
                break;
            }
            value = !value;
        }
        writer.flush();
        Ok(mask)
    }
}

/// Width, height and where the start value is.
fn header(bytes: &[u8]) -> (u32, u32, usize) {
    let sides = 1..=MASK_MAX_SIDE;
    if let [w0, w1, w2, w3, h0, h1, h2, h3, _, ..] = *bytes {
        let width = u32::from_le_bytes([w0, w1, w2, w3]);
        let height = u32::from_le_bytes([h0, h1, h2, h3]);
        if sides.contains(&width) && sides.contains(&height) {
            return (width, height, 8);
        }
    }
    (HEADERLESS_SIDE, HEADERLESS_SIDE, 0)
}

/// Writes the runs that end in this word (its low `used` bits) and carries the last one on.
fn encode_word(word: u64, used: u32, flip: &mut u64, run: &mut u32, out: &mut Vec<u8>) {
    // A bit is set where a pixel differs from the one before it: where a run begins.
    let before = word << 1 | (*flip & 1);
    let mut starts = word ^ before;
    if used < 64 {
        starts &= (1 << used) - 1;
    }
    if starts.count_ones() % 2 == 1 {
        *flip = !*flip;
    }
    // The first run may have begun long ago; all others fit in one byte.
    let mut from = starts.trailing_zeros();
    push_run(*run + from, out);
    starts &= starts - 1;
    let mut short = [0; 64];
    let mut count = 0;
    while starts != 0 {
        let to = starts.trailing_zeros();
        short[count & 63] = (to - from) as u8;
        count += 1;
        from = to;
        starts &= starts - 1;
    }
    out.extend_from_slice(&short[..count & 63]);
    *run = used - from;
}

fn push_run(mut run: u32, out: &mut Vec<u8>) {
    while run >= 0x80 {
        out.push(run as u8 | 0x80);
        run >>= 7;
    }
    out.push(run as u8);
}

/// A run of more than one byte, and what follows it.
fn long_run(bytes: &[u8], at: usize) -> Result<(u32, &[u8]), MaskError> {
    let mut run: u64 = 0;
    for (i, &byte) in bytes.iter().enumerate() {
        if i == 5 {
            return Err(MaskError::RunTooLong { at });
        }
        run |= u64::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            let run = u32::try_from(run).map_err(|_| MaskError::RunTooLong { at })?;
            return Ok((run, bytes.get(i + 1..).unwrap_or_default()));
        }
    }
    Err(MaskError::Truncated)
}

/// Appends runs to the words of a mask. The word at hand is kept out of memory until it is full.
struct BitWriter<'a> {
    words: &'a mut [u64],
    at: usize,
    word: u64,
    bit: u32,
    row_left: u32,
    width: u32,
    left: u64,
}

impl BitWriter<'_> {
    /// Takes runs of one byte for as long as they end before the word and the row do. `value` is
    /// 0 or all ones and changes with every run. Returns what is left of both.
    fn short_runs<'b>(&mut self, mut runs: &'b [u8], mut value: u64) -> (&'b [u8], u64) {
        let all_room = (64 - self.bit).min(self.row_left);
        let mut room = all_room;
        let (mut word, mut bit) = (self.word, self.bit);
        // There is never more room than 64, so this also stops at a run of more bytes.
        while let Some((&run, rest)) = runs.split_first()
            && u32::from(run) < room
        {
            let run = u32::from(run);
            word |= (value & ((1 << run) - 1)) << bit;
            bit += run;
            room -= run;
            value = !value;
            runs = rest;
        }
        (self.word, self.bit) = (word, bit);
        self.row_left -= all_room - room;
        self.left -= u64::from(all_room - room);
        (runs, value)
    }

    /// Any run. False when the mask is full.
    fn run(&mut self, run: u32, value: u64) -> bool {
        let mut run = u64::from(run).min(self.left);
        self.left -= run;
        while run > 0 {
            let in_row = run.min(u64::from(self.row_left)) as u32;
            run -= u64::from(in_row);
            self.row_left -= in_row;
            self.fill_in_row(in_row, value);
            if self.row_left == 0 {
                if self.bit > 0 {
                    self.put();
                }
                self.row_left = self.width;
            }
        }
        self.left > 0
    }

    fn fill_in_row(&mut self, mut run: u32, value: u64) {
        if self.bit > 0 {
            let take = run.min(64 - self.bit);
            self.word |= (value & (u64::MAX >> (64 - take))) << self.bit;
            self.bit += take;
            run -= take;
            if self.bit == 64 {
                self.put();
            }
        }
        let whole = (run / 64) as usize;
        if value != 0
            && let Some(words) = self.words.get_mut(self.at..self.at + whole)
        {
            words.fill(value);
        }
        self.at += whole;
        let rest = run % 64;
        self.word |= value & ((1 << rest) - 1);
        self.bit += rest;
    }

    fn put(&mut self) {
        if let Some(word) = self.words.get_mut(self.at) {
            *word = self.word;
        }
        self.at += 1;
        self.word = 0;
        self.bit = 0;
    }

    fn flush(&mut self) {
        if self.bit > 0 {
            self.put();
        }
    }
}
