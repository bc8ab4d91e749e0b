//! From a line's object to a [`Command`], or to the sentence that says what is wrong with it.

use std::time::Duration;

use serde_json::{Map, Value as Json};

use crate::model::edit::Assignment;
use crate::model::property::RowKind;
use crate::model::stroke::StrokeMode;

use super::fields::{self, Fields};
use super::place::{Length, Place, Places};
use super::{Command, FogShape, WORDS, Whither, properties, word_of};

/// The longest time that one command waits.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3600);
/// The longest side of a snapshot: every adapter that we accept can draw it.
const LONGEST_SIDE: u32 = 16_384;

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
