//! One opened copy of a document: bytes in, bytes out, and what changed meanwhile.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use parking_lot::Mutex;
use yrs::block::ClientID;
use yrs::types::DeepObservable as _;
use yrs::updates::decoder::Decode as _;
use yrs::updates::encoder::Encode as _;
use yrs::{Doc, Options, ReadTxn, StateVector, Text as _, Transact as _, TransactionMut};

use super::dirty::Dirty;
use super::guard::{self, Extent, Malformed};
use super::origin::Origin;
use crate::model::edit::RowRef;
use crate::util::id::fresh_client_id;

/// Why a document could not be read or changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocError {
    /// The bytes are no update.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The bytes are an update that contradicts itself or the document.
    #[error("the document's data contradicts itself and was not taken in")]
    Contradictory,
    /// An update could not be taken in and left the opened document unusable.
    #[error("this copy of the document is no longer usable; what is saved is safe, open it again")]
    Broken,
    /// The bytes are no state vector.
    #[error("the other side's description of its document is damaged")]
    StateVector,
}

/// A change of a document as bytes (Y update, format version 1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    /// The update.
    pub bytes: Vec<u8>,
    /// Where it came from.
    pub origin: Origin,
}

/// The two roots that observers watch, by what they hold.
#[derive(Debug, Clone, Copy)]
pub(super) enum Watch {
    Scenes,
    Party,
    Ours,
    Meta,
}

#[derive(Default)]
struct Outbox {
    updates: Vec<Update>,
    dirty: Dirty,
}

/// One opened copy of a document under a replica id of its own.
pub struct Replica {
    doc: Doc,
    outbox: Arc<Mutex<Outbox>>,
    broken: bool,
    /// Updates that begin behind a gap in their client's history. They wait here and not in the
    /// document library, which takes such updates in at once, leaves a hole, and can fail when the
    /// hole is filled by a piece that overlaps its edge.
    held: Vec<Vec<u8>>,
}

/// What held updates may take together; past it the oldest go. Nothing is lost by that: their ticks
/// are not in the state vector, so the next exchange with a peer brings them again.
const MAX_HELD_BYTES: usize = 64 << 20;

impl std::fmt::Debug for Replica {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replica")
            .field("client", &self.client_id())
            .field("broken", &self.broken)
            .finish_non_exhaustive()
    }
}

