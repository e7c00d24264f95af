//! Sources × rules → report. The one place that knows threads.

mod added;
mod assemble;
mod canary;
mod change;
mod content;
mod explain;
mod files;
mod history;
mod ignored;
#[cfg(test)]
mod locality;
mod objects;
mod prove;
mod sweep;

use std::{
    collections::BTreeMap,
    ops::ControlFlow,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
};

pub use change::ChangeSelection;
pub use content::{Described, Scanned};
pub use explain::Explained;
pub use prove::{Problem, prove};

use crate::{
    detect::Detector,
    finding::Finding,
    report::{Added, Coverage, Report, Thresholds},
    rules::RuleSet,
    source::{Exclusion, Gap, GapKind, Item, RelPath, git::Limits},
    suppress::Policy,
};

/// A blob of more bytes than this is not decoded from an object database: it is reported as a gap.
pub const BLOB_LIMIT: u64 = 1 << 30;
/// A binary of more bytes than this is left out by policy.
pub const BINARY_LIMIT: u64 = 64 << 20;

/// What a run needs to know, whatever it scans.
#[derive(Debug)]
pub struct Settings {
    /// What is shown and what fails.
    pub thresholds: Thresholds,
    /// Expiry and ages are judged as of this moment: seconds since 1970.
    pub now: i64,
    /// What the user calls the target.
    pub target: String,
    /// Where the current folder lies below the repository's root: paths that a configuration names
    /// start there.
    pub prefix: RelPath,
    /// Every blob of a history is scanned whole instead of along the delta chains: slower, the same answer.
    pub whole_blobs: bool,
}

/// Scans sources with one set of rules and one policy.
#[derive(Debug)]
pub struct Scanner {
    detector: Detector,
    policy: Policy,
    settings: Settings,
    progress: Arc<Progress>,
    line_hashes: bool,
    /// Bytes of memory for the sweep of a history.
    sweep_memory: usize,
}

/// How far a run is, for whoever wants to show it; and how to stop it.
#[derive(Debug, Default)]
pub struct Progress {
    /// Items known to be there; 0 while that is not known.
    pub total: AtomicUsize,
    /// Items done.
    pub done: AtomicUsize,
    /// Bytes scanned.
    pub bytes: AtomicU64,
    /// Set it, and the run ends soon with a partial report.
    pub stop: AtomicBool,
}

impl Progress {
    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

impl Scanner {
    /// Prepares a run.
    pub fn new(rules: Arc<RuleSet>, policy: Policy, settings: Settings, progress: Arc<Progress>) -> Self {
        let sweep_memory = Limits::default().max_memory;
        Self { detector: Detector::new(rules), policy, settings, progress, line_hashes: false, sweep_memory }
    }

    /// Also works out GitHub's hash of each finding's line, which only SARIF carries: it takes the whole text
    /// before the finding.
    #[must_use]
    pub fn with_line_hashes(self, wanted: bool) -> Self {
        Self { line_hashes: wanted, ..self }
    }

    /// The rules in use.
    pub fn rules(&self) -> &Arc<RuleSet> {
        self.detector.rules()
    }

    /// Runs a closure so that a bug of ours costs one blob and not the run.
    fn contained<T>(&self, what: &dyn Fn() -> String, run: impl FnOnce() -> T) -> Result<T, Gap> {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).map_err(|_| Gap {
            what: what(),
            kind: GapKind::Internal,
            message: "keysweep failed on this content; please report it".to_owned(),
        })
    }
}

/// What several threads gather while they scan.
#[derive(Debug, Default)]
struct Gathered {
    findings: Vec<Finding>,
    gaps: Vec<Gap>,
    notes: Vec<String>,
    dismissed: BTreeMap<&'static str, usize>,
    coverage: Coverage,
    added: Vec<Added>,
}

#[derive(Debug, Default)]
struct Gatherer(Mutex<Gathered>);

impl Gatherer {
    fn with<T>(&self, change: impl FnOnce(&mut Gathered) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn exclude(&self, exclusion: &Exclusion) {
        self.with(|all| *all.coverage.excluded.entry(exclusion.reason).or_default() += 1);
    }

    fn gap(&self, gap: Gap) {
        self.with(|all| all.gaps.push(gap));
    }

    /// Counts what was scanned and dismissed.
    fn count(&self, scanned: &Scanned) {
        self.with(|all| {
            all.coverage.bytes += scanned.bytes;
            all.coverage.binary += usize::from(scanned.binary);
            all.coverage.utf16 += usize::from(scanned.utf16);
            if let Some(reason) = scanned.excluded {
                *all.coverage.excluded.entry(reason).or_default() += 1;
            }
            for (reason, count) in &scanned.dismissed {
                *all.dismissed.entry(reason).or_default() += count;
            }
        });
    }

    /// Takes whatever is not a blob; hands a blob back.
    fn sort_out(&self, item: Item) -> Option<crate::source::Blob> {
        match item {
            Item::Blob(blob) => return Some(blob),
            Item::Excluded(exclusion) => self.exclude(&exclusion),
            Item::Gap(gap) => self.gap(gap),
            Item::Note(note) => self.with(|all| all.notes.push(note)),
        }
        None
    }

    fn into_inner(self) -> Gathered {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Scanner {
    fn flow(&self) -> ControlFlow<()> {
        if self.progress.is_stopped() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// Marks the report of a run that was stopped.
    fn note_interruption(&self, gathered: &mut Gathered) {
        if self.progress.is_stopped() {
            gathered.gaps.push(Gap {
                what: "the run".to_owned(),
                kind: GapKind::Interrupted,
                message: "interrupted before everything was scanned".to_owned(),
            });
        }
    }

    fn finish(&self, job: crate::report::Job, gathered: Gathered, started: std::time::Instant) -> Report {
        let mut gathered = gathered;
        self.note_interruption(&mut gathered);
        assemble::report(self, job, gathered, started)
    }
}
