//! Pixels for renderers: [`TileStore`] decodes tiles of the cache in its own threads and keeps
//! what was asked for last, within a budget. Nobody who asks ever waits.
//!
//! Requests for the same thing are one request, and the latest are served first: what was asked
//! for long ago is probably off the screen. A pyramid that is missing or damaged is built anew
//! from the picture's file in a thread of its own, while requests for it stay "loading".

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, RwLock};

use super::passing::{self, Asked};
use super::pictures::PictureRecords;
use super::tile_cache::{self, TileCache, cache_path};
use super::whole;
use crate::geom::pyramid::{PyramidLayout, TILE_STORED_PX, TileAddress};
use crate::import::picture::Limits;
use crate::model::id::PictureHash;
use crate::scene::picture::{Fetched, PictureSource, Pixels, TileName};
use crate::storage::blobs::Blobs;

/// Bytes of decoded pixels that are kept.
const BUDGET_BYTES: usize = 64 << 20;
/// Requests that wait; older ones are forgotten and asked for again by whoever still wants them.
const QUEUE: usize = 2048;
/// Open cache files per thread.
const OPEN_FILES: usize = 8;
const DECODERS: usize = 2;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Tile(PictureHash, TileAddress),
    Whole(PictureHash, u32),
    /// Of a picture that is shown and not kept.
    Passing(TileName, TileAddress),
}

impl Key {
    const fn picture(&self) -> &PictureHash {
        match self {
            Self::Tile(picture, _)
            | Self::Whole(picture, _)
            | Self::Passing(TileName { picture, .. }, _) => picture,
        }
    }
}

/// Called whenever something has arrived, by the threads that load; must be quick.
pub type Wake = Box<dyn Fn() + Send + Sync>;

/// The library's pictures as renderers ask for them.
pub struct TileStore {
    inner: Arc<Inner>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

struct Inner {
    /// `tiles/` of the library, or a temporary folder where that cannot be written.
    folders: Folders,
    blobs: Blobs,
    records: Arc<PictureRecords>,
    state: Mutex<State>,
    work: Condvar,
    rebuild: Condvar,
    arrived: Condvar,
    arrivals: AtomicU64,
    wake: RwLock<Option<Wake>>,
    /// A tile in which nothing can be seen.
    black: Pixels,
}

struct Folders {
    tiles: PathBuf,
    writable: bool,
    scratch: std::sync::OnceLock<Option<tempfile::TempDir>>,
}

impl Folders {
    /// Where a pyramid is built.
    fn to_build(&self) -> Option<PathBuf> {
        if self.writable {
            return Some(self.tiles.clone());
        }
        let scratch = self.scratch.get_or_init(|| tempfile::tempdir().ok());
        scratch.as_ref().map(|dir| dir.path().to_owned())
    }

    /// Where a pyramid may lie, the likeliest place first.
    fn to_read(&self) -> impl Iterator<Item = PathBuf> {
        let scratch = self.scratch.get().and_then(Option::as_ref);
        std::iter::once(self.tiles.clone()).chain(scratch.map(|dir| dir.path().to_owned()))
    }
}

#[derive(Default)]
struct State {
    cache: Cache,
    /// The latest request is last.
    queue: VecDeque<Key>,
    /// Queued, being decoded, or waiting for a pyramid.
    pending: HashSet<Key>,
    /// Requests that wait for a pyramid to be built.
    parked: HashMap<PictureHash, Vec<Key>>,
    to_rebuild: VecDeque<PictureHash>,
    /// Pictures whose pixels cannot be had.
    missing: HashSet<PictureHash>,
    stop: bool,
}

impl TileStore {
    /// Starts the threads. `writable` says whether `tiles` may be written.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) fn start(
        tiles: PathBuf,
        writable: bool,
        blobs: Blobs,
        records: Arc<PictureRecords>,
    ) -> std::io::Result<Self> {
        let inner = Arc::new(Inner {
            folders: Folders {
                tiles,
                writable,
                scratch: std::sync::OnceLock::new(),
            },
            blobs,
            records,
            state: Mutex::default(),
            work: Condvar::new(),
            rebuild: Condvar::new(),
            arrived: Condvar::new(),
            arrivals: AtomicU64::new(0),
            wake: RwLock::new(None),
            black: stored(passing::black()),
        });
        let store = Self {
            inner: Arc::clone(&inner),
            threads: Mutex::default(),
        };
        for n in 0..DECODERS {
            let inner = Arc::clone(&inner);
            store.spawn(format!("tile-decode-{n}"), move || inner.decode_all())?;
        }
        store.spawn("tile-rebuild".into(), move || inner.rebuild_all())?;
        Ok(store)
    }

