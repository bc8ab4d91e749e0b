//! Maps that a room's server cuts out for players, which come as lists of tiles, and coarse pictures
//! that are shown while large ones are on their way.
//!
//! Of a list only those tiles are fetched that the one before did not have. Coarse pictures are a
//! kindness: whatever goes wrong with them is not told.

use std::io::Read as _;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use ureq::http::{StatusCode, header};

use super::transfer::{Attached, Failure, is_page, kept_badly, refusal, wait_after};
use crate::library::Library;
use crate::library::passing::{AT_ONCE, TiledUpdate};
use crate::model::id::PictureHash;
use crate::scene::tiled::{MOST_LIST_BYTES, TiledPicture};
use crate::storage::blobs::hash_of;

/// Tiles that are asked for at once.
const ASKING: usize = 4;
/// A tile without losses in which every pixel differs is not as long.
const MOST_TILE_BYTES: u64 = 4 << 20;
const MOST_COARSE_BYTES: u64 = 4 << 20;
/// Attempts to get a tile before it is left for later.
const ATTEMPTS: u32 = 4;
/// With more tiles to come than these a coarse map is worth its while.
const FEW_TILES: usize = 16;

impl Attached {
    /// Fetches a map as its tiles. `wait_with` is told when it will take a while, with the map's
    /// name; `progress` gets the tiles that are here and all of them.
    pub(super) fn fetch_tiled(
        &self,
        library: &Library,
        hash: &PictureHash,
        locations: &[String],
        wait_with: &mut dyn FnMut(String),
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<(), Failure> {
        let url = format!("{}/tiles", self.url(hash)?);
        let bytes = self.fetch_small(&url, MOST_LIST_BYTES)?;
        let list = (hash_of(&bytes) == hash.as_str()).then(|| TiledPicture::decode(&bytes));
        let Some(list) = list.flatten() else {
            let sentence = "A map that came from the room was not the one that was asked for, so it \
                            was thrown away; everything else goes on";
            return Err(Failure::Useless(sentence.into()));
        };
        let map = list.map.to_string();
        let begun = library.begin_tiled(hash, list);
        let mut update = begun.map_err(|error| kept_badly(&error))?;
        let wanted = update.wanted().to_vec();
        if update.is_new() && wanted.len() > FEW_TILES {
            wait_with(map);
        }
        let all = wanted.len() as u64;
        for (n, some) in wanted.chunks(AT_ONCE).enumerate() {
            progress((n * AT_ONCE) as u64, all);
            if let Err(failure) = self.put_tiles(&mut update, some) {
                // The next list of this map goes on with what is here.
                update.give_up();
                return Err(failure);
            }
        }
        update.finish(locations);
        Ok(())
    }

    fn put_tiles(
        &self,
        update: &mut TiledUpdate<'_>,
        wanted: &[(usize, PictureHash)],
    ) -> Result<(), Failure> {
        let (next, got) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        let fetch = || -> Result<(), Failure> {
            while let Some((index, hash)) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
                let tile = self.fetch_tile(hash)?;
                got.lock().push((*index, tile));
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            let spawn = |n| {
                let named = std::thread::Builder::new().name(format!("tiles-{n}"));
                named.spawn_scoped(scope, fetch)
            };
            // This thread asks too, also when the system gives no further ones.
            let helpers: Vec<_> = (1..ASKING.min(wanted.len()))
                .map_while(|n| spawn(n).ok())
                .collect();
            let own = fetch();
            let others = helpers.into_iter().map(|helper| {
                let gone = || Failure::Passing("a tile did not come".into());
                helper.join().unwrap_or_else(|_| Err(gone()))
            });
            others.fold(own, Result::and)
        })?;
        update
            .put(got.into_inner())
            .map_err(|error| kept_badly(&error))
    }

    fn fetch_tile(&self, hash: &PictureHash) -> Result<Vec<u8>, Failure> {
        let (url, mut attempts) = (self.url(hash)?, 0);
        loop {
            match self.fetch_small(&url, MOST_TILE_BYTES) {
                Err(Failure::Passing(_)) if attempts < ATTEMPTS => {
                    attempts += 1;
                    if !self.wait(wait_after(attempts - 1)) {
                        return Err(Failure::Off);
                    }
                }
                result => return result,
            }
        }
    }

    /// A file that is not long.
    fn fetch_small(&self, url: &str, most_bytes: u64) -> Result<Vec<u8>, Failure> {
        let response = self.get(url, 0)?;
        if response.status() != StatusCode::OK {
            return Err(refusal(response));
        }
        if is_page(&response) {
            return Err(Failure::Absent);
        }
        let mut bytes = Vec::new();
        let mut body = response.into_body().into_reader().take(most_bytes + 1);
        let read = body.read_to_end(&mut bytes);
        read.map_err(|_| Failure::Passing("it was cut off".into()))?;
        if bytes.len() as u64 > most_bytes {
            return Err(Failure::Useless(
                "A picture of the room cannot be used: it is longer than it may be".into(),
            ));
        }
        Ok(bytes)
    }

    /// Fetches a coarse picture and has it shown until the real one is here; whether there is one.
    pub(super) fn fetch_coarse(
        &self,
        library: &Library,
        hash: &PictureHash,
        map: Option<&str>,
        locations: &[String],
    ) -> bool {
        let url = self.url(hash).map(|url| format!("{url}/coarse"));
        let Ok(response) = url.and_then(|url| self.get(&url, 0)) else {
            return false;
        };
        if response.status() != StatusCode::OK {
            return false;
        }
        let size = response.headers().get(TRUE_SIZE);
        let Some(size) = size.and_then(|size| size_in(size.to_str().ok()?)) else {
            return false;
        };
        let mut bytes = Vec::new();
        let mut body = response.into_body().into_reader().take(MOST_COARSE_BYTES);
        let is_read = body.read_to_end(&mut bytes).is_ok();
        let shown = || library.show_coarse(hash, size, &bytes, map, locations);
        is_read && shown().is_ok()
    }
}

/// The size of the picture that a coarse one stands for: `8192x4096`.
const TRUE_SIZE: header::HeaderName = header::HeaderName::from_static("x-picture-size");

fn size_in(text: &str) -> Option<[u32; 2]> {
    let (width, height) = text.split_once('x')?;
    Some([width.parse().ok()?, height.parse().ok()?])
}
