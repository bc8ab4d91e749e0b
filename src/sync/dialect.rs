//! What differs between servers that speak the y-protocols, as one table, and how their rooms are
//! addressed. Nothing else can tell which kind of server it talks to.
//!
//! | | y-partykit, ours | y-partyserver | y-websocket |
//! | --- | --- | --- | --- |
//! | path | `/parties/PARTY/ROOM` | the same | `/ROOM` |
//! | `_pk` in the query: the connection's id | yes | yes | no |
//! | largest frame to the server | 1 MiB | 32 MiB | 100 MiB |
//! | larger messages in slices | yes | no: loses them | no |
//! | awareness expires on the server | 30 s | never | 30 s |
//! | pings from the server | no | no | every 30 s |
//!
//! All of them send a client's own updates and awareness back to it. Must not know sockets. Called by
//! [`super::client`] and by whoever joins a room.

use url::Url;

/// A kind of server.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize,
)]
pub enum Dialect {
    /// y-partykit rooms (Table Slayer's among them) and our own room server.
    #[default]
    YPartyKit,
    /// Durable Objects with y-partyserver: our worker.
    YPartyServer,
    /// `@y/websocket-server` and its kin.
    YWebsocket,
}

/// What one kind of server does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Its name for people.
    pub name: &'static str,
    /// The path has the party's name in it.
    pub has_parties: bool,
    /// The connection's id goes into the query as `_pk`.
    pub has_connection_id: bool,
    /// The largest WebSocket message that the server takes, in bytes.
    pub max_frame_bytes: usize,
    /// Messages above this many bytes go as a batch of slices; `None`: the server knows no batches.
    pub slice_bytes: Option<usize>,
    /// The server itself forgets who did not renew for 30 s.
    pub expires_awareness: bool,
}

impl Dialect {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::YPartyKit, Self::YPartyServer, Self::YWebsocket];

    /// The table's column.
    #[must_use]
    pub const fn rules(self) -> Rules {
        match self {
            Self::YPartyKit => Rules {
                name: "PartyKit",
                has_parties: true,
                has_connection_id: true,
                max_frame_bytes: 1 << 20,
                slice_bytes: Some(1_000_000),
                expires_awareness: true,
            },
            Self::YPartyServer => Rules {
                name: "PartyServer",
                has_parties: true,
                has_connection_id: true,
                max_frame_bytes: 32 << 20,
                slice_bytes: None,
                expires_awareness: false,
            },
            Self::YWebsocket => Rules {
                name: "y-websocket",
                has_parties: false,
                has_connection_id: false,
                max_frame_bytes: 100 << 20,
                slice_bytes: None,
                expires_awareness: true,
            },
        }
    }
}

/// A room's address cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// The server's name cannot be read.
    #[error(
        "the server's address cannot be read: write a name or number, and :PORT where it needs one"
    )]
    Host,
    /// Peers in a browser would end up elsewhere.
    #[error("a room's name cannot hold / ? # \\ or control characters, nor be empty, . or ..")]
    Room,
    /// Not a room's URL.
    #[error("this is no address of a room: it looks like https://SERVER/parties/PARTY/ROOM")]
    NotARoom,
}

/// Whether the connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Encryption {
    /// As the web's clients decide: not on this machine and on private IPv4 networks, else yes.
    #[default]
    ByHost,
    /// TLS.
    Tls,
    /// None.
    None,
}

/// Where a room is, and what proves that we may enter it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RoomAddress {
    /// The kind of server.
    pub dialect: Dialect,
    /// Name or number, with `:PORT` where it is not the scheme's own.
    pub host: String,
    /// Whether to encrypt.
    pub encryption: Encryption,
    /// The party: `game_session` or `party` for the two documents of a game.
    pub party: String,
    /// The room within the party.
    pub room: String,
    /// Parameters for the URL, in order (`userId`).
    pub query: Vec<(String, String)>,
    /// Sent as `Authorization: Bearer …`, never in the URL, never shown.
    pub token: Option<String>,
    /// Ask for durable messages ([`super::protocol::DURABLE_QUERY`]).
    pub asks_durable: bool,
}

impl std::fmt::Debug for RoomAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The query may hold a secret too.
        f.debug_struct("RoomAddress")
            .field("dialect", &self.dialect)
            .field("host", &self.host)
            .field("party", &self.party)
            .field("room", &self.room)
            .field("has_token", &self.token.is_some())
            .finish_non_exhaustive()
    }
}

