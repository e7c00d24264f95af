//! The programs that are compared, and what each is told to do.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// What is scanned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Job {
    /// A folder as it lies there.
    Files,
    /// Everything a repository holds.
    History,
    /// What is about to be committed.
    Hook,
}

/// A scanner or a floor.
pub(crate) struct Program {
    pub(crate) name: String,
    program: PathBuf,
    version: String,
    /// For files, a history and a hook, with `{}` for the path; empty where it has no such job. The floors and the
    /// hook of ripsecrets are shell lines.
    arguments: [Vec<String>; 3],
}

/// Name, program, how to ask for its version, and the arguments of the three jobs.
type Known = (&'static str, &'static str, &'static str, [&'static str; 3]);

const KEYSWEEP: Known = (
    "keysweep",
    env!("CARGO_BIN_EXE_keysweep"),
    "--version",
    ["scan --format json --no-config {}", "git --format json --no-config {}", "git --staged {}"],
);

/// Their own default rules, no network, nothing written.
const PEERS: [Known; 4] = [
    (
        "betterleaks",
        "betterleaks",
        "--version",
        ["filesystem --no-banner {}", "git --no-banner {}", "git --staged --no-banner {}"],
    ),
    ("gitleaks", "gitleaks", "--version", ["dir --no-banner {}", "git --no-banner {}", "git --staged --no-banner {}"]),
    (
        "kingfisher",
        "kingfisher",
        "--version",
        [
            "scan --no-validate --no-update-check --git-history none {}",
            "scan --no-validate --no-update-check {}",
            "scan --no-validate --no-update-check --staged {}",
        ],
    ),
    // Its own hook is this line.
    (
        "ripsecrets",
        "ripsecrets",
        "--version",
        ["{}", "", "sh: cd '{}' && $PROGRAM --strict-ignore `git diff --cached --name-only --diff-filter=ACM`"],
    ),
];

/// What reads the same bytes and looks for nothing, or for one pattern.
const FLOORS: [Known; 2] = [
    ("rg, one pattern", "rg", "--version", ["--no-config -uu --glob !.git --count AKIA[A-Z0-9]{16} {}", "", ""]),
    (
        "git",
        "git",
        "--version",
        ["", "-C {} cat-file --batch-all-objects --batch --unordered --buffer", "-C {} diff --cached"],
    ),
];

/// Everything that is installed or was named as `NAME=PROGRAM` or `NAME=COMMAND with {}`.
pub(crate) fn programs(named: &[String]) -> Vec<Program> {
    let named: Vec<(&str, &str)> =
        named.iter().map(|peer| peer.split_once('=').expect("--peer takes NAME=PROGRAM")).collect();
    let mut all = Vec::new();
    for known in std::iter::once(&KEYSWEEP).chain(&PEERS).chain(&FLOORS) {
        let program = named.iter().find(|(name, _)| *name == known.0).map_or(known.1, |(_, program)| *program);
        if let Some(program) = on_path(program) {
            all.push(Program::new(known.0, &program, known.2, known.3));
        }
    }
    for (name, command) in named {
        if all.iter().any(|known: &Program| known.name == name) {
            continue;
        }
        let (program, arguments) = command.split_once(' ').unwrap_or((command, "{}"));
        let program = on_path(program).unwrap_or_else(|| panic!("{program} is not there"));
        all.push(Program::new(name, &program, "--version", [arguments; 3]));
    }
    all
}

impl Program {
    fn new(name: &str, program: &Path, version: &str, arguments: [&str; 3]) -> Self {
        let said = Command::new(program).arg(version).stdin(Stdio::null()).output();
        let said = said.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        let arguments = arguments.map(|line| match line.strip_prefix("sh: ") {
            Some(script) => vec!["sh".to_owned(), "-c".to_owned(), script.to_owned()],
            None => line.split_whitespace().map(str::to_owned).collect(),
        });
        Self {
            name: name.to_owned(),
            program: program.to_path_buf(),
            version: said.lines().next().unwrap_or("version unknown").to_owned(),
            arguments,
        }
    }

    /// What it says of itself.
    pub(crate) fn version(&self) -> String {
        if self.version.contains(&self.name) { self.version.clone() } else { format!("{} {}", self.name, self.version) }
    }

    /// The command for a job, if it can do it.
    pub(crate) fn command(&self, job: Job, path: &Path) -> Option<Vec<String>> {
        let arguments = &self.arguments[job as usize];
        let program = self.program.display().to_string();
        let filled: Vec<String> = arguments
            .iter()
            .map(|part| part.replace("{}", &path.display().to_string()).replace("$PROGRAM", &format!("'{program}'")))
            .collect();
        match filled.first()?.as_str() {
            "sh" => Some(filled),
            _ => Some(std::iter::once(program).chain(filled).collect()),
        }
    }
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = Path::new(program);
    if path.components().count() > 1 {
        return path.is_file().then(|| path.to_path_buf());
    }
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// A repository of 5,000 committed files with one more line staged in one of them.
pub(crate) fn staged_repository(folder: &Path) -> PathBuf {
    let root = folder.join("staged");
    for number in 0..5000 {
        let folder = root.join(format!("part{:02}/unit{}", number / 100, number % 10));
        fs::create_dir_all(&folder).expect("there is room");
        let text = format!("fn unit_{number}() -> usize {{\n    {number}\n}}\n").repeat(20);
        fs::write(folder.join(format!("file{number}.rs")), text).expect("there is room");
    }
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.arg("-C").arg(&root).args(["-c", "user.name=x", "-c", "user.email=x@x.example"]).args(arguments);
        let done = command.stdout(Stdio::null()).status().expect("git is installed");
        assert!(done.success(), "git {arguments:?}: {done}");
    };
    git(&["init", "--quiet"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "--message", "all"]);
    let file = root.join("part01/unit7/file107.rs");
    let text = fs::read_to_string(&file).expect("it was written");
    fs::write(file, text + "// one more line\n").expect("there is room");
    git(&["add", "."]);
    root
}
