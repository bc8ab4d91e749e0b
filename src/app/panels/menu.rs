//! The menu bar and, at its right, whether everything is safe.

use eframe::egui;
use egui::Ui;

use crate::app::command::{Command, Commands};
use crate::app::editor::Editor;
use crate::app::shortcuts::{self, Action, Menu};
use crate::app::theme::{Tokens, semibold};
use crate::session::api::{Published, Saved};
use crate::session::room::{People, Place};

/// Shows the bar.
pub fn show(
    ui: &mut Ui,
    published: &Published,
    people: &People,
    editor: &mut Editor,
    display_open: bool,
    commands: &mut Commands,
) {
    egui::MenuBar::new().ui(ui, |ui| {
        ui.set_min_height(32.0);
        for menu in Menu::BAR {
            ui.menu_button(menu.name(), |ui| {
                ui.set_min_width(280.0);
                for line in shortcuts::TABLE.iter().filter(|line| line.menu == menu) {
                    if line.ruled {
                        ui.separator();
                    }
                    entry(ui, line, published, editor, display_open, commands);
                }
            });
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            ui.add_space(4.0);
            super::room::button(ui, published, people, editor, commands);
            status(ui, published, commands);
        });
    });
}

fn entry(
    ui: &mut Ui,
    line: &shortcuts::Line,
    published: &Published,
    editor: &Editor,
    display_open: bool,
    commands: &mut Commands,
) {
    let keys = line
        .keys
        .map(|keys| shortcuts::spell(ui.ctx(), &keys))
        .unwrap_or_default();
    let keys = if line.action == Action::Paste {
        shortcuts::spell(
            ui.ctx(),
            &egui::KeyboardShortcut::new(egui::Modifiers::COMMAND, egui::Key::V),
        )
    } else {
        keys
    };
    let name = name_now(line, published, editor, display_open);
    let enabled = is_possible(line.action, published, editor);
    let button = egui::Button::new(name).shortcut_text(keys);
    if ui.add_enabled(enabled, button).clicked() {
        commands.act(line.action);
        ui.close();
    }
}

/// A line's name with what it would do now.
fn name_now(
    line: &shortcuts::Line,
    published: &Published,
    editor: &Editor,
    display_open: bool,
) -> String {
    let ticked = |on: bool, name: &str| {
        if on {
            format!("{}  {name}", crate::app::icons::CHECK)
        } else {
            name.to_owned()
        }
    };
    match line.action {
        Action::Undo => match published.undo {
            Some(what) => format!("Undo: {}", lower_first(what)),
            None => "Undo".to_owned(),
        },
        Action::Redo => match published.redo {
            Some(what) => format!("Redo: {}", lower_first(what)),
            None => "Redo".to_owned(),
        },
        Action::Pause if published.paused => "Leave the pause screen".to_owned(),
        Action::PlayerDisplay if display_open => "Close the player display".to_owned(),
        Action::PlayerDisplay => "Open the player display".to_owned(),
        Action::Snapping => ticked(editor.settings.snapping, line.name),
        Action::LeaveRoom if is_hosted(published) => "Stop hosting".to_owned(),
        Action::Host if is_hosted(published) => "Codes and links…".to_owned(),
        Action::ShareCursor => ticked(editor.settings.share_cursor, line.name),
        Action::ShowCursors => ticked(editor.settings.show_cursors, line.name),
        Action::Diagnostics => ticked(editor.diagnostics_open, line.name),
        Action::LeftPane => ticked(!editor.settings.left_pane_folded, line.name),
        Action::RightPane => ticked(!editor.settings.right_pane_folded, line.name),
        _ => line.name.to_owned(),
    }
}

/// This process hosts the open game.
#[must_use]
pub fn is_hosted(published: &Published) -> bool {
    let room = published.room.as_ref();
    room.is_some_and(|room| matches!(room.place, Place::Hosted { .. }))
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(chars).collect()
    })
}

