//! The controls that all panels are made of.
//!
//! Each control has an accessible label, a height of [`super::theme::CONTROL_HEIGHT`] and takes its
//! colours from [`super::theme::Tokens`]. Must not know documents or the session. Called by panels,
//! dialogs and the tool bar.

pub mod buttons;
pub mod fields;
pub mod frames;
