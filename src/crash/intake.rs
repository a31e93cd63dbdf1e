//! Takes the files of refloat's own crashes into the state file: each becomes one row, whoever takes it in, and how often.
//! Called by the commands of `turn` that write, and by `reconcile crash`. It stops nobody: what cannot be taken in stays, and is named.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::CrashFile;
use crate::error::{Result, io_text};
use crate::model::{CrashEntry, CrashKind, CrashWho, Turn};
use crate::scrub::scrub;
use crate::state::{Place, State, Tx, crash, turn};

/// So many files are taken in at once; the rest is for the next command.
const FILES: usize = 64;
/// No crash file is longer.
const LONGEST: u64 = 1 << 20;

/// Takes in what is there. Returns what is to be said of it: files that could not be read or taken in.
pub fn take_in(state: &mut State) -> Vec<String> {
    let folder = state.place().companion("crashes");
    let mut said = Vec::new();
    let mut files = Vec::new();
    for name in names(&folder) {
        match read(&folder.join(&name)) {
            Ok(Some(file)) => files.push((name, file)),
            Ok(None) => {}
            Err(error) if error.raw_os_error().is_some() => said.push(unreadable(&folder.join(&name), &error)),
            Err(error) => said.push(set_aside(&folder, &name, &error)),
        }
    }
    if files.is_empty() {
        return said;
    }
    let taken = state.write("take in crash records", |tx| {
        files.iter().try_for_each(|(name, file)| crash::record(tx, &entry(tx, name, file)?))
    });
    match taken {
        // Whoever is faster, or killed before this, leaves a file that makes no second row.
        Ok(()) => files.iter().for_each(|(name, _)| drop(std::fs::remove_file(folder.join(name)))),
        Err(failure) => said.push(failure.to_string()),
    }
    said
}

/// How many files wait to be taken in, and where; looking takes none.
#[must_use]
pub fn waiting(place: &Place) -> (usize, PathBuf) {
    let folder = place.companion("crashes");
    (names(&folder).len(), folder)
}

/// The crash files, oldest first; a folder that is not there, or cannot be read, has none.
fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    // One that begins with a dot is not whole yet.
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".json") && !name.starts_with('.')).collect();
    names.sort_unstable();
    names.truncate(FILES);
    names
}

/// A crash file; none where it is no file, is gone, or is of a newer version.
fn read(path: &Path) -> io::Result<Option<CrashFile>> {
    match path.symlink_metadata() {
        Ok(data) if data.is_file() => {}
        _ => return Ok(None),
    }
    let mut text = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(LONGEST).read_to_end(&mut text)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let value: serde_json::Value = serde_json::from_slice(&text)?;
    if value["type"] == "crash" && value["v"].as_u64() > Some(1) {
        return Ok(None);
    }
    let file: CrashFile = serde_json::from_value(value)?;
    if file.kind != "crash" {
        return Err(io::Error::other(format!("it is a record of type {}", file.kind)));
    }
    Ok(Some(file))
}

fn unreadable(path: &Path, error: &io::Error) -> String {
    format!("cannot read crash record {}: {}", path.display(), io_text(error))
}

/// A damaged file is moved out of the way, so that it is named once. One that only cannot be read now stays.
fn set_aside(folder: &Path, name: &str, error: &io::Error) -> String {
    let (path, aside) = (folder.join(name), folder.join(format!("{name}.damaged")));
    let what = unreadable(&path, error);
    match std::fs::rename(&path, &aside) {
        Ok(()) => format!("{what}; it is now {}", aside.display()),
        Err(_) => what,
    }
}

fn entry(tx: &Tx<'_>, name: &str, file: &CrashFile) -> Result<CrashEntry> {
    let about = turn_of(tx, file)?;
    let place = if file.place.is_empty() { String::new() } else { format!(" ({})", file.place) };
    Ok(CrashEntry {
        who: who(&file.program),
        kind: CrashKind::Panic,
        // A file of another hand, or of another version: scrubbed once more.
        message: scrub(&format!("{}{place}", file.message)),
        ending: None,
        tail: None,
        backtrace: Some(scrub(&file.backtrace)).filter(|text| !text.is_empty()),
        version: file.version.clone(),
        process: file.process.clone(),
        agent: file.agent.clone(),
        run: about.as_ref().map(|turn| turn.run),
        turn: about.as_ref().map(|turn| turn.id),
        attempt: about.as_ref().map(|turn| turn.attempt),
        at: file.at,
        source: Some(name.to_owned()),
    })
}

/// The turn that the file names. A state file that was begun anew gives out its numbers again: it has to be that agent's,
/// and not younger than the crash.
fn turn_of(tx: &Tx<'_>, file: &CrashFile) -> Result<Option<Turn>> {
    let Some(id) = file.turn else { return Ok(None) };
    let same = |turn: &Turn| file.agent.as_ref() == Some(&turn.agent) && turn.booted_at <= file.at;
    Ok(turn::by_id(tx, id)?.filter(same))
}

fn who(program: &str) -> CrashWho {
    match program {
        "turn" => CrashWho::Turn,
        "turn (shim)" => CrashWho::Shim,
        "mail" => CrashWho::Mail,
        "probe" => CrashWho::Probe,
        "reconcile" => CrashWho::Reconcile,
        "mark" => CrashWho::Mark,
        "mark-cleanup" => CrashWho::MarkCleanup,
        _ => CrashWho::Other,
    }
}
