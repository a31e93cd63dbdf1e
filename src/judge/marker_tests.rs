use super::*;
use crate::model::Held;

const NOW: i64 = 100_000_000;
const TTL: u64 = 14_400_000;
const LIVES: Option<Sight> = Some(Sight::alive(Reason::Running));
const GONE: Option<Sight> = Some(Sight::gone(Reason::NoSuchProcess));
const AWAY: Option<Sight> = Some(Sight::unknown(Reason::OtherHost));

fn ago(millis: i64) -> Stamp {
    Stamp::from_millis(NOW - millis)
}

/// An entry that was told then, in a file that was written then, with its own word for that.
fn stands(
    told: Told,
    ttl: Option<u64>,
    holder: Option<Sight>,
    written: i64,
    outer: Option<i64>,
) -> (&'static str, &'static str) {
    let entry = Entry {
        name: None,
        id: None,
        scope: None,
        set: None,
        told,
        ttl: ttl.map(Duration::from_millis),
        holder: holder.map(|_| Held { pid: 1, start_ticks: None }),
        data: None,
    };
    let found = standing(&entry, holder, &File { written: ago(written), outer: outer.map(ago), now: ago(0) });
    (found.state.word(), found.reason.word())
}

#[test]
fn an_entry_is_live_stale_or_unknown() {
    let (full, at) = (TTL as i64, |millis| Told::At(ago(millis)));
    let ttl = Some(TTL);
    let rows = [
        // told, ttl, holder, file written so long ago, and by its own word -> state, reason
        (at(full - 1), ttl, None, 0, None, ("live", "within_clock")),
        (at(full), ttl, None, 0, Some(0), ("stale", "over_clock")),
        (at(0), ttl, None, 2 * full, Some(2 * full), ("live", "within_clock")),
        (Told::Nothing, ttl, None, full - 1, None, ("unknown", "missing_key")),
        (Told::Nothing, ttl, None, full, None, ("stale", "over_clock")),
        (Told::Garbled, ttl, None, full - 1, None, ("unknown", "unparsable")),
        (Told::Garbled, ttl, None, full, None, ("stale", "over_clock")),
        (at(-1), ttl, None, full - 1, None, ("unknown", "clock_skew")),
        (at(-1), ttl, None, full, None, ("stale", "over_clock")),
        // The later of the two times of the file counts, and none from the future.
        (Told::Nothing, ttl, None, full, Some(1), ("unknown", "missing_key")),
        (Told::Nothing, ttl, None, full, Some(-1), ("stale", "over_clock")),
        (Told::Nothing, ttl, None, -1, Some(full), ("stale", "over_clock")),
        (Told::Nothing, ttl, None, -1, None, ("unknown", "missing_key")),
        // A process decides, but for a time that has passed.
        (Told::Nothing, None, LIVES, 9 * full, None, ("live", "running")),
        (Told::Nothing, None, GONE, 0, None, ("stale", "no_such_process")),
        (Told::Nothing, None, AWAY, 9 * full, None, ("unknown", "other_host")),
        (at(full), ttl, LIVES, 0, None, ("stale", "over_clock")),
        (at(full - 1), ttl, LIVES, 0, None, ("live", "running")),
        (at(1), ttl, GONE, 0, None, ("stale", "no_such_process")),
        (at(full), ttl, AWAY, 0, None, ("stale", "over_clock")),
        (at(1), ttl, AWAY, 0, None, ("unknown", "other_host")),
        (at(-1), ttl, LIVES, 1, None, ("live", "running")),
    ];
    for (told, ttl, holder, written, outer, expected) in rows {
        assert_eq!(stands(told, ttl, holder, written, outer), expected, "{told:?} {holder:?} {written} {outer:?}");
    }
}

