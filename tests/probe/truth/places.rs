//! Which file is meant: keys, places, copies, links.

use serde_json::json;

use super::{NEW, OLD, assert_found, sprint, story, write};
use crate::contract::{Home, Said};

const YES: &str = "yes done at_target";

/// bmad 31, 96; 6.4.7: a key is no prefix, and a copy no story.
#[test]
fn a_story_is_found_by_its_key_and_not_by_a_prefix() {
    let home = Home::new();
    write(&home, &format!("{NEW}/1-10-tides.md"), story("done"));
    let none = assert_found(&home, &["story", "1-1"], "unknown unknown no_story");
    assert_eq!(none["detail"]["candidates"], json!([]));
    write(&home, &format!("{NEW}/1-1-berths.md"), story("review"));
    assert_found(&home, &["story", "1-1"], "no not_done other_status");
    assert_found(&home, &["story", "1.10"], YES);
    assert_found(&home, &["story", "tides"], YES);
    let near = assert_found(&home, &["story", "1-1-berth"], "unknown unknown no_story");
    assert_eq!(near["detail"]["candidates"].as_array().unwrap().len(), 1);
    for copy in ["1-1-berths-validation-report.md", "1-1-berths.md.bak", "1-1-berths copy.md", "1-1-berths (1).md"] {
        write(&home, &format!("{NEW}/{copy}"), story("done"));
    }
    let evidence = assert_found(&home, &["story", "1-1"], "no not_done other_status");
    assert_eq!(evidence["detail"]["passed_over"].as_array().unwrap().len(), 4, "{evidence:#}");
    write(&home, "docs/stories/1.1.berths-again.md", story("done"));
    let two = assert_found(&home, &["story", "1-1"], "unknown unknown ambiguous");
    let named = two["detail"]["candidates"].to_string();
    assert!(named.contains("1-1-berths.md") && named.contains("1.1.berths-again.md"), "{named}");
    assert_found(&home, &["story", "1-1-berths"], "no not_done other_status");
}

#[test]
fn every_usual_place_is_searched_below_the_root_that_was_named() {
    for place in
        ["_bmad-output/implementation-artifacts", "_bmad-output/stories", "docs/sprint-artifacts", "docs/stories"]
    {
        let home = Home::new();
        write(&home, &format!("project/{place}/story-1.2.md"), story("done"));
        assert_found(&home, &["story", "1-2"], "unknown unknown no_story");
        assert_found(&home, &["story", "1-2", "--root", "project"], YES);
    }
    for place in ["_bmad-output/implementation-artifacts", "_bmad-output", "docs/sprint-artifacts", "docs"] {
        let home = Home::new();
        write(&home, &format!("project/{place}/sprint-status.yaml"), sprint("  1-2-tides: done\n"));
        assert_found(&home, &["sprint", "1-2"], "unknown unknown no_file");
        assert_found(&home, &["sprint", "1-2", "--root", "project"], YES);
    }
    let home = Home::new();
    write(&home, "here.md", story("done"));
    write(&home, "here.yaml", sprint("  1-2-tides: done\n"));
    std::fs::create_dir(home.path("home/project")).unwrap();
    let file = assert_found(&home, &["story", "here.md", "--root", "project"], YES);
    assert_eq!(file["detail"]["files"][0]["outside"], true, "a path is seen from here");
    assert_found(&home, &["sprint", "1-2", "--file", "here.yaml", "--root", "project"], YES);
    Said::of(&mut Home::new().command("probe", ["story", "1-2", "--root", "nowhere"])).failed(66, "no folder");
}

/// 6.4.7: `1-2-TIDES.MD` is the story 1-2 on every disk; two names that differ in case alone are two files.
#[test]
fn case_does_not_matter_in_a_name_where_it_is_the_only_one() {
    let home = Home::new();
    write(&home, &format!("{NEW}/1-2-TIDES.MD"), story("done"));
    assert_found(&home, &["story", "1-2-tides"], YES);
    assert_found(&home, &["story", "1-2"], YES);
    write(&home, &format!("{NEW}/1-2-tides.md"), story("review"));
    assert_found(&home, &["story", "1-2"], "unknown unknown ambiguous");
    assert_found(&home, &["story", "1-2-tides"], "no not_done other_status");
}

/// 6.2.13: of two sprint files neither is believed against the other.
#[test]
fn sprint_files_at_both_places_have_to_agree() {
    let home = Home::new();
    write(&home, &format!("{NEW}/sprint-status.yaml"), sprint("  1-2-tides: done\n  1-3-x: done\n"));
    write(&home, &format!("{OLD}/sprint-status.yaml"), sprint("  1-2-tides: review\n"));
    let evidence = assert_found(&home, &["sprint", "1-2"], "unknown unknown conflict");
    let sources = evidence["detail"]["sources"].as_array().unwrap();
    assert_eq!(sources.iter().map(|one| one["raw"].clone()).collect::<Vec<_>>(), [json!("done"), json!("review")]);
    assert!(sources.iter().all(|one| one["path"].as_str().unwrap().ends_with("sprint-status.yaml")), "{evidence:#}");
    // The one that does not have the key contradicts nobody.
    assert_found(&home, &["sprint", "1-3"], YES);
    assert_found(&home, &["sprint", "1-2", "--file", &format!("{OLD}/sprint-status.yaml")], "no not_done other_status");
    write(&home, &format!("{OLD}/sprint-status.yaml"), sprint("  1-2-tides: Done\n"));
    assert_found(&home, &["sprint", "1-2"], YES);
    write(&home, &format!("{OLD}/sprint-status.yaml"), "x: [\n");
    assert_found(&home, &["sprint", "1-2"], "unknown unknown not_yaml");
}

/// 6.2.13, 6.4.9: a link is followed, wherever it leads, and the record says so.
#[test]
fn a_link_is_followed_and_told() {
    let home = Home::new();
    std::fs::create_dir(home.path("elsewhere")).unwrap();
    std::fs::write(home.path("elsewhere/real.md"), story("done")).unwrap();
    std::fs::write(home.path("elsewhere/real.yaml"), sprint("  1-2-tides: done\n")).unwrap();
    for file in ["1-2-tides.md", "sprint-status.yaml"] {
        write(&home, &format!("{NEW}/1-9-here.md"), story("done"));
        let link = home.path("home").join(NEW).join(file);
        let real = home.path("elsewhere").join(if file.ends_with("md") { "real.md" } else { "real.yaml" });
        std::os::unix::fs::symlink(&real, &link).unwrap();
    }
    for kind in ["story", "sprint"] {
        let evidence = assert_found(&home, &[kind, "1-2"], YES);
        let file = &evidence["detail"]["files"][0];
        assert_eq!(file["outside"], true, "{file}");
        assert!(file["real_path"].as_str().unwrap().contains("/elsewhere/real."), "{file}");
    }
    let here = assert_found(&home, &["story", "1-9"], YES);
    assert_eq!(
        (&here["detail"]["files"][0]["outside"], &here["detail"]["files"][0]["real_path"]),
        (&json!(false), &json!(null))
    );
    // A place that leads to another place has the same file, and that is one.
    std::fs::create_dir_all(home.path("home/docs")).unwrap();
    std::os::unix::fs::symlink(home.path("home").join(NEW), home.path("home/docs/stories")).unwrap();
    assert_found(&home, &["story", "1-9"], YES);
}
