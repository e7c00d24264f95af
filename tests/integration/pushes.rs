//! `pre-push` and `pre-receive` with real `git push`: on a client, and in a bare repository whose new objects
//! are in quarantine.

use std::{fs, path::PathBuf};

use crate::ship_support::{Sandbox, text, token};

/// A clone with one commit on `main`, pushed to a bare repository beside it.
struct Remote {
    sandbox: Sandbox,
    server: PathBuf,
}

/// What came of a push.
struct Pushed {
    went: bool,
    said: String,
}

impl Remote {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        let server = sandbox.home.join("server.git");
        let path = server.to_str().expect("a plain path");
        sandbox.git(&["init", "--quiet", "--bare", "--initial-branch=main", path]);
        sandbox.git(&["remote", "add", "origin", path]);
        sandbox.stage("README", "hello\n");
        sandbox.commit("2026-03-01T12:00:00Z", "Say hello");
        let remote = Self { sandbox, server };
        assert!(remote.push("origin main").went);
        remote
    }

    /// With `pre-push` in the clone.
    fn guarded_client() -> Self {
        let remote = Self::new();
        let output = remote.sandbox.shell("keysweep hook install pre-push");
        assert!(output.status.success(), "{}", text(&output.stderr));
        remote
    }

    /// With `pre-receive` on the server, installed with these words behind it.
    fn guarded_server(more: &str) -> Self {
        let remote = Self::new();
        let output = remote
            .sandbox
            .shell(&format!("cd '{}' && keysweep hook install pre-receive {more}", remote.server.display()));
        assert!(output.status.success(), "{}", text(&output.stderr));
        remote
    }

    fn push(&self, what: &str) -> Pushed {
        let output = self.sandbox.shell(&format!("git push {what}"));
        Pushed { went: output.status.success(), said: text(&output.stdout) + &text(&output.stderr) }
    }

    /// Commits a file and gives the id.
    fn commit(&self, name: &str, content: &str) -> String {
        self.sandbox.stage(name, content);
        self.sandbox.commit("2026-03-01T13:00:00Z", &format!("Change {name}"))
    }

    /// Everything that a push is stopped for, on either side.
    fn stops_what_is_pushed(&self) {
        let secret = token("push");
        let line = format!("TOKEN = '{secret}'\n");
        let stopped = |pushed: Pushed, place: &str| {
            assert!(!pushed.went, "it went through: {}", pushed.said);
            assert!(pushed.said.contains(place), "{}", pushed.said);
            assert!(!pushed.said.contains(&secret[..20]), "it tells the secret");
            let ours = pushed.said.lines().filter(|line| !line.contains("error:") && !line.starts_with("To "));
            assert!(ours.count() <= 12, "{}", pushed.said);
        };
        // Brought in by one commit and taken out by the next.
        let leak = self.commit("settings.py", &line);
        self.commit("settings.py", "TOKEN = None\n");
        stopped(self.push("origin main"), &format!("settings.py:1:10 in commit {}", &leak[..12]));
        stopped(self.push("origin main:refs/heads/new"), "settings.py:1:10");
        stopped(self.push("origin main:refs/tags/light"), "settings.py:1:10");
        stopped(self.push("--force origin main"), "settings.py:1:10");
        // Two refs at once, one of them clean.
        stopped(self.push("origin main~2:refs/heads/clean main:refs/heads/new"), "settings.py:1:10");
        self.sandbox.git(&["reset", "--quiet", "--hard", "HEAD~2"]);
        // A message of an annotated tag; a blob that only a tag names.
        self.sandbox.git(&["tag", "--annotate", "--message", &format!("use {secret}"), "v1"]);
        stopped(self.push("origin v1"), "message of tag");
        fs::write(self.sandbox.repository.join("loose"), &line).expect("there is room");
        let blob = self.sandbox.git(&["hash-object", "-w", "loose"]);
        self.sandbox.git(&["tag", "of-a-blob", &blob]);
        stopped(self.push("origin of-a-blob"), &format!("blob {}", &blob[..12]));
        fs::remove_file(self.sandbox.repository.join("loose")).expect("it is there");
    }

    /// Everything that is none of the hook's business.
    fn lets_the_rest_through(&self) {
        let went = |pushed: Pushed| {
            assert!(pushed.went, "{}", pushed.said);
            assert!(!pushed.said.contains("keysweep"), "it has something to say: {}", pushed.said);
        };
        self.commit("b.txt", "fine\n");
        went(self.push("origin main"));
        went(self.push("origin main:refs/heads/other"));
        went(self.push("origin :refs/heads/other"));
        self.sandbox.git(&["tag", "--annotate", "--message", "a release", "v2"]);
        went(self.push("origin v2"));
        self.sandbox.git_at("2026-03-01T14:00:00Z", &["commit", "--quiet", "--amend", "--message", "Again"]);
        went(self.push("--force origin main"));
        went(self.push("origin main"));
        // A clone that knows nothing of the remote yet, with a branch of its own making.
        self.sandbox.git(&["checkout", "--quiet", "--orphan", "pages"]);
        self.commit("index.html", "<p>\n");
        went(self.push("origin pages"));
        self.sandbox.git(&["checkout", "--quiet", "main"]);
    }
}

#[test]
fn before_a_push_what_no_remote_has_is_looked_at() {
    let remote = Remote::guarded_client();
    remote.stops_what_is_pushed();
    remote.lets_the_rest_through();
}

