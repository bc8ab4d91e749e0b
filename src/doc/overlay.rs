//! What this user has changed and what is not written yet: reads give it in place of what the document
//! holds, so that a change shows in the next frame while its transaction waits for others.
//!
//! Values only: a row that is not in the document has none, and no row comes or goes here. Written or
//! withdrawn, an assignment leaves; after a flush nothing is left. Must not know when that is. Called
//! by [`crate::session`], which holds the queue ([`crate::broadcast`]).

use std::collections::{BTreeMap, HashMap};

use yrs::Any;

use super::document::{self, GameDoc, SCHEMA_VERSION};
use super::write::writable;
use crate::model::edit::{Assignment, RowRef};
use crate::model::property::Property;

/// Pending values by row and key.
#[derive(Debug, Default)]
pub(super) struct Overlay {
    rows: HashMap<RowRef, BTreeMap<&'static str, Any>>,
}

impl Overlay {
    /// The pending values of a row.
    pub(super) fn row(&self, row: &RowRef) -> Option<&BTreeMap<&'static str, Any>> {
        self.rows.get(row)
    }
}

impl GameDoc {
    /// Shows assignments of a row before they are written. What [`Self::apply`] would refuse is not
    /// shown; it is told when it is written.
    pub fn show_pending(&mut self, row: &RowRef, values: &[Assignment]) {
        let schema = document::schema_version(&self.replica.read());
        if schema.is_none_or(|version| version > SCHEMA_VERSION) {
            return;
        }
        for assignment in values {
            let Ok(any) = writable(row, assignment) else {
                continue;
            };
            let key = assignment.property.key;
            let held = self.overlay.rows.entry(row.clone()).or_default();
            if held.get(key) != Some(&any) {
                held.insert(key, any);
                self.replica.note_dirty(row, key);
            }
        }
    }

    /// Takes back what was shown of a row's property and never written.
    pub fn withdraw_pending(&mut self, row: &RowRef, property: &Property) {
        let Some(held) = self.overlay.rows.get_mut(row) else {
            return;
        };
        if held.remove(property.key).is_some() {
            self.replica.note_dirty(row, property.key);
        }
        if held.is_empty() {
            self.overlay.rows.remove(row);
        }
    }

    /// Nothing is pending any more: what was shown is about to be written.
    pub fn clear_pending(&mut self) {
        for (row, held) in std::mem::take(&mut self.overlay.rows) {
            for key in held.into_keys() {
                self.replica.note_dirty(&row, key);
            }
        }
    }

    /// Something is shown that is not written.
    #[must_use]
    pub fn has_pending(&self) -> bool {
        !self.overlay.rows.is_empty()
    }
}
