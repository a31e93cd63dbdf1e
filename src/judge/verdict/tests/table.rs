//! The table of verdicts, rule by rule in their order: what is recorded and seen, and what is true of it.

use super::super::*;
use super::build::{MINUTE, Row, at, idle, nothing, row, told, turn, worker};
use super::ends;
use super::named::named;
use crate::judge::outcome::Ended;
use crate::model::{Answer, ExpectKind, Hold, Meaning, Phase, Reach, Reason, RunState, Sight};

const DEAD: Sight = Sight::gone(Reason::NoSuchProcess);
const HIDDEN: Sight = Sight::unknown(Reason::OtherNamespace);

/// 1. The run has ended: nothing, whatever else is seen.
#[rustfmt::skip]
fn terminal() -> Vec<Row> {
    let ended = |state, outcome| idle(state, outcome).told(told(About::Work, Answer::Yes)).with(|run| {
        run.retry_due = at(-1);
        run.question_until = at(5);
    });
    vec![
        row("completed", ended(RunState::Completed, Outcome::Completed), "finished recorded terminal none completed completed"),
        row("without its mail", ended(RunState::Completed, Outcome::Silent), "finished recorded terminal none silent completed"),
        row("given up", ended(RunState::Failed, Outcome::Failed), "failed recorded terminal none failed failed"),
        row("given up, killed", ended(RunState::Failed, Outcome::Killed), "killed recorded terminal none killed failed"),
        row("vanished", ended(RunState::Crashed, Outcome::Lost), "vanished recorded terminal none lost crashed"),
        row("timed out", ended(RunState::TimedOut, Outcome::Stalled), "stalled recorded terminal none stalled timed_out"),
        row("stopped", ended(RunState::Stopped, Outcome::Aborted), "killed recorded terminal none aborted stopped"),
        row("an adopted one, its worker alive", worker().with(|run| {
            run.standing.state = RunState::Completed;
            run.outcome = Some(Outcome::Completed);
        }), "finished recorded terminal none completed completed"),
    ]
}

