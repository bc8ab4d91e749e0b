//! What is wanted, in which order, and what became of it; without threads and without I/O.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use crate::model::id::PictureHash;
use crate::session::api::Work;

use super::transfer::{Failure, wait_after};

/// Errands that are remembered; the oldest are forgotten and may be asked for again.
const MOST_TASKS: usize = 4096;
/// A picture that a server lacks may be on its way there from whoever put it on the table: it is
/// looked for again so many times, ever later, for some minutes in all.
const LOOKS_FOR_ABSENT: u32 = 8;
/// The first of these waits.
const ABSENT_WAIT: Duration = Duration::from_secs(1);
/// Pictures that turned out useless are asked for once more: the bytes may have been damaged.
const LOOKS_FOR_USELESS: u32 = 2;
/// A server that refused is not asked again sooner than this, however often somebody asks.
const AFTER_REFUSAL: Duration = Duration::from_secs(60);
/// Pictures that a server is remembered to have.
const MOST_KNOWN: usize = 1 << 16;
/// Failures in a row before a person hears of them.
const PATIENCE: u32 = 3;

/// The failures of what nobody waits for any more.
const FORGOTTEN: u32 = u32::MAX;

/// Which way a picture goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Errand {
    /// To us.
    Fetch,
    /// To the server.
    Offer,
}

/// An errand is known by this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) errand: Errand,
    pub(super) hash: PictureHash,
}

/// What somebody is to do.
#[derive(Debug, Clone)]
pub(super) struct Task {
    pub(super) key: Key,
    pub(super) locations: Vec<String>,
}

#[derive(Debug)]
struct Entry {
    task: Task,
    status: Status,
    /// It needs no server.
    is_here: bool,
    failures: u32,
    /// The server did not have it when it was asked last.
    is_missing: bool,
    not_before: Option<Instant>,
    /// The keys that whoever runs it knows of.
    known_locations: usize,
    got: u64,
    all: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Waits,
    Runs,
    /// Waits for something that may never come, so it is no progress to speak of.
    Absent,
    /// Nothing is tried until somebody asks anew.
    GivenUp,
    /// Nothing is tried with this server any more, however often somebody asks.
    Useless,
}

impl Entry {
    const fn may_run(&self, has_server: bool) -> bool {
        let waits = matches!(self.status, Status::Waits | Status::Absent);
        waits && (self.is_here || has_server)
    }

    /// Somebody may look forward to it.
    fn is_on_the_way(&self, has_server: bool) -> bool {
        let is_tried = self.status == Status::Waits && self.may_run(has_server);
        self.failures != FORGOTTEN && (is_tried || self.status == Status::Runs)
    }
}

/// Kinds of trouble that are told once.
#[derive(Debug, Default)]
struct Told {
    passing: bool,
    absent: bool,
    refused: bool,
    useless: bool,
}

/// The errands; the latest wanted is last.
#[derive(Debug, Default)]
pub(super) struct Queue {
    entries: Vec<Entry>,
    /// Done of those that were wanted since nothing was.
    done: [usize; 2],
    told: Told,
    /// What the server has: whoever has a document's pictures offers them again and again.
    there: HashSet<PictureHash>,
    /// When the server has refused, by errand.
    refused: [Option<Instant>; 2],
    told_work: Option<Work>,
}

