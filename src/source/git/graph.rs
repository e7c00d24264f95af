//! The commits of a repository, in an order that depends on nothing but them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use bstr::ByteSlice as _;
use git2::{ObjectType, Oid};
use rayon::prelude::*;

use super::ids::IdMap;
use super::objects::{Census, EMPTY_TREE, plural};
use super::repository::{Repository, malformed_gap, object, object_gap};
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
}

/// A commit among others.
#[derive(Debug)]
pub struct CommitNode {
    /// What a report says of it.
    pub info: Arc<CommitInfo>,
    /// Its tree.
    pub tree: Oid,
    /// Its parents, as indices into [`CommitGraph::nodes`]; those missing are left out.
    pub parents: Vec<u32>,
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
        let mut gaps = Vec::new();
        let mut commits = Vec::with_capacity(census.commits.len());
        for read in read_all(repository, &census.commit_reading_order) {
            match read {
                Ok(read) => commits.push(read),
                Err(gap) => gaps.push(gap),
            }
        }
        let boundary = repository.shallow_boundary();
        let position: IdMap<u32> = commits.iter().zip(0..).map(|(read, at)| (read.info.id, at)).collect();
        let mut missing_parents = 0;
        let parents: Vec<Vec<u32>> = commits
            .iter()
            .map(|read| {
                let mut known = Vec::with_capacity(read.parents.len());
                for parent in &read.parents {
                    if let Some(&at) = position.get(parent) {
                        known.push(at);
                        continue;
                    }
                    missing_parents += 1;
                    // One that is there but unreadable left its gap when it was read.
                    if !boundary.contains(&read.info.id) && census.commits.binary_search(parent).is_err() {
                        gaps.push(named_but_missing("commit", *parent, read.info.id));
                    }
                }
                known
            })
            .collect();
        let empty_tree = Oid::from_str(EMPTY_TREE).ok();
        for read in &commits {
            if census.tree_ids.binary_search(&read.tree).is_err() && Some(read.tree) != empty_tree {
                gaps.push(named_but_missing("tree", read.tree, read.info.id));
            }
        }

        let order = topological(&commits.iter().collect::<Vec<_>>(), &parents);
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
        let nodes: Vec<CommitNode> = order
            .iter()
            .map(|&at| {
                let read = &commits[at as usize];
                CommitNode {
                    info: Arc::clone(&read.info),
                    tree: read.tree,
                    parents: parents[at as usize].iter().map(|&parent| rank[parent as usize]).collect(),
                }
            })
            .collect();

        let node_of = |id: &Oid| position.get(id).map(|&at| rank[at as usize]);
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
        Ok(Self { nodes, refs, head, missing_parents, gaps })
    }
}

fn named_but_missing(what: &str, id: Oid, by: Oid) -> Gap {
    Gap {
        what: format!("{what} {id}"),
        kind: GapKind::Missing,
        message: format!("named by commit {by}, but not in the object database"),
    }
}

fn read_all(repository: &Repository, ids: &[Oid]) -> Vec<Result<Read, Gap>> {
    ids.par_chunks(512)
        .flat_map_iter(|chunk| {
            let handle = repository.handle();
            let odb = match &handle {
                Ok(handle) => handle.odb(),
                Err(error) => Err(git2::Error::from_str(error.message())),
            };
            let read = |&id: &Oid| {
                let odb = odb.as_ref().map_err(|error| object_gap("commit", id, error))?;
                let object = object(odb, id).map_err(|error| object_gap("commit", id, &error))?;
                read(id, object.kind(), object.data())
            };
            chunk.iter().map(read).collect::<Vec<_>>()
        })
        .collect()
}

pub(super) fn read(id: Oid, kind: ObjectType, data: &[u8]) -> Result<Read, Gap> {
    if kind != ObjectType::Commit {
        return Err(malformed_gap("commit", id));
    }
    let commit = raw::commit(data).map_err(|_| malformed_gap("commit", id))?;
    Ok(Read { info: Arc::new(info(id, &commit)), tree: commit.tree, parents: commit.parents })
}

/// What a report says of a commit.
fn info(id: Oid, commit: &raw::RawCommit<'_>) -> CommitInfo {
    let (author_name, author_email, author_time) = raw::signature(commit.author);
    let subject = commit.message.trim_start_with(char::is_whitespace);
    let subject = subject.lines().next().unwrap_or_default();
    CommitInfo {
        id,
        author_name,
        author_email,
        author_time,
        commit_time: raw::signature(commit.committer).2,
        subject: subject.to_str_lossy().into_owned(),
    }
}

/// Kahn's algorithm. Commits in a cycle, which only a broken hash allows, are left out.
pub(super) fn topological(commits: &[&Read], parents: &[Vec<u32>]) -> Vec<u32> {
    let mut children: Vec<Vec<u32>> = vec![Vec::new(); commits.len()];
    let mut waiting: Vec<usize> = Vec::with_capacity(commits.len());
    let key = |at: u32| {
        let info = &commits[at as usize].info;
        Reverse((info.commit_time, info.id, at))
    };
    let mut ready = BinaryHeap::new();
    for (at, parents) in (0..).zip(parents) {
        waiting.push(parents.len());
        for &parent in parents {
            children[parent as usize].push(at);
        }
        if parents.is_empty() {
            ready.push(key(at));
        }
    }
    let mut order = Vec::with_capacity(commits.len());
    while let Some(Reverse((_, _, at))) = ready.pop() {
        order.push(at);
        for &child in &children[at as usize] {
            waiting[child as usize] -= 1;
            if waiting[child as usize] == 0 {
                ready.push(key(child));
            }
        }
    }
    order
}
