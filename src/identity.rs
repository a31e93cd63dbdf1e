//! Who a process is. A pid is a number that the kernel gives out again; an identity is not:
//! host, boot, namespaces, pid and start time together name one process for ever.
//! Only data: `seam::process` makes identities and looks at them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One process, for ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
