//! What a guest of a web client's room is promised of its pictures, against a bucket on loopback.

use std::collections::HashMap;
use std::net::SocketAddr;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Response, Uri, header};
use futures_util::stream;
use tokio::sync::watch;

use super::tests::{Guest, is_at_rest, long_picture, picture};
use super::*;
use crate::library::Mode;
use crate::model::color::Rgb;
use crate::model::edit::{Assignment, Edit, RowRef};
use crate::model::id::{GameSessionId, PartyId, PictureHash, RowId};
use crate::model::presence::TablePart;
use crate::model::{marker, scene};
use crate::scene::picture::PictureIndex as _;
use crate::session::Session;
use crate::session::api::{GestureId, Published, Request};
use crate::session::room::{Connection, Identity, Invitation};
use crate::session::testing::Serving;
use crate::storage::blobs::hash_of;
use crate::sync::dialect::Dialect;
use crate::util::clock::SystemClock;

/// What a slow machine may take.
const WAIT: Duration = Duration::from_secs(60);

/// What a bucket does when it is asked for a file.
#[derive(Clone)]
enum File {
    Whole(Vec<u8>),
    /// The second half comes when the gate is opened.
    Slow(Vec<u8>),
    /// The first answer ends in the middle.
    Cut(Vec<u8>, Option<&'static str>),
    /// So many bytes are promised.
    Huge(u64),
    Moved(String),
    Status(u16),
}

/// What somebody asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Asked {
    path: String,
    range: Option<String>,
    /// Something that proves who they are.
    has_proof: bool,
}

/// Files by path and query. What is not there is not found.
struct Bucket {
    files: Arc<Mutex<HashMap<String, File>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
    gate: watch::Sender<bool>,
    address: SocketAddr,
    _runtime: tokio::runtime::Runtime,
}

