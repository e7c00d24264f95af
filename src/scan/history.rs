//! The whole history: every blob once, then who, when and where for those that matter.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    ops::ControlFlow,
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    time::Instant,
};

use git2::{ObjectType, Oid};
use rayon::prelude::*;

use super::{BLOB_LIMIT, Described, Gathered, Gatherer, Scanner, sweep::Visitor};
use crate::{
    finding::{Finding, History, MOST_REFS, Place, Secret, Suppression},
    judge::About,
    report::{Job, Report},
    source::{
        Blob, Content, Gap, GapKind, Item, Origin, SourceError,
        git::{Attribution, CommitGraph, Limits, ObjectId, PlaceHistory, Repository, Selection, ValueHistory, ValueId},
    },
    suppress::Allow,
};

/// A secret in a blob, as small as it can be: there may be very many.
pub(super) struct Hit {
    pub(super) blob: ObjectId,
    pub(super) value: ValueId,
    pub(super) rule: usize,
}

/// Gives each different secret a number.
#[derive(Default)]
pub(super) struct Values {
    numbers: HashMap<Secret, u32>,
}

impl Values {
    pub(super) fn number(&mut self, secret: &Secret) -> ValueId {
        let next = u32::try_from(self.numbers.len()).expect("fewer than four thousand million secrets");
        ValueId(*self.numbers.entry(secret.clone()).or_insert(next))
    }
}

impl Scanner {
    /// Scans the history of a repository: everything in its object database, or what some refs
    /// reach.
    ///
    /// # Errors
    /// A ref that does not exist, or an object database that cannot be opened at all. Objects that
    /// cannot be read become gaps.
    pub fn scan_history(&self, repository: &Repository, selection: &Selection) -> Result<Report, SourceError> {
        let started = Instant::now();
        let (job, all) = self.gather_history(repository, selection)?;
        Ok(self.finish(job, all, started))
    }

    /// All that the report is made of.
    pub(super) fn gather_history(
        &self,
        repository: &Repository,
        selection: &Selection,
    ) -> Result<(Job, Gathered), SourceError> {
        let census = repository.census(selection)?;
        self.progress.total.store(census.blobs.len() + census.commits.len() + census.tags.len(), Ordering::Relaxed);
        let gatherer = Gatherer::default();
        let hits: Mutex<(Vec<Hit>, Values)> = Mutex::default();
        let packs = census.packs().filter(|_| !self.settings.whole_blobs);
        if let Some(packs) = packs {
            let visitor = Visitor { scanner: self, gatherer: &gatherer, hits: &hits };
            let limits = Limits {
                max_memory: self.sweep_memory,
                scan_limit: BLOB_LIMIT,
                decode_limit: BLOB_LIMIT,
                ..Limits::default()
            };
            let mut swept = packs.sweep(ObjectType::Blob, &visitor, &limits);
            if !swept.exhausted {
                // The memory of the sweep is no limit of what is scanned: these are read whole, one at a time, and
                // leave their gaps anew if that cannot be.
                swept.gaps.retain(|gap| gap.kind != GapKind::Limit);
                for id in swept.large.iter().filter_map(ObjectId::oid) {
                    repository.sweep_blobs(&[id], BLOB_LIMIT, &|item| self.take_blob(item, &gatherer, &hits));
                }
            }
            gatherer.with(|all| all.gaps.extend(swept.gaps));
        } else {
            repository.sweep_blobs(&repository.reading_order(&census), BLOB_LIMIT, &|item| {
                self.take_blob(item, &gatherer, &hits)
            });
        }
        let messages: Mutex<Vec<Finding>> = Mutex::default();
        let commits = repository.read_commits(&census, Some(&|item| self.take_message(item, &gatherer, &messages)));
        let graph = CommitGraph::of(repository, &census, commits)?;
        let (hits, values) = hits.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut all = gatherer.into_inner();
        all.gaps.extend(census.gaps.iter().cloned());
        all.gaps.extend(graph.gaps.iter().cloned());
        all.coverage.refs = graph.refs.len();
        let messages = messages.into_inner().unwrap_or_else(PoisonError::into_inner);
        let nodes: HashMap<Oid, u32> = if messages.is_empty() {
            HashMap::new()
        } else {
            graph.nodes.iter().map(|node| node.id).zip(0..).collect()
        };
        for mut finding in messages {
            if let Place::CommitMessage { commit } = finding.place {
                let info = commit.oid().and_then(|commit| nodes.get(&commit)).map(|at| graph.info(*at));
                finding.history = Some(message_history(info));
            }
            all.findings.push(finding);
        }
        self.attribute(repository, &graph, hits, &values, &mut all);
        outside(repository, &mut all);
        let job = if *selection == Selection::All { Job::History } else { Job::Refs };
        if job == Job::History {
            all.gaps.extend(partial(repository, &all.gaps));
        }
        Ok((job, all))
    }

