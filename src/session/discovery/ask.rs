//! From an address and a code to invitations: what a guest types is enough to join.

use std::net::IpAddr;
use std::time::Duration;

use serde::Deserialize;
use url::Url;

use crate::model::id::{GameSessionId, PartyId};
use crate::model::presence::TablePart;
use crate::server::code::normal_token;
use crate::server::http::KIND_HEADER;
use crate::session::room::{GAME_PARTY, Invitation, TABLE_PARTY};
use crate::sync::dialect::Dialect;
use crate::util::web;

/// Where a server listens when an address does not say.
pub const DEFAULT_PORT: u16 = 1999;
/// A server on the network answers sooner; a person waits for this.
const CONNECT: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest answer: thousands of games.
const MOST_BYTES: u64 = 1 << 20;

/// What a code opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What the host calls it; may be empty.
    pub title: String,
    /// What the code makes of us.
    pub part: TablePart,
    /// We see all and change nothing.
    pub is_read_only: bool,
    /// The games that it opens, at least one.
    pub invitations: Vec<Invitation>,
}

/// Why there is no invitation: a sentence that says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The address is none.
    #[error(
        "{0:?} is no address: write the one that the host's window shows, such as 192.168.1.5:1999"
    )]
    Address(String),
    /// Nobody answers.
    #[error(
        "nobody answers at {server} ({detail}): check the address, that the game is hosted, and that \
         both machines are on one network"
    )]
    Nobody {
        /// What was asked.
        server: String,
        /// Why.
        detail: String,
    },
    /// Somebody else answers.
    #[error(
        "a program answers at {0}, but it is no Tableglow that takes codes: check the address and \
         the port, or join with a link"
    )]
    Foreign(String),
    /// The code opens nothing there.
    #[error("the code opens nothing at {0}: it may be mistyped or replaced, ask the host for it")]
    WrongCode(String),
    /// Too many wrong ones.
    #[error(
        "{0} has seen too many wrong codes from here and looks at none for a while: wait a minute, \
         then try again"
    )]
    TooMany(String),
    /// The server refuses for a reason of its own.
    #[error("{server} refuses: {sentence}")]
    Refused {
        /// What was asked.
        server: String,
        /// What it says.
        sentence: String,
    },
    /// The code is right, and there is nothing.
    #[error("the code is right, but no game is hosted at {0} just now: ask the host to open one")]
    NoGame(String),
}

/// What a server answers.
#[derive(Deserialize)]
struct Told {
    title: String,
    role: String,
    rooms: Vec<ToldRoom>,
}

#[derive(Deserialize)]
struct ToldRoom {
    party: String,
    room: String,
}

/// Asks the server at an address what a code opens. Waits for the network, [`PATIENCE`] at most: not
/// for a thread that paints or the session's.
///
/// # Errors
/// As [`AskError`] lists them.
pub fn ask(address: &str, code: &str) -> Result<Answer, AskError> {
    let server = server_of(address).ok_or_else(|| AskError::Address(address.trim().to_owned()))?;
    let token = normal_token(code);
    // What can stand in a header; anything else opens nothing anyway.
    if token.is_empty() || !token.bytes().all(|c| c.is_ascii_graphic()) {
        return Err(AskError::WrongCode(server));
    }
    let client: ureq::Agent = web::client()
        .timeout_connect(Some(CONNECT))
        .timeout_global(Some(PATIENCE))
        // Rooms are reached without one too.
        .proxy(None)
        .build()
        .into();
    let answered = client
        .get(format!("{server}/rooms"))
        .header("authorization", format!("Bearer {token}"))
        .call();
    let mut response = match answered {
        Ok(response) => response,
        Err(ureq::Error::Protocol(_) | ureq::Error::Http(_) | ureq::Error::Rustls(_)) => {
            return Err(AskError::Foreign(server));
        }
        Err(error) => {
            return Err(AskError::Nobody {
                detail: web::in_words(&error),
                server,
            });
        }
    };
    if !response.headers().contains_key(KIND_HEADER) {
        return Err(AskError::Foreign(server));
    }
    let status = response.status().as_u16();
    let body = response.body_mut().with_config().limit(MOST_BYTES);
    match status {
        200 => {}
        401 => return Err(AskError::WrongCode(server)),
        429 => return Err(AskError::TooMany(server)),
        _ => {
            let sentence = body.read_to_string().unwrap_or_default();
            let sentence = sentence.lines().next().unwrap_or_default().to_owned();
            return Err(AskError::Refused { server, sentence });
        }
    }
    let told = body.read_to_vec().ok();
    match told.and_then(|told| serde_json::from_slice(&told).ok()) {
        Some(told) => invitations(&server, &token, told),
        None => Err(AskError::Foreign(server)),
    }
}

