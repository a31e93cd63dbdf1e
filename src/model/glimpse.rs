//! A file that somebody else writes, as one bounded look finds it: what it is, how it stands, what kind of text is in it.
//! `seam` looks, `judge` finds, `record` prints. Only data.

use crate::clock::Stamp;
use crate::words::words;

/// What one look finds at a path; of a file, what was read of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Glimpse<T> {
    /// Nothing, or a link that leads to nothing.
    Absent,
    /// Links that lead round in a circle.
    Loop,
    /// Something that is no file.
    NotFile(NotFile),
    /// The way there may not be searched.
    Denied,
    /// Another error.
    Failed,
    /// A regular file.
    File(Stand, T),
}

words! {
    /// What stands where a file should.
    pub enum NotFile {
        /// A folder.
        Folder = "folder",
        /// A FIFO.
        Fifo = "fifo",
        /// A socket.
        Socket = "socket",
        /// A device.
        Device = "device",
    }
}

/// What stat(2) tells of a file, as far as two looks are compared by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stand {
    /// Its length in bytes.
    pub size: u64,
    /// When it was last written.
    pub modified: Stamp,
    /// Device and inode, as `DEVICE:INODE`: a file that was put in its place has another.
    pub inode: String,
}

/// An earlier look, of which only how it stood is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Earlier {
    /// It was not there.
    Absent,
    /// It was there.
    File(Stand),
}

words! {
    /// A kind of text.
    pub enum ContentKind {
        /// One JSON document.
        Json = "json",
        /// A JSON document on each line.
        Jsonl = "jsonl",
        /// Comma-separated values.
        Csv = "csv",
        /// Any text.
        Text = "text",
        /// No text.
        Binary = "binary",
    }
}

/// What is in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// It may not be read.
    Denied,
    /// It could not be read.
    Failed,
    /// Nothing, or only blanks.
    Empty,
    /// Text, or not.
    Read(Reading),
}

/// What was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// What it is, or what it was said to be.
    pub kind: ContentKind,
    /// Whether it is whole.
    pub form: Form,
    /// Documents, rows or lines that are whole; none where the file is too long to count them.
    pub records: Option<u64>,
    /// Lines that are not what they should be, as far as they were read.
    pub bad_lines: u64,
    /// Values in the first row of comma-separated ones.
    pub columns: Option<u64>,
    /// The last line ends with its line feed.
    pub last_line_whole: bool,
    /// It was written each time it was read, or too lately to tell.
    pub restless: bool,
}

impl Form {
    /// Whether it may come of a read in the middle of a write, and not of what is written.
    #[must_use]
    pub const fn may_be_torn(self) -> bool {
        matches!(self, Self::Cut | Self::Other | Self::Several | Self::Binary)
    }
}

words! {
    /// Whether a text is what it should be.
    pub enum Form {
        /// It is.
        Good = "good",
        /// It ends in the middle of a record, after whole ones.
        LastCut = "last_cut",
        /// It ends in the middle of its first record.
        Cut = "cut",
        /// Some of its lines are not what they should be.
        SomeBad = "some_bad",
        /// It is something else.
        Other = "other",
        /// Two documents where there should be one.
        Several = "several",
        /// Too long to be read whole, which its kind demands.
        TooLong = "too_long",
        /// No text.
        Binary = "binary",
    }
}

/// What a result file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It may not be read.
    Denied,
    /// It could not be read.
    Failed,
    /// Longer than a result is.
    TooLong,
    /// It was written each time it was read.
    Restless,
    /// No status, and why.
    Nothing(Unsaid),
    /// This status.
    Status(String),
    /// A status, but not what was required.
    Without(String, Lack),
}

/// How a required value is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// It is not there, or null.
    Missing,
    /// It is another.
    Other,
}

words! {
    /// Why a result file says nothing.
    pub enum Unsaid {
        /// It is empty.
        Empty = "it is empty",
        /// Half a document.
        CutOff = "its JSON is cut off",
        /// Several documents.
        Several = "it is more than one JSON document",
        /// No JSON.
        NotJson = "it is not one JSON document",
        /// Some other JSON.
        NotAnObject = "it is not a JSON object",
        /// A status that is no text.
        StatusNotText = "its status is not text",
        /// No status.
        NoStatus = "it has no status",
    }
}
