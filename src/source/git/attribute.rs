//! Says who brought a value in, who took it out, and where it still lives.
//!
//! Two questions are kept apart. A *value* is introduced by a commit that has it at some path while
//! no parent has it anywhere, so that a rename introduces nothing. A *place* is a value at a path;
//! it starts where no parent has the value at that path.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use git2::Oid;

use super::ever::Ever;
use super::graph::CommitGraph;
use super::ids::IdMap;
use super::presence::{self, Sets};
use super::repository::Repository;
use super::set_diff::{Paths, diff, flatten};
use crate::source::{Gap, RelPath};

/// The caller's number of a value, such as a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueId(pub u32);

/// The history of every value.
#[derive(Debug, Default)]
pub struct Attribution {
    /// Values that stand in some commit's tree.
    pub values: BTreeMap<ValueId, ValueHistory>,
    /// Blobs asked for that stand in no commit's tree, sorted.
    pub unplaced: Vec<Oid>,
    /// Trees that could not be read. What they hold counts as absent.
    pub gaps: Vec<Gap>,
}

/// The history of a value. Commits are indices into [`CommitGraph::nodes`].
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct ValueHistory {
    /// Commits that have it while no parent has it anywhere, the earliest first.
    pub introduced: Vec<u32>,
    /// Commits that do not have it while a parent has, the earliest first.
    pub removed: Vec<u32>,
    /// Where it stood, the earliest first, then by path.
    pub places: Vec<PlaceHistory>,
}

/// The history of a value at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceHistory {
    /// The path.
    pub path: RelPath,
    /// The first commit that has the value at the path while no parent has it there.
    pub added: u32,
    /// The last commit that took it off the path, unless it is there at `HEAD`. A commit none of
    /// whose parents were without it is preferred over a merge that sides with one of them.
    pub removed: Option<u32>,
    /// The distinct blobs with the value at the path, in the order first seen.
    pub versions: Vec<Oid>,
    /// The blob to show: that at `HEAD`, else that of the first ref in `live_on`, else that of
    /// `added`.
    pub shown: Oid,
    /// Refs whose tip has it there, as indices into [`CommitGraph::refs`].
    pub live_on: Arc<[u32]>,
    /// Refs whose history had it there, but whose tip has not.
    pub in_history_of: Arc<[u32]>,
    /// It is there at `HEAD`.
    pub at_head: bool,
    /// Some ref or `HEAD` has or had it there. Otherwise it is in no ref: a dropped stash, a
    /// commit that only the reflog names, or one that nothing names.
    pub reachable: bool,
}

/// A place while commits are walked.
struct Place {
    path: u32,
    value: u32,
    added: u32,
    /// The last commit that took it off, all parents having it; the last, some having it.
    removed_outright: Option<u32>,
    removed: Option<u32>,
    versions: Vec<u32>,
}

/// What a walk over the commits gathers.
struct Walk<'a> {
    sets: &'a Sets,
    /// The values of each blob, sorted.
    values_of: Vec<Vec<u32>>,
    paths: Paths,
    places: Vec<Place>,
    place_of: HashMap<(u32, u32), u32>,
    seen_version: HashSet<(u32, u32)>,
    /// Which blobs stand in some tree.
    placed: Vec<bool>,
    /// Every commit that added a place, not only the first, in order.
    additions: Vec<(u32, u32)>,
}

