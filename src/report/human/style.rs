//! The few styles there are.

use std::fmt;

use anstyle::{AnsiColor, Style};

use crate::rules::Severity;

pub(super) const BOLD: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();
pub(super) const LABEL: Style = AnsiColor::Cyan.on_default();
pub(super) const GUTTER: Style = AnsiColor::BrightBlue.on_default().bold();
pub(super) const ALARM: Style = AnsiColor::BrightRed.on_default().bold();
pub(super) const CAUTION: Style = AnsiColor::BrightYellow.on_default().bold();
pub(super) const FINE: Style = AnsiColor::BrightGreen.on_default().bold();

pub(super) fn of(severity: Severity) -> Style {
    match severity {
        Severity::Critical => ALARM,
        Severity::High => AnsiColor::Red.on_default().bold(),
        Severity::Medium => CAUTION,
        Severity::Low => AnsiColor::BrightCyan.on_default().bold(),
    }
}

/// The text between a style and its reset.
pub(super) fn paint(style: Style, text: impl fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}
