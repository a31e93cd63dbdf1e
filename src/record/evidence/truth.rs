//! The raw facts behind a finding about a story: each file, each place in it, and what it was compared with.

use schemars::JsonSchema;
use serde::Serialize;

use crate::clock::Stamp;
use crate::model::{Before, KeyKind, Says, Source, StatusReading, StoryKey, TruthFile};
use crate::record::count;

/// What was read of a story.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TruthDetail {
    /// The status that was asked for.
    pub target: String,
    /// How it was when the step began: a status, or the SHA-256 of the story's file; null where that was not given.
    pub baseline: Option<String>,
    /// The status, as its normal word.
    pub status: Option<String>,
    /// As it stands there.
    pub raw: Option<String>,
    /// The word is one that is known.
    pub known: Option<bool>,
    /// What exactly is wrong, in words.
    pub message: Option<String>,
    /// The key in the sprint file.
    pub key: Option<String>,
    /// What that key stands for.
    pub key_kind: Option<KeyKind>,
    /// Every place that tells a status.
    pub sources: Vec<Source>,
    /// The files that were read.
    pub files: Vec<FileDetail>,
    /// Keys or files that could be meant, or come near.
    pub candidates: Vec<String>,
    /// Files with the story's key in their name that are copies or reports.
    pub passed_over: Vec<String>,
    /// Keys of the sprint file that have no known form.
    pub unknown_keys: Vec<String>,
}

/// A file that was read.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct FileDetail {
    /// Its path.
    pub path: String,
    /// The path is not UTF-8 and the text stands for it.
    pub path_lossy: bool,
    /// Where a link led; null where none did.
    pub real_path: Option<String>,
    /// It lies outside the project's folder.
    pub outside: bool,
    /// Its length in bytes.
    pub size: Option<i64>,
    /// Its last change.
    pub modified_at: Option<Stamp>,
    /// SHA-256 of its content.
    pub sha256: Option<String>,
}

impl TruthDetail {
    /// The facts of a reading.
    #[must_use]
    pub fn of(reading: &StatusReading, files: &[TruthFile], target: &str, baseline: Option<&Before>) -> Self {
        let status = reading.status();
        let message = match &reading.says {
            Says::Nothing(silence) => silence.what.clone(),
            Says::Status(_) => None,
        };
        Self {
            target: target.to_owned(),
            baseline: baseline.map(|before| match before {
                Before::Status(text) | Before::Content(text) => text.clone(),
            }),
            status: status.map(|status| status.word.clone()),
            raw: status.map(|status| status.raw.clone()),
            known: status.map(|status| status.known),
            message,
            key: reading.key.clone(),
            key_kind: reading.key.as_deref().map(|key| StoryKey::of(key).kind()),
            sources: reading.sources.clone(),
            files: files.iter().map(FileDetail::of).collect(),
            candidates: reading.candidates.clone(),
            passed_over: Vec::new(),
            unknown_keys: reading.unknown_keys.clone(),
        }
    }
}

impl FileDetail {
    fn of(file: &TruthFile) -> Self {
        Self {
            path: file.path.to_string_lossy().into_owned(),
            path_lossy: file.path.to_str().is_none(),
            real_path: file.real.as_ref().map(|path| path.to_string_lossy().into_owned()),
            outside: file.outside,
            size: file.size.map(count),
            modified_at: file.modified_ns.map(Stamp::from_nanos),
            sha256: file.sha256.clone(),
        }
    }
}
