//! Whose thumbnail is drawn next: the edited scene's when it has rested, then, while the user's hands
//! rest, those of the other scenes that are missing or stale, one after the other.
//!
//! Decides only; [`super::painter`] draws. Must not know egui or the renderer.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::model::id::SceneId;
use crate::scene::snapshot::SceneSnapshot;
use crate::session::api::{Published, SceneEntry};
use crate::util::revision::Revision;

/// A scene that is worked on rests this long before its thumbnail is drawn again, seconds.
const REST_SECS: f64 = 3.0;
/// Hands rest this long before a thumbnail is drawn that nobody waits for, seconds.
const QUIET_SECS: f64 = 0.7;
/// How often a thumbnail is tried whose pictures do not come.
const TRIES: u32 = 15;

/// What to do now.
#[derive(Debug, Clone)]
pub enum Next {
    /// Nothing, until something is published or drawn.
    Nothing,
    /// Ask again after this time.
    Wait(Duration),
    /// Have the session publish this scene, or none any more.
    Peek(Option<SceneId>),
    /// Draw this one; it is not asked for again until it changes.
    Draw(Arc<SceneSnapshot>),
}

/// Who had a turn already.
#[derive(Debug, Default)]
pub struct Turns {
    /// The edited scene as it was seen last, and since when.
    seen: Option<(SceneId, Revision, f64)>,
    /// At which revision each scene was drawn, or found to be empty.
    done: HashMap<SceneId, Revision>,
    /// How often each was put back.
    tries: HashMap<SceneId, u32>,
    peeking: Option<SceneId>,
    last_input: f64,
}

impl Turns {
    /// What to do now. `now` in seconds of a clock that only grows; `input`: the user is doing
    /// something; `drawing`: a thumbnail is being drawn.
    pub fn next(&mut self, published: &Published, now: f64, input: bool, drawing: bool) -> Next {
        if input {
            self.last_input = now;
        }
        if drawing || !published.library.writable {
            return Next::Nothing;
        }
        if self.done.len() > published.scenes.len() {
            self.done
                .retain(|id, _| published.scenes.iter().any(|entry| entry.id == *id));
        }
        let edited = published.editing.as_ref();
        if let Some(next) = edited.and_then(|scene| self.edited(published, scene, now)) {
            return next;
        }
        let others: Vec<&SceneEntry> = published
            .scenes
            .iter()
            .filter(|entry| edited.is_none_or(|scene| scene.id != entry.id))
            .collect();
        for entry in others {
            if self.is_due(entry)
                && let Some(next) = self.other(published, entry, now)
            {
                return next;
            }
        }
        match self.peeking.take() {
            Some(_) => Next::Peek(None),
            None => Next::Nothing,
        }
    }

    /// It could not be drawn now: it gets another turn, but not for ever.
    pub fn put_back(&mut self, scene: &SceneId) {
        let tries = self.tries.entry(scene.clone()).or_default();
        *tries += 1;
        if *tries < TRIES {
            self.done.remove(scene);
        }
    }

    fn is_due(&self, entry: &SceneEntry) -> bool {
        is_stale(entry) && self.done.get(&entry.id) != Some(&entry.revision)
    }

    fn edited(
        &mut self,
        published: &Published,
        scene: &Arc<SceneSnapshot>,
        now: f64,
    ) -> Option<Next> {
        let entry = published
            .scenes
            .iter()
            .find(|entry| entry.id == scene.id)
            .filter(|entry| self.is_due(entry))?;
        let since = match &self.seen {
            Some((id, revision, since)) if *id == scene.id && *revision == scene.revision => *since,
            _ => {
                self.seen = Some((scene.id.clone(), scene.revision, now));
                now
            }
        };
        let rest = if entry.thumbnail.is_some() {
            REST_SECS
        } else {
            QUIET_SECS
        };
        wait(rest - (now - since)).or_else(|| self.turn(entry, scene))
    }

    fn other(&mut self, published: &Published, entry: &SceneEntry, now: f64) -> Option<Next> {
        if let Some(wait) = wait(QUIET_SECS - (now - self.last_input)) {
            return Some(wait);
        }
        match &published.peeked {
            Some(scene) if scene.id == entry.id => self.turn(entry, scene),
            _ if self.peeking.as_ref() == Some(&entry.id) => Some(Next::Nothing),
            _ => {
                self.peeking = Some(entry.id.clone());
                Some(Next::Peek(Some(entry.id.clone())))
            }
        }
    }

    /// Its turn; `None` when there is nothing to see in it.
    fn turn(&mut self, entry: &SceneEntry, scene: &Arc<SceneSnapshot>) -> Option<Next> {
        self.done.insert(entry.id.clone(), entry.revision);
        let empty = scene.map.is_none() && scene.markers.is_empty() && scene.annotations.is_empty();
        (!empty).then(|| Next::Draw(Arc::clone(scene)))
    }
}

/// Missing, or of a time before the last change. One of an earlier run shows what is there until
/// something changes.
fn is_stale(entry: &SceneEntry) -> bool {
    if entry.thumbnail.is_none() {
        return true;
    }
    entry.revision > entry.thumbnail_shows.unwrap_or_default()
}

fn wait(left_secs: f64) -> Option<Next> {
    let left = Duration::try_from_secs_f64(left_secs).ok()?;
    (!left.is_zero()).then_some(Next::Wait(left))
}

