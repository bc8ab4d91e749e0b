//! What the rooms of a server have to know of each other to show players the right things: what each
//! party has on the table, and which pictures players may fetch.
//!
//! A game's room does not know its party. So every party's room says here what is on its table, and
//! every game's room with guests looks whether that is one of its scenes. Scenes are named by ids that
//! cannot be guessed; a party that says which game its scene is in is heard by that game alone.
//!
//! Called by [`super::host`], [`super::driver`] and [`super::assets`].

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Seek as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use tokio::sync::{Semaphore, watch};

use super::cut;
use super::name::RoomName;
use super::room::{CutWanted, OnTable};
use super::store::RoomStore;
use crate::doc::PartyDoc;
use crate::import::picture::{Limits, PictureReader};
use crate::model::id::PictureHash;
use crate::scene::picture::{PictureIndex, PictureInfo};
use crate::storage::blobs::{Blobs, is_hash};

/// A map that was cut out stays for this long after it was replaced: somebody may be fetching it.
const GRACE: Duration = Duration::from_secs(60);
/// The party name of the rooms that hold parties.
const TABLE_PARTY: &str = "party";
/// The largest picture that is made for players.
const MOST_CUT_BYTES: u64 = 1 << 30;

/// Tables and pictures of all rooms.
pub struct Showing {
    tables: watch::Sender<Arc<BTreeMap<RoomName, OnTable>>>,
    /// Grows with every picture that comes.
    arrivals: watch::Sender<u64>,
    pictures: Mutex<HashMap<RoomName, BTreeSet<Arc<str>>>>,
    blobs: Blobs,
    cuts: Blobs,
    /// A library's names for its pictures.
    index: RwLock<Option<Arc<dyn PictureIndex>>>,
    /// Parties that nobody is in lie there.
    store: Option<Arc<RoomStore>>,
    has_read_store: AtomicBool,
    /// Cutting takes memory: one at a time.
    cutter: Semaphore,
}

impl std::fmt::Debug for Showing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Showing").finish_non_exhaustive()
    }
}

impl Showing {
    /// Nothing is on any table. What was cut out for players lies in `cuts`, which is emptied: it can
    /// all be made again.
    pub(super) fn new(blobs: Blobs, cuts: PathBuf, store: Option<Arc<RoomStore>>) -> Self {
        if cuts.is_dir()
            && let Err(error) = std::fs::remove_dir_all(&cuts)
        {
            tracing::warn!(target: "server", %error, "maps made for players could not be deleted");
        }
        Self {
            tables: watch::Sender::default(),
            arrivals: watch::Sender::default(),
            pictures: Mutex::default(),
            blobs,
            cuts: Blobs::new(cuts),
            index: RwLock::default(),
            store,
            has_read_store: AtomicBool::new(false),
            cutter: Semaphore::new(1),
        }
    }

    pub(super) fn know_pictures(&self, pictures: Arc<dyn PictureIndex>) {
        *self.index.write() = Some(pictures);
        self.note_arrival();
    }

    /// A party has this on its table now.
    pub(super) fn set_table(&self, party: &RoomName, table: OnTable) {
        self.tables.send_if_modified(|tables| {
            if tables.get(party) == Some(&table) {
                return false;
            }
            Arc::make_mut(tables).insert(party.clone(), table);
            true
        });
    }

    /// Looks once what the parties have on their tables that nobody is in since the start.
    pub(super) fn read_stored_tables(self: &Arc<Self>) {
        let Some(store) = self.store.clone() else {
            return;
        };
        if self.has_read_store.swap(true, Ordering::Relaxed) {
            return;
        }
        let showing = Arc::clone(self);
        tokio::task::spawn_blocking(move || {
            let parties = store.rooms_of(TABLE_PARTY).unwrap_or_else(|error| {
                tracing::warn!(target: "server", %error, "parties cannot be read at the moment");
                showing.has_read_store.store(false, Ordering::Relaxed);
                Vec::new()
            });
            for party in parties {
                // One that cannot be read has nothing on its table until it can be opened.
                let Ok(stored) = store.load(&party) else {
                    continue;
                };
                let Ok(doc) = PartyDoc::open(stored.parts()) else {
                    continue;
                };
                showing.tables.send_if_modified(|tables| {
                    // What its room says itself is newer.
                    let is_news = !tables.contains_key(&party);
                    if is_news {
                        Arc::make_mut(tables).insert(party.clone(), OnTable::of(&doc));
                    }
                    is_news
                });
            }
        });
    }

