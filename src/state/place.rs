//! Where the state file is. Called once, at the start of a command, with the `--state` argument.
//! Looks at the environment and the folders on the way up; creates and prints nothing.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::error::{Failure, Result};
use crate::exit::Exit;

/// The name a state file has where only a folder is named.
const NAME: &str = "state.db";
/// What stands beside it.
const COMPANIONS: [&str; 6] = ["state.lock", "open.lock", "bell", "locks", "logs", "crashes"];
/// The prompt's name in the folder of a turn.
pub const PROMPT: &str = "prompt";

/// The state file of this command, and the names of the files beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The state file; absolute, and never a symbolic link.
    pub file: PathBuf,
    /// What the user may want to know about the search, one line each.
    pub hints: Vec<String>,
    /// It was named by `--state`: who types a command in another shell has to name it too.
    pub by_option: bool,
}

/// The part of a process's surroundings that decides where its state file is.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The current folder; none if it has been removed.
    pub folder: Option<PathBuf>,
    /// `REFLOAT_STATE`.
    pub refloat_state: Option<OsString>,
    /// `STATE_DIRECTORY`, set by systemd: a colon list.
    pub state_directory: Option<OsString>,
    /// `XDG_STATE_HOME`.
    pub xdg_state_home: Option<OsString>,
    /// `HOME`.
    pub home: Option<OsString>,
    /// The effective user id.
    pub euid: u32,
}

impl Surroundings {
    /// Those of this process.
    #[must_use]
    pub fn of_this_process() -> Self {
        Self {
            folder: std::env::current_dir().ok(),
            refloat_state: std::env::var_os("REFLOAT_STATE"),
            state_directory: std::env::var_os("STATE_DIRECTORY"),
            xdg_state_home: std::env::var_os("XDG_STATE_HOME"),
            home: std::env::var_os("HOME"),
            euid: rustix::process::geteuid().as_raw(),
        }
    }
}

impl Place {
    /// The place named by `--state`, or found from the surroundings.
    ///
    /// # Errors
    /// 78 when there is no place at all; 66 when the named file is a symbolic link to nothing.
    pub fn resolve(flag: Option<&Path>, around: &Surroundings) -> Result<Self> {
        let mut hints = Vec::new();
        let option = flag.map(Path::as_os_str).filter(|text| !text.is_empty());
        let file = match option.or_else(|| set(&around.refloat_state)) {
            Some(path) => in_folder(absolute(Path::new(path), around)?)?,
            None => match nearest(around, &mut hints) {
                Some(file) => file,
                None => default(around)?,
            },
        };
        Ok(Self { file: behind_links(file)?, hints, by_option: option.is_some() })
    }

    /// The place of this process: `--state`, else what its environment says.
    ///
    /// # Errors
    /// As [`Place::resolve`].
    pub fn of_this_process(flag: Option<&Path>) -> Result<Self> {
        Self::resolve(flag, &Surroundings::of_this_process())
    }

    /// The folder the state file is in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.file.parent().unwrap_or(Path::new("/"))
    }

    /// The words of a command, on this state file: as it was named by an option, else the environment names it there too.
    #[must_use]
    pub fn addressed(&self, mut command: Vec<String>) -> Vec<String> {
        let wants = self.by_option && command.get(1).is_some_and(|word| word != "--state");
        if let (true, Some(file)) = (wants, self.file.to_str()) {
            command.splice(1..1, ["--state".to_owned(), file.to_owned()]);
        }
        command
    }

    /// Where the files of a turn are.
    #[must_use]
    pub fn log_dir(&self, turn: crate::id::TurnId) -> PathBuf {
        self.companion("logs").join(turn.to_string())
    }

    /// A file or folder beside the state file: `bell` of `state.db` is `bell`, of `foo.db` it is `foo.bell`,
    /// of `foo` it is `foo-bell`, so that two state files in one folder share nothing.
    #[must_use]
    pub fn companion(&self, name: &str) -> PathBuf {
        let own = self.file.file_name().unwrap_or_default();
        if own == NAME {
            return self.folder().join(name);
        }
        let mut full = match own.as_bytes().strip_suffix(b".db") {
            Some(stem) => [stem, b"."].concat(),
            None => [own.as_bytes(), b"-"].concat(),
        };
        full.extend_from_slice(name.as_bytes());
        self.folder().join(OsString::from_vec(full))
    }

    /// Whether a name in the folder of the state file is that of the state file, or of what stands beside it.
    #[must_use]
    pub fn has(&self, name: &OsStr) -> bool {
        let sqlite = ["", "-wal", "-shm", "-journal"].map(|suffix| self.with_suffix(suffix));
        let ours = COMPANIONS.map(|name| self.companion(name));
        sqlite.iter().chain(&ours).any(|own| own.file_name() == Some(name))
    }

    /// The state file's own name with something after it, as SQLite names its `-wal`.
    #[must_use]
    pub(super) fn with_suffix(&self, suffix: &str) -> PathBuf {
        let mut full = self.file.as_os_str().to_owned();
        full.push(suffix);
        PathBuf::from(full)
    }
}

