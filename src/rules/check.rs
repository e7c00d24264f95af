//! What can be proved about a pattern before it runs.

use std::sync::Arc;

use regex_syntax::{
    ParserBuilder,
    hir::{
        Class, Hir, HirKind, Look,
        literal::{Extractor, Literal},
    },
};

/// More strings than this are not spelled out when a pattern's literals are followed.
const MAX_STRINGS: usize = 256;
/// Nor are more combinations of alternatives tried.
const MAX_CASES: usize = 1000;

/// Parses a pattern the way it will be compiled, but with its case as written.
pub(super) fn parse(source: &str) -> Result<Hir, String> {
    ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .dot_matches_new_line(true)
        .build()
        .parse(source)
        .map_err(|error| error.to_string().replace('\n', " "))
}

/// The names of the pattern's groups, in order.
pub(super) fn groups(hir: &Hir) -> Vec<Arc<str>> {
    match hir.kind() {
        HirKind::Capture(capture) => {
            let name = capture.name.as_deref().map(Arc::from);
            name.into_iter().chain(groups(&capture.sub)).collect()
        }
        HirKind::Repetition(repetition) => groups(&repetition.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().flat_map(groups).collect(),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => Vec::new(),
    }
}

/// The look-around that the pattern uses, if any: a rule sees only its segment, and where that ends
/// is not where the file ends.
pub(super) fn looks_outside(hir: &Hir) -> Option<&'static str> {
    let looks = hir.properties().look_set();
    looks.iter().next().map(|look| match look {
        Look::Start | Look::StartLF | Look::StartCRLF => "^ or \\A",
        Look::End | Look::EndLF | Look::EndCRLF => "$ or \\z",
        _ => "\\b or its like",
    })
}

/// Whether every match starts with one of the anchors.
pub(super) fn starts_with(hir: &Hir, anchors: &[String], nocase: bool) -> bool {
    let starts = |literal: &Literal| {
        anchors.iter().any(|anchor| {
            literal.as_bytes().get(..anchor.len()).is_some_and(|start| {
                if nocase { start.eq_ignore_ascii_case(anchor.as_bytes()) } else { start == anchor.as_bytes() }
            })
        })
    };
    let prefixes = Extractor::new().extract(hir);
    prefixes.literals().is_some_and(|literals| !literals.is_empty() && literals.iter().all(starts))
}

/// Whether every match contains one of the anchors.
pub(super) fn anchored(hir: &Hir, anchors: &[String], nocase: bool) -> bool {
    let anchors: Vec<Vec<u8>> = anchors
        .iter()
        .map(|anchor| if nocase { anchor.to_ascii_lowercase() } else { anchor.clone() }.into_bytes())
        .collect();
    let holds = |text: &[u8]| {
        let text = if nocase { text.to_ascii_lowercase() } else { text.to_vec() };
        anchors.iter().any(|anchor| memchr::memmem::find(&text, anchor).is_some())
    };
    must_hold(hir, &holds) || case_by_case(&[hir], &holds, &mut MAX_CASES.clone())
}

/// Tries the alternatives of a pattern one by one, with what stands around them: in
/// `(?:nats|mysql(?:\+[a-z]+)?)://` the anchor `nats://` begins in one and ends behind it.
fn case_by_case(parts: &[&Hir], holds: &dyn Fn(&[u8]) -> bool, cases: &mut usize) -> bool {
    let Some(left) = cases.checked_sub(1) else {
        return false;
    };
    *cases = left;
    let parts = flatten(parts);
    if concat_holds(&parts, holds) {
        return true;
    }
    let choices = |hir: &Hir| match hir.kind() {
        HirKind::Alternation(choices) => Some(choices.clone()),
        HirKind::Repetition(repetition) if repetition.min == 0 && repetition.max == Some(1) => {
            Some(vec![Hir::empty(), (*repetition.sub).clone()])
        }
        _ => None,
    };
    let Some((at, choices)) = parts
        .iter()
        .enumerate()
        .find_map(|(at, part)| strings(part).is_none().then(|| choices(part).map(|choices| (at, choices))).flatten())
    else {
        return false;
    };
    choices.iter().all(|choice| {
        let mut parts = parts.clone();
        parts[at] = choice;
        case_by_case(&parts, holds, cases)
    })
}

