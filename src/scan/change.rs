//! What a change brings in: the index against HEAD, or commits against their parents.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    time::Instant,
};

use git2::Oid;
use rayon::prelude::*;

use super::{Described, Gatherer, Scanned, Scanner, added, history};
use crate::{
    finding::{Finding, History, Place, Secret},
    report::{Job, Report},
    source::{
        CommitInfo, Gap, RelPath, SourceError,
        git::{Change, Changes, Push, Repository},
    },
};

/// Which change is examined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeSelection {
    /// The index against HEAD.
    Staged,
    /// `A..B` or `A...B`.
    Range(String),
    /// Commits made since this moment, in seconds since 1970.
    Since(i64),
    /// What is pushed from here.
    Push(Push),
    /// What is pushed to here.
    Receive(Push),
}

/// The content of a blob as far as a change needs it.
type Known = HashMap<Oid, Result<Scanned, Gap>>;

impl Scanner {
    /// Scans what a change brings in. Only what is new is reported: a finding whose rule and value
    /// stood in the same file of some parent, under whatever name, is not.
    ///
    /// # Errors
    /// A revision that does not exist.
    pub fn scan_change(&self, repository: &Repository, selection: &ChangeSelection) -> Result<Report, SourceError> {
        let started = Instant::now();
        let (job, changes) = match selection {
            ChangeSelection::Staged => (Job::Staged, repository.staged()?),
            ChangeSelection::Range(spec) => (Job::Range, repository.range(spec)?),
            ChangeSelection::Since(seconds) => (Job::Range, repository.since(*seconds)?),
            ChangeSelection::Push(push) => (Job::Push, repository.pushed(push)?),
            ChangeSelection::Receive(push) => (Job::Receive, repository.pushed(push)?),
        };
        let gatherer = Gatherer::default();
        for exclusion in &changes.exclusions {
            gatherer.exclude(exclusion);
        }
        self.progress.total.store(changes.items.len() + changes.commits.len(), Ordering::Relaxed);
        let fresh: Vec<Oid> = unique(changes.items.iter().map(|item| item.id));
        let known = self.scan_blobs(repository, &fresh, &gatherer);
        // Parents are read only where the new version holds something.
        let before = unique(
            changes
                .items
                .iter()
                .filter(|item| matches!(known.get(&item.id), Some(Ok(scanned)) if !scanned.kept.is_empty()))
                .flat_map(|item| item.parents.iter().map(|parent| parent.id))
                .filter(|id| !known.contains_key(id)),
        );
        let silent = Gatherer::default();
        let before = self.scan_blobs(repository, &before, &silent);
        let mut all = gatherer.into_inner();
        all.gaps.extend(changes.gaps.iter().cloned());
        all.gaps.extend(silent.into_inner().gaps);
        self.keep_new(repository, (job, &changes), &known, &before, &mut all);
        let messages: Mutex<Vec<Finding>> = Mutex::default();
        let gatherer = Gatherer::default();
        if job != Job::Staged {
            repository
                .sweep_messages(&changes.commits, &changes.tags, &|item| self.take_message(item, &gatherer, &messages));
            let infos: HashMap<Oid, Arc<CommitInfo>> = changes
                .items
                .iter()
                .filter_map(|item| item.commit.as_ref())
                .map(|info| (info.id, Arc::clone(info)))
                .collect();
            for mut finding in messages.into_inner().unwrap_or_else(PoisonError::into_inner) {
                finding.new = Some(true);
                if let Place::CommitMessage { commit } = finding.place {
                    finding.history =
                        Some(history::message_history(commit.oid().and_then(|commit| infos.get(&commit)).cloned()));
                }
                all.findings.push(finding);
            }
        }
        let more = gatherer.into_inner();
        all.coverage.commits = more.coverage.commits;
        all.coverage.tags = more.coverage.tags;
        all.coverage.bytes += more.coverage.bytes;
        all.gaps.extend(more.gaps);
        for (reason, count) in more.dismissed {
            *all.dismissed.entry(reason).or_default() += count;
        }
        all.added.extend(self.added_lines(repository, &changes));
        history::outside(repository, &mut all);
        Ok(self.finish(job, all, started))
    }

