//! The shell of every command: the common arguments, one entry, one way to say an error.
//! `bins/*/main.rs` call [`main`]; nothing else prints to stderr or decides the exit code.

use std::process::ExitCode;
use std::time::Duration;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, Parser};

use crate::clock::Stamp;
use crate::crash::CrashHome;
use crate::emit::{Emitter, Format, Secrets, say};
use crate::error::{Failure, IoContext, Result, directed};
use crate::exit::Exit;
use crate::model::Wanted;
use crate::state::{Place, SCHEMA};

/// The arguments that every command has.
#[derive(Args, Debug, Clone)]
pub struct Common {
    /// The state file [env: REFLOAT_STATE] [default: nearest .refloat/state.db, else the XDG state folder]
    #[arg(long, value_name = "PATH", global = true, help_heading = "Common options")]
    pub state: Option<std::path::PathBuf>,
    /// How records are printed: one JSON object per line, or columns for people
    #[arg(long, value_enum, default_value = "jsonl", global = true, help_heading = "Common options")]
    pub format: Format,
    /// Print without what looks like a secret: keys, tokens, passwords
    #[arg(long, global = true, help_heading = "Common options")]
    pub scrub: bool,
    /// Print no hints
    #[arg(short, long, global = true, help_heading = "Common options")]
    pub quiet: bool,
    /// Print the version; `--version long` adds commit, SQLite and schema version
    #[arg(long, value_name = "long", num_args = 0..=1, exclusive = true, help_heading = "Common options")]
    version: Option<Option<String>>,
    /// Print the JSON Schema of the records this command can print
    #[arg(long, exclusive = true, help_heading = "Common options")]
    schema: bool,
}

impl Common {
    /// An emitter to stdout, as it was asked for.
    #[must_use]
    pub fn emitter(&self) -> Emitter {
        Emitter::stdout(self.format).with(if self.scrub { Secrets::Scrubbed } else { Secrets::Printed })
    }
}

/// What a command has at hand while it runs.
pub struct Context {
    /// The command's name, as it stands before its errors.
    pub program: &'static str,
    /// The common arguments.
    pub common: Common,
    /// Where records go.
    pub out: Emitter,
    crash_home: CrashHome,
}

impl Context {
    /// What a command begins with.
    #[must_use]
    pub fn new(program: &'static str, common: Common, crash_home: CrashHome) -> Self {
        Self { program, out: common.emitter(), common, crash_home }
    }

    /// The place of the state file, by the rules of the contract; says which folders it passed over.
    pub fn place(&self) -> Result<Place> {
        let place = Place::of_this_process(self.common.state.as_deref())?;
        for hint in &place.hints {
            self.hint(hint);
        }
        self.crash_home.set(place.companion("crashes"));
        Ok(place)
    }

    /// Names whose turn is worked on from now on, for the record of a crash.
    pub fn works_on(&self, agent: &str, turn: impl Into<Option<crate::id::TurnId>>) {
        self.crash_home.about(agent, turn.into());
    }

    /// Says a next step, unless `-q`.
    pub fn hint(&self, hint: &str) {
        if !self.common.quiet {
            say(&format!("hint: {}", directed(hint, self.common.state.as_deref())));
        }
    }

    /// Says a line of the form `turn: …`.
    pub fn say(&self, line: impl std::fmt::Display) {
        say(&format!("{}: {line}", self.program));
    }

    /// Says what one of many has failed with, while the others go on; returns its exit code.
    pub fn complain(&self, failure: &Failure) -> Exit {
        complain(self.program, failure, self.common.quiet)
    }

    /// Says a line, unless stderr takes nothing now: for who must not wait.
    pub fn say_if_heard(&self, line: impl std::fmt::Display) {
        if crate::living::stderr_takes() {
            self.say(line);
        }
    }

    /// Says that standard input is being read, where a person may not know it.
    pub fn note_stdin(&self, what: &str) {
        if rustix::termios::isatty(std::io::stdin()) {
            self.say(format_args!("reading {what} from the terminal; end with Ctrl-D"));
        }
    }
}

