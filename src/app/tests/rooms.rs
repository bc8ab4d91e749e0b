//! Rooms as a user meets them: hosting, joining, the state of the connection, who is here.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use eframe::egui;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use parking_lot::Mutex;

use super::{App, Fake, editor_of, editor_with, still, table_ready};
use crate::app::dialogs::join::Found;
use crate::app::settings::Settings;
use crate::model::color::Rgb;
use crate::model::id::{GameSessionId, SceneId};
use crate::model::presence::{Presence, SharedView, TablePart, Who};
use crate::session::apart::{ApartReport, ApartScene, Side};
use crate::session::api::{Published, Request};
use crate::session::discovery::network::NetworkGame;
use crate::session::room::{Connection, DocumentView, People, Person, Place, RoomView, Scope};

pub(super) fn joined(connection: Connection) -> RoomView {
    RoomView {
        place: Place::Joined {
            server: "http://192.168.1.5:1999".into(),
            title: "Mira's table".into(),
        },
        documents: vec![
            DocumentView {
                name: "Game".into(),
                connection: connection.clone(),
                has_sent_all: true,
                connections: 1,
                out: (12, 3400),
                in_: (40, 1_200_000),
            },
            DocumentView {
                name: "Table".into(),
                connection: Connection::Live,
                has_sent_all: true,
                connections: 1,
                out: (2, 300),
                in_: (4, 900),
            },
        ],
        connection,
        waits_for_room: false,
        apart: None,
        events: Arc::default(),
    }
}

pub(super) fn hosted() -> RoomView {
    RoomView {
        place: Place::Hosted {
            addresses: vec!["192.168.1.5:1999".parse().unwrap()],
            codes: vec![
                (TablePart::Dm, "7KQ2-M9XP-4T".into()),
                (TablePart::Player, "8KQ2-M9XP-4T".into()),
                (TablePart::Display, "9KQ2-M9XP-4T".into()),
            ],
            links: [TablePart::Dm, TablePart::Player, TablePart::Display]
                .map(|part| {
                    let link = "http://192.168.1.5:1999/parties/game_session/g?token=T";
                    (part, format!("{link}&part={}", part.word()).into())
                })
                .to_vec(),
            is_announced: true,
        },
        ..joined(Connection::Live)
    }
}

pub(super) fn person(client: u64, name: &str, presence: Presence) -> Person {
    Person {
        game: GameSessionId::new("game"),
        client,
        presence: Arc::new(Presence {
            who: Some(Who {
                name: name.into(),
                color: Rgb::new(0x4f, 0xc3, 0xf7),
                part: TablePart::Dm,
                scene: Some(SceneId::new("Cave")),
                view: Some(SharedView {
                    center_world: glam::DVec2::new(100.0, -50.0),
                    zoom: 0.5,
                }),
            }),
            ..presence
        }),
        cursor_moved: Duration::ZERO,
    }
}

pub(super) fn in_room(room: RoomView) -> Published {
    Published {
        room: Some(Arc::new(room)),
        ..table_ready()
    }
}

fn in_state(connection: Connection) -> (Harness<'static, App>, Arc<Fake>) {
    let (mut harness, fake) = editor_of(in_room(joined(connection)));
    harness.run();
    (harness, fake)
}

#[test]
fn one_word_says_how_the_room_is() {
    let refused = "The code opens nothing there. Ask for a new one.";
    for (connection, words) in [
        (Connection::Live, "Room: Live, 1 here"),
        (Connection::Syncing, "Room: Syncing"),
        (Connection::Disconnected, "Room: Disconnected"),
        (
            Connection::Connecting { retry_in: None },
            "Room: Connecting",
        ),
        (
            Connection::Connecting {
                retry_in: Some(Duration::from_secs(600)),
            },
            "Room: Again in 600 s",
        ),
        (Connection::Refused(refused.into()), "Room: Refused"),
    ] {
        let (mut harness, _) = in_state(connection.clone());
        harness.get_by_label(words).click();
        harness.run_steps(4);
        if matches!(connection, Connection::Refused(_)) {
            harness.get_by_label(refused);
        }
        let offers_retry = harness.query_by_label("Try again now").is_some();
        let working = matches!(connection, Connection::Live | Connection::Syncing);
        assert_eq!(offers_retry, !working, "{words}");
        harness.get_by_label("Leave the room");
    }
    let (mut harness, _) = editor_of(table_ready());
    harness.run();
    harness.get_by_label("Room: Not shared");
}