    /// Told of every change of a table.
    pub(super) fn watch_tables(&self) -> watch::Receiver<Arc<BTreeMap<RoomName, OnTable>>> {
        self.tables.subscribe()
    }

    /// A picture has come.
    pub(super) fn note_arrival(&self) {
        self.arrivals.send_modify(|arrivals| *arrivals += 1);
    }

    /// Told of every picture that comes.
    pub(super) fn watch_arrivals(&self) -> watch::Receiver<u64> {
        self.arrivals.subscribe()
    }

    /// Guests of a room may fetch these pictures now, and no others.
    pub(super) fn set_pictures(self: &Arc<Self>, room: &RoomName, pictures: BTreeSet<Arc<str>>) {
        let mut all = self.pictures.lock();
        let before = if pictures.is_empty() {
            all.remove(room).unwrap_or_default()
        } else {
            all.insert(room.clone(), pictures.clone())
                .unwrap_or_default()
        };
        drop(all);
        let gone: Vec<_> = before.difference(&pictures).cloned().collect();
        if gone.is_empty() {
            return;
        }
        let showing = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(GRACE).await;
            // Deleting waits for a disk, but not for long.
            for picture in gone {
                if !showing.is_named(&picture)
                    && let Some(path) = showing.cuts.path(&picture)
                    && path.is_file()
                    && let Err(error) = std::fs::remove_file(&path)
                {
                    tracing::debug!(target: "server", %error, "a cut map stays for now");
                }
            }
        });
    }

    fn is_named(&self, picture: &str) -> bool {
        let all = self.pictures.lock();
        all.values().any(|pictures| pictures.contains(picture))
    }

    /// Where a picture lies that guests of one of these rooms may fetch.
    pub(super) fn for_guests(&self, rooms: &[RoomName], picture: &str) -> Option<&Blobs> {
        let all = self.pictures.lock();
        let is_named = rooms
            .iter()
            .any(|room| all.get(room).is_some_and(|own| own.contains(picture)));
        drop(all);
        is_named.then(|| {
            if self.cuts.contains(picture) {
                &self.cuts
            } else {
                &self.blobs
            }
        })
    }

    /// The picture behind a location of a document, if it is here: `map/HASH.png`. Waits for the disk.
    pub(super) fn find(&self, location: &str) -> Option<PictureInfo> {
        let index = self.index.read().clone();
        if let Some(found) = index.and_then(|index| index.find(location)) {
            return Some(found);
        }
        let name = location.rsplit('/').next()?;
        let hash = name.split('.').next().filter(|hash| is_hash(hash))?;
        let file = self.blobs.open(hash).ok()?;
        let reader = PictureReader::open(file, &Limits::default()).ok()?;
        Some(PictureInfo {
            hash: PictureHash::new(hash),
            width: reader.info().width,
            height: reader.info().height,
        })
    }

    /// Cuts a map out; the file's hash and ending. `None`: it could not be made.
    pub(super) async fn cut(
        self: &Arc<Self>,
        wanted: CutWanted,
    ) -> Option<(Arc<str>, &'static str)> {
        let _turn = self.cutter.acquire().await.ok()?;
        let showing = Arc::clone(self);
        let made = tokio::task::spawn_blocking(move || showing.cut_now(&wanted)).await;
        match made {
            Ok(Ok(file)) => Some(file),
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

    fn cut_now(&self, wanted: &CutWanted) -> Result<(Arc<str>, &'static str), cut::CutError> {
        let source = self.blobs.open(wanted.picture.as_str())?;
        let mut file = tempfile::tempfile()?;
        let ending = cut::cut(source, wanted.fog.as_deref(), &mut file)?;
        file.rewind()?;
        let pending = self.cuts.receive(&mut file, MOST_CUT_BYTES)?;
        let hash = Arc::from(pending.hash.as_str());
        self.cuts.keep(pending)?;
        Ok((hash, ending))
    }
}

/// What is on the tables of a game's parties.
pub(super) fn tables_of(game: &RoomName, tables: &BTreeMap<RoomName, OnTable>) -> Vec<OnTable> {
    let is_this = |id: &str| {
        id == game.room()
            || form_urlencoded::byte_serialize(id.as_bytes()).collect::<String>() == game.room()
    };
    tables
        .values()
        .filter(|table| table.game.as_deref().is_none_or(is_this))
        .cloned()
        .collect()
}
