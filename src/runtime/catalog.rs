//! The descriptions that are compiled in, and the checks that every description passes.
//! Called where `--runtime` is read. Must never read files: an overriding file's text is handed in.

use super::description::{Description, LineKind, Output, PromptBy, SessionBy};

/// The runtimes that are compiled in.
pub const NAMES: &[&str] = &["claude", "codex", "plain"];

/// Why a text is no usable description: a fragment that fits after "cannot use runtime NAME: ".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid(pub String);

impl std::fmt::Display for Invalid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Invalid {}

/// The compiled-in description of a name; none if there is none.
///
/// # Errors
/// Never, as long as the tests pass.
pub fn builtin(name: &str) -> Option<Result<Description, Invalid>> {
    let text = match name {
        "claude" => include_str!("claude.toml"),
        "codex" => include_str!("codex.toml"),
        "plain" => include_str!("plain.toml"),
        _ => return None,
    };
    Some(Description::from_toml(text))
}

impl Description {
    /// A description as a person writes it.
    ///
    /// # Errors
    /// Not TOML, a field missing, unknown or of the wrong type, or fields that contradict each other.
    pub fn from_toml(text: &str) -> Result<Self, Invalid> {
        let description: Self =
            toml::from_str(text).map_err(|error| Invalid(error.to_string().trim_end().to_owned()))?;
        description.checked()
    }

    /// A description as it was stored with a turn.
    ///
    /// # Errors
    /// As [`Description::from_toml`].
    pub fn from_json(text: &str) -> Result<Self, Invalid> {
        let description: Self = serde_json::from_str(text).map_err(|error| Invalid(error.to_string()))?;
        description.checked()
    }

    /// The text that [`Description::from_json`] reads.
    ///
    /// # Errors
    /// None is known: every field has a JSON form.
    pub fn to_json(&self) -> Result<String, Invalid> {
        serde_json::to_string(self).map_err(|error| Invalid(error.to_string()))
    }

    fn checked(self) -> Result<Self, Invalid> {
        match self.contradiction() {
            Some(what) => Err(Invalid(what.to_owned())),
            None => Ok(self),
        }
    }

    fn contradiction(&self) -> Option<&'static str> {
        let times = |word: &str| self.args.iter().filter(|arg| *arg == word).count();
        let has_id = |list: &[String]| list.iter().any(|arg| arg.contains("{id}"));
        let terminal_lines = self.lines.iter().any(|rule| rule.kind == LineKind::Terminal);
        let rules: [(bool, &str); 10] = [
            (self.name.is_empty(), "name is empty"),
            (times("{args}") != 1, "args must have {args} exactly once: the place of the caller's arguments"),
            (
                (self.prompt == PromptBy::Argument) != (times("{prompt}") == 1),
                "{prompt} in args goes with prompt = \"argument\"",
            ),
            (times("{session}") > 1, "args has {session} more than once"),
            (
                times("{session}") == 0 && !(self.fresh.is_empty() && self.resume.is_empty()),
                "fresh and resume need {session} in args",
            ),
            (
                (self.session_by == SessionBy::Caller) != has_id(&self.fresh),
                "{id} in fresh goes with session_by = \"caller\"",
            ),
            ((self.session_by != SessionBy::None) != has_id(&self.resume), "{id} in resume goes with sessions"),
            (
                (self.output == Output::JsonLines) != terminal_lines,
                "a line of kind terminal goes with output = \"json_lines\"",
            ),
            (terminal_lines != self.terminal.is_some(), "[terminal] goes with lines of kind terminal"),
            (self.terminal.as_ref().is_some_and(|rules| rules.clean.is_empty()), "terminal.clean must ask something"),
        ];
        rules.iter().find(|(broken, _)| *broken).map(|(_, what)| *what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_description_that_survives_its_storage() {
        for name in NAMES {
            let description = builtin(name).unwrap().unwrap();
            assert_eq!(description.name, *name);
            assert_eq!(Description::from_json(&description.to_json().unwrap()).unwrap(), description);
        }
        assert!(builtin("nope").is_none());
    }

    #[test]
    fn mistakes_are_named() {
        let claude = include_str!("claude.toml");
        for (from, to, part) in [
            ("prompt = \"stdin_file\"", "prompt = \"pipe\"", "unknown variant `pipe`"),
            ("prompt = \"stdin_file\"", "prompt = \"argument\"", "{prompt} in args"),
            ("prompt = ", "promt = ", "unknown field `promt`"),
            ("\"{args}\"", "\"x\"", "{args} exactly once"),
            ("\"{id}\"", "\"x\"", "{id} in fresh"),
            ("kind = \"terminal\"", "kind = \"progress\"", "a line of kind terminal"),
            ("clean = ", "cleen = ", "unknown field `cleen`"),
            ("name = \"claude\"", "", "missing field `name`"),
        ] {
            let text = claude.replacen(from, to, 1);
            assert_ne!(text, claude, "{from} is in claude.toml");
            let error = Description::from_toml(&text).unwrap_err().to_string();
            assert!(error.contains(part), "{to}: {error}");
        }
    }
}
