//! Shortens the long strings of a JSON line while it passes, in place: the rest of a line too long for the
//! buffer stays JSON. Called by `Splitter` for such lines only. Must never need more than the line's bytes so far.

use memchr::memchr2;

/// Bytes of a string's content that are kept, before the rest of its last character or escape.
pub(super) const KEPT: usize = 64 * 1024;
/// The longest rest of a character or escape (a surrogate pair), with which dropping begins at the latest.
const REST: usize = 12;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Outside,
    Inside,
    Escape,
    Hex { left: u8, code: u16 },
    Dropping,
    DroppingEscape,
}

/// Where in the JSON text the line is, between two calls.
#[derive(Debug)]
pub(super) struct Shortener {
    state: State,
    /// Bytes of this string kept so far.
    kept: usize,
    /// The last escape was the first half of a surrogate pair.
    half_pair: bool,
}

impl Shortener {
    pub(super) fn new() -> Self {
        Self { state: State::Outside, kept: 0, half_pair: false }
    }

    /// Shortens `buffer[from..to]` towards `from`, and says where the kept bytes end.
    pub(super) fn pass(&mut self, buffer: &mut [u8], from: usize, to: usize) -> usize {
        let (mut read, mut written) = (from, from);
        while read < to {
            if self.state == State::Dropping {
                read += memchr2(b'"', b'\\', &buffer[read..to]).unwrap_or(to - read);
                if read == to {
                    break;
                }
            }
            let byte = buffer[read];
            if self.keeps(byte) {
                buffer[written] = byte;
                written += 1;
            }
            read += 1;
        }
        written
    }

    /// Takes the next byte, and says whether it stays.
    fn keeps(&mut self, byte: u8) -> bool {
        let (state, stays) = match self.state {
            State::Outside if byte == b'"' => {
                (self.kept, self.half_pair) = (0, false);
                (State::Inside, true)
            }
            State::Outside => (State::Outside, true),
            State::Inside | State::Dropping if byte == b'"' => (State::Outside, true),
            State::Inside if self.may_cut(byte) => (dropping(byte), false),
            State::Inside if byte == b'\\' => (State::Escape, true),
            State::Inside => {
                self.half_pair = false;
                (State::Inside, true)
            }
            State::Escape if byte == b'u' => (State::Hex { left: 4, code: 0 }, true),
            State::Escape => {
                self.half_pair = false;
                (State::Inside, true)
            }
            State::Hex { left, code } => (self.hex(left, code, byte), true),
            State::Dropping => (dropping(byte), false),
            State::DroppingEscape => (State::Dropping, false),
        };
        self.kept += usize::from(stays);
        self.state = state;
        stays
    }

    /// Whether the string may end before this byte: between two characters, not between two halves of a pair.
    fn may_cut(&self, byte: u8) -> bool {
        let within = byte & 0xC0 == 0x80 || (self.half_pair && byte == b'\\');
        self.kept > KEPT && (!within || self.kept > KEPT + REST)
    }

    fn hex(&mut self, left: u8, code: u16, byte: u8) -> State {
        let digit = char::from(byte).to_digit(16).and_then(|digit| u16::try_from(digit).ok()).unwrap_or(0);
        let code = code << 4 | digit;
        if left > 1 {
            return State::Hex { left: left - 1, code };
        }
        self.half_pair = (0xD800..0xDC00).contains(&code);
        State::Inside
    }
}

fn dropping(byte: u8) -> State {
    if byte == b'\\' { State::DroppingEscape } else { State::Dropping }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Passes the text in pieces, as it would come.
    fn shortened(text: &str, piece: usize) -> String {
        let mut shortener = Shortener::new();
        let mut kept = Vec::new();
        for piece in text.as_bytes().chunks(piece) {
            let mut buffer = piece.to_vec();
            let end = shortener.pass(&mut buffer, 0, piece.len());
            kept.extend_from_slice(&buffer[..end]);
        }
        String::from_utf8(kept).expect("UTF-8")
    }

    #[test]
    fn stays_json_wherever_the_cut_falls() {
        for unit in ["a", "é", "日", "😀", r"\n", r#"\""#, r"\\", r"\u00e9", r"\ud83d\ude00", r"x\ud83d\ude00é\\"]
        {
            for shift in 0..24 {
                let long = "s".repeat(shift) + &unit.repeat(3 * KEPT / unit.len());
                let text = format!(r#"{{"type":"result","result":"{long}","is_error":false,"short":"\"x\""}}"#);
                let short = shortened(&text, 1000 + shift);
                let value: serde_json::Value =
                    serde_json::from_str(&short).unwrap_or_else(|e| panic!("{unit} {shift}: {e}"));
                assert_eq!(value["is_error"], false);
                assert_eq!(value["short"], "\"x\"");
                assert!(short.len() < KEPT + 200 && short.len() > KEPT, "{}", short.len());
                let whole: serde_json::Value = serde_json::from_str(&text).unwrap();
                assert!(whole["result"].as_str().unwrap().starts_with(value["result"].as_str().unwrap()));
            }
        }
    }

    #[test]
    fn short_strings_stay_whole() {
        let text = format!(r#"{{"a":"{}","b":[1,2,{{"c":"\\"}}]}}"#, "x".repeat(KEPT));
        assert_eq!(shortened(&text, 77), text);
    }
}
