//! How a room is come into, and left.

use glam::DVec2;
use tableglow::model::id::{GameSessionId, PartyId};
use tableglow::model::presence::TablePart;
use tableglow::session::api::{Published, Request};
use tableglow::session::discovery::ask;
use tableglow::session::room::{Invitation, Place, Scope};

use super::support::{Person, Rooms, two_in_a_room};

#[test]
fn an_empty_room_is_not_filled_by_who_only_looks() {
    let rooms = Rooms::start();
    let tom = Person::new("Tom");
    let (game, party) = (GameSessionId::new("nobody"), PartyId::new("nobody-party"));
    tom.send(Request::Join(rooms.invitation(&game, &party)));
    tom.wait("the word about an empty room", |published| {
        let told = |text: &str| text.contains("Nobody has put a game into this room");
        let room = published.room.as_ref()?;
        (room.waits_for_room && published.notices.iter().any(|n| told(&n.text))).then_some(())
    });
    // What is done all the same is refused with a sentence, and nothing of it reaches the room.
    tom.send(Request::CreateScene {
        name: "Too early".into(),
    });
    tom.wait_for_word("has not sent its game yet");
    let mira = Person::new("Mira");
    mira.send(Request::Join(Invitation {
        may_initialise: true,
        ..rooms.invitation(&game, &party)
    }));
    mira.wait_live();
    mira.create_scene("First");
    tom.scene_named("First");
    tom.wait_live();
    assert_eq!(tom.session.published().scenes.len(), 1);
}

#[test]
fn leaving_a_room_keeps_the_game() {
    let rooms = Rooms::start();
    let (mira, tom, scene) = two_in_a_room(&rooms);
    let (game, _) = mira.ids();
    mira.wait_for_person("Tom", (&game, "Tom"), |_| true);
    tom.leave_room();
    // What he does from now on has no way to her.
    mira.wait_alone();
    tom.add_marker(&scene, "alone", DVec2::ZERO);
    tom.wait_for_marker(&scene, "alone");
    mira.add_marker(&scene, "there", DVec2::ZERO);
    mira.wait_for_marker(&scene, "there");
    let has_alone = |person: &Person| {
        let published = person.session.published();
        let shown = published.editing.as_ref().unwrap();
        shown.markers.iter().any(|it| it.id.as_str() == "alone")
    };
    assert!(has_alone(&tom), "what he made is gone");
    assert!(!has_alone(&mira), "she has what he made outside the room");
    // Back again, both have both.
    let (game, party) = mira.ids();
    tom.send(Request::Join(rooms.invitation(&game, &party)));
    tom.wait_for_marker(&scene, "there");
    mira.wait_for_marker(&scene, "alone");
}

#[test]
fn a_code_and_an_address_are_enough_to_join_a_hosted_game() {
    let mira = Person::new("Mira");
    let scene = mira.create_scene("Crypt");
    mira.send(Request::Host {
        scope: Scope::ThisMachine,
        port: 0,
    });
    let hosted = |published: &Published| match &published.room.as_ref()?.place {
        Place::Hosted {
            addresses, codes, ..
        } if !codes.is_empty() => Some((addresses.first().copied()?, codes.clone())),
        _ => None,
    };
    let (address, codes) = mira.wait("codes", hosted);
    assert!(address.ip().is_loopback());
    mira.wait_live();
    let (_, code) = codes
        .iter()
        .find(|(part, _)| *part == TablePart::Dm)
        .unwrap();
    let answer = ask(&address.to_string(), &code.to_lowercase()).unwrap();
    assert_eq!(answer.part, TablePart::Dm);
    assert_eq!(answer.title, "My table, First session");

    let tom = Person::new("Tom");
    tom.send(Request::Join(answer.invitations[0].clone()));
    tom.wait_live();
    tom.scene_named("Crypt");
    tom.send(Request::EditScene(scene.clone()));
    tom.add_marker(&scene, "elf", DVec2::ZERO);
    mira.wait_for_marker(&scene, "elf");

    // Everybody goes home; both keep the game.
    mira.leave_room();
    tom.wait_cut();
    tom.add_marker(&scene, "late", DVec2::ZERO);
    tom.wait_for_marker(&scene, "late");

    // The next evening: the same codes, perhaps another port.
    mira.send(Request::Host {
        scope: Scope::ThisMachine,
        port: 0,
    });
    let (again, same_codes) = mira.wait("codes", hosted);
    assert_eq!((again, same_codes), (address, codes));
    tom.send(Request::Reconnect);
    mira.wait_for_marker(&scene, "late");
}
