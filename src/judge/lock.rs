//! What a look at a lock says, and whether its holder is known. Called by `probe lock`.

use crate::model::{Finding, Holder, LockLook, Meaning, NotFile, Observed, Reason};

/// Whether it is held. By whom is known only where one who should hold it lives.
#[must_use]
pub fn find(look: LockLook, holders: &[Holder]) -> Finding {
    match look {
        LockLook::NoFile => Finding::no(Meaning::Free, Reason::NoLockFile),
        LockLook::Free => Finding::no(Meaning::Free, Reason::NotLocked),
        LockLook::Held if holders.iter().any(lives) => Finding::yes(Meaning::Held, Reason::Locked),
        LockLook::Held => Finding::yes(Meaning::Held, Reason::HolderUnknown),
        LockLook::Denied => Finding::unknown(Reason::PermissionDenied),
        LockLook::Loop => Finding::unknown(Reason::LinkLoop),
        LockLook::Failed => Finding::unknown(Reason::LookFailed),
        LockLook::NotFile(NotFile::Folder) => Finding::unknown(Reason::IsFolder),
        LockLook::NotFile(NotFile::Fifo) => Finding::unknown(Reason::IsFifo),
        LockLook::NotFile(NotFile::Socket) => Finding::unknown(Reason::IsSocket),
        LockLook::NotFile(NotFile::Device) => Finding::unknown(Reason::IsDevice),
    }
}

fn lives(holder: &Holder) -> bool {
    holder.sight.observed == Observed::Alive
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Role, Sight};

    #[test]
    fn the_table_of_locks() {
        let holder = |sight| Holder { role: Role::Shim, pid: 7, who: None, sight };
        let alive = holder(Sight::alive(Reason::Running));
        let gone = holder(Sight::gone(Reason::PidReused));
        let hidden = holder(Sight::unknown(Reason::Hidden));
        let held = Finding::yes(Meaning::Held, Reason::Locked);
        let by_nobody = Finding::yes(Meaning::Held, Reason::HolderUnknown);
        for (holders, found) in [
            (vec![], by_nobody),
            (vec![gone.clone()], by_nobody),
            (vec![hidden], by_nobody),
            (vec![alive.clone()], held),
            (vec![gone, alive.clone()], held),
        ] {
            assert_eq!(find(LockLook::Held, &holders), found, "{holders:?}");
        }
        let rows = [
            (LockLook::NoFile, Finding::no(Meaning::Free, Reason::NoLockFile)),
            (LockLook::Free, Finding::no(Meaning::Free, Reason::NotLocked)),
            (LockLook::Denied, Finding::unknown(Reason::PermissionDenied)),
            (LockLook::Loop, Finding::unknown(Reason::LinkLoop)),
            (LockLook::Failed, Finding::unknown(Reason::LookFailed)),
            (LockLook::NotFile(NotFile::Folder), Finding::unknown(Reason::IsFolder)),
            (LockLook::NotFile(NotFile::Fifo), Finding::unknown(Reason::IsFifo)),
            (LockLook::NotFile(NotFile::Socket), Finding::unknown(Reason::IsSocket)),
            (LockLook::NotFile(NotFile::Device), Finding::unknown(Reason::IsDevice)),
        ];
        for (look, found) in rows {
            assert_eq!(find(look, &[]), found, "{look:?}");
            assert_eq!(find(look, std::slice::from_ref(&alive)), found, "{look:?}: a process says nothing of a lock");
        }
    }
}
