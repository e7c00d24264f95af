//! What a sweep asks of those who look at the versions.

use super::{Edit, ObjectId};

/// Looks at every version once, with what it was made from.
///
/// Calls come from several threads at once. A visitor must not wait for work of its own on the same thread
/// pool, and must contain its own panics.
pub trait Visit: Sync {
    /// What the versions made from this one inherit. A few bytes: one is kept for each base on the way
    /// down a family, and memory limits do not count it.
    type State: Send + Sync;

    /// A version without a base, or with one that was not visited: all of it is fresh.
    fn root(&self, id: &ObjectId, bytes: &[u8]) -> Self::State;

    /// A version made from another: its bytes, the base's bytes and state, and how it came about.
    fn child(&self, id: &ObjectId, bytes: &[u8], base_bytes: &[u8], base: &Self::State, edit: &Edit) -> Self::State;

    /// Called once for every object, after `root` or `child`. Those two may be called again for an object
    /// that lies in several packs, where other versions are made from its other copy; what counts or
    /// collects belongs here.
    fn found(&self, id: &ObjectId, bytes: &[u8], state: &Self::State) {
        let _ = (id, bytes, state);
    }

    /// Asked before every version; the sweep ends as soon as it is true.
    fn stop(&self) -> bool {
        false
    }
}

/// What a sweep may use and what it hands out.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of memory for everything but states: tables, kept bases, buffers. An object that cannot be made
    /// within them is a gap. The tables of a pack are made whatever they need, 24 to 80 bytes for each of
    /// its objects.
    pub max_memory: usize,
    /// A blob of more bytes is a gap and not handed out, but versions made from it are.
    pub scan_limit: u64,
    /// A blob of more bytes is not made, nor are versions made from it.
    pub decode_limit: u64,
    /// All versions of a run together, in bytes. A pack of a few megabytes can hold more than anybody can
    /// wait for; what lies behind is a gap.
    pub max_decoded: u64,
    /// Hash every version and compare with its id, if that is SHA-1. Costs more than everything else, and
    /// is done in any case for a pack that shows damage.
    pub check_ids: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_memory: 128 << 20,
            scan_limit: 1 << 30,
            decode_limit: 1 << 30,
            max_decoded: 1 << 40,
            check_ids: false,
        }
    }
}
