//! Hosting the open game: who can reach it, the codes and links that let others in, and the end of it.

use std::sync::Arc;

use eframe::egui;
use egui::Ui;

use crate::app::command::{Command, Commands};
use crate::app::editor::Editor;
use crate::app::icons;
use crate::app::settings::Settings;
use crate::app::shortcuts::Action;
use crate::app::tables::TableLink;
use crate::app::theme::{CONTROL_HEIGHT, semibold};
use crate::app::widgets::buttons::{Accent, IconButton, TextButton};
use crate::app::widgets::fields::{NumberSpec, Room, choice, number_field, row};
use crate::app::widgets::frames::{card, dialog, is_entered};
use crate::model::presence::TablePart;
use crate::server::code::shown;
use crate::session::api::{Published, Request, Severity};
use crate::session::room::{Connection, Place, Scope};

use super::lines::{caution, problem, waiting};

/// What is chosen before the game is hosted.
#[derive(Debug, Clone)]
pub struct HostDialog {
    scope: Scope,
    port: u16,
}

impl HostDialog {
    /// The choices of the last time.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        Self {
            scope: settings.host_scope,
            port: settings.host_port,
        }
    }

    /// Shows it; `false` closes it.
    pub fn show(
        &mut self,
        ctx: &egui::Context,
        published: &Published,
        editor: &mut Editor,
        commands: &mut Commands,
    ) -> bool {
        dialog(ctx, "Host this game", 520.0, |ui| {
            let Some(room) = &published.room else {
                self.choose(ui, editor, commands);
                return true;
            };
            match &room.place {
                Place::Joined { server, .. } => {
                    ui.add(
                        egui::Label::new(format!(
                            "This game is in a room at {server}, so others join it there. Leave the room first to host it here."
                        ))
                        .wrap(),
                    );
                    ui.add_space(8.0);
                    if TextButton::new("Leave the room").show(ui).clicked() {
                        commands.act(Action::LeaveRoom);
                    }
                }
                Place::Hosted {
                    addresses,
                    codes,
                    links,
                    is_announced,
                } => {
                    if let Connection::Refused(why) = &room.connection {
                        problem(ui, why);
                        ui.add_space(8.0);
                    } else if codes.is_empty() {
                        waiting(ui, "Opening the room.");
                    }
                    people_cards(ui, codes, links, commands);
                    let addresses: Vec<String> =
                        addresses.iter().map(ToString::to_string).collect();
                    typed(ui, &addresses, *is_announced, commands);
                    ui.add_space(12.0);
                    if TextButton::new("Stop hosting")
                        .icon(icons::SIGN_OUT)
                        .accent(Accent::Danger)
                        .flat()
                        .show(ui)
                        .on_hover_text("Everybody else is disconnected. The game stays here.")
                        .clicked()
                    {
                        commands.act(Action::LeaveRoom);
                    }
                }
            }
            true
        })
    }

    fn choose(&mut self, ui: &mut Ui, editor: &mut Editor, commands: &mut Commands) {
        ui.add(
            egui::Label::new(
                "Others join with a code: DMs edit with you, players and table displays get only what you show.",
            )
            .wrap(),
        );
        ui.add_space(8.0);
        row(ui, "Who can reach it", Room::Points(320.0), None, |ui| {
            choice(
                ui,
                "Who can reach it",
                &mut self.scope,
                &[
                    (Scope::ThisMachine, "Programs on this machine"),
                    (Scope::Network, "Everybody on the network with a code"),
                ],
            )
        });
        row(ui, "Port", Room::NUMBER, None, |ui| {
            let mut port = f64::from(self.port);
            let spec = NumberSpec {
                min: 0.0,
                max: 65_535.0,
                step: 1.0,
                whole: true,
                suffix: "",
                percent: false,
                slider: None,
                logarithmic: false,
            };
            if number_field(ui, &mut port, &spec).changed() {
                let whole = crate::app::tools::whole(port);
                self.port = u16::try_from(whole).unwrap_or_default();
            }
        });
        ui.weak("0 takes a port that is free.");
        if self.scope == Scope::Network {
            ui.add_space(8.0);
            caution(
                ui,
                "What goes over the network is not encrypted: whoever can listen there can read the game and its codes. Use a network that you trust.",
            );
        }
        ui.add_space(12.0);
        let enter = is_entered(ui);
        let host = TextButton::new("Host")
            .icon(icons::SHARE_NETWORK)
            .accent(Accent::Edit)
            .show(ui);
        if host.clicked() || enter {
            editor.settings.host_scope = self.scope;
            editor.settings.host_port = self.port;
            commands.request(Request::Host {
                scope: self.scope,
                port: self.port,
            });
        }
    }
}

