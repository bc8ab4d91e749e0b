//! Everything that has a name in a menu or a key: one table.
//!
//! Menus, tool tips, the list of shortcuts and the keyboard read the same lines. Must not know how an
//! action is done ([`super::shell`] does). `Cmd` on macOS is `Ctrl` elsewhere.

use eframe::egui;
use egui::{Key, KeyboardShortcut, Modifiers};

use super::tools::ToolKind;
use crate::model::stroke::StrokeMode;

/// Something that a user can ask for without saying more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Opens maps and pictures as scenes.
    OpenFiles,
    /// Makes an empty scene.
    NewScene,
    /// The parties and game sessions.
    Library,
    /// Adds an archive's parties.
    ImportArchive,
    /// Writes the archive of the open party.
    ExportArchive,
    /// Writes the edited scene as Universal VTT.
    ExportUniversalVtt,
    /// Writes the edited scene as a picture.
    ExportPicture,
    /// Backups and restore.
    Backups,
    /// The app's settings.
    Settings,
    /// Closes the app.
    Quit,
    /// One step back.
    Undo,
    /// One step forward.
    Redo,
    /// Takes a picture from the clipboard.
    Paste,
    /// Copies what is picked beside itself.
    Duplicate,
    /// Deletes what is picked.
    Delete,
    /// Picks all markers.
    SelectAll,
    /// Fits the table's frame.
    Fit,
    /// Fits the whole map.
    FitMap,
    /// Nearer.
    ZoomIn,
    /// Farther.
    ZoomOut,
    /// One table pixel to a screen pixel.
    ZoomOne,
    /// Folds the scene list.
    LeftPane,
    /// Folds the inspector.
    RightPane,
    /// Opens or closes the diagnostics.
    Diagnostics,
    /// Markers go to the grid.
    Snapping,
    /// The next scene in the list.
    NextScene,
    /// The scene before.
    PreviousScene,
    /// Renames the edited scene.
    RenameScene,
    /// Copies the edited scene.
    DuplicateScene,
    /// Deletes the edited scene.
    DeleteScene,
    /// Deleted scenes of the open game.
    BringBackScene,
    /// The whole map clear.
    ClearFog,
    /// The whole map fogged.
    ResetFog,
    /// Takes the edited scene's map away.
    RemoveMap,
    /// Puts the edited scene on the table.
    ShowOnTable,
    /// Nothing on the table.
    ClearTable,
    /// The pause screen.
    Pause,
    /// Opens or closes the player display.
    PlayerDisplay,
    /// The player display without chrome.
    DisplayFullscreen,
    /// Lets others join the open game.
    Host,
    /// Joins somebody's game.
    Join,
    /// The room: its connection and who is in it.
    Room,
    /// Ends hosting, or leaves the room.
    LeaveRoom,
    /// Others see where this user points.
    ShareCursor,
    /// Where others point is shown.
    ShowCursors,
    /// Another tool.
    Tool(ToolKind),
    /// Fog tools reveal or cover.
    Mode(StrokeMode),
    /// The other fog mode.
    SwapMode,
    /// What is drawn for a while becomes a drawing of the scene's.
    KeepDrawing,
    /// A smaller brush.
    BrushSmaller,
    /// A larger brush.
    BrushLarger,
    /// This list.
    Shortcuts,
    /// Writes a report about this app for its makers.
    SaveReport,
    /// What this app is.
    About,
}

/// The menu that an action is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Menu {
    /// Files and the library.
    File,
    /// Changes.
    Edit,
    /// How the editor looks.
    View,
    /// Scenes.
    Scene,
    /// The players' screen.
    Table,
    /// Help.
    Help,
    /// In no menu: tools.
    Tools,
}

impl Menu {
    /// The menus of the bar, in order.
    pub const BAR: [Self; 6] = [
        Self::File,
        Self::Edit,
        Self::View,
        Self::Scene,
        Self::Table,
        Self::Help,
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::File => "File",
            Self::Edit => "Edit",
            Self::View => "View",
            Self::Scene => "Scene",
            Self::Table => "Table",
            Self::Help => "Help",
            Self::Tools => "Tools",
        }
    }
}

/// A line of the table.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    /// What it does.
    pub action: Action,
    /// Where it is.
    pub menu: Menu,
    /// What a user reads.
    pub name: &'static str,
    /// Its key.
    pub keys: Option<KeyboardShortcut>,
    /// Another key for the same.
    pub also: Option<KeyboardShortcut>,
    /// A line is drawn above it.
    pub ruled: bool,
}

const fn line(action: Action, menu: Menu, name: &'static str) -> Line {
    Line {
        action,
        menu,
        name,
        keys: None,
        also: None,
        ruled: false,
    }
}

impl Line {
    const fn on(mut self, modifiers: Modifiers, key: Key) -> Self {
        self.keys = Some(KeyboardShortcut::new(modifiers, key));
        self
    }

    const fn also(mut self, modifiers: Modifiers, key: Key) -> Self {
        self.also = Some(KeyboardShortcut::new(modifiers, key));
        self
    }

