//! Raw readings of `/proc/PID`: stat, children, environment, the list of pids.
//! Called by the other instruments. It never says what a reading means: absence here is not death (hidepid).

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::{self, Read};

/// What is used of `/proc/PID/stat` (proc_pid_stat(5)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) name: String,
    /// The name is not UTF-8: the kernel keeps 15 bytes of it, wherever that cuts.
    pub(super) name_lossy: bool,
    pub(super) state: u8,
    pub(super) parent: i32,
    /// The process group that has its terminal; -1 where it has none.
    pub(super) foreground: i32,
    /// Its controlling terminal as a device number; 0 where it has none.
    pub(super) terminal: i32,
    pub(super) start_ticks: u64,
    /// What wait(2) will tell of a zombie; 0 too where that may not be seen from here.
    pub(super) wait_status: i32,
}

impl Stat {
    /// A name may hold blanks and brackets: the fields are counted after the *last* ')'.
    fn parse(line: &[u8]) -> Option<Self> {
        let open = memchr::memchr(b'(', line)?;
        let close = memchr::memrchr(b')', line)?;
        let name = String::from_utf8_lossy(line.get(open + 1..close)?);
        let mut fields = std::str::from_utf8(line.get(close + 1..)?).ok()?.split_ascii_whitespace();
        let state = *fields.next()?.as_bytes().first()?;
        let parent = fields.next()?.parse().ok()?;
        // The state is field 3, the parent 4, the terminal 7 and its group 8, the start time 22, the wait status 52.
        let terminal = fields.nth(2)?.parse().ok()?;
        let foreground = fields.next()?.parse().ok()?;
        let start_ticks = fields.nth(13)?.parse().ok()?;
        let wait_status = fields.nth(29).and_then(|field| field.parse().ok()).unwrap_or(0);
        let name_lossy = matches!(name, Cow::Owned(_));
        let name = name.into_owned();
        Some(Self { name, name_lossy, state, parent, foreground, terminal, start_ticks, wait_status })
    }

    /// Its first thread has not ended, which says that the process has not either.
    pub(super) fn runs(&self) -> bool {
        !matches!(self.state, b'Z' | b'X' | b'x')
    }

    /// Stopped by a signal or by a tracer.
    pub(super) fn stopped(&self) -> bool {
        matches!(self.state, b'T' | b't')
    }
}

/// Reads `/proc/PID/stat`.
pub(super) fn stat(pid: i32) -> io::Result<Stat> {
    let mut buffer = [0; 1024];
    let length = fs::File::open(format!("/proc/{pid}/stat"))?.read(&mut buffer)?;
    let line = buffer.get(..length).unwrap_or_default();
    Stat::parse(line)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("/proc/{pid}/stat is malformed")))
}

/// Whether this process may see what only a tracer of that one may: of a zombie, too, the link to its program is refused
/// before it is found to be gone.
pub(super) fn may_trace(pid: i32) -> bool {
    match fs::read_link(format!("/proc/{pid}/exe")) {
        Ok(_) => true,
        Err(error) => vanished(&error),
    }
}

/// Whether the error says that there is no such process (any more), as far as /proc shows.
pub(super) fn vanished(error: &io::Error) -> bool {
    let code = error.raw_os_error();
    code == Some(rustix::io::Errno::NOENT.raw_os_error()) || code == Some(rustix::io::Errno::SRCH.raw_os_error())
}

/// Every pid that /proc lists, ascending.
pub(super) fn pids() -> io::Result<Vec<i32>> {
    numbers("/proc")
}

fn numbers(folder: &str) -> io::Result<Vec<i32>> {
    let mut found = Vec::with_capacity(256);
    for entry in fs::read_dir(folder)? {
        found.extend(entry?.file_name().to_str().and_then(|name| name.parse::<i32>().ok()));
    }
    Ok(found)
}

/// All descendants of `root`, nearest first, zombies among them. `root` itself is left out.
/// What forks or ends meanwhile may be missing: repeat until nothing changes.
pub(super) fn descendants(root: i32) -> io::Result<Vec<i32>> {
    match by_children_files(root) {
        // The file is there only with CONFIG_PROC_CHILDREN.
        Err(error) if vanished(&error) && stat(root).is_ok() => by_parents(root),
        other => other,
    }
}

fn by_children_files(root: i32) -> io::Result<Vec<i32>> {
    let mut found = children(root)?;
    let mut visited: HashSet<i32> = found.iter().copied().chain([root]).collect();
    let mut next = 0;
    while let Some(&pid) = found.get(next) {
        next += 1;
        found.extend(children(pid).unwrap_or_default().into_iter().filter(|&child| visited.insert(child)));
    }
    Ok(found)
}

