//! The storage thread: the only writer of a library's database.
//!
//! Document updates are appended in batches: whatever arrives within [`LINGER`] of the first one
//! shares a transaction. Every update and snapshot has a [`Generation`]; [`Store::durable`] is
//! the greatest one that is on disk with everything before it, published after the commit.
//!
//! A write that fails is kept, reported and tried again, in order: nothing overtakes it, so what
//! is on disk is always a prefix of what was appended. The queue is bounded: while the disk
//! refuses, [`Store::append`] hands the bytes back once it is full.
//!
//! A snapshot deletes the log only up to the snapshot before it, which is kept too: if the newest
//! snapshot turns out unreadable, the one before and the log still hold everything.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{SendTimeoutError, Sender, TrySendError, bounded};
use parking_lot::Mutex;
use rusqlite::Connection;

use super::database::Database;
use super::error::StorageError;
use super::log::{in_savepoint, last_generation};
use super::writer_thread::{Job, Run, Shared, Worker};
use crate::util::clock::Clock;

/// How long the first write of a batch waits for company.
pub const LINGER: Duration = Duration::from_millis(8);
/// Writes that wait while the disk is busy or refuses.
const QUEUE: usize = 4096;
/// The most bytes of one update or snapshot.
const MOST_BYTES: usize = 512 << 20;
/// How long somebody who waits for an answer waits for room in the queue first.
const ROOM_PATIENCE: Duration = Duration::from_secs(2);

/// A point in the order of all appended updates of a library; grows by one with each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Generation(pub u64);

/// What the storage thread has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreEvent {
    /// Everything up to this generation is on disk.
    Durable(Generation),
    /// Writing fails and is tried again; updates are kept in memory meanwhile.
    Failing(StorageError),
    /// Writing works again.
    Recovered,
}

/// Called by the storage thread; must be quick and must not call the store.
pub type Listener = Box<dyn Fn(&StoreEvent) + Send + Sync>;

/// Why an update was not taken; the bytes come back.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct Refused {
    /// Why. [`StorageError::DiskFull`] or whatever makes the disk refuse, when the queue is full.
    pub error: StorageError,
    /// The update.
    pub bytes: Vec<u8>,
}

/// The handle to the storage thread. Dropping it writes what waits.
pub struct Store {
    /// Generations are handed out and queued under one lock, so that they arrive in order.
    sender: Mutex<Option<Sender<Job>>>,
    appended: AtomicU64,
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
    path: PathBuf,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("path", &self.path)
            .field("appended", &self.appended())
            .field("durable", &self.durable())
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Starts the storage thread on an open database.
    ///
    /// # Errors
    /// When the log's end cannot be read or the thread not started.
    pub fn start(database: Database, clock: Arc<dyn Clock>) -> Result<Self, StorageError> {
        let path = database.path().to_owned();
        let last = last_generation(database.connection())
            .map_err(|e| StorageError::from_sqlite(&path, &e))?;
        let shared = Arc::new(Shared::default());
        shared.durable.store(last, Ordering::Release);
        let (sender, receiver) = bounded(QUEUE);
        let worker = Worker {
            database,
            receiver,
            shared: Arc::clone(&shared),
            clock,
            documents: HashMap::new(),
        };
        let thread = std::thread::Builder::new()
            .name("storage".into())
            .spawn(move || worker.work())
            .map_err(|e| StorageError::from_io(&path, &e))?;
        Ok(Self {
            sender: Mutex::new(Some(sender)),
            appended: AtomicU64::new(last),
            shared,
            thread: Mutex::new(Some(thread)),
            path,
        })
    }

    /// Sets who is told of commits and failures, in place of the one before.
    pub fn set_listener(&self, listener: Listener) {
        *self.shared.listener.lock() = Some(listener);
    }

    /// Queues an update of a document; never waits.
    ///
    /// # Errors
    /// [`Refused`] with the bytes, when the queue is full because the disk refuses or is slow, or
    /// the update is too large, or the store closed.
    pub fn append(&self, document: &Arc<str>, bytes: Vec<u8>) -> Result<Generation, Refused> {
        if let Err(error) = fits(&bytes) {
            return Err(Refused { error, bytes });
        }
        let sender = self.sender.lock();
        let Some(queue) = sender.as_ref() else {
            return Err(Refused {
                error: StorageError::Closed,
                bytes,
            });
        };
        let generation = Generation(self.appended.load(Ordering::Relaxed) + 1);
        let job = Job::Append {
            generation,
            document: Arc::clone(document),
            bytes,
        };
        match queue.try_send(job) {
            Ok(()) => {
                self.appended.store(generation.0, Ordering::Release);
                Ok(generation)
            }
            Err(refused) => {
                let error = match &refused {
                    TrySendError::Full(_) => self.why_full(),
                    TrySendError::Disconnected(_) => StorageError::Closed,
                };
                let bytes = match refused.into_inner() {
                    Job::Append { bytes, .. } => bytes,
                    _ => Vec::new(),
                };
                Err(Refused { error, bytes })
            }
        }
    }

