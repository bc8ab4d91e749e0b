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

pub mod batch;
pub mod dialect;
pub mod protocol;
mod varint;
