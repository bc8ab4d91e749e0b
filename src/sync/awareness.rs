//! Who is here and what they show, from one client's side: the clock rules of y-protocols.
//!
//! * An entry is taken as [`is_news`] says.
//! * The own state is renewed after [`RENEWAL`] of silence, also when it has not changed; others that
//!   were not renewed for [`EXPIRY`] are gone, although their clock is remembered.
//! * A `null` over the own state (a server ended an old connection of ours) is answered with the
//!   state at a newer clock.
//! * A new connection says the own state at a newer clock, or nobody would see it before its next
//!   change, and forgets everybody else's clocks, or their states would be taken for old.
//! * What is sent is the latest state, at most every [`THROTTLE`].
//!
//! States are JSON text that is never looked at; the caller parses what it shows. The table is bounded
//! in clients and in bytes. Must not know sockets, documents or what a state means. Called by
//! [`super::client`]; the clock rule, [`EXPIRY`] and [`MAX_STATE_BYTES`] by the room server too.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::protocol::{AwarenessEntry, AwarenessUpdate, awareness_frame};

/// The own state is said again after this.
pub const RENEWAL: Duration = Duration::from_secs(15);
/// Others that were not heard for this long are gone.
pub const EXPIRY: Duration = Duration::from_secs(30);
/// The own state is sent at most this often.
pub const THROTTLE: Duration = Duration::from_millis(33);
/// The longest state of one client, in bytes: a temporary drawing is in it.
pub const MAX_STATE_BYTES: usize = 256 << 10;

/// How many clients are kept, those that have gone included.
const MAX_CLIENTS: usize = 2048;
/// What all states may take together, in bytes.
const MAX_TOTAL_BYTES: usize = 16 << 20;

/// The state is too long to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("what is shown to others is too large ({bytes} bytes) and was not sent")]
pub struct TooLarge {
    /// Its length.
    pub bytes: usize,
}

/// The clock rule of y-protocols: whether an entry at `clock` says something new of a client whose
/// last known clock is `known_clock`, 0 for one that is unknown. It does when its clock is newer, so a
/// state at clock 0 is never taken; ours begin at 1. At the same clock only a `null` does (`is_gone`),
/// where it takes a state away (`may_leave`).
#[must_use]
pub const fn is_news(known_clock: u64, may_leave: bool, clock: u64, is_gone: bool) -> bool {
    clock > known_clock || (clock == known_clock && is_gone && may_leave)
}

/// A client's state as it is now; `None`: the client has gone.
pub type Shown = (u64, Option<Arc<str>>);

#[derive(Debug)]
struct Remote {
    clock: u64,
    state: Option<Arc<str>>,
    heard: Duration,
}

/// The awareness table of one client in one room.
#[derive(Debug)]
pub struct Awareness {
    client: u64,
    clock: u64,
    state: Option<Arc<str>>,
    /// The state is not what was last sent.
    is_due: bool,
    sent: Option<Duration>,
    remote: BTreeMap<u64, Remote>,
    remote_bytes: usize,
    changed: BTreeSet<u64>,
}

impl Awareness {
    /// Nobody is here yet. `client` is the document's replica id.
    #[must_use]
    pub const fn new(client: u64) -> Self {
        Self {
            client,
            clock: 0,
            state: None,
            is_due: false,
            sent: None,
            remote: BTreeMap::new(),
            remote_bytes: 0,
            changed: BTreeSet::new(),
        }
    }

    /// Sets what this client shows, as JSON text; `None`: nothing.
    ///
    /// # Errors
    /// When it is too long; then the last state stays.
    pub fn set_local(&mut self, state: Option<&str>) -> Result<(), TooLarge> {
        if let Some(bytes) = state.map(str::len).filter(|bytes| *bytes > MAX_STATE_BYTES) {
            return Err(TooLarge { bytes });
        }
        let state = state.filter(|state| *state != "null");
        if self.state.as_deref() != state {
            self.state = state.map(Into::into);
            self.is_due = true;
        }
        Ok(())
    }

    /// What this client shows.
    #[must_use]
    pub fn local(&self) -> Option<&str> {
        self.state.as_deref()
    }

    /// The others that are here, by client, and what they show.
    pub fn states(&self) -> impl Iterator<Item = (u64, &Arc<str>)> {
        self.remote
            .iter()
            .filter_map(|(client, remote)| Some((*client, remote.state.as_ref()?)))
    }

