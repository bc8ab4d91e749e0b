//! The lights and drawings of a scene as lists: what lies under something else can be picked here.

use std::collections::BTreeSet;

use eframe::egui;
use egui::{Align2, Color32, CornerRadius, Sense, Stroke, Ui};

use crate::app::command::{Command, Commands};
use crate::app::editor::Editor;
use crate::app::icons;
use crate::app::theme::{Tokens, icon_font};
use crate::app::widgets::frames::{list_row, section};
use crate::model::annotation;
use crate::model::color::Rgb;
use crate::model::id::RowId;
use crate::model::light;
use crate::model::property::Kind;
use crate::scene::snapshot::{Annotation, Light, SceneSnapshot};

const ROW_HEIGHT: f32 = 28.0;

/// A line of a list.
struct Line<'a> {
    id: &'a RowId,
    name: String,
    color: Rgb,
    /// An icon and its words when this is seen by fewer than one would think.
    unseen: Option<(&'static str, &'static str)>,
}

/// Shows the lists that have something in them.
pub fn show(ui: &mut Ui, scene: &SceneSnapshot, editor: &Editor, commands: &mut Commands) {
    if !scene.lights.is_empty() {
        let title = format!("Lights ({})", scene.lights.len());
        section(ui, "lights", &title, false, |ui| {
            for light in scene.lights.iter() {
                row(ui, "Light", &line_of_light(light), editor, commands);
            }
        });
    }
    if !scene.annotations.is_empty() {
        let title = format!("Drawings ({})", scene.annotations.len());
        section(ui, "drawings", &title, false, |ui| {
            // The topmost first, as in every list of layers.
            for drawing in scene.annotations.iter().rev() {
                row(ui, "Drawing", &line_of_drawing(drawing), editor, commands);
            }
        });
    }
}

fn line_of_light(it: &Light) -> Line<'_> {
    let style = it.row.get(light::STYLE);
    let name = match light::STYLE.property().kind {
        Kind::Word(words) => words
            .iter()
            .find(|(word, _)| *word == &*style)
            .map(|(_, name)| *name),
        _ => None,
    };
    let cells = it.row.get(light::RADIUS);
    Line {
        id: &it.id,
        name: format!("{}, {cells} cells", name.unwrap_or("Light")),
        color: it.row.get(light::COLOR),
        unseen: it
            .row
            .get(light::OFF)
            .then_some((icons::EYE_SLASH, "Switched off")),
    }
}

fn line_of_drawing(it: &Annotation) -> Line<'_> {
    let hidden = it.row.get(annotation::VISIBILITY) != annotation::VISIBLE_TO_EVERYONE;
    Line {
        id: &it.id,
        name: it.row.get(annotation::NAME).to_string(),
        color: it.row.get(annotation::COLOR),
        unseen: hidden.then_some((icons::EYE_SLASH, "Only you see it")),
    }
}

fn row(ui: &mut Ui, kind: &str, line: &Line<'_>, editor: &Editor, commands: &mut Commands) {
    let tokens = Tokens::of(ui.ctx());
    let picked = editor.picked.contains(line.id);
    let label = format!("{kind} {}", line.name);
    let (rect, response) = ui
        .push_id(line.id.as_str(), |ui| {
            list_row(ui, ROW_HEIGHT, &label, picked)
        })
        .inner;
    if ui.is_rect_visible(rect) {
        let painter = ui.painter_at(rect);
        let swatch = egui::Rect::from_center_size(
            egui::pos2(rect.left() + 14.0, rect.center().y),
            egui::Vec2::splat(12.0),
        );
        let Rgb { r, g, b } = line.color;
        painter.rect_filled(swatch, CornerRadius::same(6), Color32::from_rgb(r, g, b));
        painter.circle_stroke(swatch.center(), 6.0, Stroke::new(1.0, tokens.line));
        let mut right = rect.right() - 8.0;
        if let Some((icon, words)) = line.unseen {
            let at = egui::pos2(right - 8.0, rect.center().y);
            painter.text(
                at,
                Align2::CENTER_CENTER,
                icon,
                icon_font(14.0),
                tokens.muted,
            );
            let spot = egui::Rect::from_center_size(at, egui::Vec2::splat(20.0));
            ui.interact(spot, response.id.with("unseen"), Sense::hover())
                .on_hover_text(words);
            right -= 20.0;
        }
        let left = rect.left() + 28.0;
        let mut name = egui::text::LayoutJob::simple_singleline(
            line.name.clone(),
            egui::FontId::proportional(13.0),
            tokens.text,
        );
        name.wrap = egui::text::TextWrapping::truncate_at_width(right - left - 4.0);
        let name = painter.layout_job(name);
        let at = egui::pos2(left, rect.center().y - name.size().y / 2.0);
        painter.galley(at, name, tokens.text);
    }
    if !response.clicked() {
        return;
    }
    let more = ui.input(|input| input.modifiers.command || input.modifiers.shift);
    let mut next = if more {
        editor.picked.clone()
    } else {
        BTreeSet::new()
    };
    if more && picked {
        next.remove(line.id);
    } else {
        next.insert(line.id.clone());
    }
    commands.push(Command::Pick(next));
}
