//! What a guest is promised of pictures, against a real server on loopback.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::library::pictures::PictureUse;
use crate::scene::picture::PictureIndex as _;
use crate::server::access::RoomTokens;
use crate::session::testing::Serving;
use crate::storage::blobs::{Blobs, hash_of};

/// What a slow machine may take.
const WAIT: Duration = Duration::from_secs(60);

/// A library, its courier and what that told.
pub(super) struct Guest {
    pub(super) library: Arc<Library>,
    pub(super) courier: Courier,
    told: Arc<Mutex<Vec<News>>>,
    _folder: tempfile::TempDir,
}

impl Guest {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let library = Arc::new(Library::create_empty(folder.path()).unwrap());
        let told = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&told);
        let courier = Courier::start(Arc::clone(&library), move |news| heard.lock().push(news));
        Self {
            library,
            courier: courier.unwrap(),
            told,
            _folder: folder,
        }
    }

    pub(super) fn at(address: SocketAddr, token: &str) -> Self {
        let guest = Self::new();
        guest.courier.set_server(Some(PictureServer {
            base: format!("http://{address}"),
            token: Some(token.to_owned()),
        }));
        guest
    }

    pub(super) fn add(&self, bytes: &[u8]) -> String {
        let added = self
            .library
            .add_picture(&mut &*bytes, PictureUse::Map, "", &mut |_| ());
        added.unwrap().location
    }

    pub(super) fn wait_for(&self, what: &str, is_so: impl Fn(&[News]) -> bool) {
        let until = Instant::now() + WAIT;
        while !is_so(&self.told.lock()) {
            assert!(Instant::now() < until, "{what}: {:?}", self.told.lock());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub(super) fn wait_for_pictures(&self, locations: &[String]) {
        self.wait_for("pictures arrive", |told| {
            let arrived = |location: &String| {
                told.iter()
                    .any(|news| matches!(news, News::Arrived(all) if all.contains(location)))
            };
            locations.iter().all(arrived)
        });
        for location in locations {
            assert!(self.library.has_picture(location));
        }
    }

    pub(super) fn problems(&self) -> Vec<String> {
        let told = self.told.lock();
        let problems = told.iter().filter_map(|news| match news {
            News::Problem(problem) => Some(problem.clone()),
            _ => None,
        });
        problems.collect()
    }
}

pub(super) fn picture(n: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 64, 64);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&[n; 64 * 64 * 3]).unwrap();
    writer.finish().unwrap();
    bytes
}

/// A picture whose file is as long as `bytes`: what follows its end is not looked at.
pub(super) fn long_picture(bytes: usize) -> Vec<u8> {
    let mut file = picture(200);
    file.resize(bytes, 0x5a);
    file
}

fn location(bytes: &[u8]) -> String {
    format!("map/{}.png", hash_of(bytes))
}

fn codes(serving: &Serving) -> RoomTokens {
    let codes = RoomTokens::short();
    let room = "game_session/g".parse().unwrap();
    serving.tokens().grant(&room, codes.clone()).unwrap();
    codes
}

fn give(serving: &Serving, bytes: &[u8]) {
    let blobs: &Blobs = serving.server().host().blobs();
    blobs
        .keep(blobs.receive(&mut &*bytes, 1 << 30).unwrap())
        .unwrap();
}

/// Nothing is on the way any more. A picture's arrival may be told after that, by another thread.
pub(super) fn is_at_rest(told: &[News]) -> bool {
    let mut works = told.iter().rev().filter_map(|news| match news {
        News::Work(work) => Some(work),
        _ => None,
    });
    works.next().is_some_and(Option::is_none)
}

#[test]
fn pictures_go_from_one_library_to_another_through_the_room() {
    let serving = Serving::start();
    let codes = codes(&serving);
    let address = serving.server().address();
    let came = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&came);
    serving
        .server()
        .host()
        .set_picture_listener(Arc::new(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
        }));
    let giver = Guest::at(address, &codes.dm);
    let mut locations: Vec<String> = (0..5).map(|n| giver.add(&picture(n))).collect();
    let taker = Guest::at(address, &codes.viewer);
    // Wanted before anybody has handed them over; twice does no harm, nor do keys without a hash.
    taker.courier.want(&["map/a_2400x1400.jpg".to_owned()]);
    taker.courier.want(&locations);
    taker.courier.want(&locations);
    giver.courier.offer(&locations);
    giver.courier.offer(&locations);
    taker.wait_for_pictures(&locations);
    assert_eq!(came.load(Ordering::Relaxed), 5);
    taker.wait_for("the work ends", is_at_rest);
    giver.wait_for("the work ends", is_at_rest);
    assert_eq!(taker.problems(), [""; 0]);
    // The same picture under another key is not fetched again.
    let other = locations[0].replace("map/", "token/");
    taker.courier.set_server(None);
    taker.courier.want(std::slice::from_ref(&other));
    locations.push(other);
    taker.wait_for_pictures(&locations);
}

