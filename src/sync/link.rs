//! A client and its transport, driven by the thread that owns the document.
//!
//! The owner calls [`RoomLink::pump`] when the transport has woken it, after its own edits and at
//! [`RoomLink::next_deadline`]. Nothing here waits: what the transport cannot take stays in the
//! client, and what the owner does not fetch stays in the transport, which then stops reading from
//! the network. So a full queue on either side pushes back and loses nothing.
//!
//! Must not know what a document holds, nor which transport it has. Called by [`crate::session`].

use std::sync::Arc;
use std::time::Duration;

use super::awareness::{Awareness, TooLarge};
use super::client::{Action, Client, Counters, Event, Incoming, Outgoing};
use super::dialect::Dialect;
use super::state::ConnectionState;
use crate::doc::Origin;
use crate::doc::replica::{Replica, Update};
use crate::util::clock::Clock;

/// Told, on any thread, that there is something to pump; must be quick.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// Frames taken in before the owner gets its turn again.
const BURST: usize = 256;

/// A way to a room, one connection at a time. Nothing here waits.
pub trait Transport: Send {
    /// Opens a new connection. What the last one still had to report is dropped.
    fn connect(&mut self);
    /// Ends the connection; what was sent before is to arrive, and nothing more is reported.
    fn close(&mut self);
    /// A message can be sent now. When not, the owner is woken as soon as one can.
    fn can_send(&mut self) -> bool;
    /// Sends a message. Without a connection it is dropped.
    fn send(&mut self, outgoing: Outgoing);
    /// What has happened next, in order.
    fn receive(&mut self) -> Option<Incoming>;
}

/// One document's way to its room.
pub struct RoomLink {
    client: Client,
    transport: Box<dyn Transport>,
    clock: Arc<dyn Clock>,
    has_more: bool,
}

impl std::fmt::Debug for RoomLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RoomLink")
            .field("state", &self.client.state())
            .finish_non_exhaustive()
    }
}

impl RoomLink {
    /// A link that wants no connection yet. For `origin`, `replica_id` and `seed` see [`Client::new`].
    #[must_use]
    pub fn new(
        dialect: Dialect,
        origin: Origin,
        replica_id: u64,
        seed: u64,
        transport: Box<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            client: Client::new(dialect, origin, replica_id, seed),
            transport,
            clock,
            has_more: false,
        }
    }

    /// Connects and stays connected: [`Client::connect`].
    pub fn connect(&mut self) {
        self.client.connect(self.clock.now());
        self.act();
    }

    /// Says good-bye and leaves: [`Client::leave`]. Pump on until the state is
    /// [`ConnectionState::Disconnected`], at most a second.
    pub fn leave(&mut self) {
        self.client.leave(self.clock.now());
        self.flush();
        self.act();
    }

    /// The document's own changes: [`Client::local_updates`].
    pub fn local_updates<'u>(
        &mut self,
        doc: &Replica,
        generation: u64,
        updates: impl IntoIterator<Item = &'u [u8]>,
    ) {
        self.client.local_updates(doc, generation, updates);
        self.flush();
    }

    /// Hands the room those of the document's updates that did not come from it; whether there were
    /// any. `generation`: [`Client::local_updates`].
    pub fn share(&mut self, doc: &Replica, generation: u64, updates: &[Update]) -> bool {
        let own: Vec<&[u8]> = updates
            .iter()
            .filter(|update| update.origin != self.client.origin())
            .map(|update| &*update.bytes)
            .collect();
        let has_own = !own.is_empty();
        if has_own {
            self.local_updates(doc, generation, own);
        }
        has_own
    }

    /// Sets what this client shows to others, as JSON text; it leaves at once or within 33 ms.
    ///
    /// # Errors
    /// When it is too long; then the last state stays.
    pub fn set_awareness(&mut self, state: Option<&str>) -> Result<(), TooLarge> {
        self.client.set_awareness(state)?;
        self.flush();
        Ok(())
    }

    /// Takes in what has come, sends what is due, and tells what happened.
    pub fn pump(&mut self, doc: &mut Replica) -> Vec<Event> {
        let now = self.clock.now();
        let mut taken = 0;
        while taken < BURST
            && let Some(incoming) = self.transport.receive()
        {
            self.client.take_in(now, doc, incoming);
            taken += 1;
        }
        self.has_more = taken == BURST;
        self.client.poll(now, doc);
        self.flush();
        // A queue that has just emptied may have let a debt or a farewell through.
        self.client.poll(now, doc);
        self.flush();
        self.act();
        std::iter::from_fn(|| self.client.take_event()).collect()
    }

    /// When [`Self::pump`] has to be called at the latest, on the link's clock.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Duration> {
        if self.has_more {
            Some(self.clock.now())
        } else {
            self.client.next_deadline()
        }
    }

    fn flush(&mut self) {
        let now = self.clock.now();
        while self.transport.can_send()
            && let Some(outgoing) = self.client.next_outgoing(now)
        {
            self.transport.send(outgoing);
        }
    }

    fn act(&mut self) {
        while let Some(action) = self.client.take_action() {
            match action {
                Action::Connect => self.transport.connect(),
                Action::Close => self.transport.close(),
            }
        }
    }

    /// The connection's state.
    #[must_use]
    pub fn state(&self) -> ConnectionState {
        self.client.state()
    }

    /// How long until the next attempt, while one is waited for.
    #[must_use]
    pub fn retry_in(&self) -> Option<Duration> {
        let at = self.client.retry_at()?;
        Some(at.saturating_sub(self.clock.now()))
    }

    /// See [`Client::synced_once`].
    #[must_use]
    pub const fn synced_once(&self) -> bool {
        self.client.synced_once()
    }

    /// See [`Client::acknowledged`].
    #[must_use]
    pub const fn acknowledged(&self) -> Option<u64> {
        self.client.acknowledged()
    }

    /// See [`Client::has_sent_all`].
    #[must_use]
    pub fn has_sent_all(&self) -> bool {
        self.client.has_sent_all()
    }

    /// Who is here and what they show.
    #[must_use]
    pub const fn awareness(&self) -> &Awareness {
        self.client.awareness()
    }

    /// Sums for diagnostics.
    #[must_use]
    pub const fn counters(&self) -> Counters {
        self.client.counters()
    }
}
