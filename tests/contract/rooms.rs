//! The rooms of the source and what may pass between them; the words of the schema and those of the model.

use std::path::{Path, PathBuf};

use refloat::model::{
    Answer, AttributedBy, Capability, Containment, CrashKind, CrashWho, DeadCause, ExpectKind, Hold, Instrument,
    MailState, MailType, MarkEnd, Meaning, Outcome, Phase, Priority, Reason, Resume, RetryClass, RetryState, RunState,
    SubjectKind, Wish,
};

fn root(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Every source file below a folder, by its path from the root, without comments and test modules.
fn sources(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root("")).unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(".rs") && !name.ends_with("tests.rs") && !name.contains("/tests/") {
                found.push((name, code(&std::fs::read_to_string(&path).unwrap())));
            }
        }
    }
    assert!(!found.is_empty());
    found
}

fn code(text: &str) -> String {
    let product = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    product.lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>().join("\n")
}

/// The rooms of the library that a text names: `crate::judge::…`, `crate::{judge, …}`, `refloat::judge`.
fn rooms(code: &str) -> Vec<String> {
    let mut named = Vec::new();
    for part in code.split("crate::").skip(1) {
        match part.strip_prefix('{') {
            None => named.push(first_word(part)),
            Some(list) => named.extend(list.split('}').next().unwrap().split(',').map(|one| first_word(one.trim()))),
        }
    }
    named
}

fn first_word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// The rooms from the ground up: each uses only what stands on lower floors, so that no two use each other.
const FLOORS: [&[&str]; 9] = [
    &["exit", "filesystem", "flock", "id", "identity", "scrub", "table", "words"],
    &["clock", "error", "living", "scrub_json"],
    &["emit", "runtime"],
    &["model"],
    &["judge", "marker", "seam", "truth"],
    &["bmad", "observe", "runtimes", "sight", "state"],
    &["crash", "family", "lock", "owed", "prospect", "record", "token"],
    &["cli", "finish"],
    &["gather", "wait"],
];

/// The room that a file of the library belongs to: `src/sight.rs` and `src/sight/tmux.rs` are of `sight`.
fn room_of(name: &str) -> &str {
    name.strip_prefix("src/").unwrap().split('/').next().unwrap().trim_end_matches(".rs")
}

fn floor_of(room: &str) -> usize {
    FLOORS.iter().position(|floor| floor.contains(&room)).unwrap_or_else(|| panic!("{room} has no floor"))
}

/// The files of these rooms.
fn files_of(these: &[&str]) -> Vec<(String, String)> {
    sources("src").into_iter().filter(|(name, _)| these.contains(&room_of(name))).collect()
}

#[track_caller]
fn never(room: &str, forbidden: &[&str]) {
    let files = files_of(&[room]);
    assert!(!files.is_empty(), "{room}");
    for (name, code) in files {
        for used in rooms(&code) {
            assert!(!forbidden.contains(&used.as_str()), "{name} uses crate::{used}");
        }
    }
}

#[test]
fn every_room_stands_above_all_that_it_uses() {
    for (name, code) in sources("src").iter().filter(|(name, _)| name != "src/lib.rs") {
        let floor = floor_of(room_of(name));
        for used in rooms(code).iter().filter(|used| *used != room_of(name)) {
            assert!(floor_of(used) < floor, "{name} uses crate::{used}");
        }
    }
}

#[test]
fn every_room_stands_in_the_table_of_the_architecture() {
    let page = std::fs::read_to_string(root("ARCHITECTURE.md")).unwrap();
    let words: Vec<&str> = page.split(|c: char| !(c.is_alphanumeric() || "_/.".contains(c))).collect();
    for room in FLOORS.concat() {
        let spelt = [format!("src/{room}/"), format!("src/{room}.rs"), room.to_owned()];
        assert!(words.iter().any(|word| spelt.iter().any(|one| one == word)), "{room}");
    }
}

#[test]
fn data_flows_one_way_through_the_rooms() {
    never("state", &["seam", "runtime"]);
    never("record", &["seam", "state", "judge"]);
    never("truth", &["runtime"]);
    never("marker", &["runtime"]);
    never("bmad", &["judge"]);
    never("observe", &["judge"]);
    never("gather", &["emit", "cli"]);
}

/// Who only looks takes no transaction.
#[test]
fn rooms_that_look_do_not_write_to_the_state_file() {
    let looking = ["bmad", "family", "gather", "marker", "observe", "prospect", "sight", "token", "truth", "wait"];
    for (name, code) in files_of(&looking) {
        let writes = ["Tx<", "state.write("].iter().any(|word| code.contains(word));
        assert_eq!(writes, name == "src/gather/keep.rs", "{name}");
    }
}

#[test]
fn the_check_of_rooms_sees_every_form_of_use() {
    assert_eq!(rooms("use crate::state::turn;"), ["state"]);
    assert_eq!(rooms("use crate::{clock, state::{turn, run}};"), ["clock", "state", "run"]);
    assert_eq!(rooms("fn f() { crate::seam::go() }"), ["seam"]);
    assert_eq!(code("a // crate::state\nb"), "a \nb");
}

