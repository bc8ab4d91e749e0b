//! What is wanted, in which order, and what became of it; without threads and without I/O.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::{Duration, Instant};

use crate::model::id::PictureHash;
use crate::model::scene::CUT_MAPS;
use crate::session::api::{Lack, Work};

use super::transfer::{Failure, wait_after};

/// Errands that are remembered; the oldest are forgotten and may be asked for again.
const MOST_TASKS: usize = 4096;
/// A picture that a server lacks may be on its way there from whoever put it on the table: it is
/// looked for again so many times, ever later, for some minutes in all.
const LOOKS_FOR_ABSENT: u32 = 8;
/// A map that was cut out for players is replaced when its fog changes.
const LOOKS_FOR_CUT: u32 = 3;
/// Half of the first of these waits.
const ABSENT_WAIT: Duration = Duration::from_secs(1);
/// Half of the first wait for what a bucket lacks: web clients put a picture there before they name
/// it.
const WEB_ABSENT_WAIT: Duration = Duration::from_millis(250);
/// Pictures that turned out useless are asked for once more: the bytes may have been damaged.
const LOOKS_FOR_USELESS: u32 = 2;
/// A server that refused is not asked again sooner than this, however often somebody asks.
const AFTER_REFUSAL: Duration = Duration::from_secs(60);
/// Pictures that a server is remembered to have.
const MOST_KNOWN: usize = 1 << 16;
/// After so many attempts in a row that brought nothing, pictures are said to wait and not to go.
const STUCK: u32 = 2;
/// Failures in a row before a person hears of them.
const PATIENCE: u32 = 3;

/// The failures of what nobody waits for any more.
const FORGOTTEN: u32 = u32::MAX;

/// Which way a picture goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Errand {
    Fetch,
    Offer,
    Web,
}

/// An errand is known by this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Key {
    /// To us, from the room's server.
    Fetch(PictureHash),
    /// To the room's server.
    Offer(PictureHash),
    /// To us, from where web clients keep theirs: by the documents' key.
    Web(String),
}

impl Key {
    const fn errand(&self) -> Errand {
        match self {
            Self::Fetch(_) => Errand::Fetch,
            Self::Offer(_) => Errand::Offer,
            Self::Web(_) => Errand::Web,
        }
    }
}

/// Who is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// The room's server.
    Room,
    /// Where web clients keep their pictures.
    Web,
}

impl Errand {
    const fn side(self) -> Side {
        match self {
            Self::Fetch | Self::Offer => Side::Room,
            Self::Web => Side::Web,
        }
    }
}

/// Who can be asked now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reach {
    pub(super) room: bool,
    pub(super) web: bool,
}

impl Reach {
    const fn has(self, side: Side) -> bool {
        match side {
            Side::Room => self.room,
            Side::Web => self.web,
        }
    }
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
    /// Why it does not come, when that is more than a connection that may come back.
    lack: Option<Lack>,
    not_before: Option<Instant>,
    /// The keys that whoever runs it knows of.
    known_locations: usize,
    got: u64,
    all: u64,
    /// It was cut off, and whoever runs it waits for a connection.
    is_stalled: bool,
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
    const fn side(&self) -> Side {
        self.task.key.errand().side()
    }

    const fn may_run(&self, reach: Reach) -> bool {
        let waits = matches!(self.status, Status::Waits | Status::Absent);
        waits && (self.is_here || reach.has(self.side()))
    }

    /// Nothing of it is here.
    const fn begin_anew(&mut self) {
        (self.got, self.all, self.is_stalled) = (0, 0, false);
    }

