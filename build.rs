//! Tells the binaries which commit they were built from; silent where there is no git.

#![expect(clippy::disallowed_macros, reason = "cargo reads a build script's standard output")]

use std::process::Command;

fn main() {
    // A file that is not there would make every build a new one: in a linked worktree `.git` is no folder.
    println!("cargo:rerun-if-changed=build.rs");
    for name in ["HEAD", "logs/HEAD"] {
        if let Some(path) = git(&["rev-parse", "--git-path", name]).filter(|path| std::path::Path::new(path).exists()) {
            println!("cargo:rerun-if-changed={path}");
        }
    }
    if let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]) {
        println!("cargo:rustc-env=REFLOAT_COMMIT={commit}");
    }
}

fn git(arguments: &[&str]) -> Option<String> {
    let asked = Command::new("git").args(arguments).output().ok()?;
    asked.status.success().then(|| String::from_utf8_lossy(&asked.stdout).trim().to_owned())
}