impl Queue {
    /// Something is wanted, or wanted again.
    pub(super) fn want(&mut self, key: Key, location: Option<&String>, is_here: bool) {
        if key.errand == Errand::Offer && self.there.contains(&key.hash) {
            return;
        }
        let entry = match self.entries.iter().position(|entry| entry.task.key == key) {
            Some(at) => self.entries.remove(at),
            None => Entry {
                task: Task {
                    key,
                    locations: Vec::new(),
                },
                status: Status::Waits,
                is_here: false,
                failures: 0,
                is_missing: false,
                not_before: None,
                known_locations: 0,
                got: 0,
                all: 0,
            },
        };
        self.entries.push(entry);
        if let Some(entry) = self.entries.last_mut() {
            if let Some(location) = location
                && !entry.task.locations.contains(location)
            {
                entry.task.locations.push(location.clone());
            }
            if entry.failures == FORGOTTEN {
                entry.failures = 0;
            }
            if is_here && !entry.is_here {
                entry.is_here = true;
                entry.not_before = None;
            }
            let refused = self.refused.get(entry.task.key.errand as usize);
            let is_refused = refused
                .and_then(|at| *at)
                .is_some_and(|at| at.elapsed() < AFTER_REFUSAL);
            let may_ask = entry.is_here || !is_refused;
            entry.status = match entry.status {
                Status::Waits | Status::Absent | Status::GivenUp if !may_ask => Status::GivenUp,
                Status::GivenUp if entry.is_missing && !entry.is_here => Status::Absent,
                Status::GivenUp => Status::Waits,
                status => status,
            };
        }
        if self.entries.len() > MOST_TASKS
            && let Some(at) = self.entries.iter().position(|e| e.status != Status::Runs)
        {
            self.entries.remove(at);
        }
    }

    /// Everything that is not under way is forgotten.
    pub(super) fn forget(&mut self) {
        self.entries.retain(|entry| entry.status == Status::Runs);
        for entry in &mut self.entries {
            // What comes after all is welcome; nobody waits for it.
            entry.failures = FORGOTTEN;
        }
    }

    /// Another server knows nothing of what the last one did.
    pub(super) fn new_server(&mut self) {
        self.told = Told::default();
        self.refused = [None; 2];
        self.there.clear();
        for entry in &mut self.entries {
            entry.not_before = None;
            if entry.status != Status::Runs {
                entry.status = Status::Waits;
            }
        }
    }

    /// Takes what is wanted most and may be tried now.
    pub(super) fn take(&mut self, now: Instant, has_server: bool) -> Option<Task> {
        let is_due = |entry: &Entry| {
            entry.not_before.is_none_or(|at| at <= now) && entry.may_run(has_server)
        };
        // What we lack is missing on the screen; what others lack can wait for that.
        let find = |errand| {
            let fits = |entry: &Entry| entry.task.key.errand == errand && is_due(entry);
            self.entries.iter().rposition(fits)
        };
        let at = find(Errand::Fetch).or_else(|| find(Errand::Offer))?;
        let entry = self.entries.get_mut(at)?;
        entry.status = Status::Runs;
        entry.known_locations = entry.task.locations.len();
        (entry.got, entry.all) = (0, 0);
        Some(entry.task.clone())
    }

    /// When something may be tried next.
    pub(super) fn next_attempt(&self, has_server: bool) -> Option<Instant> {
        let waiting = self
            .entries
            .iter()
            .filter(|entry| entry.may_run(has_server));
        waiting.filter_map(|entry| entry.not_before).min()
    }

