//! A version found from its base is what the whole version gives, whatever the edit; and each shortcut of
//! the sweep is needed for that, or the test would not notice.

use std::ops::Range;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::{Piece, pieces, scanner, text_of};
use crate::{
    detect::{Candidate, Detector, Fault, Version, classify},
    source::git::{Copied, Edit},
};

/// One instruction of an edit, sized as shares so that it fits any base.
#[derive(Debug, Clone)]
enum Step {
    /// Take over the base from one share of it to another.
    Copy(u16, u16),
    /// Go on where the last copy ended, after so many bytes left out.
    Skip(u8, u16),
    /// Insert a text.
    Insert(Vec<Piece>),
    /// Insert a few bytes of the middle of a text.
    Crumb(Vec<Piece>, u16, u8),
    /// A NUL makes it binary.
    Nul,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (any::<u16>(), any::<u16>()).prop_map(|(from, to)| Step::Copy(from, to)),
        6 => (0..12u8, any::<u16>()).prop_map(|(left, share)| Step::Skip(left, share)),
        2 => pieces(false).prop_map(|pieces| Step::Insert(pieces.into_iter().take(4).collect())),
        3 => (pieces(false), any::<u16>(), 0..40u8)
            .prop_map(|(pieces, at, len)| Step::Crumb(pieces.into_iter().take(2).collect(), at, len)),
    ];
    // A NUL anywhere changes what is looked for everywhere, so it is rare.
    let nul = prop_oneof![12 => Just(None), 1 => Just(Some(Step::Nul))];
    (prop::collection::vec(step, 1..8), nul).prop_map(|(mut steps, nul)| {
        steps.extend(nul);
        steps
    })
}

/// Makes the next version, with copies merged as a delta's are.
fn apply(base: &[u8], steps: &[Step], text: &mut dyn FnMut(&[Piece]) -> Vec<u8>) -> (Vec<u8>, Edit) {
    let mut out = Vec::new();
    let mut edit = Edit { base_len: base.len(), ..Edit::default() };
    let mut last = 0;
    let share = |of: u16, len: usize| len * usize::from(of) / usize::from(u16::MAX);
    for step in steps {
        let range: Range<usize> = match step {
            Step::Copy(a, b) => {
                let (a, b) = (share(*a, base.len()), share(*b, base.len()));
                // Half of all copies reach an end of the base.
                if a % 4 == 0 {
                    0..b
                } else if b % 4 == 0 {
                    a.min(b)..base.len()
                } else {
                    a.min(b)..a.max(b)
                }
            }
            Step::Skip(left, of) => {
                let from = (last + usize::from(*left)).min(base.len());
                from..from + share(*of, base.len() - from)
            }
            Step::Insert(pieces) => {
                out.extend(text(pieces));
                continue;
            }
            Step::Crumb(pieces, at, len) => {
                let all = text(pieces);
                let from = share(*at, all.len());
                out.extend(&all[from..all.len().min(from + usize::from(*len))]);
                continue;
            }
            Step::Nul => {
                out.push(0);
                continue;
            }
        };
        if range.is_empty() {
            continue;
        }
        last = range.end;
        match edit.copies.last_mut() {
            Some(copied) if copied.at + copied.len == out.len() && copied.base + copied.len == range.start => {
                copied.len += range.len();
            }
            _ => edit.copies.push(Copied { base: range.start, at: out.len(), len: range.len() }),
        }
        out.extend(&base[range]);
        if out.len() > 400_000 {
            break;
        }
    }
    edit.len = out.len();
    (out, edit)
}

fn whole(detector: &Detector, text: &[u8]) -> Vec<Candidate> {
    detector.first_version(text, classify(text), &mut |_| ()).candidates()
}

/// The first version whose list differs from that of the whole text.
fn first_difference(
    detector: &Detector,
    sound: &Detector,
    rules: &crate::rules::RuleSet,
    first: &[Piece],
    generations: &[Vec<Step>],
) -> Option<String> {
    let mut text = text_of(first, rules);
    let mut version: Version<()> = detector.first_version(&text, classify(&text), &mut |_| ());
    for (generation, steps) in generations.iter().enumerate() {
        let (next, edit) = apply(&text, steps, &mut |pieces| text_of(pieces, rules));
        let before = version.candidates();
        let (made, same) = detector.next_version(&next, classify(&next), &version, &edit, &mut |_| ());
        let (got, wanted) = (made.candidates(), whole(sound, &next));
        if got != wanted {
            let missing: Vec<_> = wanted.iter().filter(|one| !got.contains(one)).collect();
            let extra: Vec<_> = got.iter().filter(|one| !wanted.contains(one)).collect();
            return Some(format!("generation {generation}: missing {missing:?}, too many {extra:?}, {edit:?}"));
        }
        if same {
            let rules = |list: &[Candidate]| list.iter().map(|one| one.rule).collect::<Vec<_>>();
            if rules(&before) != rules(&got) {
                return Some(format!("generation {generation}: said to be the same"));
            }
        }
        (text, version) = (next, made);
    }
    None
}

/// Some of the blob's own candidates are the same as those of [`Detector::find`].
#[test]
fn a_first_version_is_what_find_finds() {
    let scanner = scanner();
    let all: Vec<Piece> =
        (0..scanner.rules().len()).flat_map(|rule| [Piece::Example(rule, 0, 3), Piece::Filler("\n", 2)]).collect();
    let text = text_of(&all, scanner.rules());
    let found = super::find(&scanner.detector, &text, std::slice::from_ref(&(0..text.len())), classify(&text));
    assert_eq!(found, whole(&scanner.detector, &text));
    assert!(found.len() >= scanner.rules().len());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: ProptestConfig::default().cases / 2, ..ProptestConfig::default() })]

    #[test]
    fn a_version_found_from_its_base_is_what_the_whole_text_gives(
        first in any::<bool>().prop_flat_map(pieces),
        generations in prop::collection::vec(steps(), 1..6),
    ) {
        let scanner = scanner();
        let difference =
            first_difference(&scanner.detector, &scanner.detector, scanner.rules(), &first, &generations);
        prop_assert!(difference.is_none(), "{}", difference.unwrap_or_default());
    }
}

#[test]
fn every_shortcut_that_is_left_out_is_noticed() {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config { failure_persistence: None, ..Config::default() }, rng);
    let sound = scanner();
    let strategy = (any::<bool>().prop_flat_map(pieces), prop::collection::vec(steps(), 1..6));
    for fault in [Fault::Inherit, Fault::Ends, Fault::Anchors, Fault::Class] {
        let mut broken = scanner();
        broken.detector.fault = Some(fault);
        let noticed = (0..300).any(|_| {
            let (first, generations) = strategy.new_tree(&mut runner).expect("a tree").current();
            first_difference(&broken.detector, &sound.detector, sound.rules(), &first, &generations).is_some()
        });
        assert!(noticed, "{fault:?} changes nothing that the test can see");
    }
}
