//! What is taken out, what is left alone, and that no text makes it slow or makes it panic.

use super::*;

/// A made-up secret in pieces, so that no scanner takes this file for a leak.
fn made(prefix: &str, length: usize) -> String {
    let body: String = "aB3dE6gH9jK2mN5pQ8sT1vW4".chars().cycle().take(length).collect();
    format!("{prefix}{body}")
}

#[test]
fn the_table_of_secrets() {
    let hex = "0123456789ab4cde8f0123456789abcd";
    let jwt = format!("{}.{}.{}", made("eyJ", 20), made("eyJ", 30), made("", 43));
    let rows = [
        (made("sk-ant-api03-", 80), "sk-[redacted]"),
        (made("sk-proj-", 48), "sk-[redacted]"),
        (made("sk-or-v1-", 48), "sk-[redacted]"),
        (made("AIza", 35), "AIza[redacted]"),
        (made("gsk_", 40), "gsk_[redacted]"),
        (made("xai-", 40), "xai-[redacted]"),
        (made("hf_", 34), "hf_[redacted]"),
        ("AKIAIOSFODNN7EXAMPLE".into(), "AKIA[redacted]"),
        ("ASIAIOSFODNN7EXAMPLE".into(), "ASIA[redacted]"),
        (made("ghp_", 36), "ghp_[redacted]"),
        (made("ghs_", 36), "ghs_[redacted]"),
        (made("github_pat_", 60), "github_pat_[redacted]"),
        (made("glpat-", 20), "glpat-[redacted]"),
        (made("xoxb-", 40), "xoxb-[redacted]"),
        (made("npm_", 36), "npm_[redacted]"),
        (jwt, "eyJ[redacted]"),
        (hex.into(), "[redacted]"),
        (format!("REFLOAT_TOKEN={hex}"), "REFLOAT_TOKEN=[redacted]"),
        (format!("Authorization: Bearer {}", made("", 30)), "Authorization: [redacted]"),
        ("authorization: Basic dXNlcjpwYXNz".into(), "authorization: [redacted]"),
        (format!("sent bearer {}", made("", 30)), "sent bearer [redacted]"),
        ("Set-Cookie: session=1; Path=/".into(), "Set-Cookie: [redacted]"),
        ("password=hunter2".into(), "password=[redacted]"),
        ("PASSWORD = hunter2 next".into(), "PASSWORD = [redacted] next"),
        ("db_password: 'two words', x".into(), "db_password: '[redacted]', x"),
        ("{\"api_key\": \"abc\", \"n\": 1}".into(), "{\"api_key\": \"[redacted]\", \"n\": 1}"),
        ("{\\\"api_key\\\": \\\"abc\\\"}".into(), "{\\\"api_key\\\": \\\"[redacted]\"}"),
        ("OPENAI_API_KEY=abc".into(), "OPENAI_API_KEY=[redacted]"),
        ("aws_secret_access_key = a/b+c=".into(), "aws_secret_access_key = [redacted]"),
        ("client-secret=x&grant=y".into(), "client-secret=[redacted]&grant=y"),
        ("curl --token abc --url u".into(), "curl --token [redacted] --url u"),
        ("--api-key=abc".into(), "--api-key=[redacted]"),
        ("https://ann:hunter2@host/p".into(), "https://ann:[redacted]@host/p"),
        ("postgres://ann:p@ss@host:5432/db".into(), "postgres://ann:[redacted]@host:5432/db"),
        (format!("https://{}@host/p", made("", 30)), "https://[redacted]@host/p"),
    ];
    for (text, clean) in &rows {
        assert_eq!(scrub(text), *clean, "{text}");
        let inside = format!("error: ä {text}\nnext line");
        assert_eq!(scrub(&inside), format!("error: ä {clean}\nnext line"), "{text}");
        assert_eq!(scrub(clean), *clean, "once more changes nothing");
    }
    let made_prefixes = PREFIXES.iter().map(|(prefix, _)| made(prefix, 40));
    for secret in made_prefixes {
        assert!(scrub(&format!("({secret})")).ends_with("[redacted])"), "{secret}");
    }
}

#[test]
fn a_private_key_goes_whole_also_where_half_of_it_is_cut_off() {
    let key = |kind: &str| format!("-----BEGIN {kind}PRIVATE KEY-----\nMIIabc\ndef==\n-----END {kind}PRIVATE KEY-----");
    for kind in ["", "RSA ", "OPENSSH "] {
        assert_eq!(scrub(&format!("a\n{}\nb", key(kind))), "a\n[redacted]\nb");
    }
    assert_eq!(scrub(&format!("a\n{}\n{}\nb", key(""), key("EC "))), "a\n[redacted]\n[redacted]\nb");
    assert_eq!(scrub("a -----BEGIN PRIVATE KEY-----\nMIIabc"), "a [redacted]");
    assert_eq!(scrub("MIIabc\n-----END PRIVATE KEY-----\nb"), "[redacted]\nb");
}

#[test]
fn what_is_no_secret_stays() {
    for text in [
        "",
        "error: connection refused (os error 111)",
        "https://example.org/path?x=1#y",
        "git@github.com:user/repo.git",
        "https://git@github.com/user/repo",
        "tokens_in: 10, max_tokens=4096",
        "the token was refused",
        "bearer of bad news",
        "sk-learn and task-force-one-hundred",
        "commit 9f8d412c0ffee9f8d412c0ffee9f8d412c0ffee1",
        "d41d8cd98f00b204e9800998ecf8427e  file",
        "thread 'main' panicked at src/main.rs:3:5:\nexplicit panic",
        "eyJust a word",
        "日本語 ❤\u{fe0f}",
        "-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----",
    ] {
        assert_eq!(scrub(text), text);
    }
}

/// Every text of a small alphabet: nothing panics, and what is clean stays clean.
#[test]
fn no_text_makes_it_panic() {
    let words = ["sk-", "eyJ", ".", "token", "=", "\"", "://", "@", ":", "-----BEGIN PRIVATE KEY-----", "ä", " ", "\n"];
    let all = words.len().pow(4);
    for number in 0..all {
        let text: String = (0..4).map(|place| words[number / words.len().pow(place) % words.len()]).collect();
        let once = scrub(&text);
        assert_eq!(scrub(&once), once, "{text:?}");
    }
}

/// A quadratic scan of a megabyte would take minutes, and the test would not end.
#[test]
fn long_texts_take_no_longer_than_their_length() {
    for piece in [
        "sk-",
        "eyJ.",
        "token",
        "token=",
        "password=\"",
        "://",
        "a:b@",
        "://a:",
        "-----BEGIN PRIVATE KEY-----",
        "\\\"",
        "bearer ",
        "-----END PRIVATE KEY-----",
        "0123456789ab4cde8f0123456789abcd",
    ] {
        let long = piece.repeat((1 << 20) / piece.len());
        assert!(scrub(&long).len() <= long.len() * 5, "{piece}");
    }
}
