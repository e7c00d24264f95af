//! A made-up report with one of everything, for the tests of every format.
//!
//! The secrets are expanded from templates, so that no line of this file looks like a live key.

use std::{collections::BTreeMap, ops::Range, sync::Arc, time::Duration};

use git2::Oid;

use super::{CanaryScope, Coverage, Job, PolicyUse, Report, Thresholds};
use crate::{
    finding::{
        Excerpt, Fact, Finding, Fingerprint, History, Incident, LineIndex, Part, Place, Secret, SuppressedBy,
        Suppression, line_hashes,
    },
    rules::{Confidence, Placeholders, Rule, RuleId, Severity, example::expand, load},
    source::{CommitInfo, ExclusionReason, Gap, GapKind, RelPath},
};

/// 2026-09-21 14:13:20 UTC.
const NOW: i64 = 1_790_000_000;
const DAY: i64 = 86_400;

const RULES: &str = r#"
[provider]
id = "acme"
name = "Acme"
url = "https://docs.acme.example/tokens"

[[rule]]
id = "acme-deploy-token"
title = "Acme deploy token"
description = "Deploys to every project of the account that issued it."
kind = "bearer"
severity = "critical"
confidence = "high"
runbook = "acme-deploy-token"
env_var = "ACME_TOKEN"
lifetime = "never expires unless a date was set"
least_privilege = "scope it to one project with `deploy:write` only"
docs = "https://docs.acme.example/tokens#format"
anchors = ["acme_"]
pattern = '(?<secret>acme_[0-9A-Za-z]{36})'
finds = ['ACME_TOKEN=acme_{base62:30}{crc32-base62}']
ignores = ['acme_your_token_here']

[[rule]]
id = "acme-key-id"
title = "Acme key id"
description = "Names a token; opens nothing."
kind = "api-key"
severity = "low"
confidence = "low"
role = "companion"
runbook = "acme-deploy-token"
docs = "https://docs.acme.example/tokens#ids"
anchors = ["ACID"]
pattern = '(?<secret>ACID[A-Z2-7]{12})'
finds = ['id = ACID{base32:12}']
ignores = ['PLACID']

[[rule]]
id = "acme-signing-key"
title = "Acme signing key"
description = "Signs the updates that every Acme client installs; whoever holds it can sign anything."
kind = "signing-key"
severity = "critical"
confidence = "certain"
runbook = "acme-signing-key"
docs = "https://docs.acme.example/signing"
anchors = ["-----BEGIN "]
pattern = '(?<secret>-----BEGIN RSA PRIVATE KEY-----[0-9A-Za-z+/=\s]+-----END RSA PRIVATE KEY-----)'
reach = { before = 0, after = 4000 }
lines = "many"
finds = ['{pem:RSA PRIVATE KEY}']
ignores = ['-----BEGIN RSA PRIVATE KEY-----']

[runbook.acme-deploy-token]
short_lived = "OIDC federation from CI gives tokens of 15 minutes (https://docs.acme.example/oidc)"
[[runbook.acme-deploy-token.step]]
phase = "contain"
do = "Suspend the token {key_id}; this can be undone."
console = "Acme > Settings > Tokens > Suspend"
cli = "acme token suspend {key_id}"
api = "POST https://api.acme.example/tokens/{key_id}/suspend"
source = "https://docs.acme.example/tokens/suspend"
[[runbook.acme-deploy-token.step]]
phase = "replace"
do = "Create a token for one project only."
cli = "acme token create --scope deploy:write --expires 30d"
source = "https://docs.acme.example/tokens/create"
[[runbook.acme-deploy-token.step]]
phase = "deploy"
do = "Put it into {env_var} where {path} was used and restart what reads it."
general = true
[[runbook.acme-deploy-token.step]]
phase = "revoke"
do = "Delete the old token."
cli = "acme token delete {key_id}"
source = "https://docs.acme.example/tokens/delete"
[[runbook.acme-deploy-token.step]]
phase = "audit"
do = "Look for deployments since the leak that nobody made."
cli = "acme audit --token {key_id} --json"
source = "https://docs.acme.example/audit"
[[runbook.acme-deploy-token.step]]
phase = "prevent"
do = "Read the token from {env_var} and install the pre-commit hook."
general = true

