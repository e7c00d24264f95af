//! Says which refs ever held a place: those that descend from a commit that added it.

use std::collections::HashMap;
use std::sync::Arc;

use super::graph::CommitGraph;

/// Places handled in one pass over the commits; bounds the memory for distinct sets.
const BATCH: usize = 512;
const WORDS: usize = BATCH / 64;

/// A set of the places of one batch.
type Bits = [u64; WORDS];
/// A list of refs, shared between the places that have the same.
type Refs = Arc<[u32]>;

/// The additions of places to commits.
pub(super) struct Ever<'a> {
    graph: &'a CommitGraph,
    /// Commit and place, sorted by commit.
    additions: &'a [(u32, u32)],
    places: usize,
}

/// Distinct sets of places and their unions.
struct Held {
    sets: Vec<Bits>,
    numbers: HashMap<Bits, u32>,
    unions: HashMap<(u32, u32), u32>,
}

impl<'a> Ever<'a> {
    pub(super) fn new(graph: &'a CommitGraph, additions: &'a [(u32, u32)], places: usize) -> Self {
        Self { graph, additions, places }
    }

    /// For each place the refs that hold it at their tip, and those that only did before. `live`
    /// has the places of each distinct tip, `ref_sets` says which of them each ref has.
    pub(super) fn refs(&self, ref_sets: &[u32], live: &HashMap<u32, Vec<(u32, u32)>>) -> Vec<(Refs, Refs)> {
        let mut found = Vec::with_capacity(self.places);
        for start in (0..self.places).step_by(BATCH) {
            let end = self.places.min(start + BATCH);
            self.batch(start, end, ref_sets, live, &mut found);
        }
        found
    }

    fn batch(
        &self,
        start: usize,
        end: usize,
        ref_sets: &[u32],
        live: &HashMap<u32, Vec<(u32, u32)>>,
        found: &mut Vec<(Refs, Refs)>,
    ) {
        let mut held = Held::new();
        let at_commit = self.propagate(start, end, &mut held);

        // Refs that agree in both respects form a class.
        let mut class_of: HashMap<(u32, u32), usize> = HashMap::new();
        let mut classes: Vec<(Bits, Bits, Vec<u32>)> = Vec::new();
        for (at, (r, &set)) in (0..).zip(self.graph.refs.iter().zip(ref_sets)) {
            let ever = at_commit[r.tip as usize];
            let class = *class_of.entry((ever, set)).or_insert_with(|| {
                let mut now = [0; WORDS];
                for &(place, _) in &live[&set] {
                    if (start..end).contains(&(place as usize)) {
                        set_bit(&mut now, place as usize - start);
                    }
                }
                classes.push((held.sets[ever as usize], now, Vec::new()));
                classes.len() - 1
            });
            classes[class].2.push(at);
        }
        let mut lists: HashMap<Vec<usize>, Refs> = HashMap::new();
        let mut list = |chosen: Vec<usize>| -> Refs {
            if let Some(list) = lists.get(&chosen) {
                return Arc::clone(list);
            }
            let members = chosen.iter().flat_map(|&class| &classes[class].2);
            let mut members: Vec<u32> = members.copied().collect();
            members.sort_unstable();
            let members: Refs = members.into();
            lists.insert(chosen, Arc::clone(&members));
            members
        };
        for place in 0..end - start {
            let mut now = Vec::new();
            let mut before = Vec::new();
            for (class, (ever, live, _)) in classes.iter().enumerate() {
                if bit(live, place) {
                    now.push(class);
                } else if bit(ever, place) {
                    before.push(class);
                }
            }
            found.push((list(now), list(before)));
        }
    }

    /// The set that each commit or one of its ancestors added.
    fn propagate(&self, start: usize, end: usize, held: &mut Held) -> Vec<u32> {
        let mut additions = self.additions.iter().peekable();
        let mut at_commit: Vec<u32> = Vec::with_capacity(self.graph.nodes.len());
        for (commit, node) in (0..).zip(&self.graph.nodes) {
            let mut set = 0;
            for &parent in &node.parents {
                set = held.union(set, at_commit[parent as usize]);
            }
            let mut own = None;
            while let Some(&(_, place)) = additions.next_if(|(at, _)| *at == commit) {
                let place = place as usize;
                if (start..end).contains(&place) {
                    set_bit(own.get_or_insert([0; WORDS]), place - start);
                }
            }
            if let Some(own) = own {
                let own = held.number(own);
                set = held.union(set, own);
            }
            at_commit.push(set);
        }
        at_commit
    }
}

impl Held {
    fn new() -> Self {
        Self { sets: vec![[0; WORDS]], numbers: HashMap::from([([0; WORDS], 0)]), unions: HashMap::new() }
    }

    fn number(&mut self, bits: Bits) -> u32 {
        *self.numbers.entry(bits).or_insert_with(|| {
            self.sets.push(bits);
            u32::try_from(self.sets.len() - 1).unwrap_or(u32::MAX)
        })
    }

    fn union(&mut self, a: u32, b: u32) -> u32 {
        if a == b || b == 0 {
            return a;
        }
        if a == 0 {
            return b;
        }
        let key = (a.min(b), a.max(b));
        if let Some(&known) = self.unions.get(&key) {
            return known;
        }
        let mut bits = self.sets[a as usize];
        for (word, other) in bits.iter_mut().zip(self.sets[b as usize]) {
            *word |= other;
        }
        let number = self.number(bits);
        self.unions.insert(key, number);
        number
    }
}

fn bit(bits: &Bits, at: usize) -> bool {
    bits[at / 64] >> (at % 64) & 1 == 1
}

fn set_bit(bits: &mut Bits, at: usize) {
    bits[at / 64] |= 1 << (at % 64);
}
