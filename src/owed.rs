//! What a run owes: named, looked at before and after, stored between. Called by `turn run` at the start of an attempt and
//! by `finish` at the end of a turn; for a worker by `turn adopt`, and by who ends its run. The steps are the same:
//! [`resolve`], [`look`], [`keep`] in a transaction; later [`look_again`], and [`findings`] in a transaction.
//! It compares nothing itself: `judge::owed` does.

use std::path::Path;

use crate::bmad;
use crate::clock::Stamp;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::id::{RunId, TurnId};
use crate::judge::owed::{begins_attempt, reach};
use crate::model::{Cause, Expectation, Fulfilment, Look, Milestone, Owed, Reach, Wanted};
use crate::seam::git::NoRepository;
use crate::seam::{artefact, git};
use crate::state::{State, Tx, View, expectation, run};

/// Expectations as they look now.
pub type Looks = Vec<(Expectation, Look)>;

/// What is wanted, as seen from a folder: absolute paths, and refs with their repository. Named twice, it is wanted once.
///
/// # Errors
/// 66 where the folder is in no git repository and a ref is wanted; 69 where that cannot be told.
pub fn resolve(wanted: &[Wanted], folder: &Path) -> Result<Vec<Expectation>> {
    let mut all = Vec::with_capacity(wanted.len());
    for one in wanted {
        let expectation = match one {
            Wanted::Mail(kind) => Expectation::Mail(*kind),
            Wanted::File(path) => Expectation::File(absolute(path, folder)),
            Wanted::Result(path) => Expectation::Result(absolute(path, folder)),
            Wanted::Git(name) => {
                let repository = git::repository(folder).map_err(|why| no_repository(name, folder, why))?;
                Expectation::Git { name: name.clone(), repository }
            }
            Wanted::Story(text) => Expectation::Story(milestone(text, folder)),
            Wanted::Sprint(text) => Expectation::Sprint(milestone(text, folder)),
        };
        if !all.contains(&expectation) {
            all.push(expectation);
        }
    }
    Ok(all)
}

/// Without `.`, but with `..`: what stands before that may be a link.
fn absolute(path: &Path, folder: &Path) -> std::path::PathBuf {
    folder.join(path).components().collect()
}

fn milestone(text: &str, folder: &Path) -> Milestone {
    Milestone { text: text.to_owned(), root: absolute(Path::new(""), folder) }
}

fn no_repository(name: &str, folder: &Path, why: NoRepository) -> Failure {
    let (exit, why) = match why {
        NoRepository::None(why) => (Exit::NotFound, why),
        NoRepository::Unknown(why) => (Exit::Unknown, why),
    };
    Failure::new(exit, format!("cannot expect git:{name} in {}: {why}", folder.display()))
        .hint("a ref is looked for in the repository of --cwd")
}

/// Looks at what is expected. Mail is not looked at here: only a transaction sees it with what follows from it.
///
/// # Errors
/// 69 for a ref that cannot be looked at: without its baseline nothing could ever prove that it has moved.
pub fn look(expectations: impl IntoIterator<Item = Expectation>) -> Result<Looks> {
    let looked = expectations.into_iter().map(|expectation| {
        let look = look_at(&expectation);
        match (&expectation, &look) {
            (Expectation::Git { name, repository }, Look::Unknown { why }) => Err(Failure::new(
                Exit::Unknown,
                format!("cannot look at git:{name} in {}: {why}", repository.display()),
            )
            .hint("a run that owes what is gone for good can only be ended: turn stop AGENT")),
            _ => Ok((expectation, look)),
        }
    });
    looked.collect()
}

/// How what is expected looks now; of mail nothing, which only the state file tells ([`mail_in`]).
#[must_use]
pub fn look_at(expectation: &Expectation) -> Look {
    match expectation {
        Expectation::Mail(_) => Look::Mail { mail: None },
        Expectation::File(path) => artefact::file(path),
        Expectation::Result(path) => artefact::result(path),
        Expectation::Git { name, repository } => git::ref_in(repository, name),
        Expectation::Story(milestone) => bmad::look_at_story(milestone),
        Expectation::Sprint(milestone) => bmad::look_at_sprint(milestone),
    }
}

/// What an agent's next turn has to look at before it begins: what it is asked for, and, where an attempt begins with it,
/// what its open run owes already.
///
/// # Errors
/// Those of [`look`] and of the state file.
pub fn look_before(state: &State, agent: &str, asked: &[Expectation]) -> Result<Looks> {
    let owed = state.read("look at what the run owes", |view| match run::open_of(view, agent)? {
        Some(run) if begins_attempt(&run.standing()) => expectation::of_run(view, run.id),
        _ => Ok(Vec::new()),
    })?;
    let more = owed.into_iter().map(|owed| owed.expectation).filter(|owed| !asked.contains(owed));
    look(asked.iter().cloned().chain(more))
}

