//! The inspector: of what is picked, else of the scene.

use std::collections::BTreeSet;

use eframe::egui;
use egui::Ui;

use super::picked::{self, Picked};
use super::{contents, layers, property};
use crate::app::command::{Command, Commands, FilePurpose};
use crate::app::editor::Editor;
use crate::app::icons;
use crate::app::shortcuts::Action;
use crate::app::theme::Tokens;
use crate::app::widgets::buttons::{Accent, IconButton, TextButton};
use crate::app::widgets::frames::{empty_state, pane_heading, section};
use crate::geom::space::MapPlacement;
use crate::model::color::Rgb;
use crate::model::edit::{Assignment, Edit, RowRef};
use crate::model::property::{Kind, Section, Table};
use crate::model::row::Row;
use crate::model::value::FromValue;
use crate::model::{marker as marker_model, scene};
use crate::scene::snapshot::SceneSnapshot;
use crate::session::api::Published;

/// The sections of a scene, from the top; those that are open at first.
const SECTIONS: &[(Section, &str, bool)] = &[
    (Section::Scene, "Scene", true),
    (Section::Map, "Map", true),
    (Section::Grid, "Grid", true),
    (Section::Fog, "Fog of war", true),
    (Section::Display, "Table screen", false),
    (Section::Tokens, "Token style", false),
    (Section::Mist, "Mist", false),
    (Section::Edge, "Edge", false),
    (Section::Weather, "Weather", false),
    (Section::Effects, "Effects", false),
];

/// Shows the inspector.
pub fn show(ui: &mut Ui, published: &Published, editor: &mut Editor, commands: &mut Commands) {
    let Some(scene) = published.editing.clone() else {
        pane_heading(ui, "Inspector", |_| {});
        empty_state(
            ui,
            icons::SLIDERS_HORIZONTAL,
            "The settings of what you pick appear here.",
            None,
        );
        return;
    };
    let picked = Picked::of(&scene, editor);
    let title = if picked.count() == 0 {
        "Scene".to_owned()
    } else {
        picked.title()
    };
    pane_heading(ui, &title, |ui| {
        if picked.count() > 0
            && IconButton::new(icons::X, "Back to the scene")
                .accent(Accent::Muted)
                .keys(Some("Esc"))
                .show(ui)
                .clicked()
        {
            commands.push(Command::Pick(BTreeSet::new()));
        }
    });
    let swatches = colors_in_use(&scene);
    egui::ScrollArea::vertical()
        .id_salt(("inspector", picked.count() == 0))
        .auto_shrink([false, false])
        .show(ui, |ui| {
            if picked.count() == 0 {
                of_scene(ui, &scene, &swatches, editor, commands);
            } else {
                picked::show(ui, &scene, &picked, &swatches, editor, commands);
            }
        });
}

fn of_scene(
    ui: &mut Ui,
    scene: &SceneSnapshot,
    swatches: &[Rgb],
    editor: &mut Editor,
    commands: &mut Commands,
) {
    for &(part, title, open) in SECTIONS {
        if !scene::TABLE.properties.iter().any(|p| p.section == part) {
            continue;
        }
        section(ui, title, title, open, |ui| {
            if part == Section::Map {
                map_actions(ui, scene, editor, commands);
            }
            properties(
                ui,
                &scene::TABLE,
                &scene.settings,
                part,
                scene,
                swatches,
                editor,
                commands,
            );
            match part {
                Section::Fog => fog_actions(ui, scene, commands),
                Section::Display => display_note(ui, scene),
                _ => {}
            }
        });
    }
    contents::show(ui, scene, editor, commands);
    section(ui, "layers", "Layers in this window", false, |ui| {
        layers::show(ui, editor, commands);
    });
    ui.add_space(16.0);
}

/// The controls of one section of the scene's table.
#[expect(clippy::too_many_arguments, reason = "one panel's surroundings")]
fn properties(
    ui: &mut Ui,
    table: &'static Table,
    row: &Row,
    part: Section,
    scene: &SceneSnapshot,
    swatches: &[Rgb],
    editor: &mut Editor,
    commands: &mut Commands,
) {
    let rows = [RowRef::Scene(scene.id.clone())];
    for line in table.properties.iter().filter(|p| p.section == part) {
        if let Some(value) = row.value(line) {
            property::show(ui, line, value, false, &rows, swatches, editor, commands);
        }
    }
}

