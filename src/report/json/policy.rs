//! What was allowed and by whom, as JSON tells it.

use std::{borrow::Cow, collections::BTreeMap};

use serde::Serialize;

use super::Context;
use crate::finding::SuppressedBy;

/// `$defs/policy` of `docs/report.schema.json`.
#[derive(Serialize)]
pub(super) struct PolicyObject<'a> {
    read_from: Vec<Cow<'a, str>>,
    inline: bool,
    strict: bool,
    suppressed: Vec<OriginObject<'a>>,
    added: Vec<AddedObject<'a>>,
    stale: Vec<StaleObject<'a>>,
}

/// How many findings were suppressed by one origin.
#[derive(Serialize)]
struct OriginObject<'a> {
    by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<Cow<'a, str>>,
    count: usize,
}

#[derive(Serialize)]
struct AddedObject<'a> {
    path: String,
    line: Option<usize>,
    what: &'static str,
    text: Cow<'a, str>,
}

#[derive(Serialize)]
struct StaleObject<'a> {
    kind: &'static str,
    file: Cow<'a, str>,
    line: usize,
    text: Cow<'a, str>,
}

impl<'a> PolicyObject<'a> {
    pub(super) fn new(context: &Context<'a>) -> Self {
        let report = context.report;
        let policy = &report.policy;
        let text = |text: &'a str| context.redactor.text(text);
        let mut counts: BTreeMap<(String, Option<&'a str>), usize> = BTreeMap::new();
        for by in report.suppressed.iter().filter_map(|finding| finding.suppressed.as_ref()).map(|one| &one.by) {
            *counts.entry((by.id(), SuppressedBy::file(by))).or_default() += 1;
        }
        let origin =
            |((by, file), count): ((String, Option<&'a str>), usize)| OriginObject { by, file: file.map(text), count };
        Self {
            read_from: policy.read_from.iter().map(|name| text(name)).collect(),
            inline: policy.inline,
            strict: policy.strict,
            suppressed: counts.into_iter().map(origin).collect(),
            added: policy
                .added
                .iter()
                .map(|added| AddedObject {
                    path: context.redactor.line(&added.path.to_string()),
                    line: added.line,
                    what: added.what,
                    text: text(&added.text),
                })
                .collect(),
            stale: policy
                .stale
                .iter()
                .map(|stale| StaleObject {
                    kind: stale.kind.id(),
                    file: text(&stale.file),
                    line: stale.line,
                    text: text(&stale.text),
                })
                .collect(),
        }
    }
}
