//! The document that players get: one of its own, that holds what they may see and nothing else.
//!
//! It has the layout of the real one, so that any client shows it, and its epoch in `meta`. What it
//! holds is handed in as plain rows ([`Shown`]) that were already cut down to what players may see;
//! only declared properties are written. A row that is no longer in `Shown` is removed; its content
//! is collected, its id stays in the document's tombstones ([`PlayersDoc::has_remains`]), so a new
//! epoch is begun before anybody gets the document who did not see the row.
//!
//! Must not know who may see what. Called by the room server.

use std::collections::BTreeMap;
use std::sync::Arc;

use yrs::{Any, Map as _, MapRef, Out, ReadTxn as _, TransactionMut, WriteTxn as _};

use super::dirty::Dirty;
use super::document::{GAME_ROOTS, META, OURS, PARTY_ROOTS, SCENES, SCHEMA_KEY, STATE};
use super::guard;
use super::origin::Origin;
use super::raw::{self, Raw};
use super::read::{collection_key, is_shared, map_in, mask_place, table_of};
use super::replica::{self, DocError, Replica};
use super::{keys, opened::Layout};
use crate::model::edit::RowRef;
use crate::model::id::{RowId, SceneId};
use crate::model::marker;
use crate::model::property::{Audience, RowKind};
use crate::model::row::Row;
use crate::model::stroke::MaskTarget;

/// The key of the epoch in `meta`.
pub const EPOCH_KEY: &str = "epoch";

/// The roots that a client may write to.
const ROOTS: &[&str] = &[META, SCENES, STATE, OURS];

type Tree = BTreeMap<Arc<str>, Raw>;

/// What players may see of a document.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Shown {
    /// The schema of the real document.
    pub schema: Option<u32>,
    /// The scenes.
    pub scenes: BTreeMap<SceneId, ShownScene>,
    /// The party's state.
    pub party: Option<Row>,
}

/// What players may see of a scene.
#[derive(Debug, Clone, PartialEq)]
pub struct ShownScene {
    /// Its settings.
    pub settings: Row,
    /// Its markers.
    pub markers: BTreeMap<RowId, Row>,
    /// Its lights.
    pub lights: BTreeMap<RowId, Row>,
    /// Its drawing layers.
    pub annotations: BTreeMap<RowId, ShownLayer>,
    /// The mask of its fog; `None` = everything is fogged.
    pub fog: Option<Arc<[u8]>>,
}

/// A drawing layer.
#[derive(Debug, Clone, PartialEq)]
pub struct ShownLayer {
    /// Its properties.
    pub row: Row,
    /// What is drawn; `None` = nothing.
    pub mask: Option<Arc<[u8]>>,
}

/// A marker that somebody put somewhere else in the players' document.
#[derive(Debug, Clone, PartialEq)]
pub struct Moved {
    /// Its scene.
    pub scene: SceneId,
    /// The marker.
    pub marker: RowId,
    /// Where it was put: `positionX`, `positionY` as the document has them.
    pub position: [f64; 2],
}

/// What came of something that a client wrote.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Taken {
    /// Markers that it moved.
    pub moved: Vec<Moved>,
    /// It changed something else.
    pub has_more: bool,
}

/// The players' document in one epoch.
#[derive(Debug)]
pub struct PlayersDoc {
    replica: Replica,
    epoch: String,
    has_remains: bool,
}

impl PlayersDoc {
    /// A document that shows this. Fresh: nothing that was shown before is in it.
    #[must_use]
    pub fn new(layout: Layout, epoch: &str, shown: &Shown) -> Self {
        let roots = match layout {
            Layout::Party => PARTY_ROOTS,
            _ => GAME_ROOTS,
        };
        let mut doc = Self {
            replica: Replica::new(roots),
            epoch: epoch.to_owned(),
            has_remains: false,
        };
        doc.show_all(shown);
        doc
    }

