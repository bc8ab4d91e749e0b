//! Sessions in one room: what one does, the others see; what was made apart comes together.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod apart;
mod joining;
mod pictures;
mod presence;
mod support;
mod table;
mod web;
