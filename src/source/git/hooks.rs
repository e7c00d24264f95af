//! Where git looks for a repository's hooks.

use std::path::{Path, PathBuf};

use super::repository::Repository;

/// The folder git runs hooks from, and who says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookFolder {
    /// The folder; it need not be there.
    pub path: PathBuf,
    /// The configuration file whose `core.hooksPath` names it; none for the repository's own folder.
    pub set_in: Option<PathBuf>,
    /// That file is the user's or the system's, so the folder serves other repositories, too.
    pub shared: bool,
}

impl Repository {
    /// The folder that is used where nothing else is said; linked worktrees share it.
    pub fn own_hook_folder(&self) -> PathBuf {
        self.facts().common_dir.join("hooks")
    }

    /// The folder that git uses. `user_files` are configuration files outside of the repository, the
    /// weakest first; conditional includes in them are not followed.
    pub fn hook_folder(&self, user_files: &[PathBuf], home: Option<&Path>) -> HookFolder {
        let facts = self.facts();
        let base = facts.work_dir.as_deref().unwrap_or(&facts.git_dir);
        let own = [facts.git_dir.join("config.worktree"), facts.common_dir.join("config")];
        let files = own.into_iter().map(|file| (file, false));
        let files = files.chain(user_files.iter().rev().map(|file| (file.clone(), true)));
        for (file, shared) in files {
            if let Some(value) = hooks_path(&file) {
                let path = base.join(with_home(&value, home));
                return HookFolder { path, set_in: Some(file), shared };
            }
        }
        HookFolder { path: self.own_hook_folder(), set_in: None, shared: false }
    }
}

/// `core.hooksPath` of one configuration file, as written; an empty one is none.
pub fn hooks_path(file: &Path) -> Option<PathBuf> {
    super::process::prepare();
    if !file.is_file() {
        return None;
    }
    let value = git2::Config::open(file).ok()?.get_string("core.hookspath").ok()?;
    (!value.is_empty()).then(|| PathBuf::from(value))
}

/// Sets or removes `core.hooksPath` of one configuration file, which is made if it is not there.
///
/// # Errors
/// The file cannot be read or written; libgit2's words.
pub fn set_hooks_path(file: &Path, folder: Option<&Path>) -> Result<(), String> {
    super::process::prepare();
    let said = |error: git2::Error| error.message().to_owned();
    let mut config = git2::Config::open(file).map_err(said)?;
    match folder {
        Some(folder) => {
            let folder = folder.to_str().ok_or("the folder's name is not UTF-8")?;
            config.set_str("core.hookspath", folder).map_err(said)
        }
        None => config.remove("core.hookspath").map_err(said),
    }
}

fn with_home(path: &Path, home: Option<&Path>) -> PathBuf {
    match (path.strip_prefix("~"), home) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path.to_path_buf(),
    }
}
