//! The language of scripts: what is understood, and what is said of what is not.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use proptest::prelude::*;

use super::lines::{LONGEST_LINE, Script, Step, next_line};
use super::*;

fn parse(line: &str) -> Result<Command, String> {
    let Json::Object(object) = serde_json::from_str(line).unwrap() else {
        panic!("{line}");
    };
    Command::parse(&object)
}

#[test]
fn what_is_wrong_is_said_in_one_sentence_with_what_to_do() {
    for (line, says) in [
        (r#"{}"#, "there is no “do”"),
        (r#"{"do": 3}"#, "must be the name of a command"),
        (r#"{"do": "add_maker"}"#, "did you mean “add_marker”?"),
        (r#"{"do": "create_scene"}"#, "“name” is missing"),
        (r#"{"do": "create_scene", "name": "  "}"#, "“name” is empty"),
        (
            r#"{"do": "undo", "twice": true}"#,
            "undo has no field “twice”",
        ),
        (
            r#"{"do": "rename_scene", "name": "A", "sceen": "B"}"#,
            "did you mean “scene”?",
        ),
        (
            r#"{"do": "set", "values": {}}"#,
            "“values” must be an object",
        ),
        (
            r#"{"do": "set", "values": {"scene.gridSpacng": 1}}"#,
            "did you mean “scene.gridSpacing”?",
        ),
        (
            r#"{"do": "set", "values": {"scene.gridOpacity": 1.5}}"#,
            "must be between 0 and 1",
        ),
        (
            r#"{"do": "set", "values": {"scene.gridOpacity": 1e300}}"#,
            "must be between 0 and 1",
        ),
        (
            r#"{"do": "set", "values": {"scene.gridOpacity": "half"}}"#,
            "must be a number",
        ),
        (
            r#"{"do": "set", "values": {"scene.gridType": 7}}"#,
            "0 (Squares), 1 (Hexes)",
        ),
        (
            r#"{"do": "set", "values": {"scene.gridLineColor": "red"}}"#,
            "a colour such as",
        ),
        (
            r#"{"do": "set", "values": {"scene.id": "x"}}"#,
            "cannot be set",
        ),
        (
            r#"{"do": "set", "values": {"marker.size": 2}}"#,
            "say which marker",
        ),
        (
            r#"{"do": "set", "light": "x", "values": {"marker.size": 2}}"#,
            "say which marker",
        ),
        (
            r#"{"do": "set", "marker": "x", "values": {"marker.size": 2.5}}"#,
            "whole number from 1 to 3",
        ),
        (
            r#"{"do": "set", "marker": "x", "values": {"marker.size": 2, "light.off": true}}"#,
            "another kind",
        ),
        (
            r#"{"do": "set", "marker": "x", "values": {"scene.gridOpacity": 1}}"#,
            "nothing else can be named",
        ),
        (
            r#"{"do": "add_marker", "at": [3, 4]}"#,
            "must be an object with one of",
        ),
        (
            r#"{"do": "add_marker", "at": {"cell": [3.5, 4]}}"#,
            "two whole numbers",
        ),
        (
            r#"{"do": "add_marker", "at": {"px": [1e9, 4]}}"#,
            "too far away",
        ),
        (r#"{"do": "add_marker", "at": {"px": [1]}}"#, "[x, y]"),
        (
            r#"{"do": "add_marker", "at": {"px": [1, 2]}, "values": {"marker.positionX": 1}}"#,
            "said with “at”",
        ),
        (
            r#"{"do": "move_marker", "marker": "x"}"#,
            "either “at” or “by”",
        ),
        (r#"{"do": "delete"}"#, "say what to delete"),
        (
            r#"{"do": "delete", "marker": "a", "light": "b"}"#,
            "only one of",
        ),
        (r#"{"do": "fog"}"#, "“shape” is missing"),
        (
            r#"{"do": "fog", "shape": "polygon", "points": {"px": [[1, 2], [3, 4]]}}"#,
            "3 points or more",
        ),
        (
            r#"{"do": "fog", "shape": "stroke", "points": {"px": [[1, 2]]}, "radius": {"px": 0}}"#,
            "a length above 0",
        ),
        (
            r#"{"do": "fog", "shape": "clear", "mode": "add"}"#,
            "no field “mode”",
        ),
        (r#"{"do": "pause", "paused": 1}"#, "true, false or"),
        (r#"{"do": "set_active_scene"}"#, "“scene” is missing"),
        (
            r#"{"do": "wait", "ms": -1}"#,
            "“ms” must be a number from 0",
        ),
        (
            r#"{"do": "snapshot", "file": "a.png", "size": "0x5"}"#,
            "WIDTHxHEIGHT",
        ),
    ] {
        let told = parse(line).unwrap_err();
        assert!(told.contains(says), "{line}: {told}");
        assert!(!told.contains('\n'), "{told}");
    }
}

#[test]
fn choices_are_taken_by_their_words_too() {
    let by = |value: &str| {
        let line =
            format!(r#"{{"do": "set", "marker": "x", "values": {{"marker.shape": {value}}}}}"#);
        parse(&line).unwrap()
    };
    assert_eq!(by("2"), by("\"square\""));
}

#[test]
fn labels_stand_for_ids_where_something_is_named_and_nowhere_else() {
    let mut script = Script::default();
    let made = Map::from_iter([
        ("marker".to_owned(), Json::from("m-1")),
        ("scene".to_owned(), Json::from("s-1")),
    ]);
    script.learn("goblin".into(), &made).unwrap();
    let Some(Step::Ask { object, label }) = script
        .read(r#"{"do": "move_marker", "marker": "goblin", "at": {"cell": [1, 2]}}"#)
        .unwrap()
    else {
        panic!("a command");
    };
    assert_eq!((object["marker"].as_str(), label), (Some("m-1"), None));
    let Some(Step::Ask { object, .. }) = script
        .read(r#"{"do": "create_scene", "name": "goblin", "as": "goblin"}"#)
        .unwrap()
    else {
        panic!("a command");
    };
    assert_eq!(object["name"], "goblin");
    assert!(
        script
            .read(r#"{"do": "undo", "as": "x"}"#)
            .unwrap_err()
            .contains("“as” is for")
    );
    assert!(script.learn("nothing".into(), &Map::new()).is_err());
    assert_eq!(script.read("  # a comment").unwrap(), None);
    assert_eq!(script.read("").unwrap(), None);
    assert!(script.read("[1]").is_err());
}

#[test]
fn lines_are_limited_and_the_one_after_a_long_one_is_read() {
    let long = "x".repeat(LONGEST_LINE * 3);
    let text = format!("{long}\nshort\n\u{fffd}");
    let mut bytes = text.into_bytes();
    bytes.extend([b'\n', 0xff, b'\n']);
    bytes.extend("y".repeat(LONGEST_LINE).bytes());
    bytes.push(b'\n');
    let mut from = &bytes[..];
    let mut next = || next_line(&mut from).unwrap();
    assert!(next().unwrap().unwrap_err().contains("longer"));
    assert_eq!(next().unwrap().unwrap(), "short");
    assert_eq!(next().unwrap().unwrap(), "\u{fffd}");
    assert!(next().unwrap().unwrap_err().contains("UTF-8"));
    assert_eq!(next().unwrap().unwrap().len(), LONGEST_LINE);
    assert_eq!(next(), None);
}

#[test]
fn a_script_of_a_windows_editor_is_read_as_any_other() {
    let bytes = "\u{feff}{\"do\": \"undo\"}\r\n\r\n# note\r\n{\"do\": \"redo\"}\r\n";
    let mut from = bytes.as_bytes();
    let script = Script::default();
    let mut done = Vec::new();
    while let Some(line) = next_line(&mut from).unwrap() {
        match script.read(&line.unwrap()).unwrap() {
            Some(Step::Ask { object, .. }) => done.push(object["do"].clone()),
            other => assert_eq!(other, None),
        }
    }
    assert_eq!(done, ["undo", "redo"]);
    assert_eq!(script.read("\u{feff}# a comment").unwrap(), None);
}

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        prop_oneof![
            Just("cell"),
            Just("dm"),
            Just("stroke"),
            Just("16x9"),
            Just("ü")
        ]
        .prop_map(Json::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let keys = prop_oneof![
            Just("cell"),
            Just("cells"),
            Just("px"),
            Just("marker.size"),
            Just("scene.name"),
            Just("x")
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            proptest::collection::btree_map(keys, inner, 0..3).prop_map(|map| {
                Json::Object(map.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn no_object_makes_it_panic(
        word in 0..WORDS.len(),
        fields in proptest::collection::btree_map(
            proptest::sample::select(vec![
                "scene", "marker", "light", "drawing", "values", "at", "by", "points", "radius",
                "from", "to", "shape", "mode", "name", "file", "size", "ms", "paused", "view", "as",
            ]),
            any_json(),
            0..6,
        ),
    ) {
        let mut object: Map<String, Json> =
            fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        object.insert("do".to_owned(), WORDS[word].name.into());
        let line = serde_json::to_string(&object).unwrap();
        let _ = Script::default().read(&line);
    }

    #[test]
    fn no_line_makes_it_panic(line in "\\PC{0,60}") {
        let _ = Script::default().read(&line);
    }
}
