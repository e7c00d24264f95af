//! The end of the report: what is doubtful, what could not be read, the result and the receipt.

use std::io;

use super::{
    incident,
    style::{self, paint},
    text::{Page, count, duration, number, size},
};
use crate::{
    finding::{Incident, SuppressedBy},
    report::{Added, CanaryScope, Job, Look, Report, StaleKind},
    rules::{Confidence, Severity},
};

/// Entries of a list before it is cut.
const ENTRIES: usize = 10;

/// Incidents of low confidence, one line each.
pub(super) fn doubtful(page: &mut Page<'_>, report: &Report, look: &Look, incidents: &[&Incident]) -> io::Result<()> {
    if incidents.is_empty() {
        return Ok(());
    }
    page.line(&format!("{} (confidence low)", paint(style::BOLD, "Worth a look")))?;
    let columns = |of: fn(&Incident) -> &str| incidents.iter().map(|incident| of(incident).len()).max().unwrap_or(0);
    let (severities, ids) = (columns(|incident| incident.severity.word()), columns(|incident| &incident.rule));
    for incident in incidents {
        let Some(main) = incident.findings.first().and_then(|at| report.findings.get(*at)) else { continue };
        let more = incident.findings.len() - 1;
        let more = if more > 0 { format!(" and {} more", count(more, "place")) } else { String::new() };
        let severity = paint(style::of(incident.severity), format_args!("{:<severities$}", incident.severity));
        let masked = match look.show_secrets {
            true => page.clean(&String::from_utf8_lossy(main.secret.reveal())),
            false => page.name(&incident.masked),
        };
        let place = incident::place(page, main);
        page.line(&format!("  {severity}  {:<ids$}  {masked:<16}  {place}{more}", page.name(&incident.rule)))?;
    }
    page.blank()
}

/// What could not be read.
pub(super) fn gaps(page: &mut Page<'_>, report: &Report) -> io::Result<()> {
    if report.gaps.is_empty() {
        return Ok(());
    }
    let what = paint(style::ALARM, format_args!("INCOMPLETE: {} could not be read", count(report.gaps.len(), "thing")));
    page.prose("", &format!("{what}; a secret there would go unseen"))?;
    for gap in report.gaps.iter().take(ENTRIES) {
        let kind = gap.kind.id().replace('-', " ");
        let what = page.name(&gap.what);
        page.prose("    ", &format!("{}: {kind}, {}", paint(style::BOLD, what), page.name(&gap.message)))?;
    }
    rest(page, report.gaps.len())?;
    page.blank()
}

/// Rules that proved blind.
pub(super) fn canaries(page: &mut Page<'_>, report: &Report) -> io::Result<()> {
    let coverage = &report.coverage;
    let lost = coverage.canaries_sent.saturating_sub(coverage.canaries_seen).max(coverage.canaries_lost.len());
    if lost == 0 {
        return Ok(());
    }
    let what = format!(
        "BLIND: {} of {} went unseen",
        number(lost as u64),
        count(coverage.canaries_sent, "canary").replace("canarys", "canaries")
    );
    page.prose("", &format!("{}; a real secret of the same rule would too", paint(style::ALARM, what)))?;
    for (rule, reason) in coverage.canaries_lost.iter().take(ENTRIES) {
        page.prose("    ", &format!("{}: {}", paint(style::BOLD, page.name(rule)), page.name(reason)))?;
    }
    rest(page, coverage.canaries_lost.len())?;
    page.blank()
}

fn rest(page: &mut Page<'_>, entries: usize) -> io::Result<()> {
    if entries > ENTRIES {
        page.line(&format!("    … and {} more; --format json lists all", number((entries - ENTRIES) as u64)))?;
    }
    Ok(())
}