#[test]
fn a_refused_room_can_be_tried_again_or_left() {
    let (mut harness, fake) = in_state(Connection::Refused("No.".into()));
    harness.get_by_label("Room: Refused").click();
    harness.run_steps(3);
    harness.get_by_label("Try again now").click();
    harness.run_steps(2);
    assert!(matches!(fake.sent().as_slice(), [Request::Reconnect]));
    harness.get_by_label("Leave the room").click();
    harness.run_steps(2);
    assert!(matches!(fake.sent().as_slice(), [Request::LeaveRoom]));
}

#[test]
fn unsent_work_is_told_while_the_room_cannot_be_reached() {
    let mut room = joined(Connection::Connecting { retry_in: None });
    room.documents[0].has_sent_all = false;
    let (mut harness, fake) = editor_of(in_room(room));
    harness.run_steps(3);
    harness.get_by_label("Room: Connecting, unsent work");
    fake.publish(|published| published.room = Some(Arc::new(joined(Connection::Live))));
    harness.run_steps(3);
    harness.get_by_label("Room: Live, 1 here");
}

#[test]
fn a_room_that_was_never_here_says_that_nothing_can_be_changed() {
    let room = RoomView {
        waits_for_room: true,
        ..joined(Connection::Syncing)
    };
    let (mut harness, _) = editor_of(in_room(room));
    harness.run_steps(3);
    harness.get_by_label("Room: Waiting for the room").click();
    harness.run_steps(3);
    harness.get_by_label("Nothing can be changed until the room's document was here once.");
}

#[test]
fn hosting_on_the_network_says_what_it_means_and_asks_for_it() {
    let (mut harness, fake) = editor_of(table_ready());
    harness.run();
    harness.key_press_modifiers(
        egui::Modifiers::COMMAND | egui::Modifiers::SHIFT,
        egui::Key::H,
    );
    harness.run_steps(4);
    let warning = |harness: &Harness<'_, App>| {
        harness
            .query_by_label_contains("is not encrypted")
            .is_some()
    };
    assert!(!warning(&harness));
    harness
        .get_all_by_label("Who can reach it")
        .last()
        .unwrap()
        .click();
    harness.run_steps(3);
    harness
        .get_by_label("Everybody on the network with a code")
        .click();
    harness.run_steps(3);
    assert!(warning(&harness));
    harness.run_steps(8);
    harness.key_press(egui::Key::Enter);
    harness.run_steps(3);
    let sent = fake.sent();
    assert!(
        matches!(
            sent.as_slice(),
            [Request::Host {
                scope: Scope::Network,
                port: 0
            }]
        ),
        "{sent:?}"
    );
}

#[test]
fn a_host_reads_codes_links_and_addresses_out() {
    let (mut harness, fake) = editor_of(in_room(hosted()));
    harness.run();
    harness.get_by_label("Room: Hosting, 1 here").click();
    harness.run_steps(3);
    harness.get_by_label("Codes and links").click();
    harness.run_steps(4);
    harness.get_by_label("7KQ2-M9XP-4T");
    harness.get_by_label("192.168.1.5:1999");
    harness.get_by_label("Copy the code for a player").click();
    harness.run_steps(1);
    let copied = harness.output().platform_output.commands.iter().any(
        |command| matches!(command, egui::OutputCommand::CopyText(text) if text == "8KQ2-M9XP-4T"),
    );
    assert!(copied);
    harness.run_steps(2);
    harness.get_by_label("Stop hosting").scroll_to_me();
    harness.run_steps(8);
    harness.get_by_label("Stop hosting").click();
    harness.run_steps(2);
    let sent = fake.sent();
    assert!(matches!(sent.as_slice(), [Request::LeaveRoom]), "{sent:?}");
}

