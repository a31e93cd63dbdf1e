//! The end of a turn as stream, exit code and stderr tell it together.
//! Called with the last look at a turn, and by `turn conform`. Pure. Words on stderr count only before anybody but
//! the program itself can have written there.

use super::description::{Description, Refused, Says};
use super::facts::{Facts, Limit, Source, Terminal};
use super::matching::has_any;
use super::terminal::says_status;

/// Exit codes that can be an HTTP status modulo 256: 400 to 511. Those of signals (129 to 143 in a shell) are below.
const STATUS_CODES: std::ops::RangeInclusive<i32> = 144..=255;

impl Description {
    /// What decides of the stream, once the process has ended: its terminal line, or the standing verdict of a program
    /// that needs none. `code` is the exit code of a process that ended by itself.
    #[must_use]
    pub fn end(&self, facts: &Facts, code: Option<i32>) -> Option<Terminal> {
        let rules = self.terminal.as_ref()?;
        let standing = facts.verdict.as_ref().filter(|_| rules.at_end && code.is_some());
        // What came after the last terminal line is the later word.
        let mut end = standing.or(facts.terminal.as_ref())?.clone();
        let status = code.filter(|code| rules.exit_code_is_status && STATUS_CODES.contains(code));
        if let Some(status) = status.and_then(|code| u16::try_from(code + 256).ok())
            && !end.clean
            && end.http_status.is_none()
        {
            end.http_status = Some(status);
            match says_status(rules, status) {
                Some(Says::Limit) => end.limit = Some(Limit::of(&end.told, Source::ExitCode)),
                Some(Says::Auth) => end.auth = Some(Source::ExitCode),
                _ => {}
            }
        }
        Some(end)
    }

    /// What the program refused before it began: known from its exit code and stderr, where nothing came but its own
    /// first lines, and the description says that it shows there.
    #[must_use]
    pub fn refused_at_start(&self, facts: &Facts, exit_code: Option<i32>, stderr: &[u8]) -> Option<Refused> {
        if facts.spoke {
            return None;
        }
        let text = String::from_utf8_lossy(stderr);
        let fits = |words: &[String]| words.is_empty() || has_any(&text, words);
        let mut rules = self.refused.iter();
        rules.find(|rule| exit_code == Some(rule.exit_code) && fits(&rule.stderr_contains)).map(|rule| rule.what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::builtin;

    #[test]
    fn refused_only_before_anybody_speaks() {
        let codex = builtin("codex").unwrap().unwrap();
        let stderr = b"Error: thread/resume failed: no rollout found for thread id 0\n";
        let (silent, spoke) = (Facts::default(), Facts { spoke: true, events: 1, ..Facts::default() });
        assert_eq!(codex.refused_at_start(&silent, Some(1), stderr), Some(Refused::Session));
        assert_eq!(codex.refused_at_start(&spoke, Some(1), stderr), None, "a tool may have written it");
        assert_eq!(codex.refused_at_start(&silent, Some(2), stderr), None);
        assert_eq!(codex.refused_at_start(&silent, None, stderr), None);
        assert_eq!(codex.refused_at_start(&silent, Some(1), b"Error: other"), None);
        assert_eq!(builtin("claude").unwrap().unwrap().refused_at_start(&silent, Some(1), stderr), None);
    }
}
