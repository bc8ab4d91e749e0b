//! What came from others is shown where it belongs, and for as long as it lasts.

use super::*;
use crate::model::presence::{Cursor, Dragging, Presence, TemporaryLayer, Who};

fn scene() -> SceneId {
    SceneId::new("s")
}

fn person(client: u64, presence: Presence) -> Person {
    Person {
        game: GameSessionId::new("g"),
        client,
        presence: Arc::new(presence),
        cursor_moved: std::time::Duration::ZERO,
    }
}

/// Somebody shows this while `active` is on the table.
fn comes(crowd: &mut Crowd, shown: Presence, active: Option<&SceneId>, now: f64) {
    crowd.follow(&people(vec![person(1, shown)]), active, now, true);
}

fn people(list: Vec<Person>) -> Arc<People> {
    Arc::new(People { list })
}

fn cursor(x: f64, moved_unix_ms: i64) -> Presence {
    Presence {
        cursor: Some(Cursor {
            user: "u".into(),
            position_world: DVec2::new(x, 0.0),
            color: Rgb::WHITE,
            label: "Mira".into(),
            moved_unix_ms,
        }),
        ..Presence::default()
    }
}

fn layer(made_unix_ms: i64, expires_unix_ms: i64) -> TemporaryLayer {
    TemporaryLayer {
        id: "l".into(),
        made_unix_ms,
        expires_unix_ms,
        color: Rgb::WHITE,
        mask_base64: "".into(),
        creator: "u".into(),
    }
}

#[test]
fn a_cursor_glides_between_arrivals_rests_and_fades_by_the_time_of_arrival() {
    let mut crowd = Crowd::default();
    let on = scene();
    // A sender whose clock is off by hours.
    comes(&mut crowd, cursor(0.0, -7_200_000), None, 10.0);
    comes(&mut crowd, cursor(100.0, -7_199_900), None, 10.1);
    let at = |now| crowd.pointers(&on, Some(&on), now).pop();
    let middle = at(10.15).unwrap();
    assert!((middle.at_world.x - 50.0).abs() < 1.0, "{middle:?}");
    assert_eq!(middle.fading.next_s, Some(0.0));
    let rests = at(10.3).unwrap();
    assert_eq!((rests.at_world.x, rests.fading.opacity), (100.0, 1.0));
    // Nothing is drawn until it begins to fade.
    assert!((rests.fading.next_s.unwrap() - 4.8).abs() < 1e-9);
    let half = at(15.35).unwrap();
    assert!((half.fading.opacity - 0.5).abs() < 0.01);
    assert!(at(15.7).is_none());
}

#[test]
fn a_renewed_state_keeps_a_resting_cursor_faded() {
    let mut crowd = Crowd::default();
    let on = scene();
    for now in [0.0, 15.0, 30.0] {
        comes(&mut crowd, cursor(3.0, 5), None, now);
    }
    assert!(crowd.pointers(&on, Some(&on), 30.0).is_empty());
}

#[test]
fn without_motion_nothing_glides_or_fades() {
    let mut crowd = Crowd::default();
    let on = scene();
    crowd.follow(&people(vec![person(1, cursor(0.0, 1))]), None, 0.0, false);
    crowd.follow(&people(vec![person(1, cursor(9.0, 2))]), None, 0.05, false);
    let shown = crowd.pointers(&on, Some(&on), 0.05).pop().unwrap();
    assert_eq!((shown.at_world.x, shown.fading.opacity), (9.0, 1.0));
    assert!(crowd.pointers(&on, Some(&on), 5.06).is_empty());
}

#[test]
fn everything_is_shown_over_the_scene_that_it_belongs_to() {
    let mut crowd = Crowd::default();
    let (table, other) = (scene(), SceneId::new("other"));
    let in_other = Presence {
        who: Some(Who {
            name: "Tamsin".into(),
            color: Rgb::BLACK,
            part: TablePart::Dm,
            scene: Some(other.clone()),
            view: None,
        }),
        dragging: Some(Dragging {
            marker: RowId::new("m"),
            scene: other.clone(),
            since_unix_ms: 0,
            also: vec![RowId::new("n")],
        }),
        ..cursor(1.0, 1)
    };
    let list = vec![person(1, cursor(2.0, 1)), person(2, in_other)];
    crowd.follow(&people(list), None, 0.0, true);
    let names = |on: &SceneId| -> Vec<String> {
        let pointers = crowd.pointers(on, Some(&table), 0.1);
        pointers.into_iter().map(|pointer| pointer.name).collect()
    };
    assert_eq!(names(&table), ["Mira"]);
    assert_eq!(names(&other), ["Tamsin"]);
    assert_eq!(crowd.drags(&other).count(), 2);
    let at_cursor = crowd.pointers(&other, Some(&table), 0.1).pop().unwrap().key;
    assert!(crowd.drags(&other).all(|drag| drag.key == at_cursor));
    assert_eq!(crowd.drags(&table).count(), 0);
}

#[test]
fn a_measurement_stays_for_its_time_after_its_sender_took_it_back() {
    let mut crowd = Crowd::default();
    let on = scene();
    let measuring = Presence {
        measurement: Some(Measurement::new("u", DVec2::ZERO, DVec2::X, 99)),
        ..Presence::default()
    };
    comes(&mut crowd, measuring, None, 0.0);
    comes(&mut crowd, Presence::default(), None, 0.2);
    let shown = |now| crowd.measurements(&on, Some(&on), now).count();
    assert_eq!((shown(2.9), shown(3.4), shown(3.6)), (1, 1, 0));
    crowd.follow(&people(Vec::new()), None, 1.0, true);
    assert_eq!(crowd.measurements(&on, Some(&on), 1.0).count(), 0);
}

