//! What the queue promises, without a network.

use super::*;

/// Nobody can be asked.
const NONE: Reach = Reach {
    room: false,
    web: false,
};
/// The room's server can.
const ROOM: Reach = Reach {
    room: true,
    web: false,
};

fn fetch(name: &str) -> Key {
    Key::Fetch(PictureHash::new(name))
}

fn offer(name: &str) -> Key {
    Key::Offer(PictureHash::new(name))
}

fn name_of(key: &Key) -> &str {
    match key {
        Key::Fetch(hash) | Key::Offer(hash) => hash.as_str(),
        Key::Web(location) => location,
    }
}

fn queue(names: &[&str]) -> Queue {
    let mut queue = Queue::default();
    for name in names {
        queue.want(fetch(name), Some(&format!("map/{name}.png")), false);
    }
    queue
}

fn taken(queue: &mut Queue, now: Instant) -> Option<String> {
    queue
        .take(now, ROOM)
        .map(|task| name_of(&task.key).to_owned())
}

#[test]
fn the_latest_wanted_comes_first_and_what_others_lack_last() {
    let mut queue = queue(&["a", "b", "c"]);
    queue.want(offer("d"), None, false);
    queue.want(fetch("a"), Some(&"token/a.png".to_owned()), false);
    let now = Instant::now();
    assert!(queue.take(now, NONE).is_none(), "there is no server");
    assert_eq!(queue.news(NONE), None, "and nothing is on the way");
    let first = queue.take(now, ROOM).unwrap();
    assert_eq!(first.locations, ["map/a.png", "token/a.png"]);
    let rest: Vec<_> = std::iter::from_fn(|| taken(&mut queue, now)).collect();
    assert_eq!(rest, ["c", "b", "d"]);
}

#[test]
fn what_cannot_be_reached_is_said_to_wait_and_not_to_go() {
    let mut queue = Queue::default();
    for name in ["a", "b"] {
        queue.want(offer(name), None, false);
    }
    let told = |queue: &mut Queue| {
        let work = queue.news(ROOM).flatten().unwrap();
        (work.what.to_string(), work.done.is_some())
    };
    let waits = |words: &str| (words.to_owned(), false);
    let goes = |words: &str| (words.to_owned(), true);
    let nobody = || Err(Failure::Passing("nobody answers".into()));
    let now = Instant::now();
    let first = queue.take(now, ROOM).unwrap();
    assert_eq!(told(&mut queue), goes("Sending 1 of 2 pictures"));
    queue.settle(&first.key, nobody(), now);
    assert_eq!(queue.news(ROOM), None, "once is an accident");
    let next = queue.take(now, ROOM).unwrap();
    queue.settle(&next.key, nobody(), now);
    assert_eq!(told(&mut queue), waits("2 pictures wait to be sent"));
    let later = now + Duration::from_secs(3600);
    let second = queue.take(later, ROOM).unwrap();
    assert_eq!(queue.news(ROOM), None, "an attempt is no news");
    queue.settle(&second.key, Ok(()), later);
    assert_eq!(told(&mut queue), goes("Sending 2 of 2 pictures"));
    let last = queue.take(later, ROOM).unwrap();
    queue.settle(&last.key, nobody(), later);
    let much_later = later + Duration::from_secs(3600);
    let last = queue.take(much_later, ROOM).unwrap();
    queue.settle(&last.key, nobody(), much_later);
    assert_eq!(told(&mut queue), waits("1 picture waits to be sent"));
}

#[test]
fn what_fails_is_tried_ever_later_and_told_once() {
    let mut queue = queue(&["a", "b"]);
    let mut now = Instant::now();
    let mut told = 0;
    let mut last_wait = Duration::ZERO;
    for _ in 0..40 {
        while let Some(task) = queue.take(now, ROOM) {
            let failure = Err(Failure::Passing("gone".into()));
            told += usize::from(queue.settle(&task.key, failure, now).is_some());
        }
        let next = queue.next_attempt(ROOM).unwrap();
        last_wait = next - now;
        now = next;
    }
    assert_eq!(told, 1);
    assert!(last_wait > Duration::from_millis(1), "{last_wait:?}");
    // Another server is another story.
    queue.new_server(Side::Room);
    assert!(taken(&mut queue, now).is_some());
}