/// Whether an action can be done now.
#[must_use]
pub fn is_possible(action: Action, published: &Published, editor: &Editor) -> bool {
    let scene = published.editing.as_ref();
    let picked = !editor.picked.is_empty();
    match action {
        Action::Undo => published.undo.is_some(),
        Action::Redo => published.redo.is_some(),
        Action::NewScene | Action::OpenFiles | Action::Paste | Action::BringBackScene => {
            published.game.is_some()
        }
        Action::ExportArchive => published.party.is_some(),
        Action::Host => published.game.is_some(),
        Action::Room | Action::LeaveRoom => published.room.is_some(),
        Action::ExportUniversalVtt
        | Action::ExportPicture
        | Action::RenameScene
        | Action::DuplicateScene
        | Action::DeleteScene
        | Action::Fit
        | Action::FitMap
        | Action::SelectAll
        | Action::ZoomIn
        | Action::ZoomOut
        | Action::ZoomOne => scene.is_some(),
        Action::ClearFog | Action::ResetFog | Action::RemoveMap => {
            scene.is_some_and(|scene| scene.map.is_some())
        }
        Action::KeepDrawing => scene.is_some_and(|scene| {
            let room = published.room.as_ref();
            editor.own.can_keep(&scene.id) && !room.is_some_and(|room| room.waits_for_room)
        }),
        Action::Delete | Action::Duplicate => picked,
        Action::ShowOnTable => {
            scene.is_some_and(|scene| published.active_scene.as_ref() != Some(&scene.id))
        }
        Action::ClearTable => published.active_scene.is_some(),
        Action::NextScene | Action::PreviousScene => published.scenes.len() > 1,
        _ => true,
    }
}

/// Saved or not, and which party and library this is.
fn status(ui: &mut Ui, published: &Published, commands: &mut Commands) {
    let tokens = Tokens::of(ui.ctx());
    let library = &published.library;
    let party = published
        .party
        .as_ref()
        .and_then(|id| library.parties.iter().find(|party| party.id == *id));
    let game = party.and_then(|party| {
        let open = published.game.as_ref()?;
        party.games.iter().find(|game| game.id == *open)
    });
    let (ink, words, details) = match &published.saved {
        _ if !library.writable && !library.folder.as_os_str().is_empty() => (
            tokens.live,
            "Read only",
            "This library cannot be written; what you change is not kept.".to_owned(),
        ),
        Saved::Yes => (tokens.good, "Saved", "Everything is on disk.".to_owned()),
        Saved::Writing => (tokens.muted, "Writing", "Being written to disk.".to_owned()),
        Saved::Failed(why) => (tokens.danger, "Not saved", why.to_string()),
    };
    let plain = |ink| egui::TextFormat {
        font_id: egui::FontId::proportional(13.0),
        color: ink,
        ..Default::default()
    };
    let party = party.map_or("", |party| &*party.name);
    let game = game.map_or("", |game| &*game.name);
    // A game that was joined may have its party's name.
    let party = if party == game { "" } else { party };
    let job = |party: &str, game: &str| {
        let mut job = egui::text::LayoutJob::default();
        job.append("● ", 0.0, plain(ink));
        job.append(
            words,
            0.0,
            egui::TextFormat {
                font_id: egui::FontId::new(13.0, semibold()),
                color: if ink == tokens.good { tokens.text } else { ink },
                ..Default::default()
            },
        );
        for (name, before) in [(party, "   "), (game, "  ·  ")] {
            if !name.is_empty() {
                job.append(&format!("{before}{name}"), 0.0, plain(tokens.muted));
            }
        }
        job
    };
    let room = (ui.available_width() - 20.0).max(60.0);
    let mut words_job = job(party, game);
    // Whole where there is room; else each of the two keeps its beginning.
    if ui.fonts_mut(|fonts| fonts.layout_job(words_job.clone()).size().x) > room {
        words_job = job(&short(party), &short(game));
    }
    words_job.wrap = egui::text::TextWrapping::truncate_at_width(room);
    let response = ui
        .add(egui::Button::new(words_job).frame(false))
        .on_hover_text(format!(
            "{details}\n{}\n{}",
            [party, game].join("  ·  ").trim_start_matches("  ·  "),
            library.folder.display()
        ));
    if response.clicked() {
        commands.push(Command::Do(Action::Library));
    }
    if let Some(work) = &published.work {
        ui.add_space(8.0);
        let text = work.done.map_or_else(
            || work.what.to_string(),
            |done| format!("{} · {:.0} %", work.what, done * 100.0),
        );
        ui.add(egui::Label::new(egui::RichText::new(text).color(tokens.muted)).truncate());
        crate::app::widgets::frames::icon_label(ui, crate::app::icons::CLOCK, tokens.muted);
    }
}

fn short(name: &str) -> String {
    if name.chars().count() > 28 {
        let cut: String = name.chars().take(27).collect();
        format!("{}…", cut.trim_end())
    } else {
        name.to_owned()
    }
}
