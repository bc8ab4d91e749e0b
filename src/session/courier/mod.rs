//! The courier: fetches the pictures that a room's documents name and that are not here, and hands
//! over those that the room's server lacks.
//!
//! Pictures are named by what they hash to, so whatever comes is checked, and asking twice does no
//! harm. A few go at a time, the one that was wanted last first; what fails is tried again ever
//! later. Keys that say no hash (those of a web client's bucket) are left alone: there is nobody to
//! ask for them. Must not know documents. Called by [`super::actor`] and [`super::workspace`].

mod queue;
mod transfer;

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use crate::library::Library;
use crate::library::named::hash_in;

use self::queue::{Errand, Key, Queue, Task};
use self::transfer::{Attached, Failure};
use super::api::Work;

/// Pictures that are on their way at once.
const AT_A_TIME: usize = 3;
/// How often progress is told at most.
const STEP: Duration = Duration::from_millis(100);
/// How long the end waits for threads that wait for a connection.
const PARTING: Duration = Duration::from_secs(2);

/// Where pictures are exchanged.
#[derive(Clone, PartialEq, Eq)]
pub struct PictureServer {
    /// `http://HOST:PORT` or `https://…`; pictures are below `/assets`.
    pub base: String,
    /// What proves that we may.
    pub token: Option<String>,
}

impl std::fmt::Debug for PictureServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PictureServer")
            .field("base", &self.base)
            .field("has_token", &self.token.is_some())
            .finish()
    }
}

/// What a courier tells, on its own threads.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    /// A picture is here: its keys are found in the library from now on.
    Arrived(Vec<String>),
    /// What is on the way; `None` when nothing is.
    Work(Option<Work>),
    /// A sentence about what does not work, once for each kind of trouble with a server.
    Problem(String),
}

/// The threads that fetch and hand over pictures. Dropping it ends what is under way.
pub struct Courier {
    shared: Arc<Shared>,
}

impl std::fmt::Debug for Courier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Courier").finish_non_exhaustive()
    }
}

struct Shared {
    library: Arc<Library>,
    tell: Box<dyn Fn(News) + Send + Sync>,
    state: Mutex<State>,
    /// Something can be done, or it ends.
    woken: Condvar,
    /// A thread has ended.
    ended: Condvar,
    /// Held while work is told, so that what is told last is the newest. Only the courier's own
    /// threads take it: whoever hears it may be slow.
    voice: Mutex<()>,
}

struct State {
    queue: Queue,
    server: Option<(PictureServer, Arc<Attached>)>,
    told_work: Option<Instant>,
    running_threads: usize,
    stop: bool,
}

impl Courier {
    /// Starts it without a server. `tell` is called on its threads and must be quick.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(
        library: Arc<Library>,
        tell: impl Fn(News) + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        let courier = Self {
            shared: Arc::new(Shared {
                library,
                tell: Box::new(tell),
                state: Mutex::new(State {
                    queue: Queue::default(),
                    server: None,
                    told_work: None,
                    running_threads: 0,
                    stop: false,
                }),
                woken: Condvar::new(),
                ended: Condvar::new(),
                voice: Mutex::new(()),
            }),
        };
        for n in 0..AT_A_TIME {
            let shared = Arc::clone(&courier.shared);
            courier.shared.state.lock().running_threads += 1;
            let started = std::thread::Builder::new()
                .name(format!("pictures-{n}"))
                .spawn(move || shared.run());
            if let Err(error) = started {
                courier.shared.state.lock().running_threads -= 1;
                return Err(error);
            }
        }
        Ok(courier)
    }

    /// Sets the room's server, or none. What was wanted from another one before is forgotten; what
    /// was wanted before there was any is kept.
    pub fn set_server(&self, server: Option<PictureServer>) {
        let mut state = self.shared.state.lock();
        if state.server.as_ref().map(|(known, _)| known) == server.as_ref() {
            return;
        }
        if let Some((_, left)) = state.server.take() {
            left.detach();
            state.queue.forget();
        }
        state.queue.new_server();
        state.server = server.map(|server| {
            let attached = Arc::new(Attached::new(&server));
            (server, attached)
        });
        drop(state);
        self.shared.woken.notify_all();
    }

    /// Fetches the pictures of these keys that are not here: the first of them first, and before
    /// all that were wanted earlier. What failed before is tried again, though not sooner than it
    /// would be anyway. A picture whose file a guest has sent here needs no server.
    pub fn want(&self, locations: &[String]) {
        // The latest comes first, so the first has to be the latest.
        for location in locations.iter().rev() {
            let Some(hash) = hash_in(location) else {
                continue;
            };
            if self.shared.library.has_picture(location) {
                continue;
            }
            let is_here = self.shared.library.has_picture_file(&hash);
            let key = Key {
                errand: Errand::Fetch,
                hash,
            };
            let mut state = self.shared.state.lock();
            state.queue.want(key, Some(location), is_here);
        }
        self.shared.woken.notify_all();
    }

    /// Hands the pictures of these keys over to the server, if they are here and it lacks them. Only
    /// a DM may.
    pub fn offer(&self, locations: &[String]) {
        for location in locations.iter().rev() {
            let Some(hash) = hash_in(location) else {
                continue;
            };
            if !self.shared.library.has_picture_file(&hash) {
                continue;
            }
            let key = Key {
                errand: Errand::Offer,
                hash,
            };
            self.shared.state.lock().queue.want(key, None, false);
        }
        self.shared.woken.notify_all();
    }
}

