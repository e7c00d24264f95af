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

#[cfg(test)]
mod tests {
    use super::*;

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
