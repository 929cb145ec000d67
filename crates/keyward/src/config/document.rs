//! A TOML file read by hand, so that each mistake names its file, line and key.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::mistake::{Mistake, did_you_mean, quote};
use super::origin::Origin;

/// The text of a file, and its name for people.
#[derive(Debug, Clone, Copy)]
pub(super) struct File<'a> {
    pub(super) name: &'a str,
    pub(super) text: &'a str,
}

impl<'a> File<'a> {
    /// Reads the text as TOML. Messages name the line, and never show it: it may hold a secret.
    pub(super) fn parse(self) -> Result<Spanned<DeTable<'a>>, Mistake> {
        DeTable::parse(self.text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            Mistake::new(self.origin(&(start..start)), "", format!("not TOML: {}", error.message()))
        })
    }

    fn origin(self, span: &Range<usize>) -> Origin {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = 1 + before.bytes().filter(|&byte| byte == b'\n').count();
        Origin::File { path: self.name.to_owned(), line }
    }
}

/// A table of the file.
#[derive(Debug, Clone)]
pub(super) struct Table<'a> {
    file: File<'a>,
    key: String,
    span: Range<usize>,
    entries: &'a DeTable<'a>,
}

/// A value of the file.
#[derive(Debug, Clone)]
pub(super) struct Field<'a> {
    file: File<'a>,
    key: String,
    span: Range<usize>,
    value: &'a DeValue<'a>,
}

impl<'a> Table<'a> {
    /// The table that is the whole file.
    pub(super) fn root(file: File<'a>, document: &'a Spanned<DeTable<'a>>) -> Self {
        Self { file, key: String::new(), span: 0..0, entries: document.get_ref() }
    }

    /// Refuses keys other than `known`: a mistyped one would otherwise be passed over in silence.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Mistake> {
        let unknown = self.fields().find(|field| !known.contains(&field.name()));
        unknown.map_or(Ok(()), |field| Err(field.unknown(known)))
    }

    /// All values, in the order of the file.
    pub(super) fn fields(&self) -> impl Iterator<Item = Field<'a>> {
        self.named_fields().map(|(_, field)| field)
    }

    /// As [`Self::fields`], each with its whole name: one in quotes may have dots in it.
    pub(super) fn named_fields(&self) -> impl Iterator<Item = (&'a str, Field<'a>)> {
        let mut entries: Vec<_> = self.entries.iter().collect();
        entries.sort_by_key(|(name, _)| name.span().start);
        entries.into_iter().map(|(name, value)| (&**name.get_ref(), self.field(name, value)))
    }

    /// The value of a key that may be left out.
    pub(super) fn optional(&self, name: &str) -> Option<Field<'a>> {
        let (key, value) = self.entries.iter().find(|(key, _)| **key.get_ref() == *name)?;
        Some(self.field(key, value))
    }

    /// The value of a key that must be there.
    pub(super) fn required(&self, name: &str) -> Result<Field<'a>, Mistake> {
        self.optional(name).ok_or_else(|| {
            Mistake::new(self.file.origin(&self.span), self.key_of(name), "this key is missing; add it")
        })
    }

    /// A mistake of the table as a whole.
    pub(super) fn wrong(&self, problem: impl Into<String>) -> Mistake {
        Mistake::new(self.file.origin(&self.span), self.key.clone(), problem)
    }

    fn field(&self, name: &Spanned<std::borrow::Cow<'a, str>>, value: &'a Spanned<DeValue<'a>>) -> Field<'a> {
        // A value may be an array of many lines; the line that people look for is that of its key.
        Field { file: self.file, key: self.key_of(name.get_ref()), span: name.span(), value: value.get_ref() }
    }

    fn key_of(&self, name: &str) -> String {
        if self.key.is_empty() { name.to_owned() } else { format!("{}.{name}", self.key) }
    }
}

impl<'a> Field<'a> {
    /// The last part of its key.
    pub(super) fn name(&self) -> &str {
        self.key.rsplit('.').next().unwrap_or_default()
    }

    /// Where it is.
    pub(super) fn origin(&self) -> Origin {
        self.file.origin(&self.span)
    }

    /// A mistake in it.
    pub(super) fn wrong(&self, problem: impl Into<String>) -> Mistake {
        Mistake::new(self.origin(), self.key.clone(), problem)
    }

