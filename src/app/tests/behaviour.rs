//! What a user does, and what the session is asked then.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use eframe::egui;
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use super::{App, editor_of, table_ready};
use crate::broadcast::cost::HourlyUse;
use crate::broadcast::meter::Counters;
use crate::model::edit::Edit;
use crate::model::id::{RowId, SceneId};
use crate::model::stroke::{StrokeMode, StrokeShape};
use crate::session::api::{Published, Request};
use crate::session::diagnostics::{Diagnostics, TraceLine};
use crate::session::room::{Connection, DocumentView, Place, RoomView};

fn canvas_center(harness: &Harness<'_, App>) -> egui::Pos2 {
    harness.state().canvas_rect().center()
}

fn drag(harness: &mut Harness<'_, App>, from: egui::Pos2, to: egui::Pos2) {
    harness.hover_at(from);
    harness.run();
    harness.drag_at(from);
    harness.step();
    for n in 1..=4_u8 {
        harness.hover_at(from.lerp(to, f32::from(n) / 4.0));
        harness.step();
    }
    harness.drop_at(to);
    harness.run_steps(2);
}

#[test]
fn a_new_scene_is_asked_for() {
    let (mut harness, fake) = editor_of(table_ready());
    harness.run();
    harness.get_by_label("New scene").click();
    harness.run();
    assert!(matches!(
        fake.sent().as_slice(),
        [Request::CreateScene { .. }]
    ));
}

#[test]
fn a_click_on_a_scene_opens_it_and_the_table_stays() {
    let (mut harness, fake) = editor_of(table_ready());
    harness.run();
    harness.get_by_label("Scene Cave").click();
    harness.run();
    let sent = fake.sent();
    assert!(
        matches!(sent.as_slice(), [Request::EditScene(scene)] if scene.as_str() == "Cave"),
        "{sent:?}"
    );
}

#[test]
fn a_scene_is_renamed_in_place() {
    let (mut harness, fake) = editor_of(table_ready());
    harness.run();
    harness.key_press(egui::Key::F2);
    harness.run_steps(3);
    harness.get_by_label("Scene name").type_text("Tomb");
    harness.run_steps(2);
    harness.key_press(egui::Key::Enter);
    harness.run_steps(2);
    let edits = fake.edits();
    let [(_, edits, true)] = edits.as_slice() else {
        panic!("{edits:?}");
    };
    assert!(
        matches!(&edits[0], Edit::Set { values, .. }
            if values[0].property.key == "name" && values[0].value == "Tomb".into()),
        "{edits:?}"
    );
}

#[test]
fn scenes_are_reordered_by_dragging() {
    let (mut harness, fake) = editor_of(table_ready());
    harness.run();
    let from = harness.get_by_label("Scene Cave").rect().center();
    let to = harness.get_by_label("Scene Crypt, on the table").rect();
    drag(&mut harness, from, to.center_top() + egui::vec2(0.0, 6.0));
    let sent = fake.sent();
    assert!(
        sent.iter().any(|request| matches!(request,
            Request::MoveScene { scene, before: Some(before) }
                if scene.as_str() == "Cave" && before.as_str() == "Crypt")),
        "{sent:?}"
    );
}

