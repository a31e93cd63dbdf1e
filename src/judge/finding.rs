//! What each look at a run's evidence means: the raw answer of an instrument in, a finding out. Called by `gather`.
//! It never takes what could not be looked at for an absence.

use crate::clock::Stamp;
use crate::judge::mark::Standing;
use crate::judge::verdict::{Case, Held, Left, Work};
use crate::model::{DeadLetter, Finding, LetterState, MarkState, Meaning, Observed, Reach, Reason, RunState, Sight};

/// Does a mark mean something yet?
#[must_use]
pub const fn of_mark(standing: &Standing) -> Finding {
    match standing.state {
        MarkState::Live => Finding::yes(Meaning::Present, standing.reason),
        MarkState::Stale | MarkState::Removed => Finding::no(Meaning::Absent, standing.reason),
        MarkState::Unknown | MarkState::Unreadable => Finding::unknown(standing.reason),
    }
}

/// Does a mark hold the run's agent back?
#[must_use]
pub const fn of_hold(standing: &Standing) -> Finding {
    let found = of_mark(standing);
    let meaning = match found.meaning {
        Meaning::Present => Meaning::Held,
        Meaning::Absent => Meaning::Free,
        other => other,
    };
    Finding { meaning, ..found }
}

/// What was found where a file of ours should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trace {
    /// It is there, and says it.
    Says,
    /// It is there, and does not say it.
    Silent,
    /// It is not there.
    Absent,
    /// It is there and cannot be read.
    Unreadable,
}

/// How old something is by its own clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// There is nothing.
    Never,
    /// So many milliseconds.
    Millis(i64),
    /// It lies in the future.
    Future,
}

impl Age {
    /// Of what is there, by an age that a moment in the future has not.
    #[must_use]
    pub const fn of(known: Option<i64>) -> Self {
        match known {
            Some(age) if age >= 0 => Self::Millis(age),
            _ => Self::Future,
        }
    }

    /// The age, where it has one.
    #[must_use]
    pub const fn millis(self) -> Option<i64> {
        match self {
            Self::Millis(age) => Some(age),
            Self::Never | Self::Future => None,
        }
    }
}

/// Is the end of the run recorded?
#[must_use]
pub const fn of_state(state: RunState) -> Finding {
    match state.is_terminal() {
        true => Finding::yes(Meaning::Done, Reason::EndRecorded),
        false => Finding::no(Meaning::NotDone, Reason::NoEndRecorded),
    }
}

/// Is the lock held?
#[must_use]
pub const fn of_lock(held: Held) -> Finding {
    match held {
        Held::Yes => Finding::yes(Meaning::Held, Reason::Locked),
        Held::No => Finding::no(Meaning::Free, Reason::NotLocked),
        Held::Unknown => Finding::unknown(Reason::LookFailed),
    }
}

/// Has the shim recorded the agent's end?
#[must_use]
pub const fn of_exit_record(trace: Trace) -> Finding {
    match trace {
        Trace::Says => Finding::yes(Meaning::Done, Reason::Exited),
        Trace::Silent | Trace::Absent => Finding::no(Meaning::NotDone, Reason::NoExitRecord),
        Trace::Unreadable => Finding::unknown(Reason::Unreadable),
    }
}

/// Does the stream say that the agent has ended its work?
#[must_use]
pub const fn of_stream(trace: Trace) -> Finding {
    match trace {
        Trace::Says => Finding::yes(Meaning::Done, Reason::TerminalEvent),
        Trace::Silent => Finding::no(Meaning::NotDone, Reason::NoTerminalEvent),
        Trace::Absent => Finding::unknown(Reason::NoStream),
        Trace::Unreadable => Finding::unknown(Reason::Unreadable),
    }
}

/// Does the agent go on within its time?
#[must_use]
pub const fn of_silence(is_over: Overdue) -> Finding {
    match is_over {
        Overdue::No => Finding::yes(Meaning::Growing, Reason::WithinClock),
        Overdue::Yes => Finding::no(Meaning::Silent, Reason::OverClock),
        Overdue::NoClock => Finding::unknown(Reason::NoClock),
    }
}

/// Whether a silence has lasted longer than its clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overdue {
    /// It has.
    Yes,
    /// It has not.
    No,
    /// There is none.
    NoClock,
}

/// Does something of the turn live? Of what its shim holds together nobody has asked: the lock speaks for it.
#[must_use]
pub const fn of_left(left: Left) -> Finding {
    match left {
        Left::Some(_) => Finding::yes(Meaning::Alive, Reason::LeftBehind),
        Left::Nothing => Finding::no(Meaning::Dead, Reason::NothingLeft),
        Left::Unknown(why) => Finding::unknown(why),
        Left::Held => Finding::yes(Meaning::Alive, Reason::Locked),
    }
}

/// Is what is owed there?
#[must_use]
pub const fn of_reach(reach: Reach) -> Finding {
    match reach {
        Reach::Reached => Finding::yes(Meaning::Done, Reason::Reached),
        Reach::NotReached => Finding::no(Meaning::NotDone, Reason::NotReached),
        Reach::Contradicted => Finding::no(Meaning::NotDone, Reason::Contradicted),
        Reach::Unknown => Finding::unknown(Reason::Undecided),
    }
}

