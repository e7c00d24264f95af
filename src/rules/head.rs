//! What any match of a pattern must have: its first bytes, and somewhere a long run of token characters.
//!
//! Most anchors stand in text that is no secret. A look at the bytes around them is a thousand times
//! cheaper than a regular expression, which is not even compiled before something fits.

use regex_syntax::hir::{Class, Hir, HirKind, Look};

/// So many first bytes are known at most.
const LONGEST: usize = 48;

/// A shorter run stands in any line.
const SHORTEST_RUN: usize = 12;

/// What any match of a pattern must have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// For each of the first bytes, which values it may have.
    places: Vec<[u64; 4]>,
    /// So many characters of tokens stand somewhere without a gap.
    run: usize,
}

impl Head {
    /// Reads the head off a pattern.
    pub(super) fn of(hir: &Hir, nocase: bool) -> Self {
        let mut places = Vec::new();
        extend(hir, nocase, &mut places);
        places.truncate(LONGEST);
        Self { places, run: Run::of(hir).best }
    }

    /// The values that the byte at a place of a match may have, if they are known.
    pub(super) fn place(&self, at: usize) -> Option<[u64; 4]> {
        self.places.get(at).copied()
    }

    /// Whether a match may start with the text.
    #[inline]
    pub fn fits(&self, text: &[u8]) -> bool {
        text.len() >= self.places.len()
            && self.places.iter().zip(text).all(|(set, byte)| set[usize::from(byte >> 6)] >> (byte & 63) & 1 == 1)
    }
}

impl Head {
    /// Whether the text around an anchor has a run as long as any match needs.
    pub fn has_run(&self, text: &[u8]) -> bool {
        if self.run < SHORTEST_RUN {
            return true;
        }
        let is_token = |byte: &u8| TOKEN[usize::from(*byte)];
        // A run cannot hide between two looks.
        let mut at = self.run - 1;
        while let Some(byte) = text.get(at) {
            if !is_token(byte) {
                at += self.run;
                continue;
            }
            let before = text[..at].iter().rev().take_while(|byte| is_token(byte)).count();
            let behind = text[at..].iter().take_while(|byte| is_token(byte)).count();
            if before + behind >= self.run {
                return true;
            }
            at += behind + self.run;
        }
        false
    }
}

/// Characters of tokens and of what joins their parts.
const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        table[byte] = b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'_' | b'-' | b'=' | b'.' | b'%' | b':');
        byte += 1;
    }
    table
};

/// The runs of token characters that any match of an expression has.
#[derive(Clone, Copy)]
struct Run {
    /// At its start, at its end, and the longest of all.
    start: usize,
    end: usize,
    best: usize,
    /// It consists of nothing else.
    whole: bool,
}

impl Run {
    const EMPTY: Self = Self { start: 0, end: 0, best: 0, whole: true };
    const GAP: Self = Self { start: 0, end: 0, best: 0, whole: false };

    fn all(count: usize) -> Self {
        Self { start: count, end: count, best: count, whole: true }
    }

    fn then(self, next: Self) -> Self {
        Self {
            start: if self.whole { self.start + next.start } else { self.start },
            end: if next.whole { self.end + next.end } else { next.end },
            best: self.best.max(next.best).max(self.end + next.start),
            whole: self.whole && next.whole,
        }
    }

    fn or(self, other: Self) -> Self {
        Self {
            start: self.start.min(other.start),
            end: self.end.min(other.end),
            best: self.best.min(other.best),
            whole: self.whole && other.whole,
        }
    }

    fn of(hir: &Hir) -> Self {
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => Self::EMPTY,
            HirKind::Literal(literal) => literal.0.iter().fold(Self::EMPTY, |run, byte| {
                run.then(if TOKEN[usize::from(*byte)] { Self::all(1) } else { Self::GAP })
            }),
            HirKind::Class(Class::Bytes(class)) => {
                let tokens = class
                    .ranges()
                    .iter()
                    .all(|range| (range.start()..=range.end()).all(|byte| TOKEN[usize::from(byte)]));
                if tokens { Self::all(1) } else { Self::GAP }
            }
            HirKind::Class(Class::Unicode(_)) => Self::GAP,
            HirKind::Capture(capture) => Self::of(&capture.sub),
            HirKind::Concat(parts) => parts.iter().fold(Self::EMPTY, |run, part| run.then(Self::of(part))),
            HirKind::Alternation(cases) => cases.iter().map(Self::of).reduce(Self::or).unwrap_or(Self::EMPTY),
            HirKind::Repetition(repetition) => {
                let one = Self::of(&repetition.sub);
                match (one.whole, repetition.min as usize) {
                    // More of the same makes no gap.
                    (true, min) => Self::all(one.best * min),
                    (false, 0) => Self::GAP,
                    (false, 1) => one,
                    (false, _) => one.then(one),
                }
            }
        }
    }
}

