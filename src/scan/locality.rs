//! The locality contract, held by random texts: whole, in any cores, through any window and among
//! any neighbours the answer is the same.

mod packs;
mod versions;

use std::{io::Cursor, ops::Range, sync::Arc};

use proptest::prelude::*;

use super::{Progress, Scanned, Scanner, Settings};
use crate::{
    detect::{Candidate, Class, Detector, MARGIN, Window},
    judge::Verdict,
    report::Thresholds,
    rules::{Confidence, Matcher, RuleSet, example},
    source::RelPath,
    suppress::Policy,
};

fn scanner() -> Scanner {
    let settings = Settings {
        thresholds: Thresholds { show: Confidence::Low, fail: Confidence::Medium },
        now: 1_760_000_000,
        target: "random texts".to_owned(),
        prefix: RelPath::default(),
        whole_blobs: false,
    };
    let rules = Arc::new(RuleSet::builtin().expect("the built-in rules are sound"));
    Scanner::new(rules, Policy { inline: true, ..Policy::default() }, settings, Arc::new(Progress::default()))
}

/// A piece of a text; small enough to be printed when a test fails.
#[derive(Debug, Clone)]
enum Piece {
    /// An example of a rule: which rule, which example, which secret.
    Example(usize, usize, u8),
    /// An example in base64, behind so many other bytes.
    Coded(usize, usize, usize),
    /// An anchor of a rule without what belongs to it.
    Anchor(usize, usize),
    /// So many anchors of a rule, each with a blank behind it: where they crowd, far rules are not tried.
    Crowd(usize, usize, usize),
    /// A key of so many lines: it needs most of its rule's reach.
    LongKey(usize),
    /// A token whose middle part is so long.
    LongToken(usize),
    /// Some text so many times.
    Filler(&'static str, usize),
}

fn pieces(long: bool) -> impl Strategy<Value = Vec<Piece>> {
    const FILLERS: [&str; 12] =
        ["\n", " ", "\r\n", "a", "x1 ", "\\", "\\n", "'", "lorem ipsum dolor\n", "=", "-", "\u{fc}\u{20ac}"];
    let longest = if long { 70_000 } else { 300 };
    let filler =
        move |most: usize| (0..FILLERS.len(), 0..most).prop_map(|(at, times)| Piece::Filler(FILLERS[at], times));
    let piece = prop_oneof![
        6 => (0..1000usize, 0..20usize, any::<u8>()).prop_map(|(rule, at, seed)| Piece::Example(rule, at, seed)),
        2 => (0..1000usize, 0..20usize, 0..70usize).prop_map(|(rule, at, lead)| Piece::Coded(rule, at, lead)),
        2 => (0..1000usize, 0..20usize).prop_map(|(rule, at)| Piece::Anchor(rule, at)),
        1 => (0..1000usize, 0..20usize, 50..80usize).prop_map(|(rule, at, times)| Piece::Crowd(rule, at, times)),
        1 => (1..250usize).prop_map(Piece::LongKey),
        1 => (20..8_300usize).prop_map(Piece::LongToken),
        4 => filler(6),
        2 => filler(longest),
        // A run at the limit of what is a token, and lines at the limit of what is within reach.
        1 => (65_500..65_560usize).prop_map(move |times| Piece::Filler("a", if long { times } else { 20 })),
        1 => (0..400usize).prop_map(move |less| Piece::Filler(" ", if long { MARGIN - less } else { less })),
    ];
    prop::collection::vec(piece, 1..if long { 14 } else { 24 })
}

fn text_of(pieces: &[Piece], rules: &RuleSet) -> Vec<u8> {
    let mut text = String::new();
    for piece in pieces {
        match piece {
            Piece::Example(rule, at, seed) => {
                let rule = rules.at(rule % rules.len());
                text +=
                    &example::expand(&rule.text().finds[at % rule.text().finds.len()], &format!("{}{seed}", rule.id));
            }
            Piece::Coded(rule, at, lead) => {
                let rule = rules.at(rule % rules.len());
                let finds = &rule.text().finds;
                let plain = example::expand(&finds[at % finds.len()], &rule.id);
                text += &data_encoding::BASE64.encode(format!("{}{plain}", ": ".repeat(*lead)).as_bytes());
            }
            Piece::Anchor(rule, at) | Piece::Crowd(rule, at, _) => {
                let anchors = match &rules.at(rule % rules.len()).matcher {
                    Matcher::Pattern(pattern) => &pattern.anchors,
                    Matcher::Assigned(assigned) => &assigned.names,
                    Matcher::Value(value) => &value.words,
                };
                match piece {
                    Piece::Crowd(.., times) => text += &format!("{} ", anchors[at % anchors.len()]).repeat(*times),
                    _ => text += &anchors[at % anchors.len()],
                }
            }
            Piece::LongKey(lines) => {
                text += "-----BEGIN RSA PRIVATE";
                text += " KEY-----\n";
                text += &example::expand("{base64:64}\n", "line").repeat(*lines);
                text += "-----END RSA PRIVATE";
                text += " KEY-----\n";
            }
            Piece::LongToken(length) => {
                let part = format!("eyJ{{base62:20}}.eyJ{{base62:{length}}}.{{base62:50}} ");
                text += &example::expand(&part, "token");
            }
            Piece::Filler(unit, times) => text += &unit.repeat(*times),
        }
    }
    text.into_bytes()
}

fn find(detector: &Detector, text: &[u8], cores: &[Range<usize>], class: Class) -> Vec<Candidate> {
    let mut found = Vec::new();
    for core in cores {
        let from = core.start.saturating_sub(MARGIN);
        let until = text.len().min(core.end + MARGIN);
        let window = Window { bytes: &text[from..until], start: from as u64 };
        detector.find(&window, &(core.start - from..core.end - from), class, &mut found);
    }
    Detector::finish(&mut found);
    found
}

fn cores(length: usize, cuts: &[prop::sample::Index]) -> Vec<Range<usize>> {
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(length + 1)).chain([0, length]).collect();
    at.sort_unstable();
    at.windows(2).map(|pair| pair[0]..pair[1]).collect()
}

