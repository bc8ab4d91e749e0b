//! What goes out and comes in, for [`crate::session::diagnostics`].

use crate::library::DocumentId;
use crate::session::diagnostics::{Diagnostics, Links};
use crate::sync::state::ConnectionState;

use super::Workspace;

impl Workspace {
    /// A connection has another state.
    pub(super) fn trace_connection(&mut self, document: &DocumentId, state: &ConnectionState) {
        let words = match state {
            ConnectionState::Disconnected => "disconnected",
            ConnectionState::Connecting => "connecting",
            ConnectionState::Syncing => "syncing",
            ConnectionState::Live => "live",
            ConnectionState::Refused(_) => "refused",
        };
        let unix_ms = self.clock.unix_ms();
        self.diagnoser.trace(unix_ms, || {
            format!("{}  connection  {words}", kind_in_words(document))
        });
    }

    /// What goes out and comes in.
    pub(super) fn diagnostics(&mut self) -> Diagnostics {
        let mut links = Links::default();
        let games = self.open_games().filter_map(|game| game.link.as_ref());
        let party = self.party.as_ref().and_then(|party| party.link.as_ref());
        for view in games.chain(party).map(|link| link.view("")) {
            links.rooms += 1;
            links.frames_out += view.out.0;
            links.connections += view.connections;
        }
        let now = self.clock.now();
        self.diagnoser
            .publish(now, self.broadcaster.counters(), links)
    }
}

/// What the trace calls a document.
pub(super) const fn kind_in_words(document: &DocumentId) -> &'static str {
    match document {
        DocumentId::Game(_) => "game",
        DocumentId::Party(_) => "table",
    }
}