/// Stores these looks as baselines: of a new attempt all, in the middle of one those that are new. Returns what the run
/// owes from now on.
///
/// # Errors
/// Those of the state file.
pub fn keep(
    tx: &Tx<'_>,
    run: RunId,
    looks: &Looks,
    is_new_attempt: bool,
    turn: Option<TurnId>,
    now: Stamp,
) -> Result<Vec<Owed>> {
    let owed = expectation::of_run(tx, run)?;
    if looks.is_empty() {
        return Ok(owed);
    }
    let newest = Look::Mail { mail: expectation::newest_mail(tx)? };
    for (expectation, look) in looks {
        if is_new_attempt || owed.iter().all(|owed| owed.expectation != *expectation) {
            let baseline = if matches!(expectation, Expectation::Mail(_)) { &newest } else { look };
            expectation::keep(tx, run, expectation, baseline, turn, now)?;
        }
    }
    expectation::of_run(tx, run)
}

/// What a run owes and how it looks now.
///
/// # Errors
/// Those of the state file; what cannot be looked at is unknown, and no error.
pub fn look_again(state: &State, run: RunId) -> Result<Vec<(Owed, Look)>> {
    let owed = state.read("look at what the run owes", |view| expectation::of_run(view, run))?;
    let with_look = |owed: Owed| {
        let look = look_at(&owed.expectation);
        (owed, look)
    };
    Ok(owed.into_iter().map(with_look).collect())
}

/// What became of each thing that a run owes; its mail is as the transaction sees it.
///
/// # Errors
/// Those of the state file.
pub fn findings(view: &View<'_>, run: RunId, looked: &[(Owed, Look)]) -> Result<Vec<Fulfilment>> {
    let find = |(owed, look): &(Owed, Look)| {
        let mail = mail_in(view, run, owed)?;
        Ok(reach(&owed.expectation, &owed.baseline, mail.as_ref().unwrap_or(look)))
    };
    looked.iter().map(find).collect()
}

/// How mail that is owed looks in the state file; none of what is no mail.
///
/// # Errors
/// Those of the state file.
pub fn mail_in(view: &View<'_>, run: RunId, owed: &Owed) -> Result<Option<Look>> {
    let (Expectation::Mail(kind), Look::Mail { mail }) = (&owed.expectation, &owed.baseline) else { return Ok(None) };
    let sent = expectation::mail_of(view, run, *kind, mail.unwrap_or(0))?;
    Ok(Some(Look::Mail { mail: sent.map(|mail| mail.0) }))
}

/// What is wrong, in words, where the turn ended as it did for it.
#[must_use]
pub fn message(cause: Cause, looked: &[(Owed, Look)], findings: &[Fulfilment]) -> Option<String> {
    if !matches!(cause, Cause::ExpectationMissing | Cause::ExpectationUnknown | Cause::ResultSaysFailed) {
        return None;
    }
    let wrong = looked.iter().zip(findings).filter(|(_, finding)| finding.reach != Reach::Reached);
    let words = wrong.map(|((owed, _), finding)| {
        let target = owed.expectation.target().to_string_lossy();
        format!("{}:{target}: {}", finding.kind, finding.why.as_deref().unwrap_or(finding.reach.word()))
    });
    // Beyond what the run owes stand the sources of truth that somebody has named for it.
    let named = findings.iter().skip(looked.len()).filter(|finding| finding.reach != Reach::Reached);
    let named = named.map(|finding| format!("{}: {}", finding.kind, finding.why.as_deref().unwrap_or("not reached")));
    Some(format!("expected and not reached: {}", words.chain(named).collect::<Vec<_>>().join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Capability, NewRun};
    use crate::state::Place;

    #[test]
    fn a_run_without_a_turn_owes_by_the_same_steps() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place { file: folder.path().join("state.db"), hints: vec![], by_option: false };
        let mut state = State::open_for_writing(&place).unwrap();
        let wanted = [Wanted::File("./f".into()), Wanted::Result("r".into()), Wanted::File("f".into())];
        let all = resolve(&wanted, folder.path()).unwrap();
        assert_eq!(all, [Expectation::File(folder.path().join("f")), Expectation::Result(folder.path().join("r"))]);
        let looks = look(all).unwrap();
        let run = state.write("adopt", |tx| {
            let capability = Capability::None;
            let new = NewRun { agent: "a", task: None, parent: None, capability, max_attempts: 1, session: None };
            let run = run::open(tx, &new, Stamp::now())?;
            let owed = keep(tx, run, &looks, true, None, Stamp::now())?;
            assert_eq!((owed.len(), owed[0].turn, &owed[0].baseline), (2, None, &Look::Absent));
            Ok(run)
        });
        let run = run.unwrap();
        std::fs::write(folder.path().join("r"), r#"{"status":"done"}"#).unwrap();
        let looked = look_again(&state, run).unwrap();
        let found = state.read("judge", |view| findings(view, run, &looked)).unwrap();
        assert_eq!(found.iter().map(|one| one.reach).collect::<Vec<_>>(), [Reach::NotReached, Reach::Reached]);
        let said = message(Cause::ExpectationMissing, &looked, &found).unwrap();
        assert!(said.ends_with("/f: not there"), "{said}");
        assert_eq!(message(Cause::CleanResult, &looked, &found), None);
    }
}
