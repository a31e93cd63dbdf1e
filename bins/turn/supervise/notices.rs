//! What wakes a supervisor: its shim's end, a signal, a growing stream, a clock.
//! It must never wait without an end, and it needs no notice of a stream that is young.

use std::os::fd::AsFd;
use std::path::Path;
use std::time::Duration;

use refloat::clock::Tick;
use refloat::error::{IoContext, Result};
use refloat::seam::follow;
use refloat::seam::wait::{self, PollFd, PollFlags};

use super::Watch;

/// A busy stream is read at most so often; each wake-up costs more than a line.
pub(super) const BREATH: Duration = Duration::from_millis(10);
/// Without notices (the user's inotify limit) the file is looked at so often.
const POLL: Duration = Duration::from_millis(250);
/// Sleep without a clock: an hour is as good as for ever.
const LONG: Duration = Duration::from_secs(3600);

/// How growth of the stream is noticed.
pub(super) enum Notices {
    /// Not yet: a short turn needs none, and closing an inotify descriptor costs up to 15 ms in the kernel.
    Early,
    Watching(follow::Watch),
    Refused,
}

impl Notices {
    pub(super) fn on(stream: &Path) -> Self {
        follow::Watch::on(&[stream]).map_or(Self::Refused, Self::Watching)
    }

    /// How long a stream may be left alone without a look.
    pub(super) const fn patience(&self) -> Duration {
        match self {
            Self::Early => BREATH,
            Self::Watching(_) => LONG,
            Self::Refused => POLL,
        }
    }
}

pub(super) struct Ready {
    pub(super) shim: bool,
    pub(super) signals: bool,
    pub(super) stream: bool,
}

/// Sleeps until something happens, or for `while_`. A stream that was just read is left alone for a breath.
pub(super) fn wait_for(watch: &Watch<'_>, while_: Duration, resting: bool) -> Result<Ready> {
    let mut fds = Vec::with_capacity(4);
    fds.push(PollFd::from_borrowed_fd(watch.signals.as_fd(), PollFlags::IN));
    let shim = watch.shim.as_ref().map(|shim| {
        fds.push(PollFd::from_borrowed_fd(shim.as_fd(), PollFlags::IN));
        fds.len() - 1
    });
    let control = watch.control.as_ref().map(|control| {
        fds.push(PollFd::from_borrowed_fd(control.as_fd(), PollFlags::IN));
        fds.len() - 1
    });
    let stream = match &watch.notices {
        Notices::Watching(notices) if !resting => {
            fds.push(PollFd::from_borrowed_fd(notices.as_fd(), PollFlags::IN));
            Some(fds.len() - 1)
        }
        _ => None,
    };
    if shim.is_some() {
        wait::until(&mut fds, Tick::now().plus(while_)).or_fail(|| "cannot wait for the turn".into())?;
    }
    let is_ready = |index: Option<usize>| index.is_some_and(|index| !fds[index].revents().is_empty());
    let gone = shim.is_none() || is_ready(shim) || is_ready(control);
    let ready = Ready { shim: gone, signals: is_ready(Some(0)), stream: is_ready(stream) };
    if let (true, Notices::Watching(notices)) = (ready.stream, &watch.notices) {
        notices.drain().or_fail(|| "cannot read notices".into())?;
    }
    Ok(ready)
}
