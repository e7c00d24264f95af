//! What can only be decided with all candidates of a blob at hand: pairs and overlaps.

use std::{cmp::Reverse, collections::BTreeMap};

use super::{Judged, Reason, Verdict, content};
use crate::{
    finding::Fact,
    rules::{Confidence, Matcher, Role, Rule, RuleSet},
};

/// Joins pairs, then lets the most specific of overlapping candidates win.
pub fn merge(rules: &RuleSet, judged: &mut [Judged]) {
    join_pairs(rules, judged);
    settle_overlaps(rules, judged);
}

fn join_pairs(rules: &RuleSet, judged: &mut [Judged]) {
    let longest = longest(judged);
    for at in 0..judged.len() {
        let rule = rules.at(judged[at].candidate.rule);
        let Some(companion) = &rule.companion else {
            continue;
        };
        let Verdict::Report(confidence) = judged[at].verdict else {
            continue;
        };
        let secret = judged[at].candidate.secret.clone();
        let distance = |other: &Judged| {
            let range = &other.candidate.secret;
            range.start.saturating_sub(secret.end).max(secret.start.saturating_sub(range.end))
        };
        let stands = |other: &usize| {
            *other != at
                && rules.at(judged[*other].candidate.rule).id == companion.rule
                && !matches!(&judged[*other].verdict, Verdict::Dismiss(reason) if !matches!(reason, Reason::PartOf(_) | Reason::CompanionAlone))
        };
        // The list is in order of starts, so only neighbours within reach are looked at.
        let reach = companion.within as u64 + longest;
        let first = judged.partition_point(|other| other.candidate.secret.start + reach < secret.start);
        let nearest = (first..judged.len())
            .take_while(|other| judged[*other].candidate.secret.start <= secret.end + reach)
            .filter(stands)
            .map(|other| (distance(&judged[other]), other))
            .filter(|(distance, _)| *distance <= companion.within as u64)
            .min();
        match nearest {
            None if companion.required => {
                judged[at].verdict = Verdict::Dismiss(Reason::NoCompanion(companion.rule.clone()));
            }
            None => {}
            Some((_, other)) => {
                let part = judged[other].candidate.clone();
                let mut facts = judged[other].facts.clone();
                // The text of a companion is public by definition; that of another rule might not be.
                if rules.at(part.rule).role == Role::Companion {
                    let text = String::from_utf8_lossy(judged[other].secret.reveal()).into_owned();
                    facts.push(Fact::new(companion.fact.to_string(), crate::finding::neutralise(&text)));
                }
                judged[at].verdict = Verdict::Report(confidence.max(Confidence::High));
                judged[at].parts.push(part);
                for fact in facts {
                    if !judged[at].facts.iter().any(|known| known.name == fact.name) {
                        judged[at].facts.push(fact);
                    }
                }
                judged[other].verdict = Verdict::Dismiss(Reason::PartOf(rule.id.clone()));
            }
        }
    }
    for one in judged.iter_mut() {
        if rules.at(one.candidate.rule).role == Role::Companion && matches!(one.verdict, Verdict::Report(_)) {
            one.verdict = Verdict::Dismiss(Reason::CompanionAlone);
        }
    }
}

/// Higher is more specific: rules that know the value itself before those that only know the place of a password
/// (a connection string, a container such as `.pgpass`), these before contextual, contextual before generic; then
/// one whose companion stands near; then the longer match (or the nearer word), then the surer.
fn rank(rule: &Rule, one: &Judged) -> (u8, bool, u64, Option<Confidence>) {
    let class = match rule.matcher {
        _ if rule.is_generic() => 0,
        Matcher::Assigned(_) => 0,
        Matcher::Value(_) => 1,
        Matcher::Pattern(_) if rule.knows_the_place_only() => 2,
        Matcher::Pattern(_) => 3,
    };
    let confidence = match one.verdict {
        Verdict::Report(confidence) => Some(confidence.max(rule.confidence)),
        Verdict::Dismiss(_) => None,
    };
    let length = one.candidate.matched.end - one.candidate.matched.start;
    // Of contextual rules the one whose word stands nearest, of others the longer match.
    // Where its other half stands near, the provider is hardly another.
    let paired = class == 1 && !one.parts.is_empty();
    (class, paired, if class == 1 { u64::MAX - length } else { length }, confidence)
}

