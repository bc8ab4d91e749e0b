//! One room, without I/O and without a clock of its own: connections, document, presence, fan-out.
//!
//! Whoever drives it ([`super::driver`], or a test) hands in what arrived together with the time,
//! calls [`Room::poll`] at [`Room::next_deadline`] at the latest, and sends what the connections'
//! [`Outbox`]es hold.
//!
//! **Document updates** that have arrived are taken in as one transaction, so that what comes out is
//! one update: stored, and sent to everybody but its only sender. The first goes at once; those
//! close behind it go together, waiting the longer the more people there are, [`MERGE`] at most.
//! **Presence** goes at once and then every [`PRESENCE_STEP`], together with an update where one
//! goes anyway, the latest state of each client in one frame, to everybody: a lone web client takes
//! the echo of its own renewal for the sign that the connection lives. For the same reason a
//! connection that got nothing for [`KEEP_ALIVE`] gets an empty frame. The document is the subject
//! of [`updates`], the people that of [`people`].

mod people;
mod players;
mod updates;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;

use super::ConnectionId;
use super::access::Role;
use super::metrics::Metrics;
use super::outbox::{Close, Outbox};
use super::presence::{Presence, Shown};
use super::store::RoomLog;
use crate::doc::guard::Extent;
use crate::doc::opened::{Layout, Opened};
use crate::doc::replica::DocError;
use crate::sync::protocol::{AwarenessEntry, Message, SyncMessage, awareness_frame};

pub use self::players::{CutFile, CutWanted, OnTable};

/// Document updates merge within this time at most; see [`Room::merges_within`].
pub const MERGE: Duration = Duration::from_millis(16);
/// In a room of so few, the next update goes as soon as it is there: few would come within a wait that
/// nobody notices, so that waiting saves next to nothing.
const MERGES_FROM: usize = 20;
/// What each further connection adds to the time, so that the frames a second do not grow with the
/// square of the people.
const MERGE_FOR_EACH: Duration = Duration::from_micros(500);
/// Presence is sent this often.
pub const PRESENCE_STEP: Duration = Duration::from_millis(33);
/// Presence waits this long for an update to go with, where there was one just now: two frames in one
/// write cost little more than one.
const COMPANY: Duration = Duration::from_millis(5);
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
    /// For those who get the players' document.
    guest: Option<players::Guest>,
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
    document: Opened,
    layout: Layout,
    /// For the first guest and from then on.
    players: Option<players::Players>,
    /// What the parties have on the table.
    tables: Vec<OnTable>,
    /// The players' document as it was kept, until the first guest comes.
    kept_players: Option<Vec<u8>>,
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
    /// The players' document as it was kept last.
    pub players: Option<Vec<u8>>,
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
        let document = Opened::unread(beginning.parts.iter().map(Vec::as_slice))?;
        let state_vector: Arc<[u8]> = document.state_vector().into();
        let (first, later) = beginning
            .parts
            .split_first()
            .map_or((0, 0), |(first, later)| {
                (first.len(), later.iter().map(Vec::len).sum())
            });
        let mut room = Self {
            layout: Layout::Empty,
            document,
            players: None,
            tables: Vec::new(),
            kept_players: beginning.players.clone(),
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
        };
        room.note_layout();
        Ok(room)
    }

    /// Looks what kind of document this is, until it is known. A party's is read from then on: others
    /// have to know what is on its table.
    fn note_layout(&mut self) {
        if self.layout == Layout::Empty {
            self.layout = self.document.layout();
            if self.layout == Layout::Party {
                self.document.read_as(Layout::Party);
            }
        }
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

/// Who else can be let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seats {
    /// Open connections.
    pub taken: usize,
    /// Players and displays can come.
    pub for_guests: bool,
}

impl Room {
    /// Somebody comes in: told what the server has, and who is here.
    pub fn join(&mut self, now: Duration, unix_ms: i64, join: Join) {
        if self.is_broken() {
            join.outbox.close(Close::TryLater);
            return;
        }
        if !join.role.sees_all() && !self.welcome_guests(now) {
            join.outbox.close(Close::NotForPlayers);
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
            guest: (!role.sees_all()).then(players::Guest::default),
            user: join.user,
            takes_text: join.takes_text,
            durable: (join.wants_durable && self.log.promises()).then(Progress::default),
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
            self.tell_of_user("USER_JOINED", &user, unix_ms, join.connection, role);
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
            self.tell_of_user("USER_LEFT", &user, unix_ms, connection, member.role);
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
            Ok(Message::Sync(SyncMessage::Step2(update))) => {
                self.take_update(now, from, frame.slice_ref(update), true);
            }
            Ok(Message::Sync(SyncMessage::Update(update))) => {
                self.take_update(now, from, frame.slice_ref(update), false);
            }
            Ok(Message::Awareness(update)) => self.take_presence(now, from, update),
            Ok(Message::QueryAwareness) => self.show_all(from),
            // What a server says, and not a client.
            Ok(Message::Denied(_) | Message::Durable { .. }) => {}
            Ok(Message::Unknown { .. }) | Err(_) => self.note_malformed(from),
        }
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

    /// Everything that is due at this time.
    pub fn poll(&mut self, now: Duration) {
        let merge = self.merges_within();
        let is_due = self.flushed_at.is_none_or(|at| at + merge <= now);
        if is_due || self.inbox_bytes > MOST_INBOX_BYTES {
            self.flush(now);
        }
        self.presence.expire(now);
        self.note_presence(now);
        let goes_along = self.flushed_at == Some(now) && self.presence_beat() <= now;
        if goes_along || self.presence_due() <= now {
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
        let waits = !self.inbox.is_empty()
            || self.has_guest_news()
            || (self.news_for_log && self.unsaved.is_none());
        let merge = waits.then(|| {
            self.flushed_at
                .map_or(Duration::ZERO, |at| at + self.merges_within())
        });
        let presence = (self.presence.revision() > self.presence_sent).then(|| self.presence_due());
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

    /// From when on presence may go out again.
    fn presence_beat(&self) -> Duration {
        self.presence_at
            .map_or(Duration::ZERO, |at| at + PRESENCE_STEP)
    }

    /// When it goes out at the latest.
    fn presence_due(&self) -> Duration {
        let beat = self.presence_beat();
        match self.flushed_at {
            Some(at) if at + MERGE > beat => beat + COMPANY,
            _ => beat,
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
        self.document.is_broken()
    }

    /// The first frames of a connection: what the server has, and who is here.
    ///
    /// A guest is asked what it has after it has asked: which epoch it gets depends on that.
    fn greet(&self, member: &Member) {
        if member.guest.is_none() {
            member
                .outbox
                .answer(sync_frame(SyncMessage::Step1(&self.state_vector)));
        }
        let shown = self.presence.since(0);
        if !shown.is_empty() {
            member.outbox.answer(self.presence_to(member, &shown));
        }
        if member.durable.is_some() {
            member.outbox.acknowledge(match &member.guest {
                Some(guest) => guest.durable_frame(self.players.as_ref(), 0),
                None => durable_frame(0, &self.durable),
            });
        }
    }

    /// Presence as a connection gets it.
    fn presence_to(&self, member: &Member, shown: &[Shown]) -> Bytes {
        if member.guest.is_some() {
            self.presence_for_guests(shown)
        } else {
            presence_frame(shown)
        }
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
