//! A property is declared once: four properties of an overlay, declared here in one place, are found
//! in the reader, the writer, the validation, the panel control, the script name and the player
//! filter.

#![expect(clippy::unwrap_used, clippy::float_cmp, reason = "tests")]

use tableglow::doc::undo::History;
use tableglow::doc::{GameDoc, Origin};
use tableglow::model::color::Rgb;
use tableglow::model::edit::{Assignment, Edit, RowRef};
use tableglow::model::id::{GameSessionId, SceneId};
use tableglow::model::property::{
    Audience::{DmOnly, Everyone},
    Control as Panel,
    Delay::Control,
    Kind::{Bool, Color, Number},
    Preset::{Bool as B, Number as N, Text as T},
    Root, RowKind, Section, Unit,
};
use tableglow::model::row::Row;

const OURS: Root = Root::Tableglow;

tableglow::properties! {
    row RowKind::Scene;
    /// Shown.
    OVERLAY_VISIBLE: bool = "overlayVisible", OURS, Bool, B(false), Unit::None, Control, Everyone, Section::Edge, "Overlay";
    /// Opacity.
    OVERLAY_OPACITY: f64 = "overlayOpacity", OURS, Number { min: 0.0, max: 1.0, step: 0.01 }, N(0.5), Unit::Share, Control, Everyone, Section::Edge, "Overlay opacity";
    /// Colour.
    OVERLAY_COLOR: Rgb = "overlayColor", OURS, Color, T("#102030"), Unit::None, Control, DmOnly, Section::Edge, "Overlay colour";
    /// Size.
    OVERLAY_SIZE: f64 = "overlaySize", OURS, Number { min: 1.0, max: 9.0, step: 1.0 }, N(2.0), Unit::Cell, Control, Everyone, Section::Edge, "Overlay size";
}

fn scene() -> RowRef {
    RowRef::Scene(SceneId::new("cave"))
}

fn read(doc: &GameDoc) -> Row {
    doc.read_row(&TABLE, &scene()).unwrap()
}

fn set(values: Vec<Assignment>) -> Edit {
    Edit::Set {
        row: scene(),
        values,
    }
}

#[test]
fn a_property_is_declared_once() {
    let origin = Origin::Local(1);
    let mut doc = GameDoc::create(&GameSessionId::new("game"));
    let cave = Edit::Create {
        row: scene(),
        values: vec![],
    };
    doc.apply(&[cave], origin);
    assert_eq!(read(&doc), Row::defaults(&TABLE));

    // Writer and reader.
    let done = doc.apply(
        &[set(vec![
            Assignment::new(OVERLAY_VISIBLE, true),
            Assignment::new(OVERLAY_OPACITY, 0.25),
            Assignment::new(OVERLAY_COLOR, Rgb::new(1, 2, 3)),
            Assignment::new(OVERLAY_SIZE, 4.0),
        ])],
        origin,
    );
    assert_eq!(done.dropped, []);
    let reopened = GameDoc::open(doc.id(), [doc.replica().encode_snapshot().as_slice()]).unwrap();
    let held = read(&reopened);
    assert!(held.get(OVERLAY_VISIBLE));
    assert_eq!(held.get(OVERLAY_OPACITY), 0.25);
    assert_eq!(held.get(OVERLAY_COLOR), Rgb::new(1, 2, 3));
    assert_eq!(held.get(OVERLAY_SIZE), 4.0);

    // Undo.
    let mut history = History::default();
    history.record(1, "Overlay", done);
    history.undo(&mut doc);
    assert_eq!(read(&doc), Row::defaults(&TABLE));
    history.redo(&mut doc);

    // Validation.
    let wrong = set(vec![
        Assignment::new(OVERLAY_SIZE, 10.0),
        Assignment::new(OVERLAY_COLOR, "red"),
        Assignment::new(OVERLAY_VISIBLE, 1.0),
    ]);
    assert_eq!(doc.apply(&[wrong], origin).dropped.len(), 3);
    assert_eq!(read(&doc), held);

    // Panel controls.
    let controls: Vec<Panel> = TABLE
        .properties
        .iter()
        .filter_map(|property| property.control())
        .collect();
    assert!(matches!(
        controls.as_slice(),
        [
            Panel::Toggle,
            Panel::Slider { max: 1.0, .. },
            Panel::Color,
            Panel::Slider { min: 1.0, .. }
        ]
    ));

    // Script name.
    assert_eq!(OVERLAY_SIZE.property().script_name(), "scene.overlaySize");
    assert_eq!(TABLE.by_key("overlaySize"), Some(OVERLAY_SIZE.property()));

    // Player filter.
    let players = held.for_players(&TABLE);
    assert!(players.get(OVERLAY_VISIBLE));
    assert_eq!(players.get(OVERLAY_COLOR), Rgb::new(16, 32, 48));
}
