//! Pictures of rooms: what the open games name and is not here is fetched from the room's server, or
//! from where its web clients keep theirs, and what is here is handed over to it.

use std::sync::Arc;
use std::time::Duration;

use crate::library::DocumentId;
use crate::library::named::{pictures_of_game, pictures_of_scene};
use crate::model::id::SceneId;
use crate::session::api::Severity;
use crate::session::courier::{Courier, News, PictureServer};
use crate::session::picture_address::PictureAddress;

use super::Workspace;

/// After a change, documents are looked through for pictures no sooner than this: many changes come
/// at once.
const PAUSE: Duration = Duration::from_millis(250);
/// The same for players, whose documents hold little, and whose map changes with each stroke of fog.
const PLAYERS_PAUSE: Duration = Duration::from_millis(20);

impl Workspace {
    /// Documents have changed, or are in a room now.
    pub(super) fn look_for_pictures_soon(&mut self) {
        if self.is_in_room() {
            let pause = if self.is_dm() { PAUSE } else { PLAYERS_PAUSE };
            let due = self.clock.now() + pause;
            self.rooms.pictures_due.get_or_insert(due);
        }
    }

    /// Wants what is missing and offers what is here, when it is time.
    pub(super) fn exchange_pictures(&mut self) {
        let now = self.clock.now();
        if self.rooms.pictures_due.is_none_or(|due| now < due) {
            return;
        }
        self.rooms.pictures_due = None;
        if !self.is_in_room() || !self.library.is_writable() {
            return;
        }
        self.start_courier();
        let server = self.picture_server();
        let web = self.picture_address();
        let named = self.named_pictures();
        let may_offer = self.is_dm() && server.is_some();
        let missing = self.library.missing_pictures(named.clone());
        if let Some(courier) = &self.rooms.courier {
            courier.set_server(server);
            courier.set_web(web);
            courier.want(&missing);
            if may_offer {
                courier.offer(&named);
            }
        }
    }

    /// The keys that open games name, what is looked at first.
    fn named_pictures(&self) -> Vec<String> {
        let mut named = Vec::new();
        let first: Vec<SceneId> = [self.active_scene(), self.editing.clone()]
            .into_iter()
            .flatten()
            .collect();
        for game in self.open_games() {
            for scene in first.iter().filter(|scene| game.doc.has_scene(scene)) {
                named.extend(pictures_of_scene(&game.doc, scene));
            }
        }
        let pause = self.pause_picture();
        named.extend(pause.map(|location| location.to_string()));
        for game in self.open_games().filter(|game| game.link.is_some()) {
            named.extend(pictures_of_game(&game.doc));
        }
        named
    }

    /// Where the open game's pictures are; guests of a game that is hosted here leave theirs with us.
    fn picture_server(&self) -> Option<PictureServer> {
        if self.rooms.hosting.is_some() {
            return None;
        }
        let document = DocumentId::Game(self.game()?.clone());
        let attachment = self.attachment(&document)?;
        let secrets = &self.rooms.network.as_ref()?.secrets;
        let token = attachment.code(&document, &**secrets);
        Some(PictureServer {
            base: attachment.server,
            token,
        })
    }

    /// Where the pictures are that web clients put into the open game.
    fn picture_address(&self) -> Option<PictureAddress> {
        let attachment = self.attachment(&DocumentId::Game(self.game()?.clone()))?;
        PictureAddress::parse(&attachment.pictures?).ok()
    }

    /// No open document is in a room: nothing is asked of the servers that were, and nothing is said to
    /// be on its way.
    pub(super) fn leave_picture_servers(&self) {
        if self.is_in_room() {
            return;
        }
        if let Some(courier) = &self.rooms.courier {
            courier.set_server(None);
            courier.set_web(None);
        }
    }

    fn start_courier(&mut self) {
        let Some(network) = self
            .rooms
            .network
            .as_ref()
            .filter(|_| self.rooms.courier.is_none())
        else {
            return;
        };
        let tell = Arc::clone(&network.courier);
        match Courier::start(Arc::clone(&self.library), move |news| tell(news)) {
            Ok(courier) => self.rooms.courier = Some(courier),
            Err(error) => self.notices.add(
                Severity::Error,
                format!(
                    "The system gives no thread for pictures ({error}); scenes are shown without \
                     what is missing; close other programs and join again."
                ),
            ),
        }
    }

    /// What the courier tells.
    pub fn courier_news(&mut self, news: News) {
        match news {
            News::Arrived(locations) => self.pictures_came(&locations),
            News::Coarse(_) => self.pictures_changed(),
            News::Lacking(lacking) => {
                self.library.give_up_coarse(lacking.keys());
                self.rooms.lacking = lacking;
            }
            News::Work(work) => self.rooms.picture_work = work,
            News::Problem(sentence) => self.tell(Severity::Warning, &sentence),
        }
    }

    /// When [`Self::exchange_pictures`] has something to do.
    pub(super) const fn pictures_deadline(&self) -> Option<Duration> {
        self.rooms.pictures_due
    }
}
