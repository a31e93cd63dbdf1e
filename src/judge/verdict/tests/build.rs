//! Cases as the rows of the table tell them: a plain one, and what is different about this one.

use super::super::*;
use crate::judge::outcome::{Ended, Ending, Open};
use crate::model::{
    Answer, EndedBy, ExpectKind, Fulfilment, Hold, Meaning, Reach, Reason, Sight, Standing, SubjectKind, Wish,
};

/// When all of it is judged.
pub(super) const NOW: Stamp = Stamp::from_millis(1_800_000_000_000);
pub(super) const MINUTE: i64 = 60_000;

pub(super) fn at(minutes: i64) -> Option<Stamp> {
    Some(Stamp::from_millis(NOW.millis() + minutes * MINUTE))
}

/// A case, what may be done, and the verdict it has to have.
pub(super) struct Row {
    pub(super) what: &'static str,
    pub(super) case: Case,
    pub(super) policy: Policy,
    /// `verdict cause rule action outcome state-after`.
    pub(super) says: &'static str,
}

pub(super) fn row(what: &'static str, case: Case, says: &'static str) -> Row {
    Row { what, case, policy: Policy::default(), says }
}

impl Row {
    /// Orphans and the silent may be killed.
    pub(super) fn killing(mut self) -> Self {
        (self.policy.orphans, self.policy.stalled) = (Handling::Kill, Handling::Kill);
        self
    }
}

pub(super) const fn standing(state: RunState) -> Standing {
    Standing { state, hold: None, held_until: None, held_by_provider: false }
}

/// A clean start of everything: let go, and nothing has come of it.
pub(super) const NO_END: Ending = Ending {
    started: true,
    not_run: None,
    exit: None,
    wish: None,
    expects_terminal: true,
    terminal: None,
    any_event: true,
    refused_without_event: false,
    no_credentials: false,
    code_tells: false,
};

fn run(state: RunState, work: Work) -> Case {
    Case {
        standing: standing(state),
        outcome: None,
        since_change_ms: Some(10 * MINUTE),
        attempt: 1,
        attempt_began: at(-20),
        attempts: 0,
        max_attempts: 1,
        has_parent: false,
        work,
        owed: Vec::new(),
        conflicts: Vec::new(),
        open: Open::default(),
        question_until: None,
        retry_due: None,
        reopened: false,
        told: Vec::new(),
    }
}

/// A turn of ours that lives and is watched.
pub(super) fn turn() -> Case {
    let alive = Sight::alive(Reason::Running);
    let turn = TurnCase {
        started: true,
        turn_lock: Held::Yes,
        supervisor_lock: Held::Yes,
        supervisor: alive,
        shim: Some(alive),
        agent: Some(alive),
        left: Left::Held,
        ending: Some(NO_END),
        silence: None,
        sign_ms: Some(MINUTE),
        after: After {
            before: standing(RunState::Booting),
            prior: None,
            limit_resets_at: None,
            waits_until: None,
            jitter: 1.0,
        },
    };
    run(RunState::InTurn, Work::Turn(Box::new(turn)))
}

/// A worker that somebody else started, and that lives.
pub(super) fn worker() -> Case {
    let worker = WorkerCase {
        sight: Sight::alive(Reason::Running),
        looks: 1,
        exit: None,
        beat_ms: None,
        skewed: false,
        progress_ms: None,
    };
    run(RunState::InTurn, Work::Worker(worker))
}

/// A run between its turns, whose last one ended so.
pub(super) fn idle(state: RunState, outcome: Outcome) -> Case {
    let mut case = turn().begun(RunState::Booting);
    case.standing = standing(state);
    case.outcome = Some(outcome);
    case
}

/// A run that nothing stands for.
pub(super) fn nothing(state: RunState) -> Case {
    run(state, Work::None)
}

impl Case {
    pub(super) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    pub(super) fn on_turn(mut self, change: impl FnOnce(&mut TurnCase)) -> Self {
        if let Work::Turn(turn) = &mut self.work {
            change(turn);
        }
        self
    }

    pub(super) fn on_worker(mut self, change: impl FnOnce(&mut WorkerCase)) -> Self {
        if let Work::Worker(worker) = &mut self.work {
            change(worker);
        }
        self
    }

    pub(super) fn on_end(self, change: impl FnOnce(&mut Ending)) -> Self {
        self.on_turn(|turn| turn.ending.iter_mut().for_each(change_once(change)))
    }

    /// Nobody watches it.
    pub(super) fn abandoned(self) -> Self {
        self.on_turn(|turn| {
            turn.supervisor_lock = Held::No;
            turn.supervisor = Sight::gone(Reason::NoSuchProcess);
        })
    }

