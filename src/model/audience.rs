//! Who may see a row, who may change it, and what of a presence players get: beside the audience
//! that each property declares ([`super::property::Audience`]) the whole of what decides what is
//! hidden.
//!
//! What lies under fog is hidden too; that is worked out where masks are known
//! ([`crate::scene::player`]). Called by [`crate::scene`] and the room server.

use std::sync::Arc;

use super::id::{RowId, SceneId};
use super::presence::{HoveredMarker, Presence, SharedView, TablePart, Who};
use super::property::{Property, RowKind};
use super::row::Row;
use super::{annotation, light, marker};

/// Whether players see a marker where no fog is; `is_hovered` while the DM points at it.
#[must_use]
pub fn shows_marker(row: &Row, is_hovered: bool) -> bool {
    match row.get(marker::VISIBILITY) {
        marker::VISIBLE_TO_EVERYONE | marker::VISIBLE_TO_PLAYERS => true,
        marker::VISIBLE_ON_HOVER => row.get(marker::PINNED_TOOLTIP) || is_hovered,
        _ => false,
    }
}

/// Whether players see a light where no fog is.
#[must_use]
pub fn shows_light(row: &Row) -> bool {
    !row.get(light::OFF)
}

/// Whether players see a drawing layer.
#[must_use]
pub fn shows_annotation(row: &Row) -> bool {
    row.get(annotation::VISIBILITY) == annotation::VISIBLE_TO_EVERYONE
}

/// What somebody who is no DM may change: a kind of row, its properties, and when.
struct Permission {
    part: TablePart,
    row: RowKind,
    properties: &'static [&'static str],
    when: fn(&Row) -> bool,
}

/// All that is permitted to those who are no DM. Displays change nothing.
const PERMISSIONS: &[Permission] = &[Permission {
    part: TablePart::Player,
    row: RowKind::Marker,
    properties: &["positionX", "positionY"],
    when: players_may_move,
}];

/// Whether somebody in this part may change a property of this row, which they see.
#[must_use]
pub fn may_change(part: TablePart, row: &Row, property: &Property) -> bool {
    part == TablePart::Dm
        || PERMISSIONS.iter().any(|permission| {
            permission.part == part
                && permission.row == row.kind()
                && property.row == row.kind()
                && permission.properties.contains(&property.key)
                && (permission.when)(row)
        })
}

fn players_may_move(row: &Row) -> bool {
    row.get(marker::PLAYERS_MAY_MOVE)
        && !row.get(marker::LOCKED)
        && row.get(marker::SHAPE) != marker::SHAPE_PIN
}

/// What decides which part of a presence is for players.
pub trait Table {
    /// The scene is on the table.
    fn has_scene(&self, scene: &SceneId) -> bool;
    /// Players have the marker in their copy.
    fn has_marker(&self, marker: &RowId) -> bool;
    /// Its title and note are for players while the DM points at it.
    fn tells_of(&self, marker: &RowId) -> bool;
}

impl Presence {
    /// What players get of a DM's presence: who it is, the cursor, what is measured and drawn, and of
    /// markers those that they have. What the DM looks at and picks is not for them, nor are ids.
    /// Of a DM who says that they are in a scene that is not on the table, players get neither
    /// cursor nor measurement: both would lie over the wrong scene and tell of the other one. What is
    /// drawn for a while was drawn on the table, and stays there when the DM goes on.
    #[must_use]
    pub fn for_players(self, table: &dyn Table) -> Self {
        let scene = self.who.as_ref().and_then(|who| who.scene.as_ref());
        let is_here = scene.is_none_or(|scene| table.has_scene(scene));
        let nobody = || Arc::<str>::from("dm");
        Self {
            who: self.who.map(|who| Who {
                scene: None,
                view: None,
                ..who
            }),
            cursor: self.cursor.filter(|_| is_here).map(|mut cursor| {
                cursor.user = nobody();
                cursor
            }),
            measurement: self.measurement.filter(|_| is_here).map(|mut measurement| {
                measurement.user = nobody();
                measurement
            }),
            hovered_marker: self
                .hovered_marker
                .filter(|hovered| table.has_marker(&hovered.id))
                .map(|hovered| {
                    if table.tells_of(&hovered.id) {
                        HoveredMarker {
                            image_url: None,
                            ..hovered
                        }
                    } else {
                        HoveredMarker {
                            title: "".into(),
                            content: "".into(),
                            image_url: None,
                            ..hovered
                        }
                    }
                }),
            temporary_layers: self
                .temporary_layers
                .into_iter()
                .map(|mut layer| {
                    layer.creator = nobody();
                    layer
                })
                .collect(),
            dragging: self
                .dragging
                .filter(|drag| table.has_scene(&drag.scene))
                .and_then(|drag| drag.only(|marker| table.has_marker(marker))),
        }
    }

