//! Which parts of a document changed since somebody last asked.

use std::collections::{BTreeMap, BTreeSet};

use yrs::TransactionMut;
use yrs::types::{Event, Events, PathSegment};

use crate::model::edit::RowRef;
use crate::model::id::{RowId, SceneId};

use super::keys;

/// What changed in a document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dirty {
    /// The scene list: a scene came, went, or has another name or place.
    pub list: bool,
    /// The party's state.
    pub party: bool,
    /// The document's version or everything in it.
    pub everything: bool,
    /// The scenes that changed.
    pub scenes: BTreeMap<SceneId, SceneDirty>,
}

/// What changed in a scene.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SceneDirty {
    /// Everything: it came, went or was replaced.
    pub whole: bool,
    /// Its settings.
    pub settings: bool,
    /// Its markers.
    pub markers: RowsDirty,
    /// Its lights.
    pub lights: RowsDirty,
    /// Its drawing layers, their masks and strokes.
    pub annotations: RowsDirty,
    /// Its fog: mask, strokes or base.
    pub fog: bool,
    /// Its walls and doors.
    pub structures: bool,
}

/// Which rows of a collection changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum RowsDirty {
    /// None.
    #[default]
    None,
    /// These.
    Some(BTreeSet<RowId>),
    /// Any of them.
    All,
}

impl RowsDirty {
    /// Whether a row may have changed.
    #[must_use]
    pub fn contains(&self, id: &RowId) -> bool {
        match self {
            Self::None => false,
            Self::Some(ids) => ids.contains(id),
            Self::All => true,
        }
    }

    pub(super) fn add(&mut self, id: &str) {
        match self {
            Self::None => *self = Self::Some(BTreeSet::from([RowId::new(id)])),
            Self::Some(ids) => {
                ids.insert(RowId::new(id));
            }
            Self::All => {}
        }
    }

    fn merge(&mut self, other: Self) {
        match (&mut *self, other) {
            (Self::All, _) | (_, Self::None) => {}
            (Self::Some(ids), Self::Some(more)) => ids.extend(more),
            (_, other) => *self = other,
        }
    }
}

impl SceneDirty {
    /// Everything of a scene.
    #[must_use]
    pub fn whole() -> Self {
        Self {
            whole: true,
            settings: true,
            markers: RowsDirty::All,
            lights: RowsDirty::All,
            annotations: RowsDirty::All,
            fog: true,
            structures: true,
        }
    }

    fn merge(&mut self, other: Self) {
        self.whole |= other.whole;
        self.settings |= other.settings;
        self.fog |= other.fog;
        self.structures |= other.structures;
        self.markers.merge(other.markers);
        self.lights.merge(other.lights);
        self.annotations.merge(other.annotations);
    }

    fn rows(&mut self, collection: &str) -> Option<&mut RowsDirty> {
        match collection {
            "markers" | "marker" => Some(&mut self.markers),
            "lights" | "light" => Some(&mut self.lights),
            "annotations" | "annotation" => Some(&mut self.annotations),
            _ => None,
        }
    }
}

impl Dirty {
    /// Everything of a document.
    #[must_use]
    pub fn everything() -> Self {
        Self {
            list: true,
            party: true,
            everything: true,
            scenes: BTreeMap::new(),
        }
    }

    /// Nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What changed in a scene; `None` when nothing did.
    #[must_use]
    pub fn scene(&self, scene: &SceneId) -> Option<SceneDirty> {
        if self.everything {
            Some(SceneDirty::whole())
        } else {
            self.scenes.get(scene).cloned()
        }
    }

    /// Adds what another one holds.
    pub fn merge(&mut self, other: Self) {
        self.list |= other.list;
        self.party |= other.party;
        self.everything |= other.everything;
        for (scene, dirty) in other.scenes {
            self.scenes.entry(scene).or_default().merge(dirty);
        }
    }

    fn scene_mut(&mut self, scene: &str) -> &mut SceneDirty {
        self.scenes.entry(SceneId::new(scene)).or_default()
    }

    /// A property of a row reads as something else.
    pub(super) fn note_row(&mut self, row: &RowRef, key: &str) {
        match row {
            RowRef::Scene(scene) => {
                self.list |= is_in_list(key);
                self.scene_mut(scene.as_str()).settings = true;
            }
            RowRef::InScene { scene, kind, id } => {
                let rows = self.scene_mut(scene.as_str()).rows(keys::word(*kind));
                if let Some(rows) = rows {
                    rows.add(id.as_str());
                }
            }
            RowRef::Party => self.party = true,
        }
    }

    /// Takes in what happened below the `scenes` root.
    pub(super) fn note_scenes(&mut self, txn: &TransactionMut, events: &Events) {
        for event in events.iter() {
            let Event::Map(event) = event else { continue };
            let path: Vec<_> = event
                .path()
                .into_iter()
                .filter_map(|segment| match segment {
                    PathSegment::Key(key) => Some(key),
                    PathSegment::Index(_) => None,
                })
                .collect();
            let keys = event.keys(txn);
            match path.as_slice() {
                [] => {
                    self.list = true;
                    for scene in keys.keys() {
                        *self.scene_mut(scene) = SceneDirty::whole();
                    }
                }
                [scene] => {
                    for part in keys.keys() {
                        self.note_part(scene, part);
                    }
                }
                [scene, collection] if &**collection == "settings" => {
                    self.list |= keys.keys().any(|key| is_in_list(key));
                    self.scene_mut(scene).settings = true;
                }
                [scene, collection] => {
                    if let Some(rows) = self.scene_mut(scene).rows(collection) {
                        for id in keys.keys() {
                            rows.add(id);
                        }
                    }
                }
                [scene, collection, id, ..] => {
                    if let Some(rows) = self.scene_mut(scene).rows(collection) {
                        rows.add(id);
                    }
                }
            }
        }
    }

    fn note_part(&mut self, scene: &str, part: &str) {
        match part {
            "settings" => {
                self.list = true;
                *self.scene_mut(scene) = SceneDirty::whole();
            }
            "fogMask" => self.scene_mut(scene).fog = true,
            other => {
                if let Some(rows) = self.scene_mut(scene).rows(other) {
                    *rows = RowsDirty::All;
                }
            }
        }
    }

    /// Takes in what happened in our own root.
    pub(super) fn note_ours(&mut self, txn: &TransactionMut, events: &Events) {
        for event in events.iter() {
            let Event::Map(event) = event else { continue };
            for key in event.keys(txn).keys() {
                let Some(parsed) = keys::parse(key) else {
                    self.party |= key.starts_with("party/");
                    continue;
                };
                let Some(first) = parsed.rest.first() else {
                    continue;
                };
                let scene = self.scenes.entry(parsed.scene).or_default();
                match parsed.kind.as_str() {
                    "setting" => scene.settings = true,
                    keys::WALL | keys::DOOR => scene.structures = true,
                    keys::STROKE | keys::VOID | keys::BASE | keys::PROJECTED => {
                        if first == keys::FOG {
                            scene.fog = true;
                        } else {
                            scene.annotations.add(first);
                        }
                    }
                    kind => {
                        if let Some(rows) = scene.rows(kind) {
                            rows.add(first);
                        }
                    }
                }
            }
        }
    }
}

/// Whether the scene list shows a setting.
fn is_in_list(key: &str) -> bool {
    matches!(key, "name" | "order" | "mapThumbLocation")
}
