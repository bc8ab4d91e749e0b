//! One room, without I/O and without a clock of its own: connections, document, presence, fan-out.
//!
//! Whoever drives it ([`super::driver`], or a test) hands in what arrived together with the time,
//! calls [`Room::poll`] at [`Room::next_deadline`] at the latest, and sends what the connections'
//! [`Outbox`]es hold.
//!
//! **Document updates** that have arrived are taken in as one transaction, so that what comes out is
//! one update: stored, and sent to everybody but its only sender. The first goes at once; those
//! within [`MERGE`] of it go together. **Presence** goes at once and then every [`PRESENCE_STEP`], the
//! latest state of each client in one frame, to everybody: a lone web client takes the echo of its
//! own renewal for the sign that the connection lives. For the same reason a connection that got
//! nothing for [`KEEP_ALIVE`] gets an empty frame.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use serde::de::IgnoredAny;

use super::ConnectionId;
use super::access::Role;
use super::metrics::Metrics;
use super::outbox::{Close, Outbox};
use super::presence::{Heard, Presence, Shown};
use super::store::RoomLog;
use crate::doc::Origin;
use crate::doc::guard::{self, Extent};
use crate::doc::replica::{DocError, Replica};
use crate::sync::protocol::{
    AwarenessEntry, AwarenessUpdate, Message, SyncMessage, awareness_frame,
};

/// Document updates merge within this time.
pub const MERGE: Duration = Duration::from_millis(16);
/// Presence is sent this often.
pub const PRESENCE_STEP: Duration = Duration::from_millis(33);
/// A connection that is sent nothing for this long is sent something empty.
pub const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// Saving that was refused is tried again after this.
const SAVE_RETRY: Duration = Duration::from_secs(1);
/// So many messages that are none, and the peer is taken for hostile.
const MOST_MALFORMED: u32 = 1000;
/// Updates that wait for the next merge, in bytes; more are taken in at once.
const MOST_INBOX_BYTES: usize = 8 << 20;
/// A log that has grown by this much since its last snapshot gets one.
const LOG_BYTES: usize = 1 << 20;
const LOG_UPDATES: usize = 2000;

/// Who a connection is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its id, as it says.
    pub id: Arc<str>,
    /// Its name, as it says.
    pub name: Option<Arc<str>>,
}

/// A connection that comes in, after the checks at the door.
#[derive(Debug)]
pub struct Join {
    /// Its number; never used twice in a process.
    pub connection: ConnectionId,
    /// What it may do.
    pub role: Role,
    /// Who it is for, if it says so.
    pub user: Option<User>,
    /// It can be sent text: a PartyKit client says so by its `_pk`, one of a plain JSON room by never
    /// sending anything binary. Others take every message for one of y-protocols.
    pub takes_text: bool,
    /// It asked to be told what is on disk.
    pub wants_durable: bool,
    /// A plain JSON room: nothing binary is sent before the peer has sent some.
    pub text_first: bool,
    /// Its queue.
    pub outbox: Arc<Outbox>,
}

#[derive(Debug)]
struct Member {
    role: Role,
    user: Option<User>,
    takes_text: bool,
    /// For those who asked what is on disk.
    durable: Option<Progress>,
    text_first: bool,
    spoke_binary: bool,
    outbox: Arc<Outbox>,
    malformed: u32,
    /// Document messages that it sent.
    messages: u64,
    last_binary: Duration,
}

/// How far the document messages of a connection have come: numbers from 1, in their order.
#[derive(Debug, Default)]
struct Progress {
    /// The first that was refused: what comes after it is not told as saved either.
    refused: Option<u64>,
    /// The last that the log has had, by the number of the log's update that holds it.
    logged: VecDeque<(u64, u64)>,
}

struct Arrived {
    from: ConnectionId,
    /// Its number among the document messages of the connection.
    number: u64,
    update: Bytes,
    extents: Vec<Extent>,
}

