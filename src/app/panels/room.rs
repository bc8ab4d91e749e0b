//! The room of the open game in one place: a word in the menu bar, and behind it the connection, who is
//! here, and what others see of this user.
//!
//! Must not know sockets or how a request is done. Called by [`super::menu`] and by the dialog of the
//! same content.

use std::sync::Arc;
use std::time::Duration;

use eframe::egui;
use egui::{Color32, Ui};

use crate::app::command::{Command, Commands};
use crate::app::editor::Editor;
use crate::app::icons;
use crate::app::presence::name_of;
use crate::app::shortcuts::Action;
use crate::app::theme::{Tokens, semibold};
use crate::app::widgets::buttons::{Accent, TextButton, switch};
use crate::app::widgets::fields::{Room, row};
use crate::app::widgets::frames::{icon_label, list_row, section};
use crate::model::color::Rgb;
use crate::model::presence::TablePart;
use crate::session::apart::ApartReport;
use crate::session::api::{Published, Request};
use crate::session::room::{Connection, DocumentView, People, Person, Place, RoomView};
use crate::util::date::local_minute;
use crate::util::text;

/// Work that is on its way for longer than this is told while the room is live.
const SLOW: Duration = Duration::from_secs(2);

/// What of the room takes time: attempts that are waited for, work that is not sent.
#[derive(Debug, Default)]
pub struct RoomClock {
    room: Option<Arc<RoomView>>,
    /// When the state was published, on the window's clock.
    since: f64,
    unsent_since: Option<f64>,
    now: f64,
}

impl RoomClock {
    /// Follows what is published; asks for a frame when words will change by themselves.
    pub fn follow(&mut self, ctx: &egui::Context, published: &Published) {
        self.now = ctx.input(|input| input.time);
        let same = match (&self.room, &published.room) {
            (Some(old), Some(new)) => old.connection == new.connection,
            (None, None) => true,
            _ => false,
        };
        if !same {
            self.since = self.now;
        }
        self.room.clone_from(&published.room);
        let unsent = published
            .room
            .as_ref()
            // Before the room's document was here nothing could be done.
            .filter(|room| !room.waits_for_room)
            .is_some_and(|room| room.documents.iter().any(|document| !document.has_sent_all));
        if !unsent {
            self.unsent_since = None;
        } else if self.unsent_since.is_none() {
            self.unsent_since = Some(self.now);
        }
        if let Some(left) = self.retry_left() {
            let to_next_second = left.as_secs_f64().fract().max(0.05);
            ctx.request_repaint_after_secs(to_next_second as f32);
        }
        let waits = self
            .unsent_since
            .map(|since| SLOW.as_secs_f64() - (self.now - since))
            .filter(|left| *left > 0.0);
        if let Some(left) = waits {
            ctx.request_repaint_after_secs((left + 0.01) as f32);
        }
    }

    /// How long it is until the next attempt.
    fn retry_left(&self) -> Option<Duration> {
        let Connection::Connecting {
            retry_in: Some(retry_in),
        } = self.room.as_ref()?.connection
        else {
            return None;
        };
        let passed = Duration::try_from_secs_f64(self.now - self.since).unwrap_or_default();
        retry_in.checked_sub(passed).filter(|left| !left.is_zero())
    }

    fn is_unsent(&self, live: bool) -> bool {
        self.unsent_since
            .is_some_and(|since| !live || self.now - since > SLOW.as_secs_f64())
    }
}

/// What the menu bar says of the room.
struct Glance {
    icon: &'static str,
    ink: Color32,
    words: String,
    /// Stands out.
    strong: bool,
}

