//! What the store promises: acknowledged means on disk, what is on disk is a prefix, and no
//! damage is taken for emptiness.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use proptest::prelude::*;

use super::database::Database;
use super::documents::{self, LoadedDocument};
use super::error::StorageError;
use super::writer::{Generation, Store, StoreEvent};
use crate::util::clock::ManualClock;

const WAIT: Duration = Duration::from_secs(20);

fn database(folder: &Path) -> Database {
    Database::open_to_write(&folder.join("library.sqlite"), &|_| Ok(())).unwrap()
}

fn store(folder: &Path) -> Store {
    Store::start(database(folder), Arc::new(ManualClock::default())).unwrap()
}

fn load(folder: &Path, key: &str) -> LoadedDocument {
    let database = Database::open_to_read(&folder.join("library.sqlite")).unwrap();
    documents::load(database.connection(), key).unwrap()
}

fn document(name: &str) -> Arc<str> {
    name.into()
}

#[test]
fn acknowledged_updates_are_there_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let (a, b) = (document("game/a"), document("game/b"));
    let mut last = Generation::default();
    for i in 0..300_u32 {
        let to = if i % 3 == 0 { &b } else { &a };
        last = store.append(to, i.to_le_bytes().to_vec()).unwrap();
    }
    assert!(store.wait_until_durable(last, WAIT));
    // Read beside the running store: nothing is only in its memory.
    let (a, b) = (load(folder.path(), "game/a"), load(folder.path(), "game/b"));
    let expected = |of_b: bool| -> Vec<Vec<u8>> {
        (0..300_u32)
            .filter(|i| (i % 3 == 0) == of_b)
            .map(|i| i.to_le_bytes().to_vec())
            .collect()
    };
    assert_eq!(a.updates, expected(false));
    assert_eq!(b.updates, expected(true));
    assert!(load(folder.path(), "game/c").is_empty());
}

#[test]
fn generations_go_on_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let doc = document("game/a");
    let first = store(folder.path());
    first.append(&doc, vec![1]).unwrap();
    let upto = first.appended();
    first.put_snapshot(&doc, upto, vec![9]).unwrap();
    drop(first);
    let second = store(folder.path());
    assert_eq!(second.durable(), upto);
    assert!(second.append(&doc, vec![2]).unwrap() > upto);
    drop(second);
    let loaded = load(folder.path(), "game/a");
    assert_eq!(loaded.snapshot, Some(vec![9]));
    assert_eq!(loaded.updates, [vec![2]]);
}

#[test]
fn a_closed_library_is_one_file_even_while_somebody_reads() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let reader = Database::open_to_read(&folder.path().join("library.sqlite")).unwrap();
    store.append(&document("game/a"), vec![5; 5000]).unwrap();
    store.close().unwrap();
    let wal = std::fs::metadata(folder.path().join("library.sqlite-wal")).unwrap();
    assert_eq!(wal.len(), 0);
    drop(reader);
}

#[test]
fn a_closed_store_refuses_and_gives_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    store.close().unwrap();
    let refused = store.append(&document("game/a"), vec![7]).unwrap_err();
    assert_eq!(refused.bytes, [7]);
    assert_eq!(refused.error, StorageError::Closed);
    assert_eq!(store.run(|_| Ok(())), Err(StorageError::Closed));
}

#[test]
fn an_error_of_one_write_undoes_that_write_alone() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let doc = document("game/a");
    store.append(&doc, vec![1]).unwrap();
    let failed = store.run(|rows| {
        rows.execute("INSERT INTO settings VALUES ('a', '1')", [])?;
        rows.execute("INSERT INTO no_such_table VALUES (1)", [])
    });
    assert!(failed.is_err());
    let settings: i64 = store
        .run(|rows| rows.query_row("SELECT count(*) FROM settings", [], |r| r.get(0)))
        .unwrap();
    assert_eq!(settings, 0);
    drop(store);
    assert_eq!(load(folder.path(), "game/a").updates, [vec![1]]);
}