    fn spawn(&self, name: String, work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
        let thread = std::thread::Builder::new().name(name).spawn(work)?;
        self.threads.lock().push(thread);
        Ok(())
    }

    /// Sets who is told that something has arrived, in place of the one before.
    pub fn set_wake(&self, wake: Wake) {
        *self.inner.wake.write() = Some(wake);
    }

    /// A picture has come (back): what was found missing is looked for again.
    pub(super) fn look_again(&self, picture: &PictureHash) {
        self.inner.state.lock().missing.remove(picture);
    }

    /// Something has come without having been asked for.
    pub(super) fn announce(&self) {
        self.inner.announce();
    }

    fn fetch(&self, key: Key) -> Fetched {
        let mut state = self.inner.state.lock();
        if let Some(pixels) = state.cache.get(&key) {
            return Fetched::Ready(pixels);
        }
        if state.missing.contains(key.picture()) {
            return Fetched::Missing;
        }
        let is_new = state.pending.insert(key.clone());
        if !is_new {
            // Asked for again: it comes before what was asked for in between.
            let waits_at = state.queue.iter().rposition(|queued| *queued == key);
            if let Some(at) = waits_at
                && at + 1 < state.queue.len()
                && let Some(key) = state.queue.remove(at)
            {
                state.queue.push_back(key);
            }
            return Fetched::Loading;
        }
        state.queue.push_back(key);
        if state.queue.len() > QUEUE
            && let Some(oldest) = state.queue.pop_front()
        {
            state.pending.remove(&oldest);
        }
        drop(state);
        self.inner.work.notify_one();
        Fetched::Loading
    }
}

impl PictureSource for TileStore {
    fn layout(&self, picture: &PictureHash) -> Option<PyramidLayout> {
        self.inner.records.layout(picture)
    }

    fn tile(&self, picture: &PictureHash, address: TileAddress) -> Fetched {
        let records = &self.inner.records;
        match records.layout_of_kept(picture) {
            Some(layout) if layout.contains(address) => {
                self.fetch(Key::Tile(picture.clone(), address))
            }
            Some(_) => Fetched::Missing,
            None => match records.passing().ask(picture, address) {
                Some(Asked::Here(name)) => self.fetch(Key::Passing(name, address)),
                Some(Asked::Black) => Fetched::Ready(self.inner.black.clone()),
                Some(Asked::Coming) => Fetched::Loading,
                None => Fetched::Missing,
            },
        }
    }

    fn tile_name(&self, picture: &PictureHash, address: TileAddress) -> TileName {
        let records = &self.inner.records;
        let passing = match records.layout_of_kept(picture) {
            Some(_) => None,
            None => records.passing().name(picture, address),
        };
        passing.unwrap_or_else(|| TileName {
            picture: picture.clone(),
            edition: 0,
        })
    }

    fn whole(&self, picture: &PictureHash, max_side_px: u32) -> Fetched {
        let records = &self.inner.records;
        if records.layout_of_kept(picture).is_none() {
            // One that only stands for another is not looked at closely.
            return if records.passing().is_coming(picture) {
                Fetched::Loading
            } else {
                Fetched::Missing
            };
        }
        let side = max_side_px.clamp(1, whole::MOST_SIDE_PX);
        self.fetch(Key::Whole(picture.clone(), side))
    }

    fn arrivals(&self) -> u64 {
        self.inner.arrivals.load(Ordering::Acquire)
    }