#[test]
fn what_a_server_lacks_is_looked_for_for_some_minutes_and_then_when_asked_anew() {
    let mut queue = queue(&["a"]);
    let begin = Instant::now();
    let mut now = begin;
    let mut told = Vec::new();
    while let Some(name) = taken(&mut queue, now) {
        told.extend(queue.settle(&fetch(&name), Err(Failure::Absent), now));
        assert_eq!(
            queue.news(ROOM).unwrap_or_default(),
            None,
            "nothing is on the way"
        );
        now = queue.next_attempt(ROOM).unwrap_or(now);
    }
    assert_eq!(told.len(), 1);
    assert!(now - begin > Duration::from_secs(60), "{:?}", now - begin);
    assert!(now - begin < Duration::from_secs(600));
    queue.want(fetch("a"), None, false);
    assert_eq!(taken(&mut queue, now), None, "no sooner for being asked");
    assert_eq!(queue.news(ROOM), None, "nor is it on the way");
    assert!(taken(&mut queue, now + Duration::from_secs(60)).is_some());
}

#[test]
fn a_server_that_refuses_is_left_alone() {
    let mut queue = queue(&["a", "b", "c"]);
    let now = Instant::now();
    let name = taken(&mut queue, now).unwrap();
    let refused = Err(Failure::Refused("no".into()));
    assert!(queue.settle(&fetch(&name), refused, now).is_some());
    assert_eq!(taken(&mut queue, now), None);
    assert_eq!(queue.next_attempt(ROOM), None);
    assert_eq!(queue.news(ROOM), None, "nothing is on the way");
    queue.want(fetch("a"), None, false);
    assert_eq!(
        taken(&mut queue, now),
        None,
        "so soon it is not asked again"
    );
    // A file that a guest sent needs no server.
    queue.want(fetch("b"), None, true);
    assert_eq!(taken(&mut queue, now).as_deref(), Some("b"));
    // The other way is another question.
    queue.want(offer("d"), None, false);
    assert_eq!(taken(&mut queue, now).as_deref(), Some("d"));
}

#[test]
fn progress_counts_pictures_and_their_bytes() {
    let mut queue = queue(&["a", "b"]);
    let now = Instant::now();
    let says = |queue: &mut Queue| {
        queue
            .news(ROOM)
            .flatten()
            .map(|work| (work.what.to_string(), work.done))
    };
    let first = taken(&mut queue, now).unwrap();
    queue.progress(&fetch(&first), 50, 100);
    let halfway = ("Fetching 1 of 2 pictures".to_owned(), Some(0.25));
    assert_eq!(says(&mut queue), Some(halfway));
    assert_eq!(queue.news(ROOM), None, "nothing new");
    assert!(queue.settle(&fetch(&first), Ok(()), now).is_none());
    let second = ("Fetching 2 of 2 pictures".to_owned(), Some(0.5));
    assert_eq!(says(&mut queue), Some(second));
    let last = taken(&mut queue, now).unwrap();
    queue.settle(&fetch(&last), Ok(()), now);
    assert_eq!(queue.news(ROOM), Some(None), "it is over");
}

#[test]
fn no_share_stands_after_the_transfer_that_it_was_of() {
    let mut queue = queue(&["a"]);
    let now = Instant::now();
    let says = |queue: &mut Queue| {
        queue
            .news(ROOM)
            .flatten()
            .map(|work| (work.what.to_string(), work.done))
    };
    let going = |share| Some(("Fetching a picture".to_owned(), Some(share)));
    let waiting = Some(("1 picture waits to be fetched".to_owned(), None));
    let name = taken(&mut queue, now).unwrap();
    queue.progress(&fetch(&name), 80, 100);
    assert_eq!(says(&mut queue), going(0.8));
    // It is cut off, and goes on.
    queue.progress(&fetch(&name), 80, 0);
    assert_eq!(says(&mut queue), waiting);
    queue.progress(&fetch(&name), 90, 100);
    assert_eq!(says(&mut queue), going(0.9));
    // It fails: what came is thrown away, and it begins again later.
    let failed = Err(Failure::Passing("gone".into()));
    queue.settle(&fetch(&name), failed, now);
    assert_eq!(says(&mut queue), going(0.0));
    let later = now + Duration::from_secs(60);
    let name = taken(&mut queue, later).unwrap();
    queue.progress(&fetch(&name), 70, 100);
    assert_eq!(says(&mut queue), going(0.7));
    // The server is left meanwhile.
    queue.forget(Side::Room);
    assert_eq!(queue.news(ROOM), Some(None));
}

