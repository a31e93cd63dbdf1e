//! One word for all spellings of a status: `In-Review`, `ready for review` and `Review ✅` are `review`.
//! Called for what a file says, and for what a user typed. A word that is not known stays as it is, and is no guess.

use super::{Reason, Says, Silence, Status};

/// The known words, and their other spellings without case, blanks, `-` and `_`.
const WORDS: &[(&str, &[&str])] = &[
    ("backlog", &[]),
    ("draft", &[]),
    ("ready-for-dev", &["readyfordevelopment", "drafted", "approved"]),
    ("in-progress", &["contexted"]),
    ("review", &["inreview", "readyforreview"]),
    ("done", &["complete", "completed"]),
    ("blocked", &[]),
    ("optional", &[]),
    ("archived", &[]),
    ("awaiting-operator", &[]),
    ("open", &[]),
    ("qa", &[]),
];
/// So much of what stands in a file is shown, in characters.
const SHOWN: usize = 120;
/// Marks that take a status back; other symbols around it are decoration.
const NEGATIVE: &[char] = &[
    '❌', '✗', '✘', '✕', '✖', '❎', '☒', '🚫', '⛔', '🛑', '🚧', '⚠', '❓', '❔', '❗', '❕', '⏳', '⌛', '⏸', '🔁',
    '🔄', '↩', '👎', '🔴', '🟠', '🟡', '¬', '≠',
];
/// What stands in the place of a control character: without it another word could be read.
const CONTROL: char = '\u{fffd}';

impl Status {
    /// The status that a text stands for; none where it is empty.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let word = bare(text);
        if word.is_empty() {
            return None;
        }
        let known = known(word);
        let other = || shown(&word.to_lowercase().replace(['_', ' ', '\t'], "-"));
        Some(Self { word: known.map_or_else(other, str::to_owned), raw: shown(text.trim()), known: known.is_some() })
    }

    /// The word may be the beginning of another: what is cut off there may have said something else.
    #[must_use]
    pub fn may_be_cut(&self) -> bool {
        let told = squeezed(bare(&self.raw));
        let goes_on = |spelling: &str| spelling.len() > told.len() && spelling.starts_with(&told);
        let other = |(word, also): &&(&str, &[&str])| {
            *word != self.word && (goes_on(&squeezed(word)) || also.iter().any(|one| goes_on(one)))
        };
        !self.known || WORDS.iter().any(|entry| other(&entry))
    }

    /// The same as what a file says.
    #[must_use]
    pub fn said(text: &str) -> Says {
        Self::of(text).map_or(Says::Nothing(Silence::of(Reason::EmptyValue)), Says::Status)
    }
}

/// A status that somebody typed, as its normal word.
///
/// # Errors
/// What is wrong with it.
pub fn typed_status(text: &str) -> Result<String, String> {
    match Status::of(text) {
        Some(status) if !text.chars().any(char::is_control) => Ok(status.word),
        _ => Err("a status is a word, such as done, review or in-progress".to_owned()),
    }
}

/// A text as it is shown: one line, and not endless.
#[must_use]
pub fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { CONTROL } else { c }).take(SHOWN).collect()
}

/// Without what tells spellings apart.
fn squeezed(word: &str) -> String {
    word.to_lowercase().replace(['-', '_', ' ', '\t'], "")
}

fn known(word: &str) -> Option<&'static str> {
    let asked = squeezed(word);
    WORDS.iter().find(|(word, also)| squeezed(word) == asked || also.contains(&&*asked)).map(|(word, _)| *word)
}

/// Without a comment behind it, a remark in brackets, quotes, emphasis and decoration.
fn bare(text: &str) -> &str {
    let cut = |text: &'_ str, at: Option<usize>| at.map_or(text.len(), |at| at);
    let text = text.trim();
    let text = &text[..cut(text, text.find("<!--"))];
    let text = &text[..cut(text, text.find(" #").or_else(|| text.find("\t#")))];
    let text = &text[..cut(text, text.find(" ("))];
    let mut rest = text;
    loop {
        let before = rest;
        rest = rest.trim_matches(|c: char| c.is_whitespace() || "\"'`*_".contains(c) || is_decoration(c));
        rest = rest.trim_end_matches(['.', ',', ';']);
        if rest == before {
            return rest;
        }
    }
}

/// Emoji and the like: neither letters nor what people calculate, quote or ask with.
fn is_decoration(c: char) -> bool {
    !c.is_ascii() && !c.is_alphanumeric() && !NEGATIVE.contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_spellings() {
        let rows = [
            ("done", "done"),
            ("Done", "done"),
            ("DONE", "done"),
            (" done  ", "done"),
            ("completed", "done"),
            ("'done'", "done"),
            ("\"done\"", "done"),
            ("`done`", "done"),
            ("**Done**", "done"),
            ("done.", "done"),
            ("done ✅", "done"),
            ("✅ Done", "done"),
            ("✔️ done", "done"),
            ("done (see review)", "done"),
            ("done # ok", "done"),
            ("done <!-- by dev -->", "done"),
            ("In-Review", "review"),
            ("Ready for Review", "review"),
            ("ready_for_review", "review"),
            ("InProgress", "in-progress"),
            ("in_progress", "in-progress"),
            ("In Progress", "in-progress"),
            ("contexted", "in-progress"),
            ("drafted", "ready-for-dev"),
            ("Approved", "ready-for-dev"),
            ("ready-for-dev", "ready-for-dev"),
            ("Draft", "draft"),
            ("awaiting-operator", "awaiting-operator"),
        ];
        for (text, word) in rows {
            let status = Status::of(text).unwrap();
            assert_eq!((status.word.as_str(), status.known), (word, true), "{text}");
            assert_eq!(status.raw, text.trim());
        }
    }

    #[test]
    fn what_is_not_known_stays_what_it_is_and_is_no_guess() {
        let rows = [
            ("Ready/Done", "ready/done"),
            ("not done", "not-done"),
            ("done?", "done?"),
            ("done ❌", "done-❌"),
            ("~~review~~ done", "~~review~~-done"),
            ("!done", "!done"),
            ("done-ish", "done-ish"),
            ("almost done", "almost-done"),
            ("done review", "done-review"),
            ("{{status}}", "{{status}}"),
            ("shipped", "shipped"),
            ("undone", "undone"),
        ];
        for (text, word) in rows {
            let status = Status::of(text).unwrap();
            assert_eq!((status.word.as_str(), status.known), (word, false), "{text}");
        }
        for text in ["", "  ", "''", "**", "✅", "<!-- done -->", "\u{feff}"] {
            assert_eq!(Status::of(text), None, "{text:?}");
        }
        let cut = |text: &str| Status::of(text).unwrap().may_be_cut();
        assert!(cut("draft") && cut("read") && cut("do") && cut("in"));
        assert!(!cut("done") && !cut("complete") && !cut("review") && !cut("drafted") && !cut("in-progress"));
        assert_eq!(typed_status("In Review"), Ok("review".to_owned()));
        assert_eq!(typed_status("shipped"), Ok("shipped".to_owned()));
        assert!(typed_status(" ").is_err() && typed_status("do\nne").is_err());
    }
}
