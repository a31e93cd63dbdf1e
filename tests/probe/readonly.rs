//! That a look changes nothing: any command of `probe` behind strace, with every system call that could change something
//! held against what a look may do. Called by the tests of every subcommand; it never asks what was found.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use crate::contract::{Home, Said, binary};
use crate::support::can_trace;

/// What changes a file, a process, a terminal or a lock, whatever its arguments are. An unknown name is passed over (`?`).
const CHANGES: &str = "creat,truncate,ftruncate,fallocate,unlink,unlinkat,rename,renameat,renameat2,link,linkat,symlink,\
    symlinkat,mkdir,mkdirat,rmdir,mknod,mknodat,chmod,fchmod,fchmodat,?fchmodat2,chown,fchown,lchown,fchownat,utime,utimes,\
    utimensat,futimesat,setxattr,fsetxattr,lsetxattr,removexattr,fremovexattr,lremovexattr,copy_file_range,sendfile,splice,\
    tee,vmsplice,fsync,fdatasync,sync,syncfs,mount,umount2,pivot_root,kill,tkill,tgkill,pidfd_send_signal,rt_sigqueueinfo,\
    rt_tgsigqueueinfo,ptrace,process_vm_writev,setpriority,sched_setaffinity,setns,unshare";
/// What changes something with some arguments alone.
const MAY_CHANGE: &str =
    "open,openat,?openat2,write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg,sendmmsg,flock,ioctl";
/// Who is born of whom, and what it runs.
const FAMILY: &str = "execve,?execveat,clone,?clone3,fork,vfork";

/// Runs a command of `probe` behind strace and fails if it did more than look. A program that it asks (tmux, git) is
/// let alone from its start on, but for what it is told to do. `with` prepares the command: its input, its environment.
/// None where strace may not trace.
pub(crate) fn looks_only(home: &Home, args: &[&str], with: impl FnOnce(&mut Command)) -> Option<Said> {
    if !can_trace() {
        return None;
    }
    let before = files(&home.path("."));
    let (said, wrong) = traced(home, &[&[binary("probe")], args].concat(), with);
    assert!(wrong.is_empty(), "probe {args:?} changes something:\n{}\n{said:?}", wrong.join("\n"));
    assert_eq!(files(&home.path(".")), before, "probe {args:?} changes a file");
    Some(said)
}

/// What a program said behind strace, and which of its calls were no mere look.
fn traced(home: &Home, words: &[&str], with: impl FnOnce(&mut Command)) -> (Said, Vec<String>) {
    let log = tempfile::NamedTempFile::new().unwrap();
    let calls = format!("trace={CHANGES},{MAY_CHANGE},{FAMILY}");
    let path = log.path().to_str().unwrap();
    let options = ["-f", "-y", "-qq", "-s", "4096", "-e", "signal=none", "-o", path, "-e", &calls, "--"];
    let mut command = home.bare("strace", [&options[..], words].concat());
    command.env("REFLOAT_STATE", home.state());
    with(&mut command);
    let said = Said::of(&mut command);
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains("execve("), "strace saw nothing: {said:?}");
    (said, changes(&text))
}

/// Every file below a folder with its size and its last change, but for what SQLite keeps beside an open file.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (path, facts) = (entry.path(), entry.path().symlink_metadata().unwrap());
        let name = path.display().to_string();
        if facts.is_dir() {
            found.extend(files(&path));
        }
        // A folder's own time changes with SQLite's files; that nothing else came is seen in its entries.
        let changed = (!facts.is_dir()).then(|| format!("{} bytes, {:?}", facts.len(), facts.modified()));
        if !name.ends_with("-wal") && !name.ends_with("-shm") {
            found.insert(name, changed.unwrap_or_default());
        }
    }
    found
}

/// The calls in a log of `strace -f -y` that were no mere look, of the first program alone.
fn changes(log: &str) -> Vec<String> {
    let lines = || log.lines().filter_map(|line| line.split_once(' ')).map(|(pid, call)| (pid, call.trim_start()));
    let parents: BTreeMap<&str, &str> = lines().filter_map(|(pid, call)| Some((child(call)?, pid))).collect();
    let mut others = BTreeSet::new();
    let mut wrong = Vec::new();
    for (number, (pid, call)) in lines().enumerate() {
        let family = std::iter::successors(Some(pid), |pid| parents.get(pid).copied());
        if is_exec(call) && number > 0 {
            others.insert(pid);
            wrong.extend(meddles(call).then(|| call.to_owned()));
        } else if !is_look(call) && !family.into_iter().any(|pid| others.contains(pid)) {
            wrong.push(call.to_owned());
        }
    }
    wrong
}