/// 2. Beside the ends of turns (`ends.rs`): workers, contradictions, runs between their turns.
#[rustfmt::skip]
fn durable_result() -> Vec<Row> {
    use ExpectKind::{File, Result};
    use Reach::{Contradicted, NotReached, Reached, Unknown};
    let done = |case: Case| case.owing(Result, Reached);
    let pane = |code| worker().seen(Sight::gone(Reason::PaneDead), 1).on_worker(|worker| worker.exit = Some(code));
    let torn = |case: Case| case.with(|run| run.conflicts.push("story says done, sprint says ready".into()));
    let waiting = |case: Case| case.held(Hold::Awaiting, at(60));
    vec![
        row("a worker has sent the mail that it owes", worker().parent().with(|run| (run.open.owes_mail, run.open.mail_sent) = (true, true)), "finished expectation_met durable_result adopt completed completed"),
        row("a worker's work is done, its session still there", done(worker()), "finished expectation_met durable_result adopt completed completed"),
        row("… and it is gone", done(worker().seen(DEAD, 1)), "finished expectation_met durable_result adopt completed completed"),
        row("… and it cannot be seen", done(worker().seen(HIDDEN, 1)), "finished expectation_met durable_result adopt completed completed"),
        row("… without the mail it owed", done(worker().parent()).with(|run| run.open.owes_mail = true), "finished terminal_mail_missing durable_result notify_parent silent completed"),
        row("gone, its pane says 0", pane(Ended::Code(0)), "finished exit_code durable_result adopt completed completed"),
        row("gone, its pane says 3", pane(Ended::Code(3)).parent(), "failed exit_code durable_result notify_parent failed failed"),
        row("gone, its pane says KILL", pane(Ended::Signal(9)).parent(), "killed signal durable_result notify_parent killed failed"),
        row("gone, its pane says SEGV", pane(Ended::Signal(11)), "crashed signal durable_result adopt killed failed"),
        row("its pane says 0, the file is not there", pane(Ended::Code(0)).owing(File, NotReached), "failed expectation_missing durable_result adopt failed failed"),
        row("its pane says 0, the result that it failed", pane(Ended::Code(0)).owing(Result, Contradicted), "failed result_says_failed durable_result adopt failed failed"),
        row("its pane says 0, the result cannot be read", pane(Ended::Code(0)).owing(Result, Unknown), "unknown owed_unknown durable_result none - in_turn"),
        row("its pane says 3, the result cannot be read", pane(Ended::Code(3)).owing(Result, Unknown), "unknown owed_unknown durable_result none - in_turn"),
        row("… and somebody elsewhere has read it", pane(Ended::Code(3)).owing(Result, Unknown).told(told(About::Owed(0), Answer::Yes)), "finished expectation_met durable_result adopt completed completed"),
        row("a gone worker, sources contradict each other", torn(worker().seen(DEAD, 1)), "conflict sources_contradict durable_result ask_human - in_turn"),
        row("a gone turn, sources contradict each other", torn(turn().gone()), "conflict sources_contradict durable_result ask_human - in_turn"),
        row("a gone turn, others see a contradiction", turn().gone().owing(Result, NotReached).told(Told { reason: Reason::Conflict, ..told(About::Owed(0), Answer::Unknown) }), "conflict sources_contradict durable_result ask_human - in_turn"),
        row("while it works a contradiction may be a moment's", torn(turn()), "running watched identity none - in_turn"),
        row("killed, and its result came afterwards", done(idle(RunState::BetweenTurns, Outcome::Killed)), "finished expectation_met durable_result adopt completed completed"),
        row("it said that it failed: no file overrules it", done(idle(RunState::BetweenTurns, Outcome::Failed)), "waiting retry_missing intentional_wait resume failed between_turns"),
        row("it waits for nothing any more, and is done", waiting(done(idle(RunState::Waiting, Outcome::Waiting))), "finished expectation_met durable_result adopt completed completed"),
        row("it waits by its own word, and is done", waiting(done(idle(RunState::Waiting, Outcome::Waiting))).with(|run| run.open.yielded = true), "waiting yielded intentional_wait none waiting waiting"),
        row("… for too long", done(idle(RunState::Waiting, Outcome::Waiting)).held(Hold::Awaiting, at(0)).with(|run| run.open.yielded = true), "finished expectation_met durable_result adopt completed completed"),
    ]
}

/// 3. It waits on purpose: kept, even if its process is gone; past its deadline it ends.
#[rustfmt::skip]
fn intentional_wait() -> Vec<Row> {
    let waiting = || idle(RunState::Waiting, Outcome::Waiting).held(Hold::Awaiting, at(60));
    let limited = |until| idle(RunState::Blocked, Outcome::Limited).held(Hold::Limited, until);
    let retrying = |due| idle(RunState::BetweenTurns, Outcome::Killed).held(Hold::Backoff, due).with(|run| run.retry_due = due);
    let asking = |case: Case| case.with(|run| run.question_until = at(5));
    let done = |case: Case| case.owing(ExpectKind::Result, Reach::Reached);
    vec![
        row("a question is open, its agent alive", asking(turn()), "waiting question_open intentional_wait none - in_turn"),
        row("a question is open, its agent gone", asking(turn().gone()), "waiting question_open intentional_wait none - in_turn"),
        row("a question is open, its worker gone", asking(worker().seen(DEAD, 1)), "waiting question_open intentional_wait none - in_turn"),
        row("its question is over", worker().seen(DEAD, 1).with(|run| run.question_until = at(0)), "vanished gone identity mark_crashed lost crashed"),
        row("children are open", waiting().with(|run| run.open.children = 2), "waiting open_children intentional_wait none waiting waiting"),
        row("it said that it waits", waiting().with(|run| run.open.yielded = true), "waiting yielded intentional_wait none waiting waiting"),
        row("mail has come", waiting().with(|run| (run.open.children, run.open.unread) = (1, 1)), "waiting unread_mail intentional_wait resume waiting waiting"),
        row("nothing is awaited any more", waiting(), "waiting nothing_awaited intentional_wait resume waiting waiting"),
        row("it has waited for as long as it may", waiting().held(Hold::Awaiting, at(0)).with(|run| run.open.children = 1), "needs_human wait_over intentional_wait ask_human waiting blocked"),
        row("the provider's time lies ahead", limited(at(30)), "limited limit_pending intentional_wait none limited blocked"),
        row("the provider's time is over", limited(at(0)), "limited limit_over intentional_wait resume limited blocked"),
        row("a person was asked", idle(RunState::Blocked, Outcome::Auth).held(Hold::NeedsHuman, None), "needs_human person_asked intentional_wait none auth blocked"),
        row("its next try is due later", retrying(at(1)), "waiting retry_pending intentional_wait none killed between_turns"),
        row("its next try is due", retrying(at(0)), "waiting retry_due intentional_wait resume killed between_turns"),
        row("its next try is due, and perhaps it is done", retrying(at(0)).owing(ExpectKind::Result, Reach::Unknown), "unknown owed_unknown intentional_wait none killed between_turns"),
        row("reopened, its old result still there", retrying(at(0)).owing(ExpectKind::Result, Reach::Reached).with(|run| run.reopened = true), "waiting retry_due intentional_wait resume killed between_turns"),
        row("nobody recorded a next try", idle(RunState::BetweenTurns, Outcome::ResumeRefused), "waiting retry_missing intentional_wait resume resume_refused between_turns"),
        row("a worker is gone and done, its children are not", done(worker().seen(DEAD, 1)).with(|run| run.open.children = 1), "waiting open_children intentional_wait none - in_turn"),
        row("a worker is gone and done, mail waits for it", done(worker().seen(DEAD, 1)).with(|run| run.open.unread = 1), "waiting unread_mail intentional_wait resume - in_turn"),
        row("its pane says 0, its children work on", worker().seen(Sight::gone(Reason::PaneDead), 1).on_worker(|w| w.exit = Some(Ended::Code(0))).with(|run| run.open.children = 1), "waiting open_children intentional_wait none - in_turn"),
    ]
}

