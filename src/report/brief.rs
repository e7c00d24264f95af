//! About ten lines for a hook that stops somebody: what, where, how to fix it, how to allow it.
//!
//! Each secret takes two lines; what to do is said once. The whole story is one command away.

use std::fmt::Write as _;
use std::io;

use super::{Job, Look, Report, human::text::article, json::Context, say};
use crate::finding::{Finding, Incident, Place};

/// Secrets that are shown one by one.
const SECRETS: usize = 4;
/// Things that could not be read, likewise.
const GAPS: usize = 3;
/// Characters of a line.
const WIDTH: usize = 100;

pub(super) fn write(report: &Report, look: &Look, out: &mut dyn io::Write) -> io::Result<()> {
    let context = Context::new(report, look);
    let mut incidents: Vec<(&Incident, &Finding)> = Vec::new();
    for finding in report.riskiest() {
        if let Some(incident) = report.incidents.get(finding.incident)
            && !incidents.iter().any(|(known, _)| known.number == incident.number)
        {
            incidents.push((incident, finding));
        }
    }
    for (incident, finding) in incidents.iter().take(SECRETS) {
        secret(&context, incident, finding, out)?;
    }
    if incidents.len() > SECRETS {
        writeln!(out, "… and {}", say::count(incidents.len() - SECRETS, "more secret"))?;
    }
    for gap in report.gaps.iter().take(GAPS) {
        let text = format!("{} ({}: {})", gap.what, gap.kind.id(), gap.message);
        writeln!(out, "could not be read: {}", say::cut(&context.redactor.line(&text), 2 * WIDTH))?;
    }
    if report.gaps.len() > GAPS {
        writeln!(out, "could not be read: … and {} more", report.gaps.len() - GAPS)?;
    }
    for (rule, reason) in report.coverage.canaries_lost.iter().take(GAPS) {
        writeln!(out, "blind: {rule} misses its own made-up secret: {}", context.redactor.line(reason))?;
    }
    if let Some((_, finding)) = incidents.first() {
        for (label, text) in advice(report, finding) {
            writeln!(out, "  {label:<6} {text}")?;
        }
    }
    writeln!(out, "keysweep: {}", closing(report))?;
    out.flush()
}

fn secret(context: &Context<'_>, incident: &Incident, finding: &Finding, out: &mut dyn io::Write) -> io::Result<()> {
    let report = context.report;
    let title = context.redactor.line(say::title(report, finding));
    let masked = match context.look.show_secrets {
        true => crate::finding::neutralise(&String::from_utf8_lossy(finding.secret.reveal())),
        false => context.redactor.line(&incident.masked),
    };
    let sure = if report.thresholds.fails(finding) { "" } else { " (worth a look, stops nothing)" };
    writeln!(out, "{}: found {} {title}: {masked}{sure}", finding.severity, article(&title))?;
    let mut place = say::place(context, finding);
    if let Some(commit) = say::commit(finding) {
        let _ = write!(place, " in commit {:.12}", commit.id);
    }
    if incident.findings.len() > 1 {
        let _ = write!(place, ", and {}", say::count(incident.findings.len() - 1, "more place"));
    }
    writeln!(out, "  {:<6} {place}", "at")?;
    let marked = finding.excerpt.iter().flat_map(|excerpt| &excerpt.lines).find(|line| line.marked.is_some());
    if let Some(line) = marked {
        writeln!(out, "  {:<6} {}", "line", say::cut(context.redactor.line(line.text.trim()).trim(), WIDTH))?;
    }
    Ok(())
}

/// What to do, once for all. Its words are ours, but for the rule's variable.
fn advice(report: &Report, finding: &Finding) -> Vec<(&'static str, String)> {
    let rule = report.rules.get(&finding.rule);
    let from = match rule.and_then(|rule| rule.text().env_var.as_deref()) {
        Some(name) => format!("the environment variable {}", crate::finding::neutralise(name)),
        None => "the environment or a secret manager".to_owned(),
    };
    let shown = format!("if it ever left this machine, revoke it: keysweep rules show {}", finding.rule);
    let inline = format!("no secret? write this on its line and why: keysweep:allow {} REASON", finding.rule);
    match report.job {
        Job::Push | Job::Receive => {
            let allow = match report.job {
                Job::Receive => {
                    "no secret? whoever runs this server can allow it there; comments do not count here".to_owned()
                }
                _ => inline,
            };
            let commit = say::commit(finding).map_or_else(String::new, |commit| format!(" {:.12}~", commit.id));
            let mut told = match &finding.place {
                Place::TagMessage { .. } => {
                    vec![("fix", "make the tag anew without it: git tag -d NAME, then tag again".to_owned())]
                }
                Place::CommitMessage { .. } => {
                    vec![("fix", format!("write that message anew: git rebase -i{commit} (reword), then push again"))]
                }
                Place::Unplaced { .. } => vec![("fix", "delete the tag or ref that names this object".to_owned())],
                _ => vec![
                    ("fix", format!("read it from {from}; take it out of the commit, not only out of the file:")),
                    ("", format!("git rebase -i{commit} (edit, git commit --amend), then push again")),
                ],
            };
            told.extend([("", shown), ("allow", allow)]);
            told
        }
        _ => vec![
            ("fix", format!("read it from {from}, then git add the file and commit again")),
            ("", shown),
            ("allow", inline),
        ],
    }
}

