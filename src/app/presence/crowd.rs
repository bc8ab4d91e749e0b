//! What came from others, and when: positions between two arrivals, and how far each thing has faded.
//!
//! Times are those of arrival on the window's own clock, in seconds: clocks of others may be off by
//! hours. Must not know how anything is drawn. One for each window.

use std::collections::HashMap;
use std::sync::Arc;

use glam::DVec2;

use super::name_of;
use crate::model::color::Rgb;
use crate::model::id::{GameSessionId, RowId, SceneId};
use crate::model::presence::{HoveredMarker, Measurement, TablePart};
use crate::session::room::{People, Person};

/// A cursor that rests fades after this time.
const CURSOR_RESTS_S: f64 = 5.0;
/// It takes this long to fade.
const FADE_S: f64 = 0.5;
/// Who measures is not named beside the cursor for this long after: the distance stands there.
const NAME_WAITS_S: f64 = 1.5;
/// A cursor glides for as long as it took to arrive, within these limits.
const GLIDE_S: std::ops::RangeInclusive<f64> = 0.033..=0.15;
/// After a longer pause it is where it is.
const PAUSE_S: f64 = 0.5;
/// A drawing lasts this long at most, whatever its sender says.
const LONGEST_DRAWING_S: f64 = 60.0;

/// Somebody in a room, by game and client id.
pub type Key = (GameSessionId, u64);

/// Everybody else.
#[derive(Debug, Default)]
pub struct Crowd {
    people: Arc<People>,
    seen: HashMap<Key, Seen>,
    smooth: bool,
    /// It is what this user shows, wherever that is; others show it where the table is.
    is_mine: bool,
}

/// What one of them shows, with the times of arrival.
#[derive(Debug, Default)]
struct Seen {
    cursor: Option<Track>,
    /// The scene that was on the table when it moved last.
    cursor_over: Option<SceneId>,
    measurement: Option<(Measurement, Arrival)>,
    /// By id: when it was last changed on its sender's clock.
    layers: HashMap<Arc<str>, (i64, Arrival)>,
}

/// When something came, and the scene that was on the table then.
#[derive(Debug, Clone)]
struct Arrival {
    at: f64,
    active: Option<SceneId>,
}

/// A cursor on its way.
#[derive(Debug, Clone, Copy)]
struct Track {
    from: DVec2,
    to: DVec2,
    begun: f64,
    lasts: f64,
    moved_unix_ms: i64,
}

impl Track {
    fn at(&self, now: f64) -> DVec2 {
        if self.lasts <= 0.0 {
            return self.to;
        }
        let share = ((now - self.begun) / self.lasts).clamp(0.0, 1.0);
        self.from.lerp(self.to, share)
    }
}

/// How much of something is left to see, and when that changes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fading {
    /// 0..=1.
    pub opacity: f32,
    /// The next picture is due in this many seconds; `None` = it stays as it is.
    pub next_s: Option<f64>,
}

/// A cursor to draw.
#[derive(Debug, Clone)]
pub struct Pointer {
    /// Whose it is.
    pub key: Key,
    /// The name beside it; empty while they measure.
    pub name: String,
    /// Its colour.
    pub color: Rgb,
    /// Where it is now.
    pub at_world: DVec2,
    /// How much of it is left.
    pub fading: Fading,
}

/// A measurement to draw.
#[derive(Debug)]
pub struct Measured<'a> {
    /// As it was sent.
    pub measurement: &'a Measurement,
    /// How much of it is left.
    pub fading: Fading,
}

/// A drawing to draw.
#[derive(Debug)]
pub struct Drawn<'a> {
    /// Whose it is.
    pub key: Key,
    /// As it was sent.
    pub layer: &'a crate::model::presence::TemporaryLayer,
    /// How much of it is left.
    pub fading: Fading,
}

/// A drag of somebody.
#[derive(Debug)]
pub struct Dragged<'a> {
    /// Whose it is.
    pub key: Key,
    /// Their name.
    pub name: String,
    /// Their colour.
    pub color: Rgb,
    /// What they drag.
    pub marker: &'a RowId,
}

fn fading(now: f64, since: f64, stays: f64, fades: f64, smooth: bool) -> Option<Fading> {
    let age = now - since;
    let left = stays - age;
    if left > 0.0 {
        return Some(Fading {
            opacity: 1.0,
            next_s: Some(left),
        });
    }
    let fades = if smooth { fades } else { 0.0 };
    let left = stays + fades - age;
    (left > 0.0).then(|| {
        #[expect(clippy::cast_possible_truncation, reason = "a share")]
        let opacity = (left / fades) as f32;
        Fading {
            opacity,
            next_s: Some(0.0),
        }
    })
}

