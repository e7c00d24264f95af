//! Makes versions: inflates roots, applies deltas, and finds the memory for both.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use git2::Oid;

use super::delta::{self, DeltaError};
use super::file::WINDOW;
use super::forest::{NONE, Node};
use super::headers::{EntryKind, Header};
use super::rescue::Copy;
use super::tools::{Failure, Tools};
use super::walk::{Frame, Walk};
use super::{ObjectId, Visit};
use crate::source::GapKind;

/// So many bytes may be made again in any case; beyond that, twice of what was made first.
const AGAIN: u64 = 256 << 20;

impl<V: Visit> Walk<'_, V> {
    pub(super) fn rescue_bytes(&self, node: u32, tools: &mut Tools<'_>) -> Option<Vec<u8>> {
        // One rescue at a time, for it holds up to three objects.
        tools.holding.grow(true);
        match self.rescue.read(&self.id(node), self.kind, Some(self.number), tools.holding.left() / 3) {
            Some(Copy::Found(bytes)) => Some(bytes),
            _ => None,
        }
    }

    /// Reads the header of a node's entry and makes sure that what follows may be inflated.
    fn header(&self, node: u32, tools: &mut Tools<'_>) -> Result<(Header, Option<ObjectId>), Failure> {
        let at = self.node(node);
        let bytes = tools
            .window
            .get(self.pack, at.offset, (at.len as usize).min(WINDOW))
            .map_err(|_| Failure { kind: GapKind::Unreadable, ..Failure::corrupt("the pack cannot be read") })?;
        let width = self.forest.width();
        let header = Header::read(bytes, width).map_err(Failure::corrupt)?;
        if header.size > self.limits.decode_limit {
            let message = format!("{} bytes, more than the limit of {}", header.size, self.limits.decode_limit);
            return Err(Failure::limit(message));
        }
        if self.totals.decoded.load(Relaxed) > self.limits.max_decoded {
            return Err(Failure::limit("the run has made more bytes than its limit"));
        }
        let base = match header.kind {
            EntryKind::Named(from) => ObjectId::from_bytes(&bytes[from..from + width]),
            _ => None,
        };
        Ok((header, base))
    }

    fn end(&self, node: &Node) -> u64 {
        if node.len == u32::MAX { self.pack.len } else { node.offset + u64::from(node.len) }
    }

    /// Makes a root. None if it is a delta on an object elsewhere that is of another kind.
    pub(super) fn make_root(
        &self,
        node: u32,
        tools: &mut Tools<'_>,
        stack: &mut [Frame<V::State>],
    ) -> Result<Option<Vec<u8>>, Failure> {
        let (header, base) = self.header(node, tools)?;
        let Some(base) = base else {
            if header.kind != EntryKind::Plain(self.kind) {
                return Err(Failure::corrupt("the pack changed while it was read"));
            }
            let size = self.room(header.size, 0, stack, tools)?;
            let mut bytes = tools.holding.buffer(size);
            bytes.resize(size, 0);
            let (start, end) = (self.node(node).offset + header.len as u64, self.end(self.node(node)));
            tools
                .inflater
                .fill(self.pack, &mut tools.window, start, end, &mut bytes)
                .map_err(|error| Failure::corrupt(error.to_string()))?;
            self.check(node, &bytes)?;
            tools.count_made(bytes.len(), self.totals);
            return Ok(Some(bytes));
        };
        tools.holding.grow(true);
        let copy = self.rescue.read(&base, self.kind, Some(self.number), tools.holding.left() / 3);
        match copy {
            Some(Copy::Found(base)) => self.make(node, &base, stack, tools).map(Some),
            Some(Copy::Other(_)) => Ok(None),
            None => Err(Failure { unknown: true, ..Failure::corrupt("a delta without its base") }),
        }
    }

    /// Makes a version from its base; `tools.edit` then says how.
    pub(super) fn make(
        &self,
        node: u32,
        base: &[u8],
        stack: &mut [Frame<V::State>],
        tools: &mut Tools<'_>,
    ) -> Result<Vec<u8>, Failure> {
        tools.keep_small();
        let (header, _) = self.header(node, tools)?;
        if matches!(header.kind, EntryKind::Plain(_)) {
            return Err(Failure::corrupt("the pack changed while it was read"));
        }
        let size = self.room(header.size, 0, stack, tools)?;
        if tools.delta.len() < size {
            tools.delta.resize(size, 0);
        }
        let (start, end) = (self.node(node).offset + header.len as u64, self.end(self.node(node)));
        tools
            .inflater
            .fill(self.pack, &mut tools.window, start, end, &mut tools.delta[..size])
            .map_err(|error| Failure::corrupt(error.to_string()))?;
        let corrupt = |error: DeltaError| match error {
            DeltaError::Limit => Failure::limit(error.to_string()),
            _ => Failure::corrupt(error.to_string()),
        };
        let (_, len, _) = delta::sizes(&tools.delta[..size]).map_err(corrupt)?;
        if len > self.limits.decode_limit {
            return Err(Failure::limit(format!("{len} bytes, more than the limit of {}", self.limits.decode_limit)));
        }
        let len = self.room(len, size, stack, tools)?;
        let mut bytes = tools.holding.buffer(len);
        delta::apply(base, &tools.delta[..size], len, &mut bytes, &mut tools.edit).map_err(corrupt)?;
        self.check(node, &bytes)?;
        tools.count_made(bytes.len(), self.totals);
        Ok(bytes)
    }

    fn check(&self, node: u32, bytes: &[u8]) -> Result<(), Failure> {
        if !self.check_ids || self.forest.width() != 20 {
            return Ok(());
        }
        match Oid::hash_object(self.kind, bytes) {
            Ok(id) if id.as_bytes() == self.id(node).as_bytes() => Ok(()),
            _ => Err(Failure::corrupt("the content is not what its id says")),
        }
    }

    /// Makes room for a buffer of `len` bytes besides `more`, if need be by dropping bases, those first that are
    /// needed last.
    fn room(
        &self,
        len: u64,
        more: usize,
        stack: &mut [Frame<V::State>],
        tools: &mut Tools<'_>,
    ) -> Result<usize, Failure> {
        let too_much = || Failure::limit(format!("{len} bytes need more memory than the limit"));
        let len = usize::try_from(len).map_err(|_| too_much())?;
        let need = len.checked_add(len / 8).and_then(|need| need.checked_add(more)).ok_or_else(too_much)?;
        while !tools.holding.fits(need) {
            if tools.holding.grow(false) {
                continue;
            }
            let droppable = stack.iter_mut().find_map(|frame| match &frame.bytes {
                Some(bytes) if Arc::strong_count(bytes) == 1 => frame.bytes.take(),
                _ => None,
            });
            match droppable {
                Some(bytes) => tools.holding.drop_held(bytes.capacity()),
                None if tools.holding.grow(true) => {}
                None => return Err(too_much()),
            }
        }
        Ok(len)
    }

    /// Makes a version once more whose bytes were dropped, from the nearest base that is still there.
    pub(super) fn again(
        &self,
        node: u32,
        stack: &mut [Frame<V::State>],
        tools: &mut Tools<'_>,
    ) -> Result<Arc<Vec<u8>>, Failure> {
        let mut chain = Vec::new();
        let (mut at, mut base) = (node, None);
        while at != NONE {
            base = stack.iter().find(|frame| frame.node == at).and_then(|frame| frame.bytes.clone());
            if base.is_some() {
                break;
            }
            chain.push(at);
            at = self.node(at).parent;
        }
        let kept = base.is_some();
        for (step, node) in chain.into_iter().rev().enumerate() {
            let made = match &base {
                Some(base) => self.make(node, base, stack, tools),
                None => self
                    .make_root(node, tools, stack)
                    .and_then(|made| made.ok_or_else(|| Failure::corrupt("the pack changed while it was read"))),
            };
            let made = match made {
                Ok(made) => made,
                Err(failure) => self.rescue_bytes(node, tools).ok_or(failure)?,
            };
            let so_far = self.totals.again.fetch_add(made.len() as u64, Relaxed);
            let first = self.totals.decoded.load(Relaxed).saturating_sub(so_far);
            if so_far > AGAIN.saturating_add(first.saturating_mul(2)) {
                return Err(Failure::limit("its bases do not fit into the memory"));
            }
            tools.holding.hold(made.capacity());
            if let Some(before) = base.replace(Arc::new(made))
                && (step > 0 || !kept)
            {
                tools.release(before);
            }
        }
        base.ok_or_else(|| Failure::corrupt("a delta without its base"))
    }
}
