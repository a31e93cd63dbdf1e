//! The one clock. Wall time is for what is shown and stored, monotonic time for intervals
//! within a process; boot time minus monotonic time is time the host was suspended.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::identity::Identity;

/// A span as records and the state file have it.
#[must_use]
pub fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

/// A moment of wall-clock time, in milliseconds since 1970 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp(i64);

impl Stamp {
    /// Now. Asked of the C library, where the tests put another time (libfaketime); intervals are the kernel's own.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one clock")]
    pub fn now() -> Self {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Self(millis(since))
    }

    /// From milliseconds since 1970 UTC.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// From nanoseconds since 1970 UTC, as a file has its times.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos.div_euclid(1_000_000))
    }

    /// Milliseconds since 1970 UTC.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// From the date of an HTTP header or a mail: `Wed, 21 Oct 2026 07:28:00 GMT`.
    #[must_use]
    pub fn from_http_date(text: &str) -> Option<Self> {
        let moment = OffsetDateTime::parse(text, &time::format_description::well_known::Rfc2822).ok()?;
        Some(Self(moment.unix_timestamp().checked_mul(1000)?))
    }

    /// For a table that people read: `07:31:02Z` today, `11-20 07:31Z` this year, else `2025-11-20`.
    #[must_use]
    pub fn brief(self) -> String {
        self.brief_at(Self::now())
    }

    /// The same, as it is read at `now`.
    #[must_use]
    pub fn brief_at(self, now: Self) -> String {
        let (text, now) = (self.to_string(), now.to_string());
        let part = |from, to| text.get(from..to).unwrap_or(&text);
        match (text.get(..10) == now.get(..10), text.get(..4) == now.get(..4)) {
            (true, _) => format!("{}Z", part(11, 19)),
            (_, true) => format!("{} {}Z", part(5, 10), part(11, 16)),
            _ => part(0, 10).to_owned(),
        }
    }

    /// This moment and a while later.
    #[must_use]
    pub fn plus(self, while_: Duration) -> Self {
        Self(self.0.saturating_add(millis(while_)))
    }

    /// This moment and a while earlier.
    #[must_use]
    pub fn minus(self, while_: Duration) -> Self {
        Self(self.0.saturating_sub(millis(while_)))
    }

    /// Milliseconds from `earlier` to this moment; 0 if the wall clock went back.
    #[must_use]
    pub fn since(self, earlier: Self) -> i64 {
        (self.0 - earlier.0).max(0)
    }

    /// UTC with exactly three decimals: sorts as text, and every reader can parse it; none outside the years 0 to 9999.
    /// (`time`'s own RFC 3339 prints as many decimals as there are. Every record has one of these, and evidence two.)
    fn text(self) -> Option<[u8; 24]> {
        let moment = OffsetDateTime::from_unix_timestamp(self.0.div_euclid(1_000)).ok()?;
        let year = u32::try_from(moment.year()).ok().filter(|year| *year <= 9_999)?;
        let millis = u32::try_from(self.0.rem_euclid(1_000)).ok()?;
        let (date, time) = (moment.date(), moment.time());
        let mut text = *b"0000-00-00T00:00:00.000Z";
        let parts = [
            (0..4, year),
            (5..7, u8::from(date.month()).into()),
            (8..10, date.day().into()),
            (11..13, time.hour().into()),
            (14..16, time.minute().into()),
            (17..19, time.second().into()),
            (20..23, millis),
        ];
        for (places, mut number) in parts {
            for digit in text.get_mut(places)?.iter_mut().rev() {
                *digit += u8::try_from(number % 10).ok()?;
                number /= 10;
            }
        }
        Some(text)
    }
}

impl std::fmt::Display for Stamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.text().as_ref().map(|text| std::str::from_utf8(text)) {
            Some(Ok(text)) => f.pad(text),
            _ => f.pad(&format!("{}ms", self.0)),
        }
    }
}

impl std::str::FromStr for Stamp {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let moment = OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339)
            .map_err(|_| format!("'{text}' is not a time like 2026-11-20T07:31:02.123Z"))?;
        i64::try_from(moment.unix_timestamp_nanos() / 1_000_000)
            .map(Self)
            .map_err(|_| format!("'{text}' is out of range"))
    }
}

impl Serialize for Stamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Stamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for Stamp {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Stamp".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$"
        })
    }
}

