//! The listening socket: accepts connections, hands them to [`super::http`], ends them.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::ServerError;
use super::access::{Doors, Tokens};
use super::hook::Hook;
use super::host::Host;
use super::http::{self, Service};
use super::name::RoomName;
use super::seed::Seeds;
use super::store::RoomStore;
use super::tls::Tls;
use super::tries::Tries;
use crate::storage::blobs::Blobs;
use crate::util::clock::Clock;

/// Connections of all kinds at once.
const MOST_CONNECTIONS: usize = 4096;
/// Connections from one address of the network.
const MOST_PER_ADDRESS: usize = 64;
/// The head of a request has to arrive within this time.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// The longest head of a request.
const MOST_HEAD_BYTES: usize = 16 << 10;

/// What a server is to do.
#[derive(Debug)]
pub struct Config {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Whose rooms it serves.
    pub rooms_of: RoomsOf,
    /// Without tokens, for this machine only.
    pub open: bool,
    /// Rooms whose tokens are made at the start.
    pub rooms: Vec<RoomName>,
    /// What new rooms begin with.
    pub seeds: Seeds,
    /// Origins of pages that may connect.
    pub origins: Vec<String>,
    /// Names that this server has.
    pub host_names: Vec<String>,
    /// Parties whose rooms are plain JSON.
    pub text_parties: Vec<String>,
    /// Where documents are saved outside.
    pub hook: Option<Hook>,
    /// Connections that one room takes.
    pub most_connections: usize,
    /// The certificate; `None`: what goes over the network can be read on the way.
    pub tls: Option<Tls>,
}

impl Config {
    /// A server for programs on this machine, with tokens: it takes a free port, begins with nothing
    /// and lets in as many as sit at a table.
    #[must_use]
    pub fn on_loopback(rooms_of: RoomsOf) -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            rooms_of,
            open: false,
            rooms: Vec::new(),
            seeds: Seeds::default(),
            origins: Vec::new(),
            host_names: Vec::new(),
            text_parties: Vec::new(),
            hook: None,
            most_connections: 16,
            tls: None,
        }
    }
}

