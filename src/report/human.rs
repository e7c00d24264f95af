//! The report for people: every incident with its place, its past and its way out, then what could
//! not be read, then the result and the coverage receipt.
//!
//! Styles are always written; the caller's stream takes them out where nobody sees colours.

mod excerpt;
mod incident;
mod rotation;
mod style;
mod summary;
pub(super) mod text;

use std::{collections::BTreeMap, io};

use self::text::Page;
use super::{Look, Report};
use crate::{finding::Incident, rules::Confidence};

pub(super) fn write(report: &Report, look: &Look, out: &mut dyn io::Write) -> io::Result<()> {
    let mut page = Page::new(report, look, out);
    let (doubtful, sure): (Vec<&Incident>, Vec<&Incident>) =
        report.incidents.iter().partition(|incident| incident.confidence == Confidence::Low);
    // What a rule says of itself is said once, with its first incident.
    let mut told: BTreeMap<&str, Vec<&Incident>> = BTreeMap::new();
    for incident in sure {
        let earlier = told.entry(&incident.rule).or_default();
        incident::write(&mut page, report, look, incident, earlier)?;
        earlier.push(incident);
    }
    summary::doubtful(&mut page, report, look, &doubtful)?;
    summary::gaps(&mut page, report)?;
    summary::canaries(&mut page, report)?;
    summary::result(&mut page, report)?;
    summary::receipt(&mut page, report)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use anstream::adapter::strip_str;

    use super::{
        super::{Coverage, Job, RotationDetail, sample::sample},
        *,
    };
    use crate::{
        finding::{Fact, Place, neutralise},
        source::RelPath,
    };

    const LOOK: Look = Look { rotation: RotationDetail::Full, width: 80, show_secrets: false };

    fn styled(report: &Report, look: &Look) -> String {
        let mut out = Vec::new();
        write(report, look, &mut out).expect("a vector takes everything");
        String::from_utf8(out).expect("the report is UTF-8")
    }

    fn plain(report: &Report, look: &Look) -> String {
        strip_str(&styled(report, look)).to_string()
    }

    fn without_findings() -> Report {
        let mut report = sample();
        report.findings.clear();
        report.incidents.clear();
        report.suppressed.clear();
        report.below_threshold = 0;
        report.dismissed.clear();
        report.failing = 0;
        report.notes.clear();
        report.coverage.outside.clear();
        report.coverage.canaries_sent = 38;
        report.coverage.canaries_seen = 38;
        report.coverage.canaries_lost.clear();
        report
    }

    #[test]
    fn a_full_report() {
        insta::assert_snapshot!(plain(&sample(), &LOOK), @r#"
        critical[acme-signing-key]: found an Acme signing key
        incident 1, confidence certain: -----BEGIN RSA PRIVATE KEY-----…
           --> deploy/server.pem:2:1 · blob 0b0b0b0b0b0b
            |
          1 | # signs updates
          2 | -----BEGIN RSA PRIVATE KEY-----…
            | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ the block decodes to a key
         ...
          9 | ********
            | ^^^^^^^^
         10 | # end of file

          also at      backup/caf� key#1.pem:2:1 · removed 12 months ago (2025-09-06)
                       blob 0d0d0d0d0d0d (in no commit), line 2
          introduced   2 years ago (2024-04-04) by Zoë Ångström <someone@shop.example>
                       in commit 010101010101 "Add the signing key, remove later"
          here since   13 months ago (2025-08-17) in commit 020202020202
          at HEAD      yes (3 versions of this file)
          live on      main, origin/main
          in past of   tag v1.0
          facts        key type RSA · encrypted no
          about        Signs the updates that every Acme client installs; whoever holds
                       it can sign anything.
          use instead  read it from a secret manager

          Rotation
            Contain
             1. Stop publishing updates until clients trust a new key.
                source   https://docs.acme.example/signing/incident
            Replace
             2. Generate a key inside the hardware module.
                cli      acme signing-key generate --hsm
                source   https://docs.acme.example/signing/generate
            Deploy
             3. Ship the new public key to the clients.
            Revoke
             4. Put the old key on the revocation list.
                api      PUT https://api.acme.example/signing/revoked
                source   https://docs.acme.example/signing/revoke
            Audit
             5. Compare every signature made since the leak with your releases.
            Prevent
             6. Keep the private half where it cannot be copied.

        critical[acme-deploy-token]: found an Acme deploy token
        incident 2, confidence certain: acme_********iSE
          --> app/settings.py:3:15 · blob 151515151515
           |
         2 | ACME_KEY = 'ACIDSAMPLESAMPLE'
         3 | ACME_TOKEN = "acme_********iSE"  # für CI
           |               ^^^^^^^^^^^^^^^^ its checksum is right; a key id stands near

          also at      message of commit 060606060606, line 3
          introduced   30 days ago (2026-08-22) by Eve �gnp.exe␛[2J
                       <someone@shop.example>
                       in commit 040404040404 "Quick fix ␛]0;owned␇"
          at HEAD      no, but the history holds it (2 versions of this file)
          removed      2 days ago (2026-09-19) by Sam Okafor <someone@shop.example>
                       in commit 050505050505 "Read the token from the environment"
          in past of   main, release/1.x
          facts        key id ACIDSAMPLESAMPLE · expires never
          about        Deploys to every project of the account that issued it.
          lifetime     never expires unless a date was set
          use instead  the environment variable ACME_TOKEN or a secret manager
          less power   scope it to one project with `deploy:write` only
          short-lived  OIDC federation from CI gives tokens of 15 minutes
                       (https://docs.acme.example/oidc)

          Rotation
            Contain
             1. Suspend the token ACIDSAMPLESAMPLE; this can be undone.
                console  Acme > Settings > Tokens > Suspend
                cli      acme token suspend ACIDSAMPLESAMPLE
                api      POST https://api.acme.example/tokens/ACIDSAMPLESAMPLE/suspend
                source   https://docs.acme.example/tokens/suspend
            Replace
             2. Create a token for one project only.
                cli      acme token create --scope deploy:write --expires 30d
                source   https://docs.acme.example/tokens/create
            Deploy
             3. Put it into ACME_TOKEN where app/settings.py was used and restart what
                reads it.
            Revoke
             4. Delete the old token.
                cli      acme token delete ACIDSAMPLESAMPLE
                source   https://docs.acme.example/tokens/delete
            Audit
             5. Look for deployments since the leak that nobody made.
                cli      acme audit --token ACIDSAMPLESAMPLE --json
                source   https://docs.acme.example/audit
            Prevent
             6. Read the token from ACME_TOKEN and install the pre-commit hook.

        critical[acme-deploy-token]: found an Acme deploy token
        incident 3, confidence certain: acme_********l1U
          --> .env.production:1:13 · staged
           |
         1 |     ACME_TOKEN=acme_********l1U
           |                ^^^^^^^^^^^^^^^^ Acme deploy token

          new          brought in by the change that was examined
          rotation     as for incident 2, but with these commands:
             1. Suspend the token KEY_ID; this can be undone.
                cli      acme token suspend KEY_ID
                api      POST https://api.acme.example/tokens/KEY_ID/suspend
             4. Delete the old token.
                cli      acme token delete KEY_ID
             5. Look for deployments since the leak that nobody made.
                cli      acme audit --token KEY_ID --json

        critical[acme-deploy-token]: found an Acme deploy token
        incident 4, confidence certain: acme_********ez6
          --> blob 1f1f1f1f1f1f (in no commit)

          at HEAD      no, not in any ref: only a dropped stash, a reflog or a dangling
                       object holds it
          rotation     as for incident 3

        Worth a look (confidence low)
          medium  generic-password  *********         docs/Über uns/set up␛[31m.md:3:17

        INCOMPLETE: 2 things could not be read; a secret there would go unseen
            data/big␛[1m.db: unreadable, Permission denied
            6363636363636363636363636363636363636363: missing, the pack does not hold it

        BLIND: 1 of 4 canaries went unseen; a real secret of the same rule would too
            acme-key-id: the rule is switched off in .keysweep.toml

        4 secrets found in 7 places: 4 critical; 1 more worth a look
          result       7 findings fail the run (--fail-on medium)
          scanned      all of the history of /work/shop
          read         12 files, 5,321 blobs, 1,040 commits, 3 tags, 9 refs, 48.0 MB (17
                       binary, 1 UTF-16) in 1.2 s
          left out     binary and over the size limit for binaries: 2; submodule
                       commits: 1
          dismissed    43 candidates (bad checksum: 2, placeholder: 41)
          suppressed   1 by a comment beside it, 1 by .keysweep.toml (paths); --format
                       json lists them
          not shown    3 findings below confidence low
          checked by   4 rules, canaries 3/4; confidence: low is shown, medium fails
          also read    /work/shop-main/.git
          note         .env is ignored by git and was read all the same
          false alarm? write keysweep:allow and the reason in a comment beside it
        "#);
    }

    #[test]
    fn a_clean_report_is_short() {
        let mut report = without_findings();
        report.gaps.clear();
        insta::assert_snapshot!(plain(&report, &LOOK), @r#"
        no secrets found
          scanned      all of the history of /work/shop
          read         12 files, 5,321 blobs, 1,040 commits, 3 tags, 9 refs, 48.0 MB (17
                       binary, 1 UTF-16) in 1.2 s
          left out     binary and over the size limit for binaries: 2; submodule
                       commits: 1
          checked by   4 rules, canaries 38/38; confidence: low is shown, medium fails
        "#);
    }

    #[test]
    fn an_incomplete_report_is_loud_and_not_clean() {
        let mut report = without_findings();
        let gap = report.gaps[0].clone();
        report.gaps.extend(std::iter::repeat_n(gap, 10));
        insta::assert_snapshot!(plain(&report, &LOOK), @r#"
        INCOMPLETE: 12 things could not be read; a secret there would go unseen
            data/big␛[1m.db: unreadable, Permission denied
            6363636363636363636363636363636363636363: missing, the pack does not hold it
            data/big␛[1m.db: unreadable, Permission denied
            data/big␛[1m.db: unreadable, Permission denied
            data/big␛[1m.db: unreadable, Permission denied
            data/big␛[1m.db: unreadable, Permission denied
            data/big␛[1m.db: unreadable, Permission denied
            data/big␛[1m.db: unreadable, Permission denied
            data/big␛[1m.db: unreadable, Permission denied
            data/big␛[1m.db: unreadable, Permission denied
            … and 2 more; --format json lists all

        no secrets found in what could be read
          scanned      all of the history of /work/shop
          read         12 files, 5,321 blobs, 1,040 commits, 3 tags, 9 refs, 48.0 MB (17
                       binary, 1 UTF-16) in 1.2 s
          left out     binary and over the size limit for binaries: 2; submodule
                       commits: 1
          checked by   4 rules, canaries 38/38; confidence: low is shown, medium fails
        "#);
    }

    #[test]
    fn short_runbooks_take_a_line_a_step_after_the_first() {
        let look = Look { rotation: RotationDetail::Short, width: 60, ..LOOK };
        let text = plain(&sample(), &look);
        let (_, steps) = text.split_once("  Rotation\n").expect("there are steps");
        let (_, steps) = steps.split_once("  Rotation\n").expect("twice");
        insta::assert_snapshot!(steps.split("\n\n").next().expect("a block"), @r#"
        1. contain  Suspend the token ACIDSAMPLESAMPLE; this
                    can be undone.
        2. replace  Create a token for one project only.
        3. deploy   Put it into ACME_TOKEN where …
        4. revoke   Delete the old token.
        5. audit    Look for deployments since the leak that …
        6. prevent  Read the token from ACME_TOKEN and …
           commands and sources: keysweep rules show acme-deploy-token
        "#);
    }

    #[test]
    fn a_hook_says_only_where_the_runbook_is() {
        let mut report = without_findings();
        let all = sample();
        report.findings = vec![all.findings[5].clone()];
        report.incidents = vec![Incident { findings: vec![0], number: 1, ..all.incidents[2].clone() }];
        report.failing = 1;
        report.gaps.clear();
        report.coverage =
            Coverage { blobs: 1, bytes: 90, rules: 4, canaries_seen: 4, canaries_sent: 4, ..Coverage::default() };
        report.job = Job::Staged;
        let look = Look { rotation: RotationDetail::None, ..LOOK };
        insta::assert_snapshot!(plain(&report, &look), @r#"
        critical[acme-deploy-token]: found an Acme deploy token
        incident 1, confidence certain: acme_********l1U
          --> .env.production:1:13 · staged
           |
         1 |     ACME_TOKEN=acme_********l1U
           |                ^^^^^^^^^^^^^^^^ Acme deploy token

          new          brought in by the change that was examined
          use instead  the environment variable ACME_TOKEN or a secret manager
          rotation     keysweep rules show acme-deploy-token

        1 secret found in 1 place: 1 critical
          result       1 finding fails the run (--fail-on medium)
          scanned      what is staged in /work/shop
          read         1 blob, 90 bytes in 1.2 s
          checked by   4 rules, canaries 4/4; confidence: low is shown, medium fails
          false alarm? write keysweep:allow and the reason in a comment beside it
        "#);
    }

    #[test]
    fn many_places_are_cut_to_a_few() {
        let mut report = sample();
        let extra = report.incidents[1].findings[0];
        report.incidents[1].findings.extend(std::iter::repeat_n(extra, 40));
        let local = Place::File { path: RelPath::new("/w/.git/config"), local: true };
        report.findings[4].place = local;
        let text = plain(&report, &LOOK);
        assert!(text.contains("also at      /w/.git/config:3:20 · local, not pushed\n"), "{text}");
        assert!(text.contains("               … and 37 more places; --format json lists all\n"), "{text}");
    }

    /// Pieces of a secret that its mask does not show.
    fn pieces(report: &Report) -> Vec<String> {
        let of = |finding: &crate::finding::Finding| {
            let text = String::from_utf8_lossy(finding.secret.reveal()).into_owned();
            let lines = text.lines().filter(|line| !line.contains("-----")).map(str::to_owned).collect::<Vec<_>>();
            lines
                .iter()
                .flat_map(|line| {
                    let body = line.strip_prefix("acme_").unwrap_or(line);
                    (0..body.len().saturating_sub(5)).map(|at| body[at..at + 6].to_owned()).collect::<Vec<_>>()
                })
                .collect::<Vec<_>>()
        };
        report.findings.iter().chain(&report.suppressed).flat_map(of).collect()
    }

    #[test]
    fn no_secret_is_printed_even_if_a_subject_path_or_fact_quotes_it() {
        let mut report = sample();
        let quoted = String::from_utf8_lossy(report.findings[3].secret.reveal()).into_owned();
        let history = report.findings[3].history.as_mut().expect("it has a past");
        let mut commit = (**history.removed.as_ref().expect("it was removed")).clone();
        commit.subject = format!("Remove {quoted}");
        commit.author_name = quoted.clone();
        history.removed = Some(Arc::new(commit));
        history.in_history_of.push(format!("refs/heads/fix-{quoted}"));
        report.findings[3].facts.push(Fact::new("user", quoted.clone()));
        report.findings[4].place = Place::Stdin { name: RelPath::new(format!("a/{quoted}.txt")) };
        for rotation in [RotationDetail::Full, RotationDetail::Short, RotationDetail::None] {
            let text = plain(&report, &Look { rotation, width: 200, ..LOOK });
            assert!(text.contains("\"Remove acme_********"), "{text}");
            for piece in pieces(&report) {
                assert!(!text.contains(&piece), "{piece} is part of a secret");
            }
        }
    }

    #[test]
    fn secrets_are_printed_whole_if_asked_for() {
        let report = sample();
        let text = plain(&report, &Look { show_secrets: true, ..LOOK });
        for incident in report.incidents.iter() {
            let secret = String::from_utf8_lossy(report.findings[incident.findings[0]].secret.reveal()).into_owned();
            for line in secret.lines() {
                assert!(text.contains(line), "{line}");
            }
        }
    }

    #[test]
    fn nothing_from_the_repository_steers_the_terminal() {
        let mut report = sample();
        let evil = "x\u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}\r\n\u{9b}31m";
        report.target = evil.to_owned();
        report.notes.push(evil.to_owned());
        report.coverage.outside.push(evil.to_owned());
        for finding in &mut report.findings {
            finding.place = Place::File { path: RelPath::new(evil), local: false };
            finding.facts.push(Fact::new("user", evil));
            finding.remarks.push(evil.to_owned());
            if let Some(history) = &mut finding.history {
                history.live_on.push(format!("refs/heads/{evil}"));
            }
        }
        for width in [40, 80, 300] {
            let text = styled(&report, &Look { width, ..LOOK });
            assert!(text.contains(&neutralise(evil)), "{text}");
            let left = text.replace("\u{1b}[", "");
            assert!(!left.contains(['\u{1b}', '\u{7}', '\u{202e}', '\r', '\u{9b}']), "{text}");
            // Only our own styles are left: numbers, semicolons and an `m`.
            for style in text.split("\u{1b}[").skip(1) {
                let end = style.find(|c: char| !c.is_ascii_digit() && c != ';');
                assert_eq!(end.map(|end| &style[end..=end]), Some("m"), "{style}");
            }
        }
    }

    #[test]
    fn prose_keeps_to_the_width() {
        for width in [48, 64, 80] {
            let text = plain(&without_findings(), &Look { width, ..LOOK });
            for line in text.lines() {
                assert!(text::width(line) <= width, "{line}");
            }
        }
    }
}
