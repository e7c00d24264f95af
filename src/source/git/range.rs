//! What the commits of a range, or those since some time, change.

use std::collections::{BTreeSet, BinaryHeap};
use std::sync::Arc;

use git2::{Odb, Oid};
use rayon::prelude::*;

use super::change::{Change, Changes, failed};
use super::graph::{self, Read};
use super::ids::IdMap;
use super::objects::plural;
use super::repository::{Repository, object, object_gap};
use super::{refs, tree_diff};
use crate::source::{Gap, GapKind, SourceError};

/// After the last commit of the range, so many older ones are looked at before the walk trusts
/// committer times.
const SLOP: usize = 64;

impl Repository {
    /// What each commit changes that `B` reaches and `A` does not, for `A..B` or `A...B`. A side
    /// left empty is `HEAD`. Both forms look at the same commits; they differ in
    /// [`Changes::base`].
    ///
    /// Clocks that ran backwards over more than 64 commits can add commits that `A` reaches, too,
    /// and never lose one.
    pub fn range(&self, spec: &str) -> Result<Changes, SourceError> {
        self.need_refs()?;
        let (a, b, symmetric) = match (spec.split_once("..."), spec.split_once("..")) {
            (Some((a, b)), _) => (a, b, true),
            (None, Some((a, b))) => (a, b, false),
            (None, None) => {
                let name = spec.to_owned();
                return Err(SourceError::UnknownRevision { name });
            }
        };
        let side = |name: &str| self.resolve(if name.is_empty() { "HEAD" } else { name });
        let (a, b) = (side(a)?, side(b)?);

        let handle = self.handle_or_fail()?;
        let odb = handle.odb().map_err(|error| failed("objects", &error))?;
        let mut walk = Walk::new(&odb, self.shallow_boundary());
        walk.run(&[a], &[b]);
        let base = if symmetric { handle.merge_base(a, b).ok() } else { Some(a) };
        // Where a shallow clone ends inside the range, the base stands in for the parents: it is
        // nearer to what the commit changed than an empty tree.
        let stand_in = base.and_then(|base| walk.load(base).map(|read| read.tree));
        let (commits, mut changes) = walk.finish();
        drop(odb);
        drop(handle);
        self.compare(&commits, stand_in, &mut changes);
        changes.base = base;
        changes.tips = vec![b];
        Ok(changes)
    }

    /// What each commit of any ref changes whose committer time is not before `seconds` since 1970. Clocks that ran
    /// backwards over more than 64 commits can hide some, as they do from `git log --since`.
    pub fn since(&self, seconds: i64) -> Result<Changes, SourceError> {
        self.need_refs()?;
        let handle = self.handle_or_fail()?;
        let odb = handle.odb().map_err(|error| failed("objects", &error))?;
        let mut list = refs::list(self, &handle);
        let mut walk = Walk::new(&odb, self.shallow_boundary());
        for (_, tip) in list.refs.drain(..) {
            walk.push(tip, false);
        }
        // A commit may be newer than its children say, so some older ones are looked at.
        let mut slop = SLOP;
        while let Some((time, id)) = walk.heap.pop() {
            slop = if time >= seconds { SLOP } else { slop - 1 };
            if slop == 0 {
                break;
            }
            walk.step(id);
        }
        let newer = |read: &Read| read.info.commit_time >= seconds;
        walk.boundary_met.retain(|id| walk.nodes.get(id).is_some_and(|node| newer(&node.read)));
        let (mut commits, mut changes) = walk.finish();
        commits.retain(|commit| newer(&commit.read));
        changes.commits = commits.iter().map(|commit| commit.read.info.id).collect();
        changes.gaps.extend(list.gaps);
        drop(odb);
        drop(handle);
        self.compare(&commits, None, &mut changes);
        Ok(changes)
    }

    /// Compares each commit with its parents.
    pub(super) fn compare(&self, commits: &[Selected], stand_in: Option<Oid>, changes: &mut Changes) {
        let found: Vec<Changes> = commits.par_iter().map(|commit| self.compare_one(commit, stand_in)).collect();
        for mut found in found {
            changes.items.append(&mut found.items);
            changes.exclusions.append(&mut found.exclusions);
            changes.gaps.append(&mut found.gaps);
        }
        changes.gaps.sort();
        changes.gaps.dedup();
    }

    fn compare_one(&self, commit: &Selected, stand_in: Option<Oid>) -> Changes {
        let mut changes = Changes::default();
        let unreadable = |error: &git2::Error| object_gap("commit", commit.read.info.id, error);
        let handle = match self.handle() {
            Ok(handle) => handle,
            Err(error) => {
                changes.gaps.push(unreadable(&error));
                return changes;
            }
        };
        let odb = match handle.odb() {
            Ok(odb) => odb,
            Err(error) => {
                changes.gaps.push(unreadable(&error));
                return changes;
            }
        };
        let mut parents = commit.parent_trees.clone();
        if commit.cut_off {
            parents.extend(stand_in);
        }
        let mut diff = tree_diff::compare(&odb, commit.read.tree, &parents);
        diff.follow_renames(&handle, commit.read.tree, &parents);
        changes.gaps = diff.gaps;
        changes.exclusions = diff.exclusions;
        changes.items = diff
            .files
            .into_iter()
            .map(|(path, id, parents)| Change {
                commit: Some(Arc::clone(&commit.read.info)),
                path,
                id,
                parents: parents.into_iter().flatten().collect(),
            })
            .collect();
        changes
    }
}

/// A commit to look at.
pub(super) struct Selected {
    read: Read,
    parent_trees: Vec<Oid>,
    /// Some parents are not there.
    cut_off: bool,
}

/// A commit that the walk has met.
struct Node {
    read: Read,
    /// `A` reaches it.
    excluded: bool,
    /// Its parents have been looked at.
    done: bool,
}

