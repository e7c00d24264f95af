//! What a run found and how much it read; and the formats that tell it.
//!
//! A renderer sees a [`Report`] and [`Look`], nothing else. A new format is one file and one line
//! in [`Format`].

mod brief;
mod csv;
mod github;
mod gitlab;
mod gitleaks;
mod human;
mod json;
mod jsonl;
mod junit;
mod keys;
mod markdown;
#[cfg(test)]
mod sample;
mod sarif;
mod say;

use std::{cmp::Reverse, collections::BTreeMap, io, sync::Arc, time::Duration};

use crate::{
    finding::{Finding, Incident},
    rules::{Confidence, Rule, RuleId},
    source::{ExclusionReason, Gap},
};

/// Everything a renderer needs.
#[derive(Debug)]
pub struct Report {
    /// What was scanned, as the user typed it.
    pub target: String,
    /// What was done.
    pub job: Job,
    /// Ages are relative to this moment: seconds since 1970, `--now` or SOURCE_DATE_EPOCH.
    pub now: i64,
    /// Shown findings, grouped by incident, most urgent first.
    pub findings: Vec<Finding>,
    /// One for each secret, most urgent first.
    pub incidents: Vec<Incident>,
    /// Findings that somebody said to be quiet about.
    pub suppressed: Vec<Finding>,
    /// Findings below `--min-confidence`: only how many.
    pub below_threshold: usize,
    /// Candidates that judges dismissed, by the stable name of the reason.
    pub dismissed: BTreeMap<&'static str, usize>,
    /// The rules that findings and suppressed findings name.
    pub rules: BTreeMap<RuleId, Arc<Rule>>,
    /// What could not be read. A report with gaps is never a clean one.
    pub gaps: Vec<Gap>,
    /// What was read.
    pub coverage: Coverage,
    /// Worth a line, such as an ignored `.env`.
    pub notes: Vec<String>,
    /// The thresholds that were in force.
    pub thresholds: Thresholds,
    /// How many findings are at or over the threshold that fails the run.
    pub failing: usize,
    /// What was allowed, by whom, and what of that needs a look.
    pub policy: PolicyUse,
    /// How long it took.
    pub took: Duration,
}

impl Report {
    /// Whether something inside the requested scope could not be read.
    pub fn is_incomplete(&self) -> bool {
        !self.gaps.is_empty()
    }

    /// The findings, what fails the run first, then the most severe, then the surest; among equals in the
    /// report's own order. What takes only so many keeps the first of these.
    fn riskiest(&self) -> Vec<&Finding> {
        let mut all: Vec<&Finding> = self.findings.iter().collect();
        all.sort_by_key(|finding| Reverse((self.thresholds.fails(finding), finding.severity, finding.confidence)));
        all
    }
}

/// What was allowed, by whom, and what of that needs a look.
#[derive(Debug, Clone, Default)]
pub struct PolicyUse {
    /// The files of allowances that were trusted, as messages call them, such as `main:.keysweep.toml`.
    pub read_from: Vec<String>,
    /// Whether comments in what was scanned counted.
    pub inline: bool,
    /// Whether what the change adds, and a lost canary, fail the run (`--policy strict`).
    pub strict: bool,
    /// Suppressions that the examined change itself adds.
    pub added: Vec<Added>,
    /// Entries that no longer do anything, or cannot be understood.
    pub stale: Vec<Stale>,
}

impl PolicyUse {
    /// Whether the policy itself fails the run.
    pub fn fails(&self, coverage: &Coverage) -> bool {
        self.strict && (!self.added.is_empty() || !coverage.canaries_lost.is_empty())
    }
}

/// A suppression that a change adds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Added {
    /// The file.
    pub path: crate::source::RelPath,
    /// Its line, from 1, where that is known.
    pub line: Option<usize>,
    /// What it is, such as "allow comment".
    pub what: &'static str,
    /// The reason it gives, or the line itself.
    pub text: String,
}

/// An entry that does nothing, or not what its writer meant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stale {
    /// Why.
    pub kind: StaleKind,
    /// The file.
    pub file: String,
    /// Its line, from 1.
    pub line: usize,
    /// The place that the entry names, or what is wrong with the line.
    pub text: String,
}

/// Why an entry does nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StaleKind {
    /// Nothing in its place fits it any more.
    Unused,
    /// Its last day has passed.
    Expired,
    /// Another entry says the same.
    Duplicate,
    /// The line is no entry.
    Malformed,
}

impl StaleKind {
    /// The stable name in JSON.
    pub fn id(self) -> &'static str {
        match self {
            Self::Unused => "unused",
            Self::Expired => "expired",
            Self::Duplicate => "duplicate",
            Self::Malformed => "malformed",
        }
    }
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Job {
    /// `keysweep scan`.
    Files,
    /// `keysweep git`: everything in the object database.
    History,
    /// `keysweep git --ref`.
    Refs,
    /// `keysweep git --range` or `--since`.
    Range,
    /// `keysweep git --staged`.
    Staged,
    /// `keysweep hook run pre-push`: on the side that pushes.
    Push,
    /// `keysweep hook run pre-receive`: on the side that is pushed to.
    Receive,
}

