//! Measuring and the pen that fades, as a user meets them and as others are shown them.

use std::sync::Arc;

use eframe::egui;
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use glam::DVec2;

use super::rooms::{in_room, joined};
use super::{App, Fake, editor_of, snapshot, table_ready};
use crate::app::tools::measure::MeasureShape;
use crate::model::edit::{Assignment, Edit};
use crate::model::presence::Presence;
use crate::model::{annotation, scene};
use crate::session::api::{Published, Request};
use crate::session::room::Connection;

fn live() -> Published {
    in_room(joined(Connection::Live))
}

fn editor(published: Published) -> (Harness<'static, App>, Arc<Fake>) {
    let (mut harness, fake) = editor_of(published);
    harness.run();
    (harness, fake)
}

/// What the user shows now.
fn shown(fake: &Fake) -> Presence {
    fake.shown.lock().last().cloned().unwrap_or_default()
}

fn press(harness: &mut Harness<'_, App>, at: egui::Pos2) {
    harness.hover_at(at);
    harness.step();
    harness.drag_at(at);
    harness.step();
}

/// From the middle to the right and down, with the tool of a key; where it began.
fn drag(harness: &mut Harness<'_, App>, tool: egui::Key) -> egui::Pos2 {
    harness.key_press(tool);
    harness.step();
    let from = center(harness);
    press(harness, from);
    harness.hover_at(from + egui::vec2(90.0, 90.0));
    harness.run_steps(2);
    from
}

fn center(harness: &Harness<'_, App>) -> egui::Pos2 {
    harness.state().canvas_rect().center()
}

#[test]
fn a_measurement_is_shown_to_others_from_grid_to_grid_and_taken_back() {
    let (mut harness, fake) = editor(live());
    harness.get_by_label("Measure").click();
    harness.run_steps(2);
    harness.get_by_label("Beam").click();
    harness.run_steps(2);
    let from = center(&harness);
    press(&mut harness, from + egui::vec2(3.0, 2.0));
    assert_eq!(shown(&fake).measurement, None);
    harness.hover_at(from + egui::vec2(120.0, 0.0));
    harness.run_steps(2);
    let said = shown(&fake).measurement.unwrap();
    assert_eq!(said.start_world, DVec2::ZERO);
    let half_cells = said.end_world.x / (1920.0 / 17.77 / 2.0);
    assert!(half_cells > 3.0 && said.end_world.y == 0.0, "{said:?}");
    assert_eq!((said.shape, said.beam_width), (2, Some(10.0)));
    assert!(said.snaps_to_grid && said.is_dmg_252 && said.shows_distance);
    assert_eq!((said.auto_hide_ms, said.fade_out_ms), (3000.0, 500.0));
    harness.drop_at(from + egui::vec2(120.0, 0.0));
    harness.run_steps(6);
    assert_eq!(shown(&fake).measurement, None);
    // It is still to be seen here, and then it is gone; a step is a quarter of a second.
    assert_eq!(harness.state().editor.own.shown().list.len(), 1);
    harness.run_steps(14);
    assert_eq!(harness.state().editor.own.shown().list.len(), 0);
    assert!(fake.edits().is_empty());
}

#[test]
fn escape_takes_a_measurement_away_from_everybody() {
    let (mut harness, fake) = editor(live());
    let from = drag(&mut harness, egui::Key::T);
    assert!(shown(&fake).measurement.is_some());
    harness.key_press(egui::Key::Escape);
    harness.run_steps(2);
    // One that leads nowhere takes it away from those who would let it fade.
    let states = fake.shown.lock().clone();
    let mut ends = states.iter().filter_map(|state| state.measurement.as_ref());
    let last = ends.next_back().unwrap();
    assert_eq!(last.start_world, last.end_world);
    harness.run_steps(3);
    assert_eq!(shown(&fake).measurement, None);
    harness.drop_at(from);
    harness.run_steps(2);
    assert_eq!(shown(&fake).measurement, None);
}

#[test]
fn in_a_scene_that_is_not_on_the_table_only_the_user_sees_it() {
    let published = Published {
        editing: Some(Arc::new(snapshot("Cave", &[]))),
        ..live()
    };
    let (mut harness, fake) = editor(published);
    for key in [egui::Key::T, egui::Key::D] {
        let from = drag(&mut harness, key);
        harness.drop_at(from + egui::vec2(90.0, 90.0));
        harness.step();
    }
    let states = fake.shown.lock().clone();
    assert!(!states.is_empty());
    for state in states {
        assert_eq!((state.measurement, state.temporary_layers.len()), (None, 0));
    }
    assert_eq!(harness.state().editor.own.shown().list.len(), 2);
    // It goes on the table before it has faded: so does what is drawn in it.
    fake.publish(|published| published.active_scene = Some(crate::model::id::SceneId::new("Cave")));
    harness.run_steps(2);
    assert_eq!(shown(&fake).temporary_layers.len(), 1);
}

#[test]
fn the_angle_of_a_cone_is_chosen_beside_it_and_remembered() {
    let (mut harness, _) = editor(live());
    harness.get_by_label("Measure").click();
    harness.run_steps(2);
    assert!(harness.query_by_label("Angle of the cone").is_none());
    harness.get_by_label("Cone").click();
    harness.run_steps(2);
    harness.get_by_label("Angle of the cone").click();
    harness.run_steps(2);
    harness.get_by_label("53.13°").click();
    harness.run_steps(2);
    assert_eq!(harness.state().editor.settings.measuring.cone_deg, 53.13);
}

