//! Sessions in one room: what one does, the others see; what was made apart comes together.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use glam::DVec2;
use tableglow::doc::{GameDoc, Origin};
use tableglow::geom::Mask;
use tableglow::library::Library;
use tableglow::model::color::Rgb;
use tableglow::model::edit::{Assignment, Edit, RowRef};
use tableglow::model::id::{GameSessionId, PartyId, RowId, SceneId};
use tableglow::model::party::PartyDefaults;
use tableglow::model::presence::{Cursor, Presence, TablePart};
use tableglow::model::stroke::{MaskTarget, NewStroke, StrokeMode, StrokeShape};
use tableglow::model::{marker, scene};
use tableglow::scene::player::PlayerFrame;
use tableglow::scene::snapshot::Fog;
use tableglow::server::listener::{Config, RoomsOf, Server};
use tableglow::session::Session;
use tableglow::session::apart::Side;
use tableglow::session::api::{GestureId, Published, Request, SceneEntry};
use tableglow::session::discovery::ask;
use tableglow::session::room::{
    Connection, Identity, Invitation, People, Person as Somebody, Place, Scope,
};
use tableglow::sync::dialect::{Dialect, RoomAddress};
use tableglow::sync::link::RoomLink;
use tableglow::sync::websocket::Net;
use tableglow::util::clock::SystemClock;
use yrs::updates::decoder::Decode as _;
use yrs::{
    Doc, Map as _, MapRef, ReadTxn as _, Transact as _, TransactionMut, Update, WriteTxn as _,
};

const PATIENCE: Duration = Duration::from_secs(30);

/// A room server with a folder, that can be stopped and started again at its address.
struct Rooms {
    runtime: tokio::runtime::Runtime,
    folder: tempfile::TempDir,
    server: Option<Server>,
    address: SocketAddr,
}

impl Rooms {
    fn start() -> Self {
        let mut rooms = Self {
            runtime: tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .unwrap(),
            folder: tempfile::tempdir().unwrap(),
            server: None,
            address: "127.0.0.1:0".parse().unwrap(),
        };
        rooms.resume();
        rooms
    }

    fn resume(&mut self) {
        let config = Config {
            listen: self.address,
            open: true,
            ..Config::on_loopback(RoomsOf::Folder(self.folder.path().to_owned()))
        };
        let clock = Arc::new(SystemClock::default());
        let server = self.runtime.block_on(Server::start(config, clock)).unwrap();
        self.address = server.address();
        self.server = Some(server);
    }

    fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            self.runtime.block_on(server.stop()).unwrap();
        }
    }

    fn invitation(&self, game: &GameSessionId, party: &PartyId) -> Invitation {
        Invitation {
            dialect: Dialect::YPartyKit,
            server: format!("http://{}", self.address),
            game: game.clone(),
            party: Some(party.clone()),
            token: None,
            title: "Mira's table".into(),
            pictures: None,
            may_initialise: false,
        }
    }
}

/// Somebody with a library of their own.
struct Person {
    session: Session,
    _folder: tempfile::TempDir,
}

impl Person {
    fn new(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let library = Arc::new(Library::create_empty(folder.path()).unwrap());
        let clock = Arc::new(SystemClock::default());
        let session = Session::start(library, clock, Arc::new(|| {})).unwrap();
        session
            .send(Request::Introduce(Identity {
                name: name.to_owned(),
                color: Rgb::WHITE,
                part: TablePart::Dm,
                shares_view: true,
            }))
            .unwrap();
        Self {
            session,
            _folder: folder,
        }
    }

    fn send(&self, request: Request) {
        self.session.send(request).unwrap();
    }