impl RoomAddress {
    /// The room `room` of `party` on `host`, with everything else as usual.
    #[must_use]
    pub fn new(dialect: Dialect, host: &str, party: &str, room: &str) -> Self {
        Self {
            dialect,
            host: host.to_owned(),
            encryption: Encryption::ByHost,
            party: party.to_owned(),
            room: room.to_owned(),
            query: Vec::new(),
            token: None,
            asks_durable: dialect != Dialect::YWebsocket,
        }
    }

    /// Reads a room's URL, as a user pastes it: `http`, `https`, `ws` or `wss`; a `token` in its
    /// query becomes the token.
    ///
    /// # Errors
    /// When it names no room of this dialect.
    pub fn parse(dialect: Dialect, url: &str) -> Result<Self, AddressError> {
        let url = Url::parse(url.trim()).map_err(|_| AddressError::NotARoom)?;
        let encryption = match url.scheme() {
            "https" | "wss" => Encryption::Tls,
            "http" | "ws" => Encryption::None,
            _ => return Err(AddressError::NotARoom),
        };
        let host = url.host_str().ok_or(AddressError::NotARoom)?;
        let host = url
            .port()
            .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let parts: Vec<&str> = url.path().trim_matches('/').split('/').collect();
        let (party, room) = match (dialect.rules().has_parties, &parts[..]) {
            (true, ["parties", party, room, ..]) => (*party, *room),
            (true, ["party", room]) => ("main", *room),
            (false, [room]) => ("", *room),
            _ => return Err(AddressError::NotARoom),
        };
        let mut address = Self::new(dialect, &host, party, room);
        address.encryption = encryption;
        for (key, value) in url.query_pairs() {
            match &*key {
                "token" => address.token = Some(value.into_owned()),
                "_pk" => {}
                key if key == super::protocol::DURABLE_QUERY.0 => {}
                _ => address.query.push((key.into_owned(), value.into_owned())),
            }
        }
        address.url("check")?;
        Ok(address)
    }

    /// The URL of one connection. `connection` must be fresh for each: two sockets of one id hide
    /// each other from the room.
    ///
    /// # Errors
    /// When host, party or room cannot be part of one that means the same to everybody.
    pub fn url(&self, connection: &str) -> Result<String, AddressError> {
        let rules = self.dialect.rules();
        let scheme = if self.is_encrypted() { "wss" } else { "ws" };
        let base = format!("{scheme}://{}", self.host);
        let bare = Url::parse(&base).map_err(|_| AddressError::Host)?;
        if bare.path() != "/" || bare.query().is_some() || bare.fragment().is_some() {
            return Err(AddressError::Host);
        }
        if !bare.username().is_empty() || bare.password().is_some() {
            return Err(AddressError::Host);
        }
        let mut segments = Vec::new();
        if rules.has_parties {
            segments.extend(["parties", &self.party]);
        }
        segments.push(&self.room);
        if !segments.iter().all(|segment| keeps_its_meaning(segment)) {
            return Err(AddressError::Room);
        }
        // The whole as one text, as the web's clients hand it to their URL parser: a room's `%2F`
        // stays as it is typed, a blank becomes `%20`.
        let mut url = Url::parse(&format!("{base}/{}", segments.join("/")))
            .map_err(|_| AddressError::Room)?;
        if url.path_segments().map(Iterator::count) != Some(segments.len()) {
            return Err(AddressError::Room);
        }
        let connection = rules.has_connection_id.then_some(("_pk", connection));
        let durable = self.asks_durable.then_some(super::protocol::DURABLE_QUERY);
        let given = self.query.iter().map(|(key, value)| (&**key, &**value));
        let pairs: Vec<(&str, &str)> = connection.into_iter().chain(given).chain(durable).collect();
        if !pairs.is_empty() {
            url.query_pairs_mut().extend_pairs(pairs);
        }
        Ok(url.into())
    }

    /// The connection is encrypted.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        match self.encryption {
            Encryption::Tls => true,
            Encryption::None => false,
            Encryption::ByHost => !is_near(&self.host),
        }
    }
}

