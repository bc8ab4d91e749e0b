//! What does not work, in one sentence each: what happened, what it means, what to do.

use super::queue::Key;
use super::transfer::Failure;

/// The sentence of a failure. `web` is the host that web clients' pictures come from.
pub(super) fn sentence(key: &Key, failure: Failure, web: &str) -> String {
    match (key, failure) {
        (_, Failure::Useless(sentence)) => sentence,
        (Key::Fetch(_), Failure::Passing(reason)) => format!(
            "Pictures of the room do not come at the moment ({reason}); it goes on by itself as soon \
             as that works again"
        ),
        (Key::Fetch(_), Failure::Refused(reason)) => {
            format!("The room gives no pictures to this code: {reason}")
        }
        (Key::Fetch(_), _) => {
            "Some pictures of this game are not in its room, so their places stay \
                               empty; they come when somebody who has them joins"
                .to_owned()
        }
        (Key::Offer(_), Failure::Passing(reason)) => format!(
            "Pictures do not get to the room at the moment ({reason}), so others do not see them yet; \
             it goes on by itself as soon as that works again"
        ),
        (Key::Offer(_), Failure::Refused(reason)) => format!(
            "The room takes no pictures from this code, so others do not see those that you add: \
             {reason}"
        ),
        (Key::Offer(_), _) => {
            "The room keeps no pictures, so others do not see those that you add; in \
                               a Table Slayer room, add them in Table Slayer"
                .to_owned()
        }
        (Key::Web(_), Failure::Passing(reason)) => format!(
            "The address of this game's pictures, {web}, could not be reached ({reason}); the game \
             itself is safe, and its pictures come by themselves as soon as that works again"
        ),
        (Key::Web(_), Failure::Refused(reason)) => format!(
            "The address of this game's pictures, {web}, does not give out some of them ({reason}), so \
             their places stay empty; the game itself is safe; check the address when you join"
        ),
        (Key::Web(key), Failure::Skipped) => format!(
            "The file {} is a video, which is not played here, so its place stays empty; the game \
             itself is safe; put a picture in its place to see one",
            shown(key)
        ),
        (Key::Web(_), _) => format!(
            "Some pictures of this game are not at {web}, so their places stay empty; the game itself \
             is safe; check the address of its pictures when you join"
        ),
    }
}

/// A key as it may stand in a sentence: its file's name, without what could run on.
pub(super) fn shown(key: &str) -> String {
    let name = key.rsplit('/').next().unwrap_or_default();
    let mut shown: String = name.chars().filter(|c| !c.is_control()).take(60).collect();
    if name.chars().count() > 60 {
        shown.push('…');
    }
    shown
}
