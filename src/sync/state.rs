//! What a connection to a room is in, why it ended, and how long to wait before the next.
//!
//! Called by [`super::client`]; the states are shown to the user by others.

use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

/// A connection that stays live for this long was no failure.
const STABLE: Duration = Duration::from_secs(10);
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// A server that asks for patience gets this many failures at once.
const PATIENCE: u32 = 5;
/// What a server says is cut to this many characters.
const MAX_SAID: usize = 200;

/// The state of a document's connection to its room.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ConnectionState {
    /// Not connected; edits are kept here.
    #[default]
    Disconnected,
    /// On the way, for the first time or again.
    Connecting,
    /// Connected; the room's document is on its way.
    Syncing,
    /// Everything that the room had is here, and what changes goes both ways.
    Live,
    /// The room does not take us, and asking again would not help.
    Refused(Refusal),
}

/// Why a room does not take us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The kind.
    pub kind: RefusalKind,
    /// What the server said, shortened; empty when it said nothing.
    pub said: Arc<str>,
}

/// The kinds of refusal, each as one sentence for the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RefusalKind {
    /// 401.
    #[error(
        "the room did not accept the code; your work is safe here, ask for a new code and join again"
    )]
    Code,
    /// 403.
    #[error("this code may not enter the room; your work is safe here, ask the host for access")]
    Forbidden,
    /// 404.
    #[error(
        "there is no such room on this server; your work is safe here, check the address or ask the host"
    )]
    NoRoom,
    /// Another answer that is not a room's.
    #[error(
        "this address is not a room server (it answered {status}); your work is safe here, check the address"
    )]
    NotARoom {
        /// The HTTP status.
        status: u16,
    },
    /// A change that the server does not take, or that its protocol cannot carry; 1009.
    #[error(
        "a change is too large for this server; your work is safe here, use smaller pictures or another server"
    )]
    TooLarge,
    /// A message of the room that is larger than any that this side takes.
    #[error(
        "what this room holds is larger than this program takes in one piece; nothing was changed here, ask the host to make the game smaller"
    )]
    RoomTooLarge,
    /// The address cannot be written as one.
    #[error("the room's address cannot be used; your work is safe here, check it and join again")]
    Address,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.kind.fmt(f)?;
        if !self.said.is_empty() {
            write!(f, " (it said: {})", self.said)?;
        }
        Ok(())
    }
}

/// How a connection ended or did not come about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Closed {
    /// The server answered the handshake with this HTTP status and (shortened) text.
    Status {
        /// The HTTP status.
        status: u16,
        /// The answer's body.
        said: String,
    },
    /// The peer closed, with its code and reason.
    Code {
        /// The WebSocket close code.
        code: u16,
        /// The reason.
        said: String,
    },
    /// The peer began to send more than this side takes.
    TooMuch,
    /// The way there failed: no such host, no route, cut off, TLS.
    Lost {
        /// How.
        why: String,
    },
    /// The address cannot be written as a URL.
    Address,
}

impl Closed {
    /// Why it makes no sense to try again, if it makes none.
    #[must_use]
    pub fn refusal(&self) -> Option<Refusal> {
        let (kind, said) = match self {
            Self::Status { status, said } => (refused_status(*status)?, said.as_str()),
            // Application codes that follow HTTP's numbers; 4003 is what PartyKit rooms kick with.
            Self::Code { code, said } => match code {
                4401 => (RefusalKind::Code, said.as_str()),
                4003 | 4403 => (RefusalKind::Forbidden, said.as_str()),
                4404 => (RefusalKind::NoRoom, said.as_str()),
                // Sent again, it would be as large.
                1009 => (RefusalKind::TooLarge, said.as_str()),
                _ => return None,
            },
            Self::Lost { .. } => return None,
            // It would say the same again.
            Self::TooMuch => (RefusalKind::RoomTooLarge, ""),
            Self::Address => (RefusalKind::Address, ""),
        };
        let said = said
            .chars()
            .filter(|c| !c.is_control())
            .take(MAX_SAID)
            .collect::<String>()
            .trim()
            .into();
        Some(Refusal { kind, said })
    }

