//! Messages to the user: a short list, the newest last.

use std::sync::Arc;

use crate::model::id::SceneId;
use crate::session::api::{Notice, Severity};
use crate::util::text::sentence;

/// The most messages that are kept; the oldest that is no error goes first.
const MOST: usize = 12;

#[derive(Default)]
pub(super) struct Notices {
    next: u64,
    list: Vec<Notice>,
}

impl Notices {
    pub(super) fn add(&mut self, severity: Severity, text: impl Into<Arc<str>>) {
        self.add_with(severity, text, Vec::new(), false);
    }

    pub(super) fn add_with(
        &mut self,
        severity: Severity,
        text: impl Into<Arc<str>>,
        details: Vec<Arc<str>>,
        offers_undo: bool,
    ) {
        let text = text.into();
        // The same sentence twice says nothing new.
        self.list.retain(|notice| notice.text != text);
        if self.list.len() >= MOST {
            let oldest = self
                .list
                .iter()
                .position(|notice| notice.severity != Severity::Error)
                .unwrap_or(0);
            self.list.remove(oldest);
        }
        self.next += 1;
        self.list.push(Notice {
            id: self.next,
            severity,
            text,
            details: details.into(),
            offers_undo,
            brings_back: None,
        });
    }

    /// A notice that offers to bring a scene back.
    pub(super) fn add_bring_back(&mut self, text: String, scene: &SceneId) {
        self.add(Severity::Warning, text);
        if let Some(notice) = self.list.last_mut() {
            notice.brings_back = Some(scene.clone());
        }
    }

    /// Scenes are back, or were brought back by somebody else.
    pub(super) fn withdraw_bring_back(&mut self, is_back: impl Fn(&SceneId) -> bool) {
        self.list
            .retain(|notice| !notice.brings_back.as_ref().is_some_and(&is_back));
    }

    pub(super) fn error(&mut self, error: &impl std::fmt::Display) {
        self.add(Severity::Error, sentence(&error.to_string()));
    }

    /// Undo is no longer about what a notice offers.
    pub(super) fn withdraw_undo(&mut self) {
        self.list.retain(|notice| !notice.offers_undo);
    }

    pub(super) fn dismiss(&mut self, id: u64) {
        self.list.retain(|notice| notice.id != id);
    }

    pub(super) fn list(&self) -> Arc<[Notice]> {
        self.list.as_slice().into()
    }
}
