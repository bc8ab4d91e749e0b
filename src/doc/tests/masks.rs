//! Masks: what strokes draw, and what web clients see of it.

use super::*;

#[test]
fn web_clients_and_we_see_each_others_fog() {
    let mut doc = with_hero();
    let space = MaskSpace::covering([64, 48]);
    doc.apply(
        &[stroke(MaskTarget::Fog, brush([0, 0], StrokeMode::Erase))],
        LOCAL,
    );
    assert!(doc.project_mask(&cave(), &MaskTarget::Fog, space));
    assert!(!doc.project_mask(&cave(), &MaskTarget::Fog, space));
    assert!(!doc.adopt_foreign_mask(&cave(), &MaskTarget::Fog));
    let ours = doc.mask(&cave(), &MaskTarget::Fog, space).unwrap();
    let written = doc.shared_mask(&cave(), &MaskTarget::Fog).unwrap();
    assert_eq!(Mask::decode_rle(&written).unwrap(), ours);

    // A web client clears one pixel while we draw on.
    let mut foreign = ours.clone();
    foreign.set(1, 1, false);
    let mut theirs = copy_of(&doc);
    {
        let mut txn = theirs.replica.write(Origin::Remote(9));
        let entry = read::scene_map(&txn, &cave()).unwrap();
        entry.insert(&mut txn, "fogMask", foreign.encode_rle());
    }
    doc.apply(
        &[stroke(
            MaskTarget::Fog,
            brush([-300, 200], StrokeMode::Erase),
        )],
        LOCAL,
    );
    meet(&mut doc, &mut theirs);
    // Two importers make one stroke.
    assert!(doc.adopt_foreign_mask(&cave(), &MaskTarget::Fog));
    assert!(theirs.adopt_foreign_mask(&cave(), &MaskTarget::Fog));
    meet(&mut doc, &mut theirs);
    assert_eq!(doc.strokes(&cave(), &MaskTarget::Fog).strokes.len(), 3);
    let seen = doc.mask(&cave(), &MaskTarget::Fog, space).unwrap();
    assert_eq!(theirs.mask(&cave(), &MaskTarget::Fog, space).unwrap(), seen);
    assert!(!seen.get(1, 1));
    assert!(seen.count() < ours.count() - 1);
}

#[test]
fn a_web_clients_mask_is_the_base_of_our_strokes() {
    let mut doc = with_hero();
    let web = Mask::new(20, 10).unwrap();
    {
        let mut txn = doc.replica.write(Origin::Remote(9));
        let entry = read::scene_map(&txn, &cave()).unwrap();
        entry.insert(&mut txn, "fogMask", web.encode_rle());
    }
    let space = MaskSpace::covering([200, 100]);
    assert_eq!(doc.mask(&cave(), &MaskTarget::Fog, space), Some(web));
    doc.apply(
        &[stroke(MaskTarget::Fog, brush([0, 0], StrokeMode::Add))],
        LOCAL,
    );
    let fogged = doc.mask(&cave(), &MaskTarget::Fog, space).unwrap();
    assert_eq!(fogged.size_px(), [20, 10]);
    assert!(fogged.get(10, 5) && !fogged.get(1, 1));
    // Nothing is written where web clients read until it is asked for.
    assert!(
        !Mask::decode_rle(&doc.shared_mask(&cave(), &MaskTarget::Fog).unwrap())
            .unwrap()
            .get(10, 5)
    );
}

#[test]
fn fog_that_cannot_be_read_hides_everything() {
    let mut doc = with_hero();
    {
        let mut txn = doc.replica.write(Origin::Remote(9));
        let entry = read::scene_map(&txn, &cave()).unwrap();
        entry.insert(&mut txn, "fogMask", vec![0xffu8; 40]);
    }
    let space = MaskSpace::covering([64, 64]);
    assert_eq!(doc.mask(&cave(), &MaskTarget::Fog, space), None);
    doc.apply(
        &[stroke(MaskTarget::Fog, brush([0, 0], StrokeMode::Erase))],
        LOCAL,
    );
    let mask = doc.mask(&cave(), &MaskTarget::Fog, space).unwrap();
    assert!(mask.get(1, 1) && !mask.get(34, 32));
}