    const fn ruled(mut self) -> Self {
        self.ruled = true;
        self
    }
}

const PLAIN: Modifiers = Modifiers::NONE;
const SHIFT: Modifiers = Modifiers::SHIFT;
const CMD: Modifiers = Modifiers::COMMAND;
const CMD_SHIFT: Modifiers = Modifiers {
    shift: true,
    ..Modifiers::COMMAND
};

/// All actions. Copy, cut and paste keys come from the system as their own events.
pub static TABLE: &[Line] = &[
    line(Action::OpenFiles, Menu::File, "Open map or picture…").on(CMD, Key::O),
    line(Action::NewScene, Menu::File, "New scene").on(CMD, Key::N),
    line(Action::Library, Menu::File, "Parties and games…")
        .on(CMD, Key::L)
        .ruled(),
    line(Action::ImportArchive, Menu::File, "Import campaign…").ruled(),
    line(Action::ExportArchive, Menu::File, "Export campaign…").on(CMD_SHIFT, Key::E),
    line(
        Action::ExportUniversalVtt,
        Menu::File,
        "Export scene as Universal VTT…",
    ),
    line(
        Action::ExportPicture,
        Menu::File,
        "Export scene as picture…",
    ),
    line(Action::Backups, Menu::File, "Backups…").ruled(),
    line(Action::Settings, Menu::File, "Settings…").on(CMD, Key::Comma),
    line(Action::Quit, Menu::File, "Quit")
        .on(CMD, Key::Q)
        .ruled(),
    line(Action::Undo, Menu::Edit, "Undo").on(CMD, Key::Z),
    line(Action::Redo, Menu::Edit, "Redo")
        .on(CMD_SHIFT, Key::Z)
        .also(CMD, Key::Y),
    line(Action::Paste, Menu::Edit, "Paste picture as map").ruled(),
    line(Action::Duplicate, Menu::Edit, "Duplicate").on(CMD, Key::D),
    line(Action::Delete, Menu::Edit, "Delete")
        .on(PLAIN, Key::Delete)
        .also(PLAIN, Key::Backspace),
    line(Action::SelectAll, Menu::Edit, "Pick all markers").on(CMD, Key::A),
    line(Action::Fit, Menu::View, "Fit the table")
        .on(PLAIN, Key::Num0)
        .also(CMD, Key::Num0),
    line(Action::FitMap, Menu::View, "Fit the map").on(SHIFT, Key::Num0),
    line(Action::ZoomIn, Menu::View, "Zoom in")
        .on(PLAIN, Key::Plus)
        .also(PLAIN, Key::Equals),
    line(Action::ZoomOut, Menu::View, "Zoom out").on(PLAIN, Key::Minus),
    line(Action::ZoomOne, Menu::View, "Zoom to 100 %").on(PLAIN, Key::Num1),
    line(Action::LeftPane, Menu::View, "Scene list")
        .on(CMD, Key::Num1)
        .ruled(),
    line(Action::RightPane, Menu::View, "Inspector").on(CMD, Key::Num2),
    line(Action::Snapping, Menu::View, "Snap to the grid").on(PLAIN, Key::S),
    line(Action::ShareCursor, Menu::View, "Show others my cursor").ruled(),
    line(Action::ShowCursors, Menu::View, "Cursors of others"),
    line(Action::Diagnostics, Menu::View, "Diagnostics").ruled(),
    line(Action::PreviousScene, Menu::Scene, "Previous scene").on(PLAIN, Key::PageUp),
    line(Action::NextScene, Menu::Scene, "Next scene").on(PLAIN, Key::PageDown),
    line(Action::RenameScene, Menu::Scene, "Rename scene")
        .on(PLAIN, Key::F2)
        .ruled(),
    line(Action::DuplicateScene, Menu::Scene, "Duplicate scene").on(CMD_SHIFT, Key::D),
    line(Action::DeleteScene, Menu::Scene, "Delete scene")
        .on(CMD, Key::Delete)
        .also(CMD, Key::Backspace),
    line(Action::BringBackScene, Menu::Scene, "Bring back a scene…"),
    line(Action::ClearFog, Menu::Scene, "Reveal everything")
        .on(PLAIN, Key::F)
        .ruled(),
    line(Action::ResetFog, Menu::Scene, "Cover everything with fog").on(SHIFT, Key::F),
    line(Action::RemoveMap, Menu::Scene, "Remove map").ruled(),
    line(
        Action::ShowOnTable,
        Menu::Table,
        "Show this scene on the table",
    )
    .on(CMD, Key::Enter),
    line(Action::ClearTable, Menu::Table, "Clear the table"),
    line(Action::Pause, Menu::Table, "Pause").on(CMD, Key::P),
    line(Action::PlayerDisplay, Menu::Table, "Player display")
        .on(CMD_SHIFT, Key::P)
        .ruled(),
    line(
        Action::DisplayFullscreen,
        Menu::Table,
        "Player display full screen",
    )
    .on(PLAIN, Key::F11),
    line(Action::Host, Menu::Table, "Host this game…")
        .on(CMD_SHIFT, Key::H)
        .ruled(),
    line(Action::Join, Menu::Table, "Join a game…").on(CMD, Key::J),
    line(Action::Room, Menu::Table, "People and connection…").on(CMD_SHIFT, Key::R),
    line(Action::LeaveRoom, Menu::Table, "Leave the room"),
    line(Action::Shortcuts, Menu::Help, "Keyboard shortcuts").on(PLAIN, Key::F1),
    line(Action::SaveReport, Menu::Help, "Save report…").ruled(),
    line(Action::About, Menu::Help, "About Tableglow"),
    line(
        Action::Tool(ToolKind::Select),
        Menu::Tools,
        "Select and move",
    )
    .on(PLAIN, Key::V),
    line(Action::Tool(ToolKind::Hand), Menu::Tools, "Hand").on(PLAIN, Key::H),
    line(Action::Tool(ToolKind::FogBrush), Menu::Tools, "Fog brush").on(PLAIN, Key::E),
    line(
        Action::Tool(ToolKind::FogRectangle),
        Menu::Tools,
        "Fog rectangle",
    )
    .on(PLAIN, Key::R),
    line(
        Action::Tool(ToolKind::FogEllipse),
        Menu::Tools,
        "Fog ellipse",
    )
    .on(PLAIN, Key::O),
    line(Action::Tool(ToolKind::Marker), Menu::Tools, "Add markers").on(PLAIN, Key::M),
    line(Action::Tool(ToolKind::Measure), Menu::Tools, "Measure").on(PLAIN, Key::T),
    line(Action::Tool(ToolKind::Pen), Menu::Tools, "Pen that fades").on(PLAIN, Key::D),
    line(Action::KeepDrawing, Menu::Tools, "Keep what is drawn").on(PLAIN, Key::K),
    line(Action::SwapMode, Menu::Tools, "Reveal or cover").on(PLAIN, Key::X),
    line(Action::Mode(StrokeMode::Erase), Menu::Tools, "Reveal"),
    line(Action::Mode(StrokeMode::Add), Menu::Tools, "Cover"),
    line(Action::BrushSmaller, Menu::Tools, "Smaller brush").on(PLAIN, Key::OpenBracket),
    line(Action::BrushLarger, Menu::Tools, "Larger brush").on(PLAIN, Key::CloseBracket),
];

