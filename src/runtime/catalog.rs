//! The descriptions that are compiled in, and the checks that every description passes.
//! Called where `--runtime` is read. Must never read files: an overriding file's text is handed in.

use super::contradiction::contradiction;
use super::description::Description;

/// The runtimes that are compiled in.
pub const NAMES: &[&str] = &["claude", "codex", "copilot", "cursor", "gemini", "opencode", "pi", "plain"];

/// Why a text is no usable description: a fragment that fits after "cannot use runtime NAME: ".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// The key it is about, as far as one is.
    pub key: Option<&'static str>,
    /// What is wrong.
    pub what: String,
}

impl std::fmt::Display for Invalid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.key {
            Some(key) => write!(f, "{key}: {}", self.what),
            None => f.write_str(&self.what),
        }
    }
}

impl std::error::Error for Invalid {}

fn unreadable(error: impl std::fmt::Display) -> Invalid {
    Invalid { key: None, what: error.to_string().trim_end().to_owned() }
}

/// The compiled-in text of a name; none if there is none.
#[must_use]
pub(super) fn builtin_text(name: &str) -> Option<&'static str> {
    Some(match name {
        "claude" => include_str!("claude.toml"),
        "codex" => include_str!("codex.toml"),
        "copilot" => include_str!("copilot.toml"),
        "cursor" => include_str!("cursor.toml"),
        "gemini" => include_str!("gemini.toml"),
        "opencode" => include_str!("opencode.toml"),
        "pi" => include_str!("pi.toml"),
        "plain" => include_str!("plain.toml"),
        _ => return None,
    })
}

/// The compiled-in description of a name; none if there is none.
///
/// # Errors
/// Never, as long as the tests pass.
pub fn builtin(name: &str) -> Option<Result<Description, Invalid>> {
    builtin_text(name).map(Description::from_toml)
}

impl Description {
    /// A description as a person writes it.
    ///
    /// # Errors
    /// Not TOML, a field missing, unknown or of the wrong type, or fields that contradict each other.
    pub fn from_toml(text: &str) -> Result<Self, Invalid> {
        let description: Self = toml::from_str(text).map_err(unreadable)?;
        description.checked()
    }

    pub(super) fn checked(self) -> Result<Self, Invalid> {
        match contradiction(&self) {
            Some((key, what)) => Err(Invalid { key: Some(key), what: what.to_owned() }),
            None => Ok(self),
        }
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
            let stored = serde_json::to_string(&description).unwrap();
            assert_eq!(serde_json::from_str::<Description>(&stored).unwrap(), description);
        }
        assert!(builtin("nope").is_none());
    }

    #[test]
    fn mistakes_are_named() {
        let claude = include_str!("claude.toml");
        for (from, to, part) in [
            ("prompt = \"stdin_file\"", "prompt = \"pipe\"", "unknown variant `pipe`"),
            ("prompt = \"stdin_file\"", "prompt = \"argument\"", "args: {prompt}"),
            ("prompt = ", "promt = ", "unknown field `promt`"),
            ("\"{args}\"", "\"x\"", "args: {args}"),
            ("\"{id}\"", "\"x\"", "fresh: {id}"),
            ("kind = \"terminal\"", "kind = \"progress\"", "line: none has kind"),
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