    /// Somebody may look forward to it.
    fn is_on_the_way(&self, reach: Reach) -> bool {
        let is_tried = self.status == Status::Waits && self.may_run(reach);
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
    skipped: bool,
}

/// The errands; the latest wanted is last.
#[derive(Debug, Default)]
pub(super) struct Queue {
    entries: Vec<Entry>,
    /// Done of those that were wanted since nothing was: to us, and from us.
    done: [usize; 2],
    /// By [`Side`].
    told: [Told; 2],
    /// What the server has: whoever has a document's pictures offers them again and again.
    there: HashSet<PictureHash>,
    /// When the room's server has refused, by errand.
    refused: [Option<Instant>; 2],
    /// So many attempts in a row brought nothing, because nobody answers as a rule; by errand.
    in_vain: [u32; 3],
    told_work: Option<Work>,
    /// Keys of web clients that nobody can be asked for.
    homeless: BTreeSet<String>,
    told_lacking: BTreeMap<String, Lack>,
}

impl Queue {
    /// Something is wanted, or wanted again.
    pub(super) fn want(&mut self, key: Key, location: Option<&String>, is_here: bool) {
        if let Key::Offer(hash) = &key
            && self.there.contains(hash)
        {
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
                lack: None,
                not_before: None,
                known_locations: 0,
                got: 0,
                all: 0,
                is_stalled: false,
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
                entry.lack = None;
            }
            let refused = self.refused.get(entry.task.key.errand() as usize);
            let is_refused = refused
                .and_then(|at| *at)
                .is_some_and(|at| at.elapsed() < AFTER_REFUSAL);
            let may_ask = entry.is_here || !is_refused;
            if !may_ask && entry.lack.is_none() && entry.status == Status::Waits {
                entry.lack = Some(Lack::Refused);
            }
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

    /// Everything that one is asked for and that is not under way is forgotten.
    pub(super) fn forget(&mut self, side: Side) {
        self.entries
            .retain(|entry| entry.side() != side || entry.status == Status::Runs);
        for entry in self.entries.iter_mut().filter(|it| it.side() == side) {
            // What comes after all is welcome; nobody waits for it.
            entry.failures = FORGOTTEN;
        }
    }

    /// Another server knows nothing of what the last one did.
    pub(super) fn new_server(&mut self, side: Side) {
        if let Some(told) = self.told.get_mut(side as usize) {
            *told = Told::default();
        }
        self.in_vain = [0; 3];
        if side == Side::Room {
            self.refused = [None; 2];
            self.there.clear();
        }
        for entry in self.entries.iter_mut().filter(|it| it.side() == side) {
            entry.not_before = None;
            entry.lack = None;
            if entry.status != Status::Runs {
                entry.status = Status::Waits;
            }
        }
    }

    /// Takes what is wanted most and may be tried now.
    pub(super) fn take(&mut self, now: Instant, reach: Reach) -> Option<Task> {
        let is_due =
            |entry: &Entry| entry.not_before.is_none_or(|at| at <= now) && entry.may_run(reach);
        // What we lack is missing on the screen; what others lack can wait for that.
        let find = |comes: bool| {
            let fits = |entry: &Entry| {
                (entry.task.key.errand() != Errand::Offer) == comes && is_due(entry)
            };
            self.entries.iter().rposition(fits)
        };
        let at = find(true).or_else(|| find(false))?;
        let entry = self.entries.get_mut(at)?;
        entry.status = Status::Runs;
        entry.known_locations = entry.task.locations.len();
        entry.begin_anew();
        Some(entry.task.clone())
    }

    /// When something may be tried next.
    pub(super) fn next_attempt(&self, reach: Reach) -> Option<Instant> {
        let waiting = self.entries.iter().filter(|entry| entry.may_run(reach));
        waiting.filter_map(|entry| entry.not_before).min()
    }

    /// So many bytes of it are here; of 0 when it was cut off and nobody answers.
    pub(super) fn progress(&mut self, key: &Key, got: u64, all: u64) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.task.key == *key) {
            entry.is_stalled = all == 0;
            if entry.is_stalled {
                return;
            }
            (entry.got, entry.all) = (got, all);
            if let Some(in_vain) = self.in_vain.get_mut(key.errand() as usize) {
                *in_vain = 0;
            }
        }
    }

    fn is_stuck(&self, errand: Errand) -> bool {
        let in_vain = self.in_vain.get(errand as usize).copied();
        in_vain.is_some_and(|attempts| attempts >= STUCK)
    }

