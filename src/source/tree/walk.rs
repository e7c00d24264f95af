//! Lists folders and hands their files to several threads.
//!
//! What waits stays small however many files there are: a folder is listed in batches, files go before
//! folders, and folders go depth first.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, ReadDir},
    io,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bstr::BString;

use super::{
    Tree, dotgit,
    ignored::Ignored,
    open,
    queue::{Queue, Turn},
};
use crate::source::{Exclusion, ExclusionReason, Gap, GapKind, Item, RelPath, Sink};

/// As many entries of a folder are listed before its files are scanned.
const BATCH: usize = 1024;
/// As many files go to one thread at once.
const CHUNK: usize = 32;
/// While more folders are open, a folder is listed to its end: a process may not open many files.
const OPEN: usize = 64;
/// More threads than this wait for each other.
const THREADS: usize = 12;

/// A folder that is being walked.
struct Folder {
    /// How it is opened.
    path: PathBuf,
    /// Stands before the names of its files in reports: empty, or ends in `/`.
    prefix: BString,
    ignored: Ignored,
}

enum Job {
    Open(Arc<Folder>),
    /// A folder below another.
    Enter(Arc<Folder>, OsString),
    /// The rest of a folder.
    List(Arc<Folder>, ReadDir),
    /// Some files of a folder.
    Scan(Arc<Folder>, Vec<OsString>),
}

/// Walks the folder at `root`; `prefix` stands before the names of its files in reports.
pub(super) fn walk(tree: &Tree, root: &Path, prefix: BString, sink: &Sink<'_>) -> ControlFlow<()> {
    let available = || std::thread::available_parallelism().map_or(1, |count| count.get().min(THREADS));
    let threads = if tree.threads == 0 { available() } else { tree.threads };
    let folder = Folder { path: root.to_path_buf(), prefix, ignored: Ignored::root(root) };
    let walk = Walk { tree, sink, queue: Queue::new(Job::Open(Arc::new(folder))), open: AtomicUsize::new(0) };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(|| walk.work());
        }
        walk.work();
    });
    walk.queue.flow()
}

struct Walk<'a> {
    tree: &'a Tree,
    sink: &'a Sink<'a>,
    queue: Queue<Job>,
    /// Folders that are open.
    open: AtomicUsize,
}

impl Walk<'_> {
    fn work(&self) {
        while let Some((job, mut turn)) = self.queue.next() {
            let flow = match job {
                Job::Open(folder) => self.open(folder, &mut turn),
                Job::Enter(parent, name) => self.enter(&parent, &name, &mut turn),
                Job::List(folder, entries) => self.list(folder, entries, &mut turn),
                Job::Scan(folder, names) => names.iter().try_for_each(|name| self.file(&folder, name)),
            };
            if flow.is_break() {
                self.queue.stop();
            }
        }
    }

    fn enter(&self, parent: &Folder, name: &OsStr, turn: &mut Turn<'_, Job>) -> ControlFlow<()> {
        let Some(ignored) = parent.ignored.child(name, self.tree.no_ignore) else {
            return self.exclude(ExclusionReason::Ignored, parent.name(name));
        };
        let mut prefix = parent.name(name).as_bstr().to_owned();
        prefix.push(b'/');
        self.open(Arc::new(Folder { path: parent.path.join(name), prefix, ignored }), turn)
    }

    fn open(&self, folder: Arc<Folder>, turn: &mut Turn<'_, Job>) -> ControlFlow<()> {
        match fs::read_dir(&folder.path) {
            Ok(entries) => {
                self.open.fetch_add(1, Ordering::Relaxed);
                self.list(folder, entries, turn)
            }
            Err(error) => self.gap(folder.own_name(), &error),
        }
    }

    /// Lists the next batch of a folder.
    fn list(&self, folder: Arc<Folder>, mut entries: ReadDir, turn: &mut Turn<'_, Job>) -> ControlFlow<()> {
        let batch = if self.open.load(Ordering::Relaxed) > OPEN { usize::MAX } else { BATCH };
        let (mut files, mut folders, mut listed) = (Vec::new(), Vec::new(), 0);
        let whole = loop {
            if listed == batch {
                break false;
            }
            let Some(entry) = entries.next() else {
                break true;
            };
            listed += 1;
            let (name, kind) = match entry.and_then(|entry| Ok((entry.file_name(), entry.file_type()?))) {
                Ok(entry) => entry,
                Err(error) => {
                    self.gap(folder.own_name(), &error)?;
                    continue;
                }
            };
            if kind.is_file() {
                files.push(name);
            } else if kind.is_dir() && name == ".git" {
                dotgit::walk(&folder.path.join(&name), &|below| folder.name_below(below), self.sink)?;
            } else if kind.is_dir() {
                folders.push(name);
            } else {
                let reason = if kind.is_symlink() { ExclusionReason::Symlink } else { ExclusionReason::Special };
                self.exclude(reason, folder.name(&name))?;
            }
        };
        if whole {
            // Closed before its files are opened.
            drop(entries);
            self.open.fetch_sub(1, Ordering::Relaxed);
        } else {
            turn.add(Job::List(Arc::clone(&folder), entries));
        }
        // What is added last is taken first.
        folders.into_iter().for_each(|name| turn.add(Job::Enter(Arc::clone(&folder), name)));
        let mut files = files.into_iter();
        loop {
            let chunk: Vec<_> = files.by_ref().take(CHUNK).collect();
            if chunk.is_empty() {
                return ControlFlow::Continue(());
            }
            turn.add(Job::Scan(Arc::clone(&folder), chunk));
        }
    }

    fn file(&self, folder: &Folder, file_name: &OsStr) -> ControlFlow<()> {
        let name = folder.name(file_name);
        if self.tree.no_ignore || !folder.ignored.leaves_out(file_name) {
            return super::push(&folder.path.join(file_name), name, false, self.sink);
        }
        let file_name = file_name.to_string_lossy();
        let note = (file_name == ".env" || file_name.starts_with(".env."))
            .then(|| format!("{name} is ignored by git and was not scanned; --no-ignore scans it"));
        self.exclude(ExclusionReason::Ignored, name)?;
        note.map_or(ControlFlow::Continue(()), |note| (self.sink)(Item::Note(note)))
    }

    fn exclude(&self, reason: ExclusionReason, what: RelPath) -> ControlFlow<()> {
        (self.sink)(Item::Excluded(Exclusion { reason, what }))
    }

    fn gap(&self, what: RelPath, error: &io::Error) -> ControlFlow<()> {
        (self.sink)(Item::Gap(Gap { what: what.to_string(), kind: GapKind::Unreadable, message: open::plain(error) }))
    }
}

