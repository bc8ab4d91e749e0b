//! Tableglow: map scenes on two screens, from one shared document.
//!
//! The rooms of the house, from the ground up; a room uses only rooms above it in this list
//! (a test reads the `use crate::…` lines and keeps it so):
//!
//! | room | owns |
//! | --- | --- |
//! | [`util`] | clock, ids, revisions |
//! | [`geom`] | coordinate spaces, grids, snapping, distance rules, masks |
//! | [`model`] | properties, rows, edits, audience: plain types |
//! | [`import`] | foreign bytes to an import plan, and the way back |
//! | [`storage`] | SQLite, blobs, atomic files |
//! | [`doc`] | the only room that names Y types |
//! | [`sync`] | rooms from a peer's side: frames, dialects, awareness, transports |
//! | [`scene`] | immutable snapshots for the DM and for the players |
//! | [`broadcast`] | the property broadcaster: what the user changes leaves in batches |
//! | [`library`] | campaigns, assets, tile pyramids, archives |
//! | [`render`] | wgpu: draw phases, views, textures |
//! | [`server`] | rooms for several people: fan-out, roles, persistence, HTTP |
//! | [`session`] | the actor that owns the documents |
//! | [`app`] | the editor and the player display |
//! | [`cli`] | one file per subcommand |
//!
//! Without features the crate builds with no GPU and no GUI crate; `render` adds the renderer
//! without a window, `app` (the default) adds both windows.

#[cfg(feature = "app")]
pub mod app;
pub mod broadcast;
pub mod cli;
pub mod doc;
pub mod geom;
pub mod import;
pub mod library;
pub mod model;
#[cfg(feature = "render")]
pub mod render;
pub mod scene;
pub mod server;
pub mod session;
pub mod storage;
pub mod sync;
pub mod util;
