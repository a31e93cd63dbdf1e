//! What happens when refloat itself panics: one line on stderr, a file in `crashes/`, exit code 70.
//! Installed once by `cli::main`; the shim installs its own.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use serde::Serialize;

use crate::clock::Stamp;
use crate::error::io_text;

/// Where crash files go, once the state folder is known.
#[derive(Clone, Default)]
pub struct CrashHome(Arc<OnceLock<PathBuf>>);

impl CrashHome {
    /// Names the folder; the first call decides.
    pub fn set(&self, folder: PathBuf) {
        let _ = self.0.set(folder);
    }
}

/// One crash, as it stands in its file.
#[derive(Serialize)]
struct Crash<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    v: u8,
    at: Stamp,
    program: &'a str,
    version: &'static str,
    pid: u32,
    message: &'a str,
    place: &'a str,
    backtrace: String,
}

/// Replaces Rust's panic report by ours.
pub fn install_hook(program: &'static str) -> CrashHome {
    let home = CrashHome::default();
    let told = home.clone();
    std::panic::set_hook(Box::new(move |info| {
        let message = info.payload_as_str().unwrap_or("panic");
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        crate::emit::say(&format!("{program}: internal error: {message} ({place})"));
        let crash = Crash {
            kind: "crash",
            v: 1,
            at: Stamp::now(),
            program,
            version: env!("CARGO_PKG_VERSION"),
            pid: std::process::id(),
            message,
            place: &place,
            backtrace: std::backtrace::Backtrace::force_capture().to_string(),
        };
        let folder = told.0.get().cloned().unwrap_or_else(std::env::temp_dir);
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

/// Writes the record under a name of its own. A crash inside a crash is not worth more than this.
fn write(folder: &Path, crash: &Crash<'_>) -> std::io::Result<PathBuf> {
    if !folder.is_dir() {
        std::os::unix::fs::DirBuilderExt::mode(&mut std::fs::DirBuilder::new(), 0o700).create(folder)?;
    }
    let file = folder.join(format!("{}-{}-{}.json", crash.at.millis(), crash.program, crash.pid));
    let mut options = std::fs::OpenOptions::new();
    std::os::unix::fs::OpenOptionsExt::mode(options.write(true).create_new(true), 0o600);
    let mut line = serde_json::to_vec(crash)?;
    line.push(b'\n');
    options.open(&file)?.write_all(&line)?;
    Ok(file)
}
