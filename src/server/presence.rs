//! Who is here and what they show: the awareness table of a room.
//!
//! An entry is taken as [`is_news`] says. The clock is looked at before the state's JSON: web clients
//! send every entry that they receive back, and that must cost next to nothing.
//!
//! Every live entry belongs to the connection that it came from last, also when its client was here
//! before under another connection, so that a connection that drops takes its cursors along at once.
//! A `null` at the same clock counts only from the owner: a web client that lags behind times others
//! out for itself and says so to everybody.
//!
//! Called by [`super::room`].

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde::de::IgnoredAny;

use super::ConnectionId;
use crate::sync::awareness::{EXPIRY, MAX_STATE_BYTES, is_news};

/// How long a client's clock is remembered after it has gone.
const MEMORY: Duration = Duration::from_secs(600);
/// How many clients one connection may speak for.
const MOST_CLIENTS: usize = 32;
/// Clients have ids and clocks that JavaScript can count.
const MOST_NUMBER: u64 = 1 << 53;

/// What became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// It is news.
    Taken,
    /// It was known, or is not the sender's to say.
    Stale,
    /// It is no JSON, too long, or one client too many.
    Malformed,
}

/// One client's state as it goes over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The client.
    pub client: u64,
    /// Its clock.
    pub clock: u64,
    /// Its state as JSON text; `None`: gone.
    pub state: Option<Arc<str>>,
    /// The connection that it came from last.
    pub owner: ConnectionId,
}

#[derive(Debug)]
struct Entry {
    clock: u64,
    state: Option<Arc<str>>,
    owner: ConnectionId,
    heard: Duration,
    /// The table's revision at the last change.
    revision: u64,
}

/// The awareness table of a room.
#[derive(Debug, Default)]
pub struct Presence {
    entries: HashMap<u64, Entry>,
    revision: u64,
}

impl Presence {
    /// Takes one entry of an awareness message in. `state` is JSON text, `null` when the client goes.
    pub fn hear(
        &mut self,
        now: Duration,
        from: ConnectionId,
        (client, clock): (u64, u64),
        state: &str,
    ) -> Heard {
        let gone = state == "null";
        let known = self.entries.get(&client);
        let known_clock = known.map_or(0, |known| known.clock);
        let is_own = known.is_some_and(|known| known.state.is_some() && known.owner == from);
        // Nothing is kept of a client that was never here.
        let is_nobody = known.is_none() && gone;
        if is_nobody || !is_news(known_clock, is_own, clock, gone) {
            return Heard::Stale;
        }
        if client > MOST_NUMBER || clock > MOST_NUMBER || state.len() > MAX_STATE_BYTES {
            return Heard::Malformed;
        }
        // What is not JSON would break the others' reading of the whole message.
        if !gone && serde_json::from_str::<IgnoredAny>(state).is_err() {
            return Heard::Malformed;
        }
        let is_new = self
            .entries
            .get(&client)
            .is_none_or(|known| known.owner != from);
        if is_new && self.owned_by(from).count() >= MOST_CLIENTS {
            return Heard::Malformed;
        }
        self.revision += 1;
        let entry = Entry {
            clock,
            state: (!gone).then(|| state.into()),
            owner: from,
            heard: now,
            revision: self.revision,
        };
        self.entries.insert(client, entry);
        Heard::Taken
    }

    /// A connection has gone, and what it showed with it; whether that is news.
    pub fn leave(&mut self, now: Duration, connection: ConnectionId) -> bool {
        self.remove(now, |entry| entry.owner == connection)
    }

    /// Removes what was not renewed in time; whether anything was.
    pub fn expire(&mut self, now: Duration) -> bool {
        self.entries
            .retain(|_, entry| entry.state.is_some() || entry.heard + MEMORY > now);
        self.remove(now, |entry| entry.heard + EXPIRY <= now)
    }

    /// When [`Self::expire`] has something to do next.
    #[must_use]
    pub fn next_expiry(&self) -> Option<Duration> {
        self.entries
            .values()
            .filter(|entry| entry.state.is_some())
            .map(|entry| entry.heard + EXPIRY)
            .min()
    }

    /// Grows with every change.
    #[must_use]
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// What changed after a revision, in the order of the changes; all that is live since 0.
    #[must_use]
    pub fn since(&self, revision: u64) -> Vec<Shown> {
        let mut changed: Vec<_> = self
            .entries
            .iter()
            .filter(|(_, entry)| {
                entry.revision > revision && (revision > 0 || entry.state.is_some())
            })
            .collect();
        changed.sort_unstable_by_key(|(_, entry)| entry.revision);
        changed
            .into_iter()
            .map(|(client, entry)| Shown {
                client: *client,
                clock: entry.clock,
                state: entry.state.clone(),
                owner: entry.owner,
            })
            .collect()
    }

    /// The connection that a live client's state came from last.
    #[must_use]
    pub fn owner(&self, client: u64) -> Option<ConnectionId> {
        let entry = self.entries.get(&client)?;
        entry.state.is_some().then_some(entry.owner)
    }