fn key_of(person: &Person) -> Key {
    (person.game.clone(), person.client)
}

fn color_of(person: &Person) -> Rgb {
    let presence = &person.presence;
    let who = presence.who.as_ref().map(|who| who.color);
    who.or(presence.cursor.as_ref().map(|cursor| cursor.color))
        .unwrap_or(Rgb::WHITE)
}

impl Crowd {
    /// What this user shows, as [`super::own`] has it.
    #[must_use]
    pub fn of_mine() -> Self {
        Self {
            is_mine: true,
            ..Self::default()
        }
    }

    /// Takes in what came while `active` is on the table. `smooth` off: nothing glides or fades.
    pub fn follow(
        &mut self,
        people: &Arc<People>,
        active: Option<&SceneId>,
        now: f64,
        smooth: bool,
    ) {
        self.smooth = smooth;
        if Arc::ptr_eq(&self.people, people) {
            return;
        }
        self.people = Arc::clone(people);
        let mut before = std::mem::take(&mut self.seen);
        for person in &people.list {
            let key = key_of(person);
            let mut seen = before.remove(&key).unwrap_or_default();
            let arrival = Arrival {
                at: now,
                active: active.cloned(),
            };
            seen.take(person, &arrival, smooth);
            self.seen.insert(key, seen);
        }
    }

    /// Everybody, when what they measure, draw and point out belongs over a scene: it is shown while
    /// that scene is on the table, whatever they look at themselves.
    fn over<'a>(
        &'a self,
        scene: &'a SceneId,
        active: Option<&'a SceneId>,
    ) -> impl Iterator<Item = (&'a Person, &'a Seen)> {
        self.people.list.iter().filter_map(move |person| {
            let who = person.presence.who.as_ref();
            let theirs = if self.is_mine {
                who.and_then(|who| who.scene.as_ref())
            } else {
                active
            };
            let seen = self.seen.get(&key_of(person))?;
            (theirs == Some(scene)).then_some((person, seen))
        })
    }

    /// What came for another scene does not lie over this one when the table changes.
    fn came_for(&self, arrival: &Arrival, scene: &SceneId) -> bool {
        self.is_mine || arrival.active.as_ref().is_none_or(|active| active == scene)
    }

    /// Everybody who looks at a scene, or who shows what belongs on the table while it is there.
    fn on<'a>(
        &'a self,
        scene: &'a SceneId,
        active: Option<&'a SceneId>,
    ) -> impl Iterator<Item = (&'a Person, &'a Seen)> {
        self.people.list.iter().filter_map(move |person| {
            let who = person.presence.who.as_ref();
            // Web clients, and whoever does not share what they look at, show the table's scene.
            let theirs = who.and_then(|who| who.scene.as_ref()).or(active);
            let seen = self.seen.get(&key_of(person))?;
            (theirs == Some(scene)).then_some((person, seen))
        })
    }

    /// The cursors over a scene.
    pub fn pointers(&self, scene: &SceneId, active: Option<&SceneId>, now: f64) -> Vec<Pointer> {
        self.on(scene, active)
            .filter_map(|(person, seen)| {
                let track = seen.cursor?;
                let who = person.presence.who.as_ref();
                let is_placed = who.is_some_and(|who| who.scene.is_some());
                let came_for = seen.cursor_over.as_ref();
                // It does not come along to the next scene of the table.
                if !is_placed && came_for.is_some_and(|over| over != scene) {
                    return None;
                }
                let mut fading = fading(now, track.begun, CURSOR_RESTS_S, FADE_S, self.smooth)?;
                if now < track.begun + track.lasts {
                    fading.next_s = Some(0.0);
                }
                let measured = seen.measurement.as_ref().map(|(_, arrival)| arrival.at);
                let name_waits = measured.map_or(0.0, |at| at + NAME_WAITS_S - now);
                if name_waits > 0.0 {
                    let next = fading.next_s.map_or(name_waits, |s| s.min(name_waits));
                    fading.next_s = Some(next);
                }
                Some(Pointer {
                    key: key_of(person),
                    name: if name_waits > 0.0 {
                        String::new()
                    } else {
                        name_of(person)
                    },
                    color: color_of(person),
                    at_world: track.at(now),
                    fading,
                })
            })
            .collect()
    }

    /// The measurements over a scene, one of each person.
    pub fn measurements<'a>(
        &'a self,
        scene: &'a SceneId,
        active: Option<&'a SceneId>,
        now: f64,
    ) -> impl Iterator<Item = Measured<'a>> {
        self.over(scene, active).filter_map(move |(_, seen)| {
            let (measurement, arrival) = seen.measurement.as_ref()?;
            if !self.came_for(arrival, scene) {
                return None;
            }
            let stays = measurement.auto_hide_ms / 1000.0;
            let fades = measurement.fade_out_ms / 1000.0;
            let fading = fading(now, arrival.at, stays, fades, self.smooth)?;
            Some(Measured {
                measurement,
                fading,
            })
        })
    }

    /// The drawings that fade over a scene.
    pub fn drawings<'a>(
        &'a self,
        scene: &'a SceneId,
        active: Option<&'a SceneId>,
        now: f64,
    ) -> impl Iterator<Item = Drawn<'a>> {
        self.over(scene, active).flat_map(move |(person, seen)| {
            person
                .presence
                .temporary_layers
                .iter()
                .filter_map(move |layer| {
                    let (_, arrival) = seen.layers.get(&layer.id)?;
                    if !self.came_for(arrival, scene) {
                        return None;
                    }
                    #[expect(clippy::cast_precision_loss, reason = "milliseconds")]
                    let lasts =
                        layer.expires_unix_ms.saturating_sub(layer.made_unix_ms) as f64 / 1000.0;
                    let stays = lasts.clamp(0.0, LONGEST_DRAWING_S) - FADE_S;
                    Some(Drawn {
                        key: key_of(person),
                        layer,
                        fading: fading(now, arrival.at, stays, FADE_S, self.smooth)?,
                    })
                })
        })
    }

    /// The marker that is pointed at for the players, and what they may read.
    pub fn hovered<'a>(
        &'a self,
        scene: &'a SceneId,
        active: Option<&'a SceneId>,
    ) -> Option<&'a HoveredMarker> {
        self.over(scene, active)
            .filter(|(person, _)| {
                let who = person.presence.who.as_ref();
                who.is_none_or(|who| who.part == TablePart::Dm)
            })
            .filter_map(|(person, _)| person.presence.hovered_marker.as_ref())
            .last()
    }

    /// What is being dragged in a scene.
    pub fn drags<'a>(&'a self, scene: &'a SceneId) -> impl Iterator<Item = Dragged<'a>> {
        self.people.list.iter().flat_map(move |person| {
            let dragging = person.presence.dragging.as_ref();
            dragging
                .filter(|dragging| dragging.scene == *scene)
                .into_iter()
                .flat_map(|dragging| std::iter::once(&dragging.marker).chain(&dragging.also))
                .map(move |marker| Dragged {
                    key: key_of(person),
                    name: name_of(person),
                    color: color_of(person),
                    marker,
                })
        })
    }

    /// Whether a drawing is still shown by anybody.
    #[must_use]
    pub fn has_drawing(&self, key: &Key, layer: &str) -> bool {
        self.seen
            .get(key)
            .is_some_and(|seen| seen.layers.contains_key(layer))
    }
}

