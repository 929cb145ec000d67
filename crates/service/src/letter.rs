//! What Keyward writes to people, and who carries it.

use std::fmt::Write as _;

use async_trait::async_trait;
use jiff::Timestamp;
use keyward_core::id::{KeyId, MailId};
use keyward_core::key::{Key, KeyKind};
use keyward_core::notice::{self, Notice};
use keyward_core::person::Email;
use keyward_core::profile::Product;
use keyward_core::workspace::Workspace;

/// Something that is sent to one person. No part of it is a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Its identifier: the same however often it is tried, so that who gets it twice can tell.
    pub id: MailId,
    /// To whom.
    pub to: Email,
    /// When what it tells of was noticed.
    pub at: Timestamp,
    /// What it is about. One line.
    pub subject: String,
    /// The text.
    pub text: String,
}

/// A letter did not go out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Undelivered {
    /// Another try may do.
    #[error("{0}")]
    ForNow(String),
    /// No other try will do: it was refused.
    #[error("{0}")]
    ForGood(String),
}

/// Who carries letters.
#[async_trait]
pub trait Post: Send + Sync + std::fmt::Debug {
    /// Hands a letter to a mail server. Once this returns, the server has it.
    async fn send(&self, letter: &Letter) -> Result<(), Undelivered>;
}

/// Why somebody gets a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// They look after the key.
    Owner,
    /// Nobody does, and they manage the workspace.
    Manager,
}

/// What the text of a notice is made from.
pub(crate) struct Facts<'a> {
    pub product: &'a Product,
    pub public_url: &'a str,
    pub key: &'a Key,
    /// `None`: a personal key.
    pub workspace: Option<&'a Workspace>,
    pub notice: Notice,
    pub expires_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
    pub reason: Reason,
    pub now: Timestamp,
}

impl Facts<'_> {
    /// The subject line.
    pub(crate) fn subject(&self) -> String {
        let Product { name: product, .. } = self.product;
        format!("[{product}] The API key \"{}\" {}", self.key.name, self.happens())
    }

    /// The text.
    pub(crate) fn text(&self) -> String {
        let expires = when(self.expires_at);
        let then = match self.notice {
            Notice::Ended => "Since then",
            Notice::Ahead30 | Notice::Ahead7 | Notice::Ahead1 => "From then on",
        };
        let whose = match self.workspace {
            Some(workspace) => {
                format!(" of the {} \"{}\"", self.product.workspace_word, workspace.name)
            }
            None => String::new(),
        };
        let subject = match self.key.kind() {
            KeyKind::Personal => "Your personal API key",
            KeyKind::Workspace => "The API key",
        };
        format!(
            "{subject} \"{}\"{whose} {}, on {expires}.\n\
             {then} every request with it is refused.\n\n\
             {}\n\
             What to do\n\n{}\n\
             --\n{}\n",
            self.key.name,
            self.happens(),
            self.table(&expires),
            self.advice(),
            self.why()
        )
    }

    /// What happens to the key, and when.
    fn happens(&self) -> String {
        match (self.notice, notice::days_left(self.expires_at, self.now)) {
            (Notice::Ended, _) => "has expired".to_owned(),
            (_, 0 | 1) => "expires within a day".to_owned(),
            (_, days) => format!("expires within {days} days"),
        }
    }

    fn table(&self, expires: &str) -> String {
        let word = capitalized(&self.product.workspace_word);
        let place =
            self.workspace.map(|workspace| (word, format!("{} ({})", workspace.name, workspace.slug)));
        let used = self.last_used_at.map_or_else(|| "never".to_owned(), when);
        let rows = [
            Some(("Key".to_owned(), format!("{} ({})", self.key.name, self.key.id))),
            place,
            Some(("Expires".to_owned(), expires.to_owned())),
            Some(("Last used".to_owned(), used)),
        ];
        let rows: Vec<(String, String)> = rows.into_iter().flatten().collect();
        let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default() + 1;
        let mut table = String::new();
        for (name, value) in &rows {
            // A text in memory grows without failing.
            let _ = writeln!(table, "  {:width$} {value}", format!("{name}:"));
        }
        table
    }

    /// A key's end cannot be moved, not even by a rotation: another key takes its place.
    fn advice(&self) -> String {
        let place = self
            .workspace
            .map_or_else(|| "--personal".to_owned(), |workspace| format!("--workspace {}", workspace.slug));
        format!(
            "If something still uses the key: make another one, put its secret where this one's is,\n\
             and revoke this one. A rotation gives it a new secret, but no longer life.\n\n\
             {url}\n\n\
             On the command line, with what it may do before your eyes:\n\n  \
             keyward keys show {key} {place}\n  \
             keyward keys create NAME {place}\n\n\
             If nothing uses it any more, there is nothing to do.\n",
            url = format_args!("  {}", key_url(self.public_url, self.workspace, self.key.id)),
            key = self.key.id,
        )
    }

    fn why(&self) -> String {
        let product = &self.product.name;
        match self.reason {
            Reason::Owner => format!("{product} writes to you because you look after this key."),
            Reason::Manager => format!(
                "{product} writes to you because nobody looks after this key, and you manage the {}.",
                self.product.workspace_word
            ),
        }
    }
}

/// Where a key is in the console.
pub(crate) fn key_url(public_url: &str, workspace: Option<&Workspace>, key: KeyId) -> String {
    match workspace {
        Some(workspace) => format!("{public_url}/w/{}/keys/{key}", workspace.slug),
        None => format!("{public_url}/account/keys/{key}"),
    }
}

/// A time for people, to the minute.
fn when(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
