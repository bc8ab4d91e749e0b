//! The rooms of a server: finds them, opens them from the store, ends them.
//!
//! A room is opened by the first who asks for it, in a task of its own, so that a slow disk or a huge
//! document makes nobody wait but those who want that room. A record that cannot be read is tried
//! again, then told ([`Unavailable`]); nothing is remembered of the failure, so that the next who
//! asks tries anew. An empty document is never served in place of one that cannot be read.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

use super::driver::{self, Command, Driver};
use super::hook::Hook;
use super::metrics::Metrics;
use super::name::RoomName;
use super::room::{Beginning, Info, Join, Room};
use super::seed::Seeds;
use super::store::{RoomLog as _, RoomStore};
use super::{ConnectionId, ServerError};
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

/// The rooms of a server.
pub struct Host {
    store: Arc<RoomStore>,
    seeds: Seeds,
    hook: Option<Arc<Hook>>,
    clock: Arc<dyn Clock>,
    /// Figures.
    pub metrics: Arc<Metrics>,
    rooms: Mutex<HashMap<RoomName, mpsc::Sender<Command>>>,
    connections: AtomicU64,
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
        Arc::new(Self {
            store: Arc::new(store),
            seeds,
            hook: hook.map(Arc::new),
            clock,
            metrics: Arc::default(),
            rooms: Mutex::default(),
            connections: AtomicU64::new(1),
        })
    }

    /// A number for a new connection.
    #[must_use]
    pub fn next_connection(&self) -> ConnectionId {
        ConnectionId(self.connections.fetch_add(1, Ordering::Relaxed))
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub fn unix_ms(&self) -> i64 {
        self.clock.unix_ms()
    }

    /// The data folder.
    #[must_use]
    pub fn store(&self) -> &Arc<RoomStore> {
        &self.store
    }

    /// Opens a room.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn open(self: &Arc<Self>, name: &RoomName) -> Result<(), Unavailable> {
        // New work while nothing can be saved would only be lost later.
        if self.store.failing().is_some() {
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
            let room = self.room(name);
            let (reply, joined) = oneshot::channel();
            if room.send(Command::Join(join(), reply)).await.is_ok() && joined.await.is_ok() {
                return Ok(room);
            }
        }
        Err(Unavailable)
    }

    /// Sends an event into a room; to how many sockets. A room that nobody is in is not opened.
    pub async fn send_event(&self, name: &RoomName, text: Bytes, exclude: Option<String>) -> usize {
        let Some(room) = self.rooms.lock().get(name).cloned() else {
            return 0;
        };
        let (reply, sent) = oneshot::channel();
        let event = Command::Event {
            text,
            exclude,
            reply,
        };
        if room.send(event).await.is_err() {
            return 0;
        }
        sent.await.unwrap_or(0)
    }

    /// Who is in a room, and sizes; of one that is not loaded, from the store.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn info(&self, name: &RoomName) -> Result<Info, Unavailable> {
        let room = self.rooms.lock().get(name).cloned();
        if let Some(room) = room {
            let (reply, info) = oneshot::channel();
            if room.send(Command::Info(reply)).await.is_ok()
                && let Ok(info) = info.await
            {
                return Ok(info);
            }
        }
        let (store, name) = (Arc::clone(&self.store), name.clone());
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
        if taken {
            let store = Arc::clone(&self.store);
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
        let store = Arc::clone(&self.store);
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
            let room = self.room(name);
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

    fn room(self: &Arc<Self>, name: &RoomName) -> mpsc::Sender<Command> {
        let mut rooms = self.rooms.lock();
        if let Some(room) = rooms.get(name).filter(|room| !room.is_closed()) {
            return room.clone();
        }
        let (commands, receiver) = mpsc::channel(driver::QUEUE);
        rooms.insert(name.clone(), commands.clone());
        let own = commands.downgrade();
        tokio::spawn(Arc::clone(self).run_room(name.clone(), receiver, own));
        commands
    }

    async fn run_room(
        self: Arc<Self>,
        name: RoomName,
        mut commands: mpsc::Receiver<Command>,
        own: mpsc::WeakSender<Command>,
    ) {
        let Some(room) = self.load(&name).await else {
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
            durable: Some(self.store.durable()),
            clock: Arc::clone(&self.clock),
            hook: self.hook.clone(),
            metrics: Arc::clone(&self.metrics),
            retire: Box::new(retire),
        };
        driver.run().await;
    }

    /// Reads a room's record, or its seed when there is none.
    async fn load(&self, name: &RoomName) -> Option<Room> {
        let mut retries = RETRIES.iter();
        loop {
            let (store, seeds, wanted) =
                (Arc::clone(&self.store), self.seeds.clone(), name.clone());
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
