//! Pictures, recognised by content: bytes in, rows of sRGB pixels out.
//!
//! What comes out is always RGBA, 8 bits a channel, straight alpha, sRGB, top row first, with the
//! orientation of the metadata applied and an embedded profile converted. A plain 8-bit sRGB
//! picture comes out bit-equal.
//!
//! PNG (not interlaced) and JPEG (one scan) are decoded row by row, in memory that depends on the
//! width alone. All other forms are decoded whole, up to [`Limits::whole_pixels`]; above it the
//! error says which form it is and what to save it as. A file that ends early or is damaged is an
//! error, never a half picture.
//!
//! Colour: an embedded ICC profile of the picture's own colour model is honoured, in PNG unless
//! an `sRGB` chunk says that the picture is sRGB. `gAMA`, `cHRM` and `cICP` of a PNG are not: map
//! tools write them without meaning them, and honouring them would change pictures that are sRGB
//! in truth. CMYK is converted through its profile, without one by the plain formula.
//!
//! Must not know where the bytes come from or where the rows go. Called by the pyramid builder's
//! users ([`crate::library`], [`crate::cli`]) and by the map readers of this room.

mod colour;
mod jpeg;
mod jpeg_header;
mod png_chunks;
mod rows;
mod whole;

#[cfg(test)]
mod tests;

use std::io::{BufReader, Read, Seek, SeekFrom};

use image::metadata::Orientation;

use self::colour::ToSrgb;
use self::rows::{PngRows, RowSource, Whole};
pub use crate::geom::pyramid::PICTURE_MAX_SIDE;

/// A PNG above this many pixels must fill some of the bytes that it unpacks to.
const BOMB_PIXELS: u64 = 300_000_000;
/// How many pixels of such a PNG may come from one byte of its file. Drawn maps need more than a
/// byte for ten pixels; deflate at its limit gives a thousand bytes from one.
const BOMB_PIXELS_PER_BYTE: u64 = 250;

/// What a picture may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest side in pixels.
    pub max_side: u32,
    /// The most pixels of a picture whose form forces a whole decode.
    pub whole_pixels: u64,
    /// The most bytes that a decoder may hold for such a picture.
    pub whole_bytes: u64,
}

impl Default for Limits {
    /// 32768 pixels a side; 100 megapixels and 768 MiB where a whole decode is needed.
    fn default() -> Self {
        Self {
            max_side: PICTURE_MAX_SIDE,
            whole_pixels: 100_000_000,
            whole_bytes: 768 << 20,
        }
    }
}

/// The picture formats that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PictureFormat {
    /// Portable Network Graphics; of an animated one the still picture.
    Png,
    /// JPEG, any Huffman-coded 8-bit form.
    Jpeg,
    /// WebP; of an animated one the first frame.
    WebP,
    /// Windows bitmap.
    Bmp,
    /// TIFF, first page.
    Tiff,
    /// GIF, first frame.
    Gif,
}

impl PictureFormat {
    /// As in file names and in JSON: lower case.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpeg",
            Self::WebP => "webp",
            Self::Bmp => "bmp",
            Self::Tiff => "tiff",
            Self::Gif => "gif",
        }
    }

    /// As a person writes it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Png => "PNG",
            Self::Jpeg => "JPEG",
            Self::WebP => "WebP",
            Self::Bmp => "BMP",
            Self::Tiff => "TIFF",
            Self::Gif => "GIF",
        }
    }

    /// The format by the first bytes of a file (16 are enough).
    #[must_use]
    pub fn of_magic(start: &[u8]) -> Option<Self> {
        let riff_webp = start.starts_with(b"RIFF") && start.get(8..12) == Some(b"WEBP".as_slice());
        if start.starts_with(b"\x89PNG\r\n\x1a\n") {
            Some(Self::Png)
        } else if start.starts_with(b"\xff\xd8\xff") {
            Some(Self::Jpeg)
        } else if riff_webp {
            Some(Self::WebP)
        } else if start.starts_with(b"GIF87a") || start.starts_with(b"GIF89a") {
            Some(Self::Gif)
        } else if start.starts_with(b"II*\0") || start.starts_with(b"MM\0*") {
            Some(Self::Tiff)
        } else if start.starts_with(b"BM") && start.len() >= 14 && start.get(6..10) == Some(&[0; 4])
        {
            // The reserved bytes tell a bitmap from a text that starts with "BM".
            Some(Self::Bmp)
        } else {
            None
        }
    }
}

