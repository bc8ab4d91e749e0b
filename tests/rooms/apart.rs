//! What is made while people are cut off from each other comes together.

use glam::DVec2;
use tableglow::model::edit::{Edit, RowRef};
use tableglow::session::apart::Side;
use tableglow::session::api::{Request, Saved};

use super::support::{Rooms, two_in_a_room};

#[test]
fn a_cut_loses_nothing_on_either_side() {
    let mut rooms = Rooms::start();
    let (mira, tom, scene) = two_in_a_room(&rooms);
    rooms.stop();
    mira.wait_cut();
    tom.wait_cut();
    mira.add_marker(&scene, "made-by-mira", DVec2::ZERO);
    tom.add_marker(&scene, "made-by-tom", DVec2::ZERO);
    mira.wait_for_marker(&scene, "made-by-mira");
    tom.wait_for_marker(&scene, "made-by-tom");
    rooms.resume();
    for person in [&mira, &tom] {
        person.send(Request::Reconnect);
        person.wait_for_marker(&scene, "made-by-mira");
        person.wait_for_marker(&scene, "made-by-tom");
        person.wait_live();
    }
}

#[test]
fn a_scene_deleted_there_while_it_was_edited_here_is_told_and_comes_back() {
    let mut rooms = Rooms::start();
    let (mira, tom, scene) = two_in_a_room(&rooms);
    mira.create_scene("Tower");
    tom.scene_named("Tower");
    mira.send(Request::EditScene(scene.clone()));
    mira.add_marker(&scene, "ogre", DVec2::new(10.0, 20.0));
    tom.wait_for_marker(&scene, "ogre");
    rooms.stop();
    // A day apart: Tom deletes what Mira goes on with.
    tom.edit(
        7,
        Edit::Delete {
            row: RowRef::Scene(scene.clone()),
        },
    );
    mira.add_marker(&scene, "dragon", DVec2::ZERO);
    mira.wait_for_marker(&scene, "dragon");
    mira.wait("everything to be on disk", |published| {
        (published.saved == Saved::Yes).then_some(())
    });
    rooms.resume();
    mira.send(Request::Reconnect);
    tom.send(Request::Reconnect);
    let text = mira.wait("the word about the delete", |published| {
        let mut notices = published.notices.iter();
        let notice = notices.find(|notice| notice.brings_back.as_ref() == Some(&scene))?;
        Some(notice.text.clone())
    });
    assert!(text.contains("Crypt"), "{text}");
    mira.wait("the delete", |published| {
        (published.scenes.len() == 1).then_some(())
    });
    mira.send(Request::BringBack(scene.clone()));
    mira.wait_for_marker(&scene, "dragon");
    tom.scene_named("Crypt");
    tom.send(Request::EditScene(scene.clone()));
    tom.wait_for_marker(&scene, "ogre");
    tom.wait_for_marker(&scene, "dragon");
}

#[test]
fn what_was_changed_apart_is_told_when_both_meet_again() {
    let mut rooms = Rooms::start();
    let (mira, _tom, scene) = two_in_a_room(&rooms);
    mira.send(Request::EditScene(scene.clone()));
    mira.wait_sent();
    rooms.stop();
    mira.add_marker(&scene, "dragon", DVec2::ZERO);
    mira.wait_for_marker(&scene, "dragon");
    rooms.resume();
    mira.send(Request::Reconnect);
    let (here, there) = mira.wait("what changed where", |published| {
        let report = published.room.as_ref()?.apart.clone()?;
        let mut scenes = report.scenes.iter();
        let crypt = scenes.find(|it| it.id == scene)?;
        Some((crypt.here, crypt.there))
    });
    assert!(
        here != Side::Same && there == Side::Same,
        "{here:?} {there:?}"
    );
}
