//! keysweep beside other scanners and beside the floors: programs that only read the same bytes.
//!
//! ```sh
//! cargo bench --bench compare -- files=FOLDER history=REPOSITORY hook --runs 5 --peer gitleaks=/path/to/gitleaks
//! ```
//!
//! Scanners on PATH take part, each with its own rules and without asking a network; `--peer NAME=PROGRAM` says where
//! one is. `--peer NAME=COMMAND` with `{}` for the path adds any other. Programs take turns, so that whatever else
//! the machine does hits all alike. Prints Markdown: CPU (user and system), wall and peak memory, medians.

#![allow(clippy::print_stdout, reason = "the table is what it is for")]

#[cfg(unix)]
mod measure;
#[cfg(unix)]
mod peers;
#[cfg(unix)]
mod table;

#[cfg(not(unix))]
fn main() {
    println!("the CPU time of a child is read as Unix gives it; there is no other way here yet");
}

#[cfg(unix)]
fn main() {
    use peers::Job;

    let (mut jobs, mut runs, mut named) = (Vec::new(), 5, Vec::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = |what: &str| arguments.next().unwrap_or_else(|| panic!("{argument} needs {what}"));
        match argument.as_str() {
            // Cargo says that this is a benchmark.
            "--bench" => {}
            "--runs" => runs = value("a number").parse::<usize>().expect("--runs needs a number").max(1),
            "--peer" => named.push(value("NAME=PROGRAM")),
            "hook" => jobs.push((Job::Hook, String::new())),
            other => match other.split_once('=') {
                Some(("files", path)) => jobs.push((Job::Files, path.to_owned())),
                Some(("history", path)) => jobs.push((Job::History, path.to_owned())),
                _ => {
                    panic!("{other:?} is none of files=FOLDER, history=REPOSITORY, hook, --runs N, --peer NAME=PROGRAM")
                }
            },
        }
    }
    if jobs.is_empty() {
        println!("name what to scan: files=FOLDER, history=REPOSITORY or hook");
        return;
    }
    let temporary = tempfile::tempdir().expect("there is room");
    let programs = peers::programs(&named);
    table::versions(&programs);
    for (job, path) in jobs {
        let path = match job {
            Job::Hook => peers::staged_repository(temporary.path()),
            _ => std::fs::canonicalize(&path).unwrap_or_else(|error| panic!("{path}: {error}")),
        };
        let commands: Vec<_> =
            programs.iter().filter_map(|program| Some((program.name.as_str(), program.command(job, &path)?))).collect();
        let title = match job {
            Job::Files => format!("files of {}", path.display()),
            Job::History => format!("history of {}", path.display()),
            Job::Hook => "one staged line in a repository of 5,000 files".to_owned(),
        };
        table::print(&title, runs, &measure::take_turns(&commands, runs));
    }
}
