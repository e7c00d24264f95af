//! Programs that own the hooks of a repository: what they write they write again, so a hook beside theirs
//! would not last. They get a line in their own configuration, by hand: it is shared by the whole team.

use std::{fs, path::Path};

use super::Place;
use crate::args::HookName;

const LEFTHOOK: [&str; 8] = [
    "lefthook.yml",
    "lefthook.yaml",
    "lefthook.toml",
    "lefthook.json",
    ".lefthook.yml",
    ".lefthook.yaml",
    ".lefthook.toml",
    ".lefthook.json",
];

/// A program that owns the hooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manager {
    Husky,
    Lefthook,
    Overcommit,
}

impl Manager {
    /// The one that owns this hook, if one does.
    pub(super) fn of(place: &Place, hook: HookName) -> Option<Self> {
        if place.folder.path.components().any(|part| part.as_os_str() == ".husky") {
            return Some(Self::Husky);
        }
        let there = fs::read(place.folder_of_its_own().join(hook.file())).unwrap_or_default();
        let there = String::from_utf8_lossy(&there);
        let work_dir = place.repository.facts().work_dir.as_deref();
        let has = |name: &str| work_dir.is_some_and(|folder| folder.join(name).is_file());
        if there.contains("lefthook") || LEFTHOOK.iter().any(|name| has(name)) {
            Some(Self::Lefthook)
        } else if there.contains("overcommit") || has(".overcommit.yml") {
            Some(Self::Overcommit)
        } else {
            None
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Husky => "Husky",
            Self::Lefthook => "lefthook",
            Self::Overcommit => "overcommit",
        }
    }

    /// What to write, and where.
    pub(super) fn advice(self, hook: HookName) -> String {
        let file = hook.file();
        let stdin = if hook.reads_stdin() { ", use_stdin: true" } else { "" };
        match self {
            Self::Husky => format!("add this line to .husky/{file}: keysweep hook run {file} -- \"$@\""),
            Self::Lefthook => {
                format!(
                    "add to lefthook.yml: {file}: {{ commands: {{ keysweep: {{ run: keysweep hook run {file}{stdin} }} }} }}"
                )
            }
            Self::Overcommit => {
                format!("add a custom hook to .overcommit.yml that runs: keysweep hook run {file}")
            }
        }
    }

    /// Whether its configuration runs keysweep.
    pub(super) fn runs_keysweep(self, work_dir: &Path, hook: HookName) -> bool {
        let husky = [format!(".husky/{}", hook.file())];
        let overcommit = [".overcommit.yml".to_owned()];
        let lefthook = LEFTHOOK.map(str::to_owned);
        let files: &[String] = match self {
            Self::Husky => &husky,
            Self::Lefthook => &lefthook,
            Self::Overcommit => &overcommit,
        };
        let wanted = format!("hook run {}", hook.file());
        let staged = "keysweep git --staged";
        files.iter().filter_map(|name| fs::read_to_string(work_dir.join(name)).ok()).any(|text| {
            let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
            let mut lines = lines.filter(|line| line.contains("keysweep"));
            lines.any(|line| line.contains(&wanted) || (hook == HookName::PreCommit && line.contains(staged)))
        })
    }
}
