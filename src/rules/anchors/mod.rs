//! Every text that detection looks for, what it stands for, and the tables that find it.
//!
//! A few thousand texts are sorted and hashed, which takes longer than a hook's whole run. So `build.rs` does
//! it for the built-in rules and writes the tables down as constants; a rule set with rules of a user's has
//! its own worked out by the same code when the run starts.

mod base64;
mod grams;
mod pairs;
mod words;

use std::borrow::Cow;

pub(crate) use base64::{Coded, FOREIGN};
pub(crate) use grams::{ANY, Anchor, BITS, BUCKETS, FOLD, Gram, Grams, gram, hash};
pub(crate) use words::Word;

use super::{
    RuleSet,
    rule::{Confidence, Matcher, Severity},
};

/// A constant of the program, or worked out at the start.
pub(crate) type Table<T> = Cow<'static, [T]>;

/// The anchors of a rule set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Anchors {
    /// The anchors' texts, one behind the other.
    pub(crate) texts: Table<u8>,
    /// One for each anchor, in the order of texts, and one for the end.
    pub(crate) marks: Table<Mark>,
    /// Indices of rules that are tried at an anchor.
    pub(crate) rules: Table<u32>,
    /// Words of contextual rules that hold an anchor.
    pub(crate) words: Table<Word>,
    /// Rules of which an anchor is a literal in base64.
    pub(crate) coded: Table<Coded>,
    /// See [`Grams`].
    pub(crate) grams: Grams,
    /// The longest anchor, in bytes.
    pub(crate) longest: usize,
}

/// Where an anchor's text and what it stands for begin; they end where the next one's begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    /// In [`Anchors::texts`].
    pub(crate) text: u32,
    /// In [`Anchors::rules`].
    pub(crate) rules: u32,
    /// In [`Anchors::words`].
    pub(crate) words: u32,
    /// In [`Anchors::coded`].
    pub(crate) coded: u32,
    /// Whether ASCII case is ignored.
    pub(crate) nocase: bool,
}

/// A text that is looked for, and what for.
struct Literal<'r> {
    text: Cow<'r, str>,
    nocase: bool,
    /// Which bytes may follow, if that is known.
    next: Option<[u64; 4]>,
    means: Means,
}

#[derive(Clone, Copy)]
enum Means {
    Rule(usize),
    Word(Word),
    Coded(Coded),
}

impl Anchors {
    /// Works out the tables of a rule set.
    pub(crate) fn of(set: &RuleSet) -> Self {
        Self::of_literals(literals(set))
    }

    /// Works out the tables of these texts, which stand for nothing.
    #[cfg(test)]
    pub(crate) fn of_texts(texts: &[(&'static str, bool)]) -> Self {
        let literal = |&(text, nocase): &(&'static str, bool)| {
            let means = Means::Word(Word { rule: 0, word: 0, offset: 0 });
            Literal { text: text.into(), nocase, next: None, means }
        };
        Self::of_literals(texts.iter().map(literal).collect())
    }

    fn of_literals(mut literals: Vec<Literal<'_>>) -> Self {
        // Those of one text stand together, in the order of their rules.
        let key = |one: &Literal<'_>| {
            let mut first = [0; 8];
            let count = one.text.len().min(8);
            first[..count].copy_from_slice(&one.text.as_bytes()[..count]);
            u64::from_be_bytes(first)
        };
        literals.sort_by(|a, b| key(a).cmp(&key(b)).then_with(|| (&*a.text, a.nocase).cmp(&(&*b.text, b.nocase))));
        let mut anchors: Vec<Anchor<'_>> = Vec::with_capacity(literals.len());
        let mut marks: Vec<Mark> = Vec::with_capacity(literals.len() + 1);
        let (mut texts, mut rules, mut words, mut coded) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for same in literals.chunk_by(|a, b| (&a.text, a.nocase) == (&b.text, b.nocase)) {
            let (text, nocase) = (same[0].text.as_bytes(), same[0].nocase);
            let mut next = [0; 4];
            marks.push(mark(&texts, &rules, &words, &coded, nocase));
            texts.extend_from_slice(text);
            for one in same {
                match one.means {
                    Means::Rule(rule) => rules.push(rule as u32),
                    Means::Word(word) => words.push(word),
                    Means::Coded(one) => coded.push(one),
                }
                next.iter_mut().zip(one.next.unwrap_or(ANY)).for_each(|(all, one)| *all |= one);
            }
            anchors.push(Anchor { text, next });
        }
        marks.push(mark(&texts, &rules, &words, &coded, false));
        Self {
            longest: anchors.iter().map(|anchor| anchor.text.len()).max().unwrap_or(0),
            grams: Grams::of(&anchors),
            texts: texts.into(),
            marks: marks.into(),
            rules: rules.into(),
            words: words.into(),
            coded: coded.into(),
        }
    }

    /// The rules that are tried at an anchor.
    pub(crate) fn rules_at(&self, anchor: usize) -> &[u32] {
        let (from, to) = self.marks(anchor);
        &self.rules[from.rules as usize..to.rules as usize]
    }

    /// The words of contextual rules that hold an anchor.
    pub(crate) fn words_at(&self, anchor: usize) -> &[Word] {
        let (from, to) = self.marks(anchor);
        &self.words[from.words as usize..to.words as usize]
    }

    /// The rules of which an anchor is a literal in base64.
    pub(crate) fn coded_at(&self, anchor: usize) -> &[Coded] {
        let (from, to) = self.marks(anchor);
        &self.coded[from.coded as usize..to.coded as usize]
    }

    fn marks(&self, anchor: usize) -> (&Mark, &Mark) {
        (&self.marks[anchor], &self.marks[anchor + 1])
    }
}

fn mark(texts: &[u8], rules: &[u32], words: &[Word], coded: &[Coded], nocase: bool) -> Mark {
    let count = |length: usize| length as u32;
    Mark {
        text: count(texts.len()),
        rules: count(rules.len()),
        words: count(words.len()),
        coded: count(coded.len()),
        nocase,
    }
}

fn literals(set: &RuleSet) -> Vec<Literal<'_>> {
    let mut literals: Vec<Literal<'_>> = Vec::with_capacity(8 * set.len());
    for (index, rule) in set.iter().enumerate() {
        let (anchors, nocase, next) = match &rule.matcher {
            Matcher::Pattern(pattern) => (&pattern.anchors, pattern.nocase, pattern.next),
            Matcher::Assigned(assigned) => (&assigned.names, true, None),
            Matcher::Value(_) => continue,
        };
        for anchor in anchors {
            let capitals = nocase && anchor.bytes().any(|byte| byte.is_ascii_uppercase());
            let text = if capitals { anchor.to_ascii_lowercase().into() } else { Cow::Borrowed(&**anchor) };
            literals.push(Literal { text, nocase, next, means: Means::Rule(index) });
            // Three more texts for each literal: what is worth it is what opens much and is surely it.
            if !nocase && rule.severity >= Severity::High && rule.confidence >= Confidence::High {
                base64::anchors(index as u32, anchor, |text, coded| {
                    literals.push(Literal { text: text.into(), nocase, next: None, means: Means::Coded(coded) });
                });
            }
        }
    }
    words::anchors(set, |text, word| {
        literals.push(Literal { text, nocase: true, next: None, means: Means::Word(word) });
    });
    literals
}