impl Repository {
    /// Finds the history of the values that blobs hold.
    pub fn attribute(&self, graph: &CommitGraph, interesting: &HashMap<Oid, Vec<ValueId>>) -> Attribution {
        if interesting.is_empty() {
            return Attribution::default();
        }
        let mut blobs: Vec<Oid> = interesting.keys().copied().collect();
        blobs.sort_unstable();
        let numbers: IdMap<u32> = blobs.iter().copied().zip(0..).collect();
        let mut values: Vec<ValueId> = blobs.iter().flat_map(|blob| interesting[blob].iter().copied()).collect();
        values.sort_unstable();
        values.dedup();
        let number = |value: &ValueId| {
            let at = values.binary_search(value).unwrap_or_default();
            u32::try_from(at).unwrap_or(u32::MAX)
        };
        let values_of: Vec<Vec<u32>> = blobs
            .iter()
            .map(|blob| {
                let mut values: Vec<u32> = interesting[blob].iter().map(number).collect();
                values.sort_unstable();
                values.dedup();
                values
            })
            .collect();

        let mut found = presence::find(self, graph, &numbers);
        found.sets.seal();
        let mut histories = vec![ValueHistory::default(); values.len()];
        value_commits(graph, &found.sets, &found.roots, &values_of, &mut histories);

        let mut walk = Walk {
            sets: &found.sets,
            values_of,
            paths: Paths::default(),
            places: Vec::new(),
            place_of: HashMap::new(),
            seen_version: HashSet::new(),
            placed: vec![false; blobs.len()],
            additions: Vec::new(),
        };
        for (commit, node) in (0..).zip(&graph.nodes) {
            let parents = node.parents.iter();
            let parents: Vec<u32> = parents.map(|&p| found.roots[p as usize]).collect();
            walk.visit(commit, found.roots[commit as usize], &parents);
        }
        let unplaced = blobs.iter().zip(&walk.placed).filter(|(_, placed)| !**placed);
        let unplaced = unplaced.map(|(&blob, _)| blob).collect();
        for (value, place) in walk.finish(graph, &found.roots, &blobs) {
            histories[value as usize].places.push(place);
        }
        for history in &mut histories {
            history.places.sort_by(|a, b| (a.added, &a.path).cmp(&(b.added, &b.path)));
        }
        let histories = values.into_iter().zip(histories);
        Attribution { values: histories.filter(|(_, h)| !h.places.is_empty()).collect(), unplaced, gaps: found.gaps }
    }
}

/// Finds the commits that introduced and removed each value, wherever it stood.
fn value_commits(
    graph: &CommitGraph,
    sets: &Sets,
    roots: &[u32],
    values_of: &[Vec<u32>],
    histories: &mut [ValueHistory],
) {
    let held = presence::values(sets, values_of);
    let mut union = Vec::new();
    for (commit, node) in (0..).zip(&graph.nodes) {
        let here = held.of(roots[commit as usize]);
        let parents = node.parents.iter();
        let parents: Vec<&Arc<[u32]>> = parents.map(|&p| held.of(roots[p as usize])).collect();
        // Equal lists are the same list.
        if !parents.iter().any(|parent| Arc::ptr_eq(parent, here)) {
            for &value in here.iter() {
                if !parents.iter().any(|list| list.binary_search(&value).is_ok()) {
                    histories[value as usize].introduced.push(commit);
                }
            }
        }
        union.clear();
        for parent in parents {
            if !Arc::ptr_eq(parent, here) {
                let gone = parent.iter().filter(|value| here.binary_search(value).is_err());
                union.extend(gone.copied());
            }
        }
        union.sort_unstable();
        union.dedup();
        for &value in &union {
            histories[value as usize].removed.push(commit);
        }
    }
}