/// A full disk: SQLite itself is told that the file may not grow, which is the same error code
/// on the same path as a disk that has no room. Room is made by deleting something else.
#[test]
fn a_full_disk_is_reported_and_nothing_is_lost_once_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let doc = document("game/a");
    let events = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&events);
    store.set_listener(Box::new(move |event| heard.lock().push(event.clone())));
    let filler = "x".repeat(1_000_000);
    store
        .run(move |rows| rows.execute("INSERT INTO settings VALUES ('filler', ?1)", [filler]))
        .unwrap();
    let first = store.append(&doc, vec![0; 100]).unwrap();
    assert!(store.wait_until_durable(first, WAIT));
    store
        .run_alone(|database| {
            let pragma = "PRAGMA max_page_count = 1";
            let pages = database
                .connection()
                .query_row(pragma, [], |r| r.get::<_, i64>(0));
            assert!(pages.unwrap() > 200, "not below what there is");
            Ok(())
        })
        .unwrap();
    let mut last = first;
    for i in 1..=5 {
        last = store.append(&doc, vec![i; 50_000]).unwrap();
    }
    assert!(!store.wait_until_durable(last, Duration::from_millis(300)));
    assert!(matches!(
        store.failing(),
        Some(StorageError::DiskFull { .. })
    ));
    // Somebody who waits for an answer gets one.
    let refused = store.run(|rows| rows.execute("INSERT INTO settings VALUES ('k', '1')", []));
    assert!(
        matches!(refused, Err(StorageError::DiskFull { .. })),
        "{refused:?}"
    );
    assert_eq!(load(folder.path(), "game/a").updates.len(), 1);

    database(folder.path())
        .connection()
        .execute("DELETE FROM settings", [])
        .unwrap();
    assert!(store.wait_until_durable(last, WAIT));
    assert_eq!(store.failing(), None);
    assert_eq!(load(folder.path(), "game/a").updates.len(), 6);
    store.close().unwrap();
    let events = events.lock();
    let failing = events
        .iter()
        .filter(|e| matches!(e, StoreEvent::Failing(_)))
        .count();
    assert_eq!(failing, 1, "said once: {events:?}");
    assert!(events.contains(&StoreEvent::Recovered));
}

#[test]
fn a_full_queue_hands_the_bytes_back_while_another_program_holds_the_database() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let doc = document("game/a");
    let first = store.append(&doc, vec![1]).unwrap();
    assert!(store.wait_until_durable(first, WAIT));
    let other = rusqlite::Connection::open(folder.path().join("library.sqlite")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut taken = 1;
    let mut fill = || loop {
        match store.append(&doc, vec![2]) {
            Ok(_) => taken += 1,
            Err(refused) => break refused,
        }
        assert!(taken < 100_000, "the queue has an end");
    };
    // The writer takes one batch out of the queue before it finds the database held.
    let mut refused = fill();
    for _ in 0..3 {
        std::thread::sleep(Duration::from_millis(100));
        refused = fill();
    }
    assert_eq!(refused.bytes, [2]);
    assert_eq!(store.appended(), Generation(taken));
    // Nobody hangs: not with a snapshot, nor with a question.
    assert!(store.put_snapshot(&doc, store.appended(), vec![3]).is_err());
    assert!(store.run(|_| Ok(())).is_err());
    other.execute_batch("ROLLBACK").unwrap();
    assert!(store.wait_until_durable(store.appended(), WAIT));
    assert_eq!(load(folder.path(), "game/a").updates.len() as u64, taken);
}

#[test]
fn a_damaged_snapshot_is_not_used_and_costs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let doc = document("game/a");
    let running = store(folder.path());
    running.append(&doc, vec![1]).unwrap();
    running
        .put_snapshot(&doc, running.appended(), vec![10])
        .unwrap();
    running.append(&doc, vec![2]).unwrap();
    running
        .put_snapshot(&doc, running.appended(), vec![20])
        .unwrap();
    running.append(&doc, vec![3]).unwrap();
    drop(running);
    let good = load(folder.path(), "game/a");
    assert_eq!(
        (good.snapshot, good.updates),
        (Some(vec![20]), vec![vec![3]])
    );

    let rot = "UPDATE doc_snapshots SET bytes = x'ff' WHERE upto_seq =
               (SELECT max(upto_seq) FROM doc_snapshots)";
    let mut live = database(folder.path());
    live.connection().execute(rot, []).unwrap();
    let before = load(folder.path(), "game/a");
    assert_eq!(before.snapshot, Some(vec![10]));
    assert_eq!(before.updates, [vec![2], vec![3]]);
    assert!(!before.incomplete);
    assert_eq!(before.problems.len(), 1);

    let unreadable = before.unreadable_snapshots;
    documents::set_aside(live.connection_mut(), "game/a", &unreadable, 5).unwrap();
    let aside = load(folder.path(), "game/a");
    assert!(aside.problems.is_empty());
    assert_eq!(aside.updates, [vec![2], vec![3]]);

    live.connection().execute(rot, []).unwrap();
    let nothing_left = load(folder.path(), "game/a");
    assert!(
        nothing_left.incomplete,
        "the log was cut behind that snapshot"
    );
    assert!(!nothing_left.is_empty());
}

