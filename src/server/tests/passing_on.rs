//! What one guest writes, the others get: all of it, once, and soon.

use super::*;

#[test]
fn a_guest_is_told_what_the_server_has_and_who_is_here() {
    let stored = words(1);
    let mut table = Table::with(vec![stored.clone()], false);
    let first = table.guest(Role::Dm);
    assert!(matches!(table.read(&first)[..], [Got::Step1(_)]));
    table.show(&first, 7, 1, r#"{"cursor":1}"#);
    table.poll();
    let second = table.guest(Role::Dm);
    table.send(&second, NOTHING);
    let got = table.read(&second);
    let [Got::Step1(vector), Got::Presence(shown), Got::Step2(all)] = &got[..] else {
        panic!("{got:?}");
    };
    assert_eq!(shown, &[(7, 1, r#"{"cursor":1}"#.to_owned())]);
    assert_eq!(holds(&[all]), holds(&[&stored]));
    assert_eq!(clocks(vector), holds(&[&stored]));
    // Somebody who has everything gets next to nothing.
    let resumed = Message::Sync(SyncMessage::Step1(vector)).encode();
    table.send(&second, &resumed);
    let got = table.read(&second);
    assert!(matches!(&got[..], [Got::Step2(update)] if update.len() < 10));
}

#[test]
fn an_update_leaves_at_once_and_those_close_behind_it_leave_together() {
    let mut table = Table::new();
    let guests: Vec<_> = (0..90).map(|_| table.guest(Role::Dm)).collect();
    assert_eq!(table.room.merges_within(), MERGE);
    for guest in &guests {
        table.read(guest);
    }
    table.update(&guests[0], &words(0));
    table.poll();
    // Not back to its only sender.
    assert_eq!(table.read(&guests[0]), []);
    for guest in &guests[1..] {
        assert_eq!(updates(&table.read(guest)).len(), 1);
    }
    let later: Vec<_> = (1..5).map(words).collect();
    for (guest, update) in guests.iter().zip(&later) {
        table.update(guest, update);
    }
    table.wait(ms(5));
    assert_eq!(table.read(&guests[4]), []);
    assert_eq!(table.room.next_deadline(), Some(ms(1000) + MERGE));
    table.wait(MERGE);
    let parts: Vec<_> = later.iter().map(Vec::as_slice).collect();
    for guest in &guests {
        let got = table.read(guest);
        assert_eq!(updates(&got).len(), 1, "{got:?}");
        assert_eq!(holds(&updates(&got)), holds(&parts));
    }
    assert_eq!(table.log.0.lock().records.len(), 2);
    // What is known already is neither stored nor sent again.
    table.wait(MERGE);
    table.update(&guests[0], &later[0]);
    table.poll();
    assert_eq!(table.read(&guests[1]), []);
    assert_eq!(table.log.0.lock().records.len(), 2);
}

#[test]
fn an_edit_that_overtakes_what_it_follows_on_waits_for_it() {
    let mut table = Table::new();
    let (early, other) = (
        table.guest_with(Role::Dm, |join| join.wants_durable = true),
        table.guest(Role::Dm),
    );
    table.read(&early);
    table.read(&other);
    table.log.0.lock().eager = true;
    let mut doc = GameDoc::create(&GameSessionId::new("game"));
    let before = doc.replica_mut().take_updates();
    let scene = RowRef::Scene(SceneId::new("cave"));
    let create = Edit::Create {
        row: scene,
        values: vec![],
    };
    doc.apply(&[create], Origin::Local(1));
    let edit = doc.replica_mut().take_updates();
    table.update(&early, &edit[0].bytes);
    table.wait(MERGE);
    assert_eq!(table.read(&other), []);
    assert!(
        !table
            .read(&early)
            .iter()
            .any(|got| matches!(got, Got::Durable(1, _)))
    );
    table.update(&early, &before[0].bytes);
    table.wait(MERGE);
    let got = table.read(&other);
    let held: Vec<_> = before.iter().chain(&edit).map(|u| &u.bytes[..]).collect();
    assert_eq!(holds(&updates(&got)), holds(&held));
    assert!(
        table
            .read(&early)
            .iter()
            .any(|got| matches!(got, Got::Durable(2, _)))
    );
}

#[test]
fn a_viewer_reads_and_shows_itself_and_changes_nothing() {
    let mut table = Table::new();
    let (dm, viewer) = (table.guest(Role::Dm), table.guest(Role::Viewer));
    table.read(&dm);
    table.update(&viewer, &words(1));
    let step2 = Message::Sync(SyncMessage::Step2(&words(2))).encode();
    table.send(&viewer, &step2);
    table
        .room
        .receive_text(viewer.connection, &Bytes::from_static(b"{\"type\":\"X\"}"));
    table.show(&viewer, 9, 1, "{}");
    table.wait(MERGE);
    assert_eq!(table.read(&dm), [Got::Presence(vec![(9, 1, "{}".into())])]);
    assert_eq!(table.log.0.lock().records.len(), 0);
    assert_eq!(table.metrics.updates_refused.load(Ordering::Relaxed), 2);
}

#[test]
fn a_stalled_guest_is_caught_up_by_one_difference_and_loses_nothing() {
    let mut table = Table::new();
    let (writer, stalled) = (table.guest(Role::Dm), table.guest(Role::Dm));
    table.read(&stalled);
    let first = text_as_update("first", "first");
    table.update(&writer, &first);
    table.poll();
    let before = table.read(&stalled);
    let mut all = vec![first];
    for n in 0..60 {
        let update = text_as_update(&format!("root{n}"), &"x".repeat(60 << 10));
        table.update(&writer, &update);
        table.show(&writer, 5, n + 1, "{}");
        all.push(update);
        table.wait(PRESENCE_STEP);
        assert!(stalled.outbox.waiting_bytes() < 1200 << 10);
    }
    let got = table.read(&stalled);
    assert!(got.contains(&Got::CaughtUp));
    assert_eq!(updates(&got).len(), 1);
    let mut held = updates(&before);
    held.extend(updates(&got));
    let all: Vec<_> = all.iter().map(Vec::as_slice).collect();
    assert_eq!(holds(&held), holds(&all));
    assert!(got.contains(&Got::Presence(vec![(5, 60, "{}".into())])));
}

#[test]
fn what_is_no_message_is_counted_and_passed_over_until_it_is_too_much() {
    let mut table = Table::new();
    let (bad, good) = (table.guest(Role::Dm), table.guest(Role::Dm));
    table.read(&bad);
    table.read(&good);
    let frames: [&[u8]; 8] = [
        &[],
        &[4],
        &[0],
        &[0, 7, 0],
        &[0, 2, 5, 1, 1],
        &[0, 2, 3, 0xff, 0xff, 0xff],
        &[0, 0, 2, 0xff, 0xff],
        &[1, 5, 1, 7, 1, 1, b'{'],
    ];
    for frame in frames {
        table.send(&bad, frame);
    }
    table.update(&bad, &words(1));
    table.poll();
    assert_eq!(updates(&table.read(&good)).len(), 1);
    assert_eq!(table.read(&bad), []);
    assert_eq!(table.metrics.malformed.load(Ordering::Relaxed), 8);
    for _ in 0..1000 {
        table.send(&bad, &[4]);
    }
    assert_eq!(table.read(&bad), [Got::Closed(Close::Hostile)]);
    assert_eq!(table.read(&good), []);
}
