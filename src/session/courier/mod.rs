//! The courier: fetches the pictures that a room's documents name and that are not here, and hands
//! over those that the room's server lacks.
//!
//! Pictures are named by what they hash to, so whatever comes is checked, and asking twice does no
//! harm. A few go at a time, the one that was wanted last first; what fails is tried again ever
//! later. Keys that say no hash are those of a web client's bucket: if somebody said where that is,
//! they are fetched from there. Must not know documents. Called by [`super::actor`] and
//! [`super::workspace`].

mod queue;
mod tiled;
mod transfer;
mod trouble;
mod web;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use crate::library::Library;
use crate::library::named::{hash_in, is_web_key};
use crate::model::id::PictureHash;
use crate::model::scene::CUT_MAPS;

use self::queue::{Key, Queue, Reach, Side, Task};
use self::transfer::{Attached, Failure};
use super::api::{Lack, Work};
use super::picture_address::PictureAddress;

/// Pictures that are on their way at once.
const AT_A_TIME: usize = 3;
/// How often progress is told at most.
const STEP: Duration = Duration::from_millis(100);
/// Larger pictures are shown coarse while they are on their way.
const LONG_BYTES: u64 = 512 << 10;
/// How long the end waits for threads that wait for a connection.
const PARTING: Duration = Duration::from_secs(2);

/// Where pictures are exchanged with the room.
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
    /// A coarse picture is here that is shown until the one of these keys is.
    Coarse(Vec<String>),
    /// What is on the way; `None` when nothing is.
    Work(Option<Work>),
    /// The keys of all pictures that were wanted and cannot be had as far as is known, and why.
    Lacking(Arc<BTreeMap<String, Lack>>),
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
    web: Option<(PictureAddress, Arc<Attached>)>,
    told_work: Option<Instant>,
    /// Something was not told because it came too soon after the last.
    owes_work: bool,
    running_threads: usize,
    stop: bool,
}

impl State {
    const fn reach(&self) -> Reach {
        Reach {
            room: self.server.is_some(),
            web: self.web.is_some(),
        }
    }

    /// Whom an errand asks, if there is anybody.
    fn attached(&self, key: &Key) -> Option<&Arc<Attached>> {
        match key {
            Key::Fetch(_) | Key::Offer(_) => self.server.as_ref().map(|(_, server)| server),
            Key::Web(_) => self.web.as_ref().map(|(_, server)| server),
        }
    }
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
                    web: None,
                    told_work: None,
                    owes_work: false,
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
            state.queue.forget(Side::Room);
        }
        state.queue.new_server(Side::Room);
        state.server = server.map(|server| {
            let attached = Arc::new(Attached::to_room(&server));
            (server, attached)
        });
        drop(state);
        self.shared.woken.notify_all();
    }

    /// Sets where the pictures of web clients are, or nowhere. What was wanted from elsewhere before is
    /// forgotten.
    pub fn set_web(&self, address: Option<PictureAddress>) {
        let mut state = self.shared.state.lock();
        if state.web.as_ref().map(|(known, _)| known) == address.as_ref() {
            return;
        }
        if let Some((_, left)) = state.web.take() {
            left.detach();
            state.queue.forget(Side::Web);
        }
        state.queue.new_server(Side::Web);
        if address.is_some() {
            state.queue.has_address();
        }
        state.web = address.map(|address| {
            let attached = Arc::new(Attached::to_web(&address));
            (address, attached)
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
            if self.shared.library.has_picture(location) {
                continue;
            }
            let (key, is_here) = match hash_in(location) {
                Some(hash) => {
                    let is_here = self.shared.library.has_picture_file(&hash);
                    (Key::Fetch(hash), is_here)
                }
                None if is_web_key(location) => (Key::Web(location.clone()), false),
                None => continue,
            };
            let mut state = self.shared.state.lock();
            if matches!(key, Key::Web(_)) && state.web.is_none() {
                // The map that players may not see is no file.
                if !location.starts_with(CUT_MAPS) {
                    state.queue.lacks_address(location);
                }
                continue;
            }
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
            let mut state = self.shared.state.lock();
            state.queue.want(Key::Offer(hash), None, false);
        }
        self.shared.woken.notify_all();
    }
}

impl Courier {
    /// Pictures are on the way, or wait for their turn.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        let state = self.shared.state.lock();
        state.queue.is_busy(state.reach())
    }
}

