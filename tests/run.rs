//! `tableglow run`: scripts as a user runs them, with the real binary.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use base64::Engine as _;
use serde_json::{Value, json};

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    /// A working folder with a map file of 6 x 4 cells of 50 px.
    fn new() -> Self {
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

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let home = self.folder.path();
        let mut command = Command::new(env!("CARGO_BIN_EXE_tableglow"));
        command
            .args(arguments)
            .current_dir(home)
            .env("HOME", home)
            .env("XDG_DATA_HOME", home.join("data"))
            .env("XDG_STATE_HOME", home.join("state"))
            .env("XDG_CONFIG_HOME", home.join("config"))
            .env("APPDATA", home.join("roaming"))
            .env("LOCALAPPDATA", home.join("local"));
        command
    }

    /// Runs a script from stdin on the library `library`.
    fn run(&self, script: &str, more: &[&str]) -> Output {
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

    /// Runs a script that succeeds and gives its answers.
    fn ran(&self, script: &str) -> Vec<Value> {
        let output = self.run(script, &[]);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{told}\n{}", text(&output));
        answers(&output)
    }

    fn inspect(&self) -> Value {
        let output = self.command(&["inspect", "library"]).output().unwrap();
        assert!(output.status.success());
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn answers(output: &Output) -> Vec<Value> {
    text(output)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The first game's scenes.
fn scenes(told: &Value) -> &Vec<Value> {
    told["parties"][0]["games"][0]["document"]["scenes"]
        .as_array()
        .unwrap()
}

#[test]
fn a_script_makes_a_game_and_the_library_holds_it() {
    let place = Place::new();
    let answers = place.ran(
        r##"# An evening.
{"do": "import", "file": "cellar.dd2vtt", "as": "cellar"}
{"do": "set", "values": {"scene.gridOpacity": 0.25, "scene.gridLineColor": "#102030"}}
{"do": "add_marker", "title": "Goblin", "at": {"cell": [3, 2]}, "as": "goblin"}

{"do": "set", "marker": "goblin", "values": {"marker.visibility": "Everyone", "marker.size": 2}}
{"do": "move_marker", "marker": "Goblin", "by": {"cells": [-1.5, 0.5]}}
{"do": "fog", "shape": "rectangle", "from": {"cell": [0, 0]}, "to": {"cell": [2, 3]}}
{"do": "set_active_scene", "scene": "cellar"}
{"do": "pause"}
{"do": "create_scene", "name": "Road"}
{"do": "add_marker", "title": "Cart", "at": {"cell": [0, 0]}}
{"do": "undo"}
"##,
    );
    let lines: Vec<i64> = answers
        .iter()
        .map(|it| it["line"].as_i64().unwrap())
        .collect();
    assert_eq!(lines, [2, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13]);
    assert_eq!(answers[2]["cell"], json!([3, 2]));
    assert_eq!(answers[2]["px"], json!([175, 125]));
    assert_eq!(answers[4]["px"], json!([100, 150]));
    assert_eq!(answers[10]["step"], "Add marker");

    let told = place.inspect();
    let [cellar, road] = scenes(&told).as_slice() else {
        panic!("{told:#}");
    };
    assert_eq!(cellar["settings"]["gridOpacity"], 0.25);
    assert_eq!(cellar["settings"]["gridLineColor"], "#102030");
    let goblin = &cellar["markers"][0];
    assert_eq!(goblin["title"], "Goblin");
    assert_eq!(
        (&goblin["visibility"], &goblin["size"]),
        (&json!(0), &json!(2))
    );
    // Map pixels from the middle, y up.
    assert_eq!(
        (&goblin["positionX"], &goblin["positionY"]),
        (&json!(-50), &json!(-50))
    );
    let fog = &cellar["fogMask"];
    let whole = fog["width"].as_f64().unwrap() * fog["height"].as_f64().unwrap();
    let covered = fog["set"].as_f64().unwrap() / whole;
    assert!(
        (covered - 0.5).abs() < 0.01,
        "the left half is revealed: {covered}"
    );
    assert_eq!(road["settings"]["name"], "Road");
    assert_eq!(road["markers"], json!([]), "undone");
    let state = &told["parties"][0]["document"]["state"];
    assert_eq!(state["activeSceneId"], cellar["id"]);
    assert_eq!(state["isPaused"], true);
}

#[test]
fn a_script_ends_at_its_first_failure_unless_it_shall_go_on() {
    let place = Place::new();
    let script = concat!(
        "{\"do\": \"create_scene\", \"name\": \"Twin\"}\n",
        "{\"do\": \"create_scene\", \"name\": \"Twin\"}\n",
        "{\"do\": \"edit_scene\", \"scene\": \"Twin\"}\n",
        "not json\n",
        "{\"do\": \"fog\", \"shape\": \"clear\"}\n",
        "{\"do\": \"set\", \"values\": {\"scene.mapZoom\": 0}}\n",
        "{\"do\": \"import\", \"file\": \"gone.png\"}\n",
        "{\"do\": \"create_scene\", \"name\": \"Last\"}\n",
    );
    let output = place.run(script, &[]);
    assert_eq!(output.status.code(), Some(1));
    let told = answers(&output);
    assert_eq!(told.len(), 3, "{told:?}");
    assert_eq!(told[2]["line"], 3);
    assert_eq!(told[2]["ok"], false);
    let sentence = "2 scenes are called “Twin”; name one by its id, which `state` tells";
    assert_eq!(told[2]["error"], sentence);
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(message.trim_end(), format!("line 3: {sentence}"));

    let place = Place::new();
    let output = place.run(script, &["--keep-going"]);
    assert_eq!(output.status.code(), Some(1));
    let ok: Vec<bool> = answers(&output).iter().map(|it| it["ok"] == true).collect();
    assert_eq!(ok, [true, true, false, false, false, false, false, true]);
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("5 of 8 commands failed"), "{message}");
    assert_eq!(
        scenes(&place.inspect()).len(),
        3,
        "the last line was carried out"
    );
}

#[test]
fn a_script_that_is_not_there_leaves_no_library_behind() {
    let place = Place::new();
    let output = place
        .command(&["run", "gone.jsonl", "--library", "library"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(!place.path("library").exists());
}

#[test]
fn what_can_be_set_is_listed() {
    let place = Place::new();
    let output = place.command(&["run", "--properties"]).output().unwrap();
    assert!(output.status.success());
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["scene.gridOpacity"]["most"], 1);
    assert_eq!(told["marker.shape"]["choices"]["1"], "Circle");
    assert!(told.get("scene.id").is_none());
    assert!(
        !place
            .path("data")
            .join("tableglow")
            .join("library")
            .exists()
    );
}

/// The lines of a page's examples.
fn examples(page: &str) -> Vec<String> {
    let mut inside = false;
    let mut lines = Vec::new();
    for line in page.lines() {
        match line {
            "```jsonl" => inside = true,
            "```" => inside = false,
            line if inside => lines.push(line.to_owned()),
            _ => {}
        }
    }
    lines
}

#[test]
fn every_example_of_the_page_works_and_every_command_has_one() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/run.md");
    let page = std::fs::read_to_string(page).unwrap();
    let mut lines = examples(&page);
    for word in tableglow::session::script::WORDS {
        let named = format!("\"do\": \"{}\"", word.name);
        assert!(
            lines.iter().any(|line| line.contains(&named)),
            "{} has no example",
            word.name
        );
        assert!(
            page.contains(&format!("### `{}`", word.name)),
            "{} has no heading",
            word.name
        );
    }
    if cfg!(not(feature = "render")) {
        lines.retain(|line| !line.contains("snapshot"));
    }
    let place = Place::new();
    let answers = place.ran(&lines.join("\n"));
    assert_eq!(answers.len(), lines.len());
    let last = answers.last().unwrap();
    assert_eq!(last["scene"]["name"], "Cellar");
    assert_eq!(last["scene"]["fogged"], 0);
    assert_eq!(last["scene"]["markers"][0]["title"], "Goblin");
    if cfg!(feature = "render") {
        let picture = image::open(place.path("table.png")).unwrap().to_rgba8();
        assert_eq!(picture.dimensions(), (640, 360));
        let first = picture.get_pixel(320, 180);
        assert!(
            picture.pixels().any(|p| p != first),
            "the table shows the map"
        );
    }
}

/// A room server of its own; killed when it goes.
struct Serve {
    child: std::process::Child,
    address: String,
    /// Kept open: the server tells more.
    _stderr: std::io::BufReader<std::process::ChildStderr>,
}

impl Serve {
    fn start(place: &Place, arguments: &[&str]) -> Self {
        use std::io::BufRead as _;
        let mut child = place
            .command(&["serve", "--listen", "127.0.0.1:0", "--data", "rooms"])
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

    fn link(&self) -> String {
        format!(
            "http://{}/parties/game_session/evening?party=table",
            self.address
        )
    }

    fn tokens(place: &Place, room: &str) -> Value {
        let output = place
            .command(&["serve", "--data", "rooms", "--invite", room])
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

/// Runs a script in a room.
fn run_in_room(place: &Place, link: &str, script: &str, more: &[&str]) -> Output {
    let file = place.path("script.jsonl");
    std::fs::write(&file, script).unwrap();
    place
        .command(&["run", "script.jsonl", "--room", link])
        .args(more)
        .output()
        .unwrap()
}

#[test]
fn a_script_works_in_a_room_and_the_next_one_finds_what_it_made() {
    let place = Place::new();
    let server = Serve::start(&place, &["--open"]);
    let link = server.link();
    let empty = run_in_room(&place, &link, "{\"do\": \"state\"}\n", &[]);
    assert_eq!(empty.status.code(), Some(1));
    let message = String::from_utf8(empty.stderr).unwrap();
    assert!(
        message.contains("nobody has put a game into this room"),
        "{message}"
    );

    let first = run_in_room(
        &place,
        &link,
        concat!(
            "{\"do\": \"create_scene\", \"name\": \"Bridge\", \"as\": \"bridge\"}\n",
            "{\"do\": \"add_marker\", \"title\": \"Troll\", \"at\": {\"cell\": [2, 3]}}\n",
            "{\"do\": \"set_active_scene\", \"scene\": \"bridge\"}\n",
        ),
        &["--initialise"],
    );
    let told = String::from_utf8_lossy(&first.stderr).into_owned();
    assert!(first.status.success(), "{told}\n{}", text(&first));

    let second = run_in_room(
        &place,
        &link,
        "{\"do\": \"move_marker\", \"marker\": \"Troll\", \"by\": {\"cells\": [1, 0]}}\n{\"do\": \"state\"}\n",
        &[],
    );
    let told = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(second.status.success(), "{told}\n{}", text(&second));
    let answers = answers(&second);
    assert_eq!(answers[0]["cell"], json!([3, 3]));
    assert_eq!(answers[1]["scenes"][0]["name"], "Bridge");
    assert_eq!(answers[1]["scenes"][0]["active"], true);
    assert!(
        !place
            .path("data")
            .join("tableglow")
            .join("library")
            .exists(),
        "nothing of it is in the user's library"
    );
}

#[test]
fn a_wrong_token_is_told_and_never_repeated() {
    let place = Place::new();
    let server = Serve::start(&place, &["--room", "game_session/evening"]);
    let output = run_in_room(
        &place,
        &server.link(),
        "{\"do\": \"state\"}\n",
        &["--token", "not-the-token-of-this-room"],
    );
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(message.trim().lines().count(), 1, "{message}");
    assert!(!message.contains("not-the-token"), "{message}");
    let tokens = Serve::tokens(&place, "game_session/evening");
    let party = Serve::tokens(&place, "party/table");
    assert_ne!(tokens["dm"], party["dm"]);
}

#[test]
fn a_script_waits_for_an_event_of_the_room() {
    let place = Place::new();
    let server = Serve::start(&place, &["--open"]);
    let link = server.link();
    let made = run_in_room(&place, &link, "{\"do\": \"state\"}\n", &["--initialise"]);
    assert!(made.status.success());
    let file = place.path("wait.jsonl");
    std::fs::write(
        &file,
        "{\"do\": \"state\"}\n{\"do\": \"wait\", \"event\": \"DICE\", \"timeoutMs\": 60000}\n",
    )
    .unwrap();
    let mut child = place
        .command(&["run", "wait.jsonl", "--room", &link])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = {
        use std::io::BufRead as _;
        std::io::BufReader::new(child.stdout.take().unwrap()).lines()
    };
    // The script is in the room now.
    lines.next().unwrap().unwrap();
    for kind in ["OTHER", "DICE"] {
        let body = json!({"type": kind, "payload": {"rolled": 17}}).to_string();
        let mut stream = std::net::TcpStream::connect(&server.address).unwrap();
        let request = format!(
            "POST /parties/game_session/evening HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            server.address,
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        std::io::Read::read_to_string(&mut stream, &mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    let answer: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(answer["event"]["payload"]["rolled"], 17);
    assert!(child.wait().unwrap().success());
}
