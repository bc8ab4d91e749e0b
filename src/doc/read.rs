//! Typed reads with defaults. A value of the wrong type reads as the default and is reported once.

use std::collections::BTreeMap;
use std::sync::Arc;

use yrs::{Any, Map as _, MapRef, Out, ReadTxn};

use super::document::{self, GameDoc, PartyDoc, Reports};
use super::overlay::Overlay;
use super::strokes::{self, StrokeList};
use super::{keys, raw};
use crate::model::edit::RowRef;
use crate::model::id::{RowId, SceneId};
use crate::model::property::{Property, Root, RowKind, Table};
use crate::model::row::Row;
use crate::model::stroke::MaskTarget;
use crate::model::structure::{Door, Wall};
use crate::model::value::Value;
use crate::model::{annotation, light, marker, party, scene};

/// The table of a kind of row.
#[must_use]
pub fn table_of(kind: RowKind) -> &'static Table {
    match kind {
        RowKind::Scene => &scene::TABLE,
        RowKind::Marker => &marker::TABLE,
        RowKind::Light => &light::TABLE,
        RowKind::Annotation => &annotation::TABLE,
        RowKind::Party => &party::TABLE,
    }
}

/// The key of a kind of row's collection in a scene.
pub(super) const fn collection_key(kind: RowKind) -> Option<&'static str> {
    match kind {
        RowKind::Marker => Some("markers"),
        RowKind::Light => Some("lights"),
        RowKind::Annotation => Some("annotations"),
        RowKind::Scene | RowKind::Party => None,
    }
}

pub(super) fn map_in<T: ReadTxn>(map: &MapRef, txn: &T, key: &str) -> Option<MapRef> {
    match map.get(txn, key)? {
        Out::YMap(inner) => Some(inner),
        _ => None,
    }
}

pub(super) fn plain_in<T: ReadTxn>(map: &MapRef, txn: &T, key: &str) -> Option<Any> {
    match map.get(txn, key)? {
        Out::Any(Any::Undefined) => None,
        Out::Any(any) => Some(any),
        _ => None,
    }
}

pub(super) fn scene_map<T: ReadTxn>(txn: &T, scene: &SceneId) -> Option<MapRef> {
    let entry = map_in(&txn.get_map(document::SCENES)?, txn, scene.as_str())?;
    // An entry of the legacy layout has no settings map: it is not a scene of this layout.
    map_in(&entry, txn, "settings").map(|_| entry)
}

/// The shared map that holds a row; `None` when there is no such row.
pub(super) fn row_map<T: ReadTxn>(txn: &T, row: &RowRef) -> Option<MapRef> {
    match row {
        RowRef::Scene(scene) => map_in(&scene_map(txn, scene)?, txn, "settings"),
        RowRef::InScene { scene, kind, id } => {
            let collection = map_in(&scene_map(txn, scene)?, txn, collection_key(*kind)?)?;
            map_in(&collection, txn, id.as_str())
        }
        RowRef::Party => txn.get_map(document::STATE),
    }
}

/// Whether a property lives in the shared map of a document with this schema.
pub(super) const fn is_shared(property: &Property, schema: u32) -> bool {
    match property.root {
        Root::Shared { since } => since <= schema,
        Root::Tableglow => false,
    }
}

/// One look at a document.
pub(super) struct Reader<'d, T> {
    pub(super) txn: &'d T,
    ours: Option<MapRef>,
    schema: u32,
    reports: &'d parking_lot::Mutex<Reports>,
    overlay: Option<&'d Overlay>,
}

impl<'d, T: ReadTxn> Reader<'d, T> {
    pub(super) fn new(txn: &'d T, reports: &'d parking_lot::Mutex<Reports>) -> Self {
        Self {
            ours: txn.get_map(document::OURS),
            // Without a version the keys of the newest layout are looked for where it has them.
            schema: document::schema_version(txn).unwrap_or(document::SCHEMA_VERSION),
            txn,
            reports,
            overlay: None,
        }
    }

    /// The same with what is not written yet.
    fn over(mut self, overlay: &'d Overlay) -> Self {
        self.overlay = Some(overlay);
        self
    }

