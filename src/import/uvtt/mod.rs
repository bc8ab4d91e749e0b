//! Universal VTT map files (`.dd2vtt`, `.df2vtt`, `.uvtt`), versions 0.2 to 1.0.
//!
//! There is no specification; what is read here is what Dungeondraft, DungeonFog, Arkenforge and
//! their peers write and what their importers stumbled over. One JSON object: geometry in grid
//! cells, y down, and the picture as base64 in it.
//!
//! [`read`] unpacks the picture into a caller's spool while the JSON streams by, so that neither
//! the text nor the picture is ever held whole. [`write()`] is the way back (0.3).

mod document;
mod embedded;
mod fields;
mod loose;
mod read;
mod stream;
mod write;

pub use document::{
    CellPoint, Environment, UvttDocument, UvttFormat, UvttLight, UvttPicture, UvttPortal,
    UvttResolution,
};
pub use embedded::EmbeddedPicture;
pub use read::{MAX_LIGHTS, MAX_PORTALS, MAX_SEGMENTS, UvttError, UvttFile, read};
pub use write::write;

/// The JSON of a map file with the picture taken out: for a look at its keys.
pub(super) fn without_picture(source: impl std::io::Read) -> impl std::io::Read {
    stream::ImageDiverter::new(
        std::io::BufReader::with_capacity(64 << 10, source),
        std::io::sink(),
    )
}

#[cfg(test)]
mod tests;