    /// The mistake of being here at all.
    pub(super) fn unknown(&self, known: &[&str]) -> Mistake {
        let near = did_you_mean(self.name(), "", known.iter().copied());
        let near = if near.is_empty() { format!(" Here go: {}.", known.join(", ")) } else { near };
        self.wrong(format!("there is no such key.{near}"))
    }

    /// A text that is not empty.
    pub(super) fn text(&self) -> Result<&'a str, Mistake> {
        match self.value.as_str() {
            Some(text) if text.trim().is_empty() => Err(self.wrong("is empty; give a text")),
            Some(text) => Ok(text),
            None => Err(self.mistyped("a text in quotes")),
        }
    }

    /// A number, or `true` or `false`, as it is written; with quotes too, as in the environment.
    pub(super) fn plain(&self) -> Result<String, Mistake> {
        match (self.value.as_integer(), self.value.as_bool()) {
            (Some(number), _) => Ok(number.as_str().to_owned()),
            (_, Some(truth)) => Ok(truth.to_string()),
            _ => self.text().map(ToOwned::to_owned),
        }
    }

    /// A text of at most `chars_max` characters on one line.
    pub(super) fn line(&self, chars_max: usize) -> Result<Box<str>, Mistake> {
        let text = self.text()?;
        if text.chars().count() > chars_max {
            return Err(self.wrong(format!("is too long; at most {chars_max} characters fit")));
        }
        if text.chars().any(char::is_control) {
            return Err(self.wrong("has a control character or a line break; write one line"));
        }
        Ok(text.into())
    }

    /// `true` or `false`.
    pub(super) fn truth(&self) -> Result<bool, Mistake> {
        self.value.as_bool().ok_or_else(|| self.mistyped("true or false, without quotes"))
    }

    /// A whole number from 1 on.
    pub(super) fn count(&self) -> Result<u32, Mistake> {
        self.count_to(u32::MAX)
    }

    /// A whole number from 1 to `most`.
    pub(super) fn count_to(&self, most: u32) -> Result<u32, Mistake> {
        let number =
            self.value.as_integer().ok_or_else(|| self.mistyped("a whole number, without quotes"))?;
        match u32::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) if (1..=most).contains(&number) => Ok(number),
            _ => Err(self.wrong(format!("must be a whole number from 1 to {most}"))),
        }
    }

    /// A table.
    pub(super) fn table(&self) -> Result<Table<'a>, Mistake> {
        let entries = self.value.as_table().ok_or_else(|| self.mistyped("a table"))?;
        Ok(Table { file: self.file, key: self.key.clone(), span: self.span.clone(), entries })
    }

    /// Whether it is an array.
    pub(super) fn is_array(&self) -> bool {
        self.value.is_array()
    }

    /// Whether it is a table.
    pub(super) fn is_table(&self) -> bool {
        self.value.is_table()
    }

    /// The items of an array.
    pub(super) fn items(&self) -> Result<Vec<Self>, Mistake> {
        let array = self.value.as_array().ok_or_else(|| self.mistyped("an array such as [\"…\", \"…\"]"))?;
        let item = |(index, item): (usize, &'a Spanned<DeValue<'a>>)| Self {
            file: self.file,
            key: format!("{}[{index}]", self.key),
            span: item.span(),
            value: item.get_ref(),
        };
        Ok(array.iter().enumerate().map(item).collect())
    }

    /// The items of an array, or the one value that stands for an array of one.
    pub(super) fn one_or_more(&self) -> Result<Vec<Self>, Mistake> {
        if !self.is_array() {
            return Ok(vec![self.clone()]);
        }
        let items = self.items()?;
        if items.is_empty() { Err(self.wrong("is empty; name at least one")) } else { Ok(items) }
    }

    /// A text that is one of a few.
    pub(super) fn one_of<T: Copy>(&self, choices: &[(&str, T)]) -> Result<T, Mistake> {
        let text = self.text()?;
        choices.iter().find(|(name, _)| *name == text).map(|(_, value)| *value).ok_or_else(|| {
            let names: Vec<String> = choices.iter().map(|(name, _)| quote(name)).collect();
            self.wrong(format!("is {}; write {}", quote(text), names.join(" or ")))
        })
    }

    fn mistyped(&self, wanted: &str) -> Mistake {
        self.wrong(format!("is of the type {}; write {wanted}", self.value.type_str()))
    }
}
