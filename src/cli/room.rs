//! A room as it is named on the command line: a link, or an address and a code.

use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::ValueEnum;
use crossbeam_channel::bounded;

#[cfg(feature = "render")]
use crate::model::color::Rgb;
use crate::model::presence::TablePart;
use crate::server::code;
use crate::session::discovery::{self, Answer, network};
#[cfg(feature = "render")]
use crate::session::room::Identity;
use crate::session::room::{Invitation, part_of_link};
use crate::sync::dialect::Dialect;

/// Where a code is read from when none is given: an argument can be read by everybody on the machine.
const TOKEN: &str = "TABLEGLOW_TOKEN";
/// Where a code alone is tried first.
const HERE: &str = "127.0.0.1";
/// How long games on the network are looked for,
const SEARCH: Duration = Duration::from_secs(6);
/// and others after the last that was found.
const SETTLED: Duration = Duration::from_millis(1500);
/// What an open server is shown in place of a code.
const NO_TOKEN: &str = "open";

/// A kind of server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum Kind {
    /// Tableglow's own rooms, and PartyKit's.
    #[default]
    Partykit,
    /// Our worker on Cloudflare.
    Partyserver,
    /// @y/websocket-server.
    YWebsocket,
}

impl Kind {
    const fn dialect(self) -> Dialect {
        match self {
            Self::Partykit => Dialect::YPartyKit,
            Self::Partyserver => Dialect::YPartyServer,
            Self::YWebsocket => Dialect::YWebsocket,
        }
    }
}

/// What it takes to enter a room, and what the code makes of us as far as that is known.
pub(super) fn invitation(
    room: &str,
    token: Option<&str>,
    kind: Kind,
) -> anyhow::Result<(Invitation, Option<TablePart>)> {
    let token = token.map(str::to_owned).or_else(|| {
        let set = std::env::var(TOKEN).ok();
        set.filter(|token| !token.is_empty())
    });
    if room.contains("/parties/") || room.contains("/party/") || kind == Kind::YWebsocket {
        let mut invitation = Invitation::from_link(kind.dialect(), room)
            .with_context(|| format!("{} is no address of a game's room", without_query(room)))?;
        invitation.token = token.or(invitation.token);
        let part = part_of_link(room);
        return Ok(match kind {
            Kind::Partykit => completed(invitation, part),
            _ => (invitation, part),
        });
    }
    if token.is_none() && code::is_code(room) {
        return only_game(by_code(room)?);
    }
    let mut answer = discovery::ask(room, token.as_deref().unwrap_or(NO_TOKEN))?;
    for invitation in &mut answer.invitations {
        invitation.token.clone_from(&token);
    }
    only_game(answer)
}

fn only_game(answer: Answer) -> anyhow::Result<(Invitation, Option<TablePart>)> {
    let several = answer.invitations.len();
    let mut invitations = answer.invitations.into_iter();
    match (invitations.next(), several) {
        (Some(only), 1) => Ok((only, Some(answer.part))),
        _ => bail!(
            "the code opens {several} games there; name one by its address, \
             http://SERVER/parties/game_session/GAME"
        ),
    }
}

/// What a code alone opens: on this machine, else at the one game that this network knows of. It is not
/// tried at one after the other, because whoever is asked learns it.
fn by_code(code: &str) -> anyhow::Result<Answer> {
    if let Ok(answer) = discovery::ask(HERE, code) {
        return Ok(answer);
    }
    let (tell, told) = bounded(16);
    let browser = network::browse(move |games| {
        // A list that is not read is followed by a longer one, or was long enough.
        let _ = tell.try_send(games);
    })?;
    let mut games = Vec::new();
    let mut wait = SEARCH;
    // Another game may answer a moment later than the first.
    while let Ok(found) = told.recv_timeout(wait) {
        games = found;
        wait = SETTLED;
    }
    drop(browser);
    match games.as_slice() {
        [] => bail!(
            "no game on this machine or this network opens with a code alone; name its address too, \
             with the code after --token"
        ),
        [only] => match only.addresses.first() {
            Some(address) => Ok(discovery::ask(&address.to_string(), code)?),
            None => bail!(
                "the game on this network has no address; name it, with the code after --token"
            ),
        },
        several => {
            let list: Vec<String> = several
                .iter()
                .filter_map(|game| Some(format!("{} at {}", game.title, game.addresses.first()?)))
                .collect();
            bail!(
                "this network has {} games ({}); name the address of one, with the code after --token",
                several.len(),
                list.join(", ")
            )
        }
    }
}

/// Who a table's display is to others.
#[cfg(feature = "render")]
pub(super) fn table_identity() -> Identity {
    Identity {
        name: "Table".to_owned(),
        color: Rgb::new(0xf2, 0xa9, 0x3b),
        part: TablePart::Display,
        shares_view: false,
    }
}

/// An invitation with what its server tells: the game's party where a link names none, and what the
/// code makes of us.
fn completed(
    mut invitation: Invitation,
    part: Option<TablePart>,
) -> (Invitation, Option<TablePart>) {
    let token = invitation.token.as_deref().unwrap_or(NO_TOKEN);
    // Other kinds of servers tell nothing; the game's room can be joined all the same.
    let Ok(answer) = discovery::ask(&invitation.server, token) else {
        return (invitation, part);
    };
    let told = answer
        .invitations
        .into_iter()
        .find(|other| other.game == invitation.game)
        .and_then(|other| other.party);
    // A player's code may open the game alone; then there is nothing to ask the party's room for.
    if invitation.party.is_none() || answer.part != TablePart::Dm {
        invitation.party = told;
    }
    (invitation, part.or(Some(answer.part)))
}

/// A link as it may be repeated: its query holds the code.
fn without_query(link: &str) -> &str {
    link.split(['?', '#']).next().unwrap_or_default()
}
