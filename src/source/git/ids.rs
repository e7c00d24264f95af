//! Maps and sets keyed by object ids.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use git2::Oid;

/// A map keyed by object id.
pub(super) type IdMap<V> = HashMap<Oid, V, BuildHasherDefault<IdHasher>>;
/// A set of object ids.
pub(super) type IdSet = HashSet<Oid, BuildHasherDefault<IdHasher>>;

/// Takes the first bytes of an id for its hash, since an id is one already.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    /// The length that slices write before themselves says nothing here.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Sorted ids with the numbers of where they stand, found in about two looks.
#[derive(Debug, Default)]
pub(super) struct IdIndex {
    ids: Vec<Oid>,
    /// Where ids with each value of their first bits begin, and the end of all.
    starts: Vec<u32>,
    /// How many bits of 32 are left out.
    shift: u32,
}

impl IdIndex {
    /// An index of ids that are sorted.
    pub(super) fn new(ids: Vec<Oid>) -> Self {
        // As many parts as ids, or half as many.
        let bits = ids.len().checked_ilog2().unwrap_or(0).clamp(1, 30);
        let shift = 32 - bits;
        let mut starts = Vec::with_capacity((1 << bits) + 1);
        for part in 0..1usize << bits {
            let from = starts.last().map_or(0, |last| *last as usize);
            let below =
                ids[from..].iter().take_while(|id| (first_bits(id.as_bytes()) >> shift) as usize <= part).count();
            if part == 0 {
                starts.push(0);
            }
            starts.push((from + below) as u32);
        }
        Self { ids, starts, shift }
    }

    /// The number of an id.
    pub(super) fn find(&self, id: &[u8]) -> Option<u32> {
        let part = (first_bits(id) >> self.shift) as usize;
        let (from, to) = (self.starts[part] as usize, self.starts[part + 1] as usize);
        let found = self.ids[from..to].binary_search_by(|known| known.as_bytes().cmp(id)).ok()?;
        Some((from + found) as u32)
    }

    /// All ids.
    pub(super) fn ids(&self) -> &[Oid] {
        &self.ids
    }
}

fn first_bits(id: &[u8]) -> u32 {
    id.first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_is_found_where_it_stands() {
        for count in [0u32, 1, 2, 3, 255, 256, 5000] {
            let mut ids: Vec<Oid> = (0..count)
                .map(|at| {
                    let mut bytes = [7; 20];
                    // Many share their first bits.
                    bytes[..4]
                        .copy_from_slice(&(at.wrapping_mul(if at % 2 == 0 { 2_654_435_761 } else { 3 })).to_be_bytes());
                    bytes[4..8].copy_from_slice(&at.to_be_bytes());
                    Oid::from_bytes(&bytes).unwrap()
                })
                .collect();
            ids.sort_unstable();
            let index = IdIndex::new(ids.clone());
            for (at, id) in (0..).zip(&ids) {
                assert_eq!(index.find(id.as_bytes()), Some(at));
            }
            assert_eq!(index.find(&[255; 20]), None);
            assert_eq!(index.find(&[0; 20]), None);
        }
    }

    #[test]
    fn ids_hash_by_their_own_bytes() {
        let mut set = IdSet::default();
        for byte in 0..=255 {
            set.insert(Oid::from_bytes(&[byte; 20]).unwrap());
        }
        assert_eq!(set.len(), 256);
        let mut hasher = IdHasher::default();
        std::hash::Hash::hash(&Oid::from_bytes(&[3; 20]).unwrap(), &mut hasher);
        assert_eq!(hasher.finish(), 0x0303_0303_0303_0303);
    }
}
