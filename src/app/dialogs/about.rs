//! What this app is, and its keys.

use eframe::egui;

use super::RunFacts;
use crate::app::shortcuts::{Menu, TABLE, spell};
use crate::app::theme::{Tokens, semibold};
use crate::app::widgets::frames::dialog;

/// Shows what this app is; `false` closes it.
pub fn show(ctx: &egui::Context, facts: &RunFacts) -> bool {
    dialog(ctx, "About Tableglow", 420.0, |ui| {
        ui.label(format!("Version {}", env!("CARGO_PKG_VERSION")));
        ui.add_space(8.0);
        ui.add(
            egui::Label::new(
                "Map scenes on two screens: yours with everything, the table with what its players may see.",
            )
            .wrap(),
        );
        ui.add_space(8.0);
        ui.weak(format!("Graphics: {}", facts.adapter));
        ui.weak("Licence: MIT or Apache-2.0");
        ui.weak("Text set in Inter (SIL OFL), icons by Phosphor (MIT).");
        true
    })
}

/// Shows all shortcuts; `false` closes them.
pub fn shortcuts(ctx: &egui::Context) -> bool {
    dialog(ctx, "Keyboard shortcuts", 560.0, |ui| {
        let tokens = Tokens::of(ui.ctx());
        let groups = Menu::BAR.iter().chain([&Menu::Tools]);
        for &menu in groups {
            let lines: Vec<_> = TABLE
                .iter()
                .filter(|line| line.menu == menu && line.keys.is_some())
                .collect();
            if lines.is_empty() {
                continue;
            }
            ui.label(egui::RichText::new(menu.name()).family(semibold()));
            egui::Grid::new(menu.name())
                .num_columns(2)
                .min_col_width(240.0)
                .show(ui, |ui| {
                    for line in lines {
                        ui.label(line.name);
                        let keys: Vec<String> = [line.keys, line.also]
                            .iter()
                            .flatten()
                            .map(|keys| spell(ui.ctx(), keys))
                            .collect();
                        ui.label(egui::RichText::new(keys.join("  or  ")).color(tokens.muted));
                        ui.end_row();
                    }
                });
            ui.add_space(8.0);
        }
        ui.label(egui::RichText::new("On the map").family(semibold()));
        egui::Grid::new("canvas keys")
            .num_columns(2)
            .min_col_width(240.0)
            .show(ui, |ui| {
                for (what, how) in [
                    ("Move the view", "Space and drag, or the middle button"),
                    ("Zoom to the pointer", "Wheel, or pinch"),
                    ("Nudge picked markers by a cell", "Arrow keys"),
                    ("Free of the grid while dragging", "Alt"),
                    ("Reveal instead of cover", "Shift"),
                    ("Brush size", "Shift+wheel"),
                    ("One step back", "Esc"),
                ] {
                    ui.label(what);
                    ui.label(egui::RichText::new(how).color(tokens.muted));
                    ui.end_row();
                }
            });
        true
    })
}
