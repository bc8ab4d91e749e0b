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

use crossbeam_channel::{
    Receiver, RecvTimeoutError, SendTimeoutError, Sender, TrySendError, bounded,
};
use parking_lot::{Condvar, Mutex};
use rusqlite::{Connection, params};

use super::database::{Database, checksum};
use super::error::StorageError;
use super::log::{document_id, in_savepoint, last_generation, put_snapshot};
use crate::util::clock::Clock;

/// How long the first write of a batch waits for company.
pub const LINGER: Duration = Duration::from_millis(8);
/// No batch waits longer than this for its commit to begin.
const LINGER_MOST: Duration = Duration::from_millis(20);
/// Writes that wait while the disk is busy or refuses.
const QUEUE: usize = 4096;
/// The most writes of one transaction.
const BATCH: usize = 1024;
/// The most bytes of one update or snapshot.
const MOST_BYTES: usize = 512 << 20;
const RETRY_FIRST: Duration = Duration::from_millis(250);
const RETRY_MOST: Duration = Duration::from_secs(4);
/// How long somebody who waits for an answer waits for room in the queue first.
const ROOM_PATIENCE: Duration = Duration::from_secs(2);
/// How long closing goes on trying while the disk refuses.
const CLOSE_PATIENCE: Duration = Duration::from_secs(3);

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

type Finish = Box<dyn FnOnce(Result<(), StorageError>) + Send>;
type Run = Box<dyn FnOnce(&Connection) -> Finish + Send>;
type RunAlone = Box<dyn FnOnce(&mut Database) + Send>;

enum Job {
    Append {
        generation: Generation,
        document: Arc<str>,
        bytes: Vec<u8>,
    },
    Snapshot {
        document: Arc<str>,
        upto: Generation,
        bytes: Vec<u8>,
    },
    /// Runs inside the batch's transaction; the batch is committed at once.
    Run(Run),
    /// Runs outside any transaction.
    RunAlone(RunAlone),
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

#[derive(Default)]
struct Shared {
    durable: AtomicU64,
    state: Mutex<State>,
    changed: Condvar,
    listener: Mutex<Option<Listener>>,
}

#[derive(Default)]
struct State {
    failing: Option<StorageError>,
    /// Updates that closing could not save.
    lost: usize,
    ended: bool,
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

struct Worker {
    database: Database,
    receiver: Receiver<Job>,
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
    documents: HashMap<Arc<str>, i64>,
}

impl Worker {
    fn work(mut self) {
        let mut closed = false;
        while !closed {
            let mut batch = Vec::new();
            let mut alone = None;
            closed = self.gather(&mut batch, &mut alone);
            if !batch.is_empty() && !self.write(batch) {
                break;
            }
            if let Some(work) = alone {
                work(&mut self.database);
                // The database may be another one now.
                self.documents.clear();
            }
        }
        // With the log folded in, the database file alone is the library: good to whoever copies
        // it. Where that fails, the next opening does it.
        let folded =
            self.database
                .connection()
                .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        if let Err(error) = folded {
            tracing::warn!(target: "storage", %error, "the log stays beside the library");
        }
        let mut state = self.shared.state.lock();
        state.ended = true;
        self.shared.changed.notify_all();
    }

    /// Takes the next batch; true when the store is closed and the queue empty.
    fn gather(&self, batch: &mut Vec<Job>, alone: &mut Option<RunAlone>) -> bool {
        let Ok(first) = self.receiver.recv() else {
            return true;
        };
        let latest = self.clock.now() + LINGER_MOST;
        let mut next = Some(first);
        loop {
            let urgent = match next.take() {
                Some(Job::RunAlone(work)) => {
                    *alone = Some(work);
                    return false;
                }
                Some(job) => {
                    let urgent = matches!(job, Job::Run(_));
                    batch.push(job);
                    urgent
                }
                None => false,
            };
            if urgent || batch.len() >= BATCH {
                return false;
            }
            let wait = latest.saturating_sub(self.clock.now()).min(LINGER);
            match self.receiver.recv_timeout(wait) {
                Ok(job) => next = Some(job),
                Err(RecvTimeoutError::Timeout) => return false,
                Err(RecvTimeoutError::Disconnected) => return true,
            }
        }
    }

    /// Commits a batch, however long the disk refuses; false when it was given up at the end.
    fn write(&mut self, batch: Vec<Job>) -> bool {
        let mut kept = batch;
        let mut wait = RETRY_FIRST;
        let mut patience = CLOSE_PATIENCE;
        loop {
            let mut finishes = Vec::new();
            let result = self.commit(&mut kept, &mut finishes);
            for finish in finishes {
                finish(result.clone());
            }
            let Err(error) = result else {
                self.succeeded(&kept);
                return true;
            };
            if kept.is_empty() {
                return true;
            }
            self.failed(&error);
            if patience.is_zero() {
                self.shared.state.lock().lost = kept.len();
                return false;
            }
            if self.sleep(wait, &mut kept) {
                patience = patience.saturating_sub(RETRY_FIRST);
                wait = RETRY_FIRST;
            } else {
                wait = (wait * 2).min(RETRY_MOST);
            }
        }
    }

