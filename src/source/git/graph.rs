//! The commits of a repository, in an order that depends on nothing but them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use git2::{ObjectType, Oid};

use super::commits::{Commits, Texts, Words, info};
use super::ids::IdIndex;
use super::objects::{Census, EMPTY_TREE, plural};
use super::pack::Packs;
use super::repository::{Repository, malformed_gap};
use super::{raw, refs};
use crate::source::{CommitInfo, Gap, GapKind, SourceError};

/// Commits and refs.
#[derive(Debug, Default)]
pub struct CommitGraph {
    /// Parents before children, otherwise by committer time, then id.
    pub nodes: Vec<CommitNode>,
    /// Every ref that comes down to one of the commits, sorted by name; symbolic refs are left out,
    /// a detached `HEAD` is a ref of its own.
    pub refs: Vec<RefTip>,
    /// What is checked out.
    pub head: Option<u32>,
    /// Parents that are not among the commits.
    pub missing_parents: usize,
    /// Commits, trees and refs that could not be read or are not there.
    pub gaps: Vec<Gap>,
    texts: Texts,
    /// The trees of the census.
    pub(super) trees: Arc<IdIndex>,
    /// Where trees are read.
    pub(super) packs: Option<Arc<Packs>>,
}

/// A commit among others.
#[derive(Debug)]
pub struct CommitNode {
    /// Its id.
    pub id: Oid,
    /// Its tree.
    pub tree: Oid,
    /// Its parents, as indices into [`CommitGraph::nodes`]; those missing are left out.
    pub parents: Box<[u32]>,
    words: Words,
}

/// Where a ref points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefTip {
    /// The full name, such as `refs/heads/main` or `worktree NAME HEAD`.
    pub name: String,
    /// Index into [`CommitGraph::nodes`].
    pub tip: u32,
}

/// A commit as read, before the others are known.
#[derive(Debug, Clone)]
pub(super) struct Read {
    pub(super) info: Arc<CommitInfo>,
    pub(super) tree: Oid,
    pub(super) parents: Vec<Oid>,
}

impl CommitGraph {
    /// Reads the commits of `census` and the refs.
    pub fn build(repository: &Repository, census: &Census) -> Result<Self, SourceError> {
        Self::of(repository, census, repository.read_commits(census, None))
    }

    /// Puts the commits of `census` in order and reads the refs.
    pub fn of(repository: &Repository, census: &Census, commits: Commits) -> Result<Self, SourceError> {
        let Commits { list: commits, parents: named, texts, mut gaps } = commits;
        let boundary = repository.shallow_boundary();
        let position = IdIndex::new(commits.iter().map(|commit| commit.id).collect());
        let mut missing_parents = 0;
        let parents: Vec<Box<[u32]>> = commits
            .iter()
            .map(|commit| {
                let named = &named[commit.parents.start as usize..commit.parents.end as usize];
                let known = named.iter().filter_map(|parent| {
                    let at = position.find(parent.as_bytes());
                    if at.is_none() {
                        missing_parents += 1;
                        // One that is there but unreadable left its gap when it was read.
                        if !boundary.contains(&commit.id) && census.commits.binary_search(parent).is_err() {
                            gaps.push(named_but_missing("commit", *parent, commit.id));
                        }
                    }
                    at
                });
                known.collect()
            })
            .collect();
        drop(named);
        let empty_tree = Oid::from_str(EMPTY_TREE).ok();
        for commit in &commits {
            if census.trees.find(commit.tree.as_bytes()).is_none() && Some(commit.tree) != empty_tree {
                gaps.push(named_but_missing("tree", commit.tree, commit.id));
            }
        }

        let times: Vec<i64> = commits.iter().map(|commit| commit.words.commit_time).collect();
        let order = topological(position.ids(), &times, &parents);
        drop(times);
        if order.len() < commits.len() {
            let count = commits.len() - order.len();
            gaps.push(Gap {
                what: "history".to_owned(),
                kind: GapKind::Corrupt,
                message: format!("{count} {} in a cycle", plural(count, "commit")),
            });
        }
        let mut rank = vec![0; commits.len()];
        for (&at, new) in order.iter().zip(0..) {
            rank[at as usize] = new;
        }
        let mut parents = parents;
        let nodes: Vec<CommitNode> = order
            .iter()
            .map(|&at| {
                let commit = &commits[at as usize];
                let mut parents = std::mem::take(&mut parents[at as usize]);
                parents.iter_mut().for_each(|parent| *parent = rank[*parent as usize]);
                CommitNode { id: commit.id, tree: commit.tree, parents, words: commit.words.clone() }
            })
            .collect();
        drop(commits);

        let node_of = |id: &Oid| position.find(id.as_bytes()).map(|at| rank[at as usize]);
        let handle = repository.handle_or_fail()?;
        let list = refs::list(repository, &handle);
        gaps.extend(list.gaps);
        let refs = list.refs.into_iter();
        let refs = refs.filter_map(|(name, id)| Some((name, node_of(&id)?)));
        let refs = refs.map(|(name, tip)| RefTip { name, tip }).collect();
        let head = repository.facts().head.as_ref();
        let head = head.and_then(|head| node_of(&head.commit?));
        gaps.sort();
        gaps.dedup();
        let (trees, packs) = (Arc::clone(&census.trees), census.packs.clone());
        Ok(Self { nodes, refs, head, missing_parents, gaps, texts, trees, packs })
    }

