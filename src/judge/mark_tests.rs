use super::*;

const BOOT: &str = "this";
const LIVES: Option<Sight> = Some(Sight::alive(Reason::Running));
const GONE: Option<Sight> = Some(Sight::gone(Reason::NoSuchProcess));
const AWAY: Option<Sight> = Some(Sight::unknown(Reason::OtherHost));

fn moment(wall: i64, boot: &str, tick: i64) -> Moment {
    Moment { at: Stamp::from_millis(wall), boot: boot.into(), time_ns: 1, boottime_ms: tick }
}

/// Set at 100,000 by the wall and 1,000 by the ticks of this boot, for 500 ms.
fn of(owner: Option<Sight>, ttl: Option<u64>, until: Option<i64>, now: &Moment) -> (&'static str, &'static str) {
    let beat = moment(100_000, BOOT, 1_000);
    let ttl = ttl.map(Duration::from_millis);
    let ties = Ties { owner, beat: &beat, ttl, until: until.map(Stamp::from_millis), doubted: None };
    let found = standing(&ties, now);
    (found.state.word(), found.reason.word())
}

#[test]
fn a_mark_is_live_stale_or_unknown() {
    let early = moment(100_100, BOOT, 1_100);
    let late = moment(100_500, BOOT, 1_500);
    let rows = [
        // owner, ttl, until, now -> state, reason
        (LIVES, Some(500), None, &early, ("live", "running")),
        (LIVES, None, None, &late, ("live", "running")),
        (LIVES, Some(500), None, &late, ("stale", "over_clock")),
        (GONE, Some(500), None, &early, ("stale", "no_such_process")),
        (GONE, None, Some(900_000), &early, ("stale", "no_such_process")),
        (AWAY, Some(500), None, &early, ("unknown", "other_host")),
        (AWAY, Some(500), None, &late, ("stale", "over_clock")),
        (AWAY, None, None, &late, ("unknown", "other_host")),
        (None, Some(500), None, &early, ("live", "within_clock")),
        (None, Some(500), None, &late, ("stale", "over_clock")),
        (None, None, Some(100_101), &early, ("live", "before_until")),
        (None, None, Some(100_100), &early, ("stale", "until_reached")),
        (LIVES, Some(500), Some(100_100), &early, ("stale", "until_reached")),
        (AWAY, None, Some(100_100), &early, ("stale", "until_reached")),
    ];
    for (owner, ttl, until, now, expected) in rows {
        assert_eq!(of(owner, ttl, until, now), expected, "{owner:?} {ttl:?} {until:?} {now:?}");
    }
}

#[test]
fn a_clock_that_was_set_makes_nothing_stale_and_keeps_nothing_alive() {
    // Within one boot the ticks count, whatever the wall says.
    assert_eq!(of(None, Some(500), None, &moment(900_000_000, BOOT, 1_499)), ("live", "within_clock"));
    assert_eq!(of(None, Some(500), None, &moment(5, BOOT, 1_500)), ("stale", "over_clock"));
    // In another boot the wall clock has to do, and one that was set back tells no age.
    assert_eq!(of(None, Some(500), None, &moment(100_499, "next", 7)), ("live", "within_clock"));
    assert_eq!(of(None, Some(500), None, &moment(100_500, "next", 7)), ("stale", "over_clock"));
    assert_eq!(of(None, Some(500), None, &moment(99_999, "next", 7)), ("unknown", "clock_skew"));
    assert_eq!(of(LIVES, Some(500), None, &moment(99_999, "next", 7)), ("live", "running"));
}

/// Whatever the wall clock was set to since: what is live ends later than now, what is over it has ended.
#[test]
fn the_end_that_is_told_agrees_with_the_state() {
    let (beat, ttl) = (moment(100_000, BOOT, 1_000), Some(Duration::from_millis(500)));
    let told = |now: &Moment, until: Option<i64>, doubted: Option<&Moment>| {
        let until = until.map(Stamp::from_millis);
        let found = standing(&Ties { owner: None, beat: &beat, ttl, until, doubted }, now);
        (found.state.word(), found.ends_at.unwrap().millis())
    };
    for wall in [100_499, 5, 900_000_000] {
        assert_eq!(told(&moment(wall, BOOT, 1_499), None, None), ("live", wall + 1), "{wall}");
        assert_eq!(told(&moment(wall, BOOT, 1_500), None, None), ("stale", wall), "{wall}");
    }
    assert_eq!(told(&moment(900_000, BOOT, 1_499), Some(900_001), None), ("live", 900_001));
    assert_eq!(told(&moment(900_000, BOOT, 1_499), Some(900_000), None), ("stale", 900_000));
    // In another boot there is the wall clock alone, and what was noted of it.
    assert_eq!(told(&moment(100_499, "next", 7), None, None), ("live", 100_500));
    assert_eq!(told(&moment(99_999, "next", 7), None, None), ("unknown", 100_500));
    let doubted = moment(50_000, "next", 3);
    assert_eq!(told(&moment(7, "next", 502), None, Some(&doubted)), ("unknown", 8));
    assert_eq!(told(&moment(7, "next", 503), None, Some(&doubted)), ("stale", 7));
}

