//! Who a process is. A pid is a number that the kernel gives out again; an identity is not:
//! host, boot, namespaces, pid and start time together name one process for ever.
//! Only data, and how it is written: `seam::process` makes identities and looks at them.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How much of a text that is none is said again.
const LONGEST_SHOWN: usize = 200;

/// One process, for ever. As text: `PID:START_TICKS@MACHINE/BOOT/PID_NS/TIME_NS`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// `/etc/machine-id`; empty where the host has none, and then equal to nothing.
    pub machine: String,
    /// `/proc/sys/kernel/random/boot_id`.
    pub boot: String,
    /// Inode of the pid namespace the pid was read in.
    pub pid_ns: u64,
    /// Inode of the time namespace: start times are told in it (time_namespaces(7)).
    pub time_ns: u64,
    /// The process id in that namespace.
    pub pid: i32,
    /// Field 22 of `/proc/PID/stat`: clock ticks from boot to the start of the process.
    pub start_ticks: u64,
}

impl Display for Identity {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { machine, boot, pid_ns, time_ns, pid, start_ticks } = self;
        write!(f, "{pid}:{start_ticks}@{machine}/{boot}/{pid_ns}/{time_ns}")
    }
}

/// Whom somebody means by a text: `PID`, `PID:START_TICKS`, an identity, or one as a JSON object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// Whoever has this number here and now.
    Pid(i32),
    /// Who has it here, and began then.
    Started {
        /// The number.
        pid: i32,
        /// When it began.
        start_ticks: u64,
    },
    /// This one, wherever it is looked at.
    Identity(Identity),
}

impl Named {
    /// The number.
    #[must_use]
    pub const fn pid(&self) -> i32 {
        match self {
            Self::Pid(pid) | Self::Started { pid, .. } | Self::Identity(Identity { pid, .. }) => *pid,
        }
    }
}

impl Display for Named {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pid(pid) => write!(f, "{pid}"),
            Self::Started { pid, start_ticks } => write!(f, "{pid}:{start_ticks}"),
            Self::Identity(identity) => identity.fmt(f),
        }
    }
}

impl FromStr for Named {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with('{') {
            return of_object(text).map_err(|why| format!("not an identity: {why}"));
        }
        let shown: String = text.chars().take(LONGEST_SHOWN).collect();
        let refused = || format!("'{shown}' is not a pid, PID:START_TICKS or an identity");
        let Some((pid, start)) = text.split_once(':') else {
            return Ok(Self::Pid(pid_of(text).ok_or_else(refused)??));
        };
        let pid = pid_of(pid).ok_or_else(refused)??;
        match start.split_once('@') {
            None => Ok(Self::Started { pid, start_ticks: number(start).ok_or_else(refused)? }),
            Some((start, place)) => identity(pid, start, place).map(Self::Identity).ok_or_else(refused),
        }
    }
}

/// As it stands in the state file. What cannot be written as text is no identity either.
fn of_object(text: &str) -> Result<Named, String> {
    let identity: Identity = serde_json::from_str(text).map_err(|error| error.to_string())?;
    match identity.to_string().parse()? {
        Named::Identity(same) if same == identity => Ok(Named::Identity(identity)),
        _ => Err("a machine-id or a boot id is malformed".to_owned()),
    }
}

fn identity(pid: i32, start: &str, place: &str) -> Option<Identity> {
    let mut parts = place.split('/');
    let mut part = || parts.next().filter(|id| id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
    let (machine, boot) = (part()?.to_owned(), part()?.to_owned());
    let (pid_ns, time_ns) = (number(part()?)?, number(part()?)?);
    parts.next().is_none().then_some(Identity { machine, boot, pid_ns, time_ns, pid, start_ticks: number(start)? })
}

/// None where it is no number; an error where no process can have it.
fn pid_of(text: &str) -> Option<Result<i32, String>> {
    let pid = number::<u64>(text).or_else(|| text.strip_prefix('-').and_then(number))?;
    let pid = i32::try_from(pid).ok().filter(|pid| *pid > 0 && !text.starts_with('-'));
    Some(pid.ok_or_else(|| format!("no process can have the number {text}")))
}

/// Digits alone: no sign, no blank, no fraction.
fn number<N: FromStr>(text: &str) -> Option<N> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn someone() -> Identity {
        let (machine, boot) =
            ("0123456789abcdef0123456789abcdef".to_owned(), "5b6ad4a5-0f2c-4b8e-9a0f-6f3f8d5f2f3c".to_owned());
        Identity { machine, boot, pid_ns: 4_026_531_836, time_ns: 4_026_531_834, pid: 4711, start_ticks: 5_716_613 }
    }

    #[test]
    fn an_identity_is_read_as_it_is_written() {
        let text =
            "4711:5716613@0123456789abcdef0123456789abcdef/5b6ad4a5-0f2c-4b8e-9a0f-6f3f8d5f2f3c/4026531836/4026531834";
        assert_eq!(someone().to_string(), text);
        assert_eq!(text.parse(), Ok(Named::Identity(someone())));
        assert_eq!(serde_json::to_string(&someone()).unwrap().parse(), Ok(Named::Identity(someone())));
        for unknown in [
            Identity { machine: String::new(), ..someone() },
            Identity { boot: String::new(), ..someone() },
            Identity {
                machine: String::new(),
                boot: String::new(),
                pid_ns: 0,
                time_ns: 0,
                start_ticks: 0,
                ..someone()
            },
        ] {
            assert_eq!(unknown.to_string().parse(), Ok(Named::Identity(unknown)));
        }
        for named in [Named::Pid(1), Named::Pid(i32::MAX), Named::Started { pid: 7, start_ticks: u64::MAX }] {
            assert_eq!(named.to_string().parse(), Ok(named));
        }
    }

    #[test]
    fn what_nobody_can_be_is_refused() {
        for no_number in ["0", "-1", "-0", "2147483648", "4294967297", "00", "-4711", "18446744073709551615", "0:5"] {
            let refused = no_number.parse::<Named>().unwrap_err();
            assert!(refused.starts_with("no process can have the number"), "{no_number}: {refused}");
        }
        let object = serde_json::to_string(&someone()).unwrap();
        let text = someone().to_string();
        for garbage in [
            "",
            " ",
            "NaN",
            "inf",
            "1.5",
            "1e3",
            "+5",
            " 5",
            "5 ",
            "5 6",
            "0x10",
            "٣",
            "undefined",
            "null",
            "[1]",
            "\"1\"",
            "--",
            "99999999999999999999",
            "1:",
            ":1",
            "1:-1",
            "1:NaN",
            "1:2:3",
            "1:2@",
            "1:2@/",
            "1:2@a/b/c/d",
            "1:2@a/b/3/4/5",
            "1:2@a b/c/3/4",
            "1:2@a/b/3/-4",
            "{}",
            "{\"pid\":1}",
            "{",
            &object.replace("4711", "0"),
            &object.replace("4711", "4711.5"),
            &object.replace("4711", "\"4711\""),
            &object.replace("5716613", "-1"),
            &object.replace("0123456789abcdef0123456789abcdef", "a/b"),
            &text.replace('@', ""),
            &text.replace("/4", "/x"),
        ] {
            assert!(garbage.parse::<Named>().is_err(), "{garbage}");
        }
    }
}
