//! What is typed into the dialog, and what is meant by it. Must not know egui.
//!
//! It may hold a code: it is in no debug output.

use crate::model::presence::TablePart;
use crate::session::picture_address::PictureAddress;
use crate::session::room::{Invitation, part_of_link};
use crate::sync::dialect::Dialect;
use crate::util::text::sentence;

/// What is joined.
#[derive(Clone)]
pub(super) enum Wish {
    /// A game's room, and what the code in the link is for, if it says so.
    Room(Invitation, Option<TablePart>),
    /// What a code opens at an address.
    Code { address: String, code: String },
}

/// Whose rooms they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Kind {
    /// `tableglow serve`, or a game hosted in the app.
    #[default]
    Tableglow,
    TableSlayer,
    Worker,
    PlainYjs,
}

impl Kind {
    pub(super) const ALL: [(Self, &'static str); 4] = [
        (Self::Tableglow, "Tableglow"),
        (Self::TableSlayer, "Table Slayer"),
        (Self::Worker, "Tableglow worker on Cloudflare"),
        (Self::PlainYjs, "Plain Yjs server (y-websocket)"),
    ];

    const fn dialect(self) -> Dialect {
        match self {
            Self::Tableglow | Self::TableSlayer => Dialect::YPartyKit,
            Self::Worker => Dialect::YPartyServer,
            Self::PlainYjs => Dialect::YWebsocket,
        }
    }

    /// Its rooms give players less than the DM.
    pub(super) const fn hides(self) -> bool {
        matches!(self, Self::Tableglow)
    }

    /// Its rooms' pictures are on another server, which takes none from us.
    pub(super) const fn has_pictures_elsewhere(self) -> bool {
        matches!(self, Self::TableSlayer)
    }
}

/// What is typed.
#[derive(Clone, Default)]
pub(super) struct Typed {
    pub(super) kind: Kind,
    pub(super) place: String,
    pub(super) code: String,
    /// Where its pictures are.
    pub(super) pictures: String,
    pub(super) may_initialise: bool,
}

impl Typed {
    /// The place was typed or pasted: one of Table Slayer's own says whose room it is.
    pub(super) fn place_changed(&mut self) {
        if self.kind == Kind::Tableglow && PictureAddress::of_server(&self.place).is_some() {
            self.kind = Kind::TableSlayer;
        }
    }

    /// The link has a code in it.
    pub(super) fn has_code(&self) -> bool {
        self.place
            .split_once('?')
            .is_some_and(|(_, query)| query.split('&').any(|pair| pair.starts_with("token=")))
    }

    /// It is the link of a room.
    pub(super) fn names_a_room(&self) -> bool {
        let place = self.place.trim();
        place.contains("/parties/")
            || place.contains("/party/")
            || self.kind == Kind::PlainYjs && place.contains("://")
    }

    /// Where the room's pictures are when nothing is typed.
    pub(super) fn known_pictures(&self) -> Option<PictureAddress> {
        let link = Invitation::from_link(self.kind.dialect(), self.place.trim());
        link.ok().and_then(|link| link.pictures)
    }

