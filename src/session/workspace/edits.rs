//! Edits, undo and redo, scenes, what is on the table: everything that writes to documents.

use crate::doc::masks::MaskSpace;
use crate::doc::replica::Replica;
use crate::doc::{GameDoc, Origin};
use crate::library::DocumentId;
use crate::model::edit::{Assignment, Edit, RowRef};
use crate::model::id::{GameSessionId, SceneId};
use crate::model::property::RowKind;
use crate::model::stroke::MaskTarget;
use crate::model::{party, scene};
use crate::scene::grid_mode::with_converted_positions;
use crate::scene::snapshot::SceneSnapshot;
use crate::session::api::{GestureId, Severity};
use crate::session::new_scene;
use crate::util::revision::Revision;

use super::Workspace;
use super::counting::kind_in_words;
use super::doc_link::DocLink;
use super::games::{OpenGame, OpenParty, Thumbnail};
use super::saving::Saver;

/// How many of the newest strokes stay single when a scene's masks are compacted: more than undo
/// can take back.
const STROKES_KEPT: usize = 256;

/// Said when something is changed too early.
const WAITS: &str = "The room has not sent its game yet, so nothing was changed; wait until it is here, \
                     or leave the room.";
/// Said when something is changed that this version does not know whole.
const IS_NEWER: &str = "This game was made by a newer program, so nothing was changed; update Tableglow \
                        to edit it.";

impl Workspace {
    /// Carries edits out as a part of an undo step; `last` ends it. What may wait by its property's
    /// delay class is shown at once and written with others.
    pub fn edit(&mut self, gesture: GestureId, label: &'static str, edits: &[Edit], last: bool) {
        let (of_party, of_game): (Vec<Edit>, Vec<Edit>) =
            edits.iter().cloned().partition(is_of_party);
        if !of_party.is_empty() {
            self.edit_party(&of_party);
        }
        let Some(game) = self.game.as_mut() else {
            return;
        };
        if game.waits_for_room() {
            if !of_game.is_empty() {
                self.tell_of_waiting();
            }
            return;
        }
        if game.read_only || !self.library.is_writable() {
            if !edits.is_empty() {
                self.notices.add(
                    Severity::Warning,
                    "This library can only be read, so nothing was changed.",
                );
            }
            return;
        }
        if of_game.iter().any(deletes_scene) {
            // What is kept of a deleted scene is what the store has of it.
            self.flush();
        }
        let of_game = self.without_held(gesture, of_game, last);
        let Some(game) = self.game.as_mut() else {
            return;
        };
        let given = of_game.len();
        let converted =
            with_converted_positions(&game.doc, &**self.library.pictures(), of_game.clone());
        // A switch of the grid moves everything; it is never shown in part.
        let at_once = last || converted.len() > given;
        self.broadcast(gesture, label, converted, at_once);
        if last && let Some(game) = self.game.as_mut() {
            game.history.end_gesture();
        }
        self.notices.withdraw_undo();
        self.tell_of_deletes(&of_game);
        self.after_change();
    }

    /// Says why the open game cannot be changed now.
    fn tell_of_waiting(&mut self) {
        let game = self.game.as_ref();
        let is_here = game.is_some_and(|game| game.doc.schema_version().is_some());
        let sentence = if is_here { IS_NEWER } else { WAITS };
        self.notices.add(Severity::Warning, sentence);
    }

    /// The game that steps are taken back in or done again; says so where it cannot be changed.
    fn game_with_history(&mut self) -> Option<&mut OpenGame> {
        self.flush();
        if self.game.as_ref().is_some_and(OpenGame::waits_for_room) {
            self.tell_of_waiting();
            return None;
        }
        self.game.as_mut()
    }

    /// A toast with undo for what was deleted.
    fn tell_of_deletes(&mut self, edits: &[Edit]) {
        let (mut scenes, mut rows) = (0_usize, 0_usize);
        for edit in edits {
            match edit {
                Edit::Delete {
                    row: RowRef::Scene(_),
                } => scenes += 1,
                Edit::Delete { .. } => rows += 1,
                _ => {}
            }
        }
        let text = match (scenes, rows) {
            (0, 0) => return,
            (1, _) => "Scene deleted.".to_owned(),
            (0, 1) => "Deleted.".to_owned(),
            (0, n) => format!("{n} things deleted."),
            (n, _) => format!("{n} scenes deleted."),
        };
        self.notices
            .add_with(Severity::Info, text, Vec::new(), true);
    }

