//! What users are promised of the way of an edit into the document.

use std::time::Duration;

use proptest::prelude::*;

use super::cost::HourlyUse;
use super::drags::{Drags, OwnDrag};
use super::meter::HourMeter;
use super::queue::{Batch, Broadcaster};
use crate::doc::write::DropReason;
use crate::doc::{GameDoc, Origin};
use crate::model::color::Rgb;
use crate::model::edit::{Assignment, Edit, RowRef};
use crate::model::id::{GameSessionId, RowId, SceneId};
use crate::model::presence::{Dragging, Presence, TablePart, Who};
use crate::model::property::{
    Audience, Delay, Kind, Preset, Property, Root, RowKind, Section, Unit,
};
use crate::model::stroke::{MaskTarget, NewStroke, StrokeMode, StrokeShape};
use crate::model::value::Value;
use crate::model::{light, marker, scene};
use crate::scene::derive::SceneDeriver;
use crate::scene::picture::NoPictures;
use crate::scene::snapshot::{Fog, SceneSnapshot};

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn cave() -> SceneId {
    SceneId::new("cave")
}

fn hero() -> RowRef {
    RowRef::marker(&cave(), &RowId::new("hero"))
}

fn set(row: RowRef, values: Vec<Assignment>) -> Edit {
    Edit::Set { row, values }
}

fn to(x: f64) -> Edit {
    set(hero(), vec![Assignment::new(marker::POSITION_X, x)])
}

fn spacing(inches: f64) -> Edit {
    let value = Assignment::new(scene::GRID_SPACING, inches);
    set(RowRef::Scene(cave()), vec![value])
}

fn doc() -> GameDoc {
    let mut doc = GameDoc::create(&GameSessionId::new("game"));
    let create = |row| Edit::Create {
        row,
        values: vec![],
    };
    let done = doc.apply(
        &[create(RowRef::Scene(cave())), create(hero())],
        Origin::Local(0),
    );
    assert_eq!(done.dropped, []);
    doc
}

/// What the session does with a batch.
fn write(doc: &mut GameDoc, batch: &Batch) -> crate::doc::write::Applied {
    doc.clear_pending();
    doc.apply(&batch.edits, Origin::Local(batch.gesture))
}

#[test]
fn a_drag_leaves_once_in_each_delay_however_often_it_moves() {
    let mut queue = Broadcaster::default();
    let mut written = Vec::new();
    for frame in 0..60_u32 {
        let now = ms(u64::from(frame) * 10);
        written.extend(queue.due(now));
        let pushed = queue.push(vec![to(f64::from(frame))], 1, "Move marker", false, now);
        assert_eq!(pushed.now, []);
        assert_eq!(pushed.held.len(), 1);
    }
    // 50 ms for a marker; the edit after a batch begins the next delay.
    assert_eq!(written.len(), 11);
    assert_eq!(written[0].edits, [to(4.0)]);
    let pushed = queue.push(vec![to(60.0)], 1, "Move marker", true, ms(600));
    assert_eq!(pushed.now.len(), 1);
    assert_eq!(pushed.now[0].edits, [to(60.0)]);
    assert_eq!(pushed.held, []);
    assert!(!queue.is_waiting());
}

#[test]
fn the_most_urgent_of_what_waits_says_when() {
    let mut queue = Broadcaster::default();
    queue.push(vec![spacing(2.0)], 1, "", false, ms(0));
    let slow = queue.next_deadline().unwrap();
    assert!(slow >= ms(100));
    queue.push(vec![to(1.0)], 1, "", false, ms(10));
    assert_eq!(queue.next_deadline(), Some(ms(60)));
    queue.push(vec![to(2.0), spacing(3.0)], 1, "", false, ms(55));
    assert_eq!(queue.next_deadline(), Some(ms(60)));
    assert_eq!(queue.due(ms(59)), None);
    let batch = queue.due(ms(60)).unwrap();
    assert_eq!(batch.edits, [spacing(3.0), to(2.0)]);
    assert_eq!(queue.due(ms(1000)), None);
}

