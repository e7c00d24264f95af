//! `keysweep baseline`: what was found and may stay, written down.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use keysweep::{
    finding::{Finding, Fingerprint, Place, SuppressedBy, neutralise},
    report::{Report, Stale, StaleKind, Thresholds},
    rules::Confidence,
    scan::{Progress, Scanner, Settings},
    source::{
        RelPath,
        git::{Repository, Selection},
        tree::Tree,
    },
    suppress::{Entry, IGNORE_FILE, IgnoreFile, Print, Said, Scope, new_salt, slow_hash},
};

use crate::{
    args::{BaselineCommand, BaselinePlace, GrantArgs},
    exit::Exit,
    message::Message,
    options::{self, Plan},
    trust::Trust,
};

/// Slow hashes that are computed to find where a guessable secret was before.
const MOST_TRIES: usize = 1_000;

const HEADER: &str = "\
# What keysweep found here and somebody has looked at. One entry a line, sorted, nothing in it that moves:
# PATH FINGERPRINT owner=WHO [expires=YYYY-MM-DD] # REASON        (keysweep baseline update keeps it tidy)
";

pub(crate) fn run(command: &BaselineCommand) -> Result<Exit, Message> {
    match command {
        BaselineCommand::Create { grant, place } => create(grant, place),
        BaselineCommand::Update { grant, only, place } => update(grant, only, place),
        BaselineCommand::Check { fail_on_unused, place } => check(*fail_on_unused, place),
    }
}

/// Everything that is found now, and where the list of what may stay is.
struct Ground {
    file: PathBuf,
    /// The list as it is; none if there is no file.
    known: Option<IgnoreFile>,
    findings: Vec<(Scope, Finding)>,
    /// So many of them, the first, stand in files; the others in the history.
    in_files: usize,
    /// Entries (by their index) that fit what stands in files now.
    live: BTreeSet<usize>,
    stale: Vec<Stale>,
    /// What could not be read.
    gaps: usize,
    now: i64,
}

fn survey(args: &BaselinePlace) -> Result<Ground, Message> {
    if !args.folder.is_dir() {
        return Err(Message::new(format!("{} is no folder", args.folder.display())).hint("keysweep baseline … FOLDER"));
    }
    let in_repository = options::repository_root(&args.folder);
    // From an absolute root on, files are named as an entry names them.
    let absolute = || fs::canonicalize(&args.folder).unwrap_or_else(|_| args.folder.clone());
    let root = in_repository.clone().unwrap_or_else(absolute);
    let file = args.rules.baseline.clone().unwrap_or_else(|| root.join(IGNORE_FILE));
    let now = options::now(args.now.as_deref())?;
    // A list is made of what others would see: the configuration and the comments count, the list itself is asked
    // here, for what the run leaves out of it has to be known.
    let scanner = || -> Result<Scanner, Message> {
        let mut rules = Plan::new(&args.rules, &Trust::of_folder(&args.rules, root.clone()))?;
        rules.config.policy.ignore = None;
        let settings = Settings {
            thresholds: Thresholds { show: Confidence::Low, fail: Confidence::Medium },
            now,
            target: root.display().to_string(),
            prefix: RelPath::default(),
            whole_blobs: false,
        };
        Ok(rules.scanner(settings, &Arc::new(Progress::default())))
    };
    let mut reports: Vec<Report> = Vec::new();
    let mut found = Vec::new();
    let one = scanner()?;
    reports.push(one.scan_tree(&Tree { roots: vec![root.clone()], no_ignore: false, threads: 0 })?);
    let mut history = false;
    if in_repository.is_some() && !args.files_only {
        let repository = Repository::open(&root)?;
        if !repository.facts().unborn {
            history = true;
            // The list belongs to what is checked out: what other branches hold stands in theirs.
            let head = Selection::Refs(vec!["HEAD".to_owned()]);
            reports.push(scanner()?.scan_history(&repository, &head)?);
        }
    }
    let gaps = reports.iter().map(|report| report.gaps.len()).sum();
    let mut in_files = 0;
    for (at, report) in reports.into_iter().enumerate() {
        for finding in report.findings {
            let local = matches!(finding.place, Place::File { local: true, .. });
            // What lies below .git is on this machine only.
            if !local {
                found.push((one.scope_of(&finding.place), finding));
                in_files += usize::from(at == 0);
            }
        }
    }
    let known = match fs::read(&file) {
        Ok(text) => Some(IgnoreFile::parse(&file.file_name().unwrap_or_default().to_string_lossy(), &text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(Message::new(format!("cannot read {}: {error}", file.display()))),
    };
    let live = BTreeSet::new();
    let mut ground = Ground { file, known, findings: found, in_files, live, stale: Vec::new(), gaps, now };
    // In a repository only the history shows that nothing fits an entry.
    ground.judge(in_repository.is_none() || history);
    Ok(ground)
}

impl Ground {
    /// Asks the list about every finding; what is allowed leaves the findings.
    fn judge(&mut self, whole: bool) {
        let Some(known) = &self.known else {
            return;
        };
        let mut asked = known.asked(self.now);
        for (number, (scope, finding)) in self.findings.iter_mut().enumerate() {
            let said = asked.ask(&finding.secret, finding.fingerprint.as_ref(), scope);
            if let Said::Allowed(at) | Said::Expired(at) = said {
                if number < self.in_files {
                    self.live.insert(at);
                }
                let (line, entry) = &known.entries[at];
                let by = SuppressedBy::IgnoreFile { file: known.name.clone(), line: *line, owner: entry.owner.clone() };
                let reason = entry.reason.clone();
                finding.suppressed = Some(keysweep::finding::Suppression { by, reason });
            }
        }
        let mut seen = BTreeSet::new();
        for (at, (line, entry)) in known.entries.iter().enumerate() {
            let kind = if asked.is_duplicate(at) || !seen.insert((&entry.scope, &entry.print)) {
                StaleKind::Duplicate
            } else if asked.is_expired(at) {
                StaleKind::Expired
            } else if !asked.is_used(at) && whole && self.gaps == 0 {
                StaleKind::Unused
            } else {
                continue;
            };
            self.stale.push(Stale { kind, file: known.name.clone(), line: *line, text: entry.scope.to_string() });
        }
        for (line, what, mend) in &known.malformed {
            let text = format!("{what}: {mend}");
            self.stale.push(Stale { kind: StaleKind::Malformed, file: known.name.clone(), line: *line, text });
        }
        self.stale.sort();
    }

    /// Findings without an entry.
    fn fresh(&self) -> impl Iterator<Item = &(Scope, Finding)> {
        self.findings.iter().filter(|(_, finding)| finding.suppressed.is_none())
    }

    fn line_is(&self, line: usize, kind: StaleKind) -> bool {
        self.stale.iter().any(|stale| stale.line == line && stale.kind == kind)
    }
}

/// Makes entries, one salt a file.
struct Scribe<'a> {
    known: Option<&'a IgnoreFile>,
    salts: std::collections::BTreeMap<Scope, [u8; 16]>,
}

impl Scribe<'_> {
    fn print(&mut self, scope: &Scope, finding: &Finding) -> Result<Print, Message> {
        if let Some(print) = Fingerprint::of(&finding.secret) {
            return Ok(Print::Plain(print));
        }
        let salt = match (self.salts.get(scope), self.known.and_then(|known| known.salt_of(scope))) {
            (Some(salt), _) => *salt,
            (None, Some(salt)) => salt,
            (None, None) => new_salt().map_err(Message::new)?,
        };
        self.salts.insert(scope.clone(), salt);
        Ok(Print::Slow { salt, hash: slow_hash(&finding.secret, &salt) })
    }
}

