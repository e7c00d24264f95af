//! A change is not its own judge, and what others wrote is not trusted.

use serde_json::Value;

use crate::support::{Project, found, secret};

const TOKEN: &str = "token = ghp_{base62:30}{crc32-base62}\n";

fn added(document: &Value) -> Vec<String> {
    let list = document["policy"]["added"].as_array().expect("a list");
    list.iter()
        .map(|one| {
            format!("{}:{} {}", one["path"].as_str().unwrap_or(""), one["line"], one["what"].as_str().unwrap_or(""))
        })
        .collect()
}

fn allowed(why: &str) -> String {
    format!("{} # keysweep:allow {why}\n", secret(TOKEN).trim_end())
}

#[test]
fn what_a_change_allows_itself_is_listed_and_strict_fails_on_it() {
    let entry = "z.txt ks1:00112233445566778899aabbccddeeff owner=eve # nothing to see\n";
    let config = "[[allow.paths]]\npaths = [\"c.txt\"]\nreason = \"mine\"\n";
    let project = Project::git()
        .stage("old.txt", TOKEN)
        .commit("first")
        .stage("old.txt", &allowed("was always there"))
        .stage("new.txt", &allowed("trust me"))
        .commit("comments")
        .stage(".keysweepignore", entry)
        .stage(".keysweep.toml", config)
        .commit("lists");
    let (status, document) = project.json(["git", "--range", "HEAD~2..HEAD"]);
    assert_eq!((status, found(&document).len()), (0, 0));
    let list = added(&document);
    assert!(list.contains(&"new.txt:1 allow comment beside a new secret".to_owned()), "{list:?}");
    assert!(list.contains(&"old.txt:1 allow comment beside an old secret".to_owned()), "{list:?}");
    assert!(list.contains(&".keysweepignore:1 entry of the ignore file".to_owned()), "{list:?}");
    assert!(list.contains(&".keysweep.toml:2 line of the configuration".to_owned()), "{list:?}");
    assert_eq!(project.json(["git", "--range", "HEAD~2..HEAD", "--policy", "strict"]).0, 1);
    assert_eq!(project.json(["git", "--policy", "strict"]).0, 0, "a history adds nothing");
    let said = project.run(["git", "--range", "HEAD~2..HEAD", "--policy", "strict"]);
    assert!(said.contains("they fail the run"), "{said}");
    // A hook tells the same of what is staged.
    let project = project.stage("more.txt", &allowed("trust me"));
    assert_eq!(added(&project.json(["git", "--staged"]).1), ["more.txt:1 allow comment beside a new secret"]);
    assert_eq!(project.json(["git", "--staged", "--policy", "strict"]).0, 1);
}

#[test]
fn an_entry_that_the_change_brings_does_not_count() {
    let project = Project::git().stage("a.txt", "nothing\n").commit("first").stage("b.txt", TOKEN);
    assert!(project.run(["baseline", "create", "--reason", "mine alone", "--owner", "eve"]).starts_with("status 0"));
    let project = project.with(&["add", "."]).commit("second");
    assert_eq!(project.json(["git", "--range", "HEAD~1..HEAD"]).0, 1);
    assert_eq!(project.json(["git", "--range", "HEAD~1...HEAD"]).0, 1);
    assert_eq!(project.json(["git"]).0, 0);
    // Once it is part of the base, the same secret in the same place may come again.
    let project = project.stage("b.txt", "nothing\n").commit("third").stage("b.txt", TOKEN).commit("fourth");
    assert_eq!(project.json(["git", "--range", "HEAD~1..HEAD"]).0, 0);
}

#[test]
fn a_fork_is_measured_by_the_base_and_not_by_itself() {
    let config = "[[allow.paths]]\npaths = [\"b.txt\"]\nreason = \"mine\"\n";
    let project = Project::git()
        .stage("a.txt", "nothing\n")
        .commit("first")
        .with(&["checkout", "-q", "-b", "fork"])
        .stage(".keysweep.toml", config)
        .stage("b.txt", TOKEN)
        .commit("fork")
        .with(&["checkout", "-q", "main"])
        .stage("c.txt", "more\n")
        .commit("meanwhile");
    for range in ["main..fork", "main...fork"] {
        let (status, document) = project.json(["git", "--range", range]);
        assert_eq!((status, found(&document).len()), (1, 1), "{range}");
        assert_eq!(added(&document).len(), 3, "{range}: {:?}", added(&document));
    }
    // The base's own file counts, for a fork that does not have it.
    let project = project.stage(".keysweep.toml", config).commit("allow");
    assert_eq!(project.json(["git", "--range", "main..fork"]).0, 0);
}

#[test]
fn without_a_base_only_what_the_commits_add_is_listed() {
    let entry = |name: &str| format!("{name} ks1:00112233445566778899aabbccddeeff owner=ada # made up\n");
    let both = entry("a.txt") + &entry("b.txt");
    let project = Project::git().stage(".keysweepignore", &entry("a.txt")).commit("first");
    let project = project.stage(".keysweepignore", &both).commit("second");
    let since = project.run_git(&["log", "-1", "--format=%ct"]);
    let (_, document) = project.json(["git", "--since", &since]);
    assert_eq!(added(&document), [".keysweepignore:2 entry of the ignore file"]);
}

