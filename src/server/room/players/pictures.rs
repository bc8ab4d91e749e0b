//! Pictures as the players' document names them: by what they hold, never by what they are called.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::geom::mask::Mask;
use crate::model::id::{PictureHash, SceneId};
use crate::model::scene::{CUT_MAPS, LOST_MAP, NO_MAP};
use crate::scene::picture::{PictureIndex, PictureInfo};

/// Sizes and hashes of the pictures that a document names, as far as they are known.
#[derive(Debug, Default)]
pub(super) struct Pictures {
    known: HashMap<String, Option<PictureInfo>>,
    /// Those that were looked for in vain; being asked again changes nothing about that.
    lost: BTreeSet<String>,
    wanted: Mutex<BTreeSet<String>>,
}

impl Pictures {
    /// Locations that were asked for and are not known.
    pub(super) fn take_wanted(&self) -> Vec<String> {
        std::mem::take(&mut *self.wanted.lock())
            .into_iter()
            .collect()
    }

    /// Asks again for what was not there.
    pub(super) fn forget_missing(&mut self) {
        self.known.retain(|_, found| found.is_some());
    }

    /// Notes what is behind a location; whether that is news.
    pub(super) fn learn(&mut self, location: &str, found: Option<PictureInfo>) -> bool {
        let is_other = self.known.get(location).cloned().flatten() != found;
        let is_newly_lost = match &found {
            Some(_) => {
                self.lost.remove(location);
                false
            }
            None => self.lost.insert(location.to_owned()),
        };
        self.known.insert(location.to_owned(), found);
        is_other || is_newly_lost
    }

    /// It was looked for, and was not there.
    pub(super) fn is_lost(&self, location: &str) -> bool {
        self.lost.contains(location)
    }
}

impl PictureIndex for Pictures {
    fn find(&self, location: &str) -> Option<PictureInfo> {
        if let Some(known) = self.known.get(location) {
            return known.clone();
        }
        self.wanted.lock().insert(location.to_owned());
        None
    }
}

/// A map that has to be cut out along its fog.
#[derive(Debug, Clone)]
pub struct CutWanted {
    /// Its scene.
    pub scene: SceneId,
    /// The whole picture.
    pub picture: PictureHash,
    /// What is covered; `None`: all of it.
    pub fog: Option<Arc<Mask>>,
}

impl CutWanted {
    /// It is of the same picture and the same fog.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let same_fog = match (&self.fog, &other.fog) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b) || a == b,
            (None, None) => true,
            _ => false,
        };
        self.picture == other.picture && same_fog
    }

    /// Nothing can be seen in it that may not be seen in `other`.
    pub(super) fn shows_no_more_than(&self, other: &Self) -> bool {
        self.picture == other.picture
            && match (&self.fog, &other.fog) {
                (None, _) => true,
                (Some(own), Some(other)) => {
                    let mut added = Mask::clone(other);
                    added.and_not(own).is_ok() && added.is_clear()
                }
                (Some(own), None) => {
                    let [width, height] = own.size_px();
                    own.count() == u64::from(width) * u64::from(height)
                }
            }
    }
}

/// The file of a map that was cut out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CutFile {
    /// Its SHA-256 in lower-case hex.
    pub hash: Arc<str>,
    /// The ending of its format.
    pub ending: &'static str,
}

/// The cut map of a scene.
#[derive(Debug, Default)]
pub(super) struct Cut {
    wanted: Option<CutWanted>,
    /// It has been handed out, and the answer has not come.
    is_under_way: bool,
    made: Option<(CutWanted, CutFile)>,
    /// It cannot be made.
    failed: Option<CutWanted>,
}

impl Cut {
    /// The map is this one now, under this fog: the location that players get.
    pub(super) fn look(&mut self, now: Option<CutWanted>) -> String {
        let Some(now) = now else {
            *self = Self::default();
            return NO_MAP.to_owned();
        };
        if let Some((made, _)) = &self.made
            && !made.shows_no_more_than(&now)
        {
            self.made = None;
        }
        let is_made = self
            .made
            .as_ref()
            .is_some_and(|(made, _)| made.is_same(&now));
        let is_hopeless = (self.failed.as_ref()).is_some_and(|failed| failed.is_same(&now));
        let is_known = (self.wanted.as_ref()).is_some_and(|wanted| wanted.is_same(&now));
        if is_made || is_hopeless {
            self.wanted = None;
        } else if !is_known {
            self.wanted = Some(now);
            self.is_under_way = false;
        }
        self.location()
    }

    pub(super) fn location(&self) -> String {
        match &self.made {
            Some((_, file)) => format!("{CUT_MAPS}{}.{}", file.hash, file.ending),
            None if self.failed.is_some() && self.wanted.is_none() => LOST_MAP.to_owned(),
            None => NO_MAP.to_owned(),
        }
    }

    /// The file that players may fetch.
    pub(super) fn file(&self) -> Option<Arc<str>> {
        self.made.as_ref().map(|(_, file)| Arc::clone(&file.hash))
    }

    pub(super) fn take_wanted(&mut self) -> Option<CutWanted> {
        if self.is_under_way {
            return None;
        }
        let wanted = self.wanted.clone();
        self.is_under_way = wanted.is_some();
        wanted
    }

    /// It was made, or cannot be. One that shows what is hidden by now is of no use.
    pub(super) fn done(&mut self, of: &CutWanted, file: Option<CutFile>) {
        let Some(wanted) = &self.wanted else {
            return;
        };
        let is_latest = wanted.is_same(of);
        let is_fit = of.shows_no_more_than(wanted);
        match file {
            Some(file) if is_fit => self.made = Some((of.clone(), file)),
            Some(_) => {}
            None => self.failed = Some(of.clone()),
        }
        if is_latest {
            self.wanted = None;
            self.is_under_way = false;
        }
    }
}
