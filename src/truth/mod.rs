//! What stories and sprint files say, from their bytes alone: a pure room, as `runtime` is for streams. Called by `bmad`,
//! which finds and reads the files.
//! Nothing here reads the world, and where a file is not clear nothing here guesses: it says why it is not.

mod plain;
pub mod sprint;
pub mod story;
mod yaml;

#[cfg(test)]
mod tests;
