//! What goes out and comes in: edits and transactions, the room's connections, what an hour of it
//! costs, and a trace of updates when it is wanted.
//!
//! Shows [`crate::session::diagnostics::Diagnostics`] as it was published; it never asks for a frame
//! of its own.

use eframe::egui;
use egui::{RichText, Ui};

use crate::app::command::Commands;
use crate::app::icons;
use crate::app::shortcuts::Action;
use crate::app::theme::{Tokens, semibold};
use crate::app::widgets::buttons::{Accent, IconButton, switch};
use crate::app::widgets::frames::pane_heading;
use crate::broadcast::cost::HourlyUse;
use crate::session::api::{Published, Request};
use crate::session::diagnostics::{Diagnostics, TraceLine};
use crate::session::room::{Connection, DocumentView};
use crate::util::date::local_millis;

/// Width of a block of numbers, points.
const BLOCK: f32 = 216.0;

/// Shows the panel.
pub fn show(ui: &mut Ui, published: &Published, commands: &mut Commands) {
    let diagnostics = &published.diagnostics;
    pane_heading(ui, "Diagnostics", |ui| {
        if IconButton::new(icons::X, "Close the diagnostics")
            .accent(Accent::Muted)
            .show(ui)
            .clicked()
        {
            commands.act(Action::Diagnostics);
        }
    });
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 20.0;
        block(ui, "edits", |ui| edits(ui, diagnostics));
        block(ui, "hour", |ui| hour(ui, diagnostics));
        block(ui, "connections", |ui| connections(ui, published));
        ui.vertical(|ui| trace(ui, diagnostics, commands));
    });
}

fn block(ui: &mut Ui, id: &str, content: impl FnOnce(&mut Ui)) {
    ui.vertical(|ui| {
        ui.set_width(BLOCK);
        egui::ScrollArea::vertical()
            .id_salt(id)
            .auto_shrink([false, false])
            .show(ui, content);
    });
}

fn title(ui: &mut Ui, words: &str) {
    ui.label(RichText::new(words).family(semibold()));
}

/// A name and its number, the numbers under one another.
fn numbers(ui: &mut Ui, id: &str, lines: &[(&str, String)]) {
    let muted = Tokens::of(ui.ctx()).muted;
    egui::Grid::new(id).num_columns(2).show(ui, |ui| {
        for (name, number) in lines {
            ui.label(RichText::new(*name).color(muted));
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                ui.label(number);
            });
            ui.end_row();
        }
    });
}

fn note(ui: &mut Ui, words: &str) {
    let muted = Tokens::of(ui.ctx()).muted;
    ui.add(egui::Label::new(RichText::new(words).size(12.0).color(muted)).wrap());
}

fn edits(ui: &mut Ui, diagnostics: &Diagnostics) {
    let counters = diagnostics.counters;
    let saved = counters
        .saved_share()
        .map_or_else(|| "–".to_owned(), |share| format!("{:.0} %", share * 100.0));
    title(ui, "Edits");
    numbers(
        ui,
        "edit numbers",
        &[
            ("Edits", grouped(counters.edits_in)),
            ("Transactions", grouped(counters.transactions_out)),
            ("Saved by batching", saved),
            ("Keys written", grouped(counters.keys_written)),
            ("Bytes out", grouped(counters.bytes_out)),
        ],
    );
}

fn hour(ui: &mut Ui, diagnostics: &Diagnostics) {
    let (batched, each) = (diagnostics.hourly, diagnostics.hourly_unbatched);
    title(ui, "In an hour");
    numbers(
        ui,
        "hour numbers",
        &[
            ("Messages", rounded(batched.messages)),
            ("Requests", rounded(batched.requests())),
            ("Without batching", rounded(each.requests())),
            ("Cost", dollars(batched.usd())),
            ("For requests alone", dollars(batched.requests_usd())),
        ],
    );
    let of = if diagnostics.in_room {
        ""
    } else {
        "As it would be in a room. "
    };
    note(ui, &format!("{of}{}", formula(batched)));
}

fn formula(of: HourlyUse) -> String {
    format!(
        "On Cloudflare Durable Objects: 20 messages are a request, $0.15 per million requests, \
         $12.50 per million GB-s for {:.0} rooms, $1 per million rows.",
        of.rooms
    )
}

fn connections(ui: &mut Ui, published: &Published) {
    title(ui, "Connections");
    let documents = published
        .room
        .as_ref()
        .map(|room| room.documents.as_slice())
        .unwrap_or_default();
    if documents.is_empty() {
        note(ui, "This game is in no room.");
    }
    for (n, document) in documents.iter().enumerate() {
        ui.push_id(n, |ui| connection(ui, document));
    }
}

fn connection(ui: &mut Ui, document: &DocumentView) {
    let tokens = Tokens::of(ui.ctx());
    let (ink, words) = match &document.connection {
        Connection::Disconnected => (tokens.muted, "Disconnected"),
        Connection::Connecting { .. } => (tokens.live, "Connecting"),
        Connection::Syncing => (tokens.live, "Syncing"),
        Connection::Live => (tokens.good, "Live"),
        Connection::Refused(_) => (tokens.danger, "Refused"),
    };
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        ui.label(&*document.name);
        ui.label(RichText::new(words).color(ink));
    });
    let way = |(frames, bytes): (u64, u64)| format!("{} · {} B", grouped(frames), grouped(bytes));
    numbers(
        ui,
        "connection numbers",
        &[
            ("Frames out", way(document.out)),
            ("Frames in", way(document.in_)),
            ("Connections", grouped(document.connections)),
        ],
    );
    ui.add_space(4.0);
}

fn trace(ui: &mut Ui, diagnostics: &Diagnostics, commands: &mut Commands) {
    ui.horizontal(|ui| {
        title(ui, "Trace");
        let mut on = diagnostics.trace.is_some();
        if switch(ui, &mut on, "Live trace").changed() {
            commands.request(Request::Trace(on));
        }
    });
    match diagnostics.trace.as_deref() {
        None => note(
            ui,
            "Switched on, each update and each change of a connection is a line here.",
        ),
        Some([]) => note(ui, "Nothing has happened yet."),
        Some(lines) => trace_lines(ui, lines),
    }
}

fn trace_lines(ui: &mut Ui, lines: &[TraceLine]) {
    let muted = Tokens::of(ui.ctx()).muted;
    let height = ui.text_style_height(&egui::TextStyle::Body);
    egui::ScrollArea::vertical()
        .id_salt("trace")
        .auto_shrink([false, false])
        .stick_to_bottom(true)
        .show_rows(ui, height, lines.len(), |ui, rows| {
            for line in lines.get(rows).unwrap_or_default() {
                ui.horizontal(|ui| {
                    ui.label(RichText::new(local_millis(line.at_unix_ms)).color(muted));
                    ui.add(egui::Label::new(&*line.text).truncate());
                });
            }
        });
}

/// 1,234,567
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "rates, never negative and far below 2^53"
)]
fn rounded(number: f64) -> String {
    grouped(number.round() as u64)
}

/// Cents where there are any, else what there is.
fn dollars(amount: f64) -> String {
    if amount >= 0.1 {
        format!("${amount:.2}")
    } else {
        format!("${amount:.5}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_money_is_never_lost() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(rounded(7_099.6), "7,100");
        assert_eq!(dollars(0.002_34), "$0.00234");
        assert_eq!(dollars(1.5), "$1.50");
    }
}
