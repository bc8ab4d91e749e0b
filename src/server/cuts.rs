//! Maps as players get them, kept on the disk: cut out along the fog in tiles, so that after a stroke
//! only those that it touched are cut again, and every guest fetches only these.
//!
//! What is cut is known by the hash of its list of tiles ([`TiledPicture`]); tiles are known by their
//! own. A tile that no pixel of may be seen is not there at all. A plain picture of the whole map, for
//! clients that know no lists, and a coarse one, for those who wait, are made when they are asked for.
//! What a picture is cut from is decoded once ([`Decoded`]).
//!
//! Nothing here outlives the server: all of it can be made again. Must not know who may see what.
//! Called by [`super::showing`] and [`super::assets`].

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;
use tempfile::NamedTempFile;
use tokio::sync::Semaphore;

use super::cut::{self, CutError, Fog, Seen};
use super::decoded::Decoded;
use super::room::CutWanted;
use crate::geom::mask::Mask;
use crate::geom::rect::IRect;
use crate::import::picture::{Limits, PictureReader};
use crate::model::id::{PictureHash, SceneId};
use crate::scene::tiled::{self, TiledPicture};
use crate::storage::blobs::{Blobs, hash_of, is_hash};
use crate::util::id::fresh_uuid;

/// A map that was cut out stays for this long after it was replaced: somebody may be fetching it.
pub(super) const GRACE: Duration = Duration::from_secs(60);
/// Pictures that are kept decoded.
const MOST_DECODED: usize = 3;
/// Smaller files come sooner than a coarse picture of them would.
const LEAST_FOR_COARSE_BYTES: u64 = 512 << 10;
/// Pictures that were found to have no coarse one.
const MOST_HOPELESS: usize = 4096;

/// A map that was cut out.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) hash: Arc<str>,
    /// The list of its tiles as it is sent.
    pub(super) list: Bytes,
    tiled: TiledPicture,
    tiles: HashSet<PictureHash>,
    picture: PictureHash,
    fog: Option<Arc<Mask>>,
    ending: &'static str,
    at: Instant,
}

impl Made {
    /// It has this tile.
    pub(super) fn has(&self, tile: &str) -> bool {
        self.tiles.contains(&PictureHash::new(tile))
    }
}

#[derive(Debug, Default)]
struct State {
    made: HashMap<Arc<str>, Arc<Made>>,
    latest: HashMap<SceneId, Arc<Made>>,
    /// The last used last.
    decoded: VecDeque<(PictureHash, Arc<Decoded>)>,
    hopeless: HashSet<String>,
}

/// The maps that were cut out.
#[derive(Debug)]
pub(super) struct Cuts {
    folder: PathBuf,
    blobs: Blobs,
    state: Mutex<State>,
    /// Makes names of maps that tell nothing.
    secret: String,
    /// Cutting takes memory: one at a time.
    cutter: Semaphore,
    /// So does what is made on demand, which nobody's new map waits for.
    on_demand: Semaphore,
}

impl Cuts {
    /// Nothing is cut. Pictures come from `blobs`; what is made lies in `folder`, which is emptied.
    pub(super) fn new(blobs: Blobs, folder: PathBuf) -> Self {
        if folder.is_dir()
            && let Err(error) = std::fs::remove_dir_all(&folder)
        {
            tracing::warn!(target: "server", %error, "maps made for players could not be deleted");
        }
        Self {
            folder,
            blobs,
            state: Mutex::default(),
            secret: fresh_uuid(),
            cutter: Semaphore::new(1),
            on_demand: Semaphore::new(1),
        }
    }

    /// A map that was cut out, by the hash of its list.
    pub(super) fn made(&self, hash: &str) -> Option<Arc<Made>> {
        self.state.lock().made.get(hash).cloned()
    }

    /// Where a tile lies.
    pub(super) fn tile(&self, hash: &str) -> Option<PathBuf> {
        is_hash(hash).then(|| self.folder.join(hash))
    }

    /// Cuts a map out: the hash of its list, and the ending of its format. `None`: it could not be
    /// made.
    pub(super) async fn cut(
        self: &Arc<Self>,
        wanted: CutWanted,
    ) -> Option<(Arc<str>, &'static str)> {
        let _turn = self.cutter.acquire().await.ok()?;
        let cuts = Arc::clone(self);
        told(tokio::task::spawn_blocking(move || cuts.cut_now(&wanted)).await)
    }