/// Runs a command: parses, runs, prints what failed, and gives the exit code.
///
/// `A` is the command's parser; `common` reads the common arguments out of it;
/// `schema` prints the JSON Schema of the records the command can print.
pub fn main<A: Parser>(
    program: &'static str,
    schema: fn() -> String,
    common: fn(&A) -> &Common,
    run: fn(&mut Context, A) -> Result<Exit>,
) -> ExitCode {
    let crash_home = crate::crash::install_hook(program);
    let outcome = std::panic::catch_unwind(|| {
        if let Some(text) = about(program, schema) {
            return text.map_or_else(|failure| complain(program, &failure, false), |text| print(program, &text));
        }
        let arguments = match A::try_parse() {
            Ok(arguments) => arguments,
            Err(error) => return refuse(program, &error),
        };
        let common = common(&arguments).clone();
        let mut context = Context::new(program, common, crash_home.clone());
        let result = run(&mut context, arguments).and_then(|exit| context.out.finish().map(|()| exit));
        match result {
            Ok(exit) => exit,
            Err(mut failure) => {
                failure.hint = failure.hint.map(|hint| directed(&hint, context.common.state.as_deref()));
                complain(program, &failure, context.common.quiet)
            }
        }
    });
    // The hook has already told of a panic.
    ExitCode::from(outcome.unwrap_or(Exit::Bug).code())
}

/// Says a failure and its hint; returns its exit code.
pub fn complain(program: &str, failure: &Failure, quiet: bool) -> Exit {
    say(&format!("{program}: {failure}"));
    if let Some(hint) = failure.hint.as_ref().filter(|_| !quiet) {
        say(&format!("hint: {hint}"));
    }
    failure.exit
}

/// `--version [long]` and `--schema`: answered before anything is parsed, so that they need no subcommand.
fn about(program: &str, schema: fn() -> String) -> Option<Result<String>> {
    let words: Vec<std::ffi::OsString> = std::env::args_os().skip(1).collect();
    let words: Vec<&str> = words.iter().map(|word| word.to_str().unwrap_or_default()).collect();
    Some(match words.as_slice() {
        ["--schema"] => Ok(schema()),
        ["--version" | "-V"] => Ok(format!("{program} {}\n", env!("CARGO_PKG_VERSION"))),
        ["--version" | "-V", "long"] | ["--version=long"] => Ok(version_long(program)),
        [first @ ("--schema" | "--version" | "-V"), ..] => {
            Err(Failure::usage(format!("{first} stands alone")).hint(format!("see '{program} --help'")))
        }
        _ => return None,
    })
}

fn version_long(program: &str) -> String {
    format!(
        "{program} {} (refloat)\ncommit {}\nsqlite {}\nschema {SCHEMA}\n",
        env!("CARGO_PKG_VERSION"),
        option_env!("REFLOAT_COMMIT").unwrap_or("unknown"),
        crate::state::sqlite_version(),
    )
}

fn print(program: &str, text: &str) -> Exit {
    let printed = Emitter::stdout(Format::Jsonl).raw(text.as_bytes());
    printed.map_or_else(|failure| complain(program, &failure, false), |()| Exit::Done)
}

/// clap's refusal in the form of the contract: one line, then the hint.
fn refuse(program: &str, error: &clap::Error) -> Exit {
    use clap::error::ErrorKind::{DisplayHelp, DisplayHelpOnMissingArgumentOrSubcommand};
    let text = error.render().to_string();
    let failure = match error.kind() {
        DisplayHelp => return print(program, &text),
        DisplayHelpOnMissingArgumentOrSubcommand => Failure::usage("a subcommand is missing"),
        _ => Failure::usage(first_paragraph(&text)),
    };
    let tip = text.lines().find_map(|line| line.trim().strip_prefix("tip: ")).map(str::to_owned);
    let hint = tip.unwrap_or_else(|| format!("see '{} --help'", asked_for(program, error)));
    complain(program, &failure.hint(hint), asked_for_quiet())
}

/// What clap says before its tips and its usage.
fn first_paragraph(text: &str) -> String {
    let lines: Vec<&str> = text.lines().take_while(|line| !line.trim().is_empty()).map(str::trim).collect();
    let cause = lines.join(" ");
    cause.strip_prefix("error: ").unwrap_or(&cause).trim_end_matches('.').to_owned()
}

