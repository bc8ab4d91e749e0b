//! Pictures of a [`Library`]: adding them, and looking them up by the keys that documents hold.
//!
//! A picture is known by the SHA-256 of its file; documents hold a location key like those of the
//! web clients, `map/….jpg` or `token/….png`. Several keys may mean one picture.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;

use super::error::LibraryError;
use super::named;
use super::open::Library;
use super::passing::Passing;
use super::tile_cache;
use super::tiles::TileStore;
use crate::geom::pyramid::PyramidLayout;
use crate::import::picture::{Limits, PictureError, PictureFormat};
use crate::model::id::PictureHash;
use crate::scene::picture::{PictureIndex, PictureInfo};
use crate::storage::catalogue::{self, AssetRow};
use crate::storage::error::StorageError;

/// The largest picture file.
pub const MOST_PICTURE_BYTES: u64 = 1 << 30;

/// What a picture is for: the first part of its location key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureUse {
    /// A scene's map.
    Map,
    /// A marker's picture.
    Token,
}

impl PictureUse {
    /// The location key of a picture.
    #[must_use]
    pub fn location(self, hash: &PictureHash, format: PictureFormat) -> String {
        let folder = match self {
            Self::Map => "map",
            Self::Token => "token",
        };
        let extension = match format {
            PictureFormat::Jpeg => "jpg",
            other => other.id(),
        };
        format!("{folder}/{hash}.{extension}")
    }
}

/// A picture that was added, or was there before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedPicture {
    /// The key for documents.
    pub location: String,
    /// Its hash and size.
    pub info: PictureInfo,
    /// Its format.
    pub format: PictureFormat,
    /// The library had it already.
    pub was_known: bool,
}

/// The pictures that a library holds, in memory, and those that it only shows.
#[derive(Debug, Default)]
pub struct PictureRecords {
    maps: RwLock<Maps>,
    passing: Passing,
}

#[derive(Debug, Default)]
struct Maps {
    by_location: HashMap<String, PictureInfo>,
    by_hash: HashMap<PictureHash, (PyramidLayout, AssetRow)>,
}

impl PictureRecords {
    /// The pyramid of a picture.
    #[must_use]
    pub fn layout(&self, picture: &PictureHash) -> Option<PyramidLayout> {
        let kept = self.layout_of_kept(picture);
        kept.or_else(|| self.passing.layout(picture))
    }

    pub(super) fn layout_of_kept(&self, picture: &PictureHash) -> Option<PyramidLayout> {
        let maps = self.maps.read();
        maps.by_hash.get(picture).map(|(layout, _)| *layout)
    }

    /// The picture behind a key, if it is the library's own.
    pub(super) fn kept(&self, location: &str) -> Option<PictureInfo> {
        self.maps.read().by_location.get(location).cloned()
    }

    pub(super) const fn passing(&self) -> &Passing {
        &self.passing
    }

    pub(super) fn row(&self, picture: &PictureHash) -> Option<AssetRow> {
        let maps = self.maps.read();
        maps.by_hash.get(picture).map(|(_, row)| row.clone())
    }

    pub(super) fn replace(&self, rows: Vec<(String, AssetRow)>) {
        let mut maps = Maps::default();
        for (location, row) in rows {
            maps.add(location, row);
        }
        *self.maps.write() = maps;
    }

    pub(super) fn add(&self, location: String, row: AssetRow) {
        let hash = PictureHash::new(&row.hash);
        self.maps.write().add(location, row);
        self.passing.forget(&hash);
    }
}

impl Maps {
    fn add(&mut self, location: String, row: AssetRow) {
        let hash = PictureHash::new(&row.hash);
        // A record of a size that no picture has cannot be drawn.
        let Ok(layout) = PyramidLayout::new(row.width, row.height) else {
            return;
        };
        let info = PictureInfo {
            hash: hash.clone(),
            width: row.width,
            height: row.height,
        };
        self.by_location.insert(location, info);
        self.by_hash.insert(hash, (layout, row));
    }
}

impl PictureIndex for PictureRecords {
    fn find(&self, location: &str) -> Option<PictureInfo> {
        let kept = self.kept(location);
        kept.or_else(|| self.passing.find(location))
    }
}

impl Library {
    /// The pictures by location key, for deriving scenes.
    #[must_use]
    pub const fn pictures(&self) -> &Arc<PictureRecords> {
        &self.records
    }

    /// The pixels, for renderers.
    #[must_use]
    pub const fn tiles(&self) -> &Arc<TileStore> {
        &self.tiles
    }

    /// Adds a picture: its file as it is, its record and its tiles. A picture that is there
    /// already only gets a further location key. `name` is the file's name, for lists; `progress`
    /// gets the share that is done.
    ///
    /// # Errors
    /// When it is no whole, readable picture, or cannot be written: then nothing was added.
    pub fn add_picture(
        &self,
        source: &mut dyn Read,
        used_as: PictureUse,
        name: &str,
        progress: &mut dyn FnMut(f32),
    ) -> Result<AddedPicture, LibraryError> {
        let (row, format, was_known) = self.take_in(source, MOST_PICTURE_BYTES, name, progress)?;
        let hash = PictureHash::new(&row.hash);
        let location = used_as.location(&hash, format);
        self.record_picture(row.clone(), &location)?;
        Ok(AddedPicture {
            location,
            info: PictureInfo {
                hash,
                width: row.width,
                height: row.height,
            },
            format,
            was_known,
        })
    }

