//! A row: the values of all properties of one scene, marker, light, drawing or party.

use std::sync::Arc;

use super::property::{Audience, Prop, Property, RowKind, Table};
use super::value::{FromValue, Value};

/// The values of one row, one for each property of its table. Cheap to clone, never changes.
#[derive(Debug, Clone)]
pub struct Row {
    values: Arc<[Value]>,
    kind: RowKind,
}

impl PartialEq for Row {
    fn eq(&self, other: &Self) -> bool {
        // Most rows that are compared are copies of one another.
        self.kind == other.kind
            && (Arc::ptr_eq(&self.values, &other.values) || self.values == other.values)
    }
}

impl Row {
    /// A row of defaults.
    #[must_use]
    pub fn defaults(table: &Table) -> Self {
        Self {
            values: table
                .properties
                .iter()
                .map(Property::default_value)
                .collect(),
            kind: table.row,
        }
    }

    /// A row that takes each property's value from `read`; `None` stands for the default.
    pub fn read_with(table: &Table, mut read: impl FnMut(&Property) -> Option<Value>) -> Self {
        Self {
            values: table
                .properties
                .iter()
                .map(|property| read(property).unwrap_or_else(|| property.default_value()))
                .collect(),
            kind: table.row,
        }
    }

    /// The kind of row.
    #[must_use]
    pub fn kind(&self) -> RowKind {
        self.kind
    }

    /// A property as its Rust type.
    #[must_use]
    pub fn get<T: FromValue + Default>(&self, prop: Prop<T>) -> T {
        self.value(prop.property())
            .and_then(T::from_value)
            .or_else(|| T::from_value(&prop.property().default_value()))
            .unwrap_or_default()
    }

    /// A property's plain value; `None` when the property belongs to another table.
    #[must_use]
    pub fn value(&self, property: &Property) -> Option<&Value> {
        (property.row == self.kind)
            .then(|| self.values.get(property.index))
            .flatten()
    }

    /// This row with one value replaced; the same row when the property belongs to another table.
    #[must_use]
    pub fn with(&self, property: &Property, value: Value) -> Self {
        let mut values: Vec<Value> = self.values.to_vec();
        if property.row == self.kind
            && let Some(slot) = values.get_mut(property.index)
        {
            *slot = value;
        }
        Self {
            values: values.into(),
            kind: self.kind,
        }
    }

    /// This row as a player may hold it: what is the DM's alone is its default.
    #[must_use]
    pub fn for_players(&self, table: &Table) -> Self {
        Self::read_with(table, |property| match property.audience {
            Audience::Everyone | Audience::Picture => self.value(property).cloned(),
            Audience::DmOnly => None,
        })
    }
}