impl Courier {
    /// Pictures are on the way, or wait for their turn.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        let state = self.shared.state.lock();
        state.queue.is_busy(state.server.is_some())
    }
}

impl Drop for Courier {
    fn drop(&mut self) {
        let until = Instant::now() + PARTING;
        let mut state = self.shared.state.lock();
        state.stop = true;
        if let Some((_, server)) = state.server.take() {
            server.detach();
        }
        self.shared.woken.notify_all();
        while state.running_threads > 0 {
            // One that waits for a connection ends by itself when that has come or failed.
            if self.shared.ended.wait_until(&mut state, until).timed_out() {
                return;
            }
        }
    }
}

enum Next {
    Work(Task, Option<Arc<Attached>>),
    Look,
    Stop,
}

impl Shared {
    fn run(&self) {
        loop {
            self.tell_work(true);
            match self.next() {
                Next::Work(task, server) => {
                    self.tell_work(true);
                    let result = self.work(&task, server.as_deref());
                    self.settle(&task, server.as_ref(), result);
                }
                Next::Look => {}
                Next::Stop => break,
            }
        }
        self.state.lock().running_threads -= 1;
        self.ended.notify_all();
    }

    /// What to do; waits when there is nothing, and comes back when that may have changed.
    fn next(&self) -> Next {
        let mut state = self.state.lock();
        if state.stop {
            return Next::Stop;
        }
        let has_server = state.server.is_some();
        if let Some(task) = state.queue.take(Instant::now(), has_server) {
            let server = state.server.as_ref().map(|(_, server)| Arc::clone(server));
            return Next::Work(task, server);
        }
        match state.queue.next_attempt(has_server) {
            Some(at) => {
                self.woken.wait_until(&mut state, at);
            }
            None => self.woken.wait(&mut state),
        }
        Next::Look
    }

    fn work(&self, task: &Task, server: Option<&Attached>) -> Result<(), Failure> {
        let hash = &task.key.hash;
        match (task.key.errand, server) {
            (Errand::Fetch, _) if self.library.has_picture_file(hash) => self
                .library
                .adopt_picture(hash, &task.locations)
                .map_err(|error| {
                    Failure::Useless(format!("A picture of the room cannot be used: {error}"))
                }),
            (_, None) => Err(Failure::Off),
            (Errand::Fetch, Some(server)) => {
                let mut progress = |got: u64, all: u64| {
                    self.state.lock().queue.progress(&task.key, got, all);
                    self.tell_work(false);
                };
                server.fetch(&self.library, hash, &task.locations, &mut progress)
            }
            (Errand::Offer, Some(server)) => server.offer(&self.library, hash),
        }
    }

    fn settle(&self, task: &Task, server: Option<&Arc<Attached>>, result: Result<(), Failure>) {
        let has_arrived = result.is_ok() && task.key.errand == Errand::Fetch;
        let problem = {
            let mut state = self.state.lock();
            let current = state.server.as_ref().map(|(_, current)| current);
            let is_current = match (current, server) {
                (Some(current), Some(server)) => Arc::ptr_eq(current, server),
                (None, None) => true,
                _ => false,
            };
            // A server that was left says nothing about the one that came after it.
            let result = match result {
                Err(_) if !is_current => Err(Failure::Off),
                result => result,
            };
            state.queue.settle(&task.key, result, Instant::now())
        };
        self.woken.notify_all();
        if has_arrived {
            (self.tell)(News::Arrived(task.locations.clone()));
        }
        if let Some(problem) = problem {
            (self.tell)(News::Problem(problem));
        }
    }

    /// Tells what is on the way; in between not more often than people can read.
    fn tell_work(&self, at_once: bool) {
        let _voice = self.voice.lock();
        let work = {
            let mut state = self.state.lock();
            let now = Instant::now();
            let is_due = state.told_work.is_none_or(|told| now >= told + STEP);
            if state.stop || !(at_once || is_due) {
                return;
            }
            let has_server = state.server.is_some();
            let Some(work) = state.queue.news(has_server) else {
                return;
            };
            state.told_work = Some(now);
            work
        };
        (self.tell)(News::Work(work));
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