    fn scan_blobs(&self, repository: &Repository, ids: &[Oid], gatherer: &Gatherer) -> Known {
        let one = |id: &Oid| {
            let scanned = if self.progress.is_stopped() {
                Ok(Scanned::default())
            } else {
                repository
                    .read_blob(*id)
                    .and_then(|bytes| self.contained(&|| format!("blob {id}"), || self.scan_bytes(&bytes)))
            };
            self.progress.done.fetch_add(1, Ordering::Relaxed);
            match &scanned {
                Ok(scanned) => {
                    gatherer.count(scanned);
                    gatherer.with(|all| all.coverage.blobs += 1);
                }
                Err(gap) => gatherer.gap(gap.clone()),
            }
            (*id, scanned)
        };
        // A hook looks at a few blobs: starting a pool of threads would cost more than it saves.
        if ids.len() < 8 { ids.iter().map(one).collect() } else { ids.par_iter().map(one).collect() }
    }

    fn keep_new(
        &self,
        repository: &Repository,
        (job, changes): (Job, &Changes),
        known: &Known,
        before: &Known,
        all: &mut super::Gathered,
    ) {
        // The same value can be new in one file twice (two commits that add and re-add it): the
        // first is told.
        let mut told: HashSet<(RelPath, usize, Secret)> = HashSet::new();
        let mut tips: BTreeMap<(Oid, RelPath), Option<Scanned>> = BTreeMap::new();
        for change in &changes.items {
            let Some(Ok(scanned)) = known.get(&change.id) else {
                continue;
            };
            for one in &scanned.kept {
                let key = (one.judged.candidate.rule, &one.judged.secret);
                let in_parents: Vec<&Described> = change
                    .parents
                    .iter()
                    .filter_map(|parent| before.get(&parent.id).or_else(|| known.get(&parent.id))?.as_ref().ok())
                    .flat_map(|parent| &parent.kept)
                    .filter(|old| (old.judged.candidate.rule, &old.judged.secret) == key)
                    .collect();
                if !in_parents.is_empty() {
                    all.added.extend(added::excused(one, &in_parents, change));
                    continue;
                }
                // Staged files may hold a secret on several lines, and each wants mending.
                if change.commit.is_some() && !told.insert((change.path.clone(), key.0, key.1.clone())) {
                    continue;
                }
                let place = match &change.commit {
                    None if job == Job::Staged => Place::Staged { path: change.path.clone() },
                    None if change.path.as_bstr().is_empty() => Place::Unplaced { blob: change.id.into() },
                    _ => Place::History { path: change.path.clone(), blob: change.id },
                };
                let outcome = self.settle(one.clone(), &place, scanned.about()).map(|mut finding| {
                    finding.new = Some(true);
                    finding.history = change.commit.as_ref().map(|commit| {
                        let at_tip = changes.tips.iter().any(|tip| {
                            let tip = tips
                                .entry((*tip, change.path.clone()))
                                .or_insert_with(|| self.at_tip(repository, *tip, change, known));
                            tip.as_ref()
                                .is_some_and(|tip| tip.kept.iter().any(|now| now.judged.secret == finding.secret))
                        });
                        range_history(commit, at_tip)
                    });
                    finding
                });
                all.added.extend(outcome.as_ref().ok().and_then(|finding| added::hidden(finding, change)));
                all.keep(outcome);
            }
        }
    }

    /// The file as the tip of the range has it.
    fn at_tip(&self, repository: &Repository, tip: Oid, change: &Change, known: &Known) -> Option<Scanned> {
        let id = repository.tree_holds(tip, &change.path)?;
        if let Some(Ok(scanned)) = known.get(&id) {
            let kept = scanned.kept.clone();
            return Some(Scanned { kept, ..Scanned::default() });
        }
        let bytes = repository.read_blob(id).ok()?;
        self.contained(&|| format!("blob {id}"), || self.scan_values(&bytes)).ok()
    }
}

fn range_history(commit: &Arc<CommitInfo>, at_head: bool) -> History {
    History {
        introduced: Some(Arc::clone(commit)),
        added_here: Some(Arc::clone(commit)),
        removed: None,
        live_on: Vec::new(),
        live_on_more: 0,
        in_history_of: Vec::new(),
        in_history_of_more: 0,
        at_head,
        reachable: true,
        versions: 1,
    }
}

fn unique(ids: impl Iterator<Item = Oid>) -> Vec<Oid> {
    let mut ids: Vec<Oid> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}
