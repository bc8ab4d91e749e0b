//! Backups: what each holds, and the way back.

use eframe::egui;
use egui::Ui;

use crate::app::command::Commands;
use crate::app::icons;
use crate::app::widgets::buttons::{Accent, TextButton};
use crate::app::widgets::frames::{card, dialog, empty_state};
use crate::library::catalog::BackupEntry;
use crate::session::api::{Published, Request};
use crate::util::date::local_minute;

/// The backup that is about to be restored.
#[derive(Debug, Clone, Default)]
pub struct BackupsDialog {
    chosen: Option<String>,
}

impl BackupsDialog {
    /// Shows it; `false` closes it.
    pub fn show(
        &mut self,
        ctx: &egui::Context,
        published: &Published,
        commands: &mut Commands,
    ) -> bool {
        dialog(ctx, "Backups", 560.0, |ui| {
            let library = &published.library;
            ui.add(
                egui::Label::new(
                    "Tableglow backs the library up by itself. A restore backs up what is there now first, so it can be undone by another restore.",
                )
                .wrap(),
            );
            ui.add_space(8.0);
            ui.add_enabled_ui(library.writable, |ui| {
                if TextButton::new("Back up now")
                    .icon(icons::FLOPPY_DISK)
                    .show(ui)
                    .clicked()
                {
                    commands.request(Request::Backup);
                }
            });
            ui.add_space(8.0);
            if library.backups.is_empty() {
                empty_state(
                    ui,
                    icons::CLOCK_COUNTER_CLOCKWISE,
                    "There is no backup yet.",
                    None,
                );
            }
            let mut stay = true;
            for backup in &library.backups {
                ui.push_id(&backup.name, |ui| {
                    card(ui, |ui| {
                        stay &= self.backup(ui, backup, library.writable, commands)
                    });
                });
                ui.add_space(4.0);
            }
            stay
        })
    }

    fn backup(
        &mut self,
        ui: &mut Ui,
        backup: &BackupEntry,
        can_write: bool,
        commands: &mut Commands,
    ) -> bool {
        ui.horizontal(|ui| {
            ui.vertical(|ui| {
                ui.set_width((ui.available_width() - 190.0).max(120.0));
                ui.label(local_minute(backup.made_unix_ms));
                ui.weak(format!("{} · {}", backup.holds, size(backup.bytes)));
            });
            let mut stay = true;
            ui.add_enabled_ui(can_write, |ui| {
                if self.chosen.as_deref() == Some(&*backup.name) {
                    if TextButton::new("Restore this")
                        .accent(Accent::Live)
                        .show(ui)
                        .clicked()
                    {
                        commands.request(Request::Restore {
                            backup: backup.name.clone(),
                        });
                        stay = false;
                    }
                    if TextButton::new("Keep").flat().show(ui).clicked() {
                        self.chosen = None;
                    }
                } else if TextButton::new("Restore…").flat().show(ui).clicked() {
                    self.chosen = Some(backup.name.clone());
                }
            });
            stay
        })
        .inner
    }
}

fn size(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
    let bytes = bytes as f64;
    if bytes < 1e6 {
        format!("{:.0} kB", bytes / 1e3)
    } else if bytes < 1e9 {
        format!("{:.1} MB", bytes / 1e6)
    } else {
        format!("{:.1} GB", bytes / 1e9)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        assert_eq!(size(999_000), "999 kB");
        assert_eq!(size(12_340_000), "12.3 MB");
    }
}
