//! `keysweep rules`.

use std::{
    io::{self, Write},
    sync::Arc,
};

use keysweep::{
    rules::{Matcher, Role, Rule, RuleSet, load},
    scan::prove,
};

use crate::{
    args::RulesCommand,
    exit::Exit,
    message::Message,
    options::{Plan, read_text, repository_root},
    trust::Trust,
};

pub(crate) fn run(command: &RulesCommand) -> Result<Exit, Message> {
    let mut out = io::stdout().lock();
    let here = || repository_root(std::path::Path::new(".")).map_or(Trust::Nothing, Trust::Folder);
    let outcome = match command {
        RulesCommand::List { rules } => list(&Plan::new(rules, &here())?.rules, &mut out),
        RulesCommand::Show { id, rules } => {
            let rules = Plan::new(rules, &here())?.rules;
            let rule = rules.find(id).ok_or_else(|| {
                let near: Vec<_> = rules
                    .iter()
                    .map(|rule| rule.id.to_string())
                    .filter(|known| id.split('-').any(|part| part.len() > 2 && known.contains(part)))
                    .take(5)
                    .collect();
                let message = Message::new(format!("there is no rule {id:?}"));
                if near.is_empty() {
                    message.hint("keysweep rules list")
                } else {
                    message.hint(format!("did you mean {}?", near.join(", ")))
                }
            })?;
            show(rule, &mut out)
        }
        RulesCommand::Check { files, alone } => return check(files, *alone, &mut out),
    };
    finish(outcome)
}

/// A reader that has seen enough is no error.
fn finish(outcome: io::Result<()>) -> Result<Exit, Message> {
    match outcome {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Message::new(format!("cannot write: {error}"))),
        _ => Ok(Exit::Clean),
    }
}

fn list(rules: &RuleSet, out: &mut dyn Write) -> io::Result<()> {
    let width = rules.iter().map(|rule| rule.id.len()).max().unwrap_or(0);
    for rule in rules.iter() {
        let class = match rule.matcher {
            Matcher::Pattern(_) => "distinctive",
            Matcher::Value(_) => "contextual",
            Matcher::Assigned(_) => "assigned",
        };
        let role = if rule.role == Role::Companion { " (only with another finding)" } else { "" };
        writeln!(
            out,
            "{:width$}  {:8}  {:7}  {class:11}  {}{role}",
            rule.id,
            rule.severity,
            rule.confidence,
            rule.text().title
        )?;
    }
    Ok(())
}

fn show(rule: &Rule, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}: {}", rule.id, rule.text().title)?;
    writeln!(out, "\n{}\n", rule.text().description)?;
    let mut line = |name: &str, value: Option<&str>| value.map_or(Ok(()), |value| writeln!(out, "{name:16} {value}"));
    line("provider", Some(&rule.text().provider.name))?;
    line("kind", Some(rule.kind.word()))?;
    line("severity", Some(rule.severity.word()))?;
    line("confidence", Some(rule.confidence.word()))?;
    line("lifetime", rule.text().lifetime.as_deref())?;
    line("least privilege", rule.text().least_privilege.as_deref())?;
    line("short-lived", rule.text().runbook.short_lived.as_deref())?;
    line("write instead", rule.text().env_var.as_deref())?;
    line("format", Some(&rule.text().docs))?;
    writeln!(out, "\nRotation")?;
    for (at, step) in rule.text().runbook.steps.iter().enumerate() {
        writeln!(out, "{:3}. {:8} {}", at + 1, step.phase, step.action)?;
        for (name, text) in
            [("console", &step.console), ("cli", &step.cli), ("api", &step.api), ("source", &step.source)]
        {
            if let Some(text) = text {
                writeln!(out, "     {name:8} {text}")?;
            }
        }
        if step.general {
            writeln!(out, "     general  good practice, not a vendor's statement")?;
        }
    }
    Ok(())
}

fn check(files: &[std::path::PathBuf], alone: bool, out: &mut dyn Write) -> Result<Exit, Message> {
    let mut rules = if alone { RuleSet::default() } else { RuleSet::builtin()? };
    let (mut own, mut more) = (Vec::new(), Vec::new());
    for path in files {
        let loaded = load(&path.display().to_string(), &read_text(path)?)?;
        own.extend(loaded.iter().map(|rule| rule.id.clone()));
        more.extend(loaded);
    }
    rules = rules.with(more)?;
    let mut problems = prove(&Arc::new(rules));
    if !files.is_empty() {
        // Somebody who checks a file asks about its rules; built-in ones are proved by our tests.
        problems.retain(|problem| own.iter().any(|id| **id == *problem.rule));
    }
    for problem in &problems {
        let outcome =
            writeln!(out, "{}: {}\n    {}", problem.rule, problem.message, problem.template.replace('\n', "\n    "));
        finish(outcome)?;
    }
    let count = if files.is_empty() { RuleSet::builtin()?.len() } else { own.len() };
    if problems.is_empty() {
        finish(writeln!(out, "{count} rules hold: form, anchors, reach, examples, runbooks"))
    } else {
        Err(Message::new(format!("{} examples do not hold", problems.len()))
            .hint("keysweep explain FILE shows what became of each candidate"))
    }
}