    #[track_caller]
    fn wait<T>(&self, what: &str, mut found: impl FnMut(&Published) -> Option<T>) -> T {
        let begin = Instant::now();
        loop {
            let published = self.session.published();
            if let Some(found) = found(&published) {
                return found;
            }
            assert!(
                begin.elapsed() < PATIENCE,
                "{what} did not come: {:?} {:?}",
                published.room,
                published.notices
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[track_caller]
    fn wait_for_people<T>(&self, what: &str, mut found: impl FnMut(&People) -> Option<T>) -> T {
        let begin = Instant::now();
        loop {
            let people = self.session.people();
            if let Some(found) = found(&people) {
                return found;
            }
            assert!(
                begin.elapsed() < PATIENCE,
                "{what} did not come: {people:?}"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Somebody of this name in the room of a game, once they show what is waited for.
    #[track_caller]
    fn wait_for_person(
        &self,
        what: &str,
        (game, name): (&GameSessionId, &str),
        is_it: impl Fn(&Presence) -> bool,
    ) -> Somebody {
        self.wait_for_people(what, |people| {
            let is_meant = |person: &&Somebody| {
                let who = person.presence.who.as_ref();
                person.game == *game && who.is_some_and(|who| &*who.name == name)
            };
            let mut meant = people.list.iter().filter(is_meant);
            meant.find(|person| is_it(&person.presence)).cloned()
        })
    }

    fn ids(&self) -> (GameSessionId, PartyId) {
        self.wait("a game", |published| {
            Some((published.game.clone()?, published.party.clone()?))
        })
    }

    fn wait_live(&self) {
        self.wait("a live room", |published| {
            let room = published.room.as_ref()?;
            let all = room.documents.len() >= 2 && room.connection == Connection::Live;
            (all && !room.waits_for_room).then_some(())
        });
    }

    fn create_scene(&self, name: &str) -> SceneId {
        self.send(Request::CreateScene { name: name.into() });
        self.scene_named(name)
    }

    #[track_caller]
    fn scene_named(&self, name: &str) -> SceneId {
        self.wait(&format!("the scene {name}"), |published| {
            let scene = published.scenes.iter().find(|scene| &*scene.name == name)?;
            Some(scene.id.clone())
        })
    }

    fn edit(&self, gesture: u64, edit: Edit) {
        self.send(Request::Edit {
            gesture: GestureId(gesture),
            label: "Edit",
            edits: vec![edit],
            last: true,
        });
    }

    fn add_marker(&self, scene: &SceneId, id: &str, at: DVec2) {
        self.edit(
            1,
            Edit::Create {
                row: RowRef::marker(scene, &RowId::new(id)),
                values: vec![
                    Assignment::new(marker::POSITION_X, at.x),
                    Assignment::new(marker::POSITION_Y, at.y),
                    Assignment::new(marker::VISIBILITY, marker::VISIBLE_TO_EVERYONE),
                ],
            },
        );
    }

    fn move_marker(&self, gesture: u64, scene: &SceneId, id: &str, x: f64, last: bool) {
        self.send(Request::Edit {
            gesture: GestureId(gesture),
            label: "Move",
            edits: vec![Edit::Set {
                row: RowRef::marker(scene, &RowId::new(id)),
                values: vec![Assignment::new(marker::POSITION_X, x)],
            }],
            last,
        });
    }

    #[track_caller]
    fn wait_for_marker(&self, scene: &SceneId, id: &str) -> DVec2 {
        self.wait(&format!("the marker {id}"), |published| {
            let shown = published.editing.as_ref().filter(|it| it.id == *scene)?;
            let marker = shown.markers.iter().find(|it| it.id.as_str() == id)?;
            Some(marker.position_world)
        })
    }
}

/// Two people in one room, with a scene that both have in the editor.
fn two_in_a_room(rooms: &Rooms) -> (Person, Person, SceneId) {
    let (mira, tom) = (Person::new("Mira"), Person::new("Tom"));
    let scene = mira.create_scene("Crypt");
    let (game, party) = mira.ids();
    mira.send(Request::Join(Invitation {
        may_initialise: true,
        ..rooms.invitation(&game, &party)
    }));
    mira.wait_live();
    tom.send(Request::Join(rooms.invitation(&game, &party)));
    tom.wait_live();
    tom.scene_named("Crypt");
    tom.send(Request::EditScene(scene.clone()));
    (mira, tom, scene)
}

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
fn a_cut_loses_nothing_on_either_side() {
    let mut rooms = Rooms::start();
    let (mira, tom, scene) = two_in_a_room(&rooms);
    rooms.stop();
    for person in [&mira, &tom] {
        person.wait("the cut", |published| {
            let room = published.room.as_ref()?;
            (room.connection != Connection::Live).then_some(())
        });
    }
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
    mira.wait_for_people("Tom's leave", |people| people.list.is_empty().then_some(()));
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
    tom.wait("the word about who holds it", |published| {
        let told = |text: &str| text.starts_with("Mira is moving this marker");
        let mut notices = published.notices.iter();
        notices.any(|notice| told(&notice.text)).then_some(())
    });
    // Where she has it is in the room: nothing of hers is on the way when Tom moves it later.
    tom.wait("the ogre where Mira holds it", |published| {
        let shown = published.editing.as_ref()?;
        let x = shown.markers.first()?.position_world.x;
        (x > 9.0 && x < 11.0).then_some(())
    });
    // Her hand is still on it when the connection goes and comes back.
    rooms.stop();
    for person in [&mira, &tom] {
        person.wait("the cut", |published| {
            let room = published.room.as_ref()?;
            (room.connection != Connection::Live).then_some(())
        });
    }
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
    tom.wait("the refusal", |published| {
        let told = |text: &str| text.contains("has not sent its game yet");
        published
            .notices
            .iter()
            .any(|notice| told(&notice.text))
            .then_some(())
    });
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
    let settled = |person: &Person| {
        person.wait("everything to be sent", |published| {
            let room = published.room.as_ref()?;
            room.documents
                .iter()
                .all(|it| it.has_sent_all)
                .then_some(())
        });
    };
    settled(&mira);
    settled(&tom);
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

#[test]
fn leaving_a_room_keeps_the_game() {
    let rooms = Rooms::start();
    let (mira, tom, scene) = two_in_a_room(&rooms);
    let (game, _) = mira.ids();
    mira.wait_for_person("Tom", (&game, "Tom"), |_| true);
    tom.send(Request::LeaveRoom);
    tom.wait("no room", |published| {
        published.room.is_none().then_some(())
    });
    // What he does from now on has no way to her.
    mira.wait_for_people("Tom's leave", |people| people.list.is_empty().then_some(()));
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
    mira.send(Request::LeaveRoom);
    mira.wait("no room", |published| {
        published.room.is_none().then_some(())
    });
    tom.wait("the cut", |published| {
        let room = published.room.as_ref()?;
        (room.connection != Connection::Live).then_some(())
    });
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

/// A client that knows nothing of strokes: it reads and writes whole masks, as web clients do.
struct WebClient {
    doc: GameDoc,
    link: RoomLink,
    _net: Net,
}

impl WebClient {
    fn join(rooms: &Rooms, game: &GameSessionId) -> Self {
        let doc = GameDoc::open(game, []).unwrap();
        let net = Net::start().unwrap();
        let host = rooms.address.to_string();
        let mut address =
            RoomAddress::new(Dialect::YPartyKit, &host, "game_session", game.as_str());
        address.asks_durable = false;
        let transport = net.websocket(address, Arc::new(|| {})).unwrap();
        let mut link = RoomLink::new(
            Dialect::YPartyKit,
            Origin::Remote(0),
            doc.replica().client_id(),
            1,
            Box::new(transport),
            Arc::new(SystemClock::default()),
        );
        link.connect();
        link.set_awareness(Some(r#"{"measurement":null}"#)).unwrap();
        Self {
            doc,
            link,
            _net: net,
        }
    }

    #[track_caller]
    fn wait_for_fog(&mut self, scene: &SceneId, is_it: impl Fn(&Mask) -> bool) -> Mask {
        let begin = Instant::now();
        loop {
            self.link.pump(self.doc.replica_mut());
            let fog = self.doc.shared_mask(scene, &MaskTarget::Fog);
            if let Some(fog) = fog.and_then(|bytes| Mask::decode_rle(&bytes).ok())
                && is_it(&fog)
            {
                return fog;
            }
            assert!(begin.elapsed() < PATIENCE, "the fog did not come");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[track_caller]
    fn wait_for_scene(&mut self, scene: &SceneId) {
        let begin = Instant::now();
        while !self.doc.has_scene(scene) {
            self.link.pump(self.doc.replica_mut());
            assert!(begin.elapsed() < PATIENCE, "the scene did not come");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn write_fog(&mut self, scene: &SceneId, fog: &Mask) {
        self.change(|txn| {
            let scenes = txn.get_or_insert_map("scenes");
            let entry: MapRef = scenes.get(txn, scene.as_str()).unwrap().cast().unwrap();
            entry.insert(txn, "fogMask", fog.encode_rle());
        });
    }

    fn write(&mut self, root: &str, key: &str, value: i64) {
        self.change(|txn| {
            let map = txn.get_or_insert_map(root);
            map.insert(txn, key, value);
        });
    }

    fn change(&mut self, change: impl FnOnce(&mut TransactionMut)) {
        let web = Doc::new();
        let held = self.doc.replica().encode_snapshot();
        let before = {
            let mut txn = web.transact_mut();
            txn.apply_update(Update::decode_v1(&held).unwrap()).unwrap();
            txn.state_vector()
        };
        let mut txn = web.transact_mut();
        change(&mut txn);
        let update = txn.encode_state_as_update_v1(&before);
        drop(txn);
        let replica = self.doc.replica_mut();
        replica.take_updates();
        replica.apply_update(&update, Origin::Upkeep).unwrap();
        let updates = [update.as_slice()];
        self.link.local_updates(self.doc.replica(), 1, updates);
    }
}

#[test]
fn fog_goes_to_web_clients_and_back() {
    let rooms = Rooms::start();
    let (mira, tom, _) = two_in_a_room(&rooms);
    // Who has no picture of the map cannot draw its fog for others.
    tom.send(Request::Introduce(Identity {
        name: "Tom".into(),
        color: Rgb::BLACK,
        part: TablePart::Player,
        shares_view: false,
    }));
    mira.send(Request::ImportPixels {
        width: 64,
        height: 48,
        rgba: vec![200; 64 * 48 * 4],
        into: None,
    });
    let scene = mira.wait("the imported scene", |published| {
        let shown = published.editing.as_ref()?;
        shown.map.as_ref().map(|_| shown.id.clone())
    });
    let mut web = WebClient::join(&rooms, &mira.ids().0);
    let uncover = |n: u64, at: [i32; 2]| Request::Edit {
        gesture: GestureId(n),
        label: "Reveal",
        edits: vec![Edit::Stroke {
            scene: scene.clone(),
            target: MaskTarget::Fog,
            stroke: NewStroke {
                shape: StrokeShape::Brush { radius: 4 * 16 },
                mode: StrokeMode::Erase,
                points: vec![at],
            },
        }],
        last: true,
    };
    mira.send(uncover(1, [0, 0]));
    let written = web.wait_for_fog(&scene, |fog| !fog.get(32, 24) && fog.get(1, 1));
    // The web client uncovers a corner, and Tom another place at once.
    let mut theirs = written;
    theirs.set(1, 1, false);
    web.write_fog(&scene, &theirs);
    tom.send(Request::EditScene(scene.clone()));
    tom.send(uncover(1, [16 * 16, 0]));
    let all = |fog: &Mask| !fog.get(32, 24) && !fog.get(1, 1) && !fog.get(48, 24);
    web.wait_for_fog(&scene, all);
    mira.wait("everybody's fog", |published| {
        match &published.editing.as_ref()?.fog.value {
            Fog::Mask(fog) => all(fog).then_some(()),
            _ => None,
        }
    });
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
        (published.saved == tableglow::session::api::Saved::Yes).then_some(())
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
    mira.wait("everything to be in the room", |published| {
        let room = published.room.as_ref()?;
        let mut documents = room.documents.iter();
        documents.all(|it| it.has_sent_all).then_some(())
    });
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

#[test]
fn a_room_of_a_newer_schema_is_shown_and_not_changed() {
    let rooms = Rooms::start();
    let (mira, tom, scene) = two_in_a_room(&rooms);
    tom.add_marker(&scene, "early", DVec2::ZERO);
    tom.wait_for_marker(&scene, "early");
    let mut newer = WebClient::join(&rooms, &mira.ids().0);
    newer.wait_for_scene(&scene);
    newer.write("meta", "schemaVersion", 3);
    tom.wait("the word about a newer program", |published| {
        let told = |text: &str| text.contains("made by a newer program");
        let notices = &published.notices;
        notices.iter().any(|it| told(&it.text)).then_some(())
    });
    tom.add_marker(&scene, "late", DVec2::ZERO);
    tom.wait("the refusal", |published| {
        let told = |text: &str| text.contains("nothing was changed; update Tableglow");
        let notices = &published.notices;
        notices.iter().any(|it| told(&it.text)).then_some(())
    });
    // Nor is anything taken back; the scene that is sought shows that the undo was looked at.
    tom.send(Request::Undo);
    tom.send(Request::Peek(Some(scene.clone())));
    let peeked = tom.wait("the scene", |published| published.peeked.clone());
    let ids: Vec<&str> = peeked.markers.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(ids, ["early"], "the document was changed");
}

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
