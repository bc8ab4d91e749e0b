//! `tableglow run`: scripts as a user runs them.

use std::io::Write as _;
use std::process::Stdio;

use serde_json::{Value, json};

use super::place::{Place, Serve, answers, text};

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
    let place = Place::new();
    let guide = place.command(&["run", "--guide"]).output().unwrap();
    let page = String::from_utf8(guide.stdout).unwrap();
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

#[test]
fn a_script_works_in_a_room_and_the_next_one_finds_what_it_made() {
    let place = Place::new();
    let server = Serve::start(&place, &["--open"]);
    let link = server.link();
    let empty = place.run_in_room(&link, "{\"do\": \"state\"}\n", &[]);
    assert_eq!(empty.status.code(), Some(1));
    let message = String::from_utf8(empty.stderr).unwrap();
    assert!(
        message.contains("nobody has put a game into this room"),
        "{message}"
    );

    let first = place.run_in_room(
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

    let second = place.run_in_room(
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
    let output = place.run_in_room(
        &server.link(),
        "{\"do\": \"state\"}\n",
        &["--token", "not-the-token-of-this-room"],
    );
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(message.trim().lines().count(), 1, "{message}");
    assert!(!message.contains("not-the-token"), "{message}");
    let tokens = Serve::tokens(&place, &["game_session/evening"]);
    let party = Serve::tokens(&place, &["party/table"]);
    assert_ne!(tokens["dm"], party["dm"]);
}

#[test]
fn a_script_waits_for_an_event_of_the_room() {
    let place = Place::new();
    let server = Serve::start(&place, &["--open"]);
    let link = server.link();
    let made = place.run_in_room(&link, "{\"do\": \"state\"}\n", &["--initialise"]);
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

#[test]
fn while_tableglow_runs_on_the_library_commands_happen_in_it() {
    use std::sync::Arc;

    use tableglow::library::Library;
    use tableglow::library::ipc::{IpcAnswer, IpcRequest, IpcServer};
    use tableglow::session::Session;
    use tableglow::session::script::{Command, Done};
    use tableglow::util::clock::SystemClock;

    let place = Place::new();
    let library = Arc::new(Library::create_empty(&place.path("library")).unwrap());
    let clock = Arc::new(SystemClock::default());
    let session = Session::start(Arc::clone(&library), clock, Arc::new(|| ())).unwrap();
    let remote = session.remote();
    let _server = IpcServer::start(library.folder(), move |request| match request {
        IpcRequest::Command(command) => {
            let command = Command::parse(command.as_object().unwrap());
            match command.and_then(|command| remote.command(command)) {
                Ok(Done::Answer(answer)) => IpcAnswer::Done(answer.into()),
                Ok(Done::Draw(_)) => IpcAnswer::Failed("no pictures here".to_owned()),
                Err(why) => IpcAnswer::Failed(why),
            }
        }
        _ => IpcAnswer::Done(Value::Array(Vec::new())),
    })
    .unwrap();

    let output = place.run(
        concat!(
            "{\"do\": \"create_scene\", \"name\": \"Live\", \"as\": \"live\"}\n",
            "{\"do\": \"add_marker\", \"title\": \"Imp\", \"at\": {\"cell\": [1, 1]}}\n",
            "{\"do\": \"edit_scene\", \"scene\": \"nowhere\"}\n",
            "{\"do\": \"set_active_scene\", \"scene\": \"live\"}\n",
        ),
        &["--keep-going"],
    );
    let ok: Vec<bool> = answers(&output).iter().map(|it| it["ok"] == true).collect();
    assert_eq!(ok, [true, true, false, true]);
    // A command is published after it is answered.
    let begun = std::time::Instant::now();
    loop {
        let published = session.published();
        if published.active_scene.is_some() {
            assert_eq!(published.undo, Some("Add marker"));
            assert_eq!(published.scenes[0].markers, 1);
            break;
        }
        assert!(begun.elapsed() < std::time::Duration::from_secs(30));
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}
