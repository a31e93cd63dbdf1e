//! Why a finding is what it is: one list of reasons for all instruments.
//! Only words: `seam` looks, `judge` finds, `record` prints.

use crate::words::words;

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
        /// tmux answers and does not list it, and did not at the first look of a wait either: it may be called otherwise.
        NeverSeen = "never_seen",
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
        /// The socket, the file or the folder may not be used.
        PermissionDenied = "permission_denied",
        /// The server went while it was asked.
        ServerExited = "server_exited",
        /// tmux cannot make its folder.
        NoDirectory = "no_directory",
        /// Client and server are of different versions.
        VersionMismatch = "version_mismatch",
        /// tmux ended without a word.
        EmptyAnswer = "empty_answer",
        /// It answers, or holds, something else than it should.
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
        /// It is there and is what it should be.
        Readable = "readable",
        /// It is longer than at the earlier look.
        Grown = "grown",
        /// It was written since the earlier look, and is not longer.
        Rewritten = "rewritten",
        /// Another file is in its place since the earlier look.
        Replaced = "replaced",
        /// It was not there at the earlier look.
        Appeared = "appeared",
        /// It was empty at two looks: whoever should write it may be dead. Of the work this says nothing.
        MonitorSuspect = "monitor_suspect",
        /// Nothing is in it.
        Empty = "empty",
        /// It ends in the middle of a record: it is being written, or was never finished.
        CutOff = "cut_off",
        /// Some of its lines are not what they should be; the others are.
        BadLines = "bad_lines",
        /// It was written each time it was read.
        BeingWritten = "being_written",
        /// A folder is there.
        IsFolder = "is_folder",
        /// A FIFO is there.
        IsFifo = "is_fifo",
        /// A socket is there.
        IsSocket = "is_socket",
        /// A device is there.
        IsDevice = "is_device",
        /// Symbolic links lead round in a circle.
        LinkLoop = "link_loop",
        /// It was last written before the attempt began.
        NotOfThisAttempt = "not_of_this_attempt",
        /// By the clocks it was written in the future.
        ClockSkew = "clock_skew",
        /// Its status says that the work is done.
        StatusDone = "status_done",
        /// Its status says that the work has failed.
        StatusFailed = "status_failed",
        /// Its status does not say how the work ended.
        StatusUnclear = "status_unclear",
        /// It has no status.
        NoStatus = "no_status",
        /// It is JSON, and no object.
        NotAnObject = "not_an_object",
        /// A value that is required is not there.
        MissingKey = "missing_key",
        /// A value is another than is required: it is the result of something else.
        OtherValue = "other_value",
        /// It is locked, and by whom is told.
        Locked = "locked",
        /// It is locked, and by whom is not known.
        HolderUnknown = "holder_unknown",
        /// It is not locked.
        NotLocked = "not_locked",
        /// There is no lock file: nobody has ever taken it.
        NoLockFile = "no_lock_file",
        /// A turn could take mail now.
        MailReady = "mail_ready",
        /// Nobody watches a turn that has no outcome: the next command that finishes it gives it one, and takes its mail back.
        Abandoned = "abandoned",
        /// No mail waits.
        NoMail = "no_mail",
        /// All that waits is leased.
        AllLeased = "all_leased",
        /// What waits is delayed, has expired, or is not for the open run.
        NotDue = "not_due",
        /// The agent was told to stop, and nothing has lifted that.
        AgentStopped = "agent_stopped",
        /// The agent is held back, until a time or by a mark.
        AgentHeld = "agent_held",
        /// The agent waits for a person.
        NeedsHuman = "needs_human",
        /// SQLite finds it whole, and it is of this version.
        Sound = "sound",
        /// It is whole, and of an older version: the next write brings it up to date.
        OlderSchema = "older_schema",
        /// It is of a newer version than this program.
        NewerSchema = "newer_schema",
        /// There is no state file.
        NoState = "no_state",
        /// It is the file of another program.
        Foreign = "foreign",
        /// SQLite finds it damaged.
        Corrupt = "corrupt",
        /// Rows are in its log, and the folder is read-only.
        WalUnreadable = "wal_unreadable",
        /// Its log is there and the file is not.
        WalWithoutFile = "wal_without_file",
        /// Its folder is another user's, or others may write to it: nothing in it is opened.
        UnsafeFolder = "unsafe_folder",
        /// Its folder is on a file system that hosts share: nothing in it is opened.
        SharedFileSystem = "shared_file_system",
        /// It belongs to another user.
        OtherUser = "other_user",
        /// It is being restored.
        Restoring = "restoring",
        /// Another program has the state file for itself.
        Busy = "busy",
        /// It has the target's status.
        AtTarget = "at_target",
        /// It has another status than the target.
        OtherStatus = "other_status",
        /// It is as it was: when the step began, so that it proves nothing, or at the earlier look.
        Unchanged = "unchanged",
        /// There is no such file.
        NoFile = "no_file",
        /// No file for the key in any of the usual places.
        NoStory = "no_story",
        /// Several files or keys could be meant, or a file says the same key twice in different spellings.
        Ambiguous = "ambiguous",
        /// The places that tell the status do not agree.
        Conflict = "conflict",
        /// The place is there, and empty.
        EmptyValue = "empty_value",
        /// The value is no text: a number, a truth value, a list.
        NotAStatus = "not_a_status",
        /// A word that is none of the known statuses.
        UnknownStatus = "unknown_status",
        /// The sprint file does not have the key.
        NoKey = "no_key",
        /// The sprint file has the key twice.
        DuplicateKey = "duplicate_key",
        /// The value is, or may come from, a YAML alias, and those are not followed.
        Alias = "alias",
        /// The sprint file has no map `development_status`.
        NoMap = "no_map",
        /// There is no YAML that can be read.
        NotYaml = "not_yaml",
        /// Tabs stand where YAML wants spaces.
        Tabs = "tabs",
        /// It has marks of a merge that was not resolved.
        MergeMarks = "merge_marks",
        /// It is nested deeper than anybody nests by hand.
        TooDeep = "too_deep",
        /// It is longer, or has more in it, than is read.
        TooBig = "too_big",
        /// It holds more than one document, where there should be one.
        SeveralDocuments = "several_documents",
        /// Its front matter has a beginning and no end.
        UnclosedFrontMatter = "unclosed_front_matter",
        /// It is no text, or not in UTF-8.
        NotText = "not_text",
        /// It is a folder, or something else that is no file.
        NotAFile = "not_a_file",
        /// It stands differently than at the earlier look.
        Changed = "changed",
        /// It is there.
        Present = "present",
        /// It was there at the earlier look, and is not now.
        Removed = "removed",
        /// The same file has another content than at the earlier look.
        Modified = "modified",
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
        /// The time that a mark was set until has come.
        UntilReached = "until_reached",
        /// The time that a mark was set until is yet to come.
        BeforeUntil = "before_until",
        /// It is sound, and no marker of a form that is known here.
        NotAMarker = "not_a_marker",
        /// Its signature is another tool's, which could not be renewed.
        Signed = "signed",
        /// A symbolic link is there: what it leads to may be somebody else's.
        IsLink = "is_link",
    }
}