    fn take_blob(&self, item: Item, gatherer: &Gatherer, hits: &Mutex<(Vec<Hit>, Values)>) -> ControlFlow<()> {
        let Some(Blob { origin: Origin::Object { id }, content: Content::Bytes(bytes) }) = gatherer.sort_out(item)
        else {
            return self.flow();
        };
        match self.contained(&|| format!("blob {id}"), || self.scan_values(&bytes)) {
            Ok(scanned) => {
                self.progress.done.fetch_add(1, Ordering::Relaxed);
                self.progress.bytes.fetch_add(scanned.bytes, Ordering::Relaxed);
                gatherer.count(&scanned);
                gatherer.with(|all| all.coverage.blobs += 1);
                if !scanned.kept.is_empty() {
                    let mut hits = hits.lock().unwrap_or_else(PoisonError::into_inner);
                    for one in &scanned.kept {
                        let value = hits.1.number(&one.judged.secret);
                        hits.0.push(Hit { blob: id.into(), value, rule: one.judged.candidate.rule });
                    }
                }
            }
            Err(gap) => gatherer.gap(gap),
        }
        self.flow()
    }

    pub(super) fn take_message(
        &self,
        item: Item,
        gatherer: &Gatherer,
        findings: &Mutex<Vec<Finding>>,
    ) -> ControlFlow<()> {
        let Some(Blob { origin, content: Content::Bytes(bytes) }) = gatherer.sort_out(item) else {
            return self.flow();
        };
        let place = match origin {
            Origin::CommitMessage { commit } => Place::CommitMessage { commit: commit.into() },
            Origin::TagMessage { tag } => Place::TagMessage { tag: tag.into() },
            _ => return self.flow(),
        };
        self.take_text(place, &bytes, gatherer, findings);
        self.flow()
    }

    /// Scans a message.
    pub(super) fn take_text(&self, place: Place, text: &[u8], gatherer: &Gatherer, findings: &Mutex<Vec<Finding>>) {
        match self.contained(&|| place.describe(), || self.scan_bytes(text)) {
            Ok(scanned) => {
                self.progress.done.fetch_add(1, Ordering::Relaxed);
                gatherer.count(&scanned);
                gatherer.with(|all| match place {
                    Place::TagMessage { .. } => all.coverage.tags += 1,
                    _ => all.coverage.commits += 1,
                });
                self.keep_all(scanned.kept, &place, gatherer, findings);
            }
            Err(gap) => gatherer.gap(gap),
        }
    }

    /// Settles what content judges kept.
    pub(super) fn keep_all(
        &self,
        kept: Vec<Described>,
        place: &Place,
        gatherer: &Gatherer,
        findings: &Mutex<Vec<Finding>>,
    ) {
        for one in kept {
            match self.settle(one, place, About::default()) {
                Ok(finding) => findings.lock().unwrap_or_else(PoisonError::into_inner).push(finding),
                Err(reason) => gatherer.with(|all| *all.dismissed.entry(reason).or_default() += 1),
            }
        }
    }

