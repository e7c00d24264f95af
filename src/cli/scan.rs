//! `keysweep scan`.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use bstr::ByteSlice as _;
use keysweep::{
    report::{Format, Job},
    scan::Settings,
    source::{RelPath, tree::Tree},
    suppress::Scope,
};

use crate::{
    Run,
    args::ScanArgs,
    exit::Exit,
    message::Message,
    options::{self, Plan},
    output,
    trust::Trust,
};

pub(crate) fn run(args: &ScanArgs) -> Result<Exit, Message> {
    let outputs = output::parse(&args.report.formats, Format::Human)?;
    let stdin = args.paths.iter().any(|path| path.as_os_str() == "-");
    if stdin && args.paths.len() > 1 {
        return Err(Message::new("standard input is scanned alone")
            .hint("run keysweep twice: once with -, once with the paths"));
    }
    let first = if stdin { Path::new(".") } else { args.paths[0].as_path() };
    let folder = if first.is_dir() {
        first
    } else {
        first.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
    };
    // Outside of a repository the scanned folder itself may hold the configuration.
    let root = options::repository_root(folder).unwrap_or_else(|| folder.to_path_buf());
    let trust = Trust::of_folder(&args.rules, root.clone());
    let prefix = prefix(args);
    let mut plan = Plan::new(&args.rules, &trust)?.strictness(&args.report);
    if !stdin {
        plan = plan.covering(covered(args, &root));
    }
    let settings = Settings {
        thresholds: plan.thresholds(&args.report, Job::Files),
        now: options::now(args.report.now.as_deref())?,
        target: if stdin {
            format!("standard input ({})", args.stdin_name)
        } else {
            args.paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" ")
        },
        prefix,
        whole_blobs: false,
    };
    let run = Run::start();
    let scanner = plan.scanner(settings, &run.progress).with_line_hashes(output::need_line_hashes(&outputs));
    let report = if stdin {
        scanner.scan_stdin(&args.stdin_name, Box::new(io::stdin()))
    } else {
        scanner.scan_tree(&Tree { roots: args.paths.clone(), no_ignore: args.no_ignore, threads: 0 })?
    };
    run.end(&report, &outputs, &args.report)
}

/// Which entries of the ignore file this run could fit: those of files below the scanned paths. In a repository
/// what is gone from the files may still be in the history, so no entry is judged.
fn covered(args: &ScanArgs, root: &Path) -> impl Fn(&Scope) -> bool + Send + Sync + use<> {
    let in_repository = options::repository_root(root).is_some();
    let root = fs::canonicalize(root).unwrap_or_else(|_| root.to_path_buf());
    let roots: Vec<PathBuf> = args.paths.iter().filter_map(|path| fs::canonicalize(path).ok()).collect();
    move |scope| match scope {
        _ if in_repository => false,
        Scope::At(path) => path.as_bstr().to_path().is_ok_and(|path| {
            let file = root.join(path);
            roots.iter().any(|root| file.starts_with(root))
        }),
        Scope::Anywhere => roots.contains(&root),
        Scope::Messages | Scope::Unplaced => true,
    }
}

/// Where relative paths start below the repository's root, so that a configuration's paths mean the
/// same from every folder.
fn prefix(args: &ScanArgs) -> RelPath {
    // One absolute root: its files are named from there.
    let start = match args.paths.as_slice() {
        [path] if path.is_absolute() || path.starts_with("..") => path.as_path(),
        _ => Path::new("."),
    };
    let below = options::repository_root(start)
        .and_then(|root| Some(fs::canonicalize(start).ok()?.strip_prefix(root).ok()?.to_path_buf()));
    below.map_or_else(RelPath::default, |below| RelPath::from_os(&below))
}
