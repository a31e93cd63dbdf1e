//! The loop on jumping clocks: a host that was suspended, a supervisor that was stopped.
//! The loop, the state file and the processes are real; what stands in for the shim is a `cat`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use clap::Parser;
use refloat::crash::CrashHome;
use refloat::finish::Watched;
use refloat::model::{Again, Capability, Containment, Limits, NewRun, NewTurn, OnStall, PromptFrom, Resume, Turn};
use refloat::observe::{Observer, STREAM};
use refloat::seam::process::{Handle, identity_of, me};
use refloat::seam::signals::{ENDING, Signals};
use refloat::state::{Place, run, turn};

use super::time::TimeSource;
use super::*;

const ALONE: &str = "REFLOAT_TEST_ALONE";
const HOUR: Duration = Duration::from_secs(3600);
const SECOND: Duration = Duration::from_secs(1);

/// Whether the test runs in a process of its own: for what is process-wide. Otherwise it is run so, here.
fn alone(name: &str) -> bool {
    if std::env::var(ALONE).is_ok_and(|inner| inner == name) {
        return true;
    }
    let path = format!("supervise::tests::{name}");
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &path, "--nocapture", "--test-threads=1"]).env(ALONE, name).stdin(Stdio::null());
    assert!(command.status().unwrap().success(), "{name} failed in its own process");
    false
}

/// A turn of an agent that has said its first line and says no more. Its shim lives until it is signalled or its input is
/// closed.
struct Scene {
    folder: tempfile::TempDir,
    state: State,
    turn: Turn,
    shim: Child,
}

/// What the loop made of it.
struct Seen {
    took: Duration,
    wish: Option<Wish>,
    watched: Watched,
}

impl Scene {
    fn new(stall: Duration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::of_this_process(Some(&folder.path().join("state/state.db"))).unwrap();
        let mut state = State::open_for_writing(&place).unwrap();
        std::fs::write(folder.path().join(STREAM), "{\"type\":\"system\",\"subtype\":\"init\",\"session_id\":\"s\"}\n")
            .unwrap();
        let shim = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let identity = identity_of(shim.id().cast_signed()).unwrap();
        let turn = state.write("plant a turn", |tx| plant(tx, stall, &identity)).unwrap();
        Self { folder, state, turn, shim }
    }

    fn watch(mut self, source: TimeSource) -> Seen {
        let common = crate::args::Turn::try_parse_from(["turn", "list"]).unwrap().common;
        let mut cx = Context::new("turn", common, CrashHome::default());
        let shim = Handle::open(self.turn.shim.as_ref().unwrap()).unwrap();
        let signals = Signals::over(&ENDING).unwrap();
        let before = Tick::now();
        let stream = Observer::open(self.folder.path(), &self.turn.description).unwrap();
        let watch = Watch::begin(&self.turn, Some(shim), self.folder.path(), stream, signals);
        let mut watch = watch.timed_by(source);
        let mut out = Outlet::new(false);
        let left = supervise(&mut Desk { cx: &mut cx, state: &mut self.state, out: &mut out }, &mut watch).unwrap();
        assert_eq!(left, Left::ShimEnded);
        let took = Tick::now().since(before);
        let watched = watch.done().0;
        self.shim.wait().unwrap();
        let turn = self.state.read("look", |view| turn::by_id(view, self.turn.id)).unwrap().unwrap();
        Seen { took, wish: turn.wish.map(|note| note.wish), watched }
    }
}

fn plant(tx: &refloat::state::Tx<'_>, stall: Duration, shim: &refloat::identity::Identity) -> Result<Turn> {
    let now = Stamp::now();
    let new =
        NewRun { agent: "a", task: None, parent: None, capability: Capability::None, max_attempts: 1, session: None };
    let run = run::open(tx, &new, now)?;
    let epoch = run::next_epoch(tx, run, "claude")?.unwrap();
    let limits =
        Limits { first_event: None, stall: Some(stall), stall_tool: None, grace: HOUR, on_stall: OnStall::Kill };
    let new = NewTurn {
        run,
        agent: "a",
        attempt: 1,
        token: "t",
        description: &refloat::runtime::builtin("claude").unwrap().unwrap(),
        command: &[],
        command_lossy: false,
        cwd: "/",
        cwd_lossy: false,
        limits,
        deadline: HOUR,
        session_asked: None,
        resume: Resume::Fresh,
        contained_by: Containment::Subreaper,
        cgroup: None,
        supervisor: &me(),
        before: run::by_id(tx, run)?.unwrap().standing(),
        again: &Again { options: vec![], prompt: PromptFrom::None, arguments: vec![], lossy: false },
    };
    let id = turn::begin(tx, &new, epoch, now)?;
    turn::start(tx, id, shim, shim, (Containment::Subreaper, None), (now, Tick::now()))?;
    Ok(turn::by_id(tx, id)?.unwrap())
}

/// A host that is suspended for eight hours, as its clocks tell it: `CLOCK_MONOTONIC` goes on as if nothing had been,
/// `CLOCK_BOOTTIME` is so much ahead of it from then on. (The kernel lets nobody move them in a running process.)
mod host {
    use super::{AtomicBool, Duration, HOUR, OnceLock, Ordering, Tick};

