//! The rules of a run.

use std::{collections::HashMap, sync::Arc};

use super::{Rule, RuleError, RuleId, builtin, load_proved};

/// The rules of a run, in the order of their ids.
#[derive(Debug, Default)]
pub struct RuleSet {
    rules: Vec<Arc<Rule>>,
    by_id: HashMap<RuleId, usize>,
}

impl RuleSet {
    /// The rules that come with keysweep.
    ///
    /// # Errors
    /// Only if the build is broken: a test parses the same text.
    pub fn builtin() -> Result<Self, RuleError> {
        let mut rules = Vec::new();
        for (file, text) in builtin::FILES {
            rules.extend(load_proved(file, text)?);
        }
        Self::new(rules)
    }

    /// Takes rules; a later rule may not have the id of an earlier one.
    ///
    /// # Errors
    /// Two rules with one id, or a companion that does not exist.
    pub fn new(mut rules: Vec<Arc<Rule>>) -> Result<Self, RuleError> {
        rules.sort_by(|a, b| a.id.cmp(&b.id));
        if let Some(pair) = rules.windows(2).find(|pair| pair[0].id == pair[1].id) {
            return Err(RuleError::without_place(
                &format!("two rules have the id {}", pair[0].id),
                "rename one of them",
            ));
        }
        let by_id: HashMap<_, _> = rules.iter().enumerate().map(|(at, rule)| (Arc::clone(&rule.id), at)).collect();
        for rule in &rules {
            if let Some(companion) = &rule.companion
                && !by_id.contains_key(&companion.rule)
            {
                return Err(RuleError::without_place(
                    &format!("rule {} names the companion {}, which does not exist", rule.id, companion.rule),
                    "add that rule or correct the name",
                ));
            }
        }
        Ok(Self { rules, by_id })
    }

    /// These rules and more.
    ///
    /// # Errors
    /// As [`RuleSet::new`].
    pub fn with(&self, more: Vec<Arc<Rule>>) -> Result<Self, RuleError> {
        Self::new(self.rules.iter().cloned().chain(more).collect())
    }

    /// Every rule, in the order of ids.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Rule>> {
        self.rules.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The rule at an index that [`RuleSet::index`] gave.
    pub fn at(&self, index: usize) -> &Arc<Rule> {
        &self.rules[index]
    }

    /// Where the rule stands.
    pub fn index(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// The rule with this id, now or formerly.
    pub fn find(&self, id: &str) -> Option<&Arc<Rule>> {
        self.index(id).map(|at| &self.rules[at]).or_else(|| self.rules.iter().find(|rule| rule.is_named(id)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_rules_hold_what_is_not_proved_again_at_start() {
        for (file, text) in builtin::FILES {
            if let Err(error) = super::super::load(file, text) {
                panic!("{error}; {}", error.mend);
            }
        }
    }
}
