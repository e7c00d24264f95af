//! Where reports go. Every place is tried before the scan: nobody should wait for a report that
//! cannot be written.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write as _},
    path::{Path, PathBuf},
};

use anstream::{AutoStream, ColorChoice};
use keysweep::report::{Format, Look, Report};

use crate::{args::Color, message::Message};

/// A format and where it goes.
#[derive(Debug)]
pub(crate) struct Output {
    format: Format,
    target: Target,
}

#[derive(Debug)]
enum Target {
    Stdout,
    /// Written beside the file and put in its place when whole.
    File(PathBuf),
    /// A device or FIFO: written straight.
    Special(PathBuf),
}

/// Reads `FORMAT[=PATH]` and makes sure that each path can be written. Where nothing is said, `default`
/// goes to standard output.
pub(crate) fn parse(formats: &[String], default: Format) -> Result<Vec<Output>, Message> {
    if formats.is_empty() {
        return Ok(vec![Output { format: default, target: Target::Stdout }]);
    }
    let mut outputs: Vec<Output> = Vec::new();
    for text in formats {
        let (name, path) = text.split_once('=').map_or((text.as_str(), None), |(name, path)| (name, Some(path)));
        let Some((_, format)) = Format::ALL.iter().find(|(known, _)| *known == name) else {
            let names: Vec<_> = Format::ALL.iter().map(|(name, _)| *name).collect();
            return Err(
                Message::new(format!("there is no format {name:?}")).hint(format!("use --format {}", names.join(", ")))
            );
        };
        let target = match path {
            None | Some("-") => Target::Stdout,
            Some("") => {
                return Err(
                    Message::new("the format has an empty path").hint(format!("use --format {name}=report.{name}"))
                );
            }
            Some(path) => writable(Path::new(path))?,
        };
        let to_stdout = |output: &Output| matches!(output.target, Target::Stdout);
        if matches!(target, Target::Stdout) && outputs.iter().any(to_stdout) {
            return Err(Message::new("two formats go to standard output")
                .hint(format!("send one to a file: --format {name}=report.{name}")));
        }
        outputs.push(Output { format: *format, target });
    }
    Ok(outputs)
}

/// Whether a format among these carries GitHub's line hashes.
pub(crate) fn need_line_hashes(outputs: &[Output]) -> bool {
    outputs.iter().any(|output| output.format == Format::Sarif)
}

fn writable(path: &Path) -> Result<Target, Message> {
    let fail = |error: io::Error| {
        Message::new(format!("cannot write {}: {error}", path.display()))
            .hint("nothing was scanned; name a path in a folder that exists and may be written")
    };
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Err(fail(io::Error::other("it is a folder"))),
        Ok(metadata) if !metadata.is_file() => Ok(Target::Special(path.to_owned())),
        Ok(_) => OpenOptions::new().write(true).open(path).map(|_| Target::File(path.to_owned())).map_err(fail),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let beside = beside(path);
            File::create(&beside).and_then(|_| fs::remove_file(&beside)).map_err(fail)?;
            Ok(Target::File(path.to_owned()))
        }
        Err(error) => Err(fail(error)),
    }
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".keysweep-{}", std::process::id()));
    path.with_file_name(name)
}

/// Writes every report; one that fails does not keep the others from being written.
pub(crate) fn write(outputs: &[Output], report: &Report, look: &Look, color: Color) -> Result<(), Message> {
    let mut failed = Ok(());
    for output in outputs {
        let outcome = match &output.target {
            Target::Stdout => to_stdout(output.format, report, look, color),
            Target::File(path) => to_file(output.format, report, look, path),
            Target::Special(path) => OpenOptions::new()
                .write(true)
                .open(path)
                .and_then(|file| plain(output.format, report, look, file).map(|_| ())),
        };
        match outcome {
            // The reader has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            Err(error) => {
                let target = match &output.target {
                    Target::Stdout => "standard output".to_owned(),
                    Target::File(path) | Target::Special(path) => path.display().to_string(),
                };
                failed = Err(Message::new(format!("cannot write the report to {target}: {error}"))
                    .hint("the scan itself was done; free some space or name another path and run it again"));
            }
            Ok(()) => {}
        }
    }
    failed
}

fn to_stdout(format: Format, report: &Report, look: &Look, color: Color) -> io::Result<()> {
    let choice = match color {
        Color::Auto => AutoStream::choice(&io::stdout()),
        Color::Always => ColorChoice::Always,
        Color::Never => ColorChoice::Never,
    };
    let mut buffer = BufWriter::new(AutoStream::new(io::stdout(), choice));
    format.write(report, look, &mut buffer)?;
    buffer.flush()
}

fn to_file(format: Format, report: &Report, look: &Look, path: &Path) -> io::Result<()> {
    let beside = beside(path);
    let whole = File::create(&beside)
        .and_then(|file| plain(format, report, look, file))
        .and_then(|file| file.sync_all())
        .and_then(|()| fs::rename(&beside, path));
    if whole.is_err() {
        let _ = fs::remove_file(&beside);
    }
    whole
}

/// Without colour, whatever the file is.
fn plain(format: Format, report: &Report, look: &Look, file: File) -> io::Result<File> {
    let mut buffer = BufWriter::new(AutoStream::new(file, ColorChoice::Never));
    format.write(report, look, &mut buffer)?;
    buffer.flush()?;
    let stream = buffer.into_inner().map_err(io::IntoInnerError::into_error)?;
    Ok(stream.into_inner())
}
