//! The line rules of a description, made ready for a gigabyte of lines: by type, and with the byte strings
//! without which a rule cannot fit, so that most lines are never looked into.
//! Called by `Reading`. Must give the answer that trying each rule in turn would give.

use memchr::memmem::Finder;

use super::description::{Description, LineKind, LineRule, ToolRule};
use super::json::Raw;
use super::terminal::id;

/// The rules by type.
#[derive(Debug)]
pub(super) struct Rules(Vec<TypeRules>);

#[derive(Debug)]
struct TypeRules {
    name: String,
    rules: Vec<Ready>,
    /// What the rules look for, each once.
    needles: Vec<Finder<'static>>,
}

#[derive(Debug)]
struct Ready {
    rule: LineRule,
    /// Indices into the needles of the type; without one of them in the line the rule cannot fit.
    needles: Vec<usize>,
}

/// What a line turned out to be.
#[derive(Debug)]
pub(super) enum Found<'r> {
    /// No rule knows it.
    Unknown,
    /// A rule wanted to look into it, and it is not JSON.
    NotJson,
    /// It fits this rule; the ids are those of its tool calls.
    Rule(&'r LineRule, Vec<String>),
}

impl Rules {
    pub(super) fn new(description: &Description) -> Self {
        let mut types: Vec<TypeRules> = Vec::new();
        for rule in &description.lines {
            for name in &rule.types {
                let known = types.iter().position(|known| known.name == *name).unwrap_or_else(|| {
                    types.push(TypeRules { name: name.clone(), rules: Vec::new(), needles: Vec::new() });
                    types.len() - 1
                });
                types[known].add(rule);
            }
        }
        Self(types)
    }

    /// The first rule that fits a line of this type. Lines of a rule that asks nothing and decides nothing
    /// (progress, keep-alive) are taken by their outline; all others must be valid JSON.
    pub(super) fn find(&self, name: &str, bytes: &[u8], raw: Raw<'_>) -> Found<'_> {
        let Some(of_type) = self.0.iter().find(|known| known.name == name) else { return Found::Unknown };
        let mut seen = Seen::default();
        let mut valid = false;
        for ready in &of_type.rules {
            if !ready.needles.iter().all(|&index| seen.has(index, &of_type.needles[index], bytes)) {
                continue;
            }
            if !valid && ready.must_be_valid() {
                valid = raw.is_valid();
                if !valid {
                    return Found::NotJson;
                }
            }
            if let Some(ids) = fits(&ready.rule, raw) {
                return Found::Rule(&ready.rule, ids);
            }
        }
        Found::Unknown
    }
}

impl TypeRules {
    fn add(&mut self, rule: &LineRule) {
        let mut wanted = rule.when.needles();
        wanted.extend(rule.tool.iter().flat_map(tool_needles));
        let needles = wanted.iter().map(|needle| self.needle(needle)).collect();
        self.rules.push(Ready { rule: rule.clone(), needles });
    }

    fn needle(&mut self, needle: &str) -> usize {
        self.needles.iter().position(|known| known.needle() == needle.as_bytes()).unwrap_or_else(|| {
            self.needles.push(Finder::new(needle).into_owned());
            self.needles.len() - 1
        })
    }
}

/// An item lies below the top, so that its top-level fields are deep in the line: the texts they must have are looked for.
fn tool_needles(tool: &ToolRule) -> Vec<String> {
    match tool.each {
        Some(_) => tool.item.needles_inside(),
        None => tool.item.needles(),
    }
}

impl Ready {
    fn must_be_valid(&self) -> bool {
        let decides = !matches!(self.rule.kind, LineKind::Progress | LineKind::KeepAlive);
        decides
            || !self.rule.when.is_empty()
            || self.rule.tool.is_some()
            || self.rule.verdict.is_some()
            || self.rule.usage
    }
}

/// Which needles were looked for in this line, and found: two bits each for the first 32, the others again each time.
#[derive(Default)]
struct Seen {
    asked: u32,
    found: u32,
}

impl Seen {
    fn has(&mut self, index: usize, needle: &Finder<'_>, bytes: &[u8]) -> bool {
        let bit = u32::try_from(index).ok().and_then(|index| 1_u32.checked_shl(index)).unwrap_or(0);
        if self.asked & bit == 0 {
            self.asked |= bit;
            if needle.find(bytes).is_some() {
                self.found |= bit;
                return true;
            }
        }
        self.found & bit != 0
    }
}

/// The ids of the tool calls if the rule fits (none for a rule without tools), or nothing.
fn fits(rule: &LineRule, raw: Raw<'_>) -> Option<Vec<String>> {
    if !rule.when.holds(raw) {
        return None;
    }
    let mut ids = Vec::new();
    let Some(tool) = &rule.tool else { return Some(ids) };
    let mut items = 0_usize;
    let mut see = |item: Raw<'_>| {
        if tool.item.holds(item) {
            items += 1;
            ids.extend(tool.id.of(item).and_then(id));
        }
    };
    match &tool.each {
        Some(each) => each.of(raw)?.elements(&mut see)?,
        None => see(raw),
    }
    (items > 0).then_some(ids)
}
