//! Workflow commands of GitHub Actions: annotations of the step that prints them.
//!
//! The runner shows ten errors, ten warnings and ten notices of a step and drops the rest without a word
//! (docs of the toolkit's problem matchers), so no more are written, the riskiest first, and the last notice
//! says how many there were. Nothing that was scanned stands outside of a command: a line of its own could
//! be one. Annotations are for everyone who may read the repository, so `--show-secrets` is not heard here.

use std::fmt::Write as _;
use std::io;

use super::{Look, Report, json::Context, say};
use crate::{finding::Finding, rules::Severity};

/// Annotations of one kind that a step may have.
const MOST_OF_A_KIND: usize = 10;
/// Characters of a message; GitHub cuts what is much longer.
const MOST_CHARS: usize = 4_000;

/// A kind of annotation and how many are left.
struct Room {
    kind: &'static str,
    left: usize,
    cut: usize,
}

pub(super) fn write(report: &Report, look: &Look, out: &mut dyn io::Write) -> io::Result<()> {
    let look = Look { show_secrets: false, ..*look };
    let context = Context::new(report, &look);
    // One notice is kept for what was cut.
    let mut rooms = [("error", MOST_OF_A_KIND), ("warning", MOST_OF_A_KIND), ("notice", MOST_OF_A_KIND - 1)]
        .map(|(kind, left)| Room { kind, left, cut: 0 });
    // What could not be read comes first: it must not be what is dropped.
    for (count, what) in
        [(report.gaps.len(), "could not be read"), (report.coverage.canaries_lost.len(), "proved blind")]
    {
        if count > 0 {
            let noun = if what == "proved blind" { "rule" } else { "thing" };
            let text = format!("{} {what}; a secret there would go unseen.", say::count(count, noun));
            annotate(out, &mut rooms[1], &[("title", "keysweep: incomplete")], &text)?;
        }
    }
    for finding in report.riskiest() {
        let at = match (report.thresholds.fails(finding), finding.severity) {
            (true, _) => 0,
            (false, Severity::Low) => 2,
            (false, _) => 1,
        };
        let (properties, text) = told(&context, finding);
        let properties: Vec<(&str, &str)> = properties.iter().map(|(name, value)| (*name, value.as_str())).collect();
        annotate(out, &mut rooms[at], &properties, &text)?;
    }
    let cut: Vec<String> =
        rooms.iter().filter(|room| room.cut > 0).map(|room| say::count(room.cut, room.kind)).collect();
    let mut text = format!("{}.", say::sentence(&say::result(report)));
    if !cut.is_empty() {
        let _ = write!(
            text,
            " GitHub shows {MOST_OF_A_KIND} annotations of a kind for each step; the riskiest are shown and {} more \
             are not. The other formats have them all.",
            cut.join(", ")
        );
    }
    if !report.findings.is_empty() || report.is_incomplete() {
        writeln!(out, "::notice title=keysweep::{}", data(&text))?;
    }
    out.flush()
}

fn annotate(out: &mut dyn io::Write, room: &mut Room, properties: &[(&str, &str)], text: &str) -> io::Result<()> {
    if room.left == 0 {
        room.cut += 1;
        return Ok(());
    }
    room.left -= 1;
    let properties: Vec<String> =
        properties.iter().map(|(name, value)| format!("{name}={}", property(value))).collect();
    writeln!(out, "::{} {}::{}", room.kind, properties.join(","), data(&say::cut(text, MOST_CHARS)))
}

/// Where it is shown and what it says.
fn told(context: &Context<'_>, finding: &Finding) -> (Vec<(&'static str, String)>, String) {
    let report = context.report;
    let title = context.redactor.line(say::title(report, finding));
    let mut properties = Vec::new();
    if let Some(file) = say::file(context, finding) {
        properties.push(("file", file));
        if let Some(at) = finding.location {
            properties.push(("line", at.start_line.to_string()));
            properties.push(("endLine", at.end_line.to_string()));
            // GitHub shows columns only on one line.
            if at.start_line == at.end_line {
                properties.push(("col", at.start_column.to_string()));
                properties.push(("endColumn", at.end_column.to_string()));
            }
        }
    }
    properties.push(("title", format!("keysweep: {title}")));
    let masked = context.redactor.line(&finding.secret.masked());
    let mut text = format!("Found: {title} ({masked}), {} confidence, rule {}.", finding.confidence, finding.rule);
    if finding.place.path().is_none() {
        let _ = write!(text, " In {}.", say::place(context, finding));
    }
    if let Some(commit) = say::commit(finding) {
        let standing = say::standing(finding).unwrap_or_default();
        let author = context.redactor.line(&commit.author_name);
        let _ = write!(text, " Introduced by {author} in commit {:.12}; {standing}.", commit.id);
    }
    if let Some(step) = say::steps(report, finding).first() {
        let _ = write!(text, "\nFirst step: {}.", say::sentence(&context.redactor.line(&step.action)));
    }
    let _ = write!(text, "\nAll steps: keysweep rules show {}", finding.rule);
    (properties, text)
}

