//! The state of a party: what the table shows now.

use std::sync::Arc;

use super::property::{
    Audience::Everyone,
    Delay::Now,
    Kind::{Bool, Text},
    Preset::{Bool as B, Null},
    Root, RowKind,
    Section::Hidden,
    Unit,
};

const V1: Root = Root::Shared { since: 1 };

crate::properties! {
    row RowKind::Party;
    /// The scene on the table; may belong to another game session of the party.
    ACTIVE_SCENE_ID: Option<Arc<str>> = "activeSceneId", V1, Text { nullable: true }, Null, Unit::None, Now, Everyone, Hidden, "Scene on the table";
    /// The table shows the pause screen.
    IS_PAUSED: bool = "isPaused", V1, Bool, B(false), Unit::None, Now, Everyone, Hidden, "Paused";
}
