//! What the rooms of a server have to know of each other to show players the right things: what each
//! party has on the table, and which pictures players may fetch.
//!
//! A game's room does not know its party. So every party's room says here what is on its table, and
//! every game's room with guests looks whether that is one of its scenes. Scenes are named by ids that
//! cannot be guessed; a party that says which game its scene is in is heard by that game alone.
//!
//! Called by [`super::host`], [`super::driver`] and [`super::assets`].

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Mutex, RwLock};
use tokio::sync::watch;

use super::cuts::{Cuts, GRACE, Made};
use super::name::RoomName;
use super::room::OnTable;
use super::store::RoomStore;
use crate::doc::PartyDoc;
use crate::import::picture::{Limits, PictureReader};
use crate::model::id::PictureHash;
use crate::scene::picture::{PictureIndex, PictureInfo};
use crate::storage::blobs::{Blobs, is_hash};

/// The party name of the rooms that hold parties.
const TABLE_PARTY: &str = "party";

/// A picture that guests may fetch.
pub(super) enum ForGuests {
    /// As it is.
    Picture,
    /// A map that was cut out.
    Map(Arc<Made>),
    /// A tile of one, and where it is.
    Tile(PathBuf),
}

/// Tables and pictures of all rooms.
pub struct Showing {
    tables: watch::Sender<Arc<BTreeMap<RoomName, OnTable>>>,
    /// Grows with every picture that comes.
    arrivals: watch::Sender<u64>,
    pictures: Mutex<HashMap<RoomName, BTreeSet<Arc<str>>>>,
    blobs: Blobs,
    cuts: Arc<Cuts>,
    /// A library's names for its pictures.
    index: RwLock<Option<Arc<dyn PictureIndex>>>,
    /// Parties that nobody is in lie there.
    store: Option<Arc<RoomStore>>,
    has_read_store: AtomicBool,
    /// Maps that nobody may fetch any more are about to be deleted.
    is_sweeping: AtomicBool,
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
        Self {
            tables: watch::Sender::default(),
            arrivals: watch::Sender::default(),
            pictures: Mutex::default(),
            cuts: Arc::new(Cuts::new(blobs.clone(), cuts)),
            blobs,
            index: RwLock::default(),
            store,
            has_read_store: AtomicBool::new(false),
            is_sweeping: AtomicBool::new(false),
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
        if before.is_subset(&pictures) || self.is_sweeping.swap(true, Ordering::AcqRel) {
            return;
        }
        let showing = Arc::clone(self);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(GRACE).await;
                let named = || {
                    showing
                        .pictures
                        .lock()
                        .values()
                        .flatten()
                        .cloned()
                        .collect()
                };
                // What loses its name from here on is seen to by the next one.
                showing.is_sweeping.store(false, Ordering::Release);
                let is_done = showing.cuts.sweep(named).await;
                if is_done || showing.is_sweeping.swap(true, Ordering::AcqRel) {
                    return;
                }
            }
        });
    }

    /// The pictures as they are.
    pub(super) const fn blobs(&self) -> &Blobs {
        &self.blobs
    }

    /// The maps that were cut out for players.
    pub(super) const fn cuts(&self) -> &Arc<Cuts> {
        &self.cuts
    }

    /// What a name means to those who may fetch what guests of one of these rooms may fetch.
    pub(super) fn for_guests(&self, rooms: &[RoomName], picture: &str) -> Option<ForGuests> {
        let all = self.pictures.lock();
        let own: Vec<_> = rooms.iter().filter_map(|room| all.get(room)).collect();
        if own.iter().any(|own| own.contains(picture)) {
            let made = self.cuts.made(picture);
            return Some(made.map_or(ForGuests::Picture, ForGuests::Map));
        }
        let mut maps = own.into_iter().flatten();
        let is_tile = maps.any(|map| self.cuts.made(map).is_some_and(|made| made.has(picture)));
        let tile = is_tile.then(|| self.cuts.tile(picture)).flatten();
        tile.map(ForGuests::Tile)
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