    /// One transaction. Jobs that run once are taken out of `batch`, their ends into `finishes`.
    fn commit(
        &mut self,
        batch: &mut Vec<Job>,
        finishes: &mut Vec<Finish>,
    ) -> Result<(), StorageError> {
        let path = self.database.path().to_owned();
        let failed = |e: rusqlite::Error| StorageError::from_sqlite(&path, &e);
        let now = self.clock.unix_ms();
        let documents = &mut self.documents;
        let transaction = self
            .database
            .connection_mut()
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate);
        let transaction = match transaction {
            Ok(transaction) => transaction,
            Err(e) => {
                let error = failed(e);
                self.shared.state.lock().failing = Some(error.clone());
                drop_jobs_with_waiters(batch);
                return Err(error);
            }
        };
        let mut result = Ok(());
        let mut kept = Vec::with_capacity(batch.len());
        for job in batch.drain(..) {
            match job {
                Job::Run(run) => finishes.push(run(&transaction)),
                job => {
                    if result.is_ok() {
                        result = write_one(&transaction, documents, &job, now).map_err(failed);
                    }
                    kept.push(job);
                }
            }
        }
        *batch = kept;
        let result = result.and_then(|()| transaction.commit().map_err(failed));
        if result.is_err() {
            documents.clear();
        }
        result
    }

    fn succeeded(&self, written: &[Job]) {
        let last = written.iter().rev().find_map(|job| match job {
            Job::Append { generation, .. } => Some(*generation),
            _ => None,
        });
        let recovered = {
            let mut state = self.shared.state.lock();
            if let Some(Generation(last)) = last {
                self.shared.durable.store(last, Ordering::Release);
            }
            self.shared.changed.notify_all();
            state.failing.take().is_some()
        };
        if recovered {
            self.tell(&StoreEvent::Recovered);
        }
        if let Some(generation) = last {
            self.tell(&StoreEvent::Durable(generation));
        }
    }

    fn failed(&self, error: &StorageError) {
        let is_news = {
            let mut state = self.shared.state.lock();
            let is_news = state.failing.as_ref() != Some(error);
            state.failing = Some(error.clone());
            is_news
        };
        if is_news {
            tracing::error!(target: "storage", %error, "writing failed and is tried again");
            self.tell(&StoreEvent::Failing(error.clone()));
        }
    }

    fn tell(&self, event: &StoreEvent) {
        if let Some(listener) = self.shared.listener.lock().as_ref() {
            listener(event);
        }
    }

    /// Waits before the next attempt and takes what arrives meanwhile as far as the batch has
    /// room: order holds, as it comes after everything that waits already. Those who wait for an
    /// answer get it. True when the store is being closed; then the wait is short.
    fn sleep(&self, wait: Duration, kept: &mut Vec<Job>) -> bool {
        let until = Instant::now() + wait;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if kept.len() >= BATCH {
                std::thread::sleep(left);
                return false;
            }
            match self.receiver.recv_timeout(left) {
                Ok(job) => {
                    let mut one = vec![job];
                    drop_jobs_with_waiters(&mut one);
                    kept.append(&mut one);
                }
                Err(RecvTimeoutError::Timeout) => return false,
                Err(RecvTimeoutError::Disconnected) => {
                    std::thread::sleep(left.min(RETRY_FIRST));
                    return true;
                }
            }
        }
    }
}

/// Takes out the jobs that somebody waits for. Dropping the work drops its answer channel, and
/// the waiting side reports why writing fails. Updates and snapshots stay.
fn drop_jobs_with_waiters(jobs: &mut Vec<Job>) {
    jobs.retain(|job| matches!(job, Job::Append { .. } | Job::Snapshot { .. }));
}

fn write_one(
    connection: &Connection,
    documents: &mut HashMap<Arc<str>, i64>,
    job: &Job,
    now_unix_ms: i64,
) -> rusqlite::Result<()> {
    match job {
        Job::Append {
            generation,
            document,
            bytes,
        } => {
            let id = document_id(connection, documents, document)?;
            connection
                .prepare_cached(
                    "INSERT INTO doc_updates (seq, doc, bytes, checksum) VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute(params![generation.0 as i64, id, bytes, checksum(bytes)])?;
            Ok(())
        }
        Job::Snapshot {
            document,
            upto,
            bytes,
        } => {
            let id = document_id(connection, documents, document)?;
            put_snapshot(connection, id, *upto, bytes, now_unix_ms)
        }
        Job::Run(_) | Job::RunAlone(_) => Ok(()),
    }
}
