//! Which room a document of the library belongs to. The code is no part of it: see
//! [`crate::session::room::Secrets`].

use serde::{Deserialize, Serialize};

use crate::library::DocumentId;
use crate::session::room::{GAME_PARTY, TABLE_PARTY};
use crate::sync::dialect::{Dialect, RoomAddress};

use super::Workspace;

/// The room that a document of this library belongs to. The code is no part of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Attachment {
    pub(super) dialect: Dialect,
    pub(super) server: String,
    pub(super) title: String,
    /// Where the pictures of web clients are.
    #[serde(default)]
    pub(super) pictures: Option<String>,
    pub(super) may_initialise: bool,
    /// The room's document was here once.
    pub(super) is_hydrated: bool,
}

/// The setting that holds a document's [`Attachment`].
pub(super) fn setting_of(document: &DocumentId) -> String {
    match document {
        DocumentId::Game(id) => format!("room/game/{id}"),
        DocumentId::Party(id) => format!("room/party/{id}"),
    }
}

/// The party and room that hold a document.
pub(super) fn room_of(document: &DocumentId) -> (&'static str, &str) {
    match document {
        DocumentId::Game(id) => (GAME_PARTY, id.as_str()),
        DocumentId::Party(id) => (TABLE_PARTY, id.as_str()),
    }
}

pub(super) fn words(document: &DocumentId) -> String {
    let (party, room) = room_of(document);
    format!("{party}/{room}")
}

impl Attachment {
    pub(super) fn address(
        &self,
        document: &DocumentId,
        token: Option<String>,
    ) -> Option<RoomAddress> {
        let (party, room) = room_of(document);
        let server = self.server.trim_end_matches('/');
        let url = if self.dialect.rules().has_parties {
            format!("{server}/parties/{party}/{room}")
        } else {
            format!("{server}/{room}")
        };
        let mut address = RoomAddress::parse(self.dialect, &url).ok()?;
        address.token = token;
        Some(address)
    }
}

impl Workspace {
    pub(super) fn attachment(&self, document: &DocumentId) -> Option<Attachment> {
        let read = self.library.setting(&setting_of(document));
        read.unwrap_or_else(|error| {
            tracing::warn!(target: "session", %error, "which room a document is in");
            None
        })
    }

    /// Whether a document belongs to a room of somebody else.
    pub(super) fn is_of_room(&self, document: &DocumentId) -> bool {
        self.attachment(document).is_some()
    }

    pub(super) fn set_attachment(
        &mut self,
        document: &DocumentId,
        attachment: Option<&Attachment>,
    ) {
        let set = self.library.set_setting(&setting_of(document), &attachment);
        if let Err(error) = set {
            self.notices.error(&error);
        }
    }
}
