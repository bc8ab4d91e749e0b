//! The committed archive opens and holds what the first start promises.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::fs::File;
use std::io::BufReader;

use tableglow::doc::{GameDoc, PartyDoc};
use tableglow::library::archive::{Limits, PictureRecord, read::Archive};
use tableglow::model::id::{GameSessionId, SceneId};
use tableglow::model::property::RowKind;
use tableglow::model::row::Row;
use tableglow::model::stroke::MaskTarget;
use tableglow::model::{annotation, marker, party, scene};

const ARCHIVE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/sample.tableglow");

struct Campaign {
    game: GameDoc,
    party: PartyDoc,
    pictures: Vec<PictureRecord>,
}

fn campaign() -> Campaign {
    let file = BufReader::new(File::open(ARCHIVE).unwrap());
    let mut archive = Archive::open(file, Limits::default()).unwrap();
    assert!(archive.strangers().is_empty());
    let manifest = archive.manifest().clone();
    let [record] = &manifest.parties[..] else {
        panic!("one party")
    };
    let [game] = &record.games[..] else {
        panic!("one game session")
    };
    let document = archive.document(game.document.as_deref().unwrap()).unwrap();
    let mut doc = GameDoc::open(&GameSessionId::new(&game.id), [document.as_slice()]).unwrap();
    assert_eq!(doc.take_reports(), []);
    let own = archive
        .document(record.document.as_deref().unwrap())
        .unwrap();
    Campaign {
        game: doc,
        party: PartyDoc::open([own.as_slice()]).unwrap(),
        pictures: manifest.pictures,
    }
}

impl Campaign {
    fn settings(&self, id: &SceneId) -> Row {
        self.game.scene_row(id).unwrap()
    }

    fn picture(&self, location: &str) -> &PictureRecord {
        let known = |p: &&PictureRecord| p.locations.iter().any(|l| l == location);
        self.pictures.iter().find(known).unwrap()
    }

    fn map(&self, settings: &Row) -> &PictureRecord {
        self.picture(&settings.get(scene::MAP_LOCATION).unwrap())
    }
}

#[test]
fn four_scenes_each_with_fog_markers_drawings_and_notes() {
    let campaign = campaign();
    let scenes = campaign.game.scene_ids();
    assert!(scenes.len() >= 4);
    for id in &scenes {
        let fog = campaign.game.strokes(id, &MaskTarget::Fog);
        assert!(fog.strokes.len() >= 2, "partly revealed");
        let markers = campaign.game.rows(id, RowKind::Marker);
        assert!(markers.len() >= 8);
        let noted = markers
            .iter()
            .filter(|(_, row)| row.get(marker::NOTE).is_some());
        assert!(noted.count() >= 4);
        let hidden = |(_, row): &&(_, Row)| row.get(marker::VISIBILITY) == marker::VISIBLE_TO_DM;
        assert!(
            markers.iter().any(|m| hidden(&m)),
            "something only the DM sees"
        );
        for (_, row) in &markers {
            if let Some(location) = row.get(marker::IMAGE_LOCATION) {
                campaign.picture(&location);
            }
        }
        let drawings = campaign.game.rows(id, RowKind::Annotation);
        assert!(
            drawings
                .iter()
                .any(|(_, row)| row.get(annotation::VISIBILITY) == annotation::VISIBLE_TO_EVERYONE)
        );
        for (row, _) in drawings {
            let ink = campaign.game.strokes(id, &MaskTarget::Annotation(row));
            assert!(!ink.strokes.is_empty());
        }
    }
    let active = campaign.party.state().get(party::ACTIVE_SCENE_ID);
    assert_eq!(active.as_deref(), scenes.first().map(SceneId::as_str));
}

#[test]
fn grids_fall_on_the_painted_cells() {
    let campaign = campaign();
    let (mut squares, mut hexes, mut most_columns) = (0, 0, 0);
    for id in campaign.game.scene_ids() {
        let settings = campaign.settings(&id);
        let map = campaign.map(&settings);
        if settings.get(scene::GRID_MODE) == scene::GRID_MODE_MAP_DEFINED {
            let columns = u32::try_from(settings.get(scene::GRID_MAP_DEFINED_X).unwrap()).unwrap();
            let rows = u32::try_from(settings.get(scene::GRID_MAP_DEFINED_Y).unwrap()).unwrap();
            assert_eq!((map.width % columns, map.height % rows), (0, 0));
            assert_eq!(map.width / columns, map.height / rows, "square cells");
            most_columns = most_columns.max(columns);
        } else {
            // Painted for the whole table, whose grid starts in its middle.
            let zoom = settings.get(scene::MAP_ZOOM);
            let shown = [map.width, map.height].map(|side| f64::from(side) * zoom);
            assert_eq!(shown, [1920.0, 1080.0]);
            assert_eq!(settings.get(scene::MAP_OFFSET_X), 0.0);
        }
        match settings.get(scene::GRID_TYPE) {
            scene::GRID_TYPE_HEX => hexes += 1,
            _ => squares += 1,
        }
    }
    assert!(squares > 0 && hexes > 0);
    assert!(most_columns >= 100, "one large map");
}

#[test]
fn it_is_small_enough_to_travel_in_the_program() {
    let bytes = std::fs::metadata(ARCHIVE).unwrap().len();
    assert!(bytes < 15 << 20, "{bytes} bytes");
}
