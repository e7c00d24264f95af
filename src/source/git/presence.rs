//! Finds where blobs of interest stand in every tree, reading each tree once.
//!
//! What a tree holds of them becomes a *set*: its entries that are such a blob, or a folder with a
//! set of its own. Equal sets have equal numbers, so "nothing changed below this folder" is one
//! comparison, whatever else changed in it. Number 0 is the empty set.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use git2::{ObjectType, Odb, Oid};

use super::graph::CommitGraph;
use super::ids::IdMap;
use super::raw;
use super::repository::{Repository, malformed_gap, object, object_gap};
use super::tree_tables::{Entry, Named, Names, Tables};
use crate::source::{Gap, GapKind};

/// Deeper folders are left out; paths of such length exist only to hurt.
const MAX_HEIGHT: u32 = 4096;
/// A tree with more places is left out: folders that name the same folder many times, level by
/// level, hold more than any memory.
const MAX_PLACES: u64 = 1 << 20;

/// What an entry of a set stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Child {
    /// A blob of interest.
    Blob(u32),
    /// A folder.
    Set(u32),
}

/// An entry of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Member {
    /// Index into [`Sets::names`].
    pub(super) name: u32,
    /// What it stands for.
    pub(super) child: Child,
}

/// All distinct sets. A set's folders have smaller numbers than itself.
#[derive(Debug, Default)]
pub(super) struct Sets {
    /// The members of each set, sorted by name and child.
    pub(super) sets: Vec<Box<[Member]>>,
    /// Parts of paths.
    pub(super) names: Vec<Box<[u8]>>,
    set_numbers: HashMap<Box<[Member]>, u32>,
    heights: Vec<u32>,
    places: Vec<u64>,
}

/// What the trees of all commits hold.
#[derive(Debug)]
pub(super) struct Presence {
    /// All distinct sets.
    pub(super) sets: Sets,
    /// The set of each root, in the order asked.
    pub(super) roots: Vec<u32>,
    /// Trees that could not be read, sorted.
    pub(super) gaps: Vec<Gap>,
}

/// Finds `blobs` (with their numbers) in the trees `roots` of some commits.
pub(super) fn find(repository: &Repository, graph: &CommitGraph, blobs: &IdMap<u32>) -> Presence {
    let tables = Tables::new(&graph.trees, blobs);
    match &graph.packs {
        Some(packs) => tables.fill(packs),
        None => tables.fill(&repository.packs()),
    }
    let handle = repository.handle();
    let odb = match &handle {
        Ok(handle) => handle.odb(),
        Err(error) => Err(git2::Error::from_str(error.message())),
    };
    let memo = vec![UNKNOWN; graph.trees.ids().len()];
    let mut finder = Finder { odb: odb.as_ref(), tables, memo, sets: Sets::with_empty(), gaps: Vec::new() };
    let roots = graph.nodes.iter().map(|node| finder.resolve(&node.tree)).collect();
    let Finder { tables, mut sets, mut gaps, .. } = finder;
    sets.names = tables.into_names().list;
    gaps.sort();
    Presence { sets, roots, gaps }
}

/// Says of most ids with one look that they are not of interest.
pub(super) struct Filter(Vec<u64>);

impl Filter {
    pub(super) fn new(blobs: &IdMap<u32>) -> Self {
        let mut bits = vec![0; 1 << 10];
        for id in sorted_keys(blobs) {
            let at = Self::position(id.as_bytes());
            bits[at >> 6] |= 1 << (at & 63);
        }
        Self(bits)
    }

    fn position(id: &[u8]) -> usize {
        usize::from(id[0]) << 8 | usize::from(id[1])
    }

    #[inline]
    pub(super) fn may_hold(&self, id: &[u8; 20]) -> bool {
        let at = Self::position(id);
        self.0[at >> 6] >> (at & 63) & 1 == 1
    }
}

fn sorted_keys(blobs: &IdMap<u32>) -> Vec<Oid> {
    let mut ids: Vec<Oid> = blobs.keys().copied().collect();
    ids.sort_unstable();
    ids
}

/// In the memory of trees: not resolved yet.
const UNKNOWN: u32 = u32::MAX;

struct Finder<'a> {
    odb: Result<&'a Odb<'a>, &'a git2::Error>,
    tables: Tables<'a>,
    /// The set of each tree.
    memo: Vec<u32>,
    sets: Sets,
    gaps: Vec<Gap>,
}

/// A tree whose folders are not all known yet.
#[derive(Default)]
struct Frame {
    tree: u32,
    /// Blobs of interest and folders that hold some.
    known: Vec<Member>,
    /// Names and trees.
    unknown: Vec<(u32, u32)>,
}

