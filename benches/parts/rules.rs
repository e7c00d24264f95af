//! The built-in rules and as many made-up ones as are asked for.

use std::{collections::BTreeSet, fmt::Write as _, sync::Arc};

use keysweep::rules::{RuleSet, load};

use crate::texts::Random;

/// The built-in rules, with made-up ones if they are fewer than `count`.
pub(crate) fn at_least(count: usize) -> Arc<RuleSet> {
    let rules = RuleSet::builtin().expect("the build is whole");
    let mut random = Random(0x2545_F491_4F6C_DD1D);
    let (mut more, mut names) = (Vec::new(), BTreeSet::new());
    while rules.len() + more.len() < count {
        let name = name(&mut random);
        if !names.insert(name.clone()) {
            continue;
        }
        let text = provider(&name, (count - rules.len() - more.len()).min(3));
        more.extend(load("made up", &text).unwrap_or_else(|error| panic!("{error}: {text}")));
    }
    Arc::new(rules.with(more).expect("made-up names are all different"))
}

/// Two or three syllables of any letters, as in names of companies: their anchors share bytes with each other and
/// with words.
fn name(random: &mut Random) -> String {
    let (consonants, vowels) = (b"bcdfghjklmnpqrstvwxz", b"aeiouy");
    let mut name = String::new();
    for _ in 0..2 + random.below(2) {
        for letters in [&consonants[..], vowels, consonants] {
            name.push(letters[random.below(letters.len())].into());
        }
    }
    name
}

/// Two rules with patterns and one for values with a word near them.
fn provider(name: &str, count: usize) -> String {
    let mut text = format!("[provider]\nid = \"{name}\"\nname = \"{name}\"\nurl = \"https://{name}.example\"\n");
    let short: String = name.chars().take(3).chain(name.chars().rev().take(2)).collect();
    let finders = [
        format!("anchors = [\"{name}_live_\"]\npattern = '(?<secret>{name}_live_[0-9A-Za-z]{{32}})'\n"),
        format!("anchors = [\"{short}-\"]\npattern = '(?<secret>{short}-[0-9A-Za-z_-]{{20,60}})'\n"),
        format!("value = {{ alphabet = \"hex-lower\", length = [32] }}\nwords = [\"{name}_key\"]\n"),
    ];
    for (number, finder) in finders.iter().enumerate().take(count) {
        let _ = write!(
            text,
            "\n[[rule]]\nid = \"{name}-{number}\"\ntitle = \"t\"\ndescription = \"d\"\nkind = \"api-key\"\n\
             severity = \"high\"\nconfidence = \"high\"\nrunbook = \"{name}\"\ndocs = \"https://{name}.example\"\n\
             finds = ['x']\nignores = ['y']\n{finder}"
        );
    }
    for phase in ["contain", "replace", "deploy", "revoke", "audit", "prevent"] {
        let _ = write!(text, "\n[[runbook.{name}.step]]\nphase = \"{phase}\"\ndo = \"x\"\ngeneral = true\n");
    }
    text
}
