//! What a game master relies on at the table, by key and by accessibility label.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use eframe::egui;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;

use super::{App, Fake, editor_of, snapshot, still, table_ready};
use crate::app::tools::ToolKind;
use crate::model::edit::{Edit, RowRef};
use crate::model::id::{RowId, SceneId};
use crate::model::row::Row;
use crate::model::stroke::StrokeMode;
use crate::model::{annotation, light, marker};
use crate::scene::player::{PlayerFrame, PlayerScene};
use crate::scene::snapshot::{Annotation, Light};
use crate::session::api::{Published, Request};
use crate::util::revision::Part;

fn harness() -> (Harness<'static, App>, Arc<Fake>) {
    let (mut harness, fake) = editor_of(table_ready());
    harness.run();
    (harness, fake)
}

/// A scene with a light and a drawing beside its markers.
fn with_light_and_drawing() -> Published {
    let mut scene = snapshot("Crypt", &[("Mira", 0.0, 0.0)]);
    scene.lights = Part::new(
        vec![Light {
            id: RowId::new("torch"),
            row: Row::defaults(&light::TABLE),
            position_world: glam::DVec2::new(400.0, 200.0),
            diameter_world: 100.0,
        }]
        .into(),
    );
    scene.annotations = Part::new(
        vec![Annotation {
            id: RowId::new("arrow"),
            row: Row::defaults(&annotation::TABLE),
            mask: None,
            anchored_to_map: true,
        }]
        .into(),
    );
    Published {
        editing: Some(Arc::new(scene)),
        ..table_ready()
    }
}

/// The control of a row whose words carry the same label.
fn control<'h>(harness: &'h Harness<'_, App>, label: &'h str) -> egui_kittest::Node<'h> {
    harness.get_all_by_label(label).last().unwrap()
}

fn drag(harness: &mut Harness<'_, App>, by: egui::Vec2) {
    let from = harness.state().canvas_rect().center();
    harness.hover_at(from);
    harness.run();
    harness.drag_at(from);
    harness.step();
    for n in 1..=4_u8 {
        harness.hover_at(from + by * (f32::from(n) / 4.0));
        harness.step();
    }
    harness.drop_at(from + by);
    harness.run_steps(2);
}

/// Every value that was asked to be set, as row and key and value.
fn values_set(fake: &Fake) -> Vec<(RowRef, &'static str, String)> {
    fake.edits()
        .into_iter()
        .flat_map(|(_, edits, _)| edits)
        .filter_map(|edit| match edit {
            Edit::Set { row, values } => Some((row, values)),
            _ => None,
        })
        .flat_map(|(row, values)| {
            values
                .into_iter()
                .map(move |it| (row.clone(), it.property.key, format!("{:?}", it.value)))
        })
        .collect()
}

fn modes_of_strokes(fake: &Fake) -> Vec<StrokeMode> {
    fake.edits()
        .into_iter()
        .flat_map(|(_, edits, _)| edits)
        .filter_map(|edit| match edit {
            Edit::Stroke { stroke, .. } => Some(stroke.mode),
            _ => None,
        })
        .collect()
}

#[test]
fn pause_hides_the_table_and_leaves_it_again() {
    let (mut harness, fake) = harness();
    harness
        .get_by_label("Pause: the table shows the pause screen")
        .click();
    harness.run();
    assert!(matches!(fake.sent().as_slice(), [Request::Pause(true)]));
    fake.publish(|published| published.paused = true);
    harness.run_steps(2);
    harness.get_by_label("Leave the pause screen").click();
    harness.run();
    assert!(matches!(fake.sent().as_slice(), [Request::Pause(false)]));
    harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::P);
    harness.run();
    assert!(matches!(fake.sent().as_slice(), [Request::Pause(false)]));
}

#[test]
fn a_marker_is_hidden_from_the_players() {
    let (mut harness, fake) = harness();
    harness
        .state_mut()
        .editor
        .picked
        .insert(RowId::new("Goblin"));
    harness.run();
    control(&harness, "Visible to").click();
    harness.run_steps(3);
    let everyone = marker::VISIBLE_TO_EVERYONE;
    let words = ["Everyone", "Only the DM"];
    // The default is for the DM alone, so that a fresh marker gives nothing away.
    harness.get_by_label(words[0]).click();
    harness.run_steps(3);
    let goblin = RowRef::marker(&SceneId::new("Crypt"), &RowId::new("Goblin"));
    let expected = format!("{:?}", crate::model::value::Value::from(everyone));
    assert_eq!(values_set(&fake), [(goblin, "visibility", expected)]);
}

