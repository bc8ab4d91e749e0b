//! Many people at once in a room of `tableglow serve`, over real sockets.
//!
//! In the suite these are short and check what does not depend on the machine: everything arrives,
//! and memory stays where it is. By hand they are what the figures in the README were measured with:
//! `TABLEGLOW_LOAD_SECONDS=50` (how long; who is silent for a minute is sent away), `TABLEGLOW_LISTENERS=1000`, `TABLEGLOW_SERVER` (the program,
//! a release build), and `--nocapture` to see the sums.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use parking_lot::Mutex;
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::Message as Wire;
use tokio_tungstenite::{WebSocketStream, client_async};

use tableglow::doc::{GameDoc, Origin};
use tableglow::model::edit::{Assignment, Edit, RowRef};
use tableglow::model::marker;
use tableglow::model::stroke::{MaskTarget, NewStroke, StrokeMode, StrokeShape};
use tableglow::sync::dialect::{Dialect, RoomAddress};
use tableglow::sync::protocol::{AwarenessEntry, Message, SyncMessage, awareness_frame};

use crate::client::{PATIENCE, cave, labelled, marker_row, session};
use crate::serving::{Serve, command};

fn asked(variable: &str, otherwise: u64) -> u64 {
    let asked = std::env::var(variable).ok();
    asked
        .and_then(|text| text.parse().ok())
        .unwrap_or(otherwise)
}

/// The program that `TABLEGLOW_SERVER` names, or the one of this build.
fn serve(data: &Path, arguments: &[&str]) -> Serve {
    let mut command = command(data, &["--open", "--listen", "127.0.0.1:0"]);
    if let Some(program) = std::env::var_os("TABLEGLOW_SERVER") {
        let mut other = Command::new(program);
        other.args(command.get_args());
        for (name, value) in command.get_envs() {
            other.env(name, value.unwrap());
        }
        command = other;
    }
    command.args(arguments);
    Serve::spawn(command)
}

/// Resident memory of the server in KiB, and its processor time in hundredths of a second, where
/// this system tells.
fn spent(server: &Serve) -> (u64, u64) {
    let pid = server.child.id();
    let read = |name| std::fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap_or_default();
    let status = read("status");
    let resident = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next())
        .and_then(|kib| kib.parse().ok());
    let stat = read("stat");
    let ticks: u64 = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|ticks| ticks.parse::<u64>().ok())
        .sum();
    (resident.unwrap_or(0), ticks)
}

type Socket = WebSocketStream<TcpStream>;

/// What all people of a run measure together.
#[derive(Default)]
struct Sums {
    update_delays: Mutex<Vec<Duration>>,
    presence_delays: Mutex<Vec<Duration>>,
    bytes_up: AtomicU64,
    bytes_down: AtomicU64,
}

/// Everybody's clock: times are written into what is sent, as `t=MICROSECONDS;`.
#[derive(Clone)]
struct Run {
    begin: Instant,
    sums: Arc<Sums>,
}

impl Run {
    fn new() -> Self {
        Self {
            begin: Instant::now(),
            sums: Arc::default(),
        }
    }

    fn stamp(&self) -> String {
        format!("t={};", self.begin.elapsed().as_micros())
    }

    fn note_delays(&self, frame: &[u8]) {
        let now = self.begin.elapsed();
        let is_presence = frame.first() == Some(&1);
        let sums = &self.sums;
        let mut delays = if is_presence {
            sums.presence_delays.lock()
        } else {
            sums.update_delays.lock()
        };
        for at in memchr_all(frame, b"t=") {
            let digits = &frame[at + 2..];
            let Some(end) = digits.iter().position(|byte| *byte == b';') else {
                continue;
            };
            let micros = str::from_utf8(&digits[..end])
                .ok()
                .and_then(|text| text.parse().ok());
            if let Some(micros) = micros {
                delays.push(now.saturating_sub(Duration::from_micros(micros)));
            }
        }
    }

    /// Half and almost all of the delays, in milliseconds.
    fn delays(delays: &Mutex<Vec<Duration>>) -> String {
        let mut delays = delays.lock();
        delays.sort_unstable();
        let at = |share: f64| {
            let index = (delays.len() as f64 * share) as usize;
            delays
                .get(index)
                .map_or(0.0, |delay| delay.as_secs_f64() * 1e3)
        };
        format!("{:.1}/{:.1} ms of {}", at(0.5), at(0.99), delays.len())
    }

