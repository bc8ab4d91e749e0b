//! The plain value of one property.

use std::sync::Arc;

use super::color::Rgb;

/// A value as a document holds it. All numbers are `f64`; the documents switch between integer and
/// float encodings of the same field, which is the business of the document room.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// The JSON null.
    #[default]
    Null,
    /// A truth value.
    Bool(bool),
    /// A finite number.
    Number(f64),
    /// A text.
    Text(Arc<str>),
    /// Anything nested: a rich note.
    Json(Arc<serde_json::Value>),
}

impl Value {
    /// A text value.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Number(value)
    }
}

impl From<i64> for Value {
    #[expect(
        clippy::cast_precision_loss,
        reason = "document integers are far below 2^53"
    )]
    fn from(value: i64) -> Self {
        Self::Number(value as f64)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::text(value)
    }
}

impl From<Arc<str>> for Value {
    fn from(value: Arc<str>) -> Self {
        Self::Text(value)
    }
}

impl From<Rgb> for Value {
    fn from(value: Rgb) -> Self {
        Self::text(&value.to_hex())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A Rust type that a property can be read as.
pub trait FromValue: Sized {
    /// `None` when the value is of another type.
    fn from_value(value: &Value) -> Option<Self>;
}

impl FromValue for bool {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(b) => Some(*b),
            _ => None,
        }
    }
}

impl FromValue for f64 {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Number(n) if n.is_finite() => Some(*n),
            _ => None,
        }
    }
}

impl FromValue for i64 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "whole and within 2^53 by the guard"
    )]
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Number(n) if n.fract() == 0.0 && n.abs() <= 9_007_199_254_740_992.0 => {
                Some(*n as Self)
            }
            _ => None,
        }
    }
}

impl FromValue for Arc<str> {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Text(text) => Some(Self::clone(text)),
            _ => None,
        }
    }
}

impl FromValue for Rgb {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Text(text) => Self::parse(text),
            _ => None,
        }
    }
}

impl FromValue for Arc<serde_json::Value> {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Json(json) => Some(Self::clone(json)),
            _ => None,
        }
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            other => T::from_value(other).map(Some),
        }
    }
}
