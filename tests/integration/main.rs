//! End-to-end tests: set up, one command, one snapshot. Most behaviour is tested below the command
//! line, beside the code.

mod action;
mod baseline;
mod canaries;
mod config;
mod docs;
mod files;
mod history;
mod hook_install;
mod hooks;
mod hostile;
mod layers;
mod outputs;
mod pushes;
mod quiet;
mod readme;
mod ship_support;
mod support;
mod suppression;
mod trust;
