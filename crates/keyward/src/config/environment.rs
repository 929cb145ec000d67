//! Settings in the environment.

use std::collections::BTreeMap;
use std::ffi::OsString;

use super::mistake::{Mistake, Mistakes, did_you_mean};
use super::origin::Origin;
use super::setting::{ALL, ENV_PREFIX, Setting};

/// What separates a section from a name, as in `KEYWARD_SERVER__LISTEN`.
const SEPARATOR: &str = "__";

/// The variables of the process that are Keyward's.
#[derive(Default)]
pub(super) struct Environment(BTreeMap<String, OsString>);

impl Environment {
    /// Takes those that start with `KEYWARD_`.
    pub(super) fn new(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let named = variables.into_iter().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        Self(named.filter(|(name, _)| name.starts_with(ENV_PREFIX)).collect())
    }

    /// The text of a variable.
    pub(super) fn text(&self, setting: &Setting, name: &str) -> Result<Option<&str>, Mistake> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        value.to_str().map(Some).ok_or_else(|| {
            Mistake::new(Origin::Environment(name.to_owned()), setting.name, "is not UTF-8 text")
        })
    }

    /// Refuses variables that look like a setting and are none. Others (`KEYWARD_BIN`, or what Kubernetes
    /// sets for a service of the name) are somebody else's.
    pub(super) fn refuse_unknown(&self, mistakes: &mut Mistakes) {
        let known: Vec<String> = ALL
            .iter()
            .flat_map(|setting| [Some(setting.variable()), setting.file_variable()])
            .flatten()
            .collect();
        for name in self.0.keys().filter(|name| !known.contains(name)) {
            let near_miss = known.iter().any(|known| strsim::damerau_levenshtein(known, name) == 1);
            if near_miss || name.contains(SEPARATOR) {
                let near = did_you_mean(name, ENV_PREFIX, known.iter().map(String::as_str));
                let problem = format!("there is no such setting; correct or unset it.{near}");
                mistakes.add(Mistake::new(Origin::Environment(name.clone()), "", problem));
            }
        }
    }
}
