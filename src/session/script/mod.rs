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

use fields::Fields;
use place::{Length, Place, Places};

pub(super) use carry_out::{Outcome, carry_out};
pub use properties::properties_json;

/// The longest time that one command waits.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3600);
/// The longest side of a snapshot: every adapter that we accept can draw it.
const LONGEST_SIDE: u32 = 16_384;

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

impl Command {
    /// Reads a command's object; `as` is the caller's and not among its fields.
    ///
    /// # Errors
    /// One sentence about the first thing that is wrong.
    pub fn parse(object: &Map<String, Json>) -> Result<Self, String> {
        let name = match object.get("do") {
            Some(Json::String(name)) => name.as_str(),
            Some(_) => return Err("“do” must be the name of a command, as a text".to_owned()),
            None => return Err("there is no “do” in it, which names the command".to_owned()),
        };
        let Some(word) = word_of(name) else {
            let names = WORDS.iter().map(|word| word.name);
            return Err(format!(
                "there is no command “{}”{}; `tableglow run --help` lists them",
                fields::shortened(name),
                fields::did_you_mean(name, names)
            ));
        };
        let mut fields = Fields::of(word, object);
        let command = Self::read(word.name, &mut fields)?;
        fields.finish()?;
        Ok(command)
    }

    fn read(name: &str, fields: &mut Fields<'_>) -> Result<Self, String> {
        Ok(match name {
            "create_scene" => Self::CreateScene {
                name: fields.need_text("name")?,
            },
            "rename_scene" => Self::RenameScene {
                scene: fields.text("scene")?,
                name: fields.need_text("name")?,
            },
            "duplicate_scene" => Self::DuplicateScene {
                scene: fields.text("scene")?,
                name: fields.text("name")?,
            },
            "move_scene" => Self::MoveScene {
                scene: fields.need_text("scene")?,
                before: fields.text("before")?,
            },
            "delete_scene" => Self::DeleteScene {
                scene: fields.need_text("scene")?,
            },
            "edit_scene" => Self::EditScene {
                scene: fields.need_text("scene")?,
            },
            "open_game" => Self::OpenGame {
                game: fields.need_text("game")?,
            },
            "set" => Self::read_set(fields)?,
            "add_marker" => Self::read_add(RowKind::Marker, fields)?,
            "add_light" => Self::read_add(RowKind::Light, fields)?,
            "move_marker" => Self::read_move(RowKind::Marker, fields)?,
            "move_light" => Self::read_move(RowKind::Light, fields)?,
            "delete" => {
                let (kind, row) = fields.row_of_scene()?.ok_or(
                    "say what to delete with “marker”, “light” or “drawing”, or use delete_scene",
                )?;
                Self::Delete {
                    kind,
                    scene: fields.text("scene")?,
                    row,
                }
            }
            "fog" => Self::read_fog(fields)?,
            "set_active_scene" => Self::SetActiveScene {
                scene: fields.text_or_null("scene")?,
            },
            "pause" => Self::Pause {
                paused: match fields.get("paused") {
                    None => Some(true),
                    Some(Json::Bool(paused)) => Some(*paused),
                    Some(Json::String(toggle)) if toggle == "toggle" => None,
                    Some(_) => {
                        return Err("“paused” must be true, false or \"toggle\"".to_owned());
                    }
                },
            },
            "undo" => Self::Undo,
            "redo" => Self::Redo,
            "import" => Self::Import {
                file: fields.need_text("file")?.into(),
                scene: fields.text("scene")?,
            },
            "wait" => Self::read_wait(fields)?,
            "events" => Self::Events {
                after: match fields.get("after") {
                    None => 0,
                    Some(number) => number
                        .as_u64()
                        .ok_or("“after” must be the number of an event")?,
                },
            },
            "snapshot" => Self::Snapshot {
                file: fields.need_text("file")?.into(),
                size_px: parse_size(&fields.need_text("size")?)?,
                as_player: fields.choice("view", &["dm", "player"])? == Some("player"),
                scene: fields.text("scene")?,
            },
            _ => Self::State {
                scene: fields.text("scene")?,
            },
        })
    }

    fn read_wait(fields: &mut Fields<'_>) -> Result<Self, String> {
        let most = LONGEST_WAIT.as_secs_f64() * 1e3;
        match fields.text("event")? {
            None => Ok(Self::Wait {
                time: milliseconds(fields.need_number("ms", 0.0, most)?),
            }),
            Some(kind) => {
                let at_most = match fields.get("timeoutMs") {
                    None => LONGEST_WAIT,
                    Some(_) => {
                        let ms = fields.need_number("timeoutMs", 0.0, most)?;
                        milliseconds(ms)
                    }
                };
                Ok(Self::WaitForEvent { kind, at_most })
            }
        }
    }

