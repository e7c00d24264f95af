//! A rule file as it is written.

use std::{collections::BTreeMap, ops::Range, sync::Arc, sync::OnceLock};

use regex_syntax::hir::Hir;
use serde::Deserialize;
use toml::Spanned;

use super::rule::{
    Alphabet, Assigned, CharClass, Check, Checksum, Companion, Confidence, Edges, Kind, MAX_REACH, Matcher, Pattern,
    Reach, Role, Rule, Severity, Structure, Value,
};
use super::{
    Phase, Provider, RuleError, RuleText, Runbook, check,
    engine::{self, Engine},
    head::Head,
    runbook,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    provider: Provider,
    #[serde(default)]
    rule: Vec<Spanned<RuleSpec>>,
    #[serde(default)]
    runbook: BTreeMap<String, Spanned<Runbook>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleSpec {
    id: Spanned<String>,
    title: String,
    description: String,
    kind: Kind,
    severity: Severity,
    confidence: Confidence,
    runbook: Spanned<String>,
    #[serde(default)]
    role: Option<Role>,
    env_var: Option<String>,
    lifetime: Option<String>,
    least_privilege: Option<String>,
    docs: String,
    #[serde(default)]
    formerly: Vec<String>,
    // Pattern.
    anchors: Option<Spanned<Vec<String>>>,
    pattern: Option<Spanned<String>>,
    #[serde(default)]
    nocase: bool,
    reach: Option<Spanned<Reach>>,
    #[serde(default)]
    lines: Lines,
    edges: Option<Edges>,
    // Value.
    value: Option<Spanned<ValueSpec>>,
    #[serde(default)]
    words: Vec<String>,
    #[serde(default)]
    also: Vec<String>,
    #[serde(default)]
    unless: Vec<String>,
    distance: Option<usize>,
    after: Option<usize>,
    // Assigned.
    assigned: Option<Spanned<AssignedSpec>>,
    #[serde(default)]
    checks: Vec<Spanned<CheckSpec>>,
    companion: Option<CompanionSpec>,
    finds: Vec<String>,
    ignores: Vec<String>,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Lines {
    #[default]
    One,
    Many,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ValueSpec {
    alphabet: Alphabet,
    #[serde(default)]
    length: Vec<usize>,
    /// Shortest and longest, both possible.
    between: Option<(usize, usize)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AssignedSpec {
    names: Vec<String>,
    min: usize,
    max: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CheckSpec {
    entropy: Option<f32>,
    distinct: Option<usize>,
    classes: Option<Vec<CharClass>>,
    checksum: Option<Checksum>,
    structure: Option<Structure>,
    hex_after: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CompanionSpec {
    rule: String,
    within: usize,
    #[serde(default)]
    required: bool,
    #[serde(rename = "as")]
    fact: Option<String>,
}

/// Reads the rules of one file.
///
/// # Errors
/// The first thing that is wrong, with its place and what would mend it.
pub fn load(file: &str, text: &str) -> Result<Vec<Arc<Rule>>, RuleError> {
    read(&Reader { file, text, proved: false })
}

/// Reads built-in rules: that their patterns hold was shown when keysweep was built.
pub(super) fn load_proved(file: &str, text: &str) -> Result<Vec<Arc<Rule>>, RuleError> {
    read(&Reader { file, text, proved: true })
}

fn read(reader: &Reader<'_>) -> Result<Vec<Arc<Rule>>, RuleError> {
    let text = reader.text;
    let written: RuleFile = toml::from_str(text).map_err(|error| {
        let message = error.message().trim_end().replace('\n', "; ");
        reader.error(error.span().unwrap_or(0..0), &message, "see docs/rules-format.md for the keys a rule has")
    })?;
    let mut runbooks = BTreeMap::new();
    for (name, book) in written.runbook {
        let span = book.span();
        let book = book.into_inner();
        reader.check_runbook(&name, &book, span)?;
        runbooks.insert(name, Arc::new(book));
    }
    let provider = Arc::new(written.provider);
    let mut rules = Vec::new();
    for spec in written.rule {
        rules.push(Arc::new(reader.rule(spec, &provider, &runbooks)?));
    }
    Ok(rules)
}

struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    /// Patterns need no proof.
    proved: bool,
}

impl Reader<'_> {
    fn error(&self, span: Range<usize>, message: &str, mend: &str) -> RuleError {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        RuleError {
            file: self.file.to_owned(),
            place: Some((line, column)),
            message: message.to_owned(),
            mend: mend.to_owned(),
        }
    }

    fn rule(
        &self,
        spec: Spanned<RuleSpec>,
        provider: &Arc<Provider>,
        runbooks: &BTreeMap<String, Arc<Runbook>>,
    ) -> Result<Rule, RuleError> {
        let span = spec.span();
        let spec = spec.into_inner();
        let id = spec.id.get_ref();
        let kebab = |id: &str| {
            id.split('-')
                .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()))
        };
        if !kebab(id) || !id.starts_with(&format!("{}-", provider.id)) {
            return Err(self.error(
                spec.id.span(),
                &format!("the id {id:?} is not kebab-case words that start with the provider"),
                &format!("write {:?}", format!("{}-what-it-is", provider.id)),
            ));
        }
        let Some(runbook) = runbooks.get(spec.runbook.get_ref()) else {
            return Err(self.error(
                spec.runbook.span(),
                &format!("there is no [runbook.{}] in this file", spec.runbook.get_ref()),
                "add [[runbook.NAME.step]] tables, or name one that exists",
            ));
        };
        let matcher = self.matcher(&spec, span.clone())?;
        let checks = spec.checks.iter().map(|check| self.check(check)).collect::<Result<Vec<_>, _>>()?;
        if spec.finds.is_empty() || spec.ignores.is_empty() {
            return Err(self.error(
                span,
                &format!("rule {id} has no examples"),
                "give at least one template in `finds` and one in `ignores`",
            ));
        }
        let text = RuleText {
            title: spec.title,
            description: spec.description,
            provider: Arc::clone(provider),
            runbook: Arc::clone(runbook),
            env_var: spec.env_var,
            lifetime: spec.lifetime,
            least_privilege: spec.least_privilege,
            docs: spec.docs,
            finds: spec.finds,
            ignores: spec.ignores,
        };
        Ok(Rule {
            id: id.as_str().into(),
            kind: spec.kind,
            severity: spec.severity,
            confidence: spec.confidence,
            matcher,
            checks,
            companion: spec.companion.map(|companion| Companion {
                rule: companion.rule.into(),
                within: companion.within,
                required: companion.required,
                fact: companion.fact.as_deref().unwrap_or("key_id").into(),
            }),
            role: spec.role.unwrap_or(Role::Finding),
            formerly: spec.formerly,
            canary: text.finds[0].clone(),
            written: None,
            text: OnceLock::from(Arc::new(text)),
        })
    }

    fn matcher(&self, spec: &RuleSpec, span: Range<usize>) -> Result<Matcher, RuleError> {
        match (&spec.pattern, &spec.value, &spec.assigned) {
            (Some(pattern), None, None) => self.pattern(spec, pattern).map(Matcher::Pattern),
            (None, Some(value), None) => {
                let value = self.value(spec, value)?;
                Ok(Matcher::Value(value))
            }
            (None, None, Some(assigned)) => {
                let written = assigned.get_ref();
                if written.names.is_empty() || written.min < 4 || written.max < written.min || written.max > 4096 {
                    return Err(self.error(
                        assigned.span(),
                        "an assigned rule needs names and 4 ≤ min ≤ max ≤ 4096",
                        "correct `names`, `min` and `max`",
                    ));
                }
                Ok(Matcher::Assigned(Assigned { names: written.names.clone(), min: written.min, max: written.max }))
            }
            _ => Err(self.error(
                span,
                "a rule needs exactly one of `pattern`, `value` and `assigned`",
                "keep one of them",
            )),
        }
    }

    fn value(&self, spec: &RuleSpec, written: &Spanned<ValueSpec>) -> Result<Value, RuleError> {
        let ValueSpec { alphabet, length, between } = written.get_ref();
        let wrong = |message: &str, mend: &str| Err(self.error(written.span(), message, mend));
        let mut lengths = length.clone();
        match between {
            Some((least, most)) if least > most => {
                return wrong("`between` is not two lengths in order", "write `between = [20, 40]`");
            }
            Some((least, most)) => lengths.extend(*least..=*most),
            None if *alphabet == Alphabet::Uuid && lengths.is_empty() => lengths.push(36),
            None => {}
        }
        if spec.words.is_empty() || lengths.is_empty() {
            return wrong("a value rule needs lengths and words", "add `length = [..]` and `words = [..]`");
        }
        if lengths.iter().any(|length| !(Value::SHORTEST..=Value::LONGEST).contains(length)) {
            return wrong("a value rule finds 16 to 1024 bytes", "use an assigned rule or a pattern");
        }
        let joined = |words: &[String]| words.iter().map(|word| word.replace(['-', '.', ' '], "_")).collect();
        let value = Value {
            alphabet: *alphabet,
            length: lengths,
            words: joined(&spec.words),
            also: joined(&spec.also),
            unless: joined(&spec.unless),
            distance: spec.distance.unwrap_or(80),
            after: spec.after.unwrap_or(0),
        };
        if value.distance > Value::FARTHEST || value.after > Value::FARTHEST {
            return wrong("a word may stand at most 256 bytes away", "lower `distance` or `after`");
        }
        let letters = |word: &str| word.bytes().filter(|byte| *byte != b'_').count();
        let all = value
            .words
            .iter()
            .map(|word| (word, 3))
            .chain(value.also.iter().chain(&value.unless).map(|word| (word, 2)));
        for (word, least) in all {
            if letters(word) < least
                || word.len() > Value::LONGEST_WORD
                || word.bytes().any(|byte| byte.is_ascii_uppercase())
            {
                return wrong(
                    &format!("the word {word:?} is too short or too long or has capitals"),
                    "use lower-case words of 3 to 48 letters; between `_` stand the parts that `_ - .` and blanks may join",
                );
            }
        }
        Ok(value)
    }

    fn pattern(&self, spec: &RuleSpec, written: &Spanned<String>) -> Result<Pattern, RuleError> {
        let source = written.get_ref();
        let at = written.span();
        let Some(anchors) = &spec.anchors else {
            return Err(self.error(
                at,
                "a pattern rule needs anchors",
                "add `anchors = [..]`: literals of which every match contains one",
            ));
        };
        if anchors.get_ref().is_empty() || anchors.get_ref().iter().any(|anchor| anchor.len() < 3) {
            return Err(self.error(anchors.span(), "an anchor has fewer than three bytes", "use longer literals"));
        }
        let hir = check::parse(source)
            .map_err(|error| self.error(at.clone(), &error, "see https://docs.rs/regex for the syntax"))?;
        let groups = check::groups(&hir);
        if !self.proved {
            self.prove(spec, source, &hir, &groups, anchors, &at)?;
        }
        let reach = self.reach(spec, &hir, at)?;
        let short = anchors.get_ref().iter().any(|anchor| anchor.len() == 3);
        let next = if short && reach.before == 0 { Head::of(&hir, spec.nocase).place(3) } else { None };
        Ok(Pattern {
            anchors: anchors.get_ref().clone(),
            nocase: spec.nocase,
            reach,
            many_lines: spec.lines == Lines::Many,
            edges: spec.edges.unwrap_or(Edges::Word),
            next,
            source: source.clone(),
            groups,
            engine: Engine::default(),
            head: OnceLock::new(),
        })
    }

    /// What must hold of every pattern; a test has shown it of the built-in ones.
    fn prove(
        &self,
        spec: &RuleSpec,
        source: &str,
        hir: &Hir,
        groups: &[Arc<str>],
        anchors: &Spanned<Vec<String>>,
        at: &Range<usize>,
    ) -> Result<(), RuleError> {
        let wrong = |message: &str, mend: &str| Err(self.error(at.clone(), message, mend));
        if let Err(error) = engine::compile(source, spec.nocase, true) {
            let message = format!("the pattern does not compile: {error}").replace('\n', " ");
            return wrong(&message, "see https://docs.rs/regex for the syntax");
        }
        if !groups.iter().any(|name| &**name == "secret") {
            return wrong("the pattern has no group named secret", "write `(?<secret>…)` around the secret");
        }
        if let Some(what) = check::looks_outside(hir) {
            return wrong(
                &format!("the pattern uses {what}, which sees beyond its segment"),
                "leave it out; the bytes outside the match are checked by `edges`",
            );
        }
        if hir.properties().minimum_len().unwrap_or(0) == 0 {
            return wrong("the pattern can match nothing", "make it consume at least its anchor");
        }
        if !check::anchored(hir, anchors.get_ref(), spec.nocase) {
            return Err(self.error(
                anchors.span(),
                "a match of the pattern need not contain any of the anchors",
                "let every alternative contain one of them literally",
            ));
        }
        Ok(())
    }

    fn reach(&self, spec: &RuleSpec, hir: &Hir, at: Range<usize>) -> Result<Reach, RuleError> {
        let longest = hir.properties().maximum_len();
        match (&spec.reach, longest) {
            (Some(reach), _) => {
                let stated = *reach.get_ref();
                if stated.before > MAX_REACH || stated.after > MAX_REACH || stated.after == 0 {
                    return Err(self.error(reach.span(), "the reach must be 1 to 65536 bytes", "lower it"));
                }
                Ok(stated)
            }
            // One byte more than the longest match: a match that touches the end of its segment may
            // go on behind it.
            (None, Some(longest)) if longest < MAX_REACH => {
                let anchors = spec.anchors.as_ref().map_or(&[][..], |anchors| anchors.get_ref());
                let before = if check::starts_with(hir, anchors, spec.nocase) { 0 } else { longest + 1 };
                Ok(Reach { before, after: longest + 1 })
            }
            (None, _) => Err(self.error(
                at,
                "the pattern has no longest match, so its reach must be stated",
                "add `reach = { before = 0, after = 2000 }`",
            )),
        }
    }

    fn check(&self, spec: &Spanned<CheckSpec>) -> Result<Check, RuleError> {
        let written = spec.get_ref();
        let mut found = Vec::new();
        found.extend(written.entropy.map(Check::Entropy));
        found.extend(written.distinct.map(Check::Distinct));
        found.extend(written.classes.clone().map(Check::Classes));
        found.extend(written.checksum.map(Check::Checksum));
        found.extend(written.structure.map(Check::Structure));
        found.extend(written.hex_after.clone().map(Check::HexAfter));
        match found.len() {
            1 => Ok(found.remove(0)),
            _ => Err(self.error(
                spec.span(),
                "a check has exactly one key",
                "split it, such as `{ entropy = 3.0 }, { distinct = 8 }`",
            )),
        }
    }

    fn check_runbook(&self, name: &str, book: &Runbook, span: Range<usize>) -> Result<(), RuleError> {
        let wrong =
            |message: String, mend: &str| Err(self.error(span.clone(), &format!("runbook {name}: {message}"), mend));
        if !book.steps.is_sorted_by_key(|step| step.phase) {
            return wrong(
                "the steps are not in the order of their phases".to_owned(),
                "order them: contain, replace, deploy, revoke, audit, prevent",
            );
        }
        if let Some(phase) = Phase::ALL.iter().find(|phase| !book.steps.iter().any(|step| step.phase == **phase)) {
            return wrong(format!("no step has the phase {phase}"), "add one; a reader must not be left there");
        }
        for step in &book.steps {
            if step.source.is_some() == step.general {
                return wrong(
                    format!("the step {:?} needs a source or general = true, not both", step.action),
                    "name the page it was read from",
                );
            }
            let texts = [Some(&step.action), step.console.as_ref(), step.cli.as_ref(), step.api.as_ref()];
            if let Some(name) = texts.into_iter().flatten().find_map(|text| runbook::unknown_placeholder(text)) {
                return wrong(
                    format!("no placeholder is named {{{name}}}"),
                    "use key_id, account, path, env_var, user or host",
                );
            }
        }
        Ok(())
    }
}
