//! Keys of findings that stay the same when lines move, for formats whose readers want one.
//!
//! A value of high entropy is known by its fingerprint; a short one by its turn among those of its rule and
//! path, for a hash of it would give it away.

use std::collections::BTreeMap;

use crate::finding::Finding;

/// Gives out keys, in the order of the report.
#[derive(Default)]
pub(super) struct Keys(BTreeMap<String, usize>);

impl Keys {
    pub(super) fn next(&mut self, finding: &Finding) -> blake3::Hash {
        let print = finding.fingerprint.as_ref().map(ToString::to_string).unwrap_or_default();
        let key = format!("{}\0{}\0{print}", finding.rule, finding.place.describe());
        let turn = self.0.entry(key.clone()).or_default();
        *turn += 1;
        blake3::hash(format!("keysweep report key\0{key}\0{turn}").as_bytes())
    }
}
