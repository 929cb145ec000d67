//! Tables with aligned columns that fit the terminal.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::text::plain;

/// What stands between two columns.
const GAP: &str = "  ";

/// What a column does where there is too little room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// It stays as it is: somebody wants to copy it.
    Whole,
    /// It is shortened, down to this many columns.
    Shrinks(usize),
    /// It is left out. The highest number goes first.
    Goes(u8),
}

/// How a cell looks where colours are shown. It says nothing that its words do not say too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paint {
    Plain,
    Green,
    Yellow,
    Red,
}

impl Paint {
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Green => "\u{1b}[32m",
            Self::Yellow => "\u{1b}[33m",
            Self::Red => "\u{1b}[31m",
        }
    }

    /// The text, coloured if that is wanted.
    pub(super) fn on(self, text: &str, colour: bool) -> String {
        if colour && self != Self::Plain {
            format!("{}{text}\u{1b}[0m", self.code())
        } else {
            text.to_owned()
        }
    }
}

/// A table.
#[derive(Debug)]
pub(super) struct Table {
    columns: Vec<(&'static str, Fit)>,
    rows: Vec<Vec<(String, Paint)>>,
}

impl Table {
    pub(super) fn new(columns: &[(&'static str, Fit)]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row; its texts are made safe to show.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = (String, Paint)>) {
        self.rows.push(cells.into_iter().map(|(text, paint)| (plain(&text).into_owned(), paint)).collect());
    }

    /// The table as lines of text, no wider than `width` unless a whole column alone is.
    pub(super) fn render(&self, width: Option<usize>, colour: bool) -> String {
        let natural: Vec<usize> = (0..self.columns.len()).map(|index| self.natural_width(index)).collect();
        let widths = self.widths(natural, width.unwrap_or(usize::MAX));
        let header = self.columns.iter().map(|(title, _)| ((*title).to_owned(), Paint::Plain)).collect();
        let lines = std::iter::once(&header).chain(&self.rows);
        lines.map(|row| line(row, &widths, colour)).collect()
    }

    fn natural_width(&self, index: usize) -> usize {
        let title = self.columns.get(index).map_or(0, |(title, _)| title.width());
        let cells = self.rows.iter().filter_map(|row| row.get(index)).map(|(text, _)| text.width());
        cells.chain([title]).max().unwrap_or_default()
    }

    /// How wide each column is. `None`: it is left out.
    fn widths(&self, natural: Vec<usize>, room: usize) -> Vec<Option<usize>> {
        let mut kept: Vec<Option<usize>> = natural.into_iter().map(Some).collect();
        loop {
            let shrunk = self.shrunk(kept.clone(), room);
            if excess(&shrunk, room).is_none() {
                return shrunk;
            }
            let Some(first_to_go) = self.first_to_go(&mut kept) else { return shrunk };
            *first_to_go = None;
        }
    }

    /// Takes what is too much from the columns that can be shortened, the widest first.
    fn shrunk(&self, mut widths: Vec<Option<usize>>, room: usize) -> Vec<Option<usize>> {
        while let Some(excess) = excess(&widths, room) {
            let shrinkable = self.columns.iter().zip(&mut widths).filter_map(|((_, fit), width)| match fit {
                Fit::Shrinks(least) => {
                    width.as_mut().filter(|width| **width > *least).map(|width| (width, *least))
                }
                Fit::Whole | Fit::Goes(_) => None,
            });
            let Some((widest, least)) = shrinkable.max_by_key(|(width, _)| **width) else { break };
            *widest = widest.saturating_sub(excess).max(least);
        }
        widths
    }

    fn first_to_go<'a>(&self, widths: &'a mut [Option<usize>]) -> Option<&'a mut Option<usize>> {
        let going = self.columns.iter().zip(widths).filter_map(|((_, fit), width)| match fit {
            Fit::Goes(order) if width.is_some() => Some((order, width)),
            _ => None,
        });
        going.max_by_key(|(order, _)| **order).map(|(_, width)| width)
    }
}

/// By how much the table is too wide.
fn excess(widths: &[Option<usize>], room: usize) -> Option<usize> {
    let shown = widths.iter().flatten();
    let gaps = shown.clone().count().saturating_sub(1) * GAP.len();
    let total = shown.sum::<usize>() + gaps;
    total.checked_sub(room).filter(|excess| *excess > 0)
}

fn line(row: &[(String, Paint)], widths: &[Option<usize>], colour: bool) -> String {
    let mut line = String::new();
    let mut padding = 0;
    for ((text, paint), width) in row.iter().zip(widths).filter_map(|(cell, width)| Some((cell, (*width)?))) {
        if !text.is_empty() {
            // Written before a text only: no line ends in spaces.
            line.push_str(&" ".repeat(std::mem::take(&mut padding)));
        }
        let text = shortened(text, width);
        line.push_str(&paint.on(&text, colour));
        padding += width.saturating_sub(text.width()) + GAP.len();
    }
    line.push('\n');
    line
}

/// The text, cut so that it takes at most `width` columns.
fn shortened(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut left = width.saturating_sub(1);
    let fits = |c: &char| {
        let rest = left.checked_sub(c.width().unwrap_or_default());
        left = rest.unwrap_or_default();
        rest.is_some()
    };
    text.chars().take_while(fits).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Table {
        let mut table = Table::new(&[
            ("NAME", Fit::Shrinks(6)),
            ("STATUS", Fit::Whole),
            ("LAST USED", Fit::Goes(1)),
            ("SCOPES", Fit::Goes(2)),
        ]);
        let plain = |text: &str| (text.to_owned(), Paint::Plain);
        table.row([
            plain("ci-pipeline-prod"),
            ("active".to_owned(), Paint::Green),
            plain("never"),
            plain("products:read"),
        ]);
        table.row([plain("漢字"), ("revoked".to_owned(), Paint::Red), plain("3 days ago"), plain("")]);
        table
    }

    #[test]
    fn columns_are_aligned_by_what_is_seen() {
        let shown = sample().render(None, false);
        assert_eq!(
            shown,
            "NAME              STATUS   LAST USED   SCOPES\n\
             ci-pipeline-prod  active   never       products:read\n\
             漢字              revoked  3 days ago\n"
        );
    }

    #[test]
    fn it_fits_a_narrow_terminal() {
        for width in 15..60 {
            for line in sample().render(Some(width), false).lines() {
                assert!(line.width() <= width, "{width}: {line}");
            }
        }
        assert_eq!(
            sample().render(Some(32), false),
            "NAME         STATUS   LAST USED\n\
             ci-pipelin…  active   never\n\
             漢字         revoked  3 days ago\n"
        );
        assert_eq!(sample().render(Some(15), false), "NAME    STATUS\nci-pi…  active\n漢字    revoked\n");
    }

    #[test]
    fn colour_is_no_part_of_the_width() {
        let coloured = sample().render(None, true);
        assert!(coloured.contains("\u{1b}[32mactive\u{1b}[0m   never"), "{coloured:?}");
        let bare = coloured.replace("\u{1b}[32m", "").replace("\u{1b}[31m", "").replace("\u{1b}[0m", "");
        assert_eq!(bare, sample().render(None, false));
    }

    #[test]
    fn a_name_cannot_steer_the_terminal() {
        let mut table = Table::new(&[("NAME", Fit::Whole)]);
        table.row([("a\u{1b}[2J\nb".to_owned(), Paint::Plain)]);
        assert_eq!(table.render(None, true), "NAME\na\\u{1b}[2J\\nb\n");
    }
}