#[test]
fn nothing_in_the_library_knows_a_command() {
    for (name, code) in sources("src") {
        for command in ["bins/", "refloat::", "CARGO_BIN"] {
            assert!(!code.contains(command), "{name}: {command}");
        }
    }
}

#[test]
fn sqlite_is_known_in_one_room_alone() {
    for folder in ["src", "bins"] {
        for (name, code) in sources(folder) {
            assert!(name.starts_with("src/state/") || !code.contains("rusqlite"), "{name} uses rusqlite");
            let sql = ["SELECT ", "INSERT INTO", "UPDATE ", "DELETE FROM", "PRAGMA "];
            let speaks = sql.iter().any(|word| code.contains(word));
            assert!(name.starts_with("src/state/") || !speaks, "{name} speaks SQL");
        }
    }
}

/// Deciding what a run's state means is for `judge` and `model`; enforcing it for `state`.
#[test]
fn run_states_are_compared_in_the_rooms_that_decide() {
    for folder in ["src", "bins"] {
        for (name, code) in sources(folder) {
            if ["src/judge/", "src/model/", "src/state/"].iter().any(|room| name.starts_with(room)) {
                continue;
            }
            let flat = code.split_whitespace().collect::<Vec<_>>().join(" ");
            for compared in
                ["== RunState::", "!= RunState::", "== Some(RunState::", "!= Some(RunState::", "| RunState::"]
            {
                assert!(!flat.contains(compared), "{name}: {compared}");
            }
            let in_matches =
                flat.split("matches!(").skip(1).any(|rest| rest.split(')').next().unwrap().contains("RunState::"));
            let matched = in_matches
                || flat.split("RunState::").skip(1).any(|rest| {
                    let rest = rest.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_').trim_start();
                    rest.starts_with("=>") || rest.starts_with("==") || rest.starts_with("!=")
                });
            assert!(!matched, "{name} decides on a run's state");
        }
    }
}

/// The words of `CHECK (column IN (…))` in a table of schema.sql.
fn check_of(table: &str, column: &str) -> Vec<String> {
    let schema = std::fs::read_to_string(root("src/state/schema.sql")).unwrap();
    let start = schema.find(&format!("CREATE TABLE {table} (")).unwrap();
    let text = schema[start..].split(") STRICT").next().unwrap();
    let list = text.split(&format!("CHECK ({column} IN (")).nth(1).unwrap().split("))").next().unwrap();
    list.split(',').map(|word| word.trim().trim_matches('\'').to_owned()).collect()
}

/// How many lists of words the schema has.
fn lists() -> usize {
    let schema = std::fs::read_to_string(root("src/state/schema.sql")).unwrap();
    schema.split(" IN (").skip(1).filter(|rest| rest.trim_start().starts_with('\'')).count()
}

#[test]
fn every_list_of_words_in_the_schema_is_that_of_the_model() {
    macro_rules! of {
        ($words:ident) => {
            $words::ALL.iter().map(|value| value.word()).collect::<Vec<&str>>()
        };
    }
    let all = [
        ("run", "capability", of!(Capability)),
        ("run", "state", of!(RunState)),
        ("run", "hold", of!(Hold)),
        ("turn", "resume", of!(Resume)),
        ("turn", "contained_by", of!(Containment)),
        ("turn", "wish", of!(Wish)),
        ("turn", "outcome", of!(Outcome)),
        ("expectation", "kind", of!(ExpectKind)),
        ("turn", "stalled_phase", of!(Phase)),
        ("mail", "kind", of!(MailType)),
        ("mail", "priority", of!(Priority)),
        ("mail", "attributed_by", of!(AttributedBy)),
        ("mail", "state", of!(MailState)),
        ("retry", "class", of!(RetryClass)),
        ("retry", "state", of!(RetryState)),
        ("dead_letter", "cause", of!(DeadCause)),
        ("mark", "ended_how", of!(MarkEnd)),
        ("crash", "who", of!(CrashWho)),
        ("crash", "kind", of!(CrashKind)),
        ("evidence", "subject_kind", of!(SubjectKind)),
        ("evidence", "instrument", of!(Instrument)),
        ("evidence", "finding", of!(Answer)),
        ("evidence", "meaning", of!(Meaning)),
        ("evidence", "reason", of!(Reason)),
    ];
    for (table, column, words) in &all {
        assert_eq!(check_of(table, column), *words, "{table}.{column}");
    }
    let terminal: Vec<&str> =
        RunState::ALL.iter().filter(|state| state.is_terminal()).map(|state| state.word()).collect();
    assert_eq!(check_of_terminal(), terminal);
    assert_eq!(check_of("reopening", "was"), terminal);
    assert_eq!(lists(), all.len() + 2, "a list of words in the schema is not held here");
}

/// The states that have an end, as the table `run` says it.
fn check_of_terminal() -> Vec<String> {
    let schema = std::fs::read_to_string(root("src/state/schema.sql")).unwrap();
    let list = schema.split("(ended_at IS NOT NULL) = (state IN (").nth(1).unwrap().split("))").next().unwrap();
    list.split(',').map(|word| word.trim().trim_matches('\'').to_owned()).collect()
}