fn create(grant: &GrantArgs, args: &BaselinePlace) -> Result<Exit, Message> {
    let ground = survey(args)?;
    if ground.known.is_some() {
        return Err(Message::new(format!("{} is there already", ground.file.display()))
            .hint("keysweep baseline update --reason TEXT --owner WHO adds what is new"));
    }
    let Some(grant) = Grant::new(grant)? else {
        return Err(Message::new("a baseline needs a reason and an owner")
            .hint("keysweep baseline create --reason \"found when keysweep came, to be rotated\" --owner WHO"));
    };
    let mut scribe = Scribe { known: None, salts: Default::default() };
    let mut entries = BTreeSet::new();
    for (scope, finding) in ground.fresh() {
        entries.insert(grant.entry(scope, scribe.print(scope, finding)?));
    }
    write(&ground.file, HEADER, &entries)?;
    say(&format!("{}: {} entries written\n", ground.file.display(), entries.len()), &ground)
}

fn update(grant: &GrantArgs, only: &[String], args: &BaselinePlace) -> Result<Exit, Message> {
    let ground = survey(args)?;
    let Some(known) = &ground.known else {
        return Err(Message::new(format!("there is no {}", ground.file.display()))
            .hint("keysweep baseline create --reason TEXT --owner WHO"));
    };
    if let Some(stale) = ground.stale.iter().find(|stale| stale.kind == StaleKind::Malformed) {
        return Err(Message::new(format!("{}:{}: {}", stale.file, stale.line, stale.text))
            .hint("nothing was changed; mend the line first"));
    }
    let grant = Grant::new(grant)?;
    let mut scribe = Scribe { known: Some(known), salts: Default::default() };
    let is = |line, kind| ground.line_is(line, kind);
    // What no longer stands where an entry says has perhaps been moved, and what was said of it goes with it.
    let gone = known.entries.iter().enumerate().filter(|(at, _)| !ground.live.contains(at));
    let gone: Vec<&Entry> = gone.map(|(_, (_, entry))| entry).collect();
    let mut tries = MOST_TRIES;
    let mut entries: BTreeSet<Entry> = known
        .entries
        .iter()
        .filter(|(line, _)| !is(*line, StaleKind::Unused) && !is(*line, StaleKind::Duplicate))
        .map(|(_, entry)| entry.clone())
        .collect();
    let (mut added, mut moved, mut left) = (0, 0, 0);
    let mut told: BTreeSet<(Scope, Vec<u8>)> = BTreeSet::new();
    let fresh = ground.findings.iter().enumerate().filter(|(_, (_, finding))| finding.suppressed.is_none());
    for (number, (scope, finding)) in fresh {
        if !told.insert((scope.clone(), finding.secret.reveal().to_vec())) {
            continue;
        }
        let print = scribe.print(scope, finding)?;
        let was = gone.iter().filter(|_| number < ground.in_files).find(|entry| match &entry.print {
            Print::Plain(_) => entry.print == print,
            Print::Slow { salt, hash } if finding.fingerprint.is_none() && tries > 0 => {
                tries -= 1;
                slow_hash(&finding.secret, salt) == *hash
            }
            Print::Slow { .. } => false,
        });
        let wanted =
            |scope: &Scope| only.is_empty() || matches!(scope, Scope::At(path) if only.contains(&path.to_string()));
        match (was, &grant) {
            (Some(entry), _) => {
                moved += 1;
                entries.insert(Entry { scope: scope.clone(), print, ..(*entry).clone() });
            }
            (None, Some(grant)) if wanted(scope) => {
                added += 1;
                entries.insert(grant.entry(scope, print));
            }
            (None, _) => left += 1,
        }
    }
    let text = fs::read_to_string(&ground.file).unwrap_or_default();
    let header: String = text.split_inclusive('\n').take_while(|line| line.starts_with('#')).collect();
    write(&ground.file, &header, &entries)?;
    let mut said = format!(
        "{}: {} entries, {added} added, {moved} followed a moved file, {} dropped\n",
        ground.file.display(),
        entries.len(),
        (known.entries.len() + added + moved).saturating_sub(entries.len()),
    );
    if left > 0 {
        let _ = writeln!(
            said,
            "{left} findings have no entry: keysweep baseline update --reason TEXT --owner WHO adds them"
        );
    }
    say(&said, &ground)
}

