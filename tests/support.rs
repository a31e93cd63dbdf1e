//! What all tests share: where the fake agent is, a folder with a state file and a family of processes that ends with the
//! test, a wait for what gives no notice, and a witness of who is left. The stages on top of it are those of their tests.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]
#![allow(clippy::print_stdout, clippy::disallowed_macros, reason = "a test says what it skips")]

use std::ffi::OsStr;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use refloat::clock::Tick;
use refloat::seam::cgroup::Cgroup;
use refloat::seam::wait;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// A variable that every member of a family keeps; its value tells the families apart.
const MARK: &str = "FAKE_AGENT_FAMILY";

/// The fake agent, beside this test binary: `target/PROFILE/deps/suite-…` and `target/PROFILE/examples/fake-agent`.
pub(crate) fn fake_agent() -> PathBuf {
    let test = std::env::current_exe().expect("the path of this test");
    let profile = test.parent().and_then(Path::parent).expect("target/PROFILE/deps");
    let agent = profile.join("examples/fake-agent");
    assert!(agent.exists(), "{} is missing; run: cargo build --example fake-agent", agent.display());
    agent
}

/// A capture under `tests/fixtures/streams`, such as `claude/ok`, without the ending of its files.
pub(crate) fn capture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/streams").join(name)
}

/// Writes a script that can be executed at once, by a shell: what this process has open for writing, a child that another
/// test forks at that moment has open too, and until it has its own program nobody may execute the file (ETXTBSY).
pub(crate) fn executable(path: &Path, text: &str) {
    let mut shell = Command::new("sh");
    shell.args(["-c", "printf %s \"$1\" >\"$0\" && chmod 755 \"$0\""]).arg(path).arg(text);
    assert!(shell.status().expect("a shell").success(), "cannot write {}", path.display());
}

/// Whether nobody holds the lock of this file. It is unlocked, and not only closed: a child that another test forks meanwhile
/// has the open file too, and with it the lock, until it has its own program.
pub(crate) fn is_free(path: &Path) -> bool {
    let file = File::open(path).expect("a lock file");
    file.try_lock().is_ok_and(|()| file.unlock().is_ok())
}

/// Runs the test of this name again in a process of its own, where it gets true: for locks that are only ever closed, beside
/// which no other test may fork.
pub(crate) fn alone(name: &str) -> bool {
    const ALONE: &str = "REFLOAT_TEST_ALONE";
    if std::env::var(ALONE).is_ok_and(|inner| inner == name) {
        return true;
    }
    let mut again = Command::new(std::env::current_exe().expect("the path of this test"));
    again.args(["--exact", name, "--nocapture", "--test-threads=1"]).env(ALONE, name).stdin(Stdio::null());
    assert!(again.status().expect("this test").success(), "{name} failed in its own process");
    false
}

/// Whether strace can trace here; says so where it cannot.
pub(crate) fn can_trace() -> bool {
    let can = Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).status().is_ok_and(|done| done.success());
    if !can {
        println!("skipped: no strace, or it may not trace");
    }
    can
}

/// No condition that a test waits for takes longer, even on a busy machine.
const BOUND: Duration = Duration::from_secs(60);
/// Between two looks at something that gives no notice.
const LOOK: Duration = Duration::from_millis(2);

/// Looks until something is so.
pub(crate) fn until(what: &str, mut so: impl FnMut() -> bool) {
    let end = Tick::now().plus(BOUND);
    while !so() {
        assert!(Tick::now() < end, "{what} does not come");
        wait::pause(LOOK);
    }
}

/// A folder, and the fake agents that were started in it with all their descendants. They are killed when it goes.
pub(crate) struct Family {
    folder: tempfile::TempDir,
}

impl Family {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Its state file, which nobody has made yet.
    pub(crate) fn state(&self) -> PathBuf {
        self.path("state/state.db")
    }

