//! Who may end a lease on a mail, and what becomes of the mail that was a turn's prompt.

use crate::clock::Moment;
use crate::model::{Mail, MailState, Outcome};

/// What a claim's token is still good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// It holds the mail.
    Held,
    /// It acknowledged the mail before: to do so again changes nothing.
    Done,
    /// Its lease has ended, by the clock or by a release, and the mail waits to be claimed again.
    Expired,
    /// Another claim holds the mail: this one has ended, or never held it.
    Foreign,
    /// The mail is leased to a turn, whose end settles it.
    OfTurn,
    /// The mail is settled already, by somebody else or as dead.
    Settled,
    /// Nobody has claimed it.
    Unclaimed,
}

/// What the token `claim` is to this mail.
#[must_use]
pub fn hold(mail: &Mail, claim: &str, now: &Moment) -> Hold {
    let ours = mail.claim.as_deref() == Some(claim);
    let over = mail.due.as_ref().is_some_and(|end| end.after(now).is_zero());
    match mail.state {
        MailState::Leased if mail.lease_turn.is_some() => Hold::OfTurn,
        MailState::Leased if ours && over => Hold::Expired,
        MailState::Leased if ours => Hold::Held,
        MailState::Leased => Hold::Foreign,
        MailState::Acked if ours => Hold::Done,
        MailState::Acked | MailState::Dead => Hold::Settled,
        MailState::Stored if ours => Hold::Expired,
        MailState::Stored if mail.claim.is_some() => Hold::Foreign,
        MailState::Stored => Hold::Unclaimed,
    }
}

/// What becomes of the mail that was a turn's prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was read: the turn had a clean result.
    Acknowledge,
    /// It comes again, and this delivery counts.
    Release,
    /// It comes again, and this delivery does not count: what costs the run no attempt costs the mail none.
    TakeBack,
}

/// Decides by the outcome of the turn.
#[must_use]
pub const fn fate(outcome: Outcome) -> Fate {
    use Outcome as O;
    match outcome {
        O::Completed | O::Waiting | O::Silent => Fate::Acknowledge,
        O::Failed
        | O::NoResult
        | O::Stalled
        | O::TimedOut
        | O::Aborted
        | O::Killed
        | O::Lost
        | O::SpawnFailed
        | O::Fenced => Fate::Release,
        O::Limited | O::Auth | O::ResumeRefused | O::NeverStarted | O::Empty => Fate::TakeBack,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Stamp;
    use crate::id::{MailId, TurnId};
    use crate::model::{AttributedBy, MailType, Priority};

    fn at(tick: i64) -> Moment {
        Moment { at: Stamp::from_millis(0), boot: "b".into(), time_ns: 1, boottime_ms: tick }
    }

    fn mail(state: MailState, claim: Option<&str>, due: Option<i64>) -> Mail {
        Mail {
            id: MailId(1),
            sender: "a".into(),
            recipient: "b".into(),
            recipient_run: None,
            sent_to: None,
            kind: MailType::Status,
            priority: Priority::Normal,
            subject: "s".into(),
            body: String::new(),
            payload: None,
            thread: MailId(1),
            reply_to: None,
            turn: None,
            run: None,
            attributed_by: AttributedBy::Word,
            state,
            dead_reason: None,
            sent_at: Stamp::from_millis(0),
            deliveries: 1,
            claim: claim.map(str::to_owned),
            claimed_at: None,
            lease_turn: None,
            due: due.map(at),
            acked_at: None,
            expires_at: None,
        }
    }

    #[test]
    fn the_table_of_holds() {
        use MailState::{Acked, Dead, Leased, Stored};
        let rows = [
            (Leased, Some("mine"), Some(11), Hold::Held),
            (Leased, Some("mine"), Some(10), Hold::Expired),
            (Leased, Some("other"), Some(11), Hold::Foreign),
            (Leased, Some("other"), Some(10), Hold::Foreign),
            (Stored, Some("mine"), None, Hold::Expired),
            (Stored, Some("mine"), Some(11), Hold::Expired),
            (Stored, Some("other"), None, Hold::Foreign),
            (Stored, None, None, Hold::Unclaimed),
            (Acked, Some("mine"), None, Hold::Done),
            (Acked, Some("other"), None, Hold::Settled),
            (Dead, Some("mine"), None, Hold::Settled),
        ];
        for (state, claim, due, wanted) in rows {
            assert_eq!(hold(&mail(state, claim, due), "mine", &at(10)), wanted, "{state} {claim:?} {due:?}");
        }
        let of_turn = Mail { lease_turn: Some(TurnId(1)), ..mail(Leased, Some("mine"), None) };
        assert_eq!(hold(&of_turn, "mine", &at(10)), Hold::OfTurn);
    }

    /// A clean result is the one thing that acknowledges, and nothing is acknowledged without it.
    #[test]
    fn the_table_of_fates() {
        let acknowledged: Vec<&str> =
            Outcome::ALL.iter().filter(|o| fate(**o) == Fate::Acknowledge).map(|o| o.word()).collect();
        assert_eq!(acknowledged, ["completed", "waiting", "silent"]);
        let free: Vec<&str> = Outcome::ALL.iter().filter(|o| fate(**o) == Fate::TakeBack).map(|o| o.word()).collect();
        assert_eq!(free, ["limited", "auth", "resume_refused", "never_started", "empty"]);
    }
}
