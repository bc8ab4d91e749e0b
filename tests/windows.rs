//! The real program on a real X server: a marker dragged in the editor moves in the players' picture,
//! in the same process and in another one that a room server of its own lies between.
//!
//! Starts a virtual screen and a window manager of its own and ends only what it started. Says so
//! and returns where Xvfb, openbox, xdotool or ImageMagick's `import` are missing.
#![cfg(all(feature = "app", target_os = "linux"))]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests"
)]

#[path = "harness/serving.rs"]
#[expect(dead_code, reason = "what asks a server over HTTP is for others")]
mod serving;

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tableglow::library::{Library, Mode};
use tableglow::model::edit::{Assignment, Edit, RowRef};
use tableglow::model::id::RowId;
use tableglow::model::marker;
use tableglow::session::api::{GestureId, Request};
use tableglow::session::room::{Connection, Invitation};
use tableglow::session::{Session, Workspace};
use tableglow::sync::dialect::Dialect;
use tableglow::util::clock::SystemClock;

use serving::Serve;

/// The marker's colour: nothing else on either window is like it.
const RED: &str = "#ff0000";
/// Everything must have happened by then: a machine may draw a frame in seconds.
const PATIENCE: Duration = Duration::from_secs(150);
/// What is dragged follows the pointer within this, or the press did not take hold of it.
const GRIP: Duration = Duration::from_secs(8);
/// How far from the pointer a dragged marker may be: it stands in the middle of a cell.
const NEAR_PX: f64 = 40.0;

/// A child that ends with the test.
struct Ours(Child);

impl Drop for Ours {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn is_there(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
    })
}