/// A moment that another process can compare with its own: the wall clock may be set meanwhile, `CLOCK_BOOTTIME` is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// The wall clock, for people.
    pub at: Stamp,
    /// The boot it was in.
    pub boot: String,
    /// The time namespace it was told in: boot time is shifted in it (time_namespaces(7)).
    pub time_ns: u64,
    /// Milliseconds since that boot, suspended time included.
    pub boottime_ms: i64,
}

impl Moment {
    /// Now, as this process (`me`) tells it.
    #[must_use]
    pub fn now(me: &Identity) -> Self {
        let boottime_ms = millis(read(ClockId::Boottime));
        Self { at: Stamp::now(), boot: me.boot.clone(), time_ns: me.time_ns, boottime_ms }
    }

    /// How long ago it was; none if it lies in the future, which no honest clock says.
    #[must_use]
    pub fn age_ms(&self, now: &Self) -> Option<i64> {
        let same_clock = !self.boot.is_empty() && self.boot == now.boot && self.time_ns == now.time_ns;
        let age = match same_clock {
            true => now.boottime_ms - self.boottime_ms,
            false => now.at.millis() - self.at.millis(),
        };
        (age >= 0).then_some(age)
    }

    /// When the boot was, by the wall clock of this moment.
    #[must_use]
    pub const fn booted_at(&self) -> Stamp {
        Stamp(self.at.0.saturating_sub(self.boottime_ms))
    }

    /// The clock that it is told by, as one word; empty where it is not known, and then equal to none.
    #[must_use]
    pub fn clock(&self) -> String {
        if self.boot.is_empty() { String::new() } else { format!("{}/{}", self.boot, self.time_ns) }
    }

    /// This moment and a while later.
    #[must_use]
    pub fn plus(&self, while_: Duration) -> Self {
        let millis = i64::try_from(while_.as_millis()).unwrap_or(i64::MAX);
        Self { at: self.at.plus(while_), boottime_ms: self.boottime_ms.saturating_add(millis), ..self.clone() }
    }

    /// How long it is from `now` to this moment: by the ticks of one boot, else by the wall clock; zero once it has passed.
    #[must_use]
    pub fn after(&self, now: &Self) -> Duration {
        let same = !self.boot.is_empty() && self.clock() == now.clock();
        let millis = if same { self.boottime_ms.saturating_sub(now.boottime_ms) } else { self.at.since(now.at) };
        Duration::from_millis(u64::try_from(millis).unwrap_or(0))
    }
}

/// A point on `CLOCK_MONOTONIC`, which stands still while the host sleeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tick(Duration);

impl Tick {
    /// Now.
    #[must_use]
    pub fn now() -> Self {
        Self(read(ClockId::Monotonic))
    }

    /// From a duration since boot; the shim passes ticks to its supervisor this way.
    #[must_use]
    pub const fn from_boot(since_boot: Duration) -> Self {
        Self(since_boot)
    }

    /// Time since boot, suspended time left out.
    #[must_use]
    pub const fn since_boot(self) -> Duration {
        self.0
    }

    /// This point and a while later.
    #[must_use]
    pub fn plus(self, while_: Duration) -> Self {
        Self(self.0.saturating_add(while_))
    }

    /// This point and a while earlier.
    #[must_use]
    pub fn minus(self, while_: Duration) -> Self {
        Self(self.0.saturating_sub(while_))
    }

