//! The prompt through a pipe, for programs that read none from a file. The shim holds the writing end and fills it as
//! there is room: an agent that never reads blocks nobody, and one that has closed its end is no error (the shim has
//! SIGPIPE blocked, and sees it as EPIPE).

use std::fs::File;
use std::io::{self, ErrorKind, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

/// So much is read from the prompt at once; a pipe holds as much.
const PIECE: usize = 64 * 1024;

/// What is still to be written.
pub(super) struct Feed {
    pipe: PipeWriter,
    prompt: File,
    piece: Vec<u8>,
    written: usize,
}

impl Feed {
    /// A pipe that will be filled from this file, and its reading end.
    pub(super) fn of(prompt: &Path) -> io::Result<(Self, PipeReader)> {
        let prompt = File::open(prompt)?;
        let (reader, pipe) = io::pipe()?;
        fcntl_setfl(&pipe, fcntl_getfl(&pipe)? | OFlags::NONBLOCK)?;
        Ok((Self { pipe, prompt, piece: Vec::new(), written: 0 }, reader))
    }

    /// Writes what there is room for; false when all is written or nobody reads any more, and the pipe is to be closed.
    pub(super) fn pour(&mut self) -> bool {
        loop {
            if self.written == self.piece.len() && !self.next_piece() {
                return false;
            }
            match self.pipe.write(&self.piece[self.written..]) {
                Ok(written) => self.written += written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
    }

    /// A prompt that cannot be read any further ends there.
    fn next_piece(&mut self) -> bool {
        self.piece.resize(PIECE, 0);
        self.written = 0;
        let read = self.prompt.read(&mut self.piece).unwrap_or(0);
        self.piece.truncate(read);
        read > 0
    }
}

impl AsFd for Feed {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(length: usize) -> (Feed, PipeReader) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prompt");
        std::fs::write(&path, "x".repeat(length)).unwrap();
        Feed::of(&path).unwrap()
    }

    #[test]
    fn more_than_a_pipe_holds_goes_in_as_it_is_read() {
        let (mut feed, mut reader) = feed(300_000);
        let mut got = 0;
        let mut piece = vec![0; 10_000];
        while feed.pour() {
            got += reader.read(&mut piece).unwrap();
        }
        drop(feed);
        got += reader.read_to_end(&mut Vec::new()).unwrap();
        assert_eq!(got, 300_000);
    }

    #[test]
    fn nobody_who_reads_is_no_reason_to_wait() {
        let (mut feed, reader) = feed(300_000);
        assert!(feed.pour() && feed.pour(), "full, and not blocked");
        drop(reader);
        assert!(!feed.pour(), "closed at the other end");
    }
}
