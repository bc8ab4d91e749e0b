//! One client against the model room.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::super::batch::Frame;
use super::super::client::{
    Action, Client, Event, FAREWELL_LIMIT, Incoming, Outgoing, PING, SILENCE,
};
use super::super::protocol::{Message, SyncMessage};
use super::super::state::{ConnectionState, RefusalKind};
use super::*;
use crate::doc::json::game_json;
use crate::model::property::RowKind;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

impl Table {
    /// Lets everything happen for `time`, in steps of 5 ms.
    fn run(&self, peers: &mut [&mut Peer], time: Duration) -> Vec<Event> {
        let mut events = Vec::new();
        let end = self.clock.now() + time;
        loop {
            for peer in &mut *peers {
                events.extend(peer.pump());
            }
            self.room.lock().step();
            if self.clock.now() >= end {
                return events;
            }
            self.hands.advance(ms(5));
        }
    }
}

#[test]
fn a_room_is_joined_and_what_was_made_before_comes_along() {
    let table = Table::new();
    let (mut a, mut b) = (table.peer(1), table.peer(2));
    a.doc
        .replica_mut()
        .apply_update(&seed_update(), Origin::Load)
        .unwrap();
    a.edit(add_marker("offline", 1.0));
    assert_eq!(a.link.state(), ConnectionState::Disconnected);
    a.link.set_awareness(Some("{\"a\":1}")).unwrap();
    for peer in [&mut a, &mut b] {
        peer.link.connect();
        assert_eq!(peer.link.state(), ConnectionState::Connecting);
    }
    assert!(!a.link.synced_once());
    let events = table.run(&mut [&mut a, &mut b], ms(50));
    assert!(events.contains(&Event::State(ConnectionState::Syncing)));
    assert!(events.contains(&Event::State(ConnectionState::Live)));
    assert!(events.contains(&Event::Synced));
    assert!(a.link.synced_once() && a.link.has_sent_all());
    assert_eq!(b.doc.count(&cave(), RowKind::Marker), 1);
    let id = a.doc.replica().client_id();
    let shown = Event::Awareness(vec![(id, Some("{\"a\":1}".into()))]);
    assert!(events.contains(&shown));
    b.edit(move_marker("offline", 9.0));
    table.run(&mut [&mut a, &mut b], ms(20));
    assert_eq!(game_json(&a.doc), game_json(&b.doc));
    assert_eq!(game_json(&a.doc), game_json(table.room.lock().doc()));
}

#[test]
fn echoes_come_back_and_are_no_news() {
    let table = Table::new();
    let mut a = table.peer(1);
    a.link.connect();
    table.run(&mut [&mut a], ms(50));
    a.edit(add_marker("m", 1.0));
    let (generation, before) = (a.generation, a.link.counters());
    table.run(&mut [&mut a], ms(100));
    assert!(
        a.link.counters().frames_in > before.frames_in,
        "the room echoes"
    );
    assert_eq!(a.generation, generation);
    assert_eq!(a.link.counters().frames_out, before.frames_out);
}

#[test]
fn a_resume_without_news_costs_next_to_nothing() {
    let table = Table::new();
    let mut a = table.peer(1);
    a.link.connect();
    table.run(&mut [&mut a], ms(50));
    for n in 0..200 {
        a.edit(add_marker(&format!("m{n}"), f64::from(n)));
    }
    table.run(&mut [&mut a], ms(100));
    let before = (table.room.lock().bytes, a.link.counters());
    assert!(before.0 > 10_000);
    table.room.lock().cut(None);
    table.run(&mut [&mut a], ms(500));
    assert_eq!(a.link.state(), ConnectionState::Live);
    assert_eq!(a.link.counters().connections, before.1.connections + 1);
    let cost = table.room.lock().bytes - before.0;
    assert!(cost < 1024, "{cost} bytes for a resume");
    // What happened meanwhile comes along, and nothing else.
    table.room.lock().cut(None);
    a.edit(move_marker("m7", -1.0));
    let before = table.room.lock().bytes;
    table.run(&mut [&mut a], ms(500));
    let cost = table.room.lock().bytes - before;
    assert!(cost < 2048, "{cost} bytes for one change");
    assert_eq!(game_json(&a.doc), game_json(table.room.lock().doc()));
}

