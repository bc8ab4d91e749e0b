//! Reading documents and deriving scenes: 500 and 5,000 markers, all of them and one that moved.

#![expect(
    missing_docs,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    reason = "a benchmark"
)]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use tableglow::doc::{GameDoc, Origin};
use tableglow::model::edit::{Assignment, Edit, RowRef};
use tableglow::model::id::{GameSessionId, RowId, SceneId};
use tableglow::model::marker;
use tableglow::model::property::RowKind;
use tableglow::scene::derive::SceneDeriver;
use tableglow::scene::picture::NoPictures;
use tableglow::scene::player::PlayerScene;

const ORIGIN: Origin = Origin::Local(1);

fn cave() -> SceneId {
    SceneId::new("00000000-0000-4000-8000-000000000001")
}

fn marker_row(index: usize) -> RowRef {
    let id = format!("00000000-0000-4000-9000-{index:012}");
    RowRef::marker(&cave(), &RowId::new(&id))
}

fn document(markers: usize) -> GameDoc {
    let mut doc = GameDoc::create(&GameSessionId::new("game"));
    let mut edits = vec![Edit::Create {
        row: RowRef::Scene(cave()),
        values: vec![],
    }];
    edits.extend((0..markers).map(|index| Edit::Create {
        row: marker_row(index),
        values: vec![
            Assignment::new(marker::POSITION_X, (index % 100) as f64 * 10.5),
            Assignment::new(marker::POSITION_Y, (index / 100) as f64 * 10.5),
            Assignment::new(marker::VISIBILITY, 0i64),
        ],
    }));
    assert!(doc.apply(&edits, ORIGIN).dropped.is_empty());
    doc
}

fn documents(c: &mut Criterion) {
    for markers in [500, 5_000] {
        let mut doc = document(markers);
        let bytes = doc.replica().encode_snapshot();
        c.bench_function(&format!("open/{markers} markers"), |b| {
            b.iter(|| GameDoc::open(doc.id(), [black_box(bytes.as_slice())]).unwrap());
        });
        c.bench_function(&format!("read/{markers} markers"), |b| {
            b.iter(|| doc.rows(&cave(), black_box(RowKind::Marker)));
        });
        c.bench_function(&format!("derive all/{markers} markers"), |b| {
            b.iter_batched(
                || SceneDeriver::new(cave()),
                |mut deriver| deriver.derive(&doc, &NoPictures).unwrap(),
                BatchSize::SmallInput,
            );
        });
        let mut deriver = SceneDeriver::new(cave());
        let scene = deriver.derive(&doc, &NoPictures).unwrap();
        c.bench_function(&format!("for players/{markers} markers"), |b| {
            b.iter(|| PlayerScene::of(black_box(&scene)));
        });
        doc.replica_mut().take_dirty();
        let mut x = 0.0;
        c.bench_function(&format!("move one and derive/{markers} markers"), |b| {
            b.iter(|| {
                x += 1.0;
                doc.apply(
                    &[Edit::Set {
                        row: marker_row(markers / 2),
                        values: vec![Assignment::new(marker::POSITION_X, x)],
                    }],
                    ORIGIN,
                );
                doc.replica_mut().take_updates();
                let dirty = doc.replica_mut().take_dirty().scene(&cave()).unwrap();
                deriver.update(&doc, &NoPictures, &dirty).unwrap()
            });
        });
    }
}

criterion_group!(benches, documents);
criterion_main!(benches);
