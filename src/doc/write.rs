//! Field-level writes: one transaction, only changed keys, never a deleted row made anew.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use yrs::{Any, Map as _, Out, ReadTxn as _, TransactionMut};

use super::change::{self, Cell, Change};
use super::document::{self, GameDoc, PartyDoc, SCHEMA_VERSION};
use super::keys;
use super::origin::Origin;
use super::raw::{self, Raw};
use super::read::{collection_key, is_shared, map_in, plain_in, row_map, scene_map, table_of};
use super::strokes::{self, Action};
use crate::model::edit::{Assignment, Edit, RowRef, Structure};
use crate::model::id::{GameSessionId, RowId, SceneId};
use crate::model::order;
use crate::model::property::{Delay, Property, Refused, Root, RowKind};
use crate::model::stroke::{MaskTarget, NewStroke, StrokeStamp};
use crate::model::value::Value;
use crate::model::{annotation, scene};
use crate::util::id::fresh_uuid;

/// What became of a batch of edits.
#[derive(Debug, Clone, Default)]
pub struct Applied {
    pub(super) changes: Vec<Change>,
    /// Edits, or parts of them, that were not carried out.
    pub dropped: Vec<Dropped>,
}

impl Applied {
    /// Whether the document changed.
    #[must_use]
    pub fn changed(&self) -> bool {
        !self.changes.is_empty()
    }

    /// How many keys were written; a row that came or went, and a stroke, is one.
    #[must_use]
    pub fn keys_written(&self) -> usize {
        self.changes.len()
    }
}

/// An edit, or one assignment of it, that was not carried out.
#[derive(Debug, Clone, PartialEq)]
pub struct Dropped {
    /// Which edit of the batch.
    pub edit: usize,
    /// Why.
    pub reason: DropReason,
}

/// Why an edit was not carried out.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DropReason {
    /// What it changes is not there: somebody deleted it.
    #[error("what this changes has been deleted")]
    Gone,
    /// There is a row with this id already.
    #[error("there is already one with this id")]
    Exists,
    /// The value cannot be.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The property does not belong to this kind of row, or never leaves this process.
    #[error("{0} does not belong here")]
    Misplaced(String),
    /// A number that no document may hold.
    #[error("this holds a number without end")]
    NotFinite,
    /// The document is of another layout, or nobody has filled it yet.
    #[error("this document can only be read")]
    ReadOnly,
}

impl GameDoc {
    /// Carries edits out, in order, as one transaction. Edits of rows that are not there are dropped
    /// and told, the others are carried out.
    pub fn apply(&mut self, edits: &[Edit], origin: Origin) -> Applied {
        let mut drawn = self.strokes_drawn;
        let client = self.replica.client_id();
        let mut writer = Writer::new(self.replica.write(origin), client);
        for (index, edit) in edits.iter().enumerate() {
            writer.edit = index;
            if let Err(reason) = writer.carry_out(edit, &self.id, &mut drawn) {
                writer.drop_because(reason);
            }
        }
        let applied = writer.finish();
        self.strokes_drawn = drawn;
        applied
    }
}

impl PartyDoc {
    /// Carries edits of the party's state out as one transaction; other edits are dropped.
    pub fn apply(&mut self, edits: &[Edit], origin: Origin) -> Applied {
        let client = self.replica.client_id();
        let mut writer = Writer::new(self.replica.write(origin), client);
        for (index, edit) in edits.iter().enumerate() {
            writer.edit = index;
            let done = match edit {
                Edit::Set {
                    row: RowRef::Party,
                    values,
                } => writer.set(&RowRef::Party, values),
                _ => Err(DropReason::Misplaced("this edit".to_owned())),
            };
            if let Err(reason) = done {
                writer.drop_because(reason);
            }
        }
        writer.finish()
    }
}

pub(super) struct Writer<'d> {
    pub(super) txn: TransactionMut<'d>,
    schema: Option<u32>,
    client: u64,
    edit: usize,
    applied: Applied,
}

