//! Files and standard input.

use std::{ops::ControlFlow, sync::atomic::Ordering, time::Instant};

use super::{Described, Gatherer, Scanned, Scanner};
use crate::{
    finding::{Finding, Fingerprint, Part, Place, SuppressedBy, Suppression},
    judge::{About, Verdict, place},
    report::{Job, Report},
    rules::Role,
    source::{
        Blob, Content, Gap, GapKind, Item, Origin, RelPath, SourceError, stdin,
        tree::{Tree, give_back},
    },
    suppress::Allow,
};

impl Scanner {
    /// Scans directory trees and files.
    ///
    /// # Errors
    /// A root that cannot be opened; what cannot be read inside becomes a gap.
    pub fn scan_tree(&self, tree: &Tree) -> Result<Report, SourceError> {
        let started = Instant::now();
        let gatherer = Gatherer::default();
        tree.walk(&|item| self.take_file(item, &gatherer))?;
        Ok(self.finish(Job::Files, gatherer.into_inner(), started))
    }

    /// Scans standard input.
    pub fn scan_stdin(&self, name: &str, input: Box<dyn std::io::Read + Send>) -> Report {
        let started = Instant::now();
        let gatherer = Gatherer::default();
        stdin::read(name, input, &|item| self.take_file(item, &gatherer));
        self.finish(Job::Files, gatherer.into_inner(), started)
    }

    fn take_file(&self, item: Item, gatherer: &Gatherer) -> ControlFlow<()> {
        let Some(blob) = gatherer.sort_out(item) else {
            return self.flow();
        };
        let Blob { origin, content } = blob;
        let place = match origin {
            Origin::File { path, local } => Place::File { path, local },
            Origin::Stdin { name } => Place::Stdin { name },
            _ => return self.flow(),
        };
        let mut failure = None;
        let scanned = self.contained(&|| place.describe(), || match content {
            Content::Bytes(bytes) => {
                let scanned = self.scan_bytes(&bytes);
                give_back(bytes);
                scanned
            }
            Content::Stream(mut reader) => {
                let mut scanned = Scanned::default();
                failure = self.scan_stream(&mut *reader, &mut scanned).err();
                scanned
            }
        });
        if let Some(error) = failure {
            gatherer.gap(Gap { what: place.describe(), kind: GapKind::Unreadable, message: error.to_string() });
        }
        match scanned {
            Ok(scanned) => {
                self.progress.done.fetch_add(1, Ordering::Relaxed);
                self.progress.bytes.fetch_add(scanned.bytes, Ordering::Relaxed);
                gatherer.count(&scanned);
                let about = scanned.about();
                let kept = scanned.kept.into_iter().map(|one| self.settle(one, &place, about));
                let settled: Vec<_> = kept.collect();
                gatherer.with(|all| {
                    all.coverage.files += 1;
                    for outcome in settled {
                        all.keep(outcome);
                    }
                });
            }
            Err(gap) => gatherer.gap(gap),
        }
        self.flow()
    }

    /// What a kept candidate becomes at one place: a finding, suppressed or not, or dismissed after
    /// all because of where it stands.
    pub(super) fn settle(&self, one: Described, place: &Place, about: About) -> Result<Finding, &'static str> {
        let rule = self.rules().at(one.judged.candidate.rule);
        let mut judged = one.judged;
        if let Some(path) = place.path() {
            // One long line says nothing of the other lines of a file.
            let about = About { minified: about.minified && one.on_long_line, ..about };
            place::judge(rule, &mut judged, path, about);
        }
        let confidence = match &judged.verdict {
            Verdict::Report(confidence) => *confidence,
            Verdict::Dismiss(reason) => return Err(reason.id()),
        };
        let mut remarks = judged.remarks;
        if matches!(place, Place::Staged { .. }) {
            remarks.push(
                "not committed yet: unstage it (git restore --staged FILE) and it has not left this machine".to_owned(),
            );
        }
        let path = self.policy_path(place);
        let inline = self.policy.setting(path.as_ref(), |setting| setting.inline).unwrap_or(true);
        let mut suppressed = None;
        match one.allow.filter(|_| inline) {
            Some(Allow::Reason(reason)) => suppressed = Some(Suppression { by: SuppressedBy::Inline, reason }),
            Some(Allow::Foreign { tool }) => {
                let reason = format!("a comment for {tool}, which asks for no reason");
                suppressed = Some(Suppression { by: SuppressedBy::ForeignInline { tool }, reason });
            }
            Some(Allow::NoReason) => {
                remarks.push(
                    "its allow comment gives no reason, so it does not count: keysweep:allow [rule] reason".to_owned(),
                );
            }
            Some(Allow::Disguised(how)) => remarks.push(format!("its allow comment does not count: {how}")),
            None => {}
        }
        if suppressed.is_none() {
            suppressed = self.policy.allows(rule, &judged.secret, path.as_ref(), self.settings.now);
        }
        let parts = judged
            .parts
            .iter()
            .zip(one.part_locations.iter().copied().chain(std::iter::repeat(None)))
            .map(|(part, location)| {
                let rule = self.rules().at(part.rule);
                let fact = if rule.role == Role::Companion || &*rule.id == "aws-access-key-id" { "key_id" } else { "" };
                let text = judged
                    .facts
                    .iter()
                    .find(|known| known.name == fact)
                    .map_or_else(String::new, |known| known.value.clone());
                Part { rule: rule.id.clone(), text, location }
            })
            .collect();
        Ok(Finding {
            rule: rule.id.clone(),
            severity: rule.severity,
            confidence,
            fingerprint: Fingerprint::of(&judged.secret),
            secret: judged.secret,
            incident: 0,
            place: place.clone(),
            location: one.location,
            excerpt: one.excerpt,
            line_hash: one.line_hash,
            facts: judged.facts,
            parts,
            remarks,
            history: None,
            new: None,
            suppressed,
        })
    }

    /// A place's path as the configuration at the repository's root would write it.
    pub(super) fn policy_path(&self, place: &Place) -> Option<RelPath> {
        let path = place.path()?;
        let prefix = self.settings.prefix.as_bstr();
        // Only what was named from the current folder on starts there.
        if prefix.is_empty() || !matches!(place, Place::File { .. } | Place::Stdin { .. }) {
            return Some(path.clone());
        }
        Some(RelPath::new([prefix, path.as_bstr()].map(|part| part.to_vec()).join(&b'/')))
    }
}

impl super::Gathered {
    /// Takes a finding or counts its dismissal.
    pub(super) fn keep(&mut self, outcome: Result<Finding, &'static str>) {
        match outcome {
            Ok(finding) => self.findings.push(finding),
            Err(reason) => *self.dismissed.entry(reason).or_default() += 1,
        }
    }
}
