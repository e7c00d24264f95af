//! The GitHub Action, played as the runner plays it: `action.yml` is read, expressions are worked
//! out from inputs and a made-up event, and the `run` lines are executed.

use std::{collections::BTreeMap, fs, path::PathBuf};

use serde_json::{Value, json};
use yaml_rust2::Yaml;

use crate::ship_support::{KEYSWEEP, NOW, Sandbox, entries, read, root, text, token, yaml};

pub(crate) const NOBODY: &str = "0000000000000000000000000000000000000000";

/// A job with one step that uses the action.
pub(crate) struct Job {
    pub(crate) sandbox: Sandbox,
    pub(crate) event_name: String,
    pub(crate) inputs: BTreeMap<String, String>,
    pub(crate) temp: PathBuf,
    pub(crate) event: Value,
    pub(crate) path: String,
    /// `github.sha`, if it is not what is checked out.
    pub(crate) sha: Option<String>,
    pub(crate) actor: String,
}

/// What became of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The exit status of the step that failed, or 0.
    pub(crate) status: i32,
    pub(crate) log: String,
    pub(crate) summary: String,
    /// By step id and name.
    pub(crate) outputs: BTreeMap<(String, String), String>,
    /// What each `uses` step was given.
    pub(crate) used: Vec<(String, BTreeMap<String, String>)>,
}

impl Outcome {
    pub(crate) fn scan(&self, name: &str) -> &str {
        self.outputs.get(&("scan".to_owned(), name.to_owned())).map_or("", String::as_str)
    }
}

impl Job {
    pub(crate) fn new(sandbox: Sandbox, event_name: &str, event: Value) -> Self {
        let temp = sandbox.home.join("temp");
        fs::create_dir(&temp).expect("there is room");
        let inputs = BTreeMap::from([("binary".to_owned(), KEYSWEEP.to_owned())]);
        let path = sandbox.path.clone();
        let (event_name, actor) = (event_name.to_owned(), "ada".to_owned());
        Self { sandbox, event_name, inputs, temp, event, path, sha: None, actor }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.inputs.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn run(&self) -> Outcome {
        let action = yaml(&read("action.yml"));
        let event_file = self.temp.join("event.json");
        fs::write(&event_file, self.event.to_string()).expect("there is room");
        let event: Value = serde_json::from_str(&fs::read_to_string(&event_file).expect("just written")).expect("JSON");
        let summary = self.temp.join("summary.md");
        let mut outcome =
            Outcome { status: 0, log: String::new(), summary: String::new(), outputs: BTreeMap::new(), used: vec![] };
        for step in action["runs"]["steps"].as_vec().expect("steps") {
            let fill = |yaml: &Yaml| {
                let text = yaml.as_str().expect("a string");
                self.fill(text, &action, &event, &outcome.outputs)
            };
            if !step["if"].is_badvalue() && fill(&step["if"]) != "true" {
                continue;
            }
            if let Some(uses) = step["uses"].as_str() {
                let with = entries(&step["with"]).into_iter().map(|(key, value)| (key.to_owned(), fill(value)));
                outcome.used.push((uses.to_owned(), with.collect()));
                continue;
            }
            let output_file = self.temp.join("output");
            fs::write(&output_file, "").expect("there is room");
            let mut command = self.sandbox.command("/bin/bash");
            command.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"].as_str().expect("a command")]);
            command
                .env("PATH", &self.path)
                .env("SOURCE_DATE_EPOCH", NOW)
                .env("GITHUB_ACTIONS", "true")
                .env("GITHUB_ACTION_PATH", root())
                .env("GITHUB_WORKSPACE", &self.sandbox.repository)
                .env("GITHUB_EVENT_NAME", &self.event_name)
                .env("GITHUB_EVENT_PATH", &event_file)
                .env("GITHUB_OUTPUT", &output_file)
                .env("GITHUB_STEP_SUMMARY", &summary)
                .env("RUNNER_TEMP", &self.temp);
            for (name, value) in entries(&step["env"]) {
                command.env(name, fill(value));
            }
            let output = command.output().expect("bash is installed");
            outcome.log += &text(&output.stdout);
            outcome.log += &text(&output.stderr);
            let id = step["id"].as_str().unwrap_or_default();
            for line in fs::read_to_string(&output_file).expect("it is there").lines() {
                let (name, value) = line.split_once('=').expect("name=value");
                outcome.outputs.insert((id.to_owned(), name.to_owned()), value.to_owned());
            }
            if !output.status.success() {
                outcome.status = output.status.code().unwrap_or(-1);
                break;
            }
        }
        outcome.summary = fs::read_to_string(&summary).unwrap_or_default();
        outcome
    }

    /// Works out every `${{ … }}` of a text.
    fn fill(&self, text: &str, action: &Yaml, event: &Value, outputs: &BTreeMap<(String, String), String>) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((head, tail)) = rest.split_once("${{") {
            let (expression, tail) = tail.split_once("}}").expect("an expression ends");
            out += head;
            let value = |name: &str| self.value(name.trim(), action, event, outputs);
            out += &match expression.split_once("==") {
                Some((name, literal)) => (value(name) == literal.trim().trim_matches('\'')).to_string(),
                None => value(expression),
            };
            rest = tail;
        }
        out + rest
    }