fn check(fail_on_unused: bool, args: &BaselinePlace) -> Result<Exit, Message> {
    let ground = survey(args)?;
    let mut text = String::new();
    for stale in &ground.stale {
        text += &neutralise(&format!("{}:{}: {}: {}", stale.file, stale.line, stale.kind.id(), stale.text));
        text.push('\n');
    }
    let entries = ground.known.as_ref().map_or(0, |known| known.entries.len());
    let _ = writeln!(text, "{entries} entries, {} findings without one", ground.fresh().count());
    let bad = ground.stale.iter().any(|stale| stale.kind != StaleKind::Unused || fail_on_unused);
    say(&text, &ground)?;
    Ok(if bad {
        Exit::Findings(1)
    } else if ground.gaps > 0 {
        Exit::Incomplete
    } else {
        Exit::Clean
    })
}

fn say(text: &str, ground: &Ground) -> Result<Exit, Message> {
    let mut text = text.to_owned();
    if ground.gaps > 0 {
        let _ = writeln!(text, "{} things could not be read: keysweep scan or keysweep git names them", ground.gaps);
    }
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Message::new(format!("cannot write: {error}"))),
        _ if ground.gaps > 0 => Ok(Exit::Incomplete),
        _ => Ok(Exit::Clean),
    }
}

/// What new entries say.
struct Grant {
    owner: String,
    expires: Option<jiff::civil::Date>,
    reason: String,
}

impl Grant {
    fn new(args: &GrantArgs) -> Result<Option<Self>, Message> {
        let (Some(reason), Some(owner)) = (&args.reason, &args.owner) else {
            return Ok(None);
        };
        let wrong =
            |what: &str| Message::new(what).hint("--reason \"what was found out\" --owner ada --expires 2027-01-31");
        if reason.chars().filter(|c| c.is_alphanumeric()).count() < 3 || reason.contains('\n') {
            return Err(wrong("the reason has to be a line of words"));
        }
        if owner.is_empty() || owner.contains(char::is_whitespace) || owner.contains('#') {
            return Err(wrong("the owner has to be one word"));
        }
        let day = |text: &String| text.parse().map_err(|_| wrong(&format!("{text:?} is no date")));
        let expires = args.expires.as_ref().map(day).transpose()?;
        Ok(Some(Self { owner: owner.clone(), expires, reason: reason.trim().to_owned() }))
    }

    fn entry(&self, scope: &Scope, print: Print) -> Entry {
        let Self { owner, expires, reason } = self;
        Entry { scope: scope.clone(), print, owner: owner.clone(), expires: *expires, reason: reason.clone() }
    }
}

/// Writes the list beside its place and then there, so that nobody reads half of it.
fn write(file: &Path, header: &str, entries: &BTreeSet<Entry>) -> Result<(), Message> {
    let mut text = header.to_owned();
    for entry in entries {
        text += &entry.to_string();
        text.push('\n');
    }
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}", std::process::id()));
    let beside = file.with_file_name(name);
    fs::write(&beside, text)
        .and_then(|()| fs::rename(&beside, file))
        .map_err(|error| Message::new(format!("cannot write {}: {error}", file.display())).hint("check the folder"))
}
