//! Where the pictures of a web client's room are: an address that the keys of its documents are
//! added to.
//!
//! Documents name their pictures by keys (`map/….jpg`), never by addresses, so that nobody in a room
//! can have this program ask somebody else. Must not know sockets. Called by [`super::room`], by
//! whoever joins a room, and by [`super::courier`], which asks.

use std::net::{Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use crate::sync::dialect::keeps_its_meaning;

/// Table Slayer's own host, and where its pictures are.
const TABLE_SLAYER: (&str, &str) = ("tableslayer.com", "https://files.tableslayer.com");
/// The longest address that is taken.
const MOST_BYTES: usize = 512;

/// A base address, without a `/` at its end: `https://files.example.com`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PictureAddress {
    base: String,
    host: String,
}

/// What was typed is no such address: a sentence without its full stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PictureAddressError {
    /// It cannot be read.
    #[error("this is no address of pictures: it looks like https://files.example.com")]
    NotAnAddress,
    /// It is on the internet and says `http`.
    #[error(
        "pictures from the internet come encrypted: write https:// (http:// is for this machine and \
         its own network)"
    )]
    NotEncrypted,
}

impl PictureAddress {
    /// Reads an address as people write it; without a scheme it is `https`, or `http` on this machine
    /// and its network.
    ///
    /// # Errors
    /// When it is none, or one that everybody on the way could read along.
    pub fn parse(text: &str) -> Result<Self, PictureAddressError> {
        use PictureAddressError::{NotAnAddress, NotEncrypted};
        let text = text.trim();
        if text.is_empty() || text.len() > MOST_BYTES {
            return Err(NotAnAddress);
        }
        let parse = |text: &str| Url::parse(text).map_err(|_| NotAnAddress);
        let url = if text.contains("://") {
            parse(text)?
        } else {
            let encrypted = parse(&format!("https://{text}"))?;
            if is_near(&encrypted) {
                parse(&format!("http://{text}"))?
            } else {
                encrypted
            }
        };
        let is_plain = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        if !is_plain || !matches!(url.scheme(), "https" | "http") {
            return Err(NotAnAddress);
        }
        if !is_allowed(&url) {
            return Err(NotEncrypted);
        }
        let host = url.host_str().ok_or(NotAnAddress)?;
        let host = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        Ok(Self {
            base: url.as_str().trim_end_matches('/').to_owned(),
            host,
        })
    }

    /// Where the pictures of a room server's games are, if that is known: Table Slayer's own.
    /// `server` is `https://HOST` or a link.
    #[must_use]
    pub fn of_server(server: &str) -> Option<Self> {
        let (name, address) = TABLE_SLAYER;
        let url = Url::parse(server.trim()).ok()?;
        let host = url.host_str()?.trim_end_matches('.');
        let is_theirs = host == name
            || host
                .strip_suffix(name)
                .is_some_and(|rest| rest.ends_with('.'));
        is_theirs.then(|| Self::parse(address).ok()).flatten()
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.base
    }

    /// Its host and port, for people.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The address of a key's file: the key is added as the web's clients do. `None` when it would
    /// lead anywhere else.
    #[must_use]
    pub fn url_of(&self, key: &str) -> Option<String> {
        let key = key.strip_prefix('/').unwrap_or(key);
        let path = key.split('?').next()?;
        if !path.split('/').all(keeps_its_meaning) {
            return None;
        }
        if key.contains(|c: char| c.is_control() || c == '#') {
            return None;
        }
        let url = Url::parse(&format!("{}/{key}", self.base)).ok()?;
        url.as_str().starts_with(&self.base).then(|| url.into())
    }
}

/// Where a redirection leads, if it may be followed: to the same scheme or to `https`.
#[must_use]
pub(super) fn redirected(from: &str, to: &str) -> Option<String> {
    let from = Url::parse(from).ok()?;
    let to = from.join(to).ok()?;
    let is_as_safe = to.scheme() == from.scheme() || to.scheme() == "https";
    let has_nobody = to.username().is_empty() && to.password().is_none();
    (is_as_safe && has_nobody && is_allowed(&to)).then(|| to.into())
}

/// Encrypted, or on this machine or its network.
fn is_allowed(url: &Url) -> bool {
    url.scheme() == "https" || url.scheme() == "http" && is_near(url)
}