    pub(super) fn undo(&mut self) {
        if let Some(game) = self.game_with_history() {
            game.history.undo(&mut game.doc);
            self.notices.withdraw_undo();
            self.after_change();
        }
    }

    pub(super) fn redo(&mut self) {
        if let Some(game) = self.game_with_history() {
            game.history.redo(&mut game.doc);
            self.after_change();
        }
    }

    /// Edits of one call that are one undo step.
    pub(super) fn edit_once(&mut self, label: &'static str, edits: &[Edit]) {
        self.edit(fresh_gesture(), label, edits, true);
    }

    /// Changes the open party's state; `false` when it cannot be, which is told.
    pub(super) fn edit_party(&mut self, edits: &[Edit]) -> bool {
        let Some(open) = self.party.as_mut() else {
            return false;
        };
        if open.waits_for_room() {
            self.notices.add(Severity::Warning, WAITS);
            return false;
        }
        if open.read_only {
            self.notices.add(
                Severity::Warning,
                "This library can only be read, so the table was not changed.",
            );
            return false;
        }
        let gesture = fresh_gesture();
        let applied = open.doc.apply(edits, Origin::Local(gesture.0));
        let counters = self.broadcaster.counters_mut();
        counters.edits_in += 1;
        counters.wrote(applied.keys_written());
        self.save_open_documents();
        self.look_for_pictures_soon();
        self.find_table_game();
        self.view.everything_changed();
        true
    }

    /// Puts a scene on the table, or clears it.
    pub fn show_on_table(&mut self, scene: Option<&SceneId>) {
        let id = scene.map(SceneId::as_str);
        let holder =
            scene.and_then(|scene| self.open_games().find(|game| game.doc.has_scene(scene)));
        let holder = holder.map(|game| game.id.clone());
        let game = holder.as_ref().map(GameSessionId::as_str);
        self.edit_party(&[Edit::Set {
            row: RowRef::Party,
            values: vec![
                Assignment::new(party::ACTIVE_SCENE_ID, id),
                Assignment::new(party::ACTIVE_GAME_ID, game),
                Assignment::new(party::IS_PAUSED, false),
            ],
        }]);
    }

    /// Shows or leaves the pause screen.
    pub fn pause(&mut self, paused: bool) {
        self.edit_party(&[Edit::Set {
            row: RowRef::Party,
            values: vec![Assignment::new(party::IS_PAUSED, paused)],
        }]);
    }

    /// The scene on the table.
    #[must_use]
    pub fn active_scene(&self) -> Option<SceneId> {
        let state = self.party.as_ref()?.doc.state();
        state
            .get(party::ACTIVE_SCENE_ID)
            .filter(|id| !id.is_empty())
            .map(|id| SceneId::new(&id))
    }