fn settle_overlaps(rules: &RuleSet, judged: &mut [Judged]) {
    // By specificity; ties by rule, so that the outcome never depends on the order of finding.
    let mut order: Vec<usize> = (0..judged.len()).collect();
    order.sort_by_key(|at| {
        let one = &judged[*at];
        let rule = rules.at(one.candidate.rule);
        (Reverse(rank(rule, one)), one.candidate.rule, one.candidate.secret.start)
    });
    let longest = longest(judged);
    // By start: the end, the rule, and whether it is reported.
    let mut taken: BTreeMap<(u64, usize), (u64, usize, bool)> = BTreeMap::new();
    for (turn, at) in order.into_iter().enumerate() {
        let range = judged[at].candidate.secret.clone();
        let rule = judged[at].candidate.rule;
        let generic = rank(rules.at(rule), &judged[at]).0 == 0;
        let near = taken.range((range.start.saturating_sub(longest), 0)..(range.end, 0));
        // A repository adds rules and must not hide behind them what a built-in rule sees: its rule may rename
        // a finding but not make it less certain, and what it dismisses settles nothing.
        let foreign = |by: usize| !rules.at(by).is_built_in() && rules.at(rule).is_built_in();
        // Of several the most specific counts, which was taken first.
        let over = near
            .filter(|(_, (end, by, _))| range.start < *end && *by != rule)
            .filter(|(_, (_, by, reported))| *reported || !foreign(*by))
            .min_by_key(|((_, turn), _)| *turn)
            .map(|(_, (_, by, reported))| (*by, *reported));
        match (&judged[at].verdict, over) {
            (Verdict::Report(confidence), Some((by, true))) => {
                let confidence = *confidence;
                if foreign(by) {
                    raise(judged, by, &range, confidence);
                }
                judged[at].verdict = Verdict::Dismiss(Reason::Shadowed(rules.at(by).id.clone()));
            }
            (Verdict::Report(_), Some((by, false))) if generic => {
                judged[at].verdict = Verdict::Dismiss(Reason::Settled(rules.at(by).id.clone()));
            }
            (Verdict::Report(_), _) => {
                taken.insert((range.start, turn), (range.end, rule, true));
            }
            (Verdict::Dismiss(reason), _)
                if !generic && (reason.settles() || matches!(reason, Reason::PartOf(_) | Reason::CompanionAlone)) =>
            {
                taken.insert((range.start, turn), (range.end, rule, false));
            }
            (Verdict::Dismiss(_), _) => {}
        }
    }
}

/// Makes what a rule reports in a range at least so certain.
fn raise(judged: &mut [Judged], rule: usize, range: &std::ops::Range<u64>, least: Confidence) {
    for one in judged.iter_mut() {
        let secret = &one.candidate.secret;
        if one.candidate.rule == rule
            && secret.start < range.end
            && range.start < secret.end
            && let Verdict::Report(confidence) = &mut one.verdict
        {
            *confidence = least.max(*confidence);
        }
    }
}

/// Bytes of the longest secret in a list.
fn longest(judged: &[Judged]) -> u64 {
    judged.iter().map(|one| one.candidate.secret.end - one.candidate.secret.start).max().unwrap_or(0)
}

/// One step less sure, for callers outside.
pub(crate) fn lower(verdict: &mut Verdict) {
    if let Verdict::Report(confidence) = verdict {
        *confidence = content::lower(*confidence);
    }
}