/// What is known of a picture before its pixels are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PictureInfo {
    /// The format, by content.
    pub format: PictureFormat,
    /// Width in pixels, orientation applied.
    pub width: u32,
    /// Height in pixels, orientation applied.
    pub height: u32,
    /// Whether pixels can be transparent.
    pub has_alpha: bool,
    /// EXIF orientation, 1 to 8; 1 is upright. It is applied already.
    pub orientation: u8,
    /// Whether the file holds an ICC profile.
    pub has_icc: bool,
    /// Whether rows come out in memory that does not grow with the height.
    pub row_wise: bool,
}

/// Why a picture cannot be used. Each is one sentence for the user.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// No bytes at all.
    #[error("this file is empty, so there is no picture to use; get the file again")]
    Empty,
    /// Bytes of something else.
    #[error(
        "this is not a picture that can be used here{guess}; use PNG, JPEG, WebP, BMP, TIFF or GIF"
    )]
    NotAPicture {
        /// What it seems to be, with leading text, or empty.
        guess: &'static str,
    },
    /// The file stops before the picture does.
    #[error(
        "this {} picture ends early: the file is cut off, so nothing of it is used; get the file again",
        .0.label()
    )]
    EndsEarly(PictureFormat),
    /// The bytes contradict the format.
    #[error(
        "this {} picture is damaged ({detail}), so nothing of it is used; get the file again",
        .format.label()
    )]
    Damaged {
        /// The format.
        format: PictureFormat,
        /// What the decoder says.
        detail: String,
    },
    /// A form of the format that is not read.
    #[error(
        "this {} picture uses {feature}, which cannot be read here; save it as PNG or baseline JPEG",
        .format.label()
    )]
    Unsupported {
        /// The format.
        format: PictureFormat,
        /// What it uses.
        feature: String,
    },
    /// Too long a side, or no pixels.
    #[error(
        "this picture claims {width} × {height} pixels, but each side must be 1 to {max_side}; \
         save it smaller"
    )]
    Size {
        /// Width that the file claims.
        width: u32,
        /// Height that the file claims.
        height: u32,
        /// The longest side.
        max_side: u32,
    },
    /// A huge picture in next to no bytes.
    #[error(
        "this PNG picture claims {width} × {height} pixels in {kib} KiB, which is made to fill \
         memory and disk and not to be a map, so it is not opened; save it smaller"
    )]
    Bomb {
        /// Width that the file claims.
        width: u32,
        /// Height that the file claims.
        height: u32,
        /// Size of the file.
        kib: u64,
    },
    /// A form that has to be decoded whole, above the limit for that.
    #[error(
        "this picture is {form} of {width} × {height} pixels, which has to be decoded whole, and \
         that is limited to {limit_megapixels} megapixels; save it as {advice} to use it at this size"
    )]
    WholeTooLarge {
        /// The form, with its article: "an interlaced PNG".
        form: &'static str,
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// The limit in millions of pixels.
        limit_megapixels: u64,
        /// What to save it as.
        advice: &'static str,
    },
    /// The decoder wanted more memory than the limit.
    #[error(
        "this {} picture needs more than {limit_mib} MiB to decode; save it as PNG (not interlaced) \
         or baseline JPEG, which need little memory",
        .format.label()
    )]
    Memory {
        /// The format.
        format: PictureFormat,
        /// The limit in MiB.
        limit_mib: u64,
    },
    /// The source of the bytes failed.
    #[error("the picture could not be read: {0}")]
    Io(#[source] std::io::Error),
}

impl PictureError {
    fn damaged(format: PictureFormat, detail: impl ToString) -> Self {
        let detail: String = detail.to_string().chars().take(160).collect();
        Self::Damaged { format, detail }
    }
}

/// An open picture: what it is, and its rows one after the other.
pub struct PictureReader<R: Read + Seek> {
    info: PictureInfo,
    rows: RowSource<R>,
    to_srgb: ToSrgb,
    next_row: u32,
}

impl<R: Read + Seek> PictureReader<R> {
    /// Recognises the format by content and reads the head; no pixels are decoded, except that
    /// forms without rows are decoded on the first call for one.
    ///
    /// # Errors
    /// [`PictureError`]; sizes are refused before anything is allocated for them.
    pub fn open(mut source: R, limits: &Limits) -> Result<Self, PictureError> {
        let start = read_start(&mut source)?;
        let Some(format) = PictureFormat::of_magic(&start) else {
            return Err(if start.is_empty() {
                PictureError::Empty
            } else {
                PictureError::NotAPicture {
                    guess: known_stranger(&start),
                }
            });
        };
        let source = BufReader::with_capacity(64 << 10, source);
        match format {
            PictureFormat::Png => Self::open_png(source, limits),
            PictureFormat::Jpeg => Self::open_jpeg(source, limits),
            _ => Self::open_other(source, format, limits),
        }
    }

