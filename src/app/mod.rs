//! The eframe shell: both windows, tools, panels, dialogs and the small bridge to the renderer.
//!
//! State flows one way: panels read what [`crate::session`] published and push [`command`]s; the
//! [`shell`] drains them once a frame and sends requests; the next frame shows what was published
//! then. Must not know: Y types, sockets. Called by [`crate::cli`].

pub mod actions;
pub mod bridge;
pub mod canvas;
pub mod command;
pub mod dialogs;
pub mod display;
pub mod editor;
mod events;
pub mod files;
pub mod gesture;
pub mod gpu;
pub mod icons;
mod input;
pub mod link;
pub mod monitors;
pub mod painter;
pub mod panels;
mod panes;
pub mod pause_picture;
pub mod play;
pub mod presence;
pub mod report;
pub mod restart;
pub mod run;
pub mod secrets;
pub mod settings;
pub mod shell;
pub mod shortcuts;
mod shots;
pub mod table_view;
pub mod tables;
pub mod theme;
pub mod thumbnails;
pub mod tools;
pub mod widgets;
pub mod window;

pub use run::{Options, run};

#[cfg(test)]
mod tests;
