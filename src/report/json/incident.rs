//! Incidents and rules as JSON tells them: what happened once, and what to do about it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Context, finding::CommitObject};
use crate::{
    finding::Incident,
    rules::{Confidence, Kind, Provider, Rule, Severity, Step},
};

/// `$defs/incident` of `docs/report.schema.json`.
#[derive(Serialize)]
pub(in crate::report) struct IncidentObject<'a> {
    number: usize,
    rule: &'a str,
    severity: Severity,
    confidence: Confidence,
    fingerprint: Option<&'a str>,
    masked: &'a str,
    findings: &'a [usize],
    first_seen: Option<CommitObject<'a>>,
    at_head: Option<bool>,
    rotation: Vec<Step>,
    short_lived: Option<&'a str>,
}

impl<'a> IncidentObject<'a> {
    pub(in crate::report) fn new(context: &Context<'a>, incident: &'a Incident) -> Self {
        Self {
            number: incident.number,
            rule: &incident.rule,
            severity: incident.severity,
            confidence: incident.confidence,
            fingerprint: incident.fingerprint.as_ref().map(|fingerprint| fingerprint.as_str()),
            masked: &incident.masked,
            findings: &incident.findings,
            first_seen: incident.first_seen.as_deref().map(|commit| CommitObject::new(context, commit)),
            at_head: incident.at_head,
            rotation: incident.rotation.iter().map(|step| shown(context, step)).collect(),
            short_lived: incident.short_lived.as_deref(),
        }
    }
}

/// Steps are read and typed by people, and a file's name may have been filled in.
fn shown(context: &Context<'_>, step: &Step) -> Step {
    let display = |text: &Option<String>| text.as_deref().map(|text| context.redactor.display(text));
    Step {
        action: context.redactor.display(&step.action),
        console: display(&step.console),
        cli: display(&step.cli),
        api: display(&step.api),
        ..step.clone()
    }
}

/// `$defs/rule`: placeholders such as `{key_id}` stay, an incident has them filled.
#[derive(Serialize)]
pub(in crate::report) struct RuleObject<'a> {
    title: &'a str,
    description: &'a str,
    kind: Kind,
    severity: Severity,
    confidence: Confidence,
    provider: &'a Provider,
    docs: &'a str,
    lifetime: Option<&'a str>,
    least_privilege: Option<&'a str>,
    env_var: Option<&'a str>,
    short_lived: Option<&'a str>,
    rotation: &'a [Step],
}

impl<'a> RuleObject<'a> {
    fn new(rule: &'a Rule) -> Self {
        Self {
            title: &rule.text().title,
            description: &rule.text().description,
            kind: rule.kind,
            severity: rule.severity,
            confidence: rule.confidence,
            provider: &rule.text().provider,
            docs: &rule.text().docs,
            lifetime: rule.text().lifetime.as_deref(),
            least_privilege: rule.text().least_privilege.as_deref(),
            env_var: rule.text().env_var.as_deref(),
            short_lived: rule.text().runbook.short_lived.as_deref(),
            rotation: &rule.text().runbook.steps,
        }
    }
}

/// The rules that findings name, by id.
pub(in crate::report) fn rules<'a>(context: &Context<'a>) -> BTreeMap<&'a str, RuleObject<'a>> {
    context.report.rules.iter().map(|(id, rule)| (&**id, RuleObject::new(rule))).collect()
}
