//! GitLab's secret detection report, schema 15.1.4.
//!
//! GitLab rejects a report whose model and revision (the first two numbers) it does not know, and shows
//! `description` and `solution` as Markdown, so what was scanned stands in code spans there.

use std::{
    fmt::Write as _,
    io::{self, BufWriter, Write as _},
};

use serde::Serialize;

use super::{
    Look, Report,
    json::{Context, Escaped, timestamp},
    keys::Keys,
    markdown::{code, prose},
    say,
};
use crate::{
    finding::{Finding, Place},
    rules::{Severity, Step},
};

const VERSION: &str = "15.1.4";
const SCHEMA: &str = "https://gitlab.com/gitlab-org/security-products/security-report-schemas/-/raw/v15.1.4/dist/secret-detection-report-format.json";
/// What the schema allows of a solution, in characters.
const MOST_SOLUTION: usize = 7_000;
/// What the schema allows of a name.
const MOST_NAME: usize = 255;
/// What GitLab's own analyzer writes for content that is in no commit.
const NO_COMMIT: &str = "0000000";

pub(super) fn write(report: &Report, look: &Look, out: &mut dyn io::Write) -> io::Result<()> {
    let context = Context::new(report, look);
    let mut out = Escaped(BufWriter::new(out));
    serde_json::to_writer_pretty(&mut out, &Document::new(&context))?;
    out.write_all(b"\n")?;
    out.flush()
}

#[derive(Serialize)]
struct Document<'a> {
    version: &'static str,
    schema: &'static str,
    scan: Scan,
    vulnerabilities: Vec<Vulnerability<'a>>,
}

#[derive(Serialize)]
struct Scan {
    analyzer: Tool,
    scanner: Tool,
    r#type: &'static str,
    start_time: String,
    end_time: String,
    status: &'static str,
    messages: Vec<ScanMessage>,
}

#[derive(Serialize)]
struct Tool {
    id: &'static str,
    name: &'static str,
    version: &'static str,
    vendor: Vendor,
}

#[derive(Serialize)]
struct Vendor {
    name: &'static str,
}

/// What has no place among the vulnerabilities: gaps, blind rules.
#[derive(Serialize)]
struct ScanMessage {
    level: &'static str,
    value: String,
}

#[derive(Serialize)]
struct Vulnerability<'a> {
    id: String,
    name: String,
    description: String,
    severity: &'static str,
    solution: String,
    identifiers: Vec<Identifier<'a>>,
    links: Vec<Link<'a>>,
    location: Location,
    raw_source_code_extract: String,
}

#[derive(Serialize)]
struct Identifier<'a> {
    r#type: &'static str,
    name: String,
    value: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
}

#[derive(Serialize)]
struct Link<'a> {
    url: &'a str,
}

#[derive(Serialize)]
struct Location {
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_line: Option<usize>,
    commit: Commit,
}