#[test]
fn a_server_looks_at_what_it_is_sent() {
    let remote = Remote::guarded_server("");
    remote.stops_what_is_pushed();
    remote.lets_the_rest_through();
}

#[test]
fn objects_of_a_push_that_was_stopped_do_not_stay() {
    let remote = Remote::guarded_server("");
    let leak = remote.commit("settings.py", &format!("TOKEN = '{}'\n", token("quarantine")));
    let blob = remote.sandbox.git(&["rev-parse", "HEAD:settings.py"]);
    assert!(!remote.push("origin main").went);
    let server = remote.server.to_str().expect("a plain path");
    for id in [&leak, &blob] {
        let output = remote.sandbox.shell(&format!("git -C '{server}' cat-file -e {id}"));
        assert!(!output.status.success(), "{id} got out of quarantine");
    }
    // Large pushes come as a pack, small ones as loose objects: the hook reads both.
    for at in 0..120 {
        remote.sandbox.stage(&format!("many/{at}.txt"), &format!("{at}\n"));
    }
    remote.sandbox.commit("2026-03-01T15:00:00Z", "Many files");
    let pushed = remote.push("origin main");
    assert!(!pushed.went && pushed.said.contains("settings.py:1:10"), "{}", pushed.said);
}

#[test]
fn a_client_may_allow_and_a_server_trusts_nobody_but_its_own_file() {
    let allowed = format!("TOKEN = '{}'  # keysweep:allow revoked in May\n", token("allowed"));
    let config = "[[allow.paths]]\npaths = [\"*.py\"]\nreason = \"all made up\"\n";
    let client = Remote::guarded_client();
    client.commit("settings.py", &allowed);
    assert!(client.push("origin main").went);

    let server = Remote::guarded_server("");
    server.sandbox.stage(".keysweep.toml", config);
    server.commit("settings.py", &allowed);
    let pushed = server.push("origin main");
    assert!(!pushed.went && pushed.said.contains("settings.py"), "{}", pushed.said);

    let own = server.sandbox.home.join("keysweep.toml");
    fs::write(&own, config).expect("there is room");
    let install = format!(
        "cd '{}' && keysweep hook install pre-receive -- --config '{}'",
        server.server.display(),
        own.display()
    );
    assert!(server.sandbox.shell(&install).status.success());
    let pushed = server.push("origin main");
    assert!(pushed.went, "{}", pushed.said);
}

#[test]
fn what_another_remote_has_is_not_looked_at_again() {
    let remote = Remote::new();
    remote.commit("old.py", &format!("TOKEN = '{}'\n", token("upstream")));
    assert!(remote.push("origin main").went);
    assert!(remote.sandbox.shell("keysweep hook install pre-push").status.success());
    let fork = remote.sandbox.home.join("fork.git");
    let path = fork.to_str().expect("a plain path");
    remote.sandbox.git(&["init", "--quiet", "--bare", path]);
    remote.sandbox.git(&["remote", "add", "fork", path]);
    remote.commit("new.txt", "fine\n");
    let pushed = remote.push("fork main");
    assert!(pushed.went, "an old secret of upstream's stops a fork: {}", pushed.said);
}

#[test]
fn a_push_from_a_linked_worktree_and_with_a_git_dir_elsewhere_is_looked_at() {
    let remote = Remote::guarded_client();
    let tree = remote.sandbox.home.join("linked");
    remote.sandbox.git(&["worktree", "add", "--quiet", "-b", "side", tree.to_str().expect("a plain path")]);
    let secret = token("worktree");
    let commit = format!("echo \"T = '{secret}'\" > t.py && git add t.py && git commit --quiet --no-verify -m t");
    let output = remote.sandbox.shell(&format!("cd '{}' && {commit} && git push origin side", tree.display()));
    let said = text(&output.stdout) + &text(&output.stderr);
    assert!(!output.status.success() && said.contains("t.py:1:6"), "{said}");

    let elsewhere = remote.sandbox.home.join("elsewhere");
    fs::create_dir(&elsewhere).expect("there is room");
    let git_dir = remote.sandbox.repository.join(".git");
    let output = remote.sandbox.shell(&format!(
        "cd '{}' && git --git-dir '{}' push origin side",
        elsewhere.display(),
        git_dir.display()
    ));
    let said = text(&output.stdout) + &text(&output.stderr);
    assert!(!output.status.success() && said.contains("t.py:1:6"), "{said}");
}

#[test]
fn an_input_that_is_no_push_stops_it() {
    let remote = Remote::new();
    for hook in ["pre-push", "pre-receive"] {
        let output = remote.sandbox.shell(&format!("echo hello | keysweep hook run {hook}"));
        assert_eq!(output.status.code(), Some(2), "{}", text(&output.stdout));
        let missing = "1".repeat(40);
        let line = format!("refs/heads/a {missing} refs/heads/a {missing}");
        let line = if hook == "pre-push" { line } else { format!("{missing} {missing} refs/heads/a") };
        let output = remote.sandbox.shell(&format!("echo '{line}' | keysweep hook run {hook}"));
        let said = text(&output.stdout);
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(said.contains("could not be read: object 1111"), "{said}");
        let output = remote.sandbox.shell(&format!("keysweep hook run {hook} < /dev/null"));
        assert_eq!(output.status.code(), Some(0), "nothing is pushed");
    }
}
