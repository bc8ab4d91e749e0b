//! The masks that views show, on the GPU once for all views that show the same.

use std::sync::Arc;

use crate::geom::mask::Mask;
use crate::util::revision::Revision;

use super::frame::ViewId;
use super::gpu::Gpu;

/// What is made of a mask.
pub(super) trait MaskResource: Sized {
    /// # Errors
    /// The device refused it, in its own words.
    fn create(gpu: &Gpu, mask: Arc<Mask>) -> Result<Self, String>;

    /// Takes on another mask of the same size; `false` when the sizes differ.
    fn update(&mut self, gpu: &Gpu, mask: Arc<Mask>) -> bool;
}

/// Who shows a mask: a view, and which of its masks.
pub(super) type MaskUser = (ViewId, u64);

#[derive(Debug)]
pub(super) struct MaskCache<T> {
    entries: Vec<Entry<T>>,
    /// A test may make the device refuse.
    #[cfg(test)]
    pub(super) refuse: bool,
}

#[derive(Debug)]
struct Entry<T> {
    revision: Revision,
    resource: Result<T, String>,
    users: Vec<MaskUser>,
}

impl<T> Default for MaskCache<T> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            #[cfg(test)]
            refuse: false,
        }
    }
}

impl<T: MaskResource> MaskCache<T> {
    /// The mask of this revision. One that only this user showed before changes in place; one that
    /// another shows too is left to it.
    ///
    /// # Errors
    /// The device refused it, in its own words.
    pub(super) fn get(
        &mut self,
        gpu: &Gpu,
        user: MaskUser,
        revision: Revision,
        mask: &Arc<Mask>,
    ) -> Result<&T, &str> {
        #[cfg(test)]
        if self.refuse {
            return Err("refused by a test");
        }
        let index = match self.entries.iter().position(|e| e.revision == revision) {
            Some(index) => index,
            None => self.take_on(gpu, user, revision, mask),
        };
        for (i, entry) in self.entries.iter_mut().enumerate() {
            let uses = entry.users.contains(&user);
            if i == index && !uses {
                entry.users.push(user);
            } else if i != index && uses {
                entry.users.retain(|&u| u != user);
            }
        }
        match self.entries.get(index).map(|e| &e.resource) {
            Some(Ok(resource)) => Ok(resource),
            Some(Err(message)) => Err(message),
            None => Err("there is no such mask"),
        }
    }

    fn take_on(
        &mut self,
        gpu: &Gpu,
        user: MaskUser,
        revision: Revision,
        mask: &Arc<Mask>,
    ) -> usize {
        let own = self.entries.iter().position(|e| e.users == [user]);
        let reusable = own.or_else(|| self.entries.iter().position(|e| e.users.is_empty()));
        if let Some(index) = reusable
            && let Some(entry) = self.entries.get_mut(index)
        {
            let updated = match &mut entry.resource {
                Ok(resource) => resource.update(gpu, mask.clone()),
                Err(_) => false,
            };
            if !updated {
                entry.resource = T::create(gpu, mask.clone());
            }
            entry.revision = revision;
            return index;
        }
        self.entries.push(Entry {
            revision,
            resource: T::create(gpu, mask.clone()),
            users: Vec::new(),
        });
        self.entries.len() - 1
    }

    /// Of a view's masks only these are still shown; spare ones beyond the first are dropped.
    pub(super) fn keep(&mut self, view: ViewId, shown: &[u64]) {
        for entry in &mut self.entries {
            entry
                .users
                .retain(|(v, which)| *v != view || shown.contains(which));
        }
        while self.entries.iter().filter(|e| e.users.is_empty()).count() > 1 {
            match self.entries.iter().position(|e| e.users.is_empty()) {
                Some(unused) => drop(self.entries.remove(unused)),
                None => return,
            }
        }
    }
}