#[derive(Serialize)]
struct Commit {
    sha: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

impl<'a> Document<'a> {
    fn new(context: &Context<'a>) -> Self {
        let report = context.report;
        let tool = || Tool {
            id: env!("CARGO_PKG_NAME"),
            name: env!("CARGO_PKG_NAME"),
            version: env!("CARGO_PKG_VERSION"),
            vendor: Vendor { name: env!("CARGO_PKG_NAME") },
        };
        // In UTC and without saying so, as the schema wants it.
        let time = timestamp(report.now).trim_end_matches('Z').to_owned();
        let mut keys = Keys::default();
        let gaps = report.gaps.iter().map(|gap| format!("{}: {}: {}", gap.kind.id(), gap.what, gap.message));
        let blind = report.coverage.canaries_lost.iter().map(|(rule, why)| format!("blind: {rule}: {why}"));
        let messages = gaps.chain(blind).map(|text| ScanMessage { level: "warn", value: context.redactor.line(&text) });
        Self {
            version: VERSION,
            schema: SCHEMA,
            scan: Scan {
                analyzer: tool(),
                scanner: tool(),
                r#type: "secret_detection",
                start_time: time.clone(),
                end_time: time,
                status: "success",
                messages: messages.collect(),
            },
            vulnerabilities: report
                .findings
                .iter()
                .map(|finding| Vulnerability::new(context, finding, id(&keys.next(finding))))
                .collect(),
        }
    }
}

impl<'a> Vulnerability<'a> {
    fn new(context: &Context<'a>, finding: &'a Finding, id: String) -> Self {
        let report = context.report;
        let rule = report.rules.get(&finding.rule);
        let pages = rule.map(|rule| say::pages(rule)).unwrap_or_default();
        let title = say::sentence(&context.redactor.line(say::title(report, finding)));
        let masked = context.redactor.line(&finding.secret.masked());
        let raw = match context.look.show_secrets {
            true => String::from_utf8_lossy(finding.secret.reveal()).into_owned(),
            false => masked.clone(),
        };
        Self {
            id,
            name: say::cut(&title, MOST_NAME),
            description: description(context, finding, &title, &masked),
            severity: match finding.severity {
                Severity::Critical => "Critical",
                Severity::High => "High",
                Severity::Medium => "Medium",
                Severity::Low => "Low",
            },
            solution: solution(context, say::steps(report, finding)),
            identifiers: vec![Identifier {
                r#type: "keysweep_rule_id",
                name: format!("keysweep rule ID {}", finding.rule),
                value: &finding.rule,
                url: pages.first().copied(),
            }],
            links: pages.into_iter().map(|url| Link { url }).collect(),
            location: location(context, finding),
            raw_source_code_extract: raw,
        }
    }
}

fn location(context: &Context<'_>, finding: &Finding) -> Location {
    let info = say::commit(finding);
    let line = |text: &str| context.redactor.line(text);
    let sha = match (&finding.place, info) {
        (Place::CommitMessage { commit }, _) => commit.to_string(),
        (_, Some(info)) => info.id.to_string(),
        (_, None) => NO_COMMIT.to_owned(),
    };
    Location {
        file: say::file(context, finding),
        start_line: finding.location.map(|at| at.start_line),
        end_line: finding.location.map(|at| at.end_line),
        commit: Commit {
            sha,
            author: info.map(|info| line(&info.author_name)),
            date: info.map(|info| timestamp(info.author_time)),
            message: info.map(|info| line(&info.subject)),
        },
    }
}

fn description(context: &Context<'_>, finding: &Finding, title: &str, masked: &str) -> String {
    let mut said = format!(
        "{title} {} in {}, {} confidence.",
        code(masked),
        code(&say::place(context, finding)),
        finding.confidence
    );
    if let (Some(commit), Some(standing)) = (say::commit(finding), say::standing(finding)) {
        let author = code(&context.redactor.line(&commit.author_name));
        let day = say::day(commit.author_time);
        let _ = write!(said, " Introduced by {author} on {day} in commit {:.12}; {standing}.", commit.id);
    }
    for remark in &finding.remarks {
        let _ = write!(said, " {}.", code(&context.redactor.line(remark)));
    }
    said
}

/// The steps, as many as fit.
fn solution(context: &Context<'_>, steps: &[Step]) -> String {
    let mut said = String::new();
    for (step, number) in steps.iter().zip(1..) {
        let mut told =
            format!("{number}. {}: {}", say::sentence(step.phase.word()), prose(&context.redactor.line(&step.action)));
        for (how, what) in [("Console", &step.console), ("Run", &step.cli), ("Send", &step.api)] {
            if let Some(what) = what {
                let _ = write!(told, "\n   {how}: {}", code(&context.redactor.line(what.trim())));
            }
        }
        if let Some(source) = &step.source {
            let _ = write!(told, "\n   See: {source}");
        }
        told.push('\n');
        let rest = "… the remaining steps: keysweep rules show RULE\n";
        if said.chars().count() + told.chars().count() + rest.chars().count() > MOST_SOLUTION {
            said += rest;
            break;
        }
        said += &told;
    }
    said.truncate(said.trim_end().len());
    said
}

/// The id of a finding from its key: RFC 9562, version 8, a UUID of a vendor's own making.
fn id(key: &blake3::Hash) -> String {
    let mut bytes: [u8; 16] = *key.as_bytes().first_chunk().expect("a hash has 32 bytes");
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = data_encoding::HEXLOWER.encode(&bytes);
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        report::{
            Format,
            json::tests::{look, render, talkative},
            sample::sample,
        },
        source::RelPath,
    };

