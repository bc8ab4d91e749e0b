//! The real program on a real X server: a marker dragged in the editor moves in the players' picture.
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

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tableglow::library::Library;
use tableglow::model::edit::{Assignment, Edit, RowRef};
use tableglow::model::id::RowId;
use tableglow::model::marker;
use tableglow::session::Workspace;
use tableglow::session::api::{GestureId, Request};
use tableglow::util::clock::SystemClock;

/// The marker's colour: nothing else on either window is like it.
const RED: &str = "#ff0000";
/// Everything must have happened by then.
const PATIENCE: Duration = Duration::from_secs(50);

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

#[test]
fn a_marker_dragged_in_the_editor_moves_on_the_table() {
    if let Some(missing) = ["Xvfb", "openbox", "xdotool", "import"]
        .iter()
        .find(|program| !is_there(program))
    {
        eprintln!("skipped: {missing} is not installed");
        return;
    }
    let until = Instant::now() + PATIENCE;
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path();
    library(&home.join("library"));
    let config = home.join("config/tableglow");
    std::fs::create_dir_all(&config).unwrap();
    std::fs::write(
        config.join("settings.json"),
        r#"{"playerDisplayOpen": true, "playerDisplayFullscreen": false, "transitions": false,
            "hintsDone": ["map", "grid", "fog", "show"], "windowSize": [1200, 800]}"#,
    )
    .unwrap();

    let (_server, display) = screen();
    let _manager = Ours(
        Command::new("openbox")
            .env("DISPLAY", &display)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let _app = Ours(
        Command::new(env!("CARGO_BIN_EXE_tableglow"))
            .arg("--library")
            .arg(home.join("library"))
            .env("DISPLAY", &display)
            .env("HOME", home)
            .env("XDG_CONFIG_HOME", home.join("config"))
            .env("XDG_DATA_HOME", home.join("data"))
            .env("XDG_STATE_HOME", home.join("state"))
            .env("XDG_RUNTIME_DIR", home)
            .env_remove("WAYLAND_DISPLAY")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let stage = Stage {
        display,
        picture: home.join("window.png"),
    };
    let editor = stage.window("Crypt", until);
    let player = stage.window("Tableglow player display", until);
    stage.run("xdotool", &["windowmove", &editor, "0", "30"]);
    stage.run("xdotool", &["windowmove", &player, "1280", "30"]);
    stage.run("xdotool", &["windowactivate", "--sync", &editor]);

    let (from, _) = stage.wait_for_red(&editor, until);
    let (before, player_size) = stage.wait_for_red(&player, until);
    // As a hand does it, and so slowly that a busy machine draws frames between: the press, the way
    // and the release are not one frame's.
    let move_to = |x: f64, y: f64| {
        let [x, y] = [format!("{x:.0}"), format!("{y:.0}")];
        stage.run("xdotool", &["mousemove", "--window", &editor, &x, &y]);
        std::thread::sleep(Duration::from_millis(250));
    };
    move_to(from[0], from[1]);
    stage.run("xdotool", &["mousedown", "1"]);
    std::thread::sleep(Duration::from_millis(500));
    for step in 1..=6 {
        move_to(from[0] + 25.0 * f64::from(step), from[1]);
    }
    std::thread::sleep(Duration::from_millis(500));
    stage.run("xdotool", &["mouseup", "1"]);

    loop {
        let (after, _) = stage.wait_for_red(&player, until);
        let moved = after[0] - before[0];
        // At least a tenth of the picture to the right, and on the same height.
        if moved > f64::from(player_size[0]) / 10.0 {
            assert!((after[1] - before[1]).abs() < 12.0, "{before:?} {after:?}");
            return;
        }
        if Instant::now() > until {
            panic!("the marker stayed at {after:?} on the table");
        }
        std::thread::sleep(Duration::from_millis(250));
    }
}
