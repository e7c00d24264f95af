//! SARIF 2.1.0 (OASIS, errata 01) as GitHub's code scanning reads it.
//!
//! GitHub takes a subset and is strict about it: one run, complete regions, no result without a file,
//! no suppressed result (it would open an alert, codeql-action#1230), `results` even when empty
//! (codeql-action#420). What cannot be a result is said in a notification.

mod limit;
mod notice;
mod place;
mod result;
mod rule;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    io,
};

use serde::Serialize;
use serde_sarif::sarif::{Invocation, PropertyBag, ResultColumnKind, Run, RunAutomationDetails, Tool, ToolComponent};

use self::{limit::Limit, notice::Notices, result::Siblings};
use super::{
    Job, Look, Report,
    json::{Context, CoverageObject, Summary, Thresholds},
    keys::Keys,
};
use crate::finding::Finding;

/// The schema of the log, SARIF §3.13.3.
const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

pub(super) fn write(report: &Report, look: &Look, out: &mut dyn io::Write) -> io::Result<()> {
    let context = Context::new(report, look);
    out.write_all(&limit::fitting(&context, limit::GZIP)?)?;
    out.flush()
}

/// The only run: GitHub rejects several of one tool and category in a file.
fn run(context: &Context<'_>, limit: Limit) -> Run {
    let report = context.report;
    let mut notices = Notices::new(context);
    let mut shown: Vec<&Finding> = Vec::new();
    for finding in &report.findings {
        match place::has_file(&finding.place) {
            true => shown.push(finding),
            false => notices.pathless(&finding.place),
        }
    }
    // Of all of them: a place that is no result is still a place to mend.
    let siblings = Siblings::new(&shown);
    if shown.len() > limit.results {
        notices.cut(shown.len(), limit.results, limit.why);
        // Stable, so that the report's own order decides among equals.
        shown.sort_by_key(|finding| Reverse((finding.severity, finding.confidence)));
        shown.truncate(limit.results);
    }
    if shown.len() > limit::SHOWN {
        notices.hidden(shown.len(), limit::SHOWN);
    }
    let mut keys = Keys::default();
    let ids: BTreeSet<&str> = shown.iter().map(|finding| &*finding.rule).collect();
    let index: BTreeMap<&str, i64> = ids.iter().copied().zip(0..).collect();
    let rules = ids.iter().map(|id| rule::descriptor(id, report.rules.get(*id).map(AsRef::as_ref)));
    let results =
        shown.iter().map(|finding| result::result(context, finding, index[&*finding.rule], &siblings, &mut keys));
    let (descriptors, notifications) = notices.finish();

    let mut driver = ToolComponent::builder()
        .name(env!("CARGO_PKG_NAME"))
        .version(env!("CARGO_PKG_VERSION"))
        .semantic_version(env!("CARGO_PKG_VERSION"))
        .rules(rules.collect::<Vec<_>>())
        .notifications(descriptors)
        .build();
    driver.information_uri = Some(env!("CARGO_PKG_REPOSITORY").to_owned()).filter(|address| !address.is_empty());

    // §3.20.14: also for an incomplete run this stays true. GitHub answers false with "unsuccessful
    // execution" and drops the results (codeql-action#1316); the gaps are notifications, the exit
    // code says it, and so does `incomplete` below.
    let invocation =
        Invocation::builder().execution_successful(true).tool_execution_notifications(notifications).build();

    Run::builder()
        .tool(Tool::from(driver))
        .automation_details(RunAutomationDetails::builder().id(category(report.job)).build())
        .column_kind(ResultColumnKind::UnicodeCodePoints.to_string())
        .invocations(vec![invocation])
        .results(results.collect::<Vec<_>>())
        .properties(properties(&RunProperties::new(context)))
        .build()
}

/// §3.17.3. GitHub takes what stands before the last slash for the category, and each upload of a
/// category for its full state: a run over a range must not close the alerts of the whole history.
fn category(job: Job) -> &'static str {
    match job {
        Job::Files => "keysweep/tree/",
        Job::History => "keysweep/history/",
        Job::Refs => "keysweep/refs/",
        Job::Range => "keysweep/range/",
        Job::Staged => "keysweep/staged/",
        Job::Push => "keysweep/push/",
        Job::Receive => "keysweep/receive/",
    }
}

/// What SARIF has no word for, §3.8.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RunProperties<'a> {
    incomplete: bool,
    job: &'static str,
    thresholds: Thresholds,
    summary: Summary,
    coverage: CoverageObject<'a>,
}

impl<'a> RunProperties<'a> {
    fn new(context: &Context<'a>) -> Self {
        Self {
            incomplete: context.report.is_incomplete(),
            job: context.report.job.id(),
            thresholds: Thresholds::new(context),
            summary: Summary::new(context),
            coverage: CoverageObject::new(context),
        }
    }
}