/// What to ask for help: the subcommand, if one was named, else the command.
fn asked_for(program: &str, error: &clap::Error) -> String {
    let named = std::env::args().nth(1).filter(|word| word.bytes().all(|b| b.is_ascii_lowercase()));
    match named {
        Some(subcommand) if error.kind() != clap::error::ErrorKind::InvalidSubcommand => {
            format!("{program} {subcommand}")
        }
        _ => program.to_owned(),
    }
}

/// `-q` as it was typed: a refused command line has no parsed arguments.
fn asked_for_quiet() -> bool {
    std::env::args_os().skip(1).take_while(|word| word != "--").any(|word| word == "-q" || word == "--quiet")
}

/// Where a turn works: in the folder that was given, or the caller's. It need not be there.
///
/// # Errors
/// Where the caller is cannot be told.
pub fn work_folder(given: Option<&std::path::Path>) -> Result<std::path::PathBuf> {
    let folder = given.map_or_else(std::env::current_dir, std::path::absolute);
    folder.or_fail(|| "cannot tell the working folder".into())
}

/// A folder that a mark is for: it has to be there.
///
/// # Errors
/// 66 where it is not; 74 where it cannot be looked at, or is none.
pub fn named_folder(path: &std::path::Path) -> Result<std::path::PathBuf> {
    crate::seam::place::folder(path).map_err(|error| match crate::error::is_missing(&error) {
        true => Failure::io(format!("no folder {}", path.display()), error)
            .exit(Exit::NotFound)
            .hint("a mark for a folder that is gone is found by mark list and cleared by its id"),
        false => Failure::io(format!("cannot look at folder {}", path.display()), error),
    })
}

/// Parses `500ms 10s 5m 2h 7d`.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("'{text}' is not a duration like 500ms, 10s, 5m, 2h or 7d");
    let split = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (digits, unit) = text.split_at(split);
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(wrong()),
    };
    // A thousand years is longer than anything that is waited for, and keeps sums in range.
    let total = number.checked_mul(millis).filter(|total| *total <= 1_000 * 365 * 86_400_000);
    total.map(Duration::from_millis).ok_or_else(|| format!("'{text}' is too long"))
}

/// Checks the socket of a tmux server: its path, or its name (`tmux -L`).
pub fn tmux_socket(text: &str) -> Result<String, String> {
    if text.is_empty() || text.starts_with('-') || text.chars().any(char::is_control) {
        return Err("a socket is a path, or a name without control characters that does not begin with '-'".into());
    }
    Ok(text.to_owned())
}

/// A time, or none: a limit that can be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(pub Option<Duration>);

/// Parses a duration, or `none`.
pub fn limit(text: &str) -> Result<Limit, String> {
    if text == "none" { Ok(Limit(None)) } else { duration(text).map(|limit| Limit(Some(limit))) }
}

/// Checks an agent's name: `[A-Za-z0-9][A-Za-z0-9._-]{0,99}`, and not the form of an id.
pub fn agent_name(text: &str) -> Result<String, String> {
    let mut bytes = text.bytes();
    let first = bytes.next().is_some_and(|b| b.is_ascii_alphanumeric());
    let rest = bytes.all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    if !first || !rest || text.len() > 100 {
        return Err("a name has 1 to 100 of the characters A-Z a-z 0-9 . _ - and begins with a letter or digit".into());
    }
    if text.contains("..") {
        return Err("a name cannot contain '..'".into());
    }
    if crate::id::looks_like_an_id(text) {
        return Err("a name cannot look like the id of a run (r1) or of a turn (t1)".into());
    }
    Ok(text.to_owned())
}

/// Checks an agent's name or the id of a run or turn.
pub fn agent_or_id(text: &str) -> Result<String, String> {
    if crate::id::looks_like_an_id(text) { Ok(text.to_owned()) } else { agent_name(text) }
}