    fn read_set(fields: &mut Fields<'_>) -> Result<Self, String> {
        let values = fields.need("values")?;
        let (kind, values) = properties::assignments(values, None)?;
        let row = fields.row_of_scene()?;
        let scene = fields.text("scene")?;
        let names = properties::prefix(kind);
        let row = match (kind, row) {
            (RowKind::Scene, None) => None,
            (RowKind::Party, None) if scene.is_none() => None,
            (RowKind::Scene | RowKind::Party, _) => {
                return Err(format!(
                    "all values are properties of the {}, so nothing else can be named",
                    if kind == RowKind::Party {
                        "table"
                    } else {
                        "scene"
                    }
                ));
            }
            (_, Some((named, row))) if named == kind => Some(row),
            _ => return Err(format!("say which {names} with “{names}”")),
        };
        Ok(Self::Set {
            kind,
            scene,
            row,
            values,
        })
    }

    fn read_add(kind: RowKind, fields: &mut Fields<'_>) -> Result<Self, String> {
        let mut values = match fields.get("values") {
            Some(values) => properties::assignments(values, Some(kind))?.1,
            None => Vec::new(),
        };
        if kind == RowKind::Marker
            && let Some(title) = fields.text("title")?
        {
            values.push(Assignment::new(crate::model::marker::TITLE, title.as_str()));
        }
        if values
            .iter()
            .any(|it| it.property.key.starts_with("position"))
        {
            return Err("the position is said with “at”, not among the values".to_owned());
        }
        Ok(Self::Add {
            kind,
            scene: fields.text("scene")?,
            at: Place::parse("at", fields.need("at")?)?,
            snap: fields.flag("snap")?,
            values,
        })
    }

    fn read_move(kind: RowKind, fields: &mut Fields<'_>) -> Result<Self, String> {
        let row = fields.need_text(properties::prefix(kind))?;
        let (at, by) = (fields.get("at"), fields.get("by"));
        let to = match (at, by) {
            (Some(at), None) => Whither::To(Place::parse("at", at)?),
            (None, Some(by)) => Whither::By(Place::parse("by", by)?),
            _ => return Err("say where with either “at” or “by”".to_owned()),
        };
        Ok(Self::Move {
            kind,
            scene: fields.text("scene")?,
            row,
            to,
            snap: fields.flag("snap")?,
        })
    }

    fn read_fog(fields: &mut Fields<'_>) -> Result<Self, String> {
        const SHAPES: &[&str] = &[
            "stroke",
            "rectangle",
            "ellipse",
            "polygon",
            "clear",
            "reset",
        ];
        let name = fields
            .choice("shape", SHAPES)?
            .ok_or_else(|| fields::missing("shape"))?;
        let mode = match name {
            "clear" => StrokeMode::Erase,
            "reset" => StrokeMode::Add,
            _ => match fields.choice("mode", &["erase", "add"])? {
                Some("add") => StrokeMode::Add,
                _ => StrokeMode::Erase,
            },
        };
        let mut corner = |name| Place::parse(name, fields.need(name)?);
        let shape = match name {
            "rectangle" => FogShape::Rectangle {
                from: corner("from")?,
                to: corner("to")?,
            },
            "ellipse" => FogShape::Ellipse {
                from: corner("from")?,
                to: corner("to")?,
            },
            "polygon" => FogShape::Polygon {
                points: Places::parse("points", fields.need("points")?, 3)?,
            },
            "stroke" => FogShape::Stroke {
                points: Places::parse("points", fields.need("points")?, 1)?,
                radius: Length::parse("radius", fields.need("radius")?)?,
            },
            _ => FogShape::Everything,
        };
        Ok(Self::Fog {
            scene: fields.text("scene")?,
            shape,
            mode,
        })
    }
}

/// Whole ones; the cast saturates.
fn milliseconds(ms: f64) -> Duration {
    Duration::from_millis(ms as u64)
}

/// Reads `1920x1080`.
fn parse_size(text: &str) -> Result<[u32; 2], String> {
    let sides = text
        .split_once(['x', 'X'])
        .and_then(|(w, h)| Some([w.parse().ok()?, h.parse().ok()?]));
    match sides {
        Some(sides @ [w, h])
            if (1..=LONGEST_SIDE).contains(&w) && (1..=LONGEST_SIDE).contains(&h) =>
        {
            Ok(sides)
        }
        _ => Err(format!(
            "“size” must be WIDTHxHEIGHT, for example \"1920x1080\", each side from 1 to {LONGEST_SIDE}"
        )),
    }
}

#[cfg(test)]
mod tests;
