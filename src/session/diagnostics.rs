//! What goes out and comes in, in numbers and, when it is switched on, line by line.
//!
//! Plain counting: the workspace says what happened, a window shows [`Diagnostics`]. Lines name kinds
//! of documents and sizes, and what the undo menu says; nothing else of what a game holds.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::broadcast::cost::HourlyUse;
use crate::broadcast::meter::{Counters, HourMeter};
use crate::doc::{Origin, Update};

/// Lines of the trace that are kept.
pub const TRACE_LINES: usize = 200;
/// Rooms that a game takes: its own and its party's.
const ROOMS_OF_A_GAME: f64 = 2.0;

/// What a window shows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Diagnostics {
    /// What batching did in this run.
    pub counters: Counters,
    /// The open documents are in rooms; without, what follows is what they would take in one.
    pub in_room: bool,
    /// What this user takes in an hour, going by the last one.
    pub hourly: HourlyUse,
    /// The same if every edit were a message of its own.
    pub hourly_unbatched: HourlyUse,
    /// The trace, the oldest first; `None` while it is off.
    pub trace: Option<Arc<[TraceLine]>>,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceLine {
    /// When.
    pub at_unix_ms: i64,
    /// What.
    pub text: Arc<str>,
}

/// Counts and keeps.
#[derive(Debug)]
pub(super) struct Diagnoser {
    edits: HourMeter,
    transactions: HourMeter,
    messages: HourMeter,
    connections: HourMeter,
    /// What was counted when they were last brought up to date.
    counted: Counters,
    frames_out: u64,
    connected: u64,
    trace: Option<VecDeque<TraceLine>>,
}

/// What the connections of the open documents have counted together.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Links {
    pub(super) rooms: usize,
    pub(super) frames_out: u64,
    pub(super) connections: u64,
}

impl Diagnoser {
    pub(super) const fn new(now: Duration) -> Self {
        Self {
            edits: HourMeter::new(now),
            transactions: HourMeter::new(now),
            messages: HourMeter::new(now),
            connections: HourMeter::new(now),
            counted: Counters {
                edits_in: 0,
                transactions_out: 0,
                keys_written: 0,
                bytes_out: 0,
            },
            frames_out: 0,
            connected: 0,
            trace: None,
        }
    }

    /// Switches the trace on or off; off, it is forgotten.
    pub(super) fn set_trace(&mut self, on: bool) {
        self.trace = on.then(VecDeque::new);
    }

    /// Adds a line, if anybody reads them.
    pub(super) fn trace(&mut self, unix_ms: i64, text: impl FnOnce() -> String) {
        let Some(lines) = &mut self.trace else {
            return;
        };
        if lines.len() >= TRACE_LINES {
            lines.pop_front();
        }
        lines.push_back(TraceLine {
            at_unix_ms: unix_ms,
            text: text().into(),
        });
    }

    /// An update of a document went to the store and the room, or came from the room.
    pub(super) fn update(&mut self, unix_ms: i64, document: &str, update: &Update) {
        self.trace(unix_ms, || {
            let (way, why) = match update.origin {
                Origin::Local(_) => ("out", ""),
                Origin::Undo => ("out", ", taken back or done again"),
                Origin::Upkeep => ("out", ", housekeeping"),
                Origin::Remote(_) => ("in", ""),
                Origin::Load => ("read", ""),
            };
            format!("{document}  {way}  {} bytes{why}", update.bytes.len())
        });
    }

    /// The newest state.
    #[expect(clippy::cast_precision_loss, reason = "a handful of rooms")]
    pub(super) fn publish(
        &mut self,
        now: Duration,
        counters: Counters,
        links: Links,
    ) -> Diagnostics {
        let since = |now: u64, before: u64| now.checked_sub(before).unwrap_or(now);
        let before = std::mem::replace(&mut self.counted, counters);
        self.edits
            .note(now, since(counters.edits_in, before.edits_in));
        self.transactions.note(
            now,
            since(counters.transactions_out, before.transactions_out),
        );
        // A connection that was replaced counts from zero again.
        let frames = std::mem::replace(&mut self.frames_out, links.frames_out);
        self.messages.note(now, since(links.frames_out, frames));
        let connected = std::mem::replace(&mut self.connected, links.connections);
        self.connections
            .note(now, since(links.connections, connected));
        let in_room = links.rooms > 0;
        let transactions = self.transactions.per_hour(now);
        let edits = self.edits.per_hour(now);
        let hourly = HourlyUse {
            messages: if in_room {
                self.messages.per_hour(now)
            } else {
                transactions
            },
            connections: self.connections.per_hour(now),
            transactions,
            rooms: if in_room {
                links.rooms as f64
            } else {
                ROOMS_OF_A_GAME
            },
        };
        Diagnostics {
            counters,
            in_room,
            hourly,
            hourly_unbatched: HourlyUse {
                messages: hourly.messages + (edits - transactions).max(0.0),
                transactions: edits.max(transactions),
                ..hourly
            },
            trace: self
                .trace
                .as_ref()
                .map(|lines| lines.iter().cloned().collect()),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn counters(edits_in: u64, transactions_out: u64) -> Counters {
        Counters {
            edits_in,
            transactions_out,
            ..Counters::default()
        }
    }

    #[test]
    fn an_hour_is_told_with_and_without_batching() {
        let at = Duration::from_secs(60);
        let mut diagnoser = Diagnoser::new(Duration::ZERO);
        let alone = diagnoser.publish(at, counters(600, 100), Links::default());
        assert!(!alone.in_room);
        assert!((alone.hourly.messages - 6_000.0).abs() < 1e-6);
        assert!((alone.hourly_unbatched.messages - 36_000.0).abs() < 1e-6);
        let links = Links {
            rooms: 2,
            frames_out: 400,
            connections: 2,
        };
        let joined = diagnoser.publish(at, counters(600, 100), links);
        assert!((joined.hourly.messages - 24_000.0).abs() < 1e-6);
        assert!((joined.hourly.requests() - (1_200.0 + 240.0)).abs() < 1e-6);
        // A connection that began anew is not counted backwards.
        let fewer = Links {
            frames_out: 10,
            ..links
        };
        let again = diagnoser.publish(at, counters(600, 100), fewer);
        assert!((again.hourly.messages - 24_600.0).abs() < 1e-6);
    }

    #[test]
    fn the_trace_is_off_until_it_is_wanted_and_never_grows_past_its_end() {
        let mut diagnoser = Diagnoser::new(Duration::ZERO);
        let publish = |of: &mut Diagnoser| {
            of.publish(Duration::ZERO, Counters::default(), Links::default())
                .trace
        };
        diagnoser.trace(0, || unreachable!("nobody reads it"));
        assert_eq!(publish(&mut diagnoser), None);
        diagnoser.set_trace(true);
        for n in 0..TRACE_LINES + 5 {
            diagnoser.trace(7, || format!("{n}"));
        }
        let lines = publish(&mut diagnoser).unwrap();
        assert_eq!(lines.len(), TRACE_LINES);
        assert_eq!(&*lines.first().unwrap().text, "5");
    }
}
