//! A working folder with a home of its own, and a room server in it.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use base64::Engine as _;
use serde_json::{Value, json};

pub(super) struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    /// A working folder with a map file of 6 x 4 cells of 50 px.
    pub(super) fn new() -> Self {
        let place = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let mut png = std::io::Cursor::new(Vec::new());
        image::RgbaImage::from_fn(300, 200, |x, y| {
            image::Rgba([(x % 256) as u8, (y % 256) as u8, 90, 255])
        })
        .write_to(&mut png, image::ImageFormat::Png)
        .unwrap();
        let map = json!({
            "format": 0.3,
            "resolution": {
                "map_origin": {"x": 0, "y": 0}, "map_size": {"x": 6, "y": 4}, "pixels_per_grid": 50
            },
            "line_of_sight": [], "portals": [], "lights": [],
            "environment": {"baked_lighting": false, "ambient_light": "ffffffff"},
            "image": base64::engine::general_purpose::STANDARD.encode(png.into_inner()),
        });
        std::fs::write(place.path("cellar.dd2vtt"), map.to_string()).unwrap();
        place
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let home = self.folder.path();
        let mut command = Command::new(env!("CARGO_BIN_EXE_tableglow"));
        command
            .args(arguments)
            .current_dir(home)
            .env("HOME", home)
            .env("XDG_DATA_HOME", home.join("data"))
            .env("XDG_STATE_HOME", home.join("state"))
            .env("XDG_CACHE_HOME", home.join("cache"))
            .env_remove("TABLEGLOW_TOKEN")
            .env("XDG_CONFIG_HOME", home.join("config"))
            .env("APPDATA", home.join("roaming"))
            .env("LOCALAPPDATA", home.join("local"));
        command
    }

    /// Runs a script from stdin on the library `library`.
    pub(super) fn run(&self, script: &str, more: &[&str]) -> Output {
        let mut arguments = vec!["run", "-", "--library", "library"];
        arguments.extend(more);
        let mut child = self
            .command(&arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // A script that failed does not read to its end.
        let _ = stdin.write_all(script.as_bytes());
        drop(stdin);
        child.wait_with_output().unwrap()
    }

    /// Runs a script in a room.
    pub(super) fn run_in_room(&self, link: &str, script: &str, more: &[&str]) -> Output {
        std::fs::write(self.path("script.jsonl"), script).unwrap();
        self.command(&["run", "script.jsonl", "--room", link])
            .args(more)
            .output()
            .unwrap()
    }

    /// Runs a script that succeeds and gives its answers.
    pub(super) fn ran(&self, script: &str) -> Vec<Value> {
        let output = self.run(script, &[]);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{told}\n{}", text(&output));
        answers(&output)
    }

    pub(super) fn inspect(&self) -> Value {
        let output = self.command(&["inspect", "library"]).output().unwrap();
        assert!(output.status.success());
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

pub(super) fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(super) fn answers(output: &Output) -> Vec<Value> {
    text(output)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// A room server of its own; killed when it goes.
pub(super) struct Serve {
    child: std::process::Child,
    pub(super) address: String,
    /// Kept open: the server tells more.
    _stderr: std::io::BufReader<std::process::ChildStderr>,
}

impl Serve {
    pub(super) fn start(place: &Place, arguments: &[&str]) -> Self {
        Self::start_at("127.0.0.1:0", place, arguments)
    }

    /// Killed in the middle of whatever it does, and started again at its address.
    pub(super) fn crash(&mut self, place: &Place) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        *self = Self::start_at(&self.address, place, &[]);
    }

    fn start_at(listen: &str, place: &Place, arguments: &[&str]) -> Self {
        use std::io::BufRead as _;
        let mut child = place
            .command(&["serve", "--listen", listen, "--data", "rooms"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = std::io::BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        stderr.read_line(&mut line).unwrap();
        let address = line
            .strip_prefix("serving http://")
            .and_then(|rest| rest.split_whitespace().next())
            .unwrap_or_else(|| panic!("no address in {line:?}"))
            .to_owned();
        Self {
            child,
            address,
            _stderr: stderr,
        }
    }

    pub(super) fn link(&self) -> String {
        format!(
            "http://{}/parties/game_session/evening?party=table",
            self.address
        )
    }

    pub(super) fn tokens(place: &Place, rooms: &[&str]) -> Value {
        let output = place
            .command(&["serve", "--data", "rooms"])
            .args(rooms.iter().flat_map(|room| ["--invite", *room]))
            .output()
            .unwrap();
        serde_json::from_slice::<Value>(&output.stdout).unwrap()["tokens"].clone()
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