    fn pending(&self, row: &RowRef) -> Option<&'d BTreeMap<&'static str, Any>> {
        self.overlay?.row(row)
    }

    fn row(&self, table: &Table, row: &RowRef, map: &MapRef, key: &mut String) -> Row {
        keys::write_row_prefix(key, row);
        let prefix = key.len();
        let pending = self.pending(row);
        Row::read_with(table, |property| {
            if let Some(any) = pending.and_then(|pending| pending.get(property.key)) {
                return self.property(row, property, &Out::Any(any.clone()));
            }
            let mut found = None;
            if is_shared(property, self.schema) {
                found = map.get(self.txn, property.key);
            }
            if found.is_none() && !matches!(property.root, Root::Shared { since: 1 }) {
                key.truncate(prefix);
                key.push_str(property.key);
                found = self.ours.as_ref().and_then(|ours| ours.get(self.txn, key));
                if found.is_none() && matches!(property.root, Root::Shared { .. }) {
                    found = map.get(self.txn, property.key);
                }
            }
            self.property(row, property, &found?)
        })
    }

    fn property(&self, row: &RowRef, property: &Property, found: &Out) -> Option<Value> {
        let read = match found {
            Out::Any(any) => raw::value_from_any(any),
            _ => Err(()),
        };
        let problem = match read {
            Ok(value) => match property.read(&value?) {
                Ok(value) => return Some(value),
                Err(refused) => refused.to_string(),
            },
            Err(()) => format!("{} has a value of another kind", property.script_name()),
        };
        self.report(row, property.key, || {
            format!("{problem}; its default is shown")
        });
        None
    }

    fn report(&self, row: &RowRef, key: &str, problem: impl FnOnce() -> String) {
        self.reports.lock().add(row, key, problem);
    }

    /// The values of our keys that start with a prefix, with what follows it, sorted.
    pub(super) fn ours_with_prefix(&self, prefix: &str) -> Vec<(String, Any)> {
        let Some(ours) = &self.ours else {
            return Vec::new();
        };
        let mut found: Vec<(String, Any)> = ours
            .iter(self.txn)
            .filter_map(|(key, value)| match value {
                Out::Any(any) if !matches!(any, Any::Undefined) => {
                    Some((key.strip_prefix(prefix)?.to_owned(), any))
                }
                _ => None,
            })
            .collect();
        found.sort_by(|a, b| a.0.cmp(&b.0));
        found
    }

    fn structures<S: serde::de::DeserializeOwned>(
        &self,
        kind: &str,
        scene: &SceneId,
    ) -> Vec<(RowId, S)> {
        let prefix = keys::scene_prefix(kind, scene);
        self.ours_with_prefix(&prefix)
            .into_iter()
            .filter_map(|(rest, any)| {
                let id = keys::parse(&format!("{prefix}{rest}"))?.rest.pop()?;
                match serde_json::from_value(raw::json_from_any(&any)) {
                    Ok(structure) => Some((RowId::new(&id), structure)),
                    Err(error) => {
                        let row = RowRef::Scene(scene.clone());
                        self.report(&row, &format!("{kind}/{id}"), || {
                            format!("this {kind} cannot be read and is left out ({error})")
                        });
                        None
                    }
                }
            })
            .collect()
    }
}

