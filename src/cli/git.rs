//! `keysweep git`.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use keysweep::{
    config::FILE_NAME,
    report::{Format, Job},
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
    options::{self, Plan},
    output,
    trust::Trust,
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
    let whole = !args.staged && args.range.is_none() && args.since.is_none() && args.refs.is_empty();
    let mut repository = match Repository::open(&args.repository) {
        Ok(repository) => repository,
        Err(SourceError::ObjectsOnly { message, object_dirs, work_dir, .. }) if whole => {
            let plan = Plan::new(
                &args.rules,
                &work_dir.map_or(Trust::Nothing, |folder| Trust::of_folder(&args.rules, folder)),
            )?
            .strictness(&args.report);
            let run = Run::start();
            let settings = settings(args, &plan, Job::History)?;
            let scanner = plan.scanner(settings, &run.progress);
            let scanner = scanner.with_line_hashes(output::need_line_hashes(&outputs));
            return run.end(&scanner.scan_objects(object_dirs, &message), &outputs, &args.report);
        }
        Err(error) => return Err(error.into()),
    };
    if !whole {
        repository.need_refs()?;
    }
    let part = part(args, &repository)?;
    if args.staged
        && let Some(path) = index_of_hook(&args.repository, &repository)
    {
        repository.set_index_file(path);
    }
    let base = match &part {
        Part::Change(ChangeSelection::Range(range)) => Some(base(range)),
        _ => None,
    };
    let trust = Trust::of_repository(&args.rules, &repository, base);
    let job = match &part {
        Part::Everything(Selection::All) => Job::History,
        Part::Everything(Selection::Refs(_)) => Job::Refs,
        Part::Change(ChangeSelection::Staged) => Job::Staged,
        Part::Change(_) => Job::Range,
    };
    let mut plan = Plan::new(&args.rules, &trust)?.strictness(&args.report);
    if job == Job::History {
        plan = plan.covering(|_| true);
    }
    let settings = settings(args, &plan, job)?;
    let run = Run::start();
    let scanner = plan.scanner(settings, &run.progress);
    let scanner = scanner.with_line_hashes(output::need_line_hashes(&outputs));
    let report = match &part {
        Part::Everything(selection) => scanner.scan_history(&repository, selection)?,
        Part::Change(selection) => scanner.scan_change(&repository, selection)?,
    };
    run.end(&report, &outputs, &args.report)
}

fn settings(args: &GitArgs, plan: &Plan, job: Job) -> Result<Settings, Message> {
    Ok(Settings {
        thresholds: plan.thresholds(&args.report, job),
        now: options::now(args.report.now.as_deref())?,
        target: args.repository.display().to_string(),
        prefix: RelPath::default(),
        whole_blobs: args.whole_blobs,
    })
}

fn part(args: &GitArgs, repository: &Repository) -> Result<Part, Message> {
    if args.staged {
        Ok(Part::Change(ChangeSelection::Staged))
    } else if let Some(range) = &args.range {
        if !range.contains("..") {
            return Err(Message::new(format!("{range:?} is no range")).hint(format!("write --range {range}..HEAD")));
        }
        Ok(Part::Change(ChangeSelection::Range(of_new_branch(range, repository)?)))
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

/// A range whose first side is all zeros, as git and forges say of a branch that is new: what it has beyond the
/// default branch.
fn of_new_branch(range: &str, repository: &Repository) -> Result<String, Message> {
    let (a, b) = range.split_once("..").unwrap_or((range, ""));
    let b = b.trim_start_matches('.');
    if !matches!(a.len(), 40 | 64) || a.bytes().any(|byte| byte != b'0') {
        return Ok(range.to_owned());
    }
    let names = ["origin/HEAD", "origin/main", "origin/master", "main", "master"];
    let exists = |name: &&&str| repository.read_at(name, &RelPath::new(FILE_NAME)).is_ok();
    let base = names.iter().find(exists).ok_or_else(|| {
        Message::new(format!("{b:?} is new, and there is no default branch to compare it with"))
            .hint(format!("scan all of it: keysweep git --ref {b}"))
    })?;
    Ok(format!("{base}..{b}"))
}

/// The side of a range that was there before.
fn base(range: &str) -> String {
    let base = range.split("..").next().unwrap_or("");
    if base.is_empty() { "HEAD".to_owned() } else { base.to_owned() }
}