[runbook.acme-signing-key]
[[runbook.acme-signing-key.step]]
phase = "contain"
do = "Stop publishing updates until clients trust a new key."
source = "https://docs.acme.example/signing/incident"
[[runbook.acme-signing-key.step]]
phase = "replace"
do = "Generate a key inside the hardware module."
cli = "acme signing-key generate --hsm"
source = "https://docs.acme.example/signing/generate"
[[runbook.acme-signing-key.step]]
phase = "deploy"
do = "Ship the new public key to the clients."
general = true
[[runbook.acme-signing-key.step]]
phase = "revoke"
do = "Put the old key on the revocation list."
api = "PUT https://api.acme.example/signing/revoked"
source = "https://docs.acme.example/signing/revoke"
[[runbook.acme-signing-key.step]]
phase = "audit"
do = "Compare every signature made since the leak with your releases."
general = true
[[runbook.acme-signing-key.step]]
phase = "prevent"
do = "Keep the private half where it cannot be copied."
general = true
"#;

const GENERIC: &str = r#"
[provider]
id = "generic"
name = "unknown"
url = "https://cheatsheetseries.owasp.org/cheatsheets/Secrets_Management_Cheat_Sheet.html"

[[rule]]
id = "generic-password"
title = "hard-coded password"
description = "Lets whoever reads it log in somewhere; the text does not say where."
kind = "password"
severity = "medium"
confidence = "low"
runbook = "generic-password"
docs = "https://cheatsheetseries.owasp.org/cheatsheets/Secrets_Management_Cheat_Sheet.html"
assigned = { names = ["password"], min = 6, max = 200 }
finds = ['password = "{base62:20}"']
ignores = ['password = ""']

[[runbook.generic-password.step]]
phase = "contain"
do = "Find out what the password opens: the name in {path} and its author know."
general = true
[[runbook.generic-password.step]]
phase = "replace"
do = "Set a new one."
general = true
[[runbook.generic-password.step]]
phase = "deploy"
do = "Read it from a secret store."
general = true
[[runbook.generic-password.step]]
phase = "revoke"
do = "Make sure that the old one is refused."
general = true
[[runbook.generic-password.step]]
phase = "audit"
do = "Look at the logins since the leak."
general = true
[[runbook.generic-password.step]]
phase = "prevent"
do = "Install the pre-commit hook."
general = true
"#;

