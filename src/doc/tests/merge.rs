//! Any edits in any order: copies that have met hold the same.

use proptest::prelude::*;

use super::*;

fn any_stroke() -> impl Strategy<Value = NewStroke> {
    let shape = prop_oneof![
        6 => (1i32..300).prop_map(|radius| StrokeShape::Brush { radius }),
        2 => Just(StrokeShape::Rectangle),
        2 => Just(StrokeShape::Ellipse),
        2 => Just(StrokeShape::Polygon),
        1 => Just(StrokeShape::Everything),
    ];
    let mode = prop_oneof![Just(StrokeMode::Erase), Just(StrokeMode::Add)];
    let points = proptest::collection::vec([-600i32..600, -600i32..600], 0..5);
    (shape, mode, points).prop_map(|(shape, mode, points)| NewStroke {
        shape,
        mode,
        points,
    })
}

/// One thing that a user does in the tests below.
#[derive(Debug, Clone)]
enum Act {
    Edit(Edit),
    Undo,
    Redo,
}

fn any_act() -> impl Strategy<Value = Act> {
    let name = || prop_oneof![Just("a"), Just("b"), Just("hero")];
    let number = -50i32..50;
    let fog_or_ink = prop_oneof![
        Just(MaskTarget::Fog),
        Just(MaskTarget::Annotation(RowId::new("a")))
    ];
    prop_oneof![
        3 => (name(), number.clone()).prop_map(|(name, x)| {
            let row = RowRef::marker(&cave(), &id(name));
            Act::Edit(create(row, at(f64::from(x), 0.5)))
        }),
        6 => (name(), number.clone(), any::<bool>()).prop_map(|(name, x, both)| {
            let row = RowRef::marker(&cave(), &id(name));
            let mut values = at(f64::from(x), f64::from(x) / 3.0);
            values.truncate(if both { 2 } else { 1 });
            Act::Edit(set(row, values))
        }),
        2 => (name(), any::<bool>()).prop_map(|(name, locked)| {
            let row = RowRef::marker(&cave(), &id(name));
            Act::Edit(set(row, vec![Assignment::new(marker::LOCKED, locked)]))
        }),
        2 => name().prop_map(|name| Act::Edit(Edit::Delete {
            row: RowRef::marker(&cave(), &id(name)),
        })),
        1 => name().prop_map(|name| {
            let row = RowRef::light(&cave(), &id(name));
            Act::Edit(create(row, vec![Assignment::new(light::RADIUS, 3.0)]))
        }),
        1 => Just(Act::Edit(create(RowRef::annotation(&cave(), &id("a")), vec![]))),
        1 => Just(Act::Edit(Edit::Delete { row: RowRef::annotation(&cave(), &id("a")) })),
        1 => number.prop_map(|x| Act::Edit(set(
            RowRef::Scene(cave()),
            vec![Assignment::new(scene::MAP_OFFSET_X, f64::from(x))],
        ))),
        1 => name().prop_map(|name| Act::Edit(wall(name, 4.0))),
        4 => (fog_or_ink, any_stroke()).prop_map(|(target, drawn)| Act::Edit(stroke(target, drawn))),
        3 => Just(Act::Undo),
        2 => Just(Act::Redo),
    ]
}

/// New rows have fresh ids: two users never make one under the same.
fn under_ids_of_their_own(act: &Act) -> Act {
    match act {
        Act::Edit(Edit::Create {
            row: RowRef::InScene { scene, kind, id },
            values,
        }) => {
            let id = RowId::new(&format!("their {id}"));
            Act::Edit(create(RowRef::in_scene(scene, *kind, &id), values.clone()))
        }
        other => other.clone(),
    }
}

struct User {
    doc: GameDoc,
    history: History,
    gestures: u64,
}

