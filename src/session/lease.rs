//! Who of several Tableglows in a room does what only one needs to do: the holder of a lease that is
//! carried in awareness.
//!
//! A claim takes a term above every term that was seen; of two claims the lower term holds, then the
//! lower client id. The holder says so again every [`RENEW`]; whoever was not heard for [`LAPSE`], on
//! the clock of whoever listens, holds nothing any more, even while the room still shows them. So a
//! holder that goes properly is followed at once, and one that was killed within [`LAPSE`] of its last
//! word. Clocks of others are never looked at.
//!
//! Two holders at a time (two parts of a cut network, or a moment after two claims) must do no harm:
//! the lease saves work, it guards nothing. Must not know what is done under it, nor how states
//! travel. Called by [`super::workspace`].

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value as Json, json};

/// How often a holder says that it still is.
pub const RENEW: Duration = Duration::from_secs(2);
/// A lease that was not said again for this long is over.
pub const LAPSE: Duration = Duration::from_secs(6);
/// Who comes listens this long before it claims: longer than a holder is ever silent.
pub const LISTEN: Duration = Duration::from_secs(3);

/// The key of an awareness state that holds a lease.
const KEY: &str = "tableglowSaver";
/// Numbers that JavaScript can count to.
const MOST: u64 = 1 << 53;

/// A lease as its holder shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lease {
    /// Orders claims.
    pub term: u64,
    /// Grows with every renewal, so that each is news.
    pub beat: u64,
}

impl Lease {
    /// The lease in an awareness state, if there is one.
    #[must_use]
    pub fn read(state: &str) -> Option<Self> {
        // Cursors come thirty times a second, and hardly any has one.
        if !state.contains(KEY) {
            return None;
        }
        let state: Json = serde_json::from_str(state).ok()?;
        let lease = state.get(KEY)?;
        let number = |key| lease.get(key)?.as_u64().filter(|number| *number <= MOST);
        Some(Self {
            term: number("term")?,
            beat: number("beat")?,
        })
    }

