//! Where rows come from: a row-wise decoder, or a picture decoded whole.

use std::io::{BufReader, Read, Seek};

use image::metadata::Orientation;

use super::colour::Layout;
use super::jpeg::JpegRows;
use super::whole::{Encoded, decode};
use super::{PictureError, PictureFormat};

/// Bytes that the PNG decoder may hold for a row and for an embedded profile.
const PNG_DECODER_BYTES: usize = 64 << 20;

/// The three ways to rows. A row is in the source's own layout and orientation, except for
/// [`Whole`], which applies the orientation.
pub(super) enum RowSource<R: Read + Seek> {
    Png(PngRows<R>),
    Jpeg(JpegRows<R>),
    Whole(Whole<R>),
}

impl<R: Read + Seek> RowSource<R> {
    /// Row `y`; to be asked for in order.
    pub(super) fn next_row(&mut self, y: u32) -> Result<&[u8], PictureError> {
        match self {
            Self::Png(png) => png.next_row(),
            Self::Jpeg(jpeg) => jpeg.next_row(),
            Self::Whole(whole) => whole.row(y),
        }
    }

    /// To be called after the last row.
    pub(super) fn finish(&mut self) -> Result<(), PictureError> {
        match self {
            Self::Jpeg(jpeg) => jpeg.finish(),
            // The walk over the chunks has seen the end of a PNG; a whole decode saw its own.
            Self::Png(_) | Self::Whole(_) => Ok(()),
        }
    }
}

/// Rows of a PNG.
pub(super) struct PngRows<R: Read + Seek> {
    reader: png::Reader<BufReader<R>>,
    row: Vec<u8>,
    wide: bool,
}

impl<R: Read + Seek> PngRows<R> {
    /// Also gives the layout and the embedded profile.
    pub(super) fn open(
        source: BufReader<R>,
    ) -> Result<(Self, Layout, Option<Vec<u8>>), PictureError> {
        let limits = png::Limits {
            bytes: PNG_DECODER_BYTES,
        };
        let mut decoder = png::Decoder::new_with_limits(source, limits);
        // Text is of no use here, and compressed text unpacks without bound.
        decoder.set_ignore_text_chunk(true);
        decoder.set_transformations(png::Transformations::EXPAND);
        let reader = decoder.read_info().map_err(png_error)?;
        let icc = reader.info().icc_profile.as_ref().map(|icc| icc.to_vec());
        let (color, depth) = reader.output_color_type();
        let wide = depth == png::BitDepth::Sixteen;
        let layout = match (color, wide) {
            (png::ColorType::Grayscale, false) => Layout::Gray8,
            (png::ColorType::Grayscale, true) => Layout::Gray16,
            (png::ColorType::GrayscaleAlpha, false) => Layout::GrayAlpha8,
            (png::ColorType::GrayscaleAlpha, true) => Layout::GrayAlpha16,
            (png::ColorType::Rgb, false) => Layout::Rgb8,
            (png::ColorType::Rgb, true) => Layout::Rgb16,
            (png::ColorType::Rgba, true) => Layout::Rgba16,
            (png::ColorType::Rgba | png::ColorType::Indexed, _) => Layout::Rgba8,
        };
        let row = vec![0; reader.info().width as usize * layout.bytes_per_pixel()];
        Ok((Self { reader, row, wide }, layout, icc))
    }

    fn next_row(&mut self) -> Result<&[u8], PictureError> {
        match self.reader.read_row(&mut self.row).map_err(png_error)? {
            Some(_) => {}
            None => return Err(PictureError::EndsEarly(PictureFormat::Png)),
        }
        if self.wide {
            to_machine_order(&mut self.row);
        }
        Ok(&self.row)
    }

    /// All rows at once, which is how an interlaced picture comes.
    fn read_all(&mut self, pixels: &mut [u8]) -> Result<(), PictureError> {
        self.reader.next_frame(pixels).map_err(png_error)?;
        if self.wide {
            to_machine_order(pixels);
        }
        Ok(())
    }
}

/// 16-bit values from the file's byte order (big-endian) to the machine's.
fn to_machine_order(values: &mut [u8]) {
    for value in values.chunks_exact_mut(2) {
        let native = u16::from_be_bytes([value[0], value[1]]).to_ne_bytes();
        value.copy_from_slice(&native);
    }
}

fn png_error(error: png::DecodingError) -> PictureError {
    match error {
        png::DecodingError::IoError(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
            PictureError::EndsEarly(PictureFormat::Png)
        }
        png::DecodingError::IoError(e) => PictureError::Io(e),
        png::DecodingError::LimitsExceeded => PictureError::Memory {
            format: PictureFormat::Png,
            limit_mib: (PNG_DECODER_BYTES >> 20) as u64,
        },
        // The walk over the chunks has seen that the file is whole.
        other => PictureError::damaged(PictureFormat::Png, other),
    }
}

