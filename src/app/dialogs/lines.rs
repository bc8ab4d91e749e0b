//! Lines that several dialogs have: what went wrong, what is waited for, what to know before, who one
//! is to others. Must not know what the dialogs are for.

use eframe::egui;
use egui::{Color32, Response, Ui};

use crate::app::editor::Editor;
use crate::app::icons;
use crate::app::settings::{NO_NAME, PEOPLE_COLORS};
use crate::app::theme::Tokens;
use crate::app::widgets::fields::{Room, color, row};
use crate::app::widgets::frames::icon_label;
use crate::model::presence::MAX_NAME_CHARS;
use crate::util::text::sentence;

/// What went wrong.
pub(super) fn problem(ui: &mut Ui, why: &str) {
    let danger = Tokens::of(ui.ctx()).danger;
    line(
        ui,
        icons::WARNING_CIRCLE,
        danger,
        &sentence(why),
        Some(danger),
    );
}

/// What is waited for.
pub(super) fn waiting(ui: &mut Ui, words: &str) {
    let muted = Tokens::of(ui.ctx()).muted;
    line(ui, icons::CLOCK, muted, words, None);
}

/// What to know before it is done.
pub(super) fn caution(ui: &mut Ui, words: &str) {
    let live = Tokens::of(ui.ctx()).live;
    line(ui, icons::WARNING, live, words, None);
}

/// An icon and words that wrap beside it.
fn line(ui: &mut Ui, icon: &str, tint: Color32, words: &str, ink: Option<Color32>) {
    ui.horizontal_top(|ui| {
        icon_label(ui, icon, tint);
        let mut words = egui::RichText::new(words);
        if let Some(ink) = ink {
            words = words.color(ink);
        }
        ui.add(egui::Label::new(words).wrap());
    });
}

/// A field for one line of text over the whole width, below its name.
pub(super) fn text_field(
    ui: &mut Ui,
    name: &str,
    label: &str,
    text: &mut String,
    hint: &str,
) -> Response {
    let label = ui.weak(label);
    let field = egui::TextEdit::singleline(text)
        // What appears above it while somebody types does not take the focus.
        .id(egui::Id::unique(("field", name)))
        .hint_text(hint)
        .desired_width(f32::INFINITY)
        .margin(egui::Margin::symmetric(8, 6));
    // What stands in it as an example is no name.
    ui.add(field).labelled_by(label.id)
}

/// The user's name; one line, never an address.
pub(super) fn name_row(ui: &mut Ui, editor: &mut Editor) {
    let settings = &mut editor.settings;
    row(ui, "Your name", Room::Wide, None, |ui| {
        ui.add(
            egui::TextEdit::singleline(&mut settings.user_name)
                .id(egui::Id::unique("field of the user's name"))
                .hint_text(NO_NAME)
                .char_limit(MAX_NAME_CHARS * 2)
                .desired_width(ui.available_width())
                .margin(egui::Margin::symmetric(8, 6)),
        )
        // What stands in it as an example is no name.
        .accessible_name("Your name")
    });
    if settings.user_name.contains('@') {
        ui.weak(format!(
            "Others see “{}”: addresses are not shown.",
            settings.identity().name
        ));
    }
}

/// The user's colour.
pub(super) fn color_well(ui: &mut Ui, editor: &mut Editor) {
    let mut chosen = editor.settings.color();
    if color(ui, &mut chosen, "Your colour", &PEOPLE_COLORS).changed() {
        editor.settings.user_color = Some(chosen.to_hex());
    }
}
