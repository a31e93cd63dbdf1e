//! Records in columns, for people: which columns, how wide, which end of a cell gives way.
//! Called by `emit` alone. It never cuts an id, an outcome or a time: where the terminal is too narrow, whole columns go.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Between two columns.
const GAP: usize = 2;
/// On a terminal that is too narrow for anything, no column goes below this.
const LEAST: usize = 4;

/// How wide a table may be, and whether it is painted.
#[derive(Clone, Copy)]
pub(crate) struct Style {
    pub(crate) width: Option<usize>,
    pub(crate) colour: bool,
}

impl Style {
    pub(crate) const PLAIN: Self = Self { width: None, colour: false };

    pub(crate) fn of_stdout() -> Self {
        let stdout = std::io::stdout();
        let terminal = rustix::termios::isatty(&stdout);
        let columns = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok()).filter(|width| *width > 0);
        let window = rustix::termios::tcgetwinsize(&stdout).ok().map(|size| usize::from(size.ws_col));
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            width: if terminal { window.filter(|width| *width > 0).or(columns) } else { columns },
            colour: terminal && !no_colour,
        }
    }
}

/// What may be done to a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cells {
    /// Shown whole, or not at all.
    Whole,
    /// The same, with its ends in line: numbers and durations.
    Number,
    /// Cut at its end, but not below this width.
    Text(usize),
}

/// A column's cells, and its rank: the highest goes first where there is no room, 0 never.
fn shape(heading: &str) -> (Cells, u8) {
    use Cells::{Number, Text, Whole};
    match heading {
        "outcome" | "state" => (Whole, 0),
        "agent" | "name" => (Text(12), 0),
        "took" | "line" => (Number, 1),
        "started" | "sent" | "type" | "kind" => (Whole, 1),
        "from" | "to" => (Text(10), 1),
        "command" => (Text(12), 2),
        "task" => (Text(10), 2),
        "subject" | "text" | "message" | "why" => (Text(16), 2),
        "cause" | "run state" | "ends" => (Whole, 3),
        "events" => (Number, 3),
        "attempt" | "attempts" => (Number, 4),
        "retry at" | "until" | "stalled" => (Whole, 4),
        "run" | "turn" | "owner" | "set" => (Whole, 5),
        "cost" | "bytes" => (Number, 6),
        "parent" => (Text(8), 6),
        "runtime" | "hold" | "opened" | "ended" | "pid" => (Whole, 7),
        "session" => (Whole, 8),
        "logs" => (Text(30), 9),
        _ => (Text(8), 4),
    }
}

/// Rows of one type of record.
pub(crate) struct Table {
    pub(crate) kind: &'static str,
    headings: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

/// The columns of a table that was printed, for the rows that follow it later.
pub(crate) struct Layout {
    kind: &'static str,
    columns: Vec<Column>,
}

#[derive(Clone, Copy)]
struct Column {
    /// Its place among the cells of a row.
    at: usize,
    cells: Cells,
    rank: u8,
    width: usize,
}

impl Column {
    fn least(&self) -> usize {
        match self.cells {
            Cells::Whole | Cells::Number => self.width,
            Cells::Text(least) => self.width.min(least),
        }
    }
}

impl Table {
    pub(crate) const fn new(kind: &'static str, headings: Vec<&'static str>) -> Self {
        Self { kind, headings, rows: Vec::new() }
    }

    pub(crate) fn push(&mut self, row: Vec<String>) {
        self.rows.push(row);
    }

    /// The table as text, its heading left out where it goes on with what stands above it.
    pub(crate) fn render(&self, style: Style, above: Option<Layout>) -> (String, Layout) {
        let above = above.filter(|above| above.kind == self.kind);
        let goes_on = above.is_some();
        let mut columns = self.columns(above);
        if let Some(limit) = style.width {
            fit(&mut columns, limit, goes_on);
        }
        let mut text = String::new();
        if !goes_on {
            let headings: Vec<String> = self.headings.iter().map(|heading| heading.to_uppercase()).collect();
            text = paint(&line_of(&headings, &columns), style.colour, "1");
        }
        for row in &self.rows {
            let colour = row.iter().find_map(|cell| colour_of(cell));
            text.push_str(&paint(&line_of(row, &columns), style.colour && colour.is_some(), colour.unwrap_or("0")));
        }
        (text, Layout { kind: self.kind, columns })
    }