/// The children of every thread of `pid`.
fn children(pid: i32) -> io::Result<Vec<i32>> {
    let mut found = Vec::new();
    let mut failure = None;
    let mut text = String::new();
    for thread in numbers(&format!("/proc/{pid}/task"))? {
        text.clear();
        match fs::File::open(format!("/proc/{pid}/task/{thread}/children"))
            .and_then(|mut file| file.read_to_string(&mut text))
        {
            Ok(_) => found.extend(text.split_ascii_whitespace().filter_map(|word| word.parse::<i32>().ok())),
            Err(error) => failure = Some(error),
        }
    }
    match failure {
        Some(error) if found.is_empty() => Err(error),
        _ => Ok(found),
    }
}

fn by_parents(root: i32) -> io::Result<Vec<i32>> {
    let mut families: HashMap<i32, Vec<i32>> = HashMap::new();
    for pid in pids()? {
        if let Ok(stat) = stat(pid) {
            families.entry(stat.parent).or_default().push(pid);
        }
    }
    let mut found = families.remove(&root).unwrap_or_default();
    let mut next = 0;
    while let Some(pid) = found.get(next) {
        next += 1;
        found.extend(families.remove(pid).unwrap_or_default());
    }
    Ok(found)
}

/// Reads `/proc/PID/environ` into `buffer` and returns what of it was filled. Empty: a kernel thread, a zombie,
/// an empty environment, or a program in the middle of its exec. The buffer grows until all fits: one read gives all
/// that fits (environ_read, fs/proc/base.c), and `read_to_end` would ask for size and position first.
pub(super) fn environ(pid: i32, buffer: &mut Vec<u8>) -> io::Result<&[u8]> {
    let mut file = fs::File::open(format!("/proc/{pid}/environ"))?;
    let mut filled = 0;
    loop {
        if filled == buffer.len() {
            buffer.resize((buffer.len() * 2).max(1 << 16), 0);
        }
        let room = buffer.len() - filled;
        let read = file.read(buffer.get_mut(filled..).unwrap_or_default())?;
        filled += read;
        if read < room {
            return Ok(buffer.get(..filled).unwrap_or_default());
        }
    }
}

/// The process that the thread with this number belongs to, if it is a thread's, and not the first of its process.
pub(super) fn thread_of(number: i32) -> Option<i32> {
    let status = fs::read_to_string(format!("/proc/{number}/status")).ok()?;
    let group = status.lines().find_map(|line| line.strip_prefix("Tgid:"))?.trim().parse().ok()?;
    (group != number).then_some(group)
}

/// The numbers that a process has inside namespaces below ours, nearest first (`NSpid`, proc_pid_status(5)).
pub(super) fn inner_numbers(pid: i32) -> Option<Vec<i32>> {
    let status = fs::read(format!("/proc/{pid}/status")).ok()?;
    // A name need not be UTF-8.
    let line = status.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"NSpid:"))?;
    let numbers = std::str::from_utf8(line).ok()?.split_ascii_whitespace().skip(1);
    Some(numbers.filter_map(|number| number.parse().ok()).collect())
}

/// The real user of a process; its folder belongs to root while it may not be read.
pub(super) fn real_uid(pid: i32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("Uid:"))?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_blanks_does_not_shift_the_fields() {
        let line = b"42 (a) b) (c) S 7 42 42 34816 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 1 2 3\
";
        let expected = Stat {
            name: "a) b) (c".into(),
            name_lossy: false,
            state: b'S',
            parent: 7,
            terminal: 34_816,
            foreground: -1,
            start_ticks: 987_654,
            wait_status: 0,
        };
        assert_eq!(Stat::parse(line), Some(expected));
        let cut = Stat::parse(&line.map(|byte| if byte == b'c' { 0xC3 } else { byte })).unwrap();
        assert_eq!((cut.name.as_str(), cut.name_lossy), ("a) b) (\u{FFFD}", true));
        for bad in [&b""[..], b"42", b"42 (x", b"42 (x)", b"42 (x) S 1", b") 42 (x S 1 2 3"] {
            assert_eq!(Stat::parse(bad), None);
        }
    }

    #[test]
    fn both_ways_to_list_descendants_agree() {
        let mut child = std::process::Command::new("sleep").arg("100").spawn().unwrap();
        let (pid, me) = (i32::try_from(child.id()).unwrap(), i32::try_from(std::process::id()).unwrap());
        assert!(by_children_files(me).unwrap().contains(&pid));
        assert!(by_parents(me).unwrap().contains(&pid));
        assert!(!by_parents(pid).unwrap().contains(&pid));
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