    fn open_png(mut source: BufReader<R>, limits: &Limits) -> Result<Self, PictureError> {
        let chunks = png_chunks::scan(&mut source)?;
        check_side(chunks.width, chunks.height, limits)?;
        let pixels = u64::from(chunks.width) * u64::from(chunks.height);
        if pixels > BOMB_PIXELS && pixels / chunks.file_bytes.max(1) > BOMB_PIXELS_PER_BYTE {
            return Err(PictureError::Bomb {
                width: chunks.width,
                height: chunks.height,
                kib: chunks.file_bytes.div_ceil(1024),
            });
        }
        rewind(&mut source)?;
        let (rows, layout, icc) = PngRows::open(source)?;
        let upright = chunks.orientation == Orientation::NoTransforms;
        let row_wise = upright && !chunks.interlaced;
        if !row_wise {
            let form = if chunks.interlaced {
                "an interlaced PNG"
            } else {
                "a PNG that is turned by its metadata"
            };
            let advice = "a PNG that is upright and not interlaced";
            check_whole(chunks.width, chunks.height, form, advice, limits)?;
        }
        let has_icc = icc.is_some();
        let profile = if chunks.says_srgb { None } else { icc };
        let rows = RowSource::Png(rows);
        Ok(Self::assemble(
            PictureFormat::Png,
            [chunks.width, chunks.height],
            chunks.orientation,
            has_icc,
            row_wise,
            rows,
            ToSrgb::new(layout, profile.as_deref()),
        ))
    }

    fn open_jpeg(mut source: BufReader<R>, limits: &Limits) -> Result<Self, PictureError> {
        let header = jpeg_header::scan(&mut source)?;
        check_side(header.width, header.height, limits)?;
        rewind(&mut source)?;
        let upright = header.orientation == Orientation::NoTransforms;
        let row_wise = upright && header.one_scan;
        if !row_wise {
            let form = if header.one_scan {
                "a JPEG that is turned by its metadata"
            } else {
                "a progressive JPEG"
            };
            let advice = "an upright baseline JPEG or a PNG";
            check_whole(header.width, header.height, form, advice, limits)?;
        }
        let (rows, layout) = jpeg::JpegRows::open(source, &header, limits)?;
        Ok(Self::assemble(
            PictureFormat::Jpeg,
            [header.width, header.height],
            header.orientation,
            header.icc.is_some(),
            row_wise,
            RowSource::Jpeg(rows),
            ToSrgb::new(layout, header.icc.as_deref()),
        ))
    }

    fn open_other(
        source: BufReader<R>,
        format: PictureFormat,
        limits: &Limits,
    ) -> Result<Self, PictureError> {
        let opened = whole::open(source, format, limits)?;
        Ok(Self::assemble(
            format,
            opened.size,
            opened.orientation,
            opened.icc.is_some(),
            false,
            RowSource::Whole(opened.whole),
            ToSrgb::new(opened.layout, opened.icc.as_deref()),
        ))
    }

    fn assemble(
        format: PictureFormat,
        stored_size: [u32; 2],
        orientation: Orientation,
        has_icc: bool,
        row_wise: bool,
        rows: RowSource<R>,
        to_srgb: ToSrgb,
    ) -> Self {
        let [mut width, mut height] = stored_size;
        let layout = to_srgb.layout();
        let rows = if row_wise || matches!(rows, RowSource::Whole(_)) {
            rows
        } else {
            RowSource::Whole(Whole::of_rows(rows, stored_size, layout, orientation))
        };
        if rows::swaps_axes(orientation) {
            std::mem::swap(&mut width, &mut height);
        }
        Self {
            info: PictureInfo {
                format,
                width,
                height,
                has_alpha: layout.has_alpha(),
                orientation: orientation.to_exif(),
                has_icc,
                row_wise,
            },
            rows,
            to_srgb,
            next_row: 0,
        }
    }

    /// What the head says.
    #[must_use]
    pub const fn info(&self) -> &PictureInfo {
        &self.info
    }

