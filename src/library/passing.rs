//! Pictures that are shown and not kept: maps that a room's server cuts out for players, tile by tile
//! ([`TiledPicture`]), and coarse ones that stand for pictures that are on their way.
//!
//! They have pyramids as other pictures do, in files without a name that go with them. A map whose fog
//! has changed is another edition of the same pyramid: only what changed is made and, as each tile has
//! a number of its own, only that is loaded by whoever shows it. Nothing here is a picture of the
//! library: it has no record, no file that others could be given, and no place in an archive.
//!
//! Called by [`crate::session`], and by [`super::tiles`] for the pixels.

mod packed;

use std::collections::{HashMap, VecDeque};
use std::io::{self, Cursor};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::RwLock;

use super::error::LibraryError;
use super::open::Library;
use crate::geom::pyramid::{PyramidLayout, TileAddress};
use crate::geom::rect::IRect;
use crate::import::picture::{Limits, PictureError, PictureReader};
use crate::import::pyramid::{PyramidBuilder, PyramidError};
use crate::import::pyramid_patch::{Part, Shelf, patch};
use crate::model::id::PictureHash;
use crate::scene::picture::{PictureInfo, TileName};
use crate::scene::tiled::{self, TiledPicture};
use crate::storage::blobs::hash_of;
use crate::storage::error::StorageError;
use packed::{Packed, Tile, is_black};

pub(super) use packed::black;

/// Tiles of a list that are put in at once: what they take in memory.
pub const AT_ONCE: usize = 32;
/// Editions of one map that are kept: the one that is shown, and the one that comes next.
const EDITIONS: usize = 2;
/// Editions of all maps that are kept.
const MOST_MAPS: usize = 8;
/// Pictures that are kept, coarse ones too.
const MOST_PICTURES: usize = 48;
/// What a file may hold that nobody needs any more, besides as much as is needed.
const MOST_WASTE_BYTES: u64 = 64 << 20;
/// The number of tiles that are black.
const BLACK: u64 = 1;

/// What became of a tile that was asked for.
pub(super) enum Asked {
    Coming,
    Black,
    /// It can be read ([`Passing::read`]) by the picture's name and this number.
    Here(TileName),
}

/// A picture that is shown and not kept.
#[derive(Debug)]
struct Picture {
    info: PictureInfo,
    layout: PyramidLayout,
    /// The same for all editions.
    map: PictureHash,
    /// What it was made of, where that was a list of tiles.
    list: Option<TiledPicture>,
    tiles: Vec<Tile>,
    file: Arc<Packed>,
    /// It is all there and need not be asked for.
    is_whole: bool,
    /// What of it has not come does not come.
    is_given_up: AtomicBool,
}

impl Picture {
    fn tile(&self, address: TileAddress) -> Option<Tile> {
        self.tiles.get(self.layout.index_of(address)?).copied()
    }
}

/// The pictures that are shown and not kept.
#[derive(Debug)]
pub(super) struct Passing {
    state: RwLock<State>,
    /// The next tile's number.
    number: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    by_location: HashMap<String, PictureHash>,
    /// The newest last.
    pictures: VecDeque<Arc<Picture>>,
}

impl State {
    fn picture(&self, hash: &PictureHash) -> Option<&Arc<Picture>> {
        self.pictures.iter().rev().find(|it| it.info.hash == *hash)
    }
}

impl Default for Passing {
    fn default() -> Self {
        Self {
            state: RwLock::default(),
            number: AtomicU64::new(BLACK + 1),
        }
    }
}

impl Passing {
    pub(super) fn find(&self, location: &str) -> Option<PictureInfo> {
        let state = self.state.read();
        let hash = state.by_location.get(location)?;
        state.picture(hash).map(|picture| picture.info.clone())
    }

    /// All of what a location names is here.
    pub(super) fn has_whole(&self, location: &str) -> bool {
        let state = self.state.read();
        let hash = state.by_location.get(location);
        let picture = hash.and_then(|hash| state.picture(hash));
        picture.is_some_and(|picture| picture.is_whole)
    }

