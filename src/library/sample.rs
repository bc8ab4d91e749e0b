//! The sample campaign: what a library starts with when there is none yet.

use std::io::Cursor;
use std::path::Path;

use super::archive::Limits;
use super::error::LibraryError;
use super::open::{Library, Mode};

impl Library {
    /// Opens the library in a folder to work on it; makes one with the parties of `archive` when
    /// there is none. An archive that cannot be read costs the sample and not the library: a
    /// second value says why.
    ///
    /// # Errors
    /// As [`Library::open`] and [`Library::create_empty`].
    pub fn open_or_create_with(
        folder: &Path,
        archive: &[u8],
    ) -> Result<(Self, Option<LibraryError>), LibraryError> {
        if Self::exists(folder) {
            return Ok((Self::open(folder, Mode::Write)?, None));
        }
        let library = Self::create_empty(folder)?;
        let added = library.import_archive(Cursor::new(archive), Limits::default());
        Ok((library, added.err()))
    }
}
