//! Properties by their script names, checked by the one table of properties.

use serde_json::{Map, Value as Json, json};

use crate::doc::read::table_of;
use crate::model::edit::Assignment;
use crate::model::property::{Delay, Kind, Property, Refused, RowKind};
use crate::model::value::Value;

use super::fields::{did_you_mean, shortened};

const KINDS: [RowKind; 5] = [
    RowKind::Scene,
    RowKind::Marker,
    RowKind::Light,
    RowKind::Annotation,
    RowKind::Party,
];

/// What says which row it is, not how it is.
const NAMES_OF_ROWS: &[&str] = &["id", "sceneId", "gameSessionId"];

/// The word before the dot in a script name.
pub(super) const fn prefix(kind: RowKind) -> &'static str {
    match kind {
        RowKind::Scene => "scene",
        RowKind::Marker => "marker",
        RowKind::Light => "light",
        RowKind::Annotation => "drawing",
        RowKind::Party => "party",
    }
}

fn all() -> impl Iterator<Item = &'static Property> {
    KINDS
        .into_iter()
        .flat_map(|kind| table_of(kind).properties)
        .filter(|property| property.delay != Delay::Local)
}

/// Whether a script may set it.
pub(super) fn is_settable(property: &Property) -> bool {
    !NAMES_OF_ROWS.contains(&property.key)
}

/// The assignments of `{"marker.size": 2, …}`, all of one kind of row.
pub(super) fn assignments(
    json: &Json,
    kind: Option<RowKind>,
) -> Result<(RowKind, Vec<Assignment>), String> {
    let object = json
        .as_object()
        .filter(|object| !object.is_empty())
        .ok_or("“values” must be an object, for example {\"marker.size\": 2}")?;
    let mut kind = kind;
    let mut values = Vec::new();
    for (name, value) in object {
        let property = find(name)?;
        if *kind.get_or_insert(property.row) != property.row {
            return Err(format!(
                "{name} is a property of another kind of thing than the rest of this command"
            ));
        }
        values.push(Assignment {
            property,
            value: checked(property, value)?,
        });
    }
    match kind {
        Some(kind) => Ok((kind, values)),
        None => Err("“values” is empty".to_owned()),
    }
}

fn find(name: &str) -> Result<&'static Property, String> {
    let found = name.split_once('.').and_then(|(row, key)| {
        let kind = KINDS.into_iter().find(|kind| prefix(*kind) == row)?;
        let property = table_of(kind).by_key(key)?;
        (property.delay != Delay::Local).then_some(property)
    });
    match found {
        Some(property) if is_settable(property) => Ok(property),
        Some(_) => Err(format!("{name} says which one it is and cannot be set")),
        None => {
            let names: Vec<String> = all().map(Property::script_name).collect();
            Err(format!(
                "there is no property “{}”{}; `tableglow run --properties` lists them",
                shortened(name),
                did_you_mean(name, names.iter().map(String::as_str))
            ))
        }
    }
}

fn checked(property: &'static Property, json: &Json) -> Result<Value, String> {
    let value = match (json, property.kind) {
        (Json::Null, _) => Value::Null,
        (Json::Bool(on), _) => Value::Bool(*on),
        (Json::Number(number), _) => number.as_f64().map_or(Value::Null, Value::Number),
        // The words that the panel shows are easier to remember than their numbers.
        (Json::String(word), Kind::Choice(choices)) => choices
            .iter()
            .find(|(_, label)| label.eq_ignore_ascii_case(word))
            .map_or_else(|| Value::text(word), |(code, _)| Value::from(*code)),
        (Json::String(text), _) => Value::text(text),
        (nested, _) => Value::Json(nested.clone().into()),
    };
    property
        .check(value)
        .map_err(|refused| match property.kind {
            Kind::Choice(choices) => {
                let choices: Vec<String> = choices
                    .iter()
                    .map(|(code, label)| format!("{code} ({label})"))
                    .collect();
                format!(
                    "{} must be one of {}",
                    property.script_name(),
                    choices.join(", ")
                )
            }
            Kind::Word(words) => {
                let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                format!(
                    "{} must be one of {}",
                    property.script_name(),
                    words.join(", ")
                )
            }
            Kind::Int { min, max, .. } if matches!(refused, Refused::Type { .. }) => format!(
                "{} must be a whole number from {min} to {max}",
                property.script_name()
            ),
            _ => refused.to_string(),
        })
}

/// A value as JSON; whole numbers without a fraction.
#[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53")]
pub(super) fn json_of(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(on) => (*on).into(),
        Value::Number(n) if n.fract() == 0.0 && n.abs() < 9e15 => (*n as i64).into(),
        Value::Number(n) => (*n).into(),
        Value::Text(text) => (**text).into(),
        Value::Json(json) => (**json).clone(),
    }
}

/// Every property that `set` knows, by script name: its type, range or choices, default and label.
#[must_use]
pub fn properties_json() -> Json {
    let list: Map<String, Json> = all()
        .filter(|property| is_settable(property))
        .map(|property| {
            let mut told = match property.kind {
                Kind::Bool => json!({"type": "true or false"}),
                Kind::Int { min, max, .. } => {
                    json!({"type": "whole number", "least": min, "most": max})
                }
                Kind::Number { min, max, .. } => {
                    json!({"type": "number", "least": json_of(&min.into()), "most": json_of(&max.into())})
                }
                Kind::Color => json!({"type": "colour"}),
                Kind::Text { .. } => json!({"type": "text"}),
                Kind::Choice(choices) => {
                    let choices: Map<String, Json> = choices
                        .iter()
                        .map(|(code, label)| (code.to_string(), (*label).into()))
                        .collect();
                    json!({"type": "choice", "choices": choices})
                }
                Kind::Word(words) => {
                    let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                    json!({"type": "choice", "choices": words})
                }
                Kind::Json => json!({"type": "rich note"}),
            };
            if let Some(told) = told.as_object_mut() {
                let nullable = property.check(Value::Null).is_ok();
                if nullable {
                    told.insert("orNull".to_owned(), true.into());
                }
                told.insert("default".to_owned(), json_of(&property.default_value()));
                told.insert("label".to_owned(), property.label.into());
            }
            (property.script_name(), told)
        })
        .collect();
    Json::Object(list)
}
