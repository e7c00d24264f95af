//! Object ids of both hashes that git knows.

use std::fmt;

use git2::Oid;

/// The id of an object: SHA-1, or SHA-256 in a repository that is kept so.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId {
    // An id of 20 bytes is filled up with zeros.
    bytes: [u8; 32],
    len: u8,
}

impl ObjectId {
    /// An id of 20 or 32 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut id = Self { bytes: [0; 32], len: bytes.len() as u8 };
        if !matches!(bytes.len(), 20 | 32) {
            return None;
        }
        id.bytes[..bytes.len()].copy_from_slice(bytes);
        Some(id)
    }

    /// An id as people write it, in full.
    pub fn from_hex(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        let mut bytes = [0; 32];
        if !matches!(digits.len(), 40 | 64) {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.as_chunks::<2>().0) {
            let [high, low] = pair.map(|digit| char::from(digit).to_digit(16));
            *byte = (high? << 4 | low?) as u8;
        }
        Self::from_bytes(&bytes[..digits.len() / 2])
    }

    /// Its 20 or 32 bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// The same as libgit2 writes it, if it is SHA-1.
    pub fn oid(&self) -> Option<Oid> {
        Oid::from_bytes(self.as_bytes()).ok().filter(|_| self.len == 20)
    }
}

impl From<Oid> for ObjectId {
    fn from(id: Oid) -> Self {
        Self::from_bytes(id.as_bytes()).expect("libgit2 knows ids of 20 bytes")
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex: String = self.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        // A precision gives the first digits.
        f.pad(&hex)
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Ids one after another, sorted.
#[derive(Debug, Default, Clone)]
pub(super) struct IdTable {
    bytes: Vec<u8>,
    /// Bytes of one id.
    width: usize,
}

impl IdTable {
    /// An empty table for ids of `width` bytes.
    pub(super) fn new(width: usize) -> Self {
        Self { bytes: Vec::new(), width }
    }

    pub(super) fn reserve(&mut self, count: usize) {
        self.bytes.reserve_exact(count * self.width);
    }

    /// Adds an id, which must not sort before the last one.
    pub(super) fn push(&mut self, id: &[u8]) {
        debug_assert!(id.len() == self.width && self.last().is_none_or(|last| last <= id));
        self.bytes.extend_from_slice(id);
    }

    pub(super) fn last(&self) -> Option<&[u8]> {
        self.len().checked_sub(1).map(|last| self.get(last))
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len().checked_div(self.width).unwrap_or(0)
    }

    /// Bytes of one id.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Bytes held.
    pub(super) fn memory(&self) -> usize {
        self.bytes.capacity()
    }

    pub(super) fn get(&self, at: usize) -> &[u8] {
        &self.bytes[at * self.width..][..self.width]
    }

    pub(super) fn id(&self, at: usize) -> ObjectId {
        ObjectId::from_bytes(self.get(at)).expect("tables are made for ids of 20 or 32 bytes")
    }

    fn contains(&self, id: &[u8]) -> bool {
        self.find(id).is_some()
    }

    /// Where an id stands.
    pub(super) fn find(&self, id: &[u8]) -> Option<usize> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            match self.get(middle).cmp(id) {
                std::cmp::Ordering::Equal => return Some(middle),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    fn merge(&self, other: &Self) -> Self {
        let mut merged = Self::new(self.width);
        merged.bytes.reserve_exact(self.bytes.len() + other.bytes.len());
        let (mut a, mut b) = (0, 0);
        while a < self.len() && b < other.len() {
            let id = if self.get(a) <= other.get(b) { (self.get(a), a += 1).0 } else { (other.get(b), b += 1).0 };
            merged.bytes.extend_from_slice(id);
        }
        merged.bytes.extend_from_slice(&self.bytes[a * self.width..]);
        merged.bytes.extend_from_slice(&other.bytes[b * self.width..]);
        merged
    }
}

/// Which objects have been scanned: a few sorted tables, each at least twice as long as the next.
#[derive(Debug, Default)]
pub(super) struct Seen {
    tables: Vec<IdTable>,
}

impl Seen {
    pub(super) fn add(&mut self, table: IdTable) {
        if table.len() == 0 {
            return;
        }
        let mut table = table;
        while let Some(last) = self.tables.pop_if(|last| last.len() < 2 * table.len() && last.width == table.width) {
            table = last.merge(&table);
        }
        self.tables.push(table);
    }

    pub(super) fn contains(&self, id: &[u8]) -> bool {
        self.tables.iter().any(|table| table.width == id.len() && table.contains(id))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// Bytes held.
    pub(super) fn memory(&self) -> usize {
        self.tables.iter().map(IdTable::memory).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_both_lengths_read_as_they_are_written() {
        for text in ["0123456789abcdef0123456789abcdef01234567", &"ab".repeat(32)] {
            let id = ObjectId::from_hex(text).unwrap();
            assert_eq!(id.to_string(), *text);
            assert_eq!(id.oid().is_some(), text.len() == 40);
        }
        assert_eq!(ObjectId::from_hex("0123"), None);
        assert_eq!(ObjectId::from_hex(&"x".repeat(40)), None);
        assert_eq!(ObjectId::from_bytes(&[0; 21]), None);
    }

    #[test]
    fn what_was_seen_is_found_among_many_tables() {
        let mut seen = Seen::default();
        for round in 0..50u8 {
            let mut table = IdTable::new(20);
            for one in 0..=round % 7 {
                table.push(&[[one; 1].as_slice(), &[round; 19]].concat());
            }
            seen.add(table);
        }
        assert!(seen.tables.len() < 8, "{}", seen.tables.len());
        for round in 0..50u8 {
            for one in 0..8 {
                let id = [[one; 1].as_slice(), &[round; 19]].concat();
                assert_eq!(seen.contains(&id), one <= round % 7, "{one} {round}");
            }
        }
        assert!(!seen.contains(&[0; 32]));
    }
}