fn glance(published: &Published, people: &People, clock: &RoomClock, tokens: &Tokens) -> Glance {
    let Some(room) = &published.room else {
        return Glance {
            icon: icons::USERS,
            ink: tokens.muted,
            words: "Not shared".into(),
            strong: false,
        };
    };
    let live = room.connection == Connection::Live;
    let hosted = matches!(room.place, Place::Hosted { .. });
    let (icon, ink, mut words) = match &room.connection {
        _ if room.waits_for_room && !matches!(room.connection, Connection::Refused(_)) => {
            (icons::CLOCK, tokens.live, "Waiting for the room".to_owned())
        }
        Connection::Live => {
            let word = if hosted { "Hosting" } else { "Live" };
            let words = format!("{word}  ·  {} here", here(published, people).count() + 1);
            (icons::USERS, tokens.good, words)
        }
        Connection::Disconnected => (icons::WIFI_SLASH, tokens.muted, "Disconnected".into()),
        Connection::Connecting { .. } => (icons::PLUGS, tokens.live, connecting_words(clock)),
        Connection::Syncing => (icons::ARROWS_CLOCKWISE, tokens.live, "Syncing".into()),
        Connection::Refused(_) => (icons::WARNING_CIRCLE, tokens.danger, "Refused".into()),
    };
    if clock.is_unsent(live) {
        words.push_str("  ·  unsent work");
    }
    Glance {
        icon,
        ink,
        words,
        strong: true,
    }
}

/// Who is in the room of the open game; others are in rooms of other games of the party.
fn here<'a>(published: &'a Published, people: &'a People) -> impl Iterator<Item = &'a Person> {
    let all = people.list.iter();
    all.filter(|person| Some(&person.game) == published.game.as_ref())
}

fn connecting_words(clock: &RoomClock) -> String {
    match clock.retry_left() {
        Some(left) => format!("Again in {} s", left.as_secs_f64().ceil()),
        None => "Connecting".to_owned(),
    }
}

/// The word in the menu bar; a click opens the rest.
pub fn button(
    ui: &mut Ui,
    published: &Published,
    people: &People,
    editor: &mut Editor,
    commands: &mut Commands,
) {
    let tokens = Tokens::of(ui.ctx());
    let glance = glance(published, people, &editor.room_clock, &tokens);
    let mut job = egui::text::LayoutJob::default();
    let format = |ink, family, size| egui::TextFormat {
        font_id: egui::FontId::new(size, family),
        color: ink,
        valign: egui::Align::Center,
        ..Default::default()
    };
    let icons_family = egui::FontFamily::Name("icons".into());
    job.append(glance.icon, 0.0, format(glance.ink, icons_family, 16.0));
    let family = if glance.strong {
        semibold()
    } else {
        egui::FontFamily::Proportional
    };
    job.append(&glance.words, 6.0, format(glance.ink, family, 13.0));
    job.wrap = egui::text::TextWrapping::truncate_at_width(260.0);
    let button = if glance.strong {
        egui::Button::new(job).fill(tokens.raised)
    } else {
        egui::Button::new(job).frame_when_inactive(false)
    };
    let response = ui.add(button);
    let label = format!("Room: {}", glance.words.replace("  ·  ", ", "));
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &label));
    let response = match &published.room {
        Some(room) => response.on_hover_ui(|ui| hover(ui, room)),
        None => response.on_hover_text("Host this game, or join another"),
    };
    egui::Popup::menu(&response)
        .close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside)
        .frame(egui::Frame::popup(ui.style()).inner_margin(egui::Margin::same(12)))
        // A menu's own would stretch lines to the width.
        .layout(egui::Layout::top_down(egui::Align::Min))
        .width(360.0)
        .show(|ui| {
            ui.set_width(360.0);
            if published.room.is_none() {
                alone(ui, published, commands);
            } else {
                let room = (ui.ctx().content_rect().height() - 120.0).max(200.0);
                egui::ScrollArea::vertical()
                    .max_height(room)
                    // It grows with what is in it, which a popup alone does not let it.
                    .min_scrolled_height(room)
                    .show(ui, |ui| {
                        if !panel(ui, published, people, editor, commands) {
                            ui.close();
                        }
                    });
            }
        });
}

