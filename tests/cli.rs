//! What the command line promises, run as a user runs it: the real binary on files made here.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use base64::Engine as _;
use image::{Rgba, RgbaImage};
use serde_json::{Value, json};

/// Runs the binary with a home of its own.
fn tableglow(home: &Path, arguments: &[&str]) -> Output {
    command(home, arguments).output().unwrap()
}

fn command(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tableglow"));
    command
        .args(arguments)
        .env("HOME", home)
        .env("XDG_DATA_HOME", home.join("data"))
        .env("XDG_STATE_HOME", home.join("state"))
        .env("XDG_CONFIG_HOME", home.join("config"))
        .env("APPDATA", home.join("roaming"))
        .env("LOCALAPPDATA", home.join("local"));
    command
}

fn succeeded(output: &Output) -> String {
    assert!(
        output.status.success(),
        "exit {:?}: {}",
        output.status.code(),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The one sentence of a command that failed.
fn failed(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty(), "machine output of a failure");
    let message = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(message.trim().lines().count(), 1, "{message}");
    assert!(!message.contains("panicked"), "{message}");
    message
}

/// A map picture in which every pixel says where it is; opaque.
fn picture(width: u32, height: u32) -> RgbaImage {
    RgbaImage::from_fn(width, height, |x, y| {
        Rgba([(x % 256) as u8, (y % 256) as u8, ((x + y) % 256) as u8, 255])
    })
}

fn png(picture: &RgbaImage) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, image::ImageFormat::Png)
        .unwrap();
    bytes.into_inner()
}

/// A Universal VTT file: 6 x 4 cells of 50 px, one wall, one door, two lights.
fn map_file(baked: bool) -> Vec<u8> {
    let image = base64::engine::general_purpose::STANDARD.encode(png(&picture(300, 200)));
    serde_json::to_vec(&json!({
        "format": 0.3,
        "resolution": {
            "map_origin": {"x": 0, "y": 0},
            "map_size": {"x": 6, "y": 4},
            "pixels_per_grid": 50
        },
        "line_of_sight": [[{"x": 1, "y": 1}, {"x": 3, "y": 1}, {"x": 3, "y": 2.5}]],
        "objects_line_of_sight": [[{"x": 5, "y": 3}, {"x": 5.5, "y": 3}, {"x": 5, "y": 3}]],
        "portals": [{
            "position": {"x": 3.5, "y": 1}, "bounds": [{"x": 3, "y": 1}, {"x": 4, "y": 1}],
            "rotation": 0, "closed": true, "freestanding": false
        }],
        "environment": {"baked_lighting": baked, "ambient_light": "ffffffff"},
        "lights": [
            {"position": {"x": 2, "y": 2}, "range": 1.5, "intensity": 1, "color": "ffff8800", "shadows": true},
            {"position": {"x": 8, "y": 2}, "range": 2, "intensity": 1, "color": "ff0000ff", "shadows": false}
        ],
        "image": image
    }))
    .unwrap()
}

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, bytes: &[u8]) -> String {
        std::fs::write(self.path(name), bytes).unwrap();
        self.text(name)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        tableglow(self.folder.path(), arguments)
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&succeeded(&self.run(arguments))).unwrap()
    }

    fn image(&self, name: &str) -> RgbaImage {
        image::open(self.path(name)).unwrap().to_rgba8()
    }
}

#[test]
fn a_map_file_is_told_in_picture_pixels() {
    let place = Place::new();
    let file = place.write("cellar.dd2vtt", &map_file(true));
    let told = place.json(&["inspect", &file]);
    assert_eq!(told["kind"], "map");
    assert_eq!(
        told["picture"],
        json!({"format": "png", "width": 300, "height": 200})
    );
    assert_eq!(told["grid"], json!({"cellPx": 50, "columns": 6, "rows": 4}));
    assert_eq!(told["walls"], json!([[[50, 50], [150, 50], [150, 125]]]));
    assert_eq!(
        told["objectWalls"],
        json!([[[250, 150], [275, 150], [250, 150]]])
    );
    assert_eq!(
        told["doors"],
        json!([{"a": [150, 50], "b": [200, 50], "closed": true, "freestanding": false}])
    );
    assert_eq!(told["lights"][0]["color"], "#ff8800");
    assert_eq!(told["lights"][0]["radiusPx"], 75);
    assert_eq!(told["lights"][1]["x"], 400, "outside, and not clipped");
    assert_eq!(told["bakedLighting"], true);
    assert!(told["report"].as_array().is_some_and(|r| !r.is_empty()));
}

#[test]
fn a_reader_that_wants_no_more_is_no_failure() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("crypt.dd2vtt");
    std::fs::write(&file, map_file(false)).unwrap();
    let mut child = command(home.path(), &["inspect", file.to_str().unwrap()])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(output.status.success());
}

#[test]
fn a_map_file_becomes_a_library_that_both_sides_can_look_at() {
    let place = Place::new();
    let file = place.write("cellar.dd2vtt", &map_file(false));
    let library = place.text("library");
    succeeded(&place.run(&["import", &file, "--library", &library]));

    let told = place.json(&["inspect", &library]);
    assert_eq!(told["kind"], "library");
    let scenes = told["parties"][0]["games"][0]["document"]["scenes"]
        .as_array()
        .unwrap();
    assert_eq!(scenes.len(), 1, "no sample in a library made by import");
    assert_eq!(scenes[0]["settings"]["name"], "Cellar");
    assert_eq!(scenes[0]["settings"]["gridMode"], 1);
    assert_eq!(scenes[0]["settings"]["gridMapDefinedX"], 6);
    assert_eq!(scenes[0]["lights"].as_array().unwrap().len(), 2);

    for (side, name) in [("dm", "dm.png"), ("player", "player.png")] {
        succeeded(&place.run(&[
            "render",
            &library,
            "--as",
            side,
            "--view",
            "map",
            "--size",
            "300x200",
            "--output",
            &place.text(name),
            "--layers",
            "background,map,fog-of-war",
        ]));
    }
    let (dm, player) = (place.image("dm.png"), place.image("player.png"));
    let differs = |image: &RgbaImage| {
        let first = image.get_pixel(5, 5);
        image.pixels().filter(|p| *p != first).count()
    };
    assert!(differs(&dm) > 1000, "the DM sees the map through the fog");
    let map = picture(300, 200);
    let shown = player
        .enumerate_pixels()
        .filter(|(x, y, p)| *p == map.get_pixel(*x, *y))
        .count();
    assert!(shown < 60, "the players see none of it: {shown} pixels");
}