/// Checks the kind of a mark: `[a-z0-9][a-z0-9._-]{0,99}`, and not the form of a mark's id. No capital letters: with `Dispatch`
/// set, a guard that asks for `dispatch` would find nothing and let everything through.
pub fn mark_kind(text: &str) -> Result<String, String> {
    let mut bytes = text.bytes();
    let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let first = bytes.next().is_some_and(letter);
    let rest = bytes.all(|b| letter(b) || b"._-".contains(&b));
    if !first || !rest || text.len() > 100 || text.contains("..") {
        return Err(
            "a kind has 1 to 100 of the characters a-z 0-9 . _ -, begins with a letter or digit and has no '..'".into(),
        );
    }
    if text.parse::<crate::id::MarkId>().is_ok() {
        return Err("a kind cannot look like the id of a mark (k5)".into());
    }
    Ok(text.to_owned())
}

/// Checks the nonce of a mark: in a script an empty one is a variable that nobody has set.
pub fn mark_nonce(text: &str) -> Result<String, String> {
    let digits = text.len() == 32 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    if digits { Ok(text.to_owned()) } else { Err("a nonce has 32 of the digits 0-9 a-f".into()) }
}

/// Checks the name of a mark: any text without `/`, `\`, `..`, control characters or a leading dash, up to 200 bytes.
pub fn mark_name(text: &str) -> Result<String, String> {
    if text.is_empty() || text.len() > 200 {
        return Err("a mark's name has 1 to 200 bytes".into());
    }
    let bad = text.contains(['/', '\\']) || text.contains("..") || text.chars().any(char::is_control);
    if bad || text.starts_with('-') {
        return Err("a mark's name cannot contain '/', '\\', '..' or control characters, or begin with '-'".into());
    }
    Ok(text.to_owned())
}

/// Parses a time, or a duration from now on.
pub fn time_or_duration(text: &str) -> Result<Stamp, String> {
    let time = text.parse().or_else(|_| duration(text).map(|while_| Stamp::now().plus(while_)));
    time.map_err(|_: String| format!("'{text}' is not a time like 2026-11-20T07:31:02Z or a duration like 2h"))
}

/// Checks a session id: it becomes a word of the runtime's command line and must not be taken for an option.
pub fn session_id(text: &str) -> Result<String, String> {
    if text.is_empty() || text.starts_with('-') || text.contains(['/']) || text.chars().any(char::is_control) {
        return Err("a session id is not empty, has no '/' or control characters, and does not begin with '-'".into());
    }
    Ok(text.to_owned())
}

/// Checks a task's name: any text without `/`, `..`, control characters or a leading dash, up to 200 bytes.
pub fn task_name(text: &str) -> Result<String, String> {
    if text.is_empty() || text.len() > 200 {
        return Err("a task's name has 1 to 200 bytes".into());
    }
    if text.contains('/') || text.contains("..") || text.starts_with('-') || text.chars().any(char::is_control) {
        return Err("a task's name cannot contain '/', '..' or control characters, or begin with '-'".into());
    }
    Ok(text.to_owned())
}

/// What `--expect` names: a path of it need not be UTF-8.
pub fn wanted() -> impl TypedValueParser<Value = Wanted> {
    OsStringValueParser::new().try_map(|text| Wanted::parse(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_with_their_unit() {
        let good =
            [("500ms", 500), ("10s", 10_000), ("5m", 300_000), ("2h", 7_200_000), ("7d", 604_800_000), ("0s", 0)];
        for (text, millis) in good {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "5", "s", "-5s", "5 s", "1.5s", "5w", "5S", "99999999999999999999s", "9999999999d"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn names_are_refused_where_they_could_mean_something_else() {
        for name in ["a", "lead", "builder-2", "A.b_c", "0x", "r", "t1a", "x1"] {
            assert!(agent_name(name).is_ok(), "{name}");
        }
        let long = "a".repeat(101);
        for name in ["", "-a", ".a", "a/b", "a..b", "a b", "a\n", "ä", "r17", "t83", long.as_str()] {
            assert!(agent_name(name).is_err(), "{name}");
        }
        for task in ["", "-x", "a/b", "a..b", "a\tb"] {
            assert!(task_name(task).is_err(), "{task}");
        }
        assert!(task_name("fix the login page").is_ok());
    }
}
