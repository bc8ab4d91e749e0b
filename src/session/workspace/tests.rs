//! What users are promised of an open library.

mod apart;
mod relay;
mod removed;
mod saver;
mod waited;

use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use super::Workspace;
use crate::library::Library;
use crate::model::color::Rgb;
use crate::model::edit::{Assignment, Edit, RowRef};
use crate::model::id::{RowId, SceneId};
use crate::model::presence::{Dragging, HoveredMarker, Presence, TablePart, Who};
use crate::model::property::Prop;
use crate::model::{marker, scene};
use crate::session::api::{GestureId, Request, Saved};
use crate::session::room::Person;
use crate::util::clock::{Clock as _, ManualClock};

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A library with one scene in the editor, and a clock that stands.
struct Table {
    workspace: Workspace,
    clock: ManualClock,
    scene: SceneId,
    _folder: TempDir,
}

impl Table {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let library = Arc::new(Library::create_empty(&folder.path().join("library")).unwrap());
        let clock = ManualClock::starting_at(1_780_000_000_000);
        let mut workspace = Workspace::open(library, Arc::new(clock.clone())).unwrap();
        let scene = workspace.create_scene("Cave").unwrap();
        Self {
            workspace,
            clock,
            scene,
            _folder: folder,
        }
    }

    /// Time goes by; what is due is done when it is due, as the session's thread does.
    fn wait(&mut self, time: Duration) {
        let end = self.clock.now() + time;
        while let Some(deadline) = self.workspace.next_deadline().filter(|at| *at <= end) {
            self.clock
                .advance(deadline.saturating_sub(self.clock.now()));
            self.workspace.upkeep();
        }
        self.clock.advance(end.saturating_sub(self.clock.now()));
    }

    fn set(&mut self, gesture: u64, prop: Prop<f64>, value: f64, last: bool) {
        let edit = Edit::Set {
            row: RowRef::Scene(self.scene.clone()),
            values: vec![Assignment::new(prop, value)],
        };
        self.workspace
            .edit(GestureId(gesture), "Grid", &[edit], last);
        self.workspace.upkeep();
    }

    fn end(&mut self, gesture: u64) {
        self.workspace.edit(GestureId(gesture), "Grid", &[], true);
        self.workspace.upkeep();
    }

    fn spacing(&mut self) -> f64 {
        let published = self.workspace.publish();
        published.editing.unwrap().setting(scene::GRID_SPACING)
    }

    /// What the document itself holds.
    fn written(&self) -> f64 {
        let doc = &self.workspace.game.as_ref().unwrap().doc;
        let id = self.workspace.game().unwrap();
        let copy = crate::doc::GameDoc::open(id, [doc.replica().encode_snapshot().as_slice()]);
        let row = copy.unwrap().scene_row(&self.scene).unwrap();
        row.get(scene::GRID_SPACING)
    }
}

#[test]
fn batching_saves_four_fifths_of_a_slider_drags_requests() {
    let mut table = Table::new();
    let before = table.workspace.broadcaster.counters();
    for frame in 0..120_u32 {
        table.set(
            1,
            scene::GRID_SPACING,
            1.0 + f64::from(frame) / 120.0,
            false,
        );
        table.wait(Duration::from_micros(16_667));
    }
    table.end(1);
    let after = table.workspace.broadcaster.counters();
    let edits = after.edits_in - before.edits_in;
    let transactions = after.transactions_out - before.transactions_out;
    assert_eq!(edits, 120);
    assert!(
        transactions >= 10,
        "{transactions}: not a throttle any more"
    );
    assert!(transactions * 5 <= edits, "{transactions} of {edits}");
    // Every transaction wrote the one key that was dragged.
    assert_eq!(after.keys_written - before.keys_written, transactions);
    assert!(after.bytes_out > before.bytes_out);
    assert!((table.written() - (1.0 + 119.0 / 120.0)).abs() < 1e-12);
    // One step, however many transactions.
    let depth = table.workspace.publish().undo_depth;
    table.workspace.handle(Request::Undo);
    assert_eq!(table.workspace.publish().undo_depth, depth - 1);
    assert!((table.written() - 1.0).abs() < 1e-12);
}

#[test]
fn a_change_shows_at_once_and_is_with_the_store_in_time() {
    let mut table = Table::new();
    table.wait(ms(50));
    let library = Arc::clone(table.workspace.library());
    let appended = library.appended();
    table.set(1, scene::GRID_SPACING, 2.5, false);
    assert!((table.spacing() - 2.5).abs() < 1e-12);
    assert!((table.written() - 1.0).abs() < 1e-12);
    assert_eq!(library.appended(), appended);
    assert_eq!(table.workspace.publish().saved, Saved::Writing);
    // 250 ms is what is promised; the store takes 20 ms of them.
    table.wait(ms(200));
    assert!((table.written() - 2.5).abs() < 1e-12);
    assert!(library.appended() > appended);
    assert!((table.spacing() - 2.5).abs() < 1e-12);
}

