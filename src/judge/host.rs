//! Whether a host can be known again: one conclusion from what it tells of itself. Called by `probe host`.

use crate::model::{Finding, Meaning, Reason};

/// What decides whether identities that are told here can be compared with those of other places.
#[derive(Clone, Copy, Debug)]
pub struct Told {
    /// It has a machine-id.
    pub machine: bool,
    /// Why pids mean nothing here, if they do not.
    pub doubt: Option<Reason>,
}

/// Concludes. Without a machine-id processes of this boot are still known by boot and namespaces, but a host is not.
#[must_use]
pub const fn find(told: Told) -> Finding {
    match told {
        Told { doubt: Some(doubt), .. } => Finding::unknown(doubt),
        Told { machine: false, .. } => Finding::unknown(Reason::NoMachineId),
        Told { machine: true, doubt: None } => Finding::yes(Meaning::Present, Reason::Identified),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_known_by_its_machine_id_where_pids_mean_something() {
        for (machine, doubt, expected) in [
            (true, None, Finding::yes(Meaning::Present, Reason::Identified)),
            (false, None, Finding::unknown(Reason::NoMachineId)),
            (true, Some(Reason::ForeignProc), Finding::unknown(Reason::ForeignProc)),
            (false, Some(Reason::ForeignProc), Finding::unknown(Reason::ForeignProc)),
            (true, Some(Reason::OwnIdentityUnknown), Finding::unknown(Reason::OwnIdentityUnknown)),
            (false, Some(Reason::OwnIdentityUnknown), Finding::unknown(Reason::OwnIdentityUnknown)),
        ] {
            assert_eq!(find(Told { machine, doubt }), expected, "{machine} {doubt:?}");
        }
    }
}