    /// A document that was kept. What else is in its history is not known.
    ///
    /// # Errors
    /// When the bytes are none.
    pub fn open(layout: Layout, bytes: &[u8]) -> Result<Self, DocError> {
        let roots = match layout {
            Layout::Party => PARTY_ROOTS,
            _ => GAME_ROOTS,
        };
        let replica = Replica::load(roots, [bytes])?;
        let txn = replica.read();
        let meta = txn.get_map(META);
        let epoch = match meta.and_then(|meta| meta.get(&txn, EPOCH_KEY)) {
            Some(Out::Any(Any::String(epoch))) => epoch.to_string(),
            _ => return Err(DocError::Contradictory),
        };
        drop(txn);
        Ok(Self {
            replica,
            epoch,
            has_remains: true,
        })
    }

    /// Shows this, whatever it showed before.
    pub fn show_all(&mut self, shown: &Shown) {
        self.restore(shown);
        self.replica.take_updates();
        self.replica.take_dirty();
    }

    /// Bytes in and out.
    #[must_use]
    pub const fn replica(&self) -> &Replica {
        &self.replica
    }

    /// Its epoch.
    #[must_use]
    pub fn epoch(&self) -> &str {
        &self.epoch
    }

    /// Whether a copy with this state vector is one of this document.
    #[must_use]
    pub fn is_known_to(&self, state_vector: &[u8]) -> bool {
        let own = self.replica.clocks();
        replica::clocks_of(state_vector)
            .is_some_and(|clocks| clocks.keys().any(|client| own.contains_key(client)))
    }

    /// Ids of what is no longer shown are in the document's history.
    #[must_use]
    pub const fn has_remains(&self) -> bool {
        self.has_remains
    }

    /// Shows `now` instead of `before`, which it shows: writes what differs, as one transaction. The
    /// update of it, if there is one.
    pub fn show(&mut self, before: &Shown, now: &Shown) -> Option<Vec<u8>> {
        let mut writer = Writer::new(&self.replica, now.schema);
        writer.meta(now.schema, &self.epoch);
        if before.party != now.party {
            writer.party(now.party.as_ref());
        }
        for scene in before.scenes.keys() {
            if !now.scenes.contains_key(scene) {
                writer.remove_scene(scene);
            }
        }
        for (id, scene) in &now.scenes {
            match before.scenes.get(id) {
                Some(old) if before.schema == now.schema => writer.scene_changes(id, old, scene),
                _ => writer.scene(id, scene),
            }
        }
        self.has_remains |= writer.finish();
        self.update()
    }

    /// Writes everything that is not as `shown` has it, whoever changed it.
    fn restore(&mut self, shown: &Shown) {
        let mut writer = Writer::new(&self.replica, shown.schema);
        writer.everything(shown, &self.epoch);
        self.has_remains |= writer.finish();
    }

    /// Takes in what a client wrote, and says which of the `shown` markers it moved and whether there
    /// was more. What it wrote is in the document until [`Self::settle`].
    ///
    /// # Errors
    /// When it is nothing that a client of these documents writes. The document may then be
    /// unusable: see [`Self::is_usable`].
    pub fn take_in(&mut self, update: &[u8], shown: &Shown) -> Result<Taken, DocError> {
        let clocks = self.replica.clocks();
        let own = self.replica.client_id();
        let known = |client| clocks.get(&client).copied().unwrap_or(0);
        for extent in guard::extents_of_map_writes(update, ROOTS)? {
            let poses_as_us = extent.client == own && extent.end > known(own);
            if poses_as_us || !extent.follows(known(extent.client)) {
                return Err(DocError::Contradictory);
            }
        }
        self.replica.apply_update(update, Origin::Remote(0))?;
        if !self.is_usable() {
            return Err(DocError::Contradictory);
        }
        let dirty = self.replica.take_dirty();
        let txn = self.replica.read();
        let mut moved = Vec::new();
        for (scene, dirty) in &dirty.scenes {
            let Some(held) = shown.scenes.get(scene) else {
                continue;
            };
            let collection = txn.get_map(SCENES).and_then(|scenes| {
                map_in(
                    &map_in(&scenes, &txn, scene.as_str())?,
                    &txn,
                    collection_key(RowKind::Marker)?,
                )
            });
            let Some(collection) = collection else {
                continue;
            };
            for (id, row) in &held.markers {
                if !dirty.markers.contains(id) {
                    continue;
                }
                let Some(map) = map_in(&collection, &txn, id.as_str()) else {
                    continue;
                };
                let was = [row.get(marker::POSITION_X), row.get(marker::POSITION_Y)];
                let at = [marker::POSITION_X, marker::POSITION_Y].map(|prop| {
                    match map.get(&txn, prop.property().key) {
                        Some(Out::Any(Any::Number(n))) => Some(raw::number_from_any(n)),
                        _ => None,
                    }
                });
                if let [Some(x), Some(y)] = at
                    && [x, y].map(f64::to_bits) != was.map(f64::to_bits)
                    && x.is_finite()
                    && y.is_finite()
                {
                    moved.push(Moved {
                        scene: scene.clone(),
                        marker: id.clone(),
                        position: [x, y],
                    });
                }
            }
        }
        let mut expected = Dirty::default();
        for moved in &moved {
            let scene = expected.scenes.entry(moved.scene.clone()).or_default();
            scene.markers.add(moved.marker.as_str());
        }
        let has_more = expected != dirty;
        drop(txn);
        Ok(Taken { moved, has_more })
    }

