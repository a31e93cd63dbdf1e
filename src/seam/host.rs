//! What this machine and its kernel tell of themselves, beside who they are (`process::Place`). Called by `probe host`.
//! It starts no program and makes nothing; what cannot be read is left out, and nothing is concluded from that.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use super::cgroup::{Cgroup, NoCgroup};

/// Where the managers of containers leave their word, and how it is read.
const WORDS: [(&str, Word); 4] = [
    ("/run/systemd/container", Word::Content),
    ("/run/host/container-manager", Word::Content),
    ("/.dockerenv", Word::Is("docker")),
    ("/run/.containerenv", Word::Is("podman")),
];

#[derive(Clone, Copy)]
enum Word {
    /// The file says it.
    Content,
    /// That the file is there says it.
    Is(&'static str),
}

/// What it is called.
#[must_use]
pub fn hostname() -> Option<OsString> {
    let mut name = fs::read("/proc/sys/kernel/hostname").ok()?;
    name.truncate(name.trim_ascii_end().len());
    Some(OsString::from_vec(name))
}

/// The release of the kernel.
#[must_use]
pub fn kernel() -> Option<String> {
    text("/proc/sys/kernel/osrelease")
}

/// The word for the container that this process is in: a hint, for a container need not say that it is one.
#[must_use]
pub fn container() -> Option<String> {
    let told = std::env::var("container").ok().filter(|word| !word.is_empty());
    told.or_else(|| WORDS.iter().find_map(|(file, word)| said(file, *word)))
}

fn said(file: &str, word: Word) -> Option<String> {
    match word {
        Word::Content => text(file).filter(|word| !word.is_empty()),
        Word::Is(word) => Path::new(file).exists().then(|| word.to_owned()),
    }
}

/// Where a program is found, as exec would find it.
#[must_use]
pub fn program(name: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    let found = std::env::split_paths(&folders).map(|folder| folder.join(name));
    found.into_iter().find(|path| path.is_file() && access(path, Access::EXEC_OK).is_ok())
}

/// The group in which groups of turns can be made, as far as that can be told without making one.
///
/// # Errors
/// Why none can be made.
pub fn cgroup() -> Result<PathBuf, NoCgroup> {
    let planned = Cgroup::plan("x")?;
    planned.parent().map(Path::to_owned).ok_or(NoCgroup::NotMounted)
}

fn text(file: &str) -> Option<String> {
    fs::read_to_string(file).ok().map(|text| text.trim().to_owned())
}