/// What two ways of reading must agree on.
fn kept(scanned: &Scanned) -> Vec<String> {
    let describe = |one: &super::Described| {
        let candidate = &one.judged.candidate;
        let Verdict::Report(confidence) = &one.judged.verdict else { unreachable!("kept is reported") };
        let parts: Vec<_> = one.judged.parts.iter().map(|part| (part.rule, part.secret.clone())).collect();
        format!("{} {:?} {confidence} {:?} {parts:?} {:?}", candidate.rule, candidate.secret, one.location, one.allow)
    };
    let mut all: Vec<String> = scanned.kept.iter().map(describe).collect();
    // Where nothing is kept nobody asks for the length of lines.
    let minified = scanned.minified && !all.is_empty();
    all.push(format!("dismissed {:?}, minified {minified}", scanned.dismissed));
    all
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn cores_cut_anywhere_find_what_one_core_finds(
        pieces in any::<bool>().prop_flat_map(pieces),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 1..6),
        binary in prop::bool::weighted(0.2),
    ) {
        let scanner = scanner();
        let text = text_of(&pieces, scanner.rules());
        let class = if binary { Class::Binary } else { Class::Plain };
        let whole = find(&scanner.detector, &text, std::slice::from_ref(&(0..text.len())), class);
        let parts = find(&scanner.detector, &text, &cores(text.len(), &cuts), class);
        prop_assert_eq!(whole, parts);
    }

    #[test]
    fn a_window_of_any_size_finds_what_the_whole_blob_gives(
        pieces in any::<bool>().prop_flat_map(pieces),
        core in prop_oneof![64..4_000usize, 4_000..300_000usize],
        padded in prop::bool::weighted(0.8),
    ) {
        let scanner = scanner();
        let mut text = text_of(&pieces, scanner.rules());
        if padded {
            // The last margin of a text is always in the last window: push the pieces out of it.
            text.extend(b" .\n".repeat(MARGIN / 3 + 1));
        }
        let core = core.max(text.len() / 600);
        let whole = scanner.scan_bytes(&text);
        let mut streamed = Scanned::default();
        scanner.scan_windows(&mut Cursor::new(&text), &mut streamed, core).expect("a slice can be read");
        prop_assert_eq!(kept(&whole), kept(&streamed));
        prop_assert_eq!(whole.bytes, streamed.bytes);
    }

    #[test]
    fn neighbours_beyond_the_reach_change_nothing(
        pieces in pieces(false),
        before in pieces(false),
        behind in pieces(false),
    ) {
        let scanner = scanner();
        let apart = b" .\n".repeat(MARGIN / 3 + 1);
        let text = text_of(&pieces, scanner.rules());
        let before = [&text_of(&before, scanner.rules())[..], b"\n", &apart[..]].concat();
        let behind = [&apart[..], &text_of(&behind, scanner.rules())[..]].concat();
        let core = 1..1 + text.len();
        let lines = [b"\n", &text[..], b"\n"].concat();
        let alone = find(&scanner.detector, &lines, std::slice::from_ref(&core), Class::Plain);
        let all = [&before[..], &text[..], b"\n", &behind[..]].concat();
        let core = before.len()..before.len() + text.len();
        let among = find(&scanner.detector, &all, &[core], Class::Plain);
        let place = |from: usize, one: &Candidate| {
            let shift = |range: &Range<u64>| range.start as i64 - from as i64..range.end as i64 - from as i64;
            (one.rule, shift(&one.matched), shift(&one.secret), one.form)
        };
        prop_assert_eq!(
            alone.iter().map(|one| place(1, one)).collect::<Vec<_>>(),
            among.iter().map(|one| place(before.len(), one)).collect::<Vec<_>>()
        );
    }
}

/// The random texts would prove nothing if little were found in them.
#[test]
fn random_texts_hold_candidates_of_nearly_every_rule() {
    let scanner = scanner();
    let rules = Arc::clone(scanner.rules());
    let all: Vec<Piece> =
        (0..rules.len()).flat_map(|rule| [Piece::Example(rule, 0, 7), Piece::Filler("\n", 8)]).collect();
    let text = text_of(&all, &rules);
    let found = find(&scanner.detector, &text, std::slice::from_ref(&(0..text.len())), Class::Plain);
    let missing: Vec<_> = (0..rules.len())
        .filter(|rule| !found.iter().any(|one| one.rule == *rule))
        .map(|rule| &rules.at(rule).id)
        .collect();
    // An example whose alphabet the generator meets by chance holds for the rule's own seed only.
    let own = |id: &&crate::rules::RuleId| {
        let at = rules.index(id).expect("it is one of them");
        let text = example::expand(&rules.at(at).text().finds[0], id);
        let found = find(&scanner.detector, text.as_bytes(), std::slice::from_ref(&(0..text.len())), Class::Plain);
        found.iter().all(|one| one.rule != at)
    };
    let missing: Vec<_> = missing.into_iter().filter(own).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
