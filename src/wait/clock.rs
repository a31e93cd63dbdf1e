//! How long a wait has lasted, and when its time is up. Time that the host was asleep counts: who waits a minute does not
//! mean an hour of sleep and a minute. The sleep itself is on the monotonic clock; the next look after it sees the rest.

use std::time::Duration;

use crate::clock::{Tick, suspended_since_boot};

/// A moment on both clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    tick: Tick,
    suspended: Duration,
}

impl Now {
    fn read() -> Self {
        Self { tick: Tick::now(), suspended: suspended_since_boot() }
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    start: Now,
    limit: Option<Duration>,
}

impl Clock {
    /// Begins now; without a limit its time is never up.
    pub(super) fn start(limit: Option<Duration>) -> Self {
        Self { start: Now::read(), limit }
    }

    pub(super) fn waited(&self) -> Duration {
        self.waited_at(Now::read())
    }

    /// Whether the time is up.
    pub(super) fn is_over(&self) -> bool {
        self.left_at(Now::read()).is_some_and(|left| left.is_zero())
    }

    /// What is left of the time, and of `most`.
    pub(super) fn at_most(&self, most: Duration) -> Duration {
        self.left_at(Now::read()).map_or(most, |left| left.min(most))
    }

    fn waited_at(&self, now: Now) -> Duration {
        now.tick.since(self.start.tick) + now.suspended.saturating_sub(self.start.suspended)
    }

    fn left_at(&self, now: Now) -> Option<Duration> {
        self.limit.map(|limit| limit.saturating_sub(self.waited_at(now)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_that_the_host_was_asleep_counts() {
        let secs = Duration::from_secs;
        let at = |tick, asleep| Now { tick: Tick::from_boot(secs(tick)), suspended: secs(asleep) };
        let clock = Clock { start: at(100, 50), limit: Some(secs(60)) };
        assert_eq!((clock.waited_at(at(130, 50)), clock.left_at(at(130, 50))), (secs(30), Some(secs(30))));
        assert_eq!((clock.waited_at(at(131, 7_250)), clock.left_at(at(131, 7_250))), (secs(7_231), Some(secs(0))));
        assert_eq!(Clock { limit: None, ..clock }.left_at(at(131, 7_250)), None);
        assert_eq!(Clock { limit: Some(secs(0)), ..clock }.left_at(at(100, 50)), Some(secs(0)));
    }
}
