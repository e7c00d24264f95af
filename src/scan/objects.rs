//! Repositories of which only the objects can be read: what they hold, but not where, who and when.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use git2::ObjectType;

use super::{
    BLOB_LIMIT, Gathered, Gatherer, Scanner, history::message_history, history::unplaced_history, sweep::Visitor,
};
use crate::{
    finding::{Finding, Place},
    report::{Job, Report},
    source::{
        Gap, GapKind,
        git::{Edit, Limits, ObjectId, Packs, Visit},
    },
};

impl Scanner {
    /// Scans every blob and message of some object folders, whose repository cannot be opened for the reason given.
    /// The report is incomplete: findings are in no place.
    pub fn scan_objects(&self, object_dirs: Vec<PathBuf>, why: &str) -> Report {
        let started = Instant::now();
        let packs = Packs::new(object_dirs);
        let limits = Limits { scan_limit: BLOB_LIMIT, decode_limit: BLOB_LIMIT, ..Limits::default() };
        let (gatherer, hits) = (Gatherer::default(), Mutex::default());
        let mut gaps =
            packs.sweep(ObjectType::Blob, &Visitor { scanner: self, gatherer: &gatherer, hits: &hits }, &limits).gaps;
        let findings: Mutex<Vec<Finding>> = Mutex::default();
        let (hits, _) = hits.into_inner().unwrap_or_else(PoisonError::into_inner);
        // Each secret is shown from one blob.
        let mut shown: BTreeMap<_, ObjectId> = BTreeMap::new();
        for hit in hits {
            let at = shown.entry((hit.value, hit.rule)).or_insert(hit.blob);
            *at = hit.blob.min(*at);
        }
        let mut wanted: Vec<ObjectId> = shown.into_values().collect();
        wanted.sort_unstable();
        wanted.dedup();
        if !wanted.is_empty() {
            let show = |id: &ObjectId, bytes: &[u8]| {
                if wanted.binary_search(id).is_ok() {
                    match self.contained(&|| format!("blob {id}"), || self.scan_bytes(bytes)) {
                        Ok(scanned) => {
                            self.keep_all(scanned.kept, &Place::Unplaced { blob: *id }, &gatherer, &findings)
                        }
                        Err(gap) => gatherer.gap(gap),
                    }
                }
            };
            packs.sweep(ObjectType::Blob, &Each { scanner: self, each: show }, &limits);
        }
        for kind in [ObjectType::Commit, ObjectType::Tag] {
            let read = |id: &ObjectId, bytes: &[u8]| {
                let place = match kind {
                    ObjectType::Commit => Place::CommitMessage { commit: *id },
                    _ => Place::TagMessage { tag: *id },
                };
                self.take_text(place, crate::source::git::message_of(bytes), &gatherer, &findings);
            };
            gaps.extend(packs.sweep(kind, &Each { scanner: self, each: read }, &limits).gaps);
        }
        let mut all: Gathered = gatherer.into_inner();
        all.gaps.extend(gaps);
        all.gaps.push(Gap {
            what: "refs, commits and trees".to_owned(),
            kind: GapKind::Unreadable,
            message: format!("{why}: every object was scanned, but not at which path or since when secrets are there"),
        });
        for mut finding in findings.into_inner().unwrap_or_else(PoisonError::into_inner) {
            finding.history = Some(if finding.place.is_message() { message_history(None) } else { unplaced_history() });
            all.findings.push(finding);
        }
        // Secrets of one blob come once, whichever of them it is shown for.
        all.findings.sort_by(|a, b| (&a.secret, &a.rule, &a.place).cmp(&(&b.secret, &b.rule, &b.place)));
        all.findings.dedup_by(|b, a| {
            !a.place.is_message() && !b.place.is_message() && (&a.secret, &a.rule) == (&b.secret, &b.rule)
        });
        self.finish(Job::History, all, started)
    }
}

/// Calls a closure for every object.
struct Each<'s, F> {
    scanner: &'s Scanner,
    each: F,
}

impl<F: Fn(&ObjectId, &[u8]) + Sync> Visit for Each<'_, F> {
    type State = ();

    fn root(&self, _: &ObjectId, _: &[u8]) {}

    fn child(&self, _: &ObjectId, _: &[u8], _: &[u8], _: &(), _: &Edit) {}

    fn found(&self, id: &ObjectId, bytes: &[u8], _: &()) {
        (self.each)(id, bytes);
    }

    fn stop(&self) -> bool {
        self.scanner.progress.is_stopped()
    }
}
