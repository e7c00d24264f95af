//! Each event that can start the action: what it looks at, what it uploads, what it says.

use std::{collections::BTreeSet, fs, path::PathBuf};

use serde_json::{Value, json};

use crate::{
    action::{Job, NOBODY, Outcome, leaky, pull_request, push, shop},
    ship_support::{Sandbox, text, token},
};

/// A clone of a sandbox at some depth, checked out at `branch`.
fn cloned(sandbox: &Sandbox, depth: &str, branch: &str) -> PathBuf {
    let clone = sandbox.home.join(format!("clone-{depth}"));
    let origin = format!("file://{}", sandbox.repository.display());
    let to = clone.to_str().expect("a plain path");
    sandbox.git(&["clone", "--quiet", "--depth", depth, "--branch", branch, &origin, to]);
    clone
}

/// Results of the SARIF file that was handed to code scanning under a category.
fn uploaded(job: &Job, outcome: &Outcome, category: &str) -> Option<BTreeSet<String>> {
    let (_, with) = outcome.used.iter().find(|(_, with)| with["category"] == category)?;
    let path = job.sandbox.repository.join(&with["sarif_file"]);
    let log: Value = serde_json::from_str(&fs::read_to_string(path).expect("it was written")).expect("JSON");
    let run = &log["runs"][0];
    assert_eq!(run["automationDetails"]["id"], format!("{category}/"));
    let result = |result: &Value| {
        let uri = &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
        uri.as_str().expect("a path").to_owned()
    };
    Some(run["results"].as_array().expect("results").iter().map(result).collect())
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

#[test]
fn two_pushes_in_a_row_lose_no_alert() {
    let (sandbox, start, first) = leaky("two pushes");
    let mut job = Job::new(sandbox, "push", push(&start, &first)).with("upload", "true");
    let outcome = job.run();
    assert_eq!(outcome.status, 1, "{outcome:#?}");
    // Code scanning: what an upload of a category does not mention is closed.
    let alerts = uploaded(&job, &outcome, "keysweep/tree").expect("an upload");
    assert_eq!(alerts, names(&["settings.py"]));
    job.sandbox.stage("other.py", &format!("TOKEN = '{}'\n", token("second push")));
    let second = job.sandbox.commit("2026-02-03T12:00:00Z", "Another");
    job.event = push(&first, &second);
    let outcome = job.run();
    assert_eq!((outcome.status, outcome.scan("count")), (1, "1"), "only the new one fails the push: {outcome:#?}");
    let alerts = uploaded(&job, &outcome, "keysweep/tree").expect("an upload");
    assert_eq!(alerts, names(&["other.py", "settings.py"]), "the first alert stays");
    job.sandbox.stage("README", "nothing\n");
    let third = job.sandbox.commit("2026-02-04T12:00:00Z", "Nothing");
    job.event = push(&second, &third);
    let outcome = job.run();
    assert_eq!((outcome.status, outcome.scan("count")), (0, "0"), "{outcome:#?}");
    assert_eq!(uploaded(&job, &outcome, "keysweep/tree").expect("an upload"), alerts, "a clean push closes nothing");
    assert_eq!(outcome.used.len(), 1, "a push uploads no history");
}

#[test]
fn pull_request_target_is_refused() {
    for mode in ["auto", "tree", "history", "range"] {
        let (sandbox, base, head) = leaky("target");
        let outcome = Job::new(sandbox, "pull_request_target", pull_request(&base, &head)).with("mode", mode).run();
        assert_eq!(outcome.status, 2, "{outcome:#?}");
        assert!(outcome.log.contains("pull_request_target is refused"), "{}", outcome.log);
    }
}

#[test]
fn a_fork_fails_and_uploads_nothing() {
    let (sandbox, base, head) = leaky("fork");
    let mut event = pull_request(&base, &head);
    event["pull_request"]["head"]["repo"]["full_name"] = json!("somebody/shop");
    let mut job = Job::new(sandbox, "pull_request", event).with("upload", "true");
    let outcome = job.run();
    assert_eq!((outcome.status, outcome.used.len()), (1, 0), "{outcome:#?}");
    assert!(outcome.log.contains("a token that only reads"), "{}", outcome.log);
    job.event = pull_request(&base, &head);
    assert_eq!(job.run().used.len(), 1);
    job.actor = "dependabot[bot]".to_owned();
    assert_eq!(job.run().used.len(), 0);
}

#[test]
fn a_deleted_ref_has_nothing_new() {
    let (sandbox, _, head) = leaky("deleted");
    let event = json!({ "before": head, "after": NOBODY, "deleted": true, "repository": { "default_branch": "main" } });
    for (name, event) in [("push", event), ("delete", json!({ "ref": "topic" }))] {
        let (sandbox_of_event, ..) = leaky("deleted");
        let outcome = Job::new(sandbox_of_event, name, event).with("upload", "true").run();
        assert_eq!((outcome.status, outcome.scan("count"), outcome.used.len()), (0, "0", 0), "{outcome:#?}");
        assert!(outcome.log.contains("the ref was deleted"), "{}", outcome.log);
    }
    drop(sandbox);
}

#[test]
fn a_forced_push_is_what_the_old_tip_had_not() {
    let (sandbox, base, old) = leaky("forced");
    sandbox.git(&["reset", "--quiet", "--hard", &base]);
    sandbox.stage("new.py", &format!("TOKEN = '{}'\n", token("forced anew")));
    let new = sandbox.commit("2026-02-03T12:00:00Z", "Instead");
    // The old tip is still there: what the new one adds to it.
    let mut job = Job::new(sandbox, "push", push(&old, &new));
    let outcome = job.run();
    assert_eq!((outcome.status, outcome.scan("count")), (1, "1"), "{outcome:#?}");
    assert!(outcome.summary.contains("what the commits of the change bring in"));
    // A clone does not hold it: from the default branch on.
    let gone = "1".repeat(40);
    job.sandbox.git(&["update-ref", "refs/remotes/origin/main", &base]);
    job.event = push(&gone, &new);
    let outcome = job.run();
    assert_eq!((outcome.status, outcome.scan("count")), (1, "1"), "{outcome:#?}");
    assert!(outcome.summary.contains("what the commits of the change bring in"));
}

#[test]
fn a_tag_is_what_the_default_branch_has_not() {
    let (sandbox, base, head) = leaky("tag");
    sandbox.git(&["tag", "--annotate", "--message", "One", "v1.0"]);
    let tag = sandbox.git(&["rev-parse", "v1.0"]);
    assert_ne!(tag, head, "an object of its own");
    sandbox.git(&["update-ref", "refs/remotes/origin/main", &base]);
    let mut job = Job::new(sandbox, "push", push(NOBODY, &tag));
    let outcome = job.run();
    assert_eq!((outcome.status, outcome.scan("count")), (1, "1"), "{outcome:#?}");
    assert!(outcome.summary.contains("what the commits of the change bring in"));
    // actions/checkout may leave the tag object behind; the commit of the event is meant.
    job.event = push(NOBODY, &"2".repeat(40));
    assert_eq!((job.run().status, job.run().scan("count")), (1, "1"));
    // A tag on the default branch adds nothing to it, so everything is looked at.
    job.sandbox.git(&["update-ref", "refs/remotes/origin/main", &head]);
    job.event = push(NOBODY, &tag);
    let outcome = job.run();
    assert!(outcome.summary.contains("the whole history"), "{}", outcome.summary);
}

#[test]
fn at_depth_one_the_tree_is_looked_at_and_the_rest_is_named() {
    let (sandbox, base, head) = leaky("depth");
    let clone = cloned(&sandbox, "1", "topic");
    let mut job = Job::new(sandbox, "pull_request", pull_request(&base, &head)).with("upload", "true");
    job.sandbox.repository = clone;
    let merge_group = json!({ "merge_group": { "base_sha": base, "head_sha": head } });
    for (name, event) in [
        ("pull_request", pull_request(&base, &head)),
        ("push", push(&base, &head)),
        ("push", push(NOBODY, &head)),
        ("merge_group", merge_group),
        ("schedule", json!({})),
        ("workflow_dispatch", json!({})),
    ] {
        (job.event_name, job.event) = (name.to_owned(), event);
        let outcome = job.run();
        assert_eq!((outcome.status, outcome.scan("status")), (1, "1"), "{name}: {outcome:#?}");
        assert!(outcome.summary.contains("the files of the checkout"), "{name}: {}", outcome.summary);
        assert!(outcome.log.contains("fetch-depth: 0 would"), "{name}: {}", outcome.log);
        assert!(outcome.summary.contains("fetch-depth: 0 would"), "{name}: {}", outcome.summary);
        let alerts = uploaded(&job, &outcome, "keysweep/tree");
        assert_eq!(alerts, Some(names(&["settings.py"])), "{name}: a tree that was read whole is uploaded");
        assert_eq!(outcome.used.len(), 1, "{name}: half a history is not uploaded");
    }
    // Clean, it is complete: 0 and not 3.
    job.sandbox.git(&["rm", "--quiet", "settings.py"]);
    let clean = job.sandbox.commit("2026-02-04T12:00:00Z", "Remove it");
    (job.event_name, job.event) = ("push".to_owned(), push(&base, &clean));
    assert_eq!(job.run().scan("status"), "0");
    // Who insists on a range or on the history is told what is missing.
    job = job.with("mode", "range");
    let outcome = job.run();
    assert_eq!(outcome.status, 2, "{outcome:#?}");
    assert!(outcome.log.contains(&format!("the clone lacks commit {base}")), "{}", outcome.log);
    job = job.with("mode", "history").with("min-confidence", "certain").with("fail-on", "certain");
    assert_eq!(job.run().scan("status"), "1", "the shallow commit holds it");
}

#[test]
fn a_clone_that_ends_within_the_change_is_not_taken_for_its_range() {
    let (sandbox, base, _) = leaky("cut");
    sandbox.git(&["rm", "--quiet", "settings.py"]);
    let head = sandbox.commit("2026-02-03T12:00:00Z", "Remove it");
    let clone = cloned(&sandbox, "1", "topic");
    let mut job = Job::new(sandbox, "pull_request", pull_request(&base, &head));
    job.sandbox.repository = clone.clone();
    // Both ends are there, but not what lies between them.
    let fetched = job.sandbox.command("git").args(["fetch", "--quiet", "--depth", "1", "origin", &base]).output();
    let fetched = fetched.expect("git is installed");
    assert!(fetched.status.success(), "{}", text(&fetched.stderr));
    let outcome = job.run();
    assert_eq!(outcome.status, 0, "{outcome:#?}");
    assert!(outcome.log.contains("the clone ends between the two sides"), "{}", outcome.log);
    assert!(outcome.summary.contains("the files of the checkout"), "{}", outcome.summary);
}

#[test]
fn the_history_is_uploaded_by_schedule_and_dispatch_alone() {
    for event in ["schedule", "workflow_dispatch", "push"] {
        let (sandbox, base, _) = leaky("history");
        sandbox.git(&["rm", "--quiet", "settings.py"]);
        let head = sandbox.commit("2026-02-03T12:00:00Z", "Remove settings");
        let mut job = Job::new(sandbox, event, push(&base, &head)).with("upload", "true").with("mode", "history");
        let outcome = job.run();
        assert_eq!(outcome.status, 1, "{outcome:#?}");
        assert_eq!(uploaded(&job, &outcome, "keysweep/tree"), Some(names(&[])), "the tree is clean");
        let history = uploaded(&job, &outcome, "keysweep/history");
        assert_eq!(history, (event != "push").then(|| names(&["settings.py"])), "{event}");
        job = job.with("sarif", "out.sarif");
        let outcome = job.run();
        assert_eq!(outcome.scan("sarif"), "out.sarif");
        let path = if event == "push" { "" } else { "out.history.sarif" };
        assert_eq!(outcome.scan("history-sarif"), path);
    }
}

#[test]
fn an_incomplete_scan_is_not_uploaded_unless_asked() {
    let (sandbox, ..) = leaky("incomplete");
    let clone = cloned(&sandbox, "1", "topic");
    let mut job = Job::new(sandbox, "schedule", json!({})).with("upload", "true").with("mode", "history");
    job.sandbox.repository = clone;
    let outcome = job.run();
    assert!(uploaded(&job, &outcome, "keysweep/history").is_none(), "{outcome:#?}");
    assert!(uploaded(&job, &outcome, "keysweep/tree").is_some(), "the tree was read whole");
    assert!(outcome.log.contains("is incomplete, so history.sarif is not uploaded"), "{}", outcome.log);
    job = job.with("upload-incomplete", "true");
    let outcome = job.run();
    assert!(uploaded(&job, &outcome, "keysweep/history").is_some(), "{outcome:#?}");
}

#[test]
fn what_is_suppressed_is_no_alert() {
    let (sandbox, base) = shop();
    let line = format!("TOKEN = '{}'  # keysweep:allow github-pat-classic made up\n", token("allowed here"));
    sandbox.stage("tests.py", &line);
    let head = sandbox.commit("2026-02-03T12:00:00Z", "Allowed");
    let job = Job::new(sandbox, "push", push(&base, &head)).with("upload", "true");
    let outcome = job.run();
    assert_eq!(uploaded(&job, &outcome, "keysweep/tree"), Some(names(&[])), "{outcome:#?}");
}

#[test]
fn the_tree_of_a_change_is_judged_by_the_policy_of_its_base() {
    let allow = "[[allow.paths]]\npaths = [\"settings.py\"]\nreason = \"trust me\"\n";
    let (sandbox, base, _) = leaky("policy");
    sandbox.stage(".keysweep.toml", allow);
    let head = sandbox.commit("2026-02-03T12:00:00Z", "Allow it");
    let mut job = Job::new(sandbox, "pull_request", pull_request(&base, &head)).with("upload", "true");
    let outcome = job.run();
    assert_eq!(uploaded(&job, &outcome, "keysweep/tree"), Some(names(&["settings.py"])), "{outcome:#?}");
    job = job.with("mode", "tree");
    assert_eq!(job.run().status, 1, "nor does mode tree");
    // What the base already allows is allowed.
    job.event = pull_request(&head, &head);
    let outcome = job.run();
    assert_eq!(outcome.status, 0, "{outcome:#?}");
    assert_eq!(uploaded(&job, &outcome, "keysweep/tree"), Some(names(&[])));
    // A push is by somebody who may write: the branch's own policy says what its alerts are.
    (job.event_name, job.event) = ("push".to_owned(), push(&base, &head));
    assert_eq!(uploaded(&job, &job.run(), "keysweep/tree"), Some(names(&[])));
    // At depth 1 the base is not there, and the change's own policy does not take its place.
    let clone = cloned(&job.sandbox, "1", "topic");
    (job.event_name, job.event) = ("pull_request".to_owned(), pull_request(&base, &head));
    job = job.with("mode", "auto");
    job.sandbox.repository = clone;
    let outcome = job.run();
    assert_eq!(outcome.status, 1, "{outcome:#?}");
    assert!(outcome.log.contains("a change may not bring its own permission"), "{}", outcome.log);
}

#[test]
fn the_ignore_file_of_a_change_is_not_read_for_its_tree() {
    let (sandbox, base, _) = leaky("ignore file");
    let written = sandbox.shell("keysweep baseline create --reason 'not ours' --owner ada");
    assert!(sandbox.repository.join(".keysweepignore").exists(), "{}", text(&written.stderr));
    sandbox.git(&["add", "--all"]);
    let head = sandbox.commit("2026-02-03T12:00:00Z", "Ignore it");
    let mut job = Job::new(sandbox, "pull_request", pull_request(&base, &head)).with("upload", "true");
    assert_eq!(uploaded(&job, &job.run(), "keysweep/tree"), Some(names(&["settings.py"])));
    job.event = pull_request(&head, &head);
    assert_eq!(uploaded(&job, &job.run(), "keysweep/tree"), Some(names(&[])), "the base has it by now");
}

#[test]
fn annotations_stand_in_the_change_and_hold_no_secret() {
    let (sandbox, base, head) = leaky("annotated");
    let outcome = Job::new(sandbox, "pull_request", pull_request(&base, &head)).run();
    assert!(outcome.log.contains("\n::error file=settings.py,line=1,"), "{}", outcome.log);
    assert!(outcome.summary.contains("<details>"), "{}", outcome.summary);
    assert!(!outcome.log.contains(&token("annotated")) && !outcome.summary.contains(&token("annotated")));
}

#[test]
fn a_checkout_of_another_ref_is_not_uploaded_under_this_one() {
    let (sandbox, base, head) = leaky("other ref");
    let mut job = Job::new(sandbox, "push", push(&base, &head)).with("upload", "true");
    job.sha = Some(base);
    let outcome = job.run();
    assert_eq!((outcome.status, outcome.used.len()), (1, 0), "{outcome:#?}");
    assert!(outcome.log.contains("it would stand for another ref"), "{}", outcome.log);
}

#[test]
fn a_folder_is_the_gate_and_the_whole_tree_the_upload() {
    let (sandbox, base, _) = leaky("folder");
    sandbox.stage("docs/index.md", "nothing\n");
    let head = sandbox.commit("2026-02-03T12:00:00Z", "Docs");
    let job = Job::new(sandbox, "push", push(&base, &head)).with("upload", "true");
    let job = job.with("mode", "tree").with("path", "docs");
    let outcome = job.run();
    assert_eq!(outcome.status, 0, "{outcome:#?}");
    assert_eq!(uploaded(&job, &outcome, "keysweep/tree"), Some(names(&["settings.py"])));
}

#[test]
#[cfg(unix)]
fn a_release_is_fetched_and_its_sum_compared() {
    use std::os::unix::fs::PermissionsExt as _;

    use crate::ship_support::KEYSWEEP;

    let (sandbox, base, head) = leaky("release");
    let releases = sandbox.home.join("releases");
    fs::create_dir(&releases).expect("there is room");
    let machine = std::env::consts::ARCH;
    let system = if cfg!(target_os = "macos") { "apple-darwin" } else { "unknown-linux-musl" };
    let name = format!("keysweep-v0.1.0-{machine}-{system}.tar.gz");
    let packed = sandbox.shell(&format!(
        "cd '{}' && cp '{KEYSWEEP}' keysweep && tar -czf '{name}' keysweep && (sha256sum '{name}' || shasum -a 256 '{name}') > SHA256SUMS",
        releases.display()
    ));
    assert!(packed.status.success(), "{}", text(&packed.stderr));
    let sums = fs::read_to_string(releases.join("SHA256SUMS")).expect("just written");
    // The network is what a test has not: the last argument is the address, the one before it the file.
    let curl = format!(
        "#!/bin/bash\naddress=\"${{@: -1}}\"; file=\"${{@: -2:1}}\"\n\
         case \"$address\" in https://github.com/OWNER/keysweep/releases/download/v0.1.0/*) ;; *) exit 22 ;; esac\n\
         cp '{}'/\"${{address##*/}}\" \"$file\"\n",
        releases.display()
    );
    fs::write(sandbox.bin.join("curl"), curl).expect("there is room");
    fs::set_permissions(sandbox.bin.join("curl"), fs::Permissions::from_mode(0o755)).expect("it is ours");
    let job =
        Job::new(sandbox, "pull_request", pull_request(&base, &head)).with("binary", "").with("release", "v0.1.0");
    let outcome = job.run();
    assert_eq!(outcome.scan("status"), "1", "{outcome:#?}");
    let sum = &sums[..64];
    let job = job.with("sha256", sum);
    assert_eq!(job.run().scan("status"), "1");
    let job = job.with("sha256", &sum.replace(|c: char| c.is_ascii_digit(), "0"));
    assert!(job.run().log.contains("not that of the input sha256"));
    let job = job.with("sha256", "");
    fs::write(releases.join("SHA256SUMS"), sums.replacen(&sum[..8], "00000000", 1)).expect("there is room");
    let outcome = job.run();
    assert_eq!(outcome.status, 2);
    assert!(outcome.log.contains("has not the SHA-256 that SHA256SUMS names"), "{}", outcome.log);
    let job = job.with("release", "v9.9.9");
    assert!(job.run().log.contains("could not be fetched"));
    let job = job.with("release", "../../x");
    assert!(job.run().log.contains("must be a tag such as v0.1.0"));
}
