//! Dialogs: parties and games, backups, settings, shortcuts, about, and the path field that stands in
//! for a file dialog.
//!
//! One is open at a time; Escape closes it. Must not know how commands are done.

pub mod about;
pub mod backups;
pub mod defaults;
pub mod host;
pub mod join;
pub mod library;
mod lines;
pub mod path;
pub mod removed;
pub mod settings;

use eframe::egui;

use super::command::{Command, Commands, FilePurpose};
use super::editor::Editor;
use crate::model::id::PartyId;
use crate::session::api::Published;
use crate::session::room::People;

/// An open dialog, with what is typed in it.
#[derive(Debug, Clone)]
pub enum Dialog {
    /// Parties and games.
    Library(library::LibraryDialog),
    /// What new scenes of a party start with.
    Defaults(defaults::DefaultsDialog),
    /// Backups and restore.
    Backups(backups::BackupsDialog),
    /// Deleted scenes.
    Removed(removed::RemovedDialog),
    /// The app's settings.
    Settings,
    /// All shortcuts.
    Shortcuts,
    /// What this app is.
    About,
    /// A path, typed.
    Path(path::PathDialog),
    /// Hosting the open game.
    Host(host::HostDialog),
    /// Joining a game.
    Join(Box<join::JoinDialog>),
    /// The room: its connection and who is in it.
    Room,
}

impl Dialog {
    /// Parties and games.
    #[must_use]
    pub fn library() -> Self {
        Self::Library(library::LibraryDialog::default())
    }

    /// A path for some purpose.
    #[must_use]
    pub fn path(purpose: FilePurpose) -> Self {
        Self::Path(path::PathDialog::new(purpose))
    }

    /// Joining a game.
    #[must_use]
    pub fn join() -> Self {
        Self::Join(Box::default())
    }

    /// A party's defaults.
    #[must_use]
    pub fn defaults(party: &PartyId, published: &Published) -> Option<Self> {
        defaults::DefaultsDialog::of(party, published).map(Self::Defaults)
    }
}

/// What dialogs say about this run.
#[derive(Debug, Clone, Default)]
pub struct RunFacts {
    /// The graphics adapter.
    pub adapter: String,
}

/// Shows the open dialog.
pub fn show(
    ctx: &egui::Context,
    published: &Published,
    people: &People,
    editor: &mut Editor,
    facts: &RunFacts,
    commands: &mut Commands,
) {
    let Some(mut dialog) = editor.dialog.take() else {
        return;
    };
    let stay = match &mut dialog {
        Dialog::Library(dialog) => dialog.show(ctx, published, commands),
        Dialog::Defaults(dialog) => dialog.show(ctx, commands),
        Dialog::Backups(dialog) => dialog.show(ctx, published, commands),
        Dialog::Removed(dialog) => dialog.show(ctx, published, commands),
        Dialog::Settings => settings::show(ctx, editor, commands),
        Dialog::Shortcuts => about::shortcuts(ctx),
        Dialog::About => about::show(ctx, facts),
        Dialog::Path(dialog) => dialog.show(ctx, commands),
        Dialog::Host(dialog) => dialog.show(ctx, published, editor, commands),
        Dialog::Join(dialog) => dialog.show(ctx, published, editor, commands),
        Dialog::Room => super::widgets::frames::dialog(ctx, "People and connection", 440.0, |ui| {
            super::panels::room::panel(ui, published, people, editor, commands)
        }),
    };
    if stay {
        // A command may have put another one in its place.
        editor.dialog.get_or_insert(dialog);
    }
}

/// Closes the open dialog.
pub(super) fn close(commands: &mut Commands) {
    commands.push(Command::Dialog(None));
}