#[test]
fn the_map_alone_at_its_own_size_is_the_picture() {
    let place = Place::new();
    let map = picture(613, 411);
    let file = place.write("map.png", &png(&map));
    succeeded(&place.run(&[
        "render",
        &file,
        "--as",
        "dm",
        "--view",
        "map",
        "--layers",
        "map",
        "--size",
        "613x411",
        "--output",
        &place.text("out.png"),
    ]));
    assert_eq!(place.image("out.png"), map);
}

#[test]
fn a_campaign_goes_out_and_in_and_looks_the_same() {
    let place = Place::new();
    let file = place.write("cellar.dd2vtt", &map_file(false));
    let library = place.text("library");
    succeeded(&place.run(&["import", &file, "--library", &library]));
    let archive = place.text("out.tableglow");
    succeeded(&place.run(&["export", &library, "--output", &archive]));
    let second = place.text("second");
    succeeded(&place.run(&["import", &archive, "--library", &second]));
    for (input, output) in [(&library, "a.png"), (&archive, "b.png"), (&second, "c.png")] {
        succeeded(&place.run(&[
            "render",
            input,
            "--as",
            "dm",
            "--size",
            "480x270",
            "--output",
            &place.text(output),
        ]));
    }
    let first = place.image("a.png");
    assert_eq!(first, place.image("b.png"));
    assert_eq!(first, place.image("c.png"));
}

#[test]
fn a_scene_goes_back_out_as_universal_vtt() {
    let place = Place::new();
    let file = place.write("cellar.dd2vtt", &map_file(false));
    let library = place.text("library");
    succeeded(&place.run(&["import", &file, "--library", &library]));
    let out = place.text("out.dd2vtt");
    succeeded(&place.run(&["export", &library, "--output", &out]));
    let (before, after) = (
        place.json(&["inspect", &file]),
        place.json(&["inspect", &out]),
    );
    for part in ["picture", "grid", "walls", "objectWalls", "doors"] {
        assert_eq!(before[part], after[part], "{part}");
    }
    assert_eq!(before["lights"][0]["x"], after["lights"][0]["x"]);
    assert_eq!(
        before["lights"][0]["radiusPx"],
        after["lights"][0]["radiusPx"]
    );
}

#[test]
fn a_repeated_render_tells_what_it_cost() {
    let place = Place::new();
    let file = place.write("map.png", &png(&picture(200, 100)));
    let told = place.json(&[
        "render",
        &file,
        "--as",
        "dm",
        "--size",
        "160x90",
        "--repeat",
        "3",
        "--output",
        &place.text("out.png"),
    ]);
    assert!(told["adapter"].is_string());
    for figure in ["min", "median", "max"] {
        assert!(told["msPerFrame"][figure].as_f64().unwrap() > 0.0);
    }
    assert!(told["cpuMsPerFrame"].is_number());
    assert!(told.get("gpuMsPerFrame").is_some());
}

#[test]
fn what_cannot_be_read_is_told_in_one_sentence() {
    let place = Place::new();
    let whole = png(&picture(64, 64));
    let inputs = [
        place.write("empty.png", b""),
        place.write("words.png", b"this is not a picture"),
        place.write("cut.png", whole.get(..whole.len() / 2).unwrap()),
        place.write("map.dd2vtt", b"{\"format\": 0.3, \"image\": "),
        place.text("missing.png"),
    ];
    for input in &inputs {
        failed(&place.run(&["inspect", input]));
        failed(&place.run(&["import", input, "--library", &place.text("library")]));
        failed(&place.run(&[
            "render",
            input,
            "--as",
            "dm",
            "--size",
            "64x64",
            "--output",
            &place.text("out.png"),
        ]));
    }
    assert!(!place.path("out.png").exists());
}

#[test]
fn a_cause_is_told_once() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("cut.png");
    let whole = png(&picture(300, 200));
    std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    let library = home.path().join("library");
    let [file, library] = [&file, &library].map(|path| path.to_str().unwrap());
    let told = failed(&tableglow(
        home.path(),
        &["import", file, "--library", library],
    ));
    assert_eq!(told.matches("ends early").count(), 1, "{told}");
}

#[test]
fn wrong_words_are_a_matter_of_usage() {
    let place = Place::new();
    for arguments in [
        &["paint"][..],
        &["render"],
        &[
            "render", "x.png", "--as", "wizard", "--size", "1x1", "--output", "y.png",
        ],
        &[
            "render", "x.png", "--as", "dm", "--size", "big", "--output", "y.png",
        ],
        &[
            "render", "x.png", "--as", "dm", "--size", "0x5", "--output", "y.png",
        ],
        &[
            "render", "x.png", "--as", "dm", "--size", "5x5", "--output", "y.png", "--layers",
            "sky",
        ],
        &["inspect", "x.png", "--log", "loud"],
    ] {
        let output = place.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
}
