//! A run that is blind says so, whatever made it blind.

use keysweep::rules::{Role, RuleSet};
use serde_json::Value;

use crate::support::Project;

/// The canaries of a run's receipt.
fn canaries(project: &Project, arguments: &[&str]) -> Value {
    project.json(arguments.iter().copied()).1["coverage"]["canaries"].clone()
}

fn numbers(canaries: &Value) -> (u64, u64) {
    (canaries["seen"].as_u64().expect("a number"), canaries["sent"].as_u64().expect("a number"))
}

fn lost(canaries: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let lost = canaries["lost"].as_array().expect("a list");
    lost.iter().map(|one| (text(&one["rule"]), text(&one["reason"]))).collect()
}

fn project(config: &str) -> Project {
    Project::git().bytes(".keysweep.toml", config.as_bytes()).stage("a.txt", "nothing\n")
}

const STAGED: &[&str] = &["git", "--staged"];

#[test]
fn a_history_sends_one_of_each_rule_and_a_hook_one_of_each_class() {
    let project = project("").commit("first").stage("b.txt", "nothing\n");
    let history = canaries(&project, &["git"]);
    let staged = canaries(&project, STAGED);
    let files = canaries(&project, &["scan"]);
    let rules = RuleSet::builtin().expect("the built-in rules are sound");
    // All but those that only stand beside others.
    let alone = rules.iter().filter(|rule| rule.role == Role::Finding).count() as u64;
    assert_eq!((history["per"].as_str(), numbers(&history)), (Some("rule"), (alone, alone)));
    for few in [staged, files] {
        assert_eq!((few["per"].as_str(), few["seen"].as_u64()), (Some("class"), few["sent"].as_u64()));
        assert!((4..=12).contains(&numbers(&few).1), "{few}");
    }
}

#[test]
fn a_path_entry_that_covers_everything_loses_every_canary() {
    for paths in ["**", "src/**", "*canary*"] {
        let project = project(&format!("[[allow.paths]]\npaths = [\"{paths}\"]\nreason = \"too broad\"\n"));
        for arguments in [STAGED, &["scan"], &["git"]] {
            let canaries = canaries(&project, arguments);
            assert_eq!(numbers(&canaries).0, 0, "{paths} {arguments:?}");
            assert!(lost(&canaries).iter().all(|(_, why)| why.contains("too broad")), "{canaries}");
        }
    }
    let harmless = project("[[allow.paths]]\npaths = [\"docs/**\"]\nreason = \"samples\"\n");
    assert_eq!(lost(&canaries(&harmless, STAGED)), []);
}

#[test]
fn a_rule_that_is_allowed_everywhere_is_named_although_it_is_one_of_many() {
    for rule in ["slack-bot-token", "github-pat-classic", "generic-password"] {
        let project = project(&format!("[[allow.rules]]\nrule = \"{rule}\"\nreason = \"we know\"\n"));
        for arguments in [STAGED, &["scan"], &["git"]] {
            let canaries = canaries(&project, arguments);
            let (seen, sent) = numbers(&canaries);
            assert_eq!(seen + 1, sent, "{rule} {arguments:?}");
            let lost = lost(&canaries);
            assert_eq!(lost[0].0, rule);
            assert!(lost[0].1.contains("we know"), "{lost:?}");
        }
    }
}

#[test]
fn a_value_entry_that_covers_one_kind_of_token_is_noticed() {
    let project = project("[[allow.values]]\npattern = \"sk_live_.*\"\nreason = \"examples\"\n");
    let staged = canaries(&project, STAGED);
    assert!(
        lost(&staged).iter().any(|(rule, why)| rule == "stripe-secret-key" && why.contains("examples")),
        "{staged}"
    );
    let history = canaries(&project, &["git"]);
    assert_eq!(lost(&staged), lost(&history));
}

#[test]
fn a_value_entry_that_covers_everything_loses_the_same_canaries_in_a_hook_and_in_an_audit() {
    let project = project("[[allow.values]]\npattern = \".*\"\nreason = \"all of it\"\n");
    let (staged, history) = (canaries(&project, STAGED), canaries(&project, &["git"]));
    assert_eq!(numbers(&staged), (0, numbers(&history).1));
    assert_eq!(lost(&staged), lost(&history));
}

#[test]
fn the_human_report_is_red_when_a_canary_is_lost() {
    let project = project("[[allow.rules]]\nrule = \"slack-bot-token\"\nreason = \"we know\"\n");
    let said = project.run(["git", "--staged", "--format", "human"]);
    assert!(said.contains("BLIND: 1 of "), "{said}");
    assert!(said.contains("slack-bot-token: allowed by ") && said.contains("we know"), "{said}");
}
