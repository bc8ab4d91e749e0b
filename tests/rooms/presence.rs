//! Who is there, and what they have in hand.

use glam::DVec2;
use tableglow::model::color::Rgb;
use tableglow::model::presence::{Cursor, Presence, TablePart};
use tableglow::session::api::Request;
use tableglow::session::room::Identity;

use super::support::{Rooms, two_in_a_room};

#[test]
fn who_points_where_is_seen_by_name_and_gone_when_they_leave() {
    let rooms = Rooms::start();
    let (mira, tom, scene) = two_in_a_room(&rooms);
    tom.send(Request::Show(Box::new(Presence {
        cursor: Some(Cursor {
            user: "tom".into(),
            position_world: DVec2::new(3.0, 4.0),
            color: Rgb::WHITE,
            label: "Tom".into(),
            moved_unix_ms: 0,
        }),
        ..Presence::default()
    })));
    let (game, _) = mira.ids();
    let tom_there = (&game, "Tom");
    let person = mira.wait_for_person("Tom's cursor", tom_there, |it| it.cursor.is_some());
    let who = person.presence.who.clone().unwrap();
    assert_eq!((&*who.name, who.scene), ("Tom", Some(scene)));
    let cursor = person.presence.cursor.clone().unwrap();
    assert_eq!(cursor.position_world, DVec2::new(3.0, 4.0));
    // What he looks at is his own from now on; his cursor rests where it was.
    tom.send(Request::Introduce(Identity {
        name: "Tom".into(),
        color: Rgb::WHITE,
        part: TablePart::Dm,
        shares_view: false,
    }));
    let looks_at_nothing = |it: &Presence| it.who.as_ref().is_some_and(|who| who.scene.is_none());
    let later = mira.wait_for_person("Tom without a scene", tom_there, looks_at_nothing);
    assert_eq!(later.presence.cursor.as_ref(), Some(&cursor));
    assert_eq!(
        later.cursor_moved, person.cursor_moved,
        "a cursor that stands has not moved"
    );
    drop(tom);
    mira.wait_alone();
}

#[test]
fn a_dragged_marker_stays_with_who_drags_it_until_they_are_cut_off() {
    let mut rooms = Rooms::start();
    let (mira, tom, scene) = two_in_a_room(&rooms);
    let (game, _) = mira.ids();
    let mira_there = (&game, "Mira");
    mira.add_marker(&scene, "ogre", DVec2::ZERO);
    tom.wait_for_marker(&scene, "ogre");
    mira.move_marker(2, &scene, "ogre", 10.0, false);
    tom.wait_for_person("Mira's drag", mira_there, |it| it.dragging.is_some());
    tom.move_marker(2, &scene, "ogre", 500.0, true);
    tom.wait_for_word("Mira is moving this marker");
    // Where she has it is in the room: nothing of hers is on the way when Tom moves it later.
    tom.wait("the ogre where Mira holds it", |published| {
        let shown = published.editing.as_ref()?;
        let x = shown.markers.first()?.position_world.x;
        (x > 9.0 && x < 11.0).then_some(())
    });
    // Her hand is still on it when the connection goes and comes back.
    rooms.stop();
    mira.wait_cut();
    tom.wait_cut();
    rooms.resume();
    for person in [&mira, &tom] {
        person.send(Request::Reconnect);
        person.wait_live();
    }
    tom.wait_for_person("Mira without a drag", mira_there, |it| {
        it.dragging.is_none()
    });
    tom.move_marker(3, &scene, "ogre", 700.0, true);
    mira.wait("the ogre where Tom put it", |published| {
        let shown = published.editing.as_ref()?;
        (shown.markers.first()?.position_world.x > 699.0).then_some(())
    });
}
