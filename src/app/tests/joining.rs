//! The dialogs for joining and hosting: where a room's pictures are, and how what is long is shown.

use eframe::egui;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;

use super::rooms::{choose_table_slayer, hosted, in_room};
use super::{App, Fake, editor_of, table_ready};
use crate::app::dialogs::Dialog;
use crate::app::dialogs::host::HostDialog;
use crate::session::api::Request;
use crate::session::room::Place;

/// Joining, with a link typed.
fn joining(link: &str) -> (Harness<'static, App>, std::sync::Arc<Fake>) {
    let (mut harness, fake) = editor_of(table_ready());
    harness.run();
    harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::J);
    harness.run_steps(4);
    type_into(&mut harness, "Link, or address", link);
    (harness, fake)
}

fn type_into(harness: &mut Harness<'_, App>, field: &str, text: &str) {
    let field = harness.get_all_by_label_contains(field).last().unwrap();
    field.focus();
    harness.run_steps(2);
    // In place of what is there.
    harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::A);
    harness.run_steps(2);
    harness.event(egui::Event::Text(text.to_owned()));
    harness.run_steps(4);
}

fn press_join(harness: &mut Harness<'_, App>) {
    harness.get_by_label("Join").scroll_to_me();
    harness.run_steps(6);
    harness.get_by_label("Join").click();
    harness.run_steps(3);
}

/// Where the pictures are of the one room that was joined.
fn pictures_joined(fake: &Fake) -> String {
    let sent = fake.sent();
    let [Request::Join(invitation)] = sent.as_slice() else {
        panic!("{sent:?}");
    };
    invitation.pictures.as_ref().unwrap().as_str().to_owned()
}

#[test]
fn table_slayer_s_own_rooms_need_no_word_on_where_their_pictures_are() {
    let link = "https://partykit.tableslayer.com/parties/game_session/g?party=p";
    let (mut harness, fake) = joining(link);
    harness.get_by_label_contains("cannot hide anything");
    harness.get_by_label_contains("Pictures that you add stay on this machine");
    harness
        .get_all_by_label_contains("Its pictures")
        .last()
        .unwrap();
    press_join(&mut harness);
    assert_eq!(pictures_joined(&fake), "https://files.tableslayer.com");
}

#[test]
fn other_rooms_of_its_kind_are_told_where_their_pictures_are() {
    let (mut harness, fake) = joining("http://192.168.1.5:1999/parties/game_session/g?party=p");
    assert!(harness.query_by_label_contains("Its pictures").is_none());
    choose_table_slayer(&mut harness);
    type_into(&mut harness, "Its pictures", "http://files.example.com");
    harness.get_by_label_contains("Pictures from the internet come encrypted");
    press_join(&mut harness);
    assert!(fake.sent().is_empty());
    type_into(&mut harness, "Its pictures", "https://files.example.com/b");
    press_join(&mut harness);
    assert_eq!(pictures_joined(&fake), "https://files.example.com/b");
}

#[test]
fn an_open_server_s_empty_room_is_joined_without_a_code_and_filled_when_asked() {
    for fills in [false, true] {
        let (mut harness, fake) = joining("http://127.0.0.1:1999/parties/game_session/g?party=p");
        let label = "Fill the room if it is empty";
        if fills {
            harness.get_all_by_label(label).last().unwrap().click();
            harness.run_steps(4);
        }
        press_join(&mut harness);
        let sent = fake.sent();
        let [Request::Join(invitation)] = sent.as_slice() else {
            panic!("{sent:?}");
        };
        assert_eq!(invitation.token, None);
        assert_eq!(invitation.may_initialise, fills);
    }
    // What a host's code opens is never empty.
    let (harness, _) = joining("192.168.1.5:4000");
    assert!(
        harness
            .query_by_label("Fill the room if it is empty")
            .is_none()
    );
}

#[test]
fn long_links_and_addresses_stay_within_the_dialog() {
    let long = "x".repeat(400);
    let link = format!(
        "https://partykit.tableslayer.com/parties/game_session/{long}?pictures=https://h/{long}"
    );
    let (mut harness, _) = joining(&link);
    type_into(
        &mut harness,
        "Its pictures",
        &format!("https://files.example.com/{long}"),
    );
    let dialog = harness.get_by_label("Close").rect().right();
    let middle = harness.ctx.content_rect().center().x;
    assert!((dialog - middle) < 260.0, "it is as wide as ever");
    for field in ["Link, or address", "Its pictures"] {
        let field = harness.get_all_by_label_contains(field).last().unwrap();
        assert!(field.rect().right() <= dialog + 0.5, "{:?}", field.rect());
    }
}

#[test]
fn what_is_copied_has_its_button_at_the_right_edge() {
    let mut room = hosted();
    if let Place::Hosted {
        addresses, codes, ..
    } = &mut room.place
    {
        addresses.push(
            "[fd00:1234:5678:9abc:def0:1234:5678:9abc]:41999"
                .parse()
                .unwrap(),
        );
        codes[0].1 = "W".repeat(80).into();
    }
    let (mut harness, _) = editor_of(in_room(room));
    harness.run();
    let host = Dialog::Host(HostDialog::of(&super::still()));
    harness.state_mut().editor.dialog = Some(host);
    harness.run_steps(4);
    let right = |label: &str| harness.get_by_label(label).rect().right();
    let first = right("Copy the code for a DM");
    for other in [
        "Copy the code for a player",
        "Copy the code for a table display",
        "Copy the address 192.168.1.5:1999",
        "Copy the address [fd00:1234:5678:9abc:def0:1234:5678:9abc]:41999",
    ] {
        assert!((right(other) - first).abs() < 0.5, "{other}");
    }
    let edge = right("Close");
    assert!(
        first < edge + 0.5 && first > edge - 30.0,
        "{first} of {edge}"
    );
}
