//! Paths of file handles, as far as answers told them.
//!
//! Limit: [`NAMES`].

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use auscult_model::Bound;

use super::Handle;
use crate::Output;

pub(super) static NAMES: Bound = Bound::settable(
    "nfs-names",
    4096,
    "file handles of one flow whose path is remembered",
    "the one learnt first is forgotten",
);
/// Longest path, in bytes; deeper names stand alone.
const PATH_MAX: usize = 1024;

/// Handles and their paths.
#[derive(Default)]
pub(crate) struct Names {
    paths: HashMap<Handle, Arc<str>>,
    order: VecDeque<Handle>,
}

impl Names {
    /// The path of a handle.
    pub(crate) fn path(&self, handle: &Handle) -> Option<Arc<str>> {
        self.paths.get(handle).cloned()
    }

    /// The path of a name in a directory; the name alone when the directory's is not known.
    pub(crate) fn child(&self, directory: &Handle, name: &str) -> Arc<str> {
        join(self.paths.get(directory).map(|path| &**path), name)
    }

    /// Remembers a path.
    pub(crate) fn learn(&mut self, handle: Handle, path: Arc<str>, out: &mut Output<'_>) {
        if self.paths.insert(handle.clone(), path).is_some() {
            return;
        }
        self.order.push_back(handle);
        if self.order.len() > out.bound(&NAMES)
            && let Some(oldest) = self.order.pop_front()
        {
            self.paths.remove(&oldest);
            out.reached(&NAMES);
        }
    }
}

/// The path of a name in a directory.
pub(crate) fn join(directory: Option<&str>, name: &str) -> Arc<str> {
    match directory {
        Some(path) if path.len() + name.len() < PATH_MAX => {
            let path = path.trim_end_matches('/');
            format!("{path}/{name}").into()
        }
        _ => name.into(),
    }
}