#[test]
fn a_link_is_joined_and_the_dialog_goes_when_the_room_is_live() {
    let (mut harness, fake) = editor_of(table_ready());
    harness.run();
    harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::J);
    harness.run_steps(4);
    let link = "http://192.168.1.5:1999/parties/game_session/g?party=p&token=SECRET&part=dm";
    harness
        .get_all_by_label("Link, or address")
        .last()
        .unwrap()
        .type_text(link);
    harness.run_steps(4);
    // Enter in the field joins, as a click on the button does.
    harness.key_press(egui::Key::Enter);
    harness.run_steps(3);
    let sent = fake.sent();
    let [Request::Join(invitation)] = sent.as_slice() else {
        panic!("{sent:?}");
    };
    assert_eq!(invitation.token.as_deref(), Some("SECRET"));
    assert!(!format!("{sent:?}").contains("SECRET"));
    assert!(
        !serde_json::to_string(&harness.state().editor.settings)
            .unwrap()
            .contains("SECRET")
    );
    let why = "The room is full; ask the host.";
    fake.publish(|published| {
        published.room = Some(Arc::new(joined(Connection::Refused(why.into()))));
    });
    harness.run_steps(3);
    harness.get_by_label(why);
    fake.publish(|published| published.room = Some(Arc::new(joined(Connection::Live))));
    harness.run_steps(3);
    assert!(harness.state().editor.dialog.is_none());
}

#[test]
fn a_game_that_is_found_on_the_network_does_not_take_the_focus_from_who_types() {
    static FOUND: LazyLock<Arc<Mutex<Vec<NetworkGame>>>> = LazyLock::new(Arc::default);
    let (mut harness, _) = editor_of(table_ready());
    harness.state_mut().editor.look_around = Some(|_| Ok(Found::of(Arc::clone(&FOUND))));
    harness.run();
    harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::J);
    harness.run_steps(4);
    let types = |harness: &mut Harness<'_, App>, text: &str| {
        harness.event(egui::Event::Text(text.to_owned()));
        harness.run_steps(2);
    };
    types(&mut harness, "table");
    FOUND.lock().push(NetworkGame {
        title: "Friday".to_owned(),
        addresses: vec!["192.168.1.5:1999".parse().unwrap()],
        is_other_version: false,
    });
    harness.run_steps(4);
    harness.get_by_label_contains("Game Friday");
    types(&mut harness, "slayer");
    assert!(harness.get_all_by_value("tableslayer").next().is_some());
}

pub(super) fn choose_table_slayer(harness: &mut Harness<'_, App>) {
    harness
        .get_all_by_label("Kind of room")
        .last()
        .unwrap()
        .click();
    harness.run_steps(3);
    harness.get_by_label("Table Slayer").click();
    harness.run_steps(4);
}

#[test]
fn rooms_that_hide_nothing_say_so_before_they_are_joined() {
    let (mut harness, _) = editor_of(table_ready());
    harness.run();
    harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::J);
    harness.run_steps(4);
    assert!(
        harness
            .query_by_label_contains("cannot hide anything")
            .is_none()
    );
    choose_table_slayer(&mut harness);
    harness.get_by_label_contains("cannot hide anything");
}

