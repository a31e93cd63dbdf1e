//! The table of verdicts, and what holds for every case there is.

mod build;
mod ends;
mod lists;
mod named;
mod properties;
mod random;
mod table;