    fn value(&self, name: &str, action: &Yaml, event: &Value, outputs: &BTreeMap<(String, String), String>) -> String {
        if let Some(input) = name.strip_prefix("inputs.") {
            let declared = &action["inputs"][input];
            assert!(!declared.is_badvalue(), "{name} is not declared");
            let default = declared["default"].as_str().unwrap_or_default();
            return self.inputs.get(input).map_or(default, String::as_str).to_owned();
        }
        if let Some(output) = name.strip_prefix("steps.") {
            let (id, output) = output.split_once(".outputs.").expect("steps.ID.outputs.NAME");
            return outputs.get(&(id.to_owned(), output.to_owned())).cloned().unwrap_or_default();
        }
        match name {
            "github.event_name" => return self.event_name.clone(),
            "github.sha" => return self.sha.clone().unwrap_or_else(|| self.sandbox.git(&["rev-parse", "HEAD"])),
            "github.actor" => return self.actor.clone(),
            "github.repository" => return "shop/shop".to_owned(),
            "github.action_repository" => return "OWNER/keysweep".to_owned(),
            _ => {}
        }
        let path = name.strip_prefix("github.event.").unwrap_or_else(|| panic!("this test does not know {name}"));
        match path.split('.').try_fold(event, |at, key| at.get(key)) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Bool(truth)) => truth.to_string(),
            _ => String::new(),
        }
    }
}

/// `main` with one clean commit.
pub(crate) fn shop() -> (Sandbox, String) {
    let sandbox = Sandbox::new();
    sandbox.stage("main.py", "print('hello')\n");
    let base = sandbox.commit("2026-02-01T12:00:00Z", "Say hello");
    (sandbox, base)
}

/// And a branch `topic` that adds a token.
pub(crate) fn leaky(seed: &str) -> (Sandbox, String, String) {
    let (sandbox, base) = shop();
    sandbox.git(&["checkout", "--quiet", "-b", "topic"]);
    sandbox.stage("settings.py", &format!("GITHUB_TOKEN = '{}'\n", token(seed)));
    let head = sandbox.commit("2026-02-02T12:00:00Z", "Add settings");
    (sandbox, base, head)
}

pub(crate) fn pull_request(base: &str, head: &str) -> Value {
    let head = json!({ "sha": head, "repo": { "full_name": "shop/shop" } });
    json!({ "pull_request": { "base": { "sha": base }, "head": head }, "repository": { "default_branch": "main" } })
}

pub(crate) fn push(before: &str, after: &str) -> Value {
    json!({ "before": before, "after": after, "repository": { "default_branch": "main" } })
}

#[test]
fn no_expression_stands_in_a_shell_line() {
    let action = yaml(&read("action.yml"));
    assert_eq!(action["runs"]["using"].as_str(), Some("composite"));
    let mut used = String::new();
    for step in action["runs"]["steps"].as_vec().expect("steps") {
        let keys: Vec<_> = entries(step).into_iter().map(|(key, _)| key).collect();
        match step["uses"].as_str() {
            Some(uses) => {
                let (_, revision) = uses.split_once('@').expect("a revision");
                assert!(
                    revision.len() == 40 && revision.bytes().all(|byte| byte.is_ascii_hexdigit()),
                    "{uses} is not pinned to a commit"
                );
            }
            None => {
                let run = step["run"].as_str().expect("a command");
                assert!(!run.contains("${{"), "{run}");
                assert_eq!(step["shell"].as_str(), Some("bash"));
                assert!(keys.contains(&"env"));
                for (_, value) in entries(&step["env"]) {
                    used += value.as_str().expect("a string");
                }
            }
        }
    }
    for (name, input) in entries(&action["inputs"]) {
        assert!(input["description"].as_str().is_some_and(|text| text.len() > 20), "{name} says too little");
        assert!(used.contains(&format!("inputs.{name} ")), "{name} reaches no step");
    }
    assert!(!read("action/run.sh").contains("${{"));
    assert!(!read("action/run.sh").contains("eval "));
}