    /// It was done, or failed; the failure when a person has to hear of it.
    pub(super) fn settle(
        &mut self,
        key: &Key,
        result: Result<(), Failure>,
        now: Instant,
    ) -> Option<Failure> {
        let at = self
            .entries
            .iter()
            .position(|entry| entry.task.key == *key)?;
        let entry = self.entries.get_mut(at)?;
        // What came of it is thrown away when it failed.
        entry.begin_anew();
        let was_forgotten = entry.failures == FORGOTTEN;
        let errand = key.errand();
        if let Some(in_vain) = self.in_vain.get_mut(errand as usize) {
            *in_vain = match result {
                Err(Failure::Passing(_)) => in_vain.saturating_add(1),
                _ => 0,
            };
        }
        let failure = match result {
            // Another key came meanwhile; the file is here.
            Ok(()) if entry.task.locations.len() > entry.known_locations => {
                entry.status = Status::Waits;
                entry.is_here = true;
                entry.failures = 0;
                return None;
            }
            Ok(()) => {
                if let Key::Fetch(hash) | Key::Offer(hash) = key
                    && !entry.is_here
                    && !was_forgotten
                    && self.there.len() < MOST_KNOWN
                {
                    self.there.insert(hash.clone());
                }
                self.entries.remove(at);
                if let Some(done) = self.done.get_mut(usize::from(errand == Errand::Offer)) {
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
        // A bucket says of one file that it may not be had, of another that it is not there: what is
        // meant depends on its settings, and neither says anything about the next.
        let is_missing = match failure {
            Failure::Absent => true,
            Failure::Refused(_) => errand == Errand::Web,
            _ => false,
        };
        entry.is_missing = is_missing;
        entry.failures += 1;
        let failures = entry.failures;
        let is_cut = (entry.task.locations.iter()).any(|it| it.starts_with(CUT_MAPS));
        entry.lack = match &failure {
            Failure::Off | Failure::Passing(_) => None,
            // A cut map that is not there any more was replaced: the one that is named now comes.
            Failure::Absent if is_cut => None,
            Failure::Absent => Some(Lack::Absent),
            Failure::Refused(_) | Failure::NoPlace => Some(Lack::Refused),
            Failure::Useless(_) => (failures >= LOOKS_FOR_USELESS).then_some(Lack::Useless),
            Failure::Skipped => Some(Lack::Video),
        };
        let told = self.told.get_mut(errand.side() as usize)?;
        let (is_due, told) = match &failure {
            Failure::Off => return None,
            Failure::Passing(_) => {
                entry.not_before = Some(now + wait_after(failures));
                (failures >= PATIENCE, &mut told.passing)
            }
            _ if is_missing => {
                if is_cut && failures >= LOOKS_FOR_CUT {
                    self.entries.remove(at);
                    return None;
                }
                let first = if errand == Errand::Web {
                    WEB_ABSENT_WAIT
                } else {
                    ABSENT_WAIT
                };
                let wait = first.saturating_mul(1 << failures.min(10));
                entry.not_before = Some(now + wait.min(Duration::from_secs(60)));
                let is_last = failures >= LOOKS_FOR_ABSENT;
                entry.status = if is_last {
                    Status::GivenUp
                } else {
                    Status::Absent
                };
                // Whoever put it into the documents had put it into the bucket before.
                let is_due = is_last || errand == Errand::Web && failures >= PATIENCE;
                let told = match failure {
                    Failure::Absent => &mut told.absent,
                    _ => &mut told.refused,
                };
                (is_due, told)
            }
            Failure::Refused(_) | Failure::NoPlace | Failure::Absent => {
                // Only the one way may be closed: a viewer may fetch and not hand over.
                let same_way = |entry: &&mut Entry| {
                    let waits = matches!(entry.status, Status::Waits | Status::Absent);
                    entry.task.key.errand() == errand && waits && !entry.is_here
                };
                for entry in self.entries.iter_mut().filter(same_way) {
                    entry.status = Status::GivenUp;
                    entry.lack = Some(Lack::Refused);
                }
                if let Some(refused) = self.refused.get_mut(errand as usize) {
                    *refused = Some(now);
                }
                (true, &mut told.refused)
            }
            Failure::Useless(_) => {
                entry.not_before = Some(now + wait_after(failures));
                let is_last = failures >= LOOKS_FOR_USELESS;
                if is_last {
                    entry.status = Status::Useless;
                }
                (is_last, &mut told.useless)
            }
            Failure::Skipped => {
                entry.status = Status::Useless;
                (true, &mut told.skipped)
            }
        };
        let is_news = is_due && !std::mem::replace(told, true);
        is_news.then_some(failure)
    }

    /// Something is on the way, or waits for its turn.
    pub(super) fn is_busy(&self, reach: Reach) -> bool {
        self.entries.iter().any(|entry| entry.is_on_the_way(reach))
    }

    /// Nobody says where a web client's picture is.
    pub(super) fn lacks_address(&mut self, location: &str) {
        if self.homeless.len() < MOST_TASKS {
            self.homeless.insert(location.to_owned());
        }
    }

    /// Somebody says so now.
    pub(super) fn has_address(&mut self) {
        self.homeless.clear();
    }

    /// What was wanted and cannot be had, by its keys, when that is something else than was said last.
    pub(super) fn lacking_news(&mut self) -> Option<BTreeMap<String, Lack>> {
        let fetched = self.entries.iter().filter_map(|entry| {
            let comes = entry.task.key.errand() != Errand::Offer;
            let lack = entry.lack.filter(|_| comes)?;
            Some((entry, lack))
        });
        let asked_for = fetched.flat_map(|(entry, lack)| {
            let own = match &entry.task.key {
                Key::Web(location) => Some(location),
                Key::Fetch(_) | Key::Offer(_) => None,
            };
            let locations = entry.task.locations.iter().chain(own);
            locations.map(move |location| (location.as_str(), lack))
        });
        let homeless = self.homeless.iter();
        let homeless = homeless.map(|location| (location.as_str(), Lack::NoAddress));
        let lacking: BTreeMap<&str, Lack> = asked_for.chain(homeless).collect();
        let told = self.told_lacking.iter();
        let told = told.map(|(location, lack)| (location.as_str(), *lack));
        if told.eq(lacking.iter().map(|(location, lack)| (*location, *lack))) {
            return None;
        }
        let owned = lacking.into_iter();
        let owned = owned.map(|(location, lack)| (location.to_owned(), lack));
        self.told_lacking = owned.collect();
        Some(self.told_lacking.clone())
    }

    /// What is on the way, when that is something else than was said last.
    #[expect(clippy::cast_precision_loss, reason = "a share that is drawn")]
    pub(super) fn news(&mut self, reach: Reach) -> Option<Option<Work>> {
        let mut work = None;
        for (goes, verb, past) in [(false, "Fetching", "fetched"), (true, "Sending", "sent")] {
            let is_open = |entry: &&Entry| {
                (entry.task.key.errand() == Errand::Offer) == goes && entry.is_on_the_way(reach)
            };
            let open: Vec<&Entry> = self.entries.iter().filter(is_open).collect();
            let done = self.done.get(usize::from(goes)).copied().unwrap_or(0);
            if open.is_empty() {
                if let Some(done) = self.done.get_mut(usize::from(goes)) {
                    *done = 0;
                }
                continue;
            }
            let all = done + open.len();
            let shares = open
                .iter()
                .map(|entry| entry.got as f32 / entry.all.max(1) as f32);
            let share = (done as f32 + shares.sum::<f32>()) / all as f32;
            let is_stuck =
                |entry: &&Entry| entry.is_stalled || self.is_stuck(entry.task.key.errand());
            let are_stuck = open.iter().all(is_stuck);
            let what = match (are_stuck, open.len()) {
                (true, 1) => format!("1 picture waits to be {past}"),
                (true, waiting) => format!("{waiting} pictures wait to be {past}"),
                (false, _) if all == 1 => format!("{verb} a picture"),
                (false, _) => format!("{verb} {} of {all} pictures", done + 1),
            };
            if work.is_none() {
                work = Some(Work {
                    what: what.into(),
                    done: (!are_stuck).then_some(share),
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
mod tests;