#[test]
fn refusals_are_final_until_the_user_asks_again() {
    let table = Table::new();
    for (status, kind) in [
        (401, RefusalKind::Code),
        (403, RefusalKind::Forbidden),
        (404, RefusalKind::NoRoom),
        (200, RefusalKind::NotARoom { status: 200 }),
    ] {
        let mut a = table.peer(1);
        *table.way.lock() = Way {
            refusal: Some(Closed::Status {
                status,
                said: "no".into(),
            }),
            ..Way::default()
        };
        a.link.connect();
        table.run(&mut [&mut a], Duration::from_secs(60));
        let ConnectionState::Refused(refusal) = a.link.state() else {
            panic!("{:?}", a.link.state());
        };
        assert_eq!((refusal.kind, &*refusal.said), (kind, "no"));
        assert_eq!(table.way.lock().dialled, 1, "nobody knocks twice");
        table.way.lock().refusal = None;
        a.link.connect();
        table.run(&mut [&mut a], ms(50));
        assert_eq!(a.link.state(), ConnectionState::Live);
    }
}

#[test]
fn a_server_that_accepts_and_drops_is_not_hammered() {
    let table = Table::new();
    let mut a = table.peer(1);
    a.link.connect();
    for _ in 0..600 {
        table.run(&mut [&mut a], ms(100));
        table.room.lock().cut(None);
    }
    let dialled = table.way.lock().dialled;
    assert!(
        (10..=32).contains(&dialled),
        "{dialled} attempts in a minute"
    );
    // Once it is well again, the client is there within the longest wait.
    table.run(&mut [&mut a], Duration::from_secs(6));
    assert_eq!(a.link.state(), ConnectionState::Live);
}

/// A client whose driver is the test: nothing in between.
fn bare(doc: &GameDoc, dialect: Dialect) -> Client {
    let mut client = Client::new(dialect, FROM_ROOM, doc.replica().client_id(), 1);
    client.connect(ms(0));
    assert_eq!(client.take_action(), Some(Action::Connect));
    client
}

fn binary(bytes: Vec<u8>) -> Incoming {
    Incoming::Frame(Frame::Binary(bytes.into()))
}

fn drain(client: &mut Client, now: Duration) -> Vec<Outgoing> {
    std::iter::from_fn(|| client.next_outgoing(now)).collect()
}

/// Open, and the room knows nothing and has nothing.
fn live(client: &mut Client, doc: &mut GameDoc) {
    client.take_in(ms(0), doc.replica_mut(), Incoming::Opened);
    let step_1 = Message::Sync(SyncMessage::Step1(&[0])).encode();
    client.take_in(ms(0), doc.replica_mut(), binary(step_1));
    let step_2 = Message::Sync(SyncMessage::Step2(&[0, 0])).encode();
    client.take_in(ms(0), doc.replica_mut(), binary(step_2));
    assert_eq!(client.state(), ConnectionState::Live);
    drain(client, ms(0));
}

#[test]
fn silence_ends_a_connection_and_pongs_keep_it() {
    let mut doc = GameDoc::create(&session());
    let mut client = bare(&doc, Dialect::YPartyKit);
    live(&mut client, &mut doc);
    let mut now = ms(0);
    for _ in 0..20 {
        now = client.next_deadline().unwrap();
        client.poll(now, doc.replica_mut());
        for outgoing in drain(&mut client, now) {
            assert_eq!(outgoing, Outgoing::Ping);
            client.take_in(now, doc.replica_mut(), Incoming::Alive);
        }
        assert_eq!(client.state(), ConnectionState::Live);
    }
    assert!(now >= PING * 19);
    client.poll(now + SILENCE, doc.replica_mut());
    assert_eq!(client.state(), ConnectionState::Disconnected);
    assert_eq!(client.take_action(), Some(Action::Close));
    let retry = client.next_deadline().unwrap();
    client.poll(retry, doc.replica_mut());
    assert_eq!(client.take_action(), Some(Action::Connect));
    client.poll(retry + Duration::from_secs(15), doc.replica_mut());
    assert_eq!(client.state(), ConnectionState::Disconnected, "no answer");
}

