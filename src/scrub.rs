//! Takes secrets out of text before it is kept: keys, tokens, passwords, by their form.
//! Called for crash records and last errors. It must never panic (the panic hook calls it), and it is linear: each
//! byte is looked at a bounded number of times, whatever the text. Written by hand and not as patterns for a regex
//! crate for both reasons, and because a table of prefixes is all that most of it is.

use memchr::memmem;

/// What stands in a secret's place.
const GONE: &[u8] = b"[redacted]";

/// What secrets of known programs begin with, and how many characters at least follow.
const PREFIXES: &[(&str, usize)] = &[
    ("sk-", 16),         // Anthropic (sk-ant-), OpenAI (sk-, sk-proj-), OpenRouter (sk-or-), DeepSeek
    ("csk-", 16),        // Cerebras
    ("sk_live_", 10),    // Stripe
    ("sk_test_", 10),    // Stripe
    ("rk_live_", 10),    // Stripe
    ("AIza", 30),        // Google
    ("ya29.", 16),       // Google OAuth
    ("gsk_", 16),        // Groq
    ("xai-", 16),        // xAI
    ("pplx-", 16),       // Perplexity
    ("hf_", 16),         // Hugging Face
    ("r8_", 16),         // Replicate
    ("AKIA", 16),        // AWS
    ("ASIA", 16),        // AWS, temporary
    ("ghp_", 20),        // GitHub
    ("gho_", 20),        // GitHub
    ("ghu_", 20),        // GitHub
    ("ghs_", 20),        // GitHub
    ("ghr_", 20),        // GitHub
    ("github_pat_", 20), // GitHub
    ("glpat-", 16),      // GitLab
    ("xoxa-", 10),       // Slack
    ("xoxb-", 10),       // Slack
    ("xoxp-", 10),       // Slack
    ("xoxr-", 10),       // Slack
    ("xoxs-", 10),       // Slack
    ("xapp-", 10),       // Slack
    ("npm_", 20),        // npm
    ("pypi-", 20),       // PyPI
    ("SG.", 20),         // SendGrid
];

/// A name that ends so holds a secret: what is assigned to it goes. Compared without `-` and `_`, in lower case.
const NAMES: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "apikey",
    "accesskey",
    "secretkey",
    "privatekey",
    "credential",
    "credentials",
];

/// The text without what looks like a secret.
#[must_use]
pub(crate) fn scrub(text: &str) -> String {
    let text = without_key_blocks(text.as_bytes());
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        match secret(&text, at) {
            // What it begins with stays: it says what kind of secret it was.
            Some((from, to)) if to > from => {
                out.extend_from_slice(part(&text, at, from));
                out.extend_from_slice(GONE);
                at = to;
            }
            _ => {
                out.push(text[at]);
                at += 1;
            }
        }
    }
    // Cut at ASCII bytes only, so that it is UTF-8 still.
    String::from_utf8_lossy(&out).into_owned()
}

/// Private keys go, from their first line to their last; where one of the two is missing, to the end of the text.
fn without_key_blocks(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    let ends = memmem::Finder::new(b"PRIVATE KEY-----");
    while let Some(found) = ends.find(rest) {
        let (before, after) = rest.split_at(found + ends.needle().len());
        if memmem::find(line_end(before), b"-----END").is_some() {
            // Its first line is not here any more.
            out.clear();
            out.extend_from_slice(GONE);
            rest = after;
            continue;
        }
        out.extend_from_slice(before.get(..found).unwrap_or_default());
        let line = line_end(&out);
        let cut = memmem::rfind(line, b"-----BEGIN").map_or(0, |dashes| line.len() - dashes);
        out.truncate(out.len() - cut);
        out.extend_from_slice(GONE);
        rest = ends.find(after).map_or(&[][..], |last| &after[last + ends.needle().len()..]);
    }
    out.extend_from_slice(rest);
    out
}

/// The end of a text's last line, as far back as a key's first or last line reaches.
fn line_end(text: &[u8]) -> &[u8] {
    let near = &text[text.len().saturating_sub(80)..];
    &near[memchr::memrchr(b'\n', near).map_or(0, |newline| newline + 1)..]
}

/// The secret that begins at this place, or that what begins here leads to: from where to where.
fn secret(text: &[u8], at: usize) -> Option<(usize, usize)> {
    if text[at] == b':' && text[at..].starts_with(b"://") {
        return in_url(text, at + 3);
    }
    // Only at the beginning of a word.
    if !is_word(text[at]) || at > 0 && is_word(text[at - 1]) {
        return None;
    }
    prefixed(text, at).or_else(|| jwt(text, at)).or_else(|| own_token(text, at)).or_else(|| named(text, at))
}

