//! What goes to stdout: bytes as they are, lines like those of `claude`, and very much of both.
//! A reader that has gone does not stop the agent (neither does it stop claude or codex).

use anyhow::{Context, Result, bail};
use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::stdio::stdout;

use crate::signals::idle;

/// Text of the made-up answers: without quotes and backslashes, so that it stands in JSON as it is.
const FILLER: &[u8; 64] = b"0123456789 a long answer of an agent, in lines of 64 characters.";

/// Writes all of it. A closed pipe, a closed descriptor or a full disk are not the agent's business.
pub(crate) fn put(bytes: &[u8]) -> Result<()> {
    let mut rest = bytes;
    while !rest.is_empty() {
        match rustix::io::write(stdout(), rest) {
            Ok(written) => rest = rest.get(written..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                idle(&mut [PollFd::new(&stdout(), PollFlags::OUT)], None)?;
            }
            Err(Errno::PIPE | Errno::BADF | Errno::NOSPC | Errno::IO) => return Ok(()),
            Err(error) => return Err(error).context("write to stdout"),
        }
    }
    Ok(())
}

/// Writes a text and a line end, in one write.
pub(crate) fn put_line(text: &str) -> Result<()> {
    put(format!("{text}\n").as_bytes())
}

/// claude's first line.
pub(crate) fn init(session: &str) -> String {
    format!(
        r#"{{"type":"system","subtype":"init","cwd":"/","session_id":"{session}","tools":["Bash"],"mcp_servers":[],"model":"fake","permissionMode":"default","apiKeySource":"none","uuid":"00000000-0000-4000-8000-000000000001"}}"#
    )
}

/// A line of claude's answer.
pub(crate) fn assistant(session: &str, text: &str) -> String {
    let (before, after) = assistant_frame(session);
    format!("{before}{}{after}", quoted(text))
}

/// claude's last line.
pub(crate) fn result(session: &str, text: &str, is_error: bool) -> String {
    let (before, after) = result_frame(session, is_error);
    format!("{before}{}{after}", quoted(text))
}

fn assistant_frame(session: &str) -> (String, String) {
    (
        r#"{"type":"assistant","message":{"id":"msg_fake","type":"message","role":"assistant","model":"fake","content":[{"type":"text","text":""#.into(),
        format!(
            r#""}}],"stop_reason":null,"stop_sequence":null,"usage":{{"input_tokens":10,"output_tokens":1}}}},"parent_tool_use_id":null,"session_id":"{session}"}}"#
        ),
    )
}

fn result_frame(session: &str, is_error: bool) -> (String, String) {
    (
        format!(
            r#"{{"type":"result","subtype":"success","is_error":{is_error},"api_error_status":null,"duration_ms":62,"duration_api_ms":16,"num_turns":1,"result":""#
        ),
        format!(
            r#"","stop_reason":"end_turn","session_id":"{session}","total_cost_usd":0.00015,"usage":{{"input_tokens":10,"output_tokens":4}},"permission_denials":[],"terminal_reason":"completed"}}"#
        ),
    )
}

fn quoted(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    json.trim_start_matches('"').strip_suffix('"').unwrap_or_default().to_owned()
}

/// A kind of line that can be made in any size.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bulk {
    /// `xxx…`: not JSON.
    Plain,
    /// An answer of claude.
    Assistant,
    /// A good `result` of claude.
    Result,
    /// An answer of codex.
    AgentMessage,
}

impl Bulk {
    /// One line of exactly this many bytes, without its line end.
    pub(crate) fn of(self, session: &str, bytes: usize) -> Result<Vec<u8>> {
        let (before, after) = match self {
            Self::Plain => (String::new(), String::new()),
            Self::Assistant => assistant_frame(session),
            Self::Result => result_frame(session, false),
            Self::AgentMessage => (
                r#"{"type":"item.completed","item":{"id":"item_0","type":"agent_message","text":""#.into(),
                r#""}}"#.into(),
            ),
        };
        let Some(fill) = bytes.checked_sub(before.len() + after.len()) else {
            bail!("a line of {bytes} bytes is too short: {self:?} takes {}", before.len() + after.len());
        };
        let filler: &[u8] = if matches!(self, Self::Plain) { b"x" } else { FILLER };
        let mut text = filler.repeat(fill / filler.len() + 1);
        text.truncate(fill);
        let mut line = before.into_bytes();
        line.append(&mut text);
        line.extend_from_slice(after.as_bytes());
        Ok(line)
    }
}

/// How much to write, in lines of what length, in writes of what size.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flood {
    pub(crate) bytes: usize,
    pub(crate) line: usize,
    pub(crate) write: usize,
}

/// Writes assistant lines until exactly that many bytes are out; the last line is longer than the others by what is left.
pub(crate) fn flood(session: &str, flood: Flood) -> Result<()> {
    let Flood { bytes, line, write } = flood;
    let whole = ended(Bulk::Assistant.of(session, line.min(bytes).saturating_sub(1))?);
    let before_last = (bytes / whole.len()).saturating_sub(1) * whole.len();
    let last = ended(Bulk::Assistant.of(session, (bytes - before_last).saturating_sub(1))?);
    let mut block = Vec::with_capacity(write);
    let mut done = 0;
    while done < before_last {
        let at = done % whole.len();
        let part = (whole.len() - at).min(write - block.len()).min(before_last - done);
        block.extend_from_slice(whole.get(at..at + part).unwrap_or_default());
        done += part;
        if block.len() == write {
            put(&block)?;
            block.clear();
        }
    }
    block.extend_from_slice(&last);
    block.chunks(write).try_for_each(put)
}

/// With its line end.
pub(crate) fn ended(mut line: Vec<u8>) -> Vec<u8> {
    line.push(b'\n');
    line
}
