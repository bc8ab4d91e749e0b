//! The live strip: what the players see, and the words of the tool in hand.

use eframe::egui;
use egui::{CornerRadius, Ui};

use crate::app::command::Commands;
use crate::app::display::DisplayState;
use crate::app::editor::Editor;
use crate::app::icons;
use crate::app::panels::menu::is_possible;
use crate::app::shortcuts::{Action, keys_of};
use crate::app::theme::Tokens;
use crate::app::widgets::buttons::{Accent, IconButton, TextButton};
use crate::model::scene;
use crate::session::api::Published;

/// Shows the strip.
pub fn show(
    ui: &mut Ui,
    published: &Published,
    editor: &mut Editor,
    display: &mut DisplayState,
    commands: &mut Commands,
) {
    let tokens = Tokens::of(ui.ctx());
    let live = published.active_scene.is_some();
    if live {
        let rect = ui.max_rect();
        let line = egui::Rect::from_min_size(
            egui::pos2(rect.left() - 12.0, rect.top() - 4.0),
            egui::vec2(rect.width() + 24.0, 2.0),
        );
        let ink = if published.paused {
            tokens.muted
        } else {
            tokens.live
        };
        ui.painter_at(line)
            .rect_filled(line, CornerRadius::ZERO, ink);
    }
    ui.horizontal_centered(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        table_buttons(ui, published, editor, commands);
        display_buttons(ui, display, commands);
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            numbers(ui, published, editor, commands);
            ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                ui.add_space(8.0);
                let words = if published.editing.is_some() {
                    editor.tool.hint()
                } else {
                    ""
                };
                ui.add(
                    egui::Label::new(egui::RichText::new(words).size(12.0).color(tokens.muted))
                        .truncate(),
                );
            });
        });
    });
}

fn table_buttons(ui: &mut Ui, published: &Published, editor: &Editor, commands: &mut Commands) {
    let pause_keys = keys_of(ui.ctx(), Action::Pause);
    let (icon, label) = if published.paused {
        (icons::PLAY, "Leave the pause screen")
    } else {
        (icons::PAUSE, "Pause: the table shows the pause screen")
    };
    if IconButton::new(icon, label)
        .accent(Accent::Live)
        .selected(published.paused)
        .keys(pause_keys.as_deref())
        .show(ui)
        .clicked()
    {
        commands.act(Action::Pause);
    }
    ui.add_enabled_ui(published.active_scene.is_some(), |ui| {
        if IconButton::new(icons::STOP, "Clear the table")
            .show(ui)
            .clicked()
        {
            commands.act(Action::ClearTable);
        }
    });
    let show_keys = keys_of(ui.ctx(), Action::ShowOnTable);
    let possible = is_possible(Action::ShowOnTable, published, editor);
    let on_table = published.editing.is_some() && !possible;
    if on_table {
        live_word(
            ui,
            if published.paused {
                "On the table, paused"
            } else {
                "On the table"
            },
        );
    } else {
        ui.add_enabled_ui(possible, |ui| {
            if TextButton::new("Show this scene on the table")
                .icon(icons::PROJECTOR_SCREEN)
                .accent(Accent::Live)
                .keys(show_keys.as_deref())
                .show(ui)
                .clicked()
            {
                commands.act(Action::ShowOnTable);
            }
        });
    }
}

fn live_word(ui: &mut Ui, words: &str) {
    let tokens = Tokens::of(ui.ctx());
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        crate::app::widgets::frames::icon_label(ui, icons::BROADCAST, tokens.live);
        ui.label(
            egui::RichText::new(words)
                .family(crate::app::theme::semibold())
                .color(tokens.live),
        );
    });
}

fn display_buttons(ui: &mut Ui, display: &mut DisplayState, commands: &mut Commands) {
    let tokens = Tokens::of(ui.ctx());
    let (rect, _) = ui.allocate_exact_size(egui::vec2(9.0, 20.0), egui::Sense::hover());
    ui.painter().vline(
        rect.center().x,
        rect.y_range(),
        egui::Stroke::new(1.0, tokens.line),
    );
    let keys = keys_of(ui.ctx(), Action::PlayerDisplay);
    let open = display.is_open();
    let label = if open {
        "Close the player display"
    } else {
        "Open the player display"
    };
    if IconButton::new(icons::MONITOR_PLAY, label)
        .accent(if open { Accent::Live } else { Accent::Plain })
        .selected(open)
        .keys(keys.as_deref())
        .show(ui)
        .clicked()
    {
        commands.act(Action::PlayerDisplay);
    }
    display.monitor_menu(ui, commands);
}

fn numbers(ui: &mut Ui, published: &Published, editor: &Editor, commands: &mut Commands) {
    let tokens = Tokens::of(ui.ctx());
    let muted = |text: String| egui::RichText::new(text).size(12.0).color(tokens.muted);
    ui.label(muted(format!("undo {}", published.undo_depth)))
        .on_hover_text("Steps that can be taken back");
    let redo_keys = keys_of(ui.ctx(), Action::Redo);
    let undo_keys = keys_of(ui.ctx(), Action::Undo);
    ui.add_enabled_ui(published.redo.is_some(), |ui| {
        if IconButton::new(icons::ARROW_CLOCKWISE, "Redo")
            .keys(redo_keys.as_deref())
            .show(ui)
            .clicked()
        {
            commands.act(Action::Redo);
        }
    });
    ui.add_enabled_ui(published.undo.is_some(), |ui| {
        if IconButton::new(icons::ARROW_COUNTER_CLOCKWISE, "Undo")
            .keys(undo_keys.as_deref())
            .show(ui)
            .clicked()
        {
            commands.act(Action::Undo);
        }
    });
    let Some(scene) = &published.editing else {
        return;
    };
    ui.add_space(4.0);
    let per_inch = scene.display_size_world().x / scene.setting(scene::DISPLAY_SIZE_X).max(0.1);
    let inches = scene.grid.cell_px() / per_inch.max(1e-6);
    ui.label(muted(format!("{inches:.2} in/sq")))
        .on_hover_text("Size of a cell on the table screen");
    ui.add_space(4.0);
    let zoom = editor.camera_of(scene).zoom;
    let fit_keys = keys_of(ui.ctx(), Action::Fit);
    if IconButton::new(icons::FRAME_CORNERS, "Fit the table")
        .keys(fit_keys.as_deref())
        .show(ui)
        .clicked()
    {
        commands.act(Action::Fit);
    }
    ui.label(muted(format!("{:.0} %", zoom * 100.0)))
        .on_hover_text("Screen points to a pixel of the table");
}