#[test]
fn what_does_not_fit_the_queue_is_owed_and_paid_in_one() {
    let mut doc = GameDoc::open(&session(), [&*seed_update()]).unwrap();
    let mut client = bare(&doc, Dialect::YWebsocket);
    live(&mut client, &mut doc);
    let note = "n".repeat(20_000);
    for generation in 1..=500 {
        let row = marker_row(&format!("m{generation}"));
        let values = vec![Assignment::new(marker::LABEL, &*note)];
        doc.apply(&[Edit::Create { row, values }], Origin::Local(1));
        let updates = doc.replica_mut().take_updates();
        let updates = updates.iter().map(|update| &*update.bytes);
        client.local_updates(doc.replica(), generation, updates);
    }
    assert!(!client.has_sent_all());
    let mut room = GameDoc::open(&session(), [&*seed_update()]).unwrap();
    let (mut frames, mut bytes) = (0, 0);
    for round in 0..3 {
        for outgoing in drain(&mut client, ms(1)) {
            let Outgoing::Frame(Frame::Binary(frame)) = outgoing else {
                panic!("{outgoing:?}");
            };
            frames += 1;
            bytes += if round == 0 { frame.len() } else { 0 };
            let Ok(Message::Sync(SyncMessage::Update(update))) = Message::decode(&frame) else {
                panic!("no update");
            };
            room.replica_mut().apply_update(update, FROM_ROOM).unwrap();
        }
        client.poll(ms(1), doc.replica_mut());
    }
    assert!(bytes <= 1 << 20, "{bytes} bytes waited in the queue");
    assert!((2..100).contains(&frames), "{frames} frames");
    assert!(client.has_sent_all());
    assert_eq!(game_json(&room), game_json(&doc));
    let durable = Message::Durable {
        messages: 1000,
        state_vector: &[0],
    };
    client.take_in(ms(1), doc.replica_mut(), binary(durable.encode()));
    assert_eq!(client.acknowledged(), Some(500));
}

#[test]
fn a_large_change_goes_in_slices_with_nothing_in_between() {
    let mut doc = GameDoc::open(&session(), [&*seed_update()]).unwrap();
    let mut client = bare(&doc, Dialect::YPartyKit);
    live(&mut client, &mut doc);
    client.set_awareness(Some("{}")).unwrap();
    let values = vec![Assignment::new(marker::LABEL, &*"n".repeat(2_500_000))];
    let row = marker_row("large");
    doc.apply(&[Edit::Create { row, values }], Origin::Local(1));
    let updates = doc.replica_mut().take_updates();
    client.local_updates(
        doc.replica(),
        1,
        updates.iter().map(|update| &*update.bytes),
    );
    let kinds: Vec<&str> = drain(&mut client, ms(1))
        .iter()
        .map(|outgoing| match outgoing {
            Outgoing::Frame(Frame::Text(_)) => "text",
            Outgoing::Frame(Frame::Binary(bytes)) if bytes.len() > 100_000 => "slice",
            Outgoing::Frame(Frame::Binary(_)) => "awareness",
            Outgoing::Ping => "ping",
        })
        .collect();
    assert_eq!(
        kinds,
        ["text", "slice", "slice", "slice", "text", "awareness"]
    );
}

#[test]
fn acknowledgments_speak_of_generations_and_come_from_disk() {
    let table = Table::new();
    let mut a = table.peer(1);
    a.link.connect();
    table.run(&mut [&mut a], ms(50));
    a.edit(add_marker("one", 1.0));
    table.run(&mut [&mut a], ms(50));
    assert_eq!(a.link.acknowledged(), None, "nothing is on disk yet");
    table.room.lock().write();
    let events = table.run(&mut [&mut a], ms(50));
    assert!(events.contains(&Event::Acknowledged(1)));
    a.edit(Edit::Delete {
        row: marker_row("one"),
    });
    table.run(&mut [&mut a], ms(50));
    assert_eq!(a.link.acknowledged(), Some(1), "a deletion counts as well");
    table.room.lock().write();
    table.run(&mut [&mut a], ms(50));
    assert_eq!(a.link.acknowledged(), Some(2));
    // Offline, then a crash: the next connection's first answer holds it.
    table.room.lock().crash();
    a.edit(add_marker("two", 2.0));
    table.run(&mut [&mut a], ms(400));
    assert_eq!(a.link.acknowledged(), Some(2));
    table.room.lock().write();
    table.run(&mut [&mut a], ms(50));
    assert_eq!(a.link.acknowledged(), Some(3));
}

#[test]
fn leaving_says_good_bye_and_sends_what_is_left() {
    let table = Table::new();
    let mut a = table.peer(1);
    a.link.set_awareness(Some("{}")).unwrap();
    a.link.connect();
    table.run(&mut [&mut a], ms(50));
    a.edit(add_marker("last", 1.0));
    a.link.leave();
    table.run(&mut [&mut a], FAREWELL_LIMIT);
    assert_eq!(a.link.state(), ConnectionState::Disconnected);
    assert_eq!(a.link.next_deadline(), None, "and stays away");
    let room = table.room.lock();
    assert_eq!(room.member_count(), 0);
    assert_eq!(room.heard.last().map(|entry| &*entry.2), Some("null"));
    assert_eq!(room.doc().count(&cave(), RowKind::Marker), 1);
}

