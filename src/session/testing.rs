//! A room server on loopback for this room's tests.

use std::sync::Arc;

use crate::server::access::Tokens;
use crate::server::listener::{Config, RoomsOf, Server};
use crate::util::clock::{Clock, SystemClock};

/// A running server with a folder of its own.
pub(super) struct Serving {
    server: Option<Server>,
    runtime: tokio::runtime::Runtime,
    _folder: tempfile::TempDir,
}

impl Serving {
    pub(super) fn start() -> Self {
        Self::start_with(Arc::new(SystemClock::default()))
    }

    pub(super) fn start_with(clock: Arc<dyn Clock>) -> Self {
        Self::start_as(clock, false)
    }

    /// A server that asks nobody for a code.
    pub(super) fn start_open() -> Self {
        Self::start_as(Arc::new(SystemClock::default()), true)
    }

    fn start_as(clock: Arc<dyn Clock>, open: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let config = Config {
            open,
            ..Config::on_loopback(RoomsOf::Folder(folder.path().to_owned()))
        };
        let server = runtime.block_on(Server::start(config, clock)).unwrap();
        Self {
            server: Some(server),
            runtime,
            _folder: folder,
        }
    }

    pub(super) fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    pub(super) fn tokens(&self) -> &Tokens {
        self.server().tokens().unwrap()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            self.runtime.block_on(server.stop()).unwrap();
        }
    }
}
