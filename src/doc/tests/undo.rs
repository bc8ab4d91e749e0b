//! Undo: one user's steps, and nobody else's.

use super::*;

fn recorded(history: &mut History, gesture: u64, applied: Applied) {
    history.record(gesture, "step", applied);
}

#[test]
fn a_drag_is_one_step() {
    let mut doc = with_hero();
    let mut history = History::default();
    for step in 0..20 {
        let done = doc.apply(&[set(hero(), at(f64::from(step), 0.0))], LOCAL);
        recorded(&mut history, 7, done);
    }
    assert_eq!(history.undo_depth(), 1);
    history.undo(&mut doc);
    assert_eq!(position(&doc), (1.0, 2.0));
    history.redo(&mut doc);
    assert_eq!(position(&doc), (19.0, 0.0));
    assert_eq!(history.redo(&mut doc), None);
}

#[test]
fn undo_leaves_what_somebody_else_did() {
    let mut mine = with_hero();
    let mut history = History::default();
    let done = mine.apply(&[set(hero(), at(5.0, 5.0))], LOCAL);
    recorded(&mut history, 1, done);
    let mut theirs = copy_of(&mine);
    theirs.apply(
        &[set(hero(), vec![Assignment::new(marker::POSITION_X, 8.0)])],
        LOCAL,
    );
    meet(&mut mine, &mut theirs);
    let taken = history.undo(&mut mine).unwrap();
    assert_eq!((taken.changed, taken.kept), (1, 1));
    assert_eq!(position(&mine), (8.0, 2.0));
}

#[test]
fn a_new_row_that_somebody_else_uses_stays() {
    let mut mine = game();
    let mut history = History::default();
    mine.apply(&[create(RowRef::Scene(cave()), vec![])], LOCAL);
    let done = mine.apply(
        &[
            create(hero(), at(1.0, 1.0)),
            set(hero(), vec![Assignment::new(marker::LOCKED, true)]),
        ],
        LOCAL,
    );
    recorded(&mut history, 1, done);
    let mut theirs = copy_of(&mine);
    theirs.apply(&[set(hero(), at(3.0, 3.0))], LOCAL);
    meet(&mut mine, &mut theirs);
    let before = everything(&mine);
    let taken = history.undo(&mut mine).unwrap();
    assert_eq!(taken.changed, 0);
    assert_eq!(everything(&mine), before);
}

#[test]
fn a_new_row_goes_and_comes_back_with_what_the_gesture_did_to_it() {
    let mut doc = game();
    let mut history = History::default();
    let empty = everything(&doc);
    let done = doc.apply(
        &[
            create(RowRef::Scene(cave()), vec![]),
            create(hero(), at(1.0, 1.0)),
            wall("w", 2.0),
            set(hero(), at(4.0, 4.0)),
            set(hero(), vec![Assignment::new(marker::LOCKED, true)]),
        ],
        LOCAL,
    );
    recorded(&mut history, 1, done);
    let done = doc.apply(
        &[stroke(MaskTarget::Fog, brush([0, 0], StrokeMode::Erase))],
        LOCAL,
    );
    recorded(&mut history, 2, done);
    let full = everything(&doc);
    history.undo(&mut doc);
    history.undo(&mut doc);
    assert_eq!(everything(&doc), empty);
    history.redo(&mut doc);
    history.redo(&mut doc);
    assert_eq!(everything(&doc), full);
}

#[test]
fn a_stroke_is_taken_back_and_done_again() {
    let mut doc = with_hero();
    let mut history = History::default();
    let space = MaskSpace::covering([64, 64]);
    let before = doc.mask(&cave(), &MaskTarget::Fog, space);
    let done = doc.apply(
        &[stroke(MaskTarget::Fog, brush([0, 0], StrokeMode::Erase))],
        LOCAL,
    );
    recorded(&mut history, 1, done);
    let drawn = doc.mask(&cave(), &MaskTarget::Fog, space);
    assert_ne!(drawn, before);
    history.undo(&mut doc);
    assert_eq!(doc.mask(&cave(), &MaskTarget::Fog, space), None);
    history.redo(&mut doc);
    assert_eq!(doc.mask(&cave(), &MaskTarget::Fog, space), drawn);
}

#[test]
fn history_is_bounded_and_deep_enough() {
    let mut doc = with_hero();
    let mut history = History::default();
    for step in 0..300u64 {
        let done = doc.apply(&[set(hero(), at(step as f64, 9.0))], LOCAL);
        recorded(&mut history, step, done);
    }
    assert_eq!(history.undo_depth(), crate::doc::undo::DEPTH);
    const { assert!(crate::doc::undo::DEPTH >= 100) };
}
