//! Which clock of a turn runs out next, and what then? Pure: ticks in, a tick or an expired clock out.
//! The deadline is not here: the shim keeps it alone, so that it holds when nobody watches.

use std::time::Duration;

use crate::clock::Tick;
use crate::model::{Limits, OnStall, Phase, Wish};

/// What has been seen of a turn so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The agent was let go.
    pub started: Tick,
    /// The first event.
    pub first_event: Option<Tick>,
    /// The last event that was progress.
    pub last_progress: Option<Tick>,
    /// A tool call is open.
    pub in_tool: bool,
    /// The last terminal event, if no progress came after it.
    pub terminal: Option<Tick>,
    /// The silence that lasts has been told.
    pub told: bool,
}

/// A silence that has lasted longer than its clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silence {
    /// What the agent was doing.
    pub phase: Phase,
    /// Since when it is silent.
    pub since: Tick,
    /// The clock's limit.
    pub limit: Duration,
}

/// What the clocks say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clocks {
    /// This one ran out: the turn is to be ended.
    Expired(Wish),
    /// One ran out that is only to be told.
    Overdue(Silence),
    /// Look again then.
    Next(Tick),
    /// No clock runs.
    Off,
}

impl Seen {
    /// What the turn is doing.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        match self {
            Self { terminal: Some(_), .. } => Phase::Ending,
            Self { first_event: None, .. } => Phase::Starting,
            Self { in_tool: true, .. } => Phase::Tool,
            _ => Phase::Model,
        }
    }

    /// Since when nothing has happened, as the clock of the phase counts it. Keep-alive lines before the first
    /// progress do not hold the clock back for ever.
    fn since(&self, phase: Phase) -> Tick {
        let heard = || self.last_progress.or(self.first_event).unwrap_or(self.started);
        match phase {
            Phase::Starting => self.started,
            Phase::Model | Phase::Tool => heard(),
            Phase::Ending => self.terminal.unwrap_or_else(heard),
        }
    }
}

/// Judges the clocks at `now`. Exactly one clock runs at a time: the phase of the turn chooses it.
#[must_use]
pub fn judge(limits: &Limits, seen: &Seen, now: Tick) -> Clocks {
    let phase = seen.phase();
    let since = seen.since(phase);
    let (limit, wish) = limits.of(phase);
    match (limit, limits.on_stall) {
        (None, _) => Clocks::Off,
        (Some(limit), _) if now.since(since) < limit => Clocks::Next(since.plus(limit)),
        // What has said that it is done is ended, whatever is done about silence.
        (Some(_), _) if phase == Phase::Ending => Clocks::Expired(wish),
        (Some(_), OnStall::Kill) => Clocks::Expired(wish),
        (Some(_), OnStall::Report) if seen.told => Clocks::Off,
        (Some(limit), OnStall::Report) => Clocks::Overdue(Silence { phase, since, limit }),
    }
}

/// The silence that lasts longer than its clock, whatever is done about it.
#[must_use]
pub fn overdue(limits: &Limits, seen: &Seen, now: Tick) -> Option<Silence> {
    let phase = seen.phase();
    let since = seen.since(phase);
    let limit = limits.of(phase).0?;
    (now.since(since) >= limit).then_some(Silence { phase, since, limit })
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Tick {
        Tick::from_boot(Duration::from_secs(seconds))
    }

    const LIMITS: Limits = Limits {
        first_event: Some(Duration::from_secs(120)),
        stall: Some(Duration::from_secs(600)),
        stall_tool: Some(Duration::from_secs(3600)),
        grace: Duration::from_secs(30),
        on_stall: OnStall::Kill,
    };
    const SILENT: Seen =
        Seen { started: at(0), first_event: None, last_progress: None, in_tool: false, terminal: None, told: false };
    const HEARD: Seen = Seen { first_event: Some(at(10)), ..SILENT };
    const GOING: Seen = Seen { last_progress: Some(at(100)), ..HEARD };
    const IN_TOOL: Seen = Seen { in_tool: true, ..GOING };
    const ENDED: Seen = Seen { terminal: Some(at(200)), ..IN_TOOL };

    #[test]
    fn one_clock_runs_at_a_time() {
        let rows = [
            (SILENT, Phase::Starting, 119, Clocks::Next(at(120))),
            (SILENT, Phase::Starting, 120, Clocks::Expired(Wish::FirstEvent)),
            (HEARD, Phase::Model, 609, Clocks::Next(at(610))),
            (HEARD, Phase::Model, 610, Clocks::Expired(Wish::Stall)),
            (GOING, Phase::Model, 699, Clocks::Next(at(700))),
            (GOING, Phase::Model, 700, Clocks::Expired(Wish::Stall)),
            (IN_TOOL, Phase::Tool, 3699, Clocks::Next(at(3700))),
            (IN_TOOL, Phase::Tool, 3700, Clocks::Expired(Wish::StallTool)),
            (ENDED, Phase::Ending, 229, Clocks::Next(at(230))),
            (ENDED, Phase::Ending, 230, Clocks::Expired(Wish::Grace)),
        ];
        for (seen, phase, now, expected) in rows {
            assert_eq!(seen.phase(), phase, "{seen:?}");
            assert_eq!(judge(&LIMITS, &seen, at(now)), expected, "{seen:?} at {now}");
            let silent = overdue(&LIMITS, &seen, at(now)).map(|silence| silence.phase);
            assert_eq!(silent, matches!(expected, Clocks::Expired(_)).then_some(phase), "{seen:?} at {now}");
        }
        let off = Limits { first_event: None, stall: None, stall_tool: None, ..LIMITS };
        assert_eq!(judge(&off, &SILENT, at(999_999)), Clocks::Off);
        let only_stall = Limits { first_event: None, ..LIMITS };
        assert_eq!(judge(&only_stall, &SILENT, at(600)), Clocks::Expired(Wish::FirstEvent));
        assert_eq!(judge(&off, &GOING, at(999_999)), Clocks::Off);
        assert_eq!(judge(&off, &ENDED, at(230)), Clocks::Expired(Wish::Grace));
    }

    #[test]
    fn silence_that_is_only_to_be_told_is_told_once_and_lingering_is_ended_all_the_same() {
        let report = Limits { on_stall: OnStall::Report, ..LIMITS };
        let overdue = |phase, since, limit| {
            Clocks::Overdue(Silence { phase, since: at(since), limit: Duration::from_secs(limit) })
        };
        let told = |seen| Seen { told: true, ..seen };
        let rows = [
            (SILENT, 119, Clocks::Next(at(120))),
            (SILENT, 120, overdue(Phase::Starting, 0, 120)),
            (told(SILENT), 9999, Clocks::Off),
            (GOING, 700, overdue(Phase::Model, 100, 600)),
            (told(GOING), 9999, Clocks::Off),
            (IN_TOOL, 3700, overdue(Phase::Tool, 100, 3600)),
            (told(IN_TOOL), 9999, Clocks::Off),
            (ENDED, 230, Clocks::Expired(Wish::Grace)),
            (told(ENDED), 230, Clocks::Expired(Wish::Grace)),
        ];
        for (seen, now, expected) in rows {
            assert_eq!(judge(&report, &seen, at(now)), expected, "{seen:?} at {now}");
        }
    }
}
