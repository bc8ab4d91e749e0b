//! Deleted scenes of the open game, and the way back.

use eframe::egui;
use egui::Ui;

use crate::app::command::Commands;
use crate::app::icons;
use crate::app::panels::scenes::{PICTURE, Thumbnails};
use crate::app::theme::semibold;
use crate::app::widgets::buttons::TextButton;
use crate::app::widgets::frames::{card, dialog, empty_state};
use crate::library::removed::{KEPT_FOR, RemovedScene};
use crate::session::api::{Published, Request};
use crate::util::date::local_minute;

/// Room for the button at the right of a row, points.
const BUTTON: f32 = 130.0;

/// The pictures of what is listed.
#[derive(Debug, Clone, Default)]
pub struct RemovedDialog {
    thumbnails: Thumbnails,
}

impl RemovedDialog {
    /// Shows it; `false` closes it.
    pub fn show(
        &mut self,
        ctx: &egui::Context,
        published: &Published,
        commands: &mut Commands,
    ) -> bool {
        dialog(ctx, "Bring back a scene", 560.0, |ui| {
            let days = KEPT_FOR.as_secs() / (24 * 3600);
            ui.add(
                egui::Label::new(format!(
                    "Scenes that were deleted from this game, here or by somebody else, are kept on this machine for {days} days. A scene comes back for everybody, with everything in it.",
                ))
                .wrap(),
            );
            ui.add_space(8.0);
            if published.removed.is_empty() {
                empty_state(
                    ui,
                    icons::IMAGES,
                    "There is no deleted scene of this game.",
                    None,
                );
            }
            for scene in published.removed.iter() {
                ui.push_id(scene.id.as_str(), |ui| {
                    card(ui, |ui| self.scene(ui, scene, commands));
                });
                ui.add_space(4.0);
            }
            true
        })
    }

    fn scene(&mut self, ui: &mut Ui, scene: &RemovedScene, commands: &mut Commands) {
        ui.horizontal(|ui| {
            let (rect, _) = ui.allocate_exact_size(PICTURE, egui::Sense::hover());
            let picture = scene.thumbnail.as_ref();
            self.thumbnails.paint(ui, rect, &scene.id, picture);
            ui.vertical(|ui| {
                ui.set_width((ui.available_width() - BUTTON).max(80.0));
                let name = egui::RichText::new(&*scene.name).family(semibold());
                ui.add(egui::Label::new(name).truncate());
                let by = if scene.by_other {
                    "by somebody else"
                } else {
                    "here"
                };
                let when = local_minute(scene.removed_unix_ms);
                ui.weak(format!("{when} · {by}"));
            });
            if TextButton::new("Bring back")
                .icon(icons::ARROW_COUNTER_CLOCKWISE)
                .label(&format!("Bring back {}", scene.name))
                .show(ui)
                .clicked()
            {
                commands.request(Request::BringBack(scene.id.clone()));
            }
        });
    }
}
