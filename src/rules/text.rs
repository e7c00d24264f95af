//! What a rule says to people.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Runbook;

/// Everything about a rule that a scan without findings has no use for.
#[derive(Debug, Serialize)]
pub struct RuleText {
    /// Completes the sentence "found a …".
    pub title: String,
    /// What the secret opens.
    pub description: String,
    /// Who issues it.
    pub provider: Arc<Provider>,
    /// The way out of a leak.
    pub runbook: Arc<Runbook>,
    /// The environment variable to read it from instead.
    pub env_var: Option<String>,
    /// How long it lives if nobody acts.
    pub lifetime: Option<String>,
    /// How to give it less power next time.
    pub least_privilege: Option<String>,
    /// The page that states the format.
    pub docs: String,
    /// Templates that must be found.
    pub finds: Vec<String>,
    /// Templates that must not be found.
    pub ignores: Vec<String>,
}

/// Who issues a credential.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// First part of its rules' ids.
    pub id: String,
    /// As people write it.
    pub name: String,
    /// Its documentation of credentials.
    pub url: String,
}