    pub(super) fn layout(&self, picture: &PictureHash) -> Option<PyramidLayout> {
        self.state.read().picture(picture).map(|it| it.layout)
    }

    /// `None` for pictures that are not among these.
    pub(super) fn name(&self, picture: &PictureHash, address: TileAddress) -> Option<TileName> {
        let state = self.state.read();
        let picture = state.picture(picture)?;
        let number = match picture.tile(address)? {
            Tile::Coming => 0,
            Tile::Black => BLACK,
            Tile::At { number, .. } => number,
        };
        Some(TileName {
            picture: picture.map.clone(),
            edition: number,
        })
    }

    /// The picture is here in small, and the rest of it may come.
    pub(super) fn is_coming(&self, picture: &PictureHash) -> bool {
        let state = self.state.read();
        let picture = state.picture(picture);
        picture.is_some_and(|picture| !picture.is_given_up.load(Ordering::Relaxed))
    }

    /// `None` for pictures that are not among these, and for what of them does not come.
    pub(super) fn ask(&self, picture: &PictureHash, address: TileAddress) -> Option<Asked> {
        let state = self.state.read();
        let picture = state.picture(picture)?;
        Some(match picture.tile(address)? {
            Tile::Coming if picture.is_given_up.load(Ordering::Relaxed) => return None,
            Tile::Coming => Asked::Coming,
            Tile::Black => Asked::Black,
            Tile::At { number, .. } => Asked::Here(TileName {
                picture: picture.map.clone(),
                edition: number,
            }),
        })
    }

    /// The pixels of a tile. `None` when it was replaced since, or the file is damaged.
    pub(super) fn read(&self, name: &TileName, address: TileAddress) -> Option<Vec<u8>> {
        let (file, tile) = {
            let state = self.state.read();
            let editions = state.pictures.iter().filter(|it| it.map == name.picture);
            let mut tiles = editions.filter_map(|it| Some((it, it.tile(address)?)));
            let (picture, tile) = tiles.find(
                |(_, tile)| matches!(tile, Tile::At { number, .. } if *number == name.edition),
            )?;
            (Arc::clone(&picture.file), tile)
        };
        file.read(tile)
    }

    /// The picture itself has come.
    pub(super) fn forget(&self, picture: &PictureHash) {
        let mut state = self.state.write();
        state.by_location.retain(|_, known| known != picture);
        state.pictures.retain(|it| it.info.hash != *picture);
    }

    fn add(&self, picture: Picture, locations: &[String]) {
        let mut state = self.state.write();
        let State {
            by_location,
            pictures,
        } = &mut *state;
        let (hash, map) = (picture.info.hash.clone(), picture.map.clone());
        let is_found = !locations.is_empty();
        // What stood for it until now is not an edition of it, and one that nobody finds has served.
        pictures.retain(|it| {
            let is_left = it.map == map && !by_location.values().any(|hash| *hash == it.info.hash);
            it.info.hash != hash && !is_left
        });
        pictures.push_back(Arc::new(picture));
        for location in locations {
            by_location.insert(location.clone(), hash.clone());
        }
        if is_found {
            keep_newest(pictures, EDITIONS, |it| it.map == map);
        }
        keep_newest(pictures, MOST_MAPS, |it| it.list.is_some());
        keep_newest(pictures, MOST_PICTURES, |_| true);
        by_location.retain(|_, hash| pictures.iter().any(|it| it.info.hash == *hash));
    }

    /// The edition of a map that has most of what a list names. A server that was started anew calls
    /// its maps otherwise and cuts the same tiles: then it is the one that has most of those.
    fn nearest(&self, list: &TiledPicture) -> Option<Arc<Picture>> {
        let state = self.state.read();
        let seen = list.tiles.iter().flatten().count();
        let lists = state.pictures.iter().filter_map(|picture| {
            let own = picture.list.as_ref()?;
            let pairs = || own.tiles.iter().zip(&list.tiles);
            let same = pairs().filter(|(a, b)| a == b).count();
            let same_seen = pairs().filter(|(a, b)| a.is_some() && a == b).count();
            let is_named = own.map == list.map;
            let is_near = own.size_px == list.size_px && (is_named || same_seen * 2 > seen);
            is_near.then_some(((is_named, same), picture))
        });
        let nearest = lists.max_by_key(|(nearness, _)| *nearness);
        nearest.map(|(_, picture)| Arc::clone(picture))
    }