fn closing(report: &Report) -> String {
    let what = match report.job {
        Job::Staged => "this commit",
        Job::Push | Job::Receive => "this push",
        _ => "this run",
    };
    let more = match report.job {
        Job::Staged => "; all about it: keysweep git --staged --format human",
        Job::Push => "; past it: git push --no-verify",
        _ => "",
    };
    if report.failing > 0 {
        let secrets = say::count(report.failing, "finding");
        return format!("{secrets} of confidence {} or more stopped {what}{more}", report.thresholds.fail);
    }
    if report.is_incomplete() {
        return format!("{what} could not be read whole, so nobody knows that it is clean{more}");
    }
    let coverage = &report.coverage;
    let canaries = format!("canaries {}/{}", coverage.canaries_seen, coverage.canaries_sent);
    let read = say::count(coverage.files + coverage.blobs, "file");
    match report.incidents.len() {
        0 => format!("no secrets found ({read}, {canaries})"),
        found => format!("{} to look at, none stops {what} ({read}, {canaries})", say::count(found, "secret")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{
        Format, RotationDetail,
        json::tests::{look, render},
        sample::sample,
    };

    fn staged(secrets: usize) -> Report {
        let mut report = sample();
        let (finding, incident) = (report.findings[5].clone(), report.incidents[2].clone());
        report.findings = (0..secrets).map(|incident| Finding { incident, ..finding.clone() }).collect();
        report.incidents =
            (0..secrets).map(|at| Incident { number: at + 1, findings: vec![at], ..incident.clone() }).collect();
        report.failing = secrets;
        report.gaps.clear();
        report.coverage.canaries_lost.clear();
        report.job = Job::Staged;
        report
    }

    #[test]
    fn a_stopped_commit_is_told_in_ten_lines() {
        let look = Look { rotation: RotationDetail::None, ..look(false) };
        let text = render(Format::Brief, &staged(1), &look);
        insta::assert_snapshot!(text, @r"
            critical: found an Acme deploy token: acme_********l1U
              at     .env.production:1:13
              line   ACME_TOKEN=acme_********l1U
              fix    read it from the environment variable ACME_TOKEN, then git add the file and commit again
                     if it ever left this machine, revoke it: keysweep rules show acme-deploy-token
              allow  no secret? write this on its line and why: keysweep:allow acme-deploy-token REASON
            keysweep: 1 finding of confidence medium or more stopped this commit; all about it: keysweep git --staged --format human
        ");
        assert!(text.lines().count() <= 10);
        assert!(render(Format::Brief, &staged(40), &look).lines().count() <= 20);
    }

    #[test]
    fn a_push_is_told_that_the_commit_holds_it() {
        let mut report = sample();
        report.job = Job::Receive;
        report.gaps.truncate(1);
        insta::assert_snapshot!(render(Format::Brief, &report, &look(false)), @r#"
            critical: found an Acme signing key: -----BEGIN RSA PRIVATE KEY-----…
              at     deploy/server.pem:2:1 in commit 010101010101, and 2 more places
              line   -----BEGIN RSA PRIVATE KEY-----…
            critical: found an Acme deploy token: acme_********iSE
              at     app/settings.py:3:15 in commit 040404040404, and 1 more place
              line   ACME_TOKEN = "acme_********iSE"  # für CI
            critical: found an Acme deploy token: acme_********l1U
              at     .env.production:1:13
              line   ACME_TOKEN=acme_********l1U
            critical: found an Acme deploy token: acme_********ez6
              at     blob 1f1f1f1f1f1f (in no commit)
            … and 1 more secret
            could not be read: data/big␛[1m.db (unreadable: Permission denied)
            blind: acme-key-id misses its own made-up secret: the rule is switched off in .keysweep.toml
              fix    read it from the environment or a secret manager; take it out of the commit, not only out of the file:
                     git rebase -i 010101010101~ (edit, git commit --amend), then push again
                     if it ever left this machine, revoke it: keysweep rules show acme-signing-key
              allow  no secret? whoever runs this server can allow it there; comments do not count here
            keysweep: 7 findings of confidence medium or more stopped this push
        "#);
    }

    #[test]
    fn a_clean_run_is_a_line() {
        insta::assert_snapshot!(render(Format::Brief, &staged(0), &look(false)), @"keysweep: no secrets found (5333 files, canaries 3/4)");
    }
}
