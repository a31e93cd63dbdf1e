use super::*;

fn whole(text: &[u8]) -> Bytes {
    Bytes { head: text.to_vec(), tail: None, restless: false }
}

fn read(bytes: &Bytes, kind: Option<ContentKind>) -> (ContentKind, Form, Option<u64>) {
    match of(bytes, kind) {
        Content::Read(reading) => (reading.kind, reading.form, reading.records),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_a_text_seems_to_be() {
    use ContentKind::{Binary, Csv, Json, Jsonl, Text};
    let rows: &[(&[u8], ContentKind, Form, Option<u64>)] = &[
        (b"{\"a\":1}", Json, Form::Good, Some(1)),
        (b"\xef\xbb\xbf{\"a\":1}\n", Json, Form::Good, Some(1)),
        (b"[\n1\n]\n", Json, Form::Good, Some(1)),
        (b"{\n\"a\": {", Json, Form::Cut, Some(0)),
        (b"{\"a\":1,", Json, Form::Cut, Some(0)),
        (b"{\"a\":1}{\"a\":2}", Json, Form::Several, None),
        (b"{\"a\":1}{\"a\":", Json, Form::Several, None),
        (b"{\n\"a\":1\n}\n{\n\"a\":2\n}\n", Json, Form::Several, None),
        (b"{\"a\":1} and so on", Json, Form::Other, None),
        (b"{not json}", Json, Form::Other, None),
        (b"{\"a\":\"\xff\"}", Json, Form::Other, None),
        (b"{\"a\":1}\n{\"a\":2}\n", Jsonl, Form::Good, Some(2)),
        (b"{\"a\":1}\n\n{\"a\":2}", Jsonl, Form::Good, Some(2)),
        (b"{\"a\":1}\n{\"a\":", Jsonl, Form::LastCut, Some(1)),
        (b"{\"a\":1}\nnoise\n{\"a\":2}\n", Jsonl, Form::SomeBad, Some(2)),
        // In the middle a cut line is no line that is being written.
        (b"{\"a\":1}\n{\"a\":\n{\"a\":2}\n", Jsonl, Form::SomeBad, Some(2)),
        (b"a,b\n1,2\n", Csv, Form::Good, Some(2)),
        (b"a,b,c\n1,\"2,3\",4\n\"5\n6\",7,8\n", Csv, Form::Good, Some(3)),
        (b"a,b,c\n1,2,3\n4,", Csv, Form::LastCut, Some(2)),
        (b"one line, with a comma\n", Text, Form::Good, Some(1)),
        (b"first\nsecond, with a comma\n", Text, Form::Good, Some(2)),
        (b"no line feed", Text, Form::Good, Some(1)),
        (b"caf\xe9\n", Text, Form::Good, Some(1)),
        (b"\x7fELF\0\0", Binary, Form::Binary, None),
    ];
    for (text, kind, form, records) in rows {
        assert_eq!(read(&whole(text), None), (*kind, *form, *records), "{}", String::from_utf8_lossy(text));
    }
    for text in [&b""[..], b" \n\t\n", b"\xef\xbb\xbf"] {
        assert_eq!(of(&whole(text), None), Content::Empty);
        assert_eq!(of(&whole(text), Some(Json)), Content::Empty);
    }
}

#[test]
fn what_a_text_is_said_to_be_it_is_held_to() {
    use ContentKind::{Csv, Json, Jsonl, Text};
    let rows: &[(&[u8], ContentKind, Form)] = &[
        (b"{\"a\":1}\n{\"a\":2}\n", Json, Form::Several),
        (b"{\"a\":1}\n", Jsonl, Form::Good),
        (b"{\"a\":", Jsonl, Form::Cut),
        (b"words\n", Jsonl, Form::Other),
        (b"words\n", Json, Form::Other),
        (b"{\"a\":1}\n", Text, Form::Good),
        (b"completed,3,4,out,normal\n", Csv, Form::Good),
        // An unquoted comma in a text makes another number of values.
        (b"state,done,task\nactive,1,read 1,234 tokens\n", Csv, Form::Other),
        (b"a\0b\n", Text, Form::Binary),
        (b"a\0b\n", Json, Form::Binary),
    ];
    for (text, kind, form) in rows {
        assert_eq!(read(&whole(text), Some(*kind)).1, *form, "{kind}: {}", String::from_utf8_lossy(text));
    }
}

#[test]
fn of_a_long_text_both_ends_are_read_and_nothing_is_counted() {
    use ContentKind::{Csv, Json, Jsonl, Text};
    let ends = |head: &[u8], tail: &[u8]| Bytes { head: head.to_vec(), tail: Some(tail.to_vec()), restless: false };
    let lines = ends(b"{\"a\":1}\n{\"a\":2}\n{\"a\":", b"4}\n{\"a\":5}\n");
    assert_eq!(read(&lines, None), (Jsonl, Form::Good, None));
    let cut = ends(b"{\"a\":1}\n{\"a\":2}\n{\"a\":", b"4}\n{\"a\":5}\n{\"a\"");
    assert_eq!(read(&cut, None), (Jsonl, Form::LastCut, None));
    let one_line = ends(b"{\"a\":[1,2", b",3]}\n");
    assert_eq!(read(&one_line, None), (Json, Form::TooLong, None));
    assert_eq!(read(&one_line, Some(Jsonl)), (Jsonl, Form::TooLong, None));
    assert_eq!(read(&ends(b"a,b\n1,2\n3", b"9,9\n"), None), (Csv, Form::Good, None));
    assert_eq!(read(&ends(b"words\n", b"words\n"), None), (Text, Form::Good, None));
    assert_eq!(read(&ends(b"words\n", b"\0"), None).1, Form::Binary);
    assert_eq!(read(&ends(b"   ", b"   "), None), (Text, Form::Good, None));
}
