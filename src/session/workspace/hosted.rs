//! Hosting the open party: starting and ending the room server of this process, its codes, and what is
//! told of it.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::model::presence::TablePart;
use crate::scene::picture::PictureIndex;
use crate::server::access::RoomTokens;
use crate::server::name::RoomName;
use crate::session::api::Severity;
use crate::session::hosting::{self, Running};
use crate::session::room::{Invitation, Place, Scope, TABLE_PARTY};
use crate::sync::dialect::Dialect;

use super::Workspace;

/// The setting that holds the port of the last time.
const LAST_PORT: &str = "hosting/port";

pub(super) enum Hosting {
    Opening,
    Running(Box<Hosted>),
}

/// A game that is hosted here.
pub(super) struct Hosted {
    pub(super) running: Running,
    pub(super) addresses: Vec<SocketAddr>,
    /// Good for every room of the party.
    pub(super) codes: RoomTokens,
    /// What is shown of it.
    pub(super) place: Option<Place>,
}

impl Workspace {
    /// Hosts the open party.
    pub(super) fn host(&mut self, scope: Scope, port: u16) {
        let Some(network) = self.rooms.network.clone() else {
            return;
        };
        self.stop_hosting();
        if self.game.is_none() {
            self.notices.add(
                Severity::Warning,
                "There is no open game to host; open one and try again.",
            );
            return;
        }
        let asked = hosting::Asked {
            scope,
            port,
            last_port: self.library.setting(LAST_PORT).ok().flatten(),
            codes: self.library.folder().join("hosting"),
            blobs: self.library.blobs().clone(),
            pictures: Arc::clone(self.library.pictures()) as Arc<dyn PictureIndex>,
        };
        let clock = Arc::clone(&self.clock);
        let Some(handle) = self.net().and_then(|net| net.handle().cloned()) else {
            return;
        };
        let hosted = network.hosted;
        hosting::start(&handle, asked, clock, move |result| hosted(result));
        self.rooms.hosting = Some(Hosting::Opening);
        self.rooms.has_news = true;
    }

    /// The server has started, or has not.
    pub fn hosted(&mut self, result: Result<Running, String>) {
        self.rooms.has_news = true;
        match result {
            // It was given up meanwhile: dropping it ends it.
            Ok(_) if !matches!(self.rooms.hosting, Some(Hosting::Opening)) => {}
            Ok(running) => {
                let Some(table) = self.table_room() else {
                    self.rooms.hosting = None;
                    return;
                };
                match running.codes(&table) {
                    Ok(codes) => {
                        let kept = self.library.set_setting(LAST_PORT, &running.port());
                        if let Err(error) = kept {
                            tracing::warn!(target: "session", %error, "the port is not kept");
                        }
                        let hosted = Hosted {
                            addresses: running.addresses(),
                            running,
                            codes,
                            place: None,
                        };
                        self.detach_open_documents();
                        self.rooms.hosting = Some(Hosting::Running(Box::new(hosted)));
                        self.attach_open_documents();
                        self.set_settled(true);
                    }
                    Err(error) => {
                        self.rooms.hosting = None;
                        self.notices.error(&error);
                    }
                }
            }
            Err(sentence) => {
                self.rooms.hosting = None;
                self.tell(Severity::Error, &sentence);
            }
        }
    }

    pub(super) fn stop_hosting(&mut self) {
        if self.rooms.hosting.is_some() {
            self.set_settled(false);
            self.detach_open_documents();
            self.rooms.hosting = None;
            self.attach_open_documents();
            self.rooms.has_news = true;
        }
    }

    /// Guests that come while the rooms are opened or closed are not turned away for good.
    fn set_settled(&self, is_settled: bool) {
        if let Some(Hosting::Running(hosted)) = &self.rooms.hosting {
            hosted.running.set_settled(is_settled);
        }
    }

    /// The party's room.
    pub(super) fn table_room(&self) -> Option<RoomName> {
        RoomName::new(TABLE_PARTY, self.party()?.as_str()).ok()
    }

    /// Brings up to date what is told of the hosted game: guests join the one in the editor.
    pub(super) fn describe_hosted(&mut self) {
        let title = self.title();
        let (game, party) = (self.game().cloned(), self.party().cloned());
        let (Some(Hosting::Running(hosted)), Some(game)) = (&mut self.rooms.hosting, game) else {
            return;
        };
        hosted.running.set_title(&title);
        let codes: Vec<(TablePart, Arc<str>)> = [
            (TablePart::Dm, &hosted.codes.dm),
            (TablePart::Player, &hosted.codes.player),
            (TablePart::Display, &hosted.codes.display),
        ]
        .into_iter()
        .map(|(part, code)| (part, code.as_str().into()))
        .collect();
        let link = |address: &SocketAddr, part: TablePart, code: &Arc<str>| {
            let invitation = Invitation {
                dialect: Dialect::YPartyKit,
                server: format!("http://{address}"),
                game: game.clone(),
                party: party.clone(),
                token: Some(code.to_string()),
                title: title.clone(),
                pictures: None,
                may_initialise: false,
            };
            Arc::from(invitation.link_for(part))
        };
        let links = hosted.addresses.first().map(|address| {
            let links = codes.iter();
            links
                .map(|(part, code)| (*part, link(address, *part, code)))
                .collect()
        });
        hosted.place = Some(Place::Hosted {
            addresses: hosted.addresses.clone(),
            codes,
            links: links.unwrap_or_default(),
            is_announced: hosted.running.is_announced(),
        });
    }

    /// What the open game is called: the party's and the game's name.
    pub(super) fn title(&self) -> String {
        let Ok(view) = self.library.view() else {
            return String::new();
        };
        let party = view
            .parties
            .iter()
            .find(|party| Some(&party.id) == self.party());
        let game = party.and_then(|party| {
            let mut games = party.games.iter();
            games.find(|game| Some(&game.id) == self.game())
        });
        let names = [
            party.map(|it| it.name.as_str()),
            game.map(|it| it.name.as_str()),
        ];
        let names: Vec<&str> = names.into_iter().flatten().collect();
        names.join(", ")
    }
}
