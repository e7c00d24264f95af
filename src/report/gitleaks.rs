//! The JSON array that gitleaks writes, for tools that import it.
//!
//! Its fields are named and typed as importers expect them; `Secret` and `Match` are masked unless
//! `--show-secrets` was given. The array has no place for gaps: the exit code tells of them.

use std::io::{self, BufWriter, Write as _};

use serde::Serialize;

use super::{
    Look, Report,
    json::{Context, Escaped, timestamp},
    say,
};
use crate::finding::{Finding, shannon};

pub(super) fn write(report: &Report, look: &Look, out: &mut dyn io::Write) -> io::Result<()> {
    let context = Context::new(report, look);
    let mut out = Escaped(BufWriter::new(out));
    let all: Vec<Leak<'_>> = report.findings.iter().map(|finding| Leak::new(&context, finding)).collect();
    serde_json::to_writer_pretty(&mut out, &all)?;
    out.write_all(b"\n")?;
    out.flush()
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Leak<'a> {
    #[serde(rename = "RuleID")]
    rule_id: &'a str,
    description: String,
    start_line: usize,
    end_line: usize,
    start_column: usize,
    end_column: usize,
    r#match: String,
    secret: String,
    file: String,
    symlink_file: &'static str,
    commit: String,
    entropy: f64,
    author: String,
    email: String,
    date: String,
    message: String,
    tags: Vec<&'a str>,
    fingerprint: String,
}

impl<'a> Leak<'a> {
    fn new(context: &Context<'a>, finding: &'a Finding) -> Self {
        let rule = context.report.rules.get(&finding.rule);
        let line = |text: &str| context.redactor.line(text);
        let at = finding.location;
        let info = say::commit(finding);
        let commit = match &finding.place {
            crate::finding::Place::CommitMessage { commit } => commit.to_string(),
            _ => info.map_or_else(String::new, |info| info.id.to_string()),
        };
        let file = finding.place.path().map_or_else(String::new, |path| say::path_text(context, path));
        let start_line = at.map_or(0, |at| at.start_line);
        let secret = match context.look.show_secrets {
            true => String::from_utf8_lossy(finding.secret.reveal()).into_owned(),
            false => line(&finding.secret.masked()),
        };
        let marked =
            finding.excerpt.as_ref().and_then(|excerpt| excerpt.lines.iter().find(|line| line.marked.is_some()));
        let shown = if context.look.show_secrets { None } else { marked.map(|marked| line(marked.text.trim())) };
        let place = format!("{file}:{}:{start_line}", finding.rule);
        Self {
            rule_id: &finding.rule,
            description: line(say::title(context.report, finding)),
            start_line,
            end_line: at.map_or(0, |at| at.end_line),
            start_column: at.map_or(0, |at| at.start_column),
            // Theirs names the last character, ours the one behind it.
            end_column: at.map_or(0, |at| at.end_column.saturating_sub(1)),
            r#match: shown.unwrap_or_else(|| secret.clone()),
            secret,
            symlink_file: "",
            entropy: (shannon(finding.secret.reveal()) * 1e4).round() / 1e4,
            author: info.map_or_else(String::new, |info| line(&info.author_name)),
            email: info.map_or_else(String::new, |info| line(&info.author_email)),
            date: info.map_or_else(String::new, |info| timestamp(info.author_time)),
            message: info.map_or_else(String::new, |info| line(&info.subject)),
            tags: rule.map_or_else(Vec::new, |rule| vec![rule.kind.word(), &rule.text().provider.id]),
            fingerprint: if commit.is_empty() { place } else { format!("{commit}:{place}") },
            file,
            commit,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::report::{
        Format,
        json::tests::{look, render},
        sample::sample,
    };

    #[test]
    fn it_has_the_fields_that_importers_read() {
        let report = sample();
        let all: Vec<Value> =
            serde_json::from_str(&render(Format::Gitleaks, &report, &look(false))).expect("it is an array");
        assert_eq!(all.len(), report.findings.len());
        const FIELDS: [&str; 18] = [
            "RuleID",
            "Description",
            "StartLine",
            "EndLine",
            "StartColumn",
            "EndColumn",
            "Match",
            "Secret",
            "File",
            "SymlinkFile",
            "Commit",
            "Entropy",
            "Author",
            "Email",
            "Date",
            "Message",
            "Tags",
            "Fingerprint",
        ];
        for one in &all {
            let mut names: Vec<_> = one.as_object().expect("an object").keys().map(String::as_str).collect();
            let mut fields = FIELDS.to_vec();
            names.sort_unstable();
            fields.sort_unstable();
            assert_eq!(names, fields);
        }
        let token = &all[3];
        assert_eq!(token["File"], "app/settings.py");
        assert_eq!((&token["StartLine"], &token["StartColumn"]), (&3.into(), &15.into()));
        assert_eq!(token["Fingerprint"], format!("{}:app/settings.py:acme-deploy-token:3", "04".repeat(20)));
        assert_eq!(token["Secret"].as_str(), Some(report.findings[3].secret.masked().as_str()));
        assert_eq!(token["Match"], "ACME_TOKEN = \"acme_********iSE\"  # für CI");
        let open: Vec<Value> =
            serde_json::from_str(&render(Format::Gitleaks, &report, &look(true))).expect("it is an array");
        assert_eq!(open[3]["Secret"].as_str().map(str::as_bytes), Some(report.findings[3].secret.reveal()));
    }

    #[test]
    fn without_findings_it_is_an_empty_array() {
        let mut report = sample();
        report.findings.clear();
        assert_eq!(render(Format::Gitleaks, &report, &look(false)), "[]\n");
    }
}
