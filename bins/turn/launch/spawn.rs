//! Starting the shim: its folder, its environment, its lock, its socket.

use std::ffi::{OsStr, OsString};
use std::fs::{DirBuilder, File};
use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use refloat::clock::Stamp;
use refloat::error::{Failure, IoContext, Result};
use refloat::exit::Exit;
use refloat::lock::TurnLock;
use refloat::runtime::{PromptBy, StopSignal};
use refloat::seam::cgroup::Cgroup;
use refloat::seam::process::Handle;
use refloat::seam::reap;
use refloat::seam::spawn::{self, Stdio};
use refloat::state::{PROMPT, Place};

use super::begin::Begun;
use super::plan::Plan;
use crate::shim::{GO, Order, Ready, SHIM, Terms, millis};

/// How long a shim may take to have its agent at the gate.
const PATIENCE: Duration = Duration::from_secs(60);

/// A started shim.
pub(super) struct Shim {
    pid: i32,
    control: UnixStream,
    handle: Option<Handle>,
}

/// The turn's folder, with the prompt in it, also where it goes in as an argument: the turn may be run once more.
pub(super) fn make_folder(log_dir: &Path, prompt: Option<&[u8]>) -> Result<()> {
    let what = || format!("cannot create {}", log_dir.display());
    set_aside(log_dir)
        .and_then(|()| DirBuilder::new().recursive(true).mode(0o700).create(log_dir))
        .map_err(|error| Failure::io(what(), error).exit(Exit::CannotCreate))?;
    if let Some(text) = prompt {
        let path = log_dir.join(PROMPT);
        let mut file = own_file(&path).or_fail(|| format!("cannot create {}", path.display()))?;
        if let Err(error) = file.write_all(text) {
            // Half of it may have taken the room that everybody else's state needs.
            let _ = std::fs::remove_file(&path);
            return Err(Failure::io(format!("cannot write the prompt to {}", path.display()), error));
        }
    }
    Ok(())
}

/// A state file that was restored, or begun anew, gives out its numbers again: another turn's stream and exit record
/// are not this turn's. They stay, under the name they have and the time.
fn set_aside(log_dir: &Path) -> std::io::Result<()> {
    if !log_dir.is_dir() {
        return Ok(());
    }
    let mut old = log_dir.as_os_str().to_owned();
    old.push(format!(".{}", Stamp::now().millis()));
    std::fs::rename(log_dir, old)
}

fn own_file(path: &Path) -> std::io::Result<File> {
    File::options().create(true).append(true).mode(0o600).open(path)
}

/// Starts a shim for an agent's next turn. It does nothing before its order, so it can make itself ready while the
/// turn gets its row; without an order it ends.
pub(super) fn shim(lock: &TurnLock, agent: &str) -> Result<Shim> {
    let what = || "cannot start the shim".to_owned();
    let (mine, theirs) = UnixStream::pair().or_fail(what)?;
    let share = lock.share().or_fail(what)?;
    let null = File::options().write(true).open("/dev/null").or_fail(what)?;
    let stdio = Stdio { input: share.as_fd(), output: theirs.as_fd(), errors: null.as_fd() };
    let environment: Vec<_> = std::env::vars_os().collect();
    let pid = spawn::ourselves(&["turn".into(), SHIM.into(), agent.into()], &environment, stdio).or_fail(what)?;
    Ok(Shim { pid, control: mine, handle: None })
}

/// What the shim of this turn is to do.
pub(super) fn order(place: &Place, plan: &Plan<'_>, begun: &Begun, log_dir: &Path, cgroup: Option<&Cgroup>) -> Order {
    Order {
        terms: Terms {
            turn: begun.turn.id,
            deadline_ms: millis(plan.args.clocks.deadline),
            stop_signal: stop_signal(plan.runtime.stop_signal),
            kill_after_ms: millis(plan.kill_after()),
            wrapper: plan.runtime.wrapper,
            pipe: plan.runtime.prompt == PromptBy::StdinPipe,
        },
        log_dir: log_dir.to_owned(),
        crashes: place.companion("crashes"),
        cwd: plan.cwd.clone(),
        prompt: plan.stdin(begun.prompt.as_deref()).map(|_| log_dir.join(PROMPT)),
        cgroup: cgroup.map(|group| group.path().to_owned()),
        command: begun.command.clone(),
        environment: environment(place, plan, begun),
    }
}

impl Shim {
    /// There is no turn for it: it goes, and its share of the lock with it.
    pub(super) fn dismiss(self) {
        reap::dismiss(self.pid);
    }

    /// Sends the order and waits until the agent stands at its gate; says who they are.
    pub(super) fn ready(&mut self, order: &Order) -> Result<Ready> {
        let gone = || {
            Failure::new(Exit::TurnLost, "the shim ended before the agent could start")
                .hint(format!("see {}", order.log_dir.join("shim.log").display()))
        };
        let wait = || "cannot wait for the shim".to_owned();
        self.control.set_write_timeout(Some(PATIENCE)).or_fail(wait)?;
        self.control.set_read_timeout(Some(PATIENCE)).or_fail(wait)?;
        order.send(&self.control).map_err(|_| gone())?;
        let mut line = String::new();
        let read = BufReader::new(&self.control).read_line(&mut line);
        if !matches!(read, Ok(1..)) {
            return Err(gone());
        }
        let ready: Ready = serde_json::from_str(&line).map_err(|_| gone())?;
        self.handle = Some(Handle::open(&ready.shim).map_err(|_| gone())?);
        Ok(ready)
    }

    /// Lets the agent go.
    pub(super) fn go(&mut self) -> Result<()> {
        let written = self.control.write_all(&[GO]);
        written.map_err(|error| Failure::io("cannot let the agent go", error).exit(Exit::TurnLost))
    }

    /// The shim as something to signal and to wait for, and the socket on which it says that it has finished.
    pub(super) fn into_parts(self) -> (Option<Handle>, UnixStream) {
        (self.handle, self.control)
    }
}

/// Ours, without what the runtime must not see, and with what makes the child a part of this turn.
fn environment(place: &Place, plan: &Plan<'_>, begun: &Begun) -> Vec<OsString> {
    let (turn, run) = (&begun.turn, &begun.run);
    let own: [(&str, OsString); 6] = [
        ("REFLOAT_STATE", place.file.clone().into()),
        ("REFLOAT_AGENT", turn.agent.clone().into()),
        ("REFLOAT_RUN", run.id.to_string().into()),
        ("REFLOAT_TURN", turn.id.to_string().into()),
        ("REFLOAT_TOKEN", turn.token.clone().into()),
        ("REFLOAT_PARENT", run.parent.clone().unwrap_or_default().into()),
    ];
    let unwanted = |name: &OsString| {
        plan.runtime.env_remove.iter().any(|gone| name == gone.as_str()) || own.iter().any(|(ours, _)| name == ours)
    };
    let inherited = std::env::vars_os().filter(|(name, _)| !unwanted(name));
    let ours = own.iter().map(|(name, value)| (OsString::from(name), value.clone()));
    inherited.chain(ours).map(|(name, value)| entry(name, &value)).collect()
}

fn entry(mut name: OsString, value: &OsStr) -> OsString {
    name.push("=");
    name.push(value);
    name
}

const fn stop_signal(signal: StopSignal) -> i32 {
    use nix::sys::signal::Signal;
    match signal {
        StopSignal::Int => Signal::SIGINT as i32,
        StopSignal::Term => Signal::SIGTERM as i32,
        StopSignal::Hup => Signal::SIGHUP as i32,
    }
}