    /// What is meant; without a sentence while too little is typed to complain.
    pub(super) fn wish(&self) -> Result<Wish, Option<String>> {
        let place = self.place.trim();
        if place.is_empty() {
            return Err(None);
        }
        let code = self.code.trim();
        if self.names_a_room() {
            let read = Invitation::from_link(self.kind.dialect(), place);
            let mut invitation = read.map_err(|error| Some(sentence(&error.to_string())))?;
            if invitation.token.is_none() && !code.is_empty() {
                invitation.token = Some(code.to_owned());
            }
            let pictures = self.pictures.trim();
            if self.kind.has_pictures_elsewhere() && !pictures.is_empty() {
                let read = PictureAddress::parse(pictures);
                let read = read.map_err(|error| Some(sentence(&error.to_string())))?;
                invitation.pictures = Some(read);
            }
            return Ok(Wish::Room(invitation, part_of_link(place)));
        }
        if self.kind != Kind::Tableglow {
            return Err(Some(
                "The address alone does not say which room it is. Paste the room's whole link."
                    .into(),
            ));
        }
        if code.is_empty() {
            return Err(None);
        }
        Ok(Wish::Code {
            address: place.to_owned(),
            code: code.to_owned(),
        })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    fn typed(place: &str, code: &str, kind: Kind) -> Result<Wish, Option<String>> {
        let typed = Typed {
            place: place.into(),
            code: code.into(),
            kind,
            ..Typed::default()
        };
        typed.wish()
    }

    fn room(place: &str, kind: Kind) -> (Invitation, Option<TablePart>) {
        match typed(place, "", kind) {
            Ok(Wish::Room(invitation, part)) => (invitation, part),
            _ => panic!("{place}"),
        }
    }

    #[test]
    fn an_address_and_a_code_are_enough_for_a_host_and_no_less() {
        let read = typed("192.168.1.5:4000", " 7KQ2-M9XP-4T ", Kind::Tableglow);
        assert!(matches!(read, Ok(Wish::Code { code, .. }) if code == "7KQ2-M9XP-4T"));
        assert!(matches!(
            typed("192.168.1.5:4000", "", Kind::Tableglow),
            Err(None)
        ));
        assert!(matches!(typed("", "CODE", Kind::Tableglow), Err(None)));
        assert!(matches!(
            typed("play.example", "", Kind::TableSlayer),
            Err(Some(_))
        ));
    }

    #[test]
    fn a_link_has_it_all() {
        let link = "https://play.example/parties/game_session/g1?party=p1&token=T";
        let (read, part) = room(link, Kind::Tableglow);
        assert_eq!(
            (read.game.as_str(), read.token.as_deref()),
            ("g1", Some("T"))
        );
        assert_eq!(part, None);
        let (_, part) = room(&format!("{link}&part=display"), Kind::Tableglow);
        assert_eq!(part, Some(TablePart::Display));
        // A server that is open to this machine wants no code.
        let (open, part) = room(
            "http://127.0.0.1:1999/parties/game_session/g1?party=p1",
            Kind::Tableglow,
        );
        assert_eq!((open.token, part), (None, None));
        let (slayer, _) = room(
            "https://play.example/parties/game_session/g1",
            Kind::TableSlayer,
        );
        assert_eq!((slayer.token, slayer.pictures), (None, None));
        let (plain, _) = room("ws://localhost:1234/room", Kind::PlainYjs);
        assert_eq!(plain.dialect, Dialect::YWebsocket);
        let told = typed("https://h/parties/party/x", "", Kind::TableSlayer);
        assert!(told.err().unwrap().unwrap().ends_with('.'));
    }

    #[test]
    fn where_a_room_s_pictures_are_is_typed_or_known() {
        let mut typed = Typed {
            place: "https://partykit.tableslayer.com/parties/game_session/g?party=p".into(),
            ..Typed::default()
        };
        typed.place_changed();
        assert_eq!(typed.kind, Kind::TableSlayer);
        let pictures = |typed: &Typed| match typed.wish() {
            Ok(Wish::Room(invitation, _)) => invitation.pictures,
            _ => panic!("no room"),
        };
        let theirs = "https://files.tableslayer.com";
        assert_eq!(pictures(&typed).unwrap().as_str(), theirs);
        assert_eq!(typed.known_pictures(), pictures(&typed));
        typed.pictures = " nas.local:9000/maps ".into();
        let typed_in = "http://nas.local:9000/maps";
        assert_eq!(pictures(&typed).unwrap().as_str(), typed_in);
        typed.pictures = "http://files.example.com".into();
        let told = typed.wish().err().unwrap().unwrap();
        assert!(told.contains("https://") && told.ends_with('.'), "{told}");
        // Of a room of another kind nothing is read that is not shown.
        typed.kind = Kind::Worker;
        assert!(typed.wish().is_ok());
    }
}
