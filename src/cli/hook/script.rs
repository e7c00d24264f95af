//! The scripts that stand in a hook folder. POSIX sh, for git brings one on every system.

use std::path::Path;

use crate::args::HookName;

/// The second line of every script of ours.
const MARK: &str = "# Installed by keysweep;";
/// What a hook that was there before is called from then on.
pub(super) const EARLIER: &str = ".before-keysweep";
/// Hooks that the folder for all repositories passes on to each repository's own; git runs no other.
pub(super) const PASSED_ON: [&str; 21] = [
    "applypatch-msg",
    "pre-applypatch",
    "post-applypatch",
    "pre-commit",
    "pre-merge-commit",
    "prepare-commit-msg",
    "commit-msg",
    "post-commit",
    "pre-rebase",
    "post-checkout",
    "post-merge",
    "pre-push",
    "pre-receive",
    "update",
    "post-receive",
    "post-update",
    "push-to-checkout",
    "pre-auto-gc",
    "post-rewrite",
    "sendemail-validate",
    "reference-transaction",
];

/// Whether a script is one of ours.
pub(super) fn is_ours(text: &str) -> bool {
    text.lines().nth(1).is_some_and(|line| line.starts_with(MARK))
}

/// Whether it runs keysweep, and does not only pass a hook on.
pub(super) fn runs_keysweep(text: &str) -> bool {
    is_ours(text) && text.contains("hook run")
}

/// Runs the earlier hook, then keysweep. The binary is the one that installed it, else what the PATH or a
/// usual place has: programs with windows start git with a short PATH.
pub(super) fn hook(name: HookName, binary: &Path, arguments: &[String], global: bool) -> String {
    let file = name.file();
    let scope = if global { "--global " } else { "" };
    let (keep, feed) = match name.reads_stdin() {
        true => ("input=$(cat)\n", "feed | "),
        false => ("", ""),
    };
    let feeder = if name.reads_stdin() { "feed() { [ -z \"$input\" ] || printf '%s\\n' \"$input\"; }\n" } else { "" };
    let own = if global { own(file, &format!("{feed}\"$own\" \"$@\" || exit $?")) } else { String::new() };
    let arguments: String = arguments.iter().map(|argument| format!(" {}", quoted(argument))).collect();
    format!(
        "#!/bin/sh\n\
         {MARK} `keysweep hook uninstall {scope}{file}` takes it out again.\n\
         {keep}{feeder}\
         earlier=\"$0{EARLIER}\"\n\
         if [ -x \"$earlier\" ]; then {feed}\"$earlier\" \"$@\" || exit $?; fi\n\
         {own}\
         for keysweep in {} \"$(command -v keysweep)\" \"$HOME/.cargo/bin/keysweep\" /usr/local/bin/keysweep /opt/homebrew/bin/keysweep; do\n\
         \x20 if [ -f \"$keysweep\" ] && [ -x \"$keysweep\" ]; then\n\
         \x20   {feed}\"$keysweep\" hook run {file}{arguments} -- \"$@\"\n\
         \x20   exit $?\n\
         \x20 fi\n\
         done\n\
         echo 'keysweep: the {file} hook does not find the program. Install it again, or remove the hook:' \"$0\" >&2\n\
         exit 1\n",
        quoted(&binary.display().to_string())
    )
}

/// Passes a hook on to the repository's own.
pub(super) fn forwarder(file: &str) -> String {
    let own = own(file, "exec \"$own\" \"$@\"");
    format!(
        "#!/bin/sh\n\
         {MARK} `keysweep hook uninstall --global` takes it out again. It runs the repository's own hook.\n\
         {own}"
    )
}

/// Not `--git-path hooks`: that is this very folder.
fn own(file: &str, run: &str) -> String {
    format!("own=\"$(git rev-parse --git-common-dir)/hooks/{file}\"\nif [ -x \"$own\" ]; then {run}; fi\n")
}

/// One word for sh.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_stays_one_word() {
        assert_eq!(quoted("/a b/it's $(x)"), r"'/a b/it'\''s $(x)'");
    }

    #[test]
    fn only_our_scripts_are_ours() {
        let script = hook(HookName::PrePush, Path::new("/bin/keysweep"), &[], false);
        assert!(is_ours(&script) && runs_keysweep(&script));
        let passed_on = forwarder("commit-msg");
        assert!(is_ours(&passed_on) && !runs_keysweep(&passed_on));
        assert!(!is_ours("#!/bin/sh\nkeysweep hook run pre-push\n"));
    }
}