/// Goes back from both sides together, latest first.
pub(super) struct Walk<'a> {
    odb: &'a Odb<'a>,
    boundary: BTreeSet<Oid>,
    nodes: IdMap<Node>,
    heap: BinaryHeap<(i64, Oid)>,
    /// Commits in the heap that `A` is not known to reach.
    open: usize,
    gaps: Vec<Gap>,
    boundary_met: BTreeSet<Oid>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(odb: &'a Odb<'a>, boundary: BTreeSet<Oid>) -> Self {
        Self {
            odb,
            boundary,
            nodes: IdMap::default(),
            heap: BinaryHeap::new(),
            open: 0,
            gaps: Vec::new(),
            boundary_met: BTreeSet::new(),
        }
    }

    /// Looks at what `tips` reach and `known` do not.
    pub(super) fn run(&mut self, known: &[Oid], tips: &[Oid]) {
        known.iter().for_each(|id| self.push(*id, true));
        tips.iter().for_each(|id| self.push(*id, false));
        let mut oldest = i64::MAX;
        let mut slop = SLOP;
        while let Some((time, id)) = self.heap.pop() {
            if self.nodes.get(&id).is_some_and(|node| !node.excluded) {
                oldest = oldest.min(time);
            }
            self.step(id);
            if self.open > 0 || self.heap.peek().is_some_and(|&(time, _)| time >= oldest) {
                slop = SLOP;
            } else if slop == 0 {
                break;
            } else {
                slop -= 1;
            }
        }
    }

    /// Reads a commit; one that cannot be read becomes a gap.
    fn load(&mut self, id: Oid) -> Option<&Read> {
        if !self.nodes.contains_key(&id) {
            let read = object(self.odb, id)
                .map_err(|error| object_gap("commit", id, &error))
                .and_then(|object| graph::read(id, object.kind(), object.data()));
            match read {
                Ok(read) => {
                    let node = Node { read, excluded: true, done: false };
                    self.nodes.insert(id, node);
                }
                Err(gap) => {
                    self.gaps.push(gap);
                    return None;
                }
            }
        }
        self.nodes.get(&id).map(|node| &node.read)
    }

    fn push(&mut self, id: Oid, excluded: bool) {
        if self.nodes.contains_key(&id) {
            if excluded {
                self.exclude(id);
            }
            return;
        }
        let gaps = self.gaps.len();
        let Some(read) = self.load(id) else {
            if excluded {
                // Outside the range, nobody asked for it.
                self.gaps.truncate(gaps);
            }
            return;
        };
        let time = read.info.commit_time;
        self.heap.push((time, id));
        if let Some(node) = self.nodes.get_mut(&id) {
            node.excluded = excluded;
        }
        self.open += usize::from(!excluded);
    }

    /// `A` reaches this commit, and so everything behind it.
    fn exclude(&mut self, id: Oid) {
        let mut stack = vec![id];
        while let Some(id) = stack.pop() {
            let Some(node) = self.nodes.get_mut(&id) else {
                continue;
            };
            if std::mem::replace(&mut node.excluded, true) {
                continue;
            }
            if node.done {
                stack.extend(&node.read.parents);
            } else {
                self.open -= 1;
            }
        }
    }

    fn step(&mut self, id: Oid) {
        let Some(node) = self.nodes.get_mut(&id) else {
            return;
        };
        node.done = true;
        let excluded = node.excluded;
        self.open -= usize::from(!excluded);
        if self.boundary.contains(&id) {
            if !excluded {
                self.boundary_met.insert(id);
            }
            return;
        }
        for parent in node.read.parents.clone() {
            self.push(parent, excluded);
        }
    }

    /// The commits found, parents first.
    pub(super) fn finish(mut self) -> (Vec<Selected>, Changes) {
        let mut ids: Vec<Oid> = self.nodes.keys().copied().collect();
        ids.sort_unstable();
        ids.retain(|id| self.nodes.get(id).is_some_and(|node| !node.excluded));
        let mut selected = Vec::with_capacity(ids.len());
        for &id in &ids {
            let Some(node) = self.nodes.get(&id) else {
                continue;
            };
            let parents = &node.read.parents;
            let known = parents.iter().filter_map(|parent| self.nodes.get(parent));
            let parent_trees: Vec<Oid> = known.map(|node| node.read.tree).collect();
            selected.push(Selected {
                cut_off: parent_trees.len() < parents.len(),
                read: node.read.clone(),
                parent_trees,
            });
        }
        let position: IdMap<u32> = ids.iter().copied().zip(0..).collect();
        let parents: Vec<Box<[u32]>> = selected
            .iter()
            .map(|commit| {
                let parents = commit.read.parents.iter();
                parents.filter_map(|id| position.get(id).copied()).collect()
            })
            .collect();
        let times: Vec<i64> = selected.iter().map(|commit| commit.read.info.commit_time).collect();
        let order = graph::topological(&ids, &times, &parents);
        let mut slots: Vec<Option<Selected>> = selected.into_iter().map(Some).collect();
        let commits: Vec<Selected> = order.into_iter().filter_map(|at| slots[at as usize].take()).collect();
        self.boundary_met.retain(|id| position.contains_key(id));
        if !self.boundary_met.is_empty() {
            let count = self.boundary_met.len();
            self.gaps.push(Gap {
                what: "shallow clone".to_owned(),
                kind: GapKind::PartialHistory,
                message: format!("history is cut off at {count} {}", plural(count, "commit")),
            });
        }
        let changes = Changes {
            commits: commits.iter().map(|commit| commit.read.info.id).collect(),
            gaps: self.gaps,
            ..Changes::default()
        };
        (commits, changes)
    }
}
