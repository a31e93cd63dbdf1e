//! Whether the state file is whole and can be used by this program. Called by `probe state`.

use std::cmp::Ordering;

use crate::model::{Finding, Health, Meaning, Reason, StateCheck, StateFolder, StateHeader};

/// Whether the state file is whole, for a program of this schema version.
#[must_use]
pub fn find(health: &Health, ours: u32) -> Finding {
    match health.folder {
        StateFolder::None => Finding::no(Meaning::Absent, Reason::NoState),
        StateFolder::Unsafe => Finding::unknown(Reason::UnsafeFolder),
        StateFolder::Shared => Finding::unknown(Reason::SharedFileSystem),
        StateFolder::Denied => Finding::unknown(Reason::PermissionDenied),
        StateFolder::Failed => Finding::unknown(Reason::LookFailed),
        StateFolder::Safe => file(health, ours),
    }
}

fn file(health: &Health, ours: u32) -> Finding {
    match health.header {
        // It may hold the only copy of something.
        StateHeader::Missing if health.wal_bytes.unwrap_or(0) > 0 => {
            Finding::no(Meaning::Damaged, Reason::WalWithoutFile)
        }
        StateHeader::Missing => Finding::no(Meaning::Absent, Reason::NoState),
        StateHeader::Empty => Finding::no(Meaning::Damaged, Reason::Empty),
        StateHeader::Foreign => Finding::no(Meaning::Absent, Reason::Foreign),
        StateHeader::OtherUser => Finding::unknown(Reason::OtherUser),
        StateHeader::Denied => Finding::unknown(Reason::PermissionDenied),
        StateHeader::Failed => Finding::unknown(Reason::LookFailed),
        StateHeader::Ours => check(health, ours),
    }
}

fn check(health: &Health, ours: u32) -> Finding {
    let healthy = |reason| Finding::yes(Meaning::Healthy, reason);
    match (health.check, health.schema.map(|schema| schema.cmp(&ours))) {
        (StateCheck::Damaged, _) => Finding::no(Meaning::Damaged, Reason::Corrupt),
        (StateCheck::WalUnreadable, _) => Finding::unknown(Reason::WalUnreadable),
        (StateCheck::Busy, _) => Finding::unknown(Reason::Busy),
        (StateCheck::Restoring, _) => Finding::unknown(Reason::Restoring),
        (StateCheck::NotAsked | StateCheck::Failed, _) | (StateCheck::Ok, None) => Finding::unknown(Reason::LookFailed),
        (StateCheck::Ok, Some(Ordering::Equal)) => healthy(Reason::Sound),
        (StateCheck::Ok, Some(Ordering::Less)) => healthy(Reason::OlderSchema),
        (StateCheck::Ok, Some(Ordering::Greater)) => Finding::unknown(Reason::NewerSchema),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: u32 = 5;

    fn health(folder: StateFolder, header: StateHeader, check: StateCheck) -> Health {
        Health {
            folder,
            folder_mode: None,
            folder_writable: None,
            file_system: None,
            free_bytes: None,
            header,
            size: None,
            mode: None,
            wal_bytes: None,
            schema: Some(OURS),
            check,
            oldest: None,
            bell: false,
            leftovers: vec![],
            error: None,
        }
    }

    #[test]
    fn the_table_of_folders_counts_before_the_file() {
        for folder in StateFolder::ALL {
            for header in StateHeader::ALL {
                for check in StateCheck::ALL {
                    let found = find(&health(*folder, *header, *check), OURS);
                    let wanted = match folder {
                        StateFolder::None => Finding::no(Meaning::Absent, Reason::NoState),
                        StateFolder::Unsafe => Finding::unknown(Reason::UnsafeFolder),
                        StateFolder::Shared => Finding::unknown(Reason::SharedFileSystem),
                        StateFolder::Denied => Finding::unknown(Reason::PermissionDenied),
                        StateFolder::Failed => Finding::unknown(Reason::LookFailed),
                        StateFolder::Safe => continue,
                    };
                    assert_eq!(found, wanted, "{folder} {header} {check}");
                }
            }
        }
    }

    #[test]
    fn the_table_of_headers_counts_before_the_check() {
        let rows = [
            (StateHeader::Missing, Finding::no(Meaning::Absent, Reason::NoState)),
            (StateHeader::Empty, Finding::no(Meaning::Damaged, Reason::Empty)),
            (StateHeader::Foreign, Finding::no(Meaning::Absent, Reason::Foreign)),
            (StateHeader::OtherUser, Finding::unknown(Reason::OtherUser)),
            (StateHeader::Denied, Finding::unknown(Reason::PermissionDenied)),
            (StateHeader::Failed, Finding::unknown(Reason::LookFailed)),
        ];
        assert_eq!(rows.len() + 1, StateHeader::ALL.len());
        for (header, wanted) in rows {
            for check in StateCheck::ALL {
                let mut health = health(StateFolder::Safe, header, *check);
                assert_eq!(find(&health, OURS), wanted, "{header} {check}");
                health.wal_bytes = Some(32);
                let orphan = Finding::no(Meaning::Damaged, Reason::WalWithoutFile);
                let wanted = if header == StateHeader::Missing { orphan } else { wanted };
                assert_eq!(find(&health, OURS), wanted, "{header} {check}, with a log");
            }
        }
    }

    #[test]
    fn the_table_of_checks_and_versions() {
        use StateCheck as C;
        let versions = [None, Some(OURS - 1), Some(OURS), Some(OURS + 1)];
        let same = |finding| [finding; 4];
        let failed = Finding::unknown(Reason::LookFailed);
        let rows = [
            (C::NotAsked, same(failed)),
            (C::Failed, same(failed)),
            (C::Damaged, same(Finding::no(Meaning::Damaged, Reason::Corrupt))),
            (C::WalUnreadable, same(Finding::unknown(Reason::WalUnreadable))),
            (C::Busy, same(Finding::unknown(Reason::Busy))),
            (C::Restoring, same(Finding::unknown(Reason::Restoring))),
            (
                C::Ok,
                [
                    failed,
                    Finding::yes(Meaning::Healthy, Reason::OlderSchema),
                    Finding::yes(Meaning::Healthy, Reason::Sound),
                    Finding::unknown(Reason::NewerSchema),
                ],
            ),
        ];
        assert_eq!(rows.len(), C::ALL.len());
        for (check, wanted) in rows {
            for (schema, wanted) in versions.into_iter().zip(wanted) {
                let health = Health { schema, ..health(StateFolder::Safe, StateHeader::Ours, check) };
                assert_eq!(find(&health, OURS), wanted, "{check} {schema:?}");
            }
        }
    }
}
