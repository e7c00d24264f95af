//! `keysweep explain`: what was looked at, what became of it, and why.

mod advice;
mod fingerprint;

use std::{
    fs,
    io::{self, Read as _, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use keysweep::{
    finding::{Finding, LineIndex, neutralise},
    judge::Verdict,
    report::{Job, Thresholds},
    rules::Confidence,
    scan::{Explained, Progress, Settings},
    source::RelPath,
};

use crate::{
    args::ExplainArgs,
    exit::Exit,
    message::Message,
    options::{self, Plan},
    trust::Trust,
};

/// Explaining is for a file that a person can look at.
const LARGEST: u64 = 64 << 20;

pub(crate) fn run(args: &ExplainArgs) -> Result<Exit, Message> {
    let typed = args.place.to_string_lossy();
    if typed.starts_with("ks1") && typed.contains(':') && !args.place.exists() {
        return fingerprint::run(args, &typed);
    }
    let (path, line) = split(&args.place);
    explain(args, &path, line)
}

fn explain(args: &ExplainArgs, path: &Path, line: Option<usize>) -> Result<Exit, Message> {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let root = options::repository_root(folder).unwrap_or_else(|| folder.to_path_buf());
    let plan = Plan::new(&args.rules, &Trust::of_folder(&args.rules, root.clone()))?;
    let mut bytes = Vec::new();
    let fail = |error: io::Error| {
        Message::new(format!("cannot read {}: {error}", path.display())).hint("keysweep explain FILE or FILE:LINE")
    };
    let file = fs::File::open(path).map_err(fail)?;
    if !file.metadata().map_err(fail)?.is_file() {
        return Err(
            Message::new(format!("{} is no regular file", path.display())).hint("keysweep explain FILE or FILE:LINE")
        );
    }
    file.take(LARGEST).read_to_end(&mut bytes).map_err(fail)?;
    let absolute = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let name = absolute.strip_prefix(fs::canonicalize(&root).unwrap_or(root)).unwrap_or(path);
    let settings = Settings {
        thresholds: Thresholds { show: Confidence::Low, fail: Confidence::Medium },
        now: options::now(args.now.as_deref())?,
        target: path.display().to_string(),
        prefix: RelPath::default(),
        whole_blobs: false,
    };
    let (show, fail) = (plan.config.min_confidence.clone(), plan.config.fail_on.clone());
    let thresholds = |job: Job| {
        let suits = options::thresholds_of(job);
        Thresholds {
            show: show.of(job).map_or(suits.show, |(level, _)| *level),
            fail: fail.of(job).map_or(suits.fail, |(level, _)| *level),
        }
    };
    let scanner = plan.scanner(settings, &Arc::new(Progress::default()));
    let explained = scanner.explain(&bytes, &RelPath::from_os(name));
    let outcome = print(&mut io::stdout().lock(), &scanner, &explained, line, &thresholds);
    match outcome {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Message::new(format!("cannot write: {error}"))),
        _ => Ok(Exit::Clean),
    }
}

/// `FILE:LINE`, unless a file has that very name.
fn split(place: &Path) -> (PathBuf, Option<usize>) {
    let text = place.to_string_lossy();
    match text.rsplit_once(':') {
        Some((path, line)) if !place.exists() => match line.parse() {
            Ok(line) => (PathBuf::from(path), Some(line)),
            Err(_) => (place.to_path_buf(), None),
        },
        _ => (place.to_path_buf(), None),
    }
}

fn print(
    out: &mut dyn Write,
    scanner: &keysweep::scan::Scanner,
    explained: &Explained,
    line: Option<usize>,
    thresholds: &dyn Fn(Job) -> Thresholds,
) -> io::Result<()> {
    let index = LineIndex::new(&explained.text);
    let line_of = |at: u64| index.line_of(usize::try_from(at).unwrap_or(usize::MAX)) + 1;
    let wanted = |at: u64| line.is_none_or(|line| line_of(at) == line);
    writeln!(out, "content: {}, {} bytes, {} lines", explained.class, explained.text.len(), index.count())?;
    writeln!(out, "path: {}", explained.path_class)?;
    let anchors: Vec<_> = explained.anchors.iter().filter(|anchor| wanted(anchor.at)).collect();
    writeln!(out, "\nanchors{}: {}", if line.is_some() { " on this line" } else { "" }, anchors.len())?;
    for anchor in anchors {
        let what = match anchor.found {
            0 => "pattern or assignment does not match around it".to_owned(),
            1 => "1 candidate".to_owned(),
            count => format!("{count} candidates"),
        };
        writeln!(
            out,
            "  line {}: {:?} for {}: {what}",
            line_of(anchor.at),
            neutralise(&anchor.anchor),
            scanner.rules().at(anchor.rule).id
        )?;
    }
    let candidates: Vec<_> =
        explained.candidates.iter().filter(|(judged, _)| wanted(judged.candidate.secret.start)).collect();
    writeln!(out, "\ncandidates: {}", candidates.len())?;
    for (judged, outcome) in &candidates {
        let rule = scanner.rules().at(judged.candidate.rule);
        writeln!(
            out,
            "  line {}: {} {} ({} bytes)",
            line_of(judged.candidate.secret.start),
            rule.id,
            neutralise(&judged.secret.masked()),
            judged.secret.len()
        )?;
        match &judged.verdict {
            Verdict::Dismiss(reason) => {
                writeln!(out, "    dismissed: {reason}")?;
                writeln!(out, "    to change it: {}", advice::of(reason, rule))?;
            }
            Verdict::Report(confidence) => writeln!(out, "    content: reported with {confidence} confidence")?,
        }
        for remark in &judged.remarks {
            writeln!(out, "    remark: {remark}")?;
        }
        for fact in &judged.facts {
            writeln!(out, "    fact: {} = {}", neutralise(&fact.name), neutralise(&fact.value))?;
        }
        match outcome {
            None => {}
            Some(Ok(finding)) => settled(out, judged, finding, thresholds)?,
            Some(Err(reason)) => {
                writeln!(out, "    place: dismissed ({reason}: {})", explained.path_class)?;
                writeln!(out, "    to change it: {}", advice::OF_PLACE)?;
            }
        }
    }
    if candidates.is_empty() {
        writeln!(
            out,
            "\nNothing here has the form of a secret that a rule knows. To look for it: keysweep rules list, or a rule of your own (--rules FILE)."
        )?;
    }
    Ok(())
}

fn settled(
    out: &mut dyn Write,
    judged: &keysweep::judge::Judged,
    finding: &Finding,
    thresholds: &dyn Fn(Job) -> Thresholds,
) -> io::Result<()> {
    for remark in finding.remarks.iter().filter(|remark| !judged.remarks.contains(remark)) {
        writeln!(out, "    place: {remark}")?;
    }
    if let Some(print) = &finding.fingerprint {
        writeln!(out, "    fingerprint: {print}")?;
    } else {
        writeln!(
            out,
            "    fingerprint: none, for it could be found by trying; an entry gets a slow hash (keysweep baseline)"
        )?;
    }
    match &finding.suppressed {
        Some(suppression) => {
            writeln!(out, "    suppressed: {} ({})", suppression.by.id(), neutralise(&suppression.reason))?;
            writeln!(out, "    to change it: {}", advice::of_suppression(&suppression.by))
        }
        None => {
            writeln!(out, "    reported: severity {}, confidence {}", finding.severity, finding.confidence)?;
            for job in [Job::Staged, Job::Range, Job::Files, Job::History] {
                let Thresholds { show, fail } = thresholds(job);
                let what = match finding.confidence {
                    confidence if confidence >= fail => "shown, fails the run",
                    confidence if confidence >= show => "shown, does not fail the run",
                    _ => "not shown",
                };
                writeln!(out, "      {:<8} {what} (shows {show}, fails {fail})", job.id())?;
            }
            writeln!(out, "    to change it: a comment beside it, `keysweep:allow {} REASON`", finding.rule)
        }
    }
}
