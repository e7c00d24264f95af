//! `.keysweep.toml`: what each setting does, what its errors say, and where each comes from.

use std::{collections::BTreeSet, fs};

use keysweep::{config::Config, rules::RuleSet};
use serde_json::Value;

use crate::support::{Project, found, secret};

const TOKEN: &str = "token = ghp_{base62:30}{crc32-base62}\n";
const PASSWORD: &str = "DB_PASSWORD=Winter-Is-2024!\n";

fn schema() -> Value {
    let text = fs::read_to_string("docs/config.schema.json").expect("it is there");
    serde_json::from_str(&text).expect("it is JSON")
}

/// A configuration as the editor's schema sees it.
fn as_json(text: &str) -> Value {
    fn plain(value: &toml::Value) -> Value {
        match value {
            toml::Value::Table(table) => table.iter().map(|(key, value)| (key.clone(), plain(value))).collect(),
            toml::Value::Array(list) => list.iter().map(plain).collect(),
            toml::Value::String(text) => Value::from(text.as_str()),
            toml::Value::Boolean(on) => Value::from(*on),
            toml::Value::Integer(number) => Value::from(*number),
            toml::Value::Float(number) => Value::from(*number),
            toml::Value::Datetime(date) => Value::from(date.to_string()),
        }
    }
    plain(&toml::from_str::<toml::Value>(text).expect("it is TOML"))
}

#[test]
fn the_schema_for_editors_knows_the_keys_that_the_parser_knows() {
    let (schema, rules) = (schema(), RuleSet::builtin().expect("the built-in rules are sound"));
    for (probe, pointer) in [
        ("no-such-key = 1", ""),
        ("[job]\nno-such-key = 1", "/properties/job"),
        ("[job.files]\nno-such-key = 1", "/$defs/job"),
        ("[[path]]\nno-such-key = 1", "/properties/path/items"),
        ("[allow]\nno-such-key = 1", "/properties/allow"),
        ("[[allow.paths]]\nno-such-key = 1", "/properties/allow/properties/paths/items"),
        ("[[allow.rules]]\nno-such-key = 1", "/properties/allow/properties/rules/items"),
        ("[[allow.values]]\nno-such-key = 1", "/properties/allow/properties/values/items"),
    ] {
        let error = Config::parse("probe", probe, &rules).expect_err("the key does not exist");
        let parsed: BTreeSet<&str> = error.message.split('`').skip(3).step_by(2).collect();
        let written = schema.pointer(&format!("{pointer}/properties")).and_then(Value::as_object).expect("an object");
        let written: BTreeSet<&str> = written.keys().map(String::as_str).collect();
        assert_eq!(parsed, written, "{probe}: {}", error.message);
    }
}

#[test]
fn the_schema_for_editors_takes_what_the_parser_takes() {
    let rules = RuleSet::builtin().expect("the built-in rules are sound");
    let validator = jsonschema::options().should_validate_formats(true).build(&schema()).expect("it is a schema");
    let print = "ks1:00112233445566778899aabbccddeeff";
    for (text, fine) in [
        ("", true),
        ("min-confidence = 'high'\n[job.staged]\nfail-on = 'certain'\n", true),
        ("[[path]]\npaths = ['prod/']\nfail-on = 'low'\ninline = false\n", true),
        ("[[path]]\npaths = ['prod/']\n", false),
        ("[[path]]\ninline = false\n", false),
        ("[[allow.paths]]\npaths = ['a']\nreason = 'made up'\nexpires = 2027-01-31\n", true),
        ("[[allow.paths]]\npaths = ['a']\nreason = 'made up'\nexpires = 'soon'\n", false),
        ("[[allow.paths]]\npaths = []\nreason = 'made up'\n", false),
        ("[[allow.rules]]\nrule = 'generic-password'\nreason = 'ok'\n", false),
        ("[[allow.values]]\nvalue = 'demo'\nrule = 'generic-password'\npaths = ['a']\nreason = 'made up'\n", true),
        (&format!("[[allow.values]]\nfingerprint = '{print}'\nreason = 'made up'\n"), true),
        ("[[allow.values]]\nfingerprint = 'ks1:12'\nreason = 'made up'\n", false),
        ("[[allow.values]]\nvalue = 'a'\npattern = 'b'\nreason = 'made up'\n", false),
        ("[[allow.values]]\nreason = 'made up'\n", false),
        ("fail-on = 'huge'\n", false),
    ] {
        let parsed = Config::parse("probe", text, &rules);
        assert_eq!(parsed.is_ok(), fine, "{text}: {parsed:?}");
        assert_eq!(validator.is_valid(&as_json(text)), fine, "the schema on {text}");
    }
}

#[test]
fn errors_name_the_line_the_column_and_the_mend() {
    let project = Project::git();
    for (text, place, mend) in [
        (
            "\n[[allow.rules]]\nreason = \"made up\"\nrule = \"no-such\"\n",
            ":4:8: there is no rule",
            "keysweep rules list",
        ),
        ("[[allow.values]]\nreason = \"made up\"\npattern = \"(\"\n", ":3:11: the pattern", "docs.rs/regex"),
        ("[[allow.paths]]\nreason = \"made up\"\npaths = [\"a\"]\nexpires = 12\n", ":4:11: ", "2027-01-31"),
        ("fail-on = \"huge\"\n", ":1:11: ", "docs/configuration.md"),
        ("extend = [\"../base.toml\"]\n", ":1:11: this leads out", "below the root"),
        ("extend = [\"nowhere.toml\"]\n", ":1:11: there is no such file", "folder of this file"),
    ] {
        fs::write(project.root().join(".keysweep.toml"), text).expect("it can be written");
        for command in ["scan", "config check", "config show"] {
            let said = project.run(command.split(' '));
            assert!(said.starts_with("status 2"), "{command}: {said}");
            assert!(said.contains(&format!(".keysweep.toml{place}")) && said.contains(mend), "{text}{said}");
        }
    }
}

