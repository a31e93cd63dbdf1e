//! `--earlier -`: evidence of the same file that was printed before. It reads records, and no file.

use std::path::Path;

use refloat::clock::Stamp;
use refloat::error::Result;
use refloat::model::{Earlier, Reason, Stand};
use serde::Deserialize;

use super::Before;
use crate::lines::{self, Go};
use crate::tell::Teller;

/// What is read of a record; other keys, and other types, are passed over.
#[derive(Deserialize)]
struct Line {
    #[serde(rename = "type")]
    kind: String,
    subject_kind: Option<String>,
    subject: Option<String>,
    reason: Option<String>,
    observed_at: Option<Stamp>,
    detail: Option<Detail>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Detail {
    size: Option<u64>,
    modified_at: Option<Stamp>,
    inode: Option<String>,
}

/// The newest evidence of this file.
pub(super) fn read(teller: &mut Teller<'_>, file: &Path) -> Result<Option<Before>> {
    let subject = file.to_string_lossy();
    let mut newest = None;
    lines::each(|number, line| {
        match line.map_err(str::to_owned).and_then(|line| parse(line, &subject)) {
            Ok(found) => newest = newer(newest.take(), found),
            Err(why) => teller.refuse(number, &why),
        }
        Ok(Go::On)
    })?;
    let now = Stamp::now();
    // Two looks at one moment are one.
    Ok(newest.filter(|seen| seen.1 < now).map(|(look, at)| Before { look, ms: now.since(at) }))
}

type Seen = (Earlier, Stamp);

fn newer(one: Option<Seen>, other: Option<Seen>) -> Option<Seen> {
    one.into_iter().chain(other).max_by_key(|seen| seen.1)
}

/// The look that a line tells of, if it is one at this file.
fn parse(text: &str, subject: &str) -> Result<Option<Seen>, String> {
    let line: Line = serde_json::from_str(text).map_err(|_| "not a record".to_owned())?;
    let is_this = line.subject_kind.as_deref() == Some("output") && line.subject.as_deref() == Some(subject);
    if line.kind != "evidence" || !is_this {
        return Ok(None);
    }
    let at = line.observed_at.ok_or("evidence without observed_at")?;
    let detail = line.detail.unwrap_or_default();
    let look = match (detail.size, detail.modified_at, detail.inode) {
        (Some(size), Some(modified), Some(inode)) => Earlier::File(Stand { size, modified, inode }),
        _ if line.reason.as_deref() == Some(Reason::NoFile.word()) => Earlier::Absent,
        // It could not be looked at: that is no reading.
        _ => return Ok(None),
    };
    Ok(Some((look, at)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_look_at_this_file_another_record_or_none() {
        let good = r#"{"type":"evidence","v":1,"subject_kind":"output","subject":"f","reason":"readable","observed_at":"2026-11-20T07:31:02.123Z","detail":{"size":3,"modified_at":"2026-11-20T07:31:01.000Z","inode":"1:2","x":1}}"#;
        let at: Stamp = "2026-11-20T07:31:02.123Z".parse().unwrap();
        let stand = Stand { size: 3, modified: Stamp::from_millis(at.millis() - 1123), inode: "1:2".into() };
        assert_eq!(parse(good, "f"), Ok(Some((Earlier::File(stand), at))));
        let none = good.replace("readable", "no_file").replace("\"size\":3", "\"size\":null");
        assert_eq!(parse(&none, "f"), Ok(Some((Earlier::Absent, at))));
        for other in [
            good.replace("evidence", "judgement"),
            good.replace("\"output\"", "\"result\""),
            good.replace("\"f\"", "\"g\""),
            good.replace("\"size\":3", "\"size\":null"),
            r#"{"type":"probe.ended"}"#.to_owned(),
        ] {
            assert_eq!(parse(&other, "f"), Ok(None), "{other}");
        }
        for bad in ["x", "{", "[]", "{}", &good.replace("observed_at", "seen_at"), &good.replace(":3,", ":-3,")] {
            assert!(parse(bad, "f").is_err(), "{bad}");
        }
    }
}
