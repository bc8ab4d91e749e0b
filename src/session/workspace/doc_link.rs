//! One open document's connection to its room.
//!
//! Shares what this user (or another room of the document) changed, never what this room sent. Must
//! not know which document it is, nor whose room. Made by [`super::joining`], called by
//! [`super::rooms`] and when documents are saved.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::doc::replica::Replica;
use crate::doc::{Origin, Update};
use crate::model::presence::Presence;
use crate::session::apart::Contact;
use crate::session::lease::Lease;
use crate::session::room::{Connection, DocumentView, Place};
use crate::sync::client::Event;
use crate::sync::dialect::Dialect;
use crate::sync::link::{RoomLink, Transport};
use crate::sync::state::ConnectionState;
use crate::util::clock::Clock;

/// A connection; dropping it leaves the room.
#[derive(Debug)]
pub(super) struct DocLink {
    link: RoomLink,
    /// Counts what was shared.
    generation: u64,
    /// What of it the room has; nothing is known of what was made before this run until it was here.
    sent: Option<u64>,
    /// The room's document was here once, in this run or before: until then nothing is written.
    pub(super) is_hydrated: bool,
    /// An empty room may be made one of ours.
    pub(super) may_initialise: bool,
    /// The room is this process's own.
    pub(super) is_hosted_here: bool,
    /// What others show, as it was last read.
    people: HashMap<u64, Arc<Presence>>,
    /// The leases among it.
    leases: BTreeMap<u64, Lease>,
    /// Whose room it is, when it is not this process's.
    pub(super) place: Option<Place>,
}

impl DocLink {
    /// Connects.
    pub(super) fn new(
        dialect: Dialect,
        doc: &Replica,
        transport: Box<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let origin = Origin::Remote(NEXT.fetch_add(1, Ordering::Relaxed));
        let mut link = RoomLink::new(
            dialect,
            origin,
            doc.client_id(),
            rand::random(),
            transport,
            clock,
        );
        link.connect();
        Self {
            link,
            generation: 0,
            sent: None,
            is_hydrated: false,
            may_initialise: false,
            is_hosted_here: false,
            people: HashMap::new(),
            leases: BTreeMap::new(),
            place: None,
        }
    }

    /// Sends what the room did not send itself.
    pub(super) fn share(&mut self, doc: &Replica, updates: &[Update]) {
        if self.link.share(doc, self.generation + 1, updates) {
            self.generation += 1;
        }
    }

    pub(super) fn pump(&mut self, doc: &mut Replica) -> Vec<Event> {
        let mut events = self.link.pump(doc);
        if self.link.has_sent_all() {
            self.sent = Some(self.generation);
        }
        // The renewal of a lease is nothing that windows show.
        events.retain(|event| match event {
            Event::Awareness(changes) => {
                let mut is_news = false;
                for (client, state) in changes {
                    is_news |= self.note_person(*client, state.as_deref());
                }
                is_news
            }
            _ => true,
        });
        events
    }

    /// Whether somebody shows something else now, leases apart.
    fn note_person(&mut self, client: u64, state: Option<&str>) -> bool {
        match state.and_then(Lease::read) {
            Some(lease) => self.leases.insert(client, lease),
            None => self.leases.remove(&client),
        };
        let Some(state) = state else {
            return self.people.remove(&client).is_some();
        };
        let presence = Presence::read(state);
        let is_news = self.people.get(&client).is_none_or(|it| **it != presence);
        if is_news {
            self.people.insert(client, Arc::new(presence));
        }
        is_news
    }

    /// Who shows which lease, by client id.
    pub(super) const fn leases(&self) -> &BTreeMap<u64, Lease> {
        &self.leases
    }

    /// Both ways.
    pub(super) fn is_live(&self) -> bool {
        self.link.state() == ConnectionState::Live
    }

    /// Who else is here and what they show, by client id.
    pub(super) fn people(&self) -> impl Iterator<Item = (u64, &Arc<Presence>)> {
        self.people.iter().map(|(client, shown)| (*client, shown))
    }

    /// The room is known to be one of Tableglow's own servers, which keeps strokes for all.
    pub(super) const fn is_ours(&self) -> bool {
        self.is_hosted_here || self.link.acknowledged().is_some()
    }

    /// Tries again now.
    pub(super) fn reconnect(&mut self) {
        self.link.connect();
    }

    /// Shows a state to the others, as JSON; one that is too large is not shown.
    pub(super) fn show(&mut self, state: &str) {
        if let Err(error) = self.link.set_awareness(Some(state)) {
            tracing::warn!(target: "session", %error, "presence");
        }
    }

    pub(super) fn next_deadline(&self) -> Option<std::time::Duration> {
        self.link.next_deadline()
    }

    /// Everything that the room had is here, at least once in this run.
    pub(super) const fn has_synced(&self) -> bool {
        self.link.synced_once()
    }

    /// Something may come with the next call of [`Self::pump`].
    pub(super) fn may_receive(&self) -> bool {
        !matches!(
            self.link.state(),
            ConnectionState::Disconnected | ConnectionState::Refused(_)
        )
    }

    /// How it stands.
    pub(super) fn contact(&self) -> Contact {
        Contact {
            is_live: self.is_live(),
            has_all: match self.link.acknowledged() {
                Some(generation) => generation >= self.generation,
                None => self.link.has_sent_all(),
            },
        }
    }

    /// The room's document may still come.
    pub(super) fn may_come(&self) -> bool {
        !self.has_synced() && !matches!(self.link.state(), ConnectionState::Refused(_))
    }

    fn connection(&self) -> Connection {
        match self.link.state() {
            ConnectionState::Disconnected if self.link.retry_in().is_none() => {
                Connection::Disconnected
            }
            ConnectionState::Disconnected | ConnectionState::Connecting => Connection::Connecting {
                retry_in: self.link.retry_in(),
            },
            ConnectionState::Syncing => Connection::Syncing,
            ConnectionState::Live => Connection::Live,
            ConnectionState::Refused(refusal) => Connection::Refused(refusal.to_string().into()),
        }
    }

    /// What is shown of it.
    pub(super) fn view(&self, name: &str) -> DocumentView {
        let counters = self.link.counters();
        DocumentView {
            name: name.into(),
            connection: self.connection(),
            has_sent_all: self.sent == Some(self.generation),
            connections: counters.connections,
            out: (counters.frames_out, counters.bytes_out),
            in_: (counters.frames_in, counters.bytes_in),
        }
    }
}

impl Drop for DocLink {
    fn drop(&mut self) {
        self.link.leave();
    }
}
