//! Keys of stories, as they stand in sprint files, in names of files and on command lines: compared by what they mean.
//! `1-1` is not `1-10`, `1.6` is `1-6`, and another slug is another story. Called wherever a key is looked for.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::{KeyKind, shown};

/// A key, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoryKey {
    /// As it stands there.
    pub text: String,
    /// Without case, with `-` for `.`: what is compared.
    folded: String,
    /// Epic and story, where it begins with them.
    numbers: Option<(String, String)>,
    /// What follows the numbers.
    slug: Option<String>,
}

/// Which of several keys is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pick {
    /// This one.
    One(usize),
    /// One of these: it cannot be told which.
    Several(Vec<usize>),
    /// None; these come near.
    None(Vec<usize>),
}

/// A story, as somebody names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoryName {
    /// By the path of its file.
    File(PathBuf),
    /// By its key.
    Key(StoryKey),
}

impl StoryName {
    /// Reads what somebody typed: a path has a `/` or ends in `.md`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn typed(text: &OsStr) -> Result<Self, String> {
        let lossy = text.to_string_lossy();
        if lossy.contains('/') || lossy.to_lowercase().ends_with(".md") {
            return Ok(Self::File(Path::new(text).to_path_buf()));
        }
        StoryKey::typed(&lossy).map(Self::Key)
    }
}

impl StoryKey {
    /// Reads any key; what has no numbers is its text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let text = text.trim();
        let folded = text.to_lowercase().replace(['.', ' ', '_'], "-");
        let (numbers, slug) = match numbers(&folded) {
            Some((epic, story, slug)) => (Some((epic, story)), slug),
            None => (None, None),
        };
        Self { text: text.to_owned(), folded, numbers, slug }
    }

    /// The key that a story's file has in its name: `story-1.2.md`, `1-2-login.md`. None for what is no story by its name:
    /// not Markdown, a copy, a report about one.
    #[must_use]
    pub fn of_file(name: &str) -> Option<Self> {
        let name = name.rsplit('/').next().unwrap_or(name);
        let stem = name.len().checked_sub(3).and_then(|end| {
            let is_markdown = name.get(end..)?.eq_ignore_ascii_case(".md");
            is_markdown.then(|| &name[..end])
        })?;
        let key = Self::of(stem.strip_prefix("story-").unwrap_or(stem));
        let folded = &key.folded;
        let is_report = folded.contains("validation-report");
        let is_copy =
            folded.ends_with("-copy") || folded.contains("-copy-") || folded.ends_with(')') || stem.starts_with('.');
        (!is_report && !is_copy && !stem.is_empty()).then_some(key)
    }

    /// Reads a key that somebody typed.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn typed(text: &str) -> Result<Self, String> {
        let good = !text.trim().is_empty()
            && text.len() <= 200
            && !text.starts_with('-')
            && !text.chars().any(|c| c.is_control() || "/\\*?:#=\"'".contains(c));
        match good {
            true => Ok(Self::of(text)),
            false => Err(format!("'{}' is not the key of a story, such as 1-2, 1.2 or 1-2-login", shown(text))),
        }
    }

    /// What a key of a sprint file stands for.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        let Some(rest) = self.folded.strip_prefix("epic-") else {
            let is_story = self.numbers.is_some() && self.slug.is_some();
            return if is_story { KeyKind::Story } else { KeyKind::Other };
        };
        match rest.split_once('-') {
            None if is_epic(rest) => KeyKind::Epic,
            Some((epic, "retrospective")) if is_epic(epic) => KeyKind::Retrospective,
            Some((epic, item)) if is_epic(epic) && item.starts_with("retro-item-") => KeyKind::RetroItem,
            _ => KeyKind::Other,
        }
    }

    /// They are the same key, in whatever case.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        self.folded == other.folded
    }

    /// They can be of the same story: the same numbers, and no two slugs that differ.
    #[must_use]
    pub fn may_be(&self, other: &Self) -> bool {
        let slugs = self.slug.is_none() || other.slug.is_none() || self.slug == other.slug;
        self.same(other) || (self.numbers.is_some() && self.numbers == other.numbers && slugs)
    }

    /// The name begins with the numbers, or the text, of this key: a copy of its file, a report about it.
    #[must_use]
    pub fn may_be_about(&self, key: &Self) -> bool {
        let numbers = self.numbers.is_some() && self.numbers == key.numbers;
        let slug = key.slug.as_deref().unwrap_or_default();
        match key.numbers {
            Some(_) => numbers && self.slug.as_deref().unwrap_or_default().starts_with(slug),
            None => self.folded.starts_with(&key.folded),
        }
    }

    /// The key among these that is meant: the same text, else the same but for its case, else the only one that this is the
    /// beginning of, by its numbers; or the only one with this slug.
    #[must_use]
    pub fn pick(&self, keys: &[Self]) -> Pick {
        let all = |test: &dyn Fn(&Self) -> bool| -> Vec<usize> {
            keys.iter().enumerate().filter(|(_, key)| test(key)).map(|(index, _)| index).collect()
        };
        let begins = |key: &Self| self.slug.is_none() && self.numbers.is_some() && key.numbers == self.numbers;
        let is_slug = |key: &Self| self.numbers.is_none() && key.slug.as_ref() == Some(&self.folded);
        for found in [all(&|key| key.text == self.text), all(&|key| key.same(self)), all(&begins), all(&is_slug)] {
            match found[..] {
                [] => {}
                [one] => return Pick::One(one),
                _ => return Pick::Several(found),
            }
        }
        Pick::None(all(&|key| self.is_near(key)))
    }

    fn is_near(&self, key: &Self) -> bool {
        let same_numbers = self.numbers.is_some() && key.numbers == self.numbers;
        let of_epic = key.numbers.as_ref().is_some_and(|(epic, _)| *epic == self.folded);
        same_numbers || of_epic || key.folded == format!("epic-{}", self.folded)
    }
}

