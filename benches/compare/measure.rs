//! Runs programs in turn and reads what the kernel counted.

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeValLike as _,
};

/// One program's runs.
pub(crate) struct Measured {
    pub(crate) name: String,
    /// User and system time of each run.
    pub(crate) cpu: Vec<Duration>,
    pub(crate) wall: Vec<Duration>,
    /// Largest resident set in MB; `None` without GNU time.
    pub(crate) peak: Option<f64>,
    /// How the last run ended.
    pub(crate) status: String,
}

/// A program's name and its command with all arguments.
pub(crate) type Named<'a> = (&'a str, Vec<String>);

/// Runs each command `runs` times, one after the other, after a first round that only warms up.
pub(crate) fn take_turns(commands: &[Named<'_>], runs: usize) -> Vec<Measured> {
    let mut all: Vec<Measured> = commands
        .iter()
        .map(|(name, command)| {
            let (_, _, status) = run(command);
            let peak = peak(command);
            Measured { name: (*name).to_owned(), cpu: Vec::new(), wall: Vec::new(), peak, status }
        })
        .collect();
    for _ in 0..runs {
        for ((_, command), measured) in commands.iter().zip(&mut all) {
            let (cpu, wall, _) = run(command);
            measured.cpu.push(cpu);
            measured.wall.push(wall);
        }
    }
    for measured in &mut all {
        measured.cpu.sort();
        measured.wall.sort();
    }
    all
}

fn run(command: &[String]) -> (Duration, Duration, String) {
    let before = children();
    let started = Instant::now();
    let status = prepared(&command[0], &command[1..]).status();
    let wall = started.elapsed();
    let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
    (children().saturating_sub(before), wall, status)
}

fn prepared(program: &str, arguments: &[String]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// CPU time of all children that have ended; there is never more than one at a time.
fn children() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("every process may ask for its children");
    let microseconds = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Duration::from_micros(microseconds.unsigned_abs())
}

/// By GNU time, which is small: a child inherits the resident set of the process it is forked from as its least
/// peak, and this one may be larger than a scanner.
fn peak(command: &[String]) -> Option<f64> {
    let report = tempfile::NamedTempFile::new().ok()?;
    let path = report.path().to_str()?;
    let own = ["-f", "%M", "-o", path].map(str::to_owned);
    prepared("/usr/bin/time", &[&own[..], command].concat()).status().ok()?;
    let text = std::fs::read_to_string(report.path()).ok()?;
    Some(text.lines().last()?.trim().parse::<f64>().ok()? / 1024.0)
}
