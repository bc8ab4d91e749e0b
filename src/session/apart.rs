//! What changed on which side while a game and its room were apart.
//!
//! The report is about content, not about what was sent: a scene changed *here* when it is not what
//! both had when they last held the same, and *there* when what the room brought made it something
//! else. So nothing is told that did not happen; what lost against a change of the same value on the
//! other side is told to whoever made it. Documents merge whatever this says.
//!
//! Must not know connections or stores: its caller says when there is a room. Called by
//! [`super::workspace`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::doc::GameDoc;
use crate::doc::digest::SceneMark;
use crate::doc::dirty::Dirty;
use crate::library::agreed::AgreedScene;
use crate::model::id::SceneId;
use crate::util::date::local_minute;

/// How often what both hold is noted while they are together.
const SETTLE: Duration = Duration::from_secs(2);
/// Who was apart for less is not interrupted to be told.
const WORTH_A_WORD: Duration = Duration::from_secs(10);

/// What became of a scene on one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// Nothing.
    Same,
    /// It is another one than before.
    Changed,
    /// It was made.
    Added,
    /// It was deleted.
    Deleted,
    /// It is not known what both had before.
    Unknown,
}

/// A scene that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApartScene {
    /// The scene.
    pub id: SceneId,
    /// Its name.
    pub name: Arc<str>,
    /// What became of it here.
    pub here: Side,
    /// What became of it in the room.
    pub there: Side,
    /// When it was changed here last, milliseconds since 1970 UTC, if that is known.
    pub changed_here_unix_ms: Option<i64>,
}

/// What changed while a game and its room were apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApartReport {
    /// When both held the same last, if they ever did; milliseconds since 1970 UTC.
    pub since_unix_ms: Option<i64>,
    /// When they met again.
    pub met_unix_ms: i64,
    /// The scenes that are not what they were on one side or both, by id.
    pub scenes: Vec<ApartScene>,
    /// Worth a word: both sides changed, and not within a moment.
    pub is_told: bool,
}

impl ApartScene {
    /// One sentence: what happened, and what it came to.
    #[must_use]
    pub fn sentence(&self) -> String {
        let name = &self.name;
        let when = self.changed_here_unix_ms.map(local_minute);
        let when = when.map_or_else(String::new, |when| format!(" ({when})"));
        let what = match (self.here, self.there) {
            (Side::Same | Side::Unknown, Side::Added) => "was made there.".to_owned(),
            (Side::Same | Side::Unknown, Side::Deleted) => {
                "was deleted there; it can be brought back.".to_owned()
            }
            (Side::Same, _) => "changed there.".to_owned(),
            (Side::Unknown, _) => "was not the same here and there; it holds both now.".to_owned(),
            (Side::Added, Side::Same) => format!("was made here{when}."),
            (Side::Deleted, Side::Added | Side::Changed) => {
                "was deleted here and made again there.".to_owned()
            }
            (Side::Deleted, _) => format!("was deleted here{when}."),
            (_, Side::Same) => format!("changed here{when}."),
            (_, Side::Deleted) => format!(
                "changed here{when} and was deleted there: it is gone, and can be brought back."
            ),
            (_, _) => format!("changed here{when} and there; it holds both now."),
        };
        format!("\u{201c}{name}\u{201d} {what}")
    }
}

type Marks = BTreeMap<SceneId, SceneMark>;

/// How a game stands with its room.
#[derive(Debug, Default)]
pub(super) struct Apart {
    /// What both had, as it was noted last.
    agreed: BTreeMap<SceneId, AgreedScene>,
    /// They ever held the same.
    has_agreed: bool,
    /// What the document holds, but for the scenes in `stale`.
    marks: Option<Marks>,
    stale: BTreeSet<SceneId>,
    /// Scenes of which more was seen than is noted in `agreed`.
    touched: BTreeSet<SceneId>,
    /// Those of them that were changed here and that the room may not have yet.
    unsent: BTreeSet<SceneId>,
    is_together: bool,
    /// When the connection was lost in this run.
    lost: Option<Duration>,
    /// What the document held before the room brought anything.
    before: Option<Marks>,
    settled: Duration,
    /// Scenes whose part of `agreed` is to be stored.
    unstored: BTreeSet<SceneId>,
    report: Option<Arc<ApartReport>>,
}

/// The state of the connection after it was looked after.
#[derive(Debug, Clone, Copy)]
pub(super) struct Contact {
    /// Everything that the room had is here.
    pub(super) is_live: bool,
    /// The room has everything that was made here.
    pub(super) has_all: bool,
}