fn alone(ui: &mut Ui, published: &Published, commands: &mut Commands) {
    ui.add(egui::Label::new("This game is on this machine alone.").wrap());
    ui.add_space(8.0);
    ui.horizontal(|ui| {
        ui.add_enabled_ui(published.game.is_some(), |ui| {
            if TextButton::new("Host this game")
                .icon(icons::SHARE_NETWORK)
                .show(ui)
                .clicked()
            {
                commands.act(Action::Host);
                ui.close();
            }
        });
        if TextButton::new("Join a game")
            .icon(icons::SIGN_IN)
            .show(ui)
            .clicked()
        {
            commands.act(Action::Join);
            ui.close();
        }
    });
}

fn hover(ui: &mut Ui, room: &RoomView) {
    ui.set_max_width(360.0);
    ui.add(egui::Label::new(sentence(room)).wrap());
    for document in &room.documents {
        ui.weak(format!(
            "{}: {}",
            document.name,
            document_words(document).to_lowercase()
        ));
    }
}

/// The state of the room in a sentence: what it means for the data, what to do.
fn sentence(room: &RoomView) -> String {
    match &room.connection {
        Connection::Refused(why) => text::sentence(why),
        _ if room.waits_for_room => {
            "Nothing can be changed until the room's document was here once.".into()
        }
        Connection::Live => match &room.place {
            Place::Hosted { addresses, .. } if addresses.is_empty() => "Opening the room.".into(),
            Place::Hosted { .. } => "Others can join this game.".into(),
            Place::Joined { .. } => "Everybody in the room sees what you do.".into(),
        },
        Connection::Disconnected => {
            "You are not connected. What you do is kept on this machine.".into()
        }
        Connection::Connecting { .. } => {
            "The room cannot be reached now. What you do is kept on this machine, and sent when it can.".into()
        }
        Connection::Syncing => "What is new is on its way, both ways.".into(),
    }
}

fn document_words(document: &DocumentView) -> String {
    let state = match &document.connection {
        Connection::Disconnected => "Disconnected",
        Connection::Connecting { .. } => "Connecting",
        Connection::Syncing => "Syncing",
        Connection::Live => "Live",
        Connection::Refused(_) => "Refused",
    };
    if document.has_sent_all {
        format!("{state}, all sent")
    } else {
        format!("{state}, unsent work")
    }
}

fn bytes(count: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
    let kilo = count as f64 / 1000.0;
    if kilo < 1000.0 {
        format!("{kilo:.1} kB")
    } else {
        format!("{:.1} MB", kilo / 1000.0)
    }
}

/// Everything about the room. `false` when it shall be closed.
pub fn panel(
    ui: &mut Ui,
    published: &Published,
    people: &People,
    editor: &mut Editor,
    commands: &mut Commands,
) -> bool {
    let Some(room) = &published.room else {
        ui.weak("This game is on this machine alone.");
        return true;
    };
    let tokens = Tokens::of(ui.ctx());
    let mut stay = true;
    let now = glance(published, people, &editor.room_clock, &tokens);
    ui.horizontal(|ui| {
        icon_label(ui, now.icon, now.ink);
        let words = egui::RichText::new(&now.words)
            .size(15.0)
            .family(semibold());
        ui.add(egui::Label::new(words.color(now.ink)).truncate());
    });
    if let Place::Joined { server, title } = &room.place {
        // A line each: a long title leaves the address in sight.
        for line in [title, server].into_iter().filter(|line| !line.is_empty()) {
            let line = egui::RichText::new(&**line).color(tokens.muted);
            ui.add(egui::Label::new(line).truncate());
        }
    }
    ui.add_space(4.0);
    ui.add(egui::Label::new(sentence(room)).wrap());
    ui.add_space(8.0);
    documents(ui, room);
    ui.add_space(4.0);
    stay &= actions(ui, room, commands);
    if let Some(report) = &room.apart {
        ui.add_space(4.0);
        // Who was told of it comes to read it.
        let is_open = report.is_told;
        section(ui, "apart", "While you were apart", is_open, |ui| {
            apart(ui, report, published, commands);
        });
        ui.add_space(4.0);
    } else {
        ui.add_space(8.0);
        ui.separator();
    }
    ui.label(egui::RichText::new("Here").family(semibold()));
    me(ui, published, editor);
    for person in here(published, people) {
        ui.push_id(person.client, |ui| {
            if person_row(ui, published, person, commands) {
                stay = false;
            }
        });
    }
    ui.add_space(4.0);
    ui.separator();
    let settings = &mut editor.settings;
    for (label, on) in [
        ("Show others my cursor", &mut settings.share_cursor),
        ("Show others what I look at", &mut settings.share_view),
        ("Cursors of others", &mut settings.show_cursors),
    ] {
        row(ui, label, Room::SWITCH, None, |ui| switch(ui, on, label));
    }
    stay
}

