//! The rooms of a server: finds them, opens them from the store, ends them.
//!
//! A room is opened by the first who asks for it, in a task of its own, so that a slow disk or a huge
//! document makes nobody wait but those who want that room. A record that cannot be read is tried
//! again, then told ([`Unavailable`]); nothing is remembered of the failure, so that the next who
//! asks tries anew. An empty document is never served in place of one that cannot be read.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};
use tokio::sync::{mpsc, oneshot, watch};

use super::driver::{self, Command, Driver};
use super::hook::Hook;
use super::metrics::Metrics;
use super::name::RoomName;
use super::room::{Beginning, Info, Join, Room, Seats};
use super::seed::Seeds;
use super::showing::Showing;
use super::store::{NoLog, RoomLog as _, RoomStore};
use super::{ConnectionId, ServerError};
use crate::scene::picture::PictureIndex;
use crate::storage::blobs::Blobs;
use crate::storage::error::StorageError;
use crate::util::clock::Clock;

/// Waits between the attempts to read a room.
const RETRIES: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(400)];
/// How often a command is sent to a room that ends in that moment.
const ATTEMPTS: usize = 5;

/// The room cannot be served at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the room cannot be opened at the moment; what is saved of it is safe and nothing was changed; \
     try again in a moment, and if it stays so, the server's log says why"
)]
pub struct Unavailable;

/// Told the hash of a picture that a guest has handed over; must be quick.
pub type PictureListener = Arc<dyn Fn(&str) + Send + Sync>;

/// The rooms of a server.
pub struct Host {
    /// `None`: only rooms that somebody in this process keeps.
    store: Option<Arc<RoomStore>>,
    blobs: Blobs,
    seeds: Seeds,
    hook: Option<Arc<Hook>>,
    clock: Arc<dyn Clock>,
    /// Tables, and pictures of players.
    showing: Arc<Showing>,
    /// Figures.
    pub metrics: Arc<Metrics>,
    rooms: Mutex<HashMap<RoomName, mpsc::Sender<Command>>>,
    owner: Mutex<Owner>,
    connections: AtomicU64,
    title: RwLock<Arc<str>>,
    picture_listener: RwLock<Option<PictureListener>>,
}

/// What is known of the rooms that somebody in this process keeps.
#[derive(Debug, Default)]
struct Owner {
    /// All of them are here, or on their way.
    is_settled: bool,
    /// On their way.
    expected: HashSet<RoomName>,
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").finish_non_exhaustive()
    }
}

impl Host {
    /// A server without a loaded room. Called inside a tokio runtime from here on.
    #[must_use]
    pub fn new(
        store: RoomStore,
        seeds: Seeds,
        hook: Option<Hook>,
        clock: Arc<dyn Clock>,
    ) -> Arc<Self> {
        let blobs = store.blobs().clone();
        let cuts = store.cuts_folder();
        Self::assemble(Some(Arc::new(store)), (blobs, cuts), seeds, hook, clock)
    }

    /// A server of rooms that somebody in this process keeps: see [`Host::offer`]. `blobs` are the
    /// pictures that guests may fetch; maps that are made for players lie in `cuts`.
    #[must_use]
    pub fn without_store(blobs: Blobs, cuts: PathBuf, clock: Arc<dyn Clock>) -> Arc<Self> {
        Self::assemble(None, (blobs, cuts), Seeds::default(), None, clock)
    }

    fn assemble(
        store: Option<Arc<RoomStore>>,
        (blobs, cuts): (Blobs, PathBuf),
        seeds: Seeds,
        hook: Option<Hook>,
        clock: Arc<dyn Clock>,
    ) -> Arc<Self> {
        Arc::new(Self {
            showing: Arc::new(Showing::new(blobs.clone(), cuts, store.clone())),
            store,
            blobs,
            seeds,
            hook: hook.map(Arc::new),
            clock,
            metrics: Arc::default(),
            rooms: Mutex::default(),
            owner: Mutex::default(),
            connections: AtomicU64::new(1),
            title: RwLock::new("".into()),
            picture_listener: RwLock::default(),
        })
    }

    /// A number for a new connection.
    #[must_use]
    pub fn next_connection(&self) -> ConnectionId {
        ConnectionId(self.connections.fetch_add(1, Ordering::Relaxed))
    }

