//! What was meant: rules, policy, thresholds and time, worked out from arguments, configuration
//! and environment.

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use keysweep::{
    config::{Config, Threshold},
    report::{Job, Look, RotationDetail, Thresholds},
    rules::{Confidence, RuleSet, load},
    scan::{Progress, Scanner, Settings},
    suppress::Scope,
};

use crate::{
    args::{Level, PolicyLevel, ReportArgs, Rotation, RuleArgs},
    message::Message,
    trust::{self, Trust},
};

/// A rule file or configuration longer than this is a mistake.
pub(crate) const LARGEST_TEXT: u64 = 8 << 20;

/// Everything a scan needs besides its target.
pub(crate) struct Plan {
    pub(crate) rules: Arc<RuleSet>,
    pub(crate) config: Config,
}

impl Plan {
    pub(crate) fn new(args: &RuleArgs, trust: &Trust<'_>) -> Result<Self, Message> {
        let builtin = RuleSet::builtin()?;
        let mut more = Vec::new();
        for path in &args.files {
            more.extend(load(&path.display().to_string(), &read_text(path)?)?);
        }
        let rules = if more.is_empty() { builtin } else { builtin.with(more)? };
        let mut config = trust::configuration(args, trust, &rules)?;
        config.policy.inline = !args.no_inline && !matches!(trust, Trust::Nothing);
        config.policy.ignore = trust::ignore_file(args, trust);
        let own = std::mem::take(&mut config.rules);
        let rules = if own.is_empty() { rules } else { rules.with(own)? };
        Ok(Self { rules: Arc::new(rules), config })
    }

    /// Thresholds: what was typed, else what the configuration says, else what suits the job.
    pub(crate) fn thresholds(&self, args: &ReportArgs, job: Job) -> Thresholds {
        let suits = thresholds_of(job);
        let set = |threshold: &Threshold| threshold.of(job).map(|(level, _)| *level);
        Thresholds {
            show: args.min_confidence.map(confidence).or(set(&self.config.min_confidence)).unwrap_or(suits.show),
            fail: args.fail_on.map(confidence).or(set(&self.config.fail_on)).unwrap_or(suits.fail),
        }
    }

    /// What the run looks at all of, so that entries of the ignore file can be called unused.
    pub(crate) fn covering(mut self, covers: impl Fn(&Scope) -> bool + Send + Sync + 'static) -> Self {
        self.config.policy.ignore = self.config.policy.ignore.map(|ignore| ignore.covering(covers));
        self
    }

    /// `--policy strict`.
    pub(crate) fn strictness(mut self, args: &ReportArgs) -> Self {
        self.config.policy.strict = args.policy == PolicyLevel::Strict;
        self
    }

    pub(crate) fn scanner(self, settings: Settings, progress: &Arc<Progress>) -> Scanner {
        Scanner::new(self.rules, self.config.policy, settings, Arc::clone(progress))
    }
}

/// What is shown and what fails if nobody says anything.
pub(crate) fn thresholds_of(job: Job) -> Thresholds {
    let (show, fail) = match job {
        // A hook must never cry wolf.
        Job::Staged => (Confidence::Medium, Confidence::High),
        Job::Range => (Confidence::Medium, Confidence::Medium),
        _ => (Confidence::Low, Confidence::Medium),
    };
    Thresholds { show, fail }
}

/// Reads a text file of the user's.
pub(crate) fn read_text(path: &Path) -> Result<String, Message> {
    let fail =
        |error: std::io::Error| Message::new(format!("cannot read {}: {error}", path.display())).hint("check the path");
    let file = fs::File::open(path).map_err(fail)?;
    let mut text = String::new();
    file.take(LARGEST_TEXT + 1).read_to_string(&mut text).map_err(fail)?;
    if text.len() as u64 > LARGEST_TEXT {
        return Err(
            Message::new(format!("{} is longer than 8 MiB", path.display())).hint("split it, or check the path")
        );
    }
    Ok(text)
}

/// The root of the repository that a folder is in, if it is in one.
pub(crate) fn repository_root(folder: &Path) -> Option<PathBuf> {
    let absolute = fs::canonicalize(folder).ok()?;
    absolute.ancestors().find(|folder| folder.join(".git").exists()).map(Path::to_path_buf)
}

/// `--now`, else SOURCE_DATE_EPOCH, else the clock; seconds since 1970.
pub(crate) fn now(typed: Option<&str>) -> Result<i64, Message> {
    if let Some(text) = typed {
        return moment(text);
    }
    if let Ok(text) = std::env::var("SOURCE_DATE_EPOCH") {
        return text.trim().parse().map_err(|_| {
            Message::new("SOURCE_DATE_EPOCH is no number of seconds")
                .hint("unset it or set it as in SOURCE_DATE_EPOCH=1700000000")
        });
    }
    Ok(Timestamp::now().as_second())
}

/// A date, an RFC 3339 time or seconds since 1970.
pub(crate) fn moment(text: &str) -> Result<i64, Message> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<i64>() {
        return Ok(seconds);
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time.as_second());
    }
    text.parse::<Date>()
        .ok()
        .and_then(|date| date.to_zoned(TimeZone::UTC).ok())
        .map(|time| time.timestamp().as_second())
        .ok_or_else(|| Message::new(format!("{text:?} is no date")).hint("write 2026-11-01 or 2026-11-01T12:00:00Z"))
}

/// How reports are to look.
pub(crate) fn look(args: &ReportArgs) -> Look {
    let width = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    let width = width.or_else(|| terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)));
    Look {
        rotation: match args.rotation {
            None | Some(Rotation::Full) => RotationDetail::Full,
            Some(Rotation::Short) => RotationDetail::Short,
            Some(Rotation::None) => RotationDetail::None,
        },
        width: width.unwrap_or(80).clamp(40, 240),
        show_secrets: args.show_secrets,
    }
}

fn confidence(level: Level) -> Confidence {
    match level {
        Level::Low => Confidence::Low,
        Level::Medium => Confidence::Medium,
        Level::High => Confidence::High,
        Level::Certain => Confidence::Certain,
    }
}