    /// Keeps a picture's file and cuts its tiles, which reads all of it; without a key yet. Whether
    /// it was there before comes last.
    pub(super) fn take_in(
        &self,
        source: &mut dyn Read,
        most_bytes: u64,
        name: &str,
        progress: &mut dyn FnMut(f32),
    ) -> Result<(AssetRow, PictureFormat, bool), LibraryError> {
        self.store()?;
        let blobs_path = self.folder().join("blobs");
        let io = |e: std::io::Error| match e.kind() {
            std::io::ErrorKind::FileTooLarge => LibraryError::PictureFileTooLarge,
            _ => StorageError::from_io(&blobs_path, &e).into(),
        };
        let pending = self.blobs.receive(source, most_bytes).map_err(io)?;
        let hash = PictureHash::new(&pending.hash);
        let known = self
            .records
            .row(&hash)
            .filter(|_| self.blobs.contains(&pending.hash));
        match known.and_then(|row| Some((format_of(&row.format)?, row))) {
            Some((format, row)) => Ok((row, format, true)),
            None => {
                let file = pending.reopen().map_err(io)?;
                let tiles = tile_cache::cache_path(&self.folder().join("tiles"), &pending.hash);
                let info = tile_cache::build(file, &tiles, &Limits::default(), progress)?;
                let row = AssetRow {
                    hash: pending.hash.clone(),
                    format: info.format.id().to_owned(),
                    width: info.width,
                    height: info.height,
                    bytes: pending.bytes,
                    name: name.to_owned(),
                };
                self.blobs.keep(pending).map_err(io)?;
                Ok((row, info.format, false))
            }
        }
    }

    /// Adds the picture in a file.
    ///
    /// # Errors
    /// As [`Self::add_picture`], or when the file cannot be read.
    pub fn add_picture_file(
        &self,
        file: &Path,
        used_as: PictureUse,
        progress: &mut dyn FnMut(f32),
    ) -> Result<AddedPicture, LibraryError> {
        let mut source = File::open(file).map_err(PictureError::Io)?;
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        self.add_picture(&mut source, used_as, &name, progress)
    }

    /// Keeps a picture's file without cutting its tiles, which is done when it is first shown;
    /// only its head is looked at. For archives and rooms, whose pictures are known by their hashes.
    pub(super) fn add_picture_unseen(
        &self,
        source: &mut dyn Read,
        expected_hash: &str,
        locations: &[String],
        name: &str,
    ) -> Result<(), LibraryError> {
        let blobs_path = self.folder().join("blobs");
        let io = |e: std::io::Error| StorageError::from_io(&blobs_path, &e);
        let pending = self.blobs.receive(source, MOST_PICTURE_BYTES).map_err(io)?;
        if pending.hash != expected_hash {
            return Err(LibraryError::PictureChanged);
        }
        let file = pending.reopen().map_err(io)?;
        let row = named::row_of(file, &pending.hash, pending.bytes, name)?;
        self.blobs.keep(pending).map_err(io)?;
        for location in locations {
            self.record_picture(row.clone(), location)?;
        }
        Ok(())
    }

    pub(super) fn record_picture(&self, row: AssetRow, location: &str) -> Result<(), LibraryError> {
        let now = self.clock.unix_ms();
        let (written, key) = (row.clone(), location.to_owned());
        self.write(move |rows| catalogue::add_asset(rows, &written, &key, now))?;
        let hash = PictureHash::new(&row.hash);
        self.records.add(location.to_owned(), row);
        self.tiles.look_again(&hash);
        Ok(())
    }

    /// The picture's file, as it was added.
    ///
    /// # Errors
    /// When it is not there or cannot be read.
    pub fn open_picture_file(&self, picture: &PictureHash) -> Result<File, LibraryError> {
        let file = self.blobs.open(picture.as_str());
        Ok(file.map_err(PictureError::Io)?)
    }

    /// Deletes picture files that neither the library nor any of its backups names and that are
    /// older than `grace` (an import may be under way); how many. Nothing calls this by itself.
    ///
    /// # Errors
    /// When the library or one backup cannot be read: then nothing is deleted, as what is not in
    /// a list that failed to load is not garbage.
    pub fn sweep_pictures(&self, grace: Duration) -> Result<usize, LibraryError> {
        self.store()?;
        let mut named: HashSet<String> = HashSet::new();
        let mut name_all = |rows: Vec<(String, AssetRow)>| {
            named.extend(rows.into_iter().map(|(_, row)| row.hash));
        };
        name_all(self.read(catalogue::assets)?);
        for backup in self.backups.list()? {
            name_all(self.backups.assets(&backup.name)?);
        }
        let folder = self.folder().join("blobs");
        let swept = self.blobs.sweep(&named, grace);
        Ok(swept.map_err(|e| StorageError::from_io(&folder, &e))?)
    }

    /// Reads the records again: after a restore.
    pub(super) fn reload_pictures(&self) -> Result<(), LibraryError> {
        self.records.replace(self.read(catalogue::assets)?);
        Ok(())
    }
}

fn format_of(id: &str) -> Option<PictureFormat> {
    use PictureFormat::{Bmp, Gif, Jpeg, Png, Tiff, WebP};
    [Png, Jpeg, WebP, Bmp, Tiff, Gif]
        .into_iter()
        .find(|format| format.id() == id)
}
