//! What others show is read as they meant it, and no more is shown than may be.

use super::*;
use proptest::prelude::*;

fn full() -> Presence {
    let at = DVec2::new(12.5, -3.0);
    Presence {
        who: Some(Who {
            name: "Mira".into(),
            color: Rgb::WHITE,
            part: TablePart::Player,
            scene: Some(SceneId::new("s")),
            view: Some(SharedView {
                center_world: at,
                zoom: 0.5,
            }),
        }),
        cursor: Some(Cursor {
            user: "u1".into(),
            position_world: at,
            color: Rgb::BLACK,
            label: "Mira".into(),
            moved_unix_ms: 1_780_000_000_123,
        }),
        measurement: Some(Measurement {
            beam_width: Some(10.0),
            ..Measurement::new("u1", at, DVec2::ZERO, 7)
        }),
        hovered_marker: Some(HoveredMarker {
            id: RowId::new("m"),
            position_world: at,
            title: "Ogre".into(),
            content: "".into(),
            image_url: Some("token/x.png".into()),
        }),
        temporary_layers: vec![TemporaryLayer {
            id: "l".into(),
            made_unix_ms: 1,
            expires_unix_ms: 10_001,
            color: Rgb::WHITE,
            mask_base64: "AA==".into(),
            creator: "u1".into(),
        }],
        dragging: Some(Dragging {
            marker: RowId::new("m"),
            scene: SceneId::new("s"),
            since_unix_ms: 5,
            also: vec![RowId::new("n")],
        }),
    }
}

#[test]
fn what_is_shown_comes_back_as_it_was_sent() {
    assert_eq!(Presence::read(&full().write()), full());
    assert_eq!(Presence::default().write(), "{}");
}

#[test]
fn a_key_that_is_not_as_expected_costs_no_other() {
    let mut state: Json = serde_json::from_str(&full().write()).unwrap();
    state["cursor"] = json!({"worldPosition": {"x": "far", "y": 1}});
    state["measurement"] = Json::Null;
    state["unknown"] = json!([1, 2]);
    let read = Presence::read(&state.to_string());
    assert_eq!(
        read,
        Presence {
            cursor: None,
            measurement: None,
            ..full()
        }
    );
    assert!(!read.write().contains("unknown"));
}

#[test]
fn no_address_is_shown_or_sent() {
    assert_eq!(shown_name("mira@example.org"), "mira");
    assert_eq!(shown_name("Mira\n of Dale"), "Mira of Dale");
    let mut mine = full();
    mine.cursor.as_mut().unwrap().label = "mira@example.org".into();
    mine.who.as_mut().unwrap().name = "mira@example.org".into();
    assert!(!mine.write().contains('@'));
}

#[test]
fn a_measurement_of_few_words_has_the_usual_look() {
    let state = r#"{"measurement":{"startPoint":{"x":0,"y":1},"endPoint":{"x":2,"y":3}}}"#;
    let measurement = Presence::read(state).measurement.unwrap();
    assert_eq!(
        measurement,
        Measurement::new("", DVec2::new(0.0, 1.0), DVec2::new(2.0, 3.0), 0)
    );
}

proptest! {
    /// Whatever comes is read without harm, and what was read is sent alike.
    #[test]
    fn any_state_is_survived(state in ".{0,200}", x in any::<f64>(), deep in 0usize..200) {
        let _ = Presence::read(&state);
        let _ = Presence::read(&("[".repeat(deep) + &"]".repeat(deep)));
        let read = Presence::read(
            &json!({"cursor": {"worldPosition": {"x": x, "y": 1}, "lastMoveTime": x}}).to_string(),
        );
        prop_assert_eq!(&Presence::read(&read.write()), &read);
    }
}