impl Seen {
    fn take(&mut self, person: &Person, arrival: &Arrival, smooth: bool) {
        let now = arrival.at;
        let presence = &person.presence;
        let before = self.cursor;
        self.cursor = presence.cursor.as_ref().map(|cursor| {
            let to = cursor.position_world;
            let rests = |old: Track| old.to == to && old.moved_unix_ms == cursor.moved_unix_ms;
            if !before.is_some_and(rests) {
                self.cursor_over.clone_from(&arrival.active);
            }
            match before {
                Some(old) if rests(old) => old,
                Some(old) if smooth && now - old.begun < PAUSE_S => Track {
                    from: old.at(now),
                    to,
                    begun: now,
                    lasts: (now - old.begun).clamp(*GLIDE_S.start(), *GLIDE_S.end()),
                    moved_unix_ms: cursor.moved_unix_ms,
                },
                _ => Track {
                    from: to,
                    to,
                    begun: now,
                    lasts: 0.0,
                    moved_unix_ms: cursor.moved_unix_ms,
                },
            }
        });
        // It stays for its own time although its sender took it back when the button came up.
        if let Some(measurement) = &presence.measurement {
            let known = self.measurement.as_ref();
            if known.is_none_or(|(known, _)| known != measurement) {
                let is_nothing = measurement.start_world == measurement.end_world;
                self.measurement = (!is_nothing).then(|| (measurement.clone(), arrival.clone()));
            }
        }
        let layers = std::mem::take(&mut self.layers);
        self.layers = presence
            .temporary_layers
            .iter()
            .map(|layer| {
                let made = layer.made_unix_ms;
                let known = layers.get(&layer.id);
                let kept = known.filter(|(known, _)| *known == made).cloned();
                let came = kept.unwrap_or_else(|| (made, arrival.clone()));
                (Arc::clone(&layer.id), came)
            })
            .collect();
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