/// The line of an action.
#[must_use]
pub fn of(action: Action) -> Option<&'static Line> {
    TABLE.iter().find(|line| line.action == action)
}

/// The key of an action as a user reads it: "Ctrl+Z".
#[must_use]
pub fn keys_of(ctx: &egui::Context, action: Action) -> Option<String> {
    let keys = of(action)?.keys?;
    Some(spell(ctx, &keys))
}

/// A shortcut in words; brackets and signs as they stand on the keys.
#[must_use]
pub fn spell(ctx: &egui::Context, keys: &KeyboardShortcut) -> String {
    let text = ctx.format_shortcut(keys);
    [
        ("OpenBracket", "["),
        ("CloseBracket", "]"),
        ("Comma", ","),
        ("Plus", "+"),
        ("Minus", "-"),
        ("PageUp", "Page up"),
        ("PageDown", "Page down"),
    ]
    .iter()
    .fold(text, |text, (name, sign)| text.replace(name, sign))
}

/// Takes this frame's shortcuts out of the input. Keys without a modifier are left alone while a
/// text field has the focus (`typing`), and so are all keys while a dialog is open.
#[must_use]
pub fn take(ctx: &egui::Context, typing: bool) -> Vec<Action> {
    let mut taken = Vec::new();
    ctx.input_mut(|input| {
        // The longer combination first: egui lets Ctrl+Z match Ctrl+Shift+Z.
        let mut all: Vec<(KeyboardShortcut, Action)> = TABLE
            .iter()
            .flat_map(|line| {
                [line.keys, line.also]
                    .into_iter()
                    .flatten()
                    .map(|keys| (keys, line.action))
            })
            .collect();
        all.sort_by_key(|(keys, _)| {
            std::cmp::Reverse(u8::from(keys.modifiers.shift) + u8::from(keys.modifiers.command))
        });
        for (keys, action) in all {
            let plain = !keys.modifiers.command;
            if typing && plain {
                continue;
            }
            // Editing keys belong to the text field.
            if typing
                && matches!(
                    action,
                    Action::Undo
                        | Action::Redo
                        | Action::SelectAll
                        | Action::DeleteScene
                        | Action::ShowOnTable
                )
            {
                continue;
            }
            if input.consume_shortcut(&keys) {
                taken.push(action);
            }
        }
    });
    taken
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_key_does_two_things() {
        let mut seen = HashSet::new();
        for line in TABLE {
            for keys in [line.keys, line.also].into_iter().flatten() {
                assert!(
                    seen.insert((keys.modifiers, keys.logical_key)),
                    "{} shares {keys:?}",
                    line.name
                );
            }
        }
    }

    #[test]
    fn every_action_has_one_line() {
        let mut seen = HashSet::new();
        for line in TABLE {
            assert!(seen.insert(line.action), "{} twice", line.name);
        }
    }
}
