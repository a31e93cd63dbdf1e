//! Names as tmux stores them, patterns over them, and names that look like patterns or ids.

use serde_json::json;

use super::{assert_findings, findings, of_kind, probe};
use crate::adopted::{Server, has_tmux};
use crate::stage::Stage;

/// As typed, and as tmux gives it back.
const ODD: [(&str, &str); 14] = [
    ("with space", "with space"),
    ("a.b:c", "a_b_c"),
    ("tab\there", r"tab\there"),
    ("new\nline", r"new\nline"),
    (r#"quote " and '"#, r#"quote " and '"#),
    (r"back\slash", r"back\\slash"),
    (r"trail\", r"trail\\"),
    ("naïve-名前-🦀", "naïve-名前-🦀"),
    ("$HOME ${x} $1", r"\$HOME \${x} $1"),
    ("bell\u{7}esc\u{1b}[1m", r"bell\aesc\033[1m"),
    ("a|b|c", "a|b|c"),
    ("=exact", "=exact"),
    ("%x", "%x"),
    ("w*[x]?", "w*[x]?"),
];

#[test]
fn an_odd_name_is_found_as_it_was_typed_and_told_as_tmux_stores_it() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let server = Server::new(&stage, "one");
    for (typed, _) in ODD {
        server.session(typed, "exec sleep 600");
    }
    for (typed, stored) in ODD {
        for asked in [typed, stored] {
            let call = probe(&server, &["--exact", asked]);
            let session = of_kind(&call, "session");
            assert_eq!((&session["subject"], &session["reason"]), (&json!(asked), &json!("listed")), "{call:?}");
            assert_eq!(session["detail"]["name"], json!(stored));
        }
    }
    // Whatever a screen or a name holds, it is one record to a line.
    assert_eq!(probe(&server, &["--all"]).last("probe.ended")["evidence"], json!(1 + 2 * ODD.len()));
}

#[test]
fn a_pattern_is_one_record_for_each_match_and_never_falls_to_a_twin() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let server = Server::new(&stage, "one");
    for name in ["e1-s1-1", "e1-s1-10", "e1-s1-1-r2", "other-e1-s1-1"] {
        server.session(name, "exec sleep 600");
    }
    let matches = |asked: &[&str]| -> Vec<String> {
        let all = findings(&probe(&server, asked)).into_iter();
        all.filter_map(|line| Some(line.strip_prefix("session ")?.to_owned())).collect()
    };
    assert_eq!(matches(&["e1-s1-1"]), ["e1-s1-1 yes alive listed"]);
    assert_eq!(matches(&["e1-s1-1?"]), ["e1-s1-10 yes alive listed"]);
    assert_eq!(
        matches(&["e1-s1-1*"]),
        ["e1-s1-1 yes alive listed", "e1-s1-1-r2 yes alive listed", "e1-s1-10 yes alive listed"]
    );
    assert_eq!(matches(&["e1-s1-[2-9]*"]), ["e1-s1-[2-9]* no dead not_listed"]);
    assert_eq!(matches(&["e1-s1-[!2-9]"]), ["e1-s1-1 yes alive listed"]);
    assert_eq!(
        matches(&["e1", "e1-s1-", "s1-1"]),
        ["e1 no dead not_listed", "e1-s1- no dead not_listed", "s1-1 no dead not_listed"]
    );
    // A pattern is written as the names were typed.
    server.session("v1.2", "exec sleep 600");
    assert_eq!(matches(&["v1.*"]), ["v1_2 yes alive listed"]);
}

#[test]
fn an_id_is_exact_and_a_name_that_looks_like_one_is_asked_for_with_exact() {
    if !has_tmux() {
        return;
    }
    let stage = Stage::new();
    let server = Server::new(&stage, "one");
    server.session("zero", "exec sleep 600");
    server.session("$0", "exec sleep 600");
    server.session("z*", "exec sleep 600");
    let id = |args: &[&str]| of_kind(&probe(&server, args), "session")["detail"]["session"].clone();
    assert_eq!([id(&["$0"]), id(&["$0", "--exact"]), id(&["z*", "--exact"])], [json!("$0"), json!("$1"), json!("$2")]);
    assert_findings(&probe(&server, &["$00"]), &["server one yes alive answered", "session $00 no dead not_listed"]);
    assert_findings(
        &probe(&server, &["%0", "--exact"]),
        &["server one yes alive answered", "session %0 no dead not_listed"],
    );
    assert_eq!(findings(&probe(&server, &["z*"])).len(), 1 + 2 * 2);
}
