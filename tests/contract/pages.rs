//! The pages for users: their blocks are closed, their records are those of the schemas, their commands and options exist.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::{Home, PROGRAMS, Said, schema};

const RECORDS: &str = include_str!("../../docs/records.md");
const README: &str = include_str!("../../README.md");

/// The page of a command.
fn page(program: &str) -> &'static str {
    match program {
        "turn" => include_str!("../../docs/turn.md"),
        "mail" => include_str!("../../docs/mail.md"),
        "probe" => include_str!("../../docs/probe.md"),
        "reconcile" => include_str!("../../docs/reconcile.md"),
        "mark" | "mark-cleanup" => include_str!("../../docs/mark.md"),
        other => panic!("{other} has no page"),
    }
}

/// Every page, with its name.
fn pages() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = std::fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let all = docs.chain(["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"].map(|name| root.join(name)));
    all.map(|path| (path.display().to_string(), std::fs::read_to_string(&path).unwrap())).collect()
}

/// Every subcommand below these words that has none below itself, and all options.
fn tree(home: &Home, words: &[&str], found: &mut Vec<String>, known: &mut BTreeSet<String>) {
    let (names, options) = help(home, words);
    known.extend(options);
    if names.is_empty() {
        found.push(words.join(" "));
    }
    for name in names {
        tree(home, &[words, &[name.as_str()]].concat(), found, known);
    }
}

/// The subcommands of a command, and all long options in its help.
fn help(home: &Home, words: &[&str]) -> (Vec<String>, BTreeSet<String>) {
    let said = Said::of(&mut home.command(words[0], words[1..].iter().chain(&["--help"]))).silent(0).out;
    let part = said.split("Commands:\n").nth(1).unwrap_or_default();
    let rows = part.lines().take_while(|line| line.starts_with("  "));
    let names = rows.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help");
    (names.map(str::to_owned).collect(), options(&said))
}

fn options(text: &str) -> BTreeSet<String> {
    let ends = |c: char| !(c.is_ascii_lowercase() || c == '-');
    let words = text.split(ends).filter(|word| word.starts_with("--") && word.len() > 3);
    words.map(|word| word.trim_end_matches('-').to_owned()).collect()
}

#[test]
fn every_block_is_closed_and_every_link_leads_to_a_page_and_a_heading() {
    let pages = pages();
    for (name, text) in &pages {
        let mut open = false;
        for line in text.lines().filter(|line| line.starts_with("```")) {
            assert!(!open || line == "```", "{name}: a block begins in a block: {line}");
            open = !open;
        }
        assert!(!open, "{name}: a block is not closed");
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let here = Path::new(name).parent().unwrap().join(file);
            let target = if file.is_empty() { Path::new(name) } else { &here };
            assert!(file.contains("://") || target.exists(), "{name}: {link}");
            let text = std::fs::read_to_string(target).unwrap_or_default();
            let slug = |line: &str| {
                line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-").replace(['`', ',', ':', '?'], "")
            };
            let found = text.lines().filter(|line| line.starts_with('#')).any(|line| slug(line) == heading);
            assert!(heading.is_empty() || found, "{name}: {link}");
        }
    }
}

#[test]
fn the_records_on_the_page_are_those_of_the_schemas_and_none_is_missing() {
    let home = Home::new();
    let schemas = PROGRAMS.map(|program| schema::schema(&home, program));
    let mut shown = BTreeSet::new();
    for line in RECORDS.lines().filter(|line| line.starts_with('{')) {
        let record: Value = serde_json::from_str(line).unwrap();
        assert!(schemas.iter().any(|schema| schema.is_valid(&record)), "{line}");
        shown.insert(record["type"].as_str().unwrap().to_owned());
    }
    let text: String =
        PROGRAMS.map(|program| Said::of(&mut home.command(program, ["--schema"])).silent(0).out).concat();
    let headings: BTreeSet<String> =
        RECORDS.lines().filter_map(|line| line.strip_prefix("## ")).map(str::to_owned).collect();
    assert_eq!(shown, headings, "each heading has its record");
    for kind in &headings {
        assert!(text.contains(&format!("\"{kind}\"")), "{kind} is no record");
    }
}

#[test]
fn every_subcommand_is_on_the_pages_and_every_option_of_the_pages_exists() {
    let home = Home::new();
    let mut known: BTreeSet<String> = options("--locked --root --scope --path --no-verify --allow-empty --git-path");
    for program in PROGRAMS {
        let mut found = Vec::new();
        tree(&home, &[program], &mut found, &mut known);
        for words in found {
            assert!(page(program).contains(&format!("{words} ")), "{words} is not on its page");
            // A command without subcommands is on the page by its own name.
            let name = words.split_once(' ').map_or(&*words, |(_, name)| name);
            assert!(README.contains(&format!("`{name}`")) || README.contains(&words), "README.md: {words}");
        }
    }
    let all = PROGRAMS.map(|program| (program, page(program)));
    for (name, text) in all.into_iter().chain([("README.md", README)]) {
        let unknown: Vec<String> = options(text).difference(&known).cloned().collect();
        assert!(unknown.is_empty(), "{name}: {unknown:?}");
    }
}