    /// A new connection is open: the own state is due at once at a newer clock.
    pub fn opened(&mut self) {
        self.forget_others();
        self.sent = None;
        self.is_due = self.state.is_some();
    }

    /// Somebody asks for the own state.
    pub fn say_again(&mut self) {
        self.is_due |= self.state.is_some();
    }

    /// The connection has gone, and everybody else with it.
    pub fn closed(&mut self) {
        self.forget_others();
    }

    fn forget_others(&mut self) {
        for (client, remote) in std::mem::take(&mut self.remote) {
            if remote.state.is_some() {
                self.changed.insert(client);
            }
        }
        self.remote_bytes = 0;
    }

    /// The frame that is due, if one is. What it holds counts as sent.
    pub fn take_frame(&mut self, now: Duration) -> Option<Vec<u8>> {
        if self.due().is_none_or(|due| due > now) {
            return None;
        }
        self.is_due = false;
        self.sent = Some(now);
        self.clock += 1;
        Some(awareness_frame([AwarenessEntry {
            client: self.client,
            clock: self.clock,
            json: self.state.as_deref().unwrap_or("null"),
        }]))
    }

    /// The frame that says good-bye, if this client has shown anything. The state is kept for the
    /// next connection.
    pub fn take_farewell(&mut self) -> Option<Vec<u8>> {
        self.state.as_ref()?;
        self.clock += 1;
        Some(awareness_frame([AwarenessEntry {
            client: self.client,
            clock: self.clock,
            json: "null",
        }]))
    }

    /// When the own state has to be sent next.
    fn due(&self) -> Option<Duration> {
        match (self.is_due, self.sent) {
            (true, None) => Some(Duration::ZERO),
            (true, Some(sent)) => Some(sent + THROTTLE),
            (false, Some(sent)) if self.state.is_some() => Some(sent + RENEWAL),
            (false, _) => None,
        }
    }

