//! One document's connection to a room, without I/O and without a clock of its own.
//!
//! Whoever drives it hands in what a transport reported together with the time ([`Client::take_in`]),
//! the document's own changes ([`Client::local_updates`]), calls [`Client::poll`] at
//! [`Client::next_deadline`] at the latest, and then does what [`Client::take_action`] says and sends what
//! [`Client::next_outgoing`] gives, as long as the transport takes it. [`super::link`] is such a driver.
//!
//! # How nothing is lost
//! The room's step 1 is answered with everything that it lacks, so nothing is kept for it while there
//! is no connection. After that, updates go out as they come. What has once been put into the queue is
//! sent in order or lost with the whole connection, and the next connection begins with a new exchange.
//! When the queue is full, updates are not queued but owed: as soon as the queue is empty, one diff
//! against what the room will know by then pays for all of them.
//!
//! # Acknowledged
//! A server of ours says how many document messages of this connection are durable
//! ([`super::protocol`]); each message carries the caller's generation up to which it holds the
//! document, so that [`Event::Acknowledged`] speaks of generations.
//!
//! Must not know sockets, dialects beyond their table, or what a document holds.

mod events;
mod incoming;
mod link;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::awareness::{Awareness, TooLarge};
use super::batch::Frame;
use super::dialect::Dialect;
use super::protocol::{Message, SyncMessage};
use super::state::{Backoff, Closed, ConnectionState, Refusal, RefusalKind};
use crate::doc::Origin;
use crate::doc::replica::Replica;

pub use self::events::{Action, Counters, Event, Incoming, Outgoing};
use self::link::Link;

/// A ping goes out after this much silence of ours; its pong shows that the room lives.
pub const PING: Duration = Duration::from_secs(15);
/// Nothing heard for this long: the connection is dead.
pub const SILENCE: Duration = Duration::from_secs(40);
/// A connection that is not open after this is given up.
pub const CONNECT_LIMIT: Duration = Duration::from_secs(15);
/// How long a farewell may take.
pub const FAREWELL_LIMIT: Duration = Duration::from_secs(1);
/// The largest message that is taken in or sent.
pub const MAX_MESSAGE_BYTES: usize = 64 << 20;

/// A room that never asks what we have is sent all of it after this.
const STEP_1_PATIENCE: Duration = Duration::from_secs(5);
/// How soon the room is asked again when updates wait for others that have not come.
const ASK_AGAIN: Duration = Duration::from_secs(5);
/// The state vector of an empty document.
const EMPTY_STATE: &[u8] = &[0];

#[derive(Debug)]
enum Phase {
    /// Not wanted.
    Idle,
    Waiting {
        until: Duration,
    },
    Connecting {
        since: Duration,
    },
    Open(Box<Link>),
    Refused(Refusal),
}

/// One document's connection to a room.
#[derive(Debug)]
pub struct Client {
    dialect: Dialect,
    origin: Origin,
    phase: Phase,
    awareness: Awareness,
    backoff: Backoff,
    actions: VecDeque<Action>,
    events: VecDeque<Event>,
    synced_once: bool,
    generation: u64,
    acknowledged: Option<u64>,
    counters: Counters,
}

impl Client {
    /// A client that wants no connection yet. `origin` marks what comes from the room
    /// ([`Origin::Remote`] with a number of this connection's own); `replica_id` is the document's;
    /// `seed` is for the jitter of reconnecting.
    #[must_use]
    pub fn new(dialect: Dialect, origin: Origin, replica_id: u64, seed: u64) -> Self {
        Self {
            dialect,
            origin,
            phase: Phase::Idle,
            awareness: Awareness::new(replica_id),
            backoff: Backoff::new(seed),
            actions: VecDeque::new(),
            events: VecDeque::new(),
            synced_once: false,
            generation: 0,
            acknowledged: None,
            counters: Counters::default(),
        }
    }

    /// Connects now, and again whenever the connection is lost; also after a refusal and instead of
    /// a wait.
    pub fn connect(&mut self, now: Duration) {
        match &mut self.phase {
            Phase::Connecting { .. } => {}
            Phase::Open(link) => {
                // On the way out: stays, and takes the farewell back.
                if link.leaves_by.take().is_some() {
                    self.awareness.say_again();
                }
            }
            Phase::Idle | Phase::Waiting { .. } | Phase::Refused(_) => {
                self.backoff.reset();
                self.begin(now);
            }
        }
    }

    /// Leaves the room: says good-bye, ends the connection and wants no other.
    pub fn leave(&mut self, now: Duration) {
        match &mut self.phase {
            Phase::Open(link) => {
                if let Some(frame) = self.awareness.take_farewell() {
                    link.push(Outgoing::Frame(Frame::Binary(frame.into())));
                }
                link.leaves_by = Some(now + FAREWELL_LIMIT);
            }
            Phase::Connecting { .. } => {
                self.actions.push_back(Action::Close);
                self.enter(Phase::Idle);
            }
            Phase::Waiting { .. } | Phase::Refused(_) => self.enter(Phase::Idle),
            Phase::Idle => {}
        }
    }

