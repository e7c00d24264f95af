//! What to look for: rules as written, as run, and the proof that they hold.
//!
//! `build.rs` takes in the files that read and check rules, so they may name each other but nothing else of
//! the crate.

pub(crate) mod anchors;
mod builtin;
pub mod check;
pub(crate) mod checksum;
mod engine;
mod error;
pub mod example;
mod head;
mod rule;
mod runbook;
mod set;
mod spec;
mod text;

pub use error::RuleError;
pub use head::Head;
pub use rule::{
    Alphabet, Assigned, CharClass, Check, Checksum, Companion, Confidence, Edges, Kind, MAX_REACH, Matcher, Pattern,
    Reach, Role, Rule, RuleId, Severity, Structure, Value,
};
pub use runbook::{Phase, Placeholders, Runbook, Step};
pub use set::RuleSet;
pub use spec::load;
use spec::load_proved;
pub use text::{Provider, RuleText};
