//! Walks the families of a pack, from base to delta, and hands every version to the visitor.

use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use git2::ObjectType;
use rayon::Scope;

use super::file::PackFile;
use super::forest::{Forest, NONE, Node};
use super::id::Seen;
use super::memory::Budget;
use super::rescue::Rescue;
use super::tools::{Failure, TALLY, Tools, Totals};
use super::{Limits, ObjectId, Visit};

/// Roots taken from the list at once; neighbours come out of one read.
const ROOTS: usize = 16;
/// A child from which at least so many versions come is given away when threads stand idle.
const GIVEN: u32 = 16;

/// The object was handed out before, from another pack.
pub(super) const SEEN: u8 = 1;
/// It has been handed out.
pub(super) const DONE: u8 = 2;
/// It has turned out to be of another kind.
pub(super) const OTHER_KIND: u8 = 4;
/// A copy of it could not be made.
pub(super) const FAILED: u8 = 8;

/// A walk through one pack.
pub(super) struct Walk<'s, V: Visit> {
    pub(super) visit: &'s V,
    pub(super) kind: ObjectType,
    pub(super) limits: &'s Limits,
    pub(super) budget: &'s Budget,
    pub(super) totals: &'s Totals,
    pub(super) rescue: &'s Rescue,
    /// The pack's number in `rescue`.
    pub(super) number: usize,
    pub(super) pack: &'s PackFile,
    pub(super) forest: &'s Forest,
    /// For each node, whether it or something made from it is still to be handed out.
    pub(super) wanted: Vec<bool>,
    /// What is known of each id.
    pub(super) flags: Vec<AtomicU8>,
    pub(super) check_ids: bool,
    pub(super) failures: Mutex<Vec<(u32, Failure)>>,
    active: AtomicUsize,
}

/// A version whose children are still to be made.
pub(super) struct Frame<S> {
    pub(super) node: u32,
    /// The next child, and where the family ends.
    pub(super) next: u32,
    pub(super) end: u32,
    /// None if they were dropped to save memory.
    pub(super) bytes: Option<Arc<Vec<u8>>>,
    /// None if the version was too large to be visited.
    pub(super) state: Arc<Option<S>>,
}

impl<'s, V: Visit> Walk<'s, V> {
    #[expect(clippy::too_many_arguments, reason = "these are the fields")]
    pub(super) fn new(
        visit: &'s V,
        kind: ObjectType,
        limits: &'s Limits,
        budget: &'s Budget,
        totals: &'s Totals,
        rescue: &'s Rescue,
        number: usize,
        pack: &'s PackFile,
        forest: &'s Forest,
        seen: &Seen,
        check_ids: bool,
    ) -> Self {
        let known = |at| if !seen.is_empty() && seen.contains(forest.ids.get(at)) { SEEN } else { 0 };
        let flags: Vec<_> = (0..forest.ids.len()).map(|at| AtomicU8::new(known(at))).collect();
        let nodes = forest.nodes.iter();
        let mut wanted: Vec<bool> = nodes.map(|node| flags[node.id as usize].load(Relaxed) & SEEN == 0).collect();
        for (at, node) in forest.nodes.iter().enumerate().rev() {
            if wanted[at] && node.parent != NONE {
                wanted[node.parent as usize] = true;
            }
        }
        let (failures, active) = (Mutex::default(), AtomicUsize::new(0));
        Self {
            visit,
            kind,
            limits,
            budget,
            totals,
            rescue,
            number,
            pack,
            forest,
            wanted,
            flags,
            check_ids,
            failures,
            active,
        }
    }

    /// Walks all families, on all threads of the pool.
    pub(super) fn run(&self) {
        let mut roots = Vec::new();
        let mut at = 0;
        while let Some(node) = self.forest.nodes.get(at as usize) {
            if self.wanted[at as usize] {
                roots.push(at);
            }
            at += node.family;
        }
        // The largest families first, so that no thread is left alone with one; the rest in the order of the pack.
        let threads = rayon::current_num_threads();
        let large = (self.forest.nodes.len() / (threads * 8)).max(64) as u32;
        let family = |root: &u32| self.forest.nodes[*root as usize].family;
        roots.sort_by_key(|root| std::cmp::Reverse(if family(root) > large { family(root) } else { 0 }));
        let next = AtomicUsize::new(0);
        rayon::scope(|scope| {
            for _ in 0..threads {
                self.active.fetch_add(1, Relaxed);
                scope.spawn(|scope| {
                    let mut tools = Tools::new(self.budget);
                    loop {
                        let from = next.fetch_add(ROOTS, Relaxed);
                        let Some(some) = roots.get(from..) else { break };
                        for root in &some[..some.len().min(ROOTS)] {
                            self.start(*root, &mut tools, scope);
                        }
                    }
                    self.leave(tools);
                });
            }
        });
    }

