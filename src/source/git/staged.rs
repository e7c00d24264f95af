//! What the index would commit.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Range;

use bstr::ByteSlice as _;
use git2::{DiffOptions, IndexEntry, IndexTime, Odb, Oid};

use super::change::{Change, Changes, ParentFile, failed};
use super::index::{Cached, Index};
use super::raw::{self, EntryKind};
use super::repository::{Handle, Repository, object, object_gap};
use super::tree_diff::{self, Named, find_renames, renamed};
use crate::source::{Exclusion, ExclusionReason, RelPath, SourceError};

impl Repository {
    /// The files of the index that differ from `HEAD`, and during a merge from every parent. The
    /// work tree is not looked at, nor are folders that the index knows to be unchanged.
    pub fn staged(&self) -> Result<Changes, SourceError> {
        self.need_refs()?;
        let handle = self.handle_or_fail()?;
        let odb = handle.odb().map_err(|error| failed("objects", &error))?;
        let facts = self.facts();
        let head = match &facts.head {
            Some(head) if !facts.unborn => head.commit,
            _ => None,
        };
        let index = Index::read(self.index_file())
            .map_err(|message| SourceError::Git { what: self.index_file().display().to_string(), message })?;
        let mut staged =
            Staged { odb: &odb, index: &index, added: Vec::new(), gone: Vec::new(), changes: Changes::default() };
        let mut parents = Vec::new();
        if let Some(head) = head {
            parents.push(Some(tree_of(&odb, head).map_err(|error| failed("HEAD", &error))?));
        }
        let has_head = head.is_some();
        for commit in merge_heads(&handle) {
            match tree_of(&odb, commit) {
                Ok(tree) => parents.push(Some(tree)),
                Err(error) => staged.changes.gaps.push(object_gap("commit", commit, &error)),
            }
        }
        let head_tree = parents.first().copied().flatten().filter(|_| has_head);
        staged.compare(has_head, parents);
        let Staged { added, gone, mut changes, .. } = staged;
        changes.base = head;
        if let Some(tree) = head_tree
            && !added.is_empty()
            && !gone.is_empty()
        {
            // Without a blob that similarity needs, the file counts as new.
            let moved = renames(&handle, tree, &added, &gone).unwrap_or_default();
            changes.items.retain_mut(|change| match moved.get(&change.path) {
                Some(from) => {
                    change.parents.insert(0, from.clone());
                    from.id != change.id
                }
                None => true,
            });
        }
        changes.items.sort_by(|a, b| a.path.cmp(&b.path));
        changes.exclusions.sort_by(|a, b| a.what.cmp(&b.what));
        changes.exclusions.dedup();
        changes.gaps.sort();
        changes.gaps.dedup();
        Ok(changes)
    }
}

/// A comparison of the index with the trees of its parents.
struct Staged<'a> {
    odb: &'a Odb<'a>,
    index: &'a Index,
    /// Files that `HEAD` does not have, with their modes.
    added: Vec<(RelPath, u32, Oid)>,
    /// Files and folders that only `HEAD` has.
    gone: Vec<Vec<u8>>,
    changes: Changes,
}

/// A folder to compare.
struct Folder<'a> {
    /// Its path with a slash at the end; nothing for the root.
    path: &'a [u8],
    entries: Range<usize>,
    cached: Option<Cached>,
    /// What each parent has in its place.
    parents: Vec<Option<Oid>>,
}