    /// Finds the places of all hits and makes findings of them.
    fn attribute(
        &self,
        repository: &Repository,
        graph: &CommitGraph,
        mut hits: Vec<Hit>,
        numbers: &Values,
        all: &mut Gathered,
    ) {
        hits.sort_by_key(|hit| (hit.value, hit.blob, hit.rule));
        hits.dedup_by_key(|hit| (hit.value, hit.blob, hit.rule));
        let mut interesting: HashMap<Oid, Vec<ValueId>> = HashMap::new();
        for hit in &hits {
            let Some(blob) = hit.blob.oid() else { continue };
            let values = interesting.entry(blob).or_default();
            if !values.contains(&hit.value) {
                values.push(hit.value);
            }
        }
        let Attribution { values, unplaced, gaps } = repository.attribute(graph, &interesting);
        all.gaps.extend(gaps);
        // What is to be shown, by the blob to take it from, so that each is read once.
        let mut wanted: BTreeMap<Oid, Vec<Wanted<'_>>> = BTreeMap::new();
        for (value, history) in &values {
            for place in &history.places {
                wanted.entry(place.shown).or_default().push(Wanted { value: *value, place: Some((history, place)) });
            }
        }
        let unplaced: HashSet<Oid> = unplaced.into_iter().collect();
        for (hit, blob) in hits.iter().filter_map(|hit| Some((hit, hit.blob.oid()?))) {
            if !unplaced.contains(&blob) {
                continue;
            }
            let list = wanted.entry(blob).or_default();
            if !list.iter().any(|known| known.value == hit.value) {
                list.push(Wanted { value: hit.value, place: None });
            }
        }
        let wanted: Vec<_> = wanted.into_iter().collect();
        let outcomes: Vec<_> =
            wanted.par_iter().map(|(blob, list)| self.show(repository, graph, *blob, list, numbers)).collect();
        for outcome in outcomes {
            match outcome {
                Ok(list) => list.into_iter().for_each(|one| all.keep(one)),
                Err(gap) => all.gaps.push(gap),
            }
        }
    }

    /// Reads the blob to be shown once more and makes the findings that are taken from it.
    fn show(
        &self,
        repository: &Repository,
        graph: &CommitGraph,
        blob: Oid,
        wanted: &[Wanted<'_>],
        numbers: &Values,
    ) -> Result<Vec<Result<Finding, &'static str>>, Gap> {
        let bytes = repository.read_blob(blob)?;
        let scanned = self.contained(&|| format!("blob {blob}"), || self.scan_bytes(&bytes))?;
        let mut outcomes = Vec::new();
        // A secret that stands twice in a file is one finding of its history.
        let mut shown: HashSet<(u32, usize)> = HashSet::new();
        for one in &scanned.kept {
            let Some(&value) = numbers.numbers.get(&one.judged.secret) else {
                continue;
            };
            if !shown.insert((value, one.judged.candidate.rule)) {
                continue;
            }
            for want in wanted.iter().filter(|want| want.value == ValueId(value)) {
                let place = match want.place {
                    Some((_, place)) => Place::History { path: place.path.clone(), blob },
                    None => Place::Unplaced { blob: blob.into() },
                };
                let mut one = one.clone();
                if let Some((_, history)) = want.place
                    && !history.at_head
                    && one.allow.is_some()
                    && !self.all_versions_allow(repository, history, &one)
                {
                    // A comment in an old version covers that version only.
                    one.allow = None;
                }
                outcomes.push(self.settle(one, &place, scanned.about()).map(|mut finding| {
                    finding.history = Some(match want.place {
                        Some((value, place)) => history_of(graph, value, place),
                        None => unplaced_history(),
                    });
                    if let Some(Suppression { by, reason }) = &mut finding.suppressed
                        && by.is_inline()
                        && finding.history.as_ref().is_some_and(|history| history.at_head && history.versions > 1)
                    {
                        *reason += " (allowed at HEAD, which covers older versions)";
                    }
                    finding
                }));
            }
        }
        Ok(outcomes)
    }