/// On this machine or its network, as far as the name or number says.
fn is_near(url: &Url) -> bool {
    let is_near_v4 = |ip: Ipv4Addr| ip.is_loopback() || ip.is_private() || ip.is_link_local();
    let is_near_v6 =
        |ip: Ipv6Addr| ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local();
    match url.host() {
        Some(Host::Ipv4(ip)) => is_near_v4(ip),
        Some(Host::Ipv6(ip)) => ip.to_ipv4_mapped().map_or(is_near_v6(ip), is_near_v4),
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            let endings = [".localhost", ".local", ".lan", ".home.arpa", ".internal"];
            !name.contains('.') || endings.iter().any(|ending| name.ends_with(ending))
        }
        None => false,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_people_write_it() {
        for (typed, address) in [
            (
                "https://files.tableslayer.com/",
                "https://files.tableslayer.com",
            ),
            (" files.example.com ", "https://files.example.com"),
            (
                "https://example.com:8443/my/bucket/",
                "https://example.com:8443/my/bucket",
            ),
            ("localhost:9000", "http://localhost:9000"),
            ("192.168.1.5:9000/b", "http://192.168.1.5:9000/b"),
            ("http://[::1]:9000", "http://[::1]:9000"),
            ("http://nas:9000", "http://nas:9000"),
            ("http://nas.local", "http://nas.local"),
        ] {
            let read = PictureAddress::parse(typed).unwrap();
            assert_eq!(read.as_str(), address, "{typed}");
            assert_eq!(PictureAddress::parse(address).unwrap(), read);
        }
        for wrong in [
            "",
            "a b",
            "ftp://h",
            "https://",
            "https://u:p@h",
            "https://h/?a=b",
            "https://h/#a",
            "file:///etc/passwd",
        ] {
            let read = PictureAddress::parse(wrong);
            assert_eq!(read, Err(PictureAddressError::NotAnAddress), "{wrong}");
        }
        for open in [
            "http://files.example.com",
            "http://8.8.8.8",
            "http://[2001:db8::1]",
        ] {
            let read = PictureAddress::parse(open);
            assert_eq!(read, Err(PictureAddressError::NotEncrypted), "{open}");
        }
        let long = format!("https://h/{}", "x".repeat(MOST_BYTES));
        assert!(PictureAddress::parse(&long).is_err());
    }

    #[test]
    fn table_slayers_own_rooms_say_where_their_pictures_are() {
        for server in [
            "https://partykit.tableslayer.com",
            "https://partykit.tableslayer.com/parties/game_session/g?party=p",
            "https://tableslayer.com",
        ] {
            let found = PictureAddress::of_server(server).unwrap();
            assert_eq!(found.as_str(), "https://files.tableslayer.com", "{server}");
        }
        for other in [
            "https://mytableslayer.com",
            "https://tableslayer.com.example.org",
            "http://127.0.0.1:1999",
            "",
        ] {
            assert_eq!(PictureAddress::of_server(other), None, "{other}");
        }
    }

    #[test]
    fn a_key_leads_below_the_address_and_nowhere_else() {
        let address = PictureAddress::parse("https://h.example/bucket").unwrap();
        for (key, url) in [
            ("map/a.jpg", "https://h.example/bucket/map/a.jpg"),
            ("/map/a.jpg", "https://h.example/bucket/map/a.jpg"),
            ("map/a.jpg?v=3", "https://h.example/bucket/map/a.jpg?v=3"),
            (
                "map/dark cave.png",
                "https://h.example/bucket/map/dark%20cave.png",
            ),
            (
                "map/Höhle%20.png",
                "https://h.example/bucket/map/H%C3%B6hle%20.png",
            ),
        ] {
            assert_eq!(address.url_of(key).as_deref(), Some(url), "{key}");
        }
        for wrong in [
            "",
            "../secret",
            "map/../../x",
            "map/%2e%2E/x",
            "//evil.example/x",
            "https://evil.example/x",
            "map\\..\\x",
            "a#b",
            "map/a\nb",
        ] {
            assert_eq!(address.url_of(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn redirections_never_leave_encryption_and_never_leave_the_network_open() {
        let to = |from, to| redirected(from, to);
        let moved = Some("https://cdn.example/a".to_owned());
        assert_eq!(to("https://h.example/x", "https://cdn.example/a"), moved);
        assert_eq!(to("http://127.0.0.1/x", "https://cdn.example/a"), moved);
        let beside = Some("https://h.example/a/c".to_owned());
        assert_eq!(to("https://h.example/a/b", "c"), beside);
        assert!(to("http://127.0.0.1/x", "http://192.168.1.2/y").is_some());
        for (from, wrong) in [
            ("https://h.example/x", "http://h.example/x"),
            ("https://h.example/x", "http://127.0.0.1/x"),
            ("http://127.0.0.1/x", "http://h.example/x"),
            ("https://h.example/x", "file:///etc/passwd"),
            ("https://h.example/x", "https://u:p@h.example/x"),
        ] {
            assert_eq!(redirected(from, wrong), None, "{wrong}");
        }
    }
}
