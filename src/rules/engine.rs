//! A pattern, compiled twice: quickly for the first texts, and to be quick for many.
//!
//! Most patterns of a run see a few lines and match none. A lazy automaton builds its states while it reads
//! them, which costs some ten thousand instructions a search, and needs the pattern compiled backwards, too.
//! The simpler engines need neither. Their answers are the same.

use std::sync::{
    OnceLock,
    atomic::{AtomicUsize, Ordering},
};

use regex_automata::{
    meta::{BuildError, Config, Regex},
    util::syntax,
};

/// So many bytes of text are searched before the automaton is worth its states.
const FEW: usize = 2 << 10;

/// The engines of one pattern, each built when first used.
#[derive(Debug, Default)]
pub(super) struct Engine {
    simple: OnceLock<Regex>,
    lazy: OnceLock<Regex>,
    /// How many bytes were searched with the simple one.
    seen: AtomicUsize,
}

impl Engine {
    /// The engine for a text of so many bytes.
    pub(super) fn of(&self, length: usize, compile: impl FnOnce(bool) -> Regex) -> &Regex {
        let few = self.seen.load(Ordering::Relaxed).saturating_add(length) <= FEW;
        if few {
            self.seen.fetch_add(length, Ordering::Relaxed);
            self.simple.get_or_init(|| compile(false))
        } else {
            self.lazy.get_or_init(|| compile(true))
        }
    }
}

/// Compiles a rule's pattern: on bytes, ASCII classes, `.` matches line ends, bounded in size.
pub(super) fn compile(source: &str, nocase: bool, lazy: bool) -> Result<Regex, String> {
    let syntax = syntax::Config::new().unicode(false).utf8(false).dot_matches_new_line(true).case_insensitive(nocase);
    let config = Config::new()
        .utf8_empty(false)
        .nfa_size_limit(Some(1 << 20))
        .hybrid_cache_capacity(1 << 20)
        .hybrid(lazy)
        .auto_prefilter(lazy)
        .onepass(lazy);
    Regex::builder().syntax(syntax).configure(config).build(source).map_err(|error| why(&error))
}

fn why(error: &BuildError) -> String {
    error
        .size_limit()
        .map_or_else(|| error.to_string(), |limit| format!("compiled regex exceeds size limit of {limit} bytes"))
}

#[cfg(test)]
mod tests {
    use regex_automata::Input;

    use super::*;
    use crate::rules::{Matcher, RuleSet, example};

    #[test]
    fn both_engines_of_a_rule_give_the_same_matches() {
        let rules = RuleSet::builtin().expect("the built-in rules are sound");
        let mut matches = 0;
        for rule in rules.iter() {
            let Matcher::Pattern(pattern) = &rule.matcher else { continue };
            let [simple, lazy] =
                [false, true].map(|lazy| compile(&pattern.source, pattern.nocase, lazy).expect("sound"));
            for template in rule.text().finds.iter().chain(&rule.text().ignores) {
                let text = example::expand(template, &rule.id);
                let all = |regex: &Regex| -> Vec<Vec<_>> {
                    let found = regex.captures_iter(Input::new(&text));
                    found.map(|one| one.iter().map(|group| group.map(|span| span.range())).collect()).collect()
                };
                assert_eq!(all(&simple), all(&lazy), "{}", rule.id);
                matches += all(&lazy).len();
            }
        }
        assert!(matches > rules.len() / 2, "{matches} matches of {} rules", rules.len());
    }

    #[test]
    fn the_automaton_takes_over_after_few_bytes() {
        let engine = Engine::default();
        let lazy = |length| {
            let mut built = None;
            engine.of(length, |lazy| {
                built = Some(lazy);
                compile("a", false, lazy).expect("sound")
            });
            built
        };
        assert_eq!(lazy(FEW - 1), Some(false));
        assert_eq!(lazy(1), None, "the simple one is there");
        assert_eq!(lazy(1), Some(true));
    }
}
