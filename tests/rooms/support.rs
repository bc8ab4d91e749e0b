//! A server for rooms, and people with libraries of their own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use glam::DVec2;
use tableglow::library::Library;
use tableglow::model::color::Rgb;
use tableglow::model::edit::{Assignment, Edit, RowRef};
use tableglow::model::id::{GameSessionId, PartyId, RowId, SceneId};
use tableglow::model::marker;
use tableglow::model::presence::{Presence, TablePart};
use tableglow::server::listener::{Config, RoomsOf, Server};
use tableglow::session::Session;
use tableglow::session::api::{GestureId, Published, Request};
use tableglow::session::room::{Connection, Identity, Invitation, People, Person as Somebody};
use tableglow::sync::dialect::Dialect;
use tableglow::util::clock::SystemClock;

/// What a slow machine may take for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A room server with a folder, that can be stopped and started again at its address.
pub(crate) struct Rooms {
    runtime: tokio::runtime::Runtime,
    folder: tempfile::TempDir,
    server: Option<Server>,
    pub(crate) address: SocketAddr,
}

impl Rooms {
    pub(crate) fn start() -> Self {
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

    pub(crate) fn resume(&mut self) {
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

    pub(crate) fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            self.runtime.block_on(server.stop()).unwrap();
        }
    }

    pub(crate) fn invitation(&self, game: &GameSessionId, party: &PartyId) -> Invitation {
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
pub(crate) struct Person {
    pub(crate) session: Session,
    _folder: tempfile::TempDir,
}

impl Person {
    pub(crate) fn new(name: &str) -> Self {
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

    pub(crate) fn send(&self, request: Request) {
        self.session.send(request).unwrap();
    }

    #[track_caller]
    pub(crate) fn wait<T>(&self, what: &str, mut found: impl FnMut(&Published) -> Option<T>) -> T {
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
    pub(crate) fn wait_for_people<T>(
        &self,
        what: &str,
        mut found: impl FnMut(&People) -> Option<T>,
    ) -> T {
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
    pub(crate) fn wait_for_person(
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

    pub(crate) fn ids(&self) -> (GameSessionId, PartyId) {
        self.wait("a game", |published| {
            Some((published.game.clone()?, published.party.clone()?))
        })
    }

    pub(crate) fn wait_live(&self) {
        self.wait("a live room", |published| {
            let room = published.room.as_ref()?;
            let all = room.documents.len() >= 2 && room.connection == Connection::Live;
            (all && !room.waits_for_room).then_some(())
        });
    }

    #[track_caller]
    pub(crate) fn wait_cut(&self) {
        self.wait("the cut", |published| {
            let room = published.room.as_ref()?;
            (room.connection != Connection::Live).then_some(())
        });
    }

    /// Waits until the room has everything that was made here.
    #[track_caller]
    pub(crate) fn wait_sent(&self) {
        self.wait("everything to be in the room", |published| {
            let mut documents = published.room.as_ref()?.documents.iter();
            documents.all(|it| it.has_sent_all).then_some(())
        });
    }

    /// Waits for a notice with these words.
    #[track_caller]
    pub(crate) fn wait_for_word(&self, words: &str) {
        self.wait(words, |published| {
            let mut notices = published.notices.iter();
            notices
                .any(|notice| notice.text.contains(words))
                .then_some(())
        });
    }

    #[track_caller]
    pub(crate) fn leave_room(&self) {
        self.send(Request::LeaveRoom);
        self.wait("no room", |published| {
            published.room.is_none().then_some(())
        });
    }

    #[track_caller]
    pub(crate) fn wait_alone(&self) {
        self.wait_for_people("everybody's leave", |people| {
            people.list.is_empty().then_some(())
        });
    }

    pub(crate) fn create_scene(&self, name: &str) -> SceneId {
        self.send(Request::CreateScene { name: name.into() });
        self.scene_named(name)
    }

    #[track_caller]
    pub(crate) fn scene_named(&self, name: &str) -> SceneId {
        self.wait(&format!("the scene {name}"), |published| {
            let scene = published.scenes.iter().find(|scene| &*scene.name == name)?;
            Some(scene.id.clone())
        })
    }

    pub(crate) fn edit(&self, gesture: u64, edit: Edit) {
        self.send(Request::Edit {
            gesture: GestureId(gesture),
            label: "Edit",
            edits: vec![edit],
            last: true,
        });
    }

    pub(crate) fn add_marker(&self, scene: &SceneId, id: &str, at: DVec2) {
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

    pub(crate) fn move_marker(&self, gesture: u64, scene: &SceneId, id: &str, x: f64, last: bool) {
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
    pub(crate) fn wait_for_marker(&self, scene: &SceneId, id: &str) -> DVec2 {
        self.wait(&format!("the marker {id}"), |published| {
            let shown = published.editing.as_ref().filter(|it| it.id == *scene)?;
            let marker = shown.markers.iter().find(|it| it.id.as_str() == id)?;
            Some(marker.position_world)
        })
    }
}

/// Two people in one room, with a scene that both have in the editor.
pub(crate) fn two_in_a_room(rooms: &Rooms) -> (Person, Person, SceneId) {
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
