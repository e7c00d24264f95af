//! Puts scripts into a hook folder and takes them out again. What was there before stays, runs first and
//! comes back.

use std::{
    env, fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use keysweep::source::git::{hooks_path, set_hooks_path};

use super::{
    Place,
    git_config::{self, shown},
    manager::Manager,
    script::{self, EARLIER, PASSED_ON},
};
use crate::{
    args::{HookInstallArgs, HookName, HookPlaceArgs},
    exit::Exit,
    message::Message,
};

/// What `is_ours` looks for in a folder.
const FOLDER_MARK: &str = ".keysweep-folder";

pub(super) fn install(args: &HookInstallArgs) -> Result<Exit, Message> {
    let binary =
        env::current_exe().map_err(|error| Message::new(format!("cannot tell where this program is: {error}")))?;
    let (folder, global) =
        if args.place.global { (prepare_global()?, true) } else { (folder_for(&args.place)?, false) };
    let hooks = args.place.hooks();
    // Look at all before the first is written.
    for hook in &hooks {
        check(&folder, *hook)?;
    }
    for hook in hooks {
        let path = folder.join(hook.file());
        let earlier = with_suffix(&path);
        if fs::symlink_metadata(&path).is_ok() && !is_our_file(&path) {
            fs::rename(&path, &earlier).map_err(|error| cannot("move", &path, &error))?;
        }
        write(&path, &script::hook(hook, &binary, &args.arguments, global))?;
        let kept = if fs::symlink_metadata(&earlier).is_ok() { ", after the hook that was there" } else { "" };
        say(&format!("{}: installed{kept}: {}", hook.file(), shown(&path)))?;
    }
    Ok(Exit::Clean)
}

pub(super) fn uninstall(args: &HookPlaceArgs) -> Result<Exit, Message> {
    let folder = if args.global {
        match global_folder()? {
            Some(folder) => folder,
            None => {
                say("nothing is installed for all repositories")?;
                return Ok(Exit::Clean);
            }
        }
    } else {
        Place::of(&args.repository)?.folder_of_its_own()
    };
    for hook in args.hooks_or_all() {
        let path = folder.join(hook.file());
        if !is_our_file(&path) || !script::runs_keysweep(&read(&path)) {
            say(&format!("{}: not installed", hook.file()))?;
            continue;
        }
        let earlier = with_suffix(&path);
        if fs::symlink_metadata(&earlier).is_ok() {
            fs::rename(&earlier, &path).map_err(|error| cannot("move", &earlier, &error))?;
            say(&format!("{}: taken out; the hook that was there before is back", hook.file()))?;
        } else if is_ours(&folder) {
            // The repository's own hooks must go on running.
            write(&path, &script::forwarder(hook.file()))?;
            say(&format!("{}: taken out", hook.file()))?;
        } else {
            fs::remove_file(&path).map_err(|error| cannot("remove", &path, &error))?;
            say(&format!("{}: taken out", hook.file()))?;
        }
    }
    if args.global && is_ours(&folder) {
        leave_global(&folder)?;
    }
    Ok(Exit::Clean)
}

/// Where a hook of one repository goes, or why it would not last or not run there.
fn folder_for(args: &HookPlaceArgs) -> Result<PathBuf, Message> {
    let place = Place::of(&args.repository)?;
    for hook in args.hooks() {
        if let Some(manager) = Manager::of(&place, hook) {
            return Err(Message::new(format!(
                "{} owns the hooks of this repository and would replace ours",
                manager.name()
            ))
            .hint(manager.advice(hook)));
        }
    }
    if place.folder.shared && !place.is_forwarded() {
        let file = place.folder.set_in.as_deref().map(shown).unwrap_or_default();
        return Err(Message::new(format!(
            "{file} sends git to {} for the hooks of all repositories; one of this repository alone would not run",
            shown(&place.folder.path)
        ))
        .hint("keysweep hook install --global puts it there, for all of them")
        .hint("git config core.hooksPath .git/hooks gives this repository its own hooks back"));
    }
    Ok(place.folder_of_its_own())
}

fn check(folder: &Path, hook: HookName) -> Result<(), Message> {
    let path = folder.join(hook.file());
    let there = fs::symlink_metadata(&path);
    if there.as_ref().is_ok_and(fs::Metadata::is_dir) {
        return Err(Message::new(format!("{} is a folder", shown(&path))).hint("move it away first"));
    }
    let earlier = with_suffix(&path);
    if there.is_ok() && !is_our_file(&path) && fs::symlink_metadata(&earlier).is_ok() {
        return Err(Message::new(format!(
            "something has replaced our {} hook and there is an older one, too",
            hook.file()
        ))
        .hint(format!(
            "look at {} and {}, keep one of them as {0}, and install again",
            shown(&path),
            shown(&earlier)
        )));
    }
    Ok(())
}

/// The folder for all repositories: the one the user has, or ours, whose scripts also run each repository's
/// own hooks (git looks into one folder only).
fn prepare_global() -> Result<PathBuf, Message> {
    if let Some(folder) = global_folder()? {
        return Ok(folder);
    }
    let no_home = || Message::new("there is no home folder").hint("set HOME");
    let folder = git_config::global_folder().ok_or_else(no_home)?;
    let file = git_config::global_file().ok_or_else(no_home)?;
    fs::create_dir_all(&folder).map_err(|error| cannot("make", &folder, &error))?;
    let mark = folder.join(FOLDER_MARK);
    fs::write(&mark, "Made by keysweep hook install --global.\n").map_err(|error| cannot("write", &mark, &error))?;
    for hook in PASSED_ON {
        write(&folder.join(hook), &script::forwarder(hook))?;
    }
    set_hooks_path(&file, Some(&folder))
        .map_err(|error| Message::new(format!("cannot set core.hooksPath in {}: {error}", shown(&file))))?;
    say(&format!("core.hooksPath set in {}; each repository's own hooks still run", shown(&file)))?;
    Ok(folder)
}

/// The folder that the user's configuration names.
fn global_folder() -> Result<Option<PathBuf>, Message> {
    let named = git_config::user_files().iter().rev().find_map(|file| hooks_path(file));
    let Some(path) = named else {
        return Ok(None);
    };
    let path = match (path.strip_prefix("~"), git_config::home()) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path,
    };
    if path.is_relative() {
        return Err(Message::new(format!("core.hooksPath is {}, another folder in each repository", shown(&path)))
            .hint("keysweep hook install, in each of them"));
    }
    Ok(Some(path))
}

