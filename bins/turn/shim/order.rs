//! What the supervisor tells its shim, and what the shim answers, both on the control socket.
//! An order is its length and its fields, each ended by a NUL: no path, argument or variable can hold one.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;

use refloat::id::TurnId;
use refloat::identity::Identity;
use serde::{Deserialize, Serialize};

/// The first argument of a shim; the second is its agent's name, for those who read `ps`.
pub(crate) const SHIM: &str = "__shim";
/// The byte that lets the agent go. End of file instead means: do not run.
pub(crate) const GO: u8 = b'g';

/// The numbers of an order.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Terms {
    /// The turn.
    pub(crate) turn: TurnId,
    /// From "go" to the end, whatever happens.
    pub(crate) deadline_ms: u64,
    /// The first signal of the ladder.
    pub(crate) stop_signal: i32,
    /// Between the rungs of the ladder.
    pub(crate) kill_after_ms: u64,
    /// The started process is only the wrapper of the agent.
    pub(crate) wrapper: bool,
    /// The prompt goes in through a pipe, not as a file.
    pub(crate) pipe: bool,
}

impl Terms {
    /// The deadline as a span of time.
    pub(crate) const fn deadline(&self) -> Duration {
        Duration::from_millis(self.deadline_ms)
    }

    /// The pause between two rungs.
    pub(crate) const fn kill_after(&self) -> Duration {
        Duration::from_millis(self.kill_after_ms)
    }
}

/// An order.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) terms: Terms,
    /// The turn's files.
    pub(crate) log_dir: PathBuf,
    /// Where the record of a bug of ours goes.
    pub(crate) crashes: PathBuf,
    /// Where the agent works.
    pub(crate) cwd: PathBuf,
    /// What it reads from its standard input; /dev/null without one.
    pub(crate) prompt: Option<PathBuf>,
    /// The group it is put into.
    pub(crate) cgroup: Option<PathBuf>,
    /// Program and arguments.
    pub(crate) command: Vec<OsString>,
    /// The agent's environment, as `NAME=VALUE`.
    pub(crate) environment: Vec<OsString>,
}

impl Order {
    /// Sends the order.
    pub(crate) fn send(&self, mut socket: impl Write) -> io::Result<()> {
        let mut fields: Vec<OsString> = vec![serde_json::to_string(&self.terms)?.into()];
        fields.extend([self.log_dir.clone().into(), self.crashes.clone().into(), self.cwd.clone().into()]);
        fields.extend([optional(self.prompt.as_ref()), optional(self.cgroup.as_ref())]);
        fields.push(self.command.len().to_string().into());
        fields.extend(self.command.iter().chain(&self.environment).cloned());
        let mut text = Vec::new();
        for field in fields {
            text.extend_from_slice(field.as_bytes());
            text.push(0);
        }
        socket.write_all(&(text.len() as u64).to_le_bytes())?;
        socket.write_all(&text)
    }

    /// Waits for an order; none where the other end is gone.
    pub(crate) fn receive(mut socket: impl Read) -> io::Result<Option<Self>> {
        let mut length = [0; 8];
        match socket.read_exact(&mut length) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            read => read?,
        }
        let mut text = Vec::new();
        let whole = u64::from_le_bytes(length);
        if socket.take(whole).read_to_end(&mut text)? as u64 != whole {
            return Ok(None);
        }
        Self::parse(&text).map(Some).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    fn parse(text: &[u8]) -> Option<Self> {
        let mut fields =
            text.strip_suffix(b"\0")?.split(|byte| *byte == 0).map(|field| OsStr::from_bytes(field).to_owned());
        let terms = serde_json::from_str(fields.next()?.to_str()?).ok()?;
        let (log_dir, crashes, cwd) = (fields.next()?.into(), fields.next()?.into(), fields.next()?.into());
        let (prompt, cgroup) = (given(fields.next()?), given(fields.next()?));
        let words: usize = fields.next()?.to_str()?.parse().ok()?;
        let command: Vec<OsString> = fields.by_ref().take(words).collect();
        let whole = command.len() == words && words > 0;
        whole.then(|| Self { terms, log_dir, crashes, cwd, prompt, cgroup, command, environment: fields.collect() })
    }
}

fn optional(path: Option<&PathBuf>) -> OsString {
    path.map(|path| path.clone().into()).unwrap_or_default()
}

fn given(word: OsString) -> Option<PathBuf> {
    (!word.is_empty()).then(|| word.into())
}

/// The shim's answer: who they are, before the agent is let go.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ready {
    pub(crate) shim: Identity,
    pub(crate) child: Identity,
    /// Whether the agent is in the group it was to be put into.
    pub(crate) in_cgroup: bool,
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    #[test]
    fn an_order_arrives_as_it_was_sent() {
        let odd = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
        let order = Order {
            terms: Terms {
                turn: TurnId(7),
                deadline_ms: 1,
                stop_signal: 2,
                kill_after_ms: 3,
                wrapper: true,
                pipe: false,
            },
            log_dir: odd(b"/logs/\xff").into(),
            crashes: odd(b"/crashes/\xff").into(),
            cwd: "/".into(),
            prompt: None,
            cgroup: Some("/sys/fs/cgroup/x".into()),
            command: vec!["sh".into(), OsString::new(), odd(b"\xff\n")],
            environment: vec!["A=".into(), odd(b"B=\xfe=")],
        };
        let mut sent = Vec::new();
        order.send(&mut sent).unwrap();
        let got = Order::receive(sent.as_slice()).unwrap().unwrap();
        assert_eq!(format!("{got:?}"), format!("{order:?}"));
        for end in [0, 7, 8, sent.len() - 1] {
            assert!(Order::receive(&sent[..end]).unwrap().is_none(), "cut at {end}");
        }
    }
}
