//! The `mail` command.
fn main() {}
