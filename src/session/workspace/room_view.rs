//! What windows are shown of the rooms that the open documents are in.

use crate::session::room::{Connection, Place, RoomView};

use super::Workspace;
use super::doc_link::DocLink;
use super::games::OpenGame;
use super::hosted::Hosting;

impl Workspace {
    pub(super) fn room_view(&self) -> Option<RoomView> {
        let game = self.game.as_ref();
        let place = match &self.rooms.hosting {
            Some(Hosting::Running(hosted)) => hosted.place.clone()?,
            Some(Hosting::Opening) => Place::Hosted {
                addresses: Vec::new(),
                codes: Vec::new(),
                links: Vec::new(),
                is_announced: false,
            },
            None => {
                let of_party = self.party.as_ref().and_then(|party| party.link.as_ref());
                let link = game.and_then(|game| game.link.as_ref()).or(of_party)?;
                link.place.clone()?
            }
        };
        let view_of = |name: &str, link: Option<&DocLink>| link.map(|link| link.view(name));
        let documents: Vec<_> = game
            .and_then(|game| view_of("Game", game.link.as_ref()))
            .into_iter()
            .chain(
                self.party
                    .as_ref()
                    .and_then(|party| view_of("Table", party.link.as_ref())),
            )
            .chain(
                self.others
                    .iter()
                    .filter_map(|game| view_of("Another game", game.link.as_ref())),
            )
            .collect();
        let connection = documents
            .iter()
            .map(|document| document.connection.clone())
            .min_by_key(goodness)
            .unwrap_or_default();
        Some(RoomView {
            place,
            connection,
            documents,
            waits_for_room: game.is_some_and(OpenGame::waits_for_room),
            apart: game.and_then(|game| game.apart.report()),
            events: self.rooms.events.as_slice().into(),
        })
    }
}

/// The worst connection is the one that is shown for all.
const fn goodness(connection: &Connection) -> u8 {
    match connection {
        Connection::Refused(_) => 0,
        Connection::Disconnected => 1,
        Connection::Connecting { .. } => 2,
        Connection::Syncing => 3,
        Connection::Live => 4,
    }
}