impl Bucket {
    fn start(files: impl IntoIterator<Item = (&'static str, File)>) -> Self {
        let named = files.into_iter().map(|(path, it)| (path.to_owned(), it));
        let files: Arc<Mutex<HashMap<_, _>>> = Arc::new(Mutex::new(named.collect()));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (gate, opened) = watch::channel(false);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let (theirs, log) = (Arc::clone(&files), Arc::clone(&asked));
        let answer = move |uri: Uri, headers: HeaderMap| {
            let path = uri.path_and_query().unwrap().as_str().to_owned();
            let range = headers.get(header::RANGE);
            let asked = Asked {
                range: range.map(|range| range.to_str().unwrap().to_owned()),
                has_proof: headers.contains_key(header::AUTHORIZATION)
                    || headers.contains_key(header::COOKIE),
                path: path.clone(),
            };
            let begin = asked.range.as_deref().map(first_of);
            log.lock().push(asked);
            let file = theirs.lock().get(&path).cloned();
            let opened = opened.clone();
            async move { answer(file.unwrap_or(File::Status(404)), begin, opened) }
        };
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(answer);
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self {
            files,
            asked,
            gate,
            address,
            _runtime: runtime,
        }
    }

    fn put(&self, path: &str, file: File) {
        self.files.lock().insert(path.to_owned(), file);
    }

    fn address(&self) -> PictureAddress {
        PictureAddress::parse(&format!("http://{}/b", self.address)).unwrap()
    }

    /// Somebody whose game's pictures are here.
    fn guest(&self) -> Guest {
        let guest = Guest::new();
        guest.courier.set_web(Some(self.address()));
        guest
    }

    fn asked_for(&self, path: &str) -> Vec<Asked> {
        let asked = self.asked.lock();
        asked.iter().filter(|it| it.path == path).cloned().collect()
    }
}

fn first_of(range: &str) -> usize {
    let first = range.strip_prefix("bytes=").unwrap();
    first.strip_suffix('-').unwrap().parse().unwrap()
}

fn answer(file: File, begin: Option<usize>, gate: watch::Receiver<bool>) -> Response<Body> {
    let of = |bytes: &[u8]| Bytes::copy_from_slice(bytes);
    let with_length = |length: u64| Response::builder().header(header::CONTENT_LENGTH, length);
    match (file, begin) {
        (File::Whole(bytes), _) => Response::new(Body::from(bytes)),
        (File::Status(status), _) => {
            let page = Body::from("<html>A page for people</html>");
            Response::builder().status(status).body(page).unwrap()
        }
        (File::Moved(to), _) => {
            let moved = Response::builder().status(302);
            moved
                .header(header::LOCATION, to)
                .body(Body::empty())
                .unwrap()
        }
        (File::Huge(bytes), _) => {
            let never = stream::pending::<Result<Bytes, std::io::Error>>();
            with_length(bytes).body(Body::from_stream(never)).unwrap()
        }
        (File::Slow(bytes), _) => {
            let half = bytes.len() / 2;
            let (first, second) = (of(&bytes[..half]), of(&bytes[half..]));
            let parts = stream::unfold(0, move |step| {
                let (first, second, mut gate) = (first.clone(), second.clone(), gate.clone());
                async move {
                    match step {
                        0 => Some((Ok::<_, std::io::Error>(first), 1)),
                        1 => {
                            let _ = gate.wait_for(|is_open| *is_open).await;
                            Some((Ok(second), 2))
                        }
                        _ => None,
                    }
                }
            });
            let body = Body::from_stream(parts);
            with_length(bytes.len() as u64).body(body).unwrap()
        }
        (File::Cut(bytes, Some(tag)), Some(begin)) => {
            let range = format!("bytes {begin}-{}/{}", bytes.len() - 1, bytes.len());
            Response::builder()
                .status(206)
                .header(header::ETAG, tag)
                .header(header::CONTENT_RANGE, range)
                .body(Body::from(of(&bytes[begin..])))
                .unwrap()
        }
        (File::Cut(bytes, tag), _) => {
            let half = of(&bytes[..bytes.len() / 2]);
            let cut = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
            let body = Body::from_stream(stream::iter([Ok(half), Err(cut)]));
            let mut response = with_length(bytes.len() as u64);
            if let Some(tag) = tag {
                response = response.header(header::ETAG, tag);
            }
            response.body(body).unwrap()
        }
    }
}

/// A picture of so many pixels, quickly made.
fn picture_of(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Grayscale);
    let mut writer = encoder.write_header().unwrap();
    let pixels = vec![90; (width * height) as usize];
    writer.write_image_data(&pixels).unwrap();
    writer.finish().unwrap();
    bytes
}

fn keys<const N: usize>(keys: [&str; N]) -> Vec<String> {
    keys.map(str::to_owned).to_vec()
}

/// The one sentence that a guest is told, once nothing is tried any more for the moment.
fn one_sentence(bucket: &Bucket, key: &str) -> String {
    let guest = bucket.guest();
    guest.courier.want(&keys([key]));
    guest.wait_for("a sentence", |told| {
        told.iter().any(|news| matches!(news, News::Problem(_)))
    });
    assert!(!guest.library.has_picture(key));
    let problems = guest.problems();
    assert_eq!(problems.len(), 1);
    problems.into_iter().next().unwrap()
}

#[test]
fn pictures_come_by_their_keys_and_are_kept_by_their_content() {
    let bucket = Bucket::start([
        ("/b/map/cave.png", File::Whole(picture(1))),
        ("/b/map/cave.png?v=2", File::Whole(picture(2))),
        ("/b/token/my%20hero.jpg", File::Whole(picture(1))),
        ("/b/map/moved.png", File::Moved("/elsewhere/x".into())),
        ("/elsewhere/x", File::Whole(picture(3))),
    ]);
    let guest = bucket.guest();
    // The room's server is another one, and its code is none of the bucket's business.
    let serving = Serving::start();
    guest.courier.set_server(Some(PictureServer {
        base: format!("http://{}", serving.server().address()),
        token: Some("SECRET".into()),
    }));
    let all = keys([
        "map/cave.png",
        "map/cave.png?v=2",
        "token/my hero.jpg",
        "map/moved.png",
    ]);
    guest.courier.want(&all);
    guest.courier.want(&all);
    guest.wait_for_pictures(&all);
    guest.wait_for("the work ends", is_at_rest);
    let hash = |key: &str| guest.library.pictures().find(key).unwrap().hash;
    let expected = [1, 2, 1, 3].map(|n| PictureHash::new(&hash_of(&picture(n))));
    assert_eq!(
        all.iter().map(|key| hash(key)).collect::<Vec<_>>(),
        expected
    );
    assert_eq!(guest.problems(), [""; 0]);
    let asked = bucket.asked.lock().clone();
    assert_eq!(asked.len(), 5, "{asked:?}");
    assert!(asked.iter().all(|it| !it.has_proof), "{asked:?}");
    // What is here is not asked for again, nor is anything when nobody says where.
    guest.courier.want(&all);
    guest.courier.set_web(None);
    guest.courier.want(&keys(["map/other.png"]));
    assert!(!guest.courier.is_busy());
    assert_eq!(bucket.asked.lock().len(), 5);
}

