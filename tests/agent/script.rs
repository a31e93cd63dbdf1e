//! From the text of a script to the text of its steps.

use anyhow::{Context, Result, bail};

/// The steps that take a block in braces, which in a script file may go on over several lines.
const WITH_BLOCK: [&str; 3] = ["spawn", "on", "repeat"];

/// The steps of `inline:…` or of the script file at this path.
pub(crate) fn read(source: &str) -> Result<Vec<String>> {
    if let Some(text) = source.strip_prefix("inline:") {
        return split(text);
    }
    let text = std::fs::read_to_string(source).with_context(|| format!("read {source}"))?;
    file_steps(&text)
}

/// One step per line; a line that opens a block goes on until the block is closed.
fn file_steps(text: &str) -> Result<Vec<String>> {
    let mut steps: Vec<String> = Vec::new();
    let mut open = 0;
    for line in text.lines() {
        if open > 0 {
            if let Some(step) = steps.last_mut() {
                step.push('\n');
                step.push_str(line);
            }
        } else if is_step(line) {
            steps.push(line.trim_start().to_owned());
        } else {
            continue;
        }
        let block = steps.last().is_some_and(|step| step.split_whitespace().next().is_some_and(takes_block));
        open = if block { open + depth(line) } else { 0 };
    }
    if open > 0 {
        bail!("a block is not closed: {}", steps.last().map_or("", String::as_str));
    }
    Ok(steps)
}

/// Splits at `;` and at line ends, but not inside braces.
pub(crate) fn split(text: &str) -> Result<Vec<String>> {
    let mut steps = vec![String::new()];
    let mut open = 0_i32;
    for c in text.chars() {
        open += depth_of(c);
        if open < 0 {
            bail!("a brace too many: {text}");
        }
        match (c, steps.last_mut()) {
            (';' | '\n', _) if open == 0 => steps.push(String::new()),
            (c, Some(step)) => step.push(c),
            (_, None) => {}
        }
    }
    if open > 0 {
        bail!("a block is not closed: {text}");
    }
    Ok(steps.iter().filter(|step| is_step(step)).map(|step| step.trim().to_owned()).collect())
}

/// The steps of a block, given with its braces.
pub(crate) fn block(text: &str) -> Result<Vec<String>> {
    let inner = text.trim().strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    split(inner.with_context(|| format!("expected {{ step; step }}, got '{text}'"))?)
}

/// The bytes of a text with `\n \r \t \e \0 \\ \xNN` in it.
pub(crate) fn unescape(text: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        bytes.push(match rest.next() {
            Some('n') => b'\n',
            Some('r') => b'\r',
            Some('t') => b'\t',
            Some('e') => 0x1b,
            Some('0') => 0,
            Some('\\') => b'\\',
            Some('x') => {
                let digits: String = rest.by_ref().take(2).collect();
                u8::from_str_radix(&digits, 16).with_context(|| format!("\\x{digits} is not a byte"))?
            }
            other => bail!("unknown escape \\{} in '{text}'", other.map_or(String::new(), String::from)),
        });
    }
    Ok(bytes)
}

fn takes_block(word: &str) -> bool {
    WITH_BLOCK.contains(&word)
}

fn is_step(text: &str) -> bool {
    let text = text.trim();
    !text.is_empty() && !text.starts_with('#')
}

fn depth(line: &str) -> i32 {
    line.chars().map(depth_of).sum()
}

fn depth_of(c: char) -> i32 {
    match c {
        '{' => 1,
        '}' => -1,
        _ => 0,
    }
}
