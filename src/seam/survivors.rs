//! What is left of a turn whose shim is gone: found by cgroup, by identity and by token, and ended.
//! Called by `turn` (the next one, `attach`, `stop`), `probe` and `reconcile`, none of which is the parent.
//! A look that could not see everything is *unknown*, never *none*.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::cgroup::Cgroup;
use super::process::{Doubt, Handle, Life, doubt_of, identity, own_pid, proc_doubt};
use super::{procfs, wait};
use crate::clock::Tick;
use crate::identity::Identity;

/// The variable that holds it.
const TOKEN: &[u8] = b"REFLOAT_TOKEN=";
/// A look that is not quiet after so many passes is given up.
const PASSES: u32 = 16;
/// An environment that is empty or gone is asked for so often: its program may have been in the middle of its exec.
const READS: u8 = 2;
/// In this round everything is killed even though new processes still appear.
const KILL_EACH: u32 = 8;
/// The longest wait for the killed before the next look.
const SETTLE: Duration = Duration::from_millis(50);

/// What could lead to processes of a turn.
#[derive(Clone, Copy, Debug)]
pub struct Leads<'a> {
    /// The recorded path of the turn's group.
    pub cgroup: Option<&'a Path>,
    /// The attempt token, looked for as `REFLOAT_TOKEN=…` in environments; empty: not looked for.
    pub token: &'a str,
    /// Recorded processes, looked for together with their descendants.
    pub known: &'a [Identity],
}

/// A process that lives though its turn should have ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survivor {
    /// Who it is.
    pub identity: Identity,
    /// Its name, as `ps` shows it (15 bytes at most).
    pub name: String,
}

/// What is left of a turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Left {
    /// Nothing, after a look that could have seen it.
    None,
    /// These; there may be more where the look was hindered.
    Some(Vec<Survivor>),
    /// None was seen, but not everything could be looked at.
    Unknown(Doubt),
}

impl Survivor {
    /// The living process with this pid; none if it has ended, is a zombie, or cannot be seen.
    pub(super) fn of(pid: i32) -> Option<Self> {
        let mut name = String::new();
        let mut ticks = 0;
        Handle::open_here(pid, |stat| {
            name.clone_from(&stat.name);
            ticks = stat.start_ticks;
            true
        })
        .ok()?;
        Some(Self { identity: identity(pid, ticks), name })
    }
}

/// Looks, and changes nothing: members of the group, recorded processes, all descendants of these, and every process
/// whose environment holds the token. This process itself and zombies do not count.
/// Environments that may not be read (another user's) are passed over.
#[must_use]
pub fn survivors(leads: &Leads<'_>) -> Left {
    survivors_of_all(std::slice::from_ref(leads)).pop().unwrap_or(Left::Unknown(Doubt::LookFailed))
}