/// A property bag from a struct.
fn properties<T: Serialize>(from: &T) -> PropertyBag {
    serde_json::to_value(from).and_then(serde_json::from_value).expect("a struct of words and numbers is an object")
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::{
        finding::Location,
        report::{
            Format,
            json::tests::{look, render, talkative},
            sample::sample,
        },
    };

    fn log(report: &Report) -> Value {
        serde_json::from_str(&render(Format::Sarif, report, &look(false))).expect("it is JSON")
    }

    fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
        value.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
    }

    fn empty() -> Report {
        let mut report = sample();
        report.findings.clear();
        report.incidents.clear();
        report.suppressed.clear();
        report.gaps.clear();
        report.notes.clear();
        report.coverage.canaries_lost.clear();
        report
    }

    /// `fixtures/schema/sarif-2.1.0.json` is the file `sarif-2.1/schema/sarif-schema-2.1.0.json` of
    /// oasis-tcs/sarif-spec at e0583813 (2026-03-01): OASIS' schema of 2.1.0 with errata 01.
    #[test]
    fn the_log_keeps_to_the_schema_of_oasis() {
        let schema = include_str!("../../fixtures/schema/sarif-2.1.0.json");
        let schema: Value = serde_json::from_str(schema).expect("the schema is JSON");
        let schema =
            jsonschema::options().should_validate_formats(true).build(&schema).expect("the schema is a schema");
        for report in [sample(), talkative(), empty()] {
            let log = log(&report);
            let errors: Vec<_> =
                schema.iter_errors(&log).map(|error| format!("{}: {error}", error.instance_path())).collect();
            assert!(errors.is_empty(), "{errors:#?}");
        }
        let mut wrong = log(&sample());
        wrong["runs"][0]["results"][0]["level"] = "dreadful".into();
        assert!(!schema.is_valid(&wrong));
    }

    #[test]
    fn the_run_is_what_github_asks_for() {
        let log = log(&sample());
        assert_eq!((&log["$schema"], &log["version"]), (&SCHEMA.into(), &"2.1.0".into()));
        assert_eq!(list(&log, "/runs").len(), 1);
        let run = &log["runs"][0];
        let driver = &run["tool"]["driver"];
        assert_eq!(driver["name"], "keysweep");
        assert_eq!(driver["semanticVersion"], env!("CARGO_PKG_VERSION"));
        assert_eq!(run["automationDetails"]["id"], "keysweep/history/");
        assert_eq!(run["columnKind"], "unicodeCodePoints");
        assert_eq!(run["invocations"][0]["executionSuccessful"], true);
        assert_eq!(run["properties"]["incomplete"], true);
        assert_eq!(run["properties"]["coverage"]["blobs"], 5_321);
    }

    #[test]
    fn an_empty_report_has_results_all_the_same() {
        let log = log(&empty());
        assert_eq!(log["runs"][0]["results"], Value::Array(vec![]));
        assert_eq!(log["runs"][0]["tool"]["driver"]["rules"], Value::Array(vec![]));
        assert_eq!(log["runs"][0]["properties"]["incomplete"], false);
    }

    #[test]
    fn the_rules_are_those_of_the_results_once_each_and_complete() {
        let log = log(&sample());
        let rules = list(&log, "/runs/0/tool/driver/rules");
        let ids: Vec<_> = rules.iter().map(|rule| rule["id"].as_str().unwrap_or_default()).collect();
        // A companion rule that only has parts is in the report and not here.
        assert_eq!(ids, ["acme-deploy-token", "acme-signing-key", "generic-password"]);
        for result in list(&log, "/runs/0/results") {
            let index = result["ruleIndex"].as_u64().and_then(|index| usize::try_from(index).ok());
            assert_eq!(result["ruleId"].as_str(), index.map(|index| ids[index]));
        }
        for rule in rules {
            for text in ["/shortDescription/text", "/fullDescription/text", "/help/text", "/help/markdown"] {
                let text = rule.pointer(text).and_then(Value::as_str).unwrap_or_default();
                assert!(!text.is_empty(), "{rule:#}");
            }
            let characters = rule.pointer("/fullDescription/text").and_then(Value::as_str).map(|t| t.chars().count());
            assert!(characters <= Some(1_024));
            let tags = list(rule, "/properties/tags");
            assert!(tags.len() <= 20 && tags.contains(&"security".into()), "{tags:?}");
        }
        let of = |id: usize, name: &str| rules[id]["properties"][name].clone();
        assert_eq!([of(0, "precision"), of(0, "security-severity")], ["high", "9.5"]);
        assert_eq!([of(1, "precision"), of(1, "security-severity")], ["very-high", "9.5"]);
        assert_eq!([of(2, "precision"), of(2, "security-severity")], ["low", "5.5"]);
    }

    #[test]
    fn every_result_has_a_file_a_complete_region_and_what_to_do_first() {
        let log = log(&sample());
        let results = list(&log, "/runs/0/results");
        let uris: Vec<_> = results
            .iter()
            .filter_map(|result| result.pointer("/locations/0/physicalLocation/artifactLocation/uri"))
            .filter_map(Value::as_str)
            .collect();
        let expected = [
            "deploy/server.pem",
            "backup/caf%E9%20key%231.pem",
            "app/settings.py",
            ".env.production",
            "docs/%C3%9Cber%20uns/set%20up%1B%5B31m.md",
        ];
        assert_eq!(uris, expected);
        for result in results {
            let related = list(result, "/relatedLocations");
            assert!(related.len() <= 100);
            for location in list(result, "/locations").iter().chain(related) {
                let region = &location["physicalLocation"]["region"];
                for name in ["startLine", "startColumn", "endLine", "endColumn"] {
                    assert!(region[name].as_u64() >= Some(1), "{name} of {region}");
                }
                assert_eq!(region["snippet"], Value::Null);
            }
            assert_eq!(result["suppressions"], Value::Null);
            let text = result["message"]["text"].as_str().unwrap_or_default();
            assert!(text.contains(" First step: "), "{text}");
        }
    }

    #[test]
    fn a_message_says_what_since_when_and_what_to_do() {
        let log = log(&sample());
        let text = |index: usize| log["runs"][0]["results"][index]["message"]["text"].as_str().unwrap_or_default();
        insta::assert_snapshot!(text(0), @"Found: Acme signing key (-----BEGIN RSA PRIVATE KEY-----…), certain confidence. Introduced by Zoë Ångström on 2024-04-04 in commit 010101010101 and still at HEAD. The block decodes to a key. First step: Stop publishing updates until clients trust a new key. (see: https://docs.acme.example/signing/incident)");
        insta::assert_snapshot!(text(2), @"Found: Acme deploy token (acme_********iSE), certain confidence. Introduced by Eve �gnp.exe␛[2J on 2026-08-22 in commit 040404040404; not at HEAD any more, but still in the history. Its checksum is right. A key id stands near. First step: Suspend the token ACIDSAMPLESAMPLE; this can be undone. (run: acme token suspend ACIDSAMPLESAMPLE) (send: POST https://api.acme.example/tokens/ACIDSAMPLESAMPLE/suspend) (console: Acme > Settings > Tokens > Suspend) (see: https://docs.acme.example/tokens/suspend)");
        insta::assert_snapshot!(text(3), @"Found: Acme deploy token (acme_********l1U), certain confidence. This change brings it in. First step: Suspend the token KEY_ID; this can be undone. (run: acme token suspend KEY_ID) (send: POST https://api.acme.example/tokens/KEY_ID/suspend) (console: Acme > Settings > Tokens > Suspend) (see: https://docs.acme.example/tokens/suspend)");
        insta::assert_snapshot!(text(4), @"Found: hard-coded password (*********), low confidence. The file is documentation. First step: Find out what the password opens: the name in PATH and its author know.");
    }

    #[test]
    fn an_alert_is_known_again_by_githubs_hash_and_by_ours() {
        let report = sample();
        let log = log(&report);
        let prints = &log["runs"][0]["results"][0]["partialFingerprints"];
        assert_eq!(prints["primaryLocationLineHash"].as_str(), report.findings[0].line_hash.as_deref());
        assert_eq!(prints["keysweep/v1"].as_str(), report.findings[0].fingerprint.as_ref().map(|print| print.as_str()));
        let weak = &log["runs"][0]["results"][4]["partialFingerprints"];
        assert_eq!(weak["keysweep/v1"], Value::Null, "a short password's hash would give it away");
    }

    #[test]
    fn the_other_places_of_a_secret_are_related_to_each_result() {
        let log = log(&sample());
        let related = list(&log, "/runs/0/results/0/relatedLocations");
        assert_eq!(related.len(), 1, "a blob in no file is no location");
        assert_eq!(related[0]["id"], 1);
        assert_eq!(related[0]["physicalLocation"]["artifactLocation"]["uri"], "backup/caf%E9%20key%231.pem");
        assert_eq!(related[0]["message"]["text"], "The same secret, in the history only.");
    }

    #[test]
    fn what_is_no_result_is_told_in_a_notification() {
        let log = log(&sample());
        let notices = list(&log, "/runs/0/invocations/0/toolExecutionNotifications");
        let told: Vec<_> = notices
            .iter()
            .map(|notice| {
                let text = notice["message"]["text"].as_str().unwrap_or_default();
                let of = |pointer| notice.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
                format!("{} {}: {text}", of("/level"), of("/descriptor/id"))
            })
            .collect();
        insta::assert_snapshot!(told.join("\n"), @r"
        error unreadable: data/big␛[1m.db: Permission denied
        error missing: 6363636363636363636363636363636363636363: the pack does not hold it
        warning canary-lost: The rule acme-key-id did not see its own made-up secret: the rule is switched off in .keysweep.toml
        note suppressed: 2 findings suppressed; the JSON report lists them.
        note note: .env is ignored by git and was read all the same
        warning no-file: 3 findings in no file of a commit, so no result here: blob 0d0d0d0d0d0d (in no commit), message of commit 060606060606, blob 1f1f1f1f1f1f (in no commit). The JSON report has them.
        ");
        let kinds = list(&log, "/runs/0/tool/driver/notifications");
        for notice in notices {
            assert!(kinds.iter().any(|kind| kind["id"] == notice["descriptor"]["id"]), "{notice}");
        }
    }

    #[test]
    fn a_checkouts_own_token_below_dot_git_is_no_alert() {
        let mut report = sample();
        let place = crate::finding::Place::File { path: crate::source::RelPath::new(".git/config"), local: true };
        report.findings.iter_mut().for_each(|finding| finding.place = place.clone());
        let log = log(&report);
        assert!(list(&log, "/runs/0/results").is_empty(), "{log}");
        assert!(log.to_string().contains(".git/config"), "it is told in a notification");
    }

    #[test]
    fn more_results_than_github_takes_are_cut_to_the_riskiest() {
        let mut report = sample();
        let doubtful = report.findings.pop().expect("the sample has a doubtful one");
        let certain = report.findings.remove(0);
        let incident = &mut report.incidents[4];
        report.findings = vec![doubtful; limit::RESULTS + 10];
        report.findings.push(certain);
        incident.findings = (0..limit::RESULTS + 10).collect();
        let log = log(&report);
        let results = list(&log, "/runs/0/results");
        assert_eq!(results.len(), limit::RESULTS);
        assert_eq!(results[0]["ruleId"], "acme-signing-key");
        let notices = list(&log, "/runs/0/invocations/0/toolExecutionNotifications");
        assert!(notices.iter().any(|notice| notice["descriptor"]["id"] == "result-limit"));
        let most = results.iter().map(|result| list(result, "/relatedLocations").len()).max();
        assert_eq!(most, Some(1), "a secret in so many files does not name them all in each");
        assert!(notices.iter().any(|notice| notice["descriptor"]["id"] == "result-display"), "{notices:#?}");
    }

    #[test]
    fn an_alert_without_a_line_is_known_again_all_the_same() {
        let mut report = sample();
        report.findings.iter_mut().for_each(|finding| finding.line_hash = None);
        let prints = |report: &Report| -> Vec<String> {
            let log = log(report);
            let of =
                |result: &Value| result["partialFingerprints"]["primaryLocationLineHash"].as_str().map(str::to_owned);
            list(&log, "/runs/0/results").iter().map(|result| of(result).expect("each has one")).collect()
        };
        let before = prints(&report);
        let mut apart = before.clone();
        apart.sort();
        apart.dedup();
        assert_eq!(apart.len(), before.len());
        report.findings.iter_mut().filter_map(|finding| finding.location.as_mut()).for_each(|at| at.start_line += 3);
        assert_eq!(prints(&report), before);
    }

    #[test]
    fn a_finding_without_a_position_is_at_the_start_of_its_file() {
        let mut report = sample();
        report.findings[0].location = None;
        report.findings[1].location =
            Some(Location { start_line: 0, start_column: 0, end_line: 0, end_column: 0, start_byte: 0, end_byte: 0 });
        let log = log(&report);
        for index in 0..2 {
            let region = &log["runs"][0]["results"][index]["locations"][0]["physicalLocation"]["region"];
            let numbers = ["startLine", "startColumn", "endLine", "endColumn"].map(|name| region[name].as_u64());
            assert_eq!(numbers, [Some(1); 4]);
        }
    }

    #[test]
    fn secrets_that_were_asked_for_are_in_properties_only() {
        let report = sample();
        let mut log: Value = serde_json::from_str(&render(Format::Sarif, &report, &look(true))).expect("it is JSON");
        for result in log["runs"][0]["results"].as_array_mut().expect("there are results") {
            let secret = result["properties"]["secret"].take();
            assert!(
                report
                    .findings
                    .iter()
                    .any(|finding| Some(finding.secret.reveal()) == secret.as_str().map(str::as_bytes))
            );
        }
        let rest = log.to_string();
        for finding in &report.findings {
            assert!(memchr::memmem::find(rest.as_bytes(), finding.secret.reveal()).is_none());
        }
    }
}