/// Rows to store: scenes as both had them, and scenes that are to be forgotten.
pub(super) type Unstored = (Vec<AgreedScene>, Vec<SceneId>);

impl Apart {
    /// What was stored of it.
    pub(super) fn load(agreed: Vec<AgreedScene>) -> Self {
        Self {
            has_agreed: !agreed.is_empty(),
            agreed: agreed
                .into_iter()
                .map(|scene| (scene.id.clone(), scene))
                .collect(),
            ..Self::default()
        }
    }

    /// The document has changed: by what the room sent, or by anything else.
    pub(super) fn note(&mut self, doc: &GameDoc, dirty: &Dirty, by_room: bool, unix_ms: i64) {
        let mut changed: BTreeSet<SceneId> = dirty.scenes.keys().cloned().collect();
        if dirty.everything {
            changed.extend(doc.scene_ids());
            changed.extend(self.agreed.keys().cloned());
        }
        for scene in changed {
            self.stale.insert(scene.clone());
            if !by_room {
                self.unsent.insert(scene.clone());
                if let Some(agreed) = self.agreed.get_mut(&scene).filter(|_| !self.is_together) {
                    agreed.changed_unix_ms = Some(unix_ms);
                    self.unstored.insert(scene.clone());
                }
                if self.before.is_some() {
                    // Between the connection and its first word.
                    self.refresh(doc);
                    let now = self.marks.as_ref().and_then(|marks| marks.get(&scene));
                    let now = now.cloned();
                    if let Some(before) = &mut self.before {
                        put(before, &scene, now);
                    }
                }
            }
            self.touched.insert(scene);
        }
    }

    /// The room may say something next.
    pub(super) fn listen(&mut self, doc: &GameDoc) {
        if !self.is_together && self.before.is_none() {
            self.refresh(doc);
            self.before.clone_from(&self.marks);
        }
    }

    /// What the room had to say was taken in. The report, when they have just met.
    pub(super) fn follow(
        &mut self,
        doc: &GameDoc,
        contact: Contact,
        now: Duration,
        unix_ms: i64,
    ) -> Option<Arc<ApartReport>> {
        match (self.is_together, contact.is_live) {
            (false, true) => {
                let report = self.meet(doc, now, unix_ms);
                self.settle_if_due(doc, contact, now, unix_ms);
                return report;
            }
            (true, false) => self.part(doc, now, unix_ms),
            (true, true) => self.settle_if_due(doc, contact, now, unix_ms),
            (false, false) => {}
        }
        None
    }

    fn refresh(&mut self, doc: &GameDoc) {
        match &mut self.marks {
            None => self.marks = Some(doc.scene_marks(None)),
            Some(marks) if !self.stale.is_empty() => {
                let mut fresh = doc.scene_marks(Some(&self.stale));
                for scene in &self.stale {
                    put(marks, scene, fresh.remove(scene));
                }
            }
            Some(_) => {}
        }
        self.stale.clear();
    }

    fn agree(&mut self, scene: &SceneId, unix_ms: i64) {
        let mark = self.marks.as_ref().and_then(|marks| marks.get(scene));
        let agreed = mark.map(|mark| AgreedScene {
            id: scene.clone(),
            mark: mark.clone(),
            agreed_unix_ms: unix_ms,
            changed_unix_ms: None,
        });
        put(&mut self.agreed, scene, agreed);
        self.has_agreed = true;
        self.unstored.insert(scene.clone());
    }

