//! Sets libgit2's process-wide switches, once.
//!
//! This is the only module with unsafe code: libgit2 keeps these switches in C globals without a
//! lock, and git2 therefore marks their setters unsafe.

#![expect(
    unsafe_code,
    reason = "libgit2's options are C globals; they are written once, before any repository is open"
)]

use std::sync::Once;

use git2::{ConfigLevel, opts};

/// Extensions of the repository format that change nothing for a reader of objects; refs of a reftable are a gap. libgit2 knows some of them
/// itself, depending on its version.
const EXTENSIONS: [&str; 5] = ["partialclone", "worktreeconfig", "preciousobjects", "relativeworktrees", "refstorage"];

/// Prepares libgit2. Every way to a [`git2::Repository`] comes through here first.
pub(super) fn prepare() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: `Once` runs this on one thread while every other caller waits, and no repository
        // is open yet, so nothing reads the globals meanwhile.
        unsafe {
            // Containers of CI systems often run as another user than the one who owns the
            // checkout. The check protects those who execute what a repository configures; we never
            // do.
            let _ = opts::set_verify_owner_validation(false);
            // The same repository must give the same answer on every machine.
            for level in [ConfigLevel::System, ConfigLevel::Global, ConfigLevel::XDG, ConfigLevel::ProgramData] {
                let _ = opts::set_search_path(level, "");
            }
            let _ = opts::set_extensions(&EXTENSIONS);
            // libgit2 would map whole packs; few objects are asked of it.
            let _ = opts::set_mwindow_size(1 << 20);
            let _ = opts::set_mwindow_mapped_limit(32 << 20);
        }
        // Nothing here reads an object twice soon; delta bases have a cache of their own.
        opts::enable_caching(false);
        // Hashing everything that is read with SHA-1 would cost more than reading it. Damage in a
        // pack or loose object shows in zlib's checksum; where few objects are read their hash is
        // checked by hand, see `Repository::read_blob`.
        opts::strict_hash_verification(false);
    });
}
