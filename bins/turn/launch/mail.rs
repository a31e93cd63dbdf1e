//! `turn run --mail`: the mail that waits for the agent becomes the prompt, in the transaction that begins the turn.
//! Its end acknowledges or releases it, in `finish`; nothing here does.

use std::time::Duration;

use refloat::error::Result;
use refloat::id::RunId;
use refloat::model::Mail;
use refloat::record::block::block;
use refloat::seam::process;
use refloat::state::mail::claim::{self, Claim, MAX_DELIVERIES};
use refloat::state::{Tx, run};
use uuid::Uuid;

use super::plan::Plan;

/// So many mails are one prompt; the rest is the next one's.
const BATCH: usize = 32;

/// Whether there is mail for a turn. What can no longer be claimed is declared dead on the way.
pub(super) fn waits(tx: &Tx<'_>, plan: &Plan<'_>) -> Result<bool> {
    let agent = &plan.args.agent;
    claim::sweep(tx, agent, MAX_DELIVERIES, &process::moment())?;
    let run = run::open_of(tx, agent)?.map(|run| run.id);
    Ok(claim::fitting(tx, agent, run, 1, 0)? > 0)
}

/// Claims what fits into one prompt, if mail is to be the prompt. The lease is the turn's as soon as that has a row.
pub(super) fn claim(tx: &Tx<'_>, plan: &Plan<'_>, run: RunId, token: &str) -> Result<Option<Vec<Mail>>> {
    if !plan.args.mail {
        return Ok(None);
    }
    let (agent, now) = (&plan.args.agent, process::moment());
    let max = claim::fitting(tx, agent, Some(run), BATCH, plan.mail_bytes())?;
    let until = now.plus(Duration::ZERO);
    claim::take(tx, &Claim { agent, run: Some(run), token, until: &until, max }, now.at).map(Some)
}

/// The claimed mail as the agent reads it.
pub(super) fn prompt(plan: &Plan<'_>, mails: &[Mail]) -> Vec<u8> {
    block(mails, plan.longest_body(), || Uuid::new_v4().simple().to_string()).into_bytes()
}
