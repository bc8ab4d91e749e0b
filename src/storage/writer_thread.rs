//! What the storage thread does with the jobs that [`super::writer::Store`] queues: batches, one
//! transaction each, and trying again while the disk refuses.
//!
//! Must not know: who waits for what. Called by [`super::writer`] alone.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};
use parking_lot::{Condvar, Mutex};
use rusqlite::{Connection, params};

use super::database::{Database, checksum};
use super::error::StorageError;
use super::log::{document_id, put_snapshot};
use super::writer::{Generation, LINGER, Listener, StoreEvent};
use crate::util::clock::Clock;

/// No batch waits longer than this for its commit to begin.
const LINGER_MOST: Duration = Duration::from_millis(20);
/// The most writes of one transaction.
const BATCH: usize = 1024;
const RETRY_FIRST: Duration = Duration::from_millis(250);
const RETRY_MOST: Duration = Duration::from_secs(4);
/// How long closing goes on trying while the disk refuses.
const CLOSE_PATIENCE: Duration = Duration::from_secs(3);

pub(super) type Finish = Box<dyn FnOnce(Result<(), StorageError>) + Send>;
pub(super) type Run = Box<dyn FnOnce(&Connection) -> Finish + Send>;
pub(super) type RunAlone = Box<dyn FnOnce(&mut Database) + Send>;

pub(super) enum Job {
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

#[derive(Default)]
pub(super) struct Shared {
    pub(super) durable: AtomicU64,
    pub(super) state: Mutex<State>,
    pub(super) changed: Condvar,
    pub(super) listener: Mutex<Option<Listener>>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) failing: Option<StorageError>,
    /// Updates that closing could not save.
    pub(super) lost: usize,
    pub(super) ended: bool,
}

/// The storage thread's own.
pub(super) struct Worker {
    pub(super) database: Database,
    pub(super) receiver: Receiver<Job>,
    pub(super) shared: Arc<Shared>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) documents: HashMap<Arc<str>, i64>,
}

impl Worker {
    /// Works until the store is closed and everything is written or given up.
    pub(super) fn work(mut self) {
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
