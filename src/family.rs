//! Who waits for whom: no run may wait for itself, perhaps through others. Asked in the transaction that opens a run,
//! adopts one, or reopens one.

use crate::error::{Failure, Result};
use crate::state::{View, run};

/// No family has more.
const GENERATIONS: usize = 100;

/// A run whose parent waits for it, perhaps through others, would wait for itself.
///
/// # Errors
/// 76 with the parent.
pub fn refuse_circle(view: &View<'_>, agent: &str, parent: Option<&str>) -> Result<()> {
    let mut above = parent.map(str::to_owned);
    for _ in 0..GENERATIONS {
        let Some(name) = above else { return Ok(()) };
        if name == agent {
            return Err(Failure::refused(format!(
                "agent {agent} is a parent of its parent {}",
                parent.unwrap_or(agent)
            ))
            .hint("see: turn list --open"));
        }
        above = run::open_of(view, &name)?.and_then(|run| run.parent);
    }
    Ok(())
}
