//! A finding as a SARIF result, §3.27.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_sarif::sarif::{Message, Result, ResultLevel};

use super::{place, properties};
use crate::{
    finding::{Finding, Incident, neutralise},
    report::{
        json::{Context, timestamp},
        keys::Keys,
    },
    rules::{Confidence, Severity, Step},
};

/// GitHub shows a hundred locations of a result (and takes a thousand).
const MOST_RELATED: usize = 100;

/// Related locations that one incident may have in all, so that a secret in ten thousand files does
/// not name each of them ten thousand times.
const MOST_RELATED_OF_INCIDENT: usize = 5_000;

/// The results of each incident.
pub(super) struct Siblings<'a>(BTreeMap<usize, Vec<&'a Finding>>);

impl<'a> Siblings<'a> {
    pub(super) fn new(shown: &[&'a Finding]) -> Self {
        let mut by_incident: BTreeMap<usize, Vec<&Finding>> = BTreeMap::new();
        for finding in shown {
            by_incident.entry(finding.incident).or_default().push(finding);
        }
        Self(by_incident)
    }

    /// The other places of the same secret, as many as may be told.
    fn of(&self, finding: &Finding) -> impl Iterator<Item = &'a Finding> {
        let all = self.0.get(&finding.incident).map(Vec::as_slice).unwrap_or_default();
        let most = (MOST_RELATED_OF_INCIDENT / all.len().max(1)).clamp(1, MOST_RELATED);
        all.iter().copied().filter(move |other| !std::ptr::eq(*other, finding)).take(most)
    }
}

pub(super) fn result(
    context: &Context<'_>,
    finding: &Finding,
    rule_index: i64,
    siblings: &Siblings<'_>,
    keys: &mut Keys,
) -> Result {
    let incident = context.report.incidents.get(finding.incident);
    let mut result = Result::builder()
        .rule_id(&*finding.rule)
        .rule_index(rule_index)
        .level(level(finding.severity, finding.confidence))
        .message(Message::from(&message(context, finding, incident)))
        .locations(vec![place::location(context, finding)])
        .properties(properties(&ResultProperties::new(context, finding, incident)))
        .build();

    // §3.27.17. GitHub knows an alert again by the first alone; for a file that is not at HEAD
    // nobody else can work it out, nor for one without lines.
    let key = keys.next(finding);
    let line_hash = finding.line_hash.clone().unwrap_or_else(|| format!("{}:1", &key.to_hex()[..16]));
    let mut prints = BTreeMap::from([("primaryLocationLineHash".to_owned(), line_hash)]);
    prints.extend(finding.fingerprint.as_ref().map(|print| ("keysweep/v1".to_owned(), print.to_string())));
    result.partial_fingerprints = Some(prints);

    let related: Vec<_> = siblings.of(finding).zip(1..).map(|(other, id)| place::related(context, other, id)).collect();
    result.related_locations = Some(related).filter(|related| !related.is_empty());
    result
}

/// §3.27.10. What is doubtful never stands among the errors.
fn level(severity: Severity, confidence: Confidence) -> ResultLevel {
    match severity {
        Severity::Critical | Severity::High if confidence > Confidence::Low => ResultLevel::Error,
        Severity::Critical | Severity::High | Severity::Medium => ResultLevel::Warning,
        Severity::Low => ResultLevel::Note,
    }
}

/// What was found, where it comes from, and the first thing to do. GitHub shows the first sentence
/// where there is little room.
fn message(context: &Context<'_>, finding: &Finding, incident: Option<&Incident>) -> String {
    let say = |text: &str| harmless(&context.redactor.line(text));
    let title = context.report.rules.get(&finding.rule).map_or(&*finding.rule, |rule| &rule.text().title);
    let masked = say(&finding.secret.masked());
    let mut sentences = vec![format!("Found: {} ({masked}), {} confidence.", say(title), finding.confidence)];
    sentences.extend(origin(finding, &say));
    sentences.extend(finding.remarks.iter().map(|remark| sentence(&say(remark)) + "."));
    if let Some(step) = incident.and_then(|incident| incident.rotation.first()) {
        sentences.push(format!("First step: {}", first_step(step, &say)));
    }
    sentences.join(" ")
}

