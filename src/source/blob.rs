//! A piece of content to scan.

use std::{fmt, io::Read};

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
pub enum Content {
    /// All of them, in memory.
    Bytes(Vec<u8>),
    /// Too many to hold: to be read through a window, once.
    Stream(Box<dyn Read + Send>),
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "Bytes({})", bytes.len()),
            Self::Stream(_) => f.write_str("Stream"),
        }
    }
}
