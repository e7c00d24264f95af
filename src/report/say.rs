//! Sentences about a finding that several formats share. What they quote is masked and made harmless to a
//! terminal; each format escapes it once more for itself.

use super::{
    Report,
    json::{Context, timestamp},
};
use crate::{
    finding::{Finding, Place},
    rules::{Rule, Step},
    source::CommitInfo,
};

/// `path:line:column`, or whatever names the place.
pub(super) fn place(context: &Context<'_>, finding: &Finding) -> String {
    let name = match finding.place.path() {
        Some(path) => path_text(context, path),
        None => context.redactor.line(&finding.place.describe()),
    };
    match (finding.place.path(), finding.location) {
        (Some(_), Some(at)) => format!("{name}:{}:{}", at.start_line, at.start_column),
        (None, Some(at)) => format!("{name}, line {}", at.start_line),
        (_, None) => name,
    }
}

/// A path on one line.
pub(super) fn path_text(context: &Context<'_>, path: &crate::source::RelPath) -> String {
    context.redactor.line(&String::from_utf8_lossy(&context.redactor.path(path)))
}

/// The path of a file that a reader of the repository can open.
pub(super) fn file(context: &Context<'_>, finding: &Finding) -> Option<String> {
    match &finding.place {
        Place::File { local: true, .. } => None,
        place => Some(path_text(context, place.path()?)),
    }
}

/// The title of its rule.
pub(super) fn title<'r>(report: &'r Report, finding: &'r Finding) -> &'r str {
    report.rules.get(&finding.rule).map_or(&*finding.rule, |rule| &rule.text().title)
}

/// The day of a commit, UTC.
pub(super) fn day(seconds: i64) -> String {
    let time = timestamp(seconds);
    time.split_once('T').map_or(time.clone(), |(day, _)| day.to_owned())
}

/// The commit that brought it in.
pub(super) fn commit(finding: &Finding) -> Option<&CommitInfo> {
    finding.history.as_ref()?.introduced.as_deref()
}

/// Whether it is still there, in words.
pub(super) fn standing(finding: &Finding) -> Option<&'static str> {
    let history = finding.history.as_ref()?;
    Some(match (history.at_head, history.reachable) {
        (true, _) => "still at HEAD",
        (false, true) => "not at HEAD any more, but still in the history",
        (false, false) => "in no ref any more, but the object is still there",
    })
}

/// The steps of its incident, each with its ways; if it has none, those of its rule.
pub(super) fn steps<'r>(report: &'r Report, finding: &Finding) -> &'r [Step] {
    match report.incidents.get(finding.incident) {
        Some(incident) if !incident.rotation.is_empty() => &incident.rotation,
        _ => report.rules.get(&finding.rule).map_or(&[], |rule| &rule.text().runbook.steps),
    }
}

/// The pages a rule names, each once.
pub(super) fn pages(rule: &Rule) -> Vec<&str> {
    let steps = rule.text().runbook.steps.iter().filter_map(|step| step.source.as_deref());
    let mut pages: Vec<&str> = Vec::new();
    for page in std::iter::once(rule.text().docs.as_str()).chain(steps) {
        let plain = page.starts_with("https://") && page.bytes().all(|byte| byte.is_ascii_graphic());
        if plain && !pages.contains(&page) {
            pages.push(page);
        }
    }
    pages
}

/// With a capital and without a full stop.
pub(super) fn sentence(text: &str) -> String {
    let text = text.trim_end().trim_end_matches('.');
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// `1 finding`, `2 findings`.
pub(super) fn count(of: usize, noun: &str) -> String {
    format!("{of} {noun}{}", if of == 1 { "" } else { "s" })
}

/// The result of a run in one line.
pub(super) fn result(report: &Report) -> String {
    let scope = if report.is_incomplete() { " in what could be read" } else { "" };
    if report.incidents.is_empty() {
        return format!("no secrets found{scope}");
    }
    let fails = match report.failing {
        0 => "nothing fails the run".to_owned(),
        1 => "1 finding fails the run".to_owned(),
        failing => format!("{failing} findings fail the run"),
    };
    let secrets = count(report.incidents.len(), "secret");
    format!("{secrets} found in {}{scope}; {fails}", count(report.findings.len(), "place"))
}

/// Cuts to so many characters, and shows it.
pub(super) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}
