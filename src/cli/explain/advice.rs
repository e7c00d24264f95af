//! The one setting that would change what became of a candidate.

use keysweep::{finding::SuppressedBy, judge::Reason, rules::Rule};

/// For a candidate that its place dismissed.
pub(super) const OF_PLACE: &str = "move it to another path, or write a rule of your own for its form (--rules FILE): only guesses are dismissed by place";

/// For a candidate that was dismissed by what it is.
pub(super) fn of(reason: &Reason, rule: &Rule) -> String {
    let own =
        |what: &str| format!("a rule of your own with {what} (keysweep rules show {} is where to start)", rule.id);
    match reason {
        Reason::LowEntropy { bits, .. } => own(&format!("`checks = [{{ entropy = {bits:.1} }}]`")),
        Reason::FewDistinct { distinct, .. } => own(&format!("`distinct = {distinct}`")),
        Reason::MissingClass(class) => own(&format!("a check that does not ask for {class}")),
        Reason::BadChecksum | Reason::BadStructure(_) => {
            "nothing, it cannot be one of these; a rule of your own without the check would report it".to_owned()
        }
        Reason::Placeholder(_) | Reason::DocumentationExample | Reason::Reference(_) => {
            "nothing needs to change: write the secret itself and it is reported".to_owned()
        }
        Reason::NameSaysOtherwise(_) => "another name, such as `password` or `token`".to_owned(),
        Reason::LooksLike(_) => own("a pattern for this form"),
        Reason::Encrypted(_) => "nothing: it is meant to be there".to_owned(),
        Reason::NoCompanion(companion) => format!("put the {companion} that it belongs to near it"),
        Reason::CompanionAlone => "nothing: it is no secret without the key that belongs to it".to_owned(),
        Reason::PartOf(other) | Reason::Shadowed(other) => {
            format!("allow {other} for it, and this rule reports the same bytes no sooner: see the finding of {other}")
        }
        Reason::Settled(other) => format!("what {other} said of the same bytes goes first: see it above"),
        Reason::Place(_) => OF_PLACE.to_owned(),
        _ => own("looser checks"),
    }
}

/// For a finding that somebody allowed.
pub(super) fn of_suppression(by: &SuppressedBy) -> String {
    match by {
        SuppressedBy::Inline | SuppressedBy::ForeignInline { .. } => "--no-inline".to_owned(),
        SuppressedBy::IgnoreFile { file, line, .. } => format!("take line {line} out of {file}, or --no-baseline"),
        SuppressedBy::Config { file, list } => format!("take the entry out of allow.{list} in {file}, or --no-config"),
        _ => "--no-trust".to_owned(),
    }
}