impl GameDoc {
    /// The scenes in list order: by `order`, ties by id. Entries of the legacy layout are not among
    /// them (see [`super::legacy`]).
    #[must_use]
    pub fn scene_ids(&self) -> Vec<SceneId> {
        let txn = self.replica.read();
        let reader = Reader::new(&txn, &self.reports).over(&self.overlay);
        let Some(scenes) = txn.get_map(document::SCENES) else {
            return Vec::new();
        };
        let mut found: Vec<(f64, SceneId)> = scenes
            .iter(&txn)
            .filter_map(|(key, value)| match value {
                Out::YMap(entry) => {
                    let id = SceneId::new(key);
                    let settings = map_in(&entry, &txn, "settings")?;
                    let row = RowRef::Scene(id.clone());
                    let order = scene::ORDER.property();
                    let pending = reader.pending(&row).and_then(|held| held.get(order.key));
                    let value = pending
                        .map(|any| Out::Any(any.clone()))
                        .or_else(|| settings.get(&txn, order.key))
                        .and_then(|found| reader.property(&row, order, &found))
                        .unwrap_or_else(|| order.default_value());
                    match value {
                        Value::Number(n) => Some((n, id)),
                        _ => Some((0.0, id)),
                    }
                }
                _ => None,
            })
            .collect();
        found.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(&b.1)));
        found.into_iter().map(|(_, id)| id).collect()
    }

    /// Whether there is such a scene.
    #[must_use]
    pub fn has_scene(&self, scene: &SceneId) -> bool {
        scene_map(&self.replica.read(), scene).is_some()
    }

    /// A scene's settings; `None` when there is no such scene.
    #[must_use]
    pub fn scene_row(&self, scene: &SceneId) -> Option<Row> {
        self.row(&RowRef::Scene(scene.clone()))
    }

    /// A row with the properties of its kind; `None` when there is no such row.
    #[must_use]
    pub fn row(&self, row: &RowRef) -> Option<Row> {
        let kind = match row {
            RowRef::Scene(_) => RowKind::Scene,
            RowRef::InScene { kind, .. } => *kind,
            RowRef::Party => return None,
        };
        self.read_row(table_of(kind), row)
    }

    /// A row with the properties of any table; `None` when there is no such row.
    #[must_use]
    pub fn read_row(&self, table: &Table, row: &RowRef) -> Option<Row> {
        let txn = self.replica.read();
        let map = row_map(&txn, row)?;
        let reader = Reader::new(&txn, &self.reports).over(&self.overlay);
        Some(reader.row(table, row, &map, &mut String::new()))
    }

    /// The rows of a collection (markers, lights or annotations), by id.
    #[must_use]
    pub fn rows(&self, scene: &SceneId, kind: RowKind) -> Vec<(RowId, Row)> {
        let txn = self.replica.read();
        let reader = Reader::new(&txn, &self.reports).over(&self.overlay);
        let Some(collection) =
            collection_key(kind).and_then(|key| map_in(&scene_map(&txn, scene)?, &txn, key))
        else {
            return Vec::new();
        };
        let table = table_of(kind);
        let mut key = String::new();
        let mut rows: Vec<(RowId, Row)> = collection
            .iter(&txn)
            .filter_map(|(id, value)| {
                let row = RowRef::in_scene(scene, kind, &RowId::new(id));
                match value {
                    Out::YMap(map) => {
                        Some((RowId::new(id), reader.row(table, &row, &map, &mut key)))
                    }
                    _ => {
                        reader.report(&row, "", || "this is no row and is left out".to_owned());
                        None
                    }
                }
            })
            .collect();
        rows.sort_by(|a, b| a.0.cmp(&b.0));
        rows
    }

    /// How many rows a collection has.
    #[must_use]
    pub fn count(&self, scene: &SceneId, kind: RowKind) -> usize {
        let txn = self.replica.read();
        collection_key(kind)
            .and_then(|key| map_in(&scene_map(&txn, scene)?, &txn, key))
            .map_or(0, |collection| collection.len(&txn) as usize)
    }

    /// The bytes of a mask as web clients hold it (`fogMask`, an annotation's `mask`); `None` when
    /// there is none: full fog, or nothing drawn. Strokes of ours are not in it.
    #[must_use]
    pub fn shared_mask(&self, scene: &SceneId, target: &MaskTarget) -> Option<Arc<[u8]>> {
        let txn = self.replica.read();
        let found = shared_mask(&txn, scene, target)?;
        match found {
            Out::Any(Any::Buffer(bytes)) => Some(bytes),
            Out::Any(Any::Null | Any::Undefined) => None,
            _ => {
                let (row, key) = mask_place(scene, target);
                self.reports.lock().add(&row, key, || {
                    "this mask is no mask; none is shown".to_owned()
                });
                None
            }
        }
    }

    /// The strokes of a mask, in their order. A record that cannot be read is left out.
    #[must_use]
    pub fn strokes(&self, scene: &SceneId, target: &MaskTarget) -> StrokeList {
        stroke_list(&self.replica.read(), scene, target)
    }

    /// The picture below a mask's strokes: mask bytes. Without one of ours it is what web clients
    /// hold, as long as we never wrote that ourselves.
    #[must_use]
    pub fn mask_base(&self, scene: &SceneId, target: &MaskTarget) -> Option<Arc<[u8]>> {
        let txn = self.replica.read();
        let ours = txn.get_map(document::OURS);
        let held = |kind: &str| match ours
            .as_ref()?
            .get(&txn, &keys::mask_key(kind, scene, target))?
        {
            Out::Any(Any::Buffer(bytes)) => Some(bytes),
            _ => None,
        };
        if let Some(base) = held(keys::BASE) {
            return Some(base);
        }
        if held(keys::PROJECTED).is_some() {
            return None;
        }
        drop(txn);
        self.shared_mask(scene, target)
    }

    /// A scene's walls by id.
    #[must_use]
    pub fn walls(&self, scene: &SceneId) -> Vec<(RowId, Wall)> {
        let txn = self.replica.read();
        Reader::new(&txn, &self.reports).structures(keys::WALL, scene)
    }

    /// A scene's doors by id.
    #[must_use]
    pub fn doors(&self, scene: &SceneId) -> Vec<(RowId, Door)> {
        let txn = self.replica.read();
        Reader::new(&txn, &self.reports).structures(keys::DOOR, scene)
    }
}

