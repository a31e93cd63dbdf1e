//! A tmux server that does not answer: what only it could tell is unknown, and nothing is repaired for it.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{Watched, fallbacks};
use crate::adopted::{has_tmux, state_of};
use crate::stage::{Stage, until};

impl Watched<'_> {
    fn hang(&self) -> Pid {
        let pid = self.server.pid();
        let number = Pid::from_raw(pid.try_into().unwrap());
        kill(number, Signal::SIGSTOP).unwrap();
        until("its stop", || state_of(pid).unwrap().0 == 'T');
        number
    }
}

#[test]
fn a_tmux_that_hangs_is_unknown_and_nothing_is_repaired() {
    if !has_tmux() {
        return;
    }
    for name in fallbacks() {
        let stage = Stage::new();
        stage.says("in-progress", "in-progress");
        let watched = Watched::new(&stage, &[]);
        let server = watched.hang();
        // Its process is seen without tmux.
        let seen = watched.fallback(name, &["--apply"]);
        assert_eq!((seen.code, seen.verdict().as_str()), (10, "running alive none"), "{name} {seen:#?}");
        // As where the process is of another namespace: then tmux alone could tell.
        watched.stage.sql("UPDATE worker SET process = NULL");
        let before = stage.tables();
        let ran = watched.fallback(name, &["--apply"]);
        assert_eq!((ran.code, ran.verdict().as_str()), (69, "unknown look_failed none"), "{name} {ran:#?}");
        assert_eq!(stage.tables(), before);
        kill(server, Signal::SIGCONT).unwrap();
    }
}
