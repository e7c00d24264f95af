//! The command line.

mod args;
mod baseline;
mod config;
mod exit;
mod explain;
mod git;
mod hook;
mod message;
mod options;
mod output;
mod packaging;
mod progress;
mod rules;
mod scan;
mod trust;

use std::{
    io::{self, Write as _},
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use clap::Parser as _;
use keysweep::{report::Report, scan::Progress};

use crate::{
    args::{Cli, Command, ReportArgs},
    exit::Exit,
    message::Message,
    output::Output,
};

fn main() -> ExitCode {
    quiet_panics();
    let outcome = match Cli::parse().command {
        Command::Scan(args) => scan::run(&args),
        Command::Git(args) => git::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Baseline(args) => baseline::run(&args.command),
        Command::Config(args) => config::run(&args.command),
        Command::Rules(args) => rules::run(&args.command),
        Command::Hook(args) => hook::run(&args.command),
        Command::Completions { shell } => packaging::completions(shell),
        Command::Man { folder } => packaging::man(&folder),
    };
    let exit = outcome.unwrap_or_else(|message| {
        let _ = writeln!(io::stderr(), "{message}");
        Exit::Error
    });
    exit.into()
}

/// A panic says where it was and nothing else: its payload may hold what was scanned.
fn quiet_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        let _ = writeln!(io::stderr(), "keysweep: internal error at {place}; this content was skipped");
    }));
}

/// What a scan shares with the outside while it runs.
struct Run {
    progress: Arc<Progress>,
    bar: progress::Bar,
    interrupted: Arc<AtomicBool>,
}

impl Run {
    /// Starts the progress bar; from here on Ctrl-C gives a partial report and a second Ctrl-C ends
    /// at once.
    fn start() -> Self {
        let progress = Arc::new(Progress::default());
        let interrupted = Arc::new(AtomicBool::new(false));
        let (flag, stop) = (Arc::clone(&interrupted), Arc::clone(&progress));
        // Without a handler Ctrl-C just ends the run, which is not worth failing for.
        let _ = ctrlc::set_handler(move || {
            if flag.swap(true, Ordering::SeqCst) {
                std::process::exit(130);
            }
            stop.stop.store(true, Ordering::SeqCst);
        });
        Self { bar: progress::Bar::start(Arc::clone(&progress)), progress, interrupted }
    }

    /// Writes the reports and says how the run ended.
    fn end(self, report: &Report, outputs: &[Output], args: &ReportArgs) -> Result<Exit, Message> {
        drop(self.bar);
        output::write(outputs, report, &options::look(args), args.color)?;
        let interrupted = self.interrupted.load(Ordering::SeqCst);
        Ok(Exit::of(report, args, interrupted))
    }
}