#[test]
fn a_file_that_a_guest_sent_to_the_host_needs_no_server() {
    let host = Guest::new();
    let bytes = picture(1);
    let blobs = Blobs::new(host.library.folder().join("blobs"));
    let location = location(&bytes);
    host.courier.want(std::slice::from_ref(&location));
    blobs
        .keep(blobs.receive(&mut &bytes[..], 1 << 20).unwrap())
        .unwrap();
    host.courier.want(std::slice::from_ref(&location));
    host.wait_for_pictures(&[location]);
}

#[test]
fn whoever_may_not_hand_over_is_told_once_and_whoever_has_no_code_too() {
    let serving = Serving::start();
    let codes = codes(&serving);
    let address = serving.server().address();
    let viewer = Guest::at(address, &codes.viewer);
    let mut locations: Vec<_> = (0..3).map(|n| viewer.add(&picture(n))).collect();
    locations.push(viewer.add(&long_picture(8 << 20)));
    viewer.courier.offer(&locations);
    viewer.wait_for("a refusal", is_at_rest);
    assert_eq!(viewer.problems().len(), 1);
    assert!(
        viewer.problems()[0].contains("only a DM"),
        "{:?}",
        viewer.problems()
    );

    let stranger = Guest::at(address, "0000000000");
    stranger
        .courier
        .want(&(0..9).map(|n| location(&[n])).collect::<Vec<_>>());
    stranger.wait_for("a refusal", is_at_rest);
    assert_eq!(stranger.problems().len(), 1);
}

#[test]
fn what_is_not_what_it_is_named_is_thrown_away() {
    let serving = Serving::start();
    let codes = codes(&serving);
    let guest = Guest::at(serving.server().address(), &codes.dm);
    let (text, real) = (b"no picture".to_vec(), picture(7));
    give(&serving, &text);
    give(&serving, &real);
    // Rot on the server's disk.
    let rotten = location(&real);
    let path = serving
        .server()
        .host()
        .blobs()
        .path(&hash_of(&real))
        .unwrap();
    std::fs::write(path, picture(8)).unwrap();
    guest.courier.want(&[location(&text), rotten.clone()]);
    guest.wait_for("it is told", |told| {
        let has_problem = told.iter().any(|news| matches!(news, News::Problem(_)));
        has_problem && is_at_rest(told)
    });
    assert_eq!(guest.problems().len(), 1);
    assert!(!guest.library.has_picture(&rotten));
    assert_eq!(guest.library.pictures().find(&location(&text)), None);
}

pub(super) fn start(run: impl FnOnce() + Send + 'static) {
    let named = std::thread::Builder::new().name("cutting".into());
    named.spawn(run).unwrap();
}

/// Stands between guest and server and cuts each connection after so many bytes.
fn cutting(server: SocketAddr, after: usize) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let heads = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&heads);
    start(move || {
        for guest in listener.incoming() {
            let (mut guest, seen) = (guest.unwrap(), Arc::clone(&seen));
            start(move || {
                let mut host = TcpStream::connect(server).unwrap();
                let mut head = vec![0; 4096];
                let count = guest.read(&mut head).unwrap_or(0);
                head.truncate(count);
                seen.lock()
                    .push(String::from_utf8_lossy(&head).into_owned());
                host.write_all(&head).unwrap();
                let mut left = after;
                let mut part = vec![0; 16 << 10];
                while left > 0 {
                    let most = part.len().min(left);
                    let count = host.read(&mut part[..most]).unwrap_or(0);
                    if count == 0 || guest.write_all(&part[..count]).is_err() {
                        break;
                    }
                    left -= count;
                }
                let _ = guest.shutdown(Shutdown::Both);
            });
        }
    });
    (address, heads)
}