/// A variable's value; empty means unset.
fn set(value: &Option<OsString>) -> Option<&OsStr> {
    value.as_deref().filter(|text| !text.is_empty())
}

fn absolute(path: &Path, around: &Surroundings) -> Result<PathBuf> {
    if path.is_absolute() {
        return Ok(path.to_owned());
    }
    let folder = around.folder.as_ref().ok_or_else(|| {
        Failure::not_found(format!("cannot find {}: the current folder is gone", path.display()))
            .hint("name the state file by an absolute path")
    })?;
    Ok(folder.join(path.strip_prefix(".").unwrap_or(path)))
}

/// A path that names a folder means the `state.db` in it.
fn in_folder(path: PathBuf) -> Result<PathBuf> {
    if path.as_os_str().as_bytes().ends_with(b"/") || path.is_dir() {
        return Ok(path.join(NAME));
    }
    match path.file_name() {
        Some(_) => Ok(path),
        None => Err(Failure::not_found(format!("no such folder: {}", path.display()))),
    }
}

/// The nearest `.refloat/state.db` in this folder or above that is ours.
fn nearest(around: &Surroundings, hints: &mut Vec<String>) -> Option<PathBuf> {
    around.folder.as_deref()?.ancestors().find_map(|folder| {
        let house = folder.join(".refloat");
        let owner = owner_of(&house, around.euid)?;
        if owner != around.euid {
            hints.push(format!("passed over {}: it belongs to user {owner}", house.display()));
            return None;
        }
        Some(house.join(NAME)).filter(|file| file.is_file())
    })
}

/// Whose folder this is; a link counts as its owner's, for whoever made it chose where it leads.
fn owner_of(folder: &Path, euid: u32) -> Option<u32> {
    let own = std::fs::symlink_metadata(folder).ok()?;
    if !own.is_symlink() || own.uid() != euid {
        return Some(own.uid());
    }
    std::fs::metadata(folder).ok().map(|target| target.uid())
}

fn default(around: &Surroundings) -> Result<PathBuf> {
    if let Some(list) = set(&around.state_directory) {
        let first = list.as_bytes().split(|byte| *byte == b':').next().unwrap_or_default();
        if !first.is_empty() {
            return Ok(absolute(Path::new(OsStr::from_bytes(first)), around)?.join(NAME));
        }
    }
    let base = rooted(&around.xdg_state_home).or_else(|| rooted(&around.home).map(|home| home.join(".local/state")));
    base.map(|base| base.join("refloat").join(NAME)).ok_or_else(|| {
        Failure::new(Exit::Config, "cannot tell where the state file is: HOME is not set")
            .hint("name it: --state PATH, or REFLOAT_STATE=PATH")
    })
}

/// A folder from a variable that counts only if it is absolute (XDG Base Directory Specification).
fn rooted(value: &Option<OsString>) -> Option<PathBuf> {
    set(value).map(PathBuf::from).filter(|path| path.is_absolute())
}

/// SQLite puts its WAL beside the file a link leads to, so our locks have to be there too.
fn behind_links(file: PathBuf) -> Result<PathBuf> {
    if !file.is_symlink() {
        return Ok(file);
    }
    std::fs::canonicalize(&file).map_err(|error| {
        Failure::io(format!("cannot follow symbolic link {}", file.display()), error).exit(Exit::NotFound)
    })
}

#[cfg(test)]
#[path = "place_tests.rs"]
mod tests;