#[test]
fn what_makes_deletes_or_draws_leaves_at_once_behind_what_waits() {
    let delete = Edit::Delete { row: hero() };
    let mut queue = Broadcaster::default();
    queue.push(vec![to(1.0)], 1, "Move", false, ms(0));
    let pushed = queue.push(
        vec![to(2.0), delete.clone(), spacing(2.0)],
        1,
        "Delete",
        false,
        ms(1),
    );
    assert_eq!(pushed.now.len(), 1);
    assert_eq!(pushed.now[0].edits, [to(2.0), delete, spacing(2.0)]);
    assert_eq!(pushed.now[0].label, "Delete");
    assert!(!queue.is_waiting());
}

#[test]
fn another_gesture_sends_the_first_one_off() {
    let mut queue = Broadcaster::default();
    queue.push(vec![to(1.0)], 1, "Move marker", false, ms(0));
    let pushed = queue.push(vec![spacing(2.0)], 2, "Grid", false, ms(1));
    assert_eq!(pushed.now.len(), 1);
    assert_eq!(
        (pushed.now[0].gesture, pushed.now[0].label),
        (1, "Move marker")
    );
    assert_eq!(queue.take().unwrap().gesture, 2);
}

#[test]
fn a_gesture_that_ends_with_nothing_new_writes_nothing_new() {
    let mut queue = Broadcaster::default();
    queue.push(vec![to(1.0)], 1, "", false, ms(0));
    assert!(queue.due(ms(50)).is_some());
    assert_eq!(queue.push(vec![], 1, "", true, ms(60)).now, []);
    assert!(!queue.is_waiting());
    queue.push(vec![to(2.0)], 1, "", false, ms(70));
    let end = queue.push(vec![], 1, "", true, ms(75));
    assert_eq!(end.now[0].edits, [to(2.0)]);
}

#[test]
fn what_is_local_never_leaves() {
    static CAMERA: Property = Property {
        row: RowKind::Scene,
        index: 0,
        root: Root::Tableglow,
        key: "cameraZoom",
        kind: Kind::Bool,
        preset: Preset::Bool(false),
        unit: Unit::None,
        delay: Delay::Local,
        audience: Audience::Everyone,
        section: Section::Hidden,
        label: "Zoom",
    };
    let camera = || Assignment {
        property: &CAMERA,
        value: Value::Bool(true),
    };
    let mut queue = Broadcaster::default();
    let row = RowRef::Scene(cave());
    let alone = queue.push(vec![set(row.clone(), vec![camera()])], 1, "", true, ms(0));
    assert_eq!((alone.now.len(), alone.held.len()), (0, 0));
    assert_eq!(
        alone.refused,
        [DropReason::Misplaced("scene.cameraZoom".into())]
    );
    let grid = Assignment::new(scene::GRID_SPACING, 2.0);
    let both = queue.push(vec![set(row, vec![camera(), grid])], 1, "", true, ms(0));
    assert_eq!(both.now[0].edits, [spacing(2.0)]);
}

#[test]
fn a_value_that_cannot_be_does_not_take_the_place_of_one_that_waits() {
    let mut queue = Broadcaster::default();
    queue.push(vec![spacing(2.0)], 1, "", false, ms(0));
    let pushed = queue.push(vec![spacing(f64::NAN)], 1, "", false, ms(1));
    assert_eq!((pushed.held.len(), pushed.refused.len()), (0, 1));
    assert_eq!(queue.take().unwrap().edits, [spacing(2.0)]);
}

#[test]
fn what_was_withdrawn_is_not_written() {
    let mut queue = Broadcaster::default();
    queue.push(vec![to(1.0), spacing(2.0)], 1, "", false, ms(0));
    queue.withdraw(&hero(), marker::POSITION_X.property());
    assert_eq!(queue.take().unwrap().edits, [spacing(2.0)]);
    queue.push(vec![to(1.0)], 1, "", false, ms(0));
    queue.withdraw(&hero(), marker::POSITION_X.property());
    assert_eq!(queue.next_deadline(), None);
}

