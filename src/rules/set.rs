//! The rules of a run.

use std::{borrow::Cow, sync::Arc};

use super::{Rule, RuleError, anchors::Anchors};

/// The rules of a run, in the order of their ids.
#[derive(Debug, Default)]
pub struct RuleSet {
    rules: Vec<Arc<Rule>>,
    /// The tables of exactly these rules, if the build has worked them out.
    packed: Option<&'static Anchors>,
}

impl RuleSet {
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
        let set = Self { rules, packed: None };
        for rule in &set.rules {
            if let Some(companion) = &rule.companion
                && set.index(&companion.rule).is_none()
            {
                return Err(RuleError::without_place(
                    &format!("rule {} names the companion {}, which does not exist", rule.id, companion.rule),
                    "add that rule or correct the name",
                ));
            }
        }
        Ok(set)
    }

    /// Takes rules that are sorted and hold together, and their tables.
    pub(super) fn packed(rules: Vec<Arc<Rule>>, anchors: &'static Anchors) -> Self {
        Self { rules, packed: Some(anchors) }
    }

    /// What to look for.
    pub(crate) fn anchors(&self) -> Cow<'static, Anchors> {
        self.packed.map_or_else(|| Cow::Owned(Anchors::of(self)), Cow::Borrowed)
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
        self.rules.binary_search_by(|rule| (*rule.id).cmp(id)).ok()
    }

    /// The rule with this id, now or formerly.
    pub fn find(&self, id: &str) -> Option<&Arc<Rule>> {
        self.index(id).map(|at| &self.rules[at]).or_else(|| self.rules.iter().find(|rule| rule.is_named(id)))
    }
}