#[test]
fn what_is_not_there_is_told_once_and_comes_when_it_is_put_there() {
    let bucket = Bucket::start([("/b/map/shut.png", File::Status(403))]);
    let told = one_sentence(&bucket, "map/gone.png");
    assert!(told.contains(&bucket.address.to_string()), "{told}");
    assert!(told.contains("the game itself is safe"), "{told}");
    assert_eq!(bucket.asked_for("/b/map/gone.png").len(), 3);
    let told = one_sentence(&bucket, "map/shut.png");
    assert!(told.contains("status 403"), "{told}");

    let guest = bucket.guest();
    guest.courier.want(&keys(["map/late.png"]));
    guest.wait_for("it was asked for", |_| {
        !bucket.asked_for("/b/map/late.png").is_empty()
    });
    bucket.put("/b/map/late.png", File::Whole(picture(1)));
    guest.wait_for_pictures(&keys(["map/late.png"]));
    assert_eq!(guest.problems(), [""; 0]);
}

#[test]
fn what_is_no_picture_is_thrown_away() {
    let garbage = b"\x89PNG\r\n\x1a\nand then nothing of the sort".to_vec();
    let half = picture(1)[..60].to_vec();
    let bucket = Bucket::start([
        ("/b/map/garbage.png", File::Whole(garbage.clone())),
        ("/b/map/half.png", File::Whole(half)),
        ("/b/map/huge.png", File::Huge(web::MOST_BYTES + 1)),
    ]);
    for key in ["map/garbage.png", "map/half.png", "map/huge.png"] {
        let told = one_sentence(&bucket, key);
        let name = key.trim_start_matches("map/");
        assert!(told.contains(name), "{told}");
        assert!(told.contains("the game itself is safe"), "{told}");
    }
    let guest = bucket.guest();
    guest.courier.want(&keys(["map/garbage.png"]));
    guest.wait_for("it is told", |told| {
        let has_problem = told.iter().any(|news| matches!(news, News::Problem(_)));
        has_problem && is_at_rest(told)
    });
    let hash = PictureHash::new(&hash_of(&garbage));
    assert!(!guest.library.has_picture_file(&hash));
}

#[test]
fn nobody_there_and_circles_are_told_in_a_sentence() {
    let bucket = Bucket::start([
        ("/b/a", File::Moved("/b/c".into())),
        ("/b/c", File::Moved("/b/a".into())),
        ("/b/open", File::Moved("http://files.example.com/x".into())),
        ("/b/ill", File::Status(500)),
    ]);
    for (key, why) in [
        ("a", "from one address to the next"),
        ("open", "not safe to follow"),
        ("ill", "status 500"),
    ] {
        let told = one_sentence(&bucket, key);
        assert!(told.contains("could not be reached"), "{told}");
        assert!(told.contains(why), "{told}");
    }
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = nobody.local_addr().unwrap();
    drop(nobody);
    let guest = Guest::new();
    let web = PictureAddress::parse(&address.to_string()).unwrap();
    guest.courier.set_web(Some(web));
    guest.courier.want(&keys(["map/a.png", "map/b.png"]));
    guest.wait_for("a sentence", |told| {
        told.iter().any(|news| matches!(news, News::Problem(_)))
    });
    let told = guest.problems();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains(&address.to_string()), "{told:?}");
}

