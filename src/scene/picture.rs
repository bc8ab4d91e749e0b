//! Pictures as snapshots name them and as renderers ask for them.
//!
//! A picture is known by the hash of its file. Its pixels come as tiles of a pyramid
//! ([`crate::geom::pyramid`]) or, for small things, whole and scaled down. The renderer only ever
//! sees [`PictureSource`]; the library implements it with a decode pool and a bounded cache.

use std::sync::Arc;

use crate::geom::pyramid::{PyramidLayout, TileAddress};
use crate::model::id::PictureHash;

/// A picture that the library holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PictureInfo {
    /// The hash of the file.
    pub hash: PictureHash,
    /// Width in pixels, orientation applied.
    pub width: u32,
    /// Height in pixels, orientation applied.
    pub height: u32,
}

/// Looks pictures up by the key that documents hold (`map/….jpg`).
pub trait PictureIndex: Send + Sync {
    /// The picture behind a key, or `None` when it is not on this machine.
    fn find(&self, location: &str) -> Option<PictureInfo>;
}

/// Straight-alpha sRGB pixels, rows top to bottom without padding, 4 bytes a pixel.
#[derive(Debug, Clone)]
pub struct Pixels {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// `width * height * 4` bytes.
    pub rgba: Arc<[u8]>,
}

/// What became of a request for pixels.
#[derive(Debug, Clone)]
pub enum Fetched {
    /// Here they are.
    Ready(Pixels),
    /// On their way; the source wakes its listener when they are here.
    Loading,
    /// They cannot be had: unknown, damaged, unreadable.
    Missing,
}

/// What a tile is kept under by those who keep its pixels.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TileName {
    /// The same for all editions of a picture.
    pub picture: PictureHash,
    /// Which of them the tile is of.
    pub edition: u64,
}

/// Gives pixels without ever waiting. Requests for the same thing are one request; the latest are
/// served first; the memory behind it is bounded.
pub trait PictureSource: Send + Sync {
    /// The pyramid of a picture, or `None` when it is not on this machine.
    fn layout(&self, picture: &PictureHash) -> Option<PyramidLayout>;

    /// A tile with its gutter: 258 x 258 pixels.
    fn tile(&self, picture: &PictureHash, address: TileAddress) -> Fetched;

    /// The name of that tile. Pictures that follow each other as editions of one share those tiles
    /// that are the same in them; until a tile of the next edition is there, the one before may be
    /// shown in its place. Tiles of a coarse picture are editions of the picture that they stand for.
    fn tile_name(&self, picture: &PictureHash, _address: TileAddress) -> TileName {
        TileName {
            picture: picture.clone(),
            edition: 0,
        }
    }

    /// The whole picture, scaled down so that neither side is above `max_side_px` (at most 512);
    /// never scaled up.
    fn whole(&self, picture: &PictureHash, max_side_px: u32) -> Fetched;

    /// A number that grows each time something that was loading has arrived or failed.
    fn arrivals(&self) -> u64;

    /// Waits until [`Self::arrivals`] is above `seen` or `at_most` has passed. For headless
    /// rendering and tests; never called by a thread that paints.
    fn wait_for_arrival(&self, seen: u64, at_most: std::time::Duration);
}

/// A source and index without any picture.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoPictures;

impl PictureIndex for NoPictures {
    fn find(&self, _location: &str) -> Option<PictureInfo> {
        None
    }
}

impl PictureSource for NoPictures {
    fn layout(&self, _picture: &PictureHash) -> Option<PyramidLayout> {
        None
    }

    fn tile(&self, _picture: &PictureHash, _address: TileAddress) -> Fetched {
        Fetched::Missing
    }

    fn whole(&self, _picture: &PictureHash, _max_side_px: u32) -> Fetched {
        Fetched::Missing
    }

    fn arrivals(&self) -> u64 {
        0
    }

    fn wait_for_arrival(&self, _seen: u64, _at_most: std::time::Duration) {}
}
