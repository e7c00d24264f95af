//! Suppressions that a change brings along: a change should not be its own judge.

use std::collections::HashSet;

use super::{Described, Scanner};
use crate::{
    finding::{Finding, neutralise},
    report::Added,
    source::{
        RelPath,
        git::{Change, Changes, Repository},
    },
    suppress::{Allow, Entry, IGNORE_FILE},
};

/// The configuration's name, which this layer knows only as a file that may allow things.
const CONFIG_FILE: &str = ".keysweep.toml";

/// Lines of a configuration that are told; a change of more is told by its first.
const MOST_LINES: usize = 50;

impl Scanner {
    /// Lines that the change adds to the ignore file and to the configuration, against its base.
    pub(super) fn added_lines(&self, repository: &Repository, changes: &Changes) -> Vec<Added> {
        let mut files: Vec<RelPath> = vec![RelPath::new(IGNORE_FILE), RelPath::new(CONFIG_FILE)];
        // What the configuration extends is one with it.
        let extended = self.policy.read_from.iter().map(|name| RelPath::new(name.rsplit(':').next().unwrap_or(name)));
        files.extend(extended.filter(|path| path.to_string().ends_with(".toml")));
        files.dedup();
        let mut added = Vec::new();
        for path in files {
            // Without a change of the file nothing is read.
            let Some(change) = changes.items.iter().rev().find(|change| change.path == path) else {
                continue;
            };
            let new = match changes.tips.first().copied() {
                Some(tip) => repository.tree_holds(tip, &path),
                None => Some(change.id),
            };
            let Some(new) = new.and_then(|id| repository.read_blob(id).ok()) else {
                continue;
            };
            let old: Vec<_> = match changes.base {
                Some(base) => repository.tree_holds(base, &path).into_iter().collect(),
                // Without a base: what the first of the commits found.
                None => {
                    let first = changes.items.iter().find(|change| change.path == path);
                    first.into_iter().flat_map(|change| &change.parents).map(|parent| parent.id).collect()
                }
            };
            let old: Vec<Vec<u8>> = old.into_iter().filter_map(|id| repository.read_blob(id).ok()).collect();
            let old: Vec<_> = old.iter().map(|text| String::from_utf8_lossy(text)).collect();
            let known: HashSet<&str> = old.iter().flat_map(|text| text.lines()).map(str::trim).collect();
            let new = String::from_utf8_lossy(&new);
            let entries = path.to_string() == IGNORE_FILE;
            let fresh = (1..).zip(new.lines()).filter(|(_, line)| !known.contains(line.trim()));
            added.extend(
                fresh
                    .filter(|(_, line)| {
                        let line = line.trim();
                        let counts = !line.is_empty() && !line.starts_with('#');
                        counts && (!entries || matches!(Entry::parse(line), Ok(Some(_))))
                    })
                    .take(MOST_LINES)
                    .map(|(number, line)| Added {
                        path: path.clone(),
                        line: Some(number),
                        what: if entries { "entry of the ignore file" } else { "line of the configuration" },
                        text: neutralise(line.trim()).chars().take(200).collect(),
                    }),
            );
        }
        added
    }
}

/// The comment that hides a finding which the change brings in.
pub(super) fn hidden(finding: &Finding, change: &Change) -> Option<Added> {
    let suppression = finding.suppressed.as_ref().filter(|suppression| suppression.by.is_inline())?;
    Some(Added {
        path: change.path.clone(),
        line: finding.location.map(|location| location.start_line),
        what: "allow comment beside a new secret",
        text: suppression.reason.clone(),
    })
}

/// A comment that the change writes beside a secret which was there before.
pub(super) fn excused(now: &Described, before: &[&Described], change: &Change) -> Option<Added> {
    let allow = now.allow.as_ref().filter(|allow| allow.counts())?;
    let was = before.iter().any(|old| old.allow.as_ref().is_some_and(Allow::counts));
    let text = match allow {
        Allow::Reason(reason) => reason.clone(),
        Allow::Foreign { tool } => format!("a comment for {tool}"),
        Allow::NoReason | Allow::Disguised(_) => return None,
    };
    (!was).then(|| Added {
        path: change.path.clone(),
        line: now.location.map(|location| location.start_line),
        what: "allow comment beside an old secret",
        text,
    })
}
