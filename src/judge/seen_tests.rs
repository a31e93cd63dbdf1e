//! The tables of what a look means for a wait, every cell.

use super::*;
use crate::model::{Hold, RunState};
use Seen::{Again, Met, Never, NotYet, Unclear};

#[test]
fn the_table_of_processes() {
    assert_eq!(exit(Sight::alive(Reason::Running)), NotYet(Reason::Running));
    assert_eq!(exit(Sight::alive(Reason::Stopped)), NotYet(Reason::Stopped));
    for why in [Reason::NoSuchProcess, Reason::PidReused, Reason::Zombie, Reason::Rebooted] {
        assert_eq!(exit(Sight::gone(why)), Met(why));
    }
    for why in [Reason::NoDescriptors, Reason::LookFailed, Reason::Restless] {
        assert_eq!(exit(Sight::unknown(why)), Unclear(why));
    }
    for why in [Reason::OtherBoot, Reason::OtherNamespace, Reason::OtherHost, Reason::Hidden, Reason::NotSupported] {
        assert_eq!(exit(Sight::unknown(why)), Never(why));
    }
    for why in Reason::ALL {
        assert!(!matches!(exit(Sight::unknown(*why)), Met(_) | Again(_)), "{why}");
    }
}

#[test]
fn the_table_of_runs() {
    let standing = |state| Standing { state, hold: None, held_until: None, held_by_provider: false };
    let run = |state| RunSeen { standing: standing(state), epoch: 1, attempts: 0 };
    for state in RunState::ALL {
        let expected = if state.is_terminal() { Met(Reason::EndRecorded) } else { NotYet(Reason::NoEndRecorded) };
        assert_eq!(run(*state).ended(), expected, "{state}");
    }
    let first = run(RunState::Waiting);
    assert_eq!(first.changed(&first), NotYet(Reason::Unchanged));
    let held = RunSeen { standing: Standing { hold: Some(Hold::Awaiting), ..standing(RunState::Waiting) }, ..first };
    let others = [
        run(RunState::InTurn),
        held,
        RunSeen { epoch: 2, ..run(RunState::Waiting) },
        RunSeen { attempts: 1, ..run(RunState::Waiting) },
    ];
    for other in others {
        assert_eq!(other.changed(&run(RunState::Waiting)), Met(Reason::Changed), "{other:?}");
    }
}

const FILE: FileStat = FileStat::Present { file: (1, 7), length: 3, written: (100, 5) };
const HIDDEN: FileStat = FileStat::Hidden(Reason::PermissionDenied);

#[test]
fn the_table_of_files() {
    use FileStat::{Absent, Present};
    let denied = Never(Reason::PermissionDenied);
    assert_eq!([exists(FILE), exists(Absent), exists(HIDDEN)], [Met(Reason::Present), NotYet(Reason::NoFile), denied]);
    assert_eq!([gone(FILE), gone(Absent), gone(HIDDEN)], [NotYet(Reason::Present), Met(Reason::NoFile), denied]);
    let rows = [
        (Absent, Absent, NotYet(Reason::Unchanged)),
        (Absent, FILE, Met(Reason::Appeared)),
        (Absent, HIDDEN, denied),
        (FILE, Absent, Met(Reason::Removed)),
        (FILE, FILE, NotYet(Reason::Unchanged)),
        (FILE, Present { file: (1, 7), length: 4, written: (100, 5) }, Met(Reason::Modified)),
        (FILE, Present { file: (1, 7), length: 3, written: (100, 6) }, Met(Reason::Modified)),
        (FILE, Present { file: (1, 7), length: 3, written: (99, 5) }, Met(Reason::Modified)),
        (FILE, Present { file: (1, 8), length: 3, written: (100, 5) }, Met(Reason::Replaced)),
        (FILE, Present { file: (2, 7), length: 3, written: (100, 5) }, Met(Reason::Replaced)),
        (FILE, HIDDEN, denied),
        (HIDDEN, Absent, denied),
        (HIDDEN, FILE, denied),
        (HIDDEN, HIDDEN, denied),
    ];
    for (first, now, expected) in rows {
        assert_eq!(changed(first, now), expected, "{first:?} {now:?}");
    }
}

const ALIVE: Option<Sight> = Some(Sight::alive(Reason::Running));
const DEAD: Option<Sight> = Some(Sight::gone(Reason::NoSuchProcess));
const DOUBT: Option<Sight> = Some(Sight::unknown(Reason::OtherNamespace));

#[test]
fn the_table_of_sessions() {
    use Session as S;
    // What tmux says; then with a server alive, in doubt, never seen (found first, then not).
    let rows: [(S, [Seen; 4]); 7] = [
        (S::Listed, [NotYet(Reason::Listed); 4]),
        (S::PaneDead, [Met(Reason::PaneDead); 4]),
        (
            S::NotListed,
            [Again(Reason::NotListed), Again(Reason::NotListed), Again(Reason::NotListed), Again(Reason::NeverSeen)],
        ),
        (
            S::NotFound,
            [Again(Reason::NotFound), Again(Reason::NotFound), Again(Reason::NotFound), Again(Reason::NeverSeen)],
        ),
        (S::Lost(Lost::OtherServer), [Unclear(Reason::SocketReplaced); 4]),
        (
            S::Lost(Lost::NoServer),
            [
                Unclear(Reason::SocketReplaced),
                Again(Reason::NoServer),
                Again(Reason::NoServer),
                Again(Reason::NoServer),
            ],
        ),
        (
            S::Lost(Lost::NoSocket),
            [Unclear(Reason::NoSocket), Unclear(Reason::NoSocket), Unclear(Reason::NoSocket), Never(Reason::NoSocket)],
        ),
    ];
    for (says, expected) in rows {
        for ((server, found), expected) in
            [(ALIVE, true), (DOUBT, true), (None, true), (None, false)].into_iter().zip(expected)
        {
            let seen = SessionSeen { session: Some(says), server, found, confirmed: false };
            assert_eq!(session(&seen), expected, "{seen:?}");
            let twice = if let Again(why) = expected { Met(why) } else { expected };
            assert_eq!(session(&SessionSeen { confirmed: true, ..seen }), twice, "{seen:?}");
        }
        let seen = SessionSeen { session: Some(says), server: DEAD, found: true, confirmed: false };
        assert_eq!(session(&seen), Met(Reason::NoServer), "{says:?}");
    }
    let unasked = SessionSeen { session: None, server: DEAD, found: true, confirmed: false };
    assert_eq!(session(&unasked), Met(Reason::NoServer));
    assert_eq!(session(&SessionSeen { server: ALIVE, ..unasked }), Unclear(Reason::LookFailed));
}

#[test]
fn a_tmux_that_cannot_be_asked_is_no_end_of_a_session() {
    use Reason as R;
    let lasting = [R::NotInstalled, R::ExecFailed, R::PermissionDenied, R::NoDirectory, R::VersionMismatch];
    for why in Reason::ALL {
        for (found, confirmed) in [(false, false), (false, true), (true, false), (true, true)] {
            let says = Some(Session::Lost(Lost::Failed(*why)));
            let seen = SessionSeen { session: says, server: if found { ALIVE } else { None }, found, confirmed };
            let expected = if !found && lasting.contains(why) { Never(*why) } else { Unclear(*why) };
            assert_eq!(session(&seen), expected, "{seen:?}");
        }
    }
}