impl Folder {
    /// How something right below it is called.
    fn name(&self, name: &OsStr) -> RelPath {
        self.name_below(Path::new(name))
    }

    /// How something anywhere below it is called: a path from here, or one that starts with the folder's.
    fn name_below(&self, path: &Path) -> RelPath {
        let relative = RelPath::from_os(path.strip_prefix(&self.path).unwrap_or(path));
        let mut name = self.prefix.clone();
        name.extend_from_slice(relative.as_bstr());
        RelPath::new(name)
    }

    fn own_name(&self) -> RelPath {
        match self.prefix.strip_suffix(b"/") {
            Some(name) => RelPath::new(name),
            None => RelPath::from_os(&self.path),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::source::{Content, Origin};

    /// The names of what is handed out, each with its length.
    fn walk_all(root: &Path, threads: usize, most: usize) -> (ControlFlow<()>, Vec<(String, usize)>) {
        let seen = Mutex::new(Vec::new());
        let tree = Tree { roots: vec![root.to_path_buf()], no_ignore: false, threads };
        let flow = walk(&tree, root, BString::from("x/"), &|item| {
            let mut seen = seen.lock().expect("nothing panics with the lock");
            if let Item::Blob(blob) = item {
                let (Origin::File { path, .. }, Content::Bytes(bytes)) = (blob.origin, blob.content) else {
                    panic!("a small file");
                };
                seen.push((path.to_string(), bytes.len()));
                open::give_back(bytes);
            }
            if seen.len() < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        let mut seen = seen.into_inner().expect("nothing panicked");
        seen.sort();
        (flow, seen)
    }

    #[test]
    fn folders_of_many_files_are_handed_out_once_by_any_number_of_threads() {
        let root = tempfile::tempdir().expect("there is room");
        let mut expected = Vec::new();
        let mut put = |name: String, length: usize| {
            let path = root.path().join(&name);
            fs::create_dir_all(path.parent().expect("it is in a folder")).expect("there is room");
            fs::write(path, vec![b'.'; length]).expect("there is room");
            expected.push((format!("x/{name}"), length));
        };
        (0..2 * BATCH + 7).for_each(|at| put(format!("f{at}"), at % 100));
        (0..70).for_each(|at| put(format!("{}/deep", vec!["d"; at + 1].join("/")), 3 * at));
        put("large".to_owned(), 300_000);
        expected.sort();
        for threads in [1, 2, 5] {
            let (flow, seen) = walk_all(root.path(), threads, usize::MAX);
            assert!(flow.is_continue());
            assert!(seen == expected, "{threads} threads: {} of {} files", seen.len(), expected.len());
        }
        let (flow, seen) = walk_all(root.path(), 2, 50);
        assert!(flow.is_break() && seen.len() < 60, "{} files after a stop", seen.len());
    }
}
