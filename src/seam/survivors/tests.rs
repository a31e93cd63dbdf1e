//! What a dead shim leaves behind, found and ended by somebody who is not its parent.

use super::*;
use crate::seam::process::{identity_of, me};
use crate::seam::support::{BOUND, Zoo, alone, say, soon};

fn leads<'a>(token: &'a str, known: &'a [Identity]) -> Leads<'a> {
    Leads { cgroup: None, token, known }
}

/// What a look finds once it could see everything: while others fork faster than it reads, which tests beside this one do,
/// it says that it could not.
fn found(leads: &Leads<'_>) -> Left {
    let mut left = survivors(leads);
    soon(|| {
        left = survivors(leads);
        left != Left::Unknown(Doubt::Restless)
    });
    left
}

fn names(left: &Left) -> Vec<&str> {
    match left {
        Left::Some(found) => found.iter().map(|one| one.name.as_str()).collect(),
        _ => Vec::new(),
    }
}

/// A script with the token in its environment.
fn start(token: &str, script: &str) -> Zoo {
    let mut command = std::process::Command::new("/bin/sh");
    Zoo::start_with(command.arg("-c").arg(script).env("REFLOAT_TOKEN", token))
}

fn token(name: &str) -> String {
    format!("{name}-{}", own_pid())
}

#[test]
fn nothing_is_none_only_after_a_whole_look() {
    assert_eq!(found(&leads("no-such-token", &[])), Left::None);
    let elsewhere = Identity { pid_ns: 1, ..me() };
    assert_eq!(found(&leads("no-such-token", &[elsewhere])), Left::Unknown(Doubt::OtherNamespace));
    let gone = Identity { start_ticks: 1, ..me() };
    assert_eq!(survivors(&leads("", &[gone])), Left::None);
    assert_eq!(survivors(&leads("", &[me()])), Left::None, "the one who looks does not count");
    let removed = Path::new("/sys/fs/cgroup/refloat-none");
    assert_eq!(survivors(&Leads { cgroup: Some(removed), ..leads("", &[]) }), Left::None);
    let no_group = Leads { cgroup: Some(Path::new("/tmp")), ..leads("", &[]) };
    assert_eq!(survivors(&no_group), Left::Unknown(Doubt::LookFailed));
}

#[test]
fn the_token_finds_what_escaped() {
    if !alone("seam::survivors::tests::the_token_finds_what_escaped") {
        return;
    }
    // Orphans go to init, or to whoever is subreaper above the tests.
    let token = token("escaped");
    let mut zoo = start(&token, "trap '' TERM; setsid sleep 1000 & (setsid sleep 1001 &); echo ready");
    zoo.child.wait().unwrap();
    assert!(soon(|| names(&survivors(&leads(&token, &[]))) == ["sleep", "sleep"]));
    assert_eq!(found(&leads(&token[1..], &[])), Left::None, "the whole token");
    assert_eq!(found(&leads(&token[..token.len() - 1], &[])), Left::None, "the whole token");
    let before = Tick::now();
    assert_eq!(end_survivors(&leads(&token, &[]), BOUND), (2, Left::None));
    say(&format!("two orphans ended by their token in {:?}", Tick::now().since(before)));
    assert!(zoo.all_gone());
}

#[test]
fn a_known_process_leads_to_its_descendants() {
    let mut zoo = Zoo::start("env -i setsid sleep 1000 & echo ready; wait");
    let known = [identity_of(zoo.pid()).unwrap()];
    assert_eq!(names(&survivors(&leads("", &known))).len(), 2);
    let (killed, left) = end_survivors(&leads("", &known), BOUND);
    assert!(zoo.all_gone());
    assert_eq!((killed, left), (2, Left::None));
    // A zombie does not count: it has not been reaped yet.
    assert_eq!(survivors(&leads("", &known)), Left::None);
    zoo.child.wait().unwrap();
}

#[test]
fn the_group_finds_what_lost_its_token() {
    let Ok(group) = Cgroup::plan(&format!("refloat-test-lost-{}", own_pid())).and_then(|path| Cgroup::make(&path))
    else {
        return say("no cgroup can be made here");
    };
    let script = format!("echo 0 > {}/cgroup.procs; env -i setsid sleep 1000 & echo ready", group.path().display());
    let mut zoo = start("", &script);
    zoo.child.wait().unwrap();
    let leads = Leads { cgroup: Some(group.path()), ..leads("no-such-token", &[]) };
    assert!(soon(|| names(&survivors(&leads)) == ["sleep"]));
    let before = Tick::now();
    assert_eq!(end_survivors(&leads, BOUND), (1, Left::None));
    say(&format!("an orphan ended by its cgroup in {:?}", Tick::now().since(before)));
    assert!(zoo.all_gone());
    group.remove(BOUND).unwrap();
}