    /// When there is something to do next: a frame to send or somebody to forget.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Duration> {
        let expiry = self
            .remote
            .values()
            .filter(|remote| remote.state.is_some())
            .map(|remote| remote.heard + EXPIRY)
            .min();
        self.due().into_iter().chain(expiry).min()
    }

    /// Takes in what a frame says of others. Their states are not sent on.
    pub fn hear(&mut self, now: Duration, update: &AwarenessUpdate<'_>) {
        for entry in update.entries() {
            if entry.client == self.client {
                self.hear_of_self(&entry);
            } else {
                self.hear_of(now, &entry);
            }
        }
    }

    fn hear_of_self(&mut self, entry: &AwarenessEntry<'_>) {
        if entry.is_gone() && entry.clock >= self.clock && self.state.is_some() {
            self.is_due = true;
        }
        self.clock = self.clock.max(entry.clock);
    }

    fn hear_of(&mut self, now: Duration, entry: &AwarenessEntry<'_>) {
        let is_gone = entry.is_gone();
        let (clock, held, was_here) =
            self.remote
                .get(&entry.client)
                .map_or((0, 0, false), |known| {
                    let bytes = known.state.as_ref().map_or(0, |state| state.len());
                    (known.clock, bytes, known.state.is_some())
                });
        if !is_news(clock, was_here, entry.clock, is_gone) {
            return;
        }
        if is_gone {
            if let Some(known) = self.remote.get_mut(&entry.client) {
                known.clock = entry.clock;
                known.heard = now;
                if known.state.take().is_some() {
                    self.remote_bytes -= held;
                    self.changed.insert(entry.client);
                }
            }
            return;
        }
        let total = self.remote_bytes - held + entry.json.len();
        if entry.json.len() > MAX_STATE_BYTES
            || total > MAX_TOTAL_BYTES
            || !(self.remote.contains_key(&entry.client) || self.has_place())
        {
            return;
        }
        let known = self.remote.entry(entry.client).or_insert(Remote {
            clock: 0,
            state: None,
            heard: now,
        });
        known.clock = entry.clock;
        known.heard = now;
        if known.state.as_deref() != Some(entry.json) {
            known.state = Some(entry.json.into());
            self.remote_bytes = total;
            self.changed.insert(entry.client);
        }
    }

    /// Whether one more client fits; forgets the one that has been gone for longest if need be.
    fn has_place(&mut self) -> bool {
        if self.remote.len() < MAX_CLIENTS {
            return true;
        }
        let oldest = self
            .remote
            .iter()
            .filter(|(_, remote)| remote.state.is_none())
            .min_by_key(|(_, remote)| remote.heard)
            .map(|(client, _)| *client);
        oldest.is_some_and(|client| self.remote.remove(&client).is_some())
    }

    /// Forgets the states of others that were not renewed in time.
    pub fn expire(&mut self, now: Duration) {
        for (client, remote) in &mut self.remote {
            if remote.heard + EXPIRY <= now
                && let Some(state) = remote.state.take()
            {
                self.remote_bytes -= state.len();
                self.changed.insert(*client);
            }
        }
    }

    /// Who changed since the last call, with what they show now.
    pub fn take_changes(&mut self) -> Vec<Shown> {
        std::mem::take(&mut self.changed)
            .into_iter()
            .map(|client| {
                let state = self
                    .remote
                    .get(&client)
                    .and_then(|remote| remote.state.clone());
                (client, state)
            })
            .collect()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::super::protocol::Message;
    use super::*;

    const ME: u64 = 7;

    fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn hear(table: &mut Awareness, ms: u64, entries: &[(u64, u64, &str)]) {
        let frame = awareness_frame(entries.iter().map(|(client, clock, json)| AwarenessEntry {
            client: *client,
            clock: *clock,
            json,
        }));
        let Message::Awareness(update) = Message::decode(&frame).unwrap() else {
            unreachable!("an awareness frame");
        };
        table.hear(at(ms), &update);
    }

    fn sent(frame: Option<Vec<u8>>) -> Option<(u64, String)> {
        let frame = frame?;
        let Message::Awareness(update) = Message::decode(&frame).unwrap() else {
            unreachable!("an awareness frame");
        };
        let entry = update.entries().next().unwrap();
        assert_eq!(entry.client, ME);
        Some((entry.clock, entry.json.to_owned()))
    }

    fn shown(table: &Awareness) -> Vec<(u64, String)> {
        table
            .states()
            .map(|(client, state)| (client, state.to_string()))
            .collect()
    }

    #[test]
    fn entries_are_taken_by_their_clocks() {
        let mut table = Awareness::new(ME);
        hear(&mut table, 0, &[(1, 0, "{}"), (2, 1, "{}"), (3, 1, "null")]);
        assert_eq!(shown(&table), [(2, "{}".to_owned())], "clock 0 is no news");
        hear(&mut table, 0, &[(2, 1, "[1]"), (2, 1, "[2]")]);
        assert_eq!(
            shown(&table),
            [(2, "{}".to_owned())],
            "an equal clock is none"
        );
        table.take_changes();
        hear(&mut table, 0, &[(2, 1, "null")]);
        assert_eq!(table.take_changes(), [(2, None)], "but for who goes");
        hear(&mut table, 0, &[(2, 1, "{}")]);
        assert!(shown(&table).is_empty());
        hear(&mut table, 0, &[(2, 2, "{}")]);
        assert_eq!(table.take_changes(), [(2, Some("{}".into()))]);
        hear(&mut table, 0, &[(2, 3, "{}")]);
        assert!(table.take_changes().is_empty(), "a renewal is no change");
    }

    #[test]
    fn the_latest_state_is_sent_every_33_ms_and_renewed_every_15_s() {
        let mut table = Awareness::new(ME);
        assert_eq!(table.take_frame(at(0)), None, "nothing to say");
        table.set_local(Some("1")).unwrap();
        assert_eq!(sent(table.take_frame(at(0))), Some((1, "1".to_owned())));
        table.set_local(Some("2")).unwrap();
        table.set_local(Some("3")).unwrap();
        assert_eq!(table.take_frame(at(32)), None);
        assert_eq!(table.next_deadline(), Some(at(33)));
        assert_eq!(sent(table.take_frame(at(33))), Some((2, "3".to_owned())));
        assert_eq!(table.next_deadline(), Some(at(15_033)));
        assert_eq!(table.take_frame(at(15_032)), None);
        assert_eq!(
            sent(table.take_frame(at(15_033))),
            Some((3, "3".to_owned()))
        );
        table.set_local(None).unwrap();
        assert_eq!(
            sent(table.take_frame(at(16_000))),
            Some((4, "null".to_owned()))
        );
        assert_eq!(table.next_deadline(), None, "nothing to renew");
        let long = "x".repeat(MAX_STATE_BYTES + 1);
        assert!(table.set_local(Some(&long)).is_err());
    }

    #[test]
    fn others_expire_and_come_back_with_a_newer_clock_only() {
        let mut table = Awareness::new(ME);
        hear(&mut table, 0, &[(1, 5, "{}")]);
        assert_eq!(table.next_deadline(), Some(at(30_000)));
        table.expire(at(29_999));
        assert_eq!(table.states().count(), 1);
        table.expire(at(30_000));
        assert_eq!(table.take_changes(), [(1, None)]);
        hear(&mut table, 30_001, &[(1, 5, "{}")]);
        assert_eq!(table.states().count(), 0);
        hear(&mut table, 30_002, &[(1, 6, "{}")]);
        assert_eq!(table.states().count(), 1);
    }

    #[test]
    fn a_null_over_the_own_state_is_answered_with_it() {
        let mut table = Awareness::new(ME);
        table.set_local(Some("1")).unwrap();
        table.take_frame(at(0));
        hear(&mut table, 10, &[(ME, 1, "1")]);
        assert_eq!(table.take_frame(at(1000)), None, "the echo is no news");
        hear(&mut table, 1000, &[(ME, 4, "null")]);
        assert_eq!(sent(table.take_frame(at(1000))), Some((5, "1".to_owned())));
        assert_eq!(table.states().count(), 0, "nobody is their own guest");
    }

    #[test]
    fn a_new_connection_says_the_state_again_and_believes_old_clocks() {
        let mut table = Awareness::new(ME);
        table.set_local(Some("1")).unwrap();
        table.take_frame(at(0));
        hear(&mut table, 1, &[(1, 5, "{}")]);
        table.take_changes();
        table.closed();
        assert_eq!(table.take_changes(), [(1, None)]);
        table.opened();
        assert_eq!(sent(table.take_frame(at(2))), Some((2, "1".to_owned())));
        hear(&mut table, 3, &[(1, 5, "{}")]);
        assert_eq!(table.take_changes(), [(1, Some("{}".into()))]);
        assert_eq!(sent(table.take_farewell()), Some((3, "null".to_owned())));
        assert_eq!(table.local(), Some("1"), "kept for the next time");
    }

    #[test]
    fn strangers_cannot_fill_the_table() {
        let mut table = Awareness::new(ME);
        for client in 100..10_000 {
            hear(&mut table, client, &[(client, 1, "{}")]);
        }
        assert_eq!(table.remote.len(), MAX_CLIENTS);
        for client in 100..10_000 {
            hear(&mut table, 10_000, &[(client, 2, "null")]);
        }
        hear(&mut table, 10_001, &[(5, 1, "{}")]);
        assert_eq!(shown(&table), [(5, "{}".to_owned())]);
        assert_eq!(table.remote.len(), MAX_CLIENTS);
        let large = "x".repeat(MAX_STATE_BYTES);
        for client in 20_000..20_100 {
            hear(&mut table, 10_002, &[(client, 1, &large)]);
        }
        assert!(table.remote_bytes <= MAX_TOTAL_BYTES);
        hear(
            &mut table,
            10_003,
            &[(30_000, 1, &"x".repeat(MAX_STATE_BYTES + 1))],
        );
        assert!(table.states().all(|(client, _)| client != 30_000));
    }

    proptest! {
        /// Whatever is heard in whatever order: the bytes are counted right, and a client's clock
        /// never goes back.
        #[test]
        fn the_books_stay_right(
            steps in prop::collection::vec((0u64..6, 0u64..6, 0usize..4, 0u64..20_000), 1..80)
        ) {
            let mut table = Awareness::new(3);
            let mut now = 0;
            for (client, clock, length, wait) in steps {
                now += wait;
                let json = if length == 0 { "null".to_owned() } else { "x".repeat(length) };
                let before = table.remote.get(&client).map_or(0, |known| known.clock);
                hear(&mut table, now, &[(client, clock, &json)]);
                table.expire(at(now));
                let bytes: usize = table.states().map(|(_, state)| state.len()).sum();
                prop_assert_eq!(bytes, table.remote_bytes);
                prop_assert!(table.remote.get(&client).map_or(0, |known| known.clock) >= before);
                prop_assert!(table.states().all(|(client, _)| client != 3));
            }
        }
    }
}
