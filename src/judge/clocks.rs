//! Which clock of a turn runs out next? Pure: ticks in, a tick or an expired clock out.
//! The deadline is not here: the shim keeps it alone, so that it holds when nobody watches.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Tick;
use crate::model::Wish;

/// The limits of a turn; none means the clock is off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// From the start to the first event.
    pub first_event: Option<Duration>,
    /// Since the last progress while the model is awaited.
    pub stall: Option<Duration>,
    /// Since the last progress while a tool call is open.
    pub stall_tool: Option<Duration>,
    /// From the terminal event to the end of the process.
    pub grace: Duration,
}

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
    /// The last terminal event.
    pub terminal: Option<Tick>,
}

/// What the clocks say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clocks {
    /// This one ran out.
    Expired(Wish),
    /// Look again then.
    Next(Tick),
    /// No clock runs.
    Off,
}

/// Judges the clocks at `now`. Exactly one clock runs at a time: the phase of the turn chooses it.
#[must_use]
pub fn judge(limits: &Limits, seen: &Seen, now: Tick) -> Clocks {
    let running = match seen {
        Seen { terminal: Some(at), .. } => Some((*at, limits.grace, Wish::Grace)),
        // Where only the stall clock was given, silence from the start is a stall too.
        Seen { first_event: None, .. } => {
            limits.first_event.or(limits.stall).map(|limit| (seen.started, limit, Wish::FirstEvent))
        }
        Seen { in_tool: true, .. } => limits.stall_tool.map(|limit| (since(seen), limit, Wish::StallTool)),
        _ => limits.stall.map(|limit| (since(seen), limit, Wish::Stall)),
    };
    match running {
        None => Clocks::Off,
        Some((from, limit, wish)) if now.since(from) >= limit => Clocks::Expired(wish),
        Some((from, limit, _)) => Clocks::Next(from.plus(limit)),
    }
}

/// Keep-alive lines before the first progress do not hold the clock back for ever.
fn since(seen: &Seen) -> Tick {
    seen.last_progress.or(seen.first_event).unwrap_or(seen.started)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Tick {
        Tick::from_boot(Duration::from_secs(seconds))
    }

    #[test]
    fn one_clock_runs_at_a_time() {
        let limits = Limits {
            first_event: Some(Duration::from_secs(120)),
            stall: Some(Duration::from_secs(600)),
            stall_tool: Some(Duration::from_secs(3600)),
            grace: Duration::from_secs(30),
        };
        let silent = Seen { started: at(0), first_event: None, last_progress: None, in_tool: false, terminal: None };
        let heard = Seen { first_event: Some(at(10)), ..silent };
        let going = Seen { last_progress: Some(at(100)), ..heard };
        let in_tool = Seen { in_tool: true, ..going };
        let ended = Seen { terminal: Some(at(200)), ..in_tool };
        let rows = [
            (silent, 119, Clocks::Next(at(120))),
            (silent, 120, Clocks::Expired(Wish::FirstEvent)),
            (heard, 609, Clocks::Next(at(610))),
            (heard, 610, Clocks::Expired(Wish::Stall)),
            (going, 699, Clocks::Next(at(700))),
            (going, 700, Clocks::Expired(Wish::Stall)),
            (in_tool, 3699, Clocks::Next(at(3700))),
            (in_tool, 3700, Clocks::Expired(Wish::StallTool)),
            (ended, 229, Clocks::Next(at(230))),
            (ended, 230, Clocks::Expired(Wish::Grace)),
        ];
        for (seen, now, expected) in rows {
            assert_eq!(judge(&limits, &seen, at(now)), expected, "{seen:?} at {now}");
        }
        let off = Limits { first_event: None, stall: None, stall_tool: None, ..limits };
        assert_eq!(judge(&off, &silent, at(999_999)), Clocks::Off);
        let only_stall = Limits { first_event: None, ..limits };
        assert_eq!(judge(&only_stall, &silent, at(600)), Clocks::Expired(Wish::FirstEvent));
        assert_eq!(judge(&off, &going, at(999_999)), Clocks::Off);
        assert_eq!(judge(&off, &ended, at(230)), Clocks::Expired(Wish::Grace));
    }
}
