//! A description as its user writes it: beside the compiled-in ones, or in place of one, whole or `like` another.
//! Called with the text of a file. Pure; a mistake is told by line, column and key.

use super::catalog::{NAMES, builtin_text};
use super::description::Description;

/// What is wrong with a user's description, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// The key, with the table it stands in.
    pub key: Option<String>,
    /// What is wrong with it.
    pub what: String,
}

impl std::fmt::Display for Mistake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: ", self.line, self.column)?;
        if let Some(key) = &self.key {
            write!(f, "{key}: ")?;
        }
        f.write_str(&self.what)
    }
}

impl std::error::Error for Mistake {}

/// Reads the description of this name from its user's text.
///
/// # Errors
/// The first mistake: no TOML, a key that is missing, unknown or of the wrong type, or keys that contradict each other.
pub fn own(name: &str, text: &str) -> Result<Description, Mistake> {
    let table: toml::Table = toml::from_str(text).map_err(|error| mistake(text, 0, &error))?;
    let base = match table.get("like").map(toml::Value::as_str) {
        None => "",
        Some(like) => like.and_then(builtin_text).ok_or_else(|| {
            at_key(text, "like", format!("no compiled-in runtime of this name; there are {}", NAMES.join(", ")))
        })?,
    };
    let base = Base::of(base);
    let mut before = base.keys(|key| key != "name" && !table.contains_key(key));
    if !table.contains_key("name") {
        before.push_str(&format!("name = \"{name}\"\n"));
    }
    let whole = format!("{before}{text}\n{}", base.tables(|key| !table.contains_key(key)));
    let description: Description = toml::from_str(&whole).map_err(|error| mistake(text, before.len(), &error))?;
    if description.name != name {
        return Err(at_key(text, "name", format!("it is '{}', and the file's name says '{name}'", description.name)));
    }
    description.checked().map_err(|invalid| at_key(text, invalid.key.unwrap_or_default(), invalid.what))
}

/// A compiled-in text, in its two parts: top-level keys, one per line, and tables.
struct Base<'t> {
    keys: Vec<(&'t str, &'t str)>,
    tables: Vec<(&'t str, String)>,
}

impl<'t> Base<'t> {
    fn of(text: &'t str) -> Self {
        let mut base = Self { keys: Vec::new(), tables: Vec::new() };
        for line in text.lines() {
            if let Some(name) = header(line) {
                base.tables.push((name.split('.').next().unwrap_or(name), String::new()));
            }
            match (base.tables.last_mut(), key(line)) {
                (Some((_, table)), _) => {
                    table.push_str(line);
                    table.push('\n');
                }
                (None, Some(key)) => base.keys.push((key, line)),
                (None, None) => {}
            }
        }
        base
    }

    fn keys(&self, wanted: impl Fn(&str) -> bool) -> String {
        self.keys.iter().filter(|(key, _)| wanted(key)).map(|(_, line)| format!("{line}\n")).collect()
    }

    fn tables(&self, wanted: impl Fn(&str) -> bool) -> String {
        self.tables.iter().filter(|(key, _)| wanted(key)).map(|(_, table)| table.as_str()).collect()
    }
}

/// The name in `[name]` or `[[name]]`.
fn header(line: &str) -> Option<&str> {
    let inner = line.trim_start().strip_prefix('[')?;
    let inner = inner.strip_prefix('[').unwrap_or(inner);
    let name = inner.split(']').next()?.trim();
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    (plain && !name.is_empty()).then_some(name)
}

/// The key in `key = value`.
fn key(line: &str) -> Option<&str> {
    let (key, _) = line.split_once('=')?;
    let key = key.trim().trim_matches('"');
    let plain = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte));
    (plain && !key.is_empty()).then_some(key)
}

/// A mistake that the parser found, `before` bytes of which are not the user's.
fn mistake(text: &str, before: usize, error: &toml::de::Error) -> Mistake {
    let what = error.message().replace('\n', " ");
    // What is missing has no place: the parser points at the table it is missing from, or at everything.
    if let Some(key) = what.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
        let place = error.span().map_or(0, |span| span.start.saturating_sub(before)).min(text.len());
        let (line, column) = if place == 0 { (1, 1) } else { position(text, place) };
        return Mistake { line, column, key: Some(key.to_owned()), what: "the key is missing".to_owned() };
    }
    let place = error.span().map_or(0, |span| span.start.saturating_sub(before)).min(text.len());
    let (line, column) = position(text, place);
    Mistake { line, column, key: key_at(text, line), what }
}