impl PartyDoc {
    /// The party's state.
    #[must_use]
    pub fn state(&self) -> Row {
        self.read_row(&party::TABLE)
    }

    /// The party's state with the properties of any table.
    #[must_use]
    pub fn read_row(&self, table: &Table) -> Row {
        let txn = self.replica.read();
        match txn.get_map(document::STATE) {
            Some(map) => Reader::new(&txn, &self.reports).row(
                table,
                &RowRef::Party,
                &map,
                &mut String::new(),
            ),
            None => Row::defaults(table),
        }
    }
}

/// The row and key that hold a mask as web clients have it.
pub(super) fn mask_place(scene: &SceneId, target: &MaskTarget) -> (RowRef, &'static str) {
    match target {
        MaskTarget::Fog => (RowRef::Scene(scene.clone()), "fogMask"),
        MaskTarget::Annotation(id) => (RowRef::annotation(scene, id), "mask"),
    }
}

pub(super) fn shared_mask<T: ReadTxn>(
    txn: &T,
    scene: &SceneId,
    target: &MaskTarget,
) -> Option<Out> {
    match target {
        MaskTarget::Fog => scene_map(txn, scene)?.get(txn, "fogMask"),
        MaskTarget::Annotation(id) => {
            row_map(txn, &RowRef::annotation(scene, id))?.get(txn, "mask")
        }
    }
}

/// The strokes of a mask, in their order.
pub(super) fn stroke_list<T: ReadTxn>(txn: &T, scene: &SceneId, target: &MaskTarget) -> StrokeList {
    let Some(ours) = txn.get_map(document::OURS) else {
        return StrokeList::default();
    };
    let name = keys::mask_name(target);
    let drawn = format!("{}{name}/", keys::scene_prefix(keys::STROKE, scene));
    let void = format!("{}{name}/", keys::scene_prefix(keys::VOID, scene));
    let mut list = StrokeList::default();
    for (key, value) in ours.iter(txn) {
        if let Some(id) = key.strip_prefix(&drawn) {
            if let Out::Any(Any::Buffer(bytes)) = &value {
                list.strokes.extend(strokes::decode(id, bytes));
            }
        } else if let Some(id) = key.strip_prefix(&void)
            && matches!(value, Out::Any(Any::Bool(true)))
        {
            list.voided.insert(id.into());
        }
    }
    // The name breaks a tie that only a hostile client can make.
    list.strokes
        .sort_by(|a, b| a.stamp.cmp(&b.stamp).then_with(|| a.id.cmp(&b.id)));
    list
}
