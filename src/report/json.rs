//! One JSON document, `docs/report.schema.json`.
//!
//! What the scanned repository says (paths, names, subjects) stays as it is, escaped; what a person
//! is to read (remarks, steps, notes) is made harmless first. No secret is in either.

mod finding;
mod incident;
mod policy;
mod receipt;
mod text;

use std::{
    borrow::Cow,
    collections::BTreeMap,
    io::{self, BufWriter, Write as _},
};

use serde::Serialize;

pub(super) use self::{
    finding::FindingObject,
    incident::{IncidentObject, RuleObject, rules},
    receipt::{Closing, CoverageObject, ErrorObject, Summary},
    text::{Escaped, Redactor, timestamp},
};
use super::{Look, Report};
use crate::rules::Confidence;

/// Changes when a reader would have to.
const SCHEMA_VERSION: &str = "1";

pub(super) fn write(report: &Report, look: &Look, out: &mut dyn io::Write) -> io::Result<()> {
    let context = Context::new(report, look);
    let mut out = Escaped(BufWriter::new(out));
    serde_json::to_writer_pretty(&mut out, &Document::new(&context))?;
    out.write_all(b"\n")?;
    out.flush()
}

/// What every object is made from.
pub(super) struct Context<'a> {
    pub(super) report: &'a Report,
    pub(super) look: &'a Look,
    pub(super) redactor: Redactor,
}

impl<'a> Context<'a> {
    pub(super) fn new(report: &'a Report, look: &'a Look) -> Self {
        Self { report, look, redactor: Redactor::new(report, look) }
    }

    /// Shown findings, in order.
    pub(super) fn findings(&self) -> impl Iterator<Item = FindingObject<'a>> {
        self.report.findings.iter().enumerate().map(|(index, finding)| FindingObject::shown(self, index, finding))
    }

    /// Incidents, in order.
    pub(super) fn incidents(&self) -> impl Iterator<Item = IncidentObject<'a>> {
        self.report.incidents.iter().map(|incident| IncidentObject::new(self, incident))
    }

    /// Suppressed findings, in order.
    pub(super) fn suppressed(&self) -> impl Iterator<Item = FindingObject<'a>> {
        let all = self.report.suppressed.iter().enumerate();
        all.map(|(index, finding)| FindingObject::suppressed(self, index, finding))
    }

    /// Gaps, in order.
    pub(super) fn errors(&self) -> impl Iterator<Item = ErrorObject<'a>> {
        self.report.gaps.iter().map(|gap| ErrorObject::new(self, gap))
    }
}

/// Everything, in the order of design §9: what it is, what came of it, then the lists.
#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    header: Header<'a>,
    #[serde(flatten)]
    closing: Closing<'a>,
    findings: Vec<FindingObject<'a>>,
    incidents: Vec<IncidentObject<'a>>,
    suppressed: Vec<FindingObject<'a>>,
    errors: Vec<ErrorObject<'a>>,
    rules: BTreeMap<&'a str, RuleObject<'a>>,
}

impl<'a> Document<'a> {
    fn new(context: &Context<'a>) -> Self {
        Self {
            header: Header::new(context),
            closing: Closing::new(context),
            findings: context.findings().collect(),
            incidents: context.incidents().collect(),
            suppressed: context.suppressed().collect(),
            errors: context.errors().collect(),
            rules: rules(context),
        }
    }
}

/// `$defs/header`: what the run was.
#[derive(Serialize)]
pub(super) struct Header<'a> {
    schema_version: &'static str,
    tool: Tool,
    generated_at: String,
    target: Cow<'a, str>,
    job: &'static str,
    thresholds: Thresholds,
}

