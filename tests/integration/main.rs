//! End-to-end tests: set up, one command, one snapshot. Most behaviour is tested below the command
//! line, beside the code.

mod action;
mod action_events;
mod canaries;
mod ci_examples;
mod docs;
mod files;
mod history;
mod hooks;
mod hostile;
mod layers;
mod outputs;
mod packages;
mod readme;
mod ship_support;
mod support;
mod suppression;
