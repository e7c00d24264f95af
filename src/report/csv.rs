//! One row a finding and one for each thing that could not be read, RFC 4180.
//!
//! Spreadsheets take cells that begin with `= + - @` for formulas, and some split at `;` or a tab whatever
//! the quotes say, so such a sign gets an apostrophe before it. All fields are quoted.

use std::io::{self, BufWriter, Write};

use super::{
    Look, Report,
    json::{Context, timestamp},
    say,
};
use crate::finding::Finding;

const COLUMNS: [&str; 24] = [
    "kind",
    "incident",
    "severity",
    "confidence",
    "fails",
    "rule",
    "title",
    "path",
    "line",
    "column",
    "end_line",
    "end_column",
    "place",
    "secret",
    "fingerprint",
    "new",
    "at_head",
    "commit",
    "author",
    "email",
    "date",
    "subject",
    "remarks",
    "first_step",
];

pub(super) fn write(report: &Report, look: &Look, out: &mut dyn io::Write) -> io::Result<()> {
    let context = Context::new(report, look);
    let mut out = BufWriter::new(out);
    row(&mut out, &COLUMNS.map(str::to_owned))?;
    for finding in &report.findings {
        row(&mut out, &fields(&context, finding))?;
    }
    for gap in &report.gaps {
        let mut fields: [String; COLUMNS.len()] = Default::default();
        fields[0] = "gap".to_owned();
        fields[12] = context.redactor.line(&gap.what);
        fields[22] = context.redactor.line(&format!("{}: {}", gap.kind.id(), gap.message));
        row(&mut out, &fields)?;
    }
    out.flush()
}

fn fields(context: &Context<'_>, finding: &Finding) -> [String; COLUMNS.len()] {
    let report = context.report;
    let line = |text: &str| context.redactor.line(text);
    let at = finding.location;
    let number = |number: Option<usize>| number.map_or_else(String::new, |number| number.to_string());
    let commit = say::commit(finding);
    let of_commit =
        |of: &dyn Fn(&crate::source::CommitInfo) -> String| commit.map_or_else(String::new, |commit| line(&of(commit)));
    let secret = match context.look.show_secrets {
        true => String::from_utf8_lossy(finding.secret.reveal()).into_owned(),
        false => line(&finding.secret.masked()),
    };
    [
        "finding".to_owned(),
        number(report.incidents.get(finding.incident).map(|incident| incident.number)),
        finding.severity.to_string(),
        finding.confidence.to_string(),
        report.thresholds.fails(finding).to_string(),
        finding.rule.to_string(),
        line(say::title(report, finding)),
        finding.place.path().map_or_else(String::new, |path| say::path_text(context, path)),
        number(at.map(|at| at.start_line)),
        number(at.map(|at| at.start_column)),
        number(at.map(|at| at.end_line)),
        number(at.map(|at| at.end_column)),
        say::place(context, finding),
        secret,
        finding.fingerprint.as_ref().map_or_else(String::new, ToString::to_string),
        finding.new.map_or_else(String::new, |new| new.to_string()),
        finding.history.as_ref().map_or_else(String::new, |history| history.at_head.to_string()),
        of_commit(&|commit| commit.id.to_string()),
        of_commit(&|commit| commit.author_name.clone()),
        of_commit(&|commit| commit.author_email.clone()),
        of_commit(&|commit| timestamp(commit.author_time)),
        of_commit(&|commit| commit.subject.clone()),
        line(&finding.remarks.join("; ")),
        say::steps(report, finding).first().map_or_else(String::new, |step| line(&step.action)),
    ]
}

fn row(out: &mut dyn Write, fields: &[String]) -> io::Result<()> {
    let fields: Vec<String> = fields.iter().map(|field| format!("\"{}\"", inert(field).replace('"', "\"\""))).collect();
    write!(out, "{}\r\n", fields.join(","))
}

/// Puts an apostrophe before every sign that would make a formula of what follows.
fn inert(field: &str) -> String {
    let mut out = String::with_capacity(field.len());
    let mut starts = true;
    for c in field.chars() {
        // The full-width signs are formulas to some spreadsheets, too.
        if starts && matches!(c, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠') {
            out.push('\'');
        }
        starts = matches!(c, ';' | '\t' | '\r' | '\n') || (starts && (c == ' ' || c == '"'));
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        finding::Place,
        report::{
            Format,
            json::tests::{look, render, talkative},
            sample::sample,
        },
        source::RelPath,
    };

    /// RFC 4180.
    fn parsed(text: &str) -> Vec<Vec<String>> {
        let mut rows = vec![vec![String::new()]];
        let mut quoted = false;
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let row = rows.last_mut().expect("a row");
            match c {
                '"' if quoted && chars.peek() == Some(&'"') => {
                    chars.next();
                    row.last_mut().expect("a field").push('"');
                }
                '"' => quoted = !quoted,
                ',' if !quoted => row.push(String::new()),
                '\r' if !quoted => {}
                '\n' if !quoted => rows.push(vec![String::new()]),
                c => row.last_mut().expect("a field").push(c),
            }
        }
        rows.pop();
        rows
    }

    #[test]
    fn a_row_a_finding_and_a_row_a_gap() {
        let report = sample();
        let rows = parsed(&render(Format::Csv, &report, &look(false)));
        assert!(rows.iter().all(|row| row.len() == COLUMNS.len()));
        assert_eq!(rows[0], COLUMNS);
        let of = |kind: &str| rows.iter().filter(|row| row[0] == kind).count();
        assert_eq!((of("finding"), of("gap")), (report.findings.len(), report.gaps.len()));
        assert_eq!(
            &rows[1][2..13],
            [
                "critical",
                "certain",
                "true",
                "acme-signing-key",
                "Acme signing key",
                "deploy/server.pem",
                "2",
                "1",
                "9",
                "30",
                "deploy/server.pem:2:1"
            ]
            .map(str::to_owned)
        );
    }

    #[test]
    fn no_cell_is_a_formula() {
        let mut report = talkative();
        let evils =
            ["=HYPERLINK(\"https://evil.example\")", "@SUM(1)", "+1", "-1", "a;=1+1", "a\n=1", "\t=1", "\"\"=1", "＝1"];
        for (at, evil) in evils.iter().enumerate().take(report.findings.len()) {
            report.findings[at].place = Place::File { path: RelPath::new(*evil), local: false };
            report.findings[at].remarks = vec![(*evil).to_owned()];
        }
        report.gaps[0].what = "=cmd|' /C calc'!A0".into();
        let text = render(Format::Csv, &report, &look(false));
        for field in parsed(&text).into_iter().flatten() {
            for cell in field.split([';', '\t', '\n', '\r']) {
                let first = cell.trim_start_matches([' ', '"']).chars().next();
                assert!(!first.is_some_and(|c| "=+-@＝＋－＠".contains(c)), "{field:?}");
            }
        }
        assert_eq!(inert("-----BEGIN KEY-----"), "'-----BEGIN KEY-----");
        assert_eq!(inert("a=b-c"), "a=b-c");
    }
}
