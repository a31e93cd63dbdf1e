//! The runtimes that can be named: those compiled in, and the user's own files, which add to them or take their place.
//! Called by `turn` where a runtime is chosen or listed. Reads files; what they mean is `runtime`'s.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::error::{Failure, Result, is_missing};
use crate::exit::Exit;
use crate::runtime::{self, Description};
use crate::seam::regular;
use crate::words::words;

/// Below the configuration folder.
const FOLDER: &str = "refloat/runtimes";
/// No description is longer.
const LONGEST_MIB: u64 = 1;

words! {
    /// Where a runtime's description comes from.
    pub enum Origin {
        /// It is compiled in.
        Builtin = "builtin",
        /// A file of the user's.
        User = "user",
        /// It was stored with the turn.
        Turn = "turn",
    }
}

/// A runtime that can be named.
#[derive(Clone, Debug)]
pub struct Known {
    /// What it is.
    pub description: Description,
    /// The user's file, where there is one.
    pub file: Option<PathBuf>,
    /// Whether it takes the place of a compiled-in one.
    pub overrides: bool,
}

impl Known {
    /// Where its description comes from.
    #[must_use]
    pub const fn origin(&self) -> Origin {
        if self.file.is_some() { Origin::User } else { Origin::Builtin }
    }
}

/// The user's folder: `$XDG_CONFIG_HOME/refloat/runtimes`, else `~/.config/refloat/runtimes`; relative values are ignored.
#[must_use]
pub fn folder() -> Option<PathBuf> {
    folder_of(std::env::var_os("XDG_CONFIG_HOME"), std::env::var_os("HOME"))
}

fn folder_of(config: Option<OsString>, home: Option<OsString>) -> Option<PathBuf> {
    let absolute = |value: Option<OsString>| value.map(PathBuf::from).filter(|path| path.is_absolute());
    let config = absolute(config).or_else(|| absolute(home).map(|home| home.join(".config")))?;
    Some(config.join(FOLDER))
}

/// The runtime of this name.
///
/// # Errors
/// 2 for a name that nobody knows, 78 for a user's file that is none, 74 for one that cannot be read.
pub fn find(name: &str) -> Result<Known> {
    find_in(folder().as_deref(), name)
}

fn find_in(folder: Option<&Path>, name: &str) -> Result<Known> {
    let builtin = runtime::builtin(name);
    let file = folder.filter(|_| is_name(name)).map(|folder| folder.join(format!("{name}.toml")));
    if let Some(file) = file
        && let Some(text) = read(&file)?
    {
        let description = runtime::own(name, &text).map_err(|mistake| {
            Failure::new(Exit::Config, format!("cannot use runtime {name}: {}:{mistake}", file.display()))
                .hint(format!("mend the file, or take it away; see: turn runtimes {name}"))
        })?;
        return Ok(Known { description, overrides: builtin.is_some(), file: Some(file) });
    }
    match builtin {
        Some(Ok(description)) => Ok(Known { description, file: None, overrides: false }),
        Some(Err(error)) => Err(Failure::new(Exit::Config, format!("cannot use runtime {name}: {error}"))),
        None => Err(unknown(folder, name)),
    }
}

fn unknown(folder: Option<&Path>, name: &str) -> Failure {
    let names = names_in(folder);
    let near: Vec<&str> = names.iter().map(String::as_str).filter(|known| is_near(name, known)).collect();
    let known = format!("known: {}", names.join(", "));
    let place = folder.map(|folder| format!("; your own go into {}", folder.display())).unwrap_or_default();
    let hint = if near.is_empty() { known + &place } else { format!("did you mean {}? {known}", near.join(" or ")) };
    Failure::usage(format!("unknown runtime '{name}'")).hint(hint)
}

/// Every name, in order.
#[must_use]
pub fn names() -> Vec<String> {
    names_in(folder().as_deref())
}

fn names_in(folder: Option<&Path>) -> Vec<String> {
    let mut names: Vec<String> = runtime::NAMES.iter().map(|name| (*name).to_owned()).collect();
    let entries = folder.and_then(|folder| std::fs::read_dir(folder).ok()).into_iter().flatten().flatten();
    let files = entries.filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(".toml")?.to_owned()));
    names.extend(files.filter(|name| is_name(name)));
    names.sort();
    names.dedup();
    names
}

/// A name is a file's name, and nothing that leads out of the folder.
fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric()) && name.bytes().all(plain) && name.len() <= 100
}

/// The text of a file; none where there is no such file.
fn read(file: &Path) -> Result<Option<String>> {
    let none = |why: &str| Failure::new(Exit::Config, format!("cannot use {}: {why}", file.display()));
    match regular::read(file, LONGEST_MIB) {
        Ok(bytes) => String::from_utf8(bytes).map(Some).map_err(|error| {
            let line =
                error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
            Failure::new(Exit::Config, format!("cannot use {}:{}:1: the line is not UTF-8", file.display(), line + 1))
        }),
        Err(error) if error.kind() == ErrorKind::NotFound && file.is_symlink() => Err(none("it leads nowhere")),
        Err(error) if is_missing(&error) => Ok(None),
        // A folder that may not be entered, such as another user's home, has no files of this user's.
        Err(error) if error.kind() == ErrorKind::PermissionDenied && file.symlink_metadata().is_err() => Ok(None),
        Err(error) if error.kind() == ErrorKind::InvalidInput => Err(none(&error.to_string())),
        Err(error) => Err(Failure::io(format!("cannot read {}", file.display()), error)),
    }
}

/// Whether two changes, or one in a short name, make one of the other; or one begins with the other.
fn is_near(wrong: &str, known: &str) -> bool {
    let wrong = wrong.to_lowercase();
    let most = if known.len() < 6 { 1 } else { 2 };
    let begins = wrong.len() > 1 && (known.starts_with(&wrong) || wrong.starts_with(known));
    begins || strsim::levenshtein(&wrong, known) <= most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_that_of_xdg() {
        for (config, home, folder) in [
            (Some("/c"), Some("/h"), Some("/c/refloat/runtimes")),
            (Some("c"), Some("/h"), Some("/h/.config/refloat/runtimes")),
            (Some(""), Some("/h"), Some("/h/.config/refloat/runtimes")),
            (None, Some("/h"), Some("/h/.config/refloat/runtimes")),
            (None, Some("h"), None),
            (None, None, None),
        ] {
            assert_eq!(folder_of(config.map(OsString::from), home.map(OsString::from)), folder.map(PathBuf::from));
        }
    }

    #[test]
    fn near_names() {
        for (wrong, known, near) in [
            ("cluade", "claude", true),
            ("Claude", "claude", true),
            ("claude-code", "claude", true),
            ("pie", "pi", true),
            ("open", "opencode", true),
            ("codx", "codex", true),
            ("gpt", "pi", false),
            ("aider", "codex", false),
        ] {
            assert_eq!(is_near(wrong, known), near, "{wrong} {known}");
        }
    }
}
