//! Ways out of a library: a scene as a Universal VTT file.
//!
//! Pictures are streamed from the library as they are; forms that no other program reads in a map
//! file (BMP, TIFF, GIF, a turned photograph) are written as PNG. Must not know documents.

use std::io::{Cursor, Read, Seek, SeekFrom};
use std::path::Path;

use crate::import::picture::{Limits, PictureFormat, PictureReader};
use crate::import::{Report, uvtt};
use crate::library::{Library, LibraryError};
use crate::model::id::PictureHash;
use crate::scene::snapshot::SceneSnapshot;
use crate::storage::atomic;
use crate::storage::error::StorageError;

use super::plan_edits::plan_of_scene;

/// Why nothing was exported: one sentence.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The map picture cannot be read.
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// The map picture cannot be read.
    #[error(transparent)]
    Picture(#[from] crate::import::picture::PictureError),
    /// The map picture cannot be written as PNG.
    #[error("the map picture could not be written as PNG ({0}), so nothing was exported")]
    Encode(#[from] png::EncodingError),
    /// The file cannot be written.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Writes a scene as a Universal VTT file; what has no place in one is told in the report.
///
/// # Errors
/// One sentence; a file that was there before is as it was.
pub fn write_universal_vtt(
    library: &Library,
    scene: &SceneSnapshot,
    to: &Path,
) -> Result<Report, ExportError> {
    let map = scene.map.as_ref();
    let mut picture = match map.and_then(|map| map.picture.as_ref()) {
        Some(picture) => Some(portable_picture(library, &picture.hash)?),
        None => None,
    };
    let format = picture.as_ref().map(|(format, _)| *format);
    let plan = plan_of_scene(scene, format);
    atomic::write_file(to, |file| {
        let source = picture
            .as_mut()
            .map(|(_, source)| source as uvtt::UvttPicture<'_>);
        uvtt::write(&plan.to_uvtt(), source, file)
    })
    .map_err(|error| StorageError::from_io(to, &error))?;
    Ok(plan.report)
}

trait Bytes: Read + Seek {}
impl<T: Read + Seek> Bytes for T {}

/// The bytes of a picture in a form that map files hold.
fn portable_picture(
    library: &Library,
    location: &PictureHash,
) -> Result<(PictureFormat, Box<dyn Bytes>), ExportError> {
    let mut file = library.open_picture_file(location)?;
    let info = *PictureReader::open(&mut file, &Limits::default())?.info();
    let portable = matches!(
        info.format,
        PictureFormat::Png | PictureFormat::Jpeg | PictureFormat::WebP
    );
    if portable && info.orientation == 1 {
        file.seek(SeekFrom::Start(0))
            .map_err(crate::import::picture::PictureError::Io)?;
        return Ok((info.format, Box::new(file)));
    }
    file.seek(SeekFrom::Start(0))
        .map_err(crate::import::picture::PictureError::Io)?;
    let mut reader = PictureReader::open(file, &Limits::default())?;
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, info.width, info.height);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    let mut rows = writer.stream_writer()?;
    let mut row = vec![0; info.width as usize * 4];
    while reader.next_row(&mut row)? {
        std::io::Write::write_all(&mut rows, &row).map_err(png::EncodingError::from)?;
    }
    rows.finish()?;
    writer.finish()?;
    Ok((PictureFormat::Png, Box::new(Cursor::new(bytes))))
}
