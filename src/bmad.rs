//! The truth files of a BMAD project, found, read and understood: stories by their key or path, sprint files by their place.
//! Called by `probe story` and `probe sprint`, and by `owed`. `seam` reads, `truth` understands; nothing is written.

use std::path::{Path, PathBuf};

use crate::model::{
    Look, Milestone, Pick, Reason, Says, Silence, Source, StatusReading, StoryKey, StoryName, TruthFile, TruthSeen,
};
use crate::seam::steady::{self, Steady};
use crate::truth;

/// Where stories are looked for, below the project's folder.
pub const STORIES: &[&str] =
    &["_bmad-output/implementation-artifacts", "_bmad-output/stories", "docs/sprint-artifacts", "docs/stories"];
/// Where sprint files are looked for, below the project's folder. All that are there count.
pub const SPRINTS: &[&str] = &[
    "_bmad-output/implementation-artifacts/sprint-status.yaml",
    "_bmad-output/sprint-status.yaml",
    "docs/sprint-artifacts/sprint-status.yaml",
    "docs/sprint-status.yaml",
];
/// A folder of stories with more files is not searched.
const FILES: usize = 20_000;
/// So many files are named, where several could be meant.
const NAMED: usize = 50;

/// What was found of a story.
#[derive(Debug)]
pub struct Found {
    /// What is said of it.
    pub reading: StatusReading,
    /// The files that were read.
    pub files: Vec<TruthFile>,
    /// Files that have its key in their name, and are no stories: copies, reports.
    pub passed_over: Vec<PathBuf>,
}

/// Looks for a story's file and reads its status.
#[must_use]
pub fn story(name: &StoryName, root: &Path) -> Found {
    match name {
        StoryName::File(path) => story_at(&root.join(path), root, Vec::new()),
        StoryName::Key(key) => match search(key, root) {
            Err(silence) => nothing(StatusReading::nothing(silence)),
            Ok(Search { found, near, passed_over }) => match &found[..] {
                [one] => story_at(one, root, passed_over),
                [] => {
                    let reading = StatusReading::nothing(Silence::of(Reason::NoStory));
                    Found { passed_over, ..nothing(StatusReading { candidates: names(&near), ..reading }) }
                }
                several => {
                    let reading = StatusReading::nothing(Silence::of(Reason::Ambiguous));
                    Found { passed_over, ..nothing(StatusReading { candidates: names(several), ..reading }) }
                }
            },
        },
    }
}

/// Reads what the sprint file, or each of several, says of a key.
#[must_use]
pub fn sprint(key: &StoryKey, file: Option<&Path>, root: &Path) -> Found {
    let places = match file {
        Some(file) => vec![root.join(file)],
        None => SPRINTS.iter().map(|place| root.join(place)).collect(),
    };
    let mut read = Vec::new();
    for path in places {
        match steady::read(&path) {
            Err(Silence { reason: Reason::NoFile, .. }) if file.is_none() => {}
            Err(silence) => read.push((StatusReading::nothing(silence), facts(path, None, root))),
            Ok(steady) => read.push((truth::sprint::read(&steady.bytes, key), facts(path, Some(&steady), root))),
        }
    }
    let several = read.len() > 1;
    let tell = |(reading, file): &(StatusReading, TruthFile)| match several {
        true => with_path(reading.clone(), &file.path),
        false => reading.clone(),
    };
    let readings: Vec<StatusReading> = read.iter().map(tell).collect();
    let files = read.into_iter().map(|(_, file)| file).collect();
    Found { reading: together(readings), files, passed_over: Vec::new() }
}

/// How a story that is owed looks now.
#[must_use]
pub fn look_at_story(milestone: &Milestone) -> Look {
    look(match StoryName::typed(milestone.key().as_ref()) {
        Ok(name) => story(&name, &milestone.root),
        Err(_) => nothing(StatusReading::nothing(Silence::of(Reason::NoStory))),
    })
}

/// How a line of the sprint file that is owed looks now.
#[must_use]
pub fn look_at_sprint(milestone: &Milestone) -> Look {
    look(sprint(&StoryKey::of(milestone.key()), None, &milestone.root))
}

fn look(found: Found) -> Look {
    let file = found.files.into_iter().next();
    Look::Truth(TruthSeen {
        says: found.reading.says,
        size: file.as_ref().and_then(|file| file.size),
        modified_ns: file.as_ref().and_then(|file| file.modified_ns),
        sha256: file.and_then(|file| file.sha256),
    })
}

fn nothing(reading: StatusReading) -> Found {
    Found { reading, files: Vec::new(), passed_over: Vec::new() }
}