#[test]
fn the_only_snapshot_being_damaged_leaves_the_whole_log() {
    let folder = tempfile::tempdir().unwrap();
    let doc = document("game/a");
    let running = store(folder.path());
    running.append(&doc, vec![1]).unwrap();
    running
        .put_snapshot(&doc, running.appended(), vec![10])
        .unwrap();
    running.append(&doc, vec![2]).unwrap();
    drop(running);
    let live = database(folder.path());
    live.connection()
        .execute("UPDATE doc_snapshots SET bytes = x'ff'", [])
        .unwrap();
    let loaded = load(folder.path(), "game/a");
    assert_eq!(loaded.snapshot, None);
    assert_eq!(loaded.updates, [vec![1], vec![2]]);
    assert!(!loaded.incomplete);
}

#[test]
fn a_damaged_change_makes_the_document_incomplete() {
    let folder = tempfile::tempdir().unwrap();
    let doc = document("game/a");
    let running = store(folder.path());
    for i in 1..=3 {
        running.append(&doc, vec![i]).unwrap();
    }
    drop(running);
    let live = database(folder.path());
    live.connection()
        .execute("UPDATE doc_updates SET bytes = x'ff' WHERE seq = 2", [])
        .unwrap();
    let loaded = load(folder.path(), "game/a");
    assert!(loaded.incomplete);
    assert_eq!(loaded.updates, [vec![1], vec![3]]);
}

#[derive(Debug, Clone)]
enum Step {
    Append(u8),
    Snapshot(u8),
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0..3_u8).prop_map(Step::Append),
        2 => (0..3_u8).prop_map(Step::Snapshot),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The documents are lists of numbers here and a snapshot is the whole list, so that a lost,
    /// doubled or misplaced update shows. Reading back with the newest snapshot damaged gives the
    /// same list.
    #[test]
    fn log_and_snapshots_together_are_the_history(steps in steps()) {
        let folder = tempfile::tempdir().unwrap();
        let docs = [document("game/0"), document("game/1"), document("party/2")];
        let mut expected: [Vec<u8>; 3] = Default::default();
        let mut running = store(folder.path());
        for (i, step) in steps.iter().enumerate() {
            match step {
                Step::Append(d) => {
                    let d = usize::from(*d);
                    expected[d].push(i as u8);
                    running.append(&docs[d], vec![i as u8]).unwrap();
                }
                // Of a document without history nobody makes one.
                Step::Snapshot(d) if expected[usize::from(*d)].is_empty() => {}
                Step::Snapshot(d) => {
                    let d = usize::from(*d);
                    let upto = running.appended();
                    running.put_snapshot(&docs[d], upto, expected[d].clone()).unwrap();
                }
                Step::Restart => {
                    drop(running);
                    running = store(folder.path());
                }
            }
        }
        drop(running);
        let read = |key: &str| {
            let loaded = load(folder.path(), key);
            (loaded.parts().flatten().copied().collect::<Vec<u8>>(), loaded.incomplete)
        };
        for (doc, expected) in docs.iter().zip(&expected) {
            prop_assert_eq!(&read(doc).0, expected);
        }
        let live = database(folder.path());
        live.connection().execute(
            "UPDATE doc_snapshots SET checksum = x'00' WHERE upto_seq > 0 AND
             upto_seq = (SELECT max(upto_seq) FROM doc_snapshots s WHERE s.doc = doc_snapshots.doc)",
            [],
        ).unwrap();
        for (doc, expected) in docs.iter().zip(&expected) {
            prop_assert_eq!(&read(doc), &(expected.clone(), false));
        }
    }
}

#[test]
fn durability_is_told_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let told = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&told);
    store.set_listener(Box::new(move |event| {
        if let StoreEvent::Durable(generation) = event {
            heard.lock().push(*generation);
        }
    }));
    for i in 0..50 {
        store.append(&document("game/a"), vec![i]).unwrap();
    }
    let last = store.appended();
    store.close().unwrap();
    assert_eq!(store.durable(), last);
    let told = told.lock();
    assert!(told.is_sorted() && told.last() == Some(&last));
}