#[test]
fn a_marker_that_somebody_deleted_meanwhile_stays_deleted_and_that_is_told() {
    let (mut doc, mut queue) = (doc(), Broadcaster::default());
    for (row, values) in queue.push(vec![to(7.0)], 1, "", false, ms(0)).held {
        doc.show_pending(&row, &values);
    }
    assert_eq!(x(&doc), Some(7.0));
    doc.apply(&[Edit::Delete { row: hero() }], Origin::Remote(1));
    assert_eq!(x(&doc), None);
    let applied = write(&mut doc, &queue.due(ms(50)).unwrap());
    assert_eq!(applied.dropped.len(), 1);
    assert_eq!(x(&doc), None);
    assert!(!doc.has_pending());
}

#[test]
fn somebody_elses_value_shows_when_ours_is_not_in_front_of_it() {
    let (mut doc, mut queue) = (doc(), Broadcaster::default());
    for (row, values) in queue.push(vec![to(7.0)], 1, "", false, ms(0)).held {
        doc.show_pending(&row, &values);
    }
    doc.apply(&[to(9.0)], Origin::Remote(1));
    assert_eq!(x(&doc), Some(7.0), "ours until it is written");
    // The last write wins, which is ours.
    write(&mut doc, &queue.due(ms(50)).unwrap());
    assert_eq!(x(&doc), Some(7.0));
    doc.apply(&[to(9.0)], Origin::Remote(1));
    assert_eq!(x(&doc), Some(9.0));
    doc.show_pending(&hero(), &[Assignment::new(marker::POSITION_X, 3.0)]);
    doc.withdraw_pending(&hero(), marker::POSITION_X.property());
    assert_eq!(x(&doc), Some(9.0));
    assert!(!doc.has_pending());
}

fn x(doc: &GameDoc) -> Option<f64> {
    Some(doc.row(&hero())?.get(marker::POSITION_X))
}

#[derive(Debug, Clone)]
enum Act {
    Edit(Edit, u64, bool),
    Wait(u64),
    Flush,
    /// Somebody else deletes a row.
    Remote(Edit),
}

fn any_act() -> impl Strategy<Value = Act> {
    let row = || {
        let name = prop_oneof![Just("hero"), Just("b")];
        (name, any::<bool>()).prop_map(|(name, light)| {
            let id = RowId::new(name);
            if light {
                RowRef::light(&cave(), &id)
            } else {
                RowRef::marker(&cave(), &id)
            }
        })
    };
    let place = (row(), -90_i32..90, any::<bool>()).prop_map(|(row, to, up)| {
        let prop = match (&row, up) {
            (
                RowRef::InScene {
                    kind: RowKind::Light,
                    ..
                },
                false,
            ) => light::POSITION_X,
            (
                RowRef::InScene {
                    kind: RowKind::Light,
                    ..
                },
                true,
            ) => light::POSITION_Y,
            (_, false) => marker::POSITION_X,
            (_, true) => marker::POSITION_Y,
        };
        set(row, vec![Assignment::new(prop, f64::from(to) / 2.0)])
    });
    let setting = prop_oneof![
        (1_i32..9).prop_map(|inches| spacing(f64::from(inches) / 3.0)),
        Just(set(
            RowRef::Scene(cave()),
            vec![
                Assignment::new(scene::NAME, "Cave"),
                Assignment::new(scene::ORDER, 4.0)
            ]
        )),
        // Refused: nothing of it shows.
        Just(spacing(f64::NAN)),
        (-1e4..1e4_f64).prop_map(|x| set(
            RowRef::Scene(cave()),
            vec![Assignment::new(scene::MAP_OFFSET_X, x)]
        )),
    ];
    let edit = prop_oneof![
        6 => place,
        3 => setting,
        2 => row().prop_map(|row| Edit::Create { row, values: vec![] }),
        1 => row().prop_map(|row| Edit::Delete { row }),
        1 => Just(Edit::Stroke {
            scene: cave(),
            target: MaskTarget::Fog,
            stroke: NewStroke {
                shape: StrokeShape::Brush { radius: 400 },
                mode: StrokeMode::Erase,
                points: vec![[0, 0]],
            },
        }),
    ];
    prop_oneof![
        8 => (edit, 1_u64..3, any::<bool>()).prop_map(|(edit, gesture, last)| Act::Edit(edit, gesture, last)),
        2 => (0_u64..250).prop_map(Act::Wait),
        1 => Just(Act::Flush),
        1 => row().prop_map(|row| Act::Remote(Edit::Delete { row })),
    ]
}

