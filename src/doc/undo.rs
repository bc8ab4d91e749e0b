//! Undo and redo: one user's history of inverse edits, a step a gesture.
//!
//! A step is taken back cell by cell, and only where a cell still holds what this user wrote: what
//! somebody else did since stays. A row that this user made goes only while nobody else changed it; a
//! row that this user deleted comes back as it was; a stroke is voided, not removed. Nobody's history
//! is in the documents.

use std::collections::{HashMap, VecDeque};

use yrs::{Any, TransactionMut};

use super::change::{self, Cell, Change};
use super::document::GameDoc;
use super::keys;
use super::origin::Origin;
use super::raw::Raw;
use super::write::Applied;
use crate::model::edit::RowRef;
use crate::model::stroke::MaskTarget;

/// How many steps are kept.
pub const DEPTH: usize = 200;

/// A user's steps in one game-session document.
#[derive(Debug, Default)]
pub struct History {
    done: VecDeque<Step>,
    undone: Vec<Step>,
    /// The gesture of the last step while it goes on.
    open: Option<u64>,
}

#[derive(Debug, Clone)]
struct Step {
    label: &'static str,
    changes: Vec<Change>,
    /// Where each cell's change is in `changes`.
    cells: HashMap<Cell, usize>,
}

/// What an undo or redo did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// The step's name.
    pub label: &'static str,
    /// How many of its changes were taken back.
    pub changed: usize,
    /// How many stayed, because somebody else has changed the same since or it is gone.
    pub kept: usize,
}

impl History {
    /// Adds what a gesture's edits did; edits of one gesture make one step.
    pub fn record(&mut self, gesture: u64, label: &'static str, applied: Applied) {
        if applied.changes.is_empty() {
            return;
        }
        self.undone.clear();
        if self.open != Some(gesture) || self.done.is_empty() {
            if self.done.len() >= DEPTH {
                self.done.pop_front();
            }
            self.done.push_back(Step::new(label));
            self.open = Some(gesture);
        }
        if let Some(step) = self.done.back_mut() {
            for change in applied.changes {
                step.add(change);
            }
        }
    }

    /// The gesture is over: the next edit begins a step, even under the same number.
    pub fn end_gesture(&mut self) {
        self.open = None;
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// How many steps can be taken back.
    #[must_use]
    pub fn undo_depth(&self) -> usize {
        self.done.len()
    }

    /// The name of the step that undo would take back.
    #[must_use]
    pub fn undo_label(&self) -> Option<&'static str> {
        self.done.back().map(|step| step.label)
    }

    /// The name of the step that redo would do again.
    #[must_use]
    pub fn redo_label(&self) -> Option<&'static str> {
        self.undone.last().map(|step| step.label)
    }

    /// Takes the last step back; `None` when there is none.
    pub fn undo(&mut self, doc: &mut GameDoc) -> Option<Taken> {
        self.end_gesture();
        let step = self.done.pop_back()?;
        let (again, taken) = step.take_back(doc);
        self.undone.push(again);
        Some(taken)
    }

    /// Does the last step that was taken back again; `None` when there is none.
    pub fn redo(&mut self, doc: &mut GameDoc) -> Option<Taken> {
        self.end_gesture();
        let step = self.undone.pop()?;
        let (again, taken) = step.take_back(doc);
        self.done.push_back(again);
        Some(taken)
    }
}

impl Step {
    fn new(label: &'static str) -> Self {
        Self {
            label,
            changes: Vec::new(),
            cells: HashMap::new(),
        }
    }

    /// Adds a change, as one with an earlier change of the same place where that says the same.
    fn add(&mut self, change: Change) {
        let Change::Cell {
            cell,
            before,
            after,
        } = change
        else {
            if !self.fold_row_into_scene(&change) {
                self.changes.push(change);
            }
            // What lay before a row came or went does not merge with what comes after.
            self.cells.clear();
            return;
        };
        if let Some(Change::Cell {
            before: earlier_before,
            after: earlier_after,
            ..
        }) = self
            .cells
            .get(&cell)
            .and_then(|index| self.changes.get_mut(*index))
        {
            // Somebody else wrote in between: theirs is what to come back to.
            if *earlier_after != before {
                *earlier_before = before;
            }
            *earlier_after = after;
            return;
        }
        if self.fold_into_tree(&cell, before.as_ref(), after.as_ref()) {
            return;
        }
        self.cells.insert(cell.clone(), self.changes.len());
        self.changes.push(Change::Cell {
            cell,
            before,
            after,
        });
    }

