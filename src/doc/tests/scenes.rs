//! Scenes as wholes: their order, their copies, their ends, and whether two are the same.

use super::*;

#[test]
fn scenes_come_in_list_order() {
    let mut doc = game();
    let scene = |name: &str| RowRef::Scene(SceneId::new(name));
    let order = |order: f64| vec![Assignment::new(scene::ORDER, order)];
    doc.apply(
        &[
            create(scene("c"), vec![]),
            create(scene("b"), order(0.5)),
            create(scene("a"), order(0.5)),
            create(scene("d"), vec![]),
        ],
        LOCAL,
    );
    let ids: Vec<String> = doc.scene_ids().iter().map(ToString::to_string).collect();
    assert_eq!(ids, ["a", "b", "c", "d"]);
    doc.apply(
        &[Edit::DuplicateScene {
            source: SceneId::new("b"),
            copy: SceneId::new("z"),
        }],
        LOCAL,
    );
    let ids: Vec<String> = doc.scene_ids().iter().map(ToString::to_string).collect();
    assert_eq!(ids, ["a", "b", "z", "c", "d"]);
}

#[test]
fn a_duplicate_has_everything_under_new_ids() {
    let mut doc = with_hero();
    let layer = RowRef::annotation(&cave(), &id("ink"));
    doc.apply(
        &[
            create(layer, vec![]),
            set(hero(), vec![Assignment::new(marker::LOCKED, true)]),
            wall("w", 1.0),
            stroke(MaskTarget::Fog, brush([0, 0], StrokeMode::Erase)),
            stroke(
                MaskTarget::Annotation(id("ink")),
                brush([5, 5], StrokeMode::Add),
            ),
            Edit::DuplicateScene {
                source: cave(),
                copy: SceneId::new("copy"),
            },
        ],
        LOCAL,
    );
    let copy = SceneId::new("copy");
    let settings = doc.scene_row(&copy).unwrap();
    assert_eq!(&*settings.get(scene::NAME), "New Scene (copy)");
    assert_eq!(&*settings.get(scene::ID), "copy");
    let markers = doc.rows(&copy, RowKind::Marker);
    assert_eq!(markers.len(), 1);
    let (new_id, row) = markers.first().unwrap();
    assert_ne!(new_id, &id("hero"));
    assert_eq!(&*row.get(marker::ID), new_id.as_str());
    assert_eq!(&*row.get(marker::SCENE_ID), "copy");
    assert!(row.get(marker::LOCKED));
    assert_eq!(doc.walls(&copy).len(), 1);
    assert_eq!(doc.strokes(&copy, &MaskTarget::Fog).strokes.len(), 1);
    let (ink, _) = doc.rows(&copy, RowKind::Annotation).pop().unwrap();
    let ink = MaskTarget::Annotation(ink);
    assert_eq!(doc.strokes(&copy, &ink).strokes.len(), 1);
}

#[test]
fn deleting_a_scene_takes_all_of_it() {
    let mut doc = with_hero();
    doc.apply(
        &[
            wall("w", 1.0),
            set(hero(), vec![Assignment::new(marker::LOCKED, true)]),
            stroke(MaskTarget::Fog, brush([0, 0], StrokeMode::Erase)),
        ],
        LOCAL,
    );
    let before = everything(&doc);
    let row = RowRef::Scene(cave());
    let gone = doc.apply(&[Edit::Delete { row }], LOCAL);
    assert!(!everything(&doc).contains("cave"));
    let mut history = History::default();
    history.record(1, "Delete scene", gone);
    history.undo(&mut doc);
    assert_eq!(everything(&doc), before);
    history.redo(&mut doc);
    assert!(!everything(&doc).contains("cave"));
}

#[test]
fn a_copy_of_a_scene_holds_it_alone_and_brings_it_back_whole() {
    let mut doc = with_hero();
    let fog = stroke(MaskTarget::Fog, brush([1, 2], StrokeMode::Erase));
    doc.apply(&[fog, wall("w", 5.0)], LOCAL);
    let before = everything(&doc);
    let hall = RowRef::Scene(SceneId::new("hall"));
    doc.apply(&[create(hall.clone(), vec![])], LOCAL);
    let copy = doc.copy_of_scene(&cave()).unwrap();
    let copy = GameDoc::open(doc.id(), [copy.as_slice()]).unwrap();
    assert_eq!(everything(&copy), before);
    assert_eq!(doc.copy_of_scene(&SceneId::new("none")), None);
    for row in [RowRef::Scene(cave()), hall] {
        doc.apply(&[Edit::Delete { row }], LOCAL);
    }
    assert!(doc.bring_back(&cave(), &copy));
    assert_eq!(everything(&doc), before);
    assert!(!doc.bring_back(&cave(), &copy), "it is here");
}

#[test]
fn marks_tell_content_and_nothing_else() {
    let mark = |doc: &GameDoc| doc.scene_marks(None).remove(&cave()).unwrap();
    let mut doc = with_hero();
    let mut known = vec![mark(&doc)];
    assert_eq!(&*known[0].name, "New Scene");
    let rename = set(
        RowRef::Scene(cave()),
        vec![Assignment::new(scene::NAME, "Cave")],
    );
    for edit in [
        set(hero(), at(5.0, 2.0)),
        rename,
        stroke(MaskTarget::Fog, brush([1, 2], StrokeMode::Erase)),
        Edit::Delete { row: hero() },
    ] {
        doc.apply(&[edit], LOCAL);
        let now = mark(&doc);
        assert!(!known.contains(&now), "a change that makes no difference");
        known.push(now);
    }
    let last = mark(&doc);
    assert_eq!(&*last.name, "Cave");
    assert_eq!(mark(&copy_of(&doc)), last);
    // There and back again.
    let spacing = |doc: &mut GameDoc, value: f64| {
        let values = vec![Assignment::new(scene::GRID_SPACING, value)];
        doc.apply(&[set(RowRef::Scene(cave()), values)], LOCAL);
    };
    let was = doc.scene_row(&cave()).unwrap().get(scene::GRID_SPACING);
    spacing(&mut doc, 7.0);
    assert_ne!(mark(&doc), last);
    spacing(&mut doc, was);
    assert_eq!(mark(&doc), last);
    // What is shown and not written.
    doc.show_pending(
        &RowRef::Scene(cave()),
        &[Assignment::new(scene::GRID_SPACING, 9.0)],
    );
    assert_eq!(mark(&doc), last);
    doc.clear_pending();
    // The picture of our strokes that web clients read.
    let space = MaskSpace::covering([64, 48]);
    assert!(doc.project_mask(&cave(), &MaskTarget::Fog, space));
    assert_eq!(mark(&doc), last);
    // Another scene.
    let hall = SceneId::new("hall");
    doc.apply(&[create(RowRef::Scene(hall.clone()), vec![])], LOCAL);
    assert_eq!(mark(&doc), last);
    let only = std::collections::BTreeSet::from([hall.clone(), SceneId::new("none")]);
    let marks = doc.scene_marks(Some(&only));
    assert_eq!(marks.keys().collect::<Vec<_>>(), [&hall]);
}
