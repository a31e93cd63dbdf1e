//! The ladder by which a shim ends its agent: the runtime's own stop signal, TERM, then KILL of everything.
//! One instance per turn; it knows the deadline, who asked, and which rung comes next.

use std::time::Duration;

use nix::sys::signal::Signal;
use nix::unistd::Pid;
use refloat::clock::Tick;
use refloat::model::EndedBy;
use refloat::seam::process::Handle;

use super::Terms;

/// A timer that comes later than this means that we were not running: stopped, paused, not merely slow.
const LATE: Duration = Duration::from_secs(5);

/// The rungs, from the first to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rung {
    Ground,
    Stop,
    Term,
    Kill,
}

/// Where the shim stands.
pub(super) struct Ladder {
    stop: Signal,
    pause: Duration,
    deadline: Tick,
    rung: Rung,
    next: Option<Tick>,
    by: EndedBy,
    frozen: Duration,
}

impl Ladder {
    pub(super) fn new(terms: &Terms, started: Tick) -> Self {
        Self {
            stop: Signal::try_from(terms.stop_signal).unwrap_or(Signal::SIGTERM),
            pause: terms.kill_after(),
            deadline: started.plus(terms.deadline()),
            rung: Rung::Ground,
            next: None,
            by: EndedBy::Agent,
            frozen: Duration::ZERO,
        }
    }

    /// When something is to be done next.
    pub(super) fn due(&self) -> Tick {
        self.next.unwrap_or(self.deadline)
    }

    /// A wait that ended late gives the lateness back to the deadline: the agent was most likely frozen with us.
    pub(super) fn thaw(&mut self, due: Tick, now: Tick) {
        let late = now.since(due);
        if late > LATE {
            self.frozen += late;
            self.deadline = self.deadline.plus(late);
        }
    }

    /// TERM asks for the end, and once is enough; QUIT for the end at once.
    pub(super) fn hear(&mut self, signal: Signal, now: Tick) {
        match (signal, self.rung) {
            (Signal::SIGTERM | Signal::SIGQUIT, Rung::Ground) => {
                self.by = EndedBy::Asked;
                self.rung = if signal == Signal::SIGQUIT { Rung::Term } else { Rung::Ground };
                self.next = Some(now);
            }
            (Signal::SIGQUIT, _) => {
                self.rung = Rung::Term;
                self.next = Some(now);
            }
            _ => {}
        }
    }

    /// Takes the next rung if it is due; true when everything is to be killed.
    pub(super) fn climb(&mut self, now: Tick, agent: &Target<'_>) -> bool {
        if self.next.is_none() && now >= self.deadline {
            self.by = EndedBy::Deadline;
            self.next = Some(now);
        }
        if self.next.is_none_or(|next| now < next) {
            return false;
        }
        self.next = Some(now.plus(self.pause));
        self.rung = match self.rung {
            Rung::Ground if self.stop == Signal::SIGTERM => Rung::Term,
            Rung::Ground => Rung::Stop,
            Rung::Stop => Rung::Term,
            Rung::Term | Rung::Kill => Rung::Kill,
        };
        match self.rung {
            Rung::Stop => agent.tell(self.stop),
            Rung::Term => agent.tell(Signal::SIGTERM),
            Rung::Ground | Rung::Kill => {}
        }
        self.rung == Rung::Kill
    }

    pub(super) const fn ended_by(&self) -> EndedBy {
        self.by
    }

    pub(super) const fn frozen(&self) -> Duration {
        self.frozen
    }
}

/// Who is told to end.
pub(super) enum Target<'h> {
    /// The agent's process group, as a terminal's Ctrl-C would go: the agent leads it, and is not reaped yet, so the
    /// number is still its own.
    Group(i32),
    /// These processes, where a wrapper that led the group is gone.
    Each(&'h [Handle]),
}

impl Target<'_> {
    fn tell(&self, signal: Signal) {
        match self {
            Self::Group(agent) => {
                let _ = nix::sys::signal::killpg(Pid::from_raw(*agent), signal);
            }
            Self::Each(handles) => {
                for handle in *handles {
                    let _ = handle.signal(signal);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use refloat::id::TurnId;

    use super::*;

    const NOBODY: &Target<'_> = &Target::Group(0x3fff_fff0);

    fn at(seconds: u64) -> Tick {
        Tick::from_boot(Duration::from_secs(seconds))
    }

    fn ladder(stop: Signal) -> Ladder {
        let terms = Terms {
            turn: TurnId(1),
            deadline_ms: 100_000,
            stop_signal: stop as i32,
            kill_after_ms: 2_000,
            wrapper: false,
            pipe: false,
        };
        Ladder::new(&terms, at(0))
    }

    #[test]
    fn three_rungs_with_a_pause_between() {
        let mut ladder = ladder(Signal::SIGINT);
        assert_eq!((ladder.due(), ladder.climb(at(10), NOBODY)), (at(100), false));
        ladder.hear(Signal::SIGTERM, at(10));
        let rungs: Vec<_> = [10, 11, 12, 14].into_iter().map(|s| (ladder.climb(at(s), NOBODY), ladder.rung)).collect();
        assert_eq!(rungs, [(false, Rung::Stop), (false, Rung::Stop), (false, Rung::Term), (true, Rung::Kill)]);
        assert_eq!(ladder.ended_by(), EndedBy::Asked);
    }

    #[test]
    fn a_stop_signal_that_is_term_is_sent_once() {
        let mut ladder = ladder(Signal::SIGTERM);
        ladder.hear(Signal::SIGTERM, at(10));
        assert!(!ladder.climb(at(10), NOBODY) && ladder.rung == Rung::Term);
        assert!(ladder.climb(at(12), NOBODY));
    }

    #[test]
    fn quit_goes_straight_to_the_end() {
        let mut ladder = ladder(Signal::SIGINT);
        ladder.hear(Signal::SIGQUIT, at(10));
        assert!(ladder.climb(at(10), NOBODY));
    }

    #[test]
    fn the_deadline_needs_nobody() {
        let mut ladder = ladder(Signal::SIGINT);
        assert!(!ladder.climb(at(99), NOBODY) && ladder.rung == Rung::Ground);
        assert!(!ladder.climb(at(100), NOBODY) && ladder.rung == Rung::Stop);
        assert_eq!(ladder.ended_by(), EndedBy::Deadline);
    }

    #[test]
    fn time_in_which_we_did_not_run_is_given_back() {
        let mut ladder = ladder(Signal::SIGINT);
        ladder.thaw(at(100), at(103));
        assert_eq!(ladder.due(), at(100), "slow is not frozen");
        ladder.thaw(at(100), at(160));
        assert_eq!((ladder.due(), ladder.frozen()), (at(160), Duration::from_secs(60)));
    }
}
