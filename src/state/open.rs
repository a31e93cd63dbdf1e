//! Opening and closing the state file, for reading and for writing.
//! Called once per command; a command pays for this each time, so every system call here counts.

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use rustix::fs::{Access, AtFlags, CWD, OFlags, accessat};

use super::create::{self, own};
use super::failure::failure_from;
use super::header::{self, Header, Kept};
use super::migrate::{self, MIGRATIONS, SCHEMA};
use super::place::Place;
use super::{failure, folder};
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::flock::{self, Hold};

/// A WAL larger than this is emptied by the writer that closes next.
const WAL_LIMIT: u64 = 256 * 1024;

/// The open state file.
pub struct State {
    // The order is the order of closing: the connection before the descriptor of its header.
    pub(super) conn: Connection,
    _header: Kept,
    pub(super) place: Place,
    pub(super) writer: Option<Writer>,
    /// Whether this process has committed anything.
    pub(super) wrote: bool,
    _open: Option<File>,
}

/// What a command that writes has open beside the file.
pub(super) struct Writer {
    /// `state.lock`.
    pub(super) lock: File,
    /// `bell`.
    pub(super) bell: Option<File>,
}

impl State {
    /// Opens an existing state file for questions; creates nothing of ours.
    /// A file of a newer schema is read as far as the questions go.
    ///
    /// # Errors
    /// 66 without a state file, 77 for an unsafe folder, 78 for a foreign file, 69 for a WAL that cannot be read.
    pub fn open_for_reading(place: &Place) -> Result<Self> {
        if !folder::check(place.folder())? {
            return Err(no_state(place));
        }
        let open = share(place, existing_lock_file(place)?)?;
        let (header, kept) = header::look(&place.file)?.ok_or_else(|| no_state(place))?;
        let writable = writable(place.folder());
        if header.version < SCHEMA && writable {
            drop((kept, open));
            return Self::open_for_writing(place);
        }
        Self::open_as_it_is(place, (&header, kept), open)
    }

    /// Opens an existing state file for who only looks: one of an older schema is refused, not brought up to date.
    ///
    /// # Errors
    /// Those of [`State::open_for_reading`], and 76 for a file of an older schema.
    pub fn open_for_looking(place: &Place) -> Result<Self> {
        if !folder::check(place.folder())? {
            return Err(no_state(place));
        }
        let open = share(place, existing_lock_file(place)?)?;
        let (header, kept) = header::look(&place.file)?.ok_or_else(|| no_state(place))?;
        let state = Self::open_as_it_is(place, (&header, kept), open)?;
        match state.version()? {
            older if older < SCHEMA => Err(migrate::older(&place.file, older)),
            _ => Ok(state),
        }
    }

    /// Opens a state file of any version for questions: it stays of that version.
    pub(super) fn open_as_it_is(place: &Place, (header, kept): (&Header, Kept), open: Option<File>) -> Result<Self> {
        let conn = if writable(place.folder()) || !header.wal {
            connect(&place.file, OpenFlags::SQLITE_OPEN_READ_ONLY)?
        } else {
            connect_immutable(place)?
        };
        Ok(Self { conn, _header: kept, place: place.clone(), writer: None, wrote: false, _open: open })
    }

    /// Opens the state file for questions and writes; makes it, and its folder, if there is none.
    /// A file of an older schema is brought up to date.
    ///
    /// # Errors
    /// 77 for an unsafe folder, 78 for a foreign or newer file, 73 and 74 when it cannot be made, 75 when others hold it.
    pub fn open_for_writing(place: &Place) -> Result<Self> {
        folder::make(place.folder())?;
        let open = share(place, lock_file(place)?)?;
        let lock = own(&place.companion("state.lock"))?;
        let (header, kept) = match header::look(&place.file)? {
            Some(found) => found,
            None => {
                create::create(place, &lock)?;
                header::look(&place.file)?.ok_or_else(|| no_state(place))?
            }
        };
        if header.version > SCHEMA {
            return Err(migrate::newer(&place.file, header.version));
        }
        let bell = own(&place.companion("bell")).ok();
        let conn = connect(&place.file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        settle(&conn).map_err(|error| failure_from(error, &place.file))?;
        let writer = Some(Writer { lock, bell });
        let mut state = Self { conn, _header: kept, place: place.clone(), writer, wrote: false, _open: open };
        state.make_current(&header)?;
        Ok(state)
    }

    /// Opens the state file for questions and writes about what exists: without a file there is nothing to change.
    ///
    /// # Errors
    /// 66 without a state file, and those of [`State::open_for_writing`].
    pub fn open_existing(place: &Place) -> Result<Self> {
        if matches!(place.file.try_exists(), Ok(false)) {
            return Err(no_state(place));
        }
        Self::open_for_writing(place)
    }

    /// Where this state is.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The schema version of the open file.
    ///
    /// # Errors
    /// Those of any question.
    pub fn version(&self) -> Result<u32> {
        migrate::version(&self.view("read the schema version"))
    }

    /// WAL mode and schema, as this program needs them. The header may be behind the WAL,
    /// so a step is decided on again inside its transaction, and so is every write.
    fn make_current(&mut self, header: &Header) -> Result<()> {
        if !header.wal {
            self.switch_to_wal()?;
        }
        if header.version < SCHEMA {
            self.alone("migrate the state file", |tx| migrate::up(tx, MIGRATIONS))?;
        }
        Ok(())
    }

    /// A restored copy may be in rollback mode.
    fn switch_to_wal(&self) -> Result<()> {
        let _held = self.writer.as_ref().map(|writer| create::exclusive(&self.place, &writer.lock)).transpose()?;
        create::to_wal(&self.conn, &self.place.file)
    }

    /// Empties a WAL that has grown, if nobody is writing: best effort, waits for nobody.
    fn empty_wal(&self) -> Option<()> {
        let writer = self.writer.as_ref().filter(|_| self.wrote)?;
        let wal = self.place.with_suffix("-wal").metadata().ok()?;
        if wal.len() <= WAL_LIMIT || writer.lock.try_lock().is_err() {
            return None;
        }
        let _held = flock::Held::Lent(&writer.lock);
        self.conn.busy_timeout(Duration::ZERO).ok()?;
        self.conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).ok()
    }
}

