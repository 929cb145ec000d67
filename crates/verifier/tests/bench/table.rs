//! Tables in Markdown.

use std::fmt::Write as _;

pub(crate) struct Table(String);

impl Table {
    pub(crate) fn new(head: &[&str]) -> Self {
        let mut table = Self(String::new());
        table.row(head);
        table.0.push('|');
        for column in 0..head.len() {
            table.0.push_str(if column == 0 { "---|" } else { "--:|" });
        }
        table.0.push('\n');
        table
    }

    pub(crate) fn row(&mut self, cells: &[impl AsRef<str>]) {
        for cell in cells {
            let _ = write!(self.0, "| {} ", cell.as_ref());
        }
        self.0.push_str("|\n");
    }

    pub(crate) fn text(self) -> String {
        self.0
    }
}