    /// Makes the document show `shown` again, after [`Self::take_in`]. What peers lack since `before`
    /// (a state vector) is the answer to all of them.
    ///
    /// # Errors
    /// When `before` is no state vector.
    pub fn settle(&mut self, before: &[u8], shown: &Shown) -> Result<Vec<u8>, DocError> {
        self.restore(shown);
        self.replica.take_updates();
        self.replica.take_dirty();
        self.replica.encode_missing(before)
    }

    /// What was taken in left nothing behind that waits for more.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        !self.replica.is_broken() && !self.replica.waits_for_updates()
    }

    /// What the last transaction brought.
    fn update(&mut self) -> Option<Vec<u8>> {
        self.replica.take_dirty();
        // A transaction that wrote nothing has none.
        let mut updates = self.replica.take_updates();
        updates.pop().map(|update| update.bytes)
    }
}

/// One transaction of the players' document.
struct Writer<'d> {
    txn: TransactionMut<'d>,
    schema: u32,
    has_removed: bool,
}

impl<'d> Writer<'d> {
    fn new(replica: &'d Replica, schema: Option<u32>) -> Self {
        Self {
            txn: replica.write(Origin::Upkeep),
            schema: schema.unwrap_or(super::document::SCHEMA_VERSION),
            has_removed: false,
        }
    }

    /// Whether ids were left behind.
    fn finish(self) -> bool {
        let Self {
            txn, has_removed, ..
        } = self;
        drop(txn);
        has_removed
    }

    fn root(&mut self, name: &'static str) -> MapRef {
        self.txn.get_or_insert_map(name)
    }

    fn meta(&mut self, schema: Option<u32>, epoch: &str) {
        let meta = meta_tree(schema, epoch);
        let root = self.root(META);
        self.map(&root, &meta);
    }

    fn everything(&mut self, shown: &Shown, epoch: &str) {
        self.meta(shown.schema, epoch);
        let mut ours = Tree::new();
        let mut scenes = Tree::new();
        for (id, scene) in &shown.scenes {
            scenes.insert(id.as_str().into(), self.scene_tree(id, scene, &mut ours));
        }
        let state = shown
            .party
            .as_ref()
            .map(|row| self.row_tree(&RowRef::Party, row, &mut ours));
        let root = self.root(SCENES);
        self.map(&root, &scenes);
        if let Some(root) = self.txn.get_map(STATE) {
            self.map(&root, &state.clone().unwrap_or_default());
        } else if let Some(state) = &state {
            let root = self.root(STATE);
            self.map(&root, state);
        }
        let root = self.root(OURS);
        self.map(&root, &ours);
    }

    fn party(&mut self, row: Option<&Row>) {
        let mut ours = Tree::new();
        let state = row.map(|row| self.row_tree(&RowRef::Party, row, &mut ours));
        let root = self.root(STATE);
        self.map(&root, &state.unwrap_or_default());
        self.ours_of("party/", &ours);
    }

    fn scene(&mut self, id: &SceneId, scene: &ShownScene) {
        let mut ours = Tree::new();
        let tree = self.scene_tree(id, scene, &mut ours);
        let root = self.root(SCENES);
        self.entry(&root, id.as_str(), Some(&tree));
        self.ours_of_scene(id, &ours);
    }

