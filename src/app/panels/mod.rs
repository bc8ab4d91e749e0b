//! The panes round the canvas. Each reads what is published and pushes commands.
//!
//! Must not know how a command is done. Called by [`super::shell`].

pub mod contents;
pub mod diagnostics;
pub mod hints;
pub mod inspector;
pub mod layers;
pub mod menu;
pub mod note;
pub mod picked;
pub mod property;
pub mod room;
pub mod scenes;
pub mod strip;
pub mod toasts;
pub mod toolbar;
