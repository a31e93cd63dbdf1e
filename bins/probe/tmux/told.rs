//! What one look at a tmux server has found, as evidence: a server, a session, a pane, the process in it.
//! Called by `probe tmux`. It only puts facts into their keys.

use std::collections::HashSet;

use refloat::clock::Stamp;
use refloat::model::{Instrument, SubjectKind};
use refloat::record::Evidence;
use refloat::record::evidence::{
    Detail, Here, OnServer, PaneDetail, PaneFacts, PidDetail, ServerDetail, SessionDetail,
};
use refloat::seam::tmux::{Answer, InPane, Pane, Snapshot};
use refloat::sight::tmux::{Seen, in_pane};

/// A pane and what was found of its process.
pub(super) type Inside<'p> = (&'p Pane, Option<InPane>);

fn stamp(seconds: i64) -> Stamp {
    Stamp::from_millis(seconds.saturating_mul(1_000))
}

fn count(of: usize) -> i64 {
    i64::try_from(of).unwrap_or(i64::MAX)
}

/// The server. One that another server stands in for is told with the facts of that one.
pub(super) fn server(seen: &Seen, asked: Option<&str>, here: &Here) -> Evidence {
    let listed = match &seen.answer {
        Answer::Listed(snapshot) => Some(snapshot),
        _ => None,
    };
    let socket = match &seen.answer {
        Answer::Listed(Snapshot { server, .. }) => Some(server.socket.as_str()),
        Answer::NoServer { socket } | Answer::NoSocket { socket } => Some(socket.as_str()),
        Answer::Empty | Answer::NotFound | Answer::Failed { .. } => asked,
    };
    let detail = ServerDetail {
        socket: socket.map(str::to_owned),
        pid: listed.map(|all| all.server.pid),
        started_at: listed.map(|all| stamp(all.server.started)),
        identity: listed.and_then(Snapshot::server_process).map(|server| server.to_string()),
        sessions: listed
            .map(|all| count(all.sessions().count()))
            .or_else(|| (seen.answer == Answer::Empty).then_some(0)),
        panes: listed.map(|all| count(all.panes.len())).or_else(|| (seen.answer == Answer::Empty).then_some(0)),
        recorded: seen.recorded.map(|sight| sight.observed),
        recorded_why: seen.recorded.map(|sight| sight.why),
        looks: seen.looks,
        said: match &seen.answer {
            Answer::Failed { said, .. } => Some(said.clone()),
            _ => None,
        },
    };
    let subject = asked.or(socket).unwrap_or("default");
    Evidence::here((SubjectKind::Server, subject), Instrument::Tmux, seen.server(), Detail::Server(detail), here)
}

fn on(seen: &Seen) -> OnServer {
    let server = seen.snapshot().map(|all| &all.server);
    OnServer {
        server_pid: server.map(|server| server.pid),
        server_started_at: server.map(|server| stamp(server.started)),
        inherited: seen.is_lost(),
        looks: seen.looks,
    }
}

/// A session that is listed, called as it was asked for or by its own name.
pub(super) fn session(seen: &Seen, asked: Option<&str>, panes: &[Inside<'_>], here: &Here) -> Evidence {
    let first = panes.first().map(|(pane, _)| *pane);
    let windows: HashSet<&str> = panes.iter().map(|(pane, _)| pane.window.as_str()).collect();
    let dead = panes.iter().filter(|(pane, _)| pane.dead.is_some()).count();
    let detail = SessionDetail {
        session: first.map(|pane| pane.session.clone()),
        name: first.map(|pane| pane.name.clone()),
        created_at: first.map(|pane| stamp(pane.created)),
        group: first.and_then(|pane| pane.group.clone()),
        windows: Some(count(windows.len())),
        panes: Some(count(panes.len())),
        panes_dead: Some(count(dead)),
        only: if let [only] = panes { facts(only) } else { PaneFacts::default() },
        on: on(seen),
    };
    let subject = asked.or(first.map(|pane| pane.name.as_str())).unwrap_or_default();
    let finding = seen.session(panes.iter().map(|(pane, _)| *pane));
    Evidence::here((SubjectKind::Session, subject), Instrument::Tmux, finding, Detail::Session(detail), here)
}

fn facts((pane, inside): &Inside<'_>) -> PaneFacts {
    let end = pane.dead.unwrap_or_default();
    PaneFacts {
        window: Some(pane.window.clone()),
        pane: Some(pane.pane.clone()),
        pid: Some(pane.pid),
        foreground: inside.as_ref().and_then(|inside| inside.foreground.clone()),
        exit_code: end.status,
        signal: end.signal,
        ended_at: end.at.map(stamp),
    }
}

pub(super) fn pane(seen: &Seen, one: &Inside<'_>, here: &Here) -> Evidence {
    let pane = one.0;
    let detail = PaneDetail {
        session: Some(pane.session.clone()),
        name: Some(pane.name.clone()),
        created_at: Some(stamp(pane.created)),
        itself: facts(one),
        on: on(seen),
    };
    let finding = seen.session([pane].into_iter());
    let subject = (SubjectKind::Pane, pane.pane.as_str());
    Evidence::here(subject, Instrument::Tmux, finding, Detail::Pane(detail), here)
}

/// The process in a pane. Of a dead pane tmux knows more than a number that may have passed to another process.
pub(super) fn process((pane, inside): &Inside<'_>, here: &Here) -> Evidence {
    let who = inside.as_ref().and_then(|inside| inside.identity.as_ref());
    let instrument = if pane.dead.is_some() { Instrument::Tmux } else { Instrument::Pidfd };
    let detail = PidDetail {
        pid: pane.pid,
        identity: who.map(ToString::to_string),
        start_ticks: who.map(|who| who.start_ticks),
        stopped: inside.as_ref().and_then(|inside| inside.life.stopped()),
        name: inside.as_ref().and_then(|inside| inside.name.clone()),
        name_lossy: inside.as_ref().is_some_and(|inside| inside.name_lossy),
        thread_of: None,
        errno: None,
        identity_unproven: who.is_none(),
    };
    let subject = (SubjectKind::Process, pane.pid.to_string());
    Evidence::here(subject, instrument, in_pane(pane, inside.as_ref()), Detail::Pid(detail), here)
}

/// What is not listed, or on a server that did not answer.
pub(super) fn absent(seen: &Seen, (kind, asked): (SubjectKind, &str), here: &Here) -> Evidence {
    let on = on(seen);
    let detail = match kind {
        SubjectKind::Pane => {
            Detail::Pane(PaneDetail { session: None, name: None, created_at: None, itself: PaneFacts::default(), on })
        }
        _ => Detail::Session(SessionDetail {
            session: None,
            name: None,
            created_at: None,
            group: None,
            windows: None,
            panes: None,
            panes_dead: None,
            only: PaneFacts::default(),
            on,
        }),
    };
    Evidence::here((kind, asked), Instrument::Tmux, seen.session([].into_iter()), detail, here)
}
