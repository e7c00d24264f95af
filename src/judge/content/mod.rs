//! Judges that need nothing but the bytes: the same blob always gets the same verdict.

mod checksum;
mod documented;
mod placeholder;
mod published;
mod score;
mod structure;

use crate::{
    detect::{Candidate, Window},
    finding::{Fact, Secret},
    judge::{Judged, Reason, Verdict},
    rules::{CharClass, Check, Confidence, Matcher, Rule},
};

pub use structure::Proof;

/// Judges one candidate. `now` (seconds since 1970) decides whether a token has expired.
pub fn judge(rule: &Rule, candidate: Candidate, window: &Window<'_>, now: i64) -> Judged {
    let cut = |range: &std::ops::Range<u64>| candidate.text(window, range);
    let secret = &*cut(&candidate.secret);
    let mut facts: Vec<Fact> = Vec::new();
    let mut remarks: Vec<String> = Vec::new();
    let mut name = std::borrow::Cow::Borrowed(&b""[..]);
    for (group, range) in &candidate.groups {
        let text = cut(range);
        if &**group == "name" {
            name = text;
        } else if !text.is_empty() {
            let text = crate::finding::neutralise(&String::from_utf8_lossy(&text));
            facts.push(Fact::new(group.to_string(), text));
        }
    }
    if candidate.coded.is_some() {
        remarks.push("it stands there in base64".to_owned());
    }
    let mut confidence = rule.confidence;
    let verdict = 'verdict: {
        if let Some(reason) = placeholder::find(secret, matches!(rule.matcher, Matcher::Assigned(_))) {
            break 'verdict Err(reason);
        }
        if published::is(secret) {
            break 'verdict Err(Reason::DocumentationExample);
        }
        for check in &rule.checks {
            match hold(check, secret, &cut(&candidate.matched), now, &mut facts, &mut remarks) {
                Ok(Proof::Neutral) => {}
                Ok(Proof::Certain) => confidence = Confidence::Certain,
                Ok(Proof::Weaker(remark)) => {
                    confidence = lower(confidence);
                    remarks.push(remark);
                }
                Err(reason) => break 'verdict Err(reason),
            }
        }
        if let Matcher::Assigned(_) = rule.matcher {
            match score::plausible(&name, secret, candidate.form) {
                Ok((least, remark)) => {
                    confidence = confidence.min(least);
                    remarks.extend(remark.map(str::to_owned));
                }
                Err(reason) => break 'verdict Err(reason),
            }
        }
        if documented::is_printed(secret) {
            break 'verdict Err(Reason::DocumentationExample);
        }
        Ok(confidence)
    };
    facts.dedup();
    Judged {
        secret: Secret::new(secret),
        candidate,
        verdict: verdict.map_or_else(Verdict::Dismiss, Verdict::Report),
        facts,
        remarks,
        parts: Vec::new(),
    }
}

/// One step less sure.
pub(crate) fn lower(confidence: Confidence) -> Confidence {
    match confidence {
        Confidence::Certain => Confidence::High,
        Confidence::High => Confidence::Medium,
        Confidence::Medium | Confidence::Low => Confidence::Low,
    }
}

fn hold(
    check: &Check,
    secret: &[u8],
    matched: &[u8],
    now: i64,
    facts: &mut Vec<Fact>,
    remarks: &mut Vec<String>,
) -> Result<Proof, Reason> {
    match check {
        Check::Entropy(needed) => {
            let bits = crate::finding::shannon(secret);
            let needed = f64::from(*needed);
            if bits < needed { Err(Reason::LowEntropy { bits, needed }) } else { Ok(Proof::Neutral) }
        }
        Check::Distinct(needed) => {
            let mut seen = [false; 256];
            secret.iter().for_each(|byte| seen[usize::from(*byte)] = true);
            let distinct = seen.iter().filter(|there| **there).count();
            if distinct < *needed { Err(Reason::FewDistinct { distinct, needed: *needed }) } else { Ok(Proof::Neutral) }
        }
        Check::Classes(classes) => {
            let holds = |class: CharClass| {
                secret.iter().any(|byte| match class {
                    CharClass::Digit => byte.is_ascii_digit(),
                    CharClass::Letter => byte.is_ascii_alphabetic(),
                    CharClass::Upper => byte.is_ascii_uppercase(),
                    CharClass::Lower => byte.is_ascii_lowercase(),
                })
            };
            match classes.iter().find(|class| !holds(**class)) {
                Some(class) => Err(Reason::MissingClass(class.word())),
                None => Ok(Proof::Neutral),
            }
        }
        Check::HexAfter(start) => {
            let hex = |rest: &[u8]| rest.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            match secret.strip_prefix(start.as_bytes()).is_some_and(hex) {
                true => Ok(Proof::Neutral),
                false => Err(Reason::BadStructure("it does not begin as it would have to, with hex behind")),
            }
        }
        Check::Checksum(kind) => checksum::verify(*kind, secret, facts),
        Check::Structure(kind) => structure::parse(*kind, secret, matched, now, facts, remarks),
    }
}