/// All of a snapshot but its revisions.
fn content(scene: &SceneSnapshot) -> String {
    let fog = match &scene.fog.value {
        Fog::Full => None,
        Fog::Mask(mask) => Some(mask.encode_rle()),
    };
    format!(
        "{:?} {:?} {:?} {:?} {:?} {fog:?}",
        scene.settings.value,
        scene.map.value,
        scene.grid.value,
        scene.markers.value,
        scene.lights.value
    )
}

/// Derives on from what is dirty, as the session does.
fn derived(doc: &mut GameDoc, deriver: &mut SceneDeriver, last: &SceneSnapshot) -> SceneSnapshot {
    let dirty = doc.replica_mut().take_dirty();
    match dirty.scene(&cave()) {
        Some(dirty) => deriver.update(doc, &NoPictures, &dirty).unwrap(),
        None => last.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is done in whatever order: what shows is what would show if nothing ever waited,
    /// before a flush and after it, and after it nothing waits.
    #[test]
    fn what_waits_shows_as_what_is_written(acts in proptest::collection::vec(any_act(), 1..40)) {
        let (mut doc, mut at_once, mut queue) = (doc(), doc(), Broadcaster::default());
        let mut deriver = SceneDeriver::new(cave());
        let mut last = deriver.derive(&doc, &NoPictures).unwrap();
        let mut now = ms(0);
        for act in acts {
            let mut batches = Vec::new();
            match act {
                Act::Edit(edit, gesture, ends) => {
                    at_once.apply(std::slice::from_ref(&edit), Origin::Local(gesture));
                    let pushed = queue.push(vec![edit], gesture, "", ends, now);
                    for batch in &pushed.now {
                        write(&mut doc, batch);
                    }
                    for (row, values) in pushed.held {
                        doc.show_pending(&row, &values);
                    }
                }
                Act::Wait(for_ms) => {
                    now += ms(for_ms);
                    batches.extend(queue.due(now));
                }
                Act::Flush => batches.extend(queue.take()),
                Act::Remote(edit) => {
                    at_once.apply(std::slice::from_ref(&edit), Origin::Remote(1));
                    doc.apply(&[edit], Origin::Remote(1));
                }
            }
            let before = derived(&mut doc, &mut deriver, &last);
            let truth = SceneDeriver::new(cave()).derive(&at_once, &NoPictures).unwrap();
            prop_assert_eq!(content(&before), content(&truth));
            for batch in &batches {
                write(&mut doc, batch);
            }
            prop_assert!(queue.is_waiting() || !doc.has_pending());
            last = derived(&mut doc, &mut deriver, &before);
            prop_assert_eq!(content(&last), content(&truth));
            prop_assert_eq!(doc.scene_ids(), at_once.scene_ids());
            prop_assert!(queue.next_deadline().is_none_or(|due| due <= now + ms(200)));
        }
        if let Some(batch) = queue.take() {
            write(&mut doc, &batch);
        }
        prop_assert!(!doc.has_pending());
        let fresh = SceneDeriver::new(cave()).derive(&doc, &NoPictures).unwrap();
        prop_assert_eq!(content(&last), content(&fresh));
    }
}

// Drags.

fn shows(name: &str, marker: &str, also: &[&str], since_unix_ms: i64) -> Presence {
    Presence {
        who: Some(Who {
            name: name.into(),
            color: Rgb::WHITE,
            part: TablePart::Dm,
            scene: None,
            view: None,
        }),
        dragging: Some(Dragging {
            marker: RowId::new(marker),
            scene: cave(),
            since_unix_ms,
            also: also.iter().map(|id| RowId::new(id)).collect(),
        }),
        ..Presence::default()
    }
}

#[test]
fn who_began_first_holds_a_marker_and_everybody_sees_it_so() {
    let (mira, tom) = (
        shows("Mira", "hero", &["b"], 1000),
        shows("Tom", "b", &[], 999),
    );
    let late = shows("Late", "hero", &[], 1000);
    let people = [(9, &mira), (7, &tom), (12, &late)];
    let reversed = people.iter().rev().copied();
    let drags = Drags::of(people);
    assert_eq!(drags, Drags::of(reversed));
    let name = |id: &str| {
        drags
            .holder_of(&cave(), &RowId::new(id))
            .map(|it| &*it.name)
    };
    // At the same moment the lower client id.
    assert_eq!(name("hero"), Some("Mira"));
    assert_eq!(name("b"), Some("Tom"));
    assert_eq!(name("c"), None);
    assert_eq!(
        drags.holder_of(&SceneId::new("other"), &RowId::new("hero")),
        None
    );

    let against = |ours| {
        drags
            .holder_against(&cave(), &RowId::new("hero"), ours)
            .is_some()
    };
    assert!(against(None), "we do not drag it, so it is theirs");
    assert!(against(Some((1001, 1))) && against(Some((1000, 10))));
    assert!(!against(Some((999, 99))) && !against(Some((1000, 8))));
}

#[test]
fn a_drag_lasts_as_long_as_its_gesture() {
    let mut own = OwnDrag::default();
    let two = [
        to(1.0),
        set(RowRef::marker(&cave(), &RowId::new("b")), place(2.0)),
    ];
    assert!(own.follow(1, &two, false, 500));
    assert!(!own.follow(1, &two, false, 516), "nothing new to show");
    let shown = own.shown().unwrap();
    assert_eq!((shown.marker.as_str(), shown.since_unix_ms), ("hero", 500));
    assert_eq!(shown.also, [RowId::new("b")]);
    assert_eq!(own.since(&cave(), &RowId::new("b")), Some(500));
    // What is no drag of a marker changes nothing of it.
    assert!(!own.follow(2, &[spacing(2.0)], false, 600));
    assert!(!own.follow(2, &[], true, 600));
    own.lose(&RowId::new("hero"));
    assert_eq!(own.shown().unwrap().marker, RowId::new("b"));
    assert!(own.follow(1, &[], true, 700));
    assert_eq!(own.shown(), None);
    // A move in one step is no drag.
    assert!(!own.follow(3, &two, true, 800));
    assert!(own.follow(4, &two, false, 900) && own.end());
    assert_eq!(own.shown(), None);
}

fn place(x: f64) -> Vec<Assignment> {
    vec![Assignment::new(marker::POSITION_X, x)]
}

// Counting.

#[test]
fn an_hour_is_counted_as_it_goes_by() {
    let mut meter = HourMeter::new(ms(0));
    let close = |a: f64, b: f64| (a - b).abs() < 1e-9;
    meter.note(ms(1000), 10);
    // The first minute counts as a whole one.
    assert!(close(meter.per_hour(ms(2000)), 600.0));
    meter.note(ms(1_799_000), 20);
    assert!(close(meter.per_hour(ms(1_800_000)), 60.0));
    meter.note(ms(3_700_000), 1);
    assert!(close(meter.per_hour(ms(3_700_000)), 21.0));
    assert!(close(meter.per_hour(ms(9_000_000)), 0.0));
}

/// The example in the README of our worker: six people for an hour.
#[test]
fn an_evening_costs_what_the_page_says() {
    let hour = HourlyUse {
        messages: 142_000.0,
        connections: 0.0,
        transactions: 10_000.0,
        rooms: 2.0,
    };
    assert!((hour.requests() - 7_100.0).abs() < 1e-9);
    assert!((hour.requests_usd() - 0.001_065).abs() < 1e-9);
    assert!((hour.usd() - 0.022_585).abs() < 1e-9);
}
