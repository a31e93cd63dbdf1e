//! The terminal of a process: a notice of its end. Called by a wait for a tmux session, whose panes are terminals.
//! The kernel takes `/dev/pts/N` away when the terminal's owner closes it, whatever the processes on it do. It is never
//! opened: a terminal that somebody has open is another one.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use super::follow::Watch;
use super::procfs;

/// Where they are.
const FOLDER: &str = "/dev/pts";
/// The device numbers of these terminals (devices.txt, "Unix98 PTY slaves").
const MAJOR: u32 = 136;

/// A terminal that was there when this was made.
#[derive(Debug)]
pub struct Pty {
    name: String,
    watch: Watch,
    gone: bool,
}

impl Pty {
    /// The controlling terminal of a process; none where it has none, or where its number means another one here.
    ///
    /// # Errors
    /// What reading `/proc` and inotify give.
    pub fn of(pid: i32) -> io::Result<Option<Self>> {
        let terminal = procfs::stat(pid)?.terminal;
        let Some(name) = name(terminal).filter(|_| shares_mounts(pid)) else { return Ok(None) };
        let watch = Watch::new()?;
        watch.add_names(Path::new(FOLDER))?;
        // Only what is still so after the watch was set cannot have gone unnoticed.
        let is_there = Path::new(FOLDER).join(&name).exists() && procfs::stat(pid)?.terminal == terminal;
        Ok(is_there.then_some(Self { name, watch, gone: false }))
    }

    /// Whether it has gone. Its number may have passed to another one since: that is noticed too.
    ///
    /// # Errors
    /// What reading the notices gives.
    pub fn is_gone(&mut self) -> io::Result<bool> {
        self.gone = self.gone || self.watch.drain_for(&self.name)?;
        Ok(self.gone)
    }
}

impl AsFd for Pty {
    /// Readable when any terminal has come or gone.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.watch.as_fd()
    }
}

/// The kernel's encoding of a device number in `/proc/PID/stat`: minor bits 0 to 7 and 20 to 31, major bits 8 to 19.
fn name(terminal: i32) -> Option<String> {
    let number = terminal.cast_unsigned();
    let (major, minor) = ((number >> 8) & 0xfff, (number & 0xff) | ((number >> 12) & 0xf_ff00));
    (major == MAJOR).then(|| minor.to_string())
}

/// In another mount namespace `/dev/pts` may be another one.
fn shares_mounts(pid: i32) -> bool {
    let space = |pid: &str| std::fs::read_link(format!("/proc/{pid}/ns/mnt")).ok();
    space("self").is_some_and(|ours| space(&pid.to_string()) == Some(ours))
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};
    use std::time::Duration;

    use super::*;
    use crate::clock::Tick;
    use crate::seam::wait;

    #[test]
    fn the_number_of_a_terminal_is_read_from_its_device_number() {
        let rows = [(0, None), (34816, Some("0")), (34817, Some("1")), (1025, None), (136 << 8 | 1 << 20, Some("256"))];
        for (terminal, expected) in rows {
            assert_eq!(name(terminal).as_deref(), expected, "{terminal}");
        }
    }

    #[test]
    fn the_end_of_a_terminal_is_noticed_though_its_process_lives() {
        let main = rustix::pty::openpt(
            rustix::pty::OpenptFlags::RDWR | rustix::pty::OpenptFlags::NOCTTY | rustix::pty::OpenptFlags::CLOEXEC,
        )
        .unwrap();
        rustix::pty::grantpt(&main).unwrap();
        rustix::pty::unlockpt(&main).unwrap();
        let path = rustix::pty::ptsname(&main, Vec::new()).unwrap().into_string().unwrap();
        let mut child = Command::new("setsid")
            .args(["-c", "sh", "-c", "trap '' HUP; echo on; sleep 100"])
            .stdin(Stdio::from(std::fs::File::open(&path).unwrap()))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = [0; 3];
        io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut said).unwrap();
        let mut pty = Pty::of(child.id().cast_signed()).unwrap().expect("a terminal");
        assert!(!pty.is_gone().unwrap());
        drop(main);
        let soon = Tick::now().plus(Duration::from_secs(10));
        while !pty.is_gone().unwrap() {
            assert!(wait::readable(pty.as_fd(), soon).unwrap(), "no notice");
        }
        assert!(child.try_wait().unwrap().is_none(), "it lives");
        nix::sys::signal::killpg(
            nix::unistd::Pid::from_raw(child.id().cast_signed()),
            nix::sys::signal::Signal::SIGKILL,
        )
        .unwrap();
        child.wait().unwrap();
    }
}
