//! Who may do what: roles, tokens, and the checks of `Origin` and `Host`.
//!
//! A server without `--open` has a token for itself (a DM's in every room) and, per room, one for
//! each [`Role`]. They lie in `tokens.json` in the data folder, readable by its owner alone; they are
//! compared in constant time and never logged. The file may be edited while the server runs.
//!
//! A web page can open sockets to any address, also to `127.0.0.1`. So a request that names an
//! origin must name one that was allowed, and the host that it asks for must be this server (a page
//! of another name that was made to resolve to this machine would otherwise read along).

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};

use super::ServerError;
use super::code;
use super::name::RoomName;
use crate::storage::atomic;

/// Times of files are this coarse at worst (FAT).
const COARSEST_TICK: Duration = Duration::from_secs(2);

/// What a connection may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Everything.
    Dm,
    /// Reads what a DM reads, changes nothing.
    Viewer,
    /// Sees what players see, moves what players may move.
    Player,
    /// Shows what players see.
    Display,
}

impl Role {
    /// Whether changes of the document by this role are taken in.
    #[must_use]
    pub const fn may_write(self) -> bool {
        matches!(self, Self::Dm)
    }

    /// Whether this role gets the document as it is; the others get what players may see of it.
    #[must_use]
    pub const fn sees_all(self) -> bool {
        matches!(self, Self::Dm | Self::Viewer)
    }

    /// The role as it is written in answers.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Dm => "dm",
            Self::Viewer => "viewer",
            Self::Player => "player",
            Self::Display => "display",
        }
    }
}

/// The tokens of one room.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomTokens {
    /// For [`Role::Dm`].
    pub dm: String,
    /// For [`Role::Viewer`].
    pub viewer: String,
    /// For [`Role::Player`].
    pub player: String,
    /// For [`Role::Display`].
    pub display: String,
}

impl RoomTokens {
    fn fresh() -> Self {
        Self {
            dm: fresh_token(),
            viewer: fresh_token(),
            player: fresh_token(),
            display: fresh_token(),
        }
    }

    /// New codes that a person can type, in their normal form: see [`super::code`].
    #[must_use]
    pub fn short() -> Self {
        Self {
            dm: code::fresh(),
            viewer: code::fresh(),
            player: code::fresh(),
            display: code::fresh(),
        }
    }

    fn by_role(&self) -> [(Role, &str); 4] {
        [
            (Role::Dm, &self.dm),
            (Role::Viewer, &self.viewer),
            (Role::Player, &self.player),
            (Role::Display, &self.display),
        ]
    }
}

#[derive(Default, Serialize, Deserialize)]
struct TokenFile {
    /// A DM's in every room.
    server: String,
    #[serde(default)]
    rooms: BTreeMap<String, RoomTokens>,
}

/// Why somebody is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// No token, where one is needed.
    #[error("this room needs a token: ask the person who runs it for the link")]
    Missing,
    /// A token of nothing here.
    #[error("the token is not one of this room: it may have been replaced, ask for a new link")]
    Wrong,
    /// Rooms of which it is not known what players must not see.
    #[error(
        "what this room holds is not a game that this server knows, so it cannot hide what players \
         must not see and takes no player or display connections: show the table from the DM's own app"
    )]
    NoProjection,
    /// A web page of somewhere else.
    #[error("pages of this origin may not use this server: start it with --allow-origin")]
    Origin,
    /// Too many wrong codes came from this address.
    #[error(
        "too many wrong codes came from this address, so none is looked at for a while: wait a \
         minute, then try again"
    )]
    TooMany,
    /// Asked for under another name.
    #[error("this server does not answer to that host name: start it with --host-name")]
    Host,
}