    /// What is taken of the presence that somebody sends who is no DM: in their own part, nothing that
    /// they do not see, and of drags those that `may_move` allows.
    #[must_use]
    pub fn of_guest(
        self,
        part: TablePart,
        table: &dyn Table,
        may_move: impl Fn(&SceneId, &RowId) -> bool,
    ) -> Self {
        Self {
            who: self.who.map(|who| Who {
                part,
                scene: who.scene.filter(|scene| table.has_scene(scene)),
                view: None::<SharedView>,
                ..who
            }),
            hovered_marker: None,
            dragging: self.dragging.and_then(|drag| {
                let scene = drag.scene.clone();
                drag.only(|marker| may_move(&scene, marker))
            }),
            ..self
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::model::value::Value;

    struct OneMarker;

    impl Table for OneMarker {
        fn has_scene(&self, scene: &SceneId) -> bool {
            scene.as_str() == "shown"
        }
        fn has_marker(&self, marker: &RowId) -> bool {
            marker.as_str() == "seen"
        }
        fn tells_of(&self, _: &RowId) -> bool {
            false
        }
    }

    #[test]
    fn players_get_nothing_of_a_presence_that_is_not_on_their_table() {
        let hidden = r##"{
            "tableglow": {"name":"Mira","color":"#ffffff","part":"dm","scene":"CANARY",
                          "view":{"center":{"x":1,"y":2},"zoom":1}},
            "cursor": {"userId":"CANARY","worldPosition":{"x":1,"y":2},"label":"Mira"},
            "measurement": {"userId":"CANARY","startPoint":{"x":0,"y":0},"endPoint":{"x":1,"y":1}},
            "hoveredMarker": {"id":"CANARY","position":{"x":1,"y":2},"tooltip":{"title":"CANARY"}},
            "draggingMarker": {"id":"CANARY","sceneId":"shown","since":1,"also":["CANARY-2"]},
            "selection": ["CANARY"]
        }"##;
        let shown = Presence::read(hidden).for_players(&OneMarker);
        let written = shown.write();
        assert!(!written.contains("CANARY"), "{written}");
        // It points and measures in a scene that they do not see.
        assert!(shown.cursor.is_none() && shown.measurement.is_none());

        for on_table in [r#""scene":"shown""#, r#""other":1"#] {
            let here = hidden.replace(r#""scene":"CANARY""#, on_table);
            let shown = Presence::read(&here).for_players(&OneMarker);
            assert!(shown.cursor.is_some() && shown.measurement.is_some());
            assert!(!shown.write().contains("CANARY"));
        }

        let seen = hidden.replace(r#""id":"CANARY""#, r#""id":"seen""#);
        let shown = Presence::read(&seen).for_players(&OneMarker);
        assert_eq!(shown.hovered_marker.unwrap().title.as_ref(), "");
        let dragging = shown.dragging.unwrap();
        assert_eq!((dragging.marker.as_str(), dragging.also.len()), ("seen", 0));
    }

    #[test]
    fn a_guest_poses_as_nobody_else() {
        let state = r##"{
            "tableglow": {"name":"Pip","part":"dm","scene":"secret"},
            "hoveredMarker": {"id":"seen","position":{"x":1,"y":2}},
            "draggingMarker": {"id":"seen","sceneId":"shown","since":1}
        }"##;
        let taken = Presence::read(state).of_guest(TablePart::Player, &OneMarker, |_, _| false);
        let who = taken.who.unwrap();
        assert_eq!((who.part, who.scene), (TablePart::Player, None));
        assert!(taken.hovered_marker.is_none() && taken.dragging.is_none());
    }

    #[test]
    fn players_move_what_the_dm_lets_them_move_and_displays_nothing() {
        let plain = Row::defaults(&marker::TABLE);
        let free = plain.with(marker::PLAYERS_MAY_MOVE.property(), Value::Bool(true));
        let pin = free.with(marker::SHAPE.property(), Value::from(marker::SHAPE_PIN));
        let locked = free.with(marker::LOCKED.property(), Value::Bool(true));
        for property in marker::TABLE.properties {
            let is_position = matches!(property.key, "positionX" | "positionY");
            assert_eq!(may_change(TablePart::Player, &free, property), is_position);
            for row in [&plain, &pin, &locked] {
                assert!(!may_change(TablePart::Player, row, property));
            }
            assert!(!may_change(TablePart::Display, &free, property));
            assert!(may_change(TablePart::Dm, &plain, property));
        }
    }
}
