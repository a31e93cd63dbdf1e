//! The living line: one line on the terminal behind stderr that says what goes on, drawn over itself.
//! Drawn by a supervisor; `emit` takes it away before it writes anything else to the terminal.
//! It must never be waited for: a terminal that takes nothing is left alone.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{isatty, tcgetpgrp, tcgetwinsize};

use crate::table::cut;

/// A process has one terminal, and whoever writes to it next, a panic too, has to know whether the line stands there.
static STANDS: AtomicBool = AtomicBool::new(false);
/// To the beginning of the line, and clear it.
const CLEAR: &str = "\r\x1b[K";

/// What has to be written before anything else is.
pub(crate) fn clearing() -> &'static str {
    if STANDS.swap(false, Ordering::Relaxed) { CLEAR } else { "" }
}

/// Before something is written to stdout: most likely it is the same terminal.
pub(crate) fn clear_for_stdout() {
    if STANDS.load(Ordering::Relaxed) && isatty(std::io::stdout()) {
        clear();
    }
}

/// Takes the line away, if it stands there and the terminal takes anything: at a turn's end nobody waits for a Ctrl-Q.
fn clear() {
    let clearing = if stderr_takes() { clearing() } else { "" };
    if !clearing.is_empty() {
        let _ = std::io::stderr().write_all(clearing.as_bytes());
    }
}

/// The right to draw the line. It goes with this.
#[derive(Debug)]
pub struct LivingLine(());

impl LivingLine {
    /// None where stderr is no terminal that can move its cursor.
    #[must_use]
    pub fn on_stderr() -> Option<Self> {
        let dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
        (!dumb && isatty(std::io::stderr())).then_some(Self(()))
    }

    /// Draws the line anew, at most as wide as the terminal is now. Not while the terminal takes nothing (Ctrl-S), and
    /// not from the background, into somebody else's line.
    pub fn draw(&self, text: &str) {
        let stderr = std::io::stderr();
        if !stderr_takes() || tcgetpgrp(&stderr).is_ok_and(|front| front != rustix::process::getpgrp()) {
            return;
        }
        let columns = tcgetwinsize(&stderr).map_or(0, |size| usize::from(size.ws_col));
        let columns = if columns == 0 { 80 } else { columns };
        STANDS.store(true, Ordering::Relaxed);
        let _ = (&stderr).write_all(format!("\r{}\x1b[K", cut(text, columns.saturating_sub(1))).as_bytes());
    }
}

impl Drop for LivingLine {
    fn drop(&mut self) {
        clear();
    }
}

/// Whether a line to stderr can be written without a wait.
pub(crate) fn stderr_takes() -> bool {
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    matches!(poll(&mut [PollFd::new(&std::io::stderr(), PollFlags::OUT)], Some(&now)), Ok(1..))
}
