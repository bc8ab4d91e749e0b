//! The fields of a command's object, taken one by one; what is left at the end nobody knows.

use serde_json::{Map, Value as Json};

use crate::model::property::RowKind;

use super::Word;

/// The longest name or text that a sentence quotes.
const QUOTED: usize = 60;

pub(super) struct Fields<'m> {
    word: &'static Word,
    object: &'m Map<String, Json>,
    known: Vec<&'static str>,
}

impl<'m> Fields<'m> {
    pub(super) fn of(word: &'static Word, object: &'m Map<String, Json>) -> Self {
        Self {
            word,
            object,
            known: vec!["do"],
        }
    }

    /// A field as it is; null counts as left out.
    pub(super) fn get(&mut self, name: &'static str) -> Option<&'m Json> {
        self.known.push(name);
        self.object.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn need(&mut self, name: &'static str) -> Result<&'m Json, String> {
        self.get(name).ok_or_else(|| missing(name))
    }

    /// A text that is not empty.
    pub(super) fn text(&mut self, name: &'static str) -> Result<Option<String>, String> {
        match self.get(name) {
            None => Ok(None),
            Some(Json::String(text)) if !text.trim().is_empty() => Ok(Some(text.clone())),
            Some(Json::String(_)) => Err(format!("“{name}” is empty")),
            Some(_) => Err(format!("“{name}” must be a text")),
        }
    }

    pub(super) fn need_text(&mut self, name: &'static str) -> Result<String, String> {
        self.text(name)?.ok_or_else(|| missing(name))
    }

    /// A text that has to be there; null is a value of its own.
    pub(super) fn text_or_null(&mut self, name: &'static str) -> Result<Option<String>, String> {
        if self.object.contains_key(name) {
            self.text(name)
        } else {
            self.known.push(name);
            Err(missing(name))
        }
    }

    pub(super) fn flag(&mut self, name: &'static str) -> Result<bool, String> {
        match self.get(name) {
            None => Ok(false),
            Some(Json::Bool(on)) => Ok(*on),
            Some(_) => Err(format!("“{name}” must be true or false")),
        }
    }

    pub(super) fn need_number(
        &mut self,
        name: &'static str,
        least: f64,
        most: f64,
    ) -> Result<f64, String> {
        self.need(name)?
            .as_f64()
            .filter(|number| (least..=most).contains(number))
            .ok_or_else(|| format!("“{name}” must be a number from {least} to {most}"))
    }

    pub(super) fn choice(
        &mut self,
        name: &'static str,
        of: &'static [&'static str],
    ) -> Result<Option<&'static str>, String> {
        let wrong = || format!("“{name}” must be one of {}", of.join(", "));
        match self.get(name) {
            None => Ok(None),
            Some(value) => of
                .iter()
                .find(|choice| value.as_str() == Some(choice))
                .map(|choice| Some(*choice))
                .ok_or_else(wrong),
        }
    }

    /// The one marker, light or drawing that is named.
    pub(super) fn row_of_scene(&mut self) -> Result<Option<(RowKind, String)>, String> {
        let mut found = None;
        for (name, kind) in [
            ("marker", RowKind::Marker),
            ("light", RowKind::Light),
            ("drawing", RowKind::Annotation),
        ] {
            if let Some(row) = self.text(name)? {
                if found.is_some() {
                    return Err(
                        "only one of “marker”, “light” and “drawing” can be named".to_owned()
                    );
                }
                found = Some((kind, row));
            }
        }
        Ok(found)
    }

    pub(super) fn finish(self) -> Result<(), String> {
        let unknown = self
            .object
            .keys()
            .find(|key| !self.known.contains(&key.as_str()));
        match unknown {
            None => Ok(()),
            Some(key) => Err(format!(
                "{} has no field “{}”{}",
                self.word.name,
                shortened(key),
                did_you_mean(key, self.known.iter().copied())
            )),
        }
    }
}

pub(super) fn missing(name: &str) -> String {
    format!("“{name}” is missing")
}

/// A text as a sentence can quote it.
pub(super) fn shortened(text: &str) -> String {
    if text.chars().count() <= QUOTED {
        text.to_owned()
    } else {
        text.chars().take(QUOTED).chain(['…']).collect()
    }
}

/// "; did you mean “x”?" where something is near.
pub(super) fn did_you_mean<'n>(asked: &str, names: impl Iterator<Item = &'n str>) -> String {
    if asked.len() > QUOTED {
        return String::new();
    }
    names
        .map(|name| (distance(asked, name), name))
        .filter(|(far, name)| *far <= 2.max(name.len() / 4))
        .min()
        .map(|(_, name)| format!(" (did you mean “{name}”?)"))
        .unwrap_or_default()
}

/// How many letters have to be changed, put in or taken out.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (above, to) in row.iter().skip(1).zip(&b) {
            let same = from.eq_ignore_ascii_case(to);
            left = (diagonal + usize::from(!same)).min(above + 1).min(left + 1);
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}