#[test]
fn what_is_measured_lies_over_the_scene_that_is_on_the_table_alone() {
    let (table, next, edited) = (scene(), SceneId::new("next"), SceneId::new("edited"));
    // Its sender has gone on to prepare another scene.
    let measuring = |made| Presence {
        who: Some(Who {
            name: "Tamsin".into(),
            color: Rgb::BLACK,
            part: TablePart::Dm,
            scene: Some(edited.clone()),
            view: None,
        }),
        measurement: Some(Measurement::new("u", DVec2::ZERO, DVec2::X, made)),
        temporary_layers: vec![layer(made, made + 10_000)],
        ..Presence::default()
    };
    let count = |crowd: &Crowd, on: &SceneId, active: &SceneId| {
        let measured = crowd.measurements(on, Some(active), 0.1).count();
        (measured, crowd.drawings(on, Some(active), 0.1).count())
    };
    let mut crowd = Crowd::default();
    comes(&mut crowd, measuring(7), Some(&table), 0.0);
    assert_eq!(count(&crowd, &table, &table), (1, 1));
    assert_eq!(count(&crowd, &edited, &table), (0, 0));
    // Nothing of it comes along when the table shows another scene.
    assert_eq!(count(&crowd, &next, &next), (0, 0));
    comes(&mut crowd, measuring(8), Some(&next), 0.1);
    assert_eq!(count(&crowd, &next, &next), (1, 1));
    // Nor does a cursor that has not moved since.
    let mut crowd = Crowd::default();
    comes(&mut crowd, cursor(1.0, 1), Some(&table), 0.0);
    assert_eq!(crowd.pointers(&table, Some(&table), 0.1).len(), 1);
    comes(&mut crowd, cursor(1.0, 1), Some(&next), 0.2);
    assert_eq!(crowd.pointers(&next, Some(&next), 0.3).len(), 0);
    comes(&mut crowd, cursor(2.0, 2), Some(&next), 0.3);
    assert_eq!(crowd.pointers(&next, Some(&next), 0.4).len(), 1);
    // This user sees it where they are.
    let mut mine = Crowd::of_mine();
    comes(&mut mine, measuring(7), Some(&table), 0.0);
    assert_eq!(count(&mine, &edited, &table), (1, 1));
    assert_eq!(count(&mine, &table, &table), (0, 0));
}

#[test]
fn a_name_makes_room_for_the_distance_that_is_measured() {
    let mut crowd = Crowd::default();
    let on = scene();
    let measuring = Presence {
        measurement: Some(Measurement::new("u", DVec2::ZERO, DVec2::X, 99)),
        ..cursor(1.0, 1)
    };
    comes(&mut crowd, measuring, Some(&on), 0.0);
    let pointer = |now| crowd.pointers(&on, Some(&on), now).pop().unwrap();
    let wakes = pointer(0.5).fading.next_s.unwrap();
    assert!(
        pointer(0.5).name.is_empty() && (wakes - 1.0).abs() < 1e-6,
        "{wakes}"
    );
    assert_eq!(pointer(1.6).name, "Mira");
}

#[test]
fn a_drawing_that_goes_on_begins_its_time_anew() {
    let mut crowd = Crowd::default();
    let on = scene();
    for (now, made) in [(0.0, 0), (9.0, 9000), (9.5, 9000)] {
        let drawing = Presence {
            temporary_layers: vec![layer(made, made + 10_000)],
            ..Presence::default()
        };
        comes(&mut crowd, drawing, Some(&on), now);
    }
    let shown = |now| crowd.drawings(&on, Some(&on), now).count();
    assert_eq!((shown(18.4), shown(19.1)), (1, 0));
}

#[test]
fn a_drawing_lasts_as_long_as_its_sender_says_and_within_reason() {
    let on = scene();
    for (made, expires, gone_at) in [(0, 10_000, 10.1), (5, i64::MAX, 60.1), (9, 3, 0.1)] {
        let mut crowd = Crowd::default();
        let drawing = Presence {
            temporary_layers: vec![layer(made, expires)],
            ..Presence::default()
        };
        comes(&mut crowd, drawing, None, 0.0);
        assert_eq!(
            crowd.drawings(&on, Some(&on), gone_at).count(),
            0,
            "{expires}"
        );
        if gone_at > 1.0 {
            let before = crowd.drawings(&on, Some(&on), gone_at - 0.7).count();
            assert_eq!(before, 1, "{expires}");
        }
    }
}

#[test]
fn players_point_at_nothing_for_others() {
    let mut crowd = Crowd::default();
    let on = scene();
    let pointing = |part| Presence {
        who: Some(Who {
            name: "P".into(),
            color: Rgb::BLACK,
            part,
            scene: None,
            view: None,
        }),
        hovered_marker: Some(HoveredMarker {
            id: RowId::new("m"),
            position_world: DVec2::ZERO,
            title: "Trap".into(),
            content: "".into(),
            image_url: None,
        }),
        ..Presence::default()
    };
    comes(&mut crowd, pointing(TablePart::Player), None, 0.0);
    assert!(crowd.hovered(&on, Some(&on)).is_none());
    comes(&mut crowd, pointing(TablePart::Dm), None, 0.0);
    assert!(crowd.hovered(&on, Some(&on)).is_some());
}
