//! Joining a game: a link, or an address and a code; who one is there; what the room cannot do.
//!
//! What is typed may hold a code: it is in no debug output. Must not know sockets: what a code opens is
//! asked on a thread of its own.

use std::sync::Arc;

use eframe::egui;
use egui::Ui;
use parking_lot::Mutex;

use crate::app::command::{Command, Commands};
use crate::app::editor::Editor;
use crate::app::icons;
use crate::app::settings::{NO_NAME, PEOPLE_COLORS};
use crate::app::tables::TableLink;
use crate::app::theme::{Tokens, semibold};
use crate::app::widgets::buttons::{Accent, TextButton, switch};
use crate::app::widgets::fields::{Room, choice, color, row};
use crate::app::widgets::frames::{dialog, icon_label, list_row};
use crate::model::presence::{MAX_NAME_CHARS, TablePart};
use crate::session::api::{Published, Request};
use crate::session::discovery::network::{Browser, NetworkGame, NoDiscovery, browse};
use crate::session::discovery::{Answer, AskError, ask, server_of};
use crate::session::room::{Connection, Invitation, Place, RoomView, part_of_link};
use crate::sync::dialect::Dialect;

/// Games on this network, looked for as long as this lives.
#[derive(Clone)]
pub struct Found {
    list: Arc<Mutex<Vec<NetworkGame>>>,
    _browser: Arc<Browser>,
}

/// How games on this network are looked for.
pub type LookAround = fn(&egui::Context) -> Result<Found, NoDiscovery>;

/// Begins to look for games on this network.
///
/// # Errors
/// When this machine cannot.
pub fn look_around(ctx: &egui::Context) -> Result<Found, NoDiscovery> {
    let list = Arc::new(Mutex::new(Vec::new()));
    let (theirs, ctx) = (Arc::clone(&list), ctx.clone());
    let browser = browse(move |games| {
        *theirs.lock() = games;
        ctx.request_repaint();
    })?;
    Ok(Found {
        list,
        _browser: Arc::new(browser),
    })
}

/// What is joined.
#[derive(Clone)]
enum Wish {
    /// A game's room, and what the code in the link is for, if it says so.
    Room(Invitation, Option<TablePart>),
    /// What a code opens at an address.
    Code { address: String, code: String },
}

/// What a server was asked; filled by another thread.
type Asked = Arc<Mutex<Option<Result<Answer, AskError>>>>;

/// Whose rooms they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Kind {
    /// `tableglow serve`, or a game hosted in the app.
    #[default]
    Tableglow,
    TableSlayer,
    Worker,
    PlainYjs,
}

impl Kind {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Tableglow, "Tableglow"),
        (Self::TableSlayer, "Table Slayer"),
        (Self::Worker, "Tableglow worker on Cloudflare"),
        (Self::PlainYjs, "Plain Yjs server (y-websocket)"),
    ];

    const fn dialect(self) -> Dialect {
        match self {
            Self::Tableglow | Self::TableSlayer => Dialect::YPartyKit,
            Self::Worker => Dialect::YPartyServer,
            Self::PlainYjs => Dialect::YWebsocket,
        }
    }

    /// Its rooms give players less than the DM.
    const fn hides(self) -> bool {
        matches!(self, Self::Tableglow)
    }
}

/// What is typed.
#[derive(Clone, Default)]
pub struct JoinDialog {
    kind: Kind,
    place: String,
    code: String,
    may_initialise: bool,
    /// A question that is on its way, and what it was for.
    asked: Option<(Asked, Wish)>,
    /// Games that one code opens, of which one is to be chosen.
    choices: Vec<Invitation>,
    /// What the server said no with.
    refusal: Option<String>,
    /// The server whose room was joined.
    joining: Option<String>,
    had_focus: bool,
    found: Option<Found>,
    /// It was looked around, or cannot be.
    has_looked: bool,
}