    fn wait_for_arrival(&self, seen: u64, at_most: Duration) {
        let until = Instant::now() + at_most;
        let mut state = self.inner.state.lock();
        while self.arrivals() <= seen && !state.stop {
            if self.inner.arrived.wait_until(&mut state, until).timed_out() {
                return;
            }
        }
    }
}

impl Drop for TileStore {
    fn drop(&mut self) {
        self.inner.state.lock().stop = true;
        self.inner.work.notify_all();
        self.inner.rebuild.notify_all();
        self.inner.arrived.notify_all();
        for thread in self.threads.lock().drain(..) {
            // A thread that panicked has said so; there is nothing left to do for it.
            let _ = thread.join();
        }
    }
}

/// The cache files that a decoding thread has open, the last used last.
type OpenCaches = Vec<(PictureHash, TileCache)>;

impl Inner {
    fn decode_all(&self) {
        let mut open = OpenCaches::new();
        while let Some(key) = self.next_request() {
            if let Key::Passing(name, address) = &key {
                let rgba = self.records.passing().read(name, *address);
                match rgba {
                    Some(rgba) => self.deliver(&key, stored(rgba)),
                    // There is a newer one, or the map is gone.
                    None => self.drop_request(&key),
                }
                continue;
            }
            match self.load(&key, &mut open) {
                Some(pixels) => self.deliver(&key, pixels),
                None => self.park(key),
            }
        }
    }

    fn next_request(&self) -> Option<Key> {
        let mut state = self.state.lock();
        loop {
            if state.stop {
                return None;
            }
            if let Some(key) = state.queue.pop_back() {
                return Some(key);
            }
            self.work.wait(&mut state);
        }
    }

    /// `None` when the pyramid is not there or not readable.
    fn load(&self, key: &Key, open: &mut OpenCaches) -> Option<Pixels> {
        let picture = key.picture();
        let cache = self.opened(picture, open)?;
        let pixels = match key {
            Key::Tile(_, address) | Key::Passing(_, address) => cache.tile(*address).map(stored),
            Key::Whole(_, side) => {
                whole::assemble(cache.layout(), *side, |address| cache.tile(address)).map(
                    |([width, height], rgba)| Pixels {
                        width,
                        height,
                        rgba: rgba.into(),
                    },
                )
            }
        };
        if pixels.is_none() {
            // Damaged, or replaced by a new one since it was opened.
            open.retain(|(known, _)| known != picture);
        }
        pixels
    }

