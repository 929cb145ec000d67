//! What a new key would be, in plain words. The script says the first sentence in the same words while boxes are ticked.

use super::draft::{CUSTOM, NEVER};
use super::form::{KeyForm, Part, ScopeChoice};

impl KeyForm {
    /// What the key may do, as it is ticked and written now.
    pub(super) fn rights_in_words(&self) -> String {
        let chosen = self.groups.iter().flat_map(|group| &group.scopes).filter(|scope| scope.chosen);
        let rights: Vec<String> = chosen.map(in_words).collect();
        let rules = self.draft.rules.lines().filter(|line| !line.trim().is_empty()).count();
        let rules = match rules {
            0 => String::new(),
            1 => "what 1 rule allows".to_owned(),
            more => format!("what {more} rules allow"),
        };
        let all: Vec<String> =
            rights.into_iter().chain(Some(rules).filter(|text| !text.is_empty())).collect();
        match all.split_last() {
            None => "The key may do nothing yet.".to_owned(),
            Some((only, [])) => format!("The key may {only}."),
            Some((last, rest)) => format!("The key may {} and {last}.", rest.join(", ")),
        }
    }

    /// When it ends and where it works, once that was written on the step before.
    pub(super) fn limits_in_words(&self) -> Option<String> {
        if self.part != Part::Scopes {
            return None;
        }
        let end = match self.draft.expiry.as_str() {
            "" | NEVER => "It never expires".to_owned(),
            CUSTOM => format!("Its last day is {}", self.draft.expires_on),
            _ => {
                let chosen = self.expiry.iter().find(|choice| choice.chosen);
                chosen.map(|choice| format!("It ends after {}", choice.words))?
            }
        };
        let networks = self.draft.cidrs();
        let from = match networks.as_slice() {
            [] => "works from anywhere".to_owned(),
            some => format!("works only from {}", some.join(", ")),
        };
        let places = match self.draft.workspaces.as_slice() {
            [] => String::new(),
            some => format!(", only in {}", some.join(", ")),
        };
        Some(format!("{end}, and {from}{places}."))
    }
}

/// "read products", "read products only on acme:web".
fn in_words(scope: &ScopeChoice) -> String {
    let mut letters = scope.title.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_lowercase).collect();
    let title = first + letters.as_str();
    if scope.only.is_empty() { title } else { format!("{title} only on {}", scope.only) }
}
