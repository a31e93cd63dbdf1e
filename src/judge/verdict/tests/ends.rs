//! The table of verdicts, rules 2 and 5: turns of ours that have ended and have no outcome yet.

use super::super::*;
use super::build::{Row, at, row, turn};
use crate::judge::outcome::{Ended, NotRun, Terminal};
use crate::model::{EndedBy, ExpectKind, OutcomeSource, Reach, Reason, Sight, Wish};

const CLEAN: Terminal = Terminal::Clean;
const TYPED: OutcomeSource = OutcomeSource::TypedField;

fn said(terminal: Terminal) -> Case {
    turn().gone().exited(Ended::Code(0)).on_end(|end| end.terminal = Some(terminal))
}

fn killed() -> Case {
    turn().gone().exited(Ended::Signal(9))
}

fn ended_by(by: EndedBy) -> Case {
    turn().gone().on_end(|end| end.exit = Some((Ended::Signal(15), by)))
}

/// What it has left proves its end.
#[rustfmt::skip]
fn proven() -> Vec<Row> {
    vec![
        row("it said that it is done", said(CLEAN), "finished clean_result durable_result adopt completed completed"),
        row("… and its shim died before it", turn().gone().on_end(|end| end.terminal = Some(CLEAN)), "finished clean_result durable_result adopt completed completed"),
        row("… and was stopped", said(CLEAN).wished(Wish::Operator), "finished clean_result durable_result adopt completed stopped"),
        row("… and nobody watched, and its result is there", said(CLEAN).owing(ExpectKind::Result, Reach::Reached), "finished monitoring_failed_verified_success durable_result adopt completed completed"),
        row("… and its file is not there", said(CLEAN).owing(ExpectKind::File, Reach::NotReached), "failed expectation_missing durable_result deadletter failed failed"),
        row("… and its result says that it failed", said(CLEAN).owing(ExpectKind::Result, Reach::Contradicted), "failed result_says_failed durable_result deadletter failed failed"),
        row("… and its result cannot be read", said(CLEAN).owing(ExpectKind::Result, Reach::Unknown), "unknown owed_unknown durable_result none - in_turn"),
        row("… without its mail", said(CLEAN).parent().with(|run| run.open.owes_mail = true), "finished terminal_mail_missing durable_result notify_parent silent completed"),
        row("… without the mail that was expected", said(CLEAN).owing(ExpectKind::Mail, Reach::NotReached).on_turn(|turn| turn.supervisor_lock = Held::Yes), "finished expectation_missing durable_result adopt silent completed"),
        row("… and for an hour its result cannot be read", said(CLEAN).owing(ExpectKind::Result, Reach::Unknown).quiet(60), "needs_human unknown_too_long durable_result ask_human - in_turn"),
        row("… and its children are open", said(CLEAN).with(|run| run.open.children = 1), "waiting open_children durable_result adopt waiting waiting"),
        row("… and it waits", said(CLEAN).with(|run| run.open.yielded = true), "waiting yielded durable_result adopt waiting waiting"),
        row("… and mail waits", said(CLEAN).with(|run| run.open.unread = 1), "waiting unread_mail durable_result adopt waiting waiting"),
        row("it ran in a container that is gone", said(CLEAN).on_turn(|turn| turn.shim = Some(Sight::unknown(Reason::OtherNamespace))), "finished clean_result durable_result adopt completed completed"),
        row("plain, exit 0", turn().gone().exited(Ended::Code(0)).on_end(|end| end.expects_terminal = false), "finished exit_code durable_result adopt completed completed"),
        row("plain, exit 3", turn().gone().exited(Ended::Code(3)).on_end(|end| end.expects_terminal = false), "failed exit_code durable_result deadletter failed failed"),
        row("it said that it failed", said(Terminal::Error).attempts(0, 3), "failed error_result durable_result retry_at failed between_turns"),
        row("… for the last time", said(Terminal::Error).attempts(2, 3), "failed error_result durable_result deadletter failed failed"),
        row("no terminal event", turn().gone().exited(Ended::Code(0)).attempts(0, 3), "failed no_terminal_event durable_result retry_at no_result between_turns"),
        row("no terminal event, and its result is there", turn().gone().exited(Ended::Code(0)).owing(ExpectKind::Result, Reach::Reached), "finished monitoring_failed_verified_success durable_result adopt completed completed"),
        row("no terminal event, and its result cannot be read", turn().gone().exited(Ended::Code(0)).owing(ExpectKind::Result, Reach::Unknown), "unknown owed_unknown durable_result none - in_turn"),
        row("it died of a fault", turn().gone().exited(Ended::Signal(11)).attempts(0, 3), "crashed signal durable_result retry_at killed between_turns"),
        row("its shell says that it died of a fault", turn().gone().exited(Ended::Code(134)).on_end(|end| end.code_tells = true), "crashed exit_code durable_result deadletter failed failed"),
        row("it said that it failed, and died of a fault", said(Terminal::Error).exited(Ended::Signal(6)), "crashed error_result durable_result deadletter failed failed"),
        row("it died of a fault in its shell", turn().gone().exited(Ended::Code(139)), "crashed no_terminal_event durable_result deadletter no_result failed"),
        row("it said that it is done, died of a fault, and its file is not there", said(CLEAN).exited(Ended::Signal(11)).owing(ExpectKind::File, Reach::NotReached), "failed expectation_missing durable_result deadletter failed failed"),
        row("it was killed", killed().attempts(0, 3), "killed signal durable_result retry_at killed between_turns"),
        row("it was killed for the last time", killed(), "killed signal durable_result deadletter killed failed"),
        row("it was killed, its result is there", killed().owing(ExpectKind::Result, Reach::Reached), "finished monitoring_failed_verified_success durable_result adopt completed completed"),
        row("it was killed, the mail that it owes is sent", killed().parent().with(|run| (run.open.owes_mail, run.open.mail_sent) = (true, true)), "finished expectation_met durable_result adopt completed completed"),
        row("… and a file cannot be read", killed().owing(ExpectKind::File, Reach::Unknown).with(|run| (run.open.owes_mail, run.open.mail_sent) = (true, true)), "unknown owed_unknown durable_result none - in_turn"),
        row("it was killed, a file is there", killed().owing(ExpectKind::File, Reach::Reached), "killed signal durable_result deadletter killed failed"),
        row("a limit", said(Terminal::Limited(TYPED)).on_turn(|turn| turn.after.limit_resets_at = at(90)), "limited rate_limit durable_result retry_at limited blocked"),
        row("credentials", said(Terminal::Auth(TYPED)), "needs_human credentials durable_result ask_human auth blocked"),
        row("its session is not known", said(Terminal::ResumeRefused(TYPED)), "failed unknown_session durable_result adopt resume_refused between_turns"),
        row("the deadline", ended_by(EndedBy::Deadline), "stalled deadline durable_result adopt timed_out timed_out"),
        row("it was silent and was ended", ended_by(EndedBy::Asked).wished(Wish::Stall).parent(), "stalled no_progress durable_result notify_parent stalled timed_out"),
        row("it never said anything and was ended", ended_by(EndedBy::Asked).wished(Wish::FirstEvent), "stalled no_first_event durable_result adopt stalled timed_out"),
        row("its tool was silent and it was ended", ended_by(EndedBy::Asked).wished(Wish::StallTool), "stalled no_progress_in_tool durable_result adopt stalled timed_out"),
        row("it was stopped", ended_by(EndedBy::Asked).wished(Wish::Operator), "killed stop durable_result adopt aborted stopped"),
        row("its supervisor was interrupted", ended_by(EndedBy::Asked).wished(Wish::Interrupt), "killed interrupt durable_result adopt aborted stopped"),
        row("no such program", turn().gone().on_end(|end| (end.started, end.not_run) = (false, Some(NotRun::NotFound))), "failed program_not_found durable_result deadletter spawn_failed failed"),
        row("its program cannot be used", turn().gone().on_end(|end| (end.started, end.not_run) = (false, Some(NotRun::Unusable))).attempts(0, 3), "failed cannot_run durable_result retry_at spawn_failed between_turns"),
        row("done, and something of its tree lives", said(CLEAN).orphaned(), "finished tree_lives durable_result none completed in_turn"),
        row("… and may be killed", said(CLEAN).orphaned(), "finished tree_lives durable_result adopt completed completed").killing(),
        row("… and it is not known what", said(CLEAN).orphaned().on_turn(|turn| {
            turn.agent = Some(Sight::alive(Reason::Running));
            turn.left = Left::Unknown(Reason::Hidden);
        }), "finished tree_lives durable_result none completed in_turn").killing(),
        row("… and its result cannot be read", said(CLEAN).orphaned().owing(ExpectKind::Result, Reach::Unknown), "orphaned shim_gone orphaned none - in_turn").killing(),
        row("done, and its shim still tidies up", turn().abandoned().on_end(|end| end.terminal = Some(CLEAN)), "unsupervised no_supervisor identity attach - in_turn"),
    ]
}

