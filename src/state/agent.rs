//! Table `agent`: what belongs to a name and not to one of its runs.

use super::{Tx, View};
use crate::error::Result;

/// How often the agent was told to stop.
pub fn stops(view: &View<'_>, agent: &str) -> Result<i64> {
    Ok(view.one("SELECT stops FROM agent WHERE name = ?1", [agent], |row| row.get(0))?.unwrap_or(0))
}

/// Counts a stop; returns how many there are now.
pub fn count_stop(tx: &Tx<'_>, agent: &str) -> Result<i64> {
    let counted = tx.one(
        "INSERT INTO agent (name, stops) VALUES (?1, 1)
         ON CONFLICT (name) DO UPDATE SET stops = stops + 1 RETURNING stops",
        [agent],
        |row| row.get(0),
    )?;
    Ok(counted.unwrap_or(0))
}

/// Whether a stop of the agent has not been lifted.
pub fn is_stopped(view: &View<'_>, agent: &str) -> Result<bool> {
    let stopped = view.one("SELECT stops > lifted FROM agent WHERE name = ?1", [agent], |row| row.get(0))?;
    Ok(stopped.unwrap_or(false))
}

/// A turn with a prompt lifts every stop there was.
pub fn lift_stops(tx: &Tx<'_>, agent: &str) -> Result<()> {
    tx.run("UPDATE agent SET lifted = stops WHERE name = ?1 AND lifted < stops", [agent])?;
    Ok(())
}
