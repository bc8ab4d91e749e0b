//! The shared documents: the only room that names Y types.
//!
//! Owns the schema, typed reads with defaults, field-level writes, observers, origins, undo, the
//! masks that strokes make, and the reader of the legacy layout. No Y type is in a public signature.
//! Must not know: sockets, throttling, the GPU. Called by [`crate::scene`] and [`crate::session`].
//!
//! # What is in a document
//! The game-session document has `meta {schemaVersion}`, `scenes` (scene id → `settings`, `markers`,
//! `lights`, `annotations`, `fogMask`) and our own root `tableglow`; the party document has `meta`,
//! `state {activeSceneId, isPaused}` and `tableglow`.
//! The document that players of a room get ([`players`]) has the same layout and an `epoch` in `meta`:
//! a copy of another epoch is of another document.
//!
//! # Our own keys
//! `tableglow` is flat: plain values under these keys, never a shared type of its own (two clients
//! that make one at once lose one of the two). Ids are percent-encoded where they hold a `/`.
//!
//! | key | value |
//! | --- | --- |
//! | `setting/<scene>/<property>` | a scene's property of ours (`hexFlatTop`) |
//! | `marker/<scene>/<id>/<property>` | a marker's (`locked`); `light/…`, `annotation/…` likewise |
//! | `party/<property>` | a property of ours of the party's state |
//! | `wall/<scene>/<id>` | a wall, [`crate::model::structure::Wall`] as JSON |
//! | `door/<scene>/<id>` | a door, [`crate::model::structure::Door`] as JSON |
//! | `stroke/<scene>/<mask>/<n>` | a stroke: bytes as in [`strokes`] |
//! | `void/<scene>/<mask>/<n>` | `true`: the stroke of that name was taken back |
//! | `base/<scene>/<mask>` | the picture below the strokes: mask bytes |
//! | `projected/<scene>/<mask>` | the mask bytes that we last wrote for web clients |
//!
//! `<mask>` is `fog` or a drawing layer's id. In a room of schema 1 the shared properties of schema 2
//! live under `setting/…` too.

mod bring_back;
mod change;
pub mod digest;
pub mod dirty;
pub mod document;
pub mod guard;
pub mod json;
mod keys;
pub mod legacy;
pub mod masks;
pub mod opened;
pub mod origin;
mod overlay;
pub mod players;
mod raw;
pub mod read;
pub mod replica;
pub mod strokes;
pub mod undo;
pub mod write;

pub use document::{GameDoc, PartyDoc};
pub use origin::Origin;
pub use replica::{DocError, Update};

#[cfg(test)]
#[expect(
    clippy::unwrap_used,
    clippy::float_cmp,
    clippy::cast_precision_loss,
    reason = "tests"
)]
mod tests;
