//! Time as a supervisor counts it: where it comes from, and what of it does not count against the agent.
//! Used by the loop alone, which asks for the time nowhere else.

use std::time::Duration;

use refloat::clock::{Tick, suspended_since_boot};

/// Where the loop has its time from. A test hands in another.
#[derive(Clone, Copy)]
pub(crate) struct TimeSource {
    pub(crate) now: fn() -> Tick,
    /// How long the host has been suspended since boot.
    pub(crate) suspended: fn() -> Duration,
    /// A wait that ends later than this means that we were not running.
    pub(crate) late: Duration,
}

impl TimeSource {
    pub(crate) const SYSTEM: Self =
        Self { now: Tick::now, suspended: suspended_since_boot, late: Duration::from_secs(5) };
}

/// The time of one turn's supervision.
pub(super) struct Time {
    source: TimeSource,
    suspended_before: Duration,
    freezes: Vec<Freeze>,
}

/// A wait in which we did not run for some time.
struct Freeze {
    ended: Tick,
    /// So long for certain: the wait ended that late.
    late: Duration,
    /// So long at most: all of the wait. When in it we were stopped nobody knows.
    wait: Duration,
}

impl Time {
    pub(super) fn from(source: TimeSource) -> Self {
        Self { source, suspended_before: (source.suspended)(), freezes: Vec::new() }
    }

    /// Now, on the clock that stands still while the host is suspended.
    pub(super) fn now(&self) -> Tick {
        (self.source.now)()
    }

    /// A wait from `before` to `wake` has ended at `woken`. If it ended late, most likely the agent was frozen with us.
    pub(super) fn woken(&mut self, before: Tick, wake: Tick, woken: Tick) {
        let late = woken.since(wake);
        if late > self.source.late {
            self.freezes.push(Freeze { ended: woken, late, wait: woken.since(before) });
        }
    }

    /// A moment as the clocks count it. A wait in which we were frozen does not count: given back its lateness alone, a
    /// clock that ran out while a machine was paused would end the turn at the very moment at which both go on.
    pub(super) fn thawed(&self, tick: Tick) -> Tick {
        self.freezes.iter().filter(|freeze| freeze.ended > tick).fold(tick, |tick, freeze| tick.plus(freeze.wait))
    }

    /// How long we did not run.
    pub(super) fn frozen(&self) -> Duration {
        self.freezes.iter().map(|freeze| freeze.late).sum()
    }

    /// How long the host was suspended meanwhile.
    pub(super) fn suspended(&self) -> Duration {
        (self.source.suspended)().saturating_sub(self.suspended_before)
    }
}