    /// Those that are not empty in every row, or those that stand above, as wide as they need to be.
    fn columns(&self, above: Option<Layout>) -> Vec<Column> {
        let widest = |at: usize| self.rows.iter().map(|row| row[at].width()).max().unwrap_or(0);
        if let Some(above) = above {
            let wider = |column: Column| Column { width: column.width.max(widest(column.at)), ..column };
            return above.columns.into_iter().map(wider).collect();
        }
        let filled = (0..self.headings.len()).filter(|&at| widest(at) > 0);
        filled
            .enumerate()
            .map(|(place, at)| {
                let (cells, rank) = shape(self.headings[at]);
                // The first names what the row is about.
                let (cells, rank) =
                    if place == 0 && self.headings[at] != "agent" { (first(cells), 0) } else { (cells, rank) };
                Column { at, cells, rank, width: widest(at).max(self.headings[at].width()) }
            })
            .collect()
    }
}

const fn first(cells: Cells) -> Cells {
    if matches!(cells, Cells::Number) { cells } else { Cells::Whole }
}

/// Makes the columns fit: those of the highest rank go, then the widest text gives way.
fn fit(columns: &mut Vec<Column>, limit: usize, keep_all: bool) {
    while !keep_all && total(columns, Column::least) > limit {
        let Some(rank) = columns.iter().map(|column| column.rank).max().filter(|rank| *rank > 0) else { break };
        if let Some(last) = columns.iter().rposition(|column| column.rank == rank) {
            columns.remove(last);
        }
    }
    while total(columns, |column| column.width) > limit {
        let elastic = columns.iter_mut().filter(|column| column.width > column.least());
        let Some(widest) = elastic.max_by_key(|column| column.width) else { break };
        widest.width -= 1;
    }
    while total(columns, |column| column.width) > limit {
        let Some(widest) = columns.iter_mut().filter(|column| column.width > LEAST).max_by_key(|column| column.width)
        else {
            return;
        };
        widest.width -= 1;
    }
}

fn total(columns: &[Column], width: impl Fn(&Column) -> usize) -> usize {
    columns.iter().map(width).sum::<usize>() + GAP * columns.len().saturating_sub(1)
}

fn line_of(cells: &[String], columns: &[Column]) -> String {
    let mut line = String::new();
    for column in columns {
        let cell = cut(&cells[column.at], column.width);
        let gap = column.width.saturating_sub(cell.width());
        let (before, after) = if column.cells == Cells::Number { (gap, GAP) } else { (0, gap + GAP) };
        line.extend(std::iter::repeat_n(' ', before));
        line.push_str(&cell);
        line.extend(std::iter::repeat_n(' ', after));
    }
    line.truncate(line.trim_end().len());
    line
}

/// The text, or its beginning and a sign that there is more.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    // What takes no room of its own must not make a line endless.
    for c in text.chars().take(4 * width) {
        if kept.width() + c.width().unwrap_or(0) + 1 > width {
            break;
        }
        kept.push(c);
    }
    kept.push('…');
    kept
}

fn paint(line: &str, colour: bool, code: &str) -> String {
    if colour { format!("\x1b[{code}m{line}\x1b[0m\n") } else { format!("{line}\n") }
}

/// Red for what failed, yellow for what waits for somebody, green for what went well, blue for what goes on.
fn colour_of(word: &str) -> Option<&'static str> {
    match word {
        "completed" => Some("32"),
        "limited" | "blocked" | "waiting" | "silent" => Some("33"),
        "failed" | "crashed" | "timed_out" | "stalled" | "killed" | "lost" | "no_result" | "auth" | "spawn_failed"
        | "aborted" | "stopped" => Some("31"),
        "running" | "starting" => Some("36"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(width: Option<usize>) -> String {
        let mut table = Table::new("x", vec!["turn", "agent", "outcome", "took", "runtime", "command"]);
        let row = |cells: [&str; 6]| cells.map(str::to_owned).to_vec();
        table.push(row(["t9", "lead", "completed", "3m05s", "claude", "claude --model large --verbose"]));
        table.push(row(["t10", "日本日本日本日本日本", "failed", "12.0s", "plain", "b"]));
        table.render(Style { width, colour: false }, None).0
    }

    #[test]
    fn columns_line_up_for_wide_characters_and_numbers_at_their_ends() {
        let lines = [
            "TURN  AGENT                 OUTCOME     TOOK  RUNTIME  COMMAND",
            "t9    lead                  completed  3m05s  claude   claude --model large --verbose",
            "t10   日本日本日本日本日本  failed     12.0s  plain    b",
        ];
        assert_eq!(table(None).lines().collect::<Vec<_>>(), lines);
    }

    #[test]
    fn text_gives_way_first_and_then_whole_columns() {
        let lines = [
            "TURN  AGENT              OUTCOME     TOOK  RUNTIME  COMMAND",
            "t9    lead               completed  3m05s  claude   claude --model l…",
            "t10   日本日本日本日本…  failed     12.0s  plain    b",
        ];
        assert_eq!(table(Some(69)).lines().collect::<Vec<_>>(), lines);
        assert_eq!(table(Some(50)).lines().next().unwrap(), "TURN  AGENT         OUTCOME     TOOK  COMMAND");
        assert_eq!(table(Some(36)).lines().next().unwrap(), "TURN  AGENT         OUTCOME     TOOK");
        for width in 20..90 {
            assert!(table(Some(width)).lines().all(|line| line.width() <= width), "{width}");
        }
    }

    #[test]
    fn rows_that_come_later_go_on_with_the_table() {
        let mut first = Table::new("x", vec!["line", "text"]);
        first.push(vec!["9".into(), "a".into()]);
        let (text, layout) = first.render(Style::PLAIN, None);
        assert_eq!(text, "LINE  TEXT\n   9  a\n");
        let mut more = Table::new("x", vec!["line", "text"]);
        more.push(vec!["10".into(), "longer".into()]);
        assert_eq!(more.render(Style::PLAIN, Some(layout)).0, "  10  longer\n");
    }
}
