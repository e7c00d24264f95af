//! Works out from the headers of a pack's entries which versions were made from which.

use std::io;

use super::file::{PackFile, WINDOW, Window};
use super::id::IdTable;
use super::index::{Finder, Index, IndexError};

/// A version of a file's content in a pack. Nodes stand in the order of the walk: a node, then its
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

/// The blobs of a pack.
#[derive(Debug)]
pub(super) struct Forest {
    pub(super) nodes: Vec<Node>,
    /// The ids of the nodes, sorted, each once. Deltas on an object of another pack are among them whatever they are.
    pub(super) ids: IdTable,
    /// Entries of which not even the kind is known.
    pub(super) lost: Vec<(Vec<u8>, &'static str)>,
    /// How many entries of any kind are not what the index has a checksum of. Compression does not cover the
    /// header, where one bit makes a tree of a blob.
    pub(super) doubtful: usize,
}

/// What the header of an entry says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: EntryKind,
    /// Bytes of the content or of the delta, inflated.
    pub(super) size: u64,
    /// Bytes of the header; the zlib stream follows.
    pub(super) len: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EntryKind {
    Blob,
    /// A commit, tree or tag.
    Other,
    /// A delta on the entry so many bytes before.
    Before(u64),
    /// A delta on the object whose id stands at this place of the header.
    Named(usize),
}

/// For so many ids the index is not read as a whole.
const FEW: usize = 1000;

/// A header never has more bytes: ten of size, 32 of an id.
pub(super) const HEADER: usize = 42;

/// A delta on an offset at which nothing begins.
const NO_BASE: &str = "a delta without its base";

impl Header {
    /// Reads the header at the start of `bytes`.
    pub(super) fn read(bytes: &[u8], width: usize) -> Result<Self, &'static str> {
        const CUT: &str = "the pack ends before it";
        let first = *bytes.first().ok_or(CUT)?;
        let mut size = u64::from(first & 15);
        let mut len = 1;
        let mut byte = first;
        while byte & 0x80 != 0 {
            byte = *bytes.get(len).ok_or(CUT)?;
            let shift = 4 + 7 * (len - 1);
            if shift > 56 {
                return Err("an entry with an impossible size");
            }
            size |= u64::from(byte & 0x7f) << shift;
            len += 1;
        }
        let kind = match first >> 4 & 7 {
            1 | 2 | 4 => EntryKind::Other,
            3 => EntryKind::Blob,
            6 => {
                byte = *bytes.get(len).ok_or(CUT)?;
                len += 1;
                let mut distance = u64::from(byte & 0x7f);
                while byte & 0x80 != 0 {
                    byte = *bytes.get(len).ok_or(CUT)?;
                    len += 1;
                    if distance >= 1 << 55 {
                        return Err(NO_BASE);
                    }
                    distance = (distance + 1) << 7 | u64::from(byte & 0x7f);
                }
                EntryKind::Before(distance)
            }
            7 => {
                let at = len;
                len += width;
                if bytes.len() < len {
                    return Err(CUT);
                }
                EntryKind::Named(at)
            }
            _ => return Err("unknown object type"),
        };
        Ok(Self { kind, size, len })
    }
}

/// What the header pass found out about an entry: the entry it is a delta on, or one of these.
mod mark {
    pub(super) const BLOB: u32 = u32::MAX;
    pub(super) const OTHER: u32 = u32::MAX - 1;
    /// A delta on an object that is not in this pack.
    pub(super) const ELSEWHERE: u32 = u32::MAX - 2;
    pub(super) const FIRST: u32 = u32::MAX - 31;
    /// Unreadable, for the reason with this number.
    pub(super) fn bad(reasons: &mut Vec<&'static str>, why: &'static str) -> u32 {
        let at = reasons.iter().position(|known| *known == why).unwrap_or_else(|| {
            reasons.push(why);
            reasons.len() - 1
        });
        FIRST + at as u32
    }
}

