//! Finds where blobs of interest stand in every tree, reading each tree once.
//!
//! What a tree holds of them becomes a *set*: its entries that are such a blob, or a folder with a
//! set of its own. Equal sets have equal numbers, so "nothing changed below this folder" is one
//! comparison, whatever else changed in it. Number 0 is the empty set.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use git2::{ObjectType, Odb, Oid};
use rayon::prelude::*;

use super::ids::IdMap;
use super::raw::{self, EntryKind};
use super::repository::{Repository, malformed_gap, object, object_gap};
use crate::source::{Gap, GapKind};

/// Deeper folders are left out; paths of such length exist only to hurt.
const MAX_HEIGHT: u32 = 4096;
/// A tree with more places is left out: folders that name the same folder many times, level by
/// level, hold more than any memory.
const MAX_PLACES: u64 = 1 << 20;
/// Trees are remembered in so many parts, each under a lock of its own.
const SHARDS: usize = 64;

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
    name_numbers: HashMap<Box<[u8]>, u32>,
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

/// Finds `blobs` (with their numbers) in the trees `roots`.
pub(super) fn find(repository: &Repository, roots: &[Oid], blobs: &IdMap<u32>) -> Presence {
    let finder = Finder {
        blobs,
        filter: Filter::new(blobs),
        memo: (0..SHARDS).map(|_| Mutex::default()).collect(),
        sets: Mutex::new(Sets::with_empty()),
    };
    let found: Vec<(Vec<u32>, Vec<Gap>)> = roots.par_chunks(128).map(|chunk| finder.find(repository, chunk)).collect();
    let mut presence = Presence {
        sets: finder.sets.into_inner().unwrap_or_else(PoisonError::into_inner),
        roots: Vec::with_capacity(roots.len()),
        gaps: Vec::new(),
    };
    for (sets, gaps) in found {
        presence.roots.extend(sets);
        presence.gaps.extend(gaps);
    }
    // Two threads may have met the same tree.
    presence.gaps.sort();
    presence.gaps.dedup();
    presence
}

/// Says of most ids with one look that they are not of interest.
struct Filter(Vec<u64>);

impl Filter {
    fn new(blobs: &IdMap<u32>) -> Self {
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
    fn may_hold(&self, id: &[u8; 20]) -> bool {
        let at = Self::position(id);
        self.0[at >> 6] >> (at & 63) & 1 == 1
    }
}

fn sorted_keys(blobs: &IdMap<u32>) -> Vec<Oid> {
    let mut ids: Vec<Oid> = blobs.keys().copied().collect();
    ids.sort_unstable();
    ids
}

struct Finder<'a> {
    blobs: &'a IdMap<u32>,
    filter: Filter,
    memo: Vec<Mutex<IdMap<u32>>>,
    sets: Mutex<Sets>,
}

/// A tree whose folders are not all known yet.
struct Frame {
    id: Oid,
    /// Blobs of interest and folders that hold some.
    known: Vec<(Vec<u8>, Child)>,
    unknown: Vec<(Vec<u8>, Oid)>,
}