/// 4. Nothing has begun to run.
#[rustfmt::skip]
fn launch_pending() -> Vec<Row> {
    let begun = || turn().begun(RunState::Booting);
    let never = |looks| worker().with(|run| run.standing.state = RunState::Booting).seen(Sight::gone(Reason::NeverAppeared), looks);
    vec![
        row("its turn is being started", begun(), "launching being_started launch_pending none - booting"),
        row("… and its lock is free for a moment", begun().gone().on_turn(|turn| turn.supervisor_lock = Held::Yes), "launching being_started launch_pending none - booting"),
        row("… and nobody knows who starts it", begun().gone().on_turn(|turn| turn.supervisor_lock = Held::Unknown), "unknown look_failed launch_pending none - booting"),
        row("nobody starts it any more", begun().gone(), "never_started not_released launch_pending adopt never_started booting"),
        row("… and it was to be stopped", begun().gone().wished(crate::model::Wish::Operator).parent(), "never_started not_released launch_pending notify_parent never_started stopped"),
        row("… and for an hour nobody knows", begun().gone().on_turn(|turn| turn.supervisor_lock = Held::Unknown).quiet(60), "needs_human unknown_too_long launch_pending ask_human - booting"),
        row("its lock cannot be looked at", begun().gone().on_turn(|turn| turn.turn_lock = Held::Unknown), "unknown look_failed identity none - booting"),
        row("it was recorded that it never started", idle(RunState::Booting, Outcome::NeverStarted), "never_started not_released launch_pending resume never_started booting"),
        row("a limited run's next turn is being started", turn().begun(RunState::Blocked).held(Hold::Limited, at(30)), "launching being_started launch_pending none - blocked"),
        row("a session may still come", worker().seen(Sight::unknown(Reason::Launching), 1), "launching launch_pending launch_pending none - in_turn"),
        row("a session never came", never(2).parent(), "never_started never_appeared launch_pending notify_parent never_started failed"),
        row("a session never came, and perhaps its work is done", never(2).owing(ExpectKind::Result, Reach::Unknown), "unknown owed_unknown launch_pending none - booting"),
        row("a session did not come, as one look says", never(1), "unknown one_look identity none - booting"),
    ]
}

