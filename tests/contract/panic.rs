//! A real panic inside the one entry of the commands. The process is this test binary again, in the role `play`.

use std::os::unix::fs::MetadataExt;
use std::process::{Command, ExitCode};

use clap::Parser;
use refloat::cli::{self, Common, Context};
use refloat::error::Result;
use refloat::exit::Exit;
use serde_json::Value;

use super::{Home, Said};

const ROLE: &str = "REFLOAT_TEST_PANIC";

/// Takes the arguments of the test harness for its own.
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    common: Common,
    #[arg(long)]
    exact: bool,
    #[arg(long)]
    nocapture: bool,
    test: String,
}

fn run(cx: &mut Context, arguments: Arguments) -> Result<Exit> {
    assert!(arguments.exact && arguments.nocapture && !arguments.test.is_empty());
    cx.place()?;
    panic!("the sky\nfalls, token=hunter2");
}

/// Nothing, unless this process was started to do it.
#[test]
fn play() {
    if std::env::var_os(ROLE).is_some() {
        let code = cli::main::<Arguments>("turn", String::new, |arguments| &arguments.common, run);
        assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::from(70)), "@code");
    }
}

fn crash(home: &Home) -> Said {
    let mut command: Command =
        home.bare(std::env::current_exe().unwrap(), ["--exact", "contract::panic::play", "--nocapture"]);
    Said::of(command.env(ROLE, "1").env("RUST_BACKTRACE", "1").env("REFLOAT_STATE", home.state()))
}

#[test]
fn a_panic_is_70_one_line_a_hint_and_a_private_record_in_crashes() {
    let home = Home::new();
    std::fs::create_dir(home.path("state")).unwrap();
    let said = crash(&home);
    assert!(said.status.success(), "the code was not 70: {said:?}");
    let lines: Vec<&str> = said.err.lines().collect();
    assert_eq!(lines.len(), 2, "{said:?}");
    assert!(lines[0].starts_with("turn: internal error: the sky falls, token=[redacted] ("), "{said:?}");
    let hint = lines[1].strip_prefix("hint: this is a bug in refloat; its record is ").unwrap();
    let file = std::path::Path::new(hint);
    assert_eq!(file.parent().unwrap(), home.path("state/crashes"));
    let mode = |path: &std::path::Path| path.metadata().unwrap().mode() & 0o777;
    assert_eq!((mode(file), mode(file.parent().unwrap())), (0o600, 0o700));
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.starts_with(r#"{"type":"crash","v":1,"at":"20"#) && text.ends_with("}\n"), "{text}");
    let record: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(record["message"], "the sky\nfalls, token=[redacted]");
    assert!(!text.contains("hunter2"), "{text}");
    assert!(record["backtrace"].as_str().unwrap().contains("contract::panic"), "the backtrace is in the record alone");
}

#[test]
fn two_panics_leave_two_records() {
    let home = Home::new();
    std::fs::create_dir(home.path("state")).unwrap();
    crash(&home);
    crash(&home);
    assert_eq!(std::fs::read_dir(home.path("state/crashes")).unwrap().count(), 2);
}
