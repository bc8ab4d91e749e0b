//! `tableglow play --headless`: a table's picture from a room.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Output, Stdio};
use std::time::{Duration, Instant};

use image::{Rgba, RgbaImage};

use super::place::{Place, Serve};

/// What a slow machine may take.
const PATIENCE: Duration = Duration::from_secs(60);
const ROOMS: [&str; 2] = ["game_session/evening", "party/table"];

/// A game with a scene on the table: markers on a plain background, no map. The first is seen by all,
/// the second by the DM.
const EVENING: &str = r##"{"do": "create_scene", "name": "Bridge"}
{"do": "set", "values": {"scene.backgroundColor": "#204060", "scene.gridOpacity": 0}}
{"do": "add_marker", "title": "Troll", "at": {"cell": [16, 9]}, "values": {"marker.visibility": 0, "marker.shapeColor": "#ff0000", "marker.size": 3}}
{"do": "add_marker", "title": "Spy", "at": {"cell": [2, 2]}, "values": {"marker.shapeColor": "#00ff00", "marker.size": 3}}
{"do": "set_active_scene", "scene": "Bridge"}
"##;

struct Room {
    place: Place,
    server: Serve,
    tokens: serde_json::Value,
}

impl Room {
    /// A room with that game in it, and a token for each role.
    fn new() -> Self {
        let place = Place::new();
        let server = Serve::start(&place, &[]);
        let tokens = Serve::tokens(&place, &ROOMS);
        let room = Self {
            place,
            server,
            tokens,
        };
        room.script(EVENING, &["--initialise"]);
        room
    }

    fn token(&self, role: &str) -> &str {
        self.tokens[role].as_str().unwrap()
    }

    fn script(&self, script: &str, more: &[&str]) {
        let mut arguments = vec!["--token", self.token("dm")];
        arguments.extend(more);
        let link = self.server.link();
        let output = self.place.run_in_room(&link, script, &arguments);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{told}");
    }

    fn arguments<'a>(link: &'a str, token: &'a str) -> Vec<&'a str> {
        vec![
            "play",
            link,
            "--token",
            token,
            "--headless",
            "--output",
            "table.png",
            "--size",
            "480x270",
            "--safe-graphics",
        ]
    }

    fn play(&self, link: &str, token: &str, more: &[&str]) -> Output {
        let mut command = self.place.command(&Self::arguments(link, token));
        command.args(more).output().unwrap()
    }

    fn picture(&self) -> RgbaImage {
        image::open(self.place.path("table.png"))
            .unwrap()
            .to_rgba8()
    }
}

fn has(picture: &RgbaImage, color: [u8; 3]) -> bool {
    let near = |p: &Rgba<u8>| color.iter().zip(p.0).all(|(a, b)| a.abs_diff(b) < 24);
    picture.pixels().filter(|p| near(p)).count() > 20
}

#[test]
fn a_display_s_picture_is_what_is_on_the_table_and_nothing_hidden() {
    let room = Room::new();
    for role in ["display", "player", "viewer", "dm"] {
        let output = room.play(&room.server.link(), room.token(role), &[]);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{role}: {told}");
        let picture = room.picture();
        assert_eq!(picture.dimensions(), (480, 270));
        assert!(has(&picture, [0x20, 0x40, 0x60]), "{role}: the scene");
        assert!(has(&picture, [0xff, 0, 0]), "{role}: what all see");
        assert!(!has(&picture, [0, 0xff, 0]), "{role}: what the DM sees");
        std::fs::remove_file(room.place.path("table.png")).unwrap();
    }
    let home = room.place.path("data").join("tableglow");
    assert!(!home.join("library").exists(), "nothing is kept");
    let left = std::fs::read_dir(room.place.path("cache").join("tableglow/guests"));
    assert_eq!(
        left.map_or(0, Iterator::count),
        0,
        "the guests' folders are gone"
    );
}

#[test]
fn a_code_that_opens_the_game_alone_shows_its_table_too() {
    let room = Room::new();
    // Another token for the party's room.
    Serve::tokens(&room.place, &["party/other", "party/table"]);
    let link = format!(
        "http://{}/parties/game_session/evening",
        room.server.address
    );
    let output = room.play(&link, room.token("display"), &[]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}");
    assert!(has(&room.picture(), [0xff, 0, 0]));
}

#[test]
fn a_map_goes_into_the_room_and_comes_to_the_display() {
    let room = Room::new();
    room.script(
        concat!(
            "{\"do\": \"import\", \"file\": \"cellar.dd2vtt\", \"as\": \"cellar\"}\n",
            "{\"do\": \"set\", \"values\": {\"scene.gridOpacity\": 0}}\n",
            "{\"do\": \"fog\", \"shape\": \"rectangle\", \"from\": {\"cell\": [0, 0]}, \"to\": {\"cell\": [2, 3]}}\n",
            "{\"do\": \"set_active_scene\", \"scene\": \"cellar\"}\n",
        ),
        &[],
    );
    let output = room.play(&room.server.link(), room.token("display"), &[]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}");
    assert!(!told.contains("ictures"), "the map has not come: {told}");
    // The left half of the map, where red and green grow with the place.
    let picture = room.picture();
    let of_map = |p: &Rgba<u8>| p.0[2].abs_diff(90) < 12 && p.0[0] < 160 && p.0[1] < 210;
    let colors: std::collections::BTreeSet<_> = picture
        .pixels()
        .filter(|p| of_map(p))
        .map(|p| p.0)
        .collect();
    assert!(colors.len() > 1000, "{} colours", colors.len());
}

