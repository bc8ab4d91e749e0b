//! Where a change of a document came from.

/// The origin of a change: travels with its transaction, so that observers can tell what to send,
/// what to store and what can be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// This user's own edit, by gesture. Sent, stored, undoable.
    Local(u64),
    /// This user took something back or did it again. Sent and stored.
    Undo,
    /// A peer's edit, by connection. Stored, not sent back to that peer, not undoable.
    Remote(u64),
    /// Read from the store: neither sent nor stored again.
    Load,
    /// Housekeeping: compaction, projections. Sent and stored, not undoable.
    Upkeep,
}

impl Origin {
    const LENGTH: usize = 9;

    /// The bytes that a transaction carries.
    pub(super) fn to_bytes(self) -> [u8; Self::LENGTH] {
        let (tag, number) = match self {
            Self::Local(gesture) => (0, gesture),
            Self::Undo => (1, 0),
            Self::Remote(connection) => (2, connection),
            Self::Load => (3, 0),
            Self::Upkeep => (4, 0),
        };
        let mut bytes = [0; Self::LENGTH];
        let (head, tail) = bytes.split_at_mut(1);
        head.fill(tag);
        tail.copy_from_slice(&number.to_le_bytes());
        bytes
    }

    /// The origin behind a transaction's bytes; a transaction without ours is housekeeping.
    pub(super) fn from_bytes(bytes: Option<&[u8]>) -> Self {
        let Some((tag, number)) = bytes.and_then(|bytes| bytes.split_first()) else {
            return Self::Upkeep;
        };
        let number = <[u8; 8]>::try_from(number).map_or(0, u64::from_le_bytes);
        match tag {
            0 => Self::Local(number),
            1 => Self::Undo,
            2 => Self::Remote(number),
            3 => Self::Load,
            _ => Self::Upkeep,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_survive_their_bytes() {
        for origin in [
            Origin::Local(u64::MAX),
            Origin::Undo,
            Origin::Remote(7),
            Origin::Load,
            Origin::Upkeep,
        ] {
            assert_eq!(Origin::from_bytes(Some(&origin.to_bytes())), origin);
        }
        assert_eq!(Origin::from_bytes(None), Origin::Upkeep);
    }
}
