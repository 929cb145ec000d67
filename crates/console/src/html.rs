//! A part of a page that is written already, escaping and all: what a template puts into another unescaped. Only a
//! template makes one.

use askama::Template;

/// A part of a page.
pub(crate) struct Html(String);

impl Html {
    pub(crate) fn of(template: &impl Template) -> Result<Self, askama::Error> {
        template.render().map(Self)
    }
}

impl std::fmt::Display for Html {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::fmt::Debug for Html {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // It may hold a secret.
        f.write_str("Html(…)")
    }
}

impl askama::filters::HtmlSafe for Html {}