fn map_actions(ui: &mut Ui, scene: &SceneSnapshot, editor: &Editor, commands: &mut Commands) {
    let into = Some(scene.id.clone());
    let Some(map) = scene.map.as_ref() else {
        ui.weak("This scene has no map yet.");
        ui.add_space(4.0);
        if TextButton::new("Choose a map")
            .icon(icons::FOLDER_OPEN)
            .full_width()
            .show(ui)
            .clicked()
        {
            commands.push(Command::AskFile(FilePurpose::Import { into }));
        }
        ui.add_space(4.0);
        return;
    };
    let [width, height] = map.placement.size_px;
    let tokens = Tokens::of(ui.ctx());
    if map.picture.is_none() {
        ui.colored_label(tokens.danger, "The picture is not on this machine.");
    }
    ui.weak(format!("{width} × {height} px"));
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        let turn = |by: f64| {
            let degrees = scene.setting(scene::MAP_ROTATION) + by;
            // Whole turns come back to where they began.
            vec![Assignment::new(
                scene::MAP_ROTATION,
                degrees.rem_euclid(360.0),
            )]
        };
        if IconButton::new(icons::ARROW_COUNTER_CLOCKWISE, "Turn the map left")
            .show(ui)
            .clicked()
        {
            set(editor, commands, scene, "Turn map", turn(90.0));
        }
        if IconButton::new(icons::ARROW_CLOCKWISE, "Turn the map right")
            .show(ui)
            .clicked()
        {
            set(editor, commands, scene, "Turn map", turn(-90.0));
        }
        if IconButton::new(icons::ARROWS_OUT, "Fit the map to the table")
            .show(ui)
            .clicked()
        {
            set(
                editor,
                commands,
                scene,
                "Fit map",
                fitted(scene, map.placement),
            );
        }
        if IconButton::new(icons::SWAP, "Replace the map")
            .show(ui)
            .clicked()
        {
            commands.push(Command::AskFile(FilePurpose::Import { into }));
        }
        if IconButton::new(icons::TRASH, "Remove the map")
            .accent(Accent::Muted)
            .show(ui)
            .clicked()
        {
            commands.act(Action::RemoveMap);
        }
    });
    ui.add_space(4.0);
}

fn fitted(scene: &SceneSnapshot, placement: MapPlacement) -> Vec<Assignment> {
    let size = scene.display_size_world();
    let whole = |side: f64| crate::app::tools::whole(side).unsigned_abs();
    let fit = MapPlacement::fit(
        placement.size_px,
        [whole(size.x), whole(size.y)],
        placement.rotation_deg,
    );
    vec![
        Assignment::new(scene::MAP_ZOOM, fit.zoom),
        Assignment::new(scene::MAP_OFFSET_X, fit.offset_world.x),
        Assignment::new(scene::MAP_OFFSET_Y, fit.offset_world.y),
    ]
}

fn set(
    editor: &Editor,
    commands: &mut Commands,
    scene: &SceneSnapshot,
    label: &'static str,
    values: Vec<Assignment>,
) {
    let edits = vec![Edit::Set {
        row: RowRef::Scene(scene.id.clone()),
        values,
    }];
    editor.edit_once(label, edits, commands);
}

fn fog_actions(ui: &mut Ui, scene: &SceneSnapshot, commands: &mut Commands) {
    ui.add_space(4.0);
    ui.add_enabled_ui(scene.map.is_some(), |ui| {
        ui.horizontal(|ui| {
            if TextButton::new("Reveal all")
                .icon(icons::EYE)
                .show(ui)
                .clicked()
            {
                commands.act(Action::ClearFog);
            }
            if TextButton::new("Cover all")
                .icon(icons::CLOUD_FOG)
                .show(ui)
                .clicked()
            {
                commands.act(Action::ResetFog);
            }
        });
    });
}

fn display_note(ui: &mut Ui, scene: &SceneSnapshot) {
    let size = scene.display_size_world();
    let inches = scene.setting(scene::DISPLAY_SIZE_X);
    if inches > 0.0 {
        ui.weak(format!(
            "{:.1} px to an inch on the table.",
            size.x / inches
        ));
    }
}

/// Every colour that the scene uses, each once.
fn colors_in_use(scene: &SceneSnapshot) -> Vec<Rgb> {
    let mut colors = Vec::new();
    let mut add = |table: &'static Table, row: &Row| {
        for line in table.properties.iter().filter(|p| p.kind == Kind::Color) {
            if let Some(color) = row.value(line).and_then(Rgb::from_value)
                && !colors.contains(&color)
            {
                colors.push(color);
            }
        }
    };
    for marker in scene.markers.iter() {
        add(&marker_model::TABLE, &marker.row);
    }
    for light in scene.lights.iter() {
        add(&crate::model::light::TABLE, &light.row);
    }
    for drawing in scene.annotations.iter() {
        add(&crate::model::annotation::TABLE, &drawing.row);
    }
    add(&scene::TABLE, &scene.settings);
    colors
}
