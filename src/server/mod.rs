//! The room server: shared documents and presence for several people, over the PartyKit wire.
//!
//! One core, two hosts: `tableglow serve` and "host this game" in the app. [`room::Room`] is all of
//! a room without I/O; [`driver`] runs it as a task; [`host::Host`] keeps the rooms and opens them
//! from [`store`], or takes them from an owner in this process ([`local`]); [`http`], [`socket`] and
//! [`assets`] are the doors to the network.
//!
//! Must not know: app, render, broadcast, and, but for what players get, what a document's properties
//! mean. Called by `session` and `cli`.
//!
//! # Who gets what
//! DMs and viewers get a room's document as it is. Players and displays get one of its own, made by
//! [`room`] of what [`crate::model::audience`] and [`crate::scene::player`] let players see: the scene
//! on the table without what is hidden, and an `epoch` in its `meta`. A copy of another epoch is of
//! another document. Presence, events, figures, pictures and maps are cut down likewise ([`showing`],
//! [`cut`]). A room whose document is no game or party takes no players.
//!
//! # What is on the wire
//! `ws://HOST/parties/PARTY/ROOM` (or `/party/ROOM` for the party `main`), one y-protocols message
//! per binary WebSocket message, text for events: see [`crate::sync::protocol`].
//!
//! | request | answer |
//! | --- | --- |
//! | `GET /parties/P/R` | `{"users":[{"id","name","role"}],"connections":n,"document":{…sizes}}`; for players the players, and the sizes of their document |
//! | `POST /parties/P/R` | sends the body (JSON, passed unread) to the room's sockets: `{"sent":n}`; `?exclude=USER` or the header `x-exclude-user` leaves one user out, and players get it with `?audience=everyone` only; `{"type":"ping"}` is answered with a pong |
//! | `PUT /parties/P/R` | seeds a room that was never used: a Yjs update, raw or base64, or plain text (`?text=ROOT` names the text root, `codemirror` by default) |
//! | `OPTIONS` anything | CORS for the allowed origins |
//! | `GET`, `HEAD`, `PUT /assets/SHA256` | a picture, with ranges; players get those that their document names |
//! | `GET /assets/SHA256/tiles` | the list of a cut map's tiles, whose hash this is; the tiles are pictures |
//! | `GET /assets/SHA256/coarse` | a large picture in small, with its true size in `x-picture-size` |
//! | `GET /rooms` | what the token opens: `{"title","role","rooms":[{"party","room"}]}` |
//! | `GET /tokens/P/R` | the room's tokens, for the server's own token |
//! | `GET /health`, `GET /metrics` | whether rooms can be saved; figures for Prometheus |
//!
//! A token goes in `Authorization: Bearer …`, or `?token=…` where there is no choice of headers.

pub mod access;
pub mod assets;
pub mod code;
pub mod cut;
mod cuts;
mod decoded;
pub mod driver;
pub mod hook;
pub mod host;
pub mod http;
pub mod listener;
pub mod local;
pub mod metrics;
pub mod name;
pub mod outbox;
pub mod presence;
pub mod room;
pub mod seed;
pub mod showing;
pub mod socket;
pub mod store;
pub mod tls;
pub mod tries;

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod tests;

use std::path::PathBuf;

use crate::storage::error::StorageError;

/// A connection's number; never used twice in a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// Why a server does not start, or ends badly.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Another server has the data folder.
    #[error(
        "another server is running on the rooms in {}; nothing was changed; stop it, or give this \
         one a folder of its own with --data", .folder.display()
    )]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// The data folder cannot be used.
    #[error("the rooms in {} cannot be opened: {cause}", .folder.display())]
    Data {
        /// The folder.
        folder: PathBuf,
        /// Why.
        cause: StorageError,
    },
    /// The tokens cannot be used.
    #[error(
        "the tokens in {} cannot be used ({detail}), so nobody could be let in; repair the file or \
         delete it to get new ones", .path.display()
    )]
    Tokens {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// The address is taken, or not one of this machine.
    #[error("the server cannot listen on {address}: {detail}; choose another with --listen")]
    Listen {
        /// The address.
        address: String,
        /// What the system says.
        detail: String,
    },
    /// The certificate or its key cannot be used.
    #[error(
        "{} cannot be used for TLS: {detail}; --tls-cert takes the certificate with those that vouch \
         for it, --tls-key its private key, both as PEM", .path.display()
    )]
    Tls {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// Without tokens on the network.
    #[error(
        "without tokens the server listens on this machine only: leave --open out, or listen on \
         127.0.0.1"
    )]
    OpenToAll,
    /// A seed that is no document.
    #[error("{what} cannot be a room's beginning: it is neither a document nor text")]
    Seed {
        /// The file, or where it came from.
        what: String,
    },
    /// The system refuses threads, sockets or the like.
    #[error("the server could not start: {0}")]
    System(String),
    /// Not everything could be saved at the end.
    #[error("not everything could be saved: {0}")]
    Unsaved(StorageError),
}
