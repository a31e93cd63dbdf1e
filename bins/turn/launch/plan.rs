//! What a turn is to be, before anything of it exists.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;

use refloat::cli::work_folder;
use refloat::error::{Failure, Result};
use refloat::exit::Exit;
use refloat::model::{Capability, Expectation, Limits, Resume};
use refloat::owed;
use refloat::runtime::{Description, PromptBy, Session, SessionBy};
use uuid::Uuid;

use super::args::{Clocks, Contain, Limit, Run};

/// Stands for the caller's arguments while the command is put together as text: they need not be UTF-8.
const ARGUMENTS: &str = "\u{1}arguments";

/// Bytes of one argument, less some for what stands beside the prompt in it.
const LONGEST_ARGUMENT: usize = 131_000;

/// A turn to be.
pub(crate) struct Plan<'a> {
    pub(crate) args: &'a Run,
    pub(crate) runtime: Description,
    pub(crate) prompt: Option<Vec<u8>>,
    pub(crate) cwd: PathBuf,
    /// What the run is to owe besides.
    pub(crate) expected: Vec<Expectation>,
    /// The agent's stops when the call began.
    pub(crate) stops: i64,
    pub(crate) limits: Limits,
    /// The adopted run whose worker was seen to be gone.
    pub(crate) gone: Option<crate::adopted::Gone>,
    /// The session was refused once in this call.
    refused: bool,
}

impl<'a> Plan<'a> {
    pub(crate) fn of(args: &'a Run, runtime: Description) -> Result<Self> {
        if runtime.program.is_none() && args.program.is_none() && args.arguments.is_empty() {
            return Err(Failure::usage(format!("the runtime {} needs a command", runtime.name))
                .hint(format!("turn run --agent {} -- COMMAND ARGS…", args.agent)));
        }
        if runtime.session_by == SessionBy::None && !matches!(args.resume.as_str(), "auto" | "never") {
            return Err(Failure::usage(format!("the runtime {} has no sessions to resume", runtime.name)));
        }
        if args.parent.as_ref() == Some(&args.agent) {
            return Err(Failure::usage(format!("agent {} cannot be its own parent", args.agent)));
        }
        let cwd = work_folder(args.cwd.as_deref())?;
        let expected = owed::resolve(&args.expect, &cwd)?;
        let limits = limits(&args.clocks, &runtime);
        Ok(Self { args, runtime, prompt: None, cwd, expected, stops: 0, gone: None, limits, refused: false })
    }

    /// The same, after the runtime has refused the session.
    pub(crate) fn fresh(mut self) -> Self {
        self.refused = true;
        self
    }

    pub(crate) const fn is_second_try(&self) -> bool {
        self.refused
    }

    /// The session to ask for, where the run knows `good` as the one to go on with.
    pub(crate) fn session(&self, good: Option<&str>) -> (Option<String>, Resume) {
        let fresh = || (self.runtime.session_by == SessionBy::Caller).then(|| Uuid::new_v4().to_string());
        match (self.args.resume.as_str(), good) {
            _ if self.refused || self.runtime.session_by == SessionBy::None => (fresh(), Resume::Fresh),
            ("auto", Some(good)) => (Some(good.to_owned()), Resume::Same),
            ("auto" | "never", _) => (fresh(), Resume::Fresh),
            (given, _) => (Some(given.to_owned()), Resume::Same),
        }
    }

    /// The command line for this session.
    pub(crate) fn command(
        &self,
        session: Option<&str>,
        resume: Resume,
        prompt: Option<&[u8]>,
    ) -> Result<Vec<OsString>> {
        let session = match session {
            Some(id) if resume != Resume::Fresh => Session::Resume(id),
            id => Session::Fresh(id),
        };
        let prompt = match prompt {
            Some(text) if self.runtime.prompt == PromptBy::Argument => Some(as_argument(text, &self.runtime.name)?),
            _ => None,
        };
        let words = self.runtime.command(None, session, prompt, &[ARGUMENTS.to_owned()]);
        let mut command: Vec<OsString> = Vec::new();
        for word in words {
            if word == ARGUMENTS {
                command.extend(self.args.arguments.iter().cloned());
            } else {
                command.push(word.into());
            }
        }
        if let Some(program) = &self.args.program {
            let replaced = usize::from(self.runtime.program.is_some());
            command.splice(..replaced, [program.clone().into_os_string()]);
        }
        // The kernel would end the word there, and the shim's order knows by it where the next one begins.
        if command.iter().any(|word| word.as_bytes().contains(&0)) {
            return Err(Failure::new(Exit::Config, "a word of the command has a NUL in it")
                .hint(format!("see: turn runtimes {}", self.runtime.name)));
        }
        Ok(command)
    }