/// A key with the prefix of its maker.
fn prefixed(text: &[u8], at: usize) -> Option<(usize, usize)> {
    let (prefix, least) = PREFIXES.iter().find(|(prefix, _)| text[at..].starts_with(prefix.as_bytes()))?;
    let from = at + prefix.len();
    let to = run(text, from, is_key);
    (to - from >= *least).then_some((from, to))
}

/// A JSON Web Token: the base64 of `{"`, and two dots.
fn jwt(text: &[u8], at: usize) -> Option<(usize, usize)> {
    if !text[at..].starts_with(b"eyJ") {
        return None;
    }
    let to = run(text, at, |byte| is_word(byte) || byte == b'.');
    let dots = part(text, at, to).iter().filter(|byte| **byte == b'.').count();
    (dots >= 2 && to - at >= 20).then_some((at + 3, to))
}

/// refloat's own token: a random UUID without its dashes.
fn own_token(text: &[u8], at: usize) -> Option<(usize, usize)> {
    let to = run(text, at, |byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    let word = part(text, at, to);
    let alone = text.get(to).is_none_or(|byte| !is_word(*byte));
    (alone && word.len() == 32 && word[12] == b'4' && b"89ab".contains(&word[16])).then_some((at, to))
}

/// What follows a name that stands for a secret: `password=…`, `"api_key": "…"`, `--token …`, `Bearer …`.
fn named(text: &[u8], at: usize) -> Option<(usize, usize)> {
    let end = run(text, at, is_word);
    let name: Vec<u8> =
        part(text, at, end).iter().filter(|byte| !b"-_".contains(byte)).map(u8::to_ascii_lowercase).collect();
    let blank = |from| run(text, from, |byte| byte == b' ' || byte == b'\t');
    if name == b"bearer" {
        let from = blank(end);
        let to = run(text, from, |byte| is_key(byte) || b"+/=~".contains(&byte));
        return (to - from >= 8).then_some((from, to));
    }
    let header = name.ends_with(b"authorization") || name.ends_with(b"cookie");
    if !header && !NAMES.iter().any(|ending| name.ends_with(ending.as_bytes())) {
        return None;
    }
    let quoted = run(text, end, |byte| b"\"'\\".contains(&byte));
    let sign = blank(quoted);
    let flag = part(text, at, end).starts_with(b"-");
    let from = match text.get(sign) {
        Some(b'=' | b':') => blank(run(text, sign, |byte| b"=:".contains(&byte))),
        // A flag and its value are two words.
        Some(_) if flag && sign > end => sign,
        _ => return None,
    };
    let from = run(text, from, |byte| b"\"'\\".contains(&byte));
    if text.get(from..).is_some_and(|rest| rest.starts_with(GONE)) {
        return None;
    }
    let open = text.get(from.wrapping_sub(1)).copied().filter(|byte| b"\"'".contains(byte));
    let to = match open {
        // To the quote, with what is behind a backslash.
        Some(quote) => run(text, from, |byte| byte != quote && byte != b'\n'),
        None if header => run(text, from, |byte| byte != b'\n' && byte != b'\r'),
        None => run(text, from, |byte| !byte.is_ascii_whitespace() && !b",;&|)]}<>\"'".contains(&byte)),
    };
    Some((from, to))
}

/// The password in `scheme://user:password@host`, or a long name without one, which is a token.
fn in_url(text: &[u8], from: usize) -> Option<(usize, usize)> {
    let end = run(text, from, |byte| !byte.is_ascii_whitespace() && !b"/?#\"'<>".contains(&byte));
    let authority = part(text, from, end);
    let at = memchr::memrchr(b'@', authority)?;
    match memchr::memchr(b':', &authority[..at]) {
        Some(colon) => Some((from + colon + 1, from + at)),
        None => (at >= 20).then_some((from, from + at)),
    }
}

/// The end of the run of such bytes that begins here.
fn run(text: &[u8], from: usize, of: impl Fn(u8) -> bool) -> usize {
    text.iter().skip(from).position(|byte| !of(*byte)).map_or(text.len(), |length| from + length)
}

fn part(text: &[u8], from: usize, to: usize) -> &[u8] {
    text.get(from..to).unwrap_or_default()
}

/// Part of a name: `-` too, so that the middle of a word is not taken for its beginning.
const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

const fn is_key(byte: u8) -> bool {
    is_word(byte) || byte == b'.'
}

#[cfg(test)]
#[path = "scrub_tests.rs"]
mod tests;