/// 5. Whether what stands for the run lives.
#[rustfmt::skip]
fn identity() -> Vec<Row> {
    let listed = |looks| worker().seen(Sight::gone(Reason::NotListed), looks);
    let hidden = || worker().seen(HIDDEN, 1);
    let long = |case: Case| case.quiet(60);
    let doubt = |case: Case, change: fn(&mut TurnCase)| case.gone().on_turn(change);
    let old = |told: Told| Told { age_ms: Some(61_000), ..told };
    let alive = || told(About::Work, Answer::Yes);
    let dead = || told(About::Work, Answer::No);
    vec![
        row("it lives and is watched", turn(), "running watched identity none - in_turn"),
        row("… and is stopped by a signal", turn().on_turn(|turn| turn.agent = Some(Sight::alive(Reason::Stopped))), "running watched identity none - in_turn"),
        row("it lives, and who watches it cannot be told", turn().on_turn(|turn| turn.supervisor_lock = Held::Unknown), "running alive identity none - in_turn"),
        row("its supervisor was killed, it goes on", turn().abandoned(), "unsupervised no_supervisor identity attach - in_turn"),
        row("… for a day, and nothing but a day has passed", long(turn().abandoned()), "unsupervised no_supervisor identity attach - in_turn"),
        row("its shim seems dead, and the lock is held", turn().abandoned().on_turn(|turn| turn.shim = Some(DEAD)), "unsupervised no_supervisor identity attach - in_turn"),
        row("its lock file was removed", turn().on_turn(|turn| turn.turn_lock = Held::No), "running watched identity none - in_turn"),
        row("what it owes is there, and it lives", turn().owing(ExpectKind::Result, Reach::Reached), "running watched identity none - in_turn"),
        row("its supervisor was killed, what it owes is there", turn().abandoned().owing(ExpectKind::Result, Reach::Reached), "unsupervised monitoring_failed_verified_success identity attach - in_turn"),
        row("its supervisor was killed, what it owes is not there", turn().abandoned().owing(ExpectKind::File, Reach::NotReached), "unsupervised monitoring_failed_verified_incomplete identity attach - in_turn"),
        row("others tell that its monitor died", worker().owing(ExpectKind::Result, Reach::NotReached).told(told(About::Monitor, Answer::No)), "running monitoring_failed_verified_incomplete identity none - in_turn"),
        row("… and it is done", worker().owing(ExpectKind::Result, Reach::Reached).told(told(About::Monitor, Answer::No)), "finished monitoring_failed_verified_success durable_result adopt completed completed"),
        row("… and it is done, and its children are not", worker().owing(ExpectKind::Result, Reach::Reached).with(|run| run.open.children = 1).told(told(About::Monitor, Answer::No)), "running monitoring_failed_verified_success identity none - in_turn"),
        row("… and it owes nothing", worker().told(told(About::Monitor, Answer::No)), "running alive identity none - in_turn"),
        row("its shim cannot be looked at", doubt(turn(), |turn| turn.shim = Some(HIDDEN)), "unknown look_failed identity none - in_turn"),
        row("its lock cannot be looked at", doubt(turn(), |turn| turn.turn_lock = Held::Unknown), "unknown look_failed identity none - in_turn"),
        row("its tree cannot be looked at", doubt(turn(), |turn| turn.left = Left::Unknown(Reason::Hidden)), "unknown look_failed identity none - in_turn"),
        row("its agent cannot be looked at", doubt(turn(), |turn| turn.agent = Some(HIDDEN)), "unknown look_failed identity none - in_turn"),
        row("its files cannot be read", doubt(turn(), |turn| turn.ending = None), "unknown end_unreadable identity none - in_turn"),
        row("… for an hour", long(doubt(turn(), |turn| turn.ending = None)), "needs_human unknown_too_long identity ask_human - in_turn"),
        row("its last change lies in the future", long(doubt(turn(), |turn| turn.ending = None)).with(|run| run.since_change_ms = None), "unknown end_unreadable identity none - in_turn"),
        row("a worker lives", worker(), "running alive identity none - in_turn"),
        row("a worker lives and its beat is old", worker().on_worker(|worker| worker.beat_ms = Some(999 * MINUTE)), "running alive identity none - in_turn"),
        row("a worker is dead, its beat a second old", worker().seen(DEAD, 1).on_worker(|worker| worker.beat_ms = Some(1000)), "vanished gone identity mark_crashed lost crashed"),
        row("a worker is dead, its beat in the future", worker().seen(DEAD, 1).on_worker(|worker| worker.skewed = true), "vanished gone identity mark_crashed lost crashed"),
        row("a worker's pid is another's", worker().seen(Sight::gone(Reason::PidReused), 1), "vanished gone identity mark_crashed lost crashed"),
        row("a worker is a zombie", worker().seen(Sight::gone(Reason::Zombie), 1), "vanished gone identity mark_crashed lost crashed"),
        row("the host was booted anew under a worker", worker().seen(Sight::gone(Reason::Rebooted), 1), "vanished gone identity mark_crashed lost crashed"),
        row("a session is not listed, once", listed(1), "unknown one_look identity none - in_turn"),
        row("a session is not listed, twice", listed(2), "vanished gone identity mark_crashed lost crashed"),
        row("a server is gone, twice", worker().seen(Sight::gone(Reason::NoServer), 2), "vanished gone identity mark_crashed lost crashed"),
        row("tmux does not answer", worker().seen(Sight::unknown(Reason::Timeout), 1), "unknown look_failed identity none - in_turn"),
        row("… for an hour", long(worker().seen(Sight::unknown(Reason::Timeout), 1)), "needs_human unknown_too_long identity ask_human - in_turn"),
        row("… for an hour, and it beats", long(worker().seen(Sight::unknown(Reason::Timeout), 1)).on_worker(|worker| worker.beat_ms = Some(1)), "unknown look_failed identity none - in_turn"),
        row("not listed once, and others agree", listed(1).told(dead().here()), "vanished gone identity mark_crashed lost crashed"),
        row("not listed twice, and others see it", listed(2).told(alive()), "unknown evidence_contradicts identity none - in_turn"),
        row("not listed twice, and others could not see", listed(2).told(told(About::Work, Answer::Unknown)), "unknown evidence_contradicts identity none - in_turn"),
        row("not listed twice, others saw it long ago", listed(2).told(old(alive())), "vanished gone identity mark_crashed lost crashed"),
        row("dead by the kernel, whatever others tell", worker().seen(DEAD, 1).told(alive()), "vanished gone identity mark_crashed lost crashed"),
        row("on another host, told alive there", hidden().told(alive()), "running told_alive identity none - in_turn"),
        row("on another host, told dead there", hidden().told(dead()), "vanished gone identity mark_crashed lost crashed"),
        row("nobody could look, told dead elsewhere", worker().seen(Sight::unknown(Reason::Timeout), 1).told(dead()), "unknown look_failed identity none - in_turn"),
        row("on another host, told dead from here", hidden().told(dead().here()), "unknown look_failed identity none - in_turn"),
        row("on another host, told dead long ago", hidden().told(old(dead())), "unknown look_failed identity none - in_turn"),
        row("told dead by a clock that is ahead", hidden().told(Told { age_ms: None, ..dead() }), "unknown look_failed identity none - in_turn"),
        row("told dead before the run's last change", hidden().with(|run| run.since_change_ms = Some(20_000)).told(dead()), "unknown look_failed identity none - in_turn"),
        row("told dead of another attempt", hidden().told(Told { attempt: Some(2), ..dead() }), "unknown look_failed identity none - in_turn"),
        row("told dead of no attempt, and registered", hidden().told(Told { attempt: None, ..dead() }), "vanished gone identity mark_crashed lost crashed"),
        row("told dead, and nobody it knows", hidden().told(told(About::Other, Answer::No)), "unknown look_failed identity none - in_turn"),
        row("told dead, and alive since", hidden().told(dead()).told(Told { age_ms: Some(1), ..alive() }), "running told_alive identity none - in_turn"),
        row("told something that is no sign of life", hidden().told(Told { meaning: Meaning::Unknown, ..alive() }), "unknown look_failed identity none - in_turn"),
        row("a shim in another container, told alive there", doubt(turn(), |turn| turn.shim = Some(HIDDEN)).told(told(About::Shim, Answer::Yes)), "unsupervised no_supervisor identity attach - in_turn"),
    ]
}