    fn next_number(&self) -> u64 {
        self.number.fetch_add(1, Ordering::Relaxed)
    }
}

/// Drops the oldest of those that are meant.
fn keep_newest(
    pictures: &mut VecDeque<Arc<Picture>>,
    most: usize,
    is_meant: impl Fn(&Picture) -> bool,
) {
    let mut excess = pictures
        .iter()
        .filter(|it| is_meant(it))
        .count()
        .saturating_sub(most);
    pictures.retain(|it| {
        let goes = excess > 0 && is_meant(it);
        excess -= usize::from(goes);
        !goes
    });
}

/// A map that is being brought up to date with a list of tiles.
pub struct TiledUpdate<'l> {
    library: &'l Library,
    target: TiledPicture,
    picture: Picture,
    wanted: Vec<(usize, PictureHash)>,
    is_new: bool,
}

impl std::fmt::Debug for TiledUpdate<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TiledUpdate").finish_non_exhaustive()
    }
}

impl Library {
    /// Begins with a list of tiles that a server gave under this hash: what has changed since the
    /// last list of the same map has to come.
    ///
    /// # Errors
    /// When there is no room for it.
    pub fn begin_tiled(
        &self,
        hash: &PictureHash,
        target: TiledPicture,
    ) -> Result<TiledUpdate<'_>, LibraryError> {
        let [width, height] = target.size_px;
        let layout = layout_of(target.size_px)?;
        let info = PictureInfo {
            hash: hash.clone(),
            width,
            height,
        };
        let before = self.records.passing().nearest(&target);
        let is_new = before.is_none();
        let picture = match before {
            Some(before) => {
                let (tiles, file) = self.tidied(&before)?;
                Picture {
                    info,
                    layout,
                    map: before.map.clone(),
                    list: before.list.clone().map(|list| TiledPicture {
                        map: target.map.clone(),
                        ..list
                    }),
                    tiles,
                    file,
                    is_whole: true,
                    is_given_up: AtomicBool::new(false),
                }
            }
            None => Picture {
                info,
                layout,
                map: PictureHash::new(&target.map),
                list: Some(TiledPicture {
                    tiles: vec![None; target.tiles.len()],
                    ..target.clone()
                }),
                tiles: vec![Tile::Black; layout.tile_count()],
                file: Arc::new(self.packed()?),
                is_whole: true,
                is_given_up: AtomicBool::new(false),
            },
        };
        let own = picture.list.iter().flat_map(|list| &list.tiles);
        let changed = own.zip(&target.tiles).enumerate();
        let changed = changed.filter(|(_, (own, target))| own != target);
        let (mut wanted, mut hidden) = (Vec::new(), Vec::new());
        for (index, (_, target)) in changed {
            match target {
                Some(tile) => wanted.push((index, tile.clone())),
                None => hidden.push(index),
            }
        }
        let mut update = TiledUpdate {
            library: self,
            target,
            picture,
            wanted,
            is_new,
        };
        for some in hidden.chunks(AT_ONCE) {
            update.put_all(some.iter().map(|index| (*index, None)))?;
        }
        Ok(update)
    }

    /// Shows a picture that is on its way in small: `bytes` is a picture file, `size_px` the true
    /// size. `map` is the name of the map that it is a list of tiles of. Does nothing when the
    /// picture has come meanwhile.
    ///
    /// # Errors
    /// When it is no picture that can stand for one of that size.
    pub fn show_coarse(
        &self,
        hash: &PictureHash,
        size_px: [u32; 2],
        bytes: &[u8],
        map: Option<&str>,
        locations: &[String],
    ) -> Result<(), LibraryError> {
        let layout = layout_of(size_px)?;
        let mut reader = PictureReader::open(Cursor::new(bytes), &Limits::default())?;
        let info = *reader.info();
        let size = [info.width, info.height];
        let is_it = |level: &u8| layout.level_size_px(*level) == size;
        let base = (0..layout.level_count()).find(is_it);
        let base = base.ok_or(PictureError::EndsEarly(info.format))?;
        let file = self.packed()?;
        let mut tiles = vec![Tile::Coming; layout.tile_count()];
        let mut builder = PyramidBuilder::new(info.width, info.height)
            .map_err(|_| PictureError::EndsEarly(info.format))?;
        let passing = self.records.passing();
        let mut keep = |tile: TileAddress, rgba: &[u8]| -> io::Result<()> {
            let level = tile.level + base;
            let kept = file.write(rgba, passing.next_number())?;
            if let Some(place) = layout
                .index_of(TileAddress { level, ..tile })
                .and_then(|at| tiles.get_mut(at))
            {
                *place = kept;
            }
            Ok(())
        };
        let ended = |error: PyramidError<io::Error>| match error {
            PyramidError::Sink(error) => PictureError::Io(error),
            PyramidError::Rows { .. } => PictureError::EndsEarly(info.format),
        };
        reader.read_rows(64, |_, rows| {
            builder.push_rows(rows, &mut keep).map_err(ended)
        })?;
        builder.finish().map_err(ended)?;
        let is_here = |location: &String| self.has_picture(location);
        if self.records.layout_of_kept(hash).is_some() || locations.iter().any(is_here) {
            return Ok(());
        }
        let picture = Picture {
            info: PictureInfo {
                hash: hash.clone(),
                width: size_px[0],
                height: size_px[1],
            },
            layout,
            map: map.map_or_else(|| hash.clone(), PictureHash::new),
            list: None,
            tiles,
            file: Arc::new(file),
            is_whole: false,
            is_given_up: AtomicBool::new(false),
        };
        passing.add(picture, locations);
        self.tiles.announce();
        Ok(())
    }

    /// What these keys name does not come: where a coarse picture stands for one, nothing finer is waited
    /// for.
    pub fn give_up_coarse<'l>(&self, locations: impl IntoIterator<Item = &'l String>) {
        let given_up = {
            let state = self.records.passing().state.read();
            let known = locations
                .into_iter()
                .filter_map(|location| state.by_location.get(location));
            let pictures = known.filter_map(|hash| state.picture(hash));
            pictures
                .filter(|it| !it.is_given_up.swap(true, Ordering::Relaxed))
                .count()
        };
        if given_up > 0 {
            self.tiles.announce();
        }
    }

    fn packed(&self) -> Result<Packed, LibraryError> {
        let made = Packed::new(self.folder());
        Ok(made.map_err(|e| StorageError::from_io(self.folder(), &e))?)
    }

    /// The tiles of an edition, in a file that is not much longer than they are.
    fn tidied(&self, before: &Picture) -> Result<(Vec<Tile>, Arc<Packed>), LibraryError> {
        let needed: u64 = before
            .tiles
            .iter()
            .map(|tile| match tile {
                Tile::At { bytes, .. } => *bytes as u64,
                Tile::Coming | Tile::Black => 0,
            })
            .sum();
        if before.file.len() <= needed * 2 + MOST_WASTE_BYTES {
            return Ok((before.tiles.clone(), Arc::clone(&before.file)));
        }
        let file = self.packed()?;
        let moved = |tile: &Tile| match (before.file.bytes(*tile), tile) {
            (Some(packed), Tile::At { number, .. }) => file.append(&packed, *number),
            (_, tile) => Ok(*tile),
        };
        let tiles: io::Result<Vec<Tile>> = before.tiles.iter().map(moved).collect();
        let tiles = tiles.map_err(|e| StorageError::from_io(self.folder(), &e))?;
        Ok((tiles, Arc::new(file)))
    }
}

