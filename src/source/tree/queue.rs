//! Jobs for several threads, the newest first.

use std::{
    ops::ControlFlow,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

/// Jobs that wait, and how many are being done and may bring more.
#[derive(Debug)]
pub(super) struct Queue<J> {
    state: Mutex<State<J>>,
    changed: Condvar,
}

#[derive(Debug)]
struct State<J> {
    waiting: Vec<J>,
    busy: usize,
    stopped: bool,
}

/// A job being done. What it adds comes into the queue when it ends, however it ends.
#[derive(Debug)]
pub(super) struct Turn<'q, J> {
    queue: &'q Queue<J>,
    added: Vec<J>,
}

impl<J> Queue<J> {
    pub(super) fn new(first: J) -> Self {
        let state = State { waiting: vec![first], busy: 0, stopped: false };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// The newest job; waits for one while another thread may add some. `None` is the end.
    pub(super) fn next(&self) -> Option<(J, Turn<'_, J>)> {
        let mut state = self.lock();
        loop {
            if state.stopped {
                return None;
            }
            if let Some(job) = state.waiting.pop() {
                state.busy += 1;
                return Some((job, Turn { queue: self, added: Vec::new() }));
            }
            if state.busy == 0 {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// No thread gets another job.
    pub(super) fn stop(&self) {
        self.lock().stopped = true;
        self.changed.notify_all();
    }

    /// Whether it was stopped.
    pub(super) fn flow(&self) -> ControlFlow<()> {
        if self.lock().stopped { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn lock(&self) -> MutexGuard<'_, State<J>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<J> Turn<'_, J> {
    /// Adds a job; the last one added is done first.
    pub(super) fn add(&mut self, job: J) {
        self.added.push(job);
    }
}

impl<J> Drop for Turn<'_, J> {
    fn drop(&mut self) {
        let mut state = self.queue.lock();
        state.busy -= 1;
        let wake = !self.added.is_empty() || state.busy == 0;
        state.waiting.append(&mut self.added);
        drop(state);
        if wake {
            self.queue.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// A job of size `n` adds jobs of every smaller size: 2^n jobs in all.
    fn run(queue: &Queue<usize>, done: &AtomicUsize, stop_at: usize) {
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while let Some((size, mut turn)) = queue.next() {
                        (0..size).for_each(|smaller| turn.add(smaller));
                        if done.fetch_add(1, Ordering::Relaxed) + 1 == stop_at {
                            queue.stop();
                        }
                    }
                });
            }
        });
    }

    #[test]
    fn every_job_is_done_once_and_every_thread_comes_to_an_end() {
        let (queue, done) = (Queue::new(12), AtomicUsize::new(0));
        run(&queue, &done, usize::MAX);
        assert_eq!((done.into_inner(), queue.flow()), (1 << 12, ControlFlow::Continue(())));
    }

    #[test]
    fn a_stop_ends_it() {
        let (queue, done) = (Queue::new(40), AtomicUsize::new(0));
        run(&queue, &done, 100);
        assert!((100..104).contains(&done.into_inner()));
        assert!(queue.flow().is_break());
    }

    #[test]
    fn a_thread_that_panics_keeps_no_other_waiting() {
        let (queue, done) = (Queue::new(3), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            let first = scope.spawn(|| {
                let _turn = queue.next();
                std::panic::resume_unwind(Box::new(()));
            });
            assert!(first.join().is_err());
            run(&queue, &done, usize::MAX);
        });
        assert_eq!(done.into_inner(), 0, "its job is gone, and the queue is at its end");
    }
}