/// 6. Its shim is dead, and something of its tree is not.
#[rustfmt::skip]
fn orphaned() -> Vec<Row> {
    vec![
        row("something of its tree lives", turn().orphaned(), "orphaned shim_gone orphaned none - in_turn"),
        row("its agent lives", turn().gone().on_turn(|turn| {
            turn.agent = Some(Sight::alive(Reason::Running));
            turn.left = Left::Unknown(Reason::Restless);
        }), "orphaned shim_gone orphaned none - in_turn"),
        row("… and nothing is killed in doubt", turn().gone().on_turn(|turn| {
            turn.agent = Some(Sight::alive(Reason::Running));
            turn.left = Left::Unknown(Reason::Restless);
        }), "orphaned shim_gone orphaned none - in_turn").killing(),
        row("it is to be ended", turn().orphaned(), "orphaned shim_gone orphaned kill_then_crash lost crashed").killing(),
        row("… and tried again", turn().orphaned().attempts(0, 3), "orphaned shim_gone orphaned kill_then_crash lost between_turns").killing(),
        row("… and its files cannot be read", turn().orphaned().on_turn(|turn| turn.ending = None), "orphaned shim_gone orphaned none - in_turn").killing(),
        row("… and perhaps its work is done", turn().orphaned().owing(ExpectKind::Result, Reach::Unknown), "orphaned shim_gone orphaned none - in_turn").killing(),
    ]
}

