//! The pixels of a picture in tiles on the disk, so that parts of it are read again and again without
//! decoding all of it.
//!
//! They lie in a file without a name, losslessly, and go with this value. Made and read in memory for
//! one row of tiles. Must not know fog. Called by [`super::cuts`].

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write as _};
use std::path::Path;

use parking_lot::Mutex;

use super::cut::CutError;
use crate::geom::rect::IRect;
use crate::import::picture::{Limits, PictureReader};
use crate::scene::tiled::{self, SIDE_PX};

/// A picture that was decoded.
#[derive(Debug)]
pub(super) struct Decoded {
    file: Mutex<File>,
    /// Where each tile lies, and its length.
    places: Vec<(u64, usize)>,
}

impl Decoded {
    /// Decodes a picture into a file below `folder`.
    ///
    /// # Errors
    /// When it cannot be read, or there is no room for it.
    pub(super) fn of(source: impl Read + Seek, folder: &Path) -> Result<Self, CutError> {
        let mut reader = PictureReader::open(source, &Limits::default())?;
        let info = *reader.info();
        let size = [info.width, info.height];
        let mut file = tempfile::tempfile_in(folder)?;
        let stride = info.width as usize * 4;
        let (mut places, mut end, mut tile) = (Vec::new(), 0, Vec::new());
        let mut parts = tiled::parts(size).peekable();
        reader.read_rows(SIDE_PX, |first, rows| {
            let is_here = |part: &IRect| u32::try_from(part.min[1]).is_ok_and(|y| y == first);
            while let Some(part) = parts.next_if(is_here) {
                let columns = part.min[0] as usize * 4..part.max[0] as usize * 4;
                tile.clear();
                for row in rows.chunks_exact(stride) {
                    tile.extend_from_slice(row.get(columns.clone()).unwrap_or_default());
                }
                let packed = qoi::encode_to_vec(&tile, part.width(), part.height())
                    .map_err(|error| CutError::Written(io::Error::other(error)))?;
                file.write_all(&packed)?;
                places.push((end, packed.len()));
                end += packed.len() as u64;
            }
            Ok::<(), CutError>(())
        })?;
        Ok(Self {
            file: Mutex::new(file),
            places,
        })
    }

    /// The pixels of a part, by its place among all, as RGBA.
    ///
    /// # Errors
    /// When the disk fails, or the picture ended before it.
    pub(super) fn part(&self, index: usize) -> Result<Vec<u8>, CutError> {
        let gone = || io::Error::from(io::ErrorKind::UnexpectedEof);
        let (at, length) = *self.places.get(index).ok_or_else(gone)?;
        let mut packed = vec![0; length];
        {
            let mut file = self.file.lock();
            file.seek(SeekFrom::Start(at))?;
            file.read_exact(&mut packed)?;
        }
        let (_, pixels) = qoi::decode_to_vec(&packed).map_err(io::Error::other)?;
        Ok(pixels)
    }
}
