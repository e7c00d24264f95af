//! Works out from the headers of a pack's entries which versions were made from which.

use git2::ObjectType;

use super::file::PackFile;
use super::headers::{Headers, Listed, NO_BASE, mark};
use super::id::IdTable;
use super::index::{Index, IndexError};

/// A version of an object in a pack. Nodes stand in the order of the walk: a node, then its
/// children with all that comes from them, the child that most comes from last.
///
/// With that order a walk that lets go of a base when its last child has been made never holds more than
/// one base for each halving of the family.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    /// Where its entry begins.
    pub(super) offset: u64,
    /// How far the next entry is; at most this is compressed content.
    pub(super) len: u32,
    /// How many nodes come from it, itself included.
    pub(super) family: u32,
    /// The node that it is a delta on, or [`NONE`].
    pub(super) parent: u32,
    /// Its position in [`Forest::ids`]; two copies of an object share one.
    pub(super) id: u32,
}

/// No node.
pub(super) const NONE: u32 = u32::MAX;

/// The objects of one kind in a pack.
#[derive(Debug)]
pub(super) struct Forest {
    pub(super) nodes: Vec<Node>,
    /// The ids of the nodes, sorted, each once. Deltas on an object of another pack are among them whatever they are.
    pub(super) ids: IdTable,
    /// Entries of which not even the kind is known.
    pub(super) lost: Vec<(Vec<u8>, &'static str)>,
}

impl Forest {
    /// Plants the objects of one kind.
    pub(super) fn plant(
        headers: &Headers,
        index: &Index,
        pack: &PackFile,
        kind: ObjectType,
    ) -> Result<Self, IndexError> {
        let entries = &headers.entries;
        // A delta on an object elsewhere may be of any kind; that shows when the object has been found.
        let wanted = |end: u32| end == mark::of(kind) || end == mark::ELSEWHERE || end == mark::CIRCLE;
        let chosen: Vec<u32> = (0..entries.len() as u32).filter(|at| wanted(headers.end(*at as usize))).collect();
        let planted = plant(&chosen, entries);
        let mut forest =
            Self { nodes: Vec::with_capacity(chosen.len()), ids: IdTable::new(index.width), lost: Vec::new() };
        // Where each position of the index stands in the walk.
        let mut walk = vec![NONE; entries.len()];
        let end = pack.len.saturating_sub(index.width as u64);
        for one in &planted {
            let entry = chosen[one.chosen as usize] as usize;
            let offset = entries[entry].offset;
            let behind = &entries[entry + 1..];
            let next = match behind.first() {
                // Two ids for one entry.
                Some(next) if next.offset == offset => behind.get(behind.partition_point(|next| next.offset == offset)),
                next => next,
            };
            let next = next.map_or(end, |next| next.offset);
            walk[entries[entry].position as usize] = forest.nodes.len() as u32;
            forest.nodes.push(Node {
                offset,
                len: u32::try_from(next.saturating_sub(offset)).unwrap_or(u32::MAX),
                family: one.family,
                parent: one.parent,
                id: NONE,
            });
        }
        drop((planted, chosen));
        for (at, entry) in entries.iter().enumerate() {
            let end = headers.end(at);
            if end < mark::CIRCLE {
                walk[entry.position as usize] = end;
            }
        }
        forest.name(index, &walk, &headers.reasons)?;
        Ok(forest)
    }

    /// Gives nodes their ids.
    fn name(&mut self, index: &Index, walk: &[u32], reasons: &[&'static str]) -> Result<(), IndexError> {
        self.ids.reserve(self.nodes.len());
        let mut sorted = true;
        index.each_id(|position, id| match walk[position] {
            NONE => {}
            node if node < mark::FIRST => {
                sorted &= self.ids.last().is_none_or(|last| last <= id);
                if sorted {
                    // A pack may hold an object twice.
                    if self.ids.last() != Some(id) {
                        self.ids.push(id);
                    }
                    self.nodes[node as usize].id = self.ids.len() as u32 - 1;
                }
            }
            bad => {
                let why = reasons.get((bad - mark::FIRST) as usize).copied();
                self.lost.push((id.to_vec(), why.unwrap_or(NO_BASE)));
            }
        })?;
        if sorted { Ok(()) } else { Err(IndexError::Damaged) }
    }

    /// Bytes of an object id.
    pub(super) fn width(&self) -> usize {
        self.ids.width()
    }

    /// Bytes held, with two flags for each node.
    pub(super) fn memory(&self) -> usize {
        self.nodes.len() * (size_of::<Node>() + 2) + self.ids.memory()
    }
}

/// An object in the order of the walk.
struct Planted {
    /// Index into the objects chosen, in the order of the pack.
    chosen: u32,
    family: u32,
    /// Index into the order of the walk.
    parent: u32,
}

/// Brings the entries with the numbers `chosen` into the order of the walk, see [`Node`].
fn plant(chosen: &[u32], entries: &[Listed]) -> Vec<Planted> {
    let count = chosen.len();
    // The parent of each object, as a place in `chosen`; the roots hang on one more behind the last.
    let parents: Vec<u32> = chosen
        .iter()
        .map(|entry| match entries[*entry as usize].mark {
            base if base < mark::FIRST => chosen.binary_search(&base).map_or(count, |at| at) as u32,
            _ => count as u32,
        })
        .collect();
    // Children of `at` are `children[starts[at]..starts[at + 1]]`, in the order of the pack.
    let mut starts = vec![0u32; count + 2];
    parents.iter().for_each(|parent| starts[*parent as usize + 1] += 1);
    (0..=count).for_each(|at| starts[at + 1] += starts[at]);
    let mut next = starts.clone();
    let mut children = vec![0u32; count];
    for (child, parent) in parents.iter().enumerate() {
        let at = &mut next[*parent as usize];
        children[*at as usize] = child as u32;
        *at += 1;
    }
    drop(next);
    let of = |at: u32| starts[at as usize] as usize..starts[at as usize + 1] as usize;
    let roots = count as u32;
    // Any order with parents first gives the sizes of families.
    let mut order = Vec::with_capacity(count);
    order.extend_from_slice(&children[of(roots)]);
    let mut at = 0;
    while at < order.len() {
        let range = of(order[at]);
        order.extend_from_slice(&children[range]);
        at += 1;
    }
    let mut family = vec![1u32; count + 1];
    for at in order.iter().rev() {
        family[parents[*at as usize] as usize] += family[*at as usize];
    }
    for at in 0..roots {
        children[of(at)].sort_by_key(|child| family[*child as usize]);
    }
    let mut planted = Vec::with_capacity(count);
    let mut stack: Vec<(u32, u32)> = children[of(roots)].iter().rev().map(|root| (*root, NONE)).collect();
    while let Some((one, parent)) = stack.pop() {
        let here = planted.len() as u32;
        planted.push(Planted { chosen: one, family: family[one as usize], parent });
        stack.extend(children[of(one)].iter().rev().map(|child| (*child, here)));
    }
    planted
}
