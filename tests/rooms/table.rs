//! What is on the table is the same for everybody.

use std::time::{Duration, Instant};

use glam::DVec2;
use tableglow::model::id::SceneId;
use tableglow::scene::player::PlayerFrame;
use tableglow::session::api::{Published, Request};
use tableglow::session::room::Invitation;

use super::support::{PATIENCE, Rooms, two_in_a_room};

#[test]
fn what_one_does_the_other_sees_and_the_table_follows() {
    let rooms = Rooms::start();
    let (mira, tom, scene) = two_in_a_room(&rooms);
    mira.add_marker(&scene, "ogre", DVec2::new(10.0, 20.0));
    assert_eq!(tom.wait_for_marker(&scene, "ogre"), DVec2::new(10.0, 20.0));
    tom.add_marker(&scene, "elf", DVec2::ZERO);
    mira.wait_for_marker(&scene, "elf");

    mira.send(Request::ShowOnTable(Some(scene.clone())));
    tom.wait("the scene on the table", |published| {
        (published.active_scene.as_ref() == Some(&scene)
            && matches!(published.player, PlayerFrame::Scene(_)))
        .then_some(())
    });
    tom.send(Request::Pause(true));
    mira.wait("the pause", |published| published.paused.then_some(()));

    // Nobody takes back what somebody else did.
    tom.send(Request::Undo);
    mira.wait("one marker", |published| {
        let shown = published.editing.as_ref()?;
        (shown.markers.len() == 1 && shown.markers[0].id.as_str() == "ogre").then_some(())
    });
}

#[test]
fn a_display_follows_into_another_session_and_back() {
    let rooms = Rooms::start();
    let (mira, tom, crypt) = two_in_a_room(&rooms);
    let (first, party) = mira.ids();
    mira.send(Request::ShowOnTable(Some(crypt.clone())));
    // A second session of the party, in the same place.
    mira.send(Request::CreateGame {
        party: party.clone(),
        name: "Second".into(),
    });
    let second = mira.wait("the second game", |published| {
        published.game.clone().filter(|game| *game != first)
    });
    mira.send(Request::Join(Invitation {
        may_initialise: true,
        ..rooms.invitation(&second, &party)
    }));
    mira.wait_live();
    let tower = mira.create_scene("Tower");
    let on_table = |wanted: &SceneId| {
        tom.wait("the scene on the table", |published| {
            match &published.player {
                PlayerFrame::Scene(scene) if scene.scene().id == *wanted => Some(()),
                PlayerFrame::Waiting if published.active_scene.as_ref() == Some(wanted) => {
                    panic!("the table went blank")
                }
                _ => None,
            }
        });
    };
    on_table(&crypt);
    mira.send(Request::ShowOnTable(Some(tower.clone())));
    on_table(&tower);
    mira.send(Request::ShowOnTable(Some(crypt.clone())));
    on_table(&crypt);
    mira.send(Request::ShowOnTable(Some(tower.clone())));
    on_table(&tower);
    // Tom still edits the first session, and in the second one only shows who he is.
    assert_eq!(tom.session.published().game, Some(first));
    let tom_there = mira.wait_for_person("Tom in the second game", (&second, "Tom"), |_| true);
    assert_eq!(tom_there.presence.who.as_ref().unwrap().scene, None);
}

#[test]
fn the_last_of_many_switches_wins_everywhere() {
    let rooms = Rooms::start();
    let (mira, tom, crypt) = two_in_a_room(&rooms);
    let tower = mira.create_scene("Tower");
    tom.scene_named("Tower");
    for n in 0..50 {
        // Never the same: by themselves they would end with different scenes.
        let (a, b) = if n % 2 == 0 {
            (&crypt, &tower)
        } else {
            (&tower, &crypt)
        };
        mira.send(Request::ShowOnTable(Some(a.clone())));
        tom.send(Request::ShowOnTable(Some(b.clone())));
    }
    mira.wait_sent();
    tom.wait_sent();
    let begin = Instant::now();
    loop {
        let (a, b) = (mira.session.published(), tom.session.published());
        let shown = |published: &Published| match &published.player {
            PlayerFrame::Scene(scene) => Some(scene.scene().id.clone()),
            _ => None,
        };
        if a.active_scene.is_some()
            && a.active_scene == b.active_scene
            && shown(&a) == a.active_scene
            && shown(&b) == b.active_scene
        {
            break;
        }
        assert!(
            begin.elapsed() < PATIENCE,
            "they do not agree: {:?} is on Mira's table, {:?} on Tom's",
            a.active_scene,
            b.active_scene
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}