    fn begin(&mut self, now: Duration) {
        self.actions.push_back(Action::Connect);
        self.enter(Phase::Connecting { since: now });
    }

    fn enter(&mut self, phase: Phase) {
        let before = self.state();
        if matches!(self.phase, Phase::Open(_)) {
            self.awareness.closed();
        }
        self.phase = phase;
        self.tell_state(&before);
    }

    fn tell_state(&mut self, before: &ConnectionState) {
        let state = self.state();
        if state != *before {
            self.events.push_back(Event::State(state));
        }
    }

    /// What marks changes that came from the room.
    #[must_use]
    pub const fn origin(&self) -> Origin {
        self.origin
    }

    /// The connection's state.
    #[must_use]
    pub fn state(&self) -> ConnectionState {
        match &self.phase {
            Phase::Idle => ConnectionState::Disconnected,
            Phase::Waiting { .. } => ConnectionState::Disconnected,
            Phase::Connecting { .. } => ConnectionState::Connecting,
            Phase::Open(link) if link.live_since.is_some() => ConnectionState::Live,
            Phase::Open(_) => ConnectionState::Syncing,
            Phase::Refused(refusal) => ConnectionState::Refused(refusal.clone()),
        }
    }

    /// When the next attempt is made, while one is waited for.
    #[must_use]
    pub const fn retry_at(&self) -> Option<Duration> {
        match self.phase {
            Phase::Waiting { until } => Some(until),
            _ => None,
        }
    }

    /// Everything that the room had was here once, since this client was made.
    #[must_use]
    pub const fn synced_once(&self) -> bool {
        self.synced_once
    }

    /// The last generation that is known to be durable in the room, where the room tells.
    #[must_use]
    pub const fn acknowledged(&self) -> Option<u64> {
        self.acknowledged
    }

    /// Everything that the document had at the last [`Self::local_updates`] has been handed to the
    /// transport.
    #[must_use]
    pub fn has_sent_all(&self) -> bool {
        matches!(&self.phase, Phase::Open(link)
            if link.room_knows.is_some() && !link.owes && link.queue.is_empty())
    }

    /// Sums for diagnostics.
    #[must_use]
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    /// Who is here and what they show.
    #[must_use]
    pub const fn awareness(&self) -> &Awareness {
        &self.awareness
    }

    /// Sets what this client shows to others, as JSON text.
    ///
    /// # Errors
    /// When it is too long; then the last state stays.
    pub fn set_awareness(&mut self, state: Option<&str>) -> Result<(), TooLarge> {
        self.awareness.set_local(state)
    }

