//! What packages carry besides the program: shell completions and man pages.

use std::{
    io::{self, Write as _},
    path::Path,
};

use clap::CommandFactory as _;

use crate::{args::Cli, exit::Exit, message::Message};

/// Prints the completions of a shell.
pub(crate) fn completions(shell: clap_complete::Shell) -> Result<Exit, Message> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "keysweep", &mut script);
    match io::stdout().write_all(&script) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Message::new(format!("cannot write the completions: {error}")))
        }
        _ => Ok(Exit::Clean),
    }
}

/// Writes one page for each command into a folder.
pub(crate) fn man(folder: &Path) -> Result<Exit, Message> {
    clap_mangen::generate_to(Cli::command(), folder).map_err(|error| {
        Message::new(format!("cannot write into {}: {error}", folder.display())).hint("make the folder first")
    })?;
    Ok(Exit::Clean)
}