#[test]
fn a_pull_request_that_brings_a_token_fails() {
    let (sandbox, base, head) = leaky("pull request");
    // Older leaks are the business of an audit, not of this change.
    let job = Job::new(sandbox, "pull_request", pull_request(&base, &head)).with("sarif", "keysweep.sarif");
    let outcome = job.with("upload", "true").run();
    assert_eq!(outcome.status, 1, "{outcome:#?}");
    assert_eq!((outcome.scan("status"), outcome.scan("count"), outcome.scan("failing")), ("1", "1", "1"));
    assert!(outcome.log.contains("::error title=keysweep::keysweep found secrets"), "{}", outcome.log);
    assert!(outcome.summary.contains("**1 of 1 findings fail the job.**"), "{}", outcome.summary);
    assert!(outcome.summary.contains("github-pat-classic"), "{}", outcome.summary);
    assert!(!outcome.summary.contains(&token("pull request")) && !outcome.log.contains(&token("pull request")));
    let [(uses, with)] = outcome.used.as_slice() else { panic!("one upload: {outcome:#?}") };
    assert!(uses.starts_with("github/codeql-action/upload-sarif@"));
    assert_eq!((with["sarif_file"].as_str(), with["category"].as_str()), ("keysweep.sarif", "keysweep/tree"));
}

