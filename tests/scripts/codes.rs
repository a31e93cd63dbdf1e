//! What the runbooks say of themselves, and the exit code of every verdict there is.

use std::process::Command;

use refloat::model::VerdictWord;

use super::{fallbacks, script};
use crate::stage::Stage;

const SCRIPTS: [&str; 3] = ["fallback", "checklist", "after-interruption"];

/// The code that the page gives to a verdict.
const fn wanted(word: VerdictWord) -> &'static str {
    use VerdictWord as V;
    match word {
        V::Finished => "0",
        V::Running | V::Unsupervised | V::Waiting | V::Launching => "10",
        V::Failed | V::Crashed | V::Killed | V::Vanished | V::NeverStarted | V::Limited => "20",
        V::Conflict | V::NeedsHuman | V::Orphaned | V::Stalled => "30",
        V::Unknown => "69",
    }
}

/// The part of a script that begins and ends with these lines, as it stands there.
fn part(text: &str, first: &str, last: &str) -> String {
    let start = text.find(first).unwrap_or_else(|| panic!("no {first}"));
    let end = text[start..].find(last).unwrap() + last.len();
    text[start..start + end].to_owned()
}

#[test]
fn every_verdict_has_its_exit_code_in_both() {
    for name in fallbacks() {
        let text = std::fs::read_to_string(script(name)).unwrap();
        for (word, cause) in VerdictWord::ALL.iter().map(|word| (word.word(), "any")).chain([
            ("waiting", "retry_due"),
            ("waiting", "retry_pending"),
            ("waiting", "retry_missing"),
            ("nonsense", "any"),
        ]) {
            let output = match name {
                "fallback" => {
                    let own = part(&text, "code_of() {", "\n}\n");
                    Command::new("bash").args(["-c", &format!("{own}code_of {word} {cause}")]).output().unwrap()
                }
                _ => {
                    let own = part(&text, "def code-of [", "\n}\n");
                    Command::new("nu").args(["-n", "-c", &format!("{own}code-of {word} {cause}")]).output().unwrap()
                }
            };
            let wanted = match (word.parse::<VerdictWord>(), cause) {
                (Ok(_), retry) if retry.starts_with("retry_") => "20",
                (Ok(word), _) => wanted(word),
                (Err(_), _) => "69",
            };
            assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), wanted, "{name}: {word} {cause}: {output:?}");
        }
    }
}

#[test]
fn each_tells_its_usage_and_refuses_what_it_does_not_know() {
    let stage = Stage::new();
    for name in SCRIPTS {
        let help = stage.script(name, &["--help"]);
        assert_eq!((help.code, help.err.as_str()), (0, ""), "{help:#?}");
        for part in ["Usage:", "Input:", "Output:", "Exit:"] {
            assert!(help.out.contains(part), "{name}: {part}");
        }
        assert_eq!(stage.script(name, &["--nonsense"]).code, 2, "{name}");
    }
    for args in [&[][..], &["a", "b"], &["a", "--sprint", "x"], &["a", "--story"], &["a", "--story", ""]] {
        assert_eq!(stage.script("fallback", args).code, 2, "{args:?}");
    }
    assert_eq!(stage.script("checklist", &["a", "--lines", "x"]).code, 2);
    for name in fallbacks() {
        let help = stage.script(name, &["--help"]);
        assert_eq!(help.code, 0, "{help:#?}");
    }
}

#[test]
fn a_run_that_nobody_knows_is_66() {
    let stage = Stage::new();
    let pid = stage.background("w", &["hang"]);
    stage.adopt("a", pid, &[]);
    for name in fallbacks() {
        for args in [&["nobody"][..], &["nobody", "--story", "1-2"]] {
            let ran = stage.script(name, args);
            assert_eq!((ran.code, ran.out.as_str()), (66, ""), "{name} {ran:#?}");
        }
    }
    assert_eq!(stage.script("checklist", &["nobody"]).code, 66);
    assert_eq!(Stage::new().script("after-interruption", &[]).code, 66);
}
