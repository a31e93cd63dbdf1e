//! Cases of every kind, from a seed: whatever can stand in a state file and be seen beside it.

use super::super::*;
use super::build::{MINUTE, NO_END, NOW, at, idle, nothing, standing, turn, worker};
use crate::judge::outcome::{Ended, NotRun, Open, Terminal};
use crate::model::{
    Answer, EndedBy, ExpectKind, Fulfilment, Hold, Meaning, OutcomeSource, Phase, Reach, Reason, Sight, SubjectKind,
    Wish,
};

/// Numbers that are the same each time (xorshift64*).
pub(super) struct Dice(u64);

impl Dice {
    pub(super) const fn of(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        usize::try_from((self.next() >> 33) % u64::try_from(end).unwrap()).unwrap()
    }

    pub(super) fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    /// Once in so many times.
    pub(super) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    fn millis(&mut self) -> i64 {
        self.one(&[0, 1, 20_000, 59_999, 60_000, 61_000, 10 * MINUTE, 60 * MINUTE, 5000 * MINUTE])
    }

    fn sometimes<T>(&mut self, times: usize, value: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.once_in(times) { Some(value(self)) } else { None }
    }

    /// A case.
    pub(super) fn case(&mut self) -> Case {
        let mut case = match self.below(8) {
            0 => self.idle(),
            1 => nothing(self.one(RunState::ALL)),
            2..=3 => self.worker(),
            _ => self.turn(),
        };
        case.since_change_ms = self.one(&[None, Some(0), Some(59_000), Some(10 * MINUTE), Some(100 * MINUTE)]);
        case.max_attempts = self.one(&[1, 3]);
        case.attempts = self.one(&[0, 0, 2]).min(case.max_attempts - 1);
        case.attempt_began = self.one(&[None, at(0), at(-1), at(-100)]);
        case.has_parent = self.once_in(2);
        case.owed = self.owed();
        case.conflicts = self.sometimes(8, |_| "a says x, b says y".to_owned()).into_iter().collect();
        case.open = self.open();
        case.question_until = self.sometimes(6, |dice| dice.one(&[at(1), at(0), at(-1)])).flatten();
        case.retry_due = self.sometimes(4, |dice| dice.one(&[at(1), at(0), at(-1)])).flatten();
        case.reopened = case.retry_due.is_some() && self.once_in(3);
        case.told = (0..self.below(4)).map(|_| self.told()).collect();
        case
    }

    pub(super) fn policy(&mut self) -> Policy {
        let handling = [Handling::Report, Handling::Kill];
        Policy { orphans: self.one(&handling), stalled: self.one(&handling), ..Policy::default() }
    }

    fn idle(&mut self) -> Case {
        // Nothing of a run that is booting has run.
        let mut case = match self.one(RunState::ALL) {
            RunState::Booting => idle(RunState::Booting, Outcome::NeverStarted),
            state => idle(state, self.one(Outcome::ALL)),
        };
        case.standing.hold = self.sometimes(2, |dice| dice.one(Hold::ALL));
        case.standing.held_until = self.sometimes(2, |dice| dice.one(&[at(1), at(0), at(-1)])).flatten();
        case
    }

    fn sight(&mut self) -> Sight {
        match self.below(3) {
            0 => Sight::alive(self.one(&[Reason::Running, Reason::Listed, Reason::Stopped])),
            1 => Sight::gone(self.one(&[
                Reason::NoSuchProcess,
                Reason::PidReused,
                Reason::Rebooted,
                Reason::NotListed,
                Reason::NoServer,
                Reason::PaneDead,
                Reason::NeverAppeared,
            ])),
            _ => Sight::unknown(self.one(&[Reason::Timeout, Reason::OtherNamespace, Reason::Launching])),
        }
    }

    fn exit(&mut self) -> Ended {
        self.one(&[Ended::Code(0), Ended::Code(3), Ended::Code(139), Ended::Signal(9), Ended::Signal(11)])
    }

    fn worker(&mut self) -> Case {
        let (sight, exit, looks) = (self.sight(), self.sometimes(3, Self::exit), self.one(&[1, 2]));
        let (beat, progress) = (self.sometimes(2, Self::millis), self.sometimes(2, Self::millis));
        let state = self.one(&[RunState::Booting, RunState::InTurn, RunState::Completed]);
        worker().with(|case| case.standing.state = state).on_worker(|worker| {
            *worker = WorkerCase { sight, looks, exit, beat_ms: beat, skewed: beat.is_none(), progress_ms: progress };
        })
    }

