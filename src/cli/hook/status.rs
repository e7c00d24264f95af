//! Says for each hook whether git would run keysweep, and if not, what is in the way.

use std::{fs, path::Path};

use super::{
    Place,
    git_config::shown,
    install::{is_our_file, read, say, with_suffix},
    manager::Manager,
    script,
};
use crate::{
    args::{HookName, HookPlaceArgs},
    exit::Exit,
    message::Message,
};

/// Exits with 1 if a hook that was named would not run keysweep; without names, if none would.
pub(super) fn status(args: &HookPlaceArgs) -> Result<Exit, Message> {
    let place = Place::of(&args.repository)?;
    let set_in = match &place.folder.set_in {
        Some(file) => format!(" (core.hooksPath in {})", shown(file)),
        None => String::new(),
    };
    say(&format!("git looks in {}{set_in}", shown(&place.folder.path)))?;
    let hooks = args.hooks_or_all();
    let mut running = 0;
    for hook in &hooks {
        let (runs, told) = one(&place, *hook);
        running += usize::from(runs);
        say(&format!("{:<11}  {told}", hook.file()))?;
    }
    let wanted = if args.hooks.is_empty() { 1 } else { hooks.len() };
    Ok(if running >= wanted { Exit::Clean } else { Exit::Inactive })
}

fn one(place: &Place, hook: HookName) -> (bool, String) {
    let used = place.folder.path.join(hook.file());
    let own = place.repository.own_hook_folder().join(hook.file());
    let runs = |path: &Path| script::runs_keysweep(&read(path));
    let work_dir = place.repository.facts().work_dir.as_deref();
    let manager = Manager::of(place, hook);
    if let (Some(manager), Some(work_dir)) = (manager, work_dir)
        && manager.runs_keysweep(work_dir, hook)
    {
        return (true, format!("run by {}", manager.name()));
    }
    let path = if runs(&used) {
        used
    } else if place.is_forwarded() && runs(&own) {
        own
    } else if runs(&own) {
        let by = manager.map_or_else(|| "core.hooksPath".to_owned(), |manager| manager.name().to_owned());
        return (false, format!("shadowed by {by}: {} is never run", shown(&own)));
    } else {
        for aside in ["old", "legacy"].map(|end| used.with_extension(end)) {
            if is_our_file(&aside) {
                return (false, format!("moved aside by another program: {}", shown(&aside)));
            }
        }
        let other = fs::symlink_metadata(&used).is_ok() && !is_our_file(&used);
        let what = if other { "not installed; there is another hook" } else { "not installed" };
        let how = manager.map_or_else(String::new, |manager| format!("; {}: {}", manager.name(), manager.advice(hook)));
        return (false, format!("{what}{how}"));
    };
    if !is_executable(&path) {
        return (false, format!("not executable, so git passes over it: chmod +x {}", shown(&path)));
    }
    let earlier = with_suffix(&path);
    let chained = if is_executable(&earlier) { ", after the hook that was there before" } else { "" };
    (true, format!("runs: {}{chained}", shown(&path)))
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    path.is_file()
}