#[test]
fn a_process_without_an_identity_is_gone_only_where_nobody_can_be_it() {
    let (lives, none) = (Sight::alive(Reason::Running), Sight::gone(Reason::NoSuchProcess));
    let (zombie, hidden) = (Sight::gone(Reason::Zombie), Sight::unknown(Reason::Hidden));
    let unseen = Inside::Unseen(Reason::Hidden);
    let rows = [
        // shared, before boot, here, same, inside -> what is concluded
        (true, true, lives, Some(true), Inside::Nobody, Sight::unknown(Reason::OtherHost)),
        (true, false, none, None, Inside::Nobody, Sight::unknown(Reason::OtherHost)),
        (false, true, lives, Some(true), unseen, Sight::gone(Reason::Rebooted)),
        (false, false, lives, Some(true), Inside::Somebody, lives),
        (false, false, lives, None, Inside::Nobody, Sight::unknown(Reason::StartUnknown)),
        (false, false, lives, Some(false), Inside::Nobody, Sight::gone(Reason::PidReused)),
        (false, false, lives, Some(false), Inside::Somebody, Sight::unknown(Reason::OtherNamespace)),
        (false, false, lives, Some(false), unseen, hidden),
        (false, false, none, None, Inside::Nobody, none),
        (false, false, none, None, Inside::Somebody, Sight::unknown(Reason::OtherNamespace)),
        (false, false, none, None, unseen, hidden),
        (false, false, zombie, Some(true), Inside::Nobody, zombie),
        (false, false, zombie, Some(false), Inside::Nobody, Sight::gone(Reason::PidReused)),
        (false, false, hidden, None, Inside::Nobody, hidden),
    ];
    for (shared, before_boot, here, same, inside, expected) in rows {
        let traces = Traces { shared, before_boot, here, same };
        assert_eq!(holder(&traces, || inside), expected, "{traces:?} {inside:?}");
    }
}

#[test]
fn the_namespaces_are_looked_through_only_where_all_depends_on_them() {
    let lives = Traces { shared: false, before_boot: false, here: Sight::alive(Reason::Running), same: Some(true) };
    for traces in [lives, Traces { shared: true, ..lives }, Traces { before_boot: true, ..lives }] {
        let _ = holder(&traces, || panic!("not asked for"));
    }
}

#[test]
fn a_file_that_is_none_is_told_and_moved_only_when_it_is_damaged_and_at_rest() {
    use MarkState::{Unknown, Unreadable};
    let (damaged, other) = (Unfit::Damaged(Reason::Unparsable), Unfit::Other(Reason::NotAMarker));
    let (at_rest, fresh, ahead) = (Some(ago(10_000)), Some(ago(9_999)), Some(ago(-9_999)));
    let rows = [
        // unfit, written, is a link -> state, reason, plan
        (damaged, at_rest, false, (Unreadable, Reason::Unparsable), Plan::MoveAside),
        (damaged, at_rest, true, (Unreadable, Reason::Unparsable), Plan::Keep(Reason::IsLink)),
        (damaged, fresh, false, (Unknown, Reason::BeingWritten), Plan::Leave),
        (damaged, ahead, false, (Unknown, Reason::BeingWritten), Plan::Leave),
        (damaged, Some(ago(-10_000)), false, (Unreadable, Reason::Unparsable), Plan::MoveAside),
        (other, at_rest, false, (Unreadable, Reason::NotAMarker), Plan::Leave),
        (other, fresh, false, (Unreadable, Reason::NotAMarker), Plan::Leave),
        (Unfit::Other(Reason::PermissionDenied), None, false, (Unreadable, Reason::PermissionDenied), Plan::Leave),
        (Unfit::Other(Reason::BeingWritten), None, false, (Unknown, Reason::BeingWritten), Plan::Leave),
        (Unfit::EmptyLock, at_rest, false, (Unknown, Reason::Empty), Plan::Leave),
    ];
    for (kind, written, is_link, expected, then) in rows {
        let found = unfit(kind, written, ago(0));
        assert_eq!(found, expected, "{kind:?} {written:?}");
        assert_eq!(plan_unfit(kind, found.0, is_link), then, "{kind:?} {written:?} {is_link}");
    }
}

#[test]
fn a_file_goes_with_its_last_entry_and_a_signed_or_linked_one_is_never_rewritten() {
    let rows = [
        // is a link, signed, entries, chosen -> plan
        (false, false, 3, 0, Plan::Leave),
        (true, true, 3, 0, Plan::Leave),
        (false, false, 0, 0, Plan::Leave),
        (false, false, 3, 3, Plan::Remove),
        (false, true, 3, 3, Plan::Remove),
        (false, false, 3, 1, Plan::Cut),
        (false, true, 3, 1, Plan::Keep(Reason::Signed)),
        (true, false, 3, 1, Plan::Keep(Reason::IsLink)),
        (true, false, 3, 3, Plan::Keep(Reason::IsLink)),
    ];
    for (is_link, signed, entries, chosen, expected) in rows {
        let wish = Wish { is_link, signed, entries, chosen };
        assert_eq!(plan(&wish), expected, "{wish:?}");
    }
}