/// Adds what the expression says of the next bytes; whether what follows it is known, too.
fn extend(hir: &Hir, nocase: bool, places: &mut Vec<[u64; 4]>) -> bool {
    if places.len() >= LONGEST {
        return false;
    }
    match hir.kind() {
        HirKind::Empty => true,
        HirKind::Look(look) => !matches!(look, Look::Start),
        HirKind::Literal(literal) => {
            for &byte in literal.0.iter() {
                let mut set = [0; 4];
                add(&mut set, byte, byte, nocase);
                places.push(set);
            }
            true
        }
        HirKind::Class(Class::Bytes(class)) => {
            let mut set = [0; 4];
            class.ranges().iter().for_each(|range| add(&mut set, range.start(), range.end(), nocase));
            places.push(set);
            true
        }
        HirKind::Class(Class::Unicode(_)) => false,
        HirKind::Capture(capture) => extend(&capture.sub, nocase, places),
        HirKind::Concat(parts) => parts.iter().all(|part| extend(part, nocase, places)),
        HirKind::Repetition(repetition) => {
            for _ in 0..repetition.min.min(LONGEST as u32) {
                if !extend(&repetition.sub, nocase, places) {
                    return false;
                }
            }
            repetition.max == Some(repetition.min)
        }
        HirKind::Alternation(cases) => {
            let heads: Vec<(Vec<[u64; 4]>, bool)> = cases
                .iter()
                .map(|case| {
                    let mut head = Vec::new();
                    let known = extend(case, nocase, &mut head);
                    (head, known)
                })
                .collect();
            let shortest = heads.iter().map(|(head, _)| head.len()).min().unwrap_or(0);
            for at in 0..shortest {
                let union = |mut all: [u64; 4], (head, _): &(Vec<[u64; 4]>, bool)| {
                    all.iter_mut().zip(head[at]).for_each(|(all, one)| *all |= one);
                    all
                };
                places.push(heads.iter().fold([0; 4], union));
            }
            heads.iter().all(|(head, known)| *known && head.len() == shortest)
        }
    }
}

fn add(set: &mut [u64; 4], first: u8, last: u8, nocase: bool) {
    for byte in first..=last {
        let cases = if nocase { [byte.to_ascii_lowercase(), byte.to_ascii_uppercase()] } else { [byte, byte] };
        cases.iter().for_each(|byte| set[usize::from(byte >> 6)] |= 1 << (byte & 63));
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Matcher, RuleSet, check, example};
    use super::*;

    fn head(pattern: &str) -> Head {
        Head::of(&check::parse(pattern).expect("it parses"), false)
    }

    #[test]
    fn what_cannot_start_a_match_does_not_fit() {
        let one = head("ghp_(?<secret>[0-9a-f]{4})");
        assert!(one.fits(b"ghp_09af!") && one.fits(b"ghp_09af"));
        assert!(!one.fits(b"ghp_09ag") && !one.fits(b"ghp_09a"));
        let one = head("(?:sk|rk)_(?:live|test)_[a-z]+");
        assert!(one.fits(b"rk_test_a") && one.fits(b"sk_live_z") && !one.fits(b"sk_live_0") && !one.fits(b"pk_live_a"));
        // Cases of different length say nothing of what follows them.
        let one = head("a(?:b|cd)e");
        assert!(one.fits(b"abe") && one.fits(b"acde") && !one.fits(b"ae"));
        assert!(head("a?b").fits(b"b") && head("(?:x|)y").fits(b"y"));
    }

    #[test]
    fn a_run_is_what_every_match_has() {
        let run = |pattern: &str| head(pattern).run;
        assert_eq!(run("key: \\d{4}[a-z]{8}-[0-9a-f]{12}"), 25);
        assert_eq!(run("acme.{0,90}?(?:app|dataset)-[0-9A-Za-z]{24}"), 28);
        assert_eq!(run("a{20}|b{30}"), 20);
        assert_eq!(run("(?:[a-z]{5} ){3}"), 5);
        assert_eq!(run("[a-z]{0,9}x"), 1);
        let one = head("acme .{0,90}[0-9a-f]{16}");
        assert!(one.has_run(b"acme = 0123456789abcdef") && one.has_run(b"0123456789abcdef acme"));
        assert!(!one.has_run(b"acme = 0123456789abcde, 0123") && !one.has_run(b""));
    }

    /// No head may refuse what its pattern matches.
    #[test]
    fn every_match_of_a_built_in_rule_fits_its_head() {
        let rules = RuleSet::builtin().expect("the built-in rules are sound");
        let mut seen = 0;
        for rule in rules.iter() {
            let Matcher::Pattern(pattern) = &rule.matcher else { continue };
            for template in &rule.text().finds {
                let text = example::expand(template, &rule.id);
                for found in pattern.regex(text.len()).find_iter(text.as_bytes()) {
                    assert!(pattern.head().fits(&text.as_bytes()[found.start()..]), "{}: {text}", rule.id);
                    assert!(pattern.head().has_run(&text.as_bytes()[found.range()]), "{}: {text}", rule.id);
                    seen += 1;
                }
            }
        }
        assert!(seen > 50, "{seen}");
    }
}
