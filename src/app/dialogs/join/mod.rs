//! Joining a game: a link, or an address and a code; who one is there; what the room cannot do.
//!
//! What is typed may hold a code: it is in no debug output. Must not know sockets: what a code opens is
//! asked on a thread of its own.

mod nearby;
mod typed;

use std::sync::Arc;

use eframe::egui;
use egui::Ui;
use parking_lot::Mutex;

use crate::app::command::{Command, Commands};
use crate::app::editor::Editor;
use crate::app::icons;
use crate::app::tables::TableLink;
use crate::app::theme::semibold;
use crate::app::widgets::buttons::{Accent, TextButton, switch};
use crate::app::widgets::fields::{Room, choice, row};
use crate::app::widgets::frames::{dialog, is_entered};
use crate::model::presence::TablePart;
use crate::session::api::{Published, Request};
use crate::session::discovery::{Answer, AskError, ask};
use crate::session::room::{Connection, Invitation, Place, RoomView};
use crate::util::text::sentence;

pub use self::nearby::{Found, LookAround, look_around};
use self::typed::{Kind, Typed, Wish};
use super::lines::{caution, color_well, name_row, problem, text_field, waiting};

/// What a server was asked; filled by another thread.
type Asked = Arc<Mutex<Option<Result<Answer, AskError>>>>;

/// A field that is typed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Place,
    Code,
}

/// What is typed, and what became of it.
#[derive(Clone)]
pub struct JoinDialog {
    typed: Typed,
    /// A question that is on its way, and what it was for.
    asked: Option<(Asked, Wish)>,
    /// Games that one code opens, of which one is to be chosen.
    choices: Vec<Invitation>,
    /// What the server said no with.
    refusal: Option<String>,
    /// The server whose room was joined.
    joining: Option<String>,
    /// The field that is typed in next.
    next_field: Option<Field>,
    found: Option<Found>,
    /// It was looked around, or cannot be.
    has_looked: bool,
}

impl Default for JoinDialog {
    fn default() -> Self {
        Self {
            typed: Typed::default(),
            asked: None,
            choices: Vec::new(),
            refusal: None,
            joining: None,
            next_field: Some(Field::Place),
            found: None,
            has_looked: false,
        }
    }
}

impl std::fmt::Debug for JoinDialog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JoinDialog")
            .field("kind", &self.typed.kind)
            .finish_non_exhaustive()
    }
}

impl JoinDialog {
    /// Shows it; `false` closes it.
    pub fn show(
        &mut self,
        ctx: &egui::Context,
        published: &Published,
        editor: &mut Editor,
        commands: &mut Commands,
    ) -> bool {
        let mut done = !self.take_answer(commands);
        let stays = dialog(ctx, "Join a game", 520.0, |ui| {
            self.look(ctx, editor);
            let games = self.found.as_ref().map(Found::games).unwrap_or_default();
            if let Some(address) = nearby::list(ui, &games, &self.typed.place) {
                self.typed.kind = Kind::Tableglow;
                self.typed.place = address;
                self.forget_answers();
            }
            self.where_to(ui);
            ui.add_space(8.0);
            who(ui, editor);
            ui.add_space(8.0);
            self.cannot_hide(ui);
            let room = self.joining.as_deref();
            let room = room.and_then(|server| room_of(published, server));
            let is_live = room.is_some_and(|room| room.connection == Connection::Live);
            let waits = room.is_some_and(|room| room.waits_for_room);
            done |= is_live && !waits;
            // What is behind an address and a code is known once it is reached.
            if self.typed.names_a_room() || (is_live && waits) {
                may_be_empty(ui, &mut self.typed.may_initialise);
            }
            if let Some(room) = room {
                progress(ui, room);
            }
            let wish = self.typed.wish();
            if let Some(why) = wish
                .as_ref()
                .err()
                .and_then(Option::as_ref)
                .or(self.refusal.as_ref())
            {
                problem(ui, why);
            }
            if self.asked.is_some() {
                waiting(ui, "Asking the server what the code opens.");
            }
            self.choose(ui, commands);
            ui.add_space(8.0);
            let mut stay = true;
            ui.horizontal(|ui| {
                let enter = is_entered(ui);
                ui.add_enabled_ui(wish.is_ok() && self.asked.is_none(), |ui| {
                    let clicked = TextButton::new("Join")
                        .icon(icons::SIGN_IN)
                        .accent(Accent::Edit)
                        .show(ui)
                        .clicked();
                    if let (true, Ok(wish)) = ((clicked || enter) && ui.is_enabled(), wish) {
                        stay = self.go(ui.ctx(), wish, commands);
                    }
                });
                if TextButton::new("Cancel").flat().show(ui).clicked() {
                    self.give_up(published, commands);
                    stay = false;
                }
            });
            stay
        });
        stays && !done
    }

