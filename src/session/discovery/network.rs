//! Games on this network: one that is hosted here is announced by mDNS, those of others are listed.
//!
//! What is announced is a title, a port and this program's version of the wire: no game's id and no
//! code; whoever finds a game still needs one. Works without any server, and where the network
//! carries no multicast it finds nothing and says nothing. All of it runs on threads of its own.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use mdns_sd::{
    IfKind, MDNS_PORT, Receiver, RecvTimeoutError, ResolvedService, ServiceDaemon, ServiceEvent,
    ServiceInfo,
};

use crate::server::http::KIND_VALUE;

/// The kind of service.
const SERVICE: &str = "_tableglow._tcp.local.";
/// The longest title that is announced, in bytes: a record's text has 255.
const MOST_TITLE_BYTES: usize = 200;
/// The longest title that is shown, in characters.
const MOST_TITLE_CHARS: usize = 80;
/// Games that are listed.
const MOST_GAMES: usize = 100;
/// Addresses of one game.
const MOST_ADDRESSES: usize = 16;
/// How long the end of hosting waits for its farewell to be sent.
const FAREWELL: Duration = Duration::from_millis(300);
/// How often a thread looks whether it is still wanted.
const STEP: Duration = Duration::from_millis(250);

/// This process among those on the network.
static OWN_NAME: LazyLock<String> =
    LazyLock::new(|| format!("tableglow-{:016x}", rand::random::<u64>()));

/// A game that somebody hosts on this network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkGame {
    /// What the host calls it; strangers choose it.
    pub title: String,
    /// Where it is, the likeliest address first; at least one.
    pub addresses: Vec<SocketAddr>,
    /// Its wire is another version's: joining may fail.
    pub is_other_version: bool,
}

/// Discovery does not work on this machine.
#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "games on this network cannot be found or shown ({0}); joining by address and code works all \
     the same"
)]
pub struct NoDiscovery(String);

impl From<mdns_sd::Error> for NoDiscovery {
    fn from(error: mdns_sd::Error) -> Self {
        Self(error.to_string())
    }
}

/// A hosted game that is announced; dropping it says farewell.
pub struct Announcement {
    daemon: ServiceDaemon,
    place: Place,
}

/// Where and as what something is announced.
#[derive(Debug, Clone)]
struct Place {
    name: String,
    address: SocketAddr,
}

impl std::fmt::Debug for Announcement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Announcement")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

/// Announces a server that listens at `address`: on every network of this machine when that is the
/// unspecified address, of its own family only.
///
/// # Errors
/// When the system gives no thread or socket for it.
pub fn announce(title: &str, address: SocketAddr) -> Result<Announcement, NoDiscovery> {
    let place = Place {
        name: OWN_NAME.clone(),
        address,
    };
    Announcement::start(ServiceDaemon::new()?, place, title)
}

impl Announcement {
    fn start(daemon: ServiceDaemon, place: Place, title: &str) -> Result<Self, NoDiscovery> {
        let announcement = Self { daemon, place };
        announcement.set_title(title)?;
        Ok(announcement)
    }

    /// Announces another title.
    ///
    /// # Errors
    /// When the announcing thread has ended or is busy.
    pub fn set_title(&self, title: &str) -> Result<(), NoDiscovery> {
        Ok(self.daemon.register(self.place.service(title)?)?)
    }
}

impl Drop for Announcement {
    fn drop(&mut self) {
        // Its cleaning up tells the others.
        if let Ok(done) = self.daemon.shutdown() {
            let _ = done.recv_timeout(FAREWELL);
        }
    }
}