impl Staged<'_> {
    /// Compares with the trees of the parents; the first is that of `HEAD` if there is one.
    fn compare(&mut self, has_head: bool, parents: Vec<Option<Oid>>) {
        let all = 0..self.index.entries.len();
        let mut stack = vec![Folder { path: b"", entries: all, cached: self.index.root(), parents }];
        while let Some(folder) = stack.pop() {
            let known = folder.cached.and_then(|cached| self.index.tree(cached, folder.entries.len()));
            // What git commits is the tree that it keeps here; if some parent has it, nothing is new.
            if known.is_some_and(|tree| folder.parents.contains(&Some(tree))) {
                continue;
            }
            let gaps = &mut self.changes.gaps;
            let before: Vec<Named> = folder
                .parents
                .iter()
                .map(|tree| tree.map_or_else(Named::new, |tree| tree_diff::read(self.odb, tree, gaps)))
                .collect();
            let mut names: BTreeSet<&[u8]> = BTreeSet::new();
            let mut at = folder.entries.start;
            while at < folder.entries.end {
                let path = self.index.path(&self.index.entries[at]);
                let rest = &path[folder.path.len()..];
                let Some(slash) = memchr::memchr(b'/', rest) else {
                    names.insert(rest);
                    self.file(at, rest, has_head, &before);
                    at += 1;
                    continue;
                };
                let name = &rest[..slash];
                names.insert(name);
                let trees = before.iter().map(|named| kind_of(named, name, EntryKind::Tree)).collect();
                if slash + 1 == rest.len() {
                    self.sparse(at, trees);
                    at += 1;
                    continue;
                }
                let below = &path[..folder.path.len() + slash + 1];
                let left = &self.index.entries[at..folder.entries.end];
                let count = left.partition_point(|entry| self.index.path(entry).starts_with(below));
                stack.push(Folder {
                    path: below,
                    entries: at..at + count,
                    cached: folder.cached.and_then(|cached| self.index.child(cached, name)),
                    parents: trees,
                });
                at += count;
            }
            if has_head && let Some(head) = before.first() {
                let gone = head.keys().filter(|name| !names.contains(&name[..]));
                self.gone.extend(gone.map(|name| [folder.path, name].concat()));
            }
        }
    }

    fn file(&mut self, at: usize, name: &[u8], has_head: bool, before: &[Named]) {
        let entry = &self.index.entries[at];
        let path = RelPath::new(self.index.path(entry));
        let mut exclude = |reason| self.changes.exclusions.push(Exclusion { reason, what: path.clone() });
        if entry.stage != 0 {
            return exclude(ExclusionReason::Unmerged);
        }
        if entry.intended {
            return;
        }
        if entry.mode == raw::MODE_COMMIT {
            let same = before.iter().any(|named| kind_of(named, name, EntryKind::Commit) == Some(entry.id));
            if !same {
                exclude(ExclusionReason::Submodule);
            }
            return;
        }
        let files = before.iter().map(|named| kind_of(named, name, EntryKind::Blob));
        let parents: Vec<ParentFile> = files.flatten().map(|id| ParentFile { path: path.clone(), id }).collect();
        if parents.iter().any(|parent| parent.id == entry.id) {
            return;
        }
        let in_head = before.first().and_then(|named| named.get(name));
        if has_head && in_head.is_none_or(|(kind, _)| *kind == EntryKind::Tree) {
            self.added.push((path.clone(), entry.mode, entry.id));
        }
        self.changes.items.push(Change { commit: None, path, id: entry.id, parents });
    }

    /// A folder of a sparse index, which holds its tree instead of its files.
    fn sparse(&mut self, at: usize, parents: Vec<Option<Oid>>) {
        let entry = &self.index.entries[at];
        if parents.contains(&Some(entry.id)) {
            return;
        }
        let folder = self.index.path(entry);
        let parents: Vec<Oid> = parents.into_iter().flatten().collect();
        let found = tree_diff::compare(self.odb, entry.id, &parents);
        let within = |path: &RelPath| RelPath::new([folder, path.as_bstr().as_bytes()].concat());
        for (path, id, parents) in found.files {
            let parents = parents.into_iter().flatten();
            let parents = parents.map(|parent| ParentFile { path: within(&parent.path), id: parent.id }).collect();
            self.changes.items.push(Change { commit: None, path: within(&path), id, parents });
        }
        let excluded = found.exclusions.into_iter().map(|one| Exclusion { what: within(&one.what), ..one });
        self.changes.exclusions.extend(excluded);
        self.changes.gaps.extend(found.gaps);
    }
}

fn kind_of(named: &Named, name: &[u8], kind: EntryKind) -> Option<Oid> {
    named.get(name).filter(|(there, _)| *there == kind).map(|(_, id)| *id)
}

fn tree_of(odb: &Odb<'_>, commit: Oid) -> Result<Oid, git2::Error> {
    let object = object(odb, commit)?;
    raw::commit(object.data()).map(|commit| commit.tree).map_err(|_| git2::Error::from_str("malformed commit"))
}

/// Where added files came from, if they are like one that is gone. libgit2 compares only those.
fn renames(
    handle: &Handle<'_>,
    head: Oid,
    added: &[(RelPath, u32, Oid)],
    gone: &[Vec<u8>],
) -> Result<BTreeMap<RelPath, ParentFile>, git2::Error> {
    let mut index = git2::Index::new()?;
    let mut options = DiffOptions::new();
    options.disable_pathspec_match(true);
    let zero = IndexTime::new(0, 0);
    for (path, mode, id) in added {
        let entry = IndexEntry {
            ctime: zero,
            mtime: zero,
            dev: 0,
            ino: 0,
            mode: *mode,
            uid: 0,
            gid: 0,
            file_size: 0,
            id: *id,
            flags: 0,
            flags_extended: 0,
            path: path.as_bstr().to_vec(),
        };
        // A path that libgit2 takes for a danger stays new.
        if index.add(&entry).is_ok() {
            options.pathspec(path.as_bstr().as_bytes());
        }
    }
    for path in gone {
        options.pathspec(path.as_slice());
    }
    let tree = handle.find_tree(head)?;
    let mut diff = handle.diff_tree_to_index(Some(&tree), Some(&index), Some(&mut options))?;
    find_renames(&mut diff)?;
    Ok(renamed(&diff))
}

/// The commits that are being merged into `HEAD`.
fn merge_heads(handle: &Handle<'_>) -> Vec<Oid> {
    let text = fs::read_to_string(handle.path().join("MERGE_HEAD")).unwrap_or_default();
    text.lines().filter_map(|line| Oid::from_str(line.trim()).ok()).collect()
}