    pub(super) fn cut_now(&self, wanted: &CutWanted) -> Result<(Arc<str>, &'static str), CutError> {
        std::fs::create_dir_all(&self.folder)?;
        let source = self.blobs.open(wanted.picture.as_str())?;
        let info = *PictureReader::open(source, &Limits::default())?.info();
        let size = [info.width, info.height];
        let form = cut::Form::of(&info);
        let before = self.state.lock().latest.get(&wanted.scene).cloned();
        let before = before.filter(|it| it.picture == wanted.picture && it.tiled.size_px == size);
        let unchanged = Unchanged::between(before.as_deref(), wanted.fog.as_deref());
        let mut decoded = None;
        let mut tiles = Vec::new();
        for (index, part) in tiled::parts(size).enumerate() {
            let Some(fog) = wanted.fog.as_deref() else {
                tiles.push(None);
                continue;
            };
            let seen = cut::seen(part, size, fog);
            let tile = if seen == Seen::Nothing {
                None
            } else if let Some(same) = unchanged.tile(index, part)
                && same.is_none_or(|tile| self.folder.join(tile.as_str()).is_file())
            {
                same.cloned()
            } else {
                let decoded = match &mut decoded {
                    Some(decoded) => decoded,
                    empty => empty.insert(self.decoded(&wanted.picture)?),
                };
                let mut pixels = decoded.part(index)?;
                let is_seen = seen == Seen::All || cut::blacken(&mut pixels, part, size, fog);
                let file = || cut::encode(&pixels, [part.width(), part.height()], form);
                is_seen
                    .then(file)
                    .transpose()?
                    .map(|file| self.keep(&file))
                    .transpose()?
            };
            tiles.push(tile);
        }
        let tiled = TiledPicture {
            map: self.name_of(wanted).into(),
            size_px: size,
            tiles,
        };
        let list = tiled.encode();
        let made = Arc::new(Made {
            hash: hash_of(&list).into(),
            list: list.into(),
            tiles: tiled.tiles.iter().flatten().cloned().collect(),
            tiled,
            picture: wanted.picture.clone(),
            fog: wanted.fog.clone(),
            ending: form.ending(),
            at: Instant::now(),
        });
        let answer = (Arc::clone(&made.hash), made.ending);
        let mut state = self.state.lock();
        state.made.insert(Arc::clone(&made.hash), Arc::clone(&made));
        state.latest.insert(wanted.scene.clone(), made);
        Ok(answer)
    }

    /// The same for each list of this map in this scene; nobody can tell anything by it.
    fn name_of(&self, wanted: &CutWanted) -> String {
        let mut name =
            hash_of(format!("{}/{}/{}", self.secret, wanted.scene, wanted.picture).as_bytes());
        name.truncate(32);
        name
    }

    fn decoded(&self, picture: &PictureHash) -> Result<Arc<Decoded>, CutError> {
        let known = {
            let mut state = self.state.lock();
            let at = state.decoded.iter().position(|(known, _)| known == picture);
            at.and_then(|at| state.decoded.remove(at))
        };
        let entry = match known {
            Some(known) => known,
            None => {
                let source = self.blobs.open(picture.as_str())?;
                let decoded = Decoded::of(source, &self.folder)?;
                (picture.clone(), Arc::new(decoded))
            }
        };
        let decoded = Arc::clone(&entry.1);
        let mut state = self.state.lock();
        state.decoded.push_back(entry);
        if state.decoded.len() > MOST_DECODED {
            state.decoded.pop_front();
        }
        Ok(decoded)
    }

    /// Puts a file under its hash. It need not outlive a crash.
    fn keep(&self, file: &[u8]) -> io::Result<PictureHash> {
        let hash = hash_of(file);
        let path = self.folder.join(&hash);
        if !path.is_file() {
            put(&path, file)?;
        }
        Ok(PictureHash::new(&hash))
    }

    /// A map that was cut out, as one picture.
    pub(super) async fn whole(self: &Arc<Self>, made: Arc<Made>) -> Option<PathBuf> {
        let path = self.folder.join(format!("whole-{}", made.hash));
        let _turn = self.on_demand.acquire().await.ok()?;
        if path.is_file() {
            return Some(path);
        }
        let cuts = Arc::clone(self);
        told(tokio::task::spawn_blocking(move || cuts.write_whole(&made, path)).await)
    }

    fn write_whole(&self, made: &Made, path: PathBuf) -> Result<PathBuf, CutError> {
        let source = self.blobs.open(made.picture.as_str())?;
        let mut file = NamedTempFile::new_in(&self.folder)?;
        cut::cut(source, made.fog.as_deref(), &mut file)?;
        file.persist(&path).map_err(|error| error.error)?;
        Ok(path)
    }