/// Since when it is there and whether it still is.
fn origin(finding: &Finding, say: &dyn Fn(&str) -> String) -> Option<String> {
    let Some(history) = &finding.history else {
        return (finding.new == Some(true)).then(|| "This change brings it in.".to_owned());
    };
    let Some(commit) = &history.introduced else {
        return history.at_head.then(|| "It stands at HEAD.".to_owned());
    };
    let time = timestamp(commit.author_time);
    let (day, _) = time.split_once('T').unwrap_or((&time, ""));
    let since = match (history.at_head, history.reachable) {
        (true, _) => " and still at HEAD",
        (false, true) => "; not at HEAD any more, but still in the history",
        (false, false) => "; no ref reaches it any more, but the object is still there",
    };
    Some(format!("Introduced by {} on {day} in commit {:.12}{since}.", say(&commit.author_name), commit.id))
}

/// One step in a line of text.
fn first_step(step: &Step, say: &dyn Fn(&str) -> String) -> String {
    let ways = [("run", &step.cli), ("send", &step.api), ("console", &step.console), ("see", &step.source)];
    let ways = ways.into_iter().filter_map(|(how, what)| Some(format!(" ({how}: {})", say(what.as_deref()?.trim()))));
    sentence(&say(&step.action)) + "." + &ways.collect::<String>()
}

/// With a capital and without a full stop.
fn sentence(text: &str) -> String {
    let text = text.trim_end().trim_end_matches('.');
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// §3.11.6 makes `[words](1)` a link, and a file's name or an author must not become one.
fn harmless(text: &str) -> String {
    neutralise(text).replace("](", "] (")
}

/// What SARIF has no word for, §3.8.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResultProperties<'a> {
    severity: Severity,
    confidence: Confidence,
    incident: Option<usize>,
    masked: String,
    place: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    introduced_commit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    removed_commit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at_head: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    versions: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new: Option<bool>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    facts: BTreeMap<&'a str, String>,
    /// Only with `--show-secrets`, and never in a message: those are shown to everyone.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

impl<'a> ResultProperties<'a> {
    fn new(context: &Context<'a>, finding: &'a Finding, incident: Option<&Incident>) -> Self {
        let history = finding.history.as_ref();
        let show = context.look.show_secrets;
        Self {
            severity: finding.severity,
            confidence: finding.confidence,
            incident: incident.map(|incident| incident.number),
            masked: finding.secret.masked(),
            place: context.redactor.line(&finding.place.describe()),
            introduced_commit: history.and_then(|history| history.introduced.as_ref()).map(|info| info.id.to_string()),
            removed_commit: history.and_then(|history| history.removed.as_ref()).map(|info| info.id.to_string()),
            at_head: history.map(|history| history.at_head),
            versions: history.map(|history| history.versions),
            new: finding.new,
            facts: finding.facts.iter().map(|fact| (&*fact.name, context.redactor.line(&fact.value))).collect(),
            secret: show.then(|| String::from_utf8_lossy(finding.secret.reveal()).into_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubt_is_never_an_error() {
        assert_eq!(level(Severity::Critical, Confidence::Low), ResultLevel::Warning);
        assert_eq!(level(Severity::High, Confidence::Medium), ResultLevel::Error);
        assert_eq!(level(Severity::Medium, Confidence::Certain), ResultLevel::Warning);
        assert_eq!(level(Severity::Low, Confidence::Certain), ResultLevel::Note);
    }

    #[test]
    fn no_name_becomes_a_link() {
        assert_eq!(harmless("[log in](https://evil.example)"), "[log in] (https://evil.example)");
    }
}
