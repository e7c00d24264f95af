//! `keysweep git`.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use keysweep::{
    report::Format,
    rules::Confidence,
    scan::{ChangeSelection, Settings},
    source::{
        RelPath, SourceError,
        git::{Repository, Selection},
    },
};

use crate::{
    Run,
    args::GitArgs,
    exit::Exit,
    message::Message,
    options::{self, Plan, Trust},
    output,
};

/// Which part of the repository is scanned.
enum Part {
    Everything(Selection),
    Change(ChangeSelection),
}

pub(crate) fn run(args: &GitArgs) -> Result<Exit, Message> {
    // Whoever is stopped at a commit wants ten lines, and asks for more by a format or --rotation.
    let brief = args.staged && args.report.rotation.is_none();
    let default = if brief { Format::Brief } else { Format::Human };
    let outputs = output::parse(&args.report.formats, default)?;
    let part = part(args)?;
    let mut repository = match (Repository::open(&args.repository), &part) {
        (Ok(repository), _) => repository,
        (Err(SourceError::ObjectsOnly { message, object_dirs, work_dir, .. }), Part::Everything(Selection::All)) => {
            let plan = Plan::new(&args.rules, &Trust::Folder(work_dir))?;
            let run = Run::start();
            let settings = settings(args, &plan, &part)?;
            let scanner = plan.scanner(settings, &run.progress);
            let scanner = scanner.with_line_hashes(output::need_line_hashes(&outputs));
            return run.end(&scanner.scan_objects(object_dirs, &message), &outputs, &args.report);
        }
        (Err(error), _) => return Err(error.into()),
    };
    if args.staged
        && let Some(path) = index_of_hook(&args.repository, &repository)
    {
        repository.set_index_file(path);
    }
    let trust = match &part {
        // Only the base of a range is trusted: what is examined may not allow itself.
        Part::Change(ChangeSelection::Range(range)) => Trust::Revision(&repository, base(range)),
        _ => match &repository.facts().work_dir {
            Some(folder) => Trust::Folder(Some(folder.clone())),
            None if repository.facts().unborn => Trust::Folder(None),
            None => Trust::Revision(&repository, "HEAD".to_owned()),
        },
    };
    let plan = Plan::new(&args.rules, &trust)?;
    let settings = settings(args, &plan, &part)?;
    let run = Run::start();
    let scanner = plan.scanner(settings, &run.progress);
    let scanner = scanner.with_line_hashes(output::need_line_hashes(&outputs));
    let report = match &part {
        Part::Everything(selection) => scanner.scan_history(&repository, selection)?,
        Part::Change(selection) => scanner.scan_change(&repository, selection)?,
    };
    run.end(&report, &outputs, &args.report)
}

fn settings(args: &GitArgs, plan: &Plan, part: &Part) -> Result<Settings, Message> {
    let (show, fail) = match part {
        Part::Everything(_) => (Confidence::Low, Confidence::Medium),
        // A hook must never cry wolf.
        Part::Change(ChangeSelection::Staged) => (Confidence::Medium, Confidence::High),
        Part::Change(_) => (Confidence::Medium, Confidence::Medium),
    };
    Ok(Settings {
        thresholds: plan.thresholds(&args.report, show, fail),
        now: options::now(args.report.now.as_deref())?,
        target: args.repository.display().to_string(),
        prefix: RelPath::default(),
        whole_blobs: args.whole_blobs,
    })
}

fn part(args: &GitArgs) -> Result<Part, Message> {
    if args.staged {
        Ok(Part::Change(ChangeSelection::Staged))
    } else if let Some(range) = &args.range {
        if !range.contains("..") {
            return Err(Message::new(format!("{range:?} is no range")).hint(format!("write --range {range}..HEAD")));
        }
        Ok(Part::Change(ChangeSelection::Range(range.clone())))
    } else if let Some(date) = &args.since {
        Ok(Part::Change(ChangeSelection::Since(options::moment(date)?)))
    } else if args.refs.is_empty() {
        Ok(Part::Everything(Selection::All))
    } else {
        Ok(Part::Everything(Selection::Refs(args.refs.clone())))
    }
}

/// The index that git tells a hook of: with `git commit -a` and `git commit FILE` what would be committed is
/// not in the repository's own.
fn index_of_hook(named: &Path, repository: &Repository) -> Option<PathBuf> {
    let path = PathBuf::from(env::var_os("GIT_INDEX_FILE").filter(|path| !path.is_empty())?);
    // A hook of one repository may look into another one, whose index it is not.
    let own = || {
        let folder = fs::canonicalize(path.parent()?).ok()?;
        Some(folder == fs::canonicalize(&repository.facts().git_dir).ok()?)
    };
    (named == Path::new(".") || own() == Some(true)).then_some(path)
}

/// The side of a range that was there before.
fn base(range: &str) -> String {
    let base = range.split("..").next().unwrap_or("");
    if base.is_empty() { "HEAD".to_owned() } else { base.to_owned() }
}
