//! What a transaction of ours changed, cell by cell: the material that undo works with.

use std::sync::Arc;

use yrs::{Any, Map as _, MapRef, Out, ReadTxn, TransactionMut, WriteTxn as _};

use super::raw::Raw;
use super::read::{collection_key, map_in, row_map, scene_map};
use super::{document, keys};
use crate::model::edit::RowRef;
use crate::model::id::SceneId;
use crate::model::stroke::MaskTarget;

/// One place in a document that holds one plain value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Cell {
    /// A key of a row's shared map.
    Row(RowRef, Arc<str>),
    /// A key of our own root.
    Ours(Arc<str>),
}

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Change {
    /// A cell got another value; `None` is absent.
    Cell {
        cell: Cell,
        before: Option<Any>,
        after: Option<Any>,
    },
    /// A whole row or scene came or went.
    Tree {
        row: RowRef,
        before: Option<Raw>,
        after: Option<Raw>,
    },
    /// A stroke was drawn.
    Stroke {
        scene: SceneId,
        target: MaskTarget,
        id: Arc<str>,
    },
}

/// A cell's value now; `Err` when the row that it belongs to is not there.
pub(super) fn read_cell<T: ReadTxn>(txn: &T, cell: &Cell) -> Result<Option<Any>, ()> {
    let (map, key) = match cell {
        Cell::Row(row, key) => (row_map(txn, row).ok_or(())?, key),
        Cell::Ours(key) => match txn.get_map(document::OURS) {
            Some(map) => (map, key),
            None => return Ok(None),
        },
    };
    Ok(match map.get(txn, key) {
        Some(Out::Any(Any::Undefined)) | None => None,
        Some(Out::Any(any)) => Some(any),
        // Something that is no plain value is no value of ours: never equal to one.
        Some(_) => Some(Any::Undefined),
    })
}

/// Writes a cell; nothing happens when the row that it belongs to is not there.
pub(super) fn write_cell(txn: &mut TransactionMut, cell: &Cell, value: Option<&Any>) {
    let (map, key) = match cell {
        Cell::Row(row, key) => match row_map(txn, row) {
            Some(map) => (map, key),
            None => return,
        },
        Cell::Ours(key) => (txn.get_or_insert_map(document::OURS), key),
    };
    match value {
        Some(any) => {
            map.insert(txn, Arc::clone(key), any.clone());
        }
        None => {
            map.remove(txn, key);
        }
    }
}

/// The map that holds a row or scene, and its key there.
fn holder(txn: &mut TransactionMut, row: &RowRef) -> Option<(MapRef, Arc<str>)> {
    match row {
        RowRef::Scene(scene) => Some((
            txn.get_or_insert_map(document::SCENES),
            scene.as_str().into(),
        )),
        RowRef::InScene { scene, kind, id } => {
            let entry = scene_map(txn, scene)?;
            let key = collection_key(*kind)?;
            let collection = match map_in(&entry, txn, key) {
                Some(collection) => collection,
                // A scene of ours always has its collections; a foreign one may lack some.
                None => entry.insert(txn, key, yrs::MapPrelim::default()),
            };
            Some((collection, id.as_str().into()))
        }
        RowRef::Party => None,
    }
}

/// A whole row or scene now.
pub(super) fn read_tree(txn: &TransactionMut, row: &RowRef) -> Option<Raw> {
    let map = match row {
        RowRef::Scene(scene) => scene_map(txn, scene),
        _ => row_map(txn, row),
    };
    map.map(|map| Raw::of_map(&map, txn))
}

/// Creates a whole row or scene; `false` when it cannot be held.
pub(super) fn write_tree(txn: &mut TransactionMut, row: &RowRef, tree: &Raw) -> bool {
    let Some((map, key)) = holder(txn, row) else {
        return false;
    };
    map.insert(txn, key, tree.to_prelim());
    true
}

/// Deletes a whole row or scene.
pub(super) fn remove_tree(txn: &mut TransactionMut, row: &RowRef) {
    if let Some((map, key)) = holder(txn, row) {
        map.remove(txn, &key);
    }
}

/// Our own keys that belong to a row, with their values.
pub(super) fn ours_of_row(txn: &TransactionMut, row: &RowRef) -> Vec<(Arc<str>, Any)> {
    let Some(ours) = txn.get_map(document::OURS) else {
        return Vec::new();
    };
    let mut found: Vec<(Arc<str>, Any)> = ours
        .iter(txn)
        .filter_map(|(key, value)| match value {
            Out::Any(any) if belongs(key, row) => Some((key.into(), any)),
            _ => None,
        })
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

/// Whether a key of ours is about a row, or about something in a scene.
pub(super) fn belongs(key: &str, row: &RowRef) -> bool {
    let Some(parsed) = keys::parse(key) else {
        return false;
    };
    match row {
        RowRef::Scene(scene) => parsed.scene == *scene,
        RowRef::InScene { scene, kind, id } => {
            let kinds: &[&str] = match kind {
                crate::model::property::RowKind::Annotation => &[
                    "annotation",
                    keys::STROKE,
                    keys::VOID,
                    keys::BASE,
                    keys::PROJECTED,
                ],
                other => &[keys::word(*other)],
            };
            parsed.scene == *scene
                && parsed
                    .rest
                    .first()
                    .is_some_and(|first| first == id.as_str())
                && kinds.contains(&parsed.kind.as_str())
        }
        RowRef::Party => false,
    }
}