#[test]
fn in_a_narrow_window_the_options_are_behind_a_button_and_nothing_is_cut_off() {
    let (mut harness, _) = editor(live());
    harness.set_size(egui::vec2(1000.0, 640.0));
    harness.run_steps(4);
    harness.get_by_label("Measure").click();
    harness.run_steps(2);
    assert!(harness.query_by_label("Cone").is_none());
    let fold = harness.get_by_label("Fold the inspector").rect();
    assert!(
        harness.state().canvas_rect().right() >= fold.right(),
        "{fold:?}"
    );
    harness.get_by_label("Options of the tool").click();
    harness.run_steps(4);
    harness.get_by_label("Cone").click();
    harness.run_steps(4);
    assert_eq!(
        harness.state().editor.settings.measuring.shape,
        MeasureShape::Cone
    );
    harness.get_by_label("53.13°").click();
    harness.run_steps(4);
    assert_eq!(harness.state().editor.settings.measuring.cone_deg, 53.13);
}

fn draw(harness: &mut Harness<'_, App>) {
    let from = center(harness);
    press(harness, from);
    for n in 1..=4_u8 {
        harness.hover_at(from + egui::vec2(f32::from(n) * 20.0, 0.0));
        harness.step();
    }
    harness.drop_at(from + egui::vec2(80.0, 0.0));
    harness.step();
}

#[test]
fn the_pen_is_shown_to_others_for_ten_seconds() {
    let (mut harness, fake) = editor(live());
    harness.get_by_label("Pen that fades").click();
    harness.run_steps(2);
    assert!(harness.get_by_label("Keep").accesskit_node().is_disabled());
    harness.get_by_label("Red pen").click();
    harness.run_steps(2);
    draw(&mut harness);
    let [layer] = shown(&fake).temporary_layers.try_into().unwrap();
    let red = harness.state().editor.settings.pen_color();
    assert!(red.r > red.g && layer.color == red);
    assert!(
        layer.mask_base64.len() < 4096,
        "{}",
        layer.mask_base64.len()
    );
    assert_eq!(layer.expires_unix_ms - layer.made_unix_ms, 10_000);
    harness.run_steps(30);
    assert_eq!(shown(&fake).temporary_layers.len(), 1);
    harness.run_steps(12);
    assert_eq!(shown(&fake).temporary_layers.len(), 0);
    assert!(harness.get_by_label("Keep").accesskit_node().is_disabled());
    assert!(fake.edits().is_empty());
}

#[test]
fn a_drawing_that_is_kept_is_one_undo_step() {
    let (mut harness, fake) = editor(live());
    harness.key_press(egui::Key::D);
    harness.step();
    draw(&mut harness);
    harness.get_by_label("Keep").click();
    harness.run_steps(3);
    let sent = fake.sent();
    let [
        Request::Edit {
            label,
            edits,
            last: true,
            ..
        },
    ] = sent.as_slice()
    else {
        panic!("{sent:?}");
    };
    let [Edit::Create { values, .. }, Edit::Stroke { stroke, .. }] = edits.as_slice() else {
        panic!("{edits:?}");
    };
    assert_eq!(*label, "Keep drawing");
    assert!(stroke.points.len() >= 3);
    let color = harness.state().editor.settings.pen_color();
    assert!(values.contains(&Assignment::new(annotation::COLOR, color)));
    assert_eq!(shown(&fake).temporary_layers.len(), 0);
    assert_eq!(harness.state().editor.own.shown().list.len(), 0);
    // Nothing is left to keep.
    harness.key_press(egui::Key::K);
    harness.run_steps(2);
    assert!(fake.edits().is_empty());
}

#[test]
fn a_scene_on_the_maps_own_grid_keeps_a_drawing_in_pixels_of_its_map() {
    let mut on_map = snapshot("Crypt", &[]);
    let settings = on_map.settings.value.with(
        scene::GRID_MODE.property(),
        scene::GRID_MODE_MAP_DEFINED.into(),
    );
    on_map.settings = crate::util::revision::Part::new(settings);
    let published = Published {
        editing: Some(Arc::new(on_map)),
        ..live()
    };
    let (mut harness, fake) = editor(published);
    harness.key_press(egui::Key::D);
    harness.step();
    draw(&mut harness);
    harness.key_press(egui::Key::K);
    harness.run_steps(3);
    let kept = fake.edits();
    let [(_, edits, true)] = kept.as_slice() else {
        panic!("{kept:?}");
    };
    let Edit::Stroke { stroke, .. } = &edits[1] else {
        panic!("{edits:?}");
    };
    // 80 points of the screen in the table's pixels, and the map shown at 0.675.
    let scene = harness.state().link.published().editing.clone().unwrap();
    let zoom = harness.state().editor.camera_of(&scene).zoom;
    let length = f64::from(stroke.points.last().unwrap()[0] - stroke.points[0][0]) / 16.0;
    assert!((length - 80.0 / zoom / 0.675).abs() < 2.0, "{length}");
}

#[test]
fn without_a_room_nothing_is_sent_and_the_apps_own_windows_show_it() {
    let (mut harness, fake) = editor(table_ready());
    drag(&mut harness, egui::Key::T);
    assert!(fake.shown.lock().is_empty());
    assert_eq!(harness.state().editor.own.shown().list.len(), 1);
}
