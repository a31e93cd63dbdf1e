//! `probe tmux`: a server, its sessions and panes, and the processes in them. One look at the server answers for all.
//! It never names a target to tmux, and never takes a server that does not answer for sessions that are gone.

mod told;

use std::time::Duration;

use clap::Args;
use refloat::cli::{Context, duration, tmux_socket};
use refloat::error::{Failure, Result};
use refloat::exit::Exit;
use refloat::identity::{Identity, Named};
use refloat::seam::tmux::{Children, Pane, Target};
use refloat::sight::tmux::{Ask, Seen, look};

use crate::args::Asked;
use crate::tell::Teller;
use crate::whose::Whose;

/// Whether a tmux server, its sessions and panes, and the processes in them live
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  probe tmux b3
  probe tmux 'sa-*' %7 --socket work --tmux-timeout 1s
  probe tmux --all | jq -c 'select(.subject_kind == \"session\") | [.subject, .finding, .reason]'

The server is one record, then each session, its panes where it has several, and the process in each pane.
A session or pane is asked for by its whole name or its id ($3, @5, %7); a name with * ? or [ in it is a pattern over \
the names of sessions: * any characters, ? one, [a-z] one of these, [!a-z] one of others. Nothing falls to a name \
that only begins like it. Where the server does not answer, what is found of it is found of all on it.")]
pub(crate) struct Tmux {
    /// Sessions by name or id, windows and panes by id, or patterns over the names of sessions
    #[arg(value_name = "NAME|PATTERN", required_unless_present = "all", value_parser = name)]
    names: Vec<String>,
    /// Everything on the server
    #[arg(long, conflicts_with_all = ["names", "exact"])]
    all: bool,
    /// Take each name as the whole name of a session, whatever it looks like
    #[arg(long)]
    exact: bool,
    /// The tmux server: the path of its socket, or its name (tmux -L) [default: that of tmux]
    #[arg(long, value_name = "PATH|NAME", value_parser = tmux_socket)]
    socket: Option<String>,
    /// How long tmux may take to answer, for all that is asked
    #[arg(long, value_name = "TIME", default_value = "3s", value_parser = duration)]
    tmux_timeout: Duration,
    /// How many looks there may be: only two that agree, 200 ms apart, make a server gone that was not recorded
    #[arg(long, value_name = "N", default_value = "2", value_parser = clap::value_parser!(i64).range(1..=2))]
    looks: i64,
    /// The server's process as it was once found: detail.identity of its record. It decides where the socket does not
    #[arg(long, value_name = "IDENTITY", value_parser = identity)]
    server: Option<Identity>,
    #[command(flatten)]
    whose: Whose,
    #[command(flatten)]
    asked: Asked,
}

fn name(text: &str) -> Result<String, String> {
    if text.is_empty() { Err("a name or pattern is not empty".into()) } else { Ok(text.to_owned()) }
}

fn identity(text: &str) -> Result<Identity, String> {
    match text.parse()? {
        Named::Identity(identity) => Ok(identity),
        Named::Pid(_) | Named::Started { .. } => Err("a server is named by its whole identity".to_owned()),
    }
}

pub(crate) fn run(cx: &mut Context, args: &Tmux) -> Result<Exit> {
    let targets = targets(args)?;
    let ask = Ask {
        socket: args.socket.as_deref(),
        within: args.tmux_timeout,
        looks: args.looks,
        server: args.server.as_ref(),
    };
    let seen = look(ask);
    let mut telling = Telling {
        children: seen.snapshot().and_then(|all| all.children()),
        seen: &seen,
        teller: Teller::of(cx, args.asked, &args.whose)?,
    };
    telling.server(args.socket.as_deref())?;
    for (name, target) in args.names.iter().zip(&targets) {
        telling.target(name, target)?;
    }
    if args.all {
        telling.all()?;
    }
    telling.teller.end_of_several()
}

fn targets(args: &Tmux) -> Result<Vec<Target>> {
    let read = |name: &String| match args.exact {
        true => Ok(Target::Name(name.clone())),
        false => Target::read(name)
            .map_err(|wrong| Failure::usage(wrong).hint("a session that is called so is asked for with --exact")),
    };
    args.names.iter().map(read).collect()
}

/// What one look has found, being told.
struct Telling<'s, 'c> {
    seen: &'s Seen,
    children: Option<Children>,
    teller: Teller<'c>,
}

impl Telling<'_, '_> {
    fn server(&mut self, asked: Option<&str>) -> Result<()> {
        let evidence = told::server(self.seen, asked, self.teller.here());
        self.teller.tell(&evidence)
    }

    fn all(&mut self) -> Result<()> {
        let sessions = self.seen.snapshot().into_iter().flat_map(|all| all.sessions());
        sessions.into_iter().try_for_each(|panes| self.session(None, panes))
    }

    fn target(&mut self, name: &str, target: &Target) -> Result<()> {
        let found = self.seen.snapshot().map(|all| all.matching(target)).unwrap_or_default();
        if found.is_empty() {
            return self.absent(name, target);
        }
        for panes in found {
            match target {
                Target::Window(_) | Target::Pane(_) => self.pane(panes)?,
                Target::Pattern(_) => self.session(None, panes)?,
                Target::Session(_) | Target::Name(_) => self.session(Some(name), panes)?,
            }
        }
        Ok(())
    }

    fn absent(&mut self, name: &str, target: &Target) -> Result<()> {
        let evidence = told::absent(self.seen, (target.kind(), name), self.teller.here());
        self.teller.tell(&evidence)
    }

    fn session(&mut self, asked: Option<&str>, panes: &[Pane]) -> Result<()> {
        let inside: Vec<_> = panes.iter().map(|pane| (pane, self.look_into(pane))).collect();
        let evidence = told::session(self.seen, asked, &inside, self.teller.here());
        self.teller.tell(&evidence)?;
        for one in &inside {
            if inside.len() > 1 {
                let evidence = told::pane(self.seen, one, self.teller.here());
                self.teller.tell(&evidence)?;
            }
            self.process(one)?;
        }
        Ok(())
    }

    fn pane(&mut self, alone: &[Pane]) -> Result<()> {
        alone.iter().map(|pane| (pane, self.look_into(pane))).collect::<Vec<_>>().iter().try_for_each(|one| {
            let evidence = told::pane(self.seen, one, self.teller.here());
            self.teller.tell(&evidence)?;
            self.process(one)
        })
    }

    fn process(&mut self, one: &told::Inside<'_>) -> Result<()> {
        let evidence = told::process(one, self.teller.here());
        self.teller.tell(&evidence)
    }

    /// A dead pane's number may have passed to another process.
    fn look_into(&self, pane: &Pane) -> Option<refloat::seam::tmux::InPane> {
        self.children.filter(|_| pane.dead.is_none())?.look(pane)
    }
}
