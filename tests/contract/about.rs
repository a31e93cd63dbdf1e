//! What a command tells of itself: help, version.

use std::path::{Path, PathBuf};

use super::{Home, PROGRAMS, Said};

/// Every command and subcommand.
const ALL: &[&[&str]] = &[
    &["turn"],
    &["turn", "run"],
    &["turn", "attach"],
    &["turn", "stop"],
    &["turn", "list"],
    &["turn", "show"],
    &["turn", "log"],
    &["turn", "adopt"],
    &["turn", "beat"],
    &["turn", "end"],
    &["turn", "yield"],
    &["turn", "conform"],
    &["turn", "runtimes"],
    &["mail"],
    &["mail", "send"],
    &["mail", "reply"],
    &["mail", "claim"],
    &["mail", "ack"],
    &["mail", "nack"],
    &["mail", "check"],
    &["mail", "inject"],
    &["mail", "wait"],
    &["mail", "list"],
    &["mail", "show"],
    &["mail", "purge"],
    &["mark"],
    &["mark", "set"],
    &["mark", "clear"],
    &["mark", "list"],
    &["mark", "show"],
    &["mark", "check"],
    &["mark", "beat"],
    &["mark-cleanup"],
    &["probe"],
    &["probe", "pid"],
    &["probe", "story"],
    &["probe", "sprint"],
    &["probe", "host"],
    &["probe", "tmux"],
    &["reconcile"],
    &["reconcile", "explain"],
    &["reconcile", "retry"],
    &["reconcile", "retry", "list"],
    &["reconcile", "retry", "due"],
    &["reconcile", "retry", "cancel"],
    &["reconcile", "deadletter"],
    &["reconcile", "deadletter", "list"],
    &["reconcile", "deadletter", "show"],
    &["reconcile", "deadletter", "ack"],
    &["reconcile", "deadletter", "replay"],
    &["reconcile", "deadletter", "close"],
    &["reconcile", "reopen"],
    &["reconcile", "crash"],
    &["reconcile", "crash", "list"],
    &["reconcile", "crash", "show"],
    &["probe", "run"],
    &["probe", "output"],
    &["probe", "result"],
    &["probe", "lock"],
    &["probe", "mail"],
    &["probe", "state"],
    &["probe", "wait"],
    &["probe", "wait", "pid-exit"],
    &["probe", "wait", "mail"],
    &["probe", "wait", "run"],
    &["probe", "wait", "turn"],
    &["probe", "wait", "file"],
    &["probe", "wait", "tmux"],
];

fn help(home: &Home, words: &[&str], flag: &str) -> String {
    let args: Vec<&str> = words[1..].iter().copied().chain([flag]).collect();
    Said::of(&mut home.command(words[0], args)).silent(0).out
}

/// Without the line breaks of its columns.
fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn help_of_every_command_begins_with_examples_that_are_commands() {
    let home = Home::new();
    for words in ALL {
        for flag in ["--help", "-h"] {
            let text = help(&home, words, flag);
            assert!(text.starts_with("Examples:\n  "), "{words:?} {flag}: {text}");
            let usage = format!("Usage: {}", words.join(" "));
            assert!(text.contains(&usage), "{words:?} {flag}: {text}");
            let examples = text.split("\n\n").next().unwrap();
            let named = |line: &str| line.contains(&words.join(" "));
            assert!(examples.lines().skip(1).all(|line| line.starts_with("  ") && named(line)), "{examples}");
            for common in ["--state <PATH>", "--format <FORMAT>", "-q, --quiet"] {
                assert!(text.contains(common), "{words:?} {flag}: {common}");
            }
        }
    }
    assert!(!home.path("state").exists());
}

#[test]
fn the_list_of_commands_in_these_tests_is_whole() {
    let home = Home::new();
    assert!(PROGRAMS.iter().all(|program| ALL.contains(&&[*program][..])));
    for words in ALL {
        let text = help(&home, words, "--help");
        let Some(commands) = text.split("Commands:\n").nth(1) else { continue };
        let commands = commands.split("\n\n").next().unwrap();
        for line in commands.lines() {
            let name = line.split_whitespace().next().unwrap();
            assert!(name == "help" || ALL.contains(&&[*words, &[name]].concat()[..]), "{words:?} {name}");
        }
        let below = ALL.iter().filter(|all| all.len() == words.len() + 1 && all.starts_with(words));
        assert_eq!(commands.lines().count(), 1 + below.count(), "{commands}");
    }
}

#[test]
fn the_help_subcommand_says_what_the_flag_says() {
    let home = Home::new();
    let asked = home.turn(&["help", "run"]).silent(0).out;
    assert_eq!(asked, help(&home, &["turn", "run"], "--help"));
}

/// Every variable of ours that the program reads stands in the help of a flag.
#[test]
fn every_flag_that_has_an_environment_twin_says_so() {
    let home = Home::new();
    let texts: Vec<String> = ALL.iter().map(|words| on_one_line(&help(&home, words, "--help"))).collect();
    let mut read = Vec::new();
    for file in sources() {
        let text = std::fs::read_to_string(&file).unwrap();
        for part in text.split("var_os(\"").skip(1).chain(text.split("env::var(\"").skip(1)) {
            let name = part.split('"').next().unwrap();
            if name.starts_with("REFLOAT_") {
                read.push(name.to_owned());
            }
        }
    }
    assert!(read.contains(&"REFLOAT_STATE".to_owned()) && read.len() > 1, "{read:?}");
    for name in read {
        assert!(texts.iter().any(|text| text.contains(&format!("[env: {name}"))), "{name} stands in no help");
    }
    for (words, text) in ALL.iter().zip(&texts) {
        assert!(text.contains("[env: REFLOAT_STATE]"), "{words:?}");
    }
}

/// The product's source files, without its tests.
fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = ["src", "bins"].map(|name| Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).to_vec();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn version_is_one_line_and_version_long_adds_commit_sqlite_and_schema() {
    let home = Home::new();
    for program in PROGRAMS {
        let short = format!("{program} {}\n", env!("CARGO_PKG_VERSION"));
        for args in [&["--version"][..], &["-V"]] {
            assert_eq!(Said::of(&mut home.command(program, args)).silent(0).out, short);
        }
        let mut texts = Vec::new();
        for args in [&["--version", "long"][..], &["--version=long"], &["-V", "long"]] {
            texts.push(Said::of(&mut home.command(program, args)).silent(0).out);
        }
        texts.dedup();
        assert_eq!(texts.len(), 1, "{texts:?}");
        let lines: Vec<&str> = texts[0].lines().collect();
        assert_eq!(lines.len(), 4, "{lines:?}");
        assert!(lines[0].starts_with(short.trim_end()), "{lines:?}");
        assert!(lines[1].strip_prefix("commit ").is_some_and(|commit| commit.len() >= 7), "{lines:?}");
        assert_eq!(lines[2], format!("sqlite {}", refloat::state::sqlite_version()));
        assert_eq!(lines[3], format!("schema {}", refloat::state::SCHEMA));
    }
    assert!(!home.path("state").exists());
}
