//! Killed at any moment, a library opens to a prefix of its history that holds everything that
//! was acknowledged.
//!
//! `killed_at_random_points` kills a child process that writes (25 rounds; more with
//! `TABLEGLOW_CRASH_ROUNDS`, another course with `TABLEGLOW_CRASH_SEED`). A killed process loses
//! what it held, but not what it had handed to the system: that is not a power loss.
//!
//! `the_power_fails` covers that for the write-ahead log: whatever lies in it behind the last flush
//! that was acknowledged is cut off anywhere, or overwritten with noise, as a disk may leave it.
//! What it does not cover: writes reordered between log and database while SQLite checkpoints,
//! and disks that lie about flushing. For the first we rely on SQLite's own tests.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tableglow::library::{DocumentId, Library, Mode};
use tableglow::model::id::GameSessionId;

const FOLDER: &str = "TABLEGLOW_CRASH_FOLDER";

fn document() -> DocumentId {
    DocumentId::Game(GameSessionId::new("crash"))
}

/// Update number `n`: its number and a filler that depends on it alone.
fn update(n: u32) -> Vec<u8> {
    let length = 4 + (n.wrapping_mul(2_654_435_761) >> 21) as usize;
    let mut bytes = vec![n as u8; length];
    bytes[..4].copy_from_slice(&n.to_le_bytes());
    bytes
}

/// A snapshot of the history up to `n`: just the number, as all before it are known.
fn snapshot(n: u32) -> Vec<u8> {
    n.to_le_bytes().to_vec()
}

fn number(bytes: &[u8]) -> u32 {
    u32::from_le_bytes(bytes[..4].try_into().unwrap())
}

/// Reads the history back: its length, after checking that it has no gap and no wrong byte.
fn history(library: &Library) -> u32 {
    let loaded = library.load_document(&document()).unwrap();
    assert_eq!(loaded.problems, [""; 0]);
    let mut last = loaded.snapshot.as_deref().map_or(0, number);
    for bytes in &loaded.updates {
        last += 1;
        assert_eq!(*bytes, update(last), "a gap or a wrong byte at {last}");
    }
    last
}

fn open_or_create(folder: &Path) -> Library {
    if Library::exists(folder) {
        Library::open(folder, Mode::Write).unwrap()
    } else {
        Library::create_empty(folder).unwrap()
    }
}

/// Not a test of its own: what the killed process runs. It ends only when it is killed.
#[test]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let library = open_or_create(Path::new(&folder));
    let first = history(&library);
    // One document, one update a number: generations count the same.
    assert_eq!(library.durable().0, u64::from(first));
    library.set_store_listener(|event| {
        if let tableglow::library::saved::StoreEvent::Durable(generation) = event {
            let mut out = std::io::stdout().lock();
            writeln!(out, "ACK {}", generation.0).unwrap();
            out.flush().unwrap();
        }
    });
    for n in first + 1.. {
        while library.append(&document(), update(n)).is_err() {
            std::thread::sleep(Duration::from_millis(5));
        }
        if n % 97 == 0 {
            let upto = library.appended();
            library
                .put_snapshot(&document(), upto, snapshot(n))
                .unwrap();
        }
        if n % 7 == 0 {
            std::thread::sleep(Duration::from_micros(u64::from(n % 50) * 100));
        }
    }
}

#[test]
fn killed_at_random_points() {
    let number_of = |name: &str, default: u64| {
        std::env::var(name).map_or(default, |text| text.parse().unwrap())
    };
    let rounds = number_of("TABLEGLOW_CRASH_ROUNDS", 25);
    let mut random = StdRng::seed_from_u64(number_of("TABLEGLOW_CRASH_SEED", 20_261_121));
    let folder = tempfile::tempdir().unwrap();
    let library_folder = folder.path().join("library");
    let (mut acknowledged, mut total_acks) = (0, 0);
    for round in 0..rounds {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child", "--nocapture", "--test-threads=1"])
            .env(FOLDER, &library_folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (at_work, works) = std::sync::mpsc::sync_channel(1);
        let reader = std::thread::Builder::new()
            .name("acks".into())
            .spawn(move || {
                output
                    .lines()
                    .map_while(Result::ok)
                    .filter_map(|line| line.rsplit_once("ACK ")?.1.parse::<u32>().ok())
                    .fold((0, 0), |(_, count), ack| {
                        // Only the first finds room, and somebody who waits for it.
                        let _ = at_work.try_send(());
                        (ack, count + 1)
                    })
            })
            .unwrap();
        // Every fifth is killed while it starts, the others while they work, which they must within
        // a time that is long for any machine.
        let wait = if round % 5 == 4 {
            random.random_range(0..40)
        } else {
            works.recv_timeout(Duration::from_secs(60)).unwrap();
            random.random_range(0..200)
        };
        std::thread::sleep(Duration::from_millis(wait));
        child.kill().unwrap();
        child.wait().unwrap();
        let (last, count) = reader.join().unwrap();
        acknowledged = acknowledged.max(last);
        total_acks += count;
        if Library::exists(&library_folder) {
            let library = Library::open(&library_folder, Mode::Write).unwrap();
            let found = history(&library);
            assert!(
                found >= acknowledged,
                "round {round}: {found} < {acknowledged}"
            );
        } else {
            assert_eq!(acknowledged, 0);
        }
    }
    assert!(total_acks >= rounds - rounds / 5, "{total_acks}");
}

#[test]
fn the_power_fails() {
    let mut random = StdRng::seed_from_u64(7);
    let folder = tempfile::tempdir().unwrap();
    let live = folder.path().join("live");
    let library = Library::create_empty(&live).unwrap();
    let wal = live.join("library.sqlite-wal");
    let mut flushed = Vec::new();
    for n in 1..=60 {
        let generation = library.append(&document(), update(n)).unwrap();
        if n % 3 == 0 {
            let store = library.store().unwrap();
            assert!(store.wait_until_durable(generation, Duration::from_secs(20)));
            flushed.push((n, std::fs::metadata(&wal).unwrap().len()));
        }
    }
    let database = std::fs::read(live.join("library.sqlite")).unwrap();
    let log = std::fs::read(&wal).unwrap();
    drop(library);

    let started = Instant::now();
    for round in 0..60 {
        let (acknowledged, intact) = flushed[random.random_range(0..flushed.len())];
        let mut log = log.clone();
        let intact = usize::try_from(intact).unwrap();
        match round % 3 {
            0 => log.truncate(random.random_range(intact..=log.len())),
            1 => log[intact..].fill_with(|| random.random()),
            _ => {
                // Some pages arrived and others did not.
                for page in log[intact..].chunks_mut(4096) {
                    if random.random_bool(0.5) {
                        page.fill(0);
                    }
                }
            }
        }
        let dead = folder.path().join(format!("dead-{round}"));
        std::fs::create_dir(&dead).unwrap();
        std::fs::write(dead.join("library.sqlite"), &database).unwrap();
        std::fs::write(dead.join("library.sqlite-wal"), &log).unwrap();
        let library = Library::open(&dead, Mode::Write).unwrap_or_else(|e| panic!("{round}: {e}"));
        let found = history(&library);
        assert!(
            found >= acknowledged,
            "round {round}: {found} < {acknowledged}"
        );
    }
    assert!(started.elapsed() < Duration::from_secs(300));
}