    /// Nothing of it lives, and nobody watches it.
    pub(super) fn gone(self) -> Self {
        self.abandoned().on_turn(|turn| {
            turn.turn_lock = Held::No;
            turn.shim = turn.shim.map(|_| Sight::gone(Reason::NoSuchProcess));
            turn.agent = turn.agent.map(|_| Sight::gone(Reason::NoSuchProcess));
            turn.left = Left::Nothing;
        })
    }

    /// Its shim is dead, and something of its tree is not.
    pub(super) fn orphaned(self) -> Self {
        self.gone().on_turn(|turn| turn.left = Left::Some(2))
    }

    /// It is only being started: no identity yet.
    pub(super) fn begun(self, state: RunState) -> Self {
        let mut case = self.on_turn(|turn| {
            (turn.started, turn.shim, turn.agent, turn.left) = (false, None, None, Left::Held);
        });
        case.standing = standing(state);
        case.on_end(|end| (end.started, end.any_event) = (false, false))
    }

    pub(super) fn exited(self, ended: Ended) -> Self {
        self.on_end(|end| end.exit = Some((ended, EndedBy::Agent)))
    }

    pub(super) fn wished(self, wish: Wish) -> Self {
        self.on_end(|end| end.wish = Some(wish))
    }

    pub(super) fn attempts(mut self, attempts: i64, of: i64) -> Self {
        (self.attempts, self.attempt, self.max_attempts) = (attempts, attempts + 1, of);
        self
    }

    pub(super) fn parent(mut self) -> Self {
        self.has_parent = true;
        self
    }

    pub(super) fn owing(mut self, kind: ExpectKind, reach: Reach) -> Self {
        self.owed.push(Fulfilment { kind, reach, why: None });
        self
    }

    pub(super) fn held(mut self, hold: Hold, until: Option<Stamp>) -> Self {
        (self.standing.hold, self.standing.held_until) = (Some(hold), until);
        self
    }

    pub(super) fn seen(self, sight: Sight, looks: i64) -> Self {
        self.on_worker(|worker| (worker.sight, worker.looks) = (sight, looks))
    }

    /// Nothing was seen of it for so many minutes.
    pub(super) fn quiet(mut self, minutes: i64) -> Self {
        self.since_change_ms = Some(minutes * MINUTE);
        self.on_turn(|turn| turn.sign_ms = None)
    }

    pub(super) fn told(mut self, told: Told) -> Self {
        self.told.push(told);
        self
    }
}

/// `for_each` over an option, with something that can be called once.
fn change_once<T>(change: impl FnOnce(&mut T)) -> impl FnMut(&mut T) {
    let mut change = Some(change);
    move |value| {
        if let Some(change) = change.take() {
            change(value);
        }
    }
}

/// Evidence from another host, half a minute old, of this attempt.
pub(super) fn told(about: About, answer: Answer) -> Told {
    let (meaning, reason) = match (about, answer) {
        (About::Owed(_), Answer::Yes) => (Meaning::Done, Reason::Reached),
        (About::Named, Answer::Yes) => (Meaning::Done, Reason::AtTarget),
        (About::Owed(_) | About::Named, Answer::No) => (Meaning::NotDone, Reason::OtherStatus),
        (_, Answer::Yes) => (Meaning::Alive, Reason::Running),
        (_, Answer::No) => (Meaning::Dead, Reason::NoSuchProcess),
        (_, Answer::Unknown) => (Meaning::Unknown, Reason::Timeout),
    };
    let kind = if about == About::Named { SubjectKind::Story } else { SubjectKind::Process };
    Told {
        about,
        kind,
        subject: "4711".into(),
        attempt: Some(1),
        answer,
        meaning,
        reason,
        age_ms: Some(30_000),
        changed_at: at(-1),
        compared: false,
        elsewhere: true,
    }
}

impl Told {
    /// It was seen from this host.
    pub(super) fn here(mut self) -> Self {
        self.elsewhere = false;
        self
    }
}

/// A story's file and its line in the sprint file, as somebody named them for a run and saw them.
pub(super) fn story(answer: Answer) -> Told {
    Told { subject: "1-2-login".into(), ..told(About::Named, answer) }
}

pub(super) fn sprint(answer: Answer) -> Told {
    Told { kind: SubjectKind::Sprint, subject: "1-2".into(), ..told(About::Named, answer) }
}

/// The verdict as a row says it.
pub(super) fn says(verdict: &Verdict) -> String {
    format!(
        "{} {} {} {} {} {}",
        verdict.verdict,
        verdict.cause.word(),
        verdict.rule,
        verdict.action,
        verdict.outcome.map_or("-", Outcome::word),
        verdict.state_after
    )
}