fn invitations(server: &str, token: &str, told: Told) -> Result<Answer, AskError> {
    let part = match told.role.as_str() {
        "dm" | "viewer" => TablePart::Dm,
        "display" => TablePart::Display,
        _ => TablePart::Player,
    };
    // With more than one party a game's own is not known.
    let mut parties = told.rooms.iter().filter(|room| room.party == TABLE_PARTY);
    let party = match (parties.next(), parties.next()) {
        (Some(only), None) => Some(PartyId::new(&only.room)),
        _ => None,
    };
    let games = told.rooms.iter().filter(|room| room.party == GAME_PARTY);
    let invitations: Vec<Invitation> = games
        .map(|game| Invitation {
            dialect: Dialect::YPartyKit,
            server: server.to_owned(),
            game: GameSessionId::new(&game.room),
            party: party.clone(),
            token: Some(token.to_owned()),
            title: told.title.clone(),
            pictures: None,
            may_initialise: false,
        })
        .collect();
    if invitations.is_empty() {
        return Err(AskError::NoGame(server.to_owned()));
    }
    Ok(Answer {
        title: told.title,
        part,
        is_read_only: told.role == "viewer",
        invitations,
    })
}

/// The server at an address as people write it: `192.168.1.5`, `table.local:1999`, `[fe80::1]:80`,
/// `https://play.example.org`. Without a port it is [`DEFAULT_PORT`], or with `https` its own.
#[must_use]
pub fn server_of(address: &str) -> Option<String> {
    let address = address.trim();
    let (scheme, rest) = match address.split_once("://") {
        Some(("http" | "ws", rest)) => ("http", rest),
        Some(("https" | "wss", rest)) => ("https", rest),
        Some(_) => return None,
        None => ("http", address),
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let authority = match authority.parse::<IpAddr>() {
        Ok(IpAddr::V6(address)) => format!("[{address}]"),
        _ => authority.to_owned(),
    };
    let says_port = authority
        .rsplit_once(':')
        .is_some_and(|(_, port)| !port.contains(']'));
    let authority = if says_port || scheme == "https" {
        authority
    } else {
        format!("{authority}:{DEFAULT_PORT}")
    };
    let url = Url::parse(&format!("{scheme}://{authority}")).ok()?;
    let is_plain = url.username().is_empty() && url.password().is_none() && url.path() == "/";
    let host = url.host_str().filter(|host| is_plain && !host.is_empty())?;
    Some(match url.port() {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::sync::Arc;

    use super::*;
    use crate::server::access::RoomTokens;
    use crate::server::code::shown;
    use crate::session::testing::Serving;
    use crate::util::clock::ManualClock;

    #[test]
    fn an_address_is_read_as_people_write_it() {
        for (typed, server) in [
            ("192.168.1.5", "http://192.168.1.5:1999"),
            (" table.local:8080 ", "http://table.local:8080"),
            ("http://127.0.0.1:1999/", "http://127.0.0.1:1999"),
            ("http://table/parties/x?y#z", "http://table:1999"),
            ("ws://h:80", "http://h"),
            ("https://play.example.org", "https://play.example.org"),
            (
                "https://play.example.org:8443/a",
                "https://play.example.org:8443",
            ),
            ("::1", "http://[::1]:1999"),
            ("[fe80::1]:7", "http://[fe80::1]:7"),
            ("[fe80::1]", "http://[fe80::1]:1999"),
        ] {
            assert_eq!(server_of(typed).as_deref(), Some(server), "{typed}");
        }
        for wrong in [
            "", "a b", "ftp://h", "h:99999", "u@h", "h:x", "http://", ":1999",
        ] {
            assert_eq!(server_of(wrong), None, "{wrong}");
            assert!(matches!(ask(wrong, "x"), Err(AskError::Address(_))));
        }
    }

    #[test]
    fn an_address_and_a_code_are_enough_to_join() {
        let serving = Serving::start();
        let rooms = [
            ("game_session/a", true),
            ("game_session/b", true),
            ("party/p", true),
            ("game_session/other", false),
        ];
        let codes = RoomTokens::short();
        for (room, is_ours) in rooms {
            let given = if is_ours {
                codes.clone()
            } else {
                RoomTokens::short()
            };
            serving
                .tokens()
                .grant(&room.parse().unwrap(), given)
                .unwrap();
        }
        serving.server().host().set_title("Mira's table");
        let address = serving.server().address().to_string();
        let typed = shown(&codes.dm).to_lowercase();
        let answer = ask(&address, &typed).unwrap();
        assert_eq!(answer.title, "Mira's table");
        assert_eq!(answer.part, TablePart::Dm);
        assert!(!answer.is_read_only);
        let games: Vec<_> = answer.invitations.iter().map(|i| i.game.as_str()).collect();
        assert_eq!(games, ["a", "b"]);
        for invitation in &answer.invitations {
            assert_eq!(invitation.party, Some(PartyId::new("p")));
            assert_eq!(invitation.server, format!("http://{address}"));
            assert_eq!(invitation.token.as_deref(), Some(&*codes.dm));
        }
        let player = ask(&address, &codes.player).unwrap();
        assert_eq!(player.part, TablePart::Player);
        let viewer = ask(&address, &codes.viewer).unwrap();
        assert!(viewer.is_read_only);

        let server = format!("http://{address}");
        let wrong = AskError::WrongCode(server);
        assert_eq!(ask(&address, ""), Err(wrong.clone()));
        assert_eq!(ask(&address, "kX3_v0TqVvQ2c4Qz1sT9Lw"), Err(wrong));
    }

    #[test]
    fn guessing_ends_and_then_the_right_code_is_of_no_use_for_a_while() {
        let clock = ManualClock::default();
        let serving = Serving::start_with(Arc::new(clock.clone()));
        let codes = RoomTokens::short();
        let game = "game_session/a".parse().unwrap();
        serving.tokens().grant(&game, codes.clone()).unwrap();
        let address = serving.server().address().to_string();
        let server = format!("http://{address}");
        let mut refusals = 0;
        while ask(&address, "000000000A") == Err(AskError::WrongCode(server.clone())) {
            refusals += 1;
            assert!(refusals < 1000, "codes can be tried without end");
        }
        assert_eq!(
            ask(&address, &codes.dm),
            Err(AskError::TooMany(server.clone()))
        );
        // A long token is not guessed, so it is not counted.
        let long = ask(&address, "kX3_v0TqVvQ2c4Qz1sT9Lw");
        assert_eq!(long, Err(AskError::WrongCode(server)));
        clock.advance(Duration::from_secs(60));
        assert!(ask(&address, &codes.dm).is_ok());
    }

    #[test]
    fn whoever_is_not_a_table_is_told_apart_from_nobody() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let foreign = AskError::Foreign(format!("http://{address}"));
        for answer in [
            "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nx-tableglow: 1\r\ncontent-length: 2\r\n\r\n{}",
            "SSH-2.0-OpenSSH_9.6\r\n",
        ] {
            let listener = listener.try_clone().unwrap();
            let named = std::thread::Builder::new().name("foreign".into());
            let serve = move || {
                let (mut stream, _) = listener.accept().unwrap();
                let mut head = [0; 4096];
                let _ = stream.read(&mut head);
                stream.write_all(answer.as_bytes()).unwrap();
            };
            let thread = named.spawn(serve).unwrap();
            assert_eq!(
                ask(&address, "7KQ2-M9XP-4T"),
                Err(foreign.clone()),
                "{answer}"
            );
            thread.join().unwrap();
        }
        drop(listener);
        let nobody = ask(&address, "7KQ2-M9XP-4T");
        assert!(matches!(nobody, Err(AskError::Nobody { .. })), "{nobody:?}");
    }

    #[test]
    fn a_code_that_opens_nothing_now_says_so() {
        let serving = Serving::start();
        let codes = RoomTokens::short();
        let party = "party/p".parse().unwrap();
        serving.tokens().grant(&party, codes.clone()).unwrap();
        let address = serving.server().address().to_string();
        let none = AskError::NoGame(format!("http://{address}"));
        assert_eq!(ask(&address, &codes.dm), Err(none));
    }
}