#[test]
fn a_fog_stroke_is_one_gesture_in_map_pixels() {
    let (mut harness, fake) = editor_of(table_ready());
    harness.run();
    harness.key_press(egui::Key::E);
    harness.run();
    let from = canvas_center(&harness) + egui::vec2(100.0, 60.0);
    drag(&mut harness, from, from + egui::vec2(80.0, 0.0));
    let edits = fake.edits();
    let strokes: Vec<_> = edits
        .iter()
        .flat_map(|(_, edits, _)| edits)
        .map(|edit| match edit {
            Edit::Stroke { stroke, .. } => stroke,
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(!strokes.is_empty());
    assert!(edits.windows(2).all(|pair| pair[0].0 == pair[1].0));
    assert!(edits.last().unwrap().2);
    let first = strokes[0];
    assert_eq!(first.mode, StrokeMode::Erase);
    // Two cells of an inch across, on a map that is shown at 0.675 of its size.
    let StrokeShape::Brush { radius } = first.shape else {
        panic!("{first:?}");
    };
    let expected = 55.077 / 0.675 * 16.0;
    assert!((f64::from(radius) - expected).abs() < 20.0, "{radius}");
    let start = first.points[0];
    let end = strokes.last().unwrap().points.last().unwrap();
    // Down on the screen is down on the map, whose y goes up.
    assert!(start[1] < 0 && start[1] == end[1], "{start:?} {end:?}");
    assert!(end[0] > start[0]);
}

#[test]
fn reveal_all_is_a_stroke_of_its_own() {
    let (mut harness, fake) = editor_of(table_ready());
    harness.run();
    harness.key_press(egui::Key::F);
    harness.run();
    let edits = fake.edits();
    let [(_, edits, true)] = edits.as_slice() else {
        panic!("{edits:?}");
    };
    assert!(matches!(&edits[0], Edit::Stroke { stroke, .. }
        if stroke.shape == StrokeShape::Everything && stroke.mode == StrokeMode::Erase));
}

#[test]
fn a_marker_is_dragged_over_the_grid() {
    let (mut harness, fake) = editor_of(table_ready());
    harness.run();
    let from = canvas_center(&harness);
    drag(&mut harness, from, from + egui::vec2(60.0, 0.0));
    assert!(harness.state().editor.picked.contains(&RowId::new("Mira")));
    let edits = fake.edits();
    assert!(edits.len() >= 2, "{edits:?}");
    assert!(edits.windows(2).all(|pair| pair[0].0 == pair[1].0));
    assert!(edits.last().unwrap().2);
}

#[test]
fn undo_is_offered_only_when_there_is_something() {
    let (mut harness, fake) = editor_of(table_ready());
    harness.run();
    harness.get_by_label("Undo").click();
    harness.run();
    assert!(matches!(fake.sent().as_slice(), [Request::Undo]));
    fake.publish(|published| published.undo = None);
    harness.run_steps(2);
    assert!(harness.get_by_label("Undo").accesskit_node().is_disabled());
}

#[test]
fn a_slider_drag_is_one_gesture() {
    let (mut harness, fake) = editor_of(table_ready());
    harness.run();
    let slider = harness.get_by_label("Zoom slider").rect();
    drag(
        &mut harness,
        slider.left_center() + egui::vec2(30.0, 0.0),
        slider.left_center() + egui::vec2(120.0, 0.0),
    );
    harness.run_steps(3);
    let edits = fake.edits();
    assert!(edits.len() >= 2, "{edits:?}");
    assert!(
        edits.windows(2).all(|pair| pair[0].0 == pair[1].0),
        "{edits:?}"
    );
    assert!(edits.last().unwrap().2, "{edits:?}");
    assert!(edits[..edits.len() - 1].iter().all(|(_, _, last)| !last));
}

#[test]
fn a_layer_is_hidden_in_this_window_alone() {
    let (mut harness, fake) = editor_of(table_ready());
    harness.run();
    let section = harness.get_by_label("Layers in this window");
    section.scroll_to_me();
    harness.run_steps(20);
    harness.get_by_label("Layers in this window").click();
    harness.run_steps(10);
    let eye = harness.get_by_label("Hide grid");
    eye.scroll_to_me();
    harness.run_steps(20);
    harness.get_by_label("Hide grid").click();
    harness.run_steps(5);
    assert!(
        !harness
            .state()
            .editor
            .layers
            .contains(crate::render::Phase::Grid)
    );
    assert!(fake.sent().is_empty());
}

#[test]
fn the_scene_is_put_on_the_table_and_taken_off() {
    let (mut harness, fake) = editor_of(Published {
        active_scene: None,
        ..table_ready()
    });
    harness.run();
    harness.get_by_label("Show this scene on the table").click();
    harness.run();
    assert!(
        matches!(fake.sent().as_slice(), [Request::ShowOnTable(Some(scene))] if *scene == SceneId::new("Crypt"))
    );
}

#[test]
fn escape_goes_one_step_back_at_a_time() {
    let (mut harness, _fake) = editor_of(table_ready());
    harness.run();
    harness.key_press(egui::Key::M);
    harness.run();
    harness.state_mut().editor.picked.insert(RowId::new("Mira"));
    harness.key_press(egui::Key::Escape);
    harness.run();
    assert!(harness.state().editor.picked.is_empty());
    assert_eq!(
        harness.state().editor.tool.kind(),
        crate::app::tools::ToolKind::Marker
    );
    harness.key_press(egui::Key::Escape);
    harness.run();
    assert_eq!(
        harness.state().editor.tool.kind(),
        crate::app::tools::ToolKind::Select
    );
}

#[test]
fn a_busy_session_gets_everything_later_and_in_order() {
    let (mut harness, fake) = editor_of(table_ready());
    harness.run();
    fake.busy.store(true, Ordering::Relaxed);
    harness.get_by_label("New scene").click();
    harness.step();
    harness.key_press(egui::Key::F);
    harness.step();
    assert!(fake.sent().is_empty());
    fake.busy.store(false, Ordering::Relaxed);
    harness.run_steps(3);
    let sent = fake.sent();
    assert!(
        matches!(
            sent.as_slice(),
            [Request::CreateScene { .. }, Request::Edit { .. }]
        ),
        "{sent:?}"
    );
}

#[test]
fn an_idle_editor_paints_nothing() {
    let (mut harness, _fake) = editor_of(table_ready());
    // `run` goes on while a repaint is asked for and panics when that never ends.
    harness.run();
    let before = harness.state().frames();
    harness.run();
    // One frame for the call itself.
    assert!(harness.state().frames() - before <= 1);
}

#[test]
fn escape_closes_an_open_menu_and_nothing_else() {
    let (mut harness, _fake) = editor_of(table_ready());
    harness.run();
    harness.state_mut().editor.picked.insert(RowId::new("Mira"));
    harness.get_by_label("Table").click();
    harness.run();
    assert!(egui::Popup::is_any_open(&harness.ctx));
    harness.key_press(egui::Key::Escape);
    harness.run();
    assert!(!egui::Popup::is_any_open(&harness.ctx));
    assert_eq!(harness.state().editor.picked.len(), 1);
}

#[test]
fn showing_is_done_when_the_players_can_see_a_scene_and_not_before() {
    let player = crate::scene::player::PlayerScene::of(&super::snapshot("Crypt", &[]));
    let (mut harness, _fake) = editor_of(Published {
        player: crate::scene::player::PlayerFrame::Scene(std::sync::Arc::new(player)),
        ..table_ready()
    });
    harness.run();
    let done = |harness: &Harness<'_, App>| {
        let done = &harness.state().editor.settings.hints_done;
        done.iter().cloned().collect::<Vec<_>>()
    };
    // A scene is on the table and steps were made, but the table has no window.
    assert!(done(&harness).is_empty(), "{:?}", done(&harness));
    harness.get_by_label("Open the player display").click();
    harness.run_steps(3);
    assert_eq!(done(&harness), ["show"]);
}

fn measured() -> Published {
    let mut published = table_ready();
    let document = |name: &str, live: bool| DocumentView {
        name: name.into(),
        connection: if live {
            Connection::Live
        } else {
            Connection::Connecting { retry_in: None }
        },
        has_sent_all: live,
        connections: 2,
        out: (1_203, 48_211),
        in_: (7_019, 391_004),
    };
    published.room = Some(Arc::new(RoomView {
        place: Place::Joined {
            server: "http://192.168.1.5:1999".into(),
            title: "Friday group".into(),
        },
        connection: Connection::Live,
        documents: vec![document("Game", true), document("Table", false)],
        waits_for_room: false,
        apart: None,
        events: Arc::default(),
    }));
    let hourly = HourlyUse {
        messages: 142_000.0,
        connections: 0.0,
        transactions: 10_001.0,
        rooms: 2.0,
    };
    published.diagnostics = Arc::new(Diagnostics {
        counters: Counters {
            edits_in: 12_345,
            transactions_out: 1_975,
            keys_written: 2_310,
            bytes_out: 81_204,
        },
        in_room: true,
        hourly,
        hourly_unbatched: HourlyUse {
            messages: 191_850.0,
            ..hourly
        },
        trace: None,
    });
    published
}

/// What the panel of the diagnostics is shown with in pictures.
pub(super) fn traced() -> Published {
    let mut published = measured();
    let line = |n: i64| TraceLine {
        at_unix_ms: 1_780_000_000_000 + n * 51,
        text: if n % 2 == 0 {
            "game  batch  \u{201c}Move marker\u{201d}, 2 keys".into()
        } else {
            "game  out  48 bytes".into()
        },
    };
    published.diagnostics = Arc::new(Diagnostics {
        trace: Some((0..40).map(line).collect()),
        ..(*published.diagnostics).clone()
    });
    published
}

#[test]
fn a_drag_ends_where_it_is_when_the_window_is_left() {
    let (mut harness, fake) = editor_of(table_ready());
    harness.run();
    let from = canvas_center(&harness);
    harness.hover_at(from);
    harness.run();
    harness.drag_at(from);
    harness.step();
    harness.hover_at(from + egui::vec2(120.0, 40.0));
    harness.step();
    harness.event(egui::Event::WindowFocused(false));
    harness.step();
    let sent = fake.sent();
    let (mut moved, mut ended) = (false, false);
    for request in &sent {
        if let Request::Edit { edits, last, .. } = request {
            moved |= !edits.is_empty();
            ended |= *last;
        }
    }
    assert!(moved && ended, "{sent:?}");
    let left = |request: &Request| matches!(request, Request::FocusLost);
    assert!(sent.iter().any(left), "{sent:?}");
    harness.hover_at(from + egui::vec2(200.0, 40.0));
    harness.step();
    assert!(fake.edits().is_empty());
}
