//! `keysweep hook`: puts keysweep into git's hooks, takes it out again, says whether it runs, and is what
//! the installed scripts call.

mod git_config;
mod install;
mod manager;
mod run;
mod script;
mod status;

use std::path::{Path, PathBuf};

use keysweep::source::git::{HookFolder, Repository};

use crate::{
    args::{HookCommand, HookName},
    exit::Exit,
    message::Message,
};

pub(crate) fn run(command: &HookCommand) -> Result<Exit, Message> {
    match command {
        HookCommand::Install(args) => install::install(args),
        HookCommand::Uninstall(args) => install::uninstall(args),
        HookCommand::Status(args) => status::status(args),
        HookCommand::Run(args) => run::run(args),
    }
}

impl HookName {
    /// The file's name in a hook folder.
    fn file(self) -> &'static str {
        match self {
            Self::PreCommit => "pre-commit",
            Self::PrePush => "pre-push",
            Self::PreReceive => "pre-receive",
        }
    }

    /// Whether git tells it what is pushed on its standard input.
    fn reads_stdin(self) -> bool {
        self != Self::PreCommit
    }
}

/// A repository and where its hooks are.
struct Place {
    repository: Repository,
    folder: HookFolder,
}

impl Place {
    fn of(path: &Path) -> Result<Self, Message> {
        let repository = Repository::open(path)?;
        let folder = repository.hook_folder(&git_config::user_files(), git_config::home().as_deref());
        Ok(Self { repository, folder })
    }

    /// The folder is the one that `install --global` made, whose scripts run the repository's own hooks.
    fn is_forwarded(&self) -> bool {
        self.folder.shared && install::is_ours(&self.folder.path)
    }

    /// Where a hook of this repository alone belongs.
    fn folder_of_its_own(&self) -> PathBuf {
        if self.is_forwarded() { self.repository.own_hook_folder() } else { self.folder.path.clone() }
    }
}