    fn owned_by(&self, connection: ConnectionId) -> impl Iterator<Item = &Entry> {
        self.entries
            .values()
            .filter(move |entry| entry.owner == connection && entry.state.is_some())
    }

    fn remove(&mut self, now: Duration, which: impl Fn(&Entry) -> bool) -> bool {
        let before = self.revision;
        for entry in self.entries.values_mut() {
            if entry.state.is_some() && which(entry) {
                self.revision += 1;
                // At the same clock: the client may come back with the next one.
                entry.state = None;
                entry.heard = now;
                entry.revision = self.revision;
            }
        }
        self.revision > before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: ConnectionId = ConnectionId(1);
    const B: ConnectionId = ConnectionId(2);
    const T0: Duration = Duration::ZERO;
    const CURSOR: &str = r#"{"cursor":{"x":1}}"#;

    fn live(presence: &Presence) -> Vec<u64> {
        let mut ids: Vec<u64> = presence.since(0).iter().map(|shown| shown.client).collect();
        ids.sort_unstable();
        ids
    }

    #[test]
    fn only_newer_clocks_are_news() {
        let mut presence = Presence::default();
        assert_eq!(presence.hear(T0, A, (7, 0), "{}"), Heard::Stale);
        assert_eq!(presence.hear(T0, A, (7, 1), CURSOR), Heard::Taken);
        assert_eq!(presence.hear(T0, A, (7, 1), CURSOR), Heard::Stale);
        // A stale entry is not even read.
        assert_eq!(presence.hear(T0, B, (7, 1), "{broken"), Heard::Stale);
        assert_eq!(presence.hear(T0, A, (7, 2), "{broken"), Heard::Malformed);
        assert_eq!(presence.hear(T0, A, (7, 1), "null"), Heard::Taken);
        assert_eq!(live(&presence), [0; 0]);
        assert_eq!(presence.hear(T0, A, (7, 1), CURSOR), Heard::Stale);
        assert_eq!(presence.hear(T0, A, (7, 2), CURSOR), Heard::Taken);
        assert_eq!(live(&presence), [7]);
    }

    #[test]
    fn a_connection_that_drops_takes_its_cursors_along_also_a_returning_one() {
        let mut presence = Presence::default();
        presence.hear(T0, A, (7, 1), CURSOR);
        presence.hear(T0, A, (8, 1), CURSOR);
        presence.hear(T0, B, (9, 1), CURSOR);
        assert!(presence.leave(T0, A));
        assert_eq!(live(&presence), [9]);
        let removal = presence.since(3);
        assert!(
            removal
                .iter()
                .all(|shown| shown.state.is_none() && shown.clock == 1)
        );
        assert_eq!(removal.len(), 2);

        let returned = ConnectionId(3);
        assert_eq!(presence.hear(T0, returned, (7, 2), CURSOR), Heard::Taken);
        // The half-open socket of before is noticed late: what has moved on is not its own.
        assert!(!presence.leave(T0, A));
        assert!(presence.leave(T0, returned));
        assert_eq!(live(&presence), [9]);
    }

    #[test]
    fn others_cannot_time_somebody_out() {
        let mut presence = Presence::default();
        presence.hear(T0, A, (7, 4), CURSOR);
        assert_eq!(presence.hear(T0, B, (7, 4), "null"), Heard::Stale);
        assert_eq!(live(&presence), [7]);
    }

    #[test]
    fn what_is_not_renewed_in_time_goes() {
        let mut presence = Presence::default();
        presence.hear(T0, A, (7, 1), CURSOR);
        presence.hear(Duration::from_secs(20), B, (8, 1), CURSOR);
        assert_eq!(presence.next_expiry(), Some(EXPIRY));
        assert!(!presence.expire(Duration::from_secs(29)));
        assert!(presence.expire(EXPIRY));
        assert_eq!(live(&presence), [8]);
        // The same clock afterwards is ignored, the next one works.
        assert_eq!(presence.hear(EXPIRY, A, (7, 1), CURSOR), Heard::Stale);
        assert_eq!(presence.hear(EXPIRY, A, (7, 2), CURSOR), Heard::Taken);
        // Memory of those who left is bounded.
        presence.leave(EXPIRY, A);
        presence.expire(Duration::from_secs(1000));
        assert!(presence.entries.len() <= 1);
    }

    #[test]
    fn one_connection_speaks_for_few() {
        let mut presence = Presence::default();
        let taken = (1..1000)
            .filter(|client| presence.hear(T0, A, (*client, 1), "{}") == Heard::Taken)
            .count();
        assert_eq!(taken, MOST_CLIENTS);
        assert_eq!(presence.hear(T0, B, (5000, 1), "{}"), Heard::Taken);
        let long = format!("\"{}\"", "x".repeat(MAX_STATE_BYTES));
        assert_eq!(presence.hear(T0, B, (5000, 2), &long), Heard::Malformed);
    }
}