impl Finder<'_> {
    /// The set of a tree. Goes down with a stack of its own, since a hostile tree has a million
    /// levels.
    fn resolve(&mut self, root: &Oid) -> u32 {
        let root = root.as_bytes().first_chunk().map_or(0, |id| self.tables.number(id));
        if let Some(set) = self.recall(root) {
            return set;
        }
        let mut stack = vec![self.open(root)];
        let mut done = 0;
        while let Some(frame) = stack.last_mut() {
            if let Some((name, tree)) = frame.unknown.pop() {
                if let Some(set) = self.recall(tree) {
                    if set != 0 {
                        frame.known.push(Member { name, child: Child::Set(set) });
                    }
                } else {
                    // Asked again when it is known.
                    frame.unknown.push((name, tree));
                    let next = self.open(tree);
                    stack.push(next);
                }
                continue;
            }
            let Some(frame) = stack.pop() else { break };
            done = self.number(frame.tree, frame.known);
            if self.memo.len() <= frame.tree as usize {
                self.memo.resize(frame.tree as usize + 1, UNKNOWN);
            }
            self.memo[frame.tree as usize] = done;
        }
        done
    }

    fn open(&mut self, tree: u32) -> Frame {
        let mut frame = Frame { tree, ..Frame::default() };
        // A table is looked at once.
        if let Some(entries) = self.tables.take(tree) {
            entries.iter().for_each(|entry| self.sort_in(&mut frame, *entry));
        } else if let Err(gap) = self.read(&mut frame) {
            self.gaps.push(gap);
        }
        frame
    }

    fn sort_in(&self, frame: &mut Frame, entry: Entry) {
        match entry.named() {
            Named::Blob(blob) => frame.known.push(Member { name: entry.name, child: Child::Blob(blob) }),
            Named::Tree(tree) => match self.recall(tree) {
                Some(0) => {}
                Some(set) => frame.known.push(Member { name: entry.name, child: Child::Set(set) }),
                None => frame.unknown.push((entry.name, tree)),
            },
        }
    }

    /// Reads a tree that the delta chains did not give.
    fn read(&self, frame: &mut Frame) -> Result<(), Gap> {
        let id = self.tables.id(frame.tree).unwrap_or(Oid::ZERO_SHA1);
        let odb = self.odb.map_err(|error| object_gap("tree", id, error))?;
        let tree = object(odb, id).map_err(|error| object_gap("tree", id, &error))?;
        if tree.kind() != ObjectType::Tree {
            return Err(malformed_gap("tree", id));
        }
        for entry in raw::entries(tree.data()) {
            let entry = entry.map_err(|_| malformed_gap("tree", id))?;
            if let Some(entry) = self.tables.entry(&entry) {
                self.sort_in(frame, entry);
            }
        }
        Ok(())
    }

    fn number(&mut self, tree: u32, known: Vec<Member>) -> u32 {
        if known.is_empty() {
            return 0;
        }
        let tables = &self.tables;
        tables.with_names(|names| self.sets.intern(known, names)).unwrap_or_else(|message| {
            let what = tables.id(tree).map(|id| format!("tree {id}")).unwrap_or_default();
            self.gaps.push(Gap { what, kind: GapKind::Limit, message: message.to_owned() });
            0
        })
    }

    fn recall(&self, tree: u32) -> Option<u32> {
        self.memo.get(tree as usize).copied().filter(|set| *set != UNKNOWN)
    }
}

impl Sets {
    fn with_empty() -> Self {
        Self { sets: vec![Box::new([])], heights: vec![0], places: vec![0], ..Self::default() }
    }

    /// The number of the set with these members.
    fn intern(&mut self, mut members: Vec<Member>, names: &Names) -> Result<u32, &'static str> {
        let name = |member: &Member| &names.list[member.name as usize];
        members.sort_unstable_by(|a, b| if a.name == b.name { a.child.cmp(&b.child) } else { name(a).cmp(name(b)) });
        members.dedup();
        let mut height = 1;
        let mut places: u64 = 0;
        for member in &members {
            match member.child {
                Child::Blob(_) => places = places.saturating_add(1),
                Child::Set(set) => {
                    height = height.max(self.heights[set as usize] + 1);
                    places = places.saturating_add(self.places[set as usize]);
                }
            }
        }
        if height > MAX_HEIGHT {
            return Err("more than 4096 folders deep");
        }
        if places > MAX_PLACES {
            return Err("more than a million places of interest");
        }
        let members: Box<[Member]> = members.into();
        if let Some(&number) = self.set_numbers.get(&members) {
            return Ok(number);
        }
        let number = u32::try_from(self.sets.len()).map_err(|_| "too many distinct sets")?;
        self.sets.push(members.clone());
        self.heights.push(height);
        self.places.push(places);
        self.set_numbers.insert(members, number);
        Ok(number)
    }

    /// Frees what only the building needed.
    pub(super) fn seal(&mut self) {
        self.set_numbers = HashMap::new();
        self.heights = Vec::new();
        self.places = Vec::new();
    }
}

/// The values that each set holds anywhere.
#[derive(Debug)]
pub(super) struct Values {
    lists: Vec<Arc<[u32]>>,
}

impl Values {
    /// The values of a set, sorted. Equal lists are one allocation.
    pub(super) fn of(&self, set: u32) -> &Arc<[u32]> {
        &self.lists[set as usize]
    }
}

/// Collects the values of each set from those of each blob.
pub(super) fn values(sets: &Sets, values_of: &[Vec<u32>]) -> Values {
    let mut lists: Vec<Arc<[u32]>> = Vec::with_capacity(sets.sets.len());
    let mut known: HashSet<Arc<[u32]>> = HashSet::new();
    let mut union: Vec<u32> = Vec::new();
    for members in &sets.sets {
        union.clear();
        for member in members {
            match member.child {
                Child::Blob(blob) => union.extend(&values_of[blob as usize]),
                Child::Set(set) => union.extend(lists[set as usize].iter()),
            }
        }
        union.sort_unstable();
        union.dedup();
        let list = known.get(&union[..]).map_or_else(|| Arc::from(&union[..]), Arc::clone);
        known.insert(Arc::clone(&list));
        lists.push(list);
    }
    Values { lists }
}
