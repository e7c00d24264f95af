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
    finding::Place,
    report::{CanaryScope, Coverage, Job},
    rules::{Check, Matcher, Role, Rule, example},
    source::RelPath,
};

/// Where a canary claims to stand: an ordinary file without an ending.
const PATH: &str = "src/keysweep-canary";

impl Scanner {
    /// Sends the canaries that the job asks for and writes down what became of them.
    pub(super) fn send_canaries(&self, job: Job, coverage: &mut Coverage) {
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
        coverage.canaries_lost = lost;
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
    fn lose_canary(&self, at: usize) -> Option<(crate::rules::RuleId, String)> {
        let rule = self.rules().at(at);
        let text = example::expand(&rule.canary, &rule.id);
        let place = Place::File { path: RelPath::new(PATH), local: false };
        let outcomes: Vec<_> = self
            .scan_bytes(text.as_bytes())
            .kept
            .into_iter()
            .filter(|one| one.judged.candidate.rule == at)
            .map(|one| self.settle(one, &place, false))
            .collect();
        let why = if outcomes.is_empty() {
            "the rule did not find its own example".to_owned()
        } else if outcomes.iter().any(|one| matches!(one, Ok(finding) if finding.suppressed.is_none())) {
            return None;
        } else {
            outcomes.iter().find_map(|one| one.as_ref().ok()?.suppressed.as_ref()).map_or_else(
                || "dismissed".to_owned(),
                |suppression| format!("allowed by {}: {}", suppression.by.id(), suppression.reason),
            )
        };
        Some((rule.id.clone(), why))
    }
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