#[test]
fn a_click_on_somebody_goes_to_what_they_look_at() {
    let (mut harness, fake) = editor_of(in_room(joined(Connection::Live)));
    // Who is in the room of another game of the party is not in this one.
    let mut elsewhere = person(8, "Oskar", Presence::default());
    elsewhere.game = GameSessionId::new("another");
    fake.people.store(Arc::new(People {
        list: vec![elsewhere, person(7, "Tamsin", Presence::default())],
    }));
    harness.run();
    harness.get_by_label("Room: Live, 2 here").click();
    harness.run_steps(4);
    assert!(harness.query_by_label_contains("Oskar").is_none());
    harness
        .get_by_label("Go to the view of Tamsin, DM, in Cave")
        .click();
    harness.run_steps(3);
    let sent = fake.sent();
    assert!(
        matches!(sent.as_slice(), [Request::EditScene(scene)] if scene.as_str() == "Cave"),
        "{sent:?}"
    );
    let camera = harness.state().editor.cameras[&SceneId::new("Cave")];
    assert!((camera.zoom - 0.5).abs() < 1e-9);
    assert_eq!(camera.offset, glam::DVec2::new(-50.0, 25.0));
}

#[test]
fn the_session_hears_who_the_user_is_at_the_start_and_when_that_changes() {
    let (mut harness, fake) = editor_of(table_ready());
    harness.run();
    let first = fake.introduced.lock().last().cloned().unwrap();
    assert_eq!(first.name, crate::app::settings::NO_NAME);
    harness.state_mut().editor.settings.user_name = "mira@example.org".into();
    harness.run_steps(3);
    let names: Vec<String> = fake
        .introduced
        .lock()
        .iter()
        .map(|who| who.name.clone())
        .collect();
    assert_eq!(names, [crate::app::settings::NO_NAME, "mira"]);
}

/// Where others see this user's pointer.
fn cursors_shown(fake: &Fake) -> Vec<Option<glam::DVec2>> {
    let shown = std::mem::take(&mut *fake.shown.lock());
    shown
        .into_iter()
        .map(|presence| presence.cursor.map(|cursor| cursor.position_world))
        .collect()
}

#[test]
fn others_see_where_i_point_until_i_leave_the_canvas_the_scene_or_the_window() {
    let (mut harness, fake) = editor_of(in_room(joined(Connection::Live)));
    harness.run();
    let middle = harness.state().canvas_rect().center();
    let point = |harness: &mut Harness<'_, App>| {
        harness.hover_at(middle);
        harness.run_steps(3);
        let shown = cursors_shown(&fake);
        assert!(
            shown.last().unwrap().is_some_and(|at| at.length() < 2.0),
            "{shown:?}"
        );
    };
    point(&mut harness);
    harness.hover_at(egui::pos2(4.0, 4.0));
    harness.run_steps(3);
    assert_eq!(cursors_shown(&fake), [None]);
    point(&mut harness);
    harness.input_mut().focused = false;
    harness.run_steps(2);
    assert_eq!(cursors_shown(&fake), [None]);
    harness.input_mut().focused = true;
    point(&mut harness);
    harness.state_mut().editor.settings.share_cursor = false;
    harness.run_steps(2);
    assert_eq!(cursors_shown(&fake), [None]);
}

#[test]
fn a_web_client_sees_my_cursor_only_over_the_scene_on_the_table() {
    let mut published = in_room(joined(Connection::Live));
    published.active_scene = Some(SceneId::new("Cave"));
    let (mut harness, fake) = editor_of(published);
    let mut web = person(3, "", Presence::default());
    web.presence = Arc::default();
    fake.people.store(Arc::new(People { list: vec![web] }));
    harness.run();
    harness.hover_at(harness.state().canvas_rect().center());
    harness.run_steps(3);
    assert!(cursors_shown(&fake).iter().all(Option::is_none));
    fake.publish(|published| published.active_scene = Some(SceneId::new("Crypt")));
    harness.run_steps(3);
    assert!(cursors_shown(&fake).last().unwrap().is_some());
}

