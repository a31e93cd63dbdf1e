//! When does a provider's limit end? Pure: what was told and when in, a moment that makes sense or none out.
//! Called by `finish`. Without such a moment the caller backs off as after any failure.

use std::time::Duration;

use crate::clock::Stamp;

/// A limit that lasts longer was never meant so: a unit was mistaken, or a clock is wrong.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);

/// The first of these moments that lies ahead, and within a year. Hours and days are believed.
#[must_use]
pub fn ends_at(told: &[Option<Stamp>], now: Stamp) -> Option<Stamp> {
    told.iter().flatten().copied().find(|moment| *moment > now && *moment <= now.plus(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_is_no_time_and_hours_are() {
        let at = |hours: i64| Some(Stamp::from_millis(1_800_000_000_000 + hours * 3_600_000));
        let now = Stamp::from_millis(1_800_000_000_000);
        for (told, expected) in [
            (vec![], None),
            (vec![None, None], None),
            (vec![at(5)], at(5)),
            (vec![at(24 * 30)], at(24 * 30)),
            (vec![at(24 * 366)], at(24 * 366)),
            (vec![at(24 * 366 + 1)], None),
            (vec![at(0)], None),
            (vec![at(-1)], None),
            (vec![at(-1), at(2)], at(2)),
            (vec![at(24 * 4000), at(2)], at(2)),
            (vec![at(3), at(2)], at(3)),
        ] {
            assert_eq!(ends_at(&told, now), expected, "{told:?}");
        }
    }
}
