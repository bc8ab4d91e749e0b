//! The string under `image`: base64 in whatever dress, a path, or nothing, taken as it comes.

use std::io::{self, Write};

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// The start of the image string is kept to this length, to tell what it is.
const START_BYTES: usize = 300;
/// Base64 characters that are decoded at once; a multiple of 4.
const BLOCK: usize = 16 << 10;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// What stood under `image`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EmbeddedPicture {
    /// No string under that key.
    Absent,
    /// An empty string.
    Empty,
    /// Bytes, now in the sink.
    Bytes {
        /// How many.
        length: u64,
        /// The media type that a `data:` prefix claimed.
        claimed_type: Option<String>,
        /// How many further `image` keys were passed over.
        duplicates: u32,
    },
    /// Text that is no base64: a path or an address.
    Path(String),
    /// Base64 up to a place where it was not; the bytes before are of no use.
    Broken {
        /// Characters of base64 before it broke.
        after: u64,
    },
}

/// The state of the image string.
#[derive(Default)]
pub(super) struct Image {
    stage: Stage,
    start: Vec<u8>,
    claimed_type: Option<String>,
    block: Vec<u8>,
    length: u64,
    characters: u64,
    /// How many image strings were met.
    strings: u32,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Stage {
    /// No image string with anything in it yet.
    #[default]
    Nothing,
    /// Gathering the start, to tell what it is.
    Start,
    Decoding,
    /// After padding: nothing but whitespace may follow.
    Padded,
    Path,
    Broken,
    /// Complete; further strings are passed over.
    Done,
    Skipping,
}

impl Image {
    pub(super) fn begin(&mut self) {
        self.strings += 1;
        self.stage = match self.stage {
            Stage::Done | Stage::Skipping => Stage::Skipping,
            // Bytes of it are in the sink already.
            Stage::Broken if self.length > 0 => Stage::Broken,
            _ => {
                self.start.clear();
                self.block.clear();
                self.characters = 0;
                self.claimed_type = None;
                Stage::Start
            }
        };
    }

    pub(super) fn take(&mut self, bytes: &[u8], sink: &mut impl Write) -> io::Result<()> {
        match self.stage {
            Stage::Start => {
                let room = START_BYTES.saturating_sub(self.start.len());
                let (first, rest) = bytes.split_at(room.min(bytes.len()));
                self.start.extend_from_slice(first);
                if self.start.len() >= START_BYTES {
                    self.leave_start(sink)?;
                    self.take(rest, sink)?;
                }
                Ok(())
            }
            Stage::Decoding | Stage::Padded => self.decode(bytes, sink),
            _ => Ok(()),
        }
    }

    /// Looks at the start and decides what the string is.
    fn leave_start(&mut self, sink: &mut impl Write) -> io::Result<()> {
        let start = std::mem::take(&mut self.start);
        let text = start.trim_ascii_start();
        let mut data = text;
        if text.len() >= 5 && text[..5].eq_ignore_ascii_case(b"data:") {
            let Some(comma) = text.iter().position(|b| *b == b',') else {
                self.stage = Stage::Broken;
                return Ok(());
            };
            let prefix = String::from_utf8_lossy(&text[5..comma]).into_owned();
            if !prefix.to_ascii_lowercase().ends_with(";base64") {
                self.stage = Stage::Broken;
                return Ok(());
            }
            self.claimed_type = prefix.split(';').next().map(str::to_owned);
            data = &text[comma + 1..];
        }
        let foreign = data
            .iter()
            .any(|b| !is_base64(*b) && !b.is_ascii_whitespace());
        if foreign && data.len() == text.len() {
            self.start = text.to_vec();
            self.stage = Stage::Path;
            return Ok(());
        }
        self.stage = Stage::Decoding;
        self.decode(data, sink)
    }

    fn decode(&mut self, bytes: &[u8], sink: &mut impl Write) -> io::Result<()> {
        for &byte in bytes {
            match byte {
                b'=' => self.stage = Stage::Padded,
                b if b.is_ascii_whitespace() => {}
                b if is_base64(b) && self.stage == Stage::Decoding => {
                    // The URL-safe alphabet differs in two characters.
                    self.block.push(match b {
                        b'-' => b'+',
                        b'_' => b'/',
                        other => other,
                    });
                    self.characters += 1;
                    if self.block.len() == BLOCK {
                        self.flush(sink)?;
                    }
                }
                _ => {
                    self.stage = Stage::Broken;
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn flush(&mut self, sink: &mut impl Write) -> io::Result<()> {
        // A single character left over is half a byte: the string was cut.
        let whole = self.block.len() - usize::from(self.block.len() % 4 == 1);
        match BASE64.decode(self.block.get(..whole).unwrap_or_default()) {
            Ok(bytes) => {
                sink.write_all(&bytes)?;
                self.length += bytes.len() as u64;
            }
            Err(_) => self.stage = Stage::Broken,
        }
        self.block.clear();
        Ok(())
    }

    pub(super) fn end(&mut self, sink: &mut impl Write) -> io::Result<()> {
        if self.stage == Stage::Start {
            self.leave_start(sink)?;
        }
        if matches!(self.stage, Stage::Decoding | Stage::Padded) {
            self.flush(sink)?;
        }
        self.stage = match self.stage {
            Stage::Decoding | Stage::Padded if self.length == 0 => Stage::Nothing,
            Stage::Decoding | Stage::Padded => Stage::Done,
            Stage::Skipping => Stage::Done,
            other => other,
        };
        Ok(())
    }

    pub(super) fn outcome(self) -> EmbeddedPicture {
        match self.stage {
            _ if self.strings == 0 => EmbeddedPicture::Absent,
            Stage::Path => EmbeddedPicture::Path(
                String::from_utf8_lossy(&self.start)
                    .chars()
                    .take(120)
                    .collect(),
            ),
            Stage::Broken => EmbeddedPicture::Broken {
                after: self.characters,
            },
            Stage::Done => EmbeddedPicture::Bytes {
                length: self.length,
                claimed_type: self.claimed_type,
                duplicates: self.strings - 1,
            },
            // A string that never ended: the JSON parser tells that.
            _ => EmbeddedPicture::Empty,
        }
    }
}

const fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=')
}
