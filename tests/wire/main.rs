//! Rooms on real sockets, ours and other people's.
//!
//! [`conformance`] joins the rooms of real servers with our client and with real web clients,
//! [`hostile`] sends what nobody should, [`load`] is many people at once, [`tls`] a server with a
//! certificate. Several read a variable that makes them larger; the sums that they print are then
//! worth reading (`--nocapture`).

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests"
)]

mod client;
mod conformance;
mod hostile;
mod load;
#[path = "../harness/node.rs"]
mod node;
#[path = "../harness/serving.rs"]
mod serving;
mod tls;
mod web;
