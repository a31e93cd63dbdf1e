//! The `turn` command.
fn main() {}