/// Removes the folder and the setting once no hook of ours is left in it.
fn leave_global(folder: &Path) -> Result<(), Message> {
    let names: Vec<PathBuf> = PASSED_ON.iter().map(|name| folder.join(name)).collect();
    let is_used = |path: &PathBuf| {
        let text = read(path);
        !text.is_empty() && (script::runs_keysweep(&text) || !script::is_ours(&text))
    };
    if names.iter().any(is_used) {
        return Ok(());
    }
    for file in git_config::user_files() {
        if hooks_path(&file).as_deref() == Some(folder) {
            set_hooks_path(&file, None)
                .map_err(|error| Message::new(format!("cannot change {}: {error}", shown(&file))))?;
            say(&format!("core.hooksPath removed from {}", shown(&file)))?;
        }
    }
    for path in names.iter().chain([&folder.join(FOLDER_MARK)]) {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(cannot("remove", path, &error)),
            _ => {}
        }
    }
    // Whatever else somebody put there stays.
    let _ = fs::remove_dir(folder);
    Ok(())
}

/// Whether `install --global` made this folder.
pub(super) fn is_ours(folder: &Path) -> bool {
    folder.join(FOLDER_MARK).is_file()
}

/// Whether a hook is one of our scripts.
pub(super) fn is_our_file(path: &Path) -> bool {
    script::is_ours(&read(path))
}

/// A hook's text; nothing if it is no text, or not there.
pub(super) fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// What the hook that was there before is called.
pub(super) fn with_suffix(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(EARLIER);
    name.into()
}

/// Puts an executable in place in one step: git may start it at any moment.
fn write(path: &Path, text: &str) -> Result<(), Message> {
    let fail = |error: io::Error| cannot("write", path, &error);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(fail)?;
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".keysweep-{}", std::process::id()));
    let beside = PathBuf::from(beside);
    let done =
        fs::write(&beside, text).and_then(|()| make_executable(&beside)).and_then(|()| fs::rename(&beside, path));
    if done.is_err() {
        let _ = fs::remove_file(&beside);
    }
    done.map_err(fail)
}

#[cfg(unix)]
fn make_executable(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn make_executable(_: &Path) -> io::Result<()> {
    Ok(())
}

fn cannot(what: &str, path: &Path, error: &io::Error) -> Message {
    Message::new(format!("cannot {what} {}: {error}", shown(path))).hint("`ls -ld` shows who may write there")
}

/// A line for people.
pub(super) fn say(text: &str) -> Result<(), Message> {
    match writeln!(io::stdout(), "{}", keysweep::finding::neutralise(text)) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Message::new(format!("cannot write: {error}"))),
        _ => Ok(()),
    }
}