impl User {
    fn act(&mut self, act: &Act) {
        match act {
            Act::Edit(edit) => {
                self.gestures += 1;
                let done = self.doc.apply(std::slice::from_ref(edit), LOCAL);
                self.history.record(self.gestures, "step", done);
            }
            Act::Undo => {
                self.history.undo(&mut self.doc);
            }
            Act::Redo => {
                self.history.redo(&mut self.doc);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn copies_that_have_met_hold_the_same(
        acts in proptest::collection::vec((0usize..2, any_act(), 0u8..6), 1..40),
    ) {
        let mut first = with_hero();
        let second = copy_of(&first);
        first.replica_mut().take_updates();
        let user = |doc| User { doc, history: History::default(), gestures: 0 };
        let mut users = [user(first), user(second)];
        for (who, act, meeting) in &acts {
            users[*who].act(act);
            if *meeting == 0 {
                let [a, b] = &mut users;
                meet(&mut a.doc, &mut b.doc);
            }
        }
        let [a, b] = &mut users;
        meet(&mut a.doc, &mut b.doc);
        prop_assert_eq!(everything(&a.doc), everything(&b.doc));
        let space = MaskSpace::covering([80, 60]);
        for target in [MaskTarget::Fog, MaskTarget::Annotation(id("a"))] {
            prop_assert_eq!(
                a.doc.mask(&cave(), &target, space),
                b.doc.mask(&cave(), &target, space)
            );
        }
        prop_assert_eq!(
            a.doc.rows(&cave(), RowKind::Marker),
            b.doc.rows(&cave(), RowKind::Marker)
        );
    }

    /// Updates come in any order, twice, and in pieces that overlap: the copy waits where something
    /// is missing, and ends with everything.
    #[test]
    fn updates_come_in_any_order(
        acts in proptest::collection::vec(any_act(), 1..25),
        order in proptest::collection::vec(any::<prop::sample::Index>(), 1..60),
    ) {
        let mut user = User { doc: with_hero(), history: History::default(), gestures: 0 };
        let mut pieces = Vec::new();
        let mut before = vec![0];
        for act in &acts {
            user.act(act);
            pieces.extend(user.doc.replica_mut().take_updates().into_iter().map(|update| update.bytes));
            pieces.push(user.doc.replica().encode_missing(&before).unwrap());
            before = user.doc.replica().state_vector();
        }
        let mut other = GameDoc::open(user.doc.id(), std::iter::empty()).unwrap();
        for index in &order {
            let piece = index.get(&pieces);
            other.replica_mut().apply_update(piece, Origin::Remote(1)).unwrap();
        }
        for piece in pieces.iter().rev() {
            other.replica_mut().apply_update(piece, Origin::Remote(1)).unwrap();
        }
        prop_assert!(!other.replica().waits_for_updates());
        prop_assert_eq!(everything(&user.doc), everything(&other));
    }

    #[test]
    fn all_the_way_back_is_where_it_began(
        acts in proptest::collection::vec(any_act(), 1..30),
    ) {
        let mut user = User { doc: with_hero(), history: History::default(), gestures: 0 };
        let space = MaskSpace::covering([80, 60]);
        let look = |doc: &GameDoc| {
            let mut shown = json::game_json(doc);
            // Strokes leave their records; what is seen of them is compared.
            shown["fog"] = format!("{:?}", doc.mask(&cave(), &MaskTarget::Fog, space)).into();
            shown["walls"] = format!("{:?}", doc.walls(&cave())).into();
            shown
        };
        let before = look(&user.doc);
        for act in &acts {
            user.act(act);
        }
        let after = look(&user.doc);
        let depth = user.history.undo_depth();
        for _ in 0..depth {
            user.act(&Act::Undo);
        }
        prop_assert_eq!(look(&user.doc), before);
        for _ in 0..depth {
            user.act(&Act::Redo);
        }
        prop_assert_eq!(look(&user.doc), after);
    }

    #[test]
    fn undo_changes_nothing_of_somebody_elses(
        mine in proptest::collection::vec(any_act(), 1..12),
        theirs in proptest::collection::vec(any_act(), 1..12),
    ) {
        let mut me = User { doc: with_hero(), history: History::default(), gestures: 0 };
        for act in &mine {
            me.act(act);
        }
        let mut other = User {
            doc: copy_of(&me.doc), history: History::default(), gestures: 0,
        };
        let before: Vec<_> = cells(&other.doc);
        for act in &theirs {
            other.act(&under_ids_of_their_own(act));
        }
        meet(&mut me.doc, &mut other.doc);
        // What the other user wrote last, and that still holds, must hold after my undo.
        let written: Vec<_> = cells(&other.doc)
            .into_iter()
            .filter(|cell| !before.contains(cell))
            .collect();
        while me.history.undo_depth() > 0 {
            me.act(&Act::Undo);
        }
        let now = cells(&me.doc);
        for cell in written {
            prop_assert!(now.contains(&cell), "{:?} was changed", cell);
        }
    }

    #[test]
    fn strokes_in_any_order_make_one_picture(
        drawn in proptest::collection::vec((0usize..2, any_stroke()), 1..14),
        cut in 0usize..14,
    ) {
        let mut a = with_hero();
        let mut b = copy_of(&a);
        let space = MaskSpace::covering([100, 70]);
        let mut caches = [MaskCache::default(), MaskCache::default()];
        for (index, (who, new)) in drawn.iter().enumerate() {
            let edit = stroke(MaskTarget::Fog, new.clone());
            if *who == 0 { a.apply(&[edit], LOCAL) } else { b.apply(&[edit], LOCAL) };
            if index == cut {
                meet(&mut a, &mut b);
            }
            for (doc, cache) in [&a, &b].into_iter().zip(&mut caches) {
                let kept = cache.mask(doc, &cave(), &MaskTarget::Fog, space);
                let fresh = doc.mask(&cave(), &MaskTarget::Fog, space);
                prop_assert_eq!(kept.as_deref(), fresh.as_ref());
            }
        }
        meet(&mut a, &mut b);
        let picture = a.mask(&cave(), &MaskTarget::Fog, space);
        prop_assert_eq!(&b.mask(&cave(), &MaskTarget::Fog, space), &picture);
        // Compaction changes no pixel, and no stroke that is kept.
        b.compact_mask(&cave(), &MaskTarget::Fog, space, 2);
        prop_assert_eq!(&b.mask(&cave(), &MaskTarget::Fog, space), &picture);
        prop_assert!(b.strokes(&cave(), &MaskTarget::Fog).strokes.len() <= 2);
    }

    #[test]
    fn no_bytes_break_a_document(
        at in 0usize..4000, with: u8, cut in 0usize..4000, flips in 0usize..4,
    ) {
        let doc = with_hero();
        let mut bytes = doc.replica().encode_snapshot();
        for flip in 0..=flips {
            let index = (at * (flip + 1)) % bytes.len();
            if let Some(byte) = bytes.get_mut(index) {
                *byte ^= with.rotate_left(u32::try_from(flip).unwrap_or(0)) | 1;
            }
        }
        if cut < bytes.len() && flips == 0 {
            bytes.truncate(cut);
        }
        if let Ok(opened) = GameDoc::open(doc.id(), [bytes.as_slice()]) {
            let _ = json::game_json(&opened);
            for scene in opened.scene_ids() {
                let _ = opened.rows(&scene, RowKind::Marker);
            }
        }
    }

    #[test]
    fn noise_is_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = GameDoc::open(&GameSessionId::new("x"), [bytes.as_slice()]);
    }
}

/// Every plain value of a document with the place where it is, strokes and voids aside.
fn cells(doc: &GameDoc) -> Vec<(String, String)> {
    fn walk(at: &str, raw: &raw::Raw, out: &mut Vec<(String, String)>) {
        match raw {
            raw::Raw::Plain(any) => out.push((at.to_owned(), format!("{any:?}"))),
            raw::Raw::Map(entries) => {
                for (key, value) in entries {
                    walk(&format!("{at}\u{1f}{key}"), value, out);
                }
            }
        }
    }
    let txn = doc.replica.read();
    let mut out = Vec::new();
    for root in [SCENES, OURS] {
        let tree = raw::Raw::of_map(&txn.get_map(root).unwrap(), &txn);
        walk(root, &tree, &mut out);
    }
    out
}