/// A virtual screen: the server and its display name.
fn screen() -> (Ours, String) {
    let mut server = Command::new("Xvfb")
        .args([
            "-displayfd",
            "1",
            "-screen",
            "0",
            "2400x900x24",
            "-nolisten",
            "tcp",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut number = String::new();
    BufReader::new(server.stdout.take().unwrap())
        .read_line(&mut number)
        .unwrap();
    (Ours(server), format!(":{}", number.trim()))
}

/// A library with one scene on the table: no map, one red marker in the middle that all see.
fn library(folder: &Path) {
    let library = Arc::new(Library::create_empty(folder).unwrap());
    let mut workspace =
        Workspace::open(Arc::clone(&library), Arc::new(SystemClock::default())).unwrap();
    if workspace.game().is_none() {
        workspace.handle(Request::CreateParty {
            name: "Friday group".into(),
        });
    }
    let scene = workspace.create_scene("Crypt").unwrap();
    let edit = Edit::Create {
        row: RowRef::marker(&scene, &RowId::fresh()),
        values: vec![
            Assignment::new(marker::POSITION_X, 0.0),
            Assignment::new(marker::POSITION_Y, 0.0),
            Assignment::new(marker::VISIBILITY, marker::VISIBLE_TO_EVERYONE),
            Assignment::new(marker::SHAPE_COLOR, RED),
            Assignment::new(marker::SIZE, 3_i64),
        ],
    };
    workspace.edit(GestureId(1), "Add marker", &[edit], true);
    workspace.handle(Request::ShowOnTable(Some(scene.clone())));
    workspace.handle(Request::EditScene(scene));
    workspace.save_everything();
    drop(workspace);
    library.close().unwrap();
}

struct Stage {
    display: String,
    picture: std::path::PathBuf,
}

impl Stage {
    fn run(&self, program: &str, arguments: &[&str]) -> String {
        let output = Command::new(program)
            .args(arguments)
            .env("DISPLAY", &self.display)
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Waits for a window by its title.
    fn window(&self, title: &str, until: Instant) -> String {
        loop {
            let found = self.run("xdotool", &["search", "--name", title]);
            if let Some(id) = found.lines().last() {
                return id.to_owned();
            }
            assert!(Instant::now() < until, "no window called {title}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Where the middle of what is red is in a window, and how large the window is.
    fn red_in(&self, window: &str) -> Option<([f64; 2], [u32; 2])> {
        let path = self.picture.display().to_string();
        self.run("import", &["-window", window, &format!("png:{path}")]);
        let picture = image::open(&self.picture).ok()?.into_rgb8();
        let (mut sum, mut count) = ([0.0, 0.0], 0.0);
        for (x, y, pixel) in picture.enumerate_pixels() {
            let [r, g, b] = pixel.0;
            if r > 200 && g < 60 && b < 60 {
                sum = [sum[0] + f64::from(x), sum[1] + f64::from(y)];
                count += 1.0;
            }
        }
        (count > 20.0).then(|| {
            (
                [sum[0] / count, sum[1] / count],
                [picture.width(), picture.height()],
            )
        })
    }

    /// Puts two windows side by side. A picture of a window shows what lies over it, so nothing may.
    fn side_by_side(&self, left: &str, right: &str, until: Instant) {
        for (window, x_px) in [(left, 0), (right, 1280)] {
            loop {
                self.run("xdotool", &["windowmove", window, &x_px.to_string(), "30"]);
                let geometry = self.run("xdotool", &["getwindowgeometry", "--shell", window]);
                let is_at = geometry
                    .lines()
                    .find_map(|line| line.strip_prefix("X=")?.parse::<i32>().ok());
                if is_at.is_some_and(|is_at_px| (is_at_px - x_px).abs() < 30) {
                    break;
                }
                assert!(Instant::now() < until, "{window} stays: {geometry}");
                std::thread::sleep(Duration::from_millis(100));
            }
        }
    }

    /// Where the marker is on the table to begin with: as the scene has it, and not what another window
    /// left in this one's picture.
    fn red_in_the_middle(&self, window: &str, until: Instant) -> [f64; 2] {
        loop {
            let (red, size) = self.wait_for_red(window, until);
            let middle = size.map(|side| f64::from(side) / 2.0);
            if (red[0] - middle[0]).abs() < 12.0 && (red[1] - middle[1]).abs() < 12.0 {
                return red;
            }
            assert!(Instant::now() < until, "{red:?} is not the middle");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Where what is red is, once two looks in a row find it at the same place.
    fn resting_red(&self, window: &str, until: Instant) -> [f64; 2] {
        let mut last = self.wait_for_red(window, until).0;
        loop {
            std::thread::sleep(Duration::from_millis(400));
            let next = self.wait_for_red(window, until).0;
            if (next[0] - last[0]).abs() < 1.0 && (next[1] - last[1]).abs() < 1.0 {
                return next;
            }
            assert!(Instant::now() < until, "it never rests: {last:?} {next:?}");
            last = next;
        }
    }

    /// Moves the pointer in a window, and says whether what is red came along.
    fn brings_red_to(&self, window: &str, [x, y]: [f64; 2]) -> bool {
        let to = [format!("{x:.0}"), format!("{y:.0}")];
        self.run(
            "xdotool",
            &["mousemove", "--window", window, &to[0], &to[1]],
        );
        let until = Instant::now() + GRIP;
        while Instant::now() < until {
            let found = self.red_in(window);
            if found.is_some_and(|([is_at, _], _)| (is_at - x).abs() < NEAR_PX) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        false
    }

    /// Drags what is red so many pixels to the right, as a hand does that looks what it does: takes
    /// hold of it where it rests, moves on when it sees it follow, and where it does not, because the
    /// window was still settling, lets go and takes hold again.
    fn drag_red(&self, editor: &str, by_px: f64, until: Instant) {
        loop {
            let from = self.resting_red(editor, until);
            let way = [0.0, 0.4, 0.7, 1.0].map(|share| [from[0] + by_px * share, from[1]]);
            self.brings_red_to(editor, way[0]);
            self.run("xdotool", &["mousedown", "1"]);
            let followed = way[1..].iter().all(|to| self.brings_red_to(editor, *to));
            self.run("xdotool", &["mouseup", "1"]);
            if followed {
                return;
            }
            assert!(
                Instant::now() < until,
                "nothing to take hold of at {from:?}"
            );
        }
    }

    /// Waits until what is red is at least a twentieth of the picture to the right of where it was, or to
    /// the left of it with a `sign` of -1; where it is then.
    fn wait_for_move(&self, window: &str, before: [f64; 2], sign: f64, until: Instant) -> [f64; 2] {
        loop {
            let (after, size) = self.wait_for_red(window, until);
            if (after[0] - before[0]) * sign > f64::from(size[0]) / 20.0 {
                return after;
            }
            assert!(
                Instant::now() < until,
                "the marker stayed at {after:?} on the table"
            );
            std::thread::sleep(Duration::from_millis(250));
        }
    }

    fn wait_for_red(&self, window: &str, until: Instant) -> ([f64; 2], [u32; 2]) {
        loop {
            if let Some(found) = self.red_in(window) {
                return found;
            }
            assert!(Instant::now() < until, "the marker never showed");
            std::thread::sleep(Duration::from_millis(250));
        }
    }
}

/// One test at a time: each wants the machine for its windows, and a process that is being started
/// holds on to the locks of the other's library.
static TURN: Mutex<()> = Mutex::new(());

/// What these tests need and is not installed; told.
fn is_missing_something() -> bool {
    let missing = ["Xvfb", "openbox", "xdotool", "import"]
        .iter()
        .find(|program| !is_there(program));
    if let Some(missing) = missing {
        eprintln!("skipped: {missing} is not installed");
    }
    missing.is_some()
}

fn manager(display: &str) -> Ours {
    let manager = Command::new("openbox")
        .env("DISPLAY", display)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    Ours(manager.unwrap())
}

/// Settings of a window in which nothing is red but the marker, with or without a player display.
fn settle(home: &Path, has_display: bool) {
    let config = home.join("config/tableglow");
    std::fs::create_dir_all(&config).unwrap();
    let settings = serde_json::json!({
        "playerDisplayOpen": has_display, "playerDisplayFullscreen": false,
        "transitions": false, "shareCursor": false,
        "leftPaneFolded": true, "rightPaneFolded": true,
        "hintsDone": ["map", "grid", "fog", "show"], "windowSize": [1200, 800],
    });
    std::fs::write(config.join("settings.json"), settings.to_string()).unwrap();
}

/// The program on a display, with a home of its own.
fn tableglow(home: &Path, display: &str, arguments: &[&str]) -> Ours {
    let app = Command::new(env!("CARGO_BIN_EXE_tableglow"))
        .args(arguments)
        .env("DISPLAY", display)
        .env("HOME", home)
        .env("XDG_CONFIG_HOME", home.join("config"))
        .env("XDG_DATA_HOME", home.join("data"))
        .env("XDG_STATE_HOME", home.join("state"))
        .env("XDG_CACHE_HOME", home.join("cache"))
        .env("XDG_RUNTIME_DIR", home)
        .env_remove("WAYLAND_DISPLAY")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    Ours(app.unwrap())
}

#[test]
fn a_marker_dragged_in_the_editor_moves_on_the_table() {
    if is_missing_something() {
        return;
    }
    let _turn = TURN.lock();
    let until = Instant::now() + PATIENCE;
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path();
    library(&home.join("library"));
    settle(home, true);

    let (_server, display) = screen();
    let _manager = manager(&display);
    let library = home.join("library").display().to_string();
    let _app = tableglow(home, &display, &["--library", &library]);
    let stage = Stage {
        display,
        picture: home.join("window.png"),
    };
    let editor = stage.window("Crypt", until);
    let player = stage.window("Tableglow player display", until);
    stage.side_by_side(&editor, &player, until);
    stage.run("xdotool", &["windowactivate", &editor]);

    let before = stage.red_in_the_middle(&player, until);
    stage.drag_red(&editor, 150.0, until);

    let after = stage.wait_for_move(&player, before, 1.0, until);
    assert!((after[1] - before[1]).abs() < 12.0, "{before:?} {after:?}");
}

/// Puts the library's game into a room of this server, which it belongs to from then on; the link of
/// the room.
fn put_into_room(folder: &Path, server: &Serve, until: Instant) -> String {
    let library = Arc::new(Library::open(folder, Mode::Write).unwrap());
    let clock = Arc::new(SystemClock::default());
    let session = Session::start(Arc::clone(&library), clock, Arc::new(|| {})).unwrap();
    let published = session.published();
    let invitation = Invitation {
        dialect: Dialect::YPartyKit,
        server: format!("http://{}", server.address),
        game: published.game.clone().unwrap(),
        party: published.party.clone(),
        token: None,
        title: "Friday".into(),
        pictures: None,
        may_initialise: true,
    };
    session.send(Request::Join(invitation.clone())).unwrap();
    loop {
        let published = session.published();
        let is_there = published.room.as_ref().is_some_and(|room| {
            let mut documents = room.documents.iter();
            room.documents.len() >= 2
                && room.connection == Connection::Live
                && documents.all(|document| document.has_sent_all)
        });
        if is_there {
            break;
        }
        assert!(Instant::now() < until, "{:?}", published.room);
        std::thread::sleep(Duration::from_millis(20));
    }
    drop(session);
    library.close().unwrap();
    invitation.link()
}

#[test]
fn a_drag_reaches_another_process_also_after_the_server_was_killed() {
    if is_missing_something() {
        return;
    }
    let _turn = TURN.lock();
    let until = Instant::now() + PATIENCE;
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path();
    let data = home.join("rooms");
    let mut server = Serve::start(&data, &["--open"]);
    library(&home.join("library"));
    let link = put_into_room(&home.join("library"), &server, until);
    settle(home, false);

    let (_server, display) = screen();
    let _manager = manager(&display);
    let library = home.join("library").display().to_string();
    let _app = tableglow(home, &display, &["--library", &library]);
    let stage = Stage {
        display: display.clone(),
        picture: home.join("window.png"),
    };
    let editor = stage.window("Crypt", until);
    let _play = tableglow(home, &display, &["play", &link, "--windowed"]);
    let player = stage.window("Tableglow table", until);
    stage.side_by_side(&editor, &player, until);
    stage.run("xdotool", &["windowactivate", &editor]);

    let start = stage.red_in_the_middle(&player, until);
    stage.drag_red(&editor, 150.0, until);
    let moved = stage.wait_for_move(&player, start, 1.0, until);
    let address = server.address.to_string();
    server.kill();
    let server = Serve::start_at(&address, &data, &["--open"]);
    stage.drag_red(&editor, -200.0, until);
    stage.wait_for_move(&player, moved, -1.0, until);
    drop(server);
}