    fn turn(&mut self) -> Case {
        let mut case = turn();
        let held = [Held::Yes, Held::No, Held::No, Held::Unknown];
        let started = !self.once_in(4);
        let (lock, supervisor) = (self.one(&held), self.one(&held));
        let (shim, agent) = (started.then(|| self.sight()), started.then(|| self.sight()));
        let lives = lock == Held::Yes || shim.is_some_and(|shim| shim.observed == crate::model::Observed::Alive);
        // What a living shim holds together is not looked for.
        let left = match lives {
            true => Left::Held,
            false => self.one(&[Left::Nothing, Left::Nothing, Left::Some(2), Left::Unknown(Reason::Hidden)]),
        };
        let ending = if self.once_in(8) { None } else { Some(self.ending(started)) };
        let silence = self.sometimes(4, |dice| Silence { phase: dice.one(Phase::ALL), silent_ms: 2, limit_ms: 1 });
        let sign_ms = self.sometimes(2, Self::millis);
        let states = [RunState::Booting, RunState::BetweenTurns, RunState::Waiting, RunState::Blocked];
        case.standing = standing(if started { RunState::InTurn } else { self.one(&states) });
        case.on_turn(|turn| {
            (turn.started, turn.turn_lock, turn.supervisor_lock) = (started, lock, supervisor);
            (turn.shim, turn.agent, turn.left) = (shim, agent, left);
            (turn.ending, turn.silence, turn.sign_ms) = (ending, silence, sign_ms);
        })
    }

    fn ending(&mut self, started: bool) -> crate::judge::outcome::Ending {
        let by = |dice: &mut Self| (dice.exit(), dice.one(EndedBy::ALL));
        let said = [
            Terminal::Clean,
            Terminal::Clean,
            Terminal::Error,
            Terminal::Limited(OutcomeSource::TypedField),
            Terminal::Auth(OutcomeSource::TypedField),
            Terminal::ResumeRefused(OutcomeSource::TerminalMessage),
        ];
        crate::judge::outcome::Ending {
            started,
            not_run: (!started)
                .then(|| self.sometimes(3, |dice| dice.one(&[NotRun::NotFound, NotRun::Unusable])))
                .flatten(),
            exit: started.then(|| self.sometimes(2, by)).flatten(),
            wish: self.sometimes(4, |dice| dice.one(Wish::ALL)),
            expects_terminal: !self.once_in(3),
            terminal: started.then(|| self.sometimes(3, |dice| dice.one(&said))).flatten(),
            any_event: self.once_in(2),
            code_tells: self.once_in(2),
            ..NO_END
        }
    }

    fn owed(&mut self) -> Vec<Fulfilment> {
        let count = self.one(&[0, 0, 1, 2]);
        let one =
            |dice: &mut Self| Fulfilment { kind: dice.one(ExpectKind::ALL), reach: dice.one(Reach::ALL), why: None };
        (0..count).map(|_| one(self)).collect()
    }

    fn open(&mut self) -> Open {
        Open {
            owes_mail: self.once_in(3),
            mail_sent: self.once_in(4),
            yielded: self.once_in(4),
            children: self.one(&[0, 0, 1]),
            unread: self.one(&[0, 0, 1]),
        }
    }

    pub(super) fn told(&mut self) -> Told {
        use {About as A, SubjectKind as K};
        Told {
            about: self.one(&[A::Work, A::Shim, A::Monitor, A::Owed(0), A::Owed(1), A::Named, A::Named, A::Other]),
            kind: self.one(&[K::Process, K::Story, K::Sprint, K::Result]),
            subject: self.one(&["one", "two"]).to_owned(),
            attempt: self.one(&[None, Some(1), Some(1), Some(2)]),
            answer: self.one(Answer::ALL),
            meaning: self.one(&[Meaning::Alive, Meaning::Dead, Meaning::Done, Meaning::NotDone, Meaning::Failed]),
            reason: self.one(&[Reason::Running, Reason::Reached, Reason::AtTarget, Reason::OtherStatus, Reason::NoKey]),
            age_ms: self.one(&[None, Some(0), Some(1), Some(30_000), Some(60_000), Some(60_001)]),
            changed_at: self.one(&[None, at(0), at(-1), at(-2)]),
            compared: self.once_in(4),
            elsewhere: self.once_in(2),
        }
    }

    /// The same case, with some of what was seen turned to unknown.
    pub(super) fn blinded(&mut self, case: &Case) -> Case {
        const BLIND: Sight = Sight::unknown(Reason::LookFailed);
        let mut case = case.clone();
        case.owed.iter_mut().filter(|_| self.once_in(2)).for_each(|owed| owed.reach = Reach::Unknown);
        for told in case.told.iter_mut().filter(|_| self.once_in(2)) {
            (told.answer, told.meaning, told.reason) = (Answer::Unknown, Meaning::Unknown, Reason::LookFailed);
        }
        let mut coins = || self.once_in(2);
        let case = case.on_worker(|worker| {
            if coins() {
                worker.sight = BLIND;
            }
        });
        case.on_turn(|turn| {
            let blind = |seen: Option<Sight>, coin: bool| if coin { seen.map(|_| BLIND) } else { seen };
            (turn.shim, turn.agent) = (blind(turn.shim, coins()), blind(turn.agent, coins()));
            turn.turn_lock = if coins() { Held::Unknown } else { turn.turn_lock };
            turn.supervisor_lock = if coins() { Held::Unknown } else { turn.supervisor_lock };
            turn.left = if coins() { Left::Unknown(Reason::LookFailed) } else { turn.left };
            turn.ending = turn.ending.filter(|_| coins());
        })
    }
}

/// A moment that all of them share.
pub(super) const WHEN: Stamp = NOW;
