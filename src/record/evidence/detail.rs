//! The raw facts behind a finding: one type for each kind of subject, all of its keys always there.

use super::run::RunDetail;
use schemars::JsonSchema;
use serde::Serialize;

use super::file::{OutputDetail, ResultDetail};
use super::lock::LockDetail;
use super::mail::MailDetail;
use super::state::StateDetail;
use super::truth::TruthDetail;
use crate::clock::Stamp;

use super::tmux::{PaneDetail, ServerDetail, SessionDetail};

/// The raw facts, by kind of subject.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Detail {
    /// Of a process.
    Pid(PidDetail),
    /// Of anything that bears on a run.
    Run(Box<RunDetail>),
    /// Of an output file.
    Output(OutputDetail),
    /// Of a result file.
    Result(ResultDetail),
    /// Of a lock.
    Lock(LockDetail),
    /// Of an agent's mail.
    Mail(MailDetail),
    /// Of the state file.
    State(StateDetail),
    /// Of a story's file, or of its line in a sprint file.
    Truth(Box<TruthDetail>),
    /// Of this machine.
    Host(HostDetail),
    /// Of a tmux server.
    Server(ServerDetail),
    /// Of a tmux session.
    Session(SessionDetail),
    /// Of a tmux pane.
    Pane(PaneDetail),
}

impl From<RunDetail> for Detail {
    fn from(detail: RunDetail) -> Self {
        Self::Run(Box::new(detail))
    }
}

/// What was read of a process.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PidDetail {
    /// Its number, as it was asked for.
    pub pid: i32,
    /// Who it is for ever, as `probe pid` takes it: the one that was asked for; where a number was, the one that has it.
    pub identity: Option<String>,
    /// When the process that has the number now began, in clock ticks since the boot (field 22 of `/proc/PID/stat`); null
    /// where that was not read.
    pub start_ticks: Option<u64>,
    /// Stopped by a signal or a tracer; null where it does not live, or that was not read.
    pub stopped: Option<bool>,
    /// What the process that has the number now calls itself.
    pub name: Option<String>,
    /// The name is not UTF-8.
    pub name_lossy: bool,
    /// The number is a thread's, of this process.
    pub thread_of: Option<i32>,
    /// The error that decided, such as `ESRCH`.
    pub errno: Option<String>,
    /// Without a start time only the number is known: it may be another process than the one that is meant.
    pub identity_unproven: bool,
}

impl Detail {
    /// What bears on a run.
    #[must_use]
    pub fn of_run(&self) -> Option<&RunDetail> {
        if let Self::Run(detail) = self { Some(detail) } else { None }
    }
}

/// What a machine tells of itself: what two places have to share before the processes of one mean anything in the other.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct HostDetail {
    /// `/etc/machine-id`: this is what a host is known by.
    pub machine_id: Option<String>,
    /// This boot.
    pub boot_id: Option<String>,
    /// Inode of the pid namespace.
    pub pid_ns: Option<u64>,
    /// Whether that is the first one of the boot.
    pub pid_ns_initial: bool,
    /// Inode of the time namespace; null too where the kernel has none.
    pub time_ns: Option<u64>,
    /// Whether that is the first one of the boot.
    pub time_ns_initial: bool,
    /// `/proc` is that of another pid namespace: its numbers are not ours.
    pub foreign_proc: bool,
    /// What it is called. Never compared: names are given twice.
    pub hostname: Option<String>,
    /// The hostname is not UTF-8.
    pub hostname_lossy: bool,
    /// The release of the kernel.
    pub kernel: Option<String>,
    /// A container by its own or its manager's word, such as `docker`. A hint: the lack of it says nothing.
    pub container: Option<String>,
    /// When it was booted, by the wall clock of now.
    pub booted_at: Stamp,
    /// How long ago that was, suspended time included; in a time namespace as it tells it.
    pub uptime_ms: i64,
    /// How much of that it was suspended.
    pub suspended_ms: i64,
    /// The tmux that is found in `PATH`.
    pub tmux: Option<String>,
    /// The path of it is not UTF-8.
    pub tmux_lossy: bool,
    /// Our own cgroup, in which turns get theirs; null where they cannot.
    pub cgroup: Option<String>,
    /// The path of it is not UTF-8.
    pub cgroup_lossy: bool,
    /// Why they cannot, such as `cgroup_denied`.
    pub no_cgroup: Option<String>,
}
