//! Plain types of a scene and a party: properties, rows, edits, audience.
//!
//! Must not know: Y types, sockets, GPU, egui. Called by every room to its right.
