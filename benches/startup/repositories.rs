//! Repositories of the shapes that a hook meets.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Makes them in a folder; gives what each is and where to stand in it.
pub(crate) fn make(folder: &Path) -> Vec<(&'static str, PathBuf)> {
    let small = committed(folder, "small", 5_000);
    touch(&small, 5_000, 1);
    let large = committed(folder, "large", 50_000);
    touch(&large, 50_000, 1);
    let many = committed(folder, "many", 5_000);
    touch(&many, 5_000, 2_000);

    let plain = committed(folder, "plain", 5_000);
    let linked = folder.join("linked");
    git(&plain, &["worktree", "add", "--quiet", "-b", "topic", &linked.to_string_lossy()]);
    touch(&linked, 5_000, 1);

    let merging = committed(folder, "merging", 5_000);
    git(&merging, &["checkout", "--quiet", "-b", "side"]);
    touch(&merging, 5_000, 100);
    git(&merging, &["commit", "--quiet", "--message", "side"]);
    git(&merging, &["checkout", "--quiet", "main"]);
    fs::write(merging.join("ours.py"), "y = 2\n").expect("there is room");
    git(&merging, &["add", "ours.py"]);
    git(&merging, &["commit", "--quiet", "--message", "main"]);
    git(&merging, &["merge", "--quiet", "--no-commit", "side"]);

    let moving = committed(folder, "moving", 5_000);
    git(&moving, &["mv", &path(0), "moved.py"]);

    let unborn = folder.join("unborn");
    started(&unborn);
    write(&unborn, 100);
    git(&unborn, &["add", "--all"]);

    vec![
        ("one line of 5,000 files", small.clone()),
        ("the same from a subfolder", small.join("src/m000/p00")),
        ("one line of 50,000 files", large),
        ("2,000 of 5,000 files", many),
        ("one line in a linked worktree", linked),
        ("a merge of 100 files in progress", merging),
        ("one file moved of 5,000", moving),
        ("100 files on an unborn branch", unborn),
    ]
}

fn path(file: usize) -> String {
    format!("src/m{:03}/p{:02}/file_{file:05}.py", file / 400, file / 20 % 20)
}

fn started(root: &Path) {
    fs::create_dir(root).expect("there is room");
    git(root, &["init", "--quiet", "--initial-branch=main"]);
}

fn write(root: &Path, files: usize) {
    for file in 0..files {
        let mut text = String::new();
        for line in 0..20 {
            writeln!(text, "def fn_{file}_{line}(x):\n    return x + {}", file * line).expect("a String grows");
        }
        let path = root.join(path(file));
        fs::create_dir_all(path.parent().expect("it has a folder")).expect("there is room");
        fs::write(path, text).expect("there is room");
    }
}

fn committed(folder: &Path, name: &str, files: usize) -> PathBuf {
    let root = folder.join(name);
    started(&root);
    write(&root, files);
    git(&root, &["add", "--all"]);
    git(&root, &["commit", "--quiet", "--message", "base"]);
    git(&root, &["repack", "-adq"]);
    root
}

/// Adds a line to some of the files and stages them.
fn touch(root: &Path, files: usize, some: usize) {
    for at in 0..some {
        let path = root.join(path(at * (files / some)));
        let text = fs::read_to_string(&path).expect("it was written");
        fs::write(&path, text + "x = 1\n").expect("there is room");
    }
    git(root, &["add", "--all"]);
}

fn git(root: &Path, arguments: &[&str]) {
    let status = Command::new("git")
        .args(["-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "gc.auto=0", "-c", "commit.gpgsign=false"])
        .args(arguments)
        .current_dir(root)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .status()
        .expect("git is installed");
    assert!(status.success(), "git {arguments:?}");
}
