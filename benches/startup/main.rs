//! How long keysweep takes to start, and a hook to look at a commit, beside `git diff --cached`.
//!
//! `cargo bench --bench startup` measures this build; `-- --rules 570` builds a copy of the package that has
//! generated rules besides its own and measures that; `-- --runs 101` runs everything so often. Runs of the
//! programs that are compared take turns. Nothing here fails because of a figure.

#![allow(clippy::print_stdout, reason = "the table is what it is for")]

mod repositories;
mod rules;

use std::{
    env,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use keysweep::{detect::Detector, rules::RuleSet};

const KEYSWEEP: &str = env!("CARGO_BIN_EXE_keysweep");

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let value = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1)?.parse::<usize>().ok()
    };
    if arguments.iter().any(|argument| argument == "--ready") {
        return ready();
    }
    let runs = value("--runs").unwrap_or(21);
    if let Some(count) = value("--rules") {
        return rules::measure_with(count, runs);
    }
    let rules = RuleSet::builtin().expect("the build is whole").len();
    println!("{rules} rules, median (least) of {runs} runs, milliseconds of wall time; peak memory in MB\n");

    let folder = tempfile::tempdir().expect("there is room");
    let none: &[&str] = &[];
    compare("an empty program", runs, folder.path(), &[("true", none)]);
    compare("--version", runs, folder.path(), &[(KEYSWEEP, &["--version"])]);
    println!("{:<44} {}", "rules unpacked / scanner built, microseconds", readiness(runs));
    for (name, path) in repositories::make(folder.path()) {
        let staged: (&str, &[&str]) = (KEYSWEEP, &["git", "--staged"]);
        compare(name, runs, &path, &[staged, ("git", &["diff", "--cached"])]);
    }
}

/// Runs the programs in turn and prints how long each took.
fn compare(what: &str, runs: usize, folder: &Path, programs: &[(&str, &[&str])]) {
    let mut times = vec![Vec::new(); programs.len()];
    for _ in 0..runs {
        for ((program, arguments), times) in programs.iter().zip(&mut times) {
            let mut command = Command::new(program);
            command.args(*arguments).current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null());
            let started = Instant::now();
            let status = command.status().expect("it runs");
            times.push(started.elapsed());
            assert!(status.success(), "{program} {arguments:?} in {what}: {status}");
        }
    }
    let shown = programs.iter().zip(&mut times).map(|((program, arguments), times)| {
        times.sort();
        let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
        let (median, least) = (milliseconds(times[times.len() / 2]), milliseconds(times[0]));
        let name = Path::new(program).file_name().unwrap_or_default().to_string_lossy();
        format!("{name} {median:.2} ({least:.2}){}", peak(program, arguments, folder))
    });
    println!("{what:<44} {}", shown.collect::<Vec<_>>().join("   "));
}

/// Peak memory by GNU time, where it is installed.
fn peak(program: &str, arguments: &[&str], folder: &Path) -> String {
    let mut command = Command::new("/usr/bin/time");
    command.args(["-f", "%M", program]).args(arguments).current_dir(folder).stdout(Stdio::null());
    let said = command.output().ok().and_then(|output| String::from_utf8(output.stderr).ok());
    let kilobytes = said.and_then(|said| said.lines().last()?.trim().parse::<f64>().ok());
    kilobytes.map_or_else(String::new, |kilobytes| format!(", {:.1} MB", kilobytes / 1024.0))
}

/// In a process of its own, so that nothing is warm: from nothing to a scanner.
fn ready() {
    let started = Instant::now();
    let rules = Arc::new(RuleSet::builtin().expect("the build is whole"));
    let unpacked = started.elapsed();
    let detector = Detector::new(rules);
    let built = started.elapsed() - unpacked;
    println!("{} {}", unpacked.as_micros(), built.as_micros());
    drop(detector);
}

fn readiness(runs: usize) -> String {
    let own = env::current_exe().expect("it is running");
    let mut all: Vec<(u64, u64)> = Vec::new();
    for _ in 0..runs {
        let output = Command::new(&own).arg("--ready").output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut numbers = said.split_whitespace().filter_map(|number| number.parse().ok());
        all.extend(numbers.next().zip(numbers.next()));
    }
    all.sort_unstable_by_key(|(unpacked, built)| unpacked + built);
    all.get(all.len() / 2).map_or_else(String::new, |(unpacked, built)| format!("{unpacked} / {built}"))
}
