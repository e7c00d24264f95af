//! Blobs along their delta chains: each version is found from its base.

use std::sync::{Arc, Mutex, PoisonError, atomic::Ordering};

use super::{
    Gatherer, Scanned, Scanner,
    content::left_out,
    history::{Hit, Values},
};
use crate::{
    detect::{Candidate, Class, Version, Window, classify, to_utf8},
    judge::{Verdict, content, merge},
    source::{
        ExclusionReason,
        git::{Edit, ObjectId, ValueId, Visit},
    },
};

/// What became of a candidate by content: `None` is worth a report.
type Outcome = Option<&'static str>;

/// Scans the versions that a sweep hands out.
pub(super) struct Visitor<'s> {
    pub(super) scanner: &'s Scanner,
    pub(super) gatherer: &'s Gatherer,
    pub(super) hits: &'s Mutex<(Vec<Hit>, Values)>,
}

/// What a version leaves to those that are made from it.
pub(super) struct Seen {
    /// None if policy left it out.
    version: Option<Version<Outcome>>,
    class: Class,
    excluded: Option<ExclusionReason>,
    tally: Arc<Tally>,
}

/// What was found in a version; the same for many.
#[derive(Default)]
struct Tally {
    kept: Vec<(ValueId, usize)>,
    dismissed: Vec<(&'static str, usize)>,
}

impl Visitor<'_> {
    fn look(&self, bytes: &[u8], base: Option<(&Seen, &Edit)>) -> Seen {
        let class = classify(bytes);
        let excluded = left_out(bytes, class, bytes.len() as u64);
        if excluded.is_some() {
            return Seen { version: None, class, excluded, tally: Arc::default() };
        }
        let converted = to_utf8(bytes, class);
        let text = converted.as_deref().unwrap_or(bytes);
        let detector = &self.scanner.detector;
        let rules = self.scanner.rules();
        let window = Window { bytes: text, start: 0 };
        let mut judge = |candidate: &Candidate| {
            let judged =
                content::judge(rules.at(candidate.rule), candidate.clone(), &window, self.scanner.settings.now);
            match judged.verdict {
                Verdict::Report(_) => None,
                Verdict::Dismiss(reason) => Some(reason.id()),
            }
        };
        let from_base = base.and_then(|(base, edit)| base.version.as_ref().map(|version| (base, version, edit)));
        let (version, same) = match from_base {
            Some((base, version, edit)) => {
                let (version, same) = detector.next_version(text, class, version, edit, &mut judge);
                (version, same.then(|| Arc::clone(&base.tally)))
            }
            None => (detector.first_version(text, class, &mut judge), None),
        };
        let tally = same.unwrap_or_else(|| Arc::new(self.tally(&version, &window)));
        Seen { version: Some(version), class, excluded, tally }
    }

    /// What is kept and what is dismissed once the candidates of the version have met each other.
    fn tally(&self, version: &Version<Outcome>, window: &Window<'_>) -> Tally {
        let mut tally = Tally::default();
        let mut dismiss = |reason: &'static str| match tally.dismissed.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, count)) => *count += 1,
            None => tally.dismissed.push((reason, 1)),
        };
        // Where nothing is worth a report there is nothing to pair or to overlap.
        if version.outcomes().all(Option::is_some) {
            version.distinct().for_each(|outcome| dismiss(outcome.unwrap_or_default()));
            return tally;
        }
        let mut all = self.scanner.judge_all(version.candidates(), window);
        merge::merge(self.scanner.rules(), &mut all);
        for one in &all {
            match &one.verdict {
                Verdict::Dismiss(reason) => dismiss(reason.id()),
                Verdict::Report(_) => {
                    let mut hits = self.hits.lock().unwrap_or_else(PoisonError::into_inner);
                    tally.kept.push((hits.1.number(&one.secret), one.candidate.rule));
                }
            }
        }
        tally
    }

    fn contained(&self, id: &ObjectId, bytes: &[u8], base: Option<(&Seen, &Edit)>) -> Seen {
        self.scanner.contained(&|| format!("blob {id}"), || self.look(bytes, base)).unwrap_or_else(|gap| {
            self.gatherer.gap(gap);
            Seen { version: None, class: Class::Binary, excluded: None, tally: Arc::default() }
        })
    }
}

impl Visit for Visitor<'_> {
    type State = Seen;

    fn root(&self, id: &ObjectId, bytes: &[u8]) -> Seen {
        self.contained(id, bytes, None)
    }

    fn child(&self, id: &ObjectId, bytes: &[u8], _: &[u8], base: &Seen, edit: &Edit) -> Seen {
        self.contained(id, bytes, Some((base, edit)))
    }

    fn found(&self, id: &ObjectId, bytes: &[u8], seen: &Seen) {
        let progress = &self.scanner.progress;
        progress.done.fetch_add(1, Ordering::Relaxed);
        progress.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.gatherer.count(&Scanned {
            bytes: bytes.len() as u64,
            binary: seen.class == Class::Binary,
            utf16: matches!(seen.class, Class::Utf16Le | Class::Utf16Be),
            excluded: seen.excluded,
            dismissed: seen.tally.dismissed.iter().copied().collect(),
            ..Scanned::default()
        });
        self.gatherer.with(|all| all.coverage.blobs += 1);
        if !seen.tally.kept.is_empty() {
            let blob = *id;
            let mut hits = self.hits.lock().unwrap_or_else(PoisonError::into_inner);
            hits.0.extend(seen.tally.kept.iter().map(|&(value, rule)| Hit { blob, value, rule }));
        }
    }

    fn stop(&self) -> bool {
        self.scanner.progress.is_stopped()
    }
}
