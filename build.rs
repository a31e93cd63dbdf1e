//! Tells the binaries which commit they were built from; silent where there is no git.

#![expect(clippy::disallowed_macros, reason = "cargo reads a build script's standard output")]

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=.git/HEAD");
    println!("cargo:rerun-if-changed=.git/logs/HEAD");
    let asked = Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output();
    if let Some(commit) = asked.ok().filter(|asked| asked.status.success()) {
        println!("cargo:rustc-env=REFLOAT_COMMIT={}", String::from_utf8_lossy(&commit.stdout).trim());
    }
}
