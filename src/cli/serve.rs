//! `tableglow serve`: the room server, until it is told to stop.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use tokio::sync::watch;

use crate::server::access::Tokens;
use crate::server::hook::Hook;
use crate::server::listener::{Config, RoomsOf, Server};
use crate::server::name::RoomName;
use crate::server::seed::Seeds;
use crate::server::tls::Tls;
use crate::storage::error::StorageError;
use crate::util::clock::SystemClock;

use super::{print_json, tell};

/// Where the save hook's secret is read from: an argument could be read by everybody on the machine.
const HOOK_SECRET: &str = "TABLEGLOW_SAVE_AUTHORIZATION";

/// Serves rooms to several people, on this machine or on the network.
///
/// Rooms are at ws://ADDRESS/parties/PARTY/ROOM and are made when somebody with the right token first
/// asks for them. Each room has a token for each role; they are in tokens.json in the data folder.
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Where to listen; port 0 takes a free one. 0.0.0.0:1999 serves the network.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:1999")]
    listen: SocketAddr,

    /// The folder that rooms, pictures and tokens are kept in; by default one in your data folder.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// Let everybody in without a token; on this machine only.
    #[arg(long)]
    open: bool,

    /// Make this room's tokens now; may be given several times.
    #[arg(long, value_name = "PARTY/ROOM")]
    room: Vec<RoomName>,

    /// Write a room's tokens to stdout as JSON and end; a running server knows them at once. Given
    /// several times, as for a game and its party, the same tokens open all of these rooms.
    #[arg(long, value_name = "PARTY/ROOM", conflicts_with = "open")]
    invite: Vec<RoomName>,

    /// What a room begins with when nothing was ever stored of it: a Yjs update (raw or base64) or
    /// plain text; may be given several times.
    #[arg(long, value_name = "PARTY/ROOM=FILE", value_parser = seed)]
    seed: Vec<(RoomName, PathBuf)>,

    /// A party whose rooms are plain JSON: nothing binary is sent before the peer does.
    #[arg(long, value_name = "PARTY")]
    text_party: Vec<String>,

    /// Web pages of this origin may connect, for example <https://play.example.org>.
    #[arg(long, value_name = "ORIGIN")]
    allow_origin: Vec<String>,

    /// A name that this server has besides its addresses, for example table.example.org.
    #[arg(long, value_name = "NAME")]
    host_name: Vec<String>,

    /// PUT each changed document there too; {party} and {room} stand for the room's name. The value
    /// of TABLEGLOW_SAVE_AUTHORIZATION goes along as the Authorization header.
    #[arg(long, value_name = "URL")]
    save_url: Option<String>,

    /// A certificate (PEM, with those that vouch for it), so that nobody on the network reads along.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,

    /// The certificate's private key (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,

    /// Connections that one room takes.
    #[arg(long, value_name = "N", default_value_t = 256)]
    room_connections: usize,
}

impl Serve {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let data = match &self.data {
            Some(folder) => folder.clone(),
            None => default_folder()?,
        };
        if let Some((room, more)) = self.invite.split_first() {
            return invite(&data, room, more);
        }
        let seeds: Vec<_> = self
            .seed
            .iter()
            .map(|(room, file)| (room.clone(), file.as_path()))
            .collect();
        let hook = self
            .save_url
            .map(|url| Hook::new(&url, std::env::var(HOOK_SECRET).ok()))
            .transpose()?;
        let config = Config {
            listen: self.listen,
            rooms_of: RoomsOf::Folder(data),
            open: self.open,
            rooms: self.room,
            seeds: Seeds::read(&seeds)?,
            origins: self.allow_origin,
            host_names: self.host_name,
            text_parties: self.text_party,
            hook,
            most_connections: self.room_connections,
            tls: (self.tls_cert.zip(self.tls_key))
                .map(|(chain, key)| Tls::read(&chain, &key))
                .transpose()?,
        };
        #[cfg(unix)]
        take_all_sockets();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads())
            .enable_all()
            .thread_name("server")
            .build()
            .context("the server could not start its threads")?;
        runtime.block_on(serve(config))
    }
}

