//! The rules that come with keysweep.
//!
//! `build.rs` reads and proves `rules/*.toml` and leaves three things: the rules as they run, packed; the tables
//! of all their anchors as constants, which a start need not even read; and the files' texts, of which one is
//! read when a rule of it first reports.

use std::{
    borrow::Cow,
    sync::{Arc, OnceLock},
};

use super::{
    Rule, RuleError, RuleSet, RuleText,
    anchors::{Anchors, Coded, Gram, Grams, Mark, Word},
    load_proved,
};

// FILES: name and text of each rule file.
include!(concat!(env!("OUT_DIR"), "/rule_files.rs"));

// ANCHORS: what detection looks for.
include!(concat!(env!("OUT_DIR"), "/anchors.rs"));

/// The rules in the order of their ids, one behind the other.
const PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/rules.bin"));

/// The rules as they run; kept, for to take them apart at the end of a run would take half as long.
static UNPACKED: OnceLock<Vec<Arc<Rule>>> = OnceLock::new();

/// What the rules of each file say, once somebody wants to know.
static TEXTS: [OnceLock<Vec<Arc<RuleText>>>; FILES.len()] = [const { OnceLock::new() }; FILES.len()];

impl RuleSet {
    /// The rules that come with keysweep.
    ///
    /// # Errors
    /// Only if the build is broken.
    pub fn builtin() -> Result<Self, RuleError> {
        let rules = match UNPACKED.get() {
            Some(rules) => rules,
            None => {
                let rules = unpack()?;
                UNPACKED.get_or_init(|| rules)
            }
        };
        Ok(Self::packed(rules.clone(), &ANCHORS))
    }
}

fn unpack() -> Result<Vec<Arc<Rule>>, RuleError> {
    let mut rules = Vec::with_capacity(COUNT);
    let mut rest = PACKED;
    while !rest.is_empty() {
        let (rule, behind) = postcard::take_from_bytes::<Rule>(rest).map_err(|error| {
            RuleError::without_place(
                &format!("the table of built-in rules is damaged: {error}"),
                "build keysweep anew; if that does not help, please report it",
            )
        })?;
        rules.push(Arc::new(rule));
        rest = behind;
    }
    Ok(rules)
}

impl Rule {
    /// What the rule says to people. For a built-in rule the first call reads its whole file, which takes some
    /// tenths of a millisecond.
    pub fn text(&self) -> &RuleText {
        self.text.get_or_init(|| {
            let written = self.written.expect("a rule of the user's has its text");
            let texts = TEXTS[written.file].get_or_init(|| read(FILES[written.file]));
            Arc::clone(&texts[written.number])
        })
    }
}

fn read((file, text): (&str, &str)) -> Vec<Arc<RuleText>> {
    let rules = load_proved(file, text).expect("build.rs read this very text");
    rules.iter().map(|rule| Arc::clone(rule.text.get().expect("it was just read"))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::rules::load;

    #[test]
    fn a_built_in_rule_is_what_its_file_says() {
        let builtin = RuleSet::builtin().expect("the table is whole");
        let mut count = 0;
        for (at, (file, text)) in FILES.iter().enumerate() {
            let written = load(file, text).unwrap_or_else(|error| panic!("{error}; {}", error.mend));
            for (number, written) in written.iter().enumerate() {
                let rule = builtin.find(&written.id).unwrap_or_else(|| panic!("{} is not in the table", written.id));
                let place = rule.written.expect("it is built in");
                assert_eq!((place.file, place.number), (at, number), "{}", rule.id);
                assert_eq!(as_run(rule), as_run(written), "{}", rule.id);
                let texts = [rule, written].map(|rule| serde_json::to_value(rule.text()).expect("plain data"));
                assert_eq!(texts[0], texts[1], "{}", rule.id);
                count += 1;
            }
        }
        assert_eq!(count, builtin.len());
    }

    #[test]
    fn the_tables_of_the_build_are_those_of_the_rules() {
        let builtin = RuleSet::builtin().expect("the table is whole");
        assert!(matches!(builtin.anchors(), Cow::Borrowed(_)), "a start works out nothing");
        let again = RuleSet::new(builtin.iter().cloned().collect()).expect("they hold together");
        let worked_out = again.anchors();
        assert!(matches!(worked_out, Cow::Owned(_)), "these are no tables of the build");
        assert!(*worked_out == ANCHORS, "build.rs and the crate differ");
    }

    /// All that is packed of a rule, but the place of its text.
    fn as_run(rule: &Rule) -> Value {
        let mut value = serde_json::to_value(rule).expect("plain data");
        value.as_object_mut().expect("a rule has fields").remove("written").expect("one of them is this");
        value
    }
}
