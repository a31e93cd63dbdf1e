//! The words of a verdict: what is true of a run, why, by which rule, and what is to be done about it.
//! Only words; `judge::verdict` decides between them, and `docs/reconcile.md` has their table.

use crate::model::Cause;
use crate::words::words;

words! {
    /// What is true of a run.
    pub enum VerdictWord {
        /// Its work is done.
        Finished = "finished",
        /// Truth sources contradict each other.
        Conflict = "conflict",
        /// It lives, and whoever should watch it does.
        Running = "running",
        /// It lives, and nobody watches it.
        Unsupervised = "unsupervised",
        /// It waits on purpose, or for its next try.
        Waiting = "waiting",
        /// It is only being started.
        Launching = "launching",
        /// It never came to run.
        NeverStarted = "never_started",
        /// It ended without success, and said so.
        Failed = "failed",
        /// Its program crashed: its own exit proves it.
        Crashed = "crashed",
        /// Somebody else's signal, or a stop, ended it.
        Killed = "killed",
        /// Gone without a word.
        Vanished = "vanished",
        /// Its shim is gone and something of its tree lives.
        Orphaned = "orphaned",
        /// It lives, and has been silent for longer than its clock allows, or was ended for that.
        Stalled = "stalled",
        /// The provider refused for now.
        Limited = "limited",
        /// A person has to act.
        NeedsHuman = "needs_human",
        /// It could not be found out.
        Unknown = "unknown",
    }
}

words! {
    /// The rules, in the order they are tried in.
    pub enum Rule {
        /// The run has ended.
        Terminal = "terminal",
        /// What its work has left says how it ended.
        DurableResult = "durable_result",
        /// It waits on purpose.
        IntentionalWait = "intentional_wait",
        /// It is being started, or never was.
        LaunchPending = "launch_pending",
        /// Whether what stands for it lives, by its identity.
        Identity = "identity",
        /// Its shim is dead, and something of its tree is not.
        Orphaned = "orphaned",
        /// It lives and is silent.
        Silent = "silent",
        /// Nothing else is known than its age.
        Age = "age",
    }
}

words! {
    /// What is to be done about it.
    pub enum Action {
        /// Nothing.
        None = "none",
        /// The end is recorded as its work has left it.
        Adopt = "adopt",
        /// Somebody has to watch it again: `turn attach`.
        Attach = "attach",
        /// What lives of it is ended, and its end recorded.
        KillThenCrash = "kill_then_crash",
        /// The run is recorded as crashed.
        MarkCrashed = "mark_crashed",
        /// The end is recorded, and a next try.
        RetryAt = "retry_at",
        /// A next turn may begin: `turn run`.
        Resume = "resume",
        /// The end is recorded, and the run given up.
        Deadletter = "deadletter",
        /// The end is recorded, and the parent told.
        NotifyParent = "notify_parent",
        /// A person is asked.
        AskHuman = "ask_human",
    }
}

words! {
    /// Why something was to be done and was not.
    pub enum Skipped {
        /// Somebody else supervises or finishes it.
        Busy = "busy",
        /// Looked at again, it was otherwise.
        MovedOn = "moved_on",
        /// It failed; the error is on stderr.
        Failed = "failed",
    }
}

words! {
    /// Why, where no cause of an end says it.
    pub enum Ground {
        /// It has ended, as it is recorded.
        Recorded = "recorded",
        /// Truth sources say different things.
        SourcesContradict = "sources_contradict",
        /// Its work is done, and something of its tree lives.
        TreeLives = "tree_lives",
        /// A question that it asked waits for its answer.
        QuestionOpen = "question_open",
        /// It waits, and what it waited for is no more.
        NothingAwaited = "nothing_awaited",
        /// It has waited for as long as it may.
        WaitOver = "wait_over",
        /// Its next try is due later.
        RetryPending = "retry_pending",
        /// Its next try is due.
        RetryDue = "retry_due",
        /// It is between two turns, and no next try is recorded.
        RetryMissing = "retry_missing",
        /// The provider's time lies ahead.
        LimitPending = "limit_pending",
        /// The provider's time is over.
        LimitOver = "limit_over",
        /// A person was asked already.
        PersonAsked = "person_asked",
        /// Its turn is only just being started.
        BeingStarted = "being_started",
        /// Its session may still come.
        LaunchPending = "launch_pending",
        /// It lives, and its supervisor watches it.
        Watched = "watched",
        /// It lives.
        Alive = "alive",
        /// Others tell that it lives.
        ToldAlive = "told_alive",
        /// It lives, and its supervisor is gone.
        NoSupervisor = "no_supervisor",
        /// Whether it lives could not be found out.
        LookFailed = "look_failed",
        /// One look says that it is gone, and none has agreed yet.
        OneLook = "one_look",
        /// We see it gone, and others tell that it lives.
        EvidenceContradicts = "evidence_contradicts",
        /// What it has left of its end cannot be read.
        EndUnreadable = "end_unreadable",
        /// Whether its work is done cannot be told.
        OwedUnknown = "owed_unknown",
        /// It could not be found out for too long.
        UnknownTooLong = "unknown_too_long",
        /// Its shim is gone, and not all of its tree.
        ShimGone = "shim_gone",
        /// Nothing stands for it.
        NothingStandsForIt = "nothing_stands_for_it",
        /// Who watched it failed; what it owes is there.
        MonitoringFailedVerifiedSuccess = "monitoring_failed_verified_success",
        /// Who watched it failed; what it owes is not there.
        MonitoringFailedVerifiedIncomplete = "monitoring_failed_verified_incomplete",
    }
}

/// Why a verdict is what it is: the cause of an end, or a ground of its own. One word, whichever it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum Why {
    /// How the newest work ended.
    End(Cause),
    /// Another ground.
    Ground(Ground),
}

impl Why {
    /// The word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::End(cause) => cause.word(),
            Self::Ground(ground) => ground.word(),
        }
    }
}

impl From<Cause> for Why {
    fn from(cause: Cause) -> Self {
        Self::End(cause)
    }
}

impl From<Ground> for Why {
    fn from(ground: Ground) -> Self {
        Self::Ground(ground)
    }
}
