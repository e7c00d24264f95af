//! End-to-end tests, in one binary.

mod ship_support;
