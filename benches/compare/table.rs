//! Markdown.

use std::time::Duration;

use crate::{measure::Measured, peers::Program};

/// One line for each program.
pub(crate) fn versions(programs: &[Program]) {
    let versions: Vec<String> = programs.iter().map(Program::version).collect();
    println!("Versions: {}.", versions.join("; "));
}

/// One row for each program; ratios are of medians, to the first row.
pub(crate) fn print(title: &str, runs: usize, all: &[Measured]) {
    println!("\n### {title} (medians of {runs} runs)\n");
    println!("| | CPU s | least | wall s | peak MB | CPU, times keysweep | ended with |");
    println!("|---|--:|--:|--:|--:|--:|---|");
    let own = all.first().map_or(1.0, |first| median(&first.cpu));
    for one in all {
        println!(
            "| {} | {:.3} | {:.3} | {:.3} | {} | {:.2} | {} |",
            one.name,
            median(&one.cpu),
            one.cpu.first().map_or(0.0, Duration::as_secs_f64),
            median(&one.wall),
            one.peak.map_or_else(|| "?".to_owned(), |peak| format!("{peak:.1}")),
            median(&one.cpu) / own,
            one.status
        );
    }
}

/// Of sorted times, in seconds.
fn median(times: &[Duration]) -> f64 {
    times.get(times.len() / 2).map_or(0.0, Duration::as_secs_f64)
}
