//! The rules that come with keysweep; `build.rs` lists the files.

include!(concat!(env!("OUT_DIR"), "/rule_files.rs"));