/// The server has lost a map's picture, and whoever has it is not there.
#[test]
fn a_picture_that_nobody_has_is_not_waited_for_and_is_told() {
    let mut room = Room::new();
    room.script(
        concat!(
            "{\"do\": \"import\", \"file\": \"cellar.dd2vtt\", \"as\": \"cellar\"}\n",
            "{\"do\": \"set_active_scene\", \"scene\": \"cellar\"}\n",
        ),
        &[],
    );
    std::fs::remove_dir_all(room.place.path("rooms").join("blobs")).unwrap();
    room.server.crash(&room.place);
    for role in ["viewer", "display"] {
        let begun = Instant::now();
        let output = room.play(&room.server.link(), room.token(role), &["--timeout", "600"]);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{role}: {told}");
        assert!(begun.elapsed() < Duration::from_secs(300), "{role}: {told}");
        // Drivers may have their own say.
        let of_pictures = told.lines().filter(|line| line.contains("picture"));
        let of_pictures: Vec<&str> = of_pictures.collect();
        assert_eq!(of_pictures.len(), 1, "{role}: {told}");
        assert!(
            of_pictures[0].contains("the picture of the map"),
            "{role}: {told}"
        );
        assert_eq!(room.picture().dimensions(), (480, 270));
        std::fs::remove_file(room.place.path("table.png")).unwrap();
    }
}

#[test]
fn a_wrong_code_is_refused_in_one_sentence_without_it() {
    let room = Room::new();
    // Tokens may begin with a dash.
    let output = room.play(&room.server.link(), "-wrong-wrong-wrong-wrong", &[]);
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(message.trim().lines().count(), 1, "{message}");
    assert!(!message.contains("wrong-wrong"), "{message}");
    assert!(!room.place.path("table.png").exists());
}

#[test]
fn an_empty_table_gives_no_picture() {
    let room = Room::new();
    room.script("{\"do\": \"set_active_scene\", \"scene\": null}\n", &[]);
    let link = room.server.link();
    let output = room.play(&link, room.token("display"), &["--timeout", "2"]);
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(
        message.contains("nothing was put on the table"),
        "{message}"
    );
    assert!(!room.place.path("table.png").exists());
}

struct Watching(Child);

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(30));
    }
}

#[test]
fn a_watching_display_follows_the_table_and_every_file_is_whole() {
    let mut room = Room::new();
    let link = room.server.link();
    let mut command = room
        .place
        .command(&Room::arguments(&link, room.token("display")));
    let _watching = Watching(
        command
            .arg("--watch")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let file = room.place.path("table.png");
    wait_until("the first picture", || file.exists());
    // Each look reads a whole file, whenever it happens.
    let look = || room.picture();
    assert!(has(&look(), [0xff, 0, 0]));
    room.script(
        "{\"do\": \"set\", \"scene\": \"Bridge\", \"values\": {\"scene.backgroundColor\": \"#603080\"}}\n",
        &[],
    );
    wait_until("a change of the scene", || has(&look(), [0x60, 0x30, 0x80]));
    room.script("{\"do\": \"pause\"}\n", &[]);
    wait_until("the pause", || !has(&look(), [0x60, 0x30, 0x80]));
    room.script(
        "{\"do\": \"create_scene\", \"name\": \"Cave\", \"as\": \"cave\"}\n{\"do\": \"set\", \"values\": {\"scene.backgroundColor\": \"#008080\"}}\n{\"do\": \"set_active_scene\", \"scene\": \"cave\"}\n",
        &[],
    );
    wait_until("another scene", || has(&look(), [0, 0x80, 0x80]));
    room.server.crash(&room.place);
    room.script(
        "{\"do\": \"set\", \"scene\": \"Cave\", \"values\": {\"scene.backgroundColor\": \"#a03020\"}}\n",
        &[],
    );
    wait_until("a change after the server came back", || {
        has(&room.picture(), [0xa0, 0x30, 0x20])
    });
}

#[test]
fn a_watching_display_goes_on_when_its_file_could_not_be_written() {
    let room = Room::new();
    let link = room.server.link();
    let screen = room.place.path("screen");
    std::fs::create_dir(&screen).unwrap();
    let mut arguments = Room::arguments(&link, room.token("display"));
    for argument in &mut arguments {
        if *argument == "table.png" {
            *argument = "screen/table.png";
        }
    }
    let mut watching = Watching(
        room.place
            .command(&arguments)
            .arg("--watch")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let told = BufReader::new(watching.0.stderr.take().unwrap());
    let (tell, heard) = crossbeam_channel::bounded(1024);
    let listen = move || {
        for line in told.lines().map_while(Result::ok) {
            // What comes when there is no room is not what is waited for.
            let _ = tell.try_send(line);
        }
    };
    std::thread::Builder::new()
        .name("what the display says".to_owned())
        .spawn(listen)
        .unwrap();
    wait_until("the first picture", || screen.join("table.png").exists());
    let unplugged = room.place.path("unplugged");
    std::fs::rename(&screen, &unplugged).unwrap();
    room.script(
        "{\"do\": \"set\", \"scene\": \"Bridge\", \"values\": {\"scene.backgroundColor\": \"#603080\"}}\n",
        &[],
    );
    let begun = Instant::now();
    while !heard
        .recv_timeout(PATIENCE)
        .unwrap()
        .contains("tried again")
    {
        assert!(begun.elapsed() < PATIENCE, "nobody was told");
    }
    std::fs::rename(&unplugged, &screen).unwrap();
    wait_until("the change, once it could be written", || {
        let picture = image::open(screen.join("table.png")).unwrap().to_rgba8();
        has(&picture, [0x60, 0x30, 0x80])
    });
    assert!(watching.0.try_wait().unwrap().is_none(), "it watches on");
}
