//! What waits to be written, and when it is due.
//!
//! Assignments only wait; whatever makes, deletes or draws leaves at once and takes along what waits,
//! in front of it, so that an edit never overtakes an earlier one. What waits is of one gesture: an
//! edit of another one sends it off first, and so a gesture stays one step of the history. The end of
//! a gesture leaves at once with what still waits: its one last write.

use std::collections::HashMap;
use std::time::Duration;

use super::meter::Counters;
use crate::doc::write::{self, DropReason};
use crate::model::edit::{Assignment, Edit, RowRef};
use crate::model::property::Property;

/// The edits of one transaction.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// The gesture that they are of.
    pub gesture: u64,
    /// What the undo menu says.
    pub label: &'static str,
    /// The edits, in order; each property of a row at most once before the first edit that is no
    /// assignment.
    pub edits: Vec<Edit>,
}

/// What is to be done with edits that were handed in.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Pushed {
    /// To be written now, in order, each as a transaction.
    pub now: Vec<Batch>,
    /// To be shown until it is written.
    pub held: Vec<(RowRef, Vec<Assignment>)>,
    /// Why assignments are not taken: nothing becomes of them. Among them are those of properties
    /// that never leave this process.
    pub refused: Vec<DropReason>,
}

/// The queue.
#[derive(Debug, Default)]
pub struct Broadcaster {
    waiting: Option<Waiting>,
    counters: Counters,
}

#[derive(Debug)]
struct Waiting {
    gesture: u64,
    label: &'static str,
    due: Duration,
    /// Rows in the order in which they came.
    rows: Vec<(RowRef, Vec<Assignment>)>,
    /// Where a row is in `rows`.
    places: HashMap<RowRef, usize>,
}

impl Broadcaster {
    /// Takes edits of a gesture in. `at_once` sends them, and what waits, without delay: a gesture's
    /// last ones. A later edit never moves a deadline away, so while edits keep coming there is a
    /// transaction in each delay.
    pub fn push(
        &mut self,
        edits: Vec<Edit>,
        gesture: u64,
        label: &'static str,
        at_once: bool,
        now: Duration,
    ) -> Pushed {
        let mut pushed = Pushed::default();
        if !edits.is_empty() {
            self.counters.edits_in += 1;
        }
        if self
            .waiting
            .as_ref()
            .is_some_and(|of| of.gesture != gesture)
        {
            pushed.now.extend(self.take());
        }
        let edits = only_good(edits, &mut pushed.refused);
        let wait = if at_once {
            Duration::ZERO
        } else {
            edits.iter().map(delay).min().unwrap_or(Duration::MAX)
        };
        if edits.is_empty() && !at_once {
            return pushed;
        }
        let due = now.saturating_add(wait);
        let waiting = self
            .waiting
            .get_or_insert_with(|| Waiting::new(gesture, due));
        waiting.label = label;
        waiting.due = waiting.due.min(due);
        let mut edits = edits.into_iter().peekable();
        while let Some(Edit::Set { row, values }) =
            edits.next_if(|edit| matches!(edit, Edit::Set { .. }))
        {
            if !wait.is_zero() {
                pushed.held.push((row.clone(), values.clone()));
            }
            waiting.set(row, values);
        }
        if wait.is_zero() {
            let rest: Vec<Edit> = edits.collect();
            let batch = self.take().map(|mut batch| {
                batch.edits.extend(rest);
                batch
            });
            pushed
                .now
                .extend(batch.filter(|batch| !batch.edits.is_empty()));
        }
        pushed
    }

    /// What is due, for one transaction.
    pub fn due(&mut self, now: Duration) -> Option<Batch> {
        (self.next_deadline()? <= now).then(|| self.take())?
    }

    /// What waits, due or not: for whoever needs the document as it is.
    pub fn take(&mut self) -> Option<Batch> {
        let waiting = self.waiting.take()?;
        let set = |(row, values): (RowRef, Vec<Assignment>)| Edit::Set { row, values };
        Some(Batch {
            gesture: waiting.gesture,
            label: waiting.label,
            edits: waiting
                .rows
                .into_iter()
                .filter(|(_, values)| !values.is_empty())
                .map(set)
                .collect(),
        })
    }

    /// Forgets what waits for a property of a row, and the place in the queue that it had.
    pub fn withdraw(&mut self, row: &RowRef, property: &Property) {
        let Some(waiting) = &mut self.waiting else {
            return;
        };
        for (held, values) in &mut waiting.rows {
            if held == row {
                values.retain(|value| value.property != property);
            }
        }
        if waiting.rows.iter().all(|(_, values)| values.is_empty()) {
            self.waiting = None;
        }
    }

    /// When [`Self::due`] has something.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Duration> {
        self.waiting.as_ref().map(|waiting| waiting.due)
    }

    /// Something waits.
    #[must_use]
    pub const fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    /// What was counted so far.
    #[must_use]
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    /// For whoever writes: what became of a batch.
    pub const fn counters_mut(&mut self) -> &mut Counters {
        &mut self.counters
    }
}

impl Waiting {
    fn new(gesture: u64, due: Duration) -> Self {
        Self {
            gesture,
            label: "",
            due,
            rows: Vec::new(),
            places: HashMap::new(),
        }
    }

    fn set(&mut self, row: RowRef, values: Vec<Assignment>) {
        let place = *self.places.entry(row.clone()).or_insert(self.rows.len());
        if place == self.rows.len() {
            self.rows.push((row, Vec::new()));
        }
        let Some((_, held)) = self.rows.get_mut(place) else {
            return;
        };
        for value in values {
            match held.iter_mut().find(|it| it.property == value.property) {
                Some(earlier) => *earlier = value,
                None => held.push(value),
            }
        }
    }
}

/// How long an edit may wait.
fn delay(edit: &Edit) -> Duration {
    match edit {
        Edit::Set { values, .. } => values
            .iter()
            .filter_map(|value| value.property.delay.duration())
            .min()
            .unwrap_or(Duration::ZERO),
        _ => Duration::ZERO,
    }
}

/// The edits without assignments that cannot be written: none of them takes the place of a good one
/// that waits.
fn only_good(edits: Vec<Edit>, refused: &mut Vec<DropReason>) -> Vec<Edit> {
    let mut good = Vec::with_capacity(edits.len());
    for mut edit in edits {
        if let Edit::Set { row, values } = &mut edit {
            values.retain(|value| match write::check(row, value) {
                Ok(()) => true,
                Err(reason) => {
                    refused.push(reason);
                    false
                }
            });
            if values.is_empty() {
                continue;
            }
        }
        good.push(edit);
    }
    good
}
