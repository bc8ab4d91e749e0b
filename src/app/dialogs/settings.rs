//! The app's settings.

use eframe::egui;

use crate::app::command::{Command, Commands};
use crate::app::editor::Editor;
use crate::app::theme::ThemeChoice;
use crate::app::widgets::buttons::switch;
use crate::app::widgets::fields::{Room, choice, row};
use crate::app::widgets::frames::dialog;

/// Shows the settings; `false` closes them.
pub fn show(ctx: &egui::Context, editor: &mut Editor, commands: &mut Commands) -> bool {
    dialog(ctx, "Settings", 460.0, |ui| {
        let mut theme = editor.settings.theme;
        row(ui, "Theme", Room::Wide, None, |ui| {
            if choice(ui, "Theme", &mut theme, &ThemeChoice::ALL) {
                commands.push(Command::Theme(theme));
            }
        });
        super::lines::name_row(ui, editor);
        row(ui, "Your colour", Room::COLOR, None, |ui| {
            super::lines::color_well(ui, editor);
        });
        ui.add(
            egui::Label::new(
                egui::RichText::new("What others in a room see beside your cursor.")
                    .weak()
                    .size(12.0),
            )
            .wrap(),
        );
        ui.add_space(8.0);
        let settings = &mut editor.settings;
        let mut line = |label: &str, on: &mut bool, words: &str| {
            row(ui, label, Room::SWITCH, None, |ui| switch(ui, on, label));
            ui.add(egui::Label::new(egui::RichText::new(words).weak().size(12.0)).wrap());
            ui.add_space(8.0);
        };
        line(
            "Snap to the grid",
            &mut settings.snapping,
            "Alt while dragging does the opposite.",
        );
        line(
            "Reveal while brushing",
            &mut settings.reveal_live,
            "The table follows the fog brush; off: it sees the stroke when you let go.",
        );
        let transitions = settings.transitions;
        line(
            "Smooth transitions",
            &mut settings.transitions,
            "Scenes fade over black on the table, panes glide.",
        );
        line(
            "Moving fog on the table",
            &mut settings.animation,
            "At most 15 pictures a second, and only on the player display.",
        );
        line(
            "Player display fills its monitor",
            &mut settings.player_display_fullscreen,
            "F11 in its window switches it for the moment.",
        );
        line(
            "Show others my cursor",
            &mut settings.share_cursor,
            "Only while the scene you edit is on the table, or everybody here uses Tableglow.",
        );
        line(
            "Show others what I look at",
            &mut settings.share_view,
            "They can go to your scene and place with a click.",
        );
        line(
            "Cursors of others",
            &mut settings.show_cursors,
            "Where others point, on the map and on the player display.",
        );
        row(ui, "Events to tell", Room::Wide, None, |ui| {
            ui.add(
                egui::TextEdit::singleline(&mut settings.room_events)
                    .hint_text("NOTICE, USER_JOINED")
                    .char_limit(200)
                    .desired_width(ui.available_width())
                    .margin(egui::Margin::symmetric(8, 6)),
            )
        });
        if transitions != settings.transitions {
            commands.push(Command::Theme(settings.theme));
        }
        if editor.settings.hints_done.len() >= 4
            && ui.button("Show the first steps again").clicked()
        {
            editor.settings.hints_done.clear();
        }
        true
    })
}
