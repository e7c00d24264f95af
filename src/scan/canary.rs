//! Made-up secrets go through the same pipeline as everything else, so that a run that is blind says so.
//!
//! An audit of a history sends one of every active rule. Elsewhere that would cost more than the scan itself:
//! each rule's pattern has to be compiled. So one of each *class* of rules is sent, which shows that every
//! part of the pipeline works, and one of each rule that might be blind on its own: rules that the
//! configuration allows, or whose example an allowed value fits, and rules of the user's own, which no
//! release has tried.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::Scanner;
use crate::{
    finding::{Place, SuppressedBy},
    judge::About,
    report::{CanaryScope, Coverage, Job},
    rules::{Check, Matcher, Role, Rule, RuleId, example},
    source::{Gap, GapKind, RelPath},
};

/// Where a canary claims to stand: an ordinary file without an ending.
const PATH: &str = "src/keysweep-canary";

impl Scanner {
    /// Sends the canaries that the job asks for and writes down what became of them.
    /// Gives the gap that a run has which is blind although nobody meant it to be.
    pub(super) fn send_canaries(&self, job: Job, coverage: &mut Coverage) -> Option<Gap> {
        let scope = match job {
            Job::History | Job::Refs => CanaryScope::Rules,
            Job::Files | Job::Range | Job::Staged | Job::Push | Job::Receive => CanaryScope::Classes,
        };
        let lost: Vec<_> = match scope {
            CanaryScope::Rules => {
                let all: Vec<usize> = self.canary_rules().collect();
                coverage.canaries_sent = all.len();
                all.into_par_iter().filter_map(|rule| self.lose_canary(rule)).collect()
            }
            CanaryScope::Classes => {
                let some = self.representatives();
                coverage.canaries_sent = some.len();
                some.into_iter().filter_map(|rule| self.lose_canary(rule)).collect()
            }
        };
        coverage.rules = self.rules().len();
        coverage.canary_scope = scope;
        coverage.canaries_seen = coverage.canaries_sent - lost.len();
        // Who names a rule in `[[allow.rules]]` means it; whoever allows paths or values may not have seen how far
        // that goes, and a rule that does not find its own example is broken.
        let unmeant: Vec<_> = lost.iter().filter(|lost| !lost.meant).collect();
        let gap = unmeant.first().map(|first| Gap {
            what: format!("{} of {} canaries", unmeant.len(), coverage.canaries_sent),
            kind: GapKind::Blind,
            message: format!("{}: {}; a real secret there would go unseen", first.rule, first.why),
        });
        coverage.canaries_lost = lost.into_iter().map(|lost| (lost.rule, lost.why)).collect();
        gap
    }

    /// The rules that report something of their own.
    fn canary_rules(&self) -> impl Iterator<Item = usize> {
        (0..self.rules().len()).filter(|at| self.rules().at(*at).role == Role::Finding)
    }

    /// One rule of each class, and those that might be blind on their own.
    fn representatives(&self) -> BTreeSet<usize> {
        let mut classes: BTreeMap<_, (usize, usize)> = BTreeMap::new();
        let mut chosen = BTreeSet::new();
        for at in self.canary_rules() {
            let rule = self.rules().at(at);
            if !rule.is_built_in() || self.policy.may_allow(rule, || example::expand(&rule.canary, &rule.id)) {
                chosen.insert(at);
            }
            // The shortest pattern is the cheapest to compile.
            let cost = match &rule.matcher {
                Matcher::Pattern(pattern) => pattern.source.len() + rule.canary.len(),
                Matcher::Value(_) | Matcher::Assigned(_) => rule.canary.len(),
            };
            let best = classes.entry(class(rule)).or_insert((cost, at));
            *best = (cost, at).min(*best);
        }
        chosen.extend(classes.into_values().map(|(_, at)| at));
        chosen
    }

    /// Sends the canary of one rule; gives rule and reason if it is not seen.
    fn lose_canary(&self, at: usize) -> Option<Lost> {
        let rule = self.rules().at(at);
        let text = example::expand(&rule.canary, &rule.id);
        // From the root on, wherever the scan starts.
        let place = Place::Staged { path: RelPath::new(PATH) };
        let outcomes: Vec<_> = self
            .scan_bytes(text.as_bytes())
            .kept
            .into_iter()
            .filter(|one| one.judged.candidate.rule == at)
            .map(|one| self.settle(one, &place, About::default()))
            .collect();
        let suppression = outcomes.iter().find_map(|one| one.as_ref().ok()?.suppressed.as_ref());
        let why = if outcomes.is_empty() {
            "the rule did not find its own example".to_owned()
        } else if outcomes.iter().any(|one| matches!(one, Ok(finding) if finding.suppressed.is_none())) {
            return None;
        } else {
            suppression.map_or_else(
                || "dismissed".to_owned(),
                |suppression| format!("allowed by {}: {}", suppression.by.id(), suppression.reason),
            )
        };
        let meant = suppression.is_some_and(|by| matches!(by.by, SuppressedBy::Config { list: "rules", .. }));
        Some(Lost { rule: rule.id.clone(), why, meant })
    }
}

/// A canary that was not seen.
struct Lost {
    rule: RuleId,
    why: String,
    /// The configuration names the rule.
    meant: bool,
}

/// Which parts of the pipeline a rule needs: how it is found, and what decides whether it is believed.
fn class(rule: &Rule) -> (u8, u8) {
    let found = match rule.matcher {
        Matcher::Pattern(_) => 0,
        Matcher::Value(_) => 1,
        Matcher::Assigned(_) => 2,
    };
    let has = |kind: fn(&Check) -> bool| rule.checks.iter().any(kind);
    let believed = if has(|check| matches!(check, Check::Checksum(_))) {
        0
    } else if has(|check| matches!(check, Check::Structure(_))) {
        1
    } else if rule.companion.is_some() {
        2
    } else {
        3
    };
    (found, believed)
}
