//! One secret: where it stands, since when, what it opens and what to do about it.

use std::io;

use super::{
    excerpt, rotation,
    style::{self, paint},
    text::{Page, article, count, few, number, short_ref, when},
};
use crate::{
    finding::{Finding, Incident, Place},
    report::{Look, Report, RotationDetail},
    source::CommitInfo,
};

/// Other places of the same secret that are listed.
const PLACES: usize = 4;
/// Refs that are listed.
const REFS: usize = 3;

/// Prints an incident; `earlier` are those of the same rule that were printed before.
pub(super) fn write(
    page: &mut Page<'_>,
    report: &Report,
    look: &Look,
    incident: &Incident,
    earlier: &[&Incident],
) -> io::Result<()> {
    let findings: Vec<&Finding> = incident.findings.iter().filter_map(|at| report.findings.get(*at)).collect();
    let Some((main, others)) = findings.split_first() else {
        return Ok(());
    };
    headline(page, report, look, incident, main)?;
    let indent = main.excerpt.as_ref().map_or(1, excerpt::digits);
    let arrow = paint(style::GUTTER, format_args!(" {:indent$}-->", ""));
    page.line(&format!("{arrow} {}{}", place(page, main), paint(style::DIM, standing(report, main, true))))?;
    let why = page.name(&main.remarks.join("; "));
    let title = report.rules.get(&incident.rule).map_or("", |rule| rule.text().title.as_str());
    let label = if why.is_empty() { page.name(title) } else { why.clone() };
    let drawn = match &main.excerpt {
        Some(shown) if !shown.lines.is_empty() => excerpt::write(page, shown, &label, style::of(incident.severity))?,
        _ => false,
    };
    page.blank()?;
    if !drawn && !why.is_empty() {
        page.row("why", &why)?;
    }
    also_at(page, report, others)?;
    past(page, report, incident, &findings)?;
    facts(page, report, main)?;
    if earlier.is_empty() {
        about(page, report, look, incident)?;
    }
    rotation::write(page, look, incident, earlier)?;
    page.blank()
}

fn headline(page: &mut Page<'_>, report: &Report, look: &Look, incident: &Incident, main: &Finding) -> io::Result<()> {
    let title = report.rules.get(&incident.rule).map_or("secret", |rule| rule.text().title.as_str());
    let lead =
        paint(style::of(incident.severity), format_args!("{}[{}]", incident.severity, page.name(&incident.rule)));
    let found = format!(": found {} {}", article(title), page.name(title));
    page.prose("", &format!("{lead}{}", paint(style::BOLD, found)))?;
    let known = format!("incident {}, confidence {}:", incident.number, incident.confidence);
    if !look.show_secrets {
        return page.prose("", &format!("{known} {}", page.name(&incident.masked)));
    }
    let shown = String::from_utf8_lossy(main.secret.reveal()).into_owned();
    match shown.lines().collect::<Vec<_>>().as_slice() {
        [one] => page.line(&format!("{known} {}", page.clean(one))),
        lines => {
            page.line(&known)?;
            lines.iter().try_for_each(|line| page.line(&format!("    {}", page.clean(line))))
        }
    }
}

/// `path:line:column`, or whatever names the place.
pub(super) fn place(page: &Page<'_>, finding: &Finding) -> String {
    let name = page.name(&finding.place.describe());
    match (finding.place.path(), finding.location) {
        (Some(_), Some(location)) => format!("{name}:{}:{}", location.start_line, location.start_column),
        (None, Some(location)) => format!("{name}, line {}", location.start_line),
        (_, None) => name,
    }
}

/// What else there is to know of a place, or nothing. The main place has its past told in rows of
/// its own.
fn standing(report: &Report, finding: &Finding, main: bool) -> String {
    let mut said = Vec::new();
    match &finding.place {
        Place::File { local: true, .. } => said.push("local, not pushed".to_owned()),
        Place::Staged { .. } => said.push("staged".to_owned()),
        Place::History { blob, .. } if main => said.push(format!("blob {blob:.12}")),
        _ => {}
    }
    if let (Some(history), false) = (&finding.history, main) {
        match &history.removed {
            _ if matches!(finding.place, Place::Unplaced { .. }) => {}
            _ if !history.reachable => said.push("not in any ref".to_owned()),
            _ if history.at_head => said.push("at HEAD".to_owned()),
            Some(removed) => said.push(format!("removed {}", when(removed.author_time, report.now))),
            None => {}
        }
    }
    if finding.location.is_none() && finding.place.path().is_some() {
        said.push("binary".to_owned());
    }
    said.iter().map(|said| format!(" · {said}")).collect()
}

fn also_at(page: &mut Page<'_>, report: &Report, others: &[&Finding]) -> io::Result<()> {
    let shown = if others.len() <= PLACES + 1 { others.len() } else { PLACES };
    let mut entries: Vec<String> = others[..shown]
        .iter()
        .map(|other| format!("{}{}", place(page, other), paint(style::DIM, standing(report, other, false))))
        .collect();
    if shown < others.len() {
        entries.push(format!("… and {} more places; --format json lists all", number((others.len() - shown) as u64)));
    }
    page.places("also at", &entries)
}

