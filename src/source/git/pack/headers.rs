//! Reads the headers of a pack's entries, once for all kinds of objects.

use std::io;

use git2::ObjectType;

use super::file::{PackFile, WINDOW, Window};
use super::index::{Finder, Index, IndexError};
use super::listing::Found;

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
pub(super) const NO_BASE: &str = "a delta without its base";

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
pub(super) mod mark {
    use git2::ObjectType;

    /// A delta on an object that is not in this pack.
    pub(in super::super) const ELSEWHERE: u32 = u32::MAX - 4;
    /// A delta on something else than objects are.
    const OTHER: u32 = u32::MAX - 6;
    /// A delta whose chain is a circle.
    pub(in super::super) const CIRCLE: u32 = u32::MAX - 5;

    /// An object of this kind.
    pub(in super::super) fn of(kind: ObjectType) -> u32 {
        match kind {
            ObjectType::Blob => u32::MAX,
            ObjectType::Tree => u32::MAX - 1,
            ObjectType::Commit => u32::MAX - 2,
            ObjectType::Tag => u32::MAX - 3,
            _ => OTHER,
        }
    }

    pub(in super::super) const FIRST: u32 = u32::MAX - 31;
    /// Unreadable, for the reason with this number.
    pub(in super::super) fn bad(reasons: &mut Vec<&'static str>, why: &'static str) -> u32 {
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
    pub(super) entries: Vec<Listed>,
    /// The mark at the end of each entry's chain of deltas, counted down from the highest.
    ends: Vec<u8>,
    /// Why entries are unreadable.
    pub(super) reasons: Vec<&'static str>,
    /// How many entries of any kind are not what the index has a checksum of. Compression does not cover the
    /// header, where one bit makes a tree of a blob.
    pub(super) doubtful: usize,
    /// The checksum of the pack that the index was made for.
    pack: Vec<u8>,
}

/// An entry of a pack.
#[derive(Debug, Clone, Copy)]
pub(super) struct Listed {
    pub(super) offset: u64,
    /// Its position in the index.
    pub(super) position: u32,
    /// What its own header says.
    pub(super) mark: u32,
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

    pub(super) fn end(&self, entry: usize) -> u32 {
        u32::MAX - u32::from(self.ends[entry])
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
