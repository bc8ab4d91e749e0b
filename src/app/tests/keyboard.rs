//! Rooms by the keyboard alone, and in windows that are small.

use eframe::egui;
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use super::rooms::{hosted, in_room, joined};
use super::{App, editor_of, table_ready};
use crate::app::dialogs::Dialog;
use crate::app::dialogs::host::HostDialog;
use crate::app::tools::ToolKind;
use crate::session::api::{Notice, Request, Severity};
use crate::session::room::{Connection, Scope};

fn press(harness: &mut Harness<'_, App>, key: egui::Key) {
    harness.key_press(key);
    harness.run_steps(3);
}

/// What has the focus, as a screen reader says it.
fn focused(harness: &Harness<'_, App>) -> String {
    let mut all = harness.query_all_by(|node| node.is_focused());
    let label = all.next().and_then(|node| node.accesskit_node().label());
    label.unwrap_or_default()
}

/// What Tab comes to, until it comes to the dialog's own button in its corner.
fn order(harness: &mut Harness<'_, App>) -> Vec<String> {
    let mut order = Vec::new();
    while order.len() < 32 && order.last().is_none_or(|last| last != "Close") {
        press(harness, egui::Key::Tab);
        order.push(focused(harness));
    }
    order
}

#[test]
fn tab_goes_through_codes_and_links_as_the_eye_does() {
    let (mut harness, _) = editor_of(in_room(hosted()));
    harness.run();
    let host = Dialog::Host(HostDialog::of(&super::still()));
    harness.state_mut().editor.dialog = Some(host);
    harness.run_steps(4);
    assert_eq!(
        order(&mut harness),
        [
            "Copy the link for a DM",
            "Copy the code for a DM",
            "Copy the link for a player",
            "Copy the code for a player",
            "Open a table display on this machine",
            "Copy the link for a table display",
            "Copy the code for a table display",
            "Copy the address 192.168.1.5:1999",
            "Stop hosting",
            "Close",
        ]
    );
}

#[test]
fn tab_goes_through_joining_from_its_first_field_on() {
    let (mut harness, _) = editor_of(table_ready());
    harness.run();
    harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::J);
    harness.run_steps(4);
    assert_eq!(focused(&harness), "Link, or address");
    let order = order(&mut harness);
    // Nothing can be joined yet.
    let rest = [
        "Kind of room",
        "Your name",
        "Your colour",
        "Cancel",
        "Close",
    ];
    assert_eq!(order[0], "Code");
    assert_eq!(order[1..], rest);
}

#[test]
fn a_game_is_hosted_by_the_keyboard_alone() {
    let (mut harness, fake) = editor_of(table_ready());
    harness.run();
    let shift = egui::Modifiers::COMMAND | egui::Modifiers::SHIFT;
    harness.key_press_modifiers(shift, egui::Key::H);
    harness.run_steps(4);
    press(&mut harness, egui::Key::Tab);
    assert_eq!(focused(&harness), "Who can reach it");
    press(&mut harness, egui::Key::Space);
    let network = "Everybody on the network with a code";
    for _ in 0..4 {
        if focused(&harness) != network {
            press(&mut harness, egui::Key::Tab);
        }
    }
    assert_eq!(focused(&harness), network);
    press(&mut harness, egui::Key::Enter);
    harness.run_steps(4);
    // The list is closed, and the focus is where it was.
    assert!(harness.query_by_label("Programs on this machine").is_none());
    assert_eq!(focused(&harness), "Who can reach it");
    press(&mut harness, egui::Key::Tab);
    press(&mut harness, egui::Key::Tab);
    assert_eq!(focused(&harness), "Host");
    press(&mut harness, egui::Key::Enter);
    let sent = fake.sent();
    let [Request::Host { scope, .. }] = sent.as_slice() else {
        panic!("{sent:?}");
    };
    assert_eq!(*scope, Scope::Network);
}

#[test]
fn in_a_narrow_window_the_tools_that_have_no_room_are_in_a_menu() {
    let (mut harness, _) = editor_of(in_room(joined(Connection::Live)));
    harness.set_size(egui::vec2(900.0, 560.0));
    let tools = [
        (egui::Key::V, ToolKind::Select),
        (egui::Key::D, ToolKind::Pen),
        (egui::Key::T, ToolKind::Measure),
    ];
    for (key, tool) in tools {
        harness.run_steps(4);
        press(&mut harness, key);
        assert_eq!(harness.state().editor.tool.kind(), tool);
        let end = harness.get_by_label("Fold the inspector").rect();
        let scenes = harness.get_by_label("Fold the scene list").rect();
        assert!(end.right() < harness.ctx.content_rect().right() - 240.0);
        for label in ["Select and move", "More tools"] {
            let button = harness.get_by_label(label).rect();
            assert!(button.left() > scenes.right() && button.right() < end.left());
        }
        if tool != ToolKind::Select {
            let options = harness.get_by_label("Options of the tool").rect();
            assert!(
                options.right() < end.left(),
                "{tool:?}: {options:?} {end:?}"
            );
        }
    }
    harness.get_by_label("More tools").click();
    harness.run_steps(4);
    harness.get_by_label_contains("Pen that fades").click();
    harness.run_steps(4);
    assert_eq!(harness.state().editor.tool.kind(), ToolKind::Pen);
    // With room for all of them there is no such menu.
    harness.set_size(egui::vec2(1100.0, 560.0));
    harness.run_steps(4);
    assert!(harness.query_by_label("More tools").is_none());
    harness.get_by_label("Snap to the grid");
}

#[test]
fn what_is_told_while_a_dialog_is_open_stands_beside_it() {
    let (mut harness, fake) = editor_of(table_ready());
    harness.run();
    harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::J);
    harness.run_steps(4);
    fake.publish(|published| {
        published.notices = vec![Notice {
            id: 1,
            severity: Severity::Error,
            text: "This code may not enter the room; your work is safe here, ask the host.".into(),
            details: Default::default(),
            offers_undo: false,
            brings_back: None,
        }]
        .into();
    });
    harness.run_steps(4);
    let dialog = harness.get_by_label("Close").rect().right();
    let told = harness.get_by_label_contains("This code may not").rect();
    assert!(told.left() > dialog, "{told:?} {dialog}");
    let dismiss = harness.get_by_label("Dismiss").rect();
    assert!(dismiss.right() < harness.ctx.content_rect().right());
}

#[test]
fn a_refusal_in_the_dialog_is_a_sentence() {
    let why = "the room did not accept the code; ask for a new one";
    let room = in_room(joined(Connection::Refused(why.into())));
    let (mut harness, _) = editor_of(room);
    harness.run();
    harness.state_mut().editor.dialog = Some(Dialog::Room);
    harness.run_steps(4);
    harness.get_by_label("The room did not accept the code; ask for a new one.");
}

#[test]
fn a_long_name_is_whole_where_there_is_room() {
    let name = "The Sunken Crypt and other troubles of the Lantern Company II";
    let mut published = table_ready();
    let mut library = (*published.library).clone();
    library.parties[0].games[0].name = name.into();
    published.library = library.into();
    let (mut harness, _) = editor_of(published);
    harness.set_size(egui::vec2(1600.0, 900.0));
    harness.run_steps(4);
    harness.get_by_label_contains(name);
    harness.set_size(egui::vec2(900.0, 560.0));
    harness.run_steps(4);
    let bar = harness.get_by_label_contains("The Sunken Crypt").rect();
    assert!(bar.left() > harness.get_by_label("Help").rect().right());
}
