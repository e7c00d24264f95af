//! A line on the terminal's standard error that says how far the scan is.

use std::{
    io::{self, IsTerminal as _, Write as _},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use keysweep::scan::Progress;

/// Nobody needs a bar for less.
const QUIET: Duration = Duration::from_millis(500);
const TICK: Duration = Duration::from_millis(100);

/// Draws until it is dropped, then leaves an empty line.
pub(crate) struct Bar(Option<(mpsc::Sender<()>, JoinHandle<()>)>);

impl Bar {
    pub(crate) fn start(progress: Arc<Progress>) -> Self {
        if !io::stderr().is_terminal() {
            return Self(None);
        }
        let (stop, stopped) = mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            let started = Instant::now();
            let drawn = AtomicBool::new(false);
            while stopped.recv_timeout(TICK) == Err(mpsc::RecvTimeoutError::Timeout) {
                if started.elapsed() >= QUIET {
                    drawn.store(true, Ordering::Relaxed);
                    draw(&progress, started.elapsed());
                }
            }
            if drawn.into_inner() {
                let _ = write!(io::stderr(), "\r\x1b[2K");
            }
        });
        Self(Some((stop, thread)))
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.0.take() {
            drop(stop);
            let _ = thread.join();
        }
    }
}

fn draw(progress: &Progress, elapsed: Duration) {
    const WIDTH: usize = 24;
    let total = progress.total.load(Ordering::Relaxed);
    let done = progress.done.load(Ordering::Relaxed);
    let megabytes = progress.bytes.load(Ordering::Relaxed) as f64 / 1e6;
    let rate = megabytes / elapsed.as_secs_f64();
    let line = match (done * WIDTH).checked_div(total) {
        None => format!("scanning: {done} files, {megabytes:.0} MB, {rate:.0} MB/s"),
        Some(filled) => {
            let bar: String = (0..WIDTH).map(|at| if at < filled { '=' } else { ' ' }).collect();
            format!("scanning: [{bar}] {done}/{total}, {megabytes:.0} MB, {rate:.0} MB/s")
        }
    };
    let _ = write!(io::stderr(), "\r\x1b[2K{line}");
    let _ = io::stderr().flush();
}