/// `1`, `m1`.
fn is_epic(text: &str) -> bool {
    let digits = text.trim_start_matches(|c: char| c.is_ascii_lowercase());
    text.len() - digits.len() <= 3 && is_digits(digits)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `1-6a-walk-safely` is epic 1, story 6a, and its slug.
fn numbers(folded: &str) -> Option<(String, String, Option<String>)> {
    let (epic, rest) = folded.split_once('-')?;
    let (story, slug) = rest.split_once('-').map_or((rest, None), |(story, slug)| (story, Some(slug.to_owned())));
    let digits = story.trim_end_matches(|c: char| c.is_ascii_lowercase());
    let is_story = is_digits(digits) && story.len() - digits.len() <= 1;
    (is_epic(epic) && is_story).then(|| (epic.to_owned(), story.to_owned(), slug))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(all: &[&str]) -> Vec<StoryKey> {
        all.iter().map(|text| StoryKey::of(text)).collect()
    }

    #[test]
    fn the_table_of_picks() {
        let all = keys(&[
            "epic-1",
            "1-1-login",
            "1-10-login-form",
            "1-6-walk",
            "1-6a-walk-safely",
            "m1-1-login-page",
            "epic-10",
            "2-1-alpha",
            "2-1-beta",
            "post-epic-1-r1a1-cleanup",
            "3-1-alpha",
        ]);
        let rows = [
            ("1-1-login", Pick::One(1)),
            ("1-1", Pick::One(1)),
            ("1.1", Pick::One(1)),
            ("1-1-LOGIN", Pick::One(1)),
            ("1-10", Pick::One(2)),
            ("1-6", Pick::One(3)),
            ("1.6a", Pick::One(4)),
            ("m1-1", Pick::One(5)),
            ("M1.1", Pick::One(5)),
            ("epic-1", Pick::One(0)),
            ("post-epic-1-r1a1-cleanup", Pick::One(9)),
            ("login-form", Pick::One(2)),
            ("2-1", Pick::Several(vec![7, 8])),
            ("alpha", Pick::Several(vec![7, 10])),
            ("1-1-logi", Pick::None(vec![1])),
            ("1-1-login-x", Pick::None(vec![1])),
            ("2", Pick::None(vec![7, 8])),
            ("10", Pick::None(vec![6])),
            ("9-9", Pick::None(vec![])),
            ("1-100", Pick::None(vec![])),
            ("epic", Pick::None(vec![])),
        ];
        for (asked, expected) in rows {
            assert_eq!(StoryKey::of(asked).pick(&all), expected, "{asked}");
        }
        assert_eq!(StoryKey::of("1-1-a").pick(&keys(&["1-1-A", "1-1-a"])), Pick::One(1), "its own case goes first");
        assert_eq!(StoryKey::of("1-1-a").pick(&keys(&["1-1-a", "1-1-a"])), Pick::Several(vec![0, 1]));
    }

    #[test]
    fn the_table_of_kinds() {
        let rows = [
            ("epic-1", KeyKind::Epic),
            ("epic-m1", KeyKind::Epic),
            ("epic-1-retrospective", KeyKind::Retrospective),
            ("epic-1-retro-item-2-split-tests", KeyKind::RetroItem),
            ("1-2-login", KeyKind::Story),
            ("1-6a-walk", KeyKind::Story),
            ("m1-1-login", KeyKind::Story),
            ("1-7", KeyKind::Other),
            ("orphan-entry-not-numbered", KeyKind::Other),
            ("post-epic-1-r1a1-cleanup", KeyKind::Other),
            ("epic-one-two", KeyKind::Other),
        ];
        for (text, kind) in rows {
            assert_eq!(StoryKey::of(text).kind(), kind, "{text}");
        }
    }

    #[test]
    fn keys_that_can_be_of_one_story() {
        let may = |one: &str, other: &str| StoryKey::of(one).may_be(&StoryKey::of(other));
        assert!(may("1-2", "1.2-login") && may("1-2-login", "1-2-LOGIN") && may("orphan", "orphan"));
        assert!(!may("1-2", "1-20") && !may("1-2-login", "1-2-logout") && !may("orphan", "1-2-orphan"));
    }

    #[test]
    fn the_keys_of_files() {
        let rows = [
            ("1-7-login.md", Some("1-7-login")),
            ("1-7-LOGIN.MD", Some("1-7-LOGIN")),
            ("docs/stories/1.2.login.md", Some("1.2.login")),
            ("story-1.2.md", Some("1.2")),
            ("notes.md", Some("notes")),
            ("1-7-login-validation-report.md", None),
            ("1-7-login.md.bak", None),
            ("1-7-login copy.md", None),
            ("1-7-login copy 2.md", None),
            ("1-7-login (1).md", None),
            ("1-7-login.md~", None),
            (".1-7-login.md", None),
            ("1-7-login.context.xml", None),
            (".md", None),
            ("é", None),
        ];
        for (name, key) in rows {
            assert_eq!(StoryKey::of_file(name).map(|key| key.text).as_deref(), key, "{name}");
        }
    }

    #[test]
    fn what_can_be_typed() {
        assert!(["1-2", "1.6a", "epic-1", "orphan-entry"].iter().all(|key| StoryKey::typed(key).is_ok()));
        for key in ["", " ", "-x", "a/b", "a*", "a\nb", "a:b", &"x".repeat(201)] {
            assert!(StoryKey::typed(key).is_err(), "{key}");
        }
    }
}
