//! `tests/cases.tsv`: every row of the cases names a test that exists, or says why it needs none; none stands twice.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn root(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The names of all tests, with the path of their module, as the test harness prints them.
fn tests() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (folder, first) in
        [("tests", ""), ("src", ""), ("bins/turn", ""), ("bins/mail", ""), ("bins/probe", ""), ("bins/reconcile", "")]
    {
        read(&root(folder), first, &mut names);
    }
    names
}

fn read(folder: &Path, module: &str, names: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap();
        if path.is_dir() {
            read(&path, &format!("{module}{stem}::"), names);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let module = match stem {
                "mod" | "suite" | "lib" | "main" => module.to_owned(),
                // `#[path = "x_tests.rs"] mod tests;` of x.rs
                _ => match stem.strip_suffix("_tests") {
                    Some(of) => format!("{module}{of}::tests::"),
                    None => format!("{module}{stem}::"),
                },
            };
            names.extend(in_file(&std::fs::read_to_string(&path).unwrap(), &module));
        }
    }
}

/// The tests of one file: what follows `#[test]`, and `mod tests` for those that are indented.
fn in_file(text: &str, module: &str) -> Vec<String> {
    let mut names = Vec::new();
    for part in text.split("#[test]\n").skip(1) {
        let Some((before, rest)) = part.split_once("fn ") else { continue };
        let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let indented = before.lines().last().unwrap_or_default().starts_with(' ');
        names.push(if indented { format!("{module}tests::{name}") } else { format!("{module}{name}") });
    }
    names
}

/// What is wrong with the table.
fn wrong(table: &str, tests: &BTreeSet<String>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut seen: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut lines = table.lines().enumerate();
    if lines.next().map(|(_, line)| line) != Some("page\trow\ttest") {
        wrong.push("1: the header is: page, row, test".to_owned());
    }
    for (index, line) in lines {
        let number = index + 1;
        let cells: Vec<&str> = line.split('\t').collect();
        let [page, row, test] = cells[..] else {
            wrong.push(format!("{number}: {} cells, not 3", cells.len()));
            continue;
        };
        if page.is_empty() || row.is_empty() {
            wrong.push(format!("{number}: no page or no row"));
        }
        if let Some(first) = seen.insert((page, row), number) {
            wrong.push(format!("{number}: {page} {row} stands in line {first} too"));
        }
        match test.strip_prefix("not applicable: ") {
            Some(why) if why.trim().is_empty() => wrong.push(format!("{number}: not applicable, but why?")),
            Some(_) => {}
            None if test.split(' ').all(|test| tests.contains(test)) => {}
            None => wrong.push(format!("{number}: no test '{test}'")),
        }
    }
    wrong
}

#[test]
fn every_row_of_the_cases_names_a_test_that_exists_once() {
    let table = std::fs::read_to_string(root("tests/cases.tsv")).unwrap();
    let wrong = wrong(&table, &tests());
    assert!(wrong.is_empty(), "tests/cases.tsv:\n{}", wrong.join("\n"));
}

#[test]
fn tests_are_found_in_every_kind_of_file() {
    let tests = tests();
    for name in [
        "cases::tests_are_found_in_every_kind_of_file",
        "state_open::conditions::a_newer_file_is_read_but_not_written",
        "cli::tests::durations_are_read_with_their_unit",
        "state::migrate::tests::the_whole_schema_equals_all_migrations_in_order",
        "supervise::tests::a_suspended_host_is_no_stall_and_is_counted",
    ] {
        assert!(tests.contains(name), "{name}");
    }
}

#[test]
fn the_check_of_cases_sees_what_is_wrong() {
    let tests = BTreeSet::from(["a::b".to_owned(), "c::d".to_owned()]);
    let table = |rows: &str| wrong(&format!("page\trow\ttest\n{rows}"), &tests);
    assert!(table("p\tT1\ta::b\np\tT2\ta::b c::d\nq\tT1\tnot applicable: no such thing\n").is_empty());
    for bad in [
        "p\tT1\ta::x\n",
        "p\tT1\n",
        "p\tT1\ta::b\np\tT1\tc::d\n",
        "p\tT1\tnot applicable: \n",
        "p\tT1\ta::b x\n",
        "\tT1\ta::b\n",
    ] {
        assert_eq!(table(bad).len(), 1, "{bad:?}");
    }
    assert_eq!(wrong("page\trow\n", &tests).len(), 1);
}
