//! Which configuration files of git's there are outside of a repository.

use std::{
    env,
    path::{Path, PathBuf},
};

/// The user's home.
pub(super) fn home() -> Option<PathBuf> {
    env::var_os("HOME").filter(|home| !home.is_empty()).map(PathBuf::from)
}

fn xdg() -> Option<PathBuf> {
    let set = env::var_os("XDG_CONFIG_HOME").filter(|path| !path.is_empty()).map(PathBuf::from);
    set.or_else(|| home().map(|home| home.join(".config")))
}

/// The system's, then the user's, the weakest first, as `git config --list --show-origin` does.
pub(super) fn user_files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let no_system = env::var("GIT_CONFIG_NOSYSTEM").is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"));
    if !no_system {
        files.push(env::var_os("GIT_CONFIG_SYSTEM").map_or_else(|| PathBuf::from("/etc/gitconfig"), PathBuf::from));
    }
    match env::var_os("GIT_CONFIG_GLOBAL") {
        Some(file) => files.push(file.into()),
        None => {
            files.extend(xdg().map(|folder| folder.join("git/config")));
            files.extend(home().map(|home| home.join(".gitconfig")));
        }
    }
    files
}

/// The file that `git config --global` writes.
pub(super) fn global_file() -> Option<PathBuf> {
    if let Some(file) = env::var_os("GIT_CONFIG_GLOBAL") {
        return Some(file.into());
    }
    let own = home().map(|home| home.join(".gitconfig"));
    let other = xdg().map(|folder| folder.join("git/config")).filter(|file| file.is_file());
    // git writes to the other one only if that is there and this one is not.
    match (own, other) {
        (Some(own), Some(other)) if !own.exists() => Some(other),
        (own, other) => own.or(other),
    }
}

/// Where hooks for all repositories go.
pub(super) fn global_folder() -> Option<PathBuf> {
    xdg().map(|folder| folder.join("keysweep/git-hooks"))
}

/// A path for people.
pub(super) fn shown(path: &Path) -> String {
    path.display().to_string()
}
