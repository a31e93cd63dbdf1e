//! What is asked for on a server: exact ids, exact names, or a pattern over the names of its sessions.
//! Called by `probe` and `adopt`. tmux itself is never given a target: it would take a prefix for a match.

use glob::Pattern;

use super::{Pane, Snapshot};
use crate::model::SubjectKind;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A session by its id: `$3`.
    Session(String),
    /// A window by its id: `@5`.
    Window(String),
    /// A pane by its id: `%7`.
    Pane(String),
    /// A session by its whole name.
    Name(String),
    /// All sessions whose names fit.
    Pattern(Pattern),
}

impl Target {
    /// Reads an id, a name, or a pattern: a name with `*`, `?` or `[` in it is one.
    ///
    /// # Errors
    /// What is wrong with a pattern.
    pub fn read(text: &str) -> Result<Self, String> {
        if text.contains(['*', '?', '[']) {
            let pattern = Pattern::new(&stored(text));
            return pattern.map(Self::Pattern).map_err(|error| format!("'{text}' is not a pattern: {}", error.msg));
        }
        Ok(match text {
            _ if is_id(text, '$') => Self::Session(text.to_owned()),
            _ if is_id(text, '@') => Self::Window(text.to_owned()),
            _ if is_id(text, '%') => Self::Pane(text.to_owned()),
            _ => Self::Name(text.to_owned()),
        })
    }

    /// What kind of thing it names. A window is all of its panes.
    #[must_use]
    pub const fn kind(&self) -> SubjectKind {
        match self {
            Self::Window(_) | Self::Pane(_) => SubjectKind::Pane,
            Self::Session(_) | Self::Name(_) | Self::Pattern(_) => SubjectKind::Session,
        }
    }
}

impl Snapshot {
    /// Whatever is meant: the panes of each session, or each pane by itself and once.
    #[must_use]
    pub fn matching(&self, target: &Target) -> Vec<&[Pane]> {
        let sessions =
            |is: &dyn Fn(&Pane) -> bool| self.sessions().filter(|panes| panes.first().is_some_and(is)).collect();
        match target {
            Target::Session(id) => sessions(&|first| first.session == *id),
            Target::Name(name) => self.named(name).into_iter().collect(),
            Target::Pattern(pattern) => sessions(&|first| pattern.matches(&first.name)),
            Target::Pane(id) => self.alone(|pane| pane.pane == *id),
            Target::Window(id) => self.alone(|pane| pane.window == *id),
        }
    }

    /// Panes that are meant, each by itself, as the first session that shows them has them.
    fn alone(&self, is: impl Fn(&Pane) -> bool) -> Vec<&[Pane]> {
        let shown = self.panes.iter().find(|pane| is(pane)).map(|pane| &pane.session);
        self.panes.chunks(1).filter(|pane| pane.iter().all(|pane| is(pane) && Some(&pane.session) == shown)).collect()
    }

    /// The first pane of the session that has exactly this id (`$3`), or this name.
    #[must_use]
    pub fn session(&self, asked: &str) -> Option<&Pane> {
        match is_id(asked, '$') {
            true => self.panes.iter().find(|pane| pane.session == asked),
            false => self.named(asked).and_then(<[Pane]>::first),
        }
    }

    /// The session with this name: as it is first, since it may have been copied from a listing.
    fn named(&self, asked: &str) -> Option<&[Pane]> {
        let has = |name: &str| self.sessions().find(|panes| panes.first().is_some_and(|first| first.name == name));
        has(asked).or_else(|| has(&stored(asked)))
    }
}

pub(super) fn is_id(text: &str, sigil: char) -> bool {
    text.strip_prefix(sigil).is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A name as tmux stores it: what stands in targets has another meaning there, and the rest goes through vis(3)
/// (VIS_OCTAL, VIS_CSTYLE, VIS_TAB, VIS_NL; utf8_stravis in tmux's utf8.c), which also keeps a `$` from naming a variable.
fn stored(name: &str) -> String {
    let mut kept = String::with_capacity(name.len());
    let mut chars = name.chars().peekable();
    while let Some(c) = chars.next() {
        let variable = c == '$' && chars.peek().is_some_and(|next| next.is_ascii_alphabetic() || "_{".contains(*next));
        match c {
            ':' | '.' => kept.push('_'),
            _ if variable => kept.push_str("\\$"),
            '\\' => kept.push_str("\\\\"),
            '\n' => kept.push_str("\\n"),
            '\r' => kept.push_str("\\r"),
            '\t' => kept.push_str("\\t"),
            '\u{7}' => kept.push_str("\\a"),
            '\u{8}' => kept.push_str("\\b"),
            '\u{b}' => kept.push_str("\\v"),
            '\u{c}' => kept.push_str("\\f"),
            _ if c.is_ascii_control() => kept.push_str(&format!("\\{:03o}", u32::from(c))),
            _ => kept.push(c),
        }
    }
    kept
}
