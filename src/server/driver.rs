//! Runs a [`Room`] as a task: feeds it what arrives, wakes it at its deadlines, saves it when
//! everybody has left, and ends it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use super::ConnectionId;
use super::hook::{Hook, HookTimer};
use super::metrics::Metrics;
use super::name::RoomName;
use super::outbox::Close;
use super::room::{CutFile, CutWanted, Info, Join, OnTable, Room, Seats};
use super::showing::{self, Showing};
use crate::scene::picture::PictureInfo;
use crate::util::clock::Clock;

/// A room that nobody is in stays loaded for this long: pages are reloaded.
const LINGER: Duration = Duration::from_secs(5);
/// Commands that wait for a room; more make their senders wait.
pub(super) const QUEUE: usize = 512;
/// Commands that are handled before the room looks at the time.
const AT_ONCE: usize = 256;
/// Maps are cut for players this often at most.
const CUT_STEP: Duration = Duration::from_millis(100);
/// How much longer than the cutting takes the next has to wait from its beginning.
const CUT_SHARE: u32 = 4;
/// Shorter pauses than this save less than they delay.
const SHORTEST_PAUSE: Duration = Duration::from_millis(4);
/// How long the end waits for the disk and the outside store.
const END_PATIENCE: Duration = Duration::from_secs(10);

/// What a room is asked to do.
#[derive(Debug)]
pub enum Command {
    /// Say that the room is there, and who else can be let in.
    Open(oneshot::Sender<Seats>),
    /// Somebody comes.
    Join(Join, oneshot::Sender<()>),
    /// Somebody sent a binary message.
    Binary(ConnectionId, Bytes),
    /// Somebody sent a text message.
    Text(ConnectionId, Bytes),
    /// Somebody who had fallen behind reads again.
    CatchUp(ConnectionId),
    /// Somebody has gone.
    Leave(ConnectionId),
    /// Send an event to everybody but one user; the answer is how many it went to.
    Event {
        /// The event.
        text: Bytes,
        /// Who is left out.
        exclude: Option<String>,
        /// It goes to players too.
        for_players: bool,
        /// How many sockets it was queued for.
        reply: oneshot::Sender<usize>,
    },
    /// Who is here, and sizes, for somebody who sees all of the room or only what players do.
    Info(bool, oneshot::Sender<Info>),
    /// Fill the room, if it was never used; whether it was taken.
    Seed(Vec<u8>, oneshot::Sender<bool>),
    /// A picture was looked for: what is behind a location.
    FoundPicture(String, Option<PictureInfo>),
    /// A map was cut out for players; `None`: it cannot be.
    CutMade(CutWanted, Option<CutFile>),
    /// The outside store has answered: up to which change it has the document now.
    HookEnded(Option<u64>),
    /// Send everybody away, save, end.
    Stop(oneshot::Sender<()>),
}

/// What a room's task needs besides the room.
pub(super) struct Driver {
    pub(super) name: RoomName,
    pub(super) room: Room,
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) own: mpsc::WeakSender<Command>,
    pub(super) durable: Option<watch::Receiver<u64>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) hook: Option<Arc<Hook>>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) showing: Arc<Showing>,
    /// Takes the room off the list; false when somebody is about to use it.
    pub(super) retire: Retire,
}

pub(super) type Retire = Box<dyn Fn(&mut mpsc::Receiver<Command>) -> bool + Send>;

