//! Allowlists: from what is written to what can be asked.

use std::{ops::Range, path::Path};

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use jiff::civil::Date;
use regex::bytes::{Regex, RegexBuilder};
use toml::Spanned;

use super::file::{AllowLists, ConfigError, Located, PathSpec};
use crate::{
    finding::Fingerprint,
    suppress::{AllowPath, AllowRule, AllowValue, Grant, PathSettings, Policy, ValuePattern},
};

type Outcome<T> = Result<T, ConfigError>;

/// Adds the allowlists of a file; `is_rule` knows the ids of rules.
pub(super) fn add(
    written: &Located<'_>,
    lists: &AllowLists,
    is_rule: &dyn Fn(&str) -> bool,
    policy: &mut Policy,
) -> Outcome<()> {
    for entry in &lists.paths {
        let (span, spec) = (entry.span(), entry.get_ref());
        let grant = grant(written, &span, &spec.reason, spec.expires.as_ref())?;
        let globs = written.need(span.clone(), spec.paths.as_ref(), "paths")?;
        policy.paths.push(AllowPath { globs: globs_of(written, span, globs)?, grant });
    }
    let rule = |id: &Spanned<String>| {
        if is_rule(id.get_ref()) {
            return Ok(id.get_ref().clone());
        }
        let message = format!("there is no rule {:?}", id.get_ref());
        Err(written.error(id.span(), &message, "run `keysweep rules list` for the ids"))
    };
    for entry in &lists.rules {
        let (span, spec) = (entry.span(), entry.get_ref());
        let grant = grant(written, &span, &spec.reason, spec.expires.as_ref())?;
        let id = rule(written.need(span.clone(), spec.rule.as_ref(), "rule")?)?;
        let globs = spec.paths.as_ref().map(|globs| globs_of(written, span.clone(), globs)).transpose()?;
        policy.rules.push(AllowRule { id, globs, grant });
    }
    for entry in &lists.values {
        let (span, spec) = (entry.span(), entry.get_ref());
        let grant = grant(written, &span, &spec.reason, spec.expires.as_ref())?;
        let value = match (&spec.pattern, &spec.value, &spec.fingerprint) {
            (Some(pattern), None, None) => ValuePattern::Pattern(whole(written, pattern, pattern.get_ref())?),
            (None, Some(value), None) => ValuePattern::Pattern(whole(written, value, &regex::escape(value.get_ref()))?),
            (None, None, Some(print)) => {
                ValuePattern::Fingerprint(Fingerprint::parse(print.get_ref()).ok_or_else(|| {
                    written.error(print.span(), "this is no fingerprint", "copy it from a report: ks1: and 32 digits")
                })?)
            }
            _ => {
                return Err(written.error(
                    span,
                    "the entry has to say which value in one way",
                    "write `pattern`, `value` or `fingerprint`, and only one of them",
                ));
            }
        };
        let globs = spec.paths.as_ref().map(|globs| globs_of(written, span.clone(), globs)).transpose()?;
        policy.values.push(AllowValue { value, rule: spec.rule.as_ref().map(rule).transpose()?, globs, grant });
    }
    Ok(())
}

/// The settings of some paths.
pub(super) fn settings(written: &Located<'_>, entry: &Spanned<PathSpec>) -> Outcome<PathSettings> {
    let (span, spec) = (entry.span(), entry.get_ref());
    let globs = written.need(span.clone(), spec.paths.as_ref(), "paths")?;
    if spec.min_confidence.is_none() && spec.fail_on.is_none() && spec.inline.is_none() {
        return Err(written.error(span, "the entry sets nothing", "add `min-confidence`, `fail-on` or `inline`"));
    }
    Ok(PathSettings {
        globs: globs_of(written, span, globs)?,
        show: spec.min_confidence,
        fail: spec.fail_on,
        inline: spec.inline,
    })
}

fn grant(
    written: &Located<'_>,
    span: &Range<usize>,
    reason: &str,
    expires: Option<&Spanned<toml::Value>>,
) -> Outcome<Grant> {
    if reason.chars().filter(|c| c.is_alphanumeric()).count() < 3 {
        return Err(written.error(span.clone(), "the entry has no reason", "add `reason = \"why this is no secret\"`"));
    }
    let day = |value: &Spanned<toml::Value>| {
        // TOML has dates of its own; a quoted one is the same.
        let text = match value.get_ref() {
            toml::Value::String(text) => text.clone(),
            toml::Value::Datetime(date) => date.to_string(),
            _ => "this".to_owned(),
        };
        let wrong = || written.error(value.span(), &format!("{text} is no date"), "write `expires = 2027-01-31`");
        text.parse::<Date>().map_err(|_| wrong())
    };
    let origin = written.origin(span);
    Ok(Grant {
        reason: reason.to_owned(),
        file: origin.file,
        line: origin.line,
        expires: expires.map(day).transpose()?,
    })
}

/// A pattern that the whole value must match.
fn whole(written: &Located<'_>, place: &Spanned<String>, pattern: &str) -> Outcome<Regex> {
    RegexBuilder::new(&format!("^(?:{pattern})$"))
        .unicode(false)
        .dot_matches_new_line(true)
        .size_limit(1 << 20)
        .build()
        .map_err(|error| {
            let message = format!("the pattern does not compile: {error}").replace('\n', " ");
            written.error(place.span(), &message, "see https://docs.rs/regex for the syntax")
        })
}

fn globs_of(written: &Located<'_>, span: Range<usize>, globs: &[String]) -> Outcome<Gitignore> {
    if globs.is_empty() {
        return Err(written.error(span, "the entry has no paths", "add `paths = [\"docs/**\"]`"));
    }
    let mut builder = GitignoreBuilder::new(Path::new(""));
    for glob in globs {
        builder.add_line(None, glob).map_err(|error| {
            let message = format!("the path pattern {glob:?} is wrong: {error}");
            written.error(span.clone(), &message, "write it as in .gitignore")
        })?;
    }
    builder.build().map_err(|error| {
        written.error(span, &format!("the path patterns are wrong: {error}"), "write them as in .gitignore")
    })
}
