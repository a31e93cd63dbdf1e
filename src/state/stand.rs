//! How the state file stands: what every commit changes, read without opening a database. Called by who waits, and looks
//! again and again where mostly nothing has happened. It never says what is recorded.

use std::fs::{File, Metadata};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::time::SystemTime;

use super::header::Kept;
use super::{Place, folder};

/// Both copies of the WAL-index header (SQLite's walformat, 2.2.1): a reader sees what they name, and a commit becomes
/// visible by writing them. Times alone do not tell: a commit's last frame may be long in the WAL before.
type Index = [u8; 96];

/// How the state file stands. While two of these are equal, so is what is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stand {
    /// Its times too: it may be written over.
    file: (Data, i64, i64),
    /// A look at an empty one touches it.
    wal: Option<Data>,
    /// Which file it is, as its number may be given out again.
    shared: (u64, u64, Option<SystemTime>),
    index: Index,
}

/// Which file, and its length.
type Data = (u64, u64, u64);

impl Stand {
    /// None where only opening the file would tell: it is not there, not ours to use, or SQLite's shared memory is not.
    #[must_use]
    pub fn of(place: &Place) -> Option<Self> {
        folder::check(place.folder()).ok().filter(|is_there| *is_there)?;
        let memory = File::open(place.with_suffix("-shm")).ok()?;
        let about = memory.metadata();
        let mut index = [0; 96];
        let read = memory.read_exact_at(&mut index, 0);
        // SQLite's locks are on this file.
        drop(Kept::new(memory));
        let about = about.ok().filter(|about| about.is_file() && read.is_ok())?;
        Some(Self {
            file: place.file.metadata().ok().map(|file| (data(&file), file.ctime(), file.ctime_nsec()))?,
            wal: place.with_suffix("-wal").metadata().ok().as_ref().map(data),
            shared: (about.dev(), about.ino(), about.created().ok()),
            index,
        })
    }
}

fn data(about: &Metadata) -> Data {
    (about.dev(), about.ino(), about.len())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use rusqlite::OpenFlags;

    use super::super::open::connect;
    use super::super::{State, agent};
    use super::*;

    fn place(folder: &tempfile::TempDir) -> Place {
        Place { file: folder.path().join("state.db"), hints: vec![], by_option: false }
    }

    fn commit(state: &mut State) {
        state.write("count", |tx| agent::count_stop(tx, "a")).unwrap();
    }

    fn look(place: &Place) {
        State::open_for_reading(place).unwrap().read("look", |view| agent::stops(view, "a")).unwrap();
    }

    #[test]
    fn every_commit_changes_it_and_no_look_does() {
        let folder = tempfile::tempdir().unwrap();
        let place = place(&folder);
        assert_eq!(Stand::of(&place), None);
        for round in 0..50 {
            // Of one that has it open all the time, and of commands of one step.
            let mut state = State::open_for_writing(&place).unwrap();
            for _ in 0..3 {
                look(&place);
                let before = Stand::of(&place).unwrap();
                look(&place);
                assert_eq!(Stand::of(&place).as_ref(), Some(&before), "{round}");
                commit(&mut state);
                assert_ne!(Stand::of(&place).as_ref(), Some(&before), "{round}");
            }
        }
    }

    /// Lengths and times stay as they are; a WAL that begins anew is as long as it was.
    #[test]
    fn a_commit_into_a_wal_that_was_used_up_changes_the_index_alone() {
        let folder = tempfile::tempdir().unwrap();
        let place = place(&folder);
        let mut state = State::open_for_writing(&place).unwrap();
        (0..20).for_each(|_| commit(&mut state));
        let mut seen = Vec::new();
        for _ in 0..20 {
            state.conn.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(())).unwrap();
            commit(&mut state);
            let stand = Stand::of(&place).unwrap();
            let alike = |one: &Stand| (one.wal, one.file.0) == (stand.wal, stand.file.0);
            assert!(seen.iter().all(alike), "the lengths tell, and this test nothing");
            assert!(seen.iter().all(|one: &Stand| one.index != stand.index));
            seen.push(stand);
        }
    }

    /// Another program's last close writes everything into the file and takes WAL and shared memory away.
    #[test]
    fn a_writer_that_clears_up_behind_itself_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let place = place(&folder);
        commit(&mut State::open_for_writing(&place).unwrap());
        for _ in 0..20 {
            look(&place);
            let before = Stand::of(&place);
            let other = connect(&place.file, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
            other.execute("UPDATE agent SET stops = stops + 1", []).unwrap();
            drop(other);
            assert!(!place.with_suffix("-shm").exists());
            assert_eq!(Stand::of(&place), None);
            look(&place);
            assert!(before.is_some() && Stand::of(&place) != before);
        }
    }

    #[test]
    fn what_cannot_be_used_stands_nowhere_and_what_was_put_there_stands_differently() {
        let folder = tempfile::tempdir().unwrap();
        let place = place(&folder);
        commit(&mut State::open_for_writing(&place).unwrap());
        let before = Stand::of(&place);
        assert!(before.is_some());
        let mode = |mode| std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(mode)).unwrap();
        mode(0o777);
        assert_eq!(Stand::of(&place), None);
        mode(0o700);
        assert_eq!(Stand::of(&place), before);
        let copy = folder.path().join("copy");
        std::fs::copy(&place.file, &copy).unwrap();
        std::fs::rename(&copy, &place.file).unwrap();
        assert_ne!(Stand::of(&place), before);
        std::fs::remove_file(&place.file).unwrap();
        assert_eq!(Stand::of(&place), None);
    }

    /// A process that closes any descriptor of a file loses all its locks on it (fcntl(2)).
    #[test]
    fn to_look_at_it_takes_no_lock_from_a_state_that_is_open() {
        let folder = tempfile::tempdir().unwrap();
        let place = place(&folder);
        let mut state = State::open_for_writing(&place).unwrap();
        commit(&mut state);
        let inode = format!(":{} ", place.with_suffix("-shm").metadata().unwrap().ino());
        let locks = || {
            let all = std::fs::read_to_string("/proc/locks").unwrap();
            all.lines()
                .filter(|line| line.contains(&inode))
                .map(|line| line.split_once(':').unwrap().1.to_owned())
                .collect()
        };
        let before: Vec<String> = locks();
        assert!(!before.is_empty());
        assert!(Stand::of(&place).is_some());
        assert_eq!(locks(), before);
    }
}
