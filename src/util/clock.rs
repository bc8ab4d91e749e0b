//! Time as a value that is handed in, so that tests can turn the hands.
//!
//! Everything that waits, expires or stamps takes a [`Clock`]; nothing else asks the system.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;

/// A source of time.
pub trait Clock: Send + Sync {
    /// Time since an arbitrary fixed moment; never goes back.
    fn now(&self) -> Duration;
    /// Milliseconds since 1970-01-01 UTC; may jump.
    fn unix_ms(&self) -> i64;
}

/// The system's clock.
#[derive(Debug, Clone)]
pub struct SystemClock {
    start: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self {
            start: Instant::now(),
        }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn unix_ms(&self) -> i64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| {
                i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
            })
    }
}

/// A clock that stands still until it is told otherwise.
#[derive(Debug, Clone, Default)]
pub struct ManualClock {
    elapsed: Arc<Mutex<Duration>>,
    start_unix_ms: i64,
}

impl ManualClock {
    /// A clock that shows `unix_ms` at its start.
    #[must_use]
    pub fn starting_at(unix_ms: i64) -> Self {
        Self {
            elapsed: Arc::default(),
            start_unix_ms: unix_ms,
        }
    }

    /// Moves the hands forward.
    pub fn advance(&self, by: Duration) {
        *self.elapsed.lock() += by;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Duration {
        *self.elapsed.lock()
    }

    fn unix_ms(&self) -> i64 {
        self.start_unix_ms + i64::try_from(self.elapsed.lock().as_millis()).unwrap_or(i64::MAX)
    }
}
