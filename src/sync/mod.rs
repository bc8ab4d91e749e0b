//! Rooms from a peer's side: the y-protocols on the wire, without I/O, and the transports under them.
//!
//! Owns frames, the dialects of servers, awareness clocks and the connection's states. Must not
//! know: the UI, storage, what a document's properties mean. Documents are bytes here. Called by
//! [`crate::session`] (which joins rooms) and by the room server (which speaks the same frames).
//!
//! | file | subject |
//! | --- | --- |
//! | [`protocol`] | messages of the y-protocols, and one of ours |
//! | [`batch`] | messages above a frame limit |
//! | [`dialect`] | what differs between servers, and a room's address |
//! | [`awareness`] | who is here and what they show |
//! | [`state`] | states of a connection, refusals, waits |
//! | [`client`] | one document's connection, without I/O |
//! | [`link`] | a client and its transport, driven by the owner of the document |
//! | [`memory`] | a transport within the process |
//! | [`websocket`] | the transport of the network |

pub mod awareness;
pub mod batch;
pub mod client;
pub mod dialect;
pub mod link;
pub mod memory;
pub mod protocol;
pub mod state;
mod varint;
pub mod websocket;

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod tests;