    /// The server asks for patience.
    const fn asks_for_patience(&self) -> bool {
        matches!(
            self,
            Self::Status {
                status: 429 | 503,
                ..
            } | Self::Code {
                code: 1008 | 1013,
                ..
            }
        )
    }
}

const fn refused_status(status: u16) -> Option<RefusalKind> {
    match status {
        401 => Some(RefusalKind::Code),
        403 => Some(RefusalKind::Forbidden),
        404 | 410 => Some(RefusalKind::NoRoom),
        // Too slow, too many, or the server's own trouble: it may pass.
        408 | 425 | 429 | 500.. => None,
        _ => Some(RefusalKind::NotARoom { status }),
    }
}

/// How long to wait before the next attempt: twice as long each time up to a limit, with jitter, so
/// that the clients of a server that restarts do not all come at once. A connection that opens and
/// is dropped soon counts as a failure too.
#[derive(Debug)]
pub(super) struct Backoff {
    failures: u32,
    rng: StdRng,
}

impl Backoff {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            failures: 0,
            rng: StdRng::seed_from_u64(seed),
        }
    }

    /// The wait after a connection that was live for `live`.
    pub(super) fn wait(&mut self, live: Option<Duration>, closed: &Closed) -> Duration {
        if live.is_some_and(|live| live >= STABLE) {
            self.failures = 0;
        }
        if closed.asks_for_patience() {
            self.failures = self.failures.max(PATIENCE);
        }
        let longest = FIRST_WAIT
            .saturating_mul(1 << self.failures.min(10))
            .min(LONGEST_WAIT);
        self.failures = self.failures.saturating_add(1);
        longest.mul_f64(self.rng.random_range(0.5..=1.0))
    }

    /// The user asked: from the beginning.
    pub(super) const fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn status(status: u16) -> Closed {
        Closed::Status {
            status,
            said: " no\nway ".to_owned(),
        }
    }

    #[test]
    fn what_will_not_change_is_final_and_says_what_to_do() {
        let kind = |code| status(code).refusal().map(|refusal| refusal.kind);
        assert_eq!(kind(401), Some(RefusalKind::Code));
        assert_eq!(kind(403), Some(RefusalKind::Forbidden));
        assert_eq!(kind(404), Some(RefusalKind::NoRoom));
        assert_eq!(kind(200), Some(RefusalKind::NotARoom { status: 200 }));
        for passing in [408, 429, 500, 502, 503, 504] {
            assert_eq!(kind(passing), None);
        }
        let text = status(401).refusal().unwrap().to_string();
        assert!(text.contains("ask for a new code") && text.ends_with("(it said: noway)"));
        let kicked = Closed::Code {
            code: 4003,
            said: "kicked".into(),
        };
        assert_eq!(kicked.refusal().unwrap().kind, RefusalKind::Forbidden);
        let too_large = Closed::Code {
            code: 1009,
            said: String::new(),
        };
        assert_eq!(too_large.refusal().unwrap().kind, RefusalKind::TooLarge);
    }

    #[test]
    fn waits_grow_also_when_a_server_accepts_and_drops() {
        let lost = Closed::Lost { why: String::new() };
        let mut backoff = Backoff::new(1);
        let mut last = Duration::ZERO;
        for attempt in 0..12 {
            let wait = backoff.wait(Some(Duration::from_millis(5)), &lost);
            assert!(wait <= LONGEST_WAIT && wait >= FIRST_WAIT / 2);
            if attempt % 2 == 1 && attempt < 6 {
                assert!(wait > last);
                last = wait;
            }
        }
        assert!(backoff.wait(None, &lost) >= LONGEST_WAIT / 2);
        assert!(backoff.wait(Some(STABLE), &lost) <= FIRST_WAIT);
        assert!(backoff.wait(None, &status(503)) >= LONGEST_WAIT.mul_f64(0.3));
        let waits = |seed| Backoff::new(seed).wait(None, &lost);
        assert_ne!(waits(1), waits(2), "clients do not come all at once");
    }
}
