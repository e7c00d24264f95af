//! Reads pack indexes, version 1 and 2, with ids of 20 or 32 bytes, and believes nothing they say.

use std::io;
use std::path::Path;

use super::file::PackFile;
use super::id::IdTable;

/// Bytes of the table of counts by first byte.
const FANOUT: u64 = 1024;
/// Bytes read at once.
const BLOCK: usize = 256 << 10;
/// No entry of a pack is shorter: one byte of header, the eight of an empty zlib stream.
const SHORTEST_ENTRY: u64 = 9;

/// An open pack index.
#[derive(Debug)]
pub(super) struct Index {
    file: PackFile,
    /// Where ids begin, and how far one lies from the next.
    ids: (u64, u64),
    /// Where checksums of entries begin, if the version has any.
    checksums: Option<u64>,
    /// Where offsets of four bytes begin, and how far one lies from the next.
    offsets: (u64, u64),
    /// Where offsets of eight bytes begin, and how many there are.
    large: (u64, u64),
    /// How many objects.
    pub(super) count: usize,
    /// Bytes of an object id.
    pub(super) width: usize,
}

/// Why an index cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum IndexError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("damaged pack index")]
    Damaged,
}

impl Index {
    /// Opens an index. How long its ids are shows in its length, for the lengths that ids of 20 and of 32
    /// bytes allow never meet.
    pub(super) fn open(path: &Path) -> Result<Self, IndexError> {
        let file = PackFile::open(path)?;
        let mut head = [0; 8];
        if file.len < FANOUT {
            return Err(IndexError::Damaged);
        }
        file.read_exact_at(&mut head, 0)?;
        let second = head[..4] == *b"\xfftOc";
        if second && head[4..] != [0, 0, 0, 2] {
            return Err(IndexError::Damaged);
        }
        let start = if second { 8 } else { 0 };
        let mut fanout = [0; FANOUT as usize];
        file.read_exact_at(&mut fanout, start).map_err(|_| IndexError::Damaged)?;
        let mut counts = fanout.as_chunks::<4>().0.iter().map(|bytes| u32::from_be_bytes(*bytes));
        if !counts.clone().is_sorted() {
            return Err(IndexError::Damaged);
        }
        let count = u64::from(counts.next_back().unwrap_or(0));
        let table = start + FANOUT;
        for width in [20u64, 32] {
            let (ids, offsets, end) = if second {
                let offsets = table + count * (width + 4);
                ((table, width), (offsets, 4), offsets + count * 4)
            } else {
                ((table + 4, width + 4), (table, width + 4), table + count * (width + 4))
            };
            let Some(large) = file.len.checked_sub(end + 2 * width) else { continue };
            if large % 8 == 0 && large / 8 <= if second { count } else { 0 } {
                let checksums = second.then_some(table + count * width);
                let (large, width) = ((end, large / 8), width as usize);
                return Ok(Self { file, ids, checksums, offsets, large, count: count as usize, width });
            }
        }
        Err(IndexError::Damaged)
    }

    /// The checksum of the pack it was made for.
    pub(super) fn pack_checksum(&self) -> Result<Vec<u8>, IndexError> {
        let mut checksum = vec![0; self.width];
        self.file.read_exact_at(&mut checksum, self.file.len - 2 * self.width as u64)?;
        Ok(checksum)
    }

    /// Whether a pack of so many bytes has room for all entries.
    pub(super) fn fits(&self, pack_len: u64) -> bool {
        self.count as u64 <= pack_len / SHORTEST_ENTRY
    }

    /// The offset of each entry with its position in the index, sorted by offset.
    pub(super) fn offsets(&self) -> Result<Vec<(u64, u32)>, IndexError> {
        let mut large = Vec::new();
        self.each(self.large.0, 8, self.large.1 as usize, |bytes| {
            large.push(u64::from_be_bytes(bytes.try_into().unwrap_or_default()));
            true
        })?;
        let mut offsets = Vec::with_capacity(self.count);
        let whole = self.each(self.offsets.0, self.offsets.1, self.count, |bytes| {
            let small = u32_at(bytes);
            let offset = if self.large.1 > 0 && small & 0x8000_0000 != 0 {
                large.get((small & 0x7fff_ffff) as usize).copied()
            } else {
                Some(u64::from(small))
            };
            let position = offsets.len() as u32;
            offset.map(|offset| offsets.push((offset, position))).is_some()
        })?;
        if !whole {
            return Err(IndexError::Damaged);
        }
        offsets.sort_unstable();
        Ok(offsets)
    }