#[test]
fn a_picture_that_is_cut_off_goes_on_where_it_was() {
    let serving = Serving::start();
    let codes = codes(&serving);
    let bytes = long_picture(1 << 20);
    give(&serving, &bytes);
    let (proxy, heads) = cutting(serving.server().address(), 400_000);
    let guest = Guest::at(proxy, &codes.dm);
    guest.courier.want(&[location(&bytes)]);
    guest.wait_for_pictures(&[location(&bytes)]);
    let heads = heads.lock();
    let is_whole = |head: &&String| !head.contains("/coarse ");
    let heads: Vec<&String> = heads.iter().filter(is_whole).collect();
    assert_eq!(heads.len(), 3, "{heads:?}");
    let is_resumed = |head: &&&String| head.to_lowercase().contains("range: bytes=");
    assert_eq!(heads.iter().filter(is_resumed).count(), 2);
    assert_eq!(guest.problems(), [""; 0]);
}

/// Answers for a picture and its coarse one; the rest of the picture comes when it is told to.
fn dawdling(whole: Vec<u8>, coarse: Vec<u8>) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let goes_on = Arc::new(AtomicUsize::new(0));
    let told = Arc::clone(&goes_on);
    start(move || {
        for guest in listener.incoming() {
            let (mut guest, goes_on) = (guest.unwrap(), Arc::clone(&told));
            let (whole, coarse) = (whole.clone(), coarse.clone());
            start(move || {
                let mut head = vec![0; 4096];
                let count = guest.read(&mut head).unwrap_or(0);
                head.truncate(count);
                let is_coarse = String::from_utf8_lossy(&head).contains("/coarse ");
                let body = if is_coarse { coarse } else { whole };
                let answer = format!(
                    "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\
                     x-picture-size: 2048x1024\r\n\r\n",
                    body.len()
                );
                let (first, rest) = body.split_at(body.len() / 2);
                let _ = guest.write_all(answer.as_bytes());
                let _ = guest.write_all(first);
                while !is_coarse && goes_on.load(Ordering::Acquire) == 0 {
                    std::thread::sleep(Duration::from_millis(5));
                }
                let _ = guest.write_all(rest);
            });
        }
    });
    (address, goes_on)
}

#[test]
fn a_large_picture_is_shown_coarse_until_it_is_here() {
    let mut whole = Vec::new();
    let noise = image::RgbImage::from_fn(2048, 1024, |x, y| {
        image::Rgb(
            (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503)).to_le_bytes()[..3]
                .try_into()
                .unwrap(),
        )
    });
    let mut file = std::io::Cursor::new(&mut whole);
    noise.write_to(&mut file, image::ImageFormat::Png).unwrap();
    assert!(whole.len() as u64 > 2 * LONG_BYTES);
    let mut coarse = Vec::new();
    let mut file = std::io::Cursor::new(&mut coarse);
    let small = image::RgbImage::from_pixel(512, 256, image::Rgb([9, 9, 9]));
    small.write_to(&mut file, image::ImageFormat::Png).unwrap();
    let (server, goes_on) = dawdling(whole.clone(), coarse);
    let guest = Guest::at(server, "x");
    let location = location(&whole);
    guest.courier.want(std::slice::from_ref(&location));
    guest.wait_for("a coarse picture", |told| {
        told.iter()
            .any(|news| matches!(news, News::Coarse(keys) if *keys == [location.clone()]))
    });
    let find = || guest.library.pictures().find(&location).unwrap();
    assert_eq!([find().width, find().height], [2048, 1024]);
    assert!(!guest.library.has_picture(&location));
    goes_on.store(1, Ordering::Release);
    guest.wait_for_pictures(std::slice::from_ref(&location));
    assert_eq!([find().width, find().height], [2048, 1024]);
    assert_eq!(guest.problems(), [""; 0]);
}

/// Takes connections and never says a word.
fn silent() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