impl Place {
    fn service(&self, title: &str) -> Result<ServiceInfo, NoDiscovery> {
        let title = plain(title, MOST_TITLE_CHARS, MOST_TITLE_BYTES);
        let properties = [("title", &*title), ("v", KIND_VALUE)];
        let host = format!("{}.local.", self.name);
        let ip = self.address.ip();
        let port = self.address.port();
        let service = if ip.is_unspecified() {
            ServiceInfo::new(SERVICE, &self.name, &host, "", port, &properties[..])?
                .enable_addr_auto()
        } else {
            ServiceInfo::new(SERVICE, &self.name, &host, ip, port, &properties[..])?
        };
        let mut service = service;
        service.set_interfaces(vec![if ip.is_ipv4() {
            IfKind::IPv4
        } else {
            IfKind::All
        }]);
        Ok(service)
    }
}

/// Looks for games of others, until it is dropped.
pub struct Browser {
    daemon: ServiceDaemon,
    is_over: Arc<AtomicBool>,
}

impl std::fmt::Debug for Browser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Browser").finish_non_exhaustive()
    }
}

/// Looks for games of others. `found` gets the whole list each time it changes, on a thread of its
/// own; must be quick.
///
/// # Errors
/// When the system gives no thread or socket for it.
pub fn browse(found: impl Fn(Vec<NetworkGame>) + Send + 'static) -> Result<Browser, NoDiscovery> {
    Browser::start(
        ServiceDaemon::new_with_port(MDNS_PORT)?,
        OWN_NAME.clone(),
        found,
    )
}

impl Browser {
    fn start(
        daemon: ServiceDaemon,
        own: String,
        found: impl Fn(Vec<NetworkGame>) + Send + 'static,
    ) -> Result<Self, NoDiscovery> {
        let events = daemon.browse(SERVICE)?;
        let is_over = Arc::new(AtomicBool::new(false));
        let browser = Self {
            daemon,
            is_over: Arc::clone(&is_over),
        };
        std::thread::Builder::new()
            .name("discovery".into())
            .spawn(move || listen(&events, &is_over, &own, &found))
            .map_err(|error| NoDiscovery(error.to_string()))?;
        Ok(browser)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Release);
        // Nobody has to wait for it.
        drop(self.daemon.shutdown());
    }
}

