//! The eframe shell: both windows, tools, panels, dialogs and the small bridge to the renderer.
//!
//! Must not know: Y types, sockets. Reads snapshots that [`crate::session`] publishes and sends it
//! requests. Called by [`crate::cli`].

pub mod icons;