#[cfg(test)]
#[expect(clippy::panic, reason = "tests")]
mod tests {
    use super::super::tests::{snapshot, table_ready};
    use super::*;

    /// Three scenes without thumbnails, the first of them edited.
    struct Stage {
        published: Published,
        turns: Turns,
        now: f64,
    }

    impl Stage {
        fn new() -> Self {
            Self {
                published: table_ready(),
                turns: Turns::default(),
                now: 100.0,
            }
        }

        fn next(&mut self) -> Next {
            self.turns.next(&self.published, self.now, false, false)
        }

        /// Lets time pass until something is to be drawn; the session answers at once.
        fn next_drawn(&mut self) -> Option<String> {
            for _ in 0..20 {
                match self.next() {
                    Next::Nothing => return None,
                    Next::Wait(left) => self.now += left.as_secs_f64() + 0.001,
                    Next::Peek(scene) => {
                        self.published.peeked =
                            scene.map(|id| Arc::new(snapshot(id.as_str(), &[])));
                    }
                    Next::Draw(scene) => {
                        let id = scene.id.as_str().to_owned();
                        self.change(&id, |entry| {
                            entry.thumbnail = Some(Arc::default());
                            entry.thumbnail_shows = Some(Revision::next());
                        });
                        return Some(id);
                    }
                }
            }
            panic!("it never rests");
        }

        fn change(&mut self, id: &str, change: impl FnOnce(&mut SceneEntry)) {
            let mut scenes = self.published.scenes.to_vec();
            let Some(entry) = scenes.iter_mut().find(|entry| entry.id.as_str() == id) else {
                panic!("{id}");
            };
            change(entry);
            self.published.scenes = scenes.into();
        }
    }

    const HALL: &str = "The hall of the seventeen whispering kings";

    #[test]
    fn every_scene_gets_its_thumbnail_and_then_nothing_is_asked_any_more() {
        let mut stage = Stage::new();
        let drawn: Vec<_> = std::iter::from_fn(|| stage.next_drawn()).collect();
        assert_eq!(drawn, ["Crypt", HALL, "Cave"]);
        assert!(stage.published.peeked.is_none(), "what was peeked at stays");
        assert!(matches!(stage.next(), Next::Nothing));
    }

    #[test]
    fn a_changed_scene_is_drawn_again_when_it_has_rested() {
        let mut stage = Stage::new();
        while stage.next_drawn().is_some() {}
        stage.change("Cave", |entry| entry.revision = Revision::next());
        assert_eq!(stage.next_drawn().as_deref(), Some("Cave"));
        stage.change("Crypt", |entry| entry.revision = Revision::next());
        stage.published.editing = Some(Arc::new(snapshot("Crypt", &[])));
        let Next::Wait(left) = stage.next() else {
            panic!("it must rest first");
        };
        assert!(left.as_secs_f64() > 2.0, "{left:?}");
        assert_eq!(stage.next_drawn().as_deref(), Some("Crypt"));
    }

    #[test]
    fn a_thumbnail_of_an_earlier_run_is_good_until_something_changes() {
        let mut stage = Stage::new();
        for id in ["Crypt", HALL, "Cave"] {
            stage.change(id, |entry| entry.thumbnail = Some(Arc::default()));
        }
        assert_eq!(stage.next_drawn(), None);
        stage.change("Crypt", |entry| entry.revision = Revision::next());
        assert_eq!(stage.next_drawn().as_deref(), Some("Crypt"));
    }

    #[test]
    fn nothing_is_drawn_while_hands_are_at_work_or_a_picture_is_being_drawn() {
        let mut stage = Stage::new();
        assert_eq!(stage.next_drawn().as_deref(), Some("Crypt"));
        let busy = stage.turns.next(&stage.published, stage.now, true, false);
        assert!(matches!(busy, Next::Wait(_)), "{busy:?}");
        stage.now += 10.0;
        let drawing = stage.turns.next(&stage.published, stage.now, false, true);
        assert!(matches!(drawing, Next::Nothing), "{drawing:?}");
    }

    #[test]
    fn a_scene_whose_pictures_are_late_is_tried_again_but_not_for_ever() {
        let mut stage = Stage::new();
        let mut tries = 0;
        loop {
            let before = stage.published.scenes.clone();
            match stage.next_drawn().as_deref() {
                Some("Cave") => {
                    tries += 1;
                    assert!(tries < 100, "it never gives up");
                    stage.published.scenes = before;
                    stage.turns.put_back(&SceneId::new("Cave"));
                }
                Some(_) => {}
                None => break,
            }
        }
        assert_eq!(tries, TRIES);
    }

    #[test]
    fn an_empty_scene_is_passed_over_once() {
        let mut stage = Stage::new();
        let mut empty = snapshot("Crypt", &[]);
        empty.map.value = None;
        stage.published.editing = Some(Arc::new(empty));
        assert_eq!(stage.next_drawn().as_deref(), Some(HALL));
    }

    #[test]
    fn a_library_that_cannot_be_written_gets_none() {
        let mut stage = Stage::new();
        let mut library = (*stage.published.library).clone();
        library.writable = false;
        stage.published.library = Arc::new(library);
        assert_eq!(stage.next_drawn(), None);
    }
}
