//! The proof that rules hold: every `finds` example is reported, no `ignores` example is.

use std::sync::Arc;

use super::{Progress, Scanner, Settings};
use crate::{
    finding::Place,
    judge::About,
    report::Thresholds,
    rules::{Confidence, Role, Rule, RuleId, RuleSet, example},
    source::RelPath,
    suppress::Policy,
};

/// An example that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The rule whose example it is.
    pub rule: String,
    /// The template, as written.
    pub template: String,
    /// What happened instead.
    pub message: String,
}

/// Tries every example of every rule; an empty answer is the proof.
pub fn prove(rules: &Arc<RuleSet>) -> Vec<Problem> {
    let settings = Settings {
        thresholds: Thresholds { show: Confidence::Low, fail: Confidence::Medium },
        // Examples with an expiry must not change their outcome as time goes by.
        now: 1_760_000_000,
        target: "examples".to_owned(),
        prefix: RelPath::default(),
        whole_blobs: false,
    };
    let scanner = Scanner::new(Arc::clone(rules), Policy::default(), settings, Arc::new(Progress::default()));
    let mut problems = Vec::new();
    for rule in rules.iter() {
        for template in &rule.text().finds {
            let (reported, dismissed) = outcome(&scanner, rule, template);
            let wrong = |message: String| Problem { rule: rule.id.to_string(), template: template.clone(), message };
            if rule.role == Role::Companion {
                if !dismissed
                    .iter()
                    .any(|(id, reason)| *id == rule.id && (reason == "part-of" || reason == "companion-alone"))
                {
                    problems.push(wrong(format!("not found; reported {reported:?}, dismissed {dismissed:?}")));
                }
                continue;
            }
            if !reported.contains(&rule.id) {
                problems.push(wrong(format!("not reported; reported {reported:?}, dismissed {dismissed:?}")));
            }
            let foreign = |id: &&Arc<str>| {
                rules.find(id).is_some_and(|other| other.text().provider.id != rule.text().provider.id)
            };
            if let Some(other) = reported.iter().find(foreign) {
                problems.push(wrong(format!("{other} of another provider fires, too")));
            }
        }
        for template in &rule.text().ignores {
            let (reported, _) = outcome(&scanner, rule, template);
            if reported.contains(&rule.id) {
                problems.push(Problem {
                    rule: rule.id.to_string(),
                    template: template.clone(),
                    message: "reported, although it must not be".to_owned(),
                });
            }
        }
    }
    problems
}

/// The rules that report an example, and those that looked at it and dismissed it.
fn outcome(scanner: &Scanner, rule: &Rule, template: &str) -> (Vec<RuleId>, Vec<(RuleId, String)>) {
    let text = example::expand(template, &rule.id);
    let place = Place::File { path: RelPath::new("src/example"), local: false };
    let kept = scanner.scan_bytes(text.as_bytes()).kept;
    let mut reported: Vec<Arc<str>> = kept
        .into_iter()
        .filter_map(|one| scanner.settle(one, &place, About::default()).ok())
        .map(|finding| finding.rule)
        .collect();
    reported.sort();
    reported.dedup();
    let (_, all, _) = scanner.explain_bytes(text.as_bytes());
    let dismissed = all
        .iter()
        .filter_map(|one| match &one.verdict {
            crate::judge::Verdict::Dismiss(reason) => {
                Some((scanner.rules().at(one.candidate.rule).id.clone(), reason.id().to_owned()))
            }
            crate::judge::Verdict::Report(_) => None,
        })
        .collect();
    (reported, dismissed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_rule_proves_itself() {
        let rules = Arc::new(RuleSet::builtin().expect("the built-in rules are sound"));
        let problems = prove(&rules);
        let listed: Vec<_> =
            problems.iter().map(|one| format!("{}: {}\n    {}", one.rule, one.message, one.template)).collect();
        assert!(problems.is_empty(), "{} examples do not hold:\n{}", problems.len(), listed.join("\n"));
    }
}
