//! Edits: what the session is asked to do to the documents.
//!
//! An edit names rows and properties, never document structures. An update of a row that has been
//! deleted is dropped and reported, never re-creates it.

use super::id::{RowId, SceneId};
use super::property::{Property, RowKind};
use super::stroke::{MaskTarget, NewStroke};
use super::structure::{Door, Wall};
use super::value::Value;

/// The address of a row.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RowRef {
    /// A scene's settings.
    Scene(SceneId),
    /// A marker, light or annotation.
    InScene {
        /// The scene.
        scene: SceneId,
        /// The collection: `Marker`, `Light` or `Annotation`.
        kind: RowKind,
        /// The row.
        id: RowId,
    },
    /// The party's state.
    Party,
}

impl RowRef {
    /// A marker of a scene.
    #[must_use]
    pub fn marker(scene: &SceneId, id: &RowId) -> Self {
        Self::in_scene(scene, RowKind::Marker, id)
    }

    /// A light of a scene.
    #[must_use]
    pub fn light(scene: &SceneId, id: &RowId) -> Self {
        Self::in_scene(scene, RowKind::Light, id)
    }

    /// A drawing layer of a scene.
    #[must_use]
    pub fn annotation(scene: &SceneId, id: &RowId) -> Self {
        Self::in_scene(scene, RowKind::Annotation, id)
    }

    /// A row of a scene's collection.
    #[must_use]
    pub fn in_scene(scene: &SceneId, kind: RowKind, id: &RowId) -> Self {
        Self::InScene {
            scene: scene.clone(),
            kind,
            id: id.clone(),
        }
    }

    /// The scene of this row, if it is in one.
    #[must_use]
    pub fn scene(&self) -> Option<&SceneId> {
        match self {
            Self::Scene(scene) | Self::InScene { scene, .. } => Some(scene),
            Self::Party => None,
        }
    }
}

/// A property and the value that it shall have.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment {
    /// Which property.
    pub property: &'static Property,
    /// Its new value.
    pub value: Value,
}

impl Assignment {
    /// `property = value`.
    pub fn new<T>(prop: super::property::Prop<T>, value: impl Into<Value>) -> Self {
        Self {
            property: prop.property(),
            value: value.into(),
        }
    }
}

/// A wall or a door.
#[derive(Debug, Clone, PartialEq)]
pub enum Structure {
    /// A wall.
    Wall(Wall),
    /// A door.
    Door(Door),
}

/// One change of a document.
#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    /// Sets properties of an existing row.
    Set {
        /// The row.
        row: RowRef,
        /// Its new values.
        values: Vec<Assignment>,
    },
    /// Creates a row with every property written, the given ones and defaults. For a scene this
    /// creates its collections too; a scene without an `order` goes to the end.
    Create {
        /// The row.
        row: RowRef,
        /// Values other than the defaults.
        values: Vec<Assignment>,
    },
    /// Deletes a row; a scene goes with all that belongs to it.
    Delete {
        /// The row.
        row: RowRef,
    },
    /// Copies a scene with everything in it under fresh row ids, right after its source.
    DuplicateScene {
        /// What to copy.
        source: SceneId,
        /// Id of the copy.
        copy: SceneId,
    },
    /// Draws on a mask.
    Stroke {
        /// The scene.
        scene: SceneId,
        /// Its mask.
        target: MaskTarget,
        /// The stroke.
        stroke: NewStroke,
    },
    /// Writes a wall or door (creates or replaces).
    PutStructure {
        /// The scene.
        scene: SceneId,
        /// Its id.
        id: RowId,
        /// The wall or door.
        structure: Structure,
    },
    /// Deletes a wall or door.
    DeleteStructure {
        /// The scene.
        scene: SceneId,
        /// Its id.
        id: RowId,
    },
}
