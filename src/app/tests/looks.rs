//! Pictures of the editor for eyes: written only when `TABLEGLOW_LOOKS` names a folder.

use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine as _;
use eframe::egui;
use egui_kittest::Harness;
use glam::DVec2;

use super::rooms::{hosted, in_room, joined, person};
use super::{App, Fake, parts, still, table_ready};
use crate::app::dialogs::Dialog;
use crate::app::dialogs::host::HostDialog;
use crate::app::theme::ThemeChoice;
use crate::geom::mask::Mask;
use crate::geom::rect::IRect;
use crate::model::color::Rgb;
use crate::model::id::{RowId, SceneId};
use crate::model::presence::{
    Cursor, Dragging, HoveredMarker, Measurement, Presence, TablePart, TemporaryLayer,
};
use crate::session::api::Published;
use crate::session::room::{Connection, People, Person};

fn picture(name: &str, size: egui::Vec2, published: Published, change: impl FnOnce(&mut App)) {
    picture_with(name, size, published, People::default(), change);
}

fn picture_with(
    name: &str,
    size: egui::Vec2,
    published: Published,
    people: People,
    change: impl FnOnce(&mut App),
) {
    let Some(folder) = std::env::var_os("TABLEGLOW_LOOKS").map(PathBuf::from) else {
        return;
    };
    let fake = Fake::publishing(published);
    fake.people.store(Arc::new(people));
    let given = parts(&fake, still());
    let mut harness = Harness::builder()
        .with_size(size)
        .with_max_steps(40)
        .wgpu()
        .build_eframe(move |cc| App::new(&cc.egui_ctx, given));
    change(harness.state_mut());
    harness.run_steps(3);
    let theme = harness.state().editor.settings.theme;
    crate::app::theme::apply(&harness.ctx, theme, false);
    harness.run_steps(2);
    let picture = harness.render().unwrap();
    picture.save(folder.join(format!("{name}.png"))).unwrap();
}

#[test]
fn pictures_of_the_editor() {
    if std::env::var_os("TABLEGLOW_LOOKS").is_none() {
        return;
    }
    let small = egui::vec2(1280.0, 720.0);
    picture("editor", small, table_ready(), |_| {});
    picture("empty", small, Published::default(), |_| {});
    picture("marker", small, table_ready(), |app| {
        app.editor.picked.insert(RowId::new("Mira"));
    });
    picture("light", egui::vec2(1920.0, 1080.0), table_ready(), |app| {
        app.editor.settings.theme = ThemeChoice::Light;
    });
    picture("room", small, table_ready(), |app| {
        app.editor.settings.theme = ThemeChoice::DarkRoom;
    });
    picture("library", small, table_ready(), |app| {
        app.editor.dialog = Some(Dialog::library());
    });
    picture("shortcuts", small, table_ready(), |app| {
        app.editor.dialog = Some(Dialog::Shortcuts);
    });
    rooms();
    picture("diagnostics", small, super::behaviour::traced(), |app| {
        app.editor.diagnostics_open = true;
    });
    picture("room-apart", small, super::rooms::apart(), |app| {
        app.editor.dialog = Some(Dialog::Room);
    });
    let open = |app: &mut App| app.editor.dialog = Some(Dialog::Removed(Default::default()));
    picture("removed", small, super::removed::with_removed(), open);
    picture("removed-none", small, table_ready(), open);
    picture("settings", small, table_ready(), |app| {
        app.editor.dialog = Some(Dialog::Settings);
    });
}

