//! What the ignore file says of the findings, and what of the policy needs a look.

use super::Scanner;
use crate::{
    finding::{Finding, Place, SuppressedBy, Suppression},
    report::{Added, PolicyUse, Stale, StaleKind, Thresholds},
    source::Gap,
    suppress::{Asked, IgnoreFile, Said, Scope},
};

impl Scanner {
    /// The place of a finding as an entry of the ignore file names it.
    pub fn scope_of(&self, place: &Place) -> Scope {
        Scope::of(place, self.policy_path(place))
    }

    /// What is shown and what fails at a place.
    pub(super) fn thresholds_at(&self, place: &Place) -> Thresholds {
        let all = self.settings.thresholds;
        if self.policy.settings.is_empty() {
            return all;
        }
        let path = self.policy_path(place);
        Thresholds {
            show: self.policy.setting(path.as_ref(), |setting| setting.show).unwrap_or(all.show),
            fail: self.policy.setting(path.as_ref(), |setting| setting.fail).unwrap_or(all.fail),
        }
    }

    /// Asks the ignore file about every finding and tells what the policy did.
    pub(super) fn policy_use(&self, mut added: Vec<Added>, findings: &mut [Finding], gaps: &[Gap]) -> PolicyUse {
        added.sort();
        added.dedup();
        let mut told = PolicyUse {
            read_from: self.policy.read_from.clone(),
            inline: self.policy.inline,
            strict: self.policy.strict,
            added,
            stale: Vec::new(),
        };
        for grant in self.policy.expired(self.settings.now) {
            let stale = Stale {
                kind: StaleKind::Expired,
                file: grant.file.clone(),
                line: grant.line,
                text: grant.reason.clone(),
            };
            told.stale.push(stale);
        }
        let Some(source) = &self.policy.ignore else {
            return told;
        };
        // A clean hook does not even open the file.
        if findings.is_empty() && source.covers().is_none() {
            return told;
        }
        match source.file() {
            Ok(None) => {}
            Ok(Some(file)) => {
                told.read_from.push(file.name.clone());
                let mut asked = file.asked(self.settings.now);
                findings.iter_mut().for_each(|finding| self.ask(file, &mut asked, finding));
                // Where something could not be read, what fits nothing may fit that.
                let covers = source.covers().filter(|_| gaps.is_empty());
                stale(file, &asked, covers, &mut told.stale);
            }
            Err(why) => told.stale.push(Stale {
                kind: StaleKind::Malformed,
                file: crate::suppress::IGNORE_FILE.to_owned(),
                line: 1,
                text: format!("{why}; it allows nothing"),
            }),
        }
        told.stale.sort();
        told
    }

    fn ask(&self, file: &IgnoreFile, asked: &mut Asked<'_>, finding: &mut Finding) {
        let scope = self.scope_of(&finding.place);
        match asked.ask(&finding.secret, finding.fingerprint.as_ref(), &scope) {
            Said::Nothing => {}
            Said::Allowed(at) => {
                let (line, entry) = &file.entries[at];
                let by = SuppressedBy::IgnoreFile {
                    file: file.name.clone(),
                    line: *line,
                    owner: crate::finding::neutralise(&entry.owner),
                };
                let reason = crate::finding::neutralise(&entry.reason);
                finding.suppressed.get_or_insert(Suppression { by, reason });
            }
            Said::Expired(at) => {
                let (line, entry) = &file.entries[at];
                let day = entry.expires.map(|day| day.to_string()).unwrap_or_default();
                finding.remarks.push(format!("its entry in {}:{line} counted until {day}", file.name));
            }
        }
    }
}

/// Entries that do nothing.
fn stale(file: &IgnoreFile, asked: &Asked<'_>, covers: Option<&dyn Fn(&Scope) -> bool>, out: &mut Vec<Stale>) {
    let mut add = |kind, line: usize, text: String| {
        let text = crate::finding::neutralise(&text);
        out.push(Stale { kind, file: file.name.clone(), line, text });
    };
    for (line, what, mend) in &file.malformed {
        add(StaleKind::Malformed, *line, format!("{what}: {mend}"));
    }
    let mut seen = std::collections::HashSet::new();
    for (at, (line, entry)) in file.entries.iter().enumerate() {
        let text = entry.scope.to_string();
        if asked.is_duplicate(at) || !seen.insert((&entry.scope, &entry.print)) {
            add(StaleKind::Duplicate, *line, text);
        } else if asked.is_expired(at) {
            add(StaleKind::Expired, *line, text);
        } else if !asked.is_used(at) && !asked.gave_up() && covers.is_some_and(|covers| covers(&entry.scope)) {
            add(StaleKind::Unused, *line, text);
        }
    }
    if asked.gave_up() {
        let what = "too many slow hashes: entries were not looked at any more";
        add(StaleKind::Malformed, 1, what.to_owned());
    }
}