impl std::fmt::Debug for JoinDialog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JoinDialog")
            .field("kind", &self.kind)
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
            let found = self.found.as_ref();
            let games = found.map_or_else(Vec::new, |found| found.list.lock().clone());
            self.found(ui, &games);
            self.where_to(ui);
            ui.add_space(8.0);
            who(ui, editor);
            ui.add_space(8.0);
            self.cannot_hide(ui);
            if let Some(server) = &self.joining
                && let Some(room) = room_of(published, server)
            {
                done = room.connection == Connection::Live && !room.waits_for_room;
                progress(ui, room);
            }
            let wish = self.wish();
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
                let enter = ui.input(|input| input.key_pressed(egui::Key::Enter))
                    && Editor::is_typing(ui.ctx());
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
            // Whose code it is only our own servers can say.
            Wish::Room(invitation, None) if !self.kind.hides() => {
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
            // A server that takes no questions may be one of ours behind another name.
            (Err(AskError::Foreign(_)), Some(Wish::Room(invitation, _))) => {
                self.enter(invitation, TablePart::Dm, commands)
            }
            (Err(error), _) => {
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
    fn enter(&mut self, invitation: Invitation, part: TablePart, commands: &mut Commands) -> bool {
        if part == TablePart::Dm {
            self.joining = Some(invitation.server.clone());
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

    fn found(&mut self, ui: &mut Ui, found: &[NetworkGame]) {
        if found.is_empty() {
            return;
        }
        ui.label(egui::RichText::new("On this network").family(semibold()));
        for game in found {
            let Some(address) = game.addresses.first() else {
                continue;
            };
            let server = format!("http://{address}");
            let picked = server_of(&self.place).is_some_and(|typed| typed == server);
            let label = format!("Game {} at {address}", game.title);
            let (rect, response) = list_row(ui, 36.0, &label, picked);
            let tokens = Tokens::of(ui.ctx());
            let version = if game.is_other_version {
                "  ·  another version of Tableglow"
            } else {
                ""
            };
            let words = format!("{}  ·  {address}{version}", game.title);
            let mut job = egui::text::LayoutJob::simple_singleline(
                words,
                egui::FontId::proportional(13.0),
                tokens.text,
            );
            job.wrap = egui::text::TextWrapping::truncate_at_width(rect.width() - 16.0);
            let galley = ui.painter().layout_job(job);
            let corner = egui::pos2(rect.left() + 8.0, rect.center().y - galley.size().y / 2.0);
            ui.painter().galley(corner, galley, tokens.text);
            if response.clicked() {
                self.kind = Kind::Tableglow;
                self.place = address.to_string();
                self.forget_answers();
            }
        }
        ui.add_space(8.0);
    }

    fn where_to(&mut self, ui: &mut Ui) {
        ui.weak("Link, or address");
        let field = ui.name_inputs("Link, or address", |ui| {
            ui.add(
                egui::TextEdit::singleline(&mut self.place)
                    .hint_text("http://192.168.1.5:1999/parties/…   or   192.168.1.5:1999")
                    .desired_width(f32::INFINITY)
                    .margin(egui::Margin::symmetric(8, 6)),
            )
        });
        if !self.had_focus {
            field.request_focus();
            self.had_focus = true;
        }
        if field.changed() {
            self.forget_answers();
        }
        if !has_code(&self.place) {
            ui.add_space(4.0);
            ui.weak(if self.kind == Kind::Tableglow {
                "Code"
            } else {
                "Code, if the room has one"
            });
            let code = ui.name_inputs("Code", |ui| {
                ui.add(
                    egui::TextEdit::singleline(&mut self.code)
                        .desired_width(f32::INFINITY)
                        .margin(egui::Margin::symmetric(8, 6)),
                )
            });
            if code.changed() {
                self.forget_answers();
            }
        }
        ui.add_space(4.0);
        row(ui, "Kind of room", Room::Wide, None, |ui| {
            choice(ui, "Kind of room", &mut self.kind, &Kind::ALL)
        });
    }

    /// What rooms of this kind cannot do.
    fn cannot_hide(&mut self, ui: &mut Ui) {
        if self.kind.hides() {
            return;
        }
        ui.horizontal_top(|ui| {
            icon_label(ui, icons::WARNING, Tokens::of(ui.ctx()).live);
            ui.add(
                egui::Label::new(
                    "A room of this kind cannot hide anything: whoever can open it can read all of the game, fog and secrets too. Give its link to DMs alone.",
                )
                .wrap(),
            );
        });
        row(
            ui,
            "Fill the room if it is empty",
            Room::SWITCH,
            None,
            |ui| switch(ui, &mut self.may_initialise, "Fill the room if it is empty"),
        );
    }

    /// What is typed; without a sentence while too little is typed to complain.
    fn wish(&self) -> Result<Wish, Option<String>> {
        let place = self.place.trim();
        if place.is_empty() {
            return Err(None);
        }
        let code = self.code.trim();
        let is_link = place.contains("/parties/")
            || place.contains("/party/")
            || self.kind == Kind::PlainYjs && place.contains("://");
        if is_link {
            let read = Invitation::from_link(self.kind.dialect(), place);
            let mut invitation = read.map_err(|error| Some(sentence(&error.to_string())))?;
            if invitation.token.is_none() && !code.is_empty() {
                invitation.token = Some(code.to_owned());
            }
            if self.kind == Kind::Tableglow && invitation.token.is_none() {
                return Err(None);
            }
            invitation.may_initialise = self.may_initialise && !self.kind.hides();
            return Ok(Wish::Room(invitation, part_of_link(place)));
        }
        if self.kind != Kind::Tableglow {
            return Err(Some(
                "The address alone does not say which room it is. Paste the room's whole link."
                    .into(),
            ));
        }
        if code.is_empty() {
            return Err(None);
        }
        Ok(Wish::Code {
            address: place.to_owned(),
            code: code.to_owned(),
        })
    }
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

fn has_code(place: &str) -> bool {
    place
        .split_once('?')
        .is_some_and(|(_, query)| query.split('&').any(|pair| pair.starts_with("token=")))
}

fn sentence(words: &str) -> String {
    let mut chars = words.chars();
    let first = chars.next().map(|first| first.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), chars.as_str())
}

fn who(ui: &mut Ui, editor: &mut Editor) {
    name_row(ui, editor);
    row(ui, "Your colour", Room::COLOR, None, |ui| {
        color_well(ui, editor)
    });
}

/// The user's name; one line, never an address.
pub(super) fn name_row(ui: &mut Ui, editor: &mut Editor) {
    let settings = &mut editor.settings;
    row(ui, "Your name", Room::Wide, None, |ui| {
        ui.add(
            egui::TextEdit::singleline(&mut settings.user_name)
                .hint_text(NO_NAME)
                .char_limit(MAX_NAME_CHARS * 2)
                .desired_width(ui.available_width())
                .margin(egui::Margin::symmetric(8, 6)),
        )
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

fn progress(ui: &mut Ui, room: &RoomView) {
    if let Connection::Refused(why) = &room.connection {
        problem(ui, why);
        return;
    }
    let words = match &room.connection {
        Connection::Live if room.waits_for_room => {
            "The room is reached; its game is on its way. It may be empty."
        }
        Connection::Syncing | Connection::Live => "The room's game is on its way.",
        Connection::Connecting { retry_in: Some(_) } => {
            "The server does not answer yet; it is tried again. Check the address, and that the host is running."
        }
        _ => "Connecting.",
    };
    waiting(ui, words);
}

fn waiting(ui: &mut Ui, words: &str) {
    ui.horizontal_top(|ui| {
        icon_label(ui, icons::CLOCK, Tokens::of(ui.ctx()).muted);
        ui.add(egui::Label::new(words).wrap());
    });
}

fn problem(ui: &mut Ui, why: &str) {
    let tokens = Tokens::of(ui.ctx());
    ui.horizontal_top(|ui| {
        icon_label(ui, icons::WARNING_CIRCLE, tokens.danger);
        ui.add(egui::Label::new(egui::RichText::new(why).color(tokens.danger)).wrap());
    });
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    fn typed(place: &str, code: &str, kind: Kind) -> Result<Wish, Option<String>> {
        JoinDialog {
            place: place.into(),
            code: code.into(),
            kind,
            ..JoinDialog::default()
        }
        .wish()
    }

    fn room(place: &str, kind: Kind) -> (Invitation, Option<TablePart>) {
        match typed(place, "", kind) {
            Ok(Wish::Room(invitation, part)) => (invitation, part),
            _ => panic!("{place}"),
        }
    }

    #[test]
    fn an_address_and_a_code_are_enough_for_a_host_and_no_less() {
        let read = typed("192.168.1.5:4000", " 7KQ2-M9XP-4T ", Kind::Tableglow);
        assert!(matches!(read, Ok(Wish::Code { code, .. }) if code == "7KQ2-M9XP-4T"));
        assert!(matches!(
            typed("192.168.1.5:4000", "", Kind::Tableglow),
            Err(None)
        ));
        assert!(matches!(typed("", "CODE", Kind::Tableglow), Err(None)));
        assert!(matches!(
            typed("play.example", "", Kind::TableSlayer),
            Err(Some(_))
        ));
    }

    #[test]
    fn a_link_has_it_all() {
        let link = "https://play.example/parties/game_session/g1?party=p1&token=T";
        let (read, part) = room(link, Kind::Tableglow);
        assert_eq!(
            (read.game.as_str(), read.token.as_deref()),
            ("g1", Some("T"))
        );
        assert_eq!(part, None);
        let (_, part) = room(&format!("{link}&part=display"), Kind::Tableglow);
        assert_eq!(part, Some(TablePart::Display));
        let (slayer, _) = room(
            "https://play.example/parties/game_session/g1",
            Kind::TableSlayer,
        );
        assert_eq!(slayer.token, None);
        assert!(!slayer.may_initialise);
        let (plain, _) = room("ws://localhost:1234/room", Kind::PlainYjs);
        assert_eq!(plain.dialect, Dialect::YWebsocket);
        let told = typed("https://h/parties/party/x", "", Kind::TableSlayer);
        assert!(told.err().unwrap().unwrap().ends_with('.'));
    }

    #[test]
    fn a_code_for_players_opens_a_display_and_one_for_dms_joins() {
        let (invitation, _) = room("http://h:1/parties/game_session/g?token=T", Kind::Tableglow);
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
    }

    #[test]
    fn what_is_typed_is_in_no_debug_output() {
        let dialog = JoinDialog {
            place: "http://h/parties/game_session/g?token=SECRET".into(),
            code: "SECRET".into(),
            ..JoinDialog::default()
        };
        let shown = format!("{:?}", crate::app::dialogs::Dialog::Join(Box::new(dialog)));
        assert!(!shown.contains("SECRET"), "{shown}");
    }
}
