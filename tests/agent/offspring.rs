//! The processes a fake agent makes: always this same program with steps as arguments. They inherit every
//! descriptor that is not close-on-exec, which is how a test counts them. `spawn` comes back when the child
//! stands where its kind says, so that a test does not race with it.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

use crate::agent::Agent;
use crate::{SCRIPT, life};

const SELF: &str = "/proc/self/exe";

/// In what way a child is hard to find or to end. Kinds can be added up: `setsid+ignore-term`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Plain,
    Group,
    Setsid,
    DoubleFork,
    IgnoreTerm,
    Stopped,
    HoldsStdout,
    ClosesAll,
    Subreaper,
    LeakFds,
    NoEnv,
}

const KINDS: [(&str, Kind); 11] = [
    ("plain", Kind::Plain),
    ("group", Kind::Group),
    ("setsid", Kind::Setsid),
    ("double-fork", Kind::DoubleFork),
    ("ignore-term", Kind::IgnoreTerm),
    ("stopped", Kind::Stopped),
    ("holds-stdout", Kind::HoldsStdout),
    ("closes-all", Kind::ClosesAll),
    ("subreaper", Kind::Subreaper),
    ("leak-fds", Kind::LeakFds),
    ("no-env", Kind::NoEnv),
];

impl Kind {
    pub(crate) fn named(word: &str) -> Result<Self> {
        let found = KINDS.iter().find(|(name, _)| *name == word.trim());
        found.map(|(_, kind)| *kind).with_context(|| format!("no kind of child '{word}'"))
    }

    fn name(self) -> &'static str {
        KINDS.iter().find(|(_, kind)| *kind == self).map_or("plain", |(name, _)| name)
    }

    /// What the child does before anything else.
    fn before(self) -> &'static [&'static str] {
        match self {
            Self::Plain | Self::HoldsStdout | Self::DoubleFork | Self::NoEnv => &[],
            Self::Group => &["setpgid"],
            // A session of its own also for the stopped: the kernel wakes and hangs up the stopped members
            // of a process group that becomes an orphan.
            Self::Setsid | Self::Stopped | Self::ClosesAll => &["setsid"],
            Self::IgnoreTerm => &["ignore HUP INT QUIT TERM"],
            Self::Subreaper => &["setsid", "subreaper"],
            Self::LeakFds => &["leak-fds"],
        }
    }

    /// What the child does after the steps it was given.
    fn after(self) -> &'static [&'static str] {
        match self {
            Self::Stopped => &["stop-self", "hang"],
            Self::ClosesAll => &["close-all", "hang"],
            _ => &[],
        }
    }
}

/// Starts a child of these kinds with these steps, and waits until it is what they say.
pub(crate) fn spawn(agent: &Agent, kinds: &[Kind], steps: &[String]) -> Result<()> {
    if kinds.contains(&Kind::DoubleFork) {
        return double_fork(agent, kinds, steps);
    }
    let child = start_and_wait(agent, kinds, &script_of(kinds, steps))?;
    if kinds.contains(&Kind::Stopped) {
        let pid = Pid::from_raw(i32::try_from(child.id()).context("pid")?);
        waitpid(pid, Some(WaitPidFlag::WUNTRACED)).context("wait for a stopped child")?;
    }
    Ok(())
}

/// The middle process starts the child, waits until it is ready, and goes; the child is an orphan by then.
fn double_fork(agent: &Agent, kinds: &[Kind], steps: &[String]) -> Result<()> {
    let rest: Vec<&str> = kinds.iter().filter(|kind| **kind != Kind::DoubleFork).map(|kind| kind.name()).collect();
    let kinds_left = if rest.is_empty() { "plain".to_owned() } else { rest.join("+") };
    let script = ["setsid".to_owned(), format!("spawn {kinds_left} {{ {} }}", steps.join("\n"))];
    let mut middle = command(agent, kinds, &script);
    middle.spawn().context("start a child")?.wait().context("wait for the middle process")?;
    Ok(())
}