    /// The table shows the pause screen.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.party
            .as_ref()
            .is_some_and(|open| open.doc.state().get(party::IS_PAUSED))
    }

    /// The scenes of the open game in list order.
    #[must_use]
    pub fn scene_ids(&self) -> Vec<SceneId> {
        self.game
            .as_ref()
            .map(|game| game.doc.scene_ids())
            .unwrap_or_default()
    }

    pub(super) fn has_scene(&self, scene: &SceneId) -> bool {
        self.game
            .as_ref()
            .is_some_and(|game| game.doc.has_scene(scene))
    }

    /// Opens a scene in the editor; one that is not there is left alone.
    pub fn edit_scene(&mut self, scene: Option<SceneId>) {
        if let Some(scene) = scene
            && self.has_scene(&scene)
        {
            self.editing = Some(scene);
            self.view.everything_changed();
            self.show_presence();
        }
    }

    /// Opens the scene that is on the table, or the first one where that is of another game.
    pub(super) fn edit_first_scene(&mut self) {
        let scene = self
            .active_scene()
            .filter(|scene| self.has_scene(scene))
            .or_else(|| self.scene_ids().into_iter().next());
        self.edit_scene(scene);
    }

    /// Makes a scene with the party's defaults at the end of the list and opens it.
    pub fn create_scene(&mut self, name: &str) -> Option<SceneId> {
        let scene = SceneId::fresh();
        let edit = self.new_scene_edit(&scene, name)?;
        self.edit_once("New scene", &[edit]);
        self.edit_scene(Some(scene.clone()));
        Some(scene)
    }

    pub(super) fn new_scene_edit(&self, id: &SceneId, name: &str) -> Option<Edit> {
        let game = self.game.as_ref()?;
        let order = new_scene::order_before(&self.scene_orders(None), None);
        Some(Edit::Create {
            row: RowRef::Scene(id.clone()),
            values: new_scene::settings(name, &game.id, order, &self.party_defaults()),
        })
    }

    fn scene_orders(&self, without: Option<&SceneId>) -> Vec<(SceneId, f64)> {
        let Some(game) = self.game.as_ref() else {
            return Vec::new();
        };
        game.doc
            .scene_ids()
            .into_iter()
            .filter(|id| Some(id) != without)
            .filter_map(|id| {
                let row = game.doc.scene_row(&id)?;
                Some((id, row.get(scene::ORDER)))
            })
            .collect()
    }

    pub(super) fn move_scene(&mut self, moved: &SceneId, before: Option<&SceneId>) {
        if before == Some(moved) {
            return;
        }
        let order = new_scene::order_before(&self.scene_orders(Some(moved)), before);
        self.edit_once(
            "Move scene",
            &[Edit::Set {
                row: RowRef::Scene(moved.clone()),
                values: vec![Assignment::new(scene::ORDER, order)],
            }],
        );
    }

    pub(super) fn set_thumbnail(&mut self, scene: &SceneId, shows: Revision, png: Vec<u8>) {
        let Some(game) = self.game.as_mut() else {
            return;
        };
        if !game.doc.has_scene(scene) {
            return;
        }
        let stored = self.library.set_thumbnail(&game.id, scene, png.clone());
        game.thumbnails.insert(
            scene.clone(),
            Thumbnail {
                png: png.into(),
                shows: Some(shows),
            },
        );
        if let Err(error) = stored {
            // A picture for a list: it is made again next time.
            tracing::warn!("thumbnail not stored: {error}");
        }
        self.view.list_changed();
    }

    /// After any change of a document: saves it and brings what is shown up to date.
    pub(super) fn after_change(&mut self) {
        self.save_open_documents();
        self.look_for_pictures_soon();
        self.adopt_web_masks();
        if let Some(editing) = self.editing.clone()
            && !self.has_scene(&editing)
        {
            self.editing = self.scene_ids().into_iter().next();
        }
        self.view.list_changed();
    }

    /// Hands what the open documents produced to the store and to their rooms; whether there was
    /// anything.
    pub(super) fn save_open_documents(&mut self) -> bool {
        self.keep_removed_scenes(false);
        let now = self.clock.now();
        let writable = self.library.is_writable();
        let saver = &mut self.saver;
        let (counters, diagnoser) = (self.broadcaster.counters_mut(), &mut self.diagnoser);
        let unix_ms = self.clock.unix_ms();
        let mut share =
            |document: DocumentId, replica: &mut Replica, link: Option<&mut DocLink>, keeps| {
                let updates = replica.take_updates();
                if let Some(link) = link {
                    link.share(replica, &updates);
                }
                let had_any = !updates.is_empty();
                for update in updates {
                    counters.sent(&update);
                    diagnoser.update(unix_ms, kind_in_words(&document), &update);
                    if keeps {
                        saver.save(&document, update.bytes, now);
                    }
                }
                had_any
            };
        let mut had_any = false;
        for game in self.game.iter_mut().chain(&mut self.others) {
            let document = DocumentId::Game(game.id.clone());
            let keeps = writable && !game.read_only;
            game.note_changes(false, unix_ms);
            game.note_scenes();
            had_any |= share(document, game.doc.replica_mut(), game.link.as_mut(), keeps);
        }
        if let Some(open) = self.party.as_mut() {
            let document = DocumentId::Party(open.id.clone());
            let keeps = writable && !open.read_only;
            had_any |= share(document, open.doc.replica_mut(), open.link.as_mut(), keeps);
        }
        had_any
    }

    /// A snapshot of one open document.
    pub(super) fn snapshot_of(&mut self, document: &DocumentId) {
        self.flush();
        for game in self.game.iter_mut().chain(&mut self.others) {
            if *document == DocumentId::Game(game.id.clone()) {
                snapshot_game(&mut self.saver, game);
                let (library, id) = (&self.library, &game.id);
                if let Err(error) = library.set_scene_count(id, game.doc.scene_ids().len()) {
                    tracing::warn!("scene count not stored: {error}");
                }
            }
        }
        if let Some(open) = &self.party
            && *document == DocumentId::Party(open.id.clone())
        {
            snapshot_party(&mut self.saver, open);
        }
    }
}