    /// Begins to join. `false` when the dialog is not needed any more.
    fn go(&mut self, ctx: &egui::Context, wish: Wish, commands: &mut Commands) -> bool {
        self.forget_answers();
        let (address, code) = match &wish {
            Wish::Room(invitation, Some(part)) => {
                return self.enter(invitation.clone(), *part, commands);
            }
            // Whose code it is only our own servers can say, and where there is none nobody.
            Wish::Room(invitation, None)
                if !self.typed.kind.hides() || invitation.token.is_none() =>
            {
                return self.enter(invitation.clone(), TablePart::Dm, commands);
            }
            Wish::Room(invitation, None) => (
                invitation.server.clone(),
                invitation.token.clone().unwrap_or_default(),
            ),
            Wish::Code { address, code } => (address.clone(), code.clone()),
        };
        let asked = Asked::default();
        let (answer, ctx) = (Arc::clone(&asked), ctx.clone());
        let started = std::thread::Builder::new()
            .name("join".into())
            .spawn(move || {
                *answer.lock() = Some(ask(&address, &code));
                ctx.request_repaint();
            });
        match started {
            Ok(_) => self.asked = Some((asked, wish)),
            Err(error) => {
                self.refusal = Some(format!(
                    "The system gives no thread to ask the server with ({error}); close other programs and try again."
                ));
            }
        }
        true
    }

    /// Takes what the server answered. `false` when the dialog is not needed any more.
    fn take_answer(&mut self, commands: &mut Commands) -> bool {
        let answer = self
            .asked
            .as_ref()
            .and_then(|(asked, _)| asked.lock().take());
        let Some(answer) = answer else {
            return true;
        };
        let wish = self.asked.take().map(|(_, wish)| wish);
        match (answer, wish) {
            // A server that takes no questions may be one of ours behind another name, and one that
            // is open to all has no code that could be wrong.
            (Err(AskError::Foreign(_) | AskError::NoGame(_)), Some(Wish::Room(invitation, _))) => {
                self.enter(invitation, TablePart::Dm, commands)
            }
            (Err(error), _) => {
                // Where it is mended.
                self.next_field = match &error {
                    AskError::WrongCode(_) if !self.typed.has_code() => Some(Field::Code),
                    _ => Some(Field::Place),
                };
                self.refusal = Some(sentence(&error.to_string()));
                true
            }
            (Ok(answer), Some(Wish::Room(invitation, _))) => {
                self.enter(invitation, answer.part, commands)
            }
            (Ok(answer), _) => {
                let part = answer.part;
                let mut games = answer.invitations.into_iter();
                match (games.next(), games.next()) {
                    (Some(only), None) => self.enter(only, part, commands),
                    // A table follows whichever is on it.
                    (Some(first), Some(_)) if part != TablePart::Dm => {
                        self.enter(first, part, commands)
                    }
                    (first, second) => {
                        self.choices = first.into_iter().chain(second).chain(games).collect();
                        true
                    }
                }
            }
        }
    }

    /// Joins as what the code says: a DM here, others with a display of their own.
    fn enter(
        &mut self,
        mut invitation: Invitation,
        part: TablePart,
        commands: &mut Commands,
    ) -> bool {
        if part == TablePart::Dm {
            self.joining = Some(invitation.server.clone());
            invitation.may_initialise = self.typed.may_initialise;
            commands.request(Request::Join(invitation));
            return true;
        }
        commands.push(Command::OpenTable(TableLink::of(invitation, part)));
        false
    }