/// A room.
pub struct Room {
    replica: Replica,
    state_vector: Arc<[u8]>,
    log: Box<dyn RoomLog>,
    members: BTreeMap<ConnectionId, Member>,
    presence: Presence,
    presence_sent: u64,
    presence_at: Option<Duration>,
    inbox: Vec<Arrived>,
    inbox_bytes: usize,
    /// Updates that came before what they follow on: a client may edit before it has answered what
    /// the server lacks. They wait until that has come, and are not told as saved.
    held: Vec<Arrived>,
    flushed_at: Option<Duration>,
    /// The whole document, encoded, until it changes.
    whole: Option<Bytes>,
    /// The log refused an update; what it lacks since this state is tried again at this time.
    unsaved: Option<(Arc<[u8]>, Duration)>,
    log_bytes: usize,
    log_updates: usize,
    snapshot_bytes: usize,
    has_record: bool,
    read_only: bool,
    /// The number of the last update in the log.
    appended: u64,
    /// Messages have come whose place in the log is not noted yet.
    news_for_log: bool,
    /// Stored up to a number, and the state then; the oldest first.
    storing: VecDeque<(u64, Arc<[u8]>)>,
    durable: Arc<[u8]>,
    /// Grows with every change of the document.
    changes: u64,
    metrics: Arc<Metrics>,
}

impl std::fmt::Debug for Room {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Room")
            .field("members", &self.members.len())
            .finish_non_exhaustive()
    }
}

/// How a room begins.
#[derive(Debug, Default)]
pub struct Beginning {
    /// The stored parts of its document, in order.
    pub parts: Vec<Vec<u8>>,
    /// There is a record, even if it is an empty document.
    pub has_record: bool,
    /// Parts of the record are lost: nothing may be written over it.
    pub read_only: bool,
}

impl Room {
    /// A room with what was stored of it.
    ///
    /// # Errors
    /// When the stored parts are no document.
    pub fn open(
        beginning: &Beginning,
        log: Box<dyn RoomLog>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, DocError> {
        let replica = Replica::open_unread(beginning.parts.iter().map(Vec::as_slice))?;
        let state_vector: Arc<[u8]> = replica.state_vector().into();
        let (first, later) = beginning
            .parts
            .split_first()
            .map_or((0, 0), |(first, later)| {
                (first.len(), later.iter().map(Vec::len).sum())
            });
        Ok(Self {
            replica,
            durable: Arc::clone(&state_vector),
            state_vector,
            log,
            members: BTreeMap::new(),
            presence: Presence::default(),
            presence_sent: 0,
            presence_at: None,
            inbox: Vec::new(),
            inbox_bytes: 0,
            held: Vec::new(),
            flushed_at: None,
            whole: None,
            unsaved: None,
            log_bytes: later,
            log_updates: beginning.parts.len().saturating_sub(1),
            snapshot_bytes: first,
            has_record: beginning.has_record,
            read_only: beginning.read_only,
            appended: 0,
            news_for_log: false,
            storing: VecDeque::new(),
            changes: 0,
            metrics,
        })
    }
}

/// What can be asked of a room.
#[derive(Debug, Clone, Default)]
pub struct Info {
    /// Who is here, once each, with the best of their roles.
    pub users: Vec<(User, Role)>,
    /// Open connections.
    pub connections: usize,
    /// The encoded document; `None` when the room is not loaded.
    pub document_bytes: Option<usize>,
    /// Its state vector.
    pub state_vector_bytes: usize,
    /// What the store holds of it.
    pub stored_bytes: usize,
}

impl Room {
    /// Somebody comes in: told what the server has, and who is here.
    pub fn join(&mut self, now: Duration, unix_ms: i64, join: Join) {
        if self.is_broken() {
            join.outbox.close(Close::TryLater);
            return;
        }
        let is_news = join
            .user
            .as_ref()
            .filter(|user| !self.is_here(&user.id))
            .cloned();
        let role = if self.read_only && join.role.may_write() {
            Role::Viewer
        } else {
            join.role
        };
        let member = Member {
            role,
            user: join.user,
            takes_text: join.takes_text,
            durable: join.wants_durable.then(Progress::default),
            text_first: join.text_first,
            spoke_binary: false,
            outbox: join.outbox,
            malformed: 0,
            messages: 0,
            last_binary: now,
        };
        if !member.text_first {
            self.greet(&member);
        }
        self.members.insert(join.connection, member);
        if let Some(user) = is_news {
            self.tell_of_user("USER_JOINED", &user, unix_ms, join.connection);
        }
    }