/// Five incidents (a signing key live at HEAD in three places, a token that was removed but also
/// stands in a commit message, a new one in the index, a dangling blob, a doubtful password), two
/// suppressed findings, two gaps, and text that tries to steer the terminal.
pub(super) fn sample() -> Report {
    let rules = rules();
    let key = expand("{pem:RSA PRIVATE KEY}", "sample");
    let removed = expand("acme_{base62:30}{crc32-base62}", "removed");
    let staged = expand("acme_{base62:30}{crc32-base62}", "staged");
    let dangling = expand("acme_{base62:30}{crc32-base62}", "dangling");
    let password = expand("{base62:9}", "password");
    let allowed = expand("acme_{base62:30}{crc32-base62}", "allowed");
    let fixture = expand("acme_{base62:30}{crc32-base62}", "fixture");
    let make =
        |rule: &str, incident, secret: &str, text: &str, place| finding(&rules[rule], incident, secret, text, place);

    // A key at HEAD, renamed once, with a copy under a name that is not UTF-8.
    let pem = format!("# signs updates\n{key}\n# end of file\n");
    let live = History {
        introduced: Some(commit(1, 900, "Zoë Ångström", "Add the signing key, remove later")),
        added_here: Some(commit(2, 400, "Zoë Ångström", "Move keys to deploy/")),
        live_on: vec!["refs/heads/main".into(), "refs/remotes/origin/main".into()],
        live_on_more: 0,
        in_history_of: vec!["refs/tags/v1.0".into()],
        in_history_of_more: 0,
        versions: 3,
        at_head: true,
        ..history()
    };
    let mut at_head = make("acme-signing-key", 0, &key, &pem, past(b"deploy/server.pem", 11));
    at_head.history = Some(live.clone());
    at_head.facts = vec![Fact::new("key_type", "RSA"), Fact::new("encrypted", "no")];
    at_head.remarks = vec!["the block decodes to a key".into()];
    let mut copy = make("acme-signing-key", 0, &key, &pem, past(b"backup/caf\xe9 key#1.pem", 12));
    copy.history = Some(History {
        added_here: live.introduced.clone(),
        removed: Some(commit(3, 380, "Sam Okafor", "Delete the backup")),
        live_on: vec![],
        live_on_more: 0,
        in_history_of: vec!["refs/heads/main".into()],
        in_history_of_more: 0,
        versions: 1,
        at_head: false,
        ..live.clone()
    });
    let mut unplaced_copy = make("acme-signing-key", 0, &key, &pem, Place::Unplaced { blob: oid(13).into() });
    unplaced_copy.history = Some(History { reachable: false, ..history() });

    // A token that was removed, with its key id beside it; it also stands in a commit message.
    let settings = format!("DEBUG = False\nACME_KEY = 'ACIDSAMPLESAMPLE'\nACME_TOKEN = \"{removed}\"  # für CI\n");
    let mut gone = make("acme-deploy-token", 1, &removed, &settings, past(b"app/settings.py", 21));
    gone.history = Some(History {
        introduced: Some(commit(4, 30, "Eve \u{202e}gnp.exe\u{1b}[2J", "Quick fix \u{1b}]0;owned\u{7}")),
        added_here: Some(commit(4, 30, "Eve \u{202e}gnp.exe\u{1b}[2J", "Quick fix \u{1b}]0;owned\u{7}")),
        removed: Some(commit(5, 2, "Sam Okafor", "Read the token from the environment")),
        in_history_of: vec!["refs/heads/main".into(), "refs/heads/release/1.x".into()],
        in_history_of_more: 0,
        versions: 2,
        ..history()
    });
    gone.facts = vec![Fact::new("key_id", "ACIDSAMPLESAMPLE"), Fact::new("expires", "never")];
    let at = settings.find("ACID").expect("the text has a key id");
    gone.parts = vec![Part {
        rule: "acme-key-id".into(),
        text: "ACIDSAMPLESAMPLE".into(),
        location: Some(LineIndex::new(settings.as_bytes()).locate(&(at..at + 16))),
    }];
    gone.remarks = vec!["its checksum is right".into(), "a key id stands near".into()];
    let message = format!("Deploy by hand\n\nacme login --token {removed}\n");
    let said = make("acme-deploy-token", 1, &removed, &message, Place::CommitMessage { commit: oid(6).into() });

    let env = format!("\tACME_TOKEN={staged}\n");
    let mut new = make("acme-deploy-token", 2, &staged, &env, Place::Staged { path: path(b".env.production") });
    new.new = Some(true);

    let mut dropped = make("acme-deploy-token", 3, &dangling, &dangling, Place::Unplaced { blob: oid(31).into() });
    dropped.history = Some(History { reachable: false, ..history() });
    dropped.location = None;
    dropped.excerpt = None;
    dropped.line_hash = None;

    let setup = format!("# Set-up\n\n    password = \"{password}\" \u{1b}[8m\u{202e}hidden\n");
    let place = Place::File { path: path("docs/Über uns/set up\u{1b}[31m.md".as_bytes()), local: false };
    let mut doubtful = make("generic-password", 4, &password, &setup, place);
    doubtful.confidence = Confidence::Low;
    doubtful.remarks = vec!["the file is documentation".into()];

    let inline = format!("token = \"{allowed}\"  # keysweep:allow rotated\n");
    let file = |name: &[u8]| Place::File { path: path(name), local: false };
    let mut by_comment = make("acme-deploy-token", 0, &allowed, &inline, file(b"tests/login.py"));
    by_comment.suppressed =
        Some(Suppression { by: SuppressedBy::Inline, reason: "rotated on 2026-09-01 \u{202e}ok".into() });
    let mut by_config = make("acme-deploy-token", 0, &fixture, &fixture, file(b"fixtures/token.txt"));
    by_config.suppressed = Some(Suppression {
        by: SuppressedBy::Config { file: ".keysweep.toml".into(), list: "paths" },
        reason: "made-up tokens of the test suite".into(),
    });

    let findings = vec![at_head, copy, unplaced_copy, gone, said, new, dropped, doubtful];
    Report {
        target: "/work/shop".into(),
        job: Job::History,
        now: NOW,
        incidents: incidents(&findings, &rules),
        findings,
        suppressed: vec![by_comment, by_config],
        below_threshold: 3,
        dismissed: BTreeMap::from([("bad-checksum", 2), ("placeholder", 41)]),
        rules,
        gaps: vec![
            Gap { what: "data/big\u{1b}[1m.db".into(), kind: GapKind::Unreadable, message: "Permission denied".into() },
            Gap { what: oid(99).to_string(), kind: GapKind::Missing, message: "the pack does not hold it".into() },
        ],
        coverage: coverage(),
        notes: vec![".env is ignored by git and was read all the same".into()],
        thresholds: Thresholds { show: Confidence::Low, fail: Confidence::Medium },
        failing: 7,
        policy: PolicyUse { inline: true, read_from: vec![".keysweep.toml".into()], ..PolicyUse::default() },
        took: Duration::from_millis(1_234),
    }
}