/// The tokens of a server.
pub struct Tokens {
    path: PathBuf,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    file: TokenFile,
    /// When the file that this was read from was written; `None` = look again: it is so young that
    /// it may be written once more and keep its time.
    modified: Option<SystemTime>,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Tokens {
    /// Reads a data folder's tokens; makes the server's own when there are none.
    ///
    /// # Errors
    /// When the file cannot be read or written, or is not what this program writes.
    pub fn open(folder: &Path) -> Result<Self, ServerError> {
        let tokens = Self {
            path: folder.join("tokens.json"),
            held: Mutex::default(),
        };
        if tokens.path.exists() {
            tokens.read_again()?;
        } else {
            tokens.held.lock().file.server = fresh_token();
            tokens.write()?;
        }
        Ok(tokens)
    }

    /// Where they are.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The role that a token has in a room.
    ///
    /// # Errors
    /// When it has none.
    pub fn role_in(&self, room: &RoomName, token: Option<&str>) -> Result<Role, Denied> {
        let token = token
            .filter(|token| !token.is_empty())
            .ok_or(Denied::Missing)?;
        if let Some(role) = self.held.lock().file.role_in(&room.to_string(), token) {
            return Ok(role);
        }
        // Somebody may have been invited by another process meanwhile.
        if self.is_stale() && self.read_again().is_ok() {
            let role = self.held.lock().file.role_in(&room.to_string(), token);
            return role.ok_or(Denied::Wrong);
        }
        Err(Denied::Wrong)
    }

    /// The best role that a token has in any room: for what belongs to no room.
    ///
    /// # Errors
    /// When it has none.
    pub fn role_anywhere(&self, token: Option<&str>) -> Result<Role, Denied> {
        let token = token
            .filter(|token| !token.is_empty())
            .ok_or(Denied::Missing)?;
        let held = self.held.lock();
        let mut best = held.file.role_in("", token);
        for room in held.file.rooms.keys() {
            let role = held.file.role_in(room, token);
            best = match (best, role) {
                (Some(Role::Dm), _) | (_, None) => best,
                _ => role,
            };
        }
        best.ok_or(Denied::Wrong)
    }

    /// The rooms that a token opens, in order, and its best role in them.
    ///
    /// # Errors
    /// When it opens none.
    pub fn rooms_of(&self, token: Option<&str>) -> Result<(Role, Vec<RoomName>), Denied> {
        let role = match self.role_anywhere(token) {
            // Somebody may have been invited by another process meanwhile.
            Err(Denied::Wrong) if self.is_stale() && self.read_again().is_ok() => {
                self.role_anywhere(token)
            }
            role => role,
        }?;
        let held = self.held.lock();
        let token = token.unwrap_or_default();
        let opened = held.file.rooms.keys().filter(|room| {
            let found = held.file.role_in(room, token);
            found.is_some()
        });
        // A name that was written by hand may be none.
        Ok((role, opened.filter_map(|room| room.parse().ok()).collect()))
    }

    /// Gives a room these tokens, in place of those it had; tokens of one party's rooms may be the
    /// same.
    ///
    /// # Errors
    /// When they cannot be written; then they count until the server ends.
    pub fn grant(&self, room: &RoomName, tokens: RoomTokens) -> Result<(), ServerError> {
        if self.is_stale() {
            self.read_again()?;
        }
        {
            let rooms = &mut self.held.lock().file.rooms;
            if rooms.insert(room.to_string(), tokens.clone()) == Some(tokens) {
                return Ok(());
            }
        }
        self.write()
    }

    /// The rooms that a token opens to a guest: a player or display.
    #[must_use]
    pub fn rooms_of_guest(&self, token: Option<&str>) -> Vec<RoomName> {
        let token = token.unwrap_or_default();
        let held = self.held.lock();
        let rooms = held.file.rooms.keys().filter(|room| {
            let role = held.file.role_in(room, token);
            role.is_some_and(|role| !role.sees_all())
        });
        rooms.filter_map(|room| room.parse().ok()).collect()
    }

    /// Whether a token is the server's own.
    #[must_use]
    pub fn is_server(&self, token: Option<&str>) -> bool {
        self.held.lock().file.role_in("", token.unwrap_or_default()) == Some(Role::Dm)
    }

    /// A room's tokens; made and written when it has none.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn of_room(&self, room: &RoomName) -> Result<RoomTokens, ServerError> {
        if self.is_stale() {
            self.read_again()?;
        }
        let name = room.to_string();
        if let Some(tokens) = self.held.lock().file.rooms.get(&name) {
            return Ok(tokens.clone());
        }
        let tokens = RoomTokens::fresh();
        self.held.lock().file.rooms.insert(name, tokens.clone());
        self.write()?;
        Ok(tokens)
    }

    fn is_stale(&self) -> bool {
        let held = self.held.lock().modified;
        held.is_none() || modified(&self.path) != held
    }

    fn read_again(&self) -> Result<(), ServerError> {
        let failed = |detail: String| ServerError::Tokens {
            path: self.path.clone(),
            detail,
        };
        let modified = modified(&self.path);
        let bytes = std::fs::read(&self.path).map_err(|error| failed(error.to_string()))?;
        let file: TokenFile = serde_json::from_slice(&bytes)
            .map_err(|error| failed(format!("line {}: not as expected", error.line())))?;
        if file.server.is_empty() {
            return Err(failed("the server's own token is empty".into()));
        }
        *self.held.lock() = Held { file, modified };
        Ok(())
    }

    fn write(&self) -> Result<(), ServerError> {
        let failed = |detail: String| ServerError::Tokens {
            path: self.path.clone(),
            detail,
        };
        let mut held = self.held.lock();
        let json = serde_json::to_vec_pretty(&held.file).map_err(|e| failed(e.to_string()))?;
        atomic::write_private_file(&self.path, |file| file.write_all(&json))
            .map_err(|e| failed(e.to_string()))?;
        held.modified = modified(&self.path);
        Ok(())
    }
}

