//! How fast a gigabyte of lines is read. Prints; asserts nothing about time.

use std::io::Read;

use super::reading;
use crate::clock::Tick;
use crate::runtime::Splitter;

/// A stream that repeats a block of lines, without the disk.
struct Repeated {
    block: Vec<u8>,
    at: usize,
    left: usize,
}

impl Read for Repeated {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let length = into.len().min(self.left).min(self.block.len() - self.at);
        into[..length].copy_from_slice(&self.block[self.at..self.at + length]);
        self.at = (self.at + length) % self.block.len();
        self.left -= length;
        Ok(length)
    }
}

/// An assistant line of about 1 kB in the form of the captures.
fn assistant(number: usize) -> String {
    let text = "The model explains in some words what it has found, and \\\"quotes\\\" a little.\\n".repeat(5);
    format!(
        concat!(
            r#"{{"type":"assistant","message":{{"id":"msg_{number:020}","type":"message","role":"assistant","#,
            r#""model":"claude-opus-4-8","content":[{{"type":"text","text":"{text}"}}],"stop_reason":null,"#,
            r#""stop_sequence":null,"usage":{{"input_tokens":10,"cache_creation_input_tokens":0,"#,
            r#""cache_read_input_tokens":0,"output_tokens":1}},"context_management":null}},"#,
            r#""parent_tool_use_id":null,"session_id":"268b3761-e0f5-4872-9151-86410632db2d","#,
            r#""uuid":"27d1f3fa-ac45-4872-821a-16f17d2d58a1","request_id":"req_{number:020}"}}"#,
            "\n"
        ),
        number = number,
        text = text
    )
}

/// A tool call of about 1 kB and its answer, which are looked into.
fn tool(number: usize) -> String {
    let text = "some output of the tool, line after line\\n".repeat(18);
    format!(
        concat!(
            r#"{{"type":"assistant","message":{{"content":[{{"type":"tool_use","id":"toolu_{number}","name":"Bash","#,
            r#""input":{{"command":"{text}"}}}}]}},"session_id":"S"}}"#,
            "\n",
            r#"{{"type":"user","message":{{"content":[{{"tool_use_id":"toolu_{number}","type":"tool_result","#,
            r#""content":"{text}","is_error":false}}]}},"session_id":"S"}}"#,
            "\n"
        ),
        number = number,
        text = text
    )
}

#[test]
#[expect(clippy::disallowed_macros, reason = "a measurement is printed")]
#[ignore = "a measurement: cargo test --release speed_of_reading -- --ignored --nocapture"]
fn speed_of_reading() {
    let size = 1 << 30;
    for (what, line) in [("assistant", assistant as fn(usize) -> String), ("tool", tool)] {
        let block: String = (0..1000).map(line).collect();
        let mut stream = Repeated { block: block.into_bytes(), at: 0, left: size };
        let mut reading = reading("claude");
        let mut splitter = Splitter::new(0);
        let start = Tick::now();
        while splitter.fill(&mut stream).unwrap() > 0 {
            while let Some(line) = splitter.next_line() {
                reading.line(&line, start);
            }
        }
        let seconds = Tick::now().since(start).as_secs_f64();
        println!("{what}: {} events, {:.2} GB/s", reading.facts().events, size as f64 / 1e9 / seconds);
        assert_eq!(reading.facts().ignored.total(), 0);
    }
}
