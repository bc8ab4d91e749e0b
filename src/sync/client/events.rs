//! What a client and whoever drives it tell each other: plain values.

use crate::doc::replica::DocError;
use crate::sync::awareness::Shown;
use crate::sync::batch::Frame;
use crate::sync::state::{Closed, ConnectionState};

/// What a transport reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// The connection is open.
    Opened,
    /// A WebSocket message.
    Frame(Frame),
    /// A pong, or a part of a long message: the peer lives.
    Alive,
    /// The connection has ended or did not come about.
    Closed(Closed),
}

/// What is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outgoing {
    /// A WebSocket message.
    Frame(Frame),
    /// A ping.
    Ping,
}

/// What the driver does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Open a new connection in place of any that there is.
    Connect,
    /// End the connection; what was sent before is to arrive.
    Close,
}

/// What has happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The connection's state is another.
    State(ConnectionState),
    /// Everything that the room had is in the document now.
    Synced,
    /// Others came, went or show something else.
    Awareness(Vec<Shown>),
    /// Everything up to this generation of the document is durable in the room.
    Acknowledged(u64),
    /// The room does not take this client's changes, for the reason given.
    Denied(String),
    /// A text that the room sent.
    Text(String),
    /// The room sent what is no part of this document; the connection was dropped.
    Damaged(DocError),
}

/// Sums for diagnostics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Connections that opened.
    pub connections: u64,
    /// Frames given out to be sent.
    pub frames_out: u64,
    /// Their payload.
    pub bytes_out: u64,
    /// Frames that came.
    pub frames_in: u64,
    /// Their payload.
    pub bytes_in: u64,
    /// Frames that were no message.
    pub malformed_in: u64,
}