    /// A picture in small, and its true size. `None` where nobody needs it or it cannot be made.
    pub(super) async fn coarse(
        self: &Arc<Self>,
        picture: &str,
        made: Option<Arc<Made>>,
    ) -> Option<(PathBuf, [u32; 2])> {
        let path = self.folder.join(format!("coarse-{picture}"));
        let _turn = self.on_demand.acquire().await.ok()?;
        if self.state.lock().hopeless.contains(picture) {
            return None;
        }
        let (cuts, name) = (Arc::clone(self), picture.to_owned());
        let coarse = told(
            tokio::task::spawn_blocking(move || cuts.coarse_now(&name, made.as_deref(), path))
                .await,
        )
        .flatten();
        if coarse.is_none() {
            let mut state = self.state.lock();
            if state.hopeless.len() >= MOST_HOPELESS {
                state.hopeless.clear();
            }
            state.hopeless.insert(picture.to_owned());
        }
        coarse
    }

    fn coarse_now(
        &self,
        picture: &str,
        made: Option<&Made>,
        path: PathBuf,
    ) -> Result<Option<(PathBuf, [u32; 2])>, CutError> {
        let (name, fog) = match made {
            Some(made) => (made.picture.as_str(), Fog::Cut(made.fog.as_deref())),
            None => (picture, Fog::Open),
        };
        let open = || self.blobs.open(name);
        let file = open()?;
        if file.metadata()?.len() < LEAST_FOR_COARSE_BYTES {
            return Ok(None);
        }
        let info = *PictureReader::open(file, &Limits::default())?.info();
        if info.width.max(info.height) <= cut::COARSE_SIDE_PX {
            return Ok(None);
        }
        if !path.is_file() {
            std::fs::create_dir_all(&self.folder)?;
            put(&path, &cut::coarse(open()?, fog)?)?;
        }
        Ok(Some((path, [info.width, info.height])))
    }

    /// Deletes the maps that are not named, but for those that are young; whether none of these is
    /// left.
    pub(super) async fn sweep(&self, named: impl FnOnce() -> BTreeSet<Arc<str>>) -> bool {
        // Nothing is being cut meanwhile that would count on what is here.
        let Ok(_turn) = self.cutter.acquire().await else {
            return true;
        };
        let named = named();
        let (mut gone, mut are_all_named) = (Vec::new(), true);
        let mut state = self.state.lock();
        state.made.retain(|hash, made| {
            let is_named = named.contains(hash);
            let stays = is_named || made.at.elapsed() < GRACE;
            if !stays {
                gone.push(Arc::clone(made));
            }
            are_all_named &= is_named || !stays;
            stays
        });
        let State { made, latest, .. } = &mut *state;
        latest.retain(|_, it| made.contains_key(&it.hash));
        let kept: HashSet<&PictureHash> = made.values().flat_map(|made| &made.tiles).collect();
        for made in gone {
            let tiles = made.tiles.iter().filter(|tile| !kept.contains(tile));
            let names = tiles.map(|tile| tile.as_str().to_owned()).chain([
                format!("whole-{}", made.hash),
                format!("coarse-{}", made.hash),
            ]);
            // Deleting waits for a disk, but not for long.
            for path in names.map(|name| self.folder.join(name)) {
                if path.is_file()
                    && let Err(error) = std::fs::remove_file(&path)
                {
                    tracing::debug!(target: "server", %error, "a cut map stays for now");
                }
            }
        }
        are_all_named
    }
}

/// What of a map needs not be cut again.
struct Unchanged<'m> {
    /// What was cut the last time, and where the fog is not what it was then.
    before: Option<(&'m Made, Mask)>,
}

impl<'m> Unchanged<'m> {
    fn between(before: Option<&'m Made>, fog: Option<&Mask>) -> Self {
        let difference = before
            .and_then(|before| before.fog.as_deref())
            .zip(fog)
            .and_then(|(before, fog)| {
                let mut difference = before.clone();
                difference.xor(fog).ok()?;
                Some(difference)
            });
        Self {
            before: before.zip(difference),
        }
    }

    /// The tile of a part, if it is what it was.
    fn tile(&self, index: usize, part: IRect) -> Option<Option<&'m PictureHash>> {
        let (before, difference) = self.before.as_ref()?;
        let touched = cut::touched(part, before.tiled.size_px, difference);
        let is_same = !difference.any_set_in(touched);
        is_same.then(|| before.tiled.tiles.get(index).and_then(Option::as_ref))
    }
}

fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = NamedTempFile::new_in(path.parent().unwrap_or(path))?;
    file.write_all(bytes)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// What came of work for players; failures go to the log.
fn told<T>(made: Result<Result<T, CutError>, tokio::task::JoinError>) -> Option<T> {
    match made {
        Ok(Ok(made)) => Some(made),
        Ok(Err(error)) => {
            tracing::warn!(target: "server", %error, "a map cannot be shown to players");
            None
        }
        Err(panicked) => {
            tracing::error!(target: "server", %panicked, "a map cannot be shown to players");
            None
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
