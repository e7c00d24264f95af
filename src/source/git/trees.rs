//! Walks trees, each once, and collects what they name.

use git2::{ObjectType, Oid};
use rayon::prelude::*;

use super::ids::IdSet;
use super::raw::{self, EntryKind};
use super::repository::{Repository, malformed_gap, object, object_gap};
use crate::source::Gap;

/// Trees read between two updates of what has been seen. Bounds the memory for their entries.
const BATCH: usize = 2048;

/// A walk over trees.
#[derive(Debug, Default)]
pub(super) struct TreeWalk {
    queue: Vec<Oid>,
    trees: IdSet,
    blobs: IdSet,
    /// Trees that could not be read, sorted.
    pub(super) gaps: Vec<Gap>,
}

/// What one tree names.
type Named = Result<Vec<(EntryKind, Oid)>, Gap>;

impl TreeWalk {
    /// Adds a tree to walk.
    pub(super) fn add_root(&mut self, tree: Oid) {
        if self.trees.insert(tree) {
            self.queue.push(tree);
        }
    }

    /// Adds a blob that no tree needs to name.
    pub(super) fn add_blob(&mut self, blob: Oid) {
        self.blobs.insert(blob);
    }

    /// Reads all trees, those they name, and so on.
    pub(super) fn run(&mut self, repository: &Repository) {
        while !self.queue.is_empty() {
            // The end of the queue first, so that it stays short.
            let batch = self.queue.split_off(self.queue.len().saturating_sub(BATCH));
            let named: Vec<Named> = batch.par_chunks(64).flat_map_iter(|chunk| self.read(repository, chunk)).collect();
            for named in named {
                match named {
                    Ok(named) => {
                        for (kind, id) in named {
                            match kind {
                                EntryKind::Tree => self.add_root(id),
                                _ => self.add_blob(id),
                            }
                        }
                    }
                    Err(gap) => self.gaps.push(gap),
                }
            }
        }
        self.gaps.sort();
    }

    fn read(&self, repository: &Repository, chunk: &[Oid]) -> Vec<Named> {
        let handle = repository.handle();
        let odb = match &handle {
            Ok(handle) => handle.odb(),
            Err(error) => Err(git2::Error::from_str(error.message())),
        };
        let read = |&id: &Oid| {
            let odb = odb.as_ref().map_err(|error| object_gap("tree", id, error))?;
            let tree = object(odb, id).map_err(|error| object_gap("tree", id, &error))?;
            if tree.kind() != ObjectType::Tree {
                return Err(malformed_gap("tree", id));
            }
            let mut named = Vec::new();
            for entry in raw::entries(tree.data()) {
                let entry = entry.map_err(|_| malformed_gap("tree", id))?;
                let seen = match entry.kind {
                    EntryKind::Tree => &self.trees,
                    EntryKind::Blob => &self.blobs,
                    EntryKind::Commit => continue,
                };
                let id = entry.id();
                if !seen.contains(&id) {
                    named.push((entry.kind, id));
                }
            }
            Ok(named)
        };
        chunk.iter().map(read).collect()
    }

    /// The trees met, sorted.
    pub(super) fn trees(&self) -> Vec<Oid> {
        sorted(&self.trees)
    }

    /// The blobs met, sorted.
    pub(super) fn blobs(&self) -> Vec<Oid> {
        sorted(&self.blobs)
    }
}

fn sorted(set: &IdSet) -> Vec<Oid> {
    let mut ids: Vec<Oid> = set.iter().copied().collect();
    ids.par_sort_unstable();
    ids
}