    /// The games that one code opens.
    fn choose(&mut self, ui: &mut Ui, commands: &mut Commands) {
        if self.choices.is_empty() {
            return;
        }
        ui.label(egui::RichText::new("The code opens more than one game").family(semibold()));
        let mut chosen = None;
        for (n, invitation) in self.choices.iter().enumerate() {
            let name = format!("{} {}", invitation.title, n + 1);
            if TextButton::new(name.trim())
                .icon(icons::SIGN_IN)
                .show(ui)
                .on_hover_text(invitation.game.as_str())
                .clicked()
            {
                chosen = Some(invitation.clone());
            }
        }
        if let Some(invitation) = chosen {
            self.choices.clear();
            self.enter(invitation, TablePart::Dm, commands);
        }
    }

    fn forget_answers(&mut self) {
        self.asked = None;
        self.choices.clear();
        self.refusal = None;
        self.joining = None;
    }

    /// Leaves a room that was asked for and that is not there.
    fn give_up(&self, published: &Published, commands: &mut Commands) {
        let asked = self.joining.as_ref();
        let room = asked.and_then(|server| room_of(published, server));
        if room.is_some_and(|room| room.connection != Connection::Live) {
            commands.request(Request::LeaveRoom);
        }
    }

    /// Looks for games on this network while the dialog is open.
    fn look(&mut self, ctx: &egui::Context, editor: &Editor) {
        if std::mem::replace(&mut self.has_looked, true) {
            return;
        }
        let looked = editor.look_around.map(|look_around| look_around(ctx));
        self.found = looked.and_then(|found| {
            found
                .inspect_err(|error| tracing::info!(target: "app", %error, "no list of games"))
                .ok()
        });
    }

    fn where_to(&mut self, ui: &mut Ui) {
        let place = text_field(
            ui,
            "Link, or address",
            "Link, or address",
            &mut self.typed.place,
            "http://192.168.1.5:1999/parties/…   or   192.168.1.5:1999",
        );
        let next_field = self.next_field.take();
        if next_field == Some(Field::Place) {
            place.request_focus();
        }
        let mut changed = place.changed();
        if changed {
            self.typed.place_changed();
        }
        if !self.typed.has_code() {
            ui.add_space(4.0);
            let label = if self.typed.kind == Kind::Tableglow {
                "Code"
            } else {
                "Code, if the room has one"
            };
            let code = text_field(ui, "Code", label, &mut self.typed.code, "");
            if next_field == Some(Field::Code) {
                code.request_focus();
            }
            changed |= code.changed();
        }
        ui.add_space(4.0);
        row(ui, "Kind of room", Room::Wide, None, |ui| {
            choice(ui, "Kind of room", &mut self.typed.kind, &Kind::ALL)
        });
        if self.typed.kind.has_pictures_elsewhere() {
            ui.add_space(4.0);
            let known = self.typed.known_pictures();
            let label = if known.is_some() {
                "Its pictures"
            } else {
                "Its pictures (without their address, maps and tokens stay empty)"
            };
            let hint = known.as_ref().map(|known| known.as_str());
            changed |= text_field(
                ui,
                "Its pictures",
                label,
                &mut self.typed.pictures,
                hint.unwrap_or("https://files.example.com"),
            )
            .changed();
        }
        if changed {
            self.forget_answers();
        }
    }

    /// What rooms of this kind cannot do.
    fn cannot_hide(&self, ui: &mut Ui) {
        if self.typed.kind.hides() {
            return;
        }
        caution(
            ui,
            "A room of this kind cannot hide anything: whoever can open it can read all of the game, fog and secrets too. Give its link to DMs alone.",
        );
        if self.typed.kind.has_pictures_elsewhere() {
            caution(
                ui,
                "Pictures that you add stay on this machine: Table Slayer takes them only from people who are signed in.",
            );
        }
    }
}

/// What is done with a room that nobody has put a game into.
fn may_be_empty(ui: &mut Ui, fills: &mut bool) {
    let label = "Fill the room if it is empty";
    row(ui, label, Room::SWITCH, None, |ui| switch(ui, fills, label));
}

/// The room that was asked for, if it is the one that is open.
fn room_of<'a>(published: &'a Published, server: &str) -> Option<&'a RoomView> {
    let room = published.room.as_deref()?;
    match &room.place {
        Place::Joined { server: there, .. } if bare(there) == bare(server) => Some(room),
        _ => None,
    }
}