/// A picture that is decoded whole, on the first call for a row.
pub(super) struct Whole<R: Read + Seek> {
    state: State<R>,
    stored_size: [u32; 2],
    layout: Layout,
    orientation: Orientation,
    row: Vec<u8>,
}

enum State<R: Read + Seek> {
    Rows(Box<RowSource<R>>),
    Encoded(Encoded<R>),
    Pixels(Vec<u8>),
    Failed,
}

impl<R: Read + Seek> Whole<R> {
    /// From a row-wise decoder, to turn it or to de-interlace it.
    pub(super) fn of_rows(
        rows: RowSource<R>,
        stored_size: [u32; 2],
        layout: Layout,
        orientation: Orientation,
    ) -> Self {
        Self::new(
            State::Rows(Box::new(rows)),
            stored_size,
            layout,
            orientation,
        )
    }

    /// From a file that is still to be decoded.
    pub(super) fn of_encoded(
        encoded: Encoded<R>,
        stored_size: [u32; 2],
        layout: Layout,
        orientation: Orientation,
    ) -> Self {
        Self::new(State::Encoded(encoded), stored_size, layout, orientation)
    }

    const fn new(
        state: State<R>,
        stored_size: [u32; 2],
        layout: Layout,
        orientation: Orientation,
    ) -> Self {
        Self {
            state,
            stored_size,
            layout,
            orientation,
            row: Vec::new(),
        }
    }

    fn row(&mut self, y: u32) -> Result<&[u8], PictureError> {
        if !matches!(self.state, State::Pixels(_)) {
            let state = std::mem::replace(&mut self.state, State::Failed);
            self.state = State::Pixels(self.load(state)?);
        }
        let State::Pixels(pixels) = &self.state else {
            return Err(PictureError::NotAPicture { guess: "" });
        };
        let [width, height] = self.stored_size.map(|side| side as usize);
        let bpp = self.layout.bytes_per_pixel();
        let stride = width * bpp;
        let y = y as usize;
        if self.orientation == Orientation::NoTransforms {
            return Ok(pixels.get(y * stride..(y + 1) * stride).unwrap_or_default());
        }
        let row_length = if swaps_axes(self.orientation) {
            height
        } else {
            width
        };
        self.row.clear();
        for x in 0..row_length {
            let (sx, sy) = stored_from_upright(self.orientation, x, y, width, height);
            let at = sy * stride + sx * bpp;
            self.row
                .extend_from_slice(pixels.get(at..at + bpp).unwrap_or_default());
        }
        Ok(&self.row)
    }

    fn load(&self, state: State<R>) -> Result<Vec<u8>, PictureError> {
        let [width, height] = self.stored_size.map(|side| side as usize);
        let stride = width * self.layout.bytes_per_pixel();
        match state {
            State::Pixels(pixels) => Ok(pixels),
            State::Encoded(encoded) => decode(encoded, stride * height),
            State::Failed => Err(PictureError::NotAPicture { guess: "" }),
            State::Rows(mut rows) => {
                let mut pixels = vec![0; stride * height];
                if let RowSource::Png(png) = rows.as_mut() {
                    png.read_all(&mut pixels)?;
                } else {
                    for (y, row) in (0..).zip(pixels.chunks_exact_mut(stride)) {
                        row.copy_from_slice(rows.next_row(y)?);
                    }
                    rows.finish()?;
                }
                Ok(pixels)
            }
        }
    }
}

/// Whether the upright picture is as wide as the stored one is high.
pub(super) const fn swaps_axes(orientation: Orientation) -> bool {
    matches!(
        orientation,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    )
}

/// The stored pixel that shows at `x`, `y` of the upright picture; `width` and `height` are the
/// stored picture's. Source: EXIF 2.32, tag 0x0112.
const fn stored_from_upright(
    orientation: Orientation,
    x: usize,
    y: usize,
    width: usize,
    height: usize,
) -> (usize, usize) {
    match orientation {
        Orientation::NoTransforms => (x, y),
        Orientation::FlipHorizontal => (width - 1 - x, y),
        Orientation::Rotate180 => (width - 1 - x, height - 1 - y),
        Orientation::FlipVertical => (x, height - 1 - y),
        Orientation::Rotate90FlipH => (y, x),
        Orientation::Rotate90 => (y, height - 1 - x),
        Orientation::Rotate270FlipH => (width - 1 - y, height - 1 - x),
        Orientation::Rotate270 => (width - 1 - y, x),
    }
}
