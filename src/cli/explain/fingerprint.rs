//! `keysweep explain FINGERPRINT`: where the secret stands that a report or an entry names.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
    path::Path,
    sync::Arc,
};

use keysweep::{
    finding::{Finding, Fingerprint, Place, neutralise},
    report::{Report, Thresholds},
    rules::Confidence,
    scan::{Progress, Settings},
    source::{
        RelPath,
        git::{Repository, Selection},
        tree::Tree,
    },
};

use super::advice;
use crate::{
    args::ExplainArgs,
    exit::Exit,
    message::Message,
    options::{self, Plan},
    trust::Trust,
};

pub(super) fn run(args: &ExplainArgs, typed: &str) -> Result<Exit, Message> {
    let Some(print) = Fingerprint::parse(typed) else {
        let message = Message::new(format!("{typed} is no fingerprint that can be looked for"));
        return Err(message.hint(if typed.starts_with("ks1s:") {
            "a slow hash is known again only in its own file: keysweep explain FILE:LINE"
        } else {
            "copy it from a report: ks1: and 32 hexadecimal digits"
        }));
    };
    let root = options::repository_root(Path::new("."));
    let folder = root.clone().unwrap_or_else(|| Path::new(".").to_path_buf());
    let scanner = || -> Result<_, Message> {
        let plan = Plan::new(&args.rules, &Trust::of_folder(&args.rules, folder.clone()))?;
        let settings = Settings {
            thresholds: Thresholds { show: Confidence::Low, fail: Confidence::Medium },
            now: options::now(args.now.as_deref())?,
            target: folder.display().to_string(),
            prefix: RelPath::default(),
            whole_blobs: false,
        };
        Ok(plan.scanner(settings, &Arc::new(Progress::default())))
    };
    let mut reports =
        vec![scanner()?.scan_tree(&Tree { roots: vec![folder.clone()], no_ignore: false, threads: 0 })?];
    if let Some(root) = &root {
        let repository = Repository::open(root)?;
        if !repository.facts().unborn {
            reports.push(scanner()?.scan_history(&repository, &Selection::All)?);
        }
    }
    let mut text = String::new();
    let of = |report: &Report| -> Vec<Finding> {
        let all = report.findings.iter().chain(&report.suppressed);
        all.filter(|finding| finding.fingerprint.as_ref() == Some(&print)).cloned().collect()
    };
    let all: Vec<Finding> = reports.iter().flat_map(of).collect();
    for finding in &all {
        let line = finding.location.map_or_else(String::new, |location| format!(":{}", location.start_line));
        let path = finding.place.path().map_or_else(|| finding.place.describe(), ToString::to_string);
        let seen = if matches!(finding.place, Place::File { .. }) { "files" } else { "history" };
        text += &neutralise(&format!(
            "{seen}: {path}{line}: {} {} severity {}, confidence {}",
            finding.rule,
            finding.secret.masked(),
            finding.severity,
            finding.confidence
        ));
        text.push('\n');
        if let Some(commit) = finding.history.as_ref().and_then(|history| history.introduced.as_ref()) {
            let _ = writeln!(text, "    introduced by commit {:.12}", commit.id);
        }
        match &finding.suppressed {
            Some(suppression) => {
                let by = format!("    suppressed: {} ({})", suppression.by.id(), suppression.reason);
                text += &neutralise(&by);
                let _ = writeln!(text, "\n    to change it: {}", neutralise(&advice::of_suppression(&suppression.by)));
            }
            None => text += "    reported\n",
        }
    }
    let gaps: usize = reports.iter().map(|report| report.gaps.len()).sum();
    if gaps > 0 {
        let _ = writeln!(text, "{gaps} things could not be read: it may stand there, too");
    }
    if all.is_empty() {
        text += "no file and no commit here holds a secret with this fingerprint: it was changed, removed with its history, or is below another root\n";
    } else if let Some(line) = all.iter().find_map(|finding| match (&finding.place, finding.location) {
        (Place::File { path, .. }, Some(location)) => Some(format!("{path}:{}", location.start_line)),
        _ => None,
    }) {
        let _ = writeln!(text, "the whole trace: keysweep explain {}", neutralise(&line));
    }
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Message::new(format!("cannot write: {error}"))),
        _ if gaps > 0 => Ok(Exit::Incomplete),
        _ => Ok(Exit::Clean),
    }
}