fn must_hold(hir: &Hir, holds: &dyn Fn(&[u8]) -> bool) -> bool {
    match hir.kind() {
        HirKind::Literal(literal) => holds(&literal.0),
        HirKind::Capture(capture) => must_hold(&capture.sub, holds),
        HirKind::Repetition(repetition) => repetition.min >= 1 && must_hold(&repetition.sub, holds),
        HirKind::Alternation(parts) => parts.iter().all(|part| must_hold(part, holds)),
        HirKind::Concat(parts) => concat_holds(&flatten(&parts.iter().collect::<Vec<_>>()), holds),
        HirKind::Empty | HirKind::Class(_) | HirKind::Look(_) => false,
    }
}

fn concat_holds(parts: &[&Hir], holds: &dyn Fn(&[u8]) -> bool) -> bool {
    // Neighbours that are plain text are joined before they are looked at: an anchor may span them.
    let mut texts: Vec<Vec<u8>> = vec![Vec::new()];
    for part in parts {
        if let Some(more) = strings(part)
            && texts.len() * more.len() <= MAX_STRINGS
        {
            texts = texts.iter().flat_map(|text| more.iter().map(|end| [&text[..], end].concat())).collect();
        } else {
            if texts.iter().all(|text| holds(text)) || must_hold(part, holds) {
                return true;
            }
            texts = vec![Vec::new()];
        }
    }
    texts.iter().all(|text| holds(text))
}

/// The parts of a concatenation with groups opened, so that `(?<secret>ghp_…)` shows its text.
fn flatten<'h>(parts: &[&'h Hir]) -> Vec<&'h Hir> {
    let mut flat = Vec::new();
    for part in parts {
        match part.kind() {
            HirKind::Capture(capture) => flat.extend(flatten(&[&*capture.sub])),
            HirKind::Concat(parts) => flat.extend(flatten(&parts.iter().collect::<Vec<_>>())),
            _ => flat.push(part),
        }
    }
    flat
}

/// Every string that a part matches, if they are few.
fn strings(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    let all = match hir.kind() {
        HirKind::Empty => vec![Vec::new()],
        HirKind::Literal(literal) => vec![literal.0.to_vec()],
        HirKind::Capture(capture) => strings(&capture.sub)?,
        HirKind::Class(Class::Bytes(class)) => {
            let bytes: Vec<u8> = class.ranges().iter().flat_map(|range| range.start()..=range.end()).take(9).collect();
            if bytes.len() > 8 {
                return None;
            }
            bytes.into_iter().map(|byte| vec![byte]).collect()
        }
        HirKind::Alternation(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(strings(part)?);
            }
            all
        }
        HirKind::Concat(parts) => {
            let mut all = vec![Vec::new()];
            for part in parts {
                let more = strings(part)?;
                if all.len() * more.len() > MAX_STRINGS {
                    return None;
                }
                all = all.iter().flat_map(|text: &Vec<u8>| more.iter().map(|end| [&text[..], end].concat())).collect();
            }
            all
        }
        HirKind::Repetition(repetition) if repetition.max == Some(1) && repetition.min == 0 => {
            let mut all = strings(&repetition.sub)?;
            all.push(Vec::new());
            all
        }
        _ => return None,
    };
    (all.len() <= MAX_STRINGS).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proves(pattern: &str, anchors: &[&str]) -> bool {
        let anchors: Vec<String> = anchors.iter().map(ToString::to_string).collect();
        anchored(&parse(pattern).expect("it parses"), &anchors, false)
    }

    #[test]
    fn an_anchor_may_span_groups_and_alternatives() {
        assert!(proves("(?<secret>sk_(live|test)_[0-9a-z]{24})", &["sk_live_", "sk_test_"]));
        assert!(!proves("(?<secret>sk_(live|test)_[0-9a-z]{24})", &["sk_live_"]));
        assert!(proves("[a-z]{3}8Q~[0-9a-z]{34}", &["8Q~"]));
        assert!(!proves("(ghp_)?[0-9a-z]{36}", &["ghp_"]));
        assert!(proves("xox[bp]-[0-9]+", &["xoxb-", "xoxp-"]));
        assert!(!proves("xox[bpa]-[0-9]+", &["xoxb-", "xoxp-"]));
    }

    #[test]
    fn looking_outside_the_segment_is_noticed() {
        assert!(looks_outside(&parse(r"ghp_[a-z]+\b").expect("it parses")).is_some());
        assert!(looks_outside(&parse("(?m)^ghp_").expect("it parses")).is_some());
        assert!(looks_outside(&parse("ghp_[a-z]+").expect("it parses")).is_none());
    }
}
