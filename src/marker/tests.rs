use std::ffi::OsStr;

use super::*;
use crate::clock::Stamp;
use crate::model::{Entry, Held, MarkerForm, Told};

fn of(text: &str) -> Result<Marker, Unfit> {
    read(text.as_bytes(), OsStr::new("m"))
}

fn entries(text: &str) -> Vec<Entry> {
    of(text).unwrap().entries
}

/// What is told of each entry: name, id, folder, time, seconds to live.
fn told(text: &str) -> Vec<String> {
    let time = |told| match told {
        Told::At(at) => format!("{}", at.millis()),
        other => format!("{other:?}"),
    };
    let one = |entry: Entry| {
        let scope = entry.scope.map(|scope| scope.display().to_string());
        let parts = [entry.name, entry.id, scope].map(Option::unwrap_or_default);
        format!("{} {} {}", parts.join(","), time(entry.told), entry.ttl.unwrap_or_default().as_secs())
    };
    entries(text).into_iter().map(one).collect()
}

#[test]
fn a_dispatch_marker_is_read_in_all_its_forms() {
    for (text, expected) in [
        (
            r#"{"name":"b","ts":"9","sig":"x","git_root":"/r","active_tentacles":[
                {"name":"a","ts":"1000","git_root":"/r","tentacle_id":"t-1"},"plain",{"name":"b","ts":2.5}],
                "scope":null,"ttl_seconds":60}"#,
            &["a,t-1,/r 1000000 60", "plain,, Nothing 60", "b,, 2500 60"][..],
        ),
        (r#"{"tentacle":"a","ts":"7","git_root":"/r"}"#, &["a,,/r 7000 14400"]),
        (r#"{"tentacle":{"name":"a","ts":3},"ts":"7"}"#, &["a,, 3000 14400"]),
        (r#"{"tentacle":"a"}"#, &["a,, Nothing 14400"]),
        (r#"{"active_tentacles":[]}"#, &[]),
        (r#"{"active_tentacles":[7,null,{},[]],"ttl_seconds":"30"}"#, &[",, Nothing 30"; 4]),
        (
            r#"{"active_tentacles":[{"ts":"2026-11-20T07:31:02Z"},{"ts":"x"},{"ts":null},{"ts":-1},{"ts":true},{"ts":1e300},{"ts":"nan"}]}"#,
            &[
                ",, 1795159862000 14400",
                ",, Garbled 14400",
                ",, Nothing 14400",
                ",, Garbled 14400",
                ",, Garbled 14400",
                ",, Garbled 14400",
                ",, Garbled 14400",
            ],
        ),
        ("\u{feff} {\"tentacle\":\"a\"} \n", &["a,, Nothing 14400"]),
    ] {
        assert_eq!(told(text), expected, "{text}");
    }
    let signed = |text| of(text).unwrap().signed;
    assert!(signed(r#"{"tentacle":"a","sig":"x"}"#) && !signed(r#"{"tentacle":"a","sig":null}"#));
    let outer = |text| of(text).unwrap().outer;
    assert_eq!(outer(r#"{"tentacle":"a","ts":"5","written_at":6}"#), Some(Stamp::from_millis(6000)));
    assert_eq!(outer(r#"{"tentacle":"a","ts":"x"}"#), None);
}

#[test]
fn a_file_that_names_a_process_is_read() {
    let held = |pid, start_ticks| Some(Held { pid, start_ticks });
    for (text, form, holder) in [
        ("4711", MarkerForm::Pid, held(4711, None)),
        (" 4711 5716613\n", MarkerForm::Pid, held(4711, Some(5_716_613))),
        (r#"{"pid":7,"startTime":5}"#, MarkerForm::Lock, held(7, None)),
        (r#"{"pid":"7","acquiredAt":"2026-11-20T07:31:02Z","targetBranch":"main"}"#, MarkerForm::Lock, held(7, None)),
        (r#"{"pid":7,"heartbeat":1,"projectSlug":"p"}"#, MarkerForm::StoryAutomator, held(7, None)),
        (r#"{"createdAt":1,"storiesRemaining":3}"#, MarkerForm::StoryAutomator, None),
    ] {
        let marker = of(text).unwrap();
        assert_eq!((marker.form, marker.entries[0].holder), (form, holder), "{text}");
    }
    let automator = |text: &str| (entries(text)[0].name.clone().unwrap(), entries(text)[0].told, entries(text)[0].ttl);
    let silence = Some(std::time::Duration::from_secs(1800));
    let at = |seconds: i64| Told::At(Stamp::from_millis(seconds * 1000));
    let then = 1_795_159_862;
    let text = |heartbeat: &str| format!(r#"{{"heartbeat":{heartbeat},"createdAt":{},"projectSlug":"p"}}"#, then - 9);
    assert_eq!(automator(&text("1795159862")), ("p".into(), at(then), silence));
    for same in ["1795159862000", "\"1795159862\"", "\"2026-11-20T07:31:02Z\"", "\"2026-11-20T08:31:02+01:00\""] {
        assert_eq!(automator(&text(same)).1, at(then), "{same}");
    }
    assert_eq!(automator(&text("\"x\"")).1, Told::Garbled);
    assert_eq!(automator(r#"{"createdAt":1795159862,"currentStory":"s"}"#), ("m".into(), at(then), silence));
    // Ticks of a process are no date.
    assert_eq!(entries(r#"{"pid":7,"startTime":5716613}"#)[0].set, None);
}

#[test]
fn what_is_no_marker_says_why() {
    let damaged = [
        ("", Reason::Empty),
        (" \n", Reason::Empty),
        ("hello", Reason::Unparsable),
        ("{\"tentacle\":", Reason::Unparsable),
        ("{} x", Reason::Unparsable),
        ("NaN", Reason::Unparsable),
        ("[1]", Reason::NotAnObject),
        ("\"x\"", Reason::NotAnObject),
        ("null", Reason::NotAnObject),
        ("0", Reason::Unparsable),
        ("-5", Reason::Unparsable),
        ("99999999999", Reason::Unparsable),
        ("7 NaN", Reason::Unparsable),
        ("7 8 9", Reason::Unparsable),
        (r#"{"tentacle":null}"#, Reason::Unparsable),
        (r#"{"active_tentacles":"a"}"#, Reason::Unparsable),
        (r#"{"active_tentacles":[],"active_tentacles":["a"]}"#, Reason::Unparsable),
        (r#"{"pid":"x","createdAt":1}"#, Reason::Unparsable),
        (r#"{"pid":-1,"createdAt":1}"#, Reason::Unparsable),
    ];
    for (text, reason) in damaged {
        assert_eq!(of(text), Err(Unfit::Damaged(reason)), "{text}");
    }
    for ttl in ["\"x\"", "-1", "0", "null", "true", "[]", "1e12", "1e999", "\"-5\""] {
        let text = format!(r#"{{"tentacle":"a","ttl_seconds":{ttl}}}"#);
        assert_eq!(of(&text), Err(Unfit::Damaged(Reason::Unparsable)), "{text}");
    }
    assert_eq!(read(b"\xff\xfe", OsStr::new("m")), Err(Unfit::Damaged(Reason::NotText)));
    assert_eq!(read(b"", OsStr::new("m.lock")), Err(Unfit::EmptyLock));
    assert_eq!(of(r#"{"a":1}"#), Err(Unfit::Other(Reason::NotAMarker)));
    assert_eq!(of(r#"{"pid":7}"#), Err(Unfit::Other(Reason::NotAMarker)));
    assert_eq!(of("{\"a\":1}\n{\"a\":2}\n"), Err(Unfit::Other(Reason::SeveralDocuments)));
}

/// However deep it is nested.
#[test]
fn no_text_brings_a_reader_down() {
    let deep = "[".repeat(200_000) + &"]".repeat(200_000);
    assert!(of(&deep).is_err());
    let _ = of(&format!(r#"{{"tentacle":{deep}}}"#));
    assert_eq!(entries(&format!(r#"{{"active_tentacles":["a",{deep}]}}"#)).len(), 2);
    for text in [r#"{"active_tentacles":[{"ts":"1"},"b"],"ttl_seconds":5,"sig":"x"}"#, "4711 5\n"] {
        for cut in 0..text.len() {
            let _ = of(&text[..cut]);
        }
    }
}

#[test]
fn entries_are_cut_out_and_every_other_byte_stays() {
    let cut = |text: &str, gone: &[usize]| without(text.as_bytes(), gone).map(|rest| String::from_utf8(rest).unwrap());
    let text = "{ \"x\": 1.0, \"active_tentacles\" : [ {\"a\":1} ,\n\t\"b\", {\"c\":[2,3]}  ], \"é\":\"\\u00e9\" }\n";
    for (gone, list) in [
        (&[0][..], "[ \"b\", {\"c\":[2,3]}  ]"),
        (&[1], "[ {\"a\":1} ,\n\t{\"c\":[2,3]}  ]"),
        (&[2], "[ {\"a\":1} ,\n\t\"b\"  ]"),
        (&[0, 1], "[ {\"c\":[2,3]}  ]"),
        (&[1, 2], "[ {\"a\":1}  ]"),
        (&[0, 2], "[ \"b\"  ]"),
        (&[], "[ {\"a\":1} ,\n\t\"b\", {\"c\":[2,3]}  ]"),
    ] {
        let expected = format!("{{ \"x\": 1.0, \"active_tentacles\" : {list}, \"é\":\"\\u00e9\" }}\n");
        assert_eq!(cut(text, gone).unwrap(), expected, "{gone:?}");
        assert_eq!(entries(&expected).len(), 3 - gone.len());
    }
    assert_eq!(cut(text, &[0, 1, 2]), None);
    assert_eq!(cut(r#"{"tentacle":"a"}"#, &[0]), None);
    assert_eq!(cut("\u{feff}{\"active_tentacles\":[1,2]}", &[0]).unwrap(), "\u{feff}{\"active_tentacles\":[2]}");
}