/// What changed on which side, and the way back of what was deleted.
fn apart(ui: &mut Ui, report: &ApartReport, published: &Published, commands: &mut Commands) {
    let met = local_minute(report.met_unix_ms);
    let times = match report.since_unix_ms {
        Some(since) => format!(
            "From {} to {met}. Nothing was overwritten.",
            local_minute(since)
        ),
        None => format!("They met at {met}. Nothing was overwritten."),
    };
    ui.weak(times);
    for scene in &report.scenes {
        ui.add_space(4.0);
        ui.add(egui::Label::new(scene.sentence()).wrap());
        let is_kept = published.removed.iter().any(|kept| kept.id == scene.id);
        if is_kept
            && TextButton::new("Bring it back")
                .icon(icons::ARROW_COUNTER_CLOCKWISE)
                .label(&format!("Bring back {}", scene.name))
                .accent(Accent::Edit)
                .flat()
                .show(ui)
                .clicked()
        {
            commands.request(Request::BringBack(scene.id.clone()));
        }
    }
}

fn documents(ui: &mut Ui, room: &RoomView) {
    egui::Grid::new("documents of the room")
        .num_columns(2)
        .min_col_width(110.0)
        .show(ui, |ui| {
            for document in &room.documents {
                ui.add(egui::Label::new(&*document.name).truncate());
                ui.weak(document_words(document)).on_hover_text(format!(
                    "{} out in {} frames, {} in in {} frames; connected {} times",
                    bytes(document.out.1),
                    document.out.0,
                    bytes(document.in_.1),
                    document.in_.0,
                    document.connections,
                ));
                ui.end_row();
                if let Connection::Refused(why) = &document.connection
                    && document.connection != room.connection
                {
                    ui.label("");
                    ui.add(egui::Label::new(text::sentence(why)).wrap());
                    ui.end_row();
                }
            }
        });
}

fn actions(ui: &mut Ui, room: &RoomView, commands: &mut Commands) -> bool {
    let mut stay = true;
    ui.horizontal_wrapped(|ui| {
        if !matches!(room.connection, Connection::Live | Connection::Syncing)
            && TextButton::new("Try again now")
                .icon(icons::ARROWS_CLOCKWISE)
                .show(ui)
                .clicked()
        {
            commands.request(Request::Reconnect);
        }
        let hosted = matches!(room.place, Place::Hosted { .. });
        if hosted
            && TextButton::new("Codes and links")
                .icon(icons::KEY)
                .show(ui)
                .clicked()
        {
            commands.act(Action::Host);
            stay = false;
        }
        let leave = if hosted {
            "Stop hosting"
        } else {
            "Leave the room"
        };
        let hint = if hosted {
            "Everybody else is disconnected. The game stays here."
        } else {
            "What is here stays here. You can join again."
        };
        let left = TextButton::new(leave)
            .icon(icons::SIGN_OUT)
            .flat()
            .accent(Accent::Danger);
        if left.show(ui).on_hover_text(hint).clicked() {
            commands.act(Action::LeaveRoom);
            stay = false;
        }
    });
    stay
}