    /// Takes in the document's changes that did not come from this room: all of them since the last
    /// call, after they are in `doc`. `generation` counts the caller's changes.
    pub fn local_updates<'u>(
        &mut self,
        doc: &Replica,
        generation: u64,
        updates: impl IntoIterator<Item = &'u [u8]>,
    ) {
        self.generation = generation;
        let dialect = self.dialect;
        let Phase::Open(link) = &mut self.phase else {
            return;
        };
        // Before the room's step 1 nothing is sent: its answer will hold all of it.
        if link.room_knows.is_none() {
            return;
        }
        let mut fits = true;
        for update in updates {
            if link.owes || !link.has_room_for(update.len()) {
                link.owes = true;
            } else {
                fits &= link.push_document(dialect, SyncMessage::Update(update), generation);
            }
        }
        if !link.owes {
            link.room_knows = Some(doc.state_vector());
        }
        if !fits {
            self.refuse(RefusalKind::TooLarge);
        }
    }

    /// Takes in what the transport reports.
    pub fn take_in(&mut self, now: Duration, doc: &mut Replica, incoming: Incoming) {
        match incoming {
            Incoming::Opened => self.opened(now, doc),
            Incoming::Alive => {
                if let Phase::Open(link) = &mut self.phase {
                    link.heard = now;
                }
            }
            Incoming::Frame(frame) => self.frame(now, doc, frame),
            Incoming::Closed(closed) => self.closed(now, doc, &closed),
        }
    }

    /// Ends the connection from this side.
    fn cut(&mut self, now: Duration, doc: &mut Replica, closed: &Closed) {
        self.actions.push_back(Action::Close);
        if let Phase::Open(link) = &mut self.phase {
            // Nothing more is taken in from a connection that is given up for what it sent.
            link.inbox.clear();
        }
        self.closed(now, doc, closed);
    }

    fn refuse(&mut self, kind: RefusalKind) {
        self.actions.push_back(Action::Close);
        let said = Arc::from("");
        self.enter(Phase::Refused(Refusal { kind, said }));
    }

    fn closed(&mut self, now: Duration, doc: &mut Replica, closed: &Closed) {
        // What came before the end counts.
        let Phase::Open(link) = &mut self.phase else {
            if matches!(self.phase, Phase::Connecting { .. }) {
                self.wait(now, None, closed);
            }
            return;
        };
        let updates = std::mem::take(&mut link.inbox);
        let (leaves, live) = (link.leaves_by.is_some(), link.live_since);
        if !updates.is_empty()
            && let Err(error) = doc.apply_updates(updates.iter().map(|u| &**u), self.origin)
        {
            self.events.push_back(Event::Damaged(error));
        }
        if leaves {
            self.enter(Phase::Idle);
        } else {
            let live = live.map(|since| now.saturating_sub(since));
            self.wait(now, live, closed);
        }
    }

    fn wait(&mut self, now: Duration, live: Option<Duration>, closed: &Closed) {
        let phase = match closed.refusal() {
            Some(refusal) => Phase::Refused(refusal),
            None => Phase::Waiting {
                until: now + self.backoff.wait(live, closed),
            },
        };
        self.enter(phase);
    }

    /// Does what is due: takes in what has come, pays what is owed, watches the connection.
    pub fn poll(&mut self, now: Duration, doc: &mut Replica) {
        match &self.phase {
            Phase::Waiting { until } if *until <= now => self.begin(now),
            Phase::Connecting { since } if *since + CONNECT_LIMIT <= now => {
                let why = "the server did not answer".to_owned();
                self.cut(now, doc, &Closed::Lost { why });
            }
            Phase::Open(link) if link.heard + SILENCE <= now => {
                let why = "nothing was heard from the room".to_owned();
                self.cut(now, doc, &Closed::Lost { why });
            }
            Phase::Open(_) => self.poll_open(now, doc),
            _ => {}
        }
        self.awareness.expire(now);
        let changes = self.awareness.take_changes();
        if !changes.is_empty() {
            self.events.push_back(Event::Awareness(changes));
        }
    }

    fn poll_open(&mut self, now: Duration, doc: &mut Replica) {
        self.settle(now, doc);
        let (dialect, generation) = (self.dialect, self.generation);
        let Phase::Open(link) = &mut self.phase else {
            return;
        };
        if let Some(by) = link.leaves_by
            && ((link.queue.is_empty() && !link.owes) || by <= now)
        {
            self.actions.push_back(Action::Close);
            self.enter(Phase::Idle);
            return;
        }
        let never_asked = link.room_knows.is_none() && link.opened + STEP_1_PATIENCE <= now;
        if never_asked {
            link.room_knows = Some(EMPTY_STATE.to_vec());
            link.owes = true;
        }
        let mut fits = true;
        if link.owes
            && link.queue.is_empty()
            && let Some(known) = &link.room_knows
        {
            // The state vector is ours or one that was read before.
            if let Ok(missing) = doc.encode_missing(known) {
                let update = SyncMessage::Update(&missing);
                fits = link.push_document(dialect, update, generation);
                link.room_knows = Some(doc.state_vector());
                link.owes = false;
            }
        }
        // Updates that wait for others: the room is asked, less and less often.
        if link.live_since.is_some() {
            let (asked, pause) = link.asked_again.unwrap_or((link.opened, ASK_AGAIN));
            if asked + pause <= now && doc.waits_for_updates() {
                link.push_message(&Message::Sync(SyncMessage::Step1(&doc.state_vector())));
                link.asked_again = Some((now, pause.saturating_mul(2)));
            }
        }
        if link.said + PING <= now {
            link.push(Outgoing::Ping);
            link.said = now;
        }
        if !fits {
            self.refuse(RefusalKind::TooLarge);
        }
    }

    /// When [`Self::poll`] or [`Self::next_outgoing`] has something to do at the latest.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Duration> {
        match &self.phase {
            Phase::Idle | Phase::Refused(_) => None,
            Phase::Waiting { until } => Some(*until),
            Phase::Connecting { since } => Some(*since + CONNECT_LIMIT),
            Phase::Open(link) => {
                let unasked = (link.room_knows.is_none()).then_some(link.opened + STEP_1_PATIENCE);
                // With something queued, the transport's turn comes first.
                let shown = (link.queue.is_empty())
                    .then(|| self.awareness.next_deadline())
                    .flatten();
                [
                    Some(link.heard + SILENCE),
                    Some(link.said + PING),
                    unasked,
                    shown,
                    link.leaves_by,
                ]
                .into_iter()
                .flatten()
                .min()
            }
        }
    }

    /// The next message to send. Once given out it counts as sent: a transport that cannot send it
    /// reports the connection as closed.
    pub fn next_outgoing(&mut self, now: Duration) -> Option<Outgoing> {
        let Phase::Open(link) = &mut self.phase else {
            return None;
        };
        // Awareness last, so that behind a full transport only the latest state waits.
        let next = link.pop().or_else(|| {
            let frame = (link.leaves_by.is_none())
                .then(|| self.awareness.take_frame(now))
                .flatten()?;
            Some(Outgoing::Frame(Frame::Binary(frame.into())))
        })?;
        if let Outgoing::Frame(frame) = &next {
            self.counters.frames_out += 1;
            self.counters.bytes_out += frame.len() as u64;
        }
        Some(next)
    }

    /// The next thing for the driver to do.
    pub fn take_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// The next thing that has happened.
    pub fn take_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }
}