    fn meet(&mut self, doc: &GameDoc, now: Duration, unix_ms: i64) -> Option<Arc<ApartReport>> {
        self.is_together = true;
        self.settled = now;
        self.refresh(doc);
        let marks = self.marks.clone().unwrap_or_default();
        let before = self.before.take().unwrap_or_else(|| marks.clone());
        // Nothing was here: there is nothing that could have been apart.
        let is_first = !self.has_agreed && before.is_empty();
        let mut known: BTreeSet<SceneId> = self.agreed.keys().cloned().collect();
        known.extend(before.keys().chain(marks.keys()).cloned());
        let mut scenes = Vec::new();
        for id in known {
            let agreed = self.agreed.get(&id);
            let was = agreed.map(|agreed| &agreed.mark);
            let (mine, merged) = (before.get(&id), marks.get(&id));
            let here = if self.has_agreed {
                side(was, mine)
            } else {
                Side::Unknown
            };
            let there = side(mine, merged);
            if !matches!(here, Side::Same | Side::Unknown) {
                self.unsent.insert(id.clone());
                self.touched.insert(id.clone());
            }
            if there == Side::Same && matches!(here, Side::Same | Side::Unknown) {
                continue;
            }
            let Some(last) = merged.or(mine).or(was) else {
                continue;
            };
            scenes.push(ApartScene {
                name: Arc::clone(&last.name),
                here,
                there,
                changed_here_unix_ms: agreed.and_then(|agreed| agreed.changed_unix_ms),
                id,
            });
        }
        let since_unix_ms = self.agreed.values().map(|it| it.agreed_unix_ms).max();
        // What only the room changed is agreed upon; what was changed here, when the room has it.
        let agreed_now: Vec<SceneId> = if self.has_agreed {
            self.touched.difference(&self.unsent).cloned().collect()
        } else {
            marks.keys().cloned().collect()
        };
        for scene in &agreed_now {
            self.agree(scene, unix_ms);
            self.touched.remove(scene);
        }
        if is_first || scenes.is_empty() {
            return None;
        }
        let is_from_here = |it: &ApartScene| !matches!(it.here, Side::Same | Side::Unknown);
        let is_merged = |it: &ApartScene| (it.here, it.there) == (Side::Unknown, Side::Changed);
        let both = scenes.iter().any(is_merged)
            || (scenes.iter().any(is_from_here)
                && scenes.iter().any(|scene| scene.there != Side::Same));
        let lost = self.lost.take();
        let report = Arc::new(ApartReport {
            since_unix_ms,
            met_unix_ms: unix_ms,
            scenes,
            is_told: both && lost.is_none_or(|lost| now >= lost + WORTH_A_WORD),
        });
        self.report = Some(Arc::clone(&report));
        Some(report)
    }

    fn part(&mut self, doc: &GameDoc, now: Duration, unix_ms: i64) {
        self.is_together = false;
        self.lost = Some(now);
        self.refresh(doc);
        let agreed: Vec<SceneId> = self.touched.difference(&self.unsent).cloned().collect();
        for scene in agreed {
            self.agree(&scene, unix_ms);
            self.touched.remove(&scene);
        }
    }

    /// The connection is gone for good, or the document is closed.
    pub(super) fn leave(&mut self, doc: &GameDoc, now: Duration, unix_ms: i64) {
        if self.is_together {
            self.part(doc, now, unix_ms);
        }
        self.before = None;
    }

    fn settle_if_due(&mut self, doc: &GameDoc, contact: Contact, now: Duration, unix_ms: i64) {
        if !contact.has_all {
            return;
        }
        self.unsent.clear();
        if self.touched.is_empty() || now < self.settled + SETTLE {
            return;
        }
        self.settled = now;
        self.refresh(doc);
        for scene in std::mem::take(&mut self.touched) {
            self.agree(&scene, unix_ms);
        }
    }

    /// When there is something to note at the latest.
    pub(super) fn next_deadline(&self) -> Option<Duration> {
        let is_due = self.is_together && !self.touched.is_empty() && self.unsent.is_empty();
        is_due.then_some(self.settled + SETTLE)
    }

    /// What is to be stored, once.
    pub(super) fn take_unstored(&mut self) -> Option<Unstored> {
        if self.unstored.is_empty() {
            return None;
        }
        let mut rows = Unstored::default();
        for scene in std::mem::take(&mut self.unstored) {
            match self.agreed.get(&scene) {
                Some(agreed) => rows.0.push(agreed.clone()),
                None => rows.1.push(scene),
            }
        }
        Some(rows)
    }

    /// What was found when they last met.
    pub(super) fn report(&self) -> Option<Arc<ApartReport>> {
        self.report.clone()
    }
}

fn put<V>(map: &mut BTreeMap<SceneId, V>, key: &SceneId, value: Option<V>) {
    match value {
        Some(value) => {
            map.insert(key.clone(), value);
        }
        None => {
            map.remove(key);
        }
    }
}

fn side(before: Option<&SceneMark>, after: Option<&SceneMark>) -> Side {
    match (before, after) {
        (None, None) => Side::Same,
        (None, Some(_)) => Side::Added,
        (Some(_), None) => Side::Deleted,
        (Some(before), Some(after)) if before.digest == after.digest => Side::Same,
        (Some(_), Some(_)) => Side::Changed,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