/// A mistake about a key, wherever that stands.
fn at_key(text: &str, wanted: &str, what: String) -> Mistake {
    let stands = |line: &str| {
        key(line) == Some(wanted) || header(line).is_some_and(|name| name.rsplit('.').next() == Some(wanted))
    };
    let found = text.lines().position(stands);
    let column =
        found.and_then(|line| text.lines().nth(line)).map_or(1, |line| line.len() - line.trim_start().len() + 1);
    Mistake { line: found.unwrap_or(0) + 1, column, key: Some(wanted.to_owned()), what }
}

fn position(text: &str, place: usize) -> (usize, usize) {
    let before = text.get(..place).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

/// The key on this line, or the last one above it, with its table.
fn key_at(text: &str, line: usize) -> Option<String> {
    let mut table = None;
    let mut last = None;
    for line in text.lines().take(line) {
        if let Some(name) = header(line) {
            (table, last) = (Some(name), None);
        } else if let Some(key) = key(line) {
            last = Some(key);
        }
    }
    match (table, last) {
        (Some(table), Some(key)) => Some(format!("{table}.{key}")),
        (table, last) => last.or(table).map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::builtin;

    #[test]
    fn like_gives_all_that_is_not_said() {
        for name in NAMES {
            let mut copy = own("mine", &format!("like = \"{name}\"\n")).unwrap_or_else(|e| panic!("{name}: {e}"));
            (copy.name, copy.like) = ((*name).to_owned(), None);
            assert_eq!(copy, builtin(name).unwrap().unwrap(), "{name}");
        }
    }

    #[test]
    fn what_is_said_replaces_the_whole_key() {
        let text = "like = \"claude\"\nprogram = \"amp\"\n[clocks]\nstall_s = 5\n[[line]]\ntype = [\"result\"]\nkind = \"terminal\"\n";
        let mine = own("amp", text).unwrap();
        assert_eq!((mine.name.as_str(), mine.program.as_deref()), ("amp", Some("amp")));
        assert_eq!((mine.clocks.stall_s, mine.clocks.first_event_s, mine.lines.len()), (Some(5), None, 1));
        assert!(mine.terminal.is_some_and(|rules| !rules.auth_status.is_empty()), "[terminal] is claude's");
    }

    #[test]
    fn a_mistake_has_its_line_column_and_key() {
        let plain = builtin_text("plain").unwrap();
        for (text, place, key, part) in [
            ("like = \"claude\"\n\nstal = 1\n", (3, 1), "stal", "unknown field `stal`"),
            ("like = \"claude\"\nkill_after_s = \"2\"\n", (2, 16), "kill_after_s", "invalid type"),
            ("like = \"claude\"\n[clocks]\n  stall_s = -1\n", (3, 13), "clocks.stall_s", "invalid value"),
            (
                "like = \"claude\"\n[terminal]\nclean = { is_error = false }\n",
                (3, 11),
                "terminal.clean",
                "is not a pointer",
            ),
            ("like = \"claude\"\nprompt = \"pipe\"\n", (2, 10), "prompt", "unknown variant `pipe`"),
            ("like = \"claude\"\n[usage\n", (2, 7), "", ""),
            ("like = \"cloud\"\n", (1, 1), "like", "there are claude"),
            ("like = 3\n", (1, 1), "like", "there are claude"),
            ("program = \"x\"\n", (1, 1), "args", "the key is missing"),
            ("like = \"claude\"\n[terminal]\nmessage = []\n", (2, 1), "clean", "the key is missing"),
            ("like = \"claude\"\nname = \"other\"\n", (2, 1), "name", "the file's name says 'mine'"),
            ("like = \"claude\"\nargs = [\"-p\"]\n", (2, 1), "args", "{args}"),
            ("like = \"claude\"\n[clocks]\nstall_s = 0\n", (2, 1), "clocks", "0 s"),
            ("like = \"claude\"\nsession_by = \"none\"\n", (1, 1), "fresh", "{id}"),
            (
                &format!("{plain}\n[[line]]\ntype = [\"x\"]\nkind = \"progress\"\n").replace("name = \"plain\"", ""),
                (12, 1),
                "line",
                "opaque",
            ),
        ] {
            let mistake = own("mine", text).unwrap_err();
            assert!(mistake.what.contains(part), "{text}: {mistake}");
            assert_eq!((mistake.line, mistake.column), place, "{text}: {mistake}");
            assert!(key.is_empty() || mistake.key.as_deref() == Some(key), "{text}: {mistake}");
        }
    }
}
