//! Ways out of a library: a scene as a Universal VTT file.
//!
//! Pictures are streamed from the library as they are; forms that no other program reads in a map
//! file (BMP, TIFF, GIF, a turned photograph) are written as PNG. Must not know documents.

use std::io::{Cursor, Read, Seek, SeekFrom};
use std::path::Path;

use crate::import::picture::{Limits, PictureFormat, PictureReader};
use crate::import::{Report, ReportKind, uvtt};
use crate::library::{Library, LibraryError};
use crate::model::id::PictureHash;
use crate::model::scene;
use crate::scene::snapshot::SceneSnapshot;
use crate::storage::atomic;
use crate::storage::error::StorageError;

use super::plan_edits::plan_of_scene;

/// Why nothing was exported: one sentence.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The room shows the map to players in parts, and never gives it away.
    #[error(
        "this scene's map belongs to the room, which shows players only what they may see of it, so it \
         cannot be exported and nothing was written; ask the game master for the map"
    )]
    CutMap,
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
    snapshot: &SceneSnapshot,
    to: &Path,
) -> Result<Report, ExportError> {
    let map = snapshot.map.as_ref();
    let named = snapshot.setting(scene::MAP_LOCATION).unwrap_or_default();
    if named.starts_with(scene::CUT_MAPS) {
        return Err(ExportError::CutMap);
    }
    // One that is still on its way is shown coarse, and has no file.
    let picture = map
        .and_then(|map| map.picture.as_ref())
        .filter(|picture| library.has_picture_file(&picture.hash));
    let is_missing = !named.is_empty() && picture.is_none();
    let mut picture = match picture {
        Some(picture) => Some(portable_picture(library, &picture.hash)?),
        None => None,
    };
    let format = picture.as_ref().map(|(format, _)| *format);
    let mut plan = plan_of_scene(snapshot, format);
    if is_missing {
        plan.report.add(
            ReportKind::Skipped,
            "The map picture is not on this machine, so the file is without it; export again when the \
             scene shows its map.",
        );
    }
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

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::doc::{GameDoc, Origin};
    use crate::model::edit::{Assignment, Edit, RowRef};
    use crate::model::id::{GameSessionId, SceneId};
    use crate::scene::derive::SceneDeriver;
    use crate::scene::picture::NoPictures;

    #[test]
    fn a_map_that_is_not_here_is_told_and_one_that_is_only_shown_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let library = Library::create_empty(folder.path()).unwrap();
        let export = |map: &str| {
            let id = SceneId::new("s");
            let mut doc = GameDoc::create(&GameSessionId::new("g"));
            let edit = Edit::Create {
                row: RowRef::Scene(id.clone()),
                values: vec![Assignment::new(scene::MAP_LOCATION, Some(map))],
            };
            assert!(doc.apply(&[edit], Origin::Upkeep).changed());
            let snapshot = SceneDeriver::new(id).derive(&doc, &NoPictures).unwrap();
            let to = folder.path().join("scene.uvtt");
            let written = write_universal_vtt(&library, &snapshot, &to);
            (written, std::fs::remove_file(&to).is_ok())
        };
        let (written, exists) = export("map/cave.png");
        let report = written.unwrap();
        let told: Vec<&str> = report.texts().collect();
        assert!(told.concat().contains("not on this machine"), "{told:?}");
        assert!(exists);
        for cut in ["cut/none".to_owned(), format!("cut/{}.png", "a".repeat(64))] {
            let (written, exists) = export(&cut);
            let told = written.unwrap_err().to_string();
            assert!(told.contains("ask the game master"), "{told}");
            assert!(!exists);
        }
        let (written, _) = export("");
        assert!(
            !written
                .unwrap()
                .texts()
                .any(|text| text.contains("machine"))
        );
    }
}