#[test]
fn pointing_at_a_marker_that_shows_then_tells_the_players_after_a_moment() {
    let mut scene = super::snapshot("Crypt", &[("Trap", 0.0, 0.0)]);
    let mut markers = scene.markers.value.to_vec();
    markers[0].row = markers[0].row.clone().with(
        crate::model::marker::VISIBILITY.property(),
        crate::model::marker::VISIBLE_ON_HOVER.into(),
    );
    scene.markers = crate::util::revision::Part::new(markers.into());
    let (mut harness, fake) = editor_of(Published {
        editing: Some(Arc::new(scene)),
        ..in_room(joined(Connection::Live))
    });
    harness.run();
    let pointed = |fake: &Fake| {
        let shown = fake.shown.lock();
        let last = shown.last()?.hovered_marker.clone()?;
        Some(last.title.to_string())
    };
    harness.hover_at(harness.state().canvas_rect().center());
    harness.step();
    assert_eq!(pointed(&fake), None);
    harness.run_steps(4);
    assert_eq!(pointed(&fake).as_deref(), Some("Trap"));
    harness.hover_at(egui::pos2(4.0, 4.0));
    harness.run_steps(4);
    assert_eq!(pointed(&fake), None);
}

#[test]
fn nothing_is_drawn_while_the_cursors_of_others_rest() {
    let settings = Settings {
        transitions: true,
        ..still()
    };
    let (mut harness, fake) = editor_with(in_room(joined(Connection::Live)), settings);
    let mut there = person(7, "Tamsin", Presence::default());
    let mut presence = (*there.presence).clone();
    presence.cursor = Some(crate::model::presence::Cursor {
        user: "u".into(),
        position_world: glam::DVec2::ZERO,
        color: Rgb::WHITE,
        label: "".into(),
        moved_unix_ms: 1,
    });
    presence.who.as_mut().unwrap().scene = Some(SceneId::new("Crypt"));
    there.presence = Arc::new(presence);
    fake.people.store(Arc::new(People { list: vec![there] }));
    harness.run();
    let delay = |harness: &Harness<'_, App>| {
        harness.output().viewport_output[&egui::ViewportId::ROOT].repaint_delay
    };
    assert!(
        delay(&harness) > Duration::from_secs(1),
        "{:?}",
        delay(&harness)
    );
    // Until it fades, five seconds after it came: a step is a quarter of a second.
    let fades = (0..30).any(|_| {
        harness.step();
        delay(&harness) < Duration::from_millis(100)
    });
    assert!(fades);
    harness.run_steps(8);
    assert!(
        delay(&harness) > Duration::from_secs(1),
        "{:?}",
        delay(&harness)
    );
}

/// Both sides changed while they were apart.
pub(super) fn apart() -> Published {
    let scene = |id: &str, here, there| ApartScene {
        id: SceneId::new(id),
        name: id.into(),
        here,
        there,
        changed_here_unix_ms: (here == Side::Changed).then_some(1_780_000_000_000),
    };
    let report = ApartReport {
        since_unix_ms: Some(1_779_900_000_000),
        met_unix_ms: 1_780_050_000_000,
        scenes: vec![
            scene("Crypt", Side::Changed, Side::Changed),
            scene("Cave", Side::Same, Side::Changed),
            scene("a", Side::Changed, Side::Deleted),
        ],
        is_told: true,
    };
    let room = RoomView {
        apart: Some(Arc::new(report)),
        ..joined(Connection::Live)
    };
    Published {
        removed: super::removed::with_removed().removed,
        ..in_room(room)
    }
}

#[test]
fn what_changed_while_apart_can_be_read_again_and_a_deleted_scene_brought_back() {
    let (mut harness, fake) = editor_of(apart());
    harness.run();
    harness.get_by_label("Room: Live, 1 here").click();
    harness.run_steps(4);
    harness.get_by_label_contains("Nothing was overwritten.");
    harness.get_by_label("\u{201c}Cave\u{201d} changed there.");
    harness.get_by_label_contains("and there; it holds both now.");
    assert!(harness.query_by_label("Bring back Cave").is_none());
    harness.get_by_label("Bring back a").click();
    harness.run_steps(3);
    harness.get_by_label("While you were apart").click();
    harness.run_steps(3);
    assert!(harness.query_by_label_contains("changed there").is_none());
    let sent = fake.sent();
    assert!(
        matches!(sent.as_slice(), [Request::BringBack(scene)] if scene.as_str() == "a"),
        "{sent:?}"
    );
}
