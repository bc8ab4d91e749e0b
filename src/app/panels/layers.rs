//! Which layers this window draws.

use eframe::egui;
use egui::Ui;

use crate::app::command::{Command, Commands};
use crate::app::editor::Editor;
use crate::app::icons;
use crate::app::theme::Tokens;
use crate::app::widgets::buttons::{Accent, IconButton};
use crate::render::Phase;

/// The layers that a user can hide, the highest first.
const LAYERS: [(Phase, &str); 9] = [
    (Phase::Annotations, "Drawings"),
    (Phase::Edge, "Edge"),
    (Phase::Grid, "Grid"),
    (Phase::FogOfWar, "Fog of war"),
    (Phase::Markers, "Markers"),
    (Phase::Lights, "Lights"),
    (Phase::Mist, "Mist"),
    (Phase::Map, "Map"),
    (Phase::Background, "Background"),
];

/// An eye for each layer. The players' view never changes by it.
pub fn show(ui: &mut Ui, editor: &Editor, commands: &mut Commands) {
    let tokens = Tokens::of(ui.ctx());
    ui.weak("Only what you see here; the table shows every layer.");
    for (layer, name) in LAYERS {
        let on = editor.layers.contains(layer);
        ui.horizontal(|ui| {
            let label = if on {
                format!("Hide {}", name.to_lowercase())
            } else {
                format!("Show {}", name.to_lowercase())
            };
            let icon = if on { icons::EYE } else { icons::EYE_SLASH };
            let accent = if on { Accent::Plain } else { Accent::Muted };
            if IconButton::new(icon, &label)
                .accent(accent)
                .show(ui)
                .clicked()
            {
                commands.push(Command::ToggleLayer(layer));
            }
            let ink = if on { tokens.text } else { tokens.muted };
            ui.label(egui::RichText::new(name).color(ink));
        });
    }
}