/// The result in one line.
pub(super) fn result(page: &mut Page<'_>, report: &Report) -> io::Result<()> {
    let of = |severity: Severity| {
        report.incidents.iter().filter(|of| of.confidence > Confidence::Low && of.severity == severity).count()
    };
    let by_severity: Vec<String> = (Severity::ALL.iter().rev().map(|severity| (of(*severity), severity)))
        .filter(|(found, _)| *found > 0)
        .map(|(found, severity)| format!("{} {severity}", number(found as u64)))
        .collect();
    let sure = Severity::ALL.iter().map(|severity| of(*severity)).sum::<usize>();
    let doubtful = report.incidents.len() - sure;
    let places = report.incidents.iter().filter(|of| of.confidence > Confidence::Low).map(|of| of.findings.len());
    let found = format!("{} found in {}", count(sure, "secret"), count(places.sum(), "place"));
    let scope = if report.is_incomplete() { " in what could be read" } else { "" };
    let (style, said) = match (sure, doubtful) {
        (0, 0) if report.is_incomplete() => (style::CAUTION, format!("no secrets found{scope}")),
        (0, 0) => (style::FINE, "no secrets found".to_owned()),
        (0, _) => (
            style::CAUTION,
            format!("no secrets above confidence low{scope}, {} worth a look", number(doubtful as u64)),
        ),
        (_, 0) => (style::ALARM, format!("{found}: {}", by_severity.join(", "))),
        (..) => (
            style::ALARM,
            format!("{found}: {}; {} more worth a look", by_severity.join(", "), number(doubtful as u64)),
        ),
    };
    page.prose("", &paint(style, said))?;
    if report.incidents.is_empty() {
        return Ok(());
    }
    let what = match report.failing {
        0 => "nothing fails the run".to_owned(),
        1 => "1 finding fails the run".to_owned(),
        failing => format!("{} fail the run", count(failing, "finding")),
    };
    page.row("result", &format!("{what} (--fail-on {})", report.thresholds.fail))
}

/// What was read, what was not, and how well.
pub(super) fn receipt(page: &mut Page<'_>, report: &Report) -> io::Result<()> {
    let coverage = &report.coverage;
    let things = [
        (coverage.files, "file"),
        (coverage.blobs, "blob"),
        (coverage.commits, "commit"),
        (coverage.tags, "tag"),
        (coverage.refs, "ref"),
    ];
    let mut read: Vec<String> = things.iter().filter(|(of, _)| *of > 0).map(|(of, noun)| count(*of, noun)).collect();
    read.push(size(coverage.bytes));
    let kinds: Vec<String> = [(coverage.binary, "binary"), (coverage.utf16, "UTF-16")]
        .iter()
        .filter(|(of, _)| *of > 0)
        .map(|(of, kind)| format!("{} {kind}", number(*of as u64)))
        .collect();
    let kinds = if kinds.is_empty() { String::new() } else { format!(" ({})", kinds.join(", ")) };
    let job = match report.job {
        Job::Files if report.target.starts_with("standard input") => "",
        Job::Files => "files in",
        Job::History => "all of the history of",
        Job::Refs => "chosen refs of",
        Job::Range => "a range of commits of",
        Job::Staged => "what is staged in",
        Job::Push => "what is pushed from",
        Job::Receive => "what is pushed to",
    };
    page.row("scanned", format!("{job} {}", page.name(&report.target)).trim_start())?;
    page.row("read", &format!("{}{kinds} in {}", read.join(", "), duration(report.took)))?;

    let excluded: Vec<String> =
        coverage.excluded.iter().map(|(reason, of)| format!("{}: {}", reason.describe(), number(*of as u64))).collect();
    if !excluded.is_empty() {
        page.row("left out", &excluded.join("; "))?;
    }
    hidden(page, report)?;
    let per = match coverage.canary_scope {
        CanaryScope::Rules => "",
        CanaryScope::Classes => ", one per class of rules",
    };
    let canaries =
        format!("canaries {}/{}{per}", number(coverage.canaries_seen as u64), number(coverage.canaries_sent as u64));
    let canaries =
        if coverage.canaries_seen < coverage.canaries_sent { paint(style::ALARM, canaries) } else { canaries };
    let thresholds = format!("confidence: {} is shown, {} fails", report.thresholds.show, report.thresholds.fail);
    page.row("checked by", &format!("{}, {canaries}; {thresholds}", count(coverage.rules, "rule")))?;
    let outside: Vec<String> = coverage.outside.iter().map(|folder| page.name(folder)).collect();
    page.places("also read", &outside)?;
    for note in &report.notes {
        page.row("note", &page.name(note))?;
    }
    if !report.incidents.is_empty() {
        page.row("false alarm?", "write keysweep:allow and the reason in a comment beside it")?;
    }
    Ok(())
}