#[test]
fn what_the_server_has_is_not_offered_again() {
    let mut queue = queue(&["fetched"]);
    let now = Instant::now();
    queue.want(offer("offered"), None, false);
    while let Some(task) = queue.take(now, ROOM) {
        assert!(queue.settle(&task.key, Ok(()), now).is_none());
    }
    for name in ["fetched", "offered"] {
        queue.want(offer(name), None, false);
    }
    assert!(queue.take(now, ROOM).is_none());
    queue.new_server(Side::Room);
    queue.want(offer("offered"), None, false);
    assert!(
        queue.take(now, ROOM).is_some(),
        "another server may lack it"
    );
}

#[test]
fn what_is_of_no_use_is_not_fetched_again_and_again() {
    let mut queue = queue(&["a"]);
    let mut now = Instant::now();
    let mut told = 0;
    for _ in 0..10 {
        queue.want(fetch("a"), None, false);
        while let Some(task) = queue.take(now, ROOM) {
            let useless = Err(Failure::Useless("bad".into()));
            told += usize::from(queue.settle(&task.key, useless, now).is_some());
            now += Duration::from_secs(60);
        }
    }
    assert_eq!(told, 1);
    assert_eq!(queue.entries.first().map(|entry| entry.failures), Some(2));
    assert_eq!(queue.news(ROOM), None, "nothing is on the way");
}

#[test]
fn what_is_wanted_while_it_comes_is_not_lost() {
    let mut queue = queue(&["a"]);
    let now = Instant::now();
    let task = queue.take(now, ROOM).unwrap();
    queue.want(fetch("a"), Some(&"token/a.png".to_owned()), false);
    queue.settle(&task.key, Ok(()), now);
    let again = queue.take(now, NONE).unwrap();
    assert_eq!(again.locations, ["map/a.png", "token/a.png"]);
    // The server is left while it comes, and the next room names it too.
    queue.forget(Side::Room);
    queue.want(fetch("a"), None, false);
    queue.settle(&again.key, Err(Failure::Off), now);
    assert!(queue.take(now, ROOM).is_some());
    // It is left again, and nobody wants it any more.
    queue.forget(Side::Room);
    queue.settle(&again.key, Err(Failure::Off), now);
    assert!(queue.take(now, ROOM).is_none());
}

#[test]
fn the_queue_is_bounded() {
    let names: Vec<String> = (0..MOST_TASKS + 10).map(|n| n.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut queue = queue(&names);
    assert_eq!(queue.entries.len(), MOST_TASKS);
    let latest = names.last().map(|name| (*name).to_owned());
    assert_eq!(taken(&mut queue, Instant::now()), latest);
}

#[test]
fn the_bucket_s_trouble_is_its_own() {
    let both = Reach {
        room: true,
        web: true,
    };
    let web = |name: &str| Key::Web(name.to_owned());
    let mut queue = queue(&["a"]);
    let location = "map/cave.png".to_owned();
    queue.want(web(&location), Some(&location), false);
    let mut now = Instant::now();
    assert_eq!(taken(&mut queue, now).as_deref(), Some("a"));
    assert_eq!(taken(&mut queue, now), None, "nobody says where it is");
    queue.settle(&fetch("a"), Err(Failure::Refused("no".into())), now);
    queue.want(web("map/b.png"), None, false);
    // The room's refusal closes no other way, nor does the bucket's for one file.
    let mut told = Vec::new();
    let mut looks = 0;
    while let Some(task) = queue.take(now, both) {
        looks += 1;
        let refused = Err(Failure::Refused("status 403".into()));
        told.extend(queue.settle(&task.key, refused, now));
        now = queue.next_attempt(both).unwrap_or(now).max(now);
    }
    assert_eq!(looks, 2 * LOOKS_FOR_ABSENT);
    assert_eq!(told.len(), 1, "{told:?}");
    // Another bucket is asked at once; what the room refused stays refused.
    queue.new_server(Side::Web);
    assert_eq!(queue.take(now, ROOM).map(|it| it.key), None);
    let again = queue.take(now, both).unwrap();
    assert_eq!(again.key, web("map/b.png"));
    queue.settle(&again.key, Ok(()), now);
    queue.forget(Side::Web);
    assert!(queue.take(now, both).is_none());
}
