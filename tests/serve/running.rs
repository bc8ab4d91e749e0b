//! A server starts, stops, is killed and started again, and loses nothing.

#[cfg(unix)]
use tableglow::sync::protocol::{Message, SyncMessage};

use super::serving::{Serve, command};

#[test]
fn two_people_share_a_room_and_a_killed_server_loses_nothing_it_acknowledged() {
    let data = tempfile::tempdir().unwrap();
    let mut server = Serve::start(data.path(), &["--open"]);
    let (mut ada, mut bob) = (server.guest(), server.guest());
    ada.create("cave");
    bob.wait_until(|peer| peer.scenes().contains("cave"));
    bob.create("tower");
    ada.wait_until(|peer| peer.scenes().len() == 2);
    ada.wait_until(|peer| peer.durable == peer.sent);
    bob.wait_until(|peer| peer.durable == peer.sent);
    server.kill();

    let server = Serve::start(data.path(), &["--open"]);
    let late = server.guest();
    assert_eq!(late.scenes(), ada.scenes());
    // A cursor, and its end when its owner is cut off.
    let mut watcher = server.guest();
    let mut cut = server.guest();
    cut.show(7, 1, r#"{"cursor":{}}"#);
    watcher.wait_until(|peer| peer.shown.contains(&(7, r#"{"cursor":{}}"#.into())));
    drop(cut);
    watcher.wait_until(|peer| peer.shown.contains(&(7, "null".into())));
}

#[cfg(unix)]
#[test]
fn a_server_that_is_told_to_stop_saves_everything_first() {
    let data = tempfile::tempdir().unwrap();
    let server = Serve::start(data.path(), &["--open"]);
    let mut ada = server.guest();
    for n in 0..20 {
        ada.create(&format!("scene{n}"));
    }
    // The server has read them all when it has answered what came after them.
    let has = ada.doc.replica().state_vector();
    ada.send(&Message::Sync(SyncMessage::Step1(&has)));
    while !ada.hear_one() {}
    let (code, _) = server.terminate();
    assert_eq!(code, Some(0));
    let server = Serve::start(data.path(), &["--open"]);
    assert_eq!(server.guest().scenes().len(), 20);
}

#[test]
fn what_cannot_be_served_is_told_in_a_sentence() {
    let data = tempfile::tempdir().unwrap();
    let _server = Serve::start(data.path(), &["--open"]);
    let fails = |arguments: &[&str], with: &str| {
        let output = command(data.path(), arguments).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.contains(with) && said.trim().lines().count() == 1,
            "{said}"
        );
    };
    fails(
        &["--listen", "127.0.0.1:0", "--open"],
        "another server is running",
    );
    fails(&["--listen", "0.0.0.0:0", "--open"], "this machine only");
    fails(
        &["--listen", "127.0.0.1:0", "--seed", "p/r=/nowhere"],
        "/nowhere",
    );
    let usage = command(data.path(), &["--seed", "nonsense"])
        .output()
        .unwrap();
    assert_eq!(usage.status.code(), Some(2));
}