impl Forest {
    /// Reads the headers of all entries that `index` lists.
    pub(super) fn read(index: &Index, pack: &PackFile) -> Result<Self, IndexError> {
        if index.count as u64 >= u64::from(mark::FIRST - 1) || !index.fits(pack.len) {
            return Err(IndexError::Damaged);
        }
        let offsets = index.offsets()?;
        let mut reasons = Vec::new();
        let (mut marks, doubtful) = read_headers(index, pack, &offsets, &mut reasons)?;
        // Every delta learns what stands at the end of its chain: a blob, something else or trouble.
        let ends = chain_ends(&mut marks);
        let blobs: Vec<u32> = (0..ends.len() as u32).filter(|at| is_blob(ends[*at as usize])).collect();
        let planted = plant(&blobs, &marks);
        let mut forest =
            Self { nodes: Vec::with_capacity(blobs.len()), ids: IdTable::new(index.width), lost: Vec::new(), doubtful };
        // Where each position of the index stands in the walk.
        let mut walk = vec![NONE; offsets.len()];
        let end = pack.len.saturating_sub(index.width as u64);
        for one in &planted {
            let entry = blobs[one.blob as usize] as usize;
            let offset = offsets[entry].0;
            let behind = &offsets[entry + 1..];
            let next = match behind.first() {
                // Two ids for one entry.
                Some(next) if next.0 == offset => behind.get(behind.partition_point(|next| next.0 == offset)),
                next => next,
            };
            let next = next.map_or(end, |next| next.0);
            walk[offsets[entry].1 as usize] = forest.nodes.len() as u32;
            forest.nodes.push(Node {
                offset,
                len: u32::try_from(next.saturating_sub(offset)).unwrap_or(u32::MAX),
                family: one.family,
                parent: one.parent,
                id: NONE,
            });
        }
        drop((planted, blobs));
        for ((_, position), end) in offsets.iter().zip(&ends) {
            if !is_blob(*end) && *end != mark::OTHER {
                walk[*position as usize] = *end;
            }
        }
        drop((offsets, marks, ends));
        forest.name(index, &walk, &reasons)?;
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

/// A delta on an object elsewhere may be a blob; that shows when the object has been found.
fn is_blob(end: u32) -> bool {
    matches!(end, mark::BLOB | mark::ELSEWHERE)
}

fn read_headers(
    index: &Index,
    pack: &PackFile,
    offsets: &[(u64, u32)],
    reasons: &mut Vec<&'static str>,
) -> Result<(Vec<u32>, usize), IndexError> {
    let mut window = Window::new();
    let mut marks = Vec::with_capacity(offsets.len());
    let (mut named, mut names) = (Vec::new(), Vec::new());
    let mut doubtful = 0;
    let checksums = index.checksums()?;
    let pack_end = pack.len.saturating_sub(index.width as u64);
    for (at, &(offset, position)) in offsets.iter().enumerate() {
        if let Some(checksums) = &checksums {
            let end = offsets.get(at + 1).map_or(pack_end, |next| next.0);
            if checksum(pack, &mut window, offset, end)? != checksums[position as usize] {
                doubtful += 1;
            }
        }
        let bytes = window.get(pack, offset, HEADER)?;
        let header =
            if offset < 12 { Err("an entry inside the pack's header") } else { Header::read(bytes, index.width) };
        marks.push(match header.map(|header| header.kind) {
            Ok(EntryKind::Blob) => mark::BLOB,
            Ok(EntryKind::Other) => mark::OTHER,
            Ok(EntryKind::Before(distance)) => {
                match offset.checked_sub(distance).filter(|_| distance > 0).and_then(|base| find(offsets, at, base)) {
                    Some(base) => base,
                    None => mark::bad(reasons, NO_BASE),
                }
            }
            Ok(EntryKind::Named(from)) => {
                named.push(at as u32);
                names.extend_from_slice(&bytes[from..from + index.width]);
                mark::ELSEWHERE
            }
            Err(why) => mark::bad(reasons, why),
        });
    }
    let finder = if named.len() > FEW { Finder::all(index)? } else { Finder::each(index) };
    for (at, id) in named.into_iter().zip(names.chunks_exact(index.width)) {
        if let Some(base) = finder.find(id) {
            marks[at as usize] = match offsets.binary_search_by_key(&base, |entry| entry.0) {
                Ok(base) => base as u32,
                Err(_) => mark::bad(reasons, NO_BASE),
            };
        }
    }
    Ok((marks, doubtful))
}

fn checksum(pack: &PackFile, window: &mut Window, mut offset: u64, end: u64) -> io::Result<u32> {
    let mut hasher = crc32fast::Hasher::new();
    while offset < end {
        let bytes = window.get(pack, offset, (end - offset).min(WINDOW as u64) as usize)?;
        if bytes.is_empty() {
            break;
        }
        hasher.update(bytes);
        offset += bytes.len() as u64;
    }
    Ok(hasher.finalize())
}

/// Finds the entry at an offset before the one that stands at `from`. Most bases are near.
fn find(offsets: &[(u64, u32)], from: usize, offset: u64) -> Option<u32> {
    let mut step = 1;
    while step < from && offsets[from - step].0 > offset {
        step *= 2;
    }
    let low = from.saturating_sub(step);
    let found = offsets[low..=from - step / 2].binary_search_by_key(&offset, |entry| entry.0).ok()?;
    Some((low + found) as u32)
}

/// The mark at the end of each entry's chain of deltas.
///
/// Where a chain is a circle, one delta of it takes its base from elsewhere: another copy of the base may be
/// whole. Offsets only point back, so a circle has a delta that names its base.
fn chain_ends(marks: &mut [u32]) -> Vec<u32> {
    const ON_THE_WAY: u32 = mark::FIRST - 1;
    let mut ends = vec![0; marks.len()];
    let mut chain = Vec::new();
    // 0 is an entry's number, never the end of a chain, so it says "not known yet".
    for start in 0..marks.len() {
        let mut at = start;
        let end = loop {
            match marks[at] {
                _ if ends[at] == ON_THE_WAY => {
                    // In a circle somebody's base lies behind it, or is itself.
                    let round = chain.iter().rposition(|one| *one == at).unwrap_or(0);
                    let ahead = |one: &&usize| (marks[**one] as usize) >= **one;
                    let cut = chain[round..].iter().find(ahead).copied().unwrap_or(at);
                    marks[cut] = mark::ELSEWHERE;
                    break mark::ELSEWHERE;
                }
                _ if ends[at] != 0 => break ends[at],
                base if base < ON_THE_WAY => {
                    chain.push(at);
                    ends[at] = ON_THE_WAY;
                    at = base as usize;
                }
                end => {
                    ends[at] = end;
                    break end;
                }
            }
        };
        for at in chain.drain(..) {
            ends[at] = end;
        }
    }
    ends
}

/// A blob in the order of the walk.
struct Planted {
    /// Index into the blobs in the order of the pack.
    blob: u32,
    family: u32,
    /// Index into the order of the walk.
    parent: u32,
}

/// Brings blobs into the order of the walk, see [`Node`].
fn plant(blobs: &[u32], marks: &[u32]) -> Vec<Planted> {
    let count = blobs.len();
    // The parent of each blob, as a place in `blobs`; the roots hang on one more blob behind the last.
    let parents: Vec<u32> = blobs
        .iter()
        .map(|entry| match marks[*entry as usize] {
            base if base < mark::FIRST => blobs.binary_search(&base).map_or(count, |at| at) as u32,
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
    while let Some((blob, parent)) = stack.pop() {
        let here = planted.len() as u32;
        planted.push(Planted { blob, family: family[blob as usize], parent });
        stack.extend(children[of(blob)].iter().rev().map(|child| (*child, here)));
    }
    planted
}