#[test]
fn the_fog_brush_reveals_and_after_x_covers() {
    let (mut harness, fake) = harness();
    harness.key_press(egui::Key::E);
    harness.run();
    drag(&mut harness, egui::vec2(60.0, 20.0));
    let modes = modes_of_strokes(&fake);
    assert!(!modes.is_empty() && modes.iter().all(|mode| *mode == StrokeMode::Erase));
    harness.key_press(egui::Key::X);
    harness.run();
    drag(&mut harness, egui::vec2(60.0, 20.0));
    let modes = modes_of_strokes(&fake);
    assert!(!modes.is_empty() && modes.iter().all(|mode| *mode == StrokeMode::Add));
}

#[test]
fn undo_and_redo_have_keys_and_a_drag_is_ended_before_it_is_undone() {
    let (mut harness, fake) = harness();
    fake.publish(|published| published.redo = Some("Move marker"));
    harness.run_steps(2);
    harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Z);
    harness.run();
    assert!(matches!(fake.sent().as_slice(), [Request::Undo]));
    let both = egui::Modifiers::COMMAND | egui::Modifiers::SHIFT;
    harness.key_press_modifiers(both, egui::Key::Z);
    harness.run();
    assert!(matches!(fake.sent().as_slice(), [Request::Redo]));
    let from = harness.state().canvas_rect().center();
    harness.hover_at(from);
    harness.run();
    harness.drag_at(from);
    harness.step();
    harness.hover_at(from + egui::vec2(60.0, 0.0));
    harness.step();
    assert!(!fake.sent().is_empty());
    harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Z);
    harness.step();
    harness.step();
    let sent = fake.sent();
    assert!(
        matches!(
            sent.as_slice(),
            [Request::Edit { last: true, .. }, Request::Undo]
        ),
        "{sent:?}"
    );
}

#[test]
fn a_scene_is_deleted_by_key_and_by_its_menu() {
    let (mut harness, fake) = harness();
    let deleted = |fake: &Fake| -> Vec<RowRef> {
        fake.edits()
            .into_iter()
            .flat_map(|(_, edits, last)| {
                assert!(last, "a step of its own");
                edits
            })
            .filter_map(|edit| match edit {
                Edit::Delete { row } => Some(row),
                _ => None,
            })
            .collect()
    };
    harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Delete);
    harness.run();
    assert_eq!(deleted(&fake), [RowRef::Scene(SceneId::new("Crypt"))]);
    harness.get_by_label("Scene Cave").click_secondary();
    harness.run();
    harness.get_by_label("Delete").click();
    harness.run();
    assert_eq!(deleted(&fake), [RowRef::Scene(SceneId::new("Cave"))]);
}

#[test]
fn the_player_display_follows_the_scene_on_the_table() {
    let (mut harness, fake) = harness();
    let on_table = |name: &str| PlayerFrame::Scene(Arc::new(PlayerScene::of(&snapshot(name, &[]))));
    harness.get_by_label("Open the player display").click();
    harness.run_steps(3);
    fake.publish(|published| published.player = on_table("Crypt"));
    harness.run_steps(3);
    assert_eq!(harness.state().display.shown(), Some(SceneId::new("Crypt")));
    fake.publish(|published| published.player = on_table("Cave"));
    harness.run_steps(3);
    assert_eq!(harness.state().display.shown(), Some(SceneId::new("Cave")));
    fake.publish(|published| published.player = PlayerFrame::Paused { picture: None });
    harness.run_steps(3);
    assert_eq!(harness.state().display.shown(), None);
}

