//! Who is in a room, what they show, and what they are told beside the document.

use super::*;

fn named(id: &str) -> impl FnOnce(&mut Join) {
    let user = User {
        id: id.into(),
        name: Some(format!("{id} the brave").into()),
    };
    move |join| join.user = Some(user)
}

fn texts(got: Vec<Got>) -> Vec<String> {
    let text = |got| match got {
        Got::Text(text) => Some(text),
        _ => None,
    };
    got.into_iter().filter_map(text).collect()
}

#[test]
fn presence_leaves_at_once_and_then_the_latest_of_each_in_one_frame() {
    let mut table = Table::new();
    let (a, b) = (table.guest(Role::Dm), table.guest(Role::Viewer));
    table.read(&a);
    table.read(&b);
    table.show(&a, 1, 1, "{}");
    table.poll();
    assert_eq!(table.read(&b), [Got::Presence(vec![(1, 1, "{}".into())])]);
    // A lone web client lives on the echo of its own renewal.
    assert_eq!(table.read(&a), [Got::Presence(vec![(1, 1, "{}".into())])]);
    for clock in 2..20 {
        table.show(&a, 1, clock, &format!("{{\"x\":{clock}}}"));
        table.show(&b, 2, clock, "{}");
        table.wait(ms(1));
    }
    assert_eq!(table.read(&b), []);
    table.wait(PRESENCE_STEP);
    let latest = vec![(1, 19, "{\"x\":19}".to_owned()), (2, 19, "{}".to_owned())];
    assert_eq!(table.read(&b), [Got::Presence(latest)]);
    table.leave(&a);
    table.wait(PRESENCE_STEP);
    assert_eq!(
        table.read(&b),
        [Got::Presence(vec![(1, 19, "null".into())])]
    );
    // Nothing of it is in the document.
    assert_eq!(table.log.0.lock().records.len(), 0);
    // Web clients send back what they receive: it costs nothing and is not passed on.
    table.show(&b, 1, 19, "{\"x\":19}");
    table.wait(PRESENCE_STEP);
    assert_eq!(table.read(&b), []);
    assert_eq!(table.metrics.presence_stale.load(Ordering::Relaxed), 1);
}

#[test]
fn a_quiet_connection_is_sent_something_before_it_takes_the_server_for_dead() {
    let mut table = Table::new();
    let quiet = table.guest(Role::Dm);
    table.read(&quiet);
    assert!(table.room.next_deadline().unwrap() <= table.now + KEEP_ALIVE);
    table.wait(KEEP_ALIVE);
    assert_eq!(table.read(&quiet), [Got::Presence(vec![])]);
}

#[test]
fn people_come_and_go_and_events_reach_who_can_read_them() {
    let mut table = Table::new();
    let watcher = table.guest(Role::Dm);
    // A plain y-protocols client takes every message for one of its own.
    let plain = table.guest_with(Role::Dm, |join| join.takes_text = false);
    table.send(&plain, NOTHING);
    table.read(&plain);
    let first = table.guest_with(Role::Dm, named("ada"));
    let again = table.guest_with(Role::Viewer, named("ada"));
    let joined = texts(table.read(&watcher));
    let expected = r#"{"type":"USER_JOINED","payload":{"userId":"ada","userName":"ada the brave"},"timestamp":0}"#;
    assert_eq!(joined, [expected]);
    let info = table.room.info(true);
    assert_eq!(info.connections, 4);
    assert_eq!(info.users.len(), 1);

    let event = Bytes::from_static(br#"{"requestId":1,"body":"x","name":"y"}"#);
    assert_eq!(table.room.send_event(&event, None, false), 3);
    assert_eq!(table.room.send_event(&event, Some("ada"), false), 1);
    assert_eq!(texts(table.read(&watcher)).len(), 2);
    assert_eq!(texts(table.read(&first)).len(), 1);

    table.leave(&first);
    assert_eq!(texts(table.read(&watcher)), [""; 0]);
    table.leave(&again);
    assert!(texts(table.read(&watcher))[0].contains("USER_LEFT"));
    assert_eq!(texts(table.read(&plain)), [""; 0]);
}

#[test]
fn a_plain_json_room_sends_nothing_binary_first() {
    let mut table = Table::new();
    let text_first = |join: &mut Join| join.text_first = true;
    let (a, b) = (
        table.guest_with(Role::Dm, text_first),
        table.guest_with(Role::Dm, text_first),
    );
    let said = Bytes::from_static(br#"{"type":"hello"}"#);
    table.room.receive_text(a.connection, &said);
    table
        .room
        .receive_text(a.connection, &Bytes::from_static(b"ping"));
    table.wait(KEEP_ALIVE);
    assert_eq!(table.read(&b), [Got::Text(r#"{"type":"hello"}"#.into())]);
    assert_eq!(table.read(&a), []);
}