#[test]
fn a_configuration_builds_on_files_of_its_repository_and_no_others() {
    let project = Project::git()
        .file("token.txt", TOKEN)
        .file("ci/base.toml", "fail-on = \"certain\"\nextend = [\"more/rules.toml\"]\n")
        .file(
            "ci/more/rules.toml",
            "min-confidence = \"high\"\n[[allow.rules]]\nrule = \"github-pat-classic\"\nreason = \"made up\"\n",
        )
        .file(".keysweep.toml", "extend = [\"ci/base.toml\"]\nfail-on = \"high\"\n");
    let (status, document) = project.json(["scan"]);
    assert_eq!((status, document["suppressed"][0]["suppressed"]["origin"].as_str()), (0, Some("ci/more/rules.toml")));
    assert_eq!(document["policy"]["read_from"].as_array().map(Vec::len), Some(3), "{}", document["policy"]);
    let shown = project.run(["config", "show"]);
    assert!(shown.contains("files    min-confidence = high     (ci/more/rules.toml:1)"), "{shown}");
    assert!(shown.contains("files    fail-on        = high     (.keysweep.toml:2)"), "the nearer goes first: {shown}");
    // In a circle, and over a link.
    let project = project.file("ci/more/rules.toml", "extend = [\"../base.toml\"]\n");
    assert!(project.run(["scan"]).contains("extends itself"));
    #[cfg(unix)]
    {
        fs::write(project.outside("secret.toml"), "fail-on = \"low\"\n").expect("it can be written");
        fs::remove_file(project.root().join("ci/more/rules.toml")).expect("it is there");
        std::os::unix::fs::symlink(project.outside("secret.toml"), project.root().join("ci/more/rules.toml"))
            .expect("a link");
        assert!(project.run(["scan"]).contains("a link is not read"));
    }
}

#[test]
fn thresholds_hold_for_their_job_and_their_paths() {
    let project = Project::git().stage("a.env", PASSWORD).stage("legacy/b.env", PASSWORD).commit("leak");
    let run = |text: &str, arguments: &[&str]| {
        fs::write(project.root().join(".keysweep.toml"), text).expect("it can be written");
        let (status, document) = project.json(arguments.iter().copied());
        (status, found(&document).len())
    };
    assert_eq!(run("", &["scan"]), (1, 2));
    assert_eq!(run("[job.files]\nfail-on = \"certain\"\n", &["scan"]), (0, 2));
    assert_eq!(run("[job.files]\nfail-on = \"certain\"\n", &["git"]).0, 1, "another job");
    assert_eq!(run("fail-on = \"certain\"\n[job.history]\nfail-on = \"low\"\n", &["git"]).0, 1);
    assert_eq!(
        run("fail-on = \"low\"\n[job.files]\nfail-on = \"certain\"\n", &["scan", "--fail-on", "low"]).0,
        1,
        "typed"
    );
    let legacy = "[[path]]\npaths = [\"legacy/\"]\nmin-confidence = \"certain\"\n";
    assert_eq!(run(legacy, &["scan"]), (1, 1));
    assert_eq!(run("[[path]]\npaths = [\"*.env\"]\nfail-on = \"certain\"\n", &["scan"]), (0, 2));
    let comment = format!("{} # keysweep:allow made up\n", secret(TOKEN).trim_end());
    let project = project.file("prod/c.txt", &comment);
    fs::write(project.root().join(".keysweep.toml"), "[[path]]\npaths = [\"prod/\"]\ninline = false\n")
        .expect("written");
    assert_eq!(project.findings(["scan", "prod"]).len(), 1, "no comment counts there");
}

#[test]
fn an_allowance_counts_until_its_last_day() {
    let config = "[[allow.paths]]\npaths = [\"a.txt\"]\nreason = \"until the migration\"\nexpires = 2026-01-01\n";
    let project = Project::git().file("a.txt", TOKEN).file(".keysweep.toml", config);
    assert_eq!(project.json(["scan"]).0, 0, "its last day");
    let (status, document) = project.json(["scan", "--now", "2026-01-02"]);
    assert_eq!(status, 1);
    assert_eq!(document["policy"]["stale"][0]["kind"], "expired", "{}", document["policy"]);
    assert!(project.run(["config", "check"]).starts_with("status 0"));
    let said = project.run(["config", "check", "--now", "2026-01-02"]);
    assert!(said.starts_with("status 1") && said.contains(".keysweep.toml:1: expired on 2026-01-01"), "{said}");
}

#[test]
fn one_value_can_be_allowed_without_writing_it_down() {
    let project = Project::git().file("a.txt", TOKEN).file("b.txt", TOKEN);
    let (_, document) = project.json(["scan"]);
    let print = document["findings"][0]["fingerprint"].as_str().expect("it has one").to_owned();
    let config = format!("[[allow.values]]\nfingerprint = \"{print}\"\npaths = [\"a.txt\"]\nreason = \"revoked\"\n");
    let project = project.bytes(".keysweep.toml", config.as_bytes());
    assert_eq!(project.findings(["scan"]), ["b.txt:1 github-pat-classic"]);
}