#[test]
fn it_ends_and_changes_servers_promptly_while_a_server_is_silent() {
    let (listener, nobody) = silent();
    let serving = Serving::start();
    let codes = codes(&serving);
    let bytes = picture(3);
    give(&serving, &bytes);
    let guest = Guest::at(nobody, "x");
    let locations: Vec<_> = (0..AT_A_TIME as u8).map(|n| location(&[n])).collect();
    guest.courier.want(&locations);
    let waiting: Vec<_> = (0..AT_A_TIME).map(|_| listener.accept().unwrap()).collect();
    // All threads wait for the silent one; another server sets them free.
    guest.courier.set_server(Some(PictureServer {
        base: format!("http://{}", serving.server().address()),
        token: Some(codes.dm.clone()),
    }));
    guest.courier.want(&[location(&bytes)]);
    guest.wait_for_pictures(&[location(&bytes)]);
    drop(waiting);

    let guest = Guest::at(nobody, "x");
    guest.courier.want(&locations);
    let waiting: Vec<_> = (0..AT_A_TIME).map(|_| listener.accept().unwrap()).collect();
    let shared = Arc::downgrade(&guest.courier.shared);
    drop(guest.courier);
    let until = Instant::now() + WAIT;
    while shared.upgrade().is_some() {
        assert!(Instant::now() < until, "its threads live on");
        std::thread::sleep(Duration::from_millis(5));
    }
    drop(waiting);
}

/// What a server that has a page for every path was asked.
#[derive(Default)]
struct Asked {
    gets: AtomicUsize,
    heads: AtomicUsize,
    puts: AtomicUsize,
}

/// A server that answers 200 to everything, with the same bytes.
fn agreeable(kind: &'static str, page: &'static str) -> (SocketAddr, Arc<Asked>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(Asked::default());
    let seen = Arc::clone(&asked);
    start(move || {
        for guest in listener.incoming() {
            let (mut guest, seen) = (guest.unwrap(), Arc::clone(&seen));
            start(move || {
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") && guest.read(&mut byte).unwrap_or(0) == 1 {
                    head.extend(byte);
                }
                let head = String::from_utf8_lossy(&head).to_lowercase();
                let method = head.split(' ').next().unwrap_or_default();
                let (count, body) = match method {
                    "get" => (&seen.gets, page),
                    "head" => (&seen.heads, ""),
                    _ => (&seen.puts, page),
                };
                count.fetch_add(1, Ordering::Relaxed);
                if method == "put" {
                    let _ = guest.write_all(b"HTTP/1.1 100 Continue\r\n\r\n");
                    let length = head.split("content-length: ").nth(1);
                    let length = length.and_then(|it| it.lines().next()?.trim().parse().ok());
                    let chunked = b"0\r\n\r\n";
                    let mut body = Vec::new();
                    while length.map_or(!body.ends_with(chunked), |all: usize| body.len() < all)
                        && guest.read(&mut byte).unwrap_or(0) == 1
                    {
                        body.extend(byte);
                    }
                }
                let answer = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\
                     connection: close\r\n\r\n{body}",
                    page.len()
                );
                let _ = guest.write_all(answer.as_bytes());
            });
        }
    });
    (address, asked)
}

#[test]
fn a_server_with_a_page_for_every_path_has_no_pictures() {
    for (kind, page) in [
        (
            "text/html; charset=utf-8",
            "<!doctype html><title>Hello</title>",
        ),
        ("text/plain", "ok"),
    ] {
        let (address, asked) = agreeable(kind, page);
        let guest = Guest::at(address, "x");
        let wanted = location(b"what nobody has");
        guest.courier.want(std::slice::from_ref(&wanted));
        // It is not there: it is looked for again, later, and is not on the way meanwhile.
        guest.wait_for("it was looked for again", |_| {
            asked.gets.load(Ordering::Relaxed) >= 2
        });
        guest.wait_for("nothing is on the way", |_| !guest.courier.is_busy());
        assert!(!guest.library.has_picture(&wanted));
        // Nor does it have what it is asked for before it is handed over, nor afterwards.
        let given: Vec<String> = (0..3).map(|n| guest.add(&picture(n))).collect();
        guest.courier.offer(&given);
        guest.wait_for("it is told", |told| {
            told.iter().any(|news| matches!(news, News::Problem(_)))
        });
        guest.wait_for("nothing is on the way", is_at_rest);
        let problems = guest.problems();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].contains("keeps no pictures"), "{problems:?}");
        let tries = asked.puts.load(Ordering::Relaxed);
        assert!((1..=AT_A_TIME).contains(&tries), "{kind}: {tries}");
        assert!(asked.heads.load(Ordering::Relaxed) >= tries);
    }
}
