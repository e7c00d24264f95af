//! What was typed.

use std::path::PathBuf;

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
    /// Show every candidate of a file with its verdict and the reason
    Explain(ExplainArgs),
    /// List, show and check rules
    Rules(RulesArgs),
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
    /// A file, or one line of it as FILE:LINE
    #[arg(value_name = "FILE[:LINE]")]
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
}

/// What is shown, where, and what fails.
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// human, json, jsonl or sarif; FORMAT=PATH writes to a file (repeatable)
    #[arg(short, long = "format", value_name = "FORMAT[=PATH]", help_heading = "Report")]
    pub(crate) formats: Vec<String>,
    /// How much of the rotation steps the human report shows
    #[arg(long, value_name = "DETAIL", default_value = "full", help_heading = "Report")]
    pub(crate) rotation: Rotation,
    /// Print full secrets instead of masks
    #[arg(long, help_heading = "Report")]
    pub(crate) show_secrets: bool,
    /// Least confidence that is shown
    #[arg(long, value_name = "LEVEL", help_heading = "Report")]
    pub(crate) min_confidence: Option<Level>,
    /// Least confidence that fails the run
    #[arg(long, value_name = "LEVEL", help_heading = "Report")]
    pub(crate) fail_on: Option<Level>,
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
