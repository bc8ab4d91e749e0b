//! Pictures come along to everybody.

use tableglow::model::party::PartyDefaults;
use tableglow::model::scene;
use tableglow::scene::player::PlayerFrame;
use tableglow::session::api::{Request, SceneEntry};

use super::support::{Rooms, two_in_a_room};

#[test]
fn pictures_come_along_whoever_has_them() {
    let rooms = Rooms::start();
    let (mira, tom, _) = two_in_a_room(&rooms);
    for (giver, taker, side) in [(&mira, &tom, 40), (&tom, &mira, 50)] {
        giver.send(Request::ImportPixels {
            width: side,
            height: side,
            rgba: vec![90; (side * side * 4) as usize],
            into: None,
        });
        let scene = giver.wait("the imported scene", |published| {
            let shown = published.editing.as_ref()?;
            let map = shown.map.as_ref()?.picture.as_ref()?;
            (map.width == side).then(|| shown.id.clone())
        });
        taker.wait("the scene", |published| {
            let is_it = |entry: &SceneEntry| entry.id == scene;
            published.scenes.iter().any(is_it).then_some(())
        });
        taker.send(Request::EditScene(scene.clone()));
        taker.wait("its map", |published| {
            let shown = published.editing.as_ref().filter(|it| it.id == scene)?;
            shown.map.as_ref()?.picture.as_ref().map(|_| ())
        });
    }
}

#[test]
fn a_pause_picture_comes_to_everybody_and_goes_for_everybody() {
    let rooms = Rooms::start();
    let (mira, tom, _) = two_in_a_room(&rooms);
    mira.send(Request::ImportPixels {
        width: 40,
        height: 40,
        rgba: vec![90; 40 * 40 * 4],
        into: None,
    });
    let (location, hash) = mira.wait("the imported picture", |published| {
        let shown = published.editing.as_ref()?;
        let picture = shown.map.as_ref()?.picture.as_ref()?;
        Some((shown.setting(scene::MAP_LOCATION)?, picture.hash.clone()))
    });
    let (_, party) = mira.ids();
    mira.send(Request::SetPartyDefaults {
        party: party.clone(),
        defaults: PartyDefaults {
            pause_picture: Some(location.to_string()),
            ..PartyDefaults::default()
        },
    });
    mira.send(Request::Pause(true));
    for person in [&mira, &tom] {
        person.wait("the pause with its picture", |published| {
            let PlayerFrame::Paused { picture } = &published.player else {
                return None;
            };
            (*picture == Some(hash.clone())).then_some(())
        });
    }
    // It is with the party's other defaults there too, and goes by either's hand.
    let of_tom = tom.wait("the default", |published| {
        let entry = published.library.parties.iter().find(|it| it.id == party)?;
        let is_named = entry.defaults.pause_picture.as_deref() == Some(&*location);
        is_named.then(|| entry.defaults.clone())
    });
    tom.send(Request::SetPartyDefaults {
        party: party.clone(),
        defaults: PartyDefaults {
            pause_picture: None,
            ..of_tom
        },
    });
    for person in [&mira, &tom] {
        person.wait("the pause without", |published| {
            let entry = published.library.parties.iter().find(|it| it.id == party)?;
            let is_gone = matches!(&published.player, PlayerFrame::Paused { picture: None });
            (is_gone && entry.defaults.pause_picture.is_none()).then_some(())
        });
    }
}
