//! Plain types of a scene, a party and presence: properties, rows, edits, audience.
//!
//! A property is declared once, in one of the tables below; its reader, writer, validation, panel
//! control, script name and player filter all follow from that line.
//!
//! Must not know: Y types, sockets, GPU, egui. Called by every room to its right.

pub mod annotation;
pub mod audience;
pub mod color;
pub mod edit;
pub mod id;
pub mod light;
pub mod marker;
pub mod order;
pub mod party;
pub mod presence;
pub mod property;
pub mod row;
pub mod scene;
pub mod stroke;
pub mod structure;
pub mod value;