    /// What of this prompt goes in by descriptor 0.
    pub(crate) fn stdin<'p>(&self, prompt: Option<&'p [u8]>) -> Option<&'p [u8]> {
        let by_stdin = matches!(self.runtime.prompt, PromptBy::StdinFile | PromptBy::StdinPipe);
        prompt.filter(|_| by_stdin)
    }

    /// How many bytes of mail go into one prompt: an argument has at most 128 KiB (MAX_ARG_STRLEN, execve(2)).
    pub(crate) const fn mail_bytes(&self) -> i64 {
        match self.runtime.prompt {
            PromptBy::Argument => 16 * 1024,
            _ => 2 * 1024 * 1024,
        }
    }

    /// A body of more bytes is cut: also one that is all escapes, six bytes for one, is then an argument.
    pub(crate) const fn longest_body(&self) -> usize {
        match self.runtime.prompt {
            PromptBy::Argument => 10 * 1024,
            _ => usize::MAX,
        }
    }

    pub(crate) fn capability(&self) -> Capability {
        capability(self.args.capability, self.args.parent.as_deref())
    }

    pub(crate) fn max_attempts(&self) -> i64 {
        max_attempts(self.args.max_attempts, self.args.parent.as_deref())
    }

    pub(crate) fn kill_after(&self) -> Duration {
        self.args.clocks.kill_after.unwrap_or(Duration::from_secs(self.runtime.kill_after_s))
    }

    pub(crate) const fn wants_cgroup(&self) -> bool {
        !matches!(self.args.contain, Contain::Subreaper)
    }

    pub(crate) const fn needs_cgroup(&self) -> bool {
        matches!(self.args.contain, Contain::Cgroup)
    }
}

/// What a run is for, unless it was given: who has a parent builds.
pub(crate) fn capability(given: Option<Capability>, parent: Option<&str>) -> Capability {
    given.unwrap_or(if parent.is_some() { Capability::Builder } else { Capability::None })
}

/// How often a run is tried, unless it was given: who has a parent is tried again.
pub(crate) fn max_attempts(given: Option<i64>, parent: Option<&str>) -> i64 {
    given.unwrap_or(if parent.is_some() { 3 } else { 1 })
}

/// A prompt as one argument, for which the kernel has a limit (MAX_ARG_STRLEN, 32 pages with the NUL; execve(2)).
fn as_argument<'t>(text: &'t [u8], runtime: &str) -> Result<&'t str> {
    let refused = |why: String| {
        Failure::usage(format!("the prompt cannot be an argument, as {runtime} takes it: {why}"))
            .hint("put it into a file, and let the prompt name that file")
    };
    if text.len() > LONGEST_ARGUMENT {
        return Err(refused(format!("it has {} bytes, and {LONGEST_ARGUMENT} are possible", text.len())));
    }
    if text.contains(&0) {
        return Err(refused("it has a NUL in it".to_owned()));
    }
    std::str::from_utf8(text).map_err(|_| refused("it is not UTF-8".to_owned()))
}

fn limits(clocks: &Clocks, runtime: &Description) -> Limits {
    let given = |limit: Option<Limit>, default| limit.map_or(default, |limit| limit.0);
    Limits {
        first_event: given(clocks.first_event, runtime.clocks.first_event()),
        stall: given(clocks.stall, runtime.clocks.stall()),
        stall_tool: given(clocks.stall_tool, runtime.clocks.stall_tool()),
        grace: clocks.grace,
        on_stall: clocks.on_stall,
    }
}
