//! Rooms as the user meets them: who hosts, how others join, who is here.
//!
//! Plain types between windows and the session; must not know sockets or documents. Called by
//! [`super::api`], the app and the command line.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::apart::ApartReport;
use crate::model::color::Rgb;
use crate::model::id::{GameSessionId, PartyId};
use crate::model::presence::{Presence, TablePart};
use crate::sync::dialect::{AddressError, Dialect, RoomAddress};

use super::picture_address::PictureAddress;

/// Who can reach a game that is hosted here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub enum Scope {
    /// Programs on this machine: a table display in a process of its own.
    #[default]
    ThisMachine,
    /// Everybody on the network who has a code.
    Network,
}

/// What it takes to join a game.
#[derive(Clone, PartialEq, Eq)]
pub struct Invitation {
    /// The kind of server.
    pub dialect: Dialect,
    /// `http://HOST:PORT` or `https://…`, without a path.
    pub server: String,
    /// The game session: its document is the room `game_session/GAME`.
    pub game: GameSessionId,
    /// The party: its document is the room `party/PARTY`. Without one the table is not followed.
    pub party: Option<PartyId>,
    /// What proves that we may enter.
    pub token: Option<String>,
    /// What the host calls it, for the library.
    pub title: String,
    /// Where the pictures are that web clients put into the room; `None` when nobody said.
    pub pictures: Option<PictureAddress>,
    /// A room that nobody has filled yet may be filled by us.
    pub may_initialise: bool,
}

impl std::fmt::Debug for Invitation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Invitation")
            .field("dialect", &self.dialect)
            .field("server", &self.server)
            .field("game", &self.game)
            .field("party", &self.party)
            .field("has_token", &self.token.is_some())
            .finish_non_exhaustive()
    }
}

/// Where codes of rooms are kept between runs: in the system's key store, never in settings, logs or
/// documents. Each call comes back within two seconds.
pub trait Secrets: Send + Sync {
    /// The code of a room (`game_session/…`) on a server (`http://HOST:PORT`).
    fn get(&self, server: &str, room: &str) -> Option<String>;
    /// Keeps it.
    fn set(&self, server: &str, room: &str, code: &str);
    /// Forgets it.
    fn forget(&self, server: &str, room: &str);
}

/// Codes that are forgotten with the process.
#[derive(Default)]
pub struct SecretsInMemory {
    held: parking_lot::Mutex<std::collections::HashMap<(String, String), String>>,
}

impl Secrets for SecretsInMemory {
    fn get(&self, server: &str, room: &str) -> Option<String> {
        let key = (server.to_owned(), room.to_owned());
        self.held.lock().get(&key).cloned()
    }

    fn set(&self, server: &str, room: &str, code: &str) {
        let key = (server.to_owned(), room.to_owned());
        self.held.lock().insert(key, code.to_owned());
    }

    fn forget(&self, server: &str, room: &str) {
        let key = (server.to_owned(), room.to_owned());
        self.held.lock().remove(&key);
    }
}

/// Who this user is to others.
#[derive(Debug, Clone, PartialEq)]
pub struct Identity {
    /// A name; never an e-mail address.
    pub name: String,
    /// A colour.
    pub color: Rgb,
    /// What they do at the table.
    pub part: TablePart,
    /// Others see which scene is in the editor and where in it.
    pub shares_view: bool,
}

/// The room of the open game.
#[derive(Debug, Clone, PartialEq)]
pub struct RoomView {
    /// Whose room it is.
    pub place: Place,
    /// The connection as a whole: the worst of its documents.
    pub connection: Connection,
    /// The documents, each with its own connection: the game, the party, and another game of the
    /// party whose scene is on the table.
    pub documents: Vec<DocumentView>,
    /// Nothing can be edited until the room's document was here once.
    pub waits_for_room: bool,
    /// What changed on which side when the game and its room met again last.
    pub apart: Option<Arc<ApartReport>>,
    /// Events that the room sent as text, the newest last; a bounded number.
    pub events: Arc<[RoomEvent]>,
}

/// An event that a room sent as text: JSON as a rule, passed unread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomEvent {
    /// Counts the events of this run, from 1.
    pub number: u64,
    /// The text, cut to 4096 characters.
    pub text: Arc<str>,
}

/// Whose room a game is in.
#[derive(Clone, PartialEq, Eq)]
pub enum Place {
    /// This process hosts it.
    Hosted {
        /// Where others reach it, the likeliest address first; empty while it is being opened.
        addresses: Vec<SocketAddr>,
        /// The codes by role; empty while it is being opened.
        codes: Vec<(TablePart, Arc<str>)>,
        /// Links by role with everything in them, for [`super::room::Invitation`]s.
        links: Vec<(TablePart, Arc<str>)>,
        /// It is told on the network by mDNS.
        is_announced: bool,
    },
    /// Another one does.
    Joined {
        /// `http://HOST:PORT`.
        server: Arc<str>,
        /// Its title.
        title: Arc<str>,
    },
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Hosted { addresses, .. } => f
                .debug_struct("Hosted")
                .field("addresses", addresses)
                .finish_non_exhaustive(),
            Self::Joined { server, .. } => f
                .debug_struct("Joined")
                .field("server", server)
                .finish_non_exhaustive(),
        }
    }
}

/// A connection as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Connection {
    /// Left, or not wanted.
    #[default]
    Disconnected,
    /// On the way.
    Connecting {
        /// Lost or refused for a moment: the next attempt is in this long.
        retry_in: Option<Duration>,
    },
    /// The room's document is on its way.
    Syncing,
    /// Both ways.
    Live,
    /// The room does not take us: a sentence that says what to do.
    Refused(Arc<str>),
}

