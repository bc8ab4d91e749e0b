//! What fills the table's screen during a pause: a picture that the party's document names, so that
//! displays on other machines have it too.
//!
//! The library's catalogue keeps a copy beside the other defaults of the party, for lists and
//! archives; it follows the document.

use std::sync::Arc;

use super::Workspace;
use super::games;
use crate::doc::Origin;
use crate::library::{DocumentId, LibraryError};
use crate::model::edit::{Assignment, Edit, RowRef};
use crate::model::id::PartyId;
use crate::model::party::{self, PartyDefaults};
use crate::session::api::Severity;

fn named(location: Option<&str>) -> Edit {
    Edit::Set {
        row: RowRef::Party,
        values: vec![Assignment::new(party::PAUSE_PICTURE, location)],
    }
}

impl Workspace {
    /// The key of the open party's pause picture.
    pub(super) fn pause_picture(&self) -> Option<Arc<str>> {
        let state = self.party.as_ref()?.doc.state();
        state
            .get(party::PAUSE_PICTURE)
            .filter(|location| !location.is_empty())
    }

    /// Sets what a party's new scenes start with, and its pause picture.
    pub(super) fn set_party_defaults(&mut self, party: &PartyId, defaults: &PartyDefaults) {
        let wanted = defaults.pause_picture.as_deref();
        let is_done = if self.party().is_some_and(|open| open == party) {
            self.pause_picture().as_deref() == wanted || self.edit_party(&[named(wanted)])
        } else {
            match self.set_pause_picture_of(party, wanted) {
                Ok(()) => true,
                Err(error) => {
                    self.notices.error(&error);
                    false
                }
            }
        };
        if is_done {
            self.told(|it| it.library.set_party_defaults(party, defaults));
            self.view.library_changed();
        }
    }

    /// Writes it into the document of a party that is not open.
    fn set_pause_picture_of(
        &mut self,
        party: &PartyId,
        wanted: Option<&str>,
    ) -> Result<(), LibraryError> {
        let document = DocumentId::Party(party.clone());
        let is_of_room = self.is_of_room(&document);
        let (mut closed, _) = games::open_party(&self.library, party, is_of_room)?;
        // Of a room that was never here: the document that comes says what its picture is.
        if closed.read_only || closed.doc.schema_version().is_none() {
            return Ok(());
        }
        let now = closed.doc.state().get(party::PAUSE_PICTURE);
        if now.as_deref() != wanted {
            closed.doc.apply(&[named(wanted)], Origin::Load);
        }
        let now = self.clock.now();
        for update in closed.doc.replica_mut().take_updates() {
            self.saver.save(&document, update.bytes, now);
        }
        Ok(())
    }

    /// A party was opened whose document does not name the picture that the catalogue knows: it is of
    /// an earlier version of this program.
    pub(super) fn name_pause_picture(&mut self) {
        if self.keeps_pause_picture()
            && self.pause_picture().is_none()
            && let Some(location) = self.party_defaults().pause_picture
        {
            self.edit_party(&[named(Some(&location))]);
        }
    }

    /// Somebody else changed the party's document.
    pub(super) fn follow_pause_picture(&mut self) {
        let Some(party) = self.party().cloned() else {
            return;
        };
        if !self.keeps_pause_picture() {
            return;
        }
        let mut defaults = self.party_defaults();
        let location = self.pause_picture().map(|location| location.to_string());
        if defaults.pause_picture != location {
            defaults.pause_picture = location;
            if let Err(error) = self.library.set_party_defaults(&party, &defaults) {
                self.tell(Severity::Warning, &error.to_string());
            }
            self.view.library_changed();
        }
    }

    /// The document is one that is written here, and not what players get of it.
    fn keeps_pause_picture(&self) -> bool {
        self.library.is_writable()
            && (self.is_dm() || !self.is_in_room())
            && self
                .party
                .as_ref()
                .is_some_and(|open| !open.read_only && !open.waits_for_room())
    }
}