    /// Writes the next row into `rgba` (width × 4 bytes); `false` when there are no more. After
    /// the last row the rest of the file is checked, so that a cut file is never taken for whole.
    ///
    /// # Errors
    /// [`PictureError`]; after one, what was read so far is not to be used.
    pub fn next_row(&mut self, rgba: &mut [u8]) -> Result<bool, PictureError> {
        if self.next_row >= self.info.height {
            return Ok(false);
        }
        let native = self.rows.next_row(self.next_row)?;
        self.to_srgb.row(native, rgba);
        self.next_row += 1;
        if self.next_row == self.info.height {
            self.rows.finish()?;
        }
        Ok(true)
    }

    /// Reads all rows in bands of at most `band_rows`; `sink` gets the first row's number and the
    /// rows' pixels (width × 4 bytes each).
    ///
    /// # Errors
    /// Those of reading, and whatever the sink says.
    pub fn read_rows<E: From<PictureError>>(
        &mut self,
        band_rows: u32,
        mut sink: impl FnMut(u32, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let stride = self.info.width as usize * 4;
        let band_rows = band_rows.clamp(1, self.info.height.max(1));
        let mut band = vec![0; stride * band_rows as usize];
        loop {
            let first = self.next_row;
            let mut filled = 0;
            for row in band.chunks_exact_mut(stride.max(1)) {
                if !self.next_row(row)? {
                    break;
                }
                filled += stride;
            }
            if filled == 0 {
                return Ok(());
            }
            sink(first, band.get(..filled).unwrap_or_default())?;
        }
    }

    /// Decodes the rest of the picture and throws the pixels away: finds out whether it is whole.
    ///
    /// # Errors
    /// [`PictureError`] where reading the rows would have failed.
    pub fn verify(&mut self) -> Result<(), PictureError> {
        self.read_rows(16, |_, _| Ok(()))
    }
}

/// The first bytes; the source is at its beginning again afterwards.
fn read_start<R: Read + Seek>(source: &mut R) -> Result<Vec<u8>, PictureError> {
    let mut start = Vec::with_capacity(64);
    rewind(source)?;
    source
        .by_ref()
        .take(64)
        .read_to_end(&mut start)
        .map_err(PictureError::Io)?;
    rewind(source)?;
    Ok(start)
}

fn rewind(source: &mut impl Seek) -> Result<(), PictureError> {
    source
        .seek(SeekFrom::Start(0))
        .map(|_| ())
        .map_err(PictureError::Io)
}

const fn check_side(width: u32, height: u32, limits: &Limits) -> Result<(), PictureError> {
    let max_side = if limits.max_side < PICTURE_MAX_SIDE {
        limits.max_side
    } else {
        PICTURE_MAX_SIDE
    };
    if width == 0 || height == 0 || width > max_side || height > max_side {
        return Err(PictureError::Size {
            width,
            height,
            max_side,
        });
    }
    Ok(())
}

fn check_whole(
    width: u32,
    height: u32,
    form: &'static str,
    advice: &'static str,
    limits: &Limits,
) -> Result<(), PictureError> {
    if u64::from(width) * u64::from(height) > limits.whole_pixels {
        return Err(PictureError::WholeTooLarge {
            form,
            width,
            height,
            limit_megapixels: limits.whole_pixels / 1_000_000,
            advice,
        });
    }
    Ok(())
}

/// Names things that people take for usable pictures, with leading text.
fn known_stranger(start: &[u8]) -> &'static str {
    let brand = start.get(4..12).unwrap_or_default();
    match brand {
        b"ftypavif" | b"ftypavis" => " (it is an AVIF)",
        b"ftypheic" | b"ftypheix" | b"ftypmif1" => " (it is a HEIC photo)",
        b"ftypisom" | b"ftypmp42" | b"ftypmp41" | b"ftypM4V " => " (it is an MP4 video)",
        _ if start.starts_with(b"\x1aE\xdf\xa3") => " (it is a WebM or Matroska video)",
        _ if start.starts_with(b"\xff\x0a") || brand == b"JXL \r\n\x87\n" => " (it is a JPEG XL)",
        _ if start.starts_with(b"%PDF") => " (it is a PDF)",
        _ if start.starts_with(b"8BPS") => " (it is a Photoshop document)",
        _ if start.starts_with(b"<svg") || start.starts_with(b"<?xml") => " (it is XML or SVG)",
        _ if start.starts_with(b"PK\x03\x04") => " (it is a ZIP archive)",
        _ => "",
    }
}
