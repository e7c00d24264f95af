//! What stands in docs/ is what the program says.

use std::{collections::BTreeSet, fmt::Write as _, fs};

use keysweep::{
    config::Config,
    rules::{Matcher, Phase, Placeholders, Role, Rule, RuleSet, Step},
};

use crate::ship_support::{Sandbox, between, blocks, compare, read, root, text, token};

fn builtin() -> RuleSet {
    RuleSet::builtin().expect("the built-in rules are sound")
}

#[test]
fn usage_holds_every_help_text() {
    let sandbox = Sandbox::new();
    let commands = [
        "",
        "scan",
        "git",
        "explain",
        "baseline",
        "baseline create",
        "baseline update",
        "baseline check",
        "config",
        "config show",
        "config check",
        "rules",
        "rules list",
        "rules show",
        "rules check",
        "hook",
        "hook install",
        "hook uninstall",
        "hook status",
        "hook run",
        "completions",
        "man",
    ];
    let commands = commands.map(|command| {
        let line = format!("keysweep {command} --help").replace("  ", " ");
        let output = sandbox.shell(&line);
        assert!(output.status.success(), "{line}");
        format!("### `{}`\n\n```text\n{}```\n\n", line.replace(" --help", ""), text(&output.stdout))
    });
    compare("docs/usage.md", &between(&read("docs/usage.md"), "help", &format!("\n{}", commands.concat())));
}

#[test]
fn usage_names_the_commands_there_are() {
    let top = text(&Sandbox::new().shell("keysweep --help").stdout);
    let (_, list) = top.split_once("Commands:\n").expect("a list of commands");
    let usage = read("docs/usage.md");
    for line in list.lines().take_while(|line| !line.is_empty()) {
        let name = line.split_whitespace().next().expect("a name");
        assert!(name == "help" || usage.contains(&format!("### `keysweep {name}`")), "{name} is not in docs/usage.md");
    }
}

#[test]
fn usages_exit_codes_are_real() {
    let usage = read("docs/usage.md");
    let sandbox = Sandbox::new();
    sandbox.stage("main.py", "print('hello')\n");
    sandbox.commit("2026-02-01T12:00:00Z", "Say hello");
    let shallow = sandbox.home.join("shallow");
    sandbox.commit("2026-02-02T12:00:00Z", "Say it again");
    let origin = format!("file://{}", sandbox.repository.display());
    sandbox.git(&["clone", "--quiet", "--depth", "1", &origin, shallow.to_str().expect("a plain path")]);
    let runs = [
        (0, "keysweep git .".to_owned()),
        (3, format!("keysweep git {}", shallow.display())),
        (0, format!("keysweep git --allow-incomplete {}", shallow.display())),
        (2, "keysweep git --range nowhere..HEAD .".to_owned()),
        (2, "keysweep scan --no-such-option".to_owned()),
        (2, "keysweep scan no-such-folder".to_owned()),
    ];
    for (code, line) in runs {
        let output = sandbox.shell(&line);
        assert_eq!(output.status.code(), Some(code), "{line}: {}{}", text(&output.stdout), text(&output.stderr));
        assert!(usage.contains(&format!("| {code} |")), "docs/usage.md does not say what {code} is");
    }
    sandbox.stage("settings.py", &format!("GITHUB_TOKEN = '{}'\n", token("usage")));
    assert_eq!(sandbox.shell("keysweep git --staged").status.code(), Some(1));
    assert_eq!(sandbox.shell("keysweep git --staged --exit-code 42").status.code(), Some(42));
}

#[test]
fn configuration_names_every_key_and_its_examples_work() {
    let page = read("docs/configuration.md");
    let builtin = builtin();
    for block in blocks(&page).iter().filter(|block| block.language == "toml") {
        Config::parse("docs/configuration.md", &block.text, &builtin)
            .unwrap_or_else(|error| panic!("line {}: {error}: {}", block.line, error.mend));
    }
    // The parser lists what it knows when it meets what it does not.
    let probes = ["", "[job]", "[[path]]", "[allow]", "[[allow.paths]]", "[[allow.rules]]", "[[allow.values]]"]
        .map(|table| format!("{table}\nno-such-key = 1"));
    for probe in probes {
        let error = Config::parse("probe", &probe, &builtin).expect_err("the key does not exist");
        let names: Vec<_> = error.message.split('`').skip(3).step_by(2).collect();
        assert!(names.len() >= 3, "{}", error.message);
        for name in names {
            assert!(page.contains(&format!("`{name}`")), "docs/configuration.md does not name {name}");
        }
    }
}

