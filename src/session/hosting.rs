//! The room server inside the app: "host this game".
//!
//! Runs on the network's threads; the session thread only asks for it and is told. Must not know
//! documents: rooms are offered by whoever owns the documents, over [`crate::sync::memory`]. Called by
//! [`super::workspace`].

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use tokio::runtime::Handle;

use crate::scene::picture::PictureIndex;
use crate::server::ServerError;
use crate::server::access::RoomTokens;
use crate::server::code;
use crate::server::host::Host;
use crate::server::listener::{Config, RoomsOf, Server};
use crate::server::name::RoomName;
use crate::storage::blobs::Blobs;
use crate::sync::link::{Transport, Wake};
use crate::sync::memory::{MemoryTransport, Weather, pair};
use crate::util::clock::Clock;

use super::discovery::network::{Announcement, announce};
use super::room::Scope;

/// Connections that one hosted room takes.
const MOST_CONNECTIONS: usize = 64;

/// A running embedded server. Dropping it sends everybody away.
#[derive(Debug)]
pub struct Running {
    server: Option<Server>,
    /// Tells the network of it, where that is wanted and works.
    announcement: Option<Announcement>,
    handle: Handle,
}

/// What is asked for.
pub struct Asked {
    /// Who can reach it.
    pub scope: Scope,
    /// The port; 0 takes a free one.
    pub port: u16,
    /// Taken instead of any free one, if it is free: guests of the last time look there.
    pub last_port: Option<u16>,
    /// Where the codes are kept.
    pub codes: PathBuf,
    /// The pictures that guests may fetch.
    pub blobs: Blobs,
    /// Their names in documents.
    pub pictures: Arc<dyn PictureIndex>,
}

/// Starts a server; `done` is called on another thread.
pub fn start(
    handle: &Handle,
    asked: Asked,
    clock: Arc<dyn Clock>,
    done: impl FnOnce(Result<Running, String>) + Send + 'static,
) {
    let own = handle.clone();
    handle.spawn(async move {
        let is_for_all = asked.scope == Scope::Network;
        let started = open(asked, clock).await;
        done(started.map(|server| Running {
            announcement: is_for_all.then(|| announced(&server)).flatten(),
            server: Some(server),
            handle: own,
        }));
    });
}

async fn open(asked: Asked, clock: Arc<dyn Clock>) -> Result<Server, String> {
    std::fs::create_dir_all(&asked.codes).map_err(|error| {
        format!(
            "the folder {} cannot be made ({error}), so the game is not hosted; free some space or check its permissions and try again",
            asked.codes.display()
        )
    })?;
    let ip = match asked.scope {
        Scope::ThisMachine => Ipv4Addr::LOCALHOST,
        Scope::Network => Ipv4Addr::UNSPECIFIED,
    };
    let config = |port: u16| Config {
        listen: SocketAddr::from((ip, port)),
        most_connections: MOST_CONNECTIONS,
        ..Config::on_loopback(RoomsOf::Owner {
            tokens: asked.codes.clone(),
            blobs: asked.blobs.clone(),
        })
    };
    let last = asked.last_port.filter(|_| asked.port == 0);
    let at_last = match last {
        Some(port) => Server::start(config(port), Arc::clone(&clock)).await.ok(),
        None => None,
    };
    let server = match at_last {
        Some(server) => server,
        None => Server::start(config(asked.port), clock)
            .await
            .map_err(|error| error.to_string())?,
    };
    server.host().know_pictures(asked.pictures);
    Ok(server)
}

/// Without it guests type the address.
fn announced(server: &Server) -> Option<Announcement> {
    announce("", server.address())
        .inspect_err(|error| tracing::warn!(target: "session", %error, "hosting"))
        .ok()
}