fn bare(server: &str) -> &str {
    let server = server.trim_end_matches('/');
    server.split_once("://").map_or(server, |(_, host)| host)
}

fn who(ui: &mut Ui, editor: &mut Editor) {
    name_row(ui, editor);
    row(ui, "Your colour", Room::COLOR, None, |ui| {
        color_well(ui, editor)
    });
}

fn progress(ui: &mut Ui, room: &RoomView) {
    if let Connection::Refused(why) = &room.connection {
        problem(ui, why);
        return;
    }
    let words = match &room.connection {
        Connection::Live if room.waits_for_room => {
            "The room is reached; its game is on its way. If it is empty, fill it and join again."
        }
        Connection::Syncing | Connection::Live => "The room's game is on its way.",
        Connection::Connecting { retry_in: Some(_) } => {
            "The server does not answer yet; it is tried again. Check the address, and that the host is running."
        }
        _ => "Connecting.",
    };
    waiting(ui, words);
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::sync::dialect::Dialect;

    #[test]
    fn a_code_for_players_opens_a_display_and_one_for_dms_joins() {
        let link = "http://h:1/parties/game_session/g?token=T";
        let invitation = Invitation::from_link(Dialect::YPartyKit, link).unwrap();
        for (part, opens_table) in [
            (TablePart::Dm, false),
            (TablePart::Player, true),
            (TablePart::Display, true),
        ] {
            let answer = Answer {
                title: String::new(),
                part,
                is_read_only: false,
                invitations: vec![invitation.clone()],
            };
            let wish = Wish::Code {
                address: "h:1".into(),
                code: "T".into(),
            };
            let asked = Asked::default();
            *asked.lock() = Some(Ok(answer));
            let mut dialog = JoinDialog {
                asked: Some((asked, wish)),
                ..JoinDialog::default()
            };
            let mut commands = Commands::default();
            assert_eq!(dialog.take_answer(&mut commands), !opens_table);
            let table = matches!(commands.drain().as_slice(), [(Command::OpenTable(_), _)]);
            assert_eq!(table, opens_table, "{part:?}");
        }
    }

    #[test]
    fn what_a_server_says_no_with_is_told_in_a_sentence() {
        let asked = Asked::default();
        *asked.lock() = Some(Err(AskError::WrongCode("http://h:1".into())));
        let wish = Wish::Code {
            address: "h:1".into(),
            code: "T".into(),
        };
        let mut dialog = JoinDialog {
            asked: Some((asked, wish)),
            ..JoinDialog::default()
        };
        assert!(dialog.take_answer(&mut Commands::default()));
        let told = dialog.refusal.unwrap();
        assert!(
            told.starts_with("The code opens nothing at") && told.ends_with('.'),
            "{told}"
        );
        assert_eq!(dialog.next_field, Some(Field::Code), "it is mended there");
    }

    #[test]
    fn a_link_is_followed_where_codes_open_nothing_of_their_own() {
        let link = "http://h:1/parties/game_session/g?token=T";
        let invitation = Invitation::from_link(Dialect::YPartyKit, link).unwrap();
        let server = || "http://h:1".to_owned();
        for (answer, joins) in [
            (AskError::NoGame(server()), true),
            (AskError::Foreign(server()), true),
            (AskError::WrongCode(server()), false),
        ] {
            let asked = Asked::default();
            *asked.lock() = Some(Err(answer));
            let mut dialog = JoinDialog {
                asked: Some((asked, Wish::Room(invitation.clone(), None))),
                ..JoinDialog::default()
            };
            let mut commands = Commands::default();
            assert!(dialog.take_answer(&mut commands));
            assert_eq!(commands.drain().len(), usize::from(joins));
            assert_eq!(dialog.refusal.is_none(), joins);
        }
    }

    #[test]
    fn what_is_typed_is_in_no_debug_output() {
        let dialog = JoinDialog {
            typed: Typed {
                place: "http://h/parties/game_session/g?token=SECRET".into(),
                code: "SECRET".into(),
                ..Typed::default()
            },
            ..JoinDialog::default()
        };
        let shown = format!("{:?}", crate::app::dialogs::Dialog::Join(Box::new(dialog)));
        assert!(!shown.contains("SECRET"), "{shown}");
    }
}
