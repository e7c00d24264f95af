//! Finds the files of a tree that are in none of its parents' trees at the same path.

use std::collections::BTreeMap;

use git2::{DiffFindOptions, ObjectType, Odb, Oid};

use super::change::ParentFile;
use super::raw::{self, EntryKind};
use super::repository::{malformed_gap, object, object_gap};
use crate::source::{Exclusion, ExclusionReason, Gap, GapKind, RelPath};

/// Deeper folders are left out.
const MAX_DEPTH: usize = 4096;
/// More new files in one commit are left out: folders that name the same folder many times, level
/// by level, hold more than any memory.
const MAX_FILES: usize = 1 << 20;
/// More additions times deletions than this squared are not compared by content.
const RENAME_LIMIT: usize = 400;

/// What a tree has that its parents have not.
#[derive(Debug, Default)]
pub(super) struct TreeDiff {
    /// Path, content, and the same file in each parent that has it; sorted by path.
    pub(super) files: Vec<(RelPath, Oid, Vec<Option<ParentFile>>)>,
    /// Submodules that moved.
    pub(super) exclusions: Vec<Exclusion>,
    /// Trees that could not be read.
    pub(super) gaps: Vec<Gap>,
}

pub(super) type Named = BTreeMap<Vec<u8>, (EntryKind, Oid)>;

/// A folder to compare.
struct Folder {
    path: Vec<u8>,
    depth: usize,
    tree: Oid,
    parents: Vec<Option<Oid>>,
}

/// Compares a tree with those of its parents. What any parent has, too, is passed over; for a merge
/// only what the merge itself brings in is left.
pub(super) fn compare(odb: &Odb<'_>, tree: Oid, parents: &[Oid]) -> TreeDiff {
    let mut found = TreeDiff::default();
    let mut stack = Vec::new();
    if !parents.contains(&tree) {
        stack.push(Folder { path: Vec::new(), depth: 0, tree, parents: parents.iter().copied().map(Some).collect() });
    }
    while let Some(folder) = stack.pop() {
        let limit = if folder.depth > MAX_DEPTH {
            Some("more than 4096 folders deep")
        } else if found.files.len() > MAX_FILES {
            Some("more than a million new files in one commit")
        } else {
            None
        };
        if let Some(message) = limit {
            found.gaps.push(Gap {
                what: format!("tree {}", folder.tree),
                kind: GapKind::Limit,
                message: message.to_owned(),
            });
            if found.files.len() > MAX_FILES {
                break;
            }
            continue;
        }
        let here = read(odb, folder.tree, &mut found.gaps);
        let before: Vec<Named> =
            folder.parents.iter().map(|id| id.map_or_else(Named::new, |id| read(odb, id, &mut found.gaps))).collect();
        for (name, entry) in here {
            let before: Vec<_> = before.iter().map(|named| named.get(&name)).collect();
            if before.contains(&Some(&entry)) {
                continue;
            }
            let mut path = folder.path.clone();
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend(&name);
            let (kind, id) = entry;
            let same_kind = before.iter().map(|entry| {
                let entry = entry.filter(|(before, _)| *before == kind);
                entry.map(|&(_, id)| id)
            });
            match kind {
                EntryKind::Tree => {
                    stack.push(Folder { depth: folder.depth + 1, tree: id, parents: same_kind.collect(), path })
                }
                EntryKind::Blob => {
                    let path = RelPath::new(path);
                    let file = |id| ParentFile { path: path.clone(), id };
                    let parents = same_kind.map(|id| id.map(file)).collect();
                    found.files.push((path, id, parents));
                }
                EntryKind::Commit => {
                    found.exclusions.push(Exclusion { reason: ExclusionReason::Submodule, what: RelPath::new(path) })
                }
            }
        }
    }
    found.files.sort_by(|a, b| a.0.cmp(&b.0));
    found.exclusions.sort_by(|a, b| a.what.cmp(&b.what));
    found
}

impl TreeDiff {
    /// Looks for files that only moved: those get the file they came from, and those that did not
    /// change on the way are dropped.
    pub(super) fn follow_renames(&mut self, repository: &git2::Repository, tree: Oid, parents: &[Oid]) {
        // A tree so deep or wide is not worth a second walk.
        if self.gaps.iter().any(|gap| gap.kind == GapKind::Limit) {
            return;
        }
        for (at, &parent) in parents.iter().enumerate() {
            // A merge differs from each parent by a whole branch, which is dear to search, so it is
            // searched only for files that no parent has.
            if !self.files.iter().any(|(_, _, parents)| parents.iter().all(Option::is_none)) {
                break;
            }
            let Ok(renames) = renames(repository, parent, tree) else {
                // Without a blob that similarity needs, the file counts as new.
                continue;
            };
            for (path, _, parents) in &mut self.files {
                if parents[at].is_none() {
                    parents[at] = renames.get(path).cloned();
                }
            }
        }
        self.files.retain(|(_, id, parents)| {
            let mut parents = parents.iter().flatten();
            !parents.any(|parent| parent.id == *id)
        });
    }
}

fn renames(repository: &git2::Repository, old: Oid, new: Oid) -> Result<BTreeMap<RelPath, ParentFile>, git2::Error> {
    let old = repository.find_tree(old)?;
    let new = repository.find_tree(new)?;
    let mut diff = repository.diff_tree_to_tree(Some(&old), Some(&new), None)?;
    find_renames(&mut diff)?;
    Ok(renamed(&diff))
}

/// Pairs additions with deletions of similar content.
pub(super) fn find_renames(diff: &mut git2::Diff<'_>) -> Result<(), git2::Error> {
    let added = diff.deltas().any(|d| d.status() == git2::Delta::Added);
    let deleted = diff.deltas().any(|d| d.status() == git2::Delta::Deleted);
    if !(added && deleted) {
        return Ok(());
    }
    let mut options = DiffFindOptions::new();
    options.renames(true).rename_limit(RENAME_LIMIT);
    diff.find_similar(Some(&mut options))
}

/// The renamed files of a diff: where they are now, and what they were.
pub(super) fn renamed(diff: &git2::Diff<'_>) -> BTreeMap<RelPath, ParentFile> {
    let mut found = BTreeMap::new();
    for delta in diff.deltas() {
        if delta.status() == git2::Delta::Renamed
            && let (Some(old), Some(new)) = (delta.old_file().path_bytes(), delta.new_file().path_bytes())
        {
            let file = ParentFile { path: RelPath::new(old), id: delta.old_file().id() };
            found.insert(RelPath::new(new), file);
        }
    }
    found
}

/// What a tree names; what cannot be read of it is a gap.
pub(super) fn read(odb: &Odb<'_>, id: Oid, gaps: &mut Vec<Gap>) -> Named {
    let mut named = Named::new();
    match object(odb, id) {
        Ok(tree) if tree.kind() == ObjectType::Tree => {
            for entry in raw::entries(tree.data()) {
                match entry {
                    Ok(entry) => {
                        named.insert(entry.name.to_vec(), (entry.kind, entry.id()));
                    }
                    Err(_) => gaps.push(malformed_gap("tree", id)),
                }
            }
        }
        Ok(_) => gaps.push(malformed_gap("tree", id)),
        Err(error) => gaps.push(object_gap("tree", id, &error)),
    }
    named
}
