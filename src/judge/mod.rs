//! Gives each candidate a verdict: first by content, then on the merged list of its blob, then by
//! place. A dismissal keeps its reason, and `keysweep explain` prints it.

mod about;
pub mod content;
pub mod merge;
pub mod place;

pub use about::About;

use crate::{
    detect::Candidate,
    finding::{Fact, Secret},
    rules::{Confidence, RuleId},
};

/// A candidate with its verdict and what was read off it.
#[derive(Debug, Clone)]
pub struct Judged {
    /// What was judged.
    pub candidate: Candidate,
    /// The bytes of the secret.
    pub secret: Secret,
    /// What became of it.
    pub verdict: Verdict,
    /// What the secret and its surroundings say of themselves.
    pub facts: Vec<Fact>,
    /// What raised or lowered the confidence.
    pub remarks: Vec<String>,
    /// Other candidates of the blob that belong to it: index of their rule, secret, and range.
    pub parts: Vec<Candidate>,
}

/// What became of a candidate.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Worth a person's time, with the confidence the surroundings left.
    Report(Confidence),
    /// Not a secret, or not worth telling.
    Dismiss(Reason),
}

/// Why a candidate was dismissed.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Reason {
    /// Less random than the rule asks for.
    LowEntropy {
        /// Measured, in bits per byte.
        bits: f64,
        /// What the rule asks for.
        needed: f64,
    },
    /// Fewer different bytes than the rule asks for.
    FewDistinct {
        /// Counted.
        distinct: usize,
        /// What the rule asks for.
        needed: usize,
    },
    /// A class of characters that the rule asks for does not occur.
    MissingClass(&'static str),
    /// The provider's checksum is wrong.
    BadChecksum,
    /// It does not parse as what it would have to be.
    BadStructure(&'static str),
    /// A stand-in: a run of `x`, a word such as "changeme", a template.
    Placeholder(&'static str),
    /// The value of a vendor's documentation, or the key of an emulator.
    DocumentationExample,
    /// A reference to a variable, a vault or a function: the secret is elsewhere, as it should be.
    Reference(&'static str),
    /// The name says that the value is something else (a hash, a file name, a label).
    NameSaysOtherwise(&'static str),
    /// The value looks like something else: a path, a URL, code, prose.
    LooksLike(&'static str),
    /// Encrypted by a tool made for it (SOPS, age, ansible-vault, sealed secrets).
    Encrypted(&'static str),
    /// A part that must stand near does not.
    NoCompanion(RuleId),
    /// Only counts together with another finding.
    CompanionAlone,
    /// Became a part of another finding.
    PartOf(RuleId),
    /// A more specific candidate covers the same bytes.
    Shadowed(RuleId),
    /// A more specific rule looked at the same bytes and dismissed them.
    Settled(RuleId),
    /// The place makes a generic finding worthless, such as a lock file.
    Place(&'static str),
}

impl Reason {
    /// The stable name in counts and JSON.
    pub fn id(&self) -> &'static str {
        match self {
            Self::LowEntropy { .. } => "low-entropy",
            Self::FewDistinct { .. } => "few-distinct",
            Self::MissingClass(_) => "missing-class",
            Self::BadChecksum => "bad-checksum",
            Self::BadStructure(_) => "bad-structure",
            Self::Placeholder(_) => "placeholder",
            Self::DocumentationExample => "documentation-example",
            Self::Reference(_) => "reference",
            Self::NameSaysOtherwise(_) => "name-says-otherwise",
            Self::LooksLike(_) => "looks-like",
            Self::Encrypted(_) => "encrypted",
            Self::NoCompanion(_) => "no-companion",
            Self::CompanionAlone => "companion-alone",
            Self::PartOf(_) => "part-of",
            Self::Shadowed(_) => "shadowed",
            Self::Settled(_) => "settled",
            Self::Place(_) => "place",
        }
    }

    /// Whether a specific rule that gives this reason has settled the bytes for generic rules too.
    pub(crate) fn settles(&self) -> bool {
        matches!(
            self,
            Self::BadChecksum
                | Self::Placeholder(_)
                | Self::DocumentationExample
                | Self::Reference(_)
                | Self::Encrypted(_)
        )
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::LowEntropy { bits, needed } => {
                write!(f, "{bits:.2} bits of entropy per byte, the rule asks for {needed:.2}")
            }
            Self::FewDistinct { distinct, needed } => {
                write!(f, "{distinct} different bytes, the rule asks for {needed}")
            }
            Self::MissingClass(class) => write!(f, "there is no {class} in it"),
            Self::BadChecksum => f.write_str("the provider's checksum is wrong, so it was never issued"),
            Self::BadStructure(what) => write!(f, "it does not parse: {what}"),
            Self::Placeholder(what) => write!(f, "it is a placeholder ({what})"),
            Self::DocumentationExample => {
                f.write_str("everybody has it: an example of documentation, or the key of an emulator")
            }
            Self::Reference(what) => write!(f, "it refers to the secret instead of holding it ({what})"),
            Self::NameSaysOtherwise(what) => write!(f, "its name says that it is {what}"),
            Self::LooksLike(what) => write!(f, "it looks like {what}"),
            Self::Encrypted(what) => write!(f, "it is encrypted ({what})"),
            Self::NoCompanion(rule) => write!(f, "no {rule} stands near, without which it means nothing"),
            Self::CompanionAlone => f.write_str("it is an identifier, no secret"),
            Self::PartOf(rule) => write!(f, "it became a part of the finding {rule}"),
            Self::Shadowed(rule) => write!(f, "{rule} is more specific and reports the same bytes"),
            Self::Settled(rule) => write!(f, "{rule} is more specific and dismissed the same bytes"),
            Self::Place(what) => write!(f, "it stands in {what}"),
        }
    }
}