impl Driver {
    /// Until the room is retired or stopped.
    pub(super) async fn run(mut self) {
        self.metrics.rooms.fetch_add(1, Ordering::Relaxed);
        let mut timer = HookTimer::default();
        let mut empty_since = Some(self.clock.now());
        let mut stopping = None;
        let mut batch = Vec::with_capacity(AT_ONCE);
        let mut guests = Guests::new(&self.showing);
        loop {
            let now = self.clock.now();
            let mut deadline = self.room.next_deadline();
            if self.hook.is_some() {
                deadline = earliest(deadline, timer.next_deadline());
            }
            if let Some(since) = empty_since {
                // The disk may be late: look again soon.
                let end = (since + LINGER).max(now + Duration::from_millis(50));
                deadline = earliest(deadline, Some(end));
            }
            if self.room.has_guests() {
                deadline = earliest(deadline, guests.next_cut(now));
            }
            let wait = deadline.map_or(Duration::from_secs(60), |at| at.saturating_sub(now));
            tokio::select! {
                count = self.commands.recv_many(&mut batch, AT_ONCE) => {
                    if count == 0 {
                        break;
                    }
                }
                () = tokio::time::sleep_until(Instant::now() + wait) => {}
                () = committed(self.durable.as_mut()) => {}
                () = changed(&mut guests.tables), if self.room.has_guests() => {}
                () = changed(&mut guests.arrivals), if self.room.has_guests() => {}
            }
            // People who come in, or ask, do not wait for those who talk.
            let may_pause = (1..AT_ONCE).contains(&batch.len())
                && batch
                    .iter()
                    .all(|command| matches!(command, Command::Binary(..)));
            for command in batch.drain(..) {
                self.handle(command, &mut timer, &mut stopping, &mut guests);
            }
            let now = self.clock.now();
            self.room.poll(now);
            self.serve_guests(now, &mut guests);
            timer.changed_to(now, self.room.changes());
            if self.room.is_empty() {
                if empty_since.is_none() {
                    self.room.rest(now);
                    timer.hurry(now);
                    empty_since = Some(now);
                }
            } else {
                empty_since = None;
            }
            self.run_hook(now, &mut timer);
            if stopping.is_some() && self.is_done(&timer) {
                break;
            }
            // In a large room, being woken for each message would cost more than the message.
            let pause = self.room.merges_within();
            if may_pause && pause >= SHORTEST_PAUSE {
                tokio::time::sleep(pause).await;
            }
            let lingered = empty_since.is_some_and(|since| since + LINGER <= now);
            let unusable = self.room.is_broken() && self.room.is_saved();
            if (unusable || (lingered && self.is_done(&timer))) && (self.retire)(&mut self.commands)
            {
                break;
            }
        }
        self.showing.set_pictures(&self.name, BTreeSet::new());
        self.metrics.rooms.fetch_sub(1, Ordering::Relaxed);
        if let Some(done) = stopping {
            let _: Result<(), ()> = done.send(());
        }
    }

    fn handle(
        &mut self,
        command: Command,
        timer: &mut HookTimer,
        stopping: &mut Option<oneshot::Sender<()>>,
        guests: &mut Guests,
    ) {
        let now = self.clock.now();
        let unix_ms = self.clock.unix_ms();
        // An answer that nobody waits for any more is no matter.
        match command {
            Command::Open(reply) => {
                let _: Result<(), Seats> = reply.send(self.room.seats());
            }
            Command::Join(join, reply) => {
                if stopping.is_some() {
                    join.outbox.close(Close::GoingAway);
                } else {
                    self.room.join(now, unix_ms, join);
                }
                let _: Result<(), ()> = reply.send(());
            }
            Command::Binary(from, frame) => self.room.receive(now, from, &frame),
            Command::Text(from, text) => self.room.receive_text(from, &text),
            Command::CatchUp(who) => self.room.catch_up(now, who),
            Command::Leave(who) => self.room.leave(now, unix_ms, who),
            Command::Event {
                text,
                exclude,
                for_players,
                reply,
            } => {
                let sent = self.room.send_event(&text, exclude.as_deref(), for_players);
                let _: Result<(), usize> = reply.send(sent);
            }
            Command::Info(sees_all, reply) => drop(reply.send(self.room.info(sees_all))),
            Command::Seed(bytes, reply) => {
                let _: Result<(), bool> = reply.send(self.room.seed(now, &bytes));
            }
            Command::FoundPicture(location, found) => {
                self.room.found_picture(now, &location, found);
            }
            Command::CutMade(wanted, file) => {
                guests.is_cutting = false;
                let took = guests
                    .cut_at
                    .map_or(Duration::ZERO, |at| now.saturating_sub(at));
                guests.cut_step = CUT_STEP.max(took * CUT_SHARE);
                self.room.cut_made(now, &wanted, file);
            }
            Command::HookEnded(saved) => timer.ended(now, saved),
            Command::Stop(reply) => {
                self.room.close_all(Close::GoingAway);
                self.room.rest(now);
                timer.hurry(now);
                *stopping = Some(reply);
            }
        }
    }

