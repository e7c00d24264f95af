//! Findings become incidents, and the whole becomes a report.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Instant,
};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::{Gathered, Scanner};
use crate::{
    finding::{Finding, Incident, Place, Secret, normalise},
    report::{Job, Report},
    rules::{Confidence, Placeholders, Rule},
    source::CommitInfo,
};

/// Shorter secrets are not looked for in other texts: they would match ordinary words.
const SHORTEST_TO_MASK: usize = 8;

pub(super) fn report(scanner: &Scanner, job: Job, gathered: Gathered, started: Instant) -> Report {
    let Gathered { findings, mut gaps, mut notes, dismissed, mut coverage, added } = gathered;
    gaps.extend(scanner.send_canaries(job, &mut coverage));
    gaps.sort();
    gaps.dedup();
    notes.sort();
    notes.dedup();
    let thresholds = scanner.settings.thresholds;
    let mut findings = findings;
    if job == Job::Files {
        // Roots may overlap; a secret in one place is told once.
        let mut told = BTreeSet::new();
        findings.retain(|finding| {
            let place = (finding.place.clone(), finding.location, finding.rule.clone(), finding.secret.clone());
            told.insert(place)
        });
    }
    let policy = scanner.policy_use(added, &mut findings, &gaps);
    mask_everywhere(&mut findings);
    let (mut suppressed, mut findings): (Vec<_>, Vec<_>) =
        findings.into_iter().partition(|finding| finding.suppressed.is_some());
    let all = findings.len();
    findings.retain(|finding| finding.confidence >= scanner.thresholds_at(&finding.place).show);
    let below_threshold = all - findings.len();
    suppressed.sort_by(|a, b| order(a).cmp(&order(b)));
    let incidents = group(scanner, job, &mut findings);
    let failing = findings.iter().filter(|finding| scanner.thresholds_at(&finding.place).fails(finding)).count();
    let rules: BTreeMap<_, Arc<Rule>> = findings
        .iter()
        .chain(&suppressed)
        .flat_map(|finding| std::iter::once(&finding.rule).chain(finding.parts.iter().map(|part| &part.rule)))
        .filter_map(|id| Some((id.clone(), Arc::clone(scanner.rules().find(id)?))))
        .collect();
    Report {
        target: scanner.settings.target.clone(),
        job,
        now: scanner.settings.now,
        findings,
        incidents,
        suppressed,
        below_threshold,
        dismissed,
        rules,
        gaps,
        coverage,
        notes,
        thresholds,
        failing,
        policy,
        took: started.elapsed(),
    }
}

/// Findings in the order in which they are told: by place within an incident.
fn order(finding: &Finding) -> impl Ord + use<'_> {
    let gone = finding.history.as_ref().is_some_and(|history| !history.at_head);
    (gone, &finding.place, finding.location, &finding.rule)
}

/// Groups findings by secret and orders everything by urgency.
fn group(scanner: &Scanner, job: Job, findings: &mut Vec<Finding>) -> Vec<Incident> {
    let mut groups: HashMap<Vec<u8>, Vec<Finding>> = HashMap::new();
    for finding in findings.drain(..) {
        groups.entry(normalise(finding.secret.reveal())).or_default().push(finding);
    }
    let mut groups: Vec<Vec<Finding>> = groups.into_values().collect();
    for group in &mut groups {
        group.sort_by(|a, b| order(a).cmp(&order(b)));
    }
    groups.sort_by(|a, b| urgency(a).cmp(&urgency(b)));
    let mut incidents = Vec::new();
    for (at, group) in groups.into_iter().enumerate() {
        let best =
            group.iter().max_by_key(|finding| (finding.confidence, finding.severity)).expect("a group has a finding");
        let rule = scanner.rules().find(&best.rule).expect("findings come from these rules");
        let live = group.iter().any(|finding| match (&finding.history, &finding.place) {
            (Some(history), _) => history.at_head,
            (None, Place::File { .. } | Place::Staged { .. } | Place::Stdin { .. }) => true,
            (None, _) => false,
        });
        let first_seen = group
            .iter()
            .filter_map(|finding| finding.history.as_ref()?.introduced.clone())
            .min_by_key(|commit| (commit.commit_time, commit.id));
        let known = placeholders(rule, &group);
        let incident = Incident {
            number: at + 1,
            rule: rule.id.clone(),
            severity: group.iter().map(|finding| finding.severity).max().unwrap_or(rule.severity),
            confidence: best.confidence,
            fingerprint: best.fingerprint.clone(),
            masked: best.secret.masked(),
            findings: (findings.len()..findings.len() + group.len()).collect(),
            first_seen,
            at_head: (!matches!(job, Job::Files | Job::Staged | Job::Push | Job::Receive)).then_some(live),
            rotation: rule.text().runbook.steps.iter().map(|step| known.fill_step(step)).collect(),
            short_lived: rule.text().runbook.short_lived.clone(),
        };
        findings.extend(group.into_iter().map(|finding| Finding { incident: at, ..finding }));
        incidents.push(incident);
    }
    incidents
}