/// Each shell starts the next and ends. (A function that calls itself would stop at dash's depth of 1,000.)
const CHAIN: &str = r#"S='[ "$1" -gt 0 ] && sh -c "$0" "$0" $(($1 - 1)) &'; sh -c "$S" "$S" 20000 & echo ready"#;

#[test]
fn a_chain_of_forks_does_not_slip_through() {
    if !alone("seam::survivors::tests::a_chain_of_forks_does_not_slip_through") {
        return;
    }
    let token = token("chain");
    let mut zoo = start(&token, CHAIN);
    zoo.child.wait().unwrap();
    assert_ne!(survivors(&leads(&token, &[])), Left::None);
    let before = Tick::now();
    // Where its members may not always be read (no root), it can outrun one budget; then that is said, not "none".
    let mut tries = (0..8).map(|_| end_survivors(&leads(&token, &[]), BOUND));
    let ended = tries.find(|(_, left)| *left == Left::None);
    say(&format!("a chain of forks: {ended:?} in {:?}", Tick::now().since(before)));
    assert!(ended.is_some() && zoo.all_gone());
}

#[test]
fn a_storm_of_forks_is_ended_by_its_token() {
    if !alone("seam::survivors::tests::a_storm_of_forks_is_ended_by_its_token") {
        return;
    }
    let token = token("storm");
    let mut zoo = start(&token, "(while :; do sleep 0.5 & done) & sleep 0.3; echo ready");
    zoo.child.wait().unwrap();
    let before = Tick::now();
    let (killed, left) = end_survivors(&leads(&token, &[]), BOUND);
    say(&format!("a storm of forks: {killed} killed in {:?}", Tick::now().since(before)));
    assert_eq!(left, Left::None);
    assert!(zoo.all_gone());
}

#[test]
fn entries_are_whole() {
    let held = |environ: &'static [u8]| super::held(environ).map(|token| std::str::from_utf8(token).unwrap()).collect();
    let is = |environ: &'static [u8], wanted: &[&str]| {
        let found: Vec<&str> = held(environ);
        assert_eq!(found, wanted, "{environ:?}");
    };
    is(b"A=1\0REFLOAT_TOKEN=abc\0B=2\0", &["abc"]);
    is(b"REFLOAT_TOKEN=abc", &["abc"]);
    is(b"XREFLOAT_TOKEN=x\0A=REFLOAT_TOKEN=y\0REFLOAT_TOKEN=abc\0REFLOAT_TOKEN=b\0", &["abc", "b"]);
    is(b"REFLOAT_TOKE=abc\0REFLOAT_TOKENS=b\0", &[]);
}

/// Many turns are looked for in one look at all processes, and each has its own.
#[test]
fn of_many_turns_each_has_what_is_left_of_it() {
    if !alone("seam::survivors::tests::of_many_turns_each_has_what_is_left_of_it") {
        return;
    }
    let tokens: Vec<String> = (0..50).map(|at| token(&format!("many{at}"))).collect();
    let mut zoos: Vec<Zoo> = [7, 31].map(|at: usize| start(&tokens[at], "setsid sleep 1000 & echo ready")).into();
    for zoo in &mut zoos {
        zoo.child.wait().unwrap();
    }
    let all: Vec<Leads<'_>> = tokens.iter().map(|token| leads(token, &[])).collect();
    let is_right = |(at, left): (usize, &Left)| match [7, 31].contains(&at) {
        true => names(left) == ["sleep"],
        false => *left == Left::None,
    };
    let mut looked = Vec::new();
    let all_right = soon(|| {
        looked = settled_all(&all, Duration::from_millis(50));
        looked.iter().enumerate().all(is_right)
    });
    assert!(all_right, "{looked:?}");
    for at in [7, 31] {
        assert_eq!(end_survivors(&all[at], BOUND), (1, Left::None));
    }
    assert!(settled_all(&all, BOUND).iter().all(|left| *left == Left::None));
    assert!(zoos.iter_mut().all(Zoo::all_gone));
}

#[test]
#[ignore = "a measurement"]
fn measure_a_look() {
    let pids = procfs::pids().unwrap().len();
    for _ in 0..5 {
        let before = Tick::now();
        assert_eq!(survivors(&leads("no-such-token", &[])), Left::None);
        say(&format!("a look at {pids} processes: {:?}", Tick::now().since(before)));
    }
}
