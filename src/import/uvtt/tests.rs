//! The traps of map files, one by one.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::io::Cursor;

use proptest::prelude::*;

use super::*;
use crate::import::Report;

fn parse(text: &str) -> (UvttDocument, Report) {
    let file = read(text.as_bytes(), Vec::new()).unwrap_or_else(|e| panic!("{text}: {e}"));
    (file.document, file.report)
}

fn refused(text: &str) -> String {
    match read(text.as_bytes(), Vec::new()) {
        Ok(_) => panic!("{text} was read"),
        Err(e) => e.to_string(),
    }
}

fn says(report: &Report, word: &str) -> bool {
    report.texts().any(|text| text.contains(word))
}

fn wall(points: &str) -> String {
    format!(r#"{{"line_of_sight":[{points}]}}"#)
}

#[test]
fn the_version_can_be_a_string_or_strange_or_missing() {
    for (text, format) in [
        (r#""format":0.2,"#, Some(UvttFormat::Number(0.2))),
        (r#""format":"0.3","#, Some(UvttFormat::Number(0.3))),
        (r#""format":1,"#, Some(UvttFormat::Number(1.0))),
        (r#""format":"beta","#, Some(UvttFormat::Text("beta".into()))),
        (r#""format":null,"#, None),
        ("", None),
    ] {
        let (document, _) = parse(&format!(r#"{{{text}"portals":[]}}"#));
        assert_eq!(document.format, format, "{text}");
    }
}

#[test]
fn missing_arrays_are_empty_and_older_files_lack_objects() {
    let (document, report) = parse(r#"{"format":0.2,"resolution":{"pixels_per_grid":70}}"#);
    assert!(document.line_of_sight.is_empty() && document.objects_line_of_sight.is_empty());
    assert_eq!(document.resolution.pixels_per_grid, Some(70.0));
    assert!(report.lines.is_empty(), "{report:?}");
}

#[test]
fn a_polyline_is_closed_only_where_its_points_say_so() {
    let (document, _) = parse(&wall(
        r#"[{"x":0,"y":0},{"x":1,"y":0},{"x":1,"y":1}],
           [{"x":0,"y":0},{"x":1,"y":0},{"x":0,"y":0}]"#,
    ));
    let expected = [
        vec![[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]],
        vec![[0.0, 0.0], [1.0, 0.0], [0.0, 0.0]],
    ];
    assert_eq!(document.line_of_sight, expected);
}

#[test]
fn a_point_that_is_no_number_splits_the_wall() {
    for bad in [
        r#"{"x":NaN,"y":1}"#,
        r#"{"x":1,"y":-Infinity}"#,
        r#"{"x":1e999,"y":1}"#,
        r#"{"x":1e300,"y":1}"#,
        r#"{"x":"2","y":1}"#,
        r#"{"x":null,"y":1}"#,
        r#"{"x":1}"#,
        "[1,1]",
        "7",
        "null",
    ] {
        let (document, report) = parse(&wall(&format!(
            r#"[{{"x":0,"y":0}},{{"x":1,"y":0}},{bad},{{"x":3,"y":0}},{{"x":4,"y":0}}]"#
        )));
        let expected = [vec![[0.0, 0.0], [1.0, 0.0]], vec![[3.0, 0.0], [4.0, 0.0]]];
        assert_eq!(document.line_of_sight, expected, "{bad}");
        assert!(
            says(&report, "1 wall point was no pair of numbers"),
            "{bad}: {report:?}"
        );
    }
}

#[test]
fn segments_of_no_length_and_lone_points_are_dropped_and_told() {
    let (document, report) = parse(&wall(
        r#"[{"x":1,"y":1},{"x":1,"y":1}],[{"x":1,"y":1}],[],
           [{"x":1,"y":1},{"x":1,"y":1},{"x":2,"y":1}],"oops",{"x":1}"#,
    ));
    assert_eq!(document.line_of_sight, [[[1.0, 1.0], [2.0, 1.0]]]);
    assert!(
        says(&report, "2 wall segments were of no length"),
        "{report:?}"
    );
    assert!(
        says(&report, "2 walls were without a second point"),
        "{report:?}"
    );
    assert!(
        says(&report, "2 walls were no list of points"),
        "{report:?}"
    );
}

#[test]
fn values_of_the_wrong_type_are_passed_over_and_told() {
    let (document, report) = parse(
        r#"{"format":[],"resolution":"big","line_of_sight":{"a":1},"objects_line_of_sight":5,
            "portals":true,"lights":"none","environment":[1],"image":{"x":[1,2]},"other":{"deep":[[]]}}"#,
    );
    assert_eq!(document, UvttDocument::default());
    for key in [
        "format",
        "resolution",
        "line_of_sight",
        "objects_line_of_sight",
        "portals",
        "lights",
        "environment",
        "image",
    ] {
        assert!(
            says(&report, &format!("“{key}” has the wrong type")),
            "{key}"
        );
    }
    let (document, report) = parse(
        r#"{"resolution":{"map_origin":3,"map_size":{"x":0,"y":-1},"pixels_per_grid":"70"},
            "environment":{"baked_lighting":"yes","ambient_light":12}}"#,
    );
    assert_eq!(document.resolution, UvttResolution::default());
    assert_eq!(document.environment, Environment::default());
    assert_eq!(report.lines.len(), 5, "{report:?}");
}

#[test]
fn the_ends_of_a_portal_are_used_and_guarded() {
    let (document, report) = parse(
        r#"{"portals":[
            {"position":{"x":9,"y":9},"bounds":[{"x":0,"y":0},{"x":0,"y":2}],"rotation":1.5,"closed":false,"freestanding":true},
            {"bounds":[{"x":1,"y":1},{"x":3,"y":1}]},
            {"bounds":[{"x":1,"y":1},{"x":1,"y":1}],"closed":true},
            {"bounds":[{"x":1,"y":1}]},
            {"bounds":[{"x":1,"y":1},{"x":2,"y":2},{"x":3,"y":3}]},
            {"position":{"x":1,"y":1}},
            {"bounds":[{"x":5,"y":5},{"x":6,"y":6}],"closed":"yes","freestanding":1},
            null]}"#,
    );
    let [first, second, third] = document.portals.as_slice() else {
        panic!("{:?}", document.portals);
    };
    assert_eq!(first.bounds, [[0.0, 0.0], [0.0, 2.0]]);
    assert!(!first.closed && first.freestanding);
    assert_eq!(second.position, [2.0, 1.0]);
    assert!(second.closed && !second.freestanding);
    assert!(third.closed && !third.freestanding);
    assert!(says(&report, "1 door was of no length"), "{report:?}");
    assert!(
        says(&report, "4 doors were without two usable end points"),
        "{report:?}"
    );
    assert!(
        says(&report, "2 door settings had the wrong type"),
        "{report:?}"
    );
}

#[test]
fn colours_are_alpha_first() {
    let light = |color: &str| {
        let text = format!(
            r#"{{"image":"","lights":[{{"position":{{"x":1,"y":1}},"range":2,"color":{color}}}]}}"#
        );
        let (document, report) = parse(&text);
        let light = document.lights[0];
        (light.alpha, light.color, says(&report, "could not be read"))
    };
    assert_eq!(light(r#""80eccd8b""#), (0x80, [0xec, 0xcd, 0x8b], false));
    assert_eq!(light(r#""ffBFF2F7""#), (255, [0xbf, 0xf2, 0xf7], false));
    assert_eq!(light(r#""eccd8b""#), (255, [0xec, 0xcd, 0x8b], false));
    assert_eq!(light(r##""#ffeccd8b""##), (255, [0xec, 0xcd, 0x8b], false));
    for bad in [r#""red""#, r#""+1234567""#, r#""ééé""#, "5", "[]"] {
        assert_eq!(light(bad), (255, [255; 3], true), "{bad}");
    }
    assert_eq!(light("null"), (255, [255; 3], false));
}

#[test]
fn lights_need_a_place_and_a_range_and_have_a_sane_strength() {
    let (document, report) = parse(
        r#"{"image":"","lights":[
            {"position":{"x":1,"y":1},"range":2,"intensity":3.01,"shadows":false},
            {"position":{"x":1,"y":1},"range":2,"intensity":1e6},
            {"position":{"x":1,"y":1},"range":2,"intensity":-1},
            {"position":{"x":1,"y":1},"range":2,"intensity":"x","shadows":"y"},
            {"position":{"x":1,"y":1},"range":0},
            {"position":{"x":1,"y":1},"range":-3},
            {"position":{"x":NaN,"y":1},"range":2},
            17]}"#,
    );
    let strengths: Vec<_> = document.lights.iter().map(|l| l.intensity).collect();
    assert_eq!(strengths, [3.01, 10.0, 0.0, 1.0]);
    assert!(!document.lights[0].shadows && document.lights[3].shadows);
    assert!(
        says(&report, "2 lights were without a usable range"),
        "{report:?}"
    );
    assert!(
        says(&report, "2 lights were without a usable position"),
        "{report:?}"
    );
    assert!(
        says(&report, "2 light strengths lay outside 0 to 10"),
        "{report:?}"
    );
}

#[test]
fn a_key_that_stands_twice_is_told() {
    let (document, report) =
        parse(r#"{"portals":[{"bounds":[{"x":0,"y":0},{"x":1,"y":1}]}],"portals":[]}"#);
    assert!(document.portals.is_empty());
    assert!(says(&report, "“portals” stands in the file more than once"));
}

#[test]
fn segments_are_capped() {
    let points: String = (0..100).map(|i| format!(r#",{{"x":{i},"y":1}}"#)).collect();
    let line = format!(r#"[{{"x":0,"y":0}}{points}]"#);
    let walls = wall(&vec![line; 12].join(","));
    let file = super::read::read_capped(walls.as_bytes(), Vec::new(), 1000).unwrap();
    let lines = &file.document.line_of_sight;
    assert_eq!(lines.iter().map(|l| l.len() - 1).sum::<usize>(), 1000);
    let told = "200 wall segments were left out: at most 1000 are taken";
    assert!(says(&file.report, told), "{:?}", file.report);
}

#[test]
fn what_is_no_map_is_refused_in_one_sentence() {
    assert!(refused("{").contains("ends early"));
    assert!(refused(r#"{"image":"aGVsb"#).contains("ends early"));
    assert!(refused(r#"{"line_of_sight":[[{"x":1,"y":"#).contains("ends early"));
    assert!(refused("{}").contains("no Universal VTT map"));
    assert!(refused("[1,2]").contains("no Universal VTT map"));
    assert!(refused(r#"{"portals":[}"#).contains("line 1, column 13"));
    assert!(refused("not json").contains("damaged"));
}

#[test]
fn deep_nesting_is_survived() {
    let deep = format!(r#"{{"portals":{}"#, "[".repeat(100_000));
    assert!(!refused(&deep).is_empty());
    let unknown = format!(
        r#"{{"portals":[],"x":{}1{}}}"#,
        "[".repeat(5000),
        "]".repeat(5000)
    );
    parse(&unknown);
}

#[test]
fn a_text_without_end_is_not_held() {
    struct Endless(u64);
    impl std::io::Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            buffer.fill(b'a');
            self.0 += buffer.len() as u64;
            assert!(self.0 < 64 << 20, "read on and on");
            Ok(buffer.len())
        }
    }
    use std::io::Read as _;
    let source = Cursor::new(br#"{"software":""#.to_vec()).chain(Endless(0));
    let error = read(source, Vec::new()).unwrap_err();
    assert!(error.to_string().contains("too long"), "{error}");
}

#[test]
fn a_failing_spool_is_told_as_it_is() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let error = read(br#"{"image":"aGVsbG8="}"#.as_slice(), Full)
        .err()
        .unwrap();
    assert!(matches!(error, UvttError::Io(e) if e.kind() == std::io::ErrorKind::StorageFull));
}

fn cells() -> impl Strategy<Value = CellPoint> {
    // Quarters are exact in binary, so that equality can be asked for.
    let side = || (-400i32..4000).prop_map(|n| f64::from(n) / 4.0);
    [side(), side()]
}

fn polylines() -> impl Strategy<Value = Vec<Vec<CellPoint>>> {
    let line = prop::collection::vec(cells(), 2..8).prop_filter("no zero-length segment", |line| {
        line.windows(2).all(|pair| pair[0] != pair[1])
    });
    prop::collection::vec(line, 0..6)
}

prop_compose! {
    fn portals()(a in cells(), b in cells(), closed: bool, freestanding: bool) -> UvttPortal {
        let b = if a == b { [a[0] + 1.0, a[1]] } else { b };
        UvttPortal {
            position: [f64::midpoint(a[0], b[0]), f64::midpoint(a[1], b[1])],
            bounds: [a, b],
            rotation: 0.25,
            closed,
            freestanding,
        }
    }
}

prop_compose! {
    fn lights()(position in cells(), range in 1u32..400, color: [u8; 3], alpha: u8, shadows: bool)
        -> UvttLight
    {
        let range = f64::from(range) / 4.0;
        UvttLight { position, range, intensity: 1.5, color, alpha, shadows }
    }
}

prop_compose! {
    fn documents()(
        line_of_sight in polylines(),
        objects_line_of_sight in polylines(),
        portals in prop::collection::vec(portals(), 0..4),
        lights in prop::collection::vec(lights(), 0..4),
        map_origin in cells(),
        size in 1u32..400,
        baked_lighting: bool,
        ambient in any::<[u8; 4]>(),
    ) -> UvttDocument {
        UvttDocument {
            format: Some(UvttFormat::Number(0.3)),
            software: None,
            resolution: UvttResolution {
                map_origin,
                map_size: Some([f64::from(size), 0.5]),
                pixels_per_grid: Some(70.0),
            },
            line_of_sight,
            objects_line_of_sight,
            portals,
            lights,
            environment: Environment { baked_lighting, ambient_light: Some(ambient) },
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read_back(
        document in documents(),
        picture in prop::collection::vec(any::<u8>(), 1..300),
    ) {
        let mut written = Vec::new();
        write(&document, Some(&mut picture.as_slice()), &mut written).unwrap();
        let file = read(written.as_slice(), Vec::new()).unwrap();
        prop_assert_eq!(&file.document, &document);
        prop_assert_eq!(file.spool, picture);
        prop_assert!(file.report.lines.is_empty(), "{:?}", file.report);
    }

    #[test]
    fn every_key_is_written_even_when_empty(document in documents()) {
        let mut written = Vec::new();
        write(&document, None, &mut written).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&written).unwrap();
        for key in [
            "format", "resolution", "line_of_sight", "objects_line_of_sight", "portals",
            "environment", "lights", "image",
        ] {
            prop_assert!(json.get(key).is_some(), "{}", key);
        }
    }

    #[test]
    fn any_change_of_any_file_gives_a_map_or_a_sentence(
        document in documents(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = Vec::new();
        write(&document, Some(&mut [1u8, 2, 3].as_slice()), &mut bytes).unwrap();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let spool = Cursor::new(Vec::new());
        let limits = crate::import::picture::Limits::default();
        if let Err(error) = crate::import::open_map("x", Cursor::new(bytes), spool, &limits) {
            prop_assert!(!error.to_string().contains('\n'));
        }
    }
}