#[test]
fn a_beat_in_the_future_is_doubted_for_as_long_as_it_may_live() {
    let (beat, doubted) = (moment(900_000_000, "last", 1_000), moment(100_000, "this", 50));
    let ties = |now: &Moment| {
        let ttl = Some(Duration::from_millis(500));
        standing(&Ties { owner: None, beat: &beat, ttl, until: None, doubted: Some(&doubted) }, now).state
    };
    assert_eq!(ties(&moment(100_499, "this", 549)), MarkState::Unknown);
    assert_eq!(ties(&moment(100_500, "this", 550)), MarkState::Stale);
    assert_eq!(ties(&moment(100_500, "another", 3)), MarkState::Stale);
}

/// Whatever its owner: without a note that can be counted from, its ttl would never pass.
#[test]
fn a_beat_in_the_future_is_to_be_noted_unless_a_note_says_since_when() {
    let (beat, now) = (moment(900_000, "last", 1_000), moment(100_000, "this", 50));
    let doubt = |owner, ttl: Option<u64>, beat: &Moment, doubted: Option<&Moment>| {
        standing(&Ties { owner, beat, ttl: ttl.map(Duration::from_millis), until: None, doubted }, &now)
            .is_to_be_doubted
    };
    for owner in [None, AWAY, LIVES] {
        assert!(doubt(owner, Some(500), &beat, None), "{owner:?}");
        assert!(!doubt(owner, Some(500), &beat, Some(&moment(99_999, "this", 49))), "{owner:?}: it counts");
        assert!(doubt(owner, Some(500), &beat, Some(&moment(800_000, "last", 7))), "{owner:?}: a note of the future");
        assert!(!doubt(owner, Some(500), &moment(99_999, "this", 49), None), "{owner:?}: it has an age");
    }
    assert!(!doubt(AWAY, None, &beat, None), "without a ttl there is nothing to count");
    assert!(!doubt(GONE, Some(500), &beat, None), "it is stale as it is");
}

/// Who may go on with a mark that has no owner, by name alone, and who only by its id.
#[test]
fn a_mark_without_an_owner_is_its_setters_and_a_bound_one_its_works() {
    let operator = Hand { name: "operator", run: None, turn: None };
    let in_turn = |name, turn| Hand { name, run: Some(RunId(1)), turn: Some(TurnId(turn)) };
    let worker = |run| Hand { name: "w", run: Some(RunId(run)), turn: None };
    let set = |by: Hand<'_>, kind: &str, bound| {
        let now = moment(1, BOOT, 1);
        let (owner, ttl, until, data, file, doubted, end) = (None, None, None, None, None, None, None);
        let (set_by, kind, name, nonce, host) = (by.name.into(), kind.into(), "x".into(), "n".into(), String::new());
        let (id, scope, run, turn, beats, first) = (MarkId(1), "/".into(), by.run, by.turn, 0, now.clone());
        Mark {
            id,
            kind,
            name,
            scope,
            nonce,
            owner,
            host,
            run,
            turn,
            bound,
            set_by,
            set: first,
            beats,
            beat: now,
            ttl,
            until,
            data,
            file,
            doubted,
            end,
        }
    };
    let rows = [
        // by, kind, bound, again by -> it is theirs
        (operator, "hold", false, operator, true),
        (operator, "hold", false, in_turn("a", 1), false),
        // An agent may be called so.
        (operator, "hold", false, in_turn("operator", 1), false),
        (operator, "breadcrumb", false, in_turn("a", 1), true),
        (in_turn("a", 1), "hold", false, in_turn("a", 2), true),
        (in_turn("a", 1), "dispatch", true, in_turn("a", 1), true),
        (in_turn("a", 1), "dispatch", true, in_turn("a", 2), false),
        (worker(1), "dispatch", true, worker(1), true),
        (worker(1), "dispatch", true, worker(2), false),
        (worker(1), "dispatch", true, operator, false),
    ];
    for (by, kind, bound, again, ours) in rows {
        let mark = set(by, kind, bound);
        let found = (again.goes_on(&mark, None), again.may_touch(&mark, |_| panic!("it has no owner")));
        assert_eq!(found, (ours, ours), "{by:?} {kind} {bound} {again:?}");
    }
    assert_eq!(
        (operator.binds("dispatch"), worker(1).binds("dispatch"), worker(1).binds("hold")),
        (false, true, false)
    );
}

#[test]
fn a_beat_gives_time_and_nothing_else() {
    let stands = |state, reason| Standing { state, reason, ..Standing::UNREADABLE };
    let rows = [
        (MarkState::Live, Reason::WithinClock, true),
        (MarkState::Unknown, Reason::ClockSkew, true),
        (MarkState::Stale, Reason::OverClock, true),
        (MarkState::Stale, Reason::UntilReached, false),
        (MarkState::Stale, Reason::NoSuchProcess, false),
    ];
    for (state, reason, renewable) in rows {
        assert_eq!(is_renewable(&stands(state, reason)), renewable, "{state} {reason}");
    }
}

#[test]
fn a_mark_that_is_there_is_renewed_by_its_own_and_replaced_when_it_is_stale() {
    use MarkState::{Live, Stale, Unknown};
    let rows = [
        (Live, Whose::Ours, Setting::Renew),
        (Live, Whose::Theirs, Setting::Refuse),
        (Stale, Whose::Ours, Setting::Replace),
        (Stale, Whose::Theirs, Setting::Replace),
        (Unknown, Whose::Ours, Setting::Renew),
        (Unknown, Whose::Theirs, Setting::Refuse),
    ];
    for (state, whose, expected) in rows {
        assert_eq!(setting(state, whose), expected, "{state} {whose:?}");
    }
}