/// A document and its connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentView {
    /// "Game" or "Table", or the name of another game.
    pub name: Arc<str>,
    /// Its connection.
    pub connection: Connection,
    /// Everything made here has been sent, and where the room says so is durable there.
    pub has_sent_all: bool,
    /// Connections so far.
    pub connections: u64,
    /// Frames and bytes out.
    pub out: (u64, u64),
    /// Frames and bytes in.
    pub in_: (u64, u64),
}

/// Somebody else in the room.
#[derive(Debug, Clone, PartialEq)]
pub struct Person {
    /// The game whose room they are in.
    pub game: GameSessionId,
    /// Their client id in the game's document.
    pub client: u64,
    /// What they show.
    pub presence: Arc<Presence>,
    /// When their cursor last moved, on the session's clock.
    pub cursor_moved: Duration,
}

/// Everybody else in the room, at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct People {
    /// By game and client id.
    pub list: Vec<Person>,
}

/// The part that a link's code is for, as [`Invitation::link_for`] wrote it.
#[must_use]
pub fn part_of_link(link: &str) -> Option<TablePart> {
    let (_, query) = link.trim().split_once('?')?;
    let word = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == PART_QUERY)?;
    TablePart::read(&word.1)
}

/// The query parameter that says what a link's code is for.
const PART_QUERY: &str = "part";
/// The query parameter that says where the pictures of web clients are.
const PICTURES_QUERY: &str = "pictures";

impl Invitation {
    /// [`Invitation::link`] for somebody of a part, so that their app knows what to open.
    #[must_use]
    pub fn link_for(&self, part: TablePart) -> String {
        format!("{}&{PART_QUERY}={}", self.link(), part.word())
    }

    /// The link that holds all of it:
    /// `SERVER/parties/game_session/GAME?party=…&title=…&pictures=…&token=…`.
    #[must_use]
    pub fn link(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if let Some(party) = &self.party {
            query.append_pair("party", party.as_str());
        }
        if !self.title.is_empty() {
            query.append_pair("title", &self.title);
        }
        if let Some(pictures) = &self.pictures {
            query.append_pair(PICTURES_QUERY, pictures.as_str());
        }
        if let Some(token) = &self.token {
            query.append_pair("token", token);
        }
        let game: String = form_urlencoded::byte_serialize(self.game.as_str().as_bytes()).collect();
        let query = query.finish();
        let server = self.server.trim_end_matches('/');
        format!("{server}/parties/game_session/{game}?{query}")
    }

    /// Reads such a link, or the address of a game's room on any server of this dialect.
    ///
    /// # Errors
    /// When it names no game's room.
    pub fn from_link(dialect: Dialect, link: &str) -> Result<Self, AddressError> {
        let address = RoomAddress::parse(dialect, link)?;
        if dialect.rules().has_parties && address.party != GAME_PARTY {
            return Err(AddressError::NotARoom);
        }
        let find = |name: &str| {
            let found = address.query.iter().find(|(key, _)| key == name);
            found
                .map(|(_, value)| value.clone())
                .filter(|v| !v.is_empty())
        };
        let scheme = if address.is_encrypted() {
            "https"
        } else {
            "http"
        };
        Ok(Self {
            dialect,
            server: format!("{scheme}://{}", address.host),
            game: GameSessionId::new(&address.room),
            party: find("party").map(|party| PartyId::new(&party)),
            token: address.token.clone(),
            title: find("title").unwrap_or_default(),
            pictures: find(PICTURES_QUERY)
                .and_then(|pictures| PictureAddress::parse(&pictures).ok())
                .or_else(|| PictureAddress::of_server(link)),
            may_initialise: false,
        })
    }
}

/// The party name of rooms that hold game-session documents.
pub const GAME_PARTY: &str = "game_session";
/// The party name of rooms that hold party documents.
pub const TABLE_PARTY: &str = "party";

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_room_s_codes_are_not_in_debug_output() {
        let place = Place::Hosted {
            addresses: Vec::new(),
            codes: vec![(TablePart::Dm, "SECRET".into())],
            links: vec![(TablePart::Dm, "http://h/?token=SECRET".into())],
            is_announced: false,
        };
        assert!(!format!("{place:?}").contains("SECRET"));
    }

    #[test]
    fn a_link_holds_the_whole_invitation_and_debug_output_no_secret() {
        let invitation = Invitation {
            dialect: Dialect::YPartyKit,
            server: "http://192.168.1.5:1999".into(),
            game: GameSessionId::new("g-1"),
            party: Some(PartyId::new("p/2")),
            token: Some("SECRET".into()),
            title: "Mira's table & more".into(),
            pictures: PictureAddress::parse("https://files.example.com/a").ok(),
            may_initialise: false,
        };
        let link = invitation.link();
        let read = Invitation::from_link(Dialect::YPartyKit, &link).unwrap();
        assert_eq!(read, invitation);
        assert!(!format!("{read:?}").contains("SECRET"));
        let for_display = invitation.link_for(TablePart::Display);
        assert_eq!(part_of_link(&for_display), Some(TablePart::Display));
        let read = Invitation::from_link(Dialect::YPartyKit, &for_display).unwrap();
        assert_eq!((part_of_link(&link), read), (None, invitation));
        let web = "https://partykit.tableslayer.com/parties/game_session/g?party=p";
        let read = Invitation::from_link(Dialect::YPartyKit, web).unwrap();
        let pictures = read.pictures.as_ref().map(PictureAddress::as_str);
        assert_eq!(pictures, Some("https://files.tableslayer.com"));
        for wrong in [
            "",
            "hello",
            "http://h/parties/party/x",
            "ftp://h/parties/game_session/x",
        ] {
            assert!(
                Invitation::from_link(Dialect::YPartyKit, wrong).is_err(),
                "{wrong}"
            );
        }
    }
}
