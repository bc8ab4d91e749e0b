//! What the keyboard, the clipboard and the system's drag and drop bring to the editor's window.
//!
//! Called by [`super::shell`] once a frame; what comes out are commands.

use std::path::PathBuf;
use std::sync::Arc;

use eframe::egui;

use super::command::{Command, FilePurpose};
use super::editor::Editor;
use super::shell::App;
use super::shortcuts;
use super::theme::{self, Tokens};
use crate::model::id::SceneId;
use crate::session::api::{Published, Request, Severity};

impl App {
    /// What the keyboard and the system brought, when no dialog is in the way.
    pub(super) fn take_input(&mut self, ctx: &egui::Context, published: &Published) {
        if self.editor.dialog.is_none() {
            let typing = Editor::is_typing(ctx);
            if !typing {
                self.row_keys(ctx);
            }
            for action in shortcuts::take(ctx, typing) {
                self.commands.act(action);
            }
            // An open menu takes Escape and the arrows for itself.
            if !typing && !egui::Popup::is_any_open(ctx) {
                self.canvas_keys(ctx, published);
            }
        }
        let words = ctx.input(|input| {
            input.events.iter().find_map(|event| match event {
                egui::Event::Paste(words) => Some(words.clone()),
                _ => None,
            })
        });
        if let Some(words) =
            words.filter(|_| !Editor::is_typing(ctx) && self.editor.dialog.is_none())
        {
            self.paste_words(&words, published);
        }
        let (pasted, dropped) = ctx.input(|input| {
            let pasted = input.events.iter().find_map(|event| match event {
                egui::Event::PasteImage(picture) => Some(Arc::clone(picture)),
                _ => None,
            });
            let dropped: Vec<PathBuf> = input
                .raw
                .dropped_files
                .iter()
                .map(|file| file.path().to_owned())
                .collect();
            (pasted, dropped)
        });
        if let Some(picture) = pasted {
            self.paste(&picture, published);
        }
        if !dropped.is_empty() {
            let archives = dropped
                .iter()
                .all(|file| file.extension().is_some_and(|ending| ending == "tableglow"));
            let purpose = if archives {
                FilePurpose::ImportArchive
            } else {
                FilePurpose::Import { into: None }
            };
            self.commands.push(Command::FilesChosen(purpose, dropped));
        }
    }

    /// A scene row that has the keyboard takes F2 and Delete for itself.
    fn row_keys(&mut self, ctx: &egui::Context) {
        let Some(row) = self.editor.focused_row.clone() else {
            return;
        };
        let (rename, delete) = ctx.input_mut(|input| {
            (
                input.consume_key(egui::Modifiers::NONE, egui::Key::F2),
                input.consume_key(egui::Modifiers::NONE, egui::Key::Delete),
            )
        });
        if rename {
            self.commands.push(Command::BeginRename(row));
        } else if delete {
            self.commands.push(Command::DeleteScene(row));
        }
    }

    fn canvas_keys(&mut self, ctx: &egui::Context, published: &Published) {
        let wants_arrows = !self.editor.picked.is_empty();
        let (escape, nudge) = ctx.input_mut(|input| {
            let escape = input.consume_key(egui::Modifiers::NONE, egui::Key::Escape);
            let mut nudge = glam::DVec2::ZERO;
            if wants_arrows && !input.modifiers.alt {
                for (key, by) in [
                    (egui::Key::ArrowLeft, glam::DVec2::NEG_X),
                    (egui::Key::ArrowRight, glam::DVec2::X),
                    (egui::Key::ArrowUp, glam::DVec2::Y),
                    (egui::Key::ArrowDown, glam::DVec2::NEG_Y),
                ] {
                    if input.consume_key(egui::Modifiers::NONE, key) {
                        nudge += by;
                    }
                }
            }
            (escape, nudge)
        });
        if escape {
            self.step_back(ctx, published);
        }
        if nudge != glam::DVec2::ZERO {
            self.commands.push(Command::NudgeCells(nudge));
        }
    }

    /// Text came from the clipboard: the files that it names, as file managers copy them, or the
    /// picture beside it.
    fn paste_words(&mut self, words: &str, published: &Published) {
        let files = super::files::named_files(words);
        if !files.is_empty() {
            let purpose = FilePurpose::Import { into: None };
            self.commands.push(Command::FilesChosen(purpose, files));
        } else if let Some(picture) = self.clipboard_picture.and_then(|look| look()) {
            self.paste(&picture, published);
        } else {
            self.editor.tell(
                Severity::Info,
                "There is text in the clipboard and no picture, so nothing was pasted. Copy a picture, or a map file.",
            );
        }
    }

    fn paste(&mut self, picture: &egui::ColorImage, published: &Published) {
        if published.game.is_none() {
            return;
        }
        let [width, height] = picture.size;
        let (Ok(width), Ok(height)) = (u32::try_from(width), u32::try_from(height)) else {
            return;
        };
        let rgba = picture
            .pixels
            .iter()
            .flat_map(|pixel| pixel.to_srgba_unmultiplied())
            .collect();
        self.commands.request(Request::ImportPixels {
            width,
            height,
            rgba,
            into: empty_scene(published),
        });
    }

    /// Says what a drop of the files that hover over the window would do.
    pub(super) fn file_hover(&self, ctx: &egui::Context, published: &Published) {
        let hovering = ctx.input(|input| input.raw.hovered_files.len());
        if hovering == 0 || published.game.is_none() {
            return;
        }
        let tokens = Tokens::of(ctx);
        let painter = ctx.layer_painter(egui::LayerId::new(
            egui::Order::Foreground,
            egui::Id::unique("file hover"),
        ));
        let rect = self.canvas_rect.shrink(12.0);
        painter.rect(
            rect,
            egui::CornerRadius::same(10),
            tokens.edit.gamma_multiply(0.12),
            egui::Stroke::new(2.0, tokens.edit),
            egui::StrokeKind::Inside,
        );
        let words = if hovering > 1 {
            "Drop: a scene for each file"
        } else if empty_scene(published).is_some() {
            "Drop: the map of this scene"
        } else {
            "Drop: a new scene"
        };
        painter.text(
            rect.center(),
            egui::Align2::CENTER_CENTER,
            words,
            egui::FontId::new(17.0, theme::semibold()),
            tokens.text,
        );
    }
}

/// The edited scene when it has no map yet: what a dropped map fills.
#[must_use]
pub(super) fn empty_scene(published: &Published) -> Option<SceneId> {
    published
        .editing
        .as_ref()
        .filter(|scene| scene.map.is_none())
        .map(|scene| scene.id.clone())
}
