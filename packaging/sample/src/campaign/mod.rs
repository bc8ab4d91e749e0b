//! The campaign: its party, its game session and the archive that holds them.
//!
//! Documents are made through the app's own document room, never by hand.

pub mod note;
pub mod sketch;
pub mod stories;

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use anyhow::{Context, Result, ensure};
use glam::Vec2;
use tableglow::doc::write::Applied;
use tableglow::doc::{GameDoc, Origin, PartyDoc};
use tableglow::library::archive::Limits;
use tableglow::library::archive::read::Archive;
use tableglow::library::archive::write::{Contents, GameContents, PartyContents, PictureFile};
use tableglow::library::pictures::PictureUse;
use tableglow::model::edit::{Assignment, Edit, RowRef};
use tableglow::model::id::{GameSessionId, PartyId, PictureHash};
use tableglow::model::party::{self, PartyDefaults};
use tableglow::model::property::RowKind;
use tableglow::model::stroke::MaskTarget;

use self::sketch::{Pictures, Shown, stable_id};

/// Name of the party.
pub const PARTY: &str = "The Lantern Company";
/// Name of its game session.
pub const GAME: &str = "The Sunken Crypt and other stories";

/// A picture of the campaign: its name, its use and the bytes of its file.
pub struct NamedPicture {
    /// Name without extension, as the stories call it.
    pub name: &'static str,
    /// Name of the file.
    pub file_name: String,
    /// Map or token.
    pub used_as: PictureUse,
    /// The file.
    pub bytes: Vec<u8>,
}

/// Puts the campaign together. Where `before`, an archive made earlier, holds documents that say
/// the same, their bytes are kept: a document holds random replica ids, so a new one differs even
/// when nothing in it does.
pub fn assemble(pictures: Vec<NamedPicture>, before: Option<impl Read + Seek>) -> Result<Contents> {
    let mut contents = Contents::default();
    let mut shown_by_name = BTreeMap::new();
    for picture in pictures {
        let mut shown = None;
        contents.add_picture(
            |hash, info| {
                let key = picture
                    .used_as
                    .location(&PictureHash::new(hash), info.format);
                let size_px = Vec2::new(info.width as f32, info.height as f32);
                shown = Some(Shown {
                    key: key.clone(),
                    size_px,
                });
                key
            },
            &picture.file_name,
            PictureFile::Bytes(picture.bytes),
        )?;
        shown_by_name.insert(picture.name, shown);
    }
    let pictures = |name: &str| shown_by_name.get(name).cloned().flatten();

    let party_id = PartyId::new(&stable_id("party"));
    let game_id = GameSessionId::new(&stable_id("game"));
    let (mut game, scenes) = game_document(&game_id, &pictures)?;
    let mut party = party_document(&party_id, scenes.first().map_or("", String::as_str))?;
    if let Some(source) = before {
        let (old_party, old_game) = documents_of(source)?;
        if let Some(old) = old_game.filter(|old| same_game(&game_id, old, &game)) {
            game = old;
        }
        if let Some(old) = old_party.filter(|old| same_party(old, &party)) {
            party = old;
        }
    }
    contents.add_party(PartyContents {
        id: party_id,
        name: PARTY.to_owned(),
        defaults: PartyDefaults::default(),
        document: Some(party),
        games: vec![GameContents {
            id: game_id,
            name: GAME.to_owned(),
            document: Some(game),
            scenes: scenes.len() as u32,
        }],
    });
    Ok(contents)
}

fn carried_out(applied: &Applied) -> Result<()> {
    ensure!(
        applied.dropped.is_empty(),
        "edits of the campaign were refused: {:?}",
        applied.dropped
    );
    Ok(())
}

/// The game session's document, and the ids of its scenes.
fn game_document(id: &GameSessionId, pictures: Pictures<'_>) -> Result<(Vec<u8>, Vec<String>)> {
    let mut doc = GameDoc::create(id);
    let mut scenes = Vec::new();
    for sketch in [
        stories::sunken_crypt(pictures),
        stories::hexwild(pictures),
        stories::lantern_alley(pictures),
        stories::long_road(pictures),
    ] {
        scenes.push(sketch.scene.to_string());
        carried_out(&doc.apply(&sketch.into_edits(), Origin::Local(0)))?;
    }
    Ok((doc.replica().encode_snapshot(), scenes))
}

fn party_document(id: &PartyId, active_scene: &str) -> Result<Vec<u8>> {
    let mut doc = PartyDoc::create(id);
    let show = Edit::Set {
        row: RowRef::Party,
        values: vec![Assignment::new(party::ACTIVE_SCENE_ID, active_scene)],
    };
    carried_out(&doc.apply(&[show], Origin::Local(0)))?;
    Ok(doc.replica().encode_snapshot())
}

/// A document's update, where the archive has it.
type Document = Option<Vec<u8>>;

/// The documents of an archive's first party and its first game session.
fn documents_of(source: impl Read + Seek) -> Result<(Document, Document)> {
    let mut archive = Archive::open(source, Limits::default())?;
    let party = archive
        .manifest()
        .parties
        .first()
        .cloned()
        .context("the archive has no party")?;
    let mut document = |hash: Option<&String>| hash.map(|hash| archive.document(hash)).transpose();
    let own = document(party.document.as_ref())?;
    let game = document(party.games.first().and_then(|game| game.document.as_ref()))?;
    Ok((own, game))
}

fn same_party(a: &[u8], b: &[u8]) -> bool {
    match (
        tableglow::doc::json::update_json(a),
        tableglow::doc::json::update_json(b),
    ) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}

/// Whether two documents hold the same rows and the same strokes.
fn same_game(id: &GameSessionId, a: &[u8], b: &[u8]) -> bool {
    let (Ok(a), Ok(b)) = (GameDoc::open(id, [a]), GameDoc::open(id, [b])) else {
        return false;
    };
    let strokes = |doc: &GameDoc| -> Vec<_> {
        doc.scene_ids()
            .iter()
            .flat_map(|scene| {
                let layers = doc.rows(scene, RowKind::Annotation).into_iter();
                let targets = layers
                    .map(|(row, _)| MaskTarget::Annotation(row))
                    .chain([MaskTarget::Fog]);
                targets
                    .flat_map(|target| doc.strokes(scene, &target).strokes)
                    .map(|stroke| stroke.action)
                    .collect::<Vec<_>>()
            })
            .collect()
    };
    tableglow::doc::json::game_json(&a) == tableglow::doc::json::game_json(&b)
        && strokes(&a) == strokes(&b)
}
