//! `[bootstrap]`: the first owner and workspace, for a start that nobody attends.

use keyward_core::field::FieldError;
use keyward_core::person::{DisplayName, Email, Password};
use keyward_core::workspace::Slug;

use super::mistake::{Mistake, Mistakes};
use super::setting::{Setting, Shape};
use super::values::Values;

pub(super) const OWNER_EMAIL: Setting = Setting {
    name: "bootstrap.owner_email",
    shape: Shape::Text,
    flag: None,
    default: None,
    takes: "an e-mail address",
    meaning: "The first owner, created at a start that finds no user at all. Left out: `keyward serve` prints a one-time set-up link instead.",
};

pub(super) const OWNER_PASSWORD: Setting = Setting {
    name: "bootstrap.owner_password",
    shape: Shape::Secret,
    flag: None,
    default: None,
    takes: "at least 8 characters",
    meaning: "The first owner's password.",
};

pub(super) const WORKSPACE_NAME: Setting = Setting {
    name: "bootstrap.workspace_name",
    shape: Shape::Text,
    flag: None,
    default: None,
    takes: "1 to 100 characters",
    meaning: "The name of the first owner's workspace. Left out: it is called \"Main\".",
};

pub(super) const WORKSPACE_SLUG: Setting = Setting {
    name: "bootstrap.workspace_slug",
    shape: Shape::Text,
    flag: None,
    default: None,
    takes: "3 to 40 of `0-9`, `a-z` and `-`",
    meaning: "The slug of that workspace. Left out: eight random characters.",
};

/// Who owns the store at first.
#[derive(Debug)]
pub(crate) struct Bootstrap {
    /// Their address.
    pub(crate) owner_email: Email,
    /// Their password.
    pub(crate) owner_password: Password,
    /// Their workspace, if there is to be one.
    pub(crate) workspace: Option<BootstrapWorkspace>,
}

/// The first workspace.
#[derive(Debug)]
pub(crate) struct BootstrapWorkspace {
    /// Its name.
    pub(crate) name: DisplayName,
    /// Its slug. `None`: a generated one.
    pub(crate) slug: Option<Slug>,
}

impl Bootstrap {
    /// Nothing given is nothing to do; something given must be enough.
    #[expect(
        clippy::option_option,
        reason = "outside: whether it could be read; inside: whether it is there"
    )]
    pub(super) fn read(values: &Values, mistakes: &mut Mistakes) -> Option<Option<Self>> {
        let message = |error: FieldError| error.message;
        let email = mistakes.take(
            values.optional(&OWNER_EMAIL, |text| Email::parse(OWNER_EMAIL.name, text).map_err(message)),
        );
        let password = mistakes.take(values.optional(&OWNER_PASSWORD, |text| {
            Password::choose(OWNER_PASSWORD.name, text.to_owned()).map_err(message)
        }));
        let name = mistakes.take(values.optional(&WORKSPACE_NAME, |text| {
            DisplayName::parse(WORKSPACE_NAME.name, text).map_err(message)
        }));
        let slug =
            mistakes.take(values.optional(&WORKSPACE_SLUG, |text| Slug::choose(text).map_err(message)));
        let (email, password, name, slug) = (email?, password?, name?, slug?);
        mistakes.take(enough(values))?;
        let workspace = name.map(|name| BootstrapWorkspace { name, slug });
        Some(match (email, password) {
            (Some(owner_email), Some(owner_password)) => {
                Some(Self { owner_email, owner_password, workspace })
            }
            _ => None,
        })
    }
}

/// Each of these needs another one.
fn enough(values: &Values) -> Result<(), Mistake> {
    let needs = [
        (&OWNER_EMAIL, &OWNER_PASSWORD),
        (&OWNER_PASSWORD, &OWNER_EMAIL),
        (&WORKSPACE_NAME, &OWNER_EMAIL),
        (&WORKSPACE_SLUG, &WORKSPACE_NAME),
    ];
    for (setting, needed) in needs {
        if values.given(setting).is_some() && values.given(needed).is_none() {
            let problem =
                format!("does nothing without {}; set that too ({})", needed.name, needed.variable());
            return Err(values.wrong(setting, problem));
        }
    }
    Ok(())
}
