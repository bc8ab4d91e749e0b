//! What each scene of a document holds, as a number: whether two copies hold the same.
//!
//! Content only: what a document went through to get there, and the pictures that we write for web
//! clients beside our strokes, make no difference. The numbers are kept between runs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use yrs::{Any, Map as _, Out, ReadTxn};

use super::document::{GameDoc, OURS, SCENES};
use super::keys;
use super::raw::{Raw, number_from_any};
use crate::model::id::SceneId;
use crate::model::scene;

/// The shared masks, and what our projection of one is named.
const FOG_MASK: &str = "fogMask";
const ANNOTATIONS: &str = "annotations";
const LAYER_MASK: &str = "mask";

/// What a scene holds, and its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SceneMark {
    /// Equal for equal content.
    pub digest: u64,
    /// Its name.
    pub name: Arc<str>,
}

impl GameDoc {
    /// The marks of all scenes, or of those of `only` that there are. Values that are shown and not
    /// written yet are not in them.
    #[must_use]
    pub fn scene_marks(&self, only: Option<&BTreeSet<SceneId>>) -> BTreeMap<SceneId, SceneMark> {
        let txn = self.replica.read();
        let wanted = |id: &SceneId| only.is_none_or(|only| only.contains(id));
        let mut ours = ours_by_scene(&txn, only);
        let Some(scenes) = txn.get_map(SCENES) else {
            return BTreeMap::new();
        };
        let maps = scenes.iter(&txn).filter_map(|(id, value)| match value {
            Out::YMap(map) => Some((SceneId::new(id), map)),
            _ => None,
        });
        maps.filter(|(id, _)| wanted(id))
            .map(|(id, map)| {
                let tree = Raw::of_map(&map, &txn);
                let mark = mark_of(&tree, &ours.remove(&id).unwrap_or_default());
                (id, mark)
            })
            .collect()
    }
}

type Ours = BTreeMap<String, Any>;

fn ours_by_scene<T: ReadTxn>(txn: &T, only: Option<&BTreeSet<SceneId>>) -> BTreeMap<SceneId, Ours> {
    // A game has tens of thousands of keys: most are passed over unread.
    let segments: Option<BTreeSet<_>> =
        only.map(|only| only.iter().map(|id| keys::encoded(id.as_str())).collect());
    let is_wanted = |key: &str| {
        let segment = keys::scene_segment(key);
        segment.is_some_and(|it| segments.as_ref().is_none_or(|all| all.contains(it)))
    };
    let mut found: BTreeMap<SceneId, Ours> = BTreeMap::new();
    for (key, value) in txn.get_map(OURS).iter().flat_map(|map| map.iter(txn)) {
        if let (true, Out::Any(any)) = (is_wanted(key), value)
            && let Some(parsed) = keys::parse(key)
        {
            found
                .entry(parsed.scene)
                .or_default()
                .insert(key.to_owned(), any);
        }
    }
    found
}

fn mark_of(tree: &Raw, ours: &Ours) -> SceneMark {
    let settings = tree.get("settings");
    let name = settings.and_then(|settings| settings.plain(scene::NAME.property().key));
    let name = match name {
        Some(Any::String(name)) => Arc::clone(name),
        _ => "".into(),
    };
    let projected: Vec<&Any> = ours
        .iter()
        .filter(|(key, _)| is_projected(key))
        .map(|(_, value)| value)
        .collect();
    let mut sum = Sum(Sha256::new());
    sum.tree(tree, &[], &projected);
    for (key, value) in ours.iter().filter(|(key, _)| !is_projected(key)) {
        sum.text(key);
        sum.any(value);
    }
    SceneMark {
        digest: sum.end(),
        name,
    }
}

fn is_projected(key: &str) -> bool {
    let rest = key.strip_prefix(keys::PROJECTED);
    rest.is_some_and(|rest| rest.starts_with('/'))
}

struct Sum(Sha256);

impl Sum {
    fn tree(&mut self, raw: &Raw, path: &[&str], projected: &[&Any]) {
        match raw {
            Raw::Plain(any) => self.any(any),
            Raw::Map(entries) => {
                self.0.update([1]);
                for (key, value) in entries {
                    let path = [path, &[&**key]].concat();
                    if is_no_content(&path, value, projected) {
                        continue;
                    }
                    self.text(key);
                    self.tree(value, &path, projected);
                }
                self.0.update([0]);
            }
        }
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    fn any(&mut self, any: &Any) {
        match any {
            Any::Undefined | Any::Null => self.0.update([2]),
            Any::Bool(on) => self.0.update([3, u8::from(*on)]),
            Any::Number(number) => {
                self.0.update([4]);
                // Adding nothing makes one zero of the two.
                let number = number_from_any(*number) + 0.0;
                self.0.update(number.to_le_bytes());
            }
            Any::String(text) => {
                self.0.update([5]);
                self.text(text);
            }
            Any::Buffer(bytes) => {
                self.0.update([6]);
                self.bytes(bytes);
            }
            Any::Array(items) => {
                self.0.update([7]);
                for item in items.iter() {
                    self.any(item);
                }
                self.0.update([0]);
            }
            Any::Map(entries) => {
                self.0.update([8]);
                let sorted: BTreeMap<_, _> = entries.iter().collect();
                for (key, value) in sorted {
                    self.text(key);
                    self.any(value);
                }
                self.0.update([0]);
            }
        }
    }

    fn end(self) -> u64 {
        let digest = self.0.finalize();
        let first = digest.iter().take(8);
        first.fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}

/// A mask that is not there, or that is only what our strokes look like.
fn is_no_content(path: &[&str], value: &Raw, projected: &[&Any]) -> bool {
    let is_mask = match path {
        [key] => *key == FOG_MASK,
        [collection, _, key] => *collection == ANNOTATIONS && *key == LAYER_MASK,
        _ => false,
    };
    match value {
        Raw::Plain(any) if is_mask => {
            matches!(any, Any::Null | Any::Undefined) || projected.contains(&any)
        }
        _ => false,
    }
}
