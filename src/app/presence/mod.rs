//! What people in a room show each other: cursors, measurements, drawings that fade, names at drags.
//!
//! [`crowd`] keeps what came and when, [`paint`] draws it over a picture of a scene; [`own`] is what
//! this user measures and draws, [`mine`] decides what of that and of the pointer others are shown.
//! Must not know how a state travels. Called by [`super::canvas`], [`super::display`] and
//! [`super::shell`].

pub mod crowd;
pub mod drawings;
pub mod mine;
pub mod own;
pub mod paint;
pub mod shapes;
pub mod sketch;

use crate::session::room::Person;

/// What somebody is called.
#[must_use]
pub fn name_of(person: &Person) -> String {
    let said = person.presence.who.as_ref().map(|who| &who.name);
    let beside_cursor = person.presence.cursor.as_ref().map(|cursor| &cursor.label);
    said.into_iter()
        .chain(beside_cursor)
        .find(|name| !name.is_empty())
        .map_or_else(|| "Guest".to_owned(), |name| name.to_string())
}