    fn opened<'o>(&self, picture: &PictureHash, open: &'o mut OpenCaches) -> Option<&'o TileCache> {
        if let Some(at) = open.iter().position(|(known, _)| known == picture) {
            let entry = open.remove(at);
            open.push(entry);
        } else {
            let size = self.records.layout(picture)?.size_px();
            let cache = self
                .folders
                .to_read()
                .find_map(|folder| TileCache::open(&cache_path(&folder, picture.as_str()), size))?;
            if open.len() >= OPEN_FILES {
                open.remove(0);
            }
            open.push((picture.clone(), cache));
        }
        open.last().map(|(_, cache)| cache)
    }

    fn drop_request(&self, key: &Key) {
        self.state.lock().pending.remove(key);
        self.announce();
    }

    fn deliver(&self, key: &Key, pixels: Pixels) {
        {
            let mut state = self.state.lock();
            state.pending.remove(key);
            state.cache.put(key.clone(), pixels);
        }
        self.announce();
    }

    /// Something has arrived or failed.
    fn announce(&self) {
        {
            // Under the lock, so that nobody who is about to wait misses it.
            let _state = self.state.lock();
            self.arrivals.fetch_add(1, Ordering::Release);
            self.arrived.notify_all();
        }
        if let Some(wake) = self.wake.read().as_ref() {
            wake();
        }
    }

    /// A request waits for its pyramid.
    fn park(&self, key: Key) {
        let picture = key.picture().clone();
        let mut state = self.state.lock();
        if state.missing.contains(&picture) {
            state.pending.remove(&key);
            drop(state);
            self.announce();
            return;
        }
        let waiting = state.parked.entry(picture.clone()).or_default();
        let is_first = waiting.is_empty();
        waiting.push(key);
        if is_first {
            state.to_rebuild.push_back(picture);
            self.rebuild.notify_one();
        } else if let Some(at) = state.to_rebuild.iter().position(|waits| *waits == picture) {
            // Wanted more than once: somebody looks at it.
            state.to_rebuild.remove(at);
            state.to_rebuild.push_front(picture);
        }
    }

    fn rebuild_all(&self) {
        while let Some(picture) = self.next_rebuild() {
            let built = self.rebuild(&picture);
            let mut state = self.state.lock();
            let waiting = state.parked.remove(&picture).unwrap_or_default();
            if built {
                state.queue.extend(waiting);
                self.work.notify_all();
            } else {
                for key in waiting {
                    state.pending.remove(&key);
                }
                state.missing.insert(picture);
                drop(state);
                self.announce();
            }
        }
    }

    fn next_rebuild(&self) -> Option<PictureHash> {
        let mut state = self.state.lock();
        loop {
            if state.stop {
                return None;
            }
            if let Some(picture) = state.to_rebuild.pop_front() {
                return Some(picture);
            }
            self.rebuild.wait(&mut state);
        }
    }

    fn rebuild(&self, picture: &PictureHash) -> bool {
        let hash = picture.as_str();
        let Some(folder) = self.folders.to_build() else {
            return false;
        };
        let path = cache_path(&folder, hash);
        let size = self.records.layout(picture).map(|layout| layout.size_px());
        let reads = |cache: &TileCache| {
            let coarsest = TileAddress {
                level: cache.layout().coarsest_level(),
                x: 0,
                y: 0,
            };
            cache.tile(coarsest).is_some()
        };
        // One that cannot be read twice in a row is not tried for ever: it is built from the file
        // each time it fails, and a file that gives no pyramid is missing.
        let _ = std::fs::remove_file(&path);
        let source = match self.blobs.open(hash) {
            Ok(source) => source,
            Err(error) => {
                tracing::warn!(target: "library", %hash, %error, "a picture's file cannot be read");
                return false;
            }
        };
        let built = tile_cache::build(source, &path, &Limits::default(), &mut |_| {});
        match built {
            Ok(_) => size
                .and_then(|size| TileCache::open(&path, size))
                .as_ref()
                .is_some_and(reads),
            Err(error) => {
                tracing::warn!(target: "library", %hash, %error, "a picture's tiles cannot be built");
                false
            }
        }
    }
}

/// A tile's pixels.
fn stored(rgba: Vec<u8>) -> Pixels {
    Pixels {
        width: TILE_STORED_PX,
        height: TILE_STORED_PX,
        rgba: rgba.into(),
    }
}

/// Decoded pixels within a budget; the longest unused go first.
#[derive(Default)]
struct Cache {
    entries: HashMap<Key, (Pixels, u64)>,
    bytes: usize,
    uses: u64,
}

impl Cache {
    fn get(&mut self, key: &Key) -> Option<Pixels> {
        self.uses += 1;
        let (pixels, used) = self.entries.get_mut(key)?;
        *used = self.uses;
        Some(pixels.clone())
    }

    fn put(&mut self, key: Key, pixels: Pixels) {
        self.uses += 1;
        self.bytes += pixels.rgba.len();
        if let Some((old, _)) = self.entries.insert(key, (pixels, self.uses)) {
            self.bytes -= old.rgba.len();
        }
        // Some hundred entries: looking at each is quicker than keeping a list in order.
        while self.bytes > BUDGET_BYTES && self.entries.len() > 1 {
            let oldest = self.entries.iter().min_by_key(|(_, (_, used))| *used);
            let Some(oldest) = oldest.map(|(key, _)| key.clone()) else {
                return;
            };
            if let Some((pixels, _)) = self.entries.remove(&oldest) {
                self.bytes -= pixels.rgba.len();
            }
        }
    }
}
