//! How much was read and what was not: the coverage receipt as JSON tells it.

use std::{borrow::Cow, collections::BTreeMap};

use serde::Serialize;

use super::{Context, policy::PolicyObject};
use crate::{
    report::Coverage,
    rules::{Confidence, Severity},
    source::Gap,
};

/// What is known only when everything was read (design §9). `$defs/closing` of
/// `docs/report.schema.json`.
#[derive(Serialize)]
pub(in crate::report) struct Closing<'a> {
    timing: Timing,
    incomplete: bool,
    summary: Summary,
    below_threshold: usize,
    dismissed: &'a BTreeMap<&'static str, usize>,
    coverage: CoverageObject<'a>,
    policy: PolicyObject<'a>,
    notes: Vec<String>,
}

impl<'a> Closing<'a> {
    pub(in crate::report) fn new(context: &Context<'a>) -> Self {
        let report = context.report;
        Self {
            timing: Timing { seconds: report.took.as_secs_f64() },
            incomplete: report.is_incomplete(),
            summary: Summary::new(context),
            below_threshold: report.below_threshold,
            dismissed: &report.dismissed,
            coverage: CoverageObject::new(context),
            policy: PolicyObject::new(context),
            notes: report.notes.iter().map(|note| context.redactor.display(note)).collect(),
        }
    }
}

#[derive(Serialize)]
struct Timing {
    seconds: f64,
}

/// `$defs/summary`: nothing that could not be counted in the arrays, for those who read no further.
#[derive(Serialize)]
pub(in crate::report) struct Summary {
    findings: usize,
    incidents: usize,
    failing: usize,
    suppressed: usize,
    errors: usize,
    by_severity: BTreeMap<&'static str, usize>,
    by_confidence: BTreeMap<&'static str, usize>,
}

impl Summary {
    pub(in crate::report) fn new(context: &Context<'_>) -> Self {
        let report = context.report;
        let count = |mut counts: BTreeMap<&'static str, usize>, word| {
            *counts.entry(word).or_default() += 1;
            counts
        };
        let severities = Severity::ALL.iter().map(|severity| (severity.word(), 0)).collect();
        let confidences = Confidence::ALL.iter().map(|confidence| (confidence.word(), 0)).collect();
        Self {
            findings: report.findings.len(),
            incidents: report.incidents.len(),
            failing: report.failing,
            suppressed: report.suppressed.len(),
            errors: report.gaps.len(),
            by_severity: report.findings.iter().map(|finding| finding.severity.word()).fold(severities, count),
            by_confidence: report.findings.iter().map(|finding| finding.confidence.word()).fold(confidences, count),
        }
    }
}

/// `$defs/coverage`; SARIF carries the same object in the properties of its run.
#[derive(Serialize)]
pub(in crate::report) struct CoverageObject<'a> {
    files: usize,
    blobs: usize,
    commits: usize,
    tags: usize,
    refs: usize,
    bytes: u64,
    binary: usize,
    utf16: usize,
    excluded: Vec<ExcludedObject>,
    rules: usize,
    canaries: CanariesObject<'a>,
    outside: Vec<Cow<'a, str>>,
}

impl<'a> CoverageObject<'a> {
    pub(in crate::report) fn new(context: &Context<'a>) -> Self {
        let Coverage {
            files,
            blobs,
            commits,
            tags,
            refs,
            bytes,
            binary,
            utf16,
            ref excluded,
            rules,
            canary_scope,
            canaries_seen: seen,
            canaries_sent: sent,
            ref canaries_lost,
            ref outside,
        } = context.report.coverage;
        let excluded = excluded.iter().map(|(reason, count)| ExcludedObject {
            id: reason.id(),
            description: reason.describe(),
            count: *count,
        });
        let lost = canaries_lost.iter().map(|(rule, reason)| LostObject { rule, reason });
        Self {
            files,
            blobs,
            commits,
            tags,
            refs,
            bytes,
            binary,
            utf16,
            excluded: excluded.collect(),
            rules,
            canaries: CanariesObject { per: canary_scope.id(), seen, sent, lost: lost.collect() },
            outside: outside.iter().map(|folder| context.redactor.text(folder)).collect(),
        }
    }
}

#[derive(Serialize)]
struct ExcludedObject {
    id: &'static str,
    description: &'static str,
    count: usize,
}

#[derive(Serialize)]
struct CanariesObject<'a> {
    per: &'static str,
    seen: usize,
    sent: usize,
    lost: Vec<LostObject<'a>>,
}

#[derive(Serialize)]
struct LostObject<'a> {
    rule: &'a str,
    reason: &'a str,
}

/// `$defs/error`.
#[derive(Serialize)]
pub(in crate::report) struct ErrorObject<'a> {
    kind: &'static str,
    what: Cow<'a, str>,
    message: String,
}

impl<'a> ErrorObject<'a> {
    pub(in crate::report) fn new(context: &Context<'a>, gap: &'a Gap) -> Self {
        Self {
            kind: gap.kind.id(),
            what: context.redactor.text(&gap.what),
            message: context.redactor.display(&gap.message),
        }
    }
}