    /// Somebody has gone.
    pub fn leave(&mut self, now: Duration, unix_ms: i64, connection: ConnectionId) {
        let Some(member) = self.members.remove(&connection) else {
            return;
        };
        self.presence.leave(now, connection);
        // Its client sends them again, with what they follow on.
        self.held.retain(|held| held.from != connection);
        if let Some(user) = member.user
            && !self.is_here(&user.id)
        {
            self.tell_of_user("USER_LEFT", &user, unix_ms, connection);
        }
    }

    /// A binary message of a connection.
    pub fn receive(&mut self, now: Duration, from: ConnectionId, frame: &Bytes) {
        let Some(member) = self.members.get_mut(&from) else {
            return;
        };
        member.spoke_binary = true;
        match Message::decode(frame) {
            Ok(Message::Sync(SyncMessage::Step1(has))) => self.answer(from, has),
            Ok(Message::Sync(SyncMessage::Step2(update) | SyncMessage::Update(update))) => {
                self.take_update(now, from, frame.slice_ref(update));
            }
            Ok(Message::Awareness(update)) => self.take_presence(now, from, update),
            Ok(Message::QueryAwareness) => self.show_all(from),
            // What a server says, and not a client.
            Ok(Message::Denied(_) | Message::Durable { .. }) => {}
            Ok(Message::Unknown { .. }) | Err(_) => self.note_malformed(from),
        }
    }

    /// A text message of a connection: an event for the others, if it is JSON.
    pub fn receive_text(&mut self, from: ConnectionId, text: &Bytes) {
        let Some(member) = self.members.get(&from) else {
            return;
        };
        if !member.role.may_write() {
            return;
        }
        if serde_json::from_slice::<IgnoredAny>(text).is_err() {
            self.note_malformed(from);
            return;
        }
        self.send_text(text, |connection, _| connection != from);
    }

    /// A connection sent what is no message.
    pub fn note_malformed(&mut self, from: ConnectionId) {
        self.metrics.malformed.fetch_add(1, Ordering::Relaxed);
        if let Some(member) = self.members.get_mut(&from) {
            member.malformed += 1;
            if member.malformed == MOST_MALFORMED {
                member.outbox.close(Close::Hostile);
            }
        }
    }

    /// A connection that had fallen behind reads again: what it missed, as one difference.
    pub fn catch_up(&mut self, now: Duration, connection: ConnectionId) {
        self.flush(now);
        let Some(member) = self.members.get_mut(&connection) else {
            return;
        };
        member.last_binary = now;
        let behind = member.outbox.behind();
        let mut frames = Vec::new();
        if let Some(has) = behind.document {
            match self.replica.encode_missing(&has) {
                Ok(update) => frames.push(sync_frame(SyncMessage::Step2(&update))),
                Err(_) => return self.note_malformed(connection),
            }
        }
        if let Some(revision) = behind.presence {
            let shown = self.presence.since(revision);
            if !shown.is_empty() {
                frames.push(presence_frame(&shown));
            }
        }
        member.outbox.caught_up(frames);
    }

    /// Sends an event to everybody but one user; to how many.
    pub fn send_event(&self, text: &Bytes, exclude: Option<&str>) -> usize {
        let is_excluded = |member: &Member| {
            member
                .user
                .as_ref()
                .is_some_and(|user| exclude == Some(&*user.id))
        };
        self.send_text(text, |_, member| !is_excluded(member))
    }

    /// Fills a room that was never used; false when it was.
    pub fn seed(&mut self, now: Duration, update: &[u8]) -> bool {
        self.flush(now);
        if self.has_record || self.is_broken() {
            return false;
        }
        let taken = self.replica.apply_update(update, Origin::Upkeep).is_ok();
        self.pass_on(now, None);
        taken
    }

