//! The editor's commands as a language: one JSON object a command, one JSON object an answer.
//!
//! Used by `tableglow run` on a library of its own, and by a running app for a `run` that reached it
//! over the local socket, so that both understand the same. [`Command::parse`] reads an object;
//! [`super::Session`] carries it out on its thread with the same requests that windows send
//! ([`super::api::Request`]); [`lines::Script`] is the caller's side, which reads lines, remembers
//! labels and waits. The words are documented in `src/cli/run.md` and stay as they are.
//! Must not know: sockets, egui, wgpu.

mod carry_out;
mod fields;
pub mod lines;
mod names;
mod parse;
mod place;
mod properties;
mod state;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value as Json};

use crate::model::edit::Assignment;
use crate::model::id::SceneId;
use crate::model::property::RowKind;
use crate::model::stroke::StrokeMode;
use crate::scene::player::PlayerFrame;
use crate::scene::snapshot::SceneSnapshot;

use place::{Length, Place, Places};

pub(super) use carry_out::{Outcome, carry_out};
pub use properties::properties_json;

/// The name of a command, what it takes besides `do` and `as`, and what it does.
#[derive(Debug, Clone, Copy)]
pub struct Word {
    /// The value of `do`.
    pub name: &'static str,
    /// Its fields; those in brackets may be left out.
    pub fields: &'static str,
    /// In a few words.
    pub says: &'static str,
    /// It makes something, which `as` gives a label.
    pub makes: bool,
}

const fn word(name: &'static str, fields: &'static str, says: &'static str) -> Word {
    Word {
        name,
        fields,
        says,
        makes: false,
    }
}

const fn maker(name: &'static str, fields: &'static str, says: &'static str) -> Word {
    Word {
        makes: true,
        ..word(name, fields, says)
    }
}

/// All commands.
pub const WORDS: &[Word] = &[
    maker(
        "create_scene",
        "name",
        "a new scene, which is worked on from then on",
    ),
    word("rename_scene", "name [scene]", "another name"),
    maker(
        "duplicate_scene",
        "[scene] [name]",
        "a copy, which is worked on from then on",
    ),
    word("move_scene", "scene [before]", "its place in the list"),
    word("delete_scene", "scene", "away with it; undo brings it back"),
    word("edit_scene", "scene", "works on this scene from then on"),
    word("open_game", "game", "another game session of the library"),
    word(
        "set",
        "values [scene] [marker] [light] [drawing]",
        "any property of a scene, marker, light, drawing or the table",
    ),
    maker(
        "add_marker",
        "at [title] [values] [snap] [scene]",
        "a marker",
    ),
    word(
        "move_marker",
        "marker, at or by [snap] [scene]",
        "its place on the map",
    ),
    maker("add_light", "at [values] [snap] [scene]", "a light"),
    word(
        "move_light",
        "light, at or by [snap] [scene]",
        "its place on the map",
    ),
    word(
        "delete",
        "marker, light or drawing [scene]",
        "away with it; undo brings it back",
    ),
    word(
        "fog",
        "shape [mode] [points] [radius] [from] [to] [scene]",
        "reveals or covers: stroke, rectangle, ellipse, polygon, clear, reset",
    ),
    word(
        "set_active_scene",
        "scene",
        "what the table shows; null clears it",
    ),
    word(
        "pause",
        "[paused]",
        "the pause screen: true, false or \"toggle\"",
    ),
    word("undo", "", "takes the last step back"),
    word("redo", "", "does it again"),
    maker(
        "import",
        "file [scene]",
        "a map, picture or campaign file, into a new scene or this one",
    ),
    word(
        "wait",
        "ms, or event [timeoutMs]",
        "milliseconds, or until the room sends an event of this type",
    ),
    word(
        "events",
        "[after]",
        "what the room has sent to everybody, by number",
    ),
    word(
        "snapshot",
        "file size [view] [scene]",
        "a PNG of what the DM (view \"dm\") or the table (\"player\") sees",
    ),
    word("state", "[scene]", "what is there, as JSON"),
];

/// The command with this name.
#[must_use]
pub fn word_of(name: &str) -> Option<&'static Word> {
    WORDS.iter().find(|word| word.name == name)
}