/// Whether a URL parser leaves a path segment as one segment that is not a step in the path.
pub(crate) fn keeps_its_meaning(segment: &str) -> bool {
    let dots = segment.to_ascii_lowercase().replace("%2e", ".");
    !segment.is_empty()
        && dots != "."
        && dots != ".."
        && segment.trim() == segment
        && !segment.contains(|c: char| c.is_control() || matches!(c, '/' | '?' | '#' | '\\'))
}

/// The hosts for which the web's provider leaves encryption out.
fn is_near(host: &str) -> bool {
    let second_of_172 = host
        .strip_prefix("172.")
        .and_then(|rest| rest.split('.').next())
        .and_then(|part| part.parse::<u8>().ok());
    host == "localhost"
        || host == "127.0.0.1"
        || host == "[::1]"
        || ["localhost:", "127.0.0.1:", "[::1]:", "192.168.", "10."]
            .iter()
            .any(|near| host.starts_with(near))
        || second_of_172.is_some_and(|part| (16..=31).contains(&part))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn url(host: &str, room: &str) -> Result<String, AddressError> {
        let mut address = RoomAddress::new(Dialect::YPartyKit, host, "game_session", room);
        address.asks_durable = false;
        address.url("c1")
    }

    #[test]
    fn a_room_is_addressed_as_the_web_does() {
        assert_eq!(
            url("localhost:1999", "a-1").unwrap(),
            "ws://localhost:1999/parties/game_session/a-1?_pk=c1"
        );
        let path = |room| {
            let url = url("play.example", room).unwrap();
            let rest = url.strip_prefix("wss://play.example/parties/game_session/");
            rest.unwrap().strip_suffix("?_pk=c1").unwrap().to_owned()
        };
        assert_eq!(path("a b"), "a%20b");
        assert_eq!(path("Höhle"), "H%C3%B6hle");
        assert_eq!(path("a;b%2Fc%00"), "a;b%2Fc%00");
        assert_eq!(path("%41bc"), "%41bc");
        for wrong in [
            "", ".", "..", "%2e%2E", "a/b", "a?b", "a#b", "a\\b", "a\nb", " a",
        ] {
            assert_eq!(url("h", wrong), Err(AddressError::Room), "{wrong:?}");
        }
        for wrong in ["", "a b", "h/x", "h?x", "u@h", "h:99999"] {
            assert_eq!(url(wrong, "r"), Err(AddressError::Host), "{wrong:?}");
        }
    }

    #[test]
    fn near_hosts_are_not_encrypted_unless_asked() {
        for (host, tls) in [
            ("localhost:1", false),
            ("127.0.0.1:1", false),
            ("192.168.1.2", false),
            ("10.0.0.1:5", false),
            ("172.16.0.1", false),
            ("172.32.0.1", true),
            ("example.org", true),
        ] {
            let mut address = RoomAddress::new(Dialect::YWebsocket, host, "", "r");
            assert_eq!(address.is_encrypted(), tls, "{host}");
            address.encryption = Encryption::Tls;
            assert!(address.url("").unwrap().starts_with("wss:"));
        }
    }

    #[test]
    fn a_pasted_address_comes_back_without_its_secret() {
        let pasted =
            " https://h.example:8443/parties/game_session/r%201?_pk=x&userId=a%20b&token=s3cret ";
        let address = RoomAddress::parse(Dialect::YPartyKit, pasted).unwrap();
        assert_eq!(address.token.as_deref(), Some("s3cret"));
        assert_eq!(
            address.url("c2").unwrap(),
            "wss://h.example:8443/parties/game_session/r%201?_pk=c2&userId=a+b&tableglow=1"
        );
        assert!(!format!("{address:?}").contains("s3cret"));
        let main = RoomAddress::parse(Dialect::YPartyKit, "ws://h/party/r").unwrap();
        assert_eq!((&*main.party, &*main.room), ("main", "r"));
        let plain = RoomAddress::parse(Dialect::YWebsocket, "ws://h/r").unwrap();
        assert_eq!(plain.url("c").unwrap(), "ws://h/r");
        for wrong in [
            "",
            "h/parties/a/b",
            "ftp://h/parties/a/b",
            "ws://h/",
            "ws://h/a",
        ] {
            assert!(
                RoomAddress::parse(Dialect::YPartyKit, wrong).is_err(),
                "{wrong}"
            );
        }
    }
}
