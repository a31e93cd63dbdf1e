//! What happens when refloat itself panics: one line on stderr, a file in `crashes/`, exit code 70.
//! Installed once by `cli::main`; the shim installs its own. It may hang on nothing and believe nothing: whatever is
//! broken then may be what it stands on. A later command takes the file in.

mod intake;

pub use intake::{take_in, waiting};

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};

use crate::clock::Stamp;
use crate::error::io_text;
use crate::id::TurnId;
use crate::identity::Identity;
use crate::scrub::scrub;
use crate::seam::process;

/// Where crash files go, and what a crash is about, as far as it is known.
#[derive(Clone, Default)]
pub struct CrashHome(Arc<Mutex<Known>>);

#[derive(Clone, Default)]
struct Known {
    folder: Option<PathBuf>,
    agent: Option<String>,
    turn: Option<TurnId>,
    process: Option<Identity>,
}

impl CrashHome {
    /// Names the folder.
    pub fn set(&self, folder: PathBuf) {
        self.with(|known| known.folder = Some(folder));
    }

    /// From now on it is this agent's work, and this turn of it, that is worked on. Who we are is asked here: in a panic
    /// it might be what has failed.
    pub fn about(&self, agent: &str, turn: Option<TurnId>) {
        let me = process::me();
        self.with(|known| {
            (known.agent, known.turn, known.process) = (Some(agent.to_owned()), turn, Some(me));
        });
    }

    fn with(&self, change: impl FnOnce(&mut Known)) {
        if let Ok(mut known) = self.0.lock() {
            change(&mut known);
        }
    }

    /// Never waits: the panic may be that of who holds it.
    fn known(&self) -> Known {
        self.0.try_lock().map(|known| known.clone()).unwrap_or_default()
    }
}

/// One crash, as it stands in its file.
#[derive(Debug, Serialize, Deserialize)]
struct CrashFile {
    #[serde(rename = "type")]
    kind: String,
    v: u8,
    at: Stamp,
    program: String,
    version: String,
    pid: u32,
    process: Option<Identity>,
    agent: Option<String>,
    turn: Option<TurnId>,
    message: String,
    place: String,
    backtrace: String,
}

/// Replaces Rust's panic report by ours.
pub fn install_hook(program: &'static str) -> CrashHome {
    let home = CrashHome::default();
    let told = home.clone();
    std::panic::set_hook(Box::new(move |info| {
        // Also the line on stderr is kept: a shim's goes into its log.
        let message = scrub(info.payload_as_str().unwrap_or("panic"));
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        crate::emit::say(&format!("{program}: internal error: {message} ({place})"));
        let known = told.known();
        let crash = CrashFile {
            kind: "crash".into(),
            v: 1,
            at: Stamp::now(),
            program: program.into(),
            version: env!("CARGO_PKG_VERSION").into(),
            pid: std::process::id(),
            process: known.process,
            agent: known.agent,
            turn: known.turn,
            message,
            place,
            backtrace: scrub(&std::backtrace::Backtrace::force_capture().to_string()),
        };
        let folder = known.folder.unwrap_or_else(std::env::temp_dir);
        match write(&folder, &crash) {
            Ok(file) => crate::emit::say(&format!("hint: this is a bug in refloat; its record is {}", file.display())),
            Err(error) => crate::emit::say(&format!(
                "hint: this is a bug in refloat; no record in {}: {}",
                folder.display(),
                io_text(&error)
            )),
        }
    }));
    home
}

/// Writes the record under a name of its own, which it gets once it is whole. A crash inside a crash is not worth more
/// than this.
fn write(folder: &Path, crash: &CrashFile) -> std::io::Result<PathBuf> {
    if !folder.is_dir() {
        std::os::unix::fs::DirBuilderExt::mode(&mut std::fs::DirBuilder::new(), 0o700).create(folder)?;
    }
    let program: String = crash.program.chars().filter(char::is_ascii_alphanumeric).collect();
    let name = format!("{}-{program}-{}.json", crash.at.millis(), crash.pid);
    let (file, temp) = (folder.join(&name), folder.join(format!(".{name}")));
    let mut options = std::fs::OpenOptions::new();
    std::os::unix::fs::OpenOptionsExt::mode(options.write(true).create_new(true), 0o600);
    let mut line = serde_json::to_vec(crash)?;
    line.push(b'\n');
    let written = options.open(&temp).and_then(|mut open| open.write_all(&line).and_then(|()| open.sync_all()));
    written.and_then(|()| std::fs::rename(&temp, &file)).inspect_err(|_| drop(std::fs::remove_file(&temp)))?;
    Ok(file)
}
