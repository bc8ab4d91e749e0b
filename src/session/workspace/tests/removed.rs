//! Scenes that were deleted come back, whoever deleted them and whenever.

use std::sync::Arc;

use super::{Table, ms};
use crate::doc::{GameDoc, Origin};
use crate::library::{Library, Mode};
use crate::model::edit::{Assignment, Edit, RowRef};
use crate::model::id::SceneId;
use crate::model::property::RowKind;
use crate::model::stroke::{MaskTarget, NewStroke, StrokeMode, StrokeShape};
use crate::model::{marker, scene};
use crate::session::api::{GestureId, Request};
use crate::session::workspace::Workspace;

impl Table {
    /// Names of the deleted scenes that are listed.
    fn removed(&mut self) -> Vec<String> {
        let removed = self.workspace.publish().removed;
        removed.iter().map(|it| it.name.to_string()).collect()
    }

    fn delete(&mut self, scenes: &[&SceneId]) {
        self.workspace.edit_once("Delete scene", &deletes(scenes));
    }

    /// Somebody else in the room does something to the open game.
    fn somebody_else(&mut self, change: impl FnOnce(&mut GameDoc)) {
        let game = self.workspace.game.as_mut().unwrap();
        let mine = game.doc.replica().encode_snapshot();
        let mut theirs = GameDoc::open(&game.id, [mine.as_slice()]).unwrap();
        change(&mut theirs);
        let state = game.doc.replica().state_vector();
        let update = theirs.replica().encode_missing(&state).unwrap();
        let replica = game.doc.replica_mut();
        replica.apply_update(&update, Origin::Remote(1)).unwrap();
        self.workspace.pump_rooms();
    }

    pub(super) fn reopened(self) -> Self {
        let Self {
            workspace,
            clock,
            scene,
            _folder,
        } = self;
        let folder = workspace.library().folder().to_owned();
        workspace.close().unwrap();
        let library = Arc::new(Library::open(&folder, Mode::Write).unwrap());
        let workspace = Workspace::open(library, Arc::new(clock.clone())).unwrap();
        Self {
            workspace,
            clock,
            scene,
            _folder,
        }
    }

    /// Everything in the scene as it is shown, as text.
    fn content(&self) -> String {
        let doc = &self.workspace.game.as_ref().unwrap().doc;
        let settings = doc.scene_row(&self.scene).unwrap();
        let markers = doc.rows(&self.scene, RowKind::Marker);
        let strokes = doc.strokes(&self.scene, &MaskTarget::Fog);
        format!("{settings:?} {markers:?} {strokes:?}")
    }
}

fn deletes(scenes: &[&SceneId]) -> Vec<Edit> {
    let delete = |scene: &&SceneId| Edit::Delete {
        row: RowRef::Scene((*scene).clone()),
    };
    scenes.iter().map(delete).collect()
}

#[test]
fn a_scene_that_was_deleted_here_comes_back_whole_after_a_restart() {
    let mut table = Table::with_hero();
    let stroke = Edit::Stroke {
        scene: table.scene.clone(),
        target: MaskTarget::Fog,
        stroke: NewStroke {
            shape: StrokeShape::Brush { radius: 64 },
            mode: StrokeMode::Erase,
            points: vec![[7, 9]],
        },
    };
    table.workspace.edit_once("Fog", &[stroke]);
    table.drag(12.0, true);
    // Shown and not written yet when the scene goes.
    table.set(9, scene::GRID_SPACING, 3.25, false);
    let before = table.content();
    assert!(before.contains("3.25"), "{before}");
    assert!((table.written() - 3.25).abs() > 0.1, "it waits");
    let scene = table.scene.clone();
    table.delete(&[&scene]);
    assert_eq!(table.removed(), ["Cave"]);
    assert!(table.workspace.scene_ids().is_empty());

    let mut table = table.reopened();
    let published = table.workspace.publish();
    let kept = &published.removed[0];
    assert!(!kept.by_other);
    assert!(kept.removed_unix_ms > 1_700_000_000_000);
    table.workspace.handle(Request::BringBack(scene.clone()));
    assert_eq!(table.content(), before);
    assert!(table.removed().is_empty(), "what is back is not listed");
    assert_eq!(table.workspace.publish().editing.unwrap().id, scene);
    // And it stays.
    let table = table.reopened();
    assert_eq!(table.content(), before);
}