fn script_of(kinds: &[Kind], steps: &[String]) -> Vec<String> {
    let mut script: Vec<String> = Vec::new();
    for step in kinds.iter().flat_map(|kind| kind.before()) {
        // setsid(2) fails for whoever leads a session already.
        if !script.iter().any(|earlier| earlier == step) {
            script.push((*step).into());
        }
    }
    // A child that closes everything tells by that when it is ready; one with a `ready` of its own says it there.
    if !kinds.contains(&Kind::ClosesAll) && !steps.iter().any(|step| step == "ready") {
        script.push("ready".into());
    }
    // These two end in `hang` by themselves, after what they are named for.
    let hangs_later = kinds.iter().any(|kind| matches!(kind, Kind::Stopped | Kind::ClosesAll));
    script.extend(steps.iter().filter(|step| !(hangs_later && *step == "hang")).cloned());
    script.extend(kinds.iter().flat_map(|kind| kind.after()).map(|step| (*step).to_owned()));
    script
}

/// Starts a child and does not wait for anything.
pub(crate) fn launch(agent: &Agent, steps: &[&str]) -> Result<()> {
    let steps: Vec<String> = steps.iter().map(|step| (*step).to_owned()).collect();
    command(agent, &[], &steps).spawn().context("start a child")?;
    Ok(())
}

/// A command line, run by `/bin/sh` and waited for. Its output is not the agent's: it goes to /dev/null.
pub(crate) fn run(agent: &Agent, line: &str) -> Result<()> {
    let exec = format!("exec {line}");
    let mut command = if agent.caught().is_empty() { shell(agent, line) } else { self_with(agent, &[exec]) };
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status().with_context(|| format!("run {line}"))?;
    if !status.success() {
        eprintln!("fake-agent: run {line}: {status}");
    }
    Ok(())
}

/// A command line in place of this process.
pub(crate) fn exec(agent: &Agent, line: &str) -> Result<()> {
    Err(shell(agent, line).exec()).with_context(|| format!("exec {line}"))
}

fn shell(agent: &Agent, line: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(line);
    environment(&mut command, agent);
    command
}

/// The child's stdin is the writing end of a pipe; it closes it when it is ready (or dead).
fn start_and_wait(agent: &Agent, kinds: &[Kind], steps: &[String]) -> Result<Child> {
    let (mut ready, stdin) = std::io::pipe().context("make a pipe")?;
    let mut command = command(agent, kinds, steps);
    let child = command.stdin(stdin).spawn().context("start a child")?;
    drop(command);
    ready.read_to_end(&mut Vec::new()).context("wait for a child")?;
    Ok(child)
}

fn command(agent: &Agent, kinds: &[Kind], steps: &[String]) -> Command {
    let mut command = self_with(agent, steps);
    command.stdin(Stdio::null());
    if !kinds.contains(&Kind::HoldsStdout) {
        command.stdout(Stdio::null()).stderr(Stdio::null());
    }
    if kinds.contains(&Kind::NoEnv) {
        command.env_clear().env(life::END, agent.end.to_string());
        command.envs(std::env::var_os(life::FAMILY).map(|family| (life::FAMILY, family)));
    }
    command
}

/// This program again. A signal that the script catches is blocked here, and the mask goes through exec.
fn self_with(agent: &Agent, steps: &[String]) -> Command {
    let mut command = Command::new(SELF);
    command.arg0("fake-agent");
    let caught = agent.caught();
    if !caught.is_empty() {
        command.arg(format!("default {}", caught.join(" ")));
    }
    command.args(steps);
    environment(&mut command, agent);
    command
}

/// Without the script: a child that read it again would never end.
fn environment(command: &mut Command, agent: &Agent) {
    command.envs(&agent.environment).env_remove(SCRIPT).env(life::END, agent.end.to_string());
}