fn people_cards(
    ui: &mut Ui,
    codes: &[(TablePart, Arc<str>)],
    links: &[(TablePart, Arc<str>)],
    commands: &mut Commands,
) {
    for (part, code) in codes {
        let link = links
            .iter()
            .find(|(of, _)| of == part)
            .map(|(_, link)| link);
        ui.push_id(part.word(), |ui| {
            card(ui, |ui| code_card(ui, *part, code, link, commands));
        });
        ui.add_space(8.0);
    }
}

fn code_card(
    ui: &mut Ui,
    part: TablePart,
    code: &str,
    link: Option<&Arc<str>>,
    commands: &mut Commands,
) {
    let (name, words) = match part {
        TablePart::Dm => ("DM", "edits everything with you"),
        TablePart::Player => ("Player", "sees what you show"),
        TablePart::Display => ("Table display", "a screen for the players"),
    };
    ui.horizontal(|ui| {
        ui.label(egui::RichText::new(name).family(semibold()));
        ui.weak(words);
    });
    let lower = name.to_lowercase();
    let what = if part == TablePart::Dm { name } else { &lower };
    let text = shown(code);
    let opens = link.filter(|_| part == TablePart::Display);
    let buttons = 1 + usize::from(link.is_some()) + usize::from(opens.is_some());
    copied(ui, &text, buttons, |ui| {
        if let Some(link) = opens
            && IconButton::new(icons::MONITOR_PLAY, "Open a table display on this machine")
                .show(ui)
                .clicked()
            && let Some(link) = TableLink::read(link)
        {
            commands.push(Command::OpenTable(link));
        }
        if let Some(link) = link
            && IconButton::new(icons::LINK, &format!("Copy the link for a {what}"))
                .show(ui)
                .clicked()
        {
            copy(
                ui,
                link,
                "The link is in the clipboard. Whoever has it can join.",
                commands,
            );
        }
        if IconButton::new(icons::COPY, &format!("Copy the code for a {what}"))
            .show(ui)
            .clicked()
        {
            copy(ui, code, "The code is in the clipboard.", commands);
        }
    });
}

/// A text to read out, and at the right end of its line so many buttons for it: the same ones stand
/// below each other, and Tab goes as the eye does.
fn copied(ui: &mut Ui, text: &str, buttons: usize, show: impl FnOnce(&mut Ui)) {
    ui.horizontal(|ui| {
        ui.set_min_height(CONTROL_HEIGHT);
        let gap = ui.spacing().item_spacing.x;
        #[expect(clippy::cast_precision_loss, reason = "a few")]
        let taken = buttons as f32 * (CONTROL_HEIGHT + gap);
        let room = (ui.available_width() - taken).max(0.0);
        ui.allocate_ui_with_layout(
            egui::vec2(room, CONTROL_HEIGHT),
            egui::Layout::left_to_right(egui::Align::Center),
            |ui| {
                ui.set_width(room);
                let text = egui::RichText::new(text).monospace().size(14.0);
                ui.add(egui::Label::new(text).truncate().selectable(true));
            },
        );
        show(ui);
    });
}

fn copy(ui: &Ui, text: &str, told: &str, commands: &mut Commands) {
    ui.ctx().copy_text(text.to_owned());
    commands.push(Command::Tell(Severity::Info, told.to_owned()));
}

/// What another machine can type.
fn typed(ui: &mut Ui, addresses: &[String], is_announced: bool, commands: &mut Commands) {
    if addresses.is_empty() {
        return;
    }
    ui.label(egui::RichText::new("Address to type").family(semibold()));
    if is_announced {
        ui.weak("On this network others find it by itself under Join a game.");
    }
    for address in addresses {
        // In line with the cards' buttons.
        let inset = egui::Frame::new().inner_margin(egui::Margin::symmetric(12, 0));
        inset.show(ui, |ui| {
            copied(ui, address, 1, |ui| {
                if IconButton::new(icons::COPY, &format!("Copy the address {address}"))
                    .show(ui)
                    .clicked()
                {
                    copy(ui, address, "The address is in the clipboard.", commands);
                }
            });
        });
    }
}