    fn leave(&self, mut tools: Tools<'_>) {
        tools.tally(self.totals);
        self.active.fetch_sub(1, Relaxed);
    }

    fn flags(&self, node: u32) -> &AtomicU8 {
        &self.flags[self.node(node).id as usize]
    }

    pub(super) fn node(&self, node: u32) -> &Node {
        &self.forest.nodes[node as usize]
    }

    fn start<'scope>(&'scope self, root: u32, tools: &mut Tools<'scope>, scope: &Scope<'scope>) {
        if self.stopped() {
            return;
        }
        match self.make_root(root, tools, &mut []) {
            Ok(Some(bytes)) => {
                let mut stack = Vec::new();
                self.hand_out_root(root, bytes, tools, &mut stack);
                self.family(stack, tools, scope);
            }
            // The base of this delta is of another kind, and so is this.
            Ok(None) => self.mark_family(root, OTHER_KIND),
            Err(failure) => {
                if let Some(frame) = self.rescued(root, tools) {
                    self.family(vec![frame], tools, scope);
                } else {
                    self.fail(root, &failure);
                }
            }
        }
    }

    /// Makes and hands out all that comes from the versions on the stack.
    fn family<'scope>(&'scope self, mut stack: Vec<Frame<V::State>>, tools: &mut Tools<'scope>, scope: &Scope<'scope>) {
        while let Some(top) = stack.last_mut() {
            if self.stopped() {
                return;
            }
            let Some(child) = self.next_child(top) else {
                if let Some(bytes) = stack.pop().and_then(|frame| frame.bytes) {
                    tools.release(bytes);
                }
                continue;
            };
            let given = top.next < top.end
                && self.node(child).family >= GIVEN
                && self.active.load(Relaxed) < rayon::current_num_threads()
                && !tools.holding.is_large();
            if given && let Some(bytes) = &top.bytes {
                let end = child + self.node(child).family;
                let frame = Frame {
                    node: top.node,
                    next: child,
                    end,
                    bytes: Some(Arc::clone(bytes)),
                    state: Arc::clone(&top.state),
                };
                self.active.fetch_add(1, Relaxed);
                scope.spawn(move |scope| {
                    let mut tools = Tools::new(self.budget);
                    tools.holding.hold(frame.bytes.as_ref().map_or(0, |bytes| bytes.capacity()));
                    self.family(vec![frame], &mut tools, scope);
                    self.leave(tools);
                });
                continue;
            }
            self.step(child, &mut stack, tools);
        }
    }

    /// The next child to be made.
    fn next_child(&self, frame: &mut Frame<V::State>) -> Option<u32> {
        while frame.next < frame.end {
            let child = frame.next;
            frame.next += self.node(child).family;
            if self.wanted[child as usize] {
                return Some(child);
            }
        }
        None
    }

    /// Makes a child of the version on top of the stack, and puts it there if it has children.
    fn step(&self, child: u32, stack: &mut Vec<Frame<V::State>>, tools: &mut Tools<'_>) {
        let Some(top) = stack.last_mut() else { return };
        let (node, state) = (top.node, Arc::clone(&top.state));
        let base = match &top.bytes {
            Some(bytes) => Ok(Arc::clone(bytes)),
            None => self.again(node, stack, tools),
        };
        let Some(top) = stack.last_mut() else { return };
        if top.bytes.is_none() {
            top.bytes = base.as_ref().ok().map(Arc::clone);
        }
        // With its last child a version leaves the stack, but not before the child is made.
        let last = top.next >= top.end;
        let made = base.and_then(|base| Ok((self.make(child, &base, stack, tools)?, base)));
        let mut leaving = if last { stack.pop() } else { None };
        match made {
            Ok((bytes, base)) => {
                let inherited = self.visit_child(child, &bytes, &base, &state, tools);
                drop(base);
                self.push(child, bytes, inherited, stack, tools);
                if let Some(bytes) = leaving.as_mut().and_then(|frame| frame.bytes.take()) {
                    tools.release(bytes);
                }
            }
            Err(failure) => {
                if let Some(bytes) = leaving.as_mut().and_then(|frame| frame.bytes.take()) {
                    tools.release(bytes);
                }
                match self.rescued(child, tools) {
                    Some(frame) => stack.push(frame),
                    None => self.fail(child, &failure),
                }
            }
        }
    }

    fn push(
        &self,
        node: u32,
        bytes: Vec<u8>,
        state: Option<V::State>,
        stack: &mut Vec<Frame<V::State>>,
        tools: &mut Tools<'_>,
    ) {
        let end = node + self.node(node).family;
        if end == node + 1 {
            tools.holding.give_back(bytes);
            return;
        }
        tools.holding.hold(bytes.capacity());
        let (bytes, state) = (Some(Arc::new(bytes)), Arc::new(state));
        stack.push(Frame { node, next: node + 1, end, bytes, state });
    }

    fn visit_child(
        &self,
        node: u32,
        bytes: &[u8],
        base: &[u8],
        base_state: &Option<V::State>,
        tools: &mut Tools<'_>,
    ) -> Option<V::State> {
        let id = self.id(node);
        if !self.may_visit(node, bytes) {
            return None;
        }
        let state = match base_state {
            Some(base_state) => self.visit.child(&id, bytes, base, base_state, &tools.edit),
            None => self.visit.root(&id, bytes),
        };
        let fresh = if base_state.is_some() { tools.edit.fresh_len() } else { bytes.len() };
        self.found(node, &id, bytes, &state, fresh, tools);
        Some(state)
    }

    fn hand_out_root(&self, node: u32, bytes: Vec<u8>, tools: &mut Tools<'_>, stack: &mut Vec<Frame<V::State>>) {
        let id = self.id(node);
        let state = self.may_visit(node, &bytes).then(|| {
            let state = self.visit.root(&id, &bytes);
            self.found(node, &id, &bytes, &state, bytes.len(), tools);
            tools.roots += 1;
            state
        });
        self.push(node, bytes, state, stack, tools);
    }

    fn found(&self, node: u32, id: &ObjectId, bytes: &[u8], state: &V::State, fresh: usize, tools: &mut Tools<'_>) {
        if self.flags(node).fetch_or(DONE, Relaxed) & (SEEN | DONE) == 0 {
            self.visit.found(id, bytes, state);
            tools.blobs += 1;
            tools.bytes += bytes.len() as u64;
            tools.fresh += fresh as u64;
            if tools.blobs >= TALLY {
                tools.tally(self.totals);
            }
        }
    }

    /// Whether a version is small enough; if not, that is a gap.
    fn may_visit(&self, node: u32, bytes: &[u8]) -> bool {
        if bytes.len() as u64 <= self.limits.scan_limit {
            return true;
        }
        let message = format!("{} bytes, more than the limit of {}", bytes.len(), self.limits.scan_limit);
        self.note(node, Failure::limit(message));
        false
    }

    pub(super) fn id(&self, node: u32) -> ObjectId {
        self.forest.ids.id(self.node(node).id as usize)
    }

    fn stopped(&self) -> bool {
        self.totals.stopped.load(Relaxed)
            || (self.visit.stop() && {
                self.totals.stopped.store(true, Relaxed);
                true
            })
    }

    /// Another copy of an object that cannot be made here, as a root.
    fn rescued(&self, node: u32, tools: &mut Tools<'_>) -> Option<Frame<V::State>> {
        let bytes = self.rescue_bytes(node, tools)?;
        let mut stack = Vec::new();
        self.hand_out_root(node, bytes, tools, &mut stack);
        Some(stack.pop().unwrap_or(Frame { node, next: 0, end: 0, bytes: None, state: Arc::new(None) }))
    }

    /// Notes that nothing of a family can be had.
    fn fail(&self, node: u32, failure: &Failure) {
        self.note(node, failure.clone());
        let message = format!("its delta base cannot be read: {}", failure.message).into();
        let below = Failure { message, ..*failure };
        for below_node in node + 1..node + self.node(node).family {
            self.note(below_node, below.clone());
        }
    }

    fn note(&self, node: u32, failure: Failure) {
        // A child may have been left out because all that comes from it was seen.
        if self.flags(node).fetch_or(FAILED, Relaxed) & (SEEN | DONE) == 0 {
            self.failures.lock().unwrap_or_else(PoisonError::into_inner).push((node, failure));
        }
    }

    fn mark_family(&self, node: u32, flag: u8) {
        for at in node..node + self.node(node).family {
            self.flags(at).fetch_or(flag, Relaxed);
        }
    }
}