/// A gesture of its own.
pub(super) fn fresh_gesture() -> GestureId {
    use std::sync::atomic::{AtomicU64, Ordering};
    // Gestures of windows count up from zero; these count down from the top.
    static NEXT: AtomicU64 = AtomicU64::new(u64::MAX);
    GestureId(NEXT.fetch_sub(1, Ordering::Relaxed))
}

fn deletes_scene(edit: &Edit) -> bool {
    matches!(
        edit,
        Edit::Delete {
            row: RowRef::Scene(_)
        }
    )
}

fn is_of_party(edit: &Edit) -> bool {
    matches!(
        edit,
        Edit::Set {
            row: RowRef::Party,
            ..
        }
    )
}

/// Stores a snapshot of a game that changed. A library that is attached to no room is the one
/// owner of its documents, so it compacts their strokes first.
pub(super) fn snapshot_game(saver: &mut Saver, game: &mut OpenGame) {
    saver.note_agreed(game);
    let document = DocumentId::Game(game.id.clone());
    if game.read_only || !saver.has_changed(&document) {
        return;
    }
    let OpenGame {
        doc, watched, link, ..
    } = game;
    if link.is_none() {
        // Strokes are drawn on scenes that somebody looks at.
        for scene in watched.values().map(|watched| &watched.snapshot) {
            compact(doc, scene);
        }
    }
    for update in game.doc.replica_mut().take_updates() {
        saver.save(&document, update.bytes, std::time::Duration::ZERO);
    }
    saver.put_snapshot(&document, || game.doc.replica().encode_snapshot());
}

/// Draws the old strokes of a scene's masks into their bases.
fn compact(doc: &mut GameDoc, shown: &SceneSnapshot) {
    let display = shown
        .display_size_world()
        .to_array()
        .map(|side| side.round() as u32);
    // Strokes are in the map's pixels, which are not known without its picture.
    let held = shown.map.as_ref();
    let map = held
        .filter(|map| map.picture.is_some())
        .map(|map| map.placement.size_px);
    if let Some(map) = map {
        let space = MaskSpace::covering(map);
        doc.compact_mask(&shown.id, &MaskTarget::Fog, space, STROKES_KEPT);
    }
    for layer in shown.annotations.iter() {
        // A drawing that covers the display in a scene with the map's own grid is an old one of a
        // web client; with a base of ours it would no longer be known as such.
        let on_map_grid =
            shown.setting(scene::GRID_MODE) == scene::GRID_MODE_MAP_DEFINED && held.is_some();
        let covers = match (layer.anchored_to_map, on_map_grid) {
            (true, _) => map,
            (false, false) => Some(display),
            (false, true) => None,
        };
        let Some(covers) = covers else { continue };
        let target = MaskTarget::Annotation(layer.id.clone());
        let space = MaskSpace::covering(covers);
        doc.compact_mask(&shown.id, &target, space, STROKES_KEPT);
    }
}

/// Stores a snapshot of a party that changed.
pub(super) fn snapshot_party(saver: &mut Saver, party: &OpenParty) {
    let document = DocumentId::Party(party.id.clone());
    if !party.read_only && saver.has_changed(&document) {
        saver.put_snapshot(&document, || party.doc.replica().encode_snapshot());
    }
}

/// Used by the scene list.
pub(super) fn marker_count(game: &OpenGame, scene: &SceneId) -> usize {
    game.doc.count(scene, RowKind::Marker)
}
