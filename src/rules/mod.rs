//! What to look for: rules as written, as run, and the proof that they hold.

mod builtin;
pub mod check;
pub(crate) mod checksum;
pub mod example;
mod rule;
mod runbook;
mod set;
mod spec;

pub use rule::{
    Alphabet, Assigned, CharClass, Check, Checksum, Companion, Confidence, Edges, Kind, MAX_REACH, Matcher, Pattern,
    Provider, Reach, Role, Rule, RuleId, Severity, Structure, Value,
};
pub use runbook::{Phase, Placeholders, Runbook, Step};
pub use set::RuleSet;
use spec::load_proved;
pub use spec::{RuleError, load};