#[test]
fn whoever_needs_the_document_gets_all_of_it() {
    let mut value = 2.0;
    let ways: [&dyn Fn(&mut Table); 6] = [
        &|table| table.workspace.save_everything(),
        &|table| table.workspace.handle(Request::FocusLost),
        &|table| table.end(1),
        &|table| {
            table.workspace.snapshot(&table.scene.clone()).unwrap();
        },
        &|table| {
            table.workspace.create_scene("Other").unwrap();
        },
        &|table| {
            let game = table.workspace.game().cloned().unwrap();
            let party = table.workspace.party().cloned().unwrap();
            table.workspace.handle(Request::CreateGame {
                party,
                name: "Another".into(),
            });
            assert!(table.workspace.game() != Some(&game));
            table.workspace.open_game(&game).unwrap();
        },
    ];
    let mut table = Table::new();
    for way in ways {
        value += 0.25;
        table.set(1, scene::GRID_SPACING, value, false);
        way(&mut table);
        assert!((table.written() - value).abs() < 1e-12, "{value}");
        let game = table.workspace.game.as_ref().unwrap();
        assert!(!game.doc.has_pending());
    }
    // Undo takes back what was not written yet.
    table.set(7, scene::GRID_SPACING, 9.0, false);
    table.workspace.handle(Request::Undo);
    assert!((table.written() - value).abs() < 1e-12);
    assert!((table.spacing() - value).abs() < 1e-12);
    table.workspace.handle(Request::Redo);
    assert!((table.spacing() - 9.0).abs() < 1e-12);
}

impl Table {
    fn with_hero() -> Self {
        let mut table = Self::new();
        let create = Edit::Create {
            row: table.hero(),
            values: vec![],
        };
        table.workspace.edit_once("Add marker", &[create]);
        table
    }

    fn hero(&self) -> RowRef {
        RowRef::marker(&self.scene, &RowId::new("hero"))
    }

    fn drag(&mut self, x: f64, last: bool) {
        let edit = Edit::Set {
            row: self.hero(),
            values: vec![Assignment::new(marker::POSITION_X, x)],
        };
        self.workspace.edit(GestureId(5), "Move", &[edit], last);
        self.workspace.upkeep();
    }

    fn hero_x(&mut self) -> f64 {
        let published = self.workspace.publish();
        let markers = published.editing.unwrap().markers.value.clone();
        markers[0].row.get(marker::POSITION_X)
    }

    /// Mira takes the hero at a moment, or lets go.
    fn mira(&mut self, since_unix_ms: Option<i64>) {
        let who = Who {
            name: "Mira".into(),
            color: Rgb::WHITE,
            part: TablePart::Dm,
            scene: None,
            view: None,
        };
        let dragging = since_unix_ms.map(|since_unix_ms| Dragging {
            marker: RowId::new("hero"),
            scene: self.scene.clone(),
            since_unix_ms,
            also: Vec::new(),
        });
        let presence = Presence {
            who: Some(who),
            dragging,
            ..Presence::default()
        };
        let game = self.workspace.game().cloned().unwrap();
        self.workspace.hear(Person {
            game,
            client: 3,
            presence: Arc::new(presence),
            cursor_moved: ms(0),
        });
    }

    /// How many times it was told that Mira holds a marker.
    fn told(&mut self) -> usize {
        let notices = self.workspace.publish().notices;
        let told = |text: &str| text.starts_with("Mira is moving this marker");
        notices.iter().filter(|notice| told(&notice.text)).count()
    }
}

#[test]
fn a_marker_that_somebody_else_drags_stays_with_them() {
    let mut table = Table::with_hero();
    let now = table.clock.unix_ms();
    table.mira(Some(now));
    table.wait(ms(10));
    table.drag(40.0, false);
    table.drag(50.0, false);
    assert!(table.hero_x().abs() < 1e-9);
    assert_eq!(table.told(), 1);
    assert_eq!(table.workspace.drag.shown(), None);
    table.drag(60.0, true);
    assert!(table.hero_x().abs() < 1e-9);
    // Everything else of it can be changed, also beside its place.
    let size = Edit::Set {
        row: table.hero(),
        values: vec![
            Assignment::new(marker::SIZE, 3_i64),
            Assignment::new(marker::POSITION_X, 65.0),
        ],
    };
    table.workspace.edit_once("Size", &[size]);
    assert!(table.hero_x().abs() < 1e-9);
    let published = table.workspace.publish();
    let markers = published.editing.unwrap().markers.value.clone();
    assert_eq!(markers[0].row.get(marker::SIZE), 3);
    table.mira(None);
    table.drag(70.0, true);
    assert!((table.hero_x() - 70.0).abs() < 1e-9);
}

#[test]
fn a_drag_in_another_room_holds_nothing_here() {
    let mut table = Table::with_hero();
    let now = table.clock.unix_ms();
    table.mira(Some(now));
    let here = table.workspace.game().cloned().unwrap();
    let mut elsewhere = table.workspace.rooms.people.remove(&(here, 3)).unwrap();
    elsewhere.game = crate::model::id::GameSessionId::new("another");
    table.workspace.hear(elsewhere);
    table.wait(ms(10));
    table.drag(40.0, true);
    assert!((table.hero_x() - 40.0).abs() < 1e-9);
    assert_eq!(table.told(), 0);
}

