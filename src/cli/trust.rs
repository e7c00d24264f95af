//! Whose allowances count, and where they are read.

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use bstr::ByteSlice as _;
use keysweep::{
    config::{Config, FILE_NAME},
    rules::RuleSet,
    source::{RelPath, git::Repository},
    suppress::{IGNORE_FILE, IgnoreSource},
};

use crate::{
    args::RuleArgs,
    message::Message,
    options::{LARGEST_TEXT, read_text},
};

/// A file's name for messages, and its text.
type Named = (String, Vec<u8>);

/// Where `.keysweep.toml` and `.keysweepignore` come from if the user names none.
pub(crate) enum Trust<'a> {
    /// This folder.
    Folder(PathBuf),
    /// This revision: a change may not bring its own permission.
    Revision(&'a Repository, String),
    /// Nothing of what is scanned, not even its comments.
    Nothing,
}

impl<'a> Trust<'a> {
    /// For files on disk.
    pub(crate) fn of_folder(args: &RuleArgs, root: PathBuf) -> Self {
        if args.no_trust { Self::Nothing } else { Self::Folder(root) }
    }

    /// For a repository; `base` is the side of a range that was there before.
    pub(crate) fn of_repository(args: &RuleArgs, repository: &'a Repository, base: Option<String>) -> Self {
        let facts = repository.facts();
        // git says so to pre-receive and update hooks: what is pushed is not the repository's own yet.
        let pushed = std::env::var_os("GIT_QUARANTINE_PATH").is_some();
        if args.no_trust || (pushed && !args.trust_repo) {
            return Self::Nothing;
        }
        match (base, &facts.work_dir) {
            (Some(base), _) => Self::Revision(repository, base),
            (None, Some(folder)) if !pushed => Self::Folder(folder.clone()),
            // A server or a mirror looks at what others wrote.
            (None, _) if facts.unborn || !args.trust_repo => Self::Nothing,
            (None, _) => Self::Revision(repository, "HEAD".to_owned()),
        }
    }
}

/// The configuration that applies.
pub(crate) fn configuration(args: &RuleArgs, trust: &Trust<'_>, rules: &RuleSet) -> Result<Config, Message> {
    if args.no_config {
        return Ok(Config::none());
    }
    if let Some(path) = &args.config {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let beside = |path: &RelPath| text_of(read_below(folder, path)?);
        return Ok(Config::read(&path.display().to_string(), &read_text(path)?, rules, &beside)?);
    }
    let read = |path: &RelPath| match trust {
        Trust::Folder(folder) => read_below(folder, path),
        Trust::Revision(repository, revision) => read_from(repository, revision, path),
        Trust::Nothing => Ok(None),
    };
    match read(&RelPath::new(FILE_NAME)).and_then(text_of) {
        Ok(Some((name, text))) => Ok(Config::read(&name, &text, rules, &|path| text_of(read(path)?))?),
        Ok(None) => Ok(Config::none()),
        Err(why) => Err(Message::new(format!("{FILE_NAME}: {why}")).hint("pass --config FILE or --no-config")),
    }
}

/// The ignore file that applies, not read yet.
pub(crate) fn ignore_file(args: &RuleArgs, trust: &Trust<'_>) -> Option<IgnoreSource> {
    if args.no_baseline {
        return None;
    }
    if let Some(path) = args.baseline.clone() {
        return Some(IgnoreSource::new(move || {
            let text = read_text(&path).map_err(|message| message.to_string())?;
            Ok(Some((path.display().to_string(), text.into_bytes())))
        }));
    }
    match trust {
        Trust::Folder(folder) => {
            let folder = folder.clone();
            Some(IgnoreSource::new(move || read_below(&folder, &RelPath::new(IGNORE_FILE))))
        }
        Trust::Revision(repository, revision) => {
            // Opened again when it is needed, which in a clean run is never.
            let (git_dir, revision) = (repository.facts().git_dir.clone(), revision.clone());
            Some(IgnoreSource::new(move || {
                let repository = Repository::open(&git_dir).map_err(|error| error.to_string())?;
                read_from(&repository, &revision, &RelPath::new(IGNORE_FILE))
            }))
        }
        Trust::Nothing => None,
    }
}

/// A file below a folder; no part of its path may be a link, which could lead anywhere.
fn read_below(folder: &Path, path: &RelPath) -> Result<Option<Named>, String> {
    let name = path.as_bstr().to_path().map_err(|_| "the name is not for this system".to_owned())?;
    let mut target = folder.to_path_buf();
    for part in name.components() {
        target.push(part);
        match fs::symlink_metadata(&target) {
            Ok(metadata) if metadata.is_symlink() => return Err("a link is not read".to_owned()),
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.to_string()),
        }
    }
    if !target.is_file() {
        return Err("this is no regular file".to_owned());
    }
    let mut bytes = Vec::new();
    let file = fs::File::open(&target).map_err(|error| error.to_string())?;
    file.take(LARGEST_TEXT + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > LARGEST_TEXT {
        return Err("it is longer than 8 MiB".to_owned());
    }
    Ok(Some((path.to_string(), bytes)))
}

fn read_from(repository: &Repository, revision: &str, path: &RelPath) -> Result<Option<Named>, String> {
    let bytes = repository.read_at(revision, path).map_err(|error| error.to_string())?;
    Ok(bytes.map(|bytes| (format!("{revision}:{path}"), bytes)))
}

fn text_of(named: Option<Named>) -> Result<Option<(String, String)>, String> {
    let text = |(name, bytes)| Ok((name, String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?));
    named.map(text).transpose()
}