    /// An awareness state (a JSON object) with the lease in it.
    #[must_use]
    pub fn write_into(self, state: &str) -> String {
        match serde_json::from_str(state) {
            Ok(Json::Object(mut state)) => {
                let lease = json!({"term": self.term, "beat": self.beat});
                state.insert(KEY.to_owned(), lease);
                Json::Object(state).to_string()
            }
            _ => state.to_owned(),
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Heard {
    lease: Lease,
    at: Duration,
}

/// One client's side of the election.
#[derive(Debug, Default)]
pub struct Election {
    /// What this client holds, and when it said so last.
    held: Option<Heard>,
    others: BTreeMap<u64, Heard>,
    highest: u64,
    /// When it began to listen.
    since: Option<Duration>,
}

impl Election {
    /// Takes in who shows which lease now, by client id, and does what is due. Who is no candidate
    /// gives its lease up. `own` is this client's id.
    pub fn follow(
        &mut self,
        now: Duration,
        own: u64,
        shown: &BTreeMap<u64, Lease>,
        is_candidate: bool,
    ) {
        self.others.retain(|client, _| shown.contains_key(client));
        for (client, lease) in shown {
            self.highest = self.highest.max(lease.term);
            if self.others.get(client).is_none_or(|it| it.lease != *lease) {
                let heard = Heard {
                    lease: *lease,
                    at: now,
                };
                self.others.insert(*client, heard);
            }
        }
        if !is_candidate {
            (self.held, self.since) = (None, None);
            return;
        }
        // A machine that slept has lost it, whoever has noticed.
        if self.held.is_some_and(|held| held.at + LAPSE <= now) {
            (self.held, self.since) = (None, None);
        }
        let since = *self.since.get_or_insert(now);
        let best = self
            .valid(now)
            .map(|(client, it)| (it.lease.term, client))
            .min();
        match (&mut self.held, best) {
            (Some(held), Some(best)) if best < (held.lease.term, own) => self.held = None,
            (Some(held), _) if held.at + RENEW <= now => {
                held.lease.beat += 1;
                held.at = now;
            }
            (None, None) if since + LISTEN <= now => {
                let term = (self.highest + 1).min(MOST);
                self.highest = term;
                let lease = Lease { term, beat: 0 };
                self.held = Some(Heard { lease, at: now });
            }
            _ => {}
        }
    }

    fn valid(&self, now: Duration) -> impl Iterator<Item = (u64, &Heard)> {
        let valid = move |(_, heard): &(&u64, &Heard)| now < heard.at + LAPSE;
        let others = self.others.iter().filter(valid);
        others.map(|(client, heard)| (*client, heard))
    }

    /// What this client shows.
    #[must_use]
    pub fn lease(&self) -> Option<Lease> {
        self.held.map(|held| held.lease)
    }

    /// This client does the work.
    #[must_use]
    pub const fn is_holder(&self) -> bool {
        self.held.is_some()
    }

    /// When [`Self::follow`] has something to do next; `None`: nothing until somebody says something.
    #[must_use]
    pub fn next_deadline(&self, now: Duration) -> Option<Duration> {
        if let Some(held) = self.held {
            return Some(held.at + RENEW);
        }
        let lapse = self.valid(now).map(|(_, heard)| heard.at + LAPSE).max();
        Some(lapse.unwrap_or_default().max(self.since? + LISTEN))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STEP: Duration = Duration::from_millis(100);

    #[test]
    fn a_lease_travels_in_a_state_and_leaves_the_rest_alone() {
        let lease = Lease { term: 3, beat: 9 };
        let state = lease.write_into(r#"{"cursor":{"x":1}}"#);
        assert_eq!(Lease::read(&state), Some(lease));
        assert!(state.contains("cursor"));
        for none in [
            "",
            "{}",
            r#"{"tableglowSaver":1}"#,
            r#"{"tableglowSaver":{"term":-1,"beat":1}}"#,
            r#"{"tableglowSaver":{"term":1e300,"beat":1}}"#,
            r#"{"cursor":"tableglowSaver"}"#,
        ] {
            assert_eq!(Lease::read(none), None, "{none}");
        }
        assert_eq!(lease.write_into("null"), "null");
    }

    #[derive(Debug, Default)]
    struct Client {
        election: Election,
        /// What of it the others see.
        shown: Option<Lease>,
        /// It runs.
        is_up: bool,
        /// The room still shows it.
        is_shown: bool,
        /// On which side of a cut it is.
        side: u8,
    }

    /// Clients in a room, on one clock.
    struct Room {
        clients: Vec<Client>,
        now: Duration,
    }

    impl Room {
        fn of(count: usize) -> Self {
            let client = || Client {
                is_up: true,
                is_shown: true,
                ..Client::default()
            };
            Self {
                clients: std::iter::repeat_with(client).take(count).collect(),
                now: Duration::ZERO,
            }
        }

        fn step(&mut self) {
            self.now += STEP;
            for me in 0..self.clients.len() {
                let shown = self.seen_by(me);
                let client = &mut self.clients[me];
                if client.is_up {
                    client.election.follow(self.now, me as u64, &shown, true);
                    client.shown = client.election.lease();
                }
            }
        }

        fn seen_by(&self, me: usize) -> BTreeMap<u64, Lease> {
            let side = self.clients[me].side;
            let all = self.clients.iter().enumerate();
            all.filter(|(other, client)| *other != me && client.is_shown && client.side == side)
                .filter_map(|(other, client)| Some((other as u64, client.shown?)))
                .collect()
        }

        fn wait(&mut self, time: Duration) {
            let end = self.now + time;
            while self.now < end {
                self.step();
            }
        }

        fn holders(&self) -> Vec<usize> {
            let all = self.clients.iter().enumerate();
            all.filter(|(_, client)| client.is_up && client.election.is_holder())
                .map(|(me, _)| me)
                .collect()
        }
    }

    #[test]
    fn one_holds_it_and_whoever_comes_later_leaves_it_there() {
        let mut room = Room::of(3);
        room.clients[0].is_up = false;
        room.wait(LISTEN + STEP);
        assert_eq!(room.holders(), [1]);
        room.clients[0].is_up = true;
        room.wait(Duration::from_secs(60));
        assert_eq!(room.holders(), [1], "the older one, not the lower id");
    }

    #[test]
    fn a_killed_holder_is_followed_in_time_while_the_room_still_shows_it() {
        let mut room = Room::of(3);
        room.wait(Duration::from_secs(20));
        assert_eq!(room.holders(), [0]);
        room.clients[0].is_up = false;
        room.wait(LAPSE);
        room.wait(STEP * 3);
        assert_eq!(room.holders(), [1]);
        // One that says good-bye is followed at once.
        room.clients[1].is_up = false;
        room.clients[1].is_shown = false;
        room.wait(STEP * 2);
        assert_eq!(room.holders(), [2]);
        // The first one wakes up, and does not take it back.
        room.clients[0].is_up = true;
        room.wait(Duration::from_secs(30));
        assert_eq!(room.holders(), [2]);
    }

    #[test]
    fn who_is_no_candidate_any_more_gives_it_up() {
        let mut election = Election::default();
        let nobody = BTreeMap::new();
        election.follow(STEP, 1, &nobody, true);
        assert_eq!(election.next_deadline(STEP), Some(STEP + LISTEN));
        election.follow(STEP + LISTEN, 1, &nobody, true);
        assert!(election.is_holder());
        election.follow(STEP + LISTEN, 1, &nobody, false);
        assert_eq!(election.lease(), None);
        assert_eq!(election.next_deadline(STEP), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        /// Kills, returns and cuts at any time: soon after the last of them there is one holder.
        #[test]
        fn soon_there_is_one_holder(
            count in 2usize..6,
            events in prop::collection::vec((0usize..6, 0u8..4, 0u64..9000), 0..12),
        ) {
            let mut room = Room::of(count);
            for (who, what, wait_ms) in events {
                let client = &mut room.clients[who % count];
                match what {
                    0 => client.is_up = false,
                    1 => (client.is_up, client.is_shown) = (true, true),
                    2 => (client.is_up, client.is_shown) = (false, false),
                    _ => client.side ^= 1,
                }
                room.wait(Duration::from_millis(wait_ms));
            }
            for client in &mut room.clients {
                client.side = 0;
                client.is_shown |= client.is_up;
            }
            let anybody = room.clients.iter().any(|client| client.is_up);
            room.wait(LAPSE + LISTEN + STEP * 5);
            prop_assert_eq!(room.holders().len(), usize::from(anybody));
            let holder = room.holders();
            room.wait(Duration::from_secs(20));
            prop_assert_eq!(room.holders(), holder, "and it stays");
        }
    }
}