/// Whose rooms a server serves.
#[derive(Debug)]
pub enum RoomsOf {
    /// Its own, kept in this data folder.
    Folder(PathBuf),
    /// Those that somebody in this process offers: see [`Host::offer`].
    Owner {
        /// The folder that the tokens are kept in.
        tokens: PathBuf,
        /// The pictures that guests may fetch.
        blobs: Blobs,
    },
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    tokens: Option<Arc<Tokens>>,
    host: Arc<Host>,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

impl Server {
    /// Opens the data folder and listens. Inside a tokio runtime.
    ///
    /// # Errors
    /// When the address or the data folder cannot be had.
    pub async fn start(config: Config, clock: Arc<dyn Clock>) -> Result<Self, ServerError> {
        if config.open && !config.listen.ip().is_loopback() {
            return Err(ServerError::OpenToAll);
        }
        let failed = |error: std::io::Error| ServerError::Listen {
            address: config.listen.to_string(),
            detail: error.to_string(),
        };
        // The folder first: its lock tells two servers of one folder apart before either is heard.
        let (folder, host) = match config.rooms_of {
            RoomsOf::Folder(folder) => {
                let store = RoomStore::open(&folder, Arc::clone(&clock))?;
                let host = Host::new(store, config.seeds, config.hook, clock);
                (folder, host)
            }
            RoomsOf::Owner { tokens, blobs } => {
                let cuts = tokens.join("cuts");
                (tokens, Host::without_store(blobs, cuts, clock))
            }
        };
        let tokens = if config.open {
            None
        } else {
            let tokens = Tokens::open(&folder)?;
            for room in &config.rooms {
                tokens.of_room(room)?;
            }
            Some(Arc::new(tokens))
        };
        let listener = TcpListener::bind(config.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let router = http::router(Service {
            host: Arc::clone(&host),
            tokens: tokens.clone(),
            tries: Tries::default(),
            doors: Doors {
                origins: config.origins,
                host_names: config.host_names,
                loopback_only: address.ip().is_loopback(),
            },
            text_parties: config.text_parties,
            most_connections: config.most_connections,
        });
        let (stop, stopped) = watch::channel(false);
        let accepting = tokio::spawn(accept(listener, config.tls, router, stopped));
        Ok(Self {
            address,
            tokens,
            host,
            stop,
            accepting,
        })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The tokens, to give rooms theirs; `None` when it is open.
    #[must_use]
    pub const fn tokens(&self) -> Option<&Arc<Tokens>> {
        self.tokens.as_ref()
    }

    /// The rooms.
    #[must_use]
    pub const fn host(&self) -> &Arc<Host> {
        &self.host
    }

    /// Takes no more connections, sends everybody away, saves everything.
    ///
    /// # Errors
    /// When something could not be saved.
    pub async fn stop(self) -> Result<(), ServerError> {
        self.stop.send_replace(true);
        // It only ends early when it failed, and then there is nothing to wait for.
        drop(self.accepting.await);
        self.host.stop().await
    }
}

async fn accept(
    listener: TcpListener,
    tls: Option<Tls>,
    router: Router,
    mut stopped: watch::Receiver<bool>,
) {
    let free = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let addresses = Arc::new(Addresses::default());
    loop {
        let Ok(permit) = Arc::clone(&free).acquire_owned().await else {
            return;
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.wait_for(|stop| *stop) => return,
        };
        match accepted {
            Ok((stream, from)) => {
                if let Some(place) = addresses.take(from.ip()) {
                    let router = router.clone();
                    let seat = Seat(Arc::new((permit, place)));
                    tokio::spawn(connection(stream, tls.clone(), from.ip(), router, seat));
                }
            }
            Err(error) => {
                // Too many open files, say: it passes when somebody leaves.
                tracing::warn!(target: "server", %error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, tls: Option<Tls>, from: IpAddr, router: Router, seat: Seat) {
    // Small messages have to leave at once.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(target: "server", %error, "a socket goes on without TCP_NODELAY");
    }
    let Some(tls) = tls else {
        return speak(stream, from, router, seat).await;
    };
    match timeout(HANDSHAKE, tls.acceptor().accept(stream)).await {
        Ok(Ok(stream)) => speak(stream, from, router, seat).await,
        Ok(Err(error)) => tracing::debug!(target: "server", %error, "no TLS came about"),
        Err(_) => tracing::debug!(target: "server", "a TLS handshake took too long"),
    }
}

/// Speaks HTTP with a peer, and whatever that is upgraded to.
async fn speak<S>(stream: S, from: IpAddr, router: Router, seat: Seat)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = tower::service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(http::From(from));
        request.extensions_mut().insert(seat.clone());
        tower::ServiceExt::oneshot(router.clone(), request)
    });
    let mut server = hyper::server::conn::http1::Builder::new();
    server
        .timer(TokioTimer::new())
        .header_read_timeout(HANDSHAKE)
        .max_buf_size(MOST_HEAD_BYTES)
        .max_headers(64);
    let served = server
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
        .with_upgrades()
        .await;
    if let Err(error) = served {
        tracing::debug!(target: "server", %error, "a connection ended");
    }
}

/// How many connections each address has.
#[derive(Debug, Default)]
struct Addresses(Mutex<HashMap<IpAddr, usize>>);

impl Addresses {
    fn take(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        // Many people may be on this machine: tests, a proxy.
        if !address.is_loopback() {
            let mut counts = self.0.lock();
            let count = counts.entry(address).or_default();
            if *count >= MOST_PER_ADDRESS {
                return None;
            }
            *count += 1;
        }
        Some(Place {
            address,
            of: Arc::clone(self),
        })
    }
}

/// Held by whatever a connection has become; the connection counts as long as anybody holds it.
#[derive(Debug, Clone)]
pub struct Seat(
    #[expect(dead_code, reason = "held for its end")] Arc<(OwnedSemaphorePermit, Place)>,
);

/// An address's place for one connection.
#[derive(Debug)]
struct Place {
    address: IpAddr,
    of: Arc<Addresses>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.of.0.lock();
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_has_so_many_places_and_gets_them_back() {
        let addresses = Arc::new(Addresses::default());
        let guest = IpAddr::from([192, 168, 1, 7]);
        let taken: Vec<_> = (0..100).filter_map(|_| addresses.take(guest)).collect();
        assert_eq!(taken.len(), MOST_PER_ADDRESS);
        drop(taken);
        assert!(addresses.take(guest).is_some());
        assert!(addresses.0.lock().is_empty());
        let here = IpAddr::from([127, 0, 0, 1]);
        let all: Vec<_> = (0..1000).filter_map(|_| addresses.take(here)).collect();
        assert_eq!(all.len(), 1000);
    }
}
