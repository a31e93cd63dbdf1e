//! From a description to a command line.
//! Called by `turn` once the session is chosen. Must never look for the program: that is the caller's.

use super::description::{Description, SessionBy};

/// The session of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Session<'a> {
    /// A new one, under the id chosen by the caller where the program takes one.
    Fresh(Option<&'a str>),
    /// The one of this id, which exists.
    Resume(&'a str),
}

impl Description {
    /// The command: program first. Empty only if there is no program and `args` are empty.
    ///
    /// `program` stands in for the description's own; `args` go where `{args}` stands: behind everything of
    /// claude's own, before the last `-` of codex. A runtime without sessions ignores `session`. An argument with
    /// `{prompt}` in it is left out where there is no prompt.
    #[must_use]
    pub fn command(
        &self,
        program: Option<&str>,
        session: Session<'_>,
        prompt: Option<&str>,
        args: &[String],
    ) -> Vec<String> {
        let mut command: Vec<String> = program.or(self.program.as_deref()).map(str::to_owned).into_iter().collect();
        for arg in &self.args {
            match arg.as_str() {
                "{session}" => command.extend(self.session_args(session)),
                "{args}" => command.extend_from_slice(args),
                with if with.contains("{prompt}") => {
                    command.extend(prompt.map(|text| with.replacen("{prompt}", text, 1)))
                }
                _ => command.push(arg.clone()),
            }
        }
        command
    }

    fn session_args(&self, session: Session<'_>) -> Vec<String> {
        match session {
            Session::Resume(id) => with_id(&self.resume, id),
            Session::Fresh(Some(id)) if self.session_by == SessionBy::Caller => with_id(&self.fresh, id),
            Session::Fresh(_) if self.session_by == SessionBy::Caller => Vec::new(),
            Session::Fresh(_) => self.fresh.clone(),
        }
    }
}

fn with_id(list: &[String], id: &str) -> Vec<String> {
    list.iter().map(|arg| arg.replace("{id}", id)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::builtin;

    #[test]
    fn commands() {
        let fresh = Session::Fresh(Some("S"));
        for (name, program, session, args, expected) in [
            (
                "claude",
                None,
                fresh,
                "--model m",
                "claude -p --output-format stream-json --verbose --session-id S --model m",
            ),
            ("claude", None, Session::Resume("S"), "", "claude -p --output-format stream-json --verbose --resume S"),
            ("claude", None, Session::Fresh(None), "", "claude -p --output-format stream-json --verbose"),
            (
                "claude",
                Some("/opt/c"),
                Session::Resume("S"),
                "",
                "/opt/c -p --output-format stream-json --verbose --resume S",
            ),
            ("codex", None, fresh, "-m m", "codex exec --json -m m -"),
            ("codex", None, Session::Fresh(None), "", "codex exec --json -"),
            ("codex", None, Session::Resume("S"), "-m m", "codex exec resume S --json -m m -"),
            ("plain", None, Session::Fresh(None), "make -j2", "make -j2"),
            ("plain", Some("nice"), Session::Fresh(None), "make -j2", "nice make -j2"),
            ("plain", None, Session::Resume("S"), "make", "make"),
        ] {
            let args: Vec<String> = args.split_whitespace().map(str::to_owned).collect();
            let command = builtin(name).unwrap().unwrap().command(program, session, Some("the prompt"), &args);
            assert_eq!(command.join(" "), expected);
        }
    }

    #[test]
    fn the_prompt_as_an_argument_stays_one_argument() {
        let text = include_str!("plain.toml")
            .replace("[\"{args}\"]", "[\"-p\", \"{prompt}\", \"{args}\"]")
            .replace("stdin_file", "argument");
        let description = Description::from_toml(&text).unwrap();
        let command = description.command(Some("x"), Session::Fresh(None), Some("{args} $HOME\n"), &["y".to_owned()]);
        assert_eq!(command, ["x", "-p", "{args} $HOME\n", "y"]);
    }
}
