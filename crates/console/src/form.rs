//! Forms: fields with their labels, hints and complaints, and what becomes of a refusal. Whatever was written
//! is kept, but for passwords.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use keyward_core::field::FieldError;
use keyward_core::person::PASSWORD_CHARS_MIN;
use keyward_service::refusal::Refusal;

use crate::respond::page;
use crate::shell::Shell;

/// A field of a form.
#[derive(Debug, Default)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) label: String,
    /// The `type` of the input.
    pub(crate) kind: &'static str,
    /// What it holds. Never a password.
    pub(crate) value: String,
    pub(crate) autocomplete: &'static str,
    pub(crate) hint: Option<String>,
    pub(crate) required: bool,
    pub(crate) chars_min: Option<usize>,
    pub(crate) pattern: Option<&'static str>,
    /// Whether the part of a link after `#` goes here.
    pub(crate) from_link: bool,
    /// Written as it is typed: no capitals, no spelling.
    pub(crate) verbatim: bool,
    pub(crate) complaints: Vec<String>,
}

impl Field {
    pub(crate) fn text(name: &'static str, label: impl Into<String>, value: &str) -> Self {
        Self { name, label: label.into(), kind: "text", value: value.to_owned(), ..Self::default() }
    }

    /// A person's name.
    pub(crate) fn name(value: &str) -> Self {
        Self { autocomplete: "name", ..Self::text("name", "Your name", value) }
    }

    /// The address to sign in with.
    pub(crate) fn email(value: &str) -> Self {
        let field = Self::text("email", "E-mail address", value);
        Self { kind: "email", autocomplete: "username", required: true, ..field }
    }

    /// A password that is chosen now.
    pub(crate) fn new_password() -> Self {
        Self {
            kind: "password",
            autocomplete: "new-password",
            hint: Some(format!(
                "At least {PASSWORD_CHARS_MIN} characters. Several words are easy to remember."
            )),
            required: true,
            chars_min: Some(PASSWORD_CHARS_MIN),
            ..Self::text("password", "Password", "")
        }
    }

    /// A password that was chosen before.
    pub(crate) fn password() -> Self {
        Self {
            kind: "password",
            autocomplete: "current-password",
            required: true,
            ..Self::text("password", "Password", "")
        }
    }

    /// What a one-time link ends with. Once it is known the page only carries it along.
    pub(crate) fn link_token(value: &str) -> Self {
        let hint = "The part of your link after the #, or the whole link.";
        Self {
            kind: if value.is_empty() { "text" } else { "hidden" },
            autocomplete: "off",
            hint: Some(hint.to_owned()),
            required: true,
            from_link: true,
            verbatim: true,
            ..Self::text("token", "Code from the link", value)
        }
    }

    fn takes(&mut self, error: &FieldError) -> bool {
        let mine = error.field == self.name;
        if mine {
            self.complaints.push(sentence(&error.message));
        }
        mine
    }
}

/// What stands behind the last `#` of what somebody pasted: they may have taken the whole link.
pub(crate) fn token_of(pasted: &str) -> &str {
    pasted.rsplit('#').next().unwrap_or_default().trim()
}

/// Fields that belong together.
#[derive(Debug)]
pub(crate) struct Group {
    /// What they are. Empty: the form's own.
    pub(crate) legend: String,
    pub(crate) fields: Vec<Field>,
}

/// A page with one form.
#[derive(Template)]
#[template(path = "form.html")]
pub(crate) struct FormPage {
    pub(crate) shell: Shell,
    pub(crate) heading: String,
    pub(crate) intro: Vec<String>,
    /// Where it goes.
    pub(crate) action: String,
    pub(crate) groups: Vec<Group>,
    pub(crate) submit: &'static str,
    /// Complaints about no single field.
    pub(crate) complaints: Vec<String>,
    /// Where somebody goes who is wrong here: a question, an address, words.
    pub(crate) otherwise: Option<(&'static str, &'static str, &'static str)>,
}

impl FormPage {
    /// The form as it is first shown.
    pub(crate) fn show(&self) -> Response {
        page(StatusCode::OK, self)
    }

    /// The form once more, with what is wrong.
    pub(crate) fn show_again(mut self, wrong: Wrong) -> Response {
        for error in wrong.fields {
            let taken = self.fields_mut().any(|field| field.takes(&error));
            if !taken {
                self.complaints.push(sentence(&error.to_string()));
            }
        }
        self.complaints.extend(wrong.general);
        page(wrong.status, &self)
    }

