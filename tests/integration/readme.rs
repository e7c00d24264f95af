//! The README does what it says: its output is real, its commands run, its examples are accepted.

use std::{collections::BTreeSet, fs};

use keysweep::{config::Config, rules::RuleSet};
use yaml_rust2::Yaml;

use crate::ship_support::{Sandbox, between, blocks, compare, entries, read, root, text, token, yaml};

/// What no test can run, and why. A line that is not in the README any more fails the test.
const NOT_RUN: [(&str, &str); 3] = [
    ("cargo test --locked", "this test is a part of it; .ci/run has the same line"),
    ("cargo install --locked --path .", "builds everything once more and installs into the home of whoever runs it"),
    ("cargo run --release --locked -- git .", "builds a release; what stands behind the dashes is run instead"),
];

/// The same for the pages beside it.
const NOT_RUN_OF_PAGES: [(&str, &str); 6] = [
    ("cargo bench --bench compare -- files=rails files=node_modules --runs 5", "measures trees that are not here"),
    ("cargo test --locked", "this test is a part of it"),
    (".ci/run", "runs this test"),
    ("cargo build --profile dist --locked", "builds everything once more"),
    ("bash packaging/archive.sh target/dist x86_64-unknown-linux-gnu out", "packages.rs runs it on another folder"),
    ("bash packaging/all.sh out OWNER", "packages.rs runs it on another folder"),
];

/// A repository with a token in its history, the same on every machine.
fn demo() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.stage("settings.py", "import os\n\nDEBUG = False\n");
    sandbox.commit("2026-01-12T09:30:00Z", "Start the shop");
    sandbox.stage(
        "settings.py",
        &format!("import os\n\nDEBUG = False\nGITHUB_TOKEN = \"{}\"  # for the release notes\n", token("readme")),
    );
    sandbox.commit("2026-01-20T16:05:00Z", "Write release notes from pull requests");
    sandbox.git(&["tag", "v1.0"]);
    sandbox.stage("settings.py", "import os\n\nDEBUG = False\nGITHUB_TOKEN = os.environ[\"GITHUB_TOKEN\"]\n");
    sandbox.commit("2026-02-10T11:45:00Z", "Remove the token");
    sandbox
}

/// How long it took is the one thing that differs from run to run.
fn without_time(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        match line.rsplit_once(" in ") {
            Some((head, time)) if line.starts_with("  read ") && (time.ends_with("ms") || time.ends_with('s')) => {
                out += head;
                out += " in 9 ms";
            }
            _ => out += line,
        }
        out.push('\n');
    }
    out
}

#[test]
fn its_output_is_what_the_program_prints() {
    let sandbox = demo();
    let output = sandbox.shell("keysweep git .");
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "");
    let printed = text(&output.stdout);
    assert!(!printed.contains(&token("readme")[..20]), "the demo prints its secret");
    let block = format!("```text\n{}```\n", without_time(&printed));
    let readme = read("README.md");
    compare("README.md", &between(&readme, "demo", &block));
}

#[test]
fn each_of_its_commands_runs() {
    let readme = read("README.md");
    let mut not_run: Vec<_> = NOT_RUN.iter().map(|(line, _)| *line).collect();
    let mut count = 0;
    for block in blocks(&readme).iter().filter(|block| block.language == "sh") {
        let sandbox = demo();
        for line in block.text.lines().filter(|line| !line.starts_with('#')) {
            not_run.retain(|known| *known != line);
            let line = match line.strip_prefix("cargo run --release --locked -- ") {
                Some(arguments) => format!("keysweep {arguments}"),
                None if line.starts_with("cargo ") => continue,
                None => line.to_owned(),
            };
            let output = sandbox.shell(&line);
            let code = output.status.code();
            let expected: &[i32] = if line.starts_with("keysweep git") { &[1] } else { &[0] };
            assert!(
                code.is_some_and(|code| expected.contains(&code)),
                "README.md:{}: {line}: {code:?}\n{}{}",
                block.line,
                text(&output.stdout),
                text(&output.stderr)
            );
            count += 1;
        }
    }
    assert!(not_run.is_empty(), "the README lacks {not_run:?}");
    assert!(count > 5, "the README lost its commands");
}