impl Drop for State {
    fn drop(&mut self) {
        self.empty_wal();
    }
}

/// The version of SQLite that is built in.
#[must_use]
pub fn sqlite_version() -> &'static str {
    rusqlite::version()
}

fn no_state(place: &Place) -> Failure {
    Failure::not_found(format!("no state at {}", place.file.display()))
        .hint("the first command that writes makes it; another place: --state PATH")
}

/// `open.lock`, if it is there. Reading is enough to lock it.
pub(super) fn existing_lock_file(place: &Place) -> Result<Option<File>> {
    let name = place.companion("open.lock");
    // O_NONBLOCK: the open of a named pipe would wait for its other end.
    match OpenOptions::new().read(true).custom_flags(OFlags::NONBLOCK.bits() as i32).open(&name) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failure::create(format!("cannot open {}", name.display()), error)),
    }
}

/// `open.lock`, made if need be: but not beside a foreign file, which is refused first.
fn lock_file(place: &Place) -> Result<Option<File>> {
    if let Some(file) = existing_lock_file(place)? {
        return Ok(Some(file));
    }
    header::look(&place.file)?;
    own(&place.companion("open.lock")).map(Some)
}

/// Holds `open.lock` with all who have the state open; a restore holds it alone.
/// Without the file (a copied state that is only read) there is nothing to hold.
fn share(place: &Place, file: Option<File>) -> Result<Option<File>> {
    let Some(file) = file else { return Ok(None) };
    let name = place.companion("open.lock");
    let name = name.display();
    match flock::take(file, Hold::Shared, flock::PATIENCE) {
        Ok(Some(file)) => Ok(Some(file)),
        Ok(None) => Err(Failure::busy(format!("waited {} s for {name}", flock::PATIENCE.as_secs()))
            .hint("the state file is being restored; run the same command again")),
        Err(error) => Err(Failure::io(format!("cannot lock {name}"), error)),
    }
}

/// Whether we may make files in this folder; false on a read-only file system too.
pub(super) fn writable(folder: &Path) -> bool {
    accessat(CWD, folder, Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS).is_ok()
}

/// More than a repair has: each is prepared once for a pass over thousands of runs.
const STATEMENTS: usize = 128;

/// The one place where SQLite opens a file. rusqlite sets the busy timeout of 5 s before anything else.
/// The settings are calls, not statements: they read nothing of the file.
pub(super) fn connect(file: &Path, access: OpenFlags) -> Result<Connection> {
    let failed = |error| failure_from(error, file);
    let conn = Connection::open_with_flags(file, access | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(failed)?;
    set_up(&conn).map_err(failed)?;
    Ok(conn)
}

fn set_up(conn: &Connection) -> rusqlite::Result<()> {
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true)?;
    // Else a statement whose plan could gain by a value is prepared anew with each value that is bound.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(())
}

/// A commit survives a power cut. The last close would otherwise checkpoint and delete the WAL, which
/// a process of one step pays for each time; `empty_wal` keeps it from growing instead.
fn settle(conn: &Connection) -> rusqlite::Result<()> {
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    conn.execute_batch("PRAGMA synchronous = FULL")
}

/// For a folder in which SQLite cannot make its shared memory: sound only while there is nothing in the WAL.
fn connect_immutable(place: &Place) -> Result<Connection> {
    let wal = place.with_suffix("-wal");
    if wal.metadata().map_or(0, |found| found.len()) > 0 {
        let message = format!("wal_unreadable: {} has rows, and the folder is read-only", wal.display());
        return Err(Failure::new(Exit::Unknown, message)
            .hint(format!("chmod u+w '{}', or read a copy of both files", place.folder().display())));
    }
    connect(Path::new(&immutable_uri(&place.file)), OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI)
}

/// `file:` with everything escaped that has a meaning in a URI.
fn immutable_uri(file: &Path) -> String {
    let mut uri = String::from("file:");
    for byte in file.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' => uri.push(char::from(*byte)),
            other => uri.push_str(&format!("%{other:02x}")),
        }
    }
    uri + "?immutable=1"
}
