//! What this user shows to others: where they point, what they look at, the marker that they point out.
//!
//! Decides when something is worth sending; sends nothing itself. Must not know sockets. Called by
//! [`crate::app::shell`] once a frame.

use std::sync::Arc;

use glam::DVec2;

use crate::model::color::Rgb;
use crate::model::id::{GameSessionId, RowId};
use crate::model::presence::{
    Cursor, HoveredMarker, Measurement, Presence, SharedView, TablePart, TemporaryLayer, Who,
};
use crate::session::room::{Identity, People};

/// A cursor is sent this often at most.
const CURSOR_S: f64 = 0.033;
/// What is looked at is sent this often at most.
const VIEW_S: f64 = 0.2;
/// Every state holds the drawings that are still there: what moves is sent less often with large ones,
/// so that they are no more than this a second, in characters.
const DRAWINGS_PER_S: f64 = 200_000.0;
/// A marker is pointed out after this rest.
const HOVER_S: f64 = 0.5;
/// It stays pointed out for this long after.
const HOVER_HIDES_S: f64 = 0.3;

/// What decides what is shown, at one moment.
pub struct Facts<'a> {
    /// Who this user is.
    pub identity: &'a Identity,
    /// They show where they point.
    pub shares_cursor: bool,
    /// The open game is in a room.
    pub in_room: bool,
    /// The open game.
    pub game: Option<&'a GameSessionId>,
    /// Who else is there.
    pub people: &'a People,
    /// The edited scene is on the table.
    pub is_on_table: bool,
    /// Where the pointer is in the edited scene; `None` outside the canvas and without focus.
    pub pointer_world: Option<DVec2>,
    /// The marker under it that shows to players while it is pointed at.
    pub pointed: Option<HoveredMarker>,
    /// What is measured on the table.
    pub measurement: Option<Measurement>,
    /// What is drawn on the table for a while.
    pub drawings: Vec<TemporaryLayer>,
    /// What is looked at.
    pub view: Option<SharedView>,
    /// The window's clock, seconds.
    pub now: f64,
    /// Milliseconds since 1970.
    pub unix_ms: i64,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Next {
    /// To be sent now.
    pub send: Option<Presence>,
    /// Something is due in this many seconds.
    pub wake_s: Option<f64>,
}

/// What this user shows.
#[derive(Debug)]
pub struct Mine {
    user: Arc<str>,
    sent: Presence,
    sent_at: f64,
    view_sent_at: f64,
    moved: Option<(DVec2, i64)>,
    hover: Hover,
}

#[derive(Debug, Default)]
struct Hover {
    /// The marker under the pointer, and since when.
    over: Option<(RowId, f64)>,
    /// What is pointed out, and since when the pointer has left it.
    shown: Option<(HoveredMarker, Option<f64>)>,
}

impl Default for Mine {
    fn default() -> Self {
        Self {
            user: crate::util::id::fresh_uuid().into(),
            sent: Presence::default(),
            sent_at: f64::NEG_INFINITY,
            view_sent_at: f64::NEG_INFINITY,
            moved: None,
            hover: Hover::default(),
        }
    }
}

impl Mine {
    /// The marker that is pointed out now.
    #[must_use]
    pub fn pointed_out(&self) -> Option<&HoveredMarker> {
        self.hover.shown.as_ref().map(|(marker, _)| marker)
    }

    /// What is to be shown now. What it says to send counts as sent: see [`Mine::not_sent`].
    pub fn next(&mut self, facts: &Facts<'_>) -> Next {
        let hover_wakes = self.hover.follow(facts);
        let wanted = self.wanted(facts);
        let mut next = Next {
            send: None,
            wake_s: hover_wakes,
        };
        if wanted == self.sent {
            return next;
        }
        let without_view = |presence: &Presence| Presence {
            who: None,
            ..presence.clone()
        };
        let only_view = without_view(&wanted) == without_view(&self.sent);
        // What is taken away goes at once.
        let leaves = wanted.cursor.is_none() && self.sent.cursor.is_some();
        let drawings = wanted.temporary_layers.iter();
        let bytes: usize = drawings.map(|layer| layer.mask_base64.len()).sum();
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
        let step = CURSOR_S.max(bytes as f64 / DRAWINGS_PER_S);
        let due = if leaves {
            facts.now
        } else if only_view {
            (self.sent_at + step).max(self.view_sent_at + VIEW_S)
        } else {
            self.sent_at + step
        };
        if facts.now + 1e-6 < due {
            let wait = due - facts.now;
            next.wake_s = Some(next.wake_s.map_or(wait, |wake| wake.min(wait)));
            return next;
        }
        if wanted.who != self.sent.who {
            self.view_sent_at = facts.now;
        }
        self.sent_at = facts.now;
        self.sent = wanted.clone();
        next.send = Some(wanted);
        next
    }

