//! Every state against what else is open, and every class that a cancelled try can have.

use super::*;
use crate::clock::Stamp;
use crate::model::Capability;

fn run(state: RunState, attempts: i64, max_attempts: i64) -> Run {
    Run {
        id: RunId(1),
        agent: "a".into(),
        task: None,
        parent: None,
        capability: Capability::None,
        state,
        hold: None,
        held_until: None,
        held_by_provider: false,
        epoch: 1,
        attempts,
        max_attempts,
        runtime: None,
        session: None,
        terminal_mail_missing: false,
        opened_at: Stamp::from_millis(0),
        changed_at: Stamp::from_millis(0),
        ended_at: state.is_terminal().then_some(Stamp::from_millis(0)),
    }
}

#[test]
fn only_an_ended_run_of_an_idle_agent_is_reopened() {
    for state in RunState::ALL {
        let run = run(*state, 1, 1);
        let free = if state.is_terminal() { Ok(2) } else { Err(Refusal::Open) };
        assert_eq!(reopen(&run, None, None), free, "{state}");
        let other = if state.is_terminal() { Refusal::Other(RunId(2)) } else { Refusal::Open };
        for turn in [None, Some(TurnId(3))] {
            assert_eq!(reopen(&run, Some(RunId(2)), turn), Err(other), "{state}");
        }
        let busy = if state.is_terminal() { Refusal::Turn(TurnId(3)) } else { Refusal::Open };
        assert_eq!(reopen(&run, None, Some(TurnId(3))), Err(busy), "{state}");
    }
}

#[test]
fn one_more_attempt_is_allowed_where_they_are_used_up() {
    for (attempts, max, allowed) in [(0, 1, 1), (1, 1, 2), (3, 3, 4), (2, 9, 9), (5, 3, 6)] {
        assert_eq!(reopen(&run(RunState::Failed, attempts, max), None, None), Ok(allowed), "{attempts} of {max}");
    }
}

#[test]
fn a_cancelled_try_ends_as_its_last_failure_would_have() {
    for class in RetryClass::ALL {
        let end = if *class == RetryClass::Lost { RunState::Crashed } else { RunState::Failed };
        let told = Sequel::plain(end, 2, Some(MailType::WorkerDied));
        assert_eq!(cancelled(Some(*class), RunState::Stopped, 2), told, "{class}: no dead letter, and no attempt");
    }
    for was in RunState::ALL.iter().filter(|state| state.is_terminal()) {
        assert_eq!(cancelled(None, *was, 1), Sequel::plain(*was, 1, None), "its parent has heard of {was}");
    }
}