impl<'d> Writer<'d> {
    pub(super) fn new(txn: TransactionMut<'d>, client: u64) -> Self {
        Self {
            schema: document::schema_version(&txn).filter(|version| *version <= SCHEMA_VERSION),
            txn,
            client,
            edit: 0,
            applied: Applied::default(),
        }
    }

    pub(super) fn finish(self) -> Applied {
        let Self { txn, applied, .. } = self;
        drop(txn);
        applied
    }

    fn drop_because(&mut self, reason: DropReason) {
        self.applied.dropped.push(Dropped {
            edit: self.edit,
            reason,
        });
    }

    fn schema(&self) -> Result<u32, DropReason> {
        self.schema.ok_or(DropReason::ReadOnly)
    }

    fn carry_out(
        &mut self,
        edit: &Edit,
        game: &GameSessionId,
        drawn: &mut u32,
    ) -> Result<(), DropReason> {
        self.schema()?;
        match edit {
            Edit::Set { row, values } => self.set(row, values),
            Edit::Create { row, values } => self.create(row, values, game),
            Edit::Delete { row } => self.delete(row),
            Edit::DuplicateScene { source, copy } => self.duplicate(source, copy),
            Edit::Stroke {
                scene,
                target,
                stroke,
            } => self.draw(scene, target, stroke, drawn),
            Edit::PutStructure {
                scene,
                id,
                structure,
            } => self.put_structure(scene, id, structure),
            Edit::DeleteStructure { scene, id } => self.delete_structure(scene, id),
        }
    }

    /// Writes a cell when its value differs.
    pub(super) fn write(&mut self, cell: Cell, after: Option<Any>) -> Result<(), DropReason> {
        let before = change::read_cell(&self.txn, &cell).map_err(|()| DropReason::Gone)?;
        if before == after {
            return Ok(());
        }
        change::write_cell(&mut self.txn, &cell, after.as_ref());
        self.applied.changes.push(Change::Cell {
            cell,
            before,
            after,
        });
        Ok(())
    }

    fn place(&self, row: &RowRef, property: &Property, schema: u32) -> Cell {
        if is_shared(property, schema) {
            Cell::Row(row.clone(), property.key.into())
        } else {
            Cell::Ours(keys::property_key(row, property.key).into())
        }
    }