#[test]
fn snapping_is_switched_by_a_key_and_drags_obey() {
    let (mut harness, fake) = harness();
    let places = |fake: &Fake| -> Vec<String> {
        values_set(fake)
            .into_iter()
            .filter(|(_, key, _)| *key == "positionX")
            .map(|(_, _, value)| value)
            .collect()
    };
    drag(&mut harness, egui::vec2(33.0, 0.0));
    let snapped = places(&fake);
    assert!(harness.state().editor.settings.snapping);
    harness.key_press(egui::Key::S);
    harness.run();
    assert!(!harness.state().editor.settings.snapping);
    drag(&mut harness, egui::vec2(33.0, 0.0));
    let free = places(&fake);
    // A free drag is where the pointer is, step by step; a snapped one jumps from cell to cell.
    assert!(free.len() > snapped.len(), "{snapped:?} {free:?}");
    assert_ne!(snapped.last(), free.last());
}

#[test]
fn tools_have_keys_unless_somebody_types() {
    let (mut harness, _fake) = harness();
    for (key, tool) in [
        (egui::Key::H, ToolKind::Hand),
        (egui::Key::E, ToolKind::FogBrush),
        (egui::Key::R, ToolKind::FogRectangle),
        (egui::Key::O, ToolKind::FogEllipse),
        (egui::Key::M, ToolKind::Marker),
        (egui::Key::V, ToolKind::Select),
    ] {
        harness.key_press(key);
        harness.run();
        assert_eq!(harness.state().editor.tool.kind(), tool);
    }
    harness.key_press(egui::Key::F2);
    harness.run_steps(3);
    harness.key_press(egui::Key::H);
    harness.run_steps(2);
    assert_eq!(harness.state().editor.tool.kind(), ToolKind::Select);
}

#[test]
fn scenes_are_walked_through_by_keys() {
    let (mut harness, fake) = harness();
    harness.key_press(egui::Key::PageDown);
    harness.run();
    let sent = fake.sent();
    assert!(
        matches!(sent.as_slice(), [Request::EditScene(scene)] if scene.as_str().starts_with("The hall")),
        "{sent:?}"
    );
    harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Enter);
    harness.run();
    // It is on the table already.
    assert!(fake.sent().is_empty());
}

#[test]
fn what_is_picked_is_deleted_and_duplicated_by_key() {
    let (mut harness, fake) = editor_of(with_light_and_drawing());
    harness.run();
    let picked = ["Mira", "torch"].map(RowId::new);
    harness.state_mut().editor.picked.extend(picked.clone());
    harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::D);
    harness.run();
    let edits = fake.edits();
    let [(_, copies, true)] = edits.as_slice() else {
        panic!("{edits:?}");
    };
    assert_eq!(copies.len(), 2, "{copies:?}");
    harness.state_mut().editor.picked.extend(picked);
    harness.key_press(egui::Key::Delete);
    harness.run();
    let edits = fake.edits();
    let [(_, gone, true)] = edits.as_slice() else {
        panic!("{edits:?}");
    };
    let scene = SceneId::new("Crypt");
    assert_eq!(
        gone.as_slice(),
        [
            Edit::Delete {
                row: RowRef::marker(&scene, &RowId::new("Mira"))
            },
            Edit::Delete {
                row: RowRef::light(&scene, &RowId::new("torch"))
            },
        ]
    );
}

#[test]
fn a_light_is_found_in_the_list_and_edited_by_its_table() {
    let (mut harness, fake) = editor_of(with_light_and_drawing());
    harness.run();
    harness.get_by_label("Lights (1)").scroll_to_me();
    harness.run_steps(20);
    harness.get_by_label("Lights (1)").click();
    harness.run_steps(5);
    harness
        .get_by_label("Light Lantern, 2 cells")
        .scroll_to_me();
    harness.run_steps(20);
    harness.get_by_label("Light Lantern, 2 cells").click();
    harness.run_steps(5);
    for label in ["Size", "Colour", "Style", "Pulse", "Brightness", "Off"] {
        assert!(
            harness.query_all_by_label_contains(label).next().is_some(),
            "no {label}"
        );
    }
    control(&harness, "Off").click();
    harness.run_steps(3);
    let torch = RowRef::light(&SceneId::new("Crypt"), &RowId::new("torch"));
    assert_eq!(values_set(&fake), [(torch, "off", "Bool(true)".to_owned())]);
}