    fn remove_scene(&mut self, id: &SceneId) {
        let root = self.root(SCENES);
        self.entry(&root, id.as_str(), None);
        self.ours_of_scene(id, &Tree::new());
    }

    /// The keys of ours that begin like this are these.
    fn ours_of(&mut self, prefix: &str, ours: &Tree) {
        let root = self.root(OURS);
        let gone: Vec<String> = root
            .keys(&self.txn)
            .filter(|key| key.starts_with(prefix) && !ours.contains_key(*key))
            .map(ToOwned::to_owned)
            .collect();
        for key in gone {
            self.entry(&root, &key, None);
        }
        for (key, value) in ours {
            self.entry(&root, key, Some(value));
        }
    }

    fn ours_of_scene(&mut self, id: &SceneId, ours: &Tree) {
        for kind in [
            RowKind::Scene,
            RowKind::Marker,
            RowKind::Light,
            RowKind::Annotation,
        ] {
            let prefix = keys::scene_prefix(keys::word(kind), id);
            let own: Tree = ours
                .iter()
                .filter(|(key, _)| key.starts_with(&prefix))
                .map(|(key, value)| (Arc::clone(key), value.clone()))
                .collect();
            self.ours_of(&prefix, &own);
        }
    }

    fn scene_changes(&mut self, id: &SceneId, old: &ShownScene, new: &ShownScene) {
        let root = self.root(SCENES);
        let Some(entry) = map_in(&root, &self.txn, id.as_str()) else {
            return self.scene(id, new);
        };
        if old.settings != new.settings {
            let row = RowRef::Scene(id.clone());
            let mut ours = Tree::new();
            let tree = self.row_tree(&row, &new.settings, &mut ours);
            self.entry(&entry, "settings", Some(&Raw::Map(tree)));
            self.ours_of(&prefix_of(&row), &ours);
        }
        self.rows(id, &entry, RowKind::Marker, &old.markers, &new.markers);
        self.rows(id, &entry, RowKind::Light, &old.lights, &new.lights);
        let layers = RowKind::Annotation;
        self.rows(id, &entry, layers, &old.annotations, &new.annotations);
        if old.fog != new.fog {
            let (_, key) = mask_place(id, &MaskTarget::Fog);
            let mask = new.fog.clone().map(|mask| Raw::Plain(Any::Buffer(mask)));
            self.entry(&entry, key, mask.as_ref());
        }
    }

    fn rows<R: ShownRow>(
        &mut self,
        scene: &SceneId,
        entry: &MapRef,
        kind: RowKind,
        old: &BTreeMap<RowId, R>,
        new: &BTreeMap<RowId, R>,
    ) {
        let Some(collection) = collection_key(kind).and_then(|key| map_in(entry, &self.txn, key))
        else {
            return;
        };
        for id in old.keys().filter(|id| !new.contains_key(*id)) {
            self.entry(&collection, id.as_str(), None);
            self.ours_of(&prefix_of(&RowRef::in_scene(scene, kind, id)), &Tree::new());
        }
        for (id, row) in new {
            if old.get(id) == Some(row) {
                continue;
            }
            let at = RowRef::in_scene(scene, kind, id);
            let mut ours = Tree::new();
            let tree = row.tree(self, &at, &mut ours);
            self.entry(&collection, id.as_str(), Some(&Raw::Map(tree)));
            self.ours_of(&prefix_of(&at), &ours);
        }
    }