fn rules() -> BTreeMap<RuleId, Arc<Rule>> {
    let mut all = load("acme.toml", RULES).expect("the sample's rules are right");
    all.extend(load("generic.toml", GENERIC).expect("the sample's rules are right"));
    all.into_iter().map(|rule| (Arc::clone(&rule.id), rule)).collect()
}

fn finding(rule: &Rule, incident: usize, secret: &str, text: &str, place: Place) -> Finding {
    let start = text.find(secret).expect("the text holds the secret");
    let range: Range<usize> = start..start + secret.len();
    let index = LineIndex::new(text.as_bytes());
    let location = index.locate(&range);
    let secret = Secret::new(secret.as_bytes());
    Finding {
        rule: Arc::clone(&rule.id),
        severity: rule.severity,
        confidence: if rule.severity == Severity::Critical { Confidence::Certain } else { rule.confidence },
        fingerprint: Fingerprint::of(&secret),
        secret,
        incident,
        place,
        location: Some(location),
        excerpt: Some(Excerpt::new(&index, &range, std::slice::from_ref(&range))),
        line_hash: line_hashes(text.as_bytes(), &[location.start_line]).remove(0),
        facts: vec![],
        parts: vec![],
        remarks: vec![],
        history: None,
        new: None,
        suppressed: None,
    }
}

fn incidents(findings: &[Finding], rules: &BTreeMap<RuleId, Arc<Rule>>) -> Vec<Incident> {
    let count = findings.iter().map(|finding| finding.incident + 1).max().unwrap_or(0);
    let incident = |number: usize| {
        let of: Vec<usize> = (0..findings.len()).filter(|at| findings[*at].incident == number).collect();
        let first = &findings[of[0]];
        let rule = &rules[&first.rule];
        let mut known = Placeholders::default();
        known.set("path", &first.place.describe());
        known.set("env_var", rule.text().env_var.as_deref().unwrap_or("ENV_VAR"));
        for fact in &first.facts {
            known.set(&fact.name, &fact.value);
        }
        let reached = first.history.as_ref().filter(|history| history.reachable);
        Incident {
            number: number + 1,
            rule: Arc::clone(&first.rule),
            severity: first.severity,
            confidence: first.confidence,
            fingerprint: first.fingerprint.clone(),
            masked: first.secret.masked(),
            first_seen: reached.and_then(|history| history.introduced.clone()),
            at_head: reached.map(|history| history.at_head),
            rotation: rule.text().runbook.steps.iter().map(|step| known.fill_step(step)).collect(),
            short_lived: rule.text().runbook.short_lived.clone(),
            findings: of,
        }
    };
    (0..count).map(incident).collect()
}

fn coverage() -> Coverage {
    Coverage {
        files: 12,
        blobs: 5_321,
        commits: 1_040,
        tags: 3,
        refs: 9,
        bytes: 48_000_123,
        binary: 17,
        utf16: 1,
        excluded: BTreeMap::from([(ExclusionReason::Submodule, 1), (ExclusionReason::LargeBinary, 2)]),
        rules: 4,
        canary_scope: CanaryScope::Rules,
        canaries_seen: 3,
        canaries_sent: 4,
        canaries_lost: vec![("acme-key-id".into(), "the rule is switched off in .keysweep.toml".into())],
        outside: vec!["/work/shop-main/.git".into()],
    }
}

fn history() -> History {
    History {
        introduced: None,
        added_here: None,
        removed: None,
        live_on: vec![],
        live_on_more: 0,
        in_history_of: vec![],
        in_history_of_more: 0,
        at_head: false,
        reachable: true,
        versions: 1,
    }
}

fn commit(id: u8, days_ago: i64, author: &str, subject: &str) -> Arc<CommitInfo> {
    Arc::new(CommitInfo {
        id: oid(id),
        author_name: author.into(),
        author_email: "someone@shop.example".into(),
        author_time: NOW - days_ago * DAY,
        commit_time: NOW - days_ago * DAY + 60,
        subject: subject.into(),
    })
}

fn past(bytes: &[u8], blob: u8) -> Place {
    Place::History { path: path(bytes), blob: oid(blob) }
}

fn path(bytes: &[u8]) -> RelPath {
    RelPath::new(bytes)
}

fn oid(byte: u8) -> Oid {
    Oid::from_bytes(&[byte; 20]).expect("twenty bytes are an id")
}
