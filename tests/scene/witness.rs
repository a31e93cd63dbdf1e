//! Survivors are counted by the test: a FIFO that every process of a tree has open for writing.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;

use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use refloat::clock::Tick;
use refloat::seam::wait;

use super::{BOUND, Stage};

/// The reading end. The agent's step is `fifo witness`; the end of file says that nobody is left.
pub(crate) struct Witness(File);

impl Witness {
    pub(crate) fn new(stage: &Stage) -> Self {
        let path = stage.path("witness");
        mkfifo(&path, Mode::S_IRWXU).unwrap();
        Self(File::options().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path).unwrap())
    }

    /// Whether nobody has it open now.
    pub(crate) fn everyone_is_gone(&mut self) -> bool {
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
    pub(crate) fn await_somebody(&mut self) {
        assert!(wait::readable(self.0.as_fd(), Tick::now().plus(BOUND)).unwrap(), "nobody has opened the witness");
    }
}
