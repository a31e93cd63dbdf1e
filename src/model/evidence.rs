//! The words of evidence: what was looked at, with what, and what was found. One list of reasons for all instruments.
//! Only words and data: `seam` looks, `judge` finds, `record` prints.

use super::sight::{Observed, Sight};
use crate::clock::Stamp;
use crate::id::{EvidenceId, RunId, TurnId};
use crate::words::words;

words! {
    /// The answer to the question that an instrument is asked.
    pub enum Answer {
        /// It is so.
        Yes = "yes",
        /// It is certainly not so.
        No = "no",
        /// It could not be found out.
        Unknown = "unknown",
    }
}

words! {
    /// What the answer means for the subject.
    pub enum Meaning {
        /// It lives.
        Alive = "alive",
        /// It is gone for certain.
        Dead = "dead",
        /// It is there.
        Present = "present",
        /// It is not there.
        Absent = "absent",
        /// It is finished, or reached what it had to reach.
        Done = "done",
        /// It is not finished, or has not reached it.
        NotDone = "not_done",
        /// It went on within its time.
        Growing = "growing",
        /// Nothing has come of it for longer than its time.
        Silent = "silent",
        /// Somebody holds it.
        Held = "held",
        /// Nobody holds it.
        Free = "free",
        /// It could not be found out.
        Unknown = "unknown",
    }
}

words! {
    /// What was looked at.
    pub enum SubjectKind {
        /// A process.
        Process = "process",
        /// A tmux server.
        Server = "server",
        /// A tmux session.
        Session = "session",
        /// A tmux pane.
        Pane = "pane",
        /// A run.
        Run = "run",
        /// A story file.
        Story = "story",
        /// A line of a sprint file.
        Sprint = "sprint",
        /// A file that a monitor or an agent writes.
        Output = "output",
        /// A result file.
        Result = "result",
        /// A lock.
        Lock = "lock",
        /// An agent's mail.
        Mail = "mail",
        /// A mark.
        Mark = "mark",
        /// The state file.
        State = "state",
        /// This machine.
        Host = "host",
    }
}

words! {
    /// What it was looked at with.
    pub enum Instrument {
        /// `pidfd_open(2)` and `/proc`.
        Pidfd = "pidfd",
        /// A shared lock that is dropped at once.
        Flock = "flock",
        /// The record that the shim leaves of the agent's end.
        ExitRecord = "exit_record",
        /// The turn's stream, read to its end.
        Stream = "stream",
        /// The clock of the phase that the agent is in.
        Clocks = "clocks",
        /// The turn's cgroup, its recorded processes and its token in `/proc`.
        Survivors = "survivors",
        /// A look compared with the look at the start of the attempt.
        Baseline = "baseline",
        /// What the worker last said of itself.
        Beat = "beat",
        /// `stat(2)`.
        File = "file",
        /// The state file: recorded, and not observed.
        State = "state",
        /// What a machine and a kernel tell of themselves, in `/etc` and `/proc`.
        Host = "host",
        /// `tmux list-panes`.
        Tmux = "tmux",
    }
}