    /// The values to write, checked; what is wrong is dropped and told.
    fn checked<'v>(
        &mut self,
        row: &RowRef,
        values: &'v [Assignment],
    ) -> Vec<(&'v Assignment, Any)> {
        let mut good = Vec::with_capacity(values.len());
        for assignment in values {
            match writable(row, assignment) {
                Ok(any) => good.push((assignment, any)),
                Err(reason) => self.drop_because(reason),
            }
        }
        good
    }

    fn set(&mut self, row: &RowRef, values: &[Assignment]) -> Result<(), DropReason> {
        let schema = self.schema()?;
        if row_map(&self.txn, row).is_none() {
            return Err(DropReason::Gone);
        }
        for (assignment, any) in self.checked(row, values) {
            let cell = self.place(row, assignment.property, schema);
            self.write(cell, Some(any))?;
        }
        Ok(())
    }

    fn create(
        &mut self,
        row: &RowRef,
        values: &[Assignment],
        game: &GameSessionId,
    ) -> Result<(), DropReason> {
        let schema = self.schema()?;
        let kind = kind_of(row);
        let (scene, taken) = match row {
            RowRef::Scene(scene) => (scene, scene_map(&self.txn, scene).is_some()),
            RowRef::InScene { scene, kind, .. } => {
                if collection_key(*kind).is_none() {
                    return Err(DropReason::Misplaced("this row".to_owned()));
                }
                if scene_map(&self.txn, scene).is_none() {
                    return Err(DropReason::Gone);
                }
                (scene, row_map(&self.txn, row).is_some())
            }
            RowRef::Party => return Err(DropReason::Misplaced("the party's state".to_owned())),
        };
        if taken {
            return Err(DropReason::Exists);
        }
        let mut given: HashMap<&str, (&'static Property, Any)> = self
            .checked(row, values)
            .into_iter()
            .map(|(assignment, any)| (assignment.property.key, (assignment.property, any)))
            .collect();
        for (property, value) in self.presets_of_new(row, scene, game) {
            if let Some(any) = raw::any_from_value(&value) {
                given.entry(property.key).or_insert((property, any));
            }
        }
        let mut entries = BTreeMap::new();
        let mut beside = Vec::new();
        for property in table_of(kind).properties {
            let chosen = given.remove(property.key).map(|(_, any)| any);
            if is_shared(property, schema) {
                // Web clients need whole rows.
                let any = chosen.or_else(|| raw::any_from_value(&property.default_value()));
                entries.insert(
                    Arc::from(property.key),
                    Raw::Plain(any.unwrap_or(Any::Null)),
                );
            } else if let Some(any) = chosen {
                beside.push((self.place(row, property, schema), any));
            }
        }
        for (property, any) in given.into_values() {
            // Of a table that is not the kind's own.
            if property.root == Root::Tableglow {
                beside.push((self.place(row, property, schema), any));
            }
        }
        let tree = match row {
            RowRef::Scene(_) => Raw::Map(BTreeMap::from([
                ("settings".into(), Raw::Map(entries)),
                ("markers".into(), Raw::Map(BTreeMap::new())),
                ("lights".into(), Raw::Map(BTreeMap::new())),
                ("annotations".into(), Raw::Map(BTreeMap::new())),
            ])),
            _ => Raw::Map(entries),
        };
        self.plant(row.clone(), tree)?;
        for (cell, any) in beside {
            self.write(cell, Some(any))?;
        }
        Ok(())
    }

    /// What a new row has where nobody says otherwise and its table's default is not the answer.
    fn presets_of_new(
        &self,
        row: &RowRef,
        scene: &SceneId,
        game: &GameSessionId,
    ) -> Vec<(&'static Property, Value)> {
        let table = table_of(kind_of(row));
        let named = |key: &str, value: Value| table.by_key(key).map(|property| (property, value));
        let mut presets = Vec::new();
        match row {
            RowRef::Scene(scene) => {
                presets.extend(named("id", Value::text(scene.as_str())));
                presets.extend(named("gameSessionId", Value::text(game.as_str())));
                let last = self.scene_orders().last().map(|(order, _)| *order);
                presets.push((
                    scene::ORDER.property(),
                    Value::Number(order::between(last, None)),
                ));
                // Web clients give new scenes the newest coordinates; what lies under the fog stays
                // hidden in ours.
                presets.push((scene::MAP_COORD_VERSION.property(), Value::Number(1.0)));
                presets.push((
                    scene::FOG_OF_WAR_OPACITY_PLAYER.property(),
                    Value::Number(1.0),
                ));
            }
            RowRef::InScene { kind, id, .. } => {
                presets.extend(named("id", Value::text(id.as_str())));
                presets.extend(named("sceneId", Value::text(scene.as_str())));
                if *kind == RowKind::Annotation {
                    // On top of the others: smaller is higher.
                    let top = self.top_annotation_order(scene).map(|order| order.min(1.0));
                    presets.push((
                        annotation::ORDER.property(),
                        Value::Number(order::between(None, Some(top.unwrap_or(1.0)))),
                    ));
                }
            }
            RowRef::Party => {}
        }
        presets
    }

    /// `order` and id of each scene, in list order.
    fn scene_orders(&self) -> Vec<(f64, SceneId)> {
        let Some(scenes) = self.txn.get_map(document::SCENES) else {
            return Vec::new();
        };
        let mut orders: Vec<(f64, SceneId)> = scenes
            .iter(&self.txn)
            .filter_map(|(key, value)| match value {
                Out::YMap(entry) => {
                    let settings = map_in(&entry, &self.txn, "settings")?;
                    let order = match plain_in(&settings, &self.txn, scene::ORDER.property().key) {
                        Some(Any::Number(n)) => raw::number_from_any(n),
                        _ => 1.0,
                    };
                    Some((order, SceneId::new(key)))
                }
                _ => None,
            })
            .collect();
        orders.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(&b.1)));
        orders
    }

    fn top_annotation_order(&self, scene: &SceneId) -> Option<f64> {
        let layers = map_in(&scene_map(&self.txn, scene)?, &self.txn, "annotations")?;
        layers
            .iter(&self.txn)
            .filter_map(|(_, value)| match value {
                Out::YMap(layer) => {
                    match plain_in(&layer, &self.txn, annotation::ORDER.property().key) {
                        Some(Any::Number(n)) => Some(raw::number_from_any(n)),
                        _ => Some(0.0),
                    }
                }
                _ => None,
            })
            .min_by(f64::total_cmp)
    }

    /// Puts a whole row or scene where none is.
    pub(super) fn plant(&mut self, row: RowRef, tree: Raw) -> Result<(), DropReason> {
        if !change::write_tree(&mut self.txn, &row, &tree) {
            return Err(DropReason::Gone);
        }
        self.applied.changes.push(Change::Tree {
            row,
            before: None,
            after: Some(tree),
        });
        Ok(())
    }

    fn delete(&mut self, row: &RowRef) -> Result<(), DropReason> {
        let tree = change::read_tree(&self.txn, row).ok_or(DropReason::Gone)?;
        if *row == RowRef::Party {
            return Err(DropReason::Misplaced("the party's state".to_owned()));
        }
        for (key, _) in change::ours_of_row(&self.txn, row) {
            self.write(Cell::Ours(key), None)?;
        }
        change::remove_tree(&mut self.txn, row);
        self.applied.changes.push(Change::Tree {
            row: row.clone(),
            before: Some(tree),
            after: None,
        });
        Ok(())
    }

    fn draw(
        &mut self,
        scene: &SceneId,
        target: &MaskTarget,
        stroke: &NewStroke,
        drawn: &mut u32,
    ) -> Result<(), DropReason> {
        let there = match target {
            MaskTarget::Fog => scene_map(&self.txn, scene).is_some(),
            MaskTarget::Annotation(id) => {
                row_map(&self.txn, &RowRef::annotation(scene, id)).is_some()
            }
        };
        if !there {
            return Err(DropReason::Gone);
        }
        *drawn += 1;
        let stamp = StrokeStamp {
            clock: super::read::stroke_list(&self.txn, scene, target).next_clock(),
            client: self.client,
            n: *drawn,
        };
        let id = strokes::id_of(&stamp);
        let bytes = strokes::encode(&stamp, &Action::Draw(stroke.clone()));
        let key = keys::stroke_key(keys::STROKE, scene, target, &id);
        change::write_cell(
            &mut self.txn,
            &Cell::Ours(key.into()),
            Some(&Any::Buffer(bytes.into())),
        );
        self.applied.changes.push(Change::Stroke {
            scene: scene.clone(),
            target: target.clone(),
            id,
        });
        Ok(())
    }

    fn put_structure(
        &mut self,
        scene: &SceneId,
        id: &RowId,
        structure: &Structure,
    ) -> Result<(), DropReason> {
        if scene_map(&self.txn, scene).is_none() {
            return Err(DropReason::Gone);
        }
        let (kind, other, finite, json) = match structure {
            Structure::Wall(wall) => (
                keys::WALL,
                keys::DOOR,
                wall.points.iter().flatten().all(|n| n.is_finite()),
                serde_json::to_value(wall),
            ),
            Structure::Door(door) => (
                keys::DOOR,
                keys::WALL,
                [door.a, door.b].iter().flatten().all(|n| n.is_finite()),
                serde_json::to_value(door),
            ),
        };
        let any = json
            .ok()
            .filter(|_| finite)
            .and_then(|json| raw::any_from_json(&json))
            .ok_or(DropReason::NotFinite)?;
        let cell = |kind| Cell::Ours(keys::structure_key(kind, scene, id).into());
        self.write(cell(other), None)?;
        self.write(cell(kind), Some(any))
    }

    fn delete_structure(&mut self, scene: &SceneId, id: &RowId) -> Result<(), DropReason> {
        let before = self.applied.changes.len();
        for kind in [keys::WALL, keys::DOOR] {
            let key = keys::structure_key(kind, scene, id);
            self.write(Cell::Ours(key.into()), None)?;
        }
        if self.applied.changes.len() == before {
            return Err(DropReason::Gone);
        }
        Ok(())
    }

    fn duplicate(&mut self, source: &SceneId, copy: &SceneId) -> Result<(), DropReason> {
        let from = RowRef::Scene(source.clone());
        let mut tree = change::read_tree(&self.txn, &from).ok_or(DropReason::Gone)?;
        if scene_map(&self.txn, copy).is_some() {
            return Err(DropReason::Exists);
        }
        let mut new_ids: HashMap<String, String> = HashMap::new();
        if let Raw::Map(parts) = &mut tree {
            if let Some(settings) = parts.get_mut("settings") {
                let name = match settings.plain(scene::NAME.property().key) {
                    Some(Any::String(name)) => name.to_string(),
                    _ => String::from("New Scene"),
                };
                settings.put("id", copy.as_str());
                settings.put("name", format!("{name} (copy)"));
                let order = raw::any_from_number(self.order_after(source));
                settings.put("order", order.unwrap_or(Any::Null));
                settings.put("mapThumbLocation", Any::Null);
            }
            for kind in [RowKind::Marker, RowKind::Light, RowKind::Annotation] {
                let collection = collection_key(kind).and_then(|key| parts.get_mut(key));
                if let Some(Raw::Map(rows)) = collection {
                    *rows = std::mem::take(rows)
                        .into_iter()
                        .map(|(old, mut row)| {
                            let new = fresh_uuid();
                            row.put("id", new.as_str());
                            row.put("sceneId", copy.as_str());
                            new_ids.insert(old.to_string(), new.clone());
                            (Arc::from(new), row)
                        })
                        .collect();
                }
            }
        }
        self.plant(RowRef::Scene(copy.clone()), tree)?;
        for (key, any) in change::ours_of_row(&self.txn, &from) {
            let Some(mut parsed) = keys::parse(&key) else {
                continue;
            };
            parsed.scene = copy.clone();
            let is_structure = matches!(parsed.kind.as_str(), keys::WALL | keys::DOOR);
            if let Some(first) = parsed.rest.first_mut() {
                if is_structure {
                    *first = fresh_uuid();
                } else if let Some(new) = new_ids.get(first.as_str()) {
                    first.clone_from(new);
                }
            }
            self.write(Cell::Ours(parsed.to_key().into()), Some(any))?;
        }
        Ok(())
    }

    fn order_after(&self, scene: &SceneId) -> f64 {
        let orders = self.scene_orders();
        let at = orders.iter().position(|(_, id)| id == scene);
        let order = |index: usize| orders.get(index).map(|(order, _)| *order);
        at.map_or(1.0, |at| order::between(order(at), order(at + 1)))
    }
}

/// Whether an assignment of a row can be written, wherever that row is.
///
/// # Errors
/// Why not: a value that the property cannot have, or a property that is not this row's or never
/// leaves this process.
pub fn check(row: &RowRef, assignment: &Assignment) -> Result<(), DropReason> {
    writable(row, assignment).map(|_| ())
}

/// A value as it is written.
pub(super) fn writable(row: &RowRef, assignment: &Assignment) -> Result<Any, DropReason> {
    let property = assignment.property;
    if property.row != kind_of(row) || property.delay == Delay::Local {
        return Err(DropReason::Misplaced(property.script_name()));
    }
    let value = property.check(assignment.value.clone())?;
    raw::any_from_value(&value).ok_or(DropReason::NotFinite)
}

const fn kind_of(row: &RowRef) -> RowKind {
    match row {
        RowRef::Scene(_) => RowKind::Scene,
        RowRef::InScene { kind, .. } => *kind,
        RowRef::Party => RowKind::Party,
    }
}
