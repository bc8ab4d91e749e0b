//! What new scenes start with, and where they go in the list.
//!
//! Pure: values in, assignments out. Called by the actor.

use crate::model::edit::Assignment;
use crate::model::id::GameSessionId;
use crate::model::order;
use crate::model::party::PartyDefaults;
use crate::model::scene as s;

/// Fog over a whole table screen in a dim room: dark, so that it does not blind the players.
const FOG_COLOR: &str = "#3a3f4a";

/// The settings of a new scene: the party's table and grid, full fog for the players, map
/// coordinates (version 1).
#[must_use]
pub fn settings(
    name: &str,
    game: &GameSessionId,
    order: f64,
    defaults: &PartyDefaults,
) -> Vec<Assignment> {
    let [width_in, height_in] = defaults.display_size_in;
    let [width_px, height_px] = defaults.display_resolution_px.map(f64::from);
    let [padding_x, padding_y] = defaults.display_padding_px.map(f64::from);
    vec![
        Assignment::new(s::NAME, name),
        Assignment::new(s::GAME_SESSION_ID, game.as_str()),
        Assignment::new(s::ORDER, order),
        Assignment::new(s::DISPLAY_SIZE_X, width_in),
        Assignment::new(s::DISPLAY_SIZE_Y, height_in),
        Assignment::new(s::DISPLAY_RESOLUTION_X, width_px),
        Assignment::new(s::DISPLAY_RESOLUTION_Y, height_px),
        Assignment::new(s::DISPLAY_PADDING_X, padding_x),
        Assignment::new(s::DISPLAY_PADDING_Y, padding_y),
        Assignment::new(s::GRID_TYPE, defaults.grid_type),
        Assignment::new(s::HEX_FLAT_TOP, defaults.hex_flat_top),
        Assignment::new(s::GRID_SPACING, defaults.grid_spacing_in),
        Assignment::new(s::GRID_LINE_THICKNESS, defaults.grid_line_thickness_px),
        Assignment::new(s::FOG_OF_WAR_OPACITY_PLAYER, 1.0),
        Assignment::new(s::FOG_OF_WAR_COLOR, FOG_COLOR),
        Assignment::new(s::MAP_COORD_VERSION, 1_i64),
    ]
}

/// The order value that puts a scene just before `before`, or last. `orders` are the list's values
/// in list order with the scene's own left out; a `before` that is not in it means the end.
#[must_use]
pub fn order_before<Id: PartialEq>(orders: &[(Id, f64)], before: Option<&Id>) -> f64 {
    let at = before
        .and_then(|before| orders.iter().position(|(id, _)| id == before))
        .unwrap_or(orders.len());
    let previous = at.checked_sub(1).and_then(|i| orders.get(i));
    order::between(
        previous.map(|(_, order)| *order),
        orders.get(at).map(|(_, order)| *order),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scene_lands_before_the_one_that_was_named() {
        let list = [("a", 1.0), ("b", 2.0), ("c", 4.0)];
        assert_eq!(order_before(&list, Some(&"a")), 0.0);
        assert_eq!(order_before(&list, Some(&"c")), 3.0);
        assert_eq!(order_before(&list, None), 5.0);
        assert_eq!(order_before(&list, Some(&"gone")), 5.0);
        assert_eq!(order_before::<&str>(&[], None), 1.0);
    }
}