words! {
    /// Why a finding is what it is: the closed list. `docs/probe.md` explains each word.
    pub enum Reason {
        /// Machine-id, boot and namespaces can be told.
        Identified = "identified",
        /// The recorded process lives.
        Running = "running",
        /// It lives and is stopped by a signal or a tracer.
        Stopped = "stopped",
        /// tmux lists the session and its pane is not dead; its process cannot be looked at.
        Listed = "listed",
        /// No process has its number.
        NoSuchProcess = "no_such_process",
        /// Another process has its number.
        PidReused = "pid_reused",
        /// It has ended and waits for its parent to ask.
        Zombie = "zombie",
        /// The host was booted anew.
        Rebooted = "rebooted",
        /// The tmux server answered.
        Answered = "answered",
        /// The tmux server answered: it has no sessions.
        NoSessions = "no_sessions",
        /// tmux answered and does not list the session or pane.
        NotListed = "not_listed",
        /// tmux answered that it cannot find it.
        NotFound = "not_found",
        /// tmux lists the pane as dead.
        PaneDead = "pane_dead",
        /// The tmux server is gone.
        NoServer = "no_server",
        /// The session never came within the launch deadline.
        NeverAppeared = "never_appeared",
        /// The session is not there yet.
        Launching = "launching",
        /// Another boot, and not certainly a later one of this host.
        OtherBoot = "other_boot",
        /// Its number was told in another namespace.
        OtherNamespace = "other_namespace",
        /// Another machine-id.
        OtherHost = "other_host",
        /// There is no machine-id: this host cannot be told from others, nor a new boot of it from another host.
        NoMachineId = "no_machine_id",
        /// Who looks cannot tell its own boot or namespaces.
        OwnIdentityUnknown = "own_identity_unknown",
        /// `/proc` belongs to another pid namespace.
        ForeignProc = "foreign_proc",
        /// The number exists, but `/proc` does not show whose it is.
        Hidden = "hidden",
        /// No free descriptor.
        NoDescriptors = "no_descriptors",
        /// The kernel offers no pidfds.
        NotSupported = "not_supported",
        /// Another error of the instrument.
        LookFailed = "look_failed",
        /// Processes came and went faster than they could be read.
        Restless = "restless",
        /// Who recorded it could not read its start time: it may be another one.
        StartUnknown = "start_unknown",
        /// Another tmux server answers on the socket, or none, while the recorded one lives or cannot be looked at.
        SocketReplaced = "socket_replaced",
        /// The process with the number that tmux tells is no child of the tmux server, or that cannot be seen from here.
        NotAChild = "not_a_child",
        /// There is no socket, which says nothing of a server.
        NoSocket = "no_socket",
        /// The socket may not be used.
        PermissionDenied = "permission_denied",
        /// The server went while it was asked.
        ServerExited = "server_exited",
        /// tmux cannot make its folder.
        NoDirectory = "no_directory",
        /// Client and server are of different versions.
        VersionMismatch = "version_mismatch",
        /// tmux ended without a word.
        EmptyAnswer = "empty_answer",
        /// tmux answered something else than what was asked.
        Unparsable = "unparsable",
        /// The socket cannot be connected to.
        ConnectFailed = "connect_failed",
        /// tmux failed in words that are not known here.
        TmuxFailed = "tmux_failed",
        /// No answer in time.
        Timeout = "timeout",
        /// tmux cannot be started.
        ExecFailed = "exec_failed",
        /// There is no tmux.
        NotInstalled = "not_installed",
        /// The sources of one truth say different things.
        Conflict = "conflict",
        /// Somebody holds the lock.
        LockHeld = "lock_held",
        /// Nobody holds the lock.
        LockFree = "lock_free",
        /// The end is recorded.
        EndRecorded = "end_recorded",
        /// No end is recorded.
        NoEndRecorded = "no_end_recorded",
        /// The shim has left its record of the agent's end.
        Exited = "exited",
        /// There is no record of the agent's end.
        NoExitRecord = "no_exit_record",
        /// The stream has a terminal event.
        TerminalEvent = "terminal_event",
        /// The stream has none.
        NoTerminalEvent = "no_terminal_event",
        /// There is no stream.
        NoStream = "no_stream",
        /// It is there and cannot be read, or not by this version.
        Unreadable = "unreadable",
        /// The last progress is younger than the clock of its phase.
        WithinClock = "within_clock",
        /// The last progress is older than the clock of its phase.
        OverClock = "over_clock",
        /// No clock runs: silence proves nothing.
        NoClock = "no_clock",
        /// Processes of the turn live though its shim is gone.
        LeftBehind = "left_behind",
        /// Nothing of the turn lives.
        NothingLeft = "nothing_left",
        /// Changed since the attempt began, to what is expected.
        Reached = "reached",
        /// Not there, or not changed since the attempt began.
        NotReached = "not_reached",
        /// It says of itself that the work failed.
        Contradicted = "contradicted",
        /// Whether it is reached cannot be told.
        Undecided = "undecided",
        /// A heartbeat was recorded: a process wrote.
        Beaten = "beaten",
        /// No heartbeat was ever recorded.
        NoBeat = "no_beat",
        /// It was told by a clock that is ahead: it lies in the future.
        ClockSkew = "clock_skew",
        /// The file is there.
        FileThere = "file_there",
        /// The file is not there.
        NoFile = "no_file",
        /// The next try is due.
        RetryDue = "retry_due",
        /// The next try is due later.
        RetryLater = "retry_later",
        /// What was given up and neither resolved nor acknowledged.
        DeadLetterOpen = "dead_letter_open",
        /// What was given up, and later resolved or acknowledged.
        DeadLetterClosed = "dead_letter_closed",
        /// A crash that was recorded.
        CrashRecorded = "crash_recorded",
        /// A question that nobody has answered.
        QuestionOpen = "question_open",
        /// Runs that have this agent as parent are open.
        ChildrenOpen = "children_open",
        /// Mail waits for the agent.
        MailWaits = "mail_waits",
    }
}

/// What an instrument found: the answer, what it means, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The answer.
    pub answer: Answer,
    /// What it means for the subject.
    pub meaning: Meaning,
    /// Why.
    pub reason: Reason,
}

impl Finding {
    /// It is so.
    #[must_use]
    pub const fn yes(meaning: Meaning, reason: Reason) -> Self {
        Self { answer: Answer::Yes, meaning, reason }
    }

    /// It is certainly not so.
    #[must_use]
    pub const fn no(meaning: Meaning, reason: Reason) -> Self {
        Self { answer: Answer::No, meaning, reason }
    }

    /// It could not be found out. There is no other way to say so: an unknown has no meaning.
    #[must_use]
    pub const fn unknown(reason: Reason) -> Self {
        Self { answer: Answer::Unknown, meaning: Meaning::Unknown, reason }
    }
}

impl From<Finding> for Sight {
    fn from(finding: Finding) -> Self {
        match finding.answer {
            Answer::Yes => Self::alive(finding.reason),
            Answer::No => Self::gone(finding.reason),
            Answer::Unknown => Self::unknown(finding.reason),
        }
    }
}

impl From<Sight> for Finding {
    fn from(sight: Sight) -> Self {
        match sight.observed {
            Observed::Alive => Self::yes(Meaning::Alive, sight.why),
            Observed::Gone => Self::no(Meaning::Dead, sight.why),
            Observed::Unknown => Self::unknown(sight.why),
        }
    }
}

/// A piece of evidence as the state file keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The run that it bears on.
    pub run: RunId,
    /// The turn of that run.
    pub turn: Option<TurnId>,
    /// The attempt of that run.
    pub attempt: Option<i64>,
    /// What was looked at.
    pub subject_kind: SubjectKind,
    /// Which one.
    pub subject: String,
    /// What it was looked at with.
    pub instrument: Instrument,
    /// What was found.
    pub finding: Finding,
    /// The raw facts, as they were printed.
    pub detail: String,
    /// When it was observed.
    pub observed_at: Stamp,
    /// How old what it tells was then.
    pub age_ms: Option<i64>,
    /// The host it was observed on.
    pub host: Option<String>,
    /// The boot it was observed in.
    pub boot_id: Option<String>,
}

/// A piece of evidence that was stored, with its id.
pub type Stored = (EvidenceId, Kept);