    /// A program whose agents are members, on this state file and with nothing else that is meant for refloat.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"REFLOAT_") {
                command.env_remove(name);
            }
        }
        command.env("REFLOAT_STATE", self.state()).stdin(Stdio::null());
        self.enroll(&mut command);
        command
    }

    /// The fake agent with these steps. For any other command, `enroll` it.
    pub(crate) fn agent(&self, steps: &[&str]) -> Command {
        let mut command = Command::new(fake_agent());
        self.enroll(command.args(steps));
        command
    }

    /// Makes the fake agents below this command members of the family.
    pub(crate) fn enroll(&self, command: &mut Command) {
        command.env(MARK, self.folder.path()).env("FAKE_AGENT_LIFE", "60");
    }

    /// The members that are alive. (Of a process that is dead and waited for by nobody, the environment is gone.)
    pub(crate) fn alive(&self) -> Vec<i32> {
        self.look().alive
    }

    /// Kills everyone, and those whom they make meanwhile.
    pub(crate) fn kill(&self) {
        let mut empty = 0;
        // Without a sharp look: other programs come and go too.
        while empty < 20 {
            let look = self.look();
            match (look.alive.is_empty(), look.sharp) {
                (true, true) => return,
                (true, false) => empty += 1,
                (false, _) => empty = 0,
            }
            look.alive.into_iter().for_each(|pid| self.kill_member(pid));
        }
    }

    /// Removes the cgroups of its turns, which nobody does whose shim was killed with its agent.
    fn remove_groups(&self) {
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        let Ok(file) = rusqlite::Connection::open_with_flags(self.state(), flags) else { return };
        let Ok(mut query) = file.prepare("SELECT cgroup FROM turn WHERE cgroup IS NOT NULL") else { return };
        let Ok(paths) = query.query_map([], |row| row.get::<_, String>(0)) else { return };
        for path in paths.flatten() {
            let _ = Cgroup::open(Path::new(&path)).and_then(|group| group.remove(BOUND));
        }
    }

    fn look(&self) -> Look {
        let entries = std::fs::read_dir("/proc").expect("/proc");
        let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.fold(Look { alive: Vec::new(), sharp: true }, |mut look, pid| {
            match self.has(pid) {
                Some(true) => look.alive.push(pid),
                Some(false) => {}
                None => look.sharp = false,
            }
            look
        })
    }

    /// None where that cannot be seen: the process went since it was listed (and may have left a child that was
    /// not), or is in the middle of its exec, where it has a program and no environment yet.
    fn has(&self, pid: i32) -> Option<bool> {
        let mark = format!("{MARK}={}", self.folder.path().display());
        match std::fs::read(format!("/proc/{pid}/environ")) {
            Ok(empty) if empty.is_empty() && Path::new(&format!("/proc/{pid}/exe")).exists() => None,
            Ok(environment) => Some(environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())),
            Err(error) => (error.kind() == ErrorKind::PermissionDenied).then_some(false),
        }
    }

    /// Looks again with the process in hand: the number may have passed to another one.
    fn kill_member(&self, pid: i32) {
        let Ok(process) = pidfd_open(Pid::from_raw(pid).expect("a pid"), PidfdFlags::empty()) else { return };
        if self.has(pid) == Some(true) {
            let _ = pidfd_send_signal(process, Signal::KILL);
        }
    }
}

/// What one pass over `/proc` shows.
struct Look {
    alive: Vec<i32>,
    /// Nobody can have slipped through between the list of processes and the look at each.
    sharp: bool,
}

impl Drop for Family {
    fn drop(&mut self) {
        self.kill();
        self.remove_groups();
    }
}

/// A FIFO that the test reads: `Some` of its bytes when every writer has gone, none while somebody has it open.
pub(crate) struct Witness(File);

impl Witness {
    pub(crate) fn new(path: &Path) -> Self {
        mkfifo(path, Mode::S_IRWXU).unwrap();
        Self(File::options().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path).unwrap())
    }

    pub(crate) fn everyone_gone(&mut self) -> bool {
        loop {
            match self.0.read(&mut [0; 512]) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Waits until somebody has written into it.
    pub(crate) fn await_somebody(&self) {
        let bound = Tick::now().plus(BOUND);
        assert!(wait::readable(self.0.as_fd(), bound).unwrap(), "nobody has opened the witness");
    }
}
