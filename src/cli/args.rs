//! What was typed.

use std::{ffi::OsString, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Finds hard-coded tokens in files and git history, and tells how to get out of the leak.
#[derive(Debug, Parser)]
#[command(name = "keysweep", version, max_term_width = 100, arg_required_else_help = true)]
#[command(
    after_help = "Exit codes: 0 clean, 1 findings (--exit-code), 2 usage or fatal error, 3 incomplete scan, 130 interrupted."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Scan files and folders, or standard input (`-`)
    Scan(ScanArgs),
    /// Scan a git repository: its whole history, the index, or a range of commits
    Git(GitArgs),
    /// Show every candidate of a file with its verdict, or what a fingerprint stands for
    Explain(ExplainArgs),
    /// Write down what was found and may stay, and keep that list tidy
    Baseline(BaselineArgs),
    /// Show and check what .keysweep.toml sets
    Config(ConfigArgs),
    /// List, show and check rules
    Rules(RulesArgs),
    /// Put keysweep into git's hooks: before a commit, before a push, on a server
    Hook(HookArgs),
    /// Print the completions of a shell
    Completions {
        /// For which shell
        #[arg(value_name = "SHELL")]
        shell: clap_complete::Shell,
    },
    /// Write the man pages into a folder
    Man {
        /// An existing folder
        #[arg(value_name = "FOLDER")]
        folder: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct HookArgs {
    #[command(subcommand)]
    pub(crate) command: HookCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum HookCommand {
    /// Install hooks; one that is there already stays and runs first
    Install(HookInstallArgs),
    /// Take hooks out again; what was there before comes back
    Uninstall(HookPlaceArgs),
    /// Say whether git would run keysweep; exits with 1 if not
    Status(HookPlaceArgs),
    /// What the installed scripts call
    Run(HookRunArgs),
}

#[derive(Debug, Args)]
pub(crate) struct HookPlaceArgs {
    /// Which hooks (default: pre-commit for install, all of them otherwise)
    #[arg(value_name = "HOOK")]
    pub(crate) hooks: Vec<HookName>,
    /// For all repositories of this user, by core.hooksPath; their own hooks go on running
    #[arg(long)]
    pub(crate) global: bool,
    /// The repository
    #[arg(long, value_name = "REPO", default_value = ".", conflicts_with = "global")]
    pub(crate) repository: PathBuf,
}

impl HookPlaceArgs {
    /// What to install.
    pub(crate) fn hooks(&self) -> Vec<HookName> {
        if self.hooks.is_empty() { vec![HookName::PreCommit] } else { self.hooks.clone() }
    }

    /// What to look at or take out.
    pub(crate) fn hooks_or_all(&self) -> Vec<HookName> {
        if self.hooks.is_empty() { HookName::value_variants().to_vec() } else { self.hooks.clone() }
    }
}

#[derive(Debug, Args)]
pub(crate) struct HookInstallArgs {
    #[command(flatten)]
    pub(crate) place: HookPlaceArgs,
    /// Options for `keysweep hook run`, such as --config FILE on a server
    #[arg(last = true, value_name = "OPTION")]
    pub(crate) arguments: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct HookRunArgs {
    /// Which hook
    #[arg(value_name = "HOOK")]
    pub(crate) hook: HookName,
    /// What git tells the hook: the remote's name and address; nothing depends on it
    #[arg(value_name = "FROM_GIT")]
    pub(crate) from_git: Vec<OsString>,
    #[command(flatten)]
    pub(crate) rules: RuleArgs,
    #[command(flatten)]
    pub(crate) report: ReportArgs,
}

/// A hook of git's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(clippy::enum_variant_names, reason = "git names them so")]
pub(crate) enum HookName {
    /// Looks at what is staged
    PreCommit,
    /// Looks at what is pushed and on no remote yet
    PrePush,
    /// On a server: looks at what is pushed to it; trusts nothing of the repository
    PreReceive,
}

#[derive(Debug, Args)]
pub(crate) struct ScanArgs {
    /// Files and folders; `-` reads standard input
    #[arg(value_name = "PATH", default_value = ".")]
    pub(crate) paths: Vec<PathBuf>,
    /// Scan what .gitignore leaves out, too
    #[arg(long)]
    pub(crate) no_ignore: bool,
    /// What to call standard input in reports and in path rules
    #[arg(long, value_name = "NAME", default_value = "<stdin>")]
    pub(crate) stdin_name: String,
    #[command(flatten)]
    pub(crate) rules: RuleArgs,
    #[command(flatten)]
    pub(crate) report: ReportArgs,
}

#[derive(Debug, Args)]
pub(crate) struct GitArgs {
    /// A work tree, a bare repository or a .git folder
    #[arg(value_name = "REPO", default_value = ".")]
    pub(crate) repository: PathBuf,
    /// Only what is staged for the next commit
    #[arg(long, group = "part")]
    pub(crate) staged: bool,
    /// Only what the commits of a range bring in: A..B, or A...B from their merge base
    #[arg(long, group = "part", value_name = "RANGE")]
    pub(crate) range: Option<String>,
    /// Only what commits since a date bring in (2026-11-01, or RFC 3339)
    #[arg(long, group = "part", value_name = "DATE")]
    pub(crate) since: Option<String>,
    /// Only the history of this ref (repeatable)
    #[arg(long = "ref", group = "part", value_name = "REF")]
    pub(crate) refs: Vec<String>,
    /// Read every blob whole instead of along git's delta chains: slower, the same answer
    #[arg(long, conflicts_with_all = ["staged", "range", "since", "refs"])]
    pub(crate) whole_blobs: bool,
    #[command(flatten)]
    pub(crate) rules: RuleArgs,
    #[command(flatten)]
    pub(crate) report: ReportArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// A file, one line of it as FILE:LINE, or a fingerprint from a report (ks1:…)
    #[arg(value_name = "FILE[:LINE]|FINGERPRINT")]
    pub(crate) place: PathBuf,
    #[command(flatten)]
    pub(crate) rules: RuleArgs,
    /// Judge expiry and ages as of this moment (default: SOURCE_DATE_EPOCH, else the clock)
    #[arg(long, value_name = "TIME")]
    pub(crate) now: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct RulesArgs {
    #[command(subcommand)]
    pub(crate) command: RulesCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RulesCommand {
    /// List the rules, one a line
    List {
        #[command(flatten)]
        rules: RuleArgs,
    },
    /// Show a rule with its rotation runbook
    Show {
        /// The rule's id
        #[arg(value_name = "RULE")]
        id: String,
        #[command(flatten)]
        rules: RuleArgs,
    },
    /// Prove rule files: form, anchors, reach, examples, runbooks (without files: the built-in rules)
    Check {
        /// Rule files
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Without the built-in rules: the files are all there is
        #[arg(long, requires = "files")]
        alone: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct BaselineArgs {
    #[command(subcommand)]
    pub(crate) command: BaselineCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BaselineCommand {
    /// Write .keysweepignore from everything that is found now: read it before you commit it
    Create {
        #[command(flatten)]
        grant: GrantArgs,
        #[command(flatten)]
        place: BaselinePlace,
    },
    /// Drop entries that fit nothing any more, follow renamed files, and with --reason add what is new
    Update {
        #[command(flatten)]
        grant: GrantArgs,
        /// Only add findings of these files (repeatable)
        #[arg(long, value_name = "PATH", requires = "reason")]
        only: Vec<String>,
        #[command(flatten)]
        place: BaselinePlace,
    },
    /// Tell which entries are expired, duplicate or no entries at all (these fail), and which are unused
    Check {
        /// Fail also if an entry is unused
        #[arg(long)]
        fail_on_unused: bool,
        #[command(flatten)]
        place: BaselinePlace,
    },
}

/// What a new entry says.
#[derive(Debug, Args)]
pub(crate) struct GrantArgs {
    /// Why these findings may stay
    #[arg(long, value_name = "TEXT", requires = "owner")]
    pub(crate) reason: Option<String>,
    /// Who answers for them
    #[arg(long, value_name = "WHO", requires = "reason")]
    pub(crate) owner: Option<String>,
    /// The last day on which they count
    #[arg(long, value_name = "DATE", requires = "reason")]
    pub(crate) expires: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct BaselinePlace {
    /// A repository, or a folder that is in none
    #[arg(value_name = "FOLDER", default_value = ".")]
    pub(crate) folder: PathBuf,
    /// Look at the files only, not at the history
    #[arg(long)]
    pub(crate) files_only: bool,
    #[command(flatten)]
    pub(crate) rules: RuleArgs,
    /// Judge expiry as of this moment (default: SOURCE_DATE_EPOCH, else the clock)
    #[arg(long, value_name = "TIME")]
    pub(crate) now: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    pub(crate) command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print every setting that applies and where it comes from
    Show {
        /// A folder of the repository
        #[arg(value_name = "FOLDER", default_value = ".")]
        folder: PathBuf,
        #[command(flatten)]
        rules: RuleArgs,
    },
    /// Read the configuration and what it extends; fail if something is wrong or expired
    Check {
        /// A folder of the repository
        #[arg(value_name = "FOLDER", default_value = ".")]
        folder: PathBuf,
        #[command(flatten)]
        rules: RuleArgs,
        /// Judge expiry as of this moment (default: SOURCE_DATE_EPOCH, else the clock)
        #[arg(long, value_name = "TIME")]
        now: Option<String>,
    },
}

/// Which rules and which policy.
#[derive(Debug, Args)]
pub(crate) struct RuleArgs {
    /// More rules, from a TOML file (repeatable)
    #[arg(long = "rules", value_name = "FILE", help_heading = "Rules and policy")]
    pub(crate) files: Vec<PathBuf>,
    /// Configuration to use instead of .keysweep.toml at the repository's root
    #[arg(long, value_name = "FILE", help_heading = "Rules and policy", conflicts_with = "no_config")]
    pub(crate) config: Option<PathBuf>,
    /// Do not read .keysweep.toml
    #[arg(long, help_heading = "Rules and policy")]
    pub(crate) no_config: bool,
    /// Let no comment in a scanned file allow a finding
    #[arg(long, help_heading = "Rules and policy")]
    pub(crate) no_inline: bool,
    /// List of findings that may stay, instead of .keysweepignore at the repository's root
    #[arg(long, value_name = "FILE", help_heading = "Rules and policy", conflicts_with = "no_baseline")]
    pub(crate) baseline: Option<PathBuf>,
    /// Do not read .keysweepignore
    #[arg(long, help_heading = "Rules and policy")]
    pub(crate) no_baseline: bool,
    /// Trust nothing of what is scanned: neither its files of allowances nor its comments
    #[arg(long, help_heading = "Rules and policy", conflicts_with = "trust_repo")]
    pub(crate) no_trust: bool,
    /// Trust the allowances at HEAD where nothing is trusted by default: bare repositories, pre-receive hooks
    #[arg(long, help_heading = "Rules and policy")]
    pub(crate) trust_repo: bool,
}

/// What is shown, where, and what fails.
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// human, json, jsonl, sarif, brief, github, gitlab, junit, csv, markdown or gitleaks; FORMAT=PATH
    /// writes to a file (repeatable)
    #[arg(short, long = "format", value_name = "FORMAT[=PATH]", help_heading = "Report")]
    pub(crate) formats: Vec<String>,
    /// How much of the rotation steps the human report shows (default: full; what is staged is told in
    /// brief unless this or a format is given)
    #[arg(long, value_name = "DETAIL", help_heading = "Report")]
    pub(crate) rotation: Option<Rotation>,
    /// Print full secrets instead of masks
    #[arg(long, help_heading = "Report")]
    pub(crate) show_secrets: bool,
    /// Least confidence that is shown
    #[arg(long, value_name = "LEVEL", help_heading = "Report")]
    pub(crate) min_confidence: Option<Level>,
    /// Least confidence that fails the run
    #[arg(long, value_name = "LEVEL", help_heading = "Report")]
    pub(crate) fail_on: Option<Level>,
    /// strict: fail also on suppressions that the change itself adds, and on a lost canary
    #[arg(long, value_name = "POLICY", default_value = "normal", help_heading = "Report")]
    pub(crate) policy: PolicyLevel,
    /// Fail also if an entry of .keysweepignore fits nothing any more
    #[arg(long, help_heading = "Report")]
    pub(crate) fail_on_unused: bool,
    /// Exit code for findings
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Report")]
    pub(crate) exit_code: u8,
    /// Exit with 0 although something could not be read
    #[arg(long, help_heading = "Report")]
    pub(crate) allow_incomplete: bool,
    /// Judge expiry and ages as of this moment (default: SOURCE_DATE_EPOCH, else the clock)
    #[arg(long, value_name = "TIME", help_heading = "Report")]
    pub(crate) now: Option<String>,
    /// Colour the human report
    #[arg(long, value_name = "WHEN", default_value = "auto", help_heading = "Report")]
    pub(crate) color: Color,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Rotation {
    Full,
    Short,
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PolicyLevel {
    Normal,
    Strict,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Level {
    Low,
    Medium,
    High,
    Certain,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}
