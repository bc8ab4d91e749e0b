//! One Tableglow of a room that keeps nothing itself sees to web clients, and another when it is gone.

use std::time::Duration;

use super::relay::Room;
use super::{Table, ms};
use crate::model::edit::{Assignment, Edit, RowRef};
use crate::model::scene;
use crate::session::api::Request;
use crate::session::courier::News;
use crate::session::lease::{LAPSE, LISTEN};
use crate::util::clock::Clock as _;
use crate::util::revision::Revision;

#[test]
fn a_saver_that_is_killed_is_followed_within_seconds_and_nothing_is_lost() {
    let mut room = Room::new();
    room.wait(LISTEN + ms(1000));
    let holders = room.holders();
    assert_eq!(holders.len(), 1, "{holders:?}");
    for table in 0..3 {
        room.draw(table);
    }
    room.wait(Duration::from_secs(12));
    let (shared, picture, strokes) = room.drawn();
    assert_eq!(strokes, 3);
    assert_eq!(shared.as_deref(), Some(&*picture), "it was written");
    assert_eq!(room.holders(), holders);

    // It draws once more and is killed in that moment: its connection stays open and is silent, as
    // that of a machine whose cable was pulled.
    room.draw(holders[0]);
    let killed = room.tables.remove(holders[0]);
    room.draw(0);
    let died = room.clock.now();
    while room.holders().is_empty() {
        room.wait(ms(50));
        let gone_for = room.clock.now() - died;
        assert!(gone_for <= LAPSE + ms(500), "{gone_for:?}");
    }
    assert!(room.clock.now() - died > ms(1000), "the room showed it on");
    room.wait(Duration::from_secs(12));
    assert_eq!(room.holders().len(), 1);
    let (shared, picture, strokes) = room.drawn();
    assert_eq!(strokes, 5, "what it drew last too");
    assert_eq!(shared.as_deref(), Some(&*picture), "it was written again");

    // One that leaves properly is followed at once.
    let holder = room.holders()[0];
    room.draw(holder);
    room.wait(ms(200));
    room.tables[holder].workspace.handle(Request::LeaveRoom);
    room.wait(ms(200));
    assert_eq!(room.holders(), [1 - holder]);
    room.wait(Duration::from_secs(12));
    let (shared, picture, strokes) = room.drawn();
    assert_eq!(strokes, 6);
    assert_eq!(shared.as_deref(), Some(&*picture));
    drop(killed);
}

#[test]
fn the_renewal_of_a_lease_is_no_news_to_windows() {
    let mut room = Room::new();
    room.wait(Duration::from_secs(6));
    assert_eq!(room.holders().len(), 1);
    for table in &mut room.tables {
        table.workspace.take_people().unwrap();
    }
    room.wait(Duration::from_secs(6));
    for table in &mut room.tables {
        assert_eq!(table.workspace.take_people(), None);
    }
}

#[test]
fn a_thumbnail_is_drawn_again_when_the_map_has_come() {
    let mut table = Table::new();
    let scene = table.scene.clone();
    let map = Edit::Set {
        row: RowRef::Scene(scene.clone()),
        values: vec![Assignment::new(scene::MAP_LOCATION, "map/late.png")],
    };
    table.workspace.edit_once("Map", &[map]);
    table.workspace.create_scene("Other").unwrap();
    let is_stale = |table: &mut Table, at: usize| {
        let entry = table.workspace.publish().scenes[at].clone();
        entry.revision > entry.thumbnail_shows.unwrap_or_default()
    };
    for at in 0..2 {
        let entry = table.workspace.publish().scenes[at].clone();
        let shows = Revision::next();
        table
            .workspace
            .set_thumbnail(&entry.id, shows, vec![1, 2, 3]);
        assert!(!is_stale(&mut table, at));
    }
    let came = News::Arrived(vec!["map/late.png".into()]);
    table.workspace.courier_news(came);
    assert!(is_stale(&mut table, 0));
    assert!(!is_stale(&mut table, 1), "it names another one");
}