/// What was found and is not shown.
fn hidden(page: &mut Page<'_>, report: &Report) -> io::Result<()> {
    let dismissed: usize = report.dismissed.values().sum();
    if dismissed > 0 {
        let reasons: Vec<String> = report
            .dismissed
            .iter()
            .map(|(reason, of)| format!("{}: {}", reason.replace('-', " "), number(*of as u64)))
            .collect();
        page.row("dismissed", &format!("{} ({})", count(dismissed, "candidate"), reasons.join(", ")))?;
    }
    if !report.suppressed.is_empty() {
        let mut origins: Vec<(String, usize)> = Vec::new();
        for finding in &report.suppressed {
            let origin = match finding.suppressed.as_ref().map(|suppression| &suppression.by) {
                Some(SuppressedBy::Config { file, list }) => format!("by {} ({list})", page.name(file)),
                Some(SuppressedBy::IgnoreFile { file, .. }) => format!("by {}", page.name(file)),
                Some(SuppressedBy::ForeignInline { tool }) => format!("by a comment for {tool}"),
                Some(SuppressedBy::Inline) | None => "by a comment beside it".to_owned(),
            };
            match origins.iter_mut().find(|(known, _)| *known == origin) {
                Some((_, of)) => *of += 1,
                None => origins.push((origin, 1)),
            }
        }
        let origins: Vec<String> =
            origins.iter().map(|(origin, of)| format!("{} {origin}", number(*of as u64))).collect();
        page.row("suppressed", &format!("{}; --format json lists them", origins.join(", ")))?;
    }
    policy(page, report)?;
    if report.below_threshold > 0 {
        let how = if report.thresholds.show > Confidence::Low { "; --min-confidence low shows them" } else { "" };
        page.row(
            "not shown",
            &format!("{} below confidence {}{how}", count(report.below_threshold, "finding"), report.thresholds.show),
        )?;
    }
    Ok(())
}

/// Suppressions that the change adds, and entries that need a look.
fn policy(page: &mut Page<'_>, report: &Report) -> io::Result<()> {
    let policy = &report.policy;
    if !policy.added.is_empty() {
        let what = format!("{} added by this change", count(policy.added.len(), "suppression"));
        let what = if policy.strict {
            paint(style::ALARM, what + ": they fail the run (--policy strict)")
        } else {
            paint(style::CAUTION, what)
        };
        page.row("look at", &what)?;
        let line = |added: &Added| added.line.map_or_else(String::new, |line| format!(":{line}"));
        for added in policy.added.iter().take(ENTRIES) {
            let place = format!("{}{}", page.name(&added.path.to_string()), line(added));
            page.prose("    ", &format!("{place}: {}: {}", added.what, page.name(&added.text)))?;
        }
        rest(page, policy.added.len())?;
    }
    for kind in [StaleKind::Malformed, StaleKind::Expired, StaleKind::Duplicate, StaleKind::Unused] {
        let of: Vec<_> = policy.stale.iter().filter(|stale| stale.kind == kind).collect();
        if of.is_empty() {
            continue;
        }
        let entries = format!("{} {}", number(of.len() as u64), if of.len() == 1 { "entry" } else { "entries" });
        page.row(kind.id(), &paint(style::CAUTION, entries))?;
        for stale in of.iter().take(ENTRIES) {
            page.prose("    ", &format!("{}:{}: {}", page.name(&stale.file), stale.line, page.name(&stale.text)))?;
        }
        rest(page, of.len())?;
    }
    Ok(())
}