#[test]
fn each_way_to_allow_something_allows_it() {
    let page = read("docs/configuration.md");
    let secret = token("allow");
    // As on the page: the same line, the line before, with and without the rule.
    for comment in ["# keysweep:allow REASON", "# keysweep:allow RULE REASON", "# keysweep:allow [RULE] REASON"] {
        assert!(page.contains(comment), "the page does not show {comment}");
        let comment = comment.replace("RULE", "github-pat-classic").replace("REASON", "made up for a test");
        let before = format!("{comment}\nTOKEN = '{secret}'\n");
        let beside = format!("TOKEN = '{secret}'  {comment}\n");
        for content in [before, beside] {
            let sandbox = Sandbox::new();
            sandbox.stage("a.py", &content);
            let output = sandbox.shell("keysweep scan .");
            assert_eq!(output.status.code(), Some(0), "{content}{}", text(&output.stdout));
            assert_eq!(sandbox.shell("keysweep scan . --no-inline").status.code(), Some(1));
        }
    }
    let sandbox = Sandbox::new();
    sandbox.stage("a.py", &format!("TOKEN = '{secret}'  # keysweep:allow\n"));
    assert_eq!(sandbox.shell("keysweep scan .").status.code(), Some(1), "no reason, no permission");
}

#[test]
fn who_is_trusted_is_as_configuration_says() {
    let sandbox = Sandbox::new();
    sandbox.stage("main.py", "print('hello')\n");
    let base = sandbox.commit("2026-02-01T12:00:00Z", "Say hello");
    sandbox.stage("settings.py", &format!("GITHUB_TOKEN = '{}'\n", token("trust")));
    sandbox.stage(".keysweep.toml", "[[allow.paths]]\npaths = [\"settings.py\"]\nreason = \"trust me\"\n");
    let head = sandbox.commit("2026-02-02T12:00:00Z", "Add settings and allow them");
    let code = |line: &str| sandbox.shell(line).status.code();
    assert_eq!(code("keysweep scan ."), Some(0));
    assert_eq!(code("keysweep git ."), Some(0));
    assert_eq!(code(&format!("keysweep git --range {base}..{head} .")), Some(1), "only the base is trusted");
    assert_eq!(code(&format!("keysweep git --range {base}..{head} --config .keysweep.toml .")), Some(0));
    assert_eq!(code("keysweep git --no-config ."), Some(1));
}

#[test]
fn rules_lists_every_rule_with_its_runbook() {
    compare("docs/rules.md", &rules_page(&builtin()));
}

fn rules_page(rules: &RuleSet) -> String {
    let mut page = format!(
        "# The built-in rules\n\n{} rules, generated from `rules/*.toml` (`UPDATE_DOCS=1 cargo test --locked --test \
         integration`). An id never changes; allow comments and `.keysweep.toml` use it. `docs/rules-format.md` says how \
         a rule is written.\n\nHow it is found: *distinctive* by a form of its own, *contextual* by the provider's name near \
         it, *assigned* by the name it is given to. Words in capitals such as KEY_ID are filled from the finding.\n\n| rule | what | severity | confidence | found |\n|---|---|---|---|---|\n",
        rules.len()
    );
    for rule in rules.iter() {
        let found = match rule.matcher {
            Matcher::Pattern(_) => "distinctive",
            Matcher::Value(_) => "contextual",
            Matcher::Assigned(_) => "assigned",
        };
        let alone = if rule.role == Role::Companion { ", only with another finding" } else { "" };
        let _ = writeln!(
            page,
            "| [`{id}`](#{id}) | {} | {} | {} | {found}{alone} |",
            cell(&rule.text().title),
            rule.severity,
            rule.confidence,
            id = rule.id
        );
    }
    for rule in rules.iter() {
        section(&mut page, rule);
    }
    page
}

fn section(page: &mut String, rule: &Rule) {
    let mut line = |text: String| {
        page.push_str(&text);
        page.push('\n');
    };
    line(format!("\n## {}\n", rule.id));
    line(format!("{}. {}\n", prose(&capital(&rule.text().title)), prose(&rule.text().description)));
    line(format!("- provider: [{}]({})", rule.text().provider.name, rule.text().provider.url));
    line(format!("- kind: {}", rule.kind));
    let mut known = Placeholders::default();
    if let Some(name) = &rule.text().env_var {
        known.set("env_var", name);
        line(format!("- write instead: `{name}`"));
    }
    for (name, value) in [("lives", &rule.text().lifetime), ("less power", &rule.text().least_privilege)] {
        if let Some(value) = value {
            line(format!("- {name}: {}", prose(value)));
        }
    }
    if let Some(short) = &rule.text().runbook.short_lived {
        line(format!("- short-lived instead: {}", prose(short)));
    }
    line(format!("- format: {}", link(&rule.text().docs)));
    let mut number = 0;
    for phase in Phase::ALL {
        line(format!("\n**{}**\n", capital(phase.word())));
        for step in rule.text().runbook.steps.iter().filter(|step| step.phase == phase) {
            number += 1;
            let step = known.fill_step(step);
            line(format!("{number}. {}{}", prose(&step.action), details(&step)));
        }
    }
}