    /// What whoever runs this calls it; empty by default.
    #[must_use]
    pub fn title(&self) -> Arc<str> {
        Arc::clone(&self.title.read())
    }

    /// Sets what guests are told as the title.
    pub fn set_title(&self, title: &str) {
        *self.title.write() = title.into();
    }

    /// Sets who is told of pictures that guests hand over, in place of the one before.
    pub fn set_picture_listener(&self, listener: PictureListener) {
        *self.picture_listener.write() = Some(listener);
    }

    pub(super) fn picture_came(&self, hash: &str) {
        if let Some(listener) = self.picture_listener.read().as_ref() {
            listener(hash);
        }
    }

    /// The rooms that are open just now, in order.
    #[must_use]
    pub fn open_rooms(&self) -> Vec<RoomName> {
        let rooms = self.rooms.lock();
        let open = rooms.iter().filter(|(_, room)| !room.is_closed());
        let mut names: Vec<_> = open.map(|(name, _)| name.clone()).collect();
        names.sort();
        names
    }

    /// Time since the clock's own beginning.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.clock.now()
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub fn unix_ms(&self) -> i64 {
        self.clock.unix_ms()
    }

    /// The pictures.
    #[must_use]
    pub const fn blobs(&self) -> &Blobs {
        &self.blobs
    }

    /// Pictures are found here too, by the locations that documents hold: a library's names.
    pub fn know_pictures(&self, pictures: Arc<dyn PictureIndex>) {
        self.showing.know_pictures(pictures);
    }

    /// What players are shown.
    #[must_use]
    pub(super) const fn showing(&self) -> &Arc<Showing> {
        &self.showing
    }

    /// Why saving fails at the moment, if it does.
    #[must_use]
    pub fn failing(&self) -> Option<StorageError> {
        self.store.as_ref().and_then(|store| store.failing())
    }

    /// See [`RoomStore::trouble`]; `None` without a store.
    #[must_use]
    pub fn trouble(&self) -> Option<watch::Receiver<Option<StorageError>>> {
        self.store.as_ref().map(|store| store.trouble())
    }

    /// Whether there can be such a room here.
    #[must_use]
    pub fn has_room(&self, name: &RoomName) -> bool {
        self.store.is_some() || self.known(name).is_some()
    }

    /// The owner of this server's rooms offers this one in a moment: see [`Host::offer`].
    pub fn expect(&self, name: &RoomName) {
        self.owner.lock().expected.insert(name.clone());
    }

    /// From now on a room that is neither here nor expected is not hosted, which is final for who asks
    /// for it. Before that, and again once the owner packs up, guests are to come back in a moment.
    pub fn set_settled(&self, is_settled: bool) {
        self.owner.lock().is_settled = is_settled;
    }

    /// Whether a room that is not here may be here in a moment. To be asked before
    /// [`Host::has_room`]: one that has come meanwhile is there.
    #[must_use]
    pub fn may_come(&self, name: &RoomName) -> bool {
        let owner = self.owner.lock();
        self.store.is_none() && (!owner.is_settled || owner.expected.contains(name))
    }

