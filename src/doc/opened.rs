//! A document as a room server holds it: passed on unread until somebody has to know what is in it.

use std::ops::{Deref, DerefMut};

use super::document::{self, GAME_ROOTS, GameDoc, PARTY_ROOTS, PartyDoc, SCHEMA_VERSION};
use super::replica::{DocError, Replica};
use crate::model::id::GameSessionId;

/// A document of any layout.
#[derive(Debug)]
pub enum Opened {
    /// Nobody has asked yet what is in it.
    Unread(Replica),
    /// A game session's.
    Game(GameDoc),
    /// A party's.
    Party(PartyDoc),
}

/// What kind of document one is, as far as its roots tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Nothing is in it that tells.
    Empty,
    /// A game session of a schema that is known here.
    Game,
    /// A party of a schema that is known here.
    Party,
    /// Anything else: text, lists, the layout of before 2026, a newer schema.
    Other,
}

/// Roots of the layout of before 2026 stay in rooms that were upgraded, for ever.
const DEAD_ROOTS: &[&str] = &["scenesList", "gameSessionMeta", "cursors", "partyState"];

impl Opened {
    /// A document that holds these updates, unread.
    ///
    /// # Errors
    /// As [`Replica::apply_update`].
    pub fn unread<'b>(updates: impl IntoIterator<Item = &'b [u8]>) -> Result<Self, DocError> {
        Ok(Self::Unread(Replica::open_unread(updates)?))
    }

    /// What kind of document it is now.
    #[must_use]
    pub fn layout(&self) -> Layout {
        let names = self.roots();
        let has = |name: &str| names.iter().any(|root| root == name);
        let known = [
            document::META,
            document::SCENES,
            document::STATE,
            document::OURS,
        ];
        let is_known = |name: &str| known.contains(&name) || DEAD_ROOTS.contains(&name);
        let schema = document::schema_version(&self.read());
        if !names.iter().all(|name| is_known(name))
            || schema.is_some_and(|schema| schema > SCHEMA_VERSION)
        {
            return Layout::Other;
        }
        match (has(document::SCENES), has(document::STATE)) {
            (true, true) => Layout::Other,
            (true, false) => Layout::Game,
            (false, true) => Layout::Party,
            (false, false) => Layout::Empty,
        }
    }

    /// Reads the document from now on, if its layout is known; changes of it are told from now on.
    pub fn read_as(&mut self, layout: Layout) {
        if !matches!(self, Self::Unread(_)) || matches!(layout, Layout::Empty | Layout::Other) {
            return;
        }
        let Self::Unread(mut replica) = std::mem::replace(self, Self::Unread(Replica::new(&[])))
        else {
            return;
        };
        *self = if layout == Layout::Game {
            replica.watch(GAME_ROOTS);
            Self::Game(GameDoc::of(&GameSessionId::new(""), replica))
        } else {
            replica.watch(PARTY_ROOTS);
            Self::Party(PartyDoc::of(replica))
        };
    }
}

impl Deref for Opened {
    type Target = Replica;

    fn deref(&self) -> &Replica {
        match self {
            Self::Unread(replica) => replica,
            Self::Game(doc) => doc.replica(),
            Self::Party(doc) => doc.replica(),
        }
    }
}

impl DerefMut for Opened {
    fn deref_mut(&mut self) -> &mut Replica {
        match self {
            Self::Unread(replica) => replica,
            Self::Game(doc) => doc.replica_mut(),
            Self::Party(doc) => doc.replica_mut(),
        }
    }
}
