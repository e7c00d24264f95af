//! What the index would commit.

use std::fs;

use git2::{Delta, DiffOptions, FileMode, IndexEntryExtendedFlag, Odb, Oid};

use super::change::{Change, Changes, ParentFile, failed, holds};
use super::repository::{Handle, Repository};
use super::tree_diff::find_renames;
use crate::source::{Exclusion, ExclusionReason, RelPath, SourceError};

impl Repository {
    /// The files of the index that differ from `HEAD`, and during a merge from every parent. The
    /// work tree is not looked at.
    pub fn staged(&self) -> Result<Changes, SourceError> {
        let handle = self.handle_or_fail()?;
        let facts = self.facts();
        let mut changes = Changes::default();
        let head = match &facts.head {
            Some(head) if !facts.unborn => head.commit,
            _ => None,
        };
        changes.base = head;
        let tree =
            head.map(|head| handle.find_commit(head)?.tree()).transpose().map_err(|error| failed("HEAD", &error))?;
        let index = handle.index().map_err(|error| failed("the index", &error))?;
        let mut options = DiffOptions::new();
        options.include_typechange(true);
        let mut diff = handle
            .diff_tree_to_index(tree.as_ref(), Some(&index), Some(&mut options))
            .map_err(|error| failed("the index", &error))?;
        // Without a blob that similarity needs, the file counts as new.
        let _ = find_renames(&mut diff);

        let merged = merge_heads(&handle);
        let intended = intended(&index);
        let odb = handle.odb().map_err(|error| failed("objects", &error))?;
        for delta in diff.deltas() {
            let file = delta.new_file();
            let old = delta.old_file();
            let Some(path) = file.path_bytes().or(old.path_bytes()).map(RelPath::new) else {
                continue;
            };
            let exclude = |reason| Exclusion { reason, what: path.clone() };
            match delta.status() {
                Delta::Deleted | Delta::Unmodified => continue,
                Delta::Conflicted => {
                    changes.exclusions.push(exclude(ExclusionReason::Unmerged));
                    continue;
                }
                _ if file.mode() == FileMode::Commit => {
                    changes.exclusions.push(exclude(ExclusionReason::Submodule));
                    continue;
                }
                _ => {}
            }
            // Promised by `git add -N`, but nothing of it would be committed.
            if intended.binary_search(&path).is_ok() {
                continue;
            }
            let parents = if matches!(delta.status(), Delta::Added)
                || matches!(old.mode(), FileMode::Commit | FileMode::Unreadable)
            {
                Vec::new()
            } else {
                old.path_bytes().map(|path| ParentFile { path: RelPath::new(path), id: old.id() }).into_iter().collect()
            };
            let change = Change { commit: None, path, id: file.id(), parents };
            changes.add(change, &odb, &merged);
        }
        changes.items.sort_by(|a, b| a.path.cmp(&b.path));
        changes.exclusions.sort_by(|a, b| a.what.cmp(&b.what));
        changes.exclusions.dedup();
        changes.gaps.sort();
        changes.gaps.dedup();
        Ok(changes)
    }
}

impl Changes {
    /// Adds a file of the index, unless it is what a commit being merged has at its path.
    fn add(&mut self, mut change: Change, odb: &Odb<'_>, merged: &[Oid]) {
        for &commit in merged {
            match holds(odb, commit, &change.path) {
                Ok(Some(id)) => change.parents.push(ParentFile { path: change.path.clone(), id }),
                Ok(None) => {}
                Err(gap) => self.gaps.push(gap),
            }
        }
        let unchanged = |parent: &ParentFile| parent.id == change.id;
        if !change.parents.iter().any(unchanged) {
            self.items.push(change);
        }
    }
}

/// The commits that are being merged into `HEAD`.
fn merge_heads(handle: &Handle<'_>) -> Vec<Oid> {
    let text = fs::read_to_string(handle.path().join("MERGE_HEAD")).unwrap_or_default();
    text.lines().filter_map(|line| Oid::from_str(line.trim()).ok()).collect()
}

/// Paths of `git add -N`, sorted.
fn intended(index: &git2::Index) -> Vec<RelPath> {
    let flag = IndexEntryExtendedFlag::INTENT_TO_ADD.bits();
    let mut paths: Vec<RelPath> =
        index.iter().filter(|entry| entry.flags_extended & flag != 0).map(|entry| RelPath::new(entry.path)).collect();
    paths.sort_unstable();
    paths
}
