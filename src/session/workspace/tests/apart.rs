//! What changed on which side is told, also over a restart and after a backup was restored.

use std::sync::Arc;
use std::time::Duration;

use super::relay::{Room, join};
use super::{Table, ms};
use crate::model::edit::{Assignment, Edit, RowRef};
use crate::model::id::SceneId;
use crate::model::scene;
use crate::session::apart::{ApartReport, Side};
use crate::session::api::Request;

impl Table {
    fn report(&self) -> Option<Arc<ApartReport>> {
        self.workspace.game.as_ref().unwrap().apart.report()
    }

    fn sides(&self) -> Vec<(String, Side, Side)> {
        let report = self.report().unwrap();
        let scenes = report.scenes.iter();
        let mut sides: Vec<_> = scenes
            .map(|it| (it.name.to_string(), it.here, it.there))
            .collect();
        sides.sort();
        sides
    }

    fn move_map(&mut self, scene: &SceneId, to: f64) {
        let edit = Edit::Set {
            row: RowRef::Scene(scene.clone()),
            values: vec![Assignment::new(scene::MAP_OFFSET_X, to)],
        };
        self.workspace.edit_once("Move map", &[edit]);
    }

    fn is_told(&mut self) -> bool {
        let notices = self.workspace.publish().notices;
        let told = |text: &str| text.contains("while they were apart");
        notices.iter().any(|notice| told(&notice.text))
    }
}

#[test]
fn what_changed_where_is_known_after_a_restart_and_after_a_restore() {
    let mut room = Room::new();
    let hall = room.tables[0].workspace.create_scene("Hall").unwrap();
    let cave = room.scene.clone();
    room.wait(Duration::from_secs(5));
    assert_eq!(room.tables[1].workspace.scene_ids().len(), 2);
    let library = Arc::clone(room.tables[1].workspace.library());
    // Behind everything that waits to be written.
    library.set_setting("barrier", &1).unwrap();
    let backup = library.backup_now().unwrap();
    drop(library);

    // One goes home, and both go on.
    let mut away = room.tables.remove(1).reopened();
    away.move_map(&cave, 11.0);
    let mut away = away.reopened();
    room.tables[0].move_map(&cave, 22.0);
    room.tables[0].move_map(&hall, 33.0);
    room.tables[0].workspace.create_scene("Inn").unwrap();
    room.wait(Duration::from_secs(1));
    assert_eq!(away.report(), None);
    join(&room.relay, &room.clock, &mut away);
    room.tables.push(away);
    room.wait(Duration::from_secs(3));
    let away = room.tables.last_mut().unwrap();
    let expected = [
        ("Hall", Side::Same, Side::Changed),
        ("Inn", Side::Same, Side::Added),
    ];
    let sides = away.sides();
    for (name, here, there) in expected {
        assert!(sides.contains(&(name.into(), here, there)), "{sides:?}");
    }
    // Whose value of the same setting holds is chance; ours was made either way.
    let is_cave = |it: &&(String, Side, Side)| it.0 == "Cave" && it.1 == Side::Changed;
    assert_eq!(sides.iter().filter(is_cave).count(), 1, "{sides:?}");
    assert!(away.is_told());
    let report = away.report().unwrap();
    assert!(report.since_unix_ms.is_some());

    // A backup of the time before: the room is the newer one, and nothing here is.
    away.workspace.handle(Request::Restore { backup });
    let away = room.tables.last_mut().unwrap();
    assert_eq!(away.workspace.scene_ids().len(), 2);
    join(&room.relay, &room.clock, away);
    room.wait(Duration::from_secs(3));
    let away = room.tables.last_mut().unwrap();
    let sides = away.sides();
    assert_eq!(
        sides,
        [
            ("Cave".into(), Side::Same, Side::Changed),
            ("Hall".into(), Side::Same, Side::Changed),
            ("Inn".into(), Side::Same, Side::Added),
        ]
    );
    assert_eq!(away.workspace.scene_ids().len(), 3);
    // A moment's cut with nothing in it is nothing.
    let before = away.report();
    away.workspace.detach_open_documents();
    room.wait(ms(500));
    let away = room.tables.last_mut().unwrap();
    join(&room.relay, &room.clock, away);
    room.wait(Duration::from_secs(1));
    assert_eq!(room.tables.last().unwrap().report(), before);
}

#[test]
fn what_offers_to_bring_a_scene_back_goes_when_somebody_else_did() {
    let mut room = Room::new();
    let hall = room.tables[0].workspace.create_scene("Hall").unwrap();
    room.wait(Duration::from_secs(1));
    let delete = Edit::Delete {
        row: RowRef::Scene(hall.clone()),
    };
    room.tables[0].workspace.edit_once("Delete", &[delete]);
    room.wait(Duration::from_secs(1));
    let offers = |table: &mut Table| {
        let notices = table.workspace.publish().notices;
        let offers = notices.iter().filter(|it| it.brings_back.is_some());
        offers.count()
    };
    assert_eq!(offers(&mut room.tables[1]), 1);
    room.tables[0].workspace.handle(Request::Undo);
    room.wait(Duration::from_secs(1));
    assert!(room.tables[1].workspace.has_scene(&hall));
    assert_eq!(offers(&mut room.tables[1]), 0);
}
