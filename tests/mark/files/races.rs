//! A tool that writes its marker as it goes, beside several clean-ups.

use std::fs::File;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use super::{Desk, MARKER, TTL, entry, marks};

const CLEANERS: usize = 4;
const ROUNDS: usize = 60;

/// As the tool does it: under its lock it reads, changes, and writes in place.
fn renew(desk: &Desk, change: impl FnOnce(&mut Vec<Value>)) {
    let lock =
        File::options().create(true).truncate(false).write(true).open(desk.path(&format!("{MARKER}.lock"))).unwrap();
    lock.lock().unwrap();
    let text = std::fs::read_to_string(desk.path(MARKER)).unwrap_or_default();
    let mut file: Value = serde_json::from_str(&text).unwrap_or_else(|_| json!({ "active_tentacles": [] }));
    let mut entries = file["active_tentacles"].as_array().unwrap().clone();
    change(&mut entries);
    file["active_tentacles"] = entries.into();
    std::fs::write(desk.path(MARKER), file.to_string()).unwrap();
}

#[test]
fn beside_a_writer_no_live_entry_is_lost_and_each_stale_one_goes_once() {
    let desk = Desk::new();
    let done = AtomicBool::new(false);
    let mut removed = Vec::new();
    std::thread::scope(|scope| {
        let cleaners: Vec<_> = (0..CLEANERS)
            .map(|_| {
                scope.spawn(|| {
                    let mut removed = Vec::new();
                    while !done.load(Ordering::Relaxed) {
                        let said = desk.clean(&["--apply"]).silent(0);
                        let records = said.records();
                        let gone = marks(&records).into_iter().filter(|one| one["removed"] == true);
                        removed.extend(gone.map(|one| super::word(one, "name")));
                    }
                    removed
                })
            })
            .collect();
        for round in 0..ROUNDS {
            renew(&desk, |entries| {
                entries.push(entry(&format!("live-{round}"), 1, "/r", None));
                entries.push(entry(&format!("stale-{round}"), TTL, "/r", None));
            });
        }
        done.store(true, Ordering::Relaxed);
        removed.extend(cleaners.into_iter().flat_map(|cleaner| cleaner.join().unwrap()));
    });
    removed.extend(
        marks(&desk.clean(&["--apply"]).silent(0).records())
            .into_iter()
            .filter(|one| one["removed"] == true)
            .map(|one| super::word(one, "name")),
    );
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    let all = |word: &str| sorted((0..ROUNDS).map(|round| format!("{word}-{round}")).collect());
    let file: Value = serde_json::from_str(&desk.text(MARKER)).unwrap();
    let left = file["active_tentacles"].as_array().unwrap().iter().map(|one| super::word(one, "name")).collect();
    assert_eq!(sorted(left), all("live"));
    assert_eq!(sorted(removed), all("stale"));
    assert_eq!(sorted(desk.account()), all("stale"));
    assert_eq!(desk.names(), [MARKER]);
}

/// A tool that takes no lock and puts a new file in the place of the old one: its file is the one that stays.
#[test]
fn a_file_that_is_replaced_meanwhile_is_never_taken_for_the_old_one() {
    let desk = Desk::new();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let cleaners: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    while !done.load(Ordering::Relaxed) {
                        desk.clean(&["--apply"]).silent(0);
                    }
                })
            })
            .collect();
        for round in 0..200 {
            let entries = [entry("stale", TTL, "/r", None), entry(&format!("live-{round}"), 1, "/r", None)];
            std::fs::write(desk.home.path("new"), super::marker(&entries).to_string()).unwrap();
            std::fs::rename(desk.home.path("new"), desk.path(MARKER)).unwrap();
        }
        done.store(true, Ordering::Relaxed);
        cleaners.into_iter().for_each(|cleaner| cleaner.join().unwrap());
    });
    desk.clean(&["--apply"]).silent(0);
    assert!(desk.text(MARKER).contains("live-199"), "{}", desk.text(MARKER));
}
