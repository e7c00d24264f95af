//! What somebody said to be quiet about, who, and why.

mod inline;
mod policy;

pub use inline::{Allow, inline};
pub use policy::{AllowPath, AllowRule, AllowValue, Policy};