impl Drop for Courier {
    fn drop(&mut self) {
        let until = Instant::now() + PARTING;
        let mut state = self.shared.state.lock();
        state.stop = true;
        let room = state.server.take().map(|(_, server)| server);
        let web = state.web.take().map(|(_, server)| server);
        for server in room.into_iter().chain(web) {
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
    /// Something may have changed; whether that is told at once.
    Look(bool),
    Stop,
}

impl Shared {
    fn run(self: &Arc<Self>) {
        let mut at_once = true;
        loop {
            self.tell_work(at_once);
            at_once = match self.next() {
                Next::Work(task, server) => {
                    self.tell_work(true);
                    let result = self.work(&task, server.as_ref());
                    self.settle(&task, server.as_ref(), result);
                    true
                }
                Next::Look(at_once) => at_once,
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
        let reach = state.reach();
        if let Some(task) = state.queue.take(Instant::now(), reach) {
            let server = state.attached(&task.key).map(Arc::clone);
            return Next::Work(task, server);
        }
        let owed = state.told_work.filter(|_| state.owes_work);
        let owed = owed.map(|told| told + STEP);
        match state
            .queue
            .next_attempt(reach)
            .into_iter()
            .chain(owed)
            .min()
        {
            Some(at) => {
                self.woken.wait_until(&mut state, at);
            }
            None => self.woken.wait(&mut state),
        }
        Next::Look(!state.owes_work)
    }

    fn work(self: &Arc<Self>, task: &Task, server: Option<&Arc<Attached>>) -> Result<(), Failure> {
        let mut progress = |got: u64, all: u64| {
            self.state.lock().queue.progress(&task.key, got, all);
            self.tell_work(false);
        };
        match (&task.key, server) {
            (Key::Fetch(hash), _) if self.library.has_picture_file(hash) => self
                .library
                .adopt_picture(hash, &task.locations)
                .map_err(|error| {
                    Failure::Useless(format!("A picture of the room cannot be used: {error}"))
                }),
            (_, None) => Err(Failure::Off),
            (Key::Fetch(hash), Some(server)) => {
                let (library, locations) = (&self.library, &task.locations);
                if locations.iter().any(|it| it.starts_with(CUT_MAPS)) {
                    let mut coarse = |map| self.show_coarse(hash, task, server, Some(map));
                    return server.fetch_tiled(
                        library,
                        hash,
                        locations,
                        &mut coarse,
                        &mut progress,
                    );
                }
                let mut is_shown = false;
                let mut progress = |got: u64, all: u64| {
                    if all > LONG_BYTES && !std::mem::replace(&mut is_shown, true) {
                        self.show_coarse(hash, task, server, None);
                    }
                    progress(got, all);
                };
                server.fetch(library, hash, locations, &mut progress)
            }
            (Key::Offer(hash), Some(server)) => server.offer(&self.library, hash),
            (Key::Web(location), Some(server)) => {
                server.fetch_web(&self.library, location, &mut progress)
            }
        }
    }

    /// Asks for a coarse picture beside the real one. `map` is the name of a map that comes in tiles.
    fn show_coarse(
        self: &Arc<Self>,
        hash: &PictureHash,
        task: &Task,
        server: &Arc<Attached>,
        map: Option<String>,
    ) {
        let (shared, server) = (Arc::clone(self), Arc::clone(server));
        let (hash, locations) = (hash.clone(), task.locations.clone());
        let named = std::thread::Builder::new().name("coarse-picture".into());
        // Without a thread there is none.
        let _ = named.spawn(move || {
            if server.fetch_coarse(&shared.library, &hash, map.as_deref(), &locations) {
                (shared.tell)(News::Coarse(locations));
            }
        });
    }

    fn settle(&self, task: &Task, server: Option<&Arc<Attached>>, result: Result<(), Failure>) {
        let has_arrived = result.is_ok() && !matches!(task.key, Key::Offer(_));
        let problem = {
            let mut state = self.state.lock();
            let is_current = match (state.attached(&task.key), server) {
                (Some(current), Some(server)) => Arc::ptr_eq(current, server),
                (None, None) => true,
                _ => false,
            };
            // A server that was left says nothing about the one that came after it.
            let result = match result {
                Err(_) if !is_current => Err(Failure::Off),
                result => result,
            };
            let failure = state.queue.settle(&task.key, result, Instant::now());
            let web = state.web.as_ref().map(|(address, _)| address.host());
            failure.map(|it| trouble::sentence(&task.key, it, web.unwrap_or_default()))
        };
        self.woken.notify_all();
        if has_arrived {
            (self.tell)(News::Arrived(task.locations.clone()));
        }
        if let Some(problem) = problem {
            (self.tell)(News::Problem(problem));
        }
    }

    /// Tells what cannot be had and what is on the way; in between not more often than people can read.
    fn tell_work(&self, at_once: bool) {
        let _voice = self.voice.lock();
        let lacking = |state: &mut State| state.queue.lacking_news();
        if at_once && let Some(lacking) = lacking(&mut self.state.lock()) {
            (self.tell)(News::Lacking(Arc::new(lacking)));
        }
        let work = {
            let mut state = self.state.lock();
            let now = Instant::now();
            let is_due = state.told_work.is_none_or(|told| now >= told + STEP);
            if state.stop {
                return;
            }
            if !(at_once || is_due) {
                // Whoever has nothing else to do says it when it is time: what comes may stop coming.
                if !std::mem::replace(&mut state.owes_work, true) {
                    self.woken.notify_one();
                }
                return;
            }
            state.owes_work = false;
            let reach = state.reach();
            let Some(work) = state.queue.news(reach) else {
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

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod web_tests;