    /// So many bytes of it are here.
    pub(super) fn progress(&mut self, key: &Key, got: u64, all: u64) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.task.key == *key) {
            (entry.got, entry.all) = (got, all);
        }
    }

    /// It was done, or failed; a sentence when a person has to hear of it.
    pub(super) fn settle(
        &mut self,
        key: &Key,
        result: Result<(), Failure>,
        now: Instant,
    ) -> Option<String> {
        let at = self
            .entries
            .iter()
            .position(|entry| entry.task.key == *key)?;
        let entry = self.entries.get_mut(at)?;
        let was_forgotten = entry.failures == FORGOTTEN;
        let errand = key.errand;
        let failure = match result {
            // Another key came meanwhile; the file is here.
            Ok(()) if entry.task.locations.len() > entry.known_locations => {
                entry.status = Status::Waits;
                entry.is_here = true;
                entry.failures = 0;
                return None;
            }
            Ok(()) => {
                if !entry.is_here && !was_forgotten && self.there.len() < MOST_KNOWN {
                    self.there.insert(key.hash.clone());
                }
                self.entries.remove(at);
                if let Some(done) = self.done.get_mut(errand as usize) {
                    *done += 1;
                }
                return None;
            }
            Err(_) if was_forgotten => {
                self.entries.remove(at);
                return None;
            }
            Err(failure) => failure,
        };
        entry.status = Status::Waits;
        if matches!(failure, Failure::Off) {
            return None;
        }
        // The file that was here may have been of no use.
        entry.is_here = false;
        entry.is_missing = matches!(failure, Failure::Absent);
        entry.failures += 1;
        let failures = entry.failures;
        match failure {
            Failure::Off => None,
            Failure::Passing(reason) => {
                entry.not_before = Some(now + wait_after(failures));
                let is_told =
                    failures >= PATIENCE && !std::mem::replace(&mut self.told.passing, true);
                is_told.then(|| match errand {
                    Errand::Fetch => format!(
                        "Pictures of the room do not come at the moment ({reason}); it goes on by \
                         itself as soon as that works again"
                    ),
                    Errand::Offer => format!(
                        "Pictures do not get to the room at the moment ({reason}), so others do not \
                         see them yet; it goes on by itself as soon as that works again"
                    ),
                })
            }
            Failure::Absent => {
                entry.status = Status::Absent;
                let wait = ABSENT_WAIT.saturating_mul(1 << failures.min(10));
                entry.not_before = Some(now + wait.min(Duration::from_secs(60)));
                if failures < LOOKS_FOR_ABSENT {
                    return None;
                }
                entry.status = Status::GivenUp;
                let is_told = !std::mem::replace(&mut self.told.absent, true);
                is_told.then(|| {
                    "Some pictures of this game are not in its room, so their places stay empty; they \
                     come when somebody who has them joins"
                        .to_owned()
                })
            }
            Failure::Refused(reason) => {
                // Only the one way may be closed: a viewer may fetch and not hand over.
                let same_way = |entry: &&mut Entry| {
                    let waits = matches!(entry.status, Status::Waits | Status::Absent);
                    entry.task.key.errand == errand && waits && !entry.is_here
                };
                for entry in self.entries.iter_mut().filter(same_way) {
                    entry.status = Status::GivenUp;
                }
                if let Some(refused) = self.refused.get_mut(errand as usize) {
                    *refused = Some(now);
                }
                let is_told = !std::mem::replace(&mut self.told.refused, true);
                is_told.then(|| match errand {
                    Errand::Fetch => format!("The room gives no pictures to this code: {reason}"),
                    Errand::Offer => format!(
                        "The room takes no pictures from this code, so others do not see those that \
                         you add: {reason}"
                    ),
                })
            }
            Failure::Useless(sentence) => {
                entry.not_before = Some(now + wait_after(failures));
                if failures < LOOKS_FOR_USELESS {
                    return None;
                }
                entry.status = Status::Useless;
                let is_told = !std::mem::replace(&mut self.told.useless, true);
                is_told.then_some(sentence)
            }
        }
    }

    /// Something is on the way, or waits for its turn.
    pub(super) fn is_busy(&self, has_server: bool) -> bool {
        self.entries
            .iter()
            .any(|entry| entry.is_on_the_way(has_server))
    }

    /// What is on the way, when that is something else than was said last.
    #[expect(clippy::cast_precision_loss, reason = "a share that is drawn")]
    pub(super) fn news(&mut self, has_server: bool) -> Option<Option<Work>> {
        let mut work = None;
        for (errand, verb) in [(Errand::Fetch, "Fetching"), (Errand::Offer, "Sending")] {
            let is_open =
                |entry: &&Entry| entry.task.key.errand == errand && entry.is_on_the_way(has_server);
            let open: Vec<&Entry> = self.entries.iter().filter(is_open).collect();
            let done = self.done.get_mut(errand as usize);
            if open.is_empty() {
                if let Some(done) = done {
                    *done = 0;
                }
                continue;
            }
            let done = done.map_or(0, |done| *done);
            let all = done + open.len();
            let shares = open
                .iter()
                .map(|entry| entry.got as f32 / entry.all.max(1) as f32);
            let share = (done as f32 + shares.sum::<f32>()) / all as f32;
            let what = if all == 1 {
                format!("{verb} a picture")
            } else {
                format!("{verb} {} of {all} pictures", done + 1)
            };
            if work.is_none() {
                work = Some(Work {
                    what: what.into(),
                    done: Some(share),
                });
            }
        }
        if work == self.told_work {
            return None;
        }
        self.told_work.clone_from(&work);
        Some(work)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn key(errand: Errand, name: &str) -> Key {
        Key {
            errand,
            hash: PictureHash::new(name),
        }
    }

    fn fetch(name: &str) -> Key {
        key(Errand::Fetch, name)
    }

    fn queue(names: &[&str]) -> Queue {
        let mut queue = Queue::default();
        for name in names {
            queue.want(fetch(name), Some(&format!("map/{name}.png")), false);
        }
        queue
    }

    fn taken(queue: &mut Queue, now: Instant) -> Option<String> {
        queue
            .take(now, true)
            .map(|task| task.key.hash.as_str().to_owned())
    }

    #[test]
    fn the_latest_wanted_comes_first_and_what_others_lack_last() {
        let mut queue = queue(&["a", "b", "c"]);
        queue.want(key(Errand::Offer, "d"), None, false);
        queue.want(fetch("a"), Some(&"token/a.png".to_owned()), false);
        let now = Instant::now();
        assert!(queue.take(now, false).is_none(), "there is no server");
        assert_eq!(queue.news(false), None, "and nothing is on the way");
        let first = queue.take(now, true).unwrap();
        assert_eq!(first.locations, ["map/a.png", "token/a.png"]);
        let rest: Vec<_> = std::iter::from_fn(|| taken(&mut queue, now)).collect();
        assert_eq!(rest, ["c", "b", "d"]);
    }

    #[test]
    fn what_fails_is_tried_ever_later_and_told_once() {
        let mut queue = queue(&["a", "b"]);
        let mut now = Instant::now();
        let mut told = 0;
        let mut last_wait = Duration::ZERO;
        for _ in 0..40 {
            while let Some(task) = queue.take(now, true) {
                let failure = Err(Failure::Passing("gone".into()));
                told += usize::from(queue.settle(&task.key, failure, now).is_some());
            }
            let next = queue.next_attempt(true).unwrap();
            last_wait = next - now;
            now = next;
        }
        assert_eq!(told, 1);
        assert!(last_wait > Duration::from_millis(1), "{last_wait:?}");
        // Another server is another story.
        queue.new_server();
        assert!(taken(&mut queue, now).is_some());
    }

    #[test]
    fn what_a_server_lacks_is_looked_for_for_some_minutes_and_then_when_asked_anew() {
        let mut queue = queue(&["a"]);
        let begin = Instant::now();
        let mut now = begin;
        let mut told = Vec::new();
        while let Some(name) = taken(&mut queue, now) {
            told.extend(queue.settle(&fetch(&name), Err(Failure::Absent), now));
            assert_eq!(
                queue.news(true).unwrap_or_default(),
                None,
                "nothing is on the way"
            );
            now = queue.next_attempt(true).unwrap_or(now);
        }
        assert_eq!(told.len(), 1);
        assert!(now - begin > Duration::from_secs(60), "{:?}", now - begin);
        assert!(now - begin < Duration::from_secs(600));
        queue.want(fetch("a"), None, false);
        assert_eq!(taken(&mut queue, now), None, "no sooner for being asked");
        assert_eq!(queue.news(true), None, "nor is it on the way");
        assert!(taken(&mut queue, now + Duration::from_secs(60)).is_some());
    }

    #[test]
    fn a_server_that_refuses_is_left_alone() {
        let mut queue = queue(&["a", "b", "c"]);
        let now = Instant::now();
        let name = taken(&mut queue, now).unwrap();
        let refused = Err(Failure::Refused("no".into()));
        assert!(queue.settle(&fetch(&name), refused, now).is_some());
        assert_eq!(taken(&mut queue, now), None);
        assert_eq!(queue.next_attempt(true), None);
        assert_eq!(queue.news(true), None, "nothing is on the way");
        queue.want(fetch("a"), None, false);
        assert_eq!(
            taken(&mut queue, now),
            None,
            "so soon it is not asked again"
        );
        // A file that a guest sent needs no server.
        queue.want(fetch("b"), None, true);
        assert_eq!(taken(&mut queue, now).as_deref(), Some("b"));
        // The other way is another question.
        queue.want(key(Errand::Offer, "d"), None, false);
        assert_eq!(taken(&mut queue, now).as_deref(), Some("d"));
    }

    #[test]
    fn progress_counts_pictures_and_their_bytes() {
        let mut queue = queue(&["a", "b"]);
        let now = Instant::now();
        let says = |queue: &mut Queue| {
            queue
                .news(true)
                .flatten()
                .map(|work| (work.what.to_string(), work.done))
        };
        let first = taken(&mut queue, now).unwrap();
        queue.progress(&fetch(&first), 50, 100);
        let halfway = ("Fetching 1 of 2 pictures".to_owned(), Some(0.25));
        assert_eq!(says(&mut queue), Some(halfway));
        assert_eq!(queue.news(true), None, "nothing new");
        assert_eq!(queue.settle(&fetch(&first), Ok(()), now), None);
        let second = ("Fetching 2 of 2 pictures".to_owned(), Some(0.5));
        assert_eq!(says(&mut queue), Some(second));
        let last = taken(&mut queue, now).unwrap();
        queue.settle(&fetch(&last), Ok(()), now);
        assert_eq!(queue.news(true), Some(None), "it is over");
    }

    #[test]
    fn what_the_server_has_is_not_offered_again() {
        let mut queue = queue(&["fetched"]);
        let now = Instant::now();
        queue.want(key(Errand::Offer, "offered"), None, false);
        while let Some(task) = queue.take(now, true) {
            assert_eq!(queue.settle(&task.key, Ok(()), now), None);
        }
        for name in ["fetched", "offered"] {
            queue.want(key(Errand::Offer, name), None, false);
        }
        assert!(queue.take(now, true).is_none());
        queue.new_server();
        queue.want(key(Errand::Offer, "offered"), None, false);
        assert!(
            queue.take(now, true).is_some(),
            "another server may lack it"
        );
    }

    #[test]
    fn what_is_of_no_use_is_not_fetched_again_and_again() {
        let mut queue = queue(&["a"]);
        let mut now = Instant::now();
        let mut told = 0;
        for _ in 0..10 {
            queue.want(fetch("a"), None, false);
            while let Some(task) = queue.take(now, true) {
                let useless = Err(Failure::Useless("bad".into()));
                told += usize::from(queue.settle(&task.key, useless, now).is_some());
                now += Duration::from_secs(60);
            }
        }
        assert_eq!(told, 1);
        assert_eq!(queue.entries.first().map(|entry| entry.failures), Some(2));
        assert_eq!(queue.news(true), None, "nothing is on the way");
    }

    #[test]
    fn what_is_wanted_while_it_comes_is_not_lost() {
        let mut queue = queue(&["a"]);
        let now = Instant::now();
        let task = queue.take(now, true).unwrap();
        queue.want(fetch("a"), Some(&"token/a.png".to_owned()), false);
        queue.settle(&task.key, Ok(()), now);
        let again = queue.take(now, false).unwrap();
        assert_eq!(again.locations, ["map/a.png", "token/a.png"]);
        // The server is left while it comes, and the next room names it too.
        queue.forget();
        queue.want(fetch("a"), None, false);
        queue.settle(&again.key, Err(Failure::Off), now);
        assert!(queue.take(now, true).is_some());
        // It is left again, and nobody wants it any more.
        queue.forget();
        queue.settle(&again.key, Err(Failure::Off), now);
        assert!(queue.take(now, true).is_none());
    }

    #[test]
    fn the_queue_is_bounded() {
        let names: Vec<String> = (0..MOST_TASKS + 10).map(|n| n.to_string()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut queue = queue(&names);
        assert_eq!(queue.entries.len(), MOST_TASKS);
        let latest = names.last().map(|name| (*name).to_owned());
        assert_eq!(taken(&mut queue, Instant::now()), latest);
    }
}