    /// Opens a room, and tells who can be let in. Unlike [`Host::info`] it costs the same however
    /// large the document is.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn open(self: &Arc<Self>, name: &RoomName) -> Result<Seats, Unavailable> {
        // New work while nothing can be saved would only be lost later.
        if self.failing().is_some() {
            return Err(Unavailable);
        }
        self.ask(name, Command::Open).await
    }

    /// Joins a room; everything further goes through the room's commands.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn join(
        self: &Arc<Self>,
        name: &RoomName,
        mut join: impl FnMut() -> Join,
    ) -> Result<mpsc::Sender<Command>, Unavailable> {
        for _ in 0..ATTEMPTS {
            let room = self.room(name).ok_or(Unavailable)?;
            let (reply, joined) = oneshot::channel();
            if room.send(Command::Join(join(), reply)).await.is_ok() && joined.await.is_ok() {
                return Ok(room);
            }
        }
        Err(Unavailable)
    }

    /// Sends an event into a room; to how many sockets. A room that nobody is in is not opened.
    /// Players get it only when it is said to be for them.
    pub async fn send_event(
        &self,
        name: &RoomName,
        text: Bytes,
        exclude: Option<String>,
        for_players: bool,
    ) -> usize {
        let Some(room) = self.known(name) else {
            return 0;
        };
        let (reply, sent) = oneshot::channel();
        let event = Command::Event {
            text,
            exclude,
            for_players,
            reply,
        };
        if room.send(event).await.is_err() {
            return 0;
        }
        sent.await.unwrap_or(0)
    }

    /// Who is in a room, and sizes, for somebody who sees all of it or only what players do; of one
    /// that is not loaded, from the store.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn info(&self, name: &RoomName, sees_all: bool) -> Result<Info, Unavailable> {
        if let Some(room) = self.known(name) {
            let (reply, info) = oneshot::channel();
            if room.send(Command::Info(sees_all, reply)).await.is_ok()
                && let Ok(info) = info.await
            {
                return Ok(info);
            }
        }
        if !sees_all {
            return Ok(Info::default());
        }
        let store = self.store.clone().ok_or(Unavailable)?;
        let name = name.clone();
        let stored = tokio::task::spawn_blocking(move || store.load(&name)).await;
        match stored {
            Ok(Ok(loaded)) => Ok(Info {
                stored_bytes: loaded.parts().map(<[u8]>::len).sum(),
                ..Info::default()
            }),
            _ => Err(Unavailable),
        }
    }

    /// Fills a room that was never used; false when it was.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn seed(
        self: &Arc<Self>,
        name: &RoomName,
        update: Vec<u8>,
    ) -> Result<bool, Unavailable> {
        let taken = self
            .ask(name, |reply| Command::Seed(update.clone(), reply))
            .await?;
        if taken && let Some(store) = self.store.clone() {
            let durable = tokio::task::spawn_blocking(move || {
                store.wait_until_durable(Duration::from_secs(5))
            });
            if !durable.await.unwrap_or(false) {
                return Err(Unavailable);
            }
        }
        Ok(taken)
    }

    /// Sends everybody away and saves everything.
    ///
    /// # Errors
    /// When something could not be saved.
    pub async fn stop(&self) -> Result<(), ServerError> {
        let rooms: Vec<_> = self.rooms.lock().values().cloned().collect();
        let stops: Vec<_> = rooms
            .into_iter()
            .map(|room| tokio::spawn(async move { driver::stop(&room).await }))
            .collect();
        for stop in stops {
            // A room's task that failed has logged why; the others are still to be waited for.
            drop(stop.await);
        }
        let Some(store) = self.store.clone() else {
            return Ok(());
        };
        let closed = tokio::task::spawn_blocking(move || store.close()).await;
        match closed {
            Ok(result) => result.map_err(ServerError::Unsaved),
            Err(error) => Err(ServerError::System(error.to_string())),
        }
    }

    async fn ask<T>(
        self: &Arc<Self>,
        name: &RoomName,
        mut command: impl FnMut(oneshot::Sender<T>) -> Command,
    ) -> Result<T, Unavailable> {
        let mut failures = 0;
        for _ in 0..ATTEMPTS {
            let room = self.room(name).ok_or(Unavailable)?;
            let (reply, answer) = oneshot::channel();
            if room.send(command(reply)).await.is_ok() {
                if let Ok(answer) = answer.await {
                    return Ok(answer);
                }
                failures += 1;
                // Once may be a room that ended in that moment; twice is one that does not open.
                if failures == 2 {
                    break;
                }
            }
        }
        Err(Unavailable)
    }

    fn known(&self, name: &RoomName) -> Option<mpsc::Sender<Command>> {
        let rooms = self.rooms.lock();
        rooms.get(name).filter(|room| !room.is_closed()).cloned()
    }

    fn room(self: &Arc<Self>, name: &RoomName) -> Option<mpsc::Sender<Command>> {
        let store = self.store.as_ref();
        let mut rooms = self.rooms.lock();
        if let Some(room) = rooms.get(name).filter(|room| !room.is_closed()) {
            return Some(room.clone());
        }
        let store = Arc::clone(store?);
        let (commands, receiver) = mpsc::channel(driver::QUEUE);
        rooms.insert(name.clone(), commands.clone());
        let own = commands.downgrade();
        tokio::spawn(Arc::clone(self).run_room(store, name.clone(), receiver, own));
        Some(commands)
    }

    /// Opens a room of this document, without a store.
    pub(super) fn open_offered(
        self: &Arc<Self>,
        name: &RoomName,
        document: Vec<u8>,
    ) -> Result<mpsc::Sender<Command>, Unavailable> {
        let beginning = Beginning {
            parts: vec![document],
            has_record: true,
            ..Beginning::default()
        };
        let metrics = Arc::clone(&self.metrics);
        let room =
            Room::open(&beginning, Box::new(NoLog::default()), metrics).map_err(|_| Unavailable)?;
        let (commands, receiver) = mpsc::channel(driver::QUEUE);
        let mut rooms = self.rooms.lock();
        if rooms.get(name).is_some_and(|room| !room.is_closed()) {
            return Err(Unavailable);
        }
        rooms.insert(name.clone(), commands.clone());
        drop(rooms);
        self.owner.lock().expected.remove(name);
        let driver = Driver {
            name: name.clone(),
            room,
            commands: receiver,
            own: commands.downgrade(),
            durable: None,
            clock: Arc::clone(&self.clock),
            hook: None,
            metrics: Arc::clone(&self.metrics),
            showing: Arc::clone(&self.showing),
            // It ends with its owner.
            retire: Box::new(|_| false),
        };
        tokio::spawn(driver.run());
        Ok(commands)
    }

    /// Takes a room off the list.
    pub(super) fn withdraw(&self, name: &RoomName) {
        self.rooms.lock().remove(name);
    }

    async fn run_room(
        self: Arc<Self>,
        store: Arc<RoomStore>,
        name: RoomName,
        mut commands: mpsc::Receiver<Command>,
        own: mpsc::WeakSender<Command>,
    ) {
        let Some(room) = self.load(&store, &name).await else {
            self.metrics.load_failures.fetch_add(1, Ordering::Relaxed);
            self.rooms.lock().remove(&name);
            // Whoever waits in the queue is told by the end of its channel.
            commands.close();
            while commands.recv().await.is_some() {}
            return;
        };
        let host = Arc::clone(&self);
        let retired = name.clone();
        let retire = move |commands: &mut mpsc::Receiver<Command>| {
            let mut rooms = host.rooms.lock();
            if !commands.is_empty() {
                return false;
            }
            commands.close();
            rooms.remove(&retired);
            true
        };
        let driver = Driver {
            name,
            room,
            commands,
            own,
            durable: Some(store.durable()),
            clock: Arc::clone(&self.clock),
            hook: self.hook.clone(),
            metrics: Arc::clone(&self.metrics),
            showing: Arc::clone(&self.showing),
            retire: Box::new(retire),
        };
        driver.run().await;
    }

    /// Reads a room's record, or its seed when there is none.
    async fn load(&self, store: &Arc<RoomStore>, name: &RoomName) -> Option<Room> {
        let mut retries = RETRIES.iter();
        loop {
            let (store, seeds, wanted) = (Arc::clone(store), self.seeds.clone(), name.clone());
            let metrics = Arc::clone(&self.metrics);
            let opened =
                tokio::task::spawn_blocking(move || open_room(&store, &seeds, &wanted, metrics));
            match opened.await {
                Ok(Ok(room)) => return Some(room),
                Ok(Err(problem)) => {
                    tracing::error!(target: "server", problem, "a room cannot be opened");
                }
                Err(panicked) => {
                    tracing::error!(target: "server", %panicked, "a room cannot be opened");
                }
            }
            tokio::time::sleep(*retries.next()?).await;
        }
    }
}

fn open_room(
    store: &RoomStore,
    seeds: &Seeds,
    name: &RoomName,
    metrics: Arc<Metrics>,
) -> Result<Room, String> {
    let record = store.load(name).map_err(|error| error.to_string())?;
    for problem in &record.problems {
        tracing::error!(target: "server", problem, "while a room was opened");
    }
    let mut log = store.log(name);
    let mut beginning = Beginning {
        has_record: !record.is_empty(),
        read_only: record.incomplete,
        players: store.load_players(name),
        parts: record.parts().map(<[u8]>::to_vec).collect(),
    };
    if !beginning.has_record
        && let Some(seed) = seeds.of(name)
    {
        // Kept before it is served: two seedings of one text would hold it twice.
        log.append(&seed).ok_or("the seed cannot be saved")?;
        if !store.wait_until_durable(Duration::from_secs(5)) {
            return Err("the seed cannot be saved".into());
        }
        beginning.has_record = true;
        beginning.parts.push(seed);
    }
    Room::open(&beginning, Box::new(log), metrics).map_err(|error| error.to_string())
}