/// Has the worker beaten? A beat from the future says nothing of when it was.
#[must_use]
pub const fn of_beat(age: Age) -> Finding {
    match age {
        Age::Millis(_) => Finding::yes(Meaning::Present, Reason::Beaten),
        Age::Never => Finding::no(Meaning::Absent, Reason::NoBeat),
        Age::Future => Finding::unknown(Reason::ClockSkew),
    }
}

/// Is the file that the worker writes there?
#[must_use]
pub const fn of_log(trace: Trace, age: Age) -> Finding {
    match (trace, age) {
        (Trace::Unreadable, _) => Finding::unknown(Reason::Unreadable),
        (Trace::Absent, _) => Finding::no(Meaning::Absent, Reason::NoFile),
        (Trace::Says | Trace::Silent, Age::Future) => Finding::unknown(Reason::ClockSkew),
        (Trace::Says | Trace::Silent, _) => Finding::yes(Meaning::Present, Reason::Present),
    }
}

/// Is the next try due?
#[must_use]
pub fn of_retry(due: Stamp, now: Stamp) -> Finding {
    match due <= now {
        true => Finding::yes(Meaning::Present, Reason::RetryDue),
        false => Finding::no(Meaning::Present, Reason::RetryLater),
    }
}

/// Is what was given up still to be dealt with?
#[must_use]
pub const fn of_dead_letter(letter: &DeadLetter) -> Finding {
    match letter.state() {
        LetterState::Open => Finding::yes(Meaning::Present, Reason::DeadLetterOpen),
        LetterState::Resolved | LetterState::Replayed | LetterState::Closed => {
            Finding::no(Meaning::Present, Reason::DeadLetterClosed)
        }
    }
}

/// What is seen of a run's work as a whole; none where there is no work. The lock and the tree are those of the turn
/// that goes on; of one that has ended, its agent is what there is to see.
#[must_use]
pub fn observed(case: &Case) -> Option<Observed> {
    match &case.work {
        Work::None => None,
        Work::Worker(worker) => Some(worker.sight.observed),
        Work::Turn(turn) if case.outcome.is_some() => turn.agent.map(|agent| agent.observed),
        Work::Turn(turn) => Some(match (turn.left, turn.agent) {
            (Left::Held | Left::Some(_), _) | (_, Some(Sight { observed: Observed::Alive, .. })) => Observed::Alive,
            (Left::Nothing, _) => Observed::Gone,
            (Left::Unknown(_), _) => Observed::Unknown,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn all(rows: &[(Finding, &str)]) {
        for (found, wanted) in rows {
            assert_eq!(format!("{} {} {}", found.answer, found.meaning, found.reason), *wanted);
        }
    }

    #[test]
    fn every_cell_of_the_tables_of_a_runs_evidence() {
        all(&[
            (of_lock(Held::Yes), "yes held locked"),
            (of_lock(Held::No), "no free not_locked"),
            (of_lock(Held::Unknown), "unknown unknown look_failed"),
            (of_exit_record(Trace::Says), "yes done exited"),
            (of_exit_record(Trace::Silent), "no not_done no_exit_record"),
            (of_exit_record(Trace::Absent), "no not_done no_exit_record"),
            (of_exit_record(Trace::Unreadable), "unknown unknown unreadable"),
            (of_stream(Trace::Says), "yes done terminal_event"),
            (of_stream(Trace::Silent), "no not_done no_terminal_event"),
            (of_stream(Trace::Absent), "unknown unknown no_stream"),
            (of_stream(Trace::Unreadable), "unknown unknown unreadable"),
            (of_silence(Overdue::No), "yes growing within_clock"),
            (of_silence(Overdue::Yes), "no silent over_clock"),
            (of_silence(Overdue::NoClock), "unknown unknown no_clock"),
            (of_left(Left::Some(2)), "yes alive left_behind"),
            (of_left(Left::Nothing), "no dead nothing_left"),
            (of_left(Left::Unknown(Reason::Restless)), "unknown unknown restless"),
            (of_left(Left::Held), "yes alive locked"),
            (of_reach(Reach::Reached), "yes done reached"),
            (of_reach(Reach::NotReached), "no not_done not_reached"),
            (of_reach(Reach::Contradicted), "no not_done contradicted"),
            (of_reach(Reach::Unknown), "unknown unknown undecided"),
            (of_retry(Stamp::from_millis(5), Stamp::from_millis(5)), "yes present retry_due"),
            (of_retry(Stamp::from_millis(6), Stamp::from_millis(5)), "no present retry_later"),
        ]);
        for state in RunState::ALL {
            let wanted = if state.is_terminal() { "yes done end_recorded" } else { "no not_done no_end_recorded" };
            all(&[(of_state(*state), wanted)]);
        }
    }

    #[test]
    fn every_cell_of_the_tables_of_a_workers_evidence() {
        all(&[
            (of_beat(Age::of(Some(0))), "yes present beaten"),
            (of_beat(Age::Never), "no absent no_beat"),
            (of_beat(Age::of(None)), "unknown unknown clock_skew"),
            (of_beat(Age::of(Some(-1))), "unknown unknown clock_skew"),
            (of_log(Trace::Unreadable, Age::Never), "unknown unknown unreadable"),
            (of_log(Trace::Absent, Age::Never), "no absent no_file"),
            (of_log(Trace::Says, Age::Future), "unknown unknown clock_skew"),
            (of_log(Trace::Says, Age::Millis(9)), "yes present present"),
        ]);
    }
}
