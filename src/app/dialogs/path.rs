//! A path, typed: where the system shows no file dialogs.

use eframe::egui;

use crate::app::command::{Command, Commands, FilePurpose};
use crate::app::files::typed_path;
use crate::app::widgets::buttons::{Accent, TextButton};
use crate::app::widgets::frames::dialog;

/// A path that is being typed.
#[derive(Debug, Clone)]
pub struct PathDialog {
    purpose: FilePurpose,
    text: String,
    focus: bool,
}

impl PathDialog {
    /// An empty field, or the suggested name in the home folder.
    #[must_use]
    pub fn new(purpose: FilePurpose) -> Self {
        let text = if purpose.saves() {
            let folder = directories::UserDirs::new()
                .map(|folders| folders.home_dir().to_owned())
                .unwrap_or_default();
            folder.join(purpose.suggested_name()).display().to_string()
        } else {
            String::new()
        };
        Self {
            purpose,
            text,
            focus: true,
        }
    }

    /// Shows it; `false` closes it.
    pub fn show(&mut self, ctx: &egui::Context, commands: &mut Commands) -> bool {
        dialog(ctx, self.purpose.title(), 520.0, |ui| {
            ui.add(
                egui::Label::new(
                    "This system shows no file dialogs, so type the path here. You can also drop files on the window.",
                )
                .wrap(),
            );
            ui.add_space(8.0);
            let field = ui.name_inputs("Path", |ui| {
                ui.add(
                    egui::TextEdit::singleline(&mut self.text)
                        .desired_width(f32::INFINITY)
                        .hint_text("/home/me/maps/castle.dd2vtt")
                        .margin(egui::Margin::symmetric(8, 6)),
                )
            });
            if self.focus {
                field.request_focus();
                self.focus = false;
            }
            let entered = field.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
            let path = typed_path(&self.text);
            let good = !self.text.trim().is_empty();
            ui.add_space(8.0);
            let mut stay = true;
            ui.horizontal(|ui| {
                let words = if self.purpose.saves() { "Save" } else { "Open" };
                let mut go = entered && good;
                ui.add_enabled_ui(good, |ui| {
                    go |= TextButton::new(words)
                        .accent(Accent::Edit)
                        .show(ui)
                        .clicked();
                });
                if go {
                    commands.push(Command::FilesChosen(self.purpose.clone(), vec![path]));
                    stay = false;
                }
                if TextButton::new("Cancel").flat().show(ui).clicked() {
                    stay = false;
                }
            });
            stay
        })
    }
}
