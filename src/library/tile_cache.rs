//! A picture's tile pyramid on disk: one SQLite file per picture, tiles as QOI (lossless) with a
//! checksum each, so that a bit that fell over is never on the table.
//!
//! A cache and nothing else: it can be made again from the picture's file at any time, so it is
//! built without a journal under a temporary name, flushed and renamed, and a file that does not
//! read as it should is simply built anew.

use std::io::{Read, Seek};
use std::path::{Path, PathBuf};

use crossbeam_channel::{Receiver, Sender, bounded};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params};

use super::error::LibraryError;
use crate::geom::pyramid::{PyramidLayout, TILE_STORED_BYTES, TILE_STORED_PX, TileAddress};
use crate::import::picture::{Limits, PictureError, PictureInfo, PictureReader};
use crate::import::pyramid::{PyramidBuilder, PyramidError};
use crate::storage::atomic;
use crate::storage::error::StorageError;

const APPLICATION_ID: i64 = 0x5447_544c;
/// Counts up whenever the same picture would give other bytes.
const FORMAT: i64 = 2;
/// Tiles that wait to be encoded, and encoded ones that wait to be written.
const QUEUE: usize = 16;
const BAND_ROWS: u32 = 16;

/// Where the pyramid of a picture lies below `folder`.
#[must_use]
pub(super) fn cache_path(folder: &Path, hash: &str) -> PathBuf {
    folder.join(format!("{hash}.sqlite"))
}

/// Cuts a picture into its pyramid at `path`, replacing what was there once all of it is done.
/// Memory: 258 rows of the picture and of each level, and a few tiles. `progress` gets the share
/// that is done.
pub(super) fn build(
    source: impl Read + Seek,
    path: &Path,
    limits: &Limits,
    progress: &mut dyn FnMut(f32),
) -> Result<PictureInfo, LibraryError> {
    let mut reader = PictureReader::open(source, limits)?;
    let info = *reader.info();
    let folder = path.parent().unwrap_or(path);
    let io = |e: std::io::Error| StorageError::from_io(path, &e);
    std::fs::create_dir_all(folder).map_err(io)?;
    let temporary = tempfile::Builder::new()
        .prefix(".building-")
        .suffix(".sqlite")
        .tempfile_in(folder)
        .map_err(io)?;
    let cache = CacheWriter::create(temporary.path(), &info)?;
    cut(&mut reader, cache, progress)?;
    atomic::put_in_place(temporary, path).map_err(io)?;
    Ok(info)
}

/// Reads rows in this thread, encodes in workers, writes in one more.
fn cut<R: Read + Seek>(
    reader: &mut PictureReader<R>,
    cache: CacheWriter,
    progress: &mut dyn FnMut(f32),
) -> Result<(), LibraryError> {
    let workers = std::thread::available_parallelism().map_or(2, |n| n.get().clamp(1, 6));
    let (to_encode, raw) = bounded::<(usize, Vec<u8>)>(QUEUE);
    let (give_back, spare) = bounded::<Vec<u8>>(QUEUE + workers + 1);
    let (to_write, encoded) = bounded::<(usize, Vec<u8>)>(QUEUE);
    std::thread::scope(|scope| {
        let writer = std::thread::Builder::new()
            .name("tile-writer".into())
            .spawn_scoped(scope, move || cache.write_all(&encoded))
            .map_err(|e| StorageError::from_io(Path::new("tiles"), &e))?;
        for n in 0..workers {
            let (raw, to_write, give_back) = (raw.clone(), to_write.clone(), give_back.clone());
            std::thread::Builder::new()
                .name(format!("tile-encode-{n}"))
                .spawn_scoped(scope, move || encode_all(&raw, &to_write, &give_back))
                .map_err(|e| StorageError::from_io(Path::new("tiles"), &e))?;
        }
        // Only the workers hold these now: when they end, their neighbours do.
        drop((raw, to_write, give_back));
        let fed = feed(reader, &to_encode, &spare, progress);
        drop(to_encode);
        let written = writer.join().unwrap_or(Err(StorageError::Closed));
        match (fed, written) {
            // A writer that gave up ends the feeding too, and knows the reason.
            (Err(Feed::WritersGone), Err(error)) => Err(error.into()),
            (Err(Feed::WritersGone), Ok(())) => Err(StorageError::Closed.into()),
            (Err(Feed::Picture(error)), _) => Err(error.into()),
            (Ok(()), written) => Ok(written?),
        }
    })
}

/// Why feeding tiles ended early.
enum Feed {
    Picture(PictureError),
    WritersGone,
}

impl From<PictureError> for Feed {
    fn from(error: PictureError) -> Self {
        Self::Picture(error)
    }
}

fn feed<R: Read + Seek>(
    reader: &mut PictureReader<R>,
    to_encode: &Sender<(usize, Vec<u8>)>,
    spare: &Receiver<Vec<u8>>,
    progress: &mut dyn FnMut(f32),
) -> Result<(), Feed> {
    let info = *reader.info();
    let size_error = |_| {
        Feed::Picture(PictureError::Size {
            width: info.width,
            height: info.height,
            max_side: crate::geom::pyramid::PICTURE_MAX_SIDE,
        })
    };
    let mut builder = PyramidBuilder::new(info.width, info.height).map_err(size_error)?;
    let layout = *builder.layout();
    let mut sink = |tile: TileAddress, rgba: &[u8]| -> Result<(), Feed> {
        let Some(index) = layout.index_of(tile) else {
            return Ok(());
        };
        let mut buffer = spare.try_recv().unwrap_or_default();
        buffer.clear();
        buffer.extend_from_slice(rgba);
        to_encode
            .send((index, buffer))
            .map_err(|_| Feed::WritersGone)
    };
    let from_pyramid = |error: PyramidError<Feed>| match error {
        PyramidError::Sink(feed) => feed,
        PyramidError::Rows { .. } => Feed::Picture(PictureError::EndsEarly(info.format)),
    };
    reader.read_rows(BAND_ROWS, |first, rows| {
        progress(first as f32 / info.height.max(1) as f32);
        builder.push_rows(rows, &mut sink).map_err(from_pyramid)
    })?;
    builder.finish().map_err(from_pyramid)?;
    progress(1.0);
    Ok(())
}