    fn told(&self) -> String {
        format!(
            "updates {}, presence {}",
            Self::delays(&self.sums.update_delays),
            Self::delays(&self.sums.presence_delays)
        )
    }
}

fn memchr_all<'b>(bytes: &'b [u8], what: &'b [u8]) -> impl Iterator<Item = usize> + 'b {
    bytes
        .windows(what.len())
        .enumerate()
        .filter_map(move |(at, window)| (window == what).then_some(at))
}

async fn connect(address: &RoomAddress, name: &str, takes_little: bool) -> Socket {
    let socket = TcpSocket::new_v4().unwrap();
    if takes_little {
        socket.set_recv_buffer_size(4096).unwrap();
    }
    let stream = socket.connect(address.host.parse().unwrap()).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let url = address.url(name).unwrap();
    let (mut socket, _) = client_async(url, stream).await.unwrap();
    let nothing = Message::Sync(SyncMessage::Step1(&[0])).encode();
    socket.send(Wire::binary(nothing)).await.unwrap();
    socket
}

/// Takes a frame's document in, if it has some.
fn take_in(doc: &mut GameDoc, frame: &[u8]) {
    if let Ok(Message::Sync(SyncMessage::Step2(update) | SyncMessage::Update(update))) =
        Message::decode(frame)
    {
        doc.replica_mut()
            .apply_update(update, Origin::Remote(1))
            .unwrap();
        // Nothing of one's own waits here: it is taken where it is made.
        doc.replica_mut().take_updates();
    }
}

/// What a person does: so many times a second.
#[derive(Debug, Clone, Copy, Default)]
struct Habits {
    moves: u32,
    cursors: u32,
    /// A stroke of fog every two seconds.
    paints: bool,
}

/// The document that everybody begins with, each person's marker in it.
fn table(people: usize) -> GameDoc {
    let mut doc = GameDoc::create(&session());
    let row = RowRef::Scene(cave());
    let values = Vec::new();
    let mut edits = vec![Edit::Create { row, values }];
    edits.extend((0..people).map(|n| labelled(&format!("m{n}"), "begin")));
    doc.apply(&edits, Origin::Upkeep);
    doc.replica_mut().take_updates();
    doc
}

/// A person's document: hands change it, ears take in what others did.
type Document = Arc<Mutex<GameDoc>>;

fn document(begin: &[u8]) -> Document {
    Arc::new(Mutex::new(GameDoc::open(&session(), [begin]).unwrap()))
}