/// The most urgent first: sure before unsure, severe before mild, live before gone; then by place,
/// so that the order depends on nothing else.
fn urgency(group: &[Finding]) -> impl Ord + use<'_> {
    let confidence = group.iter().map(|finding| finding.confidence).max();
    let severity = group.iter().map(|finding| finding.severity).max();
    let live = group.iter().any(|finding| finding.history.as_ref().is_none_or(|history| history.at_head));
    let first = &group[0];
    (
        Reverse(confidence > Some(Confidence::Low)),
        Reverse(severity),
        Reverse(confidence),
        Reverse(live),
        &first.place,
        first.location,
        &first.rule,
        &first.secret,
    )
}

fn placeholders(rule: &Rule, group: &[Finding]) -> Placeholders {
    let mut known = Placeholders::default();
    for finding in group.iter().rev() {
        if let Some(path) = finding.place.path() {
            known.set("path", &path.to_string());
        }
        for fact in &finding.facts {
            known.set(&fact.name, &fact.value);
        }
    }
    if let Some(name) = &rule.text().env_var {
        known.set("env_var", name);
    }
    known
}

/// A secret may stand once more where nothing looked for it: on a neighbouring line, in the subject
/// of a commit, in an author's name. It is masked there, too.
fn mask_everywhere(findings: &mut [Finding]) {
    let mut secrets: Vec<Secret> = findings
        .iter()
        .map(|finding| finding.secret.clone())
        .filter(|secret| secret.len() >= SHORTEST_TO_MASK)
        .collect();
    secrets.sort();
    secrets.dedup();
    if secrets.is_empty() {
        return;
    }
    // A DFA would take 40 MB for a hundred private keys.
    let Ok(automaton) = AhoCorasick::builder()
        .kind(Some(AhoCorasickKind::ContiguousNFA))
        .match_kind(MatchKind::LeftmostLongest)
        .build(secrets.iter().map(Secret::reveal))
    else {
        return;
    };
    let mask = |text: &str| -> Option<String> {
        automaton.is_match(text).then(|| {
            let mut out = String::new();
            automaton.replace_all_with(text, &mut out, |found, _, out| {
                out.push_str(&secrets[found.pattern().as_usize()].masked());
                true
            });
            out
        })
    };
    let mut commits: HashMap<git2::Oid, Arc<CommitInfo>> = HashMap::new();
    let mut clean = |commit: &mut Option<Arc<CommitInfo>>| {
        if let Some(info) = commit {
            let cleaned = commits.entry(info.id).or_insert_with(|| {
                match (mask(&info.subject), mask(&info.author_name), mask(&info.author_email)) {
                    (None, None, None) => Arc::clone(info),
                    (subject, name, email) => Arc::new(CommitInfo {
                        subject: subject.unwrap_or_else(|| info.subject.clone()),
                        author_name: name.unwrap_or_else(|| info.author_name.clone()),
                        author_email: email.unwrap_or_else(|| info.author_email.clone()),
                        ..(**info).clone()
                    }),
                }
            });
            *commit = Some(Arc::clone(cleaned));
        }
    };
    for finding in findings {
        if let Some(history) = &mut finding.history {
            clean(&mut history.introduced);
            clean(&mut history.added_here);
            clean(&mut history.removed);
        }
        if let Some(excerpt) = &mut finding.excerpt {
            for line in &mut excerpt.lines {
                if let Some(text) = mask(&line.text) {
                    // The marked part is a mask already and stays where it is unless what stands
                    // before it has changed its length.
                    if let Some(range) = line.marked.take() {
                        let before: String = line.text.chars().take(range.start).collect();
                        let shift = mask(&before).map_or(range.start, |before| before.chars().count());
                        line.marked = Some(shift..shift + range.len());
                    }
                    line.text = text;
                }
            }
        }
        for fact in &mut finding.facts {
            if let Some(text) = mask(&fact.value) {
                fact.value = text;
            }
        }
    }
}
