//! End-to-end tests: set up, one command, one snapshot. Most behaviour is tested below the command
//! line, beside the code.

mod files;
mod history;
mod hostile;
mod layers;
mod outputs;
mod support;
mod suppression;
