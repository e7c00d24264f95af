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
    config::{Config, FILE_NAME},
    report::{Look, RotationDetail, Thresholds},
    rules::{Confidence, RuleSet, load},
    scan::{Progress, Scanner, Settings},
    source::{RelPath, git::Repository},
};

use crate::{
    args::{Level, ReportArgs, Rotation, RuleArgs},
    message::Message,
};

/// A rule file or configuration longer than this is a mistake.
const LARGEST_TEXT: u64 = 8 << 20;

/// Where the configuration comes from if the user names none.
pub(crate) enum Trust<'a> {
    /// `.keysweep.toml` in this folder.
    Folder(Option<PathBuf>),
    /// `.keysweep.toml` of this revision: a change may not bring its own permission.
    Revision(&'a Repository, String),
}

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
        let mut config = match configuration(args, trust)? {
            Some((name, text)) => Config::parse(&name, &text, &rules)?,
            None => Config {
                policy: keysweep::suppress::Policy { inline: true, ..Default::default() },
                ..Config::default()
            },
        };
        if args.no_inline {
            config.policy.inline = false;
        }
        let own = std::mem::take(&mut config.rules);
        let rules = if own.is_empty() { rules } else { rules.with(own)? };
        Ok(Self { rules: Arc::new(rules), config })
    }

    /// Thresholds: what was typed, else what the configuration says, else what suits the job.
    pub(crate) fn thresholds(&self, args: &ReportArgs, show: Confidence, fail: Confidence) -> Thresholds {
        Thresholds {
            show: args.min_confidence.map(confidence).or(self.config.min_confidence).unwrap_or(show),
            fail: args.fail_on.map(confidence).or(self.config.fail_on).unwrap_or(fail),
        }
    }

    pub(crate) fn scanner(self, settings: Settings, progress: &Arc<Progress>) -> Scanner {
        Scanner::new(self.rules, self.config.policy, settings, Arc::clone(progress))
    }
}

/// Name and text of the configuration, if there is one.
fn configuration(args: &RuleArgs, trust: &Trust<'_>) -> Result<Option<(String, String)>, Message> {
    if args.no_config {
        return Ok(None);
    }
    if let Some(path) = &args.config {
        return Ok(Some((path.display().to_string(), read_text(path)?)));
    }
    match trust {
        Trust::Folder(None) => Ok(None),
        Trust::Folder(Some(folder)) => {
            let path = folder.join(FILE_NAME);
            match fs::symlink_metadata(&path) {
                Ok(metadata) if metadata.is_file() => Ok(Some((FILE_NAME.to_owned(), read_text(&path)?))),
                Ok(_) => Err(Message::new(format!("{} is no regular file", path.display()))
                    .hint("a link or folder is not read; pass --config FILE or --no-config")),
                Err(_) => Ok(None),
            }
        }
        Trust::Revision(repository, revision) => {
            let bytes = repository.read_at(revision, &RelPath::new(FILE_NAME))?;
            Ok(bytes.map(|bytes| (format!("{revision}:{FILE_NAME}"), String::from_utf8_lossy(&bytes).into_owned())))
        }
    }
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
