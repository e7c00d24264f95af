//! Sweeps packs along their delta chains: git has already worked out what is new in every version.
//!
//! A [`forest`] is built from each pack's own index and the headers of its entries, and walked from the
//! roots that are of the kind asked for; the others are not inflated. Every version comes with the [`Edit`] that
//! made it from its delta base, so that a visitor looks only at what is new. A multi-pack index is never
//! needed, for each pack that it covers has an index of its own.
//!
//! Everything here reads what strangers wrote, with `pread` into buffers: a pack that is cut while it is
//! mapped would kill the process.

mod delta;
mod file;
mod forest;
mod headers;
mod id;
mod index;
mod inflate;
mod listing;
mod loose;
mod make;
mod memory;
mod packs;
mod rescue;
mod sweep;
mod tools;
mod visit;
mod walk;

pub use delta::{Copied, DeltaError, Edit, apply};
pub use id::ObjectId;
pub(super) use listing::Listing;
pub use packs::Packs;
pub use sweep::{Swept, sweep_object_dirs};
pub use visit::{Limits, Visit};