impl<'a> Header<'a> {
    pub(super) fn new(context: &Context<'a>) -> Self {
        let report = context.report;
        Self {
            schema_version: SCHEMA_VERSION,
            tool: Tool { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") },
            generated_at: timestamp(report.now),
            target: context.redactor.text(&report.target),
            job: report.job.id(),
            thresholds: Thresholds::new(context),
        }
    }
}

#[derive(Serialize)]
struct Tool {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
pub(super) struct Thresholds {
    show: Confidence,
    fail: Confidence,
}

impl Thresholds {
    pub(super) fn new(context: &Context<'_>) -> Self {
        let super::Thresholds { show, fail } = context.report.thresholds;
        Self { show, fail }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use jsonschema::Validator;
    use serde_json::{Value, json};

    use super::*;
    use crate::report::{Format, RotationDetail, sample::sample};

    /// The schema, or the part of it that a pointer names.
    pub(in crate::report) fn schema(part: &str) -> Validator {
        let mut schema: Value =
            serde_json::from_str(include_str!("../../docs/report.schema.json")).expect("the schema is JSON");
        if !part.is_empty() {
            schema = json!({"$schema": schema["$schema"], "$ref": part, "$defs": schema["$defs"]});
        }
        jsonschema::options().should_validate_formats(true).build(&schema).expect("the schema is a schema")
    }

    pub(in crate::report) fn look(show_secrets: bool) -> Look {
        Look { rotation: RotationDetail::Full, width: 100, show_secrets }
    }

    pub(in crate::report) fn render(format: Format, report: &Report, look: &Look) -> String {
        let mut out = Vec::new();
        format.write(report, look, &mut out).expect("a vector takes everything");
        String::from_utf8(out).expect("every format is UTF-8")
    }

    /// The sample with one more trap: the secret also stands in a subject, a path, a note and a gap.
    pub(in crate::report) fn talkative() -> Report {
        let mut report = sample();
        let secret = String::from_utf8(report.findings[3].secret.reveal().to_vec()).expect("it is text");
        let mut history = report.findings[3].history.clone().expect("it is a history finding");
        let mut commit = (**history.introduced.as_ref().expect("it was introduced")).clone();
        commit.subject = format!("login with {secret}");
        history.introduced = Some(std::sync::Arc::new(commit));
        report.findings[3].history = Some(history);
        let named = crate::source::RelPath::new(format!("backup/{secret}.txt"));
        report.findings[5].place = crate::finding::Place::Staged { path: named };
        report.notes.push(format!("ignored: {secret}"));
        report.gaps[0].what = format!("keys/{secret}");
        report.gaps[0].message = format!("no such thing as {secret}");
        report.incidents[1].rotation[0].cli = Some(format!("cat backup/{secret}.txt"));
        report.suppressed[1].suppressed.as_mut().expect("it is suppressed").reason = format!("was {secret}");
        report
    }

    fn secrets(report: &Report) -> impl Iterator<Item = &[u8]> {
        report.findings.iter().chain(&report.suppressed).map(|finding| finding.secret.reveal())
    }

    fn document(report: &Report, show_secrets: bool) -> Value {
        serde_json::from_str(&render(Format::Json, report, &look(show_secrets))).expect("it is JSON")
    }

    #[test]
    fn the_document_keeps_to_its_schema() {
        let schema = schema("");
        for show_secrets in [false, true] {
            let document = document(&sample(), show_secrets);
            let errors: Vec<_> =
                schema.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect();
            assert!(errors.is_empty(), "{errors:#?}");
        }
    }

    #[test]
    fn the_schema_notices_what_is_wrong() {
        type Break = fn(&mut Value);
        let schema = schema("");
        let right = document(&sample(), false);
        let breaks: &[(&str, Break)] = &[
            ("a field is missing", |d| drop(d.as_object_mut().and_then(|d| d.remove("incomplete")))),
            ("a field nobody knows", |d| d["more"] = json!(1)),
            ("a finding with a field nobody knows", |d| d["findings"][0]["more"] = json!(1)),
            ("an incident with a field nobody knows", |d| d["incidents"][0]["more"] = json!(1)),
            ("a column of zero", |d| d["findings"][0]["location"]["start_column"] = json!(0)),
            ("a place of no kind", |d| d["findings"][0]["place"]["type"] = json!("elsewhere")),
            ("a place with another's field", |d| d["findings"][0]["place"]["tag"] = json!("0")),
            ("a word that is no severity", |d| d["findings"][0]["severity"] = json!("huge")),
            ("another version", |d| d["schema_version"] = json!("2")),
            ("an encoding without a value", |d| d["findings"][0]["secret"]["encoding"] = json!("base64")),
        ];
        for (what, break_it) in breaks {
            let mut wrong = right.clone();
            break_it(&mut wrong);
            assert!(!schema.is_valid(&wrong), "the schema accepts {what}");
        }
    }

    #[test]
    fn no_format_holds_a_byte_of_a_secret() {
        let report = talkative();
        for (_, format) in Format::ALL {
            let text = render(*format, &report, &look(false));
            assert!(text.len() > 1000, "{format:?} is empty");
            for secret in secrets(&report) {
                for line in secret.split(|byte| *byte == b'\n').filter(|line| !line.starts_with(b"-----")) {
                    assert!(memchr::memmem::find(text.as_bytes(), line).is_none(), "{format:?}");
                }
            }
        }
    }

    #[test]
    fn every_secret_is_there_when_the_user_asks_for_it() {
        let mut report = sample();
        let binary: &[u8] = b"\xff\xfe binary key \x00";
        report.findings[6].secret = crate::finding::Secret::new(binary);
        let document = document(&report, true);
        for (index, finding) in report.findings.iter().enumerate() {
            let shown = &document["findings"][index]["secret"];
            let value = shown["value"].as_str().expect("it is shown");
            if index == 6 {
                assert_eq!(shown["encoding"], "base64");
                assert_eq!(data_encoding::BASE64.decode(value.as_bytes()).expect("it is base64"), binary);
            } else {
                assert_eq!(value.as_bytes(), finding.secret.reveal());
            }
        }
    }

    #[test]
    fn a_path_that_is_not_utf8_keeps_its_bytes() {
        let place = &document(&sample(), false)["findings"][1]["place"];
        assert_eq!(place["path"], "backup/caf\u{fffd} key#1.pem");
        let bytes = place["path_bytes"].as_str().expect("the bytes are there");
        assert_eq!(data_encoding::BASE64.decode(bytes.as_bytes()).as_deref(), Ok(&b"backup/caf\xe9 key#1.pem"[..]));
    }

    #[test]
    fn two_runs_differ_in_their_timing_only() {
        let (mut one, mut other) = (sample(), sample());
        one.took = std::time::Duration::from_millis(1);
        other.took = std::time::Duration::from_secs(9);
        let (one, other) = (render(Format::Json, &one, &look(false)), render(Format::Json, &other, &look(false)));
        let different: Vec<_> = one.lines().zip(other.lines()).filter(|(a, b)| a != b).collect();
        assert_eq!(different, [("    \"seconds\": 0.001", "    \"seconds\": 9.0")]);
    }

    #[test]
    fn nothing_in_it_steers_a_terminal() {
        for (_, format) in Format::ALL {
            // Human output has colours of its own.
            if *format == Format::Human {
                continue;
            }
            let text = render(*format, &sample(), &look(false));
            // Its lines end as RFC 4180 says.
            let text = if *format == Format::Csv { text.replace("\r\n", "\n") } else { text };
            let steers = |c: &char| {
                !matches!(c, '\n' | '\u{fffd}') && crate::finding::neutralise(&c.to_string()) != c.to_string()
            };
            assert_eq!(text.chars().find(steers), None, "{format:?}");
        }
    }
}
