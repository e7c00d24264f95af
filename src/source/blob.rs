//! A piece of content to scan.

use std::fs::File;

use super::Origin;

/// A piece of content and where it was found.
#[derive(Debug)]
pub struct Blob {
    /// Where it was found.
    pub origin: Origin,
    /// The bytes, or where to read them.
    pub content: Content,
}

/// The bytes of a blob.
#[derive(Debug)]
pub enum Content {
    /// All of them, in memory.
    Bytes(Vec<u8>),
    /// A regular file too large to hold, opened without following links.
    File {
        /// Positioned at the start.
        file: File,
        /// Size in bytes when it was opened.
        len: u64,
    },
}