#[test]
fn only_dms_point_markers_out_to_the_table() {
    let mut table = Table::new();
    let game = table.workspace.game().cloned().unwrap();
    for (client, part) in [
        (3, Some(TablePart::Player)),
        (4, Some(TablePart::Display)),
        (5, Some(TablePart::Dm)),
        // A web client does not say what it is; only its DMs point.
        (6, None),
    ] {
        let presence = Presence {
            who: part.map(|part| Who {
                name: "Somebody".into(),
                color: Rgb::WHITE,
                part,
                scene: None,
                view: None,
            }),
            hovered_marker: Some(HoveredMarker {
                id: RowId::new(&format!("trap-{client}")),
                position_world: glam::DVec2::ZERO,
                title: "Trap".into(),
                content: "".into(),
                image_url: None,
            }),
            ..Presence::default()
        };
        table.workspace.hear(Person {
            game: game.clone(),
            client,
            presence: Arc::new(presence),
            cursor_moved: ms(0),
        });
    }
    let pointed_out = table.workspace.pointed_out();
    let ids: Vec<&str> = pointed_out.iter().map(RowId::as_str).collect();
    assert_eq!(ids, ["trap-5", "trap-6"]);
}

#[test]
fn of_two_drags_the_one_that_began_later_goes_back_with_a_name() {
    let mut table = Table::with_hero();
    table.drag(10.0, false);
    table.wait(ms(60));
    table.drag(20.0, false);
    let ours = table.workspace.drag.shown().unwrap();
    assert_eq!(ours.marker, RowId::new("hero"));
    // She began later: it stays ours.
    table.mira(Some(ours.since_unix_ms + 1));
    table.drag(30.0, false);
    assert!((table.hero_x() - 30.0).abs() < 1e-9);
    assert_eq!(table.told(), 0);
    // She began before us, as we hear only now.
    table.mira(Some(ours.since_unix_ms - 1));
    assert_eq!(table.workspace.drag.shown(), None);
    assert!(
        (table.hero_x() - 10.0).abs() < 1e-9,
        "as it was written last"
    );
    assert_eq!(table.told(), 1);
    table.drag(40.0, false);
    table.drag(50.0, true);
    table.wait(ms(300));
    assert!((table.hero_x() - 10.0).abs() < 1e-9);
    assert_eq!(table.told(), 1);
}

#[test]
fn a_drag_is_shown_until_the_hand_lets_go_or_the_window_is_left() {
    let mut table = Table::with_hero();
    table.drag(10.0, false);
    assert!(table.workspace.drag.shown().is_some());
    table.drag(10.0, true);
    assert_eq!(table.workspace.drag.shown(), None);
    table.drag(20.0, false);
    table.workspace.handle(Request::FocusLost);
    assert_eq!(table.workspace.drag.shown(), None);
    table.drag(30.0, false);
    table.workspace.handle(Request::LeaveRoom);
    assert_eq!(table.workspace.drag.shown(), None);
    table.drag(40.0, false);
    let party = table.workspace.party().cloned().unwrap();
    table.workspace.handle(Request::CreateGame {
        party,
        name: "Another".into(),
    });
    assert_eq!(table.workspace.drag.shown(), None);
}

#[test]
fn the_trace_tells_what_left_and_only_when_it_is_wanted() {
    let mut table = Table::with_hero();
    assert_eq!(table.workspace.publish().diagnostics.trace, None);
    table.workspace.handle(Request::Trace(true));
    table.drag(10.0, false);
    table.drag(20.0, true);
    let diagnostics = Arc::clone(&table.workspace.publish().diagnostics);
    let trace = diagnostics.trace.clone().unwrap();
    let lines: Vec<&str> = trace.iter().map(|line| &*line.text).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(lines[0], "game  batch  \u{201c}Move\u{201d}, 1 key");
    assert!(lines[1].starts_with("game  out  ") && lines[1].ends_with(" bytes"));
    assert!(diagnostics.counters.saved_share().unwrap() > 0.0);
    assert!(diagnostics.hourly.usd() < diagnostics.hourly_unbatched.usd());
    table.workspace.handle(Request::Trace(false));
    assert_eq!(table.workspace.publish().diagnostics.trace, None);
}

#[test]
fn a_switch_of_the_grid_is_never_shown_in_part() {
    let mut table = Table::new();
    let row = RowRef::marker(&table.scene, &RowId::new("hero"));
    let edits = [
        Edit::Create {
            row: row.clone(),
            values: vec![],
        },
        Edit::Set {
            row: RowRef::Scene(table.scene.clone()),
            values: vec![Assignment::new(
                scene::GRID_MODE,
                scene::GRID_MODE_MAP_DEFINED,
            )],
        },
    ];
    for edit in edits {
        let set = Edit::Set {
            row: row.clone(),
            values: vec![Assignment::new(marker::POSITION_X, 40.0)],
        };
        table
            .workspace
            .edit(GestureId(1), "Grid", &[edit, set], false);
    }
    assert!(!table.workspace.broadcaster.is_waiting());
}
