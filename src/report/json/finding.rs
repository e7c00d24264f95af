//! A finding as JSON tells it.

use std::borrow::Cow;

use data_encoding::BASE64;
use serde::Serialize;

use super::{Context, timestamp};
use crate::{
    finding::{ExcerptLine, Fact, Finding, History, Location, Part, Place, SuppressedBy, Suppression},
    rules::{Confidence, Severity},
    source::{CommitInfo, RelPath},
};

/// `$defs/finding` of `docs/report.schema.json`.
#[derive(Serialize)]
pub(in crate::report) struct FindingObject<'a> {
    index: usize,
    /// Absent for suppressed findings: they belong to no incident.
    incident: Option<usize>,
    rule: &'a str,
    severity: Severity,
    confidence: Confidence,
    fingerprint: Option<&'a str>,
    secret: SecretObject<'a>,
    place: PlaceObject<'a>,
    location: Option<LocationObject>,
    excerpt: Option<Vec<LineObject<'a>>>,
    facts: Vec<FactObject<'a>>,
    parts: Vec<PartObject<'a>>,
    remarks: Vec<String>,
    history: Option<HistoryObject<'a>>,
    new: Option<bool>,
    suppressed: Option<SuppressionObject<'a>>,
}

impl<'a> FindingObject<'a> {
    /// A shown finding.
    pub(in crate::report) fn shown(context: &Context<'a>, index: usize, finding: &'a Finding) -> Self {
        let incident = context.report.incidents.get(finding.incident).map(|incident| incident.number);
        Self { incident, ..Self::suppressed(context, index, finding) }
    }

    /// A finding that somebody said to be quiet about.
    pub(in crate::report) fn suppressed(context: &Context<'a>, index: usize, finding: &'a Finding) -> Self {
        let text = &context.redactor;
        let fact = |fact: &'a Fact| FactObject { name: &fact.name, value: text.text(&fact.value) };
        let part = |part: &'a Part| PartObject {
            rule: &part.rule,
            text: text.text(&part.text),
            location: part.location.as_ref().map(LocationObject::new),
        };
        Self {
            index,
            incident: None,
            rule: &finding.rule,
            severity: finding.severity,
            confidence: finding.confidence,
            fingerprint: finding.fingerprint.as_ref().map(|fingerprint| fingerprint.as_str()),
            secret: SecretObject::new(context, finding),
            place: PlaceObject::new(context, &finding.place),
            location: finding.location.as_ref().map(LocationObject::new),
            excerpt: finding.excerpt.as_ref().map(|excerpt| excerpt.lines.iter().map(LineObject::new).collect()),
            facts: finding.facts.iter().map(fact).collect(),
            parts: finding.parts.iter().map(part).collect(),
            remarks: finding.remarks.iter().map(|remark| text.display(remark)).collect(),
            history: finding.history.as_ref().map(|history| HistoryObject::new(context, history)),
            new: finding.new,
            suppressed: finding.suppressed.as_ref().map(|by| SuppressionObject::new(context, by, &finding.place)),
        }
    }
}

/// `$defs/secret`. Its value is there only with `--show-secrets`.
#[derive(Serialize)]
struct SecretObject<'a> {
    masked: String,
    length: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<&'static str>,
}

impl<'a> SecretObject<'a> {
    fn new(context: &Context<'a>, finding: &'a Finding) -> Self {
        let (value, encoding) = if context.look.show_secrets {
            match std::str::from_utf8(finding.secret.reveal()) {
                Ok(text) => (Some(Cow::Borrowed(text)), None),
                Err(_) => (Some(Cow::Owned(BASE64.encode(finding.secret.reveal()))), Some("base64")),
            }
        } else {
            (None, None)
        };
        Self { masked: finding.secret.masked(), length: finding.secret.len(), value, encoding }
    }
}

/// `$defs/place`.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
enum PlaceObject<'a> {
    File {
        #[serde(flatten)]
        path: PathObject<'a>,
        local: bool,
    },
    Stdin {
        #[serde(flatten)]
        path: PathObject<'a>,
    },
    Staged {
        #[serde(flatten)]
        path: PathObject<'a>,
    },
    History {
        #[serde(flatten)]
        path: PathObject<'a>,
        blob: String,
    },
    Unplaced {
        blob: String,
    },
    CommitMessage {
        commit: String,
    },
    TagMessage {
        tag: String,
    },
}

impl<'a> PlaceObject<'a> {
    fn new(context: &Context<'a>, place: &'a Place) -> Self {
        let named = |path: &'a RelPath| PathObject::new(context, path);
        match place {
            Place::File { path, local } => Self::File { path: named(path), local: *local },
            Place::Stdin { name } => Self::Stdin { path: named(name) },
            Place::Staged { path } => Self::Staged { path: named(path) },
            Place::History { path, blob } => Self::History { path: named(path), blob: blob.to_string() },
            Place::Unplaced { blob } => Self::Unplaced { blob: blob.to_string() },
            Place::CommitMessage { commit } => Self::CommitMessage { commit: commit.to_string() },
            Place::TagMessage { tag } => Self::TagMessage { tag: tag.to_string() },
        }
    }
}