    /// The CRC-32 of each entry by its position in the index; none in version 1.
    pub(super) fn checksums(&self) -> Result<Option<Vec<u32>>, IndexError> {
        let Some(from) = self.checksums else { return Ok(None) };
        let mut checksums = Vec::with_capacity(self.count);
        self.each(from, 4, self.count, |bytes| {
            checksums.push(u32_at(bytes));
            true
        })?;
        Ok(Some(checksums))
    }

    /// Hands every id with its position to `take`, which may stop.
    pub(super) fn each_id(&self, mut take: impl FnMut(usize, &[u8])) -> Result<(), IndexError> {
        let mut position = 0;
        self.each(self.ids.0, self.ids.1, self.count, |bytes| {
            take(position, &bytes[..self.width]);
            position += 1;
            true
        })?;
        Ok(())
    }

    /// The offset of the entry with this id.
    pub(super) fn find(&self, id: &[u8]) -> Option<u64> {
        if id.len() != self.width {
            return None;
        }
        let (mut low, mut high) = (0, self.count as u64);
        let mut found = [0; 32];
        let found = &mut found[..self.width];
        while low < high {
            let middle = low.midpoint(high);
            self.file.read_exact_at(found, self.ids.0 + middle * self.ids.1).ok()?;
            match (*found).cmp(id) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return self.offset(middle),
            }
        }
        None
    }

    fn offset(&self, position: u64) -> Option<u64> {
        let mut small = [0; 4];
        self.file.read_exact_at(&mut small, self.offsets.0 + position * self.offsets.1).ok()?;
        let small = u64::from(u32::from_be_bytes(small));
        if self.large.1 == 0 || small & 0x8000_0000 == 0 {
            return Some(small);
        }
        let at = small & 0x7fff_ffff;
        if at >= self.large.1 {
            return None;
        }
        let mut large = [0; 8];
        self.file.read_exact_at(&mut large, self.large.0 + at * 8).ok()?;
        Some(u64::from_be_bytes(large))
    }

    /// Hands `count` records of `step` bytes to `take` until it says no; whether it never did.
    fn each(&self, from: u64, step: u64, count: usize, mut take: impl FnMut(&[u8]) -> bool) -> io::Result<bool> {
        let step = step as usize;
        let mut block = vec![0; (BLOCK / step).min(count) * step];
        let mut done = 0;
        while done < count {
            let now = (block.len() / step).min(count - done);
            let block = &mut block[..now * step];
            // In version 1 the last step ends inside the checksums, which are always there.
            self.file.read_exact_at(block, from + (done * step) as u64)?;
            if !block.chunks_exact(step).all(&mut take) {
                return Ok(false);
            }
            done += now;
        }
        Ok(true)
    }
}

fn u32_at(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes))
}

/// Finds entries by id: in the file for a few, in memory for many.
pub(super) struct Finder<'i> {
    index: &'i Index,
    ids: Option<IdTable>,
}

impl<'i> Finder<'i> {
    /// Looks into the file for each.
    pub(super) fn each(index: &'i Index) -> Self {
        Self { index, ids: None }
    }

    /// Reads all ids first.
    pub(super) fn all(index: &'i Index) -> Result<Self, IndexError> {
        let mut ids = IdTable::new(index.width);
        ids.reserve(index.count);
        let mut sorted = true;
        index.each_id(|_, id| {
            sorted = sorted && ids.last().is_none_or(|last| last <= id);
            if sorted {
                ids.push(id);
            }
        })?;
        if sorted { Ok(Self { index, ids: Some(ids) }) } else { Err(IndexError::Damaged) }
    }

    /// The offset of the entry with this id.
    pub(super) fn find(&self, id: &[u8]) -> Option<u64> {
        match &self.ids {
            Some(ids) => self.index.offset(ids.find(id)? as u64),
            None => self.index.find(id),
        }
    }
}