#[test]
fn each_command_of_the_other_pages_runs_or_says_why_not() {
    let mut pages = vec!["CONTRIBUTING.md".to_owned(), "SECURITY.md".to_owned()];
    for folder in ["docs", "docs/ci"] {
        for entry in fs::read_dir(root().join(folder)).expect("it is there") {
            let name = entry.expect("it can be read").file_name().into_string().expect("a plain name");
            if name.ends_with(".md") {
                pages.push(format!("{folder}/{name}"));
            }
        }
    }
    assert!(pages.len() > 8, "{pages:?}");
    let mut seen = BTreeSet::new();
    for page in &pages {
        let sandbox = demo();
        for block in
            blocks(&read(page)).iter().filter(|block| matches!(block.language.as_str(), "sh" | "bash" | "console"))
        {
            for line in block.text.lines() {
                let line = line.split(" #").next().unwrap_or_default().trim();
                if line.is_empty() || line.starts_with('#') {
                    continue;
                }
                if NOT_RUN_OF_PAGES.iter().any(|(known, _)| *known == line) {
                    seen.insert(line.to_owned());
                    continue;
                }
                let output = sandbox.shell(line);
                let expected = i32::from(line.starts_with("keysweep git"));
                assert_eq!(
                    output.status.code(),
                    Some(expected),
                    "{page}:{}: {line}: {}",
                    block.line,
                    text(&output.stderr)
                );
            }
        }
    }
    let gone: Vec<_> = NOT_RUN_OF_PAGES.iter().filter(|(line, _)| !seen.contains(*line)).collect();
    assert!(gone.is_empty(), "no page has {gone:?}");
}

#[test]
fn the_hook_it_writes_stops_a_commit() {
    let readme = read("README.md");
    let blocks = blocks(&readme);
    let hook = blocks.iter().find(|block| block.text.starts_with("keysweep hook install")).expect("it shows a hook");
    let sandbox = Sandbox::new();
    let written = sandbox.shell(&hook.text);
    assert!(written.status.success(), "{}", text(&written.stderr));
    sandbox.stage("main.py", "print('hello')\n");
    sandbox.commit("2026-03-01T12:00:00Z", "Say hello");
    sandbox.stage("settings.py", &format!("GITHUB_TOKEN = '{}'\n", token("hook")));
    let commit = sandbox.shell("git commit --message 'Add settings'");
    let said = text(&commit.stdout) + &text(&commit.stderr);
    assert!(!commit.status.success() && said.contains("settings.py:1:17"), "{said}");
    assert_eq!(sandbox.git(&["rev-list", "--count", "HEAD"]), "1");
}

#[test]
fn ci_runs_the_test_command_of_the_readme() {
    let ci = read(".ci/run");
    let command = NOT_RUN[0].0;
    assert!(ci.lines().any(|line| line == command), ".ci/run does not run {command:?}");
    assert!(read("README.md").contains(&format!("```sh\n{command}\n```")));
}

#[test]
fn its_configuration_is_accepted_and_does_what_it_says() {
    let readme = read("README.md");
    let builtin = RuleSet::builtin().expect("the built-in rules are sound");
    let toml: Vec<_> = blocks(&readme).into_iter().filter(|block| block.language == "toml").collect();
    assert!(!toml.is_empty());
    for block in &toml {
        Config::parse("README.md", &block.text, &builtin).unwrap_or_else(|error| panic!("{error}: {}", error.mend));
    }
    let sandbox = Sandbox::new();
    let python = blocks(&readme).into_iter().find(|block| block.language == "python").expect("an allow comment");
    sandbox.stage("tests.py", &python.text);
    let quiet = sandbox.shell("keysweep scan . --min-confidence low --fail-on low");
    assert_eq!(quiet.status.code(), Some(0), "{}", text(&quiet.stdout));
    assert!(text(&quiet.stdout).contains("suppressed"), "{}", text(&quiet.stdout));
    let strict = sandbox.shell("keysweep scan . --no-inline --min-confidence low --fail-on low");
    assert_eq!(strict.status.code(), Some(1), "the example is no finding at all: {}", text(&strict.stdout));
}

#[test]
fn its_workflows_fit_the_action_and_the_hooks() {
    let readme = read("README.md");
    let action = yaml(&read("action.yml"));
    let hooks = yaml(&read(".pre-commit-hooks.yaml"));
    let (mut uses, mut ids) = (0, 0);
    for block in blocks(&readme).into_iter().filter(|block| block.language == "yaml") {
        let document = yaml(&block.text);
        let job = &document["jobs"]["keysweep"]["steps"];
        let steps = if document.as_vec().is_some() { &document } else { job };
        for step in steps.as_vec().into_iter().flatten() {
            let (name, revision) = step["uses"].as_str().and_then(|uses| uses.split_once('@')).expect("uses NAME@REF");
            if name == "OWNER/keysweep" {
                uses += 1;
                let with: Vec<_> = if step["with"].is_badvalue() { vec![] } else { entries(&step["with"]) };
                for (input, _) in with {
                    assert!(!action["inputs"][input].is_badvalue(), "action.yml has no input {input}");
                }
            } else {
                assert_eq!(revision.len(), 40, "{name} is not pinned to a commit");
            }
        }
        if !job.is_badvalue() {
            let permissions = entries(&document["permissions"]);
            assert_eq!(permissions, [("contents", &Yaml::String("read".to_owned()))], "no more than it needs");
        }
        for hook in document["repos"][0]["hooks"].as_vec().into_iter().flatten() {
            ids += 1;
            assert!(hooks.as_vec().expect("a list").iter().any(|known| known["id"] == hook["id"]), "{hook:?}");
        }
    }
    assert_eq!((uses, ids), (2, 1));
}