/// The same of many turns at once: all environments are read once, and not once for each.
fn survivors_of_all(leads: &[Leads<'_>]) -> Vec<Left> {
    let mut looks: Vec<Look> = leads.iter().map(Look::without_token).collect();
    if let Some(doubt) = proc_doubt() {
        looks.iter_mut().for_each(|look| look.doubt = Some(doubt));
    } else {
        by_tokens(leads, &mut looks);
        looks.iter_mut().for_each(Look::descend);
    }
    looks.into_iter().map(Look::result).collect()
}

/// Looks until nothing is left of a turn, at most for `moment`: a shim's death is its agent's, by the parent-death signal,
/// but not in the same instant.
#[must_use]
pub fn settled(leads: &Leads<'_>, moment: Duration) -> Left {
    settled_all(std::slice::from_ref(leads), moment).pop().unwrap_or(Left::Unknown(Doubt::LookFailed))
}

/// The same of many turns, for one moment together.
#[must_use]
pub fn settled_all(leads: &[Leads<'_>], moment: Duration) -> Vec<Left> {
    let until = Tick::now().plus(moment);
    let mut all = survivors_of_all(leads);
    loop {
        let open: Vec<usize> = (0..all.len()).filter(|at| all.get(*at) != Some(&Left::None)).collect();
        if open.is_empty() || Tick::now() >= until {
            return all;
        }
        wait::pause(Duration::from_millis(5));
        let again: Vec<Leads<'_>> = open.iter().filter_map(|at| leads.get(*at).copied()).collect();
        for (at, left) in open.into_iter().zip(survivors_of_all(&again)) {
            all[at] = left;
        }
    }
}

/// Ends what [`survivors`] finds, at most for `budget`, and says how many were killed and what a last look finds.
pub fn end_survivors(leads: &Leads<'_>, budget: Duration) -> (u32, Left) {
    let deadline = Tick::now().plus(budget);
    let mut stopped = HashSet::new();
    let mut met = HashSet::new();
    for round in 1.. {
        let left = survivors(leads);
        let over = Tick::now() >= deadline;
        let found = match &left {
            Left::Some(found) if !over => found,
            // They come and go faster than they are looked at; sooner or later one is met.
            Left::Unknown(Doubt::Restless) if !over => continue,
            _ => return (count(&met), left),
        };
        met.extend(found.iter().map(key));
        let fresh = found.iter().any(|one| !stopped.contains(&key(one)));
        let group_killed = leads.cgroup.is_some_and(|path| Cgroup::open(path).and_then(|group| group.kill()).is_ok());
        if group_killed || !fresh || round % KILL_EACH == 0 {
            kill(found, deadline.min(Tick::now().plus(SETTLE)));
            stopped.clear();
        } else {
            found.iter().filter(|one| !stopped.contains(&key(one))).for_each(stop);
            stopped.extend(found.iter().map(key));
        }
    }
    (count(&met), survivors(leads))
}

fn key(survivor: &Survivor) -> (i32, u64) {
    (survivor.identity.pid, survivor.identity.start_ticks)
}

fn count(met: &HashSet<(i32, u64)>) -> u32 {
    u32::try_from(met.len()).unwrap_or(u32::MAX)
}

fn stop(survivor: &Survivor) {
    if let Ok(handle) = Handle::open(&survivor.identity) {
        let _ = handle.signal(Signal::SIGSTOP);
    }
}

/// Kills all and waits for those that took the signal; where none did, the wait is for whatever else may change.
fn kill(found: &[Survivor], deadline: Tick) {
    let mut taken = false;
    // No more handles at once than descriptors last.
    for some in found.chunks(64) {
        let handles: Vec<Handle> = some.iter().filter_map(|one| Handle::open(&one.identity).ok()).collect();
        let killed: Vec<&Handle> = handles.iter().filter(|handle| handle.signal(Signal::SIGKILL).is_ok()).collect();
        taken |= !killed.is_empty() || handles.is_empty();
        for handle in killed {
            let _ = wait::readable(handle.as_fd(), deadline);
        }
    }
    if !taken {
        wait::pause(deadline.since(Tick::now()));
    }
}

/// One look: who was found, and why it may not be everybody.
#[derive(Default)]
struct Look {
    found: BTreeMap<i32, Survivor>,
    doubt: Option<Doubt>,
}

impl Look {
    fn without_token(leads: &Leads<'_>) -> Self {
        let mut look = Self::default();
        look.by_cgroup(leads.cgroup);
        look.by_identity(leads.known);
        look
    }

    fn add(&mut self, pid: i32) {
        if pid != own_pid() && !self.found.contains_key(&pid) {
            self.found.extend(Survivor::of(pid).map(|survivor| (pid, survivor)));
        }
    }

    fn by_cgroup(&mut self, path: Option<&Path>) {
        let Some(path) = path else { return };
        match Cgroup::open(path).and_then(|group| group.members()) {
            Ok(members) => members.into_iter().for_each(|pid| self.add(pid)),
            // Removed: only an empty group can be.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => self.doubt = Some(doubt_of(&error)),
        }
    }

    fn by_identity(&mut self, known: &[Identity]) {
        for identity in known {
            match super::process::look(identity) {
                Life::Alive { .. } => self.add(identity.pid),
                Life::Dead(_) => {}
                Life::Unknown(doubt) => self.doubt = Some(doubt),
            }
        }
    }

    /// Everything under what was found, whatever its environment says now.
    fn descend(&mut self) {
        let roots: Vec<i32> = self.found.keys().copied().collect();
        for root in roots {
            procfs::descendants(root).unwrap_or_default().into_iter().for_each(|pid| self.add(pid));
        }
    }

    fn result(self) -> Left {
        match self.doubt {
            _ if !self.found.is_empty() => Left::Some(self.found.into_values().collect()),
            Some(doubt) => Left::Unknown(doubt),
            None => Left::None,
        }
    }
}

/// Adds to each look who holds its token.
fn by_tokens(leads: &[Leads<'_>], looks: &mut [Look]) {
    let tokens = leads.iter().map(|leads| leads.token.as_bytes());
    let mut open: Vec<(&[u8], &mut Look)> = tokens.zip(looks).filter(|(token, _)| !token.is_empty()).collect();
    for _ in 0..PASSES {
        if open.is_empty() {
            return;
        }
        let holders = holders(&open.iter().map(|(token, _)| *token).collect());
        open.retain_mut(|(token, look)| {
            let mine = holders.of(token);
            mine.iter().for_each(|&pid| look.add(pid));
            if let (true, Some(doubt)) = (mine.is_empty(), holders.doubt) {
                look.doubt = Some(doubt);
                return false;
            }
            // A holder that has gone since may have left a child that was not there yet when the list was read.
            let gone = mine.iter().any(|pid| *pid != own_pid() && !look.found.contains_key(pid));
            gone && look.found.is_empty()
        });
    }
    open.into_iter().for_each(|(_, look)| look.doubt = Some(Doubt::Restless));
}

/// Who holds which token.
struct Holders {
    found: HashMap<Vec<u8>, Vec<i32>>,
    /// Why somebody may have been missed.
    doubt: Option<Doubt>,
}

impl Holders {
    fn of(&self, token: &[u8]) -> &[i32] {
        self.found.get(token).map_or(&[], Vec::as_slice)
    }
}

/// The pids whose environment holds one of these tokens. A listing is old when it is read: in a chain of processes that
/// fork and end, each is gone when its turn comes. So the list is read again until nothing vanished and nothing new appeared.
fn holders(tokens: &HashSet<&[u8]>) -> Holders {
    let mut found: HashMap<Vec<u8>, Vec<i32>> = HashMap::new();
    let mut reads: HashMap<i32, u8> = HashMap::new();
    let mut buffer = Vec::new();
    for _ in 0..PASSES {
        let mut quiet = true;
        let pids = match procfs::pids() {
            Ok(pids) => pids,
            Err(error) => return Holders { found: HashMap::new(), doubt: Some(doubt_of(&error)) },
        };
        // The youngest first: in a chain it is the one that still lives.
        for pid in pids.into_iter().rev() {
            let read = reads.entry(pid).or_default();
            if *read >= READS {
                continue;
            }
            let unclear = match procfs::environ(pid, &mut buffer) {
                Ok(environ) => {
                    let held = held(environ).filter(|token| tokens.contains(token));
                    held.for_each(|token| found.entry(token.to_vec()).or_default().push(pid));
                    environ.is_empty()
                }
                Err(error) => procfs::vanished(&error) || barred_by_exec(pid, &error),
            };
            quiet &= !(unclear && *read == 0);
            *read = if unclear { *read + 1 } else { READS };
        }
        if quiet {
            return Holders { found, doubt: None };
        }
    }
    Holders { found, doubt: Some(Doubt::Restless) }
}

/// In the middle of its exec a process of our own user may not be read either; a moment later it may.
fn barred_by_exec(pid: i32, error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied && procfs::real_uid(pid) == Some(rustix::process::getuid().as_raw())
}

/// The tokens in an environment, a list of entries with a NUL after each: whole entries alone.
fn held(environ: &[u8]) -> impl Iterator<Item = &[u8]> {
    memchr::memmem::find_iter(environ, TOKEN).filter_map(move |at| {
        let begins = at == 0 || environ.get(at - 1) == Some(&0);
        environ.get(at + TOKEN.len()..).filter(|_| begins)?.split(|byte| *byte == 0).next()
    })
}

#[cfg(test)]
mod tests;
