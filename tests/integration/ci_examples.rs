//! The examples for other CI systems: their shell lines run, in a clone, with the variables that the system sets.

use std::{fs, path::PathBuf, process::Output};

use yaml_rust2::Yaml;

use crate::{
    action::leaky,
    ship_support::{Sandbox, read, text, yaml},
};

/// The shell scripts of an example, in the order in which its system runs them.
fn scripts(name: &str) -> Vec<String> {
    let file = read(&format!("docs/ci/{name}"));
    if name == "Jenkinsfile" {
        let script = file.split("'''").nth(1).expect("sh '''…'''");
        return vec![script.to_owned()];
    }
    let document = yaml(&file);
    let list = |list: &Yaml| -> Vec<String> {
        list.as_vec().expect("a list").iter().map(|line| line.as_str().expect("a line").to_owned()).collect()
    };
    match name {
        "gitlab-ci.yml" => {
            let job = &document["keysweep"];
            [list(&job["before_script"]), list(&job["script"])].concat()
        }
        "azure-pipelines.yml" => {
            let steps = document["steps"].as_vec().expect("steps");
            steps.iter().filter_map(|step| step["bash"].as_str().map(str::to_owned)).collect()
        }
        "bitbucket-pipelines.yml" => list(&document["pipelines"]["pull-requests"]["**"][0]["step"]["script"]),
        "circleci.yml" => {
            let steps = document["jobs"]["keysweep"]["steps"].as_vec().expect("steps");
            steps.iter().filter_map(|step| step["run"]["command"].as_str().map(str::to_owned)).collect()
        }
        "woodpecker.yml" => list(&document["steps"][0]["commands"]),
        _ => panic!("this test does not know {name}"),
    }
}

/// A clone of a repository whose branch `topic` brings a token in, as CI checks it out.
struct Pipeline {
    sandbox: Sandbox,
    base: String,
    head: String,
    log: PathBuf,
}

#[cfg(unix)]
fn pipeline() -> Pipeline {
    use std::os::unix::fs::PermissionsExt as _;

    let (mut sandbox, base, head) = leaky("pipeline");
    let clone = sandbox.home.join("clone");
    let origin = format!("file://{}", sandbox.repository.display());
    sandbox.git(&["clone", "--quiet", "--branch", "topic", &origin, clone.to_str().expect("a plain path")]);
    sandbox.repository = clone;
    // Building takes minutes and needs a network; that the right thing would be built is seen in the log.
    let log = sandbox.home.join("cargo");
    let cargo = sandbox.bin.join("cargo");
    fs::write(&cargo, format!("#!/bin/sh\necho \"$@\" >> '{}'\n", log.display())).expect("there is room");
    fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).expect("it is ours");
    Pipeline { sandbox, base, head, log }
}

#[cfg(unix)]
impl Pipeline {
    fn run(&self, name: &str, variables: &[(&str, &str)]) -> Output {
        let shell = if name.starts_with("azure") || name.starts_with("circleci") { "bash" } else { "sh" };
        let mut command = self.sandbox.command(shell);
        command.args(["-e", "-c", &scripts(name).join("\n")]).env("CI", "true");
        command.envs(variables.iter().copied());
        command.output().expect("a shell is installed")
    }

    /// What is said of the scope, and how it ended.
    #[track_caller]
    fn expect(&self, name: &str, variables: &[(&str, &str)], scope: &str, code: i32) {
        let output = self.run(name, variables);
        let said = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{name} {variables:?}: {said}");
        assert!(said.contains(scope), "{name} {variables:?} lacks {scope:?}: {said}");
        if name != "woodpecker.yml" {
            let (file, key) = match name {
                "gitlab-ci.yml" => ("gl-secret-detection-report.json", "\"vulnerabilities\""),
                _ => ("keysweep.json", "\"findings\""),
            };
            let report = fs::read_to_string(self.sandbox.repository.join(file)).expect("a report");
            assert!(report.contains(key), "{report}");
        }
        if name != "Jenkinsfile" {
            let built = fs::read_to_string(&self.log).expect("cargo was called");
            let line = "install --locked --git https://github.com/OWNER/keysweep --tag v0.1.0 keysweep";
            assert!(built.lines().all(|known| known == line), "{built}");
        }
    }
}

const CHANGE: &str = "scanned      a range of commits";
const HISTORY: &str = "scanned      all of the history";