#[test]
fn videos_are_left_where_they_are() {
    let bucket = Bucket::start([]);
    let guest = bucket.guest();
    guest
        .courier
        .want(&keys(["map/sea.mp4", "map/fire.WEBM?v=2", "map/x.mov"]));
    guest.wait_for("a sentence", |told| {
        told.iter().any(|news| matches!(news, News::Problem(_))) && is_at_rest(told)
    });
    assert_eq!(guest.problems().len(), 1);
    assert!(guest.problems()[0].contains("video"));
    assert!(bucket.asked.lock().is_empty());
}

#[test]
fn a_slow_picture_counts_as_it_comes() {
    let bytes = long_picture(1 << 20);
    let bucket = Bucket::start([("/b/map/slow.png", File::Slow(bytes))]);
    let guest = bucket.guest();
    guest.courier.want(&keys(["map/slow.png"]));
    guest.wait_for("half of it", |told| {
        told.iter().any(|news| match news {
            News::Work(Some(work)) => {
                let half = work.done.is_some_and(|done| done > 0.3 && done < 0.7);
                half && &*work.what == "Fetching a picture"
            }
            _ => false,
        })
    });
    assert!(guest.courier.is_busy());
    bucket.gate.send_replace(true);
    guest.wait_for_pictures(&keys(["map/slow.png"]));
}

#[test]
fn what_is_cut_off_goes_on_only_where_the_file_is_surely_the_same() {
    let bytes = long_picture(1 << 20);
    let bucket = Bucket::start([
        ("/b/tagged.png", File::Cut(bytes.clone(), Some("\"1\""))),
        ("/b/weak.png", File::Cut(bytes.clone(), Some("W/\"1\""))),
        ("/b/bare.png", File::Cut(bytes.clone(), None)),
    ]);
    let guest = bucket.guest();
    guest.courier.want(&keys(["tagged.png"]));
    guest.wait_for_pictures(&keys(["tagged.png"]));
    let hash = guest.library.pictures().find("tagged.png").unwrap().hash;
    assert_eq!(hash.as_str(), hash_of(&bytes));
    let ranges: Vec<_> = bucket.asked_for("/b/tagged.png");
    assert!(ranges.last().unwrap().range.is_some(), "{ranges:?}");
    for key in ["weak.png", "bare.png"] {
        let path = format!("/b/{key}");
        guest.courier.want(&keys([key]));
        guest.wait_for("it is asked for anew", |_| {
            bucket.asked_for(&path).len() > 1
        });
        assert!(bucket.asked_for(&path).iter().all(|it| it.range.is_none()));
        bucket.put(&path, File::Whole(bytes.clone()));
        guest.wait_for_pictures(&keys([key]));
    }
}

/// Somebody with a library of their own, in a room.
struct Person {
    session: Session,
}

impl Person {
    fn new(folder: &std::path::Path) -> Self {
        let library = if Library::exists(folder) {
            Library::open(folder, Mode::Write)
        } else {
            Library::create_empty(folder)
        };
        let clock = Arc::new(SystemClock::default());
        let session = Session::start(Arc::new(library.unwrap()), clock, Arc::new(|| {}));
        let session = session.unwrap();
        let identity = Identity {
            name: "Somebody".into(),
            color: Rgb::WHITE,
            part: TablePart::Dm,
            shares_view: true,
        };
        session.send(Request::Introduce(identity)).unwrap();
        Self { session }
    }

