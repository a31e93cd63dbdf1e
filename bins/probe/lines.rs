//! Standard input, one subject per line. Called by the subcommands that take `-`. A bad line is handed on as what is wrong
//! with it, and the next one is read: nothing is kept, and no line is too long to be passed over.

use std::io::{BufRead, Read};

use refloat::error::{IoContext, Result};

/// No subject is longer, also within a record.
const LONGEST: u64 = 64 * 1024;

/// Hands on each line with its number, without the blanks around it, until `take` says that it is enough.
pub(crate) fn each(mut take: impl FnMut(u64, Result<&str, &str>) -> Result<Go>) -> Result<()> {
    let mut input = std::io::stdin().lock();
    let mut bytes = Vec::new();
    for number in 1.. {
        bytes.clear();
        if read(&mut input, &mut bytes, LONGEST)? == 0 {
            break;
        }
        let line = match std::str::from_utf8(bytes.trim_ascii()) {
            _ if is_cut(&bytes) => Err("the line is too long"),
            Ok("") => Err("the line is empty"),
            Ok(line) => Ok(line),
            Err(_) => Err("the line is not UTF-8"),
        };
        if take(number, line)? == Go::Enough {
            break;
        }
        while is_cut(&bytes) {
            bytes.clear();
            read(&mut input, &mut bytes, LONGEST)?;
        }
    }
    Ok(())
}

/// Whether there is more to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Go {
    On,
    Enough,
}

fn read(input: &mut impl BufRead, bytes: &mut Vec<u8>, most: u64) -> Result<usize> {
    input.take(most).read_until(b'\n', bytes).or_fail(|| "cannot read standard input".into())
}

fn is_cut(bytes: &[u8]) -> bool {
    bytes.len() as u64 == LONGEST && !bytes.ends_with(b"\n")
}
