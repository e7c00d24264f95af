//! What the exit code says.

use std::process::ExitCode;

use keysweep::report::{Report, StaleKind};

use crate::args::ReportArgs;

/// How a run ended. The numbers are an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 0: everything was read and nothing found at or over the threshold.
    Clean,
    /// 1, or `--exit-code`: findings.
    Findings(u8),
    /// 2: usage or fatal error.
    Error,
    /// 3: something could not be read, and nothing was found in the rest.
    Incomplete,
    /// 1: `hook status`, and the hook would not run.
    Inactive,
    /// 130: Ctrl-C; the report is partial.
    Interrupted,
}

impl Exit {
    /// Findings (and what the policy fails on) come before gaps; `--allow-incomplete` lets gaps pass.
    pub(crate) fn of(report: &Report, args: &ReportArgs, interrupted: bool) -> Self {
        let (code, allow_incomplete) = (args.exit_code, args.allow_incomplete);
        let unused = args.fail_on_unused && report.policy.stale.iter().any(|stale| stale.kind == StaleKind::Unused);
        if interrupted {
            Self::Interrupted
        } else if report.failing > 0 || unused || report.policy.fails(&report.coverage) {
            Self::Findings(code)
        } else if report.is_incomplete() && !allow_incomplete {
            Self::Incomplete
        } else {
            Self::Clean
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Clean => 0,
            Exit::Findings(code) => code,
            Exit::Inactive => 1,
            Exit::Error => 2,
            Exit::Incomplete => 3,
            Exit::Interrupted => 130,
        })
    }
}