    /// Everything that is due at this time.
    pub fn poll(&mut self, now: Duration) {
        let is_due = self.flushed_at.is_none_or(|at| at + MERGE <= now);
        if is_due || self.inbox_bytes > MOST_INBOX_BYTES {
            self.flush(now);
        }
        self.presence.expire(now);
        if self.presence_at.is_none_or(|at| at + PRESENCE_STEP <= now) {
            self.send_presence(now);
        }
        if self.unsaved.as_ref().is_some_and(|(_, at)| *at <= now) {
            self.save_again(now);
        }
        self.acknowledge();
        self.keep_alive(now);
        let is_long =
            self.log_bytes > LOG_BYTES.max(self.snapshot_bytes) || self.log_updates > LOG_UPDATES;
        if is_long && self.unsaved.is_none() {
            self.compact();
        }
    }

    /// When [`Self::poll`] has something to do next.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Duration> {
        let waits = !self.inbox.is_empty() || (self.news_for_log && self.unsaved.is_none());
        let merge = waits.then(|| self.flushed_at.map_or(Duration::ZERO, |at| at + MERGE));
        let presence = (self.presence.revision() > self.presence_sent).then(|| {
            self.presence_at
                .map_or(Duration::ZERO, |at| at + PRESENCE_STEP)
        });
        let save = self.unsaved.as_ref().map(|(_, at)| *at);
        let alive = self
            .members
            .values()
            .map(|member| member.last_binary + KEEP_ALIVE)
            .min();
        [merge, presence, self.presence.next_expiry(), save, alive]
            .into_iter()
            .flatten()
            .min()
    }

    /// Nobody is here any more: everything goes to the store, as a snapshot.
    pub fn rest(&mut self, now: Duration) {
        self.flush(now);
        self.send_presence(now);
        if self.unsaved.is_some() {
            self.save_again(now);
        }
        if self.log_updates > 0 && self.unsaved.is_none() {
            self.compact();
        }
    }

    /// Sends everybody away.
    pub fn close_all(&self, close: Close) {
        for member in self.members.values() {
            member.outbox.close(close);
        }
    }