#[test]
fn the_sarif_file_is_the_whole_trees() {
    let (sandbox, _, middle) = leaky("tree");
    sandbox.stage("readme.txt", "nothing\n");
    let head = sandbox.commit("2026-02-03T12:00:00Z", "Say nothing");
    let outcome = Job::new(sandbox, "pull_request", pull_request(&middle, &head)).with("sarif", "out.sarif");
    let file = outcome.sandbox.repository.join("out.sarif");
    let outcome = outcome.run();
    assert_eq!(outcome.status, 0, "the change is clean: {outcome:#?}");
    assert!(outcome.used.is_empty(), "nothing is uploaded unless asked");
    let log: Value = serde_json::from_str(&fs::read_to_string(file).expect("it was written")).expect("JSON");
    let results = log["runs"][0]["results"].as_array().expect("results");
    assert_eq!(results.len(), 1, "what the tree holds stays an alert");
    let uri = &results[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
    assert_eq!(uri, "settings.py");
    assert_eq!(log["runs"][0]["automationDetails"]["id"], "keysweep/tree/");
}

#[test]
fn a_pull_request_cannot_allow_its_own_token() {
    let (sandbox, base, _) = leaky("allowed");
    let allow = "[[allow.paths]]\npaths = [\"settings.py\"]\nreason = \"trust me\"\n";
    sandbox.stage(".keysweep.toml", allow);
    let head = sandbox.commit("2026-02-03T12:00:00Z", "Allow it");
    let outcome = Job::new(sandbox, "pull_request", pull_request(&base, &head)).run();
    assert_eq!(outcome.status, 1, "{outcome:#?}");
}

#[test]
fn a_push_is_what_it_adds() {
    let (sandbox, base, head) = leaky("push");
    let clean = Job::new(sandbox, "push", push(&head, &head)).run();
    assert_eq!(clean.status, 0, "{clean:#?}");
    let (sandbox, ..) = leaky("push");
    let outcome = Job::new(sandbox, "push", push(&base, &head)).run();
    assert_eq!((outcome.status, outcome.scan("count")), (1, "1"), "{outcome:#?}");
    assert!(outcome.summary.contains("what the commits of the change bring in"));
}

#[test]
fn a_merge_group_is_what_it_adds() {
    let (sandbox, base, head) = leaky("merge group");
    let event =
        json!({ "merge_group": { "base_sha": base, "head_sha": head }, "repository": { "default_branch": "main" } });
    let outcome = Job::new(sandbox, "merge_group", event).run();
    assert_eq!((outcome.status, outcome.scan("count")), (1, "1"), "{outcome:#?}");
    assert!(outcome.summary.contains("what the commits of the change bring in"));
}

#[test]
fn a_new_branch_is_compared_with_the_default_branch() {
    let (sandbox, base, head) = leaky("new branch");
    sandbox.git(&["update-ref", "refs/remotes/origin/main", &base]);
    let outcome = Job::new(sandbox, "push", push(NOBODY, &head)).run();
    assert_eq!((outcome.status, outcome.scan("count")), (1, "1"), "{outcome:#?}");
    assert!(outcome.summary.contains("the change"), "{}", outcome.summary);
    // Without it: everything.
    let (sandbox, _, head) = leaky("new branch");
    let outcome = Job::new(sandbox, "push", push(NOBODY, &head)).run();
    assert_eq!(outcome.status, 1, "{outcome:#?}");
    assert!(outcome.summary.contains("the whole history"), "{}", outcome.summary);
}

#[test]
fn a_schedule_audits_the_history() {
    let (sandbox, ..) = leaky("schedule");
    sandbox.git(&["rm", "--quiet", "settings.py"]);
    sandbox.commit("2026-02-03T12:00:00Z", "Remove settings");
    let outcome = Job::new(sandbox, "schedule", json!({ "schedule": "0 4 * * 1" })).run();
    assert_eq!((outcome.status, outcome.scan("count")), (1, "1"), "{outcome:#?}");
    assert!(outcome.summary.contains("the whole history"), "{}", outcome.summary);
}

#[test]
fn a_person_chooses_the_mode() {
    let (sandbox, base, head) = leaky("dispatch");
    sandbox.git(&["rm", "--quiet", "settings.py"]);
    sandbox.commit("2026-02-03T12:00:00Z", "Remove settings");
    let mut job = Job::new(sandbox, "workflow_dispatch", json!({ "inputs": {} })).with("mode", "tree");
    assert_eq!(job.run().status, 0, "the tree is clean");
    job = job.with("mode", "range");
    let outcome = job.run();
    assert_eq!(outcome.status, 2);
    assert!(outcome.log.contains("has no range; set the input range"), "{}", outcome.log);
    job = job.with("range", &format!("{base}..{head}"));
    assert_eq!(job.run().status, 1);
    job = job.with("fail-on", "certain").with("extra-args", "--exit-code=7\n\n--allow-incomplete");
    let outcome = job.run();
    assert_eq!(outcome.scan("status"), "7", "a checksum that is right is certain: {outcome:#?}");
    job = job.with("range", "").with("mode", "sideways");
    assert!(job.run().log.contains("mode must be auto, tree, range or history"));
}

#[test]
fn what_a_hostile_value_says_is_not_executed() {
    let hostile = [
        "\"; touch pwned; #",
        "'; touch pwned; #",
        "$(touch pwned)",
        "`touch pwned`",
        "-x\ntouch pwned",
        "a && touch pwned",
        "--format=json=pwned",
        "--config=/dev/null --format=json=pwned",
    ];
    let inputs = ["mode", "path", "range", "fail-on", "min-confidence", "config", "sarif", "upload", "binary"];
    let (sandbox, base, head) = leaky("hostile");
    let mut job = Job::new(sandbox, "pull_request", pull_request(&base, &head));
    for value in hostile {
        for input in inputs {
            let before = job.inputs.clone();
            job = job.with(input, value);
            let outcome = job.run();
            let status = outcome.scan("status");
            if !matches!(input, "upload") {
                assert_eq!(outcome.status, 2, "{input} = {value:?} was taken: {status} {}", outcome.log);
            }
            let written = |name: &str| job.sandbox.repository.join(name).exists();
            assert!(!written("pwned"), "{input} = {value:?} was executed");
            assert!(!job.temp.join("pwned").exists());
            job.inputs = before;
        }
        // Branch names and other things that somebody who sends a pull request chooses.
        job.event_name = "push".to_owned();
        job.event = json!({ "before": value, "after": value, "repository": { "default_branch": value } });
        job.run();
        job.event = json!({ "before": NOBODY, "after": head, "repository": { "default_branch": value } });
        job.run();
        job.event_name = "pull_request".to_owned();
        job.event = pull_request(value, &head);
        assert_eq!(job.run().status, 2);
        job.event = pull_request(&base, &head);
        assert!(!job.sandbox.repository.join("pwned").exists(), "{value:?} was executed");
    }
}

#[test]
fn what_is_scanned_cannot_speak_to_the_runner() {
    let (sandbox, base) = shop();
    let line = format!("::error::GITHUB_TOKEN = '{}'\n::set-output name=findings::0\n", token("log"));
    sandbox.stage("::add-mask::x", &line);
    let head = sandbox.commit("2026-02-02T12:00:00Z", "::stop-commands::y\n\n```\n</details>");
    let outcome = Job::new(sandbox, "pull_request", pull_request(&base, &head)).run();
    assert_eq!(outcome.status, 1, "{outcome:#?}");
    let lines: Vec<_> = outcome.log.lines().collect();
    let stop = lines.iter().find_map(|line| line.strip_prefix("::stop-commands::")).expect("commands are stopped");
    assert!(stop.len() > 32, "the word that starts them again can be guessed");
    let from = lines.iter().position(|line| line.starts_with("::stop-commands::keysweep-")).expect("just found");
    let to = lines.iter().position(|line| *line == format!("::{stop}::")).expect("they start again");
    for (at, line) in lines.iter().enumerate() {
        let command = line.trim_start().starts_with("::");
        assert!(!command || at >= from, "{line}");
        // Behind it only what we say ourselves: annotations and the verdict.
        let ours = ["::error file=", "::warning file=", "::error title=keysweep", "::notice title=keysweep"];
        assert!(!command || at <= to || ours.iter().any(|ours| line.starts_with(ours)), "{line}");
    }
    // As a code block, nothing inside can end it; the Markdown report has to escape what it quotes.
    if read("action/scan.sh").contains("SUMMARY_FORMAT=human") {
        let body = outcome.summary.split_once("\n    ").expect("the report is there").1;
        for line in body.lines().skip(1) {
            assert!(line.is_empty() || line.starts_with("    "), "{line}");
        }
    } else {
        assert_eq!(outcome.summary.matches("</details>").count(), outcome.summary.matches("<details>").count());
    }
}

#[test]
#[cfg(unix)]
fn without_a_binary_it_builds_the_actions_own_ref() {
    use std::os::unix::fs::PermissionsExt as _;

    let (sandbox, base, head) = leaky("build");
    let seen = sandbox.home.join("seen");
    // Building for real takes minutes; .ci/run and the README's first command do it.
    let stub = format!(
        "#!/bin/bash\nprintf '%s\\n' \"$PWD\" \"$@\" > '{}'\nmkdir -p \"$CARGO_TARGET_DIR/release\"\ncp '{KEYSWEEP}' \"$CARGO_TARGET_DIR/release/keysweep\"\n",
        seen.display()
    );
    let cargo = sandbox.bin.join("cargo");
    fs::write(&cargo, stub).expect("there is room");
    fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).expect("it is ours");
    let mut job = Job::new(sandbox, "pull_request", pull_request(&base, &head)).with("binary", "");
    assert_eq!(job.run().status, 1);
    let seen = fs::read_to_string(seen).expect("cargo was called");
    let expected = format!("{}\nbuild\n--release\n--locked\n", root().display());
    assert_eq!(seen, expected);

    // A runner without cargo says so.
    let tools = job.sandbox.home.join("tools");
    fs::create_dir(&tools).expect("there is room");
    let dirname = ["/usr/bin/dirname", "/bin/dirname"].into_iter().find(|path| PathBuf::from(path).exists());
    std::os::unix::fs::symlink(dirname.expect("coreutils"), tools.join("dirname")).expect("a link can be made");
    let bash = ["/usr/bin/bash", "/bin/bash"].into_iter().find(|path| PathBuf::from(path).exists());
    std::os::unix::fs::symlink(bash.expect("bash"), tools.join("bash")).expect("a link can be made");
    job.path = tools.display().to_string();
    let outcome = job.run();
    assert_eq!(outcome.status, 2, "{outcome:#?}");
    assert!(outcome.log.contains("cargo is not on this runner"), "{}", outcome.log);
}
