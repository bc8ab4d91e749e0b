//! Four hints of the first minutes, each gone when its thing is done.

use eframe::egui;
use egui::{CornerRadius, Stroke};

use crate::app::editor::Editor;
use crate::app::icons;
use crate::app::theme::{Tokens, semibold};
use crate::app::widgets::buttons::{Accent, IconButton};
use crate::app::widgets::frames::icon_label;
use crate::scene::player::PlayerFrame;
use crate::scene::snapshot::Fog;
use crate::session::api::Published;

/// A hint: its name in the settings, its words.
const HINTS: [(&str, &str); 4] = [
    ("map", "Drop a map on the window, or open one."),
    ("grid", "Align the grid: Inspector, Grid and Map."),
    ("fog", "Reveal with the fog brush (E)."),
    ("show", "Show it: open the player display."),
];

/// Notes which hints are done by what is published and was done last.
pub fn follow(published: &Published, display_open: bool, editor: &mut Editor) {
    if editor.settings.hints_done.len() >= HINTS.len() {
        return;
    }
    let Some(scene) = &published.editing else {
        return;
    };
    let step = published.undo.unwrap_or_default();
    let mut done = |name: &str| {
        editor.settings.hints_done.insert(name.to_owned());
    };
    // The sample campaign is somebody else's doing: only steps of this run count.
    if step == "Import map" {
        done("map");
    }
    let grid_words = [
        "Cell size",
        "Columns on the map",
        "Rows on the map",
        "Zoom",
        "Shape",
        "Placement",
    ];
    if grid_words.contains(&step) {
        done("grid");
    }
    if step == "Reveal" && matches!(&*scene.fog, Fog::Mask(_)) {
        done("fog");
    }
    // Nobody sees a scene on the table before the table has its window.
    if display_open && matches!(published.player, PlayerFrame::Scene(_)) {
        done("show");
    }
}

/// Shows what is not done yet in the bottom left corner of the canvas.
pub fn show(ctx: &egui::Context, canvas: egui::Rect, editor: &mut Editor) {
    let open: Vec<_> = HINTS
        .iter()
        .filter(|(name, _)| !editor.settings.hints_done.contains(*name))
        .collect();
    if open.is_empty() || canvas.width() < 480.0 {
        return;
    }
    let tokens = Tokens::of(ctx);
    egui::Area::new(egui::Id::unique("hints"))
        .order(egui::Order::Middle)
        .pivot(egui::Align2::LEFT_BOTTOM)
        .fixed_pos(canvas.left_bottom() + egui::vec2(12.0, -12.0))
        .show(ctx, |ui| {
            egui::Frame::new()
                .fill(tokens.pane)
                .stroke(Stroke::new(1.0, tokens.line))
                .corner_radius(CornerRadius::same(8))
                .inner_margin(egui::Margin::symmetric(12, 8))
                .show(ui, |ui| {
                    ui.set_width(304.0);
                    ui.horizontal(|ui| {
                        ui.label(egui::RichText::new("First steps").family(semibold()));
                        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                            if IconButton::new(icons::X, "Hide the first steps")
                                .accent(Accent::Muted)
                                .size(22.0)
                                .show(ui)
                                .clicked()
                            {
                                for (name, _) in HINTS {
                                    editor.settings.hints_done.insert(name.to_owned());
                                }
                            }
                        });
                    });
                    for (_, words) in open {
                        ui.horizontal(|ui| {
                            icon_label(ui, icons::CIRCLE, tokens.muted);
                            ui.add(
                                egui::Label::new(egui::RichText::new(*words).color(tokens.muted))
                                    .wrap(),
                            );
                        });
                    }
                });
        });
}
