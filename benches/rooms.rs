//! How long it takes from an edit to a remote pixel (a marker's colour changes in one session and is
//! read back from a frame of another one in the same room), and from putting a scene of another game
//! session on the table to the frame that a follower holds. Prints Markdown tables.
//!
//! `cargo bench --bench rooms [-- http://HOST:PORT [ROUNDS]]`: with an address the room is on that
//! server (a `partykit dev`, say), else on one of our own in this process. The frame is drawn by the
//! software adapter at 320 x 180 and read back, which is timed too, and is the same on any server.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a program for developers"
)]

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use tableglow::library::Library;
use tableglow::model::color::Rgb;
use tableglow::model::edit::{Assignment, Edit, RowRef};
use tableglow::model::id::{RowId, SceneId};
use tableglow::model::marker;
use tableglow::render::{AdapterChoice, Frame, Gpu, Headless, SceneInput};
use tableglow::scene::picture::NoPictures;
use tableglow::scene::player::PlayerFrame;
use tableglow::server::listener::{Config, RoomsOf, Server};
use tableglow::session::Session;
use tableglow::session::api::{GestureId, Published, Request};
use tableglow::session::room::{Connection, Invitation};
use tableglow::sync::dialect::Dialect;
use tableglow::util::clock::SystemClock;

const PATIENCE: Duration = Duration::from_secs(30);
const SIZE: [u32; 2] = [320, 180];

struct Person {
    session: Session,
    news: Receiver<()>,
    _folder: tempfile::TempDir,
}

impl Person {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let library = Arc::new(Library::create_empty(folder.path()).expect("a library"));
        let (wake, news) = sync_channel(1);
        let wake = Arc::new(move || {
            // One that waits stands for all.
            let _ = wake.try_send(());
        });
        let clock = Arc::new(SystemClock::default());
        let session = Session::start(library, clock, wake).expect("a session");
        Self {
            session,
            news,
            _folder: folder,
        }
    }

    fn send(&self, request: Request) {
        self.session.send(request).expect("a session with room");
    }

    fn wait<T>(&self, mut found: impl FnMut(&Published) -> Option<T>) -> T {
        let begin = Instant::now();
        loop {
            if let Some(found) = found(&self.session.published()) {
                return found;
            }
            assert!(begin.elapsed() < PATIENCE, "it did not come");
            // Ends by itself when nothing comes.
            let _ = self.news.recv_timeout(Duration::from_millis(100));
        }
    }

    fn wait_live(&self) {
        self.wait(|published| {
            let room = published.room.as_ref()?;
            (room.connection == Connection::Live && !room.waits_for_room).then_some(())
        });
    }
}

