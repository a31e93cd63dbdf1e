//! Takes secrets out of a record as it is printed: string by string, so that it stays the JSON that it was.
//! Called by the emitter for `--scrub`. It must not change what is no secret.

use crate::scrub::scrub;

/// What stands before a string: it may name it.
#[derive(Clone, Copy)]
enum Before<'t> {
    Nothing,
    /// Its key.
    Key(&'t str),
    /// The element before it, which may be a flag.
    Element(&'t str),
}

/// A line of JSON, without what looks like a secret.
pub(crate) fn scrub_json(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    let mut last = String::new();
    while let Some(start) = rest.find('"') {
        let (between, string) = rest.split_at(start);
        let end = end_of(string);
        let before = match between.trim() {
            ":" => Before::Key(&last),
            "," => Before::Element(&last),
            _ => Before::Nothing,
        };
        out.push_str(between);
        match serde_json::from_str::<String>(&string[..end]) {
            Ok(text) => {
                out.push_str(&quoted(&without(&text, before)));
                last = text;
            }
            Err(_) => out.push_str(&scrub(&string[..end])),
        }
        rest = &string[end..];
    }
    out.push_str(rest);
    out
}

/// A string without what is secret in it, by itself or by what names it.
fn without(text: &str, before: Before<'_>) -> String {
    let named = match before {
        Before::Key(name) => Some((name, format!("{name}={text}"))),
        Before::Element(flag) if flag.starts_with('-') => Some((flag, format!("{flag} {text}"))),
        Before::Element(_) | Before::Nothing => None,
    };
    let by_name = named.and_then(|(name, both)| {
        let value = scrub(&both).strip_prefix(name)?.get(1..)?.to_owned();
        (value != text).then_some(value)
    });
    by_name.unwrap_or_else(|| scrub(text))
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Where the string ends that begins here, with its quote.
fn end_of(text: &str) -> usize {
    let mut escaped = false;
    let inside = text.bytes().enumerate().skip(1);
    for (at, byte) in inside {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::scrub_json;

    #[test]
    fn the_table_of_records_without_their_secrets() {
        for (line, expected) in [
            (r#"{"a":1,"b":[null,true],"c":"plain"}"#, r#"{"a":1,"b":[null,true],"c":"plain"}"#),
            (r#"{"token":"abcdef","tokens_in":3}"#, r#"{"token":"[redacted]","tokens_in":3}"#),
            (r#"{"command":["x","--token","abc","-v"]}"#, r#"{"command":["x","--token","[redacted]","-v"]}"#),
            (r#"{"said":"a \"password\": \"pa\\ss\" b"}"#, r#"{"said":"a \"password\": \"[redacted]\" b"}"#),
            (r#"{"said":"KEY=sk-ant-0123456789abcdef0123"}"#, r#"{"said":"KEY=sk-[redacted]"}"#),
            (r#"{"agent":"lead","why":"ä\n\"x\""}"#, r#"{"agent":"lead","why":"ä\n\"x\""}"#),
        ] {
            let said = scrub_json(line);
            assert_eq!(said, expected);
            assert!(serde_json::from_str::<serde_json::Value>(&said).is_ok());
        }
    }
}