/// Does what a person does until told to stop, then says the last word.
async fn act(
    run: Run,
    n: usize,
    doc: Document,
    habits: Habits,
    mut sink: SplitSink<Socket, Wire>,
    stop: watch::Receiver<bool>,
) -> SplitSink<Socket, Wire> {
    let row = marker_row(&format!("m{n}"));
    let client = 1000 + n as u64;
    let mut clock = 0;
    let start = Instant::now();
    let (mut moves, mut cursors, mut strokes) = (0, 0, 0);
    loop {
        let is_last = *stop.borrow();
        let passed = start.elapsed().as_secs_f64();
        let due = |rate: u32, done: u32| f64::from(done) < passed * f64::from(rate);
        let mut frames = Vec::new();
        if due(habits.cursors, cursors) {
            cursors += 1;
            clock += 1;
            let json = format!(
                r#"{{"cursor":{{"userId":"user-{n}","position":{{"x":{}.25,"y":789.5}}}},"at":"{}"}}"#,
                clock % 1000,
                run.stamp()
            );
            let json = &json;
            frames.push(awareness_frame([AwarenessEntry {
                client,
                clock,
                json,
            }]));
        }
        let mut edits = Vec::new();
        if due(habits.moves, moves) || is_last {
            moves += 1;
            let label = if is_last {
                "end".to_owned()
            } else {
                run.stamp()
            };
            edits.push(Edit::Set {
                row: row.clone(),
                values: vec![
                    Assignment::new(marker::POSITION_X, f64::from(moves)),
                    Assignment::new(marker::LABEL, &*label),
                ],
            });
        }
        if habits.paints && passed > f64::from(strokes) * 2.0 {
            strokes += 1;
            edits.push(Edit::Stroke {
                scene: cave(),
                target: MaskTarget::Fog,
                stroke: NewStroke {
                    shape: StrokeShape::Brush { radius: 20 },
                    mode: StrokeMode::Erase,
                    points: (0..60)
                        .map(|step| [step * 9, strokes * 7 + step % 13])
                        .collect(),
                },
            });
        }
        let updates = {
            let mut doc = doc.lock();
            if !edits.is_empty() {
                doc.apply(&edits, Origin::Local(1));
            }
            doc.replica_mut().take_updates()
        };
        for update in updates {
            frames.push(Message::Sync(SyncMessage::Update(&update.bytes)).encode());
        }
        for frame in frames {
            let bytes = frame.len() as u64;
            run.sums.bytes_up.fetch_add(bytes, Ordering::Relaxed);
            sink.send(Wire::binary(frame)).await.unwrap();
        }
        if is_last {
            return sink;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Listens until the last word of all others is here; one's own does not come back.
async fn listen(
    run: Run,
    others: Vec<usize>,
    doc: Document,
    mut source: SplitStream<Socket>,
) -> SplitStream<Socket> {
    let is_last = |doc: &GameDoc, n: usize| {
        doc.row(&marker_row(&format!("m{n}")))
            .and_then(|row| row.get(marker::LABEL))
            .as_deref()
            == Some("end")
    };
    while !others.iter().all(|n| is_last(&doc.lock(), *n)) {
        let frame = match source.next().await.unwrap().unwrap() {
            Wire::Binary(frame) => frame,
            _ => continue,
        };
        let bytes = frame.len() as u64;
        run.sums.bytes_down.fetch_add(bytes, Ordering::Relaxed);
        run.note_delays(&frame);
        take_in(&mut doc.lock(), &frame);
    }
    source
}

/// Listens with half an ear, until the last word: a thousand documents would be a test of this side.
async fn listen_for_the_end(run: Run, mut socket: Socket) {
    loop {
        if let Wire::Binary(frame) = socket.next().await.unwrap().unwrap() {
            run.note_delays(&frame);
            if memchr_all(&frame, b"\x03end").next().is_some() {
                return;
            }
        }
    }
}

/// People in a room for a while; the last of `silent` more are there and read nothing until the end.
async fn evening(
    address: &RoomAddress,
    habits: &[Habits],
    silent: usize,
    time: Duration,
    server: &Serve,
) -> (Run, u64) {
    let run = Run::new();
    let people = habits.len();
    let begin = table(people).replica().encode_snapshot();
    let mut first = connect(address, "first", false).await;
    let all = Message::Sync(SyncMessage::Update(&begin)).encode();
    first.send(Wire::binary(all)).await.unwrap();
    let (stop, stopped) = watch::channel(false);
    let mut asleep = Vec::new();
    for n in 0..silent {
        asleep.push(connect(address, &format!("silent{n}"), true).await);
    }
    let mut acting = Vec::new();
    let mut listening = Vec::new();
    for (n, habits) in habits.iter().enumerate() {
        let socket = connect(address, &format!("person{n}"), false).await;
        let (sink, source) = socket.split();
        let doc = document(&begin);
        let task = act(
            run.clone(),
            n,
            Arc::clone(&doc),
            *habits,
            sink,
            stopped.clone(),
        );
        acting.push(tokio::spawn(task));
        let others = (0..people).filter(|other| *other != n).collect();
        listening.push(tokio::spawn(listen(run.clone(), others, doc, source)));
    }
    let before = spent(server).0;
    let mut most = before;
    let end = Instant::now() + time;
    while Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(200).min(time)).await;
        most = most.max(spent(server).0);
    }
    stop.send_replace(true);
    let mut open = Vec::new();
    for task in acting {
        open.push(task.await.unwrap());
    }
    let everything = async {
        for task in listening {
            drop(task.await.unwrap());
        }
        // Who was asleep has missed nothing.
        for socket in asleep {
            let all = (0..people).collect();
            let doc = document(&begin);
            drop(listen(Run::new(), all, doc, socket.split().1).await);
        }
    };
    tokio::time::timeout(PATIENCE, everything).await.unwrap();
    (run, most - before)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

fn room(server: &Serve, room: &str) -> RoomAddress {
    let host = server.address.to_string();
    let mut address = RoomAddress::new(Dialect::YPartyKit, &host, "game_session", room);
    address.asks_durable = false;
    address
}

fn seconds() -> Duration {
    Duration::from_secs(asked("TABLEGLOW_LOAD_SECONDS", 2))
}

#[test]
fn somebody_who_does_not_read_makes_nobody_wait_and_misses_nothing() {
    let data = tempfile::tempdir().unwrap();
    let server = serve(data.path(), &[]);
    let habits = [Habits {
        moves: 10,
        cursors: 30,
        paints: false,
    }; 19];
    runtime().block_on(async {
        let time = seconds();
        let (alone, grown) = evening(&room(&server, "alone"), &habits, 0, time, &server).await;
        eprintln!("19 people: {}; memory +{grown} KiB", alone.told());
        let address = room(&server, "stalled");
        let (together, grown) = evening(&address, &habits, 1, time, &server).await;
        eprintln!(
            "and one who does not read: {}; memory +{grown} KiB",
            together.told()
        );
        assert!(grown < 16 << 10, "{grown} KiB");
    });
}

#[test]
fn a_room_has_many_listeners() {
    let data = tempfile::tempdir().unwrap();
    let listeners = asked("TABLEGLOW_LISTENERS", 200) as usize;
    let server = serve(data.path(), &["--room-connections", "1100"]);
    let address = room(&server, "crowd");
    let run = Run::new();
    runtime().block_on(async {
        let begin = table(1).replica().encode_snapshot();
        let mut first = connect(&address, "first", false).await;
        let all = Message::Sync(SyncMessage::Update(&begin)).encode();
        first.send(Wire::binary(all)).await.unwrap();
        let before = spent(&server);
        let start = Instant::now();
        let mut listening = Vec::new();
        for n in 0..listeners {
            let socket = connect(&address, &format!("l{n}"), false).await;
            listening.push(tokio::spawn(listen_for_the_end(run.clone(), socket)));
        }
        let joined = start.elapsed();
        let (stop, stopped) = watch::channel(false);
        let habits = Habits {
            moves: 10,
            cursors: 30,
            paints: false,
        };
        let (sink, mut own) = connect(&address, "speaker", false).await.split();
        // The speaker reads what comes back to it, or it would be the one who makes trouble.
        tokio::spawn(async move { while own.next().await.is_some() {} });
        let acting = tokio::spawn(act(run.clone(), 0, document(&begin), habits, sink, stopped));
        tokio::time::sleep(seconds()).await;
        let after = spent(&server);
        stop.send_replace(true);
        let _open = acting.await.unwrap();
        let everybody = async {
            for task in listening {
                task.await.unwrap();
            }
        };
        tokio::time::timeout(PATIENCE, everybody).await.unwrap();
        eprintln!(
            "{listeners} listeners joined in {joined:?}, {} KiB more; {} in {:?} with {} ms of processor",
            after.0.saturating_sub(before.0),
            run.told(),
            seconds(),
            (after.1 - before.1) * 10,
        );
    });
}

/// Six people: the master moves a marker and paints fog, two players drag theirs, all show cursors.
#[test]
fn an_evening_of_six_costs_little() {
    let data = tempfile::tempdir().unwrap();
    let server = serve(data.path(), &[]);
    let cursor = Habits {
        cursors: 30,
        ..Habits::default()
    };
    let drags = Habits {
        moves: 20,
        ..cursor
    };
    let master = Habits {
        paints: true,
        ..drags
    };
    let habits = [master, drags, drags, cursor, cursor, cursor];
    runtime().block_on(async {
        let time = seconds();
        let before = spent(&server).1;
        let (run, _) = evening(&room(&server, "evening"), &habits, 0, time, &server).await;
        let ticks = spent(&server).1 - before;
        let up = run.sums.bytes_up.load(Ordering::Relaxed);
        let down = run.sums.bytes_down.load(Ordering::Relaxed);
        let each = |bytes: u64| bytes as f64 / time.as_secs_f64() / 6.0;
        eprintln!(
            "six people: {:.0} bytes/s up, {:.0} down each; {}; {} ms of processor in {time:?}",
            each(up),
            each(down),
            run.told(),
            ticks * 10,
        );
        // Everybody gets what all others said, and hardly more.
        assert!(down < up * 7, "{up} {down}");
    });
}