    /// Queues a snapshot that holds everything of the document up to `upto`, which has to be
    /// read from [`Self::appended`] *before* the snapshot is encoded. Never waits.
    ///
    /// # Errors
    /// When the queue is full because the disk refuses or is slow, the snapshot is too large, or the
    /// store closed: the log still holds everything.
    pub fn put_snapshot(
        &self,
        document: &Arc<str>,
        upto: Generation,
        bytes: Vec<u8>,
    ) -> Result<(), StorageError> {
        fits(&bytes)?;
        let job = Job::Snapshot {
            document: Arc::clone(document),
            upto,
            bytes,
        };
        self.queue(job, Duration::ZERO)
    }

    /// Runs `write` in the storage thread inside a transaction and waits until it is on disk. An
    /// error of `write` undoes what it did, and nothing else.
    ///
    /// # Errors
    /// Those of `write` and of the commit.
    pub fn run<T: Send + 'static>(
        &self,
        write: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StorageError> {
        let (answer, wait) = bounded(1);
        let path = self.path.clone();
        let run: Run = Box::new(move |connection| {
            let result =
                in_savepoint(connection, write).map_err(|e| StorageError::from_sqlite(&path, &e));
            Box::new(move |committed| {
                // Nobody waits any more when the caller has ended; the write stands.
                let _ = answer.send(committed.and(result));
            })
        });
        self.queue(Job::Run(run), ROOM_PATIENCE)?;
        wait.recv().unwrap_or_else(|_| Err(self.why_unanswered()))
    }

    /// Queues `write` as [`Self::run`] does and does not wait: for what does no harm when it is lost.
    ///
    /// # Errors
    /// When the queue is full or the store closed.
    pub fn run_unawaited(
        &self,
        write: impl FnOnce(&Connection) -> rusqlite::Result<()> + Send + 'static,
    ) -> Result<(), StorageError> {
        let path = self.path.clone();
        let run: Run = Box::new(move |connection| {
            let result =
                in_savepoint(connection, write).map_err(|e| StorageError::from_sqlite(&path, &e));
            Box::new(move |committed| {
                if let Err(error) = committed.and(result) {
                    tracing::warn!(target: "storage", %error, "a row is not written");
                }
            })
        });
        self.queue(Job::Run(run), Duration::ZERO)
    }

    /// Runs `work` in the storage thread outside any transaction, after everything that was queued
    /// before it is on disk, and waits.
    ///
    /// # Errors
    /// Those of `work`.
    pub fn run_alone<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Database) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<T, StorageError> {
        let (answer, wait) = bounded(1);
        let job = Job::RunAlone(Box::new(move |database| {
            let _ = answer.send(work(database));
        }));
        self.queue(job, ROOM_PATIENCE)?;
        wait.recv().unwrap_or_else(|_| Err(self.why_unanswered()))
    }

    /// The last generation that was handed out.
    #[must_use]
    pub fn appended(&self) -> Generation {
        Generation(self.appended.load(Ordering::Acquire))
    }

    /// Everything up to this generation is on disk.
    #[must_use]
    pub fn durable(&self) -> Generation {
        Generation(self.shared.durable.load(Ordering::Acquire))
    }

    /// Why writing fails at the moment, if it does.
    #[must_use]
    pub fn failing(&self) -> Option<StorageError> {
        self.shared.state.lock().failing.clone()
    }

    /// Waits until `generation` is on disk, for at most `at_most`; says whether it is.
    #[must_use]
    pub fn wait_until_durable(&self, generation: Generation, at_most: Duration) -> bool {
        let until = Instant::now() + at_most;
        let mut state = self.shared.state.lock();
        while self.durable() < generation && !state.ended {
            if self
                .shared
                .changed
                .wait_until(&mut state, until)
                .timed_out()
            {
                break;
            }
        }
        self.durable() >= generation
    }

    /// Writes what waits and ends the thread. While the disk refuses, it goes on trying for some
    /// seconds.
    ///
    /// # Errors
    /// When something could not be saved.
    pub fn close(&self) -> Result<(), StorageError> {
        drop(self.sender.lock().take());
        let Some(thread) = self.thread.lock().take() else {
            return Ok(());
        };
        let ended_badly = thread.join().is_err();
        let state = self.shared.state.lock();
        match (&state.failing, ended_badly || state.lost > 0) {
            (Some(error), true) => Err(error.clone()),
            (None, true) => Err(StorageError::Closed),
            _ => Ok(()),
        }
    }

    fn queue(&self, job: Job, wait_for_room: Duration) -> Result<(), StorageError> {
        let sender = self.sender.lock().clone();
        let queue = sender.ok_or(StorageError::Closed)?;
        queue
            .send_timeout(job, wait_for_room)
            .map_err(|refused| match refused {
                SendTimeoutError::Timeout(_) => self.why_full(),
                SendTimeoutError::Disconnected(_) => StorageError::Closed,
            })
    }

    /// The storage thread drops the work of those who wait while the disk refuses.
    fn why_unanswered(&self) -> StorageError {
        self.failing().unwrap_or(StorageError::Closed)
    }

    fn why_full(&self) -> StorageError {
        self.failing().unwrap_or_else(|| StorageError::Io {
            path: self.path.clone(),
            detail: "the disk is slower than the changes".into(),
        })
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::error!(target: "storage", %error, "the library was closed with unsaved changes");
        }
    }
}

fn fits(bytes: &[u8]) -> Result<(), StorageError> {
    if bytes.len() > MOST_BYTES {
        return Err(StorageError::TooLarge {
            mib: bytes.len() >> 20,
        });
    }
    Ok(())
}
