//! A directory tree.