/// Since when, by whom, where still.
fn past(page: &mut Page<'_>, report: &Report, incident: &Incident, findings: &[&Finding]) -> io::Result<()> {
    match findings[0].new {
        Some(true) => page.row("new", "brought in by the change that was examined")?,
        Some(false) => page.row("new", "no, it was there before the change that was examined")?,
        None => {}
    }
    let main = findings[0].history.as_ref();
    if let Some(commit) = incident.first_seen.as_deref().or_else(|| main?.introduced.as_deref()) {
        told(page, report, "introduced", commit)?;
        // The first commit may not know this path: the file was renamed or copied.
        if let Some(here) = main.and_then(|main| main.added_here.as_deref()).filter(|here| here.id != commit.id) {
            let since = when(here.author_time, report.now);
            page.row("here since", &format!("{since} in commit {:.12}", here.id))?;
        }
    }
    let Some(main) = main else {
        return Ok(());
    };
    if findings.iter().all(|finding| finding.history.as_ref().is_some_and(|history| !history.reachable)) {
        return page.row("at HEAD", "no, not in any ref: only a dropped stash, a reflog or a dangling object holds it");
    }
    let versions = match main.versions {
        0 | 1 => String::new(),
        more => format!(" ({} of this file)", count(more, "version")),
    };
    match (incident.at_head, &main.removed) {
        (Some(true), _) => page.row("at HEAD", &format!("{}{versions}", paint(style::BOLD, "yes")))?,
        (Some(false), Some(removed)) => {
            page.row("at HEAD", &format!("no, but the history holds it{versions}"))?;
            told(page, report, "removed", removed)?;
        }
        (Some(false), None) => page.row("at HEAD", &format!("no, but the history holds it{versions}"))?,
        (None, _) => {}
    }
    let refs = |of: fn(&crate::finding::History) -> &Vec<String>| {
        let mut names: Vec<&str> = Vec::new();
        for name in findings.iter().filter_map(|finding| finding.history.as_ref()).flat_map(of) {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        names.iter().map(|name| name.to_string()).collect::<Vec<_>>()
    };
    // Refs that are not listed may be the same ones for every place, so only the largest rest counts.
    let rest = |of: fn(&crate::finding::History) -> usize| {
        findings.iter().filter_map(|finding| finding.history.as_ref()).map(of).max().unwrap_or(0)
    };
    let live = refs(|history| &history.live_on);
    let mut gone = refs(|history| &history.in_history_of);
    gone.retain(|name| !live.contains(name));
    let rests = [rest(|history| history.live_on_more), rest(|history| history.in_history_of_more)];
    for ((label, names), rest) in [("live on", live), ("in past of", gone)].into_iter().zip(rests) {
        let names: Vec<String> = names.iter().map(|name| page.name(&short_ref(name))).collect();
        if !names.is_empty() {
            page.row(label, &few(&names, REFS, rest))?;
        }
    }
    Ok(())
}

/// A commit in words.
fn told(page: &mut Page<'_>, report: &Report, label: &str, commit: &CommitInfo) -> io::Result<()> {
    let author = page.clean(&format!("{} <{}>", commit.author_name, commit.author_email));
    page.row(label, &format!("{} by {author}", when(commit.author_time, report.now)))?;
    let subject = paint(style::DIM, format_args!("\"{}\"", page.clean(&commit.subject)));
    page.row("", &format!("in commit {:.12} {subject}", commit.id))
}

/// What the secret says of itself, and what stands beside it.
fn facts(page: &mut Page<'_>, report: &Report, main: &Finding) -> io::Result<()> {
    let mut said: Vec<String> = Vec::new();
    for fact in &main.facts {
        said.push(format!("{} {}", page.clean(&fact.name.replace('_', " ")), page.clean(&fact.value)));
    }
    for part in &main.parts {
        if main.facts.iter().any(|fact| fact.value == part.text) {
            continue;
        }
        let title = report.rules.get(&part.rule).map_or(&*part.rule, |rule| &rule.text().title);
        let line = part.location.map_or_else(String::new, |location| format!(" (line {})", location.start_line));
        said.push(format!("{} {}{line}", page.name(title), page.clean(&part.text)));
    }
    if said.is_empty() { Ok(()) } else { page.row("facts", &said.join(" · ")) }
}

/// What holds for every secret of the rule.
fn about(page: &mut Page<'_>, report: &Report, look: &Look, incident: &Incident) -> io::Result<()> {
    let Some(rule) = report.rules.get(&incident.rule) else {
        return Ok(());
    };
    if look.rotation != RotationDetail::None {
        page.row("about", &page.name(&rule.text().description))?;
        if let Some(lifetime) = &rule.text().lifetime {
            page.row("lifetime", &page.name(lifetime))?;
        }
    }
    let instead = match &rule.text().env_var {
        Some(name) => format!("the environment variable {} or a secret manager", paint(style::BOLD, page.name(name))),
        None => "read it from a secret manager".to_owned(),
    };
    page.row("use instead", &instead)?;
    if look.rotation != RotationDetail::None {
        if let Some(least) = &rule.text().least_privilege {
            page.row("less power", &page.name(least))?;
        }
        if let Some(short_lived) = &incident.short_lived {
            page.row("short-lived", &page.name(short_lived))?;
        }
    }
    Ok(())
}
