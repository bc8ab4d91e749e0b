//! Names of rooms: `(party, room)`, as they stand in a URL.
//!
//! Both are the raw path segments, not percent-decoded and case-sensitive, as PartyKit has them.
//! Rooms are keyed by both: the same id in two parties is two rooms.

use std::sync::Arc;

/// The longest room name, in bytes of its URL form.
const MOST_ROOM_BYTES: usize = 512;
/// The longest party name.
const MOST_PARTY_BYTES: usize = 64;

/// A room's name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoomName {
    party: Arc<str>,
    room: Arc<str>,
}

/// The path names no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no such room: write /parties/PARTY/ROOM")]
pub struct NoRoom;

impl RoomName {
    /// The room of a party.
    ///
    /// # Errors
    /// When one of them cannot be part of a URL, is empty or too long.
    pub fn new(party: &str, room: &str) -> Result<Self, NoRoom> {
        let plain = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_';
        let party_fits = (1..=MOST_PARTY_BYTES).contains(&party.len()) && party.bytes().all(plain);
        let room_fits = (1..=MOST_ROOM_BYTES).contains(&room.len())
            && room.bytes().all(|c| c.is_ascii_graphic() && c != b'/')
            && room != "."
            && room != "..";
        if !party_fits || !room_fits {
            return Err(NoRoom);
        }
        Ok(Self {
            party: party.into(),
            room: room.into(),
        })
    }

    /// The room that a URL's path names: `/parties/PARTY/ROOM`, or `/party/ROOM` for one of the party
    /// `main`. What follows the room is ignored.
    ///
    /// # Errors
    /// When it names none.
    pub fn from_path(path: &str) -> Result<Self, NoRoom> {
        let mut parts = path.strip_prefix('/').unwrap_or(path).split('/');
        match (parts.next(), parts.next(), parts.next()) {
            (Some("parties"), Some(party), Some(room)) => Self::new(party, room),
            (Some("party"), Some(room), _) => Self::new("main", room),
            _ => Err(NoRoom),
        }
    }

    /// The party.
    #[must_use]
    pub fn party(&self) -> &str {
        &self.party
    }

    /// The room within the party.
    #[must_use]
    pub fn room(&self) -> &str {
        &self.room
    }

    /// The key under which the room is stored.
    #[must_use]
    pub fn key(&self) -> Arc<str> {
        format!("room/{}/{}", self.party, self.room).into()
    }

    /// The key under which the document that its players get is stored.
    #[must_use]
    pub fn players_key(&self) -> Arc<str> {
        format!("players/{}/{}", self.party, self.room).into()
    }
}

impl std::fmt::Display for RoomName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.party, self.room)
    }
}

impl std::str::FromStr for RoomName {
    type Err = NoRoom;

    /// `PARTY/ROOM`.
    fn from_str(text: &str) -> Result<Self, NoRoom> {
        let (party, room) = text.split_once('/').ok_or(NoRoom)?;
        Self::new(party, room)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn named(path: &str) -> Option<String> {
        RoomName::from_path(path).ok().map(|name| name.to_string())
    }

    #[test]
    fn paths_name_rooms_as_partykit_has_them() {
        let game = "/parties/game_session/9b2c";
        assert_eq!(named(game).as_deref(), Some("game_session/9b2c"));
        assert_eq!(named("/party/x").as_deref(), Some("main/x"));
        assert_eq!(named("/parties/p/room/sub/x").as_deref(), Some("p/room"));
        // Not decoded, not folded: two names are two rooms.
        assert_ne!(named("/party/%41bc"), named("/party/Abc"));
        assert_ne!(named("/party/Case"), named("/party/case"));
        for path in [
            "/",
            "",
            "/nothing",
            "/parties/p",
            "/parties/p/",
            "/party/",
            "/parties//x",
            "/parties/p/..",
            "/parties/p q/x",
            "/parties/../x",
        ] {
            assert_eq!(named(path), None, "{path}");
        }
        assert_eq!(named(&format!("/party/{}", "x".repeat(513))), None);
        assert_eq!(
            "party/a".parse::<RoomName>().unwrap().key(),
            "room/party/a".into()
        );
    }
}
