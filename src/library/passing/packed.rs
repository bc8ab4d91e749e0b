//! Tiles in a file without a name, for as long as somebody holds it. Must not know what they show.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use parking_lot::Mutex;

use crate::geom::pyramid::{TILE_STORED_BYTES, TILE_STORED_PX};

/// One tile of a pyramid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tile {
    /// It has not come.
    Coming,
    /// Nothing can be seen in it.
    Black,
    /// It lies in the file.
    At {
        number: u64,
        offset: u64,
        bytes: usize,
        crc32: u32,
    },
}

/// Tiles, losslessly, one after the other in a file without a name.
#[derive(Debug)]
pub(super) struct Packed(Mutex<(File, u64)>);

impl Packed {
    pub(super) fn new(folder: &Path) -> io::Result<Self> {
        let file = tempfile::tempfile_in(folder).or_else(|_| tempfile::tempfile())?;
        Ok(Self(Mutex::new((file, 0))))
    }

    pub(super) fn read(&self, tile: Tile) -> Option<Vec<u8>> {
        let Tile::At { crc32, .. } = tile else {
            return (tile == Tile::Black).then(black);
        };
        let packed = self.bytes(tile)?;
        (crc32fast::hash(&packed) == crc32).then_some(())?;
        let (header, rgba) = qoi::decode_to_vec(&packed).ok()?;
        let fits = header.width == TILE_STORED_PX && rgba.len() == TILE_STORED_BYTES;
        fits.then_some(rgba)
    }

    pub(super) fn bytes(&self, tile: Tile) -> Option<Vec<u8>> {
        let Tile::At { offset, bytes, .. } = tile else {
            return None;
        };
        let mut packed = vec![0; bytes];
        let mut file = self.0.lock();
        file.0.seek(SeekFrom::Start(offset)).ok()?;
        file.0.read_exact(&mut packed).ok()?;
        Some(packed)
    }

    pub(super) fn write(&self, rgba: &[u8], number: u64) -> io::Result<Tile> {
        let packed = qoi::encode_to_vec(rgba, TILE_STORED_PX, TILE_STORED_PX);
        self.append(&packed.map_err(io::Error::other)?, number)
    }

    pub(super) fn append(&self, packed: &[u8], number: u64) -> io::Result<Tile> {
        let mut file = self.0.lock();
        let offset = file.1;
        file.0.seek(SeekFrom::Start(offset))?;
        file.0.write_all(packed)?;
        file.1 += packed.len() as u64;
        Ok(Tile::At {
            number,
            offset,
            bytes: packed.len(),
            crc32: crc32fast::hash(packed),
        })
    }

    pub(super) fn len(&self) -> u64 {
        self.0.lock().1
    }
}

/// A stored tile in which nothing can be seen.
pub(in crate::library) fn black() -> Vec<u8> {
    [0, 0, 0, 255].repeat(TILE_STORED_BYTES / 4)
}

pub(super) fn is_black(rgba: &[u8]) -> bool {
    rgba.chunks_exact(4).all(|pixel| pixel == [0, 0, 0, 255])
}