    /// The session was too busy to take it: it is sent again.
    pub fn not_sent(&mut self) {
        // Nothing that is wanted equals this.
        self.sent = Presence {
            cursor: Some(Cursor {
                user: "".into(),
                position_world: DVec2::ZERO,
                color: Rgb::BLACK,
                label: "".into(),
                moved_unix_ms: i64::MIN,
            }),
            ..Presence::default()
        };
    }

    fn wanted(&mut self, facts: &Facts<'_>) -> Presence {
        let identity = facts.identity;
        let mut wanted = Presence::default();
        if facts.in_room {
            wanted.who = Some(Who {
                name: identity.name.as_str().into(),
                color: identity.color,
                part: TablePart::Dm,
                scene: None,
                view: facts.view.filter(|_| identity.shares_view),
            });
            wanted.cursor = self.cursor(facts);
            wanted.measurement = facts.measurement.clone().map(|measurement| Measurement {
                user: Arc::clone(&self.user),
                ..measurement
            });
            let drawings = facts.drawings.iter().cloned();
            wanted.temporary_layers = drawings
                .map(|layer| TemporaryLayer {
                    creator: Arc::clone(&self.user),
                    ..layer
                })
                .collect();
        }
        wanted.hovered_marker = self.pointed_out().cloned();
        wanted
    }

    fn cursor(&mut self, facts: &Facts<'_>) -> Option<Cursor> {
        // A web client draws every cursor over the table's scene. Ours know where it belongs.
        let only_ours = facts
            .people
            .list
            .iter()
            .filter(|person| Some(&person.game) == facts.game)
            .all(|person| person.presence.who.is_some());
        let belongs = facts.is_on_table || only_ours && facts.identity.shares_view;
        let at = facts
            .pointer_world
            .filter(|at| facts.shares_cursor && belongs && at.is_finite());
        let Some(at) = at else {
            self.moved = None;
            return None;
        };
        let moved_unix_ms = match self.moved {
            Some((there, moved)) if there == at => moved,
            _ => facts.unix_ms,
        };
        self.moved = Some((at, moved_unix_ms));
        Some(Cursor {
            user: Arc::clone(&self.user),
            position_world: at,
            color: facts.identity.color,
            label: facts.identity.name.as_str().into(),
            moved_unix_ms,
        })
    }
}

