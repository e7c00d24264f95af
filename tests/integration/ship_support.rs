//! Set-up for the tests of what ships around the program: throw-away repositories, emptied
//! environments, Markdown blocks, YAML.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use keysweep::rules::example::expand;
use tempfile::TempDir;
use yaml_rust2::{Yaml, YamlLoader};

/// The moment at which every run takes place: 2026-03-02, 09:00 UTC.
pub(crate) const NOW: &str = "1772442000";

/// The program under test.
pub(crate) const KEYSWEEP: &str = env!("CARGO_BIN_EXE_keysweep");

/// A made-up GitHub token whose checksum is right.
pub(crate) fn token(seed: &str) -> String {
    expand("ghp_{base62:30}{crc32-base62}", seed)
}

/// The root of the package.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the package.
pub(crate) fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Compares a generated text with a file, or writes it if `UPDATE_DOCS` is set.
#[track_caller]
pub(crate) fn compare(name: &str, generated: &str) {
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(root().join(name), generated).expect("the package can be written");
        return;
    }
    let written = read(name);
    if written != generated {
        let at = written.lines().zip(generated.lines()).take_while(|(a, b)| a == b).count();
        panic!(
            "{name} is not what the program says, from line {} on:\n  written:   {:?}\n  generated: {:?}\n\
             UPDATE_DOCS=1 cargo test --locked --test integration writes it anew; read the difference before you commit it",
            at + 1,
            written.lines().nth(at),
            generated.lines().nth(at),
        );
    }
}

/// Puts `body` between `<!-- begin NAME -->` and `<!-- end NAME -->`.
pub(crate) fn between(text: &str, name: &str, body: &str) -> String {
    let (begin, end) = (format!("<!-- begin {name} -->\n"), format!("<!-- end {name} -->"));
    let (head, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("there is no {begin}"));
    let (_, tail) = rest.split_once(&end).unwrap_or_else(|| panic!("there is no {end}"));
    format!("{head}{begin}{body}{end}{tail}")
}

/// A fenced block of a Markdown file.
pub(crate) struct Block {
    pub(crate) language: String,
    pub(crate) text: String,
    pub(crate) line: usize,
}

/// Every fenced block of a Markdown text.
pub(crate) fn blocks(markdown: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, Block)> = None;
    for (at, line) in markdown.lines().enumerate() {
        match &mut open {
            Some((fence, block)) if line.trim() == *fence => {
                let block = Block { language: block.language.clone(), text: block.text.clone(), line: block.line };
                blocks.push(block);
                open = None;
            }
            Some((_, block)) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            None => {
                let ticks: String = line.chars().take_while(|c| *c == '`').collect();
                if ticks.len() >= 3 {
                    let language = line[ticks.len()..].trim().to_owned();
                    open = Some((ticks, Block { language, text: String::new(), line: at + 1 }));
                }
            }
        }
    }
    assert!(open.is_none(), "a fence is not closed");
    blocks
}

/// A YAML file of the package.
pub(crate) fn yaml(text: &str) -> Yaml {
    let mut documents = YamlLoader::load_from_str(text).expect("it is YAML");
    assert_eq!(documents.len(), 1, "one document");
    documents.remove(0)
}

/// The entries of a mapping whose keys are strings.
pub(crate) fn entries(yaml: &Yaml) -> Vec<(&str, &Yaml)> {
    let hash = yaml.as_hash().expect("a mapping");
    hash.iter().map(|(key, value)| (key.as_str().expect("a string"), value)).collect()
}

/// A folder of its own with a home, a repository and `keysweep` on the path.
pub(crate) struct Sandbox {
    _folder: TempDir,
    pub(crate) home: PathBuf,
    pub(crate) repository: PathBuf,
    pub(crate) bin: PathBuf,
    pub(crate) path: String,
}

impl Sandbox {
    /// Holds an empty git repository on branch `main`.
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().expect("there is room");
        let base = fs::canonicalize(folder.path()).expect("it is there");
        let (home, repository, bin) = (base.join("home"), base.join("shop"), base.join("bin"));
        for folder in [&home, &repository, &bin] {
            fs::create_dir(folder).expect("there is room");
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink(KEYSWEEP, bin.join("keysweep")).expect("a link can be made");
        let path = format!("{}:{}", bin.display(), env::var("PATH").unwrap_or_default());
        let sandbox = Self { _folder: folder, home, repository, bin, path };
        sandbox.git(&["init", "--quiet", "--initial-branch=main", "."]);
        sandbox
    }

    /// A command in the repository with nothing of our own environment but the path.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(&self.repository)
            .env_clear()
            .env("PATH", &self.path)
            .env("HOME", &self.home)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_LITERAL_PATHSPECS", "1")
            .env("GIT_AUTHOR_NAME", "Ada Example")
            .env("GIT_AUTHOR_EMAIL", "ada@shop.example")
            .env("GIT_COMMITTER_NAME", "Ada Example")
            .env("GIT_COMMITTER_EMAIL", "ada@shop.example");
        command
    }

    /// Runs git, which must succeed, and gives what it printed.
    #[track_caller]
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        self.git_at("2026-03-01T12:00:00Z", arguments)
    }

    /// The same with a date for commits.
    #[track_caller]
    pub(crate) fn git_at(&self, date: &str, arguments: &[&str]) -> String {
        let mut command = self.command("git");
        command.env("GIT_AUTHOR_DATE", date).env("GIT_COMMITTER_DATE", date).args(arguments);
        let output = command.output().expect("git is installed");
        assert!(output.status.success(), "git {arguments:?}: {}", text(&output.stderr));
        text(&output.stdout).trim().to_owned()
    }

    /// Writes a file and stages it.
    pub(crate) fn stage(&self, name: &str, content: &str) {
        let path = self.repository.join(name);
        fs::create_dir_all(path.parent().expect("it has a folder")).expect("there is room");
        fs::write(path, content).expect("there is room");
        self.git(&["add", "--", name]);
    }

    /// Commits what is staged and gives the id.
    pub(crate) fn commit(&self, date: &str, message: &str) -> String {
        self.git_at(date, &["commit", "--quiet", "--allow-empty", "--message", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Runs a line of shell in the repository.
    pub(crate) fn shell(&self, line: &str) -> Output {
        let mut command = self.command("bash");
        command.env("SOURCE_DATE_EPOCH", NOW).env("COLUMNS", "96").args(["-c", line]);
        command.output().expect("bash is installed")
    }
}

/// Output as text.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Whether a program is on our path.
pub(crate) fn is_installed(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| Path::new(&folder).join(program).is_file())
}
