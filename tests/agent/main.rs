//! A scriptable fake agent.
fn main() {}