fn edit(gesture: u64, edit: Edit) -> Request {
    Request::Edit {
        gesture: GestureId(gesture),
        label: "Colour",
        edits: vec![edit],
        last: true,
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let url = arguments.iter().find(|it| it.starts_with("http"));
    let rounds = arguments.iter().find_map(|it| it.parse::<u64>().ok());
    let rounds = rounds.unwrap_or(300);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let own = url.is_none().then(|| {
        let config = Config {
            open: true,
            ..Config::on_loopback(RoomsOf::Folder(folder.path().to_owned()))
        };
        let clock = Arc::new(SystemClock::default());
        runtime
            .block_on(Server::start(config, clock))
            .expect("a server")
    });
    let server = match (&own, url) {
        (Some(server), _) => format!("http://{}", server.address()),
        (None, url) => url.cloned().unwrap_or_default(),
    };
    let (there, here, scene) = in_one_room(&server);
    let edits = edits(&there, &here, &scene, rounds);
    let switches = switches(&there, &here, &scene, &server, rounds);
    println!("| room | what | times | p50, ms | p99, ms | worst, ms |");
    println!("| --- | --- | --- | --- | --- | --- |");
    let whose = if own.is_some() { "ours" } else { &server };
    for (what, mut took) in [
        ("edit to remote pixel", edits),
        ("switch to a scene of another session", switches),
    ] {
        took.sort();
        let at = |share: f64| {
            let place = (took.len() as f64 * share) as usize;
            let took = took.get(place.min(took.len() - 1));
            took.map_or(0.0, |took| took.as_secs_f64() * 1e3)
        };
        println!(
            "| {whose} | {what} | {} | {:.1} | {:.1} | {:.1} |",
            took.len(),
            at(0.5),
            at(0.99),
            at(1.0)
        );
    }
    if let Some(server) = own {
        // What is in its folder goes with it.
        drop(runtime.block_on(server.stop()));
    }
}

/// The rooms of somebody's open game and party on a server; empty ones are filled.
fn invitation(person: &Person, server: &str) -> Invitation {
    person.wait(|published| {
        Some(Invitation {
            dialect: Dialect::YPartyKit,
            server: server.to_owned(),
            game: published.game.clone()?,
            party: Some(published.party.clone()?),
            token: None,
            title: "Colours".into(),
            pictures: None,
            may_initialise: true,
        })
    })
}

/// Two people in one room, with a scene that holds a patch of colour.
fn in_one_room(server: &str) -> (Person, Person, SceneId) {
    let (there, here) = (Person::new(), Person::new());
    there.send(Request::CreateScene {
        name: "Colours".into(),
    });
    let scene = there.wait(|published| Some(published.editing.as_ref()?.id.clone()));
    let invitation = invitation(&there, server);
    there.send(Request::Join(invitation.clone()));
    there.wait_live();
    there.send(edit(
        1,
        Edit::Create {
            row: patch(&scene),
            values: vec![
                Assignment::new(marker::SIZE, 3_i64),
                Assignment::new(marker::SHAPE, 2_i64),
                Assignment::new(marker::VISIBILITY, marker::VISIBLE_TO_EVERYONE),
            ],
        },
    ));
    here.send(Request::Join(Invitation {
        may_initialise: false,
        ..invitation
    }));
    here.wait_live();
    here.wait(|published| has_patch(published, &scene));
    (there, here, scene)
}

fn patch(scene: &SceneId) -> RowRef {
    RowRef::marker(scene, &RowId::new("patch"))
}

fn edits(there: &Person, here: &Person, scene: &SceneId, rounds: u64) -> Vec<Duration> {
    let gpu = Gpu::headless(AdapterChoice::Software).expect("an adapter");
    let mut headless = Headless::on(gpu).expect("a renderer");
    (0..rounds)
        .map(|round| {
            // Far apart from the last, and from whatever lies around.
            let color = if round % 2 == 0 {
                Rgb::new(255, 0, 0)
            } else {
                Rgb::new(0, 0, 255)
            };
            let mut drawn = here.wait(|published| Some(published.editing.as_ref()?.revision));
            let begin = Instant::now();
            there.send(edit(
                round + 2,
                Edit::Set {
                    row: patch(scene),
                    values: vec![Assignment::new(marker::SHAPE_COLOR, color)],
                },
            ));
            here.wait(|published| {
                let shown = published.editing.as_ref()?;
                if std::mem::replace(&mut drawn, shown.revision) == shown.revision {
                    return None;
                }
                let frame = Frame::of_display(SceneInput::Dm(shown), SIZE);
                let (picture, _) = headless.render(&frame, &NoPictures, PATIENCE).ok()?;
                let is_it = |pixel: &[u8]| match pixel {
                    [r, _, b, _] if color.r == 255 => *r > 180 && *b < 90,
                    [r, _, b, _] => *b > 180 && *r < 90,
                    _ => false,
                };
                let found = picture.rgba.chunks_exact(4).filter(|it| is_it(it)).count();
                (found > 10).then(|| begin.elapsed())
            })
        })
        .collect()
}

fn has_patch(published: &Published, scene: &SceneId) -> Option<()> {
    let shown = published.editing.as_ref().filter(|it| it.id == *scene)?;
    (!shown.markers.is_empty()).then_some(())
}

/// Puts scenes of two sessions of a party on the table in turn.
fn switches(
    there: &Person,
    here: &Person,
    first: &SceneId,
    server: &str,
    rounds: u64,
) -> Vec<Duration> {
    let party = there.wait(|published| published.party.clone());
    let before = there.session.published().game.clone();
    there.send(Request::CreateGame {
        party,
        name: "Second".into(),
    });
    there.wait(|published| (published.game != before).then_some(()));
    there.send(Request::Join(invitation(there, server)));
    there.wait_live();
    there.send(Request::CreateScene {
        name: "Second".into(),
    });
    let second = there.wait(|published| {
        let scene = published.scenes.iter().find(|it| &*it.name == "Second")?;
        Some(scene.id.clone())
    });
    let is_on_table = |published: &Published, wanted: &SceneId| match &published.player {
        PlayerFrame::Scene(scene) if scene.scene().id == *wanted => Some(()),
        _ => None,
    };
    let show = |wanted: &SceneId| {
        let begin = Instant::now();
        there.send(Request::ShowOnTable(Some(wanted.clone())));
        here.wait(|published| is_on_table(published, wanted));
        begin.elapsed()
    };
    // Cold, once each.
    show(first);
    show(&second);
    (0..rounds)
        .map(|round| show(if round % 2 == 0 { first } else { &second }))
        .collect()
}