    fn document(report: &Report) -> Value {
        serde_json::from_str(&render(Format::Gitlab, report, &look(false))).expect("it is JSON")
    }

    /// `fixtures/schema/gitlab-secret-detection-15.1.4.json` holds every rule of GitLab's schema of that
    /// version on what we write; see its first lines.
    #[test]
    fn the_report_keeps_to_gitlabs_schema() {
        let schema = include_str!("../../fixtures/schema/gitlab-secret-detection-15.1.4.json");
        let schema: Value = serde_json::from_str(schema).expect("the schema is JSON");
        let schema = jsonschema::validator_for(&schema).expect("the schema is a schema");
        let mut empty = sample();
        empty.findings.clear();
        for report in [sample(), talkative(), empty] {
            let document = document(&report);
            let errors: Vec<_> =
                schema.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect();
            assert!(errors.is_empty(), "{errors:#?}");
        }
        let right = document(&sample());
        type Break = fn(&mut Value);
        let breaks: [Break; 6] = [
            |d| d["vulnerabilities"][0]["location"]["commit"] = json!({}),
            |d| d["vulnerabilities"][0]["identifiers"] = json!([]),
            |d| d["vulnerabilities"][0]["severity"] = json!("dreadful"),
            |d| d["vulnerabilities"][0]["solution"] = json!("x".repeat(7_001)),
            |d| d["scan"]["start_time"] = json!("2026-01-01T00:00:00Z"),
            |d| d["scan"]["type"] = json!("sast"),
        ];
        for break_it in breaks {
            let mut wrong = right.clone();
            break_it(&mut wrong);
            assert!(!schema.is_valid(&wrong));
        }
    }

    #[test]
    fn the_solution_holds_the_steps_and_the_gaps_are_messages() {
        let document = document(&sample());
        let token = &document["vulnerabilities"][3];
        let solution = token["solution"].as_str().unwrap_or_default();
        assert!(
            solution.starts_with("1. Contain: Suspend the token ACIDSAMPLESAMPLE; this can be undone.\n"),
            "{solution}"
        );
        assert!(solution.contains("\n   Run: `acme token suspend ACIDSAMPLESAMPLE`\n"), "{solution}");
        assert!(solution.contains("6. Prevent: "), "{solution}");
        assert_eq!(token["location"]["commit"]["sha"], "04".repeat(20));
        assert_eq!(document["vulnerabilities"][5]["location"]["commit"]["sha"], NO_COMMIT);
        assert_eq!(document["scan"]["messages"].as_array().map(Vec::len), Some(3));
    }

    #[test]
    fn a_long_runbook_is_cut_at_a_step() {
        let report = sample();
        let look = look(false);
        let context = Context::new(&report, &look);
        let mut step = say::steps(&report, &report.findings[3])[0].clone();
        step.action = "a".repeat(1_000);
        let said = solution(&context, &vec![step; 20]);
        assert!(said.chars().count() <= MOST_SOLUTION && said.ends_with("keysweep rules show RULE"), "{said}");
    }

    #[test]
    fn ids_stay_when_lines_move_and_differ_otherwise() {
        let mut report = sample();
        let ids = |report: &Report| -> Vec<String> {
            let document = document(report);
            let all = document["vulnerabilities"].as_array().expect("a list").clone();
            all.iter().map(|one| one["id"].as_str().unwrap_or_default().to_owned()).collect()
        };
        let before = ids(&report);
        let mut apart = before.clone();
        apart.sort();
        apart.dedup();
        assert_eq!(apart.len(), before.len());
        for finding in &mut report.findings {
            if let Some(at) = &mut finding.location {
                at.start_line += 7;
                at.end_line += 7;
            }
        }
        assert_eq!(ids(&report), before);
    }

    #[test]
    fn markdown_in_a_name_stays_in_its_code_span() {
        let mut report = sample();
        let evil = "a` ![x](https://evil.example) <img src=x> @all ``b";
        report.findings[0].place = Place::File { path: RelPath::new(evil), local: false };
        let document = document(&report);
        let text = document["vulnerabilities"][0]["description"].as_str().unwrap_or_default();
        assert!(text.contains(&format!("```{evil}:2:1```")), "{text}");
    }
}