/// A command that was read.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// `create_scene`
    CreateScene {
        /// Its name.
        name: String,
    },
    /// `rename_scene`
    RenameScene {
        /// The scene; the one that is worked on without.
        scene: Option<String>,
        /// Its new name.
        name: String,
    },
    /// `duplicate_scene`
    DuplicateScene {
        /// The scene.
        scene: Option<String>,
        /// The copy's name.
        name: Option<String>,
    },
    /// `move_scene`
    MoveScene {
        /// The scene.
        scene: String,
        /// Its new successor; the end of the list without.
        before: Option<String>,
    },
    /// `delete_scene`
    DeleteScene {
        /// The scene.
        scene: String,
    },
    /// `edit_scene`
    EditScene {
        /// The scene.
        scene: String,
    },
    /// `open_game`
    OpenGame {
        /// The game session.
        game: String,
    },
    /// `set`
    Set {
        /// The kind of row that all values belong to.
        kind: RowKind,
        /// The scene.
        scene: Option<String>,
        /// The marker, light or drawing.
        row: Option<String>,
        /// The checked values.
        values: Vec<Assignment>,
    },
    /// `add_marker`, `add_light`
    Add {
        /// Marker or light.
        kind: RowKind,
        /// The scene.
        scene: Option<String>,
        /// Where.
        at: Place,
        /// To the grid.
        snap: bool,
        /// The checked values, the position not among them.
        values: Vec<Assignment>,
    },
    /// `move_marker`, `move_light`
    Move {
        /// Marker or light.
        kind: RowKind,
        /// The scene.
        scene: Option<String>,
        /// Which one.
        row: String,
        /// Where to.
        to: Whither,
        /// To the grid.
        snap: bool,
    },
    /// `delete`
    Delete {
        /// Marker, light or drawing.
        kind: RowKind,
        /// The scene.
        scene: Option<String>,
        /// Which one.
        row: String,
    },
    /// `fog`
    Fog {
        /// The scene.
        scene: Option<String>,
        /// What is drawn.
        shape: FogShape,
        /// Reveals or covers.
        mode: StrokeMode,
    },
    /// `set_active_scene`
    SetActiveScene {
        /// The scene; nothing without.
        scene: Option<String>,
    },
    /// `pause`
    Pause {
        /// On or off; the other of both without.
        paused: Option<bool>,
    },
    /// `undo`
    Undo,
    /// `redo`
    Redo,
    /// `import`
    Import {
        /// The file.
        file: PathBuf,
        /// The scene that it fills.
        scene: Option<String>,
    },
    /// `wait` for a time, which is the caller's
    Wait {
        /// How long.
        time: Duration,
    },
    /// `wait` for an event, which is the caller's
    WaitForEvent {
        /// Its type; any with `*`.
        kind: String,
        /// For how long.
        at_most: Duration,
    },
    /// `events`
    Events {
        /// Those after this one.
        after: u64,
    },
    /// `snapshot`
    Snapshot {
        /// The file to write.
        file: PathBuf,
        /// Its size.
        size_px: [u32; 2],
        /// What the table sees, not what the DM sees.
        as_player: bool,
        /// The scene.
        scene: Option<String>,
    },
    /// `state`
    State {
        /// The scene to tell all of.
        scene: Option<String>,
    },
}

/// Where something is moved.
#[derive(Debug, Clone, PartialEq)]
pub enum Whither {
    /// To a place.
    To(Place),
    /// By so much, right and down.
    By(Place),
}

/// What a `fog` command draws.
#[derive(Debug, Clone, PartialEq)]
pub enum FogShape {
    /// A round brush along points.
    Stroke {
        /// The path.
        points: Places,
        /// The brush's radius.
        radius: Length,
    },
    /// A box.
    Rectangle {
        /// A corner.
        from: Place,
        /// The other.
        to: Place,
    },
    /// The ellipse in a box.
    Ellipse {
        /// A corner of the box.
        from: Place,
        /// The other.
        to: Place,
    },
    /// A polygon.
    Polygon {
        /// Its corners.
        points: Places,
    },
    /// All of it.
    Everything,
}

/// What became of a command that succeeded.
#[derive(Debug, Clone)]
pub enum Done {
    /// It is done; the answer's fields.
    Answer(Map<String, Json>),
    /// A picture is to be drawn by whoever asked: the session has no renderer.
    Draw(Shot),
}

impl Done {
    /// The answer of `import`.
    pub(super) fn imported(lines: Vec<String>, scene: Option<SceneId>) -> Self {
        let mut answer = Map::new();
        if let Some(scene) = scene {
            answer.insert("scene".to_owned(), scene.as_str().into());
        }
        answer.insert("report".to_owned(), lines.into());
        Self::Answer(answer)
    }
}

/// Whether pictures are on the way to or from the room, as the answer of `state` tells it.
#[must_use]
pub fn has_pictures_on_the_way(state: &Map<String, Json>) -> bool {
    state.get(state::PICTURES) == Some(&Json::Bool(true))
}

/// A picture that a `snapshot` wants.
#[derive(Debug, Clone)]
pub struct Shot {
    /// What is on it.
    pub view: ShotView,
    /// Its size.
    pub size_px: [u32; 2],
    /// The PNG file to write.
    pub file: PathBuf,
}

/// What is on a snapshot.
#[derive(Debug, Clone)]
pub enum ShotView {
    /// A scene as the DM sees it.
    Dm(Arc<SceneSnapshot>),
    /// What the table shows.
    Player(PlayerFrame),
}

impl Shot {
    /// The answer when it is written.
    #[must_use]
    pub fn answer(&self) -> Map<String, Json> {
        let mut answer = Map::new();
        answer.insert("file".to_owned(), self.file.to_string_lossy().into());
        answer
    }
}

#[cfg(test)]
mod tests;