/// A path as text, and its bytes where the text cannot say them.
#[derive(Serialize)]
struct PathObject<'a> {
    path: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_bytes: Option<String>,
}

impl<'a> PathObject<'a> {
    fn new(context: &Context<'a>, path: &'a RelPath) -> Self {
        match context.redactor.path(path) {
            Cow::Borrowed(bytes) => {
                let text = String::from_utf8_lossy(bytes);
                let path_bytes = matches!(text, Cow::Owned(_)).then(|| BASE64.encode(bytes));
                Self { path: text, path_bytes }
            }
            Cow::Owned(bytes) => {
                let path_bytes = std::str::from_utf8(&bytes).is_err().then(|| BASE64.encode(&bytes));
                Self { path: String::from_utf8_lossy(&bytes).into_owned().into(), path_bytes }
            }
        }
    }
}

/// `$defs/location`.
#[derive(Serialize)]
struct LocationObject {
    start_line: usize,
    start_column: usize,
    end_line: usize,
    end_column: usize,
    start_byte: u64,
    end_byte: u64,
}

impl LocationObject {
    fn new(location: &Location) -> Self {
        let Location { start_line, start_column, end_line, end_column, start_byte, end_byte } = *location;
        Self { start_line, start_column, end_line, end_column, start_byte, end_byte }
    }
}

/// `$defs/excerptLine`: masked and neutralised where it was made.
#[derive(Serialize)]
struct LineObject<'a> {
    number: usize,
    text: &'a str,
    marked: Option<[usize; 2]>,
}

impl<'a> LineObject<'a> {
    fn new(line: &'a ExcerptLine) -> Self {
        let marked = line.marked.as_ref().map(|range| [range.start, range.end]);
        Self { number: line.number, text: &line.text, marked }
    }
}

#[derive(Serialize)]
struct FactObject<'a> {
    name: &'a str,
    value: Cow<'a, str>,
}

#[derive(Serialize)]
struct PartObject<'a> {
    rule: &'a str,
    text: Cow<'a, str>,
    location: Option<LocationObject>,
}

/// `$defs/history`.
#[derive(Serialize)]
struct HistoryObject<'a> {
    introduced: Option<CommitObject<'a>>,
    added_here: Option<CommitObject<'a>>,
    removed: Option<CommitObject<'a>>,
    live_on: Vec<Cow<'a, str>>,
    live_on_more: usize,
    in_history_of: Vec<Cow<'a, str>>,
    in_history_of_more: usize,
    at_head: bool,
    reachable: bool,
    versions: usize,
}

impl<'a> HistoryObject<'a> {
    fn new(context: &Context<'a>, history: &'a History) -> Self {
        let commit = |info: &'a Option<_>| info.as_deref().map(|info| CommitObject::new(context, info));
        let refs = |names: &'a Vec<String>| names.iter().map(|name| context.redactor.text(name)).collect();
        Self {
            introduced: commit(&history.introduced),
            added_here: commit(&history.added_here),
            removed: commit(&history.removed),
            live_on: refs(&history.live_on),
            live_on_more: history.live_on_more,
            in_history_of: refs(&history.in_history_of),
            in_history_of_more: history.in_history_of_more,
            at_head: history.at_head,
            reachable: history.reachable,
            versions: history.versions,
        }
    }
}

/// `$defs/commit`.
#[derive(Serialize)]
pub(super) struct CommitObject<'a> {
    id: String,
    author: Cow<'a, str>,
    email: Cow<'a, str>,
    date: String,
    subject: Cow<'a, str>,
}

impl<'a> CommitObject<'a> {
    pub(super) fn new(context: &Context<'a>, commit: &'a CommitInfo) -> Self {
        Self {
            id: commit.id.to_string(),
            author: context.redactor.text(&commit.author_name),
            email: context.redactor.text(&commit.author_email),
            date: timestamp(commit.author_time),
            subject: context.redactor.text(&commit.subject),
        }
    }
}

/// `$defs/suppression`.
#[derive(Serialize)]
struct SuppressionObject<'a> {
    by: String,
    origin: String,
    reason: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<Cow<'a, str>>,
}

impl<'a> SuppressionObject<'a> {
    fn new(context: &Context<'a>, suppression: &'a Suppression, place: &Place) -> Self {
        let origin = match &suppression.by {
            SuppressedBy::IgnoreFile { file, line, .. } => format!("{file}:{line}"),
            by => by.file().map_or_else(|| place.describe(), str::to_owned),
        };
        let owner = match &suppression.by {
            SuppressedBy::IgnoreFile { owner, .. } => Some(context.redactor.text(owner)),
            _ => None,
        };
        Self {
            by: suppression.by.id(),
            origin: context.redactor.line(&origin),
            reason: context.redactor.text(&suppression.reason),
            owner,
        }
    }
}
