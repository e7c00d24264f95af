//! What cannot be a result: gaps, findings without a file, what was left out. §3.20.21.

use std::collections::BTreeMap;

use serde_sarif::sarif::{
    Message, MultiformatMessageString, Notification, NotificationLevel, ReportingDescriptor,
    ReportingDescriptorReference,
};

use crate::{
    finding::Place,
    report::json::Context,
    source::{Gap, GapKind},
};

/// More of one kind are only counted.
const MOST_OF_A_KIND: usize = 500;

/// Gathers notifications, and a descriptor for each kind that occurs.
pub(super) struct Notices<'a> {
    context: &'a Context<'a>,
    kinds: BTreeMap<&'static str, Kind>,
    list: Vec<Notification>,
    pathless: Vec<String>,
}

struct Kind {
    about: &'static str,
    count: usize,
}

impl<'a> Notices<'a> {
    /// Starts with what the report already says: gaps, suppressions, canaries, notes.
    pub(super) fn new(context: &'a Context<'a>) -> Self {
        let report = context.report;
        let mut notices = Self { context, kinds: BTreeMap::new(), list: Vec::new(), pathless: Vec::new() };
        for gap in &report.gaps {
            notices.gap(gap);
        }
        for (rule, reason) in &report.coverage.canaries_lost {
            notices.put(
                "canary-lost",
                "A rule did not see its own made-up secret.",
                NotificationLevel::Warning,
                &format!("The rule {rule} did not see its own made-up secret: {reason}"),
            );
        }
        if !report.suppressed.is_empty() {
            notices.put(
                "suppressed",
                "Findings that somebody said to be quiet about.",
                NotificationLevel::Note,
                // GitHub opens alerts for suppressed results, so they are only counted.
                &format!("{} suppressed; the JSON report lists them.", findings(report.suppressed.len())),
            );
        }
        for added in &report.policy.added {
            let line = added.line.map_or_else(String::new, |line| format!(":{line}"));
            let text = format!("{}{line}: {}: {}", added.path, added.what, added.text);
            notices.put("suppression-added", "The change adds a suppression.", NotificationLevel::Warning, &text);
        }
        for stale in &report.policy.stale {
            let text = format!("{}:{}: {}: {}", stale.file, stale.line, stale.kind.id(), stale.text);
            notices.put("stale-entry", "An entry does nothing.", NotificationLevel::Note, &text);
        }
        for note in &report.notes {
            notices.put("note", "Worth a line.", NotificationLevel::Note, note);
        }
        notices
    }

    /// A finding that GitHub would reject.
    pub(super) fn pathless(&mut self, place: &Place) {
        self.pathless.push(place.describe());
    }

    /// Too many results for this limit.
    pub(super) fn cut(&mut self, found: usize, kept: usize, why: &str) {
        let text = format!(
            "{} found; only the {kept} riskiest are results here, for GitHub limits the {why}. The other formats have them all.",
            findings(found)
        );
        self.put("result-limit", "There were more results than GitHub takes.", NotificationLevel::Warning, &text);
    }

    /// More results than GitHub shows.
    pub(super) fn hidden(&mut self, results: usize, shown: usize) {
        let text = format!("There are {results} results; GitHub shows the {shown} most severe.");
        self.put("result-display", "There are more results than GitHub shows.", NotificationLevel::Note, &text);
    }

    /// The descriptors, sorted, and the notifications.
    pub(super) fn finish(mut self) -> (Vec<ReportingDescriptor>, Vec<Notification>) {
        if !self.pathless.is_empty() {
            let places = std::mem::take(&mut self.pathless);
            let mut shown = places.iter().take(20).cloned().collect::<Vec<_>>().join(", ");
            if places.len() > 20 {
                shown += ", …";
            }
            let text = format!(
                "{} in no file of a commit, so no result here: {shown}. The JSON report has them.",
                findings(places.len())
            );
            self.put("no-file", "Findings that stand in no file of a commit.", NotificationLevel::Warning, &text);
        }
        let more: Vec<_> =
            self.kinds.iter().map(|(id, kind)| (*id, kind.count.saturating_sub(MOST_OF_A_KIND))).collect();
        for (id, count) in more.into_iter().filter(|(_, count)| *count > 0) {
            self.list.push(notification(id, NotificationLevel::Warning, &format!("… and {count} more of this kind.")));
        }
        let descriptor = |(id, kind): (&&str, &Kind)| {
            let about = MultiformatMessageString::from(&kind.about.to_owned());
            ReportingDescriptor::builder().id(*id).short_description(about).build()
        };
        (self.kinds.iter().map(|(id, kind)| descriptor((id, kind))).collect(), self.list)
    }

    fn gap(&mut self, gap: &Gap) {
        let (level, about) = match gap.kind {
            GapKind::Unreadable => (NotificationLevel::Error, "Something could not be opened or read."),
            GapKind::Missing => (NotificationLevel::Error, "An object that git names is not there."),
            GapKind::Corrupt => (NotificationLevel::Error, "An object or file is damaged."),
            GapKind::Internal => (NotificationLevel::Error, "The scanner itself failed."),
            GapKind::Limit => (NotificationLevel::Warning, "A size or depth limit was hit."),
            GapKind::PartialHistory => (NotificationLevel::Warning, "The repository holds only a part of its history."),
            GapKind::Blind => (NotificationLevel::Error, "Made-up secrets went unseen."),
            GapKind::Interrupted => (NotificationLevel::Warning, "The run was interrupted."),
        };
        self.put(gap.kind.id(), about, level, &format!("{}: {}", gap.what, gap.message));
    }

    fn put(&mut self, id: &'static str, about: &'static str, level: NotificationLevel, text: &str) {
        let kind = self.kinds.entry(id).or_insert(Kind { about, count: 0 });
        kind.count += 1;
        if kind.count <= MOST_OF_A_KIND {
            self.list.push(notification(id, level, &self.context.redactor.line(text)));
        }
    }
}

/// §3.58.
fn notification(id: &str, level: NotificationLevel, text: &str) -> Notification {
    Notification::builder()
        .descriptor(ReportingDescriptorReference::builder().id(id).build())
        .level(level.to_string())
        .message(Message::from(text))
        .build()
}

fn findings(count: usize) -> String {
    format!("{count} finding{}", if count == 1 { "" } else { "s" })
}