#[test]
fn undo_and_redo_of_a_delete_are_followed() {
    let mut table = Table::with_hero();
    let scene = table.scene.clone();
    table.delete(&[&scene]);
    table.workspace.handle(Request::Undo);
    assert!(table.workspace.has_scene(&scene));
    assert!(table.removed().is_empty());
    table.workspace.handle(Request::Redo);
    assert_eq!(table.removed(), ["Cave"]);
    // The undo of what made a scene deletes it too.
    table.workspace.create_scene("Tower").unwrap();
    table.workspace.handle(Request::Undo);
    assert_eq!(table.removed(), ["Tower", "Cave"]);
    table.workspace.handle(Request::Undo);
    assert_eq!(table.removed(), ["Tower"]);
}

#[test]
fn a_scene_that_somebody_else_deleted_is_told_and_comes_back_with_the_last_edit() {
    let table = Table::with_hero();
    // Also when the delete is the first that comes after the start.
    let mut table = table.reopened();
    let scene = table.scene.clone();
    let change = Edit::Set {
        row: table.hero(),
        values: vec![Assignment::new(marker::POSITION_X, 77.0)],
    };
    table.workspace.edit(GestureId(3), "Move", &[change], true);
    table.somebody_else(|theirs| {
        theirs.apply(&deletes(&[&scene]), Origin::Local(1));
    });
    let published = table.workspace.publish();
    let told = |it: &&crate::session::api::Notice| it.brings_back.as_ref() == Some(&scene);
    let notice = published.notices.iter().find(told).unwrap();
    assert!(notice.text.contains("Cave"), "{}", notice.text);
    assert!(published.removed[0].by_other);

    let mut table = table.reopened();
    assert_eq!(table.removed(), ["Cave"]);
    table.workspace.handle(Request::BringBack(scene));
    table.wait(ms(300));
    assert!((table.hero_x() - 77.0).abs() < 1e-9);
    assert!(table.workspace.publish().notices.is_empty());
}

#[test]
fn many_deletes_of_somebody_else_are_one_notice_with_their_names() {
    let mut table = Table::new();
    let scenes: Vec<SceneId> = ["Hall", "Inn", "Keep"]
        .map(|name| table.workspace.create_scene(name).unwrap())
        .into();
    table.somebody_else(|theirs| {
        let scenes: Vec<&SceneId> = scenes.iter().collect();
        theirs.apply(&deletes(&scenes), Origin::Local(1));
    });
    let notices = table.workspace.publish().notices;
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert!(notices[0].text.contains("3 scenes"), "{}", notices[0].text);
    let mut names: Vec<&str> = notices[0].details.iter().map(|it| &**it).collect();
    names.sort_unstable();
    assert_eq!(names, ["Hall", "Inn", "Keep"]);
    assert_eq!(table.removed().len(), 3);
}

#[test]
fn a_scene_of_a_game_that_is_open_beside_the_editor_s_is_kept_too() {
    let mut table = Table::with_hero();
    let scene = table.scene.clone();
    let game = table.workspace.game().cloned().unwrap();
    table.workspace.show_on_table(Some(&scene));
    let party = table.workspace.party().cloned().unwrap();
    table.workspace.handle(Request::CreateGame {
        party,
        name: "Another".into(),
    });
    let other = &mut table.workspace.others[0];
    assert_eq!(other.id, game, "it is on the table");
    other.doc.apply(&deletes(&[&scene]), Origin::Remote(1));
    table.workspace.pump_rooms();
    assert!(table.removed().is_empty(), "they are of another game");
    table.workspace.open_game(&game).unwrap();
    assert_eq!(table.removed(), ["Cave"]);
    table.workspace.handle(Request::BringBack(scene));
    assert_eq!(table.workspace.publish().scenes[0].markers, 1);
}

#[test]
fn what_is_not_kept_is_said_and_nothing_is_changed() {
    let mut table = Table::new();
    let stranger = SceneId::new("stranger");
    table.workspace.handle(Request::BringBack(stranger));
    let published = table.workspace.publish();
    assert!(published.notices[0].text.contains("no longer kept"));
    assert_eq!(published.scenes.len(), 1);
    // A scene that came and went within one change was never anything.
    let fleeting = SceneId::new("fleeting");
    let create = Edit::Create {
        row: RowRef::Scene(fleeting.clone()),
        values: vec![],
    };
    let delete = deletes(&[&fleeting]).remove(0);
    table.workspace.edit_once("Both", &[create, delete]);
    assert!(table.removed().is_empty());
}
