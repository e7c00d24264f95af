//! A comment for a pull or merge request: one secret after the other, its steps folded.
//!
//! Whatever was scanned stands in code spans, where no Markdown, HTML or mention works; our own rules' words
//! are escaped. A comment has room for 65,536 characters: the riskiest secrets keep theirs, and what was cut
//! is said. Comments are for everyone, so `--show-secrets` is not heard here.

use std::fmt::Write as _;
use std::{collections::BTreeSet, io};

use super::{Look, Report, json::Context, say};
use crate::{finding::Incident, rules::Step};

/// GitHub's limit for a comment is in characters; bytes are never fewer.
const MOST_BYTES: usize = 65_536;
/// Kept for the end of the comment.
const FOR_THE_END: usize = 4_000;
/// Other places of a secret that are listed.
const PLACES: usize = 5;
/// Characters of a quoted text; a path may have thousands.
const MOST_QUOTED: usize = 300;

/// So that a bot finds its own comment again.
const MARK: &str = "<!-- keysweep -->";

pub(super) fn write(report: &Report, look: &Look, out: &mut dyn io::Write) -> io::Result<()> {
    let look = Look { show_secrets: false, ..*look };
    let context = Context::new(report, &look);
    let mut text = format!("{MARK}\n### keysweep: {}\n", say::result(report));
    gaps(&context, &mut text);
    let incidents = riskiest(report);
    let heads: Vec<String> = incidents.iter().map(|incident| headline(&context, incident)).collect();
    let room = MOST_BYTES - FOR_THE_END;
    // Every secret told is worth more than all steps, so at most half of the room is kept for those to come.
    let mut to_come: usize = heads.iter().map(String::len).sum();
    let mut shortened = 0;
    let mut told = 0;
    for (incident, head) in incidents.iter().zip(&heads) {
        if text.len() + head.len() > room {
            break;
        }
        text += head;
        told += 1;
        to_come -= head.len();
        let steps = folded(&context, incident);
        // Once one has lost its steps all behind it do, or a long runbook would make way for a lesser secret's.
        if shortened == 0 && text.len() + steps.len() + to_come.min(room / 2) <= room {
            text += &steps;
        } else if !steps.is_empty() {
            shortened += 1;
        }
    }
    text += &end(&context, incidents.len() - told, shortened);
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// What fails first, then severity and confidence; among equals the report's own order.
fn riskiest(report: &Report) -> Vec<&Incident> {
    let mut seen = BTreeSet::new();
    let numbers = report.riskiest().into_iter().map(|finding| finding.incident);
    let mut order: Vec<&Incident> =
        numbers.filter(|number| seen.insert(*number)).filter_map(|number| report.incidents.get(number)).collect();
    order.truncate(report.incidents.len());
    order
}

fn gaps(context: &Context<'_>, text: &mut String) {
    let report = context.report;
    if !report.gaps.is_empty() {
        let count = say::count(report.gaps.len(), "thing");
        let _ = writeln!(text, "\n> **Incomplete**: {count} could not be read; a secret there would go unseen.\n>");
        for gap in report.gaps.iter().take(PLACES) {
            let what = quoted(&context.redactor.line(&gap.what));
            let _ = writeln!(text, "> - {what}: {}, {}", gap.kind.id(), quoted(&context.redactor.line(&gap.message)));
        }
        if report.gaps.len() > PLACES {
            let _ = writeln!(text, "> - … and {} more", report.gaps.len() - PLACES);
        }
    }
    if !report.coverage.canaries_lost.is_empty() {
        let count = say::count(report.coverage.canaries_lost.len(), "rule");
        let _ = writeln!(text, "\n> **Blind**: {count} did not see a made-up secret of its own kind.");
    }
}

fn headline(context: &Context<'_>, incident: &Incident) -> String {
    let report = context.report;
    let findings: Vec<_> = incident.findings.iter().filter_map(|at| report.findings.get(*at)).collect();
    let Some((main, others)) = findings.split_first() else {
        return String::new();
    };
    let fails = if findings.iter().any(|finding| report.thresholds.fails(finding)) { "" } else { ", only shown" };
    let mut text = format!(
        "\n**{}. {}** {} ({}, {} confidence{fails}, `{}`)\n",
        incident.number,
        prose(&say::sentence(&context.redactor.line(say::title(report, main)))),
        quoted(&context.redactor.line(&incident.masked)),
        incident.severity,
        incident.confidence,
        incident.rule
    );
    let _ = writeln!(text, "- at {}", quoted(&say::place(context, main)));
    for other in others.iter().take(PLACES) {
        let _ = writeln!(text, "- also at {}", quoted(&say::place(context, other)));
    }
    if others.len() > PLACES {
        let _ = writeln!(text, "- … and {} more places", others.len() - PLACES);
    }
    if let (Some(commit), Some(standing)) = (say::commit(main), say::standing(main)) {
        let author = quoted(&context.redactor.line(&commit.author_name));
        let day = say::day(commit.author_time);
        let _ = writeln!(text, "- introduced by {author} on {day} in commit `{:.12}`; {standing}", commit.id);
    }
    if !main.remarks.is_empty() {
        let _ = writeln!(text, "- {}", quoted(&context.redactor.line(&main.remarks.join("; "))));
    }
    text
}

/// The runbook behind a summary line. Inside of it Markdown works again after an empty line.
fn folded(context: &Context<'_>, incident: &Incident) -> String {
    let steps: Vec<&Step> = incident.rotation.iter().collect();
    if steps.is_empty() {
        return String::new();
    }
    let mut text = format!("\n<details><summary>What to do ({})</summary>\n\n", say::count(steps.len(), "step"));
    for (step, number) in steps.iter().zip(1..) {
        let action = prose(&context.redactor.line(&step.action));
        let _ = writeln!(text, "{number}. **{}** {action}", say::sentence(step.phase.word()));
        for (how, what) in [("console", &step.console), ("run", &step.cli), ("send", &step.api)] {
            for line in what.iter().flat_map(|what| what.lines()).filter(|line| !line.trim().is_empty()) {
                let _ = writeln!(text, "   - {how}: {}", code(&context.redactor.line(line.trim())));
            }
        }
        if let Some(page) = step.source.as_deref().filter(|page| is_plain_address(page)) {
            let _ = writeln!(text, "   - see <{page}>");
        }
    }
    text + "\n</details>\n"
}

fn end(context: &Context<'_>, cut: usize, shortened: usize) -> String {
    let report = context.report;
    let mut text = String::new();
    if cut > 0 {
        let _ = writeln!(
            text,
            "\n**{} more not shown**: a comment may have {MOST_BYTES} characters, and the riskiest were kept. The other formats have them all.",
            say::count(cut, "secret")
        );
    }
    if shortened > 0 {
        let _ = writeln!(
            text,
            "\nThe steps of {} did not fit: `keysweep rules show RULE` has them.",
            say::count(shortened, "secret")
        );
    }
    if !report.incidents.is_empty() {
        text += "\nNo secret? Write `keysweep:allow RULE why` in a comment beside it. A real one is out: take it out of the code *and* revoke it; deleting the line alone leaves it in the history.\n";
    }
    let coverage = &report.coverage;
    let things = [
        (coverage.files, "file"),
        (coverage.blobs, "blob"),
        (coverage.commits, "commit"),
        (report.suppressed.len(), "suppressed finding"),
    ];
    let things: Vec<String> = things.iter().filter(|(of, _)| *of > 0).map(|(of, noun)| say::count(*of, noun)).collect();
    let _ = writeln!(
        text,
        "\n<sub>keysweep {}, {} bytes{}{}; {} rules, canaries {}/{}</sub>",
        env!("CARGO_PKG_VERSION"),
        coverage.bytes,
        if things.is_empty() { "" } else { ", " },
        things.join(", "),
        coverage.rules,
        coverage.canaries_seen,
        coverage.canaries_sent
    );
    text
}

/// A code span of a text that may be long.
fn quoted(text: &str) -> String {
    code(&say::cut(text, MOST_QUOTED))
}

/// A code span: its fence is longer than any run of backquotes in it (CommonMark 6.1). The text has one line.
pub(super) fn code(text: &str) -> String {
    if text.trim().is_empty() {
        return "(nothing)".to_owned();
    }
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let ends = |c| text.starts_with(c) || text.ends_with(c);
    let space = if ends('`') || ends(' ') { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

/// Words of a rule, in which a path or user of the repository may stand: nothing in them is a link, a
/// mention or HTML. Code spans of the rule's own stay.
pub(super) fn prose(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // A backquote without its partner would open a span that swallows what follows.
    let pieces: Vec<&str> = text.split('`').collect();
    let paired = pieces.len() % 2 == 1;
    for (at, piece) in pieces.iter().enumerate() {
        if at % 2 == 1 && paired {
            out += &code(piece);
            continue;
        }
        if at > 0 && !paired {
            out += "\\`";
        }
        let mut chars = piece.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '\\' | '*' | '_' | '[' | ']' | '{' | '}' | '<' | '>' | '(' | ')' | '!' | '|' | '~' | '&' | '$'
                | '^' => {
                    out.push('\\');
                    out.push(c);
                }
                // An empty comment keeps GitHub from seeing a mention, an issue or an address.
                '@' | '#' => {
                    out.push('\\');
                    out.push(c);
                    out += "<!-- -->";
                }
                ':' if chars.peek() == Some(&'/') => out += ":<!-- -->",
                'w' | 'W' if out.ends_with("ww") || out.ends_with("WW") => {
                    out.push(c);
                    out += "<!-- -->";
                }
                c => out.push(c),
            }
        }
    }
    out
}

fn is_plain_address(page: &str) -> bool {
    page.starts_with("https://") && page.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>`\\".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        finding::Place,
        report::{
            Format,
            json::tests::{look, render, talkative},
            sample::sample,
        },
        source::RelPath,
    };

    /// What is left of a Markdown text when its code spans are taken out.
    fn outside_code(text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('`') {
            if rest[..at].ends_with('\\') {
                out += &rest[..=at];
                rest = &rest[at + 1..];
                continue;
            }
            out += &rest[..at];
            let fence = rest[at..].len() - rest[at..].trim_start_matches('`').len();
            let fence = "`".repeat(fence);
            let behind = &rest[at + fence.len()..];
            let mut from = 0;
            // The first run of backquotes that is exactly as long.
            let end = loop {
                let Some(found) = behind[from..].find('`').map(|found| found + from) else { break None };
                let run = behind[found..].len() - behind[found..].trim_start_matches('`').len();
                if run == fence.len() {
                    break Some(found + run);
                }
                from = found + run;
            };
            let end = end.expect("every code span is closed");
            assert!(!behind[..end].contains('\n'), "a span runs over lines: {behind}");
            rest = &behind[end..];
        }
        out + rest
    }

    #[test]
    fn it_reads_well() {
        let mut report = sample();
        report.findings.truncate(5);
        report.incidents.truncate(2);
        report.incidents[0].rotation.truncate(1);
        report.gaps.truncate(1);
        insta::assert_snapshot!(render(Format::Markdown, &report, &look(false)), @r"
            <!-- keysweep -->
            ### keysweep: 2 secrets found in 5 places in what could be read; 7 findings fail the run

            > **Incomplete**: 1 thing could not be read; a secret there would go unseen.
            >
            > - `data/big␛[1m.db`: unreadable, `Permission denied`

            > **Blind**: 1 rule did not see a made-up secret of its own kind.

            **1. Acme signing key** `-----BEGIN RSA PRIVATE KEY-----…` (critical, certain confidence, `acme-signing-key`)
            - at `deploy/server.pem:2:1`
            - also at `backup/caf� key#1.pem:2:1`
            - also at `blob 0d0d0d0d0d0d (in no commit), line 2`
            - introduced by `Zoë Ångström` on 2024-04-04 in commit `010101010101`; still at HEAD
            - `the block decodes to a key`

            <details><summary>What to do (1 step)</summary>

            1. **Contain** Stop publishing updates until clients trust a new key.
               - see <https://docs.acme.example/signing/incident>

            </details>

            **2. Acme deploy token** `acme_********iSE` (critical, certain confidence, `acme-deploy-token`)
            - at `app/settings.py:3:15`
            - also at `message of commit 060606060606, line 3`
            - introduced by `Eve �gnp.exe␛[2J` on 2026-08-22 in commit `040404040404`; not at HEAD any more, but still in the history
            - `its checksum is right; a key id stands near`

            <details><summary>What to do (6 steps)</summary>

            1. **Contain** Suspend the token ACIDSAMPLESAMPLE; this can be undone.
               - console: `Acme > Settings > Tokens > Suspend`
               - run: `acme token suspend ACIDSAMPLESAMPLE`
               - send: `POST https://api.acme.example/tokens/ACIDSAMPLESAMPLE/suspend`
               - see <https://docs.acme.example/tokens/suspend>
            2. **Replace** Create a token for one project only.
               - run: `acme token create --scope deploy:write --expires 30d`
               - see <https://docs.acme.example/tokens/create>
            3. **Deploy** Put it into ACME\_TOKEN where app/settings.py was used and restart what reads it.
            4. **Revoke** Delete the old token.
               - run: `acme token delete ACIDSAMPLESAMPLE`
               - see <https://docs.acme.example/tokens/delete>
            5. **Audit** Look for deployments since the leak that nobody made.
               - run: `acme audit --token ACIDSAMPLESAMPLE --json`
               - see <https://docs.acme.example/audit>
            6. **Prevent** Read the token from ACME\_TOKEN and install the pre-commit hook.

            </details>

            No secret? Write `keysweep:allow RULE why` in a comment beside it. A real one is out: take it out of the code *and* revoke it; deleting the line alone leaves it in the history.

            <sub>keysweep 0.1.0, 48000123 bytes, 12 files, 5321 blobs, 1040 commits, 2 suppressed findings; 4 rules, canaries 3/4</sub>
        ");
    }

    #[test]
    fn nothing_scanned_is_markdown_html_or_a_mention() {
        let mut report = talkative();
        let evil =
            "a``b` | x ](https://evil.example) <img src=x onerror=y> @octocat #1 **b** \u{202e}\n# h\n</details>";
        report.findings[0].place = Place::File { path: RelPath::new(evil), local: false };
        report.findings[0].remarks = vec![evil.to_owned()];
        report.gaps[0].what = evil.to_owned();
        report.gaps[0].message = evil.to_owned();
        let mut history = report.findings[3].history.clone().expect("it has one");
        let mut commit = (**history.introduced.as_ref().expect("it was introduced")).clone();
        commit.author_name = evil.to_owned();
        history.introduced = Some(std::sync::Arc::new(commit));
        report.findings[3].history = Some(history);
        report.incidents[1].rotation[0].action =
            "Tell @octocat of [x](https://evil.example) and <b>www.evil.example</b> `a`".into();
        let text = render(Format::Markdown, &report, &look(false));
        let outside = outside_code(&text);
        for bad in ["octocat #", "<img", "https://evil", "@octocat", "www.evil", "onerror", "<b>", "\u{202e}", "\n# h"]
        {
            assert!(!outside.contains(bad), "{bad}: {outside}");
        }
        assert_eq!(outside.matches("<details>").count(), outside.matches("</details>").count());
        assert!(text.contains("Tell \\@<!-- -->octocat of \\[x\\]\\(https:<!-- -->//evil.example\\) and"), "{text}");
    }

    #[test]
    fn a_comment_is_never_too_long_and_keeps_the_riskiest() {
        let mut report = sample();
        let risky = report.incidents[2].clone();
        let doubtful = report.incidents[4].clone();
        let finding = report.findings[risky.findings[0]].clone();
        let low = report.findings[doubtful.findings[0]].clone();
        report.findings.clear();
        report.incidents.clear();
        for number in 0..900 {
            // The riskiest stand last.
            let (incident, finding) = if number < 700 { (&doubtful, &low) } else { (&risky, &finding) };
            let mut finding = finding.clone();
            finding.incident = number;
            report.findings.push(finding);
            report.incidents.push(Incident { number: number + 1, findings: vec![number], ..incident.clone() });
        }
        let text = render(Format::Markdown, &report, &look(false));
        assert!(text.len() <= MOST_BYTES, "{}", text.len());
        assert!(text.starts_with(MARK) && text.contains("\n**701. "), "{text:.2000}");
        let told = text.lines().filter(|line| line.starts_with("**") && line.contains("confidence")).count();
        assert!(told >= 150, "{told}");
        assert!(text.contains(&format!("\n**{} secrets more not shown**", 900 - told)), "{told}");
        assert!(text.contains("did not fit: "), "what lost its steps is said");
    }

    #[test]
    fn a_code_span_holds_what_it_is_given() {
        assert_eq!(code("a"), "`a`");
        assert_eq!(code("a``b"), "```a``b```");
        assert_eq!(code("`a"), "`` `a ``");
        assert_eq!(code(" "), "(nothing)");
    }
}
