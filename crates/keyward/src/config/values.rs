//! Values as they came in, before they are parsed: for each setting the one that wins, and where it is from.

use std::net::IpAddr;

use ipnet::IpNet;
use zeroize::Zeroizing;

use super::mistake::{Mistake, quote};
use super::origin::Origin;
use super::setting::{Setting, Shape};

/// A value as it was written. Cleared when it goes: it may be a secret.
#[derive(Clone)]
pub(super) enum Raw {
    Text(Zeroizing<String>),
    List(Vec<String>),
    /// In the order in which they were written; a name may be there twice.
    Map(Vec<(String, String)>),
}

impl Raw {
    /// Splits a list or a map at its commas, where the setting is one. A part of a map without `=` is a name
    /// without a text.
    pub(super) fn from_text(setting: &Setting, text: &str) -> Self {
        match setting.shape {
            Shape::Text | Shape::Plain | Shape::Secret | Shape::Address => {
                Self::Text(Zeroizing::new(text.to_owned()))
            }
            Shape::List => Self::List(parts(text).map(ToOwned::to_owned).collect()),
            Shape::Map => {
                let entry = |part: &str| {
                    let (name, value) = part.split_once('=').unwrap_or((part, ""));
                    (name.trim().to_owned(), value.trim().to_owned())
                };
                Self::Map(parts(text).map(entry).collect())
            }
        }
    }
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty())
}

/// A value and where it came from.
#[derive(Clone)]
pub(super) struct Given {
    pub(super) raw: Raw,
    pub(super) origin: Origin,
}

/// The winning value of each setting, in the order of [`super::setting::ALL`].
pub(super) struct Values(pub(super) Vec<(&'static Setting, Option<Given>)>);

impl Values {
    pub(super) fn given(&self, setting: &Setting) -> Option<&Given> {
        self.0.iter().find(|(known, _)| known.name == setting.name).and_then(|(_, given)| given.as_ref())
    }

    /// Where the value of a setting came from.
    pub(super) fn origin(&self, setting: &Setting) -> Origin {
        self.given(setting).map_or(Origin::Default, |given| given.origin.clone())
    }

    /// A mistake in the value of a setting.
    pub(super) fn wrong(&self, setting: &Setting, problem: impl Into<String>) -> Mistake {
        Mistake::new(self.origin(setting), setting.name, problem)
    }

    /// A text that may be left out, parsed. The message of `parse` follows the key.
    pub(super) fn optional<T>(
        &self,
        setting: &Setting,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, Mistake> {
        match self.given(setting).map(|given| &given.raw) {
            Some(Raw::Text(text)) if text.trim().is_empty() => {
                Err(self.wrong(setting, "is empty; give a value, or leave the setting out"))
            }
            Some(Raw::Text(text)) => parse(text).map(Some).map_err(|problem| self.wrong(setting, problem)),
            Some(Raw::List(_) | Raw::Map(_)) | None => Ok(None),
        }
    }

    /// A text that has a default, parsed.
    pub(super) fn required<T>(
        &self,
        setting: &Setting,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<T, Mistake> {
        self.optional(setting, parse)?.ok_or_else(|| self.wrong(setting, "is missing; give a value"))
    }

    /// The entries of a map, each with a name and a text.
    pub(super) fn entries(&self, setting: &Setting) -> Result<&[(String, String)], Mistake> {
        let Some(Raw::Map(entries)) = self.given(setting).map(|given| &given.raw) else { return Ok(&[]) };
        let lacking = entries.iter().find(|(name, value)| name.is_empty() || value.is_empty());
        match lacking {
            None => Ok(entries),
            Some((name, value)) => {
                let entry = quote(&format!("{name}={value}"));
                Err(self.wrong(setting, format!("{entry} lacks a name or a value; write name=value")))
            }
        }
    }

    /// The texts of a list. None at all is a list too.
    pub(super) fn texts(&self, setting: &Setting) -> &[String] {
        match self.given(setting).map(|given| &given.raw) {
            Some(Raw::List(texts)) => texts,
            Some(Raw::Text(_) | Raw::Map(_)) | None => &[],
        }
    }

    /// Networks. None at all is a list too.
    pub(super) fn networks(&self, setting: &Setting) -> Result<Vec<IpNet>, Mistake> {
        let Some(Raw::List(parts)) = self.given(setting).map(|given| &given.raw) else {
            return Ok(Vec::new());
        };
        let networks = parts.iter().map(|part| {
            let network = part.parse::<IpNet>().ok().or_else(|| part.parse::<IpAddr>().ok().map(IpNet::from));
            network.ok_or_else(|| {
                let text = quote(part);
                self.wrong(
                    setting,
                    format!("{text} is no network; write addresses or networks such as 10.0.0.0/8"),
                )
            })
        });
        networks.collect()
    }
}

/// What a setting may be set to, one of a few words.
pub(super) fn one_of<T: Copy>(text: &str, choices: &[(&str, T)]) -> Result<T, String> {
    choices.iter().find(|(name, _)| *name == text).map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<String> = choices.iter().map(|(name, _)| quote(name)).collect();
        format!("is {}; write {}", quote(text), names.join(" or "))
    })
}
