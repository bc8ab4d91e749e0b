//! The two documents: opening and making them.

use std::collections::HashSet;

use parking_lot::Mutex;
use yrs::{Any, Map as _, ReadTxn, WriteTxn as _};

use super::origin::Origin;
use super::overlay::Overlay;
use super::raw;
use super::replica::{DocError, Replica, Watch};
use crate::model::edit::RowRef;
use crate::model::id::{GameSessionId, PartyId};
use crate::model::party;
use crate::model::property::{Property, Root};

/// The schema that documents of ours have.
pub const SCHEMA_VERSION: u32 = 2;

pub(super) const META: &str = "meta";
pub(super) const SCENES: &str = "scenes";
pub(super) const STATE: &str = "state";
pub(super) const OURS: &str = "tableglow";
pub(super) const SCHEMA_KEY: &str = "schemaVersion";

/// Something in a document that is not as it should be; told once for each place.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Report {
    /// The row, in words: `marker 1f… of scene 2a…`.
    pub row: String,
    /// The key in it.
    pub key: String,
    /// What is wrong and what is shown instead.
    pub problem: String,
}

#[derive(Debug, Default)]
pub(super) struct Reports {
    seen: HashSet<(RowRef, String)>,
    new: Vec<Report>,
}

impl Reports {
    pub(super) fn add(&mut self, row: &RowRef, key: &str, problem: impl FnOnce() -> String) {
        if self.seen.insert((row.clone(), key.to_owned())) {
            self.new.push(Report {
                row: in_words(row),
                key: key.to_owned(),
                problem: problem(),
            });
        }
    }
}

fn in_words(row: &RowRef) -> String {
    match row {
        RowRef::Scene(scene) => format!("scene {scene}"),
        RowRef::InScene { scene, kind, id } => {
            format!("{} {id} of scene {scene}", super::keys::word(*kind))
        }
        RowRef::Party => "party".to_owned(),
    }
}

/// A game-session document: its scenes and everything in them.
#[derive(Debug)]
pub struct GameDoc {
    pub(super) id: GameSessionId,
    pub(super) replica: Replica,
    pub(super) reports: Mutex<Reports>,
    /// Running number of strokes drawn by this opened copy.
    pub(super) strokes_drawn: u32,
    /// What is shown before it is written.
    pub(super) overlay: Overlay,
}

/// A party document: which scene is on the table.
#[derive(Debug)]
pub struct PartyDoc {
    pub(super) replica: Replica,
    pub(super) reports: Mutex<Reports>,
}

pub(super) const GAME_ROOTS: &[(&str, Watch)] = &[
    (META, Watch::Meta),
    (SCENES, Watch::Scenes),
    (OURS, Watch::Ours),
];
pub(super) const PARTY_ROOTS: &[(&str, Watch)] = &[
    (META, Watch::Meta),
    (STATE, Watch::Party),
    (OURS, Watch::Party),
];

impl GameDoc {
    /// A new document of ours, without scenes. Its first update is waiting in
    /// [`Replica::take_updates`].
    #[must_use]
    pub fn create(id: &GameSessionId) -> Self {
        let mut doc = Self::of(id, Replica::new(GAME_ROOTS));
        doc.initialise();
        doc
    }

    /// Makes an empty document one of ours: for a room that nobody has filled.
    pub fn initialise(&mut self) {
        stamp_schema(&self.replica);
    }

    /// Opens a document from its snapshot and the updates after it, in any order.
    ///
    /// # Errors
    /// When one of them is damaged.
    pub fn open<'b>(
        id: &GameSessionId,
        updates: impl IntoIterator<Item = &'b [u8]>,
    ) -> Result<Self, DocError> {
        Ok(Self::of(id, Replica::load(GAME_ROOTS, updates)?))
    }

    pub(super) fn of(id: &GameSessionId, replica: Replica) -> Self {
        Self {
            id: id.clone(),
            replica,
            reports: Mutex::default(),
            strokes_drawn: 0,
            overlay: Overlay::default(),
        }
    }

    /// The game session.
    #[must_use]
    pub fn id(&self) -> &GameSessionId {
        &self.id
    }

    /// Bytes in and out, and what changed.
    #[must_use]
    pub fn replica(&self) -> &Replica {
        &self.replica
    }

    /// Bytes in and out, and what changed.
    pub fn replica_mut(&mut self) -> &mut Replica {
        &mut self.replica
    }

    /// The document's schema; `None` when nobody has filled it yet.
    #[must_use]
    pub fn schema_version(&self) -> Option<u32> {
        schema_version(&self.replica.read())
    }

    /// What was found wrong since the last call; each place once.
    pub fn take_reports(&mut self) -> Vec<Report> {
        std::mem::take(&mut self.reports.lock().new)
    }
}

impl PartyDoc {
    /// A new document of ours: nothing on the table.
    #[must_use]
    pub fn create(_id: &PartyId) -> Self {
        let mut doc = Self::of(Replica::new(PARTY_ROOTS));
        doc.initialise();
        doc
    }

    /// Makes an empty document one of ours: for a room that nobody has filled.
    pub fn initialise(&mut self) {
        stamp_schema(&self.replica);
        let mut txn = self.replica.write(Origin::Upkeep);
        let state = txn.get_or_insert_map(STATE);
        let shared = |property: &&Property| matches!(property.root, Root::Shared { .. });
        for property in party::TABLE.properties.iter().filter(shared) {
            if let Some(any) = raw::any_from_value(&property.default_value()) {
                state.insert(&mut txn, property.key, any);
            }
        }
    }

    /// Opens a document from its snapshot and the updates after it, in any order.
    ///
    /// # Errors
    /// When one of them is damaged.
    pub fn open<'b>(updates: impl IntoIterator<Item = &'b [u8]>) -> Result<Self, DocError> {
        Ok(Self::of(Replica::load(PARTY_ROOTS, updates)?))
    }

    pub(super) fn of(replica: Replica) -> Self {
        Self {
            replica,
            reports: Mutex::default(),
        }
    }

    /// Bytes in and out, and what changed.
    #[must_use]
    pub fn replica(&self) -> &Replica {
        &self.replica
    }

    /// Bytes in and out, and what changed.
    pub fn replica_mut(&mut self) -> &mut Replica {
        &mut self.replica
    }

    /// The document's schema; `None` when nobody has filled it yet.
    #[must_use]
    pub fn schema_version(&self) -> Option<u32> {
        schema_version(&self.replica.read())
    }

    /// What was found wrong since the last call; each place once.
    pub fn take_reports(&mut self) -> Vec<Report> {
        std::mem::take(&mut self.reports.lock().new)
    }
}

fn stamp_schema(replica: &Replica) {
    let mut txn = replica.write(Origin::Upkeep);
    let meta = txn.get_or_insert_map(META);
    meta.insert(&mut txn, SCHEMA_KEY, i64::from(SCHEMA_VERSION));
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "whole and in range by the guard"
)]
pub(super) fn schema_version<T: ReadTxn>(txn: &T) -> Option<u32> {
    let value = txn.get_map(META)?.get(txn, SCHEMA_KEY)?;
    match value {
        yrs::Out::Any(Any::Number(n)) => {
            let n = raw::number_from_any(n);
            (n.fract() == 0.0 && (1.0..1e9).contains(&n)).then_some(n as u32)
        }
        _ => None,
    }
}
