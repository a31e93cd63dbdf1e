//! The living line of a turn, for the person at the terminal: who, what phase, how long, when something last came.
//! Drawn by the loop, once a second and when the phase changes. Where stderr is no terminal there is none, and no wake-up.

use std::time::Duration;

use refloat::cli::Context;
use refloat::clock::Tick;
use refloat::living::LivingLine;
use refloat::model::Phase;

/// A turn that is over before this needs no line.
const FIRST: Duration = Duration::from_millis(300);
/// Drawn so often.
const EVERY: Duration = Duration::from_secs(1);

/// What the line says.
pub(super) struct View<'v> {
    pub(super) turn: String,
    pub(super) agent: &'v str,
    pub(super) phase: Phase,
    pub(super) stalled: bool,
    pub(super) ending: bool,
    pub(super) elapsed: Duration,
    pub(super) last_event: Option<Duration>,
    pub(super) events: u64,
    pub(super) open_tools: usize,
}

/// The line and when it is to be drawn.
pub(super) struct Status {
    line: LivingLine,
    due: Tick,
    phase: Option<Phase>,
}

impl Status {
    /// None with `-q`, or where stderr is no terminal.
    pub(super) fn of(cx: &Context, now: Tick) -> Option<Self> {
        let line = if cx.common.quiet { None } else { LivingLine::on_stderr() };
        line.map(|line| Self { line, due: now.plus(FIRST), phase: None })
    }

    /// Draws it if it is due; says when it is due next.
    pub(super) fn show(&mut self, now: Tick, view: &View<'_>) -> Tick {
        let changed = self.phase.is_some_and(|phase| phase != view.phase);
        if now >= self.due || changed {
            self.line.draw(&view.text());
            (self.phase, self.due) = (Some(view.phase), now.plus(EVERY));
        }
        self.due
    }
}

impl View<'_> {
    fn text(&self) -> String {
        let mut parts = vec![format!("{} {}", self.turn, self.agent)];
        parts.push(match (self.ending, self.stalled) {
            (true, _) => "being ended".to_owned(),
            (false, true) => format!("{}, stalled", self.phase),
            (false, false) => self.phase.to_string(),
        });
        parts.push(clock(self.elapsed));
        if let Some(ago) = self.last_event {
            parts.push(format!("last event {} ago", clock(ago)));
        }
        parts.push(count(self.events, "event"));
        if self.open_tools > 0 {
            parts.push(count(self.open_tools as u64, "tool") + " open");
        }
        parts.join(" | ")
    }
}

fn count(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn clock(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_what_goes_on() {
        let view = View {
            turn: "t83".into(),
            agent: "lead",
            phase: Phase::Starting,
            stalled: false,
            ending: false,
            elapsed: Duration::from_millis(2_900),
            last_event: None,
            events: 0,
            open_tools: 0,
        };
        assert_eq!(view.text(), "t83 lead | starting | 2s | 0 events");
        let elapsed = Duration::from_secs(7385);
        let view = View { phase: Phase::Tool, elapsed, last_event: Some(Duration::from_secs(65)), events: 1, ..view };
        let view = View { stalled: true, open_tools: 2, ..view };
        assert_eq!(view.text(), "t83 lead | tool, stalled | 2h03m | last event 1m05s ago | 1 event | 2 tools open");
        assert!(View { ending: true, ..view }.text().contains("| being ended |"));
    }
}