impl TokenFile {
    /// Looks at every token whatever it finds, so that the time taken tells nothing.
    fn role_in(&self, room: &str, token: &str) -> Option<Role> {
        let presented = Sha256::digest(code::normal_token(token));
        let same = |own: &str| -> bool {
            let equal = Sha256::digest(code::normal_token(own)).ct_eq(&presented);
            // A role without a token is nobody's.
            (equal & Choice::from(u8::from(!own.is_empty()))).into()
        };
        let mut found = same(&self.server).then_some(Role::Dm);
        let nobody = RoomTokens::default();
        for (role, own) in self.rooms.get(room).unwrap_or(&nobody).by_role() {
            let is_same = same(own);
            if is_same && found.is_none() {
                found = Some(role);
            }
        }
        found
    }
}

fn fresh_token() -> String {
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(rand::random::<[u8; 16]>())
}

/// When a file was written. Clocks of file systems tick coarsely, so a time that is not past for
/// long tells nothing.
fn modified(path: &Path) -> Option<SystemTime> {
    let written = path.metadata().and_then(|data| data.modified()).ok()?;
    let age = SystemTime::now().duration_since(written).ok()?;
    (age >= COARSEST_TICK).then_some(written)
}

/// Which pages and which names a server answers to.
#[derive(Debug, Clone, Default)]
pub struct Doors {
    /// Origins whose pages may connect, such as `https://play.example.org`; those of this machine
    /// always may.
    pub origins: Vec<String>,
    /// Host names that this server has, besides its addresses.
    pub host_names: Vec<String>,
    /// Only this machine may connect.
    pub loopback_only: bool,
}

impl Doors {
    /// Whether a page of this origin may use the server. Programs name none.
    ///
    /// # Errors
    /// [`Denied::Origin`].
    pub fn check_origin(&self, origin: Option<&str>) -> Result<(), Denied> {
        let Some(origin) = origin else { return Ok(()) };
        let is_own = origin
            .strip_prefix("http://")
            .or_else(|| origin.strip_prefix("https://"))
            .is_some_and(|rest| is_loopback_name(without_port(rest)));
        let is_listed = self
            .origins
            .iter()
            .any(|allowed| allowed.trim_end_matches('/').eq_ignore_ascii_case(origin));
        if is_own || is_listed {
            Ok(())
        } else {
            Err(Denied::Origin)
        }
    }

    /// Whether the server has the name that it was asked for under.
    ///
    /// # Errors
    /// [`Denied::Host`].
    pub fn check_host(&self, host: Option<&str>) -> Result<(), Denied> {
        let name = without_port(host.ok_or(Denied::Host)?);
        let is_listed = |name: &str| {
            self.host_names
                .iter()
                .any(|own| own.eq_ignore_ascii_case(name))
        };
        // An address is nobody's name: it cannot be made to resolve to another machine.
        let is_address = bare_address(name).is_some();
        let is_local_name = name.to_ascii_lowercase().ends_with(".local");
        let fits = is_loopback_name(name)
            || is_listed(name)
            || (!self.loopback_only && (is_address || is_local_name));
        if fits { Ok(()) } else { Err(Denied::Host) }
    }
}

fn bare_address(name: &str) -> Option<IpAddr> {
    name.trim_start_matches('[')
        .trim_end_matches(']')
        .parse()
        .ok()
}

fn is_loopback_name(name: &str) -> bool {
    name.eq_ignore_ascii_case("localhost")
        || bare_address(name).is_some_and(|address| address.is_loopback())
}

