//! A picture or a map file, opened: the plan, and the picture's bytes.

use std::io::{Read, Seek, SeekFrom, Write};

use super::picture::{Limits, PictureError, PictureFormat, PictureReader};
use super::plan::ImportPlan;
use super::uvtt::{self, EmbeddedPicture, UvttError};

/// Bytes of a picture, wherever they lie.
pub trait PictureBytes: Read + Seek {}
impl<T: Read + Seek + ?Sized> PictureBytes for T {}

/// Where an embedded picture is unpacked to: memory or a temporary file.
pub trait SpoolBytes: Read + Write + Seek {}
impl<T: Read + Write + Seek + ?Sized> SpoolBytes for T {}

/// Why a file cannot be imported: one sentence for the user.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It is, or should be, a picture.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// It is, or should be, a map file.
    #[error(transparent)]
    Map(#[from] UvttError),
}

/// A file ready to be imported.
pub struct OpenedMap<'s> {
    /// What the import would do.
    pub plan: ImportPlan,
    /// The picture's bytes, at their beginning; there exactly when the plan has a picture.
    pub picture: Option<Box<dyn PictureBytes + 's>>,
}

/// Opens a picture or a Universal VTT file by content. `file_name` gives the scene's name and
/// may hold a grid. `spool` takes the picture of a map file; it should be empty.
///
/// Of the picture only the head is read: that it is whole is seen when its rows are.
///
/// # Errors
/// One sentence; nothing was written but into the spool.
pub fn open_map<'s>(
    file_name: &str,
    mut source: impl Read + Seek + 's,
    spool: impl SpoolBytes + 's,
    limits: &Limits,
) -> Result<OpenedMap<'s>, ImportError> {
    if starts_json(&mut source).map_err(PictureError::Io)? {
        return open_uvtt(file_name, source, spool, limits);
    }
    let info = *PictureReader::open(&mut source, limits)?.info();
    source.seek(SeekFrom::Start(0)).map_err(PictureError::Io)?;
    Ok(OpenedMap {
        plan: ImportPlan::of_picture(file_name, &info),
        picture: Some(Box::new(source)),
    })
}

fn open_uvtt<'s>(
    file_name: &str,
    source: impl Read,
    spool: impl SpoolBytes + 's,
    limits: &Limits,
) -> Result<OpenedMap<'s>, ImportError> {
    let mut file = uvtt::read(source, spool)?;
    let info = match &file.picture {
        EmbeddedPicture::Bytes { .. } => {
            Some(PictureReader::open(&mut file.spool, limits).map(|reader| *reader.info()))
        }
        _ => None,
    };
    // A damaged picture does not take the walls with it, but a failing disk does.
    let info = match info {
        Some(Err(PictureError::Io(e))) => return Err(PictureError::Io(e).into()),
        other => other.map(|result| result.map_err(|e| e.to_string())),
    };
    let usable = matches!(info, Some(Ok(_)));
    let plan = ImportPlan::of_uvtt(file_name, &file.document, &file.picture, info, file.report);
    let picture: Option<Box<dyn PictureBytes + 's>> = if usable {
        file.spool
            .seek(SeekFrom::Start(0))
            .map_err(PictureError::Io)?;
        Some(Box::new(file.spool))
    } else {
        None
    };
    Ok(OpenedMap { plan, picture })
}

/// Whether the first character that is no space is a brace; the source is at its beginning
/// afterwards.
fn starts_json(source: &mut (impl Read + Seek)) -> std::io::Result<bool> {
    let mut start = Vec::with_capacity(512);
    source.seek(SeekFrom::Start(0))?;
    source.by_ref().take(512).read_to_end(&mut start)?;
    source.seek(SeekFrom::Start(0))?;
    Ok(PictureFormat::of_magic(&start).is_none() && is_json_start(&start))
}

pub(super) fn is_json_start(start: &[u8]) -> bool {
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    start.trim_ascii_start().starts_with(b"{")
}