/// Everybody who can be here, with names that are long and colours that are hard to read.
fn crowd() -> People {
    let at = |x, y| DVec2::new(x, y);
    let cursor = |label: &str, color, position_world| Cursor {
        user: "u".into(),
        position_world,
        color,
        label: label.into(),
        moved_unix_ms: 1,
    };
    let in_crypt = |mut person: Person| {
        let mut presence = (*person.presence).clone();
        if let Some(who) = &mut presence.who {
            who.scene = Some(SceneId::new("Crypt"));
        }
        person.presence = Arc::new(presence);
        person
    };
    let mut mask = Mask::new(192, 108).unwrap();
    mask.fill_rect(IRect::new([20, 70], [60, 76]), true);
    let drawing = TemporaryLayer {
        id: "l".into(),
        made_unix_ms: 0,
        expires_unix_ms: 10_000,
        color: Rgb::new(0xff, 0x5f, 0x5f),
        mask_base64: base64::engine::general_purpose::STANDARD
            .encode(mask.encode_rle())
            .into(),
        creator: "u".into(),
    };
    let measuring = |shape, from: DVec2, to: DVec2| Measurement {
        shape,
        thickness_px: 6.0,
        ..Measurement::new("u", from, to, 0)
    };
    let mut list = vec![
        in_crypt(person(
            1,
            "Tamsin",
            Presence {
                cursor: Some(cursor("", Rgb::WHITE, at(-300.0, 200.0))),
                dragging: Some(Dragging {
                    marker: RowId::new("Goblin"),
                    scene: SceneId::new("Crypt"),
                    since_unix_ms: 0,
                    also: Vec::new(),
                }),
                ..Presence::default()
            },
        )),
        in_crypt(person(
            2,
            "Bartholomew of the Forty Whispering Keys",
            Presence {
                cursor: Some(cursor("", Rgb::WHITE, at(300.0, -200.0))),
                measurement: Some(measuring(3, at(100.0, 300.0), at(400.0, 350.0))),
                ..Presence::default()
            },
        )),
        person(3, "Elsewhere", Presence::default()),
    ];
    list.push(Person {
        presence: Arc::new(Presence {
            cursor: Some(cursor(
                "web",
                Rgb::new(0x20, 0x10, 0x60),
                at(-500.0, -300.0),
            )),
            measurement: Some(measuring(1, at(-600.0, 0.0), at(-300.0, 110.0))),
            temporary_layers: vec![drawing],
            hovered_marker: Some(HoveredMarker {
                id: RowId::new("Ogre"),
                position_world: at(-275.0, -165.0),
                title: "The ogre under the stairs".into(),
                content: "".into(),
                image_url: None,
            }),
            ..Presence::default()
        }),
        ..list[0].clone()
    });
    list[3].client = 4;
    People { list }
}

/// As many as sit at a large table, all with long names.
fn twelve() -> People {
    let list = (0..11).map(|n| {
        let name = format!("Bartholomew of the Forty Keys, the {n}th of it");
        let mut person = person(n, &name, Presence::default());
        let mut presence = (*person.presence).clone();
        if let Some(who) = &mut presence.who {
            who.part = [TablePart::Dm, TablePart::Player, TablePart::Display][(n % 3) as usize];
            who.color = crate::app::settings::PEOPLE_COLORS[n as usize % 8];
        }
        person.presence = Arc::new(presence);
        person
    });
    People {
        list: list.collect(),
    }
}

fn rooms() {
    let small = egui::vec2(1280.0, 720.0);
    let large = egui::vec2(1920.0, 1080.0);
    let open = |dialog: Dialog| move |app: &mut App| app.editor.dialog = Some(dialog);
    let host = || Dialog::Host(HostDialog::of(&still()));
    let live = || in_room(joined(Connection::Live));
    picture_with("room-live", small, live(), crowd(), |_| {});
    picture_with("room-dark", small, live(), crowd(), |app| {
        app.editor.settings.theme = ThemeChoice::DarkRoom;
    });
    picture_with("room-people", small, live(), crowd(), open(Dialog::Room));
    picture_with("room-people-light", large, live(), crowd(), |app| {
        app.editor.settings.theme = ThemeChoice::Light;
        app.editor.dialog = Some(Dialog::Room);
    });
    let narrow = egui::vec2(900.0, 560.0);
    picture_with("room-twelve", small, live(), twelve(), open(Dialog::Room));
    picture_with(
        "room-twelve-narrow",
        narrow,
        live(),
        twelve(),
        open(Dialog::Room),
    );
    picture("room-host-narrow", narrow, in_room(hosted()), open(host()));
    picture(
        "room-join-narrow",
        narrow,
        table_ready(),
        open(Dialog::join()),
    );
    picture("room-choose", small, table_ready(), open(host()));
    picture("room-host", small, in_room(hosted()), open(host()));
    picture("room-join", small, table_ready(), open(Dialog::join()));
    let why = "The code opens nothing at http://192.168.1.5:1999: it may be mistyped or replaced, ask the host for it.";
    let refused = in_room(joined(Connection::Refused(why.into())));
    picture("room-refused", small, refused, open(Dialog::Room));
    let mut waiting = joined(Connection::Connecting {
        retry_in: Some(std::time::Duration::from_secs(14)),
    });
    waiting.waits_for_room = true;
    picture("room-waits", small, in_room(waiting), |_| {});
    picture_with("room-narrow", narrow, live(), crowd(), |_| {});
    let player = crate::scene::player::PlayerScene::of(&super::snapshot("Crypt", &[]));
    let table = Published {
        player: crate::scene::player::PlayerFrame::Scene(Arc::new(player)),
        ..live()
    };
    picture_with("room-table", large, table, crowd(), |app| {
        app.editor.settings.player_display_open = true;
    });
}
