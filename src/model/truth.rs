//! What a truth file (a story, a sprint file) says, and from where it says so. Plain data: `truth` reads bytes into it,
//! `judge` compares it, `record` prints it, and as a baseline `state` keeps it.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Reason;
use crate::words::words;

words! {
    /// How a status stands in a file.
    pub enum StatusForm {
        /// `status: done` between the `---` lines at the top of a story.
        FrontMatter = "front_matter",
        /// `Status: done` as a line of the text, bold or not.
        Line = "line",
        /// `- Status: done` as an item of a list.
        Item = "item",
        /// `## Status: done`.
        Heading = "heading",
        /// `## Status`, and the text that follows.
        Section = "section",
        /// In the last section `Auto Run Result`.
        AutoRunResult = "auto_run_result",
        /// `KEY: done` in a sprint file.
        Entry = "entry",
        /// `KEY:`, and below it `status: done`.
        Nested = "nested",
    }
}

words! {
    /// What a key of a sprint file stands for.
    pub enum KeyKind {
        /// `epic-1`.
        Epic = "epic",
        /// `1-2-login`.
        Story = "story",
        /// `epic-1-retrospective`.
        Retrospective = "retrospective",
        /// `epic-1-retro-item-2-slug`.
        RetroItem = "retro_item",
        /// No form that is known.
        Other = "other",
    }
}

/// A status: one word for all its spellings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The normal word: `done` for `Done ✅`.
    pub word: String,
    /// As it stands there.
    pub raw: String,
    /// The word is one that is known.
    pub known: bool,
}

/// A place that tells a status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Source {
    /// The file, where there are several.
    pub path: Option<String>,
    /// The line, from 1.
    pub line: u64,
    /// How it stands there.
    pub form: StatusForm,
    /// As it stands there.
    pub raw: String,
    /// The normal word; null where it is empty.
    pub status: Option<String>,
}

/// Why there is no status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// The reason.
    pub reason: Reason,
    /// What exactly, in words.
    pub what: Option<String>,
}

impl Silence {
    /// A reason that says all.
    #[must_use]
    pub const fn of(reason: Reason) -> Self {
        Self { reason, what: None }
    }

    /// A reason with its words.
    #[must_use]
    pub fn with(reason: Reason, what: impl Into<String>) -> Self {
        Self { reason, what: Some(what.into()) }
    }

    /// As a person reads it.
    #[must_use]
    pub fn words(&self) -> String {
        let reason = match self.reason {
            Reason::NoFile | Reason::NoStory => "not there".to_owned(),
            Reason::NoKey => "the sprint file does not have it".to_owned(),
            other => other.word().replace('_', " "),
        };
        match &self.what {
            Some(what) => format!("{reason}: {what}"),
            None => reason,
        }
    }
}

/// What is said of a story.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Says {
    /// Its status.
    Status(Status),
    /// None that can be told.
    Nothing(Silence),
}

/// What a file, or several, say of a story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusReading {
    /// What they say.
    pub says: Says,
    /// Each place that says it.
    pub sources: Vec<Source>,
    /// The key in a sprint file, where one was found.
    pub key: Option<String>,
    /// Keys or files that could be meant, where it is not one.
    pub candidates: Vec<String>,
    /// Keys of a sprint file that have no form that is known.
    pub unknown_keys: Vec<String>,
}

impl StatusReading {
    /// Nothing was read, for this reason.
    #[must_use]
    pub fn nothing(silence: Silence) -> Self {
        let says = Says::Nothing(silence);
        Self { says, sources: vec![], key: None, candidates: vec![], unknown_keys: vec![] }
    }

    /// The same places, and what follows from them.
    #[must_use]
    pub fn saying(self, says: Says) -> Self {
        Self { says, ..self }
    }

    /// The status, if there is one.
    #[must_use]
    pub const fn status(&self) -> Option<&Status> {
        match &self.says {
            Says::Status(status) => Some(status),
            Says::Nothing(_) => None,
        }
    }
}

/// A truth file as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TruthFile {
    /// Its path, as it was found.
    pub path: PathBuf,
    /// Where a link led.
    pub real: Option<PathBuf>,
    /// It lies outside the project's folder.
    pub outside: bool,
    /// Its length in bytes; none where it was not read.
    pub size: Option<u64>,
    /// Its last change, in nanoseconds since 1970.
    pub modified_ns: Option<i64>,
    /// SHA-256 of its content.
    pub sha256: Option<String>,
}

/// What the truth files said at one moment, as it is kept for a baseline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TruthSeen {
    /// What they said.
    pub says: Says,
    /// The length of the file.
    pub size: Option<u64>,
    /// Its last change, in nanoseconds since 1970.
    pub modified_ns: Option<i64>,
    /// SHA-256 of its content.
    pub sha256: Option<String>,
}

/// What something is compared with: how it was when the step began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Before {
    /// A status.
    Status(String),
    /// SHA-256 of the file's content.
    Content(String),
}