/// It has left nothing that proves its end, and nothing of it lives.
#[rustfmt::skip]
fn unproven() -> Vec<Row> {
    let dead = |why| turn().gone().on_turn(|turn| (turn.shim, turn.agent) = (Some(Sight::gone(why)), Some(Sight::gone(why))));
    vec![
        row("gone without a word", turn().gone(), "vanished shim_died identity mark_crashed lost crashed"),
        row("… and tried again", turn().gone().attempts(0, 3), "vanished shim_died identity retry_at lost between_turns"),
        row("… and was to be stopped", turn().gone().wished(Wish::Operator).parent(), "killed stop identity notify_parent aborted stopped"),
        row("… and its supervisor was interrupted", turn().gone().wished(Wish::Interrupt), "killed interrupt identity adopt aborted stopped"),
        row("… and was to be ended before its first word", turn().gone().wished(Wish::FirstEvent), "stalled no_first_event identity adopt stalled timed_out"),
        row("… and was to be ended in its tool", turn().gone().wished(Wish::StallTool), "stalled no_progress_in_tool identity adopt stalled timed_out"),
        row("… and was to be ended for its silence", turn().gone().wished(Wish::Stall), "stalled no_progress identity adopt stalled timed_out"),
        row("its pid is another's", dead(Reason::PidReused), "vanished shim_died identity mark_crashed lost crashed"),
        row("it is a zombie", dead(Reason::Zombie), "vanished shim_died identity mark_crashed lost crashed"),
        row("the host was booted anew", dead(Reason::Rebooted), "vanished shim_died identity mark_crashed lost crashed"),
        row("gone, its result is there", turn().gone().owing(ExpectKind::Result, Reach::Reached), "finished monitoring_failed_verified_success durable_result adopt completed completed"),
        row("gone, its result cannot be read", turn().gone().owing(ExpectKind::Result, Reach::Unknown), "unknown owed_unknown identity none - in_turn"),
        row("gone, a file cannot be read", turn().gone().owing(ExpectKind::File, Reach::Unknown), "vanished shim_died identity mark_crashed lost crashed"),
        row("finishing, and somebody does it", turn().gone().on_turn(|turn| turn.supervisor_lock = Held::Yes), "vanished shim_died identity mark_crashed lost crashed"),
    ]
}

pub(super) fn ends() -> Vec<Row> {
    proven().into_iter().chain(unproven()).collect()
}
