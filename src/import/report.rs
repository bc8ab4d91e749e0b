//! What an import took and what it did not, in plain sentences.

use serde::{Deserialize, Serialize};

/// Lines of one kind are counted in one line, so a report stays short whatever the file holds;
/// this many are kept at most.
const MAX_LINES: usize = 200;

/// What a line is about, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReportKind {
    /// Something that was taken.
    Taken,
    /// Something that was taken with a change or an assumption.
    Adjusted,
    /// Something that was left out.
    Skipped,
    /// Geometry that lies outside the picture; it was taken.
    Outside,
}

/// One sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportLine {
    /// What it is about.
    pub kind: ReportKind,
    /// The sentence.
    pub text: String,
}

/// All lines of one import, in the order in which they were found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Report {
    /// The lines.
    pub lines: Vec<ReportLine>,
}

impl Report {
    /// Adds a line.
    pub fn add(&mut self, kind: ReportKind, text: impl Into<String>) {
        if self.lines.len() < MAX_LINES {
            self.lines.push(ReportLine {
                kind,
                text: text.into(),
            });
        }
    }

    /// The sentences alone.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(|line| line.text.as_str())
    }

    /// Adds another report's lines.
    pub fn append(&mut self, other: Self) {
        for line in other.lines {
            self.add(line.kind, line.text);
        }
    }
}

/// `1 wall`, `3 walls`.
pub(crate) fn counted(n: usize, one: &str) -> String {
    if n == 1 {
        format!("1 {one}")
    } else {
        format!("{n} {one}s")
    }
}