    /// A row that came or went in a scene that this step made is part of its making.
    fn fold_row_into_scene(&mut self, change: &Change) -> bool {
        let Change::Tree {
            row: RowRef::InScene { scene, kind, id },
            before,
            after,
        } = change
        else {
            return false;
        };
        let made = RowRef::Scene(scene.clone());
        let Some(Raw::Map(rows)) = super::read::collection_key(*kind).and_then(|key| {
            self.changes
                .iter_mut()
                .rev()
                .find_map(|change| match change {
                    Change::Tree {
                        row,
                        before: None,
                        after: Some(Raw::Map(parts)),
                    } if *row == made => parts.get_mut(key),
                    _ => None,
                })
        }) else {
            return false;
        };
        if rows.get(id.as_str()) != before.as_ref() {
            return false;
        }
        match after {
            Some(tree) => rows.insert(id.as_str().into(), tree.clone()),
            None => rows.remove(id.as_str()),
        };
        true
    }

    /// A change of a row that this step made is part of its making.
    fn fold_into_tree(&mut self, cell: &Cell, before: Option<&Any>, after: Option<&Any>) -> bool {
        let Cell::Row(row, key) = cell else {
            return false;
        };
        let Some(Raw::Map(entries)) = self
            .changes
            .iter_mut()
            .rev()
            .find_map(|change| made_row(change, row))
        else {
            return false;
        };
        let held = match entries.get(key) {
            Some(Raw::Plain(any)) => Some(any),
            Some(Raw::Map(_)) => return false,
            None => None,
        };
        if held != before {
            return false;
        }
        match after {
            Some(any) => entries.insert(key.clone(), Raw::Plain(any.clone())),
            None => entries.remove(key),
        };
        true
    }

    /// Takes the step back and returns the step that would do it again.
    fn take_back(self, doc: &mut GameDoc) -> (Self, Taken) {
        let me = doc.replica.client_id();
        let mut again = Self::new(self.label);
        let mut kept = 0;
        let mut txn = doc.replica.write(Origin::Undo);
        // The rows that this step made, and whether they can go.
        let made: Vec<(RowRef, bool)> = self
            .changes
            .iter()
            .filter_map(|change| match change {
                Change::Tree {
                    row,
                    before: None,
                    after: Some(tree),
                } => Some((row.clone(), self.is_untouched(&txn, row, tree, me))),
                _ => None,
            })
            .collect();
        for change in self.changes.iter().rev() {
            let goes = made
                .iter()
                .find(|(row, _)| is_part_of(change, row))
                .map(|(_, goes)| *goes);
            match goes {
                // It goes with its row.
                Some(true) => {}
                // A row that stays because somebody else works on it stays whole.
                Some(false) => kept += 1,
                None => {
                    if !take_back(&mut txn, change, &made, &mut again.changes) {
                        kept += 1;
                    }
                }
            }
        }
        drop(txn);
        for (index, change) in again.changes.iter().enumerate() {
            if let Change::Cell { cell, .. } = change {
                again.cells.insert(cell.clone(), index);
            }
        }
        let taken = Taken {
            label: again.label,
            changed: again.changes.len(),
            kept,
        };
        (again, taken)
    }

    /// Whether a row that this step made is as this user left it.
    fn is_untouched(&self, txn: &TransactionMut, row: &RowRef, tree: &Raw, me: u64) -> bool {
        let mine = |key: &str, value: &Any| {
            let Some(parsed) = keys::parse(key) else {
                return false;
            };
            match (parsed.kind.as_str(), value) {
                (keys::VOID | keys::BASE | keys::PROJECTED, _) => true,
                (keys::STROKE, Any::Buffer(bytes)) => super::strokes::decode("", bytes)
                    .is_some_and(|stroke| stroke.stamp.client == me),
                _ => self.changes.iter().any(|change| {
                    matches!(change, Change::Cell { cell: Cell::Ours(written), after, .. }
                        if &**written == key && after.as_ref() == Some(value))
                }),
            }
        };
        change::read_tree(txn, row).as_ref() == Some(tree)
            && change::ours_of_row(txn, row)
                .iter()
                .all(|(key, value)| mine(key, value))
    }
}