/// As the runner decodes the message of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// As the runner decodes a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use crate::{
        finding::Place,
        report::{
            Format,
            json::tests::{look, render},
            sample::sample,
        },
        source::RelPath,
    };

    /// What the runner makes of a line: command, properties, message.
    fn parsed(line: &str) -> (String, Vec<(String, String)>, String) {
        let rest = line.strip_prefix("::").expect("every line is a command");
        let (head, message) = rest.split_once("::").expect("a command ends");
        let (name, properties) = head.split_once(' ').unwrap_or((head, ""));
        let undo = |text: &str| {
            let text = text.replace("%2C", ",").replace("%3A", ":").replace("%0A", "\n").replace("%0D", "\r");
            text.replace("%25", "%")
        };
        let properties = properties.split(',').filter_map(|one| one.split_once('='));
        let properties = properties.map(|(name, value)| (name.to_owned(), undo(value))).collect();
        (name.to_owned(), properties, undo(message))
    }

    #[test]
    fn every_line_is_an_annotation_and_says_where_and_what_to_do() {
        let text = render(Format::Github, &sample(), &look(false));
        let all: Vec<_> = text.lines().map(parsed).collect();
        let kinds: Vec<_> = all.iter().map(|(kind, ..)| kind.as_str()).collect();
        assert_eq!(
            kinds,
            ["warning", "warning", "error", "error", "error", "error", "error", "error", "error", "warning", "notice"]
        );
        let (_, properties, message) = &all[2];
        let file = properties.iter().find(|(name, _)| name == "file").map(|(_, file)| file.as_str());
        assert_eq!(file, Some("deploy/server.pem"));
        assert!(message.contains("Acme signing key") && message.contains("\nFirst step: "), "{message}");
    }

    #[test]
    fn a_name_neither_ends_a_command_nor_starts_one() {
        let mut report = sample();
        let evil = "a,line=9::b\n::add-mask::x\r##[error]%0A::set-output name=x::y";
        report.findings[0].place = Place::File { path: RelPath::new(evil), local: false };
        let text = render(Format::Github, &report, &look(false));
        let starts = text.lines().filter(|line| line.starts_with("::")).count();
        assert_eq!(starts, text.lines().count(), "{text}");
        for line in text.lines() {
            let (kind, properties, _) = parsed(line);
            assert!(["error", "warning", "notice"].contains(&kind.as_str()), "{line}");
            assert!(
                properties
                    .iter()
                    .all(|(name, _)| ["file", "line", "endLine", "col", "endColumn", "title"].contains(&name.as_str())),
                "{line}"
            );
            assert!(properties.iter().filter(|(name, _)| name == "line").count() <= 1, "{line}");
        }
        let found = text
            .lines()
            .map(parsed)
            .flat_map(|(_, properties, _)| properties)
            .any(|(name, value)| name == "file" && value == crate::finding::neutralise(evil));
        assert!(found, "the name comes out as it went in, made visible: {text}");
    }

    #[test]
    fn no_more_than_the_runner_shows_and_the_riskiest_first() {
        let mut report = sample();
        let low = report.findings.pop().expect("the doubtful one");
        let sure = report.findings[5].clone();
        report.findings = std::iter::repeat_n(low, 30).chain(std::iter::repeat_n(sure, 25)).collect();
        let text = render(Format::Github, &report, &look(false));
        let of = |kind: &str| text.lines().filter(|line| line.starts_with(&format!("::{kind} "))).count();
        assert_eq!((of("error"), of("warning"), of("notice")), (10, 10, 1));
        let last = text.lines().last().map(parsed).expect("a line").2;
        // Two warnings are about what could not be read and a blind rule.
        assert!(last.contains("15 errors, 22 warnings more are not"), "{last}");
    }

    #[test]
    fn annotations_hold_no_secret_even_if_asked_to() {
        let report = sample();
        let text = render(Format::Github, &report, &look(true));
        for finding in &report.findings {
            let secret = String::from_utf8_lossy(finding.secret.reveal()).into_owned();
            assert!(!text.contains(&secret));
        }
    }
}