    /// Tells the other rooms what is on this one's table, and gives this one's guests what has to be
    /// got from elsewhere: tables, pictures, cut maps.
    fn serve_guests(&mut self, now: Duration, guests: &mut Guests) {
        if let Some(table) = self.room.table()
            && guests.told.as_ref() != Some(&table)
        {
            self.showing.set_table(&self.name, table.clone());
            guests.told = Some(table);
        }
        if !self.room.has_guests() {
            return;
        }
        if guests.tables.has_changed().unwrap_or(false) || !guests.knows_tables {
            guests.knows_tables = true;
            self.showing.read_stored_tables();
            let tables = Arc::clone(&guests.tables.borrow_and_update());
            self.room
                .set_tables(now, showing::tables_of(&self.name, &tables));
        }
        if guests.arrivals.has_changed().unwrap_or(false) {
            guests.arrivals.borrow_and_update();
            self.room.ask_for_pictures_again(now);
        }
        for location in self.room.take_wanted_pictures() {
            let Some(own) = self.own.upgrade() else {
                return;
            };
            let showing = Arc::clone(&self.showing);
            tokio::spawn(async move {
                let wanted = location.clone();
                let found = tokio::task::spawn_blocking(move || showing.find(&wanted)).await;
                // A room that has ended meanwhile does not wait for this.
                let found = Command::FoundPicture(location, found.ok().flatten());
                drop(own.send(found).await);
            });
        }
        let is_time = guests.cut_at.is_none_or(|at| at + guests.cut_step <= now);
        if !guests.is_cutting
            && is_time
            && let Some(own) = self.own.upgrade()
            && let Some(wanted) = self.room.take_wanted_cut()
        {
            guests.is_cutting = true;
            guests.cut_at = Some(now);
            let showing = Arc::clone(&self.showing);
            tokio::spawn(async move {
                let made = showing.cuts().cut(wanted.clone()).await;
                let file = made.map(|(hash, ending)| CutFile { hash, ending });
                drop(own.send(Command::CutMade(wanted, file)).await);
            });
        }
        let pictures = self.room.guests_pictures();
        if pictures != guests.pictures {
            self.showing.set_pictures(&self.name, pictures.clone());
            guests.pictures = pictures;
        }
    }

    /// Everything is where it should be.
    fn is_done(&self, timer: &HookTimer) -> bool {
        self.room.is_saved() && (self.hook.is_none() || timer.is_idle())
    }

    fn run_hook(&mut self, now: Duration, timer: &mut HookTimer) {
        let Some(hook) = &self.hook else { return };
        if !timer.is_due(now) {
            return;
        }
        let Some(own) = self.own.upgrade() else {
            return;
        };
        let changes = self.room.changes();
        timer.began();
        let (hook, name, bytes) = (Arc::clone(hook), self.name.clone(), self.room.whole());
        let metrics = Arc::clone(&self.metrics);
        tokio::spawn(async move {
            let saved = match hook.save(&name, bytes).await {
                Ok(()) => {
                    metrics.hook_saves.fetch_add(1, Ordering::Relaxed);
                    Some(changes)
                }
                Err(error) => {
                    metrics.hook_failures.fetch_add(1, Ordering::Relaxed);
                    tracing::warn!(target: "server", %error, "a room was not saved outside");
                    None
                }
            };
            // A room that has ended meanwhile does not wait for this.
            drop(own.send(Command::HookEnded(saved)).await);
        });
    }
}

/// What a room's task keeps for its guests.
struct Guests {
    tables: watch::Receiver<Arc<BTreeMap<RoomName, OnTable>>>,
    knows_tables: bool,
    arrivals: watch::Receiver<u64>,
    /// What the others were told is on this room's table.
    told: Option<OnTable>,
    is_cutting: bool,
    cut_at: Option<Duration>,
    cut_step: Duration,
    pictures: BTreeSet<Arc<str>>,
}

impl Guests {
    fn new(showing: &Showing) -> Self {
        Self {
            tables: showing.watch_tables(),
            knows_tables: false,
            arrivals: showing.watch_arrivals(),
            told: None,
            is_cutting: false,
            cut_at: None,
            cut_step: CUT_STEP,
            pictures: BTreeSet::new(),
        }
    }

    /// When a map may be cut next, if not now.
    fn next_cut(&self, now: Duration) -> Option<Duration> {
        let next = self.cut_at.filter(|_| !self.is_cutting)? + self.cut_step;
        (next > now).then_some(next)
    }
}

/// Waits for a change; for ever when none can come.
async fn changed<T>(watched: &mut watch::Receiver<T>) {
    if watched.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
    watched.mark_changed();
}

/// Stops a room and waits for it, within reason.
pub(super) async fn stop(commands: &mpsc::Sender<Command>) {
    let (reply, done) = oneshot::channel();
    if commands.send(Command::Stop(reply)).await.is_ok() {
        // What could not be saved is told by the store when it closes.
        drop(tokio::time::timeout(END_PATIENCE, done).await);
    }
}

fn earliest(a: Option<Duration>, b: Option<Duration>) -> Option<Duration> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// Waits for the next commit; for ever without a store.
async fn committed(durable: Option<&mut watch::Receiver<u64>>) {
    let changed = match durable {
        Some(durable) => durable.changed().await.is_ok(),
        None => false,
    };
    if !changed {
        std::future::pending::<()>().await;
    }
}