#[test]
fn others_go_with_the_connection_and_come_back_with_it() {
    let table = Table::new();
    let mut a = table.peer(1);
    a.link.set_awareness(Some("1")).unwrap();
    a.link.connect();
    table.run(&mut [&mut a], ms(50));
    table.room.lock().show(77, 5, "{}");
    let events = table.run(&mut [&mut a], ms(20));
    assert!(events.contains(&Event::Awareness(vec![(77, Some("{}".into()))])));
    table.room.lock().cut(None);
    let events = table.run(&mut [&mut a], ms(300));
    assert!(events.contains(&Event::Awareness(vec![(77, None)])));
    table.room.lock().show(77, 5, "{}");
    let events = table.run(&mut [&mut a], ms(20));
    assert!(events.contains(&Event::Awareness(vec![(77, Some("{}".into()))])));
    let id = a.doc.replica().client_id();
    let clocks: Vec<u64> = table
        .room
        .lock()
        .heard
        .iter()
        .filter(|(client, _, _)| *client == id)
        .map(|(_, clock, _)| *clock)
        .collect();
    assert_eq!(clocks, [1, 2], "a newer clock for the new connection");
    table.room.lock().broadcast_text("{\"type\":\"TASK\"}");
    let events = table.run(&mut [&mut a], ms(20));
    assert!(events.contains(&Event::Text("{\"type\":\"TASK\"}".to_owned())));
}

/// Whatever a server sends: the client lives, keeps its document, and is back in a moment.
/// `TABLEGLOW_MALFORMED_FRAMES` says how many frames.
#[test]
fn damaged_frames_from_a_server_do_no_harm() {
    let seed = 0x5eed_0ff4_a3e5;
    let mut rng = StdRng::seed_from_u64(seed);
    let mut doc = GameDoc::open(&session(), [&*seed_update()]).unwrap();
    let before = doc.replica().encode_snapshot();
    let good = [
        Message::Sync(SyncMessage::Step1(&doc.replica().state_vector())).encode(),
        Message::Sync(SyncMessage::Step2(&seed_update())).encode(),
        Message::Sync(SyncMessage::Update(&seed_update())).encode(),
        b"\x01\x09\x01\xe9\x07\x02\x04null".to_vec(),
        b"\x78\x00\x05\x01\x00".to_vec(),
    ];
    let mut client = Client::new(Dialect::YPartyKit, FROM_ROOM, 1, 1);
    let (mut now, mut connections, mut damaged) = (ms(0), 0, 0);
    for _ in 0..number_from("TABLEGLOW_MALFORMED_FRAMES").unwrap_or(20_000) {
        now += ms(1);
        let mut frame = good[rng.random_range(0..good.len())].clone();
        let at = rng.random_range(0..frame.len());
        match rng.random_range(0..3) {
            0 => frame[at] = rng.random(),
            1 => frame.truncate(at),
            _ => drop(frame.splice(at..at, [0xff; 5])),
        }
        let incoming = if rng.random_ratio(1, 500) {
            Incoming::Frame(Frame::Text(
                "y-pk-batch#{\"id\":\"\",\"type\":\"end\",\"size\":1,\"count\":1}".into(),
            ))
        } else {
            binary(frame)
        };
        client.take_in(now, doc.replica_mut(), incoming);
        client.poll(now, doc.replica_mut());
        client.connect(now);
        while let Some(event) = client.take_event() {
            // A document that took harm is opened again from the store.
            if matches!(event, Event::Damaged(_)) {
                damaged += 1;
                doc = GameDoc::open(&session(), [&*before]).unwrap();
            }
        }
        while let Some(action) = client.take_action() {
            if action == Action::Connect {
                connections += 1;
                client.take_in(now, doc.replica_mut(), Incoming::Opened);
            }
        }
        drain(&mut client, now);
    }
    assert!(
        connections > 10 && damaged > 10,
        "seed {seed}: {connections} {damaged}"
    );
    doc.apply(&[add_marker("still here", 1.0)], Origin::Local(1));
    assert!(doc.replica().encode_missing(&[0]).is_ok(), "seed {seed}");
}
