//! `exit.json`: how a turn's agent came to its end, written by the shim and read by whoever finishes the turn.
//! It is the shim's only word that lasts, so it is there whole or not at all.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use nix::libc;
use serde::{Deserialize, Serialize};

use super::follow::open_regular;
use crate::clock::Stamp;
use crate::id::TurnId;
use crate::model::EndedBy;

/// The file's name in the turn's log folder.
pub const NAME: &str = "exit.json";
/// Room for the record, taken before the start, so that a full disk cannot keep the end from being told.
const RESERVE: &str = "exit.json.reserve";
const RESERVED_BYTES: usize = 4096;
/// No record is longer.
const LONGEST: u64 = 64 * 1024;

/// What has become of the agent's tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tree {
    /// The agent has ended; what it left is being ended.
    Ending,
    /// Nothing is left but what `children_left` counts.
    Gone,
}

/// Why the agent's program was not executed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotExecuted {
    /// The program, or its folder, does not exist.
    pub not_found: bool,
    /// In words.
    pub why: String,
}

/// The record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExitRecord {
    /// The record's version.
    pub v: u8,
    /// The turn.
    pub turn: TurnId,
    /// The agent was let go, and its program was executed.
    pub started: bool,
    /// Why it was not executed.
    pub not_executed: Option<NotExecuted>,
    /// Its exit code.
    pub code: Option<i32>,
    /// The signal it died of.
    pub signal: Option<i32>,
    /// By whom it ended.
    pub ended_by: EndedBy,
    /// When it was let go.
    pub started_at: Option<Stamp>,
    /// When it was reaped.
    pub ended_at: Stamp,
    /// From the one to the other, suspended time left out.
    pub duration_ms: u64,
    /// The shim did not run so long.
    pub frozen_ms: u64,
    /// The stream's length when it was reaped: what comes later is not the agent's.
    pub stream_bytes: u64,
    /// The same of stderr.
    pub stderr_bytes: u64,
    /// What has become of its tree.
    pub tree: Tree,
    /// Processes that were left and had to be ended.
    pub children_killed: u32,
    /// Processes that could not be ended.
    pub children_left: u32,
    /// Their names and pids.
    pub survivors: Vec<String>,
    /// What all of them used: time in user mode.
    pub user_ms: u64,
    /// Time in the kernel.
    pub system_ms: u64,
    /// The largest resident set of any one process.
    pub max_rss_kib: u64,
}

impl ExitRecord {
    /// Reads the record of a turn. None: there is none, or what is there is not a record of this turn. The agent can
    /// write to its folder, so nothing is waited for and nothing is believed that no shim writes.
    ///
    /// # Errors
    /// What opening and reading give.
    pub fn read(log_dir: &Path, turn: TurnId) -> io::Result<Option<Self>> {
        let Some(file) = open_regular(&log_dir.join(NAME))? else { return Ok(None) };
        let mut text = Vec::new();
        file.take(LONGEST).read_to_end(&mut text)?;
        Ok(Self::parse(&text, turn))
    }

    /// A record of this turn as a shim writes it, in its file or on its socket.
    #[must_use]
    pub fn parse(text: &[u8], turn: TurnId) -> Option<Self> {
        let record: Self = serde_json::from_slice(text).ok()?;
        let sound = record.v == 1
            && record.turn == turn
            && record.code.is_none_or(|code| (0..=255).contains(&code))
            && record.signal.is_none_or(|signal| (1..=64).contains(&signal));
        sound.then_some(record)
    }

    /// The record as one line.
    ///
    /// # Errors
    /// None is known: every field has a JSON form.
    pub fn line(&self) -> io::Result<Vec<u8>> {
        let mut line = serde_json::to_vec(self)?;
        line.push(b'\n');
        Ok(line)
    }

    /// Takes the room for a record.
    ///
    /// # Errors
    /// What writing gives, a full disk among it.
    pub fn reserve(log_dir: &Path) -> io::Result<()> {
        let mut options = File::options();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(log_dir.join(RESERVE))?;
        file.write_all(&[b' '; RESERVED_BYTES])
    }

    /// Writes the record: into the reserved room where it is still there, synced, and renamed into place.
    ///
    /// # Errors
    /// What writing gives.
    pub fn write(&self, log_dir: &Path) -> io::Result<()> {
        let line = self.line()?;
        let reserve = log_dir.join(RESERVE);
        let file = reserved(&reserve)?;
        file.write_all_at(&line, 0)?;
        file.set_len(line.len() as u64)?;
        file.sync_all()?;
        std::fs::rename(&reserve, log_dir.join(NAME))?;
        File::open(log_dir)?.sync_all()
    }
}

/// The reserved room. Whatever else an agent has put in its place is neither waited for nor written to.
fn reserved(path: &Path) -> io::Result<File> {
    let open = |options: &mut OpenOptions| {
        options.write(true).mode(0o600).custom_flags(libc::O_NONBLOCK | libc::O_NOFOLLOW).open(path)
    };
    match open(&mut File::options()).and_then(|file| Ok((file.metadata()?.is_file(), file))) {
        Ok((true, file)) => Ok(file),
        _ => {
            let _ = std::fs::remove_file(path);
            open(File::options().create_new(true))
        }
    }
}
