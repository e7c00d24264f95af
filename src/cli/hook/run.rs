//! What the installed scripts call.

use std::{
    env,
    io::{self, Read as _},
    path::PathBuf,
};

use git2::Oid;
use keysweep::{
    report::{Format, Job, Report},
    scan::{ChangeSelection, Settings},
    source::{
        RelPath,
        git::{KnownRefs, Push, Repository},
    },
};

use crate::{
    Run,
    args::{HookName, HookRunArgs},
    exit::Exit,
    message::Message,
    options::{self, Plan},
    output,
    trust::Trust,
};

/// git tells a hook of this many bytes of refs at most; half a million refs.
const MOST_INPUT: u64 = 64 << 20;

pub(super) fn run(args: &HookRunArgs) -> Result<Exit, Message> {
    let outputs = output::parse(&args.report.formats, Format::Brief)?;
    let mut repository = open()?;
    let selection = match args.hook {
        HookName::PreCommit => {
            // With `git commit -a` and `git commit FILE` this is not the repository's own.
            if let Some(path) = env::var_os("GIT_INDEX_FILE").filter(|path| !path.is_empty()) {
                repository.set_index_file(path.into());
            }
            ChangeSelection::Staged
        }
        HookName::PrePush => {
            match pushed(&input()?, [1, 3], KnownRefs::Remotes)?.or(told_by_pre_commit(&repository)?) {
                Some(push) => ChangeSelection::Push(push),
                None => return Ok(Exit::Clean),
            }
        }
        HookName::PreReceive => match pushed(&input()?, [1, 0], KnownRefs::All)? {
            Some(push) => ChangeSelection::Receive(push),
            None => return Ok(Exit::Clean),
        },
    };
    // Whoever pushes to a server has no say in what it lets in.
    let stranger = args.hook == HookName::PreReceive;
    let folder = if stranger { None } else { repository.facts().work_dir.clone() };
    let trust = folder.map_or(Trust::Nothing, |folder| Trust::of_folder(&args.rules, folder));
    let plan = Plan::new(&args.rules, &trust)?.strictness(&args.report);
    let settings = Settings {
        thresholds: plan.thresholds(&args.report, Job::Staged),
        now: options::now(args.report.now.as_deref())?,
        target: ".".to_owned(),
        prefix: RelPath::default(),
        whole_blobs: false,
    };
    let run = Run::start();
    let scanner = plan.scanner(settings, &run.progress).with_line_hashes(output::need_line_hashes(&outputs));
    let report = scanner.scan_change(&repository, &selection)?;
    if args.report.formats.is_empty() && is_silent(&report) {
        return Ok(Exit::Clean);
    }
    run.end(&report, &outputs, &args.report)
}

/// A hook that has nothing to say says nothing.
fn is_silent(report: &Report) -> bool {
    report.incidents.is_empty()
        && !report.is_incomplete()
        && report.coverage.canaries_lost.is_empty()
        && report.policy.added.is_empty()
        && !report.policy.fails(&report.coverage)
}

/// The repository that git runs the hook for, with the objects of its quarantine.
fn open() -> Result<Repository, Message> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    let path = set("GIT_DIR").map_or_else(|| PathBuf::from("."), PathBuf::from);
    let mut repository = Repository::open(&path)?;
    let mut folders: Vec<PathBuf> = ["GIT_QUARANTINE_PATH", "GIT_OBJECT_DIRECTORY"]
        .iter()
        .filter_map(|name| set(name))
        .map(PathBuf::from)
        .collect();
    folders.extend(set("GIT_ALTERNATE_OBJECT_DIRECTORIES").iter().flat_map(|list| split(&list.to_string_lossy())));
    folders.dedup();
    repository.add_object_folders(folders)?;
    Ok(repository)
}

/// A list of folders as git writes it: between colons (semicolons on Windows), in quotes where it must.
fn split(list: &str) -> Vec<PathBuf> {
    let separator = if cfg!(windows) { ';' } else { ':' };
    let mut folders = Vec::new();
    let mut folder = String::new();
    let mut quoted = false;
    let mut chars = list.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted || folder.is_empty() => quoted = !quoted,
            '\\' if quoted => folder.extend(chars.next()),
            c if c == separator && !quoted => folders.push(std::mem::take(&mut folder)),
            c => folder.push(c),
        }
    }
    folders.push(folder);
    folders.into_iter().filter(|folder| !folder.is_empty()).map(PathBuf::from).collect()
}

fn input() -> Result<String, Message> {
    let mut text = String::new();
    let read = io::stdin().take(MOST_INPUT + 1).read_to_string(&mut text);
    match read {
        Ok(length) if length as u64 <= MOST_INPUT => Ok(text),
        Ok(_) => Err(Message::new("more than 64 MiB of refs on standard input").hint("push fewer refs at a time")),
        Err(error) => Err(Message::new(format!("cannot read what is pushed: {error}"))
            .hint("git tells it on standard input; it is not meant to be typed")),
    }
}

/// The program pre-commit reads git's lines itself and tells its hooks of one ref, by the environment.
fn told_by_pre_commit(repository: &Repository) -> Result<Option<Push>, Message> {
    let set = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let named = set("PRE_COMMIT").and_then(|_| set("PRE_COMMIT_TO_REF").or_else(|| set("PRE_COMMIT_LOCAL_BRANCH")));
    let Some(name) = named else {
        return Ok(None);
    };
    // Its FROM_REF is a guess at what the remote has; the remote's refs say it, too.
    Ok(Some(Push { new: vec![repository.resolve(&name)?], old: Vec::new(), known: KnownRefs::Remotes }))
}

/// Reads lines of refs and ids; `[new, old]` say which words of a line are which. Nothing is new if all are
/// deletions.
fn pushed(text: &str, [new, old]: [usize; 2], known: KnownRefs) -> Result<Option<Push>, Message> {
    let mut push = Push { new: Vec::new(), old: Vec::new(), known };
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let id = |at: usize| {
            let word = words.get(at).copied().unwrap_or_default();
            if word.len() == 40 { Oid::from_str(word).ok() } else { None }
        };
        let (Some(new), Some(old)) = (id(new), id(old)) else {
            return Err(Message::new(format!("{line:?} is no line of a push"))
                .hint("git writes these lines to its hooks; SHA-256 repositories cannot be read yet"));
        };
        if !new.is_zero() {
            push.new.push(new);
        }
        if !old.is_zero() {
            push.old.push(old);
        }
    }
    Ok(Some(push).filter(|push| !push.new.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_split_as_git_joins_them() {
        let folders = |list: &str| split(list).iter().map(|path| path.display().to_string()).collect::<Vec<_>>();
        assert_eq!(folders("/a:/b c"), ["/a", "/b c"]);
        assert_eq!(folders("\"/a:b\\\"\":/c"), ["/a:b\"", "/c"]);
        assert!(folders("").is_empty());
    }

    #[test]
    fn deletions_bring_nothing_and_nonsense_is_no_push() {
        let (zero, one, two) = ("0".repeat(40), "1".repeat(40), "2".repeat(40));
        let gone = pushed(&format!("(delete) {zero} refs/heads/a {one}\n"), [1, 3], KnownRefs::Remotes);
        assert_eq!(gone.ok().flatten(), None);
        let push = pushed(&format!("{one} {two} refs/heads/a\n"), [1, 0], KnownRefs::All).ok().flatten();
        let push = push.map(|push| (push.new[0].to_string(), push.old[0].to_string()));
        assert_eq!(push, Some((two, one)));
        assert!(pushed("hello\n", [1, 0], KnownRefs::All).is_err());
    }
}
