//! The packages: made from the program under test, installed where nothing else is, and run.

use std::{fs, path::PathBuf};

use serde_json::Value;

use crate::ship_support::{KEYSWEEP, Sandbox, is_installed, read, root, text, token};

/// A repository with a token, and the folder where packages are made.
fn workshop() -> (Sandbox, PathBuf) {
    let sandbox = Sandbox::new();
    sandbox.stage("settings.py", &format!("GITHUB_TOKEN = '{}'\n", token("packages")));
    sandbox.commit("2026-02-01T12:00:00Z", "Add settings");
    // On the path stands what the package installs and nothing else of ours.
    fs::remove_file(sandbox.bin.join("keysweep")).expect("it is a link");
    let out = sandbox.home.join("out");
    fs::create_dir(&out).expect("there is room");
    if is_installed("strip") {
        run(&sandbox, &format!("strip -o '{0}/keysweep' '{KEYSWEEP}'", sandbox.home.display()));
    } else {
        fs::copy(KEYSWEEP, sandbox.home.join("keysweep")).expect("there is room");
    }
    (sandbox, out)
}

/// Runs a line of shell, which must succeed, and gives what it printed.
#[track_caller]
fn run(sandbox: &Sandbox, line: &str) -> String {
    let output = sandbox.shell(line);
    assert!(output.status.success(), "{line}: {}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

/// The installed program knows its version, finds the token and ends with 1.
#[track_caller]
fn works(sandbox: &Sandbox, program: &str) {
    let version = run(sandbox, &format!("'{program}' --version"));
    assert_eq!(version.trim(), concat!("keysweep ", env!("CARGO_PKG_VERSION")));
    let output = sandbox.shell(&format!("'{program}' git ."));
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("critical[github-pat-classic]"));
}

/// Whether all of these programs are there; a test that cannot run says so.
fn there_are(programs: &[&str]) -> bool {
    let missing: Vec<_> = programs.iter().filter(|program| !is_installed(program)).collect();
    #[expect(clippy::print_stderr, reason = "a test that did not run must be seen")]
    if !missing.is_empty() {
        eprintln!("{missing:?} not installed: this package was not tried");
    }
    missing.is_empty()
}

#[cfg(target_os = "linux")]
fn target() -> String {
    format!("{}-unknown-linux-musl", std::env::consts::ARCH)
}

#[test]
#[cfg(target_os = "linux")]
fn the_wheel_installs_and_runs() {
    if !there_are(&["python3"]) {
        return;
    }
    let (sandbox, out) = workshop();
    let (home, root, out) = (sandbox.home.display(), root().display().to_string(), out.display().to_string());
    let make = format!("python3 '{root}/packaging/python/wheel.py' '{home}/keysweep' {} '{out}'", target());
    let wheel = run(&sandbox, &make).trim().to_owned();
    let first = fs::read(&wheel).expect("it was made");
    run(&sandbox, &make);
    assert!(first == fs::read(&wheel).expect("made again"), "the same input gives the same bytes");
    if !sandbox.shell(&format!("python3 -m venv '{home}/venv'")).status.success() {
        assert!(!there_are(&["python3-venv"]), "python3 makes no environment");
        return;
    }
    run(&sandbox, &format!("'{home}/venv/bin/pip' --quiet --disable-pip-version-check install --no-index '{wheel}'"));
    works(&sandbox, &format!("{home}/venv/bin/keysweep"));
}

#[test]
#[cfg(target_os = "linux")]
fn the_npm_package_installs_and_runs() {
    if !there_are(&["node", "npm"]) {
        return;
    }
    let (sandbox, out) = workshop();
    let (home, root, out) = (sandbox.home.display(), root().display().to_string(), out.display().to_string());
    run(&sandbox, &format!("node '{root}/packaging/npm/pack.mjs' '{out}' '{}={home}/keysweep'", target()));
    run(&sandbox, &format!("npm install --silent --offline --no-audit --prefix '{home}/npm' '{out}'/*.tgz"));
    works(&sandbox, &format!("{home}/npm/node_modules/.bin/keysweep"));
    // Without the package of this machine it says what to do.
    run(&sandbox, &format!("rm -r '{home}'/npm/node_modules/keysweep-*"));
    let alone = sandbox.shell(&format!("'{home}/npm/node_modules/.bin/keysweep' --version"));
    assert_eq!(alone.status.code(), Some(2));
    assert!(text(&alone.stderr).contains("--omit=optional"), "{}", text(&alone.stderr));
}

#[test]
#[cfg(target_os = "linux")]
fn the_debian_package_unpacks_and_runs() {
    if !there_are(&["dpkg-deb", "objdump", "gzip"]) {
        return;
    }
    let (sandbox, out) = workshop();
    let (home, root, out) = (sandbox.home.display(), root().display().to_string(), out.display().to_string());
    let package = run(&sandbox, &format!("bash '{root}/packaging/debian/build.sh' '{home}/keysweep' amd64 '{out}'"));
    let package = package.trim();
    run(&sandbox, &format!("dpkg-deb --extract '{package}' '{home}/system'"));
    works(&sandbox, &format!("{home}/system/usr/bin/keysweep"));
    let pages = run(&sandbox, &format!("gzip -dc '{home}'/system/usr/share/man/man1/keysweep-git.1.gz"));
    assert!(pages.contains("\\-\\-staged"), "{pages}");
    let depends = run(&sandbox, &format!("dpkg-deb --field '{package}' Depends"));
    assert!(depends.starts_with("libc6 (>= 2."), "{depends}");
    let complete = format!(". '{home}/system/usr/share/bash-completion/completions/keysweep' && complete -p keysweep");
    assert!(run(&sandbox, &complete).contains("-F _keysweep"));
}

#[test]
#[cfg(target_os = "linux")]
fn a_release_has_an_archive_sums_a_bill_and_a_formula() {
    if !there_are(&["python3", "node", "npm", "dpkg-deb", "objdump", "sha256sum", "tar"]) {
        return;
    }
    let (sandbox, out) = workshop();
    let root = root().display().to_string();
    // The same program under each name: what is packed is not what this test is about.
    let program = "#!/bin/sh\ncase \"$1\" in --version) echo keysweep 0.1.0 ;; man) : >\"$2/keysweep.1\" ;; *) echo \"$@\" ;; esac\n";
    let folder = sandbox.home.join("program");
    fs::create_dir(&folder).expect("there is room");
    for name in ["keysweep", "keysweep.exe"] {
        fs::write(folder.join(name), program).expect("there is room");
        run(&sandbox, &format!("chmod +x '{}'", folder.join(name).display()));
    }
    let workflow = read(".github/workflows/release.yml");
    let targets: Vec<_> =
        workflow.lines().filter_map(|line| line.trim().strip_prefix("- { target: ")?.split(',').next()).collect();
    assert_eq!(targets.len(), 7);
    for target in &targets {
        run(
            &sandbox,
            &format!("bash '{root}/packaging/archive.sh' '{}' {target} '{}'", folder.display(), out.display()),
        );
    }
    let mut all = sandbox.command("bash");
    // Cargo's own folders are not in the emptied environment.
    for name in ["CARGO_HOME", "RUSTUP_HOME", "CARGO"] {
        all.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    all.env("HOME", std::env::var_os("HOME").unwrap_or_default());
    all.args([&format!("{root}/packaging/all.sh"), out.to_str().expect("a plain path"), "OWNER"]);
    let output = all.output().expect("bash is installed");
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    run(&sandbox, &format!("cd '{}' && sha256sum --check --quiet SHA256SUMS", out.display()));
    let sums = fs::read_to_string(out.join("SHA256SUMS")).expect("it was made");
    let count = |end: &str| sums.lines().filter(|line| line.ends_with(end)).count();
    assert_eq!((count(".tar.gz"), count(".whl"), count(".deb"), count(".tgz")), (7, 5, 2, 6), "{sums}");
    let bill: Value = serde_json::from_slice(&fs::read(out.join("keysweep.cdx.json")).expect("made")).expect("JSON");
    let parts = bill["components"].as_array().expect("a list");
    assert!(parts.iter().any(|part| part["name"] == "regex" && part["hashes"][0]["alg"] == "SHA-256"));
    assert!(!parts.iter().any(|part| part["name"] == "proptest"), "what tests need is not in the program");
    let formula = fs::read_to_string(out.join("keysweep.rb")).expect("it was made");
    for line in sums.lines().filter(|line| line.contains("darwin.tar") || line.contains("musl.tar")) {
        let (sum, name) = line.split_once("  ").expect("a sum and a name");
        assert!(formula.contains(sum) && formula.contains(name), "{line}: {formula}");
    }
}

#[test]
fn every_action_of_the_release_is_pinned() {
    let workflow = read(".github/workflows/release.yml");
    let uses: Vec<_> = workflow.lines().filter(|line| line.contains("uses:")).collect();
    assert!(uses.len() >= 5);
    for line in uses {
        let revision = line.split('@').nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or_default();
        assert_eq!(revision.len(), 40, "{line}");
    }
}
