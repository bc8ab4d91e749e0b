//! A script from its caller's side: lines in, labels, answers out.
//!
//! A label (`"as": "goblin"`) stands for the id of what a command made, wherever a later line of the
//! same script names something. Relative paths become absolute here, where the caller's folder is
//! known. Called by the command line.

use std::collections::HashMap;
use std::io::{self, BufRead, Read as _};
use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value as Json};

use super::{Command, WORDS, word_of};

/// The longest line: what a message to a running app can hold, with room to spare.
pub const LONGEST_LINE: usize = 512 << 10;
/// Labels that are remembered.
const MOST_LABELS: usize = 10_000;
/// The fields that name something.
const REFERENCES: &[&str] = &["scene", "before", "marker", "light", "drawing", "game"];

/// Lines read so far and what they made.
#[derive(Debug, Default)]
pub struct Script {
    labels: HashMap<String, String>,
}

/// What a line asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// A command for the session.
    Ask {
        /// The command's object with labels replaced.
        object: Map<String, Json>,
        /// What its result shall be called.
        label: Option<String>,
    },
    /// A pause of the script itself.
    Wait(Duration),
    /// A pause until the room sends an event of this type.
    WaitForEvent {
        /// Its type; any with `*`.
        kind: String,
        /// For how long.
        at_most: Duration,
    },
}

impl Script {
    /// Reads a line; `None` for an empty one and for a comment, which begins with `#`.
    ///
    /// # Errors
    /// One sentence.
    pub fn read(&self, line: &str) -> Result<Option<Step>, String> {
        // Some editors of Windows begin a file with a mark that says it is UTF-8.
        let line = line.trim_start_matches('\u{feff}').trim();
        if line.is_empty() || line.starts_with('#') {
            return Ok(None);
        }
        let mut object = match serde_json::from_str::<Json>(line) {
            Ok(Json::Object(object)) => object,
            Ok(_) => return Err("a command is a JSON object, {\"do\": …}".to_owned()),
            Err(error) => return Err(format!("this is not JSON: {error}")),
        };
        let label = match object.remove("as") {
            None | Some(Json::Null) => None,
            Some(Json::String(label)) if !label.trim().is_empty() && label.len() <= 200 => {
                Some(label)
            }
            Some(_) => return Err("“as” must be a short text".to_owned()),
        };
        let command = Command::parse(&object)?;
        if label.is_some() {
            let makes = |name: &str| word_of(name).is_some_and(|word| word.makes);
            if !object.get("do").and_then(Json::as_str).is_some_and(makes) {
                let makers: Vec<_> = WORDS.iter().filter(|word| word.makes).collect();
                let names: Vec<_> = makers.iter().map(|word| word.name).collect();
                return Err(format!(
                    "“as” is for what makes something: {}",
                    names.join(", ")
                ));
            }
        }
        match command {
            Command::Wait { time } => return Ok(Some(Step::Wait(time))),
            Command::WaitForEvent { kind, at_most } => {
                return Ok(Some(Step::WaitForEvent { kind, at_most }));
            }
            _ => {}
        }
        for name in REFERENCES {
            if let Some(Json::String(text)) = object.get_mut(*name)
                && let Some(id) = self.labels.get(text)
            {
                text.clone_from(id);
            }
        }
        if let Some(Json::String(file)) = object.get_mut("file") {
            *file = absolute(file)?;
        }
        Ok(Some(Step::Ask { object, label }))
    }

    /// Remembers what a command made.
    ///
    /// # Errors
    /// When nothing was made, or too many labels are remembered.
    pub fn learn(&mut self, label: String, answer: &Map<String, Json>) -> Result<(), String> {
        let made = ["marker", "light", "scene"]
            .into_iter()
            .find_map(|name| answer.get(name)?.as_str());
        let Some(id) = made else {
            return Err(format!("nothing was made that could be called “{label}”"));
        };
        if self.labels.len() >= MOST_LABELS && !self.labels.contains_key(&label) {
            return Err(format!("a script has {MOST_LABELS} labels at most"));
        }
        self.labels.insert(label, id.to_owned());
        Ok(())
    }
}

/// The first event in the answer of `events` that is of this type: its number and itself.
#[must_use]
pub fn event_of_kind(answer: &Map<String, Json>, kind: &str) -> Option<(u64, Json)> {
    answer.get("events")?.as_array()?.iter().find_map(|it| {
        let event = it.get("event")?;
        let fits = kind == "*" || event.get("type").and_then(Json::as_str) == Some(kind);
        fits.then(|| (it.get("number").and_then(Json::as_u64), event.clone()))
            .and_then(|(number, event)| Some((number?, event)))
    })
}

fn absolute(file: &str) -> Result<String, String> {
    let path = std::path::absolute(Path::new(file))
        .map_err(|error| format!("“{file}” cannot be found from here: {error}"))?;
    path.to_str()
        .map(str::to_owned)
        .ok_or_else(|| "the working folder has a name that is no text; use whole paths".to_owned())
}

/// Reads the next line, without its end; `None` at the end of the script.
///
/// # Errors
/// When it cannot be read.
pub fn next_line(from: &mut impl BufRead) -> io::Result<Option<Result<String, String>>> {
    let mut bytes = Vec::new();
    let most = LONGEST_LINE as u64 + 1;
    if from.take(most).read_until(b'\n', &mut bytes)? == 0 {
        return Ok(None);
    }
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    } else if bytes.len() > LONGEST_LINE {
        skip_line(from)?;
        return Ok(Some(Err(format!(
            "this line is longer than {} KiB",
            LONGEST_LINE >> 10
        ))));
    }
    let text = String::from_utf8(bytes).map_err(|_| "this line is not UTF-8".to_owned());
    Ok(Some(text))
}

fn skip_line(from: &mut impl BufRead) -> io::Result<()> {
    loop {
        let buffer = from.fill_buf()?;
        if buffer.is_empty() {
            return Ok(());
        }
        let (length, ends) = match buffer.iter().position(|byte| *byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (buffer.len(), false),
        };
        from.consume(length);
        if ends {
            return Ok(());
        }
    }
}