#[test]
fn a_drawing_is_edited_and_cannot_be_duplicated() {
    let (mut harness, fake) = editor_of(with_light_and_drawing());
    harness.run();
    harness
        .state_mut()
        .editor
        .picked
        .insert(RowId::new("arrow"));
    harness.run();
    let slider = harness.get_by_label("Opacity slider").rect();
    harness.hover_at(slider.center());
    harness.run();
    harness.drag_at(slider.center());
    harness.step();
    for by in [-20.0, -40.0] {
        harness.hover_at(slider.center() + egui::vec2(by, 0.0));
        harness.step();
    }
    harness.drop_at(slider.center() + egui::vec2(-40.0, 0.0));
    harness.run_steps(3);
    let edits = fake.edits();
    assert!(edits.len() >= 2, "{edits:?}");
    assert!(edits.windows(2).all(|pair| pair[0].0 == pair[1].0));
    assert!(edits.last().is_some_and(|(_, _, last)| *last));
    harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::D);
    harness.run();
    assert!(fake.sent().is_empty());
}

#[derive(Debug)]
struct Dropped(PathBuf);

impl egui::DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        Err("nobody reads it".into())
    }
}

fn drop_files(harness: &mut Harness<'_, App>, files: &[&str]) {
    harness.input_mut().dropped_files = files
        .iter()
        .map(|file| Arc::new(Dropped(file.into())) as egui::DroppedFileHandle)
        .collect();
    harness.run_steps(2);
}

#[test]
fn dropped_maps_are_imported_and_archives_are_added() {
    let (mut harness, fake) = harness();
    drop_files(&mut harness, &["/maps/keep.dd2vtt", "/maps/cave.png"]);
    let sent = fake.sent();
    assert!(
        matches!(sent.as_slice(), [Request::Import { files, into: None }] if files.len() == 2),
        "{sent:?}"
    );
    drop_files(&mut harness, &["/maps/friday.tableglow"]);
    assert!(matches!(
        fake.sent().as_slice(),
        [Request::ImportArchive(_)]
    ));
}

#[test]
fn a_pasted_picture_is_a_map_and_other_text_is_told() {
    let (mut harness, fake) = harness();
    let picture = egui::ColorImage::filled([3, 2], egui::Color32::RED);
    harness.event(egui::Event::PasteImage(Arc::new(picture)));
    harness.run();
    let sent = fake.sent();
    assert!(
        matches!(sent.as_slice(), [Request::ImportPixels { width: 3, height: 2, rgba, .. }]
            if rgba.len() == 24 && rgba[..4] == [255, 0, 0, 255]),
        "{sent:?}"
    );
    harness.event(egui::Event::Paste("to be or not to be".into()));
    harness.run();
    assert!(fake.sent().is_empty());
    assert_eq!(harness.state().editor.tellings.len(), 1);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("my map.png");
    std::fs::write(&file, b"x").unwrap();
    let uri = format!("file://{}", file.display()).replace(' ', "%20");
    harness.event(egui::Event::Paste(uri));
    harness.run();
    let sent = fake.sent();
    assert!(
        matches!(sent.as_slice(), [Request::Import { files, .. }] if *files == [file.clone()]),
        "{sent:?}"
    );
}

#[test]
fn a_lost_graphics_device_closes_the_window_so_that_the_program_can_start_again() {
    let fake = Fake::publishing(table_ready());
    let given = super::parts(&fake, still());
    let mut device = None;
    let handle = &mut device;
    let mut harness = Harness::builder()
        .with_size(egui::vec2(1280.0, 720.0))
        .wgpu()
        .build_eframe(move |cc| {
            let mut given = given;
            if let Some(state) = &cc.wgpu_render_state {
                let pictures = Arc::new(crate::scene::picture::NoPictures);
                given.bridge = super::Bridge::new(&cc.egui_ctx, state, pictures);
                *handle = Some(state.device.clone());
            }
            App::new(&cc.egui_ctx, given)
        });
    harness.step();
    let closes = |harness: &Harness<'_, App>| {
        let windows = &harness.output().viewport_output;
        windows
            .values()
            .any(|window| window.commands.contains(&egui::ViewportCommand::Close))
    };
    assert!(!closes(&harness));
    let device = device.unwrap();
    device.destroy();
    // The loss is told with the next look at the device.
    let _ = device.poll(wgpu::PollType::Poll);
    harness.step();
    assert!(closes(&harness));
}
