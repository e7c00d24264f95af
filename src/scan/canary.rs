//! One made-up secret of every active rule goes through the same pipeline as everything else, so
//! that a configuration that blinds a rule is seen.

use super::Scanner;
use crate::{
    finding::Place,
    report::Coverage,
    rules::{Role, example},
    source::RelPath,
};

/// Where a canary claims to stand: an ordinary file without an ending.
const PATH: &str = "keysweep-canary";

impl Scanner {
    /// Sends the canaries and writes down what became of them.
    pub(super) fn send_canaries(&self, coverage: &mut Coverage) {
        coverage.rules = self.rules().len();
        for rule in self.rules().iter().filter(|rule| rule.role == Role::Finding) {
            coverage.canaries_sent += 1;
            let text = example::expand(&rule.canary, &rule.id);
            let place = Place::File { path: RelPath::new(PATH), local: false };
            let scanned = self.scan_bytes(text.as_bytes());
            let outcomes: Vec<_> = scanned
                .kept
                .into_iter()
                .filter(|one| self.rules().at(one.judged.candidate.rule).id == rule.id)
                .map(|one| self.settle(one, &place, false))
                .collect();
            let why = if outcomes.is_empty() {
                "the rule did not find its own example".to_owned()
            } else if outcomes.iter().any(|one| matches!(one, Ok(finding) if finding.suppressed.is_none())) {
                coverage.canaries_seen += 1;
                continue;
            } else {
                outcomes.iter().find_map(|one| one.as_ref().ok()?.suppressed.as_ref()).map_or_else(
                    || "dismissed".to_owned(),
                    |suppression| format!("allowed by {}: {}", suppression.by.id(), suppression.reason),
                )
            };
            coverage.canaries_lost.push((rule.id.clone(), why));
        }
    }
}