impl TiledUpdate<'_> {
    /// The tiles that have to come, with their places in the list.
    #[must_use]
    pub fn wanted(&self) -> &[(usize, PictureHash)] {
        &self.wanted
    }

    /// No edition of this map is here.
    #[must_use]
    pub const fn is_new(&self) -> bool {
        self.is_new
    }

    /// Takes tiles that have come, at most [`AT_ONCE`] of them: places and files.
    ///
    /// # Errors
    /// When a file is not the one that is named, or there is no room.
    pub fn put(&mut self, tiles: Vec<(usize, Vec<u8>)>) -> Result<(), LibraryError> {
        self.put_all(tiles.into_iter().map(|(index, file)| (index, Some(file))))
    }

    fn put_all(
        &mut self,
        tiles: impl Iterator<Item = (usize, Option<Vec<u8>>)>,
    ) -> Result<(), LibraryError> {
        let rects: Vec<IRect> = tiled::parts(self.target.size_px).collect();
        let (mut parts, mut indices) = (Vec::new(), Vec::new());
        for (index, file) in tiles {
            let Some(rect) = rects.get(index).copied() else {
                continue;
            };
            let rgba = match &file {
                None => [0, 0, 0, 255].repeat(usize::try_from(rect.area()).unwrap_or(0)),
                Some(file) => {
                    let expected = self.target.tiles.get(index).and_then(Option::as_ref);
                    if expected.is_none_or(|name| name.as_str() != hash_of(file)) {
                        return Err(LibraryError::PictureChanged);
                    }
                    pixels_of(file, [rect.width(), rect.height()])?
                }
            };
            parts.push(Part { rect, rgba });
            indices.push(index);
        }
        let layout = self.picture.layout;
        let mut shelf = OnFile {
            passing: self.library.records.passing(),
            picture: &mut self.picture,
        };
        patch(&layout, &parts, &mut shelf)
            .map_err(|e| StorageError::from_io(self.library.folder(), &e))?;
        for index in indices {
            let target = self.target.tiles.get(index).cloned().flatten();
            let list = self.picture.list.as_mut();
            if let Some(own) = list.and_then(|list| list.tiles.get_mut(index)) {
                *own = target;
            }
        }
        Ok(())
    }

    /// All that was wanted has come: the map is found by these keys from now on.
    pub fn finish(self, locations: &[String]) {
        let passing = self.library.records.passing();
        passing.add(self.picture, locations);
        self.library.tiles.announce();
    }

    /// No more of it comes: what has is there for the next list of this map.
    pub fn give_up(mut self) {
        self.picture.is_whole = false;
        // It is found by nobody, as it is neither the old map nor the new one.
        self.picture.info.hash = PictureHash::fresh();
        self.library.records.passing().add(self.picture, &[]);
    }
}

