//! Git repositories: what they hold, what a change brings in, and who brought it in.
//!
//! Objects are read as they are stored: no graft, no replacement, no filter, no attribute of the
//! repository changes what is seen, and nothing that it configures is executed.

mod attribute;
mod change;
mod commits;
mod ever;
mod graph;
mod hooks;
mod ids;
mod index;
mod loose;
mod objects;
mod pack;
mod presence;
mod process;
mod push;
mod range;
mod raw;
mod refs;
mod repository;
mod set_diff;
mod staged;
mod sweep;
#[cfg(test)]
pub(crate) mod tests;
mod tree_diff;
mod tree_tables;
mod trees;

pub use attribute::{Attribution, PlaceHistory, ValueHistory, ValueId};
pub use change::{Change, Changes, ParentFile};
pub use commits::Commits;
pub use graph::{CommitGraph, CommitNode, RefTip};
pub use hooks::{HookFolder, hooks_path, set_hooks_path};
pub use objects::{Census, Selection};
pub use pack::{Copied, DeltaError, Edit, Limits, ObjectId, Packs, Swept, Visit, apply, sweep_object_dirs};
pub use push::{KnownRefs, Push};
pub use raw::message_of;
pub use repository::{HeadInfo, Repository, RepositoryFacts};