    fn fields_mut(&mut self) -> impl Iterator<Item = &mut Field> {
        self.groups.iter_mut().flat_map(|group| &mut group.fields)
    }

    /// Whether anything is wrong.
    fn is_wrong(&self) -> bool {
        !self.complaints.is_empty()
            || self.groups.iter().flat_map(|group| &group.fields).any(|f| !f.complaints.is_empty())
    }
}

/// What is wrong with a form that was sent.
#[derive(Debug)]
pub(crate) struct Wrong {
    pub(crate) status: StatusCode,
    fields: Vec<FieldError>,
    general: Vec<String>,
}

impl Wrong {
    /// All of it, for a form whose fields are few.
    pub(crate) fn all(self) -> Vec<String> {
        let of_fields = self.fields.iter().map(|error| sentence(&error.message));
        of_fields.chain(self.general).collect()
    }
}

/// What becomes of a refusal.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The form is shown again.
    Again(Wrong),
    /// The link is not there, or no more.
    LinkGone,
    /// No form can mend it.
    Broken(Refusal),
}

impl From<Refusal> for Outcome {
    fn from(refusal: Refusal) -> Self {
        let status = match refusal {
            Refusal::Invalid(fields) => return Self::Again(fields.into()),
            Refusal::NotFound(_) => return Self::LinkGone,
            Refusal::Unavailable(_) | Refusal::Internal(_) => return Self::Broken(refusal),
            Refusal::WrongCredentials => StatusCode::UNPROCESSABLE_ENTITY,
            Refusal::Conflict(_) | Refusal::PreconditionFailed => StatusCode::CONFLICT,
            Refusal::RateLimited(_) | Refusal::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Refusal::Busy(_) => StatusCode::SERVICE_UNAVAILABLE,
            Refusal::Unauthenticated
            | Refusal::InvalidKey
            | Refusal::InsufficientScope { .. }
            | Refusal::Forbidden(_)
            | Refusal::PlanRequired(_) => StatusCode::FORBIDDEN,
        };
        Self::Again(Wrong { status, fields: Vec::new(), general: vec![sentence(&refusal.to_string())] })
    }
}

impl From<Vec<FieldError>> for Wrong {
    fn from(fields: Vec<FieldError>) -> Self {
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, fields, general: Vec::new() }
    }
}

/// The service's words as a sentence: a capital first, a full stop last.
pub(crate) fn sentence(words: &str) -> String {
    let mut chars = words.chars();
    let mut text: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
    text.push_str(chars.as_str());
    if !text.ends_with(['.', '!', '?', '…']) {
        text.push('.');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const NASTY: &str = "\"'><script>alert(1)</script>";

    fn nasty_field(kind: &'static str) -> Field {
        Field {
            kind,
            autocomplete: NASTY,
            hint: Some(NASTY.to_owned()),
            required: true,
            chars_min: Some(12),
            pattern: Some(NASTY),
            from_link: true,
            verbatim: true,
            complaints: vec![NASTY.to_owned()],
            ..Field::text(NASTY, NASTY, NASTY)
        }
    }

    #[test]
    fn whatever_stands_in_a_form_is_escaped() {
        let fields = || ["text", "hidden", "password"].map(nasty_field).into();
        let form = FormPage {
            shell: crate::tests::nasty_shell(),
            heading: NASTY.to_owned(),
            intro: vec![NASTY.to_owned()],
            action: NASTY.to_owned(),
            groups: vec![
                Group { legend: String::new(), fields: fields() },
                Group { legend: NASTY.to_owned(), fields: fields() },
            ],
            submit: NASTY,
            complaints: vec![NASTY.to_owned()],
            otherwise: Some((NASTY, NASTY, NASTY)),
        };
        let html = form.render().unwrap();
        assert!(!html.contains("<script>alert"), "{html}");
        assert!(!html.contains("\"'>"), "{html}");
        assert!(html.contains("&#60;script&#62;alert(1)"), "{html}");
    }

    #[test]
    fn the_services_words_become_sentences() {
        assert_eq!(sentence("give a name"), "Give a name.");
        assert_eq!(sentence("Ändern?"), "Ändern?");
        assert_eq!(sentence(""), ".");
    }

    #[test]
    fn a_pasted_link_ends_with_its_code() {
        assert_eq!(token_of(" https://keys.example.com/setup#kwsetup_1 "), "kwsetup_1");
        assert_eq!(token_of("kwsetup_1"), "kwsetup_1");
        assert_eq!(token_of(" "), "");
    }
}
