//! Choices that tick several scopes at once: none, reading or all of one thing, or of everything. A script does it on the spot;
//! without scripts the form comes here and is shown again.

use keyward_core::catalogue::Catalogue;
use keyward_service::prepare_key::Offer;

use super::draft::Draft;
use super::form::Part;

/// The field that carries a choice.
pub(super) const FIELD: &str = "choose";
/// Stands for all things.
const ALL: &str = "*";

/// How much of a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// Nothing.
    None,
    /// What reads it.
    Read,
    /// All that whoever asks may give.
    Write,
}

impl Level {
    pub(super) const ALL: [Self; 3] = [Self::None, Self::Read, Self::Write];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Read => "read",
            Self::Write => "write",
        }
    }

    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Read => "Read",
            Self::Write => "Write",
        }
    }

    /// Whether a scope of that name belongs to it.
    pub(super) fn has(self, scope: &str) -> bool {
        match self {
            Self::None => false,
            Self::Read => reads(scope),
            Self::Write => true,
        }
    }
}

/// Whether the name of a scope says that it reads, as `products:read` does.
pub(super) fn reads(scope: &str) -> bool {
    scope.rsplit_once(':').is_some_and(|(_, verb)| verb == "read")
}

/// What a scope is about: `products` of `products:read`.
pub(super) fn thing(scope: &str) -> &str {
    scope.rsplit_once(':').map_or("", |(thing, _)| thing)
}

/// A choice that was made: on which part of the form, how much, of what.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Choice<'a> {
    pub(super) part: Part,
    /// `None`: nothing changes; the form only says what is chosen.
    level: Option<Level>,
    thing: &'a str,
}

impl<'a> Choice<'a> {
    /// `None`: no form of ours has that choice.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let (step, rest) = text.split_once(' ')?;
        let (level, thing) = rest.split_once(' ')?;
        let part = match step {
            "whole" => Part::Whole,
            "scopes" => Part::Scopes,
            _ => return None,
        };
        let level = match level {
            "look" => None,
            name => Some(Level::ALL.into_iter().find(|level| level.name() == name)?),
        };
        Some(Self { part, level, thing })
    }

    /// Ticks what was chosen, and takes the ticks from the rest of the same thing.
    pub(super) fn apply(&self, draft: &mut Draft, catalogue: &Catalogue, offer: &Offer) {
        let Some(level) = self.level else { return };
        for (scope, held) in catalogue.scopes().iter().zip(&offer.held) {
            if self.thing != ALL && self.thing != thing(&scope.name) {
                continue;
            }
            draft.scopes.retain(|name| **name != *scope.name);
            if *held && level.has(&scope.name) {
                draft.scopes.push(scope.name.to_string());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticked(choice: &str, before: &[&str], held: &[bool]) -> Vec<String> {
        let catalogue = &crate::tests::profile("Acme", "team").catalogue;
        let scopes = before.iter().map(|name| (*name).to_owned()).collect();
        let mut draft = Draft { scopes, ..Draft::default() };
        Choice::read(choice).unwrap().apply(
            &mut draft,
            catalogue,
            &Offer { held: held.to_vec(), lifetime_max: None },
        );
        draft.scopes
    }

    #[test]
    fn a_choice_ticks_what_is_held_of_its_thing_and_no_more() {
        let (read, write) = ("products:read", "products:write");
        assert_eq!(ticked("whole read products", &[write], &[true, true]), [read]);
        assert_eq!(ticked("scopes write products", &[], &[true, true]), [read, write]);
        assert_eq!(ticked("scopes write *", &[], &[true, false]), [read]);
        assert_eq!(ticked("whole read *", &[], &[false, true]), [""; 0]);
        assert_eq!(ticked("whole none products", &[read, write], &[true, true]), [""; 0]);
        assert_eq!(ticked("whole none releases", &[read], &[true, true]), [read]);
        assert_eq!(ticked("whole look *", &[write], &[true, true]), [write]);
    }

    #[test]
    fn a_choice_that_no_form_has_is_none() {
        for text in ["", "whole", "whole read", "details read *", "whole much *"] {
            assert_eq!(Choice::read(text), None, "{text:?}");
        }
    }
}