fn details(step: &Step) -> String {
    let mut out = String::new();
    for (name, value) in [("console", &step.console), ("run", &step.cli), ("send", &step.api)] {
        if let Some(value) = value {
            let fence = if value.contains('`') { "``" } else { "`" };
            let _ = write!(out, "\n   - {name}: {fence}{}{fence}", value.trim().replace('\n', " "));
        }
    }
    if let Some(source) = &step.source {
        let _ = write!(out, "\n   - source: {}", link(source));
    }
    if step.general {
        out += "\n   - good practice, not a vendor's statement";
    }
    out
}

fn link(target: &str) -> String {
    if target.starts_with("https://") { format!("<{target}>") } else { prose(target) }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// Text as it is, in one line, with what Markdown would take for markup escaped outside of code.
fn prose(text: &str) -> String {
    let mut out = String::new();
    let mut code = false;
    let chars: Vec<char> = text.trim().chars().collect();
    for (at, &c) in chars.iter().enumerate() {
        let inside = |at: Option<usize>| at.and_then(|at| chars.get(at)).is_some_and(|c| c.is_alphanumeric());
        match c {
            '`' => code = !code,
            '_' if inside(at.checked_sub(1)) && inside(Some(at + 1)) => {}
            '<' | '>' | '*' | '_' | '[' | ']' if !code => out.push('\\'),
            _ => {}
        }
        out.push(if c == '\n' { ' ' } else { c });
    }
    out
}

fn cell(text: &str) -> String {
    prose(text).replace('|', "\\|")
}

#[test]
fn links_between_our_pages_lead_somewhere() {
    let mut pages: Vec<String> =
        ["README", "CHANGELOG", "CONTRIBUTING", "SECURITY"].map(|name| format!("{name}.md")).into();
    for entry in fs::read_dir(root().join("docs")).expect("docs/ is there") {
        let name = entry.expect("it can be read").file_name().into_string().expect("a plain name");
        if name.ends_with(".md") {
            pages.push(format!("docs/{name}"));
        }
    }
    pages.push("docs/ci/README.md".to_owned());
    for page in &pages {
        let markdown = read(page);
        let folder = page.rsplit_once('/').map_or("", |(folder, _)| folder);
        for target in links(&markdown) {
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let path = if file.is_empty() { root().join(page) } else { root().join(folder).join(file) };
            assert!(path.exists(), "{page}: {target} leads nowhere");
            if !anchor.is_empty() {
                let anchors = anchors(&fs::read_to_string(&path).expect("a page"));
                assert!(anchors.contains(anchor), "{page}: {target} has no such heading");
            }
        }
    }
}

#[test]
fn no_page_holds_a_path_of_somebodys_machine() {
    for page in [
        "README.md",
        "CONTRIBUTING.md",
        "docs/usage.md",
        "docs/configuration.md",
        ".ci/run",
        "action/run.sh",
        "action/scan.sh",
        "docs/security-model.md",
        "docs/releasing.md",
        "docs/ci/README.md",
    ] {
        let text = read(page);
        for path in ["/home/", "/root/", "/work/", "/Users/"] {
            assert!(!text.contains(path), "{page} holds {path}");
        }
    }
}

/// Targets of inline links outside of fences that are no addresses.
fn links(markdown: &str) -> Vec<&str> {
    let mut fenced = false;
    let mut found = Vec::new();
    for line in markdown.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        for rest in line.split("](").skip(1) {
            let target = rest.split(')').next().unwrap_or_default();
            if !target.contains("://") && !target.is_empty() {
                found.push(target);
            }
        }
    }
    found
}

/// Headings as GitHub names them.
fn anchors(markdown: &str) -> BTreeSet<String> {
    let heading = |line: &str| {
        let text = line.trim_start_matches('#');
        (text.starts_with(' ') && text.len() < line.len()).then(|| {
            let kept = text.trim().to_lowercase().replace(' ', "-");
            kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect::<String>()
        })
    };
    markdown.lines().filter_map(heading).collect()
}
