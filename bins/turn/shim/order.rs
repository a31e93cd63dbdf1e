//! What the supervisor tells its shim, and what the shim answers.
//! The order travels as arguments, so that `ps` shows what a shim is for; the answer as one line on the control socket.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

use refloat::id::TurnId;
use refloat::identity::Identity;
use serde::{Deserialize, Serialize};

/// The first argument of a shim.
pub(crate) const SHIM: &str = "__shim";
/// The byte by which the agent-to-be says that it stands at its gate.
pub(crate) const READY: u8 = b'r';
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
    /// Where the agent works.
    pub(crate) cwd: PathBuf,
    /// Its standard input; /dev/null without one.
    pub(crate) prompt: Option<PathBuf>,
    /// The group it is put into.
    pub(crate) cgroup: Option<PathBuf>,
    /// Program and arguments.
    pub(crate) command: Vec<OsString>,
}

impl Order {
    /// The shim's arguments.
    pub(crate) fn arguments(&self) -> serde_json::Result<Vec<OsString>> {
        let mut words: Vec<OsString> = vec!["turn".into(), SHIM.into(), serde_json::to_string(&self.terms)?.into()];
        words.extend([self.log_dir.clone().into(), optional(self.cgroup.as_ref())]);
        words.extend([self.cwd.clone().into(), optional(self.prompt.as_ref()), "--".into()]);
        words.extend(self.command.iter().cloned());
        Ok(words)
    }

    /// Reads a shim's arguments, those after [`SHIM`].
    pub(crate) fn read(words: &[OsString]) -> Option<Self> {
        let [terms, log_dir, cgroup, cwd, prompt, dashes, command @ ..] = words else { return None };
        let whole = dashes == "--" && !command.is_empty();
        Some(Self {
            terms: serde_json::from_str(terms.to_str()?).ok().filter(|_| whole)?,
            log_dir: log_dir.into(),
            cwd: cwd.into(),
            prompt: given(prompt),
            cgroup: given(cgroup),
            command: command.to_vec(),
        })
    }
}

fn optional(path: Option<&PathBuf>) -> OsString {
    path.map(|path| path.clone().into()).unwrap_or_default()
}

fn given(word: &OsStr) -> Option<PathBuf> {
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