impl Job {
    /// The stable name in JSON.
    pub fn id(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::History => "history",
            Self::Refs => "refs",
            Self::Range => "range",
            Self::Staged => "staged",
            Self::Push => "push",
            Self::Receive => "receive",
        }
    }
}

/// What is shown and what fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// Least confidence that is shown.
    pub show: Confidence,
    /// Least confidence that fails the run.
    pub fail: Confidence,
}

impl Thresholds {
    /// Whether a finding fails the run. A message cannot be mended by another commit, so there only what is
    /// certain does.
    pub fn fails(&self, finding: &Finding) -> bool {
        finding.confidence >= if finding.place.is_message() { Confidence::Certain } else { self.fail }
    }
}

/// How much was read: the coverage receipt.
#[derive(Debug, Clone, Default)]
pub struct Coverage {
    /// Files read from disk.
    pub files: usize,
    /// Different blobs read from an object database or index.
    pub blobs: usize,
    /// Commits whose message was read.
    pub commits: usize,
    /// Annotated tags whose message was read.
    pub tags: usize,
    /// Refs that were there.
    pub refs: usize,
    /// Bytes of content scanned (after UTF-16 became UTF-8).
    pub bytes: u64,
    /// Of these blobs and files: binary, so only distinctive rules were tried.
    pub binary: usize,
    /// Of these blobs and files: UTF-16.
    pub utf16: usize,
    /// What policy left out, by reason.
    pub excluded: BTreeMap<ExclusionReason, usize>,
    /// Rules that were active.
    pub rules: usize,
    /// Of what one made-up secret each went through the same pipeline.
    pub canary_scope: CanaryScope,
    /// Canaries seen.
    pub canaries_seen: usize,
    /// Canaries sent.
    pub canaries_sent: usize,
    /// Rules whose canary was not seen, and why.
    pub canaries_lost: Vec<(RuleId, String)>,
    /// Folders outside the root that were read: a linked worktree's common directory, alternates.
    pub outside: Vec<String>,
}

/// Of what one made-up secret each goes through a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CanaryScope {
    /// Every active rule.
    #[default]
    Rules,
    /// Each class of rules (how they find, what decides whether they are believed), and each rule that the
    /// configuration allows or brings.
    Classes,
}

impl CanaryScope {
    /// The stable name in JSON.
    pub fn id(self) -> &'static str {
        match self {
            Self::Rules => "rule",
            Self::Classes => "class",
        }
    }
}

/// How a format is to look; none of it changes what is said.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// How much of the runbooks the human format prints.
    pub rotation: RotationDetail,
    /// Columns of the terminal.
    pub width: usize,
    /// Whether full secrets are printed (`--show-secrets`).
    pub show_secrets: bool,
}

/// How much of the runbooks is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RotationDetail {
    /// Every step with its commands and sources.
    Full,
    /// Every step in one line.
    Short,
    /// Only how to see them.
    None,
}

/// The formats, one line each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// For people, with colour where the writer passes it on.
    Human,
    /// One document, `docs/report.schema.json`.
    Json,
    /// One object a line.
    Jsonl,
    /// SARIF 2.1.0 as GitHub reads it.
    Sarif,
    /// About ten lines for a hook: what, where, how to fix it, how to allow it.
    Brief,
    /// Workflow commands: annotations of a GitHub Actions step.
    Github,
    /// GitLab's secret detection report, 15.1.4.
    Gitlab,
    /// JUnit XML, a test case for each finding.
    Junit,
    /// RFC 4180, one row a finding, safe to open in a spreadsheet.
    Csv,
    /// A comment for a pull or merge request.
    Markdown,
    /// The array that gitleaks writes, for tools that import it.
    Gitleaks,
}

impl Format {
    /// Every format and its name on the command line.
    pub const ALL: &[(&str, Self)] = &[
        ("human", Self::Human),
        ("json", Self::Json),
        ("jsonl", Self::Jsonl),
        ("sarif", Self::Sarif),
        ("brief", Self::Brief),
        ("github", Self::Github),
        ("gitlab", Self::Gitlab),
        ("junit", Self::Junit),
        ("csv", Self::Csv),
        ("markdown", Self::Markdown),
        ("gitleaks", Self::Gitleaks),
    ];

    /// Writes the report.
    ///
    /// # Errors
    /// Whatever the writer says.
    pub fn write(self, report: &Report, look: &Look, out: &mut dyn io::Write) -> io::Result<()> {
        match self {
            Self::Human => human::write(report, look, out),
            Self::Json => json::write(report, look, out),
            Self::Jsonl => jsonl::write(report, look, out),
            Self::Sarif => sarif::write(report, look, out),
            Self::Brief => brief::write(report, look, out),
            Self::Github => github::write(report, look, out),
            Self::Gitlab => gitlab::write(report, look, out),
            Self::Junit => junit::write(report, look, out),
            Self::Csv => csv::write(report, look, out),
            Self::Markdown => markdown::write(report, look, out),
            Self::Gitleaks => gitleaks::write(report, look, out),
        }
    }
}
