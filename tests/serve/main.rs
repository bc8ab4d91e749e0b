//! `tableglow serve` as it is used: a process of its own, real sockets, killed and started again.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod access;
mod http;
mod peer;
mod players;
mod running;
#[path = "../harness/serving.rs"]
mod serving;