    static WAKES: OnceLock<Tick> = OnceLock::new();
    static WAS_ASLEEP: AtomicBool = AtomicBool::new(false);

    pub(super) fn falls_asleep_at(tick: Tick) {
        WAKES.set(tick).unwrap();
    }

    /// Back once the host has been asleep, whether the loop has seen it or not.
    pub(super) fn await_its_sleep() {
        let left = WAKES.get().unwrap().since(Tick::now());
        refloat::seam::wait::pause(left + Duration::from_millis(1));
    }

    pub(super) fn now() -> Tick {
        let now = Tick::now();
        if now > *WAKES.get().unwrap() {
            WAS_ASLEEP.store(true, Ordering::Relaxed);
        }
        now
    }

    pub(super) fn suspended() -> Duration {
        HOUR + if WAS_ASLEEP.load(Ordering::Relaxed) { 8 * HOUR } else { Duration::ZERO }
    }
}

fn suspended(stall: Duration, ends_by_itself: bool) -> Seen {
    let mut scene = Scene::new(stall);
    host::falls_asleep_at(Tick::now().plus(Duration::from_millis(200)));
    let source = TimeSource { now: host::now, suspended: host::suspended, ..TimeSource::SYSTEM };
    let input = scene.shim.stdin.take_if(|_| ends_by_itself);
    let ender = std::thread::spawn(|| {
        host::await_its_sleep();
        drop(input);
    });
    let seen = scene.watch(source);
    ender.join().unwrap();
    assert_eq!((seen.watched.suspended, seen.watched.frozen), (8 * HOUR, Duration::ZERO));
    seen
}

#[test]
fn a_suspended_host_is_no_stall_and_is_counted() {
    if alone("a_suspended_host_is_no_stall_and_is_counted") {
        // Shorter than the suspend, longer than the turn.
        assert_eq!(suspended(HOUR, true).wish, None);
    }
}

#[test]
fn a_suspend_leaves_the_rest_of_the_limit_as_it_was() {
    if alone("a_suspend_leaves_the_rest_of_the_limit_as_it_was") {
        let seen = suspended(SECOND, false);
        assert_eq!(seen.wish, Some(Wish::Stall));
        assert!(seen.took >= SECOND, "no sooner than without the suspend: {:?}", seen.took);
    }
}

/// A machine that was paused from outside for ten seconds: its clocks jump when it goes on, and every timer is due at
/// once. (After SIGSTOP and the cgroup freezer the kernel lets a poll sleep out the rest of its time.)
mod machine {
    use super::{AtomicBool, Duration, Mutex, Ordering, SECOND, Tick};

    static ASKED: Mutex<Option<Tick>> = Mutex::new(None);
    static WAS_PAUSED: AtomicBool = AtomicBool::new(false);

    /// The pause comes in the first sleep of the loop that is as long as its limit.
    pub(super) fn now() -> Tick {
        let now = Tick::now();
        let asked = ASKED.lock().unwrap().replace(now);
        if asked.is_some_and(|asked| now.since(asked) > SECOND * 3 / 4) {
            WAS_PAUSED.store(true, Ordering::Relaxed);
        }
        now.plus(if WAS_PAUSED.load(Ordering::Relaxed) { 10 * SECOND } else { Duration::ZERO })
    }
}

#[test]
fn a_paused_machine_gives_its_lateness_back_and_the_rest_of_the_limit_too() {
    if alone("a_paused_machine_gives_its_lateness_back_and_the_rest_of_the_limit_too") {
        let seen = Scene::new(SECOND).watch(TimeSource { now: machine::now, ..TimeSource::SYSTEM });
        assert_eq!(seen.wish, Some(Wish::Stall));
        let frozen = seen.watched.frozen;
        assert!(frozen >= 10 * SECOND && frozen < 20 * SECOND, "frozen_ms: {frozen:?}");
        assert!(seen.took > Duration::from_millis(1800), "the limit runs after the pause: {:?}", seen.took);
    }
}

#[test]
fn a_stopped_supervisor_gives_its_lateness_back() {
    if !alone("a_stopped_supervisor_gives_its_lateness_back") {
        return;
    }
    let scene = Scene::new(SECOND);
    // Stops this process when its loop sleeps (7 is poll, 271 and 73 are ppoll); its clock runs out in the middle of the stop.
    let script = "until cat /proc/$PPID/task/*/syscall | grep -qE '^(7|271|73) '; do :; done
        kill -STOP $PPID; sleep 1.7; kill -CONT $PPID";
    let mut stopper = Command::new("sh").args(["-c", script]).stdin(Stdio::null()).spawn().unwrap();
    let seen = scene.watch(TimeSource { late: Duration::from_millis(200), ..TimeSource::SYSTEM });
    stopper.wait().unwrap();
    assert_eq!(seen.wish, Some(Wish::Stall));
    let frozen = seen.watched.frozen;
    assert!(frozen > Duration::from_millis(500) && frozen < seen.took, "frozen_ms: {frozen:?}");
    let least = Duration::from_millis(1700 + 900);
    assert!(seen.took > least, "the limit runs while we do: {:?}", seen.took);
}
