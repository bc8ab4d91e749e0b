//! Where the panels are: the menu on top, the scenes at the left, the inspector at the right, the
//! strip at the bottom and the canvas between them.
//!
//! Called by [`super::shell`] once a frame.

use eframe::egui;
use egui::{Margin, Ui};

use super::canvas;
use super::icons;
use super::panels::{diagnostics, inspector, menu, scenes, strip, toolbar};
use super::shell::App;
use super::shortcuts::{self, Action};
use super::theme::{PANE_WIDTH, Tokens};
use super::widgets::buttons::{Accent, IconButton};
use crate::session::api::Published;
use crate::session::room::People;

impl App {
    /// The menu, the panels and the canvas between them.
    pub(super) fn panes(&mut self, ui: &mut Ui, published: &Published, people: &People) {
        let tokens = Tokens::of(ui.ctx());
        let frame = |margin: Margin| egui::Frame::new().fill(tokens.pane).inner_margin(margin);
        egui::Panel::top("menu")
            .frame(frame(Margin::symmetric(8, 2)))
            .show(ui, |ui| {
                menu::show(
                    ui,
                    published,
                    people,
                    &mut self.editor,
                    self.display.is_open(),
                    &mut self.commands,
                );
            });
        egui::Panel::bottom("strip")
            .exact_size(44.0)
            .frame(frame(Margin::symmetric(12, 4)))
            .show(ui, |ui| {
                strip::show(
                    ui,
                    published,
                    &mut self.editor,
                    &mut self.display,
                    &mut self.commands,
                );
            });
        if self.editor.diagnostics_open {
            egui::Panel::bottom("diagnostics")
                .default_size(240.0)
                .size_range(120.0..=420.0)
                .resizable(true)
                .frame(frame(Margin::symmetric(12, 4)))
                .show(ui, |ui| {
                    diagnostics::show(ui, published, &mut self.commands);
                });
        }
        let side = Margin {
            left: 12,
            right: 12,
            top: 4,
            bottom: 0,
        };
        if !self.editor.settings.left_pane_folded {
            egui::Panel::left("scenes")
                .default_size(*PANE_WIDTH.start())
                .size_range(*PANE_WIDTH.start()..=*PANE_WIDTH.end())
                .frame(frame(side))
                .show(ui, |ui| {
                    scenes::show(ui, published, &mut self.editor, &mut self.commands);
                });
        }
        if !self.editor.settings.right_pane_folded {
            egui::Panel::right("inspector")
                .default_size(280.0)
                .size_range(*PANE_WIDTH.start()..=*PANE_WIDTH.end())
                .frame(frame(side))
                .show(ui, |ui| {
                    inspector::show(ui, published, &mut self.editor, &mut self.commands);
                });
        }
        egui::Panel::top("tools")
            .exact_size(40.0)
            .frame(frame(Margin::symmetric(8, 4)))
            .show(ui, |ui| {
                self.fold_buttons(ui, published);
            });
        egui::CentralPanel::no_frame().show(ui, |ui| {
            self.canvas_rect = canvas::show(
                ui,
                published,
                &mut self.editor,
                &self.bridge,
                &mut self.commands,
            );
        });
    }

    /// The tool bar with the buttons that fold the panes at its ends.
    fn fold_buttons(&mut self, ui: &mut Ui, published: &Published) {
        ui.horizontal_centered(|ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            let fold = if self.editor.settings.left_pane_folded {
                (icons::CARET_DOUBLE_RIGHT, "Show the scene list")
            } else {
                (icons::CARET_DOUBLE_LEFT, "Fold the scene list")
            };
            self.fold_button(ui, fold, Action::LeftPane);
            let room = ui.available_width() - 36.0;
            ui.allocate_ui_with_layout(
                egui::vec2(room, 32.0),
                egui::Layout::left_to_right(egui::Align::Center),
                |ui| {
                    ui.set_width(room);
                    toolbar::show(ui, published, &mut self.editor, &mut self.commands);
                },
            );
            let fold = if self.editor.settings.right_pane_folded {
                (icons::CARET_DOUBLE_LEFT, "Show the inspector")
            } else {
                (icons::CARET_DOUBLE_RIGHT, "Fold the inspector")
            };
            self.fold_button(ui, fold, Action::RightPane);
        });
    }

    fn fold_button(&mut self, ui: &mut Ui, (icon, label): (&str, &str), action: Action) {
        let keys = shortcuts::keys_of(ui.ctx(), action);
        if IconButton::new(icon, label)
            .accent(Accent::Muted)
            .keys(keys.as_deref())
            .show(ui)
            .clicked()
        {
            self.commands.act(action);
        }
    }
}