fn listen(
    events: &Receiver<ServiceEvent>,
    is_over: &AtomicBool,
    own: &str,
    found: &dyn Fn(Vec<NetworkGame>),
) {
    let mut games = Games::default();
    loop {
        let event = match events.recv_timeout(STEP) {
            Ok(event) => Some(event),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        if is_over.load(Ordering::Acquire) {
            return;
        }
        let has_changed = match event {
            Some(ServiceEvent::ServiceResolved(service)) => games.add(&service, own),
            Some(ServiceEvent::ServiceRemoved(_, name)) => games.remove(&name),
            _ => false,
        };
        if has_changed {
            found(games.list());
        }
    }
}

/// What was found, by its name on the network.
#[derive(Debug, Default)]
struct Games(BTreeMap<String, NetworkGame>);

impl Games {
    /// Adds or changes one; false when that makes no difference.
    fn add(&mut self, service: &ResolvedService, own: &str) -> bool {
        let name = service.get_fullname();
        let is_own = name.split('.').next() == Some(own);
        let is_full = self.0.len() >= MOST_GAMES && !self.0.contains_key(name);
        if is_own || is_full {
            return false;
        }
        let addresses = service.get_addresses().iter();
        let addresses = likeliest_first(addresses.map(mdns_sd::ScopedIp::to_ip_addr));
        if addresses.is_empty() {
            return false;
        }
        let port = service.get_port();
        let title = service.get_property_val_str("title").unwrap_or_default();
        let game = NetworkGame {
            title: plain(title, MOST_TITLE_CHARS, usize::MAX),
            addresses: addresses
                .into_iter()
                .map(|ip| SocketAddr::new(ip, port))
                .collect(),
            is_other_version: service.get_property_val_str("v") != Some(KIND_VALUE),
        };
        self.0.insert(name.to_owned(), game.clone()) != Some(game)
    }

    fn remove(&mut self, name: &str) -> bool {
        self.0.remove(name).is_some()
    }

    fn list(&self) -> Vec<NetworkGame> {
        let mut list: Vec<_> = self.0.values().cloned().collect();
        list.sort_by_cached_key(|game| {
            (game.title.to_lowercase(), game.addresses.first().copied())
        });
        list
    }
}

/// Addresses that others can use: those of home networks first, this machine's own last. An IPv6
/// address that only means something together with an interface is none.
fn likeliest_first(addresses: impl Iterator<Item = IpAddr>) -> Vec<IpAddr> {
    let rank = |ip: &IpAddr| match ip {
        ip if ip.is_loopback() => 4,
        IpAddr::V4(ip) if ip.is_link_local() => 3,
        IpAddr::V4(ip) if ip.is_private() => 0,
        IpAddr::V4(_) => 1,
        IpAddr::V6(_) => 2,
    };
    let is_usable = |ip: &IpAddr| match ip {
        IpAddr::V4(ip) => !ip.is_unspecified() && !ip.is_multicast() && !ip.is_broadcast(),
        IpAddr::V6(ip) => !ip.is_unicast_link_local() && !ip.is_unspecified() && !ip.is_multicast(),
    };
    let mut usable: Vec<_> = addresses.filter(is_usable).collect();
    usable.sort_by_key(|ip| (rank(ip), *ip));
    usable.dedup();
    usable.truncate(MOST_ADDRESSES);
    usable
}

/// A text of strangers, on one line and not too long.
fn plain(text: &str, most_chars: usize, most_bytes: usize) -> String {
    let mut plain = String::new();
    for c in text
        .trim()
        .chars()
        .filter(|c| !c.is_control())
        .take(most_chars)
    {
        if plain.len() + c.len_utf8() > most_bytes {
            break;
        }
        plain.push(c);
    }
    plain
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::process::{Command, Stdio};
    use std::time::Instant;

    use parking_lot::Mutex;

    use super::*;

    fn place(name: &str, port: u16) -> Place {
        Place {
            name: name.to_owned(),
            address: SocketAddr::from(([0, 0, 0, 0], port)),
        }
    }

    /// What a neighbour hears of a service.
    fn heard(place: &Place, title: &str, addresses: &str) -> ResolvedService {
        let properties = [("title", title), ("v", KIND_VALUE)];
        let host = format!("{}.local.", place.name);
        let port = place.address.port();
        ServiceInfo::new(
            SERVICE,
            &place.name,
            &host,
            addresses,
            port,
            &properties[..],
        )
        .unwrap()
        .as_resolved_service()
    }

    #[test]
    fn an_announcement_holds_a_title_and_nothing_secret() {
        let title = format!("Mira's\ntable {}", "ü".repeat(500));
        let service = place("tableglow-1", 1999).service(&title).unwrap();
        assert_eq!(service.get_fullname(), "tableglow-1._tableglow._tcp.local.");
        assert_eq!(service.get_port(), 1999);
        let shown = service.get_property_val_str("title").unwrap();
        assert!(shown.starts_with("Mira'stable üü") && shown.len() <= MOST_TITLE_BYTES);
        assert_eq!(service.get_property_val_str("v"), Some(KIND_VALUE));
        assert_eq!(service.get_properties().len(), 2);
    }

    #[test]
    fn the_list_holds_other_peoples_games_with_their_addresses_in_order() {
        let mut games = Games::default();
        let all = "fe80::1,127.0.0.1,2001:db8::7,169.254.1.1,203.0.113.5,192.168.1.5,10.0.0.2";
        assert!(games.add(&heard(&place("b", 7), "zebra", all), "own"));
        assert!(!games.add(&heard(&place("b", 7), "zebra", all), "own"));
        assert!(games.add(&heard(&place("a", 8), "Apple\u{1b}[2J", "10.0.0.1"), "own"));
        assert!(!games.add(&heard(&place("own", 9), "mine", "10.0.0.1"), "own"));
        assert!(!games.add(&heard(&place("c", 9), "nowhere", "fe80::1"), "own"));
        let list = games.list();
        let titles: Vec<_> = list.iter().map(|game| &*game.title).collect();
        assert_eq!(titles, ["Apple[2J", "zebra"]);
        let addresses: Vec<_> = list[1].addresses.iter().map(ToString::to_string).collect();
        assert_eq!(
            addresses,
            [
                "10.0.0.2:7",
                "192.168.1.5:7",
                "203.0.113.5:7",
                "[2001:db8::7]:7",
                "169.254.1.1:7",
                "127.0.0.1:7",
            ]
        );
        for n in 0..500 {
            games.add(&heard(&place(&format!("n{n}"), 1), "x", "10.0.0.3"), "own");
        }
        assert_eq!(games.list().len(), MOST_GAMES);
        assert!(games.remove("a._tableglow._tcp.local."));
        assert!(!games.remove("a._tableglow._tcp.local."));
    }

    type Found = Arc<Mutex<Vec<NetworkGame>>>;

    fn browse_at(port: u16) -> (Browser, Found) {
        let found = Found::default();
        let heard = Arc::clone(&found);
        let daemon = ServiceDaemon::new_with_port(port).unwrap();
        let browser = Browser::start(daemon, "nobody".into(), move |games| *heard.lock() = games);
        (browser.unwrap(), found)
    }

    fn wait_for(is_so: impl Fn() -> bool, at_most: Duration) -> bool {
        let until = Instant::now() + at_most;
        while !is_so() {
            if Instant::now() > until {
                return false;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        true
    }

    /// Where multicast works it is found and goes; where it does not, it is quiet and ends all the
    /// same.
    #[test]
    fn a_game_comes_and_goes_or_nothing_happens_at_all() {
        // A port of its own: the system's own discovery stays out of it.
        let port = 20_000 + rand::random::<u16>() % 20_000;
        let (browser, found) = browse_at(port);
        let daemon = ServiceDaemon::new_with_port(port).unwrap();
        let hosted = Announcement::start(daemon, place("host", 4321), "Mira's table").unwrap();
        if wait_for(|| !found.lock().is_empty(), Duration::from_secs(3)) {
            let game = found.lock().first().cloned().unwrap();
            assert_eq!(game.title, "Mira's table");
            assert!(game.addresses.iter().all(|address| address.port() == 4321));
            assert!(!game.is_other_version);
        }
        hosted.set_title("Another evening").unwrap();
        drop(hosted);
        let over = Arc::downgrade(&browser.is_over);
        drop(browser);
        let ended = wait_for(|| over.upgrade().is_none(), Duration::from_secs(20));
        assert!(ended, "its thread lives on");
    }

    #[test]
    #[ignore = "by hand: announces for twenty seconds, for the test below"]
    fn announces_for_a_while() {
        let address = SocketAddr::from(([0, 0, 0, 0], 4321));
        let hosted = announce("Mira's table", address).unwrap();
        std::thread::sleep(Duration::from_secs(20));
        drop(hosted);
    }

    #[test]
    #[ignore = "by hand: needs a network that carries multicast"]
    fn two_processes_find_each_other() {
        let found = Found::default();
        let heard = Arc::clone(&found);
        let browser = browse(move |games| *heard.lock() = games).unwrap();
        let mut other = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact"])
            .arg("session::discovery::network::tests::announces_for_a_while")
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let begin = Instant::now();
        let is_ours = || found.lock().iter().any(|game| game.title == "Mira's table");
        assert!(
            wait_for(is_ours, Duration::from_secs(15)),
            "it is not found"
        );
        let games = found.lock().clone();
        let addresses: Vec<_> = games.iter().map(|game| game.addresses.clone()).collect();
        tracing::info!(?addresses, after = ?begin.elapsed(), "found");
        other.wait().unwrap();
        assert!(
            wait_for(|| !is_ours(), Duration::from_secs(10)),
            "it stays listed"
        );
        drop(browser);
    }
}