    #[track_caller]
    fn wait<T>(&self, what: &str, mut found: impl FnMut(&Published) -> Option<T>) -> T {
        let begin = Instant::now();
        loop {
            let published = self.session.published();
            if let Some(found) = found(&published) {
                return found;
            }
            let late = begin.elapsed() > WAIT;
            assert!(!late, "{what}: {:?}", published.notices);
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn join(&self, invitation: Invitation) {
        self.session.send(Request::Join(invitation)).unwrap();
        self.wait("a live room", |published| {
            let room = published.room.as_ref()?;
            (room.connection == Connection::Live && !room.waits_for_room).then_some(())
        });
    }

    fn edit(&self, edits: Vec<Edit>) {
        let request = Request::Edit {
            gesture: GestureId(1),
            label: "Edit",
            edits,
            last: true,
        };
        self.session.send(request).unwrap();
    }
}

#[test]
fn a_dm_who_joins_a_web_client_s_room_sees_its_map_as_web_clients_do() {
    let bucket = Bucket::start([
        ("/b/map/large.png?v=7", File::Whole(picture_of(6000, 20))),
        ("/b/token/orc.png", File::Whole(picture_of(40, 30))),
    ]);
    let serving = Serving::start_open();
    let (there, here) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mira = Person::new(there.path());
    mira.session
        .send(Request::CreateScene {
            name: "Cave".into(),
        })
        .unwrap();
    let cave = mira.wait("a scene", |published| {
        let mut scenes = published.scenes.iter();
        scenes
            .find(|it| &*it.name == "Cave")
            .map(|it| it.id.clone())
    });
    mira.edit(vec![Edit::Set {
        row: RowRef::Scene(cave.clone()),
        values: vec![Assignment::new(
            scene::MAP_LOCATION,
            Some("map/large.png?v=7"),
        )],
    }]);
    let (game, party): (GameSessionId, PartyId) = mira.wait("a game", |published| {
        Some((published.game.clone()?, published.party.clone()?))
    });
    let invitation = Invitation {
        dialect: Dialect::YPartyKit,
        server: format!("http://{}", serving.server().address()),
        game,
        party: Some(party),
        token: None,
        title: "Web".into(),
        pictures: None,
        may_initialise: true,
    };
    mira.join(invitation.clone());

    let tom = Person::new(here.path());
    let from_bucket = Invitation {
        pictures: Some(bucket.address()),
        may_initialise: false,
        ..invitation
    };
    tom.join(from_bucket);
    tom.session.send(Request::EditScene(cave.clone())).unwrap();
    let size = tom.wait("the map", |published| {
        let scene = published.editing.as_ref().filter(|it| it.id == cave)?;
        let map = scene.map.value.as_ref()?;
        map.picture.as_ref()?;
        Some(map.placement.size_px)
    });
    assert_eq!(size, [3000, 10]);

    // Where the pictures are is still known after a restart.
    drop(tom);
    mira.edit(vec![Edit::Create {
        row: RowRef::marker(&cave, &RowId::new("orc")),
        values: vec![Assignment::new(
            marker::IMAGE_LOCATION,
            Some("token/orc.png"),
        )],
    }]);
    let tom = Person::new(here.path());
    tom.wait("the token's picture", |published| {
        let scene = published.editing.as_ref().filter(|it| it.id == cave)?;
        let orc = scene.markers.iter().find(|it| it.id.as_str() == "orc")?;
        orc.picture.clone()
    });
    assert_eq!(bucket.asked_for("/b/map/large.png?v=7").len(), 1);
    // Nobody told the other where to look.
    let hers = mira.session.published();
    let hers = hers.editing.as_ref().filter(|it| it.id == cave).unwrap();
    assert!(hers.map.value.as_ref().unwrap().picture.is_none());
}

#[test]
fn a_room_that_keeps_no_pictures_says_so_once() {
    let bucket = Bucket::start([]);
    let guest = Guest::new();
    guest.courier.set_server(Some(PictureServer {
        base: format!("http://{}", bucket.address),
        token: None,
    }));
    let locations: Vec<_> = (0..4).map(|n| guest.add(&picture(n))).collect();
    guest.courier.offer(&locations);
    guest.wait_for("a sentence", |told| {
        told.iter().any(|news| matches!(news, News::Problem(_))) && is_at_rest(told)
    });
    guest.courier.offer(&locations);
    let told = guest.problems();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("keeps no pictures"), "{told:?}");
    // The four may have been on their way at once; nobody comes again.
    assert!(bucket.asked.lock().len() <= 2 * AT_A_TIME);
}