impl Replica {
    /// An empty copy with these root maps.
    pub(super) fn new(roots: &[(&'static str, Watch)]) -> Self {
        let mut replica = Self::unwatched();
        replica.watch(roots);
        replica.watch_updates();
        replica
    }

    /// A copy with these root maps that holds these updates. What they bring is no change: there
    /// is nothing to take from it afterwards.
    ///
    /// # Errors
    /// As [`Self::apply_update`].
    pub(super) fn load<'b>(
        roots: &[(&'static str, Watch)],
        updates: impl IntoIterator<Item = &'b [u8]>,
    ) -> Result<Self, DocError> {
        let mut replica = Self::unwatched();
        // Observers come later: for a load they would sort and walk the path of every row, which
        // costs far more than reading it.
        replica.apply_updates(updates, Origin::Load)?;
        replica.watch(roots);
        replica.watch_updates();
        Ok(replica)
    }

    /// A copy of a document whose roots are not known, that holds these updates: for a server that
    /// passes documents on without reading them. [`Self::take_dirty`] stays empty.
    ///
    /// # Errors
    /// As [`Self::apply_update`].
    pub fn open_unread<'b>(updates: impl IntoIterator<Item = &'b [u8]>) -> Result<Self, DocError> {
        Self::load(&[], updates)
    }

    fn unwatched() -> Self {
        let options = Options::with_client_id(ClientID::new(u64::from(fresh_client_id())));
        Self {
            doc: Doc::with_options(options),
            outbox: Arc::default(),
            broken: false,
            held: Vec::new(),
        }
    }

    /// Tells of changes below these roots from now on.
    pub(super) fn watch(&mut self, roots: &[(&'static str, Watch)]) {
        for (name, watch) in roots {
            let map = self.doc.get_or_insert_map(*name);
            let (watch, outbox) = (*watch, Arc::clone(&self.outbox));
            map.observe_deep("dirty", move |txn, events| {
                let dirty = &mut outbox.lock().dirty;
                match watch {
                    Watch::Scenes => dirty.note_scenes(txn, events),
                    Watch::Ours => dirty.note_ours(txn, events),
                    Watch::Party => dirty.party = true,
                    Watch::Meta => dirty.merge(Dirty::everything()),
                }
            });
        }
    }

    fn watch_updates(&mut self) {
        let sink = Arc::clone(&self.outbox);
        // Fails only while a transaction is open, and there is none yet.
        let observed = self.doc.observe_update_v1("outbox", move |txn, event| {
            let origin = Origin::from_bytes(txn.origin().map(AsRef::as_ref));
            if origin != Origin::Load {
                sink.lock().updates.push(Update {
                    bytes: event.update.clone(),
                    origin,
                });
            }
        });
        debug_assert!(observed.is_ok(), "no transaction is open yet");
    }

    /// Takes an update in. Updates may come in any order and more than once.
    ///
    /// # Errors
    /// When the bytes are no update, contradict the document, or this copy is broken; then reopen
    /// the document from its store.
    pub fn apply_update(&mut self, bytes: &[u8], origin: Origin) -> Result<(), DocError> {
        self.apply_updates(std::iter::once(bytes), origin)
    }

    /// Takes several updates in as one transaction.
    ///
    /// # Errors
    /// As [`Self::apply_update`]; nothing is taken in when one of them is no update.
    pub fn apply_updates<'b>(
        &mut self,
        updates: impl IntoIterator<Item = &'b [u8]>,
        origin: Origin,
    ) -> Result<(), DocError> {
        if self.broken {
            return Err(DocError::Broken);
        }
        let mut arrived = updates
            .into_iter()
            .map(|bytes| Ok(Some(Arrived::read(bytes)?)))
            .collect::<Result<Vec<_>, DocError>>()?;
        // Well-formed they were when they came.
        let held = std::mem::take(&mut self.held);
        for held in &held {
            arrived.push(Some(Arrived::read(held)?));
        }
        let applied = catch_unwind(AssertUnwindSafe(|| {
            let mut txn = self.doc.transact_mut_with(&origin.to_bytes()[..]);
            take_in(&mut txn, &mut arrived)
        }));
        self.held = arrived
            .into_iter()
            .flatten()
            .map(|arrived| arrived.bytes.to_vec())
            .collect();
        let mut held_bytes: usize = self.held.iter().map(Vec::len).sum();
        while held_bytes > MAX_HELD_BYTES && self.held.len() > 1 {
            held_bytes -= self.held.remove(0).len();
        }
        match applied {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(DocError::Contradictory),
            Err(_) => {
                self.broken = true;
                Err(DocError::Contradictory)
            }
        }
    }

    /// The replica id of this copy.
    #[must_use]
    pub fn client_id(&self) -> u64 {
        self.doc.client_id().get()
    }

    /// Everything as one update.
    #[must_use]
    pub fn encode_snapshot(&self) -> Vec<u8> {
        self.doc
            .transact()
            .encode_state_as_update_v1(&StateVector::default())
    }

    /// What this copy knows, as bytes.
    #[must_use]
    pub fn state_vector(&self) -> Vec<u8> {
        self.doc.transact().state_vector().encode_v1()
    }

    /// How far this copy knows each client.
    #[must_use]
    pub fn clocks(&self) -> HashMap<u64, u64> {
        known(&self.doc.transact())
    }

    /// What a copy with this state vector lacks, as one update.
    ///
    /// # Errors
    /// When the bytes are no state vector.
    pub fn encode_missing(&self, state_vector: &[u8]) -> Result<Vec<u8>, DocError> {
        let known = decoded(state_vector).ok_or(DocError::StateVector)?;
        Ok(self.doc.transact().encode_state_as_update_v1(&known))
    }

    /// An update left this copy unusable; what was taken from it before is good.
    #[must_use]
    pub const fn is_broken(&self) -> bool {
        self.broken
    }

    /// Updates are waiting for others that have not come.
    #[must_use]
    pub fn waits_for_updates(&self) -> bool {
        !self.held.is_empty() || self.doc.transact().has_missing_updates()
    }

    /// The changes since the last call, in order, as they go to the store and to peers.
    pub fn take_updates(&mut self) -> Vec<Update> {
        std::mem::take(&mut self.outbox.lock().updates)
    }

    /// What changed since the last call.
    pub fn take_dirty(&mut self) -> Dirty {
        std::mem::take(&mut self.outbox.lock().dirty)
    }

    /// The names of the roots that something was ever written to.
    pub(super) fn roots(&self) -> Vec<String> {
        let txn = self.doc.transact();
        txn.root_refs().map(|(name, _)| name.to_owned()).collect()
    }

    /// A row's property reads as something else from now on, though nothing was written.
    pub(super) fn note_dirty(&self, row: &RowRef, key: &str) {
        self.outbox.lock().dirty.note_row(row, key);
    }

    pub(super) fn read(&self) -> yrs::Transaction<'_> {
        self.doc.transact()
    }

    pub(super) fn write(&self, origin: Origin) -> TransactionMut<'_> {
        self.doc.transact_mut_with(&origin.to_bytes()[..])
    }
}

/// An update on its way into a document.
struct Arrived<'b> {
    bytes: &'b [u8],
    extents: Vec<Extent>,
    update: yrs::Update,
}