/// 7. It lives, and does not move.
#[rustfmt::skip]
fn silent() -> Vec<Row> {
    let quiet = |case: Case, phase| case.on_turn(|turn| {
        turn.silence = Some(Silence { phase, silent_ms: 11 * MINUTE, limit_ms: 10 * MINUTE });
    });
    let slow = |ago| worker().on_worker(|worker| (worker.progress_ms, worker.beat_ms) = (Some(ago), Some(1000)));
    vec![
        row("nothing has come of it", quiet(turn(), Phase::Starting), "stalled no_first_event silent none - in_turn"),
        row("the model is awaited", quiet(turn(), Phase::Model), "stalled no_progress silent none - in_turn"),
        row("a tool runs", quiet(turn(), Phase::Tool), "stalled no_progress_in_tool silent none - in_turn"),
        row("it stays after its end", quiet(turn(), Phase::Ending), "stalled no_progress silent none - in_turn"),
        row("nobody watches it", quiet(turn().abandoned(), Phase::Model), "stalled no_progress silent attach - in_turn"),
        row("it may be ended, and its supervisor decides", quiet(turn(), Phase::Model), "stalled no_progress silent none - in_turn").killing(),
        row("it may be ended", quiet(turn().abandoned(), Phase::Model), "stalled no_progress silent kill_then_crash stalled timed_out").killing(),
        row("it may be ended, and its shim is not seen", quiet(turn().abandoned(), Phase::Model).on_turn(|turn| turn.shim = Some(HIDDEN)), "stalled no_progress silent attach - in_turn").killing(),
        row("a worker beats, and told of no progress for an hour", slow(61 * MINUTE), "stalled no_progress silent none - in_turn"),
        row("… it is not ours to end", slow(61 * MINUTE), "stalled no_progress silent none - in_turn").killing(),
        row("… for less", slow(60 * MINUTE), "running alive identity none - in_turn"),
    ]
}

/// 8. Nothing else is known than its age.
#[rustfmt::skip]
fn age() -> Vec<Row> {
    let old = |case: Case| case.quiet(60);
    vec![
        row("opened lately", nothing(RunState::Booting), "launching nothing_stands_for_it age none - booting"),
        row("opened long ago", old(nothing(RunState::Booting)), "needs_human nothing_stands_for_it age ask_human - booting"),
        row("in a turn that has its end", idle(RunState::InTurn, Outcome::Completed), "unknown nothing_stands_for_it age none completed in_turn"),
        row("… for long", old(nothing(RunState::InTurn)), "needs_human nothing_stands_for_it age ask_human - in_turn"),
    ]
}

pub(super) fn rows() -> Vec<Row> {
    let parts = [
        terminal(),
        ends::ends(),
        named(),
        durable_result(),
        intentional_wait(),
        launch_pending(),
        identity(),
        orphaned(),
        silent(),
        age(),
    ];
    parts.into_iter().flatten().collect()
}
