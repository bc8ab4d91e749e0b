//! A game that somebody in this process hosts.

use super::*;
use crate::server::driver::Command;
use crate::server::host::Host;
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