impl Running {
    /// Where others reach it: on this machine, or each address of this machine on its networks.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        let Some(server) = &self.server else {
            return Vec::new();
        };
        let at = server.address();
        if at.ip().is_loopback() {
            return vec![at];
        }
        let mut found: Vec<IpAddr> = if_addrs::get_if_addrs()
            .unwrap_or_default()
            .into_iter()
            .map(|interface| interface.ip())
            .filter(|ip| !ip.is_loopback() && ip.is_ipv4())
            .collect();
        // What home networks use comes first; virtual ones of containers are likelier among 172.16.
        found.sort_by_key(|ip| match ip {
            IpAddr::V4(v4) => match v4.octets() {
                [192, 168, ..] => 0,
                [10, ..] => 1,
                [172, ..] => 2,
                [169, 254, ..] => 4,
                _ => 3,
            },
            IpAddr::V6(_) => 5,
        });
        found.dedup();
        found
            .into_iter()
            .map(|ip| SocketAddr::new(ip, at.port()))
            .collect()
    }

    /// The port that it listens on.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        Some(self.server.as_ref()?.address().port())
    }

    /// What guests are told as the title.
    pub fn set_title(&self, title: &str) {
        if let Some(server) = &self.server {
            server.host().set_title(title);
        }
        if let Some(Err(error)) = self.announcement.as_ref().map(|it| it.set_title(title)) {
            tracing::warn!(target: "session", %error, "hosting");
        }
    }

    /// It is told on the network.
    #[must_use]
    pub const fn is_announced(&self) -> bool {
        self.announcement.is_some()
    }

    /// The codes of a party: those that it had the last time, else new ones.
    ///
    /// # Errors
    /// When they cannot be read or kept.
    pub fn codes(&self, table: &RoomName) -> Result<RoomTokens, ServerError> {
        let Some(tokens) = self.server.as_ref().and_then(Server::tokens) else {
            return Ok(RoomTokens::default());
        };
        let kept = tokens.of_room(table)?;
        if code::is_code(&kept.dm) {
            return Ok(kept);
        }
        let short = RoomTokens::short();
        tokens.grant(table, short.clone())?;
        Ok(short)
    }

    /// Lets these codes into a room.
    ///
    /// # Errors
    /// When they cannot be kept.
    pub fn admit(&self, name: &RoomName, codes: &RoomTokens) -> Result<(), ServerError> {
        match self.server.as_ref().and_then(Server::tokens) {
            Some(tokens) => tokens.grant(name, codes.clone()),
            None => Ok(()),
        }
    }

    /// Whether every room of the game has its way here: see [`Host::set_settled`].
    pub fn set_settled(&self, is_settled: bool) {
        if let Some(server) = &self.server {
            server.host().set_settled(is_settled);
        }
    }

    /// The owner's way into a room of this server. `document` is its whole document as one update,
    /// which the room begins with.
    #[must_use]
    pub fn transport(
        &self,
        name: &RoomName,
        document: Vec<u8>,
        clock: &Arc<dyn Clock>,
        wake: &Wake,
    ) -> Option<Box<dyn Transport>> {
        let host: Arc<Host> = Arc::clone(self.server.as_ref()?.host());
        host.expect(name);
        let (name, handle, clock) = (name.clone(), self.handle.clone(), Arc::clone(clock));
        // A later connection begins with the same document; the exchange brings what came since.
        let dial = move || {
            let (ours, theirs) = pair(&clock, Weather::default());
            let (host, name, document) = (Arc::clone(&host), name.clone(), document.clone());
            handle.spawn(async move {
                if host.offer(&name, document, theirs).await.is_err() {
                    // The way there closes with it and is tried again.
                    tracing::warn!(target: "session", %name, "a room could not be offered");
                }
            });
            Ok(ours)
        };
        Some(Box::new(MemoryTransport::new(
            Box::new(dial),
            Arc::clone(wake),
        )))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(announcement) = self.announcement.take() {
            // Its farewell takes a while.
            self.handle.spawn_blocking(move || drop(announcement));
        }
        if let Some(server) = self.server.take() {
            self.handle.spawn(async move {
                if let Err(error) = server.stop().await {
                    tracing::warn!(target: "session", %error, "hosting ended badly");
                }
            });
        }
    }
}