    fn scene_tree(&self, id: &SceneId, scene: &ShownScene, ours: &mut Tree) -> Raw {
        fn collection<R: ShownRow>(
            writer: &Writer<'_>,
            scene: &SceneId,
            kind: RowKind,
            rows: &BTreeMap<RowId, R>,
            ours: &mut Tree,
        ) -> Raw {
            let rows = rows.iter().map(|(id, row)| {
                let at = RowRef::in_scene(scene, kind, id);
                (
                    Arc::from(id.as_str()),
                    Raw::Map(row.tree(writer, &at, ours)),
                )
            });
            Raw::Map(rows.collect())
        }
        let settings = self.row_tree(&RowRef::Scene(id.clone()), &scene.settings, ours);
        let mut tree = Tree::from([("settings".into(), Raw::Map(settings))]);
        let markers = collection(self, id, RowKind::Marker, &scene.markers, ours);
        let lights = collection(self, id, RowKind::Light, &scene.lights, ours);
        let layers = collection(self, id, RowKind::Annotation, &scene.annotations, ours);
        let kinds = [RowKind::Marker, RowKind::Light, RowKind::Annotation];
        for (kind, rows) in kinds.into_iter().zip([markers, lights, layers]) {
            tree.extend(collection_key(kind).map(|key| (key.into(), rows)));
        }
        if let Some(mask) = &scene.fog {
            let (_, key) = mask_place(id, &MaskTarget::Fog);
            tree.insert(key.into(), Raw::Plain(Any::Buffer(Arc::clone(mask))));
        }
        Raw::Map(tree)
    }

    /// The properties of a row where web clients have them, and those of ours beside them.
    fn row_tree(&self, at: &RowRef, row: &Row, ours: &mut Tree) -> Tree {
        let mut tree = Tree::new();
        for property in table_of(row.kind()).properties {
            let default = property.default_value();
            let value = match property.audience {
                Audience::Everyone | Audience::Picture => {
                    row.value(property).cloned().unwrap_or(default.clone())
                }
                // Whoever made the row has seen to it already.
                Audience::DmOnly => default.clone(),
            };
            let Some(any) = raw::any_from_value(&value) else {
                continue;
            };
            if is_shared(property, self.schema) {
                tree.insert(property.key.into(), Raw::Plain(any));
            } else if value != default {
                let key = keys::property_key(at, property.key);
                ours.insert(key.into(), Raw::Plain(any));
            }
        }
        tree
    }

    fn map(&mut self, map: &MapRef, wanted: &Tree) {
        let gone: Vec<String> = map
            .keys(&self.txn)
            .filter(|key| !wanted.contains_key(*key))
            .map(ToOwned::to_owned)
            .collect();
        for key in gone {
            self.entry(map, &key, None);
        }
        for (key, value) in wanted {
            self.entry(map, key, Some(value));
        }
    }

    /// Brings one entry of a map to what it shall be, writing only what differs.
    fn entry(&mut self, map: &MapRef, key: &str, wanted: Option<&Raw>) {
        match (map.get(&self.txn, key), wanted) {
            (None, None) => {}
            (Some(_), None) => {
                map.remove(&mut self.txn, key);
                self.has_removed = true;
            }
            (Some(Out::YMap(held)), Some(Raw::Map(tree))) => self.map(&held, tree),
            (Some(Out::Any(held)), Some(Raw::Plain(value))) if held == *value => {}
            (held, Some(wanted)) => {
                self.has_removed |= matches!(held, Some(Out::YMap(_)));
                map.insert(&mut self.txn, key, wanted.to_prelim());
            }
        }
    }
}

/// A row, or a drawing layer with its mask.
trait ShownRow: PartialEq {
    fn tree(&self, writer: &Writer<'_>, at: &RowRef, ours: &mut Tree) -> Tree;
}

impl ShownRow for Row {
    fn tree(&self, writer: &Writer<'_>, at: &RowRef, ours: &mut Tree) -> Tree {
        writer.row_tree(at, self, ours)
    }
}

impl ShownRow for ShownLayer {
    fn tree(&self, writer: &Writer<'_>, at: &RowRef, ours: &mut Tree) -> Tree {
        let mut tree = writer.row_tree(at, &self.row, ours);
        if let Some(mask) = &self.mask {
            tree.insert("mask".into(), Raw::Plain(Any::Buffer(Arc::clone(mask))));
        }
        tree
    }
}

fn prefix_of(row: &RowRef) -> String {
    let mut prefix = String::new();
    keys::write_row_prefix(&mut prefix, row);
    prefix
}

fn meta_tree(schema: Option<u32>, epoch: &str) -> Tree {
    let mut meta = Tree::from([(Arc::from(EPOCH_KEY), Raw::Plain(Any::String(epoch.into())))]);
    if let Some(schema) = schema {
        let any = Any::Number(yrs::any::Number::Int(i64::from(schema)));
        meta.insert(SCHEMA_KEY.into(), Raw::Plain(any));
    }
    meta
}