/// Whether a change is of a row, or of something in it, other than its coming or going.
fn is_part_of(change: &Change, row: &RowRef) -> bool {
    match change {
        Change::Cell {
            cell: Cell::Ours(key),
            ..
        } => change::belongs(key, row),
        Change::Cell {
            cell: Cell::Row(of, _),
            ..
        } => of == row || matches!(row, RowRef::Scene(scene) if of.scene() == Some(scene)),
        Change::Stroke { scene, target, .. } => match (row, target) {
            (RowRef::Scene(made), _) => made == scene,
            (made, MaskTarget::Annotation(id)) => *made == RowRef::annotation(scene, id),
            _ => false,
        },
        Change::Tree { row: of, .. } => {
            of != row && matches!(row, RowRef::Scene(scene) if of.scene() == Some(scene))
        }
    }
}
/// The map of a row in a change that made it: of the row itself, or of the scene around it.
fn made_row<'c>(change: &'c mut Change, row: &RowRef) -> Option<&'c mut Raw> {
    let Change::Tree {
        row: made,
        after: Some(tree),
        before: None,
    } = change
    else {
        return None;
    };
    let inside = |tree: &'c mut Raw, key: &str| match tree {
        Raw::Map(entries) => entries.get_mut(key),
        Raw::Plain(_) => None,
    };
    match (&*made, row) {
        (RowRef::Scene(made), RowRef::Scene(scene)) if made == scene => inside(tree, "settings"),
        (RowRef::Scene(made), RowRef::InScene { scene, kind, id }) if made == scene => {
            let collection = inside(tree, super::read::collection_key(*kind)?)?;
            inside(collection, id.as_str())
        }
        (made, row) if made == row => Some(tree),
        _ => None,
    }
}

/// Carries the opposite of a change out and notes what would do it again; `false` when it must not be.
fn take_back(
    txn: &mut TransactionMut,
    change: &Change,
    made: &[(RowRef, bool)],
    again: &mut Vec<Change>,
) -> bool {
    match change {
        Change::Cell {
            cell,
            before,
            after,
        } => {
            let still_there = change::read_cell(txn, cell).as_ref() == Ok(after);
            if !still_there || (before.is_some() && !has_owner(txn, cell)) {
                return false;
            }
            change::write_cell(txn, cell, before.as_ref());
            again.push(Change::Cell {
                cell: cell.clone(),
                before: after.clone(),
                after: before.clone(),
            });
            true
        }
        Change::Tree {
            row,
            before: None,
            after: Some(tree),
        } => {
            if !made.contains(&(row.clone(), true)) {
                return false;
            }
            for (key, value) in change::ours_of_row(txn, row) {
                let cell = Cell::Ours(key);
                change::write_cell(txn, &cell, None);
                again.push(Change::Cell {
                    cell,
                    before: Some(value),
                    after: None,
                });
            }
            change::remove_tree(txn, row);
            again.push(Change::Tree {
                row: row.clone(),
                before: Some(tree.clone()),
                after: None,
            });
            true
        }
        Change::Tree {
            row,
            before: Some(tree),
            after: None,
        } => {
            if change::read_tree(txn, row).is_some() || !change::write_tree(txn, row, tree) {
                return false;
            }
            again.push(Change::Tree {
                row: row.clone(),
                before: None,
                after: Some(tree.clone()),
            });
            true
        }
        Change::Tree { .. } => false,
        Change::Stroke { scene, target, id } => {
            let drawn = keys::stroke_key(keys::STROKE, scene, target, id);
            // A stroke that was compacted into the base cannot be taken out of it.
            if !matches!(
                change::read_cell(txn, &Cell::Ours(drawn.into())),
                Ok(Some(_))
            ) {
                return false;
            }
            let void = Cell::Ours(keys::stroke_key(keys::VOID, scene, target, id).into());
            change::write_cell(txn, &void, Some(&Any::Bool(true)));
            again.push(Change::Cell {
                cell: void,
                before: None,
                after: Some(Any::Bool(true)),
            });
            true
        }
    }
}

/// Whether the row that a key of ours belongs to is there: nothing is written for a deleted one.
fn has_owner(txn: &TransactionMut, cell: &Cell) -> bool {
    let Cell::Ours(key) = cell else { return true };
    let Some(parsed) = keys::parse(key) else {
        return true;
    };
    super::read::scene_map(txn, &parsed.scene).is_some()
}