/// `name:port` without the port; an IPv6 address keeps its brackets.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') && port.bytes().all(|b| b.is_ascii_digit()) => {
            name
        }
        _ => host,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn room(name: &str) -> RoomName {
        name.parse().unwrap()
    }

    #[test]
    fn a_token_opens_its_room_in_its_role_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let tokens = Tokens::open(folder.path()).unwrap();
        let (a, b) = (room("game_session/a"), room("game_session/b"));
        let of_a = tokens.of_room(&a).unwrap();
        tokens.of_room(&b).unwrap();
        for (role, token) in of_a.by_role() {
            assert_eq!(tokens.role_in(&a, Some(token)), Ok(role));
            assert_eq!(tokens.role_in(&b, Some(token)), Err(Denied::Wrong));
            assert_eq!(tokens.role_anywhere(Some(token)), Ok(role));
            assert!(!tokens.is_server(Some(token)));
        }
        for nothing in [None, Some("")] {
            assert_eq!(tokens.role_in(&a, nothing), Err(Denied::Missing));
        }
        assert_eq!(tokens.role_in(&a, Some("guess")), Err(Denied::Wrong));
        assert_eq!(tokens.role_anywhere(Some("guess")), Err(Denied::Wrong));
        let server = tokens.held.lock().file.server.clone();
        assert_eq!(tokens.role_in(&room("x/new"), Some(&server)), Ok(Role::Dm));

        // Kept over a restart.
        let again = Tokens::open(folder.path()).unwrap();
        assert_eq!(again.of_room(&a).unwrap(), of_a);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = tokens.path().metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "others can read the tokens");
        }
    }

    #[test]
    fn an_invitation_of_another_process_counts_at_once_and_a_broken_file_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let running = Tokens::open(folder.path()).unwrap();
        let a = room("game_session/a");
        let invited = Tokens::open(folder.path()).unwrap().of_room(&a).unwrap();
        assert_eq!(running.role_in(&a, Some(&invited.dm)), Ok(Role::Dm));
        std::fs::write(running.path(), "{").unwrap();
        assert!(Tokens::open(folder.path()).is_err());
    }

    #[test]
    fn codes_of_a_party_open_its_rooms_however_they_are_typed() {
        let folder = tempfile::tempdir().unwrap();
        let tokens = Tokens::open(folder.path()).unwrap();
        let (game, party) = (room("game_session/a"), room("party/p"));
        let codes = RoomTokens::short();
        tokens.of_room(&room("game_session/other")).unwrap();
        for name in [&game, &party] {
            tokens.grant(name, codes.clone()).unwrap();
        }
        for (role, token) in codes.by_role() {
            let typed = format!(" {}", code::shown(token).to_lowercase());
            assert_eq!(tokens.role_in(&game, Some(&typed)), Ok(role));
            assert_eq!(
                tokens.rooms_of(Some(&typed)),
                Ok((role, vec![game.clone(), party.clone()]))
            );
        }
        assert_eq!(tokens.rooms_of(None), Err(Denied::Missing));
        assert_eq!(tokens.rooms_of(Some("0000000000")), Err(Denied::Wrong));
        let server = tokens.held.lock().file.server.clone();
        assert_eq!(tokens.rooms_of(Some(&server)).unwrap().1.len(), 3);
        // Long tokens stay as they are: capitals are not small letters.
        let long = tokens.of_room(&room("game_session/other")).unwrap().dm;
        let folded = long.to_ascii_lowercase();
        if folded != long {
            assert_eq!(tokens.role_anywhere(Some(&folded)), Err(Denied::Wrong));
        }
        // New codes take the place of the old ones, also after a restart.
        tokens.grant(&game, RoomTokens::short()).unwrap();
        assert_eq!(tokens.role_in(&game, Some(&codes.dm)), Err(Denied::Wrong));
        let again = Tokens::open(folder.path()).unwrap();
        assert_eq!(again.rooms_of(Some(&codes.dm)), Ok((Role::Dm, vec![party])));
    }

    #[test]
    fn an_empty_token_in_the_file_opens_nothing() {
        let mut file = TokenFile::default();
        file.rooms.insert("p/r".into(), RoomTokens::default());
        assert_eq!(file.role_in("p/r", ""), None);
    }

    #[test]
    fn pages_of_elsewhere_and_foreign_names_are_refused() {
        let doors = Doors {
            origins: vec!["https://play.example.org".into()],
            host_names: vec!["table.example.org".into()],
            loopback_only: false,
        };
        for fine in [
            None,
            Some("http://localhost:5173"),
            Some("http://127.0.0.1"),
            Some("http://[::1]:80"),
            Some("https://play.example.org"),
        ] {
            assert_eq!(doors.check_origin(fine), Ok(()), "{fine:?}");
        }
        for bad in [
            "null",
            "https://evil.example",
            "http://localhost.evil.example",
            "https://play.example.org.evil.example",
            "http://127.0.0.1.evil.example",
        ] {
            assert_eq!(doors.check_origin(Some(bad)), Err(Denied::Origin), "{bad}");
        }
        for fine in [
            "localhost:1999",
            "127.0.0.1:1999",
            "192.168.1.7:1999",
            "[::1]:1",
            "gm.local",
            "table.example.org",
        ] {
            assert_eq!(doors.check_host(Some(fine)), Ok(()), "{fine}");
        }
        for bad in [None, Some("evil.example:1999"), Some("")] {
            assert_eq!(doors.check_host(bad), Err(Denied::Host), "{bad:?}");
        }
        let home = Doors {
            loopback_only: true,
            ..Doors::default()
        };
        assert_eq!(home.check_host(Some("192.168.1.7")), Err(Denied::Host));
        assert_eq!(home.check_host(Some("127.0.0.1:99")), Ok(()));
    }
}
