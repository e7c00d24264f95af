//! All findings of one secret together: what a person has to deal with once.

use std::sync::Arc;

use super::Fingerprint;
use crate::{
    rules::{Confidence, RuleId, Severity, Step},
    source::CommitInfo,
};

/// One secret, wherever it stands.
#[derive(Debug, Clone)]
pub struct Incident {
    /// Stable within the report: `1`, `2`, … in the order of urgency.
    pub number: usize,
    /// The rule of its most certain finding.
    pub rule: RuleId,
    /// The worst of its findings.
    pub severity: Severity,
    /// The best of its findings.
    pub confidence: Confidence,
    /// Names the secret across runs.
    pub fingerprint: Option<Fingerprint>,
    /// The mask.
    pub masked: String,
    /// Indices into [`crate::report::Report::findings`].
    pub findings: Vec<usize>,
    /// The earliest commit that brought it in, where a history was read.
    pub first_seen: Option<Arc<CommitInfo>>,
    /// Whether HEAD (or the scanned tree) still holds it; `None` where that cannot be said.
    pub at_head: Option<bool>,
    /// What to do, filled with what is known of this secret.
    pub rotation: Vec<Step>,
    /// What to use instead of a long-lived secret.
    pub short_lived: Option<String>,
}
