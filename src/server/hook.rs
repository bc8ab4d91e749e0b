//! The save hook: hands a room's document to a store outside, over HTTP.
//!
//! A change is handed over 10 s after the last one, and at the latest 30 s after the first that was
//! not; a save that fails is tried again with growing waits; the last leave and the server's end do
//! not wait. The whole document goes as one Yjs update in a `PUT` (`application/octet-stream`) to the
//! hook's URL, in which `{party}` and `{room}` stand for the room's name. Saving outside comes on top
//! of the server's own store, so a hook that fails for ever loses nothing.

use std::time::Duration;

use bytes::Bytes;

use super::name::RoomName;
use crate::util::web;

/// A change is handed over this long after the last one.
pub const DEBOUNCE: Duration = Duration::from_secs(10);
/// And this long after the first one at the latest.
pub const AT_MOST: Duration = Duration::from_secs(30);
/// A save that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(30);
const RETRY_FIRST: Duration = Duration::from_secs(1);
const RETRY_MOST: Duration = Duration::from_secs(60);

/// When a room is to be handed over; without I/O and without a clock of its own.
#[derive(Debug, Default)]
pub struct HookTimer {
    changes: u64,
    saved: u64,
    first: Option<Duration>,
    last: Duration,
    running: bool,
    hurried: bool,
    failures: u32,
    not_before: Duration,
}

impl HookTimer {
    /// The room has seen this many changes.
    pub fn changed_to(&mut self, now: Duration, changes: u64) {
        if changes != self.changes {
            self.changes = changes;
            self.last = now;
            self.first.get_or_insert(now);
        }
    }

    /// Do not wait for more changes.
    pub const fn hurry(&mut self, now: Duration) {
        self.hurried = true;
        self.not_before = now;
    }

    /// When to look again.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Duration> {
        if self.running || self.is_idle() {
            return None;
        }
        let first = self.first.unwrap_or(self.last);
        let wanted = if self.hurried {
            Duration::ZERO
        } else {
            (self.last + DEBOUNCE).min(first + AT_MOST)
        };
        Some(wanted.max(self.not_before))
    }

    /// Whether to save now.
    #[must_use]
    pub fn is_due(&self, now: Duration) -> bool {
        self.next_deadline().is_some_and(|at| at <= now)
    }

    /// Saving has begun.
    pub const fn began(&mut self) {
        self.running = true;
        self.first = None;
    }

    /// Saving has ended: the store has everything up to this change, or refused.
    pub fn ended(&mut self, now: Duration, saved: Option<u64>) {
        self.running = false;
        if let Some(saved) = saved {
            self.saved = saved;
            self.failures = 0;
            if self.is_idle() {
                self.hurried = false;
                self.first = None;
            }
        } else {
            let wait = RETRY_FIRST.saturating_mul(1 << self.failures.min(6));
            self.not_before = now + wait.min(RETRY_MOST);
            self.failures += 1;
            self.first.get_or_insert(now);
        }
    }

    /// Everything is handed over.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        !self.running && self.saved == self.changes
    }
}

/// The store outside.
#[derive(Clone)]
pub struct Hook {
    agent: ureq::Agent,
    url: String,
    authorization: Option<String>,
}

impl std::fmt::Debug for Hook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hook").finish_non_exhaustive()
    }
}

/// Why a document was not taken. Neither the address, which may hold a secret, nor a name is told.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// The address is none.
    #[error(
        "--save-url is an http or https address, such as https://example.org/rooms/{{party}}/{{room}}"
    )]
    Address,
    /// The store answered with a status that is no success.
    #[error("the outside store answered with status {0}")]
    Status(u16),
    /// It could not be reached.
    #[error("the outside store could not be reached: {0}")]
    Unreachable(String),
}

impl Hook {
    /// A hook at `url`; `authorization` is sent as the header of that name.
    ///
    /// # Errors
    /// When the address is none.
    pub fn new(url: &str, authorization: Option<String>) -> Result<Self, HookError> {
        let is_web = url.starts_with("http://") || url.starts_with("https://");
        if !is_web || url.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(HookError::Address);
        }
        let config = web::client().timeout_global(Some(PATIENCE)).build();
        Ok(Self {
            agent: config.into(),
            url: url.to_owned(),
            authorization,
        })
    }

    /// Hands a room's whole document over.
    ///
    /// # Errors
    /// When the store does not take it.
    pub async fn save(&self, room: &RoomName, document: Bytes) -> Result<(), HookError> {
        let url = self
            .url
            .replace("{party}", room.party())
            .replace("{room}", room.room());
        let hook = self.clone();
        let saved = tokio::task::spawn_blocking(move || {
            let mut request = hook
                .agent
                .put(&url)
                .header("content-type", "application/octet-stream");
            if let Some(authorization) = &hook.authorization {
                request = request.header("authorization", authorization);
            }
            let response = request
                .send(&document[..])
                .map_err(|error| HookError::Unreachable(web::in_words(&error)))?;
            let status = response.status();
            if status.is_success() {
                Ok(())
            } else {
                Err(HookError::Status(status.as_u16()))
            }
        });
        saved
            .await
            .unwrap_or_else(|error| Err(HookError::Unreachable(error.to_string())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_change_goes_out_after_ten_quiet_seconds_and_thirty_at_most() {
        let mut timer = HookTimer::default();
        assert!(timer.is_idle() && timer.next_deadline().is_none());
        timer.changed_to(s(100), 1);
        assert_eq!(timer.next_deadline(), Some(s(110)));
        for second in 101..=125 {
            timer.changed_to(s(second), second);
        }
        assert_eq!(timer.next_deadline(), Some(s(130)));
        assert!(!timer.is_due(s(129)) && timer.is_due(s(130)));
        timer.began();
        // An edit while it is saved is not taken for saved.
        timer.changed_to(s(131), 200);
        timer.ended(s(132), Some(125));
        assert!(!timer.is_idle());
        assert_eq!(timer.next_deadline(), Some(s(141)));
        timer.began();
        timer.ended(s(142), Some(200));
        assert!(timer.is_idle() && timer.next_deadline().is_none());
    }

    #[test]
    fn a_refusal_is_tried_again_ever_later_and_a_last_leave_at_once() {
        let mut timer = HookTimer::default();
        timer.changed_to(s(0), 1);
        let mut now = s(10);
        let mut waits = Vec::new();
        for _ in 0..9 {
            assert!(timer.is_due(now));
            timer.began();
            timer.ended(now, None);
            let next = timer.next_deadline().unwrap_or_default();
            waits.push((next - now).as_secs());
            now = next;
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        timer.hurry(now);
        assert!(timer.is_due(now));
    }
}
