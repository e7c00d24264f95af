//! Works out from the headers of a pack's entries which versions were made from which.

use std::io;

use git2::ObjectType;

use super::file::{PackFile, WINDOW, Window};
use super::id::IdTable;
use super::index::{Finder, Index, IndexError};
use super::listing::Found;

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
    Plain(ObjectType),
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
            1 => EntryKind::Plain(ObjectType::Commit),
            2 => EntryKind::Plain(ObjectType::Tree),
            3 => EntryKind::Plain(ObjectType::Blob),
            4 => EntryKind::Plain(ObjectType::Tag),
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
    use git2::ObjectType;

    /// A delta on an object that is not in this pack.
    pub(super) const ELSEWHERE: u32 = u32::MAX - 4;
    /// A delta on something else than objects are.
    const OTHER: u32 = u32::MAX - 6;
    /// A delta whose chain is a circle.
    pub(super) const CIRCLE: u32 = u32::MAX - 5;

    /// An object of this kind.
    pub(super) fn of(kind: ObjectType) -> u32 {
        match kind {
            ObjectType::Blob => u32::MAX,
            ObjectType::Tree => u32::MAX - 1,
            ObjectType::Commit => u32::MAX - 2,
            ObjectType::Tag => u32::MAX - 3,
            _ => OTHER,
        }
    }

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

/// What the headers of a pack's entries say: enough to plant a forest of any kind.
#[derive(Debug)]
pub(super) struct Headers {
    /// The entries in the order of the pack.
    entries: Vec<Listed>,
    /// The mark at the end of each entry's chain of deltas, counted down from the highest.
    ends: Vec<u8>,
    /// Why entries are unreadable.
    reasons: Vec<&'static str>,
    /// How many entries of any kind are not what the index has a checksum of. Compression does not cover the
    /// header, where one bit makes a tree of a blob.
    pub(super) doubtful: usize,
    /// The checksum of the pack that the index was made for.
    pack: Vec<u8>,
}

/// An entry of a pack.
#[derive(Debug, Clone, Copy)]
struct Listed {
    offset: u64,
    /// Its position in the index.
    position: u32,
    /// What its own header says.
    mark: u32,
}

impl Headers {
    /// Reads the headers of all entries that `index` lists.
    pub(super) fn read(index: &Index, pack: &PackFile) -> Result<Self, IndexError> {
        if index.count as u64 >= u64::from(mark::FIRST - 1) || !index.fits(pack.len) {
            return Err(IndexError::Damaged);
        }
        let mut reasons = Vec::new();
        let offsets = index.offsets()?;
        let mut entries: Vec<Listed> =
            offsets.into_iter().map(|(offset, position)| Listed { offset, position, mark: 0 }).collect();
        let doubtful = read_headers(index, pack, &mut entries, &mut reasons)?;
        // Every delta learns what stands at the end of its chain: a blob, something else or trouble.
        let ends = chain_ends(&mut entries).into_iter().map(|end| (u32::MAX - end) as u8).collect();
        Ok(Self { entries, ends, reasons, doubtful, pack: index.pack_checksum()? })
    }

    /// Whether these are the headers of the pack that `index` was made for.
    pub(super) fn belong_to(&self, index: &Index) -> bool {
        self.entries.len() == index.count && index.pack_checksum().is_ok_and(|checksum| checksum == self.pack)
    }

    /// Calls `each` with the position of each entry in the index and what it is.
    pub(super) fn each(&self, mut each: impl FnMut(usize, Found)) {
        const KINDS: [ObjectType; 4] = [ObjectType::Blob, ObjectType::Tree, ObjectType::Commit, ObjectType::Tag];
        for (at, entry) in self.entries.iter().enumerate() {
            let end = self.end(at);
            each(
                entry.position as usize,
                match KINDS.iter().find(|kind| mark::of(**kind) == end) {
                    Some(kind) => Found::Kind(*kind),
                    None if end == mark::ELSEWHERE => Found::Elsewhere(NO_BASE),
                    None if end == mark::CIRCLE => Found::Circle,
                    None => {
                        let why = end.checked_sub(mark::FIRST).and_then(|at| self.reasons.get(at as usize));
                        Found::Bad(why.copied().unwrap_or(NO_BASE))
                    }
                },
            );
        }
    }

    fn end(&self, entry: usize) -> u32 {
        u32::MAX - u32::from(self.ends[entry])
    }
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

fn read_headers(
    index: &Index,
    pack: &PackFile,
    entries: &mut [Listed],
    reasons: &mut Vec<&'static str>,
) -> Result<usize, IndexError> {
    let mut window = Window::new();
    let (mut named, mut names) = (Vec::new(), Vec::new());
    let mut doubtful = 0;
    let checksums = index.checksums()?;
    let pack_end = pack.len.saturating_sub(index.width as u64);
    for at in 0..entries.len() {
        let Listed { offset, position, .. } = entries[at];
        if let Some(checksums) = &checksums {
            let end = entries.get(at + 1).map_or(pack_end, |next| next.offset);
            if checksum(pack, &mut window, offset, end)? != checksums[position as usize] {
                doubtful += 1;
            }
        }
        let bytes = window.get(pack, offset, HEADER)?;
        let header =
            if offset < 12 { Err("an entry inside the pack's header") } else { Header::read(bytes, index.width) };
        entries[at].mark = match header.map(|header| header.kind) {
            Ok(EntryKind::Plain(kind)) => mark::of(kind),
            Ok(EntryKind::Before(distance)) => {
                match offset.checked_sub(distance).filter(|_| distance > 0).and_then(|base| find(entries, at, base)) {
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
        };
    }
    let finder = if named.len() > FEW { Finder::all(index)? } else { Finder::each(index) };
    for (at, id) in named.into_iter().zip(names.chunks_exact(index.width)) {
        if let Some(base) = finder.find(id) {
            entries[at as usize].mark = match entries.binary_search_by_key(&base, |entry| entry.offset) {
                Ok(base) => base as u32,
                Err(_) => mark::bad(reasons, NO_BASE),
            };
        }
    }
    Ok(doubtful)
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
fn find(entries: &[Listed], from: usize, offset: u64) -> Option<u32> {
    let mut step = 1;
    while step < from && entries[from - step].offset > offset {
        step *= 2;
    }
    let low = from.saturating_sub(step);
    let found = entries[low..=from - step / 2].binary_search_by_key(&offset, |entry| entry.offset).ok()?;
    Some((low + found) as u32)
}

/// The mark at the end of each entry's chain of deltas.
///
/// Where a chain is a circle, one delta of it takes its base from elsewhere: another copy of the base may be
/// whole. Offsets only point back, so a circle has a delta that names its base.
fn chain_ends(entries: &mut [Listed]) -> Vec<u32> {
    const ON_THE_WAY: u32 = mark::FIRST - 1;
    let mut ends = vec![0; entries.len()];
    let mut chain = Vec::new();
    // 0 is an entry's number, never the end of a chain, so it says "not known yet".
    for start in 0..entries.len() {
        let mut at = start;
        let end = loop {
            match entries[at].mark {
                _ if ends[at] == ON_THE_WAY => {
                    // In a circle somebody's base lies behind it, or is itself.
                    let round = chain.iter().rposition(|one| *one == at).unwrap_or(0);
                    let ahead = |one: &&usize| (entries[**one].mark as usize) >= **one;
                    let cut = chain[round..].iter().find(ahead).copied().unwrap_or(at);
                    entries[cut].mark = mark::ELSEWHERE;
                    break mark::CIRCLE;
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
