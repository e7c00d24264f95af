//! End-to-end tests: set up, one command, one snapshot. Most behaviour is tested below the command
//! line, beside the code.

mod action;
mod action_events;
mod baseline;
mod canaries;
mod ci_examples;
mod config;
mod docs;
mod files;
mod history;
mod hook_install;
mod hooks;
mod hostile;
mod layers;
mod outputs;
mod packages;
mod pushes;
mod quiet;
mod readme;
mod ship_support;
mod support;
mod suppression;
mod trust;