impl<'b> Arrived<'b> {
    fn read(bytes: &'b [u8]) -> Result<Self, DocError> {
        let extents = guard::extents(bytes)?;
        let update = catch_unwind(|| yrs::Update::decode_v1(bytes))
            .ok()
            .and_then(Result::ok)
            .ok_or(DocError::Contradictory)?;
        Ok(Self {
            bytes,
            extents,
            update,
        })
    }

    /// It begins where the document ends, or before.
    fn follows(&self, known: &HashMap<u64, u64>) -> bool {
        self.extents.iter().all(|extent| {
            let end = known.get(&extent.client).copied().unwrap_or(0);
            extent.follows(end)
        })
    }
}

/// Takes in every update that can be taken in by now; the others stay.
fn take_in(
    txn: &mut TransactionMut<'_>,
    arrived: &mut [Option<Arrived<'_>>],
) -> Result<(), yrs::error::UpdateError> {
    let mut known = known(txn);
    loop {
        let mut has_news = false;
        for place in &mut *arrived {
            let Some(next) = place.take_if(|next| next.follows(&known)) else {
                continue;
            };
            txn.apply_update(next.update)?;
            for extent in next.extents {
                let end = known.entry(extent.client).or_insert(0);
                *end = extent.end.max(*end);
            }
            has_news = true;
            // What it depends on has not come: the document library keeps it, or a part of it.
            if txn.has_missing_updates() {
                known = self::known(txn);
            }
        }
        if !has_news || arrived.iter().all(Option::is_none) {
            return Ok(());
        }
    }
}

/// How far the document knows each client.
fn known(txn: &impl ReadTxn) -> HashMap<u64, u64> {
    txn.state_vector()
        .iter()
        .map(|(client, clock)| (client.get(), u64::from(*clock)))
        .collect()
}

fn decoded(state_vector: &[u8]) -> Option<StateVector> {
    // A state vector's count is bounded by its length: each entry takes two bytes or more.
    let count = leading_count(state_vector)?;
    if count > (state_vector.len() / 2) as u64 {
        return None;
    }
    StateVector::decode_v1(state_vector).ok()
}

/// How far a copy with this state vector knows each client; `None` when it is none.
pub(super) fn clocks_of(state_vector: &[u8]) -> Option<HashMap<u64, u64>> {
    let clocks = decoded(state_vector)?;
    let each = clocks.iter();
    Some(
        each.map(|(client, clock)| (client.get(), u64::from(*clock)))
            .collect(),
    )
}

fn leading_count(bytes: &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for (index, byte) in bytes.iter().take(9).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// A document whose text root `root` holds `text`, as one update. Made once and stored: two such
/// updates of the same text, merged, hold it twice.
#[must_use]
pub fn text_as_update(root: &str, text: &str) -> Vec<u8> {
    let options = Options::with_client_id(ClientID::new(u64::from(fresh_client_id())));
    let doc = Doc::with_options(options);
    let content = doc.get_or_insert_text(root);
    content.insert(&mut doc.transact_mut(), 0, text);
    doc.transact()
        .encode_state_as_update_v1(&StateVector::default())
}

/// The names of the roots in an update, sorted: enough to tell what kind of document it is.
///
/// # Errors
/// When the bytes are no update.
pub(super) fn root_names(bytes: &[u8]) -> Result<Vec<String>, DocError> {
    let Arrived { update, .. } = Arrived::read(bytes)?;
    catch_unwind(AssertUnwindSafe(|| {
        let doc = Doc::new();
        let mut txn = doc.transact_mut();
        txn.apply_update(update)
            .map_err(|_| DocError::Contradictory)?;
        drop(txn);
        let mut names: Vec<String> = doc
            .transact()
            .root_refs()
            .map(|(name, _)| name.to_owned())
            .collect();
        names.sort_unstable();
        Ok(names)
    }))
    .unwrap_or(Err(DocError::Contradictory))
}
