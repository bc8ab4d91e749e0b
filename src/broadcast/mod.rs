//! The property broadcaster: what this user changes leaves in batches.
//!
//! A drag makes an edit in every frame of a window; each as a transaction of its own would be a
//! message to everybody in the room and a row in a store. So an assignment waits as long as its
//! property's delay class says ([`crate::model::property::Delay`]), later ones of the same property
//! replace it, and what has come together leaves as one transaction. Meanwhile reads of the document
//! show it ([`crate::doc::GameDoc::show_pending`]).
//!
//! [`queue`] holds what waits, [`drags`] who holds which marker, [`meter`] counts, and [`cost`] says
//! what the requests would cost. No I/O and no clock of its own: time is handed in. Must not know: the
//! GPU, egui, the disk, sockets. Called by [`crate::session`].

pub mod cost;
pub mod drags;
pub mod meter;
pub mod queue;

pub use drags::Drags;
pub use queue::Broadcaster;

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