    /// Nobody is here.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The document was left unusable by an update; the room has to be opened anew.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.replica.is_broken()
    }

    /// Everything is on disk that can be.
    #[must_use]
    pub fn is_saved(&self) -> bool {
        let waits = self.unsaved.is_some() && !self.is_broken();
        self.inbox.is_empty() && !waits && self.log.durable() >= self.appended
    }

    /// How often the document has changed since the room was opened.
    #[must_use]
    pub const fn changes(&self) -> u64 {
        self.changes
    }

    /// The whole document as one update.
    pub fn whole(&mut self) -> Bytes {
        if let Some(whole) = &self.whole {
            return whole.clone();
        }
        let whole = Bytes::from(self.replica.encode_snapshot());
        self.whole = Some(whole.clone());
        whole
    }

    /// Who is here, and sizes.
    pub fn info(&mut self) -> Info {
        let mut users: Vec<(User, Role)> = Vec::new();
        for member in self.members.values() {
            let Some(user) = &member.user else { continue };
            match users.iter_mut().find(|(known, _)| known.id == user.id) {
                Some((_, role)) if member.role.may_write() => *role = member.role,
                Some(_) => {}
                None => users.push((user.clone(), member.role)),
            }
        }
        Info {
            users,
            connections: self.members.len(),
            document_bytes: Some(self.whole().len()),
            state_vector_bytes: self.state_vector.len(),
            stored_bytes: self.snapshot_bytes + self.log_bytes,
        }
    }

    fn is_here(&self, user: &str) -> bool {
        self.members
            .values()
            .any(|member| member.user.as_ref().is_some_and(|here| &*here.id == user))
    }

    /// The first frames of a connection: what the server has, and who is here.
    fn greet(&self, member: &Member) {
        member
            .outbox
            .answer(sync_frame(SyncMessage::Step1(&self.state_vector)));
        let shown = self.presence.since(0);
        if !shown.is_empty() {
            member.outbox.answer(presence_frame(&shown));
        }
        if member.durable.is_some() {
            member.outbox.acknowledge(durable_frame(0, &self.durable));
        }
    }

    /// Answers "this is what I have" with what is missing.
    fn answer(&mut self, to: ConnectionId, has: &[u8]) {
        let update = if is_nothing(has) {
            Ok(self.whole())
        } else {
            self.replica.encode_missing(has).map(Bytes::from)
        };
        let Ok(update) = update else {
            return self.note_malformed(to);
        };
        let Some(member) = self.members.get(&to) else {
            return;
        };
        if !member
            .outbox
            .answer(sync_frame(SyncMessage::Step2(&update)))
        {
            member.outbox.answer_later(has.into());
        }
    }

    fn take_update(&mut self, now: Duration, from: ConnectionId, update: Bytes) {
        self.metrics.updates_in.fetch_add(1, Ordering::Relaxed);
        let Some(member) = self.members.get_mut(&from) else {
            return;
        };
        member.messages += 1;
        let number = member.messages;
        // JavaScript says so when it has nothing to say.
        let says_nothing = matches!(&*update, [0, 0]);
        if says_nothing {
            self.news_for_log = true;
            return;
        }
        if !member.role.may_write() {
            self.metrics.updates_refused.fetch_add(1, Ordering::Relaxed);
            member.refuse(number);
            return;
        }
        // Looked at one by one, so that a bad one does not take its neighbours along.
        let Ok(extents) = guard::extents(&update) else {
            member.refuse(number);
            return self.note_malformed(from);
        };
        self.inbox_bytes += update.len();
        self.inbox.push(Arrived {
            from,
            number,
            update,
            extents,
        });
        if self.inbox_bytes > MOST_INBOX_BYTES {
            self.flush(now);
        }
    }

    fn take_presence(&mut self, now: Duration, from: ConnectionId, update: AwarenessUpdate<'_>) {
        let (mut taken, mut stale, mut malformed) = (0, 0, false);
        for entry in update.entries() {
            let at = (entry.client, entry.clock);
            match self.presence.hear(now, from, at, entry.json) {
                Heard::Taken => taken += 1,
                Heard::Stale => stale += 1,
                Heard::Malformed => malformed = true,
            }
        }
        self.metrics
            .presence_taken
            .fetch_add(taken, Ordering::Relaxed);
        self.metrics
            .presence_stale
            .fetch_add(stale, Ordering::Relaxed);
        if malformed {
            self.note_malformed(from);
        }
    }

    fn show_all(&self, to: ConnectionId) {
        if let Some(member) = self.members.get(&to) {
            let frame = presence_frame(&self.presence.since(0));
            // A peer that asks faster than it reads has the answers to its earlier questions.
            let _: bool = member.outbox.answer(frame);
        }
    }

    /// Takes in what has arrived, stores it and sends it on.
    fn flush(&mut self, now: Duration) {
        let inbox = std::mem::take(&mut self.inbox);
        self.inbox_bytes = 0;
        if self.is_broken() {
            return;
        }
        if !inbox.is_empty() {
            self.take_in(now, inbox);
        }
        if self.news_for_log && self.unsaved.is_none() && !self.replica.waits_for_updates() {
            self.news_for_log = false;
            let logged = self.appended;
            for (connection, member) in &mut self.members {
                let arrived = member.messages;
                if let Some(progress) = &mut member.durable {
                    let held = self.held.iter().filter(|held| held.from == *connection);
                    let first_bad = held.map(|held| held.number).chain(progress.refused).min();
                    let good = first_bad.map_or(arrived, |bad| arrived.min(bad - 1));
                    progress.logged.push_back((logged, good));
                }
            }
        }
    }

    fn take_in(&mut self, now: Duration, arrived: Vec<Arrived>) {
        self.news_for_log = true;
        let ready = self.in_order(arrived);
        let Some(first) = ready.first().map(|arrived| arrived.from) else {
            return;
        };
        // With an update that waited for this one, somebody else's content comes out as well.
        let only = (!self.replica.waits_for_updates()
            && ready.iter().all(|arrived| arrived.from == first))
        .then_some(first);
        let together = self.replica.apply_updates(
            ready.iter().map(|arrived| &*arrived.update),
            Origin::Remote(first.0),
        );
        if together.is_err() && !self.is_broken() {
            // One of them is to blame: those that were taken in already change nothing.
            for arrived in &ready {
                let origin = Origin::Remote(arrived.from.0);
                if self.replica.apply_update(&arrived.update, origin).is_err() {
                    if let Some(member) = self.members.get_mut(&arrived.from) {
                        member.refuse(arrived.number);
                    }
                    self.note_malformed(arrived.from);
                }
            }
        }
        if self.is_broken() {
            tracing::error!(target: "server", "an update left a room unusable; it is opened anew");
            self.close_all(Close::TryLater);
        }
        self.pass_on(now, only);
    }

    /// Those updates, and of the held ones, that follow on what the document has; the others are held.
    /// The document library would take them in and leave a hole, which no peer would ever be told of.
    fn in_order(&mut self, arrived: Vec<Arrived>) -> Vec<Arrived> {
        let mut waiting = std::mem::take(&mut self.held);
        waiting.extend(arrived);
        let mut clocks = self.replica.clocks();
        let mut ready = Vec::new();
        loop {
            let before = ready.len();
            for arrived in std::mem::take(&mut waiting) {
                let clock = |client| clocks.get(&client).copied().unwrap_or(0);
                let follows = |extent: &Extent| extent.follows(clock(extent.client));
                if !arrived.extents.iter().all(follows) {
                    waiting.push(arrived);
                    continue;
                }
                for extent in &arrived.extents {
                    let clock = clocks.entry(extent.client).or_default();
                    *clock = extent.end.max(*clock);
                }
                ready.push(arrived);
            }
            if ready.len() == before || waiting.is_empty() {
                break;
            }
        }
        let mut bytes = 0;
        for arrived in waiting {
            bytes += arrived.update.len();
            if bytes <= MOST_INBOX_BYTES {
                self.held.push(arrived);
            } else if let Some(member) = self.members.get_mut(&arrived.from) {
                member.refuse(arrived.number);
            }
        }
        ready
    }

    /// Stores and sends what the document has to say; not to its only sender.
    fn pass_on(&mut self, now: Duration, only: Option<ConnectionId>) {
        let updates = self.replica.take_updates();
        if updates.is_empty() {
            return;
        }
        let before = Arc::clone(&self.state_vector);
        if !self.is_broken() {
            self.state_vector = self.replica.state_vector().into();
        }
        self.flushed_at = Some(now);
        self.whole = None;
        self.has_record = true;
        for update in updates {
            self.changes += 1;
            self.metrics.updates_merged.fetch_add(1, Ordering::Relaxed);
            self.save(now, &update.bytes, &before);
            let frame = sync_frame(SyncMessage::Update(&update.bytes));
            for (connection, member) in &mut self.members {
                if Some(*connection) != only && member.speaks_binary() {
                    member.outbox.update(&frame, &before);
                    member.last_binary = now;
                }
            }
        }
    }

    fn save(&mut self, now: Duration, update: &[u8], before: &Arc<[u8]>) {
        if self.unsaved.is_some() {
            return;
        }
        match self.log.append(update) {
            Some(number) => {
                self.log_bytes += update.len();
                self.log_updates += 1;
                self.appended = number;
                self.storing
                    .push_back((number, Arc::clone(&self.state_vector)));
            }
            None => self.unsaved = Some((Arc::clone(before), now + SAVE_RETRY)),
        }
    }

    /// The log refused before: all that it lacks, as one update.
    fn save_again(&mut self, now: Duration) {
        let Some((since, _)) = self.unsaved.take() else {
            return;
        };
        if let Ok(missing) = self.replica.encode_missing(&since) {
            self.save(now, &missing, &since);
            self.news_for_log = true;
        }
    }

    /// Tells those who asked what is on disk now.
    fn acknowledge(&mut self) {
        let durable = self.log.durable();
        while let Some((number, _)) = self.storing.front()
            && *number <= durable
        {
            if let Some((_, state)) = self.storing.pop_front() {
                self.durable = state;
            }
        }
        for member in self.members.values_mut() {
            let Some(progress) = &mut member.durable else {
                continue;
            };
            let mut news = None;
            while let Some((logged, messages)) = progress.logged.front().copied()
                && logged <= durable
            {
                progress.logged.pop_front();
                news = Some(messages);
            }
            if let Some(messages) = news {
                let frame = durable_frame(messages, &self.durable);
                member.outbox.acknowledge(frame);
            }
        }
    }

    fn compact(&mut self) {
        let whole = self.whole();
        if self.log.snapshot(whole.to_vec()) {
            self.snapshot_bytes = whole.len();
        }
        // Refused or not: the next one comes when as much again has been written.
        self.log_bytes = 0;
        self.log_updates = 0;
    }

    fn send_presence(&mut self, now: Duration) {
        let before = self.presence_sent;
        if self.presence.revision() == before {
            return;
        }
        // From the first revision on, those who left are told as well.
        let shown = self.presence.since(before.max(1));
        let shown = if before == 0 {
            self.presence.since(0)
        } else {
            shown
        };
        self.presence_sent = self.presence.revision();
        if shown.is_empty() {
            return;
        }
        self.presence_at = Some(now);
        let frame = presence_frame(&shown);
        for member in self.members.values_mut().filter(|m| m.speaks_binary()) {
            member.outbox.presence(&frame, before);
            member.last_binary = now;
        }
    }

    fn keep_alive(&mut self, now: Duration) {
        let quiet = |member: &&mut Member| member.last_binary + KEEP_ALIVE <= now;
        for member in self.members.values_mut().filter(quiet) {
            member.last_binary = now;
            if member.speaks_binary() {
                // Web clients take a connection for dead after 30 s without a message.
                let _: bool = member.outbox.answer(presence_frame(&[]));
            }
        }
    }

    fn send_text(&self, text: &Bytes, to: impl Fn(ConnectionId, &Member) -> bool) -> usize {
        let mut sent = 0;
        for (connection, member) in &self.members {
            if member.hears_text() && to(*connection, member) {
                member.outbox.event(text);
                sent += 1;
            }
        }
        self.metrics
            .events_out
            .fetch_add(sent as u64, Ordering::Relaxed);
        sent
    }

    fn tell_of_user(&self, kind: &str, user: &User, unix_ms: i64, except: ConnectionId) {
        let event = serde_json::json!({
            "type": kind,
            "payload": {"userId": &*user.id, "userName": user.name.as_deref()},
            "timestamp": unix_ms,
        });
        let text = Bytes::from(event.to_string());
        self.send_text(&text, |connection, _| connection != except);
    }
}