/// The pyramid of a map that is being brought up to date.
struct OnFile<'u> {
    passing: &'u Passing,
    picture: &'u mut Picture,
}

impl Shelf for OnFile<'_> {
    type Error = io::Error;

    fn get(&mut self, tile: TileAddress) -> io::Result<Vec<u8>> {
        let tile = self.picture.tile(tile);
        let read = tile.and_then(|tile| self.picture.file.read(tile));
        read.ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    fn put(&mut self, tile: TileAddress, rgba: &[u8]) -> io::Result<()> {
        let kept = if is_black(rgba) {
            Tile::Black
        } else {
            let number = self.passing.next_number();
            self.picture.file.write(rgba, number)?
        };
        let index = self.picture.layout.index_of(tile);
        if let Some(place) = index.and_then(|at| self.picture.tiles.get_mut(at)) {
            *place = kept;
        }
        Ok(())
    }
}

fn layout_of([width, height]: [u32; 2]) -> Result<PyramidLayout, PictureError> {
    PyramidLayout::new(width, height).map_err(|error| PictureError::Size {
        width: error.width,
        height: error.height,
        max_side: crate::geom::pyramid::PICTURE_MAX_SIDE,
    })
}

/// The pixels of a picture file that must be of this size.
fn pixels_of(file: &[u8], size: [u32; 2]) -> Result<Vec<u8>, LibraryError> {
    let mut reader = PictureReader::open(Cursor::new(file), &Limits::default())?;
    if [reader.info().width, reader.info().height] != size {
        return Err(LibraryError::PictureChanged);
    }
    let mut rgba = Vec::with_capacity(size[0] as usize * size[1] as usize * 4);
    reader.read_rows(size[1], |_, rows| {
        rgba.extend_from_slice(rows);
        Ok::<(), PictureError>(())
    })?;
    Ok(rgba)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
