//! JUnit XML: a test case for each finding, so that any CI system can show them.
//!
//! What fails the run is a failure, what is only shown is skipped with a reason, what could not be read is
//! an error. A clean run has one case that passed, for some viewers take an empty report for a broken one.

use std::io::{self, BufWriter, Write as _};

use super::{
    Look, Report,
    json::{Context, timestamp},
    say,
};
use crate::finding::Finding;

pub(super) fn write(report: &Report, look: &Look, out: &mut dyn io::Write) -> io::Result<()> {
    let context = Context::new(report, look);
    let mut out = BufWriter::new(out);
    let clean = report.findings.is_empty() && report.gaps.is_empty() && report.coverage.canaries_lost.is_empty();
    let errors = report.gaps.len() + report.coverage.canaries_lost.len();
    let tests = report.findings.len() + errors + usize::from(clean);
    let failures = report.findings.iter().filter(|finding| report.thresholds.fails(finding)).count();
    let skipped = report.findings.len() - failures;
    let counts = format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\"");
    let seconds = format!("{:.3}", report.took.as_secs_f64());
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(out, "<testsuites name=\"keysweep\" {counts} time=\"{seconds}\">")?;
    // Without the Z: the schema that most readers check against has local times.
    let time = timestamp(report.now);
    writeln!(
        out,
        "  <testsuite name=\"keysweep {}\" {counts} skipped=\"{skipped}\" time=\"{seconds}\" timestamp=\"{}\">",
        report.job.id(),
        time.trim_end_matches('Z')
    )?;
    for finding in &report.findings {
        case(&context, finding, &mut out)?;
    }
    for gap in &report.gaps {
        let what = context.redactor.line(&gap.what);
        let message = context.redactor.line(&gap.message);
        error(&mut out, &what, gap.kind.id(), &format!("could not be read: {message}"))?;
    }
    for (rule, reason) in &report.coverage.canaries_lost {
        error(&mut out, rule, "canary-lost", &context.redactor.line(reason))?;
    }
    if clean {
        writeln!(out, "    <testcase classname=\"keysweep\" name=\"no secrets found\" time=\"0\"/>")?;
    }
    writeln!(out, "  </testsuite>\n</testsuites>")?;
    out.flush()
}

fn error(out: &mut dyn io::Write, what: &str, kind: &str, message: &str) -> io::Result<()> {
    writeln!(out, "    <testcase classname=\"{}\" name=\"could be checked\" time=\"0\">", xml(what))?;
    writeln!(out, "      <error type=\"{}\" message=\"{}\"/>", xml(kind), xml(message))?;
    writeln!(out, "    </testcase>")
}

fn case(context: &Context<'_>, finding: &Finding, out: &mut dyn io::Write) -> io::Result<()> {
    let report = context.report;
    let title = context.redactor.line(say::title(report, finding));
    let file = finding.place.path().map(|path| say::path_text(context, path));
    let class = file.clone().unwrap_or_else(|| say::place(context, finding));
    let line = finding.location.map(|at| at.start_line);
    let name = match line {
        Some(line) => format!("{} (line {line})", finding.rule),
        None => finding.rule.to_string(),
    };
    write!(out, "    <testcase classname=\"{}\" name=\"{}\" time=\"0\"", xml(&class), xml(&name))?;
    if let Some(file) = file {
        write!(out, " file=\"{}\"", xml(&file))?;
    }
    if let Some(line) = line {
        write!(out, " line=\"{line}\"")?;
    }
    writeln!(out, ">")?;
    let masked = context.redactor.line(&finding.secret.masked());
    let message = format!("found: {title} ({masked}), {} confidence", finding.confidence);
    if !report.thresholds.fails(finding) {
        let message = format!("{message}; only {} and above fails", report.thresholds.fail);
        writeln!(out, "      <skipped message=\"{}\"/>\n    </testcase>", xml(&message))?;
        return Ok(());
    }
    let mut text = vec![format!("at {}", say::place(context, finding))];
    if context.look.show_secrets {
        text.push(format!("secret: {}", String::from_utf8_lossy(finding.secret.reveal())));
    }
    if let Some(commit) = say::commit(finding) {
        let author = context.redactor.line(&commit.author_name);
        let (day, standing) = (say::day(commit.author_time), say::standing(finding).unwrap_or_default());
        text.push(format!("introduced by {author} on {day} in commit {:.12}; {standing}", commit.id));
    }
    text.extend(finding.remarks.iter().map(|remark| context.redactor.line(remark)));
    for (step, number) in say::steps(report, finding).iter().zip(1..) {
        text.push(format!("{number}. {}: {}", step.phase, context.redactor.line(&step.action)));
    }
    let kind = format!("{} {}", finding.severity, finding.rule);
    writeln!(out, "      <failure type=\"{}\" message=\"{}\">", xml(&kind), xml(&message))?;
    writeln!(out, "{}</failure>\n    </testcase>", xml(&text.join("\n")))
}

/// Text or attribute of XML 1.0, which has no place at all for most control characters and U+FFFE.
fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\n' | '\t' => out.push(c),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use roxmltree::Document;

    use crate::{
        finding::Place,
        report::{
            Format,
            json::tests::{look, render},
            sample::sample,
        },
        source::RelPath,
    };

    #[test]
    fn every_finding_is_a_case_and_the_counts_are_right() {
        let report = sample();
        let text = render(Format::Junit, &report, &look(false));
        let document = Document::parse(&text).expect("it is XML");
        let of = |name: &str| document.descendants().filter(|node| node.has_tag_name(name)).count();
        assert_eq!((of("testcase"), of("failure"), of("skipped"), of("error")), (11, 7, 1, 3));
        let suite = document.descendants().find(|node| node.has_tag_name("testsuite")).expect("a suite");
        let counted = ["tests", "failures", "skipped", "errors"].map(|name| suite.attribute(name).expect("a count"));
        assert_eq!(counted, ["11", "7", "1", "3"]);
        assert_eq!(suite.attribute("timestamp"), Some("2026-09-21T14:13:20"));
        let failure = document.descendants().find(|node| node.has_tag_name("failure")).expect("a failure");
        assert!(failure.text().is_some_and(|text| text.contains("\n6. prevent: ")), "{:?}", failure.text());
    }

    #[test]
    fn a_name_stays_text() {
        let mut report = sample();
        let evil = "a\"><system-out>x</system-out>&y;]]>\u{0}\u{b}\u{fffe}\u{202e}'<!--";
        report.findings[0].place = Place::File { path: RelPath::new(evil), local: false };
        report.findings[0].remarks = vec![evil.to_owned()];
        report.gaps[0].what = evil.into();
        let text = render(Format::Junit, &report, &look(false));
        let document = Document::parse(&text).expect("it is XML");
        assert!(!document.descendants().any(|node| node.has_tag_name("system-out")));
        let case = document.descendants().find(|node| node.has_tag_name("testcase")).expect("a case");
        assert!(case.attribute("classname").is_some_and(|name| name.starts_with("a\"><system-out>x")));
    }

    #[test]
    fn a_clean_run_has_a_case_that_passed() {
        let mut report = sample();
        report.findings.clear();
        report.incidents.clear();
        report.gaps.clear();
        report.coverage.canaries_lost.clear();
        let text = render(Format::Junit, &report, &look(false));
        let document = Document::parse(&text).expect("it is XML");
        let cases: Vec<_> = document.descendants().filter(|node| node.has_tag_name("testcase")).collect();
        assert_eq!(cases.len(), 1);
        assert!(!cases[0].has_children());
    }
}