    /// Whether every version that holds the secret at this path carries an allow comment.
    fn all_versions_allow(&self, repository: &Repository, place: &PlaceHistory, shown: &Described) -> bool {
        place.versions.iter().all(|version| {
            repository.read_blob(*version).is_ok_and(|bytes| {
                let again = self.scan_bytes(&bytes);
                again
                    .kept
                    .iter()
                    .filter(|one| one.judged.secret == shown.judged.secret)
                    .all(|one| one.allow.as_ref().is_some_and(Allow::counts))
            })
        })
    }
}

/// A value to be shown from a blob, at a path or at none.
struct Wanted<'a> {
    value: ValueId,
    place: Option<(&'a ValueHistory, &'a PlaceHistory)>,
}

fn history_of(graph: &CommitGraph, value: &ValueHistory, place: &PlaceHistory) -> History {
    let info = |at: &u32| graph.info(*at);
    let names = |refs: &[u32]| {
        let mut order: Vec<u32> = refs.to_vec();
        // By kind, then by name, which is the order of the graph.
        order.sort_by_key(|at| (ref_kind(&graph.refs[*at as usize].name), *at));
        order.iter().take(MOST_REFS).map(|at| graph.refs[*at as usize].name.clone()).collect()
    };
    History {
        introduced: value.introduced.first().map(info),
        added_here: Some(info(&place.added)),
        removed: place.removed.as_ref().map(info),
        live_on: names(&place.live_on),
        live_on_more: place.live_on.len().saturating_sub(MOST_REFS),
        in_history_of: names(&place.in_history_of),
        in_history_of_more: place.in_history_of.len().saturating_sub(MOST_REFS),
        at_head: place.at_head,
        reachable: place.reachable,
        versions: place.versions.len(),
    }
}

/// Branches matter more than what was fetched of others' pull requests.
fn ref_kind(name: &str) -> usize {
    let kinds = ["HEAD", "refs/heads/", "refs/remotes/", "refs/tags/", "refs/stash", "refs/notes/"];
    kinds.iter().position(|kind| name.starts_with(kind)).unwrap_or(kinds.len())
}

pub(super) fn unplaced_history() -> History {
    History {
        introduced: None,
        added_here: None,
        removed: None,
        live_on: Vec::new(),
        live_on_more: 0,
        in_history_of: Vec::new(),
        in_history_of_more: 0,
        at_head: false,
        reachable: false,
        versions: 1,
    }
}

pub(super) fn message_history(commit: Option<Arc<crate::source::CommitInfo>>) -> History {
    History { introduced: commit.clone(), added_here: commit, reachable: true, ..unplaced_history() }
}

/// Folders outside of the repository that were read, for the receipt.
pub(super) fn outside(repository: &Repository, all: &mut Gathered) {
    let facts = repository.facts();
    if facts.linked_worktree {
        all.coverage.outside.push(facts.common_dir.display().to_string());
    }
    all.coverage.outside.extend(facts.alternates.iter().map(|path| path.display().to_string()));
}

/// The gap of a clone that does not have its whole history, unless the source has named it.
fn partial(repository: &Repository, known: &[Gap]) -> Option<Gap> {
    let facts = repository.facts();
    let what = if facts.shallow {
        "a shallow clone: older commits are not here"
    } else if facts.partial {
        "a partial clone: objects may be missing"
    } else {
        return None;
    };
    (!known.iter().any(|gap| gap.kind == GapKind::PartialHistory)).then(|| Gap {
        what: "the history".to_owned(),
        kind: GapKind::PartialHistory,
        message: what.to_owned(),
    })
}
