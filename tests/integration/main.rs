//! End-to-end tests, in one binary.

mod action;
mod docs;
mod hooks;
mod readme;
mod ship_support;
