//! Exit codes: the one list. `docs/exit-codes.md` is checked against it.
//!
//! The numbers from 65 on are those of sysexits(3); 124 to 127 are those of timeout(1).

/// How a command ended, as the shell sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done, also when there was nothing to do or no rows.
    Done,
    /// `turn run`, `turn attach`: the agent failed, whatever its own code.
    No,
    /// The arguments are wrong.
    Usage,
    /// An input record or file is malformed.
    Malformed,
    /// No such state file, agent, run, turn, mail.
    NotFound,
    /// The question could not be answered, or a needed program is missing.
    Unknown,
    /// A bug in refloat: one line on stderr and a crash file.
    Bug,
    /// A file or folder cannot be created.
    CannotCreate,
    /// An I/O error, or the disk is full.
    Io,
    /// Busy, or not yet: waiting helps.
    Busy,
    /// Refused: the state of the thing does not allow it, and waiting will not help.
    Refused,
    /// Permission: the state folder is not ours or others may write to it; also an agent's provider refused its credentials.
    Permission,
    /// The state file is newer than this program, or a configuration is wrong.
    Config,
    /// `turn run`, `turn attach`: a clock ran out.
    TimedOut,
    /// `turn run`, `turn attach`: refloat failed after the start of the turn.
    TurnLost,
    /// `turn run`: the program is there but cannot be run.
    CannotRun,
    /// `turn run`: the program was not found.
    ProgramNotFound,
    /// `turn run`, `turn attach`: the turn ended by this signal (128 + n).
    Signal(i32),
}

impl Exit {
    /// Every code but the signals, in the order of the numbers.
    pub const ALL: &'static [Exit] = &[
        Exit::Done,
        Exit::No,
        Exit::Usage,
        Exit::Malformed,
        Exit::NotFound,
        Exit::Unknown,
        Exit::Bug,
        Exit::CannotCreate,
        Exit::Io,
        Exit::Busy,
        Exit::Refused,
        Exit::Permission,
        Exit::Config,
        Exit::TimedOut,
        Exit::TurnLost,
        Exit::CannotRun,
        Exit::ProgramNotFound,
    ];

    /// The number the shell sees.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::No => 1,
            Exit::Usage => 2,
            Exit::Malformed => 65,
            Exit::NotFound => 66,
            Exit::Unknown => 69,
            Exit::Bug => 70,
            Exit::CannotCreate => 73,
            Exit::Io => 74,
            Exit::Busy => 75,
            Exit::Refused => 76,
            Exit::Permission => 77,
            Exit::Config => 78,
            Exit::TimedOut => 124,
            Exit::TurnLost => 125,
            Exit::CannotRun => 126,
            Exit::ProgramNotFound => 127,
            // Linux has 64 signals, so 128 + n fits a byte.
            Exit::Signal(signal) => 128_u8.wrapping_add(signal.unsigned_abs() as u8),
        }
    }
}
