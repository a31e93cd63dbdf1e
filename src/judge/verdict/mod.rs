//! What is true of a run, and what is to be done about it? The one decision function: evidence, policy and a time in;
//! a verdict out. No other place decides whether somebody's work lives, has ended or is lost.

mod case;

pub use case::{Case, Held, Left, Silence, Told, TurnCase, Work, WorkerCase};