fn is_exec(call: &str) -> bool {
    call.starts_with("execve") && (call.ends_with(" = 0") || call.contains("<unfinished"))
}

/// Whether a program is told to do something to what it is asked about.
fn meddles(exec: &str) -> bool {
    let tmux =
        ["\"send-", "\"kill-", "\"new", "\"set", "\"respawn-", "\"pipe-", "\"paste-", "\"load-", "\"run", "\"rename-"];
    exec.contains("tmux\"") && tmux.iter().any(|word| exec.contains(word))
}

/// Whom a call gave birth to.
fn child(call: &str) -> Option<&str> {
    let born =
        ["clone", "fork", "vfork", "<... clone", "<... fork", "<... vfork"].iter().any(|name| call.starts_with(name));
    let number = call.rsplit_once(" = ")?.1.split(['<', ' ']).next()?;
    (born && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(number)
}

/// Whether a call can have changed nothing of anybody's.
fn is_look(call: &str) -> bool {
    let Some((name, rest)) = call.split_once('(') else { return true };
    // SQLite's own files beside the state file, also for who only reads.
    let first = rest.split(", ").take(2).collect::<String>();
    if ["-wal\"", "-shm\"", "-wal>", "-shm>"].iter().any(|end| first.contains(end)) {
        return true;
    }
    match name {
        "execve" | "execveat" | "clone" | "clone3" | "fork" | "vfork" => true,
        "open" | "openat" | "openat2" => is_reading(rest),
        // 1 and 2 are ours to write to; a pipe or an eventfd is our own, or that of a program that is asked.
        "write" | "writev" => is_output(rest) || rest.contains("<pipe:") || rest.contains("<anon_inode:[event"),
        "flock" => !rest.contains("LOCK_EX"),
        // What is asked of a terminal or of a file, and what is set for our own descriptor.
        "ioctl" => {
            ["TCGETS", "TIOCGWINSZ", "TIOCGPGRP", "FIONREAD", "FIONBIO", "FIOCLEX"].iter().any(|ask| rest.contains(ask))
        }
        _ => false,
    }
}

fn is_reading(open: &str) -> bool {
    let writes = ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND", "O_TMPFILE"];
    open.contains("\"/dev/null\"") || !writes.iter().any(|flag| open.contains(flag))
}

fn is_output(write: &str) -> bool {
    write.starts_with("1<") || write.starts_with("2<")
}

#[test]
fn what_is_no_mere_look_is_seen() {
    if !can_trace() {
        return;
    }
    let home = Home::new();
    let wrong = |script: &str| traced(&home, &["perl", "-e", script], |_| {}).1;
    assert_eq!(wrong("print STDOUT 1; print STDERR 1; open(F, '<', '/etc/passwd'); opendir(D, '.');"), [""; 0]);
    for script in [
        "open(F, '>', 'x')",
        "open(F, '>>', 'x')",
        "open(F, '+<', '/etc/passwd')",
        "mkdir 'y'",
        "unlink 'x'",
        "rename 'y', 'z'",
        "chmod 0700, 'z'",
        "utime 1, 1, 'z'",
        "kill 0, $$",
        "open(F, '<', '/etc/passwd'); flock(F, 2)",
        "if (!fork) { open(F, '>', 'x') } else { wait }",
        "if (!fork) { exec 'true'; } wait; unlink 'x'",
    ] {
        assert_eq!(wrong(script).len(), 1, "{script}: {:?}", wrong(script));
    }
    // What a program does that is asked is its own; what it is told to do is not.
    assert_eq!(wrong("system('touch', 'x')"), [""; 0]);
    let told = "7 execve(\"/bin/probe\", [\"probe\"], 0x1 /* 1 var */) = 0\n8 execve(\"/bin/tmux\", [\"tmux\", \"send-keys\"], 0x1) = 0\n";
    assert_eq!(changes(told).len(), 1);
    assert_eq!(changes(&told.replace("send-keys", "list-panes")), [""; 0]);
}

#[test]
fn a_look_at_a_process_changes_nothing() {
    let home = Home::new();
    let pid = std::process::id().to_string();
    let Some(said) = looks_only(&home, &["pid", &pid], |_| {}) else { return };
    assert_eq!(said.silent(0).record("evidence")["finding"], "yes");
}

/// What `probe` reads of a state, others read too: SQLite's part of it is no change.
#[test]
fn reading_the_state_file_is_a_look() {
    let home = Home::new();
    home.turn(&["run", "--agent", "a", "--", "true"]).silent(0);
    if can_trace() {
        assert_eq!(traced(&home, &[binary("turn"), "list"], |_| {}).1, [""; 0]);
    }
}
