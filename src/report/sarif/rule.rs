//! A rule as a SARIF reporting descriptor, §3.49: what GitHub shows beside every alert of it.

use serde::Serialize;
use serde_sarif::sarif::{
    MultiformatMessageString, ReportingConfiguration, ReportingConfigurationLevel, ReportingDescriptor,
};

use super::properties;
use crate::rules::{Confidence, Phase, Placeholders, Rule, Severity};

/// GitHub cuts descriptions here.
const MOST_CHARS: usize = 1_024;

/// The descriptor of a rule that a result names; of an unknown rule only its id.
pub(super) fn descriptor(id: &str, rule: Option<&Rule>) -> ReportingDescriptor {
    let mut descriptor = ReportingDescriptor::builder().id(id).name(pascal(id)).build();
    let Some(rule) = rule else {
        descriptor.short_description = Some(plain(id));
        descriptor.full_description = Some(plain(id));
        descriptor.help = Some(plain(id));
        return descriptor;
    };
    let help = Help::new(rule);
    let precision = match rule.confidence {
        Confidence::Certain => "very-high",
        Confidence::High => "high",
        Confidence::Medium => "medium",
        Confidence::Low => "low",
    };
    // GitHub: over 9.0 is critical, from 7.0 high, from 4.0 medium, and it wants a string.
    let (level, score) = match rule.severity {
        Severity::Critical => (ReportingConfigurationLevel::Error, "9.5"),
        Severity::High => (ReportingConfigurationLevel::Error, "8.0"),
        Severity::Medium => (ReportingConfigurationLevel::Warning, "5.5"),
        Severity::Low => (ReportingConfigurationLevel::Note, "2.5"),
    };
    let tags = ["security", "secret", rule.kind.word(), &rule.text().provider.id];
    descriptor.short_description = Some(plain(&capital(&rule.text().title)));
    descriptor.full_description = Some(plain(&rule.text().description));
    descriptor.help =
        Some(MultiformatMessageString::builder().text(help.text.join("\n")).markdown(help.markdown.join("\n")).build());
    descriptor.help_uri = Some(rule.text().docs.clone()).filter(|address| is_address(address));
    descriptor.default_configuration = Some(ReportingConfiguration::builder().level(level.to_string()).build());
    descriptor.properties = Some(properties(&RuleProperties { tags, precision, security_severity: score }));
    descriptor
}

#[derive(Serialize)]
struct RuleProperties<'a> {
    /// At most twenty, of which GitHub shows ten; `security` makes the next field count.
    tags: [&'a str; 4],
    precision: &'static str,
    #[serde(rename = "security-severity")]
    security_severity: &'static str,
}

fn plain(text: &str) -> MultiformatMessageString {
    let mut cut: String = text.chars().take(MOST_CHARS).collect();
    if cut.len() < text.len() {
        cut.pop();
        cut.push('…');
    }
    MultiformatMessageString::from(&cut)
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// §3.49.7: a name is one word, `AcmeDeployToken`.
fn pascal(id: &str) -> String {
    id.split('-').map(capital).collect()
}

/// Whether a viewer can open it.
fn is_address(text: &str) -> bool {
    (text.starts_with("https://") || text.starts_with("http://")) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The runbook, for viewers with Markdown (GitHub shows only that) and without.
struct Help {
    markdown: Vec<String>,
    text: Vec<String>,
}

impl Help {
    fn new(rule: &Rule) -> Self {
        let mut help = Self { markdown: Vec::new(), text: Vec::new() };
        help.put(&rule.text().description, &rule.text().description);
        // A rule knows no finding: placeholders become KEY_ID and the like, but its own variable.
        let mut known = Placeholders::default();
        if let Some(name) = &rule.text().env_var {
            known.set("env_var", name);
        }
        for phase in Phase::ALL {
            help.heading(&capital(phase.word()));
            for (step, number) in rule.text().runbook.steps.iter().filter(|step| step.phase == phase).zip(1..) {
                let step = known.fill_step(step);
                let action = format!("{number}. {}", step.action);
                help.put(&action, &action);
                help.console(step.console.as_deref());
                help.code(step.cli.as_deref());
                help.code(step.api.as_deref());
                help.source(step.source.as_deref());
            }
        }
        let more = [
            ("Lifetime", &rule.text().lifetime),
            ("Least privilege", &rule.text().least_privilege),
            ("Instead of a long-lived secret", &rule.text().runbook.short_lived),
        ];
        if more.iter().any(|(_, text)| text.is_some()) {
            help.heading("Next time");
            for (name, text) in more {
                if let Some(text) = text {
                    help.put(&format!("- **{name}**: {text}"), &format!("- {name}: {text}"));
                }
            }
        }
        help.heading("More");
        help.source(Some(&rule.text().docs));
        help
    }

    /// A paragraph of Markdown and what stands for it in plain text.
    fn put(&mut self, markdown: &str, text: &str) {
        self.markdown.push(format!("{markdown}\n"));
        self.text.push(text.to_owned());
    }

    fn heading(&mut self, text: &str) {
        self.put(&format!("### {text}"), &format!("\n{text}"));
    }

    fn console(&mut self, text: Option<&str>) {
        if let Some(text) = text {
            self.put(&format!("   Console: {text}"), &format!("   Console: {text}"));
        }
    }

    /// As code, within the numbered step; the fence is longer than any in the text.
    fn code(&mut self, text: Option<&str>) {
        let Some(text) = text else { return };
        let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
        let fence = "`".repeat(3.max(longest + 1));
        let text = text.trim_end().replace('\n', "\n   ");
        self.put(&format!("   {fence}\n   {text}\n   {fence}"), &format!("   {text}"));
    }

    fn source(&mut self, address: Option<&str>) {
        match address {
            Some(address) if is_address(address) => {
                self.put(&format!("   [{}](<{address}>)", host(address)), &format!("   {address}"));
            }
            Some(words) => self.put(&format!("   {words}"), &format!("   {words}")),
            None => {}
        }
    }
}

/// What a link says: the site it leads to.
fn host(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::sample;

    #[test]
    fn help_is_the_whole_runbook() {
        let report = sample();
        let rule = &report.rules["acme-deploy-token"];
        let help = descriptor(&rule.id, Some(rule)).help.expect("a rule has help");
        let (text_only, markdown) = (help.text, help.markdown.expect("and as Markdown"));
        for phase in Phase::ALL {
            assert!(markdown.contains(&format!("\n### {}\n", capital(phase.word()))), "{phase}");
        }
        assert!(markdown.contains("\n   ```\n   acme token suspend KEY_ID\n   ```\n"), "{markdown}");
        assert!(markdown.contains("[docs.acme.example](<https://docs.acme.example/tokens/suspend>)"));
        assert!(markdown.contains("Read the token from ACME_TOKEN"));
        for text in [&rule.text().lifetime, &rule.text().least_privilege, &rule.text().runbook.short_lived] {
            let text = text.as_deref().expect("the sample has it");
            assert!(markdown.contains(text) && text_only.contains(text));
        }
        assert!(!text_only.contains("```") && !text_only.contains("](<"), "{text_only}");
    }

    #[test]
    fn a_long_description_is_cut_by_characters() {
        let text = plain(&"ü".repeat(2_000)).text;
        assert_eq!((text.chars().count(), text.ends_with('…')), (MOST_CHARS, true));
        assert_eq!(plain("short").text, "short");
    }

    #[test]
    fn names_are_one_word() {
        assert_eq!(pascal("acme-deploy-token"), "AcmeDeployToken");
    }
}