fn part_words(part: TablePart) -> &'static str {
    match part {
        TablePart::Dm => "DM",
        TablePart::Player => "Player",
        TablePart::Display => "Table display",
    }
}

fn me(ui: &mut Ui, published: &Published, editor: &Editor) {
    let identity = editor.settings.identity();
    let looks_at = published
        .editing
        .as_ref()
        .filter(|_| identity.shares_view)
        .map(|scene| scene.setting(crate::model::scene::NAME).to_string());
    let (rect, response) = list_row(ui, 40.0, &format!("You, {}", identity.name), false);
    paint_person(
        ui,
        rect,
        identity.color,
        &identity.name,
        // Not behind the name, which may be cut.
        &format!("You  ·  {}", part_words(identity.part)),
        looks_at.as_deref(),
    );
    response.on_hover_text("Your name and colour are in the settings");
}

/// `true` when their view was gone to.
fn person_row(
    ui: &mut Ui,
    published: &Published,
    person: &Person,
    commands: &mut Commands,
) -> bool {
    let presence = &person.presence;
    let who = presence.who.as_ref();
    let name = name_of(person);
    let part = who.map_or("Web", |who| part_words(who.part));
    let scene = who.and_then(|who| who.scene.clone());
    let entry = scene
        .as_ref()
        .and_then(|scene| published.scenes.iter().find(|entry| entry.id == *scene));
    let can_go = entry.is_some();
    let label = match entry {
        Some(entry) => format!("Go to the view of {name}, {part}, in {}", entry.name),
        None => format!("{name}, {part}"),
    };
    let (rect, response) = list_row(ui, 40.0, &label, false);
    let color = who
        .map(|who| who.color)
        .or(presence.cursor.as_ref().map(|cursor| cursor.color))
        .unwrap_or(Rgb::WHITE);
    let looks_at = entry.map(|entry| entry.name.to_string());
    paint_person(ui, rect, color, &name, part, looks_at.as_deref());
    let hint = if can_go {
        format!("Go to what {name} looks at")
    } else {
        format!("{name} shares no view")
    };
    let response = response.on_hover_text(hint);
    if response.clicked()
        && let Some(entry) = entry
    {
        let view = who.and_then(|who| who.view);
        commands.push(Command::LookAt(entry.id.clone(), view));
        return true;
    }
    false
}

fn paint_person(
    ui: &Ui,
    rect: egui::Rect,
    color: Rgb,
    name: &str,
    part: &str,
    looks_at: Option<&str>,
) {
    let tokens = Tokens::of(ui.ctx());
    let painter = ui.painter_at(rect);
    let dot = egui::pos2(rect.left() + 14.0, rect.center().y);
    painter.circle(
        dot,
        7.0,
        Color32::from_rgb(color.r, color.g, color.b),
        egui::Stroke::new(1.0, tokens.line),
    );
    let line = |words: &str, font, ink, y| {
        let mut job = egui::text::LayoutJob::simple_singleline(words.to_owned(), font, ink);
        job.wrap = egui::text::TextWrapping::truncate_at_width(rect.width() - 40.0);
        let galley = painter.layout_job(job);
        painter.galley(egui::pos2(rect.left() + 30.0, y), galley, ink);
    };
    line(
        name,
        egui::FontId::new(13.0, semibold()),
        tokens.text,
        rect.top() + 4.0,
    );
    let below = match looks_at {
        Some(scene) => format!("{part}  ·  {scene}"),
        None => part.to_owned(),
    };
    line(
        &below,
        egui::FontId::proportional(12.0),
        tokens.muted,
        rect.top() + 21.0,
    );
}
