//! Which room a document of the library belongs to. The code is no part of it: see [`Secrets`].

use serde::{Deserialize, Serialize};

use crate::library::DocumentId;
use crate::session::room::{GAME_PARTY, Secrets, TABLE_PARTY};
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
    /// There may be a code for it; where there is none, nobody need open a key store for it.
    #[serde(default = "maybe")]
    pub(super) has_code: bool,
}

const fn maybe() -> bool {
    true
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
    /// The code of the room.
    pub(super) fn code(&self, document: &DocumentId, secrets: &dyn Secrets) -> Option<String> {
        let asked = self
            .has_code
            .then(|| secrets.get(&self.server, &words(document)));
        asked.flatten()
    }

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

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use parking_lot::Mutex;

    use super::*;
    use crate::library::Library;
    use crate::session::Session;
    use crate::session::api::Request;
    use crate::session::room::Invitation;
    use crate::util::clock::SystemClock;

    /// Writes down what it is asked.
    #[derive(Default)]
    struct Listed(Mutex<Vec<String>>);

    impl Secrets for Listed {
        fn get(&self, _server: &str, room: &str) -> Option<String> {
            self.0.lock().push(format!("get {room}"));
            None
        }

        fn set(&self, _server: &str, room: &str, _code: &str) {
            self.0.lock().push(format!("set {room}"));
        }

        fn forget(&self, _server: &str, room: &str) {
            self.0.lock().push(format!("forget {room}"));
        }
    }

    #[test]
    fn a_room_without_a_code_leaves_the_key_store_alone() {
        let folder = tempfile::tempdir().unwrap();
        let library = Arc::new(Library::create_empty(&folder.path().join("library")).unwrap());
        let secrets = Arc::new(Listed::default());
        let session = Session::start_with(
            Arc::clone(&library),
            Arc::new(SystemClock::default()),
            Arc::new(|| ()),
            Arc::clone(&secrets) as Arc<dyn Secrets>,
        )
        .unwrap();
        let visit = |game: &str, code: Option<&str>| {
            // Nobody listens there, which is all the same here.
            let link = format!("http://127.0.0.1:9/parties/game_session/{game}?party=p-{game}");
            let mut invitation = Invitation::from_link(Dialect::YPartyKit, &link).unwrap();
            invitation.token = code.map(str::to_owned);
            for (request, is_in_room) in [
                (Request::Join(invitation), true),
                (Request::LeaveRoom, false),
            ] {
                session.send(request).unwrap();
                let begin = Instant::now();
                while session.published().room.is_some() != is_in_room {
                    assert!(begin.elapsed() < Duration::from_secs(30));
                    std::thread::sleep(Duration::from_millis(5));
                }
            }
            std::mem::take(&mut *secrets.0.lock())
        };
        assert_eq!(visit("open", None), [""; 0]);
        let asked = visit("closed", Some("CODE"));
        for word in ["set", "get", "forget"] {
            assert!(asked.contains(&format!("{word} game_session/closed")));
        }
    }

    #[test]
    fn a_room_that_was_joined_by_an_older_program_may_have_a_code() {
        let kept = r#"{"dialect":"YPartyKit","server":"http://h:1","title":"t",
            "may_initialise":false,"is_hydrated":true}"#;
        let attachment: Attachment = serde_json::from_str(kept).unwrap();
        assert!(attachment.has_code);
    }
}
