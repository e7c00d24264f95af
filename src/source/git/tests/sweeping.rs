//! Sweeps of repositories that the real `git` made and packed in its own ways.

use std::collections::BTreeMap;

use super::Fixture;
use super::packs::{Recorder, sweep, sweep_with};
use crate::source::git::{Limits, ObjectId};

/// Three files with many versions each.
fn history(f: &Fixture) {
    for version in 0..30u32 {
        let body: String =
            (0..200).map(|line| format!("{line} {}\n", if line == version * 5 { version } else { 0 })).collect();
        f.write("long", &body).write("sub/other", &format!("{body}{version}")).write("small", &version.to_string());
        f.commit(&format!("version {version}"));
    }
}

/// Every blob, as git tells.
fn blobs(f: &Fixture) -> BTreeMap<ObjectId, Vec<u8>> {
    let list = f.git(["cat-file", "--batch-all-objects", "--batch-check"]);
    let ids = list.lines().filter_map(|line| line.split_once(" blob "));
    ids.map(|(id, _)| {
        let out = std::process::Command::new("git").arg("-C").arg(&f.dir).args(["cat-file", "blob", id]).output();
        (ObjectId::from_hex(id).unwrap(), out.unwrap().stdout)
    })
    .collect()
}

#[test]
fn packs_of_every_kind_give_all_blobs() {
    let f = Fixture::new();
    history(&f);
    let objects = f.dir.join(".git/objects");
    let check = |what: &str| {
        let (recorder, swept) = sweep(&[&objects]);
        assert_eq!(swept.gaps, [], "{what}");
        assert!(recorder.blobs() == blobs(&f), "{what}");
        recorder.children.lock().unwrap().len()
    };
    assert_eq!(check("loose"), 0);
    f.git(["repack", "-adfq", "--depth=50", "--window=50"]);
    assert!(check("packed") > 30);
    let pack = std::fs::read_dir(objects.join("pack")).unwrap().map(|entry| entry.unwrap().path());
    let pack = pack.into_iter().find(|path| path.extension().is_some_and(|ext| ext == "pack")).unwrap();
    std::fs::write(pack.with_extension("keep"), "").unwrap();
    f.write("late", "after the kept pack").commit("late");
    f.git(["repack", "-dq"]);
    f.git(["multi-pack-index", "write"]);
    check("kept, with a multi-pack index");
    std::fs::remove_file(pack.with_extension("keep")).unwrap();
    f.git(["reset", "-q", "--hard", "HEAD~10"]);
    f.git(["reflog", "expire", "--expire=now", "--all"]);
    f.git(["repack", "--cruft", "-dq"]);
    f.write("loose", "not packed").commit("loose");
    check("cruft and loose");
}

#[test]
fn a_repository_with_long_ids_is_swept() {
    let f = Fixture::empty();
    f.git(["init", "-q", "-b", "main", "--object-format=sha256", "."]);
    for version in 0..10 {
        let body: String =
            (0..300).map(|line| format!("{line} {}\n", if line == version * 7 { version } else { line })).collect();
        f.write("file", &body);
        f.git(["add", "-A"]);
        f.git(["commit", "-q", "-m", "version"]);
    }
    f.git(["repack", "-adfq"]);
    f.write("loose", "not packed");
    f.git(["add", "-A"]);
    let (recorder, swept) = sweep_with(&[&f.dir.join(".git/objects")], Recorder::default(), &Limits::default());
    assert_eq!(swept.gaps, []);
    assert_eq!(recorder.blobs().len(), 11);
    assert!(recorder.blobs() == blobs(&f));
    assert!(recorder.children.lock().unwrap().len() > 5);
}

#[test]
fn what_lies_in_alternates_is_swept() {
    let f = Fixture::new();
    history(&f);
    f.git(["repack", "-adfq"]);
    let clone = f.dir.join("clone");
    f.git(["clone", "-q", "--shared", ".", "clone"]);
    let repository = super::Repository::open(&clone).unwrap();
    let recorder = Recorder::default();
    let swept = repository.sweep_packs(&recorder, &Limits::default());
    assert_eq!(swept.gaps, []);
    assert!(recorder.blobs() == blobs(&f));
}
