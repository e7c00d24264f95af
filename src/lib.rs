//! Finds hard-coded tokens in files and git history, and tells how to get out of the leak.
//!
//! A [`source`] hands out blobs; `detect` finds candidates by content alone; `judge` gives each a
//! verdict; what remains becomes a [`finding::Finding`], findings with the same secret one
//! [`finding::Incident`], and a run ends in a [`report::Report`]. `docs/design.md` has the reasons.

pub mod config;
pub mod detect;
pub mod finding;
pub mod judge;
pub mod report;
pub mod rules;
pub mod scan;
pub mod source;
pub mod suppress;
