//! A capture on disk: the lines of stdout with their times, stderr, and how the program ended.
//! `tests/fixtures/README.md` tells what the fields mean.

use std::ffi::OsString;
use std::fs::read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::stream::{Bulk, ended};

/// What a replay needs of a capture.
#[derive(Debug)]
pub(crate) struct Capture {
    pub(crate) meta: Meta,
    /// Each with its line end, where it has one.
    pub(crate) lines: Vec<Vec<u8>>,
    pub(crate) stderr: Vec<u8>,
}

/// The fields of `.meta.json` that a replay needs.
#[derive(Debug, Deserialize)]
pub(crate) struct Meta {
    pub(crate) exit_code: Option<i32>,
    pub(crate) signal: Option<String>,
    pub(crate) duration_ms: u64,
    pub(crate) line_ms: Vec<u64>,
    pub(crate) stdout_eof_ms: Option<u64>,
    pub(crate) signal_sent: Option<String>,
    pub(crate) signal_sent_ms: Option<u64>,
    pub(crate) cut_ms: Option<u64>,
    pub(crate) left_running: Vec<Left>,
    stdout_bytes: u64,
    session_id: Option<String>,
    #[serde(default)]
    lines: Vec<Described>,
}

/// A process that was still there after the end.
#[derive(Debug, Deserialize)]
pub(crate) struct Left {
    pub(crate) same_session: bool,
}

/// A line of a stream that was too big to keep; bytes without its line end.
#[derive(Debug, Deserialize)]
struct Described {
    #[serde(rename = "type")]
    kind: String,
    bytes: usize,
}

impl Capture {
    /// Reads `PREFIX.meta.json` and the files beside it.
    pub(crate) fn read(prefix: &Path) -> Result<Self> {
        let meta = read_file(prefix, ".meta.json")?;
        let meta: Meta = serde_json::from_slice(&meta).with_context(|| format!("{}.meta.json", prefix.display()))?;
        let saved = beside(prefix, ".stdout.jsonl");
        let lines = if saved.exists() {
            read_file(prefix, ".stdout.jsonl")?.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
        } else {
            meta.described_lines()?
        };
        let stderr = read_file(prefix, ".stderr.txt")?;
        Ok(Self { meta, lines, stderr })
    }

    /// When this line came. The times stop after some lines: the rest came with the last of them, as far as we know.
    pub(crate) fn time_of(&self, index: usize) -> u64 {
        let times = &self.meta.line_ms;
        times.get(index).or(times.last()).copied().unwrap_or(0)
    }

    /// The number of lines that came before the signal.
    pub(crate) fn before(&self, signal_ms: u64) -> usize {
        (0..self.lines.len()).take_while(|index| self.time_of(*index) < signal_ms).count()
    }

    /// Lines that came when the program was already dead: somebody else wrote them.
    pub(crate) fn late_lines(&self) -> Option<usize> {
        let sent = self.meta.signal_sent_ms.filter(|_| self.meta.signal_sent.as_deref() == Some("SIGKILL"))?;
        let first = self.before(sent);
        (first < self.lines.len()).then_some(first)
    }

    /// How long after the end of the program somebody kept its stdout open; none where nobody did.
    pub(crate) fn stdout_held_ms(&self) -> Option<u64> {
        let held = self.meta.stdout_eof_ms?.saturating_sub(self.meta.duration_ms);
        (held > 1000 && self.late_lines().is_none() && !self.meta.left_running.is_empty()).then_some(held)
    }
}

impl Meta {
    /// Lines of the described types and sizes. As many line ends as the total says: the last may be cut.
    fn described_lines(&self) -> Result<Vec<Vec<u8>>> {
        let session = self.session_id.as_deref().unwrap_or_default();
        let ends = usize::try_from(self.stdout_bytes)? - self.lines.iter().map(|line| line.bytes).sum::<usize>();
        let made = self.lines.iter().enumerate().map(|(index, line)| {
            let text = line.made(session)?;
            Ok(if index < ends { ended(text) } else { text })
        });
        made.collect()
    }
}

impl Described {
    fn made(&self, session: &str) -> Result<Vec<u8>> {
        let Self { kind, bytes } = self;
        // Padded with spaces, which JSON allows at the end of a line.
        let padded = |text: String| format!("{text:bytes$}").into_bytes();
        Ok(match kind.as_str() {
            "system/init" => padded(crate::stream::init(session)),
            "assistant" => Bulk::Assistant.of(session, *bytes)?,
            "result/success" => Bulk::Result.of(session, *bytes)?,
            "item.completed/agent_message" => Bulk::AgentMessage.of(session, *bytes)?,
            "thread.started" => padded(format!(r#"{{"type":"thread.started","thread_id":"{session}"}}"#)),
            "turn.completed" => padded(
                r#"{"type":"turn.completed","usage":{"input_tokens":10,"cached_input_tokens":0,"output_tokens":5}}"#
                    .into(),
            ),
            // A line that was cut: one of twice the size, and half of it.
            "not JSON" => Bulk::Assistant.of(session, 2 * bytes)?.get(..*bytes).unwrap_or_default().to_vec(),
            other => padded(format!(r#"{{"type":"{other}"}}"#)),
        })
    }
}

fn read_file(prefix: &Path, ending: &str) -> Result<Vec<u8>> {
    let path = beside(prefix, ending);
    read(&path).with_context(|| format!("read {}", path.display()))
}

fn beside(prefix: &Path, ending: &str) -> PathBuf {
    let mut path = OsString::from(prefix);
    path.push(ending);
    path.into()
}
