//! What somebody said to be quiet about, who, and why.

mod disguise;
mod entry;
mod ignore_file;
mod inline;
mod policy;
mod slow;

pub use entry::{Entry, Print, Scope};
pub use ignore_file::{Asked, IGNORE_FILE, IgnoreFile, IgnoreSource, Said};
pub use inline::{Allow, inline};
pub use policy::{AllowPath, AllowRule, AllowValue, Grant, PathSettings, Policy, ValuePattern, day};
pub use slow::{Salt, new_salt, slow_hash};