fn story_at(path: &Path, root: &Path, passed_over: Vec<PathBuf>) -> Found {
    let read = steady::read(path);
    let reading = match &read {
        Ok(steady) => truth::story::read(&steady.bytes),
        Err(silence) => StatusReading::nothing(silence.clone()),
    };
    let is_there = !matches!(&reading.says, Says::Nothing(Silence { reason: Reason::NoFile, .. }));
    let files = if is_there { vec![facts(path.to_owned(), read.as_ref().ok(), root)] } else { Vec::new() };
    Found { reading, files, passed_over }
}

/// A link is followed, and the record says where to.
fn facts(path: PathBuf, steady: Option<&Steady>, root: &Path) -> TruthFile {
    let real = path.canonicalize().ok();
    let outside = match (&real, root.canonicalize()) {
        (Some(real), Ok(root)) => !real.starts_with(root),
        _ => false,
    };
    let folder = path.parent().and_then(|folder| folder.canonicalize().ok());
    let led = real.filter(|real| folder.zip(path.file_name()).is_none_or(|(folder, name)| folder.join(name) != *real));
    TruthFile {
        real: led,
        outside,
        size: steady.map(|steady| steady.bytes.len() as u64),
        modified_ns: steady.map(|steady| steady.modified_ns),
        sha256: steady.map(|steady| steady.sha256.clone()),
        path,
    }
}

/// What a search for a story has found.
struct Search {
    found: Vec<PathBuf>,
    near: Vec<PathBuf>,
    passed_over: Vec<PathBuf>,
}

fn search(key: &StoryKey, root: &Path) -> Result<Search, Silence> {
    let mut files = Vec::new();
    for place in STORIES {
        files.extend(steady::names(&root.join(place), FILES)?);
    }
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut stories = Vec::new();
    let mut passed_over = Vec::new();
    for path in files {
        match StoryKey::of_file(&name(&path)) {
            Some(story) => stories.push((story, path)),
            None if StoryKey::of(&name(&path)).may_be_about(key) => passed_over.push(path),
            None => {}
        }
    }
    let keys: Vec<StoryKey> = stories.iter().map(|(key, _)| key.clone()).collect();
    let all = |indexes: Vec<usize>| indexes.into_iter().map(|index| stories[index].1.clone()).collect();
    let (mut found, near) = match key.pick(&keys) {
        Pick::One(index) => (vec![stories[index].1.clone()], Vec::new()),
        Pick::Several(indexes) => (all(indexes), Vec::new()),
        Pick::None(indexes) => (Vec::new(), all(indexes)),
    };
    // One place may be a link to another: the same file is one file.
    let mut seen = Vec::new();
    found.retain(|path: &PathBuf| {
        let real = path.canonicalize().unwrap_or_else(|_| path.clone());
        let is_new = !seen.contains(&real);
        seen.push(real);
        is_new
    });
    passed_over.truncate(NAMED);
    Ok(Search { found, near, passed_over })
}

fn names(paths: &[PathBuf]) -> Vec<String> {
    paths.iter().take(NAMED).map(|path| path.to_string_lossy().into_owned()).collect()
}

fn with_path(reading: StatusReading, path: &Path) -> StatusReading {
    let path = path.to_string_lossy();
    let tell = |source: Source| Source { path: Some(path.clone().into_owned()), ..source };
    StatusReading { sources: reading.sources.into_iter().map(tell).collect(), ..reading }
}

/// What several files say together. One that does not have the key contradicts nobody; one that cannot be read might.
fn together(readings: Vec<StatusReading>) -> StatusReading {
    let is_silent =
        |reading: &StatusReading| matches!(&reading.says, Says::Nothing(one) if one.reason == Reason::NoKey);
    let (silent, mut speak): (Vec<StatusReading>, Vec<StatusReading>) = readings.into_iter().partition(is_silent);
    if speak.is_empty() {
        let none = || StatusReading::nothing(Silence::of(Reason::NoFile));
        return silent.into_iter().next().unwrap_or_else(none);
    }
    if let Some(unclear) = speak.iter().position(|reading| reading.status().is_none()) {
        return speak.swap_remove(unclear);
    }
    let word = |reading: &StatusReading| reading.status().map(|status| status.word.clone());
    let agree = speak.iter().all(|reading| word(reading) == word(&speak[0]));
    let sources: Vec<Source> = speak.iter().flat_map(|reading| reading.sources.clone()).collect();
    let first = speak.swap_remove(0);
    if agree {
        return StatusReading { sources, ..first };
    }
    let tell = |source: &Source| format!("{} '{}'", source.path.as_deref().unwrap_or_default(), source.raw);
    let what = sources.iter().map(tell).collect::<Vec<_>>().join(", ");
    StatusReading { sources, ..first }.saying(Says::Nothing(Silence::with(Reason::Conflict, what)))
}