impl Hover {
    /// Follows the pointer. Returns when something changes by itself, seconds from now.
    fn follow(&mut self, facts: &Facts<'_>) -> Option<f64> {
        let now = facts.now;
        let pointed = facts.pointed.as_ref().filter(|_| facts.is_on_table);
        let Some(pointed) = pointed else {
            self.over = None;
            let (_, left) = self.shown.as_mut()?;
            let gone_at = *left.get_or_insert(now) + HOVER_HIDES_S;
            if !facts.is_on_table || now + 1e-6 >= gone_at {
                self.shown = None;
                return None;
            }
            return Some(gone_at - now);
        };
        let since = match &self.over {
            Some((id, since)) if *id == pointed.id => *since,
            _ => now,
        };
        self.over = Some((pointed.id.clone(), since));
        let is_shown = |(shown, _): &(HoveredMarker, _)| shown.id == pointed.id;
        let due = since + HOVER_S;
        if self.shown.as_ref().is_some_and(is_shown) || now + 1e-6 >= due {
            self.shown = Some((pointed.clone(), None));
            return None;
        }
        let due = due - now;
        // The marker before is still there for its time.
        let hides = self.shown.as_mut().map(|(_, left)| {
            let gone_at = *left.get_or_insert(now) + HOVER_HIDES_S;
            gone_at - now
        });
        match hides {
            Some(hides) if hides <= 1e-6 => {
                self.shown = None;
                Some(due)
            }
            Some(hides) => Some(due.min(hides)),
            None => Some(due),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::session::room::Person;

    struct Table {
        mine: Mine,
        identity: Identity,
        people: People,
        game: GameSessionId,
        on_table: bool,
        shares: bool,
        measures: Option<f64>,
        drawings: Vec<TemporaryLayer>,
        in_room: bool,
    }

    impl Default for Table {
        fn default() -> Self {
            Self {
                mine: Mine::default(),
                identity: Identity {
                    name: "Mira".into(),
                    color: Rgb::WHITE,
                    part: TablePart::Dm,
                    shares_view: true,
                },
                people: People::default(),
                game: GameSessionId::new("g"),
                on_table: true,
                shares: true,
                measures: None,
                drawings: Vec::new(),
                in_room: true,
            }
        }
    }

    impl Table {
        fn at(&mut self, now: f64, x: Option<f64>, pointed: Option<&str>) -> Next {
            self.mine.next(&Facts {
                identity: &self.identity,
                shares_cursor: self.shares,
                in_room: self.in_room,
                game: Some(&self.game),
                people: &self.people,
                is_on_table: self.on_table,
                pointer_world: x.map(|x| DVec2::new(x, 0.0)),
                pointed: pointed.map(|id| HoveredMarker {
                    id: RowId::new(id),
                    position_world: DVec2::ZERO,
                    title: "Ogre".into(),
                    content: "".into(),
                    image_url: None,
                }),
                measurement: self
                    .measures
                    .map(|x| Measurement::new("", DVec2::ZERO, DVec2::new(x, 0.0), 7)),
                drawings: self.drawings.clone(),
                view: None,
                now,
                unix_ms: 1000,
            })
        }

        fn cursor_at(&mut self, now: f64, x: Option<f64>) -> Option<Option<f64>> {
            let sent = self.at(now, x, None).send?;
            Some(sent.cursor.map(|cursor| cursor.position_world.x))
        }
    }

    #[test]
    fn a_cursor_goes_out_thirty_times_a_second_at_most_and_leaves_at_once() {
        let mut table = Table::default();
        let mut sent = 0;
        for n in 0..100 {
            let now = f64::from(n) * 0.008;
            sent += usize::from(table.cursor_at(now, Some(f64::from(n))).is_some());
        }
        assert!((15..=25).contains(&sent), "{sent}");
        // What waited goes when its time has come, and then it is quiet.
        let wait = table.at(0.7925, Some(99.5), None).wake_s.unwrap();
        let sent = table.cursor_at(0.7925 + wait, Some(99.5));
        assert_eq!(sent, Some(Some(99.5)));
        assert_eq!(table.at(5.0, Some(99.5), None), Next::default());
        assert_eq!(table.cursor_at(5.001, None), Some(None));
        assert_eq!(table.at(5.002, None, None), Next::default());
    }

    #[test]
    fn on_another_scene_only_those_who_know_where_it_belongs_get_a_cursor() {
        let mut table = Table {
            on_table: false,
            ..Table::default()
        };
        let web = Person {
            game: GameSessionId::new("g"),
            client: 1,
            presence: Arc::default(),
            cursor_moved: std::time::Duration::ZERO,
        };
        assert_eq!(table.cursor_at(0.0, Some(1.0)), Some(Some(1.0)));
        table.people.list.push(web);
        assert_eq!(table.cursor_at(1.0, Some(2.0)), Some(None));
        table.on_table = true;
        assert_eq!(table.cursor_at(2.0, Some(3.0)), Some(Some(3.0)));
        table.shares = false;
        assert_eq!(table.cursor_at(3.0, Some(4.0)), Some(None));
    }

    #[test]
    fn a_marker_is_pointed_out_after_half_a_second_and_a_little_longer() {
        let mut table = Table::default();
        let out = |table: &Table| table.mine.pointed_out().map(|marker| marker.id.clone());
        let wake = table.at(0.0, Some(0.0), Some("ogre")).wake_s.unwrap();
        assert!((wake - 0.5).abs() < 1e-9);
        table.at(0.4, Some(0.0), Some("ogre"));
        assert_eq!(out(&table), None);
        let sent = table.at(0.5, Some(0.0), Some("ogre")).send.unwrap();
        assert_eq!(&*sent.hovered_marker.unwrap().title, "Ogre");
        assert!(table.at(1.0, Some(0.0), None).wake_s.unwrap() < 0.31);
        assert!(out(&table).is_some());
        // Back in time: it was never away.
        table.at(1.2, Some(0.0), Some("ogre"));
        table.at(1.6, Some(0.0), None);
        assert!(out(&table).is_some());
        let sent = table.at(1.91, Some(0.0), None).send.unwrap();
        assert_eq!((sent.hovered_marker, out(&table)), (None, None));
        // Another scene hides it at once.
        table.at(2.0, Some(0.0), Some("ogre"));
        table.at(2.6, Some(0.0), Some("ogre"));
        table.on_table = false;
        table.at(2.61, Some(0.0), Some("ogre"));
        assert_eq!(out(&table), None);
    }

    fn drawing(bytes: usize) -> TemporaryLayer {
        TemporaryLayer {
            id: "l".into(),
            made_unix_ms: 1000,
            expires_unix_ms: 11_000,
            color: Rgb::WHITE,
            mask_base64: "A".repeat(bytes).into(),
            creator: "".into(),
        }
    }

    #[test]
    fn a_measurement_goes_out_as_often_as_a_cursor_and_is_taken_back() {
        let mut table = Table::default();
        let mut sent = Vec::new();
        for n in 0..100 {
            table.measures = Some(f64::from(n) + 1.0);
            sent.extend(table.at(f64::from(n) * 0.008, None, None).send);
        }
        assert!((15..=25).contains(&sent.len()), "{}", sent.len());
        let last = sent.pop().unwrap().measurement.unwrap();
        assert!(!last.user.is_empty());
        table.measures = None;
        let sent = table.at(0.9, None, None).send;
        assert!(sent.is_some_and(|sent| sent.measurement.is_none()));
    }

    #[test]
    fn without_a_room_nobody_is_shown_anything() {
        let mut table = Table {
            measures: Some(9.0),
            drawings: vec![drawing(9)],
            in_room: false,
            ..Table::default()
        };
        assert_eq!(table.at(0.0, Some(1.0), None), Next::default());
    }

    #[test]
    fn what_moves_waits_longer_beside_large_drawings() {
        let sent_in_a_second = |bytes| {
            let mut table = Table {
                drawings: vec![drawing(bytes)],
                ..Table::default()
            };
            let next = (0..100).map(|n| table.cursor_at(f64::from(n) * 0.01, Some(f64::from(n))));
            next.flatten().count()
        };
        let (small, large) = (sent_in_a_second(1000), sent_in_a_second(40_000));
        assert!((24..=31).contains(&small), "{small}");
        assert!((4..=6).contains(&large), "{large}");
    }

    #[test]
    fn a_drawing_has_its_owner_and_everything_that_web_clients_read() {
        let mut table = Table {
            drawings: vec![drawing(8)],
            ..Table::default()
        };
        let sent = table.at(0.0, None, None).send.unwrap();
        let owner = sent.temporary_layers[0].creator.clone();
        let state: serde_json::Value = serde_json::from_str(&sent.write()).unwrap();
        let layer = &state["temporaryLayers"][0];
        let expected = serde_json::json!({
            "id": "l", "isTemporary": true, "createdAt": 1000, "expiresAt": 11_000,
            "color": "#ffffff", "maskData": "AAAAAAAA", "creatorId": &*owner,
            "opacity": 1, "name": "Temporary drawing",
        });
        assert_eq!(*layer, expected);
        assert!(!owner.is_empty());
    }

    #[test]
    fn what_a_busy_session_did_not_take_is_sent_again() {
        let mut table = Table::default();
        assert!(table.cursor_at(0.0, Some(1.0)).is_some());
        table.mine.not_sent();
        assert_eq!(table.cursor_at(0.1, Some(1.0)), Some(Some(1.0)));
    }
}
