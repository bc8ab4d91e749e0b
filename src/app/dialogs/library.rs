//! Parties and games: open, make, rename; the party's defaults.

use eframe::egui;
use egui::Ui;

use super::{Dialog, close};
use crate::app::command::{Command, Commands};
use crate::app::icons;
use crate::app::theme::{Tokens, semibold};
use crate::app::widgets::buttons::{Accent, IconButton, TextButton};
use crate::app::widgets::frames::{card, dialog, empty_state};
use crate::library::catalog::{GameEntry, PartyEntry};
use crate::model::id::{GameSessionId, PartyId};
use crate::session::api::{Published, Request};

/// What is typed in the dialog.
#[derive(Debug, Clone, Default)]
pub struct LibraryDialog {
    naming: Option<(Naming, String)>,
    focus: bool,
}

/// What a name is typed for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Naming {
    NewParty,
    Party(PartyId),
    NewGame(PartyId),
    Game(GameSessionId),
}

impl LibraryDialog {
    /// Shows it; `false` closes it.
    pub fn show(
        &mut self,
        ctx: &egui::Context,
        published: &Published,
        commands: &mut Commands,
    ) -> bool {
        dialog(ctx, "Parties and games", 560.0, |ui| {
            let library = &published.library;
            ui.weak(library.folder.display().to_string());
            ui.add_space(8.0);
            if library.parties.is_empty() {
                empty_state(
                    ui,
                    icons::USERS,
                    "A party is a group that plays at your table. Its games hold your scenes.",
                    None,
                );
                ui.add_space(8.0);
            }
            let can_write = library.writable;
            for party in &library.parties {
                ui.push_id(party.id.as_str(), |ui| {
                    card(ui, |ui| {
                        self.party(ui, party, published, can_write, commands)
                    });
                });
                ui.add_space(8.0);
            }
            ui.add_enabled_ui(can_write, |ui| {
                if self
                    .naming
                    .as_ref()
                    .is_some_and(|(what, _)| *what == Naming::NewParty)
                {
                    self.name_field(ui, "Name of the new party", commands);
                } else if TextButton::new("New party")
                    .icon(icons::PLUS)
                    .show(ui)
                    .clicked()
                {
                    self.begin(Naming::NewParty, "");
                }
            });
            true
        })
    }

    fn begin(&mut self, what: Naming, name: &str) {
        self.naming = Some((what, name.to_owned()));
        self.focus = true;
    }

    fn is_naming(&self, what: &Naming) -> bool {
        self.naming.as_ref().is_some_and(|(now, _)| now == what)
    }

    fn party(
        &mut self,
        ui: &mut Ui,
        party: &PartyEntry,
        published: &Published,
        can_write: bool,
        commands: &mut Commands,
    ) {
        if self.is_naming(&Naming::Party(party.id.clone())) {
            self.name_field(ui, "Name of the party", commands);
        } else {
            ui.horizontal(|ui| {
                let width = (ui.available_width() - 76.0).max(60.0);
                ui.allocate_ui(egui::vec2(width, 28.0), |ui| {
                    ui.set_width(width);
                    ui.add(
                        egui::Label::new(
                            egui::RichText::new(&party.name)
                                .size(15.0)
                                .family(semibold()),
                        )
                        .truncate(),
                    );
                });
                ui.add_enabled_ui(can_write, |ui| {
                    let name = format!("Defaults of {}", party.name);
                    if IconButton::new(icons::SLIDERS_HORIZONTAL, &name)
                        .show(ui)
                        .clicked()
                        && let Some(dialog) = Dialog::defaults(&party.id, published)
                    {
                        commands.push(Command::Dialog(Some(dialog)));
                    }
                    let name = format!("Rename {}", party.name);
                    if IconButton::new(icons::PENCIL_SIMPLE, &name)
                        .show(ui)
                        .clicked()
                    {
                        self.begin(Naming::Party(party.id.clone()), &party.name);
                    }
                });
            });
        }
        for game in &party.games {
            self.game(ui, game, published, can_write, commands);
        }
        ui.add_enabled_ui(can_write, |ui| {
            if self.is_naming(&Naming::NewGame(party.id.clone())) {
                self.name_field(ui, "Name of the new game", commands);
            } else if TextButton::new("New game")
                .icon(icons::PLUS)
                .flat()
                .show(ui)
                .clicked()
            {
                self.begin(Naming::NewGame(party.id.clone()), "");
            }
        });
    }

    fn game(
        &mut self,
        ui: &mut Ui,
        game: &GameEntry,
        published: &Published,
        can_write: bool,
        commands: &mut Commands,
    ) {
        if self.is_naming(&Naming::Game(game.id.clone())) {
            self.name_field(ui, "Name of the game", commands);
            return;
        }
        let tokens = Tokens::of(ui.ctx());
        let open = published.game.as_ref() == Some(&game.id);
        ui.horizontal(|ui| {
            let width = (ui.available_width() - 40.0).max(60.0);
            let words =
                egui::RichText::new(&game.name).color(if open { tokens.edit } else { tokens.text });
            let button = egui::Button::selectable(open, words)
                .min_size(egui::vec2(width, 28.0))
                .truncate()
                .right_text(if open {
                    egui::RichText::new("open").color(tokens.muted)
                } else {
                    egui::RichText::new("")
                });
            if ui.add_sized([width, 28.0], button).clicked() {
                if !open {
                    commands.request(Request::OpenGame(game.id.clone()));
                }
                close(commands);
            }
            ui.add_enabled_ui(can_write, |ui| {
                let name = format!("Rename {}", game.name);
                if IconButton::new(icons::PENCIL_SIMPLE, &name)
                    .accent(Accent::Muted)
                    .show(ui)
                    .clicked()
                {
                    self.begin(Naming::Game(game.id.clone()), &game.name);
                }
            });
        });
    }

    fn name_field(&mut self, ui: &mut Ui, label: &str, commands: &mut Commands) {
        let Some((what, name)) = &mut self.naming else {
            return;
        };
        let mut done = None;
        ui.horizontal(|ui| {
            let width = (ui.available_width() - 150.0).max(100.0);
            let field = ui.name_inputs(label, |ui| {
                ui.add_sized(
                    [width, 28.0],
                    egui::TextEdit::singleline(name)
                        .char_limit(200)
                        .hint_text(label.to_owned())
                        .margin(egui::Margin::symmetric(8, 6)),
                )
            });
            if self.focus {
                field.request_focus();
                self.focus = false;
            }
            let entered = field.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
            let good = !name.trim().is_empty();
            ui.add_enabled_ui(good, |ui| {
                if TextButton::new("Done")
                    .accent(Accent::Edit)
                    .show(ui)
                    .clicked()
                {
                    done = Some(true);
                }
            });
            if entered && good {
                done = Some(true);
            }
            if TextButton::new("Cancel").flat().show(ui).clicked() {
                done = Some(false);
            }
        });
        let Some(keep) = done else {
            return;
        };
        let name = name.trim().to_owned();
        if keep {
            let made = matches!(what, Naming::NewParty | Naming::NewGame(_));
            commands.request(match what.clone() {
                Naming::NewParty => Request::CreateParty { name },
                Naming::Party(party) => Request::RenameParty { party, name },
                Naming::NewGame(party) => Request::CreateGame { party, name },
                Naming::Game(game) => Request::RenameGame { game, name },
            });
            if made {
                close(commands);
            }
        }
        self.naming = None;
    }
}
