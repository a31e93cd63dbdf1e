//! The one loop of a supervisor: reads the stream, watches the clocks, passes on wishes, until the tree is gone.
//! Used by `turn run` and `turn attach`. It sleeps when nothing happens, and ends nothing itself: the shim does.

mod notices;
mod silence;
mod status;
#[cfg(test)]
mod tests;
mod time;
mod watch;

use nix::sys::signal::Signal;
use refloat::cli::Context;
use refloat::clock::{Stamp, Tick};
use refloat::error::{IoContext, Result};
use refloat::judge::clocks::{self, Clocks};
use refloat::model::{Wish, WishNote};
use refloat::state::State;

use crate::outlet::Outlet;
use notices::{BREATH, Notices, wait_for};
use status::Status;
pub(crate) use watch::Watch;

/// What a supervisor tells and writes with.
pub(crate) struct Desk<'d> {
    pub(crate) cx: &'d mut Context,
    pub(crate) state: &'d mut State,
    pub(crate) out: &'d mut Outlet,
}

/// Why supervision has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// The shim is gone.
    ShimEnded,
    /// This supervisor leaves; the agent works on.
    Detached,
}

/// Watches until the shim is gone or this supervisor is told to leave.
pub(crate) fn supervise(desk: &mut Desk<'_>, watch: &mut Watch<'_>) -> Result<Left> {
    watch.status = Status::of(desk.cx, watch.started);
    let mut quiet_until = watch.time.now();
    loop {
        let now = watch.time.now();
        watch.notice(desk.out, now);
        let mut wake = judge_clocks(desk, watch, now);
        wake = watch.show(now).map_or(wake, |due| wake.min(due));
        let resting = now < quiet_until;
        if resting {
            wake = wake.min(quiet_until);
        }
        // A long read or a write that had to wait is work of ours, no sleep that ended late.
        let before = watch.time.now();
        wake = wake.max(before);
        let ready = wait_for(watch, wake.since(before), resting)?;
        let woken = watch.time.now();
        watch.time.woken(before, wake, woken);
        if ready.shim {
            watch.listen();
            if watch.told_silence.is_some() {
                watch.read(desk.out, woken);
                watch.note_progress(desk);
            }
            return Ok(Left::ShimEnded);
        }
        if ready.signals && hear(desk, watch)? == Some(Left::Detached) {
            return Ok(Left::Detached);
        }
        if matches!(watch.notices, Notices::Early) {
            watch.read(desk.out, woken);
        }
        if ready.stream {
            quiet_until = woken.plus(BREATH);
            watch.read(desk.out, woken);
        }
        watch.note_progress(desk);
        watch.store(desk.state, woken);
    }
}

/// Lets the clocks speak, and says when to look again. Before any is believed, everything readable is read.
fn judge_clocks(desk: &mut Desk<'_>, watch: &mut Watch<'_>, now: Tick) -> Tick {
    let soon = now.plus(watch.notices.patience());
    if watch.wished {
        return soon;
    }
    let mut judged = clocks::judge(&watch.limits, &watch.seen(), now);
    let ran_out = matches!(judged, Clocks::Expired(_) | Clocks::Overdue(_));
    if ran_out || matches!(watch.notices, Notices::Refused) {
        watch.read(desk.out, now);
        judged = clocks::judge(&watch.limits, &watch.seen(), now);
    }
    match judged {
        Clocks::Expired(wish) => {
            watch.end(desk, &WishNote { wish, signal: None, why: None, at: Stamp::now() });
            soon
        }
        Clocks::Overdue(silence) => {
            watch.tell_silence(desk, &silence, now);
            soon
        }
        Clocks::Next(next) => next.min(soon),
        Clocks::Off => soon,
    }
}

fn hear(desk: &mut Desk<'_>, watch: &mut Watch<'_>) -> Result<Option<Left>> {
    for received in watch.signals.read().or_fail(|| "cannot read signals".into())? {
        if received.signal == Signal::SIGHUP {
            desk.cx.hint(&format!("the agent works on; watch it again: turn attach {}", watch.turn.id));
            return Ok(Some(Left::Detached));
        }
        let note = WishNote {
            wish: Wish::Interrupt,
            signal: Some(received.signal as i32),
            why: Some(format!("{} to the supervisor", received.signal)),
            at: Stamp::now(),
        };
        watch.end(desk, &note);
    }
    Ok(None)
}
