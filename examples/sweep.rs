//! Sweeps a repository's packs with a visitor that does nothing: the floor that the scan of a history is
//! measured against. `cargo run --release --example sweep -- REPOSITORY [check] [ids] [memory=MIB] [threads=N]`;
//! `check` hashes every blob and compares it with its id, `ids` prints the ids.

use std::io::Write as _;
use std::path::Path;
use std::sync::Mutex;
use std::time::Instant;

use keysweep::source::git::{Edit, Limits, ObjectId, Visit, sweep_object_dirs};

/// Nothing is inherited and nothing is looked at.
#[derive(Default)]
struct Idle {
    ids: Option<Mutex<Vec<ObjectId>>>,
}

impl Visit for Idle {
    type State = ();

    fn root(&self, _: &ObjectId, _: &[u8]) {}

    fn child(&self, _: &ObjectId, _: &[u8], _: &[u8], (): &(), _: &Edit) {}

    fn found(&self, id: &ObjectId, _: &[u8], (): &()) {
        if let Some(ids) = &self.ids {
            ids.lock().expect("no visitor panics").push(*id);
        }
    }
}

fn main() -> std::io::Result<()> {
    let mut limits = Limits::default();
    let (mut idle, mut threads, mut dirs) = (Idle::default(), 0, Vec::new());
    for argument in std::env::args().skip(1) {
        let number = |text: &str| text.parse::<usize>().map_err(std::io::Error::other);
        match argument.split_once('=') {
            Some(("memory", mib)) => limits.max_memory = number(mib)? << 20,
            Some(("threads", count)) => threads = number(count)?,
            _ if argument == "check" => limits.check_ids = true,
            _ if argument == "ids" => idle.ids = Some(Mutex::default()),
            _ => {
                let path = Path::new(&argument);
                let objects = [path.join(".git/objects"), path.join("objects")].into_iter().find(|dir| dir.is_dir());
                dirs.push(objects.unwrap_or_else(|| path.to_path_buf()));
            }
        }
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(std::io::Error::other)?;
    let start = Instant::now();
    let swept = pool.install(|| sweep_object_dirs(&dirs, &idle, &limits));
    let wall = start.elapsed();
    let mut out = std::io::stdout().lock();
    let mut ids = idle.ids.take().map(|ids| ids.into_inner().expect("no visitor panics")).unwrap_or_default();
    ids.sort_unstable();
    for id in ids {
        writeln!(out, "{id}")?;
    }
    let mut err = std::io::stderr().lock();
    for gap in &swept.gaps {
        writeln!(err, "{:?}: {}: {}", gap.kind, gap.what, gap.message)?;
    }
    let (mb, share) = (swept.bytes as f64 / 1e6, swept.fresh as f64 / 1e6);
    writeln!(
        err,
        "{} blobs, {} of them roots, {mb:.0} MB, {share:.0} MB fresh, {:.0} MB made, {} packs, {} gaps",
        swept.blobs,
        swept.roots,
        swept.decoded as f64 / 1e6,
        swept.packs,
        swept.gaps.len()
    )?;
    writeln!(err, "{:.2} s, {}", wall.as_secs_f64(), process())
}

/// CPU seconds and peak memory as the kernel counts them.
fn process() -> String {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let stat = read("/proc/self/stat");
    // User and system time are the 14th and 15th field, in hundredths; the second may hold spaces.
    let fields: Vec<_> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0) / 100.0;
    let status = read("/proc/self/status");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("?").trim();
    format!("CPU {:.2} s user, {:.2} s system, peak {peak}", ticks(11), ticks(12))
}
