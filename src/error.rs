//! The one error of the commands: what went wrong, the exit code, and the next step.
//! Every layer returns it once nobody below branches on the cause any more.

use std::path::Path;

use crate::exit::Exit;

/// A command's failure: an exit code, a cause, and a hint where there is a next step.
///
/// The cause is a lowercase fragment, joined with its context by `: `.
#[derive(Debug)]
pub struct Failure {
    /// What the shell sees.
    pub exit: Exit,
    /// The cause, outermost context first.
    pub cause: anyhow::Error,
    /// The next step, as one line.
    pub hint: Option<String>,
}

/// The result of everything that ends in a [`Failure`].
pub type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    /// A failure with its code and its message.
    pub fn new(exit: Exit, message: impl std::fmt::Display) -> Self {
        Self { exit, cause: anyhow::Error::msg(message.to_string()), hint: None }
    }

    /// The arguments are wrong.
    pub fn usage(message: impl std::fmt::Display) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// The state of the thing does not allow it.
    pub fn refused(message: impl std::fmt::Display) -> Self {
        Self::new(Exit::Refused, message)
    }

    /// There is no such thing.
    pub fn not_found(message: impl std::fmt::Display) -> Self {
        Self::new(Exit::NotFound, message)
    }

    /// Busy, or not yet.
    pub fn busy(message: impl std::fmt::Display) -> Self {
        Self::new(Exit::Busy, message)
    }

    /// An I/O error on `what` ("cannot read prompt file /x").
    pub fn io(what: impl std::fmt::Display, error: impl Into<std::io::Error>) -> Self {
        Self { exit: Exit::Io, cause: anyhow::Error::new(error.into()).context(what.to_string()), hint: None }
    }

    /// Adds the next step.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same failure with another exit code.
    #[must_use]
    pub fn exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// Puts what was being done in front of the cause.
    #[must_use]
    pub fn context(mut self, what: impl std::fmt::Display) -> Self {
        self.cause = self.cause.context(what.to_string());
        self
    }
}

impl std::fmt::Display for Failure {
    /// The cause chain on one line, joined by `: `.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut line = String::new();
        for cause in self.cause.chain() {
            let text = cause.downcast_ref().map_or_else(|| cause.to_string(), io_text);
            if !line.is_empty() {
                line.push_str(": ");
            }
            line.push_str(&text.replace('\n', " "));
        }
        f.write_str(&line)
    }
}

/// An I/O error as bare lowercase text, without Rust's "(os error 13)".
#[must_use]
pub fn io_text(error: &std::io::Error) -> String {
    match error.raw_os_error() {
        Some(errno) => nix::errno::Errno::from_raw(errno).desc().to_lowercase(),
        None => error.to_string(),
    }
}

/// Whether an error says that nothing is at a path: it, or a folder on the way, is not there, or a file is on the way.
#[must_use]
pub fn is_missing(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory)
}

/// Adds "verb + object" to an I/O result.
pub trait IoContext<T> {
    /// Turns the error into a [`Failure`] with exit code 74 and this context.
    fn or_fail(self, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: Into<std::io::Error>> IoContext<T> for std::result::Result<T, E> {
    fn or_fail(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| Failure::io(what(), error))
    }
}

/// A hint whose commands are about the state file that an option named: as they stand they would be about another one, where
/// the same id is something else.
#[must_use]
pub fn directed(hint: &str, state: Option<&Path>) -> String {
    let Some(state) = state.and_then(Path::to_str) else { return hint.to_owned() };
    let plain = state.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_./-".contains(&byte));
    let word = if plain { state.to_owned() } else { format!("'{}'", state.replace('\'', r"'\''")) };
    ["turn", "mail", "probe", "reconcile", "mark"].iter().fold(hint.to_owned(), |hint, program| {
        hint.replace(&format!(": {program} "), &format!(": {program} --state {word} "))
    })
}
