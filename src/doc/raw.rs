//! Values as the document library holds them, and the way to ours and to JSON.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine as _;
use yrs::types::ToJson as _;
use yrs::{Any, In, Map as _, MapPrelim, MapRef, Out, ReadTxn};

use crate::model::value::Value;

/// A whole part of a document, detached from it: a plain value or a map of such.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Raw {
    /// A plain value.
    Plain(Any),
    /// A shared map.
    Map(BTreeMap<Arc<str>, Self>),
}

impl Raw {
    /// Takes a copy of what a document holds.
    pub(super) fn of<T: ReadTxn>(value: Out, txn: &T) -> Self {
        match value {
            Out::Any(any) => Self::Plain(any),
            Out::YMap(map) => Self::of_map(&map, txn),
            Out::YText(other) => {
                Self::Plain(Any::String(yrs::GetString::get_string(&other, txn).into()))
            }
            Out::YArray(other) => Self::Plain(other.to_json(txn)),
            _ => Self::Plain(Any::Undefined),
        }
    }

    /// Takes a copy of a shared map.
    pub(super) fn of_map<T: ReadTxn>(map: &MapRef, txn: &T) -> Self {
        Self::Map(
            map.iter(txn)
                .map(|(key, value)| (Arc::from(key), Self::of(value, txn)))
                .collect(),
        )
    }

    /// The same as something that can be put into a document.
    pub(super) fn to_prelim(&self) -> In {
        match self {
            Self::Plain(any) => In::Any(any.clone()),
            Self::Map(entries) => In::Map(
                entries
                    .iter()
                    .map(|(key, value)| (key.clone(), value.to_prelim()))
                    .collect::<MapPrelim>(),
            ),
        }
    }

    /// An entry of a map.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Map(entries) => entries.get(key),
            Self::Plain(_) => None,
        }
    }

    /// A plain entry of a map; undefined counts as absent.
    pub(super) fn plain(&self, key: &str) -> Option<&Any> {
        match self.get(key)? {
            Self::Plain(Any::Undefined) | Self::Map(_) => None,
            Self::Plain(any) => Some(any),
        }
    }

    /// Puts a plain value into a map; a plain value stays what it is.
    pub(super) fn put(&mut self, key: &str, value: impl Into<Any>) {
        if let Self::Map(entries) = self {
            entries.insert(key.into(), Self::Plain(value.into()));
        }
    }
}

/// A number as it is written: whole ones as integers, as web clients write them; `None` for what
/// must never be written.
pub(super) fn any_from_number(number: f64) -> Option<Any> {
    number
        .is_finite()
        .then(|| Any::Number(yrs::any::Number::try_i64(number)))
}

/// A property's value as it is written; `None` for what must never be written.
pub(super) fn any_from_value(value: &Value) -> Option<Any> {
    Some(match value {
        Value::Null => Any::Null,
        Value::Bool(b) => Any::Bool(*b),
        Value::Number(n) => return any_from_number(*n),
        Value::Text(text) => Any::String(Arc::clone(text)),
        Value::Json(json) => return any_from_json(json),
    })
}

/// A nested value as it is written; `None` for one with a number that must never be written.
pub(super) fn any_from_json(json: &serde_json::Value) -> Option<Any> {
    Some(match json {
        serde_json::Value::Null => Any::Null,
        serde_json::Value::Bool(b) => Any::Bool(*b),
        serde_json::Value::Number(n) => return any_from_number(n.as_f64()?),
        serde_json::Value::String(s) => Any::String(s.as_str().into()),
        serde_json::Value::Array(items) => Any::Array(
            items
                .iter()
                .map(any_from_json)
                .collect::<Option<Vec<_>>>()?
                .into(),
        ),
        serde_json::Value::Object(entries) => Any::Map(Arc::new(
            entries
                .iter()
                .map(|(key, value)| Some((key.clone(), any_from_json(value)?)))
                .collect::<Option<HashMap<_, _>>>()?,
        )),
    })
}

/// A plain value as ours: `Ok(None)` when it counts as absent.
///
/// # Errors
/// Bytes, which no property has.
pub(super) fn value_from_any(any: &Any) -> Result<Option<Value>, ()> {
    Ok(Some(match any {
        Any::Undefined => return Ok(None),
        Any::Null => Value::Null,
        Any::Bool(b) => Value::Bool(*b),
        Any::Number(n) => Value::Number(number_from_any(*n)),
        Any::String(text) => Value::Text(Arc::clone(text)),
        Any::Array(_) | Any::Map(_) => Value::Json(Arc::new(json_from_any(any))),
        Any::Buffer(_) => return Err(()),
    }))
}

/// A number, whichever way it was encoded.
#[expect(
    clippy::cast_precision_loss,
    reason = "what JavaScript does with a big integer"
)]
pub(super) fn number_from_any(number: yrs::any::Number) -> f64 {
    match number {
        yrs::any::Number::Int(n) => n as f64,
        yrs::any::Number::Float(n) => n,
    }
}

/// A plain value as JSON: whole numbers as integers, bytes as `{"$base64"}`, keys in order, undefined
/// entries left out, numbers that JSON has no word for as null.
pub(super) fn json_from_any(any: &Any) -> serde_json::Value {
    match any {
        Any::Null | Any::Undefined => serde_json::Value::Null,
        Any::Bool(b) => (*b).into(),
        Any::Number(n) => json_from_number(number_from_any(*n)),
        Any::String(text) => (&**text).into(),
        Any::Buffer(bytes) => {
            let text = base64::engine::general_purpose::STANDARD.encode(bytes);
            serde_json::json!({ "$base64": text })
        }
        Any::Array(items) => items.iter().map(json_from_any).collect(),
        Any::Map(entries) => {
            let sorted: BTreeMap<_, _> = entries
                .iter()
                .filter(|(_, value)| !matches!(value, Any::Undefined))
                .collect();
            serde_json::Value::Object(
                sorted
                    .into_iter()
                    .map(|(key, value)| (key.clone(), json_from_any(value)))
                    .collect(),
            )
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "whole and within 2^53 by the guard"
)]
fn json_from_number(number: f64) -> serde_json::Value {
    if number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0 {
        (number as i64).into()
    } else {
        serde_json::Number::from_f64(number).map_or(serde_json::Value::Null, Into::into)
    }
}