impl Walk<'_> {
    fn visit(&mut self, commit: u32, set: u32, parents: &[u32]) {
        if !parents.is_empty() && parents.iter().all(|&parent| parent == set) {
            return;
        }
        let mut gained: Vec<(u32, u32)> = Vec::new();
        let mut lost: Vec<(u32, u32)> = Vec::new();
        let mut seen: Vec<(u32, u32)> = Vec::new();
        let nothing = [0];
        let compared = if parents.is_empty() { &nothing } else { parents };
        for &parent in compared {
            diff(self.sets, &mut self.paths, parent, set, |path, old, new| {
                let values = |blob: Option<u32>| blob.map_or(&[][..], |blob| &self.values_of[blob as usize][..]);
                let (old, values_new) = (values(old), values(new));
                let not_in = |list: &[u32], v: &u32| list.binary_search(v).is_err();
                gained.extend(values_new.iter().filter(|v| not_in(old, v)).map(|&v| (path, v)));
                lost.extend(old.iter().filter(|v| not_in(values_new, v)).map(|&v| (path, v)));
                seen.extend(new.map(|blob| (path, blob)));
            });
        }
        // A place is new if every parent is without it.
        runs(&mut gained, |place, count| {
            if count == compared.len() {
                self.add(place, commit);
            }
        });
        runs(&mut lost, |place, count| {
            if let Some(&at) = self.place_of.get(&place) {
                let place = &mut self.places[at as usize];
                place.removed = Some(commit);
                if count == compared.len() {
                    place.removed_outright = Some(commit);
                }
            }
        });
        for (path, blob) in seen {
            self.placed[blob as usize] = true;
            for &value in &self.values_of[blob as usize] {
                if let Some(&at) = self.place_of.get(&(path, value))
                    && self.seen_version.insert((at, blob))
                {
                    self.places[at as usize].versions.push(blob);
                }
            }
        }
    }

    fn add(&mut self, place: (u32, u32), commit: u32) {
        let (path, value) = place;
        let at = *self.place_of.entry(place).or_insert_with(|| {
            self.places.push(Place {
                path,
                value,
                added: commit,
                removed_outright: None,
                removed: None,
                versions: Vec::new(),
            });
            u32::try_from(self.places.len() - 1).unwrap_or(u32::MAX)
        });
        self.additions.push((commit, at));
    }

    fn finish(mut self, graph: &CommitGraph, roots: &[u32], blobs: &[Oid]) -> Vec<(u32, PlaceHistory)> {
        // Many refs share a tip's set, so each distinct one is spread out once.
        let mut tips: Vec<u32> = graph.refs.iter().map(|r| roots[r.tip as usize]).collect();
        let ref_sets = tips.clone();
        let head = graph.head.map_or(0, |head| roots[head as usize]);
        tips.push(head);
        tips.sort_unstable();
        tips.dedup();
        let live: HashMap<u32, Vec<(u32, u32)>> = tips.into_iter().map(|set| (set, self.spread(set))).collect();
        let at_head = &live[&head];
        let blob_at = |list: &[(u32, u32)], place: u32| {
            let at = list.binary_search_by_key(&place, |&(place, _)| place);
            at.ok().map(|at| list[at].1)
        };

        let refs = Ever::new(graph, &self.additions, self.places.len()).refs(&ref_sets, &live);
        (0..)
            .zip(&self.places)
            .zip(refs)
            .map(|((at, place), (live_on, in_history_of))| {
                let head_blob = blob_at(at_head, at);
                let live_blob = || {
                    let set = ref_sets[*live_on.first()? as usize];
                    blob_at(&live[&set], at)
                };
                let shown = head_blob.or_else(live_blob).unwrap_or(place.versions[0]);
                let removed = place.removed_outright.or(place.removed);
                let history = PlaceHistory {
                    path: RelPath::new(self.paths.bytes(place.path, &self.sets.names)),
                    added: place.added,
                    removed: removed.filter(|_| head_blob.is_none()),
                    versions: place.versions.iter().map(|&b| blobs[b as usize]).collect(),
                    shown: blobs[shown as usize],
                    reachable: head_blob.is_some() || !live_on.is_empty() || !in_history_of.is_empty(),
                    at_head: head_blob.is_some(),
                    live_on,
                    in_history_of,
                };
                (place.value, history)
            })
            .collect()
    }

    /// The places of a set with their blobs, sorted.
    fn spread(&mut self, set: u32) -> Vec<(u32, u32)> {
        let mut places = Vec::new();
        flatten(self.sets, &mut self.paths, set, |path, blob| {
            for &value in &self.values_of[blob as usize] {
                if let Some(&at) = self.place_of.get(&(path, value)) {
                    places.push((at, blob));
                }
            }
        });
        places.sort_unstable();
        places.dedup_by_key(|&mut (place, _)| place);
        places
    }
}

/// Sorts, and calls `each` with every distinct element and how often it is there.
fn runs(list: &mut [(u32, u32)], mut each: impl FnMut((u32, u32), usize)) {
    list.sort_unstable();
    for run in list.chunk_by(|a, b| a == b) {
        each(run[0], run.len());
    }
}