impl Member {
    /// Something binary may be sent: always, but in plain JSON rooms to those who began it.
    const fn speaks_binary(&self) -> bool {
        self.spoke_binary || !self.text_first
    }

    /// A document message was not taken in.
    fn refuse(&mut self, number: u64) {
        if let Some(progress) = &mut self.durable {
            progress.refused.get_or_insert(number);
        }
    }

    /// Text may be sent: not to those who would take it for a broken y-protocols message.
    const fn hears_text(&self) -> bool {
        self.takes_text || !self.spoke_binary
    }
}

/// The state vector of an empty document.
fn is_nothing(state_vector: &[u8]) -> bool {
    matches!(state_vector, [] | [0])
}

fn sync_frame(message: SyncMessage<'_>) -> Bytes {
    Message::Sync(message).encode().into()
}

fn presence_frame(shown: &[Shown]) -> Bytes {
    let entries = shown.iter().map(|shown| AwarenessEntry {
        client: shown.client,
        clock: shown.clock,
        json: shown.state.as_deref().unwrap_or("null"),
    });
    awareness_frame(entries).into()
}

fn durable_frame(messages: u64, state_vector: &[u8]) -> Bytes {
    let message = Message::Durable {
        messages,
        state_vector,
    };
    message.encode().into()
}