    /// What a report says of a commit.
    pub fn info(&self, commit: u32) -> Arc<CommitInfo> {
        let node = &self.nodes[commit as usize];
        Arc::new(self.texts.info(node.id, &node.words))
    }
}

fn named_but_missing(what: &str, id: Oid, by: Oid) -> Gap {
    Gap {
        what: format!("{what} {id}"),
        kind: GapKind::Missing,
        message: format!("named by commit {by}, but not in the object database"),
    }
}

pub(super) fn read(id: Oid, kind: ObjectType, data: &[u8]) -> Result<Read, Gap> {
    if kind != ObjectType::Commit {
        return Err(malformed_gap("commit", id));
    }
    let commit = raw::commit(data).map_err(|_| malformed_gap("commit", id))?;
    Ok(Read { info: Arc::new(info(id, &commit)), tree: commit.tree, parents: commit.parents })
}

/// Kahn's algorithm, by committer time, then id. Commits in a cycle, which only a broken hash allows, are left out.
pub(super) fn topological(ids: &[Oid], times: &[i64], parents: &[Box<[u32]>]) -> Vec<u32> {
    // The children of a commit stand together.
    let mut starts = vec![0u32; ids.len() + 1];
    parents.iter().flatten().for_each(|parent| starts[*parent as usize + 1] += 1);
    (0..ids.len()).for_each(|at| starts[at + 1] += starts[at]);
    let mut next = starts.clone();
    let mut children = vec![0u32; starts[ids.len()] as usize];
    let mut waiting: Vec<u32> = Vec::with_capacity(ids.len());
    let key = |at: u32| Reverse((times[at as usize], ids[at as usize], at));
    let mut ready = BinaryHeap::new();
    for (at, parents) in (0..).zip(parents) {
        waiting.push(parents.len() as u32);
        for &parent in parents {
            let slot = &mut next[parent as usize];
            children[*slot as usize] = at;
            *slot += 1;
        }
        if parents.is_empty() {
            ready.push(key(at));
        }
    }
    let mut order = Vec::with_capacity(ids.len());
    while let Some(Reverse((_, _, at))) = ready.pop() {
        order.push(at);
        for &child in &children[starts[at as usize] as usize..starts[at as usize + 1] as usize] {
            waiting[child as usize] -= 1;
            if waiting[child as usize] == 0 {
                ready.push(key(child));
            }
        }
    }
    order
}
