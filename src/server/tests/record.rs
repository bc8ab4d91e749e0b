//! What a room keeps, and what it says about that.

use super::*;

#[test]
fn of_a_damaged_record_what_is_left_can_be_read_and_not_written() {
    let stored = words(1);
    let mut table = Table::with(vec![stored.clone()], true);
    let dm = table.guest(Role::Dm);
    table.update(&dm, &words(2));
    table.wait(MERGE);
    table.send(&dm, NOTHING);
    let got = table.read(&dm);
    assert_eq!(holds(&updates(&got)), holds(&[&stored]));
    assert_eq!(table.log.0.lock().records.len(), 1);
}

#[test]
fn who_asks_is_told_what_is_on_disk_and_deletions_count() {
    let mut table = Table::new();
    let asks = table.guest_with(Role::Dm, |join| join.wants_durable = true);
    let other = table.guest(Role::Dm);
    assert!(table.read(&asks).contains(&Got::Durable(0, vec![0])));
    let scene = SceneId::new("cave");
    let mut doc = GameDoc::create(&GameSessionId::new("game"));
    let edits = [
        Edit::Create {
            row: RowRef::Scene(scene.clone()),
            values: vec![],
        },
        Edit::Delete {
            row: RowRef::Scene(scene),
        },
    ];
    for edit in edits {
        doc.apply(&[edit], Origin::Local(1));
    }
    let sent = doc.replica_mut().take_updates();
    for update in &sent {
        table.update(&asks, &update.bytes);
        table.update(&other, &words(3));
    }
    table.wait(MERGE);
    assert!(
        !table
            .read(&asks)
            .iter()
            .any(|got| matches!(got, Got::Durable(..)))
    );
    table.log.commit();
    table.poll();
    let got = table.read(&asks);
    let [Got::Durable(messages, vector)] = &got[got.len() - 1..] else {
        panic!("{got:?}");
    };
    assert_eq!(*messages, sent.len() as u64);
    assert!(vector.len() > 2);
    assert!(
        !table
            .read(&other)
            .iter()
            .any(|got| matches!(got, Got::Durable(..)))
    );

    // What says nothing, and what is known, is as durable as what it says.
    table.update(&asks, &[0, 0]);
    table.update(&asks, &sent[0].bytes);
    table.wait(MERGE);
    assert!(matches!(&table.read(&asks)[..], [Got::Durable(n, _)] if *n == *messages + 2));
    // Behind a message that was refused nothing is promised.
    table.update(&asks, &[0xff; 9]);
    table.update(&asks, &words(4));
    table.wait(MERGE);
    table.log.commit();
    table.poll();
    assert!(matches!(&table.read(&asks)[..], [Got::Durable(n, _)] if *n == *messages + 2));
}

#[test]
fn while_the_disk_refuses_nothing_is_lost_and_nothing_is_promised() {
    let mut table = Table::new();
    let asks = table.guest_with(Role::Dm, |join| join.wants_durable = true);
    table.read(&asks);
    table.log.0.lock().refuses = true;
    let all: Vec<_> = (0..20).map(words).collect();
    for update in &all {
        table.update(&asks, update);
        table.wait(ms(300));
    }
    assert!(!table.room.is_saved());
    assert_eq!(table.read(&asks), []);
    table.log.0.lock().refuses = false;
    table.wait(ms(1000));
    // All of it as one update.
    table.log.commit();
    table.wait(MERGE);
    let parts: Vec<_> = all.iter().map(Vec::as_slice).collect();
    let records = table.log.0.lock().records.clone();
    assert_eq!(records.len(), 1);
    assert_eq!(holds(&[&records[0]]), holds(&parts));
    assert!(matches!(&table.read(&asks)[..], [Got::Durable(20, _)]));
    assert!(table.room.is_saved());
}

#[test]
fn a_log_that_grows_gets_a_snapshot_and_so_does_the_last_leave() {
    let mut table = Table::new();
    let dm = table.guest(Role::Dm);
    for n in 0..20 {
        let update = text_as_update(&format!("root{n}"), &"x".repeat(100 << 10));
        table.update(&dm, &update);
        table.wait(MERGE);
        table.read(&dm);
    }
    assert_eq!(table.log.0.lock().snapshots, 1);
    table.leave(&dm);
    table.room.rest(table.now);
    assert_eq!(table.log.0.lock().snapshots, 2);
    table.room.rest(table.now);
    assert_eq!(
        table.log.0.lock().snapshots,
        2,
        "nothing new, nothing written"
    );
}

#[test]
fn a_seed_fills_a_room_that_was_never_used_and_no_other() {
    let mut table = Table::new();
    let dm = table.guest(Role::Dm);
    table.read(&dm);
    assert!(table.room.seed(table.now, &words(1)));
    assert_eq!(updates(&table.read(&dm)).len(), 1);
    assert!(!table.room.seed(table.now, &words(2)));
    let mut used = Table::with(vec![vec![0, 0]], false);
    assert!(!used.room.seed(used.now, &words(2)));
}

#[test]
fn sizes_that_are_told_are_those_of_the_document_now() {
    let mut table = Table::new();
    let dm = table.guest(Role::Dm);
    assert_eq!(table.room.seats().taken, 1);
    let mut copy = Replica::open_unread([]).unwrap();
    for n in 1..5 {
        let update = words(n);
        copy.apply_update(&update, Origin::Remote(1)).unwrap();
        table.update(&dm, &update);
        table.wait(MERGE);
        let told = table.room.info(true);
        let now = copy.encode_snapshot().len();
        assert_eq!(told.document_bytes, Some(now), "after {n} changes");
        assert_eq!(told.state_vector_bytes, copy.state_vector().len());
    }
}
