//! What a process notes down about itself, for a test to read. Notes appear whole or not at all.

use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::step::Note;

/// Writes this note to this file.
pub(crate) fn record(note: Note, args: &[String], file: &Path) -> Result<()> {
    let bytes = match note {
        Note::Pid => format!("{}\n", std::process::id()).into_bytes(),
        Note::Args => lines(args),
        Note::Env => environment(),
        Note::Stdin => all_of_stdin()?,
        Note::Fds => lines(&fds()?),
        Note::Signals => lines(&signals()?),
    };
    place(file, &bytes)
}

/// Puts a file in its place in one move, so that `wait-file` and tests never see half of it.
pub(crate) fn place(file: &Path, bytes: &[u8]) -> Result<()> {
    let mut aside = file.as_os_str().to_owned();
    aside.push(format!(".{}", std::process::id()));
    let aside = PathBuf::from(aside);
    std::fs::write(&aside, bytes).with_context(|| format!("write {}", aside.display()))?;
    std::fs::rename(&aside, file).with_context(|| format!("rename to {}", file.display()))
}

/// The numbers of the open descriptors, without the one that this takes to find out.
pub(crate) fn open_fds() -> Result<Vec<i32>> {
    let entries = std::fs::read_dir("/proc/self/fd").context("list /proc/self/fd")?;
    let numbers: Vec<i32> = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    Ok(numbers.into_iter().filter(|number| target(*number).is_some()).collect())
}

fn fds() -> Result<Vec<String>> {
    let named = |number| Some(format!("{number} {}", target(number)?.display()));
    let mut lines: Vec<String> = open_fds()?.into_iter().filter_map(named).collect();
    lines.sort();
    Ok(lines)
}

fn target(number: i32) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/self/fd/{number}")).ok()
}

fn signals() -> Result<Vec<String>> {
    let status = std::fs::read_to_string("/proc/self/status").context("read /proc/self/status")?;
    Ok(status
        .lines()
        .filter(|line| line.starts_with("SigBlk") || line.starts_with("SigIgn"))
        .map(String::from)
        .collect())
}

fn environment() -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, value) in std::env::vars_os() {
        bytes.extend_from_slice(name.as_bytes());
        bytes.push(b'=');
        bytes.extend_from_slice(value.as_bytes());
        bytes.push(b'\n');
    }
    bytes
}

fn all_of_stdin() -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes).context("read stdin")?;
    Ok(bytes)
}

fn lines(texts: &[String]) -> Vec<u8> {
    texts.iter().flat_map(|text| [text.as_str(), "\n"]).collect::<String>().into_bytes()
}