fn encode_all(
    raw: &Receiver<(usize, Vec<u8>)>,
    to_write: &Sender<(usize, Vec<u8>)>,
    give_back: &Sender<Vec<u8>>,
) {
    for (index, rgba) in raw {
        // The size is fixed and the buffer large enough, so encoding cannot fail; if it did, the
        // missing tile would be found by the writer's count.
        if let Ok(qoi) = qoi::encode_to_vec(&rgba, TILE_STORED_PX, TILE_STORED_PX)
            && to_write.send((index, qoi)).is_err()
        {
            return;
        }
        let _ = give_back.try_send(rgba);
    }
}

/// A pyramid that is being written.
struct CacheWriter {
    connection: Connection,
    path: PathBuf,
    tile_count: usize,
}

impl CacheWriter {
    fn create(path: &Path, info: &PictureInfo) -> Result<Self, StorageError> {
        let failed = |e: rusqlite::Error| StorageError::from_sqlite(path, &e);
        let connection = Connection::open(path).map_err(failed)?;
        connection
            .execute_batch(&format!(
                "PRAGMA page_size = 16384;
                 PRAGMA journal_mode = OFF;
                 PRAGMA synchronous = OFF;
                 PRAGMA locking_mode = EXCLUSIVE;
                 PRAGMA application_id = {APPLICATION_ID};
                 PRAGMA user_version = {FORMAT};
                 CREATE TABLE picture (width INTEGER NOT NULL, height INTEGER NOT NULL);
                 CREATE TABLE tiles (id INTEGER PRIMARY KEY, qoi BLOB NOT NULL, crc32 INTEGER NOT NULL);
                 INSERT INTO picture VALUES ({}, {});
                 BEGIN;",
                info.width, info.height
            ))
            .map_err(failed)?;
        let layout = PyramidLayout::new(info.width, info.height);
        Ok(Self {
            connection,
            path: path.to_owned(),
            tile_count: layout.map_or(0, |layout| layout.tile_count()),
        })
    }

    fn write_all(self, encoded: &Receiver<(usize, Vec<u8>)>) -> Result<(), StorageError> {
        let failed = |e: rusqlite::Error| StorageError::from_sqlite(&self.path, &e);
        let mut count = 0;
        {
            let mut insert = self
                .connection
                .prepare("INSERT INTO tiles (id, qoi, crc32) VALUES (?1, ?2, ?3)")
                .map_err(failed)?;
            for (index, qoi) in encoded {
                let crc32 = crc32fast::hash(&qoi);
                insert
                    .execute(params![index as i64, qoi, crc32])
                    .map_err(failed)?;
                count += 1;
            }
        }
        self.connection.execute_batch("COMMIT").map_err(failed)?;
        if count != self.tile_count {
            // The feeding side stopped early and says why.
            return Err(StorageError::Io {
                path: self.path.clone(),
                detail: format!("{count} of {} tiles were made", self.tile_count),
            });
        }
        self.connection.close().map_err(|(_, e)| failed(e))
    }
}

/// A finished pyramid, open for reading.
pub(super) struct TileCache {
    connection: Connection,
    layout: PyramidLayout,
}

impl TileCache {
    /// Opens the pyramid of a picture; `None` when there is none or it is not of this picture's
    /// size and this program's format.
    pub(super) fn open(path: &Path, size_px: [u32; 2]) -> Option<Self> {
        if !path.is_file() {
            return None;
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).ok()?;
        let number = |pragma: &str| {
            connection
                .pragma_query_value(None, pragma, |row| row.get::<_, i64>(0))
                .ok()
        };
        let is_ours = number("application_id") == Some(APPLICATION_ID)
            && number("user_version") == Some(FORMAT);
        is_ours.then_some(())?;
        let size = connection
            .query_row("SELECT width, height FROM picture", [], |row| {
                Ok([row.get::<_, u32>(0)?, row.get::<_, u32>(1)?])
            })
            .ok()?;
        (size == size_px).then_some(())?;
        let layout = PyramidLayout::new(size[0], size[1]).ok()?;
        Some(Self { connection, layout })
    }

    /// The layout that the tiles follow.
    pub(super) const fn layout(&self) -> &PyramidLayout {
        &self.layout
    }

    /// A tile's pixels, [`TILE_STORED_BYTES`] of them; `None` when it cannot be read, which means
    /// that the file is damaged.
    pub(super) fn tile(&self, address: TileAddress) -> Option<Vec<u8>> {
        let index = self.layout.index_of(address)?;
        let (qoi, crc32): (Vec<u8>, u32) = self
            .connection
            .prepare_cached("SELECT qoi, crc32 FROM tiles WHERE id = ?1")
            .ok()?
            .query_row([index as i64], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
            .ok()??;
        (crc32fast::hash(&qoi) == crc32).then_some(())?;
        let mut decoder = qoi::Decoder::new(&qoi)
            .ok()?
            .with_channels(qoi::Channels::Rgba);
        let header = decoder.header();
        let fits = header.width == TILE_STORED_PX && header.height == TILE_STORED_PX;
        fits.then_some(())?;
        let mut rgba = vec![0; TILE_STORED_BYTES];
        decoder.decode_to_buf(&mut rgba).ok()?;
        Some(rgba)
    }
}
