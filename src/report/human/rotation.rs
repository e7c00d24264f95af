//! The way out of a leak, as steps to follow.

use std::io;

use super::{
    style::{self, paint},
    text::Page,
};
use crate::{
    finding::Incident,
    report::{Look, RotationDetail},
    rules::Step,
};

/// Prints the steps, or where they were printed: `earlier` are incidents of the same rule.
pub(super) fn write(page: &mut Page<'_>, look: &Look, incident: &Incident, earlier: &[&Incident]) -> io::Result<()> {
    if incident.rotation.is_empty() {
        return Ok(());
    }
    match (look.rotation, earlier.first()) {
        (RotationDetail::None, None) => {
            page.row("rotation", &format!("keysweep rules show {}", page.name(&incident.rule)))
        }
        (RotationDetail::None, Some(_)) => Ok(()),
        (RotationDetail::Short, Some(first)) => as_for(page, first, ""),
        (RotationDetail::Full, Some(first)) => match earlier.iter().find(|other| differing(incident, other).is_empty())
        {
            Some(same) => as_for(page, same, ""),
            None => again(page, incident, first),
        },
        (RotationDetail::Full, None) => full(page, &incident.rotation),
        (RotationDetail::Short, None) => {
            page.blank()?;
            page.line(&paint(style::BOLD, "  Rotation"))?;
            for (at, step) in incident.rotation.iter().enumerate() {
                let lead = format!("    {:>2}. {} ", at + 1, paint(style::LABEL, format_args!("{:<8}", step.phase)));
                let action = page.name(&step.action);
                // What to do first must be read whole.
                if at == 0 {
                    page.prose(&lead, first_sentence(&action))?;
                } else {
                    page.cut(&lead, first_sentence(&action))?;
                }
            }
            let more = format!("        commands and sources: keysweep rules show {}", page.name(&incident.rule));
            page.line(&paint(style::DIM, more))
        }
    }
}

fn full(page: &mut Page<'_>, steps: &[Step]) -> io::Result<()> {
    page.blank()?;
    page.line(&paint(style::BOLD, "  Rotation"))?;
    let mut phase = None;
    for (at, step) in steps.iter().enumerate() {
        if phase.replace(step.phase) != Some(step.phase) {
            let word = step.phase.word();
            page.line(&format!(
                "    {}",
                paint(style::LABEL, format_args!("{}{}", word[..1].to_uppercase(), &word[1..]))
            ))?;
        }
        page.prose(&format!("    {:>2}. ", at + 1), &page.name(&step.action))?;
        commands(page, step)?;
        if let Some(source) = &step.source {
            page.line(&paint(style::DIM, format_args!("        source   {}", page.name(source))))?;
        }
    }
    Ok(())
}

/// Refers to the earlier incident; commands that name another key are printed, for following the
/// earlier ones would revoke the wrong key.
fn again(page: &mut Page<'_>, incident: &Incident, first: &Incident) -> io::Result<()> {
    as_for(page, first, ", but with these commands:")?;
    for (at, step) in differing(incident, first) {
        let action = page.name(&step.action);
        page.cut(&format!("    {:>2}. ", at + 1), first_sentence(&action))?;
        commands(page, &step)?;
    }
    Ok(())
}

fn as_for(page: &mut Page<'_>, earlier: &Incident, but: &str) -> io::Result<()> {
    page.row("rotation", &format!("as for incident {}{but}", earlier.number))
}

/// The steps whose commands differ, with these commands only.
fn differing(ours: &Incident, theirs: &Incident) -> Vec<(usize, Step)> {
    let other = |ours: &Option<String>, theirs: Option<&Option<String>>| ours.clone().filter(|_| theirs != Some(ours));
    let steps = ours.rotation.iter().enumerate().map(|(at, step)| {
        let twin = theirs.rotation.get(at);
        let step = Step {
            console: other(&step.console, twin.map(|twin| &twin.console)),
            cli: other(&step.cli, twin.map(|twin| &twin.cli)),
            api: other(&step.api, twin.map(|twin| &twin.api)),
            ..step.clone()
        };
        (at, step)
    });
    steps.filter(|(_, step)| step.console.is_some() || step.cli.is_some() || step.api.is_some()).collect()
}

/// Commands and requests are never wrapped: they are there to be copied.
fn commands(page: &mut Page<'_>, step: &Step) -> io::Result<()> {
    let label = |name: &str| format!("        {} ", paint(style::DIM, format_args!("{name:<8}")));
    if let Some(console) = &step.console {
        page.prose(&label("console"), &page.name(console))?;
    }
    for (name, text) in [("cli", &step.cli), ("api", &step.api)] {
        let lines = text.iter().flat_map(|text| text.lines());
        for (at, line) in lines.enumerate() {
            let line = page.name(line);
            page.line(&format!("{}{line}", label(if at == 0 { name } else { "" })))?;
        }
    }
    Ok(())
}

fn first_sentence(text: &str) -> &str {
    let ends = text.match_indices(". ").map(|(at, _)| at + 1);
    ends.into_iter().find(|end| text[end + 1..].starts_with(char::is_uppercase)).map_or(text, |end| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_ends_before_a_capital() {
        assert_eq!(first_sentence("Rotate, e.g. by hand. Then wait."), "Rotate, e.g. by hand.");
        assert_eq!(first_sentence("Rotate"), "Rotate");
    }
}
