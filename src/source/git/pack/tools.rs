//! What the threads of a walk work with, and what they count.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use super::file::Window;
use super::inflate::Inflater;
use super::memory::{Budget, Holding};
use super::{Copied, Edit};
use crate::source::GapKind;

/// Counts are added to the common ones after so many versions.
pub(super) const TALLY: u64 = 64;
/// And bytes made after so many.
const TALLY_BYTES: u64 = 1 << 20;

/// What was done, counted by all threads.
#[derive(Debug, Default)]
pub(super) struct Totals {
    pub(super) blobs: AtomicU64,
    pub(super) roots: AtomicU64,
    pub(super) bytes: AtomicU64,
    pub(super) fresh: AtomicU64,
    /// Bytes of all versions made, handed out or not, as often as they were made.
    pub(super) decoded: AtomicU64,
    /// Those of them that were made once more because they could not be kept.
    pub(super) again: AtomicU64,
    pub(super) stopped: AtomicBool,
}

/// Why a version could not be made.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) kind: GapKind,
    pub(super) message: Cow<'static, str>,
    /// Not even what kind of object it is.
    pub(super) unknown: bool,
}

impl Failure {
    pub(super) fn corrupt(message: impl Into<Cow<'static, str>>) -> Self {
        Self { kind: GapKind::Corrupt, message: message.into(), unknown: false }
    }

    pub(super) fn limit(message: impl Into<Cow<'static, str>>) -> Self {
        Self { kind: GapKind::Limit, message: message.into(), unknown: false }
    }
}

/// What a thread works with.
pub(super) struct Tools<'b> {
    pub(super) holding: Holding<'b>,
    pub(super) inflater: Inflater,
    pub(super) window: Window,
    pub(super) delta: Vec<u8>,
    pub(super) edit: Edit,
    pub(super) blobs: u64,
    pub(super) roots: u64,
    pub(super) bytes: u64,
    pub(super) fresh: u64,
    pub(super) decoded: u64,
}

impl<'b> Tools<'b> {
    pub(super) fn new(budget: &'b Budget) -> Self {
        Self {
            holding: Holding::new(budget),
            inflater: Inflater::new(),
            window: Window::jumping(),
            delta: Vec::new(),
            edit: Edit::default(),
            blobs: 0,
            roots: 0,
            bytes: 0,
            fresh: 0,
            decoded: 0,
        }
    }

    /// Lets go of a base.
    pub(super) fn release(&mut self, bytes: Arc<Vec<u8>>) {
        self.holding.release(bytes.capacity());
        if let Ok(bytes) = Arc::try_unwrap(bytes) {
            self.holding.give_back(bytes);
        }
    }

    /// A delta or an edit far larger than usual does not stay.
    pub(super) fn keep_small(&mut self) {
        const USUAL: usize = 1 << 20;
        if self.delta.capacity() > USUAL {
            self.delta = Vec::new();
        }
        if self.edit.copies.capacity() * size_of::<Copied>() > USUAL {
            self.edit.copies = Vec::new();
        }
    }

    pub(super) fn count_made(&mut self, bytes: usize, totals: &Totals) {
        self.decoded += bytes as u64;
        if self.decoded >= TALLY_BYTES {
            totals.decoded.fetch_add(std::mem::take(&mut self.decoded), Relaxed);
        }
    }

    pub(super) fn tally(&mut self, totals: &Totals) {
        let add = |total: &AtomicU64, count: &mut u64| {
            total.fetch_add(std::mem::take(count), Relaxed);
        };
        add(&totals.blobs, &mut self.blobs);
        add(&totals.roots, &mut self.roots);
        add(&totals.bytes, &mut self.bytes);
        add(&totals.fresh, &mut self.fresh);
        add(&totals.decoded, &mut self.decoded);
    }
}
