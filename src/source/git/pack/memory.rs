//! Keeps the buffers of a sweep within a bound.

use std::sync::{Mutex, MutexGuard, TryLockError};

/// How the memory of a run is shared out: a quarter among all threads, the rest to whoever needs most, one at
/// a time.
#[derive(Debug)]
pub(super) struct Budget {
    /// Bytes that each thread may hold.
    share: usize,
    /// Bytes that the thread with the permit may hold.
    large: usize,
    permit: Mutex<()>,
}

impl Budget {
    pub(super) fn new(bytes: usize, threads: usize) -> Self {
        let share = bytes / 4 / threads.max(1);
        Self { share, large: bytes - bytes / 4, permit: Mutex::new(()) }
    }
}

/// What one thread holds.
pub(super) struct Holding<'b> {
    budget: &'b Budget,
    permit: Option<MutexGuard<'b, ()>>,
    /// Bytes of kept bases.
    held: usize,
    /// Buffers to be used again, and their bytes.
    idle: Vec<Vec<u8>>,
    idle_bytes: usize,
}

/// So many buffers are kept for later.
const IDLE: usize = 6;

impl<'b> Holding<'b> {
    pub(super) fn new(budget: &'b Budget) -> Self {
        Self { budget, permit: None, held: 0, idle: Vec::new(), idle_bytes: 0 }
    }

    fn allowed(&self) -> usize {
        if self.permit.is_some() { self.budget.large } else { self.budget.share }
    }

    /// Whether `more` bytes may be taken as things stand.
    pub(super) fn fits(&mut self, more: usize) -> bool {
        if self.held + self.idle_bytes + more > self.allowed() {
            self.forget_idle();
        }
        self.held + more <= self.allowed()
    }

    /// Tries to become the one who may hold more; waits for it only if told to. Whether that is new.
    pub(super) fn grow(&mut self, wait: bool) -> bool {
        if self.permit.is_some() {
            return false;
        }
        let permit = self.budget.permit.try_lock();
        self.permit = match permit {
            Ok(permit) => Some(permit),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) if wait => {
                Some(self.budget.permit.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
            }
            Err(TryLockError::WouldBlock) => None,
        };
        self.permit.is_some()
    }

    /// Whether this thread is the one who may hold more.
    pub(super) fn is_large(&self) -> bool {
        self.permit.is_some()
    }

    /// Notes that `bytes` are kept.
    pub(super) fn hold(&mut self, bytes: usize) {
        self.held += bytes;
    }

    /// How many bytes more may be held.
    pub(super) fn left(&self) -> usize {
        self.allowed().saturating_sub(self.held)
    }

    /// Notes that `bytes` were dropped to make room for others.
    pub(super) fn drop_held(&mut self, bytes: usize) {
        self.held = self.held.saturating_sub(bytes);
    }

    /// Notes that `bytes` are not kept any more, and gives up the permit if it is not needed.
    pub(super) fn release(&mut self, bytes: usize) {
        self.held = self.held.saturating_sub(bytes);
        if self.permit.is_some() && self.held <= self.budget.share / 2 {
            self.forget_idle();
            self.permit = None;
        }
    }

    /// An empty buffer with room for `len` bytes.
    pub(super) fn buffer(&mut self, len: usize) -> Vec<u8> {
        let fitting = self.idle.iter().enumerate().filter(|(_, buffer)| buffer.capacity() >= len);
        if let Some((at, _)) = fitting.min_by_key(|(_, buffer)| buffer.capacity()) {
            let mut buffer = self.idle.swap_remove(at);
            self.idle_bytes -= buffer.capacity();
            buffer.clear();
            return buffer;
        }
        // A little more than asked for: the next version is of much the same size.
        Vec::with_capacity(len + len / 8)
    }

    /// Takes a buffer back.
    pub(super) fn give_back(&mut self, buffer: Vec<u8>) {
        if self.idle.len() == IDLE {
            let smallest = self.idle.iter().enumerate().min_by_key(|(_, buffer)| buffer.capacity());
            if let Some((at, _)) = smallest.filter(|(_, smallest)| smallest.capacity() < buffer.capacity()) {
                self.idle_bytes -= self.idle.swap_remove(at).capacity();
            } else {
                return;
            }
        }
        if self.held + self.idle_bytes + buffer.capacity() <= self.allowed() {
            self.idle_bytes += buffer.capacity();
            self.idle.push(buffer);
        }
    }

    fn forget_idle(&mut self) {
        self.idle.clear();
        self.idle_bytes = 0;
    }
}
