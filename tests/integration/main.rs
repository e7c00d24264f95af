//! End-to-end tests: set up, one command, one snapshot. Most behaviour is tested below the command
//! line, beside the code.

mod layers;
mod support;
