//! A pass over the marks: each is looked at and told; with `--apply` what is stale is removed as it was looked at, so that
//! one that was renewed in between stays. In pages, so that memory does not grow with what there is.

use std::path::PathBuf;

use refloat::cli::{Context, named_folder};
use refloat::error::Result;
use refloat::exit::Exit;
use refloat::id::MarkId;
use refloat::judge::mark::Standing;
use refloat::model::{EndNote, FoundMark, Mark, MarkEnd, MarkLabel, MarkState, mark_label};
use refloat::record::{MarkCleanupEnded, MarkRecord};
use refloat::seam::process;
use refloat::sight::marks::Marks;
use refloat::state::{State, mark};
use refloat::token;

use crate::args::MarkCleanup;
use crate::files;

/// So many are looked at, and removed, at a time; then others have their turn.
const PAGE: i64 = 5_000;

pub(crate) fn run(cx: &mut Context, args: &MarkCleanup) -> Result<Exit> {
    let scope = args.scope.as_deref().map(named_folder).transpose()?;
    let place = cx.place()?;
    let ended = MarkCleanupEnded { applied: args.apply, ..Default::default() };
    let mut pass = Pass { args, scope, left: args.limit, ended, exit: Exit::Done };
    match if args.apply { State::open_existing(&place) } else { State::open_for_reading(&place) } {
        Ok(state) => pass.marks(cx, state)?,
        // Marker files are looked at without a state file too.
        Err(failure) if failure.exit == Exit::NotFound && !args.files.is_empty() => {}
        Err(failure) => return Err(failure),
    }
    files::run(cx, &mut pass, &place)?;
    cx.out.emit(&pass.ended)?;
    Ok(pass.exit)
}

pub(crate) struct Pass<'a> {
    pub(crate) args: &'a MarkCleanup,
    pub(crate) scope: Option<PathBuf>,
    /// How many may still be removed.
    pub(crate) left: u32,
    pub(crate) ended: MarkCleanupEnded,
    pub(crate) exit: Exit,
}

/// A mark of a page: as it stands, and what became of it.
struct Seen<'m> {
    mark: &'m Mark,
    stands: Standing,
    would_remove: bool,
    removed: Option<EndNote>,
}

impl Pass<'_> {
    fn marks(&mut self, cx: &mut Context, mut state: State) -> Result<()> {
        let (mut after, mut marks) = (MarkId(0), Marks::now());
        loop {
            let page = state.read("look at marks", |view| mark::standing(view, after, PAGE))?;
            let Some(last) = page.last() else { return Ok(()) };
            after = mark_label(last).id;
            self.unread(cx, &page)?;
            self.page(cx, &mut state, &page, &mut marks)?;
        }
    }

    fn is_meant(&self, mark: &MarkLabel<'_>) -> bool {
        mark.fits(self.args.kind.as_deref(), self.scope.as_deref())
    }

    /// Tells what nobody can read. It stays: whether it holds is not known.
    fn unread(&mut self, cx: &mut Context, page: &[FoundMark]) -> Result<()> {
        for mark in page.iter().filter_map(|found| found.as_ref().err()) {
            if self.is_meant(&mark.label()) {
                self.exit = cx.complain(&mark.failure(Exit::Io));
                cx.out.emit(&MarkRecord::unread(mark))?;
                self.ended.unreadable += 1;
                self.ended.kept += 1;
            }
        }
        Ok(())
    }

    fn page(&mut self, cx: &mut Context, state: &mut State, page: &[FoundMark], marks: &mut Marks) -> Result<()> {
        // The moment of the look comes after that of the rows: none of them was renewed later.
        marks.go_on();
        let mut seen: Vec<Seen<'_>> = page
            .iter()
            .flatten()
            .filter(|mark| self.is_meant(&mark.label()))
            .map(|mark| Seen { mark, stands: marks.standing(mark), would_remove: false, removed: None })
            .collect();
        for one in seen.iter_mut().filter(|one| one.stands.state == MarkState::Stale) {
            one.would_remove = self.may_remove();
        }
        if self.args.apply {
            remove(state, &mut seen)?;
        }
        seen.iter().try_for_each(|one| self.tell(cx, one))
    }

    /// Whether one more may go in this pass; then it counts.
    pub(crate) fn may_remove(&mut self) -> bool {
        let may = self.left > 0;
        self.ended.more |= !may;
        self.left = self.left.saturating_sub(1);
        may
    }

    pub(crate) fn count(&mut self, state: MarkState, removed: bool) {
        let ended = &mut self.ended;
        let count = match state {
            MarkState::Live => &mut ended.live,
            MarkState::Stale => &mut ended.stale,
            MarkState::Unknown => &mut ended.unknown,
            MarkState::Unreadable | MarkState::Removed => &mut ended.unreadable,
        };
        *count += 1;
        *(if removed { &mut ended.removed } else { &mut ended.kept }) += 1;
    }

    fn tell(&mut self, cx: &mut Context, one: &Seen<'_>) -> Result<()> {
        self.count(one.stands.state, one.removed.is_some());
        let stands = one.stands;
        let record = MarkRecord::of(one.mark, stands.state, Some(stands.reason), stands.age_ms);
        let record = MarkRecord { ends_at: stands.ends_at, would_remove: one.would_remove, ..record };
        cx.out.emit(&record.with_end(one.removed.as_ref()))
    }
}

/// Removes what was found stale, if it is as it was looked at; notes which beats lie in the future.
fn remove(state: &mut State, seen: &mut [Seen<'_>]) -> Result<()> {
    if !seen.iter().any(|one| one.would_remove || one.stands.is_to_be_doubted) {
        return Ok(());
    }
    state.write("clean up marks", |tx| {
        let (by, now) = (token::named(tx)?, process::moment());
        for one in seen.iter_mut() {
            if one.stands.is_to_be_doubted {
                mark::doubt(tx, one.mark, &now)?;
            }
            if one.would_remove {
                let end = EndNote { at: now.at, how: MarkEnd::Cleaned, why: Some(one.stands.reason), by: by.clone() };
                one.removed = mark::end(tx, one.mark, &end)?.then_some(end);
            }
        }
        Ok(())
    })
}
