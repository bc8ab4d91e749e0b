//! The flat keys of our own root map (the list is in [`super`]).
//!
//! A `/` or `%` inside an id is percent-encoded, so that no id can pose as another key.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::model::edit::RowRef;
use crate::model::id::{RowId, SceneId};
use crate::model::property::RowKind;
use crate::model::stroke::MaskTarget;

pub(super) const WALL: &str = "wall";
pub(super) const DOOR: &str = "door";
pub(super) const STROKE: &str = "stroke";
pub(super) const VOID: &str = "void";
pub(super) const BASE: &str = "base";
pub(super) const PROJECTED: &str = "projected";
/// How the fog of war is named where a drawing layer would have its id.
pub(super) const FOG: &str = "fog";

/// The word that stands for a kind of row in our keys.
pub(super) const fn word(kind: RowKind) -> &'static str {
    match kind {
        RowKind::Scene => "setting",
        RowKind::Marker => "marker",
        RowKind::Light => "light",
        RowKind::Annotation => "annotation",
        RowKind::Party => "party",
    }
}

/// The second segment of a key, as it is written: the scene's id, encoded.
pub(super) fn scene_segment(key: &str) -> Option<&str> {
    key.split('/').nth(1)
}

pub(super) fn encoded(id: &str) -> Cow<'_, str> {
    if id.contains(['/', '%']) {
        Cow::Owned(id.replace('%', "%25").replace('/', "%2F"))
    } else {
        Cow::Borrowed(id)
    }
}

fn decoded(segment: &str) -> Cow<'_, str> {
    if segment.contains('%') {
        Cow::Owned(segment.replace("%2F", "/").replace("%25", "%"))
    } else {
        Cow::Borrowed(segment)
    }
}

/// The name of a mask in our keys.
pub(super) fn mask_name(target: &MaskTarget) -> Cow<'_, str> {
    match target {
        MaskTarget::Fog => Cow::Borrowed(FOG),
        MaskTarget::Annotation(id) => encoded(id.as_str()),
    }
}

/// The start of every key of one kind in one scene: `kind/scene/`.
pub(super) fn scene_prefix(kind: &str, scene: &SceneId) -> String {
    format!("{kind}/{}/", encoded(scene.as_str()))
}

/// Writes the start of a row's property keys into `key`, replacing what was there.
pub(super) fn write_row_prefix(key: &mut String, row: &RowRef) {
    key.clear();
    // Writing to a string cannot fail.
    let _ = match row {
        RowRef::Scene(scene) => {
            write!(key, "{}/{}/", word(RowKind::Scene), encoded(scene.as_str()))
        }
        RowRef::InScene { scene, kind, id } => write!(
            key,
            "{}/{}/{}/",
            word(*kind),
            encoded(scene.as_str()),
            encoded(id.as_str())
        ),
        RowRef::Party => write!(key, "{}/", word(RowKind::Party)),
    };
}

/// A property's key.
pub(super) fn property_key(row: &RowRef, property: &str) -> String {
    let mut key = String::new();
    write_row_prefix(&mut key, row);
    key.push_str(property);
    key
}

/// A wall's or door's key: `wall/scene/id`.
pub(super) fn structure_key(kind: &str, scene: &SceneId, id: &RowId) -> String {
    format!(
        "{kind}/{}/{}",
        encoded(scene.as_str()),
        encoded(id.as_str())
    )
}

/// The key of one thing of a mask: `base/scene/mask` or `projected/scene/mask`.
pub(super) fn mask_key(kind: &str, scene: &SceneId, target: &MaskTarget) -> String {
    format!("{kind}/{}/{}", encoded(scene.as_str()), mask_name(target))
}

/// A stroke's key, or that of the mark that takes it back: `stroke/scene/mask/n`.
pub(super) fn stroke_key(kind: &str, scene: &SceneId, target: &MaskTarget, id: &str) -> String {
    format!(
        "{kind}/{}/{}/{}",
        encoded(scene.as_str()),
        mask_name(target),
        encoded(id)
    )
}

/// What a key of ours is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parsed {
    /// The first segment.
    pub(super) kind: String,
    /// The second segment.
    pub(super) scene: SceneId,
    /// The segments after it, decoded.
    pub(super) rest: Vec<String>,
}

/// Takes a key apart; `None` for one that is not about a scene.
pub(super) fn parse(key: &str) -> Option<Parsed> {
    let mut segments = key.split('/');
    let kind = segments.next()?.to_owned();
    let scene = SceneId::new(&decoded(segments.next()?));
    let rest: Vec<String> = segments.map(|part| decoded(part).into_owned()).collect();
    (!rest.is_empty()).then_some(Parsed { kind, scene, rest })
}

impl Parsed {
    /// The same key for other ids.
    pub(super) fn to_key(&self) -> String {
        let mut key = format!("{}/{}", self.kind, encoded(self.scene.as_str()));
        for part in &self.rest {
            key.push('/');
            key.push_str(&encoded(part));
        }
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_with_slashes_stay_one_segment() {
        let scene = SceneId::new("a/b%2F");
        let key = structure_key(WALL, &scene, &RowId::new("c/d"));
        let parsed = parse(&key).unwrap_or_else(|| unreachable!("has three segments"));
        assert_eq!(parsed.scene, scene);
        assert_eq!(parsed.rest, ["c/d"]);
        assert_eq!(parsed.to_key(), key);
    }

    #[test]
    fn keys_read_as_documented() {
        let scene = SceneId::new("s");
        let marker = RowRef::marker(&scene, &RowId::new("m"));
        assert_eq!(property_key(&marker, "locked"), "marker/s/m/locked");
        assert_eq!(
            property_key(&RowRef::Scene(scene.clone()), "hexFlatTop"),
            "setting/s/hexFlatTop"
        );
        assert_eq!(
            stroke_key(VOID, &scene, &MaskTarget::Fog, "1f.2"),
            "void/s/fog/1f.2"
        );
    }
}
