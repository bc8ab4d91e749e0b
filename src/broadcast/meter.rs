//! Counts what came in and what went out, and how much of it in an hour.

use std::collections::VecDeque;
use std::time::Duration;

use crate::doc::{Origin, Update};

const MINUTE: Duration = Duration::from_secs(60);
const MINUTES_KEPT: u64 = 60;

/// What the broadcaster did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Changes that windows asked for: each would be a transaction and a message of its own.
    pub edits_in: u64,
    /// Transactions that changed a document.
    pub transactions_out: u64,
    /// Keys that they wrote.
    pub keys_written: u64,
    /// Bytes of their updates.
    pub bytes_out: u64,
}

impl Counters {
    /// A transaction was written.
    pub fn wrote(&mut self, keys: usize) {
        if keys > 0 {
            self.transactions_out += 1;
            self.keys_written += keys as u64;
        }
    }

    /// An update leaves; only what this user did counts.
    pub fn sent(&mut self, update: &Update) {
        if matches!(update.origin, Origin::Local(_) | Origin::Undo) {
            self.bytes_out += update.bytes.len() as u64;
        }
    }

    /// The share of requests that batching saved, 0..=1; `None` before the first edit.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
    pub fn saved_share(&self) -> Option<f64> {
        (self.edits_in > 0)
            .then(|| 1.0 - self.transactions_out as f64 / self.edits_in as f64)
            .map(|share| share.max(0.0))
    }
}

/// How often something happened in the last hour, by minutes.
#[derive(Debug, Clone)]
pub struct HourMeter {
    began: Duration,
    /// Number of the minute since the clock's start, and how often; the newest last.
    minutes: VecDeque<(u64, u64)>,
}

impl HourMeter {
    /// Begins to count.
    #[must_use]
    pub const fn new(now: Duration) -> Self {
        Self {
            began: now,
            minutes: VecDeque::new(),
        }
    }

    /// It happened so often.
    pub fn note(&mut self, now: Duration, times: u64) {
        if times == 0 {
            return;
        }
        let minute = now.as_secs() / MINUTE.as_secs();
        match self.minutes.back_mut() {
            Some((of, count)) if *of == minute => *count += times,
            _ => self.minutes.push_back((minute, times)),
        }
        while self
            .minutes
            .front()
            .is_some_and(|(of, _)| of + MINUTES_KEPT <= minute)
        {
            self.minutes.pop_front();
        }
    }

    /// How often an hour: of the last hour, or carried on from what there is of it, a minute at least.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
    pub fn per_hour(&self, now: Duration) -> f64 {
        let minute = now.as_secs() / MINUTE.as_secs();
        let sum: u64 = self
            .minutes
            .iter()
            .filter(|(of, _)| of + MINUTES_KEPT > minute)
            .map(|(_, count)| count)
            .sum();
        let hour = MINUTE * 60;
        let counted = now.saturating_sub(self.began).clamp(MINUTE, hour);
        sum as f64 * hour.as_secs_f64() / counted.as_secs_f64()
    }
}