    /// From `earlier` to this point; zero if `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// How long the host has been suspended since boot: `CLOCK_BOOTTIME` minus `CLOCK_MONOTONIC` (clock_gettime(2)).
#[must_use]
pub fn suspended_since_boot() -> Duration {
    let monotonic = read(ClockId::Monotonic);
    read(ClockId::Boottime).saturating_sub(monotonic)
}

fn read(clock: ClockId) -> Duration {
    let now = clock_gettime(clock);
    Duration::new(u64::try_from(now.tv_sec).unwrap_or(0), u32::try_from(now.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_tick(wall: i64, boot: &str, tick: i64) -> Moment {
        Moment { at: Stamp::from_millis(wall), boot: boot.into(), time_ns: 1, boottime_ms: tick }
    }

    #[test]
    fn a_step_of_the_wall_clock_bends_nothing_within_one_boot() {
        let end = at_tick(10_000, "a", 500);
        for (now, left) in [
            (at_tick(9_000, "a", 100), 400),
            (at_tick(99_000, "a", 100), 400),
            (at_tick(0, "a", 500), 0),
            (at_tick(0, "a", 900), 0),
            // Another boot, or one that nobody can name: the wall clock has to do.
            (at_tick(9_000, "b", 100), 1_000),
            (at_tick(11_000, "b", 100), 0),
            (at_tick(9_000, "", 100), 1_000),
        ] {
            assert_eq!(end.after(&now), Duration::from_millis(left), "{now:?}");
        }
        assert_eq!(at_tick(10, "", 5).after(&at_tick(4, "", 0)), Duration::from_millis(6));
        assert_eq!(at_tick(1, "a", 2).plus(Duration::from_secs(1)), at_tick(1_001, "a", 1_002));
    }

    #[test]
    fn a_time_is_written_as_it_is_read_and_always_as_long() {
        let day = 86_400_000;
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_399_001, "2000-02-28T23:59:59.001Z"),
            (951_782_400_010, "2000-02-29T00:00:00.010Z"),
            (1_795_159_862_123, "2026-11-20T07:31:02.123Z"),
            (-62_167_219_200_000, "0000-01-01T00:00:00.000Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
            // What no reader could parse is told as the number that it is.
            (253_402_300_800_000, "253402300800000ms"),
            (-62_167_219_200_001, "-62167219200001ms"),
            (i64::MAX, "9223372036854775807ms"),
            (i64::MIN, "-9223372036854775808ms"),
        ] {
            assert_eq!(Stamp::from_millis(millis).to_string(), text);
        }
        for millis in (0..40_000).map(|n| n * day + n * 7_919) {
            assert_eq!(Stamp::from_millis(millis).to_string().parse(), Ok(Stamp::from_millis(millis)));
        }
    }

    #[test]
    fn a_brief_time_says_as_much_as_it_has_to() {
        let now: Stamp = "2026-11-20T07:31:02.123Z".parse().unwrap();
        for (text, brief) in [
            ("2026-11-20T00:00:00.000Z", "00:00:00Z"),
            ("2026-11-19T23:59:59.999Z", "11-19 23:59Z"),
            ("2025-11-20T07:31:02.123Z", "2025-11-20"),
            ("2027-01-01T00:00:00.000Z", "2027-01-01"),
        ] {
            assert_eq!(text.parse::<Stamp>().unwrap().brief_at(now), brief);
        }
    }

    /// In a time namespace whose host has been suspended for eight hours more (time_namespaces(7)).
    #[test]
    fn a_suspend_is_seen_in_the_difference_of_the_clocks_and_in_no_tick() {
        const NAME: &str = "clock::tests::a_suspend_is_seen_in_the_difference_of_the_clocks_and_in_no_tick";
        const OUTSIDE: &str = "REFLOAT_TEST_OUTSIDE";
        let (tick, suspended) = (Tick::now().since_boot().as_secs(), suspended_since_boot().as_secs());
        if let Ok(outside) = std::env::var(OUTSIDE) {
            let (before, known) = outside.split_once(' ').unwrap();
            assert!(tick - before.parse::<u64>().unwrap() < 3600, "the same time since boot");
            assert!((28_799..=28_801).contains(&(suspended - known.parse::<u64>().unwrap())));
            return;
        }
        let mut inside = std::process::Command::new("unshare");
        inside.args(["--time", "--boottime", "28800"]).arg(std::env::current_exe().unwrap());
        inside.args(["--exact", NAME, "--nocapture"]).env(OUTSIDE, format!("{tick} {suspended}"));
        if rustix::process::geteuid().is_root() {
            assert!(inside.status().unwrap().success());
        }
    }

    #[test]
    fn an_age_is_told_by_the_boots_own_clock_and_by_the_wall_only_across_boots() {
        let moment = |at, boot: &str, time_ns, boottime_ms| Moment {
            at: Stamp::from_millis(at),
            boot: boot.into(),
            time_ns,
            boottime_ms,
        };
        let then = moment(1_000_000, "b1", 1, 5_000);
        let rows = [
            (moment(1_000_700, "b1", 1, 5_700), Some(700)),
            // The wall clock was set back, or far ahead: the age is what it is.
            (moment(400, "b1", 1, 5_700), Some(700)),
            (moment(9_000_000, "b1", 1, 5_700), Some(700)),
            (moment(1_000_900, "b2", 1, 100), Some(900)),
            (moment(1_000_900, "b1", 2, 100), Some(900)),
            // From the future.
            (moment(999_999, "b2", 1, 100), None),
            (moment(1_000_900, "b1", 1, 4_999), None),
        ];
        for (now, age) in rows {
            assert_eq!(then.age_ms(&now), age, "{now:?}");
        }
        let (nowhere, later) = (moment(1_000, "", 1, 5), moment(1_200, "", 1, 9));
        assert_eq!(nowhere.age_ms(&later), Some(200), "no boot id is equal to no other");
    }
}
