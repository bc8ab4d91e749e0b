//! The inspector of what is picked: markers, lights and drawings, each kind by its own table.

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
use crate::model::id::RowId;
use crate::model::marker;
use crate::model::property::{Kind, RowKind, Section, Table};
use crate::model::row::Row;
use crate::model::value::Value;
use crate::scene::snapshot::{Annotation, Light, Marker, SceneSnapshot};

/// What is picked of a scene, each kind in the scene's order.
pub struct Picked<'s> {
    /// Markers.
    pub markers: Vec<&'s Marker>,
    /// Lights.
    pub lights: Vec<&'s Light>,
    /// Drawing layers.
    pub drawings: Vec<&'s Annotation>,
}

impl<'s> Picked<'s> {
    /// What is picked of a scene.
    #[must_use]
    pub fn of(scene: &'s SceneSnapshot, editor: &Editor) -> Self {
        let picked = |id: &RowId| editor.picked.contains(id);
        Self {
            markers: scene.markers.iter().filter(|it| picked(&it.id)).collect(),
            lights: scene.lights.iter().filter(|it| picked(&it.id)).collect(),
            drawings: scene
                .annotations
                .iter()
                .filter(|it| picked(&it.id))
                .collect(),
        }
    }

    /// How many.
    #[must_use]
    pub fn count(&self) -> usize {
        self.markers.len() + self.lights.len() + self.drawings.len()
    }

    /// The rows, markers first.
    #[must_use]
    pub fn rows(&self, scene: &SceneSnapshot) -> Vec<RowRef> {
        let markers = self.markers.iter().map(|it| (RowKind::Marker, &it.id));
        let lights = self.lights.iter().map(|it| (RowKind::Light, &it.id));
        let drawings = self.drawings.iter().map(|it| (RowKind::Annotation, &it.id));
        markers
            .chain(lights)
            .chain(drawings)
            .map(|(kind, id)| RowRef::in_scene(&scene.id, kind, id))
            .collect()
    }

    /// In a word or two, for headings: "Marker", "3 lights", "5 picked".
    #[must_use]
    pub fn title(&self) -> String {
        match self.one_kind() {
            Some(kind) if self.count() == 1 => kind.one.to_owned(),
            Some(kind) => format!("{} {}", self.count(), kind.many),
            None => format!("{} picked", self.count()),
        }
    }

    /// An undo label: "Delete light". All kinds in one gesture have a common one.
    #[must_use]
    pub fn label(&self, of: fn(&Names) -> [&'static str; 2], mixed: &'static str) -> &'static str {
        match self.one_kind() {
            Some(kind) => {
                let [one, many] = of(kind);
                if self.count() == 1 { one } else { many }
            }
            None => mixed,
        }
    }

    fn one_kind(&self) -> Option<&'static Names> {
        match (
            self.markers.is_empty(),
            self.lights.is_empty(),
            self.drawings.is_empty(),
        ) {
            (false, true, true) => Some(&MARKER),
            (true, false, true) => Some(&LIGHT),
            (true, true, false) => Some(&DRAWING),
            _ => None,
        }
    }
}

/// What a kind of thing is called.
pub struct Names {
    one: &'static str,
    many: &'static str,
    /// Undo labels for one and for several.
    pub delete: [&'static str; 2],
    /// Undo labels for one and for several.
    pub duplicate: [&'static str; 2],
}

const MARKER: Names = Names {
    one: "Marker",
    many: "markers",
    delete: ["Delete marker", "Delete markers"],
    duplicate: ["Duplicate marker", "Duplicate markers"],
};
const LIGHT: Names = Names {
    one: "Light",
    many: "lights",
    delete: ["Delete light", "Delete lights"],
    duplicate: ["Duplicate light", "Duplicate lights"],
};
const DRAWING: Names = Names {
    one: "Drawing",
    many: "drawings",
    delete: ["Delete drawing", "Delete drawings"],
    duplicate: ["Duplicate drawing", "Duplicate drawings"],
};

/// Shows the controls of what is picked; a change goes to all of its kind.
pub fn show(
    ui: &mut Ui,
    scene: &SceneSnapshot,
    picked: &Picked<'_>,
    swatches: &[Rgb],
    editor: &mut Editor,
    commands: &mut Commands,
) {
    let several_kinds = picked.one_kind().is_none();
    let heading = |ui: &mut Ui, names: &Names, count: usize| {
        if several_kinds && count > 0 {
            ui.add_space(8.0);
            ui.strong(if count == 1 {
                names.one.to_owned()
            } else {
                format!("{count} {}", names.many)
            });
        }
    };
    heading(ui, &MARKER, picked.markers.len());
    if let [marker] = picked.markers.as_slice() {
        picture(ui, scene, marker, editor, commands);
    }
    let markers: Vec<_> = picked.markers.iter().map(|it| (&it.id, &it.row)).collect();
    table(
        ui,
        scene,
        &marker::TABLE,
        &markers,
        swatches,
        editor,
        commands,
    );
    heading(ui, &LIGHT, picked.lights.len());
    let lights: Vec<_> = picked.lights.iter().map(|it| (&it.id, &it.row)).collect();
    table(
        ui,
        scene,
        &crate::model::light::TABLE,
        &lights,
        swatches,
        editor,
        commands,
    );
    heading(ui, &DRAWING, picked.drawings.len());
    let drawings: Vec<_> = picked.drawings.iter().map(|it| (&it.id, &it.row)).collect();
    table(
        ui,
        scene,
        &crate::model::annotation::TABLE,
        &drawings,
        swatches,
        editor,
        commands,
    );
    ui.add_space(12.0);
    actions(ui, picked, commands);
    ui.add_space(16.0);
}

/// The controls of one kind of row.
fn table(
    ui: &mut Ui,
    scene: &SceneSnapshot,
    table: &'static Table,
    picked: &[(&RowId, &Row)],
    swatches: &[Rgb],
    editor: &mut Editor,
    commands: &mut Commands,
) {
    let Some((_, first)) = picked.first() else {
        return;
    };
    let rows: Vec<RowRef> = picked
        .iter()
        .map(|(id, _)| RowRef::in_scene(&scene.id, table.row, id))
        .collect();
    for line in table.properties {
        let hidden = line.section == Section::Hidden;
        if hidden || line.kind == Kind::Json && picked.len() > 1 {
            continue;
        }
        let Some(value) = first.value(line) else {
            continue;
        };
        let mixed = picked.iter().any(|(_, row)| row.value(line) != Some(value));
        property::show(ui, line, value, mixed, &rows, swatches, editor, commands);
    }
}

fn actions(ui: &mut Ui, picked: &Picked<'_>, commands: &mut Commands) {
    let duplicate = keys_of(ui.ctx(), Action::Duplicate);
    let delete = keys_of(ui.ctx(), Action::Delete);
    ui.horizontal(|ui| {
        // A drawing's ink stays with its layer.
        if picked.drawings.is_empty()
            && TextButton::new("Duplicate")
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