impl Finder<'_> {
    fn find(&self, repository: &Repository, roots: &[Oid]) -> (Vec<u32>, Vec<Gap>) {
        let mut gaps = Vec::new();
        let handle = repository.handle();
        let odb = match &handle {
            Ok(handle) => handle.odb(),
            Err(error) => Err(git2::Error::from_str(error.message())),
        };
        let sets = match odb {
            Ok(odb) => {
                let resolve = |&root| self.resolve(&odb, root, &mut gaps);
                roots.iter().map(resolve).collect()
            }
            Err(error) => {
                gaps.extend(roots.iter().map(|&root| object_gap("tree", root, &error)));
                vec![0; roots.len()]
            }
        };
        (sets, gaps)
    }

    /// The set of a tree. Goes down with a stack of its own, since a hostile tree has a million
    /// levels.
    fn resolve(&self, odb: &Odb<'_>, root: Oid, gaps: &mut Vec<Gap>) -> u32 {
        if let Some(set) = self.recall(root) {
            return set;
        }
        let mut stack = vec![self.read(odb, root, gaps)];
        let mut done = 0;
        while let Some(frame) = stack.last_mut() {
            if let Some((name, id)) = frame.unknown.pop() {
                if let Some(set) = self.recall(id) {
                    if set != 0 {
                        frame.known.push((name, Child::Set(set)));
                    }
                } else {
                    // Asked again when it is known.
                    frame.unknown.push((name, id));
                    let next = self.read(odb, id, gaps);
                    stack.push(next);
                }
                continue;
            }
            let Some(frame) = stack.pop() else { break };
            done = self.number(frame.id, frame.known, gaps);
            self.shard(frame.id).insert(frame.id, done);
        }
        done
    }

    fn read(&self, odb: &Odb<'_>, id: Oid, gaps: &mut Vec<Gap>) -> Frame {
        let mut frame = Frame { id, known: Vec::new(), unknown: Vec::new() };
        let tree = match object(odb, id) {
            Ok(tree) if tree.kind() == ObjectType::Tree => tree,
            Ok(_) => {
                gaps.push(malformed_gap("tree", id));
                return frame;
            }
            Err(error) => {
                gaps.push(object_gap("tree", id, &error));
                return frame;
            }
        };
        for entry in raw::entries(tree.data()) {
            let Ok(entry) = entry else {
                gaps.push(malformed_gap("tree", id));
                break;
            };
            match entry.kind {
                EntryKind::Blob => {
                    if self.filter.may_hold(entry.raw_id)
                        && let Some(&blob) = self.blobs.get(&entry.id())
                    {
                        frame.known.push((entry.name.to_vec(), Child::Blob(blob)));
                    }
                }
                EntryKind::Tree => {
                    let id = entry.id();
                    match self.recall(id) {
                        Some(0) => {}
                        Some(set) => frame.known.push((entry.name.to_vec(), Child::Set(set))),
                        None => frame.unknown.push((entry.name.to_vec(), id)),
                    }
                }
                EntryKind::Commit => {}
            }
        }
        frame
    }

    fn number(&self, id: Oid, known: Vec<(Vec<u8>, Child)>, gaps: &mut Vec<Gap>) -> u32 {
        if known.is_empty() {
            return 0;
        }
        let mut sets = self.sets.lock().unwrap_or_else(PoisonError::into_inner);
        sets.intern(known).unwrap_or_else(|message| {
            gaps.push(Gap { what: format!("tree {id}"), kind: GapKind::Limit, message: message.to_owned() });
            0
        })
    }

    fn recall(&self, id: Oid) -> Option<u32> {
        self.shard(id).get(&id).copied()
    }

    fn shard(&self, id: Oid) -> MutexGuard<'_, IdMap<u32>> {
        // The map hashes by the first bytes, so the shard is chosen by the last.
        let shard = usize::from(id.as_bytes()[19]) % SHARDS;
        self.memo[shard].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sets {
    fn with_empty() -> Self {
        Self { sets: vec![Box::new([])], heights: vec![0], places: vec![0], ..Self::default() }
    }

    /// The number of the set with these members.
    fn intern(&mut self, mut known: Vec<(Vec<u8>, Child)>) -> Result<u32, &'static str> {
        known.sort_unstable();
        known.dedup();
        let mut height = 1;
        let mut places: u64 = 0;
        for (_, child) in &known {
            match *child {
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
        let members: Box<[Member]> =
            known.into_iter().map(|(name, child)| Member { name: self.name(name), child }).collect();
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

    fn name(&mut self, name: Vec<u8>) -> u32 {
        let name = name.into_boxed_slice();
        if let Some(&number) = self.name_numbers.get(&name) {
            return number;
        }
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.push(name.clone());
        self.name_numbers.insert(name, number);
        number
    }

    /// Frees what only the building needed.
    pub(super) fn seal(&mut self) {
        self.set_numbers = HashMap::new();
        self.name_numbers = HashMap::new();
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