#[test]
#[cfg(unix)]
fn gitlab() {
    let pipeline = pipeline();
    let (base, head) = (pipeline.base.as_str(), pipeline.head.as_str());
    let name = "gitlab-ci.yml";
    let merge_request = |base, head| {
        [
            ("CI_PIPELINE_SOURCE", "merge_request_event"),
            ("CI_MERGE_REQUEST_DIFF_BASE_SHA", base),
            ("CI_COMMIT_SHA", head),
        ]
    };
    pipeline.expect(name, &merge_request(base, head), CHANGE, 1);
    pipeline.expect(name, &merge_request(head, head), CHANGE, 0);
    let push =
        |before, after| [("CI_PIPELINE_SOURCE", "push"), ("CI_COMMIT_BEFORE_SHA", before), ("CI_COMMIT_SHA", after)];
    pipeline.expect(name, &push(base, head), CHANGE, 1);
    pipeline.expect(name, &push("0000000000000000000000000000000000000000", head), HISTORY, 1);
    pipeline.expect(name, &[("CI_PIPELINE_SOURCE", "schedule")], HISTORY, 1);
}

#[test]
#[cfg(unix)]
fn jenkins() {
    let pipeline = pipeline();
    let name = "Jenkinsfile";
    pipeline.expect(name, &[("CHANGE_TARGET", "main")], CHANGE, 1);
    pipeline.expect(name, &[("CHANGE_TARGET", "topic")], CHANGE, 0);
    pipeline.expect(name, &[("GIT_PREVIOUS_SUCCESSFUL_COMMIT", &pipeline.base)], CHANGE, 1);
    pipeline.expect(name, &[("GIT_PREVIOUS_SUCCESSFUL_COMMIT", &"1".repeat(40))], HISTORY, 1);
    pipeline.expect(name, &[], HISTORY, 1);
}

#[test]
#[cfg(unix)]
fn azure() {
    let pipeline = pipeline();
    let name = "azure-pipelines.yml";
    pipeline.expect(name, &[("SYSTEM_PULLREQUEST_TARGETBRANCH", "refs/heads/main")], CHANGE, 1);
    pipeline.expect(name, &[("SYSTEM_PULLREQUEST_TARGETBRANCH", "topic")], CHANGE, 0);
    pipeline.expect(name, &[], HISTORY, 1);
}

#[test]
#[cfg(unix)]
fn bitbucket() {
    let pipeline = pipeline();
    let name = "bitbucket-pipelines.yml";
    pipeline.sandbox.git(&["update-ref", "-d", "refs/remotes/origin/main"]);
    pipeline.expect(name, &[("BITBUCKET_PR_DESTINATION_BRANCH", "main")], CHANGE, 1);
    pipeline.expect(name, &[("BITBUCKET_PR_DESTINATION_BRANCH", "topic")], CHANGE, 0);
    pipeline.expect(name, &[], HISTORY, 1);
}

#[test]
#[cfg(unix)]
fn circleci() {
    let pipeline = pipeline();
    let name = "circleci.yml";
    let job = |branch, base| [("DEFAULT_BRANCH", "main"), ("CIRCLE_BRANCH", branch), ("BASE_REVISION", base)];
    pipeline.expect(name, &job("topic", ""), CHANGE, 1);
    pipeline.expect(name, &job("main", &pipeline.base), CHANGE, 1);
    pipeline.expect(name, &job("main", &pipeline.head), CHANGE, 0);
    pipeline.expect(name, &job("main", ""), HISTORY, 1);
}

#[test]
#[cfg(unix)]
fn woodpecker() {
    let pipeline = pipeline();
    let name = "woodpecker.yml";
    let change = |branch| [("CI_PIPELINE_EVENT", "pull_request"), ("CI_COMMIT_TARGET_BRANCH", branch)];
    pipeline.expect(name, &change("main"), CHANGE, 1);
    pipeline.expect(name, &change("topic"), CHANGE, 0);
    let push =
        |before, after| [("CI_PIPELINE_EVENT", "push"), ("CI_PREV_COMMIT_SHA", before), ("CI_COMMIT_SHA", after)];
    pipeline.expect(name, &push(&pipeline.base, &pipeline.head), CHANGE, 1);
    pipeline.expect(name, &push("", &pipeline.head), HISTORY, 1);
    pipeline.expect(name, &[("CI_PIPELINE_EVENT", "cron")], HISTORY, 1);
}

#[test]
fn every_example_is_run() {
    let mut names: Vec<_> = fs::read_dir(crate::ship_support::root().join("docs/ci"))
        .expect("docs/ci is there")
        .map(|entry| entry.expect("it can be read").file_name().into_string().expect("a plain name"))
        .filter(|name| !name.ends_with(".md"))
        .collect();
    names.sort();
    let run = [
        "Jenkinsfile",
        "azure-pipelines.yml",
        "bitbucket-pipelines.yml",
        "circleci.yml",
        "gitlab-ci.yml",
        "woodpecker.yml",
    ];
    assert_eq!(names, run);
    for name in names {
        let page = read("docs/ci/README.md");
        assert!(page.contains(&format!("]({name})")), "docs/ci/README.md does not name {name}");
    }
}
