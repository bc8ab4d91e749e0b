//! The inspector of picked markers.

use eframe::egui;
use egui::Ui;

use super::property;
use crate::app::command::{Command, Commands, FilePurpose};
use crate::app::editor::Editor;
use crate::app::icons;
use crate::app::shortcuts::{Action, keys_of};
use crate::app::theme::Tokens;
use crate::app::widgets::buttons::{Accent, TextButton};
use crate::model::color::Rgb;
use crate::model::edit::{Assignment, Edit, RowRef};
use crate::model::marker;
use crate::model::property::{Kind, Section};
use crate::model::value::Value;
use crate::scene::snapshot::{Marker, SceneSnapshot};

/// Shows the controls of the picked markers; a change goes to all of them.
pub fn show(
    ui: &mut Ui,
    scene: &SceneSnapshot,
    picked: &[Marker],
    swatches: &[Rgb],
    editor: &mut Editor,
    commands: &mut Commands,
) {
    let Some(first) = picked.first() else {
        return;
    };
    let rows: Vec<RowRef> = picked
        .iter()
        .map(|marker| RowRef::marker(&scene.id, &marker.id))
        .collect();
    let single = picked.len() == 1;
    if single {
        picture(ui, scene, first, editor, commands);
    }
    for line in marker::TABLE.properties {
        if line.section != Section::Marker || line.kind == Kind::Json && !single {
            continue;
        }
        let Some(value) = first.row.value(line) else {
            continue;
        };
        let mixed = picked
            .iter()
            .any(|other| other.row.value(line) != Some(value));
        property::show(ui, line, value, mixed, &rows, swatches, editor, commands);
    }
    ui.add_space(12.0);
    let duplicate = keys_of(ui.ctx(), Action::Duplicate);
    let delete = keys_of(ui.ctx(), Action::Delete);
    ui.horizontal(|ui| {
        if TextButton::new("Duplicate")
            .icon(icons::COPY_SIMPLE)
            .keys(duplicate.as_deref())
            .show(ui)
            .clicked()
        {
            commands.act(Action::Duplicate);
        }
        if TextButton::new("Delete")
            .icon(icons::TRASH)
            .accent(Accent::Danger)
            .flat()
            .keys(delete.as_deref())
            .show(ui)
            .clicked()
        {
            commands.act(Action::Delete);
        }
    });
    ui.add_space(16.0);
}

fn picture(
    ui: &mut Ui,
    scene: &SceneSnapshot,
    marker: &Marker,
    editor: &Editor,
    commands: &mut Commands,
) {
    let has = matches!(
        marker.row.value(marker::IMAGE_LOCATION.property()),
        Some(Value::Text(text)) if !text.is_empty()
    );
    let tokens = Tokens::of(ui.ctx());
    if has && marker.picture.is_none() {
        ui.colored_label(tokens.danger, "The picture is not on this machine.");
    }
    ui.horizontal(|ui| {
        let words = if has {
            "Replace picture"
        } else {
            "Choose picture"
        };
        if TextButton::new(words)
            .icon(icons::FILE_IMAGE)
            .show(ui)
            .clicked()
        {
            commands.push(Command::AskFile(FilePurpose::MarkerPicture {
                scene: scene.id.clone(),
                marker: marker.id.clone(),
            }));
        }
        if has && TextButton::new("Remove").flat().show(ui).clicked() {
            let edits = vec![Edit::Set {
                row: RowRef::marker(&scene.id, &marker.id),
                values: vec![Assignment::new(marker::IMAGE_LOCATION, Value::Null)],
            }];
            editor.edit_once("Remove picture", edits, commands);
        }
    });
    ui.add_space(4.0);
}
