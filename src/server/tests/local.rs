//! A game that somebody in this process hosts.

use std::io::{Read as _, Write as _};

use super::*;
use crate::server::driver::Command;
use crate::server::host::Host;
use crate::server::listener::{Config, RoomsOf, Server};
use crate::server::name::RoomName;
use crate::storage::blobs::Blobs;
use crate::sync::batch::Frame;
use crate::sync::memory::{Received, Weather, pair};
use crate::util::clock::{Clock, SystemClock};

/// Asks again and again for what another task is about to do.
async fn until<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    for _ in 0..2000 {
        if let Some(answer) = ask() {
            return answer;
        }
        tokio::time::sleep(ms(5)).await;
    }
    panic!("it never came");
}

async fn hosted_until_its_owner_leaves() {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let host = Host::without_store(
        Blobs::new("nowhere".into()),
        "nowhere".into(),
        Arc::clone(&clock),
    );
    let name: RoomName = "game_session/cellar".parse().unwrap();
    let outbox = Arc::new(Outbox::default());
    let join = || Join {
        connection: ConnectionId(77),
        role: Role::Dm,
        user: None,
        takes_text: true,
        wants_durable: true,
        text_first: false,
        outbox: Arc::clone(&outbox),
    };
    assert!(!host.has_room(&name));
    assert!(host.join(&name, join).await.is_err(), "nobody hosts it yet");

    let (mine, theirs) = pair(&clock, Weather::default());
    let document = words(1);
    host.offer(&name, document.clone(), theirs).await.unwrap();
    let (_, second) = pair(&clock, Weather::default());
    assert!(host.offer(&name, words(2), second).await.is_err());

    let room = host.join(&name, join).await.unwrap();
    let say = |frame: Vec<u8>| Command::Binary(ConnectionId(77), frame.into());
    room.send(say(NOTHING.to_vec())).await.unwrap();
    let got = until(|| match outbox.next() {
        Next::Binary(frame) => Got::of(&frame).update().map(<[u8]>::to_vec),
        _ => None,
    });
    assert_eq!(holds(&[&got.await]), holds(&[&document]));

    // A guest's edit is the owner's to keep; the room promises nothing itself.
    let edit = words(3);
    let update = Message::Sync(SyncMessage::Update(&edit)).encode();
    room.send(say(update)).await.unwrap();
    let arrived = until(|| match mine.receive() {
        Received::Frame(Frame::Binary(frame)) => match Got::of(&frame) {
            Got::Update(update) => Some(update),
            _ => None,
        },
        _ => None,
    });
    assert_eq!(holds(&[&arrived.await]), holds(&[&edit]));
    mine.close();
    until(|| (outbox.next() == Next::Close(Close::GoingAway)).then_some(())).await;
    until(|| (!host.has_room(&name)).then_some(())).await;
}

#[test]
fn a_game_is_hosted_until_its_owner_leaves() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(hosted_until_its_owner_leaves());
}

/// What a server of an owner's rooms answers to who asks for a room.
fn status(server: &Server, room: &str) -> u16 {
    let mut stream = std::net::TcpStream::connect(server.address()).unwrap();
    let host = server.address();
    write!(
        stream,
        "GET /parties/{room} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn guests_who_come_while_the_owner_opens_are_not_turned_away_for_good() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let rooms_of = RoomsOf::Owner {
        tokens: folder.path().to_owned(),
        blobs: Blobs::new(folder.path().join("blobs")),
    };
    let config = Config {
        open: true,
        ..Config::on_loopback(rooms_of)
    };
    let server = Server::start(config, Arc::clone(&clock));
    let server = runtime.block_on(server).unwrap();
    let (cellar, attic) = ("game_session/cellar", "game_session/attic");
    let name: RoomName = cellar.parse().unwrap();
    // 404 is final for whoever hears it, 503 is not.
    assert_eq!(
        (status(&server, cellar), status(&server, attic)),
        (503, 503)
    );
    server.host().expect(&name);
    server.host().set_settled(true);
    assert_eq!(
        (status(&server, cellar), status(&server, attic)),
        (503, 404)
    );

    let (mine, theirs) = pair(&clock, Weather::default());
    let offer = server.host().offer(&name, words(1), theirs);
    runtime.block_on(offer).unwrap();
    assert_eq!(
        (status(&server, cellar), status(&server, attic)),
        (200, 404)
    );
    mine.close();
    runtime.block_on(until(|| (!server.host().has_room(&name)).then_some(())));
    assert_eq!(status(&server, cellar), 404);
    server.host().set_settled(false);
    assert_eq!(status(&server, cellar), 503);
    runtime.block_on(server.stop()).unwrap();
}
