//! `keysweep config`: what applies, and where each setting comes from.

use std::{
    io::{self, Write as _},
    path::Path,
};

use keysweep::{config::FILE_NAME, finding::neutralise, report::Job};

use crate::{
    args::{ConfigCommand, RuleArgs},
    exit::Exit,
    message::Message,
    options::{self, Plan, thresholds_of},
    trust::Trust,
};

pub(crate) fn run(command: &ConfigCommand) -> Result<Exit, Message> {
    let (folder, rules) = match command {
        ConfigCommand::Show { folder, rules } | ConfigCommand::Check { folder, rules, .. } => (folder, rules),
    };
    let plan = plan(folder, rules)?;
    let (text, exit) = match command {
        ConfigCommand::Show { .. } => (show(&plan, rules), Exit::Clean),
        ConfigCommand::Check { now, .. } => check(&plan, options::now(now.as_deref())?),
    };
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Message::new(format!("cannot write: {error}"))),
        _ => Ok(exit),
    }
}

fn plan(folder: &Path, rules: &RuleArgs) -> Result<Plan, Message> {
    if !folder.is_dir() {
        return Err(Message::new(format!("{} is no folder", folder.display())).hint("keysweep config show FOLDER"));
    }
    let root = options::repository_root(folder).unwrap_or_else(|| folder.to_path_buf());
    Plan::new(rules, &Trust::of_folder(rules, root))
}

fn show(plan: &Plan, args: &RuleArgs) -> String {
    let config = &plan.config;
    let mut out = String::new();
    let mut line = |text: &str| {
        out += &neutralise(text);
        out.push('\n');
    };
    line("thresholds");
    for job in [Job::Staged, Job::Range, Job::Files, Job::History] {
        let suits = thresholds_of(job);
        for (name, threshold, default) in
            [("min-confidence", &config.min_confidence, suits.show), ("fail-on", &config.fail_on, suits.fail)]
        {
            let (level, from) = threshold
                .of(job)
                .map_or_else(|| (default, "default".to_owned()), |(level, origin)| (*level, origin.to_string()));
            line(&format!("  {:<8} {name:<14} = {level:<8} ({from})", job.id()));
        }
    }
    line("comments");
    let (inline, why) = match (config.policy.inline, args.no_inline) {
        (true, _) => ("count", "default"),
        (false, true) => ("do not count", "--no-inline"),
        (false, false) => ("do not count", "--no-trust"),
    };
    line(&format!("  {inline} ({why})"));
    line("ignore file");
    match config.policy.ignore.as_ref().map(keysweep::suppress::IgnoreSource::file) {
        None => line("  none is read (--no-baseline or --no-trust)"),
        Some(Ok(None)) => line("  there is none"),
        Some(Ok(Some(file))) => line(&format!("  {}: entries {}", file.name, file.entries.len())),
        Some(Err(why)) => line(&format!("  cannot be read: {why}")),
    }
    line("rules");
    line(&format!("  {} active", plan.rules.len()));
    line(&format!("settings of {}", if config.policy.read_from.is_empty() { FILE_NAME } else { "the configuration" }));
    if config.written.is_empty() {
        line("  none");
    }
    for (what, origin) in &config.written {
        line(&format!("  {what} ({origin})"));
    }
    out
}

fn check(plan: &Plan, now: i64) -> (String, Exit) {
    let config = &plan.config;
    let expired = config.policy.expired(now);
    let mut out = String::new();
    for grant in &expired {
        let day = grant.expires.map(|day| day.to_string()).unwrap_or_default();
        let text = format!("{}:{}: expired on {day}: {}", grant.file, grant.line, grant.reason);
        out += &neutralise(&text);
        out.push('\n');
    }
    if expired.is_empty() {
        let files =
            if config.policy.read_from.is_empty() { "no file".to_owned() } else { config.policy.read_from.join(", ") };
        out += &neutralise(&format!("the configuration is sound ({files})"));
        out.push('\n');
        return (out, Exit::Clean);
    }
    (out, Exit::Findings(1))
}