/// How many threads carry the rooms. They wake each other for every message that goes from one to
/// another, which costs as much as the message: as few as will do. Fifty people use a tenth of one.
fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().div_ceil(4))
}

async fn serve(config: Config) -> anyhow::Result<()> {
    // Before anything can be served: a signal in between must not end the process half-way.
    let stop = stop_signal()?;
    let scheme = if config.tls.is_some() {
        "https"
    } else {
        "http"
    };
    let is_read_along = config.tls.is_none() && !config.listen.ip().is_loopback();
    let server = Server::start(config, Arc::new(SystemClock::default())).await?;
    let address = server.address();
    let access = match server.tokens() {
        Some(tokens) => format!("tokens in {}", tokens.path().display()),
        None => "open to everybody on this machine, no tokens".to_owned(),
    };
    tell(&format!("serving {scheme}://{address} ({access})"));
    if is_read_along {
        tell(
            "the network reads along: without TLS (--tls-cert and --tls-key, or a proxy in front of \
             this server) tokens and scenes travel in the clear",
        );
    }
    tokio::select! {
        () = stop => {}
        () = tell_of_trouble(server.host().trouble()) => {}
    }
    tell("stopping: everything is being saved");
    server.stop().await?;
    Ok(())
}

/// Raises the number of files that this process may open to what the system allows at most: many
/// give a thousand unless they are asked.
#[cfg(unix)]
fn take_all_sockets() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    // Without it fewer people come in, and those who do not are told.
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::debug!(target: "server", %error, "the limit of open files stays");
    }
}

/// Says when rooms cannot be saved, and when they are again; for ever.
async fn tell_of_trouble(trouble: Option<watch::Receiver<Option<StorageError>>>) {
    if let Some(mut trouble) = trouble {
        while trouble.changed().await.is_ok() {
            let error = trouble.borrow_and_update().clone();
            match error {
                Some(error) => tell(&format!(
                    "rooms cannot be saved at the moment: {error}; until then changes are kept in \
                     memory and nobody is told that they are safe"
                )),
                None => tell("rooms are saved again, with everything that had to wait"),
            }
        }
    }
    std::future::pending().await
}

/// Resolves at the first signal to stop.
#[cfg(unix)]
fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let sentence = "the server could not ask for the system's signals";
    let mut interrupt = signal(SignalKind::interrupt()).context(sentence)?;
    let mut terminate = signal(SignalKind::terminate()).context(sentence)?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Resolves at the first signal to stop.
#[cfg(not(unix))]
fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()
        .context("the server could not ask for the system's signals")?;
    let mut close = tokio::signal::windows::ctrl_close()
        .context("the server could not ask for the system's signals")?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = close.recv() => {}
        }
    })
}

/// Tokens are written to stdout here because they were asked for; a log never has them.
fn invite(data: &Path, room: &RoomName, more: &[RoomName]) -> anyhow::Result<()> {
    std::fs::create_dir_all(data).with_context(|| format!("{} cannot be made", data.display()))?;
    let known = Tokens::open(data)?;
    let tokens = known.of_room(room)?;
    for other in more {
        known.grant(other, tokens.clone())?;
    }
    let mut told = serde_json::json!({"room": room.to_string(), "tokens": tokens});
    if let Some(told) = told.as_object_mut().filter(|_| !more.is_empty()) {
        let more: Vec<String> = more.iter().map(ToString::to_string).collect();
        told.insert("alsoFor".to_owned(), more.into());
    }
    print_json(&told)
}

fn default_folder() -> anyhow::Result<PathBuf> {
    let dirs = directories::ProjectDirs::from("", "", "tableglow")
        .context("there is no data folder on this system; name one with --data")?;
    Ok(dirs.data_dir().join("server"))
}

fn seed(argument: &str) -> Result<(RoomName, PathBuf), String> {
    let (room, file) = argument
        .split_once('=')
        .ok_or("write PARTY/ROOM=FILE, for example game_session/demo=demo.bin")?;
    let room = room.parse().map_err(|error| format!("{room}: {error}"))?;
    Ok((room, file.into()))
}