#[test]
fn a_new_branch_is_measured_by_the_default_branch() {
    let zeros = "0".repeat(40);
    let project = Project::git()
        .stage("old.txt", TOKEN)
        .commit("first")
        .with(&["checkout", "-q", "-b", "work"])
        .stage("new.txt", "token = gho_{base62:30}{crc32-base62}\n")
        .commit("second");
    let findings = project.findings(["git", "--range", &format!("{zeros}..work")]);
    assert_eq!(findings, ["new.txt:1 github-oauth-token"]);
    let project = project.with(&["branch", "-q", "-D", "main"]);
    assert!(
        project.run(["git", "--range", &format!("{zeros}..work")]).contains("--ref work"),
        "nothing to compare with"
    );
}

#[test]
fn a_bare_repository_is_not_trusted_unless_told() {
    let config = "[[allow.rules]]\nrule = \"github-pat-classic\"\nreason = \"mine\"\n";
    let project = Project::git()
        .stage("a.txt", TOKEN)
        .stage("b.txt", &allowed("mine"))
        .stage(".keysweep.toml", config)
        .commit("leak");
    let bare = project.outside("bare.git").display().to_string();
    project.run_git(&["clone", "--quiet", "--mirror", ".", &bare]);
    let (status, document) = project.json(["git", &bare]);
    assert_eq!((status, found(&document).len()), (1, 2));
    assert_eq!(
        (&document["policy"]["inline"], document["policy"]["read_from"].as_array().map(Vec::len)),
        (&Value::from(false), Some(0))
    );
    let (status, document) = project.json(["git", "--trust-repo", &bare]);
    assert_eq!((status, found(&document).len()), (0, 0));
    let counts = &document["policy"]["suppressed"];
    assert_eq!(counts.as_array().map(Vec::len), Some(2), "by origin: {counts}");
    assert_eq!(project.json(["scan", "--no-trust"]).0, 1);
}

#[test]
fn explain_says_what_would_change_it() {
    let project = Project::git()
        .file("a.txt", TOKEN)
        .file("b.txt", &allowed("made up"))
        .file("c.env", "DB_PASSWORD=changeme\n")
        .file("Cargo.lock", "twilio_secret = \"{hex:32}\"\n")
        .with(&["add", "."])
        .commit("all");
    let (_, document) = project.json(["scan", "a.txt"]);
    let print = document["findings"][0]["fingerprint"].as_str().expect("it has one").to_owned();
    let explain = |what: &str| project.run(["explain", what]);
    let said = explain("a.txt:1");
    assert!(
        said.contains(&format!("fingerprint: {print}")) && said.contains("staged   shown, fails the run"),
        "{said}"
    );
    assert!(said.contains("to change it: a comment beside it"), "{said}");
    assert!(explain("b.txt:1").contains("to change it: --no-inline"));
    let said = explain("c.env");
    assert!(
        said.contains("dismissed: it is a placeholder") && said.contains("to change it: nothing needs to change"),
        "{said}"
    );
    let said = explain(&print);
    assert!(
        said.contains("files: a.txt:1") && said.contains("history: b.txt:1") && said.contains("--no-inline"),
        "{said}"
    );
    assert!(said.contains("the whole trace: keysweep explain a.txt:1"), "{said}");
    assert!(explain("ks1:00112233445566778899aabbccddeeff").contains("no file and no commit"));
    assert!(explain("ks1:12").starts_with("status 2"));
}

#[test]
fn a_rule_of_the_repository_hides_nothing_that_a_built_in_rule_sees() {
    // A longer match, so that it is the more specific one, and so unsure that nobody is shown it.
    let rule = |more: &str| {
        format!(
            "[provider]\nid = \"eve\"\nname = \"Eve\"\nurl = \"https://eve.example\"\n\n[[rule]]\nid = \"eve-note\"\ntitle = \"a \
         note\"\ndescription = \"Nothing to see.\"\nkind = \"bearer\"\nseverity = \"low\"\nconfidence = \"low\"\n{more}runbook = \
         \"eve\"\ndocs = \"https://eve.example\"\nanchors = [\"ghp_\"]\npattern = 'token = (?<secret>ghp_[0-9A-Za-z]{{36}})'\n\
         finds = ['token = ghp_{{base62:36}}']\nignores = ['ghp_x']\n\n[runbook.eve]\n{}",
            ["contain", "replace", "deploy", "revoke", "audit", "prevent"]
                .map(|phase| format!("[[runbook.eve.step]]\nphase = \"{phase}\"\ndo = \"Nothing.\"\ngeneral = true\n"))
                .concat()
        )
    };
    for more in ["", "role = \"companion\"\n"] {
        let project = Project::git().stage("a.txt", TOKEN).bytes(".keysweep.toml", rule(more).as_bytes());
        let (status, document) = project.json(["git", "--staged"]);
        assert_eq!((status, found(&document).len()), (1, 1), "{more}{document}");
    }
}

#[test]
fn one_long_line_does_not_excuse_the_others() {
    let project =
        Project::git().stage("a.env", &format!("CERT={}\nDB_PASSWORD=Winter-Is-2024!\n", "QUFB".repeat(2000)));
    assert_eq!(project.findings(["scan"]), ["a.env:2 generic-password"]);
    let project = project.stage("src/languages/setup.py", "db_password = \"Winter-Is-2024!\"\n");
    assert_eq!(project.findings(["scan", "src"]), ["src/languages/setup.py:1 generic-password"]);
}
