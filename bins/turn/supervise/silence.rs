//! A silence that is only told (`--on-stall report`): on the turn's row, as a record, in a line on stderr.
//! Once for each silence: again only after progress. It changes nothing of how the turn ends.

use refloat::clock::{Stamp, Tick, millis};
use refloat::judge::clocks::Silence;
use refloat::model::StallNote;
use refloat::record::{TurnStalled, span};
use refloat::state::turn;

use super::{Desk, Watch};

/// The silence that was told last, by the progress before it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) after: Option<Tick>,
}

impl Watch<'_> {
    /// Whether the silence that lasts was told.
    pub(super) fn is_told_of_silence(&self) -> bool {
        self.told_silence == Some(Told { after: self.last_progress() })
    }

    pub(super) fn last_progress(&self) -> Option<Tick> {
        self.observer.as_ref().and_then(|observer| observer.facts().last_progress)
    }

    /// Tells of a silence. The row comes first; without it a successor tells it once more.
    pub(super) fn tell_silence(&mut self, desk: &mut Desk<'_>, silence: &Silence, now: Tick) {
        self.told_silence = Some(Told { after: self.last_progress() });
        let (id, counters) = (self.turn.id, self.counters().unwrap_or_default());
        let note = StallNote { phase: silence.phase, at: Stamp::now() };
        let noted = desk.state.write("note a silence", |tx| {
            // The progress that stands on the row is the one before the silence: by it a successor knows this one.
            turn::count(tx, id, &counters)?;
            turn::note_stall(tx, id, Some(note))
        });
        let silent_ms = millis(now.since(silence.since));
        match noted {
            Err(failure) => desk.cx.say(failure),
            Ok(()) => {
                let stalled = TurnStalled {
                    turn: id,
                    run: self.turn.run,
                    agent: self.turn.agent.clone(),
                    phase: silence.phase,
                    silent_ms,
                    limit_ms: millis(silence.limit),
                    events: counters.events,
                };
                // A stdout that fails is told at the end.
                let _ = desk.out.tell_if_read(desk.cx, stalled, note.at);
            }
        }
        let (agent, phase) = (&self.turn.agent, silence.phase);
        desk.cx.say_if_heard(format_args!("{id} of {agent} is silent for {} ({phase}) and goes on", span(silent_ms)));
    }

    /// The silence that was told is over, if there was progress.
    pub(super) fn note_progress(&mut self, desk: &mut Desk<'_>) {
        if self.told_silence.is_some() && !self.is_told_of_silence() {
            self.told_silence = None;
            let id = self.turn.id;
            let noted = desk.state.write("note progress", |tx| turn::note_stall(tx, id, None));
            if let Err(failure) = noted {
                desk.cx.say(failure);
            }
        }
    }
}
