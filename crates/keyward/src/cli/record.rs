//! One thing with many sides: a label and a value on each line.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr as _;

use super::text::plain;

/// The lines of a record.
#[derive(Debug, Default)]
pub(crate) struct Record(Vec<(&'static str, String)>);

impl Record {
    /// Adds a line; its value is made safe to show.
    pub(crate) fn line(&mut self, label: &'static str, value: impl AsRef<str>) {
        self.0.push((label, plain(value.as_ref()).into_owned()));
    }

    /// Adds a line if there is a value.
    pub(crate) fn line_if(&mut self, label: &'static str, value: Option<impl AsRef<str>>) {
        if let Some(value) = value {
            self.line(label, value);
        }
    }

    /// Adds a line for each value, or one that says there is none.
    pub(super) fn lines(
        &mut self,
        label: &'static str,
        values: impl IntoIterator<Item = String>,
        none: &str,
    ) {
        let before = self.0.len();
        self.lines_if(label, values);
        if self.0.len() == before {
            self.line(label, none);
        }
    }

    /// Adds a line for each value, if there are any.
    pub(super) fn lines_if(&mut self, label: &'static str, values: impl IntoIterator<Item = String>) {
        let before = self.0.len();
        for value in values {
            let label = if self.0.len() == before { label } else { "" };
            self.line(label, value);
        }
    }

    /// Adds a line if one value turned into another.
    pub(super) fn turned(&mut self, label: &'static str, before: &str, after: &str) {
        if before != after {
            self.line(label, format!("{before} → {after}"));
        }
    }

    /// As [`Self::turned`], where there may be no value.
    pub(super) fn turned_or_none(&mut self, label: &'static str, before: Option<&str>, after: Option<&str>) {
        self.turned(label, before.unwrap_or("none"), after.unwrap_or("none"));
    }

    /// Adds a line for each value that went or came.
    pub(super) fn moved(&mut self, label: &'static str, before: &[String], after: &[String]) {
        let gone = before.iter().filter(|value| !after.contains(value)).map(|value| format!("- {value}"));
        let new = after.iter().filter(|value| !before.contains(value)).map(|value| format!("+ {value}"));
        self.lines_if(label, gone.chain(new));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As [`Self::render`], below a sentence that it belongs to.
    pub(super) fn render_indented(&self) -> String {
        self.render().lines().flat_map(|line| ["  ", line, "\n"]).collect()
    }

    pub(crate) fn render(&self) -> String {
        let width = self.0.iter().map(|(label, _)| label.width()).max().unwrap_or_default();
        self.0.iter().fold(String::new(), |mut text, (label, value)| {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{label:width$}  {value}");
            text
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_aligned_and_a_list_takes_a_line_each() {
        let mut record = Record::default();
        record.line("Name", "ci\u{1b}");
        record.lines("Scopes", ["a:read".to_owned(), "a:write".to_owned()], "none");
        record.lines("Rules", [], "none");
        record.line_if("Revoked", None::<&str>);
        assert_eq!(record.render(), "Name    ci\\u{1b}\nScopes  a:read\n        a:write\nRules   none\n");
    }

    #[test]
    fn what_stayed_is_not_told() {
        let mut record = Record::default();
        let [a, b, c] = ["a", "b", "c"].map(str::to_owned);
        record.turned("name", "ci", "ci");
        record.moved("scopes", std::slice::from_ref(&a), std::slice::from_ref(&a));
        assert!(record.is_empty());
        record.turned("name", "ci", "cd");
        record.moved("scopes", &[a.clone(), b], &[c, a]);
        assert_eq!(record.render(), "name    ci → cd\nscopes  - b\n        + c\n");
    }
}
